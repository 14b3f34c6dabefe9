/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/host.h - what the scripts attached, and where. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_HOST_H
#define HOOKMAP_ABI_HOST_H

#include <linux/types.h>

/*
 * What the scripts attached, for detach, status and the reader.
 * map hm_dev, hash. Features of the whole host are kept under netns 0, ifindex 0.
 */
struct hm_dev_key {
	__u64 netns; /* inode of the namespace; see hm_netns */
	__u32 ifindex;
	__u32 pad;
};

/* hm_dev.flags */
#define HM_DEV_QDISC   0x1  /* clsact was created by us */
#define HM_DEV_GENERIC 0x2  /* XDP is in generic mode */
#define HM_DEV_NETNS   0x4  /* attached with --netns */
#define HM_DEV_NOXDP   0x8  /* attached with --mode none */
#define HM_DEV_MIRROR  0x10 /* l2fwd: the bridge that is mirrored */
#define HM_DEV_BRPORT  0x20 /* l2fwd: became a port with its bridge */
#define HM_DEV_ORDER   16   /* from this bit on: its position in the order of attaching */

struct hm_dev {
	__u32 features; /* HM_FEAT_*, each in the header of its feature */
	__u32 flags;	/* HM_DEV_* */
	__u32 nsid;	/* index into hm_netns */
	__u32 pref;	/* of the tc filter of latency */
	char name[16];	/* when it was attached */
};
#define HM_DEVS 256

/*
 * map hm_netns, hash by nsid (1 .. 255). 0: attached by hand, the reader's own. A namespace keeps
 * its number until another one needs it, and nothing is attached in it. The kernel reuses the inode
 * of a deleted namespace, but never the cookie. When the reused inode is found, netns becomes
 * inode | nsid << 32 here and in hm_dev, which is unique.
 */
struct hm_netns {
	__u64 netns;  /* inode */
	__u64 cookie; /* 0 = not known (before 5.14) */
	char name[56];
};
#define HM_NETNS 256

/* maps xdp_next, xdp_next_xdp, xdp_next_frags, prog_array: index is the ifindex; the program
 * after xdp/latency, by its section: prog, xdp, xdp.frags */
#define HM_XDP_NEXT 4096

/*
 * map hm_reach, per-CPU array of 1, not pinned: each XDP and tc program that is loaded has one.
 * For l2fwd_xdp: the frames that it passes to the stack.
 */
struct hm_reach {
	__u64 packets;
	__u64 last; /* ns */
	__u32 ifindex;
	__u32 pad;
};

_Static_assert(sizeof(struct hm_dev_key) == 16, "abi");
_Static_assert(sizeof(struct hm_dev) == 32, "abi");
_Static_assert(sizeof(struct hm_netns) == 72, "abi");

#define HM_MAP_xdp_next(X)	 X(xdp_next, PROG_ARRAY, __u32, __u32, HM_XDP_NEXT, 0)
#define HM_MAP_xdp_next_xdp(X)	 X(xdp_next_xdp, PROG_ARRAY, __u32, __u32, HM_XDP_NEXT, 0)
#define HM_MAP_xdp_next_frags(X) X(xdp_next_frags, PROG_ARRAY, __u32, __u32, HM_XDP_NEXT, 0)
#define HM_MAP_hm_dev(X)	 X(hm_dev, HASH, struct hm_dev_key, struct hm_dev, HM_DEVS, 0)
#define HM_MAP_hm_netns(X)	 X(hm_netns, HASH, __u32, struct hm_netns, HM_NETNS, 0)
#define HM_PRIVATE_hm_reach(X)	 X(hm_reach, PERCPU_ARRAY, __u32, struct hm_reach, 1, 0)

#endif
