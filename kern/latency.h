/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency.h - moves a packet's stamp from stage to stage. See README.md for the stages, abi.h
 * for the maps.
 *
 * A stamp is a slot of lat_stamp, found by the address of the sk_buff; a tag in skb->tc_index
 * marks a packet with a stamp. Slots are divided among CPUs, so allocating one needs no lock.
 */
#ifndef HOOKMAP_LATENCY_H
#define HOOKMAP_LATENCY_H

#include "hist.h"

/* Where the packet reached the "to" stage of a row. */
struct lat_place {
	__u32 ifindex;
	__u8 nsid;
};

#define lat_lookup(MAP)                                                                            \
	({                                                                                         \
		__u32 zero_ = 0;                                                                   \
		bpf_map_lookup_elem(&MAP, &zero_);                                                 \
	})

/* Is this packet sampled? One in cfg->sample is, on average: the distance is random in
 * 1 .. 2N - 1, so that samples do not follow the period of periodic traffic. */
static __always_inline int lat_turn(const struct lat_cfg *cfg, struct lat_stat *st)
{
	__u32 n = cfg->sample ?: 1;

	if (n > 1) {
		if (st->left > 1 && st->left < 2 * n) {
			st->left--;
			return 0;
		}
		st->left = 1 + bpf_get_prandom_u32() % (2 * n - 1);
	}
	return 1;
}

/* Counts a packet, CHOSEN or not, only when that is certain: a counter that decreases looks like
 * a reset to its reader. */
static __always_inline int lat_seen(struct lat_stat *st, int chosen)
{
	st->seen++;
	st->sampled += chosen;
	return chosen;
}

#if defined(LAT_RECORD)

HM_MAP(lat_stat);
HM_MAP(lat_stamp);
HM_MAP(lat_hist);

/* Adds DELTA ns to the histogram FROM -> TO. */
static __always_inline void lat_add(struct lat_stat *st, const struct lat_stamp *stamp, __u8 from,
				    __u8 to, __u64 delta)
{
	struct lat_key key = {
		.from = from, .to = to, .ifindex = stamp->ifindex, .nsid = stamp->nsid
	};

	if (delta > LAT_MAX_NS)
		__sync_fetch_and_add(&st->lost[LAT_LOST_CLOCK], 1);
	else if (!hist_add(lat_hist, &key, delta))
		__sync_fetch_and_add(&st->lost[LAT_LOST_FULL], 1);
}

/* The key of an sk_buff in lat_stamp. With CAP_PERFMON the difference of two pointers is a
 * number; the address itself stays in the kernel. */
#define lat_skb(SKB, BASE) ((__u64)(SKB) - (__u64)(BASE))

/* The first slot of SKB's set in the part of the CPU in TAG. */
static __always_inline __u32 lat_set(__u64 skb, __u32 tag, __u32 shift)
{
	__u32 half = 1 << shift >> 1;
	__u32 hash = skb * 0x9e3779b97f4a7c15ULL >> 40;

	return ((tag & ~(2 * half - 1)) | half | (hash & (half - 1))) & (LAT_SLOTS - LAT_WAYS);
}

/* The slot of TAG in the lower half. */
static __always_inline __u32 lat_slot_any(__u32 tag, __u32 shift)
{
	__u32 mask = (1 << shift) - 1;

	return ((tag & ~mask) | (tag & mask) >> LAT_INDEX_SHIFT) & (LAT_SLOTS - 1);
}

/* The slot of SKB's stamp, 0 if it has none. */
HM_FUNCTION __u32 lat_slot_find(__u64 skb, __u32 tag)
{
	struct lat_stamp *base = lat_lookup(lat_stamp), *stamp;
	__u32 slot, shift;

	if (!base)
		return 0;
	shift = base->tag & 15;
	slot = lat_set(skb, tag, shift);
	for (int i = 0; i < LAT_WAYS; i++, slot++) {
		stamp = bpf_map_lookup_elem(&lat_stamp, &slot);
		if (stamp && stamp->skb == skb && stamp->tag == tag)
			return slot;
	}
	slot = lat_slot_any(tag, shift);
	stamp = bpf_map_lookup_elem(&lat_stamp, &slot);
	return stamp && stamp->skb == LAT_ANY && stamp->tag == tag ? slot : 0;
}

/*
 * A slot for SKB (or LAT_ANY) and TAG: a free one of the set, or one that has reached a socket
 * without payload, or the one whose stamp has been idle longest. The caller writes the rest of
 * the stamp.
 */
