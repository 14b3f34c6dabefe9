/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - the contract between BPF programs and user space: map names, keys, values and enums.
 * kern/, xdp/, tc/, iptables/ and user/ include it; scripts/ use shell assignments generated
 * from it (build/abi.sh). abi/ has a header per feature.
 *
 * Rules: fixed-width types, explicit padding, sizes asserted, enums
 * append-only. Times are CLOCK_MONOTONIC nanoseconds. Everything is in host
 * byte order unless its comment says "network order". All configuration is
 * valid when it is all zero, because ip and tc create maps that way.
 */
#ifndef HOOKMAP_ABI_H
#define HOOKMAP_ABI_H

/* All of abi/, and the lists of maps and features (Makefile): HM_MAPS(X), HM_FEATURES(X) */
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
#define HM_NO_PREALLOC 1 /* BPF_F_NO_PREALLOC: memory is allocated as needed */

/* one bit each */
#define HM_FEAT_OR(NAME)  | HM_FEAT_##NAME
#define HM_FEAT_SUM(NAME) +HM_FEAT_##NAME
_Static_assert((0 HM_FEATURES(HM_FEAT_OR)) == 0 HM_FEATURES(HM_FEAT_SUM), "features");

#endif
