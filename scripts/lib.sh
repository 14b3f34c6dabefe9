# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh - shared by all scripts: errors, printed commands, undo, the lock, pins, maps,
# namespaces. Source it first; it sets the shell's options.
#
# Environment:
#   HOOKMAP_BPFFS    bpf filesystem that holds the pins (/sys/fs/bpf)
#   HOOKMAP_OBJ      built objects and abi.sh (build/ beside scripts/)
#   HOOKMAP_CGROUP   cgroup v2 whose sockets are measured (the root)
#   HOOKMAP_LIMIT    seconds after which a command that hangs is ended (120)
#   IPTABLES, IP6TABLES, BPFTOOL  the commands to use

# (SHELLOPTS and BASHOPTS can set others)
set -euo pipefail +Cafk
shopt -u dotglob failglob nocasematch nullglob
export LC_ALL=C
# other ways of reading options, file names and folders
unset POSIXLY_CORRECT GLOBIGNORE CDPATH
# otherwise the next opened file would become this descriptor
[[ -e /proc/self/fd/0 ]] || exec </dev/null
[[ -e /proc/self/fd/1 ]] || exec >/dev/full
[[ -e /proc/self/fd/2 ]] || exec 2>/dev/null

HM_NAME=${0##*/}
HM_SCRIPTS=${BASH_SOURCE[0]%/*}
[[ $HM_SCRIPTS == /* ]] || HM_SCRIPTS=$(cd -- "$HM_SCRIPTS" && pwd)
HM_OBJ=${HOOKMAP_OBJ:-${HM_SCRIPTS%/*}/build}
[[ $HM_OBJ == /* ]] || HM_OBJ=$PWD/$HM_OBJ
BPFTOOL=${BPFTOOL:-bpftool}
IPTABLES=${IPTABLES:-iptables}
IP6TABLES=${IP6TABLES:-ip6tables}
# sbin is not in everybody's PATH
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

VERBOSE=0
DRY_RUN=0

# --- messages

# spoken TEXT: prints TEXT with scripts called as this one was: attach.sh, or if installed,
# hookmap-attach
spoken() {
	local text=$1 name
	if [[ $HM_NAME != *.sh ]]; then
		text=${text//"$HM_SCRIPTS/"/}
		text=${text//"scripts/"/}
		for name in "$HM_SCRIPTS"/*.sh; do
			name=${name##*/}
			text=${text//"$name"/"hookmap-${name%.sh}"}
		done
	fi
	printf '%s\n' "$text"
}

# shellcheck source=scripts/lib/text.sh
. "$HM_SCRIPTS/lib/text.sh"

# tell COMMAND...: sends its output to standard error. If the reader has left, work goes on. If it
# stands still while we hold the lock, it gets this message, and all later ones, from unlock.
HM_LATER=''
tell() {
	if [[ -z $HM_LATER || ! /dev/stderr -ef /proc/self/fd/$HM_STDERR ]]; then
		tell_now "$@"
	elif [[ -s $HM_LATER ]] || ! tell_soon "$@"; then
		"$@" >>"$HM_LATER" || true
	fi
}
tell_now() {
	(
		trap '' PIPE
		"$@" >&2
	) || true
}
# tell_soon COMMAND...: false if the reader takes longer than that. (A killed child has no child.)
tell_soon() {
	local HM_LIMIT=3 HELD OUT PIPE_IN PIPE_OUT status=0 text
	text=$("$@" && printf .) || true
	pipe_new
	(
		exec {HM_LOCK}<&-
		trap '' PIPE
		printf %s "${text%.}" >&2
	) 3>&"$PIPE_IN" &
	await || status=$?
	((status != 137))
}

# unlock: call it before waiting for a person. It prints the messages that were held back.
HM_LOCK=''
unlock() {
	local later=$HM_LATER
	[[ -z $HM_LOCK ]] || exec {HM_LOCK}<&-
	HM_LOCK='' HM_LATER=''
	[[ ! -s $later ]] || tell_now cat "$later" 2>&"$HM_STDERR"
}

die() {
	# the hang was already reported
	answered || exit 1
	tell spoken "$HM_NAME: $(clean "$*")"
	exit 1
}

misuse() {
	tell spoken "$HM_NAME: $(clean "$*") (see $HM_NAME --help)"
	exit 2
}

# warn: something works less well than the user may expect; note: good to know
warn() { tell spoken "$HM_NAME: warning: $(clean "$*")"; }
note() { tell spoken "$HM_NAME: note: $(clean "$*")"; }

# leave STATUS [ERROR]: exit; ERROR (1) replaces the status of a command that failed
# unexpectedly. Ours are 0, 1 and 2, and those of signals.
leave() {
	unlock
	(($1 > 2 && $1 < 128)) || exit "$1"
	warn "failed, with exit status $1: ${BASH_COMMAND%%$'\n'*}"
	exit "${2:-1}"
}
trap 'leave $?' EXIT

# number WHAT TEXT MIN MAX: a decimal number from the command line, in NUMBER. 010 is refused: it
# is 8 to some and 10 to others.
number() {
	[[ $2 =~ ^(0|[1-9][0-9]{0,9})$ ]] && (($2 >= $3 && $2 <= $4)) ||
		misuse "$1 $2: expected a number from $3 to $4"
	NUMBER=$2
}

# --- temporary files

# scratch VAR: the path of an empty file in VAR. It has no name that others could take, and it
# disappears when this process ends in any way.
scratch() {
	scratch_try "$1" || die "cannot create a temporary file in ${TMPDIR:-/tmp}"
}
scratch_try() {
	local file fd
	if [[ ${!1:-} != /proc/self/fd/* ]]; then
		file=$(mktemp 2>/dev/null) || return 1
		exec {fd}<>"$file"
		rm -f "$file"
		printf -v "$1" '/proc/self/fd/%d' "$fd"
	fi
	: >"${!1}"
}

# into FILE: writes standard input into it
into() { cat >"$1" 2>/dev/null || scratch_full; }

scratch_full() {
	cat >/dev/null # the writer must not report SIGPIPE
	die "a temporary file cannot be written: is ${TMPDIR:-/tmp} full?"
}

# save FILE: replaces it with standard input, atomically; a symbolic link is replaced, not
# followed. (The same holds for the temporary file: the directory may belong to someone else.)
save() {
	local temp dir=. fd
	[[ $1 != */* ]] || dir=${1%/*}/
	[[ ! -e $1 || -L $1 || -f $1 ]] || die "$1: not a regular file"
	temp=$dir/.hookmap.$BASHPID.$RANDOM
	set -C
	{ exec {fd}>"$temp"; } 2>/dev/null || die "cannot write $1: $dir must exist and be writable"
	set +C
	cat >&"$fd" && mv -fT -- "$temp" "$1" || {
		rm -f -- "$temp"
		die "cannot write $1"
	}
	exec {fd}>&-
}

# --- the command line

# shellcheck source=scripts/lib/options.sh
. "$HM_SCRIPTS/lib/options.sh"

# --- commands

exec {HM_STDERR}>&2
# show COMMAND...: prints it. The reader of the output may exit.
show() {
	tell printf '+ %s%s\n' "$(command_text "$@")" "$(value_words "$@")" 2>&"$HM_STDERR"
}
command_text() { typed "${@/#"--net=/proc/self/fd/$NETNS_FD"/"--net=$NETNS_FILE"}"; }

# No command may hang forever: we hold the lock. A driver or a lock of iptables may take some
# time.
number HOOKMAP_LIMIT "${HOOKMAP_LIMIT:-120}" 1 86400
HM_LIMIT=$NUMBER

# A query that hangs is reported once, from any subshell: a byte in this pipe marks it. Then we
# query and change nothing more, and undo our changes.
exec {HM_STUCK}<> <(:)
answered() { ! read -rt 0 -u "$HM_STUCK"; }
answered_again() { answered || read -rt 0.01 -n 64 -u "$HM_STUCK" || true; }

# file_answers PATH: dies if its file system does not answer. Call it before the lock, and before
# bash itself looks at the file.
file_answers() {
	local status=0
	[[ $1 == */* ]] || return 0
	{ timeout -s KILL "$HM_LIMIT" stat -L -- "$1" >/dev/null 2>&1 || status=$?; } 2>/dev/null
	((status != 137)) || die "$1: no answer after $HM_LIMIT seconds: is its file system stuck?"
}

