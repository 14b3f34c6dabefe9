// SPDX-License-Identifier: GPL-2.0-only
/*
 * ovslat.c - hookmap ovslat: time in ovs_vport_receive, by input port.
 *
 * JSON: {"rows": [...], "lost": {"table_full", "too_deep", "no_return",
 * "evicted" (rows of ports that have made room), "evicted_calls", "missed"}}
 *   rows   port netns kind (total: with the calls inside it; self: without them) count
 *          sum_ns min_ns p50_ns p90_ns p99_ns max_ns
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "rows.h"
#include "verb.h"

static const struct out_col cols[] = {
	{ "port", "PORT", OUT_STR },   { "netns", "NETNS", OUT_STR }, { "kind", "KIND", OUT_STR },
	{ "count", "COUNT", OUT_U64 }, { "sum_ns", NULL, OUT_NS },    { "min_ns", "MIN", OUT_NS },
	{ "p50_ns", "P50", OUT_NS },   { "p90_ns", "P90", OUT_NS },   { "p99_ns", "P99", OUT_NS },
	{ "max_ns", "MAX", OUT_NS },
};

static int by_port(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ovslat_key));
}

static bool row_begin(struct out *o, const void *at, struct names *names)
{
	const struct ovslat_key *key = at;

	out_row(o);
	row_name(o, key->name);
	row_netns(o, names, key->cookie, key->netns);
	out_str(o, key->kind == OVSLAT_SELF ? "self" : "total");
	return true;
}

static const struct rows_form form = { cols, sizeof(cols) / sizeof(cols[0]), by_port, row_begin };

static int ovslat_run(const struct options *opt)
{
	struct json_object *top = opt->output == OUT_JSON ? json_object_new_object() : NULL, *lost;
	const size_t words = sizeof(struct ovslat_call) / 8;
	struct ovslat_call sum;
	struct rows rows;
	int err;

	err = rows_read(opt, "ovslat", "ovslat_hist", offsetof(struct ovslat_key, octave), &rows);
	if (!err)
		err = rows_stat(opt, "ovslat_call", (__u64 *)&sum, words);
	if (err)
		goto out;
	rows_show(opt, top, &rows, &form);
	if (top) {
		lost = json_object_new_object();
		json_object_object_add(lost, "table_full", json_object_new_uint64(sum.full));
		json_object_object_add(lost, "too_deep", json_object_new_uint64(sum.deep));
		json_object_object_add(lost, "no_return", json_object_new_uint64(sum.lost));
		json_object_object_add(lost, "evicted", json_object_new_uint64(sum.age.evicted));
		json_object_object_add(lost, "evicted_calls",
				       json_object_new_uint64(sum.age.evicted_packets));
		json_object_object_add(lost, "missed",
				       json_object_new_uint64(programs_missed(opt, "ovslat")));
		json_object_object_add(top, "lost", lost);
		json_print(opt, top);
	} else {
		printf("\nnot measured: %llu table full, %llu too deep, %llu without return, %llu "
		       "missed\n",
		       sum.full, sum.deep, sum.lost, programs_missed(opt, "ovslat"));
		if (sum.age.evicted)
			printf("no longer shown: %llu rows with %llu calls, which have made room\n",
			       sum.age.evicted, sum.age.evicted_packets);
	}
out:
	json_object_put(top);
	rows_free(&rows);
	return err < 0;
}

VERB(ovslat, .help = "time in Open vSwitch's kernel datapath, by port", .run = ovslat_run)
