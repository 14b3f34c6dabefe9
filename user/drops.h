/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - rows of hookmap drops: read from the maps (drops_read.c) or a saved file
 * (drops_since.c), shown by drops.c.
 */
#ifndef HOOKMAP_DROPS_H
#define HOOKMAP_DROPS_H

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

struct drop_line {
	char *col[COLS];
	__u8 by; /* enum drop_by: what COL_KEY is */
	bool benign;
	bool verdict; /* an XDP verdict that is no loss */
	__u64 packets;
	__u64 bytes;
	__u64 first; /* ns */
	__u64 last;
};

struct drop_table {
	struct drop_line *line;
	size_t n, room;
	__u32 by;   /* what is counted now */
	__u64 time; /* ns, when it was read */
	struct drop_stat stat;
	__u64 over_packets; /* in rows without their dimension, because of the full table */
	__u64 over_bytes;
	__u64 verdict_over; /* verdicts that found no cell */
	__u64 missed;	    /* runs that the kernel left out */
	bool hidden;	    /* no kernel addresses */
	bool nameless;	    /* no BTF with reasons */
};

extern const char *const drop_by_name[DROP_BY_MAX];

/* drops_read.c: all rows, unsorted. 0 or -errno, after printing why. */
int drops_read(const struct options *opt, struct drop_table *t);
void drops_free(struct drop_table *t);
/* Adds what LINE counted, and when, to INTO. */
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

/* Sorts by what the lines say, and adds up those that say the same. */
void drops_merge(struct drop_table *t);
/* Sorts by packets, most first. */
void drops_sort(struct drop_table *t);
/* Takes away what OLD had; both are merged. Lines that have not grown vanish. */
void drops_subtract(struct drop_table *t, const struct drop_table *old);

/* drops_since.c: reads what `hookmap -j drops` printed. 0 or -errno, after printing. */
int drops_since(const char *path, struct drop_table *t);

/* drops_prom.c */
void drops_prom(struct prom *prom, struct drop_table *t);

#endif
