#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# drops at XDP: verdicts of ours, losses of others' programs, and nothing twice

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../drops.bash"
bats_require_minimum_version 1.5.0

# what N rows say, without the layer
xdp_rows() { rows_of '.reason + " " + .location + " " + .device + " " + .netns' | sed 's/ cpumap [0-9]*//'; }
verdict_on() { on host ip link set dev eth0 "$1" obj "$HM_BUILD/tests/bpf/verdict.o"; }

@test "drops: verdicts of ours are counted once, where XDP runs on an skb" {
	quiet
	attach --host drops
	local mode sum=0
	for mode in xdpdrv xdpgeneric; do
		verdict_on "$mode"
		send 7001 11
		send 7002 13
		send 7012 17
		sum=$((sum + 41))
		settled true "$sum" # taking XDP away empties veth's ring
		on host ip link set dev eth0 "$mode" off
	done
	equal "$(rows_of '.reason + " " + .location + " \(.bytes)"' | sed 's/__udp4.*+0x[0-9a-f]*/PLACE/')" \
		"22 XDP_TEST XDP_DROP 2332
26 XDP_TEST XDP_ABORTED 2756
34 SKB_DROP_REASON_NO_SOCKET PLACE 2448" losses
	(("$(drops | jq .lost.counted_at_xdp)" >= 48))
	# what is no loss is there with --all
	equal "$(drops --all | jq '[.rows[] | select(.location == "XDP_PASS" and .reason == "XDP_TEST") | .packets] | add')" 34 passed
	like "$(on host "$HM_BUILD/hookmap" --prom drops)" 'hookmap_xdp_packets_total{device="eth0",action="DROP"} 22'
}

# bats test_tags=vm
@test "drops: a foreign program's losses in native mode, each in one row" {
	quiet
	attach --host drops
	on host ip link set dev veth0 down
	foreign xdpdrv veth0 192
	# errors first: they must not hide the drops behind them
	send 7004 11
	send 7006 13
	send 7002 17
	send 7003 19
	send 7007 23
	send 7001 29
	settled true 112
	# before 6.3, a device that is down is that and nothing else
	equal "$(xdp_rows | sed 's/veth_xdp[^ ]*/PLACE/; s/ENETDOWN/EOPNOTSUPP/')" \
		"11 XDP_REDIRECT_EOPNOTSUPP prog foreign_xdp eth0 host
13 XDP_REDIRECT_EINVAL prog foreign_xdp eth0 host
17 XDP_EXCEPTION_ABORTED prog foreign_xdp eth0 host
19 XDP_EXCEPTION_ACTION_77 prog foreign_xdp eth0 host
23 XDP_TX_ENXIO - eth0 host
29 SKB_DROP_REASON_NOT_SPECIFIED PLACE eth0 host" losses
	equal "$(packets '.layer != "xdp"')" 0 "in other layers"
	on host ip link set dev eth0 xdpdrv off
}

@test "drops: a foreign program's losses in generic mode, each in one row" {
	quiet
	attach --host drops
	on host ip link set dev veth0 down
	foreign xdpgeneric veth0 1
	send 7004 11
	send 7006 13
	send 7002 17
	send 7003 19
	send 7001 29
	settled true 89
	equal "$(xdp_rows | sed 's/do_xdp_generic[^ ]*/PLACE/')" \
		"11 XDP_REDIRECT_ENETDOWN prog foreign_xdp eth0 host
13 XDP_REDIRECT_EINVAL prog foreign_xdp eth0 host
17 XDP_EXCEPTION_ABORTED prog foreign_xdp eth0 host
19 XDP_EXCEPTION_ACTION_77 prog foreign_xdp eth0 host
29 SKB_DROP_REASON_NOT_SPECIFIED PLACE eth0 host" losses
	on host ip link set dev eth0 xdpgeneric off
}

