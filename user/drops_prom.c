// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_prom.c - hookmap drops for Prometheus: sums by layer, reason, location, device
 * and namespace. Protocols and addresses are not labels.
 */
#include <stdlib.h>
#include <string.h>

#include "drops.h"
#include "prom.h"

PROM_FAMILY(drop_packets, COUNTER, "drop_packets_total", "layer,reason*,location*,device*,netns*",
	    550, 20, "Packets lost (segments, of GSO packets).")
PROM_FAMILY(drop_bytes, COUNTER, "drop_bytes_total", "layer,reason*,location*,device*,netns*", 550,
	    20, "Bytes of these, as far as they are known.")
PROM_FAMILY(drop_undecided, COUNTER, "drop_undecided_packets_total",
	    "reason*,location*,device*,netns*", 100, 4,
	    "Packets freed as dropped, of which the kernel does not say whether they were lost.")
PROM_FAMILY(drop_lost, COUNTER, "drop_lost_total", "cause", 16, 0,
	    "Drops that are not in a row of their own, by cause.")
PROM_FAMILY(xdp, COUNTER, "xdp_packets_total", "device*,action", 120, 8,
	    "Packets by what XDP programs of hookmap decided.")

static void blank(char **text)
{
	char *dash = strdup("-");

	if (!dash)
		return;
	free(*text);
	*text = dash;
}

/* The oldest rows, up to this number, have their own series while they exist. The rest is for
 * the verdicts of XDP programs, which have no time. */
#define TIMED_ROWS 500

/* A row whose device or namespace no longer exists gives its place to a new cause so long after
 * its last loss. It cannot grow again. */
#define RETIRE_NS 3600000000000ULL

static bool retired(const struct drop_table *t, const struct drop_line *line)
{
	return line->gone && line->last + RETIRE_NS < t->time;
}

/* Oldest first, then those without a time. */
static int by_age(const void *a, const void *b)
{
	const struct drop_line *x = a, *y = b;
	__u64 xt = x->first - 1, yt = y->first - 1;

	return (xt > yt) - (xt < yt);
}

static void losses(const struct drop_table *t)
{
	__u64 packets = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct drop_line *line = &t->line[i];
		const char *col[COL_NETNS + 1];

		if (line->benign || line->verdict)
			continue;
		if (retired(t, line)) {
			packets += line->packets;
			continue;
		}
		for (int c = COL_LAYER; c <= COL_NETNS; c++)
			col[c] = line->col[c];
		/* readers of the file may not see kernel addresses */
		if (t->hidden && !strncmp(col[COL_LOCATION], "0x", 2))
			col[COL_LOCATION] = "hidden";
		for (int c = COL_REASON; line->first && n >= TIMED_ROWS && c <= COL_NETNS; c++)
			col[c] = PROM_OTHER;
		if (line->undecided) {
			prom_add(&prom_drop_undecided, line->packets, col[COL_REASON],
				 col[COL_LOCATION], col[COL_DEVICE], col[COL_NETNS]);
			continue;
		}
		n++;
		prom_add(&prom_drop_packets, line->packets, col[COL_LAYER], col[COL_REASON],
			 col[COL_LOCATION], col[COL_DEVICE], col[COL_NETNS]);
		prom_add(&prom_drop_bytes, line->bytes, col[COL_LAYER], col[COL_REASON],
			 col[COL_LOCATION], col[COL_DEVICE], col[COL_NETNS]);
	}
	prom_add(&prom_drop_lost, packets, "gone");
}

/* XDP verdicts of the collection's programs, by device and action. */
static void verdicts(const struct drop_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct drop_line *line = &t->line[i];

		if (drops_is_verdict(line))
			prom_add(&prom_xdp, line->packets, line->col[COL_DEVICE],
				 line->col[COL_LOCATION] + 4);
	}
}

void drops_prom(struct drop_table *t)
{
	static const struct {
		const char *cause;
		enum drop_lost n;
	} lost[] = {
		{ "table_full", LOST_OVER_PACKETS },
		{ "xdp_table_full", LOST_XDP_OVER },
		{ "verdict_table_full", LOST_VERDICT_OVER },
		{ "missed", LOST_MISSED },
		{ "sample_rate", LOST_SAMPLES_RATE },
		{ "sample_ring_full", LOST_SAMPLES_RING },
	};

	for (size_t i = 0; i < t->n; i++) {
		blank(&t->line[i].col[COL_PROTO]);
		blank(&t->line[i].col[COL_KEY]);
		t->line[i].by = DROP_BY_NONE;
		/* labels identify a series */
		t->line[i].ifindex = t->line[i].cookie = t->line[i].node = 0;
	}
	drops_merge(t);
	if (t->n)
		qsort(t->line, t->n, sizeof(*t->line), by_age);
	losses(t);
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		prom_add(&prom_drop_lost, t->lost[lost[i].n], lost[i].cause);
	verdicts(t);
}
