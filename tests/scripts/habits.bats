#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Colours, and progress of long work: on a terminal, and never in a pipe

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

# tty COMMAND...: with a terminal; its standard output goes to OUT, if that is set
tty() { TERM=xterm script -qec "$(printf '%q ' "$@")${OUT:+ >$OUT}" /dev/null; }
esc=$'\e['

@test "habits: colours as in ip: -c, --color, NO_COLOR, a terminal" {
	lab_up
	on host "$HM_TOP/scripts/attach.sh" eth0
	local reader="$HM_BUILD/hookmap" words
	for words in '-c status' 'status -c' '-c=always status' '--color status' '--color=always status'; do
		# shellcheck disable=SC2086
		like "$("$reader" $words)" "${esc}36meth0"
	done
	like "$(NO_COLOR=1 "$reader" -c status)" "${esc}"
	for words in status '-c=auto status' '--color=auto status' '-c=never status' '-c -j status' '-j status'; do
		# shellcheck disable=SC2086
		[[ $("$reader" $words) != *"$esc"* ]]
	done
	like "$(tty "$reader")" "${esc}36meth0"
	[[ $(NO_COLOR=1 tty "$reader") != *"$esc"* ]]
	[[ $(tty "$reader" --color=never) != *"$esc"* ]]
	like "$(NO_COLOR=1 tty "$reader" --color=always)" "${esc}36meth0"
	fails 2 "--color blue: expected one of always auto never" "$reader" --color=blue status
	# a number is the count, as ever
	equal "$("$reader" -j -i 0.01 -c 3 progs | grep -c rows)" 3
	fails 2 "-c 0: expected a number" "$reader" -c 0 -i 1 progs
}

@test "habits: a long load and a long list show progress on a terminal, and nothing in a pipe" {
	ip link add name p1 type veth peer name p2
	"$HM_TOP/scripts/attach.sh" p1 l2fwd 2>/dev/null
	seq 20000 | awk '{ printf "02:00:00:00:%02x:%02x dev p1\n", int($1 / 256), $1 % 256 }' >"$BATS_TEST_TMPDIR/fdb"
	like "$(tty "$HM_TOP/scripts/fdb.sh" load "$BATS_TEST_TMPDIR/fdb")" "fdb: 20000 of 20000"
	equal "$("$HM_TOP/scripts/fdb.sh" load "$BATS_TEST_TMPDIR/fdb" 2>&1)" "" "in a pipe"
	like "$(OUT=$BATS_TEST_TMPDIR/list tty "$HM_BUILD/hookmap" fdb)" "reading l2_fdb: 20000 entries"
	equal "$(grep -c '^ *0 02:' "$BATS_TEST_TMPDIR/list")" 20000
	[[ $(<"$BATS_TEST_TMPDIR/list") != *"$esc"* ]]
	equal "$("$HM_BUILD/hookmap" fdb 2>&1 >"$BATS_TEST_TMPDIR/list")" "" "in a pipe"
}

@test "habits: a large rule set shows progress on a terminal, and nothing in a pipe" {
	sysctl -qw net.ipv4.ip_forward=1 # else each load warns that rules are not checked
	ip link add name p1 type veth peer name p2
	sysctl -qw net.ipv4.conf.p1.forwarding=1
	"$HM_TOP/scripts/attach.sh" p1 policy
	jq -n '{rules: [range(5000) | {priority: (. + 1), match: {dst: "10.\(. / 65536 | floor).\(. / 256 % 256 | floor).\(. % 256)"}, action: "pass"}]}' >"$BATS_TEST_TMPDIR/rules"
	like "$(tty "$HM_TOP/scripts/policy.sh" load "$BATS_TEST_TMPDIR/rules")" "loading: "
	equal "$("$HM_TOP/scripts/policy.sh" load "$BATS_TEST_TMPDIR/rules" 2>&1)" "" "in a pipe"
	equal "$("$HM_BUILD/hookmap" -j policy | jq '.rows | length')" 5000
}

@test "habits: one name, one command: status and clock, of the reader and of the scripts" {
	lab_up
	on host "$HM_TOP/scripts/attach.sh" eth0 latency policy
	attach --host pktlat
	local reader="$HM_SHIPPED/hookmap" words clocks
	for words in '' eth0 '--check eth0' '--check -j'; do
		# shellcheck disable=SC2086
		equal "$(on host "$reader" status $words)" "$(on host "$HM_TOP/scripts/status.sh" $words)" "status $words"
	done
	run -0 on host "$reader" status
	like "$output" 'eth0: latency policy*xdp *latency_xdp*maps: * pinned, * programs use them (hookmap status --pins)'
	like "$output" 'host: pktlat'
	equal "$(sed -n 's/^maps: \([0-9]*\) .*/\1/p' <<<"$output")" "$("$reader" -j status | jq '.rows | length')" maps
	like "$("$reader" status --pins)" 'lat_cfg*programs that use them*latency_xdp'
	fails 1 'no device eth7' on host "$reader" status eth7
	clocks=$(bpftool -j map dump pinned "$G/pktlat_cfg")
	"$reader" clock set
	[[ $(bpftool -j map dump pinned "$G/pktlat_cfg") != "$clocks" ]]
	fails 2 "sett" "$reader" clock set sett
}

@test "habits: -j of the scripts is JSON, and says what the table says" {
	lab_up
	attach eth0 --sample 7
	attach --host exec
	equal "$(on host "$HM_TOP/scripts/status.sh" -j | jq -c '[sort_by(.device)[] | [.device, .features, .alive, .by_hand, .xdp.program, .tc[0].program, .tc[0].pref]]')" \
		'[[null,["exec"],true,false,null,null,null],["eth0",["latency"],true,false,"latency_xdp","latency_tc",1]]'
	equal "$(on host "$HM_TOP/scripts/status.sh" -j eth0 | jq -c '[.[].device]')" '["eth0"]'
	detach eth0
	detach --host
	equal "$(on host "$HM_TOP/scripts/status.sh" -j)" "[]"
	equal "$("$HM_TOP/scripts/lab.sh" list -j)" "[\"$LAB\"]"
	equal "$("$HM_TOP/scripts/run.sh" -j xdp/pass "$HM_TOP/tests/packets/three.pcap" | jq -c '[.rows[] | [.packet, .bytes, .verdict, .retval, .after]]')" \
		'[[1,62,"pass",2,62],[2,82,"pass",2,82],[3,42,"pass",2,42]]'
	equal "$("$HM_TOP/scripts/run.sh" -j xdp/count "$HM_TOP/tests/packets/arp.hex" --dump count_stat | jq '.map | length > 0')" true
	# what this machine lacks is not what is tested
	"$HM_TOP/scripts/deps.sh" --check -j run >"$BATS_TEST_TMPDIR/deps" || (($? == 1))
	equal "$(jq -c '.[0] | [.what, .ok]' "$BATS_TEST_TMPDIR/deps")" '["ip",true]'
	equal "$(jq length "$BATS_TEST_TMPDIR/deps")" "$("$HM_TOP/scripts/deps.sh" --check run | wc -l)"
}
