// SPDX-License-Identifier: GPL-2.0-only
/*
 * prom.c - gathers series for Prometheus and writes them as text, each family once. See prom.h
 * for the exported families and their limits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prom.h"

struct prom_series {
	char *label[PROM_LABELS];
	char *text; /* name="value",... */
	size_t seq; /* when it came */
	__u64 value;
	struct hist *hist; /* of a histogram */
};

static struct prom_family *families, **last = &families;
static size_t most; /* series of all families */
static bool no_memory;

void prom_list(struct prom_family *family)
{
	*last = family;
	last = &family->next;
	most += (family->keep + family->fold + 1) * PROM_VALUES(family->type);
}

static void series_free(struct prom_series *s)
{
	for (int i = 0; i < PROM_LABELS; i++)
		free(s->label[i]);
	free(s->text);
	free(s->hist);
}

/* --- labels */

/* A value as it is quoted: Prometheus refuses the whole file for a byte that is not
 * UTF-8, a terminal obeys control characters, and the name of a device may be any bytes. */
static void put_value(const char *text, FILE *f)
{
	size_t len;

	for (; *text; text += len) {
		len = utf8_len(text, strlen(text));
		if (*text == '\n') {
			fputs("\\n", f);
		} else if (!len || utf8_control(text, len)) {
			fputc('?', f);
			len = len ? len : 1;
		} else {
			if (*text == '"' || *text == '\\')
				fputc('\\', f);
			fwrite(text, 1, len, f);
		}
	}
}

enum fold {
	FOLD_NONE,
	FOLD_MARKED, /* the labels marked with * are "other" */
	FOLD_ALL,
};

/* The labels of S, as they are in the text. */
static char *labels_text(const struct prom_family *fam, const struct prom_series *s, enum fold fold)
{
	const char *name = fam->labels;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (int i = 0; *name && i < PROM_LABELS; i++) {
		const char *value = s->label[i] ?: "";
		size_t len = strcspn(name, "*,");
		bool marked = name[len] == '*';

		if (fold == FOLD_ALL || (fold == FOLD_MARKED && marked))
			value = PROM_OTHER;
		fprintf(f, "%s%.*s=\"", i ? "," : "", (int)len, name);
		put_value(value, f);
		fputc('"', f);
		name += len + marked;
		name += *name == ',';
	}
	fclose(f);
	return text;
}

/* --- series */

static struct prom_series *series_new(struct prom_family *l, const char *const *labels)
{
	struct prom_series *s;

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;

		s = reallocarray(l->series, room, sizeof(*s));
		if (!s)
			goto error;
		l->series = s;
		l->room = room;
	}
	s = &l->series[l->n];
	memset(s, 0, sizeof(*s));
	s->seq = l->n++;
	for (int i = 0; i < PROM_LABELS && labels[i]; i++) {
		s->label[i] = strdup(labels[i]);
		if (!s->label[i])
			goto error;
	}
	return s;
error:
	no_memory = true;
	return NULL;
}

void prom_add_labels(struct prom_family *family, __u64 value, const char *const *labels)
{
	struct prom_series *s = series_new(family, labels);

	if (s)
		s->value = value;
}

void prom_hist_labels(struct prom_family *family, const struct hist *h, const char *const *labels)
{
	struct prom_series *s = series_new(family, labels);

	if (!s)
		return;
	s->hist = malloc(sizeof(*h));
	if (s->hist)
		*s->hist = *h;
	else
		no_memory = true;
}

