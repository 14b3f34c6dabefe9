/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/hist.h - histograms and their owners. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_HIST_H
#define HOOKMAP_ABI_HIST_H

#include <linux/types.h>

/*
 * Histograms are log-linear, 16 buckets per octave (HdrHistogram's shape):
 * with x = ns - 1, octave 0 holds x = 0..15, octave o > 0 holds x in
 * [16 << (o - 1), 16 << o), each bucket 1 << (o - 1) ns wide. A bucket's
 * upper bound is inclusive ("le"). Rows are stored by octave, so an octave
 * that never occurs costs nothing.
 */
#define LAT_SUB_BITS 4
#define LAT_SUB	     (1 << LAT_SUB_BITS)
#define LAT_MAX_BITS 40
#define LAT_MAX_NS   (1ULL << LAT_MAX_BITS) /* 18 min 19 s */
#define LAT_OCTAVES  (LAT_MAX_BITS - LAT_SUB_BITS + 1)

/* A row: the value of each map of histograms. The unit depends on the feature (latency: ns). For
 * concurrent writers, see hist_count() in hist.h. */
struct lat_row {
	__u64 sum;
	__u64 max;
	__u64 min_inv;	       /* ~(smallest): an all-zero row is empty */
	__u64 bucket[LAT_SUB]; /* values */
};

/*
 * Owners of rows in such a map: maps pktlat_who, napi_who, ovslat_who, hash, by the same key with
 * octave 0. All CPUs write concurrently: packets is added to atomically, and any value of last
 * will do. A new owner without room replaces the one that is idle longest, and its rows. A CPU
 * that still holds a deleted element may count one packet for the element's next owner.
 */
struct hist_who {
	__u64 last;    /* CLOCK_MONOTONIC, ns */
	__u64 packets; /* values */
	__u64 first;   /* as last */
};
/* An owner seen since then is not replaced. */
#define HIST_KEEP_NS 1000000000

/* In the maps of counters */
struct hist_age {
	__u64 evicted;	       /* replaced owners */
	__u64 evicted_packets; /* their values */
	__u64 wait;	       /* until then, no owner can be replaced */
};

_Static_assert(sizeof(struct hist_who) == 24, "abi");
_Static_assert(sizeof(struct lat_row) == 152, "abi");

#endif
