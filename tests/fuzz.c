// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz - runs a packet program on hostile frames (BPF_PROG_RUN), and looks at what it
 * returns and what it makes of them.
 *
 *   fuzz [OPTION...] PROGRAM CORPUS
 *     PROGRAM         a pin, or id:N: XDP, tc, iptables or cgroup_skb
 *     CORPUS          see fuzz_frames.h
 *     --seed N        of the frames (1)
 *     --count N       frames (10000)
 *     --only N        only frame N of the seed
 *     --allow N,N...  what the program may return (XDP: 1 to 4, tc: -1 to 8, else 0 and 1)
 *     --keep WHAT     of a frame that is let on:
 *                       frame   not a byte has changed
 *                       packet  only MAC addresses and tags
 *                       route   and TTL, by one, with the checksum of the header
 *                       sums    anything, but what was right is right still (default)
 *     --ifindex N     where the frames come in
 *     --queues N      by one of its N receive queues (1)
 *     --before PROG   another XDP program, which runs on each frame before
 *     --wire          PROGRAM is a device: the frames are sent there, and only counted
 * Prints "frames N", "bytes N", "changed N", "refused N" (no skb: the IP header is cut
 * off) and a line "verdict N COUNT" for each verdict. Exit status: 0 fine; 1 the program
 * did wrong (the frame is printed as hexadecimal text), or could not be run; 2 usage.
 */
#include "fuzz_frames.h"

#include <getopt.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

enum keep { KEEP_FRAME, KEEP_PACKET, KEEP_ROUTE, KEEP_SUMS };
static const char *const keep_name[] = { "frame", "packet", "route", "sums" };

/* verdicts from -1 on */
enum { VERDICTS = 64 };

static struct {
	const char *name;
	int fd, before;
	enum bpf_prog_type type;
	enum keep keep;
	__u64 allow; /* bit: verdict + 1 */
	__u32 ifindex, queues;
	int wire; /* packet socket, or -1 */
	__u64 frames, bytes, changed, refused, verdict[VERDICTS];
} run;

static int open_prog(const char *name)
{
	int fd = strncmp(name, "id:", 3) ? bpf_obj_get(name)
					 : bpf_prog_get_fd_by_id(strtoul(name + 3, NULL, 10));

	if (fd < 0)
		fprintf(stderr, "fuzz: %s: %s\n", name, strerror(errno));
	return fd;
}

static __u64 allow_list(const char *text)
{
	__u64 allow = 0;
	char *end;

	do {
		long v = strtol(text, &end, 10);

		if (end == text || v < -1 || v >= VERDICTS - 1)
			return 0;
		allow |= 1ULL << (v + 1);
		text = end + 1;
	} while (*end == ',');
	return *end ? 0 : allow;
}

static int wrong(const struct frame *f, __u64 number, __u64 seed, const char *what, const __u8 *out,
		 size_t len)
{
	fprintf(stderr, "fuzz: %s: frame %llu of seed %llu: %s\n", run.name, number, seed, what);
	for (size_t i = 0; i < f->len; i++)
		fprintf(stderr, "%02x", f->data[i]);
	fprintf(stderr, "\n");
	if (out) {
		fprintf(stderr, "became\n");
		for (size_t i = 0; i < len; i++)
			fprintf(stderr, "%02x", out[i]);
		fprintf(stderr, "\n");
	}
	return 1;
}

/* --- one run. Return: 0, or an error number */

/* The kernel takes and gives metadata, which there may be of another program, and frame in one
 * piece: it is moved away. */
static int run_xdp(int fd, const struct frame *f, struct bpf_test_run_opts *opts)
{
	struct xdp_md ctx = { .ingress_ifindex = run.ifindex, .rx_queue_index = below(run.queues) },
		      after = {};
	static __u8 in[32 + FRAME_MAX];
	__u8 *out = opts->data_out;

	ctx.data = percent(25) ? 4 * below(9) : 0;
	ctx.data_end = ctx.data + f->len;
	for (__u32 i = 0; i < ctx.data; i++)
		in[i] = rng();
	memcpy(in + ctx.data, f->data, f->len);
	opts->data_in = in;
	opts->data_size_in = ctx.data_end;
	opts->ctx_in = &ctx;
	opts->ctx_size_in = sizeof(ctx);
	opts->ctx_out = &after;
	opts->ctx_size_out = sizeof(after);
	if (bpf_prog_test_run_opts(fd, opts))
		return errno;
	opts->data_size_out -= after.data;
	memmove(out, out + after.data, opts->data_size_out);
	return 0;
}

