#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# hookmap --prom: one document, valid, bounded and stable; and the file it is put into

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../prom.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

setup() { F=$BATS_TEST_TMPDIR/all.prom; }

names() { sed -n 's/^# TYPE \([^ ]*\).*/\1/p' "$1"; }

@test "prom: several verbs and all that is attached in one document" {
	lab_up
	# nothing is attached: when it was read, and by what
	hookmap --prom >"$F"
	prom_valid "$F"
	equal "$(names "$F")" 'hookmap_read_timestamp_seconds
hookmap_build_info'
	equal "$(value "$F" "hookmap_build_info{version=\"$(hookmap --version | cut -d' ' -f2)\"}")" 1 build_info
	local now
	now=$(value "$F" hookmap_read_timestamp_seconds)
	((${now%.*} <= $(date +%s) && ${now%.*} > $(date +%s) - 60)) || equal "$now" "$(date +%s)" timestamp
	# a verb that is named must be there
	fails 1 'lat_stat: not there' hookmap --prom latency
	attach eth0 latency --sample 1 --filter 'proto udp dport 7000' 2>/dev/null
	"$HM_TOP/scripts/attach.sh" --host drops
	on host "$HM_TOP/scripts/attach.sh" veth0 l2fwd 2>/dev/null
	udp host 10.11.1.1 97
	on host "$HM_BUILD/hookmap" --prom >"$F"
	prom_valid "$F"
	equal "$(value "$F" "hookmap_stage_latency_seconds_count{from=\"xdp\",to=\"tc\",device=\"eth0\",netns=\"$LAB-host\"}")" 97 'xdp to tc'
	equal "$(value "$F" "hookmap_stage_latency_seconds_bucket{from=\"xdp\",to=\"tc\",device=\"eth0\",netns=\"$LAB-host\",le=\"+Inf\"}")" 97 +Inf
	equal "$(value "$F" hookmap_stage_seen_packets_total)" 97 seen
	equal "$(grep -c '^hookmap_stage_lost_total{cause="' "$F")" 5 causes
	equal "$(value "$F" 'hookmap_fdb_entries{type="static"}')" 0 'static entries'
	equal "$(value "$F" 'hookmap_map_max_entries{map="l2_fdb"}')" "$(hookmap -j --summary fdb | jq .totals.capacity)" 'room in l2_fdb'
	equal "$(value "$F" 'hookmap_map_entries{map="lat_hist"}')" "$(bpftool -j map dump pinned "$G/lat_hist" | jq length)" 'rows of lat_hist'
	equal "$(value "$F" 'hookmap_map_entries{map="hm_dev"}')" 3 'rows of hm_dev'
	# verbs in any order, and one of them twice
	hookmap --prom fdb latency fdb >"$F.2"
	prom_valid "$F.2"
	equal "$(names "$F.2" | grep -c drop_)" 0 'families of drops'
	equal "$(names "$F.2" | grep -cE 'stage_latency_seconds|fdb_entries|map_entries|read_timestamp')" 4 families
}

