# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ovslat.sh - the feature ovslat: time in Open vSwitch's kernel datapath, by port.

# shellcheck source=scripts/lib/trace.sh
. "$HM_SCRIPTS/lib/trace.sh"
HOST_FEATURES+=(ovslat)
OVSLAT_MAPS=(ovslat_hist ovslat_who ovslat_call)

ovslat_help() {
	printf 'ovslat (of the host): time in ovs_vport_receive, by input port (Open vSwitch)\n'
}

ovslat_option() { return 1; }

# ovslat_loads OBJECT: can its programs be attached? Tried in a directory of its own.
ovslat_loads() {
	local dir=$PINS/_ovslat name ok=1
	run mkdir -p "$dir"
	try "$BPFTOOL" -n prog loadall "$1" "$dir" "${MAP_OPTIONS[@]}" autoattach || ok=0
	if ((!DRY_RUN)); then
		for name in ovslat_entry ovslat_exit; do is_link "$dir/$name" || ok=0; done
	fi
	((ok)) || run rm -rf "$dir"
	((ok))
}

ovslat_attach() {
	local name
	object kern/ovslat.o
	maps_check "${OVSLAT_MAPS[@]}"
	! pins_loaded ovslat ovslat_entry || return 0
	[[ -d /sys/module/openvswitch ]] || ((DRY_RUN)) ||
		die "the module openvswitch is not loaded: ovs_vport_receive is not there to be measured"
	for name in "${OVSLAT_MAPS[@]}"; do map_create "$name"; done
	map_options "${OVSLAT_MAPS[@]}"
	defer rm -rf "$PINS/_ovslat"
	if ! ovslat_loads "$OBJECT"; then
		object kern/ovslat_kprobe.o
		ovslat_loads "$OBJECT" ||
			die "ovs_vport_receive could not be attached to: does the kernel have fentry or kprobes?"
	fi
	run mv "$PINS/_ovslat" "$PINS/ovslat"
	defer rm -rf "$PINS/ovslat"
}

ovslat_detach() { :; }
ovslat_unshare() { trace_unload ovslat "${OVSLAT_MAPS[@]}"; }
ovslat_status() { :; }
