#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# policy.sh: checking, atomic loading, limits, errors; attach and detach of policy

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../policy.bash"

setup() {
	uplinks
	F=$BATS_TEST_TMPDIR/rules.json
}

# big N HOP: N rules; packets to port 7000 match the last of them, and behind that one
# a rule that drops: a packet that saw a part of the set would be lost
big() {
	jq -cn --argjson n "$1" --arg hop "$2" --argjson hops "$HOPS" '{nexthops: $hops, rules: ([range($n) as $i |
		{priority: (10 + $i), match: {dst: "10.\($i / 65536 | floor).\($i / 256 % 256 | floor).\($i % 256)/32", proto: "udp"}, action: "drop"}]
		+ [{id: "way", priority: 500000, match: {proto: "udp", dport: 7000}, action: {redirect: $hop}},
		   {id: "last", priority: 500001, action: "drop"}])}'
}

# sent_by HOP GEN: packets that generation GEN has sent over next hop number HOP
sent_by() {
	local index=$(($2 % POL_SLOTS * POL_HOPS + $1))
	bpftool -j map lookup pinned "$G/pol_hop_count" key $((index % 256)) $((index / 256)) 0 0 |
		jq '[.formatted.values[].value.packets] | add'
}

@test "policy: attach, load, show, add, del and diff under busybox awk" {
	with_awk busybox
	attach eth0 policy
	big 20 a >"$F"
	policy load "$F"
	equal "$(policy show | jq '.rules | length')" 22 rules
	run -0 policy diff "$F"
	printf '{"rules":[{"id":"new","priority":9,"match":{"proto":"udp","dport":7001},"action":"drop"}]}' >"$BATS_TEST_TMPDIR/new.json"
	policy add "$BATS_TEST_TMPDIR/new.json"
	run -1 policy diff "$F"
	policy del new
	run -0 policy diff "$F"
	detach eth0
	nothing_left
}

@test "policy: load, add and del under traffic: each packet follows a whole set, and is counted once" {
	local gen step hop sum=(0 0) sender words counts dev
	attach eth0 policy
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	for dev in eth0 eth1; do on server iptables -t raw -A PREROUTING -i "$dev" -p udp --dport 7000 -j DROP; done
	big 10000 a >"$BATS_TEST_TMPDIR/a.json"
	big 10000 b >"$BATS_TEST_TMPDIR/b.json"
	big 3 a >"$BATS_TEST_TMPDIR/small.json"
	printf '{"rules":[{"id":"new","priority":9,"match":{"proto":"udp","dport":7000},"action":{"redirect":"b"}}]}' >"$BATS_TEST_TMPDIR/new.json"
	policy load "$BATS_TEST_TMPDIR/a.json"
	# as long as the loads take
	(
		sent=0
		while [[ ! -e $BATS_TEST_TMPDIR/enough ]]; do
			on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 499 --rate 5000
			sent=$((sent + 499))
		done
		printf '%s\n' "$sent" >"$BATS_TEST_TMPDIR/sent"
	) 3>&- &
	sender=$!
	# what was in force is complete when its successor is
	gen=1
	for step in "0 load b.json" "1 load small.json" "0 add new.json" "1 del new"; do
		read -ra words <<<"$step"
		hop=${words[0]}
		if [[ ${words[1]} == del ]]; then policy del new; else policy "${words[1]}" "$BATS_TEST_TMPDIR/${words[2]}"; fi
		counts=("$(sent_by 0 "$gen")" "$(sent_by 1 "$gen")")
		equal "${counts[1 - hop]}" 0 "packets of generation $gen over the other next hop (${counts[*]})"
		sum[hop]=$((sum[hop] + counts[hop]))
		gen=$((gen + 1))
	done
	touch "$BATS_TEST_TMPDIR/enough"
	wait "$sender"
	# none was lost, and each was counted where it went
	arrived() { on server iptables -t raw -nvxL PREROUTING | awk '/dpt:7000/ { print $1 }' | xargs; }
	all() {
		counts=("$(sent_by 0 "$gen")" "$(sent_by 1 "$gen")")
		equal "$(arrived)" "$((sum[0] + counts[0])) $((sum[1] + counts[1]))" "arrived over a and b"
	}
	busywait 10 all
	all
	equal $((sum[0] + sum[1] + counts[0] + counts[1])) "$(cat "$BATS_TEST_TMPDIR/sent")" "sent"
	((sum[0] && sum[1]))
	equal "$(rule way packets) $(rule last packets) ${counts[1]}" "${counts[0]} 0 0" "the rules of the last set"
	equal "$(counted no_rule) $(counted error)" "0 0"
}

