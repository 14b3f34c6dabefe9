#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# fdb.sh, attach and detach of l2fwd, hookmap fdb: bad input leaves everything as it
# was, sizes, second runs, nothing left behind

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

state() { hookmap -j fdb | jq -c '[(.rows | sort_by(.vlan, .mac)), (.ports | map(del(.rx_packets, .rx_bytes))), .rules]'; }

# refused STATUS PATTERN WORD...: fdb.sh says one line, and changes nothing
refused() {
	local before
	before=$(state)
	run fdb "${@:3}"
	equal "$status" "$1" "status of fdb.sh ${*:3}"
	like "$output" "$2"
	one_line "$output"
	equal "$(state)" "$before" "state after fdb.sh ${*:3}"
}

@test "fdb.sh: what is wrong is refused in one line, and nothing changes" {
	ports 2
	ip link add q9 type veth peer name q8
	fdb add 02:00:00:00:00:01 dev p1
	fdb acl p1 add 5 permit
	refused 2 'expected a MAC address' add 02:00:00:00:00 dev p1
	refused 2 'expected a MAC address' add 02:00:00:00:00:0g dev p1
	refused 2 'expected a MAC address' del 020000000001
	refused 2 'no arguments: shows all' show
	refused 2 'group address' add 03:00:00:00:00:01 dev p1
	refused 2 'group address' add ff:ff:ff:ff:ff:ff dev p1
	refused 2 'not the address of a station' add 00:00:00:00:00:00 dev p1
	refused 2 'from 1 to 4094' add 02:00:00:00:00:02 dev p1 vlan 0
	refused 2 'from 1 to 4094' add 02:00:00:00:00:02 dev p1 vlan 4095
	refused 2 'from 1 to 4094' add 02:00:00:00:00:02 dev p1 vlan ten
	refused 2 'needs a value' add 02:00:00:00:00:02 dev p1 vlan
	refused 2 'unknown word' add 02:00:00:00:00:02 dev p1 port 3
	refused 2 'say where' add 02:00:00:00:00:02
	refused 1 'no device nope' add 02:00:00:00:00:02 dev nope
	refused 1 'is not a port of l2fwd' add 02:00:00:00:00:02 dev q9
	refused 1 'already exists' add 02:00:00:00:00:01 dev p2
	refused 1 'no entry' del 02:00:00:00:00:01 vlan 7
	refused 2 'unknown port setting' port p1 speed 10
	refused 2 'from 1 to 4094' port p1 mode access 5000
	refused 2 'expected VLANs' port p1 mode trunk all
	refused 2 'the first is larger' port p1 mode trunk 20-10
	refused 2 'is transparent' port p1 native 5
	refused 2 'expected pass, flood or drop' port p1 mode access 3 miss maybe
	refused 2 'expected OUT:IN' port p1 translate 5
	refused 1 'no device nope' port nope miss drop
	refused 2 'expected permit or deny' acl p1 add 7 reject
	refused 2 'src 010.0.0.1: expected an IPv4 or IPv6 prefix' acl p1 add 7 deny src 010.0.0.1
	refused 2 'dst 10.0.0.0/08: expected' acl p1 add 7 deny dst 10.0.0.0/08
	refused 2 'dport 025: expected a number' acl p1 add 7 deny proto tcp dport 025
	refused 2 'vlan 010: expected a number' add 02:00:00:00:00:01 dev p1 vlan 010
	refused 2 'protocol icmp has no ports' acl p1 add 7 deny proto icmp dport 25
	refused 2 'the first is larger' acl p1 add 7 deny proto tcp dport 26-25
	refused 2 'expected an IPv4 or IPv6 prefix' acl p1 add 7 deny src 10.0.0.0/33
	refused 2 'another protocol family' acl p1 add 7 deny src 10.0.0.0/8 dst fd00::/8
	refused 2 'bits are set after the prefix' acl p1 add 7 deny src 10.0.0.1/24
	refused 2 'proto is given twice' acl p1 add 7 deny proto tcp proto udp
	refused 2 'no frame has both: ethertype 0x0800, and proto icmp6' acl p1 add 7 deny proto icmp6 src 10.0.0.0/8
	refused 2 'no frame has both: ethertype 0x0806, and fragment' acl p1 add 7 deny ethertype arp fragment yes
	refused 2 'has no ports' acl p1 add 7 deny proto tcp dport 5 fragment yes
	refused 1 'priority 5 already' acl p1 add 5 deny
	refused 1 'no rule of priority 6' acl p1 del 6
	refused 2 'expected an IPv4 or IPv6 address' guard p1 add 02:00:00:00:00:01 10.0.0.1 10.0.0
	refused 1 'is not known' guard p1 del 02:00:00:00:00:09
	refused 2 'guard on takes no argument' guard p1 on junk
	refused 2 'guard flush takes no argument' guard p1 flush 02:00:00:00:00:01
	refused 2 'acl flush takes no argument' acl p1 flush 5
	refused 2 'acl default needs' acl p1 default deny 5
	refused 2 'unknown option' --force flush
	printf '%s\n' '# comment' '' '7 permit' '8 deny icmp dport 3' >"$BATS_TEST_TMPDIR/rules"
	refused 1 'line 4: protocol icmp has no ports' acl p1 load "$BATS_TEST_TMPDIR/rules"
	printf '%s\n' '7 permit' '7 deny' >"$BATS_TEST_TMPDIR/rules"
	refused 1 'line 2: priority 7 already exists' acl p1 load "$BATS_TEST_TMPDIR/rules"
	# a directory is no file without lines
	refused 1 "$BATS_TEST_TMPDIR: cannot be read" acl p1 load "$BATS_TEST_TMPDIR"
	refused 1 "$BATS_TEST_TMPDIR: cannot be read" load "$BATS_TEST_TMPDIR"
	refused 1 'nope: cannot be read' acl p1 load nope
	# nothing stays in TMPDIR, either
	mkdir "$BATS_TEST_TMPDIR/tmp"
	printf '#!/bin/bash\n! grep -qs update "$3" || exit 1\nexec %s "$@"\n' "$(type -P bpftool)" >"$BATS_TEST_TMPDIR/bpftool"
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	TMPDIR=$BATS_TEST_TMPDIR/tmp BPFTOOL=$BATS_TEST_TMPDIR/bpftool refused 1 'batch file' acl p1 add 7 deny
	equal "$(ls "$BATS_TEST_TMPDIR/tmp")" '' 'temporary files'
}

# bats test_tags=layout
@test "fdb.sh -n: what would be removed is shown, and stays" {
	local before verb
	all() { state && bpftool map dump pinned "$G/l2_guard"; }
	ports 1
	fdb add 02:00:00:00:00:01 dev p1 vlan 5
	fdb guard p1 add 02:00:00:00:00:02
	before=$(all)
	equal "$(fdb -n flush 2>&1)" "+ bpftool map delete pinned $G/l2_fdb key hex 05 00 02 00 00 00 00 01" 'flush'
	for verb in 'del 02:00:00:00:00:02' flush; do
		# shellcheck disable=SC2086
		like "$(fdb -n guard p1 $verb 2>&1)" "+ bpftool map delete pinned $G/l2_guard key hex 01 00 02 00 00 00 00 02 "
	done
	equal "$(all)" "$before" 'state'
}

