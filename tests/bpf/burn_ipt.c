// SPDX-License-Identifier: GPL-2.0-only
#include "burn.h"

SEC("socket")
int burn_ipt(struct __sk_buff *ctx)
{
	burn();
	return 0;
}
