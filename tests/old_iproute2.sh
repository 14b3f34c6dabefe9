#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# old_iproute2.sh DIR - puts iproute2 of Debian 11 (5.10, libbpf 0.3), which still loads
# a "maps" section, into DIR, from the mirror that this machine uses. Nothing is
# installed. With a DIR that is complete it does nothing. Then:
#
#   LD_LIBRARY_PATH=DIR/usr/lib/MULTIARCH DIR/sbin/tc ...   (and DIR/bin/ip)

set -euo pipefail
# shellcheck source=tests/apt.bash
. "$(dirname -- "$(readlink -f -- "$0")")/apt.bash"
[[ $# == 1 ]] || {
	printf 'usage: old_iproute2.sh DIR\n' >&2
	exit 2
}
mkdir -p "$1"
dir=$(cd -- "$1" && pwd)
[[ ! -e $dir/complete ]] || exit 0
fail() {
	printf 'old_iproute2.sh: %s\n' "$*" >&2
	exit 1
}
exec {lock}<"$dir"
flock -w 120 "$lock" || fail "somebody else has been loading into $dir for two minutes"
[[ ! -e $dir/complete ]] || exit 0
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

private_apt "$work" bullseye || exit 1
cd "$work"
apt-get "${APT[@]}" update >"$work/log" 2>&1 && apt-get "${APT[@]}" download iproute2/bullseye libbpf0/bullseye >>"$work/log" 2>&1 ||
	fail "$(tail -n 1 "$work/log")"
for package in ./*.deb; do dpkg -x "$package" "$dir"; done
[[ -x $dir/sbin/tc || -x $dir/usr/sbin/tc ]] || fail "the package has no tc"
touch "$dir/complete"
