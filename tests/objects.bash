# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# objects.bash - for the suites that test every object: the objects in build/, their
# programs and maps.

# objects FOLDER: the objects whose source exists. At least one.
objects() {
	local source object found=0
	OBJECTS=()
	for source in "$HM_TOP/$1"/*.c; do
		object=$HM_BUILD/$1/$(basename "$source" .c).o
		[[ -r $object ]] || {
			printf '%s is not built: make\n' "$object" >&2
			return 1
		}
		can_load "$object" || {
			LACKING+=("${object#"$HM_BUILD"/}")
			report lacks "$object"
			continue
		}
		OBJECTS+=("$object")
		found=1
	done
	((found))
}

# report loads|lacks|fails OBJECT: a TAP comment, for the table of tests/vm/
report() { [[ -z ${HM_VM:-} ]] || printf '# %s: %s\n' "$1" "${2#"$HM_BUILD"/}" >&3; }

# symbols OBJECT: from the list that make creates; reading them from the object is slow on an emulated CPU
symbols() {
	local list=$HM_BUILD/tests/symbols
	if [[ $list -nt $1 ]]; then
		awk -v object="${1#"$HM_BUILD"/}" 'index($0, object " ") == 1 { sub(/^[^ ]+ /, ""); print }' "$list"
	else
		llvm-objdump -t "$1"
	fi
}

# programs OBJECT: one line "section name" per program
programs() {
	symbols "$1" | awk '/^[0-9a-f]+ g +F / && $4 != ".text" { print $4, $NF }'
}

# shared_maps OBJECT: creates the maps that abi.h describes, unless attach has pinned them;
# MAPS are the words that pass them to bpftool
shared_maps() {
	local name shape type key value entries flags
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	MAPS=()
	while read -r name; do
		if [[ -e $G/$name ]]; then
			MAPS+=(map name "$name" pinned "$G/$name")
			continue
		fi
		shape=HM_MAP_$name
		read -r type key value entries flags <<<"${!shape:-}"
		# maps that only the object declares; or that need an inner map, which the object has
		[[ -n $type && $type != *_of_maps ]] || continue
		# 0: any number
		[[ -e /sys/fs/bpf/t/$name ]] || must "map $name" bpftool -n map create "/sys/fs/bpf/t/$name" type "$type" key "$key" value "$value" \
			entries "$((entries ? entries : 1024))" name "$name" flags "$flags" || return 1
		MAPS+=(map name "$name" pinned "/sys/fs/bpf/t/$name")
	done < <(symbols "$1" | awk '$4 == ".maps" { print $NF }')
}

# can_load OBJECT: false if it needs a program type or a function that this kernel lacks
can_load() {
	local kinds kind function
	kinds=$(programs "$1" | cut -d/ -f1 | sort -u)
	for kind in fentry kprobe; do
		grep -qxE "$kind|${kind/entry/exit}|${kind/kprobe/kretprobe}" <<<"$kinds" || continue
		has "$kind" || return 1
	done
	# functions of a module that is not loaded: Open vSwitch
	while read -r function; do
		grep -qw -m 1 -- "$function" /proc/kallsyms || return 1
	done < <(programs "$1" | sed -nE 's,^(fentry|fexit|kprobe|kretprobe)/([^ ]+) .*,\2,p')
}

# fresh: no pins
fresh() {
	find /sys/fs/bpf -mindepth 1 -depth ! -name '*.debug' -delete
	mkdir -p /sys/fs/bpf/t
}

# must WHAT COMMAND...: if it fails, the test fails with the command's output
must() {
	local what=$1 out
	shift
	out=$("$@" 2>&1) && return
	report fails "$what"
	printf '%s: %s\n%s\n' "$what" "$*" "$out" >&2
	return 1
}

# gone ID: the kernel has freed the program
gone() {
	if bpftool prog show id "$1"; then return 1; fi
}
