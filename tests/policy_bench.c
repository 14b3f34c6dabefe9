// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_bench - runs programs for tests/bench/policy.sh.
 *
 *   policy_bench run DEV ROUNDS REPEAT RULES PROG-ID...
 *     a line a round: ns a run of each program, in turn, on a UDP datagram that comes to
 *     DEV; skb->priority is RULES
 *   policy_bench live DEV COUNT ADDRESSES PROG-ID
 *     packets a second of CPU time (others use the machine, too): COUNT live frames of
 *     the XDP program into the stack of DEV, to so many addresses
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define PROGS 16

/* behind its headers, the MAC of the device and the number of addresses: see policy_gen */
static unsigned char packet[14 + 20 + 8 + 22] = {
	[6] = 2,     [11] = 1,	  [12] = 8,			     /* IPv4 */
	[14] = 0x45, [17] = 50,	  [20] = 0x40, [22] = 64, [23] = 17, /* UDP */
	[26] = 10,   [27] = 11,	  [28] = 1,    [29] = 2,	     /* source */
	[30] = 10,						     /* destination 10.0.0.0 */
	[34] = 4,    [36] = 0x1b, [37] = 0x58, [39] = 30,
};

static void die(const char *what)
{
	fprintf(stderr, "policy_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_prog(const char *id)
{
	int fd = bpf_prog_get_fd_by_id(atoi(id));

	if (fd < 0)
		die("program");
	return fd;
}

static int run(const char *dev, int rounds, int repeat, int rules, char **ids, int n)
{
	int fd[PROGS];

	for (int i = 0; i < n; i++)
		fd[i] = open_prog(ids[i]);
	while (rounds-- > 0) {
		for (int i = 0; i < n; i++) {
			struct __sk_buff in = { .priority = rules, .ifindex = if_nametoindex(dev) };
			LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
				    .data_size_in = sizeof(packet), .ctx_in = &in,
				    .ctx_size_in = sizeof(in), .repeat = repeat);

			if (bpf_prog_test_run_opts(fd[i], &opts))
				die("BPF_PROG_RUN");
			printf("%u%s", opts.duration, i < n - 1 ? " " : "\n");
		}
	}
	return 0;
}

static int live(const char *dev, int count, int addresses, const char *id)
{
	struct xdp_md in = { .data_end = sizeof(packet), .ingress_ifindex = if_nametoindex(dev) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .repeat = count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	struct timespec a, b;
	int fd = open_prog(id);

	packet[48] = addresses >> 8, packet[49] = addresses;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	if (bpf_prog_test_run_opts(fd, &opts))
		die("BPF_PROG_RUN");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	printf("%.0f\n", count / (b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9));
	return 0;
}

int main(int argc, char **argv)
{
	struct ifreq req = {};

	if (argc < 6) {
		fprintf(stderr, "usage: policy_bench run DEV ROUNDS REPEAT RULES PROG-ID... | "
				"live DEV COUNT ADDRESSES PROG-ID\n");
		return 2;
	}
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", argv[2]);
	if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCGIFHWADDR, &req))
		die(argv[2]);
	memcpy(packet, req.ifr_hwaddr.sa_data, 6);
	memcpy(packet + 42, req.ifr_hwaddr.sa_data, 6);
	if (!strcmp(argv[1], "run") && argc > 6 && argc <= 6 + PROGS)
		return run(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), argv + 6,
			   argc - 6);
	return live(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
}
