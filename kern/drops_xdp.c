// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/drops_xdp - counts packets that XDP loses, whichever program loses them.
 *
 *   bpftool prog loadall build/kern/drops_xdp.o DIR map name ... pinned ... autoattach
 *
 * - xdp_exception: XDP_ABORTED, or an action that the kernel could not do
 * - xdp_redirect_err: bpf_redirect*() to a target that refuses the frame, by errno
 * - xdp_devmap_xmit: frames that the target device refused
 * - xdp_bulk_tx: the same for XDP_TX
 * - xdp_cpumap_enqueue: the queue to the other CPU was full
 * - xdp_cpumap_kthread: the other CPU had no memory, or its program dropped the frames
 *
 * XDP_DROP by a foreign program has no tracepoint. Where XDP runs on an skb (veth, tun, generic
 * mode), kern/drops sees the skb freed; on other drivers, see the driver's counters (ethtool
 * -S).
 *
 * Maps: drop_xdp, drop_xdp_slot, drop_stat, xdp_verdict. Rows count frames; the tracepoints do
 * not report bytes. Times in ns.
 */
#include "drops.h"

HM_MAP(drop_xdp);
HM_MAP(drop_xdp_slot);

#define DROP_ENOSPC 28

/* Like drop_room() of kern/drops, without rows of less detail. */
__noinline int drop_xdp_room(const struct drop_xdp_key *key, const __u64 *dev)
{
	struct drop_stat *st = drop_lookup(drop_stat);
	struct drop_slot_head *head;
	struct drop_val gone = {};

	if (!key || !dev || !st)
		return 0;
	head = drop_slot_take(&drop_xdp, &drop_xdp_slot, DROP_XDP_ROWS, &gone);
	if (head) {
		((struct drop_xdp_slot *)head)->key = *key;
		drop_slot_fill(head, st, *dev);
	}
	if (gone.packets) {
		st->xdp_evicted++;
		st->xdp_over += gone.packets;
	}
	return 0;
}

static __always_inline void drop_xdp_add(struct drop_stat *st, struct drop_xdp_key *key,
					 struct net_device *dev, struct bpf_prog *prog,
					 __u64 packets)
{
	__u64 at = (__u64)dev;
	struct drop_val *row, empty = {};

	if (dev) {
		key->ifindex = dev->ifindex;
		key->node = drop_node(dev);
		key->netns = dev->nd_net.net->ns.inum;
		key->cookie = net_cookie(dev->nd_net.net);
	}
	if (prog) {
		key->id = prog->aux->id;
		bpf_core_read(key->name, sizeof(key->name), &prog->aux->name);
	}
	row = bpf_map_lookup_elem(&drop_xdp, key);
	if (!row) {
		drop_xdp_room(key, &at);
		bpf_map_update_elem(&drop_xdp, key, &empty, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&drop_xdp, key);
	}
	if (row)
		drop_count(st, row, packets, 0);
	else
		st->xdp_over += packets;
}

/* Tells kern/drops of an skb that will be freed now. Generic mode always has one;
 * veth and tun have one until they send or redirect it. */
static __always_inline void drop_skb_follows(struct drop_stat *st, struct net_device *dev,
					     struct bpf_prog *prog, __u32 action)
{
	if (dev->xdp_prog == prog || (action != XDP_TX && action != XDP_REDIRECT))
		st->xdp_dev = (__u64)dev;
}

SEC("tp_btf/xdp_exception")
int drops_exception(__u64 *ctx)
{
	struct net_device *dev = (struct net_device *)ctx[0];
	struct drop_xdp_key key = { .kind = DROP_XDP_EXCEPTION, .code = ctx[2] };
	struct xdp_verdict *v = drop_lookup(xdp_verdict);
	struct drop_stat *st = drop_lookup(drop_stat);

	if (!st || !v)
		return 0;
	if (v->aborted && v->ifindex == (__u32)dev->ifindex) {
		/* a program of ours, which has counted it with its own reason */
		v->aborted = 0;
		return 0;
	}
	drop_skb_follows(st, dev, (struct bpf_prog *)ctx[1], ctx[2]);
	drop_xdp_add(st, &key, dev, (struct bpf_prog *)ctx[1], 1);
	return 0;
}

SEC("tp_btf/xdp_redirect_err")
int drops_redirect(__u64 *ctx)
{
	struct net_device *dev = (struct net_device *)ctx[0];
	struct bpf_prog *prog = (struct bpf_prog *)ctx[1];
	__u32 errno = -(int)ctx[3];
	struct drop_xdp_key key = { .kind = DROP_XDP_REDIRECT, .code = errno };
	struct drop_stat *st = drop_lookup(drop_stat);

	if (!st)
		return 0;
	if (prog->expected_attach_type == BPF_XDP_CPUMAP)
		st->cpumap_errors++; /* its batch counts it again, as dropped */
	else
		drop_skb_follows(st, dev, prog, XDP_REDIRECT);
	/* generic mode: the full queue was counted by xdp_cpumap_enqueue */
	if ((__u32)ctx[4] == BPF_MAP_TYPE_CPUMAP && errno == DROP_ENOSPC)
		return 0;
	drop_xdp_add(st, &key, dev, prog, 1);
	return 0;
}

/* ERR of a driver's transmit function; 0 with drops: its ring was full. */
static __always_inline int drop_transmit(__u32 kind, struct net_device *dev, int drops, int err)
{
	struct drop_xdp_key key = { .kind = kind, .code = -err };
	struct drop_stat *st = drop_lookup(drop_stat);

	if (st && drops > 0)
		drop_xdp_add(st, &key, dev, NULL, drops);
	return 0;
}

SEC("tp_btf/xdp_devmap_xmit")
int drops_devmap(__u64 *ctx)
{
	return drop_transmit(DROP_XDP_DEVMAP, (struct net_device *)ctx[1], ctx[3], ctx[4]);
}

SEC("tp_btf/xdp_bulk_tx")
int drops_tx(__u64 *ctx)
{
	return drop_transmit(DROP_XDP_TX, (struct net_device *)ctx[0], ctx[2], ctx[3]);
}

SEC("tp_btf/xdp_cpumap_enqueue")
int drops_cpumap(__u64 *ctx)
{
	struct drop_xdp_key key = { .kind = DROP_XDP_CPUMAP, .code = ctx[3], .id = ctx[0] };
	struct drop_stat *st = drop_lookup(drop_stat);
	__u32 drops = ctx[2];

	if (st && drops)
		drop_xdp_add(st, &key, NULL, NULL, drops);
	return 0;
}

SEC("tp_btf/xdp_cpumap_kthread")
int drops_cpumap_run(__u64 *ctx)
{
	struct xdp_cpumap_stats *stats = (struct xdp_cpumap_stats *)ctx[4];
	struct drop_xdp_key key = { .code = bpf_get_smp_processor_id(), .id = ctx[0] };
	struct drop_stat *st = drop_lookup(drop_stat);
	__u32 drops = ctx[2], dropped;

	if (!st)
		return 0;
	if (drops) {
		key.kind = DROP_XDP_CPUMAP_SKB;
		drop_xdp_add(st, &key, NULL, NULL, drops);
	}
	dropped = stats->drop - st->cpumap_errors;
	st->cpumap_errors = 0;
	if (dropped) {
		key.kind = DROP_XDP_CPUMAP_PROG;
		drop_xdp_add(st, &key, NULL, NULL, dropped);
	}
	return 0;
}
