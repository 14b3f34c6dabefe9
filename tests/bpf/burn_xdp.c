// SPDX-License-Identifier: GPL-2.0-only
#include "burn.h"

SEC("prog")
int burn_xdp(struct xdp_md *ctx)
{
	burn();
	return XDP_PASS;
}
