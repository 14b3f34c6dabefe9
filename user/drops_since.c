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
	if (!number(row, "packets", &line->packets))
		return "packets";
	if (!number(row, "bytes", &line->bytes))
		return "bytes";
	return NULL;
}

int drops_since(const char *path, struct drop_table *t)
{
	struct json_object *top = NULL, *rows, *lost, *by;
	const char *wrong = NULL;

	memset(t, 0, sizeof(*t));
	if (access(path, R_OK)) {
		fail("--since %s: %s", path, strerror(errno));
		return -errno;
	}
	top = json_object_from_file(path);
	if (!json_object_object_get_ex(top, "rows", &rows) ||
	    !json_object_is_type(rows, json_type_array)) {
		fail("--since %s: not what hookmap -j drops prints", path);
		json_object_put(top);
		return -EPROTO;
	}
	if (json_object_object_get_ex(top, "sum", &by))
		wrong = "it was saved with -s or -n: save it without";
	for (size_t i = 0; !wrong && i < json_object_array_length(rows); i++)
		wrong = since_row(json_object_array_get_idx(rows, i), t);
	if (wrong) {
		fail("--since %s: not what hookmap -j drops prints: %s", path, wrong);
		drops_free(t);
		json_object_put(top);
		return -EPROTO;
	}
	if (json_object_object_get_ex(top, "lost", &lost)) {
		number(lost, "table_full_packets", &t->over_packets);
		number(lost, "table_full_bytes", &t->over_bytes);
		number(lost, "xdp_table_full", &t->stat.xdp_over);
		number(lost, "verdict_table_full", &t->verdict_over);
		number(lost, "missed", &t->missed);
		number(lost, "counted_at_xdp", &t->stat.xdp_counted);
	}
	json_object_put(top);
	drops_merge(t);
	return 0;
}
