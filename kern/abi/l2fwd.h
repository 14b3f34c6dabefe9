/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/l2fwd.h - forwarding by destination MAC and VLAN. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_L2FWD_H
#define HOOKMAP_ABI_L2FWD_H

#include <linux/types.h>

#include "flow.h"

#define HM_FEAT_l2fwd 0x4 /* hm_dev.features */

/*
 * Ports have small numbers, 1 .. L2_PORTS - 1, so that the tables by port are arrays. Number 0 is
 * a port that is not configured: its frames go to the stack. ifindex -> number is in l2_if; a
 * larger ifindex cannot be a port.
 */
#define L2_PORTS       256
#define L2_IFINDEX     65536
#define L2_FDB_DEFAULT 65536	     /* entries, unless attach asks for another number */
#define L2_FDB_MAX     1048576	     /* entries */
#define L2_ACL_RULES   1024	     /* of one port */
#define L2_ACL_ENTRIES 32768	     /* of all ports, and of one that is being changed */
#define L2_REFRESH_NS  1000000000ULL /* default of l2_cfg.refresh_ns */

/* l2_fdb: key. vlan 0 is the domain of transparent ports. */
struct l2_key {
	__u16 vlan;
	__u8 mac[6];
};

enum l2_type {
	L2_STATIC = 0,	/* by hand (scripts/fdb.sh) */
	L2_DYNAMIC = 1, /* learned by the bridge */
	L2_EXTERN = 2,	/* extern_learn: EVPN */
	L2_LOCAL = 3,	/* an address of the bridge itself */
	L2_FIXED = 4,	/* static in the bridge */
	L2_GONE = 5,	/* deleted while a snapshot was taken: counts as missing */
	L2_TYPES,
};

/*
 * l2_fdb: value.
 *
 * Concurrency: the kernel gives the memory of a deleted or replaced element to the next key at
 * once, while a program (another CPU, or a task that softirqs and vCPUs stop) still has its
 * address. So the first 8 bytes, the head, repeat the key; they are read and written with one
 * load and one store, and a head of another key is not an entry. Scripts replace whole elements,
 * programs of the mirror store heads. The key's 5 bytes here leave out the first two of the MAC
 * and 4 bits of the VLAN. A mistake takes two addresses that agree in the rest, one deleted and
 * the other created between two instructions. (No stress test has hit this yet; the tests write
 * into the table what a program would see.) Counts added to an element that has a new key by then
 * are lost to the old key and appear at the new one.
 *
 * A CPU counts in count[its number % L2_LANES]. With at most L2_LANES CPUs (L2_F_FEW_CPUS), it
 * has the lane to itself and uses plain additions, which make the whole program a third cheaper.
 * XDP runs in softirqs, which exclude each other on a CPU; with PREEMPT_RT without its per-CPU
 * lock (PREEMPT_RT_NEEDS_BH_LOCK=n) they do not, and a few counts are lost.
 */
#define L2_LANES 4
struct l2_count {
	__u64 packets; /* forwarded to this address */
	__u64 bytes;   /* as received */
};
struct l2_fdb {
	__u16 port; /* number; 0: not forwarded, goes to the stack */
	__u8 type;  /* enum l2_type */
	__u8 vlan;  /* of the key, the low byte */
	__u32 mac;  /* of the key, the last 4 bytes as they are */
	__u64 used; /* ns, when a frame went to this address last */
	__u64 seen; /* ns, when a frame from it took the slow path last (mirror) */
	struct l2_count count[L2_LANES];
};
union l2_head {
	__u64 word;
	struct {
		__u16 port;
		__u8 type;
		__u8 vlan;
		__u32 mac;
	};
};

/* l2_port.flags, and those of l2_wire.state, which the bridge decides on */
#define L2_P_VLAN     0x01  /* VLAN-aware: vlans, untagged and pvid count */
#define L2_P_XLATE    0x02  /* look into l2_xlate */
#define L2_P_GUARD    0x04  /* source addresses must be in l2_guard */
#define L2_P_MIRROR   0x08  /* port of the mirrored bridge: it must see new sources */
#define L2_P_ACL      0x10  /* rules for frames to this port, see acl */
#define L2_P_ACL_DENY 0x20  /* drop frames that no rule matches */
#define L2_P_HAIRPIN  0x40  /* frames may leave through their input port */
#define L2_P_BLOCKED  0x80  /* not forwarding: bridge port state, or by hand */
#define L2_P_SLOW     0x100 /* the bridge has rules for frames from it that XDP does not know */
#define L2_P_SLOW_OUT 0x200 /* the same for frames to it */
#define L2_P_PARTIAL  0x400 /* mirror: frames from it may have an unfinished checksum: slow */
#define L2_P_SLOW_TAG 0x800 /* L2_P_SLOW for frames with a VLAN tag */

