// SPDX-License-Identifier: GPL-2.0-only
/*
 * napi.c - hookmap napi: batches of NAPI polls and devmaps, and the delay of NET_RX.
 *
 * JSON, three sections, each by device (or none) and CPU:
 *   rows     packets per poll: device netns cpu polls packets min p50 p90 p99 max,
 *            idle (polls that found none), full (polls that used up their budget)
 *   devmap   frames per batch: device netns cpu batches frames min p50 p90 p99 max drops
 *   softirq  cpu count min_ns p50_ns p90_ns p99_ns max_ns: from raising to start
 * and "lost": values that found no room in the table, "evicted": rows of devices that have
 * made room, with "evicted_values", and "missed": events that the kernel did not show,
 * because one was being counted on that CPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "rows.h"
#include "verb.h"

static const struct out_col poll_cols[] = {
	{ "device", "DEVICE", OUT_STR },   { "netns", "NETNS", OUT_STR },
	{ "cpu", "CPU", OUT_U64 },	   { "polls", "POLLS", OUT_U64 },
	{ "packets", "PACKETS", OUT_U64 }, { "min", "MIN", OUT_U64 },
	{ "p50", "P50", OUT_U64 },	   { "p90", "P90", OUT_U64 },
	{ "p99", "P99", OUT_U64 },	   { "max", "MAX", OUT_U64 },
	{ "idle", "IDLE", OUT_U64 },	   { "full", "FULL", OUT_U64 },
};

static const struct out_col devmap_cols[] = {
	{ "device", "DEVICE", OUT_STR }, { "netns", "NETNS", OUT_STR },
	{ "cpu", "CPU", OUT_U64 },	 { "batches", "BATCHES", OUT_U64 },
	{ "frames", "FRAMES", OUT_U64 }, { "min", "MIN", OUT_U64 },
	{ "p50", "P50", OUT_U64 },	 { "p90", "P90", OUT_U64 },
	{ "p99", "P99", OUT_U64 },	 { "max", "MAX", OUT_U64 },
	{ "drops", "DROPS", OUT_U64 },
};

static const struct out_col softirq_cols[] = {
	{ "cpu", "CPU", OUT_U64 },   { "count", "COUNT", OUT_U64 }, { "min_ns", "MIN", OUT_NS },
	{ "p50_ns", "P50", OUT_NS }, { "p90_ns", "P90", OUT_NS },   { "p99_ns", "P99", OUT_NS },
	{ "max_ns", "MAX", OUT_NS },
};

#define COLS(X) X, sizeof(X) / sizeof(X[0])

/* The histogram of the same device and CPU, of another kind; NULL if there is none. */
static const struct hist *other(const struct rows *rows, const struct napi_key *key, __u8 kind)
{
	struct napi_key want = *key;

	want.kind = kind;
	for (size_t i = 0; i < rows->n; i++) {
		if (!memcmp(rows->row[i].key, &want, sizeof(want)))
			return &rows->row[i].hist;
	}
	return NULL;
}

static int by_device(const void *a, const void *b)
{
	const struct napi_key *x = a, *y = b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return x->cpu - y->cpu;
}

static void show_place(struct out *o, const struct napi_key *key, struct names *names)
{
	row_name(o, *key->name ? key->name : "(backlog)");
	row_netns(o, names, key->cookie, key->netns);
	out_u64(o, key->cpu);
}

static void show_poll(struct out *o, const struct rows *rows, const struct napi_key *key,
		      const struct hist *h, struct names *names)
{
	const struct hist *idle = other(rows, key, NAPI_IDLE), *full = other(rows, key, NAPI_FULL);

	out_row(o);
	show_place(o, key, names);
	out_u64(o, h->count);
	out_u64(o, h->sum);
	row_quantiles(o, h);
	out_u64(o, idle ? idle->count : 0);
	out_u64(o, full ? full->count : 0);
}

static void show_devmap(struct out *o, const struct rows *rows, const struct napi_key *key,
			const struct hist *h, struct names *names)
{
	const struct hist *drops = other(rows, key, NAPI_DROPS);

	out_row(o);
	show_place(o, key, names);
	out_u64(o, h->count);
	out_u64(o, h->sum);
	row_quantiles(o, h);
	out_u64(o, drops ? drops->sum : 0);
}

static void show_kinds(const struct options *opt, const struct rows *rows, struct out *poll,
		       struct out *devmap, struct out *softirq)
{
	static const struct hist none;
	struct names *names = names_new(opt);

	for (size_t i = 0; names && i < rows->n; i++) {
		const struct napi_key *key = (const void *)rows->row[i].key;
		const struct hist *h = &rows->row[i].hist;

		if (key->kind == NAPI_POLL)
			show_poll(poll, rows, key, h, names);
		else if (key->kind == NAPI_IDLE && !other(rows, key, NAPI_POLL))
			show_poll(poll, rows, key, &none, names);
		else if (key->kind == NAPI_DEVMAP)
			show_devmap(devmap, rows, key, h, names);
		else if (key->kind == NAPI_DROPS && !other(rows, key, NAPI_DEVMAP))
			show_devmap(devmap, rows, key, &none, names);
		if (key->kind != NAPI_SOFTIRQ)
			continue;
		out_row(softirq);
		out_u64(softirq, key->cpu);
		out_u64(softirq, h->count);
		row_quantiles(softirq, h);
	}
	names_free(names);
}

static int napi_run(const struct options *opt)
{
	struct json_object *top = opt->output == OUT_JSON ? json_object_new_object() : NULL;
	struct out *poll, *devmap, *softirq;
	struct rows rows;
	struct napi_stat st = {};
	int err;

	err = rows_read(opt, "napi", "napi_hist", offsetof(struct napi_key, octave), &rows);
	if (!err)
		err = rows_stat(opt, "napi_stat", (__u64 *)&st, sizeof(st) / 8);
	if (err)
		goto out;
	poll = out_new(opt, COLS(poll_cols));
	devmap = out_new(opt, COLS(devmap_cols));
	softirq = out_new(opt, COLS(softirq_cols));
	if (!poll || !devmap || !softirq) {
		fail("napi: %s", strerror(ENOMEM));
		err = -ENOMEM;
		goto out;
	}
	if (rows.n)
		qsort(rows.row, rows.n, sizeof(rows.row[0]), by_device);
	show_kinds(opt, &rows, poll, devmap, softirq);
	out_section(poll, top, "rows", "packets per poll\n");
	out_section(devmap, top, "devmap", "\nframes per devmap batch\n");
	out_section(softirq, top, "softirq", "\nNET_RX, from raising to start\n");
	if (top) {
		json_object_object_add(top, "lost", json_object_new_uint64(st.full));
		json_object_object_add(top, "evicted", json_object_new_uint64(st.age.evicted));
		json_object_object_add(top, "evicted_values",
				       json_object_new_uint64(st.age.evicted_packets));
		json_object_object_add(top, "missed",
				       json_object_new_uint64(programs_missed(opt, "napi")));
		json_print(opt, top);
	} else {
		printf("\nnot counted: %llu table full, %llu missed\n", st.full,
		       programs_missed(opt, "napi"));
		if (st.age.evicted)
			printf("no longer shown: %llu rows with %llu values, which have made "
			       "room\n",
			       st.age.evicted, st.age.evicted_packets);
	}
out:
	json_object_put(top);
	rows_free(&rows);
	return err < 0;
}

VERB(napi, .help = "packets per poll, frames per devmap batch, delay of NET_RX", .run = napi_run)
