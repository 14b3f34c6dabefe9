// SPDX-License-Identifier: GPL-2.0-only
/* has_kprobe - loads and attaches where the kernel has kprobes; the tests ask it. */
#include "maps.h"

SEC("kprobe/ip_rcv")
int has_kprobe(void *ctx)
{
	return 0;
}
