// SPDX-License-Identifier: GPL-2.0-only
/*
 * rawrecv - receives COUNT packets of an IP protocol by a raw socket, for the tests.
 *
 *   rawrecv PROTO COUNT      rawrecv --tap DEV COUNT: frames, from a tap it makes
 *   rawrecv --packet DEV COUNT: frames, by a packet socket; --packet-ip: only IPv4
 * Prints "ready" first. Exit status: 0 all of them, 1 not within 5 s, 2 usage.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR), s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		perror("rawrecv: tap");
		exit(1);
	}
	ifr.ifr_flags = IFF_UP;
	ioctl(s, SIOCSIFFLAGS, &ifr);
	close(s);
	return fd;
}

static int packet(const char *name, int protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct ifreq ifr = {};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &ifr))
		return -1;
	at.sll_ifindex = ifr.ifr_ifindex;
	return bind(fd, (void *)&at, sizeof(at)) ? -1 : fd;
}

int main(int argc, char **argv)
{
	char buffer[65536];
	long got = 0, want;
	int fd;

	if (argc == 4 && !strcmp(argv[1], "--tap"))
		fd = tap(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "--packet"))
		fd = packet(argv[2], ETH_P_ALL);
	else if (argc == 4 && !strcmp(argv[1], "--packet-ip"))
		fd = packet(argv[2], ETH_P_IP);
	else if (argc == 3)
		fd = socket(AF_INET, SOCK_RAW, atoi(argv[1]));
	else
		return 2;
	if (fd < 0) {
		perror("rawrecv");
		return 1;
	}
	want = atol(argv[argc - 1]);
	puts("ready");
	fflush(stdout);
	while (got < want) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 5000) != 1 || read(fd, buffer, sizeof(buffer)) <= 0)
			return 1;
		got++;
	}
	return 0;
}
