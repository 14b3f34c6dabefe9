// SPDX-License-Identifier: GPL-2.0-only
/*
 * healthy - ordinary traffic in which nothing is lost, and its nearest neighbours in which
 * something is, for tests/drops/healthy.bats.
 *
 *   healthy KIND CLIENT HOST PORT N    CLIENT, HOST: names in /run/netns
 * One process has sockets in both namespaces, so that every step waits for the one before.
 * The host is 10.11.1.1, the client 10.11.1.2. Exit status: 0 done, 1 not, 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/userfaultfd.h>
#include <linux/virtio_net.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MANY	    512
#define HOST	    "10.11.1.1"
#define PROTO_MPTCP 262

static const char *client_ns, *host_ns;
static int port, n;
static int cli[MANY], srv[MANY];

static void die(const char *what)
{
	fprintf(stderr, "healthy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(int ok, const char *what)
{
	if (!ok)
		die(what);
}

static void enter(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY);
	check(fd >= 0 && !setns(fd, CLONE_NEWNET), path);
	close(fd);
}

static int sock(const char *ns, int family, int type, int proto)
{
	int fd, one = 1;

	enter(ns);
	fd = socket(family, type, proto);
	check(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	return fd;
}

static struct sockaddr_in at(const char *addr, int p)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(p) };

	inet_pton(AF_INET, addr, &sin.sin_addr);
	return sin;
}

static int bound(const char *ns, int type, int proto, const char *addr, int p)
{
	struct sockaddr_in sin = at(addr, p);
	int fd = sock(ns, AF_INET, type, proto);

	check(!bind(fd, (void *)&sin, sizeof(sin)), "bind");
	return fd;
}

static void join(int fd, const char *addr, int p)
{
	struct sockaddr_in sin = at(addr, p);

	check(!connect(fd, (void *)&sin, sizeof(sin)), "connect");
}

/* N connections, cli[] to srv[] */
static void open_tcp(int proto, int from)
{
	int l = bound(host_ns, SOCK_STREAM, proto, HOST, port);

	check(!listen(l, MANY), "listen");
	for (int i = 0; i < n; i++) {
		cli[i] = from ? bound(client_ns, SOCK_STREAM, proto, "10.11.1.2", from + i)
			      : sock(client_ns, AF_INET, SOCK_STREAM, proto);
		join(cli[i], HOST, port);
		srv[i] = accept(l, NULL, NULL);
		check(srv[i] >= 0, "accept");
	}
	close(l);
}

static void put(int fd, size_t size)
{
	char buf[65536] = "";
	ssize_t got;

	for (; size; size -= got) {
		got = send(fd, buf, size < sizeof(buf) ? size : sizeof(buf), MSG_NOSIGNAL);
		check(got > 0, "send");
	}
}

/* all of SIZE, or what there is until the end */
static size_t get(int fd, size_t size)
{
	char buf[65536];
	size_t sum = 0;
	ssize_t got;

	while (sum < size) {
		got = recv(fd, buf, sizeof(buf) < size - sum ? sizeof(buf) : size - sum, 0);
		if (got <= 0)
			break;
		sum += got;
	}
	return sum;
}

static struct tcp_info info(int fd)
{
	struct tcp_info ti = {};
	socklen_t len = sizeof(ti);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	return ti;
}

/* Waits until CONDITION, 10 s at most. */
#define until(CONDITION)                                                                           \
	do {                                                                                       \
		int left_ = 5000;                                                                  \
		while (!(CONDITION) && left_--)                                                    \
			usleep(2000);                                                              \
		errno = ETIMEDOUT;                                                                 \
		check(left_ > 0, #CONDITION);                                                      \
	} while (0)

static void close_all(int *fd)
{
	for (int i = 0; i < n; i++)
		close(fd[i]);
}

/* the same, after the end that the other side has sent */
static void end_all(int *fd)
{
	for (int i = 0; i < n; i++)
		check(get(fd[i], 1) == 0, "end");
	close_all(fd);
}

static void requests(int count)
{
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < count; j++) {
			put(cli[i], 100);
			check(get(srv[i], 100) == 100, "request");
			put(srv[i], 3000);
			check(get(cli[i], 3000) == 3000, "answer");
		}
	}
}

/* --- TCP */

#define STATE_CLOSE_WAIT 8
#define STATE_CLOSE	 7

static void server_first(int proto)
{
	open_tcp(proto, 0);
	requests(1);
	close_all(srv);
	for (int i = 0; i < n; i++) {
		check(get(cli[i], 1) == 0, "end");
		if (!proto)
			until(info(cli[i]).tcpi_state == STATE_CLOSE_WAIT);
	}
	close_all(cli);
}

static void tcp_server_first(void)
{
	server_first(0);
}
static void mptcp(void)
{
	server_first(PROTO_MPTCP);
}

static void tcp_client_first(void)
{
	open_tcp(0, 0);
	requests(3);
	close_all(cli);
	end_all(srv);
}

static void tcp_half_close(void)
{
	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		put(cli[i], 100);
		shutdown(cli[i], SHUT_WR);
		check(get(srv[i], 1000) == 100, "request");
		put(srv[i], 50000);
		check(get(cli[i], 50000) == 50000, "answer");
	}
	close_all(srv);
	end_all(cli);
}

