// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2bench - what l2fwd is compared with, and the frames: see tests/bench/l2fwd.sh.
 *
 *   bpftool prog loadall build/tests/bpf/l2bench.o DIR type xdp map name ...
 *   ip link set dev D xdp pinned DIR/bench_redirect
 *
 * Maps: bench_cfg (array of 1), bench_fdb ({VLAN, MAC} -> index), bench_tx (devmap),
 * bench_seen (per-CPU array of 1: frames that bench_drop has got).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct bench_cfg {
	__u32 ifindex;	 /* bench_gen sends by this device */
	__u32 addresses; /* to so many addresses, 02:10:00:xx:xx:xx, at random */
};

struct bench_key {
	__u16 vlan;
	__u8 mac[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_cfg);
} bench_cfg SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1048576);
	__type(key, struct bench_key);
	__type(value, __u32);
} bench_fdb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} bench_tx SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bench_seen SEC(".maps");

/* Frames are used again: all of the header is written each time. */
SEC("xdp")
int bench_gen(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct bench_cfg *cfg;
	struct ethhdr *eth = data;
	__u32 zero = 0, n;

	cfg = bpf_map_lookup_elem(&bench_cfg, &zero);
	if (!cfg || (void *)(eth + 1) > end)
		return XDP_ABORTED;
	n = cfg->addresses > 1 ? bpf_get_prandom_u32() % cfg->addresses : 0;
	eth->h_dest[0] = 2;
	eth->h_dest[1] = 0x10;
	eth->h_dest[2] = 0;
	eth->h_dest[3] = n >> 16;
	eth->h_dest[4] = n >> 8;
	eth->h_dest[5] = n;
	__builtin_memset(eth->h_source, 0, ETH_ALEN);
	eth->h_source[0] = 2;
	eth->h_source[5] = 9;
	eth->h_proto = bpf_htons(0x88b5);
	return bpf_redirect(cfg->ifindex, 0);
}

SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *seen = bpf_map_lookup_elem(&bench_seen, &zero);

	(void)ctx;
	if (seen)
		(*seen)++;
	return XDP_DROP;
}

SEC("xdp")
int bench_redirect(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&bench_tx, 1, XDP_PASS);
}

SEC("xdp")
int bench_lookup(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct bench_key key = {};
	struct ethhdr *eth = data;
	__u32 *to;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	__builtin_memcpy(key.mac, eth->h_dest, ETH_ALEN);
	to = bpf_map_lookup_elem(&bench_fdb, &key);
	return to ? bpf_redirect_map(&bench_tx, *to, XDP_PASS) : XDP_PASS;
}

SEC("xdp")
int bench_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char hm_license[] SEC("license") = "GPL";
