// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters.c - the growth of counters, for -i and --since of every verb: the only place where
 * one counter is subtracted from another.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "hookmap.h"

int generation_get(int map_fd, struct generation *g)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	memset(g, 0, sizeof(*g));
	if (f) {
		if (fscanf(f, "%36s", g->boot) != 1)
			g->boot[0] = 0;
		fclose(f);
	}
	if (bpf_obj_get_info_by_fd(map_fd, &info, &len))
		return -errno;
	g->map = info.id;
	return 0;
}

bool generation_same(const struct generation *a, const struct generation *b)
{
	return a->map == b->map && !strcmp(a->boot, b->boot);
}

__u64 counter_growth(bool same, __u64 now, __u64 old)
{
	return same && now >= old ? now - old : now;
}

void counters_growth(bool same, __u64 *now, const __u64 *old, size_t n)
{
	for (size_t i = 0; i < n; i++)
		now[i] = counter_growth(same, now[i], old[i]);
}

__u64 counter_rest(__u64 many, __u64 few)
{
	return many > few ? many - few : 0;
}

/* How far our time namespace has moved the kernel's CLOCK, ns. */
static __u64 clock_moved(clockid_t clock)
{
	static __u64 monotonic, boottime;
	static bool known;
	long long sec, nsec;
	char name[16];
	FILE *f;

	if (!known) {
		known = true;
		f = fopen("/proc/self/timens_offsets", "re");
		while (f && fscanf(f, "%15s %lld %lld", name, &sec, &nsec) == 3)
			*(*name == 'm' ? &monotonic : &boottime) = sec * 1000000000 + nsec;
		if (f)
			fclose(f);
	}
	return clock == CLOCK_MONOTONIC ? monotonic : clock == CLOCK_BOOTTIME ? boottime : 0;
}

__u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (__u64)t.tv_sec * 1000000000 + t.tv_nsec - clock_moved(clock);
}
