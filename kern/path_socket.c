// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/path_socket - path: a packet has reached a socket, and is about to be queued.
 *
 *   bpftool prog load build/kern/path_socket.o PIN map name ... pinned ...
 *   bpftool cgroup attach CGROUP ingress pinned PIN multi
 *
 * It knows the device by number only; the reader takes the rest from the hop before.
 *
 * Maps: path_cfg, path_ring, path_stat. Returns 1 always: the packet goes on.
 */
#define FLOW_COPY(CTX, TO, SIZE, AT) bpf_skb_load_bytes(CTX, AT, TO, SIZE)

#include "path.h"

SEC("cgroup_skb/ingress")
int path_socket(struct __sk_buff *skb)
{
	path_look(skb, PATH_SOCKET, 0);
	return 1;
}
