/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/hist.h - histograms, and who has them. See abi.h for the rules. */
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

/* A row: the value of each map of histograms. The unit depends on the feature (latency: ns).
 * Who may write it at the same time: hist_count() in hist.h. */
struct lat_row {
	__u64 sum;
	__u64 max;
	__u64 min_inv;	       /* ~(smallest): an all-zero row is empty */
	__u64 bucket[LAT_SUB]; /* values */
};

/*
 * Who has rows in such a map: map pktlat_who, napi_who, ovslat_who, hash, by the same key with
 * octave 0. Written by all CPUs at once: packets is added to atomically, of last any value
 * will do. When there is no room for another one, whoever was not heard of for the longest
 * time goes with its rows. A CPU that still has an element that another one deletes may count
 * one packet for whoever has it next; it was then not the oldest for long.
 */
struct hist_who {
	__u64 last;    /* CLOCK_MONOTONIC, ns */
	__u64 packets; /* values */
	__u64 first;   /* as last */
};
/* Who was heard of since then does not make room. */
#define HIST_KEEP_NS 1000000000

/* In the maps of counters */
struct hist_age {
	__u64 evicted;	       /* who has made room */
	__u64 evicted_packets; /* their values */
	__u64 wait;	       /* until then, nobody can make room */
};

_Static_assert(sizeof(struct hist_who) == 24, "abi");
_Static_assert(sizeof(struct lat_row) == 152, "abi");

#endif
