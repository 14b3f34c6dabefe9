/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * count.h - shared by xdp/, tc/, iptables/ and kern/count: one row of a per-CPU array for each
 * kind of packet.
 */
#ifndef HOOKMAP_COUNT_H
#define HOOKMAP_COUNT_H

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include "maps.h"

/* PROTO is an ethertype in network order, or negative if there was none. */
static __always_inline enum count_kind count_kind(int proto)
{
	if (proto < 0)
		return COUNT_BROKEN;
	if (proto == bpf_htons(ETH_P_IP))
		return COUNT_IPV4;
	if (proto == bpf_htons(ETH_P_IPV6))
		return COUNT_IPV6;
	if (proto == bpf_htons(ETH_P_ARP))
		return COUNT_ARP;
	return COUNT_OTHER;
}

/* MAP is a per-CPU array of struct count_row: each CPU has its own rows, and the reader adds
 * them up. A rule in OUTPUT runs in the sending task: an interrupt, or another task, may count
 * on the same CPU between the load and the store of a plain ++, which would lose one count. At
 * XDP and tc, softirqs are off, and ++ would be enough. */
static __always_inline void count_add(void *map, enum count_kind kind, __u64 bytes)
{
	__u32 key = kind;
	struct count_row *row = bpf_map_lookup_elem(map, &key);

	if (!row)
		return;
	__sync_fetch_and_add(&row->packets, 1);
	__sync_fetch_and_add(&row->bytes, bytes);
}

#endif
