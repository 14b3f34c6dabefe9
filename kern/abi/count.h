/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/count.h - the programs of the tutorial: hello, count, tail_a, steps. See abi.h for the rules.
 */
#ifndef HOOKMAP_ABI_COUNT_H
#define HOOKMAP_ABI_COUNT_H

#include <linux/types.h>

/* map hello_cfg, array of 1 */
struct hello_cfg {
	__u32 drop;  /* 1: drop all frames, 0: pass them */
	__u32 quiet; /* 1: print nothing */
};

/* The frame's protocol. Index of maps count_stat, tail_next and step_next. */
enum count_kind {
	COUNT_OTHER = 0,
	COUNT_IPV4 = 1,
	COUNT_IPV6 = 2,
	COUNT_ARP = 3,
	COUNT_BROKEN = 4, /* it ends before its ethertype */
	COUNT_KINDS,
};

/* map count_stat, per-CPU array: value */
struct count_row {
	__u64 packets;
	__u64 bytes; /* as the hook sees them: with the Ethernet header at XDP and tc */
};

_Static_assert(sizeof(struct hello_cfg) == 8, "abi");
_Static_assert(sizeof(struct count_row) == 16, "abi");

#define HM_MAP_hello_cfg(X)  X(hello_cfg, ARRAY, __u32, struct hello_cfg, 1, 0)
#define HM_MAP_count_stat(X) X(count_stat, PERCPU_ARRAY, __u32, struct count_row, COUNT_KINDS, 0)
#define HM_MAP_tail_next(X)  X(tail_next, PROG_ARRAY, __u32, __u32, COUNT_KINDS, 0)
#define HM_MAP_step_next(X)  X(step_next, PROG_ARRAY, __u32, __u32, COUNT_KINDS, 0)

#endif
