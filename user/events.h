/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h - for the tools that show events of a ring buffer: reading it, and one
 * call a field for text and for JSON (an object a line).
 */
#ifndef HOOKMAP_EVENTS_H
#define HOOKMAP_EVENTS_H

#include <sys/types.h>

#include "verb.h"

struct line;

/* A tool: where its events are, and how one is shown. */
struct events {
	const char *feature; /* of attach.sh --host */
	const char *ring;    /* maps */
	const char *stat;
	const char *head; /* of the columns, in text */
	const char *what; /* is counted at the end; NULL: "events" */
	size_t stat_at;	  /* where the trace_stat is in STAT */
	const char *more; /* what another counter there is; NULL: there is none */
	size_t more_at;
	size_t least; /* bytes of an event */
	size_t time;  /* where its time is */
	/* Returns the number of lines written: with -c, N of them are the end. */
	int (*show)(struct line *l, const void *event, size_t size);
	/* From time to time, NOW being CLOCK_MONOTONIC ns; LAST: for the last time. */
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
	  .help = "show the events that are buffered, then stop" },                                \
	{                                                                                          \
		.name = "new", .kind = ARG_FLAG, .to = &events_asked.fresh,                        \
		.help = "leave out the events that are buffered already"                           \
	}

/* Reads until -c, a signal or (--drain) the end. Returns an exit code. */
int events_run(const struct options *opt, const struct events *ev);

bool line_json(const struct line *l);
/* With -c: how many may be shown still. 0 without it. */
unsigned long line_left(const struct line *l);
void line_begin(struct line *l);
void line_end(struct line *l);
/* A field: KEY in JSON (NULL: only in text), WIDTH columns in text (0: only in JSON;
 * negative: to the right). Bytes that are not UTF-8 are U+FFFD in JSON; there the field
 * KEY_hex has them all. */
void line_str(struct line *l, const char *key, int width, const char *value);
void line_bytes(struct line *l, const char *key, int width, const char *value, size_t len);
/* As line_bytes; in text quoted as a shell would have it, so that what is different looks
 * different and words stay apart. CUT: the original is longer ("..." behind it). */
void line_word(struct line *l, const char *key, int width, const char *value, size_t len, bool cut);
/* A string of hexadecimal digits, only in JSON. */
void line_hex(struct line *l, const char *key, const char *value, size_t len);
/* Is it UTF-8, which a string of JSON can hold? */
bool line_exact(const char *value, size_t len);
void line_int(struct line *l, const char *key, int width, long long value);
void line_bool(struct line *l, const char *key, bool value); /* only in JSON, if true */
/* The time of an event, readable, and in JSON also in ns ("time_ns"). */
void line_time(struct line *l, __u64 ns);
/* Opens and closes an array of strings in JSON; line_bytes without a key fills it. */
void line_array(struct line *l, const char *key);
void line_array_end(struct line *l);
/* "ENOENT" for 2. Never NULL. */
const char *error_name(int err);

#endif
