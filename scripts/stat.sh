#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# stat.sh - what each BPF program of the machine costs, as it runs. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: stat.sh [-j] [-i SEC] [-c N]

Shows runs, runs a second, ns a run, share of a CPU and map memory of each loaded BPF
program, the dearest first, again and again. OURS marks those that use a map of this
collection. It is `hookmap -i 1 progs`, which does the work.

The kernel's statistics cost about 50 ns a run. They are on only while this runs, however
it ends; kernel.bpf_stats_enabled is not touched.

  -j, --json      one JSON document each time: {"rows": [...], "seconds": S}
  -i, --interval SEC  default 1
  -c, --count N   stop after N times; default: at Ctrl-C
  -h, --help
EOF
}

WORDS=() INTERVAL=1
option() { # OPTION VALUE
	case $1 in
	--json) WORDS+=(-j) ;;
	--interval) INTERVAL=$2 ;;
	--count) WORDS+=(-c "$2") ;;
	esac
}
options '-h|--help -j|--json -i|--interval= -c|--count=' "$@"
no_arguments
need_caps bpf sys_admin
hookmap_reader
exec "$READER" -i "$INTERVAL" "${WORDS[@]}" progs
