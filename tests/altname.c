// SPDX-License-Identifier: GPL-2.0-only
/*
 * altname - gives a device another name of any bytes. iproute2 refuses some that the kernel
 * takes.
 *
 *   altname DEV NAME...
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int add(int fd, int dev, const char *name)
{
	struct {
		struct nlmsghdr msg;
		struct ifinfomsg info;
		struct rtattr list, attr;
		char name[256];
	} ask = { .msg = { .nlmsg_type = RTM_NEWLINKPROP,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		  .info = { .ifi_index = dev },
		  .list = { .rta_type = IFLA_PROP_LIST | NLA_F_NESTED },
		  .attr = { .rta_type = IFLA_ALT_IFNAME } };
	struct {
		struct nlmsghdr msg;
		struct nlmsgerr err;
		char rest[512];
	} answer;

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	ask.attr.rta_len = RTA_LENGTH(strlen(ask.name) + 1);
	ask.list.rta_len = RTA_LENGTH(RTA_ALIGN(ask.attr.rta_len));
	ask.msg.nlmsg_len = NLMSG_LENGTH(sizeof(ask.info)) + ask.list.rta_len;
	if (send(fd, &ask, ask.msg.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return -errno;
	return answer.err.error;
}

int main(int argc, char **argv)
{
	int dev = argc > 2 ? if_nametoindex(argv[1]) : 0, err = 0;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (!dev || fd < 0) {
		fprintf(stderr, "usage: altname DEV NAME...\n");
		return 2;
	}
	for (int i = 2; !err && i < argc; i++)
		err = add(fd, dev, argv[i]);
	if (err)
		fprintf(stderr, "altname: %s\n", strerror(-err));
	return !!err;
}
