// SPDX-License-Identifier: GPL-2.0-only
/*
 * frames - sends raw Ethernet frames, for the tests.
 *
 *   frames DEV COUNT HEX...     each frame COUNT times; HEX may hold spaces
 *   frames --sip[=N] DEV COUNT HEX  with another IPv4 source address each time: COUNT
 *                               different ones, from 198.18.0.1 (+ N) on, checksum set right
 * Frames are padded to 60 bytes.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int parse(const char *hex, unsigned char *frame, size_t size)
{
	size_t n = 0;

	while (*hex) {
		unsigned byte;

		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		if (n == size || sscanf(hex, "%2x", &byte) != 1)
			return -1;
		frame[n++] = byte;
		hex += 2;
	}
	if (n < 60) {
		memset(frame + n, 0, 60 - n);
		n = 60;
	}
	return n;
}

static void source(unsigned char *frame, unsigned i)
{
	struct iphdr *ip = (void *)(frame + ETH_HLEN);
	const unsigned char *b = (const void *)ip;
	unsigned sum = 0;

	ip->saddr = htonl(0xc6120001 + i);
	ip->check = 0;
	for (int w = 0; w < ip->ihl * 4; w += 2)
		sum += b[w] << 8 | b[w + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	ip->check = htons(~sum);
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int sip = argc > 1 && !strncmp(argv[1], "--sip", 5);
	unsigned char frame[2048];
	long from = 0;
	long count;
	int fd;

	if (sip && argv[1][5] == '=')
		from = strtol(argv[1] + 6, NULL, 10);
	argv += sip;
	argc -= sip;
	if (argc < 4) {
		fprintf(stderr, "usage: frames [--sip] DEV COUNT HEX...\n");
		return 2;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	count = strtol(argv[2], NULL, 10);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || !to.sll_ifindex) {
		perror("frames");
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		int len = parse(argv[i], frame, sizeof(frame));

		if (len < 0) {
			fprintf(stderr, "frames: bad frame %s\n", argv[i]);
			return 2;
		}
		for (long n = 0; n < count; n++) {
			if (sip)
				source(frame, from + n);
			while (sendto(fd, frame, len, 0, (void *)&to, sizeof(to)) < 0) {
				if (errno != ENOBUFS && errno != EINTR) {
					perror("frames");
					return 1;
				}
				usleep(1000);
			}
		}
	}
	return 0;
}
