// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - reads a pinned ring buffer: what is in it already, then what comes.
 *
 * The objects do not wake us: we look twenty times a second by ourselves. One reader at a time: two
 * would take each other's events, and worse, move one position. What nobody reads stays until the
 * buffer is full; from then on events are lost and counted, and the count is always shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "events.h"

struct events_asked events_asked;

#define LOOK_MS 50
#define ZONE_NS 1000000 /* less is the reading of two clocks */

struct line {
	FILE *f;
	bool json, comma;
	unsigned long left;
	long long zone; /* real time - monotonic, ns */
	time_t second;	/* of TEXT */
	char text[32];	/* date and time of it */
};

/* Of a ring buffer, over all CPUs */
struct counts {
	struct trace_stat ring;
	__u64 more;
	__u64 missed; /* runs of the programs that the kernel left out */
};

struct reader {
	const struct options *opt;
	const struct events *ev;
	struct line line;
	unsigned long shown;
	bool done;
	__u64 start, round; /* CLOCK_MONOTONIC, ns: when reading began, and this round of it */
	ino_t pin;	    /* of the ring buffer */
	int stat_fd;
	struct counts first, last;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

const char *error_name(int err)
{
	const char *name = strerrorname_np(err);

	/* the kernel's own, which no program should see */
	if (!name)
		name = err == 512 ? "ERESTARTSYS" : err == 513 ? "ERESTARTNOINTR" : "?";
	return name;
}

/* --- fields */

bool line_json(const struct line *l)
{
	return l->json;
}

unsigned long line_left(const struct line *l)
{
	return l->left;
}

/* How many characters from S on, of LEN, can be written as they are. */
static size_t plain(const struct line *l, const unsigned char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f &&
	       !(l->json && (s[n] == '"' || s[n] == '\\')))
		n++;
	return n;
}

/* Text that cannot move the cursor, or a JSON string without its quotes. Returns the
 * columns. */
static int put_text(struct line *l, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	int columns = 0;

	for (size_t i = 0, n; i < len; i += n ? n : 1, columns++) {
		n = plain(l, s + i, len - i);
		fwrite_unlocked(s + i, 1, n, l->f);
		columns += n;
		i += n;
		if (i == len)
			break;
		n = utf8_len(value + i, len - i);
		if (!n && l->json)
			fputs("\\ufffd", l->f);
		else if (!n)
			columns += fprintf(l->f, "\\x%02x", s[i]) - 1;
		else if (l->json && (s[i] == '"' || s[i] == '\\'))
			fprintf(l->f, "\\%c", s[i]);
		else if (l->json && utf8_control(value + i, n))
			fprintf(l->f, "\\u%04x", s[i + n - 1]);
		else if (utf8_control(value + i, n))
			columns += fprintf(l->f, n == 2 ? "\\u%04x" : "\\x%02x", s[i + n - 1]) - 1;
		else
			fwrite(s + i, 1, n, l->f);
	}
	return columns;
}

static void put_key(struct line *l, const char *key)
{
	if (l->comma)
		putc_unlocked(',', l->f);
	l->comma = true;
	if (!key)
		return;
	putc_unlocked('"', l->f);
	fputs_unlocked(key, l->f);
	fputs_unlocked("\":", l->f);
}

/* VALUE as text, in BUF or behind its beginning: printf would cost more than all else. */
static const char *number(long long value, char buf[24])
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
	l->comma = false;
	if (l->json)
		fputc('{', l->f);
}

void line_end(struct line *l)
{
	fputs(l->json ? "}\n" : "\n", l->f);
}

/* Of a word that needs no quotes: nothing that a shell or our marks give a meaning. */
static bool word_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr("%+,-./:=@_", c);
}

/* How VALUE has to be quoted: 0 not, 1 by '', 2 by $''. */
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

static int put_escaped(struct line *l, const char *value, size_t n)
{
	static const char named[] = "\t\n\r'\\", letter[] = "tnr'\\";
	const char *at = n == 1 && *value ? strchr(named, *value) : NULL;
	int columns = 0;

	if (at)
		return fprintf(l->f, "\\%c", letter[at - named]);
	for (size_t i = 0; i < n; i++)
		columns += fprintf(l->f, "\\x%02x", (unsigned char)value[i]);
	return columns;
}

