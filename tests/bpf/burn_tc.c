// SPDX-License-Identifier: GPL-2.0-only
#include "burn.h"

SEC("classifier")
int burn_tc(struct __sk_buff *ctx)
{
	burn();
	return -1;
}