@test "policy: a load that is killed leaves the old set in force, the next one cleans up" {
	local part pid
	attach eth0 policy
	rules '[{"id":"old","priority":1,"action":{"redirect":"b"}}]'
	big 2000 a >"$F"
	# a bpftool that does a part of the batch and then hangs
	cat >"$BATS_TEST_TMPDIR/bpftool" <<-'EOF'
		#!/bin/bash
		[[ " $* " == *" batch file "* ]] || exec bpftool "$@"
		lines=$(wc -l <"${!#}")
		head -n "$((PART < 0 ? lines + PART : PART))" "${!#}" >"$HANGS.batch"
		bpftool -n batch file "$HANGS.batch" >/dev/null
		echo $$ >"$HANGS"
		exec sleep 60
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	# after the maps, amid the rules, before the new set comes into force
	for part in 2 40 120 -5; do
		rm -f "$BATS_TEST_TMPDIR/hangs"
		PART=$part HANGS=$BATS_TEST_TMPDIR/hangs BPFTOOL=$BATS_TEST_TMPDIR/bpftool on host "$HM_TOP/scripts/policy.sh" load "$F" 3>&- &
		pid=$!
		busywait 20 test -s "$BATS_TEST_TMPDIR/hangs"
		kill -KILL "$pid" "$(cat "$BATS_TEST_TMPDIR/hangs")"
		wait "$pid" || true
		equal "$(rule old id)" '"old"'
		equal "$(on host "$HM_BUILD/hookmap" -j policy | jq .generation)" 1 "generation"
	done
	catch server eth1 3
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 3
	equal "$(caught | wc -l)" 3 "over b"
	rules '[{"id":"new","priority":1,"action":{"redirect":"a"}}]'
	equal "$(rule new id)" '"new"'
	run ! ls /sys/fs/bpf/hookmap/policy
	detach eth0
	nothing_left
}

@test "policy: a load that fails leaves the old set in force" {
	attach eth0 policy
	rules '[{"id":"old","priority":1,"action":"pass"}]'
	printf '{"rules":[{"priority":1,"action":"drop"}]}' >"$F"
	# bpftool fails in the middle
	cat >"$BATS_TEST_TMPDIR/bpftool" <<-'EOF'
		#!/bin/bash
		if [[ " $* " == *" batch file "* ]]; then sed -i 's/\(pol_set key .*\) value.*/\1 value 1/' "${!#}"; fi
		exec bpftool "$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	BPFTOOL=$BATS_TEST_TMPDIR/bpftool run -1 policy load "$F"
	one_line "$output"
	like "$output" "the old rules stay"
	equal "$(rule old priority)" 1
	# or hangs
	sed -i 's/^if .*/[[ " $* " != *" batch file "* ]] || sleep 60/' "$BATS_TEST_TMPDIR/bpftool"
	HOOKMAP_LIMIT=1 BPFTOOL=$BATS_TEST_TMPDIR/bpftool run -1 policy load "$F"
	equal "$output" "policy.sh: loading failed, the old rules stay: bpftool: error: it was killed after 1 seconds (HOOKMAP_LIMIT)"
	equal "$(rule old priority)" 1
	policy load "$F"
	equal "$(on host "$HM_BUILD/hookmap" -j policy | jq -c '[.rows[].action]')" '["drop"]'
}

@test "policy: rules that packets would not find are not put in force; --explain looks where packets do" {
	local map zeros n
	attach eth0 policy
	rules '[{"id":"old","priority":1,"action":"pass"}]'
	printf '{"rules":[{"id":"x","priority":1,"match":{"dst":"200.1.2.3","dport":"7-8","proto":"udp"},"action":"drop"},
		{"id":"y","priority":2,"match":{"dst":"2001:db8::1"},"action":"drop"},{"id":"z","priority":3,"match":{"dst":"2001:db8::1"},"action":"pass"},
		{"id":"w","priority":4,"match":{"proto":"gre"},"action":"pass"}]}' >"$F"
	cat >"$BATS_TEST_TMPDIR/bpftool" <<-'EOF'
		#!/bin/bash
		[[ " $* " != *" batch file "* ]] || sed -i "s/\($DAMAGED key[^v]* value\)[0-9 ]*\$/\1$ZEROS/" "${!#}"
		exec bpftool "$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	for map in pol_filter:512 pol_shift:2048 pol_tuple:64 pol_port:16; do
		n=${map#*:} map=${map%:*}
		zeros=$(printf ' 0%.0s' $(seq "$n"))
		BPFTOOL=$BATS_TEST_TMPDIR/bpftool DAMAGED=$map ZEROS=$zeros run -1 policy load "$F"
		one_line "$output"
		like "$output" "the old rules stay: hookmap: generation 2: rule "
		like "$output" "is not where packets look for it"
		equal "$(on host "$HM_BUILD/hookmap" -j policy | jq -c '[.generation, .rows[].id]')" '[1,"old"]' "in force"
		run ! ls /sys/fs/bpf/hookmap/policy
	done
	policy load "$F"
	on host "$HM_BUILD/hookmap" policy --verify now
	explain() { on host "$HM_BUILD/hookmap" policy --explain "src=1.1.1.1 dst=200.1.2.3 proto=udp dport=8"; }
	like "$(explain)" "rule x, priority 1"
	# generation 2 is in slot 0
	on host bash -c "for i in {0..255}; do printf 'map update pinned $G/pol_filter key %d 0 0 0 value$(printf ' 0%.0s' {1..512})\\n' \$i; done | bpftool batch file -" >/dev/null
	like "$(explain)" "no rule matches"
	fails 1 "is not where packets look for it" on host "$HM_BUILD/hookmap" policy --verify now
}

