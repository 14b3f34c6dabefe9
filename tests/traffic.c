// SPDX-License-Identifier: GPL-2.0-only
/*
 * traffic - sends or receives an exact number of packets, for the tests and the
 * demo. It stops by itself: after COUNT, or after --timeout seconds without any.
 *
 *   traffic udp-send ADDR PORT COUNT   traffic udp-recv ADDR PORT COUNT
 *   traffic tcp-client ADDR PORT COUNT traffic tcp-server ADDR PORT COUNT
 *     COUNT requests on one connection; the server answers each
 *   traffic frame DEV FILE COUNT: the bytes of FILE as a frame, COUNT times
 * Options: --size BYTES, --delay MS (the reader sleeps before each read), --cpu N,
 *   --rate N (packets a second), --timeout SEC, --no-check (UDP without checksum
 *   over IPv4), --stamps (udp-recv: prints the
 *   first three 8-byte words of each payload, as decimal numbers)
 *   --window N (udp-send, udp-recv: the sender waits for a word after N datagrams, so
 *   that no ring or buffer on the way overflows)
 *   --rcvbuf BYTES, --gso BYTES (udp-send: the kernel cuts each SIZE into datagrams
 *   of that many), --gro (udp-recv takes COUNT bytes, in datagrams that may be merged)
 *   --tx-stamps (udp-send: reads when each datagram left, from the error queue)
 *   --piece BYTES (TCP: reads at most so many at a time)
 *   --mptcp, --sctp, --fastopen (the first request is in the SYN)
 *   --reuseport, --busy-poll
 *   --zero-copy (TCP: sends with MSG_ZEROCOPY; the server maps what it can of what it reads)
 *   --splice (tcp-server moves what it reads into a pipe, without a copy)
 *   --uring, --uring-worker (io_uring receives: in the task, or in a worker of the kernel)
 * Exit status: 0 all of them, 1 not, 2 usage. udp-recv prints how many came, or, with
 * --gro, how often it has read.
 */
#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <netdb.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define URING_WORKER 2

static size_t size = 64;
static size_t piece = SIZE_MAX;
static long delay_ms, rate, window, timeout_s = 5;
static int stamps, no_check, rcvbuf = 8 << 20, gso, gro, protocol, fastopen, splices;
static int tx_stamps, reuseport, busy_poll, zero_copy, uring;
static char buffer[262144];

static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void sleep_ns(long ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* A socket of TYPE, bound to or connected with ADDR PORT. */
static int open_socket(const char *addr, const char *port, int type, int server)
{
	struct addrinfo hints = { .ai_socktype = type,
				  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct timeval wait = { timeout_s, 0 };
	struct addrinfo *ai;
	int fd, one = 1, stamp = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

	if (getaddrinfo(addr, port, &hints, &ai)) {
		fprintf(stderr, "traffic: bad address %s port %s\n", addr, port);
		exit(2);
	}
	fd = socket(ai->ai_family, type, protocol);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf));
	if (reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (busy_poll && setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &busy_poll, sizeof(busy_poll)))
		die("SO_BUSY_POLL");
	if (zero_copy && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		die("SO_ZEROCOPY");
	if (tx_stamps && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamp, sizeof(stamp)))
		die("SO_TIMESTAMPING");
	if (fastopen &&
	    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &fastopen, sizeof(fastopen)))
		die("TCP_FASTOPEN_CONNECT");
	if (gso && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &gso, sizeof(gso)))
		die("UDP_SEGMENT");
	if (gro && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &gro, sizeof(gro)))
		die("UDP_GRO");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (no_check)
		setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (server) {
		if (bind(fd, ai->ai_addr, ai->ai_addrlen))
			die("bind");
	} else {
		/* the server may be starting still */
		for (int i = 0; connect(fd, ai->ai_addr, ai->ai_addrlen); i++) {
			if (i == 100)
				die("connect");
			sleep_ns(50000000);
		}
	}
	freeaddrinfo(ai);
	return fd;
}

