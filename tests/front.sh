#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# front.sh [FEATURE/SUITE...] - does anything but kern/abi/ know where a field is? In a copy of the tree,
# each struct of kern/abi/ gets another field in front; it is built, and the live suites of all
# features run there with no other edit (make check-front).
#
# Tests that write bytes into maps by themselves are marked "layout", and left out.
#
# The copy is build/front; it stays, to be looked at.

set -euo pipefail
cd -- "$(dirname -- "$0")/.."
copy=$PWD/build/front
suites=("$@") files=()
(($#)) || suites=(latency/live path/live pktlat/live drops/live exec/live open/live napi/live l2fwd/live l2fwd/fdb l2fwd/vlan policy/live)
for suite in "${suites[@]}"; do files+=("tests/$suite.bats"); done
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents -t "$copy"
cd "$copy"
# (an empty one is a map without a key)
# (the kernel looks for the length of a prefix at the beginning of a key)
# (and has 32 KiB at most for a per-CPU value)
sed -i 's/^#define XDP_CELLS 1024$/#define XDP_CELLS 512/' kern/abi/drops.h
sed -i -E -e '/^_Static_assert\(sizeof/d' -e '/^struct l2_sieve_key/n' -e '/^struct \w+ \{$/ { n; /^\}/! s/^/\t__u64 front_;\n/ }' kern/abi/*.h
printf 'front.sh: %d structs have another field in front\n' "$(cat kern/abi/*.h | grep -c front_)"
make -j"$(nproc)" tests-build >build.log 2>&1 || {
	tail -n 20 build.log
	exit 1
}
export HOOKMAP_OBJ=$copy/build
prove --comments --failures --exec 'bats --tap --filter-tags !layout' "${files[@]}" 2>&1 || exit 1
