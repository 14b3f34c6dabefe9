// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/pktlat_fentry - pktlat for UDP, and for readers that splice, on kernels with fentry.
 *
 *   bpftool prog loadall build/kern/pktlat_fentry.o DIR map name ... autoattach
 *
 * skb_consume_udp is called after each datagram that was read, however it was copied;
 * skb_splice_bits by splice(2), which moves pages into a pipe.
 *
 * Maps: as kern/pktlat.
 */
#include "pktlat.h"

SEC("fentry/skb_consume_udp")
int pktlat_udp(__u64 *ctx)
{
	/* less than 0: MSG_PEEK */
	if ((int)ctx[2] < 0)
		return 0;
	return pktlat((const struct sk_buff *)ctx[1], FROM_CONSUME, 0);
}

SEC("fentry/skb_splice_bits")
int pktlat_splice(__u64 *ctx)
{
	return pktlat((const struct sk_buff *)ctx[0], FROM_COPY, 0);
}
