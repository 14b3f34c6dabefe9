/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2head.h - shared by xdp/l2fwd and its mirror. The first 8 bytes of an entry of l2_fdb, see
 * abi/l2fwd.h: read and written at once, and invalid if they have another key. And when to read
 * the bridge.
 */
#ifndef HOOKMAP_L2HEAD_H
#define HOOKMAP_L2HEAD_H

#include "abi.h"

/* KEY is at a multiple of 4. */
static __always_inline __u32 l2_head_mac(const struct l2_key *key)
{
	return *(const __u32 *)&key->mac[2];
}

/* The head of ENTRY in HEAD. 1 if it is KEY's. */
static __always_inline int l2_head_get(const struct l2_fdb *entry, const struct l2_key *key,
				       union l2_head *head)
{
	head->word = *(const volatile __u64 *)&entry->port;
	return head->vlan == (__u8)key->vlan && head->mac == l2_head_mac(key);
}

/* Writes the head of ENTRY, if it is still OLD. 1 then. */
static __always_inline int l2_head_swap(struct l2_fdb *entry, union l2_head old,
					const struct l2_key *key, __u16 port, __u8 type)
{
	union l2_head new = {
		.port = port, .type = type, .vlan = key->vlan, .mac = l2_head_mac(key)
	};

	return __sync_val_compare_and_swap((__u64 *)&entry->port, old.word, new.word) == old.word;
}

/* Is a complete read of the bridge due? Once per refresh interval, and after a port has lost a
 * VLAN: its tracepoint fires before the VLAN is removed, so an immediate read would still see
 * it. Signed: others write the exact time, which may be ahead of this clock. */
static __always_inline int l2_look_due(const struct l2_look *look, const struct l2_cfg *cfg,
				       __u64 now)
{
	if ((__s64)(now - look->vlans) >= (__s64)(cfg->refresh_ns ?: L2_REFRESH_NS))
		return 1;
	return (__s64)(look->vlans - look->changed) < (__s64)L2_LOOK_NS &&
	       (__s64)(now - look->changed) >= (__s64)L2_LOOK_NS;
}

#endif
