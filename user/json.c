// SPDX-License-Identifier: GPL-2.0-only
/* json.c - JSON documents on standard output, written as they come: hookmap -j */
#include <stdio.h>
#include <string.h>

#include "out.h"

#define DEPTH 8

static struct {
	bool on, pretty;
	bool failed; /* the error was reported */
	bool over;   /* and ended a document that was being written */
	int depth;
	char end[DEPTH];     /* what closes it */
	bool any[DEPTH + 1]; /* it has members */
} doc;

void json_start(const struct options *opt)
{
	memset(&doc, 0, sizeof(doc));
	doc.on = opt->output == OUT_JSON;
	doc.pretty = opt->pretty;
}

bool json_on(void)
{
	return doc.on;
}

/* The number of bytes from S on, up to LEN, that need no escape. */
static size_t plain(const unsigned char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void put_string(const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;

	putchar_unlocked('"');
	for (size_t i = 0, n; i < len; i += n) {
		n = plain(s + i, len - i);
		fwrite_unlocked(s + i, 1, n, stdout);
		i += n;
		if (i == len)
			break;
		n = utf8_len(value + i, len - i);
		if (!n)
			fputs_unlocked("\\ufffd", stdout);
		else if (s[i] == '"' || s[i] == '\\')
			printf("\\%c", s[i]);
		else if (utf8_control(value + i, n))
			printf("\\u%04x", s[i + n - 1]);
		else
			fwrite_unlocked(s + i, 1, n, stdout);
		n = n ? n : 1;
	}
	putchar_unlocked('"');
}

static void new_line(void)
{
	if (doc.pretty)
		printf("\n%*s", 2 * doc.depth, "");
}

/* Begins a member; false if there is nothing to write. */
static bool member(const char *key)
{
	if (!doc.on || doc.over)
		return false;
	if (doc.any[doc.depth])
		putchar_unlocked(',');
	doc.any[doc.depth] = doc.depth;
	if (doc.depth)
		new_line();
	if (key) {
		put_string(key, strlen(key));
		fputs_unlocked(doc.pretty ? ": " : ":", stdout);
	}
	return true;
}

void json_open(const char *key, char what)
{
	if (!member(key) || doc.depth == DEPTH)
		return;
	putchar_unlocked(what);
	doc.end[doc.depth++] = what + 2; /* in ASCII, both pairs are two apart */
	doc.any[doc.depth] = false;
}

void json_close(void)
{
	if (!doc.on || doc.over || !doc.depth)
		return;
	doc.depth--;
	if (doc.any[doc.depth + 1])
		new_line();
	putchar_unlocked(doc.end[doc.depth]);
	if (!doc.depth)
		putchar_unlocked('\n');
}

void json_s64(const char *key, long long value)
{
	char text[24];

	if (member(key))
		fputs_unlocked(line_number(value, text), stdout);
}

void json_u64(const char *key, __u64 value)
{
	if (value <= __LONG_LONG_MAX__)
		json_s64(key, value);
	else if (member(key))
		printf("%llu", value);
}

void json_double(const char *key, double value)
{
	if (member(key))
		printf("%.15g", value);
}

void json_flag(const char *key, bool value)
{
	if (member(key))
		fputs_unlocked(value ? "true" : "false", stdout);
}

void json_null(const char *key)
{
	if (member(key))
		fputs_unlocked("null", stdout);
}

bool json_exact(const char *value, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len(value + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

void json_hex(const char *key, const char *value, size_t len)
{
	if (!member(key))
		return;
	putchar_unlocked('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", (unsigned char)value[i]);
	putchar_unlocked('"');
}

void json_bytes(const char *key, const char *value, size_t len)
{
	char name[64];

	if (!member(key))
		return;
	put_string(value, len);
	if (!key || json_exact(value, len))
		return;
	snprintf(name, sizeof(name), "%s_hex", key);
	json_hex(name, value, len);
}

void json_str(const char *key, const char *value)
{
	json_bytes(key, value, strlen(value));
}

void json_fail(const char *text)
{
	bool within = doc.depth;

	if (!doc.on || doc.failed)
		return;
	if (!within)
		json_open(NULL, '{');
	while (doc.depth > 1)
		json_close();
	json_str("error", text);
	json_close();
	doc.failed = true;
	doc.over = within;
}
