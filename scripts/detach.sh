#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# detach.sh - takes features of hookmap off a device. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
for part in registry hooks latency; do
	# shellcheck source=/dev/null
	. "$HM_SCRIPTS/lib/$part.sh"
done

usage() {
	cat <<'EOF'
usage: detach.sh [OPTION...] DEV [FEATURE...]

Takes all features, or those given, off the network device DEV. The last device
takes the maps with it. It is no error if nothing is attached, or if the device or
its network namespace has vanished: what is left of it is removed.

  --netns NAME    DEV is in this network namespace (a container's stage)
  -n, --dry-run   only show the commands
  -v, --verbose   show the commands, too
  -h, --help

Exit status: 0 nothing of ours is on the device any more, 1 error, 2 usage.
EOF
}

DEV='' FEATURES=() NS=''

while (($#)); do
	case $1 in
	--*=*)
		set -- "${1%%=*}" "${1#*=}" "${@:2}"
		continue
		;;
	--netns)
		(($# > 1)) && [[ -n $2 ]] || misuse "--netns needs a name"
		NS=$2
		shift
		;;
	-n | --dry-run) DRY_RUN=1 ;;
	-v | --verbose) VERBOSE=1 ;;
	-h | --help)
		usage
		exit 0
		;;
	-*) misuse "unknown option $1" ;;
	*)
		if [[ -z $DEV ]]; then DEV=$1; else FEATURES+=("$1"); fi
		;;
	esac
	shift
done

[[ -n $DEV ]] || misuse "no device given"
((${#FEATURES[@]})) || FEATURES=(latency)
for feature in "${FEATURES[@]}"; do
	[[ $feature == latency ]] || misuse "unknown feature $feature: there is latency"
done

need_root
need_tools ip tc jq nsenter flock
need_bpftool
load_abi
need_bpffs
lock

# detach_one: the device of DEV_*, all features asked for
detach_one() {
	local feature
	for feature in "${FEATURES[@]}"; do
		"${feature}_detach" "$1"
	done
}

NETNS_GONE=0
IFINDEX=
if use_netns "$NS"; then
	device_index "$DEV" || true
else
	NETNS_GONE=1
	netns_gone "$NS" || die "no network namespace $NS, and none of that name was attached"
fi
netns_words
DEV_ALIVE=0
[[ -z $IFINDEX ]] || DEV_ALIVE=1
if dev_find "$DEV"; then
	detach_one "$DEV"
elif ((DEV_ALIVE)); then
	dev_unknown "$DEV"
	detach_one "$DEV"
elif [[ -n $NS ]] && netns_gone "$NS" && dev_find "$DEV"; then
	# the namespace was made anew under the same name
	NETNS_GONE=1
	detach_one "$DEV"
elif ((!NETNS_GONE)); then
	die "no device $DEV${NS:+ in network namespace $NS}, and none of that name was attached"
fi

# what else has vanished meanwhile would keep the maps for ever
NS='' NETNS_GONE=0 DEV_ALIVE=0
use_netns ''
netns_words
own=$NETNS_INODE
mapfile -t entries < <(dev_list)
for entry in "${entries[@]}"; do
	[[ -n $entry ]] || continue
	dev_read "$entry"
	if [[ $DEV_INODE == "$own" ]]; then
		ip -j link | jq -e --argjson index "$DEV_IFINDEX" 'any(.[]; .ifindex == $index)' >/dev/null && continue
		NETNS_GONE=0
	else
		netns_alive | grep -qx "$DEV_INODE" && continue
		NETNS_GONE=1
	fi
	warn "$DEV_NAME has vanished: removing what is left of it"
	detach_one "$DEV_NAME"
done
