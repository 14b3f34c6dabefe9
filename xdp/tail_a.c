// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/tail_a - passes each frame to another program, selected by its protocol.
 *
 *   ip link set dev D xdp obj build/xdp/tail_a.o
 *   tc exec bpf graft m:globals/tail_next key 1 obj build/xdp/tail_b.o type xdp sec prog
 *
 * Key 1 is COUNT_IPV4 of kern/abi.h. The kernel only accepts an XDP program that was loaded the
 * same way.
 *
 * Maps: tail_next, tail_next_frags (programs by enum count_kind). Returns what the next program
 * returns, XDP_PASS if there is none.
 */
#include "count.h"
#include "parse.h"
#include "xdp.h"

/* An array of programs. The kernel empties it when user space has no reference left, even
 * while programs use it: it keeps its entries only as long as it is pinned. */
HM_MAP(tail_next);
/* All programs of an array are of one kind: those for jumbo frames have their own array. */
HM_DECLARE(tail_next_frags, PROG_ARRAY, __u32, __u32, COUNT_KINDS, 0);

HM_XDP(tail_a)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	enum count_kind kind = count_kind(parse_eth(&c));

	/* does not return, unless the slot is empty */
	if (frags)
		bpf_tail_call(ctx, &tail_next_frags, kind);
	else
		bpf_tail_call(ctx, &tail_next, kind);
	return XDP_PASS;
}