static int by_text(const void *a, const void *b)
{
	const struct prom_series *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static int by_seq(const void *a, const void *b)
{
	const struct prom_series *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Adds up series with the same labels, in the order of their first occurrence. */
static void family_merge(struct prom_family *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->series, l->n, sizeof(*l->series), by_text);
	for (size_t i = 1; i < l->n; i++) {
		struct prom_series *last = &l->series[n], *s = &l->series[i];

		if (strcmp(last->text, s->text)) {
			l->series[++n] = *s;
			continue;
		}
		if (l->type != PROM_STATE)
			last->value += s->value;
		else if (s->value < last->value)
			last->value = s->value;
		if (s->hist)
			hist_merge(last->hist, s->hist);
		series_free(s);
	}
	l->n = n + 1;
	qsort(l->series, l->n, sizeof(*l->series), by_seq);
}

static int family_fold(struct prom_family *l, size_t from, enum fold fold)
{
	for (size_t i = from; i < l->n; i++) {
		free(l->series[i].text);
		l->series[i].text = labels_text(l, &l->series[i], fold);
		if (!l->series[i].text)
			return -ENOMEM;
	}
	family_merge(l);
	return 0;
}

/* --- text */

static void put_number(const struct prom_family *fam, const char *suffix, const char *labels,
		       const char *le, FILE *f)
{
	bool any = *labels || *le;

	fprintf(f, "%s%s%s%s%s%s%s ", fam->name, suffix, any ? "{" : "", labels,
		*labels && *le ? "," : "", le, any ? "}" : "");
}

/* Is the upper bound of bucket I one of the series' buckets? */
static bool is_bound(enum prom_type type, unsigned i)
{
	unsigned step = type == PROM_COARSE ? 2 * LAT_SUB : LAT_SUB / 4;

	/* powers of 2: several in the first octave, then one per octave */
	if (type == PROM_SIZES)
		return hist_le(i) <= 1 << PROM_SIZE &&
		       (i < LAT_SUB ? !(i & (i + 1)) : !((i + 1) % LAT_SUB));
	return hist_le(i) >= 1 << PROM_FIRST && hist_le(i) <= 1ULL << PROM_LAST &&
	       !((i + 1) % step);
}

static void put_hist(const struct prom_family *fam, const struct prom_series *s, FILE *f)
{
	double unit = fam->type == PROM_SIZES ? 1 : 1e9;
	const struct hist *h = s->hist;
	char le[48];
	__u64 n = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		n += h->bucket[i];
		if (!is_bound(fam->type, i))
			continue;
		snprintf(le, sizeof(le), "le=\"%.9g\"", (double)hist_le(i) / unit);
		put_number(fam, "_bucket", s->text, le, f);
		fprintf(f, "%llu\n", n);
	}
	put_number(fam, "_bucket", s->text, "le=\"+Inf\"", f);
	fprintf(f, "%llu\n", h->count);
	put_number(fam, "_sum", s->text, "", f);
	if (fam->type == PROM_SIZES)
		fprintf(f, "%llu\n", h->sum);
	else
		fprintf(f, "%llu.%09llu\n", h->sum / 1000000000, h->sum % 1000000000);
	put_number(fam, "_count", s->text, "", f);
	fprintf(f, "%llu\n", h->count);
}

static int put_family(struct prom_family *fam, FILE *f)
{
	static const char *const type[] = {
		[PROM_COUNTER] = "counter",	[PROM_GAUGE] = "gauge",
		[PROM_STATE] = "gauge",		[PROM_TIME] = "gauge",
		[PROM_HISTOGRAM] = "histogram", [PROM_COARSE] = "histogram",
		[PROM_SIZES] = "histogram"
	};
	int err = family_fold(fam, 0, FOLD_NONE);

	if (!err && fam->n > fam->keep)
		err = family_fold(fam, fam->keep, FOLD_MARKED);
	if (!err && fam->n > fam->keep + fam->fold)
		err = family_fold(fam, fam->keep + fam->fold, FOLD_ALL);
	if (err || !fam->n)
		return err;
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", fam->name, fam->help, fam->name,
		type[fam->type]);
	for (size_t i = 0; i < fam->n; i++) {
		const struct prom_series *s = &fam->series[i];

		if (s->hist) {
			put_hist(fam, s, f);
			continue;
		}
		put_number(fam, "", s->text, "", f);
		if (fam->type == PROM_TIME)
			fprintf(f, "%llu.%09llu\n", s->value / 1000000000, s->value % 1000000000);
		else
			fprintf(f, "%llu\n", s->value);
	}
	return 0;
}

int prom_write(FILE *f)
{
	int err = most > PROM_SERIES ? -E2BIG : no_memory ? -ENOMEM : 0;

	for (struct prom_family *l = families; l; l = l->next) {
		if (!err)
			err = put_family(l, f);
		while (l->n)
			series_free(&l->series[--l->n]);
	}
	if (!err && (fflush(f) || ferror(f)))
		err = errno ? -errno : -EIO;
	return err;
}
