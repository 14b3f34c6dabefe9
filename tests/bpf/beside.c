// SPDX-License-Identifier: GPL-2.0-only
/*
 * tests/bpf/beside - filters that are not ours, before and behind ours.
 *
 *   tc filter add dev D ingress pref N handle 1 bpf da obj build/tests/bpf/beside.o [sec
 * classifier/next] bpftool prog loadall build/tests/bpf/beside.o DIR type tcx/ingress
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char beside_license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u16[256]);
} beside_map SEC(".maps");

SEC("classifier")
int beside_ok(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

SEC("classifier/next")
int beside_next(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

/* what compilers make of a choice, by shifts and the like */
SEC("classifier/some")
int beside_some(struct __sk_buff *skb)
{
	if (skb->len > 1000)
		return TC_ACT_UNSPEC;
	return skb->mark ? TC_ACT_OK : TC_ACT_SHOT;
}

/* another program may decide */
SEC("classifier/tail")
int beside_tail(struct __sk_buff *skb)
{
	return bpf_get_prandom_u32() & 7;
}

/* 16 bits at the offset of tc_index, whatever it is, but not in an sk_buff */
SEC("classifier/near")
int beside_near(struct __sk_buff *skb)
{
	__u32 zero = 0, sum = skb->mark + skb->queue_mapping + skb->vlan_tci;
	volatile __u16 *map = bpf_map_lookup_elem(&beside_map, &zero);

	if (!map)
		return TC_ACT_UNSPEC;
#pragma unroll
	for (int i = 0; i < 256; i++)
		sum += map[i];
	*map = sum;
	return TC_ACT_UNSPEC;
}

static __noinline int beside_index(struct __sk_buff *skb)
{
	return skb->tc_index & 1;
}

/* in another function, with a context that a call has moved from its register */
SEC("classifier/deep")
int beside_deep(struct __sk_buff *skb)
{
	__u32 n = bpf_get_prandom_u32();

	if (beside_index(skb) && n)
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

SEC("classifier/writes")
int beside_writes(struct __sk_buff *skb)
{
	skb->tc_index = 0;
	return TC_ACT_UNSPEC;
}
