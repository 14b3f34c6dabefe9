#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sandbox.sh - runs a command in its own namespaces; everything is gone when it ends. See --help.
# Tests and demos run in it.

set -euo pipefail
name=${0##*/}
usage() {
	cat <<EOF
usage: $name COMMAND...

Runs a command with its own mounts, network, /run/netns, bpf filesystem and cgroup. All of
that, and processes that it leaves behind, are gone when it ends, even if it is killed.

  -h, --help

Exit status: the command's; 1 error, 2 usage.
EOF
}
case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
'' | -*)
	printf '%s: expected a command (see %s --help)\n' "$name" "$name" >&2
	exit 2
	;;
esac
((EUID == 0)) || {
	printf '%s: must be root: try sudo %s\n' "$name" "$name" >&2
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
	# bash of Debian shows it in the prompt
	export debian_chroot=sandbox
	[[ ! -t 0 ]] || printf '%s: "exit" leaves it\n' "$name" >&2
	exec unshare --mount --net --propagation private -- bash -ec '
		mount -t tmpfs -o mode=755 netns /run/netns
		mount -t bpf -o mode=700 bpf /sys/fs/bpf
		# sysfs shows the devices of the network in which it was mounted
		mount -t sysfs sysfs /mnt
		for dir in /class/net /devices/virtual/net; do mount --bind /mnt$dir /sys$dir; done
		umount /mnt
		ip link set lo up
		exec "$@"' sandbox "$@"
)
