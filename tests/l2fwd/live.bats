#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd on live frames: four hosts behind a switch; unicast, flood copies, moves, VLAN
# isolation; together with latency

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

T=88b5$PAD
BCAST=ffffffffffff

# bats test_tags=vm
@test "l2fwd: unicast arrives byte for byte, at its host only, and follows a move" {
	local i
	switch_up 4
	for i in 1 2 3 4; do sw_attach "p$i" l2fwd; done
	for i in 1 2 3 4; do swdb add "02:00:00:00:00:0$i" dev "p$i"; done
	listen 2 97
	say 1 "$(mac 2)$(mac 1)$T" 97
	heard 2
	equal "$(sort -u <<<"$HEARD")" "$(mac 2)$(mac 1)$T" 'what host 2 heard'
	equal "$(port_count p2 tx_packets)" 97 'sent by p2'
	equal "$(port_count p3 tx_packets) $(port_count p4 tx_packets)" '0 0' 'sent by the others'
	equal "$(entry 02:00:00:00:00:02 0 packets)" 97 'of the entry'
	# host 2 moves to port 3
	swdb replace 02:00:00:00:00:02 dev p3
	listen 3 5
	say 1 "$(mac 2)$(mac 1)$T" 5
	heard 3
	equal "$(port_count p2 tx_packets) $(port_count p3 tx_packets)" '97 5' 'sent'
	equal "$(entry 02:00:00:00:00:02 0 packets)" 102 'the entry keeps its count'
	# one MAC goes, another on the same port stays
	swdb del 02:00:00:00:00:02
	listen 3 3
	say 1 "$(mac 2)$(mac 1)$T" 4
	say 1 "$(mac 3)$(mac 1)$T" 3
	heard 3
	equal "$(sort -u <<<"$HEARD")" "$(mac 3)$(mac 1)$T" 'what host 3 heard'
	equal "$(reason p1 pass_unknown)" 4 'unknown ones'
}

@test "l2fwd: flooding: one copy a member, with the tag that its port wants" {
	local i
	switch_up 4
	for i in 1 2 3 4; do sw_attach "p$i" l2fwd; done
	swdb port p1 mode access 10 bcast flood miss flood mcast flood
	swdb port p2 mode access 10
	swdb port p3 mode trunk 10,20 bcast flood proto 802.1ad translate 100:10
	swdb port p4 mode access 20
	listen 2 3
	listen 3 3
	say 1 "$BCAST$(mac 1)$T"
	say 1 "$(mac 99)$(mac 1)$T"
	say 1 "01005e000001$(mac 1)$T"
	heard 2
	equal "$HEARD" "$(printf '%s\n' "$BCAST$(mac 1)$T" "$(mac 99)$(mac 1)$T" "01005e000001$(mac 1)$T")" 'host 2'
	heard 3
	equal "$HEARD" "$(printf '%s\n' "$BCAST$(mac 1)88a80064$T" "$(mac 99)$(mac 1)88a80064$T" "01005e00000188a80064" | sed "3s/.*/01005e000001$(mac 1)88a80064$T/")" 'host 3'
	equal "$(port_count p4 tx_packets) $(port_count p1 tx_packets)" '0 0' 'another VLAN, and the port itself'
	equal "$(reason p1 flooded)" 3 flooded
	# from the trunk, with priority: access ports get it untagged, VLAN 20 gets its own
	listen 1 1
	listen 2 1
	listen 4 1
	say 3 "$BCAST$(mac 3)88a8e064$T"
	say 3 "$BCAST$(mac 3)88a80014$T"
	for i in 1 2 4; do
		heard "$i"
		equal "$HEARD" "$BCAST$(mac 3)$T" "host $i"
	done
	# rules of a port count for copies; a blocked port gets none
	swdb acl p2 add 1 drop ethertype 0x88b5
	swdb port p3 block on
	say 1 "$BCAST$(mac 1)$T" 2
	busywait 30 test "$(reason p2 drop_acl)" = 2
	equal "$(port_count p2 tx_packets) $(port_count p3 tx_packets)" '4 3' 'copies'
	equal "$(reason p2 drop_acl)" 2 'p2 drop_acl'
}

