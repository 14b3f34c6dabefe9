#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# detach.sh - detaches features of hookmap from a device or the host. See --help.

# a full /tmp must not keep anybody from taking things off
[[ ! -w /run ]] || export TMPDIR=/run
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/hooks.sh"
. "$HM_SCRIPTS/lib/features.sh"
. "$HM_SCRIPTS/lib/remains.sh"

usage() {
	cat <<'EOF'
usage: detach.sh [OPTION...] DEV [FEATURE...]
       detach.sh [OPTION...] --host [FEATURE...]
       detach.sh [OPTION...] --all | --vanished

Detaches all features, or those given, from the network device DEV or the host. Maps are
removed with their last user. It is not an error if nothing is attached, or if the device
or its network namespace has vanished: its leftovers are removed. For a device that was
renamed, or moved to another network namespace, give its old or its new name.

  --all           detach from all devices, in any network namespace, and from the host;
                    also detach what was attached by hand, and remove what another
                    version of these scripts has left
  --vanished      only remove what is left of devices and network namespaces that have
                    vanished
  --host          detach features of the host
  --netns NAME    DEV is in this network namespace
  -n, --dry-run   show the commands, run none
  -v, --verbose   show the commands as they run
  -h, --help

Exit status: 0 nothing of ours is left, 1 error, 2 usage.
EOF
}

DEV='' HOST=0 ALL=0 VANISHED=0
option() {
	case $1 in
	--all) ALL=1 ;;
	--vanished) VANISHED=1 ;;
	*) HOST=1 ;;
	esac
}
options '-n|--dry-run -v|--verbose -h|--help --host --all --vanished --netns=' "$@"
FEATURES=("${ARGS[@]}")
if ((ALL || VANISHED)); then
	no_arguments
	[[ $HOST$NS == 0 ]] && ((ALL + VANISHED == 1)) || misuse "--all and --vanished take no other target"
