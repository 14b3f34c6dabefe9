// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/latency - the last two stages: socket and application.
 *
 *   bpftool prog loadall build/kern/latency.o DIR map name ... pinned ... autoattach
 *   bpftool cgroup attach CGROUP ingress pinned DIR/latency_socket multi
 *
 * socket: cgroup/skb ingress, the last hook before the socket's queue.
 * app: the payload is copied to the reader (TCP, raw, and UDP datagrams that GRO has
 * merged; for the others see kern/latency_fentry).
 *
 * The reader of a copy (a raw or packet socket) does not count as app.
 *
 * Maps: lat_stat, lat_stamp, lat_hist. Times in ns.
 */
#include "latency_app.h"

SEC("cgroup_skb/ingress")
int latency_socket(struct __sk_buff *skb)
{
	struct lat_stamp *stamp;
	struct lat_stat *st;

	if (!(skb->tc_index & LAT_INDEX_TAG))
		return 1;
	st = lat_lookup(lat_stat);
	stamp = lat_stamp_get(skb, skb->tc_index, lat_head);
	if (st && stamp && stamp->stage != LAT_SOCKET)
		lat_move(st, stamp, LAT_SOCKET);
	return 1;
}

SEC("tp_btf/skb_copy_datagram_iovec")
int latency_app(__u64 *ctx)
{
	return lat_app((struct sk_buff *)ctx[0]);
}
