// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/pktlat - time from a packet's receive stamp to its copy to user space or, from
 * a tap device, to a VM.
 *
 *   bpftool prog loadall build/kern/pktlat.o DIR map name ... pinned ... autoattach
 *
 * Tracepoint skb_copy_datagram_iovec: TCP, raw and packet sockets, larger UDP datagrams, and
 * what vhost or QEMU takes from a tap. UDP datagrams that are small, or whose checksum is
 * verified during the copy, do not pass it. If kern/pktlat_fentry can be attached, it sees all
 * UDP (PKTLAT_F_UDP), and this program sees none.
 *
 * The time starts at the NIC's stamp if there is one and its clock is known, otherwise at the
 * kernel's; a histogram never mixes the two.
 *
 * Maps: pktlat_cfg (clocks, what is slow), pktlat_hist, pktlat_ring (slow packets), pktlat_who
 * (owners of rows), pktlat_part (segments read in pieces), pktlat_stat. Times in ns.
 */
#include "pktlat.h"

SEC("tp_btf/skb_copy_datagram_iovec")
int pktlat_copy(__u64 *ctx)
{
	return pktlat((const struct sk_buff *)ctx[0], FROM_COPY, ctx[1]);
}
