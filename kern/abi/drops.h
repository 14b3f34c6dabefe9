/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/drops.h - every lost packet, counted once. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_DROPS_H
#define HOOKMAP_ABI_DROPS_H

#include <linux/types.h>

#define HM_FEAT_drops 0x2 /* hm_dev.features */

/*
 * The dimension of rows, in addition to reason, place and protocol (drop_key.by): an Ethernet
 * address, an address of IPv4, IPv6 or ARP, or addresses and ports.
 *
 * X(NAME, name in options and JSON (NAME in lower case), column header). Append.
 */
#define DROP_BYS(X)                                                                                \
	X(SMAC, "smac", "SMAC")                                                                    \
	X(DMAC, "dmac", "DMAC")                                                                    \
	X(SIP, "sip", "SRC")                                                                       \
	X(DIP, "dip", "DST")                                                                       \
	X(FLOW, "flow", "FLOW")

enum drop_by {
	DROP_BY_NONE = 0, /* "none" */
#define DROP_BY_ENUM(NAME, KEY, HEAD) DROP_BY_##NAME,
	DROP_BYS(DROP_BY_ENUM)
#undef DROP_BY_ENUM
		DROP_BY_MAX,
};

/*
 * Evidence from the packet itself (drop_key.what), if the reason does not decide: see
 * drops_what.h. Append-only.
 */
enum drop_what {
	DROP_W_NONE = 0,
	/* not a loss */
	DROP_W_TEST = 1,    /* of a BPF test run */
	DROP_W_OLD = 2,	    /* TCP: its socket had all of it */
	DROP_W_GONE = 3,    /* TCP without data, for a closed connection */
	DROP_W_GROUP = 4,   /* multicast or broadcast without a listener here */
	DROP_W_CONTROL = 5, /* IGMP, MLD, ND, STP, NAT-T: read, or not for this host */
	DROP_W_UNREAD = 6,  /* in the queue of a socket that was closed */
	DROP_W_ECHO = 7,    /* an echo reply that no ping socket waits for */
	DROP_W_LEASE = 8,   /* a DHCP answer that a packet socket received */
	DROP_W_TOLD = 9,    /* a netlink message whose sender knows about the drop */
	/* it may be a loss */
	DROP_W_ANSWER = 10,	/* UDP from a service's port to a port that was closed */
	DROP_W_VLAN_GROUP = 11, /* multicast or broadcast in a VLAN that has no device */
	/* a loss */
	DROP_W_VLAN = 12,      /* the VLAN has no device */
	DROP_W_QUEUED = 13,    /* in a queue of a device or a neighbour */
	DROP_W_BLACKHOLE = 14, /* by the type of its route */
	DROP_W_PROHIBIT = 15,
	DROP_W_UNREACHABLE = 16,
	DROP_W_ISOLATED = 17, /* by a flag of its bridge port */
	DROP_W_LOCKED = 18,
	/* not a loss either */
	DROP_W_READ = 19,    /* SCTP: its association received it */
	DROP_W_COPY = 20,    /* a copy that the filter of a raw socket refused */
	DROP_W_BLOCKED = 21, /* multicast or broadcast at a port that spanning tree blocks */
	DROP_W_STAMP = 22,   /* when something was sent: its socket has no room for more stamps */
	DROP_W_MAX,
};

/*
 * map drop_row, per-CPU hash: the skbs that the kernel dropped. Map drop_over has the same layout
 * with by and the dimension zero: the sums of rows that were replaced in drop_row, or found no
 * room there.
 */
struct drop_key {
	__u64 location; /* address in the kernel */
	__u32 reason;	/* enum skb_drop_reason of the running kernel, DROP_NO_REASON */
	__u32 ifindex;	/* 0 = unknown */
	__u32 netns;	/* inode, for people: the kernel reuses it; 0 = unknown */
	__be16 l3proto; /* ethertype behind VLAN tags; 0 = unknown */
	__u8 l4proto;	/* IPPROTO_*, 0 of ARP, DROP_NO_L4 */
	__u8 tags;	/* VLAN tags: 0, 1, 2 */
	__u8 by;	/* enum drop_by */
	__u8 what;	/* enum drop_what */
	__u8 pad[2];
	__be16 sport; /* flow only */
	__u16 dport;
	__u32 src[4]; /* network order; IPv4 in word 0; a MAC in the first 6 bytes */
	__u32 dst[4];
	__u64 cookie; /* of the namespace: never used again; 0 = unknown (before 5.12) */
	__u32 node;   /* of the device, see below */
	__u32 pad2;
};
/*
 * An ifindex does not identify a device: other namespaces have the same numbers, and numbers are
 * reused. node, the inode of its sysfs directory, is never reused. 0: unknown.
 */
#define DROP_NODE_GONE 0xffffffff /* the device was being removed, or was gone */
#define DROP_NO_REASON 0xffffffff /* the tracepoint has no reason (before 5.17) */
#define DROP_NO_L4     255	  /* not IP or ARP, or unreadable; there are no addresses */