@test "policy: port ranges: as many as there are places for them, in any order, in seconds" {
	attach eth0 policy
	jq -n '{rules: [range(15000) as $i | ($i * 7919 % 15000 * 4) as $lo | {id: "r\($lo)", priority: $i, match: {proto: 17, dport: "\($lo)-\($lo + 2 + $i % 2)"}, action: {mark: $lo}}]}' >"$F"
	run -0 on host timeout 60 "$HM_TOP/scripts/policy.sh" check "$F"
	equal "$output" "" "check"
	run -0 on host timeout 60 "$HM_TOP/scripts/policy.sh" load "$F"
	local port
	for port in 0 1998 2000 32002 59998; do
		like "$(on host "$HM_BUILD/hookmap" policy --explain "src=1.1.1.1 dst=1.1.1.2 proto=udp dport=$port")" "rule r$((port / 4 * 4)), priority"
	done
	# nine at one port are one too many; a range within another is covered by it
	jq -n '{rules: [range(9) | {priority: ., match: {dport: "\(10 + .)-\(30 + .)"}, action: "pass"}]}' >"$F"
	fails 1 "over 8 port ranges overlap at port 18" policy check "$F"
	jq -n '{rules: [range(8) | {priority: ., match: {dport: "\(10 + .)-\(30 - .)"}, action: "pass"}]}' >"$F"
	run -0 policy check "$F"
	equal "$(grep -c "is covered by rule 1 (1)" <<<"$output")" 7 "$output"
}

@test "policy: limits are set at attach; over one is one clear error, and nothing changes" {
	attach eth0 policy --max-rules 3 --max-masks 2 --max-hops 2
	rules '[{"id":"old","priority":1,"action":"pass"}]'
	run -1 rules '[{"priority":1,"action":"pass"},{"priority":1,"action":"pass"},{"priority":1,"action":"pass"},{"priority":1,"action":"pass"}]'
	one_line "$output"
	like "$output" "4, but the limit set at attach is 3"
	run -1 rules '[{"priority":1,"match":{"proto":6},"action":"pass"},{"priority":1,"match":{"dscp":6},"action":"pass"},{"priority":1,"match":{"dscp":6,"proto":6},"action":"pass"}]'
	one_line "${output%%$'\n'*}"
	like "$output" "rule 3: match: needs another mask tuple for IPv4, and 2 is the limit set at attach"
	HOPS='{"a":{"dev":"veth0"},"b":{"dev":"veth0"},"c":{"dev":"veth0"}}' run -1 rules '[]'
	one_line "$output"
	like "$output" "nexthop c: number: is over the limit set at attach, 2"
	equal "$(rule old priority)" 1
	# attached again with other limits: what was loaded stays
	attach eth0 policy --max-rules 4
	rules '[{"priority":1,"action":"pass"},{"priority":1,"action":"pass"},{"priority":1,"action":"pass"},{"priority":1,"action":"pass"}]'
	run -2 on host "$HM_TOP/scripts/attach.sh" eth0 policy --max-masks 129
	like "$output" "expected a number from 1 to 128"
}

