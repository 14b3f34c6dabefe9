// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_table.c - lines of hookmap drops: added up, sorted, compared with earlier ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drops.h"

const char *const drop_lost_key[LOSTS] = {
	[LOST_EVICTED] = "evicted",
	[LOST_OVER_PACKETS] = "table_full_packets",
	[LOST_OVER_BYTES] = "table_full_bytes",
	[LOST_NO_ROW] = "no_row_packets",
	[LOST_XDP_OVER] = "xdp_table_full",
	[LOST_VERDICT_OVER] = "verdict_table_full",
	[LOST_VERDICT_EVICTED] = "verdict_evicted",
	[LOST_MISSED] = "missed",
	[LOST_COUNTED] = "counted_at_xdp",
	[LOST_SAMPLES] = "samples",
	[LOST_SAMPLES_RATE] = "samples_over_rate",
	[LOST_SAMPLES_RING] = "samples_ring_full",
};

struct drop_line *drops_line(struct drop_table *t)
{
	struct drop_line *line;

	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 256;

		line = reallocarray(t->line, room, sizeof(*line));
		if (!line)
			return NULL;
		t->line = line;
		t->room = room;
	}
	line = &t->line[t->n++];
	memset(line, 0, sizeof(*line));
	return line;
}

void drops_line_free(struct drop_line *line)
{
	for (int i = 0; i < COLS; i++)
		free(line->col[i]);
}

void drops_free(struct drop_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		drops_line_free(&t->line[i]);
	free(t->line);
	t->line = NULL;
	t->n = t->room = 0;
}

int drops_copy(struct drop_table *to, const struct drop_table *from)
{
	*to = *from;
	to->n = to->room = 0;
	to->line = NULL;
	for (size_t i = 0; i < from->n; i++) {
		struct drop_line *line = drops_line(to);

		if (!line)
			return -ENOMEM;
		*line = from->line[i];
		memset(line->col, 0, sizeof(line->col)); /* which are not ours to free */
		for (int c = 0; c < COLS; c++) {
			line->col[c] = strdup(from->line[i].col[c]);
			if (!line->col[c])
				return -ENOMEM;
		}
	}
	return 0;
}

static int number_compare(__u64 a, __u64 b)
{
	return (a > b) - (a < b);
}

bool drops_is_verdict(const struct drop_line *line)
{
	return !strcmp(line->col[COL_LAYER], "xdp") && !strncmp(line->col[COL_LOCATION], "XDP_", 4);
}

/* See struct drop_line. */
static int line_compare(const void *a, const void *b)
{
	const struct drop_line *x = a, *y = b;
	int order = number_compare(x->by, y->by) ?: number_compare(x->node, y->node);
	bool placed = x->node && drops_is_verdict(x);

	if (!order)
		order = placed - (y->node && drops_is_verdict(y));
	if (!order && !placed)
		order = number_compare(x->ifindex, y->ifindex)
				?: number_compare(x->cookie, y->cookie);
	if (!order && !placed && !x->cookie)
		order = strcmp(x->col[COL_NETNS], y->col[COL_NETNS]);
	if (!order && !placed && !x->ifindex)
		order = strcmp(x->col[COL_DEVICE], y->col[COL_DEVICE]);
	for (int i = COL_LAYER; !order && i < COLS; i++) {
		if (i != COL_DEVICE && i != COL_NETNS)
			order = strcmp(x->col[i], y->col[i]);
	}
	return order;
}

static int packets_compare(const void *a, const void *b)
{
	const struct drop_line *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return line_compare(a, b);
}

void drops_add(struct drop_line *into, const struct drop_line *line)
{
	into->packets += line->packets;
	into->bytes += line->bytes;
	if (line->first && (!into->first || line->first < into->first))
		into->first = line->first;
	if (line->last > into->last)
		into->last = line->last;
}

void drops_merge(struct drop_table *t)
{
	size_t n = 0;

	if (!t->n)
		return;
	qsort(t->line, t->n, sizeof(*t->line), line_compare);
	for (size_t i = 1; i < t->n; i++) {
		struct drop_line *into = &t->line[n], *line = &t->line[i];

		if (line_compare(into, line)) {
			t->line[++n] = *line;
			continue;
		}
		drops_add(into, line);
		into->benign &= line->benign;
		into->verdict &= line->verdict;
		into->gone &= line->gone;
		drops_line_free(line);
	}
	t->n = n + 1;
}

void drops_sort(struct drop_table *t)
{
	if (t->n)
		qsort(t->line, t->n, sizeof(*t->line), packets_compare);
}

