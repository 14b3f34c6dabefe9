# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# trace.sh - what the tracing features of the host share: loading one object whose
# programs attach themselves, the maps that go with it, and the filter by process.

# The filter that was asked for; empty: leave it as it is
TRACE_UID='' TRACE_PID='' TRACE_COMM='' TRACE_CGROUP='' TRACE_ASKED=0

trace_help() {
	cat <<'EOF'
  --uid N         of this user
  --pid N         of this process (exec: or its children)
  --name NAME     of processes of this name (at most 15 characters; exec: the new
                    name, but a failed exec leaves the old one)
  --cgroup PATH   of processes in this cgroup (v2) and those below it
  Each takes "any" to lift it. All that are set must match.
EOF
}

# trace_option OPTION VALUE: the filter by process. False if it is not one of these.
trace_option() {
	local any=0
	[[ $2 != any ]] || any=1
	case $1 in
	--uid)
		NUMBER=any
		((any)) || number "$1" "$2" 0 4294967294
		TRACE_UID=$NUMBER
		;;
	--pid)
		NUMBER=any
		((any)) || number "$1" "$2" 1 4194304
		TRACE_PID=$NUMBER
		;;
	--name)
		((any)) || ((${#2} >= 1 && ${#2} <= 15)) || misuse "--name $2: expected 1 to 15 characters"
		TRACE_COMM=$2
		;;
	--cgroup)
		((any)) || [[ $(stat -f -c %T -- "$2" 2>/dev/null) == cgroup2fs ]] || die "--cgroup $2: no cgroup v2 directory"
		TRACE_CGROUP=$2
		;;
	*) return 1 ;;
	esac
	TRACE_ASKED=1
}

# trace_part FLAG FIELD TEXT: one condition into VALUE; false if nothing was asked for
trace_part() {
	local at=$HM_OFF_trace_filter_flags flags on=1
	[[ -n $3 ]] || return 1
	[[ $3 != any ]] || on=0
	flags=$(value_num "$at" 4)
	value_set "$at" 4 $(((flags & ~$1) | (on ? $1 : 0)))
	((on))
}

# trace_filter MAP: changes the filter in MAP as was asked for; before the programs
# are loaded, so that the first event matches, too
trace_filter() {
	local zeros level path
	((TRACE_ASKED)) || return 0
	map_create "$1"
	map_value "$1"
	! trace_part "$TRACE_F_UID" uid "$TRACE_UID" || value_set "$HM_OFF_trace_filter_uid" 4 "$TRACE_UID"
	! trace_part "$TRACE_F_PID" pid "$TRACE_PID" || value_set "$HM_OFF_trace_filter_pid" 4 "$TRACE_PID"
	if trace_part "$TRACE_F_NAME" name "$TRACE_COMM"; then
		printf -v zeros '00 %.0s' {1..16}
		# shellcheck disable=SC2086
		value_raw "$HM_OFF_trace_filter_name" $zeros
		value_str "$HM_OFF_trace_filter_name" 16 "$TRACE_COMM"
	fi
	if trace_part "$TRACE_F_CGROUP" cgroup "$TRACE_CGROUP"; then
		path=$(cd -- "$TRACE_CGROUP" && pwd -P)
		level=0
		# the root of the hierarchy has no cgroup.type
		while [[ -e $path/cgroup.type ]]; do
			level=$((level + 1))
			path=${path%/*}
		done
		value_set "$HM_OFF_trace_filter_cgroup" 8 "$(stat -c %i -- "$TRACE_CGROUP")"
		value_set "$HM_OFF_trace_filter_level" 4 "$level"
	fi
	bytes 4 0
	map_set "$1" "${BYTES[@]}" -- "${VALUE[@]}"
}

# trace_load FEATURE WHY MAP... -- PROGRAM... [-- OBJECT PROGRAM]: makes the maps, loads
# kern/FEATURE.o and attaches its programs, all of which must attach; WHY says what it
# may be if not. The PROGRAM of kern/OBJECT.o is one that not every kernel can attach.
trace_load() {
	local feature=$1 why=$2 maps=() name staging=$PINS/_trace
	shift 2
	while [[ $1 != -- ]]; do
		maps+=("$1")
		shift
	done
	shift
	object "kern/$feature.o"
	maps_check "${maps[@]}"
	! pins_loaded "$feature" "$1" || return 0
	for name in "${maps[@]}"; do map_create "$name"; done
	defer rm -rf "$staging"
	map_options "${maps[@]}"
	bpf_load "$staging" "$OBJECT" "${MAP_OPTIONS[@]}" autoattach
	while (($#)) && [[ $1 != -- ]]; do
		((DRY_RUN)) || is_link "$staging/$1" || die "program $1 could not be attached: $why"
		shift
	done
	if (($#)); then
		object "kern/$2.o"
		try "$BPFTOOL" -n prog loadall "$OBJECT" "$staging" "${MAP_OPTIONS[@]}" autoattach || true
		((DRY_RUN)) || is_link "$staging/$3" || rm -f "$staging/$3"
	fi
	run mv "$staging" "$PINS/$feature"
	defer rm -rf "$PINS/$feature"
}

# trace_unload FEATURE MAP...
trace_unload() {
	pins_remove "$1"
	maps_remove "${@:2}"
}

# clock_measure PTP: the clocks' distances, as they are now, into VALUE (a pktlat_cfg);
# PTP is a device, "none", or empty for no change
clock_measure() {
	local real mono ptp error flags options=()
	hookmap_reader
	[[ -z $1 || $1 == none ]] || options=(--ptp "$1")
	flags=$(value_num "$HM_OFF_pktlat_cfg_flags" 4)
	read -r real mono ptp error <<<"$(look "$READER" -j "${options[@]}" clock | jq -r '"\(.real_ns) \(.mono_ns) \(.ptp_ns) \(.ptp_error_ns)"')"
	[[ $real =~ ^[0-9]+$ ]] || die "the clocks could not be compared (hookmap clock ${options[*]})"
	value_set "$HM_OFF_pktlat_cfg_real" 8 "$real"
	value_set "$HM_OFF_pktlat_cfg_measured" 8 "$mono"
	flags=$((flags | PKTLAT_F_REAL))
	[[ $1 != none ]] || flags=$((flags & ~PKTLAT_F_PTP))
	if ((${#options[@]})); then
		value_set "$HM_OFF_pktlat_cfg_ptp" 8 "$ptp"
		value_set "$HM_OFF_pktlat_cfg_error" 8 "$error"
		flags=$((flags | PKTLAT_F_PTP))
	fi
	value_set "$HM_OFF_pktlat_cfg_flags" 4 "$flags"
}
