#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What the machine can do to the scripts: full maps, no memory, a bpf filesystem that is
# read-only, crowded or gone, devices that move.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../faults.bash"

setup() {
	lab_up
	foreign_up
	state >"$BATS_TEST_TMPDIR/before"
}

# refused STATUS PATTERN COMMAND...: in the host, with one line of error
refused() { fails "$1" "$2" on host "${@:3}"; }

@test "faults: the registry is full: what has vanished makes room, or attach says so and changes nothing" {
	local i inode policy
	# shellcheck source=/dev/null
	policy=$(. "$HM_BUILD/abi.sh" && echo "$HM_FEAT_policy")
	on host "$ATTACH" eth0 policy
	for ((i = 0; i < 255; i++)); do printf 'link add v%d index %d type bridge\n' "$i" $((1000 + i)); done | on host ip -batch -
	inode=$(on host stat -L -c %i /proc/self/ns/net)
	inode=$(printf '%02x %02x %02x %02x' $((inode & 255)) $((inode >> 8 & 255)) $((inode >> 16 & 255)) $((inode >> 24)))
	[[ $(printf '\1\0' | od -An -tu2 | tr -d ' ') == 1 ]] || skip "no little-endian machine"
	for ((i = 0; i < 255; i++)); do
		printf 'map update pinned %s/hm_dev key hex %s 00 00 00 00 %02x %02x 00 00 00 00 00 00 value hex %02x 00 00 00 00 00 00 00 01 %s\n' \
			"$G" "$inode" $(((1000 + i) & 255)) $(((1000 + i) >> 8)) "$policy" "$(printf ' 00%.0s' {1..23})"
	done >"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	state >"$BATS_TEST_TMPDIR/full"
	refused 1 "256 devices are attached, which is the limit" "$ATTACH" lo policy
	same "after a refusal" "$BATS_TEST_TMPDIR/full"
	# one that has vanished makes room
	on host ip link del v7
	run -0 on host "$ATTACH" lo policy
	like "$output" 'has vanished: removing what is left of it'
	on host "$DETACH" lo policy
	sed -i 's/map update/map delete/; s/ value .*//; / ef 03 00 00 /d' "$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	for ((i = 0; i < 255; i++)); do ((i == 7)) || printf 'link del v%d\n' "$i"; done | on host ip -batch -
	# namespaces (that of eth0 is 1)
	for ((i = 2; i < 256; i++)); do
		printf 'map update pinned %s/hm_netns key hex %02x 00 00 00 value hex %02x%s\n' "$G" "$i" "$i" "$(printf ' 00%.0s' {1..71})"
		((i < 255)) || break
		printf 'map update pinned %s/hm_dev key hex %02x 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 value hex 01%s %02x%s\n' \
			"$G" "$i" "$(printf ' 00%.0s' {1..7})" "$i" "$(printf ' 00%.0s' {1..23})"
	done >"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	state >"$BATS_TEST_TMPDIR/full"
	# nothing is attached in the last one
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/hm_dev" key hex ff 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 \
		value hex 01 00 00 00 00 00 00 00 ff $(printf '00 %.0s' {1..23})
	state >"$BATS_TEST_TMPDIR/full"
	refused 1 "devices of 255 network namespaces are attached, which is the limit: detach those of one" "$ATTACH" --netns "$LAB-server" eth0
	same "after a refusal" "$BATS_TEST_TMPDIR/full"
	sed -i '/hm_dev/!d; s/map update/map delete/; s/ value .*//' "$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	bpftool map delete pinned "$G/hm_dev" key hex ff 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
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

@test "faults: a /dev without stdin, as in an initramfs" {
	mkdir "$BATS_TEST_TMPDIR/dev"
	cp -a /dev/null /dev/zero /dev/full /dev/urandom /dev/fd "$BATS_TEST_TMPDIR/dev"
	mount --bind "$BATS_TEST_TMPDIR/dev" /dev
	[[ ! -e /dev/stdin ]]
	on host "$ATTACH" eth0 latency 2>/dev/null
	like "$(on host "$HM_TOP/scripts/status.sh")" 'eth0: latency'
	"$HM_TOP/scripts/run.sh" xdp/pass - <"$HM_TOP/tests/packets/arp.hex"
	on host "$DETACH" eth0
	umount /dev
	same "a /dev without stdin" "$BATS_TEST_TMPDIR/before"
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

@test "faults: a device that moves to another namespace is followed under its old name, or named" {
	on host ip netns add "$LAB-other"
	on host "$ATTACH" eth0 latency policy 2>/dev/null
	on host ip link set eth0 netns "$LAB-other" name moved
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: has vanished, or is in another network namespace now; detach.sh removes what is left"
	# its number is free there, and stays
	run -0 on host "$DETACH" eth0
	like "$output" "eth0 is now moved in network namespace /run/netns/$LAB-other"
	equal "$(nsenter --net="/run/netns/$LAB-other" -- ip -j -d link show moved | jq -c '.[0].xdp')" null "XDP program"
	grep -v '"eth0"' "$BATS_TEST_TMPDIR/before" >"$BATS_TEST_TMPDIR/without"
	same "after detach" "$BATS_TEST_TMPDIR/without"
	ip netns del "$LAB-other"
}

@test "faults: a device that moves, and has another name and number there: found by its new one" {
	on host "$ATTACH" eth0 latency policy 2>/dev/null
	on host ip link set eth0 netns "$LAB-server" name moved
	run -1 on host "$DETACH" eth0
	like "$output" "eth0 is not there any more. If it was moved and renamed, it still has our XDP program: detach.sh --netns /run/netns/$LAB-server moved"
	# its XDP program went with it, and keeps the maps until it is taken off, over there
	like "$(on host "$HM_TOP/scripts/status.sh")" "elsewhere: programs of ours are on moved in network namespace /run/netns/$LAB-server: detach.sh --all removes them"
	on host "$DETACH" moved --netns "$LAB-server"
	equal "$(on server ip -j -d link show moved | jq -c '.[0].xdp')" null "XDP program"
	on server ip link del moved
	grep -v '"eth0"' "$BATS_TEST_TMPDIR/before" >"$BATS_TEST_TMPDIR/without"
	same "after detach" "$BATS_TEST_TMPDIR/without"
}

@test "faults: a device that moves out of a namespace that lives on: detach under its new name cleans up there" {
	on client "$ATTACH" eth0 latency 2>/dev/null
	on client ip link set eth0 netns "$LAB-server" name moved
	on host "$DETACH" moved --netns "$LAB-server" 2>/dev/null
	equal "$(on server ip -j -d link show moved | jq -c '.[0].xdp')" null "XDP program"
	equal "$(on client iptables-save | grep hookmap)" "" "rules"
	grep -v '"eth0"' "$BATS_TEST_TMPDIR/before" >"$BATS_TEST_TMPDIR/without"
	on server ip link del moved
	same "after detach" "$BATS_TEST_TMPDIR/without"
}

@test "faults: a renamed device is detached by the name that it had, too" {
	on host "$ATTACH" eth0 latency policy 2>/dev/null
	on host ip link set eth0 down
	on host ip link set eth0 name lan0
	on host "$DETACH" eth0
	equal "$(on host tc qdisc show dev lan0 | grep clsact)$(on host ip -j -d link show lan0 | jq -r '.[0].xdp.prog.name // empty')" "" "hooks"
	on host ip link set lan0 name eth0
	same "after detach" "$BATS_TEST_TMPDIR/before"
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

@test "faults: who reads what attach and detach say leaves: the work goes on" {
	local n words
	for n in 1 3 8 15 25 40; do
		on host bash -c '"$1" -v eth0 latency 2>&1 | head -n "$2" >/dev/null; exit "${PIPESTATUS[0]}"' - "$ATTACH" "$n"
		like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: latency"
		on host bash -c '"$1" -v eth0 2>&1 | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"' - "$DETACH"
		same "detach -v | head -n 1" "$BATS_TEST_TMPDIR/before"
	done
	# lists of entries, warnings and notes, and nowhere to print them
	for words in '2>&1 | head -n 1' '2>&1 | true' '2>/dev/full' '2>&-'; do
		on host ip link add gone0 type veth peer name gone1
		for n in 'eth0 l2fwd' gone0; do
			# shellcheck disable=SC2086
			on host "$ATTACH" $n 2>/dev/null
		done
		on host ip link del gone0
		on host bash -c '"$1" -v --all '"$words"'; exit "${PIPESTATUS[0]}"' - "$DETACH" >/dev/null
		same "detach -v --all $words" "$BATS_TEST_TMPDIR/before"
	done
}

@test "faults: what cannot be undone is told, with what takes it off" {
	local features
	mkdir "$BATS_TEST_TMPDIR/bin"
	# ip refuses the last step, and iptables all that takes back
	cat >"$BATS_TEST_TMPDIR/bin/ip" <<-EOF
		#!/bin/bash
		[[ " \$* " != *" xdp"*" obj "* ]] || { echo "Error: refused by a test" >&2; exit 1; }
		exec $(command -v ip) "\$@"
	EOF
	cat >"$BATS_TEST_TMPDIR/bin/iptables" <<-EOF
		#!/bin/bash
		[[ ! " \$* " =~ \ -[FXD]\  ]] || { echo "iptables: kept by a test" >&2; exit 4; }
		exec $(command -v iptables) "\$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bin/"*
	run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" nsenter --net="/run/netns/$LAB-host" -- "$ATTACH" eth0 latency
	equal "$status" 1 status
	like "$output" "refused by a test"
	like "$output" "could not undo 6 of the changes: "
	like "$output" "kept by a test: detach.sh -- eth0 takes off what is left"
	on host "$DETACH" eth0
	same "after detach" "$BATS_TEST_TMPDIR/before"
	# and by commands that fail without a word: detach still knows the qdisc, and the program by its maps
	rm "$BATS_TEST_TMPDIR/bin/"*
	printf '#!/bin/bash\n[[ " $* " != *" pref 50 "* && " $* " != *" del "* ]] || exit 1\nexec %s "$@"\n' "$(command -v tc)" >"$BATS_TEST_TMPDIR/bin/tc"
	printf '#!/bin/bash\n[[ " $* " != *" xdp"*" off "* ]] || exit 1\nexec %s "$@"\n' "$(command -v ip)" >"$BATS_TEST_TMPDIR/bin/ip"
	chmod +x "$BATS_TEST_TMPDIR/bin/"*
	for features in policy 'latency policy'; do
		# shellcheck disable=SC2086
		run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" nsenter --net="/run/netns/$LAB-host" -- "$ATTACH" eth0 $features
		like "$output" "could not undo [13] of the changes: "
		like "$output" "no message: detach.sh -- eth0 takes off what is left"
		like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: $features"
		on host "$DETACH" eth0
		same "after detach of $features" "$BATS_TEST_TMPDIR/before"
	done
}

@test "faults: a command that hangs is ended after a time, and that is said" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/tc" <<-EOF
		#!/bin/bash
		[[ " \$* " != *" clsact "* || -e "$BATS_TEST_TMPDIR/hung" ]] || { : >"$BATS_TEST_TMPDIR/hung"; trap '' INT TERM HUP; while :; do read -rt 60 <> <(:); done; }
		exec $(command -v tc) "\$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bin/tc"
	run env HOOKMAP_LIMIT=2 PATH="$BATS_TEST_TMPDIR/bin:$PATH" timeout -s KILL 60 nsenter --net="/run/netns/$LAB-host" -- "$ATTACH" eth0 policy 3>&-
	equal "$status" 1 status
	like "$output" "tc qdisc add dev eth0 clsact failed: error: it was killed after 2 seconds: is a driver, a lock or a file system stuck?"
	one_line "$output"
	same "after a command that hung" "$BATS_TEST_TMPDIR/before"
}

@test "faults: no room for temporary files: nothing changes, and nothing lies about" {
	local script
	on host "$ATTACH" eth0 l2fwd policy 2>/dev/null
	printf '02:00:00:00:00:01 local\n' >"$BATS_TEST_TMPDIR/entries"
	printf '{"rules":[{"priority":1,"action":"drop"}]}' >"$BATS_TEST_TMPDIR/rules"
	state >"$BATS_TEST_TMPDIR/attached"
	mkdir "$BATS_TEST_TMPDIR/full"
	mount -t tmpfs -o size=4k,nr_inodes=3 full "$BATS_TEST_TMPDIR/full"
	head -c 4096 /dev/zero >"$BATS_TEST_TMPDIR/full/x"
	for script in "fdb.sh load $BATS_TEST_TMPDIR/entries" "policy.sh load $BATS_TEST_TMPDIR/rules" "plot.sh --data stages $BATS_TEST_TMPDIR/rules" \
		"run.sh xdp/pass $HM_TOP/tests/packets/arp.hex"; do
		# shellcheck disable=SC2086
		run env TMPDIR="$BATS_TEST_TMPDIR/full" nsenter --net="/run/netns/$LAB-host" -- "$HM_TOP/scripts/"$script
		equal "$status" 1 "status of $script: $output"
		[[ -n $output ]]
		equal "$(ls "$BATS_TEST_TMPDIR/full")" x "what $script leaves"
		same "$script" "$BATS_TEST_TMPDIR/attached"
	done
	like "$(TMPDIR=$BATS_TEST_TMPDIR/full on host "$HM_TOP/scripts/status.sh")" "eth0: l2fwd policy"
	TMPDIR=$BATS_TEST_TMPDIR/full on host "$DETACH" eth0
	equal "$(ls "$BATS_TEST_TMPDIR/full")" x "what detach leaves"
	umount "$BATS_TEST_TMPDIR/full"
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

@test "faults: stopped processes: who has a namespace, who hears what the kernel says, who has the lock" {
	local pid pids=() path
	ip -n "$LAB-host" monitor >/dev/null 3>&- &
	pids+=($!)
	nsenter --net="/run/netns/$LAB-server" -- sleep 1000 3>&- &
	pids+=($!)
	path=/proc/$!/ns/net
	busywait 5 test "$path" -ef "/run/netns/$LAB-server"
	kill -STOP "${pids[@]}"
	on host "$ATTACH" eth0 latency policy 2>/dev/null
	"$ATTACH" --netns "$path" eth0 latency
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0 in network namespace $LAB-server: latency"
	# the lock, for as long as flock waits for it
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/bash\nexec %s "${@/#60/1}"\n' "$(type -P flock)" >"$BATS_TEST_TMPDIR/bin/flock"
	chmod +x "$BATS_TEST_TMPDIR/bin/flock"
	bash -c 'exec {fd}</sys/fs/bpf/tc/_lock; flock "$fd"; : >"$1"; kill -STOP "$$"' - "$BATS_TEST_TMPDIR/held" 3>&- &
	pid=$!
	busywait 5 test -e "$BATS_TEST_TMPDIR/held"
	state >"$BATS_TEST_TMPDIR/attached"
	for script in "$ATTACH" "$DETACH"; do
		PATH=$BATS_TEST_TMPDIR/bin:$PATH refused 1 "has held the lock of /sys/fs/bpf for a minute: is it stopped, or stuck? fuser -v /sys/fs/bpf/tc/_lock shows it" "$script" eth0
	done
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: latency policy"
	kill -KILL "$pid"
	wait "$pid" || true
	same "what could not be changed" "$BATS_TEST_TMPDIR/attached"
	"$DETACH" --netns "$path" eth0
	on host "$DETACH" eth0
	kill -KILL "${pids[@]}"
	wait "${pids[@]}" || true
	same "after detach" "$BATS_TEST_TMPDIR/before"
}

# hanging TOOL...: in a folder each, what hangs, whatever it is asked
hanging() {
	local tool
	for tool; do
		mkdir -p "$BATS_TEST_TMPDIR/hang/$tool"
		printf '#!/bin/bash\ntrap "" INT TERM HUP\nexec sleep 1000\n' >"$BATS_TEST_TMPDIR/hang/$tool/$tool"
		chmod +x "$BATS_TEST_TMPDIR/hang/$tool/$tool"
		[[ $tool != jq ]] || ln -s jq "$BATS_TEST_TMPDIR/hang/jq/gojq"
	done
}

# hangs TOOL COMMAND...: ends in time, with an error of one line that names the tool
hangs() {
	local tool=$1 status=0 since=$SECONDS said
	shift
	said=$(on host env HOOKMAP_LIMIT=2 PATH="$BATS_TEST_TMPDIR/hang/$tool:$PATH" timeout -s KILL 60 "$@" 2>&1 >/dev/null </dev/null) || status=$?
	equal "$status" 1 "exit status of $*, with $tool hanging: $said"
	like "$said" "$tool*killed after [23] seconds"
	one_line "$said"
	((SECONDS - since < 40)) || equal "$((SECONDS - since))" '< 40' "seconds of $*, with $tool hanging"
}

@test "faults: each tool that hangs is ended in time and named, and nothing is left half-done" {
	local tool d=$BATS_TEST_TMPDIR scripts=$HM_TOP/scripts pid pids=()
	aside() {
		hangs "$tool" "$@" 3>&- &
		pids+=($!)
	}
	mkdir "$d/conf"
	printf 'latency\n' >"$d/conf/eth0.conf"
	printf '02:00:00:00:00:01 local\n' >"$d/entries"
	printf '{"rules":[{"priority":1,"action":"drop"}]}' >"$d/rules"
	hanging ip tc bpftool iptables jq nsenter
	for tool in tc bpftool iptables jq; do
		hangs "$tool" "$ATTACH" eth0 latency
		same "attach with $tool hanging" "$d/before"
	done
	# (nsenter itself is the first to find it; the path is the real one)
	hangs nsenter "$ATTACH" --netns "$LAB-server" eth0 latency
	same "attach --netns with nsenter hanging" "$d/before"
	run -1 on host env HOOKMAP_LIMIT=2 PATH="$d/hang/tc:$PATH" "$scripts/service.sh" --config "$d/conf" start eth0
	like "${lines[0]}" "attach.sh: tc *killed after 2 seconds"
	like "${lines[-1]}" "not everything could be detached, see above"
	same "service.sh with tc hanging" "$d/before"

	on host "$ATTACH" eth0 latency l2fwd policy 2>/dev/null
	state >"$d/attached"
	for tool in ip tc bpftool jq; do
		aside "$scripts/status.sh"
		[[ $tool == tc ]] || aside "$scripts/fdb.sh" load "$d/entries"
		[[ $tool == tc ]] || aside "$scripts/policy.sh" load "$d/rules"
		[[ ! $tool =~ bpftool|jq ]] || aside "$scripts/run.sh" xdp/pass "$HM_TOP/tests/packets/arp.hex"
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	hangs ip "$DETACH" eth0
	same "one of ip, tc, bpftool and jq hanging" "$d/attached"
	hangs iptables "$DETACH" eth0
	on host "$DETACH" eth0
	same "detach, after it with iptables hanging" "$d/before"
}

@test "faults: a file system that does not answer, wherever a path is given: named in time, and the lock is free" {
	local d=$BATS_TEST_TMPDIR f=$BATS_TEST_TMPDIR/mute/f scripts=$HM_TOP/scripts pid pids=() file line
	skip_without /dev/fuse test -c /dev/fuse
	mkdir "$d/mute" "$d/trace"
	: >"/run/netns/mute"
	for file in "$d/mute" /run/netns/mute; do
		"$HM_BUILD/tests/nsthread" --mute "$file" >"$d/ready" 3>&- &
		pids+=($!)
		busywait 5 grep ready "$d/ready"
	done
	on host "$ATTACH" eth0 l2fwd policy latency 2>/dev/null
	state >"$d/attached"
	# silent WHAT PATTERN COMMAND...: others get the lock meanwhile
	silent() {
		local pattern=$1 out=$d/out.$BASHPID pid status=0
		shift
		on host env HOOKMAP_LIMIT=2 timeout -s KILL 60 "$@" >"$out" 2>&1 </dev/null 3>&- &
		pid=$!
		sleep 1
		flock -n /sys/fs/bpf/tc/_lock true || equal held free "lock, while this waits: $*"
		wait "$pid" || status=$?
		equal "$status" 1 "exit status of $*: $(<"$out")"
		one_line "$(<"$out")" && like "$(<"$out")" "$pattern"
	}
	while read -ra line; do
		silent "$f: no answer after 2 seconds: is its file system stuck?" "${line[@]}"
	done <<-EOF
		env HOOKMAP_BPFFS=$f $scripts/status.sh
		env HOOKMAP_BPFFS=$f $ATTACH eth0 latency
		env HOOKMAP_CGROUP=$f $ATTACH veth0 latency
		env HOOKMAP_OBJ=$f $DETACH eth0
		env TMPDIR=$f $scripts/policy.sh load /dev/null
		$scripts/policy.sh load $f
		$scripts/policy.sh check -- $f
		$scripts/fdb.sh load $f
		$scripts/fdb.sh acl eth0 load $f
		$scripts/plot.sh stages $f
		$scripts/run.sh xdp/pass --out=$f $HM_TOP/tests/packets/arp.hex
		$scripts/saved.sh $f
		$scripts/service.sh --config $f start eth0
		$ATTACH --next $f:prog eth0 latency
		$ATTACH --netns $f eth0 latency
		$DETACH --netns $f eth0
		$HM_BUILD/hookmap --bpffs $f latency
		env HOOKMAP_BPFFS=$f $HM_BUILD/hookmap
		$HM_BUILD/hookmap latency --since $f
		$HM_BUILD/hookmap --prom --output $f latency
	EOF
	# what can be looked at, but not read: the limit is that of the read
	mount -t tracefs trace "$d/trace"
	mkdir "$d/trace/instances/hookmap.$$"
	file=$d/trace/instances/hookmap.$$/trace_pipe
	while read -ra line; do
		silent "trace_pipe: killed after 2 seconds" "${line[@]}"
	done <<-EOF
		$scripts/policy.sh load $file
		$scripts/fdb.sh load $file
		$scripts/run.sh xdp/pass $file
	EOF
	rmdir "$d/trace/instances/hookmap.$$"
	# nor is a name that does not answer in the way
	silent '/run/netns/mute: no answer after 2 seconds' "$ATTACH" --netns mute eth0 latency
	fails 1 'there is no network namespace mute' hookmap latency --netns mute
	same "what could not be read" "$d/attached"
	HOOKMAP_LIMIT=2 on host timeout -s KILL 60 "$ATTACH" veth0 latency --mode none 2>/dev/null
	like "$(HOOKMAP_LIMIT=2 on host timeout -s KILL 60 "$scripts/status.sh")" 'veth0: latency'
	TMPDIR=$f HOOKMAP_LIMIT=2 on host timeout -s KILL 60 "$DETACH" veth0
	HOOKMAP_LIMIT=2 on host timeout -s KILL 60 "$DETACH" eth0
	kill "${pids[@]}"
	wait "${pids[@]}" || true
	umount /run/netns/mute "$d/mute"
	rm /run/netns/mute
	same "after detach" "$d/before"
}

@test "faults: a command that hangs amid attach: all before it is undone, and a second signal waits for none" {
	local pid status=0 since=$SECONDS
	shims 'trap "" INT TERM HUP; exec sleep 1000'
	HOOKMAP_LIMIT=3 faulty 1 24 "$ATTACH" eth0 latency l2fwd || status=$?
	[[ -n $HIT ]]
	equal "$status" 1 "status, with this hanging: $HIT"
	like "$(<"$BATS_TEST_TMPDIR/out")" "killed after 3 seconds"
	same "attach with this hanging: $HIT" "$BATS_TEST_TMPDIR/before"
	# from here on all hang, those of the undoing as well
	rm "$BATS_TEST_TMPDIR/hit"
	sed -i 's/n == FAULT_AT/n >= FAULT_AT/' "$SHIMS/shim"
	HOOKMAP_LIMIT=60 faulty 1 24 "$ATTACH" eth0 latency l2fwd 3>&- &
	pid=$!
	busywait 20 test -e "$BATS_TEST_TMPDIR/hit"
	while kill -0 "$pid" 2>/dev/null; do
		kill -TERM "$(<"$BATS_TEST_TMPDIR/victim")" 2>/dev/null || true
		sleep 0.3
	done
	wait "$pid" || status=$?
	equal "$status" 143 "status: $(<"$BATS_TEST_TMPDIR/out")"
	((SECONDS - since < 100)) || equal "$((SECONDS - since))" '< 100' seconds
	like "$(<"$BATS_TEST_TMPDIR/out")" "killed by a second signal"
	like "$(<"$BATS_TEST_TMPDIR/out")" "could not undo"
	like "$(<"$BATS_TEST_TMPDIR/out")" "detach.sh -- eth0 takes off what is left"
	on host "$DETACH" eth0
	same "detach" "$BATS_TEST_TMPDIR/before"
}