@test "drops: cpumap: what did not fit into the queue, in both modes" {
	quiet
	attach --host drops
	local mode full got sent
	for mode in xdpdrv xdpgeneric; do
		foreign "$mode" veth0 1
		full=$(packets_of_map)
		got=$(beside)
		# whether a burst overflows the queue is up to the other CPU: send until one does
		for ((sent = 499; sent <= 40 * 499; sent += 499)); do
			send 7005 499
			# those that came through find no socket (or have no checksum, as a veth's)
			busywait 5 sum_is $((full + got + sent)) || equal "$(packets_of_map) of $got" "$sent in all" "$mode"
			(("$(packets_of_map)" == full)) || break
		done
		(("$(packets_of_map)" > full))
		equal "$(packets '.reason | startswith("XDP_REDIRECT")')" 0 "redirect errors"
		on host ip link set dev eth0 "$mode" off
		rm -r /sys/fs/bpf/t
	done
}
# the row of a cpumap has no device and no namespace: by the id of its map
packets_of_map() {
	local id
	id=$(bpftool -j map show pinned /sys/fs/bpf/t/test_cpumap | jq .id)
	drops | jq --arg id "cpumap $id " '[.rows[] | select(.reason == "XDP_CPUMAP_FULL" and (.location | startswith($id))) | .packets] | add // 0'
}
# what came through, and what did not even fit into veth's ring
beside() { packets '.reason == "SKB_DROP_REASON_NO_SOCKET" or .reason == "SKB_DROP_REASON_UDP_CSUM" or (.location | startswith("veth_xmit"))'; }
sum_is() { (($(packets_of_map) + $(beside) == $1)); }

@test "drops: cpumap: what its program drops, and what it cannot redirect" {
	quiet
	attach --host drops
	foreign xdpdrv veth0 192
	"$HM_BUILD/tests/cpumap" /sys/fs/bpf/t/test_cpumap "$HM_BUILD/tests/bpf/cpumap_prog.o" 0 192
	send 7005 41 --size 500
	send 7005 43 --size 900
	send 7005 47 --size 500
	busywait 5 cpumap_lost_is 131 || true
	equal "$(cpumap_lost)" "43 XDP_REDIRECT_EINVAL
88 XDP_CPUMAP_DROP" losses
	on host ip link set dev eth0 xdpdrv off
}

# what the entry's program lost; the row of a cpumap has no device and no namespace
cpumap_lost() {
	local id
	id=$(bpftool -j map show pinned /sys/fs/bpf/t/test_cpumap | jq .id)
	drops | jq -r --arg at "cpumap $id cpu 0" --arg lab "$LAB-host" '.rows[] |
		select(.location == $at or (.location == "prog cpumap_prog" and .netns == $lab)) | "\(.packets) \(.reason)"' | sort -n
}
cpumap_lost_is() { (($(cpumap_lost | awk '{ n += $1 } END { print n + 0 }') == $1)); }

@test "drops: devmap: frames that the target device did not take" {
	quiet
	attach --host drops
	mkdir -p /sys/fs/bpf/t
	# the peer takes XDP frames, but none of that length
	on server ip link set dev eth0 mtu 100
	on server ip link set dev eth0 xdpdrv obj "$HM_BUILD/tests/bpf/verdict.o"
	foreign xdpdrv veth0 192
	send 7004 31 --size 300
	settled true 31
	equal "$(xdp_rows)" "31 XDP_DEVMAP_DROP - veth0 host" losses
	on host ip link set dev eth0 xdpdrv off
}

@test "drops: XDP errors: a new one gets a row, the oldest makes room and is counted" {
	quiet
	attach --host drops
	foreign xdpdrv veth0 192
	send 7002 3
	settled true 3
	# all other rows are of programs that are no more: each has counted one frame on each CPU
	awk -v g="$G" 'BEGIN { for (i = 0; i < 1024; i++) {
		key = "01 00 00 00 00 00 00 00 e7 03 00 00 07 00 00 00 " sprintf("%02x %02x", i % 256, i / 256) rep(30)
		printf "map update pinned %s/drop_xdp key hex %s value hex 01%s\n", g, key, rep(31)
		printf "map update pinned %s/drop_xdp_slot key hex %02x %02x 00 00 value hex %s %s\n", g, i % 256, i / 256, rep(24), key } }
		function rep(n, s) { s = ""; while (n--) s = s " 00"; return s }' >"$BATS_TEST_TMPDIR/fill"
	bpftool batch file "$BATS_TEST_TMPDIR/fill" >/dev/null 2>&1 || true
	local lost
	send 7003 19
	settled true 22
	equal "$(xdp_rows)" "3 XDP_EXCEPTION_ABORTED prog foreign_xdp eth0 host
19 XDP_EXCEPTION_ACTION_77 prog foreign_xdp eth0 host" losses
	lost=$(drops | jq -c '.lost | .evicted, .xdp_table_full' | tr '\n' ' ')
	equal "$lost" "1 $(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1)) " "evicted, and its frames"
	on host ip link set dev eth0 xdpdrv off
}

