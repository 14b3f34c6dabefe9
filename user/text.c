// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - names may be any bytes: unprivileged users choose those of devices, namespaces and
 * processes, in a user namespace. Output to a terminal must not move its cursor, and JSON and
 * Prometheus text are UTF-8.
 */
#include <stdio.h>
#include <string.h>

#include "hookmap.h"

size_t utf8_len(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = *s < 0x80   ? 1
		   : *s < 0xc2 ? 0
		   : *s < 0xe0 ? 2
		   : *s < 0xf0 ? 3
		   : *s < 0xf5 ? 4
			       : 0;

	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* overlong, surrogates, beyond the end */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool utf8_control(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	return *s < 0x20 || *s == 0x7f || (n == 2 && *s == 0xc2 && s[1] < 0xa0);
}

bool utf8_hidden(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned c;

	if (n == 2)
		return *s == 0xc2 && s[1] == 0xad;
	if (n != 3)
		return false;
	c = (s[0] & 0xf) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Length of the character at TEXT; 0 if a terminal may not get it. */
static size_t plain_len(const char *text, size_t len)
{
	size_t n = utf8_len(text, len);

	return n && utf8_control(text, n) ? 0 : n;
}

const char *text_plain(const char *text, char *buf, size_t size)
{
	size_t len = strlen(text), bad = 0, at = 0, n;

	while (bad < len && (n = plain_len(text + bad, len - bad)))
		bad += n;
	if (bad == len)
		return text;
	for (size_t i = 0; i < len; i += n ? n : 1) {
		n = plain_len(text + i, len - i);
		if (at + (n ? n : 1) >= size)
			break;
		memcpy(buf + at, n ? text + i : "?", n ? n : 1);
		at += n ? n : 1;
	}
	buf[at] = 0;
	return buf;
}

void text_place(const char *device, const char *netns)
{
	char text[TEXT_MAX];

	if (device)
		printf(" on %s", text_plain(device, text, sizeof(text)));
	if (netns)
		printf(" in %s", text_plain(netns, text, sizeof(text)));
	putchar('\n');
}
