#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# hookmap drops: names, sums, differences, formats, and what it says when it cannot

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
bats_require_minimum_version 1.5.0

attach_host() { "$HM_TOP/scripts/attach.sh" --host drops "$@"; }
detach_host() { "$HM_TOP/scripts/detach.sh" --host drops; }
J() { hookmap -j drops "$@"; }

# le SIZE NUMBER: as hexadecimal bytes
le() {
	local i
	for ((i = 0; i < $1; i++)); do printf '%02x ' $((($2 >> (8 * i)) & 255)); done
}

# fill: writes rows into drop_row in one go; a line of stdin each: REASON LOCATION
# IFINDEX NETNS PACKETS SIP (a number) [COOKIE [FIRST [NODE]]]. Every CPU has the same value.
fill() {
	local reason location ifindex netns packets sip cookie first node
	while read -r reason location ifindex netns packets sip cookie first node; do
		printf 'map update pinned %s/drop_row key hex ' "$G"
		le 8 "$location"
		le 4 "$reason"
		le 4 "$ifindex"
		le 4 "$netns"
		printf '08 00 11 00 %02x 00 00 00 00 00 00 00 ' $((sip ? 3 : 0))
		le 4 "$sip"
		printf '00 %.0s' {1..28}
		le 8 "${cookie:-0}"
		le 8 "${node:-0}"
		printf 'value hex '
		le 8 "$packets"
		le 8 $((packets * 100))
		le 8 "${first:-0}"
		le 8 0
		printf '\n'
	done | bpftool batch file - >/dev/null
}
CPUS=$(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1))

