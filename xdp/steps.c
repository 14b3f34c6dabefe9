// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/steps - several programs in one object, for bpftool to load at once.
 *
 *   bpftool prog loadall build/xdp/steps.o /sys/fs/bpf/steps type xdp \
 *       pinmaps /sys/fs/bpf/steps_maps
 *   bpftool map update pinned /sys/fs/bpf/steps_maps/step_next \
 *       key 2 0 0 0 value pinned /sys/fs/bpf/steps/steps_drop
 *   bpftool net attach xdp pinned /sys/fs/bpf/steps/steps_xdp dev D
 *
 * Maps: step_next (programs by enum count_kind). Returns what the step returns,
 * XDP_PASS if there is none.
 */

/* bpftool's "pinmaps" wants to pin the maps itself */
#undef HM_MAPS_PINNED

#include "count.h"
#include "parse.h"

HM_MAP(step_next);

SEC("prog")
int steps_xdp(struct xdp_md *ctx)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };

	bpf_tail_call(ctx, &step_next, count_kind(parse_eth(&c)));
	return XDP_PASS;
}

/* one program per section; ip and tc load only the selected one */
SEC("xdp/drop")
int steps_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp/pass")
int steps_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
