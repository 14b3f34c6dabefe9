// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/exec - every exec, including execveat and failed calls, with its arguments, and the exit
 * of the program.
 *
 *   bpftool prog loadall build/kern/exec.o DIR map name ... pinned ... autoattach
 *
 * exec_done: tracepoint sched_process_exec. The arguments are read from the new program's
 * memory, where the kernel has just put them. exec_failed: tracepoint sys_exit, for execve and
 * execveat with an error; then the caller's memory is unchanged, and its registers still hold
 * the arguments. exec_exit: tracepoint sched_process_exit of the last thread of a process that
 * exec_done has seen (map exec_run).
 *
 * Maps: exec_cfg (filter), exec_ring (events), exec_stat, exec_run, exec_buf. Times in ns.
 */
#include "trace.h"

HM_MAP(exec_cfg);
HM_MAP(exec_stat);
HM_MAP(exec_ring);
HM_MAP(exec_run);
HM_MAP(exec_buf);

/* The fields that all kinds have. */
static __always_inline void exec_who(struct exec_event *e, __u8 kind,
				     const struct task_struct *task, int ret)
{
	e->time = bpf_ktime_get_ns();
	e->run = 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = bpf_get_current_uid_gid();
	e->ret = ret;
	e->kind = kind;
	e->flags = 0;
	e->cut = 0;
	e->file = 0;
	e->args = 0;
	bpf_get_current_comm(e->name, sizeof(e->name));
	/* real_parent is the thread that forked */
	BPF_CORE_READ_STR_INTO(&e->parent, task, real_parent, group_leader, comm);
}

static __always_inline void exec_send(struct trace_stat *st, struct exec_event *e)
{
	__u32 size = (__u32)e->file + e->args;

	if (size > EXEC_FILE + EXEC_ARGS)
		return;
	trace_output(&exec_ring, st, e, __builtin_offsetof(struct exec_event, data) + size);
}

