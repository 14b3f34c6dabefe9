// SPDX-License-Identifier: GPL-2.0-only
/* hists.c - shows histograms, a row for each key of a map */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hists.h"
#include "settings.h"

struct hists_asked hists_asked;

/* --- names */

void hist_name_bytes(struct hist_name *name, size_t cell, const char *text, size_t len)
{
	snprintf(name->buf[cell], sizeof(name->buf[cell]), "%.*s", (int)len, text);
	name->text[cell] = name->buf[cell];
}

void hist_name_space(struct hist_name *name, size_t cell, struct names *names, __u64 cookie,
		     __u32 inode)
{
	const char *text = !inode   ? "-"
			   : cookie ? names_space(names, cookie, inode)
				    : names_netns_inode(names, inode);

	hist_name_bytes(name, cell, text, strlen(text));
}

/* Is the cell of the column KEY, or OTHER, the one ASKED for (NULL: any)? */
static bool is_asked(const struct hist_table *t, const struct hist_name *name, const char *asked,
		     const char *key, const char *other)
{
	for (size_t i = 0; asked && i < t->names; i++) {
		if (!strcmp(t->cols[i].key, key) || !strcmp(t->cols[i].key, other))
			return !strcmp(asked, name->text[i]);
	}
	return !asked;
}

/* Is it shown in the table? Then NAME is its name. */
static bool is_shown(const struct hist_table *t, const struct hists *h, const struct hist_row *row,
		     struct names *names, struct hist_name *name)
{
	if (t->has ? !t->has(h, row) : !row->hist.count)
		return false;
	t->name(row, names, name);
	return is_asked(t, name, hists_asked.device, "device", "port") &&
	       is_asked(t, name, hists_asked.netns, "netns", "netns");
}

/* Does the requested object exist, with or without rows? 0 or -errno, after printing which one is
 * missing. */
static int asked_check(const struct options *opt, const struct hist_verb *verb,
		       const struct hists *h)
{
	struct names *names = NULL;
	struct hist_name name;
	bool found = false;

	if (hists_asked.device || hists_asked.netns)
		names = names_new(opt);
	for (size_t i = 0; names && !found && i < h->n; i++) {
		for (size_t t = 0; t < verb->tables; t++)
			found |= is_shown(&verb->table[t], h, h->row[i], names, &name);
	}
	names_free(names);
	if (found)
		return 0;
	return names_asked(opt, verb->feature, hists_asked.device, hists_asked.netns);
}

/* --- showing */

static void buckets_json(const struct hist_verb *verb, const struct hist_row *row)
{
	const struct hist *h = &row->hist;

	json_hex("id", (const char *)row->key, pin_find(verb->map)->key_size);
	json_open("buckets", '[');
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		json_open(NULL, '[');
		json_u64(NULL, hist_le(i));
		json_u64(NULL, h->bucket[i]);
		json_close();
	}
	json_close();
}

static void show_row(struct out *o, const struct hist_verb *verb, const struct hist_table *t,
		     const struct hists *h, const struct hist_row *row,
		     const struct hist_name *name)
{
	static const double quantile[] = { 0.5, 0.9, 0.99, 0.999 };

	out_row(o);
	for (size_t i = 0; i < t->names; i++) {
		if (t->cols[i].type == OUT_U64)
			out_u64(o, name->number[i]);
		else
			out_str(o, name->text[i]);
	}
	out_u64(o, row->hist.count);
	out_u64(o, row->hist.sum);
	out_u64(o, row->hist.min);
	for (size_t i = 0; i < sizeof(quantile) / sizeof(quantile[0]); i++)
		out_quantile(o, &row->hist, quantile[i]);
	out_u64(o, row->hist.max);
	if (t->more)
		t->more(o, h, row);
	if (hists_asked.buckets)
		buckets_json(verb, row);
}

