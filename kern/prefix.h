/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prefix.h - an address against a prefix, both of 4 words in network order; IPv4 is in
 * word 0 with a mask of zero in the others.
 */
#ifndef HOOKMAP_PREFIX_H
#define HOOKMAP_PREFIX_H

static __always_inline int prefix_match(const __u32 *addr, const __u32 *want, const __u32 *mask)
{
	return !(((addr[0] ^ want[0]) & mask[0]) | ((addr[1] ^ want[1]) & mask[1]) |
		 ((addr[2] ^ want[2]) & mask[2]) | ((addr[3] ^ want[3]) & mask[3]));
}

#endif
