# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# has.bash - tests for features of the kernel; also for the benchmarks.

# has fentry|kprobe: the kernel loads such a program, and attaches it
has() {
	local link
	bpftool -n prog loadall "$HM_BUILD/tests/bpf/has_$1.o" /sys/fs/bpf/has autoattach 2>/dev/null || return 1
	link=$(bpftool -j link show pinned "/sys/fs/bpf/has/has_$1" 2>/dev/null) || true
	rm -rf /sys/fs/bpf/has
	[[ -n $link ]]
}