@test "l2fwd: flooding: truth table of copies: port modes, and tags of the customer inside" {
	local in out i own inner to sent expected
	local -a mode=('' 'access 10' 'access 10 proto 802.1ad' 'trunk 10' 'trunk 10 proto 802.1ad')
	local -a type=('' 8100 88a8 8100 88a8)
	switch_up 4
	for i in 1 2 3 4; do
		sw_attach "p$i" l2fwd
		# shellcheck disable=SC2086
		swdb port "p$i" mode ${mode[i]} bcast flood miss flood
	done
	# tag PORT PRIORITY: of a frame outside of it
	tag() { (($1 < 3)) || printf '%s%s00a' "${type[$1]}" "$2"; }
	for in in 1 2 3 4; do
		sent='' own=
		((in < 3)) || own=6
		for inner in '' 81000007 88a80007 8100600788a80008 88a8000781000008; do
			# an access port takes a tag of its own kind for its own
			((in > 2)) || [[ -z $inner || ${inner:0:4} != "${type[in]}" ]] || continue
			for to in $BCAST "$(mac 99)"; do sent+="$to $inner"$'\n'; done
		done
		for out in 1 2 3 4; do ((out == in)) || listen "$out" "$(($(wc -l <<<"$sent") - 1))"; done
		while read -r to inner; do
			[[ -z $to ]] || printf '%s%s%s%s%s\n' "$to" "$(mac "$in")" "$(tag "$in" "$own")" "$inner" "$T"
		done <<<"$sent" | h "$in" "$HM_BUILD/tests/l2frames" send eth0
		for out in 1 2 3 4; do
			((out != in)) || continue
			heard "$out"
			expected=$(while read -r to inner; do
				[[ -z $to ]] || printf '%s%s%s%s%s\n' "$to" "$(mac "$in")" "$(tag "$out" "${own:-0}")" "$inner" "$T"
			done <<<"$sent")
			equal "$HEARD" "$expected" "from ${mode[in]} to ${mode[out]}"
		done
	done
	# 6, 6, 10 and 10 frames
	equal "$(port_count p1 tx_packets) $(port_count p3 tx_packets) $(port_count p3 tx_copies)" '26 22 22' 'copies'
	equal "$(reason p3 flooded)" 10 'p3 flooded'
	# a flooded copy is no hit, and a broadcast is no look-up of a station
	equal "$(hookmap --prom fdb | sed -n 's/^hookmap_fdb_lookups_total{device="p3",result="\(.*\)"}/\1/p' | sort | xargs)" 'flooded 5 hit 0 local 0 miss 0' 'look-ups at p3'
	# a copy that the device does not take
	sw ip link set p2 down
	say 1 "$BCAST$(mac 1)$T" 3
	busywait 30 test "$(reason p2 drop_copy)" = 3
	equal "$(reason p2 pass_no_device) $(port_count p2 tx_packets)" '0 26' 'p2'
}

@test "l2fwd: transparent ports are flooded in XDP, tags and all" {
	local i
	switch_up 3
	for i in 1 2 3; do
		sw_attach "p$i" l2fwd
		swdb port "p$i" bcast flood
	done
	listen 2 5
	listen 3 5
	say 1 "$BCAST$(mac 1)81000bad$T" 5
	for i in 2 3; do
		heard "$i"
		equal "$(sort -u <<<"$HEARD")" "$BCAST$(mac 1)81000bad$T" "host $i"
	done
	equal "$(reason p1 flooded)" 5 flooded
}

@test "l2fwd: in generic mode, too" {
	switch_up 2
	sw_attach p1 l2fwd --mode generic
	sw_attach p2 l2fwd --mode generic
	swdb port p1 mode access 10 bcast flood
	swdb port p2 mode trunk 10
	swdb add 02:00:00:00:00:02 dev p2 vlan 10
	listen 2 12
	say 1 "$(mac 2)$(mac 1)$T" 11
	say 1 "$BCAST$(mac 1)$T"
	heard 2
	equal "$(sort -u <<<"$HEARD")" "$(printf '%s\n' "$(mac 2)$(mac 1)8100000a$T" "$BCAST$(mac 1)8100000a$T")"
	sw_detach p1
	sw_detach p2
	equal "$(sw ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname')" '' 'left in XDP'
}

