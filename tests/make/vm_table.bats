#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# tests/vm/table.sh: what the runs under other kernels came to

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

@test "vm: a table of objects and suites; what failed says why; a test that was promised and not seen has failed" {
	cd "$BATS_TEST_TMPDIR"
	mkdir 6.1 6.12
	printf '%s\n' 1..3 '# loads: xdp/pass.o' 'ok 1 one' '# lacks: kern/new.o' 'ok 2 two # skip no tool' \
		'# fails: tc/bad.o' 'not ok 3 three' '# because' >6.1/objects
	printf '%s\n' 1..2 '# loads: xdp/pass.o' 'ok 1 one' >6.12/objects
	printf '%s\n' 1..1 'ok 1 four' >6.12/live
	run -1 "$HM_TOP/tests/vm/table.sh" "$PWD"
	equal "$(tr -s ' ' <<<"$output" | sed 's/ $//')" '
object 6.1 6.12
xdp/pass.o yes yes
kern/new.o no -
tc/bad.o FAILS -

suite 6.1 6.12
objects 1 ok 1 FAILED 1 skipped 1 ok 1 FAILED
live 0 ok 1 FAILED 1 ok

skipped 6.1 ok 2 two # skip no tool
FAILED 6.1 not ok 3 three
 6.1 # because
3 passed, 3 failed, 1 skipped'
	mkdir -p empty/none
	run -1 "$HM_TOP/tests/vm/table.sh" empty
	equal "$output" '0 passed, 1 failed'
}
