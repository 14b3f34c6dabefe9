// SPDX-License-Identifier: GPL-2.0-only
/*
 * pktlat.c - hookmap pktlat: time from a packet's receive stamp to user space or a VM.
 *
 * The kernel stamps packets only while somebody has asked for it: hookmap pktlat -i
 * does so while it runs, as do NTP and PTP daemons.
 *
 * JSON: {"rows": [...], "clock": {...}, "lost": {...}}
 *   rows   kind (process, tap) name pid netns stamp (hardware, software) count sum_ns
 *          min_ns p50_ns p90_ns p99_ns max_ns
 *   clock  age_ns of the offsets in use, real_drift_ns since then, ptp (bool),
 *          ptp_error_ns; with --ptp: ptp_drift_ns
 *   lost   unstamped unconverted bad_clock sent (by this host itself: never received)
 *          table_full evicted (processes and taps that made room) evicted_packets missed
 *          (runs of the programs that the kernel left out)
 *          udp_in_part (true: UDP that is small, or whose checksum was verified while it was
 *          copied, is not seen)
 * With -i, rows and lost are what is new.
 * With --slow USEC: the slow packets one by one, an object a line: time time_ns
 * delta_ns kind name pid stamp src dst proto sport dport len.
 */
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <json-c/json.h>

#include "clock.h"
#include "events.h"
#include "rows.h"

static struct {
	unsigned long slow; /* microseconds */
	const char *ptp;
} asked;

static const char *const stamp_name[] = { "?", "hardware", "software" };
static const char *const kind_name[] = { "?", "process", "tap" };

static __u64 slow_ns;

/* --- one by one */

static int slow_show(struct line *l, const void *event, size_t size)
{
	const struct pktlat_event *e = event;
	const struct flow *f = &e->flow;
	char text[64];

	(void)size;
	if (e->delta < slow_ns || e->key.kind > PKTLAT_TAP || e->key.stamp > PKTLAT_SOFTWARE)
		return 0;
	line_begin(l);
	line_time(l, e->time);
	line_int(l, "delta_ns", 0, e->delta);
	line_str(l, NULL, -8, format_ns(e->delta, text, sizeof(text)));
	line_str(l, "stamp", 8, stamp_name[e->key.stamp]);
	line_str(l, "kind", 7, kind_name[e->key.kind]);
	line_bytes(l, "name", 15, e->key.name, strnlen(e->key.name, sizeof(e->key.name)));
	line_int(l, "pid", 7, e->key.pid);
	if (f->family) {
		int family = f->family == 4 ? AF_INET : AF_INET6;

		line_str(l, "src", 1, inet_ntop(family, f->src, text, sizeof(text)));
		line_int(l, "sport", 1, ntohs(f->sport));
		line_str(l, "dst", 1, inet_ntop(family, f->dst, text, sizeof(text)));
		line_int(l, "dport", 1, ntohs(f->dport));
		line_int(l, "proto", 1, f->l4proto);
		line_int(l, "len", 0, e->len);
	}
	line_end(l);
	return 1;
}

static int slow_run(const struct options *opt)
{
	static const struct events ev = {
		.feature = "pktlat",
		.ring = "pktlat_ring",
		.stat = "pktlat_stat",
		.stat_at = offsetof(struct pktlat_stat, slow),
		.head = "TIME               DELTA STAMP    KIND    NAME            PID     SOURCE "
			"DESTINATION PROTO",
		.what = "slow packets",
		.least = sizeof(struct pktlat_event),
		.time = offsetof(struct pktlat_event, time),
		.show = slow_show,
	};

	slow_ns = (__u64)asked.slow * 1000;
	return events_run(opt, &ev);
}

/* --- the table */

static const struct out_col cols[] = {
	{ "kind", "KIND", OUT_STR }, { "name", "NAME", OUT_STR },   { "pid", "PID", OUT_U64 },
	{ "netns", NULL, OUT_STR },  { "stamp", "STAMP", OUT_STR }, { "count", "COUNT", OUT_U64 },
	{ "sum_ns", NULL, OUT_NS },  { "min_ns", "MIN", OUT_NS },   { "p50_ns", "P50", OUT_NS },
	{ "p90_ns", "P90", OUT_NS }, { "p99_ns", "P99", OUT_NS },   { "max_ns", "MAX", OUT_NS },
};

static int by_count(const void *a, const void *b)
{
	const struct hist_row *x = a, *y = b;

	return x->hist.count < y->hist.count ? 1 : x->hist.count > y->hist.count ? -1 : 0;
}

