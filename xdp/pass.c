// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/pass - the smallest XDP program: lets every frame pass.
 *
 *   ip link set dev D xdp obj build/xdp/pass.o
 *
 * It has two uses: a veth accepts redirected frames only if its peer has an XDP program,
 * and benchmarks compare other programs with this one.
 *
 * No maps. Returns XDP_PASS always.
 */

/* struct xdp_md and XDP_PASS, from the kernel's headers */
#include <linux/bpf.h>
/* SEC, HM_MAP, the license; bpf_*() helpers from libbpf */
#include "maps.h"

/*
 * SEC names the ELF section of the next function. `ip` loads "prog" unless you say `sec NAME`.
 * bpftool shows the function's name, cut to 15 characters: <feature>_<hook>.
 */
SEC("prog")
int pass_xdp(struct xdp_md *ctx)
{
	/* ctx->data .. ctx->data_end is the frame; this program does not read it */
	/* one of XDP_PASS, XDP_DROP, XDP_TX, XDP_REDIRECT, XDP_ABORTED */
	return XDP_PASS;
}

/* The same for jumbo frames; xdp.h has a macro for both. */
SEC("xdp.frags")
int pass_frags(struct xdp_md *ctx)
{
	return XDP_PASS;
}
