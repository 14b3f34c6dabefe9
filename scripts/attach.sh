#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attach.sh - attaches features of hookmap to a device or to the host. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/hooks.sh"
. "$HM_SCRIPTS/lib/features.sh"

usage() {
	local feature
	cat <<'EOF'
usage: attach.sh [OPTION...] DEV [FEATURE...]
       attach.sh [OPTION...] --host FEATURE...

Attaches features to the network device DEV, or to the host as a whole. Attaching
again changes what options ask for and leaves the rest as it is.

  --netns NAME    DEV is in this network namespace: a name, or a path such as
                    /proc/PID/ns/net (latency: a container's stage, at tc only)
  -n, --dry-run   only show the commands
  -v, --verbose   show the commands, too
  -h, --help

EOF
	for feature in "${FEATURES_KNOWN[@]}"; do
		"${feature}_help"
		printf '\n'
	done
	printf 'Exit status: 0 attached, 1 not attached and nothing changed, 2 usage.\n'
}

DEV='' HOST=0 FEATURES=() NS=''

option() { # OPTION VALUE
	local feature
	for feature in "${FEATURES_KNOWN[@]}"; do
		"${feature}_option" "$1" "$2" && return
	done
	misuse "unknown option $1"
}

case " $* " in
*' -h '* | *' --help '*)
	usage
	exit 0
	;;
esac
load_abi
while (($#)); do
	case $1 in
	-n | --dry-run) DRY_RUN=1 ;;
	-v | --verbose) VERBOSE=1 ;;
	--host) HOST=1 ;;
	--*=*)
		set -- "${1%%=*}" "${1#*=}" "${@:2}"
		continue
		;;
	--*)
		if [[ " ${FLAG_OPTIONS[*]} " == *" $1 "* ]]; then
			option "$1" ''
			shift
			continue
		fi
		(($# > 1)) || misuse "$1: unknown option, or its value is missing"
		if [[ $1 == --netns ]]; then
			[[ -n $2 ]] || misuse "--netns needs a name"
			NS=$2
		else
			option "$1" "$2"
		fi
		shift
		;;
	-*) misuse "unknown option $1" ;;
	*)
		if [[ -z $DEV ]] && ((!HOST)); then DEV=$1; else FEATURES+=("$1"); fi
		;;
	esac
	shift
done
if ((HOST)); then
	[[ -z $DEV ]] || FEATURES=("$DEV" "${FEATURES[@]}")
	((${#FEATURES[@]})) || misuse "--host needs a feature"
else
	[[ -n $DEV ]] || misuse "no device given"
	((${#FEATURES[@]})) || FEATURES=(latency)
fi
feature_check "$HOST" "${FEATURES[@]}"

need_root
need_tools ip tc jq nsenter flock
need_bpftool
use_netns "$NS" || die "no network namespace $NS"
netns_words
((HOST)) || device_index "$DEV" || die "no device $DEV${NS:+ in network namespace $NS}"
need_bpffs
lock
undo_on_exit

maps_check hm_dev hm_netns
if ((HOST)); then
	dev_host
else
	dev_find "$DEV" || dev_unknown "$DEV"
fi
map_create hm_dev
map_create hm_netns
((HOST)) || netns_id
DEV_NAME=${DEV:-host}
for feature in "${FEATURES[@]}"; do
	"${feature}_attach" "$DEV"
	feature_bit "$feature"
	DEV_FEATURES=$((DEV_FEATURES | BIT))
done
dev_put
commit
