# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# open.sh - the feature open: every open, openat, openat2 and creat on the host.

# shellcheck source=scripts/lib/trace.sh
. "$HM_SCRIPTS/lib/trace.sh"
HOST_FEATURES+=(open)
OPEN_MAPS=(open_cfg open_stat open_ring open_buf)

open_help() {
	printf 'open (of the host): every open, openat, openat2 and creat\n'
	printf '  --uid, --pid, --name, --cgroup: as for exec\n'
}

open_option() { trace_option "$@"; }

open_attach() {
	maps_check "${OPEN_MAPS[@]}"
	trace_filter open_cfg
	trace_load open 'does the kernel have raw system call tracepoints?' \
		"${OPEN_MAPS[@]}" -- open_exit
}

open_detach() { :; }
open_unshare() { trace_unload open "${OPEN_MAPS[@]}"; }
open_status() { :; }
