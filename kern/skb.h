/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skb.h - the slices of kernel structures that tracing programs read. CO-RE
 * moves the offsets to the running kernel's; only names and types matter here.
 */
#ifndef HOOKMAP_SKB_H
#define HOOKMAP_SKB_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sk_buff {
	__u16 tc_index;
	__u16 transport_header;
	unsigned char *head;
	__u32 hash;
};

#pragma clang attribute pop

#endif
