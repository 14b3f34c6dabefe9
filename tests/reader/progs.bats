#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# hookmap progs and stat.sh: what programs cost

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }
teardown() { [[ -z ${READER:-} ]] || kill "$READER" 2>/dev/null || true; }

# prog NAME FIELD < JSON: of the programs of that name that are ours to look at
prog() { jq --argjson id "$ID" ".rows[] | select(.id == \$id) | .$1"; }
# holds_stats PID: the process keeps the kernel's statistics on
holds_stats() { find "/proc/$1/fd" -lname 'anon_inode:*bpf-stats*' | grep -q .; }

# start INTERVAL COUNT: the reader, in the background. When it returns, statistics are
# on and the first reading is done.
start() {
	"$HM_BUILD/hookmap" -j -i "$1" -c "$2" progs >"$BATS_TEST_TMPDIR/out" 3>&- &
	READER=$!
	busywait 5 holds_stats "$READER"
	busywait 5 grep -q '^State:.S' "/proc/$READER/status"
}

# count_up and count_down: xdp/count on the host, which counts its own runs. Attached
# when statistics are on, so that each of its runs is in them.
count_up() {
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/count.o"
	ID=$(on host ip -j -d link show dev eth0 | jq '.[0].xdp.prog.id')
}
count_down() {
	on host ip link set eth0 down
	COUNTED=$(bpftool -j map dump pinned "$G/count_stat" | jq '[.[].formatted.values[].value.packets] | add')
}

# runs: of the program, in all that the reader has printed
runs() { jq -s --argjson id "$ID" '[.[].rows[] | select(.id == $id) | .runs] | add' "$BATS_TEST_TMPDIR/out"; }
told() { grep -c '^{.*}$' "$BATS_TEST_TMPDIR/out"; }
told_more() { (($(told) >= TOLD + $1)); }
all_read() { [[ $(runs) == "$COUNTED" ]]; }

@test "progs: runs are counted exactly, each time what is new; rates follow from them" {
	start 0.3 1000
	count_up
	udp host 10.11.1.1 1013
	count_down
	# and what else came, ARP and ND
	((COUNTED >= 1013))
	busywait 20 all_read
	# what was told is not told again
	TOLD=$(told)
	busywait 20 told_more 3
	kill "$READER"
	wait "$READER" || true
	equal "$(runs)" "$COUNTED" runs
	# of the time that each packet was there, all must be the kernel's
	equal "$(jq -s --argjson id "$ID" '[.[].rows[] | select(.id == $id) | .run_ns] | add' "$BATS_TEST_TMPDIR/out")" \
		"$(bpftool -j prog show id "$ID" | jq .run_time_ns)" run_ns
	equal "$(jq -s --argjson id "$ID" 'any(.[].rows[]; .id == $id and .runs > 0), all(.[]; .seconds as $s | .rows[]
		| ((.runs == 0 and .ns_per_run == 0) or ((.run_ns / .runs - .ns_per_run) | fabs) <= 0.5)
		and ((.runs / $s - .runs_per_s) | fabs) <= 0.5
		and ((.cpu_percent - .run_ns / $s / 1e7) | fabs) < 1e-9)' "$BATS_TEST_TMPDIR/out" | xargs)" "true true" "rates follow from the counts"
	equal "$(jq -s 'all(.[]; [.rows[].run_ns] | . == (sort | reverse))' "$BATS_TEST_TMPDIR/out")" true "the dearest first"
	json=$(jq -s '.[-1]' "$BATS_TEST_TMPDIR/out")
	equal "$(prog program <<<"$json")" '"count_xdp"'
	equal "$(prog type <<<"$json")" '"xdp"'
	equal "$(prog ours <<<"$json")" true ours
	equal "$(prog map_bytes <<<"$json")" "$(bpftool -j map show pinned "$G/count_stat" | jq .bytes_memlock)" "map memory"
}

@test "progs: others' programs are shown, and are not called ours" {
	# a device that is down: nothing runs
	on host ip link add name idle type veth peer name idle1
	on host ip link set dev idle xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	# shellcheck disable=SC2030,SC2031
	ID=$(on host ip -j -d link show dev idle | jq '.[0].xdp.prog.id')
	json=$(hookmap -j -i 0.1 -c 1 progs)
	equal "$(prog program <<<"$json")" '"somebodys_pass"'
	equal "$(prog ours <<<"$json")" false ours
	equal "$(prog runs <<<"$json")" 0 runs
	equal "$(prog ns_per_run <<<"$json")" 0 "ns a run"
	equal "$(prog map_bytes <<<"$json")" 0 "map memory"
	like "$(hookmap -i 0.1 -c 1 progs | tr -s ' ')" "$ID xdp somebodys_pass 0 0 0 0.00 0"
	# one with several maps, of which one is pinned as ours
	on host ip -force link set dev idle xdp obj "$HM_BUILD/xdp/latency.o"
	find "$G" -type f ! -name lat_cfg -delete
	ID=$(on host ip -j -d link show dev idle | jq '.[0].xdp.prog.id')
	equal "$(hookmap -j -i 0.1 -c 1 progs | prog ours)" true "ours, with lat_cfg"
	rm "$G/lat_cfg"
	equal "$(hookmap -j -i 0.1 -c 1 progs | prog ours)" false "ours, without a pin"
}

@test "progs: statistics are on while it runs, and off again however it ends" {
	sysctl=$(sysctl -n kernel.bpf_stats_enabled)
	for signal in TERM KILL; do
		start 60 1
		equal "$(sysctl -n kernel.bpf_stats_enabled)" "$sysctl" "kernel.bpf_stats_enabled, while"
		kill -"$signal" "$READER"
		wait "$READER" || true
		equal "$(sysctl -n kernel.bpf_stats_enabled)" "$sysctl" "kernel.bpf_stats_enabled, after"
		[[ ! -e /proc/$READER ]]
	done
}

@test "progs: stops after -c; as a table it draws over itself on a screen only" {
	equal "$(hookmap -j -i 0.1 -c 3 progs | jq -s length)" 3 documents
	count_up
	out=$("$HM_TOP/scripts/stat.sh" -i 0.1 -c 2)
	equal "$(grep -c 'NS/RUN' <<<"$out")" 2 tables
	if grep -q $'\033' <<<"$out"; then return 1; fi
	like "$(script -qec "$HM_TOP/scripts/stat.sh -i 0.1 -c 1" /dev/null)" $'\033[H\033[J'
}

@test "progs: what is wrong is said in one line" {
	fails 1 "run as root" setpriv --bounding-set=-all --inh-caps=-all -- "$HM_BUILD/hookmap" progs
	fails 2 "no such output" "$HM_BUILD/hookmap" --prom progs
	fails 2 "-i needs a value" "$HM_TOP/scripts/stat.sh" -i
	fails 2 "unknown argument foo" "$HM_TOP/scripts/stat.sh" foo
	fails 2 "expected seconds" "$HM_TOP/scripts/stat.sh" -i 0
}
