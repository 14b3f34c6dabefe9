#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bench.sh [NAME...] - runs the benchmarks of tests/bench/, or some of them.

set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")
# shellcheck source=tests/bench/lib.bash
. "$here/bench/lib.bash"
machine
(($#)) || {
	set -- "$here"/bench/*.sh
	set -- "${@##*/}"
	set -- "${@%.sh}"
}
for name; do "$here/bench/$name.sh"; done
