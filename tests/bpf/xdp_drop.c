// SPDX-License-Identifier: GPL-2.0-only
/* xdp_drop - somebody else's XDP program that drops everything. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("prog")
int somebodys_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char xdp_drop_license[] SEC("license") = "GPL";