@test "fdb.sh: a port of the name local is not this host's stack" {
	ports 1
	ip link add local type veth peer name q2
	l2_attach local l2fwd
	fdb add 02:00:00:00:00:01 dev local
	fdb add 02:00:00:00:00:02 local
	equal "$(fdb dump | sort)" '02:00:00:00:00:01 dev local
02:00:00:00:00:02 local' entries
	refused 2 'takes a MAC and a VLAN only' del 02:00:00:00:00:01 local
	# the last word counts, as in a file
	fdb replace 02:00:00:00:00:01 dev p1 local
	printf '02:00:00:00:00:02 local dev p1\n02:00:00:00:00:03 dev p1 local\n' | fdb load -
	equal "$(fdb dump | sort)" '02:00:00:00:00:01 local
02:00:00:00:00:02 dev p1
02:00:00:00:00:03 local' entries
}

@test "fdb.sh dump, load: a device whose name begins with # is no comment" {
	ports 1
	ip link add '#p' type veth peer name '#q'
	l2_attach '#p' l2fwd
	fdb add 02:00:00:00:00:01 dev '#p'
	fdb dump >"$BATS_TEST_TMPDIR/dump"
	fdb flush
	{ cat "$BATS_TEST_TMPDIR/dump" && printf '%s\n' '# x' '02:00:00:00:00:02 dev p1 #vlan 9' '02:00:00:00:00:03 local # y'; } | fdb load -
	equal "$(fdb dump | sort)" $'02:00:00:00:00:01 dev #p\n02:00:00:00:00:02 dev p1\n02:00:00:00:00:03 local' entries
}

@test "fdb.sh: an entry that no frame will use is said" {
	said() { equal "$(fdb "${@:2}" 2>&1)" "${1:+fdb.sh: warning: $1}" "what fdb.sh ${*:2} says"; }
	ports 2
	fdb port p1 mode access 51
	said '02:00:00:00:00:01: no frame will use it: p1 has VLANs, and an entry without vlan is for transparent ports (add vlan 51)' add 02:00:00:00:00:01 dev p1
	said '02:00:00:00:00:01 vlan 99: no frame will use it: p1 is not in VLAN 99 (hookmap fdb shows its VLANs)' add 02:00:00:00:00:01 dev p1 vlan 99
	said '02:00:00:00:00:01 vlan 9: no frame will use it: p2 is transparent, and its entries have no vlan' replace 02:00:00:00:00:01 dev p2 vlan 9
	said '' add 02:00:00:00:00:01 dev p1 vlan 51
	said '' add 02:00:00:00:00:02 dev p2
	said '' add 02:00:00:00:00:02 local vlan 7
	# many at once: one line
	fdb flush
	printf '02:00:00:00:00:%s\n' '01 dev p1 vlan 51' '02 dev p1 vlan 52' '03 dev p1' '04 dev p2' '05 dev p2 vlan 51' '06 local vlan 9' >"$BATS_TEST_TMPDIR/file"
	said "$BATS_TEST_TMPDIR/file: no frame will use 3 of its entries; the first is 02:00:00:00:00:02 vlan 52: p1 is not in VLAN 52 (hookmap fdb shows its VLANs)" load "$BATS_TEST_TMPDIR/file"
	sed -i '2,3d; /vlan 51/!b; /p2/d' "$BATS_TEST_TMPDIR/file"
	said '' load "$BATS_TEST_TMPDIR/file"
	# and what was right, when the port changes
	fdb flush
	fdb load "$BATS_TEST_TMPDIR/file"
	said '' port p1 mode trunk 50-60
	said '' port p1 miss drop native 50
	said 'p1: no frame will use 1 of its entries; the first is 02:00:00:00:00:01 vlan 51: p1 is not in VLAN 51 (hookmap fdb shows its VLANs)' port p1 mode access 52
	said 'p1: no frame will use 1 of its entries; the first is 02:00:00:00:00:01 vlan 51: p1 is transparent, and its entries have no vlan' port p1 mode transparent
	said 'p2: no frame will use 1 of its entries; the first is 02:00:00:00:00:04: p2 has VLANs, and an entry without vlan is for transparent ports (add vlan N)' port p2 mode trunk 4000-4094
}

@test "hookmap fdb: all that fdb.sh sets is there, of all ports and of one" {
	local what
	settings() { hookmap -j --summary --dev "$1" fdb | jq -c '.ports[] | [.proto, .miss, .bcast, .mcast, .storm, .hairpin, .guard, .acl_default, .state, .pvid]'; }
	ports 2
	equal "$(settings p1)" '["802.1q","pass","pass","pass",0,false,false,"permit","forwarding",0]' 'a new port'
	fdb port p1 mode trunk "$(seq -s, 1 2 4093)" native 7 proto 802.1ad translate 300:9 translate 5:11 miss flood bcast drop mcast flood storm 100 hairpin on block on
	fdb guard p1 add 02:00:00:00:00:01 fd00::1 10.0.0.2 10.0.0.1
	fdb guard p1 add 02:00:00:00:00:05
	fdb guard p1 on
	fdb acl p2 default deny
	equal "$(settings p1)" '["802.1ad","flood","drop","flood",100,true,true,"permit","blocked",7]' p1
	equal "$(settings p2)" '["802.1q","pass","pass","pass",0,false,false,"deny","forwarding",0]' p2
	equal "$(port_count p1 vlans)" "$(seq -s, 1 2 4093)" 'VLANs of p1'
	equal "$(hookmap -j fdb | jq -c '[.translations[] | [.device, .outside, .inside]], [.guard[] | [.device, .mac, .address]]')" \
		'[["p1",5,11],["p1",300,9]]
[["p1","02:00:00:00:00:01","10.0.0.1"],["p1","02:00:00:00:00:01","10.0.0.2"],["p1","02:00:00:00:00:01","fd00::1"],["p1","02:00:00:00:00:05","any"]]' 'sections'
	like "$(hookmap fdb)" ' 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,... (2047) blocked '
	like "$(hookmap fdb)" ' proto 802.1ad, miss flood, bcast drop, mcast flood, storm 100, hairpin on, block on, guard on '
	# rules in the words that were typed
	fdb acl p2 add 1 deny proto tcp dport 25
	fdb acl p2 add 2 permit src 10.0.0.0/8 proto gre
	fdb acl p2 add 3 deny ethertype arp vlan 7
	fdb acl p2 add 4 deny dst fd00::/8 proto icmp6 fragment yes
	fdb acl p2 add 5 deny proto udp sport 1-2 dport 53
	equal "$(hookmap -j fdb | jq -r '.rules[] | "\(.priority) \(.match)"')" '1 proto tcp dport 25
2 src 10.0.0.0/8 proto gre
3 ethertype arp vlan 7
4 dst fd00::/8 proto icmp6 fragment yes
5 proto udp sport 1-2 dport 53' 'rules'
	# of one port: by the reader, and by fdb.sh, as a table
	fdb add 02:00:00:00:00:01 dev p1 vlan 7
	fdb add 02:00:00:00:00:02 dev p2
	equal "$(hookmap -j --dev p2 fdb | jq -c '[.rows, .ports, .rules, .guard, .translations | map(.device) | unique]')" '[["p2"],["p2"],["p2"],[],[]]' 'of p2'
	for what in port acl guard; do equal "$(fdb "$what" p1)" "$(hookmap --summary --dev p1 fdb)" "fdb.sh $what p1"; done
	like "$(fdb port p2)" 'p2              2 permit src 10.0.0.0/8 proto gre '
	fails 1 'q1 is not a port of l2fwd' hookmap --dev q1 fdb
	# and gone again
	fdb port p1 translate none storm 0 miss pass
	fdb guard p1 flush
	equal "$(hookmap -j fdb | jq -c '[.translations, .guard]')" '[[],[]]' 'nothing set'
}

