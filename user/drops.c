// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops.c - hookmap drops: packets that this host loses, where, why, and whose they are.
 *
 * JSON: {"rows": [...], "undecided": [...], "left_out": [...], "benign": [...], "lost": {...},
 * "generation": {...}}, with -i also "seconds", how long the interval was; a row:
 *   layer reason location device netns protocol   text
 *   smac | dmac | sip | dip | flow                if rows were counted by it
 *   ifindex netns_cookie                          the cookie is never reused; 0 = not known
 *   device_node                                   inode of its directory in sysfs, likewise
 *   packets bytes                                 bytes are 0 where XDP does not report them
 *   first_ns last_ns                              CLOCK_MONOTONIC, 0 = not known
 *   packets_per_s                                 with -i
 * undecided: rows of packets that may have been lost; neither the kernel nor the packet says
 * (with --all, they are in rows). left_out: the rows that only --all shows, so that --since has
 * all. benign: sums of packets freed without a loss, by reason. generation: of the counters, for
 * --since. lost: evicted (rows replaced by new causes), table_full_packets and _bytes (their
 * packets, in rows without their dimension, "(other)"), no_row_packets, xdp_table_full,
 * verdict_evicted (rows of verdicts that were replaced) and verdict_table_full (their verdicts),
 * missed (while the program was already running on that CPU), counted_at_xdp (not counted twice),
 * samples, samples_over_rate, samples_ring_full.
 *
 * --samples: one line per packet: time (in JSON time_ns, CLOCK_MONOTONIC), layer, reason, location,
 * device, netns, protocol, flow, bytes; in JSON also data, the first bytes in hexadecimal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drops.h"
#include "settings.h"

struct drops_asked drops_asked;

static const char *const column_name[COL_KEY] = {
	[COL_LAYER] = "layer",	 [COL_REASON] = "reason", [COL_LOCATION] = "location",
	[COL_DEVICE] = "device", [COL_NETNS] = "netns",	  [COL_PROTO] = "proto",
};

enum shown {
	SHOWN_PACKETS,
	SHOWN_RATE,
	SHOWN_BYTES,
	SHOWN_COLS, /* COLS of them */
	SHOWN_IFINDEX = SHOWN_COLS + COLS,
	SHOWN_COOKIE,
	SHOWN_NODE,
	SHOWN_FIRST,
	SHOWN_LAST,
	SHOWN_AGO,
	SHOWN,
};

static const struct out_col shown_cols[SHOWN] = {
	[SHOWN_PACKETS] = { "packets", "PACKETS", OUT_U64 },
	[SHOWN_RATE] = { "packets_per_s", "PER-S", OUT_U64 },
	[SHOWN_BYTES] = { "bytes", "BYTES", OUT_U64 },
	[SHOWN_COLS + COL_LAYER] = { "layer", "LAYER", OUT_STR },
	[SHOWN_COLS + COL_REASON] = { "reason", "REASON", OUT_STR },
	[SHOWN_COLS + COL_LOCATION] = { "location", "LOCATION", OUT_STR },
	[SHOWN_COLS + COL_DEVICE] = { "device", "DEVICE", OUT_STR },
	[SHOWN_COLS + COL_NETNS] = { "netns", "NETNS", OUT_STR },
	[SHOWN_COLS + COL_PROTO] = { "protocol", "PROTOCOL", OUT_STR },
	[SHOWN_COLS + COL_KEY] = { NULL, "KEY", OUT_STR },
	[SHOWN_IFINDEX] = { "ifindex", NULL, OUT_U64 },
	[SHOWN_COOKIE] = { "netns_cookie", NULL, OUT_U64 },
	[SHOWN_NODE] = { "device_node", NULL, OUT_U64 },
	[SHOWN_FIRST] = { "first_ns", NULL, OUT_U64 },
	[SHOWN_LAST] = { "last_ns", NULL, OUT_U64 },
	[SHOWN_AGO] = { NULL, "LAST", OUT_STR },
};

