/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops_head.h - the headers of an skb that kern/drops counts: only what is in its linear part
 * can be read here. Headers that cannot be read are left empty; the reader shows "-".
 */
#ifndef HOOKMAP_DROPS_HEAD_H
#define HOOKMAP_DROPS_HEAD_H

#include "drops.h"

#include <stdbool.h>

#define DROP_UNSET 0xffff /* skb->mac_header, transport_header */
/* Where the headers of an skb are: offsets from skb->head. */
struct drop_headers {
	unsigned char *head;
	__u32 mac;    /* DROP_UNSET if there is no Ethernet header */
	__u32 l3;     /* network header */
	__u32 l4;     /* after the IP header and its extensions; 0 = none */
	__u32 end;    /* of the IP packet; l3 if it does not say */
	__u32 tail;   /* end of the linear part */
	__u32 dst[4]; /* IP destination, as in drop_key */
};

static __always_inline bool drop_read(const struct drop_headers *h, __u32 at, void *to, __u32 size)
{
	return at + size <= h->tail && !bpf_probe_read_kernel(to, size, h->head + at);
}

#define FLOW_COPY(CTX, TO, SIZE, AT) (!drop_read(CTX, AT, TO, SIZE))

#include "parse_copy.h"

/*
 * Finds the headers, and the ethertype after VLAN tags. Before the stack has seen the packet,
 * the network header is not set; then it follows the Ethernet header.
 */
static __always_inline void drop_find(struct sk_buff *skb, struct drop_key *key,
				      struct drop_headers *h, struct copy_at *at, struct flow *f)
{
	__u32 mac = skb->mac_header, l3 = skb->network_header;

	h->head = skb->head;
	h->tail = skb->tail;
	if (mac != DROP_UNSET && l3 <= mac && l3)
		mac = DROP_UNSET; /* a device without link-layer headers */
	else if (mac != DROP_UNSET && !l3)
		l3 = mac + ETH_HLEN;
	at->proto = skb->protocol;
	if (copy_is_tag(at->proto) && mac != DROP_UNSET)
		l3 = mac + ETH_HLEN;
	at->pos = l3;
	copy_tags(h, at, f);
	key->tags = at->tags + skb_has_tag(skb);
	key->l3proto = at->proto;
	h->mac = mac;
	h->l3 = at->pos;
}

/* L4 protocol, addresses and ports, unless it is cut short. */
static __always_inline void drop_ip(struct drop_headers *h, struct drop_key *key,
				    struct copy_at *at, struct flow *f)
{
	if (copy_ip(h, at, f)) {
		if (!f->family)
			return;
	} else if (!f->fragment) {
		h->l4 = at->pos;
	}
	key->l4proto = f->l4proto;
	h->end = h->l3 + at->len;
	__builtin_memcpy(h->dst, f->dst, sizeof(h->dst));
	if (key->by < DROP_BY_SIP)
		return;
	if (key->by != DROP_BY_DIP)
		__builtin_memcpy(key->src, f->src, sizeof(key->src));
	if (key->by != DROP_BY_SIP)
		__builtin_memcpy(key->dst, f->dst, sizeof(key->dst));
	if (key->by == DROP_BY_FLOW && h->l4 && flow_has_ports(f->l4proto))
		drop_read(h, h->l4, &key->sport, 4);
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

static __always_inline void drop_packet(struct sk_buff *skb, struct drop_key *key,
					struct drop_headers *h)
{
	struct copy_at at = {};
	struct flow f = {};

	key->l4proto = DROP_NO_L4;
	drop_find(skb, key, h, &at, &f);
	if (key->by == DROP_BY_SMAC && h->mac != DROP_UNSET)
		drop_read(h, h->mac + ETH_ALEN, key->src, ETH_ALEN);
	if (key->by == DROP_BY_DMAC && h->mac != DROP_UNSET)
		drop_read(h, h->mac, key->dst, ETH_ALEN);
	if (key->l3proto == bpf_htons(ETH_P_ARP))
		drop_arp(h, key);
	else
		drop_ip(h, key, &at, &f);
}

#endif