static void tcp_reset(void)
{
	struct linger now = { 1, 0 };

	open_tcp(0, 0);
	requests(1);
	for (int i = 0; i < n; i++)
		setsockopt(cli[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close_all(cli);
	for (int i = 0; i < n; i++)
		check(recv(srv[i], &now, 1, 0) < 0 && errno == ECONNRESET, "reset");
	close_all(srv);
}

/* closed with something unread: a reset, too */
static void tcp_unread(void)
{
	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		put(cli[i], 100);
		struct pollfd p = { srv[i], POLLIN, 0 };

		check(poll(&p, 1, 5000) == 1, "data");
	}
	close_all(srv);
	for (int i = 0; i < n; i++)
		until(info(cli[i]).tcpi_state == STATE_CLOSE);
	close_all(cli);
}

/* SYNs that find TIME-WAIT */
static void tcp_time_wait(void)
{
	for (int round = 0; round < 2; round++) {
		open_tcp(0, port + 1);
		requests(1);
		close_all(srv);
		for (int i = 0; i < n; i++)
			check(get(cli[i], 1) == 0, "end");
		close_all(cli);
		/* the last acknowledgement makes TIME-WAIT of FIN-WAIT-2 */
		usleep(20000);
	}
}

static void tcp_keepalive(void)
{
	int one = 1;

	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		setsockopt(cli[i], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		setsockopt(cli[i], IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one));
		setsockopt(cli[i], IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one));
	}
	until(info(cli[n - 1]).tcpi_last_ack_recv > 900);
	for (int i = 0; i < n; i++)
		until(info(cli[i]).tcpi_last_ack_recv < 900);
	requests(1);
	tcp_client_first();
}

static void tcp_zero_window(void)
{
	size_t sent[MANY] = {};
	char buf[65536] = "";

	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		ssize_t got;

		do {
			until((got = send(cli[i], buf, sizeof(buf), MSG_DONTWAIT)) > 0 ||
			      info(cli[i]).tcpi_probes || info(cli[i]).tcpi_backoff);
			sent[i] += got > 0 ? got : 0;
		} while (got > 0);
		shutdown(cli[i], SHUT_WR);
		check(get(srv[i], sent[i] + 1) == sent[i], "all that was sent");
	}
	close_all(srv);
	close_all(cli);
}

/* The server is not told of a connection before there is data: its first acknowledgement is not
 * needed. */
static void tcp_deferred(void)
{
	int seconds = 5, l = bound(host_ns, SOCK_STREAM, 0, HOST, port);

	check(!setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) &&
		      !listen(l, MANY),
	      "TCP_DEFER_ACCEPT");
	for (int i = 0; i < n; i++) {
		cli[i] = sock(client_ns, AF_INET, SOCK_STREAM, 0);
		join(cli[i], HOST, port);
		usleep(5000);
		put(cli[i], 100);
		srv[i] = accept(l, NULL, NULL);
		check(srv[i] >= 0 && get(srv[i], 100) == 100, "accept");
	}
	close(l);
	close_all(srv);
	end_all(cli);
}

/* data in the SYN, from the second connection on */
static void tcp_fast_open(void)
{
	int queue = MANY, l = bound(host_ns, SOCK_STREAM, 0, HOST, port);
	struct sockaddr_in to = at(HOST, port);

	check(!setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)) && !listen(l, MANY),
	      "TCP_FASTOPEN");
	for (int i = 0; i < n; i++) {
		cli[i] = sock(client_ns, AF_INET, SOCK_STREAM, 0);
		check(sendto(cli[i], "hello", 5, MSG_FASTOPEN, (void *)&to, sizeof(to)) == 5,
		      "send");
		srv[i] = accept(l, NULL, NULL);
		check(srv[i] >= 0 && get(srv[i], 5) == 5, "accept");
	}
	check(info(cli[n - 1]).tcpi_options & TCPI_OPT_SYN_DATA, "data in a SYN");
	close(l);
	close_all(cli);
	end_all(srv);
}

static void tcp_urgent(void)
{
	char byte;

	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		put(cli[i], 100);
		check(send(cli[i], "!", 1, MSG_OOB) == 1, "urgent");
		put(cli[i], 100);
		until(recv(srv[i], &byte, 1, MSG_OOB) == 1);
		check(get(srv[i], 100) == 100 && get(srv[i], 100) == 100, "data");
	}
	close_all(cli);
	end_all(srv);
}

/* a loss: data for a socket that was closed */
static void tcp_late_data(void)
{
	int linger = 100;

	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		/* longer than TIME-WAIT: the socket itself waits for the other FIN */
		check(!setsockopt(srv[i], IPPROTO_TCP, TCP_LINGER2, &linger, sizeof(linger)),
		      "TCP_LINGER2");
		close(srv[i]);
		until(info(cli[i]).tcpi_state == STATE_CLOSE_WAIT);
		put(cli[i], 100);
		until(info(cli[i]).tcpi_state == STATE_CLOSE);
	}
	close_all(cli);
}

/* the sum of the Internet checksum, folded */
static uint16_t fold(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? byte[i] : byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t tcp_seq(int fd, int queue)
{
	uint32_t seq = 0;
	socklen_t len = sizeof(seq);

	check(!setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) &&
		      !getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &len),
	      "sequence number");
	return seq;
}

/* what is written and read next at the end FD of a connection */
static void tcp_next(int fd, uint32_t *send, uint32_t *recv)
{
	int on = 1, off = -1;

	check(!setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), "TCP_REPAIR");
	*send = tcp_seq(fd, TCP_SEND_QUEUE);
	*recv = tcp_seq(fd, TCP_RECV_QUEUE);
	check(!setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)), "TCP_REPAIR");
}

