/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/exec.h - every exec, and the exits. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_EXEC_H
#define HOOKMAP_ABI_EXEC_H

#include <linux/types.h>

#include "trace.h"

#define HM_FEAT_exec 0x80 /* hm_dev.features */

/* exec_event.kind */
enum exec_kind {
	EXEC_DONE = 1,	 /* a new program runs */
	EXEC_FAILED = 2, /* execve or execveat failed */
	EXEC_EXIT = 3,	 /* the process has ended */
};

#define EXEC_F_FILE_CUT 0x1 /* the file's name is longer */
#define EXEC_F_ARGS_CUT 0x2 /* there are more bytes of arguments, or more arguments */

#define EXEC_FILE 256
#define EXEC_ARGS 1024 /* bytes */
#define EXEC_ARGV 32   /* arguments, of a failed call */

/* ring buffer exec_ring; cut after the bytes of data that are used */
struct exec_event {
	__u64 time;
	__u64 run; /* EXEC_EXIT: ns since the exec */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__s32 ret; /* 0, -errno; EXEC_EXIT: wait status */
	char name[16];
	char parent[16]; /* name of the parent */
	__u16 file;	 /* bytes of data: the file, with its 0 */
	__u16 args;	 /* then the arguments, each with its 0 */
	__u8 kind;	 /* enum exec_kind */
	__u8 flags;	 /* EXEC_F_* */
	__u8 pad[2];
	__s32 dirfd; /* EXEC_FAILED: AT_FDCWD, or what a relative file starts from */
	__u32 cut;   /* EXEC_FAILED: bit N: argument N is longer */
	char data[EXEC_FILE + EXEC_ARGS];
};

/* map exec_buf, per-CPU array by kind - 1. Each program has its own element: from Linux 7.0 on,
 * these programs can be preempted by each other. (A program cannot preempt itself: that run is
 * skipped and counted as missed.)
 *
 * map exec_run, hash by process: when it was started */
#define EXEC_RUN 16384

_Static_assert(sizeof(struct exec_event) == 80 + EXEC_FILE + EXEC_ARGS, "abi");

#define HM_MAP_exec_cfg(X)  X(exec_cfg, ARRAY, __u32, struct trace_filter, 1, 0)
#define HM_MAP_exec_stat(X) X(exec_stat, PERCPU_ARRAY, __u32, struct trace_stat, 1, 0)
#define HM_MAP_exec_ring(X) X(exec_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)
#define HM_MAP_exec_run(X)  X(exec_run, HASH, __u32, __u64, EXEC_RUN, 0)
#define HM_MAP_exec_buf(X)  X(exec_buf, PERCPU_ARRAY, __u32, struct exec_event, 3, 0)

#endif
