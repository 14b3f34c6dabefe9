#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# policy against an independent reading of the rules: random sets, random packets

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../policy.bash"

# links FIRST LAST: t0 ..., with peers p0 ... and addresses
links() {
	local i
	for ((i = $1; i <= $2; i++)); do
		ip link add "t$i" type veth peer name "p$i"
		ip link set "t$i" up
		ip link set "p$i" up
		ip addr add "192.0.2.$((i * 4 + 1))/30" dev "t$i"
		ip addr add "fd00:$i::1/64" dev "t$i" nodad
	done
}

setup() {
	links 0 2
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip route add default via 192.0.2.2
	ip route add default via fd00::2 dev t0
	"$HM_TOP/scripts/attach.sh" t0 policy --max-masks 128
	PROG=$(tc -j filter show dev t0 ingress | jq '.[].options.prog.id // empty')
	RULES=$BATS_TEST_TMPDIR/rules.json
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
}

own_mac() { ip -j link show dev "$1" | jq -r '.[0].address' | tr -d :; }
oracle() { "$HM_BUILD/tests/policy_oracle" "$@"; }

# truth FIRST LAST: rule sets by these seeds, of 3 to 70 rules, 1 000 packets each
truth() {
	local seed
	for ((seed = $1; seed <= $2; seed++)); do
		oracle rules "$seed" $((3 + seed * 7 % 68)) t0 t1 t2 >"$RULES"
		"$HM_TOP/scripts/policy.sh" load "$RULES"
		oracle run "$RULES" "$seed" 1000 "$PROG" t0 t1 t2 || {
			printf 'seed %s\n' "$seed" >&2
			return 1
		}
	done
}

@test "policy: truth: 100 random rule sets, 1 000 random packets each, looked up and cached (1)" {
	truth 1 100
}

@test "policy: truth: 100 random rule sets, 1 000 random packets each, looked up and cached (2)" {
	truth 101 200
}

