// SPDX-License-Identifier: GPL-2.0-only
/*
 * nic - what ip and ethtool cannot set: the receive stamps and the clock of a NIC, and
 * the sizes of BIG TCP over IPv4 (Linux 6.3, iproute2 6.3), for the tests.
 *
 *   nic stamps DEV        the NIC stamps PTP events that it receives, from now on
 *   nic step CLOCK NS     sets the clock (/dev/ptp0) NS ahead of what it says
 *   nic recv DEV COUNT    receives COUNT PTP frames (ethertype 88f7), a line each; "ready"
 *                         first. It may be down in between. Gives up after 30 s.
 *   nic big DEV BYTES     IPv4 packets that DEV sends, and that GRO makes, may be as large
 * Exit status: 0 done, 1 not, 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE_PTP	  0x88f7
#define GSO_IPV4_MAX_SIZE 63 /* IFLA_..., Linux 6.3 */
#define GRO_IPV4_MAX_SIZE 64

static int stamps(const char *dev)
{
	struct hwtstamp_config want = { .rx_filter = HWTSTAMP_FILTER_PTP_V2_EVENT };
	struct ifreq ifr = { .ifr_data = (void *)&want };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (s < 0 || ioctl(s, SIOCSHWTSTAMP, &ifr)) {
		perror("nic: stamps");
		return 1;
	}
	return 0;
}

static int step(const char *path, long long ns)
{
	struct timex tx = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	int fd = open(path, O_RDWR);

	/* the kernel wants a positive part below a second */
	tx.time.tv_sec = ns / 1000000000;
	tx.time.tv_usec = ns % 1000000000;
	if (tx.time.tv_usec < 0) {
		tx.time.tv_sec--;
		tx.time.tv_usec += 1000000000;
	}
	/* FD_TO_CLOCKID of the kernel's PTP documentation */
	if (fd < 0 || clock_adjtime(~(clockid_t)fd << 3 | 3, &tx) < 0) {
		perror("nic: step");
		return 1;
	}
	return 0;
}

static int recv_frames(const char *dev, long want)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_PTP),
		.sll_ifindex = (int)if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct packet_mreq all = { .mr_ifindex = to.sll_ifindex, .mr_type = PACKET_MR_PROMISC };
	char frame[2048];

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("nic: recv");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (long got = 0; got < want;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 30000) != 1)
			return 1;
		if (recv(fd, frame, sizeof(frame), 0) <= 0) {
			if (errno == ENETDOWN)
				continue;
			perror("nic: recv");
			return 1;
		}
		printf("%ld\n", ++got);
		fflush(stdout);
	}
	return 0;
}

static int big(const char *dev, __u32 bytes)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg link;
		struct {
			struct rtattr a;
			__u32 bytes;
		} max[2];
	} want = {
		.h = { .nlmsg_len = sizeof(want),
		       .nlmsg_type = RTM_NEWLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.link.ifi_index = (int)if_nametoindex(dev),
		.max = { { { sizeof(want.max[0]), GSO_IPV4_MAX_SIZE }, bytes },
			 { { sizeof(want.max[0]), GRO_IPV4_MAX_SIZE }, bytes } },
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr err;
	} got = {};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd >= 0 && send(fd, &want, sizeof(want), 0) > 0 &&
	    recv(fd, &got, sizeof(got), 0) >= (ssize_t)sizeof(got)) {
		if (!got.err.error)
			return 0;
		errno = -got.err.error;
	}
	perror("nic: big");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "stamps"))
		return stamps(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "step"))
		return step(argv[2], atoll(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "recv"))
		return recv_frames(argv[2], atol(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "big"))
		return big(argv[2], atol(argv[3]));
	fprintf(stderr, "usage: nic stamps DEV | step CLOCK NS | recv DEV COUNT | big DEV BYTES\n");
	return 2;
}
