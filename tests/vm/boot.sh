#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh DIR COMMAND... - runs a command as root under the kernel in DIR (from kernel.sh),
# in this directory of the host's root, which is read only there: what it writes is lost.
# Its output is ours, its exit status too. 125: the guest did not finish; what its
# console said is on stderr.
#
# HM_VM_TIMEOUT  seconds (300)
# HM_VM_MEM      MiB (1024)
# HM_VM_ACCEL    kvm or tcg; found out if not given, once for each boot of this machine
# HM_VM_ENV      names of variables that the command shall have
# HM_VM_APPEND   parameters of the kernel: ipv6.disable=1
# QEMU           the emulator (qemu-system-x86_64)
#
# boot.sh --accel DIR - prints which accelerator it will use.

set -euo pipefail

only_accel=0
[[ ${1:-} != --accel ]] || {
	only_accel=1
	set -- "${2:-}" true
}
(($# > 1)) || {
	printf 'usage: boot.sh DIR COMMAND...\n' >&2
	exit 2
}
guest=$(realpath -- "$1")
shift
QEMU=${QEMU:-qemu-system-x86_64}
[[ -r $guest/version ]] || {
	printf 'boot.sh: %s is no guest: make it with kernel.sh\n' "$guest" >&2
	exit 1
}
command -v "$QEMU" >/dev/null || {
	printf 'boot.sh: %s is not installed: run scripts/deps.sh test\n' "$QEMU" >&2
	exit 1
}

# KVM that is there may yet not run a kernel (nested, or a restricted one): one try
accel() {
	local known=$guest/accel id
	if [[ -n ${HM_VM_ACCEL:-} ]]; then
		printf '%s' "$HM_VM_ACCEL"
		return
	fi
	[[ -w /dev/kvm ]] || {
		printf tcg
		return
	}
	id=$(</proc/sys/kernel/random/boot_id)
	[[ $(cat "$known" 2>/dev/null) == "$id "* ]] || {
		exec {lock}<"$guest"
		flock "$lock"
		[[ $(cat "$known" 2>/dev/null) == "$id "* ]] || {
			if HM_VM_ACCEL=kvm HM_VM_TIMEOUT=12 "${BASH_SOURCE[0]}" "$guest" true >/dev/null 2>&1 {lock}<&-; then
				printf '%s kvm\n' "$id" >"$known"
			else
				printf '%s tcg\n' "$id" >"$known"
			fi
		}
		exec {lock}<&-
	}
	cut -d ' ' -f 2 "$known"
}
accel=$(accel)
((!only_accel)) || {
	printf '%s\n' "$accel"
	exit 0
}
case $accel in
kvm) machine=(-accel kvm -cpu host) ;;
# its clock counts instructions while it works: a busy host does not make tests late
*) machine=(-accel "tcg,thread=single" -icount "shift=0,sleep=on" -cpu max) ;;
esac

run=$(mktemp -d "$guest/run.XXXXXX")
qemu=
# shellcheck disable=SC2317
cleanup() {
	[[ -z $qemu ]] || kill "$qemu" 2>/dev/null || true
	rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

{
	printf 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8\n'
	for name in ${HM_VM_ENV:-}; do [[ -z ${!name+x} ]] || printf 'export %s=%q\n' "$name" "${!name}"; done
	printf 'cd %q\n' "$PWD"
	printf '%q ' "$@"
	printf '</dev/null >/dev/ttyS1 2>&1\n'
	# shellcheck disable=SC2016
	printf '%s\n' 'printf "vm-exit: %s\n" "$?" >/dev/ttyS0' 'echo o >/proc/sysrq-trigger' 'while :; do :; done'
} >"$run/start"

# two NICs with a cable between them, with a clock and stamps, if this QEMU has such (8.0)
nics=()
[[ $("$QEMU" -device igb,help 2>&1) != *"igb options"* ]] || for n in 0 1; do
	nics+=(-netdev "hubport,id=cable$n,hubid=0" -device "pcie-root-port,id=port$n,chassis=$n"
		-device "igb,bus=port$n,netdev=cable$n,mac=52:54:00:00:00:0$n")
done

# serial ports: the console into a file, the command's output to us
shared=security_model=none,readonly=on,multidevs=remap
timeout "${HM_VM_TIMEOUT:-300}" "$QEMU" -M q35 "${machine[@]}" -m "${HM_VM_MEM:-1024}" ${nics[@]+"${nics[@]}"} \
	-nodefaults -display none -no-reboot -serial "file:$run/console" -serial stdio \
	-kernel "$guest/vmlinux" -initrd "$guest/initrd.gz" \
	-append "console=ttyS0 loglevel=5 panic=-1 panic_on_oops=1 mitigations=off nokaslr tsc=reliable no_timer_check cryptomgr.notests sysrq_always_enabled RUN=$run ${HM_VM_APPEND:-}" \
	-virtfs "local,path=/,mount_tag=host,$shared" -virtfs "local,path=$guest/layer,mount_tag=layer,$shared" </dev/null &
qemu=$!
wait "$qemu" || true
qemu=
status=$(sed -n 's/.*vm-exit: \([0-9]*\).*/\1/p' "$run/console" | tail -n 1)
# a kernel that warned, or that never came to the end, tells why
if grep -aqE 'WARNING: |BUG: |Oops|Kernel panic' "$run/console" || [[ -z $status ]]; then
	tr -d '\r' <"$run/console" | tail -n 60 | sed 's/^/# console: /' >&2
fi
exit "${status:-125}"
