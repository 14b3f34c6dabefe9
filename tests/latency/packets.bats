#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# latency on packet fixtures, by bpftool prog run

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../packets.bash"

P=/sys/fs/bpf/p

setup() {
	mkdir -p "$P"
	bpftool -n prog loadall "$HM_BUILD/xdp/latency.o" "$P" type xdp
	bpftool -n prog loadall "$HM_BUILD/tc/latency.o" "$P"
	FILE=$BATS_TEST_TMPDIR/packet
	OUT=$BATS_TEST_TMPDIR/out
}

config() { # BYTE...: lat_cfg, the rest zero
	local bytes=("$@") size
	size=$(bpftool -j map dump pinned /sys/fs/bpf/lat_cfg | jq ".[0].value | length")
	while ((${#bytes[@]} < size)); do bytes+=(00); done
	bpftool map update pinned /sys/fs/bpf/lat_cfg key 0 0 0 0 value hex "${bytes[@]}"
}

# All on one CPU: XDP and tc share a ring of the CPU.
run_one() { # PROGRAM HEX: the return value; the packet that came out is in $OUT
	packet "$2" "$FILE"
	taskset -c 0 bpftool -j prog run pinned "$P/$1" data_in "$FILE" data_out "$OUT" repeat 1 | jq .retval
}

stat() { # FIELD: sum over the CPUs
	bpftool -j map dump pinned /sys/fs/bpf/lat_stat | jq "[.[].formatted.values[].value.$1] | add"
}

waiting() { # stamps in the rings
	bpftool -j map dump pinned /sys/fs/bpf/lat_ring | jq '[.[].formatted.values[].value | .head - .tail] | add'
}

@test "latency: XDP passes and stamps every kind of IP packet, and touches none" {
	local name n=0
	config 01
	for name in $FIXTURES_IP; do
		equal "$(run_one latency_xdp "${FIXTURES[$name]}")" 2 "verdict on $name"
		packet "${FIXTURES[$name]}" "$FILE"
		cmp "$FILE" "$OUT"
		n=$((n + 1))
		equal "$(waiting)" "$n" "stamps after $name"
	done
	equal "$(stat seen)" "$n" seen
	equal "$(stat sampled)" "$n" sampled
}

@test "latency: XDP passes what is not IP, or is malformed, and does not count it" {
	local name
	config 01
	for name in arp lldp triple_vlan bad_ihl bad_version; do
		equal "$(run_one latency_xdp "${FIXTURES[$name]}")" 2 "verdict on $name"
	done
	equal "$(waiting)" 0 stamps
	equal "$(stat seen)" 0 seen
	equal "$(stat sampled)" 0 sampled
}

@test "latency: packets truncated at every length pass through XDP and tc" {
	local name hex length
	config 01
	for name in udp4_options udp4_qinq udp6_chain tcp6; do
		hex=${FIXTURES[$name]}
		for ((length = 28; length <= ${#hex}; length += 2)); do
			packet "${hex:0:length}" "$FILE"
			taskset -c 0 bpftool -j prog run pinned "$P/latency_xdp" data_in "$FILE" repeat 1
			# the kernel itself refuses to run tc on less than an IP header
			taskset -c 0 bpftool -j prog run pinned "$P/latency_tc" data_in "$FILE" repeat 1 || true
			printf '\n'
		done
	done >"$BATS_TEST_TMPDIR/runs"
	# XDP_PASS, TC_ACT_UNSPEC, and nothing else
	equal "$(jq 'select(.error == null) | .retval' "$BATS_TEST_TMPDIR/runs" | sort -u | tr '\n' ' ')" "2 4294967295 "
	equal "$(grep -c '"retval":2,' "$BATS_TEST_TMPDIR/runs")" 248 "runs of XDP"
}

@test "latency: tc finds every packet that XDP has stamped, also with the tag taken off" {
	local name n=0
	config 01
	for name in $FIXTURES_IP; do
		run_one latency_xdp "${FIXTURES[$name]}"
		case $name in
		udp4_vlan) name=udp4 ;; # as tc sees it after hardware took the tag
		udp6_vlan) name=udp6 ;;
		esac
		equal "$(run_one latency_tc "${FIXTURES[$name]}")" 4294967295 "verdict on $name"
		n=$((n + 1))
		equal "$(stat started)" "$n" "started after $name"
		equal "$(waiting)" 0 "stamps after $name"
	done
}

@test "latency: the first packets of the first CPU have tags, and each stamp an end" {
	config 01
	local name
	for name in udp4 tcp4 udp6; do
		run_one latency_xdp "${FIXTURES[$name]}"
		run_one latency_tc "${FIXTURES[$name]}"
	done
	equal "$(stat started)" 3 started
	# test runs use one sk_buff after the other: of two that nobody saw again, the address came again
	n=$(bpftool -j map dump pinned /sys/fs/bpf/lat_stamp | tr '}' '\n' | grep -c '"skb":[1-9].*"tag":[1-9]')
	equal $((n + $(stat 'gone[2]'))) 3 "stamps and those last seen at tc"
}

@test "latency: tc takes stamps in any order, and not those of other packets" {
	config 01
	run_one latency_xdp "${FIXTURES[udp4]}"
	run_one latency_xdp "${FIXTURES[tcp4]}"
	run_one latency_xdp "${FIXTURES[udp6]}"
	run_one latency_tc "${FIXTURES[icmp4]}"
	equal "$(stat started)" 0
	run_one latency_tc "${FIXTURES[tcp4]}"
	equal "$(stat started)" 1
	run_one latency_tc "${FIXTURES[tcp4]}" # a second one was not stamped
	equal "$(stat started)" 1
	run_one latency_tc "${FIXTURES[udp6]}"
	run_one latency_tc "${FIXTURES[udp4]}"
	equal "$(stat started)" 3
	equal "$(waiting)" 0
}

@test "latency: a TCP segment that GRO merged behind another is found by its sequence" {
	config 01
	# two segments are stamped, the second and the third of what GRO made one packet of
	run_one latency_xdp "$(eth 0800)$(ip4 6 24)$(tcp 7000 00000005)deadbeef"
	run_one latency_xdp "$(eth 0800)$(ip4 6 24)$(tcp 7000 00000009)deadbeef"
	# another flow, and a sequence beyond the end, stay
	run_one latency_xdp "$(eth 0800)$(ip4 6 24)$(tcp 7001 00000005)deadbeef"
	run_one latency_xdp "$(eth 0800)$(ip4 6 24)$(tcp 7000 0000000d)deadbeef"
	run_one latency_tc "$(eth 0800)$(ip4 6 32)$(tcp 7000 00000001)deadbeefdeadbeefdeadbeef"
	equal "$(stat started)" 1 started
	equal "$(stat 'lost[3]')" 1 merged
	equal "$(waiting)" 2 stamps
}

@test "latency: stamps that are not found expire" {
	local i
	config 01
	run_one latency_xdp "${FIXTURES[udp4]}"
	for ((i = 0; i < 63; i++)); do run_one latency_tc "${FIXTURES[tcp4]}"; done
	equal "$(waiting)" 1
	run_one latency_tc "${FIXTURES[tcp4]}"
	equal "$(waiting)" 0
}

@test "latency: sampling chooses one packet in N on average, and counts all" {
	packet "${FIXTURES[udp4]}" "$FILE"
	config 10 # 1 in 16
	taskset -c 0 bpftool -j prog run pinned "$P/latency_xdp" data_in "$FILE" repeat 160000
	equal "$(stat seen)" 160000 seen
	n=$(stat sampled)
	((n > 9000 && n < 11000))
}

@test "latency: the filter, word by word" {
	local words yes name before
	while IFS='|' read -r words yes; do
		# shellcheck disable=SC2046,SC2086
		config 01 00 00 00 01 $(printf '00 %.0s' {1..15}) $("$HM_BUILD/rules" match -- $words)
		for name in "${!FIXTURES[@]}"; do
			before=$(stat seen)
			run_one latency_xdp "${FIXTURES[$name]}" >/dev/null
			equal "$words: $name $(($(stat seen) - before))" "$words: $name $([[ " $yes " == *" $name "* ]] && echo 1 || echo 0)"
		done
	done <<-EOF
		proto udp|udp4 udp4_options udp4_vlan udp4_qinq udp4_first_fragment udp4_later_fragment udp6 udp6_vlan udp6_hopopts udp6_chain udp6_later_fragment udp6_ah
		dport 7000 src 10.11.1.0/24|udp4 udp4_options udp4_vlan udp4_qinq udp4_first_fragment tcp4
		sport 7000|
		ip6 port 4000-4660|udp6 udp6_vlan udp6_hopopts udp6_chain tcp6 udp6_ah
		port 4661-6999|
		src 10.11.2.0/24|
		tcp dst fd11:1::/32|tcp6
		host 10.11.1.1 dport 6999-7001 udp|udp4 udp4_options udp4_vlan udp4_qinq udp4_first_fragment
		host fd11:1::2 fragment yes|udp6_later_fragment
		fragment yes|udp4_later_fragment udp6_later_fragment
		echo|icmp4
		icmp6|
		dst 0.0.0.0/0 tcp|tcp4
	EOF
}

@test "latency: in-packet mode leaves a datagram that is too short alone" {
	config 01 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00 1b 58 # port 7000
	run_one latency_xdp "${FIXTURES[udp4]}"
	run_one latency_tc "${FIXTURES[udp4]}"
	equal "$(stat started)" 1
	packet "${FIXTURES[udp4]}" "$FILE"
	cmp "$FILE" "$OUT"
}

@test "latency: in-packet mode does not take Ethernet's padding for payload" {
	local hex
	config 01 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00 1b 58 # port 7000
	hex=$(sed 's/#.*//' "$HM_TOP/tests/packets/ipv4-udp-padded.hex" | tr -d ' \n')
	run_one latency_xdp "$hex"
	run_one latency_tc "$hex"
	equal "$(stat started)" 1
	packet "$hex" "$FILE"
	cmp "$FILE" "$OUT"
	# with room for both stamps they are written
	hex=$(eth 0800)$(ip4 17 24)$(udp 7000 16)$(printf '00%.0s' {1..16})
	run_one latency_xdp "$hex"
	run_one latency_tc "$hex"
	equal "$(stat started)" 2
	packet "$hex" "$FILE"
	run ! cmp "$FILE" "$OUT"
}

@test "latency: no counter goes back, whatever comes in between" {
	config 01
	packet "${FIXTURES[arp]}" "$FILE"
	# frames that are not measured, each of which was to be; and somebody who looks all the time
	taskset -c 0 bpftool prog run pinned "$P/latency_xdp" data_in "$FILE" repeat 8000000 >/dev/null 3>&- &
	local run=$! seen=0
	for _ in {1..300}; do echo "map lookup pinned /sys/fs/bpf/lat_stat key 0 0 0 0"; done >"$BATS_TEST_TMPDIR/looks"
	while kill -0 "$run" 2>/dev/null; do
		seen=$((seen + $(bpftool -j batch file "$BATS_TEST_TMPDIR/looks" 2>/dev/null | jq '[.[].output.formatted.values[]?.value | select(.seen > 0 or .sampled > 0)] | length')))
	done
	wait "$run"
	equal "$seen" 0 "looks that saw a packet"
	equal "$(stat seen) $(stat sampled)" "0 0" "in the end"
}
