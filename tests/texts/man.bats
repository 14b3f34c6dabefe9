#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The man pages say what --help says, and have the sections that people look for

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

# each script has a page; new.sh is not installed, and has no other name
pages() {
	printf '%s hookmap\n' "$HM_BUILD/man/hookmap.8"
	local script name
	for script in "$HM_TOP"/scripts/*.sh; do
		name=${script##*/}
		[[ $name == new.sh ]] || name=hookmap-${name%.sh}
		[[ $name == hookmap-lib ]] || printf '%s %s\n' "$HM_BUILD/man/${script##*/}" "$name" | sed 's/\.sh /.8 /'
	done
}

@test "man: the pages have the verbs, options and features of --help, each with its text" {
	local name
	like "$(man -l "$HM_BUILD/man/hookmap.8" | col -b)" 'drops   Packets lost in any layer, and why.'
	like "$(<"$HM_BUILD/man/hookmap.8")" '.It Fl c , Fl -count Ar N'
	like "$(man -l "$HM_BUILD/man/hookmap.8" | col -b | tr -s '[:space:]' ' ')" 'FROM, from; TO, to The two stages between which the time is measured'
	for name in "$HM_TOP"/scripts/features/*.sh; do
		run -0 grep -c "^\.Ss $(basename "$name" .sh) (of " "$HM_BUILD/man/attach.8"
	done
	# a text that goes on in the next line, and a script by its name as a command
	like "$(tr '\n' ' ' <"$HM_BUILD/man/attach.8")" '.It Fl -fdb-size Ar N Most entries (default 65536, up to 1048576); only when the first port is attached.'
	run ! grep -rE '(^|[^-])\b[a-z]+\.sh\b' "$HM_BUILD/man/attach.8"
}

@test "man: name, sections, and every page that is referred to" {
	local page name section all
	all=$(pages)
	while read -r page name; do
		like "$(man -l "$page" | col -b)" "$name"
		equal "$(sed -n 's/^\.Nm //p' "$page" | head -n 1)" "$name" "name in $page"
		for section in SYNOPSIS DESCRIPTION OPTIONS FILES 'EXIT STATUS' OVERHEAD EXAMPLES 'SEE ALSO'; do
			grep -qx "\.Sh $section" "$page" || equal "$page" "with a section $section"
		done
		equal "$(sed -n 's/^\.Xr \(hookmap[a-z-]*\) .*/\1/p' "$page" | sort -u | grep -vxF -f <(cut -d ' ' -f 2 <<<"$all"))" '' "what $page refers to and is not there"
	done <<<"$all"
}

@test "man: each script has --help, on standard output, with exit status 0" {
	local script n=0
	for script in "$HM_TOP"/scripts/*.sh; do
		[[ $script != */lib.sh ]] || continue
		run --separate-stderr -0 "$script" --help
		like "$output" "usage: ${script##*/}"
		equal "$stderr" "" "standard error of $script --help"
		n=$((n + 1))
	done
	((n >= 12))
}