# --- places

for place in "${HOOKMAP_BPFFS:-}" "${HOOKMAP_OBJ:-}" "${HOOKMAP_CGROUP:-}" "${TMPDIR:-}"; do
	file_answers "$place"
done
BPFFS=/sys/fs/bpf
# in one spelling: rules of iptables have it, and are compared
[[ -z ${HOOKMAP_BPFFS:-} ]] || BPFFS=$(realpath -m -- "$HOOKMAP_BPFFS")
GLOBALS=$BPFFS/tc/globals
PINS=$BPFFS/hookmap
# ip and tc use this bpf filesystem
export TC_BPF_MNT=$BPFFS

# --- queries

# by_number COMMAND...: the command to run, in WORDS: in another network namespace, others can
# rename a device at any moment, so we use its number, which ip, tc and bridge accept if no
# device has that name
by_number() {
	local i
	WORDS=("$@")
	[[ -n $NETNS && -n $IFINDEX ]] || return 0
	for ((i = 1; i < $#; i++)); do
		[[ ${WORDS[i - 1]} != dev || ${WORDS[i]} != "$IFNAME" ]] || WORDS[i]=if$IFINDEX
	done
}

# A here-string is a pipe (bash 5.1), so this makes one without another process: its ends are in
# PIPE_OUT and PIPE_IN.
pipe_new() {
	exec {PIPE_OUT}<<<''
	exec {PIPE_IN}>"/proc/self/fd/$PIPE_OUT"
}

# await: waits until no process holds the pipe of the child that was just started ($!). Returns the
# child's status, and its output in OUT. After HM_LIMIT seconds the child is killed: status 137.
HELD=''
await() {
	local text late=$((SECONDS + HM_LIMIT)) got status=127 signals
	HELD=$! OUT=''
	exec {PIPE_IN}>&-
	while :; do
		IFS= read -rd '' -t "$((late > SECONDS ? late - SECONDS : 0)).1" -u "$PIPE_OUT" text && got=0 || got=$?
		OUT+=$text
		# (over 128: timeout or signal)
		((got != 1)) || break
		((got <= 128 || SECONDS < late)) || {
			kill -KILL "$HELD" 2>/dev/null || true
			break
		}
	done
	exec {PIPE_OUT}<&-
	# (a signal interrupts wait)
	while :; do
		signals=$SIGNALS got=0
		{ wait "$HELD" || got=$?; } 2>/dev/null
		((got == 127 && status != 127)) || status=$got
		((signals != SIGNALS)) || break
	done
	HELD='' OUT=${OUT#$'\n'} OUT=${OUT%$'\n'}
	return "$status"
}

# look COMMAND...: runs a command that changes nothing, or whose changes can be found later
look() {
	local status=0 since=$SECONDS WORDS PIPE_IN PIPE_OUT OUT
	answered || return 1
	by_number "$@"
	pipe_new
	(exec "${WORDS[@]}") <&0 3>&"$PIPE_IN" &
	await || status=$?
	((status != 137 || SECONDS - since < HM_LIMIT)) || hung "$@"
	return "$status"
}

hung() { # COMMAND...
	local text
	! answered || {
		text=$(command_text "$@")
		((${#text} <= 100)) || text=${text:0:97}...
		tell printf '%s: %s: killed after %s seconds without an answer: is a driver, a lock or a file system stuck?\n' "$HM_NAME" "$(clean "$text")" "$HM_LIMIT" 2>&"$HM_STDERR"
	}
	printf . >&"$HM_STUCK"
}

# Queries by these commands have the limit. It is longer for reading a large file.
ip() { look ip "$@"; }
tc() { look tc "$@"; }
bridge() { look bridge "$@"; }
ethtool() { look ethtool "$@"; }
nsenter() { look nsenter "$@"; }
nft() { look nft "$@"; }
# (report the command that jq reads from first. No ~/.jq. jq 1.6 takes 18 ms to start, gojq 2.)
export HM_JQ=gojq
type -P gojq >/dev/null || HM_JQ=jq
jq() { HOME=/ HM_LIMIT=$((HM_LIMIT + 1)) look_at "${!#}" "$HM_JQ" "$@"; }
bpftool() { look_at "${!#}" "$BPFTOOL" "$@"; }
look_at() { # FILE COMMAND...
	local HM_LIMIT=$HM_LIMIT size
	[[ $1 == /sys/* || ! -f $1 ]] || ! size=$(stat -L -c %s -- "$1" 2>/dev/null) || HM_LIMIT=$((HM_LIMIT + size / 100000))
	look "${@:2}"
}
# read_input FILE COMMAND...: reads a file of the user with this limit. A pipe or a terminal has
# none.
read_input() { if [[ -f $1 ]]; then look_at "$@"; else "${@:2}"; fi; }

# held COMMAND...: no signal stops it half-way, but it is killed after HM_LIMIT seconds, or by a
# second signal. Its output is in OUT.
held() {
	local status=0 WORDS PIPE_IN PIPE_OUT
	by_number "$@"
	HELD_WHY=''
	pipe_new
	(
		((!UNDOING)) || trap '' INT TERM HUP
		exec "${WORDS[@]}"
	) <&0 >&"$PIPE_IN" 2>&1 &
	await || status=$?
	((status != 137)) || OUT="error: it was killed ${HELD_WHY:-after $HM_LIMIT seconds}: is a driver, a lock or a file system stuck?"
	((status <= 128)) || OUT=${OUT:-"error: it was ended by signal $((status - 128))"}
	return "$status"
}
held_end() {
	[[ -n $HELD ]] || return 0
	HELD_WHY='by a second signal'
	kill -KILL "$HELD" 2>/dev/null || true
}

# change COMMAND...: a command that changes something. -v shows it, -n only shows it.
change() {
	((VERBOSE || DRY_RUN)) && show "$@"
	((DRY_RUN)) && return 0
	answered || exit 1
	signals_late
	[[ $* != *"$GLOBALS"/* ]] || MAP_LINES=()
	held "$@"
}

# run COMMAND...: the same; if it fails, we exit with our message and the command's on one line
run() {
	local OUT
	change "$@" || {
		# (the command may have died of the signal that we got)
		signals_now
		failed "$OUT" "$* failed"
	}
}

# failed OUTPUT WHAT: dies of a command's output, after the last lines of the verifier's log
failed() {
	local log
	log=$(sed -n '/-- BEGIN PROG LOAD LOG --/,/-- END PROG LOAD LOG --/p' <<<"$1" |
		grep -v -e '^processed ' -e ' PROG LOAD LOG --$' | tail -n 10 | cat -v) || log=
	[[ -n $log ]] || die "$2: $(first_error "$1")"
	tell printf '  verifier: %s\n' "${log//$'\n'/$'\n  verifier: '}"
	die "$2: the verifier refuses it: ${log##*$'\n'}"
}

# try COMMAND...: the same for one that may fail; the caller checks the result.
try() {
	local OUT status=0
	change "$@" || status=$?
	((status != 137)) || hung "$@"
	return "$status"
}

# The line of a command's output that says most.
first_error() {
	local line best=''
	while IFS= read -r line; do
		[[ -n $line ]] || continue
		best=${best:-$line}
		if [[ $line == *[Ee]rror* && $line != libbpf:* ]]; then
			best=$line
			break
		fi
	done <<<"$1"
	printf '%s' "${best:-no message}"
}

# --- undo: deferred commands run in reverse order unless commit was called

# A signal during a change waits until the command has ended and its undo is deferred, or until
# the next signal.
UNDOING=0 # undo_on_exit was called
LATE=0 SIGNALLED='' SIGNALLED_AT=0 SIGNALS=0
signals_late() {
	signals_now
	LATE=$UNDOING
}
signals_now() {
	LATE=0
	[[ -z $SIGNALLED ]] || exit "$SIGNALLED"
}
signalled() { # STATUS
	SIGNALS=$((SIGNALS + 1))
	# a second one, later: the user does not want to wait any longer
	[[ -z $SIGNALLED ]] || ((SECONDS - SIGNALLED_AT < 1)) || held_end
	SIGNALLED=$1 SIGNALLED_AT=$SECONDS
	((LATE)) || exit "$1"
}

# (each command's words, then how many there are)

UNDO=()
defer() {
	UNDO+=("$@" "$#")
	signals_now
}
commit() {
	signals_now
	answered || exit 1
	UNDO=()
}

undo() {
	local status=$? n at=${#UNDO[@]} OUT failed=0 first=''
	trap - EXIT
	trap '' PIPE
	SIGNALLED='' UNDOING=0 LATE=0
	set +e
	((!DRY_RUN)) || at=0
	while ((at)); do
		n=${UNDO[at - 1]}
		at=$((at - 1 - n))
		((!failed)) || ! undo_forgets "${UNDO[@]:at:n}" || continue
		answered_again
		undo_one "${UNDO[@]:at:n}" && continue
		# a command that hung may hang again
		[[ $OUT != *'it was killed'* ]] || undo_hurry
		[[ -n $OUT ]] || ! undo_function "${UNDO[at]}" || continue
		# a deleted device has taken its attachments with it
		[[ $OUT != *'Cannot find device'* && $OUT != *'No such device'* ]] || continue
		failed=$((failed + 1))
		first=${first:-"$(command_text "${UNDO[@]:at:n}"): $(first_error "$OUT")"}
	done
	((!failed)) || warn "could not undo $failed of the changes: $first: $UNDO_HINT"
	leave "$status"
}
undo_one() {
	trap '' INT TERM HUP
	if undo_function "$1"; then
		# in a subshell: if one dies, the others are still undone. (in a trap, plain
		# `return` has the status from before the trap, so return it explicitly)
		OUT=$("$@" 2>&1)
		return 1
	fi
	((!VERBOSE)) || show "$@"
	trap undo_hurry INT TERM HUP
	held "$@"
}
# undo_function NAME: it is a function of ours, not one that wraps a command of that name (look)
undo_function() { [[ $(type -t "$1") == function && -z $(type -P "$1") ]]; }
# undo_forgets COMMAND...: after it, detach could not find what failed to be undone
undo_forgets() { [[ $1 == dev_restore || $* == "rm -f $GLOBALS/"* ]]; }
# undo_hurry: another signal ends the wait for a command that hangs
undo_hurry() {
	((HM_LIMIT < 5)) || HM_LIMIT=5
	held_end
}
# the hint for the user if an undo fails
UNDO_HINT='see above'

undo_on_exit() {
	UNDOING=1
	trap undo EXIT
	trap 'signalled 130' INT
	trap 'signalled 141' PIPE
	trap 'signalled 143' TERM HUP
}

# --- preflight

# need_caps NAME...: capabilities, by root or as ambient ones of another user. The kernel
# asks for
#   bpf, perfmon  to load programs and make maps, and those that trace
#   net_admin     to attach to a device, to iptables and to a cgroup; for a devmap
#   sys_admin     to look up a program by id, which is how we recognise our own; to look up BTF
#                 by id, as bpftool does to print a map that has it; to enter another network
#                 namespace; to mount
HM_CAPS=''
declare -A CAP_BIT=([net_admin]=12 [sys_admin]=21 [perfmon]=38 [bpf]=39)
# caps_missing NAME...: those that we lack, in MISSING. False if none.
caps_missing() {
	local cap status
	MISSING=()
	if [[ -z $HM_CAPS ]]; then
		# at once: the file is not the same from one read to the next
		status=$(</proc/self/status)
		HM_CAPS=${status#*CapEff:}
		HM_CAPS=${HM_CAPS%%$'\n'*}
		HM_CAPS=${HM_CAPS//[[:blank:]]/}
	fi
	for cap; do
		((16#$HM_CAPS >> CAP_BIT[$cap] & 1)) || MISSING+=("CAP_${cap^^}")
	done
	((${#MISSING[@]}))
}
need_caps() {
	local MISSING
	! caps_missing "$@" || die "must be root: try sudo $HM_NAME; or have ${MISSING[*]}"
}

need_root() {
	((EUID == 0)) || die "must be root: try sudo $HM_NAME"
}

need_tools() {
	local tool
	for tool; do
		type -P "$tool" >/dev/null || die "$tool is not installed: run $HM_SCRIPTS/deps.sh"
	done
}

need_bpffs() {
	local netns
	# characters with a meaning in bpftool's batch files
	[[ $BPFFS != *[[:space:][:cntrl:]\"\'#]* ]] || die "HOOKMAP_BPFFS $BPFFS: its path must not contain blanks, quotes or #"
	[[ $(stat -f -c %T -- "$BPFFS" 2>/dev/null) == bpf_fs ]] && {
		pins_own || true
		return
	}
	# (which mounts a /sys whose source is the name of the namespace; its pins vanish with the command)
	netns=$(awk '$2 == "/sys" { name = $1 } END { print name }' /proc/mounts)
	[[ $BPFFS != /sys/* || ! -f /run/netns/$netns ]] ||
		die "no bpf filesystem is mounted on $BPFFS: ip netns exec has another /sys: $(typed nsenter "--net=/run/netns/$netns" -- "$HM_NAME") ..."
	die "no bpf filesystem is mounted on $BPFFS: $(typed mount -t bpf -o mode=700 bpf "$BPFFS")"
}

# With pipefail, a pipe into `grep -q` fails when grep leaves early: compare the output
# as a whole, or let grep read on to /dev/null.
can_autoattach() {
	[[ $(bpftool prog help 2>&1) == *autoattach* ]]
}

# need_bpftool: one with autoattach (7.2)
need_bpftool() {
	need_tools "$BPFTOOL"
	can_autoattach ||
		die "$BPFTOOL has no autoattach ($(bpftool version 2>/dev/null | head -n 1)): version 7.2 is needed, run $HM_SCRIPTS/deps.sh"
}

# load_abi: the constants of abi.sh, which must be those that these scripts were written for
load_abi() {
	local abi kern=$HM_SCRIPTS/../kern installed=$HM_SCRIPTS/../build/abi.sh
	[[ -r $HM_OBJ/abi.sh ]] || die "$HM_OBJ/abi.sh is not there: build first (make), or set HOOKMAP_OBJ"
	# shellcheck source=/dev/null
	. "$HM_OBJ/abi.sh"
	HM_ENDIAN=little
	((HM_BYTE_ORDER == 1234)) || HM_ENDIAN=big
	if [[ -r $kern/abi.h ]]; then
		abi=$(cat "$kern/abi.h" "$kern"/abi/*.h | cksum)
		abi=${abi%% *}
	else
		[[ ! $HM_OBJ/abi.sh -ef $installed ]] || return 0
		abi=$(sed -n 's/^HM_ABI=//p' "$installed" 2>/dev/null) || return 0
	fi
	[[ ${HM_ABI:-} == "$abi" ]] || die "$HM_OBJ/abi.sh was built from other headers than those of $HM_SCRIPTS: build again (make), or set HOOKMAP_OBJ"
}

# hookmap_reader: the reader, built or installed (PREFIX/bin, beside PREFIX/lib/hookmap), in READER
hookmap_reader() {
	local place places=("$HM_OBJ/hookmap")
	# beside a source tree, programs there are not ours to run
	[[ $HM_SCRIPTS != */lib/hookmap/scripts ]] || places+=("$HM_SCRIPTS/../../../bin/hookmap")
	for place in "${places[@]}"; do
		READER=$place
		[[ ! -x $place ]] || return 0
	done
	READER=$(command -v hookmap) || die "the reader hookmap is not there: build first (make)"
}

# show_with VERB: without arguments, a script runs the reader's verb
show_with() {
	hookmap_reader
	exec "$READER" "$1"
}

# compiler: the compiler of rules and conditions (user/rules), in COMPILER
compiler() {
	COMPILER=$HM_OBJ/rules
	[[ -x $COMPILER ]] || die "$COMPILER is not there: build first (make), or set HOOKMAP_OBJ"
}

# object NAME: the path of an object, in OBJECT, after a check of its ABI.
object() {
	OBJECT=$HM_OBJ/$1
	[[ -r $OBJECT ]] || die "object $OBJECT is not there: build first (make)"
	grep -aq "hookmap-abi:$HM_ABI" "$OBJECT" ||
		die "object $OBJECT was built for another ABI than $HM_OBJ/abi.sh: build again (make)"
}

# pins_own: dies if another user could have created one of our directories, or can change its
# contents. False if one does not exist. The bpf filesystem's root may be open to all with the
# sticky bit, as the kernel mounts it.
PIN_DIRS=("$BPFFS" "$BPFFS/tc" "$GLOBALS" "$BPFFS/tc/_lock" "$PINS")
pins_own() {
	local dir kind uid mode mounted=0 list there=()
	for dir in "${PIN_DIRS[@]}"; do [[ ! -e $dir && ! -L $dir ]] || there+=("$dir"); done
	list=$(stat -c '%F:%u %a' -- "${there[@]}" 2>/dev/null) || true
	for dir in "${there[@]}"; do
		IFS=: read -r kind uid
		[[ $kind == directory ]] || die "$dir is not a readable directory: remove it"
		read -r uid mode <<<"$uid"
		# a bpf filesystem can be given to another user, who owns its contents
		[[ $dir != "$BPFFS" ]] || mounted=$uid
		((uid == 0 || uid == EUID || uid == mounted)) && { ((!(8#$mode & 022))) || [[ $dir == "$BPFFS" && $mode == 1??? ]]; } ||
			die "$dir belongs to user $uid (mode $mode), and others could change what is pinned there: remove it, and mount the bpf filesystem for root alone ($(typed mount -o remount,mode=700 "$BPFFS"))"
	done <<<"$list"
	((${#there[@]} == ${#PIN_DIRS[@]}))
}

# One change at a time: the lock is a directory beside the pins, which no other user can open.
lock() {
	local OUT
	# only root may access what we create here
	umask 077
	if ((DRY_RUN)) && [[ ! -d $BPFFS/tc/_lock ]]; then return; fi
	pins_own || {
		OUT=$(mkdir -p -- "${PIN_DIRS[@]}" 2>&1) || die "$(first_error "$OUT")"
		# (another user may have been faster)
		pins_own
	}
	exec {HM_LOCK}<"$BPFFS/tc/_lock"
	flock -n "$HM_LOCK" || {
		((!VERBOSE)) || note "waiting for another attach or detach"
		flock -w 60 "$HM_LOCK"
	} || die "another attach or detach has held the lock of $BPFFS for a minute: is it stopped, or stuck? $(typed fuser -v "$BPFFS/tc/_lock") shows it"
	# (if there is no temporary file, we wait for the reader)
	[[ ! -t 2 && ! -p /dev/stderr && ! -S /dev/stderr ]] || scratch_try HM_LATER || true
}

# Pins are staged in a directory _NAME and renamed when complete; unloading renames before it
# removes. So a feature's pins exist completely or not at all, whenever a script is killed. We
# hold the lock: whatever is in _NAME was left by a killed script.
leftovers_remove() {
	local dir
	for dir in "$PINS"/_*; do
		[[ ! -d $dir ]] || run rm -rf "$dir"
	done
}

# pins_loaded NAME LINK: a feature is loaded if its programs are attached; a directory alone
# proves nothing
pins_loaded() {
	[[ -d $PINS/$1 ]] || return 1
	is_link "$PINS/$1/$2" && return
	pins_remove "$1"
	return 1
}

# pins_remove NAME: a feature's pins
pins_remove() {
	[[ -d $PINS/$1 ]] || return 0
	run mv "$PINS/$1" "$PINS/_$1"
	run rm -rf "$PINS/_$1"
}

# --- network namespaces

NETNS=      # name or path, empty for our own
NETNS_PATH= # for commands: stays the same namespace, whatever its process does
NETNS_FILE= # for messages
NETNS_FD=
IFINDEX='' IFNAME='' # the device that commands are about
NETNS_INODE_OWN=$(stat -L -c %i /proc/self/ns/net)

# use_netns NAME: NAME of /run/netns or a path such as /proc/PID/ns/net. False if
# it does not exist.
use_netns() {
	NETNS=$1 NETNS_INODE=''
	NETNS_FILE=/proc/self/ns/net
	[[ -n $1 ]] && NETNS_FILE=/run/netns/$1
	[[ $1 == */* ]] && NETNS_FILE=$1
	NETNS_PATH=$NETNS_FILE
	[[ -z $NETNS_FD ]] || exec {NETNS_FD}<&-
	NETNS_FD=''
	if [[ -n $1 ]]; then
		# (opening a pipe would block)
		[[ -f $NETNS_FILE ]] && { exec {NETNS_FD}<"$NETNS_FILE"; } 2>/dev/null || return 1
		NETNS_PATH=/proc/self/fd/$NETNS_FD
	fi
	if [[ -z $1 ]]; then
		NETNS_INODE=$NETNS_INODE_OWN
	else
		NETNS_INODE=$(stat -L -c %i -- "$NETNS_PATH" 2>/dev/null) || return 1
	fi
}

# in_netns COMMAND...: not by `ip netns exec`, which mounts another /sys, so that
# pins would vanish with it.
in_netns() {
	if [[ -n $NETNS ]]; then
		look nsenter --net="$NETNS_PATH" -- "$@"
	else
		look "$@"
	fi
}

# json_of COMMAND...: the JSON that it prints in the current namespace, in ANSWER. False if it fails.
json_of() {
	ANSWER=$(in_netns "$@") || return
	json_escape
}
# ip_json WORD...: the output of ip -j WORD... there
ip_json() {
	local ANSWER
	json_of ip -j "$@" || return
	printf '%s\n' "$ANSWER"
}

# words for run and try: in_netns as a command that can be typed
netns_words() {
	NSCMD=()
	[[ -z $NETNS ]] || NSCMD=(nsenter --net="$NETNS_PATH" --)
}

# netns_cookie: the cookie of the current namespace, which the kernel never reuses, in
# NETNS_COOKIE; 0 if there is none (before 5.14), or no reader to get it
netns_cookie() {
	NETNS_COOKIE=0
	(hookmap_reader) 2>/dev/null || return 0
	hookmap_reader
	NETNS_COOKIE=$(in_netns "$READER" status --cookie) || die "the cookie of the network namespace cannot be read"
}

# device_index DEV: the ifindex in the current namespace, in IFINDEX, and its name in IFNAME (DEV
# may be an altname). False if there is no such device; dies if the query fails.
device_index() {
	local ANSWER line
	# (the full list also has altnames, and a name that the device got meanwhile)
	json_of ip -j link show dev "$1" 2>/dev/null || json_of ip -j link 2>/dev/null || die "$1: ip link show failed"
	line=$(jq -r --arg name "$(carried "$1")" '.[] | select(.ifname == $name or any(.altnames[]?; . == $name)) | "\(.ifindex) \(.ifname)"' <<<"$ANSWER") || true
	[[ $line != *$'\xf4\x8f'* ]] || line=$(as_named <<<"$line")
	read -r IFINDEX IFNAME <<<"$line"
	[[ -n $IFINDEX ]] || {
		IFNAME=$1
		return 1
	}
	number_free
}

# number_free: dies if another device has the name that by_number uses for this one
number_free() {
	local number=if$IFINDEX
	[[ -z $NETNS || $IFNAME == "$number" ]] || ! in_netns ip link show dev "$number" >/dev/null 2>&1 ||
		die "$IFNAME: another device of that network namespace is called $number, as ip and tc call this one, of ifindex $IFINDEX: $(command_text nsenter --net="$NETNS_PATH" -- ip link set dev "$number" name NAME) first"
}

# link_json DEV: the output of ip -d link, in ANSWER; names the device as by_number does. False if it fails.
link_json() {
	if [[ -n $NETNS && -n $IFINDEX && $1 == "$IFNAME" ]]; then
		json_of ip -j -d link || return
		ANSWER=$(jq -c --argjson index "$IFINDEX" 'map(select(.ifindex == $index))' <<<"$ANSWER")
	else
		json_of ip -j -d link show dev "$1"
	fi
}

# device_name IFINDEX: the name of the device in the current namespace; empty if there is none
device_name() {
	ip_json link | jq -r --argjson index "$1" '.[] | select(.ifindex == $index) | .ifname' | as_named || die "ip link show failed"
}

# shellcheck source=scripts/lib/maps.sh
. "$HM_SCRIPTS/lib/maps.sh"
