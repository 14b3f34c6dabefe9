/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/policy.h - policy routing at tc. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_POLICY_H
#define HOOKMAP_ABI_POLICY_H

#include <linux/types.h>

#define HM_FEAT_policy 0x8 /* hm_dev.features */

/*
 * A rule set has a generation, counted up by each load. Everything of a set is
 * kept under slot = generation & 1; a packet reads the generation once. 0: no
 * rules are loaded. Ranks are the order of rules: the lowest that matches wins.
 */
/*
 * Writers and their guarantees. policy.sh writes the maps of the inactive slot and, last,
 * pol_cfg.gen, one word; a lock excludes a second policy.sh. Writing an element of pol_rules
 * waits until no CPU is in the program with the old one (synchronize_rcu). The program writes
 * pol_count, pol_hop_state, pol_hop_count, pol_way, pol_frag, pol_work, pol_flow and pol_stat;
 * policy.sh only writes zeros to these, in the inactive slot. The program runs in softirqs (tc
 * ingress): one at a time on a CPU, and migration off.
 * - pol_flow, pol_way, pol_work are per CPU. Where softirqs preempt each other (PREEMPT_RT from
 *   6.18 on, without the lock of bottom halves), pol_flow_put() takes an entry out before it
 *   changes it and pol_flow_read() looks again, pol_work.busy turns the second away, and
 *   pol_way.tick is cleared before and written after the rest.
 * - Per-CPU counters in pol_stat, pol_hop_count and pol_count are not atomic: two softirqs may
 *   lose one of two counts there, but nothing else. Shared counters are atomic.
 * - pol_hop_state is shared by CPUs; each word is an independent time or state. A CPU that reads
 *   words of two look-ups asks the kernel once too often, or one probe later.
 */
#define POL_SLOTS      2
#define POL_TUPLES     128	     /* most mask tuples per family */
#define POL_RULES_MAX  262144	     /* most rules; the default of --max-rules */
#define POL_TUPLES_DEF 64	     /* default of --max-masks */
#define POL_HOPS       256	     /* most next hops, and groups of them */
#define POL_HOPS_DEF   64	     /* default of --max-hops */
#define POL_LAYERS     8	     /* port ranges that may overlap, per direction */
#define POL_FLOWS      4096	     /* flow cache entries per CPU */
#define POL_FLOW_NS    1000000000ULL /* a cached decision is looked up again then */
#define POL_NEIGH_NS   3500000000ULL /* a next hop without a neighbour for this long is dead */
#define POL_SEEN_NS    1750000000ULL /* look-ups of a neighbour closer than this count as one */
#define POL_PROBE_NS   250000000ULL  /* interval of neighbour look-ups */
#define POL_FILTER_LEN 128	     /* words of filter bits per element */
#define POL_FILTER_MAX 512	     /* elements per slot */
#define POL_SHIFT_LEN  1024	     /* buckets per element */
#define POL_SHIFT_MAX  64	     /* elements per slot */
#define POL_LINKS      8	     /* most rules with the same hash */
#define POL_BLOCK      32	     /* rules per element; bpftool takes 4 096 words per line */

/*
 * The packet fields that rules can match, as 32-bit words in host order. A mask tuple has one
 * mask per word; a rule's key is its values under the masks of its tuple. IPv4 packets use the
 * first POL_WORDS4 words; the others are 0.
 */
enum pol_word {
	POL_W_SRC = 0, /* IPv4, or the first word of IPv6 */
	POL_W_DST = 1,
	POL_W_PORTS = 2, /* source << 16 | destination, or numbers of ranges */
	POL_W_MISC = 3,	 /* POL_M_* */
	POL_W_MARK = 4,
	POL_W_IIF = 5, /* number of the device in pol_iif, 0 = no rule names it */
	POL_WORDS4 = 6,
	POL_W_SRC6 = 6, /* the other 3 words of IPv6 */
	POL_W_DST6 = 9,
	POL_WORDS = 12,
};

