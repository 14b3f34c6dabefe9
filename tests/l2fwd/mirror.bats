#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd --mirror: the table follows a kernel bridge, entry by entry, with no daemon

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

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
	wait "$pid" || true
	changes 3 3000 | sw bridge -force -batch - >/dev/null 2>&1 || true
	tables_agree
	(($(our_table | wc -l) > 200)) || equal "$(our_table | wc -l)" 'more than 200' entries
	# by hand wins, and the bridge does not take it away
	swdb replace 02:00:00:00:02:01 dev p3
	sw bridge fdb replace 02:00:00:00:02:01 dev p1 master static
	sw bridge fdb del 02:00:00:00:02:01 dev p1 master
	equal "$(entry 02:00:00:00:02:01 0 device) $(entry 02:00:00:00:02:01 0 type)" 'p3 static'
	swdb del 02:00:00:00:02:01
	# nor if its program looked before ours came, and deletes what it did not see
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/bpftool" <<-EOF
		#!/bin/bash
		$(command -v bpftool) "\$@" || exit
		[[ "\$*" == *'map update pinned $G/l2_fdb key'* || "\$*" == *'batch file /'* ]] && [[ -s $BATS_TEST_TMPDIR/late ]] || exit 0
		: >"$BATS_TEST_TMPDIR/late"
		exec $(command -v bpftool) map delete pinned "$G/l2_fdb" key hex 00 00 02 00 00 00 02 01
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bin/bpftool"
	local how
	for how in add load; do
		echo 1 >"$BATS_TEST_TMPDIR/late"
		case $how in
		add) BPFTOOL=$BATS_TEST_TMPDIR/bin/bpftool swdb add 02:00:00:00:02:01 dev p3 ;;
		load) printf '02:00:00:00:02:01 dev p3\n02:00:00:00:02:02 dev p3\n' | BPFTOOL=$BATS_TEST_TMPDIR/bin/bpftool swdb load - ;;
		esac
		equal "$(wc -c <"$BATS_TEST_TMPDIR/late") $(entry 02:00:00:00:02:01 0 type)" '0 static' "$how"
		swdb del 02:00:00:00:02:01
	done
	swdb del 02:00:00:00:02:02
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
	local sent
	bridge_up 3
	sw ip link set br0 type bridge forward_delay 3000
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw_attach br0 l2fwd --mirror --refresh 100
	listen 2 5
	say 1 "$(mac 2)$(mac 1)$T" 5
	heard 2
	sent=$(port_count p2 tx_packets)
	equal "$((sent + $(reason p1 pass_bridge)))" 5 'sent by XDP, and by the bridge so that it is looked at'
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
	equal "$(port_count p2 tx_packets)" "$sent" 'sent by p2'
	# and an isolated one is left to the bridge: static sources have it looked at, too
	sw bridge link set dev p3 isolated on
	slow() {
		say 1 "$(mac 2)$(mac 1)$T"
		[[ $(port_count p3 state) == slow ]]
	}
	busywait 30 slow
	# but for who may speak there
	swdb guard p3 on
	say 3 "$(mac 1)$(mac 3)$T" 3
	equal "$(reason p3 drop_source_mac) $(reason p3 pass_bridge)" '3 0' 'of a guarded port that is isolated'
}

@test "mirror: a port that leaves is left alone; one that joins is the bridge's; attach again" {
	local hand=02:00:00:00:00:09
	bridge_up 4
	sw ip link set p4 nomaster
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	sw_attach br0 l2fwd --mirror --refresh 3600000
	changed() { hookmap -j --summary fdb | jq -r .totals.mirror_changed; }
	equal "$(changed)" false 'changed since attach'
	swdb add "$hand" dev p2
	listen 2 3
	say 1 "$(mac 2)$(mac 1)$T" 2
	say 1 "$(mac 9)$(mac 1)$T"
	heard 2
	equal "$(port_count p2 tx_packets)" 3 'sent by p2'
	# it is the bridge that forwards what comes from and goes to a new port
	sw ip link set p4 master br0
	busywait 30 test "$(changed)" = true
	like "$(hookmap fdb)" 'ports have joined or left the bridge since attach'
	like "$(sw "$HM_TOP/scripts/status.sh" br0)" 'port p4 has joined it, and takes the slow path'
	listen 2 2
	say 4 "$(mac 2)$(mac 4)$T" 2
	heard 2
	busywait 30 test "$(entry 02:00:00:00:00:04 0 type)" = dynamic
	equal "$(port_count p2 tx_packets)" 3 'sent by p2 of port 4'
	# nothing goes out of one that has left, also by hand, and what comes in is the stack's
	sw ip link set p2 nomaster
	say 1 "$(mac 9)$(mac 1)$T" 5
	swdb replace "$hand" dev p1
	say 2 "$(mac 9)$(mac 2)$T" 7
	equal "$(port_count p2 tx_packets) $(port_count p1 tx_packets)" '3 0' 'sent by p2 and p1'
	# (one of the five may have been sent to have the bridge looked at)
	equal "$(($(reason p2 drop_state_out) + $(reason p1 pass_bridge))) $(reason p2 pass_bridge)" '5 7' 'to p2, and from it'
	like "$(sw "$HM_TOP/scripts/status.sh" br0)" 'port p2 has left it'
	# looked at some more times, the table says so, too
	for _ in 1 2 3; do sw bridge fdb add 00:00:00:00:00:00 dev p1 master static 2>/dev/null || true; done
	equal "$(port_count p2 state) $(port_count p1 state)" 'left forwarding' states
	swdb del "$hand"
	sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(changed) $(hookmap -j --summary fdb | jq -r '[.ports[].device] | sort | join(" ")')" 'false p1 p3 p4' 'ports, attached again'
	equal "$(sw ip -j -d link show p2 | jq -r '.[0].xdp')$(sw tc qdisc show dev p2 | grep clsact || true)" null 'left on p2'
	tables_agree
	listen 4 3
	say 1 "$(mac 4)$(mac 1)$T" 3
	heard 4
	equal "$(port_count p4 tx_packets)" 3 'sent by p4'
	# a port that vanishes, one that is called otherwise
	sw ip link set p3 name p5
	sw ip link del p4
	sw_detach br0
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
	equal "$(sw ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname')$(sw tc qdisc show | grep clsact || true)" '' 'left on devices'
}

