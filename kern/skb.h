/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skb.h - the slices of kernel structures that tracing programs read. CO-RE
 * moves the offsets to the running kernel's; only names and types matter here.
 */
#ifndef HOOKMAP_SKB_H
#define HOOKMAP_SKB_H

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "abi.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* numbers differ between kernels: bpf_core_enum_value() */
enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED,
	SKB_DROP_REASON_XDP,
	SKB_DROP_REASON_NO_SOCKET,
	SKB_DROP_REASON_SOCKET_CLOSE,
	SKB_DROP_REASON_SOCKET_FILTER,
	SKB_DROP_REASON_QUEUE_PURGE,
	SKB_DROP_REASON_UNIX_DISCONNECT,
	SKB_DROP_REASON_OTHERHOST,
	SKB_DROP_REASON_UNHANDLED_PROTO,
	SKB_DROP_REASON_INVALID_PROTO,
	SKB_DROP_REASON_BRIDGE_INGRESS_STP_STATE,
	SKB_DROP_REASON_NO_TX_TARGET,
	SKB_DROP_REASON_IP_INADDRERRORS,
	SKB_DROP_REASON_IP_INNOROUTES,
	SKB_DROP_REASON_IP_OUTNOROUTES,
	SKB_DROP_REASON_IPV6DISABLED,
	SKB_DROP_REASON_QDISC_DROP,
	SKB_DROP_REASON_DEV_READY,
	SKB_DROP_REASON_TCP_RESET,
	SKB_DROP_REASON_TCP_OLD_DATA,
	SKB_DROP_REASON_TCP_OLD_SEQUENCE,
	SKB_DROP_REASON_TCP_INVALID_SEQUENCE,
	SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE,
	SKB_DROP_REASON_TCP_OLD_ACK,
	SKB_DROP_REASON_TCP_TOO_OLD_ACK,
	SKB_DROP_REASON_TCP_FLAGS,
	SKB_DROP_REASON_TCP_CLOSE,
	SKB_DROP_REASON_TCP_RFC7323_PAWS,
	SKB_DROP_REASON_TCP_RFC7323_PAWS_ACK,
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

struct list_head {
	struct list_head *next, *prev;
};

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[5], *hooks_ipv6[5];
	struct nf_hook_entries *hooks_bridge[5]; /* CONFIG_NETFILTER_FAMILY_BRIDGE */
};

struct net {
	struct ns_common ns;
	struct netns_nf nf; /* CONFIG_NETFILTER */
	__u64 net_cookie;   /* since 5.12; never used again, unlike ns.inum */
	struct net_device *loopback_dev;
	struct list_head dev_base_head; /* all devices, the youngest last */
	struct hlist_head *dev_index_head;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct rtnl_link_ops {
	const char *kind;
};

/* groups that a device has joined */
struct ip_sf_list {
	struct ip_sf_list *sf_next;
	unsigned long sf_count[2]; /* sockets that exclude the source, that include it */
	__be32 sf_inaddr;
};

struct ip_mc_list {
	__be32 multiaddr;
	struct ip_sf_list *sources;
	unsigned long sfcount[2]; /* sockets that exclude some sources, that include some */
	struct ip_mc_list *next_rcu;
};

struct in_device {
	struct ip_mc_list *mc_list;
};

struct ifmcaddr6 {
	struct in6_addr mca_addr;
	struct ifmcaddr6 *next;
};

typedef struct {
	int counter;
} atomic_t;

struct ipv6_devconf {
	atomic_t mc_forwarding; /* CONFIG_IPV6_MROUTE */
};

struct inet6_dev {
	struct ifmcaddr6 *mc_list;
	struct ipv6_devconf cnf;
};

struct Qdisc_ops {
	char id[16];
};

struct Qdisc {
	const struct Qdisc_ops *ops;
};

struct netdev_queue {
	struct Qdisc *qdisc_sleeping; /* also while the device is down */
};

struct tcf_proto_ops {
	char kind[16];
};

struct tcf_proto {
	struct tcf_proto *next;
	void *root;
	const struct tcf_proto_ops *ops;
};

struct mini_Qdisc {
	struct tcf_proto *filter_list;
};

struct bpf_mprog_bundle;

struct bpf_mprog_entry {
	struct bpf_mprog_bundle *parent;
};

struct bpf_mprog_bundle {
	__u32 count;
};

struct tcx_entry {
	struct mini_Qdisc *miniq;
	struct bpf_mprog_bundle bundle;
};

struct kernfs_node {
	__u64 id;
};

struct kobject {
	struct kernfs_node *sd;
};

struct device {
	struct kobject kobj;
};

struct header_ops {
	void *create;
};

struct vlan_group {
	unsigned int nr_vlan_devs;
};

struct vlan_info {
	struct vlan_group grp;
};

struct net_device {
	const struct rtnl_link_ops *rtnl_link_ops;
	const struct header_ops *header_ops;
	unsigned short type;
	char name[16];
	int ifindex;
	possible_net_t nd_net;
	struct device dev;
	struct bpf_prog *xdp_prog; /* in generic mode */
	void *rx_handler_data;
	const unsigned char *dev_addr;
	unsigned long state; /* bits of enum netdev_state_t */
	unsigned int flags;
	struct list_head dev_list;
	struct hlist_node index_hlist;
	unsigned int priv_flags; /* a bit-field since 6.9 */
	struct in_device *ip_ptr;
	struct inet6_dev *ip6_ptr;
	struct Qdisc *qdisc;
	struct netdev_queue *_tx;
	unsigned int num_tx_queues;
	struct mini_Qdisc *miniq_ingress, *miniq_egress;  /* until 6.5 */
	struct bpf_mprog_entry *tcx_ingress, *tcx_egress; /* since 6.6 */
	struct nf_hook_entries *nf_hooks_ingress;	  /* CONFIG_NETFILTER_INGRESS */
	struct nf_hook_entries *nf_hooks_egress;	  /* since 5.16 */
	struct vlan_info *vlan_info;			  /* CONFIG_VLAN_8021Q */
};

struct xdp_rxq_info {
	struct net_device *dev;
};

struct xdp_buff {
	struct xdp_rxq_info *rxq;
};

struct proto {
	char name[32];
};

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_state;
	struct proto *skc_prot;
	possible_net_t skc_net;
	unsigned long skc_flags;
	__u32 skc_tw_rcv_nxt; /* of a socket in TIME-WAIT */
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct tcp_sock {
	__u32 rcv_nxt;
	__u32 copied_seq; /* the next read position */
};

struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
};

