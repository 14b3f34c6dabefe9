// SPDX-License-Identifier: GPL-2.0-only
/*
 * pktlat.c - hookmap pktlat: time from a packet's receive stamp to user space or a VM.
 *
 * The kernel stamps packets only on request: hookmap pktlat -i requests it while it runs, as do
 * NTP and PTP daemons.
 *
 * JSON, besides what hists.h says:
 *   rows   kind (process, tap) name pid netns stamp (hardware, software), the histogram's keys
 *   clock  age_ns of the offsets in use, real_drift_ns since then, ptp (bool),
 *          ptp_error_ns; with --ptp: ptp_drift_ns
 *   lost   unstamped unconverted bad_clock sent (by this host, so never received)
 *          merged (packets into which the kernel merged later ones that waited with them:
 *          they are counted once, with the last one's stamp)
 *          table_full evicted (processes and taps that made room) evicted_packets missed
 *          (runs of the programs that the kernel skipped)
 *          udp_in_part (true: small UDP datagrams, and those whose checksum is verified
 *          during the copy, are not seen)
 * With --slow USEC: the slow packets one by one, one object per line: time time_ns
 * delta_ns kind name pid stamp src dst proto sport dport len.
 */
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include "clock.h"
#include "events.h"
#include "hists.h"
#include "settings.h"

PROM_FAMILY(receive, COARSE, "receive_latency_seconds", "kind,name*,stamp", 10, 2,
	    "Time from a packet's receive stamp to user space (process) or a VM (tap).")
PROM_FAMILY(receive_lost, COUNTER, "receive_lost_total", "cause", 16, 0,
	    "Packets without such a measurement, by cause.")

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
	json_s64("delta_ns", e->delta);
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
		json_s64("len", e->len);
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
	{ "netns", NULL, OUT_STR },  { "stamp", "STAMP", OUT_STR }, HIST_COLS_NS,
};

static bool is_known(const struct hists *h, const struct hist_row *row)
{
	const struct pktlat_key *key = (const void *)row->key;

	(void)h;
	return row->hist.count && key->kind <= PKTLAT_TAP && key->stamp <= PKTLAT_SOFTWARE;
}

static void row_name(const struct hist_row *row, struct names *names, struct hist_name *name)
{
	const struct pktlat_key *key = (const void *)row->key;

	name->text[0] = kind_name[key->kind];
	hist_name_bytes(name, 1, key->name, sizeof(key->name));
	name->number[2] = key->pid;
	hist_name_space(name, 3, names, key->kind == PKTLAT_TAP ? key->start : 0, key->netns);
	name->text[4] = stamp_name[key->stamp];
}

static void row_prom(const struct hist_row *row, const struct hist_name *name)
{
	prom_hist(&prom_receive, &row->hist, name->text[0], name->text[1], name->text[4]);
}

static int by_count(const struct hist_row *a, const struct hist_row *b)
{
	if (a->hist.count != b->hist.count)
		return a->hist.count < b->hist.count ? 1 : -1;
	return memcmp(a->key, b->key, sizeof(a->key));
}

static const struct hist_table table = {
	"rows", NULL, cols, sizeof(cols) / sizeof(cols[0]), 5, is_known, row_name, NULL, row_prom,
};

static const struct hist_count counts[] = {
	{ "unstamped", "without a stamp (the kernel stamps while -i runs)",
	  offsetof(struct pktlat_stat, unstamped) },
	{ "unconverted", "with a hardware stamp but no clock (--ptp)",
	  offsetof(struct pktlat_stat, unconverted) },
	{ "sent", "sent by this host itself, never received", offsetof(struct pktlat_stat, sent) },
	{ "bad_clock", "bad clock", offsetof(struct pktlat_stat, clock) },
	{ "merged", "into which TCP merged later ones, whose stamp counts",
	  offsetof(struct pktlat_stat, merged) },
	{ "table_full", "table full", offsetof(struct pktlat_stat, slow.full) },
	{ "evicted", "replaced processes and taps", offsetof(struct pktlat_stat, age.evicted) },
	{ "evicted_packets", "packets of replaced processes and taps",
	  offsetof(struct pktlat_stat, age.evicted_packets) },
};

static int cfg_row(const void *key, const void *value, void *arg)
{
	(void)key;
	*(struct pktlat_cfg *)arg = *(const struct pktlat_cfg *)value;
	return 0;
}

static int cfg_read(const struct options *opt, struct hists *h)
{
	return pin_read(opt, "pktlat_cfg", true, NULL, cfg_row, h->more);
}

