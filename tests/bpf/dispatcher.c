// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/dispatcher - an XDP program that is called as libxdp's.
 *
 *   ip link set dev D xdp obj build/tests/bpf/dispatcher.o
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char dispatcher_license[] SEC("license") = "GPL";

SEC("prog")
int xdp_dispatcher(struct xdp_md *ctx)
{
	return XDP_PASS;
}
