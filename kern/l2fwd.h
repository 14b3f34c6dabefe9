/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2fwd.h - shared by xdp/l2fwd and tc/l2fwd: maps, membership, counters.
 */
#ifndef HOOKMAP_L2FWD_H
#define HOOKMAP_L2FWD_H

#include "maps.h"

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>

HM_MAP(l2_cfg);
HM_MAP(l2_port);
HM_MAP(l2_wire);
HM_MAP(l2_stat);

/*
 * Maps of maps: the template only declares the layout of the inner map; attach inserts the
 * pinned map. HM_OUTER(l2_fdbs, HASH, key size, value size, id)
 */
#if defined(HM_MAPS_LEGACY)
#define HM_OUTER(NAME, TYPE, KEY, VALUE, ID)                                                       \
	struct bpf_elf_map SEC("maps") NAME##_template = {                                         \
		.type = BPF_MAP_TYPE_##TYPE,                                                       \
		.size_key = KEY,                                                                   \
		.size_value = VALUE,                                                               \
		.max_elem = 1,                                                                     \
		.id = ID,                                                                          \
		.inner_idx = -1,                                                                   \
	};                                                                                         \
	struct bpf_elf_map SEC("maps") NAME = {                                                    \
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,                                                \
		.size_key = sizeof(__u32),                                                         \
		.size_value = sizeof(__u32),                                                       \
		.max_elem = 1,                                                                     \
		.inner_id = ID,                                                                    \
		.pinning = PIN_GLOBAL_NS,                                                          \
	}
#else
#ifdef HM_MAPS_PINNED
#define HM_L2_PINNING __uint(pinning, LIBBPF_PIN_BY_NAME);
#else
#define HM_L2_PINNING
#endif
/* sizes, no types: clang would leave the types as forward declarations here */
#define HM_OUTER(NAME, TYPE, KEY, VALUE, ID)                                                       \
	struct NAME##_template {                                                                   \
		__uint(type, BPF_MAP_TYPE_##TYPE);                                                 \
		__uint(key_size, KEY);                                                             \
		__uint(value_size, VALUE);                                                         \
		__uint(max_entries, 1);                                                            \
	};                                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		HM_L2_PINNING                                                                      \
		__array(values, struct NAME##_template);                                           \
	} NAME SEC(".maps")
#endif

/* VLAN tags as they are on the wire */
struct l2_tag {
	__be16 proto; /* its own ethertype, in the place of the frame's */
	__be16 tci;
};

#define L2_VID	0x0fff
#define L2_PRIO 0xf000 /* PCP and DEI */

static __always_inline struct l2_port *l2_port_get(__u32 number)
{
	return bpf_map_lookup_elem(&l2_port, &number);
}

static __always_inline struct l2_stat *l2_stat_get(__u32 number)
{
	return bpf_map_lookup_elem(&l2_stat, &number);
}

static __always_inline struct l2_cfg *l2_cfg_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&l2_cfg, &zero);
}

static __always_inline int l2_bit(const __u64 *bits, __u32 vlan)
{
	return bits[(vlan >> 6) & 63] >> (vlan & 63) & 1;
}

/* The settings of a port: by hand, and of a mirrored bridge. */
struct l2_side {
	const struct l2_port *port;
	const __u64 *vlans;
	const __u64 *untagged;
	__u32 flags; /* L2_P_* */
	__u16 pvid;
	__be16 proto;
};

/* 1, or 0 if there is no such number. */
static __always_inline int l2_side_get(struct l2_side *s, __u32 number)
{
	struct l2_port *port = l2_port_get(number);
	struct l2_wire *wire;

	if (!port)
		return 0;
	s->port = port;
	s->flags = port->flags;
	if (!(s->flags & L2_P_MIRROR)) {
		s->vlans = port->vlans;
		s->untagged = port->untagged;
		s->pvid = port->pvid;
		s->proto = port->proto;
	} else {
		wire = bpf_map_lookup_elem(&l2_wire, &number);
		if (!wire)
			return 0;
		s->flags |= wire->state;
		s->vlans = wire->vlans;
		s->untagged = wire->untagged;
		s->pvid = wire->pvid;
		s->proto = wire->proto;
	}
	s->proto = s->proto ?: bpf_htons(ETH_P_8021Q);
	return 1;
}

/* Is the port in VLAN? Transparent ports are in 0, the others in the VLANs that are set. */
static __always_inline int l2_member(const struct l2_side *s, __u32 vlan)
{
	if (s->flags & L2_P_VLAN)
		return l2_bit(s->vlans, vlan);
	return !vlan;
}

#endif