/* VALUE as a word of a shell's command line. Returns the columns. */
static int put_word(struct line *l, const char *value, size_t len, bool cut)
{
	static const char *const open[] = { "", "'", "$'" };
	int quotes = word_quotes(value, len), columns = fprintf(l->f, "%s", open[quotes]);

	for (size_t i = 0, n; i < len; i += n) {
		size_t whole = utf8_len(value + i, len - i);

		n = whole ? whole : 1;
		if (quotes == 2 && (!whole || utf8_control(value + i, n) ||
				    utf8_hidden(value + i, n) || strchr("'\\", value[i]))) {
			columns += put_escaped(l, value + i, n);
			continue;
		}
		fwrite_unlocked(value + i, 1, n, l->f);
		columns++;
	}
	return columns + fprintf(l->f, "%s%s", quotes ? "'" : "", cut ? "..." : "");
}

bool line_exact(const char *value, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len(value + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

static void put_hex(struct line *l, const char *value, size_t len)
{
	putc_unlocked('"', l->f);
	for (size_t i = 0; i < len; i++)
		fprintf(l->f, "%02x", (unsigned char)value[i]);
	putc_unlocked('"', l->f);
}

void line_hex(struct line *l, const char *key, const char *value, size_t len)
{
	if (!l->json)
		return;
	put_key(l, key);
	put_hex(l, value, len);
}

static void put_string(struct line *l, const char *key, const char *value, size_t len)
{
	put_key(l, key);
	putc_unlocked('"', l->f);
	put_text(l, value, len);
	putc_unlocked('"', l->f);
	if (!key || line_exact(value, len))
		return;
	fprintf(l->f, ",\"%s_hex\":", key);
	put_hex(l, value, len);
}

static void put_column(struct line *l, int width, const char *value, size_t len, bool word,
		       bool cut)
{
	int n = width < 0 ? (int)len : 0;

	if (l->comma)
		putc_unlocked(' ', l->f);
	l->comma = true;
	for (; n < -width; n++)
		putc_unlocked(' ', l->f);
	n = word ? put_word(l, value, len, cut) : put_text(l, value, len);
	for (; n < width; n++)
		putc_unlocked(' ', l->f);
}

void line_bytes(struct line *l, const char *key, int width, const char *value, size_t len)
{
	if (l->json && (key || !width))
		put_string(l, key, value, len);
	else if (!l->json && width)
		put_column(l, width, value, len, false, false);
}

void line_word(struct line *l, const char *key, int width, const char *value, size_t len, bool cut)
{
	if (l->json && (key || !width))
		put_string(l, key, value, len);
	else if (!l->json && width)
		put_column(l, width, value, len, true, cut);
}

void line_str(struct line *l, const char *key, int width, const char *value)
{
	line_bytes(l, key, width, value, strlen(value));
}

void line_int(struct line *l, const char *key, int width, long long value)
{
	char text[24];

	if (l->json && key) {
		put_key(l, key);
		fputs_unlocked(number(value, text), l->f);
	} else if (!l->json && width) {
		line_str(l, NULL, width, number(value, text));
	}
}

void line_bool(struct line *l, const char *key, bool value)
{
	if (!l->json || !value)
		return;
	put_key(l, key);
	fputs("true", l->f);
}

void line_array(struct line *l, const char *key)
{
	if (!l->json)
		return;
	put_key(l, key);
	fputc('[', l->f);
	l->comma = false;
}

void line_array_end(struct line *l)
{
	if (!l->json)
		return;
	fputc(']', l->f);
	l->comma = true;
}

void line_time(struct line *l, __u64 ns)
{
	long long real = (long long)(ns + (__u64)l->zone); /* may wrap */
	time_t second = real / 1000000000;
	char text[64];
	struct tm tm;

	if (second != l->second || !*l->text) {
		l->second = second;
		if (l->json)
			strftime(l->text, sizeof(l->text), "%Y-%m-%dT%H:%M:%S",
				 gmtime_r(&second, &tm));
		else
			strftime(l->text, sizeof(l->text), "%H:%M:%S", localtime_r(&second, &tm));
	}
	if (l->json) {
		snprintf(text, sizeof(text), "%s.%06lldZ", l->text, real % 1000000000 / 1000);
		line_str(l, "time", 0, text);
		line_int(l, "time_ns", 0, (long long)ns);
	} else {
		snprintf(text, sizeof(text), "%s.%06lld", l->text, real % 1000000000 / 1000);
		line_str(l, NULL, 15, text);
	}
}

/* --- the buffer */

/* A tool's counters: a trace_stat, and perhaps one more */
struct stat_reading {
	struct counts *sum;
	size_t size; /* of the counters of one CPU */
	const struct events *ev;
};

static int stat_sum(const void *key, const void *value, void *arg)
{
	const struct stat_reading *rd = arg;
	int cpus = libbpf_num_possible_cpus();

	(void)key;
	for (int i = 0; i < cpus; i++) {
		const char *of_cpu = (const char *)value + i * rd->size;
		const struct trace_stat *st = (const void *)(of_cpu + rd->ev->stat_at);

		rd->sum->ring.events += st->events;
		rd->sum->ring.lost += st->lost;
		rd->sum->ring.full += st->full;
		if (rd->ev->more)
			rd->sum->more += *(const __u64 *)(of_cpu + rd->ev->more_at);
	}
	return 0;
}

static void stat_read(struct reader *r, struct counts *sum)
{
	const struct pin *pin = pin_find(r->ev->stat);
	struct stat_reading rd = { sum, pin->value_size, r->ev };

	memset(sum, 0, sizeof(*sum));
	pin_each(r->stat_fd, pin, stat_sum, &rd);
}

static void show_lost(struct reader *r)
{
	struct counts now;
	__u64 lost;

	stat_read(r, &now);
	lost = counter_growth(true, now.ring.lost, r->last.ring.lost);
	if (!lost)
		return;
	r->last = now;
	line_begin(&r->line);
	if (r->line.json)
		line_int(&r->line, "lost", 0, lost);
	else
		fprintf(r->line.f, "--- %llu events lost: the buffer was full ---", lost);
	line_end(&r->line);
}

static void show_before(struct reader *r, __u64 n)
{
	if (n)
		fprintf(r->line.f, " (and %llu before)", n);
}

/* What has happened since this reader came, and what before: the map is the same. */
static void show_end(struct reader *r)
{
	const struct counts *first = &r->first;
	struct counts now;

	stat_read(r, &now);
	now.missed = programs_missed(r->opt, r->ev->feature);
	counters_growth(true, (__u64 *)&now, (const __u64 *)first, sizeof(now) / sizeof(__u64));
	line_begin(&r->line);
	if (r->line.json) {
		line_int(&r->line, "events", 0, r->shown);
		line_int(&r->line, "lost", 0, now.ring.lost);
		line_int(&r->line, "lost_before", 0, first->ring.lost);
		line_int(&r->line, "table_full", 0, now.ring.full);
		line_int(&r->line, "table_full_before", 0, first->ring.full);
		line_int(&r->line, "missed", 0, now.missed);
		if (r->ev->more) {
			line_int(&r->line, "unread", 0, now.more);
			line_int(&r->line, "unread_before", 0, first->more);
		}
	} else {
		fprintf(r->line.f, "%lu %s, %llu events lost", r->shown,
			r->ev->what ? r->ev->what : "events", now.ring.lost);
		if (first->ring.lost)
			fprintf(r->line.f,
				" (and %llu before, without a reader or too fast for it)",
				first->ring.lost);
		if (now.ring.full | first->ring.full) {
			fprintf(r->line.f, ", table full %llu times", now.ring.full);
			show_before(r, first->ring.full);
		}
		if (now.missed)
			fprintf(r->line.f, ", %llu runs of the programs left out by the kernel",
				now.missed);
		if (now.more | first->more) {
			fprintf(r->line.f, ", %llu %s", now.more, r->ev->more);
			show_before(r, first->more);
		}
	}
	line_end(&r->line);
}

static void showed(struct reader *r, int n)
{
	r->shown += n;
	if (!r->opt->count)
		return;
	r->done = r->shown >= r->opt->count;
	r->line.left = r->opt->count - r->shown;
}

/* A round ends with what is newer than its beginning: events may come as fast as they are
 * shown, and a signal, losses and a reader that has gone must be seen then, too. */
static int on_event(void *ctx, void *data, size_t size)
{
	struct reader *r = ctx;
	__u64 time;

	if (size < r->ev->least)
		return 0;
	memcpy(&time, (const char *)data + r->ev->time, sizeof(time));
	if (!events_asked.fresh || time >= r->start)
		showed(r, r->ev->show(&r->line, data, size));
	return r->done || stop || time > r->round ? -ECANCELED : 0;
}

/* The lock is on the directory of the feature's links. */
int reader_lock(const struct options *opt, const char *feature)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/hookmap/%s", opt->bpffs, feature);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) { /* attached by hand */
		snprintf(path, sizeof(path), "%s/tc/globals", opt->bpffs);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		fail("%s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		fail("%s: another reader is at work: one at a time", feature);
		close(fd);
		return -1;
	}
	return fd;
}

/* The inode of the map's pin; 0 if it has gone. */
ino_t pin_inode(const struct options *opt, const char *map)
{
	char path[4096];
	struct stat st;

	return stat(pin_path(opt, map, path, sizeof(path)), &st) ? 0 : st.st_ino;
}

/* It may be another's by now: attached again. */
int pin_same(const struct options *opt, const char *feature, const char *map, ino_t pin)
{
	if (pin_inode(opt, map) == pin)
		return 0;
	fail("%s: the pin of map %s has gone: detached", feature, map);
	return -ESTALE;
}

/* The time may be set while we read. */
static void zone_follow(struct line *l)
{
	long long zone = (long long)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));

	if (llabs(zone - l->zone) > ZONE_NS)
		l->zone = zone;
}

