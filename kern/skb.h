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
	struct net_device *dev;
	__u16 tc_index;
	__u16 transport_header;
	unsigned char *head;
	__u32 hash;
};

/* l2fwd_mirror: the bridge */
struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	void *rx_handler_data;
	const unsigned char *dev_addr;
};

struct list_head {
	struct list_head *next;
};

struct net_bridge {
	struct net_device *dev;
	struct list_head port_list;
};

struct net_bridge_port {
	struct net_bridge *br;
	struct net_device *dev;
	struct list_head list;
	unsigned long flags;
	__u8 state;
};

typedef struct {
	unsigned char addr[6];
} mac_addr;

struct net_bridge_fdb_key {
	mac_addr addr;
	__u16 vlan_id;
};

struct net_bridge_fdb_entry {
	struct net_bridge_port *dst;
	struct net_bridge_fdb_key key;
};

#pragma clang attribute pop

#endif
