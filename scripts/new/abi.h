/* SPDX-License-Identifier: GPL-2.0-only */
/* abi/sample.h - packets that come in, a first feature of its own. See abi.h for the rules. */
#ifndef HOOKMAP_ABI_UPPER_H
#define HOOKMAP_ABI_UPPER_H

#include <linux/types.h>

#define HM_FEAT_sample BIT /* hm_dev.features */

/* map sample_stat, per-CPU array of 1 */
struct sample_stat {
	__u64 packets;
	__u64 bytes; /* from the network header on */
};

_Static_assert(sizeof(struct sample_stat) == 16, "abi");

#define HM_MAP_sample_stat(X) X(sample_stat, PERCPU_ARRAY, __u32, struct sample_stat, 1, 0)

#define HM_MAPS_UPPER(X) HM_MAP_sample_stat(X)

#endif
