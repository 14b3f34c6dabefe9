/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_group.h - selects the next hop of an ecmp group for a flow: see struct pol_group.
 *
 * A flow is identified by addresses, protocol and ports, so it keeps its next hop if DSCP or
 * mark change. The first fragment of a datagram has the ports, and the others follow it; one
 * that overtakes the first is distributed by addresses and protocol only.
 */
#ifndef HOOKMAP_POLICY_GROUP_H
#define HOOKMAP_POLICY_GROUP_H

#include "policy.h"

HM_MAP(pol_group);

static __always_inline __u32 pol_share_by(const struct pol_pkt *p, __u32 ports)
{
	const __u32 *w = p->word;
	__u64 h;

	h = w[POL_W_SRC] * 0x9e3779b97f4a7c15ULL + w[POL_W_DST] * 0xc2b2ae3d27d4eb4fULL +
	    ports * 0x165667b19e3779f9ULL + p->l4proto * 0x85ebca77c2b2ae63ULL +
	    w[6] * 0xff51afd7ed558ccdULL + w[7] * 0xc4ceb9fe1a85ec53ULL +
	    w[8] * 0xa0761d6478bd642fULL + w[9] * 0xe7037ed1a0b428dbULL +
	    w[10] * 0x8ebc6af09c88c6e3ULL + w[11] * 0x589965cc75374cc3ULL;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9ULL;
	return h >> 32;
}

HM_FUNCTION int pol_share_fragment(struct __sk_buff *skb, struct pol_pkt *p)
{
	struct pol_frag_key key = {};
	__u32 share, ports, *known;

	if (!p)
		return 0;
	pol_frag_of(p, &key);
	key.proto = p->l4proto;
	if (p->piece & POL_P_LATER) {
		known = bpf_map_lookup_elem(&pol_frag, &key);
		if (known)
			return *known;
		p->piece |= POL_P_ALONE;
		return pol_share_by(p, 0);
	}
	if (bpf_skb_load_bytes(skb, p->l4, &ports, sizeof(ports)))
		return pol_share_by(p, 0);
	share = pol_share_by(p, bpf_ntohl(ports));
	bpf_map_update_elem(&pol_frag, &key, &share, BPF_ANY);
	return share;
}

static __always_inline __u32 pol_share(struct __sk_buff *skb, struct pol_pkt *p)
{
	if (p->piece & (POL_P_LATER | POL_P_MORE) && !p->hidden && flow_has_ports(p->l4proto))
		return pol_share_fragment(skb, p);
	return pol_share_by(p, p->word[POL_W_PORTS]);
}

/*
 * -log2(u / 2^32), times 2^24. Between powers of two it is a cubic that has the logarithm's
 * values and slopes at both ends: 1.5 % off at most.
 */
static __always_inline __u64 pol_minus_log(__u32 u)
{
	__u32 zeros = 0;
	__u64 x, y;

	if (!u)
		return 33ULL << 24;
		/* no __builtin_clz: llc 14 does not support it for bpf */
#pragma unroll
	for (int step = 16; step; step /= 2) {
		if (u >> (32 - step))
			continue;
		u <<= step;
		zeros += step;
	}
	x = (u & 0x7fffffff) >> 7; /* the fraction, times 2^24 */
	/* x (1.442695 - x (0.606738 - x 0.164043)), in 2^-24 */
	y = 10179367 - (x * 2752185 >> 24);
	y = 24204406 - (x * y >> 24);
	y = x * y >> 24;
	return ((__u64)(zeros + 1) << 24) - y;
}

/* The score of next hop HOP for the flow, before the weight: the lower the better. */
static __always_inline __u64 pol_score(__u32 share, __u32 hop)
{
	__u32 u = (share ^ hop * 0x9e3779b1) * 0x85ebca6b;

	u = (u ^ u >> 15) * 0xc2b2ae35;
	u = (u ^ u >> 13) * 0x27d4eb2f;
	return pol_minus_log(u ^ u >> 16);
}

struct pol_best {
	__u64 score;
	__u32 weight;
	__s32 hop; /* number in pol_hop, or -1 */
};

/* Next hops of a packet that were found unusable, by number in pol_hop. */
struct pol_tried {
	__u64 bits[POL_HOPS / 64];
};

/* Is the Ith next hop of group INDEX a better one? Outside the loop, so that the verifier checks
 * it once. */
HM_FUNCTION int pol_better(const struct pol_pkt *p, __u32 index, __u32 i, struct pol_best *best,
			   const struct pol_tried *tried)
{
	struct pol_group *group = bpf_map_lookup_elem(&pol_group, &index);
	__u32 hop, weight;
	__u64 score;

	if (!p || !best || !tried || !group)
		return 0;
	hop = group->hop[i & (POL_HOPS - 1)];
	weight = group->weight[hop];
	if (!weight || tried->bits[hop / 64] >> (hop & 63) & 1)
		return 0;
	score = pol_score(p->share, hop);
	/* score / weight, compared crosswise */
	if (best->hop >= 0 && score * best->weight >= best->score * weight)
		return 0;
	best->score = score;
	best->weight = weight;
	best->hop = hop;
	return 0;
}

/* The flow's next hop among those of group INDEX that were not TRIED: its number in pol_hop,
 * or -1. */
HM_FUNCTION int pol_choose(const struct pol_pkt *p, __u32 index, const struct pol_tried *tried)
{
	struct pol_group *group = bpf_map_lookup_elem(&pol_group, &index);
	struct pol_best best = { .hop = -1 };

	if (!group)
		return -1;
	for (__u32 i = 0; i < POL_HOPS && i < group->hops; i++)
		pol_better(p, index, i, &best, tried);
	return best.hop;
}

#endif