# called COOKIE IFINDEX NAME [NODE]: what drop_name remembers
called() {
	local value
	value=$(printf '%s' "$3" | od -An -v -tx1 -w56)
	# shellcheck disable=SC2046,SC2086
	bpftool map update pinned "$G/drop_name" key hex $(le 8 "$1") $(le 4 "$2") $(le 4 "${4:-0}") value hex $value $(printf '00 %.0s' $(seq $((56 - ${#3}))))
}

# ours JQ: rows that fill has made: of a namespace that no live packet has
OURS=77
ours() { J | jq -r "[.rows[] | select(.netns == \"$OURS\")] | $1"; }

@test "drops: every reason of this kernel has the name of its BTF" {
	attach_host
	local expected
	expected=$(bpftool -j btf dump file /sys/kernel/btf/vmlinux | jq -r '.types[]
		| select(.kind == "ENUM" and .name == "skb_drop_reason") | .values[]
		| select(.name | endswith("SUBSYS_MASK") | not) | "\(.val) \(.name)"')
	(($(wc -l <<<"$expected") > 50))
	equal "$(hookmap -j drops --reasons | jq -r '.rows[] | "\(.number) \(.reason)"' | grep -v SUBSYS_MASK)" "$expected" "--reasons"
	# and in rows: each reason at a place of its own
	awk -v ns="$OURS" '{ print $1, 4096 + $1, 0, ns, 1, 0 }' <<<"$expected" | fill
	equal "$(J --all | jq -r --arg ns "$OURS" '.rows[] | select(.netns == $ns) | "\(.location) \(.reason)"' | sort)" \
		"$(awk '{ printf "0x%x %s\n", 4096 + $1, $2 }' <<<"$expected" | sort)" rows
	# benign ones are left out, their totals shown
	local benign=$((CPUS * 1))
	equal "$(J | jq -c '[.benign[] | select(.reason == "SKB_CONSUMED")]')" \
		"[{\"reason\":\"SKB_CONSUMED\",\"packets\":$benign,\"bytes\":$((benign * 100))}]" benign
	equal "$(ours '[.[] | select(.reason == "SKB_CONSUMED")] | length')" 0 "benign rows"
	like "$(hookmap drops)" "not a loss, left out: "
	like "$(hookmap drops)" "$benign SKB_CONSUMED"
	like "$(hookmap drops)" " (see --all)"
}

@test "drops: reasons of subsystems and unknown numbers" {
	attach_host
	fill <<<"131073 4097 0 $OURS 1 0
131077 4098 0 $OURS 1 0
327683 4099 0 $OURS 1 0
9999 4100 0 $OURS 1 0
4294967295 4101 0 $OURS 1 0"
	local ovs=OPENVSWITCH:1
	grep -q ovs_drop_reason <(bpftool btf dump file /sys/kernel/btf/vmlinux) && ovs=OVS_DROP_LAST_ACTION
	equal "$(ours 'sort_by(.location) | .[] | .reason')" "$ovs
OPENVSWITCH:5
5:3
9999
NONE_GIVEN" reasons
}

@test "drops: sums by a column, top N, sorted by packets" {
	attach_host --by sip
	fill <<<"3 4097 0 $OURS 5 1
3 4097 0 $OURS 9 2
4 4098 0 $OURS 7 1
4 4099 0 $OURS 1 3"
	equal "$(ours '[.[] | .packets] | . == (sort | reverse)')" true sorted
	equal "$(J -s sip | jq -c '[.rows[] | select(.netns == "77") | [.sip, .packets, .reason]]')" \
		"[[\"1.0.0.0\",$((12 * CPUS)),\"*\"],[\"2.0.0.0\",$((9 * CPUS)),\"SKB_DROP_REASON_NO_SOCKET\"],[\"3.0.0.0\",$CPUS,\"SKB_DROP_REASON_SOCKET_CLOSE\"]]" "-s sip"
	equal "$(J -s location | jq -c '[.rows[] | select(.netns == "77") | [.location, .packets]]')" \
		"[[\"0x1001\",$((14 * CPUS))],[\"0x1002\",$((7 * CPUS))],[\"0x1003\",$CPUS]]" "-s location"
	equal "$(J -s netns | jq '.rows[] | select(.netns == "77") | .packets')" "$((22 * CPUS))" "-s netns"
	equal "$(J -n 1 | jq '.rows | length')" 1 "-n 1"
	local what
	for what in layer reason device proto protocol; do J -s "$what" | jq -e '.rows | length > 0' >/dev/null; done
	like "$(hookmap drops -n 1)" "more rows,"
	like "$(hookmap drops --explain)" "nobody listens on this address and port"
	# the name of what is counted, or of several (columns are as wide as what is in them)
	like "$(hookmap drops | tr -s ' ')" "PROTOCOL SRC "
	attach_host --by flow
	like "$(hookmap drops | tr -s ' ')" "PROTOCOL KEY "
}

@test "drops: --since shows what is new, -i the rate" {
	attach_host --by sip
	fill <<<"3 4097 0 $OURS 5 1
4 4098 0 $OURS 7 1"
	J >"$BATS_TEST_TMPDIR/saved"
	fill <<<"3 4097 0 $OURS 5 1
4 4098 0 $OURS 20 1
3 4099 0 $OURS 3 9"
	local new
	new=$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c --arg ns "$OURS" '[.rows[] | select(.netns == $ns) | [.location, .packets, .bytes]]')
	equal "$new" "[[\"0x1002\",$((13 * CPUS)),$((1300 * CPUS))],[\"0x1003\",$((3 * CPUS)),$((300 * CPUS))]]" "--since"
	# another attach in between counts from zero
	fill <<<"4 4098 0 $OURS 2 1"
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq --arg ns "$OURS" '.rows[] | select(.netns == $ns and .location == "0x1002") | .packets')" \
		"$((2 * CPUS))" "after a restart"
	hookmap -j -i 0.5 -c 6 drops >"$BATS_TEST_TMPDIR/rates" &
	busywait 5 test -s "$BATS_TEST_TMPDIR/rates"
	fill <<<"4 4098 0 $OURS 102 1"
	wait $!
	equal "$(jq -c --arg ns "$OURS" '.rows[] | select(.netns == $ns) | .packets' "$BATS_TEST_TMPDIR/rates")" \
		"$((100 * CPUS))" "in all intervals"
	jq -es 'any(.[].rows[]; .packets_per_s > 0)' "$BATS_TEST_TMPDIR/rates" >/dev/null
	equal "$(jq -s 'map(select(.seconds >= 0.5)) | length' "$BATS_TEST_TMPDIR/rates")" 6 "how long each was"
	equal "$(J | jq 'has("seconds")')" false "without -i"
}

@test "drops: --since and -i know a row by what is never used again" {
	attach_host
	local new='[.rows[] | select(.location | startswith("0x100")) | [.location, .packets]] | sort'
	called 5 0 weba
	called 5 7 eth0
	fill <<<"3 4097 7 $OURS 5 0 5 1000
3 4098 7 $OURS 9 0 5 1000
4 4099 7 $OURS 2 0 6 1000
1 4100 7 $OURS 7 0 5 1000"
	# counters of samples, on each CPU
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/drop_stat" key 0 0 0 0 value hex $(printf '00 %.0s' {1..32}) $(le 8 93) $(le 8 41) $(printf '00 %.0s' {1..72})
	J >"$BATS_TEST_TMPDIR/saved"
	# a device and a namespace that are called otherwise, or no more
	called 5 0 webb
	called 5 7 wan0
	hookmap -j -i 0.5 -c 2 drops >"$BATS_TEST_TMPDIR/rates" &
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c "$new")" '[]' "after a rename"
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c '[.lost.samples, .lost.samples_over_rate]')" '[0,0]' samples
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c '[.benign[] | select(.reason == "SKB_CONSUMED")]')" '[]' benign
	equal "$(J --all --since "$BATS_TEST_TMPDIR/saved" | jq -c "$new")" '[]' "with those that are left out"
	wait $!
	equal "$(jq -c "$new" "$BATS_TEST_TMPDIR/rates" | sort -u)" '[]' "-i"
	# a row that was made again since, and has grown past the old one; one that has grown
	fill <<<"3 4097 7 $OURS 8 0 5 2000
4 4099 7 $OURS 3 0 6 1000
1 4100 7 $OURS 9 0 5 1000"
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c "$new")" "[[\"0x1001\",$((8 * CPUS))],[\"0x1003\",$((1 * CPUS))]]" "made again"
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c '[.benign[] | select(.reason == "SKB_CONSUMED") | .packets]')" "[$((2 * CPUS))]" "benign that is new"
	# attached anew: nothing of it was counted before
	detach_host
	attach_host
	fill <<<"3 4098 7 $OURS 20 0 5 1000"
	equal "$(J --since "$BATS_TEST_TMPDIR/saved" | jq -c "$new")" "[[\"0x1002\",$((20 * CPUS))]]" "attached anew"
	# saved with other rights: places cannot be compared
	jq '.generation.hidden = true' "$BATS_TEST_TMPDIR/saved" >"$BATS_TEST_TMPDIR/other"
	fails 1 'locations are numbers there and names here' hookmap drops --since "$BATS_TEST_TMPDIR/other"
	jq 'del(.generation)' "$BATS_TEST_TMPDIR/saved" >"$BATS_TEST_TMPDIR/other"
	fails 1 'older version' hookmap drops --since "$BATS_TEST_TMPDIR/other"
}

@test "drops: what cannot be read back is refused in one line" {
	attach_host
	local file=$BATS_TEST_TMPDIR/saved text
	for text in 'not json' '[]' '{"rows": 1}' '{"rows": [1]}' '{"rows": [{"layer": "x"}]}' \
		'{"rows": [{"layer":"x","reason":"x","location":"x","device":"x","netns":"x","protocol":"x","packets":"1","bytes":1}]}'; do
		printf '%s' "$text" >"$file"
		run -1 hookmap drops --since "$file"
		one_line "$output"
		like "$output" "not the output of hookmap -j drops"
	done
	J -n 1 >"$file"
	run -1 hookmap drops --since "$file"
	like "$output" "saved with -s or -n"
	run -1 hookmap drops --since "$BATS_TEST_TMPDIR/nowhere"
	one_line "$output"
	like "$output" "No such file"
}

@test "drops: options that make no sense are refused" {
	run -1 hookmap drops
	one_line "$output"
	like "$output" "attach first"
	attach_host
	run -2 hookmap drops -s colour
	one_line "$output"
	run -2 hookmap drops -n 0
	one_line "$output"
	run -2 hookmap latency -s reason
	one_line "$output"
	run -2 hookmap --prom -i 1 drops
	run -2 hookmap drops -i 1 --since x
	run -1 hookmap drops -s sip
	one_line "$output"
	like "$output" "drops are counted by none"
	run -2 attach_host --by colour
	one_line "$output"
	like "$output" "expected none smac dmac sip dip flow"
	run -2 "$HM_TOP/scripts/attach.sh" lo drops
	like "$output" "--host drops"
}

@test "drops: hidden addresses, no BTF: numbers, and it says so" {
	attach_host
	fill <<<"3 0xffffffff81000100 0 $OURS 1 0"
	like "$(ours '.[0].location')" "+0x"
	awk '{ $1 = "0000000000000000"; print }' <(head -n 1000 /proc/kallsyms) >"$BATS_TEST_TMPDIR/kallsyms"
	mount --bind "$BATS_TEST_TMPDIR/kallsyms" /proc/kallsyms
	equal "$(ours '.[0].location')" 0xffffffff81000100 location
	like "$(hookmap drops)" "the kernel hides its addresses"
	# a file for everybody has none either
	like "$(hookmap --prom drops)" "location=\"hidden\",device=\"-\",netns=\"$OURS\"} $CPUS"
	equal "$(hookmap --prom drops | grep -c 0xffffffff)" 0 "addresses for Prometheus"
	mount --bind /dev/null /sys/kernel/btf/vmlinux
	equal "$(ours '.[0].reason')" 3 reason
	like "$(hookmap drops)" "the kernel has no BTF with its drop reasons"
	run -1 hookmap drops --reasons
	one_line "$output"
	detach_host
	run -1 attach_host
	one_line "$output"
	like "$output" "no BTF"
	umount /sys/kernel/btf/vmlinux
	# attaching without addresses works
	attach_host
	umount /proc/kallsyms
}

@test "drops: devices and namespaces by name, and after they have gone" {
	lab_up
	attach_host
	on host "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 7 || true
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 11
	find_row() { J | jq -c --arg ns "$1" '[.rows[] | select(.netns == $ns and .reason == "SKB_DROP_REASON_NO_SOCKET") | [.device, .packets]] | sort'; }
	busywait 5 bash -c "[[ \$($HM_BUILD/hookmap -j drops) == *'$LAB-host'* ]]"
	equal "$(find_row "$LAB-host")" '[["eth0",11],["lo",7]]' rows
	on host ip link set dev eth0 down
	on host ip link set dev eth0 name uplink
	equal "$(find_row "$LAB-host")" '[["lo",7],["uplink",11]]' "after a rename"
	# without a name, but with a process: its number, and names still from inside
	local inode
	inode=$(stat -L -c %i "/run/netns/$LAB-host")
	nsenter --net="/run/netns/$LAB-host" -- sleep 60 3>&- &
	local keeper=$!
	busywait 5 bash -c "[[ \$(readlink /proc/$keeper/ns/net) == 'net:[$inode]' ]]"
	ip netns del "$LAB-host"
	equal "$(find_row "$LAB-host")" '[["lo",7],["uplink",11]]' "without a name: as it was called"
	kill "$keeper"
	wait "$keeper" || true
	equal "$(find_row "$LAB-host")" '[["lo",7],["uplink",11]]' "after it has gone"
	# what was never looked at while it was there keeps the device's name, and a number of its own
	ip netns add "$LAB-short"
	inode=$(stat -L -c %i "/run/netns/$LAB-short")
	ip -n "$LAB-short" link set dev lo up
	nsenter --net="/run/netns/$LAB-short" -- "$HM_BUILD/tests/traffic" udp-send 127.0.0.1 9 5 || true
	ip netns del "$LAB-short"
	J | jq -e --arg ns "$inode#" 'any(.rows[]; (.netns | startswith($ns)) and .device == "lo" and .packets == 5)'
}

@test "drops: of more than 65536 processes, those whose namespace was not read are counted" {
	local asan
	attach_host
	# a namespace that has no name: its row asks for the processes
	fill <<<"3 4097 7 $OURS 5 0 5"
	# (the runtime of AddressSanitizer must come first)
	asan=$(ldd "$HM_BUILD/hookmap" | awk '$1 ~ /^libasan/ { print $3 }')
	unread() { # PROCESSES
		HM_PROCESSES=$1 LD_PRELOAD="$asan $HM_BUILD/tests/processes.so" hookmap drops >"$BATS_TEST_TMPDIR/drops" || return
		sed -n 's/^the namespaces of \([0-9]*\) processes could not be read: .*/\1/p' "$BATS_TEST_TMPDIR/drops"
	}
	equal "$(
		unread 65536
		echo "status $?"
	)" 'status 0' 'of 65536 processes'
	equal "$(unread 65543)" 7 'of 65543 processes'
}