struct segment {
	uint32_t seq, ack;
	int syn, fin, rst;
	size_t size;	/* of data */
	uint32_t stamp; /* 0: without */
	uint32_t old;	/* bytes that were acknowledged before, and that its ack leaves out */
};

static void segment_put(const char *ns, struct sockaddr_in from, struct sockaddr_in to,
			struct segment s)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
		uint8_t rest[16];
	} __attribute__((packed)) f = { .ip = { .version = 4, .ihl = 5, .ttl = 64 } };
	int raw = sock(ns, AF_INET, SOCK_RAW, IPPROTO_RAW);
	size_t options = s.stamp ? 12 : 0, tcp_len = sizeof(f.tcp) + options + s.size;

	f.tcp.seq = htonl(s.seq);
	f.tcp.ack_seq = htonl(s.ack);
	f.ip.protocol = IPPROTO_TCP;
	f.ip.saddr = from.sin_addr.s_addr;
	f.ip.daddr = to.sin_addr.s_addr;
	f.tcp.source = from.sin_port;
	f.tcp.dest = to.sin_port;
	f.tcp.doff = 5 + options / 4;
	f.tcp.ack = !s.syn;
	f.tcp.syn = s.syn;
	f.tcp.fin = s.fin;
	f.tcp.rst = s.rst;
	f.tcp.window = htons(1000);
	if (s.stamp) {
		s.stamp = htonl(s.stamp);
		memcpy(f.rest, "\1\1\10\12", 4); /* two NOPs, the option and its length */
		memcpy(f.rest + 4, &s.stamp, sizeof(s.stamp));
	}
	f.tcp.check = htons(~fold(fold(IPPROTO_TCP + tcp_len, &f.ip.saddr, 8), &f.tcp, tcp_len));
	tcp_len += sizeof(f.ip);
	to.sin_port = 0;
	check(sendto(raw, &f, tcp_len, 0, (void *)&to, sizeof(to)) == (ssize_t)tcp_len, "segment");
	close(raw);
}

/* a segment so far ahead, from the end FD of a connection */
static void segment_at(int fd, uint32_t distance, struct segment s)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	check(!getsockname(fd, (void *)&from, &len), "getsockname");
	tcp_next(fd, &s.seq, &s.ack);
	s.seq += distance;
	s.ack -= s.old;
	segment_put(client_ns, from, at(HOST, port), s);
}

static void segment(int fd, uint32_t distance, int fin, size_t size)
{
	segment_at(fd, distance, (struct segment){ .fin = fin, .size = size });
}

/* losses: data and an end that no window has room for */
static void tcp_beyond(void)
{
	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		segment(cli[i], 0x10000000, 0, 4);
		segment(cli[i], 0x10000000, 1, 0);
	}
	requests(1);
	close_all(cli);
	end_all(srv);
}

/* data, a probe, an acknowledgement (in FIN-WAIT-2) and an end (in TIME-WAIT) that were here
 * already */
static void tcp_again(void)
{
	open_tcp(0, 0);
	requests(1);
	for (int i = 0; i < n; i++) {
		segment(cli[i], -4, 0, 4);
		segment(cli[i], -1, 0, 0);
		check(!shutdown(srv[i], SHUT_WR) && get(cli[i], 1) == 0, "end");
		segment_at(cli[i], 0, (struct segment){ .old = 2 });
		check(!shutdown(cli[i], SHUT_WR) && get(srv[i], 1) == 0, "end");
		until(info(cli[i]).tcpi_state == STATE_CLOSE);
		segment(cli[i], -1, 1, 0);
	}
	close_all(srv);
	close_all(cli);
}

/* a stamp that is too old: SIZE bytes that are here already (from DISTANCE), or that are not */
static void old_stamp(uint32_t distance, size_t size)
{
	open_tcp(0, 0);
	requests(1);
	for (int i = 0; i < n; i++) {
		struct segment s = { .size = size };
		socklen_t len = sizeof(s.stamp);

		check(!getsockopt(cli[i], IPPROTO_TCP, TCP_TIMESTAMP, &s.stamp, &len), "stamp");
		s.stamp -= 1000000;
		segment_at(cli[i], distance, s);
	}
	requests(1);
	close_all(cli);
	end_all(srv);
}
static void tcp_paws(void)
{
	old_stamp(-4, 4);
}
static void tcp_paws_ack(void)
{
	old_stamp(0, 0);
}
static void tcp_paws_data(void)
{
	old_stamp(0, 4);
}

/* an acknowledgement from before the connection, which was opened by data in a SYN, and whose own
 * is still to come. (The other end's address is nobody's.) */
static void tcp_too_old_ack(void)
{
	int queue = MANY, l = bound(host_ns, SOCK_STREAM, 0, HOST, port);

	check(!setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)) && !listen(l, MANY),
	      "TCP_FASTOPEN");
	for (int i = 0; i < n; i++) {
		struct sockaddr_in from = at("10.11.1.99", port + 1 + i);
		struct segment s = { .syn = 1, .seq = 1000, .size = 4 };

		segment_put(client_ns, from, at(HOST, port), s);
		srv[i] = accept(l, NULL, NULL);
		check(srv[i] >= 0 && get(srv[i], 4) == 4, "accept");
		s = (struct segment){ .old = 2 };
		tcp_next(srv[i], &s.ack, &s.seq);
		s.ack -= s.old;
		segment_put(client_ns, from, at(HOST, port), s);
	}
}

