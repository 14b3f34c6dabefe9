// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/tail_a - hands each frame on to another program, chosen by what it carries.
 *
 *   ip link set dev D xdp obj build/xdp/tail_a.o
 *   tc exec bpf graft m:globals/tail_next key 1 obj build/xdp/tail_b.o type xdp sec prog
 *
 * Key 1 is COUNT_IPV4 of kern/abi.h. What is put there must be an XDP program, too,
 * and loaded the same way: the kernel compares.
 *
 * Maps: tail_next (programs by enum count_kind). Returns what the next program
 * returns, XDP_PASS if there is none.
 */
#include "count.h"
#include "parse.h"

/* An array of programs. The kernel empties it when user space has let go of it, even
 * while programs use it: it keeps its entries only as long as it is pinned. */
HM_MAP(tail_next);

SEC("prog")
int tail_a_xdp(struct xdp_md *ctx)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };

	/* does not come back, unless the slot is empty */
	bpf_tail_call(ctx, &tail_next, count_kind(parse_eth(&c)));
	return XDP_PASS;
}