@test "policy: check names the file, the rule and the field, and writes nothing" {
	local json text n=0 files=0 rules='' want=''
	# rule|message: all of up to 16 are said
	said() {
		printf '{"interfaces":{"lan":"eth0"},"nexthops":{"a":{"dev":"veth0"}},"rules":[%s]}' "${rules:1}" >"$F"
		run -1 policy check "$F"
		# jq 1.7 writes 1E+300
		equal "$(sort -V <<<"${output/1E+300/1e+300}")" "$(sort -V <<<"${want%$'\n'}")"
	}
	while IFS='|' read -r json text; do
		n=$((n + 1))
		rules+=,$json
		want+="$F: ${text/rule 1/"rule $n"}"$'\n'
		((n == 16)) || continue
		said
		n=0 files=$((files + 1)) rules='' want=''
	done <<-'EOF'
		{"id":"x","action":"pass"}|rule 1 (x): priority: is missing
		{"priority":-1,"action":"pass"}|rule 1: priority: -1: expected a number up to 4294967295
		{"priority":1}|rule 1: action: is missing
		{"priority":1,"action":"accept"}|rule 1: action: accept: expected pass, drop, or an object with one of redirect, table, mark, ecmp
		{"priority":1,"action":{"redirect":"b"}}|rule 1: action: redirect: no next hop b
		{"priority":1,"action":{"table":0}}|rule 1: action: table 0: expected a number from 1
		{"priority":1,"action":{"ecmp":{"a":0}}}|rule 1: action: ecmp: weight of a: expected 1 to 255
		{"priority":1,"action":{"ecmp":{"z":1}}}|rule 1: action: ecmp: no next hop z
		{"priority":1,"action":"drop","fallback":"pass"}|rule 1: fallback: goes with redirect, table and ecmp only
		{"priority":1,"action":{"redirect":"a"},"fallback":"next"}|rule 1: fallback: next: expected pass or drop
		{"priority":1,"action":"pass","match":{"src":"10.0.0.1/8"}}|rule 1: match.src: 10.0.0.1/8: bits are set after the prefix
		{"priority":1,"action":"pass","match":{"src":"10.0.0.256"}}|rule 1: match.src: 10.0.0.256: expected an IPv4 or IPv6 prefix
		{"priority":1,"action":"pass","match":{"src":"010.0.0.1"}}|rule 1: match.src: 010.0.0.1: expected an IPv4 or IPv6 prefix
		{"priority":1,"action":"pass","match":{"dst":"10.0.0.0/08"}}|rule 1: match.dst: 10.0.0.0/08: expected an IPv4 or IPv6 prefix
		{"priority":"010","action":"pass"}|rule 1: priority: 010: expected a number up to 4294967295
		{"priority":1,"action":"pass","match":{"dport":"010-20"}}|rule 1: match.dport: 010-20: expected a port (0 to 65535) or a range such as 8000-8080
		{"priority":1,"action":"pass","match":{"dst":"10.0.0.0/33"}}|rule 1: match.dst: 10.0.0.0/33: expected an IPv4 or IPv6 prefix
		{"priority":1,"action":"pass","match":{"dst":"1::2::3"}}|rule 1: match.dst: 1::2::3: expected an IPv4 or IPv6 prefix
		{"priority":1,"action":"pass","match":{"src":"10.0.0.1","dst":"fd00::1"}}|rule 1: match.dst: fd00::1: is not of the family of src
		{"priority":1,"action":"pass","match":{"proto":"tpc"}}|rule 1: match.proto: tpc: expected a number up to 255 or a name such as tcp, udp, icmp6, gre or esp
		{"priority":1,"action":"pass","match":{"dport":"90-80"}}|rule 1: match.dport: 90-80: expected a port (0 to 65535) or a range such as 8000-8080
		{"priority":1,"action":"pass","match":{"sport":65536}}|rule 1: match.sport: 65536: expected a port (0 to 65535) or a range such as 8000-8080
		{"priority":1,"action":"pass","match":{"proto":"icmp","dport":1}}|rule 1: match.dport: protocol icmp has no ports
		{"priority":1,"action":"pass","match":{"dscp":64}}|rule 1: match.dscp: 64: expected 0 to 63, or a name such as EF, AF41 or CS6
		{"priority":1,"action":"pass","match":{"dscp":"AF44"}}|rule 1: match.dscp: AF44: expected 0 to 63, or a name such as EF, AF41 or CS6
		{"priority":1,"action":"pass","match":{"mark":"0x11/0x10"}}|rule 1: match.mark: 0x11/0x10: bits are set outside the mask
		{"priority":1,"action":"pass","match":{"iif":"eth9"}}|rule 1: match.iif: no device eth9
		{"priority":1,"action":"pass","match":{"vlan":4095}}|rule 1: match.vlan: 4095: expected 1 to 4094, or none
		{"priority":1,"action":"pass","match":{"fragment":1}}|rule 1: match.fragment: 1: expected true or false
		{"priority":1,"action":"pass","match":{"dst":["10.0.0.1"]}}|rule 1: match.dst: a list or object: expected an IPv4 or IPv6 prefix
		{"priority":1,"action":"pass","match":{"dest":"10.0.0.1"}}|rule 1: dest: unknown field (there is src, dst, proto, sport, dport, dscp, mark, iif, vlan, fragment)
		{"priority":1,"action":"pass","prio":3}|rule 1: prio: unknown field (there is id, priority, match, action, fallback, description)
		{"priority":1,"action":"pass","id":"a b"}|rule 1 (a b): id: expected up to 15 letters, digits and _.:-
		7|rule 1: it: expected object, not number
		{"priority":1.5,"action":"pass"}|rule 1: priority: 1.5: expected a number up to 4294967295
		{"priority":1e+300,"action":"pass"}|rule 1: priority: 1e+300: expected a number up to 4294967295
		{"priority":1,"action":"pass","match":{"iif":"\u001b[31m"}}|rule 1: match.iif: no device ?[31m
	EOF
	equal "$n $files" "5 2" "rules in the last file, files before it"
	said
	printf '{"rules":[{"id":"x","priority":1,"action":"pass"},{"id":"x","priority":2,"action":"pass"}]}' >"$F"
	run -1 policy check "$F"
	equal "$output" "$F: rule 2 (x): id: x is also the id of rule 1"
	printf '{"nexthops":{"a":{"dev":"eth9"}}}' >"$F"
	run -1 policy check "$F"
	equal "$output" "$F: nexthop a: dev: no device eth9"
	printf '{"nexthops":{"a":{"dev":"veth0","via":"10.0.0"}}}' >"$F"
	run -1 policy check "$F"
	equal "$output" "$F: nexthop a: via: 10.0.0: expected an address"
	printf '{"rules":[{]}' >"$F"
	run -1 policy check "$F"
	one_line "$output"
	like "$output" "$F: not JSON: "
	run -1 policy check /nonexistent
	one_line "$output"
	fails 1 "attach first (scripts/attach.sh DEV policy)" policy
	run -2 policy check
	equal "$(find /sys/fs/bpf -name 'pol_*')" "" "pins"
}

@test "policy: check: empty files, byte order marks, values that are none, keys that are there twice" {
	# contents|message; nothing: it is right
	local text want n=0
	while IFS='|' read -r text want; do
		printf '%b' "$text" >"$F"
		run policy check "$F"
		equal "$status $output" "${want:+1 $F: }${want:-0 }" "check of $text"
		n=$((n + 1))
	done <<-'EOF'
		|file: the whole: it is empty: expected one object
		\n \n|file: the whole: it is empty: expected one object
		{} {}|file: the whole: expected one object, not 2 values
		{}\n{}|file: the whole: expected one object, not 2 values
		[]|file: the whole: expected object, not array
		\xef\xbb\xbf{"rules":[]}|
		{"rules":null}|file: rules: expected array, not null
		{"nexthops":false}|file: nexthops: expected object, not boolean
		{"rules":[{"priority":1,"action":"pass"}],"rules":[]}|file: rules: is given twice
		{"nexthops":{"a":{"dev":"veth0"},"a" : {"dev":"veth1"}}}|nexthop a: name: is given twice
		{"rules":[{"priority":3,"action":"pass"},{"priority":2,"match":{"dst":"1.1.1.1","dport":1,\n\t"dst":"1.1.1.2"},"action":"pass"}]}|rule 2: match.dst: is given twice
		{"nexthops":{"a":{"dev":"veth0"}},"description":"\\\\\\"a\\":{","rules":[{"description":"{","priority":1,"action":{"ecmp":{"a":1,"a":2}}}]}|rule 1: action.ecmp.a: is given twice
		{"rules":[{"id":"a","priority":1,"action":"pass","description":"\\\\"},{"id":"b","priority":0,"match":{"dst":"1.1.1.1"},"action":"pass"}]}|
	EOF
	equal "$n" 13
	# each file by itself: two halves make no whole
	printf '{"rules":[' >"$F"
	printf ']}' >"$F.2"
	fails 1 "$F: not JSON" policy check "$F" "$F.2"
	printf '\xef\xbb\xbf{"rules":[{"priority":1,"action":"pass"}]}' >"$F.2"
	policy check "$F.2" "$F.2" 2>"$F.said"
	equal "$(<"$F.said")" "$F.2: rule 1 (2): match: never applies: the same match as rule 1 (1)"
	fails 1 "standard input: rule 1: priority: is missing" policy check - <<<'{"rules":[{"action":"pass"}]}'
}

@test "policy: a device that goes between check and load: its next hop is gone; rules are shown and changed all the same" {
	attach eth0 policy
	# the device goes when all was checked
	cat >"$BATS_TEST_TMPDIR/bpftool" <<-'EOF'
		#!/bin/bash
		[[ " $* " != *" batch file "* ]] || ip link del veth1
		exec bpftool "$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bpftool"
	BPFTOOL=$BATS_TEST_TMPDIR/bpftool rules '[{"id":"p","priority":1,"match":{"dst":"198.51.100.1"},"action":{"redirect":"b"},"fallback":"pass"},
		{"id":"d","priority":2,"match":{"iif":"veth1"},"action":"drop"}]'
	catch server eth0 3
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 3
	equal "$(caught | wc -l)" 3 "over a"
	equal "$(hop b state) $(hop b down) $(counted fallback_pass)" "gone 3 3"
	policy show >"$F"
	equal "$(jq -c '[.nexthops.b.dev, .rules[1].match.iif]' "$F")" '["veth1","veth1"]'
	run -0 policy add - <<<'{"rules":[{"id":"new","priority":3,"match":{"iif":"eth0"},"action":"pass"}]}'
	like "$output" "rules in force: nexthop b: dev: veth1 is gone: down until a device has this name"
	policy del new
	run -0 policy diff "$F"
	equal "$output" ""
	run -0 policy load "$F"
	like "$output" "$F: nexthop b: dev: veth1 is gone: down until a device has this name"
	equal "$(hop b device) $(hop b state) $(rule d match)" 'veth1 unused "iif veth1"'
	# no name of which the rules in force know nothing
	fails 1 "nexthop b: dev: no device veth2" policy load - <<<"$(sed 's/"dev": *"veth1"/"dev": "veth2"/' "$F")"
	# with generation numbers at their end
	local value
	read -ra value <<<"$(on host bpftool -j map lookup pinned "$G/pol_cfg" key 0 0 0 0 | jq -r '.value | join(" ")')"
	on host bpftool map update pinned "$G/pol_cfg" key 0 0 0 0 value 0xff 0xff 0xff 0xff "${value[@]:4}"
	HOPS='{"a":{"dev":"veth0","via":"10.11.2.2"}}'
	rules '[{"id":"new","priority":1,"action":{"redirect":"a"}}]'
	catch server eth0 5
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 5
	equal "$(caught | wc -l)" 5 "over a"
	equal "$(rule new packets) $(on host "$HM_BUILD/hookmap" -j policy | jq .generation)" "5 2"
}

