// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2hammer - one CPU runs xdp/l2fwd on frames to one address while another replaces that
 * entry and one of another port in turn: each takes the memory that the other had before.
 *
 *   l2hammer PROG-ID FDB IFINDEX PORT-A PORT-B MILLISECONDS
 *
 * FDB is the pin of l2_fdb. Frames come in by IFINDEX, to 02:00:00:00:00:0a at PORT-A; what is
 * at PORT-B is 02:00:00:00:00:0b. Prints "runs changes". Exit status: 0, 1 error, 2 usage.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "abi.h"

static atomic_int over;
static int fdb;
static unsigned long changes;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void *change(void *arg)
{
	const int *port = arg;
	struct l2_key key[2] = { { 0, { 2, 0, 0, 0, 0, 0xa } }, { 0, { 2, 0, 0, 0, 0, 0xb } } };
	struct l2_fdb value[2] = { { .port = port[0] }, { .port = port[1] } };

	for (int i = 0; i < 2; i++) {
		value[i].vlan = key[i].vlan;
		memcpy(&value[i].mac, key[i].mac + 2, sizeof(value[i].mac));
	}
	for (int i = 0; !over; i ^= 1, changes++)
		bpf_map_update_elem(fdb, &key[i], &value[i], BPF_ANY);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned char frame[64] = { 2, 0, 0, 0, 0, 0xa, 2, 0, 0, 0, 0, 9, 0x88, 0xb5 };
	struct xdp_md ctx = { .data_end = sizeof(frame) };
	unsigned long runs = 0;
	pthread_t thread;
	int prog, port[2];
	double end;

	if (argc != 7) {
		fprintf(stderr, "usage: l2hammer PROG-ID FDB IFINDEX PORT-A PORT-B MILLISECONDS\n");
		return 2;
	}
	prog = bpf_prog_get_fd_by_id(atoi(argv[1]));
	fdb = bpf_obj_get(argv[2]);
	if (prog < 0 || fdb < 0) {
		fprintf(stderr, "l2hammer: %s, %s: %s\n", argv[1], argv[2], strerror(errno));
		return 1;
	}
	ctx.ingress_ifindex = atoi(argv[3]);
	port[0] = atoi(argv[4]);
	port[1] = atoi(argv[5]);
	if (pthread_create(&thread, NULL, change, port))
		return 1;
	for (end = now_ms() + atoi(argv[6]); now_ms() < end; runs += 10000) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
			    .data_size_in = sizeof(frame), .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx), .repeat = 10000);

		if (bpf_prog_test_run_opts(prog, &opts)) {
			fprintf(stderr, "l2hammer: run: %s\n", strerror(errno));
			return 1;
		}
	}
	over = 1;
	pthread_join(thread, NULL);
	printf("%lu %lu\n", runs, changes);
	return 0;
}
