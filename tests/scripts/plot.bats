#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# plot.sh: draws the numbers of the reader, into files that are pictures

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
bats_require_minimum_version 1.5.0

plot() { "$HM_TOP/scripts/plot.sh" "$@"; }

# a run of latency whose numbers are easy: 4 stages, each packet known
saved() { # FACTOR
	jq -nc --argjson f "$1" '
		def row($kind; $from; $to; $buckets): ($buckets | map(.[1]) | add) as $n
			| {kind: $kind, from: $from, to: $to, device: "eth0", netns: "web", count: $n,
			   sum_ns: ([$buckets[] | .[0] * .[1]] | add), min_ns: $buckets[0][0], p50_ns: $buckets[0][0], p90_ns: $buckets[0][0],
			   p99_ns: $buckets[-1][0], p999_ns: $buckets[-1][0], max_ns: ($buckets[-1][0] - 1), buckets: $buckets};
		{rows: [row("stage"; "xdp"; "tc"; [[100 * $f, 90], [200 * $f, 9], [1000 * $f, 1]]),
			row("stage"; "tc"; "prerouting"; [[400 * $f, 100]]), row("stage"; "tc"; "container"; [[900 * $f, 10]]),
			row("stage"; "prerouting"; "input"; [[300 * $f, 100]]), row("total"; "xdp"; "input"; [[800 * $f, 99], [2000 * $f, 1]])],
		 lost: {}}'
}

setup() {
	D=$BATS_TEST_TMPDIR
	saved 1 >"$D/before.json"
	saved 2 >"$D/after.json"
}

@test "plot: the numbers are those of the file: percentiles, stages, before and after" {
	# a curve a stage: from 1/(1 - 0) on, where a bucket begins and where it ends
	equal "$(plot --data percentiles "$D/before.json" | awk 'NR == 1 { print } NR > 1 && NR < 8 { printf "%.0f %.0f\n", $1, $2 * 1e9 }')" 'xdp → tc, eth0 in web, 100 packets
1 100
10 100
10 200
100 200
100 999
100 999'
	equal "$(plot --data percentiles "$D/before.json" | grep -c '→')" 4 curves
	equal "$(plot --data percentiles --stage xdp-input "$D/before.json" | grep '→')" 'xdp → input (total), eth0 in web, 100 packets'
	# the waterfall: a stage begins where the one before it ended, mean by mean
	equal "$(plot --data stages "$D/before.json" | awk -F'\t' '{ printf "%.0f %.0f %.0f %s\n", $1 * 1e9, $2 * 1e9, $4 * 1e9, $5 }')" '0 118 1000 xdp → tc
118 400 400 tc → prerouting
118 900 900 tc → container
518 300 300 prerouting → input'
	# two files: the totals of both
	equal "$(plot --data percentiles "$D/before.json" "$D/after.json" | grep '→')" 'before: xdp → input (total), eth0 in web, 100 packets
after: xdp → input (total), eth0 in web, 100 packets'
	equal "$(plot --data percentiles "$D/before.json" "$D/after.json" | awk '/^before/ { f = "b" } /^after/ { f = "a" } NF == 2 && !max[f] || NF == 2 && $2 > max[f] { max[f] = $2 } END { printf "%.0f %.0f", max["b"] * 1e9, max["a"] * 1e9 }')" '1999 3999' 'largest of both'
	# all totals: the application's is the longest
	for name in before after; do
		jq -c '.rows += [.rows[4] | .to = "app" | .count = 40]' "$D/$name.json" >"$D/app.$name.json"
	done
	equal "$(plot --data percentiles "$D/app.before.json" "$D/app.after.json" | grep '→' | cut -d ' ' -f 2-5)" "$(printf 'xdp → %s (total),\n' input app input app)"
	jq -c '.rows += [.rows[4] | .device = "eth9" | .count = 7]' "$D/before.json" >"$D/two.json"
	equal "$(plot --data --device eth9 percentiles "$D/two.json" "$D/two.json" | grep '→' | cut -d, -f 2 | uniq)" ' eth9 in web'
	# without buckets, the percentiles that there are
	jq -c 'del(.rows[].buckets)' "$D/before.json" >"$D/few.json"
	equal "$(plot --data percentiles --stage xdp-tc "$D/few.json" | awk 'NF == 2 { printf "%.0f:%.0f ", $1, $2 * 1e9 }')" '1:100 2:100 10:100 100:1000 1000:1000 '
}