/* Action for a frame without an entry: l2_port.miss, .bcast, .mcast */
enum l2_miss {
	L2_MISS_PASS = 0,
	L2_MISS_FLOOD = 1,
	L2_MISS_DROP = 2,
};

/* map l2_port, array by port number. Written by scripts only, one at a time (they have a lock),
 * and whole; programs read word by word. See l2_wire. */
struct l2_port {
	__u32 ifindex; /* 0: no such port */
	__u32 flags;   /* L2_P_* */
	__u16 pvid;    /* VLAN of untagged frames, 0 = they are not accepted */
	__be16 proto;  /* ethertype of its tags, 0 = 802.1Q */
	__u8 miss;     /* enum l2_miss: unknown unicast */
	__u8 bcast;    /* enum l2_miss */
	__u8 mcast;    /* enum l2_miss */
	__u8 pad;
	__u32 storm;	    /* frames per second flooded at most, 0 = no limit */
	__u16 acl_n;	    /* rules, | L2_ACL_SRC, L2_ACL_DST; read in one with acl_at */
	__u16 acl_at;	    /* where they begin in l2_acl */
	__u64 vlans[64];    /* bit: member of this VLAN */
	__u64 untagged[64]; /* bit: sends this VLAN untagged */
};

/*
 * Why a port of a mirrored bridge is slow: bits of l2_wire.state.
 *
 * X(NAME, bit, key in JSON, for persons). Append.
 */
#define L2_WHY(X)                                                                                  \
	X(BRIDGE, 32, "bridge", "an option of the bridge, or netfilter (family bridge)")           \
	X(FLAG, 33, "port_flag", "a setting of the bridge port")                                   \
	X(BACKUP, 34, "backup_port", "a backup port or next hop")                                  \
	X(CHECKSUM, 35, "checksum", "unfinished checksums")                                        \
	X(QDISC, 36, "qdisc", "a queueing discipline")                                             \
	X(INGRESS, 37, "ingress_filter", "a filter of what comes in (tc, nft family netdev)")      \
	X(EGRESS, 38, "egress_filter", "a filter of what is sent (tc, nft family netdev)")         \
	X(PROMISC, 39, "promiscuous", "the bridge is promiscuous, and has a copy of each frame")   \
	X(VLAN_DEV, 40, "vlan_device", "frames with a tag, because a VLAN device is on it")

enum l2_why {
#define L2_WHY_ENUM(NAME, BIT, KEY, TEXT) L2_WHY_##NAME = (BIT),
	L2_WHY(L2_WHY_ENUM)
#undef L2_WHY_ENUM
};

/*
 * map l2_wire, array by port number: the mirrored bridge's settings of its ports. For a port with
 * L2_P_MIRROR, they apply in addition to l2_port.flags, and instead of its VLANs.
 *
 * Concurrency: scripts write whole elements, which would undo a program's write since they read
 * them. So only scripts write l2_port and l2_cfg, and only programs write this and l2_look. (A
 * script clears the element of a port before the port gets L2_P_MIRROR, while no program writes
 * it.) Two programs may read a port at once, on two CPUs or nested (a softirq in a task, or where
 * tracing programs can be preempted). Each writes what it has read, so the older value may be
 * written last. For state, both read again after the write, an exchange, until it equals the
 * bridge's. The next read of all VLANs corrects the VLANs.
 */
struct l2_wire {
	__u64 state; /* L2_P_*, and L2_WHY_* */
	__u16 pvid;  /* as in l2_port, like the others */
	__u16 proto; /* of the bridge */
	__u16 count; /* number of VLANs when they were last read */
	__u16 pad;
	__u64 vlans[64];
	__u64 untagged[64];
	__u32 look; /* the last read of the bridge that found it, see l2_look */
	__u32 pad2;
};

/*
 * The outcome of a frame, by input port. FWD and FLOOD are sent, those up to L2_PASS_END went to
 * the stack, the others were dropped. ACL, VLAN_OUT, STATE_OUT and COPY are counted at the output
 * port.
 *
 * X(name, number, key in JSON and Prometheus, reason in hookmap drops, meaning, where to look).
 * Append-only. A row in xdp/README.md says which checks the frame passes, and
 * tests/l2fwd/ways.bats tests it.
 */