@test "drops: the number of a namespace is used again, its losses are not" {
	attach_host
	local inode
	ip netns add dbprod
	inode=$(stat -L -c %i /run/netns/dbprod)
	# of two that had this number before: one whose name was seen, one whose was not
	called 5 0 weba
	called 5 7 eth0
	fill <<<"3 4097 7 $inode 5 0 5
3 4097 7 $inode 3 0 6"
	equal "$(J | jq -c --arg n "$inode" '[.rows[] | select(.location == "0x1001") | [.netns, .device, .netns_cookie]]')" \
		"[[\"weba\",\"eth0\",5],[\"$inode#6\",\"if7\",6]]" rows
	equal "$(J -s netns | jq -c '[.rows[] | select(.netns == "weba" or .netns == "dbprod") | .packets]')" "[$((5 * CPUS))]" "-s netns"
	equal "$(hookmap --prom drops | grep -c 'packets_total{.*netns="dbprod"')" 0 series
	# and when both are gone, they are still two
	ip netns del dbprod
	equal "$(J | jq -c '[.rows[] | select(.location == "0x1001") | .packets]')" "[$((5 * CPUS)),$((3 * CPUS))]" "later"
}

@test "drops: a container that has lost frames on 300 devices is looked for once, and so when it has gone" {
	local one many netns
	skip_without strace command -v strace
	attach_host
	looks() { # in /proc
		strace -qq -o "$BATS_TEST_TMPDIR/looks" -e trace=%file "$HM_BUILD/hookmap" --prom drops >"$BATS_TEST_TMPDIR/prom"
		wc -l <"$BATS_TEST_TMPDIR/looks"
	}
	ip netns add there
	for netns in "$OURS" "$(stat -L -c %i /run/netns/there)"; do
		fill <<<"3 4097 1 $netns 5 0"
		one=$(looks)
		fill < <(for ((i = 2; i <= 300; i++)); do printf '3 4097 %d %s 5 0\n' "$i" "$netns"; done)
		many=$(looks)
		(($(grep -c 'packets_total{.*device="if' "$BATS_TEST_TMPDIR/prom") >= 299))
		# (processes come and go)
		((many < 2 * one)) || equal "$many" "less than twice $one" "looks for 300 devices of namespace $netns"
	done
}

