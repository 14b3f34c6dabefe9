/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/open.h - every open. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_OPEN_H
#define HOOKMAP_ABI_OPEN_H

#include <linux/types.h>

#include "trace.h"

#define HM_FEAT_open 0x100 /* hm_dev.features */

/* open_event.call */
enum open_call {
	OPEN_OPEN = 1,
	OPEN_OPENAT = 2,
	OPEN_OPENAT2 = 3,
	OPEN_CREAT = 4,
};

#define OPEN_PATH     512
#define OPEN_NO_FLAGS (~0ULL) /* openat2: its struct could not be read */

/* ring buffer open_ring; cut after the path */
struct open_event {
	__u64 time;
	__u64 flags; /* O_* */
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__s32 ret;   /* descriptor or -errno */
	__s32 dirfd; /* AT_FDCWD, or what a relative path starts from */
	__u32 mode;  /* of a file that is made */
	char name[16];
	__u16 path_len; /* with its 0; 0 if it could not be read */
	__u8 call;	/* enum open_call */
	__u8 cut;	/* 1: the path is longer */
	__u32 resolve;	/* RESOLVE_* of openat2 */
	char path[OPEN_PATH];
};

_Static_assert(sizeof(struct open_event) == 64 + OPEN_PATH, "abi");

#define HM_MAP_open_cfg(X)  X(open_cfg, ARRAY, __u32, struct trace_filter, 1, 0)
#define HM_MAP_open_stat(X) X(open_stat, PERCPU_ARRAY, __u32, struct trace_stat, 1, 0)
#define HM_MAP_open_ring(X) X(open_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)
#define HM_MAP_open_buf(X)  X(open_buf, PERCPU_ARRAY, __u32, struct open_event, 1, 0)

#endif
