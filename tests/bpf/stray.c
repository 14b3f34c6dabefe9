// SPDX-License-Identifier: GPL-2.0-only
/*
 * stray - somebody else's filter, who uses tc_index and the class id for things of his own:
 * any numbers.
 *
 *   tc filter add dev D ingress bpf da obj build/tests/bpf/stray.o
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("classifier")
int stray(struct __sk_buff *skb)
{
	__u32 n = bpf_get_prandom_u32();

	if (n & 1)
		skb->tc_index = n >> 16;
	if (n & 2)
		skb->tc_classid = bpf_get_prandom_u32();
	return TC_ACT_UNSPEC;
}

char stray_license[] SEC("license") = "GPL";
