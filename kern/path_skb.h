/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path_skb.h - path, for programs that are given a kernel's sk_buff: kern/path and
 * kern/path_fentry.
 */
#ifndef HOOKMAP_PATH_SKB_H
#define HOOKMAP_PATH_SKB_H

#include "skb.h"

#define PATH_COPY(CTX, TO, SIZE, AT) skb_copy(CTX, TO, SIZE, AT)

#include "path.h"

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772

enum path_from {
	FROM_LINK,    /* data is at the link header: on the way out */
	FROM_DATA,    /* data is at the network header: on the way in */
	FROM_NETWORK, /* data may be anywhere, network_header is set */
};

/* A tag that the hardware took off, or will put on. */
static __always_inline void path_vlan(const struct sk_buff *skb, struct path_head *h)
{
	if (!skb_has_tag(skb) || h->flags & PATH_H_VXLAN)
		return;
	h->vlan = skb->vlan_tci & 0xfff;
	h->flags |= PATH_H_VLAN;
}

/* What most packets fail by, in one copy: from the ethertype to the ports. */
struct path_glance {
	__be16 pad;
	__be16 proto;
	union path_ip ip;
	__be16 port6[2]; /* of IPv6 without extension headers */
};

/* Can it be told at a glance that this packet does not match? AT is where the network
 * header is, behind a frame's header if PROTO is 0. Packets with VLAN tags, options,
 * extension headers or vxlan inside, and those whose headers do not end before END, are
 * left to path_parse(). */
static __always_inline int path_fails(const struct path_cfg *c, unsigned long at, __be16 proto,
				      unsigned long end)
{
	__u8 l4, family = 4, want = c->l4proto;
	const __u32 *src, *dst;
	struct path_glance g;
	const __be16 *port;

	if (bpf_probe_read_kernel(&g.proto, sizeof(g) - sizeof(g.pad), (void *)(at - 2)))
		return 0;
	if (proto)
		g.proto = proto;
	if (g.proto == bpf_htons(ETH_P_IP)) {
		if (g.ip.v4.version != 0x45 || at + sizeof(g.ip.v4) + sizeof(g.port6) > end)
			return 0;
		l4 = g.ip.v4.proto;
		src = &g.ip.v4.src;
		dst = &g.ip.v4.dst;
		port = (const __be16 *)(&g.ip.v4 + 1);
	} else if (g.proto == bpf_htons(ETH_P_IPV6)) {
		if (at + sizeof(g.ip.v6) + sizeof(g.port6) > end)
			return 0;
		family = 6;
		l4 = g.ip.v6.next;
		src = g.ip.v6.src;
		dst = g.ip.v6.dst;
		port = g.port6;
	} else {
		return g.proto != bpf_htons(ETH_P_8021Q) && g.proto != bpf_htons(ETH_P_8021AD);
	}
	if (l4 != IPPROTO_TCP && l4 != IPPROTO_UDP && l4 != IPPROTO_ICMP && l4 != IPPROTO_ICMPV6)
		return 0;
	if (l4 == IPPROTO_UDP && port[1] == path_vxlan_port(c))
		return 0;
	if (!(c->flags & PATH_F_SET) || c->echo)
		want = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (want && l4 != want)
		return 1;
	if ((l4 == IPPROTO_TCP || l4 == IPPROTO_UDP) && !path_ports(c, port[0], port[1]))
		return 1;
	return !path_addresses(c, family, src, dst);
}

static __always_inline void path_unread(void)
{
	struct path_stat *st = trace_lookup(path_stat, 0);

	if (st)
		__sync_fetch_and_add(&st->unread, 1);
}

static __always_inline struct path_event *
path_see(const struct sk_buff *skb, __u8 hook, const struct net_device *dev, enum path_from from)
{
	int link = from == FROM_LINK && (dev->type == ARPHRD_ETHER || dev->type == ARPHRD_LOOPBACK);
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct path_at at = { .proto = skb->protocol };
	struct skb_room room = skb_room(skb);
	struct path_head h = {};
	struct path_event *e;
	struct path_mark *m;
	__u64 id = 0;
	int marked;

	m = path_mark_of(skb, &id);
	if (!cfg || !m)
		return NULL;
	marked = path_marked(m, id);
	at.pos = (unsigned long)skb->data;
	if (from == FROM_NETWORK) {
		/* messages of Unix and netlink sockets, and TCP data that was copied together */
		if (!skb->network_header)
			return NULL;
		at.pos = (unsigned long)skb->head + skb->network_header;
	}
	if (!marked &&
	    path_fails(cfg, at.pos + (link ? ETH_HLEN : 0), link ? 0 : at.proto, room.end))
		return NULL;
	if ((link ? path_eth(&room, &at, &h) : path_tags(&room, &at, &h)) ||
	    !path_parse(&room, cfg, &at, &h, marked ? m : NULL)) {
		if (room.beyond && skb->data_len)
			path_unread();
		return NULL;
	}
	path_vlan(skb, &h);
	if (from == FROM_LINK && skb->skb_iif)
		h.flags |= PATH_H_CAME;
	/* read or dropped: what has this sk_buff next is another packet */
	if (hook == PATH_READ || hook == PATH_DROP)
		m->skb = 0;
	else
		path_mark_set(m, id, &h);
	e = path_new(&h, hook);
	if (e)
		e->skb = id;
	return e;
}

static __always_inline void path_device(struct path_event *e, const struct net_device *dev)
{
	e->ifindex = dev->ifindex;
	e->netns = dev->nd_net.net->ns.inum;
	e->cookie = net_cookie(dev->nd_net.net);
	bpf_probe_read_kernel_str(e->device, sizeof(e->device), dev->name);
}

#endif
