// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp_cpumap - sends all frames to entry 0 of a cpumap, pinned as test_cpus: there the sk_buff
 * is made, outside of the driver's softirq.
 *
 *   attach.sh DEV --next build/tests/bpf/xdp_cpumap.o
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} test_cpus SEC(".maps");

SEC("xdp")
int somebodys_cpus(struct xdp_md *ctx)
{
	return bpf_redirect_map(&test_cpus, 0, 0);
}

char somebodys_license[] SEC("license") = "GPL";
