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

#include "maps.h"

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

/* Chooses one packet in cfg->sample, on average: the distance is random in
 * 1 .. 2N - 1, so that periodic traffic is not hit in step. */
static __always_inline int lat_sample(const struct lat_cfg *cfg, struct lat_stat *st)
{
	__u32 n = cfg->sample ?: LAT_SAMPLE_DEFAULT;

	st->seen++;
	if (n > 1) {
		if (st->left > 1 && st->left < 2 * n) {
			st->left--;
			return 0;
		}
		st->left = 1 + bpf_get_prandom_u32() % (2 * n - 1);
	}
	st->sampled++;
	return 1;
}

/* It was no packet to measure: as if it had not been there. */
static __always_inline void lat_unsample(struct lat_stat *st)
{
	st->seen--;
	st->sampled--;
}

#if defined(LAT_RECORD)

HM_MAP(lat_stamp);
HM_MAP(lat_hist);

static __always_inline __u32 lat_log2(__u64 v)
{
	__u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r = 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (v >> 1);
}

static __always_inline struct lat_row *lat_row(const struct lat_key *key)
{
	struct lat_row *row = bpf_map_lookup_elem(&lat_hist, key);

	if (!row) {
		struct lat_row empty = {};

		bpf_map_update_elem(&lat_hist, key, &empty, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&lat_hist, key);
	}
	return row;
}

/*
 * Adds DELTA ns to the histogram FROM -> TO. LAT_PREEMPTIBLE is for programs
 * that run in process context, where another run on this CPU may come between.
 */
static __always_inline void lat_add(struct lat_stat *st, const struct lat_stamp *stamp, __u8 from,
				    __u8 to, __u64 delta)
{
	struct lat_key key = {
		.from = from, .to = to, .ifindex = stamp->ifindex, .nsid = stamp->nsid
	};
	__u64 x = delta ? delta - 1 : 0;
	struct lat_row *row;
	__u32 sub = x;

	if (delta > LAT_MAX_NS) {
		__sync_fetch_and_add(&st->lost[LAT_LOST_CLOCK], 1);
		return;
	}
	if (x >= LAT_SUB) {
		__u32 octave = lat_log2(x) - LAT_SUB_BITS + 1;

		key.octave = octave;
		sub = x >> (octave - 1);
	}
	row = lat_row(&key);
	if (!row) {
		__sync_fetch_and_add(&st->lost[LAT_LOST_FULL], 1);
		return;
	}
	sub &= LAT_SUB - 1;
#ifdef LAT_PREEMPTIBLE
	__sync_fetch_and_add(&row->bucket[sub], 1);
	__sync_fetch_and_add(&row->sum, delta);
#else
	row->bucket[sub]++;
	row->sum += delta;
#endif
	if (delta > row->max)
		row->max = delta;
	if (~delta > row->min_inv)
		row->min_inv = ~delta;
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
