/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h - a cursor over a packet that can be read by pointers. Each function checks, advances
 * and returns the next protocol, or a negative number if the packet is truncated or malformed.
 * Ethertypes are in network order, IP protocols are one byte. parse_copy.h parses packets that
 * must be copied.
 */
#ifndef HOOKMAP_PARSE_H
#define HOOKMAP_PARSE_H

#include <linux/types.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>

#include "abi/flow.h"

struct cursor {
	void *pos;
	void *end;
};

struct parse_vlan {
	__be16 tci;
	__be16 proto;
};

struct parse_ports {
	__be16 source;
	__be16 dest;
};

struct parse_ext {
	__u8 next;
	__u8 len; /* see flow_extension_bytes() */
	__be16 frag_off;
	__be32 frag_id;
};

static __always_inline int parse_eth(struct cursor *c)
{
	struct ethhdr *eth = c->pos;
	__be16 proto;

	if ((void *)(eth + 1) > c->end)
		return -1;
	c->pos = eth + 1;
	proto = eth->h_proto;

#pragma unroll
	for (int i = 0; i < FLOW_VLANS; i++) {
		struct parse_vlan *tag = c->pos;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > c->end)
			return -1;
		c->pos = tag + 1;
		proto = tag->proto;
	}
	return proto;
}

static __always_inline int parse_ipv4(struct cursor *c, struct flow *f)
{
	struct iphdr *ip = c->pos;
	__u32 len;

	if ((void *)(ip + 1) > c->end)
		return -1;
	len = ip->ihl * 4;
	if (ip->version != 4 || len < sizeof(*ip) || c->pos + len > c->end)
		return -1;
	f->family = 4;
	f->src[0] = ip->saddr;
	f->dst[0] = ip->daddr;
	f->fragment = !!(ip->frag_off & bpf_htons(0x1fff));
	f->more = !!(ip->frag_off & bpf_htons(0x2000));
	f->l4proto = ip->protocol;
	f->id = ip->id;
	c->pos += len;
	return f->l4proto;
}

/* If it fails within the extension headers, the fixed header was read, and l4proto is the first
 * unread header. */
static __always_inline int parse_ipv6(struct cursor *c, struct flow *f)
{
	struct ipv6hdr *ip = c->pos;
	__u8 next;

	if ((void *)(ip + 1) > c->end)
		return -1;
	if (ip->version != 6)
		return -1;
	f->family = 6;
	__builtin_memcpy(f->src, &ip->saddr, sizeof(f->src));
	__builtin_memcpy(f->dst, &ip->daddr, sizeof(f->dst));
	next = ip->nexthdr;
	c->pos = ip + 1;

#pragma unroll
	for (int i = 0; i < FLOW_EXTENSIONS; i++) {
		struct parse_ext *ext = c->pos;
		__u32 len;

		f->l4proto = next;
		if (!flow_is_extension(next))
			break;
		if ((void *)(ext + 1) > c->end)
			return -1;
		len = flow_extension_bytes(next, ext->len);
		if (next == IPPROTO_FRAGMENT) {
			len = 8;
			/* a second one does not reset it */
			f->fragment |= !!(ext->frag_off & bpf_htons(0xfff8));
			f->more |= !!(ext->frag_off & bpf_htons(1));
			f->id = ext->frag_id;
			f->inside = ext->next;
		}
		next = ext->next;
		if (c->pos + len > c->end)
			return -1;
		c->pos += len;
		if (f->fragment)
			break;
	}
	f->l4proto = next;
	return next;
}

/* From the network header on; PROTO in network order. Leaves C at the L4 header. */
static __always_inline int parse_ip(struct cursor *c, int proto, struct flow *f)
{
	if (proto == bpf_htons(ETH_P_IP))
		return parse_ipv4(c, f);
	if (proto == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(c, f);
	return -1;
}

/* Ports, or the type of ICMP, at the L4 header C. */
static __always_inline void parse_l4(struct cursor *c, struct flow *f)
{
	struct parse_ports *ports = c->pos;

	if (f->fragment || (void *)(ports + 1) > c->end)
		return;
	if (f->l4proto == IPPROTO_ICMP || f->l4proto == IPPROTO_ICMPV6)
		f->type = *(__u8 *)ports;
	if (!flow_has_ports(f->l4proto))
		return;
	f->sport = ports->source;
	f->dport = ports->dest;
	f->ports = 1;
}

/* 4 bytes that tell packets of one flow apart, at the L4 header C: TCP's sequence
 * number; UDP's length and checksum; ICMP's id and sequence. 0 if there are none.
 * As in the packet. */
#define PARSE_ID_OFFSET 4

static __always_inline __u32 parse_l4_id(struct cursor *c, struct flow *f)
{
	if (f->fragment || c->pos + PARSE_ID_OFFSET + sizeof(__u32) > c->end)
		return 0;
	return *(__u32 *)(c->pos + PARSE_ID_OFFSET);
}

#endif
