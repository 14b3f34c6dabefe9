// SPDX-License-Identifier: GPL-2.0-only
/*
 * verdict_cost - what verdict.h adds to an XDP program, for `bpftool prog run`.
 */
#include "verdict.h"

SEC("xdp")
int cost_plain(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data > 20 ? XDP_DROP : XDP_PASS;
}

SEC("xdp/counted")
int cost_counted(struct xdp_md *ctx)
{
	return xdp_verdict(ctx, ctx->data_end - ctx->data > 20 ? XDP_DROP : XDP_PASS, XDP_R_TEST);
}