/* a loss: the other end is still to answer with its SYN. (Its address is nobody's.) */
static void tcp_syn_sent(void)
{
	struct sockaddr_in to = at("10.11.1.99", port), from;
	socklen_t len = sizeof(from);

	for (int i = 0; i < n; i++) {
		struct segment s = { .size = 4 };

		cli[i] = sock(client_ns, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		check(connect(cli[i], (void *)&to, sizeof(to)) && errno == EINPROGRESS, "connect");
		check(!getsockname(cli[i], (void *)&from, &len), "getsockname");
		tcp_next(cli[i], &s.ack, &s.seq);
		s.seq = 0xf0000000; /* as if before 0, what the socket thinks is next */
		segment_put(host_ns, to, from, s);
	}
}

/* Reads where a page is missing, and holds the socket's lock until there is one. */
static void *read_slowly(void *arg)
{
	int *fd = arg;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { { (uintptr_t)page, 4096 }, UFFDIO_REGISTER_MODE_MISSING, 0 };

	check(page != MAP_FAILED && !ioctl(fd[1], UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER");
	check(read(fd[0], page, 100) == 100, "request");
	munmap(page, 4096);
	return NULL;
}

/* segments that had to wait, behind a reset, while the process had the socket */
static void closed(size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fault = syscall(SYS_userfaultfd, O_CLOEXEC);

	check(fault >= 0 && !ioctl(fault, UFFDIO_API, &api), "userfaultfd");
	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		struct uffdio_zeropage zero = {};
		int fd[] = { srv[i], fault };
		struct uffd_msg msg;
		pthread_t reader;

		put(cli[i], 100);
		check(!pthread_create(&reader, NULL, read_slowly, fd), "thread");
		check(read(fault, &msg, sizeof(msg)) == sizeof(msg), "fault");
		segment_at(cli[i], 0, (struct segment){ .rst = 1 });
		segment(cli[i], 0, 0, size);
		zero.range.start = msg.arg.pagefault.address & ~4095ULL;
		zero.range.len = 4096;
		check(!ioctl(fault, UFFDIO_ZEROPAGE, &zero), "UFFDIO_ZEROPAGE");
		check(!pthread_join(reader, NULL), "thread");
	}
	close_all(srv);
	close_all(cli);
	close(fault);
}
static void tcp_closed(void)
{
	closed(0);
}
static void tcp_closed_data(void)
{
	closed(4);
}

/* closed with something behind a gap, which the process could not have read yet */
static void tcp_out_of_order(void)
{
	open_tcp(0, 0);
	for (int i = 0; i < n; i++) {
		segment(cli[i], 1000, 0, 4);
		until(info(srv[i]).tcpi_rcv_ooopack == 1);
	}
	close_all(srv);
	end_all(cli);
}

/* --- datagrams */

static void udp_to(const char *addr, int p)
{
	struct sockaddr_in sin = at(addr, p);
	int fd = sock(client_ns, AF_INET, SOCK_DGRAM, 0);
	struct ip_mreqn out = { .imr_ifindex = if_nametoindex("eth0") };

	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out));
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5);
	for (int i = 0; i < n; i++)
		check(sendto(fd, "x", 1, 0, (void *)&sin, sizeof(sin)) == 1, addr);
	close(fd);
}

static void mdns(void)
{
	udp_to("224.0.0.251", 5353);
}
static void ssdp(void)
{
	udp_to("239.255.255.250", 1900);
}
static void broadcast(void)
{
	udp_to("10.11.1.255", port);
}
static void dhcp_discover(void)
{
	udp_to("255.255.255.255", 67);
}

static void mdns6(void)
{
	struct sockaddr_in6 sin = { .sin6_family = AF_INET6, .sin6_port = htons(5353) };
	int fd = sock(client_ns, AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, "ff02::fb", &sin.sin6_addr);
	sin.sin6_scope_id = if_nametoindex("eth0");
	for (int i = 0; i < n; i++)
		check(sendto(fd, "x", 1, 0, (void *)&sin, sizeof(sin)) == 1, "ff02::fb");
	close(fd);
}

static int group_socket(const char *group)
{
	int fd = bound(host_ns, SOCK_DGRAM, 0, "0.0.0.0", port);
	struct ip_mreqn in = { .imr_ifindex = if_nametoindex("eth0") };

	inet_pton(AF_INET, group, &in.imr_multiaddr);
	check(!setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &in, sizeof(in)), "join");
	return fd;
}

/* a loss: the group was joined, and the buffer is full */
static void group_full(void)
{
	int fd = group_socket("239.1.2.3"), size = 1;
	unsigned int info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	udp_to("239.1.2.3", port);
	/* on a busy machine they come later */
	until(!getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) &&
	      info[SK_MEMINFO_DROPS] >= (unsigned int)n * 4 / 5);
	close(fd);
}

/* joined, but nobody has the port */
static void group_port(void)
{
	int fd = group_socket("239.1.2.3");

	udp_to("239.1.2.3", port + 1);
	usleep(100000); /* still a member when they come; no socket counts them */
	close(fd);
}