@test "policy: check finds duplicate and shadowed rules" {
	printf '{"rules":[
		{"id":"a","priority":10,"match":{"src":"10.0.0.0/8"},"action":"pass"},
		{"id":"b","priority":20,"match":{"src":"10.1.0.0/16","proto":"tcp"},"action":"drop"},
		{"id":"c","priority":30,"match":{"dport":"100-200"},"action":"drop"},
		{"id":"d","priority":40,"match":{"dport":150,"proto":"udp"},"action":"pass"},
		{"id":"e","priority":50,"match":{"dport":"150-201","proto":"udp"},"action":"pass"},
		{"id":"f","priority":60,"match":{"dport":"150-201","proto":17},"action":"pass"},
		{"id":"g","priority":70,"match":{"mark":"0x11/0xff"},"action":"pass"},
		{"id":"h","priority":80,"match":{"mark":"0x3411/0xffff"},"action":"pass"},
		{"id":"i","priority":5,"match":{"src":"10.1.0.0/16","proto":"tcp","dscp":3},"action":"drop"}]}' >"$F"
	run -0 policy check "$F"
	equal "$output" "$F: rule 2 (b): match: never applies: is covered by rule 1 (a)
$F: rule 4 (d): match: never applies: is covered by rule 3 (c)
$F: rule 6 (f): match: never applies: the same match as rule 5 (e)
$F: rule 8 (h): match: never applies: is covered by rule 7 (g)"
}

