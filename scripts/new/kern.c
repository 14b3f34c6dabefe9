// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/sample - counts packets that the stack is given.
 *
 *   bpftool prog loadall build/kern/sample.o DIR map name sample_stat pinned ... autoattach
 *
 * Tracepoint netif_receive_skb. Maps: sample_stat.
 */
#include "maps.h"
#include "skb.h"

HM_MAP(sample_stat);

SEC("tp_btf/netif_receive_skb")
int sample_receive(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];
	struct sample_stat *st;
	__u32 zero = 0;

	st = bpf_map_lookup_elem(&sample_stat, &zero);
	if (!st)
		return 0;
	/* a softirq on top of a task that is here as well */
	__sync_fetch_and_add(&st->packets, 1);
	__sync_fetch_and_add(&st->bytes, skb->len);
	return 0;
}
