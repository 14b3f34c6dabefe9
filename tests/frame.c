// SPDX-License-Identifier: GPL-2.0-only
/*
 * frame - sends raw Ethernet frames, for the tests.
 *
 *   frame DEV COUNT HEX...   each COUNT times; HEX may have spaces and colons
 *   frame --ring DEV COUNT HEX...   through a ring (PACKET_TX_RING):
 *     all but the Ethernet header is then in a fragment
 */
#include <ctype.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SLOTS 16
#define SLOT  2048

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

/* By the ring, a slot after the other. */
static int by_ring(int fd, const struct sockaddr_ll *to, const unsigned char *frame, size_t len)
{
	static unsigned char *ring;
	static unsigned next;
	struct tpacket_req req = { .tp_block_size = 2 * SLOT,
				   .tp_block_nr = SLOTS / 2,
				   .tp_frame_size = SLOT,
				   .tp_frame_nr = SLOTS };
	int version = TPACKET_V2;
	struct tpacket2_hdr *h;

	if (!ring) {
		if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
		    setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)))
			return -1;
		ring = mmap(NULL, (size_t)SLOTS * SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (ring == MAP_FAILED)
			return -1;
	}
	h = (void *)(ring + (size_t)(next++ % SLOTS) * SLOT);
	memcpy((unsigned char *)h + TPACKET2_HDRLEN - sizeof(*to), frame, len);
	h->tp_len = h->tp_snaplen = len;
	h->tp_status = TP_STATUS_SEND_REQUEST;
	/* until it has been taken */
	return sendto(fd, NULL, 0, 0, (void *)to, sizeof(*to)) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	bool ring = argc > 1 && !strcmp(argv[1], "--ring");
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), err;
	unsigned char frame[SLOT];

	argc -= ring;
	argv += ring;
	if (argc < 4)
		return 2;
	to.sll_ifindex = if_nametoindex(argv[1]);
	for (int i = 3; i < argc; i++) {
		size_t len = bytes(argv[i], frame, sizeof(frame) - TPACKET2_HDRLEN);

		/* as a driver would see it: the ethertype of the frame */
		to.sll_protocol = *(unsigned short *)(frame + 12);
		for (long n = atol(argv[2]); n > 0; n--) {
			err = ring ? by_ring(fd, &to, frame, len)
				   : sendto(fd, frame, len, 0, (void *)&to, sizeof(to)) !=
					      (ssize_t)len;
			if (err) {
				perror(argv[1]);
				return 1;
			}
		}
	}
	return 0;
}