/* joined, but not for this source: for another one; for all but this */
static void group_source(void)
{
	int fd = bound(host_ns, SOCK_DGRAM, 0, "0.0.0.0", port);
	struct ip_mreq_source other = { .imr_interface = at(HOST, 0).sin_addr,
					.imr_multiaddr = at("232.1.1.1", 0).sin_addr,
					.imr_sourceaddr = at("10.11.1.77", 0).sin_addr };
	struct ip_mreq_source but = { .imr_interface = at(HOST, 0).sin_addr,
				      .imr_multiaddr = at("239.5.5.5", 0).sin_addr,
				      .imr_sourceaddr = at("10.11.1.2", 0).sin_addr };
	struct ip_mreq all = { but.imr_multiaddr, but.imr_interface };

	check(!setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &other, sizeof(other)) &&
		      !setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &all, sizeof(all)) &&
		      !setsockopt(fd, IPPROTO_IP, IP_BLOCK_SOURCE, &but, sizeof(but)),
	      "join");
	udp_to("232.1.1.1", port);
	udp_to("239.5.5.5", port);
	close(fd);
}

static void group6_source(void)
{
	struct group_source_req req = { .gsr_group.ss_family = AF_INET6,
					.gsr_source.ss_family = AF_INET6 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = sock(host_ns, AF_INET6, SOCK_DGRAM, 0);

	check(!bind(fd, (void *)&to, sizeof(to)), "bind");
	req.gsr_interface = if_nametoindex("eth0");
	inet_pton(AF_INET6, "ff32::1", &to.sin6_addr);
	((struct sockaddr_in6 *)&req.gsr_group)->sin6_addr = to.sin6_addr;
	inet_pton(AF_INET6, "fd11:1::77", &((struct sockaddr_in6 *)&req.gsr_source)->sin6_addr);
	check(!setsockopt(fd, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, &req, sizeof(req)), "join");
	cli[0] = sock(client_ns, AF_INET6, SOCK_DGRAM, 0);
	to.sin6_scope_id = if_nametoindex("eth0");
	for (int i = 0; i < n; i++)
		check(sendto(cli[0], "x", 1, 0, (void *)&to, sizeof(to)) == 1, "ff32::1");
	close(cli[0]);
	close(fd);
}

/* refuses all that comes to FD */
static void refuse(int fd)
{
	struct sock_filter none = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog prog = { 1, &none };

	check(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), "filter");
}

/* a raw socket refuses its copies; the datagrams are read */
static void raw_filter(void)
{
	int raw = sock(host_ns, AF_INET, SOCK_RAW, IPPROTO_UDP),
	    s = bound(host_ns, SOCK_DGRAM, 0, HOST, port),
	    c = sock(client_ns, AF_INET, SOCK_DGRAM, 0);

	refuse(raw);
	join(c, HOST, port);
	for (int i = 0; i < n; i++) {
		put(c, 100);
		check(get(s, 100) == 100, "datagram");
	}
}

/* a loss: there is no other socket but a sniffer's, which makes them copies too */
static void udp_filter(void)
{
	int all = sock(host_ns, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)),
	    s = bound(host_ns, SOCK_DGRAM, 0, HOST, port),
	    c = sock(client_ns, AF_INET, SOCK_DGRAM, 0);
	unsigned int info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	refuse(s);
	join(c, HOST, port);
	for (int i = 0; i < n; i++)
		put(c, 100);
	until(!getsockopt(s, SOL_SOCKET, SO_MEMINFO, info, &len) &&
	      info[SK_MEMINFO_DROPS] == (unsigned int)n);
	close(s);
	close(all);
}

static void udp_large(void)
{
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, port),
	    c = sock(client_ns, AF_INET, SOCK_DGRAM, 0);

	join(c, HOST, port);
	for (int i = 0; i < n; i++) {
		put(c, 32768);
		check(get(s, 32768) == 32768, "32 KB");
	}
	close(c);
	close(s);
}

/* time stamps of what was sent, which nobody has asked for when the socket is closed */
static void udp_stamps(void)
{
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, port),
	    c = sock(client_ns, AF_INET, SOCK_DGRAM, 0),
	    on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

	join(c, HOST, port);
	check(!setsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)), "SO_TIMESTAMPING");
	for (int i = 0; i < n; i++) {
		put(c, 100);
		check(get(s, 100) == 100, "datagram");
	}
	close(c);
	close(s);
}

/* an error queue that is full, of a socket that lives: stamps are lost, and no packets */
static void udp_stamps_full(void)
{
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, port),
	    c = sock(client_ns, AF_INET, SOCK_DGRAM, 0), size = 1,
	    on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

	setsockopt(c, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	join(c, HOST, port);
	check(!setsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)), "SO_TIMESTAMPING");
	for (int i = 0; i < n; i++) {
		put(c, 100);
		check(get(s, 100) == 100, "datagram");
	}
}

static void udp_unread(void)
{
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, port),
	    c = sock(client_ns, AF_INET, SOCK_DGRAM, 0);
	struct pollfd p = { s, POLLIN, 0 };

	join(c, HOST, port);
	for (int i = 0; i < n; i++)
		put(c, 10);
	check(poll(&p, 1, 5000) == 1, "datagrams");
	close(c);
	close(s);
}

/* from port FROM, to a socket that was closed before */
static void late(int from)
{
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, from);
	struct sockaddr_in sin = at("10.11.1.2", port);

	for (int i = 0; i < n; i++)
		check(sendto(s, "x", 1, 0, (void *)&sin, sizeof(sin)) == 1 || errno == ECONNREFUSED,
		      "answer");
	close(s);
}
static void dns_late(void)
{
	late(53);
}
static void udp_nobody(void)
{
	late(port);
}

