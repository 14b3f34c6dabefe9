#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# pktlat with a NIC that has a clock: two of them, with a cable between, which tests/vm/boot.sh
# puts into a guest if its QEMU has such. They stamp what belongs to PTP.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# nic_of MAC: its device, brought into this namespace, in NIC. It goes back with the namespace.
nic_of() {
	NIC=$(nsenter --net=/proc/1/ns/net ip -j link | jq -r --arg mac "$1" '.[] | select(.address == $mac) | .ifname')
	[[ -n $NIC ]] || return 1
	nsenter --net=/proc/1/ns/net ip link set "$NIC" netns $$
	ip link set "$NIC" up
}

setup() {
	[[ -n ${HM_VM:-} ]] || skip "not in a guest"
	modprobe -q igb || true
	# shellcheck disable=SC2317
	there() { nsenter --net=/proc/1/ns/net ip link | grep -c '52:54:00:00:00:0[01]' | grep -qx 2; }
	busywait 5 there || skip "no NICs with a clock: QEMU 8.0 has igb"
	nic_of 52:54:00:00:00:01
	TX=$NIC
	nic_of 52:54:00:00:00:00
	RX=$NIC
	# igb calls a clock as the NIC's address
	PTP=/dev/$(basename "$(dirname "$(grep -lx 525400000000 /sys/class/ptp/*/clock_name)")")
	"$HM_BUILD/tests/nic" stamps "$RX"
	both_up
}

# shellcheck disable=SC2317
both_up() {
	up() { [[ $(ip -j link show "$1" | jq -r '.[0].operstate') == UP ]]; }
	busywait 10 up "$RX"
	busywait 10 up "$TX"
}

# send SECONDS: a PTP frame (Sync), which is read so much later
send() {
	local got
	got=$(wc -l <"$BATS_TEST_TMPDIR/got")
	kill -STOP "$RECV"
	"$HM_BUILD/tests/l2frames" send "$TX" <<<"011b1900000052540000000188f70002002c$(printf '%0100d' 0)"
	sleep "$1"
	kill -CONT "$RECV"
	# shellcheck disable=SC2317
	more() { (($(wc -l <"$BATS_TEST_TMPDIR/got") > got)); }
	busywait 10 more
}
row() { hookmap -j pktlat | jq ".rows[] | select(.pid == $RECV) | .$1"; }

# bats test_tags=vm
@test "pktlat: from the stamps of a NIC, by its clock, which is set again and again" {
	host_attach pktlat --ptp "$PTP"
	equal "$(hookmap -j pktlat --ptp "$PTP" | jq .clock.ptp)" true clock
	"$HM_BUILD/tests/nic" recv "$RX" 4 >"$BATS_TEST_TMPDIR/got" 3>&- &
	RECV=$!
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/got"
	n=0
	for step in 0 3000000000 -5000000000; do
		# this one stamps a frame, and then no other until it is reset, which sets its clock
		ip link set "$RX" down
		ip link set "$RX" up
		both_up
		"$HM_TOP/scripts/clock.sh" --ptp "$PTP"
		"$HM_BUILD/tests/nic" step "$PTP" "$step"
		drift=$(hookmap -j pktlat --ptp "$PTP" | jq .clock.ptp_drift_ns)
		off=$((drift < 0 ? -drift : drift)) want=$((step < 0 ? -step : step))
		equal "$(((off - want) / 100000000))" 0 "drift after $step: $drift"
		"$HM_TOP/scripts/clock.sh" --ptp "$PTP"
		send 0.2
		equal "$(row stamp)" '"hardware"' stamp
		equal "$(row count)" $((++n)) packets
		# two clocks drift, and nobody follows them in between
		equal "$(row 'min_ns > 150000000 and .max_ns < 1400000000')" true "200 ms at least"
	done
	send 0
	equal "$(row count)" 3 "the fourth has no stamp"
	equal "$(hookmap -j pktlat | jq '.lost.bad_clock')" 0 "bad clock"
}
