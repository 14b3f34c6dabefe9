#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What all verbs that show histograms can do: rows, -i, --since, --hist, --hgrm, --buckets and
# --prom, of maps that the test fills itself.

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() {
	# shellcheck source=/dev/null
	. "$HM_TOP/scripts/lib.sh"
	load_abi
	mkdir -p "$G"
	CPUS=$(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1))
}

# maps VERB: its pins, and in KEY the key of a row
maps() {
	local map
	case $1 in
	latency) set -- lat_key lat_cfg lat_stat lat_stamp lat_hist -- from 1 to 2 nsid 9 ifindex 1 ;;
	pktlat) set -- pktlat_key pktlat_cfg pktlat_stat pktlat_hist pktlat_who -- name reader kind 1 stamp 2 pid 7 ;;
	napi) set -- napi_key napi_stat napi_hist napi_who -- name eth7 kind 1 ;;
	ovslat) set -- ovslat_key ovslat_call ovslat_hist ovslat_who -- name eth7 kind 2 ;;
	esac
	struct_new "$1"
	HIST=$3
	for map in "${@:2}"; do
		[[ $map != -- ]] || break
		[[ $map != *_hist ]] || HIST=$map
		bpftool -n map create "$G/$map" type "$(shape "$map" 1)" key "$(shape "$map" 2)" value "$(shape "$map" 3)" \
			entries "$(shape "$map" 4)" flags "$(shape "$map" 5)" name "$map"
	done
	map=$1
	while [[ $1 != -- ]]; do shift; done
	shift
	while (($#)); do
		field "$map.$1" "$2"
		shift 2
	done
	KEY=("${VALUE[@]}")
}
shape() {
	local all=HM_MAP_$1
	awk -v n="$2" '{ print n == 4 && $n == 0 ? 512 : $n }' <<<"${!all}"
}

# values N: the row has N values of 5 on each CPU that the map has rows for
values() {
	struct_new lat_row
	field lat_row.sum $((5 * $1))
	field lat_row.max 5
	field lat_row.min_inv -6
	bytes 8 "$1"
	# shellcheck disable=SC2046
	field lat_row.bucket $(printf '00 %.0s' {1..32}) "${BYTES[@]}"
	bpftool map update pinned "$G/$HIST" key hex "${KEY[@]}" value hex "${VALUE[@]}"
	N=$1
	[[ $(shape "$HIST" 1) != percpu* ]] || N=$(($1 * CPUS))
}

# shown [OPTION...]: how many values VERB shows
shown() { hookmap -j "$@" "$VERB" | jq '[.rows[] | .count // .polls] | add // 0'; }

ways() { # VERB FAMILY
	local total new pid before=$BATS_TEST_TMPDIR/before
	VERB=$1
	maps "$1"
	like "$(hookmap "$VERB")" 'nothing measured yet'
	values 23
	total=$N
	equal "$(shown)" "$total" values
	like "$(hookmap "$VERB")" 'not in the rows: nothing'
	hookmap -j --buckets "$VERB" >"$before"
	equal "$(jq -c '.rows[0].buckets' "$before")" "[[5,$total]]" buckets
	equal "$(shown --since "$before")" 0 'since then'
	hookmap -j -i 0.2 "$VERB" >"$before.i" 3>&- &
	pid=$!
	busywait 20 test -s "$before.i"
	values 60
	new=$((N - total))
	busywait 20 bash -c "[[ \$(jq -s '[.[].rows[] | .count // .polls] | add // 0' '$before.i') == $new ]]"
	kill "$pid"
	equal "$(shown --since "$before")" "$new" 'since then'
	like "$(hookmap --since "$before" "$VERB")" 'not in the rows'
	equal "$(hookmap -j --since "$before" --buckets "$VERB" | jq -c '.rows[0].buckets')" "[[5,$new]]" 'buckets since then'
	equal "$(hookmap --hgrm "$VERB" | awk -F '[=,\\]]' '/Total count/ { print $4 + 0 }')" "$N" 'in --hgrm'
	equal "$(hookmap --hist "$VERB" | awk '/[|]#+ *[|]/ { print $NF }')" "$N" 'in --hist'
	equal "$(hookmap --prom "$VERB" | sed -n "s/^hookmap_$2_count.* //p")" "$N" "hookmap_$2"
	# a file that cannot be compared is refused by name, and waits for nobody
	hookmap -j "$VERB" >"$before"
	fails 1 'it was saved without --buckets' hookmap --since "$before" "$VERB"
	printf '{"rows":[],"generation":{"boot":"","map":1,"counters":[1]}}' >"$before"
	fails 1 ": generation" hookmap --since "$before" "$VERB"
	mkfifo "$before.fifo"
	fails 1 'no object' timeout 5 "$HM_BUILD/hookmap" --since "$before.fifo" "$VERB"
	fails 1 'neither a file nor a pipe' hookmap --since /dev/zero "$VERB"
	hookmap -j --buckets "$VERB" >"$before"
	equal "$(shown --since <(cat "$before"))" 0 'since a pipe'
	fails 1 'No such file' hookmap --since /nowhere "$VERB"
	fails 2 'choose one' hookmap --since "$before" -i 1 "$VERB"
	fails 2 '--prom shows whole sums' hookmap --since "$before" --prom "$VERB"
}

@test "hists: latency: rows, -i, --since, --hist, --hgrm, --buckets and --prom agree" { ways latency stage_latency_seconds; }
@test "hists: pktlat: the same" { ways pktlat receive_latency_seconds; }
@test "hists: napi: the same" { ways napi napi_poll_packets; }
@test "hists: ovslat: the same" { ways ovslat ovs_latency_seconds; }

@test "hists: another map, or another boot, has counted anew: --since takes nothing away" {
	local before=$BATS_TEST_TMPDIR/before
	VERB=napi
	maps napi
	values 23
	hookmap -j --buckets napi | jq -c '.generation.map += 1' >"$before"
	equal "$(shown --since "$before")" "$N" 'of another map'
	hookmap -j --buckets napi | jq -c '.generation.boot = "another"' >"$before"
	equal "$(shown --since "$before")" "$N" 'of another boot'
}

@test "hists: a device alone" {
	VERB=ovslat
	maps ovslat
	values 23
	equal "$(shown --dev eth7)" "$N" 'of eth7'
	fails 1 'ovslat: there is no device eth8' hookmap ovslat eth8
	ip link add eth8 type veth
	equal "$(shown --dev eth8)" 0 'of eth8'
	equal "$(hookmap -j ovslat eth7 | jq '.rows | length')" 1 rows
	like "$(hookmap ovslat eth8)" 'nothing measured yet on eth8'
	# a row without a device is of none, and a verb that has only such takes none
	maps napi
	values 23
	struct_new napi_key
	field napi_key.kind 6
	KEY=("${VALUE[@]}")
	values 23
	equal "$(hookmap -j napi | jq -c '[.rows, .softirq | length]')" '[1,1]' 'of all'
	equal "$(hookmap -j napi eth7 | jq -c '[.rows, .softirq | length]')" '[1,0]' 'of eth7'
	fails 2 'pktlat: takes no --dev' hookmap pktlat --dev eth7
	fails 2 '--slow shows all namespaces' hookmap pktlat --slow 1 --netns host
}

@test "hists: buckets of Prometheus are exact where they have bounds" {
	maps napi
	values 23
	output=$(hookmap --prom napi)
	# 5 is over 4 and not over 8
	equal "$(sed -n 's/^hookmap_napi_poll_packets_bucket.*le="\(4\|8\|1024\|+Inf\)"} //p' <<<"$output" | paste -sd' ')" "0 $N $N $N" buckets
	equal "$(sed -n 's/^hookmap_napi_poll_packets_sum.* //p' <<<"$output")" $((5 * N)) sum
}