/* -s: the column, COLS without it, or -EINVAL */
static int sum_column(const struct drop_table *t)
{
	if (!drops_asked.sum)
		return COLS;
	for (int i = 0; i < COL_KEY; i++) {
		if (!strcmp(drops_asked.sum, column_name[i]))
			return i;
	}
	if (!strcmp(drops_asked.sum, "protocol"))
		return COL_PROTO;
	for (int by = DROP_BY_SMAC; by < DROP_BY_MAX; by++) {
		if (strcmp(drops_asked.sum, drop_by_name[by]))
			continue;
		if (t->by == (__u32)by)
			return COL_KEY;
		for (size_t i = 0; i < t->n; i++) {
			if (t->line[i].by == by)
				return COL_KEY;
		}
		fail("-s %s: drops are counted by %s: scripts/attach.sh --host drops --by %s",
		     drops_asked.sum, drop_by_name[t->by], drops_asked.sum);
		return -EINVAL;
	}
	return -EINVAL;
}

bool drops_shown(const struct drop_line *line)
{
	return line->packets && (drops_asked.all || (!line->benign && !line->verdict));
}

static void show_line(const struct options *opt, struct out *o, const struct drop_table *t,
		      const struct drop_line *line, double seconds)
{
	char ago[32] = "-", text[16];

	if (line->last && line->last <= t->time) {
		format_ns(t->time - line->last, text, sizeof(text));
		snprintf(ago, sizeof(ago), "%s ago", text);
	}
	out_row(o);
	out_u64(o, line->packets);
	out_u64(o, seconds > 0 ? (__u64)(line->packets / seconds + 0.5) : 0);
	out_u64(o, line->bytes);
	for (int c = 0; c < COLS; c++)
		out_str(o, c == COL_REASON && opt->output == OUT_TEXT ? reason_short(line->col[c])
								      : line->col[c]);
	out_u64(o, line->ifindex);
	out_u64(o, line->cookie);
	out_u64(o, line->node);
	out_u64(o, line->first);
	out_u64(o, line->last);
	out_str(o, ago);
	if (line->by)
		json_str(drop_by_name[line->by], line->col[COL_KEY]);
}

/* Totals of the rows that --all would show. */
static void show_left_out(const struct options *opt, const struct drop_table *t,
			  const struct out_col *cols, double seconds)
{
	struct out *o = out_rows(opt, "left_out", NULL, cols, SHOWN);

	for (size_t i = 0; i < t->n; i++) {
		if (t->line[i].packets && !drops_shown(&t->line[i]))
			show_line(opt, o, t, &t->line[i], seconds);
	}
	out_end(o);
}

/* The rows of one kind (with --all, the first has all of them); returns their number. MORE: the
 * rows that -n left out, and their packets. */
static size_t show_rows(const struct options *opt, const struct drop_table *t,
			const struct out_col *cols, bool undecided, double seconds, __u64 more[2])
{
	struct out *o = undecided ? out_rows(opt, "undecided", "undecided, these may be losses:\n",
					     cols, SHOWN)
				  : out_rows(opt, "rows", NULL, cols, SHOWN);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct drop_line *line = &t->line[i];

		if (!drops_shown(line) || (line->undecided && !drops_asked.all) != undecided)
			continue;
		if (drops_asked.top && n == drops_asked.top) {
			more[0]++;
			more[1] += line->packets;
			continue;
		}
		n++;
		show_line(opt, o, t, line, seconds);
	}
	out_end(o);
	return n;
}

#define HEAD(NAME, KEY, HEAD) HEAD,
static const char *const by_head[DROP_BY_MAX] = { NULL, DROP_BYS(HEAD) };
#undef HEAD

/* Lines in order, sums made. SECONDS: of the interval, or 0. */
static int show(const struct options *opt, struct drop_table *t, int column, double seconds)
{
	struct out_col cols[SHOWN];
	__u64 more[2] = {};
	bool keys = t->by, mixed = false;
	int err;

	if (opt->output == OUT_PROM) {
		drops_prom(t);
		return 0;
	}
	err = column < COLS ? drops_sum(t, column) : 0;
	if (err)
		return err;
	drops_sort(t);
	memcpy(cols, shown_cols, sizeof(cols));
	for (size_t i = 0; i < t->n; i++) {
		keys |= t->line[i].by;
		mixed |= t->line[i].by && t->line[i].by != t->by;
	}
	/* a row counted before --by was changed has the earlier dimension */
	if (t->by && !mixed)
		cols[SHOWN_COLS + COL_KEY].head = by_head[t->by];
	if (!keys)
		cols[SHOWN_COLS + COL_KEY].head = NULL;
	if (seconds <= 0)
		cols[SHOWN_RATE].key = cols[SHOWN_RATE].head = NULL;
	json_open(NULL, '{');
	if (!show_rows(opt, t, cols, false, seconds, more) && !json_on()) {
		printf("no losses");
		text_place(drops_asked.device, drops_asked.netns);
	}
	show_rows(opt, t, cols, true, seconds, more);
	if (json_on()) {
		show_left_out(opt, t, cols, seconds);
		drops_benign(t);
		drops_rest_json(t, seconds);
	} else {
		drops_rest(t, more[0], more[1]);
		if (!opt->interval && !drops_asked.since)
			programs_since(opt, "drops");
		if (drops_asked.explain)
			drops_explain(t);
	}
	settings_show(opt, "drops");
	json_close();
	fflush(stdout);
	return 0;
}

