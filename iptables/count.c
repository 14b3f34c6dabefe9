// SPDX-License-Identifier: GPL-2.0-only
/*
 * iptables/count - counts packets and bytes by what they carry, where a rule is.
 *
 *   bpftool prog load build/iptables/count.o PIN type socket \
 *       map name count_stat pinned /sys/fs/bpf/tc/globals/count_stat
 *   iptables -A INPUT -m bpf --object-pinned PIN -j ACCEPT
 *
 * iptables opens the pin each time it changes the table: delete the rule first.
 *
 * Maps: count_stat (by enum count_kind, per CPU). Matches every packet.
 */
#include "count.h"

HM_MAP(count_stat);

/* a socket filter: what xt_bpf runs */
SEC("socket")
int count_iptables(struct __sk_buff *skb)
{
	/* from the IP header on: shorter than at XDP and tc by the Ethernet header */
	count_add(&count_stat, count_kind(skb->protocol & 0xffff), skb->len);
	/* not 0: the rule matches */
	return 1;
}