static bool row_begin(struct out *o, const void *at, struct names *names)
{
	const struct pktlat_key *key = at;

	if (key->kind > PKTLAT_TAP || key->stamp > PKTLAT_SOFTWARE)
		return false;
	out_row(o);
	out_str(o, kind_name[key->kind]);
	row_name(o, key->name);
	out_u64(o, key->pid);
	row_netns(o, names, key->kind == PKTLAT_TAP ? key->start : 0, key->netns);
	out_str(o, stamp_name[key->stamp]);
	return true;
}

static const struct rows_form form = { cols, sizeof(cols) / sizeof(cols[0]), by_count, row_begin };

/* What the offsets in use are worth now. */
static int show_clock(struct json_object *top, const struct pktlat_cfg *cfg)
{
	struct clock_offset real, ptp = {};
	struct json_object *o;
	struct timespec now;
	__s64 drift;
	__u64 age;

	clock_real(&real);
	if (asked.ptp && clock_ptp(asked.ptp, &ptp))
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	age = now.tv_sec * 1000000000ULL + now.tv_nsec - cfg->measured;
	drift = (__u64)real.ns - (__u64)cfg->real;
	if (!top) {
		printf("clock: offsets are %llu s old; realtime has moved by %lld ns since",
		       age / 1000000000, (long long)drift);
		if (cfg->flags & PKTLAT_F_PTP)
			printf("; PTP error was at most %llu ns", cfg->error);
		else
			printf("; no PTP clock");
		if (ptp.valid)
			printf(", and it has moved by %lld ns",
			       (long long)((__u64)ptp.ns - (__u64)cfg->ptp));
		printf("\n");
		return 0;
	}
	o = json_object_new_object();
	json_object_object_add(o, "age_ns", json_object_new_uint64(age));
	json_object_object_add(o, "real_drift_ns", json_object_new_int64(drift));
	json_object_object_add(o, "ptp", json_object_new_boolean(cfg->flags & PKTLAT_F_PTP));
	if (cfg->flags & PKTLAT_F_PTP)
		json_object_object_add(o, "ptp_error_ns", json_object_new_uint64(cfg->error));
	if (ptp.valid)
		json_object_object_add(o, "ptp_drift_ns",
				       json_object_new_int64((__u64)ptp.ns - (__u64)cfg->ptp));
	json_object_object_add(top, "clock", o);
	return 0;
}

struct reading {
	struct rows rows;
	struct pktlat_stat stat;
	struct pktlat_cfg cfg;
	__u64 missed; /* runs of the programs that the kernel left out */
};

static void show_count(const char **before, __u64 n, const char *what)
{
	if (!n)
		return;
	printf("%s%llu %s", *before, n, what);
	*before = ", ";
}

static void show_lost_text(const struct options *opt, const struct pktlat_cfg *cfg,
			   const struct pktlat_stat *st, __u64 missed)
{
	const char *before = "not measured: ";

	show_count(&before, st->unstamped,
		   opt->interval > 0 ? "without a stamp"
				     : "without a stamp (the kernel stamps while -i runs)");
	show_count(&before, st->unconverted, "with a hardware stamp but no clock (--ptp)");
	show_count(&before, st->sent, "sent by this host itself, never received");
	show_count(&before, st->clock, "bad clock");
	show_count(&before, st->slow.full, "found no room in the table");
	show_count(&before, missed, "left out by the kernel: a program ran already on that CPU");
	if (*before == ',')
		printf("\n");
	if (st->age.evicted)
		printf("no longer shown: %llu processes and taps with %llu packets, which have "
		       "made room\n",
		       st->age.evicted, st->age.evicted_packets);
	if (!(cfg->flags & PKTLAT_F_UDP))
		printf("UDP: only datagrams with fragments whose checksum was verified before; "
		       "this "
		       "kernel has no fentry to see the others\n");
}

static void show_lost(const struct options *opt, struct json_object *top, const struct reading *r)
{
	const struct pktlat_stat *st = &r->stat;
	const struct {
		const char *key;
		__u64 n;
	} lost[] = {
		{ "unstamped", st->unstamped },
		{ "unconverted", st->unconverted },
		{ "bad_clock", st->clock },
		{ "sent", st->sent },
		{ "table_full", st->slow.full },
		{ "evicted", st->age.evicted },
		{ "evicted_packets", st->age.evicted_packets },
		{ "missed", r->missed },
	};
	struct json_object *o;

	if (!top) {
		show_lost_text(opt, &r->cfg, st, r->missed);
		return;
	}
	o = json_object_new_object();
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		json_object_object_add(o, lost[i].key, json_object_new_uint64(lost[i].n));
	json_object_object_add(o, "udp_in_part",
			       json_object_new_boolean(!(r->cfg.flags & PKTLAT_F_UDP)));
	json_object_object_add(top, "lost", o);
}

