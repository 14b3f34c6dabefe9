#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What README.md says to type by hand works, as it is written there

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }

# block FIRST-LINE-PATTERN: the code blocks of "Typed by hand", on and off
block() { # 1 | 2
	awk -v want="$1" '/^## Typed by hand/ { here = 1; next } /^## / { here = 0 }
		here && /^```sh$/ { n++; on = 1; next } /^```$/ { on = 0 } here && on && n == want' "$HM_TOP/README.md"
}

type_block() { # NUMBER [SED-SCRIPT]: in the host, from the top of the tree
	local script
	script=$(block "$1" | sed "s|build/|$HM_BUILD/|g${2:+;$2}")
	[[ $script == *iptables* ]]
	(cd "$HM_TOP" && on host bash -ec "$script")
}

send() {
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 5000 997 >/dev/null 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :5000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 5000 997
	wait $!
}

every_packet() {
	local cfg
	cfg=$(bpftool -j map dump pinned "$G/lat_cfg" | jq -r '.[0].value | .[0] = "0x01" | map(ltrimstr("0x")) | join(" ")')
	# shellcheck disable=SC2086
	bpftool map update pinned "$G/lat_cfg" key 0 0 0 0 value hex $cfg
}

by_hand() { # SED-SCRIPT
	run -0 type_block 1 "$1"
	like "$output" "packets seen"
	every_packet
	send
	equal "$(rows tc input)" 997 "tc -> input"
	(($(rows xdp tc) >= 997))
	equal "$(on host "$2" -nvxL TSTAMP | awk '/LOG/ { print $1 }')" 997 "packets that the rule logged"
	# the scripts see it
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: attached by hand"
	type_block 2 "$1"
	nothing_left
	equal "$(on host "$2" -S | grep -c TSTAMP)" 0 "chains"
}

@test "by hand: the README's commands, with iptables-nft" {
	by_hand 's/^iptables/iptables-nft/' iptables-nft
}

@test "by hand: the README's commands, with iptables-legacy" {
	skip_without "iptables-legacy" on host iptables-legacy -L
	by_hand 's/^iptables/iptables-legacy/' iptables-legacy
}

@test "by hand: in any order of attachment the maps are the same ones" {
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	one=$(bpftool -j map show pinned "$G/lat_stat" | jq .id)
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress prio 1 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	for program in latency_xdp latency_tc; do
		like " $(bpftool -j prog show | jq -r --arg name "$program" --argjson id "$one" '.[] | select(.name == $name) | select(.map_ids | index($id)) | .name')" "$program"
	done
}

@test "by hand: status.sh lists our programs of every feature, in XDP and at tc, and nobody else's" {
	local s=$HM_TOP/scripts/status.sh dev
	for dev in a c e; do on host ip link add name "$dev" type veth peer name "$(tr ace bdf <<<"$dev")"; done
	on host ip link set dev a xdpgeneric obj "$HM_BUILD/xdp/l2fwd.o"
	on host ip link set dev e xdpgeneric obj "$HM_BUILD/xdp/pass.o"
	for dev in b/latency c/policy d/l2fwd f/count; do
		on host tc qdisc add dev "${dev%/*}" clsact
		on host tc filter add dev "${dev%/*}" ingress pref 7 handle 1 bpf da obj "$HM_BUILD/tc/${dev#*/}.o"
	done
	equal "$(on host "$s" | sed -n 's/: attached by hand$//p' | sort | paste -sd ' ')" "a b c d" "by hand"
	equal "$(on host "$s" -j | jq -c '[sort_by(.device)[] | select(.by_hand) | .xdp.program // .tc[].program]')" \
		'["l2fwd_xdp","latency_tc","policy_tc","l2fwd_tc"]' programs
}

@test "by hand: status.sh --check names what ends the hook before our filter" {
	local s=$HM_TOP/scripts/status.sh dev
	for dev in host client server; do on "$dev" sysctl -eqw net.ipv6.conf.all.disable_ipv6=1; done
	for dev in eth0 veth0; do
		on host tc qdisc add dev "$dev" clsact
		on host tc filter add dev "$dev" ingress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
		on host ip link set dev "$dev" xdp obj "$HM_BUILD/xdp/latency.o"
	done
	on host tc filter add dev eth0 ingress pref 3 handle 1 bpf da obj "$HM_BUILD/tests/bpf/beside.o" sec classifier
	udp host 10.11.1.1 23
	equal "$(lost seen) $(lost not_at_tc)" "23 23" "seen, not at tc"
	run -1 on host "$s" --check
	equal "$(grep -c 'not reached' <<<"$output")" 1 "lines"
	like "$output" 'attached but not reached: latency at tc (the filter beside_ok (id '
	run -1 on host "$s" --check eth0
	like "$output" "eth0: attached by hand"
	equal "$(on host "$s" --check -j | jq -c '[.[] | [.device, .features, .by_hand, (.missed | length)]] | sort')" '[["eth0",["latency"],true,1],["veth0",["latency"],true,0]]' "JSON"
	like "$(hookmap)" "attached by hand: "
	# one that has only XDP has nothing behind it that could be missed
	on host tc filter del dev eth0 ingress pref 9
	run -0 on host "$s" --check
	on host tc filter del dev eth0 ingress pref 3
	on host tc filter add dev eth0 ingress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	run -0 on host "$s" --check eth0
	udp host 10.11.1.1 29
	equal "$(rows xdp tc)" 29 "xdp -> tc"
}

