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

#include "abi/count.h"
#include "abi/drops.h"
#include "abi/exec.h"
#include "abi/flow.h"
#include "abi/hist.h"
#include "abi/host.h"
#include "abi/l2fwd.h"
#include "abi/latency.h"
#include "abi/napi.h"
#include "abi/open.h"
#include "abi/ovslat.h"
#include "abi/path.h"
#include "abi/pktlat.h"
#include "abi/policy.h"
#include "abi/trace.h"

#define HM_BYTE_ORDER  __BYTE_ORDER__ /* 1234: little endian */

/*
 * Every pinned map: X(name, type, key, value, entries, flags). Programs declare
 * their maps from it (HM_MAP in maps.h), the reader and the scripts check pins
 * against it.
 */
#define HM_NO_PREALLOC 1 /* BPF_F_NO_PREALLOC: memory follows what is used */

/* clang-format off */
#define HM_MAPS(X) \
	HM_MAPS_LATENCY(X) \
	HM_MAPS_HOST(X) \
	HM_MAPS_DROPS(X) \
	HM_MAPS_EXEC(X) \
	HM_MAPS_OPEN(X) \
	HM_MAPS_PATH(X) \
	HM_MAPS_NAPI(X) \
	HM_MAPS_PKTLAT(X) \
	HM_MAPS_OVSLAT(X) \
	HM_MAPS_COUNT(X) \
	HM_MAPS_L2FWD(X) \
	HM_MAPS_POLICY(X)
/* clang-format on */

#endif
