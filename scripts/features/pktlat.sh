# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pktlat.sh - the feature pktlat: time from a packet's receive stamp to user space.

# shellcheck source=scripts/lib/clock.sh
. "$HM_SCRIPTS/lib/clock.sh"
HOST_WHY[pktlat]='does the kernel have the tracepoint skb_copy_datagram_iovec?'
host_feature pktlat pktlat_copy <<'EOF'
pktlat (of the host): time from a packet's receive stamp to its copy to a process, or
from a tap to a VM
  --ptp DEV       clock of the NIC's stamps, such as /dev/ptp0; "none": count from
                    the kernel's stamps only (scripts/clock.sh follows a clock)
  --slow USEC     report packets that took this long or longer (default 1000)
EOF
PKTLAT_SLOW='' PKTLAT_PTP=''

pktlat_option() {
	case $1 in
	--ptp)
		[[ $2 == none || -c $2 ]] || die "--ptp: no clock device $2"
		PKTLAT_PTP=$2
		;;
	--slow)
		number "$1" "$2" 1 1000000000
		PKTLAT_SLOW=$NUMBER
		;;
	*) return 1 ;;
	esac
}

pktlat_before() {
	maps_create pktlat "${MAPS[@]}"
	map_value pktlat_cfg
	[[ -z $PKTLAT_SLOW ]] || field pktlat_cfg.slow $((PKTLAT_SLOW * 1000))
	clock_measure "$PKTLAT_PTP"
	map_write pktlat_cfg 0
}

# without fentry, part of UDP is not seen: the reader says so
pktlat_after() {
	[[ -e $PINS/pktlat/pktlat_udp ]] || return 0
	map_value pktlat_cfg
	flag pktlat_cfg.flags "$PKTLAT_F_UDP" 1
	map_write pktlat_cfg 0
}
