// SPDX-License-Identifier: GPL-2.0-only
/*
 * hwstamp - puts the packet of a test run into the ingress of the device whose index is
 * skb->mark, with the hardware stamp of the context. For the tests: emulated NICs
 * have no stamps of their own.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("classifier")
int test_hwstamp(struct __sk_buff *skb)
{
	return bpf_clone_redirect(skb, skb->mark, BPF_F_INGRESS);
}

char test_license[] SEC("license") = "GPL";
