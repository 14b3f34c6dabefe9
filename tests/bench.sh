#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bench.sh [--json FILE] [NAME...] - runs the benchmarks of tests/bench/, or some of them.
# With --json, all figures also go to FILE, as one document.

set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/bench/lib.bash
. "$here/bench/lib.bash"
JSON=''
if [[ ${1:-} == --json ]]; then
	JSON=${2:?--json needs a file}
	shift 2
	BENCH_JSON=$(mktemp)
	export BENCH_JSON
	trap 'rm -f -- "$BENCH_JSON"' EXIT
fi
machine
(($#)) || {
	set -- "$here"/bench/*.sh
	set -- "${@##*/}"
	set -- "${@%.sh}"
}
failed=()
for name; do
	[[ -x $here/bench/$name.sh ]] || {
		printf 'bench.sh: there is no benchmark %s\n' "$name" >&2
		exit 2
	}
	"$here/bench/$name.sh" || failed+=("$name")
done
[[ -z $JSON ]] || jq -s --arg machine "$(machine)" --arg version "$(git -C "$HM_TOP" describe --always --dirty 2>/dev/null || true)" \
	'{machine: $machine, version: $version, rows: .}' "$BENCH_JSON" >"$JSON"
((!${#failed[@]})) || {
	printf 'bench.sh: did not come to their end: %s\n' "${failed[*]}" >&2
	exit 1
}
