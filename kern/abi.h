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
/* By make bench: all stages cost some 10 to 15 ns on a packet that is not sampled, and
 * some 430 on one that is, half of it six clock reads: at 1 in 256, that adds 2 ns. */
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

/* ---- drops: every lost packet, counted once ---- */

/* What rows are split by, on top of reason, place and protocol (drop_key.by). */
enum drop_by {
	DROP_BY_NONE = 0,
	DROP_BY_SMAC = 1, /* Ethernet source */
	DROP_BY_DMAC = 2, /* Ethernet destination */
	DROP_BY_SIP = 3,  /* IPv4, IPv6 or ARP source address */
	DROP_BY_DIP = 4,
	DROP_BY_FLOW = 5, /* addresses and ports */
	DROP_BY_MAX,
};

/*
 * map drop_row, per-CPU hash: the skbs that the kernel dropped. Map drop_over has
 * the same shape, with by and the dimension zero: what found drop_row full.
 */
struct drop_key {
	__u64 location; /* address in the kernel */
	__u32 reason;	/* enum skb_drop_reason of the running kernel, DROP_NO_REASON */
	__u32 ifindex;	/* 0 = unknown */
	__u32 netns;	/* inode; 0 = unknown */
	__u16 l3proto;	/* ethertype behind VLAN tags, network order; 0 = unknown */
	__u8 l4proto;	/* IPPROTO_*, DROP_NO_L4 */
	__u8 tags;	/* VLAN tags: 0, 1, 2 */
	__u8 by;	/* enum drop_by */
	__u8 pad[3];
	__u16 sport; /* network order; flow only */
	__u16 dport;
	__u32 src[4]; /* network order; IPv4 in word 0; a MAC in the first 6 bytes */
	__u32 dst[4];
};
#define DROP_NO_REASON 0xffffffff /* the tracepoint has no reason (before 5.17) */
#define DROP_NO_L4     255	  /* not IP, or too short */

/* maps drop_row, drop_over, drop_xdp: value */
struct drop_val {
	__u64 packets; /* segments, of GSO packets */
	__u64 bytes;
	__u64 first; /* ns */
	__u64 last;
};

/* What the XDP tracepoints tell of (drop_xdp_key.kind). */
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
};

/* map drop_dev, hash: the name that a device had when it first lost a packet */
struct drop_dev_key {
	__u32 netns; /* inode */
	__u32 ifindex;
};
struct drop_dev {
	char name[16];
};

/* map drop_stat, per-CPU array of 1 */
struct drop_stat {
	__u64 over_packets; /* no room in drop_over either */
	__u64 over_bytes;
	__u64 xdp_over;	      /* no room in drop_xdp */
	__u64 xdp_counted;    /* skbs that were counted as an XDP verdict or error before */
	__u64 samples;	      /* put into drop_ring */
	__u64 samples_missed; /* not chosen: over the rate */
	__u64 samples_lost;   /* no room in drop_ring */
	__u64 sample_time;    /* the second that sample_used is of */
	__u64 xdp_dev;	      /* device of the XDP error whose skb comes next; 0 = none */
	__u64 tick;	      /* jiffies, when now was read */
	__u64 now;	      /* ns: a clock that is read once a timer tick */
	__u32 sample_used;
	__u32 cpumap_errors; /* redirect errors of cpumap programs, until the batch ends */
};

