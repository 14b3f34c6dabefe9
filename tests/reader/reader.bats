#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# hookmap: what it prints is what the maps hold

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() {
	lab_up
	attach eth0 --sample 1 --filter 'proto udp dport 7000' 2>/dev/null
	udp host 10.11.1.1 1013
}

# An oracle in jq, from bpftool's dump alone: count, sum, min, max and percentiles of a
# row of lat_hist (from, to as numbers), by the documented bucket bounds
oracle() { # FROM TO
	bpftool -j map dump pinned "$G/lat_hist" | jq -c --argjson from "$1" --argjson to "$2" '
		def le(o; i): if o == 0 then i + 1 else (17 + i) * pow(2; o - 1) end;
		[.[].formatted | select(.key.from == $from and .key.to == $to)
			| .key.octave as $o | .values[].value | select(([.bucket[]] | add) > 0)
			| {sum, max, min: (18446744073709551615 - .min_inv), buckets: [range(16) as $i | {le: le($o; $i), n: .bucket[$i]} | select(.n > 0)]}] as $rows
		| ([$rows[].buckets[]] | group_by(.le) | map({le: .[0].le, n: (map(.n) | add)})) as $b
		| ($b | map(.n) | add) as $count | ([$rows[].max] | max) as $max
		| def q($q): ([$q * $count | ceil, 1] | max) as $rank
			| reduce $b[] as $x ({seen: 0, v: null}; .seen += $x.n | if .v == null and .seen >= $rank then .v = $x.le else . end)
			| [.v, $max] | min;
		  [$count, ($rows | map(.sum) | add), $max, q(0.5), q(0.9), q(0.99), q(0.999)]'
}

@test "reader: counts, sums and percentiles match an oracle from bpftool's dump" {
	local pair from to numbers
	for pair in 'xdp tc 1 2' 'tc prerouting 2 3' 'prerouting input 3 4' 'input socket 4 5'; do
		read -r from to numbers <<<"$pair"
		# shellcheck disable=SC2086
		equal "$(hookmap -j latency | jq -c --arg from "$from" --arg to "$to" '.rows[] | select(.kind == "stage" and .from == $from and .to == $to)
			| [.count, .sum_ns, .max_ns, .p50_ns, .p90_ns, .p99_ns, .p999_ns]')" "$(oracle $numbers)" "$from -> $to"
	done
	equal "$(hookmap -j latency | jq -c '.rows[] | select(.kind == "total" and .to == "socket")
		| [.count, .sum_ns, .max_ns, .p50_ns, .p90_ns, .p99_ns, .p999_ns]')" "$(oracle 1 133)" total
}

@test "reader: the keys that scripts rely on, in rows and lost" {
	equal "$(hookmap -j latency | jq -c '.rows[0] | keys_unsorted')" '["kind","from","to","device","netns","count","sum_ns","min_ns","p50_ns","p90_ns","p99_ns","p999_ns","max_ns"]'
	equal "$(hookmap -j latency | jq -c '.lost | keys_unsorted')" '["seen","sampled","started","read","slot_reused","bad_clock","table_full","merged","missed","not_sampled","not_at_tc","sample","on_the_way","last_seen"]'
	equal "$(hookmap -j latency | wc -l)" 1 "lines of -j"
	(($(hookmap -p latency | wc -l) > 10))
	equal "$(hookmap -p latency | jq -c .)" "$(hookmap -j latency)" "-p and -j"
}

@test "reader: the table has a row a pair, and what was lost under it" {
	run -0 hookmap latency
	equal "$(head -n 1 <<<"$output" | tr -s ' ')" "KIND FROM TO DEVICE NETNS COUNT P50 P90 P99 P99.9 MAX"
	equal "$(grep -cE '^(stage|total) ' <<<"$output")" 5 rows
	like "$output" "1013 packets seen, 1013 sampled (1 in 1), "
	like "$output" "0 not seen at tc"
	like "$output" "not in the rows: nothing"
}

