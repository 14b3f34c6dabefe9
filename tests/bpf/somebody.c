// SPDX-License-Identifier: GPL-2.0-only
/*
 * somebody - a cgroup/skb program that is not ours and does nothing.
 *
 *   bpftool prog load build/tests/bpf/somebody.o PIN type cgroup/skb
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup_skb/ingress")
int somebody(struct __sk_buff *skb)
{
	return 1;
}

char somebody_license[] SEC("license") = "GPL";
