/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovslat.h - the time of one call of ovs_vport_receive, for kern/ovslat (fentry, fexit)
 * and kern/ovslat_kprobe. A call may be inside another, through a patch or internal
 * port; all happens on one CPU with softirqs off, so one stack per CPU is enough.
 */
#ifndef HOOKMAP_OVSLAT_H
#define HOOKMAP_OVSLAT_H

#include "hist_age.h"
#include "skb.h"

HM_MAP(ovslat_hist);
HM_MAP(ovslat_who);
HM_MAP(ovslat_call);

/* A call does not last that long: its return was missed. */
#define OVSLAT_STALE_NS 1000000000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct vport {
	struct net_device *dev;
};

#pragma clang attribute pop

static __always_inline struct ovslat_call *ovslat_stack(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ovslat_call, &zero);
}

static __always_inline int ovslat_enter(unsigned long vport)
{
	struct ovslat_call *c = ovslat_stack();
	__u64 task = bpf_get_current_task();
	__u64 now = bpf_ktime_get_ns();
	struct ovslat_frame *f;
	__u32 depth;

	if (!c)
		return 0;
	depth = c->depth;
	f = &c->frame[(depth - 1) & (OVSLAT_DEPTH - 1)];
	if (depth && (f->task != task || now - f->start > OVSLAT_STALE_NS)) {
		c->lost += depth;
		depth = 0;
	}
	c->depth = depth + 1;
	if (depth >= OVSLAT_DEPTH) {
		c->deep++;
		return 0;
	}
	f = &c->frame[depth & (OVSLAT_DEPTH - 1)];
	f->start = now;
	f->inner = 0;
	f->vport = vport;
	f->task = task;
	return 0;
}

static __always_inline void ovslat_add(struct ovslat_call *c, struct ovslat_key *key, __u8 kind,
				       __u64 delta)
{
	key->kind = kind;
	if (!hist_age_add(ovslat_who, ovslat_hist, key, &c->age, bpf_ktime_get_ns(), delta))
		c->full++;
}

static __always_inline void ovslat_port(struct ovslat_key *key, unsigned long vport)
{
	const struct vport *v = (const struct vport *)vport;
	struct net_device *dev;

	/* without the module's BTF: dev is its first field */
	if (bpf_core_field_exists(v->dev))
		dev = BPF_CORE_READ(v, dev);
	else if (bpf_probe_read_kernel(&dev, sizeof(dev), (void *)vport))
		return;
	key->ifindex = BPF_CORE_READ(dev, ifindex);
	key->netns = BPF_CORE_READ(dev, nd_net.net, ns.inum);
	key->cookie = net_cookie(BPF_CORE_READ(dev, nd_net.net));
	BPF_CORE_READ_STR_INTO(&key->name, dev, name);
}

static __always_inline int ovslat_leave(void)
{
	struct ovslat_call *c = ovslat_stack();
	struct ovslat_key key = {};
	struct ovslat_frame *f;
	__u64 delta;
	__u32 depth;

	/* the call had begun before we were attached, or was given up */
	if (!c || !c->depth)
		return 0;
	depth = c->depth - 1;
	f = &c->frame[depth & (OVSLAT_DEPTH - 1)];
	if (depth < OVSLAT_DEPTH && f->task != bpf_get_current_task())
		return 0;
	c->depth = depth;
	if (depth >= OVSLAT_DEPTH)
		return 0;
	delta = bpf_ktime_get_ns() - f->start;
	ovslat_port(&key, f->vport);
	ovslat_add(c, &key, OVSLAT_TOTAL, delta);
	ovslat_add(c, &key, OVSLAT_SELF, delta - f->inner);
	if (depth)
		c->frame[(depth - 1) & (OVSLAT_DEPTH - 1)].inner += delta;
	return 0;
}

#endif
