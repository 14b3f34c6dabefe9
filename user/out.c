// SPDX-License-Identifier: GPL-2.0-only
/* out.c - rows, as a table (libsmartcols) or as JSON */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "out.h"

struct out {
	bool color, begun;
	const char *heading;
	const struct out_col *cols;
	size_t cell, column;	      /* of the row, and of the table */
	struct libscols_table *table; /* NULL: JSON */
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

void out_screen(const struct options *opt)
{
	if (opt->interval > 0 && opt->output == OUT_TEXT && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
}

struct out *out_rows(const struct options *opt, const char *key, const char *heading,
		     const struct out_col *cols, size_t ncols)
{
	struct out *o = zalloc(1, sizeof(*o));

	o->color = opt->color;
	o->heading = heading;
	o->cols = cols;
	json_open(key, '[');
	if (json_on())
		return o;
	scols_init_debug(0);
	o->table = scols_new_table();
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
	o->cell = o->column = 0;
	if (o->table) {
		o->line = scols_table_new_line(o->table, NULL);
		return;
	}
	if (o->begun)
		json_close();
	json_open(NULL, '{');
	o->begun = true;
}

const char *out_color(const char *name, const char *value)
{
	static const struct {
		const char *name, *color;
	} names[] = { { "device", "\033[36m" }, { "mac", "\033[33m" }, { "smac", "\033[33m" },
		      { "dmac", "\033[33m" },	{ "src", "\033[35m" }, { "dst", "\033[35m" } };
	static const struct {
		const char *value, *color;
	} values[] = { { "ok", "\033[32m" },	{ "up", "\033[32m" },
		       { "yes", "\033[32m" },	{ "down", "\033[31m" },
		       { "gone", "\033[31m" },	{ "unreachable", "\033[31m" },
		       { "failed", "\033[31m" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcasecmp(name, names[i].name))
			return i > 3 && strchr(value, ':') ? "\033[34m" : names[i].color;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!strcmp(value, values[i].value))
			return values[i].color;
	}
	return NULL;
}

/* A cell of the table. */
static void out_text(struct out *o, const char *value)
{
	const char *head = o->cols[o->cell].head, *color;

	if (!head)
		return;
	color = o->color ? out_color(head, value) : NULL;
	scols_line_set_data(o->line, o->column, value);
	if (color)
		scols_cell_set_color(scols_line_get_cell(o->line, o->column), color);
	o->column++;
}

void out_str(struct out *o, const char *value)
{
	if (o->table)
		out_text(o, value);
	else if (o->cols[o->cell].key)
		json_str(o->cols[o->cell].key, value);
	o->cell++;
}

void out_u64(struct out *o, __u64 value)
{
	const struct out_col *col = &o->cols[o->cell];
	char buf[32];

	if (o->table) {
		snprintf(buf, sizeof(buf), "%llu", value);
		out_text(o, col->type == OUT_NS ? format_ns(value, buf, sizeof(buf)) : buf);
	} else if (col->key) {
		json_u64(col->key, value);
	}
	o->cell++;
}

void out_quantile(struct out *o, const struct hist *h, double q)
{
	if (!o->table || (double)h->count * (1 - q) >= 0.999999)
		out_u64(o, hist_quantile(h, q));
	else
		out_str(o, "-");
}

void out_end(struct out *o)
{
	if (o->table) {
		if (o->heading && !scols_table_is_empty(o->table))
			fputs(o->heading, stdout);
		scols_print_table(o->table);
		scols_unref_table(o->table);
	} else {
		if (o->begun)
			json_close();
		json_close();
	}
	free(o);
}
