#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd --mirror: the table follows a kernel bridge, entry by entry, with no daemon

. "${BATS_TEST_DIRNAME}/sandbox.bash"
. "${BATS_TEST_DIRNAME}/l2fwd.bash"

T=88b5$PAD

# bats test_tags=vm
@test "mirror: learned, static, moved, extern, deleted, flushed and aged entries follow" {
	bridge_up 3
	sw ip link add vx0 type vxlan id 5 dstport 4789 local 127.0.0.1
	sw ip link set vx0 master br0 up
	listen 2 1
	say 1 "ffffffffffff$(mac 1)$T"
	heard 2
	sw bridge fdb add 02:00:00:00:01:01 dev p1 master static
	sw bridge fdb add 02:00:00:00:01:02 dev vx0 master static
	sw_attach br0 l2fwd --mirror
	tables_agree
	like "$(our_table)" '02:00:00:00:00:01 0 p1 dynamic'
	like "$(our_table)" '02:00:00:00:01:02 0  fixed'
	# learned
	listen 1 1
	say 2 "$(mac 1)$(mac 2)$T"
	heard 1
	like "$(our_table)" '02:00:00:00:00:02 0 p2 dynamic'
	# moved by a frame: host 1's address comes from host 3
	listen 2 1
	say 3 "$(mac 2)$(mac 1)$T"
	heard 2
	busywait 30 test "$(entry 02:00:00:00:00:01 0 device)" = p3
	tables_agree
	sw bridge fdb replace 02:00:00:00:01:01 dev p2 master static
	sw bridge fdb add 02:00:00:00:01:03 dev p1 master dynamic
	sw bridge fdb add 02:00:00:00:01:04 dev p2 master dynamic extern_learn
	sw bridge fdb replace 02:00:00:00:01:05 dev vx0 master dynamic extern_learn
	sw bridge fdb replace 02:00:00:00:01:06 dev p1 master permanent
	tables_agree
	equal "$(entry 02:00:00:00:01:04 0 type)" extern type
	# commands that the bridge refuses change nothing
	run ! sw bridge fdb add 02:00:00:00:01:01 dev p1 master static
	equal "$(entry 02:00:00:00:01:01 0 device)" p2 'after a refused add'
	run ! sw bridge fdb add "$(sw ip -j link show p1 | jq -r '.[0].address')" dev p2 master static
	tables_agree
	sw bridge fdb del 02:00:00:00:01:03 dev p1 master
	sw ip link set p2 type bridge_slave fdb_flush
	tables_agree
	# aged
	sw ip link set br0 type bridge ageing_time 100
	run_aged() { [[ -z $(entry 02:00:00:00:00:01 0 mac) ]]; }
	busywait 30 run_aged
	tables_agree
	# a bridge elsewhere with the same addresses is another one
	ip link add br0 type bridge
	ip link add d1 type veth peer name d2
	ip link set d1 master br0
	bridge fdb add 02:00:00:00:0f:01 dev d1 master static
	tables_agree
	# link down takes what was learned; a port that leaves takes all
	sw ip link set p3 down
	sw ip link set p1 nomaster
	tables_agree
	sw_detach br0
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
	equal "$(sw ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname')$(sw tc qdisc show | grep clsact || true)" '' 'left on devices'
}

@test "mirror: equal to the bridge after 10 000 random changes, made while it attaches, too" {
	local pid
	bridge_up 3
	# prints commands for bridge -batch: add, replace (move) and del of 500 addresses
	changes() { # SEED COUNT
		awk -v seed="$1" -v count="$2" 'BEGIN {
			srand(seed)
			for (i = 0; i < count; i++) {
				mac = sprintf("02:00:00:00:%02x:%02x", 2 + int(rand() * 2), int(rand() * 250))
				kind = rand()
				what = kind < 0.4 ? "static" : kind < 0.7 ? "dynamic" : "dynamic extern_learn"
				if (rand() < 0.3) printf "fdb del %s dev p%d master\n", mac, 1 + int(rand() * 3)
				else printf "fdb %s %s dev p%d master %s\n", rand() < 0.5 ? "add" : "replace", mac, 1 + int(rand() * 3), what
			}
		}'
	}
	changes 1 4000 | sw bridge -force -batch - >/dev/null 2>&1 || true
	changes 2 3000 | sw bridge -force -batch - >/dev/null 2>&1 3>&- &
	pid=$!
	sw_attach br0 l2fwd --mirror
	wait $pid || true
	changes 3 3000 | sw bridge -force -batch - >/dev/null 2>&1 || true
	tables_agree
	(($(our_table | wc -l) > 200)) || equal "$(our_table | wc -l)" 'more than 200' entries
	# by hand wins, and the bridge does not take it away
	swdb replace 02:00:00:00:02:01 dev p3
	sw bridge fdb replace 02:00:00:00:02:01 dev p1 master static
	sw bridge fdb del 02:00:00:00:02:01 dev p1 master
	equal "$(entry 02:00:00:00:02:01 0 device) $(entry 02:00:00:00:02:01 0 type)" 'p3 static'
	swdb del 02:00:00:00:02:01
	sw_attach br0 l2fwd --mirror
	tables_agree
}

