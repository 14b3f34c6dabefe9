/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - what the BPF programs and user space agree on: map names, keys,
 * values and enums. Included by kern/, xdp/, tc/, iptables/ and user/, and
 * turned into shell assignments for scripts/ (build/abi.sh).
 *
 * Rules: fixed-width types, explicit padding, sizes asserted, enums
 * append-only. Times are CLOCK_MONOTONIC nanoseconds. Everything is in host
 * byte order unless its comment says "network order". All configuration is
 * valid when it is all zero, because ip and tc create maps that way.
 */
#ifndef HOOKMAP_ABI_H
#define HOOKMAP_ABI_H

#include <linux/types.h>

/* latency: stages, in the order in which a packet usually passes them */
enum lat_stage {
	LAT_NONE = 0,
	LAT_XDP = 1,	    /* driver hook */
	LAT_TC = 2,	    /* clsact ingress */
	LAT_PREROUTING = 3, /* iptables raw PREROUTING */
	LAT_INPUT = 4,	    /* iptables filter INPUT */
	LAT_SOCKET = 5,	    /* cgroup/skb ingress, before the socket queue */
	LAT_APP = 6,	    /* payload copied to the application */
	LAT_CONTAINER = 7,  /* clsact ingress in another network namespace */
	LAT_STAGES,
};

/* Set in lat_key.to: the row is a total, from the first stage to this one. */
#define LAT_TOTAL 0x80

/* Why a packet that was chosen for measurement did not give a number. */
enum lat_lost {
	LAT_LOST_SLOT = 0,   /* its slot was taken by a newer packet */
	LAT_LOST_CLOCK = 1,  /* time went backwards, or by over LAT_MAX_NS */
	LAT_LOST_FULL = 2,   /* lat_hist has no room for another row */
	LAT_LOST_MERGED = 3, /* GRO put it behind another packet that was chosen */
	LAT_LOST_MAX,
};

/*
 * Histograms are log-linear, 16 buckets an octave (HdrHistogram's shape):
 * with x = ns - 1, octave 0 holds x = 0..15, octave o > 0 holds x in
 * [16 << (o - 1), 16 << o), each bucket 1 << (o - 1) ns wide. A bucket's
 * upper bound is inclusive ("le"). Rows are stored by octave, so an octave
 * that never occurs costs nothing.
 */
#define LAT_SUB_BITS 4
#define LAT_SUB	     (1 << LAT_SUB_BITS)
#define LAT_MAX_BITS 40
#define LAT_MAX_NS   (1ULL << LAT_MAX_BITS) /* 18 min 19 s */
#define LAT_OCTAVES  (LAT_MAX_BITS - LAT_SUB_BITS + 1)

#define LAT_HIST_ROWS 2048
#define LAT_SLOTS     65536 /* skb->tc_index has 16 bits; 0 is no slot */
/* By make bench: the unsampled path through all stages costs about 8 ns, a sampled
 * packet about 350; at 1 in 256 that is 9.4 ns a packet on average. */
#define LAT_SAMPLE_DEFAULT 256
#define LAT_SHIFT_DEFAULT  9 /* 512 slots a CPU, 128 CPUs */

/* map lat_hist, per-CPU hash: key */
struct lat_key {
	__u8 from;     /* enum lat_stage */
	__u8 to;       /* enum lat_stage, | LAT_TOTAL */
	__u8 octave;   /* 0 .. LAT_OCTAVES - 1 */
	__u8 nsid;     /* index into map hm_netns */
	__u32 ifindex; /* the device entered last, in that namespace */
};

/* map lat_hist: value */
struct lat_row {
	__u64 sum;	       /* ns */
	__u64 max;	       /* ns */
	__u64 min_inv;	       /* ~(smallest ns): an all-zero row is empty */
	__u64 bucket[LAT_SUB]; /* packets */
};

/* map lat_stamp, array: index is the slot in skb->tc_index */
struct lat_stamp {
	__u64 first;   /* ns, at the first stage */
	__u64 last;    /* ns, at the stage passed last */
	__u32 hash;    /* skb->hash at tc, 0 if the packet had none yet */
	__u32 id;      /* 4 bytes at L4 offset 4, as in the packet, 0 = unknown */
	__u32 ifindex; /* the device entered last */
	__u8 nsid;     /* its namespace, index into hm_netns */
	__u8 stage;    /* enum lat_stage, the one passed last; 0 = free */
	__u8 begin;    /* enum lat_stage, the first one */
	__u8 pad;
};

