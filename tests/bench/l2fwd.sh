#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd.sh - what l2fwd costs, beside an empty program, a bare redirect, a look-up and
# redirect that counts nothing, and the kernel bridge: medians of interleaved runs.
#   ROUNDS=5 FRAMES=400000 tests/bench/l2fwd.sh
# The machine's noise is a factor of two, so only the ratios mean much.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
FRAMES=${FRAMES:-400000}
B=/sys/fs/bpf/bench
bench_dir
attach() { "$HM_TOP/scripts/attach.sh" "$@" 2>/dev/null; }

# gen -> a0 | p1 -> p2 | b0: p1 and p2 are ports; everything on one CPU
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
ip link add a0 type veth peer name p1
ip link add b0 type veth peer name p2
for dev in a0 b0 p1 p2; do ip link set "$dev" up; done
mkdir -p "$B/maps"
bpftool -n prog loadall "$HM_BUILD/tests/bpf/l2bench.o" "$B/prog" type xdp pinmaps "$B/maps"
ip link set dev b0 xdpdrv pinned "$B/prog/bench_drop"
index() { ip -j link show "$1" | jq '.[0].ifindex'; }
put() { # MAP KEYBYTE NUMBER...: as 4 bytes each
	local map=$1 key=$2 bytes=() n
	shift 2
	for n; do bytes+=($((n & 255)) $((n >> 8 & 255)) $((n >> 16 & 255)) $((n >> 24))); done
	bpftool map update pinned "$B/maps/$map" key "$key" 0 0 0 value "${bytes[@]}"
}
put bench_cfg 0 "$(index a0)" 1
put bench_tx 1 "$(index p2)"
bpftool map update pinned "$B/maps/bench_fdb" key hex 00 00 02 10 00 00 00 00 value 1 0 0 0
attach p1 l2fwd --fdb-size 1048576
attach p2 l2fwd
"$HM_TOP/scripts/fdb.sh" add 02:10:00:00:00:00 dev p2
bpftool prog pin id "$(ip -j -d link show p1 | jq '.[0].xdp.prog.id')" "$B/l2fwd"

# show WHAT UNIT [PEER MEANING]: the figure that is called what it is
show() { figure "$1" "$@"; }

# --- one program, one frame, many times; l2fwd does not change this one

frame() { # LAST-BYTE-OF-MAC: 64 bytes
	printf '\x02\x10\0\0\0%b\x02\0\0\0\0\x09\x88\xb5' "\\x$1"
	head -c 50 /dev/zero
}
frame 00 >"$BENCH_DIR/hit.frame"
frame 01 >"$BENCH_DIR/miss.frame"
{
	printf '\0\0\0\0\x40\0\0\0\0\0\0\0'
	printf '%b\0\0\0\0\0\0\0\0\0\0\0' "\\x$(printf %02x "$(index p1)")"
} >"$BENCH_DIR/ctx"
run() { # NAME PIN FRAME
	local out
	out=$(bpftool prog run pinned "$2" data_in "$BENCH_DIR/$3.frame" ctx_in "$BENCH_DIR/ctx" data_out "$BENCH_DIR/out" repeat 1000000)
	out=${out##*: }
	note "$1" "${out%ns*}"
}
for ((i = 0; i < ROUNDS; i++)); do
	run 'empty program' "$B/prog/bench_pass" hit
	run 'redirect' "$B/prog/bench_redirect" hit
	run 'look-up and redirect' "$B/prog/bench_lookup" hit
	run 'l2fwd miss' "$B/l2fwd" miss
	run 'l2fwd hit' "$B/l2fwd" hit
done
head_row "l2fwd: BPF_PROG_RUN"
[[ $(sysctl -n kernel.bpf_stats_enabled) == 0 ]] || echo '(kernel.bpf_stats_enabled is on, which adds some 50 ns to each run)'
show 'empty program' ns
show 'redirect' ns 'empty program' 'the empty program'
show 'look-up and redirect' ns 'empty program' 'the empty program'
show 'l2fwd miss' ns 'empty program' 'the empty program'
show 'l2fwd hit' ns 'look-up and redirect' 'look-up and redirect; aim: a hit in 40 ns'

# --- live frames, veth to veth; generator and drop included

use() { ip -force link set dev p1 xdpdrv pinned "$1"; }
live() { # NAME
	local got ns
	read -r got ns <<<"$(taskset -c $(($(nproc) - 1)) "$HM_BUILD/tests/l2gen" "$B/prog/bench_gen" "$FRAMES" "$B/maps/bench_seen")"
	note "$1" $((got * 1000 / (ns / 1000)))
	((got * 100 >= FRAMES * 99)) || printf '(%s: only %d of %d frames arrived)\n' "$1" "$got" "$FRAMES"
}
for ((i = 0; i < ROUNDS; i++)); do
	use "$B/prog/bench_redirect"
	live 'bare redirect'
	use "$B/prog/bench_lookup"
	live 'look-up and redirect, live'
	use "$B/l2fwd"
	live 'l2fwd'
	ip link add br0 type bridge
	ip link set br0 up
	ip link set p1 master br0
	ip link set p2 master br0
	bridge fdb add 02:10:00:00:00:00 dev p2 master static
	use "$B/prog/bench_pass"
	live 'kernel bridge'
	ip link del br0
done
head_row "l2fwd: live frames of 64 bytes, veth to veth, one CPU"
show 'bare redirect' kframes/s
show 'look-up and redirect, live' kframes/s 'bare redirect' 'the bare redirect'
show 'kernel bridge' kframes/s 'bare redirect' 'the bare redirect'
show 'l2fwd' kframes/s 'bare redirect' 'the bare redirect; aim: 0.90'
figure 'l2fwd (2)' l2fwd kframes/s 'look-up and redirect, live' 'look-up and redirect; aim: 0.95'
figure 'l2fwd (3)' l2fwd kframes/s 'kernel bridge' 'the kernel bridge; aim: 5'

# --- size of the table: addresses at random among all

use "$B/l2fwd"
have=1
head_row "l2fwd: live, by number of entries (addresses at random: cache misses are in it)"
for n in 10 1000 100000 1000000; do
	awk -v from="$have" -v to="$n" 'BEGIN { for (i = from; i < to; i++)
		printf "02:10:00:%02x:%02x:%02x dev p2\n", int(i / 65536), int(i / 256) % 256, i % 256 }' |
		"$HM_TOP/scripts/fdb.sh" load -
	have=$n
	put bench_cfg 0 "$(index a0)" 10
	for ((i = 0; i < ROUNDS; i++)); do
		put bench_cfg 0 "$(index a0)" 10
		live "$n entries, 10 in use"
		put bench_cfg 0 "$(index a0)" "$n"
		live "$n entries, all in use"
	done
	show "$n entries, 10 in use" kframes/s '10 entries, 10 in use' '10 entries'
	show "$n entries, all in use" kframes/s '10 entries, all in use' '10 entries'
done
for ((i = 0; i < 3; i++)); do
	start=$(date +%s%N)
	"$HM_BUILD/hookmap" fdb >/dev/null
	note 'hookmap fdb, 1 000 000 entries' $((($(date +%s%N) - start) / 1000000))
done
head_row 'l2fwd: the reader'
show 'hookmap fdb, 1 000 000 entries' ms