@test "fdb.sh: the lock is free while somebody reads what it shows" {
	local pid what
	ports 1
	awk 'BEGIN { for (i = 0; i < 2000; i++) printf "02:00:00:00:%02x:%02x dev p1\n", i / 256, i % 256 }' >"$BATS_TEST_TMPDIR/file"
	fdb load "$BATS_TEST_TMPDIR/file"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	fdb dump >"$BATS_TEST_TMPDIR/pipe" 3>&- &
	pid=$!
	exec {HELD}<"$BATS_TEST_TMPDIR/pipe"
	read -r -u "$HELD" what
	timeout 50 "$HM_TOP/scripts/fdb.sh" del "${what%% *}"
	equal "$(cat <&"$HELD" | wc -l)" 1999 'the other lines'
	exec {HELD}<&-
	wait "$pid"
}

@test "fdb.sh, attach: each command that a meaning of a reason or a message names is one" {
	local text command words alternative n=0
	ports 1
	text=$(grep -hoE '"[^"]*\.sh [^"]*' "$HM_TOP"/kern/abi/*.h "$HM_TOP"/user/*.c)
	while read -r command; do
		# each of what stands for others
		read -ra words <<<"$(sed 's/\bDEV\b/p1/; s/\bVID\b/10/; s/\bN\b/100/; s/\bMAC\b/02:00:00:00:00:01/; s/\bADDRESS\b/10.0.0.1/; s/\bBRIDGE\b/p1/; s/--by %s/--by smac/; s/%s/exec/; s/ again$//; s/ changes it$/ icmp/' <<<"$command")"
		for alternative in ${words[-1]//|/ }; do
			run "$HM_TOP/scripts/${words[0]}" -n "${words[@]:1:${#words[@]}-2}" "$alternative"
			((status != 2)) || equal "$output" 'is understood' "$command"
			n=$((n + 1))
		done
	done < <(grep -oE '\b(fdb|attach|detach|policy)\.sh( [[:alnum:]|%-]+)+' <<<"$text")
	((n >= 20)) || equal "$n" 'at least 20' 'commands tried'
}

@test "fdb.sh: translations, a guard and rules that let nothing through are said" {
	said() { equal "$(fdb "${@:2}" 2>&1)" "${1:+fdb.sh: warning: $1}" "what fdb.sh ${*:2} says"; }
	ports 2
	fdb add 02:00:00:00:00:02 dev p2
	said 'p2: translate 5:6: no frame will use it: p2 is transparent (mode trunk LIST)' port p2 translate 5:6
	said 'p1: translate 5:6: no frame will use it: p1 is not in VLAN 6' port p1 mode trunk 7 translate 5:6
	said '' port p1 mode trunk 6,8 translate 5:6
	said 'p1: translate 8:6: p1 is also in VLAN 8, which leaves as 8 and comes back as 6' port p1 translate 8:6
	# swapped, which is fine
	said '' port p1 translate none translate 8:6 translate 6:8
	fdb port p1 mode transparent translate none
	# nobody may speak
	said 'p1: it accepts no frames until a source is added: fdb.sh guard p1 add MAC' guard p1 on
	expect 'not yet' p1 "$(mac 2)$(mac 1)88b5$PAD" "$DROP"
	said '' guard p1 add 02:00:00:00:00:01
	expect 'added' p1 "$(mac 2)$(mac 1)88b5$PAD" "$SENT"
	fdb guard p1 off
	said '' guard p1 on
	# hosts that cannot be found
	said '' acl p2 default deny
	said 'p2: what is permitted will not be found: no rule permits ARP (ethertype arp)' acl p2 add 5 permit proto tcp dport 443
	expect 'ARP' p1 "$(mac 2)$(mac 1)0806$PAD" "$DROP"
	said '' acl p2 add 6 permit ethertype arp
	expect 'ARP, permitted' p1 "$(mac 2)$(mac 1)0806$PAD" "$SENT"
	said 'p2: what is permitted will not be found: no rule permits neighbour discovery (proto icmp6)' acl p2 add 7 permit src fd00::/8
	said '' acl p2 add 8 permit proto icmp6
	said 'p2: what is permitted will not be found: no rule permits ARP (ethertype arp)' acl p2 del 6
	said '' acl p2 add 9 permit
	said '' acl p2 flush
	said '' acl p2 default permit
	# a host's own address
	said "$(ip -j link show p1 | jq -r '.[0].address') is the address of p1: this host will not get frames for it (local)" add "$(ip -j link show p1 | jq -r '.[0].address')" dev p2
	said '' add "$(ip -j link show p2 | jq -r '.[0].address')" local
}

@test "fdb.sh, attach: a port that was in another namespace, or has gone" {
	local before
	ports 2
	ip netns add other
	fdb add 02:00:00:00:00:02 dev p2
	expect 'before' p1 "$(mac 2)$(mac 1)88b5$PAD" "$SENT"
	ip link set p2 netns other
	equal "$(port_count p2 state) $(port_count p1 state)" 'gone forwarding' 'states meanwhile'
	expect 'meanwhile' p1 "$(mac 2)$(mac 1)88b5$PAD" "$PASS"
	ip -n other link set p2 netns $$
	ip link set p2 up
	like "$("$HM_TOP/scripts/status.sh" p2)" 'nothing leaves by it: it was in another network namespace: attach.sh p2 l2fwd again'
	expect 'back' p1 "$(mac 2)$(mac 1)88b5$PAD" "$PASS"
	equal "$(reason p1 pass_no_device)" 2 'p1 pass_no_device'
	# the command that it names
	l2_attach p2 l2fwd
	unset xdp_id_p2
	expect 'attached again' p1 "$(mac 2)$(mac 1)88b5$PAD" "$SENT"
	equal "$(port_count p2 tx_packets) $("$HM_TOP/scripts/status.sh" p2 | grep -c 'nothing leaves' || true)" '2 0' 'sent by p2'
	# renamed, by an altname, and in files
	ip link set p2 name px
	ip link property add dev px altname port-of-customer-number-3
	printf '%s\r\n' '02:00:00:00:00:03 dev px' '02:00:00:00:00:04 dev port-of-customer-number-3' >"$BATS_TEST_TMPDIR/file"
	fdb load "$BATS_TEST_TMPDIR/file"
	equal "$(hookmap -j --dev px fdb | jq -r '[.rows[].mac] | sort | join(" ")')" '02:00:00:00:00:02 02:00:00:00:00:03 02:00:00:00:00:04' 'entries of px'
	printf '5 deny proto tcp\r\n' >"$BATS_TEST_TMPDIR/file"
	fdb acl port-of-customer-number-3 load "$BATS_TEST_TMPDIR/file"
	like "$(fdb acl port-of-customer-number-3)" ' 5 deny   proto tcp '
	# deleted, and made again: another device
	ip link del px
	equal "$(port_count p2 state)" gone 'state of one that has gone, by its name at attach'
	ip link add px type veth peer name qx
	fails 1 'px is not a port of l2fwd: attach.sh px l2fwd' fdb add 02:00:00:00:00:09 dev px
}

@test "fdb.sh, attach, hookmap fdb: the ifindex of a port that has gone, on another device" {
	ports 1
	ip link add p2 index 301 type veth peer name q2
	ip link set p2 up
	ip link set q2 up
	l2_attach p2 l2fwd
	fdb port p1 miss pass
	fdb add 02:00:00:00:00:02 dev p2
	fdb guard p2 add 02:00:00:00:00:02 10.0.0.2
	fdb guard p2 on
	fdb acl p2 add 7 deny proto tcp
	expect 'before' p1 "$(mac 2)$(mac 1)88b5$PAD" "$SENT"
	equal "$(port_count p2 tx_packets)" 1 'sent by p2'
	ip link del p2
	ip link add other index 301 type veth peer name q2
	ip link set other up
	ip link set q2 up
	equal "$(hookmap -j fdb | jq -c '[.rows[0].device, (.ports[] | .device, .state)]')" '["p2","p1","forwarding","p2","gone"]' 'what the reader says'
	fails 1 'other is not a port of l2fwd: attach.sh other l2fwd' fdb add 02:00:00:00:00:09 dev other
	l2_attach other l2fwd
	equal "$(grep -c 'other has ifindex 301 and is not the device that was port p2, .* are removed$' "$BATS_TEST_TMPDIR/attach.err")" 1 'lines about it'
	expect 'afterwards' p1 "$(mac 2)$(mac 1)88b5$PAD" "$PASS"
	equal "$(hookmap -j fdb | jq -c '[.rows, .guard, .rules, (.ports[1] | .device, .state, .guard, .tx_packets, .rx_packets)]')" '[[],[],[],"other","forwarding",false,0,0]' 'what it has'
	# the same device: what was set stays, also without its program, and nothing is said
	fdb add 02:00:00:00:00:02 dev other
	ip link set dev other xdp off
	l2_attach other l2fwd
	equal "$(grep -c 'is not the device' "$BATS_TEST_TMPDIR/attach.err" || true)" 0 'lines about it'
	expect 'attached again' p1 "$(mac 2)$(mac 1)88b5$PAD" "$SENT"
	equal "$(port_count other tx_packets)" 1 'sent by other'
}

@test "fdb.sh: a bpf filesystem whose path has what sed, awk and printf read otherwise" {
	local i
	export HOOKMAP_BPFFS="$BATS_TEST_TMPDIR/a&b|c\\1%s"
	mkdir "$HOOKMAP_BPFFS"
	mount -t bpf -o mode=700 bpf "$HOOKMAP_BPFFS"
	ports 2
	printf '02:00:00:00:00:%02x dev p1\n' {1..40} >"$BATS_TEST_TMPDIR/file"
	for ((i = 1; i < 25; i++)); do printf '%d deny src 10.0.%d.0/24\n' "$i" "$i"; done >"$BATS_TEST_TMPDIR/rules"
	fdb load "$BATS_TEST_TMPDIR/file"
	fdb acl p1 load "$BATS_TEST_TMPDIR/rules"
	fdb guard p1 add 02:00:00:00:00:01
	fdb guard p1 add 02:00:00:00:00:02 10.0.0.1
	expect 'denied' p2 "$(mac 1)$(mac 9)$(ip4 17 10.0.7.1 10.0.0.2 "$(l4 1 2)")" "$DROP"
	fdb guard p1 del 02:00:00:00:00:01
	equal "$(hookmap -j fdb | jq -c '[(.rows | length), (.rules | length), [.guard[].address]]')" '[40,24,["10.0.0.1"]]' 'what is there'
	fdb acl p1 load /dev/null
	fdb guard p1 flush
	fdb flush dev p1
	equal "$(hookmap -j fdb | jq -c '[.rows, .rules, .guard]') $(bpftool -j map dump pinned "$HOOKMAP_BPFFS/tc/globals/l2_sieve")" '[[],[],[]] []' 'what is left'
	for i in p1 p2; do "$HM_TOP/scripts/detach.sh" "$i"; done
	equal "$(find "$HOOKMAP_BPFFS"/{tc,hookmap} -type f)" '' 'pins left'
}

@test "fdb.sh: what hangs is ended, and said, and the lock is free" {
	local word
	ports 1
	fdb add 02:00:00:00:00:01 dev p1
	fdb guard p1 add 02:00:00:00:00:01
	printf '02:00:00:00:00:02 dev p1\n' >"$BATS_TEST_TMPDIR/file"
	printf '#!/bin/bash\n[[ "$*" != *"batch file /"* ]] || exec sleep 1000\nexec %s "$@"\n' "$(type -P bpftool)" >"$BATS_TEST_TMPDIR/stuck"
	chmod +x "$BATS_TEST_TMPDIR/stuck"
	for word in flush 'guard p1 flush' "load $BATS_TEST_TMPDIR/file"; do
		# shellcheck disable=SC2086
		HOOKMAP_LIMIT=1 BPFTOOL=$BATS_TEST_TMPDIR/stuck refused 1 'within 1 seconds (HOOKMAP_LIMIT)' $word
	done
}

# bats test_tags=layout
@test "fdb.sh port translate: what is replaced goes with its way back" {
	# VLAN, 1 if it is the one inside, VLAN it becomes
	ways() { bpftool -j map dump pinned "$G/l2_xlate" | jq -r '[.[] | "\(.key[2]) \(.key[4]) \(.value[0])"] | sort | join(", ") | gsub("0x"; "")'; }
	ports 1
	fdb port p1 mode trunk 16,32 translate 64:16
	equal "$(ways)" '10 01 40, 40 00 10' '64:16'
	fdb port p1 translate 64:32
	equal "$(ways)" '20 01 40, 40 00 20' '64:32'
	fdb port p1 translate 80:32 translate 64:16
	equal "$(ways)" '10 01 40, 20 01 50, 40 00 10, 50 00 20' 'both'
}

# unreadable MAP: a bpftool that cannot read it
unreadable() {
	cat >"$BATS_TEST_TMPDIR/blind" <<-EOF
		#!/bin/bash
		[[ "\$*" != *'map dump pinned $G/$1' ]] || exit 1
		[[ "\$*" == *'batch file -' ]] || exec $(type -P bpftool) "\$@"
		commands=\$(cat)
		[[ \$commands != *'map lookup pinned $G/$1 '* ]] || exit 1
		exec $(type -P bpftool) "\$@" <<<"\$commands"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/blind"
	export BPFTOOL=$BATS_TEST_TMPDIR/blind
}

@test "fdb.sh, attach: a map that cannot be read is not taken for an empty one" {
	ports 2
	ip link add p3 type veth peer name q3
	fdb add 02:00:00:00:00:01 dev p1
	echo '02:00:00:00:00:02 dev p1' >"$BATS_TEST_TMPDIR/file"
	unreadable l2_port
	refused 1 "map $G/l2_port cannot be read" acl p1 add 5 deny
	refused 1 "map $G/l2_port cannot be read" load "$BATS_TEST_TMPDIR/file"
	fails 1 "map $G/l2_port cannot be read" "$HM_TOP/scripts/attach.sh" p3 l2fwd
	equal "$(ip -j -d link show p3 | jq -r '.[0].xdp')" null 'on p3'
	unreadable l2_fdb
	refused 1 "map $G/l2_fdb cannot be read" load "$BATS_TEST_TMPDIR/file"
	refused 1 "map $G/l2_fdb cannot be read" flush
}

@test "fdb.sh load: the line of what is wrong; nothing is loaded then" {
	local file=$BATS_TEST_TMPDIR/file bad
	ports 2 --fdb-size 100
	fdb add 02:00:00:00:00:01 dev p1
	while IFS='|' read -r bad pattern; do
		printf '%s\n' '# entries' '' '02:00:00:00:00:05 dev p2 vlan 9' "$bad" '02:00:00:00:00:06 dev p2' >"$file"
		refused 1 "line 4: $pattern" load "$file"
	done <<-'EOF'
		02:00:00:00:00:zz dev p1|02:00:00:00:00:zz: expected a MAC address
		02:00:00:00:00 dev p1|02:00:00:00:00: expected a MAC address
		01:00:5e:00:00:01 dev p1|01:00:5e:00:00:01: is a group address
		02:00:00:00:00:07 dev p7|no device p7
		02:00:00:00:00:07 dev q1|q1 is not a port
		02:00:00:00:00:07|say where
		02:00:00:00:00:07 dev p1 vlan 4095|vlan 4095: expected a number from 1 to 4094
		02:00:00:00:00:07 dev p1 vlan x|vlan x: expected
		02:00:00:00:00:07 dev p1 vlan|vlan needs a value
		02:00:00:00:00:07 p1|unknown word p1
		02:00:00:00:00:05 dev p1 vlan 09|vlan 09: expected a number from 1 to 4094
		02:00:00:00:00:05 dev p1 vlan 9|02:00:00:00:00:05 vlan 9 is in line 3 already
	EOF
	awk 'BEGIN { for (i = 0; i < 100; i++) printf "02:00:00:00:01:%02x dev p1\n", i }' >"$file"
	refused 1 '100 entries do not fit' load "$file"
	refused 1 'cannot be read' load "$file.not"
	# 99 and the one that is there: full; again: the same; one more: refused
	sed -i '$d' "$file"
	fdb load "$file"
	fdb load "$file"
	equal "$(hookmap -j fdb | jq .totals.entries)" 100 entries
	refused 1 'is full (100 entries)' add 02:00:00:00:00:02 dev p1
	fdb replace 02:00:00:00:00:01 dev p2
	# what dump prints can be loaded
	fdb dump | sort >"$file"
	fdb flush dev p1
	equal "$(hookmap -j fdb | jq -c '[.rows[].mac]')" '["02:00:00:00:00:01"]' 'after flush dev'
	fdb flush
	equal "$(hookmap -j fdb | jq .totals.entries)" 0 'entries after flush'
	fdb load - <"$file"
	equal "$(fdb dump | sort)" "$(<"$file")" 'dump after load'
}

# a bpftool that runs FILE, a batch, before the first batch that it is given
meddler() { # FILE
	cat >"$BATS_TEST_TMPDIR/bpftool" <<-EOF
		#!/bin/bash
		real=$(type -P bpftool)
		if [[ "\$*" == *"batch file /"* ]] && mkdir "$BATS_TEST_TMPDIR/done" 2>/dev/null; then
			"\$real" batch file "$1" >/dev/null || exit 1
		fi
		exec "\$real" "\$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	rm -rf "$BATS_TEST_TMPDIR/done"
	export BPFTOOL=$BATS_TEST_TMPDIR/bpftool
}
# learned FROM TO [PORT]: commands that do what the mirror does, for addresses 02:...:03:XX
learned() {
	local i zeros
	printf -v zeros ' 00%.0s' {1..80}
	for ((i = $1; i <= $2; i++)); do
		printf 'map update pinned %s key hex 00 00 02 00 00 00 03 %02x value hex 01 00 01 00 00 00 03 %02x%s\n' "$G/l2_fdb" "$i" "$i" "$zeros"
	done
}

# bats test_tags=layout
@test "fdb.sh load: the bridge writes meanwhile: all or nothing" {
	local file=$BATS_TEST_TMPDIR/file other=$BATS_TEST_TMPDIR/other i
	ports 2 --fdb-size 20
	fdb add 02:00:00:00:02:01 dev p1
	fdb add 02:00:00:00:02:02 dev p1
	bpftool batch file <(learned 0 1) >/dev/null
	# 4 are there; 2 of the file's 12 as well, of which one was learned
	awk 'BEGIN {
		print "02:00:00:00:02:01 dev p2"; print "02:00:00:00:03:00 dev p2"
		for (i = 16; i < 26; i++) printf "02:00:00:00:03:%02x dev p2\n", i
	}' >"$file"
	# it takes all room but 5, and moves one of those that were there
	learned 2 12 >"$other"
	learned 1 1 | sed 's/hex 01 00 01/hex 02 00 01/' >>"$other"
	meddler "$other"
	run fdb load "$file"
	equal "$status" 1 status
	like "$output" 'nothing was loaded: map /sys/fs/bpf/tc/globals/l2_fdb (20 entries) has become full'
	one_line "$output"
	equal "$(hookmap -j fdb | jq -r '.rows[] | "\(.mac) \(.device) \(.type)"' | sort)" "$(
		printf '02:00:00:00:02:%02x p1 static\n' 1 2
		for i in {0..12}; do printf '02:00:00:00:03:%02x p%d dynamic\n' "$i" "$((i == 1 ? 2 : 1))"; done
	)" 'entries after the load that failed'
	# it learns some of the same, and there is room: what was loaded counts
	bpftool batch file <(learned 2 12 | sed 's/ value.*//; s/update/delete/') >/dev/null
	learned 16 18 >"$other"
	learned 25 25 >>"$other"
	meddler "$other"
	fdb load "$file"
	equal "$(hookmap -j fdb | jq -r '.rows[] | select(.type == "static") | "\(.mac) \(.device)"' | sort)" "$(
		printf '02:00:00:00:02:%02x p%d\n' 1 2 2 1
		printf '02:00:00:00:03:%02x p2\n' 0 {16..25}
	)" 'static entries'
	equal "$(hookmap -j fdb | jq -r '.rows[] | select(.type != "static") | .mac')" 02:00:00:00:03:01 'others'
	# some of the same, and then no room: those stay as the bridge has them
	fdb flush
	learned 16 17 >"$other"
	learned 40 53 >>"$other"
	meddler "$other"
	run fdb load "$file"
	equal "$status" 1 status
	equal "$(hookmap -j fdb | jq -r '[.rows[].type] | unique | .[]')" dynamic types
	equal "$(hookmap -j fdb | jq '.rows | length')" 17 entries
}

