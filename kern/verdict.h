/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict.h - how every XDP program of the collection counts what it decided: by
 * device, action and a reason of its own, per CPU, in map xdp_verdict.
 *
 *   #include "verdict.h"
 *   HM_MAP(xdp_verdict);
 *   ...
 *   return xdp_verdict(ctx, XDP_DROP, XDP_R_MALFORMED);
 *
 * It returns the action. Call it once a packet, at the end (it is inlined). Reasons
 * are in abi.h (enum xdp_reason: append to the program's own block), their names and
 * what they mean in user/reasons.c. `hookmap drops` shows XDP_DROP and XDP_ABORTED as
 * lost; a redirect that fails later is counted by kern/drops_xdp, not here.
 *
 * veth, tun and generic mode have an skb already when XDP runs, and free it as
 * dropped: kern/drops would see the same packet again. The address that is left
 * here tells it.
 */
#ifndef HOOKMAP_VERDICT_H
#define HOOKMAP_VERDICT_H

#include "maps.h"

#define XDP_PROBES 8 /* cells tried for a new (device, action, reason) */

static __always_inline int xdp_verdict_count(struct xdp_md *ctx, struct xdp_verdict *v, __u64 bytes,
					     __u32 action, __u32 reason)
{
	__u32 ifindex = ctx->ingress_ifindex;
	__u32 at = ifindex * 67 + reason * 7 + action;

	if (action <= XDP_DROP) { /* XDP_ABORTED, XDP_DROP */
		v->data = (__u64)(void *)(long)ctx->data;
		v->ifindex = ifindex;
		v->aborted = action == XDP_ABORTED;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < XDP_PROBES; i++, at++) {
		struct xdp_cell *cell = &v->cell[at & (XDP_CELLS - 1)];

		if (!cell->ifindex) {
			cell->reason = reason;
			cell->action = action;
			cell->ifindex = ifindex;
		} else if (cell->ifindex != ifindex || cell->reason != reason ||
			   cell->action != action) {
			continue;
		}
		cell->packets++;
		cell->bytes += bytes;
		return action;
	}
	v->over_packets++;
	v->over_bytes += bytes;
	return action;
}

#define xdp_verdict(CTX, ACTION, REASON)                                                           \
	xdp_verdict_of(CTX, (CTX)->data_end - (CTX)->data, ACTION, REASON)
/* BYTES: of a frame that may be in several pieces, see xdp.h */
#define xdp_verdict_of(CTX, BYTES, ACTION, REASON)                                                 \
	({                                                                                         \
		__u32 zero_ = 0;                                                                   \
		struct xdp_verdict *v_ = bpf_map_lookup_elem(&xdp_verdict, &zero_);                \
		v_ ? xdp_verdict_count(CTX, v_, BYTES, ACTION, REASON) : (ACTION);                 \
	})

#endif
