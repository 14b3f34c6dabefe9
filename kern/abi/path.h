/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/path.h - the journey of packets. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_PATH_H
#define HOOKMAP_ABI_PATH_H

#include <linux/types.h>

#include "flow.h"
#include "trace.h"

#define HM_FEAT_path 0x10 /* hm_dev.features */

/* path_cfg.flags */
#define PATH_F_SET 0x1 /* match is the filter; else it is ICMP echo */

#define PATH_VXLAN_PORT 4789

/* map path_cfg, array of 1 */
struct path_cfg {
	__u32 flags;	   /* PATH_F_* */
	__be16 vxlan_port; /* 0 = PATH_VXLAN_PORT */
	__u16 pad;
	struct match match; /* without ethertype */
};

/* map path_stat, per-CPU array of 1 */
struct path_stat {
	struct trace_stat ring;
	__u64 unread; /* hops without headers in the linear part */
};

/* The hook that saw a packet. */
enum path_hook {
	PATH_QUEUE = 1,	     /* net_dev_queue */
	PATH_XMIT = 2,	     /* net_dev_start_xmit */
	PATH_RX = 3,	     /* netif_rx */
	PATH_GRO = 4,	     /* napi_gro_receive_entry */
	PATH_RECEIVE = 5,    /* netif_receive_skb */
	PATH_SOCKET = 6,     /* cgroup/skb: before the socket's queue */
	PATH_READ = 7,	     /* skb_copy_datagram_iovec: a process reads it */
	PATH_DROP = 8,	     /* kfree_skb */
	PATH_TC = 9,	     /* tc/path, if the user has attached it */
	PATH_IPTABLES = 10,  /* iptables/path, likewise */
	PATH_XDP = 11,	     /* xdp/path, likewise */
	PATH_NETFILTER = 12, /* nf_hook_slow has accepted it, by all rules of a hook */
	PATH_HOOKS,
};

#define PATH_H_VXLAN 0x1 /* the packet is inside vxlan, vni is valid */
#define PATH_H_CAME  0x2 /* outgoing but received before: not sent by this host */
#define PATH_H_COPY  0x4 /* PATH_READ: the reader has a copy, the packet itself goes on */

/* Header fields of the packet that matched, which may be inside vxlan. */
struct path_head {
	struct flow flow;
	__u32 l4id; /* ICMP: id << 16 | sequence; TCP: sequence; UDP: length << 16 | checksum */
	__u32 vni;
	__u16 len; /* from the IP header on */
	__u8 ttl;
	__u8 tcp;   /* flags */
	__u8 flags; /* PATH_H_* */
	__u8 pad[3];
};

/*
 * map path_mark, array: packets that have matched, by a hash of the sk_buff's address. A packet
 * that no longer matches but is still the same is followed: NAT has changed it. The fields that
 * NAT keeps distinguish it from another packet in the same sk_buff. Writers do not lock: at
 * worst, a packet is not followed.
 */
#define PATH_MARKS   256
#define PATH_MARK_NS 1000000000ULL /* followed for so long after it was last seen */

struct path_mark {
	__u64 skb; /* its address minus the map's, 0 = none */
	__u64 time;
	__u32 src, dst; /* first words of the addresses */
	__u32 id, l4id; /* as in flow and path_head; ICMP: the sequence, UDP: 0 */
	__u16 len;
	__u8 family;
	__u8 l4proto;
	__u32 pad;
};

/* map path_part, LRU hash: the end of the segment that a socket has begun to read; key: its address
 * minus the address of path_cfg. See kern/stream.h. */
#define PATH_PARTS 4096

/* the classid of tc/path: packets have no Ethernet header here */
#define PATH_CLASS_L3 0x1

/* ring buffer path_ring */
struct path_event {
	__u64 time;
	__u64 skb;	/* as in path_mark, to tell clones apart; 0 = unknown */
	__u64 location; /* PATH_DROP: who dropped it */
	__u64 cookie;	/* of the network namespace, 0 = unknown */
	__u32 netns;	/* inode, 0 = unknown */
	__u32 ifindex;
	__u32 reason; /* PATH_DROP: enum skb_drop_reason, DROP_NO_REASON */
	__u32 pid;    /* PATH_READ */
	char device[16];
	char name[16]; /* PATH_READ */
	struct path_head head;
	__u8 hook;    /* enum path_hook */
	__u8 nf_hook; /* PATH_NETFILTER: enum nf_inet_hooks */
	__u8 pad[6];
};

_Static_assert(sizeof(struct path_cfg) == 124, "abi");
_Static_assert(sizeof(struct path_stat) == 32, "abi");
_Static_assert(sizeof(struct path_head) == 68, "abi");
_Static_assert(sizeof(struct path_event) == 160, "abi");
_Static_assert(sizeof(struct path_mark) == 40, "abi");

#define HM_MAP_path_cfg(X)  X(path_cfg, ARRAY, __u32, struct path_cfg, 1, 0)
#define HM_MAP_path_stat(X) X(path_stat, PERCPU_ARRAY, __u32, struct path_stat, 1, 0)
#define HM_MAP_path_mark(X) X(path_mark, ARRAY, __u32, struct path_mark, PATH_MARKS, 0)
#define HM_MAP_path_part(X) X(path_part, LRU_HASH, __u64, __u32, PATH_PARTS, 0)
#define HM_MAP_path_ring(X) X(path_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)

#endif