/* clang-format off */
#define L2_REASON(X) \
	X(FLOOD, 1, "flooded", "FLOOD", "l2fwd left it to tc/l2fwd to flood", "") \
	X(CONTROL, 2, "pass_control", "CONTROL", \
	  "link-local control frames (STP, LACP, 802.1X, LLDP), for the stack", "") \
	X(MISS, 3, "pass_unknown", "UNKNOWN", "l2fwd has no entry for its destination", \
	  "hookmap fdb; fdb.sh port DEV miss pass|flood|drop") \
	X(BCAST, 4, "pass_broadcast", "BROADCAST", "broadcast, left to the stack", "") \
	X(MCAST, 5, "pass_multicast", "MULTICAST", "multicast, left to the stack", "") \
	X(TO_STACK, 6, "pass_local", "LOCAL", \
	  "the entry says: to the stack (an own address, or behind a tunnel)", "hookmap fdb") \
	X(SLOW, 7, "pass_bridge", "BRIDGE", \
	  "the bridge must see it: ageing, a new or moved source, a port that it decides on", "") \
	X(MALFORMED, 8, "pass_malformed", "MALFORMED", "shorter than its header", "the sender") \
	X(NO_DEVICE, 9, "pass_no_device", "NO_DEVICE", "the device of its entry has gone", \
	  "detach.sh DEV l2fwd; hookmap fdb") \
	X(NO_META, 10, "pass_no_metadata", "NO_METADATA", \
	  "to be flooded, but the driver has no XDP metadata: left to the stack", \
	  "attach.sh DEV l2fwd --mode generic") \
	X(NO_PORT, 11, "pass_no_port", "NO_PORT", \
	  "came by a device that is not a port (a slave, a device attached by hand), for the stack", \
	  "hookmap fdb; attach.sh DEV l2fwd") \
	X(DROP_MISS, 16, "drop_unknown", "DROP_UNKNOWN", \
	  "no entry for its destination, and the port drops such frames", \
	  "hookmap fdb; fdb.sh port DEV miss pass|flood") \
	X(DROP_BCAST, 17, "drop_broadcast", "DROP_BROADCAST", "the port drops broadcast", \
	  "fdb.sh port DEV bcast pass|flood") \
	X(DROP_MCAST, 18, "drop_multicast", "DROP_MULTICAST", "the port drops multicast", \
	  "fdb.sh port DEV mcast pass|flood") \
	X(DROP_VLAN_IN, 19, "drop_vlan_in", "VLAN_IN", "the port is not in the frame's VLAN", \
	  "hookmap fdb (VLANS, PVID); fdb.sh port DEV mode access VID") \
	X(DROP_VLAN_OUT, 20, "drop_vlan_out", "VLAN_OUT", \
	  "the port that it was to leave by is not in its VLAN", "hookmap fdb (VLANS)") \
	X(DROP_SAME_PORT, 21, "drop_same_port", "SAME_PORT", \
	  "it was to leave by the port that it came in by", \
	  "hookmap fdb; a loop? fdb.sh port DEV hairpin on") \
	X(DROP_STATE_IN, 22, "drop_state_in", "BLOCKED_IN", "its port is blocked", \
	  "fdb.sh port DEV block off") \
	X(DROP_STATE_OUT, 23, "drop_state_out", "BLOCKED_OUT", \
	  "the port that it was to leave by is blocked", "hookmap fdb (STATE); bridge -d link") \
	X(DROP_STORM, 24, "drop_storm", "STORM", "over the port's limit for flooding", \
	  "who floods? fdb.sh port DEV storm N") \
	X(DROP_ACL, 25, "drop_acl", "ACL", "a rule of the port that it was to leave by", \
	  "hookmap fdb (RULES OF): which counter moves?") \
	X(DROP_SRC_MAC, 26, "drop_source_mac", "SOURCE_MAC", \
	  "the guard of its port does not know its source MAC", \
	  "hookmap fdb (GUARD OF); fdb.sh guard DEV add MAC") \
	X(DROP_SRC_IP, 27, "drop_source_ip", "SOURCE_IP", \
	  "the guard of its port does not allow its source address", \
	  "hookmap fdb (GUARD OF); fdb.sh guard DEV add MAC ADDRESS") \
	X(DROP_NO_ROOM, 28, "drop_no_headroom", "NO_HEADROOM", "no room in front of it for a tag", \
	  "the driver's headroom") \
	X(DROP_COPY, 29, "drop_copy", "COPY", \
	  "a flooded copy that the device did not take: its queue was full, or it is down", \
	  "tc -s qdisc show dev DEV")
