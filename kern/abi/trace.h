/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/trace.h - exec, open, path, napi, pktlat, ovslat. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_TRACE_H
#define HOOKMAP_ABI_TRACE_H

#include <linux/types.h>

/* The bytes of each ring buffer. Filling it at 100 000 events a second, with a
 * reader that stands still, takes 0.5 to 1 s. Objects never wake the reader, which
 * looks by itself: a wake-up, or asking whether it is time for one, would cost more than
 * the event. */
#define TRACE_RING 8388608

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

#define EXEC_F_FILE_CUT 0x1 /* the file's name is longer */
#define EXEC_F_ARGS_CUT 0x2 /* there are more bytes of arguments, or more arguments */

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
	__u8 pad[6];
	__u32 cut; /* EXEC_FAILED: bit N: argument N is longer */
	char data[EXEC_FILE + EXEC_ARGS];
};

/* map exec_buf, per-CPU array by kind - 1. Each program has an element of its own: from
 * Linux 7.0 on these programs can be preempted, and another of them may run on the CPU
 * meanwhile (the same one cannot, such a run is counted as missed).
 *
 * map exec_run, hash by process: when it was started */
#define EXEC_RUN 16384

/* open_event.call */
enum open_call {
	OPEN_OPEN = 1,
	OPEN_OPENAT = 2,
	OPEN_OPENAT2 = 3,
	OPEN_CREAT = 4,
};

#define OPEN_PATH     512
#define OPEN_NO_FLAGS (~0ULL) /* openat2: its struct could not be read */

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
_Static_assert(sizeof(struct exec_event) == 80 + EXEC_FILE + EXEC_ARGS, "abi");
_Static_assert(sizeof(struct open_event) == 64 + OPEN_PATH, "abi");

#define HM_MAP_exec_cfg(X)  X(exec_cfg, ARRAY, __u32, struct trace_filter, 1, 0)
#define HM_MAP_exec_stat(X) X(exec_stat, PERCPU_ARRAY, __u32, struct trace_stat, 1, 0)
#define HM_MAP_exec_ring(X) X(exec_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)
#define HM_MAP_exec_run(X)  X(exec_run, HASH, __u32, __u64, EXEC_RUN, 0)
#define HM_MAP_exec_buf(X)  X(exec_buf, PERCPU_ARRAY, __u32, struct exec_event, 3, 0)
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

