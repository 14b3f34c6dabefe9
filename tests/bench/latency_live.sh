#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What latency costs: ns a run of each program under load, and TCP throughput.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
cd "$HM_TOP"
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

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
