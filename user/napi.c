// SPDX-License-Identifier: GPL-2.0-only
/*
 * napi.c - hookmap napi: batches of NAPI polls and devmaps, and the delay of NET_RX.
 *
 * JSON, besides what hists.h says, three tables, each by device (or none) and CPU:
 *   rows     packets per poll: device netns cpu polls packets min p50 p90 p99 p999 max,
 *            idle (empty polls), full (polls that used up their budget)
 *   devmap   frames per batch: device netns cpu batches frames min p50 p90 p99 p999 max drops
 *   softirq  cpu count sum_ns min_ns p50_ns p90_ns p99_ns p999_ns max_ns: from raising to start
 * and "lost": table_full (values that found no room), evicted (rows of devices that have made
 * room), evicted_values, missed
 */
#include <stddef.h>
#include <string.h>

#include "hists.h"

PROM_FAMILY(napi_poll, SIZES, "napi_poll_packets", "device*,netns*", 16, 1,
	    "Packets per NAPI poll that found some.")
PROM_FAMILY(napi_devmap, SIZES, "devmap_batch_frames", "device*,netns*", 8, 1,
	    "Frames per batch that XDP redirected to the device.")
PROM_FAMILY(napi_softirq, COARSE, "net_rx_delay_seconds", "", 1, 0,
	    "Time from the raising of NET_RX to its start.")
PROM_FAMILY(napi_lost, COUNTER, "napi_lost_total", "cause", 16, 0,
	    "Values that are not in these, by cause.")

static const struct out_col poll_cols[] = {
	{ "device", "DEVICE", OUT_STR }, { "netns", "NETNS", OUT_STR },
	{ "cpu", "CPU", OUT_U64 },	 HIST_COLS("polls", "POLLS", "packets", "PACKETS"),
	{ "idle", "IDLE", OUT_U64 },	 { "full", "FULL", OUT_U64 },
};

static const struct out_col devmap_cols[] = {
	{ "device", "DEVICE", OUT_STR }, { "netns", "NETNS", OUT_STR },
	{ "cpu", "CPU", OUT_U64 },	 HIST_COLS("batches", "BATCHES", "frames", "FRAMES"),
	{ "drops", "DROPS", OUT_U64 },
};

static const struct out_col softirq_cols[] = { { "cpu", "CPU", OUT_U64 }, HIST_COLS_NS };

static __u8 kind_of(const struct hist_row *row)
{
	return ((const struct napi_key *)row->key)->kind;
}

/* The histogram of the same device and CPU, of another kind. */
static const struct hist *other(const struct hists *h, const struct hist_row *row, __u8 kind)
{
	static const struct hist none;
	unsigned char key[HIST_KEY_MAX];
	const struct hist_row *r;

	memcpy(key, row->key, sizeof(key));
	((struct napi_key *)key)->kind = kind;
	r = hists_find(h, key);
	return r ? &r->hist : &none;
}

static bool is_poll(const struct hists *h, const struct hist_row *row)
{
	return kind_of(row) == NAPI_POLL && (row->hist.count || other(h, row, NAPI_IDLE)->count ||
					     other(h, row, NAPI_FULL)->count);
}

static bool is_devmap(const struct hists *h, const struct hist_row *row)
{
	return kind_of(row) == NAPI_DEVMAP && (row->hist.count || other(h, row, NAPI_DROPS)->count);
}

static bool is_softirq(const struct hists *h, const struct hist_row *row)
{
	(void)h;
	return kind_of(row) == NAPI_SOFTIRQ && row->hist.count;
}

static void place(const struct hist_row *row, struct names *names, struct hist_name *name)
{
	const struct napi_key *key = (const void *)row->key;

	if (*key->name)
		hist_name_bytes(name, 0, key->name, sizeof(key->name));
	else
		name->text[0] = "(backlog)";
	hist_name_space(name, 1, names, key->cookie, key->netns);
	name->number[2] = key->cpu;
}

static void cpu(const struct hist_row *row, struct names *names, struct hist_name *name)
{
	(void)names;
	name->number[0] = ((const struct napi_key *)row->key)->cpu;
}

