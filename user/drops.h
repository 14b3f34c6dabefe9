/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - rows of hookmap drops: read from the maps (drops_read.c) or a saved file
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

/* Packets in no row, or in a row with less detail. */
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

/* drops_read.c: all rows, unsorted. 0 or -errno, after printing why. */
int drops_read(const struct options *opt, struct drop_table *t);
void drops_free(struct drop_table *t);
void drops_line_free(struct drop_line *line);
/* Is LINE of map xdp_verdict? Its device is the same one in another namespace. */
bool drops_is_verdict(const struct drop_line *line);
/* Adds counts and times of LINE to INTO. */
void drops_add(struct drop_line *into, const struct drop_line *line);

int drops_copy(struct drop_table *to, const struct drop_table *from);

/* Calls EACH for every sample, as they come, until it returns -errno; -ECANCELED is
 * no error. FLOW: the packet's addresses and ports. */
int drops_samples(const struct options *opt,
		  int (*each)(const struct drop_sample *s, const struct drop_line *line,
			      const char *flow, void *arg),
		  void *arg);

/* A new, empty line, or NULL. */
struct drop_line *drops_line(struct drop_table *t);

/* Sorts the lines by key, and adds up equal ones. */
void drops_merge(struct drop_table *t);
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
