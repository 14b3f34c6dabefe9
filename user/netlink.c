// SPDX-License-Identifier: GPL-2.0-only
/* netlink.c - the kernel's lists of the current network namespace */
#include <sys/socket.h>
#include <unistd.h>
#include <linux/rtnetlink.h>

#include "hookmap.h"

bool netlink_dump(struct nlmsghdr *ask, __u16 type, int (*each)(void *arg, struct nlmsghdr *msg),
		  void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	/* a device can have 64 kB of other names */
	static char buf[1 << 18] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len = fd < 0 ? -1 : send(fd, ask, ask->nlmsg_len, 0);
	bool whole = false;

	while (len > 0) {
		struct nlmsghdr *msg = (void *)buf;

		len = recv(fd, buf, sizeof(buf), 0);
		for (ssize_t left = len; left > 0 && NLMSG_OK(msg, left);
		     msg = NLMSG_NEXT(msg, left)) {
			whole |= msg->nlmsg_type == NLMSG_DONE;
			if (msg->nlmsg_type != type || each(arg, msg))
				len = 0;
		}
	}
	if (fd >= 0)
		close(fd);
	return whole;
}
