#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check.sh KERNEL... [-- SUITE.bats...] - runs suites under Debian kernels (kernel.sh), a
# guest each, and prints which objects load where and what each suite came to. The last
# line counts the tests. For `make check-vm`.
#
# Without suites: the tests that are marked "vm" (bats test_tags) of all suites, which
# are what this machine's kernel may lack, and one of each feature. With suites: all of them.
#
# JOBS           guests at a time (one a processor)
# HM_VM_TIMEOUT  seconds for a suite (900)

set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd -- "$here/../.."

kernels=()
while (($#)) && [[ $1 != -- ]]; do
	kernels+=("$1")
	shift
done
suites=("${@:2}")
((${#kernels[@]})) || {
	printf 'usage: check.sh KERNEL... [-- SUITE.bats...]\n' >&2
	exit 2
}
if ((!${#suites[@]})); then
	mapfile -t suites < <(grep -lE '^# bats test_tags=(.*,)?vm\b' tests/*/*.bats)
	export HM_VM_TAGS=vm
fi
export HM_VM_TIMEOUT=${HM_VM_TIMEOUT:-900}

# a guest that cannot be made is a failure, after the others have run
tap=$(mktemp -d)
trap 'rm -rf "$tap"' EXIT
status=0
for kernel in "${kernels[@]}"; do
	guest=$("$here/kernel.sh" "$kernel") || {
		status=1
		continue
	}
	export HM_VM_TAP=$tap/$kernel
	mkdir -p "$HM_VM_TAP"
	read -r uname package <"$guest/version"
	printf '\n=== kernel %s (Debian %s), %s\n' "$uname" "$package" "$("$here/boot.sh" --accel "$guest")"
	prove --jobs "${JOBS:-$(nproc)}" --timer --exec "$here/suite.sh $guest" "${suites[@]}" || status=1
done

"$here/table.sh" "$tap" || status=1
exit "$status"
