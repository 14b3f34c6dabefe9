#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# drops: what is a loss and what is not. Each kind of healthy traffic is sent for real, and so is
# the loss that is most like it.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../drops.bash"
bats_require_minimum_version 1.5.0

# A port of our own tells rows whose namespace the kernel does not know (of sockets that have
# gone) from those of other tests.
PORT=$((20000 + (BASHPID * 7 + RANDOM) % 12000))

# totals: losses, undecided and benign packets of the lab, on a line
totals() {
	drops --all | jq -r --arg lab "$LAB-" --arg port ":$PORT" '
		[.rows[] | select((.netns | startswith($lab)) or (.netns == "-" and (.flow // "" | contains($port))))]
		| [([.[] | select(.layer != "benign" and .layer != "undecided") | .packets] | add // 0),
		   ([.[] | select(.layer == "undecided") | .packets] | add // 0),
		   ([.[] | select(.layer == "benign") | .packets] | add // 0)] | @tsv'
}

# grown LOSSES UNDECIDED BENIGN: since BEFORE; "-": any number
grown() {
	local want=("$@") now was i
	read -ra now < <(totals)
	read -ra was <<<"$BEFORE"
	GREW=$((now[0] - was[0]))/$((now[1] - was[1]))/$((now[2] - was[2]))
	for i in 0 1 2; do
		[[ ${want[i]} == - ]] || ((now[i] - was[i] == want[i])) || return 1
	done
}

# becomes WHAT LOSSES UNDECIDED BENIGN COMMAND...: how the totals grow by it
becomes() {
	local what=$1 want=("${@:2:3}")
	BEFORE=$(totals)
	"${@:5}" || {
		printf '%s: failed\n' "$what" >&2
		return 1
	}
	busywait 3 grown "${want[@]}" || {
		grown - - - || true
		printf '%s: losses/undecided/benign are %s, expected %s/%s/%s\n' "$what" "$GREW" "${want[@]}" >&2
		drops --all | jq -r --arg lab "$LAB-" '.rows[] | select(.netns | startswith($lab)) | "\(.packets) \(.layer) \(.reason) \(.location) \(.netns) \(.protocol) \(.flow)"' >&2
		return 1
	}
}

# catalogue: lines of KIND N LOSSES UNDECIDED BENIGN; kinds of tests/healthy.c
catalogue() {
	local kind n want
	while read -r kind n want; do
		# shellcheck disable=SC2086
		becomes "$kind" $want "$HM_BUILD/tests/healthy" "$kind" "$LAB-client" "$LAB-host" "$PORT" "$n"
	done
}

# known REASON: does this kernel have it?
known() { hookmap -j drops --reasons | jq -e --arg r "SKB_DROP_REASON_$1" 'any(.rows[]; .reason == $r)' >/dev/null; }

# frames_of: lines of NAME LOSSES UNDECIDED BENIGN FRAME, 5 of each from the client
frames_of() {
	local name want frame
	while IFS='|' read -r name want frame; do
		# shellcheck disable=SC2086
		becomes "$name" $want frame 5 "$frame"
	done
}

# bats test_tags=vm
@test "drops: TCP connections that end in order have no losses" {
	quiet
	attach --host drops --by flow
	catalogue <<-'E'
		tcp-server-first 50 0 0 -
		tcp-client-first 50 0 0 -
		tcp-half-close 20 0 0 -
		tcp-reset 50 0 0 -
		tcp-unread 20 0 0 -
		tcp-time-wait 20 0 0 -
		tcp-keepalive 20 0 0 -
		tcp-zero-window 2 0 0 -
		tcp-out-of-order 20 0 0 -
	E
	if known TCP_ABORT_ON_DATA; then
		catalogue <<<'tcp-late-data 11 11 0 -'
		equal "$(rows_of .reason | cut -d' ' -f2 | sort -u)" SKB_DROP_REASON_TCP_ABORT_ON_DATA "the loss"
		catalogue <<<'tcp-again 20 0 0 -'
	else
		# the end, and the reset that follows, come to a TIME-WAIT that is not told
		catalogue <<-'E'
			tcp-late-data 11 0 11 -
			tcp-again 20 0 40 -
		E
	fi
	catalogue <<<'tcp-beyond 5 10 0 -'
	if on host sysctl -qn net.mptcp.enabled 2>/dev/null | grep -q 1; then
		catalogue <<<'mptcp 20 0 0 -'
	fi
}

# bats test_tags=vm
@test "drops: TCP as servers are set up: deferred accept, fast open, SYN cookies, urgent data: no losses" {
	quiet
	attach --host drops --by flow
	on host sysctl -qw net.ipv4.tcp_fastopen=3
	on client sysctl -qw net.ipv4.tcp_fastopen=3
	# (before 6.11 the kernel does not tell that the socket waits for data)
	if known TCP_ABORT_ON_DATA; then catalogue <<<'tcp-deferred 20 0 0 -'; else catalogue <<<'tcp-deferred 20 0 20 -'; fi
	catalogue <<-'E'
		tcp-fast-open 20 0 0 -
		tcp-urgent 20 0 0 -
	E
	on host sysctl -qw net.ipv4.tcp_syncookies=2
	catalogue <<-'E'
		tcp-server-first 20 0 0 -
		tcp-reset 20 0 0 -
	E
}

@test "drops: TCP segments that come late: old news is not lost, what the socket had not got is" {
	quiet
	attach --host drops --by flow
	# what is sent in the last two kinds waits for a neighbour that does not answer
	on client sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=20 net.ipv4.neigh.eth0.retrans_time_ms=1000
	on host sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=20 net.ipv4.neigh.eth0.retrans_time_ms=1000
	# data in a SYN without a cookie
	on host sysctl -qw net.ipv4.tcp_fastopen=0x202
	# Without the socket (before 6.11) nobody can say what it had. Stamps; behind a reset; no answer yet
	catalogue <<-'E'
		tcp-paws 20 0 0 -
		tcp-paws-ack 20 0 0 -
		tcp-paws-data 11 11 0 -
		tcp-closed 20 0 0 40
		tcp-closed-data 11 11 0 11
		tcp-syn-sent 7 7 0 0
		tcp-too-old-ack 20 0 0 20
	E
	equal "$(rows_of .reason | cut -d' ' -f2 | sort | uniq -c | tr -s ' ')" " 11 SKB_DROP_REASON_TCP_CLOSE
 7 SKB_DROP_REASON_TCP_FLAGS
 11 SKB_DROP_REASON_TCP_RFC7323_PAWS" losses
}

# bats test_tags=vm
@test "drops: segments to connections that have gone: data is lost, acknowledgements are not" {
	quiet
	attach --host drops --by flow
	local mac
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address' | tr -d :)
	# the host answers all but resets by a reset, for which the client has no connection
	frames_of <<-E
		data|5 0 5|$mac 020000000099 0800 45c0002c00010000400663f30a0b01020a0b01019c401f3f000003e8000007d0501803e8f5cd000064617461
		ack|0 0 10|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0501003e8ce9c0000
		fin|0 0 10|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0501103e8ce9b0000
		rst|0 0 5|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0500403e8cea80000
		syn|5 0 5|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0500203e8ceaa0000
		http|5 0 5|$mac 020000000099 0800 45c0002c00010000400663f30a0b01020a0b010100501f3f000003e8000007d0501803e891be000064617461
	E
}

@test "drops: segments that a listener has no connection for: data is lost, the rest is not" {
	quiet
	attach --host drops --by flow
	local mac
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address' | tr -d :)
	on host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7999 1 3>&- &
	local server=$!
	busywait 5 on host bash -c 'ss -Hltn sport = :7999 | grep -q .'
	frames_of <<-E
		data|5 0 5|$mac 020000000099 0800 45c0002c00010000400663f30a0b01020a0b01019c401f3f000003e8000007d0501803e8f5cd000064617461
		high|5 0 5|$mac 020000000099 0800 45c0002c00010000400663f30a0b01020a0b01019c401f3ff0000000000007d0501803e809b5000064617461
		ack|0 0 10|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0501003e8ce9c0000
		fin|0 0 10|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0501103e8ce9b0000
		rst|0 0 5|$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0500403e8cea80000
	E
	kill "$server"
}

# no_losses WHAT [UNDECIDED]: since BEFORE
no_losses() {
	grown 0 "${2:-0}" - || {
		drops | jq -r --arg lab "$LAB-" '(.rows[], .undecided[]) | select(.netns | startswith($lab)) | "\(.packets) \(.layer) \(.reason) \(.location) \(.device) \(.netns) \(.protocol) \(.flow)"' >&2
		equal "$GREW" "0/${2:-0}/-" "$1"
	}
}

# bats test_tags=vm
@test "drops: neighbour discovery: a duplicate address, news of others; from behind a router it is lost" {
	quiet6
	attach --host drops --by flow
	local h mac
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address' | tr -d :)
	for h in client host; do on "$h" sysctl -qw net.ipv6.conf.eth0.accept_dad=1 net.ipv6.conf.eth0.dad_transmits=1 net.ipv6.conf.eth0.router_solicitations=0; done
	BEFORE=$(totals)
	on client ip addr add fd11:1::77/64 dev eth0
	on client ip addr add fd11:1::1/64 dev eth0
	busywait 5 has_dad fd11:1::77 null
	busywait 5 has_dad fd11:1::1 true
	catalogue <<<'nd-news 13 0 0 -'
	no_losses "duplicate address detection"
	frames_of <<-E
		echo-reply|0 0 -|$mac 020000000099 86dd 60000000000c3afffd110001000000000000000000000002fd11000100000000000000000000000181008442004d000100000000
		unknown-type|0 5 -|$mac 020000000099 86dd 6000000000083afffd110001000000000000000000000002fd110001000000000000000000000001c8003d9400000000
	E
	if known IPV6_NDISC_HOP_LIMIT; then
		catalogue <<<'nd-routed 13 13 0 0'
	else
		catalogue <<<'nd-routed 13 0 13 0'
	fi
	# while it has no route for groups, as a bridge that is just being set up
	on host ip -6 route del multicast ff00::/8 dev eth0 table local
	frames_of <<-E
		own-query|0 0 -|333300000001 $mac 86dd 6000000000183afffe800000000000000000000000000002ff02000000000000000000000000000182007c3e03e8000000000000000000000000000000000000
		query|5 0 -|333300000001 020000000099 86dd 6000000000183afffe800000000000000000000000000002ff02000000000000000000000000000182007c3e03e8000000000000000000000000000000000000
		own-echo|5 0 -|333300000001 $mac 86dd 6000000000083afffe800000000000000000000000000002ff0200000000000000000000000000018000823500000001
		nobody|0 0 -|333300000099 020000000099 86dd 6000000000083afffe800000000000000000000000000002ff0e00000000000000000000000000998000819100000001
	E
}
has_dad() { # ADDRESS failed: true, or null
	on client ip -6 -j addr show dev eth0 | jq -e --arg a "$1" --argjson f "$2" 'any(.[].addr_info[]; .local == $a and .dadfailed == $f and .tentative == $f)' >/dev/null
}

# bats test_tags=vm
@test "drops: IGMP and MLD by a snooping bridge, members that come and go with their namespaces" {
	local i
	quiet6
	attach --host drops --by flow
	on host ip link add br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_query_interval 50 mcast_startup_query_interval 50
	on host ip addr add 10.40.0.254/24 dev br0
	on host ip link set dev br0 up
	BEFORE=$(totals)
	# nobody is behind it yet
	on host ip route add 224.0.0.0/4 dev br0
	on host "$HM_BUILD/tests/traffic" udp-send 239.7.7.7 "$PORT" 5
	for i in 1 2 3; do
		ip netns add "$LAB-m$i"
		on host ip link add "m$i" type veth peer name eth0 netns "$LAB-m$i"
		on host ip link set dev "m$i" master br0 up
		ip -n "$LAB-m$i" addr add "10.40.0.$i/24" dev eth0
		ip -n "$LAB-m$i" link set dev eth0 up
		ip -n "$LAB-m$i" route add 224.0.0.0/4 dev eth0
	done
	in_groups() { on host bridge -j mdb show dev br0 | jq -e --arg p "$1" '[.[].mdb[] | select(.port == $p) | .grp] | contains(["239.7.7.7", "ff0e::77"])' >/dev/null; }
	for i in 1 2; do
		ip -n "$LAB-m$i" addr add 239.7.7.7/32 dev eth0 autojoin
		ip -n "$LAB-m$i" addr add ff0e::77/128 dev eth0 autojoin
		busywait 10 in_groups "m$i"
	done
	# members 1 and 2 have nobody at the port, member 3 does not get it
	on m3 "$HM_BUILD/tests/traffic" udp-send 239.7.7.7 "$PORT" 5
	ip -n "$LAB-m1" addr del ff0e::77/128 dev eth0
	ip -n "$LAB-m1" addr del 239.7.7.7/32 dev eth0
	for i in 1 2 3; do ip netns del "$LAB-m$i"; done
	gone() { ! on host ip link show dev m3 >/dev/null 2>&1; }
	busywait 10 gone
	on host ip link set dev br0 down
	on host ip link del dev br0
	# (the bridge's own groups, while it has no ports)
	if known NO_TX_TARGET; then no_losses snooping; else no_losses snooping -; fi
	# the same reports, lost by a queue that is full
	on client tc qdisc add dev eth0 root tbf rate 8kbit burst 100 limit 50
	on client ip addr add 239.7.7.7/32 dev eth0 autojoin
	lost_report() { (("$(packets '.protocol == "ipv4/igmp" and .layer == "qdisc" and .device == "eth0"')" > 0)); }
	busywait 5 lost_report
}

@test "drops: IGMP and MLD of a device without carrier, or that goes down, are not lost; what else it sends is" {
	quiet
	attach --host drops --by flow
	local name want frame
	on host ip link add va type veth peer name vb
	on host ip link set dev va up
	while IFS='|' read -r name want frame; do
		# shellcheck disable=SC2086
		becomes "$name" $want on host "$HM_BUILD/tests/frames" va 5 "$frame"
	done <<-E
		report|0 0 5|01005e000016 020000000001 0800 46c0002800010000010238ec0a0b0102e0000016940400002200e1eb0000000104000000ef090909
		query|0 0 5|01005e000001 020000000001 0800 46c0002000010000010239090a0b0102e0000001940400001100eeff00000000
		report6|0 0 5|333300000001 020000000001 86dd 60000000001c3afffe800000000000000000000000000002ff0200000000000000000000000000018f006f9b0000000104000000ff0e0000000000000000000000000077
		query6|0 0 5|333300000001 020000000001 86dd 6000000000183afffe800000000000000000000000000002ff02000000000000000000000000000182007c3e03e8000000000000000000000000000000000000
		echo6|5 0 0|333300000001 020000000001 86dd 6000000000083afffe800000000000000000000000000002ff0200000000000000000000000000018000823500000001
	E
	# with carrier, but down: it leaves its groups
	on host ip link set dev vb up
	on host ip link add br1 link va type macvlan
	on host sysctl -qw net.ipv6.conf.br1.disable_ipv6=0 net.ipv6.conf.br1.accept_dad=0 \
		net.ipv6.conf.br1.force_mld_version=1 net.ipv6.conf.br1.mldv1_unsolicited_report_interval=1 net.ipv6.conf.br1.router_solicitations=0
	on host ip link set dev br1 up
	on host ip addr add ff0e::78/128 dev br1 autojoin
	# its groups, and those of its addresses: of all, it was the last to report
	reported() { (($(on host grep -c ' br1 .* 00000006 ' /proc/net/igmp6) == 3)); }
	busywait 5 reported
	becomes down 0 0 3 on host ip link set dev br1 down
}

# bats test_tags=vm
@test "drops: SCTP and vsock: associations, connections and their ends have no losses" {
	skip_without "module sctp" module sctp
	quiet
	attach --host drops --by flow
	catalogue <<<'sctp 10 0 0 -'
	# nobody listens any more
	skip_without "module vsock_loopback" module vsock_loopback
	"$HM_BUILD/tests/healthy" vsock "$LAB-client" "$LAB-host" "$PORT" 10
	equal "$(drops | jq -c '[(.rows[], .undecided[]) | select(.location | test("vsock|virtio_transport"))]')" '[]' vsock
}
# only a guest's modules are ours to load
module() { [[ -d /sys/module/$1 ]] || { [[ -n ${HM_VM:-} ]] && modprobe "$1"; }; }

@test "drops: groups that nobody has joined, and those that somebody has" {
	quiet
	attach --host drops --by flow
	catalogue <<-'E'
		mdns 13 0 0 13
		ssdp 13 0 0 13
		broadcast 13 0 0 26
		dhcp-discover 13 0 0 26
		udp-large 13 0 0 0
		udp-unread 13 0 0 13
		udp-stamps 13 0 0 13
		udp-stamps-full 50 0 0 50
		packet-unread 13 0 0 39
		dns-late 13 0 13 0
		udp-nobody 13 13 0 0
		group-port 13 0 0 -
	E
	# the buffer of one that has joined is full: how many it takes, it says itself
	catalogue <<<'group-full 50 - 0 -'
	(("$(packets '.reason == "SKB_DROP_REASON_SOCKET_RCVBUFF" and (.flow | contains("> 239.1.2.3:"))')" >= 40))
	on host iptables -I INPUT -d 239.0.0.0/8 -j DROP
	catalogue <<<'group-port 13 13 0 -'
}

# bats test_tags=vm
@test "drops: IPsec through NAT: keepalives are read; data of no SA, and what finds no IKE daemon, is not" {
	quiet
	attach --host drops --by flow
	catalogue <<-'E'
		natt-keepalive 13 0 0 13
		natt-unknown 13 0 13 0
		natt-nobody 13 13 0 0
	E
	# not read, but dropped on its way
	on host iptables -I INPUT -p udp --dport 4500 -j DROP
	catalogue <<<'natt-keepalive 13 13 0 0'
}

# bats test_tags=vm
@test "drops: groups that were joined for other sources; a source that nobody may have is no such thing" {
	quiet6
	attach --host drops --by flow
	local martian='0 5 -' # (the host's report that it has joined is benign at the client)
	! known IP_LOCAL_SOURCE || martian='5 0 -'
	catalogue <<-'E'
		group-source 13 0 0 -
		group6-source 13 0 0 -
	E
	on host ip addr add 239.7.7.7/32 dev eth0 autojoin
	frames_of <<<"own-source|$martian|01005e070707 020000000099 0800 4500001d00010000401179b50a0b0101ef070707 1b58 1b59 0009 0000 78"
	equal "$(drops --all | jq -c '[.rows[] | select(.flow // "" | endswith("> 239.7.7.7:7001")) | [.packets, .layer == "benign"]]')" '[[5,false]]' "rows of its flow"
}

# bats test_tags=vm
@test "drops: what a raw socket's filter refuses is a copy, and not lost; what another socket's refuses is" {
	quiet
	attach --host drops --by flow
	two_pings() {
		on client sysctl -qw net.ipv4.ping_group_range='1 0' # as raw sockets
		on client ping -q -c 20 -i 0.01 -W 5 10.11.1.1 &
		on client ping -q -c 20 -i 0.01 -W 5 10.11.1.1 && wait $!
	}
	becomes "two pings" 0 0 - two_pings
	catalogue <<<'udp-filter 13 13 0 -'
	equal "$(rows_of .reason | cut -d' ' -f2)" SKB_DROP_REASON_SOCKET_FILTER "the loss"
	if known UNIX_DISCONNECT; then catalogue <<<'raw-filter 13 0 0 13'; fi # (before, the socket is not told)
}

# bats test_tags=vm
@test "drops: control frames and groups of others, by what they are" {
	quiet
	attach --host drops --by flow
	local mac from=020000000099
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address' | tr -d :)
	frames_of <<-E
		lldp|0 0 5|0180c200000e $from 88cc 0207 0402 0000 0000 99
		stp|0 0 5|0180c2000000 $from 0026 4242 0300 0000 00
		lacp|0 0 5|0180c2000002 $from 8809 01
		cdp|0 0 5|01000ccccccc $from 0026 aaaa 0300 000c 2000
		ospf|0 0 5|01005e000005 $from 0800 45c00040000100000159cd920a0b0102e0000005 $(printf '00%.0s' {1..44})
		vrrp|0 0 5|01005e000012 $from 0800 45c0002800010000ff70cf850a0b0102e0000012
		igmp2|0 0 5|01005e090909 $from 0800 46c0002000010000010220f80a0b0102ef090909940400001600f1ecef090909
		igmp-leave|0 0 5|01005e000002 $from 0800 46c0002000010000010239080a0b0102e0000002940400001700f0ecef090909
		igmp3|0 0 5|01005e000016 $from 0800 46c0002800010000010238ec0a0b0102e0000016940400002200e1eb0000000104000000ef090909
		igmp-all|0 0 5|01005e000001 $from 0800 46c0002800010000010239010a0b0102e0000001940400002200e1eb0000000104000000ef090909
		igmp-unknown|0 5 0|01005e000001 $from 0800 46c0002000010000010239090a0b0102e000000194040000990066ff00000000
		igmp-query|0 0 0|01005e000001 $from 0800 46c0002000010000010239090a0b0102e0000001940400001100eeff00000000
		arp-of-others|0 0 0|ffffffffffff $from 0806 0001 0800 0604 0001 $from 0a0b0102 000000000000 0a0b0163
		unknown-group|0 0 5|01005e999999 $from 88b5 00
		unknown-type|5 0 0|$mac $from 88b5 00
		llc|0 5 0|$mac $from 0004 aaaa 0300
		echo-reply|0 0 5|$mac $from 0800 45c0002400010000400164000a0b01020a0b01010000ffb1004d00010000000000000000
		unreachable-late|0 0 0|$mac $from 0800 45c0003c00010000400163e80a0b01020a0b0101030378a10000000045c0002000010000401163f40a0b01010a0b01029c400035000c000074657374
		other-host|0 5 0|020000000777 $from 0800 45c0002800010000ff70cf850a0b0102e0000012
		vlan-group|0 5 0|01005e000012 $from 8100 0064 0800 45c0002800010000ff70cf850a0b0102e0000012
		vlan|5 0 0|$mac $from 8100 0064 0800 45c0002800010000ff70cf850a0b0102e0000012
	E
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "in a VLAN that has no device here"
	# the same frames, lost by a firewall, are losses
	on host iptables -t raw -I PREROUTING -p ospf -j DROP
	on host iptables -t raw -I PREROUTING -p icmp --icmp-type echo-reply -j DROP
	frames_of <<-E
		ospf|5 0 0|01005e000005 $from 0800 45c00040000100000159cd920a0b0102e0000005 $(printf '00%.0s' {1..44})
		echo-reply|5 0 0|$mac $from 0800 45c0002400010000400164000a0b01020a0b01010000ffb1004d00010000000000000000
	E
}

# bats test_tags=vm
@test "drops: a broadcast ping, and a port that spanning tree blocks: not lost; at one that is coming up, it is" {
	quiet
	attach --host drops --by flow
	local mac state
	frames_of <<-'E'
		echo|0 0 5|ffffffffffff 020000000099 0800 4500001c00010000400163ca0a0b01020a0b01ff 0800f7ff00000000
		stamp|0 0 5|01005e000001 020000000099 0800 450000280001000040018fc60a0b0102e0000001 0d00f2ff00000000000000000000000000000000
	E
	on host ip link add br0 type bridge stp_state 0 mcast_snooping 0 # (which reports that it listens)
	on host ip link add p0 type veth peer name p1
	on host ip link set dev p0 master br0 up
	on host ip link set dev p1 up
	on host ip link set dev br0 up
	mac=$(on host ip -j link show dev br0 | jq -r '.[0].address' | tr -d :)
	# when its link comes up, the bridge sets the state itself
	busywait 5 on host bash -c '[[ $(bridge -j link show dev p0) == *\"forwarding\"* ]]'
	at_port() { # STATE: 5 to all, 3 to the bridge
		on host bridge link set dev p0 state "$1"
		on host "$HM_BUILD/tests/frames" p1 5 "01005e090909 020000000099 88b5 00"
		on host "$HM_BUILD/tests/frames" p1 3 "$mac 020000000099 88b5 00"
	}
	if known BRIDGE_INGRESS_STP_STATE; then
		becomes blocking 3 0 5 at_port 4
		becomes listening 8 0 0 at_port 1
	else
		becomes blocking 0 3 5 at_port 4
		becomes listening 0 8 0 at_port 1
	fi
}

@test "drops: a DHCP answer that a packet socket reads is not lost, one that nobody reads is" {
	quiet
	on host sysctl -qw net.ipv4.ip_forward=0
	attach --host drops --by flow
	local mac offer elsewhere
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address' | tr -d :)
	offer="$mac 020000000099 0800 45c0008000010000401163480a0b01020a0b014d00430044006c0000$(printf '00%.0s' {1..100})"
	frames_of <<<"lease|5 0 0|$offer"
	on host "$HM_BUILD/tests/healthy" packet-reader "$LAB-client" "$LAB-host" "$PORT" 10 >"$BATS_TEST_TMPDIR/reader" 3>&- &
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/reader"
	# that it has a copy of these proves nothing
	elsewhere="$mac 020000000099 0800 45c0008000010000401163480a0b01020a0b014d"
	frames_of <<-E
		dns|5 0 0|$elsewhere 00359c40006c0000$(printf '00%.0s' {1..100})
		other-server|5 0 0|$elsewhere 00440044006c0000$(printf '00%.0s' {1..100})
		other-client|5 0 0|$elsewhere 00430043006c0000$(printf '00%.0s' {1..100})
		echo-reply|5 0 0|$mac 020000000099 0800 45c0002400010000400163b40a0b01020a0b014d0000ffb1004d00010000000000000000
	E
	frames_of <<<"lease|0 0 5|$offer"
	wait $!
}

# bats test_tags=vm
@test "drops: Unix and netlink messages, read or not" {
	quiet
	attach --host drops --by flow
	local unread='0 0 13'
	known UNIX_DISCONNECT || unread='0 13 0'
	catalogue <<-E
		unix-stream 13 $unread
		unix-dgram 13 $unread
		netlink-unread 13 0 0 26
	E
	! known UNIX_DISCONNECT || catalogue <<<'unix-reconnect 13 13 0 0'
}

@test "drops: IPv6 on a device that has none: groups of others are not lost, what is for this host is" {
	quiet
	attach --host drops --by flow
	local mac
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address' | tr -d :)
	frames_of <<-E
		group|0 0 5|333300010002 020000000099 86dd 60000000 0008 1140 fd110001000000000000000000000002 ff020000000000000000000000010002 1b58 1b59 0008 0000
		unicast|5 0 0|$mac 020000000099 86dd 60000000 0008 1140 fd110001000000000000000000000002 fd110001000000000000000000000001 1b58 1b59 0008 0000
	E
	equal "$(rows_of .reason | cut -d' ' -f2)" SKB_DROP_REASON_IPV6DISABLED losses
}

@test "drops: what a closed socket had sent, and a queue still has, is lost with the queue" {
	quiet
	local mac
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address')
	on client ip neigh replace 10.11.1.1 lladdr "$mac" dev eth0 nud permanent # no ARP in the queue
	mac=${mac//:/}
	attach --host drops --by flow
	on client tc qdisc add dev eth0 root tbf rate 8bit burst 1600 limit 20000
	send 7022 9 --size 1000
	# by itself, none of these would be a loss: nothing in it, nobody's group, control, old news
	frame 2 "$mac 020000000099 0800 45c0002800010000400663f70a0b01020a0b01019c401f3f000003e8000007d0501003e8ce9c0000"
	frame 2 "01005e000016 020000000099 0800 46c0002800010000010238ec0a0b0102e0000016940400002200e1eb0000000104000000ef090909"
	frame 2 "0180c200000e 020000000099 88cc 0207 0402 0000 0000 99"
	frame 2 "0180c2000000 020000000099 0026 4242 0300 0000 00"
	becomes queue 16 0 0 on client tc qdisc del dev eth0 root
	# BPDUs that a bridge sends
	local n=0
	on client ip link add br0 type bridge stp_state 1 hello_time 100
	on client ip link add p0 type veth peer name p1
	on client sysctl -qw net.ipv6.conf.p0.disable_ipv6=1 net.ipv6.conf.p1.disable_ipv6=1
	on client tc qdisc add dev p0 root tbf rate 8bit burst 100 limit 20000
	on client ip link set dev p0 master br0 up
	on client ip link set dev p1 up
	on client ip link set dev br0 up
	held() {
		n=$(on client tc -j -s qdisc show dev p0 | jq '.[0].qlen')
		((n > 0))
	}
	busywait 10 held
	on client ip link set dev br0 type bridge stp_state 0
	held
	becomes BPDUs "$n" 0 0 on client tc qdisc del dev p0 root
}

@test "drops: BPF test runs are not packets" {
	quiet
	attach --host drops --by flow
	local before
	before=$(test_runs)
	"$HM_TOP/scripts/run.sh" tc/count "$HM_TOP/tests/packets/three.pcap"
	more() { (($(test_runs) >= before + 3)); }
	busywait 5 more
	# whoever runs them
	equal "$(drops | jq '[.rows[], .undecided[] | select(.location | startswith("bpf_prog_test_run_skb")) | .packets] | add // 0')" 0 losses
}
test_runs() { drops --all | jq '[.rows[] | select(.layer == "benign" and (.location | startswith("bpf_prog_test_run_skb"))) | .packets] | add // 0'; }

@test "drops: blackhole, prohibit and unreachable routes, and IPsec policies without a state" {
	quiet
	attach --host drops --by flow
	local i=0 type
	for type in blackhole prohibit unreachable; do
		on host ip route add "$type" "10.6$((i += 1)).0.0/16"
		becomes "$type" 7 0 0 on client "$HM_BUILD/tests/traffic" udp-send "10.6$i.0.1" 7000 7 || return
		like "$(on host "$HM_BUILD/hookmap" drops --explain)" "$type route"
	done
	on client ip xfrm policy add src 10.11.1.2 dst 10.11.1.1 dir out tmpl proto esp mode transport
	becomes "IPsec without a state" 7 0 0 send 7000 7
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "an IPsec policy without its state"
}

# bats test_tags=vm
@test "drops: parts of a packet are counted with it: fragments, and GSO of a VM" {
	quiet
	attach --host drops --by flow
	# 3 fragments each; nobody listens
	becomes fragments 20 0 0 on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 "$PORT" 20 --size 3600
	on host ip tuntap add dev tap0 mode tap vnet_hdr
	on host ip addr add 10.77.0.1/24 dev tap0
	on host iptables -I INPUT -i tap0 -j DROP
	becomes "GSO of a VM" 130 0 0 "$HM_BUILD/tests/healthy" vm-gso "$LAB-client" "$LAB-host" "$PORT" 13
}

@test "drops: datagrams that GRO has put in a list are counted once" {
	quiet
	attach --host drops
	on client ethtool -K eth0 tx-udp-segmentation off
	on host ethtool -K eth0 gro on rx-gro-list on
	on host iptables -I INPUT -p udp --dport "$PORT" -j DROP
	becomes "list" 70 0 0 send "$PORT" 10 --size 6500 --gso 1000
}

@test "drops: addresses that cannot be read are shown as -, and not as 0.0.0.0" {
	quiet
	attach --host drops --by flow
	on client tc qdisc add dev eth0 root tbf rate 8kbit burst 1600 limit 50
	becomes paged 7 0 0 "$HM_BUILD/tests/healthy" paged "$LAB-client" "$LAB-host" "$PORT" 7
	equal "$(rows_of '.reason + " " + .protocol + " " + .flow')" "7 SKB_DROP_REASON_QDISC_DROP ipv4 -" losses
}

@test "drops: samples of packets whose headers cannot be read show -, and nothing from behind their end" {
	quiet
	attach --host drops --by flow --samples 1000
	on client tc qdisc add dev eth0 root tbf rate 8kbit burst 1600 limit 50
	timeout 60 "$HM_BUILD/hookmap" -j drops --samples >"$BATS_TEST_TMPDIR/samples" 3>&- &
	local reader=$!
	sampled() {
		"$HM_BUILD/tests/healthy" paged "$LAB-client" "$LAB-host" "$PORT" 7
		grep -F "$LAB-client" "$BATS_TEST_TMPDIR/samples"
	}
	busywait 15 sampled
	kill "$reader"
	# of 80 bytes, the Ethernet header is there
	equal "$(grep -F "$LAB-client" "$BATS_TEST_TMPDIR/samples" | jq -c '[.reason, .protocol, .flow, .bytes, .data]' | sort -u)" \
		'["SKB_DROP_REASON_QDISC_DROP","ipv4","-",80,"ffffffffffff0200000000010800"]' samples
}

# insert_failed: of the host's conntrack, over all CPUs
insert_failed() {
	local hex sum=0
	for hex in $(on host awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "insert_failed") c = i; next } { print $c }' /proc/net/stat/nf_conntrack); do
		sum=$((sum + 16#$hex))
	done
	printf '%s' "$sum"
}

@test "drops: connections that NAT has no address left for: as many as conntrack counts, and explained" {
	local failed
	quiet
	attach --host drops --by flow
	on host iptables -t nat -A POSTROUTING -o veth0 -p udp -j MASQUERADE --to-ports 2000-2000
	# of two sources one can have the port
	failed=$(insert_failed)
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.2.2 7053 5
	on client ip addr add 10.11.1.3/24 dev eth0
	on client ip route replace 10.11.2.0/24 via 10.11.1.1 src 10.11.1.3
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.2.2 7053 7
	settled '.reason == "SKB_DROP_REASON_NETFILTER_DROP" and .device == "veth0"' 7
	equal "$(($(insert_failed) - failed))" 7 insert_failed
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "conntrack could not keep its connection"
}

# bats test_tags=vm
@test "drops: what IPVS cannot send, for want of a server or of a route, is lost and explained" {
	local said
	module ip_vs || skip_without IPVS false
	quiet
	attach --host drops
	on host ip route add unreachable 10.11.9.0/24
	on host "$HM_BUILD/tests/ipvs" 10.11.1.1 7030
	on host "$HM_BUILD/tests/ipvs" 10.11.1.1 7031 10.11.9.2
	on host "$HM_BUILD/tests/ipvs" 10.11.1.1 7032 10.11.2.2
	on server ip addr add 10.11.1.1/32 dev lo
	on server "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7032 17 3>&- &
	busywait 5 on server bash -c 'ss -Huln sport = :7032 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7030 11
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7031 13
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7032 17
	wait $!
	settled true 24
	equal "$(rows_of '.layer + " " + .reason + " " + .device')" "11 netfilter SKB_DROP_REASON_NETFILTER_DROP eth0
13 netfilter SKB_DROP_REASON_NOT_SPECIFIED eth0"
	said=$(on host "$HM_BUILD/hookmap" drops --explain)
	like "$said" "or IPVS has no server for it"
	like "$said" "IPVS could not send it to the server that it has chosen"
}

@test "drops: namespaces with IPv6 that come, talk and go have no losses" {
	mkdir -p "$BATS_TEST_TMPDIR"
	quiet
	attach --host drops --by flow
	local i
	BEFORE=$(totals)
	for i in 1 2 3; do
		ip netns add "$LAB-c$i"
		on host ip link add "v$i" type veth peer name eth0 netns "$LAB-c$i"
		on host ip addr add "10.30.$i.1/24" dev "v$i"
		on host sysctl -qw net.ipv6.conf.all.disable_ipv6=0 "net.ipv6.conf.v$i.disable_ipv6=0"
		on host ip link set "v$i" up
		ip -n "$LAB-c$i" addr add "10.30.$i.2/24" dev eth0
		ip -n "$LAB-c$i" link set eth0 up
		"$HM_BUILD/tests/healthy" udp-large "$LAB-client" "$LAB-host" "$PORT" 3
		on "c$i" ping -q -c 3 -i 0.01 -W 5 "10.30.$i.1"
		ip netns del "$LAB-c$i"
	done
	grown 0 0 - || {
		drops --all | jq -r --arg lab "$LAB-" '.rows[] | select(.netns | startswith($lab)) | "\(.packets) \(.layer) \(.reason) \(.location) \(.device) \(.netns) \(.protocol) \(.flow)"' >&2
		equal "$GREW" 0/0/-
	}
}

@test "drops: beside the rules of container runtimes, what is healthy has no losses; what they drop is the firewall's" {
	quiet
	attach --host drops --by flow
	# as Docker, kube-proxy and Calico have them: published ports, services, marks, what is invalid goes
	on host iptables-restore <<-E
		*nat
		:DOCKER - [0:0]
		:KUBE-SERVICES - [0:0]
		:KUBE-SVC-WEB - [0:0]
		:KUBE-POSTROUTING - [0:0]
		-A PREROUTING -j KUBE-SERVICES
		-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
		-A POSTROUTING -j KUBE-POSTROUTING
		-A DOCKER -p tcp --dport 8080 -j DNAT --to-destination 10.11.2.2:7000
		-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp --dport 80 -j KUBE-SVC-WEB
		-A KUBE-SVC-WEB -j MARK --set-xmark 0x4000/0x4000
		-A KUBE-SVC-WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.11.2.2:7000
		-A KUBE-SVC-WEB -p tcp -j DNAT --to-destination 10.11.2.2:7000
		-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
		-A KUBE-POSTROUTING -j MASQUERADE --random-fully
		COMMIT
		*filter
		:FORWARD DROP [0:0]
		:KUBE-FORWARD - [0:0]
		:cali-INPUT - [0:0]
		-A INPUT -j cali-INPUT
		-A FORWARD -j KUBE-FORWARD
		-A FORWARD -o veth0 -p tcp --dport 7000 -j ACCEPT
		-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
		-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A cali-INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A cali-INPUT -m conntrack --ctstate INVALID -j DROP
		COMMIT
	E
	on client ip route add 10.96.0.0/16 via 10.11.1.1
	requests() { # ADDRESS PORT: 30 that the server answers
		on server "$HM_BUILD/tests/traffic" tcp-server 10.11.2.2 7000 30 3>&- &
		busywait 5 on server bash -c 'ss -Hltn sport = :7000 | grep -q .'
		on client "$HM_BUILD/tests/traffic" tcp-client "$1" "$2" 30 && wait $!
	}
	becomes "a published port" 0 0 - requests 10.11.1.1 8080
	becomes "a service" 0 0 - requests 10.96.0.10 80
	catalogue <<-'E'
		tcp-server-first 10 0 0 -
		tcp-half-close 10 0 0 -
		tcp-reset 10 0 0 -
		tcp-time-wait 10 0 0 -
		tcp-again 10 0 0 -
	E
	becomes "a port that is not published" 5 0 0 on client "$HM_BUILD/tests/traffic" udp-send 10.11.2.2 7000 5
	equal "$(rows_of .layer | cut -d' ' -f2)" netfilter losses
}

# as_counter KIND: how many the kernel's own counter says were lost
as_counter() { "$HM_BUILD/tests/healthy" "$1" "$LAB-client" "$LAB-host" "$PORT" 50; }

@test "drops: what is freed without the tracepoint has the counter that the text names" {
	quiet
	attach --host drops --by flow
	local lost
	as_counter accept-full
	(("$(on host nstat -asz TcpExtListenDrops | awk '$1 == "TcpExtListenDrops" { print $2 }')" >= 40))
	equal "$(packets '.protocol == "ipv4/tcp"')" 0 "full accept queue"
	lost=$(as_counter netlink-full)
	((lost >= 40))
	equal "$(packets true)" 0 "full netlink socket"
	# older kernels have it, and then all of it
	lost=$(as_counter raw-full)
	((lost >= 40))
	equal "$(($(packets true) % lost))" 0 "full raw socket"
	# a packet socket is in some kernels, by its own reason: the copy is lost, not the packet
	BEFORE=$(packets '.reason != "SKB_DROP_REASON_PACKET_SOCK_ERROR"')
	lost=$(as_counter packet-full)
	((lost >= 40))
	equal "$(packets '.reason != "SKB_DROP_REASON_PACKET_SOCK_ERROR"')" "$BEFORE" "full packet socket"
}

@test "drops: isolated and locked bridge ports, IPv6 neighbours: each is named" {
	quiet6
	attach --host drops
	local i
	on host ip link add br0 type bridge
	for i in 1 2; do
		ip netns add "$LAB-p$i"
		on "p$i" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		on host ip link add "p$i" type veth peer name eth0 netns "$LAB-p$i"
		on host ip link set dev "p$i" master br0 up
		ip -n "$LAB-p$i" addr add "10.40.0.$i/24" dev eth0
		ip -n "$LAB-p$i" link set dev eth0 up
	done
	on host ip link set dev br0 up
	on p1 ping -q -c 1 -W 5 10.40.0.2
	at_bridge() { packets '.layer == "bridge" and .device == "p1"'; }
	on host bridge link set dev p1 isolated on
	on host bridge link set dev p2 isolated on
	on p1 "$HM_BUILD/tests/traffic" udp-send 10.40.0.2 7000 5
	equal "$(at_bridge)" 5 isolated
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "its port is isolated"
	on host bridge link set dev p1 isolated off
	on host bridge link set dev p1 locked on learning off
	on host bridge fdb del "$(ip -n "$LAB-p1" -j link show dev eth0 | jq -r '.[0].address')" dev p1 master
	on p1 "$HM_BUILD/tests/traffic" udp-send 10.40.0.2 7000 7
	equal "$(at_bridge)" 12 "and locked"
	on p1 "$HM_BUILD/tests/frames" eth0 3 "01005e090909 $(ip -n "$LAB-p1" -j link show dev eth0 | jq -r '.[0].address' | tr -d :) 88b5 00"
	equal "$(at_bridge)" 15 "and what is for all"
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "its port is locked"
	# nobody has this address: the first packets wait for it, and are lost
	on client ping -q -c 1 -W 5 fd11:2::99 || true
	busywait 5 packets_are '.layer == "neigh" and .protocol == "ipv6/icmp6"' 1
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "does not answer"
}

@test "drops: what waited for a neighbour that is deleted is lost, and not left out" {
	quiet
	attach --host drops --by dip
	# nothing answers for this address, and the entry is deleted before it has failed
	on host sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=20 net.ipv4.neigh.eth0.retrans_time_ms=1000
	on host "$HM_BUILD/tests/traffic" udp-send 10.11.1.88 7000 3
	on host ip neigh del 10.11.1.88 dev eth0
	busywait 5 packets_are '.dip == "10.11.1.88"' 3
	equal "$(rows_of .layer)" "3 neigh" losses
	# and with the device
	on host "$HM_BUILD/tests/traffic" udp-send 10.11.1.89 7000 5
	on host ip link set dev eth0 down
	busywait 5 packets_are '.dip == "10.11.1.89" and .layer == "neigh"' 5
}

# HEALTHY_SECONDS: again and again for so long, as make soak does; once is enough each day
@test "drops: the healthy kinds beside each other have no losses" {
	quiet6
	attach --host drops --by flow
	local end=$((SECONDS + ${HEALTHY_SECONDS:-0})) i=0 kind pids pid
	BEFORE=$(totals)
	while :; do
		pids=()
		for kind in tcp-{server-first,client-first,half-close,reset,unread,time-wait,keepalive,zero-window} \
			tcp-{deferred,urgent,out-of-order,again} mptcp mdns mdns6 ssdp broadcast dhcp-discover group-{port,source} \
			raw-filter udp-{large,unread,stamps} nd-news unix-{stream,dgram} netlink-unread packet-unread; do
			# ports of their own; time-wait has one for each of its connections
			"$HM_BUILD/tests/healthy" "$kind" "$LAB-client" "$LAB-host" $((PORT + 1000 + 40 * ${#pids[@]})) 10 &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do wait "$pid"; done
		i=$((i + 1))
		((SECONDS < end)) || break
	done
	printf '%d rounds: %s\n' "$i" "$(totals)"
	grown 0 0 - || {
		drops | jq -r --arg lab "$LAB-" '(.rows[], .undecided[]) | select(.netns | startswith($lab)) | "\(.packets) \(.layer) \(.reason) \(.location) \(.netns) \(.protocol) \(.flow)"' >&2
		equal "$GREW" 0/0/-
	}
}
