// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/count - counts packets and bytes by protocol.
 *
 *   tc qdisc add dev D clsact
 *   tc filter add dev D ingress pref 1 handle 1 bpf da obj build/tc/count.o
 *
 * "ingress" or "egress"; da (direct-action): the program's return value is the
 * verdict. Without pref and handle, a second "add" or "replace" makes a second filter.
 *
 * Maps: count_stat (by enum count_kind, per CPU). Returns TC_ACT_UNSPEC always: the later
 * filters decide.
 */
#include <linux/pkt_cls.h>

#include "count.h"

HM_MAP(count_stat);

/* where tc looks unless you say `sec NAME` */
SEC("classifier")
int count_tc(struct __sk_buff *skb)
{
	/* The kernel has already parsed this: a VLAN tag is in skb->vlan_tci, and the protocol
	 * is the one after it, in network order. */
	count_add(&count_stat, count_kind(skb->protocol & 0xffff), skb->len);
	return TC_ACT_UNSPEC;
}
