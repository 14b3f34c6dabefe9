// SPDX-License-Identifier: GPL-2.0-only
/*
 * frame - sends raw Ethernet frames, for the tests.
 *
 *   frame DEV COUNT HEX...   each COUNT times; HEX may have spaces and colons
 */
#include <ctype.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static size_t bytes(const char *hex, unsigned char *frame, size_t size)
{
	size_t len = 0;

	while (*hex && len < size) {
		char digits[3] = { hex[0], hex[1], 0 };

		if (!isxdigit((unsigned char)*hex)) {
			hex++;
			continue;
		}
		frame[len++] = strtoul(digits, NULL, 16);
		hex += 2;
	}
	return len;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	unsigned char frame[2048];
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (argc < 4)
		return 2;
	to.sll_ifindex = if_nametoindex(argv[1]);
	for (int i = 3; i < argc; i++) {
		size_t len = bytes(argv[i], frame, sizeof(frame));

		/* as a driver would see it: the ethertype of the frame */
		to.sll_protocol = *(unsigned short *)(frame + 12);
		for (long n = atol(argv[2]); n > 0; n--) {
			if (sendto(fd, frame, len, 0, (void *)&to, sizeof(to)) != (ssize_t)len) {
				perror(argv[1]);
				return 1;
			}
		}
	}
	return 0;
}
