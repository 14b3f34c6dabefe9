/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp.h - an XDP object has its program twice, from one source:
 *
 *   #include "xdp.h"
 *   HM_XDP(count)
 *   {
 *           return XDP_PASS;
 *   }
 *
 * makes count_xdp in section "prog", where `ip link set dev D xdp obj F` looks, and count_frags
 * in "xdp.frags" (`sec xdp.frags`, Linux 5.18). A frame larger than a page (jumbo) arrives in
 * several fragments, and drivers give such frames only to programs marked by that section.
 * ctx->data .. ctx->data_end is the first fragment, which has the headers.
 */
#ifndef HOOKMAP_XDP_H
#define HOOKMAP_XDP_H

#include "maps.h"

/* The length of the frame. FRAGS is a constant: with a single fragment, no helper is called. */
static __always_inline __u64 xdp_bytes(struct xdp_md *ctx, int frags)
{
	return frags ? bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
}

/* The body of both programs follows; FRAGS is 1 in the second. */
#define HM_XDP(NAME)                                                                               \
	static __always_inline int NAME##_both(struct xdp_md *ctx, int frags);                     \
	SEC("prog")                                                                                \
	int NAME##_xdp(struct xdp_md *ctx)                                                         \
	{                                                                                          \
		return NAME##_both(ctx, 0);                                                        \
	}                                                                                          \
	SEC("xdp.frags")                                                                           \
	int NAME##_frags(struct xdp_md *ctx)                                                       \
	{                                                                                          \
		return NAME##_both(ctx, 1);                                                        \
	}                                                                                          \
	static __always_inline int NAME##_both(struct xdp_md *ctx, int frags)

#endif
