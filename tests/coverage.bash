# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# coverage.bash - as BASH_ENV: every script of scripts/ records the lines that it runs in
# a separate file in HM_COVERAGE.

if [[ $0 == */scripts/*.sh && -w ${HM_COVERAGE:-} ]]; then
	exec {BASH_XTRACEFD}>>"$HM_COVERAGE/$$.trace"
	# single quotes: expanded for each line
	# shellcheck disable=SC2016
	PS4='+|${BASH_SOURCE[0]##*/scripts/}|$LINENO|'
	set -x
fi