#define POL_M_PROTO    0x000000ff /* IP protocol */
#define POL_M_DSCP     0x00003f00
#define POL_M_VID      0x03ffc000
#define POL_M_TAGGED   0x04000000 /* has a VLAN tag */
#define POL_M_FRAGMENT 0x08000000 /* any fragment, including the first; POL_N_HIDDEN */
#define POL_M_IP6      0x10000000
#define POL_M_PORTS    0x20000000 /* has ports; fragments have none */

/*
 * The hash of a key: sum of word times constant (the last is for the number of the
 * tuple), modulo 2^32. Small odd constants, so that awk's numbers hold each product
 * exactly. Its upper bits choose the word of the filter. Everything else is by
 * mix = hash * POL_MIX_LOW + (hash >> 16) * POL_MIX_HIGH: bits of the filter's word are the
 * first, second and third 5 bits from the bottom, the upper bits choose the bucket.
 *
 * A perfect hash: load chooses the shift of each bucket such that each key has its own
 * place, mix * (2 * shift + 1) * places / 2^32 (mix * ... modulo 2^32).
 */
#define POL_HASH_MUL                                                                               \
	648055, 419767, 330053, 786931, 904781, 462373, 521623, 865471, 723593, 974249, 590377,    \
		1012339, 694189
#define POL_MIX_LOW  862789
#define POL_MIX_HIGH 575261

/* map pol_tuple, array: slot * 2 * POL_TUPLES + (IPv6 ? POL_TUPLES : 0) + place, by
 * best rank */
struct pol_tuple {
	__u32 mask[POL_WORDS];
	__u32 best;  /* lowest rank of its rules */
	__u32 id;    /* pol_rule.tuple */
	__u8 slayer; /* source ports are compared by range number of layer slayer - 1 */
	__u8 dlayer;
	__u8 pad[6];
};

/* map pol_set, array of POL_SLOTS */
struct pol_set {
	__u32 gen;
	__u32 rules;
	__u32 places; /* for them */
	__u32 hops;
	__u32 tuples[2]; /* IPv4, IPv6 */
	__u32 shift;	 /* word of the filter = hash >> shift */
	__u32 flags;	 /* POL_S_* */
	__u32 stripes;	 /* counters per rule, less one: a mask for the CPU's number */
	__u32 buckets;	 /* bucket = mix >> buckets */
};
#define POL_S_SPORTS 0x1 /* there are ranges of source ports */
#define POL_S_DPORTS 0x2
#define POL_S_SHARED 0x4 /* counters are shared by CPUs */
#define POL_S_IIF    0x8 /* rules name input devices */

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

/* pol_rule.flags, pol_flow.flags */
#define POL_R_FALLBACK_PASS 0x01 /* without a usable next hop; else drop */
#define POL_R_MARK	    0x02 /* sets mark, whatever the action */
#define POL_R_SPORT	    0x04 /* the rule has ... */
#define POL_R_DPORT	    0x08
#define POL_R_MARKED	    0x10

/* A rule: what an IPv4 packet looks at. */
struct pol_rule {
	__u32 word[POL_WORDS4]; /* the key, with numbers of port ranges */
	__u32 tuple;
	__u32 rank;   /* POL_NO_RULE: nothing is here */
	__u32 next;   /* place of another rule with the same hash, plus 1 */
	__u32 action; /* enum pol_action */
	__u32 arg;
	__u32 flags; /* POL_R_* */
	__u32 mark;
	__u32 priority;
	__u16 sport[2]; /* from, to */
	__u16 dport[2];
};

/* The rest, for IPv6 and for the reader. */
struct pol_more {
	__u32 word[POL_WORDS - POL_WORDS4];
	char id[16];
	__u32 match_mask;      /* of the mark */
	__u32 mmask;	       /* POL_M_* that count */
	__u8 src_len, dst_len; /* bits; 255 = any */
	__u8 pad[14];
};

/* maps in pol_rules and pol_more, arrays: place / POL_BLOCK */
struct pol_block {
	struct pol_rule rule[POL_BLOCK];
};
struct pol_block_more {
	struct pol_more rule[POL_BLOCK];
};