@test "drops: verdicts: a new cause always gets a row, another makes room and is counted" {
	quiet
	attach --host drops
	local devices=600 batch=$BATS_TEST_TMPDIR/batch packets=$BATS_TEST_TMPDIR
	local since=$packets/since.json rows sum evicted over i action
	totals() { drops --all | jq -r '[.rows[] | select(.reason == "XDP_TEST")] as $r
		| "\($r | length) \([$r[].packets] | add) \(.lost.verdict_evicted) \(.lost.verdict_table_full)"'; }
	verdict_on xdpdrv
	bpftool prog pin id "$(on host ip -j link show dev eth0 | jq '.[0].xdp.prog.id')" /sys/fs/bpf/verdict
	on host ip link set dev eth0 xdpdrv off
	# what the lab may have sent
	bpftool -j map dump pinned "$G/xdp_verdict" | jq -r --arg pin "$G/xdp_verdict" \
		'"map update pinned \($pin) key 0 0 0 0 value" + (" 0" * (.[0].values[0].value | length))' >"$batch"
	# shellcheck disable=SC2046
	bpftool $(<"$batch")
	packet 1b59 >"$packets/DROP"
	packet 1b5a >"$packets/ABORTED"
	for ((i = 1; i <= devices; i++)); do echo "link add d$i index $((i + 1000)) type bridge"; done >"$batch"
	on host ip -batch "$batch"
	for ((i = 1; i <= devices; i++)); do
		context $((i + 1000)) >"$packets/$i"
		for action in DROP ABORTED; do
			echo "prog run pinned /sys/fs/bpf/verdict data_in $packets/$action ctx_in $packets/$i repeat 3"
		done
	done >"$batch"
	on host taskset -c 0 bpftool batch file "$batch" >/dev/null
	read -r rows sum evicted over < <(totals)
	equal "$((rows + evicted)) $((sum + over))" "$((devices * 2)) $((devices * 6))" 'causes, and verdicts'
	((evicted >= devices * 2 - 1024))
	equal "$(drops --all | jq -r '.rows[] | select(.device == "d600" and .reason == "XDP_TEST") | "\(.packets) \(.location)"' | sort)" "3 XDP_ABORTED
3 XDP_DROP" 'the last device'
	like "$(hookmap drops)" "table full: $evicted rows of XDP verdicts were replaced by new causes"
	like "$(hookmap --prom drops)" "hookmap_drop_lost_total{cause=\"verdict_table_full\"} $over"
	# rows that move into the sum are no new losses
	drops --all >"$since"
	on host ip link add late index 5000 type bridge
	context 5000 >"$packets/late"
	for action in DROP ABORTED; do
		on host taskset -c 0 bpftool prog run pinned /sys/fs/bpf/verdict data_in "$packets/$action" ctx_in "$packets/late" repeat 5 >/dev/null
	done
	equal "$(drops --all --since "$since" | jq -c '[[.rows[] | select(.reason == "XDP_TEST") | [.packets, .device]], .lost.verdict_table_full]')" \
		'[[[5,"late"],[5,"late"]],0]' '--since'
}
# bats test_tags=vm
@test "drops: verdicts: the device that is idle longest makes room" {
	quiet
	attach --host drops
	verdict_on xdpdrv
	# each of 1 024 cells has a device; of eight neighbours, one counted earlier, and most
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/xdp_verdict" key 0 0 0 0 value $(awk 'BEGIN {
		for (i = 0; i < 40; i++) printf "0 "
		for (i = 0; i < 1024; i++) printf "%d %d 1 0 31 0 1 0 %d 0 0 0 0 0 0 0 60 0 0 0 0 0 0 0 ", i % 256, int(i / 256), i % 8 == 3 ? 9 : 1
	}')
	awk -v g="$G" 'BEGIN {
		for (i = 0; i < 1024; i++) printf "map update pinned %s/xdp_home key %d %d 1 0 value%s 0 0 0 0 %d 0 0 0\n", g, i % 256, int(i / 256), zeros(32), i % 8 == 3 ? 1 : 2 }
		function zeros(n, s) { s = ""; while (n--) s = s " 0"; return s }' | bpftool batch file - >/dev/null
	send 7001 11
	settled '.reason == "XDP_TEST" and .device == "eth0"' 11
	equal "$(drops | jq -c '.lost | [.verdict_evicted, .verdict_table_full]')" "[1,9]" 'made room'
	on host ip link set dev eth0 xdpdrv off
}
# packet PORT: a frame with a UDP datagram; context IFINDEX: struct xdp_md of it (a little-endian machine)
packet() { xxd -r -p <<<"ffffffffffff 020000000001 0800 4500 001e 0000 0000 4011 0000 c0000201 c0000202 1000 $1 000a 0000 7878"; }
context() { printf "%b" "\\0\\0\\0\\0\\x2c\\0\\0\\0\\0\\0\\0\\0$(printf '\\x%02x\\x%02x' $(($1 % 256)) $(($1 / 256)))\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0"; }

