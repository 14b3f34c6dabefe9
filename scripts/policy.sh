#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# policy.sh - checks, loads and shows the rules of the feature policy. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/features/policy.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/policy_beside.sh"
. "$HM_SCRIPTS/lib/progress.sh"

usage() {
	cat <<'EOF'
usage: policy.sh [OPTION...] check FILE...   validates files, changes nothing
       policy.sh [OPTION...] load FILE...    replaces all rules
       policy.sh [OPTION...] add FILE...     adds rules and next hops
       policy.sh [OPTION...] del ID...       removes rules
       policy.sh [OPTION...] show            prints the current rules as a file to load
       policy.sh [OPTION...] diff FILE...    compares files with the current rules
       policy.sh [OPTION...] flush           removes all rules

Without a command, it shows the current rules and their counters (hookmap policy).
Several files form one set, in the given order. "-" is standard input. tc/README.md
(installed in share/doc/hookmap) describes the file; policy.schema.json, beside this
script, is its schema.
Rules apply to the devices that policy is attached to (attach.sh DEV policy). A new set
replaces the old one atomically: each packet sees either the old set or the new one.

  -n, --dry-run   show the commands, run none
  -v, --verbose   show the commands as they run
  -h, --help

Exit status: 0 done, 1 error, nothing changed, 2 usage. diff: 0 equal, 1 different,
2 error or usage.
EOF
}

