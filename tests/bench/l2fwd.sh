#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd.sh - what l2fwd costs, beside what it is compared with, in one run: medians of
# interleaved runs, and ratios. See --help.

set -euo pipefail
export LC_ALL=C
TOP=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/../.." && pwd)
OBJ=${HOOKMAP_OBJ:-$TOP/build}
export HOOKMAP_OBJ=$OBJ

[[ ${1:-} != -h && ${1:-} != --help ]] || {
	cat <<'EOF'
usage: bench/l2fwd.sh [ROUNDS [FRAMES]]

Prints rows "what median unit ratio note". ROUNDS (5) interleaved runs, FRAMES (400000)
in each. Root; everything happens in a sandbox.
EOF
	exit 0
}
[[ -n ${HM_IN_SANDBOX:-} ]] || HM_IN_SANDBOX=1 exec "$TOP/scripts/sandbox.sh" "$0" "$@"
ROUNDS=${1:-5} FRAMES=${2:-400000}
G=/sys/fs/bpf/tc/globals B=/sys/fs/bpf/bench
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# gen -> a0 | p1 -> p2 | b0: a0 and b0 are outside, p1 and p2 ports
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
ip link add a0 type veth peer name p1
ip link add b0 type veth peer name p2
for dev in a0 b0 p1 p2; do ip link set "$dev" up; done
mkdir -p "$B/maps"
bpftool -n prog loadall "$OBJ/tests/bpf/l2bench.o" "$B/prog" type xdp pinmaps "$B/maps"
ip link set dev b0 xdpdrv pinned "$B/prog/bench_drop"
index() { ip -j link show "$1" | jq '.[0].ifindex'; }
le4() { printf '%d %d %d %d' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)); }
# shellcheck disable=SC2046
config() { bpftool map update pinned "$B/maps/bench_cfg" key 0 0 0 0 value $(le4 "$(index a0)") $(le4 "$1"); }
# shellcheck disable=SC2046
bpftool map update pinned "$B/maps/bench_tx" key 1 0 0 0 value $(le4 "$(index p2)")
bpftool map update pinned "$B/maps/bench_fdb" key hex 00 00 02 10 00 00 00 00 value 1 0 0 0
config 1
"$TOP/scripts/attach.sh" p1 l2fwd --fdb-size 1048576 2>/dev/null
"$TOP/scripts/attach.sh" p2 l2fwd 2>/dev/null
"$TOP/scripts/fdb.sh" add 02:10:00:00:00:00 dev p2
L2=$(ip -j -d link show p1 | jq '.[0].xdp.prog.id')
bpftool prog pin id "$L2" "$B/l2fwd"

note() { # NAME VALUE
	printf '%s\n' "$2" >>"$WORK/$1"
}
median() { sort -n "$WORK/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { # NAME UNIT BASE NOTE
	printf '%-34s %10s %-12s %6s  %s\n' "$1" "$(median "$1")" "$2" \
		"$(awk -v a="$(median "$1")" -v b="$(median "$3")" 'BEGIN { printf "%.2f", a / b }')" "$4"
}

# --- prog run: one program, one frame, many times; the frame is not changed

