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
usage: policy.sh [OPTION...] check FILE...   is it right? Nothing is changed
       policy.sh [OPTION...] load FILE...    replaces all rules
       policy.sh [OPTION...] add FILE...     adds rules and next hops
       policy.sh [OPTION...] del ID...       takes rules away
       policy.sh [OPTION...] show            the rules in force, as a file to load
       policy.sh [OPTION...] diff FILE...    how they differ from those in force
       policy.sh [OPTION...] flush           takes all rules away

Several files are one set: their rules follow each other. "-" is standard input.
tc/README.md has the reference of the file, scripts/policy.schema.json its schema.
Rules go to the devices that policy is attached to (attach.sh DEV policy). A new set
comes into force at once: each packet sees all of the old or all of the new one.

  -n, --dry-run   only show the commands
  -v, --verbose   show the commands, too
  -h, --help

Exit status: 0 done, 1 error and nothing changed, 2 usage. diff: 0 equal, 1 different,
2 error or usage.
EOF
}

options '-n|--dry-run -v|--verbose -h|--help' "$@"
set -- "${ARGS[@]}"
VERB=${1:-}
(($#)) && shift
case $VERB in
check | load | add | diff) (($#)) || misuse "$VERB needs a file" ;;
del) (($#)) || misuse "del needs the id of a rule" ;;
show | flush) ((!$#)) || misuse "$VERB takes no file" ;;
'') misuse "expected check, load, add, del, show, diff or flush" ;;
*) misuse "unknown verb $VERB" ;;
esac

need_tools jq awk ip
load_abi

WORK=$(mktemp -d) LOADING=0 DIFFERENT=0
finish() {
	local status=$?
	[[ $VERB != diff || $status != 1 ]] || ((DIFFERENT)) || status=2
	trap '' INT TERM HUP
	phase ''
	((!LOADING)) || load_clean
	rm -rf -- "$WORK"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# cfg_load: what is in force: GEN, limits
cfg_load() {
	VALUE=()
	map_shape pol_cfg
	value_new "$VALUE_SIZE"
	if [[ -e $GLOBALS/pol_cfg ]]; then
		local raw
		raw=$("$BPFTOOL" -j map lookup pinned "$GLOBALS/pol_cfg" key 0 0 0 0 2>/dev/null) ||
			die "map $GLOBALS/pol_cfg cannot be read: be root, or is it another version's?"
		raw=${raw#*'"value":['}
		raw=${raw%%]*}
		raw=${raw//[\"x]/ }
		raw=${raw// 0 / }
		raw=${raw//,/ }
		read -ra VALUE <<<"$raw"
		((${#VALUE[@]} == VALUE_SIZE)) ||
			die "map $GLOBALS/pol_cfg has ${#VALUE[@]} bytes, expected $VALUE_SIZE: made by another version"
	fi
	GEN=$(value_u32 "$HM_OFF_pol_cfg_gen")
	# the other slot, whatever it is; 0 is none
	NEXT=$((GEN < 4294967295 ? GEN + 1 : 2))
	MAX_RULES=$(value_u32 "$HM_OFF_pol_cfg_max_rules")
	MAX_TUPLES=$(value_u32 "$HM_OFF_pol_cfg_max_tuples")
	MAX_HOPS=$(value_u32 "$HM_OFF_pol_cfg_max_hops")
}

# inputs FILE...: what comes through a pipe is read here, before the lock is held: nobody
# waits for who types. The files are in INPUTS then, and NAMES says what they are called.
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
		elif [[ -p $file && -r $file ]]; then
			INPUTS[-1]=$WORK/input.${#INPUTS[@]}
			cat <"$file" >"${INPUTS[-1]}"
			NAMES[_${INPUTS[-1]}]=$file
		fi
	done
}

# flatten FILE...: the files as sorted lines, in $WORK/lines. One by one: jq would read what
# one file begins and the next one ends as a whole.
flatten() {
	local file name n=0
	ip_json link >"$WORK/links" || die "ip -j link failed"
	: >"$WORK/flat"
	for file; do
		name=${NAMES[_$file]:-$file}
		[[ $file != -* ]] || file=./$file
		[[ -f $file && -r $file ]] || die "$name: no such file, or not readable"
		if ! jq -n -r --slurpfile links "$WORK/links" --arg file "$name" --argjson n "$n" \
			-f "$HM_SCRIPTS/lib/policy.jq" "$file" >>"$WORK/flat" 2>"$WORK/error"; then
			jq empty "$file" 2>"$WORK/error2" || die "$name: not JSON: $(first_error "$(<"$WORK/error2")")"
			die "jq failed: $(first_error "$(<"$WORK/error")")"
		fi
		name=${name//\\/\\\\} name=${name//$'\t'/\\t}
		HM_FILE=${name//$'\n'/\\n} awk -f "$HM_SCRIPTS/lib/policy_keys.awk" <"$file" >>"$WORK/flat"
		n=$(grep -c '^5' "$WORK/flat" || true)
	done
	sort -t $'\t' -s -k1,1 -k2,2n -k3,3n <"$WORK/flat" >"$WORK/lines"
	FILES=$#
}

# beside: adds to $WORK/lines what the rules go past
beside() {
	local devs=() tables list='' inode features name
	use_netns ''
	((EUID)) || list=$(dev_list) || exit 1
	while read -r inode _ features _ _ _ name; do
		[[ $inode != "$NETNS_INODE" ]] || ((!(features & HM_FEAT_policy))) || devs+=("$name")
	done <<<"$list"
	beside_look "${devs[@]}" >"$WORK/look"
	mapfile -t tables < <(awk -F'\t' '$1 == 5 && $17 == "table" && $18 ~ /^[0-9]+$/ && !seen[$18]++ && ++n <= 16 { print $18 }' "$WORK/lines")
	{
		beside_in "$WORK/look"
		beside_tables "${tables[@]}"
	} >>"$WORK/lines"
}

# compile MODE: policy.awk over $WORK/lines
compile() {
	local cpus cfg_rest='' byte
	cpus=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
	for byte in "${VALUE[@]:4}"; do cfg_rest+=" 0x$byte"; done
	awk -v mode="$1" -v gen="$NEXT" -v old="$((GEN > 0))" \
		-v maps="$GLOBALS" -v new="$PINS/policy" -v files="$FILES" \
		-v endian="$HM_ENDIAN" -v cpus="$((cpus + 1))" -v cfg_rest="$cfg_rest" \
		-v max_rules="$((MAX_RULES ? MAX_RULES : POL_RULES_MAX))" \
		-v max_tuples="$((MAX_TUPLES ? MAX_TUPLES : POL_TUPLES_DEF))" \
		-v max_hops="$((MAX_HOPS ? MAX_HOPS : POL_HOPS_DEF))" \
		-v tuples_map="$POL_TUPLES" -v hops_map="$POL_HOPS" -v layers="$POL_LAYERS" \
		-v filter_len="$POL_FILTER_LEN" -v filter_max="$POL_FILTER_MAX" \
		-v size_block="$HM_SIZE_pol_block" -v size_more="$HM_SIZE_pol_block_more" \
		-v size_count="$HM_SIZE_pol_count" -v size_port_key="$HM_SIZE_pol_port_key" \
		-v size_port="$HM_SIZE_pol_port" -v inner_flag="$POL_INNER" -v aligned_flags="$POL_ALIGNED" \
		-v block="$POL_BLOCK" -v links="$POL_LINKS" -v shift_len="$POL_SHIFT_LEN" -v shift_max="$POL_SHIFT_MAX" \
		-v hash_mul="$POL_HASH_MUL" -v mix_low="$POL_MIX_LOW" -v mix_high="$POL_MIX_HIGH" \
		-f "$HM_SCRIPTS/lib/policy.awk" "$WORK/lines" "$WORK/lines"
}

attached() {
	need_caps bpf net_admin
	need_tools "$BPFTOOL" flock
	need_bpffs
	[[ -e $GLOBALS/pol_cfg ]] ||
		die "policy is attached to no device: attach it first ($HM_SCRIPTS/attach.sh DEV policy)"
	lock
	cfg_load
	local inode
	inode=$(stat -L -c %i /proc/self/ns/net)
	[[ $(policy_netns) == "$inode" || $(policy_netns) == 0 ]] ||
		die "policy is attached in another network namespace (inode $(policy_netns)): run this in it"
}

# load_clean: what a load works in
load_clean() {
	rm -rf -- "$PINS/policy"
	rmdir -- "$PINS" 2>/dev/null || true
	LOADING=0
}

# load FILE...: the set of the files comes into force
load() {
	hookmap_reader
	phase "reading"
	flatten "$@"
	beside
	phase "compiling"
	compile batch >"$WORK/batch" || exit 1
	phase ''
	if ((VERBOSE || DRY_RUN)); then sed 's/^/+ bpftool /' "$WORK/batch" >&2; fi
	((!DRY_RUN)) || return 0
	# what a load that was killed has left
	rm -rf -- "$PINS/policy"
	LOADING=1
	mkdir -p "$PINS/policy"
	# what comes before the new set is in force, and what from then on
	sed -n '/pol_cfg key /,$!p' "$WORK/batch" >"$WORK/fill"
	sed -n '/pol_cfg key /,$p' "$WORK/batch" >"$WORK/switch"
	local status=0 want=$NEXT
	progress loading "$WORK/fill" "$BPFTOOL" -n batch file >/dev/null 2>"$WORK/error" || status=$?
	((!status)) || die "loading failed, the old rules stay: bpftool: $(first_error "$(<"$WORK/error")")"
	phase "looking each rule up"
	"$READER" --bpffs "$BPFFS" policy --verify next 2>"$WORK/error" ||
		die "loading failed, the old rules stay: $(first_error "$(<"$WORK/error")")"
	phase ''
	"$BPFTOOL" -n batch file "$WORK/switch" >/dev/null 2>"$WORK/error" || status=$?
	load_clean
	cfg_load
	((GEN == want)) || die "loading failed, the old rules stay: bpftool: $(first_error "$(<"$WORK/error")")"
	((!status)) || warn "the rules are in force, but cleaning up failed: $(first_error "$(<"$WORK/error")")"
}

# current: the set in force, as a file to load
current() {
	hookmap_reader
	"$READER" -j --bpffs "$BPFFS" policy | jq '{nexthops, rules: [.rows[].rule]}' | json_escaped
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
	flatten "${INPUTS[@]}"
	beside
	compile check
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
	current
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
	flatten "$WORK/current"
	compile text >"$WORK/a"
	cp "$WORK/a" "$WORK/in force"
	flatten "${INPUTS[@]}"
	compile text >"$WORK/b" || exit 1
	mv "$WORK/b" "$WORK/file"
	cd -- "$WORK"
	diff -u "in force" file || {
		DIFFERENT=$(($? == 1))
		exit $((2 - DIFFERENT))
	}
	;;
esac
