#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# saved.sh - removes our rules from a saved iptables rule set. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: saved.sh [FILE...]

Removes the rules of latency, and others that name a program pinned by hookmap, from rule
sets written by iptables-save: each FILE in place, or standard input. A rule that names a
pin cannot be loaded while the pin is missing, as after a boot, and then iptables-restore
loads nothing of its table. attach.sh creates the rules again.

  iptables-save | saved.sh >/etc/iptables/rules.v4

  -h, --help

Exit status: 0 done, also if there were no rules of ours; 1 error; 2 usage.
EOF
}

options '-h|--help' "$@"

# without_ours: standard input without our chains, jumps to them, and rules with our pins
without_ours() {
	awk -v chain=hookmap-latency -v pins="$PINS/" '
		$1 == ":" chain { next }
		/^(\[[0-9]+:[0-9]+\] )?-A / {
			rule = $0
			gsub(/"([^"\\]|\\.)*"/, "", rule) # comments
			if (index(rule, "-A " chain " ") || index(rule, "--object-pinned " pins)) next
			if (rule ~ " -[jg] " chain "( |$)") next
		}
		{ print }'
}

((${#ARGS[@]})) || without_ours
for file in "${ARGS[@]}"; do
	[[ -f $file && -r $file ]] || die "$file: no such file, or not readable"
	mode=$(stat -L -c %a -- "$file")
	umask "$(printf '%o' $((0777 & ~8#$mode)))"
	place=$(realpath -- "$file")
	{ look_at "$file" cat -- "$file" || die "$file: cannot be read"; } | without_ours | save "$place"
done
