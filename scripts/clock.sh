#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# clock.sh - keeps the clocks of pktlat up to date. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
# shellcheck source=scripts/lib/clock.sh
. "$HM_SCRIPTS/lib/clock.sh"

usage() {
	cat <<'EOF'
usage: clock.sh [OPTION...] [set]

Measures the offsets between the clocks that pktlat uses to convert stamps, and writes
them to map pktlat_cfg, once or repeatedly until stopped. Run it while pktlat counts from
hardware stamps, because clocks drift, and, before Linux 6.1, once after the system's
time was set.

  --ptp DEV       clock of the NIC's stamps, such as /dev/ptp0
  -i SEC          repeat every SEC seconds
  -n, --dry-run   show the commands, run none
  -v, --verbose   show the commands as they run
  -h, --help
EOF
}

PTP='' INTERVAL=''
option() { # OPTION VALUE
	case $1 in
	-i)
		number -i "$2" 1 86400
		INTERVAL=$NUMBER
		;;
	--ptp)
		[[ -c $2 ]] || die "--ptp: no clock device $2"
		PTP=$2
		;;
	esac
}
options '-n|--dry-run -v|--verbose -h|--help -i= --ptp=' "$@"
[[ ${ARGS[0]-} != set ]] || ARGS=("${ARGS[@]:1}")
no_arguments
need_caps bpf
need_tools jq flock
load_abi
need_bpffs
while :; do
	# an attach also changes the map
	lock
	[[ -e $GLOBALS/pktlat_cfg ]] || die "pktlat is not attached: attach first (attach.sh --host pktlat)"
	map_check pktlat_cfg
	map_value pktlat_cfg
	clock_measure "$PTP"
	map_write pktlat_cfg 0
	unlock
	[[ -n $INTERVAL ]] || break
	sleep "$INTERVAL"
done
