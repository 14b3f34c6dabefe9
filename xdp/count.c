// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/count - counts frames and bytes by protocol.
 *
 *   ip link set dev D xdp obj build/xdp/count.o
 *   bpftool map dump pinned /sys/fs/bpf/tc/globals/count_stat
 *
 * Maps: count_stat (by enum count_kind, per CPU). Returns XDP_PASS always.
 */
#include "count.h"
#include "parse.h"
#include "xdp.h"

HM_MAP(count_stat);

HM_XDP(count)
{
	/* The frame is between these two. Compare with the end before you read; the functions of
	 * parse.h do that. */
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	int proto = parse_eth(&c);

	count_add(&count_stat, count_kind(proto), xdp_bytes(ctx, frags));
	return XDP_PASS;
}