@test "mirror: frames take the fast path; sources go on to refresh their entries" {
	local slow
	bridge_up 2
	sw_attach br0 l2fwd --mirror --refresh 200
	# both are learned by frames through the bridge
	listen 2 1
	say 1 "ffffffffffff$(mac 1)$T"
	heard 2
	listen 1 1
	say 2 "$(mac 1)$(mac 2)$T"
	heard 1
	tables_agree
	listen 2 50
	say 1 "$(mac 2)$(mac 1)$T" 50
	heard 2
	equal "$(sort -u <<<"$HEARD")" "$(mac 2)$(mac 1)$T" 'what host 2 heard'
	# XDP sent all but those that refreshed
	slow=$(reason p1 pass_bridge)
	equal "$(($(port_count p2 tx_packets) + slow))" 50 'sent by XDP, and slow'
	((slow <= 25)) || equal "$slow" 'at most 25' 'slow ones'
	# an entry that is used only by XDP does not age out: ageing is 3 s
	sw ip link set br0 type bridge ageing_time 300
	local end=$((SECONDS + 6))
	while ((SECONDS < end)); do
		say 1 "$(mac 2)$(mac 1)$T"
		sleep 0.05
	done
	equal "$(entry 02:00:00:00:00:01 0 device)" p1 'a busy source'
	tables_agree
}

@test "mirror: port states are respected; a down bridge port gets nothing" {
	bridge_up 3
	sw ip link set br0 type bridge forward_delay 3000
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw_attach br0 l2fwd --mirror --refresh 100
	listen 2 5
	say 1 "$(mac 2)$(mac 1)$T" 5
	heard 2
	# with STP, a port that comes up listens first
	sw ip link set br0 type bridge stp_state 1
	sw ip link set p2 down
	sw ip link set p2 up
	blocked() {
		say 1 "ffffffffffff$(mac 9)$T"
		[[ $(port_count p2 state) == blocked ]]
	}
	busywait 30 blocked
	say 1 "$(mac 2)$(mac 1)$T" 4
	busywait 30 test "$(reason p2 drop_state_out)" -ge 1
	equal "$(port_count p2 tx_packets)" 5 'sent by p2'
	# and an isolated one is left to the bridge
	sw bridge link set dev p3 isolated on
	slow() {
		say 1 "ffffffffffff$(mac 9)$T"
		[[ $(port_count p3 state) != forwarding ]]
	}
	busywait 30 slow
}

@test "mirror: a change of a port's state counts at once, also on the fast path" {
	local slow
	bridge_up 3
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	# static sources never take the slow path: no frame tells of a state here
	sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(entry 00:00:00:00:00:00 0 mac)" '' 'the address that attach knocks with'
	listen 2 5
	say 1 "$(mac 2)$(mac 1)$T" 5
	heard 2
	equal "$(port_count p1 state) $(port_count p2 state) $(port_count p2 tx_packets)" 'forwarding forwarding 5'
	# 0 is disabled; blocking would not last without spanning tree
	sw bridge link set dev p2 state 0
	equal "$(port_count p1 state) $(port_count p2 state)" 'forwarding blocked' 'states after disabling p2'
	say 1 "$(mac 2)$(mac 1)$T" 7
	say 2 "$(mac 1)$(mac 2)$T" 3
	equal "$(reason p2 drop_state_out) $(reason p2 pass_bridge)" '7 3' 'to p2, and from p2 to the bridge'
	equal "$(port_count p1 tx_packets) $(port_count p2 tx_packets)" '0 5' 'sent'
	sw bridge link set dev p2 state 3
	equal "$(port_count p2 state)" forwarding 'state of p2 again'
	listen 1 2
	say 2 "$(mac 1)$(mac 2)$T" 2
	heard 1
	equal "$(port_count p1 tx_packets)" 2 'sent by p1'
	# a bridge of the same name elsewhere, with a port of the same name, is another one
	ip link add br0 type bridge
	ip link add p2 type veth peer name x2
	ip link set x2 up
	ip link set p2 master br0 up
	ip link set br0 up
	bridge link set dev p2 state 0
	equal "$(port_count p2 state)" forwarding 'state of p2 still'
	# no carrier; then it comes back, and spanning tree listens first
	sw ip link set br0 type bridge forward_delay 3000
	sw ip link set br0 type bridge stp_state 1
	state_is() { [[ $(port_count p2 state) == "$1" && $(sw bridge -j link show dev p2 | jq -r '.[0].state') == "$2" ]]; }
	h 2 ip link set eth0 down
	busywait 30 state_is blocked disabled
	h 2 ip link set eth0 up
	busywait 30 state_is blocked listening
	equal "$(port_count p1 state) $(port_count p3 state)" 'forwarding forwarding' 'the others'
	# as it is at attach
	sw_detach br0
	h 3 ip link set eth0 down
	gone() { [[ $(sw bridge -j link show dev p3 | jq -r '.[0].state') == disabled ]]; }
	busywait 30 gone
	sw_attach br0 l2fwd --mirror
	equal "$(port_count p3 state) $(port_count p1 state)" 'blocked forwarding' 'states at attach'
}

@test "mirror: a full table counts what has no room; the bridge forwards it" {
	bridge_up 2
	sw_attach br0 l2fwd --mirror --fdb-size 10
	awk 'BEGIN { for (i = 0; i < 40; i++) printf "fdb add 02:00:00:00:05:%02x dev p2 master static\n", i }' | sw bridge -batch -
	equal "$(hookmap -j fdb | jq -c '.totals.entries')" 10 entries
	(($(hookmap -j fdb | jq .totals.mirror_full) >= 30)) || equal "$(hookmap -j fdb | jq .totals.mirror_full)" 30 mirror_full
	listen 2 3
	say 1 "020000000527$(mac 1)$T" 3
	heard 2
	# one bridge at a time
	sw ip link add br1 type bridge
	run sw "$HM_TOP/scripts/attach.sh" br1 l2fwd --mirror
	equal "$status" 1 status
	like "$output" 'bridge br0 is mirrored already, and a host can have one mirror: detach.sh br0 first'
	equal "$(sw ip -j -d link show p1 | jq -r '.[0].xdp.prog.name')" l2fwd_xdp 'on p1'
	# the bridge vanishes, and then everything of it
	sw ip link del br0
	sw_detach br0
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}
