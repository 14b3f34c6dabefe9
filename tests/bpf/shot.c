// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/shot - a tc program that drops: UDP to port 7010, and every frame from
 * 02:00:00:00:00:99.
 *
 *   tc filter add dev D ingress bpf da obj build/tests/bpf/shot.o
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"

char shot_license[] SEC("license") = "GPL";

SEC("classifier")
int shot_tc(struct __sk_buff *skb)
{
	struct cursor c = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	struct ethhdr *eth = c.pos;
	struct flow f = {};
	int proto;

	if ((void *)(eth + 1) <= c.end && eth->h_source[0] == 2 && eth->h_source[5] == 0x99)
		return TC_ACT_SHOT;
	proto = parse_eth(&c);
	if (proto < 0 || parse_ip(&c, proto, &f) != IPPROTO_UDP)
		return TC_ACT_UNSPEC;
	parse_l4(&c, &f);
	return f.dport == bpf_htons(7010) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
