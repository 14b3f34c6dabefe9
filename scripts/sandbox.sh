#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sandbox.sh COMMAND... - runs a command with mounts, a network, /run/netns, a bpf
# filesystem and a cgroup of its own, and leaves nothing behind, whatever happens.
# The command's exit status is passed on. Tests and the demo run in it.

set -euo pipefail
[[ ${1:-} != -h && ${1:-} != --help && $# -gt 0 ]] || {
	printf 'usage: sandbox.sh COMMAND...\n'
	[[ $# -gt 0 ]] && exit 0
	exit 2
}
((EUID == 0)) || {
	printf 'sandbox.sh: must be root\n' >&2
	exit 1
}

cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [[ -n $cgroup ]]; then
	cgroup=$(mktemp -d "$cgroup/hookmap.XXXXXX")
	export HOOKMAP_CGROUP=$cgroup
fi
mkdir -p /run/netns

cleanup() {
	local i
	[[ -n $cgroup ]] || return 0
	# processes that the command left behind; a frozen or busy one needs a moment
	for ((i = 0; i < 100; i++)); do
		[[ ! -w $cgroup/cgroup.kill ]] || echo 1 >"$cgroup/cgroup.kill"
		rmdir "$cgroup" 2>/dev/null && return
		sleep 0.05
	done
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

(
	[[ -z $cgroup ]] || echo "$BASHPID" >"$cgroup/cgroup.procs"
	unset HOOKMAP_BPFFS
	exec unshare --mount --net --propagation private -- bash -ec '
		mount -t tmpfs -o mode=755 netns /run/netns
		mount -t bpf -o mode=700 bpf /sys/fs/bpf
		ip link set lo up
		exec "$@"' sandbox "$@"
)
