// SPDX-License-Identifier: GPL-2.0-only
/*
 * nfqueue - reads an NFQUEUE, for the tests.
 *
 *   nfqueue QUEUE VERDICT COUNT   takes COUNT packets, and gives each this verdict: 0 NF_DROP,
 *     1 NF_ACCEPT, or - none before it ends; 1+ accepts 1400 zeros instead of the packet.
 *     Prints a line when it is ready.
 * Exit status: 0, 1 something failed, 2 usage.
 */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
	struct nlmsghdr head;
	struct nfgenmsg gen;
	struct nlattr attr;
	char value[16];
	char more[1400];
};

/* A request with one attribute; LONGER: also a packet of zeros. */
static int ask(int fd, int queue, int what, int attr, const void *value, size_t len, bool longer)
{
	struct message m = {
		.head.nlmsg_len = offsetof(struct message, value) + NLMSG_ALIGN(len),
		.head.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | what,
		.head.nlmsg_flags = NLM_F_REQUEST,
		.gen.res_id = htons(queue),
		.attr.nla_type = attr,
		.attr.nla_len = NLA_HDRLEN + len,
	};

	memcpy(m.value, value, len);
	if (longer) {
		struct nlattr payload = { .nla_len = NLA_HDRLEN + sizeof(m.more),
					  .nla_type = NFQA_PAYLOAD };

		memcpy(m.value + len, &payload, sizeof(payload));
		m.head.nlmsg_len += payload.nla_len;
	}
	return send(fd, &m, m.head.nlmsg_len, 0) < 0;
}

int main(int argc, char **argv)
{
	struct nfqnl_msg_config_params params = { .copy_mode = NFQNL_COPY_META };
	struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	int fd, queue, count;
	static char buf[65536];

	if (argc != 4) {
		fprintf(stderr, "usage: nfqueue QUEUE VERDICT COUNT (see tests/nfqueue.c)\n");
		return 2;
	}
	queue = atoi(argv[1]);
	count = atoi(argv[3]);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (fd < 0 || ask(fd, queue, NFQNL_MSG_CONFIG, NFQA_CFG_CMD, &bind, sizeof(bind), false) ||
	    ask(fd, queue, NFQNL_MSG_CONFIG, NFQA_CFG_PARAMS, &params, sizeof(params), false))
		return 1;
	puts("ready");
	fflush(stdout);
	while (count) {
		const struct message *m = (const void *)buf;
		struct nfqnl_msg_verdict_hdr verdict;

		if (recv(fd, buf, sizeof(buf), 0) < (ssize_t)offsetof(struct message, more))
			return 1;
		if (m->head.nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
			continue;
		count--;
		if (*argv[2] == '-')
			continue;
		/* NFQA_PACKET_HDR is the first attribute; it begins with the number */
		verdict.verdict = htonl(atoi(argv[2]));
		memcpy(&verdict.id, m->value, sizeof(verdict.id));
		if (ask(fd, queue, NFQNL_MSG_VERDICT, NFQA_VERDICT_HDR, &verdict, sizeof(verdict),
			argv[2][1] == '+'))
			return 1;
	}
	return 0;
}
