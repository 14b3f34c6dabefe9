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

/* numbers differ between kernels: bpf_core_enum_value() */
enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED,
	SKB_DROP_REASON_XDP,
};

struct ns_common {
	unsigned int inum;
};

struct net_device;
struct bpf_prog;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct net {
	struct ns_common ns;
	struct net_device *loopback_dev;
	struct hlist_head *dev_index_head;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct rtnl_link_ops {
	const char *kind;
};

struct net_device {
	const struct rtnl_link_ops *rtnl_link_ops;
	unsigned short type;
	char name[16];
	int ifindex;
	possible_net_t nd_net;
	struct bpf_prog *xdp_prog; /* in generic mode */
	void *rx_handler_data;
	const unsigned char *dev_addr;
	unsigned long state; /* bits of enum netdev_state_t */
	struct hlist_node index_hlist;
};

struct sock_common {
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	__u16 tc_index;
	int skb_iif;
	__u32 hash;
	__u32 vlan_all;	       /* since 6.2: 0 = no tag */
	__u8 vlan_present : 1; /* before */
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	__u16 mac_header;
	unsigned int tail;
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
	__s64 tstamp; /* ktime_t */
	unsigned int data_len;
	__u16 vlan_tci;
	__be16 vlan_proto;
};

struct skb_shared_hwtstamps {
	__s64 hwtstamp; /* ktime_t */
};

struct skb_shared_info {
	unsigned short gso_size;
	unsigned short gso_segs;
	struct skb_shared_hwtstamps hwtstamps;
};

struct napi_struct {
	struct net_device *dev;
};

struct bpf_prog_aux {
	__u32 id;
	char name[16];
};

struct bpf_prog {
	enum bpf_attach_type expected_attach_type;
	struct bpf_prog_aux *aux;
};

struct xdp_cpumap_stats {
	unsigned int drop;
};

/* fields since 5.17 and 6.11: says which arguments the tracepoint has */
struct trace_event_raw_kfree_skb {
	void *rx_sk;
	enum skb_drop_reason reason;
};

/* l2fwd_mirror: the bridge */
struct list_head {
	struct list_head *next;
};

struct net_bridge_vlan {
	__u16 vid;
	__u16 flags;
	__u8 state;
	struct list_head vlist;
};

struct net_bridge_vlan_group {
	struct list_head vlan_list;
	__u16 num_vlans;
	__u16 pvid;
};

enum net_bridge_opts {
	BROPT_VLAN_ENABLED,
};

struct net_bridge {
	struct net_device *dev;
	struct list_head port_list;
	unsigned long options; /* bits of enum net_bridge_opts */
	__be16 vlan_proto;     /* CONFIG_BRIDGE_VLAN_FILTERING */
};

struct net_bridge_port {
	struct net_bridge_vlan_group *vlgrp; /* CONFIG_BRIDGE_VLAN_FILTERING */
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
