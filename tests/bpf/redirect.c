// SPDX-License-Identifier: GPL-2.0-only
/*
 * redirect - sends every frame to the device in entry 0 of a devmap, for the tests.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} test_devmap SEC(".maps");

SEC("prog")
int test_redirect(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&test_devmap, 0, 0);
}

char test_license[] SEC("license") = "GPL";