static int read_loop(struct reader *r, struct ring_buffer *rb)
{
	int err = 0;

	for (unsigned long n = 0; !stop && !r->done; n++) {
		if (!events_asked.drain)
			poll(NULL, 0, LOOK_MS); /* a signal ends it */
		r->round = clock_ns(CLOCK_MONOTONIC);
		err = ring_buffer__consume(rb);
		if (err < 0 && err != -ECANCELED)
			return err;
		err = 0;
		if (r->ev->idle && !r->done) {
			showed(r, r->ev->idle(&r->line, clock_ns(CLOCK_MONOTONIC),
					      events_asked.drain));
		}
		show_lost(r);
		if (fflush(r->line.f))
			return -errno;
		if (events_asked.drain)
			break;
		zone_follow(&r->line);
		if (n % 20 == 19)
			err = pin_same(r->opt, r->ev->feature, r->ev->ring, r->pin);
		if (err)
			return err;
	}
	if (r->ev->idle && !r->done)
		showed(r, r->ev->idle(&r->line, clock_ns(CLOCK_MONOTONIC), true));
	return 0;
}

int events_run(const struct options *opt, const struct events *ev)
{
	struct reader r = { .opt = opt, .ev = ev, .stat_fd = -1 };
	int ring_fd, lock_fd = -1, err = -1;
	/* the second one ends us even if nobody takes what we print */
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	struct ring_buffer *rb = NULL;

	r.start = clock_ns(CLOCK_MONOTONIC);
	r.pin = pin_inode(opt, ev->ring);
	ring_fd = pin_open(opt, ev->ring, false);
	if (ring_fd == -ENOENT)
		fail("%s is not attached below %s: attach first (scripts/attach.sh --host %s)",
		     ev->feature, opt->bpffs, ev->feature);
	if (ring_fd < 0)
		return 1;
	r.stat_fd = pin_open(opt, ev->stat, true);
	if (r.stat_fd < 0)
		goto out;
	lock_fd = reader_lock(opt, ev->feature);
	if (lock_fd < 0)
		goto out;
	rb = ring_buffer__new(ring_fd, on_event, &r, NULL);
	if (!rb) {
		err = -errno;
		fail("map %s: cannot be read: %s", ev->ring, strerror(errno));
		goto out;
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	r.line.f = stdout;
	r.line.left = opt->count;
	r.line.json = opt->output == OUT_JSON;
	zone_follow(&r.line);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	stat_read(&r, &r.first);
	r.first.missed = programs_missed(opt, ev->feature);
	r.last = r.first;
	if (!r.line.json && ev->head)
		printf("%s\n", ev->head);
	fflush(stdout);
	err = read_loop(&r, rb);
	if (err == -EPIPE) { /* as with "| head" */
		err = 0;
		goto out;
	}
	if (err && err != -ESTALE)
		fail("%s: %s", ev->feature, strerror(-err));
	show_end(&r);
	fflush(stdout);
out:
	ring_buffer__free(rb);
	if (lock_fd >= 0)
		close(lock_fd);
	if (r.stat_fd >= 0)
		close(r.stat_fd);
	close(ring_fd);
	return err != 0;
}
