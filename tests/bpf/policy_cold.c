// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_cold - tc/policy for the benchmark: each run is another flow, so that the flow
 * cache does not know it and memory is touched as live traffic would. Run by
 * BPF_PROG_RUN; skb->priority is the number of rules: rule i is about 10.0.0.0 +
 * 128 * i, and one of them is chosen. "base" does the same without the policy.
 */
#define POLICY_INLINE
#define HM_MAPS_PINNED /* tc loads it, and it shares the maps */
#include "../../tc/policy.c"

static __always_inline int choose(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 random = bpf_get_prandom_u32(), n = skb->priority;
	__be16 *sport = (void *)(ip + 1);

	if ((void *)(sport + 2) > end || !n)
		return -1;
	ip->daddr = bpf_htonl(0x0a000000 + random % n * 128);
	*sport = random >> 16;
	return 0;
}

SEC("classifier/cold")
int policy_cold(struct __sk_buff *skb)
{
	if (choose(skb))
		return TC_ACT_SHOT;
	return policy_tc(skb);
}

SEC("classifier/base")
int policy_base(struct __sk_buff *skb)
{
	if (choose(skb))
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

SEC("classifier/empty")
int policy_empty(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("classifier/drop")
int policy_sink(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_SHOT;
}
