// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/l2fwd - floods what xdp/l2fwd has marked: one copy a port, each with the tag that
 * its port wants, which XDP cannot do.
 *
 *   tc filter add dev D ingress prio 2 handle 1 bpf da obj build/tc/l2fwd.o
 *
 * The mark is a struct l2_meta in the XDP metadata. Blocked ports, ports outside the
 * VLAN and the one that the frame came in by get none; rules of the ports count.
 *
 * Maps: l2_port (settings), l2_acl (rules), l2_xlate, l2_stat (counts), l2_cfg.
 * Returns TC_ACT_STOLEN for what it has flooded, TC_ACT_UNSPEC for all else.
 */
#include "l2acl.h"
#include "l2fwd.h"
#include "parse.h"

#include <linux/pkt_cls.h>

HM_MAP(l2_xlate);

/* A frame that is flooded. */
struct l2_copy {
	struct __sk_buff *skb;
	struct l2_flow flow;
	__u32 in;
	__u32 vlan;
	__u16 prio; /* PCP and DEI */
	__u16 pad;
	__u32 bytes; /* without tag */
	__u32 read;  /* flow has been read */
};

/* The outermost tag is in the skb's fields here. A copy for a port that wants none, or
 * another, is made from the untagged frame. */
static __always_inline int l2_tag_copy(struct l2_copy *c, const struct l2_port *out, __u32 number)
{
	struct l2_xlate_key key = { .port = number, .vlan = c->vlan, .out = 1 };
	__u32 vlan = c->vlan, *to;

	if (!(out->flags & L2_P_VLAN))
		return 0;
	if (c->skb->vlan_present && bpf_skb_vlan_pop(c->skb))
		return -1;
	if (l2_bit(out->untagged, c->vlan))
		return 0;
	if (out->flags & L2_P_XLATE) {
		to = bpf_map_lookup_elem(&l2_xlate, &key);
		if (to)
			vlan = *to & L2_VID;
	}
	return bpf_skb_vlan_push(c->skb, out->proto ?: bpf_htons(ETH_P_8021Q), vlan | c->prio);
}

static long l2_copy_to(void *map, __u32 *key, struct l2_port *out, struct l2_copy *c)
{
	__u32 number = *key;
	struct l2_stat *st;

	(void)map;
	if (!out->ifindex || number == c->in)
		return 0;
	if (out->flags & (L2_P_BLOCKED | L2_P_SLOW) || !l2_member(out, c->vlan))
		return 0;
	st = l2_stat_get(number);
	if (!st)
		return 0;
	if (out->flags & L2_P_ACL && !l2_acl_permits(&c->flow, number, c->bytes)) {
		st->reason[L2_DROP_ACL]++;
		return 0;
	}
	if (l2_tag_copy(c, out, number)) {
		st->reason[L2_DROP_NO_ROOM]++;
		return 0;
	}
	if (bpf_clone_redirect(c->skb, out->ifindex, 0)) {
		st->reason[L2_NO_DEVICE]++;
		return 0;
	}
	st->tx_packets++;
	st->tx_bytes += c->skb->len + (c->skb->vlan_present ? 4 : 0);
	return 0;
}

/* The mark of xdp/l2fwd: it may stand in front of that of xdp/latency. */
static __always_inline __u32 l2_marked(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	struct l2_meta *m = (void *)(long)skb->data_meta;

	if ((void *)(m + 1) > data || m->magic != L2_META_MAGIC)
		return 0;
	return m->port_vlan;
}

SEC("classifier")
int l2fwd_tc(struct __sk_buff *skb)
{
	__u32 mark = l2_marked(skb);
	struct l2_copy c = { .skb = skb, .in = mark >> 16, .vlan = mark & 0xffff };
	struct cursor cur;

	if (!mark)
		return TC_ACT_UNSPEC;
	bpf_skb_pull_data(skb, skb->len < 128 ? skb->len : 128);
	cur.pos = (void *)(long)skb->data;
	cur.end = (void *)(long)skb->data_end;
	c.flow.vlan = c.vlan;
	l2_flow_read(&cur, &c.flow);
	c.bytes = skb->len;
	/* the frame's own tag, if its port looked at it */
	if (skb->vlan_present)
		c.prio = skb->vlan_tci & L2_PRIO;
	bpf_for_each_map_elem(&l2_port, l2_copy_to, &c, 0);
	return TC_ACT_STOLEN;
}