# bats test_tags=layout
@test "fdb.sh load: what fails in its second round takes back what the first has written" {
	local file=$BATS_TEST_TMPDIR/file other=$BATS_TEST_TMPDIR/other
	ports 2
	printf '02:00:00:00:03:%02x dev p2\n' 1 16 >"$file"
	# the bridge learns the second one before it is written, and then it cannot be replaced
	learned 16 16 >"$other"
	meddler "$other"
	sed -i "2a [[ \"\$*\" != *'batch file /'* ]] || grep -q 'noexist' \"\${!#}\" || ! mkdir '$BATS_TEST_TMPDIR/failed' 2>/dev/null || exit 1" "$BPFTOOL"
	fails 1 'nothing was loaded' fdb load "$file"
	[[ -d $BATS_TEST_TMPDIR/failed ]]
	equal "$(hookmap -j fdb | jq -r '.rows[] | "\(.mac) \(.device) \(.type)"')" '02:00:00:00:03:10 p1 dynamic' entries
}

@test "fdb.sh load: the lock is free while the file is read" {
	local pid
	ports 1
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	for what in 'load -' "load $BATS_TEST_TMPDIR/pipe" "acl p1 load $BATS_TEST_TMPDIR/pipe"; do
		# shellcheck disable=SC2086
		fdb $what <"$BATS_TEST_TMPDIR/pipe" 3>&- &
		pid=$!
		exec {HELD}>"$BATS_TEST_TMPDIR/pipe"
		timeout 50 "$HM_TOP/scripts/fdb.sh" replace 02:00:00:00:00:01 dev p1
		[[ $what == acl* ]] && echo '5 deny' >&"$HELD" || echo '02:00:00:00:00:02 dev p1' >&"$HELD"
		exec {HELD}>&-
		wait "$pid"
		fdb del 02:00:00:00:00:01
	done
	equal "$(hookmap -j fdb | jq -c '[[.rows[].mac], [.rules[].priority]]')" '[["02:00:00:00:00:02"],[5]]' 'what was read'
}

