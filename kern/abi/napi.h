/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/napi.h - polls, batches and softirq delay. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_NAPI_H
#define HOOKMAP_ABI_NAPI_H

#include <linux/types.h>

#include "hist.h"

#define HM_FEAT_napi 0x200 /* hm_dev.features */

/* About ten per device and CPU */
#define NAPI_ROWS 8192
#define NAPI_WHO  2048

/* napi_key.kind */
enum napi_kind {
	NAPI_POLL = 1,	  /* packets per poll that found some */
	NAPI_IDLE = 2,	  /* polls that found none: only their count */
	NAPI_FULL = 3,	  /* polls that used up their budget: only their count */
	NAPI_DEVMAP = 4,  /* frames per batch that a devmap sent */
	NAPI_DROPS = 5,	  /* frames per batch that a devmap could not send */
	NAPI_SOFTIRQ = 6, /* ns from the raising of NET_RX to its start */
};

/* map napi_hist, hash: each CPU has its own rows, and only it writes them; a softirq that
 * interrupts another program's run adds atomically (hist_count) */
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

#endif
