/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2past.h - queueing disciplines and filters of a device, which XDP would bypass. Each one
 * counts unless it is known to do nothing. For kern/l2fwd_mirror.
 */
#ifndef HOOKMAP_L2PAST_H
#define HOOKMAP_L2PAST_H

#include "skb.h"

#include <bpf/bpf_core_read.h>

#define PAST_QUEUES  1024 /* read per device; more are unknown */
#define PAST_FILTERS 16	  /* of one hook */

/* cls_bpf may be a module without BTF: these have not changed since it was added. */
struct past_cls_bpf_head {
	struct list_head *first;
};
struct past_cls_bpf_prog {
	struct bpf_prog *filter;
	struct list_head *next;
};

#define PAST_MQ 2 /* mq has one per queue; with all others, queues have the root's */

/* 0: one that only queues frames for the device */
static __always_inline int past_qdisc(struct Qdisc *q)
{
	char id[16] = {};

	BPF_CORE_READ_STR_INTO(&id, q, ops, id);
	if (!bpf_strncmp(id, sizeof(id), "mq"))
		return PAST_MQ;
	return bpf_strncmp(id, sizeof(id), "noqueue") && bpf_strncmp(id, sizeof(id), "noop") &&
	       bpf_strncmp(id, sizeof(id), "pfifo_fast") && bpf_strncmp(id, sizeof(id), "fq") &&
	       bpf_strncmp(id, sizeof(id), "fq_codel");
}

struct past_queues {
	struct netdev_queue *tx;
	int shapes;
};

static long past_queue(__u32 i, void *arg)
{
	struct past_queues *w = arg;
	struct netdev_queue *q = (void *)w->tx + i * bpf_core_type_size(struct netdev_queue);

	w->shapes = !!past_qdisc(BPF_CORE_READ(q, qdisc_sleeping));
	return w->shapes;
}

/*
 * Does something shape, order or drop the frames that the device at ADDRESS sends? (The verifier
 * checks a global function once for all callers, and treats an address as a number.)
 */
__noinline int past_queued(__u64 address)
{
	struct net_device *dev = (void *)address;
	struct past_queues w = { .shapes = past_qdisc(BPF_CORE_READ(dev, qdisc)) };
	__u32 n = BPF_CORE_READ(dev, num_tx_queues);

	if (w.shapes != PAST_MQ || n > PAST_QUEUES)
		return w.shapes;
	w.tx = BPF_CORE_READ(dev, _tx);
	bpf_loop(n, past_queue, &w, 0);
	return w.shapes;
}

/* A filter that is one program of ours, which only counts, measures or floods. */
static __always_inline int past_is_ours(struct tcf_proto *tp)
{
	struct past_cls_bpf_head *head;
	struct past_cls_bpf_prog *prog;
	struct list_head *at, *next;
	struct bpf_prog *filter;
	char name[16] = {};

	BPF_CORE_READ_STR_INTO(&name, tp, ops, kind);
	if (bpf_strncmp(name, sizeof(name), "bpf"))
		return 0;
	head = BPF_CORE_READ(tp, root);
	bpf_probe_read_kernel(&at, sizeof(at), &head->first);
	prog = (void *)at - offsetof(struct past_cls_bpf_prog, next);
	bpf_probe_read_kernel(&next, sizeof(next), &prog->next);
	if ((void *)next != head)
		return 0;
	bpf_probe_read_kernel(&filter, sizeof(filter), &prog->filter);
	BPF_CORE_READ_STR_INTO(&name, filter, aux, name);
	return !bpf_strncmp(name, sizeof(name), "l2fwd_tc") ||
	       !bpf_strncmp(name, sizeof(name), "latency_tc") ||
	       !bpf_strncmp(name, sizeof(name), "path_tc") ||
	       !bpf_strncmp(name, sizeof(name), "count_tc");
}

struct past_filters {
	struct tcf_proto *tp;
};

static long past_filter(__u32 i, void *arg)
{
	struct past_filters *w = arg;
	struct tcf_proto *tp = w->tp;

	(void)i;
	if (!tp || !past_is_ours(tp))
		return 1;
	w->tp = BPF_CORE_READ(tp, next);
	return 0;
}

/* Does something filter the frames that the device receives, or with EGRESS sends: a filter of
 * clsact or ingress, a tcx program, nft in family netdev? */
__noinline int past_filtered(__u64 address, int egress)
{
	struct net_device *dev = (void *)address;
	struct nf_hook_entries *nf = NULL;
	struct mini_Qdisc *miniq = NULL;
	struct bpf_mprog_bundle *bundle;
	struct bpf_mprog_entry *entry;
	struct past_filters w = {};

	if (!egress && bpf_core_field_exists(dev->nf_hooks_ingress))
		nf = BPF_CORE_READ(dev, nf_hooks_ingress);
	if (egress && bpf_core_field_exists(dev->nf_hooks_egress))
		nf = BPF_CORE_READ(dev, nf_hooks_egress);
	if (nf && BPF_CORE_READ(nf, num_hook_entries))
		return 1;
	if (bpf_core_field_exists(dev->tcx_ingress)) {
		entry = egress ? BPF_CORE_READ(dev, tcx_egress) : BPF_CORE_READ(dev, tcx_ingress);
		if (!entry)
			return 0;
		bundle = BPF_CORE_READ(entry, parent);
		if (BPF_CORE_READ(bundle, count))
			return 1;
		miniq = BPF_CORE_READ(
			(struct tcx_entry *)((void *)bundle -
					     bpf_core_field_offset(struct tcx_entry, bundle)),
			miniq);
	} else if (bpf_core_field_exists(dev->miniq_ingress)) {
		miniq = egress ? BPF_CORE_READ(dev, miniq_egress)
			       : BPF_CORE_READ(dev, miniq_ingress);
	}
	if (!miniq)
		return 0;
	w.tp = BPF_CORE_READ(miniq, filter_list);
	bpf_loop(PAST_FILTERS, past_filter, &w, 0);
	return w.tp != NULL;
}

#endif