/* maps in pol_count, array: stripe * places + place */
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
	__be16 port;
};
struct pol_port {
	__u16 range[POL_LAYERS]; /* number of the range that holds the port, 0 = none */
};

/* map in pol_iif, hash: numbers of the devices that rules name, whether they exist or not */
struct pol_iif_key {
	char dev[16];
};

/* pol_hop.flags */
#define POL_H_GW4  0x1
#define POL_H_GW6  0x2
#define POL_H_L2   0x4	/* the frame as it is, to a device */
#define POL_H_VLAN 0x8	/* push this tag */
#define POL_H_L3   0x10 /* in pol_hop_state: the device's frames have no Ethernet header */
#define POL_H_NBMA 0x20 /* but one for the neighbour (a tunnel to many: mGRE) */

/* map pol_hop, array: slot * POL_HOPS + number */
struct pol_hop {
	char dev[16]; /* whichever device has this name */
	__u32 flags;
	__u8 gw4[4]; /* network order */
	__u8 gw6[16];
	__u32 vlan;
	char name[16];
	__u32 pad;
};

enum pol_device {
	POL_DEV_GONE = 0,
	POL_DEV_DOWN,
	POL_DEV_UP,
};

/*
 * map pol_hop_state, array like pol_hop; all zero at load
 *
 * A gateway is dead if no look-up from WAITING to CHECKED, POL_NEIGH_NS or more, found its
 * neighbour. Look-ups farther apart than POL_SEEN_NS say nothing about the time between them.
 *
 * The device is checked once per tick. While it is not up, it is looked up by name once per
 * POL_PROBE_NS.
 */
struct pol_hop_state {
	__u64 dev;	  /* where the kernel keeps the device */
	__u64 checked[2]; /* IPv4, IPv6 gateway; ns: its neighbour was looked at last */
	__u64 waiting[2]; /* ns: without neighbour since; 0 = has one, or none is needed */
	__u64 probed[2];  /* ns: a packet to a dead gateway was let through last */
	__u64 tick;	  /* ns: the device was looked at last; 0 = never */
	__u64 searched;	  /* ns: it was looked for last */
	__u32 ifindex;	  /* of the device that has the name now */
	__u32 device;	  /* enum pol_device */
	__u32 flags;	  /* POL_H_L3, POL_H_NBMA */
	__u32 pad;
};

/* map pol_hop_count, per-CPU array like pol_hop */
struct pol_hop_count {
	__u64 packets;
	__u64 bytes;
	__u64 down;	   /* not sent: device is down or gone */
	__u64 unreachable; /* not sent: no neighbour, no route */
};

/*
 * map pol_way, per-CPU array like pol_hop: the next hop of IPv4 packets as found by the first
 * packet of a tick of the coarse clock, for the others of that tick.
 */
struct pol_way {
	__u64 tick; /* ns; 0 = nothing */
	__u32 ifindex;
	__u32 mtu;
	__u8 dmac[6];
	__u8 smac[6];
	__u32 pad;
};

/*
 * map pol_group, array: slot * POL_HOPS + number
 *
 * Weighted rendezvous hashing: of the usable next hops, a flow takes the one with the lowest
 * -log(u) / weight, u a hash of flow and next hop in 0..1. So shares follow the weights, and only
 * the flows of a next hop that appears or disappears move.
 */
struct pol_group {
	__u32 hops;
	__u8 hop[POL_HOPS];    /* the first HOPS of them: numbers in pol_hop */
	__u8 weight[POL_HOPS]; /* by number in pol_hop; 0 = not of the group */
};

/*
 * map pol_frag, LRU hash: the hash of a datagram's first fragment, which has the ports, for its
 * other fragments, which have none. Also its protocol, if they only have an IPv6 extension
 * header: then proto is that header. POL_N_ALONE counts the fragments of a datagram that is not
 * here (its first fragment came later, or more than POL_FRAGS datagrams have come since).
 */
struct pol_frag_key {
	__u32 word[8]; /* addresses, as in pol_pkt */
	__u32 id;
	__u32 proto;
};
#define POL_FRAGS 4096