@test "policy: check: of many rules that never apply the first 20 are named" {
	jq -n '{rules: [range(61) | {priority: ., match: {dst: "10.0.0.1"}, action: "pass"}]}' >"$F"
	run -0 policy check "$F"
	equal "$(wc -l <<<"$output")" 21
	equal "${lines[19]}" "$F: rule 21 (21): match: never applies: the same match as rule 1 (1)"
	equal "${lines[20]}" "more rules never apply: these are the first 20"
	jq '.rules[:21]' "$F" | jq '{rules: .}' >"$F.2"
	run -0 policy check "$F.2"
	equal "$(wc -l <<<"$output")" 20
}

@test "policy: show, add, del, diff and flush" {
	attach eth0 policy
	printf '{"interfaces":{"lan":{"device":"eth0"}},"nexthops":{"a":{"dev":"veth0","via":"10.11.2.2","via6":"fd11:2::2"},"w":{"dev":"lan","l2":true},"t":{"dev":"veth1","via":"fd11:3::2","vlan":9}},"rules":[
		{"priority":30,"match":{"src":"2001:db8::/33","dst":"::/0","sport":"1-9","dport":53,"proto":"udp"},"action":{"ecmp":{"a":3,"t":200}},"fallback":"pass"},
		{"id":"z","priority":10,"match":{"vlan":"none","iif":"lan","mark":7,"dscp":"0x2e","fragment":false},"action":{"table":100,"mark":"0x10"}},
		{"priority":20,"match":{"proto":47,"fragment":true},"action":"drop"},
		{"priority":20,"action":{"mark":1}},
		{"priority":20,"match":{"dst":"0.0.0.0/0"},"action":{"redirect":"w","mark":5}}]}' >"$F"
	policy load "$F"
	policy show >"$BATS_TEST_TMPDIR/show.json"
	equal "$(jq -r '[.rules[].id] | join(" ")' "$BATS_TEST_TMPDIR/show.json")" "z 3 4 5 1" "order"
	policy diff "$F"
	policy load "$BATS_TEST_TMPDIR/show.json"
	policy diff "$F"
	printf '{"rules":[{"id":"first","priority":1,"match":{"dst":"192.0.2.1"},"action":"drop"},{"priority":20,"action":"pass"}]}' |
		policy add -
	run -1 policy diff "$F"
	like "$output" "-1 first dst 192.0.2.1/32: drop"
	equal "$(grep -c '^[-+][0-9]' <<<"$output")" 2
	run -1 policy del nosuch
	one_line "$output"
	policy del first 7
	policy diff "$F"
	# ids that look like options of jq
	printf '{"rules":[{"id":"-r","priority":1,"action":"drop"},{"id":"-b","priority":2,"action":"drop"}]}' | policy add -
	policy del -- -r -b
	policy diff "$F"
	policy flush
	equal "$(policy show | jq -c .)" '{"nexthops":{},"rules":[]}'
	like "$(on host "$HM_BUILD/hookmap" policy)" "0 rules"
}

