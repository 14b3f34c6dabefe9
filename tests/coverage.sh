#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# coverage.sh reader DIR [-v] - how many lines of the reader have run, by the counts that gcc's
# --coverage left in DIR/user; coverage.sh scripts DIR [-v]: of the scripts, by the traces
# of coverage.bash in DIR. What never ran is named; -v: the lines by file, too.

set -euo pipefail
export LC_ALL=C
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
[[ ${1:-} == reader || ${1:-} == scripts ]] && [[ -d ${2:-} ]] || {
	printf 'usage: coverage.sh reader|scripts DIR [-v]\n' >&2
	exit 2
}
DIR=$2 VERBOSE=${3:-}
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

# lines "FILE ran total", then lines "FILE function" of those that never ran
reader() {
	local data
	for data in "$DIR"/user/*.gcno; do gcov --json-format --stdout "${data%.gcno}.o" 2>/dev/null; done |
		jq -r '.files[] | select(.file | test("^user/.*\\.c$")) | .file as $f
			| "\($f) \([.lines[] | select(.count > 0) | .line_number] | unique | length) \([.lines[].line_number] | unique | length)",
			(.functions[] | select(.execution_count == 0) | "\($f) \(.name)")'
}

# what bash traces of a script: the first to the last line of each simple command, and
# each function's name with its lines
statements() { # FILE
	shfmt -ln bash --to-json <"$1" | jq -r '(.. | objects
		| select(.Type? as $t | ["CallExpr", "DeclClause", "TestClause", "ArithmCmd", "LetClause"] | index($t))
		| "line \(.Pos.Line) \(.End.Line)"), (.. | objects | select(.Type? == "FuncDecl") | "function \(.Pos.Line) \(.End.Line) \(.Name.Value)")'
}

scripts() {
	local file
	find "$DIR" -name '*.trace' -exec cat {} + | awk -F'|' '/^\++\|/ && $3 ~ /^[0-9]+$/ { print $2, $3 }' | sort -u >"$TMP/ran"
	for file in scripts/*.sh scripts/lib/*.sh scripts/features/*.sh scripts/demo/*.sh; do
		{
			awk -v f="${file#scripts/}" '$1 == f { print "ran", $2 }' "$TMP/ran"
			statements "$file" | sort -u
		} | awk -v file="$file" '
			$1 == "ran" { ran[$2] = 1; next }
			# a line counts once, whatever stands on it
			$1 == "line" { last[$2] = $3 > last[$2] ? $3 : last[$2]; next }
			{ from[$4] = $2; to[$4] = $3 }
			END {
				for (l in last) {
					n++
					for (i = l + 0; i <= last[l]; i++) if (i in ran) { hit[l]; got++; break }
				}
				print file, got + 0, n + 0
				for (f in from) {
					lines = 0; some = 0
					for (l in last) if (l + 0 >= from[f] && l + 0 <= to[f]) { lines++; some += l in hit }
					if (lines && !some) print file, f
				}
			}'
	done
}

"$1" | sort | awk -v what="$1" -v verbose="$VERBOSE" '
	NF == 3 { ran += $2; all += $3; if (verbose != "") printf "  %-32s %5.1f %% of %4d lines\n", $1, $3 ? 100 * $2 / $3 : 100, $3; next }
	!($1 in never) { file[++files] = $1 }
	{ never[$1] = never[$1] (never[$1] == "" ? "" : ", ") $2; n++ }
	END {
		printf "coverage: %s: %.1f %% of %d lines; %d functions never ran%s\n", what, all ? 100 * ran / all : 0, all, n, n ? ":" : ""
		for (i = 1; i <= files; i++) printf "  %s: %s\n", file[i], never[file[i]]
	}' | fold -s -w 150