static void poll_more(struct out *o, const struct hists *h, const struct hist_row *row)
{
	out_u64(o, other(h, row, NAPI_IDLE)->count);
	out_u64(o, other(h, row, NAPI_FULL)->count);
}

static void devmap_more(struct out *o, const struct hists *h, const struct hist_row *row)
{
	out_u64(o, other(h, row, NAPI_DROPS)->sum);
}

static void poll_prom(const struct hist_row *row, const struct hist_name *name)
{
	prom_hist(&prom_napi_poll, &row->hist, name->text[0], name->text[1]);
}

static void devmap_prom(const struct hist_row *row, const struct hist_name *name)
{
	prom_hist(&prom_napi_devmap, &row->hist, name->text[0], name->text[1]);
}

static void softirq_prom(const struct hist_row *row, const struct hist_name *name)
{
	(void)name;
	prom_hist(&prom_napi_softirq, &row->hist);
}

static int by_device(const struct hist_row *a, const struct hist_row *b)
{
	const struct napi_key *x = (const void *)a->key, *y = (const void *)b->key;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return x->cpu - y->cpu;
}

/* A device of which there are only idle polls, or only drops, also has a row. */
static int add_empty(const struct options *opt, struct hists *h)
{
	unsigned char key[HIST_KEY_MAX];
	struct napi_key *k = (void *)key;

	(void)opt;
	for (size_t i = 0; i < h->n; i++) {
		memcpy(key, h->row[i]->key, sizeof(key));
		if (k->kind == NAPI_IDLE)
			k->kind = NAPI_POLL;
		else if (k->kind == NAPI_DROPS)
			k->kind = NAPI_DEVMAP;
		else
			continue;
		/* it precedes this one, as its kind is smaller */
		if (!hists_find(h, key) && hists_row(h, key))
			i++;
	}
	return 0;
}

#define COLS(X) X, sizeof(X) / sizeof(X[0])

static const struct hist_table tables[] = {
	{ "rows", "packets per poll\n", COLS(poll_cols), 3, is_poll, place, poll_more, poll_prom },
	{ "devmap", "\nframes per devmap batch\n", COLS(devmap_cols), 3, is_devmap, place,
	  devmap_more, devmap_prom },
	{ "softirq", "\nNET_RX, from raise to start\n", COLS(softirq_cols), 1, is_softirq, cpu,
	  NULL, softirq_prom },
};

static const struct hist_count counts[] = {
	{ "table_full", "table full", offsetof(struct napi_stat, full) },
	{ "evicted", "replaced rows", offsetof(struct napi_stat, age.evicted) },
	{ "evicted_values", "values of replaced rows",
	  offsetof(struct napi_stat, age.evicted_packets) },
};

static const struct hist_verb napi = {
	.feature = "napi",
	.map = "napi_hist",
	.stat = "napi_stat",
	.who = "napi_who",
	.octave = offsetof(struct napi_key, octave),
	.table = tables,
	.tables = sizeof(tables) / sizeof(tables[0]),
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.lost = &prom_napi_lost,
	.compare = by_device,
	.read = add_empty,
};

static int napi_run(const struct options *opt)
{
	return hists_run(opt, &napi);
}

static const struct arg args[] = { HISTS_ARGS, ARG_DEV(&hists_asked.device), ARG_COMMANDS, {} };

/* clang-format off */
static const struct field fields[] = {
	{ "CPU, cpu; POLLS, polls; IDLE, idle; FULL, full",
	  "NAPI polls; empty ones; and those that used up their budget (64), so more packets are "
	  "waiting." },
	{ "min, p50, p90, p99, p999, max",
	  "Packets per poll, or frames per batch." },
	{ "BATCHES, batches; FRAMES, frames; DROPS, drops",
	  "Batches and frames that devmap sent, and frames that the device refused." },
	{}
};
/* clang-format on */

VERB(napi, .fields = fields, .help = "packets per poll, frames per devmap batch, delay of NET_RX",
     .run = napi_run, .takes = VERB_PROM | VERB_REPEATS, .args = args, .pin = "napi_hist",
     .device = &hists_asked.device, .wrong = hists_wrong, .feature = "napi")
