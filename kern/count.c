// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/count - counts packets and bytes that the sockets of a cgroup receive.
 *
 *   bpftool prog load build/kern/count.o PIN \
 *       map name count_stat pinned /sys/fs/bpf/tc/globals/count_stat
 *   bpftool cgroup attach CGROUP ingress pinned PIN multi
 *
 * Maps: count_stat (by enum count_kind, per CPU). Returns 1 always: the packet
 * goes on to the socket.
 */
#include "count.h"

HM_MAP(count_stat);

/* bpftool guesses program and attach type from this name */
SEC("cgroup_skb/ingress")
int count_cgroup(struct __sk_buff *skb)
{
	/* from the IP header on */
	count_add(&count_stat, count_kind(skb->protocol & 0xffff), skb->len);
	/* 0 would drop the packet */
	return 1;
}
