// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/path_fentry - path: a packet has passed the rules of a netfilter hook, where
 * the kernel has fexit.
 *
 *   bpftool prog loadall build/kern/path_fentry.o DIR map name ... autoattach
 *
 * Attaches to nf_hook_slow, which runs all rules of iptables and nft at one hook. Only
 * an accepted packet is still there when it returns; a dropped one ends in kfree_skb.
 *
 * Maps: path_cfg, path_ring, path_stat.
 */
#include "path_skb.h"

#define NF_PASSED	  1
#define NF_INET_LOCAL_OUT 3

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct nf_hook_state {
	__u8 hook;
	struct net_device *in;
	struct net_device *out;
};

#pragma clang attribute pop

SEC("fexit/nf_hook_slow")
int path_netfilter(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];
	const struct nf_hook_state *state = (const struct nf_hook_state *)ctx[1];
	const struct net_device *dev;
	struct path_event *e;

	if ((int)ctx[4] != NF_PASSED)
		return 0;
	e = path_see(skb, PATH_NETFILTER, NULL, FROM_NETWORK);
	if (!e)
		return 0;
	e->nf_hook = state->hook;
	/* where it is: on its way in, or out */
	dev = state->hook >= NF_INET_LOCAL_OUT ? state->out : state->in;
	if (!dev)
		dev = state->hook >= NF_INET_LOCAL_OUT ? state->in : state->out;
	e->ifindex = BPF_CORE_READ(dev, ifindex);
	e->netns = BPF_CORE_READ(dev, nd_net.net, ns.inum);
	e->cookie = net_cookie(BPF_CORE_READ(dev, nd_net.net));
	BPF_CORE_READ_STR_INTO(&e->device, dev, name);
	path_submit(e);
	return 0;
}
