// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/path - path: a packet passes clsact of a device, ingress or egress.
 *
 *   attach.sh --host path                  (makes the maps)
 *   tc qdisc replace dev D clsact
 *   tc filter add dev D ingress pref 9 handle 1 bpf da obj build/tc/path.o
 *
 * With "classid 0:1" on a device without an Ethernet header (tun, wireguard, gre). The
 * reader takes the namespace from the hops around it.
 *
 * Maps: path_cfg, path_ring, path_stat. Returns TC_ACT_UNSPEC: other filters run.
 */
#define FLOW_COPY(CTX, TO, SIZE, AT) bpf_skb_load_bytes(CTX, AT, TO, SIZE)

#include "path.h"

#include <linux/pkt_cls.h>

SEC("classifier")
int path_tc(struct __sk_buff *skb)
{
	path_look(skb, PATH_TC, !(skb->tc_classid & PATH_CLASS_L3));
	return TC_ACT_UNSPEC;
}
