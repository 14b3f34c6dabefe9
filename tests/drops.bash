# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# drops.bash - shared by the suites of drops. The tracepoints see the whole machine, so
# everything here only looks at the lab's namespaces.

# Rows of the lab
HM_MINE='select(.netns | startswith($lab))'

# quiet: a lab without other traffic than a test sends: no IPv6, static neighbours
quiet() {
	LAB=$("$HM_TOP/scripts/lab.sh" up -4)
	on client ping -q -c 1 -W 5 10.11.2.2
}

# quiet6: the same with IPv6
quiet6() {
	lab_up
	on client ping -q -c 1 -W 5 10.11.2.2
	on client ping -q -c 1 -W 5 fd11:2::2
}

drops() { on host "$HM_BUILD/hookmap" -j drops "$@"; }

# rows_of JQ [OPTION...]: the losses in the lab, one line per row: packets, and the result of the
# jq expression; netns without the lab's name
rows_of() {
	local what=$1
	shift
	drops "$@" | jq -r --arg lab "$LAB-" ".rows[] | $HM_MINE | .netns |= ltrimstr(\$lab)
		| \"\\(.packets) \" + ($what)" | sort -n
}

# packets JQ: the packets in the lab's rows for which JQ is true
packets() {
	drops | jq --arg lab "$LAB-" \
		"[.rows[] | $HM_MINE | select($1) | .packets] | add // 0"
}
packets_are() { (($(packets "$1") == $2)); }

# settled JQ N: waits for N packets; if they do not come, prints the rows
settled() {
	busywait 5 packets_are "$1" "$2" && return
	rows_of '.reason + " " + .location + " " + .device + " " + .netns + " " + .protocol' | tail -n 20 >&2
	equal "$(packets "$1")" "$2" "packets of $1"
}

# send PORT COUNT [OPTION...]: UDP from the client to the host
send() { on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 "$@"; }

ifindex() { on "$1" ip -j link show dev "$2" | jq '.[0].ifindex'; }

# foreign MODE: attaches the XDP program of tests/bpf/foreign to the host's eth0; its devmap
# leads to the device DEV, its cpumap to CPU 0 with a queue of QUEUE
foreign() { # MODE DEV QUEUE
	mkdir -p /sys/fs/bpf/t
	bpftool -n prog load "$HM_BUILD/tests/bpf/foreign.o" /sys/fs/bpf/t/prog type xdp pinmaps /sys/fs/bpf/t
	on host bpftool map update pinned /sys/fs/bpf/t/test_devmap key 0 0 0 0 value "$(ifindex host "$2")" 0 0 0
	on host bpftool map update pinned /sys/fs/bpf/t/test_cpumap key 0 0 0 0 value "$3" 0 0 0 0 0 0 0
	on host ip link set dev eth0 "$1" pinned /sys/fs/bpf/t/prog
}

shot() { # drops at tc the packets that tests/bpf/shot selects
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress bpf da obj "$HM_BUILD/tests/bpf/shot.o"
}

# frame COUNT HEX...: raw frames from the client's eth0
frame() { on client "$HM_BUILD/tests/frames" eth0 "$@"; }
