// SPDX-License-Identifier: GPL-2.0-only
/* line.c - one line per event: columns of fixed width or, with -j, JSON */
#include <stdlib.h>
#include <string.h>

#include "out.h"

#define ZONE_NS 1000000 /* a smaller difference comes from reading two clocks */

const char *line_number(long long value, char buf[24])
{
	unsigned long long left =
		value < 0 ? -(unsigned long long)value : (unsigned long long)value;
	char *at = buf + 23;

	*at = 0;
	do {
		*--at = '0' + left % 10;
		left /= 10;
	} while (left);
	if (value < 0)
		*--at = '-';
	return at;
}

void line_begin(struct line *l)
{
	l->next = false;
	json_open(NULL, '{');
}

void line_end(struct line *l)
{
	(void)l;
	json_close();
	if (!json_on())
		putchar_unlocked('\n');
}

/* --- text; these return the columns that they took */

/* Text that cannot move the cursor. */
static int put_text(const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	int columns = 0;

	for (size_t i = 0, n; i < len; i += n, columns++) {
		n = utf8_len(value + i, len - i);
		if (!n)
			columns += printf("\\x%02x", s[i]) - 1;
		else if (utf8_control(value + i, n))
			columns += printf(n == 2 ? "\\u%04x" : "\\x%02x", s[i + n - 1]) - 1;
		else if (n == 1)
			putchar_unlocked(s[i]);
		else
			fwrite_unlocked(s + i, 1, n, stdout);
		n = n ? n : 1;
	}
	return columns;
}

/* Characters of a word without quotes: none that a shell or our marks interpret. */
static bool word_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr("%+,-./:=@_", c);
}

/* How to quote VALUE: 0 not at all, 1 by '', 2 by $''. */
static int word_quotes(const char *value, size_t len)
{
	/* empty, or as if it were cut */
	int quotes = !len || (len >= 3 && !memcmp(value + len - 3, "...", 3));

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len(value + i, len - i);
		if (!n || utf8_control(value + i, n) || utf8_hidden(value + i, n) ||
		    value[i] == '\'')
			return 2;
		if (n == 1 && !word_char(value[i]))
			quotes = 1;
	}
	return quotes;
}

static int put_escaped(const char *value, size_t n)
{
	static const char named[] = "\t\n\r'\\", letter[] = "tnr'\\";
	const char *at = n == 1 && *value ? strchr(named, *value) : NULL;
	int columns = 0;

	if (at)
		return printf("\\%c", letter[at - named]);
	for (size_t i = 0; i < n; i++)
		columns += printf("\\x%02x", (unsigned char)value[i]);
	return columns;
}

/* VALUE as a word of a shell's command line. */
static int put_word(const char *value, size_t len, bool cut)
{
	static const char *const open[] = { "", "'", "$'" };
	int quotes = word_quotes(value, len), columns = printf("%s", open[quotes]);

	for (size_t i = 0, n; i < len; i += n) {
		size_t whole = utf8_len(value + i, len - i);

		n = whole ? whole : 1;
		if (quotes == 2 && (!whole || utf8_control(value + i, n) ||
				    utf8_hidden(value + i, n) || strchr("'\\", value[i]))) {
			columns += put_escaped(value + i, n);
			continue;
		}
		fwrite_unlocked(value + i, 1, n, stdout);
		columns++;
	}
	return columns + printf("%s%s", quotes ? "'" : "", cut ? "..." : "");
}

enum quoting { TEXT, WORD, WORD_CUT };

static void put_column(struct line *l, const char *key, int width, const char *value, size_t len,
		       enum quoting quoting)
{
	const char *color = l->color && key ? out_color(key, value) : NULL;
	int n = width < 0 ? (int)len : 0;

	if (l->next)
		putchar_unlocked(' ');
	l->next = true;
	for (; n < -width; n++)
		putchar_unlocked(' ');
	if (color)
		fputs(color, stdout);
	n = quoting == TEXT ? put_text(value, len) : put_word(value, len, quoting == WORD_CUT);
	if (color)
		fputs("\033[0m", stdout);
	for (; n < width; n++)
		putchar_unlocked(' ');
}

/* --- fields */

static void put_field(struct line *l, const char *key, int width, const char *value, size_t len,
		      enum quoting quoting)
{
	if (!json_on() && width)
		put_column(l, key, width, value, len, quoting);
	else if (key || !width)
		json_bytes(key, value, len);
}

void line_bytes(struct line *l, const char *key, int width, const char *value, size_t len)
{
	put_field(l, key, width, value, len, TEXT);
}

void line_word(struct line *l, const char *key, int width, const char *value, size_t len, bool cut)
{
	put_field(l, key, width, value, len, cut ? WORD_CUT : WORD);
}

void line_str(struct line *l, const char *key, int width, const char *value)
{
	put_field(l, key, width, value, strlen(value), TEXT);
}

void line_int(struct line *l, const char *key, int width, long long value)
{
	char text[24];

	if (!json_on() && width)
		line_str(l, NULL, width, line_number(value, text));
	else if (key)
		json_s64(key, value);
}

void line_time(struct line *l, __u64 ns)
{
	long long real = (long long)(ns + (__u64)l->zone); /* may wrap */
	time_t second = real / 1000000000;
	char text[64];
	struct tm tm;

	if (second != l->second || !*l->text) {
		l->second = second;
		if (json_on())
			strftime(l->text, sizeof(l->text), "%Y-%m-%dT%H:%M:%S",
				 gmtime_r(&second, &tm));
		else
			strftime(l->text, sizeof(l->text), "%H:%M:%S", localtime_r(&second, &tm));
	}
	snprintf(text, sizeof(text), "%s.%06lld%s", l->text, real % 1000000000 / 1000,
		 json_on() ? "Z" : "");
	line_str(l, "time", 15, text);
	json_u64("time_ns", ns);
}

void line_zone(struct line *l)
{
	long long zone = (long long)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));

	if (llabs(zone - l->zone) > ZONE_NS)
		l->zone = zone;
}