@test "reader: help explains every column and key that any verb prints" {
	local name fields missing=''
	fields=$(hookmap help fields)
	# of tables, of JSON, and of events; policy_text.c prints the file of hookmap-policy(8)
	{
		tr -d '\n' <<<"$(cat "$HM_TOP"/user/*.[ch])" | grep -oE '\{\s*("[a-z_0-9]+"|NULL),\s*("[^"]*"|NULL),\s*OUT_' | grep -oE '"[^"]+"'
		tr -d '\n' <<<"$(find "$HM_TOP/user" -maxdepth 1 -name "*.c" ! -name policy_text.c -exec cat {} +)" | grep -oE 'json_[a-z0-9]+\(\s*"[a-z_0-9]+"' | grep -oE '"[^"]+"'
		tr -d '\n' <<<"$(cat "$HM_TOP"/user/*.[ch])" | grep -oE 'line_[a-z]+\(\s*\w+,\s*"[a-z_0-9]+"' | grep -oE '"[^"]+"'
	} | tr -d '"' | sort -u >"$BATS_TEST_TMPDIR/names"
	(($(wc -l <"$BATS_TEST_TMPDIR/names") > 150))
	while IFS= read -r name; do
		grep -qE "(^|[^A-Za-z0-9_])$name([^A-Za-z0-9_]|\$)" <<<"$fields" || missing+="$name "
	done <"$BATS_TEST_TMPDIR/names"
	equal "$missing" '' 'not in the fields of a verb'
}

@test "reader: --explain has a text for each pair of stages; a device or a namespace alone" {
	local n
	run -0 hookmap latency --explain
	for n in 'xdp to tc' 'tc to prerouting' 'prerouting to input' 'input to socket'; do like "$output" "$n: "; done
	equal "$(hookmap -j latency --explain | jq -c '[.rows[] | select(.kind == "stage") | (.means | length) > 20 and (.look | length) > 10] | unique')" '[true]' 'means and look'
	equal "$(hookmap -j latency --explain | jq -c '.rows | map(select(.kind == "stage") | .means) | length == (unique | length)')" true 'a text each'
	n=$(hookmap -j latency | jq -r '.rows[0].device')
	equal "$(hookmap -j latency "$n" | jq -c .rows)" "$(hookmap -j latency | jq -c --arg d "$n" '[.rows[] | select(.device == $d)]')" "rows of $n"
	n=$(hookmap -j latency | jq -r '.rows[0].netns')
	equal "$(hookmap -j latency --netns "$n" | jq '.rows | length')" "$(hookmap -j latency | jq --arg n "$n" '[.rows[] | select(.netns == $n)] | length')" "rows of $n"
	fails 2 '--prom shows all devices' hookmap --prom --dev lo latency
	fails 2 'b: unexpected argument' hookmap latency a b
}

@test "reader: a device or a namespace that does not exist, that is not measured, that has gone" {
	local how
	for how in '' -j --hist --hgrm '-i 1 -c 1'; do
		# shellcheck disable=SC2086
		fails 1 'latency: there is no device nosuch' hookmap $how latency nosuch
	done
	equal "$(hookmap -j latency nosuch 2>/dev/null)" '{"error":"latency: there is no device nosuch"}' 'as JSON'
	fails 1 "latency: there is no device eth9 in network namespace $LAB-host" hookmap latency --dev eth9 --netns "$LAB-host"
	fails 1 'latency: there is no network namespace nosuch' hookmap latency --netns nosuch
	fails 1 'latency: there is no network namespace nosuch' hookmap latency eth0 --netns nosuch
	fails 1 'latency is not attached to veth0 (' hookmap latency veth0
	fails 1 "latency is not attached to eth0 in network namespace $LAB-client" hookmap latency eth0 --netns "$LAB-client"
	fails 1 "latency is not attached to any device in network namespace $LAB-client" hookmap latency --netns "$LAB-client"
	attach veth0
	equal "$(hookmap latency veth0 --netns "$LAB-host" | head -n 1)" "nothing measured yet on veth0 in $LAB-host"
	equal "$(hookmap -j latency veth0 | jq -c .rows)" '[]' 'rows of veth0'
	# rows of what has gone
	on host ip link del eth0
	equal "$(hookmap -j latency eth0 | jq '.rows | length')" 5 'rows of eth0, which has gone'
	"$HM_TOP/scripts/attach.sh" --host drops napi
	for how in drops 'drops --samples' napi; do
		# shellcheck disable=SC2086
		fails 1 'there is no device nosuch' hookmap $how --dev nosuch
		# shellcheck disable=SC2086
		fails 1 'there is no network namespace nosuch' hookmap $how --netns nosuch
	done
	equal "$(hookmap drops veth0 --netns "$LAB-host" | head -n 1)" "no losses on veth0 in $LAB-host"
}