@test "drops: names that no row asks for make room for others" {
	attach_host
	local n
	awk -v g="$G" 'BEGIN { for (i = 0; i < 7000; i++)
		printf "map update pinned %s/drop_name key %d %d 1 0 0 0 0 0 1 0 0 0 0 0 0 0 value 120%s\n", g, i % 256, i / 256, rep(55) }
		function rep(n, s) { s = ""; while (n--) s = s " 0"; return s }' | bpftool batch file - >/dev/null
	called 5 0 weba
	fill <<<"3 4097 0 $OURS 5 0 5"
	equal "$(J | jq -c '[.rows[] | select(.netns == "weba") | .packets]')" "[$((5 * CPUS))]" name
	n=$(bpftool -j map dump pinned "$G/drop_name" | jq length)
	((n >= 1 && n < 1000)) || equal "$n" "less than 1000" names
	equal "$(J | jq -c '[.rows[] | select(.netns == "weba") | .packets]')" "[$((5 * CPUS))]" "name, later"
}

@test "drops: 8192 rows of as many namespaces take no longer than one, as many as there are names" {
	attach_host
	local i time
	awk -v g="$G" 'BEGIN { for (i = 0; i < 8000; i++)
		printf "map update pinned %s/drop_row key 1 16 0 0 0 0 0 0 3 0 0 0 7 0 0 0 %d %d 7 0 8 0 17 0 0 0 0 0%s %d %d 9 0 0 0 0 0%s value 1%s\n", g, i % 256, i / 256, rep(36), i % 256, i / 256, rep(8), rep(31) }
		function rep(n, s) { s = ""; while (n--) s = s " 0"; return s }' | bpftool batch file - >/dev/null
	for i in {1..300}; do : >"/run/netns/none$i"; done
	TIMEFORMAT='%U %S'
	time=$({ time J >"$BATS_TEST_TMPDIR/rows"; } 2>&1)
	(($(jq '.rows | length' "$BATS_TEST_TMPDIR/rows") >= 8000))
	# 2 400 000 looks at a name took 3 s of CPU time
	awk '{ exit !($1 + $2 < 1) }' <<<"$time" || equal "$time" "less than a second" "CPU time"
}

