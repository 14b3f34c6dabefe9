#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Attached means reached: what can stop packets before they get to us is named, or all of them are
# measured. Never a silent zero.

. "${BATS_TEST_DIRNAME}/sandbox.bash"

BESIDE=$HM_BUILD/tests/bpf/beside.o
PINS=/sys/fs/bpf/beside

# bats test_tags=vm
@test "reach: what programs return, and whether they use tc_index, by their instructions" {
	local id=()
	mkdir "$PINS"
	bpftool prog loadall "$BESIDE" "$PINS" type classifier
	bpftool prog load "$HM_BUILD/tests/bpf/index_reader.o" "$PINS/index_reader" type classifier
	bpftool prog load "$HM_BUILD/tests/bpf/xdp_drop.o" "$PINS/drop" type xdp
	mapfile -t id < <(for pin in "$PINS"/*; do bpftool -j prog show pinned "$pin" | jq .id; done)
	printf -v id '%s,' "${id[@]}"
	equal "$(hookmap -j progs --look "${id%,}" | jq -r '.rows | sort_by(.program)[] | "\(.program) \(.returns) \(.tc_index)"')" \
		"beside_deep -1,2 reads
beside_near -1 -
beside_next -1 -
beside_ok 0 -
beside_some -1,0,2 -
beside_tail ? -
beside_writes -1 writes
index_reader -1,0,2 reads
somebodys_drop 1 -"
	fails 1 '--look 4294967295: no program has this id' hookmap progs --look 4294967295
	fails 1 '--look x: no program has this id' hookmap progs --look x
}
