# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# trace.bash - for the suites of the tracing tools: source it after sandbox.bash.
# Tracepoints see the whole machine, so every test filters by the sandbox's cgroup.

host_attach() { "$HM_TOP/scripts/attach.sh" --host "$@"; }
host_detach() { "$HM_TOP/scripts/detach.sh" --host "$@"; }
calls() { "$HM_BUILD/tests/calls" "$@"; }

# events VERB [JQ-FILTER]: the buffered events as JSON, without the last line
events() { hookmap -j --drain "$1" | jq -c 'select(.events == null)' | jq -c "${2:-.}"; }

# count VERB [JQ-CONDITION]: the number of matching events
count() { hookmap -j --drain "$1" | jq -s "[.[] | select(.events == null) | select(${2:-true})] | length"; }

# reader VERB OPTION...: in the background, its output in $OUT, its pid in READER
reader() {
	OUT=$BATS_TEST_TMPDIR/reader
	: >"$OUT"
	"$HM_BUILD/hookmap" "$@" >"$OUT" 2>"$OUT.err" 3>&- &
	READER=$!
}
# reader_stop: its exit status
reader_stop() {
	kill "$READER" 2>/dev/null || true
	wait "$READER"
}

# spawn HOST COMMAND...: in the background, its pid in SPAWNED
spawn() {
	local host=$1
	shift
	nsenter --net="/run/netns/$LAB-$host" -- "$@" 3>&- &
	SPAWNED=$!
}

# Nothing of a host feature is left
host_nothing_left() {
	equal "$(find /sys/fs/bpf/hookmap "$G" -mindepth 1 2>/dev/null)" "" "what is left"
}
