// SPDX-License-Identifier: GPL-2.0-only
/*
 * file.c - a policy file: one JSON object without duplicate keys.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../hookmap.h"
#include "rules.h"

/*
 * Finds duplicate keys, of which JSON readers silently keep the last. TEXT is JSON, so a string
 * followed by a colon is a key.
 */
static void keys_twice(const struct source *file, const char *text)
{
	struct {
		char name[64];
		size_t first; /* of the keys of this object */
	} at[64] = {};
	const char **keys = NULL;
	size_t n = 0, depth = 0;
	unsigned int rule = 0;

	for (const char *p = text, *end; *p; p++) {
		if (*p == '{' || *p == '[') {
			if (*p == '{' && depth == 2 && !strcmp(at[1].name, "rules"))
				rule++;
			depth++;
			at[depth].name[0] = 0;
			at[depth].first = n;
		} else if (*p == '}' || *p == ']') {
			n = at[depth--].first;
		}
		if (*p != '"')
			continue;
		for (end = p + 1; *end != '"'; end++)
			end += *end == '\\';
		if (end[1 + strspn(end + 1, " \t\r\n")] == ':') {
			size_t len = end - p + 1, i = at[depth].first;

			snprintf(at[depth].name, sizeof(at[depth].name), "%.*s", (int)len - 2,
				 p + 1);
			if (depth == 1)
				rule = 0;
			while (i < n && strncmp(keys[i], p, len))
				i++;
			if (i < n) {
				char where[96] = "file", field[256];
				bool rules = depth > 2 && !strcmp(at[1].name, "rules");

				if (rules)
					snprintf(where, sizeof(where), "rule %u", rule);
				for (size_t d = rules ? 3 : depth, used = 0;
				     d <= depth && used < sizeof(field); d++)
					used += snprintf(field + used, sizeof(field) - used, "%s%s",
							 used ? "." : "", at[d].name);
				if (depth > 1 && (!strcmp(at[1].name, "nexthops") ||
						  !strcmp(at[1].name, "interfaces")))
					snprintf(where, sizeof(where), "%.*s %s",
						 (int)strlen(at[1].name) - 1, at[1].name,
						 at[2].name);
				wrong(file, where, depth == 2 ? "name" : field, "is given twice");
			} else {
				GROW(keys, n);
				keys[n++] = p;
			}
		}
		p = end;
	}
	free(keys);
}

bool read_text(struct source *file, const char *path)
{
	FILE *in = fopen(path, "re");
	size_t room = 0;

	while (in && !feof(in) && !ferror(in)) {
		room = room ? 2 * room : 1 << 16;
		file->text = realloc(file->text, room + 1);
		if (!file->text)
			break;
		file->len += fread(file->text + file->len, 1, room - file->len, in);
	}
	if (!in || ferror(in) || !file->text)
		return false;
	file->text[file->len] = 0;
	fclose(in);
	return true;
}

/* "line N, column M" of the byte AT. */
static const char *position(const char *text, size_t at)
{
	static char buf[64];
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	snprintf(buf, sizeof(buf), "line %zu, column %zu", line, column);
	return buf;
}

bool read_file(struct set *s, struct source *file, const char *path)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *whole = NULL;
	enum json_tokener_error error = json_tokener_success;
	size_t at = 0, values = 0;

	if (!read_text(file, path)) {
		note(file->name, "no such file, or not readable");
		error = json_tokener_continue;
		goto out;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
					    JSON_TOKENER_VALIDATE_UTF8);
	/* a byte order mark */
	if (!strncmp(file->text, "\xef\xbb\xbf", 3))
		at = 3;
	while (at += strspn(file->text + at, " \t\r\n"), at < file->len) {
		json_object_put(whole);
		json_tokener_reset(tok);
		/* including the 0 at the end: a number may end there */
		whole = json_tokener_parse_ex(tok, file->text + at, file->len - at + 1);
		at += json_tokener_get_parse_end(tok);
		error = json_tokener_get_error(tok);
		if (error != json_tokener_success) {
			note(file->name, "not JSON: %s at %s",
			     error == json_tokener_continue ? "it ends too soon"
							    : json_tokener_error_desc(error),
			     position(file->text, at));
			goto out;
		}
		values++;
	}
	if (values != 1) {
		wrong(file, "file", "the whole",
		      values ? "expected one object, not %zu values"
			     : "it is empty: expected one object",
		      values);
	} else {
		keys_twice(file, file->text);
		read_whole(s, file, whole);
	}
out:
	json_object_put(whole);
	json_tokener_free(tok);
	free(file->text);
	return error == json_tokener_success;
}
