#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# service.sh - run by hookmap@.service and hookmap-host.service. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOT'
usage: service.sh [OPTION...] start|reload|stop DEV
       service.sh [OPTION...] start|reload|stop --host

Attaches the features listed in DEV.conf (host.conf), or detaches all of them. A line of
the file has the arguments that follow "attach.sh DEV" ("attach.sh --host"), quoted as in a
shell and without --netns and --host, such as
  latency --sample 64 --filter 'proto tcp dport 443'
or it is a command of policy.sh or fdb.sh, which runs after the lines above it:
  policy
  hookmap-policy load /etc/hookmap/rules.json
If a line fails, start detaches everything again. reload attaches again with the current
options, and detaches nothing.

  --config DIR    directory of the files (/etc/hookmap)
  -n, --dry-run   show the commands, run none
  -v, --verbose   show the commands as they run
  -h, --help

Exit status: 0 done (stop: also if nothing was attached), 1 error, 2 usage.
EOT
}

CONFIG=/etc/hookmap HOST=()
option() { # OPTION VALUE
	case $1 in
	--config) CONFIG=$2 ;;
	--host) HOST=(--host) ;;
	esac
}
options '-n|--dry-run -v|--verbose -h|--help --host --config=' "$@"
VERB=${ARGS[0]:-}
[[ $VERB =~ ^(start|reload|stop)$ ]] || misuse "expected start, reload or stop"
((${#ARGS[@]} + ${#HOST[@]} == 2)) || misuse "$VERB needs one device, or --host"
[[ ${ARGS[1]:-} != -* ]] || die "${ARGS[1]}: a device whose name is like an option has no service: $(typed attach.sh -- "${ARGS[1]}")"
TARGET=("${HOST[@]}" "${ARGS[@]:1}")
FILE=$CONFIG/${ARGS[1]:-host}.conf
FLAGS=()
((!VERBOSE)) || FLAGS+=(-v)
((!DRY_RUN)) || FLAGS+=(-n)

# line_words TEXT: its words in WORDS, with the quotes of a shell taken off
line_words() {
	local out
	WORDS=()
	# the dot keeps a last word that is empty
	out=$(xargs -r printf '%s\n' 2>/dev/null <<<"$1" && printf .) || return 1
	[[ $out == . ]] || mapfile -t WORDS <<<"${out%$'\n'.}"
}

# the leftovers of a failed line
OTHERWISE='nothing is attached'
[[ $VERB != reload ]] || OTHERWISE='what is attached stays, changed by the lines before it'

# conf_each COMMAND: for each line of the file, with its words in WORDS
conf_each() {
	local line n=0
	while IFS= read -r line || [[ -n $line ]]; do
		n=$((n + 1))
		[[ $line =~ ^[[:space:]]*(#|$) ]] && continue
		line_words "$line" || die "$FILE, line $n: a quote is not closed"
		# a command must not read the file
		"$1" </dev/null || die "$FILE, line $n: see above: $OTHERWISE"
	done <"$FILE"
}

LINES_READ=0
# line_check: stop would not detach what is attached elsewhere
line_check() {
	local word
	LINES_READ=$((LINES_READ + 1))
	[[ ! ${WORDS[0]:-} =~ ^hookmap-(policy|fdb)$ ]] || return 0
	for word in "${WORDS[@]}"; do
		[[ ! $word =~ ^--(netns|host)(=|$) ]] || die "$FILE, line $n: $word: a line is about ${ARGS[1]:-the host} only"
	done
}

# sibling NAME: another script, called as this one was
sibling() {
	SIBLING=$HM_SCRIPTS/$1.sh
	[[ $HM_NAME == *.sh ]] || SIBLING=$(dirname -- "$0")/hookmap-$1
}

run_line() {
	local name
	if [[ ${WORDS[0]:-} =~ ^hookmap-(policy|fdb)$ ]]; then
		name=${BASH_REMATCH[1]}
		sibling "$name"
		"$SIBLING" "${FLAGS[@]}" "${WORDS[@]:1}"
	else
		sibling attach
		"$SIBLING" "${FLAGS[@]}" "${TARGET[@]}" "${WORDS[@]}"
	fi
}

stop() {
	local out status=0
	sibling detach
	out=$("$SIBLING" "${FLAGS[@]}" "${TARGET[@]}" 2>&1) || status=$?
	# the device went before anything was attached to it
	[[ $out != *"none of that name was attached"* ]] || return 0
	[[ -z $out ]] || printf '%s\n' "$out" >&2
	return "$status"
}

if [[ $VERB == stop ]]; then
	stop
	exit
fi
[[ -r $FILE ]] || die "$FILE is not there: write the features into it, one per line"
conf_each line_check
((LINES_READ)) || die "$FILE has no line that attaches anything"
if [[ $VERB == start ]]; then
	ended() { # STATUS
		# all that is left of the time is for this
		trap '' TERM HUP INT
		trap - EXIT
		((!$1)) || stop || warn "not everything could be detached, see above: run $(typed "$SIBLING" "${TARGET[@]}") again"
		leave "$1"
	}
	trap 'ended $?' EXIT
	# if the device disappears during attach, systemd kills us
	trap 'exit 143' TERM HUP
	trap 'exit 130' INT
fi
conf_each run_line