/* map lat_stat, per-CPU array of 1 */
struct lat_stat {
	__u64 seen;		  /* packets at the first stage that match the filter */
	__u64 sampled;		  /* of these, chosen for measurement */
	__u64 started;		  /* of these, given a slot at tc */
	__u64 lost[LAT_LOST_MAX]; /* by enum lat_lost */
	__u32 left;		  /* packets until the next sample */
	__u32 seq;		  /* next slot of this CPU */
};

/* lat_cfg.flags */
#define LAT_F_FILTER   0x1 /* some field below must match */
#define LAT_F_INPACKET 0x2 /* also write stamps into UDP to inpacket_port */
#define LAT_F_PAUSE    0x4 /* measure nothing */

/* map lat_cfg, array of 1. In the filter, 0 matches everything. */
struct lat_cfg {
	__u32 sample;	     /* one in N packets, 0 = LAT_SAMPLE_DEFAULT */
	__u32 flags;	     /* LAT_F_* */
	__u32 shift;	     /* log2 of slots a CPU, 0 = LAT_SHIFT_DEFAULT */
	__u32 ifindex;	     /* filter: device of the first stage */
	__u16 inpacket_port; /* network order */
	__u16 sport;	     /* filter, network order */
	__u16 dport;	     /* filter, network order */
	__u16 port;	     /* filter: source or destination, network order */
	__u8 l4proto;	     /* filter, IPPROTO_*; ICMP is 1 and ICMPv6 is 58 */
	__u8 src_family;     /* filter: 4 or 6, 0 = no prefix */
	__u8 dst_family;     /* filter: 4 or 6, 0 = no prefix */
	__u8 pad;
	__u32 src[4], src_mask[4]; /* network order; IPv4 in word 0 */
	__u32 dst[4], dst_mask[4];
};

/*
 * In-packet mode: from payload byte 0, one stamp of 8 bytes a stage (xdp, tc,
 * container), each CLOCK_MONOTONIC ns in host byte order.
 */
#define LAT_INPACKET_STAGES 3

/*
 * map lat_ring, per-CPU array of 1: packets that XDP has stamped and tc has not seen
 * yet. A packet is known again by its headers, so nothing has to be added to it:
 * flow is a hash of addresses, protocol and ports (not 0), id as in lat_stamp.
 */
#define LAT_RING	256 /* entries; a power of two */
#define LAT_RING_SCAN	64  /* newest entries that tc looks at; NAPI's budget */
#define LAT_RING_EXPIRE 64  /* packets at tc until an entry that was not found expires */

struct lat_pending {
	__u32 flow;
	__u32 id;
	__u64 time; /* ns, 0 = taken */
};

struct lat_ring {
	__u32 head; /* next one to write; counts on, modulo LAT_RING */
	__u32 tail; /* oldest one that tc has not seen */
	__u32 look; /* packets at tc until all entries expire */
	__u32 pad;
	__u32 scratch[12]; /* the packet being parsed, struct lat_packet */
	struct lat_pending entry[LAT_RING];
};

/*
 * The classid that `tc filter add ... bpf da obj tc/latency.o classid 0:X`
 * gives to the program (it finds it in skb->tc_classid): bits 0-7 are the
 * nsid, the rest are flags.
 */
#define LAT_CLASS_CONTAINER 0x100 /* this is LAT_CONTAINER, not LAT_TC */
#define LAT_CLASS_START	    0x200 /* no XDP in front: the measurement starts here */

/* map xdp_next, prog_array: index is the ifindex; what runs after xdp/latency */
#define HM_XDP_NEXT 4096

/* --- policy */

/*
 * A rule set has a generation, counted up by each load. Everything of a set is
 * kept under slot = generation & 1; a packet reads the generation once. 0: no
 * rules are loaded. Ranks are the order of rules: the lowest that matches wins.
 */