@test "plot: the numbers are those of the reader, live" {
	lab_up
	attach eth0 latency --sample 1 --filter 'proto udp dport 7000' 2>/dev/null
	udp host 10.11.1.1 151
	on host "$HM_TOP/scripts/plot.sh" --data stages >"$D/got"
	equal "$(awk -F'\t' '{ printf "%s %d %d %d %s\n", $5, $6, $2 * $6 * 1e9 + 0.5, $4 * 1e9 + 0.5, $7 }' "$D/got")" \
		"$(on host "$HM_BUILD/hookmap" -j latency | jq -r '.rows[] | select(.kind == "stage") | "\(.from) → \(.to) \(.count) \(.sum_ns) \(.p99_ns) \(.device)"')" stages
	on host "$HM_TOP/scripts/plot.sh" --data percentiles --stage xdp-tc >"$D/got"
	# the share of packets that are over the median is at most a half, over the 99th percentile a hundredth
	local p50 p99
	read -r p50 p99 < <(on host "$HM_BUILD/hookmap" -j latency | jq -r '.rows[] | select(.from == "xdp" and .to == "tc") | "\(.p50_ns) \(.p99_ns)"')
	equal "$(awk -v p50="$p50" -v p99="$p99" 'NF == 2 && $1 <= 2.0001 { a = int($2 * 1e9 + 0.5) } NF == 2 && $1 < 99.9999 { b = int($2 * 1e9 + 0.5) } END { print (a == p50), (b == p99) }' "$D/got")" '1 1' "percentiles $p50 $p99"
}

@test "plot: drops over time, the largest by name and the others together" {
	# 9 reasons; reason N loses N packets in the first second, none then, 2 N in the third
	jq -nc '[1, 0, 2][] as $f | {rows: [range(1; 10) as $n | select($f > 0) | {layer: "ip", reason: "SKB_DROP_REASON_R\($n)", device: "eth\($n % 2)", netns: "web", packets: ($n * $f)}]}' >"$D/drops.json"
	equal "$(plot --data -i 2 drops "$D/drops.json" | grep ip)" "$(printf 'ip R%d\n' 9 8 7 6 5 4 3)" reasons
	equal "$(plot --data -i 2 drops "$D/drops.json" | awk '/^ip R9/ { on = 1 } /^$/ { on = 0 } NF == 2 && on && $1 != "ip" { printf "%s:%s ", $1, $2 }')" '0:4.5 2:0 4:9 6:9 ' 'R9 over time'
	equal "$(plot --data -i 2 drops "$D/drops.json" | awk '/^others/ { on = 1 } NF == 2 && on { printf "%s:%s ", $1, $2 }')" '0:1.5 2:0 4:3 6:3 ' 'the others'
	# an interval that says how long it was
	jq -c '.seconds = 4' "$D/drops.json" >"$D/long.json"
	equal "$(plot --data -i 2 drops "$D/long.json" | awk '/^ip R9/ { on = 1 } /^$/ { on = 0 } NF == 2 && on && $1 != "ip" { printf "%s:%s ", $1, $2 }')" '0:2.25 4:0 8:4.5 12:4.5 ' 'R9 over a longer time'
	equal "$(plot --data --device eth1 drops "$D/drops.json" | grep -c ip)" 5 'reasons of eth1'
}

