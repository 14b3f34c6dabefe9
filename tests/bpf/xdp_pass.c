// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp_pass - passes all. A veth device receives what XDP sends to its peer only if it
 * has a program itself.
 *
 *   ip link set dev D xdp obj build/tests/bpf/xdp_pass.o
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("prog")
int xdp_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char hm_license[] SEC("license") = "GPL";
