/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/latency.h - stages, stamps and histograms of latency. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_LATENCY_H
#define HOOKMAP_ABI_LATENCY_H

#include <linux/types.h>

#include "flow.h"
#include "hist.h"

#define HM_FEAT_latency 0x1 /* hm_dev.features */

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

/* Set in lat_key.to: the row is a total, from the first stage to this one; or the packet reaches
 * this stage a second time, decapsulated or decrypted. */
#define LAT_TOTAL 0x80
#define LAT_AGAIN 0x40

/* Why a packet that was chosen for measurement did not give a number. */
enum lat_lost {
	LAT_LOST_SLOT = 0,   /* of lat_stat.gone: it had moved within LAT_STALE_NS */
	LAT_LOST_CLOCK = 1,  /* time went backwards, or by over LAT_MAX_NS */
	LAT_LOST_FULL = 2,   /* lat_hist has no room for another row */
	LAT_LOST_MERGED = 3, /* GRO merged it behind another sampled packet */
	LAT_LOST_MAX,
};

#define LAT_HIST_ROWS 2048
#define LAT_SLOTS     65536
/* Measured by make bench: all stages cost about 40 ns for a packet that is not sampled and about
 * 290 ns for a sampled one, mostly six clock reads. At 1 in 256, sampling adds 1 ns. attach.sh
 * sets it; by hand, every packet is measured. */
#define LAT_SAMPLE_DEFAULT 256
#define LAT_SHIFT_DEFAULT  9 /* 512 slots per CPU, 128 CPUs */

/* map lat_hist, per-CPU hash: key */
struct lat_key {
	__u8 from;     /* enum lat_stage */
	__u8 to;       /* enum lat_stage, | LAT_TOTAL or LAT_AGAIN */
	__u8 octave;   /* 0 .. LAT_OCTAVES - 1 */
	__u8 nsid;     /* index into map hm_netns */
	__u32 ifindex; /* the device entered last, in that namespace */
};

/*
 * skb->tc_index of a packet that carries a stamp: the low bits stay as they are, since
 * others decide by them (Cilium's flags: proxy 0 and 1, NodePort 2, host firewall 4; sch_gred's
 * queue 0-3); above them a tag that is not 0, and then the CPU that gave it:
 *
 *   15 .. lat_cfg.shift   shift - 1 .. 5   4 .. 0
 *   CPU                   tag              others'
 */
#define LAT_INDEX_OTHERS 0x1f
#define LAT_INDEX_TAG	 0xffe0
#define LAT_INDEX_SHIFT	 5

/*
 * map lat_stamp, array. Slots are divided among the CPUs that assign tags, 1 << lat_cfg.shift
 * each. In the upper half of a CPU's part, the address of the sk_buff finds a stamp, in a set of
 * LAT_WAYS slots. NAT, GRO, decapsulation and decryption keep the sk_buff; a clone or a segment
 * has the tag but another address, so a stamp never follows another packet. In the lower half,
 * the tag alone finds the stamp: for fragments, which reassembly puts into another sk_buff, and
 * for ICMP and data in a SYN (TCP Fast Open), which are read as a clone. There the protocol must
 * match as well. Slot 0 belongs to the map: its tag is the current shift, for stages without
 * lat_cfg.
 *
 * Writers: the CPU that owns the part allocates slots, in softirq; then the packet's stages
 * write, one after the other, on any CPU. If softirqs preempt each other (PREEMPT_RT without a
 * per-CPU lock), two that allocate a slot of one set at once can leave one stamp with the other's
 * times: a 1 in 8192 chance within about 50 ns.
 */
#define LAT_WAYS     4
#define LAT_ANY	     1		   /* no sk_buff has an odd address */
#define LAT_STALE_NS 1000000000ULL /* without a move for so long, it was seen there last */
#define LAT_DOUBT_NS 1000000ULL	   /* and for so long, it moves only as the last owner of its tag */

struct lat_stamp {
	__u64 first;   /* ns, at the first stage */
	__u64 last;    /* ns, at the stage passed last */
	__u64 skb;     /* its address minus slot 0's; LAT_ANY; 0 = the slot is free */
	__u32 ifindex; /* the device entered last */
	__u16 tag;     /* skb->tc_index without LAT_INDEX_OTHERS */
	__u8 nsid;     /* the device's namespace, index into hm_netns */
	__u8 stage;    /* enum lat_stage, the one passed last */
	__u8 begin;    /* enum lat_stage, the first one */
	__u8 l4proto;  /* IPPROTO_*, where skb is LAT_ANY */
	__u8 passed;   /* stages, by bit */
	__u8 empty;    /* TCP without payload, unless the backlog of its socket adds some */
	__u8 pad[4];
};

/*
 * map lat_stat, per-CPU array of 1. seen, sampled, started, left and seq are written by XDP and
 * tc ingress only (see struct lat_ring; at worst, a packet is counted for two). lost is
 * written in tasks as well, with softirqs on top: by atomic additions.
 */
struct lat_stat {
	__u64 seen;		  /* packets at the first stage that match the filter */
	__u64 sampled;		  /* of these, chosen for measurement */
	__u64 started;		  /* of these, given a slot at tc */
	__u64 lost[LAT_LOST_MAX]; /* by enum lat_lost */
	__u32 left;		  /* packets until the next sample */
	__u32 seq;		  /* next tag of this CPU */
	__u64 ended;		  /* of started, seen at LAT_APP */
	/* of started, not seen at LAT_APP before the slot was reused, by last stage: forwarded,
	 * dropped, answered by the kernel, or read without passing a hook. started = ended + gone
	 * + those on their way. */
	__u64 gone[LAT_STAGES];
};

