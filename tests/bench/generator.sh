#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the generator gives (tests/blast): frames a second into a veth whose other end
# drops, counts, or gives them to the stack; one CPU for both ends.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
bench_dir
FRAMES=${FRAMES:-1000000}
# UDP, 64 bytes, to nobody
FRAME=0200000000010200000000020800450000320001000040110000c6120001c612000203e81b58001e0000$(printf '00%.0s' {1..22})

sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link add name v0 type veth peer name v1
ip link set v0 up
ip link set v1 up

# rate NAME: thousands of frames a second
rate() {
	local count ns
	read -r count ns <<<"$(taskset -c $(($(nproc) - 1)) "$HM_BUILD/tests/blast" v0 "$FRAMES" "$FRAME")"
	note "$1" $((count * 1000000 / ns))
}
for ((round = 0; round < ROUNDS; round++)); do
	for what in tests/bpf/xdp_drop xdp/count xdp/pass; do
		ip -force link set dev v1 xdp obj "$HM_BUILD/$what.o"
		rate "${what##*/}"
	done
done
head_row "generator: frames of 64 bytes into a veth, one CPU"
figure "dropped by an empty XDP program" xdp_drop kframes/s
figure "counted by xdp/count, and on to the stack" count kframes/s xdp_drop "dropped"
figure "passed to the stack, which drops them" pass kframes/s xdp_drop "dropped"
