// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/hello - prints one line per frame, and drops it if a switch in a map says so.
 *
 *   ip link set dev D xdp obj build/xdp/hello.o
 *   cat /sys/kernel/tracing/trace_pipe
 *   bpftool map update pinned /sys/fs/bpf/tc/globals/hello_cfg key 0 0 0 0 value 1 0 0 0 0 0 0 0
 *
 * Printing costs hundreds of ns per frame, and all programs of the machine print into
 * one buffer: use it to learn, not in production.
 *
 * Maps: hello_cfg (drop, quiet). Returns XDP_PASS or XDP_DROP.
 */
#include "xdp.h"

/* kern/abi.h describes this map; this line declares it. `ip` creates it and pins it by name
 * in /sys/fs/bpf/tc/globals. */
HM_MAP(hello_cfg);

HM_XDP(hello)
{
	/* a key is given by address, so it must be a variable */
	__u32 zero = 0;
	struct hello_cfg *cfg = bpf_map_lookup_elem(&hello_cfg, &zero);

	/* An array always has its element, but the verifier requires this check: a pointer
	 * from a lookup must be compared with NULL before it is used. */
	if (!cfg)
		return XDP_PASS;
	/* at most three values; %d %u %x %s %llu and little else */
	if (!cfg->quiet)
		bpf_printk("hello: %d bytes on device %d", xdp_bytes(ctx, frags),
			   ctx->ingress_ifindex);
	return cfg->drop ? XDP_DROP : XDP_PASS;
}