/* map pol_work, per-CPU array of 1: buffer for ICMP errors and fragments */
#define POL_WORK 9216 /* bytes of a packet that can be fragmented */
struct pol_work {
	__u64 last;   /* ns: tokens came last */
	__u32 tokens; /* ICMP errors that may be sent now */
	__u32 busy;
	__u32 off, pad;		     /* the next fragment, in data */
	__u8 data[2 * POL_WORK + 8]; /* the same size again: for verifiers that add two limits */
};

/* map pol_flow, per-CPU array of POL_FLOWS */
struct pol_flow {
	__u32 word[POL_WORDS4];
	__u64 until;			/* ns */
	__u32 gen;			/* 0 = empty */
	__u32 place;			/* of the rule, or POL_NO_RULE, POL_LOCAL, ... */
	__u32 action, arg, flags, mark; /* of the rule; arg: see POL_CHOSEN */
	__u32 word6[POL_WORDS - POL_WORDS4];
};
/* ecmp: the first choice of the flow, whether it is usable or not: number in pol_hop */
#define POL_CHOSEN(HOP) (((HOP) + 1) << 16)
#define POL_CHOICE(ARG) (((ARG) >> 16) - 1)
#define POL_NO_RULE	0xffffffff
#define POL_LOCAL	0xfffffffe
#define POL_NO_FORWARD	0xfffffffd