/* Does it match the requested device and namespace? */
static bool is_asked(const struct drop_line *line)
{
	return (!drops_asked.device || !strcmp(drops_asked.device, line->col[COL_DEVICE])) &&
	       (!drops_asked.netns || !strcmp(drops_asked.netns, line->col[COL_NETNS]));
}

static int read_wanted(const struct options *opt, struct drop_table *t)
{
	int err = drops_read(opt, t);
	size_t n = 0;

	for (size_t i = 0; !err && i < t->n; i++) {
		struct drop_line *line = &t->line[i];

		if (is_asked(line))
			t->line[n++] = *line;
		else
			drops_line_free(line);
	}
	if (!err)
		t->n = n;
	return err;
}

/* With -i, the losses of each interval, the first one since LAST. */
static int changes(const struct options *opt, int column, struct drop_table *last)
{
	struct drop_table now = {}, shown = {};
	int err = 0;

	for (unsigned long n = 0; !err && next_interval(opt, &n);) {
		err = read_wanted(opt, &now);
		if (err)
			break;
		err = drops_copy(&shown, &now);
		if (!err)
			err = drops_growth(&shown, last);
		if (!err) {
			out_screen(opt);
			err = show(opt, &shown, column, (now.time - last->time) / 1e9);
		}
		drops_free(&shown);
		drops_free(last);
		*last = now;
		memset(&now, 0, sizeof(now));
	}
	return err;
}

struct samples {
	const struct options *opt;
	struct line line;
	unsigned long n;
};

/* One line per sample; with -j, one document per line. */
static int show_sample(const struct drop_sample *s, const struct drop_line *line, const char *flow,
		       void *arg)
{
	struct samples *samples = arg;
	struct line *l = &samples->line;

	if ((line->benign && !drops_asked.all) || !is_asked(line))
		return 0;
	if (!samples->n && !json_on())
		puts("TIME LAYER REASON LOCATION DEVICE NETNS PROTOCOL FLOW BYTES");
	line_zone(l);
	line_begin(l);
	line_time(l, s->time);
	for (int c = 0; c < COL_KEY; c++)
		line_str(l, c == COL_PROTO ? "protocol" : column_name[c], 1,
			 c == COL_REASON && !json_on() ? reason_short(line->col[c]) : line->col[c]);
	line_str(l, "flow", 1, flow);
	line_int(l, "bytes", 1, s->len);
	json_hex("data", (const char *)s->data,
		 s->cap < DROP_SAMPLE_BYTES ? s->cap : DROP_SAMPLE_BYTES);
	line_end(l);
	fflush(stdout);
	return ++samples->n == samples->opt->count ? -ECANCELED : 0;
}

static int drops_run(const struct options *opt)
{
	struct drop_table t, old;
	int err, column;

	if (drops_asked.reasons)
		return drops_reasons(opt) < 0;
	if (drops_asked.samples) {
		struct samples samples = { .opt = opt, .line.color = opt->color };

		if (names_asked(opt, "drops", drops_asked.device, drops_asked.netns))
			return 1;
		return drops_samples(opt, show_sample, &samples) < 0;
	}
	err = read_wanted(opt, &t);
	if (!err && !t.n)
		err = names_asked(opt, "drops", drops_asked.device, drops_asked.netns);
	if (err)
		goto out;
	column = err = sum_column(&t);
	if (err < 0)
		goto out;
	if (opt->interval > 0) {
		err = changes(opt, column, &t);
		goto out;
	}
	err = 0;
	if (drops_asked.since) {
		err = drops_since(drops_asked.since, &old);
		if (err)
			goto out;
		if (t.hidden != old.hidden) {
			fail("--since %s: locations are %s there and %s here: read both "
			     "as "
			     "root",
			     drops_asked.since, old.hidden ? "numbers" : "names",
			     t.hidden ? "numbers" : "names");
			err = -EINVAL;
		} else {
			err = drops_growth(&t, &old);
		}
		drops_free(&old);
		if (err)
			goto out;
	}
	err = show(opt, &t, column, 0);
	if (err)
		fail("drops: %s", strerror(-err));
out:
	drops_free(&t);
	return err != 0;
}

