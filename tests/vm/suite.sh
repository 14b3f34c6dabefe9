#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# suite.sh DIR SUITE.bats - runs a suite in a guest of its own (boot.sh), for prove.
# What it said goes to HM_VM_TAP, if given, for the table of check.sh, too.

set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export HM_VM_ENV="HOOKMAP_OBJ REQUIRE_ALL HM_VM LATENCY_COUNT"
export HM_VM=1
name=${2#tests/} name=${name%.bats} name=${name//\//_}
# nothing asks for these two by a device's type, so the kernel does not load them itself
# shellcheck disable=SC2016
"$here/boot.sh" "$1" bash -c 'modprobe -qa tun openvswitch; exec "$@"' bash \
	bats --tap ${HM_VM_TAGS:+--filter-tags "$HM_VM_TAGS"} "$2" |
	tee ${HM_VM_TAP:+"$HM_VM_TAP/$name"}
