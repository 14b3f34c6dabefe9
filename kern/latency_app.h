/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency_app.h - the application stage, for tracing programs: kern/latency
 * (tracepoint) and kern/latency_fentry. Both run in process context.
 */
#ifndef HOOKMAP_LATENCY_APP_H
#define HOOKMAP_LATENCY_APP_H

#define LAT_RECORD
#include "latency.h"
#include "parse.h"
#include "skb.h"

HM_MAP(lat_stat);

static __always_inline int lat_app(struct sk_buff *skb)
{
	__u32 slot = skb->tc_index, id;
	struct lat_stamp *stamp;
	struct lat_stat *st;

	if (!slot)
		return 0;
	st = lat_lookup(lat_stat);
	if (!st)
		return 0;
	stamp = lat_stamp_get(st, slot, skb->hash);
	/* a packet that is read in pieces: only the first piece counts */
	if (!stamp || stamp->stage == LAT_APP)
		return 0;
	if (stamp->id) {
		if (bpf_probe_read_kernel(&id, sizeof(id),
					  skb->head + skb->transport_header + PARSE_ID_OFFSET))
			return 0;
		if (id != stamp->id) {
			__sync_fetch_and_add(&st->lost[LAT_LOST_SLOT], 1);
			return 0;
		}
	}
	lat_move(st, stamp, LAT_APP);
	return 0;
}

#endif
