// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/foreign - an XDP program that is not ours: what it loses must be seen
 * from outside.
 *
 *   bpftool prog load build/tests/bpf/foreign.o PIN type xdp pinmaps DIR
 *
 * By UDP destination port: 7001 drop, 7002 abort, 7003 an action that does not exist,
 * 7004 redirect by test_devmap, 7005 by test_cpumap, 7006 redirect to ifindex 4000,
 * 7007 XDP_TX; all else passes.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} test_devmap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
	__uint(max_entries, 1);
} test_cpumap SEC(".maps");

char foreign_license[] SEC("license") = "GPL";

SEC("xdp")
int foreign_xdp(struct xdp_md *ctx)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct flow f = {};
	int proto;

	proto = parse_eth(&c);
	if (proto < 0 || parse_ip(&c, proto, &f) != IPPROTO_UDP)
		return XDP_PASS;
	parse_l4(&c, &f);
	switch (bpf_ntohs(f.dport)) {
	case 7001:
		return XDP_DROP;
	case 7002:
		return XDP_ABORTED;
	case 7003:
		return 77;
	case 7004:
		return bpf_redirect_map(&test_devmap, 0, 0);
	case 7005:
		return bpf_redirect_map(&test_cpumap, 0, 0);
	case 7006:
		return bpf_redirect(4000, 0);
	case 7007:
		return XDP_TX;
	}
	return XDP_PASS;
}
