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

static __always_inline __u8 lat_traced_l4proto(struct sk_buff *skb, __u8 expected)
{
	__u8 head[10] = {};

	bpf_probe_read_kernel(head, sizeof(head), skb->head + skb->network_header);
	return head[0] >> 4 == 6 ? expected : head[9];
}

static __always_inline int lat_app(struct sk_buff *skb)
{
	__u32 tag = skb->tc_index;
	struct lat_stamp *stamp;
	struct lat_stat *st;

	if (!(tag & LAT_INDEX_TAG))
		return 0;
	st = lat_lookup(lat_stat);
	stamp = lat_stamp_get(skb, tag, lat_traced_l4proto);
	/* the stamp ends here: of a packet that is read in pieces, the first one counts */
	if (st && stamp)
		lat_move(st, stamp, LAT_APP);
	return 0;
}

#endif
