// SPDX-License-Identifier: GPL-2.0-only
/*
 * out.c - one call a cell, for the table (libsmartcols) and for JSON (json-c).
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>

#include "hookmap.h"

struct out {
	bool color;
	const struct out_col *cols;
	size_t ncols, cell;
	struct json_object *rows, *row; /* JSON */
	struct libscols_table *table;	/* text */
	struct libscols_line *line;
};

char *format_ns(__u64 ns, char *buf, size_t size)
{
	static const char *const unit[] = { "ns", "us", "ms", "s" };
	double v = (double)ns;
	unsigned i = 0;

	while (i < 3 && v >= 999.5) {
		v /= 1000;
		i++;
	}
	snprintf(buf, size,
		 i == 0	     ? "%.0f%s"
		 : v < 9.995 ? "%.2f%s"
		 : v < 99.95 ? "%.1f%s"
			     : "%.0f%s",
		 v, unit[i]);
	return buf;
}

struct out *out_new(const struct options *opt, const struct out_col *cols, size_t ncols)
{
	struct out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->color = opt->color;
	o->cols = cols;
	o->ncols = ncols;
	if (opt->output == OUT_JSON) {
		o->rows = json_object_new_array();
		return o;
	}
	scols_init_debug(0);
	o->table = scols_new_table();
	if (!o->table) {
		free(o);
		return NULL;
	}
	scols_table_enable_colors(o->table, o->color);
	for (size_t i = 0; i < ncols; i++) {
		if (cols[i].head)
			scols_table_new_column(o->table, cols[i].head, 0,
					       cols[i].type == OUT_STR ? 0 : SCOLS_FL_RIGHT);
	}
	return o;
}

void out_row(struct out *o)
{
	o->cell = 0;
	if (o->rows) {
		o->row = json_object_new_object();
		json_object_array_add(o->rows, o->row);
	} else {
		o->line = scols_table_new_line(o->table, NULL);
	}
}

/* The table's column of the current cell. */
static size_t out_column(const struct out *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->cell; i++)
		n += !!o->cols[i].head;
	return n;
}

const char *out_color(const char *head, const char *value)
{
	static const struct {
		const char *head, *color;
	} heads[] = { { "DEVICE", "cyan" }, { "MAC", "yellow" },  { "SMAC", "yellow" },
		      { "DMAC", "yellow" }, { "SRC", "magenta" }, { "DST", "magenta" } };
	static const char *const good[] = { "ok", "up", "yes" };
	static const char *const bad[] = { "down", "unreachable", "failed", "gone" };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (!strcmp(head, heads[i].head))
			return strcmp(heads[i].color, "magenta") || !strchr(value, ':')
				       ? heads[i].color
				       : "blue";
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!strcmp(value, good[i]))
			return "green";
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!strcmp(value, bad[i]))
			return "red";
	}
	return NULL;
}

static void out_cell(struct out *o, const char *head, const char *value)
{
	size_t n = out_column(o);
	const char *color = o->color ? out_color(head, value) : NULL;

	scols_line_set_data(o->line, n, value);
	if (color)
		scols_cell_set_color(scols_line_get_cell(o->line, n), color);
}

void out_str(struct out *o, const char *value)
{
	const struct out_col *col = &o->cols[o->cell];

	if (o->rows && col->key)
		json_object_object_add(o->row, col->key, json_text(value));
	else if (!o->rows && col->head)
		out_cell(o, col->head, value);
	o->cell++;
}

void out_u64(struct out *o, __u64 value)
{
	const struct out_col *col = &o->cols[o->cell];
	char buf[32];

	if (o->rows && col->key) {
		json_object_object_add(o->row, col->key, json_object_new_uint64(value));
	} else if (!o->rows && col->head) {
		if (col->type == OUT_NS)
			format_ns(value, buf, sizeof(buf));
		else
			snprintf(buf, sizeof(buf), "%llu", value);
		out_cell(o, col->head, buf);
	}
	o->cell++;
}

void out_quantile(struct out *o, const struct hist *h, double q)
{
	if (o->rows || (double)h->count * (1 - q) >= 0.999999)
		out_u64(o, hist_quantile(h, q));
	else
		out_str(o, "-");
}

void out_json(struct out *o, const char *key, struct json_object *value)
{
	if (o->rows)
		json_object_object_add(o->row, key, value);
	else
		json_object_put(value);
}

struct json_object *json_text(const char *value)
{
	char buf[TEXT_MAX];

	return json_object_new_string(text_utf8(value, buf, sizeof(buf)));
}

void json_print(const struct options *opt, struct json_object *top)
{
	json_puts(json_object_to_json_string_ext(
		top,
		JSON_C_TO_STRING_NOSLASHESCAPE |
			(opt->pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : 0)));
	putchar('\n');
}

void out_section(struct out *o, struct json_object *top, const char *key, const char *heading)
{
	if (o->rows) {
		json_object_object_add(top, key, o->rows);
	} else {
		if (heading && !scols_table_is_empty(o->table))
			fputs(heading, stdout);
		scols_print_table(o->table);
		scols_unref_table(o->table);
	}
	free(o);
}
