#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attach.sh - attaches features of hookmap to a device. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
for part in registry hooks latency; do
	# shellcheck source=/dev/null
	. "$HM_SCRIPTS/lib/$part.sh"
done

usage() {
	cat <<'EOF'
usage: attach.sh [OPTION...] DEV [FEATURE...]

Attaches features to the network device DEV. The only FEATURE so far, and the
default, is "latency": time stamps at XDP, tc, iptables, socket and application.
Attaching again changes what options ask for and leaves the rest as it is.

  --sample N      measure one packet in N (all devices; default 64)
  --filter TEXT   measure only packets that match (all devices): any of
                    dev NAME, proto tcp|udp|icmp|icmp6|NUMBER, port N, sport N,
                    dport N, src PREFIX, dst PREFIX; "none" takes it away
  --mode MODE     XDP mode: native, generic, or none (tc is the first stage);
                    default: native if the driver can, else generic
  --netns NAME    DEV is in this network namespace (name, or path such as
                    /proc/PID/ns/net): a container's stage, at tc only
  --inpacket PORT also write the stamps into UDP datagrams to PORT; "off" ends it
  --next OBJ[:SECTION]  run this XDP program behind ours; "none" takes it away
                    (the section is "prog" unless given)
  --pref N        place of the tc filter (default 1)
  -n, --dry-run   only show the commands
  -v, --verbose   show the commands, too
  -h, --help

Exit status: 0 attached, 1 not attached and nothing changed, 2 usage.
EOF
}

XDP_MODE_WANTED='' XDP_NEXT='' XDP_NEXT_SEC=prog TC_PREF_WANTED='' DEV='' FEATURES=() NS=''

value_of() { # OPTION VALUE-OR-NOTHING...
	(($# > 1)) || misuse "$1 needs a value"
}

while (($#)); do
	case $1 in
	--*=*)
		set -- "${1%%=*}" "${1#*=}" "${@:2}"
		continue
		;;
	--sample)
		value_of "$@"
		lat_number --sample "$2" 1 1000000000
		LAT_SAMPLE=$NUMBER
		shift
		;;
	--filter)
		value_of "$@"
		LAT_FILTER=$2 LAT_FILTER_SET=1
		shift
		;;
	--mode)
		value_of "$@"
		[[ $2 =~ ^(native|generic|none)$ ]] || misuse "--mode $2: expected native, generic or none"
		XDP_MODE_WANTED=$2
		shift
		;;
	--netns)
		value_of "$@"
		[[ -n $2 ]] || misuse "--netns needs a name"
		NS=$2
		shift
		;;
	--inpacket)
		value_of "$@"
		if [[ $2 != off ]]; then
			lat_number --inpacket "$2" 1 65535
			set -- "$1" "$NUMBER" "${@:3}"
		fi
		LAT_INPACKET=$2
		shift
		;;
	--next)
		value_of "$@"
		XDP_NEXT=$2
		[[ $2 != *:* ]] || XDP_NEXT=${2%:*} XDP_NEXT_SEC=${2##*:}
		[[ $XDP_NEXT == none || -r $XDP_NEXT ]] || die "--next: no object $XDP_NEXT"
		shift
		;;
	--pref)
		value_of "$@"
		lat_number --pref "$2" 1 65535
		TC_PREF_WANTED=$NUMBER
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
((!LAT_FILTER_SET)) || {
	load_abi
	map_shape lat_cfg
	value_new "$VALUE_SIZE"
	lat_filter_parse "$LAT_FILTER" # before anything else: a typing error is exit 2
}

need_root
need_tools ip tc jq nsenter flock
need_bpftool
load_abi
use_netns "$NS" || die "no network namespace $NS"
netns_words
device_index "$DEV" || die "no device $DEV${NS:+ in network namespace $NS}"
need_bpffs
lock
undo_on_exit
for feature in "${FEATURES[@]}"; do
	"${feature}_attach" "$DEV"
done
commit