static int run_skb(int fd, struct bpf_test_run_opts *opts)
{
	static const __u32 mark[] = { 0, 0, 0, 1, 7, 0xffffffff };
	struct __sk_buff ctx = { .ifindex = run.ifindex, .mark = mark[below(6)] };

	/* all else that the kernel lets us set */
	if (percent(50)) {
		ctx.ingress_ifindex = (__u32[]){ run.ifindex, 1, 0x7fffffff }[below(3)];
		ctx.priority = rng();
		ctx.tstamp = rng() >> 1;
		ctx.hwtstamp = rng() >> 1;
		for (int i = 0; i < 5; i++)
			ctx.cb[i] = rng();
	}

	opts->ctx_in = &ctx;
	opts->ctx_size_in = sizeof(ctx);
	return bpf_prog_test_run_opts(fd, opts) ? errno : 0;
}

static int run_on(int fd, int xdp, struct frame *f, __u8 *out, size_t *len, int *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .data_out = out, .data_size_out = FRAME_MAX + 512, .repeat = 1);
	int err = xdp ? run_xdp(fd, f, &opts) : run_skb(fd, &opts);

	*len = opts.data_size_out;
	*verdict = opts.retval;
	return err;
}

/* --- what it made of the frame. Return: NULL, or what is wrong */

/* Is TO an ICMP error about FROM? Both begin with the ethertype. It quotes all, or 512 bytes. */
static int answered(const __u8 *from, size_t n, const __u8 *to, size_t len)
{
	int v6 = from[0] == 0x86;
	size_t quote = (v6 ? 40 : 20) + 8, icmp = 2 + quote - 8, all = n - 2;

	if (len <= 2 + quote || memcmp(from, to, 2) || to[2 + (v6 ? 6 : 9)] != (v6 ? 58 : 1) ||
	    (to[icmp] != (v6 ? 2 : 3) && to[icmp] != (v6 ? 3 : 11)))
		return 0;
	n = len - 2 - quote;
	return n <= all && (n == all || n <= 512) && !memcmp(to + 2 + quote, from + 2, n);
}

/* From the last ethertype on; but for what a router changes. */
static const char *compare(const struct frame *f, const __u8 *out, size_t len)
{
	struct layout a = layout_of(f->data, f->len), b = layout_of(out, len);
	size_t n = f->len - a.type, ttl = a.family == 4 ? 10 : 9; /* from the ethertype on */
	__u8 x[FRAME_MAX], y[FRAME_MAX + 512];

	if (len - b.type != n)
		return "the packet has another length";
	memcpy(x, f->data + a.type, n);
	memcpy(y, out + b.type, n);
	if (run.keep == KEEP_ROUTE && a.ok & OK_HEAD && x[ttl] != y[ttl]) {
		if (x[ttl] != y[ttl] + 1 || !y[ttl])
			return "TTL is wrong";
		if (a.family == 4 && !(b.ok & OK_IPSUM))
			return "the checksum of the header is wrong";
		x[ttl] = y[ttl];
		if (a.family == 4)
			x[12] = y[12], x[13] = y[13];
	}
	return memcmp(x, y, n) ? "the packet has changed" : NULL;
}

static const char *judge(const struct frame *f, const __u8 *out, size_t len)
{
	struct layout a, b;

	if (f->len == len && !memcmp(f->data, out, len))
		return NULL;
	run.changed++;
	if (run.keep == KEEP_FRAME)
		return "the frame has changed";
	a = layout_of(f->data, f->len);
	b = layout_of(out, len);
	if (len < ETH_HLEN)
		return "shorter than an Ethernet header";
	if (a.ok & ~b.ok & OK_TAGS)
		return "a VLAN tag is cut off";
	if (a.ok & ~b.ok & (OK_HEAD | OK_LENGTH))
		return "IP's lengths were right, and are not now";
	if (a.ok & ~b.ok & OK_IPSUM)
		return "the checksum of the IPv4 header was right, and is not now";
	if (run.keep == KEEP_ROUTE &&
	    answered(f->data + a.type, f->len - a.type, out + b.type, len - b.type))
		return NULL;
	if (a.ok & ~b.ok & OK_L4SUM)
		return "the checksum of the L4 header was right, and is not now";
	return run.keep == KEEP_SUMS ? NULL : compare(f, out, len);
}

/* Sends the frame, if its device takes it: there is no more to see from here. */
static int send_one(const struct frame *f)
{
	if (send(run.wire, f->data, f->len, 0) == (ssize_t)f->len) {
		run.frames++;
		run.bytes += f->len;
		return 0;
	}
	if (errno != EMSGSIZE && errno != EINVAL) {
		fprintf(stderr, "fuzz: %s: %s\n", run.name, strerror(errno));
		return 1;
	}
	run.refused++;
	return 0;
}

static int wire_open(const char *device)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (!to.sll_ifindex || fd < 0 || bind(fd, (void *)&to, sizeof(to))) {
		fprintf(stderr, "fuzz: %s: %s\n", device, strerror(errno));
		return -1;
	}
	return fd;
}