/* Events: indexes of pol_stat.n */
enum pol_stat_id {
	POL_N_SEEN = 0,
	POL_N_HIT,	   /* found in the flow cache */
	POL_N_MISS,	   /* looked up in the rules */
	POL_N_NO_RULE,	   /* no rule matches: passed */
	POL_N_LOCAL,	   /* to this host, or without any route: passed */
	POL_N_NOT_IP,	   /* passed */
	POL_N_MALFORMED,   /* passed: the stack drops it */
	POL_N_NOT_OURS,	   /* multicast, broadcast, link-local, other host's MAC: passed */
	POL_N_FRAGMENT,	   /* of the packets that rules saw */
	POL_N_EXPIRED,	   /* TTL or hop limit */
	POL_N_TOO_BIG,	   /* too big for its rule's output path */
	POL_N_DOWN,	   /* next hop's device is down */
	POL_N_UNREACHABLE, /* next hop has no neighbour, or no route */
	POL_N_FELL_PASS,   /* fallback of the rule */
	POL_N_FELL_DROP,
	POL_N_NO_FORWARD, /* forwarding is off on the device: passed */
	POL_N_NO_TBID,	  /* the kernel cannot look up tables: marked and passed */
	POL_N_ERROR,	  /* a helper failed: dropped */
	POL_N_HIDDEN,	  /* L4 header truncated, or after too many IPv6 headers */
	POL_N_ICMP,	  /* answered by an ICMP error */
	POL_N_UNANSWERED, /* dropped without an ICMP error: over the rate limit, or not allowed */
	POL_N_FRAGMENTED, /* sent in fragments */
	POL_N_ALONE,	  /* later fragment whose first is not known, see pol_frag */
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

_Static_assert(sizeof(struct pol_tuple) == 64, "abi");
_Static_assert(sizeof(struct pol_set) == 40, "abi");
_Static_assert(sizeof(struct pol_cfg) == 32, "abi");
_Static_assert(sizeof(struct pol_rule) == 64, "abi");
_Static_assert(sizeof(struct pol_more) == 64, "abi");
_Static_assert(sizeof(struct pol_block) == 2048, "abi");
_Static_assert(sizeof(struct pol_block_more) == 2048, "abi");
_Static_assert(POL_SHIFT_LEN *POL_SHIFT_MAX * 4 >= POL_RULES_MAX, "abi");
_Static_assert(sizeof(struct pol_count) == 24, "abi");
_Static_assert(sizeof(struct pol_port_key) == 8, "abi");
_Static_assert(sizeof(struct pol_port) == 16, "abi");
_Static_assert(sizeof(struct pol_hop) == 64, "abi");
_Static_assert(sizeof(struct pol_hop_state) == 88, "abi");
_Static_assert(sizeof(struct pol_hop_count) == 32, "abi");
_Static_assert(sizeof(struct pol_way) == 32, "abi");
_Static_assert(sizeof(struct pol_group) == 516, "abi");
_Static_assert(sizeof(struct pol_frag_key) == 40, "abi");
_Static_assert(sizeof(struct pol_flow) == 80, "abi");
_Static_assert(sizeof(struct pol_stat) == 8 * (POL_N_MAX + POL_FIB_MAX), "abi");

/*
 * Templates of the inner maps of the arrays of maps. The maps that a load creates have the same
 * layout and as many entries as needed.
 */
#define POL_INNER	      0x1000 /* BPF_F_INNER_MAP: arrays of several sizes */
#define POL_ALIGNED	      0x1400 /* and BPF_F_MMAPABLE: elements begin at a cache line */
#define HM_INNER_pol_rules(X) X(pol_rules, ARRAY, __u32, struct pol_block, POL_ALIGNED)
#define HM_INNER_pol_more(X)  X(pol_more, ARRAY, __u32, struct pol_block_more, POL_ALIGNED)
#define HM_INNER_pol_count(X) X(pol_count, ARRAY, __u32, struct pol_count, POL_INNER)
#define HM_INNER_pol_port(X)                                                                       \
	X(pol_port, LPM_TRIE, struct pol_port_key, struct pol_port, HM_NO_PREALLOC)
#define HM_INNER_pol_iif(X) X(pol_iif, HASH, struct pol_iif_key, __u32, 0)
#define HM_MAP_pol_cfg(X)   X(pol_cfg, ARRAY, __u32, struct pol_cfg, 1, 0)
#define HM_MAP_pol_set(X)   X(pol_set, ARRAY, __u32, struct pol_set, POL_SLOTS, 0)
#define HM_MAP_pol_tuple(X)                                                                        \
	X(pol_tuple, ARRAY, __u32, struct pol_tuple, (POL_SLOTS * 2 * POL_TUPLES), 0)
#define HM_MAP_pol_filter(X)                                                                       \
	X(pol_filter, ARRAY, __u32, __u32[POL_FILTER_LEN], (POL_SLOTS * POL_FILTER_MAX), 0)
#define HM_MAP_pol_rules(X) X(pol_rules, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_shift(X)                                                                        \
	X(pol_shift, ARRAY, __u32, __u16[POL_SHIFT_LEN], (POL_SLOTS * POL_SHIFT_MAX), 0)
#define HM_MAP_pol_more(X)  X(pol_more, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_count(X) X(pol_count, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_port(X)  X(pol_port, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_iif(X)   X(pol_iif, ARRAY_OF_MAPS, __u32, __u32, POL_SLOTS, 0)
#define HM_MAP_pol_hop(X)   X(pol_hop, ARRAY, __u32, struct pol_hop, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_hop_state(X)                                                                    \
	X(pol_hop_state, ARRAY, __u32, struct pol_hop_state, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_hop_count(X)                                                                    \
	X(pol_hop_count, PERCPU_ARRAY, __u32, struct pol_hop_count, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_way(X)   X(pol_way, PERCPU_ARRAY, __u32, struct pol_way, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_group(X) X(pol_group, ARRAY, __u32, struct pol_group, (POL_SLOTS * POL_HOPS), 0)
#define HM_MAP_pol_frag(X)  X(pol_frag, LRU_HASH, struct pol_frag_key, __u32, POL_FRAGS, 0)
#define HM_MAP_pol_work(X)  X(pol_work, PERCPU_ARRAY, __u32, struct pol_work, 1, 0)
#define HM_MAP_pol_flow(X)  X(pol_flow, PERCPU_ARRAY, __u32, struct pol_flow, POL_FLOWS, 0)
#define HM_MAP_pol_stat(X)  X(pol_stat, PERCPU_ARRAY, __u32, struct pol_stat, 1, 0)

#endif
