// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/latency_fentry - the application stage for UDP, and for readers that splice, on kernels
 * with fentry.
 *
 *   bpftool prog loadall build/kern/latency_fentry.o DIR map name ... autoattach
 *
 * Linear UDP datagrams are copied without passing skb_copy_datagram_iovec, so kern/latency does
 * not see them read. skb_consume_udp is called after each datagram that was read. A datagram
 * that passed both is counted once. splice(2) moves pages into a pipe: skb_splice_bits.
 *
 * Maps: lat_stat, lat_stamp, lat_hist. Times in ns.
 */
#include "latency_app.h"

SEC("fentry/skb_consume_udp")
int latency_udp(__u64 *ctx)
{
	return lat_app((struct sk_buff *)ctx[1]);
}

SEC("fentry/skb_splice_bits")
int latency_splice(__u64 *ctx)
{
	return lat_app((struct sk_buff *)ctx[0]);
}
