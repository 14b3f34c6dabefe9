#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The reader on hostile maps, ring-buffer records, files and packet texts (libFuzzer,
# AddressSanitizer, UBSan): none makes it crash, read beyond, or run for long.
#   FUZZ_COUNT=1000000 FUZZ_SEED=7 bats tests/reader/fuzz.bats      (make fuzz)

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

# a map may say that there are 4 000 000 000 rules
export ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=256:detect_leaks=0

setup() {
	skip_without "libFuzzer: clang's libclang-rt-dev" test -x "$HM_BUILD/fuzz/reader"
	cd "$BATS_TEST_TMPDIR" || return 1 # what is found is written here
}

reader() { # OPTION...
	"$HM_BUILD/fuzz/reader" -timeout=10 -rss_limit_mb=2048 "$@" >out 2>&1 || {
		grep -vE 'NEW|REDUCE|pulse' out | tail -40 >&2
		return 1
	}
}

@test "fuzz: the reader on what was found before" {
	local input
	while read -r input _; do
		[[ -n $input && $input != '#' ]] || continue
		xxd -r -p <<<"$input" >"found-$input"
	done <"$HM_TOP/tests/fuzz/reader.found"
	reader found-*
	equal "$(grep -c '^Executed' out)" "$(grep -c '^[0-9a-f]' "$HM_TOP/tests/fuzz/reader.found")" "inputs"
}

@test "fuzz: the reader on hostile maps, records, files and texts" {
	local runs=${FUZZ_COUNT:-400} i
	mkdir corpus
	# one of each command to begin with
	for ((i = 0; i < 36; i++)); do
		printf '%b' "\\x$(printf %02x "$i")\\x11\\x01\\x07\\x03hookmap" >"corpus/$i"
	done
	reader -seed="${FUZZ_SEED:-1}" -runs="$runs" -max_len=600 -len_control=0 ${FUZZ_COUNT:+-max_total_time=300} corpus
	grep -qE '^Done [0-9]+ runs' out
	[[ -z ${FUZZ_COUNT:-} ]] || grep -E '^Done' out | sed 's/^/# reader: /' >&3
}
