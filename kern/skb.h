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

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
	struct net_device *loopback_dev;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct rtnl_link_ops {
	const char *kind;
};

struct skb_shared_hwtstamps {
	__s64 hwtstamp; /* ktime_t */
};

struct skb_shared_info {
	struct skb_shared_hwtstamps hwtstamps;
};

struct net_device {
	const struct rtnl_link_ops *rtnl_link_ops;
	int ifindex;
	unsigned short type;
	char name[16];
	possible_net_t nd_net;
};

struct napi_struct {
	struct net_device *dev;
};

struct sk_buff {
	__u16 tc_index;
	__u16 transport_header;
	unsigned char *head;
	__u32 hash;
	struct net_device *dev;
	unsigned char *data;
	__s64 tstamp; /* ktime_t */
	unsigned int data_len;
	unsigned int end;  /* an offset: skb_shared_info is there */
	unsigned int tail; /* an offset, as on every 64-bit machine */
	int skb_iif;
	__be16 protocol;
	__u16 network_header;
	__u16 vlan_tci;
	__be16 vlan_proto;
};

#pragma clang attribute pop

#endif
