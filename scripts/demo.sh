#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# demo.sh - where do packets spend their time? On a lab of network namespaces, with
# every command shown. Run it by `sudo make demo`.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

case ${1:-} in
'') ;;
-h | --help)
	printf 'usage: demo.sh\n\nShows the latency teardown on a lab of its own, and cleans up. Needs root.\n'
	exit 0
	;;
*) misuse "unexpected argument $1" ;;
esac
need_root
need_tools ip tc jq nsenter unshare ping ss
need_bpftool
TRAFFIC=$HM_OBJ/tests/traffic
[[ -x $TRAFFIC && -x $HM_OBJ/hookmap ]] || die "$HM_OBJ is not built: make demo"
# mounts, network and bpf filesystem of its own: nothing stays, even after Ctrl-C
[[ -n ${HM_IN_SANDBOX:-} ]] || HM_IN_SANDBOX=1 exec "$HM_SCRIPTS/sandbox.sh" "$0"

cd -- "$(dirname -- "$HM_SCRIPTS")"
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then BOLD=$'\e[1m' PLAIN=$'\e[0m'; else BOLD='' PLAIN=''; fi
say() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }
do_it() { # shows a command, and runs it
	show "$@" 2>&1
	"$@"
}
on() { # HOST COMMAND...: in the lab
	local host=$1
	shift
	printf '[%s] ' "$host"
	show "$@" 2>&1
	nsenter --net="/run/netns/$LAB-$host" -- "$@"
}

# serve MODE ADDR COUNT [OPTION...]: starts a receiver on the host or the server
serve() {
	local host=$1 mode=$2 addr=$3 count=$4
	shift 4
	nsenter --net="/run/netns/$LAB-$host" -- "$TRAFFIC" "$mode" "$addr" 5000 "$count" "$@" >/dev/null &
	for _ in {1..200}; do
		nsenter --net="/run/netns/$LAB-$host" -- ss -Htuln "sport = :5000" | grep -q . && return
		sleep 0.02
	done
	die "the receiver did not start"
}

say "1. A lab: client -- host -- server, three network namespaces"
do_it scripts/lab.sh up demo
LAB=demo

say "2. Attach the stages to the host's eth0, measuring every packet. These are the commands:"
on host scripts/attach.sh -v eth0 --sample 1 2>&1 | sed 's/\( [0-9a-f][0-9a-f]\)\{24,\}/ .../g'

say "3. Traffic: TCP requests, UDP datagrams, pings"
serve host tcp-server 10.11.1.1 2000
on client "$TRAFFIC" tcp-client 10.11.1.1 5000 2000
wait
serve host udp-recv fd11:1::1 2000 --window 50
on client "$TRAFFIC" udp-send fd11:1::1 5000 2000 --window 50
wait
on client ping -q -c 50 -i 0.002 10.11.1.1 | tail -n 2
do_it "$HM_OBJ/hookmap" latency
printf '%s\n' '
A row a pair of stages that follow each other, and the totals. Small UDP datagrams end at
the socket here: this kernel shows only larger ones and TCP being read (with fentry, all).'

say "4. The same, with a reader that sleeps 20 ms before each read: which row grows?"
on host scripts/detach.sh eth0
on host scripts/attach.sh eth0 --sample 1 --filter 'proto tcp dport 5000' 2>/dev/null
serve host tcp-server 10.11.1.1 100 --delay 20
on client "$TRAFFIC" tcp-client 10.11.1.1 5000 100
wait
do_it "$HM_OBJ/hookmap" latency
slow=$("$HM_OBJ/hookmap" -j latency | jq -r '.rows[] | select(.kind == "stage" and .p50_ns > 10000000) | "\(.from) -> \(.to)"')
printf '\nOver 10 ms in the median: %s\n' "${slow:-none}"

say "5. A container: the server's eth0 becomes a stage of its own"
on host scripts/attach.sh eth0 --netns demo-server --filter 'proto udp dport 5000'
serve server udp-recv 10.11.2.2 1000 --window 50
on client "$TRAFFIC" udp-send 10.11.2.2 5000 1000 --window 50
wait
do_it "$HM_OBJ/hookmap" latency
on host scripts/status.sh

say "6. Take all of it off again"
on host scripts/detach.sh eth0 --netns demo-server
on host scripts/detach.sh eth0
do_it "$HM_OBJ/hookmap" status
do_it scripts/lab.sh down demo
[[ $slow == "socket -> app" ]] || die "the delay did not land in socket -> app alone"
