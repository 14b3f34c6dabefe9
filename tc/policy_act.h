/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_act.h - applies a rule to a packet. From here on a packet takes the next hop of its
 * rule or its fallback, is answered, or dropped. The stack only gets packets that it does not
 * forward: with a bad checksum, and (before 6.7) with TTL 1.
 */
#ifndef HOOKMAP_POLICY_ACT_H
#define HOOKMAP_POLICY_ACT_H

#include "policy_answer.h"

/* Number of packets on the wire, including segments that a device has yet to cut. */
static __always_inline __u32 pol_packets(struct __sk_buff *skb, const struct pol_pkt *p)
{
	__u32 size = skb->gso_size, head;

	if (skb->gso_segs || !size)
		return skb->gso_segs ?: 1;
	/* of a virtual machine: not yet counted */
	head = pol_piece_len(skb, p) - size + p->nh_off;
	return skb->len > head ? (skb->len - head + size - 1) / size : 1;
}

static __always_inline void pol_hop_failed(__u32 index, enum pol_usable usable)
{
	struct pol_hop_count *count = bpf_map_lookup_elem(&pol_hop_count, &index);

	if (!count)
		return;
	if (usable == POL_DOWN)
		count->down++;
	else
		count->unreachable++;
}

static __always_inline void pol_hop_sent(__u32 index, __u32 packets, __u32 bytes)
{
	struct pol_hop_count *count = bpf_map_lookup_elem(&pol_hop_count, &index);

	if (!count)
		return;
	count->packets += packets;
	count->bytes += bytes;
}

static __always_inline int pol_fall(struct pol_stat *st, const struct pol_found *d)
{
	if (d->flags & POL_R_FALLBACK_PASS) {
		st->n[POL_N_FELL_PASS]++;
		return TC_ACT_UNSPEC;
	}
	st->n[POL_N_FELL_DROP]++;
	return TC_ACT_SHOT;
}

static __always_inline int pol_fallback(struct pol_stat *st, const struct pol_found *d,
					enum pol_usable why)
{
	st->n[why == POL_DOWN ? POL_N_DOWN : POL_N_UNREACHABLE]++;
	return pol_fall(st, d);
}

/* Packets that cannot be sent unchanged. */
static __always_inline int pol_refuse(struct __sk_buff *skb, struct pol_stat *st,
				      const struct pol_pkt *p, const struct pol_out *way,
				      const struct pol_found *d, int why, __u64 now)
{
	int v6 = !!(p->word[POL_W_MISC] & POL_M_IP6), ret;
	__u32 what = way->mtu;

	pol_event(st->n, why, POL_N_MAX);
	if (why == POL_N_UNREACHABLE && !what) {
		st->n[POL_N_FELL_DROP]++;
		return TC_ACT_SHOT;
	}
	if (why == POL_N_TOO_BIG && !v6 && !(p->piece & POL_P_DF)) {
		if (skb->gso_size) {
			ret = pol_cut_smaller(skb, p, way);
			if (!ret)
				return pol_send_fit(skb, p, way);
		} else {
			ret = pol_fragment(skb, p, way);
		}
	} else {
		if (why == POL_N_TOO_BIG)
			what = v6 ? POL_ICMP(2, 0, what) : POL_ICMP(3, 4, what);
		else if (why == POL_N_EXPIRED)
			what = v6 ? POL_ICMP(3, 0, 0) : POL_ICMP(11, 0, 0);
		ret = pol_icmp(skb, p, what, now);
		if (ret == POL_CANNOT && why == POL_N_EXPIRED)
			return TC_ACT_UNSPEC;
		if (ret == POL_CANNOT && why == POL_N_UNREACHABLE)
			return TC_ACT_SHOT;
	}
	return ret == POL_CANNOT ? pol_fall(st, d) : ret;
}

/* Sends by WAY, and checks the checksum. Not part of another function, to save stack. HOP: the
 * element of pol_hop that counts it. */
static __always_inline int pol_send(struct __sk_buff *skb, struct pol_stat *st,
				    const struct pol_pkt *p, struct pol_out *way,
				    const struct pol_found *d, __u32 hop, __u64 now)
{
	__u32 packets, bytes = skb->len;
	int why, ret;

	if (!(way->flags & POL_H_L2) && !(p->word[POL_W_MISC] & POL_M_IP6) &&
	    pol_checksum_bad(skb, p)) {
		st->n[POL_N_MALFORMED]++;
		return TC_ACT_UNSPEC;
	}
	if (p->head > sizeof(struct iphdr) && pol_source_route(skb, p)) {
		st->n[POL_N_MALFORMED]++;
		return pol_fall(st, d);
	}
	packets = pol_packets(skb, p);
	if (!(way->flags & POL_H_L2))
		pol_priority(skb, p);
	why = pol_unfit(skb, p, way);
	ret = why ? pol_refuse(skb, st, p, way, d, why, now) : pol_send_fit(skb, p, way);
	/* an answer takes another path */
	if (ret == TC_ACT_REDIRECT && (!why || (why == POL_N_TOO_BIG && !(p->piece & POL_P_DF) &&
						!(p->word[POL_W_MISC] & POL_M_IP6))))
		pol_hop_sent(hop, packets, bytes);
	return ret;
}

