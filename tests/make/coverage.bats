#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# tests/coverage.sh: which lines of the scripts have run

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

@test "coverage: of the scripts, the lines and the functions that a run has reached" {
	local dir=$BATS_TEST_TMPDIR/trace never='scripts/stat.sh: [a-z_, ]*usage'
	mkdir "$dir"
	run -0 "$HM_TOP/tests/coverage.sh" scripts "$dir" -v
	[[ $output == *'coverage: scripts: 0.0 % of '* && $output =~ $never ]]
	BASH_ENV=$HM_TOP/tests/coverage.bash HM_COVERAGE=$dir "$HM_TOP/scripts/stat.sh" --help
	run -0 "$HM_TOP/tests/coverage.sh" scripts "$dir" -v
	[[ $output != *'coverage: scripts: 0.0 %'* && ! $output =~ $never ]]
	# a heredoc is one command; what was not reached does not count
	equal "$(awk '$1 == "scripts/stat.sh" { print ($2 > 0 && $2 < 100) }' <<<"$output")" 1
	equal "$(awk '$1 == "scripts/lab.sh" { print $2 }' <<<"$output")" 0.0
	run -2 "$HM_TOP/tests/coverage.sh" scripts "$dir/none"
}
