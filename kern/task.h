/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.h - parts of the kernel's process structures, and the arguments of a system call, which
 * its registers still hold when it returns. CO-RE adjusts the offsets. The architecture is
 * checked at load time, so one object works on all.
 */
#ifndef HOOKMAP_TASK_H
#define HOOKMAP_TASK_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info___x86 {
	__u32 status;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

typedef struct {
	int counter;
} hm_atomic;

struct signal_struct {
	hm_atomic live; /* threads that have not begun to exit */
	unsigned int flags;
	int group_exit_code; /* valid with SIGNAL_GROUP_EXIT */
};

struct ns_common___task {
	unsigned int inum;
};

struct net___task {
	struct ns_common___task ns;
};

struct nsproxy {
	struct net___task *net_ns;
};

struct sigpending {
	struct {
		unsigned long sig[1];
	} signal;
};

struct task_struct {
	__u64 start_time; /* CLOCK_MONOTONIC */
	struct nsproxy *nsproxy;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct sigpending pending; /* signals for this thread */
	struct mm_struct *mm;
	char comm[16];
};

struct task_struct___x86 {
	struct thread_info___x86 thread_info;
};

struct linux_binprm {
	const char *filename;
};

struct pt_regs___x86 {
	unsigned long r10;
	unsigned long r8;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
};

#pragma clang attribute pop

#define ON_X86	 bpf_core_field_exists(((struct pt_regs___x86 *)0)->orig_ax)
#define ON_ARM64 bpf_core_field_exists(((struct pt_regs___arm64 *)0)->syscallno)

/* signal_struct.flags: the process ends as a whole */
#define SIGNAL_GROUP_EXIT 0x4

#define SIGSYS 31

#define AT_FDCWD	-100
#define AT_EXECVE_CHECK 0x10000 /* execveat: only tell whether it could be done */

/* x86: the call came from a 32-bit program, with other numbers and registers */
#define TS_COMPAT 0x2

/* A system call's number on x86-64 and on arm64 (which has the generic table). */
#define CALL_EXECVE(x86)   ((x86) ? 59 : 221)
#define CALL_EXECVEAT(x86) ((x86) ? 322 : 281)
#define CALL_OPENAT(x86)   ((x86) ? 257 : 56)
#define CALL_OPENAT2	   437
#define CALL_X86_OPEN	   2
#define CALL_X86_CREAT	   85

/* The number of the call that REGS belong to; -1 on another architecture. */
static __always_inline long call_number(const void *regs)
{
	if (ON_X86)
		return ((const struct pt_regs___x86 *)regs)->orig_ax;
	if (ON_ARM64)
		return ((const struct pt_regs___arm64 *)regs)->syscallno;
	return -1;
}

/* Has seccomp refused the call with a signal (SECCOMP_RET_TRAP, or killed the process)? RET is then
 * not a result, but what the register held before the call. */
static __always_inline int call_trapped(const void *regs, long ret)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	long before = call_number(regs);

	if (ON_ARM64)
		before = ((const struct pt_regs___arm64 *)regs)->orig_x0;
	return ret == before && BPF_CORE_READ(task, pending.signal.sig[0]) >> (SIGSYS - 1) & 1;
}

/* Has TASK made a 32-bit call? These are not reported: a number means something else. */
static __always_inline int call_compat(const void *task)
{
	const struct task_struct___x86 *t = task;

	if (!bpf_core_field_exists(t->thread_info.status))
		return 0;
	return BPF_CORE_READ(t, thread_info.status) & TS_COMPAT;
}

static __always_inline unsigned long call_arg0(const void *regs)
{
	if (ON_X86)
		return ((const struct pt_regs___x86 *)regs)->di;
	return ON_ARM64 ? ((const struct pt_regs___arm64 *)regs)->orig_x0 : 0;
}

static __always_inline unsigned long call_arg1(const void *regs)
{
	if (ON_X86)
		return ((const struct pt_regs___x86 *)regs)->si;
	return ON_ARM64 ? ((const struct pt_regs___arm64 *)regs)->regs[1] : 0;
}

static __always_inline unsigned long call_arg2(const void *regs)
{
	if (ON_X86)
		return ((const struct pt_regs___x86 *)regs)->dx;
	return ON_ARM64 ? ((const struct pt_regs___arm64 *)regs)->regs[2] : 0;
}

static __always_inline unsigned long call_arg3(const void *regs)
{
	if (ON_X86)
		return ((const struct pt_regs___x86 *)regs)->r10;
	return ON_ARM64 ? ((const struct pt_regs___arm64 *)regs)->regs[3] : 0;
}

static __always_inline unsigned long call_arg4(const void *regs)
{
	if (ON_X86)
		return ((const struct pt_regs___x86 *)regs)->r8;
	return ON_ARM64 ? ((const struct pt_regs___arm64 *)regs)->regs[4] : 0;
}

#endif
