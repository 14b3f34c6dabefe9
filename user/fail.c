// SPDX-License-Identifier: GPL-2.0-only
/* fail.c - error messages: a line on stderr and, with -j, in the document */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

void fail(const char *format, ...)
{
	char text[512], clean[512];
	const char *said;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	front_text(text);
	/* one line, whatever was typed, without bytes that move the cursor */
	said = text_plain(text, clean, sizeof(clean));
	fprintf(stderr, "hookmap: %s\n", said);
	json_fail(said);
}

void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) {
		fail("%s", strerror(ENOMEM));
		exit(1);
	}
	return p;
}
