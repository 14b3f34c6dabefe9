#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# new.sh - starts a new BPF object of this collection from a template. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: new.sh [OPTION...] HOOK NAME
       new.sh [OPTION...] host NAME

Writes HOOK/NAME.c, a program that counts packets in its own map NAME_stat, and builds it.
HOOK is xdp, tc, iptables or kern. tests/objects/objects.bats finds and tests it.

"host" writes a host feature (attach.sh --host NAME) that counts packets, in five files:
kern/abi/NAME.h, kern/NAME.c, scripts/features/NAME.sh, user/NAME.c and tests/NAME/live.bats.
Nothing else needs an edit.

  --bare          without a map (xdp only: a copy of xdp/pass.c)
  -n, --dry-run   show the source, write nothing
  -v, --verbose   show the commands as they run
  -h, --help

Exit status: 0 written and built, 1 error, 2 usage. Existing sources are never changed.
EOF
}

BARE=0
option() { BARE=1; } # --bare
options '-n|--dry-run -v|--verbose -h|--help --bare' "$@"
((${#ARGS[@]} == 2)) || misuse "a hook and a name are needed"
HOOK=${ARGS[0]} NAME=${ARGS[1]}
case $HOOK in
xdp) SUFFIX=xdp ;;
tc) SUFFIX=tc ;;
iptables) SUFFIX=iptables ;;
kern) SUFFIX=cgroup ;;
host) SUFFIX=receive ;;
*) misuse "unknown hook $HOOK; hooks are: xdp, tc, iptables, kern, host" ;;
esac
# NAME_stat must fit into the 15 characters that the kernel keeps of a map's name
[[ $NAME =~ ^[a-z][a-z0-9_]{0,9}$ ]] ||
	misuse "name $NAME: use up to 10 lower-case letters, digits and _, starting with a letter"
((!BARE)) || [[ $HOOK == xdp ]] || misuse "--bare works for xdp only"

TOP=$(dirname -- "$HM_SCRIPTS")
[[ -e $TOP/Makefile ]] || die "$TOP has no Makefile: new.sh works in the source tree"

# host_bit: the first bit of hm_dev.features that is free, in BIT
host_bit() {
	local n=1
	printf -v BIT '0x%x' "$n"
	while grep -qsE "^#define HM_FEAT_\w+ $BIT\b" "$TOP"/kern/abi/*.h; do
		n=$((n << 1))
		printf -v BIT '0x%x' "$n"
	done
}

# host_new: the files of a feature
host_new() {
	local part target file files=()
	local -A parts=([abi.h]=kern/abi/$NAME.h [kern.c]=kern/$NAME.c [feature.sh]=scripts/features/$NAME.sh [verb.c]=user/$NAME.c [test.bats]=tests/$NAME/live.bats)
	for part in abi.h kern.c feature.sh verb.c test.bats; do
		target=${parts[$part]}
		[[ ! -e $TOP/$target ]] || die "$TOP/$target already exists: choose another name"
	done
	! grep -qsE "^VERB\($NAME," "$TOP"/user/*.c || die "verb $NAME already exists: choose another name"
	host_bit
	undo_on_exit
	for part in abi.h kern.c feature.sh verb.c test.bats; do
		target=${parts[$part]}
		file=$(<"$HM_SCRIPTS/new/$part.in")
		file=${file//sample/"$NAME"}
		file=${file//UPPER/"${NAME^^}"}
		file=${file//FREE_BIT/"$BIT"}
		if ((DRY_RUN)); then
			printf '%s:\n%s\n\n' "$target" "$file"
			continue
		fi
		[[ -d $TOP/${target%/*} ]] || {
			run mkdir "$TOP/${target%/*}"
			defer rmdir "$TOP/${target%/*}"
		}
		defer rm -f "$TOP/$target"
		printf '%s\n' "$file" >"$TOP/$target" || die "cannot write $TOP/$target"
		files+=("$target")
	done
	((!DRY_RUN)) || exit 0
	run make -C "$TOP" "O=$HM_OBJ"
	commit
	printf '%s\n' "${files[@]}"
	note "try attach.sh --host $NAME, hookmap $NAME, bats tests/$NAME/live.bats"
	exit
}
[[ $HOOK != host ]] || host_new
FROM=count
((!BARE)) || FROM=pass
TEMPLATE=$TOP/$HOOK/$FROM.c TARGET=$TOP/$HOOK/$NAME.c
[[ -r $TEMPLATE ]] || die "$TEMPLATE is not there: new.sh works in the source tree"
[[ ! -e $TARGET ]] || die "$TARGET already exists: choose another name"
# two programs of one name would be hard to distinguish in the machine's list
! grep -qsE "int ${NAME}_$SUFFIX\(|^HM_XDP\($NAME\)" "$TOP/$HOOK"/*.c || die "program ${NAME}_$SUFFIX already exists in $HOOK/"
! grep -qE "HM_MAP_${NAME}_stat\(" "$TOP"/kern/abi/*.h || die "map ${NAME}_stat already exists in kern/abi: choose another name"

# The map is declared in the new file, as a private map.
source_of() {
	sed -e "s|$HOOK/$FROM\\b|$HOOK/$NAME|g" -e "s/\\b${FROM}_$SUFFIX\\b/${NAME}_$SUFFIX/g" \
		-e "s/^HM_XDP($FROM)/HM_XDP($NAME)/; s/\\b${FROM}_frags\\b/${NAME}_frags/g" \
		-e "s/\\bcount_stat\\b/${NAME}_stat/g" \
		-e "s|map name ${NAME}_stat pinned .*|pinmaps /sys/fs/bpf/${NAME}_maps|" \
		-e "s|^HM_MAP(${NAME}_stat);|/* Known here only. A map that scripts or the reader shall know is described in\\
 * kern/abi, and declared with HM_MAP(name). */\\
HM_DECLARE(${NAME}_stat, PERCPU_ARRAY, __u32, struct count_row, COUNT_KINDS, 0);|" "$TEMPLATE"
}

if ((DRY_RUN)); then
	source_of
	exit 0
fi
undo_on_exit
# ln refuses an existing target atomically
TEMP=$(mktemp "$TOP/$HOOK/.new.XXXXXX" 2>/dev/null) || die "cannot write to $TOP/$HOOK"
defer rm -f "$TEMP"
source_of >"$TEMP"
chmod 644 "$TEMP"
ln "$TEMP" "$TARGET" 2>/dev/null || die "cannot write $TARGET"
defer rm -f "$TARGET" "$HM_OBJ/$HOOK/$NAME".{ll,d,o}
# (make uses relative names below its own directory)
run make -C "$TOP" "O=$HM_OBJ" "${HM_OBJ#"$TOP/"}/$HOOK/$NAME.o"
commit
rm -f "$TEMP"
printf '%s/%s.c\n%s\n' "$HOOK" "$NAME" "$HM_OBJ/$HOOK/$NAME.o"
note "try scripts/run.sh $HOOK/$NAME tests/packets/three.pcap"
