/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/trace.h - shared by the tracing features. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_TRACE_H
#define HOOKMAP_ABI_TRACE_H

#include <linux/types.h>

/* The bytes of each ring buffer. Filling it at 100 000 events a second, with a stopped reader,
 * takes 0.5 to 1 s. Programs never wake the reader, which polls: a wake-up, or the check whether
 * one is due, would cost more than the event. */
#define TRACE_RING 8388608

/* Maps without a key or a value: ring buffers. */
struct hm_none {
};

/* The "errno" of a call that seccomp refused with SIGSYS; greater than any of the kernel's */
#define TRACE_TRAPPED 4096

/* map exec_stat, open_stat, path_stat: per-CPU array of 1 */
struct trace_stat {
	__u64 events; /* given to the ring buffer */
	__u64 lost;   /* not, because it was full */
	__u64 full;   /* a bounded table had no room (exec_run) */
};

/* trace_filter.flags: all that are set must match */
#define TRACE_F_UID    0x1
#define TRACE_F_PID    0x2
#define TRACE_F_NAME   0x4
#define TRACE_F_CGROUP 0x8

/* map exec_cfg, open_cfg: array of 1 */
struct trace_filter {
	__u64 cgroup; /* id (inode) of a cgroup v2; those below it also match */
	__u32 level;  /* its depth, the root being 0 */
	__u32 flags;  /* TRACE_F_* */
	__u32 uid;
	__u32 pid; /* process; exec: or its parent */
	char name[16];
};

_Static_assert(sizeof(struct trace_stat) == 24, "abi");
_Static_assert(sizeof(struct trace_filter) == 40, "abi");

#endif