#define POL_SLOTS      2
#define POL_TUPLES     128	     /* most mask tuples a family */
#define POL_RULES_MAX  262144	     /* most rules; the default of --max-rules */
#define POL_TUPLES_DEF 64	     /* default of --max-masks */
#define POL_HOPS       256	     /* most next hops, and groups of them */
#define POL_HOPS_DEF   64	     /* default of --max-hops */
#define POL_LAYERS     8	     /* port ranges that may overlap, a direction */
#define POL_WAYS       256	     /* shares of a weighted group */
#define POL_FLOWS      4096	     /* flow cache entries, a CPU */
#define POL_FLOW_NS    1000000000ULL /* a cached decision is looked up again then */
#define POL_NEIGH_NS   3500000000ULL /* next hop without neighbour for so long: dead */
#define POL_PROBE_NS   250000000ULL  /* neighbours are asked for so often */
#define POL_FILTER_LEN 512	     /* bytes of filter bits an element */
#define POL_FILTER_MAX 512	     /* elements a slot */

/*
 * What of a packet rules can see, as 32-bit words in host order. A mask tuple is
 * one mask a word; a rule's key is its values under the masks of its tuple.
 */
enum pol_word {
	POL_W_SRC = 0,	 /* 4 words; IPv4 in the first */
	POL_W_DST = 4,	 /* 4 words */
	POL_W_PORTS = 8, /* source << 16 | destination, or numbers of ranges */
	POL_W_MISC = 9,	 /* POL_M_* */
	POL_W_MARK = 10,
	POL_W_IIF = 11, /* ifindex */
	POL_WORDS = 12,
};

#define POL_M_PROTO    0x000000ff /* IP protocol */
#define POL_M_DSCP     0x00003f00
#define POL_M_VID      0x03ffc000
#define POL_M_TAGGED   0x04000000 /* has a VLAN tag */
#define POL_M_FRAGMENT 0x08000000 /* any fragment, the first one too */
#define POL_M_IP6      0x10000000
#define POL_M_PORTS    0x20000000 /* has ports; fragments have none */

/* maps in pol_rules: key */
struct pol_key {
	__u32 word[POL_WORDS];
	__u32 tuple; /* number of the tuple in its set */
};

/* maps in pol_rules: value. All that a packet needs of its rule, in the one place that
 * it comes to anyway. */
struct pol_value {
	__u32 rank;
	__u32 action; /* enum pol_action */
	__u32 arg;
	__u32 flags; /* POL_R_* */
	__u32 mark;
};

/* The hash of the filter: sum of word times constant, modulo 2^32. Small odd
 * constants, so that awk's numbers hold each product exactly. */
#define POL_HASH_MUL                                                                               \
	{                                                                                          \
		648055, 521623, 865471, 723593, 419767, 974249, 590377, 1012339, 330053, 786931,   \
			904781, 462373, 694189                                                     \
	}

/* map pol_tuple, array: slot * 2 * POL_TUPLES + (IPv6 ? POL_TUPLES : 0) + place, by
 * best rank */
struct pol_tuple {
	__u32 mask[POL_WORDS];
	__u32 best;  /* lowest rank of its rules */
	__u32 id;    /* pol_key.tuple */
	__u8 slayer; /* source ports are compared by range number of layer slayer - 1 */
	__u8 dlayer;
	__u8 pad[6];
};

/* map pol_set, array of POL_SLOTS */
struct pol_set {
	__u32 gen;
	__u32 rules;
	__u32 entries; /* of the hash in pol_rules */
	__u32 hops;
	__u32 tuples[2]; /* IPv4, IPv6 */
	__u32 shift;	 /* filter bit = hash >> shift */
	__u32 flags;	 /* POL_S_* */
	__u32 stripes;	 /* counters a rule, less one: a mask for the CPU's number */
	__u32 pad;
};
#define POL_S_SPORTS 0x1 /* there are ranges of source ports */
#define POL_S_DPORTS 0x2
#define POL_S_SHARED 0x4 /* counters are shared by CPUs */

/* map pol_cfg, array of 1 */
struct pol_cfg {
	__u32 gen;	  /* in force */
	__u32 flags;	  /* POL_F_* */
	__u32 max_rules;  /* 0 = POL_RULES_MAX */
	__u32 max_tuples; /* 0 = POL_TUPLES_DEF */
	__u32 max_hops;	  /* 0 = POL_HOPS_DEF */
	__u32 pad;
	__u64 netns; /* inode of the namespace whose devices the rules name */
};
#define POL_F_NOCACHE 0x1 /* look every packet up */

