// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire - joins two tun or tap devices, perhaps of two network namespaces, for the tests.
 *
 *   wire DEV COMMAND...   opens DEV as descriptor 3, and runs COMMAND
 *   wire DEV              copies packets between DEV and descriptor 3, until it is killed
 * nsenter --net=A wire tun0 nsenter --net=B wire tun0
 * A device whose name begins with "tap" has frames, without a header before them.
 * Exit status: 1 a device cannot be opened, 2 usage.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_device(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	ifr.ifr_flags |= strncmp(name, "tap", 3) ? IFF_TUN : IFF_TAP;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		perror("wire");
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	static char packet[65536];
	struct pollfd p[2];
	int fd;

	if (argc < 2)
		return 2;
	fd = open_device(argv[1]);
	if (fd < 0)
		return 1;
	if (argc > 2) {
		dup2(fd, 3);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		return 1;
	}
	p[0] = (struct pollfd){ .fd = 3, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = fd, .events = POLLIN };
	while (poll(p, 2, -1) >= 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, packet, sizeof(packet)) : 0;

			if (n < 0 || (n > 0 && write(p[!i].fd, packet, n) < 0))
				perror("wire");
		}
	}
	return 1;
}
