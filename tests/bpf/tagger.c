// SPDX-License-Identifier: GPL-2.0-only
/*
 * tagger - a VLAN device for kernels that have none: takes the tag off what comes in, and
 * gives VLAN 51 to what goes out.
 *
 *   tc filter add dev D ingress|egress bpf da obj build/tests/bpf/tagger.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("classifier")
int tagger(struct __sk_buff *skb)
{
	if (skb->vlan_present)
		bpf_skb_vlan_pop(skb);
	else
		bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 51);
	return TC_ACT_OK;
}

char tagger_license[] SEC("license") = "GPL";
