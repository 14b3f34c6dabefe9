// SPDX-License-Identifier: GPL-2.0-only
/*
 * prom_run.c - hookmap --prom: the numbers of several verbs in one document, with map usage,
 * the time of the read, and this version.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "prom.h"
#include "verb.h"

PROM_FAMILY(map_entries, GAUGE, "map_entries", "map", 64, 0,
	    "Entries of a map that can run out of room.")
PROM_FAMILY(map_max, GAUGE, "map_max_entries", "map", 64, 0, "Entries that a map has room for.")
PROM_FAMILY(read_time, TIME, "read_timestamp_seconds", "", 1, 0, "When hookmap read the maps.")
PROM_FAMILY(build, GAUGE, "build_info", "version", 1, 0, "1; the version is a label.")

static int count_one(const void *key, const void *value, void *arg)
{
	(void)key, (void)value;
	++*(__u64 *)arg;
	return 0;
}

/* Maps that can fill up: an array has all elements from the start. */
static bool can_fill(const struct pin *pin)
{
	return pin->type == BPF_MAP_TYPE_HASH || pin->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       pin->type == BPF_MAP_TYPE_LPM_TRIE;
}

static int add_map(const struct options *opt, const struct pin *pin)
{
	struct bpf_map_info info;
	char path[4096];
	__u64 n = 0;
	int fd, err;

	fd = pin_open(opt, pin->name, false);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = pin_info(fd, pin_path(opt, pin->name, path, sizeof(path)), &info);
	if (!err) {
		err = pin_each(fd, pin, count_one, &n);
		if (err)
			pin_fail(path, err);
	}
	close(fd);
	if (err)
		return err;
	prom_add(&prom_map_entries, n, pin->name);
	prom_add(&prom_map_max, info.max_entries, pin->name);
	return 0;
}

static int add_host(const struct options *opt)
{
	int err = 0;

	for (size_t i = 0; !err && i < hookmap_pins_len; i++) {
		if (can_fill(&hookmap_pins[i]))
			err = add_map(opt, &hookmap_pins[i]);
	}
	if (!err)
		err = reach_prom(opt);
	prom_add(&prom_build, 1, HM_VERSION);
	return err;
}

static int show(void)
{
	int err = prom_write(stdout);

	if (err)
		fail("--prom: %s", strerror(-err));
	return !!err;
}

int prom_run(struct options *opt)
{
	struct timespec now;
	int err = 0;

	/* before the read, so that it is never newer than the data */
	clock_gettime(CLOCK_REALTIME, &now);
	prom_add(&prom_read_time, now.tv_sec * 1000000000ULL + now.tv_nsec);
	for (const struct verb *v = verbs; !err && v; v = v->next) {
		if (v->chosen && (!opt->every || pin_there(opt, v->pin)))
			err = v->run(opt);
	}
	if (!err && add_host(opt))
		err = 1;
	if (!err && opt->save)
		err = prom_save(opt->save) ? 1 : 0;
	else if (!err)
		err = show();
	return err;
}
