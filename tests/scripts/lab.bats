#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# lab.sh, sandbox.sh, deps.sh and the demo

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

@test "lab: up, exec, list, down" {
	name=$("$HM_TOP/scripts/lab.sh" up)
	equal "$("$HM_TOP/scripts/lab.sh" list)" "$name"
	"$HM_TOP/scripts/lab.sh" exec "$name" client ping -q -c 1 -W 2 10.11.2.2
	"$HM_TOP/scripts/lab.sh" exec "$name" client ping -q -c 1 -W 2 fd11:2::2
	"$HM_TOP/scripts/lab.sh" exec "$name" server ping -q -c 1 -W 2 10.11.1.2
	# a command's own options are its own
	equal "$("$HM_TOP/scripts/lab.sh" exec "$name" host bash -c 'echo -n $0' -v)" "-v"
	"$HM_TOP/scripts/lab.sh" down "$name"
	fails 2 'use at most 32 letters' "$HM_TOP/scripts/lab.sh" up a-very-long-name-for-a-lab-indeed
	fails 1 'lab one is not up, or has no host named hst' "$HM_TOP/scripts/lab.sh" exec one hst true
	equal "$(ip netns list)" "" namespaces
	equal "$("$HM_TOP/scripts/status.sh")$("$HM_TOP/scripts/status.sh" -j)" "nothing of hookmap is attached[]" status
	run -0 "$HM_TOP/scripts/lab.sh" down "$name"
	like "$output" "was not up"
}

@test "lab: two at once, and a name that is taken" {
	"$HM_TOP/scripts/lab.sh" up one
	"$HM_TOP/scripts/lab.sh" up two
	run "$HM_TOP/scripts/lab.sh" up one
	equal "$status" 1 status
	like "$output" "network namespace one-client already exists"
	"$HM_TOP/scripts/lab.sh" exec one client ping -q -c 1 -W 2 10.11.1.1
	"$HM_TOP/scripts/lab.sh" down one
	"$HM_TOP/scripts/lab.sh" exec two client ping -q -c 1 -W 2 10.11.1.1
}

