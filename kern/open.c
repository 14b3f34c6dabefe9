// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/open - every open, openat, openat2 and creat: process, path, flags and result.
 *
 *   bpftool prog loadall build/kern/open.o DIR map name ... pinned ... autoattach
 *
 * Attaches to the tracepoint sys_exit only. When the call returns, its registers still hold the
 * arguments, and the path is in memory because the kernel has read it. So there is no table of
 * pending calls to age, and one event costs one program run. (If a program changes the path
 * during the call, the new one is shown.)
 *
 * Maps: open_cfg (filter), open_ring (events), open_stat, open_buf. Times in ns.
 */
#include "trace.h"

HM_MAP(open_cfg);
HM_MAP(open_stat);
HM_MAP(open_ring);
HM_MAP(open_buf);

#define O_CREAT_WRONLY_TRUNC 01101

/* only the members that we use */
struct open_how {
	__u64 flags;
	__u64 mode;
	__u64 resolve;
};

static __always_inline __u8 open_call(long nr)
{
	if (nr == CALL_OPENAT(ON_X86))
		return OPEN_OPENAT;
	if (nr == CALL_OPENAT2)
		return OPEN_OPENAT2;
	if (ON_X86 && nr == CALL_X86_OPEN)
		return OPEN_OPEN;
	if (ON_X86 && nr == CALL_X86_CREAT)
		return OPEN_CREAT;
	return 0;
}

/* The arguments of the call, except the path, whose address it returns. */
static __always_inline unsigned long open_args(struct open_event *e, const void *regs)
{
	struct open_how how;

	e->dirfd = AT_FDCWD;
	e->resolve = 0;
	switch (e->call) {
	case OPEN_OPEN:
		e->flags = (__u32)call_arg1(regs);
		e->mode = call_arg2(regs);
		return call_arg0(regs);
	case OPEN_CREAT:
		e->flags = O_CREAT_WRONLY_TRUNC;
		e->mode = call_arg1(regs);
		return call_arg0(regs);
	case OPEN_OPENAT2:
		/* without it the call has failed, and its flags are unknown */
		e->flags = OPEN_NO_FLAGS;
		e->mode = 0;
		if (bpf_probe_read_user(&how, sizeof(how), (void *)call_arg2(regs)))
			break;
		e->flags = how.flags;
		e->mode = how.mode;
		e->resolve = how.resolve;
		break;
	default:
		e->flags = (__u32)call_arg2(regs);
		e->mode = call_arg3(regs);
	}
	e->dirfd = call_arg0(regs);
	return call_arg1(regs);
}

SEC("tp_btf/sys_exit")
int open_exit(__u64 *ctx)
{
	const void *regs = (const void *)ctx[0];
	__u8 call = open_call(call_number(regs));
	struct trace_filter *filter;
	struct trace_stat *st;
	struct open_event *e;
	unsigned long path;
	__u64 id;
	long len;

	if (!call)
		return 0;
	filter = trace_lookup(open_cfg, 0);
	st = trace_lookup(open_stat, 0);
	e = trace_lookup(open_buf, 0);
	if (!filter || !st || !e || !trace_match(filter, 0) ||
	    call_compat((void *)bpf_get_current_task()))
		return 0;
	id = bpf_get_current_pid_tgid();
	e->time = bpf_ktime_get_ns();
	e->pid = id >> 32;
	e->tid = id;
	e->uid = bpf_get_current_uid_gid();
	e->ret = call_trapped(regs, ctx[1]) ? -TRACE_TRAPPED : (long)ctx[1];
	e->call = call;
	bpf_get_current_comm(e->name, sizeof(e->name));
	path = open_args(e, regs);
	len = trace_length(bpf_probe_read_user_str(e->path, sizeof(e->path), (void *)path));
	if (len < 0 || len > OPEN_PATH)
		len = 0;
	e->path_len = len;
	e->cut = len == OPEN_PATH && trace_cut(bpf_probe_read_user, path, len);
	trace_output(&open_ring, st, e, __builtin_offsetof(struct open_event, path) + len);
	return 0;
}