/* LEN bytes to the IPsec port of the host, which has a socket as IKE daemons have, or none */
static void natt(const char *data, size_t len, int ike)
{
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, ike ? 4500 : port),
	    espinudp = UDP_ENCAP_ESPINUDP;
	int c = bound(client_ns, SOCK_DGRAM, 0, "10.11.1.2", 4500);

	check(!ike || !setsockopt(s, IPPROTO_UDP, UDP_ENCAP, &espinudp, sizeof(espinudp)),
	      "UDP_ENCAP");
	join(c, HOST, 4500);
	for (int i = 0; i < n; i++) {
		/* without a socket: the error of the last one */
		if (send(c, data, len, 0) < 0)
			check(!ike && send(c, data, len, 0) == (ssize_t)len, "send");
	}
	close(c);
	close(s);
}
static void natt_keepalive(void)
{
	natt("\xff", 1, 1);
}
static void natt_unknown(void)
{
	natt("spi.seq.data", 12, 1);
}
static void natt_nobody(void)
{
	natt("\xff", 1, 0);
}

/* --- other sockets */

static void unix_unread(int type)
{
	int fd[2];

	enter(host_ns);
	for (int i = 0; i < n; i++) {
		check(!socketpair(AF_UNIX, type, 0, fd), "socketpair");
		check(write(fd[0], "x", 1) == 1, "write");
		close(fd[1]);
		close(fd[0]);
	}
}
static void unix_stream(void)
{
	unix_unread(SOCK_STREAM);
}
static void unix_dgram(void)
{
	unix_unread(SOCK_DGRAM);
}

/* a loss: sent, and thrown away because its reader has another peer now */
static void unix_reconnect(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = sock(host_ns, AF_UNIX, SOCK_DGRAM, 0);
	int a = sock(host_ns, AF_UNIX, SOCK_DGRAM, 0), b = sock(host_ns, AF_UNIX, SOCK_DGRAM, 0);
	int *all[] = { &fd, &a, &b };

	for (int i = 0; i < 3; i++) {
		snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "hm-%d-%d", port, i);
		check(!bind(*all[i], (void *)&un, sizeof(un)), "bind");
	}
	un.sun_path[strlen(un.sun_path + 1)] = '1';
	check(!connect(fd, (void *)&un, sizeof(un)), "connect");
	un.sun_path[strlen(un.sun_path + 1)] = '0';
	for (int i = 0; i < n; i++)
		check(sendto(a, "x", 1, 0, (void *)&un, sizeof(un)) == 1, "send");
	un.sun_path[strlen(un.sun_path + 1)] = '2';
	check(!connect(fd, (void *)&un, sizeof(un)), "connect again");
	close(fd);
	close(a);
	close(b);
}

/* news of a neighbour that nobody asked for; a router in between would have changed HOPS */
static void neighbour_news(int hops)
{
	uint8_t news[32] = { 136, 0, 0, 0, 0x20, [8] = 0xfd, 0x11, 0, 1, [23] = 0x55, 2, 1, 2 };
	struct sockaddr_in6 sin = { .sin6_family = AF_INET6 };
	int fd = sock(client_ns, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), off = 0;

	inet_pton(AF_INET6, "ff02::1", &sin.sin6_addr);
	sin.sin6_scope_id = if_nametoindex("eth0");
	check(!setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) &&
		      !setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)),
	      "hops");
	for (int i = 0; i < n; i++)
		check(sendto(fd, news, sizeof(news), 0, (void *)&sin, sizeof(sin)) == 32, "news");
	close(fd);
}
static void nd_news(void)
{
	neighbour_news(255);
}
static void nd_routed(void)
{
	neighbour_news(64);
}

/* connections to this host's own loopback, whatever the namespace */
static void vsock(void)
{
	struct sockaddr_vm svm = { .svm_family = AF_VSOCK,
				   .svm_cid = VMADDR_CID_ANY,
				   .svm_port = port };
	int l = sock(host_ns, AF_VSOCK, SOCK_STREAM, 0);

	check(!bind(l, (void *)&svm, sizeof(svm)) && !listen(l, MANY), "listen");
	svm.svm_cid = VMADDR_CID_LOCAL;
	for (int i = 0; i < n; i++) {
		cli[i] = sock(host_ns, AF_VSOCK, SOCK_STREAM, 0);
		check(!connect(cli[i], (void *)&svm, sizeof(svm)), "connect");
		srv[i] = accept(l, NULL, NULL);
		check(srv[i] >= 0, "accept");
	}
	close(l);
	requests(3);
	close_all(cli);
	end_all(srv);
}

