// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/path - path: a packet has reached the driver's hook (Linux 5.18).
 *
 *   attach.sh --host path                  (makes the maps)
 *   ip link set dev D xdp obj build/xdp/path.o
 *   attach.sh D latency --next build/xdp/path.o      (or behind xdp/latency)
 *
 * The reader takes the namespace from the hops around it.
 *
 * Maps: path_cfg, path_ring, path_stat. Returns XDP_PASS.
 */
#define FLOW_COPY(CTX, TO, SIZE, AT) bpf_xdp_load_bytes(CTX, AT, TO, SIZE)

#include "path.h"
#include "xdp.h"

HM_XDP(path)
{
	struct path_cfg *cfg = trace_lookup(path_cfg, 0);
	struct path_head h = {};
	struct copy_at at = {};

	if (!cfg || copy_ethernet(ctx, &at, &h.flow) || !path_parse(ctx, cfg, &at, &h, NULL))
		return XDP_PASS;
	path_note(&h, PATH_XDP, ctx->ingress_ifindex, 0);
	return XDP_PASS;
}