static struct drop_line *line_find(const struct drop_table *t, const struct drop_line *line)
{
	return t->n ? bsearch(line, t->line, t->n, sizeof(*line), line_compare) : NULL;
}

/* Is LINE still the same row? A row that was created again has another first time. */
static bool line_same(const struct drop_line *line, const struct drop_line *was)
{
	return line->packets >= was->packets && (!was->first || line->first <= was->first);
}

/* Rows replaced since OLD are now counted without their dimension. */
static int drops_evicted(const struct drop_table *t, struct drop_table *old)
{
	for (size_t i = 0; t->by && i < old->n; i++) {
		struct drop_line *was = &old->line[i];
		const struct drop_line *line = line_find(t, was);

		if (drops_is_verdict(was) || (line && line_same(line, was)))
			continue;
		free(was->col[COL_KEY]);
		was->col[COL_KEY] = strdup(OTHER);
		was->by = t->by;
		was->first = 0;
		if (!was->col[COL_KEY])
			return -ENOMEM;
	}
	drops_merge(old);
	return 0;
}

/* Verdicts of rows replaced since OLD: they have only moved. */
static __u64 verdicts_moved(const struct drop_table *t, const struct drop_table *old)
{
	__u64 moved = 0;

	for (size_t i = 0; i < old->n; i++) {
		const struct drop_line *was = &old->line[i];
		const struct drop_line *line = line_find(t, was);

		if (drops_is_verdict(was))
			moved += counter_rest(was->packets, line ? line->packets : 0);
	}
	return moved;
}

int drops_growth(struct drop_table *t, struct drop_table *old)
{
	bool rows = generation_same(&t->rows, &old->rows);
	bool cells = generation_same(&t->cells, &old->cells);
	__u64 verdicts =
		counter_growth(cells, t->lost[LOST_VERDICT_OVER], old->lost[LOST_VERDICT_OVER]);
	__u64 evicted = counter_growth(cells, t->lost[LOST_VERDICT_EVICTED],
				       old->lost[LOST_VERDICT_EVICTED]);
	int err = t->lost[LOST_EVICTED] ? drops_evicted(t, old) : 0;
	size_t n = 0;

	if (err)
		return err;
	if (cells)
		verdicts = counter_rest(verdicts, verdicts_moved(t, old));
	for (size_t i = 0; i < t->n; i++) {
		struct drop_line *line = &t->line[i];
		const struct drop_line *was = line_find(old, line);

		if (was && cells && drops_is_verdict(line)) {
			line->bytes = counter_rest(line->bytes, was->bytes);
			line->packets = counter_rest(line->packets, was->packets);
		} else if (was) {
			bool same = !drops_is_verdict(line) && rows && line_same(line, was);

			line->packets = counter_growth(same, line->packets, was->packets);
			line->bytes = counter_growth(same, line->bytes, was->bytes);
		}
		if (!line->packets)
			drops_line_free(line);
		else
			t->line[n++] = *line;
	}
	t->n = n;
	counters_growth(rows, t->lost, old->lost, LOSTS);
	t->lost[LOST_VERDICT_OVER] = verdicts;
	t->lost[LOST_VERDICT_EVICTED] = evicted;
	return 0;
}

/* --- -s */

static int compared_column;

static int column_compare(const void *a, const void *b)
{
	const struct drop_line *x = a, *y = b;
	int order = strcmp(x->col[compared_column], y->col[compared_column]);

	if (!order && compared_column == COL_KEY)
		order = x->by - y->by;
	if (!order)
		order = x->benign - y->benign;
	if (!order)
		order = x->undecided - y->undecided;
	return order ? order : x->verdict - y->verdict;
}

int drops_sum(struct drop_table *t, int column)
{
	struct drop_line *sum = t->line;

	compared_column = column;
	if (t->n)
		qsort(t->line, t->n, sizeof(*t->line), column_compare);
	for (size_t i = 1; i < t->n; i++) {
		struct drop_line *line = &t->line[i];

		if (column_compare(sum, line)) {
			sum = line;
			continue;
		}
		for (int c = 0; c < COLS; c++) {
			char *star;

			if (!strcmp(sum->col[c], line->col[c]))
				continue;
			star = strdup("*");
			if (!star)
				return -ENOMEM;
			free(sum->col[c]);
			sum->col[c] = star;
		}
		if (sum->by != line->by)
			sum->by = DROP_BY_NONE;
		drops_add(sum, line);
		line->packets = line->bytes = 0; /* is not shown */
	}
	return 0;
}
