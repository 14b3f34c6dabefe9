// SPDX-License-Identifier: GPL-2.0-only
/* has_fentry - loads and attaches where the kernel has fentry; the tests ask it. */
#include "maps.h"

SEC("fentry/ip_rcv")
int has_fentry(void *ctx)
{
	return 0;
}