/* maps drop_row, drop_over, drop_xdp: value */
struct drop_val {
	__u64 packets; /* segments, of GSO packets */
	__u64 bytes;
	__u64 first; /* ns */
	__u64 last;
};

/* Kinds of XDP tracepoints (drop_xdp_key.kind). */
enum drop_xdp_kind {
	DROP_XDP_EXCEPTION = 1,	  /* code: the action that the program returned */
	DROP_XDP_REDIRECT = 2,	  /* code: errno; the device received the packet */
	DROP_XDP_DEVMAP = 3,	  /* code: errno or 0; the device was to send it */
	DROP_XDP_TX = 4,	  /* XDP_TX, likewise */
	DROP_XDP_CPUMAP = 5,	  /* code: the CPU whose queue was full */
	DROP_XDP_CPUMAP_SKB = 6,  /* code: the CPU that had no memory for an skb */
	DROP_XDP_CPUMAP_PROG = 7, /* code: the CPU; dropped by the map's program */
	DROP_XDP_KINDS,
};

/* map drop_xdp, per-CPU hash: key */
struct drop_xdp_key {
	__u32 kind;    /* enum drop_xdp_kind */
	__u32 code;    /* see there */
	__u32 ifindex; /* 0 for cpumap */
	__u32 netns;   /* inode */
	__u32 id;      /* of the program; of the map for cpumap; 0 = none */
	char name[16]; /* of the program */
	__u32 node;    /* of the device */
	__u64 cookie;  /* of the namespace */
};

/*
 * maps drop_slot, drop_xdp_slot, arrays: the rows of drop_row and drop_xdp in the order of a
 * clock, one slot each. A new row takes the next slot of the clock's hand that is free, or whose
 * row has counted nothing since the hand last passed it. last of the last element is the hand: a
 * number that only grows. One CPU takes each value, so one CPU at a time writes to a slot.
 */
#define DROP_ROWS     8192
#define DROP_XDP_ROWS 1024
struct drop_slot_head {
	__u64 last;    /* of the row, when the hand was here */
	char name[16]; /* of the device, when the row was made */
};
struct drop_slot {
	struct drop_slot_head head;
	struct drop_key key; /* all 0: free. Or a row that no longer exists: free again */
};
struct drop_xdp_slot {
	struct drop_slot_head head;
	struct drop_xdp_key key;
};

/*
 * map drop_name, hash: the names of devices and namespaces (ifindex 0) when the reader last saw
 * them. Only the reader can find names of namespaces. The names outlive both.
 */
struct drop_name_key {
	__u64 cookie;
	__u32 ifindex;
	__u32 node;
};
struct drop_name {
	char name[56];
};
#define DROP_NAMES 8192

/* map drop_stat, per-CPU array of 1 */
struct drop_stat {
	__u64 over_packets; /* no room in drop_over either */
	__u64 over_bytes;
	__u64 xdp_over;	      /* no room in drop_xdp, or in rows that have made room */
	__u64 xdp_counted;    /* skbs that were counted as an XDP verdict or error before */
	__u64 samples;	      /* put into drop_ring */
	__u64 samples_missed; /* not chosen: over the rate */
	__u64 samples_lost;   /* no room in drop_ring */
	__u64 sample_time;    /* the second that sample_used is of */
	__u64 xdp_dev;	      /* device of the XDP error whose skb comes next; 0 = none */
	__u64 part;	      /* the skb that follows as a part of the one counted last */
	__u64 tick;	      /* jiffies, when now was read */
	__u64 now;	      /* ns: a clock that is read once a timer tick */
	__u32 sample_used;
	__u32 cpumap_errors; /* redirect errors of cpumap programs, until the batch ends */
	__u64 evicted;	     /* rows of drop_row that have made room */
	__u64 xdp_evicted;   /* rows of drop_xdp */
};

struct drop_range {
	__u64 start;
	__u64 end;
};

/* map drop_cfg, array of 1 */
#define DROP_RANGES 8
struct drop_cfg {
	__u32 by;	   /* enum drop_by */
	__u32 sample_rate; /* samples per second and CPU; 0 = none */
	/* where the kernel frees an skb because of XDP: from start to end */
	struct drop_range xdp[DROP_RANGES];
};

/* map drop_ring, ring buffer: a sample */
#define DROP_SAMPLE_BYTES 128
#define DROP_RING_BYTES	  (256 * 1024)
struct drop_sample {
	__u64 time; /* ns */
	struct drop_key key;
	__u32 len;		      /* of the skb */
	__u16 cap;		      /* bytes of data */
	__u16 l3;		      /* where the network header is in it */
	__u8 data[DROP_SAMPLE_BYTES]; /* from the Ethernet header on, if there is one */
};

