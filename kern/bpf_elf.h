/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpf_elf.h - iproute2's own form of a map: the content of section "maps" for a loader built
 * without libbpf 1.x. Names and layout are iproute2's.
 */
#ifndef HOOKMAP_BPF_ELF_H
#define HOOKMAP_BPF_ELF_H

#include <linux/types.h>

#define ELF_MAX_MAPS	    64
#define ELF_MAX_LICENSE_LEN 128

#define ELF_SECTION_LICENSE    "license"
#define ELF_SECTION_MAPS       "maps"
#define ELF_SECTION_PROG       "prog"
#define ELF_SECTION_CLASSIFIER "classifier"
#define ELF_SECTION_ACTION     "action"

/* bpf_elf_map.pinning */
#define PIN_NONE      0
#define PIN_OBJECT_NS 1 /* <bpffs>/tc/<hash of the object>/NAME */
#define PIN_GLOBAL_NS 2 /* <bpffs>/tc/globals/NAME */

struct bpf_elf_map {
	__u32 type;
	__u32 size_key;
	__u32 size_value;
	__u32 max_elem;
	__u32 flags;
	__u32 id;
	__u32 pinning;
	__u32 inner_id;
	__u32 inner_idx;
};

/* the types of a map's key and value, for a loader without other type information */
#define BPF_ANNOTATE_KV_PAIR(NAME, KEY, VALUE)                                                     \
	struct ____btf_map_##NAME {                                                                \
		KEY key;                                                                           \
		VALUE value;                                                                       \
	};                                                                                         \
	struct ____btf_map_##NAME ____btf_map_##NAME                                               \
		__attribute__((section(".maps." #NAME), used)) = {}

#endif