enum pol_action {
	POL_PASS = 0,
	POL_DROP = 1,
	POL_MARK = 2,	  /* arg: the mark, then as pass */
	POL_REDIRECT = 3, /* arg: number in pol_hop */
	POL_TABLE = 4,	  /* arg: table */
	POL_ECMP = 5,	  /* arg: number in pol_group */
};

/* pol_rule.flags */
#define POL_R_FALLBACK_PASS 0x01 /* without a usable next hop; else drop */
#define POL_R_MARK	    0x02 /* sets mark, whatever the action */
#define POL_R_SPORT	    0x04 /* the rule has ... */
#define POL_R_DPORT	    0x08
#define POL_R_MARKED	    0x10

/* maps in pol_desc, array by rank */
struct pol_rule {
	__u32 action; /* enum pol_action */
	__u32 arg;
	__u32 flags; /* POL_R_* */
	__u32 mark;
	__u32 priority;
	__u32 match_mark, match_mask;
	__u32 iif;	   /* 0 = any */
	__u32 misc, mmask; /* POL_M_* and what of it counts */
	__u16 sport[2];	   /* from, to */
	__u16 dport[2];
	__u8 src_len, dst_len; /* bits; 255 = any */
	__u8 pad[2];
	__u8 src[16], dst[16];
	char id[16];
};

/* maps in pol_count, array: stripe * rules + rank */
struct pol_count {
	__u64 packets;
	__u64 bytes;
	__u64 last; /* ns; 0 = never */
};

/* maps in pol_port, LPM trie */
struct pol_port_key {
	__u32 bits;
	__u8 dir; /* 0 source, 1 destination */
	__u8 pad;
	__u16 port; /* network order */
};
struct pol_port {
	__u16 range[POL_LAYERS]; /* number of the range that holds the port, 0 = none */
};

/* pol_hop.flags */
#define POL_H_GW4  0x1
#define POL_H_GW6  0x2
#define POL_H_L2   0x4	/* the frame as it is, to a device */
#define POL_H_VLAN 0x8	/* push this tag */
#define POL_H_L3   0x10 /* the device's frames have no Ethernet header */

/* map pol_hop, array: slot * POL_HOPS + number */
struct pol_hop {
	__u32 ifindex;
	__u32 flags;
	__u8 gw4[4]; /* network order */
	__u8 gw6[16];
	__u32 vlan;
	char name[16];
};

/* map pol_hop_state, array like pol_hop; all zero at load */
struct pol_hop_state {
	__u64 dev;	  /* where the kernel keeps the device */
	__u64 checked[2]; /* IPv4, IPv6 gateway; ns: its neighbour was looked at last */
	__u64 waiting[2]; /* ns: without neighbour since; 0 = has one, or none is needed */
	__u32 ifindex;
	__u32 up;
};

/* map pol_hop_count, per-CPU array like pol_hop */
struct pol_hop_count {
	__u64 packets;
	__u64 bytes;
	__u64 down;	   /* not sent: device is down or gone */
	__u64 unreachable; /* not sent: no neighbour, no route */
};

/* map pol_group, array: slot * POL_HOPS + number */
struct pol_group {
	__u8 hop[POL_WAYS];
	__u8 weight[POL_HOPS];
};

/* map pol_flow, per-CPU array of POL_FLOWS */
struct pol_flow {
	__u32 word[POL_WORDS];
	__u64 until;			/* ns */
	__u32 gen;			/* 0 = empty */
	__u32 rank;			/* POL_NO_RULE, POL_LOCAL, ... */
	__u32 action, arg, flags, mark; /* of the rule */
};
#define POL_NO_RULE    0xffffffff
#define POL_LOCAL      0xfffffffe
#define POL_NO_FORWARD 0xfffffffd

