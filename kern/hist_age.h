/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hist_age.h - histograms by process, tap, device or port, with room for any new owner: it
 * replaces the one that is idle longest, which is counted. A second map has the owners, and when
 * each was last seen.
 */
#ifndef HOOKMAP_HIST_AGE_H
#define HOOKMAP_HIST_AGE_H

#include <linux/errno.h>

#include "hist.h"

#define HIST_KEY 40 /* bytes of all their keys */

struct hist_oldest {
	__u64 key[HIST_KEY / 8];
	__u64 last;
	__u64 packets;
};

static long hist_older(void *map, const void *key, const void *value, void *arg)
{
	const struct hist_who *who = value;
	struct hist_oldest *o = arg;

	(void)map;
	if (who->last < o->last) {
		__builtin_memcpy(o->key, key, sizeof(o->key));
		o->last = who->last;
		o->packets = who->packets;
	}
	return 0;
}

/* Makes room for a new owner; false if all owners were seen just now. OCTAVE: its offset in a
 * key. */
static __always_inline int hist_evict(void *who, void *hist, __u32 octave, struct hist_age *age,
				      __u64 now)
{
	struct hist_oldest o = { .last = now };

	if (now < age->wait)
		return 0;
	bpf_for_each_map_elem(who, hist_older, &o, 0);
	if (now - o.last < HIST_KEEP_NS) {
		age->wait = now + HIST_KEEP_NS;
		return 0;
	}
	/* another CPU may have been faster: then there is also room */
	if (!bpf_map_delete_elem(who, o.key)) {
		__sync_fetch_and_add(&age->evicted, 1);
		__sync_fetch_and_add(&age->evicted_packets, o.packets);
	}
	for (int i = 0; i < LAT_OCTAVES; i++) {
		((__u8 *)o.key)[octave] = i;
		bpf_map_delete_elem(hist, o.key);
	}
	return 1;
}

/* Counts a value of KEY, whose octave is 0; false if there is no room. */
static __always_inline int hist_seen(void *who, void *hist, __u32 octave, const void *key,
				     struct hist_age *age, __u64 now)
{
	struct hist_who *w = bpf_map_lookup_elem(who, key), empty = { .first = now, .last = now };

	if (!w) {
		if (bpf_map_update_elem(who, key, &empty, BPF_NOEXIST) == -E2BIG &&
		    hist_evict(who, hist, octave, age, now))
			bpf_map_update_elem(who, key, &empty, BPF_NOEXIST);
		w = bpf_map_lookup_elem(who, key);
		if (!w)
			return 0;
	}
	w->last = now;
	__sync_fetch_and_add(&w->packets, 1);
	return 1;
}

#define hist_seen_add(WHO, MAP, KEY, AGE, NOW, VALUE)                                              \
	((KEY)->octave = 0,                                                                        \
	 hist_seen(&WHO, &MAP, __builtin_offsetof(typeof(*(KEY)), octave), KEY, AGE, NOW) &&       \
		 hist_add(MAP, KEY, VALUE))

/* hist_add() to MAP, with the owner in WHO. False if all owners were seen just now. */
#define hist_age_add(WHO, MAP, KEY, AGE, NOW, VALUE)                                               \
	(hist_seen_add(WHO, MAP, KEY, AGE, NOW, VALUE) ||                                          \
	 (hist_evict(&WHO, &MAP, __builtin_offsetof(typeof(*(KEY)), octave), AGE, NOW) &&          \
	  hist_seen_add(WHO, MAP, KEY, AGE, NOW, VALUE)))

#endif
