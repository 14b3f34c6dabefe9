#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# pktlat: time from the receive stamp to a process or a tap

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

setup() { lab_up; }

# The kernel stamps while this runs.
stamps_on() {
	reader pktlat -i 0.2
	busywait 5 grep -q clock "$OUT"
}

# row CONDITION FIELD: of hookmap pktlat
row() { hookmap -j pktlat | jq ".rows[] | select($1) | .$2"; }

# hardware NSEC_AGO COUNT HOST: packets of IP protocol 253 into the host's eth0, with a
# hardware stamp of so long ago
hardware() {
	(
		# shellcheck source=/dev/null
		. "$HM_TOP/scripts/lib.sh"
		link=$(on "$3" ip -j link show dev eth0)
		mac=$(jq -r '.[0].address' <<<"$link")
		[[ $3 == host ]] || mac=020000000099
		frame=${mac//:/}020000000001080045000028000700004
		frame+=0fd63ba0a0b01020a0b01010000000000000000000000000000000000000000
		for ((i = 0; i < ${#frame}; i += 2)); do printf '%b' "\\x${frame:i:2}"; done >"$BATS_TEST_TMPDIR/data"
		load_abi
		value_new 192
		put() { # OFFSET SIZE NUMBER
			bytes "$2" "$3"
			# shellcheck disable=SC2030
			for ((i = 0; i < $2; i++)); do VALUE[$1 + i]=${BYTES[i]}; done
		}
		put 8 4 "$(jq '.[0].ifindex' <<<"$link")"
		put 184 8 "$(($(date +%s%N) - $1))"
		printf '%b' "$(printf '\\x%s' "${VALUE[@]}")" >"$BATS_TEST_TMPDIR/ctx"
	)
	[[ -e /sys/fs/bpf/hwstamp ]] || bpftool prog load "$HM_BUILD/tests/bpf/hwstamp.o" /sys/fs/bpf/hwstamp
	on "$3" bpftool prog run pinned /sys/fs/bpf/hwstamp data_in "$BATS_TEST_TMPDIR/data" \
		ctx_in "$BATS_TEST_TMPDIR/ctx" repeat "$2" >/dev/null
}

# ptp NS: sets the distance of the NIC's clock, as clock.sh would
ptp() {
	(
		# shellcheck source=/dev/null
		. "$HM_TOP/scripts/lib.sh"
		# shellcheck source=/dev/null
		. "$HM_TOP/scripts/lib/clock.sh"
		load_abi
		map_value pktlat_cfg
		field pktlat_cfg.ptp "$1"
		field pktlat_cfg.flags $((PKTLAT_F_REAL | PKTLAT_F_PTP))
		map_write pktlat_cfg 0
	)
}

# raw COUNT: a process that receives them, in $RAW
raw() {
	spawn host "$HM_BUILD/tests/rawrecv" 253 "$1" >"$BATS_TEST_TMPDIR/raw"
	RAW=$SPAWNED
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/raw"
}

# from_nic COUNT NS: what $RAW has got, in 50 ms at least and less than NS
from_nic() {
	equal "$(row ".pid == $RAW" stamp)" '"hardware"' stamp
	equal "$(row ".pid == $RAW" count)" "$1" packets
	equal "$(row ".pid == $RAW" "min_ns >= 50000000 and .max_ns < $2")" true "50 ms at least"
}

# bats test_tags=vm
@test "pktlat: 499 requests and 499 answers, by process, from the kernel's stamp" {
	host_attach pktlat
	stamps_on
	spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 499
	server=$SPAWNED
	spawn client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 499
	client=$SPAWNED
	wait "$server" "$client"
	for pid in "$server" "$client"; do
		equal "$(row ".pid == $pid" count)" 499 "packets of $pid"
		equal "$(row ".pid == $pid" stamp)" '"software"' "stamp of $pid"
		equal "$(row ".pid == $pid" name)" '"traffic"' "name of $pid"
		equal "$(row ".pid == $pid" 'min_ns > 0')" true "a delay"
	done
	reader_stop || true
}

@test "pktlat: a segment that is read in pieces is one packet" {
	host_attach pktlat
	stamps_on
	spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 101 --size 300 --piece 7
	server=$SPAWNED
	on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 101 --size 300
	wait "$server"
	equal "$(row ".pid == $server" count)" 101 packets
	reader_stop || true
}

# bats test_tags=vm
@test "pktlat: a segment is one packet, whichever of its bytes are read first" {
	local pid merged
	host_attach pktlat
	stamps_on
	# half of the last one is always left, and the next one is merged into it
	pid=$(calls behind 23 x)
	equal "$(row ".pid == $pid" count)" 23 "packets, half of each left"
	# an urgent byte is not copied
	pid=$(calls urgent 23 x)
	equal "$(row ".pid == $pid" count)" 23 "packets, after an urgent byte"
	merged=$(hookmap -j pktlat | jq .lost.merged)
	pid=$(calls merged 23 x)
	(($(row ".pid == $pid" count) < 23))
	# (other processes of the machine may count, too)
	(($(hookmap -j pktlat | jq .lost.merged) > merged))
	like "$(hookmap pktlat)" 'into which TCP merged later ones'
	if [[ -e /proc/sys/net/mptcp ]]; then
		spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 23 --mptcp --size 100 --piece 7
		on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 23 --mptcp --size 100
		wait "$SPAWNED"
		equal "$(row ".pid == $SPAWNED" count)" 23 "packets, MPTCP"
	fi
	if [[ -n ${HM_VM:-} ]] && modprobe sctp; then
		spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 23 --sctp --size 100 --piece 7
		on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 23 --sctp --size 100
		wait "$SPAWNED"
		equal "$(row ".pid == $SPAWNED" count)" 23 "packets, SCTP"
	fi
	reader_stop || true
}

# bats test_tags=vm
@test "pktlat: what tells a sender about its own packets was not received" {
	host_attach pktlat
	stamps_on
	spawn client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 23 --rate 1000 --tx-stamps
	wait "$SPAWNED"
	equal "$(row ".pid == $SPAWNED" count)" "" "packets of the sender"
	reader_stop || true
}

@test "pktlat: a reader that stands still shows, packet by packet, with its flow" {
	host_attach pktlat --slow 50000
	stamps_on
	raw 3
	kill -STOP "$RAW"
	hardware 0 3 host
	sent=$EPOCHREALTIME
	sleep 0.1
	read=$EPOCHREALTIME
	kill -CONT "$RAW"
	wait "$RAW"
	# they have waited at least as long as we know of
	waited=$(((${read/./} - ${sent/./}) * 1000))
	equal "$(row ".pid == $RAW" "min_ns > $waited")" true "all waited"
	equal "$(row ".pid == $RAW" stamp)" '"software"' "stamp"
	hookmap pktlat --slow 50000 -j --drain | jq -c "select(.pid == $RAW) | [.src, .dst, .proto, .stamp, .delta_ns > $waited]" >"$BATS_TEST_TMPDIR/slow"
	equal "$(sort -u "$BATS_TEST_TMPDIR/slow")" '["10.11.1.2","10.11.1.1",253,"software",true]' flow
	equal "$(wc -l <"$BATS_TEST_TMPDIR/slow")" 3 "slow packets"
	# more than that is asked for
	equal "$(hookmap pktlat --slow 100000000 -j --drain | jq .events)" 0 "nothing that slow"
	rm /sys/fs/bpf/hwstamp
	reader_stop || true
}

@test "pktlat: from the NIC's stamp, through its clock" {
	host_attach pktlat
	raw 7
	ptp 0
	hardware 50000000 7 host
	wait "$RAW"
	from_nic 7 10000000000
	# the NIC's clock is 2 s behind
	raw 5
	ptp 2000000000
	hardware 2050000000 5 host
	wait "$RAW"
	from_nic 5 2000000000
	# 2 s ahead of what it is thought to be: the packet would come from the future
	bad=$(hookmap -j pktlat | jq .lost.bad_clock)
	raw 3
	hardware 0 3 host
	wait "$RAW"
	equal "$(($(hookmap -j pktlat | jq .lost.bad_clock) - bad))" 3 "bad clock"
	rm /sys/fs/bpf/hwstamp
}

@test "pktlat: a hardware stamp without a clock is not mistaken for one" {
	host_attach pktlat
	raw 7
	hardware 50000000 7 host
	wait "$RAW"
	equal "$(hookmap -j pktlat | jq "[.rows[] | select(.stamp == \"hardware\")] | length")" 0 "hardware rows"
	# somebody on the machine may have the kernel's stamps on: then that is used
	sw=$(row ".pid == $RAW" count)
	equal "$(($(hookmap -j pktlat | jq .lost.unconverted) + ${sw:-0}))" 7 "not converted"
	rm /sys/fs/bpf/hwstamp
}

# bridged_tap TAP: pktlat sees frames from the NIC go over a bridge to TAP, whose reader is tap
bridged_tap() {
	skip_without "tap devices" test -c /dev/net/tun
	host_attach pktlat
	ptp 0
	on server sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	spawn server "$HM_BUILD/tests/rawrecv" --tap "$1" 1000 >"$BATS_TEST_TMPDIR/raw"
	tap=$SPAWNED
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/raw"
	on server ip link add br0 type bridge
	on server ip link set "$1" master br0
	on server ip link set eth0 master br0
	on server ip link set br0 up
	busywait 5 on server bash -c 'bridge -j link | jq -e "map(select(.state == \"forwarding\")) | length == 2"'
}

@test "pktlat: to a tap, by its name" {
	bridged_tap tap7
	# to an address that the bridge does not know: also to the tap. A bridge takes the
	# kernel's stamp away, and leaves the NIC's
	hardware 50000000 11 server
	at_tap() { equal "$(row '.kind == "tap" and .name == "tap7"' count)" 11 packets; }
	busywait 5 at_tap || at_tap
	kill "$tap"
	equal "$(row '.kind == "tap" and .name == "tap7"' stamp)" '"hardware"' stamp
	equal "$(row '.kind == "tap" and .name == "tap7"' netns)" "\"$LAB-server\"" netns
	equal "$(row '.kind == "tap" and .name == "tap7"' 'min_ns >= 50000000')" true delay
	rm /sys/fs/bpf/hwstamp
}

@test "pktlat: a packet socket on a tap is its reader's, not the VM's" {
	bridged_tap tap8
	spawn server "$HM_BUILD/tests/rawrecv" --packet tap8 1000 >"$BATS_TEST_TMPDIR/sniff"
	sniffer=$SPAWNED
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/sniff"
	hardware 50000000 7 server
	at_tap() { equal "$(row '.kind == "tap" and .name == "tap8"' count)" 7 "packets to the VM"; }
	busywait 5 at_tap || at_tap
	at_reader() { equal "$(row ".pid == $sniffer and .stamp == \"hardware\"" count)" 7 "packets to the reader"; }
	busywait 5 at_reader || at_reader
	equal "$(row ".pid == $sniffer and .stamp == \"hardware\"" kind)" '"process"' kind
	kill "$tap" "$sniffer"
	rm /sys/fs/bpf/hwstamp
}

@test "pktlat: what this host sends by a tap was never received: its stamp is another clock's" {
	skip_without "tap devices" test -c /dev/net/tun
	host_attach pktlat
	stamps_on
	on server sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	spawn server "$HM_BUILD/tests/rawrecv" --tap tap9 1 >"$BATS_TEST_TMPDIR/raw"
	tap=$SPAWNED
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/raw"
	on server ip addr add 10.9.0.1/30 dev tap9
	on server ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:99 dev tap9
	# a SYN
	on server timeout 5 bash -c ': </dev/tcp/10.9.0.2/80' 2>/dev/null &
	wait "$tap"
	equal "$(hookmap -j pktlat | jq -c '.lost | .sent >= 1, .bad_clock')" $'true\n0'
	equal "$(row '.name == "tap9"' count)" "" "rows of the tap"
	like "$(hookmap pktlat)" 'sent by this host itself, never received'
	reader_stop || true
}

@test "pktlat: messages of Unix and netlink sockets are no packets" {
	host_attach pktlat
	# so that packets have stamps
	stamps_on
	before=$(hookmap -j pktlat | jq .lost.unstamped)
	calls messages 20011 x
	for i in {1..20}; do ip link >/dev/null; done
	after=$(hookmap -j pktlat | jq .lost.unstamped)
	((after - before < 2000))
	reader_stop || true
}

@test "pktlat: -i shows what is new, each packet once" {
	host_attach pktlat
	stamps_on
	hookmap -j -i 0.1 -c 50 pktlat >"$BATS_TEST_TMPDIR/each" 3>&- &
	each=$!
	busywait 5 test -s "$BATS_TEST_TMPDIR/each"
	spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 211
	server=$SPAWNED
	on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 211
	wait "$server"
	counted() { equal "$(jq -s "[.[].rows[] | select(.pid == $server) | .count] | add" "$BATS_TEST_TMPDIR/each")" 211 "packets of all intervals"; }
	busywait 5 counted || counted
	kill "$each"
	# nothing of it is new afterwards, and all of it is there
	equal "$(hookmap -j -i 0.01 -c 2 pktlat | jq "[.rows[] | select(.pid == $server)] | length" | tr '\n' ' ')" "0 0 " "rows afterwards"
	equal "$(row ".pid == $server" count)" 211 "in all"
	reader_stop || true
}

# bats test_tags=layout
@test "pktlat: a full table makes room: a new process always has a row, and who went is counted" {
	local pid
	host_attach pktlat
	stamps_on
	# as many as there is room for, with four rows each, in the order of their numbers
	printf -v zeros '0 %.0s' {1..152}
	awk -v g="$G" -v zeros="$zeros" 'BEGIN {
		for (i = 0; i < 1024; i++) {
			key = "102 97 107 101 0 0 0 0 0 0 0 0 0 0 0 0 " i % 256 " " int(i / 256) " 0 0 0 0 0 0 255 255 255 " i % 128 " 0 0 0 0 0 0 0 0 1 2"
			printf "map update pinned %s/pktlat_who key %s 0 0 value %d %d 0 0 0 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 any\n", g, key, i % 256, i / 256 + 1
			for (o = 0; o < 4; o++) printf "map update pinned %s/pktlat_hist key %s %d 0 value %s any\n", g, key, o, zeros
		} }' >"$BATS_TEST_TMPDIR/fill"
	bpftool batch file "$BATS_TEST_TMPDIR/fill" >/dev/null 2>&1 || true
	spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 23
	pid=$SPAWNED
	on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 23
	wait "$pid"
	hookmap -j pktlat >"$BATS_TEST_TMPDIR/now"
	equal "$(jq ".rows[] | select(.pid == $pid) | .count" "$BATS_TEST_TMPDIR/now")" 23 "packets of the server"
	equal "$(jq -c '.lost | .table_full, (.evicted >= 1), .evicted == .evicted_packets' "$BATS_TEST_TMPDIR/now" | tr '\n' ' ')" "0 true true " "evicted"
	# the oldest have gone, with their rows
	evicted=$(jq .lost.evicted "$BATS_TEST_TMPDIR/now")
	fake() { bpftool map lookup pinned "$G/pktlat_who" key 102 97 107 101 0 0 0 0 0 0 0 0 0 0 0 0 "$1" 0 0 0 0 0 0 0 255 255 255 "$1" 0 0 0 0 0 0 0 0 1 2 0 0; }
	run ! fake $((evicted - 1))
	# (other processes of the machine may come, too)
	fake 120
	like "$(hookmap pktlat)" "packets of replaced processes and taps"
	reader_stop || true
}

# bats test_tags=vm
@test "pktlat: UDP and splice: each packet once where the kernel has fentry, and if not it is said" {
	host_attach pktlat
	if [[ ! -e /sys/fs/bpf/hookmap/pktlat/pktlat_udp ]]; then
		equal "$(hookmap -j pktlat | jq .lost.udp_in_part)" true "said in JSON"
		like "$(hookmap pktlat)" "UDP: only datagrams"
		skip_without "fentry" has fentry
	fi
	equal "$(hookmap -j pktlat | jq .lost.udp_in_part)" false "said in JSON"
	stamps_on
	# small; with fragments; and with a checksum to verify, while it is copied or before
	for options in "--size 64" "--size 9000" "--size 64 tx" "--size 9000 tx"; do
		[[ $options != *tx ]] || on client ethtool -K eth0 tx off >/dev/null
		read -ra words <<<"${options% tx}"
		spawn host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7000 97 "${words[@]}" --window 10
		pid=$SPAWNED
		busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 97 "${words[@]}" --window 10
		wait "$pid"
		equal "$(row ".pid == $pid" count)" 97 "datagrams, $options"
	done
	# a datagram that is looked at, and then read
	pid=$(calls peek 23 x)
	equal "$(row ".pid == $pid" count)" 23 "datagrams, also with MSG_PEEK"
	# who splices
	spawn host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 97 --splice
	pid=$SPAWNED
	on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 97
	wait "$pid"
	equal "$(row ".pid == $pid" count)" 97 requests
	reader_stop || true
}

# with_ptp COMMAND...: with a PTP clock that is as far behind as the file behind says
with_ptp() {
	LD_PRELOAD=$HM_BUILD/tests/ptp.so HM_PTP_BEHIND=$BATS_TEST_TMPDIR/behind "$@"
}
# ptp_behind NS: atomically, for whoever reads at the time
ptp_behind() {
	echo "$1" >"$BATS_TEST_TMPDIR/behind.new"
	mv "$BATS_TEST_TMPDIR/behind.new" "$BATS_TEST_TMPDIR/behind"
}
clock() { with_ptp "$HM_BUILD/hookmap" -j --ptp /dev/null pktlat | jq -c ".clock | $1"; }
clock_is() { equal "$(clock '[.ptp_drift_ns, .ptp_error_ns]')" "[$1,1000]" "drift and error"; }

@test "pktlat: a PTP clock: how far, how sure, how it drifts, and following it" {
	ptp_behind 2000000123
	for variant in HM_PTP_EXTENDED HM_PTP_BASIC; do
		equal "$(with_ptp env "$variant=1" "$HM_BUILD/hookmap" -j --ptp /dev/null clock |
			jq -c '[.ptp_ns, .ptp_error_ns]')" '[2000000123,1000]' "$variant"
	done
	with_ptp host_attach pktlat --ptp /dev/null
	clock_is 0
	equal "$(clock .ptp)" true ptp
	# its stamps are converted
	raw 5
	hardware 2050000000 5 host
	wait "$RAW"
	from_nic 5 2000000000
	rm /sys/fs/bpf/hwstamp
	# it drifts, and is followed
	ptp_behind 2000500123
	clock_is 500000
	like "$(with_ptp "$HM_BUILD/hookmap" --ptp /dev/null pktlat)" 'PTP error was at most 1000 ns, and it has moved by 500000 ns'
	# (not by a function: its process would be another)
	LD_PRELOAD=$HM_BUILD/tests/ptp.so HM_PTP_BEHIND=$BATS_TEST_TMPDIR/behind \
		"$HM_TOP/scripts/clock.sh" --ptp /dev/null -i 1 3>&- &
	follows=$!
	busywait 10 clock_is 0
	ptp_behind -77
	busywait 10 clock_is 0
	kill "$follows"
	wait "$follows" || true
	equal "$(hookmap -j pktlat | jq '.clock.age_ns < 60000000000')" true age
	# from now on without it
	host_attach pktlat --ptp none
	equal "$(clock .ptp)" false "without PTP"
}

# set_clock NS: as if the time had been set forward by so much since it was measured
set_clock() {
	(
		# shellcheck source=/dev/null
		. "$HM_TOP/scripts/lib.sh"
		load_abi
		map_value pktlat_cfg
		field pktlat_cfg.real $(($(field_num pktlat_cfg.real) - $1))
		field pktlat_cfg.tai $(($(field_num pktlat_cfg.tai) - ${2:-$1}))
		map_write pktlat_cfg 0
	)
}

@test "pktlat: the time is set, or the machine sleeps: delays stay right" {
	local ns
	skip_without "bpf_ktime_get_tai_ns (Linux 6.1)" grep -q bpf_ktime_get_tai_ns /proc/kallsyms
	host_attach pktlat
	stamps_on
	# forwards, backwards, a whole number of seconds, and TAI alone
	for ns in 1234567890 -1234567890 3700000000000 -3600000000000 '0 37000000000'; do
		# shellcheck disable=SC2086
		set_clock $ns
		pid=$(calls urgent 7 x)
		equal "$(row ".pid == $pid" 'count == 7 and .max_ns < 1000000000')" true "packets, $ns"
		"$HM_TOP/scripts/clock.sh"
	done
	reader_stop || true
}

measured() { bpftool -j map dump pinned "$G/pktlat_cfg" | jq -c '.[0].value[24:32]'; }
measured_since() { [[ $(measured) != "$1" ]]; }

# bats test_tags=layout
@test "pktlat: following the clock waits for the lock, and does not hold it while it sleeps" {
	local before follows
	host_attach pktlat
	before=$(measured)
	exec 8</sys/fs/bpf/tc/_lock
	flock 8
	"$HM_TOP/scripts/clock.sh" -v -i 86400 2>"$BATS_TEST_TMPDIR/log" 3>&- 8>&- &
	follows=$!
	busywait 10 grep -q 'waiting for another' "$BATS_TEST_TMPDIR/log"
	equal "$(measured)" "$before" "measured meanwhile"
	flock -u 8
	busywait 10 measured_since "$before"
	busywait 10 flock -n 8
	kill "$follows"
	wait "$follows" || true
}

# bats test_tags=layout
@test "pktlat: the clock is followed, its age and error are shown; bad input; nothing left" {
	host_attach pktlat
	age=$(hookmap -j pktlat | jq .clock.age_ns)
	[[ $age -gt 0 ]]
	equal "$(hookmap -j pktlat | jq '.clock.ptp == false and (.clock.real_drift_ns | fabs) < 1000000')" true clock
	measured=$(bpftool -j map dump pinned "$G/pktlat_cfg" | jq -c '.[0].value[24:32]')
	"$HM_TOP/scripts/clock.sh"
	run ! equal "$(bpftool -j map dump pinned "$G/pktlat_cfg" | jq -c '.[0].value[24:32]')" "$measured"
	equal "$(hookmap -j clock | jq '.real_ns > 0 and .real_error_ns < 1000000 and .ptp_ns == null')" true "hookmap clock"
	for bad in '--ptp /dev/ptp99' '--ptp /tmp' '--slow 0'; do
		read -ra words <<<"$bad"
		run host_attach pktlat "${words[@]}"
		[[ $status != 0 ]]
		one_line "$output"
	done
	run hookmap --ptp /dev/null clock
	equal "$status" 1
	one_line "$output"
	run hookmap pktlat --slow x
	equal "$status" 2
	before=$(find /sys/fs/bpf | sort)
	host_attach pktlat --slow 77
	equal "$(find /sys/fs/bpf | sort)" "$before" "attached twice"
	host_detach pktlat
	host_nothing_left
	run hookmap pktlat
	equal "$status" 1
	one_line "$output"
	run "$HM_TOP/scripts/clock.sh"
	equal "$status" 1
	one_line "$output"
}