/* READ##_str copies the file's name from FROM. */
#define exec_file(READ, E, FROM)                                                                   \
	({                                                                                         \
		const void *from_ = (FROM);                                                        \
		long len_ = trace_length(READ##_str((E)->data, EXEC_FILE, from_));                 \
                                                                                                   \
		if (len_ < 0 || len_ > EXEC_FILE)                                                  \
			len_ = 0;                                                                  \
		if (len_ == EXEC_FILE && trace_cut(READ, from_, len_))                             \
			(E)->flags |= EXEC_F_FILE_CUT;                                             \
		(E)->file = len_;                                                                  \
	})

SEC("tp_btf/sched_process_exec")
int exec_done(__u64 *ctx)
{
	const struct task_struct *task = (const struct task_struct *)ctx[0];
	const struct linux_binprm *bprm = (const struct linux_binprm *)ctx[2];
	__u32 pid = task->tgid, file;
	struct trace_filter *filter;
	unsigned long start, len;
	struct trace_stat *st;
	struct exec_event *e;

	filter = trace_lookup(exec_cfg, 0);
	st = trace_lookup(exec_stat, 0);
	e = trace_lookup(exec_buf, EXEC_DONE - 1);
	if (!filter || !st || !e)
		return 0;
	if (!trace_match(filter, task->real_parent->tgid)) {
		/* the previous program may have matched */
		bpf_map_delete_elem(&exec_run, &pid);
		return 0;
	}
	exec_who(e, EXEC_DONE, task, 0);
	exec_file(bpf_probe_read_kernel, e, bprm->filename);

	start = task->mm->arg_start;
	len = task->mm->arg_end - start;
	if (len > EXEC_ARGS) {
		len = EXEC_ARGS;
		e->flags |= EXEC_F_ARGS_CUT;
	}
	file = e->file;
	if (file <= EXEC_FILE && len && !bpf_probe_read_user(e->data + file, len, (void *)start))
		e->args = len;
	else if (len)
		e->flags |= EXEC_F_ARGS_CUT;

	if (bpf_map_update_elem(&exec_run, &pid, &e->time, BPF_ANY))
		__sync_fetch_and_add(&st->full, 1);
	exec_send(st, e);
	return 0;
}

/* Bytes of one argument of a call that failed; a power of two, see below. */
#define EXEC_ARG 128

/* The arguments of a call that failed, from its argv. */
static __always_inline void exec_argv(struct exec_event *e, unsigned long argv)
{
	__u32 at = e->file;
	unsigned long arg;
	long len;

	for (int i = 0; i <= EXEC_ARGV; i++) {
		if (bpf_probe_read_user(&arg, sizeof(arg), (void *)argv)) {
			e->flags |= EXEC_F_ARGS_CUT;
			break;
		}
		if (!arg)
			break;
		if (i == EXEC_ARGV || at > EXEC_FILE + EXEC_ARGS - EXEC_ARG) {
			e->flags |= EXEC_F_ARGS_CUT;
			break;
		}
		len = trace_length(bpf_probe_read_user_str(e->data + at, EXEC_ARG, (void *)arg));
		if (len <= 0 || len > EXEC_ARG) {
			e->flags |= EXEC_F_ARGS_CUT;
			break;
		}
		/* without a branch, which would double the verifier's work each time */
		e->cut |= (__u32)trace_cut(bpf_probe_read_user, arg, len) << (i & 31);
		at += len;
		argv += sizeof(arg);
	}
	e->args = at - e->file;
}

SEC("tp_btf/sys_exit")
int exec_failed(__u64 *ctx)
{
	const void *regs = (const void *)ctx[0];
	const struct task_struct *task;
	struct trace_filter *filter;
	unsigned long file, argv;
	struct trace_stat *st;
	struct exec_event *e;
	long nr, ret = ctx[1];
	int at;

	nr = call_number(regs);
	at = nr == CALL_EXECVEAT(ON_X86);
	if (nr != CALL_EXECVE(ON_X86) && !at)
		return 0;
	if (at && call_arg4(regs) & AT_EXECVE_CHECK)
		return 0;
	if (call_trapped(regs, ret))
		ret = -TRACE_TRAPPED;
	if (ret >= 0)
		return 0;
	filter = trace_lookup(exec_cfg, 0);
	st = trace_lookup(exec_stat, 0);
	e = trace_lookup(exec_buf, EXEC_FAILED - 1);
	task = (const struct task_struct *)bpf_get_current_task();
	if (!filter || !st || !e || call_compat(task) ||
	    !trace_match(filter, BPF_CORE_READ(task, real_parent, tgid)))
		return 0;
	exec_who(e, EXEC_FAILED, task, ret);
	e->dirfd = at ? (__s32)call_arg0(regs) : AT_FDCWD;
	file = at ? call_arg1(regs) : call_arg0(regs);
	argv = at ? call_arg2(regs) : call_arg1(regs);
	exec_file(bpf_probe_read_user, e, (void *)file);
	if (argv)
		exec_argv(e, argv);
	exec_send(st, e);
	return 0;
}

/* The status that wait() returns to the parent: the code of the whole process if there is one
 * (exit_group, a signal, and from Linux 5.18 on the last thread's end), else the first thread's. */
static __always_inline int exec_code(const struct task_struct *task)
{
	if (task->signal->flags & SIGNAL_GROUP_EXIT)
		return task->signal->group_exit_code;
	return task->group_leader->exit_code;
}

SEC("tp_btf/sched_process_exit")
int exec_exit(__u64 *ctx)
{
	const struct task_struct *task = (const struct task_struct *)ctx[0];
	__u32 pid = task->tgid;
	struct trace_stat *st;
	struct exec_event *e;
	__u64 *start, began;

	if (task->signal->live.counter)
		return 0; /* not the last thread */
	start = bpf_map_lookup_elem(&exec_run, &pid);
	if (!start)
		return 0;
	began = *start;
	st = trace_lookup(exec_stat, 0);
	e = trace_lookup(exec_buf, EXEC_EXIT - 1);
	/* two last threads at once: the one that deletes it reports it */
	if (!st || !e || bpf_map_delete_elem(&exec_run, &pid))
		return 0;
	/* of a process that had this number before, and whose exit was not seen */
	if (began < task->group_leader->start_time)
		return 0;
	exec_who(e, EXEC_EXIT, task, exec_code(task));
	/* of the process, whichever of its threads is the last */
	BPF_CORE_READ_STR_INTO(&e->name, task, group_leader, comm);
	e->run = e->time - began;
	exec_send(st, e);
	return 0;
}
