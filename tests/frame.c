// SPDX-License-Identifier: GPL-2.0-only
/*
 * frame - sends raw Ethernet frames, for the tests.
 *
 *   frame DEV COUNT HEX      HEX may have spaces and colons
 */
#include <ctype.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	unsigned char frame[2048];
	size_t len = 0;
	int fd;

	if (argc != 4)
		return 2;
	for (const char *s = argv[3]; *s && len < sizeof(frame);) {
		char digits[3] = { s[0], s[1], 0 };

		if (!isxdigit((unsigned char)*s)) {
			s++;
			continue;
		}
		frame[len++] = strtoul(digits, NULL, 16);
		s += 2;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	/* as a driver would see it: the ethertype of the frame */
	to.sll_protocol = *(unsigned short *)(frame + 12);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	for (long n = atol(argv[2]); n > 0; n--) {
		if (sendto(fd, frame, len, 0, (void *)&to, sizeof(to)) != (ssize_t)len) {
			perror("frame");
			return 1;
		}
	}
	return 0;
}