struct mptcp_skb_cb {
	__u64 end_seq;
	__u32 offset; /* of the next byte that is read */
};

struct sock_extended_err {
	__u32 ee_errno;
	__u8 ee_origin;
};

struct sock_exterr_skb {
	struct sock_extended_err ee;
};

struct dst_entry {
	short error;
};

struct sk_buff {
	struct sk_buff *next;
	struct net_device *dev;
	struct sock *sk;
	char cb[48];
	unsigned long _skb_refdst;
	__u8 cloned : 1;
	__u8 pkt_type : 3;
	__u8 encapsulation : 1;
	__u16 inner_transport_header;
	unsigned int len;
	__u16 tc_index;
	int skb_iif;
	__u32 hash;
	__u32 vlan_all;		     /* since 6.2: 0 = no tag */
	__u8 vlan_present : 1;	     /* before */
	__u8 tstamp_type : 2;	     /* since 6.11: the clock of tstamp */
	__u8 mono_delivery_time : 1; /* since 5.18: tstamp is TCP's */
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
	struct sk_buff *frag_list;
	struct skb_shared_hwtstamps hwtstamps;
	atomic_t dataref;
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

/* fields since 5.17 and 6.11: they show which arguments the tracepoint has */
struct trace_event_raw_kfree_skb {
	void *rx_sk;
	enum skb_drop_reason reason;
};

/* l2fwd_mirror: the bridge */
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
	BROPT_VLAN_STATS_ENABLED,
	BROPT_GROUP_ADDR_SET,
	BROPT_MULTICAST_ENABLED,
	BROPT_MULTICAST_QUERY_USE_IFADDR,
	BROPT_MULTICAST_STATS_ENABLED,
	BROPT_HAS_IPV6_ADDR,
	BROPT_NEIGH_SUPPRESS_ENABLED,
	BROPT_MTU_SET_BY_USER,
	BROPT_VLAN_STATS_PER_PORT,
	BROPT_NO_LL_LEARN,
	BROPT_VLAN_BRIDGE_BINDING,
	BROPT_MCAST_VLAN_SNOOPING_ENABLED,
	BROPT_MST_ENABLED,
	BROPT_MDB_OFFLOAD_FAIL_NOTIFICATION,
};

enum nf_hook_ops_type {
	NF_HOOK_OP_UNDEFINED,
};

struct nf_hook_ops {
	enum nf_hook_ops_type hook_ops_type : 8;
	int priority;
};

struct nf_hook_entry {
	void *hook, *priv;
};

struct nf_hook_entries {
	__u16 num_hook_entries;
	struct nf_hook_entry hooks[]; /* and as many struct nf_hook_ops * */
};

struct rhash_head {
	struct rhash_head *next;
};

struct bucket_table {
	unsigned int size;
	unsigned int nest;
	__u32 hash_rnd;
	struct bucket_table *future_tbl;
	void *buckets[];
};

struct rhashtable {
	struct bucket_table *tbl;
};

struct net_bridge {
	struct net_device *dev;
	struct list_head port_list;
	struct rhashtable fdb_hash_tbl;
	unsigned long options; /* bits of enum net_bridge_opts */
	__be16 vlan_proto;     /* CONFIG_BRIDGE_VLAN_FILTERING */
};

