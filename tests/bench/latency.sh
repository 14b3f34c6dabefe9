#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What latency costs: ns a packet for each stage, by itself.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
cd "$HM_TOP"
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
PACKET=$TMP/packet
. tests/packets.bash
packet "${FIXTURES[udp4]}" "$PACKET"

head_row "latency: ns a packet by BPF_PROG_RUN"
# (XDP has a ring of its own: what nobody takes out of it, each look of tc would go through)
mkdir -p /sys/fs/bpf/cost /sys/fs/bpf/xdp /sys/fs/bpf/real
for stage in cost xdp; do
	bpftool -n prog loadall "$HM_BUILD/tests/bpf/latency_cost.o" "/sys/fs/bpf/$stage" pinmaps "/sys/fs/bpf/${stage}_maps"
done
bpftool -n prog loadall "$HM_BUILD/tc/latency.o" /sys/fs/bpf/real
bpftool -n prog loadall "$HM_BUILD/kern/latency.o" /sys/fs/bpf/real
bpftool -n prog loadall "$HM_BUILD/iptables/latency.o" /sys/fs/bpf/real type socket
bpftool -n prog loadall "$HM_BUILD/xdp/latency.o" /sys/fs/bpf/real type xdp
sample() { # MAP N
	(
		# shellcheck source=scripts/lib.sh
		. scripts/lib.sh
		load_abi
		struct_new lat_cfg
		field lat_cfg.sample "$2"
		bpftool map update pinned "/sys/fs/bpf/$1" key 0 0 0 0 value hex "${VALUE[@]}"
	)
}
# every packet is sampled in the cost of stages
sample cost_maps/lat_cfg 1
sample xdp_maps/lat_cfg 1
# the real programs, on packets that are not sampled
sample lat_cfg 0x3fffffff

STEPS=(cost/cost_empty cost/cost_ktime cost/cost_tc cost/cost_iptables cost/cost_socket cost/cost_xdp_empty
	xdp/cost_xdp real/latency_xdp real/latency_tc real/latency_input real/latency_socket)
for ((round = 0; round < ROUNDS; round++)); do
	for step in "${STEPS[@]}"; do run_ns "/sys/fs/bpf/$step" >>"$TMP/${step#*/}"; done
done
m() { median <"$TMP/$1"; }
above() { # WHAT FILE EMPTY
	row "$1" "$(m "$2")" "$(spread <"$TMP/$2")" ns "$(against "$(m "$2")" "$(m "$3")" "an empty program")"
}
row "empty XDP program" "$(m cost_xdp_empty)" "$(spread <"$TMP/cost_xdp_empty")" ns
row "empty tc program" "$(m cost_empty)" "$(spread <"$TMP/cost_empty")" ns
above "bpf_ktime_get_ns alone" cost_ktime cost_empty
above "sampled: xdp" cost_xdp cost_xdp_empty
above "sampled: tc" cost_tc cost_empty
above "sampled: prerouting, input (each)" cost_iptables cost_empty
above "sampled: socket, app (each, with the total)" cost_socket cost_empty
above "not sampled: xdp" latency_xdp cost_xdp_empty
above "not sampled: tc" latency_tc cost_empty
above "not sampled: prerouting, input (each)" latency_input cost_empty
above "not sampled: socket" latency_socket cost_empty
full=$(calc "$(m cost_xdp) - $(m cost_xdp_empty) + $(m cost_tc) + 2 * $(m cost_iptables) + 2 * $(m cost_socket) - 5 * $(m cost_empty)")
idle=$(calc "$(m latency_xdp) - $(m cost_xdp_empty) + $(m latency_tc) + 2 * $(m latency_input) + $(m latency_socket) - 4 * $(m cost_empty)")
clock=$(calc "6 * ($(m cost_ktime) - $(m cost_empty))")
row "all six stages, sampled" "$full" - ns "above empty, of which $clock are 6 clock reads"
for n in 1 16 64 256 1024; do
	row "all stages, 1 packet in $n" "$(calc "$idle + ($full - $idle) / $n")" - ns "above empty, on average"
done
rm -rf /sys/fs/bpf/{cost,xdp,cost_maps,xdp_maps,real} /sys/fs/bpf/lat_* /sys/fs/bpf/xdp_next*
