# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# exec.sh - the feature exec: every exec on the host, and the exits of what it started.

# shellcheck source=scripts/lib/trace.sh
. "$HM_SCRIPTS/lib/trace.sh"
HOST_FEATURES+=(exec)
EXEC_MAPS=(exec_cfg exec_stat exec_ring exec_run exec_buf)

exec_help() {
	printf 'exec (of the host): every exec, also failed ones, and exits\n'
	trace_help
}

exec_option() { trace_option "$@"; }

exec_attach() {
	maps_check "${EXEC_MAPS[@]}"
	trace_filter exec_cfg
	trace_load exec 'does the kernel have raw system call tracepoints?' \
		"${EXEC_MAPS[@]}" -- exec_done exec_failed exec_exit
}

exec_detach() { :; }
exec_unshare() { trace_unload exec "${EXEC_MAPS[@]}"; }
exec_status() { :; }
