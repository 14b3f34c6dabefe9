/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops_head.h - the headers of an skb that kern/drops counts: only what is in its linear
 * part can be read here. What cannot be read is left empty; the reader shows "-".
 */
#ifndef HOOKMAP_DROPS_HEAD_H
#define HOOKMAP_DROPS_HEAD_H

#include "drops.h"

#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>

#define DROP_UNSET 0xffff /* skb->mac_header, transport_header */
#define DROP_VLANS 2
#define DROP_EXTS  6

struct drop_tag {
	__be16 tci;
	__be16 proto;
};

/* Where the headers of an skb are: offsets from skb->head. */
struct drop_headers {
	unsigned char *head;
	__u32 mac;    /* DROP_UNSET if there is no Ethernet header */
	__u32 l3;     /* network header */
	__u32 l4;     /* behind the IP header and its extensions; 0 = not there */
	__u32 end;    /* of the IP packet; l3 if it does not say */
	__u32 tail;   /* end of the linear part */
	__u32 dst[4]; /* IP destination, as in drop_key */
};

static __always_inline bool drop_read(const struct drop_headers *h, __u32 at, void *to, __u32 size)
{
	return at + size <= h->tail && !bpf_probe_read_kernel(to, size, h->head + at);
}

static __always_inline bool drop_is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/*
 * Finds the headers, and the ethertype behind VLAN tags. The network header is not
 * set before the stack has seen the packet; then it is behind the Ethernet header.
 */
static __always_inline void drop_find(struct sk_buff *skb, struct drop_key *key,
				      struct drop_headers *h)
{
	__u32 mac = skb->mac_header, l3 = skb->network_header;
	__be16 proto = skb->protocol;
	struct drop_tag tag;

	h->head = skb->head;
	h->tail = skb->tail;
	key->tags = skb_has_tag(skb);
	if (mac != DROP_UNSET && l3 <= mac && l3)
		mac = DROP_UNSET; /* a device without link-layer headers */
	else if (mac != DROP_UNSET && !l3)
		l3 = mac + ETH_HLEN;
	if (drop_is_vlan(proto)) {
		if (mac != DROP_UNSET)
			l3 = mac + ETH_HLEN;
#pragma unroll
		for (int i = 0; i < DROP_VLANS && drop_is_vlan(proto); i++) {
			if (!drop_read(h, l3, &tag, sizeof(tag)))
				break;
			proto = tag.proto;
			l3 += sizeof(tag);
			key->tags++;
		}
	}
	key->l3proto = proto;
	h->mac = mac;
	h->l3 = l3;
}

/* L4 protocol, addresses and ports, unless it is cut short. */
static __always_inline void drop_ipv4(struct drop_headers *h, struct drop_key *key)
{
	struct iphdr ip;

	if (!drop_read(h, h->l3, &ip, sizeof(ip)) || ip.version != 4)
		return;
	key->l4proto = ip.protocol;
	h->end = h->l3 + bpf_ntohs(ip.tot_len);
	h->dst[0] = ip.daddr;
	if (!(ip.frag_off & bpf_htons(0x1fff)))
		h->l4 = h->l3 + ip.ihl * 4;
	if (key->by < DROP_BY_SIP)
		return;
	if (key->by != DROP_BY_DIP)
		key->src[0] = ip.saddr;
	if (key->by != DROP_BY_SIP)
		key->dst[0] = ip.daddr;
	if (key->by == DROP_BY_FLOW && h->l4)
		drop_read(h, h->l4, &key->sport, 4);
}

static __always_inline void drop_ipv6(struct drop_headers *h, struct drop_key *key)
{
	__u32 at = h->l3 + sizeof(struct ipv6hdr);
	bool first = true;
	struct ipv6hdr ip;
	__u8 next;

	if (!drop_read(h, h->l3, &ip, sizeof(ip)) || ip.version != 6)
		return;
	next = ip.nexthdr;
	h->end = h->l3 + sizeof(ip) + bpf_ntohs(ip.payload_len);
	__builtin_memcpy(h->dst, &ip.daddr, sizeof(h->dst));
#pragma unroll
	for (int i = 0; i < DROP_EXTS; i++) {
		struct {
			__u8 next;
			__u8 len;
			__be16 frag_off;
		} ext;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		if (!drop_read(h, at, &ext, sizeof(ext)))
			break;
		if (next == IPPROTO_FRAGMENT) {
			at += 8;
			first = !(ext.frag_off & bpf_htons(0xfff8));
		} else {
			at += next == IPPROTO_AH ? (ext.len + 2) * 4 : (ext.len + 1) * 8;
		}
		next = ext.next;
		if (!first)
			break;
	}
	key->l4proto = next;
	if (first)
		h->l4 = at;
	if (key->by < DROP_BY_SIP)
		return;
	if (key->by != DROP_BY_DIP)
		__builtin_memcpy(key->src, &ip.saddr, sizeof(key->src));
	if (key->by != DROP_BY_SIP)
		__builtin_memcpy(key->dst, &ip.daddr, sizeof(key->dst));
	if (key->by == DROP_BY_FLOW && first)
		drop_read(h, at, &key->sport, 4);
}

/* l4proto says that there are addresses. */
static __always_inline void drop_arp(const struct drop_headers *h, struct drop_key *key)
{
	struct {
		__u8 smac[6];
		__u8 sip[4];
		__u8 dmac[6];
		__u8 dip[4];
	} arp;

	if (!drop_read(h, h->l3 + 8, &arp, sizeof(arp)))
		return;
	key->l4proto = 0;
	if (key->by >= DROP_BY_SIP && key->by != DROP_BY_DIP)
		__builtin_memcpy(key->src, arp.sip, 4);
	if (key->by >= DROP_BY_SIP && key->by != DROP_BY_SIP)
		__builtin_memcpy(key->dst, arp.dip, 4);
}

static __always_inline bool drop_has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_UDPLITE || proto == IPPROTO_DCCP;
}

static __always_inline void drop_packet(struct sk_buff *skb, struct drop_key *key,
					struct drop_headers *h)
{
	key->l4proto = DROP_NO_L4;
	drop_find(skb, key, h);
	if (key->by == DROP_BY_SMAC && h->mac != DROP_UNSET)
		drop_read(h, h->mac + ETH_ALEN, key->src, ETH_ALEN);
	if (key->by == DROP_BY_DMAC && h->mac != DROP_UNSET)
		drop_read(h, h->mac, key->dst, ETH_ALEN);
	if (key->l3proto == bpf_htons(ETH_P_IP))
		drop_ipv4(h, key);
	else if (key->l3proto == bpf_htons(ETH_P_IPV6))
		drop_ipv6(h, key);
	else if (key->l3proto == bpf_htons(ETH_P_ARP))
		drop_arp(h, key);
	if (!drop_has_ports(key->l4proto))
		key->sport = key->dport = 0;
}

#endif
