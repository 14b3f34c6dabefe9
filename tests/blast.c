// SPDX-License-Identifier: GPL-2.0-only
/*
 * blast - fills a device with copies of a frame, as fast as one CPU can: live frames of
 * BPF_PROG_RUN, which XDP redirects to it.
 *
 *   blast DEV COUNT HEX
 *
 * What is at the other end of a veth needs an XDP program or GRO there. The kernel uses
 * the pages of frames again, as those who got them left them: each is written anew.
 * Prints "COUNT NANOSECONDS": elapsed, because the softirqs in which the other end works
 * are not in a process's CPU time. Exit status: 0, 1 error, 2 usage.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

enum { MIN = 14, MAX = 1500 };

static struct bpf_insn code[MAX + 32];
static int ncode;

static void op(__u8 opcode, __u8 dst, __u8 src, __s16 off, __s32 imm)
{
	code[ncode++] = (struct bpf_insn){
		.code = opcode, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm
	};
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* An XDP program that writes FRAME and redirects it to IFINDEX. */
static int load(const unsigned char *frame, size_t len, int ifindex)
{
	size_t i = 0;
	int jump;

	op(BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct xdp_md, data), 0);
	op(BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(struct xdp_md, data_end), 0);
	op(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0);
	op(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, len);
	jump = ncode;
	op(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 0, 0);
	for (; i + 4 <= len; i += 4) {
		__s32 word;

		memcpy(&word, frame + i, 4);
		op(BPF_ST | BPF_MEM | BPF_W, 2, 0, i, word);
	}
	for (; i < len; i++)
		op(BPF_ST | BPF_MEM | BPF_B, 2, 0, i, frame[i]);
	op(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, ifindex);
	op(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
	op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect);
	op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	code[jump].off = ncode - jump - 1;
	op(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP);
	op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return bpf_prog_load(BPF_PROG_TYPE_XDP, "blast", "GPL", code, ncode, NULL);
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	unsigned char frame[MAX];
	long long start;
	size_t len = 0;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: blast DEV COUNT HEX\n");
		return 2;
	}
	for (const char *hex = argv[3]; *hex && len < MAX && sscanf(hex, "%2hhx", &frame[len]) == 1;
	     hex += hex[1] ? 2 : 1)
		len++;
	if (len < MIN || strlen(argv[3]) != 2 * len || !if_nametoindex(argv[1])) {
		fprintf(stderr, "blast: %s\n",
			if_nametoindex(argv[1]) ? "a frame has 14 to 1500 bytes"
						: "no such device");
		return 2;
	}
	fd = load(frame, len, if_nametoindex(argv[1]));
	opts.data_in = frame;
	opts.data_size_in = len;
	opts.repeat = strtoul(argv[2], NULL, 10);
	start = now();
	if (fd < 0 || bpf_prog_test_run_opts(fd, &opts)) {
		fprintf(stderr, "blast: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("%u %lld\n", opts.repeat, now() - start);
	return 0;
}
