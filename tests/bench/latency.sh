#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What latency costs: ns a packet for each stage, and TCP throughput.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
cd "$HM_TOP"
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
PACKET=$TMP/packet
. tests/packets.bash
packet "${FIXTURES[udp4]}" "$PACKET"

# --- BPF_PROG_RUN: each stage against an empty program

head_row "latency: ns a packet by BPF_PROG_RUN"
mkdir -p /sys/fs/bpf/cost /sys/fs/bpf/real
bpftool -n prog loadall "$HM_BUILD/tests/bpf/latency_cost.o" /sys/fs/bpf/cost pinmaps /sys/fs/bpf/cost_maps
bpftool -n prog loadall "$HM_BUILD/tc/latency.o" /sys/fs/bpf/real
bpftool -n prog loadall "$HM_BUILD/kern/latency.o" /sys/fs/bpf/real
bpftool -n prog loadall "$HM_BUILD/iptables/latency.o" /sys/fs/bpf/real type socket
bpftool -n prog loadall "$HM_BUILD/xdp/latency.o" /sys/fs/bpf/real type xdp
# every packet is sampled in the cost of stages
# shellcheck disable=SC2046
bpftool map update pinned /sys/fs/bpf/cost_maps/lat_cfg key 0 0 0 0 value hex 01 $(printf '00 %.0s' $(seq 91))
# the real programs, on packets that are not sampled
# shellcheck disable=SC2046
bpftool map update pinned /sys/fs/bpf/lat_cfg key 0 0 0 0 value hex ff ff ff 3f $(printf '00 %.0s' $(seq 88))

STEPS=(cost/cost_empty cost/cost_ktime cost/cost_tc cost/cost_iptables cost/cost_socket cost/cost_xdp_empty
	cost/cost_xdp real/latency_xdp real/latency_tc real/latency_input real/latency_socket)
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
rm -rf /sys/fs/bpf/cost /sys/fs/bpf/cost_maps /sys/fs/bpf/real /sys/fs/bpf/lat_* /sys/fs/bpf/xdp_next*

# --- live: kernel.bpf_stats_enabled under load

head_row "latency: ns a run by bpf_stats, 200 000 UDP datagrams"
LAB=$(scripts/lab.sh up)
on() { nsenter --net="/run/netns/$LAB-$1" -- "${@:2}"; }
stats=$(sysctl -n kernel.bpf_stats_enabled)
live() { # SAMPLE
	on host scripts/attach.sh eth0 --sample "$1" 2>/dev/null
	on host tc filter add dev eth0 ingress pref 2 handle 1 bpf da object-pinned /sys/fs/bpf/empty/cost_empty
	sysctl -qw kernel.bpf_stats_enabled=1
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 200000 || true
	sysctl -qw kernel.bpf_stats_enabled="$stats"
	bpftool -j prog show | jq -r '.[] | select((.name // "") | test("^(latency_|cost_empty)")) | select(.run_cnt > 1000)
		| "\(.name) \(.run_time_ns / .run_cnt)"' | while read -r name ns; do
		printf '%s\n' "$ns" >>"$TMP/live.$1.$name"
	done
	on host tc filter del dev eth0 ingress pref 2
	on host scripts/detach.sh eth0
}
mkdir -p /sys/fs/bpf/empty
bpftool -n prog loadall "$HM_BUILD/tests/bpf/latency_cost.o" /sys/fs/bpf/empty
on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7000 100000000 --timeout 120 >/dev/null 2>&1 &
receiver=$!
for ((round = 0; round < 3; round++)); do
	for sample in 1 256; do live "$sample"; done
done
kill "$receiver" 2>/dev/null || true
for sample in 1 256; do
	base=$(median <"$TMP/live.$sample.cost_empty")
	row "1 in $sample: empty tc program" "$(calc "$base")" "$(calc "$(spread <"$TMP/live.$sample.cost_empty")")" ns
	for file in "$TMP/live.$sample".latency_*; do
		name=${file##*.}
		row "1 in $sample: $name" "$(calc "$(median <"$file")")" "$(calc "$(spread <"$file")")" ns \
			"$(against "$(median <"$file")" "$base" "an empty program")"
	done
done

# --- TCP throughput

command -v iperf3 >/dev/null || exit 0
# NICs have GRO on, a veth has it off unless told: with it off, each segment passes all
# hooks by itself
on host ethtool -K eth0 gro on
head_row "latency: TCP throughput, client to host, iperf3, GRO on"
on host iperf3 -s -D -I "$TMP/iperf.pid" >/dev/null
iperf() { # NAME
	on client iperf3 -c 10.11.1.1 -t 3 -J >"$TMP/iperf.json" || return 0
	jq '.end.sum_received.bits_per_second / 1e9' "$TMP/iperf.json" >>"$TMP/iperf.$1"
}
for ((round = 0; round < ROUNDS; round++)); do
	iperf nothing
	on host ip link set dev eth0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o" sec prog
	iperf empty
	on host ip link set dev eth0 xdp off
	on host scripts/attach.sh eth0 2>/dev/null
	iperf default
	on host scripts/attach.sh eth0 --sample 1
	iperf every
	on host scripts/detach.sh eth0
	on host scripts/attach.sh eth0 --mode none
	iperf none
	on host scripts/detach.sh eth0
done
kill "$(tr -d '\0' <"$TMP/iperf.pid")"
t() { median <"$TMP/iperf.$1"; }
tp() { # WHAT FILE BASE BASE-NAME
	row "$1" "$(calc "$(t "$2")")" "$(calc "$(spread <"$TMP/iperf.$2")")" Gbit/s "$(calc "100 * $(t "$2") / $(t "$3")")% of $4"
}
row "no XDP program" "$(calc "$(t nothing)")" "$(calc "$(spread <"$TMP/iperf.nothing")")" Gbit/s
tp "an empty XDP program" empty nothing "no XDP program"
tp "latency, default sampling" default empty "an empty XDP program"
tp "latency, every packet" every empty "an empty XDP program"
tp "latency --mode none, default sampling" none nothing "no XDP program"
scripts/lab.sh down "$LAB"