/* map path_stat, per-CPU array of 1 */
struct path_stat {
	struct trace_stat ring;
	__u64 unread; /* looks at packets whose headers are not in the linear part */
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
#define PATH_H_CAME  0x8 /* on the way out, and it had come in: not sent by this host */

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

/*
 * map path_mark, array: packets that have matched, by a hash of the sk_buff's address. One
 * that does not match any more, and is still the same, is followed: NAT has changed it. What
 * it leaves as it is tells it from another one in the same sk_buff. Writers do not wait for
 * each other: at worst, a packet is not followed.
 */
#define PATH_MARKS   256
#define PATH_MARK_NS 1000000000ULL /* followed so long after it was seen last */

struct path_mark {
	__u64 skb; /* its address less that of the map, 0 = none */
	__u64 time;
	__u32 src, dst; /* first words of the addresses */
	__u32 id, l4id; /* as in path_head; ICMP: the sequence, UDP: 0 */
	__u16 len;
	__u8 family;
	__u8 l4proto;
	__u32 pad;
};

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

_Static_assert(sizeof(struct path_cfg) == 116, "abi");
_Static_assert(sizeof(struct path_stat) == 32, "abi");
_Static_assert(sizeof(struct path_head) == 60, "abi");
_Static_assert(sizeof(struct path_event) == 152, "abi");
_Static_assert(sizeof(struct path_mark) == 40, "abi");

#define HM_MAP_path_cfg(X)  X(path_cfg, ARRAY, __u32, struct path_cfg, 1, 0)
#define HM_MAP_path_stat(X) X(path_stat, PERCPU_ARRAY, __u32, struct path_stat, 1, 0)
#define HM_MAP_path_mark(X) X(path_mark, ARRAY, __u32, struct path_mark, PATH_MARKS, 0)
#define HM_MAP_path_ring(X) X(path_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING, 0)

/* Histograms by some key: entries of maps napi_hist and ovslat_hist. Their
 * values are struct lat_row, by octave, as for latency; the unit depends on the key. */
#define TRACE_ROWS 2048

/*
 * Who has rows in such a map: map pktlat_who, napi_who, ovslat_who, hash, by the same key with
 * octave 0. Written by all CPUs at once: packets is added to atomically, of last any value
 * will do. When there is no room for another one, whoever was not heard of for the longest
 * time goes with its rows. A CPU that still has an element that another one deletes may count
 * one packet for whoever has it next; it was then not the oldest for long.
 */
struct hist_who {
	__u64 last;    /* CLOCK_MONOTONIC, ns */
	__u64 packets; /* values */
};
/* Who was heard of since then does not make room. */
#define HIST_KEEP_NS 1000000000

/* In the maps of counters */
struct hist_age {
	__u64 evicted;	       /* who has made room */
	__u64 evicted_packets; /* their values */
	__u64 wait;	       /* until then, nobody can make room */
};

/* Some ten for each device and CPU */
#define NAPI_ROWS 8192
#define NAPI_WHO  2048

/* napi_key.kind */
enum napi_kind {
	NAPI_POLL = 1,	  /* packets a poll that found some */
	NAPI_IDLE = 2,	  /* polls that found none: only their count */
	NAPI_FULL = 3,	  /* polls that used up their budget: only their count */
	NAPI_DEVMAP = 4,  /* frames a batch that a devmap sent */
	NAPI_DROPS = 5,	  /* frames a batch that a devmap could not send */
	NAPI_SOFTIRQ = 6, /* ns from the raising of NET_RX to its start */
};

/* map napi_hist, hash: each CPU has rows of its own, and only it writes them; a softirq on
 * top of another program's run adds atomically (hist_count) */
struct napi_key {
	char name[16]; /* device; empty: of no device (a CPU's backlog) */
	__u64 cookie;  /* of the namespace: never used again */
	__u32 netns;   /* inode */
	__u32 ifindex;
	__u16 cpu;
	__u8 kind; /* enum napi_kind */
	__u8 octave;
	__u32 pad;
};

/* map napi_stat, per-CPU array of 1 */
struct napi_stat {
	__u64 full; /* values that found no room in napi_hist */
	struct hist_age age;
	__u64 raised; /* when NET_RX was raised and has not started yet; 0 = not */
};

_Static_assert(sizeof(struct napi_key) == 40, "abi");
_Static_assert(sizeof(struct napi_stat) == 40, "abi");

#define HM_MAP_napi_hist(X) X(napi_hist, HASH, struct napi_key, struct lat_row, NAPI_ROWS, 0)
#define HM_MAP_napi_who(X)  X(napi_who, HASH, struct napi_key, struct hist_who, NAPI_WHO, 0)
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

/* map pktlat_hist, per-CPU hash; map pktlat_who, hash: octave 0 */
struct pktlat_key {
	char name[16]; /* of the process or of the tap */
	/* numbers are used again, these are not: of a process its start, CLOCK_MONOTONIC ns; of
	 * a tap the cookie of its namespace */
	__u64 start;
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
	__u64 sent;		/* this host's own: the stamp is the time of departure */
	struct hist_age age;	/* of processes and taps */
};

/* Who is in pktlat_who; and rows, some four octaves each */
#define PKTLAT_WHO  1024
#define PKTLAT_ROWS (4 * PKTLAT_WHO)

#define PKTLAT_F_REAL 0x1 /* real is valid */
#define PKTLAT_F_PTP  0x2 /* ptp is valid */
#define PKTLAT_F_UDP  0x4 /* all UDP is seen by kern/pktlat_fentry */

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

_Static_assert(sizeof(struct pktlat_key) == 40, "abi");
_Static_assert(sizeof(struct hist_who) == 16, "abi");
_Static_assert(sizeof(struct pktlat_stat) == 80, "abi");
_Static_assert(sizeof(struct pktlat_cfg) == 48, "abi");
_Static_assert(sizeof(struct pktlat_event) == 120, "abi");

#define HM_MAP_pktlat_cfg(X)  X(pktlat_cfg, ARRAY, __u32, struct pktlat_cfg, 1, 0)
#define HM_MAP_pktlat_stat(X) X(pktlat_stat, PERCPU_ARRAY, __u32, struct pktlat_stat, 1, 0)
#define HM_MAP_pktlat_hist(X)                                                                      \
	X(pktlat_hist, PERCPU_HASH, struct pktlat_key, struct lat_row, PKTLAT_ROWS, 0)
#define HM_MAP_pktlat_who(X) X(pktlat_who, HASH, struct pktlat_key, struct hist_who, PKTLAT_WHO, 0)
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
	__u64 cookie;  /* of the namespace: never used again */
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
	__u64 task;  /* address */
};

