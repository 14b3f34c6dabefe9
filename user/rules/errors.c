// SPDX-License-Identifier: GPL-2.0-only
/* errors.c - error messages, one line each. They quote files, which may contain anything, on a
 * terminal. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "rules.h"

#define ERRORS_SHOWN 20

unsigned int errors;

static void say(const char *file, const char *fmt, va_list args)
{
	char text[1024], clean[1024], name[512];

	vsnprintf(text, sizeof(text), fmt, args);
	fprintf(stderr, "%s: %s\n", text_plain(file, name, sizeof(name)),
		text_plain(text, clean, sizeof(clean)));
}

void note(const char *file, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(file, fmt, args);
	va_end(args);
}

static void error(const struct source *file, const char *where, const char *field, const char *fmt,
		  va_list args)
{
	char text[768];

	if (++errors > ERRORS_SHOWN)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	note(file->name, "%s: %s: %s", where, field, text);
	if (errors == ERRORS_SHOWN)
		fprintf(stderr, "more errors follow\n");
}

bool wrong(const struct source *file, const char *where, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error(file, where, field, fmt, args);
	va_end(args);
	return false;
}

const char *rule_where(const struct rule *r)
{
	static char where[64];

	snprintf(where, sizeof(where), *r->id ? "rule %u (%s)" : "rule %u", r->index, r->id);
	return where;
}

bool rule_wrong(struct rule *r, const char *field, const char *fmt, ...)
{
	char where[32];
	va_list args;

	va_start(args, fmt);
	snprintf(where, sizeof(where), "rule %u", r->index);
	error(r->file, r->named ? rule_where(r) : where, field, fmt, args);
	va_end(args);
	r->bad = true;
	return false;
}

static void *there(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "rules: out of memory\n");
	exit(1);
}

void *grow(void *array, size_t n, size_t size)
{
	/* room for powers of two */
	return n & (n - 1) ? array : there(reallocarray(array, n ? 2 * n : 1, size));
}

void *zalloc(size_t n, size_t size)
{
	return there(calloc(n, size));
}