elif ((!HOST)); then
	((${#ARGS[@]})) || misuse "no device given"
	DEV=${ARGS[0]}
	FEATURES=("${ARGS[@]:1}")
fi
feature_check "$HOST" "${FEATURES[@]}"

need_caps bpf net_admin sys_admin
need_tools ip tc jq nsenter flock
need_bpftool
load_abi
need_bpffs
lock
leftovers_remove
((ALL)) || { map_check hm_dev && map_check hm_netns; } || true

# detach_one NAME: detaches the requested features of DEV_*; by default all that it has or, if it has
# none, all that could have been attached by hand
detach_one() {
	local feature names=("${FEATURES[@]}")
	if ((!${#names[@]})); then
		features_of "$DEV_FEATURES"
		names=("${FEATURES_SET[@]}")
	fi
	if ((!${#names[@]} && !HOST)); then
		for feature in "${FEATURES_KNOWN[@]}"; do
			[[ " ${HOST_FEATURES[*]} " == *" $feature "* ]] || names+=("$feature")
		done
	fi
	# (with --all, remains_remove looks everywhere)
	((DEV_ALIVE || HOST || ALL)) || remains_follow "$DEV_NAME" "$DEV_IFINDEX"
	for feature in "${names[@]}"; do
		feature "$feature" detach "$1"
		feature_bit "$feature"
		DEV_FEATURES=$((DEV_FEATURES & ~BIT))
		dev_unshare "$feature"
	done
	dev_put
}

# entry_enter LINE: DEV_*, $NETNS, HOST, DEV_ALIVE and NETNS_GONE of a line of the registry, and
# in DEV the current name of the device. False if its namespace exists, but cannot be found.
entry_enter() {
	dev_read "$1"
	HOST=0 NETNS_GONE=0 DEV_ALIVE=0 FEATURES=() DEV=$DEV_NAME
	use_netns ''
	if ((!DEV_INODE)); then
		HOST=1
	elif [[ $DEV_INODE != "$NETNS_INODE_OWN" ]]; then
		if netns_vanished "$DEV_INODE"; then
			NETNS_GONE=1
		else
			[[ -z $NETNS_HIDDEN ]] && use_netns "$NETNS_FOUND" && [[ $NETNS_INODE == "$DEV_INODE" ]] || return 1
		fi
	fi
	netns_words
	((!HOST && !NETNS_GONE)) || return 0
	! dev_named || DEV=$IFNAME DEV_ALIVE=1
}

entry_hidden() {
	warn "$DEV_NAME is kept: $(netns_hidden_why "$DEV_INODE")"
}

# detach_all: each entry in a separate process, so that a failure does not stop the others
detach_all() {
	local line at seen=' ' status=0
	while :; do
		dev_list
		at=''
		while read -r line; do
			at=$(cut -d' ' -f1,2 <<<"$line")
			[[ -n $at && $seen == *" $at, "* ]] || break
		done <<<"$DEVS"
		[[ -n $line ]] || break
		seen+="$at, "
		(
			entry_enter "$line" || {
				entry_hidden
				exit 1
			}
			detach_one "$DEV"
		) || status=1
		MAP_LINES=()
		pins_load
	done
	return "$status"
}

# found_renamed: finds the entry of this name in another network namespace, where others name the
# devices, even if another device has the name now
found_renamed() {
	local IFINDEX=''
	[[ -n $NS ]] && ((DEV_ALIVE)) && dev_find "$DEV" || return 1
	DEV_ALIVE=0
}

NETNS_GONE=0 DEV_ALIVE=0
if ((ALL)); then
	status=0
	pins_load
	# this version cannot read the registry of another one
	if (map_check hm_dev && map_check hm_netns) 2>/dev/null; then
		detach_all || status=1
	fi
	remains_remove
	((!status)) || exit "$status"
elif ((VANISHED)); then
	: # what is done in any case
elif ((HOST)); then
	use_netns ''
	netns_words
	dev_host
	detach_one host
else
	if use_netns "$NS"; then
		netns_settle
		device_index "$DEV" && DEV_ALIVE=1
		DEV=$IFNAME
	else
		netns_gone "$NS" || die "no network namespace $NS, and none of that name was attached"
		inode=$NETNS_INODE
		if use_netns "$(netns_file "$inode")" && [[ $NETNS_INODE == "$inode" ]]; then
			# a process still holds it
			device_index "$DEV" && DEV_ALIVE=1
			DEV=$IFNAME
		else
			NETNS_INODE=$inode NETNS_GONE=1
			netns_vanished "$inode" ||
				die "$DEV in network namespace $NS is kept: $(netns_hidden_why "$inode")"
		fi
	fi
	netns_words
	if dev_find "$DEV" || found_renamed; then
		if ((!DEV_ALIVE && !NETNS_GONE)); then
			# it was renamed
			! dev_named || DEV=$IFNAME DEV_ALIVE=1
		fi
		detach_one "$DEV"
	elif ((DEV_ALIVE)); then
		dev_unknown "$DEV"
		detach_one "$DEV"
	elif [[ -n $NS ]] && netns_gone "$NS" && netns_vanished "$NETNS_INODE" && dev_find "$DEV"; then
		# the namespace was created again under the same name
		NETNS_GONE=1
		detach_one "$DEV"
	elif ((!NETNS_GONE)); then
		die "no device $DEV${NS:+ in network namespace $NS}, and none of that name was attached"
	fi
fi

# an entry of a device that has vanished meanwhile would keep the maps forever
DEVS=''
((ALL)) || dev_list
mapfile -t entries <<<"$DEVS"
use_netns ''
here=$(ip_json link | jq -r '.[].ifindex') || die "ip link show failed"
here=" ${here//$'\n'/ } "
for entry in "${entries[@]}"; do
	dev_read "$entry"
	[[ ${DEV_INODE:-0} != 0 && "$DEV_INODE$here" != "$NETNS_INODE_OWN"*" $DEV_IFINDEX "* ]] || continue
	entry_enter "$entry" || {
		entry_hidden
		continue
	}
	((!DEV_ALIVE)) || continue
	note "$DEV_NAME has vanished: removing what is left of it"
	detach_one "$DEV_NAME"
done
use_netns ''
netns_words

((ALL)) || dev_list
if [[ -z $DEVS ]] || ((DRY_RUN)); then
	maps_remove hm_dev hm_netns
	abi_unmark
	[[ ! -d $PINS ]] || try rmdir "$PINS" || true
fi
answered
# the program may be left: the warning says how to remove it
[[ $REMAINS_LEFT != *" ${DEV:-} "* ]] || exit 1
