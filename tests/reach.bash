# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# reach.bash - what others may attach to a device. set_NAME attaches it to DEV of WHERE, and sets
# WHO to what a message must name; set_away removes all of it. Ours is at pref 10.

BESIDE=$HM_BUILD/tests/bpf/beside.o
PINS=/sys/fs/bpf/beside

# WHERE is the host whose DEV is tested
where() { nsenter --net="/run/netns/$WHERE" -- "$@"; }
pins() { [[ -d $PINS ]] || { mkdir "$PINS" && bpftool prog loadall "$BESIDE" "$PINS" type tcx/ingress; }; }
tcx() {
	pins
	where bpftool net attach tcx_ingress pinned "$PINS/$1" dev "$DEV"
}
cls() { # PREF SECTION
	where tc qdisc replace dev "$DEV" clsact
	where tc filter add dev "$DEV" ingress pref "$1" handle 1 bpf da obj "$BESIDE" sec "$2"
}

# the kernel (6.6) and bpftool (7.5) can attach to tcx
can_tcx() {
	tcx beside_next || return 1
	where bpftool net detach tcx_ingress dev "$DEV"
}

set_nothing() { WHO=-; }
set_tcx_pass() { WHO=beside_ok && tcx beside_ok; }
set_tcx_next() { WHO=beside_next && tcx beside_next; }
set_ok_before() { WHO=beside_ok && cls 5 classifier; }
set_ok_after() { WHO=beside_ok && cls 20 classifier; }
set_next_before() { WHO=beside_next && cls 5 classifier/next; }
set_next_after() { WHO=beside_next && cls 20 classifier/next; }
set_some_before() { WHO=beside_some && cls 5 classifier/some; }
# as shapers do: ifb returns each packet after the hook
set_ifb() {
	WHO=u32
	where ip link add ifb7 up type ifb
	where tc qdisc replace dev "$DEV" clsact
	where tc filter add dev "$DEV" ingress pref 5 protocol all u32 match u32 0 0 action mirred egress redirect dev ifb7
}
set_xdp() { WHO=somebodys_pass && where ip link set dev "$DEV" xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"; }
set_dispatcher() { WHO=xdp_dispatcher && where ip link set dev "$DEV" xdp obj "$HM_BUILD/tests/bpf/dispatcher.o"; }
set_block() {
	WHO='shared block 7'
	where tc qdisc add dev "$DEV" ingress_block 7 clsact
	where tc filter add block 7 pref 5 handle 1 bpf da obj "$BESIDE" sec classifier
}
set_away() {
	where bpftool net detach tcx_ingress dev "$DEV" 2>/dev/null || true
	where tc qdisc del dev "$DEV" clsact 2>/dev/null || true
	where ip link set dev "$DEV" xdp off
	where ip link del ifb7 2>/dev/null || true
}