# other_homes FROM TO: devices "c" with these numbers, all by one CPU (each keeps what it has added last)
other_homes() {
	awk -v pin="$G/xdp_home" -v from="$1" -v to="$2" -v zeros="$(printf ' 0%.0s' {1..15})" 'BEGIN {
		for (i = from; i < to; i++)
			printf "map update pinned %s key %d %d %d 255 value 0%s 99%s 0 0 0 0 0 0 0 0\n", pin, i % 256, i / 256 % 256, i / 65536, zeros, zeros
	}' >"$BATS_TEST_TMPDIR/fill"
	taskset -c 0 bpftool batch file "$BATS_TEST_TMPDIR/fill" >/dev/null
}
# in_no_row N: so many verdicts of the test's are in rows, and N more in none
in_no_row() { equal "$(verdict_sum) $(($(drops | jq .lost.verdict_table_full) - NO_ROW))" "$1" 'verdicts in rows, and in none'; }

@test "drops: a full table of devices: what was counted on those that made room is said, and rows are right" {
	quiet
	attach --host drops
	numbered host t0
	local i sent=18 NO_ROW
	NO_ROW=$(drops | jq .lost.verdict_table_full)
	dropped host 11
	in_no_row '11 0'
	# no second frame has asked for it, and none does: the device makes room
	bpftool -j map dump pinned "$G/xdp_home" | jq -r --arg pin "$G/xdp_home" '.[] | (.key | join(" ")) as $key
		| "map delete pinned \($pin) key \($key)\nmap update pinned \($pin) key \($key) value \(.value | join(" "))"' >"$BATS_TEST_TMPDIR/homes"
	taskset -c 0 bpftool batch file "$BATS_TEST_TMPDIR/homes" >/dev/null
	other_homes 0 40000
	in_no_row '0 11'
	like "$(hookmap drops)" "table full: 0 XDP errors, $((NO_ROW + 11)) XDP verdicts without a row"
	like "$(hookmap --prom drops)" "hookmap_drop_lost_total{cause=\"verdict_table_full\"} $((NO_ROW + 11))"
	# its next frame takes a place again, with all that was counted
	on client "$HM_BUILD/tests/frames" phost 7 "$ETH_UDP_7001"
	busywait 5 in_no_row '18 0'
	# one that is in use stays
	for ((i = 40000; i < 80000; i += 4000)); do
		other_homes "$i" $((i + 4000))
		on client "$HM_BUILD/tests/frames" phost 1 "$ETH_UDP_7001"
		sent=$((sent + 1))
	done
	busywait 5 in_no_row "$sent 0"
}

