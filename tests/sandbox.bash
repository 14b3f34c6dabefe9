# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sandbox.bash - source it at the top of a suite (`. "${BATS_TEST_DIRNAME}/../sandbox.bash"`).
# Every test then runs in its own sandbox (scripts/sandbox.sh): bats starts one process per
# test, and that process restarts itself inside.

bats_require_minimum_version 1.5.0 2>/dev/null || true
HM_TOP=$(cd -- "${BASH_SOURCE[0]%/*}/.." && pwd)
HM_BUILD=${HOOKMAP_OBJ:-$HM_TOP/build}
export HOOKMAP_OBJ=$HM_BUILD
# without the instruments of make coverage and make test-asan
HM_SHIPPED=${HM_BUILD%/cov} HM_SHIPPED=${HM_SHIPPED%/asan}
G=/sys/fs/bpf/tc/globals

if [[ ${0##*/} == bats-exec-test && -z ${HM_IN_SANDBOX:-} ]]; then
	export HM_IN_SANDBOX=1
	mapfile -d '' argv <"/proc/$$/cmdline"
	rm -rf "$BATS_TEST_TMPDIR" # the restarted process creates it again
	exec "$HM_TOP/scripts/sandbox.sh" "${argv[@]}"
fi

# bats records the stack before each command, which takes half of a suite's time. So turn that off in
# shared files. (A failure names the line of the test that called them.)
# shellcheck source=/dev/null
. <(declare -f bats_setup_tracing | sed "s/trap 'bats_debug_trap/trap '[[ \$BASH_SOURCE == *.bash ]] || bats_debug_trap/")

# skip_without WHAT COMMAND...: names what is missing; REQUIRE_ALL=1 makes it a failure
skip_without() {
	local what=$1
	shift
	"$@" >/dev/null 2>&1 && return
	[[ -z ${REQUIRE_ALL:-} ]] || {
		printf 'missing: %s\n' "$what" >&2
		return 1
	}
	skip "no $what"
}

# with_awk mawk|gawk|busybox: the scripts use this awk
with_awk() {
	skip_without "$1" command -v "$1"
	mkdir "$BATS_TEST_TMPDIR/awk"
	printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v "$1")$([[ $1 != busybox ]] || echo ' awk')" >"$BATS_TEST_TMPDIR/awk/awk"
	chmod +x "$BATS_TEST_TMPDIR/awk/awk"
	PATH=$BATS_TEST_TMPDIR/awk:$PATH
}

# busywait SECONDS COMMAND...: repeats COMMAND until it succeeds. SECONDS apply to an idle machine: a
# slow or busy one gets four times as long.
busywait() {
	local end=$((SECONDS + 4 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || {
			printf 'busywait: not in time: %s\n' "$*" >&2
			return 1
		}
		sleep 0.02
	done
}

# shellcheck source=tests/has.bash
. "$HM_TOP/tests/has.bash"

# equal GOT EXPECTED [WHAT]
equal() {
	[[ $1 == "$2" ]] && return
	printf '%s is: %s\nexpected: %s\n' "${3:-it}" "$1" "$2" >&2
	return 1
}

# like TEXT PATTERN: the text contains a match of this bash pattern
like() {
	# shellcheck disable=SC2053
	[[ $1 == *$2* ]] && return
	printf 'text: %s\nhas no: %s\n' "$1" "$2" >&2
	return 1
}

# one_line TEXT: an error must be exactly one line
one_line() { equal "$(grep -c . <<<"$1")" 1 "number of lines of <$1>"; }

# fails STATUS PATTERN COMMAND...: with this exit status, and one line of error
fails() {
	local status=$1 pattern=$2 out got=0
	shift 2
	out=$("$@" 2>&1 >/dev/null) || got=$?
	equal "$got" "$status" "exit status of $*" && one_line "$out" && like "$out" "$pattern"
}

# tree_copy DIR: a copy of the sources, with build/, that a test may change
tree_copy() {
	mkdir -p "$1"
	(cd "$HM_TOP" && cp -a Makefile .clang-format kern xdp tc iptables user scripts tests "$1")
	cp -a "$HM_BUILD" "$1/build"
	[[ ! -e $HM_TOP/README.md ]] || cp -a "$HM_TOP/README.md" "$1"
}

# --- the lab: client, host and server of scripts/lab.sh

lab_up() { LAB=$("$HM_TOP/scripts/lab.sh" up); }
on() { # HOST COMMAND...
	local host=$1
	shift
	nsenter --net="/run/netns/$LAB-$host" -- "$@"
}
attach() { on host "$HM_TOP/scripts/attach.sh" "$@"; }
detach() { on host "$HM_TOP/scripts/detach.sh" "$@"; }
# for_users: mounts scripts and reader on /mnt: users may have no access to the tree itself
for_users() {
	mount -t tmpfs -o mode=755 tmpfs /mnt
	mkdir /mnt/build
	cp -r "$HM_TOP/scripts" /mnt
	cp "$HM_SHIPPED/hookmap" "$HM_SHIPPED/rules" "$HM_SHIPPED/abi.sh" /mnt/build
	chmod -R a+rX /mnt
}
# nobody COMMAND...: as a user without privileges, in the lab's host
nobody() {
	on host env -u BASH_ENV HOOKMAP_OBJ=/mnt/build TMPDIR=/dev/shm setpriv --reuid 65534 --regid 65534 --clear-groups \
		--bounding-set -all --inh-caps -all -- "$@"
}
hookmap() { "$HM_BUILD/hookmap" "$@"; }
traffic() { "$HM_BUILD/tests/traffic" "$@"; }

# udp HOST ADDR COUNT [OPTION...]: from the client to HOST, received there
udp() {
	local host=$1 addr=$2 count=$3
	shift 3
	on "$host" "$HM_BUILD/tests/traffic" udp-recv "$addr" 7000 "$count" >"$BATS_TEST_TMPDIR/udp" 3>&- &
	busywait 5 on "$host" bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send "$addr" 7000 "$count" "$@"
	wait $!
}

# tcp HOST ADDR COUNT [SERVER-OPTION...]: requests from the client to HOST
tcp() {
	local host=$1 addr=$2 count=$3
	shift 3
	on "$host" "$HM_BUILD/tests/traffic" tcp-server "$addr" 7000 "$count" "$@" 3>&- &
	on client "$HM_BUILD/tests/traffic" tcp-client "$addr" 7000 "$count"
	wait $!
}

# rows FROM TO [KIND]: packets counted between two stages
rows() {
	hookmap -j latency | jq --arg from "$1" --arg to "$2" --arg kind "${3:-stage}" \
		'[.rows[] | select(.from == $from and .to == $to and .kind == $kind) | .count] | add // 0'
}
lost() { hookmap -j latency | jq ".lost.$1"; }

# What is ours on a device and on the host: must be empty after detach
nothing_left() {
	local left
	left=$(
		find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null
		on host ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname'
		on host tc qdisc show | grep clsact
		on host iptables-save | grep hookmap
		on host ip6tables-save | grep hookmap
		bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq -r '.[]?.id'
	) || true
	equal "$left" "" "what is left"
}
