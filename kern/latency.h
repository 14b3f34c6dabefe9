/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency.h - how a packet's stamp moves on from stage to stage. See
 * tc/README.md for the whole journey; abi.h for the maps.
 *
 * A stamp is one slot of lat_stamp, its number travels in skb->tc_index. Slots
 * are split by CPU, so taking one needs no lock.
 */
#ifndef HOOKMAP_LATENCY_H
#define HOOKMAP_LATENCY_H

#include "hist.h"

/* Where the "to" stage of a row is. */
struct lat_place {
	__u32 ifindex;
	__u8 nsid;
};

#define lat_lookup(MAP)                                                                            \
	({                                                                                         \
		__u32 zero_ = 0;                                                                   \
		bpf_map_lookup_elem(&MAP, &zero_);                                                 \
	})

/* Is it the turn of this packet? One in cfg->sample is chosen, on average: the distance is
 * random in 1 .. 2N - 1, so that periodic traffic is not hit in step. */
static __always_inline int lat_turn(const struct lat_cfg *cfg, struct lat_stat *st)
{
	__u32 n = cfg->sample ?: LAT_SAMPLE_DEFAULT;

	if (n > 1) {
		if (st->left > 1 && st->left < 2 * n) {
			st->left--;
			return 0;
		}
		st->left = 1 + bpf_get_prandom_u32() % (2 * n - 1);
	}
	return 1;
}

/* A packet was there, and was CHOSEN or not. Counted only once that is certain: a counter
 * that goes back is one that began anew, for whoever reads it. */
static __always_inline int lat_seen(struct lat_stat *st, int chosen)
{
	st->seen++;
	st->sampled += chosen;
	return chosen;
}

#if defined(LAT_RECORD)

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

/* The stamp of SLOT if it is this packet's, as far as HASH can tell. */
static __always_inline struct lat_stamp *lat_stamp_get(struct lat_stat *st, __u32 slot, __u32 hash)
{
	struct lat_stamp *stamp = bpf_map_lookup_elem(&lat_stamp, &slot);

	if (!stamp || !stamp->stage)
		return NULL;
	if (stamp->hash && hash && stamp->hash != hash) {
		__sync_fetch_and_add(&st->lost[LAT_LOST_SLOT], 1);
		return NULL;
	}
	return stamp;
}

/* The packet of STAMP has reached STAGE now. */
static __always_inline void lat_move(struct lat_stat *st, struct lat_stamp *stamp, __u8 stage)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 delta = now - stamp->last;

	lat_add(st, stamp, stamp->stage, stage, delta);
	stamp->last = now;
	stamp->stage = stage;
	if (stage == LAT_SOCKET || stage == LAT_APP)
		lat_add(st, stamp, stamp->begin, stage | LAT_TOTAL, now - stamp->first);
}

#endif /* LAT_RECORD */

#endif
