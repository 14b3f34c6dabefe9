/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * out.h - output of the verbs: with -j a JSON document, written as it comes (json.c), else
 * tables (out.c) or lines (line.c). One call writes a cell in all of them. Names may be any
 * bytes; only this code escapes them.
 */
#ifndef HOOKMAP_OUT_H
#define HOOKMAP_OUT_H

#include "hookmap.h"

/* --- json.c: members of the innermost object or, without a KEY, elements of the innermost
 * array. Without -j these functions do nothing. */

void json_start(const struct options *opt);
/* Was -j given? */
bool json_on(void);
/* WHAT: '{' or '['. Closing the outermost one ends the document and its line. */
void json_open(const char *key, char what);
void json_close(void);
void json_u64(const char *key, __u64 value);
void json_s64(const char *key, long long value);
void json_double(const char *key, double value);
void json_flag(const char *key, bool value);
void json_null(const char *key);
/* Bytes that are not UTF-8 become U+FFFD, and the member KEY_hex has them all. */
void json_str(const char *key, const char *value);
void json_bytes(const char *key, const char *value, size_t len);
/* A string of hexadecimal digits. */
void json_hex(const char *key, const char *value, size_t len);
/* Is it UTF-8, which a JSON string can hold? */
bool json_exact(const char *value, size_t len);
/* Ends the document, in whatever state it is, with {"error": TEXT}. */
void json_fail(const char *text);

/* --- out.c: rows, as a table or an array of objects */

enum out_type {
	OUT_STR,
	OUT_U64,
	OUT_NS, /* nanoseconds: raw in JSON, readable in a table */
};

struct out_col {
	const char *key;  /* in JSON; NULL = only in the table */
	const char *head; /* in the table; NULL = only in JSON */
	enum out_type type;
};

struct out;

/* Begins the array KEY or, after the line HEADING (NULL: none), a table. */
struct out *out_rows(const struct options *opt, const char *key, const char *heading,
		     const struct out_col *cols, size_t ncols);
#define OUT_ROWS(OPT, KEY, HEADING, COLS)                                                          \
	out_rows(OPT, KEY, HEADING, COLS, sizeof(COLS) / sizeof((COLS)[0]))
/* A row. Its cells follow; behind them, functions of json.c add members to its object. */
void out_row(struct out *o);
void out_str(struct out *o, const char *value);
void out_u64(struct out *o, __u64 value);
/* A percentile of H. In a table, "-" where there are too few packets to know it: a share of
 * 1 / N takes N. */
void out_quantile(struct out *o, const struct hist *h, double q);
/* Ends the rows and frees O. */
void out_end(struct out *o);
/* With -i, on a terminal: the next output replaces the last interval. */
void out_screen(const struct options *opt);
/* The colour of VALUE under the heading or key NAME, as iproute2 has it; NULL: none. */
const char *out_color(const char *name, const char *value);
/* NS readable in at most 7 characters: 999ns, 12.3us, 1.23ms. Returns BUF. */
char *format_ns(__u64 ns, char *buf, size_t size);

/* --- line.c: one line per event, in columns of fixed width, shown as it comes; with -j, one
 * document, or a row of the open array */

struct line {
	bool color;
	bool next;	    /* the line already has a column */
	unsigned long left; /* with -c: how many may still be shown; 0 without it */
	long long zone;	    /* real time - monotonic, ns */
	time_t second;	    /* of TEXT */
	char text[32];	    /* its date and time */
};

void line_begin(struct line *l);
void line_end(struct line *l);
/* A field: KEY in JSON (NULL: only in text), WIDTH columns in text (0: only in JSON;
 * negative: to the right). */
void line_str(struct line *l, const char *key, int width, const char *value);
void line_bytes(struct line *l, const char *key, int width, const char *value, size_t len);
/* As line_bytes; in text quoted for a shell, so that different strings look different and words
 * stay separate. CUT: the original is longer ("..." follows). */
void line_word(struct line *l, const char *key, int width, const char *value, size_t len, bool cut);
void line_int(struct line *l, const char *key, int width, long long value);
/* The time of an event, readable, and in JSON also in ns ("time_ns"). */
void line_time(struct line *l, __u64 ns);
/* The time may be set while we read. */
void line_zone(struct line *l);
/* VALUE in decimal, in BUF or after its beginning: printf would cost more than all the rest. */
const char *line_number(long long value, char buf[24]);

#endif
