#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# init.sh - the first process of a guest of boot.sh: makes its root of the host's, read
# only, with the guest's layer above it and memory on top, and goes on with RUN/start.

/bin/busybox --install -s /bin
while read -r module; do insmod "$module"; done </modules
mkdir /host /layer /rw /new
for tag in host layer; do
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro "$tag" "/$tag"
done
mount -t tmpfs -o mode=755 rw /rw
mkdir /rw/up /rw/work
mount -t overlay -o lowerdir=/layer:/host,upperdir=/rw/up,workdir=/rw/work root /new
cd /new || exit
mount -t proc proc proc
mount -t sysfs sys sys
mount -t devtmpfs dev dev
mount -t tmpfs run run
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm
mount -t devpts pts dev/pts
mount -t tmpfs shm dev/shm
mount -t bpf bpf sys/fs/bpf
mount -t cgroup2 cg sys/fs/cgroup
mount -t tracefs trace sys/kernel/tracing
ip link set lo up
stty -F dev/ttyS1 raw
exec switch_root /new /bin/bash "$RUN/start"
