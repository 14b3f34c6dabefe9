#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the tutorial says about cost: instruction sets, maps, tail calls, printing,
# statistics. Size in instructions, time in ns a run by BPF_PROG_RUN.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
cd "$HM_TOP"
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
PACKET=$TMP/packet
printf '%b' "$(sed 's/#.*//; s/ //g; s/../\\x&/g' tests/packets/ipv6-udp.hex | tr -d '\n')" >"$PACKET"
P=/sys/fs/bpf

# load OBJECT PIN [bpftool's words]
load() { bpftool -n prog load "$1" "$P/$2" "${@:3}"; }
m() { median <"$TMP/$1"; }
s() { spread <"$TMP/$1"; }
# bytes and instructions that the kernel keeps
size() { bpftool -j prog show pinned "$P/$1" | jq "$2"; }
# same MAPS-OF-PIN: words that give the maps of a pinned program to the next load, so
# that all variants work on the same memory
same() {
	local id
	for id in $(bpftool -j prog show pinned "$P/$1" | jq '.map_ids // [] | .[]'); do
		bpftool -j map show id "$id" | jq -r '"map name \(.name) id \(.id)"'
	done
}

# --- instruction sets

head_row "instruction sets: llc -mcpu=, one source"
PROGRAMS=(xdp/count xdp/latency tc/count tc/latency)
for program in "${PROGRAMS[@]}"; do
	name=${program/\//_}
	type=xdp
	[[ $program != tc/* ]] || type=classifier
	maps=()
	for cpu in v1 v2 v3; do
		llc -march=bpf -mcpu="$cpu" -filetype=obj -o "$TMP/$name.$cpu.o" "$HM_BUILD/$program.ll"
		llvm-strip -g "$TMP/$name.$cpu.o"
		load "$TMP/$name.$cpu.o" "${name}_$cpu" type "$type" "${maps[@]}"
		((${#maps[@]})) || read -ra maps <<<"$(same "${name}_v1" | grep -v rodata | tr '\n' ' ')"
	done
done
for ((round = 0; round < ROUNDS; round++)); do
	for program in "${PROGRAMS[@]}"; do
		name=${program/\//_}
		for cpu in v1 v2 v3; do run_ns "$P/${name}_$cpu" 300000 >>"$TMP/${name}_$cpu"; done
	done
done
for program in "${PROGRAMS[@]}"; do
	name=${program/\//_}
	base=$(size "${name}_v1" .bytes_xlated)
	for cpu in v1 v2 v3; do
		bytes=$(size "${name}_$cpu" .bytes_xlated)
		row "$program $cpu: size" $((bytes / 8)) 0 insns "$(calc "100 * $bytes / $base")% of v1, $(size "${name}_$cpu" .bytes_jited) bytes of machine code"
		row "$program $cpu: time" "$(m "${name}_$cpu")" "$(s "${name}_$cpu")" ns "$(against "$(m "${name}_$cpu")" "$(m "${name}_v1")" v1)"
	done
done
find "$P" -type f ! -name '*.debug' -delete

# --- what the steps of the tutorial cost

head_row "first programs: ns a run on a frame of 82 bytes"
load "$HM_BUILD/xdp/pass.o" pass type xdp
load "$HM_BUILD/xdp/count.o" count type xdp
load "$HM_BUILD/xdp/hello.o" hello type xdp
bpftool -n prog loadall "$HM_BUILD/xdp/steps.o" "$P/steps" type xdp pinmaps "$P/maps"
bpftool map update pinned "$P/hello_cfg" key 0 0 0 0 value 0 0 0 0 1 0 0 0
for ((round = 0; round < ROUNDS; round++)); do
	run_ns "$P/pass" 1000000 >>"$TMP/pass"
	run_ns "$P/count" 1000000 >>"$TMP/count"
	run_ns "$P/hello" 1000000 >>"$TMP/hello_quiet"
	bpftool map update pinned "$P/hello_cfg" key 0 0 0 0 value 0 0 0 0 0 0 0 0
	run_ns "$P/hello" 5000 >>"$TMP/hello_print"
	bpftool map update pinned "$P/hello_cfg" key 0 0 0 0 value 0 0 0 0 1 0 0 0
	run_ns "$P/steps/steps_xdp" 1000000 >>"$TMP/no_step"
	bpftool map update pinned "$P/maps/step_next" key 2 0 0 0 value pinned "$P/steps/steps_pass"
	run_ns "$P/steps/steps_xdp" 1000000 >>"$TMP/step"
	bpftool map delete pinned "$P/maps/step_next" key 2 0 0 0
	# statistics on, by the reader's file descriptor
	"$HM_BUILD/hookmap" -j -i 100 -c 1 progs >/dev/null &
	reader=$!
	until find "/proc/$reader/fd" -lname 'anon_inode:*bpf-stats*' 2>/dev/null | grep -q .; do sleep 0.02; done
	run_ns "$P/pass" 1000000 >>"$TMP/pass_stats"
	kill "$reader"
	wait "$reader" 2>/dev/null || true
done
above() { row "$1" "$(m "$2")" "$(s "$2")" ns "$(against "$(m "$2")" "$(m "$3")" "${4:-pass}")"; }
row "pass" "$(m pass)" "$(s pass)" ns
above "count: parse, look up, add" count pass
above "hello, quiet: look up" hello_quiet pass
above "hello, printing" hello_print pass
above "steps: parse, empty slot" no_step pass
above "steps: parse, tail call" step no_step "an empty slot"
above "pass, statistics on" pass_stats pass