# bats test_tags=layout
@test "fdb.sh: full maps of translations and guards: said, and nothing is half there" {
	ports 1
	# fill MAP KEY-BYTES-BEHIND VALUE-BYTES COUNT
	fill() {
		awk -v map="$G/$1" -v behind="$2" -v value="$3" -v n="$4" 'BEGIN { for (i = 0; i < n; i++)
			printf "map update pinned %s key hex 09 00 %02x %02x%s value hex%s\n", map, i % 256, i / 256, behind, value }' >"$BATS_TEST_TMPDIR/batch"
		bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	}
	maps() { for map in l2_xlate l2_guard l2_port; do bpftool -j map dump pinned "$G/$map" | jq -cS 'sort' | cksum; done; }
	fill l2_xlate ' 00 00 00 00' ' 00 00 00 00' 4095
	fill l2_guard "$(printf ' 00%.0s' {1..24})" ' 01 00 00 00' 16384
	local before
	before=$(maps)
	refused 1 'l2_xlate has no room for these: it has 4096 entries' port p1 mode trunk 10 translate 100:10
	refused 1 'l2_guard is full' guard p1 add 02:00:00:00:00:01
	refused 1 'l2_guard is full' guard p1 add 02:00:00:00:00:01 10.0.0.1
	equal "$(maps)" "$before" 'what is there'
	bpftool map delete pinned "$G/l2_xlate" key hex 09 00 00 00 00 00 00 00
	fdb port p1 mode trunk 10 translate 100:10
	equal "$(hookmap -j --dev p1 fdb | jq -c '[.translations[] | [.outside, .inside]]')" '[[100,10]]' translations
}

