/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - what the BPF programs and user space agree on: map names, keys,
 * values and enums. Included by kern/, xdp/, tc/, iptables/ and user/, and
 * turned into shell assignments for scripts/ (build/abi.sh). A header for each
 * feature lies in abi/.
 *
 * Rules: fixed-width types, explicit padding, sizes asserted, enums
 * append-only. Times are CLOCK_MONOTONIC nanoseconds. Everything is in host
 * byte order unless its comment says "network order". All configuration is
 * valid when it is all zero, because ip and tc create maps that way.
 */
#ifndef HOOKMAP_ABI_H
#define HOOKMAP_ABI_H

/* All of abi/, and the lists of what is there (Makefile): HM_MAPS(X), HM_FEATURES(X) */
#if __has_include("abi_all.h")
#include "abi_all.h"
#else /* by hand, after make */
#include "../build/abi_all.h"
#endif

#define HM_BYTE_ORDER __BYTE_ORDER__ /* 1234: little endian */

/*
 * HM_MAPS: every pinned map, X(name, type, key, value, entries, flags). Programs declare
 * their maps from it (HM_MAP in maps.h), the reader and the scripts check pins
 * against it.
 */
#define HM_NO_PREALLOC 1 /* BPF_F_NO_PREALLOC: memory follows what is used */

/* a bit each */
#define HM_FEAT_OR(NAME)  | HM_FEAT_##NAME
#define HM_FEAT_SUM(NAME) +HM_FEAT_##NAME
_Static_assert((0 HM_FEATURES(HM_FEAT_OR)) == 0 HM_FEATURES(HM_FEAT_SUM), "features");

#endif
