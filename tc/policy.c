// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/policy - policy routing: rules decide where a packet goes.
 *
 *   tc qdisc add dev D clsact
 *   tc filter add dev D ingress prio 50 handle 1 bpf da obj build/tc/policy.o
 *   scripts/policy.sh load FILE
 *
 * A device whose frames have no Ethernet header (tun, wireguard) needs "classid 0:1". The cost
 * does not grow with the number of rules: the flow cache first, then one look-up per mask tuple.
 * See tc/README.md.
 *
 * Maps: pol_*. Counters in packets (segments of a GRO packet) and bytes (of the frame as tc sees
 * it); times in ns. Returns TC_ACT_UNSPEC for packets that pass (other filters still run),
 * TC_ACT_SHOT, TC_ACT_REDIRECT.
 */
#include "policy.h"
#include "policy_act.h"
#include "reach.h"

static __always_inline void pol_account(struct __sk_buff *skb, const struct pol_pkt *p,
					const struct pol_set *set, __u32 slot, __u32 place,
					__u64 now)
{
	__u32 index = pol_stripe(set) + place;
	void *counts = bpf_map_lookup_elem(&pol_count, &slot);
	__u32 packets = pol_packets(skb, p);
	struct pol_count *count;

	if (!counts)
		return;
	count = bpf_map_lookup_elem(counts, &index);
	if (!count)
		return;
	if (set->flags & POL_S_SHARED) {
		__sync_fetch_and_add(&count->packets, packets);
		__sync_fetch_and_add(&count->bytes, skb->len);
	} else {
		count->packets += packets;
		count->bytes += skb->len;
	}
	count->last = now;
}

/* The first choice of an ecmp group, unless it is KNOWN of the flow. To the flow cache all
 * fragments between two addresses are one flow. */
static __always_inline void pol_decide_hop(struct __sk_buff *skb, struct pol_pkt *p, __u32 slot,
					   struct pol_found *d, int known)
{
	__u32 group = d->arg & (POL_HOPS - 1);
	struct pol_tried none = {};

	p->share = pol_share(skb, p);
	if (!known || p->piece & (POL_P_LATER | POL_P_MORE))
		d->arg = group | POL_CHOSEN(pol_choose(p, slot * POL_HOPS + group, &none));
}

/* The decision of the rules, without the flow cache. */
static __always_inline void pol_decide(struct __sk_buff *skb, struct pol_pkt *p,
				       const struct pol_set *set, __u32 slot, struct pol_found *d)
{
	__u32 special;

	if (set->flags & POL_S_IIF)
		p->iif = pol_iif_number(skb, slot);
	pol_find_any(p, slot, d);
	if (d->place == POL_NO_RULE)
		return;
	/* rules do not apply to packets to this host, as with ip rule */
	special = pol_local(skb, p);
	if (special)
		d->place = special;
	else if (d->action == POL_ECMP)
		pol_decide_hop(skb, p, slot, d, 0);
}

static __always_inline int pol_act(struct __sk_buff *skb, struct pol_stat *st,
				   const struct pol_pkt *p, const struct pol_found *d, __u32 slot,
				   __u64 now)
{
	if (d->flags & POL_R_MARK)
		skb->mark = d->mark;
	switch (d->action) {
	case POL_DROP:
		return TC_ACT_SHOT;
	case POL_REDIRECT:
	case POL_ECMP:
		return pol_redirect(skb, st, p, d, slot, now);
	case POL_TABLE:
		return pol_by_table(skb, st, p, d, now);
	}
	return TC_ACT_UNSPEC;
}

#ifdef POLICY_INLINE /* into a test program */
static __always_inline
#else
SEC("classifier")
#endif
	int
	policy_tc(struct __sk_buff *skb)
{
	__u32 zero = 0, slot, gen;
	struct pol_flow *flow = NULL, *free = NULL;
	struct pol_found d = { .rank = POL_NO_RULE, .place = POL_NO_RULE };
	struct pol_stat *st;
	struct pol_cfg *cfg;
	struct pol_set *set;
	struct pol_pkt p = {};
	__u64 now;
	int err;

	reach(skb->ifindex);
	cfg = bpf_map_lookup_elem(&pol_cfg, &zero);
	st = bpf_map_lookup_elem(&pol_stat, &zero);
	if (!cfg || !st)
		return TC_ACT_UNSPEC;
	gen = *(volatile __u32 *)&cfg->gen;
	if (!gen)
		return TC_ACT_UNSPEC;
	slot = gen & (POL_SLOTS - 1);
	set = bpf_map_lookup_elem(&pol_set, &slot);
	if (!set)
		return TC_ACT_UNSPEC;
	st->n[POL_N_SEEN]++;
	if (skb->pkt_type != PACKET_HOST) {
		st->n[POL_N_NOT_OURS]++;
		return TC_ACT_UNSPEC;
	}
	p.l3 = skb->tc_classid & POL_CLASS_L3;
	p.all = skb->len <= skb->data_end - skb->data;
	err = pol_parse(skb, &p);
	if (err == POL_N_MALFORMED && skb->len > skb->data_end - skb->data) {
		/* the headers may just not be in the linear part */
		bpf_skb_pull_data(skb, skb->len < 512 ? skb->len : 512);
		p.all = 1;
		err = pol_parse(skb, &p);
	}
	if (err) {
		pol_event(st->n, (__u32)err, POL_N_MAX);
		return TC_ACT_UNSPEC;
	}
	if (p.word[POL_W_MISC] & POL_M_FRAGMENT)
		st->n[p.hidden ? POL_N_HIDDEN : POL_N_FRAGMENT]++;

	now = bpf_ktime_get_coarse_ns();
	if (!(cfg->flags & POL_F_NOCACHE)) {
		p.hash = pol_flow_hash(p.word, p.word[POL_W_MISC] & POL_M_IP6);
		flow = pol_flow_get(&p, gen, now, &free);
	}
	if (flow && !pol_flow_read(flow, &p, &d))
		flow = NULL;
	if (flow) {
		st->n[POL_N_HIT]++;
		if (d.action == POL_ECMP && d.place < POL_NO_FORWARD)
			pol_decide_hop(skb, &p, slot, &d, 1);
	} else {
		st->n[POL_N_MISS]++;
		pol_decide(skb, &p, set, slot, &d);
		/* a new route can keep packets from the rules for at most a tick */
		if (free)
			pol_flow_put(free, &p, gen,
				     now + (d.place == POL_LOCAL || d.place == POL_NO_FORWARD
						    ? 1
						    : POL_FLOW_NS),
				     &d);
	}
	if (p.piece & POL_P_ALONE)
		st->n[POL_N_ALONE]++;
	if (d.place >= POL_NO_FORWARD) {
		st->n[d.place == POL_NO_RULE ? POL_N_NO_RULE
		      : d.place == POL_LOCAL ? POL_N_LOCAL
					     : POL_N_NO_FORWARD]++;
		return TC_ACT_UNSPEC;
	}
	pol_account(skb, &p, set, slot, d.place, now);
	return pol_act(skb, st, &p, &d, slot, now);
}