@test "policy: diff: 0 equal, 1 different, 2 error; priorities may be hexadecimal" {
	attach eth0 policy
	rules '[{"id":"a","priority":"0x10","action":"pass"},{"id":"b","priority":3,"action":"drop"},{"id":"c","priority":"0x4","action":"pass"}]'
	equal "$(policy show | jq -c '[.rules[] | [.id, .priority]]')" '[["b",3],["c",4],["a",16]]' "by priority"
	policy show >"$F"
	run -0 policy diff "$F"
	equal "$output" ""
	jq '.rules[0].action = "pass"' "$F" >"$F.2"
	run -1 policy diff "$F.2"
	fails 2 "no such file" policy diff "$F.none"
	fails 2 "not JSON" policy diff - <<<'{'
	fails 2 "priority: is missing" policy diff - <<<'{"rules":[{"action":"pass"}]}'
	fails 2 "diff needs a file" policy diff
	detach eth0
	fails 2 "attached to no device" policy diff "$F"
}

@test "policy: standard input and pipes are read before the lock is held" {
	local pid
	attach eth0 policy
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/in2"
	mkdir "$BATS_TEST_TMPDIR/tmp"
	TMPDIR=$BATS_TEST_TMPDIR/tmp on host "$HM_TOP/scripts/policy.sh" load - "$BATS_TEST_TMPDIR/in2" <"$BATS_TEST_TMPDIR/in" 3>&- &
	pid=$!
	exec 5>"$BATS_TEST_TMPDIR/in"
	# it reads, and others can work
	busywait 5 compgen -G "$BATS_TEST_TMPDIR/tmp/*/input*"
	run -0 timeout 50 nsenter --net=/run/netns/"$LAB-host" "$HM_TOP/scripts/policy.sh" flush
	printf '{"rules":[{"id":"x","priority":1,"action":"pass"}]}' >&5
	exec 5>&-
	printf '{"rules":[{"id":"y","priority":2,"action":"pass"}]}' >"$BATS_TEST_TMPDIR/in2"
	wait "$pid"
	equal "$(policy show | jq -c '[.rules[].id]')" '["x","y"]'
	# as a shell makes them
	policy check <(printf '{"rules":[]}')
}

@test "policy: the lock is free while somebody reads what show and diff say" {
	local verb
	attach eth0 policy
	big 1800 a >"$F"
	policy load "$F"
	printf '{}' >"$BATS_TEST_TMPDIR/none"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	for verb in show "diff $BATS_TEST_TMPDIR/none"; do
		# shellcheck disable=SC2086
		policy $verb >"$BATS_TEST_TMPDIR/pipe" 3>&- &
		exec 5<"$BATS_TEST_TMPDIR/pipe"
		read -r _ <&5
		run -0 timeout 50 nsenter --net=/run/netns/"$LAB-host" "$HM_TOP/scripts/policy.sh" del 10
		(($(cat <&5 | wc -c) > 65536))
		exec 5<&-
		wait $! || true
		policy load "$F"
	done
}

@test "policy: several files are one set" {
	attach eth0 policy
	printf '{"nexthops":{"a":{"dev":"veth0"}}}' >"$BATS_TEST_TMPDIR/static.json"
	printf '{"rules":[{"priority":2,"action":{"redirect":"a"}}]}' >"$BATS_TEST_TMPDIR/run1.json"
	printf '{"rules":[{"priority":1,"action":"pass"}]}' >"$BATS_TEST_TMPDIR/run2.json"
	policy load "$BATS_TEST_TMPDIR/static.json" "$BATS_TEST_TMPDIR/run1.json" "$BATS_TEST_TMPDIR/run2.json"
	equal "$(policy show | jq -c '[.rules[].id]')" '["2","1"]'
	run -1 policy check "$BATS_TEST_TMPDIR/static.json" "$BATS_TEST_TMPDIR/static.json"
	equal "$output" "$BATS_TEST_TMPDIR/static.json: nexthop a: name: is given twice"
}

@test "policy: attach twice, detach twice; nothing is left, nothing foreign is touched" {
	attach eth0 policy
	rules '[{"id":"r","priority":1,"action":{"redirect":"b"}}]'
	attach eth0 policy
	attach veth0 policy
	equal "$(on host tc filter show dev eth0 ingress | grep -c policy_tc)" 1
	equal "$(rule r id)" '"r"' "rules stay"
	attach eth0 latency
	detach eth0 policy
	run ! on host bash -c 'tc filter show dev eth0 ingress | grep policy_tc'
	on host tc filter show dev eth0 ingress | grep -q latency_tc
	equal "$(rule r id)" '"r"' "rules stay for veth0"
	detach veth0
	detach veth0
	equal "$(find "$G" -name 'pol_*')" "" "pins"
	run -1 policy load /dev/null
	like "$output" "policy is attached to no device"
	detach eth0
	# a foreign filter in our place
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress pref 50 handle 1 matchall action pass 2>/dev/null ||
		on host tc filter add dev eth0 ingress pref 50 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	run -1 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	one_line "$output"
	like "$output" "another tc filter at ingress pref 50"
	equal "$(find "$G" -name 'pol_*')" "" "pins"
	attach eth0 policy --policy-pref 60
	detach eth0
	equal "$(on host tc filter show dev eth0 ingress | grep -c 'pref 50' || true)" 2 "foreign filter"
	on host tc filter del dev eth0 ingress pref 50
	# rules are of one namespace
	attach eth0 policy
	run -1 on server "$HM_TOP/scripts/attach.sh" eth0 policy
	one_line "$output"
	equal "$output" "attach.sh: rules name devices of one network namespace, and eth0 in network namespace $LAB-host has it: detach.sh --netns $LAB-host eth0 detaches it there"
	run -1 on server "$HM_TOP/scripts/policy.sh" flush
	one_line "$output"
}