@test "fdb.sh: temporary files have no names, and a full TMPDIR is said; nothing changes" {
	local TMPDIR=$BATS_TEST_TMPDIR/tmp file=$BATS_TEST_TMPDIR/file real verb
	real=$(type -P bpftool)
	ports 1
	mkdir "$TMPDIR"
	awk 'BEGIN { for (i = 0; i < 1000; i++) printf "02:00:00:00:%02x:%02x dev p1\n", i / 256, i % 256 }' >"$file"
	printf '%s deny src 10.0.0.0/8\n' {1..40} >"$file.acl"
	# what others could see, and take, while a batch runs
	printf '#!/bin/bash\n[[ $* != *"batch file"* ]] || ls "%s" >>"%s"\nexec %s "$@"\n' "$TMPDIR" "$BATS_TEST_TMPDIR/seen" "$real" >"$BATS_TEST_TMPDIR/bpftool"
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	export TMPDIR
	BPFTOOL=$BATS_TEST_TMPDIR/bpftool fdb load "$file"
	BPFTOOL=$BATS_TEST_TMPDIR/bpftool fdb acl p1 load "$file.acl"
	BPFTOOL=$BATS_TEST_TMPDIR/bpftool fdb flush
	equal "$(<"$BATS_TEST_TMPDIR/seen")" '' 'names of temporary files'
	fdb load <(head -n 600 "$file")
	fdb guard p1 add 02:00:00:00:00:01
	mount -t tmpfs -o size=16k,mode=700 tmpfs "$TMPDIR"
	dd if=/dev/zero of="$TMPDIR/full" bs=1k 2>/dev/null || true
	for verb in "load $file" "acl p1 load $file.acl" flush 'guard p1 del 02:00:00:00:00:01'; do
		# shellcheck disable=SC2086
		refused 1 "is $TMPDIR full?" $verb
	done
	# room for what is read, and no more: half-way
	truncate -s 4k "$TMPDIR/full"
	refused 1 "is $TMPDIR full?" load <(head -n 300 "$file")
	equal "$(ls "$TMPDIR")" full 'what is left'
	umount "$TMPDIR"
}

