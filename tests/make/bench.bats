#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The tools of the benchmarks: what they send, print and compare. No time is asserted.

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

@test "bench: blast: 100 003 frames in, 100 003 counted, each as it was given" {
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ip link add name v0 type veth peer name v1
	ip link set v0 up
	ip link set v1 up
	ip link set dev v1 xdp obj "$HM_BUILD/xdp/count.o"
	frame=$(sed 's/#.*//' "$HM_TOP/tests/packets/ipv6-udp.hex" | tr -d ' \n')
	"$HM_BUILD/tests/blast" v0 100003 "$frame" >out
	equal "$(cut -d ' ' -f 1 out)" 100003
	row() { bpftool -j map dump pinned "$G/count_stat" | jq "[.[2].formatted.values[].value.$1] | add"; }
	counted() { (($(row packets) == 100003)); }
	busywait 10 counted
	equal "$(row bytes)" $((100003 * ${#frame} / 2)) bytes
	fails 2 "no such device" "$HM_BUILD/tests/blast" v7 1 "$frame"
	fails 2 "14 to 1500 bytes" "$HM_BUILD/tests/blast" v0 1 00112
}

@test "bench: figures: median, spread, ratio; the same as JSON" {
	cat >mine.sh <<-EOF
		. "$HM_TOP/tests/bench/lib.bash"
		bench_dir
		for n in 30 10 20; do note ours \$n; note empty 8; done
		head_row "mine: a section"
		figure "a \"program\"" ours ns empty "an empty one"
		row "text" - - times "no figure"
	EOF
	chmod +x mine.sh
	out=$(BENCH_JSON=$PWD/rows bash ./mine.sh)
	like "$out" '20 *±20 ns * 2.50 of an empty one'
	equal "$(jq -c . rows)" '{"bench":"mine","section":"mine: a section","what":"a \"program\"","median":20,"spread":20,"unit":"ns","compared":"2.50 of an empty one"}
{"bench":"mine","section":"mine: a section","what":"text","median":null,"spread":null,"unit":"times","compared":"no figure"}'
}

@test "bench: two files are compared row by row" {
	rows() { jq -n --argjson rows "$1" '{machine: "m", version: "v", rows: [$rows[] | {bench: "b", section: "s", what: .[0], median: .[1], spread: .[2], unit: "ns"}]}'; }
	rows '[["same",10,1],["worse",10,1],["noise",10,9],["went",1,0]]' >old
	rows '[["same",10,1],["worse",25,2],["noise",12,3],["came",7,0]]' >new
	out=$("$HM_TOP/tests/bench_diff.sh" --compare old new | sed 1d | tr -s ' ' | sed 's/ $//')
	equal "$out" 'same ns 10 10 1
worse ns 10 25 2.5
noise ns 10 12 1.2 within the spread
came ns - 7 - new
gone: went'
	fails 2 "usage" "$HM_TOP/tests/bench_diff.sh"
	skip_without git command -v git
	fails 1 "no commit nothing" "$HM_TOP/tests/bench_diff.sh" nothing
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "bench: latency: each stage has its figure" {
	out=$(ROUNDS=1 "$HM_TOP/tests/bench/latency.sh" 2>&1) || equal "$out" "all figures"
	equal "$(grep -c 'of an empty program' <<<"$out")" 9 'stages with a figure'
	like "$out" 'all stages, 1 packet in 256'
}
