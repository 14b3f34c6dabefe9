// SPDX-License-Identifier: GPL-2.0-only
/* fail.c - what went wrong: a line on stderr and, with -j, a document */
#include <stdarg.h>
#include <stdio.h>

#include <json-c/json.h>

#include "hookmap.h"

static bool fail_json;

void fail_as_json(bool on)
{
	fail_json = on;
}

void fail(const char *format, ...)
{
	char text[512], clean[512];
	const char *said;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	front_text(text);
	/* one line, whatever was typed, and nothing that moves the cursor */
	said = text_plain(text, clean, sizeof(clean));
	fprintf(stderr, "hookmap: %s\n", said);
	if (fail_json) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "error", json_object_new_string(said));
		printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
		fail_json = false; /* one document */
	}
}
