// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_gen - generator of the benchmark: run as live frames (BPF_PROG_RUN), each frame
 * enters the stack of its device. Headers are written anew, because frames are
 * recycled after they went through it. UDP to 10.0.0.0 + 128 * i, i below the number that
 * is behind the headers, or 1 024; a flow each.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int policy_gen(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 i = bpf_get_prandom_u32(), sum;
	__u16 *w = (void *)ip;

	if ((void *)(udp + 1) + 8 > end)
		return XDP_DROP;
	/* the destination MAC of the device is kept behind the headers */
	__builtin_memcpy(eth->h_dest, udp + 1, 6);
	i %= bpf_ntohs(*(__be16 *)((void *)(udp + 1) + 6)) ?: 1024;
	ip->ttl = 64;
	ip->daddr = bpf_htonl(0x0a000000 + i * 128);
	ip->check = 0;
	sum = 0;
#pragma unroll
	for (int n = 0; n < 10; n++)
		sum += w[n];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
	udp->source = bpf_htons(1024 + (i & 63));
	udp->dest = bpf_htons(7000);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
