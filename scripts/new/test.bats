#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# sample: packets that the stack is given

. "${BATS_TEST_DIRNAME}/sandbox.bash"

packets() { hookmap -j sample | jq '.rows[0].packets'; }

@test "sample: packets are counted" {
	local before
	lab_up
	"$HM_TOP/scripts/attach.sh" --host sample
	before=$(packets)
	on client ping -q -c 5 -i 0.01 10.11.1.1
	# the whole machine is counted
	(($(packets) - before >= 10))
	"$HM_TOP/scripts/detach.sh" --host sample
	fails 1 'sample_stat: not there: attach first' hookmap sample
}