static void pace(struct timespec *next)
{
	if (!rate)
		return;
	next->tv_nsec += 1000000000 / rate;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static int udp_send(int fd, long count)
{
	enum { BATCH = 64 };
	struct iovec iov = { buffer, size };
	struct mmsghdr messages[BATCH];
	struct timespec next;
	long sent = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < count) {
		long n = rate ? 1 : count - sent < BATCH ? count - sent : BATCH;

		if (window && n > window - sent % window)
			n = window - sent % window;
		n = sendmmsg(fd, messages, n, 0);
		if (n < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
			die("sendmmsg");
		if (n > 0)
			sent += n;
		for (long i = 0; tx_stamps && i < n; i++) {
			struct pollfd errors = { .fd = fd };

			if (poll(&errors, 1, timeout_s * 1000) != 1 ||
			    recv(fd, buffer, sizeof(buffer), MSG_ERRQUEUE) < 0)
				die("no stamp");
		}
		if (window && sent % window == 0 && recv(fd, buffer, 1, 0) < 0)
			die("no word from the receiver");
		pace(&next);
	}
	return 0;
}

static struct uring {
	struct io_uring_params p;
	struct io_uring_sqe *sqe;
	char *sq, *cq;
	int fd;
} ring;

/* A ring of one entry. */
static void uring_setup(void)
{
	struct io_uring_params *p = &ring.p;
	const int rw = PROT_READ | PROT_WRITE;

	ring.fd = syscall(SYS_io_uring_setup, 1, p);
	if (ring.fd < 0)
		die("io_uring_setup");
	ring.sqe = mmap(NULL, sizeof(*ring.sqe), rw, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	ring.sq = mmap(NULL, p->sq_off.array + sizeof(__u32), rw, MAP_SHARED, ring.fd,
		       IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe), rw,
		       MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	if (ring.sqe == MAP_FAILED || ring.sq == MAP_FAILED || ring.cq == MAP_FAILED)
		die("io_uring mmap");
}

/* recv(2), by the ring. */
static ssize_t uring_recv(int fd, void *to, size_t len)
{
	struct __kernel_timespec limit = { .tv_sec = timeout_s };
	struct io_uring_getevents_arg wait = { .ts = (uintptr_t)&limit };
	unsigned int *cq_head = (void *)(ring.cq + ring.p.cq_off.head);
	unsigned int *cq_tail = (void *)(ring.cq + ring.p.cq_off.tail);
	unsigned int *sq_tail = (void *)(ring.sq + ring.p.sq_off.tail);
	struct io_uring_cqe *cqe = (void *)(ring.cq + ring.p.cq_off.cqes);
	unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	int n;

	*ring.sqe = (struct io_uring_sqe){ .opcode = IORING_OP_RECV,
					   .flags = uring == URING_WORKER ? IOSQE_ASYNC : 0,
					   .fd = fd,
					   .addr = (uintptr_t)to,
					   .len = len };
	/* the array's one entry is 0 and stays so */
	__atomic_add_fetch(sq_tail, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, flags, &wait, sizeof(wait)) != 1)
		die("io_uring_enter");
	if (*cq_head == __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE))
		return -1;
	n = cqe[*cq_head & (ring.p.cq_entries - 1)].res;
	__atomic_store_n(cq_head, *cq_head + 1, __ATOMIC_RELEASE);
	return n;
}

static int udp_recv(int fd, long count)
{
	long got = 0, reads = 0;

	while (got < count) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		uint64_t word[3];
		ssize_t n;

		if (delay_ms)
			sleep_ns(delay_ms * 1000000);
		n = uring ? uring_recv(fd, buffer, sizeof(buffer))
			  : recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		got += gro ? n : 1;
		reads++;
		if (window && got % window == 0 &&
		    sendto(fd, "", 1, 0, (struct sockaddr *)&from, len) < 0)
			die("sendto");
		if (stamps && n >= (ssize_t)sizeof(word)) {
			memcpy(word, buffer, sizeof(word));
			printf("%llu %llu %llu\n", (unsigned long long)word[0],
			       (unsigned long long)word[1], (unsigned long long)word[2]);
		}
	}
	if (!stamps)
		printf("%ld\n", reads);
	return got < count;
}

/* All of SIZE bytes, in or out. */
static int whole(int fd, int out)
{
	size_t at = 0;

	while (at < size) {
		size_t len = size - at < piece ? size - at : piece;
		ssize_t n = out	    ? send(fd, buffer + at, size - at,
					   MSG_NOSIGNAL | (zero_copy ? MSG_ZEROCOPY : 0))
			    : uring ? uring_recv(fd, buffer + at, len)
				    : recv(fd, buffer + at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
	}
	return 0;
}

/* All of SIZE bytes into a pipe, and what is in the pipe away. */
static int whole_splice(int fd)
{
	static int pipes[2];
	size_t at = 0;

	if (!pipes[0] && pipe(pipes))
		die("pipe");
	while (at < size) {
		ssize_t n = splice(fd, NULL, pipes[1], NULL, size - at, 0);

		if (n <= 0 || read(pipes[0], buffer, n) != n)
			return -1;
		at += n;
	}
	return 0;
}

/* All of SIZE bytes: mapped where they fill pages, the others copied. */
static int whole_mapped(int fd)
{
	static void *area;
	size_t at = 0;

	if (!area)
		area = mmap(NULL, sizeof(buffer), PROT_READ, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED)
		die("mmap");
	while (at < size) {
		struct tcp_zerocopy_receive z = { .address = (uintptr_t)area,
						  .length = sizeof(buffer) };
		struct pollfd in = { .fd = fd, .events = POLLIN };
		socklen_t len = sizeof(z);
		ssize_t n = 0;

		if (poll(&in, 1, timeout_s * 1000) != 1 ||
		    getsockopt(fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &z, &len))
			return -1;
		if (z.recv_skip_hint)
			n = recv(fd, buffer,
				 z.recv_skip_hint < size - at ? z.recv_skip_hint : size - at, 0);
		if (n < 0)
			return -1;
		at += n + z.length;
	}
	return 0;
}

static int tcp_client(int fd, long count)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < count; i++) {
		if (whole(fd, 1) || whole(fd, 0))
			die("request");
		pace(&next);
	}
	return 0;
}

