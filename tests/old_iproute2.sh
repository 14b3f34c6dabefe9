#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# old_iproute2.sh DIR - puts iproute2 of Debian 11 (5.10, libbpf 0.3), which still loads
# a "maps" section, into DIR, from the mirror that this machine uses. Nothing is
# installed. With a DIR that is complete it does nothing. Then:
#
#   LD_LIBRARY_PATH=DIR/usr/lib/MULTIARCH DIR/sbin/tc ...   (and DIR/bin/ip)

set -euo pipefail
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
command -v apt-get >/dev/null || fail "no apt-get: only on Debian and Ubuntu"
exec {lock}<"$dir"
flock -w 120 "$lock" || fail "somebody else has been loading into $dir for two minutes"
[[ ! -e $dir/complete ]] || exit 0
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# the machine's first mirror and keys, another suite
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/parts"
uri=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
	awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }')
[[ -n $uri ]] || fail "no mirror in /etc/apt"
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bullseye main\n' "$uri" >"$work/sources.list"
apt=(-qq -o "Dir::State::Lists=$work/lists" -o "Dir::Etc::SourceList=$work/sources.list"
	-o "Dir::Etc::SourceParts=$work/parts" -o "Dir::Cache=$work" -o "Dir::Cache::Archives=$work/archives"
	-o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::Check-Valid-Until=false)
cd "$work"
apt-get "${apt[@]}" update >"$work/log" 2>&1 && apt-get "${apt[@]}" download iproute2/bullseye libbpf0/bullseye >>"$work/log" 2>&1 ||
	fail "$(tail -n 1 "$work/log")"
for package in ./*.deb; do dpkg -x "$package" "$dir"; done
[[ -x $dir/sbin/tc || -x $dir/usr/sbin/tc ]] || fail "the package has no tc"
touch "$dir/complete"
