// SPDX-License-Identifier: GPL-2.0-only
/* hists_since.c - reads the histograms of `hookmap -j --buckets`, for --since */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hists.h"
#include "saved.h"

/* Element I of an array as a number; 0 if it is not a number. */
static __u64 element(struct json_object *array, size_t i)
{
	return json_object_get_uint64(json_object_array_get_idx(array, i));
}

static bool key_read(const char *text, unsigned char *key, size_t size)
{
	int end = 0;

	for (size_t i = 0; i < size; i++, text += 2) {
		if (sscanf(text, "%2hhx%n", &key[i], &end) != 1 || end != 2)
			return false;
	}
	return !*text;
}

static bool buckets_read(struct json_object *buckets, struct hist *h)
{
	unsigned at = 0;

	for (size_t i = 0; i < json_object_array_length(buckets); i++) {
		struct json_object *pair = json_object_array_get_idx(buckets, i);

		if (!json_object_is_type(pair, json_type_array) ||
		    json_object_array_length(pair) != 2)
			return false;
		while (at < HIST_BUCKETS && hist_le(at) != element(pair, 0))
			at++;
		if (at == HIST_BUCKETS)
			return false;
		h->bucket[at] += element(pair, 1);
		h->count += element(pair, 1);
	}
	return true;
}

/* All rows of TABLE; what is wrong, or NULL. */
static const char *table_read(struct json_object *top, const struct hist_verb *verb,
			      const struct hist_table *table, struct hists *h)
{
	struct json_object *rows = saved_member(top, table->key, json_type_array);
	size_t size = pin_find(verb->map)->key_size;

	if (!rows)
		return table->key;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		struct json_object *id = saved_member(row, "id", json_type_string);
		struct json_object *buckets = saved_member(row, "buckets", json_type_array);
		unsigned char key[HIST_KEY_MAX] = {};
		struct hist_row *r;

		if (!id || !buckets)
			return "it was saved without --buckets";
		if (!key_read(json_object_get_string(id), key, size))
			return "id";
		r = hists_row(h, key);
		if (!r)
			return "no memory";
		if (!buckets_read(buckets, &r->hist))
			return "buckets";
		r->hist.sum = saved_number(row, table->cols[table->names + 1].key);
	}
	return NULL;
}

static const char *generation_read(struct json_object *top, const struct hist_verb *verb,
				   struct hists *h)
{
	struct json_object *g = saved_member(top, "generation", json_type_object);
	const char *boot = saved_text(g, "boot");
	struct json_object *counters = saved_member(g, "counters", json_type_array);
	size_t words = pin_find(verb->stat)->value_size / 8;

	if (!g)
		return "it was saved without --buckets";
	if (!boot || !counters || json_object_array_length(counters) != words + 1)
		return "generation";
	snprintf(h->generation.boot, sizeof(h->generation.boot), "%s", boot);
	h->generation.map = saved_number(g, "map");
	for (size_t i = 0; i < words; i++)
		h->count[i] = element(counters, i);
	h->missed = element(counters, words);
	return NULL;
}

int hists_since(const char *path, const struct hist_verb *verb, struct hists *h)
{
	struct json_object *top = saved_read(path, "--buckets");
	const char *wrong;

	memset(h, 0, sizeof(*h));
	if (!top)
		return -EPROTO;
	h->count = zalloc(1, pin_find(verb->stat)->value_size);
	wrong = generation_read(top, verb, h);
	for (size_t i = 0; !wrong && i < verb->tables; i++)
		wrong = table_read(top, verb, &verb->table[i], h);
	json_object_put(top);
	if (!wrong)
		return 0;
	fail("--since %s: not the output of hookmap -j --buckets %s: %s", path, verb->feature,
	     wrong);
	hists_free(h);
	return -EPROTO;
}
