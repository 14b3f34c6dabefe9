/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prom.h - Prometheus text, gathered from several verbs and written once.
 *
 * Each file lists the families that it fills. There are never more than PROM_SERIES series, or
 * nothing is written. In each family, the first KEEP label sets have their own series; the next
 * ones share series with "other" in the labels marked with *, up to FOLD of these; the rest is one
 * series with "other" everywhere. Verbs add the oldest first, so an existing series neither
 * vanishes nor shrinks when others come. Equal label sets are added up: no series appears twice.
 *
 * A MAC, an address or a port is never a label.
 */
#ifndef HOOKMAP_PROM_H
#define HOOKMAP_PROM_H

#include "hookmap.h"

#define PROM_SERIES 10000

enum prom_type {
	PROM_COUNTER,
	PROM_GAUGE,
	PROM_STATE,	/* a gauge, 1 or 0: one series for several has the worst value */
	PROM_TIME,	/* a gauge: ns here, seconds in the text */
	PROM_HISTOGRAM, /* ns here, seconds in the text; 4 buckets per octave */
	PROM_COARSE,	/* the same, 1 bucket for 2 octaves */
	PROM_SIZES,	/* of numbers: 1, 2, 4, ... */
};

/* Of a histogram of times: from 32 ns to 8.6 s, of numbers: from 1 to 1024; merged exactly from
 * those of abi/hist.h, then +Inf, _sum and _count. A series must always have the same buckets. */
#define PROM_FIRST 5 /* powers of 2 */
#define PROM_LAST  33
#define PROM_SIZE  10
#define PROM_VALUES(TYPE)                                                                          \
	((TYPE) == PROM_HISTOGRAM ? (PROM_LAST - PROM_FIRST) * 4 + 4                               \
	 : (TYPE) == PROM_COARSE  ? (PROM_LAST - PROM_FIRST) / 2 + 4                               \
	 : (TYPE) == PROM_SIZES	  ? PROM_SIZE + 4                                                  \
				  : 1)

#define PROM_LABELS 5 /* at most, of a family */
#define PROM_OTHER  "other"

/* A family, in the file that fills it:
 * PROM_FAMILY(ID, TYPE, NAME without hookmap_, LABELS, KEEP, FOLD, HELP), then &prom_ID */
struct prom_family {
	enum prom_type type;
	const char *name, *labels;
	size_t keep, fold;
	const char *help;
	/* prom.c: */
	struct prom_series *series;
	size_t n, room;
	struct prom_family *next;
};
#define PROM_FAMILY(ID, TYPE, NAME, LABELS, KEEP, FOLD, HELP)                                      \
	static struct prom_family prom_##ID = { .type = PROM_##TYPE,                               \
						.name = "hookmap_" NAME,                           \
						.labels = LABELS,                                  \
						.keep = KEEP,                                      \
						.fold = FOLD,                                      \
						.help = HELP };                                    \
	__attribute__((constructor)) static void prom_##ID##_list(void)                            \
	{                                                                                          \
		prom_list(&prom_##ID);                                                             \
	}
void prom_list(struct prom_family *family);

/* Adds to a series; the values of its labels follow, in the order of the family's. Out of
 * memory is remembered until prom_write. */
#define prom_add(FAMILY, VALUE, ...)                                                               \
	prom_add_labels(FAMILY, VALUE, (const char *const[PROM_LABELS]){ __VA_ARGS__ })
void prom_add_labels(struct prom_family *family, __u64 value, const char *const *labels);
#define prom_hist(FAMILY, HIST, ...)                                                               \
	prom_hist_labels(FAMILY, HIST, (const char *const[PROM_LABELS]){ __VA_ARGS__ })
void prom_hist_labels(struct prom_family *family, const struct hist *h, const char *const *labels);

/* Writes it all. 0 or -errno. */
int prom_write(FILE *f);

/* prom_save.c: the same into the file PATH, which is replaced atomically. 0 or -errno, having
 * printed why. */
int prom_save(const char *path);

/* prom_run.c: --prom; an exit code */
int prom_run(struct options *opt);

#endif