@test "prom: promtool finds nothing to say" {
	skip_without promtool command -v promtool
	lab_up
	attach eth0 latency --sample 1 2>/dev/null
	"$HM_TOP/scripts/attach.sh" --host drops
	on host "$HM_TOP/scripts/attach.sh" veth0 l2fwd policy 2>/dev/null
	udp host 10.11.1.1 7
	drop_rows 0 3
	printf '{"rules":[{"id":"web","priority":1,"match":{"dport":80,"proto":"tcp"},"action":"drop"}]}' | on host "$HM_TOP/scripts/policy.sh" load -
	on host "$HM_BUILD/hookmap" --prom >"$F"
	prom_valid "$F"
	run -0 promtool check metrics <"$F"
	equal "$output" '' promtool
	equal "$(value "$F" 'hookmap_policy_packets_total{policy="web",action="drop",device="-"}')" 0
	# all names that the issue promises, and what they are called by
	local series
	for series in stage_latency_seconds_bucket:from,to,device,netns,le stage_lost_total:cause drop_packets_total:layer,reason,location,device,netns \
		fdb_entries:type fdb_lookups_total:device,result policy_packets_total:policy,action,device map_entries:map map_max_entries:map \
		read_timestamp_seconds: build_info:version; do
		equal "$(grep -m 1 "^hookmap_${series%:*}[{ ]" "$F" | grep -oE '[a-z]+="' | tr -d '="' | paste -sd,)" "${series#*:}" "labels of ${series%:*}"
	done
}

@test "prom: look-ups of the forwarding table, frame by frame" {
	local i frame=88b5$PAD
	ports 2
	"$HM_TOP/scripts/attach.sh" --host drops
	fdb add 02:00:00:00:00:02 dev p2
	fdb add 02:00:00:00:00:03 local
	for i in 1 2 3; do expect 'known address' p1 "$(mac 2)$(mac 1)$frame" "$SENT"; done
	for i in 1 2; do expect 'address of the host' p1 "$(mac 3)$(mac 1)$frame" "$PASS"; done
	expect 'unknown address' p1 "$(mac 4)$(mac 1)$frame" "$PASS"
	hookmap --prom >"$F"
	prom_valid "$F"
	for i in 'p2 hit 3' 'p1 hit 0' 'p1 local 2' 'p1 miss 1' 'p1 flooded 0' 'p2 miss 0'; do
		read -ra word <<<"$i"
		equal "$(value "$F" "hookmap_fdb_lookups_total{device=\"${word[0]}\",result=\"${word[1]}\"}")" "${word[2]}" "${word[0]} ${word[1]}"
	done
	equal "$(value "$F" 'hookmap_fdb_entries{type="static"}') $(value "$F" 'hookmap_fdb_entries{type="local"}')" "$(hookmap -j fdb | jq -r '.totals.by_type | "\(.static) \(.local)"')" entries
	equal "$(value "$F" 'hookmap_l2fwd_receive_packets_total{device="p1"}')" 6 received
	equal "$(value "$F" 'hookmap_l2fwd_transmit_packets_total{device="p2"}')" 3 sent
	equal "$(value "$F" 'hookmap_map_entries{map="l2_fdb"}')" 2 'entries of the map'
}

@test "prom: full maps fold into other: at most 10 000 series, and not one packet less" {
	local last=$BATS_TEST_TMPDIR/last.prom
	ip link add p1 type veth peer name q1
	"$HM_TOP/scripts/attach.sh" p1 l2fwd latency policy 2>/dev/null
	"$HM_TOP/scripts/attach.sh" --host drops
	# the tracepoints see the whole machine: what it has lost by now is taken out again
	rm -r /sys/fs/bpf/hookmap/drops
	flushed() {
		bpftool -j map dump pinned "$G/drop_row" | jq -r --arg pin "$G/drop_row" '.[].key | "map delete pinned \($pin) key \(join(" "))"' |
			bpftool batch file - >/dev/null
		[[ $(bpftool -j map dump pinned "$G/drop_row") == '[]' ]]
	}
	busywait 10 flushed
	hist_rows 0 1000
	drop_rows 0 4000
	hookmap --prom >"$last"
	prom_valid "$last"
	drop_rows 4000 8100
	hist_rows 1000 2000
	# 255 ports, each with all that can happen to a frame
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	awk -v g="$G" -v port="$HM_SIZE_l2_port" -v stat="$HM_SIZE_l2_stat" 'BEGIN {
		for (i = 2; i < 256; i++) {
			printf "map update pinned %s/l2_port key %d 0 0 0 value %d 7 0 0", g, i, i
			for (j = 4; j < port; j++) printf " 0"
			printf "\nmap update pinned %s/l2_stat key %d 0 0 0 value", g, i
			for (j = 0; j < stat / 8; j++) printf " 1 0 0 0 0 0 0 0"
			printf "\n"
		}
	}' | bpftool batch file - >/dev/null
	# 1 024 verdicts of programs, on devices of their own
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/xdp_verdict" key 0 0 0 0 value $(awk 'BEGIN {
		for (i = 0; i < 40; i++) printf "0 "
		for (i = 0; i < 1024; i++) printf "%d %d 1 0 0 0 %d 0 1 0 0 0 0 0 0 0 60 0 0 0 0 0 0 0 ", i % 256, int(i / 256), i % 7
	}')
	awk -v g="$G" -v rest="$(printf ' 0%.0s' {1..25})" 'BEGIN {
		for (i = 0; i < 1024; i++) printf "map update pinned %s/xdp_home key %d %d 1 0 value 0 0 0 0 0 0 0 0 0 0 0 0 %d %d 1%s\n", g, i % 256, int(i / 256), i % 256, int(i / 256), rest
	}' | bpftool batch file - >/dev/null
	# 1 000 rules
	awk 'BEGIN {
		printf "{\"rules\":["
		for (i = 0; i < 1000; i++) printf "%s{\"id\":\"r%d\",\"priority\":%d,\"match\":{\"dst\":\"10.%d.%d.0/24\"},\"action\":\"drop\"}", i ? "," : "", i, i + 1, i / 250, i % 250
		print "]}"
	}' | "$HM_TOP/scripts/policy.sh" load -
	hookmap --prom >"$F"
	prom_valid "$F"
	(($(series "$F") <= 10000)) || equal "$(series "$F")" 'at most 10000' series
	(($(series "$F") > 7000)) || equal "$(series "$F")" 'more than 7000: is it full?' series
	# nothing is lost in the folding
	equal "$(total "$F" hookmap_drop_packets_total)" "$(hookmap -j drops | jq '[.rows[].packets] | add')" 'packets dropped'
	equal "$(total "$F" hookmap_xdp_packets_total)" $((CPUS * 1024)) verdicts
	equal "$(total "$F" hookmap_l2fwd_receive_packets_total)" $((CPUS * 254)) 'packets received'
	equal "$(total "$F" hookmap_stage_latency_seconds_count)" "$(hookmap -j latency | jq '[.rows[] | select(.kind == "stage") | .count] | add')" 'stages measured'
	like "$(<"$F")" 'location="other",device="other",netns="other"} '
	like "$(<"$F")" 'hookmap_policy_packets_total{policy="other",action="drop",device="other"} 0'
	# what was there has not vanished, and has not become less
	equal "$(awk '/^#/ || /^hookmap_(map_|read_)/ { next } { v = $NF; $NF = "" } NR == FNR { old[$0] = v; next }
		$0 in old { if (v + 0 < old[$0] + 0) print "less: " $0; delete old[$0] }
		END { for (s in old) print "gone: " s }' "$last" "$F" | head -n 5)" ''
}

