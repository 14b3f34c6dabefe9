/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rows.h - histograms by some key: what napi, pktlat and ovslat show.
 */
#ifndef HOOKMAP_ROWS_H
#define HOOKMAP_ROWS_H

#include "hookmap.h"

#define ROW_KEY 64

struct hist_row {
	unsigned char key[ROW_KEY]; /* as in the map, its octave 0 */
	struct hist hist;
};

struct rows {
	struct hist_row *row;
	size_t n;
	size_t octave; /* where the octave is in a key */
};

/* Reads MAP of FEATURE. 0 or -errno, having printed why. */
int rows_read(const struct options *opt, const char *feature, const char *map, size_t octave,
	      struct rows *rows);
void rows_free(struct rows *rows);

/* Adds up the first WORDS 64-bit counters of a per-CPU array of 1. */
int rows_stat(const struct options *opt, const char *map, __u64 *sum, size_t words);

/* Five cells: min, p50, p90, p99, max. */
void row_quantiles(struct out *o, const struct hist *h);

#endif
