/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpf_api.h - the names of iproute2's include/bpf_api.h, which distributions do not
 * ship, over libbpf's helpers and HM_DECLARE_AS of maps.h. A tc program that was
 * written for iproute2's header compiles with this one, unchanged, in both map
 * flavours.
 *
 *   #include "bpf_api.h"
 *
 * What differs with BTF-defined maps (that is libbpf's doing, not ours):
 * - PIN_OBJECT_NS pins by name in <bpffs>/tc/globals, as PIN_GLOBAL_NS does
 * - the ID of a map means nothing: a program in __section_tail(ID, KEY) is not put
 *   into its program array by the loader: tc exec bpf graft m:globals/NAME key KEY
 *   obj F type cls sec ID/KEY
 * - struct bpf_elf_map in __section_maps, spelled out, compiles and is then refused
 *   by the loader: use BPF_HASH and the like, or make MAPS=legacy
 *
 * With an ABI string behind the license, as all objects here have it. Include it
 * instead of maps.h, not behind it.
 */
#ifndef HOOKMAP_BPF_API_H
#define HOOKMAP_BPF_API_H

#ifdef HOOKMAP_MAPS_H
#error "bpf_api.h brings maps.h: include it first"
#endif

#include <linux/types.h>
#include <linux/pkt_cls.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <asm/byteorder.h>

/* <stdint.h> needs C library headers, which do not support this target */
#ifndef _STDINT_H
typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s8 int8_t;
typedef __s16 int16_t;
typedef __s32 int32_t;
typedef __s64 int64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTMAX_TYPE__ intmax_t;
typedef __UINTMAX_TYPE__ uintmax_t;
#define INT8_MAX    __INT8_MAX__
#define INT8_MIN    (-INT8_MAX - 1)
#define UINT8_MAX   __UINT8_MAX__
#define INT16_MAX   __INT16_MAX__
#define INT16_MIN   (-INT16_MAX - 1)
#define UINT16_MAX  __UINT16_MAX__
#define INT32_MAX   __INT32_MAX__
#define INT32_MIN   (-INT32_MAX - 1)
#define UINT32_MAX  __UINT32_MAX__
#define INT64_MAX   __INT64_MAX__
#define INT64_MIN   (-INT64_MAX - 1)
#define UINT64_MAX  __UINT64_MAX__
#define SIZE_MAX    __SIZE_MAX__
#define INTPTR_MAX  __INTPTR_MAX__
#define INTPTR_MIN  (-INTPTR_MAX - 1)
#define UINTPTR_MAX __UINTPTR_MAX__
#define INTMAX_MAX  __INTMAX_MAX__
#define INTMAX_MIN  (-INTMAX_MAX - 1)
#define UINTMAX_MAX __UINTMAX_MAX__
#define INT8_C(X)   X
#define INT16_C(X)  X
#define INT32_C(X)  X
#define INT64_C(X)  X##L
#define UINT8_C(X)  X
#define UINT16_C(X) X
#define UINT32_C(X) X##U
#define UINT64_C(X) X##UL
#endif

/* BPF_LICENSE sets the license */
#define HM_OWN_LICENSE
#include "maps.h"
#include <bpf/bpf_endian.h>

/* --- misc */

#ifndef __stringify
#define __stringify(X) #X
#endif
#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif
#ifndef offsetof
#define offsetof(TYPE, MEMBER) __builtin_offsetof(TYPE, MEMBER)
#endif
#ifndef likely
#define likely(X) __builtin_expect(!!(X), 1)
#endif
#ifndef unlikely
#define unlikely(X) __builtin_expect(!!(X), 0)
#endif
#ifndef htons
#define htons(X) bpf_htons(X)
#endif
#ifndef ntohs
#define ntohs(X) bpf_ntohs(X)
#endif
#ifndef htonl
#define htonl(X) bpf_htonl(X)
#endif
#ifndef ntohl
#define ntohl(X) bpf_ntohl(X)
#endif
/* the last one: the kernel's headers use the word in its usual sense */
#ifndef __inline__
#define __inline__ __attribute__((always_inline))
#endif

/* --- sections */

#ifndef __section
#define __section(NAME) SEC(NAME)
#endif
#ifndef __section_tail
#define __section_tail(ID, KEY) __section(__stringify(ID) "/" __stringify(KEY))
#endif
#ifndef __section_cls_entry
#define __section_cls_entry __section(ELF_SECTION_CLASSIFIER)
#endif
#ifndef __section_act_entry
#define __section_act_entry __section(ELF_SECTION_ACTION)
#endif
#ifndef __section_license
#define __section_license __section(ELF_SECTION_LICENSE)
#endif
#ifndef __section_maps
#define __section_maps __section(ELF_SECTION_MAPS)
#endif

/* --- declarations */

#ifndef BPF_LICENSE
#define BPF_LICENSE(NAME) char ____license[] __section_license = HM_LICENSE(NAME)
#endif
#ifndef __BPF_MAP
#define __BPF_MAP(NAME, TYPE, ID, SIZE_KEY, SIZE_VALUE, PIN, MAX_ELEM)                             \
	HM_DECLARE_AS(NAME, TYPE, ID, __u8[SIZE_KEY], __u8[SIZE_VALUE], MAX_ELEM, 0, PIN)
#endif
#ifndef BPF_HASH
#define BPF_HASH(NAME, ID, SIZE_KEY, SIZE_VALUE, PIN, MAX_ELEM)                                    \
	__BPF_MAP(NAME, BPF_MAP_TYPE_HASH, ID, SIZE_KEY, SIZE_VALUE, PIN, MAX_ELEM)
#endif
/* HM_DECLARE_AS itself: an array with BTF wants its key to be an integer */
#ifndef BPF_ARRAY
#define BPF_ARRAY(NAME, ID, SIZE_VALUE, PIN, MAX_ELEM)                                             \
	HM_DECLARE_AS(NAME, BPF_MAP_TYPE_ARRAY, ID, __u32, __u8[SIZE_VALUE], MAX_ELEM, 0, PIN)
#endif
#ifndef BPF_ARRAY2
#define BPF_ARRAY2(NAME, ID, PIN, MAX_ELEM) BPF_ARRAY(NAME, ID, sizeof(__u16), PIN, MAX_ELEM)
#endif
#ifndef BPF_ARRAY4
#define BPF_ARRAY4(NAME, ID, PIN, MAX_ELEM) BPF_ARRAY(NAME, ID, sizeof(__u32), PIN, MAX_ELEM)
#endif
#ifndef BPF_ARRAY8
#define BPF_ARRAY8(NAME, ID, PIN, MAX_ELEM) BPF_ARRAY(NAME, ID, sizeof(__u64), PIN, MAX_ELEM)
#endif
#ifndef BPF_PROG_ARRAY
#define BPF_PROG_ARRAY(NAME, ID, PIN, MAX_ELEM)                                                    \
	HM_DECLARE_AS(NAME, BPF_MAP_TYPE_PROG_ARRAY, ID, __u32, __u32, MAX_ELEM, 0, PIN)
#endif

/* classid of a classifier that leaves the default */
#ifndef BPF_H_DEFAULT
#define BPF_H_DEFAULT -1
#endif

/* a helper that is not below: static int BPF_FUNC(skb_pull_data, void *skb, uint32_t len); */
#ifndef BPF_FUNC
#define BPF_FUNC(NAME, ...) (*NAME)(__VA_ARGS__) __maybe_unused = (void *)BPF_FUNC_##NAME
#endif

/* --- helpers: libbpf's, by the names without bpf_ */

static __always_inline void *map_lookup_elem(void *map, const void *key)
{
	return bpf_map_lookup_elem(map, key);
}

static __always_inline int map_update_elem(void *map, const void *key, const void *value,
					   uint32_t flags)
{
	return bpf_map_update_elem(map, key, value, flags);
}

static __always_inline int map_delete_elem(void *map, const void *key)
{
	return bpf_map_delete_elem(map, key);
}

static __always_inline uint64_t ktime_get_ns(void)
{
	return bpf_ktime_get_ns();
}

/* (const char *fmt, int fmt_size, ...): a function cannot hand on its "..." */
#define trace_printk bpf_trace_printk
#ifndef printt
#define printt(fmt, ...)                                                                           \
	({                                                                                         \
		char fmt_[] = fmt;                                                                 \
		trace_printk(fmt_, sizeof(fmt_), ##__VA_ARGS__);                                   \
	})
#endif

static __always_inline uint32_t get_prandom_u32(void)
{
	return bpf_get_prandom_u32();
}

static __always_inline void tail_call(struct __sk_buff *skb, void *map, uint32_t index)
{
	bpf_tail_call(skb, map, index);
}

static __always_inline uint32_t get_smp_processor_id(void)
{
	return bpf_get_smp_processor_id();
}

static __always_inline uint32_t get_cgroup_classid(struct __sk_buff *skb)
{
	return bpf_get_cgroup_classid(skb);
}

static __always_inline uint32_t get_route_realm(struct __sk_buff *skb)
{
	return bpf_get_route_realm(skb);
}

static __always_inline int redirect(int ifindex, uint32_t flags)
{
	return bpf_redirect(ifindex, flags);
}

static __always_inline int clone_redirect(struct __sk_buff *skb, int ifindex, uint32_t flags)
{
	return bpf_clone_redirect(skb, ifindex, flags);
}

static __always_inline int skb_load_bytes(struct __sk_buff *skb, uint32_t off, void *to,
					  uint32_t len)
{
	return bpf_skb_load_bytes(skb, off, to, len);
}

static __always_inline int skb_store_bytes(struct __sk_buff *skb, uint32_t off, const void *from,
					   uint32_t len, uint32_t flags)
{
	return bpf_skb_store_bytes(skb, off, from, len, flags);
}

static __always_inline int l3_csum_replace(struct __sk_buff *skb, uint32_t off, uint32_t from,
					   uint32_t to, uint32_t flags)
{
	return bpf_l3_csum_replace(skb, off, from, to, flags);
}

static __always_inline int l4_csum_replace(struct __sk_buff *skb, uint32_t off, uint32_t from,
					   uint32_t to, uint32_t flags)
{
	return bpf_l4_csum_replace(skb, off, from, to, flags);
}

static __always_inline int csum_diff(const void *from, uint32_t from_size, const void *to,
				     uint32_t to_size, uint32_t seed)
{
	return bpf_csum_diff((void *)from, from_size, (void *)to, to_size, seed);
}

static __always_inline int skb_vlan_push(struct __sk_buff *skb, uint16_t proto, uint16_t vlan_tci)
{
	return bpf_skb_vlan_push(skb, proto, vlan_tci);
}

static __always_inline int skb_vlan_pop(struct __sk_buff *skb)
{
	return bpf_skb_vlan_pop(skb);
}

static __always_inline int skb_get_tunnel_key(struct __sk_buff *skb, struct bpf_tunnel_key *to,
					      uint32_t size, uint32_t flags)
{
	return bpf_skb_get_tunnel_key(skb, to, size, flags);
}

static __always_inline int skb_set_tunnel_key(struct __sk_buff *skb,
					      const struct bpf_tunnel_key *from, uint32_t size,
					      uint32_t flags)
{
	return bpf_skb_set_tunnel_key(skb, (void *)from, size, flags);
}

static __always_inline int skb_get_tunnel_opt(struct __sk_buff *skb, void *to, uint32_t size)
{
	return bpf_skb_get_tunnel_opt(skb, to, size);
}

static __always_inline int skb_set_tunnel_opt(struct __sk_buff *skb, const void *from,
					      uint32_t size)
{
	return bpf_skb_set_tunnel_opt(skb, (void *)from, size);
}

/* --- the compiler's own */

#ifndef lock_xadd
#define lock_xadd(PTR, VALUE) ((void)__sync_fetch_and_add(PTR, VALUE))
#endif
#ifndef memset
#define memset(TO, BYTE, SIZE) __builtin_memset(TO, BYTE, SIZE)
#endif
#ifndef memcpy
#define memcpy(TO, FROM, SIZE) __builtin_memcpy(TO, FROM, SIZE)
#endif
#ifndef memmove
#define memmove(TO, FROM, SIZE) __builtin_memmove(TO, FROM, SIZE)
#endif

/* instructions that read from an skb, in host order; out of bounds ends the program
 * with 0 */
unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long off) asm("llvm.bpf.load.word");

#endif