/* SCTP associations with data, heartbeats, and both ways to end */
static void sctp(void)
{
	int l = bound(host_ns, SOCK_STREAM, IPPROTO_SCTP, HOST, port);

	check(!listen(l, MANY), "listen");
	for (int i = 0; i < n; i++) {
		cli[i] = sock(client_ns, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
		join(cli[i], HOST, port);
		srv[i] = accept(l, NULL, NULL);
		check(srv[i] >= 0, "accept");
	}
	close(l);
	requests(3);
	for (int i = 0; i < n; i++) {
		put(cli[i], 100);
		if (i & 1)
			check(get(srv[i], 100) == 100, "the last request");
	}
	close_all(cli);
	close_all(srv);
}

static void netlink_unread(void)
{
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
	} dump = { { sizeof(dump), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { AF_UNSPEC } };

	for (int i = 0; i < n; i++) {
		int fd = sock(host_ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

		check(send(fd, &dump, sizeof(dump), 0) == sizeof(dump), "dump");
		close(fd);
	}
}

/* readers of everything, closed with something unread */
static void packet_unread(void)
{
	int fd = sock(host_ns, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	int raw = sock(host_ns, AF_INET, SOCK_RAW, IPPROTO_UDP), room = 64 << 20;

	/* it hears what others send as well: what has no room would be lost */
	check(!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), "room");
	udp_unread();
	close(raw);
	close(fd);
}

/* reads N datagrams to port 68, as a DHCP client does; "ready" first */
static void packet_reader(void)
{
	int fd = sock(host_ns, AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	struct pollfd p = { fd, POLLIN, 0 };
	uint8_t buf[2048];

	puts("ready");
	fflush(stdout);
	for (int i = 0; i < n;) {
		check(poll(&p, 1, 5000) == 1 && recv(fd, buf, sizeof(buf), 0) > 0, "answer");
		i += buf[36] == 0 && buf[37] == 68;
	}
	close(fd);
}

/* --- losses without a tracepoint; what the kernel's own counter says goes to stdout */

/* the sum of the column that counts drops, in a table of /proc */
static unsigned drops_of(const char *path)
{
	char line[512], head[512] = "", *word, *save;
	FILE *f = fopen(path, "r");
	unsigned sum = 0;
	int column = 0, at;

	check(f != NULL && fgets(head, sizeof(head), f) != NULL, path);
	at = strcasestr(head, "drops") - head;
	for (word = strtok_r(strndup(head, at), " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save))
		column++;
	if (strstr(path, "raw")) /* "tx_queue rx_queue" and "tr tm->when" are one word each */
		column -= 2;
	while (fgets(line, sizeof(line), f)) {
		word = strtok_r(line, " \t\n", &save);
		for (int i = 0; word && i < column; i++)
			word = strtok_r(NULL, " \t\n", &save);
		sum += word ? atoi(word) : 0;
	}
	fclose(f);
	return sum;
}

static void accept_full(void)
{
	int l = bound(host_ns, SOCK_STREAM, 0, HOST, port);
	struct sockaddr_in sin = at(HOST, port);

	check(!listen(l, 1), "listen");
	for (int i = 0; i < n; i++) {
		cli[i] = sock(client_ns, AF_INET, SOCK_STREAM, 0);
		fcntl(cli[i], F_SETFL, O_NONBLOCK);
		connect(cli[i], (void *)&sin, sizeof(sin));
	}
	usleep(50000);
	close_all(cli);
	close(l);
}

/* a socket that takes few of N datagrams; says how many it lost */
static void queue_full(int family, int type, int proto)
{
	int fd = sock(host_ns, family, type, proto), few = 1;
	int s = bound(host_ns, SOCK_DGRAM, 0, HOST, port);
	int c = sock(client_ns, AF_INET, SOCK_DGRAM, 0);
	struct tpacket_stats st = {};
	socklen_t len = sizeof(st);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few));
	join(c, HOST, port);
	for (int i = 0; i < n; i++) {
		put(c, 500);
		check(get(s, 500) == 500, "datagram");
	}
	enter(host_ns); /* whose table it is */
	if (family == AF_PACKET)
		getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	else
		st.tp_drops = drops_of("/proc/thread-self/net/raw");
	printf("%u\n", st.tp_drops);
	close(c);
	close(s);
	close(fd);
}
static void packet_full(void)
{
	queue_full(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
}
static void raw_full(void)
{
	queue_full(AF_INET, SOCK_RAW, IPPROTO_UDP);
}

/* news of links, N times, to a socket that does not read them */
static void netlink_full(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = sock(host_ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), few = 1;
	struct ifreq ifr = { .ifr_name = "lo" };
	int sk = sock(host_ns, AF_INET, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few));
	check(!bind(fd, (void *)&all, sizeof(all)), "bind");
	for (int i = 0; i < n; i++) {
		ifr.ifr_mtu = 60000 + i;
		check(!ioctl(sk, SIOCSIFMTU, &ifr), "mtu");
	}
	printf("%u\n", drops_of("/proc/thread-self/net/netlink"));
	close(sk);
	close(fd);
}

/* --- a VM's GSO packets, by a tap: N of 10 segments each */
static void vm_gso(void)
{
	struct ifreq ifr = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	static struct {
		struct virtio_net_hdr vnet;
		uint8_t eth[14];
		uint8_t ip[20];
		uint8_t tcp[20];
		char data[14480];
	} __attribute__((packed)) f;
	static const uint8_t ip[20] = { 0x45,
					0,
					(14520 >> 8),
					(14520 & 255),
					0,
					7,
					0x40,
					0,
					64,
					6,
					0,
					0,
					10,
					77,
					0,
					2,
					10,
					77,
					0,
					1 };
	uint32_t sum = 0;
	int fd, sk;

	enter(host_ns);
	fd = open("/dev/net/tun", O_RDWR);
	check(fd >= 0 && !ioctl(fd, TUNSETIFF, &ifr) &&
		      !ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4),
	      "tap0");
	sk = socket(AF_INET, SOCK_DGRAM, 0);
	check(!ioctl(sk, SIOCGIFHWADDR, &ifr), "MAC");
	memcpy(f.eth, ifr.ifr_hwaddr.sa_data, 6);
	ifr.ifr_flags = IFF_UP;
	check(!ioctl(sk, SIOCSIFFLAGS, &ifr), "up");
	f.vnet = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					  .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					  .hdr_len = 54,
					  .gso_size = 1448,
					  .csum_start = 34,
					  .csum_offset = 16 };
	f.eth[6] = 2;
	f.eth[12] = 8;
	memcpy(f.ip, ip, 20);
	for (int i = 0; i < 20; i += 2)
		sum += ip[i] << 8 | ip[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	f.ip[10] = sum >> 8;
	f.ip[11] = sum;
	f.tcp[1] = f.tcp[3] = 80;
	f.tcp[12] = 0x50;
	f.tcp[13] = 0x10;
	for (int i = 0; i < n; i++)
		check(write(fd, &f, sizeof(f)) == sizeof(f), "write");
	close(fd);
}

/* --- frames whose headers are not in the linear part of their skb */
static void paged(void)
{
	int fd = sock(client_ns, AF_PACKET, SOCK_RAW, 0), one = 1;
	struct tpacket_req req = { 4096, 1, 4096, 1 };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	static const uint8_t frame[80] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0,  0, 0, 0,	 1,
					   8,	 0,    0x45, 0,	   0,	 66,   0,  1,  0, 0, 64, 17,
					   0,	 0,    10,   11,   1,	 2,    10, 11, 1, 1 };
	struct tpacket_hdr *h;

	ll.sll_ifindex = if_nametoindex("eth0");
	check(!setsockopt(fd, SOL_PACKET, PACKET_LOSS, &one, sizeof(one)) &&
		      !setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) &&
		      !bind(fd, (void *)&ll, sizeof(ll)),
	      "PACKET_TX_RING");
	h = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(h != MAP_FAILED, "mmap");
	memcpy((char *)h + TPACKET_HDRLEN - sizeof(struct sockaddr_ll), frame, sizeof(frame));
	for (int i = 0; i < n; i++) {
		h->tp_len = sizeof(frame);
		h->tp_status = TP_STATUS_SEND_REQUEST;
		/* dropped by a queue: it says so */
		check(send(fd, NULL, 0, 0) >= 0 || errno == ENOBUFS, "send");
		until(h->tp_status != TP_STATUS_SENDING);
	}
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "tcp-server-first", tcp_server_first },
	{ "tcp-client-first", tcp_client_first },
	{ "tcp-half-close", tcp_half_close },
	{ "tcp-reset", tcp_reset },
	{ "tcp-unread", tcp_unread },
	{ "tcp-time-wait", tcp_time_wait },
	{ "tcp-keepalive", tcp_keepalive },
	{ "tcp-zero-window", tcp_zero_window },
	{ "tcp-deferred", tcp_deferred },
	{ "tcp-fast-open", tcp_fast_open },
	{ "tcp-urgent", tcp_urgent },
	{ "tcp-late-data", tcp_late_data },
	{ "tcp-out-of-order", tcp_out_of_order },
	{ "tcp-beyond", tcp_beyond },
	{ "tcp-again", tcp_again },
	{ "tcp-too-old-ack", tcp_too_old_ack },
	{ "tcp-paws", tcp_paws },
	{ "tcp-paws-ack", tcp_paws_ack },
	{ "tcp-paws-data", tcp_paws_data },
	{ "tcp-syn-sent", tcp_syn_sent },
	{ "tcp-closed", tcp_closed },
	{ "tcp-closed-data", tcp_closed_data },
	{ "mptcp", mptcp },
	{ "sctp", sctp },
	{ "vsock", vsock },
	{ "mdns", mdns },
	{ "mdns6", mdns6 },
	{ "ssdp", ssdp },
	{ "broadcast", broadcast },
	{ "dhcp-discover", dhcp_discover },
	{ "group-full", group_full },
	{ "group-port", group_port },
	{ "group-source", group_source },
	{ "group6-source", group6_source },
	{ "raw-filter", raw_filter },
	{ "udp-filter", udp_filter },
	{ "udp-large", udp_large },
	{ "udp-unread", udp_unread },
	{ "udp-stamps", udp_stamps },
	{ "udp-stamps-full", udp_stamps_full },
	{ "dns-late", dns_late },
	{ "udp-nobody", udp_nobody },
	{ "natt-keepalive", natt_keepalive },
	{ "natt-unknown", natt_unknown },
	{ "natt-nobody", natt_nobody },
	{ "unix-stream", unix_stream },
	{ "unix-dgram", unix_dgram },
	{ "unix-reconnect", unix_reconnect },
	{ "nd-news", nd_news },
	{ "nd-routed", nd_routed },
	{ "netlink-unread", netlink_unread },
	{ "packet-unread", packet_unread },
	{ "packet-reader", packet_reader },
	{ "accept-full", accept_full },
	{ "packet-full", packet_full },
	{ "raw-full", raw_full },
	{ "netlink-full", netlink_full },
	{ "vm-gso", vm_gso },
	{ "paged", paged },
};

int main(int argc, char **argv)
{
	if (argc != 6 || atoi(argv[5]) < 1 || atoi(argv[5]) > MANY) {
		fprintf(stderr, "usage: healthy KIND CLIENT HOST PORT N\n");
		return 2;
	}
	client_ns = argv[2];
	host_ns = argv[3];
	port = atoi(argv[4]);
	n = atoi(argv[5]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(argv[1], kinds[i].name)) {
			kinds[i].run();
			return 0;
		}
	}
	fprintf(stderr, "healthy: no kind %s\n", argv[1]);
	return 2;
}
