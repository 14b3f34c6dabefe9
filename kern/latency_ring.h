/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency_ring.h - from XDP to tc: stamped packets wait in a per-CPU ring, and tc finds them by
 * their headers. Both run in one NAPI poll; between them is only GRO, which may hold a packet
 * back or append it to another one.
 */
#ifndef HOOKMAP_LATENCY_RING_H
#define HOOKMAP_LATENCY_RING_H

#include <linux/tcp.h>

#include "latency.h"
#include "match.h"
#include "parse.h"

HM_MAP(lat_ring);

/* Inlined, the loop must be short. */
#ifdef HM_MAPS_LEGACY
#define LAT_RING_SCAN 64
#else
#define LAT_RING_SCAN LAT_RING
#endif

static __always_inline struct lat_ring *lat_ring_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lat_ring, &zero);
}

/* Parses a packet of LEN bytes into the scratch WHICH of RING; NULL if it is not IP, or
 * malformed. L3 is 0 for an Ethernet frame, otherwise the protocol at DATA. */
static __always_inline struct lat_packet *lat_parse(struct lat_ring *ring, __u32 which, void *data,
						    void *end, __u64 len, __be16 l3)
{
	struct lat_packet *p = &ring->scratch[which];
	struct cursor c = { data, end };
	int proto = l3 ?: parse_eth(&c);
	struct tcphdr *tcp;
	__u32 l4;

	/* in XDP a difference of pointers, which the verifier does not take in 32 bits */
	asm volatile("" : "+r"(len));
	__builtin_memset(p, 0, sizeof(*p));
	if (parse_ip(&c, proto, &p->f) < 0)
		return NULL;
	p->l4 = c.pos - data;
	l4 = *(volatile __u16 *)&p->l4 & 0x3ff; /* from here on, the same for all */
	c.pos = data + l4;
	parse_l4(&c, &p->f);
	p->id = parse_l4_id(&c, &p->f);
	tcp = c.pos;
	if (p->f.l4proto == IPPROTO_TCP && !p->f.fragment && (void *)(tcp + 1) <= end) {
		p->tcp = len - l4 - tcp->doff * 4;
		p->empty = !p->tcp;
		p->clone = p->tcp && tcp->syn;
	}
	return p;
}

/* Is a packet received by IFINDEX, the first stage's device, to be measured? */
static __always_inline int lat_match(const struct lat_cfg *cfg, __u32 ifindex, const struct flow *f)
{
	return (!cfg->ifindex || cfg->ifindex == ifindex) &&
	       match_flow(&cfg->match, f) == MATCH_YES;
}

/* A hash of the fields that packets of one flow share: never 0. */
static __always_inline __u32 lat_flow(const struct flow *f)
{
	__u32 hash = f->l4proto | f->fragment << 8;

	hash = hash * 31 + ((__u32)f->sport << 16 | f->dport);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		hash = hash * 31 + f->src[i];
		hash = hash * 31 + f->dst[i];
	}
	return hash ?: 1;
}

/* The time is written last: an entry without a time is ignored, see struct lat_ring. */
static __always_inline void lat_ring_push(struct lat_ring *ring, const struct lat_packet *packet)
{
	struct lat_pending *p = &ring->entry[ring->head++ & (LAT_RING - 1)];

	*(volatile __u64 *)&p->time = 0;
	p->flow = lat_flow(&packet->f);
	p->id = packet->id;
	ring->look = LAT_RING_EXPIRE;
	*(volatile __u64 *)&p->time = bpf_ktime_get_ns();
}

#ifdef LAT_RECORD

/* Takes the entry at AT if its packet is part of the one that tc sees now, of which PACKET is
 * the first. The tail, which was at HEAD, becomes the first entry that stays. */
HM_FUNCTION int lat_ring_try(__u32 at, __u32 head)
{
	struct lat_ring *ring = lat_ring_get();
	struct lat_stat *st = lat_lookup(lat_stat);
	struct lat_packet *packet;
	struct lat_pending *p;
	__u32 from;

	if (!ring || !st)
		return 0;
	packet = &ring->scratch[LAT_SCRATCH_TC];
	p = &ring->entry[at & (LAT_RING - 1)];
	if (!p->time)
		return 0;
	if (p->flow != ring->flow)
		goto stays;
	from = bpf_ntohl(p->id) - bpf_ntohl(packet->id);
	if (p->id != packet->id && from >= packet->tcp && !ring->segments)
		goto stays;
	if (!ring->time)
		ring->time = p->time;
	else if (packet->tcp || ring->segments)
		st->lost[LAT_LOST_MERGED]++;
	else
		goto stays;
	p->time = 0;
	if (ring->segments)
		ring->segments--;
	return 0;
stays:
	if (ring->tail == head)
		ring->tail = at;
	return 0;
}

/*
 * The time at which the packet in the ring's scratch passed XDP, or 0 if it was not stamped
 * there. GRO may have appended stamped packets to the first one: the oldest counts, and lat_stat
 * counts the others as merged. TCP segments are identified by their sequence numbers. UDP
 * datagrams in a packet of SEGMENTS (0 = not merged) keep no identification, so that number of
 * the flow's oldest entries is taken.
 */
HM_FUNCTION __u64 lat_ring_take(__u32 segments)
{
	struct lat_ring *ring = lat_ring_get();
	__u32 head, tail;

	if (!ring)
		return 0;
	head = ring->head;
	tail = ring->tail;
	if (head - tail > LAT_RING_SCAN)
		tail = head - LAT_RING_SCAN;
	ring->time = 0;
	ring->tail = head;
	ring->segments = segments;
	ring->flow = lat_flow(&ring->scratch[LAT_SCRATCH_TC].f);
	for (int i = 0; i < LAT_RING_SCAN; i++) {
		if (tail + i == head)
			break;
		lat_ring_try(tail + i, head);
	}
	if (!ring->time && !--ring->look)
		ring->tail = head;
	return ring->time;
}

#endif /* LAT_RECORD */

#endif