@test "plot: pictures are pictures: SVG, PNG, and text on the terminal" {
	skip_without gnuplot command -v gnuplot
	local what
	printf '{"rows":[{"layer":"ip","reason":"X","device":"d","netns":"n","packets":7}]}\n%.0s' 1 2 3 >"$D/drops.json"
	for what in "percentiles $D/before.json" "stages $D/before.json $D/after.json" "drops $D/drops.json"; do
		# shellcheck disable=SC2086
		plot -o "$D/a.svg" $what
		if command -v xmllint >/dev/null; then xmllint --nonet --noout "$D/a.svg"; fi
		like "$(<"$D/a.svg")" '<svg'
		# axes and curves have names
		case $what in
		percentiles*) for word in 'percentile of packets' 'time' '99 %' 'xdp → tc, eth0 in web, 100 packets'; do like "$(<"$D/a.svg")" "$word"; done ;;
		stages*) for word in 'tc → prerouting' 'before' 'after' '118.0 ns, 99 %: 1.0 us' '236.0 ns, 99 %: 2.0 us' 'eth0 in web'; do like "$(<"$D/a.svg")" "$word"; done ;;
		drops*) for word in 'packets per second' 'seconds' 'ip X'; do like "$(<"$D/a.svg")" "$word"; done ;;
		esac
		# shellcheck disable=SC2086
		plot --size 640x400 -o "$D/a.png" $what
		# signature, width and height
		equal "$(head -c 24 "$D/a.png" | xxd -p)" 89504e470d0a1a0a0000000d494844520000028000000190 'PNG header'
		# shellcheck disable=SC2086
		plot --size 90x30 $what >"$D/text"
		(($(wc -l <"$D/text") >= 28))
		like "$(<"$D/text")" '+--'
	done
}

@test "plot: two files with other stages, of one name: each bar at its stage, each file by its folder; a scale of few digits" {
	skip_without gnuplot command -v gnuplot
	mkdir "$D/a" "$D/b"
	saved 900 | jq -c '.rows |= map(select(.to != "container"))' >"$D/a/run.json"
	saved 1000 >"$D/b/run.json"
	plot -o "$D/x.svg" stages "$D/a/run.json" "$D/b/run.json"
	# 4 stages, one of them of the second file alone; 106.2 us is 118 ns x 900
	for word in 'xdp → tc' 'tc → prerouting' 'prerouting → input' 'tc → container' "$D/a/run: eth0 in web, 100 packets" "$D/b/run: eth0 in web, 10" \
		'106.2 us' '118.0 us' '900.0 us' 'ms since the first stage'; do like "$(<"$D/x.svg")" "$word"; done
	# no number is at the axis twice
	grep -oP '<text> *\K[0-9.]+(?= *</text>)' "$D/x.svg" | sort >"$D/tics"
	(($(wc -l <"$D/tics") >= 4))
	equal "$(uniq -d "$D/tics")" '' 'numbers that are there twice'
	# on the terminal there is no grid: what is drawn is a small part
	printf '{"rows":[{"layer":"ip","reason":"X","device":"d","netns":"n","packets":7}]}\n{"rows":[]}\n' >"$D/drops.json"
	plot --size 80x24 drops "$D/drops.json" >"$D/text"
	(($(tr -cd '*' <"$D/text" | wc -c) < 100))
	(($(tr -cd '*' <"$D/text" | wc -c) > 20))
}

@test "plot: errors are one line, and leave nothing" {
	export TMPDIR=$D/tmp
	mkdir "$TMPDIR"
	fails 2 'expected percentiles, stages or drops' plot
	fails 2 'pie: unknown' plot pie
	fails 2 'expected a name that ends in' plot -o x.bmp stages
	fails 2 'expected WIDTHxHEIGHT' plot --size big stages
	fails 2 '--stage works with percentiles only' plot --stage xdp-tc drops
	fails 2 'unknown argument c' plot stages a b c
	fails 1 'cannot be read' plot stages "$D/none.json"
	fails 1 'not the output of hookmap -j latency' plot stages <(printf 'no JSON')
	printf '{"rows":[]}' >"$D/empty.json"
	fails 1 'nothing to draw' plot stages "$D/empty.json"
	fails 1 'nothing to draw' plot drops "$D/empty.json"
	fails 1 'nothing to draw: no row matches; its devices: eth0' plot --device eth9 percentiles "$D/before.json"
	fails 1 'attach first' plot stages
	equal "$(ls "$TMPDIR")" '' 'left in TMPDIR'
}
