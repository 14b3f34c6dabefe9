// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/pktlat_fentry - pktlat of small UDP datagrams, where the kernel has fentry.
 *
 *   bpftool prog loadall build/kern/pktlat_fentry.o DIR map name ... autoattach
 *
 * skb_consume_udp is called after each datagram that was read. Only those that are
 * linear are counted here: the others have passed kern/pktlat.
 *
 * Maps: as kern/pktlat.
 */
#include "pktlat.h"

SEC("fentry/skb_consume_udp")
int pktlat_udp(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[1];

	/* what is not linear was copied by way of the tracepoint */
	if (skb->data_len)
		return 0;
	return pktlat(skb);
}
