// SPDX-License-Identifier: GPL-2.0-only
/* xdp_pass - an XDP program of somebody else's, for tests and as a baseline. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("prog")
int somebodys_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char xdp_pass_license[] SEC("license") = "GPL";
