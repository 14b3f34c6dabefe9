// SPDX-License-Identifier: GPL-2.0-only
/* next_xdp - somebody else's XDP programs that drop everything, in the sections of today's
 * objects, and one that the verifier refuses. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int next_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp.frags")
int next_drop_frags(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* reads what may lie behind the frame */
SEC("unchecked")
int next_unchecked(struct xdp_md *ctx)
{
	return *(__u8 *)(long)ctx->data;
}

char next_license[] SEC("license") = "GPL";
