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
	struct generation generation;
};

/* Reads MAP of FEATURE. 0 or -errno, having printed why. */
int rows_read(const struct options *opt, const char *feature, const char *map, size_t octave,
	      struct rows *rows);
void rows_free(struct rows *rows);

/* Takes away what OLD had of each row. */
void rows_growth(struct rows *rows, const struct rows *old);

/* Adds up the first WORDS 64-bit counters of a per-CPU array of 1. */
int rows_stat(const struct options *opt, const char *map, __u64 *sum, size_t words);

/* A cell: up to 16 characters of a name; a namespace by cookie (0: not known) and inode, "-"
 * if that is 0. */
void row_name(struct out *o, const char *name);
void row_netns(struct out *o, struct names *names, __u64 cookie, __u32 inode);

/* How rows of a histogram each are shown: cells of the key, count, sum, and those of
 * row_quantiles(). */
struct rows_form {
	const struct out_col *cols;
	size_t ncols;
	int (*compare)(const void *a, const void *b); /* two struct hist_row */
	/* Begins the row of KEY and fills its cells; false: it is not shown. */
	bool (*begin)(struct out *o, const void *key, struct names *names);
};

/* As the section "rows" of TOP. */
void rows_show(const struct options *opt, struct json_object *top, struct rows *rows,
	       const struct rows_form *form);

/* Five cells: min, p50, p90, p99, max. */
void row_quantiles(struct out *o, const struct hist *h);

#endif
