/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - lines of hookmap drops: read from the maps (drops_read.c) or a saved file
 * (drops_since.c), shown by drops.c.
 */
#ifndef HOOKMAP_USER_DROPS_H
#define HOOKMAP_USER_DROPS_H

#include "hookmap.h"

enum drop_column {
	COL_LAYER,
	COL_REASON,
	COL_LOCATION,
	COL_DEVICE,
	COL_NETNS,
	COL_PROTO,
	COL_KEY, /* the value of the dimension */
	COLS,
};

/* Identifies a line, without names, which change and are reused. (enum drop_column, except
 * device and netns) */
struct drop_line {
	char *col[COLS];
	const struct reason_text *text; /* NULL: by reason and location */
	__u64 cookie;			/* of the namespace; 0: not known, its name must do */
	__u32 ifindex;			/* 0: not known, or none */
	__u32 node;	/* number of the device in sysfs, see drop_key; 0: not known */
	__u8 by;	/* enum drop_by: what COL_KEY is */
	bool gone;	/* its device or its namespace no longer exists */
	bool benign;	/* not a loss */
	bool undecided; /* it may be one */
	bool verdict;	/* an XDP verdict that is not a loss */
	__u64 packets;
	__u64 bytes;
	__u64 first; /* ns */
	__u64 last;
};

/* Packets without a row, or in a row with less detail. */
enum drop_lost {
	LOST_EVICTED,	   /* rows that have made room for others */
	LOST_OVER_PACKETS, /* in rows without their dimension, because of the full table */
	LOST_OVER_BYTES,
	LOST_NO_ROW,	      /* or in none */
	LOST_XDP_OVER,	      /* or in rows of XDP errors that have made room */
	LOST_VERDICT_OVER,    /* verdicts of rows that made room */
	LOST_VERDICT_EVICTED, /* those rows */
	LOST_MISSED,	      /* runs that the kernel left out */
	LOST_COUNTED,	      /* counted at XDP already */
	LOST_SAMPLES,	      /* samples taken */
	LOST_SAMPLES_RATE,    /* not taken */
	LOST_SAMPLES_RING,    /* no room */
	LOSTS,
};

extern const char *const drop_lost_key[LOSTS]; /* in JSON */

struct drop_table {
	struct drop_line *line;
	size_t n, room;
	__u32 by;		       /* what is counted now */
	__u64 time;		       /* ns, when it was read */
	struct generation rows, cells; /* of all but cells and LOST_VERDICT_*, and of these */
	__u64 lost[LOSTS];
	__u64 unasked; /* processes that may be in a namespace that has no name */
	bool hidden;   /* no kernel addresses */
	bool nameless; /* no BTF with reasons */
};

extern const char *const drop_by_name[DROP_BY_MAX];

/* drops.c */
extern struct drops_asked {
	const char *sum, *since, *device, *netns;
	unsigned long top;
	bool all, explain, reasons, samples;
} drops_asked;
/* Was LINE requested? */
bool drops_shown(const struct drop_line *line);

/* drops_rest.c: packets that are not a loss; the other members of the document; and what the table
 * leaves out, including ROWS rows with PACKETS. SECONDS: of the interval, or 0. */
void drops_benign(const struct drop_table *t);
void drops_rest_json(const struct drop_table *t, double seconds);
void drops_rest(const struct drop_table *t, size_t rows, __u64 packets);

/* drops_reasons.c: of the rows; and all that the kernel knows, 0 or -errno, after printing why */
void drops_explain(const struct drop_table *t);
int drops_reasons(const struct options *opt);

/* drops_read.c: all rows, unsorted. 0 or -errno, after printing why. */
int drops_read(const struct options *opt, struct drop_table *t);
/* Calls EACH for every sample, as they come, until it returns -errno; -ECANCELED is
 * not an error. FLOW: the packet's addresses and ports. */
int drops_samples(const struct options *opt,
		  int (*each)(const struct drop_sample *s, const struct drop_line *line,
			      const char *flow, void *arg),
		  void *arg);

/* drops_key.c: a key in words; the caller frees a char *, which is NULL without memory */
#define NO_KEY "-"
#define OTHER  "(other)" /* the table was full */
char *drop_protocol(const struct drop_key *key);
char *drop_dimension(const struct drop_key *key);
char *drop_flow(const struct drop_key *key);
const char *drop_action(__u32 action, char *buf, size_t size);
void drop_xdp_reason(const struct drop_xdp_key *k, char *buf, size_t size);

/* drops_table.c: a new, empty line, or NULL */
struct drop_line *drops_line(struct drop_table *t);
void drops_free(struct drop_table *t);
void drops_line_free(struct drop_line *line);
/* Is LINE from map xdp_verdict? Its device stays the same in another namespace. */
bool drops_is_verdict(const struct drop_line *line);
/* Adds counts and times of LINE to INTO. */
void drops_add(struct drop_line *into, const struct drop_line *line);

int drops_copy(struct drop_table *to, const struct drop_table *from);

/* Sorts the lines by key, and adds up equal ones. */
void drops_merge(struct drop_table *t);
/* Adds up the lines that agree in COLUMN; other columns in which they differ become "*". 0 or
 * -ENOMEM. */
int drops_sum(struct drop_table *t, int column);
/* Sorts by packets, most first. */
void drops_sort(struct drop_table *t);
/* Keeps the growth since OLD; both are merged. Lines that have not grown are removed. OLD is
 * changed. 0 or -ENOMEM. */
int drops_growth(struct drop_table *t, struct drop_table *old);

/* drops_since.c: reads the output of `hookmap -j drops`. 0 or -errno, after printing. */
int drops_since(const char *path, struct drop_table *t);

/* drops_prom.c */
void drops_prom(struct drop_table *t);

#endif
