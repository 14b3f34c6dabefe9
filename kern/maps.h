/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.h - HM_MAP(name); declares a map that abi.h describes.
 *
 * Three forms of one declaration:
 *   HM_MAPS_LEGACY  struct bpf_elf_map in section "maps", for an iproute2
 *                   without libbpf 1.x (make MAPS=legacy)
 *   HM_MAPS_PINNED  BTF-defined, pinned by name: for objects that ip or tc
 *                   loads, which pin in <bpffs>/tc/globals
 *   otherwise       BTF-defined, no pin: for objects that bpftool loads, which
 *                   are given the pins by "map name X pinned P"
 */
#ifndef HOOKMAP_MAPS_H
#define HOOKMAP_MAPS_H

#ifdef HM_MAPS_LEGACY
/* that loader has no .rodata: bpf_printk keeps its text on the stack */
#define BPF_NO_GLOBAL_DATA
#endif

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "bpf_elf.h"

#if defined(HM_MAPS_LEGACY)

#define HM_PINNING PIN_GLOBAL_NS

#define HM_DECLARE_AS(NAME, TYPE, ID, KEY, VALUE, ENTRIES, FLAGS, PINNING)                         \
	struct bpf_elf_map SEC(ELF_SECTION_MAPS) NAME = {                                          \
		.type = (TYPE),                                                                    \
		.id = (ID),                                                                        \
		.size_key = sizeof(KEY),                                                           \
		.size_value = sizeof(VALUE),                                                       \
		.max_elem = (ENTRIES),                                                             \
		.flags = (FLAGS),                                                                  \
		.pinning = (PINNING),                                                              \
	}

#else

#ifdef HM_MAPS_PINNED
#define HM_PINNING PIN_GLOBAL_NS
#else
#define HM_PINNING PIN_NONE
#endif

/* libbpf has no ID, and pins by name or not at all */
#define HM_DECLARE_AS(NAME, TYPE, ID, KEY, VALUE, ENTRIES, FLAGS, PINNING)                         \
	struct {                                                                                   \
		__uint(type, TYPE);                                                                \
		__type(key, KEY);                                                                  \
		__type(value, VALUE);                                                              \
		__uint(max_entries, ENTRIES);                                                      \
		__uint(map_flags, FLAGS);                                                          \
		__uint(pinning, (PINNING) ? LIBBPF_PIN_BY_NAME : LIBBPF_PIN_NONE);                 \
	} NAME SEC(".maps")

#endif

#define HM_DECLARE(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                         \
	HM_DECLARE_AS(NAME, BPF_MAP_TYPE_##TYPE, 0, KEY, VALUE, ENTRIES, FLAGS, HM_PINNING)

#define HM_MAP(NAME) HM_MAP_##NAME(HM_DECLARE)

/* Not pinned: each loaded program has its own. */
#define HM_DECLARE_PRIVATE(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                 \
	HM_DECLARE_AS(NAME, BPF_MAP_TYPE_##TYPE, 0, KEY, VALUE, ENTRIES, FLAGS, PIN_NONE)
#define HM_PRIVATE(NAME) HM_PRIVATE_##NAME(HM_DECLARE_PRIVATE)

/*
 * HM_MAP_OF(name, type, key, value, flags); declares an array of maps that abi.h
 * describes, whose maps are like this.
 */
#if defined(HM_MAPS_LEGACY)
#define HM_MAP_OF(NAME, TYPE, KEY, VALUE, FLAGS)                                                   \
	struct bpf_elf_map SEC(ELF_SECTION_MAPS) NAME##_in = {                                     \
		.type = BPF_MAP_TYPE_##TYPE,                                                       \
		.size_key = sizeof(KEY),                                                           \
		.size_value = sizeof(VALUE),                                                       \
		.max_elem = 1,                                                                     \
		.flags = (FLAGS),                                                                  \
		.id = __LINE__,                                                                    \
	};                                                                                         \
	struct bpf_elf_map SEC(ELF_SECTION_MAPS) NAME = {                                          \
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,                                                \
		.size_key = sizeof(__u32),                                                         \
		.size_value = sizeof(__u32),                                                       \
		.max_elem = HM_MAP_##NAME(HM_ENTRIES),                                             \
		.pinning = HM_PINNING,                                                             \
		.inner_id = __LINE__,                                                              \
	}
#else
#define HM_MAP_OF(NAME, TYPE, KEY, VALUE, FLAGS)                                                   \
	struct NAME##_in {                                                                         \
		__uint(type, BPF_MAP_TYPE_##TYPE);                                                 \
		__uint(key_size, sizeof(KEY));                                                     \
		__uint(value_size, sizeof(VALUE));                                                 \
		__uint(max_entries, 1);                                                            \
		__uint(map_flags, FLAGS);                                                          \
	};                                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(max_entries, HM_MAP_##NAME(HM_ENTRIES));                                    \
		__uint(pinning, (HM_PINNING) ? LIBBPF_PIN_BY_NAME : LIBBPF_PIN_NONE);              \
		__array(values, struct NAME##_in);                                                 \
	} NAME SEC(".maps")
#endif
#define HM_ENTRIES(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS) ENTRIES

/* After the license, where no loader looks: the scripts compare it with their own ABI. */
#define HM_STRING_(X)	 #X
#define HM_STRING(X)	 HM_STRING_(X)
#define HM_LICENSE(NAME) NAME "\0hookmap-abi:" HM_STRING(HM_ABI)
#ifndef HM_OWN_LICENSE
char hm_license[] SEC(ELF_SECTION_LICENSE) = HM_LICENSE("GPL");
#endif

/* The verifier checks a global function once, not once per path to it. An iproute2 without
 * libbpf does not support functions. */
#ifdef HM_MAPS_LEGACY
#define HM_FUNCTION static __always_inline
#else
#define HM_FUNCTION __noinline
#endif

#endif
