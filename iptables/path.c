// SPDX-License-Identifier: GPL-2.0-only
/*
 * iptables/path - path: a packet passes a rule.
 *
 *   attach.sh --host path                  (makes the maps)
 *   bpftool prog load build/iptables/path.o PIN type socket \
 *       map name path_cfg pinned G/path_cfg map name path_stat pinned G/path_stat \
 *       map name path_mark pinned G/path_mark map name path_ring pinned G/path_ring
 *                                                    (G=/sys/fs/bpf/tc/globals)
 *   iptables -t T -A CHAIN -m bpf --object-pinned PIN
 *
 * The rule matches the packets of the filter: with -j LOG, those are logged.
 *
 * Maps: path_cfg, path_ring, path_stat.
 */
#define FLOW_COPY(CTX, TO, SIZE, AT) bpf_skb_load_bytes(CTX, AT, TO, SIZE)

#include "path.h"

SEC("socket")
int path_iptables(struct __sk_buff *skb)
{
	return path_look(skb, PATH_IPTABLES, 0);
}
