#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.sh PACKAGE.deb - does the package do what it should? lintian accepts it; apt installs
# it, over an overlay of this machine's root that keeps what is written in memory; what was
# installed attaches, counts and detaches; apt removes it, and not a file more or less than
# before is there. Run by `make check-deb`, as root.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
deb=$(readlink -f -- "$1")
top=$(cd -- "$(dirname -- "$0")/.." && pwd)

step() { printf '%s\n' "deb: $*"; }
wrong() {
	printf 'deb: %s\n' "$*" >&2
	exit 1
}

if [[ -z ${HM_IN_SANDBOX:-} ]]; then
	step lintian
	lintian --allow-root --fail-on error,warning "${deb%.deb}.changes"
	HM_IN_SANDBOX=1 exec "$top/scripts/sandbox.sh" "$0" "$deb"
fi

dir=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$dir"
mkdir "$dir/up" "$dir/work" "$dir/root"
root=$dir/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/up,workdir=$dir/work" "$root"
for fs in /proc /sys /dev /run; do mount --rbind "$fs" "$root$fs"; done
mkdir -p "$root/deb"
cp "$deb" "$root/deb/hookmap.deb"
in_root() { chroot "$root" "$@"; }
# maintainer scripts must start and stop nothing
printf '#!/bin/sh\nexit 101\n' | in_root tee /usr/sbin/policy-rc.d >/dev/null
in_root chmod 755 /usr/sbin/policy-rc.d

# files: all that is there, but for what apt and dpkg keep for themselves
files() {
	(cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \
		-o -path ./tmp -o -path ./work -o -path ./var/tmp -o -path ./root \) -prune -o -path '*hookmap*' -print | sort)
	(cd "$dir/up" && find . -path './usr/*' ! -type d | sort)
}
files >"$dir/before"

step "apt install"
# what it depends on is here: nothing is fetched
in_root apt-get -q -y install /deb/hookmap.deb >"$dir/log" 2>&1 || {
	cat "$dir/log"
	wrong "apt-get install failed"
}
for file in /usr/bin/hookmap /usr/bin/hookmap-attach /usr/share/man/man8/hookmap-attach.8.gz \
	/usr/share/bash-completion/completions/hookmap /usr/lib/hookmap/build/xdp/latency.o; do
	in_root dpkg -L hookmap | grep -x "$file" >/dev/null || wrong "$file is not in the package"
done
in_root dpkg -L hookmap | grep 'hookmap@.service$' >/dev/null || wrong "no unit in the package"
in_root dpkg --verify hookmap || wrong "files differ from those of the package"

step "attach, count, detach"
lab=$(in_root hookmap-lab up)
on() { in_root hookmap-lab exec "$lab" "$@"; }
on host hookmap-attach eth0 --sample 1 --filter 'proto icmp' 2>/dev/null
on client ping -q -c 23 -i 0.01 10.11.1.1 >/dev/null
count=$(in_root hookmap -j latency | jq '[.rows[] | select(.from == "xdp" and .to == "tc") | .count] | add')
[[ $count == 23 ]] || wrong "23 packets were sent, $count are counted"
on host hookmap-detach eth0
[[ -z $(find /sys/fs/bpf -type f ! -name '*.debug') ]] || wrong "detach left pins"

step "apt remove, with something attached"
on host hookmap-attach eth0 latency 2>/dev/null
on host hookmap-attach --host drops
in_root apt-get -q -y remove hookmap >"$dir/log" 2>&1 || {
	cat "$dir/log"
	wrong "apt-get remove failed"
}
[[ -z $(find /sys/fs/bpf -type f ! -name '*.debug') ]] || wrong "removing the package left pins"
in_root nsenter --net="/run/netns/$lab-host" -- ip -d link show eth0 | grep prog/xdp && wrong "removing the package left an XDP program"

step "apt remove, with something attached by hand"
in_root apt-get -q -y install /deb/hookmap.deb >"$dir/log" 2>&1
on host ip link set dev eth0 xdp obj /usr/lib/hookmap/build/xdp/latency.o
in_root apt-get -q -y remove hookmap >"$dir/log" 2>&1
[[ -z $(find /sys/fs/bpf -type f ! -name '*.debug') ]] || wrong "removing the package left pins of what was attached by hand"
in_root nsenter --net="/run/netns/$lab-host" -- ip -d link show eth0 | grep prog/xdp && wrong "removing the package left an XDP program that was attached by hand"
for host in client host server; do in_root ip netns del "$lab-$host"; done

step "dpkg --purge"
# (without a configuration file, apt knows nothing of it any more)
in_root dpkg --purge hookmap >"$dir/log" 2>&1 || {
	cat "$dir/log"
	wrong "dpkg --purge failed"
}
files >"$dir/after"
diff "$dir/before" "$dir/after" || wrong "not the same files as before"
step "ok"
