// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_since.c - reads the output of `hookmap -j drops`, for --since.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drops.h"
#include "saved.h"

static const char *const column_key[COL_KEY] = {
	[COL_LAYER] = "layer",	 [COL_REASON] = "reason", [COL_LOCATION] = "location",
	[COL_DEVICE] = "device", [COL_NETNS] = "netns",	  [COL_PROTO] = "protocol",
};

/* What is wrong with the row, or NULL. */
static const char *since_row(struct json_object *row, struct drop_table *t)
{
	struct drop_line *line = drops_line(t);
	const char *text = NULL;

	if (!line)
		return "no memory";
	if (!json_object_is_type(row, json_type_object))
		return "row is not an object";
	for (int i = 0; i < COL_KEY; i++) {
		text = saved_text(row, column_key[i]);
		if (!text)
			return column_key[i];
		line->col[i] = strdup(text);
		if (!line->col[i])
			return "no memory";
	}
	text = NULL;
	for (int by = DROP_BY_SMAC; !text && by < DROP_BY_MAX; by++) {
		text = saved_text(row, drop_by_name[by]);
		if (text)
			line->by = by;
	}
	line->col[COL_KEY] = strdup(text ? text : "-");
	if (!line->col[COL_KEY])
		return "no memory";
	/* a row without a known place has none */
	line->cookie = saved_number(row, "netns_cookie");
	line->ifindex = saved_number(row, "ifindex");
	line->first = saved_number(row, "first_ns");
	line->node = saved_number(row, "device_node");
	line->packets = saved_number(row, "packets");
	line->bytes = saved_number(row, "bytes");
	return saved_member(row, "packets", json_type_int) ? NULL : "packets";
}

/* All rows of the array KEY of TOP; what is wrong, or NULL. */
static const char *since_rows(struct json_object *top, const char *key, struct drop_table *t)
{
	struct json_object *rows = saved_member(top, key, json_type_array);
	const char *wrong = rows ? NULL : key;

	for (size_t i = 0; !wrong && i < json_object_array_length(rows); i++)
		wrong = since_row(json_object_array_get_idx(rows, i), t);
	return wrong;
}

static const char *since_generation(struct json_object *top, struct drop_table *t)
{
	struct json_object *g = saved_member(top, "generation", json_type_object);
	const char *boot = saved_text(g, "boot");

	if (!g || !boot)
		return "generation (it may be of an older version)";
	snprintf(t->rows.boot, sizeof(t->rows.boot), "%s", boot);
	t->rows.map = saved_number(g, "rows");
	t->cells = t->rows;
	t->cells.map = saved_number(g, "cells");
	if (!t->cells.map)
		t->cells.boot[0] = 0;
	t->hidden = json_object_get_boolean(saved_member(g, "hidden", json_type_boolean));
	return NULL;
}

int drops_since(const char *path, struct drop_table *t)
{
	struct json_object *top = saved_read(path, "drops");
	const char *wrong;

	memset(t, 0, sizeof(*t));
	if (!top)
		return -EPROTO;
	wrong = saved_text(top, "sum") ? "it was saved with -s or -n: save it without"
				       : since_rows(top, "rows", t);
	wrong = wrong ?: since_generation(top, t);
	wrong = wrong ?: since_rows(top, "left_out", t);
	wrong = wrong ?: since_rows(top, "undecided", t);
	for (int i = 0; i < LOSTS; i++)
		t->lost[i] =
			saved_number(saved_member(top, "lost", json_type_object), drop_lost_key[i]);
	json_object_put(top);
	if (!wrong) {
		drops_merge(t);
		return 0;
	}
	fail("--since %s: not the output of hookmap -j drops: %s", path, wrong);
	drops_free(t);
	return -EPROTO;
}
