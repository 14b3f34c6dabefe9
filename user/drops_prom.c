// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_prom.c - hookmap drops as Prometheus text: sums by layer, reason, location,
 * device and namespace. Protocols and addresses are no labels.
 */
#include <stdlib.h>
#include <string.h>

#include "drops.h"

/* TEXT as a label's value. */
static void label(const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if (*text == '\n')
			fputs("\\n", stdout);
		else
			putchar(*text);
	}
}

static void labels(const struct drop_line *line, const char *metric)
{
	static const char *const key[] = { "layer", "reason", "location", "device", "netns" };

	printf("%s{", metric);
	for (int i = COL_LAYER; i <= COL_NETNS; i++) {
		printf("%s%s=\"", i ? "," : "", key[i]);
		label(line->col[i]);
		putchar('"');
	}
	fputs("} ", stdout);
}

static void blank(char **text)
{
	char *dash = strdup("-");

	if (!dash)
		return;
	free(*text);
	*text = dash;
}

static void head(const char *metric, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s counter\n", metric, help, metric);
}

static void losses(const struct drop_table *t, const char *metric, const char *help, bool bytes)
{
	head(metric, help);
	for (size_t i = 0; i < t->n; i++) {
		const struct drop_line *line = &t->line[i];

		if (line->benign || line->verdict)
			continue;
		labels(line, metric);
		printf("%llu\n", bytes ? line->bytes : line->packets);
	}
}

/* XDP verdicts of the collection's programs, by device and action. */
static void verdicts(struct drop_table *t)
{
	const char *metric = "hookmap_xdp_packets_total";
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct drop_line *line = &t->line[i];

		if (strcmp(line->col[COL_LAYER], "xdp") ||
		    strncmp(line->col[COL_LOCATION], "XDP_", 4))
			line->packets = 0;
		n += !!line->packets;
		blank(&line->col[COL_REASON]);
		blank(&line->col[COL_NETNS]);
	}
	drops_merge(t);
	head(metric, "Packets by what XDP programs of hookmap decided.");
	for (size_t i = 0; n && i < t->n; i++) {
		struct drop_line *line = &t->line[i];

		if (!line->packets)
			continue;
		printf("%s{device=\"", metric);
		label(line->col[COL_DEVICE]);
		fputs("\",action=\"", stdout);
		label(line->col[COL_LOCATION] + 4);
		printf("\"} %llu\n", line->packets);
	}
}

void drops_prom(struct drop_table *t)
{
	const struct {
		const char *cause;
		__u64 n;
	} lost[] = {
		{ "table_full", t->over_packets },
		{ "xdp_table_full", t->stat.xdp_over },
		{ "verdict_table_full", t->verdict_over },
		{ "missed", t->missed },
		{ "sample_rate", t->stat.samples_missed },
		{ "sample_ring_full", t->stat.samples_lost },
	};

	for (size_t i = 0; i < t->n; i++) {
		blank(&t->line[i].col[COL_PROTO]);
		blank(&t->line[i].col[COL_KEY]);
		t->line[i].by = DROP_BY_NONE;
	}
	drops_merge(t);
	losses(t, "hookmap_drop_packets_total", "Packets lost (segments, of GSO packets).", false);
	losses(t, "hookmap_drop_bytes_total", "Bytes of these, as far as they are known.", true);
	head("hookmap_drop_lost_total", "Drops that are not in a row of their own, by cause.");
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		printf("hookmap_drop_lost_total{cause=\"%s\"} %llu\n", lost[i].cause, lost[i].n);
	verdicts(t);
}
