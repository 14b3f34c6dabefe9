// SPDX-License-Identifier: GPL-2.0-only
/*
 * ovslat.c - hookmap ovslat: time in ovs_vport_receive, by input port.
 *
 * JSON, besides what hists.h says: "rows": port netns kind (total: with the calls inside it;
 * self: without them), the histogram's keys; "lost": table_full too_deep no_return evicted (rows
 * of ports that have made room) evicted_calls missed
 */
#include <stddef.h>
#include <string.h>

#include "hists.h"

PROM_FAMILY(ovs, COARSE, "ovs_latency_seconds", "port*,netns*,kind", 6, 2,
	    "Time in the datapath of Open vSwitch, by input port.")
PROM_FAMILY(ovs_lost, COUNTER, "ovs_lost_total", "cause", 16, 0,
	    "Calls that were not measured, by cause.")

static const struct out_col cols[] = {
	{ "port", "PORT", OUT_STR },
	{ "netns", "NETNS", OUT_STR },
	{ "kind", "KIND", OUT_STR },
	HIST_COLS_NS,
};

static void row_name(const struct hist_row *row, struct names *names, struct hist_name *name)
{
	const struct ovslat_key *key = (const void *)row->key;

	hist_name_bytes(name, 0, key->name, sizeof(key->name));
	hist_name_space(name, 1, names, key->cookie, key->netns);
	name->text[2] = key->kind == OVSLAT_SELF ? "self" : "total";
}

static void row_prom(const struct hist_row *row, const struct hist_name *name)
{
	prom_hist(&prom_ovs, &row->hist, name->text[0], name->text[1], name->text[2]);
}

static int by_port(const struct hist_row *a, const struct hist_row *b)
{
	return memcmp(a->key, b->key, sizeof(a->key));
}

static const struct hist_table table = {
	"rows", NULL, cols, sizeof(cols) / sizeof(cols[0]), 3, NULL, row_name, NULL, row_prom,
};

static const struct hist_count counts[] = {
	{ "table_full", "table full", offsetof(struct ovslat_call, full) },
	{ "too_deep", "too deep", offsetof(struct ovslat_call, deep) },
	{ "no_return", "without return", offsetof(struct ovslat_call, lost) },
	{ "evicted", "replaced rows", offsetof(struct ovslat_call, age.evicted) },
	{ "evicted_calls", "calls of replaced rows",
	  offsetof(struct ovslat_call, age.evicted_packets) },
};

static const struct hist_verb ovslat = {
	.feature = "ovslat",
	.map = "ovslat_hist",
	.stat = "ovslat_call",
	.who = "ovslat_who",
	.octave = offsetof(struct ovslat_key, octave),
	.table = &table,
	.tables = 1,
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.lost = &prom_ovs_lost,
	.compare = by_port,
};

static int ovslat_run(const struct options *opt)
{
	return hists_run(opt, &ovslat);
}

static const struct arg args[] = { HISTS_ARGS, ARG_DEV(&hists_asked.device), ARG_COMMANDS, {} };

/* clang-format off */
static const struct field fields[] = {
	{ "PORT, port; too_deep, no_return",
	  "Open vSwitch's input port, and calls that could not be followed." },
	{}
};
/* clang-format on */

VERB(ovslat, .fields = fields, .help = "time in Open vSwitch's kernel datapath, by port",
     .run = ovslat_run, .takes = VERB_PROM | VERB_REPEATS, .args = args, .pin = "ovslat_hist",
     .device = &hists_asked.device, .wrong = hists_wrong, .feature = "ovslat")
