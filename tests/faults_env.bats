#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What the machine can do to the scripts: full maps, no memory, a bpf filesystem that is
# read-only, crowded or gone, devices that move.

. "${BATS_TEST_DIRNAME}/sandbox.bash"
. "${BATS_TEST_DIRNAME}/faults.bash"

setup() {
	lab_up
	foreign_up
	state >"$BATS_TEST_TMPDIR/before"
}

# refused STATUS PATTERN COMMAND...: in the host, with one line of error
refused() { fails "$1" "$2" on host "${@:3}"; }

@test "faults: the registry is full: attach says so and changes nothing" {
	local i
	on host "$ATTACH" eth0 policy
	for ((i = 0; i < 255; i++)); do
		printf 'map update pinned %s/hm_dev key hex %02x 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 value hex 01%s\n' \
			"$G" "$i" "$(printf ' 00%.0s' {1..31})"
	done >"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	state >"$BATS_TEST_TMPDIR/full"
	refused 1 "256 devices are attached, which is the limit" "$ATTACH" lo policy
	same "after a refusal" "$BATS_TEST_TMPDIR/full"
	sed -i 's/map update/map delete/; s/ value .*//' "$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	on host "$DETACH" eth0
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

@test "faults: a memory limit refuses a map: nothing is left, with less it works" {
	local dir
	if [[ -w /sys/fs/cgroup/memory/memory.limit_in_bytes ]]; then
		dir=$(mktemp -d "/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/hookmap.XXXXXX")
		echo 50M >"$dir/memory.limit_in_bytes"
	elif grep -qw memory "$HOOKMAP_CGROUP/cgroup.controllers" 2>/dev/null; then
		# no process may be beside the limited ones
		mkdir "$HOOKMAP_CGROUP/tests"
		echo $$ >"$HOOKMAP_CGROUP/tests/cgroup.procs"
		echo +memory >"$HOOKMAP_CGROUP/cgroup.subtree_control"
		dir=$HOOKMAP_CGROUP/limited
		mkdir "$dir"
		echo 50M >"$dir/memory.max"
	fi
	skip_without "memory controller" test -n "${dir:-}"
	run on host bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@" 2>&1' - "$dir" "$ATTACH" eth0 l2fwd --fdb-size 1048576
	equal "$status" 1 status
	like "$output" "l2_fdb"
	same "after no memory" "$BATS_TEST_TMPDIR/before"
	on host bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@" 2>/dev/null' - "$dir" "$ATTACH" eth0 l2fwd
	on host "$DETACH" eth0
	busywait 5 rmdir "$dir"
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

@test "faults: a bpf filesystem that is read-only: attach changes nothing, detach goes on later" {
	mount -o remount,ro /sys/fs/bpf
	refused 1 "Read-only" "$ATTACH" eth0 latency
	mount -o remount,rw /sys/fs/bpf
	same "after attach was refused" "$BATS_TEST_TMPDIR/before"
	on host "$ATTACH" eth0 latency 2>/dev/null
	mount -o remount,ro /sys/fs/bpf
	refused 1 "ead-only" "$DETACH" eth0
	# what is attached can be read
	hookmap -j status >/dev/null
	hookmap -j latency >/dev/null
	mount -o remount,rw /sys/fs/bpf
	on host "$DETACH" eth0
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

@test "faults: the bpf filesystem is unmounted under us, and mounted anew" {
	on host "$ATTACH" eth0 latency 2>/dev/null
	umount /sys/fs/bpf
	refused 1 "no bpf filesystem is mounted" "$DETACH" eth0
	refused 1 "no bpf filesystem is mounted" "$ATTACH" eth0
	mount -t bpf -o mode=700 bpf /sys/fs/bpf
	# what is still attached cannot be told from somebody else's, and says how to take it off
	refused 1 "ip link set dev eth0 xdp off" "$ATTACH" eth0
	on host ip link set dev eth0 xdp off
	refused 1 "tc filter del dev eth0 ingress pref 1" "$ATTACH" eth0
	on host tc filter del dev eth0 ingress pref 1
	on host "$ATTACH" eth0 latency --sample 1 --filter 'proto icmp' 2>/dev/null
	# all stages are those of the new maps
	on client ping -q -c 5 -i 0.01 10.11.1.1
	equal "$(rows xdp tc)" 5 "xdp to tc"
	equal "$(rows prerouting input)" 5 "prerouting to input"
	on host "$DETACH" eth0
	equal "$(on host iptables-save | grep hookmap)" "" rules
	equal "$(find "$G" -type f)" "" pins
}

@test "faults: a bpf filesystem full of others' pins" {
	local i
	for ((i = 0; i < 2000; i++)); do
		printf 'map create %s/%s%d type array key 4 value 4 entries 1 name other\n' \
			"$G" "$( ((i % 2)) && printf l2_ || printf lat_)" "$i"
	done >"$BATS_TEST_TMPDIR/batch"
	mkdir -p /sys/fs/bpf/hookmap/latency2
	bpftool -n batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	state >"$BATS_TEST_TMPDIR/before"
	on host "$ATTACH" eth0 latency l2fwd policy 2>/dev/null
	on host "$DETACH" eth0
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

@test "faults: a device that moves to another namespace, and back, and is found by its pins" {
	on host "$ATTACH" eth0 latency policy 2>/dev/null
	on host ip link set eth0 netns "$LAB-server" name moved
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: has vanished"
	run -0 on host "$DETACH" eth0
	# its XDP program went with it, and keeps the maps until it is taken off, over there
	on host "$DETACH" moved --netns "$LAB-server"
	equal "$(on server ip -j -d link show moved | jq -c '.[0].xdp')" null "XDP program"
	on server ip link del moved
	grep -v '"eth0"' "$BATS_TEST_TMPDIR/before" >"$BATS_TEST_TMPDIR/without"
	same "after detach" "$BATS_TEST_TMPDIR/without"
}

@test "faults: a device is renamed, and another takes its name" {
	on host "$ATTACH" eth0 policy l2fwd 2>/dev/null
	on host ip link set eth0 down
	on host ip link set eth0 name lan0
	on host ip link add eth0 type veth peer name eth9
	# the new one has nothing
	on host "$DETACH" eth0 2>/dev/null
	like "$(on host "$HM_TOP/scripts/status.sh")" "lan0: l2fwd policy"
	like "$(on host tc filter show dev lan0 ingress)" policy_tc
	on host "$ATTACH" eth0 policy
	on host "$DETACH" lan0
	like "$(on host tc filter show dev eth0 ingress)" policy_tc
	on host "$DETACH" eth0
	on host ip link del eth0
	on host ip link set lan0 name eth0
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

@test "faults: everything fails from some command on: the next run puts it right" {
	local n
	shims 'printf "Error: made to fail\n" >&2; exit 1'
	sed -i 's/n == FAULT_AT/n >= FAULT_AT/' "$SHIMS/shim"
	for n in 4 12 20; do
		run faulty 1 "$n" "$ATTACH" eth0 latency policy
		equal "$status" 1 "status with all failing from command $n"
		on host "$DETACH" eth0
		same "attach with all failing from command $n" "$BATS_TEST_TMPDIR/before"
	done
	on host "$ATTACH" eth0 latency policy 2>/dev/null
	for n in 2 9; do
		run faulty 1 "$n" "$DETACH" eth0
		equal "$status" 1 "status of detach with all failing from command $n"
	done
	on host "$DETACH" eth0
	same "detach" "$BATS_TEST_TMPDIR/before"
}
