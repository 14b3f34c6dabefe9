#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Attached means reached: each feature beside each of what others put on a device measures
# everything, or is refused, or they are named. In a guest: what a kernel may do another way.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"
. "${BATS_TEST_DIRNAME}/../reach.bash"

N=10
SETS=(nothing tcx_pass tcx_next ok_before ok_after next_before next_after some_before ifb xdp dispatcher block)
# (an emulated guest needs minutes for each)
[[ -z ${HM_VM:-} ]] || SETS=(tcx_pass tcx_next some_before)

# judge NAME COUNTED SAID: how it is with what was counted beside NAME, where attach has SAID that
judge() {
	local check status=0
	check=$(where "$HM_TOP/scripts/status.sh" --check "$DEV") || status=$?
	if [[ $2 != "$ALL" ]]; then
		[[ $3$check == *"$WHO"* ]] && printf '%s: named\n' "$1" || printf '%s: %s, in silence\n' "$1" "$2"
	# what is well is not said to be otherwise
	elif ((status)); then
		printf '%s: all, said to be missed\n' "$1"
	elif [[ $1 == *next* && $3 == *"$WHO"* ]]; then
		printf '%s: all, said to be in the way\n' "$1"
	else
		printf '%s: all\n' "$1"
	fi
}

# matrix EXPECTED FEATURE OPTION...: in each set-up FEATURE is attached, and measure (of the test) says what
# it has counted; a line "set-up: all | refused | named | N of them, in silence"
matrix() {
	local name out cells=() expected
	can_tcx 2>/dev/null || {
		[[ -z ${REQUIRE_ALL:-} ]] || return 1
		printf '# no tcx: without tcx_pass and tcx_next\n' >&3
		mapfile -t SETS < <(printf '%s\n' "${SETS[@]}" | grep -v ^tcx_)
	}
	for name in "${SETS[@]}"; do
		"set_$name"
		if ! out=$(where "$HM_TOP/scripts/attach.sh" "$DEV" "${@:2}" 2>&1); then
			like "$out" "$WHO"
			cells+=("$name: refused")
		else
			COUNTED=$(measure)
			[[ $2 != latency ]] || each_stamp "$name"
			cells+=("$(judge "$name" "$COUNTED" "$out")")
			where "$HM_TOP/scripts/detach.sh" "$DEV" 2>/dev/null
		fi
		set_away
	done
	expected=$(for name in "${SETS[@]}"; do grep "^$name: " <<<"$1"; done)
	equal "$(printf '%s\n' "${cells[@]}")" "$expected"
}

# each_stamp NAME: ends in a stage or a cause
each_stamp() {
	equal "$(hookmap -j latency | jq -c '.lost | [.started > 0 or .seen == .not_at_tc,
		.started - .read - .on_the_way - ([.last_seen[]] | add)]')" '[true,0]' "$1: started, and stamps that nobody knows of"
}

# bats test_tags=vm
@test "reach: latency beside others: all is measured, or it is refused, or they are named" {
	lab_up
	WHERE=$LAB-host DEV=eth0 ALL="$N $N $N"
	measure() {
		udp host 10.11.1.1 "$N" >/dev/null
		printf '%s ' "$(rows xdp tc)" "$(rows tc prerouting)" | tr -d '\n'
		rows prerouting input
	}
	matrix 'nothing: all
tcx_pass: refused
tcx_next: all
ok_before: refused
ok_after: named
next_before: all
next_after: all
some_before: named
ifb: named
xdp: refused
dispatcher: refused
block: refused' latency --pref 10 --sample 1 --filter 'proto udp dport 7000'
}

@test "reach: policy beside others: all is measured, or it is refused, or they are named" {
	lab_up
	on host ip route add default via 10.11.2.2
	WHERE=$LAB-host DEV=eth0 ALL=$N
	measure() {
		printf '{"rules":[{"id":"r","priority":1,"match":{"proto":"udp","dport":7000},"action":"pass"}]}' |
			on host "$HM_TOP/scripts/policy.sh" load - >/dev/null 2>&1
		# (those that somebody drops do not come to the server)
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.2.2 7000 "$N"
		on host "$HM_BUILD/hookmap" -j policy | jq '.rows[] | select(.id == "r").packets'
	}
	matrix 'nothing: all
tcx_pass: refused
tcx_next: all
ok_before: refused
ok_after: all
next_before: all
next_after: all
some_before: named
ifb: named
xdp: all
dispatcher: all
block: refused' policy --policy-pref 10
}

@test "reach: l2fwd beside others: all is measured, or it is refused, or they are named" {
	lab_up
	local h
	for h in client server; do
		on "$h" ip link set dev eth0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
		on "$h" ethtool -K eth0 tx off txvlan off >/dev/null
		on "$h" ip link set eth0 address "02:00:00:00:00:0${#h}"
	done
	on host "$HM_TOP/scripts/attach.sh" veth0 l2fwd
	on host "$HM_TOP/scripts/fdb.sh" add 02:00:00:00:00:06 dev veth0
	WHERE=$LAB-host DEV=eth0 ALL=$N
	measure() {
		local before frame=020000000006020000000005 after
		frame+=88b5$(printf '00%.0s' {1..46})
		before=$(on host "$HM_BUILD/hookmap" -j --summary fdb | jq '.ports[] | select(.device == "veth0").tx_packets')
		yes "$frame" | head -n "$N" | on client "$HM_BUILD/tests/l2frames" send eth0
		after=$(on host "$HM_BUILD/hookmap" -j --summary fdb | jq '.ports[] | select(.device == "veth0").tx_packets')
		echo $((after - before))
	}
	matrix 'nothing: all
tcx_pass: refused
tcx_next: all
ok_before: refused
ok_after: all
next_before: all
next_after: all
some_before: all
ifb: all
xdp: refused
dispatcher: refused
block: refused' l2fwd --l2-pref 10
}