/* lat_cfg.flags */
#define LAT_F_FILTER   0x1 /* ifindex and match must hold */
#define LAT_F_INPACKET 0x2 /* also write stamps into UDP to inpacket_port */
#define LAT_F_PAUSE    0x4 /* measure nothing */

/* map lat_cfg, array of 1 */
struct lat_cfg {
	__u32 sample;  /* one in N packets, 0 = every packet */
	__u32 flags;   /* LAT_F_* */
	__u32 shift;   /* log2 of slots per CPU, 0 = LAT_SHIFT_DEFAULT */
	__u32 ifindex; /* filter: device of the first stage, 0 = any */
	__be16 inpacket_port;
	__u16 pad;
	struct match match; /* filter; without vlan and ethertype */
};

/*
 * In-packet mode: from payload byte 0, one stamp of 8 bytes per stage (xdp, tc,
 * container), each CLOCK_MONOTONIC ns in host byte order.
 */
#define LAT_INPACKET_STAGES 3

/*
 * map lat_ring, per-CPU array of 1: packets that XDP has stamped and tc has not seen yet. Its
 * headers identify a packet, so nothing is added to it: flow is a hash of addresses, protocol and
 * ports (not 0), id the 4 bytes at L4 offset 4 as in the packet (parse_l4_id), 0 if there are
 * none.
 *
 * XDP and tc ingress of a CPU are softirqs, which exclude each other, or tasks with softirqs off
 * (tun): they never interrupt each other. The exception is PREEMPT_RT without the per-CPU lock
 * (6.18), where the NAPI thread of one device preempts another's. Then
 * - head may count two packets as one, an entry may be of one packet with the id of another:
 *   it is not found, and counted as not seen at tc;
 * - two packets may be parsed into one scratch. XDP and tc have one each, and no packet is
 *   written to by its contents: tc/latency reads the port from the packet itself.
 */
#define LAT_RING	512 /* entries; a power of two. BIG TCP merges up to 363 segments */
#define LAT_RING_EXPIRE 64  /* packets at tc until an entry that was not found expires */

struct lat_pending {
	__u32 flow;
	__u32 id;
	__u64 time; /* ns, 0 = taken */
};

/* A packet as the ring and the later stages identify it. It is in the ring's map and not on the
 * stack, where the verifier would follow every path through the parser to the end of the program.
 */
struct lat_packet {
	struct flow f;
	__u32 id;   /* see struct lat_pending */
	__u32 tcp;  /* bytes of TCP payload, in a packet that GRO may have merged */
	__u16 l4;   /* offset of the L4 header */
	__u8 empty; /* it is TCP without payload */
	__u8 clone; /* it is read as a clone: data in a SYN */
};

struct lat_ring {
	__u32 head;	/* next one to write; counts on, modulo LAT_RING */
	__u32 tail;	/* oldest one that tc has not seen */
	__u32 look;	/* packets at tc until all entries expire */
	__u32 segments; /* while tc looks for a packet: how many more may be in it */
	__u64 time;	/* what it has found */
	__u32 flow;	/* what it looks for */
	__u32 pad;
	/* the packet being parsed */
#define LAT_SCRATCH_XDP 0
#define LAT_SCRATCH_TC	1
	struct lat_packet scratch[2];
	struct lat_pending entry[LAT_RING];
};

/*
 * The classid that `tc filter add ... bpf da obj tc/latency.o classid 0:X`
 * gives to the program (it finds it in skb->tc_classid): bits 0-7 are the
 * nsid, the rest are flags.
 */
#define LAT_CLASS_CONTAINER 0x100 /* this is LAT_CONTAINER, not LAT_TC */
#define LAT_CLASS_START	    0x200 /* no XDP in front: the measurement starts here */
#define LAT_CLASS_L3	    0x400 /* the device's packets have no Ethernet header */

_Static_assert(sizeof(struct lat_key) == 8, "abi");
_Static_assert(sizeof(struct lat_stamp) == 40, "abi");
_Static_assert(sizeof(struct lat_stat) == 136, "abi");
_Static_assert(sizeof(struct lat_cfg) == 136, "abi");
_Static_assert(sizeof(struct lat_ring) == 160 + 16 * LAT_RING, "abi");

#define HM_MAP_lat_cfg(X)   X(lat_cfg, ARRAY, __u32, struct lat_cfg, 1, 0)
#define HM_MAP_lat_stat(X)  X(lat_stat, PERCPU_ARRAY, __u32, struct lat_stat, 1, 0)
#define HM_MAP_lat_ring(X)  X(lat_ring, PERCPU_ARRAY, __u32, struct lat_ring, 1, 0)
#define HM_MAP_lat_stamp(X) X(lat_stamp, ARRAY, __u32, struct lat_stamp, LAT_SLOTS, 0)
#define HM_MAP_lat_hist(X)                                                                         \
	X(lat_hist, PERCPU_HASH, struct lat_key, struct lat_row, LAT_HIST_ROWS, HM_NO_PREALLOC)

#endif