@test "policy: truth: one set of 3 000 rules, and more flows than the flow cache has room for" {
	"$HM_TOP/scripts/attach.sh" t0 policy --max-masks 128
	# few kinds of matches, many rules
	jq -n '{rules: [range(3000) as $i | {priority: ($i * 7919 % 3000), match: ({dst: "10.\($i % 3).\(($i / 3 | floor) % 3).\(($i / 9 | floor) % 256)/32"}
		+ (if $i % 2 == 0 then {proto: 17} else {} end) + (if $i % 5 == 0 then {dport: "1000-\(2000 + $i % 7)"} else {} end)), action: {mark: (16777216 + $i)}}]}' >"$RULES"
	"$HM_TOP/scripts/policy.sh" load "$RULES"
	oracle run "$RULES" 7 5000 "$PROG" t0 t1 t2
	# a flow that comes again was looked up before and, of three, is forgotten by now for two
	local n=$((3 * POL_FLOWS)) before after
	before=$("$HM_BUILD/hookmap" -j policy | jq -c .packets)
	oracle flood "$RULES" 8 "$n" "$PROG" t0 t1 t2
	after=$("$HM_BUILD/hookmap" -j policy | jq --argjson was "$before" '.packets | .cache_hit - $was.cache_hit, .cache_miss - $was.cache_miss' | xargs)
	equal $((${after% *} + ${after#* })) $((2 * n)) "packets (hits and misses: $after)"
	((${after#* } > n + n / 2))
}

@test "policy: truth: rules whose hashes are the same; over 8 of them is an error" {
	# of a difference in src of the constant of dst, and back, the hash says nothing
	same() {
		jq -n --argjson n "$1" 'def ip: [16777216, 65536, 256, 1] as $d | . as $a | [$d[] as $x | $a / $x | floor % 256 | tostring] | join(".");
			{rules: [range($n) | {id: "r\(.)", priority: ., match: {src: (184549376 + . * 419767 | ip), dst: (335544320 + ($n - .) * 648055 | ip)},
			action: {mark: (16777216 + .)}}]}'
	}
	like "$(grep -A 1 'define POL_HASH_MUL' "$HM_TOP/kern/abi/policy.h")" "648055, 419767,"
	same 8 >"$RULES"
	"$HM_TOP/scripts/policy.sh" load "$RULES"
	local i frame frames=()
	frame=$(frame4 "$(own_mac t0)" "$(own_mac p0)" - 64)
	for ((i = 0; i < 8; i++)); do
		printf -v addresses '%08x%08x' $((184549376 + i * 419767)) $((335544320 + (8 - i) * 648055))
		frames+=("${frame/0a0b0102c6336401/$addresses}")
	done
	"$HM_BUILD/tests/policy_frames" send p0 "${frames[@]}" "${frames[@]}"
	equal "$("$HM_BUILD/hookmap" -j policy | jq -c '[.rows[].packets]')" '[2,2,2,2,2,2,2,2]'
	same 9 >"$RULES"
	run -1 "$HM_TOP/scripts/policy.sh" load "$RULES"
	one_line "$output"
	like "$output" "over 8 rules have the same hash"
	equal "$("$HM_BUILD/hookmap" -j policy | jq .rules)" 8 "rules in force"
}

@test "policy: truth: --explain names the rule that the program takes" {
	oracle rules 11 40 t0 t1 t2 >"$RULES"
	"$HM_TOP/scripts/policy.sh" load "$RULES"
	oracle explain "$RULES" 11 60 t0 t1 t2 >"$BATS_TEST_TMPDIR/packets"
	local id packet got
	while read -r id packet; do
		got=$("$HM_BUILD/hookmap" -j policy --explain "$packet" | jq -r '.rule.id // "0"')
		equal "$got" "$id" "$packet"
	done <"$BATS_TEST_TMPDIR/packets"
	equal "$(wc -l <"$BATS_TEST_TMPDIR/packets")" 60
}

# packets by device: in, out
by_device() { ip -j -s link | jq -c '[.[] | {(.ifname): [.stats64.rx.packets, .stats64.tx.packets]}] | add'; }

@test "policy: truth: each of 200 000 rules is hit by its own packet, which leaves by the link of its rule" {
	local i n=${HM_MANY:-100000} before
	links 3 7
	ip netns add far
	far() { nsenter --net=/run/netns/far -- "$@"; }
	far sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for ((i = 0; i <= 7; i++)); do
		ip link set "p$i" netns far
		far ip link set "p$i" up
		ip neigh replace "192.0.2.$((i * 4 + 2))" lladdr 02:00:00:00:00:02 nud permanent dev "t$i"
		ip neigh replace "fd00:$i::2" lladdr 02:00:00:00:00:02 nud permanent dev "t$i"
		sysctl -qw "net.ipv4.conf.t$i.rp_filter=0"
	done
	# the main table leads to t6, which no rule names
	sysctl -qw net.ipv4.conf.all.rp_filter=0
	for i in -4 -6; do
		ip "$i" route del default
		ip "$i" rule add fwmark 0x1000000/0x1000000 lookup 201
	done
	way() { ip route add default via "192.0.2.$(($1 * 4 + 2))" table "$2" && ip -6 route add default via "fd00:$1::2" dev "t$1" table "$2"; }
	way 6 main
	way 4 200
	way 5 201
	# this host sends nothing by itself
	iptables -A OUTPUT -j DROP
	ip6tables -A OUTPUT -j DROP
	jq -n '{nexthops: ([["r", 1], ["e1", 2], ["e2", 3]] | map({key: .[0], value: {dev: "t\(.[1])", via: "192.0.2.\(.[1] * 4 + 2)", via6: "fd00:\(.[1])::2"}}) | from_entries)}' >"$RULES.hops"
	oracle many "$n" >"$RULES"
	"$HM_TOP/scripts/policy.sh" load "$RULES.hops" "$RULES"
	before=$(by_device)
	equal "$(far "$HM_BUILD/tests/policy_oracle" each "$n" "$(own_mac t0)" p0 p1 p2 p3 p4 p5 p6 p7)" "$((2 * n)) sent, 0 not once, 0 by another link"
	equal "$("$HM_BUILD/hookmap" -j policy | jq -c '[.rows[].packets] | [length, min, max]')" "[$((2 * n)),1,1]" "rules, and packets of each"
	# the two links of ecmp as one
	equal "$(by_device | jq -cS --argjson was "$before" 'to_entries | map(.key as $dev | {key: (if $dev == "t3" then "t2" else $dev end), value: [.value[0] - $was[$dev][0], .value[1] - $was[$dev][1]]})
		| group_by(.key) | map({key: .[0].key, value: (map(.value) | transpose | map(add))}) | from_entries')" \
		"{\"lo\":[0,0],\"t0\":[$((2 * n)),0],\"t1\":[0,$((2 * n / 5))],\"t2\":[0,$((2 * n / 5))],\"t4\":[0,$((2 * n / 5))],\"t5\":[0,$((2 * n / 5))],\"t6\":[0,0],\"t7\":[0,0]}" "packets in and out, by device"
}

@test "policy: truth: numbers from 2^31 on stay apart" {
	# whose first six digits are the same
	local said
	jq -n '{rules: ([range(40) | {id: "m\(.)", priority: (4294967200 + .), match: {mark: "0x\(if . < 20 then "fffff0" else "fffff8" end)00/0xfffff\(if . < 20 then "f" else "8" end)00", dscp: .}, action: {mark: (4294960000 + .)}}]
		+ [range(2000) | {id: "a\(.)", priority: 100, match: {src: "200.0.\(. / 200 | floor).\(. % 200)"}, action: "pass"}])}' >"$RULES"
	said=$("$HM_TOP/scripts/policy.sh" check "$RULES" 2>&1)
	equal "$said" "" "check of rules that are all different"
	"$HM_TOP/scripts/policy.sh" load "$RULES"
	"$HM_TOP/scripts/policy.sh" diff "$RULES"
	equal "$("$HM_BUILD/hookmap" -j policy | jq '.tuples4')" 3 "tuples: two masks of marks, source addresses"
	jq '.rules[3].priority = 4294967290 | .rules[5].action.mark = 4294967294 | .rules[7].match.mark = "0xfffffd00/0xffffff00"' "$RULES" >"$RULES.2"
	said=$("$HM_TOP/scripts/policy.sh" diff "$RULES.2" 2>&1) || true
	equal "$(grep '^[-+][0-9]' <<<"$said" | sort)" "$(
		sort <<-'EOF'
			-4294967203 m3 dscp 3 mark 0xfffff000/0xffffff00: mark mark 0xffffe383
			-4294967205 m5 dscp 5 mark 0xfffff000/0xffffff00: mark mark 0xffffe385
			-4294967207 m7 dscp 7 mark 0xfffff000/0xffffff00: mark mark 0xffffe387
			+4294967205 m5 dscp 5 mark 0xfffff000/0xffffff00: mark mark 0xfffffffe
			+4294967207 m7 dscp 7 mark 0xfffffd00/0xffffff00: mark mark 0xffffe387
			+4294967290 m3 dscp 3 mark 0xfffff000/0xffffff00: mark mark 0xffffe383
		EOF
	)"
}
