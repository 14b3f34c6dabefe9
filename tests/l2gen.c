// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2gen - runs a pinned XDP program on live frames, and says how long that took.
 *
 *   l2gen PROG COUNT SEEN   frames of 64 bytes; SEEN is the pinned per-CPU counter of
 *                           those that arrived
 * Prints "arrived nanoseconds". Exit status: 0, 1 error, 2 usage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

static unsigned long long seen(int fd)
{
	unsigned long long value[1024] = {}, sum = 0;
	__u32 zero = 0;
	int cpus = libbpf_num_possible_cpus();

	if (cpus > 1024 || bpf_map_lookup_elem(fd, &zero, value))
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += value[i];
	return sum;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	unsigned long long before, after;
	struct timespec a, b;
	char frame[64] = {};
	int prog, map;

	if (argc != 4) {
		fprintf(stderr, "usage: l2gen PROG COUNT SEEN\n");
		return 2;
	}
	prog = bpf_obj_get(argv[1]);
	map = bpf_obj_get(argv[3]);
	if (prog < 0 || map < 0) {
		fprintf(stderr, "l2gen: %s, %s: %s\n", argv[1], argv[3], strerror(errno));
		return 1;
	}
	opts.data_in = frame;
	opts.data_size_in = sizeof(frame);
	opts.repeat = atoi(argv[2]);
	opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	opts.batch_size = 64;
	before = seen(map);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (bpf_prog_test_run_opts(prog, &opts)) {
		fprintf(stderr, "l2gen: run: %s\n", strerror(errno));
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	after = seen(map);
	printf("%llu %lld\n", after - before,
	       (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec);
	return 0;
}
