// SPDX-License-Identifier: GPL-2.0-only
/*
 * hist.c - log-linear histograms: merging, quantiles, and three ways to show one.
 */
#include <math.h>
#include <string.h>

#include "out.h"

__u64 hist_le(unsigned i)
{
	unsigned octave = i / LAT_SUB, sub = i % LAT_SUB;

	if (!octave)
		return sub + 1;
	return (__u64)(LAT_SUB + sub + 1) << (octave - 1);
}

/* Exclusive lower bound. */
static __u64 hist_gt(unsigned i)
{
	return i ? hist_le(i - 1) : 0;
}

void hist_add(struct hist *h, unsigned octave, const struct lat_row *row)
{
	__u64 count = 0, min = ~row->min_inv, max = row->max;

	if (octave >= LAT_OCTAVES)
		return;
	for (unsigned i = 0; i < LAT_SUB; i++) {
		unsigned at = octave * LAT_SUB + i;

		h->bucket[at] += row->bucket[i];
		if (!row->bucket[i])
			continue;
		/* its first value is just being written: min and max are not set yet */
		if (!row->min_inv) {
			min = count ? min : hist_gt(at) + 1;
			max = hist_le(at);
		}
		count += row->bucket[i];
	}
	if (!count)
		return;
	if (!h->count || min < h->min)
		h->min = min;
	if (max > h->max)
		h->max = max;
	h->count += count;
	h->sum += row->sum;
}

void hist_merge(struct hist *h, const struct hist *other)
{
	if (!other->count)
		return;
	if (!h->count || other->min < h->min)
		h->min = other->min;
	if (other->max > h->max)
		h->max = other->max;
	h->count += other->count;
	h->sum += other->sum;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		h->bucket[i] += other->bucket[i];
}

void hist_growth(bool same, struct hist *h, const struct hist *old)
{
	__u64 max = h->max;

	if (!same || h->count < old->count)
		return;
	h->count = h->min = h->max = 0;
	h->sum = counter_growth(true, h->sum, old->sum);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		h->bucket[i] = counter_growth(true, h->bucket[i], old->bucket[i]);
		if (!h->bucket[i])
			continue;
		if (!h->count)
			h->min = hist_gt(i) + 1;
		h->max = hist_le(i) < max ? hist_le(i) : max;
		h->count += h->bucket[i];
	}
}

__u64 hist_quantile(const struct hist *h, double q)
{
	__u64 rank = (__u64)ceil(q * (double)h->count), seen = 0;

	if (!rank)
		rank = 1;
	if (rank > h->count)
		rank = h->count;
	for (unsigned i = 0; h->count && i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return hist_le(i) < h->max ? hist_le(i) : h->max;
	}
	return h->max;
}

#define DRAW_LINES 24
#define DRAW_WIDTH 40

void hist_draw(const struct hist *h, FILE *f)
{
	static const char bar[] = "########################################";
	unsigned first = HIST_BUCKETS, last = 0, step = 1, empty = 0;
	__u64 top = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		if (first == HIST_BUCKETS)
			first = i;
		last = i;
	}
	if (first == HIST_BUCKETS)
		return;
	while ((last / step) - (first / step) >= DRAW_LINES && step < LAT_SUB)
		step *= 2;
	first -= first % step;
	for (unsigned i = first; i <= last; i += step) {
		__u64 n = 0;

		for (unsigned j = i; j < i + step; j++)
			n += h->bucket[j];
		if (n > top)
			top = n;
	}
	for (unsigned i = first; i <= last; i += step) {
		char from[16], to[16];
		__u64 n = 0;
		int width;

		for (unsigned j = i; j < i + step; j++)
			n += h->bucket[j];
		/* one line represents consecutive empty ones */
		empty = n ? 0 : empty + 1;
		if (empty == 2)
			fputs("      ...\n", f);
		if (empty > 1)
			continue;
		width = top ? (int)ceil((double)n * DRAW_WIDTH / top) : 0;
		fprintf(f, "  %7s - %-7s |%-*.*s| %llu\n",
			format_ns(hist_gt(i), from, sizeof(from)),
			format_ns(hist_le(i + step - 1), to, sizeof(to)), DRAW_WIDTH, width, bar,
			n);
	}
}

/* The steps of HdrHistogram's outputPercentileDistribution: TICKS for each halving of the
 * distance to 100 %. */
void hist_hgrm(const struct hist *h, FILE *f)
{
	const unsigned ticks = 5;
	double mean = h->count ? (double)h->sum / h->count : 0, square = 0, level = 0;
	__u64 seen = 0;

	fprintf(f, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		double mid = (double)(hist_gt(i) + hist_le(i)) / 2;
		double value = (double)(hist_le(i) < h->max ? hist_le(i) : h->max) / 1000;

		if (!h->bucket[i])
			continue;
		seen += h->bucket[i];
		square += (mid - mean) * (mid - mean) * h->bucket[i];
		/* beyond this, a double has no more digits, and the loop would not end */
		while (level <= 100.0 * seen / h->count && level <= 99.9999999) {
			fprintf(f, "%12.3f %2.12f %10llu %14.2f\n", value, level / 100, seen,
				1 / (1 - level / 100));
			level += 100 / (pow(2, floor(log2(100 / (100 - level))) + 1) * ticks);
			if (seen == h->count)
				break;
		}
	}
	if (h->count)
		fprintf(f, "%12.3f %2.12f %10llu\n", (double)h->max / 1000, 1.0, h->count);
	fprintf(f, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / 1000,
		h->count ? sqrt(square / h->count) / 1000 : 0);
	fprintf(f, "#[Max     = %12.3f, Total count    = %12llu]\n", (double)h->max / 1000,
		h->count);
	fprintf(f, "#[Buckets = %12d, SubBuckets     = %12d]\n", LAT_OCTAVES, LAT_SUB);
}
