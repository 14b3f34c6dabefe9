// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/flows - reads a frame with both parsers (parse.h, parse_copy.h): is it the same flow?
 *
 *   bpftool prog load build/tests/bpf/flows.o PIN type xdp
 *
 * Returns XDP_PASS, or XDP_DROP if they do not agree. Where the headers end too early or make no
 * sense, neither may say that it has read ports.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FLOW_COPY(CTX, TO, SIZE, AT) bpf_xdp_load_bytes(CTX, AT, TO, SIZE)

#include "parse.h"
#include "parse_copy.h"

char flows_license[] SEC("license") = "GPL";

static __always_inline int flows_differ(const struct flow *a, const struct flow *b)
{
	int differ = a->family != b->family || a->l4proto != b->l4proto || a->id != b->id ||
		     a->sport != b->sport || a->dport != b->dport || a->type != b->type ||
		     a->fragment != b->fragment || a->more != b->more || a->inside != b->inside ||
		     a->ports != b->ports;

#pragma unroll
	for (int i = 0; i < 4; i++)
		differ |= a->src[i] != b->src[i] || a->dst[i] != b->dst[i];
	return differ;
}

static __noinline int flows_copy(struct xdp_md *ctx, struct flow *f)
{
	struct copy_at at = {};
	__be16 word[4];

	if (!f || copy_ethernet(ctx, &at, f) || copy_ip(ctx, &at, f))
		return -1;
	return copy_l4(ctx, &at, f, word);
}

SEC("xdp")
int flows_xdp(struct xdp_md *ctx)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	int proto = parse_eth(&c), copied;
	struct flow a = {}, b = {};

	copied = flows_copy(ctx, &b);
	if (proto < 0 || parse_ip(&c, proto, &a) < 0)
		return b.ports ? XDP_DROP : XDP_PASS;
	parse_l4(&c, &a);
	/* the L4 header is cut off */
	if (copied < 0)
		return a.ports ? XDP_DROP : XDP_PASS;
	return flows_differ(&a, &b) ? XDP_DROP : XDP_PASS;
}