static size_t show_table(const struct options *opt, const struct hist_verb *verb,
			 const struct hist_table *t, const struct hists *h, struct names *names)
{
	struct out *o = out_rows(opt, t->key, t->heading, t->cols, t->ncols);
	struct hist_name name;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (!is_shown(t, h, h->shown[i], names, &name))
			continue;
		show_row(o, verb, t, h, h->shown[i], &name);
		n++;
	}
	out_end(o);
	return n;
}

/* --hist and --hgrm: one by one, each under its name */
static void show_each(const struct options *opt, const struct hist_verb *verb,
		      const struct hists *h, struct names *names)
{
	char text[TEXT_MAX];
	struct hist_name name;
	size_t n = 0;

	for (const struct hist_table *t = verb->table; t < verb->table + verb->tables; t++) {
		for (size_t i = 0; i < h->n; i++) {
			if (!h->shown[i]->hist.count || !is_shown(t, h, h->shown[i], names, &name))
				continue;
			printf("%s%s", n++ || opt->output == OUT_TEXT ? "\n" : "",
			       opt->output == OUT_HGRM ? "# " : "");
			for (size_t c = 0; c < t->names; c++) {
				printf("%s ", t->cols[c].key);
				if (t->cols[c].type == OUT_U64)
					printf("%llu, ", name.number[c]);
				else
					printf("%s, ",
					       text_plain(name.text[c], text, sizeof(text)));
			}
			printf("%llu values\n", h->shown[i]->hist.count);
			(opt->output == OUT_HGRM ? hist_hgrm : hist_draw)(&h->shown[i]->hist,
									  stdout);
		}
	}
}

static __u64 count_of(const struct hist_verb *verb, const struct hists *h, size_t i)
{
	return h->count[verb->count[i].at / 8];
}

/* For an interval or since a file: these are not totals. */
static bool in_part(const struct options *opt)
{
	return opt->interval > 0 || hists_asked.since;
}

static void lost_text(const struct options *opt, const struct hist_verb *verb,
		      const struct hists *h)
{
	const char *before = "";

	printf("not in the rows: ");
	for (size_t i = 0; i < verb->counts; i++) {
		if (!verb->count[i].text || !count_of(verb, h, i))
			continue;
		printf("%s%llu %s", before, count_of(verb, h, i), verb->count[i].text);
		before = ", ";
	}
	if (h->missed)
		printf("%s%llu missed: the program was already running on that CPU\n", before,
		       h->missed);
	else
		printf("%s\n", *before ? "" : "nothing");
	if (!in_part(opt))
		programs_since(opt, verb->feature);
}

static void lost_json(const struct hist_verb *verb, const struct hists *h)
{
	json_open("lost", '{');
	for (size_t i = 0; i < verb->counts; i++)
		json_u64(verb->count[i].key, count_of(verb, h, i));
	json_u64("missed", h->missed);
	if (verb->lost_json)
		verb->lost_json(h);
	json_close();
}

static void generation_json(const struct hist_verb *verb, const struct hists *h)
{
	json_open("generation", '{');
	json_str("boot", h->generation.boot);
	json_u64("map", h->generation.map);
	json_open("counters", '[');
	for (size_t i = 0; i < pin_find(verb->stat)->value_size / 8; i++)
		json_u64(NULL, h->count[i]);
	json_u64(NULL, h->missed);
	json_close();
	json_close();
}

static int show_all(const struct options *opt, const struct hist_verb *verb, const struct hists *h,
		    struct names *names)
{
	size_t shown = 0;
	int err = 0;

	json_open(NULL, '{');
	for (const struct hist_table *t = verb->table; t < verb->table + verb->tables; t++)
		shown += show_table(opt, verb, t, h, names);
	if (!json_on()) {
		if (!shown) {
			printf("nothing measured %s", in_part(opt) ? "in this interval" : "yet");
			text_place(hists_asked.device, hists_asked.netns);
		}
		if (hists_asked.hist)
			show_each(opt, verb, h, names);
	}
	if (!json_on())
		putchar('\n');
	if (verb->rest)
		err = verb->rest(opt, h);
	settings_show(opt, verb->feature);
	if (json_on()) {
		lost_json(verb, h);
		if (hists_asked.buckets)
			generation_json(verb, h);
	} else {
		lost_text(opt, verb, h);
	}
	json_close();
	return err;
}