/*
 * map ovslat_call, per-CPU array of 1: calls do not leave their CPU.
 *
 * Concurrency: softirqs are off in a call, so nothing else on its CPU makes one before it
 * returns. With PREEMPT_RT without its per-CPU lock (PREEMPT_RT_NEEDS_BH_LOCK=n) another task
 * may: the calls under way are given up then, and counted as lost.
 */
struct ovslat_call {
	struct ovslat_frame frame[OVSLAT_DEPTH];
	__u32 depth;
	__u32 pad;
	__u64 full; /* values that found no room in ovslat_hist */
	__u64 deep; /* calls inside OVSLAT_DEPTH others: not measured */
	__u64 lost; /* calls whose return was not seen */
	struct hist_age age;
};

_Static_assert(sizeof(struct ovslat_key) == 40, "abi");
_Static_assert(sizeof(struct ovslat_call) == 32 * OVSLAT_DEPTH + 56, "abi");

#define HM_MAP_ovslat_hist(X)                                                                      \
	X(ovslat_hist, PERCPU_HASH, struct ovslat_key, struct lat_row, TRACE_ROWS, 0)
#define HM_MAP_ovslat_who(X)                                                                       \
	X(ovslat_who, HASH, struct ovslat_key, struct hist_who, TRACE_ROWS / 4, 0)
#define HM_MAP_ovslat_call(X) X(ovslat_call, PERCPU_ARRAY, __u32, struct ovslat_call, 1, 0)

/* clang-format off */
#define HM_MAPS_TRACE(X) \
	HM_MAP_exec_cfg(X) \
	HM_MAP_exec_stat(X) \
	HM_MAP_exec_ring(X) \
	HM_MAP_exec_run(X) \
	HM_MAP_exec_buf(X) \
	HM_MAP_open_cfg(X) \
	HM_MAP_open_stat(X) \
	HM_MAP_open_ring(X) \
	HM_MAP_open_buf(X) \
	HM_MAP_path_cfg(X) \
	HM_MAP_path_stat(X) \
	HM_MAP_path_mark(X) \
	HM_MAP_path_ring(X) \
	HM_MAP_napi_hist(X) \
	HM_MAP_napi_who(X) \
	HM_MAP_napi_stat(X) \
	HM_MAP_pktlat_cfg(X) \
	HM_MAP_pktlat_stat(X) \
	HM_MAP_pktlat_hist(X) \
	HM_MAP_pktlat_who(X) \
	HM_MAP_pktlat_ring(X) \
	HM_MAP_ovslat_hist(X) \
	HM_MAP_ovslat_who(X) \
	HM_MAP_ovslat_call(X)
/* clang-format on */

#endif
