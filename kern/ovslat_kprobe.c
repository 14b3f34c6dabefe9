// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/ovslat_kprobe - time in ovs_vport_receive, for kernels without fentry.
 *
 *   bpftool prog loadall build/kern/ovslat_kprobe.o DIR map name ... pinned ... autoattach
 *
 * If too many calls are pending, a return is missed. The next call notices it and counts it as
 * lost.
 *
 * Maps: ovslat_hist, ovslat_call. Times in ns.
 */
#include "ovslat.h"
#include "task.h"

/* The first argument of a function. Read by a helper, because the compiler would move
 * the context's pointer, which the verifier does not allow. */
static __always_inline unsigned long argument(const void *regs)
{
	if (ON_X86)
		return BPF_CORE_READ((const struct pt_regs___x86 *)regs, di);
	return ON_ARM64 ? BPF_CORE_READ((const struct pt_regs___arm64 *)regs, regs[0]) : 0;
}

SEC("kprobe/ovs_vport_receive")
int ovslat_entry(void *ctx)
{
	return ovslat_enter(argument(ctx));
}

SEC("kretprobe/ovs_vport_receive")
int ovslat_exit(void *ctx)
{
	(void)ctx;
	return ovslat_leave();
}