@test "by hand: detach.sh takes off what was attached by hand" {
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress prio 1 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	detach eth0
	equal "$(on host ip -j link show eth0 | jq '.[0].xdp')" null XDP
	equal "$(on host tc filter show dev eth0 ingress)" "" filters
	equal "$(find "$G" -type f)" "" pins
}

@test "by hand: detach.sh --all takes off the README's rules, programs and pins, and no rule of others" {
	local ipt
	for ipt in iptables ip6tables; do on host "$ipt" -A INPUT -i eth0 -p tcp --dport 22 -m comment --comment 'x --object-pinned /sys/fs/bpf/hookmap/latency_input y' -j ACCEPT; done
	run -0 type_block 1
	# in another table, and more than one
	bpftool prog loadall "$HM_BUILD/iptables/latency.o" /sys/fs/bpf/hookmap/mine type socket map name lat_stat pinned "$G/lat_stat" \
		map name lat_stamp pinned "$G/lat_stamp" map name lat_hist pinned "$G/lat_hist"
	for ipt in iptables ip6tables; do
		on host "$ipt" -t raw -A PREROUTING -i eth0 -m bpf --object-pinned /sys/fs/bpf/hookmap/mine/latency_raw
		for i in 1 2; do on host "$ipt" -I INPUT -m bpf --object-pinned /sys/fs/bpf/hookmap/mine/latency_input; done
	done
	send
	(($(rows tc prerouting) >= 997 && $(rows prerouting input) >= 997))
	run -0 on host "$HM_TOP/scripts/detach.sh" --all
	equal "$(grep -c 'note: removing a rule of ip' <<<"$output")" 7 rules
	equal "$(find /sys/fs/bpf -type f ! -name '*.debug')" "" pins
	equal "$(on host iptables -S)" "-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N TSTAMP
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -m comment --comment \"x --object-pinned /sys/fs/bpf/hookmap/latency_input y\" -j ACCEPT
-A INPUT -i eth0 -p udp -m udp --dport 5000 -j TSTAMP" "rules of others"
	equal "$(on host ip6tables -S | grep ^-A)" "-A INPUT -i eth0 -p tcp -m tcp --dport 22 -m comment --comment \"x --object-pinned /sys/fs/bpf/hookmap/latency_input y\" -j ACCEPT" "rules of others"
}

@test "by hand: an XDP program of yours runs behind ours, by tc exec bpf graft" {
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	index=$(on host ip -j link show eth0 | jq '.[0].ifindex')
	on host tc exec bpf graft m:globals/xdp_next key "$index" obj "$HM_BUILD/tests/bpf/xdp_drop.o" type xdp sec prog
	run ! on client ping -q -c 2 -i 0.05 -W 0.2 10.11.1.1
}

# of HOST: the devices of the rows, read there
of() {
	on "$1" "$HM_BUILD/hookmap" -j latency | jq -r '[.rows[] | "\(.device) \(.netns)"] | unique[]'
}

@test "by hand: a reader in another network namespace gives the device no name, least of all its own one's" {
	local index text
	index=$(on host ip -j link show eth0 | jq '.[0].ifindex')
	ip netns add "$LAB-decoy"
	on decoy ip link add decoy0 index "$index" type veth peer name decoy1 index 99
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress prio 1 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	every_packet
	udp host 10.11.1.1 20
	equal "$(of host)" "eth0 $LAB-host" "in its own namespace"
	text=$(on host "$HM_BUILD/hookmap" latency)
	[[ $text != *"by hand"* ]]
	# with nobody's filter, with another's, and with one of ours that attach.sh has put there
	equal "$(of decoy)" "if$index -" "without filters"
	on decoy tc qdisc add dev decoy0 clsact
	on decoy tc filter add dev decoy0 ingress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/count.o"
	equal "$(of decoy)" "if$index -" "with another filter"
	on decoy "$HM_TOP/scripts/attach.sh" decoy0 latency 2>/dev/null
	equal "$(of decoy)" "if$index -" "with latency by attach.sh"
	like "$(on decoy "$HM_BUILD/hookmap" latency)" "NETNS -: attached by hand in another network namespace (or detached since): read it there (nsenter --net=/run/netns/NAME -- hookmap latency)"
	like "$(on decoy "$HM_BUILD/hookmap" --prom)" "device=\"if$index\",netns=\"-\""
	equal "$(on decoy "$HM_BUILD/hookmap" --prom | grep stage_latency | grep -c decoy0)" 0 "rows of the other device"
	# a device without the filter has no name either
	on host tc filter del dev eth0 ingress pref 1
	equal "$(of host)" "if$index -" "taken off"
	ip netns del "$LAB-decoy"
}

@test "by hand: status.sh names our programs in other network namespaces" {
	local s=$HM_TOP/scripts/status.sh text
	on client ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	text=$(on host "$s")
	like "$text" "elsewhere: programs of ours are on eth0 in network namespace /run/netns/$LAB-client: detach.sh --all removes them"
	[[ $text != *"nothing of hookmap"* ]]
	equal "$(on host "$s" -j 2>/dev/null)" "[]" JSON
	like "$(on host "$s" -j 2>&1)" "note: elsewhere: programs of ours are on eth0"
	# what is shown anyway is not named again
	on client ip link set dev eth0 xdp off
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress prio 1 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	text=$(on host "$s")
	like "$text" "eth0: attached by hand"
	[[ $text != *elsewhere* ]]
	on host "$HM_TOP/scripts/detach.sh" --all
	equal "$(on host "$s")" "nothing of hookmap is attached"
}