/* The current error of the offsets in use. */
static int show_clock(const struct options *opt, const struct hists *h)
{
	const struct pktlat_cfg *cfg = h->more;
	__u64 age = clock_ns(CLOCK_MONOTONIC) - cfg->measured;
	struct clock_offset real, ptp = {};
	__s64 drift, ptp_drift;

	(void)opt;
	clock_offset(CLOCK_REALTIME, &real);
	if (asked.ptp && clock_ptp(asked.ptp, &ptp))
		return -1;
	drift = (__u64)real.ns - (__u64)cfg->real;
	ptp_drift = (__u64)ptp.ns - (__u64)cfg->ptp;
	json_open("clock", '{');
	json_u64("age_ns", age);
	json_s64("real_drift_ns", drift);
	json_flag("ptp", cfg->flags & PKTLAT_F_PTP);
	if (cfg->flags & PKTLAT_F_PTP)
		json_u64("ptp_error_ns", cfg->error);
	if (ptp.valid)
		json_s64("ptp_drift_ns", ptp_drift);
	json_close();
	if (json_on())
		return 0;
	printf("clock: offsets are %llu s old; realtime has moved by %lld ns since",
	       age / 1000000000, (long long)drift);
	if (cfg->flags & PKTLAT_F_PTP)
		printf("; PTP error was at most %llu ns", cfg->error);
	else
		printf("; no PTP clock");
	if (ptp.valid)
		printf(", and it has moved by %lld ns", (long long)ptp_drift);
	printf("\n");
	if (!(cfg->flags & PKTLAT_F_UDP))
		printf("UDP: only datagrams with fragments whose checksum was verified before; "
		       "this kernel has no fentry to see the others\n");
	return 0;
}

static void lost_json(const struct hists *h)
{
	json_flag("udp_in_part", !(((const struct pktlat_cfg *)h->more)->flags & PKTLAT_F_UDP));
}

static const struct hist_verb pktlat = {
	.feature = "pktlat",
	.map = "pktlat_hist",
	.stat = "pktlat_stat",
	.who = "pktlat_who",
	.octave = offsetof(struct pktlat_key, octave),
	.table = &table,
	.tables = 1,
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.lost = &prom_receive_lost,
	.compare = by_count,
	.read = cfg_read,
	.more = sizeof(struct pktlat_cfg),
	.rest = show_clock,
	.lost_json = lost_json,
};

/* While this socket is open, the kernel stamps received packets. */
static int stamps_on(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The clock's device, as the kernel calls it */
static void ptp_setting(struct settings *s, __u32 device)
{
	char link[64], target[256], path[280];
	struct stat st;
	ssize_t len;

	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", device >> 20, device & 0xfffff);
	len = readlink(link, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = 0;
	snprintf(path, sizeof(path), "/dev/%s",
		 strrchr(target, '/') ? strrchr(target, '/') + 1 : "");
	if (!stat(path, &st) && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(device >> 20, device & 0xfffff))
		set_text(s, "ptp", path, NULL);
	else
		set_unknown(s, "ptp", "unknown", "no device in /dev is that clock");
}

static void pktlat_settings(struct settings *s)
{
	struct pktlat_cfg cfg = {};

	if (settings_value(s, "pktlat_cfg", &cfg))
		return;
	if (cfg.flags & PKTLAT_F_PTP)
		ptp_setting(s, cfg.clock);
	else
		set_text(s, "ptp", "none", "none");
	set_number(s, "slow", (cfg.slow ?: PKTLAT_SLOW_NS) / 1000, PKTLAT_SLOW_NS / 1000);
}

static int pktlat_run(const struct options *opt)
{
	int stamps = -1, err;

	if (asked.slow)
		return slow_run(opt);
	if (opt->interval > 0)
		stamps = stamps_on();
	err = hists_run(opt, &pktlat);
	if (stamps >= 0)
		close(stamps);
	return err;
}

static bool pktlat_streams(void)
{
	return asked.slow;
}

static const char *pktlat_wrong(const struct options *opt)
{
	if (!asked.slow && (events_asked.drain || events_asked.fresh))
		return "--drain and --new go with --slow";
	if (asked.slow && hists_asked.netns)
		return "--slow shows all namespaces";
	return hists_wrong(opt);
}

static const struct arg pktlat_args[] = {
	EVENTS_ARGS,
	{ .name = "slow",
	  .takes = "USEC",
	  .kind = ARG_NUMBER,
	  .to = &asked.slow,
	  .help = "show each packet that took this long or longer" },
	ARG_PTP(&asked.ptp),
	ARG_COMMANDS,
	HISTS_ARGS,
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "KIND, kind",
	  "A process or a tap." },
	{ "NAME, name; PID, pid; STAMP, stamp",
	  "The process or tap that received the packet, and the kind of its stamp: hardware or "
	  "software." },
	{ "DELTA, delta_ns",
	  "Time from the stamp to the read." },
	{ "clock, age_ns, real_drift_ns, ptp, ptp_error_ns, ptp_drift_ns, udp_in_part",
	  "Age and error of the clocks' offsets; udp_in_part: small UDP datagrams are not seen on "
	  "this kernel." },
	{}
};
/* clang-format on */

VERB(pktlat, .fields = fields, .help = "time from a packet's receive stamp to user space",
     .run = pktlat_run, .takes = VERB_PROM | VERB_REPEATS | VERB_STREAMS, .args = pktlat_args,
     .pin = "pktlat_hist", .streams = pktlat_streams, .wrong = pktlat_wrong, .feature = "pktlat",
     .settings = pktlat_settings)
