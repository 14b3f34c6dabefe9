/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/pktlat.h - from the receive stamp to user space. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_PKTLAT_H
#define HOOKMAP_ABI_PKTLAT_H

#include <linux/types.h>

#include "flow.h"
#include "hist.h"
#include "trace.h"

#define HM_FEAT_pktlat 0x20 /* hm_dev.features */

/* pktlat_key.kind */
enum pktlat_kind {
	PKTLAT_PROCESS = 1, /* copied to a process */
	PKTLAT_TAP = 2,	    /* copied from a tap device: to a VM */
};

/* pktlat_key.stamp: the clock of the start time */
enum pktlat_stamp {
	PKTLAT_HARDWARE = 1, /* the NIC's receive stamp */
	PKTLAT_SOFTWARE = 2, /* the kernel's, when it took the packet from the driver */
};

/* map pktlat_hist, per-CPU hash; map pktlat_who, hash: octave 0 */
struct pktlat_key {
	char name[16]; /* of the process or of the tap */
	/* never reused, unlike numbers: for a process its start, CLOCK_MONOTONIC ns; for a tap
	 * the cookie of its namespace */
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
	__u64 merged;		/* TCP, merged with later ones, whose stamp it has */
	struct hist_age age;	/* of processes and taps */
};

/* map pktlat_part, LRU hash: the end of the segment that a socket has begun to read; key: its
 * address minus the address of pktlat_cfg. See kern/stream.h. */
#define PKTLAT_PARTS 16384

/* Entries of pktlat_who; rows, about four octaves per entry */
#define PKTLAT_WHO  1024
#define PKTLAT_ROWS (4 * PKTLAT_WHO)

#define PKTLAT_F_REAL 0x1 /* real is valid */
#define PKTLAT_F_PTP  0x2 /* ptp is valid */
#define PKTLAT_F_UDP  0x4 /* all UDP is seen by kern/pktlat_fentry */

#define PKTLAT_SLOW_NS 1000000

/* The time was set if it has moved by more; between two readings, the clocks move by less */
#define PKTLAT_MOVED_NS 1000000ULL

/* map pktlat_cfg, array of 1. Clocks, in ns. */
struct pktlat_cfg {
	__s64 real;	/* CLOCK_REALTIME - CLOCK_MONOTONIC */
	__s64 ptp;	/* CLOCK_REALTIME - the NIC's clock */
	__u64 error;	/* of ptp: at most */
	__u64 measured; /* CLOCK_MONOTONIC */
	__u64 slow;	/* what is slow; 0 = PKTLAT_SLOW_NS */
	__s64 tai;	/* CLOCK_TAI - CLOCK_MONOTONIC, measured with real */
	__u32 flags;	/* PKTLAT_F_* */
	__u32 clock;	/* of ptp: its device, major << 20 | minor */
};

/* ring buffer pktlat_ring: a packet that took long */
struct pktlat_event {
	__u64 time;
	__u64 delta; /* ns */
	struct flow flow;
	__u16 len; /* from the IP header on */
	__u16 pad;
	struct pktlat_key key; /* octave 0 */
};

_Static_assert(sizeof(struct pktlat_key) == 40, "abi");
_Static_assert(sizeof(struct pktlat_stat) == 88, "abi");
_Static_assert(sizeof(struct pktlat_cfg) == 56, "abi");
_Static_assert(sizeof(struct pktlat_event) == 112, "abi");

#define HM_MAP_pktlat_cfg(X)  X(pktlat_cfg, ARRAY, __u32, struct pktlat_cfg, 1, 0)
#define HM_MAP_pktlat_stat(X) X(pktlat_stat, PERCPU_ARRAY, __u32, struct pktlat_stat, 1, 0)
#define HM_MAP_pktlat_hist(X)                                                                      \
	X(pktlat_hist, PERCPU_HASH, struct pktlat_key, struct lat_row, PKTLAT_ROWS, 0)
#define HM_MAP_pktlat_who(X)  X(pktlat_who, HASH, struct pktlat_key, struct hist_who, PKTLAT_WHO, 0)
#define HM_MAP_pktlat_part(X) X(pktlat_part, LRU_HASH, __u64, __u32, PKTLAT_PARTS, 0)
#define HM_MAP_pktlat_ring(X)                                                                      \
	X(pktlat_ring, RINGBUF, struct hm_none, struct hm_none, TRACE_RING / 8, 0)

#endif
