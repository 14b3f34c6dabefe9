#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# latency: a delay of 50 ms in one stage shows in that stage and in no other

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() {
	lab_up
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	mkdir -p /sys/fs/bpf/burn
}

slow_udp() { # 11 datagrams, ten a second
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 11 --rate 10
}

# delayed FROM TO: that stage's median is 50 ms or little more, all others' are not
delayed() {
	local rows
	rows=$(hookmap -j latency | jq -c '.rows[] | select(.kind == "stage")')
	printf '%s\n' "$rows" | jq -r '"\(.from) \(.to) \(.count) \(.p50_ns)"' >&2
	equal "$(jq -r 'select(.p50_ns >= 50000000 and .p50_ns < 90000000) | "\(.from) \(.to)"' <<<"$rows")" "$1 $2" "delayed stages"
	equal "$(jq -r "select(.from != \"$1\") | select(.p50_ns >= 20000000) | .from" <<<"$rows")" "" "other slow stages"
}

receiver() {
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7000 11 >/dev/null 3>&- &
	RECEIVER=$!
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
}

@test "latency: 50 ms between XDP and tc" {
	attach eth0 --next "$HM_BUILD/tests/bpf/burn_xdp.o"
	receiver
	slow_udp
	wait "$RECEIVER"
	delayed xdp tc
	equal "$(rows xdp tc)" 11
}

@test "latency: 50 ms between tc and PREROUTING" {
	on host tc filter add dev eth0 ingress pref 7 handle 1 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	receiver
	slow_udp
	wait "$RECEIVER"
	delayed tc prerouting
}

@test "latency: 50 ms between PREROUTING and INPUT" {
	bpftool -n prog load "$HM_BUILD/tests/bpf/burn_ipt.o" /sys/fs/bpf/burn/p
	on host iptables -t raw -A PREROUTING -p udp --dport 7000 -m bpf --object-pinned /sys/fs/bpf/burn/p
	receiver
	slow_udp
	wait "$RECEIVER"
	delayed prerouting input
	on host iptables -t raw -F PREROUTING
}

@test "latency: 50 ms between INPUT and the socket" {
	bpftool -n prog load "$HM_BUILD/tests/bpf/burn_ipt.o" /sys/fs/bpf/burn/p
	on host iptables -A INPUT -p udp --dport 7000 -m bpf --object-pinned /sys/fs/bpf/burn/p
	receiver
	slow_udp
	wait "$RECEIVER"
	delayed input socket
	on host iptables -F INPUT
}

@test "latency: 50 ms between the socket and the application" {
	attach eth0 --filter 'proto tcp dport 7000'
	tcp host 10.11.1.1 23 --delay 50
	# the server sleeps before it reads; only the first request may find it awake
	delayed socket app
	equal "$(rows socket app)" 23
}

# bats test_tags=vm
@test "latency: 50 ms of netem behind tc, before the packet goes up the stack" {
	skip_without netem on host tc qdisc add dev lo root netem delay 1ms
	on host tc qdisc del dev lo root
	on host ip link add name ifb9 type ifb
	on host ip link set ifb9 up
	on host tc qdisc add dev ifb9 root netem delay 50ms
	on host tc filter add dev eth0 ingress pref 7 handle 1 matchall action mirred egress redirect dev ifb9
	receiver
	slow_udp
	wait "$RECEIVER"
	delayed tc prerouting
	equal "$(rows tc prerouting)" 11
}
