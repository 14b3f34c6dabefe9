#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The man pages say what --help says, and have the sections that people look for

. "${BATS_TEST_DIRNAME}/sandbox.bash"

# help_options: of a --help on stdin: those in the usage lines, and those that a line begins with
help_options() {
	awk '/^usage:/ { head = 1 }
		/^$/ { head = 0 }
		head { print; next }
		/^ +-/ { sub(/^ +/, ""); sub(/  .*/, ""); print }' |
		grep -oE '(^|[ [(|,])--?[A-Za-z0-9][A-Za-z0-9-]*' | grep -oE -- '-.*' | sort -u
}

# page_options PAGE: those that its lists of options are about
page_options() {
	awk '/^\.It Fl/ { for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' "$1" | sort -u
}

# each script has a page; new.sh is not installed, and has no other name
pages() {
	printf '%s hookmap\n' "$HM_TOP/user/hookmap.8"
	local script name
	for script in "$HM_TOP"/scripts/*.sh; do
		name=${script##*/}
		[[ $name == new.sh ]] || name=hookmap-${name%.sh}
		[[ $name == hookmap-lib ]] || printf '%s %s\n' "${script%.sh}.8" "$name"
	done
}

help_of() { # NAME
	local name=${1#hookmap-}
	if [[ $1 == hookmap ]]; then hookmap --help; else "$HM_TOP/scripts/${name%.sh}.sh" --help; fi
}

@test "man: every option of --help is in the page, and the other way round" {
	local page name n=0
	while read -r page name; do
		help_of "$name" | help_options >"$BATS_TEST_TMPDIR/help"
		page_options "$page" >"$BATS_TEST_TMPDIR/page"
		[[ -s $BATS_TEST_TMPDIR/help ]]
		diff -U0 --label "$name --help" --label "$page" "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/page"
		n=$((n + 1))
	done < <(pages)
	equal "$n" "$(find "$HM_TOP"/{user,scripts} -maxdepth 1 -name '*.8' | wc -l)" pages
}

@test "man: every verb of the reader and every feature is in its page" {
	local name
	while read -r name; do
		run -0 grep -c "^\.It Cm $name\$" "$HM_TOP/user/hookmap.8"
	done < <(hookmap --help | awk '/^$/ { blank++ } blank == 1 && NF { print $1 }')
	for name in "$HM_TOP"/scripts/features/*.sh; do
		name=$(basename "$name" .sh)
		run -0 grep -cE "^\.Ss (.*, )?${name}[, ]" "$HM_TOP/scripts/attach.8"
	done
}

@test "man: name, sections, and every page that is referred to" {
	local page name section other
	while read -r page name; do
		like "$(man -l "$page" | col -b)" "$name"
		equal "$(sed -n 's/^\.Nm //p' "$page" | head -n 1)" "$name" "name in $page"
		for section in SYNOPSIS DESCRIPTION OPTIONS FILES 'EXIT STATUS' OVERHEAD EXAMPLES 'SEE ALSO'; do
			run -0 grep -cx "\.Sh $section" "$page"
		done
		while read -r other; do
			pages | grep -q " $other\$" || {
				printf '%s: no page %s\n' "$page" "$other"
				return 1
			}
		done < <(sed -n 's/^\.Xr \(hookmap[a-z-]*\) .*/\1/p' "$page")
	done < <(pages)
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
