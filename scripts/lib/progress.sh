# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# progress.sh - shows the progress of long operations, on a terminal only.

PROGRESS=
if [[ -t 2 && ${TERM:-dumb} != dumb ]]; then exec {PROGRESS}>&2; fi

# phase TEXT: the current step, of unknown length
phase() {
	[[ -z $PROGRESS ]] || tell printf '\r\033[K%s' "${1:+$1 ...}" 2>&"$PROGRESS"
}

# progress WHAT FILE COMMAND...: runs COMMAND FILE; on a terminal, feeds the lines of FILE to
# COMMAND - and shows how many it has read. A small FILE needs no progress.
progress() {
	local what=$1 file=$2 total
	shift 2
	total=$(wc -l <"$file")
	if [[ -z $PROGRESS ]] || (($(stat -L -c %s -- "$file") < 262144)); then
		"$@" "$file"
		return
	fi
	timeout -s KILL "$HM_LIMIT" awk -v what="$what" -v total="$total" -v step=$((total / 32 + 1)) '{ print }
		NR % step == 0 || NR == total { printf "\r\033[K%s: %d of %d", what, NR, total >"/dev/stderr" }
		END { printf "\r\033[K" >"/dev/stderr" }' "$file" 2>&"$PROGRESS" | look_at "$file" "$@" -
}
