// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/latency - the first stage: chooses packets and stamps them.
 *
 *   ip link set dev D xdp obj build/xdp/latency.o
 *
 * The time goes into a ring of this CPU, under a hash of the packet's headers by
 * which tc/latency knows it again. The packet is not touched. (XDP metadata could
 * carry the time as well, but GRO does not merge packets whose metadata differ, and
 * then delivers TCP segments out of order.)
 *
 * Then tail-calls the program in xdp_next at the device's ifindex, so that the
 * slot of the device can be shared:
 *
 *   tc exec bpf graft m:globals/xdp_next key IFINDEX obj F type xdp sec prog
 *
 * Maps: lat_cfg (rate, filter), lat_stat (seen, sampled), lat_ring, xdp_next. Times
 * in ns. Only IP is measured.
 * Returns XDP_PASS, or what the next program returns.
 */
#include "latency.h"
#include "latency_ring.h"

HM_MAP(lat_cfg);
HM_MAP(lat_stat);
HM_MAP(xdp_next);

static __always_inline int lat_prefix_match(__u8 family, const struct flow *f, const __u32 *addr,
					    const __u32 *want, const __u32 *mask)
{
	if (!family)
		return 1;
	if (family != f->family)
		return 0;
	return !(((addr[0] ^ want[0]) & mask[0]) | ((addr[1] ^ want[1]) & mask[1]) |
		 ((addr[2] ^ want[2]) & mask[2]) | ((addr[3] ^ want[3]) & mask[3]));
}

static __always_inline int lat_filter(const struct lat_cfg *cfg, __u32 ifindex, struct cursor *c,
				      struct flow *f)
{
	if (cfg->ifindex && cfg->ifindex != ifindex)
		return 0;
	if (cfg->l4proto && cfg->l4proto != f->l4proto)
		return 0;
	if (cfg->sport | cfg->dport | cfg->port) {
		parse_l4_ports(c, f);
		if (cfg->sport && cfg->sport != f->sport)
			return 0;
		if (cfg->dport && cfg->dport != f->dport)
			return 0;
		if (cfg->port && cfg->port != f->sport && cfg->port != f->dport)
			return 0;
	}
	return lat_prefix_match(cfg->src_family, f, f->src, cfg->src, cfg->src_mask) &&
	       lat_prefix_match(cfg->dst_family, f, f->dst, cfg->dst, cfg->dst_mask);
}

static __always_inline void lat_xdp_stamp(struct xdp_md *ctx)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct lat_cfg *cfg = lat_lookup(lat_cfg);
	struct lat_stat *st = lat_lookup(lat_stat);
	struct flow f = {};

	if (!cfg || !st || cfg->flags & LAT_F_PAUSE)
		return;
	if (cfg->flags & LAT_F_FILTER) {
		if (parse_ip(&c, parse_eth(&c), &f) < 0 ||
		    !lat_filter(cfg, ctx->ingress_ifindex, &c, &f) || !lat_sample(cfg, st))
			return;
	} else {
		if (!lat_sample(cfg, st))
			return;
		if (parse_ip(&c, parse_eth(&c), &f) < 0) {
			st->sampled--; /* no IP: as if it had not been there */
			st->seen--;
			return;
		}
	}
	lat_ring_push(&c, &f);
}

SEC("prog")
int latency_xdp(struct xdp_md *ctx)
{
	lat_xdp_stamp(ctx);
	bpf_tail_call(ctx, &xdp_next, ctx->ingress_ifindex);
	return XDP_PASS;
}
