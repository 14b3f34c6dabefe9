// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/napi - batching of the receive path: packets per NAPI poll, frames per devmap batch, and
 * the delay of NET_RX; by device and CPU.
 *
 *   bpftool prog loadall build/kern/napi.o DIR map name ... pinned ... autoattach
 *
 * Tracepoints napi_poll, xdp_devmap_xmit, softirq_raise, softirq_entry.
 *
 * Maps: napi_hist, napi_who (owners of rows), napi_stat. Packets, frames, and ns.
 */
#include "hist_age.h"
#include "skb.h"

#define NET_RX_SOFTIRQ 3

HM_MAP(napi_hist);
HM_MAP(napi_who);
HM_MAP(napi_stat);

static __always_inline struct napi_stat *napi_stat_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&napi_stat, &zero);
}

static __always_inline void napi_add(struct napi_key *key, __u8 kind, __u64 value)
{
	struct napi_stat *st = napi_stat_get();

	key->kind = kind;
	key->cpu = bpf_get_smp_processor_id();
	if (st && !hist_age_add(napi_who, napi_hist, key, &st->age, bpf_ktime_get_ns(), value))
		__sync_fetch_and_add(&st->full, 1);
}

static __always_inline void napi_device(struct napi_key *key, const struct net_device *dev)
{
	bpf_probe_read_kernel_str(key->name, sizeof(key->name), dev->name);
	key->ifindex = dev->ifindex;
	if (key->ifindex) {
		key->netns = dev->nd_net.net->ns.inum;
		key->cookie = net_cookie(dev->nd_net.net);
	} else if (!key->name[0] || key->name[5] == '#') {
		/* a dummy, for polls of no device or of several: "dummy#", before Linux 6.10 "" */
		__builtin_memcpy(key->name, "(dummy)", sizeof("(dummy)"));
	}
}

SEC("tp_btf/napi_poll")
int napi_poll(__u64 *ctx)
{
	const struct napi_struct *napi = (const struct napi_struct *)ctx[0];
	const struct net_device *dev = napi->dev;
	int work = ctx[1], budget = ctx[2];
	struct napi_key key = {};

	/* the backlog of a CPU has no device */
	if (dev)
		napi_device(&key, dev);
	if (work <= 0) {
		napi_add(&key, NAPI_IDLE, 0);
		return 0;
	}
	napi_add(&key, NAPI_POLL, work);
	if (work >= budget)
		napi_add(&key, NAPI_FULL, work);
	return 0;
}

SEC("tp_btf/xdp_devmap_xmit")
int napi_devmap(__u64 *ctx)
{
	const struct net_device *to = (const struct net_device *)ctx[1];
	int sent = ctx[2], drops = ctx[3];
	struct napi_key key = {};

	napi_device(&key, to);
	if (sent > 0)
		napi_add(&key, NAPI_DEVMAP, sent);
	if (drops > 0)
		napi_add(&key, NAPI_DROPS, drops);
	return 0;
}

SEC("tp_btf/softirq_raise")
int napi_raise(__u64 *ctx)
{
	struct napi_stat *st;

	if ((__u32)ctx[0] != NET_RX_SOFTIRQ)
		return 0;
	st = napi_stat_get();
	if (st && !st->raised)
		st->raised = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_entry")
int napi_softirq(__u64 *ctx)
{
	struct napi_key key = {};
	struct napi_stat *st;
	__u64 raised;

	if ((__u32)ctx[0] != NET_RX_SOFTIRQ)
		return 0;
	st = napi_stat_get();
	if (!st || !st->raised)
		return 0;
	raised = st->raised;
	st->raised = 0;
	napi_add(&key, NAPI_SOFTIRQ, bpf_ktime_get_ns() - raised);
	return 0;
}
