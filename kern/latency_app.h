/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency_app.h - the application stage, for tracing programs: kern/latency
 * (tracepoint) and kern/latency_fentry. Both run in process context.
 */
#ifndef HOOKMAP_LATENCY_APP_H
#define HOOKMAP_LATENCY_APP_H

#define LAT_RECORD
#include "latency.h"
#include "skb.h"

#include <linux/in.h>

#define lat_traced_head(SKB, TO)                                                                   \
	bpf_probe_read_kernel(TO, LAT_HEAD, (SKB)->head + (SKB)->network_header)

/* Is SKB in a socket that receives packets of others? ICMP is for raw sockets. */
static __always_inline int lat_listener(const struct sk_buff *skb, const struct lat_stamp *stamp)
{
	const struct sock *sk = skb->sk;

	if (!sk)
		return 0;
	if (sk->__sk_common.skc_family == AF_PACKET)
		return 1;
	return sk->sk_type == SOCK_RAW && stamp->l4proto != IPPROTO_ICMP &&
	       stamp->l4proto != IPPROTO_ICMPV6;
}

static __always_inline int lat_app(struct sk_buff *skb)
{
	__u32 tag = skb->tc_index;
	struct lat_stamp *stamp;
	struct lat_stat *st;
	__u8 type;

	if (!(tag & LAT_INDEX_TAG))
		return 0;
	st = lat_lookup(lat_stat);
	stamp = lat_stamp_get(skb, tag, lat_traced_head);
	if (!st || !stamp || lat_listener(skb, stamp))
		return 0;
	/* of a packet to many sockets, all copies but one are clones */
	type = BPF_CORE_READ_BITFIELD(skb, pkt_type);
	if ((type == PACKET_MULTICAST || type == PACKET_BROADCAST) &&
	    lat_doubtful(stamp, bpf_ktime_get_ns()))
		return 0;
	/* the stamp ends here: if a packet is read in pieces, the first one counts */
	lat_move(st, stamp, LAT_APP);
	return 0;
}

#endif
