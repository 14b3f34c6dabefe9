/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - shared by the tools that report events: the filter by process, the ring buffer with
 * its count of losses, and the arguments of system calls.
 */
#ifndef HOOKMAP_TRACE_H
#define HOOKMAP_TRACE_H

#include "maps.h"
#include "task.h"

/* The single entry of an array map. */
#define trace_lookup(MAP, INDEX)                                                                   \
	({                                                                                         \
		__u32 index_ = (INDEX);                                                            \
		bpf_map_lookup_elem(&MAP, &index_);                                                \
	})

/* Does the current process match? PARENT is 0 if the parent does not count. */
static __always_inline int trace_match(const struct trace_filter *f, __u32 parent)
{
	__u32 flags = f->flags;

	if (!flags)
		return 1;
	if (flags & TRACE_F_PID) {
		__u32 pid = bpf_get_current_pid_tgid() >> 32;

		if (pid != f->pid && (!parent || parent != f->pid))
			return 0;
	}
	if (flags & TRACE_F_UID && (__u32)bpf_get_current_uid_gid() != f->uid)
		return 0;
	if (flags & TRACE_F_NAME) {
		__u64 name[2] = {}, want[2];

		bpf_get_current_comm(name, sizeof(name));
		__builtin_memcpy(want, f->name, sizeof(want));
		if (name[0] != want[0] || name[1] != want[1])
			return 0;
	}
	if (flags & TRACE_F_CGROUP && bpf_get_current_ancestor_cgroup_id(f->level) != f->cgroup)
		return 0;
	return 1;
}

/* The result of a string copy helper, with 1 for an empty string: before Linux 6.16 that may be
 * 0. Without a branch, which would double the verifier's work in a loop. */
static __always_inline long trace_length(long len)
{
	return len + (((len - 1) >> 63) & 1 & ~(len >> 63));
}

/* LEN bytes of a string were copied, including the final 0. Does the original continue at that
 * position? READ is the helper that reads it. */
#define trace_cut(READ, FROM, LEN)                                                                 \
	({                                                                                         \
		char last_ = 0;                                                                    \
                                                                                                   \
		READ(&last_, 1, (const char *)(FROM) + (LEN)-1);                                   \
		last_ != 0;                                                                        \
	})

static __always_inline void trace_output(void *ring, struct trace_stat *st, void *event, __u32 size)
{
	if (bpf_ringbuf_output(ring, event, size, BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&st->lost, 1);
	else
		__sync_fetch_and_add(&st->events, 1);
}

#endif
