/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * head.h - what the headers of a packet say (struct path_head): Ethernet, VLAN tags,
 * IPv4, IPv6 and its extension headers, and the first bytes of what follows.
 *
 * A program defines PATH_COPY(CTX, TO, SIZE, AT) before it includes this: copies from
 * a kernel address (tracing) or from an offset in the packet (tc, cgroup, iptables).
 */
#ifndef HOOKMAP_HEAD_H
#define HOOKMAP_HEAD_H

#include "abi.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PATH_VLANS	2
#define PATH_EXTENSIONS 4

/* Ethernet, as far as it is needed, and VLAN tags */
struct path_eth {
	__u8 mac[12];
	__be16 proto;
};

struct path_tag {
	__be16 tci;
	__be16 proto;
};

/* both families' headers begin with these */
union path_ip {
	struct {
		__u8 version;
		__u8 tos;
		__be16 len;
		__be16 id;
		__be16 frag;
		__u8 ttl;
		__u8 proto;
		__u16 check;
		__u32 src;
		__u32 dst;
	} v4;
	struct {
		__u8 version;
		__u8 flow[3];
		__be16 len;
		__u8 next;
		__u8 hops;
		__u32 src[4];
		__u32 dst[4];
	} v6;
};

struct path_l4 {
	__be16 word[4];
};

/* Where the cursor is: an address or an offset. */
struct path_at {
	unsigned long pos;
	__be16 proto;
};

static __always_inline int path_tags(void *ctx, struct path_at *at, struct path_head *h)
{
	struct path_tag tag;

#pragma unroll
	for (int i = 0; i < PATH_VLANS; i++) {
		if (at->proto != bpf_htons(ETH_P_8021Q) && at->proto != bpf_htons(ETH_P_8021AD))
			return 0;
		if (PATH_COPY(ctx, &tag, sizeof(tag), at->pos))
			return -1;
		h->vlan = bpf_ntohs(tag.tci) & 0xfff;
		h->flags |= PATH_H_VLAN;
		at->proto = tag.proto;
		at->pos += sizeof(tag);
	}
	return 0;
}

static __always_inline int path_eth(void *ctx, struct path_at *at, struct path_head *h)
{
	struct path_eth eth;

	if (PATH_COPY(ctx, &eth, sizeof(eth), at->pos))
		return -1;
	at->proto = eth.proto;
	at->pos += sizeof(eth);
	return path_tags(ctx, at, h);
}

static __always_inline int path_ip6_next(void *ctx, struct path_at *at, struct path_head *h)
{
	__u8 next = h->l4proto, ext[8];

#pragma unroll
	for (int i = 0; i < PATH_EXTENSIONS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (PATH_COPY(ctx, ext, sizeof(ext), at->pos))
			return -1;
		if (next == IPPROTO_FRAGMENT) {
			h->id = *(__u32 *)(ext + 4);
			if (ext[2] || ext[3] & 0xf8)
				h->flags |= PATH_H_FRAG;
			at->pos += 8;
		} else {
			at->pos += (ext[1] + 1) * 8;
		}
		next = ext[0];
	}
	h->l4proto = next;
	return 0;
}

static __always_inline int path_ip(void *ctx, struct path_at *at, struct path_head *h)
{
	union path_ip ip;

	if (at->proto == bpf_htons(ETH_P_IP)) {
		if (PATH_COPY(ctx, &ip.v4, sizeof(ip.v4), at->pos) || ip.v4.version >> 4 != 4)
			return -1;
		h->family = 4;
		h->src[0] = ip.v4.src;
		h->dst[0] = ip.v4.dst;
		h->src[1] = h->src[2] = h->src[3] = h->dst[1] = h->dst[2] = h->dst[3] = 0;
		h->id = bpf_ntohs(ip.v4.id);
		h->len = bpf_ntohs(ip.v4.len);
		h->ttl = ip.v4.ttl;
		h->l4proto = ip.v4.proto;
		h->flags &= ~PATH_H_FRAG;
		if (ip.v4.frag & bpf_htons(0x1fff))
			h->flags |= PATH_H_FRAG;
		at->pos += (ip.v4.version & 15) * 4;
		return 0;
	}
	if (at->proto != bpf_htons(ETH_P_IPV6) || PATH_COPY(ctx, &ip.v6, sizeof(ip.v6), at->pos) ||
	    ip.v6.version >> 4 != 6)
		return -1;
	h->family = 6;
	__builtin_memcpy(h->src, ip.v6.src, sizeof(h->src));
	__builtin_memcpy(h->dst, ip.v6.dst, sizeof(h->dst));
	h->id = 0;
	h->len = bpf_ntohs(ip.v6.len) + sizeof(ip.v6);
	h->ttl = ip.v6.hops;
	h->l4proto = ip.v6.next;
	h->flags &= ~PATH_H_FRAG;
	at->pos += sizeof(ip.v6);
	return path_ip6_next(ctx, at, h);
}

/* Ports and what tells one packet of a flow from the next. */
static __always_inline int path_l4(void *ctx, const struct path_at *at, struct path_head *h)
{
	struct path_l4 l4;
	__u8 flags = 0;

	h->sport = h->dport = h->type = 0;
	h->l4id = 0;
	if (h->flags & PATH_H_FRAG)
		return 0;
	if (h->l4proto != IPPROTO_ICMP && h->l4proto != IPPROTO_ICMPV6 &&
	    h->l4proto != IPPROTO_TCP && h->l4proto != IPPROTO_UDP)
		return 0;
	if (PATH_COPY(ctx, &l4, sizeof(l4), at->pos))
		return -1;
	h->l4id = (__u32)bpf_ntohs(l4.word[2]) << 16 | bpf_ntohs(l4.word[3]);
	if (h->l4proto == IPPROTO_ICMP || h->l4proto == IPPROTO_ICMPV6) {
		h->type = *(__u8 *)&l4;
		return 0;
	}
	h->sport = bpf_ntohs(l4.word[0]);
	h->dport = bpf_ntohs(l4.word[1]);
	if (h->l4proto == IPPROTO_TCP && !PATH_COPY(ctx, &flags, 1, at->pos + 13))
		h->type = flags;
	return 0;
}

#endif
