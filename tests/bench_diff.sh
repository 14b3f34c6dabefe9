#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bench_diff.sh BASE [NAME...] - the benchmarks of this tree, on what is built from commit
# BASE and on what is built here: old, new, ratio. Where the medians are no further apart
# than the spreads, it says so. NAME: as for bench.sh; programs unless given, whose
# instruction counts have no noise.
#   bench_diff.sh --compare OLD.json NEW.json   two files of bench.sh --json

set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")
top=$(dirname -- "$here")
OBJ=${HOOKMAP_OBJ:-$top/build}

compare() { # OLD NEW
	jq -rn --slurpfile old "$1" --slurpfile new "$2" '
		def key: [.bench, .section, .what];
		def text: if . == null then "-" else tostring end;
		($old[0].rows | map({key: (key | tojson), value: .}) | from_entries) as $was
		| $new[0].rows[] | . as $n | $was[key | tojson] as $o
		| [.what, .unit, ($o.median | text), (.median | text),
			(if $o.median == null or .median == null or $o.median == 0 then "-"
			 else (100 * .median / $o.median | round / 100 | tostring) end),
			(if $o == null then "new"
			 elif $o.median == .median then ""
			 elif $o.median == null or .median == null then ""
			 elif (($o.median - .median) | fabs) <= ([$o.spread // 0, .spread // 0] | max) then "within the spread"
			 else "" end)] | @tsv' |
		awk -F'\t' 'BEGIN { printf "%-44s %-9s %10s %10s %6s\n", "WHAT", "UNIT", "OLD", "NEW", "RATIO" }
			{ printf "%-44s %-9s %10s %10s %6s %s\n", $1, $2, $3, $4, $5, $6 }'
	jq -rn --slurpfile old "$1" --slurpfile new "$2" '[$new[0].rows[] | [.bench, .section, .what]] as $have
		| $old[0].rows[] | select([.bench, .section, .what] as $k | $have | index([$k]) | not) | "gone: \(.what)"'
}

if [[ ${1:-} == --compare && $# == 3 ]]; then
	compare "$2" "$3"
	exit 0
fi
[[ -n ${1:-} && $1 != -* ]] || {
	printf 'usage: bench_diff.sh BASE [NAME...] | --compare OLD.json NEW.json\n' >&2
	exit 2
}
BASE=$(git -C "$top" rev-parse --verify --quiet "$1^{commit}") || {
	printf 'bench_diff.sh: there is no commit %s\n' "$1" >&2
	exit 1
}
shift
(($#)) || set -- programs
tree=$OBJ/base
cleanup() { git -C "$top" worktree remove --force "$tree" 2>/dev/null || true; }
trap cleanup EXIT
cleanup
git -C "$top" worktree add --quiet --detach "$tree" "$BASE"
# its programs, our way of measuring
find "$tree/tests" -mindepth 1 -maxdepth 1 ! -name bpf -exec rm -rf {} +
find "$here" -mindepth 1 -maxdepth 1 ! -name bpf -exec cp -a -t "$tree/tests" {} +
# where make was told to build (O=), BASE is not to go
build() { env -u MAKEFLAGS -u MAKEOVERRIDES -u MAKELEVEL make -s -C "$tree" "$@" >>"$OBJ/base.log" 2>&1; }
rm -f -- "$OBJ/base.log" "$OBJ/base.json" "$OBJ/new.json"
build all && build -k tests-build ||
	printf 'bench_diff.sh: not everything of %s could be built (%s)\n' "$BASE" "$OBJ/base.log" >&2
# measure TREE OBJ JSON NAME...: what fails says so itself, and the others are compared
measure() {
	HOOKMAP_OBJ=$2 "$1/tests/bench.sh" --json "$3" "${@:4}" >/dev/null || true
	[[ -s $3 && $(jq '.rows | length' "$3") != 0 ]] || {
		printf 'bench_diff.sh: %s: nothing was measured\n' "$1" >&2
		exit 1
	}
}
measure "$tree" "$tree/build" "$OBJ/base.json" "$@"
measure "$top" "$OBJ" "$OBJ/new.json" "$@"
printf '%s\nold: %s, new: %s\n' "$(jq -r .machine "$OBJ/new.json")" "${BASE:0:12}" "$(jq -r .version "$OBJ/new.json")"
compare "$OBJ/base.json" "$OBJ/new.json"
