/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path.h - what the hooks of path share: the filter, and the event. A program defines
 * PATH_COPY before it includes this, see head.h.
 */
#ifndef HOOKMAP_PATH_H
#define HOOKMAP_PATH_H

#include "head.h"
#include "prefix.h"
#include "trace.h"

HM_MAP(path_cfg);
HM_MAP(path_stat);
HM_MAP(path_mark);
HM_MAP(path_ring);

static __always_inline int path_echo(const struct path_head *h)
{
	if (h->flags & PATH_H_FRAG)
		return 0;
	if (h->family == 4)
		return h->l4proto == IPPROTO_ICMP && (h->type == 0 || h->type == 8);
	return h->l4proto == IPPROTO_ICMPV6 && (h->type == 128 || h->type == 129);
}

static __always_inline int path_addresses(const struct path_cfg *c, __u8 family, const __u32 *src,
					  const __u32 *dst)
{
	if (c->src_family && (c->src_family != family || !prefix_match(src, c->src, c->src_mask)))
		return 0;
	if (c->dst_family && (c->dst_family != family || !prefix_match(dst, c->dst, c->dst_mask)))
		return 0;
	return !c->host_family ||
	       (c->host_family == family && (prefix_match(src, c->host, c->host_mask) ||
					     prefix_match(dst, c->host, c->host_mask)));
}

/* Ports in network order, as in the packet. */
static __always_inline int path_ports(const struct path_cfg *c, __be16 sport, __be16 dport)
{
	return (!c->port || c->port == sport || c->port == dport) &&
	       (!c->sport || c->sport == sport) && (!c->dport || c->dport == dport);
}

static __always_inline __be16 path_vxlan_port(const struct path_cfg *c)
{
	return c->vxlan_port ?: bpf_htons(PATH_VXLAN_PORT);
}

static __always_inline int path_match(const struct path_cfg *c, const struct path_head *h)
{
	if (!(c->flags & PATH_F_SET))
		return path_echo(h);
	if (c->l4proto && c->l4proto != h->l4proto)
		return 0;
	if (c->echo && !path_echo(h))
		return 0;
	return path_ports(c, bpf_htons(h->sport), bpf_htons(h->dport)) &&
	       path_addresses(c, h->family, h->src, h->dst);
}

/* Is this another protocol than the filter wants? Asked before anything else is
 * read; UDP may be vxlan. */
static __always_inline int path_other(const struct path_cfg *c, __u8 l4proto)
{
	if (l4proto == IPPROTO_UDP)
		return 0;
	if (!(c->flags & PATH_F_SET) || c->echo)
		return l4proto != IPPROTO_ICMP && l4proto != IPPROTO_ICMPV6;
	return c->l4proto && c->l4proto != l4proto;
}

/* The mark of SKB, or the one that it would take; in ID what the sk_buff is known by. The
 * verifier makes a number of the difference of two pointers. */
static __always_inline struct path_mark *path_mark_of(const void *skb, __u64 *id)
{
	struct path_mark *base = trace_lookup(path_mark, 0);

	if (!base)
		return NULL;
	*id = (__u64)skb - (__u64)base;
	return trace_lookup(path_mark, *id >> 8 & (PATH_MARKS - 1));
}

/* Has the packet of ID matched, and just now? */
static __always_inline int path_marked(const struct path_mark *m, __u64 id)
{
	return m->skb == id && bpf_ktime_get_ns() - m->time < PATH_MARK_NS;
}

/* What NAT leaves as it is. */
static __always_inline __u32 path_l4id(const struct path_head *h)
{
	return h->l4proto == IPPROTO_UDP   ? 0
	       : h->l4proto == IPPROTO_TCP ? h->l4id
					   : h->l4id & 0xffff;
}

static __always_inline void path_mark_set(struct path_mark *m, __u64 id, const struct path_head *h)
{
	m->time = bpf_ktime_get_ns();
	m->src = h->src[0];
	m->dst = h->dst[0];
	m->id = h->id;
	m->l4id = path_l4id(h);
	m->len = h->len;
	m->family = h->family;
	m->l4proto = h->l4proto;
	m->skb = id;
}

/* Is this the packet of M? Without any number, one of its addresses must be the same. */
static __always_inline int path_same(const struct path_mark *m, const struct path_head *h)
{
	if (m->family != h->family || m->l4proto != h->l4proto || m->len != h->len ||
	    m->id != h->id || m->l4id != path_l4id(h))
		return 0;
	return m->id || m->l4id || m->src == h->src[0] || m->dst == h->dst[0];
}

/* From the network header on. 1: it matches, or what is inside it; or it is the packet of
 * M, which has matched. */
static __always_inline int path_parse(void *ctx, const struct path_cfg *c, struct path_at *at,
				      struct path_head *h, const struct path_mark *m)
{
	__u32 vxlan[2];

	if (path_ip(ctx, at, h) || (!m && path_other(c, h->l4proto)) || path_l4(ctx, at, h))
		return 0;
	if (path_match(c, h) || (m && path_same(m, h)))
		return 1;
	if (h->l4proto != IPPROTO_UDP || h->dport != bpf_ntohs(path_vxlan_port(c)))
		return 0;
	if (PATH_COPY(ctx, vxlan, sizeof(vxlan), at->pos + 8))
		return 0;
	h->flags = (h->flags & ~PATH_H_VLAN) | PATH_H_VXLAN;
	h->vni = bpf_ntohl(vxlan[1]) >> 8;
	at->pos += 16;
	if (path_eth(ctx, at, h) || path_ip(ctx, at, h) || (!m && path_other(c, h->l4proto)) ||
	    path_l4(ctx, at, h))
		return 0;
	return path_match(c, h) || (m && path_same(m, h));
}

/* A new event in the ring buffer, with what all hooks have; NULL if it is full. */
static __always_inline struct path_event *path_new(const struct path_head *h, __u8 hook)
{
	struct path_stat *st = trace_lookup(path_stat, 0);
	struct path_event *e;

	if (!st)
		return NULL;
	e = bpf_ringbuf_reserve(&path_ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&st->ring.lost, 1);
		return NULL;
	}
	__sync_fetch_and_add(&st->ring.events, 1);
	__builtin_memset(e, 0, sizeof(*e));
	e->time = bpf_ktime_get_ns();
	e->head = *h;
	e->hook = hook;
	return e;
}

static __always_inline void path_submit(struct path_event *e)
{
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* The whole event of a hook that knows its device by number only; the reader takes the
 * rest from the hop before. */
static __always_inline void path_note(const struct path_head *h, __u8 hook, __u32 ifindex, __u64 id)
{
	struct path_event *e = path_new(h, hook);

	if (!e)
		return;
	e->ifindex = ifindex;
	e->skb = id;
	path_submit(e);
}

/* What tc, sockets and iptables do: they are given the sk_buff, and know its address. */
static __always_inline int path_look(struct __sk_buff *skb, __u8 hook, int link)
{
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct path_at at = { .proto = skb->protocol };
	struct path_head h = {};
	struct path_mark *m;
	__u64 id = 0;

	m = path_mark_of(skb, &id);
	if (!cfg || !m || (link && path_eth(skb, &at, &h)) ||
	    !path_parse(skb, cfg, &at, &h, path_marked(m, id) ? m : NULL))
		return 0;
	if (link && skb->vlan_present && !(h.flags & PATH_H_VXLAN)) {
		h.vlan = skb->vlan_tci & 0xfff;
		h.flags |= PATH_H_VLAN;
	}
	path_mark_set(m, id, &h);
	path_note(&h, hook, skb->ifindex, id);
	return 1;
}

#endif
