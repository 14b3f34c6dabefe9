// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2frames - raw Ethernet frames in and out, as hexadecimal lines, for the tests of l2fwd.
 *
 *   l2frames send DEV            sends the frames of stdin
 *   l2frames recv DEV COUNT FILE makes FILE when it listens, then prints COUNT frames, tags
 *                              included, as they were on the wire; only those whose
 *                              source address begins with 02. Gives up after 30 s.
 * Exit status: 0 all of them, 1 not, 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAX = 16384 };

static int die(const char *what)
{
	fprintf(stderr, "l2frames: %s: %s\n", what, strerror(errno));
	return 1;
}

static int open_device(const char *dev, int protocol)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	struct timeval wait = { 30, 0 };
	int fd, one = 1, big = 8 << 20;

	addr.sll_ifindex = if_nametoindex(dev);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || !addr.sll_ifindex)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

static int send_all(int fd)
{
	static char line[2 * MAX + 2];
	static uint8_t frame[MAX];

	while (fgets(line, sizeof(line), stdin)) {
		size_t n = 0;
		unsigned byte;

		while (n < MAX && sscanf(line + 2 * n, "%2x", &byte) == 1)
			frame[n++] = byte;
		if (n && send(fd, frame, n, 0) != (ssize_t)n)
			return die("send");
	}
	return 0;
}

/* The tag that the kernel took off, or NULL. */
static struct tpacket_auxdata *tag_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct tpacket_auxdata *aux = (void *)CMSG_DATA(c);

		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
		    aux->tp_status & TP_STATUS_VLAN_VALID)
			return aux;
	}
	return NULL;
}

static void print_bytes(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", bytes[i]);
}

static int recv_all(int fd, long count)
{
	static uint8_t frame[MAX];

	for (long got = 0; got < count;) {
		char control[256];
		struct iovec iov = { frame, sizeof(frame) };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		struct tpacket_auxdata *tag;
		struct sockaddr_ll from;
		ssize_t n;

		msg.msg_name = &from;
		msg.msg_namelen = sizeof(from);
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			return die("recv");
		if (n < 14 || frame[6] != 2 || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		got++;
		print_bytes(frame, 12);
		tag = tag_of(&msg);
		if (tag)
			printf("%04x%04x", tag->tp_vlan_tpid, tag->tp_vlan_tci);
		print_bytes(frame + 12, n - 12);
		printf("\n");
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 3 && !strcmp(argv[1], "send")) {
		fd = open_device(argv[2], 0);
		return fd < 0 ? die(argv[2]) : send_all(fd);
	}
	if (argc == 5 && !strcmp(argv[1], "recv")) {
		fd = open_device(argv[2], ETH_P_ALL);
		if (fd < 0 || close(open(argv[4], O_CREAT | O_WRONLY, 0600)))
			return die(argv[2]);
		return recv_all(fd, strtol(argv[3], NULL, 10));
	}
	fprintf(stderr, "usage: l2frames send DEV | l2frames recv DEV COUNT FILE\n");
	return 2;
}