/* clang-format on */

enum l2_reason {
	L2_FWD = 0, /* forwarded to one port; not counted here: tx_packets has it */
#define L2_REASON_ENUM(NAME, NUMBER, KEY, REASON, MEANING, LOOK) L2_##NAME = (NUMBER),
	L2_REASON(L2_REASON_ENUM)
#undef L2_REASON_ENUM
		L2_PASS_END = 15,
	L2_REASONS = 32,
};

/* map l2_stat, per-CPU array by port number. Counted in softirqs (XDP, tc), which exclude each
 * other on a CPU; but with PREEMPT_RT as in l2_fdb, a few counts are lost. */
struct l2_stat {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 tx_copies;	  /* of tx_packets: of flooded frames */
	__u64 unknown;		  /* of reason[L2_FLOOD]: unknown unicast */
	__u64 reason[L2_REASONS]; /* packets, by enum l2_reason */
};

/* map l2_storm, array by port number: flooded in this second. CPUs that begin a second at once
 * set it twice: as many frames more may go as there are CPUs. */
struct l2_storm {
	__u64 start; /* ns */
	__u64 frames;
};

/* map l2_xlate, hash: VLAN numbers that differ on the wire of a port */
struct l2_xlate_key {
	__u16 port;
	__u16 vlan;
	__u16 out; /* 0: wire -> inside, 1: inside -> wire */
	__u16 pad;
};

/*
 * map l2_guard, hash: permitted sources of a port. Family 0: this MAC with any IP address; 4 and
 * 6: this MAC with this address, then also L2_GUARD_BOUND.
 */
#define L2_GUARD_BOUND 255
struct l2_guard_key {
	__u16 port;
	__u8 mac[6];
	__u32 family; /* 0, 4, 6 or L2_GUARD_BOUND */
	__u32 ip[4];  /* network order; IPv4 in word 0 */
};

/* map l2_acl, array: the rules of a port are in one piece, by priority; the first that
 * matches decides. */
struct l2_acl {
	struct match match;
	__u16 priority;
	__u8 deny;
	__u8 pad;
	__u64 packets; /* hits */
	__u64 bytes;
};

/*
 * map l2_sieve, LPM trie: the rules of a port that can match an address, by its longest prefix.
 * These are checked in order; other rules cannot match. Each family has an entry of length 0, so
 * that a look-up always succeeds.
 */
#define L2_ACL_SRC  0x8000 /* l2_port.acl_n: sources are in l2_sieve */
#define L2_ACL_DST  0x4000 /* destinations are */
#define L2_ACL_MASK 0x0fff
struct l2_sieve_key {
	__u32 prefixlen; /* 32 + the prefix length of the address */
	__u16 set;	 /* l2_port.acl_at */
	__u8 side;	 /* 0 source, 1 destination */
	__u8 family;	 /* 4, 6, 0: not IP */
	__u32 addr[4];	 /* network order */
};
struct l2_sieve {
	__u64 rules[L2_ACL_RULES / 64]; /* bit: this rule, counted from acl_at */
};

/* l2_cfg.flags */
#define L2_F_UNIFORM  0x1  /* no port changes tags: XDP can flood alone */
#define L2_F_SNAPSHOT 0x2  /* a snapshot of the bridge is being taken */
#define L2_F_FEW_CPUS 0x4  /* at most L2_LANES CPUs */
#define L2_F_NO_BRNF  0x8  /* br_netfilter does not call iptables and its like */
#define L2_F_FORCE    0x10 /* attached with --force */

/* map l2_cfg, array of 1. Only scripts write it, one at a time, as a whole; programs read it word
 * by word, and write to l2_look instead. See l2_wire. */
struct l2_cfg {
	__u32 flags;  /* L2_F_* */
	__u32 ports;  /* no port has a higher number; for scripts */
	__u64 netns;  /* inode of the namespace that the ports are in */
	__u32 bridge; /* ifindex of the mirrored bridge, 0 = none */
	__u32 pad;
	__u64 refresh_ns; /* a source takes the slow path this often, 0 = default */
	/* ports of the bridge that are not ours (the sum of 1 << 32 plus the ifindex of each) */
	__u64 outside;
};

/*
 * map l2_look, array of 1: reads of the mirrored bridge. Only programs write it, see l2_wire.
 * Several may write a word at once: then a count is lost, or one of two nearly equal times.
 */
