// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/ovslat - time in ovs_vport_receive, by input port: the work of Open vSwitch's kernel
 * datapath on a packet.
 *
 *   bpftool prog loadall build/kern/ovslat.o DIR map name ... pinned ... autoattach
 *
 * For kernels with fentry; the others have kern/ovslat_kprobe. Load the module openvswitch
 * first.
 *
 * Maps: ovslat_hist, ovslat_call. Times in ns.
 */
#include "ovslat.h"

SEC("fentry/ovs_vport_receive")
int ovslat_entry(__u64 *ctx)
{
	return ovslat_enter(ctx[0]);
}

SEC("fexit/ovs_vport_receive")
int ovslat_exit(__u64 *ctx)
{
	(void)ctx;
	return ovslat_leave();
}
