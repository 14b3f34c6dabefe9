/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hists.h - verbs that show histograms, a row for each key of a map: latency, pktlat, napi and
 * ovslat. A verb names its rows and counters. Reading, -i, --since and all outputs are here.
 *
 * JSON: each table of the verb as an array of rows. With --buckets, a row has "buckets", [[le,
 * values], ...] without the empty ones, and "id", the key of the map in hexadecimal;
 * "generation" has the rest that --since needs (boot, map, and all counters of the map). "lost"
 * has the verb's counters, "missed" (runs of the programs that the kernel skipped).
 */
#ifndef HOOKMAP_HISTS_H
#define HOOKMAP_HISTS_H

#include "prom.h"
#include "verb.h"

#define HIST_KEY_MAX 64 /* bytes of a key, and more */
#define HIST_NAMES   5	/* cells before the histogram's, at most */

struct hist_row {
	unsigned char key[HIST_KEY_MAX]; /* as in the map, its octave 0 */
	__u64 age;			 /* the smaller, the older */
	struct hist hist;
};

/* The values read at one time, or the growth in an interval */
struct hists {
	struct generation generation;
	struct hist_row **row;	 /* by key */
	struct hist_row **shown; /* in the order of the verb */
	size_t n;
	__u64 *count; /* the words of the map of counters, sums over the CPUs */
	__u64 missed;
	void *more; /* of the verb, see hist_verb.read */
};

/* The name of a row: one cell each. Numbers are cells of OUT_U64. */
struct hist_name {
	const char *text[HIST_NAMES];
	__u64 number[HIST_NAMES];
	char buf[HIST_NAMES][TEXT_MAX / 4];
};

/* Rows of one kind. The columns are those of the name, one of the two sets below, and those of
 * more(). */
struct hist_table {
	const char *key;     /* in JSON */
	const char *heading; /* NULL: none */
	const struct out_col *cols;
	size_t ncols;
	size_t names; /* of the columns: those of the name */
	/* Is it a row of this table? NULL: all are. */
	bool (*has)(const struct hists *h, const struct hist_row *row);
	void (*name)(const struct hist_row *row, struct names *names, struct hist_name *name);
	/* Cells after the histogram's; NULL: none. */
	void (*more)(struct out *o, const struct hists *h, const struct hist_row *row);
	/* Adds the row, for --prom. */
	void (*prom)(const struct hist_row *row, const struct hist_name *name);
};

/* For times in nanoseconds, and for numbers (COUNT_ and SUM_: their names) */
#define HIST_COLS_NS                                                                               \
	{ "count", "COUNT", OUT_U64 }, { "sum_ns", NULL, OUT_NS }, { "min_ns", NULL, OUT_NS },     \
		{ "p50_ns", "P50", OUT_NS }, { "p90_ns", "P90", OUT_NS },                          \
		{ "p99_ns", "P99", OUT_NS }, { "p999_ns", "P99.9", OUT_NS },                       \
	{                                                                                          \
		"max_ns", "MAX", OUT_NS                                                            \
	}
#define HIST_COLS(COUNT_, COUNT_HEAD, SUM_, SUM_HEAD)                                              \
	{ COUNT_, COUNT_HEAD, OUT_U64 }, { SUM_, SUM_HEAD, OUT_U64 }, { "min", "MIN", OUT_U64 },   \
		{ "p50", "P50", OUT_U64 }, { "p90", "P90", OUT_U64 }, { "p99", "P99", OUT_U64 },   \
		{ "p999", "P99.9", OUT_U64 },                                                      \
	{                                                                                          \
		"max", "MAX", OUT_U64                                                              \
	}

struct hist_count {
	const char *key;  /* in "lost" */
	const char *text; /* after its number, in the table; NULL: only in JSON */
	size_t at;	  /* in the value of the map of counters */
};

struct hist_verb {
	const char *feature;
	const char *map, *stat; /* of histograms, and of counters: a per-CPU array of 1 */
	const char *who;	/* owners of rows, see abi/hist.h; NULL: age() has them */
	size_t octave;		/* its offset in a key */
	const struct hist_table *table;
	const struct hist_count *count;
	size_t tables, counts;
	struct prom_family *lost; /* by cause */
	/* Compares two rows, for the order of display. */
	int (*compare)(const struct hist_row *a, const struct hist_row *b);
	__u64 (*age)(const struct hist_row *row, struct names *names);
	/* Reads the verb's other data into h->more, of that many bytes. 0 or -errno. */
	int (*read)(const struct options *opt, struct hists *h);
	size_t more;
	/* After the tables: the rest of the text, or members of the document. */
	int (*rest)(const struct options *opt, const struct hists *h);
	/* Members of "lost". */
	void (*lost_json)(const struct hists *h);
	/* Adds data besides rows and counters. */
	void (*prom)(const struct hists *h);
};

/* Options of all of them */
extern struct hists_asked {
	bool hist, buckets;
	const char *since, *device, *netns;
} hists_asked;

#define HISTS_ARGS                                                                                 \
	{ .name = "hgrm",                                                                          \
	  .kind = ARG_OUTPUT,                                                                      \
	  .value = OUT_HGRM,                                                                       \
	  .help = "HdrHistogram percentile distribution" },                                        \
		{ .name = "hist",                                                                  \
		  .kind = ARG_FLAG,                                                                \
		  .to = &hists_asked.hist,                                                         \
		  .help = "draw the distributions" },                                              \
		{ .name = "buckets",                                                               \
		  .kind = ARG_FLAG,                                                                \
		  .to = &hists_asked.buckets,                                                      \
		  .help = "add the histogram buckets to JSON" },                                   \
		{ .name = "since",                                                                 \
		  .takes = "FILE",                                                                 \
		  .kind = ARG_TEXT,                                                                \
		  .to = &hists_asked.since,                                                        \
		  .help = "only what was counted since FILE was saved with -j --buckets" },        \
		ARG_NETNS(&hists_asked.netns)

/* Fill in a cell of NAME: constant text, up to LEN bytes of any text, or a namespace by cookie (0:
 * not known) and inode ("-" if that is 0). */
void hist_name_bytes(struct hist_name *name, size_t cell, const char *text, size_t len);
void hist_name_space(struct hist_name *name, size_t cell, struct names *names, __u64 cookie,
		     __u32 inode);

/* hists_read.c: the row of this key (HIST_KEY_MAX bytes, octave 0): NULL, or a new, empty one, if
 * it is not there. */
struct hist_row *hists_find(const struct hists *h, const void *key);
struct hist_row *hists_row(struct hists *h, const void *key);
int hists_read(const struct options *opt, const struct hist_verb *verb, struct hists *h);
void hists_free(struct hists *h);
/* The growth since OLD. The verb's own data are those of NOW. */
struct hists hists_growth(const struct hist_verb *verb, const struct hists *now,
			  const struct hists *old);

/* Runs the verb; an exit code. */
int hists_run(const struct options *opt, const struct hist_verb *verb);
/* Describes options that cannot be combined, or NULL. */
const char *hists_wrong(const struct options *opt);

/* hists_since.c: reads the output of hookmap -j --buckets. 0 or -errno, after printing why. */
int hists_since(const char *path, const struct hist_verb *verb, struct hists *h);

#endif
