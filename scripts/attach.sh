#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attach.sh - attaches features of hookmap to a device or to the host. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/hooks.sh"
. "$HM_SCRIPTS/lib/features.sh"
. "$HM_SCRIPTS/lib/reach.sh"

usage() {
	local feature
	cat <<'EOF'
usage: attach.sh [OPTION...] DEV [FEATURE...]
       attach.sh [OPTION...] --host FEATURE...

Attaches features to the network device DEV, or to the whole host. If you attach again,
only the settings named in options change.

  --host          attach features of the host
  --netns NAME    DEV is in this network namespace: a name, or a path such as
                    /proc/PID/ns/net (latency: a container's stage, at tc only)
  -n, --dry-run   show the commands, run none
  -v, --verbose   show the commands as they run
  -h, --help

EOF
	for feature in "${FEATURES_KNOWN[@]}"; do
		feature "$feature" help
		printf '\n'
	done
	condition_help
	printf '\nExit status: 0 attached, 1 not attached, nothing changed, 2 usage.\n'
}

DEV='' HOST=0 ASKED=() RENAMED='' RENEWED=()

option() { # OPTION VALUE
	if [[ $1 == --host ]]; then HOST=1; else ASKED+=("$1" "$2"); fi
}

# feature_option OPTION VALUE: passes it to the feature that knows it, of those to attach
feature_option() {
	local feature
	for feature in "${FEATURES[@]}"; do
		feature "$feature" option "$1" "$2" && return
	done
	for feature in "${FEATURES_KNOWN[@]}"; do
		! feature "$feature" option "$1" "$2" || misuse "$1 is an option of $feature, which this command does not attach"
	done
	misuse "unknown option $1"
}

# dev_bare DEV: its entry is of another device that had its ifindex and has vanished, or all programs
# of ours were removed by hand. (A mirrored bridge has none.)
dev_bare() {
	local feature FEATURES_SET XDP_ID XDP_MODE XDP_NAME XDP_SEC
	((!(DEV_FLAGS & HM_DEV_MIRROR))) || return 1
	xdp_get "$1"
	features_of "$DEV_FEATURES"
	for feature in "${FEATURES_SET[@]}"; do
		! feature_has "$feature" same || ! "${feature}_same" "$1" || return 1
		[[ -z $XDP_ID ]] || ! prog_is_ours "$XDP_ID" "${feature}_xdp" || return 1
		! tc_find "$1" "${feature}_tc" || return 1
	done
}

# dev_renew DEV: removes what is left of the device that had its ifindex, and begins a new entry. If
# we fail, the old entry is restored, so that detach finds what the features share.
dev_renew() {
	local feature DEV_ALIVE=0 NETNS_GONE=0
	note "$DEV_NAME, which had ifindex $IFINDEX, has vanished, or has lost all programs of ours: removing what is left of it before $1 is attached"
	defer dev_restore "$DEV_INODE $DEV_IFINDEX $DEV_FEATURES $DEV_FLAGS $DEV_NSID $DEV_PREF $DEV_NAME"
	features_of "$DEV_FEATURES"
	RENEWED=("${FEATURES_SET[@]}")
	for feature in "${RENEWED[@]}"; do
		if feature_has "$feature" renew; then "${feature}_renew" "$1"; else feature "$feature" detach "$DEV_NAME"; fi
	done
	# (after a killed attach, the qdisc is ours)
	[[ $DEV_NAME == "$1" ]] || DEV_FLAGS=0
	DEV_FEATURES=0 DEV_FLAGS=$((DEV_FLAGS & HM_DEV_QDISC)) DEV_PREF=0
}

options "-n|--dry-run -v|--verbose -h|--help --host --netns= ${FLAG_OPTIONS[*]} --*=" "$@"
load_abi
FEATURES=("${ARGS[@]}")
if ((HOST)); then
	((${#FEATURES[@]})) || misuse "--host needs a feature"
else
	((${#ARGS[@]})) || {
		# (an unknown option may have taken the device as its value)
		FEATURES=("${FEATURES_KNOWN[@]}")
		for ((i = 0; i < ${#ASKED[@]}; i += 2)); do feature_option "${ASKED[@]:i:2}"; done
		misuse "no device given"
	}
	DEV=${ARGS[0]}
	FEATURES=("${ARGS[@]:1}")
	((${#FEATURES[@]})) || FEATURES=(latency)
fi
feature_check "$HOST" "${FEATURES[@]}"
for ((i = 0; i < ${#ASKED[@]}; i += 2)); do feature_option "${ASKED[@]:i:2}"; done

need_caps bpf net_admin perfmon
[[ -z $NS ]] || need_caps sys_admin
need_tools ip tc jq nsenter flock
need_bpftool
use_netns "$NS" || die "no network namespace $NS"
netns_words
need_bpffs
lock
registry_room
if ((!HOST)); then
	device_index "$DEV" || {
		[[ " ${HOST_FEATURES[*]} " != *" $DEV "* ]] || die "no device $DEV: $DEV is a feature of the host, $(typed attach.sh --host "$DEV")"
		die "no device $DEV${NS:+ in network namespace $NS}"
	}
	DEV=$IFNAME
fi
undo_on_exit
target=(--host)
((HOST)) || target=(${NS:+--netns "$NS"} -- "$DEV")
UNDO_HINT="$(typed detach.sh "${target[@]}") takes off what is left"
leftovers_remove
maps_check hm_dev hm_netns
abi_mark
((HOST)) || netns_settle
if ((HOST)); then
	dev_host
else
	if ! dev_find "$DEV"; then dev_unknown "$DEV"; elif dev_bare "$DEV"; then dev_renew "$DEV"; fi
	# it was renamed: latency has rules with its name
	if [[ $DEV_NAME != "$DEV" && -z $NETNS ]] && ((DEV_FEATURES & HM_FEAT_latency)); then
		RENAMED=$DEV_NAME
		[[ " ${FEATURES[*]} " == *' latency '* ]] || FEATURES+=(latency)
	fi
fi
((HOST)) || reach_check "$DEV" "${FEATURES[@]}"
maps_create host hm_dev hm_netns
((HOST)) || netns_id
flags=0
[[ -z $NETNS || " ${FEATURES[*]} " != *' latency '* ]] || flags=$HM_DEV_NETNS
dev_intend "$flags" "${FEATURES[@]}"
for feature in "${FEATURES[@]}"; do feature "$feature" attach "$DEV"; done
# (in another network namespace, others choose its name, and we do not depend on it)
((HOST || DRY_RUN)) || { dev_named && [[ $IFNAME == "$DEV" || -n $NETNS ]]; } ||
	die "$DEV has another name now, or is another device: run detach.sh --all"
[[ -z $RENAMED ]] || lat_jumps_remove "$RENAMED"
DEV_NAME=${DEV:-host}
dev_put
commit
for feature in "${RENEWED[@]}"; do dev_unshare "$feature"; done
[[ -z ${POL_BESIDE:-} ]] || policy_beside "$POL_BESIDE" || true
leftovers_remove
