#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# soak.sh - make soak: MINUTES (10) of traffic at full speed with everything attached and
# readers polling; then STEPS (1000) of attaching at random, and kills at every command.
# Fails if a counter is not exact, maps (by 64 KiB) or slab (by SLAB_MIB) grow, or the kernel warns.

set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
MINUTES=${MINUTES:-10} STEPS=${STEPS:-1000} SLAB_MIB=${SLAB_MIB:-64}
export HOOKMAP_OBJ=${HOOKMAP_OBJ:-$PWD/build}

complain() {
	printf 'soak: %s\n' "$*" >&2
	FAILED=1
}

on() { # HOST COMMAND...
	nsenter --net="/run/netns/$LAB-$1" -- "${@:2}"
}
hookmap() { on host "$HOOKMAP_OBJ/hookmap" "$@"; }

maps_bytes() {
	printf 'map show pinned %s\n' /sys/fs/bpf/tc/globals/* |
		{ bpftool -j batch file - 2>/dev/null || true; } | jq '[.[].output.bytes_memlock // 0] | add'
}
slab_kib() { awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo; }
warnings() { dmesg 2>/dev/null | grep -cE 'WARNING: |BUG: |Oops|general protection|lockup|rcu.*stall' || true; }

# readers FILE: all verbs, until FILE is there; complaints go to FILE.bad
readers() {
	local verb text n=0
	while [[ ! -e $1 ]]; do
		for verb in latency drops policy fdb status path pktlat napi progs; do
			case $verb in
			path) text=$(hookmap -j --drain path 2>&1 >/dev/null) || text+=" (status $?)" ;;
			*) text=$(hookmap -j "$verb" 2>&1 >/dev/null) || text+=" (status $?)" ;;
			esac
			[[ -z $text ]] || printf '%s: %s\n' "$verb" "$text" >>"$1.bad"
			n=$((n + 1))
		done
		sleep 0.2
	done
	printf '%d\n' "$n" >"$1.n"
}

# Two counters of ours, and two of the kernel's: what the host forwarded, and what came
# to a closed port of the server
counters() {
	RULE=$(hookmap -j policy | jq '.rows[] | select(.id == "soak").packets')
	FORWARDED=$(on host awk '$1 == "Ip:" && $7 ~ /[0-9]/ { print $7 }' /proc/net/snmp)
	DROPPED=$(hookmap -j drops | jq --arg netns "$LAB-server" \
		'[.rows[] | select(.reason == "SKB_DROP_REASON_NO_SOCKET" and .netns == $netns and .protocol == "ipv4/udp").packets] | add // 0')
	NO_PORT=$(on server awk '$1 == "Udp:" && $3 ~ /[0-9]/ { print $3 }' /proc/net/snmp)
}

traffic() {
	local end warm=0 maps slab sent=0 dir reader
	dir=$(mktemp -d)
	LAB=$(scripts/lab.sh up)
	on host scripts/attach.sh eth0 latency l2fwd policy --sample 16 2>/dev/null
	on host scripts/attach.sh --host drops path exec open pktlat napi 2>/dev/null
	printf '{"rules":[{"id":"soak","priority":1,"match":{"proto":"udp","dport":7000},"action":"pass"}]}' |
		on host scripts/policy.sh load -
	# the server's namespace has a name in what drops says
	on host scripts/attach.sh eth0 latency --netns "$LAB-server"
	readers "$dir/end" &
	reader=$!
	SECONDS=0 end=$((MINUTES * 60))
	while ((SECONDS < end)); do
		on client "$HOOKMAP_OBJ/tests/traffic" udp-send 10.11.2.2 7000 100000 || complain "traffic stopped"
		sent=$((sent + 100000))
		((warm || SECONDS < end / 4)) || {
			warm=1 maps=$(maps_bytes) slab=$(slab_kib)
		}
	done
	touch "$dir/end"
	wait "$reader"
	counters
	printf 'soak: %d s, %d datagrams sent; forwarded %d, by the rule %d; to a closed port %d, dropped there %d; %d readings\n' \
		"$SECONDS" "$sent" "$FORWARDED" "$RULE" "$NO_PORT" "$DROPPED" "$(<"$dir/end.n")"
	# (forwarded: the answers of the server, too)
	((RULE >= NO_PORT && RULE <= FORWARDED)) && [[ $DROPPED == "$NO_PORT" ]] || complain "counters differ"
	((NO_PORT > 0 && FORWARDED > 0)) || complain "nothing came by"
	printf 'soak: maps %d bytes, %+d; slab %d KiB, %+d\n' "$maps" $(($(maps_bytes) - maps)) "$slab" $(($(slab_kib) - slab))
	# tables that are filled as things happen have a few entries more
	(($(maps_bytes) - maps < 65536)) || complain "maps have grown"
	(($(slab_kib) - slab < SLAB_MIB * 1024)) || complain "slab has grown"
	[[ ! -e $dir/end.bad ]] || complain "a reader said: $(sort "$dir/end.bad" | uniq -c | head -n 5)"
	on host scripts/detach.sh eth0 --netns "$LAB-server"
	on host scripts/detach.sh eth0
	on host scripts/detach.sh --host
	[[ -z $(find /sys/fs/bpf/tc /sys/fs/bpf/hookmap -type f 2>/dev/null) ]] || complain "pins are left"
	rm -rf "$dir"
}

if [[ ${1:-} == traffic ]]; then
	FAILED=0
	traffic
	exit "$FAILED"
fi
FAILED=0 WARNINGS=$(warnings)
scripts/sandbox.sh tests/soak.sh traffic || FAILED=1
if ((STEPS)); then
	FAULTS_STEPS=$STEPS FAULTS_SEED=${FAULTS_SEED:-$RANDOM} bats tests/scripts/faults_random.bats || FAILED=1
	FAULTS_STEP=1 bats tests/scripts/faults_kill.bats || FAILED=1
fi
[[ $(warnings) == "$WARNINGS" ]] || complain "the kernel warns: see dmesg"
((FAILED)) || printf 'soak: fine\n'
exit "$FAILED"
