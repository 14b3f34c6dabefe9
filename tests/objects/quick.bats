#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The first programs: pass, hello, count, tail_a and tail_b, steps

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }

xdp() { on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/$1.o"; }
ping_host() { on client ping -q -c 1 -W "${2:-5}" "$1" >/dev/null; }
no_ping() { if ping_host "$1" 1; then return 1; fi; }
graft() { on host tc exec bpf graft "m:globals/$1" key "$2" obj "$HM_BUILD/xdp/$3.o" type xdp sec prog; }

# packet NAME: a file of tests/packets as bytes, in PACKET
packet() {
	PACKET=$BATS_TEST_TMPDIR/$1
	sed 's/#.*//' "$HM_TOP/tests/packets/$1.hex" | xxd -r -p >"$PACKET"
}
# test_run PIN PACKET [REPEAT]: its return value
test_run() {
	packet "$2"
	bpftool -j prog run pinned "$1" data_in "$PACKET" repeat "${3:-1}" | jq .retval
}
# counted KIND [FIELD]: the sum over all CPUs
counted() {
	bpftool -j map dump pinned "${STAT:-$G/count_stat}" |
		jq --argjson key "$1" --arg field "${2:-packets}" \
			'[.[] | select(.formatted.key == $key) | .formatted.values[].value[$field]] | add'
}

# A trace buffer of our own: what hello prints goes there, and to nobody else's reader.
trace_up() {
	mount -t tracefs tracefs /sys/kernel/tracing
	TRACE=$(mktemp -d /sys/kernel/tracing/instances/hookmap.XXXXXX)
	echo 1 >"$TRACE/events/bpf_trace/bpf_trace_printk/enable"
}
teardown() { [[ -z ${TRACE:-} ]] || rmdir "$TRACE"; }
printed() { grep -c "hello: .* on device $1\$" "$TRACE/trace" || true; }

@test "quick: pass lets everything pass" {
	xdp pass
	ping_host 10.11.1.1
	ping_host fd11:1::1
}

@test "quick: hello prints a line a frame, drops when told to, and is quiet when told to" {
	trace_up
	# a device number that no other lab has, so that only our lines count
	index=$((100000 + RANDOM * 32768 + RANDOM))
	on host ip link add name lonely index "$index" type veth peer name lonely1
	on host ip link set dev lonely xdp obj "$HM_BUILD/xdp/hello.o"
	# nothing is sent on it unless it is up: IPv6 stays silent
	on host sysctl -qw net.ipv6.conf.lonely.disable_ipv6=1 net.ipv6.conf.lonely1.disable_ipv6=1
	on host ip link set lonely up
	on host ip link set lonely1 up arp off
	on host ip addr add 10.99.0.1/24 dev lonely1
	on host ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:01 dev lonely1
	# 17 datagrams leave by lonely1 and come in at lonely
	on host "$HM_BUILD/tests/traffic" udp-send 10.99.0.2 9 17
	equal "$(printed "$index")" 17 lines
	like "$(cat "$TRACE/trace")" "hello: 106 bytes on device $index"

	bpftool map update pinned "$G/hello_cfg" key 0 0 0 0 value 1 0 0 0 1 0 0 0
	on host "$HM_BUILD/tests/traffic" udp-send 10.99.0.2 9 13
	equal "$(printed "$index")" 17 "lines when quiet"
}

@test "quick: hello drops what comes while the switch in the map is on" {
	xdp hello
	bpftool map update pinned "$G/hello_cfg" key 0 0 0 0 value 1 0 0 0 1 0 0 0
	no_ping 10.11.1.1
	bpftool map update pinned "$G/hello_cfg" key 0 0 0 0 value 0 0 0 0 1 0 0 0
	ping_host 10.11.1.1
}

@test "quick: count counts every frame by kind, with VLAN tags, and what is broken" {
	bpftool prog load "$HM_BUILD/xdp/count.o" /sys/fs/bpf/p type xdp
	# where bpftool pins what is to be pinned by name
	STAT=/sys/fs/bpf/count_stat
	for run in 'ipv4-udp 23' 'ipv4-tcp-vlan 5' 'ipv4-icmp-qinq 3' 'ipv6-udp 29' 'arp 7' 'lldp 2'; do
		read -r file count <<<"$run"
		equal "$(test_run /sys/fs/bpf/p "$file" "$count")" 2 "$file: XDP_PASS"
	done
	equal "$(counted 1)" 31 IPv4
	equal "$(counted 2)" 29 IPv6
	equal "$(counted 3)" 7 ARP
	equal "$(counted 0)" 2 other
	equal "$(counted 4)" 0 broken
	equal "$(counted 2 bytes)" $((29 * 82)) "bytes of IPv6"
	# a VLAN tag that is cut off
	packet ipv4-tcp-vlan
	head -c 17 "$PACKET" >"$PACKET.cut"
	bpftool prog run pinned /sys/fs/bpf/p data_in "$PACKET.cut" repeat 11 >/dev/null
	equal "$(counted 4)" 11 broken
	equal "$(counted 1)" 31 "IPv4 again"
}

@test "quick: one map counts at XDP, tc, iptables and cgroup: the same packets, four times" {
	xdp count
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress pref 1 handle 1 bpf da obj "$HM_BUILD/tc/count.o"
	bpftool prog load "$HM_BUILD/iptables/count.o" /sys/fs/bpf/ipt type socket map name count_stat pinned "$G/count_stat"
	on host iptables -A INPUT -i eth0 -p udp --dport 7000 -m bpf --object-pinned /sys/fs/bpf/ipt
	bpftool prog load "$HM_BUILD/kern/count.o" /sys/fs/bpf/cg map name count_stat pinned "$G/count_stat"
	bpftool cgroup attach "$HOOKMAP_CGROUP" ingress pinned /sys/fs/bpf/cg multi
	udp host 10.11.1.1 97
	# 64 bytes of payload: 106 with the Ethernet header, 92 without
	equal "$(counted 1)" $((4 * 97)) packets
	equal "$(counted 1 bytes)" $((97 * (2 * 106 + 2 * 92))) bytes
	bpftool cgroup detach "$HOOKMAP_CGROUP" ingress pinned /sys/fs/bpf/cg
	# the rule counts, too, and it matches
	equal "$(on host iptables -nvxL INPUT | awk '/dpt:7000/ { print $1 }')" 97 "matched by the rule"
}

@test "quick: tail_a calls what tc exec bpf graft put there, for IPv4 and not for IPv6" {
	xdp tail_a
	ping_host 10.11.1.1
	graft tail_next 1 tail_b
	no_ping 10.11.1.1
	ping_host fd11:1::1
	# another program in the same place, at once
	graft tail_next 1 pass
	ping_host 10.11.1.1
	graft tail_next 2 tail_b
	no_ping fd11:1::1
	bpftool map delete pinned "$G/tail_next" key 2 0 0 0
	ping_host fd11:1::1
}

@test "quick: steps is loaded whole by bpftool, its maps are pinned by pinmaps" {
	bpftool prog loadall "$HM_BUILD/xdp/steps.o" /sys/fs/bpf/steps type xdp pinmaps /sys/fs/bpf/steps_maps
	equal "$(cd /sys/fs/bpf/steps && echo *)" "steps_drop steps_pass steps_xdp" programs
	equal "$(test_run /sys/fs/bpf/steps/steps_xdp ipv6-udp)" 2 "no step: XDP_PASS"
	bpftool map update pinned /sys/fs/bpf/steps_maps/step_next key 2 0 0 0 value pinned /sys/fs/bpf/steps/steps_drop
	equal "$(test_run /sys/fs/bpf/steps/steps_xdp ipv6-udp)" 1 "IPv6: XDP_DROP"
	equal "$(test_run /sys/fs/bpf/steps/steps_xdp ipv4-tcp-vlan)" 2 "IPv4: XDP_PASS"
	on host bpftool net attach xdp pinned /sys/fs/bpf/steps/steps_xdp dev eth0
	ping_host 10.11.1.1
	no_ping fd11:1::1
	on host bpftool net detach xdp dev eth0
	ping_host fd11:1::1
}
