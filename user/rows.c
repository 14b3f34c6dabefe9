// SPDX-License-Identifier: GPL-2.0-only
/*
 * rows.c - histograms by some key, from a map with a row an octave (see abi.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "rows.h"

struct reading {
	struct rows *rows;
	const struct pin *pin;
	int cpus;
};

static struct hist_row *row_find(struct rows *rows, const void *key, size_t size)
{
	struct hist_row *r;

	for (size_t i = 0; i < rows->n; i++) {
		if (!memcmp(rows->row[i].key, key, size))
			return &rows->row[i];
	}
	r = reallocarray(rows->row, rows->n + 1, sizeof(*r));
	if (!r)
		return NULL;
	rows->row = r;
	r += rows->n++;
	memset(r, 0, sizeof(*r));
	memcpy(r->key, key, size);
	return r;
}

static int row_add(const void *key, const void *value, void *arg)
{
	struct reading *rd = arg;
	const struct lat_row *row = value;
	unsigned char want[ROW_KEY];
	struct hist_row *r;
	unsigned octave;

	memcpy(want, key, rd->pin->key_size);
	octave = want[rd->rows->octave];
	want[rd->rows->octave] = 0;
	r = row_find(rd->rows, want, rd->pin->key_size);
	if (!r)
		return -ENOMEM;
	for (int cpu = 0; cpu < rd->cpus; cpu++)
		hist_add(&r->hist, octave, &row[cpu]);
	return 0;
}

int rows_read(const struct options *opt, const char *feature, const char *map, size_t octave,
	      struct rows *rows)
{
	struct reading rd = { rows, pin_find(map), 1 };
	int fd = pin_open(opt, map, false), err;

	if (rd.pin->type == BPF_MAP_TYPE_PERCPU_HASH)
		rd.cpus = libbpf_num_possible_cpus();
	memset(rows, 0, sizeof(*rows));
	rows->octave = octave;
	if (fd == -ENOENT)
		fail("%s is not attached below %s: attach first (scripts/attach.sh --host %s)",
		     feature, opt->bpffs, feature);
	if (fd < 0)
		return fd;
	err = generation_get(fd, &rows->generation);
	if (!err)
		err = pin_each(fd, rd.pin, row_add, &rd);
	close(fd);
	if (err)
		fail("map %s: %s", map, strerror(-err));
	return err;
}

void rows_growth(struct rows *rows, const struct rows *old)
{
	bool same = generation_same(&rows->generation, &old->generation);

	for (size_t i = 0; i < rows->n; i++) {
		for (size_t j = 0; j < old->n; j++) {
			if (memcmp(rows->row[i].key, old->row[j].key, ROW_KEY))
				continue;
			hist_growth(same, &rows->row[i].hist, &old->row[j].hist);
			break;
		}
	}
}

void rows_free(struct rows *rows)
{
	free(rows->row);
	rows->row = NULL;
	rows->n = 0;
}

int rows_stat(const struct options *opt, const char *map, __u64 *sum, size_t words)
{
	const struct pin *pin = pin_find(map);
	int fd = pin_open(opt, map, true), cpus = libbpf_num_possible_cpus(), err = 0;
	__u64 *value = calloc(1, pin_value_size(pin));
	__u32 zero = 0;

	memset(sum, 0, words * sizeof(*sum));
	if (fd < 0 || !value) {
		err = fd < 0 ? fd : -ENOMEM;
	} else if (bpf_map_lookup_elem(fd, &zero, value)) {
		err = -errno;
		fail("map %s: %s", map, strerror(errno));
	}
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		for (size_t i = 0; i < words; i++)
			sum[i] += value[cpu * (pin->value_size / 8) + i];
	}
	free(value);
	if (fd >= 0)
		close(fd);
	return err;
}

void row_quantiles(struct out *o, const struct hist *h)
{
	out_u64(o, h->min);
	out_quantile(o, h, 0.5);
	out_quantile(o, h, 0.9);
	out_quantile(o, h, 0.99);
	out_u64(o, h->max);
}

void row_name(struct out *o, const char *name)
{
	char text[17];

	snprintf(text, sizeof(text), "%.16s", name);
	out_str(o, text);
}

void row_netns(struct out *o, struct names *names, __u64 cookie, __u32 inode)
{
	out_str(o, inode ? names_space(names, cookie, inode) : "-");
}

void rows_show(const struct options *opt, struct json_object *top, struct rows *rows,
	       const struct rows_form *form)
{
	struct out *o = out_new(opt, form->cols, form->ncols);
	struct names *names = names_new(opt);

	if (rows->n)
		qsort(rows->row, rows->n, sizeof(rows->row[0]), form->compare);
	for (size_t i = 0; o && names && i < rows->n; i++) {
		const struct hist *h = &rows->row[i].hist;

		if (!h->count || !form->begin(o, rows->row[i].key, names))
			continue;
		out_u64(o, h->count);
		out_u64(o, h->sum);
		row_quantiles(o, h);
	}
	if (o)
		out_section(o, top, "rows", NULL);
	names_free(names);
}
