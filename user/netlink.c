// SPDX-License-Identifier: GPL-2.0-only
/* netlink.c - the kernel's lists of the current network namespace */
#include <sys/socket.h>
#include <unistd.h>
#include <linux/pkt_cls.h>
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

static int filter_each(void *look, struct nlmsghdr *msg)
{
	struct filter_look *p = look;
	struct tcmsg *tc = NLMSG_DATA(msg);
	int len = TCA_PAYLOAD(msg);

	for (struct rtattr *a = TCA_RTA(tc); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		int left = RTA_PAYLOAD(a);
		__u32 id = 0, class = 0;

		if ((a->rta_type & NLA_TYPE_MASK) != TCA_OPTIONS)
			continue;
		for (struct rtattr *o = RTA_DATA(a); RTA_OK(o, left); o = RTA_NEXT(o, left)) {
			if (o->rta_type == TCA_BPF_ID)
				id = *(const __u32 *)RTA_DATA(o);
			else if (o->rta_type == TCA_BPF_CLASSID)
				class = *(const __u32 *)RTA_DATA(o);
		}
		if (id && p->is(id, class, p->arg))
			p->pref = tc->tcm_info >> 16;
	}
	return 0;
}

void filter_look(void *look)
{
	struct {
		struct nlmsghdr msg;
		struct tcmsg tc;
	} ask = { .msg = { .nlmsg_len = sizeof(ask),
			   .nlmsg_type = RTM_GETTFILTER,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	struct filter_look *p = look;

	ask.tc.tcm_ifindex = p->ifindex;
	ask.tc.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	netlink_dump(&ask.msg, RTM_NEWTFILTER, filter_each, p);
}
