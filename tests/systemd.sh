#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# systemd.sh DIR - becomes systemd as PID 1 of a system of its own: the machine's root,
# read through an overlay that keeps what is written in memory (DIR), with the network and
# the cgroup of the caller's sandbox. For `unshare --pid --fork --kill-child --mount
# --cgroup`. DIR/root/etc may be written to before: DIR/up is what lies over the root.
set -euo pipefail
dir=$1 root=$1/root
mkdir -p "$dir/up" "$dir/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/up,workdir=$dir/work" "$root"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
# the sandbox's, so that the test sees the pins
mount --bind /sys/fs/bpf "$root/sys/fs/bpf"
mount --bind /run/netns "$(mkdir -p "$root/run/netns" && printf '%s' "$root/run/netns")"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9; do
	IFS=: read -r name major minor <<<"$node"
	mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/run/old"
cd "$root"
pivot_root . run/old
umount -l /run/old
systemd=/usr/lib/systemd/systemd
[[ -x $systemd ]] || systemd=/lib/systemd/systemd
# without this, it does not listen to udev, which is started later
mkdir /run/udev
touch /run/udev/control
# nothing is started but what the test asks for
mkdir -p /run/systemd/system/service.d
printf '[Service]\nStandardError=append:/run/errors\n' >/run/systemd/system/service.d/errors.conf
printf '[Unit]\nDefaultDependencies=no\n' >/run/systemd/system/nothing.target
exec env -i container=other PATH="$PATH" "$systemd" --system --unit=nothing.target --log-target=null --show-status=no