@test "drops: Prometheus: sums without addresses, valid lines" {
	attach_host --by sip
	fill <<<"3 4097 0 $OURS 5 1
3 4097 0 $OURS 9 2
1 4098 0 $OURS 4 2"
	local out
	out=$(hookmap --prom drops)
	like "$out" "hookmap_drop_packets_total{layer=\"socket\",reason=\"SKB_DROP_REASON_NO_SOCKET\",location=\"0x1001\",device=\"-\",netns=\"$OURS\"} $((14 * CPUS))"
	run ! grep -qE 'SKB_CONSUMED|[0-9]\.0\.0\.0' <<<"$out"
	equal "$(grep -v '^#' <<<"$out" | sed 's/ [0-9]*$//' | sort | uniq -d)" "" "duplicates"
	run ! grep -vE '^(# (HELP|TYPE) hookmap_|hookmap_[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.]+$)' <<<"$out"
}

@test "drops: attach twice, another dimension, detach twice: nothing is left" {
	attach_host --by sip
	fill <<<"3 4097 0 $OURS 5 1"
	local id
	id=$(bpftool -j map show pinned "$G/drop_row" | jq .id)
	attach_host
	equal "$(hookmap drops -s sip >/dev/null && echo yes)" yes "still by sip"
	attach_host --by dmac
	equal "$(bpftool -j map show pinned "$G/drop_row" | jq .id)" "$id" "map id"
	equal "$(ours '.[0].sip')" 1.0.0.0 "what was counted before"
	like "$("$HM_TOP/scripts/status.sh")" "by       dmac"
	hookmap -j status | jq -e '.devices[] | select(.device == "host" and .features == "drops")' >/dev/null
	detach_host
	detach_host
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" "" left
	run -1 hookmap drops
}