@test "drops: verdicts: a device that is made again under its number begins at zero; two namespaces do not mix" {
	quiet
	attach --host drops
	local since=$BATS_TEST_TMPDIR/since.json
	numbered host t0
	numbered server t0
	dropped host 11
	dropped server 13
	equal "$(verdicts)" "11 t0 host
13 t0 server" "equal numbers"
	drops --all >"$since"
	on host "$HM_BUILD/hookmap" -j -i 0.3 -c 100 drops >"$BATS_TEST_TMPDIR/interval" &
	busywait 5 test -s "$BATS_TEST_TMPDIR/interval"
	# deleted and made again
	numbered host t0
	dropped host 5
	equal "$(verdicts)" "5 t0 host
11 t0 host
13 t0 server" "made again"
	equal "$(verdicts --since "$since")" "5 t0 host" "--since"
	like "$(on host "$HM_BUILD/hookmap" --prom drops)" 'hookmap_xdp_packets_total{device="t0",action="DROP"} 29'
	busywait 5 bash -c "jq -se '[.[].rows[] | select(.reason == \"XDP_TEST\" and (.netns | startswith(\"$LAB-\"))) | .packets] | add == 5' '$BATS_TEST_TMPDIR/interval'"
	kill $!
	# and under another name: what t0 lost stays t0's
	numbered host n0
	dropped host 3
	equal "$(verdicts)" "3 n0 host
5 t0 host
11 t0 host
13 t0 server" "another name"
	# in another namespace it is the same device
	on host ip link set dev n0 netns "$LAB-server" index 77
	on server ip link set dev n0 up
	dropped host 2
	equal "$(verdicts | head -n 2)" "5 n0 server
5 t0 host" "moved"
}
# bats test_tags=vm
@test "drops: XDP errors: a device that is made again under its number begins at zero" {
	quiet
	attach --host drops
	local i node
	mkdir -p /sys/fs/bpf/t
	bpftool -n prog load "$HM_BUILD/tests/bpf/foreign.o" /sys/fs/bpf/t/prog type xdp pinmaps /sys/fs/bpf/t
	for i in 5 3; do
		on host ip link del dev t0 2>/dev/null || true
		on host ip link add t0 index 900 type veth peer name phost netns "$LAB-client"
		on host ip link set dev t0 up xdpdrv pinned /sys/fs/bpf/t/prog
		on client ip link set dev phost up
		on client "$HM_BUILD/tests/frames" phost "$i" "${ETH_UDP_7001/1b59/1b5a}"
		settled '.device == "t0"' $((i == 5 ? 5 : 8))
	done
	equal "$(rows_of '.reason + " " + .device')" "3 XDP_EXCEPTION_ABORTED t0
5 XDP_EXCEPTION_ABORTED t0" losses
}
# numbered HOST NAME: a device 900 with the program, anew; its peer is p0 in the client
numbered() {
	on "$1" ip link del dev t0 2>/dev/null || true
	on client ip link del dev "p$1" 2>/dev/null || true
	on "$1" ip link add "$2" index 900 type veth peer name "p$1" netns "$LAB-client"
	on "$1" ip link set dev "$2" up xdpdrv obj "$HM_BUILD/tests/bpf/verdict.o"
	on client ip link set dev "p$1" up
}
# dropped HOST N: N frames to the device of HOST, which all have been counted then
dropped() {
	local before
	before=$(verdict_sum)
	on client "$HM_BUILD/tests/frames" "p$1" "$2" "$ETH_UDP_7001"
	busywait 5 verdict_sum_is $((before + $2))
}
verdicts() { rows_of '.device + " " + .netns' "$@" | grep -E ' (t|n)0 '; }
verdict_sum() { verdicts | awk '{ n += $1 } END { print n + 0 }'; }
verdict_sum_is() { (($(verdict_sum) == $1)); }
ETH_UDP_7001='ffffffffffff 020000000001 0800 4500 001e 0000 0000 4011 0000 c0000201 c0000202 1000 1b59 000a 0000 7878'

@test "drops: xdp_verdict stays as long as an XDP program uses it" {
	quiet
	attach --host drops
	verdict_on xdpdrv
	detach --host drops
	equal "$(find "$G" -type f | sort)" "$G/xdp_home
$G/xdp_verdict" "maps"
	# its counts are there again after the next attach
	attach --host drops
	send 7001 5
	busywait 5 packets_are '.location == "XDP_DROP"' 5
	on host ip link set dev eth0 xdpdrv off
	detach --host drops
	equal "$(find "$G" -type f)" "" "maps"
}

@test "drops: veth as a module that is loaded after attach: nothing twice; looked up at each attach" {
	quiet
	skip_without "readable /proc/kallsyms" grep -q ' veth_xdp_rcv_skb' /proc/kallsyms
	grep -v ' veth_xdp_rcv_skb' /proc/kallsyms >"$BATS_TEST_TMPDIR/kallsyms"
	mount --bind "$BATS_TEST_TMPDIR/kallsyms" /proc/kallsyms
	attach --host drops
	umount /proc/kallsyms
	equal "$(ranges)" 0 "places of XDP"
	verdict_on xdpdrv
	send 7001 11
	settled true 11
	equal "$(rows_of '.reason + " " + .location')" "11 XDP_TEST XDP_DROP" losses
	attach --host drops
	(("$(ranges)" > 0))
	send 7001 13
	settled true 24
	equal "$(rows_of '.reason + " " + .location')" "24 XDP_TEST XDP_DROP" losses
	on host ip link set dev eth0 xdpdrv off
}
# bytes of the places that are not 0
ranges() { bpftool -j map lookup pinned "$G/drop_cfg" key 0 0 0 0 | jq '[.value[8:][] | select(. != "0x00")] | length'; }
