// SPDX-License-Identifier: GPL-2.0-only
/*
 * nfqueue - reads an NFQUEUE, for the tests.
 *
 *   nfqueue QUEUE VERDICT COUNT   takes COUNT packets, and gives each this verdict: 0 NF_DROP,
 *     1 NF_ACCEPT, or - none before it ends; 1+ accepts a longer packet, of no known protocol.
 *     Prints a line when it is ready.
 * Exit status: 0, 1 something failed, 2 usage.
 */
#include <arpa/inet.h>
#include <linux/ip.h>
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
};

/* A request with one attribute; LONGER: also a packet of 1400 bytes. */
static int ask(int fd, int queue, int what, int attr, const void *value, size_t len, bool longer)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = 253 };
	struct nlattr payload = { .nla_type = NFQA_PAYLOAD, .nla_len = NLA_HDRLEN + 1400 };
	struct message m = {
		.head.nlmsg_len = offsetof(struct message, value) + NLMSG_ALIGN(len),
		.head.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | what,
		.head.nlmsg_flags = NLM_F_REQUEST,
		.gen.res_id = htons(queue),
		.attr.nla_type = attr,
		.attr.nla_len = NLA_HDRLEN + len,
	};
	char buf[2048] = "", *at = buf + m.head.nlmsg_len;

	memcpy(m.value, value, len);
	if (longer)
		m.head.nlmsg_len += payload.nla_len;
	memcpy(buf, &m, sizeof(m));
	ip.tot_len = htons(1400);
	ip.saddr = inet_addr("10.11.1.2");
	ip.daddr = inet_addr("10.11.1.1");
	if (longer) {
		memcpy(at, &payload, sizeof(payload));
		memcpy(at + sizeof(payload), &ip, sizeof(ip));
	}
	return send(fd, buf, m.head.nlmsg_len, 0) < 0;
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

		if (recv(fd, buf, sizeof(buf), 0) < (ssize_t)sizeof(*m))
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
