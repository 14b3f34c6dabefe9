/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - offsets between clocks.
 */
#ifndef HOOKMAP_CLOCK_H
#define HOOKMAP_CLOCK_H

#include <time.h>

#include "hookmap.h"

struct clock_offset {
	bool valid;
	long long ns;
	__u64 error; /* ns, at most */
};

/* CLOCK - CLOCK_MONOTONIC */
void clock_offset(clockid_t clock, struct clock_offset *o);
/* CLOCK_REALTIME - the PTP clock PATH. 0 or -errno, having printed why. */
int clock_ptp(const char *path, struct clock_offset *o);

#endif