@test "drops: a failed attach leaves nothing, a foreign pin is refused" {
	mkdir -p "$G"
	bpftool -n map create "$G/drop_row" type hash key 4 value 4 entries 1 name drop_row
	run -1 attach_host
	one_line "$output"
	like "$output" "drop_row"
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" "$G/drop_row" left
	rm "$G/drop_row"
	mkdir "$BATS_TEST_TMPDIR/obj"
	cp -r "$HM_BUILD/." "$BATS_TEST_TMPDIR/obj"
	printf 'hookmap-abi:%s' "$(sed -n 's/^HM_ABI=//p' "$HM_BUILD/abi.sh")" >"$BATS_TEST_TMPDIR/obj/kern/drops_xdp.o"
	HOOKMAP_OBJ=$BATS_TEST_TMPDIR/obj run -1 attach_host
	one_line "$output"
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" "" left
	attach_host
}

@test "drops: samples with headers, at a limited rate, and losses of them are counted" {
	lab_up
	attach_host --samples 3 --by smac
	on host sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	# more than the rate allows, in one go
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 500
	busywait 5 bash -c "(( \$($HM_BUILD/hookmap -j drops | jq .lost.samples_over_rate) >= 400 ))"
	# the first samples are there to be read; -c ends it
	timeout 10 "$HM_BUILD/hookmap" -j drops --samples --all -c 1 | jq -e '.data | length > 0'
	# a full ring: nobody reads, the rate is high
	attach_host --samples 1000000
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 3000
	busywait 5 bash -c "(( \$($HM_BUILD/hookmap -j drops | jq .lost.samples_ring_full) > 1000 ))"
	like "$(hookmap drops)" "lost in the full ring"
	# a packet of ours can be read, with its flow; a flood elsewhere may take the rate
	attach_host --samples 1000
	timeout 30 "$HM_BUILD/hookmap" -j drops --samples >"$BATS_TEST_TMPDIR/samples" 3>&- &
	sampled() {
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 5
		grep -F "$LAB-host" "$BATS_TEST_TMPDIR/samples" | jq -ec 'select(.reason == "SKB_DROP_REASON_NO_SOCKET")
			| select(.protocol == "ipv4/udp" and .bytes == 72 and (.data | length) == 212
			and (.flow | test("^10.11.1.2:[0-9]+ > 10.11.1.1:9$")))'
	}
	busywait 15 sampled
	kill "$!" && wait "$!" || true
	# for people, with the time of day
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 5
	run -0 timeout 10 "$HM_BUILD/hookmap" drops --samples -c 1
	equal "${lines[0]}" "TIME LAYER REASON LOCATION DEVICE NETNS PROTOCOL FLOW BYTES"
	[[ ${lines[1]} =~ ^([0-2][0-9]:[0-5][0-9]:[0-5][0-9])\.[0-9]{6}\  ]]
	(($(date +%s) - $(date -d "${BASH_REMATCH[1]}" +%s) < 60))
	timeout 30 "$HM_BUILD/hookmap" -j drops --samples >"$BATS_TEST_TMPDIR/samples" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local reader=$!
	busywait 5 sampled
	run -1 hookmap drops --samples
	like "$output" "another reader is running"
	# attached again: the ring that it reads is not that of the programs any more
	"$HM_TOP/scripts/detach.sh" --host drops
	attach_host --samples 1000
	local status=0
	wait "$reader" || status=$?
	equal "$status" 1 "exit status of the reader"
	equal "$(<"$BATS_TEST_TMPDIR/err")" "hookmap: drops: the pin of map drop_ring is gone: detached"
	attach_host --samples off
	run -2 hookmap drops --samples -i 1
	run -2 attach_host --samples many
}
