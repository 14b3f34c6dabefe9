// SPDX-License-Identifier: GPL-2.0-only
/*
 * testrun - runs a pinned program on a packet cut at every length, from LEN down to
 * the least that the kernel takes, and says what it returned: in one process,
 * because bpftool needs milliseconds for each.
 *
 *   testrun PIN HEX...
 *
 * HEX is a packet as hexadecimal digits. Prints a line "VERDICT COUNT" for each
 * verdict that occurred, and "refused COUNT" if the kernel did not run the program:
 * it makes no skb of an IP packet that ends within the IP header. Exit status: 0 fine, 1 a run
 * failed, 2 usage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>

enum { MAX_PACKET = 2048, MAX_VERDICTS = 64 };

static struct {
	int verdict;
	unsigned long count;
} seen[MAX_VERDICTS];
static size_t nseen;
static unsigned long refused;

static void note(int verdict)
{
	size_t i;

	for (i = 0; i < nseen && seen[i].verdict != verdict; i++)
		;
	if (i == MAX_VERDICTS)
		return;
	if (i == nseen)
		seen[nseen++].verdict = verdict;
	seen[i].count++;
}

static int from_hex(const char *hex, unsigned char *packet)
{
	size_t len = strlen(hex);

	if (len % 2 || len / 2 > MAX_PACKET || len / 2 < ETH_HLEN)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		if (sscanf(hex + 2 * i, "%2hhx", &packet[i]) != 1)
			return -1;
	}
	return len / 2;
}

int main(int argc, char **argv)
{
	unsigned char packet[MAX_PACKET], out[MAX_PACKET + 512];
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: testrun PIN HEX...\n");
		return 2;
	}
	fd = bpf_obj_get(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "testrun: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		int len = from_hex(argv[i], packet);

		if (len < 0) {
			fprintf(stderr, "testrun: packet %d is no hex text of %d to %d bytes\n",
				i - 1, ETH_HLEN, MAX_PACKET);
			return 2;
		}
		for (; len >= ETH_HLEN; len--) {
			LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = len,
				    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

			if (bpf_prog_test_run_opts(fd, &opts)) {
				if (errno == EINVAL &&
				    len < (int)(ETH_HLEN + sizeof(struct ipv6hdr))) {
					refused++;
					continue;
				}
				fprintf(stderr, "testrun: %s: packet %d cut to %d bytes: %s\n",
					argv[1], i - 1, len, strerror(errno));
				return 1;
			}
			note((int)opts.retval);
		}
	}
	for (size_t i = 0; i < nseen; i++)
		printf("%d %lu\n", seen[i].verdict, seen[i].count);
	if (refused)
		printf("refused %lu\n", refused);
	return 0;
}