@test "lab: one that cannot be finished is undone" {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/bash\n[[ "$*" != *fd11:2::1/64* ]] || exit 1\nPATH=${PATH#*:} exec ip "$@"\n' >"$BATS_TEST_TMPDIR/bin/ip"
	chmod +x "$BATS_TEST_TMPDIR/bin/ip"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$HM_TOP/scripts/lab.sh" up broken
	equal "$status" 1 status
	equal "$(ip netns list)" "" namespaces
}

@test "sandbox: nothing stays, and the exit status is the command's" {
	run env -u HM_IN_SANDBOX "$HM_TOP/scripts/sandbox.sh" bash -c 'ip netns add inside; touch "$HOOKMAP_CGROUP"/cgroup.procs; bpftool -n map create /sys/fs/bpf/x type array key 4 value 4 entries 1 name x; echo "$HOOKMAP_CGROUP"; sleep 100 & exit 7'
	equal "$status" 7 status
	[[ ! -e $output && ! -e /sys/fs/bpf/x && ! -e /run/netns/inside ]]
	# its devices are those of its own network, also in /sys
	equal "$(env -u HM_IN_SANDBOX "$HM_TOP/scripts/sandbox.sh" sh -c 'ip link add name v0 type veth peer name v1 && cat /sys/class/net/v1/ifindex && ls /sys/class/net')" $'2\nlo\nv0\nv1' devices
}

@test "deps: the preflight answers yes or no, and what for" {
	run "$HM_TOP/scripts/deps.sh" --check
	like "$output" "yes  ip "
	like "$output" "yes  bpftool autoattach"
	like "$output" "yes  clsact"
	equal "$(grep -cvE '^(yes|no|\?) ' <<<"$output")" 0 "other lines"
	# something that is needed is missing
	BPFTOOL=/nowhere run "$HM_TOP/scripts/deps.sh" --check
	equal "$status" 1 status
	like "$output" "no   bpftool (package bpftool)"
	like "${lines[-1]}" "deps.sh: needed, and missing: bpftool (package bpftool)"
	equal "$("$HM_TOP/scripts/deps.sh" -n)" "" "what is to install"
}

@test "deps: the preflight with an awk that has no powers, and objects in a tree with blanks in its path" {
	local tree="$BATS_TEST_TMPDIR/a  tree" kind
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$tree/build"
	# busybox without CONFIG_FEATURE_AWK_LIBM: no script needs more
	printf '#!/bin/sh\ncase "$*" in *^*) echo "awk: Math support is not compiled in" >&2; exit 1 ;; esac\nexec %s "$@"\n' "$(command -v awk)" >"$BATS_TEST_TMPDIR/bin/awk"
	chmod +x "$BATS_TEST_TMPDIR/bin/awk"
	equal "$(grep -nE '[a-z0-9)]( ?)(\^|\*\*)\1[a-z0-9(]|\b(atan2|cos|exp|log|sin|sqrt)\(' -r "$HM_TOP/scripts" --include='*.sh' | grep -v '\$((')" '' 'powers'
	PATH=$BATS_TEST_TMPDIR/bin:$PATH "$HM_TOP/scripts/deps.sh" --check run
	cp -r "$HM_TOP/scripts" "$tree"
	cp -r "$HM_SHIPPED/xdp" "$HM_SHIPPED/kern" "$HM_SHIPPED/abi.sh" "$tree/build"
	run env -u HOOKMAP_OBJ "$tree/scripts/deps.sh" --check run
	for kind in "XDP, native on veth" "tp_btf tracepoints"; do like "$output" "yes  $kind"; done
}

@test "deps: on a system without apt, what is missing is named" {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	for tool in bash cat awk sed grep head stat od tr dirname readlink basename env id mktemp sort; do
		ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
	done
	sed 's|^PATH=.*||' "$HM_TOP/scripts/lib.sh" >"$BATS_TEST_TMPDIR/lib.sh"
	ln -s "$HM_TOP/scripts/lib" "$BATS_TEST_TMPDIR/lib"
	cp "$HM_TOP/scripts/deps.sh" "$BATS_TEST_TMPDIR/deps.sh"
	PATH=$BATS_TEST_TMPDIR/bin run "$BATS_TEST_TMPDIR/bin/bash" "$BATS_TEST_TMPDIR/deps.sh" run
	equal "$status" 1 status
	like "$output" "missing: iproute2"
	like "$output" "bpftool (7.2 or newer)"
}

@test "demo: each has its word for make" {
	demo_of() { env -u MAKEFLAGS -u MAKELEVEL make -n -C "$HM_TOP" O="$HM_BUILD" demo "$@" | grep -oE 'scripts/demo\.sh [a-z].*'; }
	equal "$(demo_of)" 'scripts/demo.sh latency' 'make demo'
	equal "$(demo_of DEMO=l2fwd)" 'scripts/demo.sh l2fwd' 'make demo DEMO=l2fwd'
}

@test "demo: it shows the delay in the right row, and leaves nothing" {
	run -0 env -u HM_IN_SANDBOX "$HM_TOP/scripts/demo.sh"
	like "$output" "Over 10 ms in the median: socket -> app"
	# (a reader with instruments runs no script)
	like "${output/none of the maps that hookmap reads is pinned/nothing of hookmap is attached}" "nothing of hookmap is attached"
	like "$output" "?host? + scripts/detach.sh eth0"
	equal "$(ip netns list)" "" namespaces
	equal "$(find /sys/fs/bpf -type f | grep -v debug)" "" pins
}

@test "demo: what it cannot do is said in one line" {
	fails 2 "unknown demo pie; demos are: latency, l2fwd, policy" "$HM_TOP/scripts/demo.sh" pie
	fails 2 "unexpected argument policy" "$HM_TOP/scripts/demo.sh" l2fwd policy
	fails 2 "unknown option -n" "$HM_TOP/scripts/demo.sh" -n
	HOOKMAP_OBJ=none fails 1 "none/tests/traffic is not there: build first" "$HM_TOP/scripts/demo.sh"
}

@test "lab: -4 needs no IPv6 of the kernel" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	# no key of IPv6 is there
	printf '#!/bin/bash\nexec %s "${@/net.ipv6./net.absent.}"\n' "$(type -P sysctl)" >"$BATS_TEST_TMPDIR/bin/sysctl"
	chmod +x "$BATS_TEST_TMPDIR/bin/sysctl"
	LAB=$(PATH=$BATS_TEST_TMPDIR/bin:$PATH "$HM_TOP/scripts/lab.sh" up -4)
	on client ping -q -c 3 -i 0.01 10.11.2.2
	"$HM_TOP/scripts/lab.sh" down "$LAB"
	# one that has none at all
	[[ ! -e /proc/sys/net/ipv6 ]] || mount -t tmpfs tmpfs /proc/sys/net/ipv6
	LAB=$(PATH=$BATS_TEST_TMPDIR/bin:$PATH "$HM_TOP/scripts/lab.sh" up 2>"$BATS_TEST_TMPDIR/said")
	on client ping -q -c 3 -i 0.01 10.11.2.2
	equal "$(<"$BATS_TEST_TMPDIR/said")" "lab.sh: note: this kernel has no IPv6, so the lab has none"
	run -0 env HM_IN_SANDBOX=1 PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$HM_TOP/scripts/demo.sh"
	like "$output" "Over 10 ms in the median: socket -> app"
}
