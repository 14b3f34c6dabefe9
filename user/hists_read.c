// SPDX-License-Identifier: GPL-2.0-only
/*
 * hists_read.c - reads maps of histograms, with one row per octave (abi/hist.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hists.h"

struct reading {
	const struct hist_verb *verb;
	struct hists *h;
	int cpus, values; /* of a key */
};

/* The first row whose key is not below KEY. */
static size_t row_place(const struct hists *h, const void *key)
{
	size_t from = 0, to = h->n;

	while (from < to) {
		size_t i = (from + to) / 2;

		if (memcmp(h->row[i]->key, key, HIST_KEY_MAX) < 0)
			from = i + 1;
		else
			to = i;
	}
	return from;
}

struct hist_row *hists_find(const struct hists *h, const void *key)
{
	size_t i = row_place(h, key);

	return i < h->n && !memcmp(h->row[i]->key, key, HIST_KEY_MAX) ? h->row[i] : NULL;
}

struct hist_row *hists_row(struct hists *h, const void *key)
{
	struct hist_row *row = hists_find(h, key);
	size_t i;

	if (row)
		return row;
	i = row_place(h, key);
	if (!(h->n & (h->n + 1))) { /* the room doubles */
		void *all = reallocarray(h->row, 2 * h->n + 1, sizeof(*h->row));

		if (!all)
			return NULL;
		h->row = all;
	}
	row = zalloc(1, sizeof(*row));
	memcpy(row->key, key, HIST_KEY_MAX);
	memmove(h->row + i + 1, h->row + i, (h->n - i) * sizeof(*h->row));
	h->row[i] = row;
	h->n++;
	return row;
}

static int row_add(const void *key, const void *value, void *arg)
{
	const struct reading *rd = arg;
	unsigned char want[HIST_KEY_MAX] = {};
	const struct lat_row *row = value;
	struct hist_row *r;
	unsigned octave;

	memcpy(want, key, pin_find(rd->verb->map)->key_size);
	octave = want[rd->verb->octave];
	want[rd->verb->octave] = 0;
	r = hists_row(rd->h, want);
	if (!r)
		return -ENOMEM;
	for (int cpu = 0; cpu < rd->values; cpu++)
		hist_add(&r->hist, octave, &row[cpu]);
	return 0;
}

static int row_age(const void *key, const void *value, void *arg)
{
	const struct reading *rd = arg;
	unsigned char want[HIST_KEY_MAX] = {};
	struct hist_row *r;

	memcpy(want, key, pin_find(rd->verb->map)->key_size);
	r = hists_find(rd->h, want);
	if (r)
		r->age = ((const struct hist_who *)value)->first;
	return 0;
}

static int count_add(const void *key, const void *value, void *arg)
{
	const struct reading *rd = arg;
	size_t words = pin_find(rd->verb->stat)->value_size / 8;

	(void)key;
	for (size_t i = 0; i < words * rd->cpus; i++)
		rd->h->count[i % words] += ((const __u64 *)value)[i];
	return 0;
}

int hists_read(const struct options *opt, const struct hist_verb *verb, struct hists *h)
{
	bool per_cpu = pin_find(verb->map)->type == BPF_MAP_TYPE_PERCPU_HASH;
	struct reading rd = { verb, h, libbpf_num_possible_cpus(), 1 };
	int err;

	memset(h, 0, sizeof(*h));
	rd.values = per_cpu ? rd.cpus : 1;
	h->count = zalloc(1, pin_find(verb->stat)->value_size);
	h->more = zalloc(1, verb->more);
	/* counters of whole packets first; their parts may then be ahead */
	err = pin_read(opt, verb->stat, true, NULL, count_add, &rd);
	if (!err)
		err = pin_read(opt, verb->map, true, &h->generation, row_add, &rd);
	if (!err && verb->who)
		err = pin_read(opt, verb->who, true, NULL, row_age, &rd);
	if (!err && verb->read)
		err = verb->read(opt, h);
	h->missed = programs_missed(opt, verb->feature);
	return err;
}

void hists_free(struct hists *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->row[i]);
	free(h->row);
	free(h->shown);
	free(h->count);
	free(h->more);
	memset(h, 0, sizeof(*h));
}

struct hists hists_growth(const struct hist_verb *verb, const struct hists *now,
			  const struct hists *old)
{
	bool same = generation_same(&now->generation, &old->generation);
	size_t size = pin_find(verb->stat)->value_size;
	struct hists h = *now;

	h.shown = NULL;
	h.row = zalloc(now->n, sizeof(*h.row));
	h.count = zalloc(1, size);
	h.more = zalloc(1, verb->more);
	if (now->more)
		memcpy(h.more, now->more, verb->more);
	memcpy(h.count, now->count, size);
	counters_growth(same, h.count, old->count, size / 8);
	h.missed = counter_growth(same, now->missed, old->missed);
	for (size_t i = 0; i < now->n; i++) {
		const struct hist_row *before = hists_find(old, now->row[i]->key);

		h.row[i] = zalloc(1, sizeof(*h.row[i]));
		*h.row[i] = *now->row[i];
		if (before)
			hist_growth(same, &h.row[i]->hist, &before->hist);
	}
	return h;
}
