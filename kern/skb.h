/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skb.h - the slices of kernel structures that tracing programs read. CO-RE
 * moves the offsets to the running kernel's; only names and types matter here.
 */
#ifndef HOOKMAP_SKB_H
#define HOOKMAP_SKB_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net_device;

struct sk_buff {
	__u16 tc_index;
	__u16 transport_header;
	unsigned char *head;
	__u32 hash;
	struct net_device *dev;
};

/* policy: is a device up? */
struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct net {
	struct hlist_head *dev_index_head;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	unsigned long state; /* bits of enum netdev_state_t */
	int ifindex;
	struct hlist_node index_hlist;
	possible_net_t nd_net;
};

#pragma clang attribute pop

#endif
