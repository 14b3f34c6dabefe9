/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path_skb.h - path, for programs that are given a kernel's sk_buff: kern/path and
 * kern/path_fentry.
 */
#ifndef HOOKMAP_PATH_SKB_H
#define HOOKMAP_PATH_SKB_H

#define PATH_COPY(CTX, TO, SIZE, AT) ((void)(CTX), bpf_probe_read_kernel(TO, SIZE, (void *)(AT)))

#include "path.h"
#include "skb.h"

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772

enum path_from {
	FROM_LINK,    /* data is at the link header: on the way out */
	FROM_DATA,    /* data is at the network header: on the way in */
	FROM_NETWORK, /* data may be anywhere, network_header is set */
};

/* A tag that the hardware took off, or will put on. */
static __always_inline void path_vlan(const struct sk_buff *skb, struct path_head *h)
{
	if (!skb->vlan_proto || h->flags & PATH_H_VXLAN)
		return;
	h->vlan = skb->vlan_tci & 0xfff;
	h->flags |= PATH_H_VLAN;
}

static __always_inline struct path_event *
path_see(const struct sk_buff *skb, __u8 hook, const struct net_device *dev, enum path_from from)
{
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct path_at at = { .proto = skb->protocol };
	struct path_head h = {};
	struct path_event *e;

	if (!cfg)
		return NULL;
	at.pos = (unsigned long)skb->data;
	if (from == FROM_NETWORK)
		at.pos = (unsigned long)skb->head + skb->network_header;
	if (from == FROM_LINK && (dev->type == ARPHRD_ETHER || dev->type == ARPHRD_LOOPBACK)) {
		if (path_eth(NULL, &at, &h))
			return NULL;
	} else if (path_tags(NULL, &at, &h)) {
		return NULL;
	}
	if (!path_parse(NULL, cfg, &at, &h))
		return NULL;
	path_vlan(skb, &h);
	e = path_new(&h, hook);
	if (e)
		e->skb = (unsigned long)skb;
	return e;
}

static __always_inline void path_device(struct path_event *e, const struct net_device *dev)
{
	e->ifindex = dev->ifindex;
	e->netns = dev->nd_net.net->ns.inum;
	bpf_probe_read_kernel_str(e->device, sizeof(e->device), dev->name);
}

#endif
