/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reach.h - counts the packets that reach a program: reach(ifindex).
 *
 * A successful attach does not mean that packets arrive: a tcx program, an earlier filter or a
 * shared block can stop all of them. Map hm_reach is not pinned, so each device's program has
 * its own; the reader finds it through the program.
 */
#ifndef HOOKMAP_REACH_H
#define HOOKMAP_REACH_H

#include "maps.h"

HM_PRIVATE(hm_reach);

static __always_inline void reach(__u32 ifindex)
{
	__u32 zero = 0;
	struct hm_reach *r = bpf_map_lookup_elem(&hm_reach, &zero);

	if (!r)
		return;
	r->packets++;
	r->last = bpf_ktime_get_coarse_ns();
	r->ifindex = ifindex;
}

#endif