static int one(__u64 seed, __u64 number)
{
	int xdp = run.type == BPF_PROG_TYPE_XDP, verdict, err;
	static __u8 out[FRAME_MAX + 512];
	static struct frame f;
	const char *what;
	char text[64];
	size_t len;

	make_frame(&f, seed, number);
	if (run.wire >= 0)
		return send_one(&f);
	if (run.before >= 0) {
		err = run_on(run.before, 1, &f, out, &len, &verdict);
		if (err)
			return wrong(&f, number, seed, strerror(err), NULL, 0);
	}
	err = run_on(run.fd, xdp, &f, out, &len, &verdict);
	if (err == EINVAL && !xdp && f.len < ETH_HLEN + 40) {
		run.refused++;
		return 0;
	}
	if (err)
		return wrong(&f, number, seed, strerror(err), NULL, 0);
	run.frames++;
	run.bytes += f.len;
	if (verdict < -1 || verdict >= VERDICTS - 1 || !(run.allow >> (verdict + 1) & 1)) {
		snprintf(text, sizeof(text), "returned %d", verdict);
		return wrong(&f, number, seed, text, NULL, 0);
	}
	run.verdict[verdict + 1]++;
	if (run.type != BPF_PROG_TYPE_XDP && run.type != BPF_PROG_TYPE_SCHED_CLS) {
		/* these begin at the IP header, and can write nothing */
		if (len != f.len || memcmp(out + ETH_HLEN, f.data + ETH_HLEN, len - ETH_HLEN))
			return wrong(&f, number, seed, "the packet has changed", out, len);
		return 0;
	}
	if (verdict == (xdp ? 1 : 2)) /* dropped */
		return 0;
	what = judge(&f, out, len);
	return what ? wrong(&f, number, seed, what, out, len) : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: fuzz [--seed N] [--count N] [--only N] [--allow N,N...] "
			"[--keep frame|packet|route|sums] [--ifindex N] [--queues N] "
			"[--before PROGRAM] [--wire] PROGRAM CORPUS\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' },   { "count", 1, NULL, 'c' },
		{ "only", 1, NULL, 'o' },   { "allow", 1, NULL, 'a' },
		{ "keep", 1, NULL, 'k' },   { "ifindex", 1, NULL, 'i' },
		{ "before", 1, NULL, 'b' }, { "queues", 1, NULL, 'q' },
		{ "wire", 0, NULL, 'w' },   {}
	};
	__u64 seed = 1, count = 10000, from = 0;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	cpu_set_t cpus;
	int c, wire = 0;

	run.before = run.wire = -1;
	run.queues = 1;
	run.keep = KEEP_SUMS;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			count = strtoull(optarg, NULL, 10);
			break;
		case 'o':
			from = strtoull(optarg, NULL, 10);
			count = from + 1;
			break;
		case 'a':
			run.allow = allow_list(optarg);
			if (!run.allow)
				return usage();
			break;
		case 'k':
			for (run.keep = 0; run.keep <= KEEP_SUMS; run.keep++) {
				if (!strcmp(optarg, keep_name[run.keep]))
					break;
			}
			if (run.keep > KEEP_SUMS)
				return usage();
			break;
		case 'i':
			run.ifindex = strtoul(optarg, NULL, 10);
			break;
		case 'q':
			run.queues = strtoul(optarg, NULL, 10) ?: 1;
			break;
		case 'w':
			wire = 1;
			break;
		case 'b':
			run.before = open_prog(optarg);
			if (run.before < 0)
				return 1;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != 2)
		return usage();
	run.name = argv[optind];
	run.fd = wire ? run.wire = wire_open(run.name) : open_prog(run.name);
	if (run.fd < 0 || corpus_read(argv[optind + 1]))
		return 1;
	if (!wire && bpf_obj_get_info_by_fd(run.fd, &info, &size)) {
		fprintf(stderr, "fuzz: %s is no program\n", run.name);
		return 1;
	}
	run.type = info.type;
	if (!run.allow)
		run.allow = run.type == BPF_PROG_TYPE_XDP	  ? 0x3c
			    : run.type == BPF_PROG_TYPE_SCHED_CLS ? 0x3ff
								  : 0x6;
	/* programs keep things by CPU from one run to the next */
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (__u64 i = from; i < count; i++) {
		if (one(seed, i))
			return 1;
	}
	printf("frames %llu\nbytes %llu\nchanged %llu\nrefused %llu\n", run.frames, run.bytes,
	       run.changed, run.refused);
	for (int v = 0; v < VERDICTS; v++) {
		if (run.verdict[v])
			printf("verdict %d %llu\n", v - 1, run.verdict[v]);
	}
	return 0;
}
