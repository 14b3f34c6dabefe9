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

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#if defined(HM_MAPS_LEGACY)

/* iproute2's own layout, from its include/bpf_elf.h */
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
#define HM_PIN_GLOBAL_NS 2

#define HM_DECLARE(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                         \
	struct bpf_elf_map SEC("maps") NAME = {                                                    \
		.type = BPF_MAP_TYPE_##TYPE,                                                       \
		.size_key = sizeof(KEY),                                                           \
		.size_value = sizeof(VALUE),                                                       \
		.max_elem = (ENTRIES),                                                             \
		.flags = (FLAGS),                                                                  \
		.pinning = HM_PIN_GLOBAL_NS,                                                       \
	}

#else

#ifdef HM_MAPS_PINNED
#define HM_PINNING __uint(pinning, LIBBPF_PIN_BY_NAME);
#else
#define HM_PINNING
#endif

#define HM_DECLARE(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##TYPE);                                                 \
		__type(key, KEY);                                                                  \
		__type(value, VALUE);                                                              \
		__uint(max_entries, ENTRIES);                                                      \
		__uint(map_flags, FLAGS);                                                          \
		HM_PINNING                                                                         \
	} NAME SEC(".maps")

#endif

#define HM_MAP(NAME) HM_MAP_##NAME(HM_DECLARE)

/*
 * HM_MAP_OF(name, type, key, value, flags); declares an array of maps that abi.h
 * describes, whose maps are like this.
 */
#if defined(HM_MAPS_LEGACY)
#define HM_MAP_OF(NAME, TYPE, KEY, VALUE, FLAGS)                                                   \
	struct bpf_elf_map SEC("maps") NAME##_in = {                                               \
		.type = BPF_MAP_TYPE_##TYPE,                                                       \
		.size_key = sizeof(KEY),                                                           \
		.size_value = sizeof(VALUE),                                                       \
		.max_elem = 1,                                                                     \
		.flags = (FLAGS),                                                                  \
		.id = __LINE__,                                                                    \
	};                                                                                         \
	struct bpf_elf_map SEC("maps") NAME = {                                                    \
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,                                                \
		.size_key = sizeof(__u32),                                                         \
		.size_value = sizeof(__u32),                                                       \
		.max_elem = HM_MAP_##NAME(HM_ENTRIES),                                             \
		.pinning = HM_PIN_GLOBAL_NS,                                                       \
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
		HM_PINNING                                                                         \
		__array(values, struct NAME##_in);                                                 \
	} NAME SEC(".maps")
#endif
#define HM_ENTRIES(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS) ENTRIES

/* Behind the license, where no loader looks: the scripts compare it with the
 * ABI that they were installed with. */
#define HM_STRING_(X) #X
#define HM_STRING(X)  HM_STRING_(X)
char hm_license[] SEC("license") = "GPL\0hookmap-abi:" HM_STRING(HM_ABI);

#endif
