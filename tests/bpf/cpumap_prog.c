// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/cpumap_prog - the program of a cpumap's entry (tests/cpumap.c puts it
 * there): drops frames of over 400 bytes, sends those of over 800 to a device that does
 * not exist, passes the others.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char cpumap_license[] SEC("license") = "GPL";

SEC("xdp/cpumap")
int cpumap_prog(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;

	if (bytes > 800)
		return bpf_redirect(4000, 0);
	return bytes > 400 ? XDP_DROP : XDP_PASS;
}