@test "reader: help and version are verbs, and a mistyped one is answered" {
	equal "$(hookmap help)" "$(hookmap --help)" help
	equal "$(hookmap help latency)" "$(hookmap latency --help)" 'help latency'
	equal "$(hookmap version)" "$(hookmap --version)" version
	like "$(HOOKMAP_OBJ=$HM_BUILD "$HM_TOP/build/hookmap" help attach)" 'usage: attach.sh'
	# words of a script behind a verb run it; the script without a word is the verb
	like "$(HOOKMAP_OBJ=$HM_BUILD "$HM_TOP/build/hookmap" help fdb)" 'hookmap fdb COMMAND... (add replace del'
	fails 2 'add needs a MAC (see fdb.sh --help)' env HOOKMAP_OBJ="$HM_BUILD" "$HM_TOP/build/hookmap" fdb add
	fails 2 'load needs a file' env HOOKMAP_OBJ="$HM_BUILD" "$HM_TOP/build/hookmap" policy -v load
	fails 1 'attach first (scripts/attach.sh DEV l2fwd)' "$HM_TOP/scripts/fdb.sh"
	fails 1 'attach first (scripts/attach.sh DEV policy)' "$HM_TOP/scripts/policy.sh"
	fails 2 'latncy: unknown verb: did you mean latency?' hookmap latncy
	fails 2 'dorps: unknown verb: did you mean drops?' hookmap dorps
	fails 2 'attahc: unknown verb: did you mean attach?' hookmap attahc
	fails 2 'hookmap: frobnicate: unknown verb (see' hookmap frobnicate
	fails 2 '-i: needs a verb, one of drops, latency' hookmap -i 1
}

@test "reader: without a verb: what is attached, and the worst of it; the right hint where it is not" {
	like "$(hookmap)" 'slowest stage: '
	equal "$(hookmap -j | jq -r '.latency | "\(.from) \(.to) \(.p50_ns)"')" \
		"$(hookmap -j latency | jq -r '[.rows[] | select(.kind == "stage")] | max_by(.p50_ns) | "\(.from) \(.to) \(.p50_ns)"')" 'slowest stage'
	mkdir "$BATS_TEST_TMPDIR/empty"
	run -0 hookmap --bpffs "$BATS_TEST_TMPDIR/empty"
	like "$output" 'nothing is attached: hookmap attach DEV'
	equal "$(hookmap -j --bpffs "$BATS_TEST_TMPDIR/empty" | jq -c .)" '{"devices":[],"latency":null,"drops":null}' 'without anything'
	while read -r verb hint; do
		fails 1 "attach first (scripts/attach.sh $hint)" hookmap --bpffs "$BATS_TEST_TMPDIR/empty" "$verb"
	done <<<'latency DEV
drops --host drops
fdb DEV l2fwd
policy DEV policy
path --host path
pktlat --host pktlat
napi --host napi
exec --host exec
open --host open
ovslat --host ovslat'
}

@test "reader: buckets add up, are in order, and hold min and max" {
	equal "$(hookmap -j --buckets latency | jq -c '[.rows[] | ([.buckets[][1]] | add) == .count, ([.buckets[][0]] | . == sort),
		(.buckets[0][0] >= .min_ns), (.buckets[-1][0] >= .max_ns)] | all')" true
}

@test "reader: --hist draws every packet" {
	run -0 hookmap --hist latency
	like "$output" "kind stage, from xdp, to tc, device eth0, netns $LAB-host, 1013 values"
	equal "$(awk '/^kind stage, from xdp, to tc/ { on = 1; next } /^$/ { on = 0 } on && NF > 1 { n += $NF } END { print n }' <<<"$output")" 1013 "packets drawn"
	# buckets that are empty take two lines, however many
	equal "$(awk '{ n = / 0$/ || /^ *[.][.][.]$/ ? n + 1 : 0; if (n > most) most = n } END { print most }' <<<"$output")" 2 "empty lines"
}

