// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency_cost - the work of each stage on a sampled packet, for `bpftool prog run`,
 * which cannot set skb->tc_index. All maps are its own.
 */
#define LAT_RECORD
#include "latency.h"
#include "latency_ring.h"

HM_MAP(lat_cfg);

SEC("tc")
int cost_empty(struct __sk_buff *skb)
{
	return -1;
}

/* what tc/latency does with a packet that is in the ring */
SEC("tc")
int cost_tc(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct lat_cfg *cfg = lat_lookup(lat_cfg);
	struct lat_stat *st = lat_lookup(lat_stat);
	struct lat_ring *ring = lat_ring_get();
	struct lat_packet *packet;
	struct lat_stamp *stamp;
	struct lat_pending *p;
	__u64 first, now;

	if (!cfg || !st || !ring)
		return 0;
	packet = lat_parse(ring, LAT_SCRATCH_TC, data, end, skb->len, 0);
	if (!packet)
		return 0;
	/* as XDP left it */
	p = &ring->entry[ring->head++ & (LAT_RING - 1)];
	p->flow = lat_flow(&packet->f);
	p->id = packet->id;
	p->time = 1;
	ring->look = LAT_RING_EXPIRE;
	first = lat_ring_take(0);
	if (!first)
		return 0;
	stamp = lat_stamp_new(st, skb, 0, LAT_SHIFT_DEFAULT);
	now = bpf_ktime_get_ns();
	if (!stamp)
		return 0;
	stamp->first = now - 300;
	stamp->last = now;
	stamp->ifindex = skb->ifindex;
	stamp->stage = LAT_TC;
	stamp->begin = LAT_XDP;
	st->started++;
	lat_add(st, stamp, LAT_XDP, LAT_TC, 300);
	skb->tc_index = stamp->tag;
	return -1;
}

#define COST_TAG 0x10

static __always_inline int cost_stage(struct __sk_buff *skb, __u8 from, __u8 to)
{
	struct lat_stamp *base = lat_lookup(lat_stamp), *stamp;
	struct lat_stat *st = lat_lookup(lat_stat);

	if (!st || !base)
		return 0;
	stamp = lat_stamp_get(skb, COST_TAG, lat_head);
	if (!stamp) { /* the first run */
		lat_slot_take(lat_skb(skb, base), COST_TAG, LAT_SHIFT_DEFAULT);
		return -1;
	}
	stamp->stage = from;
	stamp->begin = LAT_XDP;
	lat_move(st, stamp, to);
	return -1;
}

/* a stage without a total: iptables */
SEC("tc")
int cost_iptables(struct __sk_buff *skb)
{
	return cost_stage(skb, LAT_TC, LAT_PREROUTING);
}

/* a stage with a total: socket, application */
SEC("tc")
int cost_socket(struct __sk_buff *skb)
{
	return cost_stage(skb, LAT_INPUT, LAT_SOCKET);
}

SEC("tc")
int cost_ktime(struct __sk_buff *skb)
{
	return bpf_ktime_get_ns();
}

SEC("xdp")
int cost_xdp_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* what xdp/latency does with a sampled packet */
SEC("xdp")
int cost_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct lat_cfg *cfg = lat_lookup(lat_cfg);
	struct lat_stat *st = lat_lookup(lat_stat);
	struct lat_ring *ring = lat_ring_get();
	struct lat_packet *packet;

	if (!cfg || !st || !ring || !lat_seen(st, lat_turn(cfg, st)))
		return XDP_DROP;
	packet = lat_parse(ring, LAT_SCRATCH_XDP, data, end, end - data, 0);
	if (!packet)
		return XDP_DROP;
	lat_ring_push(ring, packet);
	return XDP_PASS;
}
