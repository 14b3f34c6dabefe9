/* SPDX-License-Identifier: GPL-2.0-only */
/* burn.h - spends 50 ms, to place a delay in a stage where there is no netem. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BURN_NS 50000000ULL

static long burn_step(__u32 index, void *end)
{
	return bpf_ktime_get_ns() >= *(__u64 *)end;
}

static __always_inline void burn(void)
{
	__u64 end = bpf_ktime_get_ns() + BURN_NS;

	bpf_loop(8000000, burn_step, &end, 0);
}

char burn_license[] SEC("license") = "GPL";