@test "prom: rows of namespaces that have gone give their places to new causes" {
	local later=(env)
	# two hours after the last loss, be it that the machine runs for minutes only: in a time namespace
	# that the reader does not notice
	unshare -T --monotonic 7200 true 2>/dev/null &&
		later=(unshare -T --monotonic 7200 bash -c 'mount --bind /dev/null "/proc/$$/timens_offsets"; exec "$@"' later)
	(($(cut -d. -f1 /proc/uptime) > 3700)) || skip_without 'time namespaces' test "${later[0]}" = unshare
	"$HM_TOP/scripts/attach.sh" --host drops
	rm -r /sys/fs/bpf/hookmap/drops # the tracepoints see the whole machine
	bpftool -j map dump pinned "$G/drop_row" | jq -r --arg map "$G/drop_row" '.[] | "map delete pinned \($map) key \(.key | join(" "))"' |
		bpftool batch file - >/dev/null
	COOKIE=7 drop_rows 0 600
	# of a namespace of which nobody knows whether it is there
	drop_rows 700 701
	"${later[@]}" "$HM_BUILD/hookmap" --prom drops >"$F"
	prom_valid "$F"
	equal "$(grep '^hookmap_drop_packets_total' "$F" | grep -c other)" 0 'series other'
	equal "$(grep -c '^hookmap_drop_packets_total' "$F")" 1 series
	equal "$(value "$F" 'hookmap_drop_lost_total{cause="gone"}')" "$(hookmap -j drops | jq '[(.rows + .undecided)[] | select(.netns_cookie == 7) | .packets] | add')" 'packets of those that have gone'
}