@test "reader: -i shows what is new, -c stops" {
	hookmap -j -i 0.5 -c 3 latency >"$BATS_TEST_TMPDIR/log" 3>&- &
	local reader=$!
	busywait 5 test -s "$BATS_TEST_TMPDIR/log"
	udp host 10.11.1.1 211
	wait "$reader"
	equal "$(wc -l <"$BATS_TEST_TMPDIR/log")" 3 documents
	equal "$(jq -s 'map(.lost.seen) | add' "$BATS_TEST_TMPDIR/log")" 211 "seen in all intervals"
	equal "$(jq -s 'map(.rows[] | select(.to == "tc") | .count) | add' "$BATS_TEST_TMPDIR/log")" 211 "counted in all intervals"
	equal "$(jq -s 'map(.rows[] | (.p50_ns <= .max_ns) and (.min_ns <= .p50_ns)) | all' "$BATS_TEST_TMPDIR/log")" true
	run -0 hookmap -i 0.1 -c 2 latency
	equal "$(grep -c 'packets seen' <<<"$output")" 2 tables
}

# stat_is SAMPLED STARTED: what the XDP and tc stages of each CPU have counted
stat_is() {
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/lat_stat" key 0 0 0 0 value "$1" 1 0 0 0 0 0 0 "$1" 1 0 0 0 0 0 0 "$2" 1 0 0 0 0 0 0 $(printf '0 %.0s' {1..112})
}

# hist_is COUNT: of a row of namespace 9, ns 5 each
hist_is() {
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/lat_hist" key 1 2 0 9 1 0 0 0 value "$((5 * $1))" 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0 250 255 255 255 255 255 255 255 \
		$(printf '0 %.0s' {1..32}) "$1" 0 0 0 0 0 0 0 $(printf '0 %.0s' {1..88})
}

# netns_is NAME: of namespace 9
netns_is() {
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/hm_netns" key 9 0 0 0 value hex 4d 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 $(printf '%s' "$1" | od -An -v -tx1) $(printf '00 %.0s' $(seq $((56 - ${#1}))))
}

@test "reader: -i: a packet on its way from one interval to the next is no negative number" {
	detach eth0
	attach eth0 --filter 'proto udp dport 7001' 2>/dev/null
	# two were sampled and are not at tc yet
	stat_is 9 7
	hookmap -j -i 0.2 latency >"$BATS_TEST_TMPDIR/log" 3>&- &
	busywait 20 test -s "$BATS_TEST_TMPDIR/log"
	stat_is 12 12
	grown() { jq -c '.lost | select(.sampled > 0) | [.started > .sampled, .not_at_tc]' "$BATS_TEST_TMPDIR/log"; }
	busywait 20 bash -c "jq -e 'select(.lost.sampled > 0)' '$BATS_TEST_TMPDIR/log'"
	kill $!
	equal "$(grown)" '[true,0]' lost
	run -0 hookmap -i 0.1 -c 1 latency
	like "$output" " 0 not seen at tc"
	like "$output" "nothing measured in this interval"
}

@test "reader: -i: names are those of the time of each interval" {
	netns_is one
	hist_is 1
	hookmap -j -i 0.2 latency >"$BATS_TEST_TMPDIR/log" 3>&- &
	shown() { jq -r '.rows[] | select(.device == "if1") | .netns' "$BATS_TEST_TMPDIR/log" | paste -sd' '; }
	shows() { [[ $(shown) == "$1" ]]; }
	busywait 20 test -s "$BATS_TEST_TMPDIR/log"
	hist_is 3
	busywait 20 shows one
	netns_is two
	hist_is 9
	busywait 20 shows 'one two' || equal "$(shown)" 'one two' namespaces
	kill $!
}

@test "reader: a row whose first value is only half written is not read as 0 or 2^64" {
	# the bucket is there, min and max are not
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/lat_hist" key 1 2 2 9 1 0 0 0 value $(printf '0 %.0s' {1..56}) 1 0 0 0 0 0 0 0 $(printf '0 %.0s' {1..88})
	equal "$(hookmap -j latency | jq -c '.rows[] | select(.device == "lo") | .count as $n | [$n > 0, .min_ns, .p50_ns, .max_ns]')" '[true,41,42,42]' row
}

@test "reader: a table shows no percentile that its packets cannot tell" {
	netns_is few
	hist_is 1
	local n
	n=$(hookmap -j latency | jq '.rows[] | select(.netns == "few") | .count')
	equal "$(hookmap latency | awk '$5 == "few" { print $7, $8, $9, $10, $11 }')" "$( ((n > 1)) && printf 5ns || printf -- -) - - - 5ns" row
	equal "$(hookmap latency | awk '$2 == "xdp" && $4 == "eth0" && $1 == "stage" { print ($9 == "-"), ($10 == "-") }')" "0 0" "of 1013 packets"
	like "$(hookmap latency)" "counted since $(date +%F)"
	hookmap -j latency | jq -e 'all(.rows[]; .p999_ns >= .p50_ns)'
}

