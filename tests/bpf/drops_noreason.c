// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_noreason - kern/drops as it is on a kernel whose tracepoint has neither a
 * reason (before 5.17) nor a socket (before 6.11).
 */
#define trace_event_raw_kfree_skb trace_event_raw_that_is_not_there
#include "drops.c"
