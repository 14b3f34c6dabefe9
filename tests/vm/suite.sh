#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# suite.sh DIR SUITE.bats - runs a suite in a guest of its own (boot.sh), for prove.
# What it said stays in DIR/tap for the table of check.sh.

set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
name=$(basename "$2" .bats)
mkdir -p "$1/tap"
export HM_VM_ENV="HOOKMAP_OBJ REQUIRE_ALL HM_VM"
export HM_VM=1
started=$SECONDS
# nothing asks for these two by a device's type, so the kernel does not load them itself
# shellcheck disable=SC2016
"$here/boot.sh" "$1" bash -c 'modprobe -qa tun openvswitch; exec "$@"' bash \
	bats --tap ${HM_VM_TAGS:+--filter-tags "$HM_VM_TAGS"} "$2" | tee "$1/tap/$name"
printf '# %s: %d s\n' "$name" $((SECONDS - started)) | tee -a "$1/tap/$name"