struct net_bridge_port {
	struct net_bridge_vlan_group *vlgrp; /* CONFIG_BRIDGE_VLAN_FILTERING */
	struct net_bridge *br;
	struct net_device *dev;
	struct list_head list;
	unsigned long flags;
	struct net_bridge_port *backup_port;
	__u32 backup_nhid;
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
	struct rhash_head rhnode;
	struct net_bridge_port *dst;
	struct net_bridge_fdb_key key;
	unsigned long flags; /* bits */
};

#pragma clang attribute pop

/* Does it have a VLAN tag beside the frame? Before Linux 6.2 the tag's fields stay set when it
 * is taken away. */
static __always_inline int skb_has_tag(const struct sk_buff *skb)
{
	if (bpf_core_field_exists(skb->vlan_all))
		return skb->vlan_all != 0;
	if (bpf_core_field_exists(skb->vlan_present))
		return BPF_CORE_READ_BITFIELD(skb, vlan_present);
	return 0;
}

#define AF_INET	  2
#define AF_INET6  10
#define AF_PACKET 17
#define SOCK_RAW  3

/* Of the socket that owns it, 0 if none does. */
static __always_inline unsigned int skb_family(const struct sk_buff *skb)
{
	return skb->sk ? BPF_CORE_READ(skb, sk, __sk_common.skc_family) : 0;
}

#define SKB_ENOMSG	 42
#define SKB_ORIGIN_ICMP	 2 /* SO_EE_ORIGIN_* */
#define SKB_ORIGIN_ICMP6 3
#define SKB_ORIGIN_STAMP 4

/* Of a packet with a socket: is it in the error queue? Those to a packet socket may be outgoing. */
static __always_inline int skb_in_errors(const struct sk_buff *skb)
{
	return BPF_CORE_READ_BITFIELD(skb, pkt_type) == PACKET_OUTGOING;
}

/* Does SKB tell a socket what became of a packet that it has sent: when it left, or that its memory
 * is free? A received ICMP error is a packet. */
static __always_inline int skb_is_report(const struct sk_buff *skb)
{
	const struct sock_exterr_skb *err = (const void *)skb->cb;
	unsigned int family = skb_family(skb);
	__u8 origin;

	if (!skb_in_errors(skb))
		return 0;
	origin = BPF_CORE_READ(err, ee.ee_origin);
	if (family == AF_PACKET)
		return origin == SKB_ORIGIN_STAMP && BPF_CORE_READ(err, ee.ee_errno) == SKB_ENOMSG;
	return (family == AF_INET || family == AF_INET6) && origin != SKB_ORIGIN_ICMP &&
	       origin != SKB_ORIGIN_ICMP6;
}

/* The reason of a kfree_skb: its third argument, from Linux 5.17 on. */
static __always_inline __u32 skb_reason(const __u64 *ctx)
{
	if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, reason))
		return ctx[2];
	return DROP_NO_REASON;
}

/* Headers may be read up to the end of the linear part. The memory after it has data of other
 * packets; fragments cannot be read from here. */
struct skb_room {
	unsigned long end;
	int beyond; /* a requested field does not exist */
};

static __always_inline struct skb_room skb_room(const struct sk_buff *skb)
{
	return (struct skb_room){ .end = (unsigned long)skb->head + skb->tail };
}

static __always_inline int skb_copy(struct skb_room *room, void *to, __u32 size, unsigned long at)
{
	if (at + size > room->end) {
		room->beyond = 1;
		return -1;
	}
	return bpf_probe_read_kernel(to, size, (void *)at);
}

/* A number that identifies NET, and is never reused; 0 = unknown. */
static __always_inline __u64 net_cookie(const struct net *net)
{
	return bpf_core_field_exists(net->net_cookie) ? BPF_CORE_READ(net, net_cookie) : 0;
}

#define NET_DEV_BUCKETS 256 /* NETDEV_HASHENTRIES */
#define NET_DEV_CHAIN	64  /* longer from 16 384 devices on */

static __always_inline struct net_device *net_dev_find(struct net *net, __u32 ifindex)
{
	struct hlist_head *heads = BPF_CORE_READ(net, dev_index_head);
	struct net_device *dev;
	struct hlist_node *node;

	if (bpf_core_read(&node, sizeof(node), &heads[ifindex & (NET_DEV_BUCKETS - 1)].first))
		return NULL;
	for (int i = 0; i < NET_DEV_CHAIN && node; i++) {
		dev = (void *)node - bpf_core_field_offset(struct net_device, index_hlist);
		if (BPF_CORE_READ(dev, ifindex) == (int)ifindex)
			return dev;
		node = BPF_CORE_READ(node, next);
	}
	return NULL;
}

#endif