@test "prom: a device that is attached later takes no series from those before it" {
	local i index nsid
	for i in 1 2 3 4; do ip link add "d$i" type veth peer name "e$i"; done
	# two totals of a device, packets of ours
	totals() {
		index=$(ip -j link show dev "$1" | jq '.[0].ifindex')
		for i in 134 133; do
			# shellcheck disable=SC2046
			bpftool map update pinned "$G/lat_hist" key 1 "$i" 0 1 "$index" 0 0 0 value 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0 250 255 255 255 255 255 255 255 \
				$(printf '0 %.0s' {1..32}) 1 0 0 0 0 0 0 0 $(printf '0 %.0s' {1..88})
		done
	}
	shown() { hookmap --prom latency | sed -n 's/^hookmap_total_latency_seconds_count{.*device="\([^"]*\)".*/\1/p' | sort | uniq -c | awk '{ print $1 $2 }' | paste -sd' '; }
	# the one with the smallest number comes last
	for i in 2 3 4; do
		"$HM_TOP/scripts/attach.sh" "d$i" latency --filter 'proto udp dport 9' >/dev/null 2>&1
		totals "d$i"
	done
	equal "$(shown)" "2d2 2d3 2d4" series
	"$HM_TOP/scripts/attach.sh" d1 latency >/dev/null 2>&1
	totals d1
	equal "$(shown)" "2d2 2d3 2d4 2other" "with another"
	# attaching one of them again does not make it new
	"$HM_TOP/scripts/attach.sh" d2 latency >/dev/null 2>&1
	equal "$(shown)" "2d2 2d3 2d4 2other" "again"
}

