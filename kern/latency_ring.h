/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency_ring.h - from XDP to tc: packets that were stamped wait in a ring of the
 * CPU, and tc finds them by their headers. Both run in one NAPI poll; in between
 * there is only GRO, which may hold a packet back or merge it behind another one.
 */
#ifndef HOOKMAP_LATENCY_RING_H
#define HOOKMAP_LATENCY_RING_H

#include <linux/tcp.h>

#include "maps.h"
#include "parse.h"

HM_MAP(lat_ring);

/* A packet as the ring and the later stages know it. It lies in the ring's map, not
 * on the stack: there the verifier would follow each way through the parser to the
 * end of the program. */
struct lat_packet {
	struct flow f;
	__u32 id;  /* see struct lat_stamp */
	__u16 l4;  /* offset of the L4 header */
	__u16 tcp; /* bytes of TCP payload, in a packet that GRO may have merged */
};

_Static_assert(sizeof(struct lat_packet) <= sizeof(((struct lat_ring *)0)->scratch[0]), "scratch");

static __always_inline struct lat_ring *lat_ring_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lat_ring, &zero);
}

/* Parses an Ethernet frame of LEN bytes into the scratch WHICH of RING; NULL if it is not
 * IP, or malformed. */
static __always_inline struct lat_packet *lat_parse(struct lat_ring *ring, __u32 which, void *data,
						    void *end, __u32 len)
{
	struct lat_packet *p = (void *)ring->scratch[which];
	struct cursor c = { data, end };
	int proto = parse_eth(&c);
	struct tcphdr *tcp;
	__u32 l4;

	__builtin_memset(p, 0, sizeof(*p));
	if (parse_ip(&c, proto, &p->f) < 0)
		return NULL;
	p->l4 = c.pos - data;
	l4 = *(volatile __u16 *)&p->l4 & 0x3ff; /* from here on, one way for all */
	c.pos = data + l4;
	parse_l4_ports(&c, &p->f);
	p->id = parse_l4_id(&c, &p->f);
	tcp = c.pos;
	if (p->f.l4proto == IPPROTO_TCP && !p->f.fragment && (void *)(tcp + 1) <= end)
		p->tcp = len - l4 - tcp->doff * 4;
	return p;
}

/* What packets of one flow have in common: never 0. */
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

/* The time comes last: an entry without one is taken for none, see struct lat_ring. */
static __always_inline void lat_ring_push(struct lat_ring *ring, const struct lat_packet *packet)
{
	struct lat_pending *p = &ring->entry[ring->head++ & (LAT_RING - 1)];

	*(volatile __u64 *)&p->time = 0;
	p->flow = lat_flow(&packet->f);
	p->id = packet->id;
	ring->look = LAT_RING_EXPIRE;
	*(volatile __u64 *)&p->time = bpf_ktime_get_ns();
}

/*
 * The time at which PACKET passed XDP, or 0 if it was not stamped there. GRO may have
 * put stamped segments behind the first one of a TCP packet: the oldest of them
 * counts, the others are added to *MERGED.
 */
static __always_inline __u64 lat_ring_take(struct lat_ring *ring, const struct lat_packet *packet,
					   __u64 *merged)
{
	__u32 head = ring->head, tail = ring->tail, live = head;
	__u32 flow = lat_flow(&packet->f), id = packet->id, seq = bpf_ntohl(id);
	__u32 tcp = packet->tcp;
	__u64 time = 0;

	if (head - tail > LAT_RING_SCAN)
		tail = head - LAT_RING_SCAN;
	for (int i = 0; i < LAT_RING_SCAN; i++) {
		struct lat_pending *p = &ring->entry[(tail + i) & (LAT_RING - 1)];

		if (tail + i == head)
			break;
		if (!p->time)
			continue;
		if (p->flow == flow && (!time || tcp) &&
		    (p->id == id || bpf_ntohl(p->id) - seq < tcp)) {
			if (!time)
				time = p->time;
			else
				*merged += 1;
			p->time = 0;
		} else if (live == head) {
			live = tail + i;
		}
	}
	ring->tail = live;
	if (!time && !--ring->look)
		ring->tail = head;
	return time;
}

#endif
