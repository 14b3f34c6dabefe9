/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency_filter.h - which packets are measured. The first stage asks: XDP, or tc
 * where there is no XDP program in front.
 */
#ifndef HOOKMAP_LATENCY_FILTER_H
#define HOOKMAP_LATENCY_FILTER_H

#include "abi.h"
#include "parse.h"
#include "prefix.h"

static __always_inline int lat_prefix_match(__u8 family, const struct flow *f, const __u32 *addr,
					    const __u32 *want, const __u32 *mask)
{
	if (!family)
		return 1;
	if (family != f->family)
		return 0;
	return prefix_match(addr, want, mask);
}

static __always_inline int lat_filter(const struct lat_cfg *cfg, __u32 ifindex,
				      const struct flow *f)
{
	if (cfg->ifindex && cfg->ifindex != ifindex)
		return 0;
	if (cfg->l4proto && cfg->l4proto != f->l4proto)
		return 0;
	if (cfg->sport && cfg->sport != f->sport)
		return 0;
	if (cfg->dport && cfg->dport != f->dport)
		return 0;
	if (cfg->port && cfg->port != f->sport && cfg->port != f->dport)
		return 0;
	return lat_prefix_match(cfg->src_family, f, f->src, cfg->src, cfg->src_mask) &&
	       lat_prefix_match(cfg->dst_family, f, f->dst, cfg->dst, cfg->dst_mask);
}

#endif
