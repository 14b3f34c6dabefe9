# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# host.sh - features of the whole host, whose programs attach themselves. A feature is data:
#
#   host_feature NAME [filter] PROGRAM... <<'EOF'
#   its section of attach.sh --help
#   EOF
#
# Its maps are called NAME_*. Its programs are in kern/NAME.o or, if that cannot be attached, in
# kern/NAME_kprobe.o; kern/NAME_fentry.o is for kernels with fentry. "filter": map NAME_cfg is a
# trace_filter, which options change. HOST_WHY may say what a kernel lacks that cannot attach a
# program. If this is not enough, a feature defines functions: NAME_option, NAME_before and
# NAME_after (its programs are loaded), NAME_unshare, NAME_status (see features.sh).

declare -A HOST_HELP=() HOST_PROGRAMS=() HOST_WHY=() HOST_FILTER=()
host_feature() { # NAME [filter] PROGRAM...
	local name=$1 text
	shift
	HOST_FEATURES+=("$name")
	IFS= read -rd '' text || true
	HOST_HELP[$name]=$text
	HOST_FILTER[$name]=0
	if [[ $1 == filter ]]; then
		HOST_FILTER[$name]=1
		shift
	fi
	HOST_PROGRAMS[$name]=$*
}

# host_maps NAME: in MAPS
host_maps() {
	local map
	MAPS=()
	for map in $HM_MAPS; do
		[[ $map != "$1"_* ]] || MAPS+=("$map")
	done
}

host_help() { # NAME
	printf '%s' "${HOST_HELP[$1]}"
	((!HOST_FILTER[$1])) || trace_help
}

host_option() { # NAME OPTION VALUE
	((HOST_FILTER[$1])) && trace_option "${@:2}"
}

host_attach() { # NAME
	local MAPS program loaded=1
	object "kern/$1.o"
	host_maps "$1"
	maps_check "${MAPS[@]}"
	read -r program _ <<<"${HOST_PROGRAMS[$1]}"
	pins_loaded "$1" "$program" || loaded=0
	((!HOST_FILTER[$1])) || trace_filter "$1_cfg"
	! feature_has "$1" before || "$1_before"
	((loaded)) || host_load "$1"
	! feature_has "$1" after || "$1_after"
}

host_load() { # NAME
	local name staging=$PINS/_$1 kprobe=$HM_OBJ/kern/$1_kprobe.o
	maps_create "$1" "${MAPS[@]}"
	defer rm -rf "$staging"
	map_options "${MAPS[@]}"
	object "kern/$1.o"
	if [[ ! -e $kprobe ]]; then
		bpf_load "$staging" "$OBJECT" "${MAP_OPTIONS[@]}" autoattach
	elif ! host_try "$1" "$staging"; then
		run rm -rf "$staging"
		object "kern/$1_kprobe.o"
		host_try "$1" "$staging" || true
	fi
	for name in ${HOST_PROGRAMS[$1]}; do
		((DRY_RUN)) || is_link "$staging/$name" ||
			die "program $name could not be attached: ${HOST_WHY[$1]:-does the kernel have its tracepoint?}"
	done
	if [[ -e $HM_OBJ/kern/$1_fentry.o ]]; then
		object "kern/$1_fentry.o"
		try "$BPFTOOL" -n prog loadall "$OBJECT" "$staging" "${MAP_OPTIONS[@]}" autoattach || true
		for name in "$staging"/*; do
			((DRY_RUN)) || is_link "$name" || run rm -f "$name"
		done
	fi
	run mv "$staging" "$PINS/$1"
	defer rm -rf "$PINS/$1"
}

# host_try NAME STAGING: loads OBJECT; false if its programs cannot be attached on this kernel
host_try() {
	local name
	run mkdir -p "$2"
	try "$BPFTOOL" -n prog loadall "$OBJECT" "$2" "${MAP_OPTIONS[@]}" autoattach || return
	for name in ${HOST_PROGRAMS[$1]}; do
		((DRY_RUN)) || is_link "$2/$name" || return
	done
}

host_detach() { :; }

host_unshare() { # NAME
	local MAPS
	host_maps "$1"
	pins_remove "$1"
	maps_remove "${MAPS[@]}"
}

host_status() { :; }

# --- the filter by process

# The requested filter; empty: unchanged
TRACE_UID='' TRACE_PID='' TRACE_COMM='' TRACE_CGROUP='' TRACE_ASKED=0

trace_help() {
	cat <<'EOF'
  --uid N         of this user
  --pid N         of this process (exec: or its children)
  --name NAME     of processes of this name (at most 15 characters; exec: the new
                    name, but a failed exec leaves the old one)
  --cgroup PATH   of processes in this cgroup (v2) and those below it
  "any" removes a condition. An event must meet all that are set.
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
		# the first one has this inode on all kernels
		((any)) || [[ $(readlink /proc/self/ns/pid) == @(|'pid:[4026531836]') ]] ||
			die "--pid $2: outside of this PID namespace, where the programs look, it has another number: use --cgroup or --name"
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

# trace_part FLAG TEXT: writes one condition to VALUE; false if TEXT is empty or "any"
trace_part() {
	[[ -n $2 ]] || return 1
	flag trace_filter.flags "$1" "$([[ $2 == any ]] && printf 0 || printf 1)"
	[[ $2 != any ]]
}

# trace_filter MAP: changes the filter in MAP as requested. Call it before the programs are
# loaded, so that the first event also matches.
trace_filter() {
	local level path
	((TRACE_ASKED)) || return 0
	maps_create "${1%_cfg}" "${MAPS[@]}"
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
