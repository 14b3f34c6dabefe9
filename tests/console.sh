#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# console.sh FILE.md [DIR] - runs every fenced "console" block of a Markdown file in
# DIR (.), from top to bottom in one shell, and compares what they print with what the
# text shows.
#
#   ```console
#   # ip link show dev eth0        a command, as root
#   $ make                         a command; all run as the user that runs this
#   $ cat >x <<EOF                 "> " goes on with it; so does a \ at the end
#   > text
#   > EOF
#   2: eth0: <...> mtu 1500        what it prints: "..." stands for anything in a line
#   ...                            a line "..." stands for any number of lines
#   ```
#
# Spaces compare as one space. A command with nothing below it may print anything. Each
# must exit with 0. Exit status: 0 all as shown, 1 not, 2 usage.

set -euo pipefail
export LC_ALL=C
[[ $# -ge 1 && $# -le 2 && -r $1 ]] || {
	printf 'usage: console.sh FILE.md [DIR]\n' >&2
	exit 2
}
FILE=$(readlink -f -- "$1")
cd -- "${2:-.}"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# --- the blocks: COMMAND, SHOWN (what is printed) and LINE of each command

COMMAND=() SHOWN=() LINE=()
inside='' more=0 number=0 # inside: "", console, or other
complain() {
	printf '%s:%d: %s\n' "$FILE" "$number" "$1" >&2
	exit 1
}
while IFS= read -r line || [[ -n $line ]]; do
	number=$((number + 1))
	if [[ -z $inside ]]; then
		[[ $line =~ ^([[:space:]]*)(\`\`\`+)[[:space:]]*([^\`]*)$ ]] || continue
		indent=${BASH_REMATCH[1]} fence=${BASH_REMATCH[2]} inside=other
		[[ ${BASH_REMATCH[3]} =~ ^console([[:space:]]|$) ]] || continue
		inside=console more=0
		commands=${#COMMAND[@]}
		continue
	fi
	line=${line#"$indent"}
	last=$((${#COMMAND[@]} - 1))
	# as long as the one that it ends, or longer
	if [[ $line =~ ^${fence}\`*[[:space:]]*$ ]]; then
		[[ $inside == other ]] || ((${#COMMAND[@]} > commands)) || complain 'a console block without a command'
		inside=''
	elif [[ $inside == other ]]; then
		continue
	elif [[ $line == '$ '* || $line == '# '* ]]; then
		COMMAND+=("${line:2}") SHOWN+=('') LINE+=("$number")
		more=1
	elif ((${#COMMAND[@]} == commands)); then
		complain 'a console block starts with output: commands start with "$ " or "# "'
	elif ((more)) && [[ $line == '> '* || $line == '>' ]]; then
		COMMAND[last]+=$'\n'${line:2}
	else
		more=0
		SHOWN[last]+=$line$'\n'
	fi
done <"$FILE"
[[ $inside != console ]] || complain 'a console block does not end'
((${#COMMAND[@]})) || {
	printf '%s has no console block\n' "$FILE" >&2
	exit 1
}

# --- the pattern of what is shown, as an extended regular expression

squeeze() { sed -E 's/[[:space:]]+/ /g; s/ $//; s/^ //'; }

NL=$'\n'
pattern() { # TEXT
	local text='' line
	while IFS= read -r line; do
		if [[ $line == ... ]]; then
			text+="(.*$NL)?"
			continue
		fi
		line=$(sed -E 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$line")
		text+="${line//'\.\.\.'/[^$NL]*}$NL"
	done <<<"$1"
	printf '^%s$' "$text"
}

# --- one script that runs them all: functions and variables stay

# A command that was shown to the end of its text must be complete: what follows is ours.
{
	printf 'exec </dev/null\n'
	for i in "${!COMMAND[@]}"; do
		printf 'exec >%q 2>&1\n%s\necho "$?" >%q\n' "$WORK/out.$i" "${COMMAND[i]}" "$WORK/status.$i"
		printf '[ "$(cat %q)" = 0 ] || exit 0\n' "$WORK/status.$i"
	done
} >"$WORK/script"
timeout --kill-after=5 "${CONSOLE_TIMEOUT:-120}" bash "$WORK/script" >"$WORK/rest" 2>&1 || true

wrong=0
for i in "${!COMMAND[@]}"; do
	out=$(cat "$WORK/out.$i" 2>/dev/null) || true
	status=$(cat "$WORK/status.$i" 2>/dev/null) || status='none: it did not end, or is no whole command'
	if [[ $status != 0 ]]; then
		printf '%s:%d: exit status %s\n--- command:\n%s\n--- got:\n%s\n' "$FILE" "${LINE[i]}" "$status" "${COMMAND[i]}" "$out" >&2
		cat "$WORK/rest" >&2
		exit 1
	fi
	[[ -n ${SHOWN[i]} ]] || continue
	shown=$(printf '%s' "${SHOWN[i]}" | squeeze)
	got=$(printf '%s\n' "$out" | squeeze)
	[[ $got$'\n' =~ $(pattern "$shown") ]] || {
		printf '%s:%d: prints something else\n--- command:\n%s\n--- shown:\n%s\n--- got:\n%s\n' \
			"$FILE" "${LINE[i]}" "${COMMAND[i]}" "$shown" "$got" >&2
		wrong=1
	}
done
exit "$wrong"