static int tcp_server(int fd, long count)
{
	int c;

	if (listen(fd, 1))
		die("listen");
	c = accept(fd, NULL, NULL);
	if (c < 0)
		die("accept");
	for (long i = 0; i < count; i++) {
		if (delay_ms)
			sleep_ns(delay_ms * 1000000);
		if ((splices	 ? whole_splice(c)
		     : zero_copy ? whole_mapped(c)
				 : whole(c, 0)) ||
		    whole(c, 1))
			die("answer");
	}
	/* the client closes */
	if (recv(c, buffer, sizeof(buffer), 0) > 0)
		return 1;
	return 0;
}

static int frame(const char *device, const char *file, long count)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	FILE *f = fopen(file, "re");
	size_t len = f ? fread(buffer, 1, sizeof(buffer), f) : 0;

	if (fd < 0 || !to.sll_ifindex || !len)
		die("frame");
	fclose(f);
	for (long i = 0; i < count; i++) {
		if (sendto(fd, buffer, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			die("sendto");
	}
	return 0;
}

static const struct mode {
	const char *name;
	int type, server;
	int (*run)(int fd, long count);
} modes[] = {
	{ "udp-send", SOCK_DGRAM, 0, udp_send },
	{ "udp-recv", SOCK_DGRAM, 1, udp_recv },
	{ "tcp-client", SOCK_STREAM, 0, tcp_client },
	{ "tcp-server", SOCK_STREAM, 1, tcp_server },
};

static const struct option options[] = {
	{ "size", required_argument, NULL, 's' },
	{ "delay", required_argument, NULL, 'd' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "rate", required_argument, NULL, 'r' },
	{ "timeout", required_argument, NULL, 't' },
	{ "stamps", no_argument, NULL, 'm' },
	{ "no-check", no_argument, NULL, 'n' },
	{ "window", required_argument, NULL, 'w' },
	{ "rcvbuf", required_argument, NULL, 'b' },
	{ "gso", required_argument, NULL, 'g' },
	{ "piece", required_argument, NULL, 'p' },
	{ "gro", no_argument, &gro, 1 },
	{ "mptcp", no_argument, &protocol, IPPROTO_MPTCP },
	{ "sctp", no_argument, &protocol, IPPROTO_SCTP },
	{ "fastopen", no_argument, &fastopen, 1 },
	{ "tx-stamps", no_argument, &tx_stamps, 1 },
	{ "splice", no_argument, &splices, 1 },
	{ "reuseport", no_argument, &reuseport, 1 },
	{ "busy-poll", no_argument, &busy_poll, 50 },
	{ "zero-copy", no_argument, &zero_copy, 1 },
	{ "uring", no_argument, &uring, 1 },
	{ "uring-worker", no_argument, &uring, URING_WORKER },
	{},
};

int main(int argc, char **argv)
{
	cpu_set_t cpus;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 0:
			break;
		case 's':
			size = strtoul(optarg, NULL, 10);
			if (size > sizeof(buffer))
				return 2;
			break;
		case 'd':
			delay_ms = strtol(optarg, NULL, 10);
			break;
		case 'c':
			CPU_ZERO(&cpus);
			CPU_SET(atoi(optarg), &cpus);
			if (sched_setaffinity(0, sizeof(cpus), &cpus))
				die("cpu");
			break;
		case 'r':
			rate = strtol(optarg, NULL, 10);
			break;
		case 't':
			timeout_s = strtol(optarg, NULL, 10);
			break;
		case 'b':
			rcvbuf = atoi(optarg);
			break;
		case 'g':
			gso = atoi(optarg);
			break;
		case 'p':
			piece = strtoul(optarg, NULL, 10);
			break;
		case 'm':
			stamps = 1;
			break;
		case 'n':
			no_check = 1;
			break;
		case 'w':
			window = strtol(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (uring)
		uring_setup();
	if (argc - optind == 4 && !strcmp(argv[optind], "frame"))
		return frame(argv[optind + 1], argv[optind + 2],
			     strtol(argv[optind + 3], NULL, 10));
	for (size_t i = 0; argc - optind == 4 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		const struct mode *m = &modes[i];

		if (!strcmp(argv[optind], m->name))
			return m->run(
				open_socket(argv[optind + 1], argv[optind + 2], m->type, m->server),
				strtol(argv[optind + 3], NULL, 10));
	}
	fprintf(stderr, "usage: traffic MODE ADDR PORT COUNT [OPTION...] (see tests/traffic.c)\n");
	return 2;
}
