# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lib.bash - for the benchmarks in tests/bench/. Each prints rows with `row`; all
# figures of a comparison come from interleaved runs of one script.

set -euo pipefail
export LC_ALL=C
HM_TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
HM_BUILD=${HOOKMAP_OBJ:-$HM_TOP/build}
export HOOKMAP_OBJ=$HM_BUILD
ROUNDS=${ROUNDS:-5}

# sandboxed "$@": runs the script again in its own sandbox
sandboxed() {
	[[ -z ${HM_IN_SANDBOX:-} ]] || return 0
	HM_IN_SANDBOX=1 exec "$HM_TOP/scripts/sandbox.sh" "$0" "$@"
}

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
# spread: largest minus smallest
spread() { sort -n | awk 'NR == 1 { min = $1 } { max = $1 } END { if (NR) print max - min }'; }

# row WHAT VALUE SPREAD UNIT [RATIO-OR-DIFFERENCE [TO WHAT]]; with BENCH_JSON (bench.sh
# --json) also a line of JSON in that file
row() {
	printf '%-44s %10s %8s %-9s %s\n' "$1" "$2" "±$3" "$4" "${*:5}"
	[[ -z ${BENCH_JSON:-} ]] || jq -cn '$ARGS.positional as [$bench, $section, $what, $median, $spread, $unit, $compared]
		| {bench: $bench, section: $section, what: $what, median: ($median | tonumber? // null), spread: ($spread | tonumber? // null),
			unit: $unit, compared: $compared}' \
		--args -- "$(basename -- "$0" .sh)" "${SECTION:-}" "$1" "$2" "$3" "$4" "${*:5}" >>"$BENCH_JSON"
}
head_row() {
	SECTION=$1
	printf '\n%s\n%-44s %10s %8s %-9s %s\n' "$1" WHAT MEDIAN SPREAD UNIT COMPARED
}

# --- figures by name: note NAME VALUE, once per round; then
# figure WHAT NAME UNIT [PEER MEANING]: median, spread, and the ratio to PEER, round by round:
# the machine's speed changes in between

# bench_dir: where they are kept (BENCH_DIR), and PACKET; gone at the end
bench_dir() {
	BENCH_DIR=$(mktemp -d)
	PACKET=$BENCH_DIR/packet
	trap 'rm -rf -- "$BENCH_DIR"' EXIT
}
note() { printf '%s\n' "$2" >>"$BENCH_DIR/$1"; }
figure() {
	local words=()
	if [[ -n ${4:-} ]]; then
		words=("$(paste "$BENCH_DIR/$2" "$BENCH_DIR/$4" | awk 'NF == 2 { print $2 ? $1 / $2 : 0 }' | median | xargs -r printf '%.2f')" "of ${5:-$4}")
	fi
	row "$1" "$(median <"$BENCH_DIR/$2")" "$(spread <"$BENCH_DIR/$2")" "$3" "${words[@]}"
}

# against VALUE PEER WORDS: how a row compares with its peer
against() { awk -v a="$1" -v b="$2" -v of="$3" 'BEGIN { if (b > 0) printf "%.2f of %s, %.1f above", a / b, of, a - b }'; }

machine() {
	printf 'machine: %s, %s CPUs, Linux %s, clock %s\n' \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
		"$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
}

# run_ns PIN [REPEAT]: ns per run of a pinned program on $PACKET, by BPF_PROG_RUN
run_ns() {
	bpftool prog run pinned "$1" data_in "$PACKET" repeat "${2:-1000000}" |
		sed -n 's/.*duration (average): \([0-9]*\)ns.*/\1/p'
}

# difference A B: A minus B, to one digit
calc() { awk "BEGIN { printf \"%.1f\", $1 }"; }
