#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The tutorial: every fenced console block of every README.md is run, in a copy of the
# tree and in a sandbox, and prints what the text shows.

. "${BATS_TEST_DIRNAME}/sandbox.bash"

# chapter FILE
chapter() {
	[[ -e $HM_TOP/$1 ]] || skip "no $1 yet"
	local tree=$BATS_TEST_TMPDIR/hookmap
	tree_copy "$tree"
	# where there is no sudo, one is root already
	mkdir "$BATS_TEST_TMPDIR/bin"
	command -v sudo >/dev/null || {
		printf '#!/bin/sh\nexec "$@"\n' >"$BATS_TEST_TMPDIR/bin/sudo"
		chmod +x "$BATS_TEST_TMPDIR/bin/sudo"
	}
	env -u HOOKMAP_OBJ -u HM_IN_SANDBOX -u MAKEFLAGS -u MAKELEVEL -u BATS_TEST_NAME PATH="$BATS_TEST_TMPDIR/bin:$PATH" \
		"$HM_TOP/tests/console.sh" "$tree/$1" "$tree"
	# it says how to clean up, and that is enough
	equal "$(find /sys/fs/bpf -type f ! -name '*.debug')" "" "pins that the chapter leaves"
	equal "$(ip netns list)" "" "namespaces that the chapter leaves"
}

teardown() {
	local dir
	# trace instances are the whole machine's
	for dir in /sys/kernel/tracing/instances/quick.*; do
		[[ ! -d $dir || -e /proc/${dir##*.} ]] || rmdir "$dir"
	done
}

@test "tutorial: README.md" { chapter README.md; }
@test "tutorial: xdp/README.md" { chapter xdp/README.md; }
@test "tutorial: kern/README.md" { chapter kern/README.md; }
@test "tutorial: tc/README.md" { chapter tc/README.md; }
@test "tutorial: iptables/README.md" { chapter iptables/README.md; }
@test "tutorial: user/README.md" { chapter user/README.md; }
@test "tutorial: scripts/README.md" { chapter scripts/README.md; }
@test "tutorial: tests/README.md" { chapter tests/README.md; }
