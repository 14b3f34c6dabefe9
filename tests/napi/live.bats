#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# napi: packets per poll, frames per devmap batch, delay of NET_RX

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# nothing but what the test sends: no IPv6, and the neighbours are known for good
setup() {
	lab_up
	for h in client host server; do on "$h" sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done
	neighbour client eth0 10.11.1.1 host eth0
	neighbour host eth0 10.11.1.2 client eth0
}
neighbour() { # HOST DEV ADDRESS OF-HOST OF-DEV
	on "$1" ip neigh replace "$3" dev "$2" nud permanent \
		lladdr "$(on "$4" ip -j link show dev "$5" | jq -r '.[0].address')"
}

# xdp_threaded HOST DEV OBJECT: with this program, and polls by a thread of the device's
# own. A softirq runs on top of whatever task the interrupt meets, and a machine may
# have tasks in which no tracing program runs (a virtual machine's agent, for one):
# then ftrace has the poll, and BPF has not.
xdp_threaded() {
	on "$1" ip link set dev "$2" xdp obj "$3"
	on "$1" unshare --mount -- bash -ec \
		'mount -t sysfs sysfs /sys; echo 1 >"/sys/class/net/$0/threaded"' "$2"
}

# sum SECTION FIELD DEVICE: in the lab's host, over all CPUs
sum() {
	hookmap -j napi | jq --arg d "$3" --arg n "$LAB-host" \
		"[.$1[] | select(.device == \$d and .netns == \$n) | .$2] | add // 0"
}

is_devmap() { [[ $(($(sum devmap frames veth0) + $(sum devmap drops veth0))) == "$1" ]]; }
is_sum() { equal "$(sum rows packets eth0)" "$1" packets; }

# bats test_tags=vm
@test "napi: 997 packets are 997 packets in polls of the device" {
	xdp_threaded host eth0 "$HM_BUILD/xdp/latency.o"
	# held back and let go in bunches, so that a poll finds more than one
	on client tc qdisc add dev eth0 root tbf rate 20mbit burst 2k latency 10s
	host_attach napi
	udp host 10.11.1.1 997
	# a poll is counted when it ends: its packets may have been read before
	busywait 5 is_sum 997 || is_sum 997
	udp host 10.11.1.1 503
	busywait 5 is_sum 1500 || is_sum 1500
	# one poll takes at most its budget of 64, at least one
	equal "$(hookmap -j napi | jq --arg n "$LAB-host" '[.rows[] | select(.netns == $n) |
		.min >= 1 and .max <= 64 and .polls <= .packets and .p50 <= .max] | all')" true bounds
	equal "$(sum rows packets veth0)" 0 "another device"
	# the answers come to the client by a CPU's backlog: NET_RX runs for these
	on client ping -q -c 3 -i 0.01 10.11.1.1
	equal "$(hookmap -j napi | jq '[.softirq[] | select(.count > 0 and .min_ns <= .p50_ns and .p50_ns <= .max_ns)] | length > 0')" true softirq
}

@test "napi: 1009 frames are 1009 frames in devmap batches" {
	mkdir -p "$G"
	xdp_threaded host eth0 "$HM_BUILD/tests/bpf/redirect.o"
	# veth takes redirected frames where there is a program
	on server ip link set dev eth0 xdp obj "$HM_BUILD/xdp/latency.o"
	index=$(on host ip -j link show dev veth0 | jq ".[0].ifindex")
	on host bpftool map update pinned "$G/test_devmap" key 0 0 0 0 value "$index" 0 0 0
	host_attach napi
	# a bunch is less than what veth's ring holds
	sent=0
	for n in 199 211 197 193 209; do
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 "$n"
		sent=$((sent + n))
		busywait 5 is_devmap "$sent"
	done
	equal "$(sum devmap frames veth0)" 1009 frames
	equal "$(sum devmap drops veth0)" 0 drops
	equal "$(hookmap -j napi | jq --arg n "$LAB-host" '[.devmap[] | select(.netns == $n) | .max <= 16 and .min >= 1] | all')" true "batches of 16 at most"
	# the peer has gone down: all are drops
	on server ip link set eth0 down
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 31
	busywait 5 is_devmap 1040
	[[ $(sum devmap drops veth0) -gt 0 ]]
}

# bats test_tags=vm
@test "napi: polls of what IPsec has decrypted are not the backlog's" {
	local ns from to spi dir
	skip_without ESP on host ip xfrm state add src 10.11.1.2 dst 10.11.1.1 proto esp spi 9 mode tunnel \
		enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha256)' 0x0011
	for ns in host client; do
		# without, what was decrypted goes through the backlog
		on "$ns" ethtool -K eth0 gro on
		while read -r from to spi; do
			on "$ns" ip xfrm state add src "$from" dst "$to" proto esp spi "$spi" reqid 1 mode tunnel \
				enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha256)' 0x0011
			dir=in
			[[ $ns:$spi != host:8 && $ns:$spi != client:7 ]] || dir=out
			on "$ns" ip xfrm policy add src "$from" dst "$to" proto icmp dir "$dir" \
				tmpl src "$from" dst "$to" proto esp reqid 1 mode tunnel
		done <<<$'10.11.1.2 10.11.1.1 7\n10.11.1.1 10.11.1.2 8'
	done
	host_attach napi
	on client ping -q -c 53 -i 0.01 10.11.1.1
	hookmap -j napi >"$BATS_TEST_TMPDIR/now"
	equal "$(jq -c '[.rows[] | select(.device == "(dummy)") | .netns, .polls, .packets]' "$BATS_TEST_TMPDIR/now")" '["-",106,106]'
	equal "$(jq -c '[.rows[] | select(.device == "(backlog)") | .netns]' "$BATS_TEST_TMPDIR/now")" '["-"]'
}

