// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/path - the journey of packets that match a filter, across devices and
 * network namespaces.
 *
 *   bpftool prog loadall build/kern/path.o DIR map name ... pinned ... autoattach
 *
 * One program per tracepoint: net_dev_queue, net_dev_start_xmit, netif_rx,
 * napi_gro_receive_entry, netif_receive_skb, skb_copy_datagram_iovec (a process reads
 * it) and kfree_skb (it is dropped). kern/path_socket adds the socket.
 *
 * A packet that does not match costs one copy of its headers and a few compares.
 *
 * Maps: path_cfg (filter), path_ring (events), path_part (segments read in pieces), path_stat.
 * Times in ns.
 */
#include "path_skb.h"
#include "stream.h"

static __always_inline int path_on(const struct sk_buff *skb, __u8 hook,
				   const struct net_device *dev, enum path_from from)
{
	struct path_event *e = path_see(skb, hook, dev, from);

	if (!e)
		return 0;
	path_device(e, dev);
	path_submit(e);
	return 0;
}

SEC("tp_btf/net_dev_queue")
int path_queue(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];

	return path_on(skb, PATH_QUEUE, skb->dev, FROM_LINK);
}

SEC("tp_btf/net_dev_start_xmit")
int path_xmit(__u64 *ctx)
{
	return path_on((const struct sk_buff *)ctx[0], PATH_XMIT, (const struct net_device *)ctx[1],
		       FROM_LINK);
}

SEC("tp_btf/netif_rx")
int path_rx(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];

	return path_on(skb, PATH_RX, skb->dev, FROM_DATA);
}

SEC("tp_btf/napi_gro_receive_entry")
int path_gro(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];

	return path_on(skb, PATH_GRO, skb->dev, FROM_DATA);
}

SEC("tp_btf/netif_receive_skb")
int path_receive(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];

	return path_on(skb, PATH_RECEIVE, skb->dev, FROM_DATA);
}

/* Has this segment been read before: a piece of it, or with MSG_PEEK? */
static __always_inline int path_again(const struct sk_buff *skb, __u32 len)
{
	const struct path_cfg *base = trace_lookup(path_cfg, 0);
	const struct sock *sk = skb->sk;
	struct stream s = {};
	__u64 sock;
	int again;

	if (!base || !sk || !stream_of(skb, sk, &s))
		return 0;
	sock = (__u64)sk - (__u64)base;
	again = stream_again(&path_part, sock, &s);
	stream_begun(&path_part, sock, &s, len);
	return again;
}

/* Does the reader have a copy? It captures other sockets' packets, or is a sender that learns
 * what became of its packet. */
static __always_inline int path_copy(const struct sk_buff *skb, const struct flow *f)
{
	if (skb_is_report(skb) || skb_family(skb) == AF_PACKET)
		return 1;
	return skb->sk && BPF_CORE_READ(skb, sk, sk_type) == SOCK_RAW &&
	       (f->l4proto == IPPROTO_TCP || f->l4proto == IPPROTO_UDP);
}

SEC("tp_btf/skb_copy_datagram_iovec")
int path_read(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];
	struct path_event *e = path_see(skb, PATH_READ, NULL, FROM_NETWORK);
	const struct task_struct *task;

	if (!e)
		return 0;
	if (path_again(skb, ctx[1])) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return 0;
	}
	if (path_copy(skb, &e->head.flow))
		e->head.flags |= PATH_H_COPY;
	task = (const struct task_struct *)bpf_get_current_task();
	e->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	e->cookie = net_cookie((const struct net *)BPF_CORE_READ(task, nsproxy, net_ns));
	e->ifindex = skb->skb_iif;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	/* a worker of io_uring has a name of its own */
	BPF_CORE_READ_STR_INTO(&e->name, task, group_leader, comm);
	path_submit(e);
	return 0;
}

/* In a socket's queue the field dev is used for other things: is it a device? */
static __always_inline void path_maybe_device(struct path_event *e, const struct net_device *dev)
{
	const struct net *net = BPF_CORE_READ(dev, nd_net.net);

	if (!net || BPF_CORE_READ(net, loopback_dev, nd_net.net) != net)
		return;
	e->ifindex = BPF_CORE_READ(dev, ifindex);
	e->netns = BPF_CORE_READ(net, ns.inum);
	e->cookie = net_cookie(net);
	BPF_CORE_READ_STR_INTO(&e->device, dev, name);
}

SEC("tp_btf/kfree_skb")
int path_drop(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];
	struct path_event *e = path_see(skb, PATH_DROP, NULL, FROM_NETWORK);

	if (!e)
		return 0;
	e->ifindex = skb->skb_iif;
	path_maybe_device(e, skb->dev);
	e->location = ctx[1];
	e->reason = skb_reason(ctx);
	path_submit(e);
	return 0;
}
