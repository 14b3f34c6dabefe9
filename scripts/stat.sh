#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# stat.sh - shows continuously what each BPF program costs. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: stat.sh [-j] [-i SEC] [-c N]

Repeatedly shows runs, runs per second, ns per run, share of a CPU and map memory of each
loaded BPF program, the most expensive first. OURS marks programs that use a map of this
collection. It runs `hookmap -i 1 progs`.

The kernel's statistics cost about 50 ns per run. They are on only while this runs, however
it ends; kernel.bpf_stats_enabled is not changed.

  -j, --json      one JSON document per interval: {"rows": [...], "seconds": S}
  -i, --interval SEC  default 1
  -c, --count N   stop after N intervals; default: at Ctrl-C
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