/* What happened to packets: indexes of pol_stat.n */
enum pol_stat_id {
	POL_N_SEEN = 0,
	POL_N_HIT,	   /* found in the flow cache */
	POL_N_MISS,	   /* looked up in the rules */
	POL_N_NO_RULE,	   /* no rule matches: passed */
	POL_N_LOCAL,	   /* to this host, or no route known at all: passed */
	POL_N_NOT_IP,	   /* passed */
	POL_N_MALFORMED,   /* passed */
	POL_N_NOT_OURS,	   /* multicast, broadcast, link-local, other host's MAC: passed */
	POL_N_FRAGMENT,	   /* of the packets that rules saw */
	POL_N_EXPIRED,	   /* TTL or hop limit: passed, so that the stack answers */
	POL_N_TOO_BIG,	   /* for the device: passed, so that the stack answers */
	POL_N_DOWN,	   /* next hop's device is down */
	POL_N_UNREACHABLE, /* next hop has no neighbour, or no route */
	POL_N_FELL_PASS,   /* fallback of the rule */
	POL_N_FELL_DROP,
	POL_N_NO_FORWARD, /* forwarding is off on the device: passed */
	POL_N_NO_TBID,	  /* kernel cannot look tables up: marked and passed */
	POL_N_ERROR,	  /* a helper failed: dropped */
	POL_N_MAX,
};
#define POL_FIB_MAX 16

/* map pol_stat, per-CPU array of 1 */
struct pol_stat {
	__u64 n[POL_N_MAX];
	__u64 fib[POL_FIB_MAX]; /* by return code of bpf_fib_lookup, last: errors */
};

/* The classid of the tc filter, in skb->tc_classid */
#define POL_CLASS_L3  0x1 /* the device's frames have no Ethernet header */
#define POL_CLASS_SET 0x2 /* attached by attach.sh */

_Static_assert(sizeof(struct pol_key) == 52, "abi");
_Static_assert(sizeof(struct pol_value) == 20, "abi");
_Static_assert(sizeof(struct pol_tuple) == 64, "abi");
_Static_assert(sizeof(struct pol_set) == 40, "abi");
_Static_assert(sizeof(struct pol_cfg) == 32, "abi");
_Static_assert(sizeof(struct pol_rule) == 100, "abi");
_Static_assert(sizeof(struct pol_count) == 24, "abi");
_Static_assert(sizeof(struct pol_port_key) == 8, "abi");
_Static_assert(sizeof(struct pol_port) == 16, "abi");
_Static_assert(sizeof(struct pol_hop) == 48, "abi");
_Static_assert(sizeof(struct pol_hop_state) == 48, "abi");
_Static_assert(sizeof(struct pol_hop_count) == 32, "abi");
_Static_assert(sizeof(struct pol_group) == 512, "abi");
_Static_assert(sizeof(struct pol_flow) == 80, "abi");
_Static_assert(sizeof(struct pol_stat) == 8 * (POL_N_MAX + POL_FIB_MAX), "abi");

/*
 * Of the arrays of maps, the program declares what is in them by these; the maps
 * that a load makes have the same shape and as many entries as it takes.
 */
#define POL_INNER	  0x1000 /* BPF_F_INNER_MAP: arrays of several sizes */
#define HM_MAP_pol_cfg(X) X(pol_cfg, ARRAY, __u32, struct pol_cfg, 1, 0)
#define HM_MAP_pol_set(X) X(pol_set, ARRAY, __u32, struct pol_set, POL_SLOTS, 0)
#define HM_MAP_pol_tuple(X)                                                                        \
	X(pol_tuple, ARRAY, __u32, struct pol_tuple, (POL_SLOTS * 2 * POL_TUPLES), 0)
#define HM_MAP_pol_filter(X)                                                                       \
	X(pol_filter, ARRAY, __u32, char[POL_FILTER_LEN], (POL_SLOTS * POL_FILTER_MAX), 0)
