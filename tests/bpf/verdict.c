// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/verdict - an XDP program of the collection, for tests: counts its verdicts.
 *
 *   ip link set dev D xdp obj build/tests/bpf/verdict.o
 *
 * UDP to port 7001 is dropped, to 7002 aborted, all else passed.
 */
#define HM_MAPS_PINNED /* ip loads it */
#include "verdict.h"
#include "parse.h"

SEC("prog")
int verdict_xdp(struct xdp_md *ctx)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	__u32 action = XDP_PASS, reason = XDP_R_NONE;
	struct flow f = {};
	int proto;

	proto = parse_eth(&c);
	if (proto >= 0 && parse_ip(&c, proto, &f) == IPPROTO_UDP) {
		parse_l4(&c, &f);
		reason = XDP_R_TEST;
		if (f.dport == bpf_htons(7001))
			action = XDP_DROP;
		if (f.dport == bpf_htons(7002))
			action = XDP_ABORTED;
	}
	return xdp_verdict(ctx, action, reason);
}
