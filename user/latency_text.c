// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency_text.c - hookmap latency --explain: explains the time between two stages, and where to
 * look next.
 */
#include <string.h>

#include "hookmap.h"

static const struct {
	const char *from, *to; /* NULL: any */
	const char *means, *look;
} texts[] = {
	{ "xdp", "tc",
	  "the driver's poll: it allocates the sk_buff, and GRO waits for more packets of the flow",
	  "hookmap napi, /proc/net/softnet_stat (time_squeeze), ethtool -c DEV, ethtool -k DEV "
	  "(gro), "
	  "/sys/class/net/DEV/gro_flush_timeout" },
	{ NULL, "prerouting",
	  "tc filters after ours, packet sockets, and the bridge, VLAN or tunnel above the device",
	  "tc -s filter show dev DEV ingress, ss -0 (tcpdump and the like), hookmap path" },
	{ NULL, "input",
	  "rules and conntrack in PREROUTING, NAT, the routing decision, rules in INPUT before "
	  "ours",
	  "iptables -vnL -t raw (and mangle, nat), nft list ruleset, conntrack -S, ip rule" },
	{ NULL, "container",
	  "routing, rules in FORWARD and POSTROUTING, the veth, and the backlog of a CPU",
	  "iptables -vnL FORWARD, /proc/net/softnet_stat, hookmap drops, hookmap napi" },
	{ NULL, "socket",
	  "rules in INPUT after ours, the protocol, the look-up of the socket, programs of "
	  "cgroups",
	  "iptables -vnL INPUT, bpftool cgroup tree, hookmap progs, nstat -az TcpExtTCPOFOQueue "
	  "(TCP "
	  "out of order)" },
	{ NULL, "app",
	  "the packet waits in the socket until the application reads, which is busy or waits for "
	  "a "
	  "CPU",
	  "ss -tunmp (Recv-Q), hookmap pktlat --slow 1000 (which process), pidstat -wu" },
};

const struct reason_text *latency_text(const char *from, const char *to)
{
	static struct reason_text text;

	/* as for drops; valid until the next call */
	text = (struct reason_text){ "", "latency", "the path between the two stages",
				     "hookmap path" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(to, texts[i].to) || (texts[i].from && strcmp(from, texts[i].from)))
			continue;
		text.means = texts[i].means;
		text.look = texts[i].look;
		break;
	}
	return &text;
}