binary() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }
HIT=021000000000020000000009 MISS=021000000001020000000009
for name in HIT MISS; do binary "${!name}88b5$(printf '00%.0s' {1..50})" >"$WORK/in.$name"; done
printf '\0\0\0\0\x40\0\0\0\0\0\0\0%b\0\0\0\0\0\0\0\0' "$(printf '\\x%02x\\0\\0\\0' "$(index p1)")" >"$WORK/ctx"
prog_run() { # NAME PIN FRAME
	local out
	out=$(bpftool prog run pinned "$2" data_in "$WORK/in.$3" ctx_in "$WORK/ctx" data_out "$WORK/out" repeat 2000000)
	out=${out##*: }
	note "$1" "${out%ns*}"
}
for ((i = 0; i < ROUNDS; i++)); do
	prog_run 'run: empty program' "$B/prog/bench_pass" HIT
	prog_run 'run: redirect, no look-up' "$B/prog/bench_redirect" HIT
	prog_run 'run: look-up, redirect, no counts' "$B/prog/bench_lookup" HIT
	prog_run 'run: l2fwd hit' "$B/l2fwd" HIT
	prog_run 'run: l2fwd miss' "$B/l2fwd" MISS
done
printf '%-34s %10s %-12s %6s\n' WHAT MEDIAN UNIT RATIO
row 'run: empty program' ns 'run: empty program' ''
row 'run: redirect, no look-up' ns 'run: empty program' 'of the empty program'
row 'run: look-up, redirect, no counts' ns 'run: empty program' 'of the empty program'
row 'run: l2fwd miss' ns 'run: empty program' 'of the empty program'
row 'run: l2fwd hit' ns 'run: look-up, redirect, no counts' 'of look-up and redirect (aim: hit at most 40 ns)'

# --- live frames, veth to veth: all on one CPU, generator and drop included

use() { # PIN: the program of p1; empty: the one of a bridge port, which passes
	ip -force link set dev p1 xdpdrv pinned "$1"
}
live() { # NAME
	local got ns
	read -r got ns <<<"$(taskset -c 1 "$OBJ/tests/l2gen" "$B/prog/bench_gen" "$FRAMES" "$B/maps/bench_seen")"
	note "$1" $((got * 1000000 / (ns / 1000)))
	((got * 100 >= FRAMES * 99)) || printf '# %s: only %d of %d frames arrived\n' "$1" "$got" "$FRAMES"
}
for ((i = 0; i < ROUNDS; i++)); do
	use "$B/prog/bench_redirect"
	live 'live: redirect, no look-up'
	use "$B/prog/bench_lookup"
	live 'live: look-up, redirect, no counts'
	use "$B/l2fwd"
	live 'live: l2fwd'
	ip link add br0 type bridge
	ip link set br0 up
	ip link set p1 master br0
	ip link set p2 master br0
	bridge fdb add 02:10:00:00:00:00 dev p2 master static
	use "$B/prog/bench_pass"
	live 'live: kernel bridge'
	ip link del br0
	use "$B/l2fwd"
done
row 'live: redirect, no look-up' frames/s 'live: redirect, no look-up' ''
row 'live: look-up, redirect, no counts' frames/s 'live: redirect, no look-up' ''
row 'live: l2fwd' frames/s 'live: redirect, no look-up' 'of the bare redirect (aim: 0.90)'
cp "$WORK/live: l2fwd" "$WORK/live: l2fwd again"
row 'live: l2fwd again' frames/s 'live: look-up, redirect, no counts' 'of look-up and redirect (aim: 0.95)'
row 'live: kernel bridge' frames/s 'live: redirect, no look-up' ''
cp "$WORK/live: l2fwd" "$WORK/live: l2fwd, third"
row 'live: l2fwd, third' frames/s 'live: kernel bridge' 'of the kernel bridge (aim: 5)'

# --- size of the table: addresses at random among all

ip link set dev p1 xdpdrv off
"$TOP/scripts/detach.sh" p1
"$TOP/scripts/detach.sh" p2
"$TOP/scripts/attach.sh" p1 l2fwd --fdb-size 1048576 2>/dev/null
"$TOP/scripts/attach.sh" p2 l2fwd 2>/dev/null
have=0
for n in 10 1000 100000 1000000; do
	awk -v from="$have" -v to="$n" 'BEGIN { for (i = from; i < to; i++)
		printf "02:10:00:%02x:%02x:%02x dev p2\n", int(i / 65536), int(i / 256) % 256, i % 256 }' |
		"$TOP/scripts/fdb.sh" load -
	have=$n
	config "$n"
	for ((i = 0; i < ROUNDS; i++)); do live "live: l2fwd, $n entries"; done
	row "live: l2fwd, $n entries" frames/s 'live: l2fwd, 10 entries' 'of 10 entries'
done
for ((i = 0; i < 3; i++)); do
	start=$(date +%s%N)
	"$OBJ/hookmap" fdb >/dev/null
	note 'list 1 000 000 entries' $((($(date +%s%N) - start) / 1000000))
done
row 'list 1 000 000 entries' ms 'list 1 000 000 entries' ''
