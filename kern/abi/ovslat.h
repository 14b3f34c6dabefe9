/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/ovslat.h - time in Open vSwitch. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_OVSLAT_H
#define HOOKMAP_ABI_OVSLAT_H

#include <linux/types.h>

#include "hist.h"

#define HM_FEAT_ovslat 0x40 /* hm_dev.features */

#define OVSLAT_ROWS 2048

/* ovslat_key.kind */
enum ovslat_kind {
	OVSLAT_TOTAL = 1, /* of a call, with those inside it */
	OVSLAT_SELF = 2,  /* without those */
};

/* map ovslat_hist, per-CPU hash */
struct ovslat_key {
	char name[16]; /* input port */
	__u64 cookie;  /* of the namespace: never used again */
	__u32 netns;   /* inode */
	__u32 ifindex;
	__u8 kind; /* enum ovslat_kind */
	__u8 octave;
	__u8 pad[6];
};

#define OVSLAT_DEPTH 8

/* A call that has not returned. */
struct ovslat_frame {
	__u64 start;
	__u64 inner; /* ns in the calls inside it */
	__u64 vport; /* address */
	__u64 task;  /* address */
};

/*
 * map ovslat_call, per-CPU array of 1: a call stays on its CPU.
 *
 * Concurrency: softirqs are off during a call, so its CPU makes no other call before it returns.
 * With PREEMPT_RT without its per-CPU lock (PREEMPT_RT_NEEDS_BH_LOCK=n) another task may: pending
 * calls are then discarded and counted as lost.
 */
struct ovslat_call {
	struct ovslat_frame frame[OVSLAT_DEPTH];
	__u32 depth;
	__u32 pad;
	__u64 full; /* values that found no room in ovslat_hist */
	__u64 deep; /* calls inside OVSLAT_DEPTH others: not measured */
	__u64 lost; /* calls whose return was not seen */
	struct hist_age age;
};

_Static_assert(sizeof(struct ovslat_key) == 40, "abi");
_Static_assert(sizeof(struct ovslat_call) == 32 * OVSLAT_DEPTH + 56, "abi");

#define HM_MAP_ovslat_hist(X)                                                                      \
	X(ovslat_hist, PERCPU_HASH, struct ovslat_key, struct lat_row, OVSLAT_ROWS, 0)
#define HM_MAP_ovslat_who(X)                                                                       \
	X(ovslat_who, HASH, struct ovslat_key, struct hist_who, OVSLAT_ROWS / 4, 0)
#define HM_MAP_ovslat_call(X) X(ovslat_call, PERCPU_ARRAY, __u32, struct ovslat_call, 1, 0)

#endif
