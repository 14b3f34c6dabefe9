// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/latency - the first stage: chooses packets and stamps them.
 *
 *   ip link set dev D xdp obj build/xdp/latency.o
 *
 * It stores the time in a per-CPU ring, under a hash of the packet's headers; tc/latency finds
 * it there. The packet is not changed. (XDP metadata could carry the time, but GRO does not
 * merge packets whose metadata differ, and then delivers TCP segments out of order.)
 *
 * Then tail-calls the program in xdp_next at the device's ifindex, so that programs can share
 * the slot of the device:
 *
 *   tc exec bpf graft m:globals/xdp_next key IFINDEX obj F type xdp sec prog
 *
 * Maps: lat_cfg (rate, filter), lat_stat (seen, sampled), lat_ring, xdp_next. Times
 * in ns. Only IP is measured.
 * Returns XDP_PASS, or what the next program returns.
 */
#include "latency.h"
#include "latency_ring.h"
#include "reach.h"
#include "xdp.h"

HM_MAP(lat_cfg);
HM_MAP(lat_stat);
HM_MAP(xdp_next);
HM_MAP(xdp_next_xdp);
HM_MAP(xdp_next_frags);

static __always_inline void lat_xdp_stamp(struct xdp_md *ctx, int frags)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct lat_cfg *cfg = lat_lookup(lat_cfg);
	struct lat_stat *st = lat_lookup(lat_stat);
	struct lat_packet *packet;
	struct lat_ring *ring;
	__u32 filter;

	if (!cfg || !st || cfg->flags & LAT_F_PAUSE)
		return;
	/* filter before sampling; without a filter, most packets are not parsed */
	filter = cfg->flags & LAT_F_FILTER;
	if (!filter && !lat_turn(cfg, st)) {
		lat_seen(st, 0);
		return;
	}
	ring = lat_ring_get();
	if (!ring)
		return;
	packet = lat_parse(ring, LAT_SCRATCH_XDP, data, end, xdp_bytes(ctx, frags), 0);
	if (!packet || (filter && !lat_match(cfg, ctx->ingress_ifindex, &packet->f)))
		return;
	if (lat_seen(st, !filter || lat_turn(cfg, st)))
		lat_ring_push(ring, packet);
}

/* The kernel calls only a program of the same kind: for jumbo frames or not, and, since
 * Linux 6.18, with the same attach type, which libbpf gives to section "xdp" but not to "prog". */
#define LAT_XDP(SECTION, NAME, NEXT, FRAGS)                                                        \
	SEC(SECTION)                                                                               \
	int NAME(struct xdp_md *ctx)                                                               \
	{                                                                                          \
		reach(ctx->ingress_ifindex);                                                       \
		lat_xdp_stamp(ctx, FRAGS);                                                         \
		bpf_tail_call(ctx, &NEXT, ctx->ingress_ifindex);                                   \
		return XDP_PASS;                                                                   \
	}

LAT_XDP("prog", latency_xdp, xdp_next, 0)
LAT_XDP("xdp", latency_xdp2, xdp_next_xdp, 0)
LAT_XDP("xdp.frags", latency_frags, xdp_next_frags, 1)
