/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict.h - counts the verdicts of every XDP program of the collection by device, action and
 * reason, per CPU, in map xdp_verdict.
 *
 *   #include "verdict.h"
 *   ...
 *   return xdp_verdict(ctx, XDP_DROP, XDP_R_MALFORMED);
 *
 * It returns the action. Call it once per packet, at the end (it is inlined). Reasons are in
 * abi.h (enum xdp_reason: append to the program's own block), their names and meanings in
 * user/reasons.c. `hookmap drops` shows XDP_DROP and XDP_ABORTED as lost; a redirect that fails
 * later is counted by kern/drops_xdp, not here.
 *
 * In veth, tun and generic mode, XDP runs on an skb, which the kernel then frees as dropped:
 * kern/drops would count the packet again. The address stored here prevents that.
 */
#ifndef HOOKMAP_VERDICT_H
#define HOOKMAP_VERDICT_H

#include "maps.h"
#include "skb.h"

HM_MAP(xdp_home);
HM_MAP(xdp_verdict);
HM_PRIVATE(xdp_here);

#define XDP_PROBES 8 /* cells tried for a new (device, action, reason) */
/* devices that counted in the same 2^30 ns, about a second, are equally old */
#define XDP_AGE_SHIFT 30

/* Records the device that the program runs on; returns its number. */
__noinline int xdp_look(struct xdp_md *ctx)
{
	struct xdp_home home = { .ifindex = ctx->ingress_ifindex, .last = bpf_ktime_get_ns() };
	struct xdp_home *old;
	__u32 device = home.ifindex;

#ifndef HM_MAPS_LEGACY /* whose loader has no CO-RE: there the ifindex must do */
	struct xdp_rxq_info *rxq = NULL;
	struct net_device *dev;
	struct net *net;

	/* the context is the kernel's struct xdp_buff, of which programs may not load this */
	bpf_probe_read_kernel(&rxq, sizeof(rxq),
			      (void *)ctx + bpf_core_field_offset(struct xdp_buff, rxq));
	dev = BPF_CORE_READ(rxq, dev);
	net = BPF_CORE_READ(dev, nd_net.net);
	device = BPF_CORE_READ(dev, dev.kobj.sd, id) ?: device;
	home.netns = BPF_CORE_READ(net, ns.inum);
	home.cookie = net_cookie(net);
	BPF_CORE_READ_STR_INTO(&home.name, dev, name);
#endif
	/* in place: a new element may cost another one its own, if many CPUs keep free ones */
	old = bpf_map_lookup_elem(&xdp_home, &device);
	if (old)
		*old = home;
	else
		bpf_map_update_elem(&xdp_home, &device, &home, BPF_ANY);
	return device;
}

/* The device that the program runs on. (The ifindex alone may belong to another device or
 * namespace by now, if the program was moved from one device to another.) */
static __always_inline __u32 xdp_device(struct xdp_md *ctx)
{
	__u32 zero = 0, ifindex = ctx->ingress_ifindex;
	struct xdp_here *here = bpf_map_lookup_elem(&xdp_here, &zero);
	__u64 tick = bpf_jiffies64();

	if (!here)
		return 0;
	if (here->tick != tick || here->ifindex != ifindex) {
		here->device = xdp_look(ctx);
		here->ifindex = ifindex;
		here->tick = tick;
	}
	return here->device;
}

/*
 * Empties the cell that makes room, and returns its place: of a device that was removed from
 * xdp_home, else of the one that is idle longest, else the smallest (so that many new causes
 * replace each other, not the large ones). Global, so that the verifier walks its loop once, and
 * not behind each verdict of a program: there l2fwd is too long for it on Linux 6.1.
 */
__noinline int xdp_cell_evict(__u32 at)
{
	__u32 zero = 0, last = ~0, found = at & (XDP_CELLS - 1);
	struct xdp_verdict *v = bpf_map_lookup_elem(&xdp_verdict, &zero);
	__u64 least = ~0ULL;
	struct xdp_cell *cell;

	if (!v)
		return 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < XDP_PROBES; i++, at++) {
		__u32 device, then;
		struct xdp_home *home;

		cell = &v->cell[at & (XDP_CELLS - 1)];
		device = cell->device;
		home = bpf_map_lookup_elem(&xdp_home, &device);
		then = home ? home->last >> XDP_AGE_SHIFT : 0;
		if (then > last || (then == last && cell->packets >= least))
			continue;
		found = at & (XDP_CELLS - 1);
		last = then;
		least = cell->packets;
	}
	cell = &v->cell[found & (XDP_CELLS - 1)];
	v->evicted++;
	v->over_packets += cell->packets;
	v->over_bytes += cell->bytes;
	cell->packets = cell->bytes = 0;
	return found;
}

static __always_inline struct xdp_cell *xdp_cell_get(struct xdp_verdict *v, __u32 device,
						     __u32 action, __u32 reason)
{
	__u32 at = device * 67 + reason * 7 + action;
	struct xdp_cell *cell;

#pragma clang loop unroll(disable)
	for (int i = 0; i < XDP_PROBES; i++) {
		cell = &v->cell[(at + i) & (XDP_CELLS - 1)];
		if (cell->device == device && cell->reason == reason && cell->action == action)
			return cell;
		if (!cell->device)
			goto take;
	}
	cell = &v->cell[xdp_cell_evict(at) & (XDP_CELLS - 1)];
take:
	cell->reason = reason;
	cell->action = action;
	cell->device = device;
	return cell;
}

static __always_inline int xdp_verdict_count(struct xdp_md *ctx, struct xdp_verdict *v, __u64 bytes,
					     __u32 action, __u32 reason)
{
	struct xdp_cell *cell = xdp_cell_get(v, xdp_device(ctx), action, reason);

	if (action <= XDP_DROP) { /* XDP_ABORTED, XDP_DROP */
		v->data = (__u64)(void *)(long)ctx->data;
		v->ifindex = ctx->ingress_ifindex;
		v->aborted = action == XDP_ABORTED;
	}
	cell->packets++;
	cell->bytes += bytes;
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
