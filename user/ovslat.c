// SPDX-License-Identifier: GPL-2.0-only
/*
 * ovslat.c - hookmap ovslat: time in ovs_vport_receive, by input port.
 *
 * JSON: {"rows": [...], "lost": {"table_full", "too_deep", "no_return"}}
 *   rows   port netns kind (total: with the calls inside it; self: without them) count
 *          sum_ns min_ns p50_ns p90_ns p99_ns max_ns
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "rows.h"

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

static void show_rows(const struct options *opt, struct json_object *top, struct rows *rows)
{
	struct out *o = out_new(opt, cols, sizeof(cols) / sizeof(cols[0]));
	struct names *names = names_new(opt);
	char text[64], name[17];

	if (rows->n)
		qsort(rows->row, rows->n, sizeof(rows->row[0]), by_port);
	for (size_t i = 0; o && names && i < rows->n; i++) {
		const struct ovslat_key *key = (const void *)rows->row[i].key;
		const struct hist *h = &rows->row[i].hist;

		out_row(o);
		snprintf(name, sizeof(name), "%.16s", key->name);
		out_str(o, name);
		snprintf(text, sizeof(text), "%s", names_netns_inode(names, key->netns));
		out_str(o, text);
		out_str(o, key->kind == OVSLAT_SELF ? "self" : "total");
		out_u64(o, h->count);
		out_u64(o, h->sum);
		row_quantiles(o, h);
	}
	if (o)
		out_section(o, top, "rows", NULL);
	names_free(names);
}

int ovslat_run(const struct options *opt)
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
	show_rows(opt, top, &rows);
	if (top) {
		lost = json_object_new_object();
		json_object_object_add(lost, "table_full", json_object_new_uint64(sum.full));
		json_object_object_add(lost, "too_deep", json_object_new_uint64(sum.deep));
		json_object_object_add(lost, "no_return", json_object_new_uint64(sum.lost));
		json_object_object_add(top, "lost", lost);
		json_print(opt, top);
	} else {
		printf("\nnot measured: %llu table full, %llu too deep, %llu without return\n",
		       sum.full, sum.deep, sum.lost);
	}
out:
	json_object_put(top);
	rows_free(&rows);
	return err < 0;
}
