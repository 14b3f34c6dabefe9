// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/tail_b - drops every frame; xdp/tail_a or xdp/latency can call it.
 *
 *   tc exec bpf graft m:globals/tail_next key 1 obj build/xdp/tail_b.o type xdp sec prog
 *   ip link set dev D xdp obj build/xdp/tail_b.o
 *
 * No maps. Returns XDP_DROP always.
 */
#include "xdp.h"

HM_XDP(tail_b)
{
	return XDP_DROP;
}