@test "l2fwd: 100 000 entries are loaded and listed whole" {
	ports 2 --fdb-size 131072
	awk 'BEGIN { for (i = 0; i < 100000; i++)
		printf "02:10:00:%02x:%02x:%02x dev p%d vlan %d\n", i / 65536, (i / 256) % 256, i % 256, 1 + i % 2, 1 + i % 4094 }' >"$BATS_TEST_TMPDIR/many"
	fdb load "$BATS_TEST_TMPDIR/many"
	equal "$(fdb dump | sort | cksum)" "$(sort "$BATS_TEST_TMPDIR/many" | cksum)" 'sum of the dump'
	equal "$(hookmap --prom fdb | grep 'type="static"')" 'hookmap_fdb_entries{type="static"} 100000'
}

# bats test_tags=layout
@test "attach l2fwd: refused devices, sizes and modes; a failed attach leaves nothing" {
	local before
	ip link add q1 type veth peer name p1
	ip link add br0 type bridge
	ip link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1
	ip link set p1 up
	ip link set q1 up
	attach_fails() { # STATUS PATTERN WORD...
		run "$HM_TOP/scripts/attach.sh" "${@:3}"
		equal "$status" "$1" "status of attach.sh ${*:3}"
		like "$output" "$2"
		l2_nothing_left
	}
	attach_fails 1 'is a bridge device' br0 l2fwd
	attach_fails 1 'is a vxlan device' vx0 l2fwd
	ip link add mv0 link p1 type macvlan
	attach_fails 1 'mv0 is a macvlan device, which XDP cannot send to: it cannot be a port. As a port of a bridge' mv0 l2fwd
	ip link del mv0
	# a bond and its slave, as far as ip tells
	mkdir "$BATS_TEST_TMPDIR/bond"
	cat >"$BATS_TEST_TMPDIR/bond/ip" <<-EOF
		#!/bin/bash
		out=\$($(type -P ip) "\$@") || exit
		[[ "\$*" != "-j -d link"* ]] || out=\$(jq -c 'map(if .ifname == "p1" then .linkinfo.info_kind = "bond"
			elif .ifname == "q1" then .linkinfo.info_slave_kind = "bond" | .master = "bond0" else . end)' <<<"\$out")
		[[ -z \$out ]] || printf '%s\n' "\$out"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bond/ip"
	PATH=$BATS_TEST_TMPDIR/bond:$PATH attach_fails 1 'p1 is a bond device, which XDP cannot send to' p1 l2fwd
	PATH=$BATS_TEST_TMPDIR/bond:$PATH attach_fails 1 'q1 is a slave of bond0, whose frames it would forward past the bond: make bond0 a port of a bridge' q1 l2fwd
	attach_fails 1 'is not an Ethernet device' lo l2fwd
	attach_fails 1 'p1 is not a bridge' p1 l2fwd --mirror
	# a kernel that does not know bpf_loop
	printf 'BPF_FUNC_looping' >"$BATS_TEST_TMPDIR/btf"
	mount --bind "$BATS_TEST_TMPDIR/btf" /sys/kernel/btf/vmlinux
	attach_fails 1 "--mirror needs Linux 5.17 (bpf_loop), and this is $(uname -r)" br0 l2fwd --mirror
	umount /sys/kernel/btf/vmlinux
	attach_fails 2 'from 1 to 1048576' p1 l2fwd --fdb-size 1048577
	attach_fails 2 'from 1 to 1048576' p1 l2fwd --fdb-size 0
	attach_fails 2 'l2fwd is in XDP' p1 l2fwd --mode none
	run fdb add 02:00:00:00:00:01 dev p1
	equal "$status $output" '1 fdb.sh: l2fwd is not attached: attach.sh DEV l2fwd'
	# foreign programs are named and stay
	ip link set dev p1 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	run "$HM_TOP/scripts/attach.sh" p1 l2fwd
	equal "$status" 1 status
	like "$output" 'not ours: somebodys_pass'
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
	ip link set dev p1 xdp off
	# the size is set once
	l2_attach p1 l2fwd --fdb-size 1048576
	equal "$(hookmap -j fdb | jq .totals.capacity)" 1048576 capacity
	run "$HM_TOP/scripts/attach.sh" q1 l2fwd --fdb-size 1000
	equal "$status" 1 status
	like "$output" 'the table was created with 1048576 entries'
	# a pin of another shape is refused and stays
	rm "$G/l2_acl"
	bpftool map create "$G/l2_acl" type array key 4 value 8 entries 1 name l2_acl
	run "$HM_TOP/scripts/attach.sh" q1 l2fwd
	equal "$status" 1 status
	like "$output" "map $G/l2_acl is 'array 4 8 1'"
	run hookmap fdb
	equal "$status" 1 'status of the reader'
	like "$output" 'value is 8 bytes, expected 136'
}

@test "attach l2fwd twice is once; detach twice is fine; nothing is left" {
	local before
	ports 2
	fdb port p1 mode access 10
	fdb add 02:00:00:00:00:01 dev p1 vlan 10
	before=$(state)
	l2_attach p1 l2fwd
	equal "$(state)" "$before" 'state after the second attach'
	equal "$(tc filter show dev p1 ingress | grep -c l2fwd.o)" 1 'tc filters'
	"$HM_TOP/scripts/detach.sh" p1
	equal "$(hookmap -j fdb | jq -c '[[.rows[].mac], [.ports[].device]]')" '[[],["p2"]]' 'what p1 leaves'
	"$HM_TOP/scripts/detach.sh" p1 l2fwd
	# the number is used again, without what was said of p1
	l2_attach p1 l2fwd
	equal "$(hookmap -j fdb | jq -r '.ports[] | select(.device == "p1") | .mode')" transparent 'mode of p1'
	"$HM_TOP/scripts/detach.sh" p1
	"$HM_TOP/scripts/detach.sh" p2
	"$HM_TOP/scripts/detach.sh" p2
	l2_nothing_left
}

@test "attach l2fwd: -n changes nothing, for a port and for a bridge" {
	ip link add p1 type veth peer name q1
	ip link add br0 type bridge
	ip link set p1 master br0 up
	run "$HM_TOP/scripts/attach.sh" -n p1 l2fwd
	equal "$status" 0 status
	like "$output" 'ip link set dev p1 xdp obj'
	run "$HM_TOP/scripts/attach.sh" -n br0 l2fwd --mirror
	equal "$status" 0 status
	like "$output" 'l2fwd_mirror.o'
	l2_nothing_left
}

