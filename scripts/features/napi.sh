# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# napi.sh - the feature napi: batches of NAPI polls and devmaps, delay of NET_RX.

# shellcheck source=scripts/lib/trace.sh
. "$HM_SCRIPTS/lib/trace.sh"
HOST_FEATURES+=(napi)
NAPI_MAPS=(napi_hist napi_who napi_stat)

napi_help() {
	printf 'napi (of the host): packets a NAPI poll, frames a devmap batch, delay of the\n'
	printf 'softirq NET_RX, by device and CPU\n'
}

napi_option() { return 1; }

napi_attach() {
	trace_load napi 'does the kernel have its tracepoint?' "${NAPI_MAPS[@]}" -- \
		napi_poll napi_devmap napi_raise napi_softirq
}

napi_detach() { :; }
napi_unshare() { trace_unload napi "${NAPI_MAPS[@]}"; }
napi_status() { :; }