HM_FUNCTION __u32 lat_slot_take(__u64 skb, __u32 tag, __u32 shift)
{
	struct lat_stamp *base = lat_lookup(lat_stamp), *stamp, *any;
	__u32 slot = lat_set(skb, tag, shift & 15), best = lat_slot_any(tag, shift & 15);
	struct lat_stat *st = lat_lookup(lat_stat);
	__u64 last = ~0ULL, seen;

	any = bpf_map_lookup_elem(&lat_stamp, &best);
	if (!base || !st || !any)
		return 0;
	if (base->tag != shift)
		base->tag = shift;
	/* the tag has wrapped around: its previous owner is no longer found by it */
	if (any->skb && any->stage < LAT_STAGES)
		st->gone[any->stage]++;
	any->skb = 0;
	any->first = skb;
	for (int i = 0; i < LAT_WAYS && skb != LAT_ANY; i++, slot++) {
		stamp = bpf_map_lookup_elem(&lat_stamp, &slot);
		if (!stamp)
			continue;
		/* the address was used before, by a packet whose end was not seen */
		if (!stamp->skb || stamp->skb == skb) {
			best = slot;
			break;
		}
		seen = stamp->empty && stamp->stage == LAT_SOCKET ? 0 : stamp->last;
		if (seen < last) {
			best = slot;
			last = seen;
		}
	}
	stamp = bpf_map_lookup_elem(&lat_stamp, &best);
	if (!stamp)
		return 0;
	if (stamp->skb && stamp->stage < LAT_STAGES)
		st->gone[stamp->stage]++;
	/* another address, seen recently: its packet may still be on its way */
	if (stamp->skb && stamp->skb != skb && bpf_ktime_get_ns() - last < LAT_STALE_NS)
		st->lost[LAT_LOST_SLOT]++;
	stamp->tag = tag;
	stamp->skb = skb;
	return best;
}

/* Is SKB the last owner of TAG? The tag's slot in the lower half tells. */
HM_FUNCTION int lat_newest(__u64 skb, __u32 tag)
{
	struct lat_stamp *base = lat_lookup(lat_stamp), *any;
	__u32 slot;

	if (!base || skb == LAT_ANY)
		return skb == LAT_ANY;
	slot = lat_slot_any(tag, base->tag & 15);
	any = bpf_map_lookup_elem(&lat_stamp, &slot);
	return any && any->skb != LAT_ANY && any->first == skb;
}

/* May STAMP belong to another packet: a clone at the address of an earlier packet with its tag? */
static __always_inline int lat_doubtful(const struct lat_stamp *stamp, __u64 now)
{
	return now - stamp->last > LAT_DOUBT_NS && !lat_newest(stamp->skb, stamp->tag);
}

/* IPPROTO_* in the first bytes of an IP header; EXPECTED for IPv6, whose headers may change. */
#define LAT_HEAD 10

static __always_inline __u8 lat_l4proto(const __u8 *head, __u8 expected)
{
	return head[0] >> 4 == 6 ? expected : head[9];
}

#define lat_head(SKB, TO) bpf_skb_load_bytes_relative(SKB, 0, TO, LAT_HEAD, BPF_HDR_START_NET)

/* The stamp of this packet, if it has one. READ is lat_head, or an equivalent. */
#define lat_stamp_get(SKB, TC_INDEX, READ)                                                         \
	({                                                                                         \
		struct lat_stamp *base_ = lat_lookup(lat_stamp), *stamp_ = NULL;                   \
		__u8 head_[LAT_HEAD] = {};                                                         \
		__u32 slot_ = 0;                                                                   \
                                                                                                   \
		if (base_)                                                                         \
			slot_ = lat_slot_find(lat_skb(SKB, base_), (TC_INDEX)&LAT_INDEX_TAG);      \
		if (slot_)                                                                         \
			stamp_ = bpf_map_lookup_elem(&lat_stamp, &slot_);                          \
		if (stamp_ && stamp_->skb == LAT_ANY) {                                            \
			READ(SKB, head_);                                                          \
			if (lat_l4proto(head_, stamp_->l4proto) != stamp_->l4proto)                \
				stamp_ = NULL;                                                     \
		}                                                                                  \
		stamp_;                                                                            \
	})

/* A stamp for this packet, with its skb and tag. SHIFT is lat_cfg's. */
static __always_inline struct lat_stamp *lat_stamp_new(struct lat_stat *st, void *packet, int any,
						       __u32 shift)
{
	struct lat_stamp *base = lat_lookup(lat_stamp);
	__u32 tags, tag, slot;

	shift = (shift ?: LAT_SHIFT_DEFAULT) & 15;
	if (!base || shift <= LAT_INDEX_SHIFT)
		return NULL;
	/* 0 is not a tag: use the next one, which the next packet must not get as well */
	tags = (1 << (shift - LAT_INDEX_SHIFT)) - 1;
	tag = st->seq++ & tags;
	if (!tag)
		tag = (st->seq++ & tags) ?: 1;
	tag = (bpf_get_smp_processor_id() << shift | tag << LAT_INDEX_SHIFT) & LAT_INDEX_TAG;
	slot = lat_slot_take(any ? LAT_ANY : lat_skb(packet, base), tag, shift);
	return slot ? bpf_map_lookup_elem(&lat_stamp, &slot) : NULL;
}

/* The packet of STAMP has reached STAGE now. */
static __always_inline void lat_move(struct lat_stat *st, struct lat_stamp *stamp, __u8 stage)
{
	__u8 again = stamp->passed >> stage & 1 && stamp->stage != stage ? LAT_AGAIN : 0;
	__u64 now = bpf_ktime_get_ns();
	__u64 delta = now - stamp->last;

	if (stage != LAT_APP && lat_doubtful(stamp, now))
		return;
	lat_add(st, stamp, stamp->stage, stage | again, delta);
	stamp->last = now;
	stamp->stage = stage;
	stamp->passed |= 1 << stage;
	if (stage == LAT_SOCKET || stage == LAT_APP)
		lat_add(st, stamp, stamp->begin, stage | LAT_TOTAL, now - stamp->first);
	if (stage == LAT_APP) {
		__sync_fetch_and_add(&st->ended, 1);
		stamp->skb = 0;
	}
}

#endif /* LAT_RECORD */

#endif
