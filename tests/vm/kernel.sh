#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel.sh KERNEL - makes a guest for boot.sh of a Debian kernel, and prints its
# directory. KERNEL is the beginning of a version (6.1, 6.12), or "newest": the newest
# of the releases below and their backports. Nothing is installed on this machine.
#
# The guest is, in HM_VM_CACHE/KERNEL (build/vm-cache):
#   vmlinux     the kernel, not compressed: QEMU starts it with no decompression in the guest
#   initrd.gz   busybox, the modules that a root on 9p needs, init.sh
#   layer/      goes over the host's root: modules, kmod, Open vSwitch
#   version     of the Debian package

set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/apt.bash
. "$here/../apt.bash"

SUITES=(bookworm bookworm-security bookworm-backports trixie trixie-security trixie-backports)
PACKAGES=(kmod openvswitch-switch)
# no test has this hardware; they are two thirds of all modules
UNUSED=(drivers/gpu drivers/media drivers/net/wireless drivers/infiniband drivers/iio drivers/staging sound)
ROOT_MODULES=(virtio_pci 9pnet_virtio 9p overlay)

fail() {
	printf 'kernel.sh: %s\n' "$*" >&2
	exit 1
}
[[ $# == 1 && $1 =~ ^([0-9]+\.[0-9.]*|newest)$ ]] || {
	printf 'usage: kernel.sh 6.1|6.12|...|newest\n' >&2
	exit 2
}
kernel=$1
cache=${HM_VM_CACHE:-$here/../../build/vm-cache}
mkdir -p "$cache"
cache=$(cd -- "$cache" && pwd)
dir=$cache/$kernel

exec {lock}<"$cache"
flock -w 900 "$lock" || fail "somebody else has been working in $cache for a quarter of an hour"
[[ ! -e $dir/version ]] || {
	printf '%s\n' "$dir"
	exit 0
}
for tool in busybox xz zstd lz4; do
	command -v "$tool" >/dev/null || fail "$tool is not installed: run scripts/deps.sh"
done

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{guest/layer,initrd/bin}
quiet() {
	"$@" >"$work/log" 2>&1 || fail "$* failed: $(tail -n 1 "$work/log")"
}

# --- packages

private_apt "$cache/apt" "${SUITES[@]}" || exit 1
[[ -n $(find "$cache/apt/lists" -name '*Packages*' -mmin -1440) ]] || quiet apt-get "${APT[@]}" update
# lines "linux-image-amd64 | VERSION | SOURCE"
version=$(apt-cache "${APT[@]}" madison linux-image-amd64 | awk '{ print $3 }' | sort -uV |
	awk -v want="$kernel" 'want == "newest" || index($0, want ".") == 1 || index($0, want "-") == 1' | tail -n 1)
[[ -n $version ]] || fail "no kernel $kernel in ${SUITES[*]}"
# depends PACKAGE PATTERN: what it depends on, of such names
depends() {
	apt-cache "${APT[@]}" show "$1" | awk -v want="^($2)" '
		/^Depends: / && !seen++ { sub(/^Depends: /, ""); n = split($0, word, /[ ,|]+/); for (i = 1; i <= n; i++) if (word[i] ~ want) print word[i] }'
}
image=$(depends "linux-image-amd64=$version" 'linux-image-[0-9]')
[[ -n $image ]] || fail "linux-image-amd64 $version names no image"
# packages of their own since 7.3
mapfile -t parts < <(depends "$image" 'linux-(base|binary|modules)-[0-9]')
# what this machine lacks, of its own release
# shellcheck source=/dev/null
release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
mapfile -t packages < <(apt-get "${APT[@]}" -t "$release" -s -o Debug::NoLocking=1 install --no-install-recommends --reinstall "${PACKAGES[@]}" |
	awk '$1 == "Inst" { print $2 }')
((${#packages[@]})) || fail "no packages ${PACKAGES[*]} in $release"
printf 'kernel.sh: %s (%s)\n' "$image" "$version" >&2
mkdir "$work/debs"
(cd "$work/debs" && quiet apt-get "${APT[@]}" download "$image" "${parts[@]}" &&
	quiet apt-get "${APT[@]}" -t "$release" download "${packages[@]}")
for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/guest/layer"; done
rm -r "$work/debs"

# --- the layer: the host's root, below it, is usr-merged

cd "$work/guest/layer"
for folder in bin sbin lib; do
	[[ -d $folder ]] || continue
	mkdir -p "usr/$folder"
	cp -al "$folder/." "usr/$folder/"
	rm -r "$folder"
done
uname=$(basename usr/lib/modules/*)
for folder in "${UNUSED[@]}"; do rm -rf "usr/lib/modules/$uname/kernel/$folder"; done
for tool in depmod modprobe insmod rmmod lsmod; do ln -sf ../bin/kmod "usr/sbin/$tool"; done
# its package makes this name when it is configured
[[ ! -e usr/lib/openvswitch-switch/ovs-vswitchd ]] ||
	ln -sf ../lib/openvswitch-switch/ovs-vswitchd usr/sbin/ovs-vswitchd
LD_LIBRARY_PATH=$(printf '%s:' usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
quiet usr/sbin/depmod -b usr "$uname"

# --- the ELF image in the bzImage

# in boot/, or from 7.3 on beside the modules
image=$(find . -type f -name 'vmlinuz*' | head -n 1)
[[ -n $image ]] || fail "the package of $uname has no vmlinuz"
elf() { # MAGIC DECOMPRESS...
	local magic=$1 at
	shift
	while read -r at; do
		tail -c "+$((at + 1))" "$image" | "$@" >"$work/guest/vmlinux" 2>/dev/null || true
		[[ $(head -c 4 "$work/guest/vmlinux" | tail -c 3) != ELF ]] || return 0
	done < <(LC_ALL=C grep -abobP "$magic" "$image" | cut -d: -f1)
	return 1
}
elf '\xfd7zXZ\x00' xz -dcq || elf '\x28\xb5\x2f\xfd' zstd -dcq || elf '\x02\x21\x4c\x18' lz4 -dcq ||
	fail "no ELF image in $image"
rm -rf boot "$image"

# --- the initramfs

for module in "${ROOT_MODULES[@]}"; do usr/sbin/modprobe -d usr -S "$uname" --show-depends "$module"; done |
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
	name=$(basename "${path%.xz}")
	case $path in
	*.xz) xz -dc "$path" >"$work/initrd/$name" ;;
	*) cp "$path" "$work/initrd/$name" ;;
	esac
	printf '/%s\n' "$name"
done >"$work/initrd/modules"
cp "$(command -v busybox)" "$work/initrd/bin/busybox"
cp "$here/init.sh" "$work/initrd/init"
chmod 755 "$work/initrd/init"
(cd "$work/initrd" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/guest/initrd.gz"

printf '%s %s\n' "$uname" "$version" >"$work/guest/version"
rm -rf "$dir"
mv "$work/guest" "$dir"
printf '%s\n' "$dir"
