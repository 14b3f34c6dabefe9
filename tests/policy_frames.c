// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_frames - sends frames as they are given and prints those that come, byte for
 * byte, for the tests of policy.
 *
 *   policy_frames send DEV HEX...            each frame once
 *   policy_frames segments DEV SIZE HEX...   the same, as a virtual machine gives TCP over
 *     IPv4 that a device is to cut: SIZE bytes a segment, how many it does not say
 *   policy_frames recv DEV COUNT [SECONDS]   prints "ready", then frames that came to
 *     DEV, in hex, VLAN tags included, until there were COUNT. ARP and ICMPv6 are left
 *     out.
 *   policy_frames tun DEV COUNT HEX...       makes DEV (a tun device that exists) run,
 *     prints "ready", waits for a line on standard input, writes the packets into it,
 *     then prints COUNT packets that came out
 * Exit status: 0 all of them, 1 not in time (SECONDS after "ready", or 10), 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_TIME 10 /* seconds */

static void die(const char *what)
{
	fprintf(stderr, "policy_frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t unhex(const char *text, unsigned char *to, size_t size)
{
	size_t n = 0;
	unsigned byte;

	for (; n < size && sscanf(text, "%2x", &byte) == 1; text += 2)
		to[n++] = byte;
	return n;
}

static void print_hex(const unsigned char *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", data[i]);
}

static int open_device(const char *dev, int proto)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(proto),
				    .sll_ifindex = if_nametoindex(dev) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(proto)), one = 1, room = 16 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (fd < 0 || !addr.sll_ifindex || bind(fd, (void *)&addr, sizeof(addr)))
		die(dev);
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	return fd;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int wait_until(int fd, long long end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long long left = end - now_ms();

	return poll(&p, 1, left > 0 ? left : 0) == 1;
}

/* ARP, or ICMPv6 */
static int noise(const unsigned char *f, size_t n)
{
	size_t at = 12;

	while (at + 4 < n && f[at] == 0x81 && !f[at + 1])
		at += 4;
	if (at + 8 >= n || (f[at] == 8 && f[at + 1] == 6))
		return 1;
	return f[at] == 0x86 && f[at + 1] == 0xdd && (f[at + 8] == 58 || !f[at + 8]);
}

static int receive(const char *dev, int count, int seconds)
{
	int fd = open_device(dev, ETH_P_ALL);
	long long end = now_ms() + seconds * 1000LL;

	printf("ready\n");
	fflush(stdout);
	while (count > 0) {
		unsigned char frame[65536 + 4], control[256];
		struct iovec iov = { frame + 4, sizeof(frame) - 4 };
		struct sockaddr_ll from;
		struct msghdr msg = { .msg_name = &from,
				      .msg_namelen = sizeof(from),
				      .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		unsigned char *start = frame + 4;
		ssize_t n;

		if (!wait_until(fd, end))
			return 1;
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			die("recvmsg");
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			struct tpacket_auxdata *aux = (void *)CMSG_DATA(c);

			if (c->cmsg_type != PACKET_AUXDATA ||
			    !(aux->tp_status & TP_STATUS_VLAN_VALID))
				continue;
			memmove(frame, frame + 4, 12); /* the tag goes back in */
			start = frame;
			n += 4;
			frame[12] = 0x81, frame[13] = 0;
			frame[14] = aux->tp_vlan_tci >> 8, frame[15] = aux->tp_vlan_tci;
		}
		if (from.sll_pkttype == PACKET_OUTGOING || noise(start, n))
			continue;
		print_hex(start, n);
		printf("\n");
		fflush(stdout);
		count--;
	}
	return 0;
}

static int send_all(const char *dev, char **frames, int n)
{
	int fd = open_device(dev, 0);
	unsigned char frame[65536];

	for (int i = 0; i < n; i++) {
		size_t len = unhex(frames[i], frame, sizeof(frame));

		if (send(fd, frame, len, 0) != (ssize_t)len)
			die("send");
	}
	return 0;
}

static int send_segments(const char *dev, int size, char **frames, int n)
{
	struct virtio_net_hdr head = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				       .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
				       .gso_size = size,
				       .hdr_len = 14 + 20 + 20,
				       .csum_start = 14 + 20,
				       .csum_offset = 16 };
	unsigned char frame[sizeof(head) + 65536];
	int fd = open_device(dev, 0), one = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		die("PACKET_VNET_HDR");
	memcpy(frame, &head, sizeof(head));
	for (int i = 0; i < n; i++) {
		size_t len = sizeof(head) + unhex(frames[i], frame + sizeof(head), 65536);

		if (send(fd, frame, len, 0) != (ssize_t)len)
			die("send");
	}
	return 0;
}

static int tun(const char *dev, int count, char **packets, int n)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);
	unsigned char data[65536];
	long long end;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", dev);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req))
		die(dev);
	printf("ready\n");
	fflush(stdout);
	if (!fgets((char *)data, sizeof(data), stdin))
		return 1;
	end = now_ms() + IN_TIME * 1000;
	for (int i = 0; i < n; i++) {
		size_t len = unhex(packets[i], data, sizeof(data));

		if (write(fd, data, len) != (ssize_t)len)
			die("write");
	}
	while (count > 0) {
		ssize_t len;

		if (!wait_until(fd, end))
			return 1;
		len = read(fd, data, sizeof(data));
		if (len < 0)
			die("read");
		if (data[0] >> 4 == 6 && (data[6] == 58 || !data[6]))
			continue;
		print_hex(data, len);
		printf("\n");
		fflush(stdout);
		count--;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "send"))
		return send_all(argv[2], argv + 3, argc - 3);
	if (argc >= 5 && !strcmp(argv[1], "segments"))
		return send_segments(argv[2], atoi(argv[3]), argv + 4, argc - 4);
	if (argc >= 4 && argc <= 5 && !strcmp(argv[1], "recv"))
		return receive(argv[2], atoi(argv[3]), argc > 4 ? atoi(argv[4]) : IN_TIME);
	if (argc >= 4 && !strcmp(argv[1], "tun"))
		return tun(argv[2], atoi(argv[3]), argv + 4, argc - 4);
	fprintf(stderr, "usage: policy_frames send DEV HEX... | segments DEV SIZE HEX... | recv "
			"DEV COUNT [SECONDS] | "
			"tun DEV COUNT HEX...\n");
	return 2;
}