struct l2_look {
	__u64 looked;  /* ns, last read of the bridge's ports */
	__u64 asked;   /* ns, when a frame last took the slow path to have the bridge read */
	__u64 vlans;   /* ns, last complete read, including VLANs */
	__u64 changed; /* ns, when a port was about to lose a VLAN */
	__u64 address; /* of the bridge in the kernel, 0 = not known yet */
	__u64 outside; /* as l2_cfg.outside, at the last read */
	__u64 full;    /* entries of the bridge for which l2_fdb had no room */
	__u32 looks;   /* number of reads of the bridge */
	__u32 pad;
};

/* While a read of the bridge is due, one frame in this interval takes the slow path. */
#define L2_LOOK_NS 10000000ULL

/* XDP metadata for tc/l2fwd: the frame is to be flooded */
struct l2_meta {
	__u32 magic; /* L2_META_MAGIC */
	__u16 tci;   /* the VLAN inside, and the priority that the frame's own tag had */
	__u8 port;   /* number */
	__u8 tagged; /* the frame's outermost tag is the port's, and no data */
};
#define L2_META_MAGIC 0x686b6c32

_Static_assert(sizeof(struct l2_key) == 8, "abi");
_Static_assert(sizeof(struct l2_fdb) == 88, "abi");
_Static_assert(sizeof(struct l2_port) == 1048, "abi");
_Static_assert(sizeof(struct l2_wire) == 1048, "abi");
_Static_assert(sizeof(struct l2_stat) == 304, "abi");
_Static_assert(sizeof(struct l2_storm) == 16, "abi");
_Static_assert(sizeof(struct l2_xlate_key) == 8, "abi");
_Static_assert(sizeof(struct l2_guard_key) == 28, "abi");
_Static_assert(sizeof(struct l2_acl) == 136, "abi");
_Static_assert(sizeof(struct l2_cfg) == 40, "abi");
_Static_assert(sizeof(struct l2_look) == 64, "abi");
_Static_assert(sizeof(struct l2_meta) == 8, "abi");
_Static_assert(sizeof(struct l2_sieve_key) == 24, "abi");
_Static_assert(sizeof(struct l2_sieve) == 128, "abi");

/*
 * Two maps are inner maps of a map with one element, l2_fdbs -> l2_fdb and l2_txs -> l2_tx,
 * because ip refuses a pin whose size or flags differ from the object's declaration: the FDB's
 * size is set at attach (0 entries here: any number), and the kernel adds a flag to every devmap.
 * ip does not compare inner maps.
 */
#define HM_MAP_l2_cfg(X)   X(l2_cfg, ARRAY, __u32, struct l2_cfg, 1, 0)
#define HM_MAP_l2_if(X)	   X(l2_if, ARRAY, __u32, __u32, L2_IFINDEX, 0)
#define HM_MAP_l2_port(X)  X(l2_port, ARRAY, __u32, struct l2_port, L2_PORTS, 0)
#define HM_MAP_l2_wire(X)  X(l2_wire, ARRAY, __u32, struct l2_wire, L2_PORTS, 0)
#define HM_MAP_l2_look(X)  X(l2_look, ARRAY, __u32, struct l2_look, 1, 0)
#define HM_MAP_l2_stat(X)  X(l2_stat, PERCPU_ARRAY, __u32, struct l2_stat, L2_PORTS, 0)
#define HM_MAP_l2_storm(X) X(l2_storm, ARRAY, __u32, struct l2_storm, L2_PORTS, 0)
#define HM_MAP_l2_tx(X)	   X(l2_tx, DEVMAP, __u32, __u32, L2_PORTS, 0)
#define HM_MAP_l2_fdb(X)   X(l2_fdb, HASH, struct l2_key, struct l2_fdb, 0, 0)
#define HM_MAP_l2_fdbs(X)  X(l2_fdbs, ARRAY_OF_MAPS, __u32, __u32, 1, 0)
#define HM_MAP_l2_txs(X)   X(l2_txs, ARRAY_OF_MAPS, __u32, __u32, 1, 0)
#define HM_MAP_l2_xlate(X) X(l2_xlate, HASH, struct l2_xlate_key, __u32, 4096, 0)
#define HM_MAP_l2_guard(X)                                                                         \
	X(l2_guard, HASH, struct l2_guard_key, __u32, 16384, 1 /* NO_PREALLOC   \
										   */)
#define HM_MAP_l2_acl(X) X(l2_acl, ARRAY, __u32, struct l2_acl, L2_ACL_ENTRIES, 0)
#define HM_MAP_l2_sieve(X)                                                                         \
	X(l2_sieve, LPM_TRIE, struct l2_sieve_key, struct l2_sieve, 65536, 1 /* NO_PREALLOC */)

#endif
