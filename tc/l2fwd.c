// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/l2fwd - floods frames marked by xdp/l2fwd: one copy per port, each with the tag for its
 * port, which XDP cannot do.
 *
 *   tc filter add dev D ingress prio 2 handle 1 bpf da obj build/tc/l2fwd.o
 *
 * The mark is a struct l2_meta in the XDP metadata. Blocked ports, ports outside the VLAN and
 * the input port get no copy; the rules of the ports apply.
 *
 * Maps: l2_port (settings), l2_wire (a mirrored bridge's settings of them), l2_acl (rules),
 * l2_xlate, l2_stat (counts). Returns TC_ACT_STOLEN for frames that it has flooded,
 * TC_ACT_UNSPEC for all others.
 */
#include "l2acl.h"
#include "l2fwd.h"
#include "parse.h"
#include "reach.h"

#include <linux/pkt_cls.h>

HM_MAP(l2_xlate);

/* A frame that is flooded. */
struct l2_copy {
	struct __sk_buff *skb;
	struct flow flow;
	__u32 in;
	__u32 vlan;
	__u32 prio;  /* PCP and DEI */
	__u32 bytes; /* as it came, without the port's tag */
};

/* Pushes the tag for OUT. Returns 1, 0 if OUT needs no tag, or negative. */
static __always_inline int l2_tag_push(struct l2_copy *c, const struct l2_side *out, __u32 number)
{
	struct l2_xlate_key key = { .port = number, .vlan = c->vlan, .out = 1 };
	__u32 vlan = c->vlan, *to;

	if (!(out->flags & L2_P_VLAN) || l2_bit(out->untagged, c->vlan))
		return 0;
	if (out->flags & L2_P_XLATE) {
		to = bpf_map_lookup_elem(&l2_xlate, &key);
		if (to)
			vlan = *to & L2_VID;
	}
	return bpf_skb_vlan_push(c->skb, out->proto, vlan | c->prio) ? -1 : 1;
}

/* One frame, without the port's own tag, becomes each copy in turn: the tag pushed for a copy is
 * removed again. Nothing else changes, also not the customer's inner tags. */
static long l2_copy_to(void *map, __u32 *key, struct l2_port *port, struct l2_copy *c)
{
	__u32 number = *key, bytes;
	struct l2_side out;
	struct l2_stat *st;
	int pushed, failed;

	(void)map;
	if (!port->ifindex || number == c->in || !l2_side_get(&out, number))
		return 0;
	if (out.flags & (L2_P_BLOCKED | L2_P_SLOW) || !l2_member(&out, c->vlan))
		return 0;
	st = l2_stat_get(number);
	if (!st)
		return 0;
	if (out.flags & L2_P_ACL && !l2_acl_permits(&c->flow, number, c->bytes)) {
		st->reason[L2_DROP_ACL]++;
		return 0;
	}
	pushed = l2_tag_push(c, &out, number);
	if (pushed < 0) {
		st->reason[L2_DROP_NO_ROOM]++;
		return 0;
	}
	bytes = c->skb->len + (c->skb->vlan_present ? 4 : 0);
	failed = bpf_clone_redirect(c->skb, port->ifindex, 0);
	if (pushed && bpf_skb_vlan_pop(c->skb)) {
		st->reason[L2_DROP_NO_ROOM]++;
		return 1;
	}
	if (failed) {
		st->reason[L2_DROP_COPY]++;
		return 0;
	}
	st->tx_packets++;
	st->tx_copies++;
	st->tx_bytes += bytes;
	return 0;
}

/* The mark of xdp/l2fwd: it may precede the one of xdp/latency. */
static __always_inline int l2_marked(struct __sk_buff *skb, struct l2_meta *mark)
{
	void *data = (void *)(long)skb->data;
	struct l2_meta *m = (void *)(long)skb->data_meta;

	if ((void *)(m + 1) > data || m->magic != L2_META_MAGIC)
		return 0;
	*mark = *m;
	return 1;
}

SEC("classifier")
int l2fwd_tc(struct __sk_buff *skb)
{
	struct l2_copy c = { .skb = skb };
	struct l2_meta mark;
	struct cursor cur;

	reach(skb->ifindex);
	if (!l2_marked(skb, &mark))
		return TC_ACT_UNSPEC;
	c.in = mark.port;
	c.vlan = mark.tci & L2_VID;
	c.prio = mark.tci & L2_PRIO;
	/* At tc the outermost tag is always in the skb's fields. */
	if (mark.tagged && bpf_skb_vlan_pop(skb))
		return TC_ACT_SHOT;
	bpf_skb_pull_data(skb, skb->len < 128 ? skb->len : 128);
	cur.pos = (void *)(long)skb->data;
	cur.end = (void *)(long)skb->data_end;
	c.flow.vlan = c.vlan;
	l2_flow_read(&cur, &c.flow);
	c.bytes = skb->len + (skb->vlan_present ? 4 : 0);
	bpf_for_each_map_elem(&l2_port, l2_copy_to, &c, 0);
	return TC_ACT_STOLEN;
}