# fill WHO ROWS: as many devices as there is room for, with four rows each, heard of in this order
fill() {
	local zeros
	printf -v zeros '0 %.0s' {1..152}
	awk -v g="$G" -v zeros="$zeros" -v n="$1" -v rows="$2" 'BEGIN { for (i = 0; i < n; i++) {
		key = "102 97 107 101 0 0 0 0 0 0 0 0 0 0 0 0 " i % 256 " " int(i / 256) " 0 0 0 0 0 0 255 255 255 255 7 0 0 0 0 0 1 "
		printf "map update pinned %s/napi_who key %s 0 0 0 0 0 value %d %d 0 0 0 0 0 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 any\n", g, key, (i + 1) % 256, (i + 1) / 256
		for (o = 0; o < rows; o++) printf "map update pinned %s/napi_hist key %s %d 0 0 0 0 value %s any\n", g, key, o, zeros
		} }' >"$BATS_TEST_TMPDIR/fill"
	bpftool batch file "$BATS_TEST_TMPDIR/fill" >/dev/null 2>&1 || true
}
fake() { bpftool map lookup pinned "$G/napi_who" key 102 97 107 101 0 0 0 0 0 0 0 0 0 0 0 0 $(($1 % 256)) $(($1 / 256)) 0 0 0 0 0 0 255 255 255 255 7 0 0 0 0 0 1 0 0 0 0 0; }

@test "napi: a device that is renamed, and one that has gone, keep what they counted under their names" {
	xdp_threaded host eth0 "$HM_BUILD/xdp/latency.o"
	host_attach napi
	udp host 10.11.1.1 53
	busywait 5 is_sum 53 || is_sum 53
	# a name that belongs to another now
	on host ip link set dev eth0 down
	on host ip link set dev eth0 name eth9
	on host ip link set dev eth9 up
	on host ip link add eth0 type veth peer name eth8
	neighbour host eth9 10.11.1.2 client eth0
	udp host 10.11.1.1 71
	is_renamed() { (($(sum rows packets eth9) >= 71)); }
	busywait 5 is_renamed
	on host ip link del eth0
	on host ip link del eth9
	is_sum 53
	equal "$(sum rows packets eth9)" 71 "after the new name"
}

# bats test_tags=layout
@test "napi: a full table makes room: a new device always has rows, and who went is counted" {
	local evicted
	host_attach napi
	fill 2048 4
	xdp_threaded host eth0 "$HM_BUILD/xdp/latency.o"
	on client ping -q -c 5 -i 0.01 10.11.1.1
	is_five() { (("$(sum rows packets eth0)" >= 5)); }
	busywait 5 is_five
	# the oldest have gone, with their rows, and as many as are counted
	hookmap -j napi >"$BATS_TEST_TMPDIR/now"
	evicted=$(jq .lost.evicted "$BATS_TEST_TMPDIR/now")
	((evicted >= 1))
	equal "$(jq -c '.lost | [.table_full, .evicted_values]' "$BATS_TEST_TMPDIR/now")" "[0,$((3 * evicted))]" "not counted"
	run ! fake $((evicted - 1))
	fake 2000
	equal "$(bpftool -j map dump pinned "$G/napi_hist" | jq '[.[] | select(.key[:4] == ["0x66", "0x61", "0x6b", "0x65"] and .key[16:18] == ["0x00", "0x00"])] | length')" 0 "rows of the oldest"
	like "$(hookmap napi)" " values of replaced rows"
	on host ip link set dev eth0 xdp off
}

# bats test_tags=layout
@test "napi: a full table is counted; attaching twice; detaching leaves nothing" {
	host_attach napi
	before=$(find /sys/fs/bpf | sort)
	host_attach napi
	equal "$(find /sys/fs/bpf | sort)" "$before" pins
	# rows of nobody: they cannot make room
	printf -v zeros '0 %.0s' {1..152}
	awk -v pin="$G/napi_hist" -v zeros="$zeros" 'BEGIN { for (i = 0; i < 8300; i++) {
		printf "map update pinned %s key", pin; for (j = 0; j < 38; j++) printf " 255";
		printf " %d %d value %s\n", i % 256, i / 256, zeros } }' >"$BATS_TEST_TMPDIR/fill"
	bpftool batch file "$BATS_TEST_TMPDIR/fill" >/dev/null 2>&1 || true
	xdp_threaded host eth0 "$HM_BUILD/xdp/latency.o"
	on client ping -q -c 5 -i 0.01 10.11.1.1
	equal "$(hookmap -j napi | jq '.lost.table_full >= 5')" true lost
	equal "$(hookmap -j napi | jq '.lost.missed')" 0 missed
	host_detach napi
	on host ip link set dev eth0 xdp off
	rm "$G"/lat_* "$G"/xdp_next*
	host_nothing_left
	run hookmap napi
	equal "$status" 1
	one_line "$output"
}
