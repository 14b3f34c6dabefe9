// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/path - path: a packet passes clsact of a device, ingress or egress.
 *
 *   attach.sh --host path                  (makes the maps)
 *   tc qdisc replace dev D clsact
 *   tc filter add dev D ingress pref 9 handle 1 bpf da obj build/tc/path.o
 *
 * For Ethernet devices. The reader takes the namespace from the hops around it.
 *
 * Maps: path_cfg, path_ring, path_stat. Returns TC_ACT_UNSPEC: other filters run.
 */
#define PATH_COPY(CTX, TO, SIZE, AT) bpf_skb_load_bytes(CTX, AT, TO, SIZE)

#include "path.h"

#include <linux/pkt_cls.h>

SEC("classifier")
int path_tc(struct __sk_buff *skb)
{
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct path_head h = {};
	struct path_at at = {};

	if (!cfg || path_eth(skb, &at, &h) || !path_parse(skb, cfg, &at, &h))
		return TC_ACT_UNSPEC;
	if (skb->vlan_present && !(h.flags & PATH_H_VXLAN)) {
		h.vlan = skb->vlan_tci & 0xfff;
		h.flags |= PATH_H_VLAN;
	}
	path_note(&h, PATH_TC, skb->ifindex);
	return TC_ACT_UNSPEC;
}
