# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# clock.sh - the distances of the clocks that pktlat counts by.

# clock_measure PTP: the clocks' distances, as they are now, into VALUE (a pktlat_cfg);
# PTP is a device, "none", or empty for no change
clock_measure() {
	local real tai mono ptp error flags id options=()
	hookmap_reader
	[[ -z $1 || $1 == none ]] || options=(--ptp "$1")
	flags=$(field_num pktlat_cfg.flags)
	read -r real tai mono ptp error <<<"$(look "$READER" -j "${options[@]}" clock | jq -r '"\(.real_ns) \(.tai_ns) \(.mono_ns) \(.ptp_ns) \(.ptp_error_ns)"')"
	[[ $real =~ ^[0-9]+$ ]] || die "cannot compare the clocks (hookmap clock ${options[*]})"
	field pktlat_cfg.real "$real"
	field pktlat_cfg.tai "$tai"
	field pktlat_cfg.measured "$mono"
	flags=$((flags | PKTLAT_F_REAL))
	[[ $1 != none ]] || flags=$((flags & ~PKTLAT_F_PTP))
	if ((${#options[@]})); then
		field pktlat_cfg.ptp "$ptp"
		field pktlat_cfg.error "$error"
		id=$(stat -L -c '%t %T' -- "$1")
		field pktlat_cfg.clock $((16#${id% *} << 20 | 16#${id#* }))
		flags=$((flags | PKTLAT_F_PTP))
	fi
	field pktlat_cfg.flags "$flags"
}
