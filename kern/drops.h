/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - shared by kern/drops and kern/drops_xdp: the place of a loss, and adding a row.
 */
#ifndef HOOKMAP_DROPS_H
#define HOOKMAP_DROPS_H

#include "maps.h"
#include "skb.h"

HM_MAP(drop_stat);
HM_MAP(xdp_verdict);

#define drop_lookup(MAP)                                                                           \
	({                                                                                         \
		__u32 zero_ = 0;                                                                   \
		bpf_map_lookup_elem(&MAP, &zero_);                                                 \
	})

static __always_inline __u32 drop_node(struct net_device *dev)
{
	__u32 node = BPF_CORE_READ(dev, dev.kobj.sd, id);

	return node ?: DROP_NODE_GONE;
}

/* Times are for people, so the timer tick's suffice: reading the clock for each drop
 * would cost 20 ns. */
static __always_inline __u64 drop_now(struct drop_stat *st)
{
	__u64 tick = bpf_jiffies64();

	if (st->tick != tick) {
		/* now before tick: an interrupt here must not mistake the old time for new */
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

/* --- room for a new row */

#define DROP_TRIES 8	/* rows that may stay because they have counted, at most */
#define DROP_CPUS  8192 /* the kernel has fewer */

enum bpf_func_id___drops {
	BPF_FUNC_map_lookup_percpu_elem___drops,
};

/* A row, summed up over the CPUs. */
struct drop_sum {
	void *rows;
	const void *key;
	struct drop_val val;
	__u64 found;
};

static __always_inline void drop_val_add(struct drop_val *to, const struct drop_val *v)
{
	if (v->first && (!to->first || v->first < to->first))
		to->first = v->first;
	if (v->last > to->last)
		to->last = v->last;
	to->packets += v->packets;
	to->bytes += v->bytes;
}

static long drop_sum_cpu(__u32 cpu, struct drop_sum *s)
{
	const struct drop_val *v = bpf_map_lookup_percpu_elem(s->rows, s->key, cpu);

	if (!v)
		return 1;
	s->found = 1;
	drop_val_add(&s->val, v);
	return 0;
}

/*
 * Takes a slot of the clock SLOTS for a new row of ROWS. If another row had it, that row is
 * deleted, and *GONE has its counts. NULL before Linux 5.19: there rows cannot be summed up, and
 * stay. A CPU that still holds the row may lose one count.
 */
static __always_inline struct drop_slot_head *drop_slot_take(void *rows, void *slots, __u32 n,
							     struct drop_val *gone)
{
	struct drop_slot_head *slot, *hand = bpf_map_lookup_elem(slots, &n);

	if (!hand || !bpf_core_enum_value_exists(enum bpf_func_id___drops,
						 BPF_FUNC_map_lookup_percpu_elem___drops))
		return NULL;
#pragma clang loop unroll(disable)
	for (int i = 1; i <= DROP_TRIES; i++) {
		__u32 at = __sync_fetch_and_add(&hand->last, 1) & (n - 1);
		struct drop_sum sum = { .rows = rows };

		slot = bpf_map_lookup_elem(slots, &at);
		if (!slot)
			return NULL;
		sum.key = slot + 1;
		bpf_loop(DROP_CPUS, drop_sum_cpu, &sum, 0);
		if (!sum.found)
			return slot;
		if (sum.val.last != slot->last && i < DROP_TRIES) {
			slot->last = sum.val.last;
			continue;
		}
		*gone = sum.val;
		bpf_map_delete_elem(rows, sum.key);
		return slot;
	}
	return NULL;
}

/* A new row has this slot from now on. */
static __always_inline void drop_slot_fill(struct drop_slot_head *slot, struct drop_stat *st,
					   __u64 dev)
{
	const struct net_device *d = (const void *)dev;

	slot->last = drop_now(st);
	__builtin_memset(slot->name, 0, sizeof(slot->name));
	if (dev)
		BPF_CORE_READ_STR_INTO(&slot->name, d, name);
}

#endif
