#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# kill -9 of the scripts at their commands: the next run recovers, and nothing of somebody
# else is lost. FAULTS_STEP=1 kills at each command, not at some.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../faults.bash"

setup() {
	lab_up
	foreign_up
}

@test "faults: attach and detach of latency, killed" {
	killed_everywhere 1 "${FAULTS_STEP:-19}" eth0 latency
	((KILLED >= 2))
}

@test "faults: attach and detach of l2fwd and of policy, killed" {
	killed_everywhere 2 "${FAULTS_STEP:-31}" eth0 l2fwd
	((KILLED >= 2))
	killed_everywhere 3 "${FAULTS_STEP:-13}" eth0 policy
	((KILLED >= 2))
}

@test "faults: attach and detach of a mirrored bridge, killed" {
	on host ip addr flush dev eth0
	on host ip link add br0 type bridge
	on host ip link add p1 type veth peer name q1
	for dev in p1 q1 br0; do on host ip link set "$dev" up; done
	on host ip link set p1 master br0
	OPTIONS=(--mirror)
	killed_everywhere 4 "${FAULTS_STEP:-43}" br0 l2fwd
	((KILLED >= 2))
}

@test "faults: attach and detach of the host's features, killed" {
	killed_everywhere 1 "${FAULTS_STEP:-29}" --host drops path exec
	((KILLED >= 3))
}

@test "faults: attach and detach of a second device and a container, killed" {
	on host "$ATTACH" eth0 2>/dev/null
	killed_everywhere 5 "${FAULTS_STEP:-29}" eth0 latency --netns "$LAB-server"
	on host "$DETACH" eth0
}

@test "faults: attach told to end, at whatever command: it undoes what it has done" {
	stopped_everywhere 3 "${FAULTS_STEP:-19}" eth0 latency l2fwd policy
	((KILLED >= 3))
	stopped_everywhere 2 "${FAULTS_STEP:-29}" --host drops path exec
	((KILLED >= 2))
}

# the victim dies amid a batch, too
HALF='if [[ " $* " == *" batch file "* ]]; then
	head -n $(($(wc -l <"${!#}") / 2)) "${!#}" >"$d/half"
	bpftool -n batch file "$d/half" >/dev/null
fi
'

@test "faults: fdb.sh load, killed" {
	local n file=$BATS_TEST_TMPDIR/entries
	shims "$HALF$KILL"
	on host "$ATTACH" eth0 l2fwd 2>/dev/null
	on host "$HM_TOP/scripts/fdb.sh" add 02:00:00:00:ff:ff dev eth0
	state >"$BATS_TEST_TMPDIR/before"
	for ((n = 1; ; n++)); do
		for ((i = 0; i < 300; i++)); do printf '02:%02x:00:00:%02x:%02x dev eth0\n' "$n" $((i / 256)) $((i % 256)); done >"$file"
		faulty 1 "$n" "$HM_TOP/scripts/fdb.sh" load "$file" || true
		[[ -n $HIT ]] || break
		same "fdb.sh load, killed before: $HIT" "$BATS_TEST_TMPDIR/before"
		on host "$HM_TOP/scripts/fdb.sh" load "$file"
		equal "$(on host "$HM_TOP/scripts/fdb.sh" dump | sort)" "$(printf '02:00:00:00:ff:ff dev eth0\n' | cat - "$file" | sort)" "entries"
		on host "$HM_TOP/scripts/fdb.sh" flush
		on host "$HM_TOP/scripts/fdb.sh" add 02:00:00:00:ff:ff dev eth0
	done
	((n > 2))
	on host "$DETACH" eth0
}

@test "faults: policy.sh load, killed" {
	local n old=$BATS_TEST_TMPDIR/old new=$BATS_TEST_TMPDIR/new generation
	in_force() { on host "$HM_BUILD/hookmap" -j policy | jq -c '[.rows[].id]'; }
	shims "$HALF$KILL"
	jq -n '{rules: [range(50) | {id: "old\(.)", priority: ., match: {dst: "192.0.2.\(.)/32"}, action: "drop"}]}' >"$old"
	jq -n '{rules: [range(70) | {id: "new\(.)", priority: ., match: {dst: "192.0.2.\(.)/32"}, action: "drop"}]}' >"$new"
	on host "$ATTACH" eth0 policy
	for ((n = 1; ; n++)); do
		on host "$HM_TOP/scripts/policy.sh" load "$old"
		generation=$(in_force)
		state >"$BATS_TEST_TMPDIR/before"
		faulty 1 "$n" "$HM_TOP/scripts/policy.sh" load "$new" || true
		[[ -n $HIT ]] || break
		# all of the old rules, or all of the new ones
		[[ $(in_force) == "$generation" || $(in_force) == "$(jq -c '[.rules[].id]' "$new")" ]]
		on host "$HM_TOP/scripts/policy.sh" load "$new"
		equal "$(in_force)" "$(jq -c '[.rules[].id]' "$new")" "rules after load was killed before: $HIT"
		same "policy.sh load, killed before: $HIT" "$BATS_TEST_TMPDIR/before"
	done
	((n > 3))
	on host "$DETACH" eth0
}

