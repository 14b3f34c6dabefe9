// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_rest.c - the text under the rows of hookmap drops, and the other members of the document.
 */
#include <stdlib.h>
#include <string.h>

#include "drops.h"
#include "out.h"

/* Packets freed without a loss, by reason; the caller frees it. N: the number of reasons. */
static struct drop_line *benign_sums(const struct drop_table *t, size_t *n)
{
	struct drop_line *sum = zalloc(t->n, sizeof(*sum));

	*n = 0;
	for (size_t i = 0, j; i < t->n; i++) {
		const struct drop_line *line = &t->line[i];

		if (!line->benign || !line->packets)
			continue;
		for (j = 0; j < *n && strcmp(sum[j].col[COL_REASON], line->col[COL_REASON]);)
			j++;
		*n += j == *n;
		sum[j].col[COL_REASON] = line->col[COL_REASON];
		sum[j].packets += line->packets;
		sum[j].bytes += line->bytes;
	}
	return sum;
}

void drops_benign(const struct drop_table *t)
{
	size_t n;
	struct drop_line *sum = benign_sums(t, &n);

	json_open("benign", '[');
	if (n && !drops_asked.all && !json_on())
		printf("not a loss, left out:");
	for (size_t i = 0; i < n; i++) {
		json_open(NULL, '{');
		json_str("reason", sum[i].col[COL_REASON]);
		json_u64("packets", sum[i].packets);
		json_u64("bytes", sum[i].bytes);
		json_close();
		if (!drops_asked.all && !json_on())
			printf("%s %llu %s", i ? "," : "", sum[i].packets,
			       reason_short(sum[i].col[COL_REASON]));
	}
	if (n && !drops_asked.all && !json_on())
		printf(" (see --all)\n");
	json_close();
	free(sum);
}

void drops_rest_json(const struct drop_table *t, double seconds)
{
	json_open("lost", '{');
	for (int i = 0; i < LOSTS; i++)
		json_u64(drop_lost_key[i], t->lost[i]);
	json_close();
	json_open("generation", '{');
	json_str("boot", t->rows.boot);
	json_u64("rows", t->rows.map);
	json_u64("cells", t->cells.map);
	json_flag("hidden", t->hidden);
	json_close();
	if (seconds > 0)
		json_double("seconds", seconds);
	if (drops_asked.sum || drops_asked.top)
		json_str("sum", drops_asked.sum ?: "top");
}

/* Prints under the table what it leaves out. */
void drops_rest(const struct drop_table *t, size_t rows, __u64 packets)
{
	const __u64 *lost = t->lost;

	if (rows)
		printf("%zu more rows, %llu packets\n", rows, packets);
	drops_benign(t);
	if (lost[LOST_EVICTED])
		printf("table full: %llu rows were replaced by new causes\n", lost[LOST_EVICTED]);
	if (t->by && lost[LOST_OVER_PACKETS] > lost[LOST_NO_ROW])
		printf("table full: %llu packets without their %s, in rows \"(other)\"\n",
		       lost[LOST_OVER_PACKETS] - lost[LOST_NO_ROW], drop_by_name[t->by]);
	if (lost[LOST_NO_ROW])
		printf("table full: %llu packets without a row\n", lost[LOST_NO_ROW]);
	if (lost[LOST_XDP_OVER] | lost[LOST_VERDICT_OVER])
		printf("table full: %llu XDP errors, %llu XDP verdicts without a row\n",
		       lost[LOST_XDP_OVER], lost[LOST_VERDICT_OVER]);
	if (lost[LOST_VERDICT_EVICTED])
		printf("table full: %llu rows of XDP verdicts were replaced by new causes\n",
		       lost[LOST_VERDICT_EVICTED]);
	if (lost[LOST_SAMPLES] | lost[LOST_SAMPLES_RATE] | lost[LOST_SAMPLES_RING])
		printf("samples: %llu taken, %llu over the rate, %llu lost in the full ring\n",
		       lost[LOST_SAMPLES], lost[LOST_SAMPLES_RATE], lost[LOST_SAMPLES_RING]);
	if (lost[LOST_MISSED])
		printf("missed: %llu drops while that CPU was counting another\n",
		       lost[LOST_MISSED]);
	if (t->unasked)
		printf("the namespaces of %llu processes could not be read: devices there may have "
		       "no name\n",
		       t->unasked);
	if (t->hidden)
		printf("the kernel hides its addresses (kernel.kptr_restrict, or no CAP_SYSLOG): "
		       "locations are numbers\n");
	if (t->nameless)
		printf("the kernel has no BTF with its drop reasons: reasons are numbers\n");
}
