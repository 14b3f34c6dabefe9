/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - what kern/drops and kern/drops_xdp share: where something was lost, and
 * one row more.
 */
#ifndef HOOKMAP_DROPS_H
#define HOOKMAP_DROPS_H

#include "maps.h"
#include "skb.h"

HM_MAP(drop_stat);
HM_MAP(drop_name);
HM_MAP(xdp_verdict);

#define drop_lookup(MAP)                                                                           \
	({                                                                                         \
		__u32 zero_ = 0;                                                                   \
		bpf_map_lookup_elem(&MAP, &zero_);                                                 \
	})

/* Times are for people, the timer tick's will do: reading the clock for each drop
 * would cost 20 ns. */
static __always_inline __u64 drop_now(struct drop_stat *st)
{
	__u64 tick = bpf_jiffies64();

	if (st->tick != tick) {
		/* now before tick: who interrupts us here must not take the old time for new */
		*(volatile __u64 *)&st->now = bpf_ktime_get_ns();
		*(volatile __u64 *)&st->tick = tick;
	}
	return st->now;
}

/* Updates need no atomics: a row is only written by one program, which does not
 * interrupt itself on a CPU (the kernel counts such a run as missed). */
static __always_inline void drop_count(struct drop_stat *st, struct drop_val *v, __u64 packets,
				       __u64 bytes)
{
	__u64 now = drop_now(st);

	if (!v->packets)
		v->first = now;
	v->last = now;
	v->packets += packets;
	v->bytes += bytes;
}

/* Keeps the name that a device has now, for the time after it. */
static __always_inline void drop_name_keep(struct net_device *dev, __u64 cookie, __u32 ifindex)
{
	struct drop_name_key key = { .cookie = cookie, .ifindex = ifindex };
	struct drop_name value = {};

	if (!cookie || !ifindex || !dev)
		return;
	bpf_core_read(value.name, sizeof(dev->name), &dev->name);
	bpf_map_update_elem(&drop_name, &key, &value, BPF_NOEXIST);
}

#endif