@test "faults: fdb.sh load and policy.sh load told to end: all or nothing, and nothing lies about" {
	local n status before file=$BATS_TEST_TMPDIR/file
	# whole NAME: the load that was stopped, or has been too late to be
	whole() {
		equal "$(ls "$BATS_TEST_TMPDIR/tmp")$(ls -d /sys/fs/bpf/hookmap/policy 2>/dev/null)" '' "what is left by: $HIT"
		if ((status)); then equal "$status" 143 status && equal "$("$1")" "$before" "what is loaded, stopped by: $HIT"; fi
	}
	entries() { on host "$HM_TOP/scripts/fdb.sh" dump | sort; }
	ids() { on host "$HM_BUILD/hookmap" -j policy | jq -c '[.rows[].id]'; }
	mkdir "$BATS_TEST_TMPDIR/tmp"
	# amid a batch, else behind what was done
	shims "$HALF"'[[ " $* " != *" batch file "* ]] || exec kill -TERM "$(<"$d/victim")"
	'"$STOP"
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	on host "$ATTACH" eth0 l2fwd policy 2>/dev/null
	for ((n = 1, KILLED = 0; ; n++)); do
		on host "$HM_TOP/scripts/fdb.sh" flush
		for i in {0..99}; do printf '02:00:00:00:00:%02x local\n' "$i"; done | on host "$HM_TOP/scripts/fdb.sh" load -
		for i in {50..149}; do printf '02:00:00:00:00:%02x dev eth0\n' "$i"; done >"$file"
		before=$(entries) status=0
		faulty 1 "$n" "$HM_TOP/scripts/fdb.sh" load "$file" || status=$?
		[[ -n $HIT ]] || break
		whole entries
		KILLED=$((KILLED + (status != 0)))
	done
	equal "$status $(entries | grep -c eth0)" '0 100' 'load that was not stopped'
	((KILLED >= 2))
	jq -n '{rules: [range(70) | {id: "new\(.)", priority: ., match: {dst: "192.0.2.\(.)/32"}, action: "drop"}]}' >"$file"
	for ((n = 1, KILLED = 0; ; n++)); do
		on host "$HM_TOP/scripts/policy.sh" flush
		before=$(ids) status=0
		faulty 1 "$n" "$HM_TOP/scripts/policy.sh" load "$file" || status=$?
		[[ -n $HIT && $HIT != rmdir* ]] || break
		equal "$(ls "$BATS_TEST_TMPDIR/tmp")$(ls -d /sys/fs/bpf/hookmap/policy 2>/dev/null)" '' "what is left by: $HIT"
		equal "$status" 143 "status, stopped by: $HIT"
		KILLED=$((KILLED + 1))
	done
	((KILLED >= 3))
	on host "$DETACH" eth0
}

@test "faults: what a script looks at cannot be read, once: nothing is lost, and the next run recovers" {
	local n step=${FAULTS_STEP:-37}
	shims 'printf "Error: made to fail\n" >&2; exit 1'
	state >"$BATS_TEST_TMPDIR/before"
	for ((n = 1; ; n += step)); do
		faulty 0 "$n" "$ATTACH" eth0 latency || true
		[[ -n $HIT ]] || break
		on host "$DETACH" eth0
		same "attach with this failing: $HIT" "$BATS_TEST_TMPDIR/before"
	done
	for ((n = 1; ; n += step)); do
		on host "$ATTACH" eth0 latency 2>/dev/null
		faulty 0 "$n" "$DETACH" eth0 || true
		[[ -n $HIT ]] || break
		on host "$DETACH" eth0
		same "detach with this failing: $HIT" "$BATS_TEST_TMPDIR/before"
	done
	on host "$DETACH" eth0
}