# sizes FROM TAG...: frames of 60 to 9014 bytes without the tag, of which a first piece has some 3500
sizes() {
	local n pad
	printf -v pad '%04500d' 0
	pad=$PAD$(tr 0 a <<<"$pad")$PAD${pad//0/5b}$PAD
	for n in 60 61 1514 1515 3000 3482 3486 3490 3506 4096 4100 7000 8996 9013 9014; do
		printf '%s%s\n' "$1" "${T:0:4}${pad:0:2*(n - 14 - 2)}$(printf '%04x' "$n")"
	done
}

# bats test_tags=vm
@test "l2fwd: frames of 60 to 9018 bytes, byte for byte, tags pushed and popped, flooded as well" {
	local mode i
	switch_up 3
	for i in 1 2 3; do
		h "$i" ip link set dev eth0 xdp off
		h "$i" ip link set dev eth0 mtu 9000
		sw ip link set dev "p$i" mtu 9000
		h "$i" ip link set dev eth0 xdp obj "$HM_BUILD/xdp/pass.o" sec xdp.frags
	done
	for mode in native generic; do
		for i in 1 2 3; do sw_attach "p$i" l2fwd --mode "$mode"; done
		equal "$(sw ip -j -d link show p1 | jq -r '.[0].xdp | "\(.mode) \(.prog.name)"')" \
			"$([[ $mode == native ]] && echo 1 l2fwd_frags || echo 2 l2fwd_xdp)" "on p1, $mode"
		swdb port p1 mode access 10 bcast flood
		swdb port p2 mode trunk 10
		swdb port p3 mode access 10
		swdb add 02:00:00:00:00:01 dev p1 vlan 10
		swdb add 02:00:00:00:00:02 dev p2 vlan 10
		swdb add 02:00:00:00:00:03 dev p3 vlan 10
		for way in "1 2 8100000a" "2 3 8100000a" "3 1"; do
			# shellcheck disable=SC2086
			set -- $way
			listen "$2" 15
			sizes "$(mac "$2")$(mac "$1")$([[ $1 != 2 ]] || printf %s "$3")" | h "$1" "$HM_BUILD/tests/l2frames" send eth0
			heard "$2"
			equal "$(md5sum <<<"$HEARD")" "$(sizes "$(mac "$2")$(mac "$1")$([[ $2 != 2 ]] || printf %s "$3")" | md5sum)" "from $1 to $2, $mode"
		done
		equal "$(port_count p2 rx_bytes) $(port_count p2 tx_bytes)" "$(sizes "$(mac 1)$(mac 2)8100000a" | tr -d '\n' | wc -c | awk '{ print $1 / 2, $1 / 2 }')" "bytes of p2, $mode"
		listen 2 15
		listen 3 15
		sizes "$BCAST$(mac 1)" | h 1 "$HM_BUILD/tests/l2frames" send eth0
		for i in 2 3; do
			heard "$i"
			equal "$(md5sum <<<"$HEARD")" "$(sizes "$BCAST$(mac 1)$([[ $i != 2 ]] || echo 8100000a)" | md5sum)" "copies to $i, $mode"
		done
		for i in 1 2 3; do sw_detach "p$i"; done
	done
	# transparent ports: XDP sends the same to all, and can copy only frames in one piece
	for i in 1 2 3; do
		sw_attach "p$i" l2fwd
		swdb port "p$i" bcast flood
		((i == 1)) || listen "$i" 15
	done
	sizes "$BCAST$(mac 1)" | h 1 "$HM_BUILD/tests/l2frames" send eth0
	for i in 2 3; do
		heard "$i"
		equal "$(md5sum <<<"$HEARD")" "$(sizes "$BCAST$(mac 1)" | md5sum)" "transparent copies to $i"
	done
}

# both are on p1: latency counts, l2fwd forwards
both_work() { # PACKETS before
	listen 2 7
	say 1 "$(mac 2)$(mac 1)$(ip4 17 10.0.0.1 10.0.0.2 "$(l4 1 2)")" 7
	heard 2
	equal "$(port_count p2 tx_packets)" "$(($1 + 7))" 'sent by p2'
}

@test "l2fwd: shares a device with latency, whoever comes and goes first" {
	local name
	switch_up 2
	LAB=
	slot() { sw ip -j -d link show p1 | jq -r '.[0].xdp.prog.name // "-"'; }
	sw_attach p2 l2fwd
	# l2fwd, then latency behind which it goes
	sw_attach p1 l2fwd
	swdb add 02:00:00:00:00:02 dev p2
	equal "$(slot)" l2fwd_xdp slot
	both_work 0
	sw_attach p1 latency --sample 1 --filter 'dev p1'
	equal "$(slot)" latency_xdp slot
	both_work 7
	equal "$(lost seen)" 7 'seen by latency'
	sw_attach p1 latency l2fwd
	equal "$(slot)" latency_xdp slot
	# the user's own program does not fit in there
	run sw_attach p1 latency --next "$HM_BUILD/tests/bpf/xdp_pass.o"
	equal "$status" 1 status
	both_work 14
	equal "$(lost seen)" 14 'seen by latency'
	# latency goes: l2fwd moves up
	sw_detach p1 latency
	equal "$(slot)" l2fwd_xdp slot
	both_work 21
	# both, and l2fwd goes
	sw_attach p1 latency
	sw_detach p1 l2fwd
	equal "$(slot)" latency_xdp slot
	equal "$(hookmap -j fdb | jq -c '[.ports[].device]')" '["p2"]' ports
	# latency first, l2fwd behind it
	sw_attach p1 l2fwd
	equal "$(slot)" latency_xdp slot
	both_work 28
	sw_detach p1
	sw_detach p2
	equal "$(slot)" - slot
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}

@test "l2fwd: what it drops is in hookmap drops once, with its reason, in both modes" {
	local i mode
	switch_up 3
	"$HM_TOP/scripts/attach.sh" --host drops
	for i in 1 2 3; do
		mode=native
		((i != 3)) || mode=generic
		sw_attach "p$i" l2fwd --mode "$mode"
		swdb port "p$i" mode access 10
		swdb add "02:00:00:00:00:0$i" dev "p$i" vlan 10
	done
	swdb acl p2 add 1 deny ethertype 0x88b5
	for i in 1 3; do
		swdb port "p$i" miss drop
		say "$i" "$(mac 2)$(mac "$i")$T" $((10 + i))
		say "$i" "$(mac 99)$(mac "$i")$T" $((20 + i))
		say "$i" "$(mac 2)$(mac "$i")8100000b$T" $((30 + i))
	done
	# rows of the switch, of XDP and of anything else
	lost_rows() { hookmap -j drops "$@" | jq -r '.rows[] | select(.netns == "sw") | "\(.device) \(.layer) \(.reason) \(.location) \(.packets)"' | sort; }
	all_there() { (($(hookmap -j drops | jq '[.rows[] | select(.netns == "sw") | .packets] | add // 0') >= 132)); }
	busywait 30 all_there
	equal "$(lost_rows)" "p1 xdp L2FWD_ACL XDP_DROP 11
p1 xdp L2FWD_DROP_UNKNOWN XDP_DROP 21
p1 xdp L2FWD_VLAN_IN XDP_DROP 31
p3 xdp L2FWD_ACL XDP_DROP 13
p3 xdp L2FWD_DROP_UNKNOWN XDP_DROP 23
p3 xdp L2FWD_VLAN_IN XDP_DROP 33" 'losses in the switch'
	# the ports' own counters agree; a rule counts at the port that has it
	equal "$(reason p2 drop_acl) $(reason p1 drop_unknown) $(reason p3 drop_vlan_in)" '24 21 33' 'reasons of ports'
	# what passes is no loss, and there with --all
	say 1 "0180c200000e$(mac 1)$T" 7
	passed() { like "$(lost_rows --all)" 'p1 xdp L2FWD_CONTROL XDP_PASS 7'; }
	busywait 30 passed
	like "$(hookmap drops --explain)" 'a rule of the port'
	# the table of verdicts goes with its last user
	"$HM_TOP/scripts/detach.sh" --host drops
	equal "$(find "$G" -name 'xdp_verdict')" "$G/xdp_verdict" 'pin with l2fwd'
	"$HM_TOP/scripts/attach.sh" --host drops
	for i in 1 2 3; do sw_detach "p$i"; done
	equal "$(find "$G" -name 'xdp_verdict')" "$G/xdp_verdict" 'pin with drops'
	"$HM_TOP/scripts/detach.sh" --host drops
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}

@test "l2fwd: a program of the user behind latency is not replaced" {
	switch_up 1
	sw_attach p1 latency --next "$HM_BUILD/tests/bpf/xdp_pass.o"
	run sw "$HM_TOP/scripts/attach.sh" p1 l2fwd
	equal "$status" 1 status
	like "$output" 'is not ours: somebodys_pass'
	equal "$(find "$G" -name 'l2_*')" '' 'maps left'
	equal "$(hookmap -j status | jq -r '.devices[0].features')" latency features
}
