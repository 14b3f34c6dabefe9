/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hist.h - log-linear histograms, see abi.h: finding the bucket of a value, and counting.
 */
#ifndef HOOKMAP_HIST_H
#define HOOKMAP_HIST_H

#include "maps.h"

static __always_inline __u32 hist_log2(__u64 v)
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

/* The octave of VALUE; *SUB is its bucket there. */
static __always_inline __u8 hist_place(__u64 value, __u32 *sub)
{
	__u64 x = value ? value - 1 : 0;
	__u32 octave = 0;

	if (x >= LAT_SUB) {
		octave = hist_log2(x) - LAT_SUB_BITS + 1;
		x >>= octave - 1;
	}
	*sub = x & (LAT_SUB - 1);
	return octave;
}

/*
 * Counts VALUE. Rows are per CPU, but have several writers: a softirq interrupts a task, a
 * tracing program may be preempted (fentry always, tracepoints since 7.0), and on PREEMPT_RT
 * without the per-CPU lock (6.18) so may a softirq, by the next program on the same CPU. Counts
 * are therefore atomic. max and min_inv may lose one of two concurrent values; each is a value
 * that was seen. They are written first: a reader that sees a count also sees them, unless it
 * read them before (hist_add() of the reader).
 */
static __always_inline void hist_count(struct lat_row *row, __u32 sub, __u64 value)
{
	if (value > row->max)
		row->max = value;
	if (~value > row->min_inv)
		row->min_inv = ~value;
	__sync_fetch_and_add(&row->sum, value);
	__sync_fetch_and_add(&row->bucket[sub & (LAT_SUB - 1)], 1);
}

/* Adds VALUE to the histogram of KEY in MAP; KEY->octave is set on the way. False if
 * the map has no room. */
#define hist_add(MAP, KEY, VALUE)                                                                  \
	({                                                                                         \
		__u64 value_ = (VALUE);                                                            \
		struct lat_row *row_;                                                              \
		__u32 sub_;                                                                        \
                                                                                                   \
		(KEY)->octave = hist_place(value_, &sub_);                                         \
		row_ = bpf_map_lookup_elem(&MAP, KEY);                                             \
		if (!row_) {                                                                       \
			struct lat_row empty_ = {};                                                \
                                                                                                   \
			bpf_map_update_elem(&MAP, KEY, &empty_, BPF_NOEXIST);                      \
			row_ = bpf_map_lookup_elem(&MAP, KEY);                                     \
		}                                                                                  \
		if (row_)                                                                          \
			hist_count(row_, sub_, value_);                                            \
		row_ != NULL;                                                                      \
	})

#endif