@test "prom: names of any bytes are labels: escaped, valid, and one series if they look alike" {
	"$HM_TOP/scripts/attach.sh" --host drops
	RECENT=1 COOKIE=7 drop_rows 0 5
	local i=0 name
	# the devices of these rows: "q\ and line end, bytes that are no UTF-8, and UTF-8
	for name in '34 113 92 101 10 102 0' '97 255 98 0' '97 254 98 0' '195 169 226 130 172 0' '237 160 128 0'; do
		read -ra bytes <<<"$name"
		while ((${#bytes[@]} < 56)); do bytes+=(0); done
		bpftool map update pinned "$G/drop_name" key 7 0 0 0 0 0 0 0 "$i" 0 1 0 0 0 0 0 value "${bytes[@]}"
		i=$((i + 1))
	done
	hookmap --prom drops >"$F"
	prom_valid "$F"
	grep -qF 'device="\"q\\e\nf"' "$F"
	equal "$(grep -c 'hookmap_drop_packets_total{.*device="a?b"' "$F")" 2 'devices a?b, at two places'
	grep -qF 'device="é€"' "$F"
	grep -qF 'device="???"' "$F"
	if command -v promtool >/dev/null; then promtool check metrics <"$F"; fi
	# the same place, too: one series
	RECENT=1 COOKIE=7 drop_rows 1 2
	# shellcheck disable=SC2046
	bpftool map delete pinned "$G/drop_row" key 1 0 1 0 0 0 0 0 3 0 0 0 1 0 1 0 77 1 0 0 8 0 17 0 0 0 0 0 $(printf '0 %.0s' {1..36}) 7 0 0 0 0 0 0 0 $(printf '0 %.0s' {1..8})
	equal "$(hookmap --prom drops | grep -c 'hookmap_drop_packets_total{.*device="a?b"')" 1 'without the first'
}

@test "prom: --output replaces the file at once, readable for all, and leaves nothing beside it" {
	local d=$BATS_TEST_TMPDIR/textfile i
	mkdir "$d"
	"$HM_TOP/scripts/attach.sh" --host drops
	drop_rows 0 600
	umask 077
	hookmap --prom --output "$d/hookmap.prom"
	equal "$(stat -c %a "$d/hookmap.prom")" 644 mode
	prom_valid "$d/hookmap.prom"
	equal "$(find "$d" -type f)" "$d/hookmap.prom" 'files there'
	# a reader never sees a part of it, nor nothing
	for ((i = 0; i < 30; i++)); do hookmap --prom --output "$d/hookmap.prom" || break; done 3>&- &
	while kill -0 $! 2>/dev/null; do
		cat "$d/hookmap.prom" >"$F"
		equal "$(tail -n 1 "$F" | cut -d'{' -f1)" hookmap_build_info 'last series'
		equal "$(grep -c '^hookmap_drop_packets_total' "$F")" "$(grep -c '^hookmap_drop_bytes_total' "$F")" 'series read'
	done
	wait $!
	equal "$(find "$d" -type f)" "$d/hookmap.prom" 'files there afterwards'
	# relative, and in this folder
	(cd "$d" && hookmap --prom --output here.prom drops && prom_valid here.prom && rm here.prom)
	# a link is replaced, and where it leads is left alone
	printf 'of somebody\n' >"$BATS_TEST_TMPDIR/precious"
	ln -s ../precious "$d/link.prom"
	hookmap --prom --output "$d/link.prom" drops
	[[ ! -L $d/link.prom ]]
	prom_valid "$d/link.prom"
	equal "$(<"$BATS_TEST_TMPDIR/precious")" 'of somebody' 'where the link led'
	rm "$d/link.prom"
	# what goes wrong leaves the old file and nothing else
	cp "$d/hookmap.prom" "$F"
	mv "$G/drop_cfg" "$G/was"
	bpftool -n map create "$G/drop_cfg" type array key 4 value 4 entries 1 name drop_cfg
	fails 1 'value is 4 bytes' hookmap --prom --output "$d/hookmap.prom"
	rm "$G/drop_cfg"
	mv "$G/was" "$G/drop_cfg"
	fails 1 'the folder must exist' hookmap --prom --output "$d/none/hookmap.prom"
	fails 1 'not a regular file' hookmap --prom --output /dev/null
	fails 1 'not a regular file' hookmap --prom --output "$d"
	[[ -c /dev/null ]]
	cmp "$F" "$d/hookmap.prom"
	equal "$(find "$d" -type f)" "$d/hookmap.prom" 'files there after errors'
}

@test "prom: a full disk is an error, and the old file stays" {
	local d=$BATS_TEST_TMPDIR/small
	mkdir "$d"
	mount -t tmpfs -o size=64k none "$d"
	hookmap --prom --output "$d/hookmap.prom"
	cp "$d/hookmap.prom" "$F"
	"$HM_TOP/scripts/attach.sh" --host drops
	drop_rows 0 2000
	fails 1 'No space left' hookmap --prom --output "$d/hookmap.prom"
	cmp "$F" "$d/hookmap.prom"
	equal "$(find "$d" -type f)" "$d/hookmap.prom" 'files there'
	run -1 bash -c "'$HM_BUILD/hookmap' --prom >/dev/full"
	one_line "$output"
	umount "$d"
}

@test "prom: what does not go together is refused" {
	fails 2 '--output goes with --prom' hookmap --output x drops
	fails 2 'has no such output' hookmap --prom latency status
	fails 2 'frobnicate: unknown verb' hookmap --prom latency frobnicate
	fails 2 'no -i' hookmap --prom -i 1
	fails 2 '-n: needs a verb, one of drops' hookmap --prom --top 3
	fails 2 'latency: takes no -n' hookmap --prom --top 3 latency
	fails 2 'only counts' hookmap --prom drops --reasons
	fails 2 'choose one of' hookmap --prom -j latency
	fails 2 'unexpected argument' hookmap exec drops
}
