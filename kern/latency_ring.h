/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency_ring.h - from XDP to tc: packets that were stamped wait in a ring of the
 * CPU, and tc finds them by their headers. Both run in one NAPI poll; in between
 * there is only GRO, which may hold a packet back or merge it behind another one.
 */
#ifndef HOOKMAP_LATENCY_RING_H
#define HOOKMAP_LATENCY_RING_H

#include "maps.h"
#include "parse.h"

HM_MAP(lat_ring);

/* What makes packets of one flow the same: never 0. */
static __always_inline __u32 lat_flow(struct cursor *c, struct flow *f)
{
	__u32 hash = f->l4proto | f->fragment << 8;

	parse_l4_ports(c, f);
	hash = hash * 31 + ((__u32)f->sport << 16 | f->dport);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		hash = hash * 31 + f->src[i];
		hash = hash * 31 + f->dst[i];
	}
	return hash ?: 1;
}

static __always_inline struct lat_ring *lat_ring_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lat_ring, &zero);
}

/* C is at the L4 header of F. */
static __always_inline void lat_ring_push(struct cursor *c, struct flow *f)
{
	struct lat_ring *ring = lat_ring_get();
	struct lat_pending *p;

	if (!ring)
		return;
	p = &ring->entry[ring->head++ & (LAT_RING - 1)];
	p->flow = lat_flow(c, f);
	p->id = parse_l4_id(c, f);
	ring->look = LAT_RING_EXPIRE;
	p->time = bpf_ktime_get_ns();
}

/*
 * The time at which the packet (FLOW, ID) passed XDP, or 0 if it was not stamped.
 * TCP is the number of payload bytes of a TCP packet, else 0: GRO may have put
 * stamped segments behind its first one. The oldest of them counts, and *MERGED
 * tells how many others there were.
 */
static __always_inline __u64 lat_ring_take(struct lat_ring *ring, __u32 flow, __u32 id, __u32 tcp,
					   __u32 *merged)
{
	__u32 head = ring->head, tail = ring->tail, live = head, seq = bpf_ntohl(id);
	__u64 time = 0;

	if (head - tail > LAT_RING_SCAN)
		tail = head - LAT_RING_SCAN;
	for (int i = 0; i < LAT_RING_SCAN; i++) {
		struct lat_pending *p = &ring->entry[(tail + i) & (LAT_RING - 1)];

		if (tail + i == head)
			break;
		if (!p->time)
			continue;
		if (p->flow == flow && (p->id == id || (tcp && bpf_ntohl(p->id) - seq < tcp))) {
			/* without TCP's sequence, equal packets are taken one by one */
			if (!time)
				time = p->time;
			else if (tcp)
				*merged += 1;
			else
				goto keep;
			p->time = 0;
			continue;
		}
	keep:
		if (live == head)
			live = tail + i;
	}
	ring->tail = live;
	if (!time && !--ring->look)
		ring->tail = head;
	return time;
}

#endif