#define HM_MAP_pol_rules(X) X(pol_rules, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_desc(X)  X(pol_desc, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_count(X) X(pol_count, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_port(X)  X(pol_port, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_hop(X)   X(pol_hop, ARRAY, __u32, struct pol_hop, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_hop_state(X)                                                                    \
	X(pol_hop_state, ARRAY, __u32, struct pol_hop_state, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_hop_count(X)                                                                    \
	X(pol_hop_count, PERCPU_ARRAY, __u32, struct pol_hop_count, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_group(X) X(pol_group, ARRAY, __u32, struct pol_group, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_flow(X)  X(pol_flow, PERCPU_ARRAY, __u32, struct pol_flow, POL_FLOWS, 0)
#define HM_MAP_pol_stat(X)  X(pol_stat, PERCPU_ARRAY, __u32, struct pol_stat, 1, 0)

#define POL_MAPS(X)                                                                                \
	HM_MAP_pol_cfg(X) HM_MAP_pol_set(X) HM_MAP_pol_tuple(X) HM_MAP_pol_filter(X)               \
		HM_MAP_pol_rules(X) HM_MAP_pol_desc(X) HM_MAP_pol_count(X) HM_MAP_pol_port(X)      \
			HM_MAP_pol_hop(X) HM_MAP_pol_hop_state(X) HM_MAP_pol_hop_count(X)          \
				HM_MAP_pol_group(X) HM_MAP_pol_flow(X) HM_MAP_pol_stat(X)

/* --- end of policy */

/*
 * What the scripts attached, for detach, status and the reader.
 * map hm_dev, hash.
 */
struct hm_dev_key {
	__u64 netns; /* inode of the namespace */
	__u32 ifindex;
	__u32 pad;
};

/* hm_dev.features. Features of the whole host are kept under netns 0, ifindex 0. */
#define HM_FEAT_latency 0x1
#define HM_FEAT_policy	0x8

/* hm_dev.flags */
#define HM_DEV_QDISC   0x1 /* clsact was created by us */
#define HM_DEV_GENERIC 0x2 /* XDP is in generic mode */
#define HM_DEV_NETNS   0x4 /* attached with --netns */
#define HM_DEV_NOXDP   0x8 /* attached with --mode none */

struct hm_dev {
	__u32 features; /* HM_FEAT_* */
	__u32 flags;	/* HM_DEV_* */
	__u32 nsid;	/* index into hm_netns */
	__u32 pref;	/* of the tc filter of latency */
	char name[16];	/* when it was attached */
};
#define HM_DEVS 256

/* map hm_netns, hash by nsid (1 .. 255). 0: attached by hand, the reader's own. */
struct hm_netns {
	__u64 netns; /* inode */
	char name[56];
};
#define HM_NETNS 256

_Static_assert(sizeof(struct lat_key) == 8, "abi");
_Static_assert(sizeof(struct lat_row) == 152, "abi");
_Static_assert(sizeof(struct lat_stamp) == 32, "abi");
_Static_assert(sizeof(struct lat_stat) == 64, "abi");
_Static_assert(sizeof(struct lat_cfg) == 92, "abi");
_Static_assert(sizeof(struct lat_ring) == 64 + 16 * LAT_RING, "abi");
_Static_assert(sizeof(struct hm_dev_key) == 16, "abi");
_Static_assert(sizeof(struct hm_dev) == 32, "abi");
_Static_assert(sizeof(struct hm_netns) == 64, "abi");

/*
 * Every pinned map: X(name, type, key, value, entries, flags). Programs declare
 * their maps from it (HM_MAP in maps.h), the reader and the scripts check pins
 * against it.
 */
#define HM_NO_PREALLOC 1 /* BPF_F_NO_PREALLOC: memory follows what is used */

#define HM_MAP_lat_cfg(X)   X(lat_cfg, ARRAY, __u32, struct lat_cfg, 1, 0)
#define HM_MAP_lat_stat(X)  X(lat_stat, PERCPU_ARRAY, __u32, struct lat_stat, 1, 0)
#define HM_MAP_lat_ring(X)  X(lat_ring, PERCPU_ARRAY, __u32, struct lat_ring, 1, 0)
#define HM_MAP_lat_stamp(X) X(lat_stamp, ARRAY, __u32, struct lat_stamp, LAT_SLOTS, 0)
#define HM_MAP_lat_hist(X)                                                                         \
	X(lat_hist, PERCPU_HASH, struct lat_key, struct lat_row, LAT_HIST_ROWS, HM_NO_PREALLOC)
#define HM_MAP_xdp_next(X) X(xdp_next, PROG_ARRAY, __u32, __u32, HM_XDP_NEXT, 0)
#define HM_MAP_hm_dev(X)   X(hm_dev, HASH, struct hm_dev_key, struct hm_dev, HM_DEVS, 0)
#define HM_MAP_hm_netns(X) X(hm_netns, HASH, __u32, struct hm_netns, HM_NETNS, 0)

#define HM_MAPS(X)                                                                                 \
	HM_MAP_lat_cfg(X) HM_MAP_lat_stat(X) HM_MAP_lat_ring(X) HM_MAP_lat_stamp(X)                \
		HM_MAP_lat_hist(X) HM_MAP_xdp_next(X) HM_MAP_hm_dev(X) HM_MAP_hm_netns(X)          \
			POL_MAPS(X)

#endif