static int by_age(const void *a, const void *b)
{
	const struct hist_row *x = *(struct hist_row *const *)a, *y = *(struct hist_row *const *)b;

	if (x->age != y->age)
		return x->age < y->age ? -1 : 1;
	return memcmp(x->key, y->key, HIST_KEY_MAX);
}

/* Oldest first: see prom.h. */
static void show_prom(const struct hist_verb *verb, const struct hists *h, struct names *names)
{
	struct hist_name name = {};

	for (size_t i = 0; i < h->n; i++) {
		for (const struct hist_table *t = verb->table; t < verb->table + verb->tables;
		     t++) {
			if (is_shown(t, h, h->shown[i], names, &name))
				t->prom(h->shown[i], &name);
		}
	}
	for (size_t i = 0; i < verb->counts; i++) {
		if (verb->count[i].text)
			prom_add(verb->lost, count_of(verb, h, i), verb->count[i].key);
	}
	prom_add(verb->lost, h->missed, "missed");
	if (verb->prom)
		verb->prom(h);
}

static int (*row_compare)(const struct hist_row *a, const struct hist_row *b);

static int by_verb(const void *a, const void *b)
{
	return row_compare(*(struct hist_row *const *)a, *(struct hist_row *const *)b);
}

static int show(const struct options *opt, const struct hist_verb *verb, struct hists *h)
{
	/* looked up each time: another device may be attached, or it was renamed */
	struct names *names = names_new(opt);
	int err = 0;

	if (!names)
		return -ENOMEM;
	h->shown = zalloc(h->n, sizeof(*h->shown));
	row_compare = verb->compare;
	for (size_t i = 0; i < h->n; i++) {
		h->shown[i] = h->row[i];
		if (verb->age && opt->output == OUT_PROM)
			h->row[i]->age = verb->age(h->row[i], names);
	}
	qsort(h->shown, h->n, sizeof(*h->shown), opt->output == OUT_PROM ? by_age : by_verb);
	if (opt->output == OUT_PROM)
		show_prom(verb, h, names);
	else if (opt->output == OUT_HGRM)
		show_each(opt, verb, h, names);
	else
		err = show_all(opt, verb, h, names);
	fflush(stdout);
	names_free(names);
	return err;
}

/* The growth since OLD, which is freed. */
static int show_growth(const struct options *opt, const struct hist_verb *verb,
		       const struct hists *now, struct hists *old)
{
	struct hists h = hists_growth(verb, now, old);
	int err = show(opt, verb, &h);

	hists_free(&h);
	hists_free(old);
	return err;
}

int hists_run(const struct options *opt, const struct hist_verb *verb)
{
	struct hists h, old;
	int err = hists_read(opt, verb, &h) ?: asked_check(opt, verb, &h);

	if (!err && opt->interval > 0) {
		/* the pins are opened each time: the feature may be attached again */
		for (unsigned long n = 0; !err && next_interval(opt, &n);) {
			old = h;
			err = hists_read(opt, verb, &h);
			out_screen(opt);
			if (!err)
				err = show_growth(opt, verb, &h, &old);
			else
				hists_free(&old);
		}
	} else if (!err && hists_asked.since) {
		err = hists_since(hists_asked.since, verb, &old);
		if (!err)
			err = show_growth(opt, verb, &h, &old);
	} else if (!err) {
		err = show(opt, verb, &h);
	}
	hists_free(&h);
	return err < 0;
}

const char *hists_wrong(const struct options *opt)
{
	if ((hists_asked.device || hists_asked.netns || hists_asked.since) &&
	    opt->output == OUT_PROM)
		return hists_asked.since ? "--prom shows whole sums" : "--prom shows all devices";
	return hists_asked.since && opt->interval > 0 ? "--since and -i: choose one" : NULL;
}