@test "reader: -i waits as long as it was told, and ends when what it reads is detached" {
	# microseconds in 32 bits would be 33 ms
	run -124 timeout 0.3 "$HM_BUILD/hookmap" -i 4295 -c 1 latency
	hookmap -j -i 0.1 latency >"$BATS_TEST_TMPDIR/log" 2>"$BATS_TEST_TMPDIR/error" 3>&- &
	local reader=$!
	busywait 5 test -s "$BATS_TEST_TMPDIR/log"
	detach eth0
	busywait 5 test -s "$BATS_TEST_TMPDIR/error"
	local status=0
	wait "$reader" || status=$?
	equal "$status" 1 'exit status of the reader'
	like "$(<"$BATS_TEST_TMPDIR/error")" "not there: attach first"
}

@test "reader: Prometheus text has whole histograms" {
	run -0 hookmap --prom latency
	printf '%s\n' "$output" | awk '
		/^#/ { next }
		/_bucket/ { name = $1; sub(/,le=.*/, "", name); split($1, le, "le=\""); sub(/".*/, "", le[2])
			if (name != last) { n = 0; before = -1; low = -1 }
			if ($2 < before) { print "not monotonic: " $0; exit 1 }
			if (le[2] != "+Inf" && le[2] + 0 <= low) { print "bounds: " $0; exit 1 }
			low = le[2] + 0; before = $2; last = name; buckets[name]++; inf[name] = $2; next }
		/_count/ { count[$1] = $2 }
		END { for (b in buckets) { if (buckets[b] != 114) { print b, buckets[b]; exit 1 }
			c = b; sub(/_bucket/, "_count", c); c = c "}"; if (inf[b] != count[c]) { print c, inf[b], count[c]; exit 1 } } }'
	equal "$(grep -c '^hookmap_stage_latency_seconds_count{from="xdp",to="tc",device="eth0",netns="[^"]*"} 1013$' <<<"$output")" 1
	equal "$(grep '^hookmap_stage_seen_packets_total' <<<"$output")" "hookmap_stage_seen_packets_total 1013"
	equal "$(grep -c '^hookmap_stage_lost_total{cause=' <<<"$output")" 5 causes
	# no series twice
	equal "$(grep -v '^#' <<<"$output" | awk '{ print $1 }' | sort | uniq -d)" "" duplicates
}

@test "reader: --hgrm is HdrHistogram's percentile distribution" {
	run -0 hookmap --hgrm latency
	equal "$(grep -c 'Value     Percentile TotalCount 1/(1-Percentile)' <<<"$output")" 5 histograms
	like "$output" "Total count    =         1013]"
	# percentiles and counts grow to the end
	awk '/^#/ || /Value/ || NF < 3 { last = 0; next } $3 < last { exit 1 } { last = $3 }' <<<"$output"
	equal "$(awk '$2 == "1.000000000000" { print $3 }' <<<"$output" | sort -u)" 1013 "counts at 100 %"
}

@test "reader: status lists pins, programs and devices" {
	equal "$(hookmap -j status | jq -c '[.rows[] | .state] | unique')" '["ok"]'
	equal "$(hookmap -j status | jq -c '[.programs[].program] | sort')" '["latency_app","latency_input","latency_raw","latency_socket","latency_tc","latency_xdp"]'
	equal "$(hookmap -j status | jq -c '.devices[0] | [.device, .features, .mode]')" '["eth0","latency","native"]'
	like "$(hookmap status --pins)" "percpu_hash"
}

@test "reader: reading many rows, in several batches, stays correct" {
	local n
	# 1 500 rows of devices that do not exist, one packet in each
	jq -rn --arg pin "$G/lat_hist" 'range(1500) | "map update pinned \($pin) key 1 2 0 1 \([. % 256, (. / 256 | floor), 1, 0] | map(tostring) | join(" ")) value \([range(152) | if . == 24 then "1" else "0" end] | join(" "))"' >"$BATS_TEST_TMPDIR/batch"
	# the kernel's allocator for such maps can be empty for a moment
	busywait 20 bpftool batch file "$BATS_TEST_TMPDIR/batch"
	n=$(hookmap -j latency | jq '.rows | length')
	equal "$n" 1505 rows
	equal "$(hookmap -j latency | jq -r '.rows[] | select(.device == "if65541") | .from')" xdp
}