/*
 * map xdp_verdict, per-CPU array of 1: verdicts of the collection's XDP programs, see verdict.h.
 * Each CPU has a table of cells, hashed by (device, action, reason). Reasons are append-only;
 * each program has a block.
 *
 * node identifies a device, see drop_key. Map xdp_home has the device of each node, as long as it
 * has room.
 */
enum xdp_reason {
	XDP_R_NONE = 0,	     /* no reason */
	XDP_R_MALFORMED = 1, /* truncated or invalid headers */
	XDP_R_TEST = 31,     /* tests/bpf */
	XDP_R_L2FWD = 32,    /* 32 .. 63: l2fwd, + enum l2_reason */
	XDP_R_MAX = 256,
};
struct xdp_cell {
	__u32 device; /* key of xdp_home; 0 = free. So is a cell of an idle device, or of none */
	__u16 reason; /* enum xdp_reason */
	__u8 action;  /* enum xdp_action */
	__u8 pad;
	__u64 packets;
	__u64 bytes;
};
#define XDP_CELLS 1024
struct xdp_verdict {
	__u64 data;	    /* address of the packet dropped last, until its skb is freed */
	__u32 ifindex;	    /* where */
	__u32 aborted;	    /* it was by XDP_ABORTED: xdp_exception follows */
	__u64 over_packets; /* verdicts of causes that have made room */
	__u64 over_bytes;
	__u64 evicted; /* those causes */
	struct xdp_cell cell[XDP_CELLS];
};

/* map xdp_home, LRU hash: devices on which verdicts were counted; key: the number of the device */
#define XDP_HOMES 16384
struct xdp_home {
	__u64 cookie; /* of the namespace; 0 = unknown */
	__u32 netns;  /* inode */
	__u32 ifindex;
	char name[16]; /* when it counted last */
	__u64 last;    /* ns, CLOCK_MONOTONIC: when it counted last, to a timer tick */
};

/* map xdp_here, per-CPU array of 1, not pinned: each program that is loaded has one. On which
 * device it runs; that is looked up once a timer tick, and when the ifindex is another. */
struct xdp_here {
	__u64 tick; /* jiffies */
	__u32 ifindex;
	__u32 device;
};

_Static_assert(sizeof(struct drop_key) == 80, "abi");
_Static_assert(sizeof(struct drop_val) == 32, "abi");
_Static_assert(sizeof(struct drop_xdp_key) == 48, "abi");
_Static_assert(sizeof(struct drop_name_key) == 16, "abi");
_Static_assert(sizeof(struct drop_name) == 56, "abi");
_Static_assert(sizeof(struct drop_slot) == 104, "abi");
_Static_assert(sizeof(struct drop_xdp_slot) == 72, "abi");
_Static_assert(sizeof(struct drop_stat) == 120, "abi");
_Static_assert(sizeof(struct drop_cfg) == 136, "abi");
_Static_assert(sizeof(struct drop_sample) == 224, "abi");
_Static_assert(sizeof(struct xdp_home) == 40, "abi");
_Static_assert(sizeof(struct xdp_here) == 16, "abi");
_Static_assert(sizeof(struct xdp_verdict) == 40 + 24 * XDP_CELLS, "abi");

#define HM_MAP_drop_cfg(X)  X(drop_cfg, ARRAY, __u32, struct drop_cfg, 1, 0)
#define HM_MAP_drop_stat(X) X(drop_stat, PERCPU_ARRAY, __u32, struct drop_stat, 1, 0)
#define HM_MAP_drop_row(X)  X(drop_row, PERCPU_HASH, struct drop_key, struct drop_val, DROP_ROWS, 0)
#define HM_MAP_drop_slot(X) X(drop_slot, ARRAY, __u32, struct drop_slot, DROP_ROWS + 1, 0)
#define HM_MAP_drop_over(X) X(drop_over, PERCPU_HASH, struct drop_key, struct drop_val, 1024, 0)
#define HM_MAP_drop_xdp(X)                                                                         \
	X(drop_xdp, PERCPU_HASH, struct drop_xdp_key, struct drop_val, DROP_XDP_ROWS, 0)
#define HM_MAP_drop_xdp_slot(X)                                                                    \
	X(drop_xdp_slot, ARRAY, __u32, struct drop_xdp_slot, DROP_XDP_ROWS + 1, 0)
#define HM_MAP_drop_name(X)                                                                        \
	X(drop_name, HASH, struct drop_name_key, struct drop_name, DROP_NAMES, 0)
#define HM_MAP_xdp_verdict(X)  X(xdp_verdict, PERCPU_ARRAY, __u32, struct xdp_verdict, 1, 0)
#define HM_MAP_xdp_home(X)     X(xdp_home, LRU_HASH, __u32, struct xdp_home, XDP_HOMES, 0)
#define HM_PRIVATE_xdp_here(X) X(xdp_here, PERCPU_ARRAY, __u32, struct xdp_here, 1, 0)
#define HM_MAP_drop_ring(X)    X(drop_ring, RINGBUF, char[0], char[0], DROP_RING_BYTES, 0)

#endif