/* map drop_cfg, array of 1 */
#define DROP_RANGES 8
struct drop_cfg {
	__u32 by;	   /* enum drop_by */
	__u32 sample_rate; /* samples a second and CPU; 0 = none */
	/* where the kernel frees an skb because of XDP: from start to end */
	struct {
		__u64 start;
		__u64 end;
	} xdp[DROP_RANGES];
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
 * map xdp_verdict, per-CPU array of 1: what XDP programs of the collection decided,
 * see verdict.h. Each CPU has a table of cells; where a (device, action, reason)
 * lands is found by hashing. Reasons are append-only; each program has a block.
 */
enum xdp_reason {
	XDP_R_NONE = 0,	     /* nothing to say */
	XDP_R_MALFORMED = 1, /* headers that are cut short or make no sense */
	XDP_R_TEST = 31,     /* tests/bpf */
	XDP_R_L2FWD = 32,    /* 32 .. 63: l2fwd */
	XDP_R_MAX = 256,
};
struct xdp_cell {
	__u32 ifindex; /* 0 = free */
	__u16 reason;  /* enum xdp_reason */
	__u8 action;   /* enum xdp_action */
	__u8 pad;
	__u64 packets;
	__u64 bytes;
};
#define XDP_CELLS 1024
struct xdp_verdict {
	__u64 data;	    /* address of the packet dropped last, until its skb is freed */
	__u32 ifindex;	    /* where */
	__u32 aborted;	    /* it was by XDP_ABORTED: xdp_exception follows */
	__u64 over_packets; /* verdicts that found no cell */
	__u64 over_bytes;
	struct xdp_cell cell[XDP_CELLS];
};

_Static_assert(sizeof(struct drop_key) == 64, "abi");
_Static_assert(sizeof(struct drop_val) == 32, "abi");
_Static_assert(sizeof(struct drop_xdp_key) == 36, "abi");
_Static_assert(sizeof(struct drop_dev_key) == 8, "abi");
_Static_assert(sizeof(struct drop_dev) == 16, "abi");
_Static_assert(sizeof(struct drop_stat) == 96, "abi");
_Static_assert(sizeof(struct drop_cfg) == 136, "abi");
_Static_assert(sizeof(struct drop_sample) == 208, "abi");
_Static_assert(sizeof(struct xdp_verdict) == 32 + 24 * XDP_CELLS, "abi");

#define HM_MAP_drop_cfg(X)    X(drop_cfg, ARRAY, __u32, struct drop_cfg, 1, 0)
#define HM_MAP_drop_stat(X)   X(drop_stat, PERCPU_ARRAY, __u32, struct drop_stat, 1, 0)
#define HM_MAP_drop_row(X)    X(drop_row, PERCPU_HASH, struct drop_key, struct drop_val, 8192, 0)
#define HM_MAP_drop_over(X)   X(drop_over, PERCPU_HASH, struct drop_key, struct drop_val, 1024, 0)
#define HM_MAP_drop_xdp(X)    X(drop_xdp, PERCPU_HASH, struct drop_xdp_key, struct drop_val, 1024, 0)
#define HM_MAP_drop_dev(X)    X(drop_dev, HASH, struct drop_dev_key, struct drop_dev, 1024, 0)
#define HM_MAP_xdp_verdict(X) X(xdp_verdict, PERCPU_ARRAY, __u32, struct xdp_verdict, 1, 0)
#define HM_MAP_drop_ring(X)   X(drop_ring, RINGBUF, char[0], char[0], DROP_RING_BYTES, 0)
#define HM_DROP_MAPS(X)                                                                            \
	HM_MAP_drop_cfg(X) HM_MAP_drop_stat(X) HM_MAP_drop_row(X) HM_MAP_drop_over(X)              \
		HM_MAP_drop_xdp(X) HM_MAP_drop_dev(X) HM_MAP_drop_ring(X) HM_MAP_xdp_verdict(X)

/* ---- end of drops ---- */
/* --- quick start: hello, count, tail_a, steps (see xdp/README.md) */

/* map hello_cfg, array of 1 */
struct hello_cfg {
	__u32 drop;  /* 1: drop what comes, 0: pass it */
	__u32 quiet; /* 1: print nothing */
};

/* What a frame carries. Index of maps count_stat, tail_next and step_next. */
enum count_kind {
	COUNT_OTHER = 0,
	COUNT_IPV4 = 1,
	COUNT_IPV6 = 2,
	COUNT_ARP = 3,
	COUNT_BROKEN = 4, /* it ends before its ethertype */
	COUNT_KINDS,
};

/* map count_stat, per-CPU array: value */
struct count_row {
	__u64 packets;
	__u64 bytes; /* as the hook sees them: with the Ethernet header at XDP and tc */
};

_Static_assert(sizeof(struct hello_cfg) == 8, "abi");
_Static_assert(sizeof(struct count_row) == 16, "abi");

#define HM_MAP_hello_cfg(X)  X(hello_cfg, ARRAY, __u32, struct hello_cfg, 1, 0)
#define HM_MAP_count_stat(X) X(count_stat, PERCPU_ARRAY, __u32, struct count_row, COUNT_KINDS, 0)
#define HM_MAP_tail_next(X)  X(tail_next, PROG_ARRAY, __u32, __u32, COUNT_KINDS, 0)
#define HM_MAP_step_next(X)  X(step_next, PROG_ARRAY, __u32, __u32, COUNT_KINDS, 0)

/* --- end of quick start */
/* --- tracing: exec, open, path, napi, pktlat, ovslat */

/* The bytes of each ring buffer. Filling it at 100 000 events a second, with a
 * reader that stands still, takes 0.5 to 1 s. */
#define TRACE_RING 8388608

/* An object wakes the reader when a ring holds this much; otherwise the reader
 * looks ten times a second. A wake-up an event would cost more than the event. */
#define TRACE_WAKE (TRACE_RING / 8)

/* Maps without a key or a value: ring buffers. */
struct hm_none {
};

/* map exec_stat, open_stat, path_stat: per-CPU array of 1 */
struct trace_stat {
	__u64 events; /* given to the ring buffer */
	__u64 lost;   /* not, because it was full */
	__u64 full;   /* a bounded table had no room (exec_run) */
};

/* trace_filter.flags: all that are set must match */
#define TRACE_F_UID    0x1
#define TRACE_F_PID    0x2
#define TRACE_F_NAME   0x4
#define TRACE_F_CGROUP 0x8

/* map exec_cfg, open_cfg: array of 1 */
struct trace_filter {
	__u64 cgroup; /* id (inode) of a cgroup v2; those below it match, too */
	__u32 level;  /* its depth, the root being 0 */
	__u32 flags;  /* TRACE_F_* */
	__u32 uid;
	__u32 pid; /* process; exec: or its parent */
	char name[16];
};

/* exec_event.kind */
enum exec_kind {
	EXEC_DONE = 1,	 /* a new program runs */
	EXEC_FAILED = 2, /* execve or execveat gave an error */
	EXEC_EXIT = 3,	 /* the process has ended */
};

#define EXEC_F_FILE_CUT 0x1
#define EXEC_F_ARGS_CUT 0x2

#define EXEC_FILE 256
#define EXEC_ARGS 1024 /* bytes */
#define EXEC_ARGV 32   /* arguments, of a failed call */

/* ring buffer exec_ring; cut after the bytes of data that are used */
struct exec_event {
	__u64 time;
	__u64 run; /* EXEC_EXIT: ns since the exec */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__s32 ret; /* 0, -errno; EXEC_EXIT: wait status */
	char name[16];
	char parent[16]; /* name of the parent */
	__u16 file;	 /* bytes of data: the file, with its 0 */
	__u16 args;	 /* then the arguments, each with its 0 */
	__u8 kind;	 /* enum exec_kind */
	__u8 flags;	 /* EXEC_F_* */
	__u8 pad[2];
	char data[EXEC_FILE + EXEC_ARGS];
};

/* map exec_run, hash by process: when it was started */
#define EXEC_RUN 16384

/* open_event.call */
enum open_call {
	OPEN_OPEN = 1,
	OPEN_OPENAT = 2,
	OPEN_OPENAT2 = 3,
	OPEN_CREAT = 4,
};

#define OPEN_PATH 512

/* ring buffer open_ring; cut after the path */
struct open_event {
	__u64 time;
	__u64 flags; /* O_* */
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__s32 ret;   /* descriptor or -errno */
	__s32 dirfd; /* AT_FDCWD, or what a relative path starts from */
	__u32 mode;  /* of a file that is made */
	char name[16];
	__u16 path_len; /* with its 0; 0 if it could not be read */
	__u8 call;	/* enum open_call */
	__u8 cut;	/* 1: the path is longer */
	__u32 pad;
	char path[OPEN_PATH];
};

_Static_assert(sizeof(struct trace_stat) == 24, "abi");
_Static_assert(sizeof(struct trace_filter) == 40, "abi");
_Static_assert(sizeof(struct exec_event) == 72 + EXEC_FILE + EXEC_ARGS, "abi");
_Static_assert(sizeof(struct open_event) == 64 + OPEN_PATH, "abi");

#define HM_MAP_exec_cfg(X)  X(exec_cfg, ARRAY, __u32, struct trace_filter, 1, 0)
#define HM_MAP_exec_stat(X) X(exec_stat, PERCPU_ARRAY, __u32, struct trace_stat, 1, 0)
#define HM_MAP_exec_ring(X) X(exec_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)
#define HM_MAP_exec_run(X)  X(exec_run, HASH, __u32, __u64, EXEC_RUN, 0)
#define HM_MAP_exec_buf(X)  X(exec_buf, PERCPU_ARRAY, __u32, struct exec_event, 2, 0)
#define HM_MAP_open_cfg(X)  X(open_cfg, ARRAY, __u32, struct trace_filter, 1, 0)
#define HM_MAP_open_stat(X) X(open_stat, PERCPU_ARRAY, __u32, struct trace_stat, 1, 0)
#define HM_MAP_open_ring(X) X(open_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)
#define HM_MAP_open_buf(X)  X(open_buf, PERCPU_ARRAY, __u32, struct open_event, 1, 0)

/* path_cfg.flags */
#define PATH_F_SET 0x1 /* the fields below are the filter; else it is ICMP echo */

#define PATH_VXLAN_PORT 4789

/* map path_cfg, array of 1. 0 matches everything, in every field. */
struct path_cfg {
	__u32 flags; /* PATH_F_* */
	__u16 port;  /* source or destination, network order */
	__u16 sport;
	__u16 dport;
	__u16 vxlan_port; /* network order, 0 = PATH_VXLAN_PORT */
	__u8 l4proto;	  /* IPPROTO_* */
	__u8 echo;	  /* only ICMP echo, of both families */
	__u8 src_family;  /* 4 or 6, 0 = no prefix */
	__u8 dst_family;
	__u8 host_family; /* source or destination */
	__u8 pad[3];
	__u32 src[4], src_mask[4]; /* network order; IPv4 in word 0 */
	__u32 dst[4], dst_mask[4];
	__u32 host[4], host_mask[4];
};

/* Where a packet was seen. */
enum path_hook {
	PATH_QUEUE = 1,	     /* net_dev_queue */
	PATH_XMIT = 2,	     /* net_dev_start_xmit */
	PATH_RX = 3,	     /* netif_rx */
	PATH_GRO = 4,	     /* napi_gro_receive_entry */
	PATH_RECEIVE = 5,    /* netif_receive_skb */
	PATH_SOCKET = 6,     /* cgroup/skb: before the socket's queue */
	PATH_READ = 7,	     /* skb_copy_datagram_iovec: a process reads it */
	PATH_DROP = 8,	     /* kfree_skb */
	PATH_TC = 9,	     /* tc/path, where the user has attached it */
	PATH_IPTABLES = 10,  /* iptables/path, likewise */
	PATH_XDP = 11,	     /* xdp/path, likewise */
	PATH_NETFILTER = 12, /* nf_hook_slow has accepted it, by all rules of a hook */
	PATH_HOOKS,
};

#define PATH_H_VLAN  0x1 /* vlan is valid */
#define PATH_H_VXLAN 0x2 /* the packet is inside vxlan, vni is valid */
#define PATH_H_FRAG  0x4 /* a later fragment: no ports */

/* What the headers say: of the packet that matched, be it inside vxlan. */
struct path_head {
	__u32 src[4]; /* network order */
	__u32 dst[4];
	__u32 id;   /* IPv4 identification, IPv6 fragment */
	__u32 l4id; /* ICMP: id << 16 | sequence; TCP: sequence; UDP: length << 16 | checksum */
	__u32 vni;
	__u16 sport; /* host order */
	__u16 dport;
	__u16 vlan;  /* id */
	__u16 len;   /* from the IP header on */
	__u8 family; /* 4 or 6 */
	__u8 l4proto;
	__u8 ttl;
	__u8 type;  /* of ICMP; TCP: flags */
	__u8 flags; /* PATH_H_* */
	__u8 pad[3];
};

/* ring buffer path_ring */
struct path_event {
	__u64 time;
	__u64 skb;	/* address, to tell clones apart; 0 = unknown */
	__u64 location; /* PATH_DROP: who dropped it */
	__u32 netns;	/* inode, 0 = unknown */
	__u32 ifindex;
	__u32 reason; /* PATH_DROP: enum skb_drop_reason */
	__u32 pid;    /* PATH_READ */
	char device[16];
	char name[16]; /* PATH_READ */
	struct path_head head;
	__u8 hook;    /* enum path_hook */
	__u8 nf_hook; /* PATH_NETFILTER: enum nf_inet_hooks */
	__u8 pad[6];
};

_Static_assert(sizeof(struct path_cfg) == 116, "abi");
_Static_assert(sizeof(struct path_head) == 60, "abi");
_Static_assert(sizeof(struct path_event) == 144, "abi");

#define HM_MAP_path_cfg(X)  X(path_cfg, ARRAY, __u32, struct path_cfg, 1, 0)
#define HM_MAP_path_stat(X) X(path_stat, PERCPU_ARRAY, __u32, struct trace_stat, 1, 0)
#define HM_MAP_path_ring(X) X(path_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)

/* Histograms by some key: entries of maps napi_hist, pktlat_hist, ovslat_hist. Their
 * values are struct lat_row, by octave, as for latency; the unit depends on the key. */
#define TRACE_ROWS 2048

/* napi_key.kind */
enum napi_kind {
	NAPI_POLL = 1,	  /* packets a poll that found some */
	NAPI_IDLE = 2,	  /* polls that found none: only their count */
	NAPI_FULL = 3,	  /* polls that used up their budget: only their count */
	NAPI_DEVMAP = 4,  /* frames a batch that a devmap sent */
	NAPI_DROPS = 5,	  /* frames a batch that a devmap could not send */
	NAPI_SOFTIRQ = 6, /* ns from the raising of NET_RX to its start */
};

/* map napi_hist, per-CPU hash */
struct napi_key {
	char name[16]; /* device; empty: of no device (a CPU's backlog) */
	__u32 netns;   /* inode */
	__u32 ifindex;
	__u16 cpu;
	__u8 kind; /* enum napi_kind */
	__u8 octave;
	__u32 pad;
};

/* map napi_stat, per-CPU array of 1 */
struct napi_stat {
	__u64 full;   /* values that found no room in napi_hist */
	__u64 raised; /* when NET_RX was raised and has not started yet; 0 = not */
};

_Static_assert(sizeof(struct napi_key) == 32, "abi");
_Static_assert(sizeof(struct napi_stat) == 16, "abi");

#define HM_MAP_napi_hist(X)                                                                        \
	X(napi_hist, PERCPU_HASH, struct napi_key, struct lat_row, TRACE_ROWS, 0)
#define HM_MAP_napi_stat(X) X(napi_stat, PERCPU_ARRAY, __u32, struct napi_stat, 1, 0)

/* pktlat_key.kind */
enum pktlat_kind {
	PKTLAT_PROCESS = 1, /* copied to a process */
	PKTLAT_TAP = 2,	    /* copied from a tap device: to a VM */
};

/* pktlat_key.stamp: what the time is counted from */
enum pktlat_stamp {
	PKTLAT_HARDWARE = 1, /* the NIC's receive stamp */
	PKTLAT_SOFTWARE = 2, /* the kernel's, when it took the packet from the driver */
};

/* map pktlat_hist, per-CPU hash */
struct pktlat_key {
	char name[16]; /* of the process or of the tap */
	__u32 pid;     /* process; 0 for a tap */
	__u32 netns;   /* inode; of a tap */
	__u32 ifindex; /* of a tap */
	__u8 kind;     /* enum pktlat_kind */
	__u8 stamp;    /* enum pktlat_stamp */
	__u8 octave;
	__u8 pad;
};

/* map pktlat_stat, per-CPU array of 1 */
struct pktlat_stat {
	struct trace_stat slow; /* ring buffer of slow packets; full: of pktlat_hist */
	__u64 unstamped;	/* packets without any stamp */
	__u64 unconverted;	/* with a hardware stamp only, and no clock to read it by */
	__u64 clock;		/* time went backwards, or by over LAT_MAX_NS */
};

#define PKTLAT_F_REAL 0x1 /* real is valid */
#define PKTLAT_F_PTP  0x2 /* ptp is valid */

#define PKTLAT_SLOW_NS 1000000

/* map pktlat_cfg, array of 1. Clocks, in ns. */
struct pktlat_cfg {
	__s64 real;	/* CLOCK_REALTIME - CLOCK_MONOTONIC */
	__s64 ptp;	/* CLOCK_REALTIME - the NIC's clock */
	__u64 error;	/* of ptp: at most */
	__u64 measured; /* CLOCK_MONOTONIC */
	__u64 slow;	/* what is slow; 0 = PKTLAT_SLOW_NS */
	__u32 flags;	/* PKTLAT_F_* */
	__u32 pad;
};

/* ring buffer pktlat_ring: a packet that took long */
struct pktlat_event {
	__u64 time;
	__u64 delta; /* ns */
	struct path_head head;
	__u32 pad;
	struct pktlat_key key; /* octave 0 */
};

_Static_assert(sizeof(struct pktlat_key) == 32, "abi");
_Static_assert(sizeof(struct pktlat_stat) == 48, "abi");
_Static_assert(sizeof(struct pktlat_cfg) == 48, "abi");
_Static_assert(sizeof(struct pktlat_event) == 112, "abi");

#define HM_MAP_pktlat_cfg(X)  X(pktlat_cfg, ARRAY, __u32, struct pktlat_cfg, 1, 0)
#define HM_MAP_pktlat_stat(X) X(pktlat_stat, PERCPU_ARRAY, __u32, struct pktlat_stat, 1, 0)
#define HM_MAP_pktlat_hist(X)                                                                      \
	X(pktlat_hist, PERCPU_HASH, struct pktlat_key, struct lat_row, TRACE_ROWS, 0)
#define HM_MAP_pktlat_ring(X)                                                                      \
	X(pktlat_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING / 8, 0)

/* ovslat_key.kind */
enum ovslat_kind {
	OVSLAT_TOTAL = 1, /* of a call, with those inside it */
	OVSLAT_SELF = 2,  /* without those */
};

/* map ovslat_hist, per-CPU hash */
struct ovslat_key {
	char name[16]; /* input port */
	__u32 netns;   /* inode */
	__u32 ifindex;
	__u8 kind; /* enum ovslat_kind */
	__u8 octave;
	__u8 pad[6];
};

#define OVSLAT_DEPTH 8

/* A call that has not returned. */
struct ovslat_frame {
	__u64 start;
	__u64 inner; /* ns in the calls inside it */
	__u64 vport; /* address */
};

/* map ovslat_call, per-CPU array of 1: calls do not leave their CPU */
struct ovslat_call {
	struct ovslat_frame frame[OVSLAT_DEPTH];
	__u32 depth;
	__u32 pad;
	__u64 full; /* values that found no room in ovslat_hist */
	__u64 deep; /* calls inside OVSLAT_DEPTH others: not measured */
	__u64 lost; /* calls whose return was not seen */
};

_Static_assert(sizeof(struct ovslat_key) == 32, "abi");
_Static_assert(sizeof(struct ovslat_call) == 24 * OVSLAT_DEPTH + 32, "abi");

#define HM_MAP_ovslat_hist(X)                                                                      \
	X(ovslat_hist, PERCPU_HASH, struct ovslat_key, struct lat_row, TRACE_ROWS, 0)
#define HM_MAP_ovslat_call(X) X(ovslat_call, PERCPU_ARRAY, __u32, struct ovslat_call, 1, 0)

#define HM_MAPS_TRACE(X)                                                                           \
	HM_MAP_exec_cfg(X) HM_MAP_exec_stat(X) HM_MAP_exec_ring(X) HM_MAP_exec_run(X)              \
		HM_MAP_exec_buf(X) HM_MAP_open_cfg(X) HM_MAP_open_stat(X) HM_MAP_open_ring(X)      \
			HM_MAP_open_buf(X) HM_MAP_path_cfg(X) HM_MAP_path_stat(X)                  \
				HM_MAP_path_ring(X) HM_MAP_napi_hist(X) HM_MAP_napi_stat(X)        \
					HM_MAP_pktlat_cfg(X) HM_MAP_pktlat_stat(X)                 \
						HM_MAP_pktlat_hist(X) HM_MAP_pktlat_ring(X)        \
							HM_MAP_ovslat_hist(X)                      \
								HM_MAP_ovslat_call(X)

#define HM_FEAT_path   0x10
#define HM_FEAT_pktlat 0x20
#define HM_FEAT_ovslat 0x40
#define HM_FEAT_exec   0x80
#define HM_FEAT_open   0x100
#define HM_FEAT_napi   0x200

/* --- end of tracing */
/* --- l2fwd: layer-2 forwarding (block begins) --------------------------- */

/*
 * Ports have small numbers, 1 .. L2_PORTS - 1, so that the tables by port are
 * arrays. Number 0 is what nobody configured: it forwards, but is no target.
 * ifindex -> number is in l2_if; a larger ifindex cannot be a port.
 */
#define L2_PORTS       256
#define L2_IFINDEX     65536
#define L2_FDB_DEFAULT 65536   /* entries, unless attach asks for another number */
#define L2_FDB_MAX     1048576 /* entries */
#define L2_ACL_RULES   64      /* of one port */
#define L2_ACL_ENTRIES (L2_PORTS * 2 * L2_ACL_RULES)
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
 * l2_fdb: value. The first 8 bytes are written at once. A CPU counts in count[its
 * number % L2_LANES]: with at most L2_LANES CPUs (L2_F_FEW_CPUS) nobody else does and
 * plain additions do, which are a third cheaper for the whole program.
 */
#define L2_LANES 4
struct l2_count {
	__u64 packets; /* forwarded to this address */
	__u64 bytes;   /* as received */
};
struct l2_fdb {
	__u16 port; /* number; 0: not to be forwarded, the stack gets it */
	__u8 type;  /* enum l2_type */
	__u8 pad[5];
	__u64 used; /* ns, when a frame went to this address last */
	__u64 seen; /* ns, when a frame from it took the slow path last (mirror) */
	struct l2_count count[L2_LANES];
};

/* l2_port.flags */
#define L2_P_VLAN     0x01  /* VLAN-aware: vlans, untagged and pvid count */
#define L2_P_XLATE    0x02  /* look into l2_xlate */
#define L2_P_GUARD    0x04  /* source addresses must be in l2_guard */
#define L2_P_MIRROR   0x08  /* port of the mirrored bridge: it must see new sources */
#define L2_P_ACL      0x10  /* rules for what is sent to this port, see acl */
#define L2_P_ACL_DENY 0x20  /* what no rule matches is dropped */
#define L2_P_HAIRPIN  0x40  /* may send back what came in here */
#define L2_P_BLOCKED  0x80  /* not forwarding: bridge port state, or by hand */
#define L2_P_SLOW     0x100 /* the bridge has rules for it that XDP does not know */

/* What is done with a frame that has no entry: l2_port.miss, .bcast, .mcast */
enum l2_miss {
	L2_MISS_PASS = 0,
	L2_MISS_FLOOD = 1,
	L2_MISS_DROP = 2,
};

/* map l2_port, array by port number */
struct l2_port {
	__u32 ifindex; /* 0: no such port */
	__u32 flags;   /* L2_P_* */
	__u16 pvid;    /* VLAN of untagged frames, 0 = they are not accepted */
	__u16 proto;   /* network order: ethertype of its tags, 0 = 802.1Q */
	__u8 miss;     /* enum l2_miss: unknown unicast */
	__u8 bcast;    /* enum l2_miss */
	__u8 mcast;    /* enum l2_miss */
	__u8 pad;
	__u32 storm;	    /* frames a second flooded at most, 0 = no limit */
	__u16 acl_n;	    /* rules */
	__u16 acl_bank;	    /* 0 or 1: which half of its rules counts */
	__u64 vlans[64];    /* bit: member of this VLAN */
	__u64 untagged[64]; /* bit: sends this VLAN untagged */
};

/*
 * What became of a frame, by the port that it came in by. FWD and FLOOD are
 * sent, those up to L2_PASS_END went to the stack, the others were dropped.
 * ACL, VLAN_OUT, STATE_OUT and REFUSED have the port that it was to leave by.
 */
enum l2_reason {
	L2_FWD = 0, /* forwarded to one port; not counted here: tx_packets has it */
	L2_FLOOD = 1,
	L2_CONTROL = 2,	  /* 01:80:c2:00:00:0x: STP, LACP, 802.1X, LLDP */
	L2_MISS = 3,	  /* unknown unicast, passed */
	L2_BCAST = 4,	  /* broadcast, passed */
	L2_MCAST = 5,	  /* multicast, passed */
	L2_TO_STACK = 6,  /* an entry without port: own address, or behind a tunnel */
	L2_SLOW = 7,	  /* the bridge must see it: ageing, a new or moved source */
	L2_MALFORMED = 8, /* passed */
	L2_NO_DEVICE = 9, /* the device of the entry has gone; passed */
	L2_PASS_END = 15,
	L2_DROP_MISS = 16,
	L2_DROP_BCAST = 17,
	L2_DROP_MCAST = 18,
	L2_DROP_VLAN_IN = 19,	/* not a member of the VLAN that it came with */
	L2_DROP_VLAN_OUT = 20,	/* the outgoing port is not a member */
	L2_DROP_SAME_PORT = 21, /* split horizon */
	L2_DROP_STATE_IN = 22,	/* port is blocked */
	L2_DROP_STATE_OUT = 23, /* outgoing port is blocked */
	L2_DROP_STORM = 24,
	L2_DROP_ACL = 25,
	L2_DROP_SRC_MAC = 26, /* guard */
	L2_DROP_SRC_IP = 27,  /* guard */
	L2_DROP_NO_ROOM = 28, /* no headroom for a tag */
	L2_REASONS = 32,
};

/* map l2_stat, per-CPU array by port number */
struct l2_stat {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 reason[L2_REASONS]; /* packets, by enum l2_reason */
};

/* map l2_storm, array by port number: flooded in this second */
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
 * map l2_guard, hash: who may send from a port. Family 0: this MAC, with any IP
 * address; 4 and 6: this MAC with this address, and then also L2_GUARD_BOUND.
 */
#define L2_GUARD_BOUND 255
struct l2_guard_key {
	__u16 port;
	__u8 mac[6];
	__u32 family; /* 0, 4, 6 or L2_GUARD_BOUND */
	__u32 ip[4];  /* network order; IPv4 in word 0 */
};

/* l2_acl.flags */
#define L2_A_DENY     0x01
#define L2_A_PORTS    0x02 /* sport and dport count */
#define L2_A_FRAGMENT 0x04 /* only fragments after the first */
#define L2_A_VLAN     0x08
#define L2_A_PROTO    0x10

/* map l2_acl, array: L2_ACL_RULES rules of a bank of a port, by priority; the first
 * that matches decides. All addresses in network order. */
struct l2_acl {
	__u32 src[4], src_mask[4];
	__u32 dst[4], dst_mask[4];
	__u16 sport_min, sport_max; /* host order */
	__u16 dport_min, dport_max;
	__u16 vlan;
	__u16 ethertype; /* network order, 0 = any */
	__u16 priority;
	__u8 proto;    /* IPPROTO_*; ICMP is 1 and ICMPv6 is 58 */
	__u8 flags;    /* L2_A_* */
	__u64 packets; /* hits */
	__u64 bytes;
};

/* l2_cfg.flags */
#define L2_F_UNIFORM  0x1 /* no port changes tags: XDP can flood by itself */
#define L2_F_SNAPSHOT 0x2 /* a snapshot of the bridge is being taken */
#define L2_F_FEW_CPUS 0x4 /* not more than L2_LANES */

/* map l2_cfg, array of 1 */
struct l2_cfg {
	__u32 flags;  /* L2_F_* */
	__u32 ports;  /* highest port number in use */
	__u64 netns;  /* inode of the namespace that the ports are in */
	__u32 bridge; /* ifindex of the mirrored bridge, 0 = none */
	__u32 pad;
	__u64 refresh_ns; /* a source takes the slow path this often, 0 = default */
	__u64 full;	  /* entries of the bridge for which l2_fdb had no room */
	__u64 walked;	  /* ns, when the port states were looked at last */
};

/* XDP metadata for tc/l2fwd: the frame is to be flooded */
struct l2_meta {
	__u32 magic;	 /* L2_META_MAGIC */
	__u32 port_vlan; /* port number << 16 | vlan */
};
#define L2_META_MAGIC 0x686b6c32

/* --- l2fwd (block ends) ---------------------------------------------------- */
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
#define HM_FEAT_drops	0x2
#define HM_FEAT_l2fwd	0x4
#define HM_FEAT_policy	0x8

/* hm_dev.flags */
#define HM_DEV_QDISC   0x1  /* clsact was created by us */
#define HM_DEV_GENERIC 0x2  /* XDP is in generic mode */
#define HM_DEV_NETNS   0x4  /* attached with --netns */
#define HM_DEV_NOXDP   0x8  /* attached with --mode none */
#define HM_DEV_MIRROR  0x10 /* l2fwd: the bridge that is mirrored */
#define HM_DEV_BRPORT  0x20 /* l2fwd: became a port with its bridge */

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
_Static_assert(sizeof(struct l2_key) == 8, "abi");
_Static_assert(sizeof(struct l2_fdb) == 88, "abi");
_Static_assert(sizeof(struct l2_port) == 1048, "abi");
_Static_assert(sizeof(struct l2_stat) == 288, "abi");
_Static_assert(sizeof(struct l2_storm) == 16, "abi");
_Static_assert(sizeof(struct l2_xlate_key) == 8, "abi");
_Static_assert(sizeof(struct l2_guard_key) == 28, "abi");
_Static_assert(sizeof(struct l2_acl) == 96, "abi");
_Static_assert(sizeof(struct l2_cfg) == 48, "abi");
_Static_assert(sizeof(struct l2_meta) == 8, "abi");

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

/* clang-format off */
#define HM_MAPS(X) \
	HM_MAP_lat_cfg(X) \
	HM_MAP_lat_stat(X) \
	HM_MAP_lat_ring(X) \
	HM_MAP_lat_stamp(X) \
	HM_MAP_lat_hist(X) \
	HM_MAP_xdp_next(X) \
	HM_MAP_hm_dev(X) \
	HM_MAP_hm_netns(X) \
	HM_DROP_MAPS(X) \
	HM_MAPS_TRACE(X) \
	HM_MAP_hello_cfg(X) \
	HM_MAP_count_stat(X) \
	HM_MAP_tail_next(X) \
	HM_MAP_step_next(X) \
	HM_MAP_l2_cfg(X) \
	HM_MAP_l2_if(X) \
	HM_MAP_l2_port(X) \
	HM_MAP_l2_stat(X) \
	HM_MAP_l2_storm(X) \
	HM_MAP_l2_tx(X) \
	HM_MAP_l2_fdb(X) \
	HM_MAP_l2_fdbs(X) \
	HM_MAP_l2_txs(X) \
	HM_MAP_l2_xlate(X) \
	HM_MAP_l2_guard(X) \
	HM_MAP_l2_acl(X) \
	POL_MAPS(X)
/* clang-format on */
/*
 * Two maps are reached through a table of tables with one element, l2_fdbs -> l2_fdb
 * and l2_txs -> l2_tx, because ip refuses a pin whose size or flags are not exactly
 * what the object declares: the FDB's size is chosen at attach (0 entries here: any
 * number), and the kernel adds a flag to every devmap. Inner maps are not compared.
 */
#define HM_MAP_l2_cfg(X)   X(l2_cfg, ARRAY, __u32, struct l2_cfg, 1, 0)
#define HM_MAP_l2_if(X)	   X(l2_if, ARRAY, __u32, __u32, L2_IFINDEX, 0)
#define HM_MAP_l2_port(X)  X(l2_port, ARRAY, __u32, struct l2_port, L2_PORTS, 0)
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

#endif