static void drops_settings(struct settings *s)
{
	struct drop_cfg cfg = {};

	if (settings_value(s, "drop_cfg", &cfg))
		return;
	set_text(s, "by", cfg.by < DROP_BY_MAX ? drop_by_name[cfg.by] : "?", "none");
	if (cfg.sample_rate)
		set_number(s, "samples", cfg.sample_rate, 0);
	else
		set_text(s, "samples", "off", "off");
}

static bool drops_streams(void)
{
	return drops_asked.samples;
}

static const char *drops_wrong(const struct options *opt)
{
	if (drops_asked.samples && opt->output == OUT_PROM)
		return "--samples does not go with --prom";
	if (drops_asked.reasons && opt->output == OUT_PROM)
		return "--prom shows only counts";
	if ((drops_asked.device || drops_asked.netns) && opt->output == OUT_PROM)
		return "--prom shows all devices";
	return drops_asked.since && opt->interval > 0 ? "--since and -i: choose one" : NULL;
}

#define WORD(NAME, KEY, HEAD) " " KEY
static const struct arg drops_args[] = {
	{ .name = "sum",
	  .letter = 's',
	  .takes = "WHAT",
	  .kind = ARG_TEXT,
	  .to = &drops_asked.sum,
	  .help = "sum up rows by one column, or by the dimension of --by",
	  .words = "layer reason location device netns proto protocol" DROP_BYS(WORD) },
	{ .name = "top",
	  .letter = 'n',
	  .takes = "N",
	  .kind = ARG_NUMBER,
	  .to = &drops_asked.top,
	  .help = "only the N largest rows" },
	{ .name = "since",
	  .takes = "FILE",
	  .kind = ARG_TEXT,
	  .to = &drops_asked.since,
	  .help = "only what was counted since FILE was saved with -j" },
	{ .name = "all",
	  .kind = ARG_FLAG,
	  .to = &drops_asked.all,
	  .help = "also show packets that were not lost, and all XDP verdicts" },
	{ .name = "explain",
	  .kind = ARG_FLAG,
	  .to = &drops_asked.explain,
	  .help = "what the rows mean, and where to look next" },
	{ .name = "reasons",
	  .kind = ARG_FLAG,
	  .to = &drops_asked.reasons,
	  .help = "list all reasons that this kernel knows" },
	{ .name = "samples",
	  .kind = ARG_FLAG,
	  .to = &drops_asked.samples,
	  .help = "lost packets with their headers, as they come" },
	ARG_DEV(&drops_asked.device),
	ARG_NETNS(&drops_asked.netns),
	ARG_COMMANDS,
	{},
};
#undef WORD

/* clang-format off */
static const struct field fields[] = {
	{ "PER-S, packets_per_s",
	  "Packets per second in the interval." },
	{ "LAYER, layer; REASON, reason; LOCATION, location; PROTOCOL, protocol",
	  "The layer of the stack, the reason (the kernel's, or XDP's), the function that dropped "
	  "the packet, and its protocols." },
	{ "KEY",
	  "The value of the dimension selected by --by, named SMAC, DMAC, SRC and DST (addresses) "
	  "or FLOW; KEY if there are rows from an earlier --by." },
	{ "benign, left_out",
	  "Drops that are not losses, such as packets that were delivered as copies." },
	{ "generation, cells, hidden, netns_cookie, device_node",
	  "Identifiers by which --since recognises that two documents count the same thing." },
	{ "sum",
	  "With -s: the column by which rows were added up." },
	{ "NUMBER, number; MEANS, means; LOOK AT, look",
	  "With --reasons: the kernel's number, what it means, and where to look next." },
	{ "flow, data",
	  "For a sample: addresses and ports, and the first bytes of the packet." },
	{}
};
/* clang-format on */

VERB(drops, .fields = fields, .help = "packets lost in any layer, and why", .run = drops_run,
     .takes = VERB_PROM | VERB_REPEATS | VERB_STREAMS, .args = drops_args,
     .device = &drops_asked.device, .pin = "drop_cfg", .streams = drops_streams,
     .wrong = drops_wrong, .feature = "drops", .settings = drops_settings)
