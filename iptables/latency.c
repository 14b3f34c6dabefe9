// SPDX-License-Identifier: GPL-2.0-only
/*
 * iptables/latency - two stages: raw PREROUTING and filter INPUT.
 *
 *   bpftool prog load build/iptables/latency.o PIN type socket \
 *       map name lat_stat pinned G/lat_stat map name lat_stamp pinned G/lat_stamp \
 *       map name lat_hist pinned G/lat_hist          (G=/sys/fs/bpf/tc/globals)
 *   iptables -A INPUT -i D -m bpf --object-pinned PIN
 *
 * "prog load" takes the first program, INPUT; "prog loadall" pins both, by name.
 * A rule matches packets that carry a stamp, so that -j LOG logs just these.
 *
 * Maps: lat_stat, lat_stamp, lat_hist. Times in ns.
 */
#define LAT_RECORD
#include "latency.h"

static __always_inline int lat_iptables(struct __sk_buff *skb, __u8 stage)
{
	struct lat_stamp *stamp;
	struct lat_stat *st;

	if (!(skb->tc_index & LAT_INDEX_TAG))
		return 0;
	st = lat_lookup(lat_stat);
	stamp = lat_stamp_get(skb, skb->tc_index, lat_head);
	if (!st || !stamp || stamp->stage == stage)
		return 0;
	lat_move(st, stamp, stage);
	return 1;
}

SEC("socket")
int latency_input(struct __sk_buff *skb)
{
	return lat_iptables(skb, LAT_INPUT);
}

SEC("socket/prerouting")
int latency_raw(struct __sk_buff *skb)
{
	return lat_iptables(skb, LAT_PREROUTING);
}