@test "attach l2fwd: ports of two namespaces do not mix; --netns" {
	ports 1
	ip netns add other
	ip link add x1 type veth peer name y1 netns other
	ip -n other link set y1 up
	run "$HM_TOP/scripts/attach.sh" --netns other y1 l2fwd
	equal "$status" 1 status
	like "$output" 'all ports must be in one'
	"$HM_TOP/scripts/detach.sh" p1
	l2_attach --netns other y1 l2fwd
	run fdb add 02:00:00:00:00:01 dev p1
	equal "$status" 1 status
	like "$output" 'another network namespace (other)'
	fdb --netns other add 02:00:00:00:00:01 dev y1
	equal "$(hookmap -j fdb | jq -r '.rows[0].device')" y1 device
	ip netns del other
	busywait 30 bash -c "! ip netns list | grep -q other"
	"$HM_TOP/scripts/detach.sh" --netns other y1
	l2_nothing_left
}

@test "attach l2fwd, status, hookmap fdb: what is above a port is named, also what comes later" {
	above() { hookmap -j --summary fdb | jq -c '[.ports[].above]'; }
	ports 2
	ip link add p3 type veth peer name q3
	ip link add br0 type bridge
	ip link set p3 master br0
	equal "$(above)" '[[],[]]' 'of ports whose peers are here'
	l2_attach p3 l2fwd
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'attach.sh: warning: br0 is above p3, and gets only what l2fwd does not forward (attach.sh br0 l2fwd --mirror follows it)'
	ip link set p1 master br0
	ip link add mv0 link p2 type macvlan
	equal "$(above)" '[["br0"],["mv0"],["br0"]]' 'of all ports'
	like "$(hookmap --summary fdb)" 'mv0 is above p2, and gets only what l2fwd does not forward'
	equal "$("$HM_TOP/scripts/status.sh" | grep -c ' is above p')" 3 'lines of status'
	like "$("$HM_TOP/scripts/status.sh" p2)" '  l2fwd    mv0 is above p2, and gets only what l2fwd does not forward'
	# and so it is
	fdb add 02:00:00:00:00:02 dev p2
	expect 'known' p1 "$(mac 2)$(mac 1)88b5$PAD" "$SENT"
	expect 'unknown' p1 "$(mac 9)$(mac 1)88b5$PAD" "$PASS"
	# the bridge that is mirrored gets what it must
	l2_attach br0 l2fwd --mirror
	equal "$(above)" '[[],["mv0"],[]]' 'of ports of the mirrored bridge'
	ip link del mv0
	equal "$("$HM_TOP/scripts/status.sh" | grep -c ' is above p' || true)$(above)" '0[[],[],[]]' 'nothing'
}

@test "attach l2fwd: preflight names what would lose frames" {
	ip link add p1 type veth peer name q1
	ip link add p2 mtu 1400 type veth peer name q2
	ip link set dev q2 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	local i
	for i in p1 q1 p2 q2; do ip link set "$i" up; done
	l2_attach p1 l2fwd
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'neither an XDP program nor GRO'
	l2_attach p2 l2fwd
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'p2 has MTU 1400 and p1 has 1500'
	skip_without ethtool command -v ethtool
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'leaves TCP and UDP checksums to its device'
	like "$(<"$BATS_TEST_TMPDIR/attach.err")" 'sends VLAN tags beside the frame'
	ethtool -K q1 gro on tx off txvlan off
	l2_attach p1 l2fwd
	equal "$(grep -c 'veth peer' "$BATS_TEST_TMPDIR/attach.err" || true)" 0 'warnings about the peer'
}

# a physical card, as far as ip, ethtool and nproc tell: KEY is what ethtool -k says of
# rx-vlan-offload, QUEUES of transmit queues, CPUS of CPUs
card() { # RXVLAN QUEUES CPUS
	local d=$BATS_TEST_TMPDIR/card
	mkdir -p "$d"
	printf '#!/bin/bash\nprintf "Features for %%s:\\nrx-vlan-offload: %s\\n" "${@: -1}"\n' "$1" >"$d/ethtool"
	printf '#!/bin/bash\necho %s\n' "$3" >"$d/nproc"
	cat >"$d/ip" <<-EOF
		#!/bin/bash
		out=\$($(type -P ip) "\$@") || exit
		[[ "\$*" != "-j -d link"* ]] ||
			out=\$(jq -c 'map(if .ifname == "p1" then del(.linkinfo, .link) | .num_tx_queues = $2
			elif .ifname == "q1" then del(.link) else . end)' <<<"\$out")
		[[ -z \$out ]] || printf '%s\n' "\$out"
	EOF
	chmod +x "$d"/*
	PATH=$d:$PATH l2_attach p1 l2fwd
	WARNED=$(<"$BATS_TEST_TMPDIR/attach.err")
}

@test "attach l2fwd: preflight knows a card with rxvlan, or with too few queues" {
	ip link add p1 type veth peer name q1
	ip link set p1 up
	ip link set q1 up
	card on 8 8
	equal "$WARNED" 'attach.sh: warning: p1: rx-vlan-offload is on: the card takes VLAN tags off, and XDP sees all frames untagged: ethtool -K p1 rxvlan off'
	card off 8 8
	equal "$WARNED" '' 'of a card that is fine'
	card off 4 8
	equal "$WARNED" 'attach.sh: warning: p1 has 4 transmit queues for 8 CPUs: drivers that give XDP a queue for each CPU drop what the others send'
	card 'off [fixed]' 0 8
	equal "$WARNED" '' 'of a device without a number of queues'
	card 'on [fixed]' 16 8
	like "$WARNED" 'p1: rx-vlan-offload is on, and cannot be turned off: use it without tags'
}

@test "l2fwd: by hand, without scripts, all frames pass and are counted" {
	ip link add p1 type veth peer name q1
	ip link set p1 up
	ip link set q1 up
	ip link set dev p1 xdp obj "$HM_BUILD/xdp/l2fwd.o"
	ip link set dev q1 xdp obj "$HM_BUILD/xdp/l2fwd.o"
	expect 'a frame' p1 "$(mac 2)$(mac 1)88b5$PAD" "$PASS"
	# also to an address that is known: nobody has said what this device may do
	local before
	l2_attach q1 l2fwd
	fdb add 02:00:00:00:00:02 dev q1
	ip link set q1 down
	before=$(reason '(none)' pass_no_port)
	expect 'a frame of no port' p1 "$(mac 2)$(mac 1)88b5$PAD" "$PASS"
	equal "$(($(reason '(none)' pass_no_port) - before))" 1 'of no port'
	ip link set q1 up
	"$HM_TOP/scripts/detach.sh" q1 l2fwd
	ip link set dev q1 xdp obj "$HM_BUILD/xdp/l2fwd.o"
	# attach takes over what is there
	l2_attach p1 l2fwd
	fdb add 02:00:00:00:00:02 dev p1
	ip link set dev q1 xdp off
	"$HM_TOP/scripts/detach.sh" p1
	l2_nothing_left
}
