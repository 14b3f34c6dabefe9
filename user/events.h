/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h - for tools that show events of a ring buffer, one per line.
 */
#ifndef HOOKMAP_EVENTS_H
#define HOOKMAP_EVENTS_H

#include <sys/types.h>

#include "settings.h"

/* A tool: its events, and how to show one. */
struct events {
	const char *feature; /* of attach.sh --host */
	const char *ring;    /* maps */
	const char *stat;
	const char *filter; /* its map of a trace_filter, if any */
	const char *head;   /* of the columns, in text */
	const char *what;   /* is counted at the end; NULL: "events" */
	size_t stat_at;	    /* offset of the trace_stat in STAT */
	const char *more;   /* name of another counter; NULL: none */
	size_t more_at;
	size_t least; /* bytes of an event */
	size_t time;  /* offset of its time */
	/* Returns the number of lines written: with -c, N of them are the end. */
	int (*show)(struct line *l, const void *event, size_t size);
	/* Called from time to time; NOW is CLOCK_MONOTONIC ns. LAST: the last call. */
	int (*idle)(struct line *l, __u64 now, bool last);
};

/* Options of all of them */
extern struct events_asked {
	bool drain, fresh;
} events_asked;

#define EVENTS_ARGS                                                                                \
	{ .name = "drain",                                                                         \
	  .kind = ARG_FLAG,                                                                        \
	  .to = &events_asked.drain,                                                               \
	  .help = "show the buffered events, then stop" },                                         \
	{                                                                                          \
		.name = "new", .kind = ARG_FLAG, .to = &events_asked.fresh,                        \
		.help = "leave out the events that are already buffered"                           \
	}

/* Reads until -c, a signal or (--drain) the end. Returns an exit code. */
int events_run(const struct options *opt, const struct events *ev);

/* The filter by process in MAP */
void trace_settings(struct settings *s, const char *map);

/* "ENOENT" for 2. Never NULL. */
const char *error_name(int err);

#endif