@test "policy: the reader: JSON, Prometheus, errors" {
	run -1 "$HM_BUILD/hookmap" policy
	one_line "$output"
	like "$output" "attach first"
	attach eth0 policy
	rules '[{"id":"web","priority":1,"match":{"proto":"udp","dport":7000},"action":{"redirect":"b"}}]'
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 29
	local prom
	prom=$(on host "$HM_BUILD/hookmap" --prom policy)
	grep -qx 'hookmap_policy_packets_total{policy="web",action="redirect",device="veth1"} 29' <<<"$prom"
	grep -qx "hookmap_policy_bytes_total{policy=\"web\",action=\"redirect\",device=\"veth1\"} $((29 * 106))" <<<"$prom"
	grep -qx 'hookmap_policy_nexthop_packets_total{nexthop="b"} 29' <<<"$prom"
	grep -qx 'hookmap_policy_events_total{event="cache_miss"} 1' <<<"$prom"
	equal "$(grep -vcE '^(# (HELP|TYPE) )?hookmap_(policy_[a-z_]+|map_|read_|build_|stage_)' <<<"$prom" || true)" 0 "other lines"
	equal "$(on host "$HM_BUILD/hookmap" -j policy | jq -c '.rows[0] | [.id, .priority, .match, .action, .packets, .bytes, (.last_ns < 60000000000)]')" \
		'["web",1,"proto udp dport 7000","redirect b",29,3074,true]'
	like "$(on host "$HM_BUILD/hookmap" policy)" "cache hit rate 96.6 %"
	run -2 on host "$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1'
	run -2 on host "$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=x'
	run -2 on host "$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 bla=1'
	one_line "$output"
	fails 2 "proto= is given twice" on host "$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 proto=tcp proto=udp'
	run -2 "$HM_BUILD/hookmap" status --explain 'src=1.1.1.1 dst=1.1.1.2'
	like "$(on host "$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 proto=udp dport=7000')" "rule web, priority 1"
	like "$(on host "$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 proto=tcp dport=7000')" "no rule matches"
	# the devices are those of the rules, from wherever one asks
	rules '[{"id":"in","priority":1,"match":{"iif":"veth1"},"action":"drop"}]'
	like "$("$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 iif=veth1')" "rule in, priority 1"
	like "$("$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 iif=veth0')" "no rule matches"
	like "$("$HM_BUILD/hookmap" policy --explain 'src=1.1.1.1 dst=1.1.1.2 iif=nosuch')" "no rule matches"
	# a rule about a device is asked for that device, by its name
	printf '{"interfaces":{"lan":"eth0"},"rules":[{"priority":1,"match":{"iif":"lan"},"action":"drop"}]}' >"$F"
	policy load "$F"
	equal "$(for packet in '' iif=eth0 iif=lan; do on host "$HM_BUILD/hookmap" policy --explain "src=1.1.1.1 dst=1.1.1.2 $packet" | grep -o 'no rule matches.*\|: drop$'; done)" "no rule matches; rules with iif were left out (give iif=DEV)
: drop
no rule matches; no rule names that device as its iif (is it an alias of the file's interfaces? give the device)"
	# of over 64 next hops, those that share a series are down if one is
	on host "$HM_TOP/scripts/attach.sh" eth0 policy --max-hops 256
	on host ip link add gone type veth peer name gone2
	jq -n '{nexthops: ([range(100) | {"h\(.)": (if . == 90 then {dev: "gone", l2: true} else {dev: "veth0", via: "10.11.2.2"} end)}] | add),
		rules: [range(100) | {priority: ., match: {dst: "198.51.100.\(.)"}, action: {redirect: "h\(.)"}}]}' | policy load -
	for dev in 1 88 89; do on client "$HM_BUILD/tests/traffic" udp-send 198.51.100."$dev" 7000 1; done
	prom=$(on host "$HM_BUILD/hookmap" --prom policy)
	grep -qx 'hookmap_policy_nexthop_up{nexthop="h1"} 1' <<<"$prom"
	grep -qx 'hookmap_policy_nexthop_up{nexthop="other"} 0' <<<"$prom"
}