options '-n|--dry-run -v|--verbose -h|--help' "$@"
set -- "${ARGS[@]}"
(($#)) || show_with policy
VERB=$1
shift
case $VERB in
check | load | add | diff) (($#)) || misuse "$VERB needs a file" ;;
del) (($#)) || misuse "del needs the id of a rule" ;;
show | flush) ((!$#)) || misuse "$VERB takes no file" ;;
*) misuse "unknown verb $VERB: expected check, load, add, del, show, diff or flush" ;;
esac

WORK='' LOADING=0 DIFFERENT=0
finish() {
	local status=$? error=1
	[[ $VERB != diff ]] || error=2
	((status != 1 || DIFFERENT)) || status=$error
	trap '' INT TERM HUP
	phase ''
	((!LOADING)) || load_clean
	[[ -z $WORK ]] || rm -rf -- "$WORK"
	leave "$status" "$error"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
need_tools jq awk ip
load_abi
WORK=$(mktemp -d)

# bounded COMMAND...: limits it to HM_LIMIT seconds; its messages are in $WORK/error
bounded() {
	local status=0
	{ timeout -s KILL "$HM_LIMIT" "$@"; } 2>"$WORK/error" || status=$?
	((status != 137)) || printf 'error: it was killed after %s seconds (HOOKMAP_LIMIT)\n' "$HM_LIMIT" >"$WORK/error"
	return "$status"
}

# cfg_load: reads the current settings: GEN, limits
cfg_load() {
	VALUE=()
	map_shape pol_cfg
	value_new "$VALUE_SIZE"
	if [[ -e $GLOBALS/pol_cfg ]]; then
		local raw
		pins_own || true
		raw=$(bpftool -j map lookup pinned "$GLOBALS/pol_cfg" key 0 0 0 0 2>"$WORK/error") || {
			answered || exit 1
			die "map $GLOBALS/pol_cfg cannot be read: be root, or is it another version's? ($(first_error "$(<"$WORK/error")"))"
		}
		raw=${raw#*'"value":['}
		raw=${raw%%]*}
		raw=${raw//[\"x]/ }
		raw=${raw// 0 / }
		raw=${raw//,/ }
		read -ra VALUE <<<"$raw"
		((${#VALUE[@]} == VALUE_SIZE)) ||
			die "map $GLOBALS/pol_cfg has ${#VALUE[@]} bytes, expected $VALUE_SIZE: made by another version"
	fi
	GEN=$(field_num pol_cfg.gen)
	# the other slot; 0 means none
	NEXT=$((GEN < 4294967295 ? GEN + 1 : 2))
	MAX_RULES=$(field_num pol_cfg.max_rules)
	MAX_TUPLES=$(field_num pol_cfg.max_tuples)
	MAX_HOPS=$(field_num pol_cfg.max_hops)
}

# inputs FILE...: reads them once, before we take the lock, so that others do not wait for a person or
# a file system. INPUTS are the copies, NAMES their original names.
declare -A NAMES=()
inputs() {
	local file
	INPUTS=()
	for file; do
		INPUTS+=("$file")
		if [[ $file == - ]]; then
			INPUTS[-1]=$WORK/input.${#INPUTS[@]}
			cat >"${INPUTS[-1]}"
			NAMES[_${INPUTS[-1]}]='standard input'
		elif [[ -r $file && ! -d $file ]]; then
			INPUTS[-1]=$WORK/input.${#INPUTS[@]}
			read_input "$file" cat -- "$file" >"${INPUTS[-1]}" 2>/dev/null || die "$file: cannot be read: is ${TMPDIR:-/tmp} full?"
			NAMES[_${INPUTS[-1]}]=$file
		fi
	done
}

# rules MODE FILE...: the compiler (user/rules/main.c) over the files
rules() {
	local mode=$1 file files=() cpus
	shift
	compiler
	for file; do files+=("${NAMES[_$file]:-$file}" "$file"); done
	[[ -e $WORK/links ]] || ip_json -d link >"$WORK/links" || die "ip -j -d link failed"
	cpus=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
	"$COMPILER" "$mode" --links "$WORK/links" --gone "$WORK/gone" --facts "$WORK/facts" --cfg "${VALUE[*]}" --cpus "$((cpus + 1))" \
		--maps "$GLOBALS" --pins "$PINS/policy" -- "${files[@]}"
}

# known FILE...: if a device of these files is missing, writes the devices of the current rules to
# $WORK/gone: it may come back
known() {
	local missing
	: >"$WORK/gone"
	missing=$(rules missing "$@" 2>/dev/null) || true # errors are reported later
	[[ -n $missing ]] && ((GEN)) || return 0
	hookmap_reader
	look "$READER" -j --bpffs "$BPFFS" policy | jq -r '[.nexthops[].dev, .rows[].rule.match.iif] - [null] | unique[]' >"$WORK/gone"
}

# beside FILE...: writes what the rules bypass to $WORK/facts
beside() {
	local devs=() tables inode features name
	use_netns ''
	((EUID)) || dev_list
	while read -r inode _ features _ _ _ name; do
		[[ $inode != "$NETNS_INODE" ]] || ((!(features & HM_FEAT_policy))) || devs+=("$name")
	done <<<"$DEVS"
	known "$@"
	beside_look "${devs[@]}" >"$WORK/look"
	tables=$(rules tables "$@") || exit 1
	{
		beside_in "$WORK/look"
		# shellcheck disable=SC2086
		beside_tables $tables
	} >"$WORK/facts"
	# incomplete facts would be wrong
	answered || exit 1
}

attached() {
	need_caps bpf net_admin
	need_tools "$BPFTOOL" flock
	need_bpffs
	[[ -e $GLOBALS/pol_cfg ]] ||
		die "policy is attached to no device: attach it first ($HM_SCRIPTS/attach.sh DEV policy)"
	lock
	cfg_load
	local inode have
	inode=$(stat -L -c %i /proc/self/ns/net)
	have=$(field_num pol_cfg.netns)
	[[ $have == "$inode" || $have == 0 ]] ||
		die "policy is attached in another network namespace (inode $have): run this in it"
}

# load_clean: removes the working files of a load
load_clean() {
	rm -rf -- "$PINS/policy"
	rmdir -- "$PINS" 2>/dev/null || true
	LOADING=0
}

# load FILE...: activates the set of the files
load() {
	hookmap_reader
	phase "compiling"
	beside "$@"
	rules batch "$@" >"$WORK/batch" || exit 1
	phase ''
	if ((VERBOSE || DRY_RUN)); then tell sed 's/^/+ bpftool /' "$WORK/batch"; fi
	((!DRY_RUN)) || return 0
	# leftovers of a killed load
	rm -rf -- "$PINS/policy"
	LOADING=1
	mkdir -p "$PINS/policy"
	# commands before the new set is active, and those after
	sed -n '/pol_cfg key /,$!p' "$WORK/batch" >"$WORK/fill"
	sed -n '/pol_cfg key /,$p' "$WORK/batch" >"$WORK/switch"
	local status=0 want=$NEXT
	progress loading "$WORK/fill" bounded "$BPFTOOL" -n batch file >/dev/null || status=$?
	((!status)) || die "loading failed, the old rules stay: bpftool: $(first_error "$(<"$WORK/error")")"
	phase "looking each rule up"
	bounded "$READER" --bpffs "$BPFFS" policy --verify next ||
		die "loading failed, the old rules stay: $(first_error "$(<"$WORK/error")")"
	phase ''
	bounded "$BPFTOOL" -n batch file "$WORK/switch" >/dev/null || status=$?
	load_clean
	cfg_load
	((GEN == want)) || die "loading failed, the old rules stay: bpftool: $(first_error "$(<"$WORK/error")")"
	((!status)) || warn "the rules are in force, but cleaning up failed: $(first_error "$(<"$WORK/error")")"
}

# current: the active set, as a file that can be loaded
current() {
	hookmap_reader
	look "$READER" -j --bpffs "$BPFFS" policy | jq '{nexthops, rules: [.rows[].rule]}' | json_escaped
}

NAMES=(["_$WORK/current"]='rules in force' ["_$WORK/rest"]='rules in force')
case $VERB in
check | load | add | diff) inputs "$@" ;;
esac
case $VERB in
check)
	GEN=0 NEXT=1 MAX_RULES=0 MAX_TUPLES=0 MAX_HOPS=0
	VALUE=()
	((EUID)) || cfg_load
	beside "${INPUTS[@]}"
	rules check "${INPUTS[@]}"
	;;
load)
	attached
	load "${INPUTS[@]}"
	;;
flush)
	attached
	printf '{}\n' >"$WORK/empty"
	load "$WORK/empty"
	;;
show)
	attached
	current >"$WORK/current"
	unlock
	cat "$WORK/current"
	;;
add)
	attached
	current >"$WORK/current"
	load "$WORK/current" "${INPUTS[@]}"
	;;
del)
	attached
	current >"$WORK/current"
	for id; do
		jq -e --arg id "$id" 'any(.rules[]; .id == $id)' "$WORK/current" >/dev/null || die "no rule has the id $id"
	done
	jq '.rules |= map(select(.id as $id | $ARGS.positional | index([$id]) | not))' \
		--args -- "$@" <"$WORK/current" >"$WORK/rest"
	load "$WORK/rest"
	;;
diff)
	attached
	current >"$WORK/current"
	known "$WORK/current" "${INPUTS[@]}"
	rules text "$WORK/current" >"$WORK/in force"
	rules text "${INPUTS[@]}" >"$WORK/file" || exit 1
	cd -- "$WORK"
	unlock
	diff -u "in force" file || {
		DIFFERENT=$(($? == 1))
		exit $((2 - DIFFERENT))
	}
	;;
esac
