#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# demo.sh - demonstrates features on labs of network namespaces. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: demo.sh [latency|l2fwd|policy]

Demonstrates a feature in temporary network namespaces, and shows the commands that it
runs. It uses none of this machine's interfaces and leaves nothing behind.

  latency   where packets spend their time, stage by stage; which stage grows when a
            reader is slow; a stage for a container (default)
  l2fwd     XDP forwarding between an uplink with VLAN 51 and two "VMs" without tags, an
            access list, a guard against false addresses
  policy    web through one uplink, voice through the other, until that one goes down

  -h, --help

Exit status: 0 the demo ran as described, 1 it did not, 2 usage.
EOF
}

options '-h|--help' "$@"
((${#ARGS[@]} <= 1)) || misuse "unexpected argument ${ARGS[1]}"
WHAT=${ARGS[0]:-latency}
case $WHAT in
latency) TOOLS=(ss) ;;
l2fwd) TOOLS=(ss ethtool) ;;
policy) TOOLS=(traceroute) ;;
*) misuse "unknown demo $WHAT; demos are: latency, l2fwd, policy" ;;
esac
need_root
need_tools ip tc jq nsenter unshare ping "${TOOLS[@]}"
need_bpftool
TRAFFIC=$HM_OBJ/tests/traffic
[[ -x $TRAFFIC ]] || die "$TRAFFIC is not there: build first (make)"
hookmap_reader
# its own mounts, network and bpf filesystem: nothing remains, even after Ctrl-C
[[ -n ${HM_IN_SANDBOX:-} ]] || HM_IN_SANDBOX=1 exec "$HM_SCRIPTS/sandbox.sh" "$0" "$WHAT"

# --- shared by the demos

cd -- "$(dirname -- "$HM_SCRIPTS")"
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then BOLD=$'\e[1m' PLAIN=$'\e[0m'; else BOLD='' PLAIN=''; fi
say() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }
# scripts are called as one would type it: in the source tree, or where they are installed
if [[ $HM_NAME == *.sh ]]; then
	name_of() { printf 'scripts/%s.sh' "$1"; }
else
	PATH=$(cd -- "$(dirname -- "$READER")" && pwd):$PATH
	READER=hookmap
	name_of() { printf 'hookmap-%s' "$1"; }
fi
ATTACH=$(name_of attach) DETACH=$(name_of detach) STATUS=$(name_of status)
LAB=$(name_of lab) FDB=$(name_of fdb) POLICY=$(name_of policy)

NETNS_PREFIX=''
quiet() { nsenter --net="/run/netns/$NETNS_PREFIX$1" -- "${@:2}"; } # HOST COMMAND...
on() {                                                              # HOST COMMAND...: shows it, and runs it there
	printf '[%s] ' "$1"
	show "${@:2}" 2>&1
	quiet "$@"
}
here() { # COMMAND...: shows it, and runs it
	show "$@" 2>&1
	"$@"
}

# until_true COMMAND...: for some seconds
until_true() {
	local i
	for ((i = 0; i < 200; i++)); do
		! "$@" || return 0
		sleep 0.02
	done
	return 1
}

# listens HOST PORT: somebody does
listens() { [[ -n $(quiet "$1" ss -Htuln "sport = :$2") ]]; }

# serve HOST MODE ADDRESS PORT COUNT [OPTION...]: starts a receiver
serve() {
	quiet "$1" "$TRAFFIC" "${@:2}" >/dev/null 2>&1 &
	until_true listens "$1" "$4" || die "the receiver on $1 did not start"
}

# shellcheck source=/dev/null
. "$HM_SCRIPTS/demo/$WHAT.sh"
