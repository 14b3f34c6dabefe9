/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path_skb.h - path, for programs that are given a kernel's sk_buff: kern/path and
 * kern/path_fentry.
 */
#ifndef HOOKMAP_PATH_SKB_H
#define HOOKMAP_PATH_SKB_H

#include "skb.h"

#define FLOW_COPY(CTX, TO, SIZE, AT) skb_copy(CTX, TO, SIZE, AT)

#include "path.h"

HM_MAP(path_part);

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772

enum path_from {
	FROM_LINK,    /* data is at the link header: on the way out */
	FROM_DATA,    /* data is at the network header: on the way in */
	FROM_NETWORK, /* data may be anywhere, network_header is set */
};

/* The fields in which most packets do not match, in one copy: from the ethertype to the ports. */
struct path_glance {
	__be16 pad;
	__be16 proto;
	union copy_ip ip;
	__be16 port6[2]; /* of IPv6 without extension headers */
};

/* A quick check that this packet does not match. AT is the network header, after a frame's
 * header if PROTO is 0. F has the tag that the kernel keeps. Packets with VLAN tags, options,
 * extension headers, fragments or vxlan inside, and those whose headers do not end before END,
 * are left to path_parse(). */
static __always_inline int path_fails(const struct path_cfg *c, unsigned long at, __be16 proto,
				      unsigned long end, struct flow *f)
{
	struct path_glance g;
	const __be16 *port;

	if (bpf_probe_read_kernel(&g.proto, sizeof(g) - sizeof(g.pad), (void *)(at - 2)))
		return 0;
	if (proto)
		g.proto = proto;
	if (g.proto == bpf_htons(ETH_P_IP)) {
		if (g.ip.v4.version != 0x45 || g.ip.v4.frag & bpf_htons(0x3fff) ||
		    at + sizeof(g.ip.v4) + sizeof(g.port6) > end)
			return 0;
		f->family = 4;
		f->l4proto = g.ip.v4.proto;
		f->src[0] = g.ip.v4.src;
		f->dst[0] = g.ip.v4.dst;
		port = (const __be16 *)(&g.ip.v4 + 1);
	} else if (g.proto == bpf_htons(ETH_P_IPV6)) {
		if (at + sizeof(g.ip.v6) + sizeof(g.port6) > end)
			return 0;
		f->family = 6;
		f->l4proto = g.ip.v6.next;
		__builtin_memcpy(f->src, g.ip.v6.src, sizeof(f->src));
		__builtin_memcpy(f->dst, g.ip.v6.dst, sizeof(f->dst));
		port = g.port6;
	} else {
		return !copy_is_tag(g.proto);
	}
	if (f->l4proto == IPPROTO_ICMP || f->l4proto == IPPROTO_ICMPV6) {
		f->type = *(const __u8 *)port;
		return path_judge(f) != MATCH_YES;
	}
	if (f->l4proto != IPPROTO_TCP && f->l4proto != IPPROTO_UDP)
		return 0;
	f->sport = port[0];
	f->dport = port[1];
	f->ports = 1;
	return (f->l4proto != IPPROTO_UDP || f->dport != path_vxlan_port(c)) &&
	       path_judge(f) != MATCH_YES;
}

/* Headers are missing, so the packet may match. */
static __always_inline void path_unread(const struct flow *f)
{
	struct path_stat *st = trace_lookup(path_stat, 0);

	if (st && (!f->family || f->l4proto == IPPROTO_UDP || path_judge(f) != MATCH_NO))
		__sync_fetch_and_add(&st->unread, 1);
}

static __always_inline struct path_event *
path_see(const struct sk_buff *skb, __u8 hook, const struct net_device *dev, enum path_from from)
{
	int link = from == FROM_LINK && (dev->type == ARPHRD_ETHER || dev->type == ARPHRD_LOOPBACK);
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct copy_at at = { .proto = skb->protocol };
	struct skb_room room = skb_room(skb);
	struct path_head h = {};
	struct path_event *e;
	struct path_mark *m;
	__u64 id = 0;
	__u16 vlan;
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
	/* a tag that the hardware took off, or will put on */
	vlan = skb_has_tag(skb) ? skb->vlan_tci & 0xfff : 0;
	h.flow.vlan = vlan;
	if (!marked &&
	    path_fails(cfg, at.pos + (link ? ETH_HLEN : 0), link ? 0 : at.proto, room.end, &h.flow))
		return NULL;
	if ((link ? copy_ethernet(&room, &at, &h.flow) : copy_tags(&room, &at, &h.flow)))
		goto unread;
	if (vlan)
		h.flow.vlan = vlan;
	if (!path_parse(&room, cfg, &at, &h, marked ? m : NULL))
		goto unread;
	if (from == FROM_LINK && skb->skb_iif)
		h.flags |= PATH_H_CAME;
	/* read or dropped: the next user of this sk_buff is another packet */
	if (hook == PATH_READ || hook == PATH_DROP)
		m->skb = 0;
	else
		path_mark_set(m, id, &h);
	e = path_new(&h, hook);
	if (e)
		e->skb = id;
	return e;

unread:
	if (room.beyond && skb->data_len)
		path_unread(&h.flow);
	return NULL;
}

static __always_inline void path_device(struct path_event *e, const struct net_device *dev)
{
	e->ifindex = dev->ifindex;
	e->netns = dev->nd_net.net->ns.inum;
	e->cookie = net_cookie(dev->nd_net.net);
	bpf_probe_read_kernel_str(e->device, sizeof(e->device), dev->name);
}

#endif