@test "mirror: a port that is attached is the bridge's from its first frame on" {
	local tool=$BATS_TEST_TMPDIR/ip
	bridge_up 2
	sw ip link set p2 nomaster
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw_attach br0 l2fwd --mirror --refresh 3600000
	sw ip link set p2 master br0
	sw bridge link set dev p1 isolated on
	sw bridge link set dev p2 isolated on
	# frames come as soon as there is a program, and are the first that anybody sees of the port
	printf '%s\n' "$(mac 1)$(mac 2)$T" "$(mac 1)$(mac 2)$T" "$(mac 1)$(mac 2)$T" >"$BATS_TEST_TMPDIR/frames"
	cat >"$tool" <<-EOF
		#!/bin/bash
		$(type -P ip) "\$@" || exit
		[[ "\$*" != *'dev p2 xdp '*/xdp/* && "\$*" != *'dev p2 xdp pinned'* ]] || exec nsenter --net=/run/netns/h2 -- "$HM_BUILD/tests/l2frames" send eth0 <"$BATS_TEST_TMPDIR/frames"
	EOF
	chmod +x "$tool"
	PATH=$BATS_TEST_TMPDIR:$PATH sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(port_count p2 rx_packets) $(port_count p1 tx_packets)" '3 0' 'frames of p2, and sent to p1, from which it is isolated'
}

@test "mirror: what the bridge decides is not set by hand; a port by hand becomes one of the bridge" {
	bridge_up 2
	sw_attach p1 l2fwd
	swdb port p1 mode access 10
	fails 1 'p1 has settings made by hand (fdb.sh port p1) that the bridge decides in a mirror' sw "$HM_TOP/scripts/attach.sh" br0 l2fwd --mirror
	equal "$(sw ip -j -d link show p2 | jq -r '.[0].xdp') $(find /sys/fs/bpf -name '*l2_mirror*')" 'null ' 'after the attach that failed'
	swdb port p1 mode transparent bcast drop
	sw_attach br0 l2fwd --mirror
	refuses() { fails 1 "p2 is a port of the mirrored bridge, which decides on $1 there" swdb port p2 "${@:2}"; }
	refuses block block on
	refuses hairpin hairpin on
	refuses mode mode access 10
	refuses proto proto 802.1ad
	refuses translate translate 5:6
	refuses flooding mcast drop miss flood
	equal "$(port_count p2 state) $(port_count p2 mode)" 'forwarding transparent' p2
	# this is a rule of its own
	swdb port p2 mcast drop
	say 2 "01005e000001$(mac 2)$T" 3
	equal "$(reason p2 drop_multicast)" 3 'p2 drop_multicast'
	# rules count for frames that would take the slow path, too: their source is new here
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	run swdb acl p2 add 5 deny ethertype 0x88b5
	equal "$status" 0 status
	like "$output" 'the bridge does not know these rules'
	say 1 "$(mac 2)$(mac 1)$T" 4
	equal "$(reason p2 drop_acl) $(reason p1 pass_bridge)" '4 0' 'p2 drop_acl, and p1 pass_bridge'
	swdb acl p2 flush 2>/dev/null
	# hairpin is the bridge's: it comes with a look
	sw bridge link set dev p2 hairpin on
	sw bridge fdb add 00:00:00:00:00:00 dev p2 master static 2>/dev/null || true
	listen 2 2
	say 2 "$(mac 2)$(mac 2)$T" 2
	heard 2
	equal "$(port_count p2 tx_packets)" 2 'sent back by p2'
	# the bridge goes; the port by hand stays, as it was
	sw_detach br0
	equal "$(hookmap -j --summary fdb | jq -c '[.ports[] | [.device, .state]]')" '[["p1","forwarding"]]' 'ports left'
	say 1 "ffffffffffff$(mac 1)$T" 2
	equal "$(reason p1 drop_broadcast)" 2 'p1 drop_broadcast'
	sw_detach p1
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}

@test "mirror: an attach that fails leaves ports, and the mirror that there was, as they were" {
	local before tool=$BATS_TEST_TMPDIR/bridge
	maps() { for map in l2_port l2_cfg; do bpftool -j map dump pinned "$G/$map" | cksum; done; }
	bridge_up 2
	sw_attach p1 l2fwd
	sw ip link set dev p2 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	before=$(maps)
	run ! sw_attach br0 l2fwd --mirror
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'p2 has an XDP program that is not ours: somebodys_pass'
	equal "$(maps)" "$before" 'port of before, and settings'
	sw ip link set dev p2 xdp off
	sw_attach br0 l2fwd --mirror --refresh 3600000
	# a second time, and the bridge's entries cannot be listed
	printf '#!/bin/bash\n[[ "$*" != *"fdb show"* ]] || exit 1\nexec %s "$@"\n' "$(type -P bridge)" >"$tool"
	chmod +x "$tool"
	PATH=$BATS_TEST_TMPDIR:$PATH run ! sw_attach br0 l2fwd --mirror --refresh 10
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'br0: its entries cannot be listed'
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	say 1 "$(mac 2)$(mac 1)$T"
	tables_agree
	listen 2 3
	say 1 "$(mac 2)$(mac 1)$T" 3
	heard 2
	equal "$(port_count p2 tx_packets)" 3 'sent by p2'
	sw_detach br0
	equal "$(hookmap -j --summary fdb | jq -c '[.ports[] | [.device, .state]]')" '[["p1","forwarding"]]' 'ports left'
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

# commands WORD...: how many ip, jq and bpftool it takes to attach
commands() {
	local d=$BATS_TEST_TMPDIR/bin c
	mkdir -p "$d"
	for c in ip jq bpftool; do
		printf '#!/bin/bash\necho >>%s/log\nexec %s "$@"\n' "$d" "$(type -P "$c")" >"$d/$c"
		chmod +x "$d/$c"
	done
	: >"$d/log"
	sw env PATH="$d:$PATH" "$HM_TOP/scripts/${SCRIPT:-attach}.sh" "$@" 2>"$BATS_TEST_TMPDIR/attach.err"
	COMMANDS=$(wc -l <"$d/log")
}

@test "mirror: attached again costs the same for 3 addresses and for 300; ports cost the same each" {
	local few i count=()
	bridge_up 1
	sw_attach br0 l2fwd --mirror --fdb-size 400
	commands br0 l2fwd --mirror
	few=$COMMANDS
	awk 'BEGIN { for (i = 0; i < 300; i++) printf "fdb add 02:00:00:01:%02x:%02x dev p1 master static\n", i / 256, i % 256 }' | sw bridge -batch -
	# one is missing, and two in the middle are others than the bridge's
	sw bridge fdb del 02:00:00:01:00:00 dev p1 master
	swdb replace 02:00:00:01:01:05 local
	commands br0 l2fwd --mirror
	((COMMANDS <= few + 4)) || equal "$COMMANDS" "at most $few + 4" 'commands with 300 addresses'
	swdb del 02:00:00:01:01:05
	commands br0 l2fwd --mirror
	tables_agree
	# the snapshot of a bridge that has more than there is room for: said, and as cheap
	awk 'BEGIN { for (i = 0; i < 300; i++) printf "fdb add 02:00:00:02:%02x:%02x dev p1 master static\n", i / 256, i % 256 }' | sw bridge -batch -
	commands br0 l2fwd --mirror
	((COMMANDS <= few + 4)) || equal "$COMMANDS" "at most $few + 4" 'commands with a full table'
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'has no room for 200 addresses of the bridge, which take the slow path'
	# ports
	sw bridge fdb flush dev p1 master 2>/dev/null || sw ip link set p1 type bridge_slave fdb_flush
	for i in 2 3 4 5 6; do
		sw ip link add "p$i" type veth peer name "q$i"
		sw ip link set "p$i" master br0
		commands br0 l2fwd --mirror
		count+=("$COMMANDS")
	done
	equal "$((count[4] - count[3]))" "$((count[2] - count[1]))" 'commands for the sixth port and the fourth'
	((count[4] - few < 34)) || equal "$((count[4] - few))" "less than 34" "commands for a port"
	# what is there as a whole costs nothing (a port that is attached anew, some 30; a table that is not
	# empty, some more)
	commands br0 l2fwd --mirror
	((COMMANDS <= few + 9)) || equal "$COMMANDS" "at most $few + 9" 'commands with six ports, and with one'
	# and what is not is made whole
	sw ip link set p2 xdp off
	sw tc filter del dev p3 ingress
	sw_attach br0 l2fwd --mirror
	equal "$(sw ip -j -d link show | jq '[.[] | select(.xdp.prog.name == "l2fwd_xdp")] | length') $(sw tc filter show dev p3 ingress | grep -c l2fwd_tc)" '6 1' 'ports with the program, and the filter of p3'
	# what the maps have of ports goes at once: a port costs what is on its device
	SCRIPT=detach commands br0
	((COMMANDS < 130)) || equal "$COMMANDS" 'less than 130' 'commands to detach six ports'
	# what the verifier has passed for one port is for all
	sw_attach br0 l2fwd --mirror
	equal "$(sw bpftool -j net show | jq -c '[.[0].xdp[].id, .[0].tc[].id // .[0].tc[].prog_id] | unique | length')" 2 'programs of six ports'
	equal "$(find /sys/fs/bpf/hookmap -path '*/_*')" '' 'staged pins'
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

@test "mirror: a look while the reader reads is no port that has left" {
	local look
	bridge_up 2
	sw_attach br0 l2fwd --mirror --refresh 3600000
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	# as it is when one is made between l2_look and the ports
	read -ra look <<<"$(bpftool -j map lookup pinned "$G/l2_look" key 0 0 0 0 | jq -r '.value | join(" ")')"
	printf -v "look[$HM_OFF_l2_look_looks]" '%d' $((look[HM_OFF_l2_look_looks] - 1))
	bpftool map update pinned "$G/l2_look" key 0 0 0 0 value "${look[@]}"
	equal "$(hookmap -j --summary fdb | jq -c '[.ports[].state, .totals.mirror_changed]')" '["forwarding","forwarding",false]' states
}

# settle STATES: a frame of each host, until the ports are looked at and have these states
settle() {
	say 1 "ffffffffffff$(mac 1)$T"
	say 2 "ffffffffffff$(mac 2)$T"
	[[ $(hookmap -j --summary fdb | jq -r '[.ports[].state] | unique | join(" ")') == "$1" ]]
}

@test "mirror: what the bridge decides by other means is the bridge's: ebtables, iptables, options, backup port" {
	bridge_up 3
	ip -n h1 addr add 10.0.0.1/24 dev eth0
	ip -n h2 addr add 10.0.0.2/24 dev eth0
	sw_attach br0 l2fwd --mirror --refresh 50
	pings() { h 1 ping -q -c 10 -i 0.02 -W 1 10.0.0.2 | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }
	busywait 10 settle forwarding
	equal "$(pings)" 10 'with nothing'
	(($(port_count p2 tx_packets) > 0)) || equal 0 'more than 0' 'by XDP'
	sw iptables -I FORWARD -p icmp -j DROP
	busywait 10 settle slow
	equal "$(pings)" 0 'with bridge-nf-call-iptables and a DROP'
	# the bridge leaves its frames to nobody: the command that the message names
	sw_attach br0 l2fwd --mirror --refresh 50
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'sysctl -w net.bridge.bridge-nf-call-iptables=0'
	sw sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0
	sw_attach br0 l2fwd --mirror --refresh 50
	busywait 10 settle forwarding
	equal "$(pings)" 10 'without bridge-nf'
	if sw ebtables -P FORWARD DROP 2>/dev/null; then
		busywait 10 settle slow
		equal "$(pings)" 0 'with ebtables'
		sw ebtables -P FORWARD ACCEPT
		sw ebtables -X
	fi
	# a port option that nobody here knows
	sw ip link set p2 type bridge_slave proxy_arp on
	busywait 10 settle 'forwarding slow'
	sw ip link set p2 type bridge_slave proxy_arp off
}

@test "mirror: a backup port gets what its port cannot send" {
	bridge_up 3
	sw ip link set br0 type bridge ageing_time 30000
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw ip link set p2 type bridge_slave backup_port p3
	sw_attach br0 l2fwd --mirror
	h 2 ip link set eth0 down
	listen 3 4
	say 1 "$(mac 2)$(mac 1)$T" 4
	heard 3
	equal "$(sort -u <<<"$HEARD")" "$(mac 2)$(mac 1)$T" 'what the backup port sent'
}

@test "mirror: a promiscuous bridge has a copy of each frame: a macvlan on top of it, and a capture" {
	local mac=02:00:00:00:00:0a
	bridge_up 2 mcast_snooping 0
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	# where it was before
	sw bridge fdb add "$mac" dev p2 master static
	sw ip link add mv0 link br0 address "$mac" type macvlan mode bridge
	sw ip link set mv0 up
	arrived() { equal "$(received sw mv0) $(received h 2 eth0)" "$1" 'by macvlan and host 2'; }
	say 1 "$(mac 10)$(mac 1)$T" 5
	arrived '5 5'
	sw_attach br0 l2fwd --mirror --refresh 50
	equal "$(<"$BATS_TEST_TMPDIR/attach.err")" "attach.sh: warning: br0 is promiscuous, and gets a copy of each frame, so all frames take the slow path: a capture, or a device on top of it (macvlan, VLAN) with a MAC address or bridge of its own: ip -d link show dev br0" said
	say 1 "$(mac 10)$(mac 1)$T" 5
	arrived '10 10'
	like "$(hookmap fdb)" 'p1 takes the slow path: the bridge is promiscuous'
	sw ip link del mv0
	busywait 10 because p1 ''
	sw ip link set br0 promisc on
	busywait 10 because p1 promiscuous
	# an ordinary device on top has the bridge's own address
	sw ip link set br0 promisc off
	busywait 10 because p1 ''
}

# tag VID: what follows the source of a tagged frame
tag() { printf '8100%04x%s' "$1" "$T"; }

# bats test_tags=vm
@test "mirror: a VLAN device on a port of the bridge has the frames with its tag, before the bridge" {
	bridge_up 3
	skip_without 'VLAN devices' sw ip link add link p1 name p1.20 type vlan id 20
	sw ip link set p3 nomaster
	sw ip link add br20 type bridge mcast_snooping 0
	sw ip link set p1.20 master br20
	sw ip link set p3 master br20
	for dev in br20 p1.20; do sw ip link set "$dev" up; done
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	# 5 untagged, 7 of tag 20, 3 of tag 30, all for host 2's address: what hosts 2 and 3 receive
	hear() {
		local a b
		a=$(received h 2 eth0) b=$(received h 3 eth0)
		say 1 "$(mac 2)$(mac 1)$T" 5
		say 1 "$(mac 2)$(mac 1)$(tag 20)" 7
		say 1 "$(mac 2)$(mac 1)$(tag 30)" 3
		equal "$(($(received h 2 eth0) - a)) $(($(received h 3 eth0) - b))" "$1" "$2"
	}
	hear '8 7' 'by the bridges alone'
	sw_attach br0 l2fwd --mirror --refresh 3600000
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'p1: VLAN-tagged frames that it receives take the slow path, because VLAN devices on it get them before the bridge: ip -d link show type vlan'
	run ! grep 'gets only what' <<<"$(hookmap fdb)$(sw "$HM_TOP/scripts/status.sh" p1)"
	hear '8 7' 'with the mirror'
	equal "$(port_count p2 tx_packets)" 5 'sent by XDP: those without a tag'
	like "$(hookmap fdb)" 'p1 takes the slow path: frames with a tag, because a VLAN device is on it'
	sw ip link del p1.20
	busywait 10 because p1 ''
	hear '15 0' 'without the VLAN device'
	# 15, and those that busywait sent
	(($(port_count p2 tx_packets) >= 20)) || equal "$(port_count p2 tx_packets)" '20 or more' 'sent by XDP'
}

# bats test_tags=vm
@test "mirror: a VLAN device as a port of the bridge, and VLAN devices on top of the bridge" {
	bridge_up 2 mcast_snooping 0
	skip_without 'VLAN devices' sw ip link add link p1 name p1.20 type vlan id 20
	sw ip link set p1 nomaster
	sw ip link set p1.20 master br0 up
	sw ip link set br0 address 06:00:00:00:00:0a
	sw ip link add link br0 name br0.30 type vlan id 30
	sw ip link set br0.30 up
	sw bridge fdb add 02:00:00:00:00:01 dev p1.20 master static
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	# into VLAN 20 and out of it, to VLAN 30 of the host, and other tags that nobody has
	hear() {
		local a b c
		listen 1 5
		a=$(received h 2 eth0) b=$(received h 1 eth0) c=$(received sw br0.30)
		say 1 "$(mac 2)$(mac 1)$(tag 20)" 7
		say 1 "$(mac 2)$(mac 1)$T" 2
		say 1 "$(mac 2)$(mac 1)$(tag 21)" 3
		say 2 "$(mac 1)$(mac 2)$T" 5
		say 2 "06000000000a$(mac 2)$(tag 30)" 4
		say 2 "06000000000a$(mac 2)$(tag 31)" 6
		heard 1
		equal "$(sort <<<"$HEARD" | uniq -c | xargs)" "5 $(mac 1)$(mac 2)$(tag 20)" "host 1, $1"
		equal "$(($(received h 2 eth0) - a)) $(($(received h 1 eth0) - b)) $(($(received sw br0.30) - c))" '7 5 4' "$1"
	}
	hear 'by the bridge alone'
	sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(hookmap -j --summary fdb | jq -c '[.ports[].device]')" '["p2"]' ports
	hear 'with the mirror'
}

@test "mirror: a VXLAN device as a port: remote entries, several, and next-hop groups" {
	local mode remote
	skip_without VXLAN unshare --net ip link add vx0 type vxlan id 1 dstport 4789 local 127.0.0.1
	bridge_up 2
	# hosts 8 and 9 are behind the tunnel
	for remote in 8 9; do
		ip netns add "h$remote"
		h "$remote" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		ip link add "u$remote" netns sw type veth peer name u0 netns "h$remote"
		sw ip addr add "10.9.$remote.1/24" dev "u$remote"
		sw ip link set "u$remote" up
		h "$remote" ip addr add "10.9.$remote.2/24" dev u0
		h "$remote" ip link set u0 up
		h "$remote" ip link add eth0 address "02:00:00:00:00:0$remote" type vxlan id 100 dstport 4789 local "10.9.$remote.2" remote "10.9.$remote.1"
		h "$remote" ip link set eth0 up
	done
	sw ip link add vx0 type vxlan id 100 dstport 4789 nolearning
	sw ip link set vx0 master br0 up
	fails 1 'vx0 is a vxlan device, which XDP cannot send to' sw "$HM_TOP/scripts/attach.sh" vx0 l2fwd
	for remote in 8 9; do
		sw bridge fdb append 00:00:00:00:00:00 dev vx0 dst "10.9.$remote.2" self
		sw bridge fdb add "02:00:00:00:00:0$remote" dev vx0 dst "10.9.$remote.2" self
		sw bridge fdb add "02:00:00:00:00:0$remote" dev vx0 master static
		sw ip nexthop add id "$remote" via "10.9.$remote.2" fdb
	done
	sw ip nexthop add id 100 group 8 fdb
	sw bridge fdb add 02:00:00:00:00:0b dev vx0 nhid 100 self
	sw bridge fdb add 02:00:00:00:00:0b dev vx0 master static extern_learn
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	heard_by() { # HOST FRAME FROM
		listen "$1" 3
		say "$3" "$2" 3
		heard "$1"
		equal "$(sort <<<"$HEARD" | uniq -c | xargs)" "3 $2" "$mode: host $1"
	}
	for mode in alone mirrored; do
		heard_by 8 "$(mac 8)$(mac 1)$T" 1
		heard_by 9 "$(mac 9)$(mac 1)$T" 1
		heard_by 8 "$(mac 11)$(mac 2)$T" 2
		heard_by 1 "$(mac 1)$(mac 8)$T" 8
		heard_by 2 "$(mac 2)$(mac 9)$T" 9
		# unknown: to all of the tunnel
		heard_by 9 "$(mac 99)$(mac 1)$T" 1
		[[ $mode == alone ]] || break
		sw_attach br0 l2fwd --mirror --refresh 100
		tables_agree
	done
	# the group changes, an entry moves away from the tunnel, and back
	sw ip nexthop replace id 100 group 9 fdb
	heard_by 9 "$(mac 11)$(mac 2)$T" 2
	sw bridge fdb replace 02:00:00:00:00:0b dev p1 master static
	tables_agree
	heard_by 1 "$(mac 11)$(mac 2)$T" 2
	sw bridge fdb replace 02:00:00:00:00:0b dev vx0 master static
	tables_agree
	heard_by 9 "$(mac 11)$(mac 2)$T" 2
	fails 1 'vx0' swdb add 02:00:00:00:00:0c dev vx0
}

@test "mirror: what the fast path goes past: VLAN statistics, which attach names, and captures" {
	local d=$BATS_TEST_TMPDIR/stats pid
	bridge_up 2
	# (this kernel may not have them)
	mkdir "$d"
	cat >"$d/ip" <<-EOF
		#!/bin/bash
		out=\$($(type -P ip) "\$@") || exit
		[[ "\$*" != "-j -d link show dev br0" ]] || out=\$(jq -c '.[0].linkinfo.info_data.vlan_stats_enabled = 1' <<<"\$out")
		[[ -z \$out ]] || printf '%s\n' "\$out"
	EOF
	chmod +x "$d/ip"
	PATH=$d:$PATH sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(<"$BATS_TEST_TMPDIR/attach.err")" 'attach.sh: warning: br0: its VLAN statistics (bridge -s vlan) count frames of the slow path only; hookmap fdb counts all of a port' 'said'
	sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(<"$BATS_TEST_TMPDIR/attach.err")" '' 'said without'
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static
	say 1 "$(mac 2)$(mac 1)$T" 2
	# what comes first at p1 is what is not forwarded
	sw "$HM_BUILD/tests/l2frames" recv p1 1 "$BATS_TEST_TMPDIR/ready" >"$BATS_TEST_TMPDIR/capture" 3>&- &
	pid=$!
	busywait 30 test -e "$BATS_TEST_TMPDIR/ready"
	listen 2 5
	say 1 "$(mac 2)$(mac 1)$T" 5
	heard 2
	say 1 "0180c200000e$(mac 1)88cc$PAD"
	wait "$pid"
	equal "$(<"$BATS_TEST_TMPDIR/capture")" "0180c200000e$(mac 1)88cc$PAD" 'captured at p1'
}

@test "mirror: a bridge that was deleted and made again is attached again with the command that is named" {
	local command said before
	bridge_up 2
	sw_attach br0 l2fwd --mirror
	said() { hookmap --summary fdb && sw "$HM_TOP/scripts/status.sh"; }
	again() {
		sw ip link add br0 type bridge
		for p in p1 p2; do sw ip link set "$p" master br0; done
		sw ip link set br0 up
	}
	for command in 'attach.sh br0 l2fwd --mirror' 'detach.sh br0'; do
		sw ip link del br0
		like "$(said)" "br0 has vanished: detach.sh br0; or attach.sh br0 l2fwd --mirror, if it was made again"
		equal "$(hookmap -j --summary fdb | jq .totals.mirror_changed)" true 'changed'
		again
		said=$(said)
		like "$said" "$command"
		# nothing is forwarded meanwhile but by the bridge
		before=$(port_count p2 tx_packets)
		listen 2 3
		say 1 "ffffffffffff$(mac 1)$T" 3
		heard 2
		equal "$(port_count p2 tx_packets)" "$before" 'sent by XDP'
		# shellcheck disable=SC2086
		sw "$HM_TOP/scripts/"$command 2>/dev/null
		[[ $command == attach* ]] || sw_attach br0 l2fwd --mirror
		busywait 10 settle forwarding
		tables_agree
		run ! grep -q 'vanished' <<<"$(said)"
		sw bridge fdb replace 02:00:00:00:00:02 dev p2 master static
		sw bridge fdb replace 02:00:00:00:00:01 dev p1 master static
		before=$(($(port_count p2 tx_packets) + $(reason p1 pass_bridge)))
		listen 2 4
		say 1 "$(mac 2)$(mac 1)$T" 4
		heard 2
		equal "$(($(port_count p2 tx_packets) + $(reason p1 pass_bridge)))" $((before + 4)) 'by XDP'
	done
	sw_detach br0
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}

@test "mirror: a host that leaves checksums unfinished: TCP goes on, by the slow path, and attach says so" {
	local i
	bridge_up 3
	for i in 1 2; do
		ip -n "h$i" addr add "10.0.0.$i/24" dev eth0
		h "$i" ethtool -K eth0 tx on >/dev/null
	done
	ip -n sw tuntap add tap9 mode tap vnet_hdr
	sw ip link set tap9 master br0 up
	sw_attach br0 l2fwd --mirror
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'p1: frames that it receives take the slow path: its veth peer eth0 leaves TCP and UDP checksums to its device: nsenter --net=/run/netns/h1 ethtool -K eth0 tx off; then attach again'
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'tap9: frames that it receives take the slow path: its VM may leave checksums and segments to the host (vnet_hdr on)'
	equal "$(port_count p1 state) $(port_count p3 state)" 'slow forwarding' states
	h 2 "$HM_BUILD/tests/traffic" tcp-server 10.0.0.2 7000 20 3>&- &
	busywait 10 h 1 timeout 30 "$HM_BUILD/tests/traffic" tcp-client 10.0.0.2 7000 20
	wait $!
	# the command that it names
	sw ip link del tap9
	for i in 1 2; do h "$i" ethtool -K eth0 tx off >/dev/null; done
	sw_attach br0 l2fwd --mirror
	busywait 10 settle forwarding
	h 1 ethtool -K eth0 tx on >/dev/null
	sw_attach br0 l2fwd --mirror --force
	busywait 10 settle forwarding
}

# bats test_tags=vm
@test "mirror: a bond is no port, nor is its slave; behind a bridge it takes the slow path" {
	local i
	bridge_up 2
	skip_without bonding sw ip link add bond0 type bond mode active-backup miimon 10
	for i in 1 2 3; do
		ip link add "s$i" netns sw type veth peer name "eth$i" netns h2
		h 2 ip link set "eth$i" up
	done
	slave() { # DEV
		sw ip link set "$1" down
		sw ip link set "$1" master bond0
	}
	slave s1
	sw ip link set bond0 up
	fails 1 'bond0 is a bond device, which XDP cannot send to' sw "$HM_TOP/scripts/attach.sh" bond0 l2fwd
	fails 1 's1 is a slave of bond0, whose frames it would forward past the bond' sw "$HM_TOP/scripts/attach.sh" s1 l2fwd
	sw ip link set bond0 master br0
	sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(hookmap -j --summary fdb | jq -c '[.ports[].device]')" '["p1","p2"]' ports
	# out of a slave's peer, as if it were host 2
	from() { # DEV HEX COUNT
		local i
		for ((i = 0; i < $3; i++)); do printf '%s\n' "$2"; done | h 2 "$HM_BUILD/tests/l2frames" send "$1"
	}
	active() { [[ $(sw cat /sys/class/net/bond0/bonding/active_slave 2>/dev/null || sw ip -j -d link show bond0 | jq -r '.[0].linkinfo.info_data.active_slave') == "$1" ]]; }
	up() { [[ $(sw ip -j -d link show "$1" | jq -r '.[0].linkinfo.info_slave_data.mii_status') == UP ]]; }
	busywait 10 up s1
	# what comes by the bond is the bridge's, in both directions
	listen 1 5
	from eth1 "$(mac 1)$(mac 9)$T" 5
	heard 1
	equal "$(sort <<<"$HEARD" | uniq -c | xargs)" "5 $(mac 1)$(mac 9)$T" 'by the bond'
	busywait 30 test "$(entry 02:00:00:00:00:09 0 type)" = dynamic
	equal "$(entry 02:00:00:00:00:09 0 device)$(port_count p1 tx_packets)" 0 'device of the entry, and sent by XDP'
	# a slave that joins later, with our program on it: a device that is not a port, for the stack
	sw ip link set dev s2 xdp obj "$HM_BUILD/xdp/l2fwd.o"
	slave s2
	busywait 10 up s2
	sw ip link set s1 down
	busywait 10 active s2
	listen 1 7
	from eth2 "$(mac 1)$(mac 9)$T" 7
	heard 1
	equal "$(sort <<<"$HEARD" | uniq -c | xargs) $(reason '(none)' pass_no_port) $(port_count p1 tx_packets)" "7 $(mac 1)$(mac 9)$T 7 0" 'by the second slave'
	# an inactive one's frames are the bond's to drop
	sw ip link set s1 up
	busywait 10 up s1
	active s2
	from eth1 "$(mac 1)$(mac 8)$T" 3
	equal "$(entry 02:00:00:00:00:08 0 mac)" '' 'heard by an inactive slave'
	# a port by hand that becomes a slave is named, and attached again refused
	sw_attach s3 l2fwd
	slave s3
	equal "$(hookmap -j --summary --dev s3 fdb | jq -c '.ports[0].above')" '["bond0"]' 'above s3'
	like "$(sw "$HM_TOP/scripts/status.sh" s3)" 'bond0 is above s3, and gets only what l2fwd does not forward'
	fails 1 's3 is a slave of bond0' sw "$HM_TOP/scripts/attach.sh" s3 l2fwd
	sw_detach s3
	sw_detach br0
	# VLAN devices and a VRF are above a port, too
	sw ip link add vrf0 type vrf table 7
	sw ip link set p1 nomaster
	sw ip link set p1 master vrf0
	sw ip link add link p2 name p2.10 type vlan id 10
	sw_attach p1 l2fwd
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'vrf0 is above p1, and gets'
	sw_attach p2 l2fwd
	equal "$(hookmap -j --summary fdb | jq -c '[.ports[] | select(.device | test("^p")) | .above]')" '[["vrf0"],["br0","p2.10"]]' 'above p1 and p2'
}

@test "mirror: an entry that is wrong, whatever made it so, is made right by the next slow frames" {
	local zeros i
	bridge_up 3
	sw_attach br0 l2fwd --mirror --refresh 10
	for i in 1 2 3; do
		listen $((i % 3 + 1)) 1
		say "$i" "ffffffffffff$(mac "$i")$T"
		heard $((i % 3 + 1))
	done
	tables_agree
	printf -v zeros ' 00%.0s' {1..80}
	put() { # LAST-BYTE PORT: as a lost or overtaken tracepoint leaves it
		# shellcheck disable=SC2086
		bpftool map update pinned "$G/l2_fdb" key hex 00 00 02 00 00 00 00 "$1" value hex "$2" 00 01 00 00 00 00 "$1" $zeros
	}
	says() { # MAC FROM TO DEVICE: until it is there
		say "$2" "$(mac "$3")$(mac "$2")$T"
		[[ $(entry "$1" 0 device) == "$4" ]]
	}
	# it speaks itself: one frame does
	put 02 03
	equal "$(entry 02:00:00:00:00:02 0 device)" p3 'set wrong'
	say 2 "$(mac 1)$(mac 2)$T"
	equal "$(entry 02:00:00:00:00:02 0 device)" p2 'after a frame of its own'
	# it is silent, and spoken to
	put 02 03
	busywait 30 says 02:00:00:00:00:02 1 2 p2
	# the table has not got it
	bpftool map delete pinned "$G/l2_fdb" key hex 00 00 02 00 00 00 00 02
	busywait 30 says 02:00:00:00:00:02 1 2 p2
	# the bridge has not got it
	put 77 03
	busywait 30 says 02:00:00:00:00:77 1 119 ''
	tables_agree
	# by hand stays
	swdb add 02:00:00:00:00:78 dev p3
	say 1 "$(mac 120)$(mac 1)$T" 5
	say 2 "$(mac 1)$(mac 120)$T" 5
	equal "$(entry 02:00:00:00:00:78 0 device)" p3 'by hand'
}

@test "mirror: scripts, the bridge and looks at it undo nothing of each other, on two CPUs" {
	local runs moves undone
	bridge_up 2
	sw_attach br0 l2fwd --mirror --refresh 3600000
	equal "$(sw "$HM_BUILD/tests/l2hammer" ports "$G/l2_port" "$G/l2_wire" "$G/l2_cfg" 2 p2 15000)" '0 0 0' 'settings of a port, states, settings of all, undone'
	sw bridge link set dev p2 state 3
	read -r runs moves undone <<<"$(sw "$HM_BUILD/tests/l2hammer" entries "$G/l2_fdb" 2 p1 p2 1000)"
	((runs > 1000 && moves > 1000)) || equal "$runs $moves" more 'runs and moves'
	equal "$undone" 0 'entries that are not what was written'
	# the memory of an entry that a program has looked up may be another one's when it writes, within
	# too short a time to wait for: this is what it sees then
	local other=${OTHER_ENTRY/00 00/00 01} # one that the bridge has learned
	# shellcheck disable=SC2086
	bpftool map update pinned "$G/l2_fdb" key hex 00 00 02 00 00 00 00 0a value hex $other
	sw bridge fdb replace 02:00:00:00:00:0a dev p1 master static
	sw bridge fdb replace 02:00:00:00:00:0a dev p2 master static
	equal "$(bpftool -j map lookup pinned "$G/l2_fdb" key hex 00 00 02 00 00 00 00 0a | jq -r '.value | join(" ") | gsub("0x"; "")')" \
		"$other" 'the entry of another one'
	# a script that is stopped between reading and writing, while the bridge blocks the port
	printf '#!/bin/bash\n[[ "$*" != *"map update pinned %s/l2_port"* ]] || bridge link set dev p2 state 0\nexec %s "$@"\n' "$G" "$(type -P bpftool)" >"$BATS_TEST_TMPDIR/bpftool"
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	BPFTOOL=$BATS_TEST_TMPDIR/bpftool swdb guard p2 on
	equal "$(port_count p2 state)" blocked 'state of p2'
}

@test "mirror: queueing disciplines and filters of a port do what they do on the bridge" {
	local before sent
	bridge_up 2
	sw bridge fdb add 02:00:00:00:00:99 dev p1 master static
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	# host 1 has the address that the filter here drops
	# arrive COUNT WHAT: of ten frames to host 2
	arrive() {
		before=$(received h 2 eth0)
		say 1 "$(mac 2)$(mac 153)$T" 10
		busywait 10 test "$(($(received h 2 eth0) - before))" -ge "$1"
		equal "$(($(received h 2 eth0) - before))" "$1" "of ten, with $2"
	}
	stops() { # DEV WHY: what a filter or shaper there stops, and not when it has gone
		busywait 10 because "$1" "$2"
		arrive 0 "$2 of $1"
	}
	goes() {
		busywait 10 because "$1" ''
		sent=$(port_count p2 tx_packets)
		arrive 10 "$2"
		(($(port_count p2 tx_packets) > sent)) || equal "$(port_count p2 tx_packets)" "more than $sent" 'sent by XDP'
	}
	# latency has rules of iptables, which are none of the bridge's
	sw sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0 2>/dev/null || true
	# before it is attached
	sw tc qdisc add dev p2 root tbf rate 8bit burst 1 latency 1ms
	sw_attach br0 l2fwd --mirror --refresh 10
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'p2: frames sent to it take the slow path, because of its queueing discipline: tc qdisc show dev p2'
	stops p2 qdisc
	like "$(hookmap fdb)" 'p2 takes the slow path: a queueing discipline'
	sw tc qdisc del dev p2 root
	goes p2 nothing
	# and after that
	sw tc qdisc add dev p2 root handle 1: tbf rate 8bit burst 1 latency 1ms
	stops p2 qdisc
	sw tc qdisc del dev p2 root
	sw tc qdisc add dev p2 root pfifo_fast
	goes p2 pfifo_fast
	sw tc qdisc del dev p2 root
	# clsact is there, with our own filter
	sw tc filter add dev p2 egress pref 7 bpf da obj "$HM_BUILD/tests/bpf/shot.o"
	stops p2 egress_filter
	sw tc filter del dev p2 egress pref 7
	goes p2 nothing
	sw tc filter add dev p1 ingress pref 7 bpf da obj "$HM_BUILD/tests/bpf/shot.o"
	stops p1 ingress_filter
	sw_attach br0 l2fwd --mirror --refresh 10
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'p1: frames that it receives take the slow path, because of filters: tc filter show dev p1 ingress'
	sw tc filter del dev p1 ingress pref 7
	goes p1 nothing
	if sw tc filter add dev p1 ingress pref 1 protocol all u32 match u32 0 0 police rate 8bit burst 1 conform-exceed drop 2>/dev/null; then
		stops p1 ingress_filter
		sw tc filter del dev p1 ingress pref 1
		goes p1 nothing
	fi
	if sw nft -f - <<<'table netdev t { chain c { type filter hook ingress device "p1" priority 0; ether type 0x88b5 drop; }; }' 2>/dev/null; then
		stops p1 ingress_filter
		sw nft delete table netdev t
		goes p1 nothing
	fi
	# what measures, and lets all pass, is no filter
	sw_attach p2 latency
	goes p2 latency
}

# bats test_tags=vm
@test "mirror: queueing disciplines and filters of a port, kind by kind" {
	local kind
	bridge_up 2
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static
	sw ip link add p3 numtxqueues 2 numrxqueues 2 type veth peer name q3
	sw ethtool -K q3 tx off >/dev/null
	sw ip link set dev q3 up
	sw ip link set dev p3 master br0 up
	sw_attach br0 l2fwd --mirror --refresh 10
	# is DEV WHY WHAT
	is() { busywait 10 because "$1" "$2" || equal "$(hookmap -j --summary fdb | jq -c '[.ports[] | {device, slow_because}]')" "$1: $2" "$3"; }
	shot() { sw tc filter add "$@" bpf da obj "$HM_BUILD/tests/bpf/shot.o"; }

	# a queue of mq that shapes, and it alone
	sw tc qdisc add dev p3 root handle 1: mq
	is p3 '' mq
	sw tc qdisc replace dev p3 parent 1:2 tbf rate 1mbit burst 3000 latency 1ms
	is p3 qdisc 'tbf below mq'
	sw tc qdisc del dev p3 root
	sw tc qdisc add dev p3 root handle 1: htb default 10
	sw tc class add dev p3 parent 1: classid 1:10 htb rate 1mbit
	is p3 qdisc 'htb with a class'
	sw tc qdisc del dev p3 root
	for kind in fq fq_codel; do
		sw tc qdisc add dev p3 root "$kind" 2>/dev/null || continue
		is p3 '' "$kind"
		sw tc qdisc replace dev p3 root sfq
		is p3 qdisc "sfq"
		sw tc qdisc del dev p3 root
	done

	# a list of filters that is empty, one that no packet comes to, and one behind ours
	sw tc filter del dev p2 ingress
	sw tc filter add dev p1 ingress chain 5 pref 9 bpf da obj "$HM_BUILD/tests/bpf/shot.o"
	is p1 '' 'chain 5'
	is p2 '' 'an empty clsact'
	shot dev p1 ingress pref 2 handle 77 protocol all
	is p1 ingress_filter 'two programs of one filter'
	sw tc qdisc del dev p1 clsact
	# filters of a block that two ports share
	for kind in p1 p2; do
		sw tc qdisc del dev "$kind" clsact 2>/dev/null || true
		sw tc qdisc add dev "$kind" ingress_block 22 egress_block 23 clsact
	done
	is p1 '' 'an empty block'
	shot block 22 pref 9
	shot block 23 pref 9
	is p1 'ingress_filter egress_filter' 'blocks'
	is p2 'ingress_filter egress_filter' 'blocks'
	for kind in p1 p2; do sw tc qdisc del dev "$kind" clsact; done
	is p1 '' nothing
	bpftool -n prog load "$HM_BUILD/tests/bpf/shot.o" /sys/fs/bpf/shot
	if sw bpftool net attach tcx_ingress pinned /sys/fs/bpf/shot dev p1 2>/dev/null; then
		sw bpftool net attach tcx_egress pinned /sys/fs/bpf/shot dev p2
		is p1 ingress_filter tcx
		is p2 egress_filter tcx
		sw bpftool net detach tcx_ingress dev p1
		is p1 '' 'no tcx'
		sw bpftool net detach tcx_egress dev p2
		is p2 '' 'no tcx'
	fi
	if sw nft -f - <<<'table netdev t { chain c { type filter hook egress device "p2" priority 0; ether type 0x88b5 drop; }; }' 2>/dev/null; then
		is p2 egress_filter nft
	fi
}
