// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_since.c - reads back what `hookmap -j drops` printed, for --since.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "drops.h"

static const char *const column_key[COL_KEY] = {
	[COL_LAYER] = "layer",	 [COL_REASON] = "reason", [COL_LOCATION] = "location",
	[COL_DEVICE] = "device", [COL_NETNS] = "netns",	  [COL_PROTO] = "protocol",
};

/* KEY of ROW as a string, or NULL. */
static const char *string(struct json_object *row, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(row, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool number(struct json_object *row, const char *key, __u64 *to)
{
	struct json_object *value;

	if (!json_object_object_get_ex(row, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	*to = json_object_get_uint64(value);
	return true;
}

/* What is wrong with the row, or NULL. */
static const char *since_row(struct json_object *row, struct drop_table *t)
{
	struct drop_line *line = drops_line(t);
	const char *text = NULL;
	__u64 ifindex, node;

	if (!line)
		return "no memory";
	if (!json_object_is_type(row, json_type_object))
		return "a row is no object";
	for (int i = 0; i < COL_KEY; i++) {
		text = string(row, column_key[i]);
		if (!text)
			return column_key[i];
		line->col[i] = strdup(text);
		if (!line->col[i])
			return "no memory";
	}
	text = NULL;
	for (int by = DROP_BY_SMAC; !text && by < DROP_BY_MAX; by++) {
		text = string(row, drop_by_name[by]);
		if (text)
			line->by = by;
	}
	line->col[COL_KEY] = strdup(text ? text : "-");
	if (!line->col[COL_KEY])
		return "no memory";
	/* of a row that nobody could place, there is none */
	number(row, "netns_cookie", &line->cookie);
	if (number(row, "ifindex", &ifindex))
		line->ifindex = ifindex;
	number(row, "first_ns", &line->first);
	if (number(row, "device_node", &node))
		line->node = node;
	if (!number(row, "packets", &line->packets))
		return "packets";
	if (!number(row, "bytes", &line->bytes))
		return "bytes";
	return NULL;
}

/* All rows of the array KEY of TOP; what is wrong, or NULL. */
static const char *since_rows(struct json_object *top, const char *key, struct drop_table *t)
{
	struct json_object *rows;
	const char *wrong = NULL;

	if (!json_object_object_get_ex(top, key, &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return key;
	for (size_t i = 0; !wrong && i < json_object_array_length(rows); i++)
		wrong = since_row(json_object_array_get_idx(rows, i), t);
	return wrong;
}

static const char *since_generation(struct json_object *top, struct drop_table *t)
{
	struct json_object *g;
	const char *boot;
	__u64 rows, cells;

	if (!json_object_object_get_ex(top, "generation", &g) ||
	    !json_object_is_type(g, json_type_object))
		return "generation (it may be of an older version)";
	boot = string(g, "boot");
	if (!boot || !number(g, "rows", &rows) || !number(g, "cells", &cells))
		return "generation";
	snprintf(t->rows.boot, sizeof(t->rows.boot), "%s", boot);
	t->rows.map = rows;
	t->cells = t->rows;
	t->cells.map = cells;
	if (!cells)
		t->cells.boot[0] = 0;
	if (json_object_object_get_ex(g, "hidden", &g))
		t->hidden = json_object_get_boolean(g);
	return NULL;
}

int drops_since(const char *path, struct drop_table *t)
{
	struct json_object *top = NULL, *lost, *by;
	const char *wrong = NULL;

	memset(t, 0, sizeof(*t));
	if (access(path, R_OK)) {
		fail("--since %s: %s", path, strerror(errno));
		return -errno;
	}
	top = json_object_from_file(path);
	if (!json_object_is_type(top, json_type_object))
		wrong = "no object";
	else if (json_object_object_get_ex(top, "sum", &by))
		wrong = "it was saved with -s or -n: save it without";
	else
		wrong = since_rows(top, "rows", t) ?: since_generation(top, t)
			?: since_rows(top, "left_out", t) ?: since_rows(top, "undecided", t);
	if (wrong) {
		fail("--since %s: not what hookmap -j drops prints: %s", path, wrong);
		drops_free(t);
		json_object_put(top);
		return -EPROTO;
	}
	if (json_object_object_get_ex(top, "lost", &lost)) {
		for (int i = 0; i < LOSTS; i++)
			number(lost, drop_lost_key[i], &t->lost[i]);
	}
	json_object_put(top);
	drops_merge(t);
	return 0;
}
