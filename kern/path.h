/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path.h - shared by the hooks of path: the filter, and the event. A program defines FLOW_COPY
 * before it includes this, see parse_copy.h.
 */
#ifndef HOOKMAP_PATH_H
#define HOOKMAP_PATH_H

#include "match.h"
#include "parse_copy.h"
#include "trace.h"

HM_MAP(path_cfg);
HM_MAP(path_stat);
HM_MAP(path_mark);
HM_MAP(path_ring);

static __always_inline __be16 path_vxlan_port(const struct path_cfg *c)
{
	return c->vxlan_port ?: bpf_htons(PATH_VXLAN_PORT);
}

/* enum match_verdict */
HM_FUNCTION int path_judge(const struct flow *f)
{
	const struct path_cfg *c = trace_lookup(path_cfg, 0);

	if (!c || !f)
		return MATCH_NO;
	return c->flags & PATH_F_SET ? match_flow(&c->match, f) : flow_is_echo(f);
}

/* The mark of SKB, or the one that it would use; ID is the key of the sk_buff. To the verifier,
 * the difference of two pointers is a number. */
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

/* The fields that NAT does not change. */
static __always_inline __u32 path_l4id(const struct path_head *h)
{
	return h->flow.l4proto == IPPROTO_UDP	? 0
	       : h->flow.l4proto == IPPROTO_TCP ? h->l4id
						: h->l4id & 0xffff;
}

static __always_inline void path_mark_set(struct path_mark *m, __u64 id, const struct path_head *h)
{
	m->time = bpf_ktime_get_ns();
	m->src = h->flow.src[0];
	m->dst = h->flow.dst[0];
	m->id = h->flow.id;
	m->l4id = path_l4id(h);
	m->len = h->len;
	m->family = h->flow.family;
	m->l4proto = h->flow.l4proto;
	m->skb = id;
}

/* Is this the packet of M? Without any number, one of its addresses must be the same. */
static __always_inline int path_same(const struct path_mark *m, const struct path_head *h)
{
	const struct flow *f = &h->flow;

	if (m->family != f->family || m->l4proto != f->l4proto || m->len != h->len ||
	    m->id != f->id || m->l4id != path_l4id(h))
		return 0;
	return m->id || m->l4id || m->src == f->src[0] || m->dst == f->dst[0];
}

/* From the network header on. -1 if the headers are not there. */
static __always_inline int path_headers(void *ctx, struct copy_at *at, struct path_head *h)
{
	__be16 word[4];

	if (copy_ip(ctx, at, &h->flow) || copy_l4(ctx, at, &h->flow, word))
		return -1;
	h->l4id = (__u32)bpf_ntohs(word[2]) << 16 | bpf_ntohs(word[3]);
	h->len = at->len;
	h->ttl = at->ttl;
	h->tcp = 0;
	if (h->flow.l4proto == IPPROTO_TCP && h->flow.ports)
		FLOW_COPY(ctx, &h->tcp, 1, at->pos + 13);
	return 0;
}

/* From the network header on. 1: the packet matches, or one inside it; or it is the packet of M,
 * which has matched. */
static __always_inline int path_parse(void *ctx, const struct path_cfg *c, struct copy_at *at,
				      struct path_head *h, const struct path_mark *m)
{
	__u32 vxlan[2];

	if (path_headers(ctx, at, h))
		return 0;
	if (path_judge(&h->flow) == MATCH_YES || (m && path_same(m, h)))
		return 1;
	if (h->flow.l4proto != IPPROTO_UDP || h->flow.dport != path_vxlan_port(c) ||
	    FLOW_COPY(ctx, vxlan, sizeof(vxlan), at->pos + 8))
		return 0;
	h->flags |= PATH_H_VXLAN;
	h->flow.vlan = 0;
	h->vni = bpf_ntohl(vxlan[1]) >> 8;
	at->pos += 16;
	if (copy_ethernet(ctx, at, &h->flow) || path_headers(ctx, at, h))
		return 0;
	return path_judge(&h->flow) == MATCH_YES || (m && path_same(m, h));
}

/* A new event in the ring buffer, with the fields of all hooks; NULL if the buffer is full. */
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
	__builtin_memset(e, 0, sizeof(*e));
	e->time = bpf_ktime_get_ns();
	e->head = *h;
	e->hook = hook;
	return e;
}

static __always_inline void path_submit(struct path_event *e)
{
	struct path_stat *st = trace_lookup(path_stat, 0);

	if (st)
		__sync_fetch_and_add(&st->ring.events, 1);
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

/* For tc, sockets and iptables, which get the sk_buff and its address. */
static __always_inline int path_look(struct __sk_buff *skb, __u8 hook, int link)
{
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct copy_at at = { .proto = skb->protocol };
	struct path_head h = {};
	struct path_mark *m;
	__u64 id = 0;

	m = path_mark_of(skb, &id);
	if (!cfg || !m || (link && copy_ethernet(skb, &at, &h.flow)))
		return 0;
	if (link && skb->vlan_present)
		h.flow.vlan = skb->vlan_tci & 0xfff;
	if (!path_parse(skb, cfg, &at, &h, path_marked(m, id) ? m : NULL))
		return 0;
	path_mark_set(m, id, &h);
	path_note(&h, hook, skb->ifindex, id);
	return 1;
}

#endif