@test "reach: path beside others sees all packets" {
	lab_up
	local port=$((RANDOM % 20000 + 30000)) name seen got=''
	WHERE=$LAB-host DEV=eth0
	can_tcx 2>/dev/null || mapfile -t SETS < <(printf '%s\n' "${SETS[@]}" | grep -v ^tcx_)
	host_attach path --match "udp dport $port src 10.11.1.2"
	for name in "${SETS[@]}"; do
		"set_$name"
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 "$port" "$N"
		seen=$(count path ".hook == \"netif_receive_skb\" and .netns == \"$LAB-host\"")
		# (ifb receives once more what it gives back)
		[[ $seen == "$N" || $name == ifb && $seen == $((2 * N)) ]] || got+="$name: $seen "
		set_away
	done
	equal "$got" '' 'not all seen'
}

# --- netkit: what its peer sends meets programs before it is here. (Those at ingress are in the
# matrix of any device.) They come and go while a feature is attached.

set_netkit_ok() { WHO=beside_ok && netkit beside_ok; }
set_netkit_next() { WHO=beside_next && netkit beside_next; }
set_netkit_some() { WHO=beside_some && netkit beside_some; }
netkit() {
	pins
	where "$HM_BUILD/tests/netkit" nkit "$PINS/$1"
}

# netkit_up: nkit of the host, whose peer, PEER, is the client's
netkit_up() {
	lab_up
	skip_without netkit on host ip link add nkit type netkit
	PEER=$(on host ip -j link show type netkit | jq -r '.[].ifname | select(. != "nkit")')
	on host ip link set "$PEER" netns "$LAB-client"
	for ns in "host nkit 1" "client $PEER 2"; do
		read -r ns dev n <<<"$ns"
		on "$ns" ip link set "$dev" up
		on "$ns" ip addr add "10.98.0.$n/24" dev "$dev"
	done
	WHERE=$LAB-host DEV=nkit ALL=$N
}

# beside_netkit: send (of the test) sends N packets, count_them counts all so far
beside_netkit() {
	local name cells=() before
	for name in netkit_ok netkit_next netkit_some; do
		"set_$name"
		before=$(count_them)
		send || true
		cells+=("$(judge "$name" $(($(count_them) - before)) '')")
		where "$HM_BUILD/tests/netkit" nkit
	done
	equal "$(printf '%s\n' "${cells[@]}")" "netkit_ok: all
netkit_next: all
netkit_some: named"
}

# bats test_tags=vm
@test "reach: latency on netkit, beside programs of its peer" {
	netkit_up
	attach nkit --sample 1 --filter 'proto udp dport 7000'
	send() { on client "$HM_BUILD/tests/traffic" udp-send 10.98.0.1 7000 "$N"; }
	count_them() { rows prerouting input; }
	beside_netkit
	equal "$(rows xdp tc) $(rows tc prerouting)" "$((2 * N)) $((2 * N))" 'stages before'
	each_stamp netkit
}

# bats test_tags=vm
@test "reach: policy on netkit, beside programs of its peer" {
	netkit_up
	on host ip route add default via 10.11.2.2
	on client ip route add 198.51.100.0/24 via 10.98.0.1
	attach nkit policy
	on host "$HM_TOP/scripts/policy.sh" load - <<<'{"rules":[{"id":"r","priority":1,"match":{"proto":"udp","dport":7000},"action":"pass"}]}'
	send() { on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 "$N"; }
	count_them() { on host "$HM_BUILD/hookmap" -j policy | jq '.rows[] | select(.id == "r").packets'; }
	beside_netkit
}

# bats test_tags=vm
@test "reach: path on netkit sees all packets, and what its peer's programs drop" {
	local name seen cells=() port=$((RANDOM % 20000 + 30000))
	netkit_up
	host_attach path --match "udp dport $port src 10.98.0.2"
	for name in netkit_ok netkit_next netkit_some; do
		"set_$name"
		on client "$HM_BUILD/tests/traffic" udp-send 10.98.0.1 "$port" "$N" || true
		seen=$(events path | jq -sr '[map(select(.hook == "net_dev_start_xmit")), map(select(.hook == "netif_receive_skb" and .device == "nkit")),
			map(select(.end == "dropped" and .reason != "NO_SOCKET"))] | map(length) | join(" ")')
		cells+=("$name: $seen")
		where "$HM_BUILD/tests/netkit" nkit
	done
	equal "$(printf '%s\n' "${cells[@]}")" "netkit_ok: $N $N 0
netkit_next: $N $N 0
netkit_some: $N 0 $N" 'sent, received, dropped'
}

# bats test_tags=vm
@test "reach: l2fwd on netkit is refused by name" {
	netkit_up
	fails 1 'nkit is a netkit device, which XDP cannot send to' attach nkit l2fwd
	nothing_left nkit
}
