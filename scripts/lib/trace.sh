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

# trace_part FLAG TEXT: one condition into VALUE; false if nothing, or "any", was asked for
trace_part() {
	[[ -n $2 ]] || return 1
	flag trace_filter.flags "$1" "$([[ $2 == any ]] && printf 0 || printf 1)"
	[[ $2 != any ]]
}

# trace_filter MAP: changes the filter in MAP as was asked for; before the programs
# are loaded, so that the first event matches, too
trace_filter() {
	local level path
	((TRACE_ASKED)) || return 0
	map_create "$1"
	map_value "$1"
	! trace_part "$TRACE_F_UID" "$TRACE_UID" || field trace_filter.uid "$TRACE_UID"
	! trace_part "$TRACE_F_PID" "$TRACE_PID" || field trace_filter.pid "$TRACE_PID"
	if trace_part "$TRACE_F_NAME" "$TRACE_COMM"; then
		field trace_filter.name "$TRACE_COMM"
	fi
	if trace_part "$TRACE_F_CGROUP" "$TRACE_CGROUP"; then
		path=$(cd -- "$TRACE_CGROUP" && pwd -P)
		level=0
		# the root of the hierarchy has no cgroup.type
		while [[ -e $path/cgroup.type ]]; do
			level=$((level + 1))
			path=${path%/*}
		done
		field trace_filter.cgroup "$(stat -c %i -- "$TRACE_CGROUP")"
		field trace_filter.level "$level"
	fi
	map_write "$1" 0
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
	flags=$(field_num pktlat_cfg.flags)
	read -r real mono ptp error <<<"$(look "$READER" -j "${options[@]}" clock | jq -r '"\(.real_ns) \(.mono_ns) \(.ptp_ns) \(.ptp_error_ns)"')"
	[[ $real =~ ^[0-9]+$ ]] || die "the clocks could not be compared (hookmap clock ${options[*]})"
	field pktlat_cfg.real "$real"
	field pktlat_cfg.measured "$mono"
	flags=$((flags | PKTLAT_F_REAL))
	[[ $1 != none ]] || flags=$((flags & ~PKTLAT_F_PTP))
	if ((${#options[@]})); then
		field pktlat_cfg.ptp "$ptp"
		field pktlat_cfg.error "$error"
		flags=$((flags | PKTLAT_F_PTP))
	fi
	field pktlat_cfg.flags "$flags"
}