/* Opens the pins each time: with -i, what is attached may be detached, and attached again. */
static int reading_get(const struct options *opt, struct reading *r)
{
	int err = rows_read(opt, "pktlat", "pktlat_hist", offsetof(struct pktlat_key, octave),
			    &r->rows),
	    fd;
	__u32 zero = 0;

	if (!err)
		err = rows_stat(opt, "pktlat_stat", (__u64 *)&r->stat, sizeof(r->stat) / 8);
	if (err)
		return err;
	r->missed = programs_missed(opt, "pktlat");
	fd = pin_open(opt, "pktlat_cfg", true);
	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, &r->cfg)) {
		err = -errno;
		fail("map pktlat_cfg: %s", strerror(errno));
	}
	close(fd);
	return err;
}

static void reading_free(struct reading *r)
{
	rows_free(&r->rows);
	memset(r, 0, sizeof(*r));
}

/* NOW becomes what is new since LAST; LAST what NOW was. */
static int reading_sub(struct reading *now, struct reading *last)
{
	bool same = generation_same(&now->rows.generation, &last->rows.generation);
	struct reading kept = *now;

	kept.rows.row = calloc(now->rows.n + 1, sizeof(*kept.rows.row));
	if (!kept.rows.row)
		return -ENOMEM;
	if (now->rows.n)
		memcpy(kept.rows.row, now->rows.row, now->rows.n * sizeof(*kept.rows.row));
	rows_growth(&now->rows, &last->rows);
	counters_growth(same, (__u64 *)&now->stat, (const __u64 *)&last->stat,
			sizeof(now->stat) / 8);
	now->missed = counter_growth(same, now->missed, last->missed);
	rows_free(&last->rows);
	*last = kept;
	return 0;
}

static int show(const struct options *opt, struct reading *r)
{
	struct json_object *top = opt->output == OUT_JSON ? json_object_new_object() : NULL;
	int err;

	rows_show(opt, top, &r->rows, &form);
	err = show_clock(top, &r->cfg);
	show_lost(opt, top, r);
	if (!err && top)
		json_print(opt, top);
	fflush(stdout);
	json_object_put(top);
	return err;
}

/* With -i, what came in each interval; a table is redrawn in place on a terminal. */
static int show_changes(const struct options *opt)
{
	bool redraw = opt->output == OUT_TEXT && isatty(STDOUT_FILENO);
	struct reading last = {}, now = {};
	int err = reading_get(opt, &last);

	for (unsigned long n = 0; !err && (!opt->count || n < opt->count); n++) {
		wait_seconds(opt->interval);
		err = reading_get(opt, &now);
		if (!err)
			err = reading_sub(&now, &last);
		if (!err && redraw)
			printf("\033[H\033[J");
		if (!err)
			err = show(opt, &now);
		reading_free(&now);
	}
	reading_free(&last);
	return err;
}

/* As long as this socket is open, the kernel stamps what it receives. */
static int stamps_on(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int pktlat_run(const struct options *opt)
{
	struct reading r = {};
	int stamps, err;

	if (asked.slow)
		return slow_run(opt);
	if (opt->interval > 0) {
		stamps = stamps_on();
		err = show_changes(opt);
		if (stamps >= 0)
			close(stamps);
		return err != 0;
	}
	err = reading_get(opt, &r);
	if (!err)
		err = show(opt, &r);
	reading_free(&r);
	return err != 0;
}

static bool pktlat_streams(void)
{
	return asked.slow;
}

static const char *pktlat_wrong(const struct options *opt)
{
	(void)opt;
	return !asked.slow && (events_asked.drain || events_asked.fresh)
		       ? "--drain and --new go with --slow"
		       : NULL;
}

static const struct arg pktlat_args[] = {
	EVENTS_ARGS,
	{ .name = "slow",
	  .takes = "USEC",
	  .kind = ARG_NUMBER,
	  .to = &asked.slow,
	  .help = "packets that took this long, one by one" },
	ARG_PTP(&asked.ptp),
	{},
};

VERB(pktlat, .help = "time from a packet's receive stamp to user space", .run = pktlat_run,
     .takes = VERB_REPEATS | VERB_STREAMS, .args = pktlat_args, .streams = pktlat_streams,
     .wrong = pktlat_wrong)
