// SPDX-License-Identifier: GPL-2.0-only
/*
 * index_reader - somebody else's filter, who decides by the low bits of tc_index, as a CNI
 * does: UDP passes only with one of them set. Section classifier/all decides by all bits.
 *
 *   tc filter add dev D ingress pref 10 handle 1 bpf da obj build/tests/bpf/index_reader.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline int decide(struct __sk_buff *skb, __u32 bits)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)skb->data_end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    ip->protocol != IPPROTO_UDP)
		return TC_ACT_UNSPEC;
	return skb->tc_index & bits ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("classifier")
int index_reader(struct __sk_buff *skb)
{
	return decide(skb, 0x1f);
}

SEC("classifier/all")
int index_all(struct __sk_buff *skb)
{
	return decide(skb, 0xffff);
}

char index_reader_license[] SEC("license") = "GPL";
