/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_copy.h - like parse.h, for packets that must be copied. A program defines FLOW_COPY(CTX,
 * TO, SIZE, AT) before it includes this: copies from a kernel address (tracing) or from an
 * offset in the packet (tc, cgroup, iptables); returns 0 on success.
 */
#ifndef HOOKMAP_PARSE_COPY_H
#define HOOKMAP_PARSE_COPY_H

#include "abi.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Ethernet, as far as it is needed, and VLAN tags */
struct copy_eth {
	__u8 mac[12];
	__be16 proto;
};

struct copy_tag {
	__be16 tci;
	__be16 proto;
};

/* both families' headers begin with these */
union copy_ip {
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

/* The position of the cursor, and fields that are not part of a flow. */
struct copy_at {
	unsigned long pos; /* an address or an offset */
	__be16 proto;
	__u16 len; /* from the IP header on */
	__u8 ttl;
	__u8 tags; /* VLAN tags that were passed */
};

static __always_inline int copy_is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline int copy_tags(void *ctx, struct copy_at *at, struct flow *f)
{
	struct copy_tag tag;

#pragma unroll
	for (int i = 0; i < FLOW_VLANS; i++) {
		if (!copy_is_tag(at->proto))
			return 0;
		if (FLOW_COPY(ctx, &tag, sizeof(tag), at->pos))
			return -1;
		if (!i)
			f->vlan = bpf_ntohs(tag.tci) & 0xfff;
		at->proto = tag.proto;
		at->pos += sizeof(tag);
		at->tags++;
	}
	return 0;
}

static __always_inline int copy_ethernet(void *ctx, struct copy_at *at, struct flow *f)
{
	struct copy_eth eth;

	if (FLOW_COPY(ctx, &eth, sizeof(eth), at->pos))
		return -1;
	at->proto = eth.proto;
	at->pos += sizeof(eth);
	return copy_tags(ctx, at, f);
}

/* If it fails within the headers, l4proto is the first unread one. */
static __always_inline int copy_extensions(void *ctx, struct copy_at *at, struct flow *f)
{
	__u8 next = f->l4proto, ext[8];

#pragma unroll
	for (int i = 0; i < FLOW_EXTENSIONS; i++) {
		f->l4proto = next;
		if (!flow_is_extension(next))
			break;
		if (FLOW_COPY(ctx, ext, sizeof(ext), at->pos))
			return -1;
		if (next == IPPROTO_FRAGMENT) {
			f->id = *(__u32 *)(ext + 4);
			f->fragment |= !!(ext[2] | (ext[3] & 0xf8));
			f->more |= ext[3] & 1;
			f->inside = ext[0];
			at->pos += 8;
		} else {
			at->pos += flow_extension_bytes(next, ext[1]);
		}
		next = ext[0];
		if (f->fragment)
			break;
	}
	f->l4proto = next;
	return 0;
}

/* From the network header of AT->proto on. Overwrites the fields of another IP header in F. */
static __always_inline int copy_ip(void *ctx, struct copy_at *at, struct flow *f)
{
	union copy_ip ip;

	f->ethertype = at->proto;
	f->fragment = f->more = 0;
	if (at->proto == bpf_htons(ETH_P_IP)) {
		if (FLOW_COPY(ctx, &ip.v4, sizeof(ip.v4), at->pos) || ip.v4.version >> 4 != 4 ||
		    (ip.v4.version & 15) < 5)
			return -1;
		f->family = 4;
		f->src[0] = ip.v4.src;
		f->dst[0] = ip.v4.dst;
		f->src[1] = f->src[2] = f->src[3] = f->dst[1] = f->dst[2] = f->dst[3] = 0;
		f->id = ip.v4.id;
		f->l4proto = ip.v4.proto;
		f->fragment = !!(ip.v4.frag & bpf_htons(0x1fff));
		f->more = !!(ip.v4.frag & bpf_htons(0x2000));
		at->len = bpf_ntohs(ip.v4.len);
		at->ttl = ip.v4.ttl;
		at->pos += (ip.v4.version & 15) * 4;
		return 0;
	}
	if (at->proto != bpf_htons(ETH_P_IPV6) || FLOW_COPY(ctx, &ip.v6, sizeof(ip.v6), at->pos) ||
	    ip.v6.version >> 4 != 6)
		return -1;
	f->family = 6;
	__builtin_memcpy(f->src, ip.v6.src, sizeof(f->src));
	__builtin_memcpy(f->dst, ip.v6.dst, sizeof(f->dst));
	f->id = 0;
	f->l4proto = ip.v6.next;
	at->len = bpf_ntohs(ip.v6.len) + sizeof(ip.v6);
	at->ttl = ip.v6.hops;
	at->pos += sizeof(ip.v6);
	return copy_extensions(ctx, at, f);
}

/* Ports, or the type of ICMP, and in WORD the first 8 bytes. -1 if they are not there. */
static __always_inline int copy_l4(void *ctx, const struct copy_at *at, struct flow *f,
				   __be16 *word)
{
	f->sport = f->dport = f->type = f->ports = 0;
	word[2] = word[3] = 0;
	if (f->fragment || (f->l4proto != IPPROTO_ICMP && f->l4proto != IPPROTO_ICMPV6 &&
			    !flow_has_ports(f->l4proto)))
		return 0;
	/* (a packet that ends after the ports has them) */
	if (FLOW_COPY(ctx, word, 8, at->pos) && FLOW_COPY(ctx, word, 4, at->pos))
		return -1;
	if (!flow_has_ports(f->l4proto)) {
		f->type = *(__u8 *)word;
		return 0;
	}
	f->sport = word[0];
	f->dport = word[1];
	f->ports = 1;
	return 0;
}

#endif