/* Marks the Ith next hop of group INDEX as TRIED if its device is not up: each choice of an
 * unusable one costs a walk through the group. */
HM_FUNCTION int pol_rule_out(struct __sk_buff *skb, __u32 index, __u32 i, __u64 now,
			     struct pol_tried *tried)
{
	struct pol_group *group = bpf_map_lookup_elem(&pol_group, &index);
	struct pol_hop_state *state;
	__u32 hop;

	if (!group || !tried)
		return 0;
	hop = group->hop[i & (POL_HOPS - 1)];
	index = (index & ~(POL_HOPS - 1)) + hop;
	state = bpf_map_lookup_elem(&pol_hop_state, &index);
	if (!state)
		return 0;
	pol_hop_tick(skb, state, index, now);
	if (state->device != POL_DEV_UP)
		tried->bits[hop / 64] |= 1ULL << (hop & 63);
	return 0;
}

/* The flow's next hop among the usable ones of group INDEX, or -1. */
HM_FUNCTION int pol_other(struct __sk_buff *skb, const struct pol_pkt *p, __u32 index, __u64 now,
			  struct pol_out *way)
{
	struct pol_group *group = bpf_map_lookup_elem(&pol_group, &index);
	struct pol_tried tried = {};
	int hop;

	if (!group)
		return -1;
	for (__u32 i = 0; i < POL_HOPS && i < group->hops; i++)
		pol_rule_out(skb, index, i, now, &tried);
	for (int i = 0; i < POL_HOPS; i++) {
		hop = pol_choose(p, index, &tried);
		if (hop < 0 || !pol_way_hop(skb, p, (index & ~(POL_HOPS - 1)) + hop, now, way))
			return hop;
		tried.bits[hop / 64 & (POL_HOPS / 64 - 1)] |= 1ULL << (hop & 63);
	}
	return -1;
}

static __always_inline int pol_redirect(struct __sk_buff *skb, struct pol_stat *st,
					const struct pol_pkt *p, const struct pol_found *d,
					__u32 slot, __u64 now)
{
	__u32 base = slot * POL_HOPS, hop;
	int usable, verdict, other;
	struct pol_out way = {};
	struct pol_hop_state *state;
	struct pol_way *known;

	hop = base + ((d->action == POL_ECMP ? POL_CHOICE(d->arg) : d->arg) & (POL_HOPS - 1));
	known = bpf_map_lookup_elem(&pol_way, &hop);
	verdict = known ? pol_send_known(skb, p, known, now) : -1;
	if (verdict >= 0) {
		pol_hop_sent(hop, pol_packets(skb, p), skb->len);
		return verdict;
	}
	state = bpf_map_lookup_elem(&pol_hop_state, &hop);
	if (state)
		pol_hop_tick(skb, state, hop, now);
	usable = pol_way_hop(skb, p, hop, now, &way);
	if (usable) {
		/* counted once, for the one that should have sent it */
		pol_hop_failed(hop, usable);
		other = -1;
		if (d->action == POL_ECMP)
			other = pol_other(skb, p, base + (d->arg & (POL_HOPS - 1)), now, &way);
		if (other < 0)
			return pol_fallback(st, d, usable);
		hop = base + (other & (POL_HOPS - 1));
	}
	return pol_send(skb, st, p, &way, d, hop, now);
}

static __always_inline int pol_by_table(struct __sk_buff *skb, struct pol_stat *st,
					const struct pol_pkt *p, const struct pol_found *d,
					__u64 now)
{
	struct pol_out way = {};
	int usable;

	usable = pol_way_table(skb, p, d->arg, &way);
	if (usable == POL_NO_TABLE) {
		if (d->flags & POL_R_MARK) { /* `ip rule` continues */
			st->n[POL_N_NO_TBID]++;
			return TC_ACT_UNSPEC;
		}
		usable = POL_UNREACHABLE;
	}
	if (usable)
		return pol_fallback(st, d, usable);
	return pol_send(skb, st, p, &way, d, POL_SLOTS * POL_HOPS, now);
}

#endif
