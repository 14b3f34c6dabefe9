#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# drops on live packets: every cause once, exactly, and by its own name

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../drops.bash"

# bats test_tags=vm
@test "drops: seven causes, one row each, and no other" {
	quiet
	# a buffer that is full already
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7013 1 --rcvbuf 2048 --delay 60000 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7013 | grep -q .'
	send 7013 100

	attach --host drops
	shot
	on host iptables -I INPUT -p udp --dport 7011 -j DROP
	on host ip link set dev eth0 xdpdrv obj "$HM_BUILD/tests/bpf/verdict.o"
	send 7001 11
	settled '.reason == "XDP_TEST"' 11 # taking XDP away empties veth's ring
	on host ip link set dev eth0 xdpdrv off
	send 7010 13
	send 7011 17
	send 7012 19
	send 7013 23
	on client ping -q -t 1 -c 29 -i 0.002 -W 1 10.11.2.2 || true
	on host ip link add name down0 type veth peer name down1
	foreign xdpgeneric down0 1
	send 7004 31
	settled true 143
	on host ip link set dev eth0 xdpgeneric off
	equal "$(rows_of '.layer + " " + .reason + " " + .device + " " + .netns + " " + .protocol')" \
		"11 xdp XDP_TEST eth0 host -
13 tc SKB_DROP_REASON_TC_INGRESS eth0 host ipv4/udp
17 netfilter SKB_DROP_REASON_NETFILTER_DROP eth0 host ipv4/udp
19 socket SKB_DROP_REASON_NO_SOCKET eth0 host ipv4/udp
23 socket SKB_DROP_REASON_SOCKET_RCVBUFF eth0 host ipv4/udp
29 ip SKB_DROP_REASON_IP_INHDR eth0 host ipv4/icmp
31 xdp XDP_REDIRECT_ENETDOWN eth0 host -" "losses"
	equal "$(drops | jq .lost.missed)" 0 missed
}

# bats test_tags=vm
@test "drops: an NFQUEUE: by the verdict, without one, and without a reader" {
	local verdict count
	quiet
	attach --host drops
	on host iptables -t mangle -A PREROUTING -p udp --dport 7020 -j NFQUEUE --queue-num 5
	for verdict in '0 11' '- 13' '1 17' '1+ 23'; do
		read -r verdict count <<<"$verdict"
		on host "$HM_BUILD/tests/nfqueue" 5 "$verdict" "$count" >"$BATS_TEST_TMPDIR/queue" 3>&- &
		busywait 5 grep -q ready "$BATS_TEST_TMPDIR/queue"
		send 7020 "$count"
		wait $!
		: >"$BATS_TEST_TMPDIR/queue"
	done
	send 7020 19
	settled true 83
	equal "$(rows_of '.layer + " " + (if (.reason | endswith("NOT_SPECIFIED"))
			then .location | sub("[+].*"; "") | sub("^nf_reinject|^nfqnl_reinject"; "verdict") else .reason end)')" \
		"17 socket SKB_DROP_REASON_NO_SOCKET
19 netfilter nf_queue
23 ip SKB_DROP_REASON_IP_NOPROTO
24 netfilter verdict" "losses"
	like "$(hookmap drops --explain)" "no program reads its NFQUEUE"
}

# bats test_tags=vm
@test "drops: datagrams that an IPsec policy refuses, with a socket and without, are as many as xfrm counts" {
	quiet
	attach --host drops
	skip_without xfrm on host ip xfrm policy add dir in src 10.11.1.2 dst 10.11.1.1 proto udp action block
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7021 1 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7021 | grep -q .'
	send 7021 11
	send 7022 13
	settled true 24
	equal "$(rows_of '.layer + " " + .reason + " " + .device')" "11 ip SKB_DROP_REASON_XFRM_POLICY eth0
13 socket SKB_DROP_REASON_NOT_SPECIFIED eth0"
	equal "$(on host awk '$1 == "XfrmInPolBlock" { print $2 }' /proc/net/xfrm_stat)" 24 "of xfrm"
	kill $!
	like "$(hookmap drops --explain)" "an IPsec policy refuses it"
}

# bats test_tags=vm
@test "drops: what IPsec cannot decrypt, for want of a state or of its key, is as much as xfrm counts" {
	local esp=(src 10.11.1.2 dst 10.11.1.1 proto esp spi 7 reqid 1 mode transport enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha256)')
	quiet
	skip_without ESP on client ip xfrm state add "${esp[@]}" 0x0011
	on client ip xfrm policy add src 10.11.1.2 dst 10.11.1.1 proto udp dir out tmpl src 10.11.1.2 dst 10.11.1.1 proto esp reqid 1 mode transport
	attach --host drops
	send 7021 11
	on host ip xfrm state add "${esp[@]}" 0x0012
	send 7021 13
	settled true 24
	equal "$(rows_of '.layer + " " + (.location | sub("[+].*"; "")) + " " + .device')" "24 ip xfrm_input eth0"
	equal "$(on host awk '$1 == "XfrmInNoStates" || $1 == "XfrmInStateProtoError" { print $2 }' /proc/net/xfrm_stat | paste -sd' ')" "11 13" "of xfrm"
	like "$(hookmap drops --explain)" "IPsec could not decrypt it"
}

# bats test_tags=vm
@test "drops: what IPsec cannot encrypt, since its state has expired, is as much as xfrm counts" {
	quiet
	skip_without ESP on client ip xfrm state add src 10.11.1.2 dst 10.11.1.1 proto esp spi 7 reqid 1 mode transport limit packet-hard 5 \
		enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha256)' 0x0011
	on client ip xfrm policy add src 10.11.1.2 dst 10.11.1.1 proto udp dir out tmpl src 10.11.1.2 dst 10.11.1.1 proto esp reqid 1 mode transport level use
	attach --host drops
	# the sixth expires it; without a state, the policy lets the others go as they are
	send 7021 16
	settled '.netns | endswith("-client")' 1
	equal "$(rows_of '.layer + " " + (.location | sub("[+].*"; "")) + " " + .netns' | grep client)" "1 ip xfrm_output_resume client"
	equal "$(on client awk '$1 == "XfrmOutStateExpired" { print $2 }' /proc/net/xfrm_stat)" 1 "of xfrm"
	like "$(hookmap drops --explain)" "IPsec could not encrypt it"
}

@test "drops: a million on both CPUs are exactly a million" {
	quiet
	shot
	attach --host drops
	local cpu pids=() last=$(($(nproc) - 1))
	for cpu in 0 "$last"; do
		send 7010 500000 --cpu "$cpu" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	settled true 1000000
	# all at tc, unless a CPU was so busy that its input queue was full; 64 bytes, a UDP
	# and an IPv4 header each
	equal "$(rows_of '.reason + " \(.bytes - 92 * .packets)"' | grep -v CPU_BACKLOG | cut -d' ' -f2-)" \
		"SKB_DROP_REASON_TC_INGRESS 0" losses
	equal "$(drops | jq .lost.missed)" 0 missed
}

# bats test_tags=vm
@test "drops: IPv6, egress, and a packet without an Ethernet header" {
	quiet6
	attach --host drops --by dmac
	on host iptables -I OUTPUT -p udp --dport 7011 -j DROP
	on host "$HM_BUILD/tests/traffic" udp-send 10.11.1.2 7011 1 || true # EPERM for the sender
	on client "$HM_BUILD/tests/traffic" udp-send fd11:1::1 7012 37
	settled '.protocol == "ipv6/udp"' 37
	local mac
	mac=$(on host ip -j link show dev eth0 | jq -r '.[0].address')
	equal "$(rows_of '.reason + " " + .dmac + " " + .protocol' | grep -v ipv6/icmp6)" \
		"1 SKB_DROP_REASON_NETFILTER_DROP - ipv4/udp
37 SKB_DROP_REASON_NO_SOCKET $mac ipv6/udp" losses
}

# Ethernet headers to everybody, from the address that tests/bpf/shot drops
E='ffffffffffff 020000000099'
IP4='0800 4500 0054 0001 0000 4011 0000 0a0b0102 0a0b0101'
UDP='1b58 1b59 0040 0000'

@test "drops: ARP, LLDP, unknown ethertypes, VLAN, QinQ, cut headers" {
	quiet
	shot
	attach --host drops --by smac
	frame 3 "$E 0806 0001 0800 0604 0001 020000000099 0a0b0102 000000000000 0a0b0101"
	frame 5 "$E 88cc 0207 0402 0000 0000 99"
	frame 7 "$E 88b5 00"
	frame 11 "$E 8100 0064 $IP4 $UDP"
	frame 13 "$E 88a8 0065 8100 0064 $IP4 $UDP"
	frame 17 "$E 88a8 0065 8100 0064 86dd 6000 0000 0020 1140 fd110001000000000000000000000002 fd110001000000000000000000000001 $UDP"
	frame 19 "$E 0800 2500" # not version 4
	frame 23 "$E 86dd 6000 0000 0028 0040 fd110001000000000000000000000002 fd110001000000000000000000000001 \
		3c00 0104 0000 0000 2c00 0104 0000 0000 1100 0000 0000 0001 $UDP" # options, then a first fragment
	settled true 98
	equal "$(rows_of '.reason + " " + .protocol + " " + .smac' | sed 's/SKB_DROP_REASON_//')" \
		"3 TC_INGRESS arp 02:00:00:00:00:99
5 TC_INGRESS lldp 02:00:00:00:00:99
7 TC_INGRESS 0x88b5 02:00:00:00:00:99
11 TC_INGRESS vlan/ipv4/udp 02:00:00:00:00:99
13 TC_INGRESS qinq/ipv4/udp 02:00:00:00:00:99
17 TC_INGRESS qinq/ipv6/udp 02:00:00:00:00:99
19 TC_INGRESS ipv4 02:00:00:00:00:99
23 TC_INGRESS ipv6/udp 02:00:00:00:00:99" losses
}

@test "drops: flows of IPv4, IPv6 and fragments; addresses of ARP" {
	quiet
	shot
	attach --host drops --by flow
	frame 3 "$E $IP4 $UDP"
	frame 5 "$E 0800 4500 0054 0001 2000 4011 0000 0a0b0102 0a0b0101 $UDP" # first fragment
	frame 7 "$E 0800 4500 0054 0001 0008 4011 0000 0a0b0102 0a0b0101 $UDP" # a later one
	frame 11 "$E 86dd 6000 0000 0008 1140 fd110001000000000000000000000002 fd110001000000000000000000000001 $UDP"
	frame 13 "$E 86dd 6000 0000 0010 2c40 fd110001000000000000000000000002 fd110001000000000000000000000001 1100 0009 0000 0001 $UDP"
	frame 17 "$E 0806 0001 0800 0604 0001 020000000099 0a0b0102 000000000000 0a0b0101"
	frame 19 "$E 0800 4500 0054 0001 0000 4001 0000 0a0b0102 0a0b0101 0800 0000" # no ports in ICMP
	frame 23 "$E 88cc 0207 0402 0000 0000 99"
	settled true 98
	equal "$(rows_of '.protocol + " " + .flow')" \
		"7 ipv4/udp 10.11.1.2 > 10.11.1.1
8 ipv4/udp 10.11.1.2:7000 > 10.11.1.1:7001
11 ipv6/udp [fd11:1::2]:7000 > [fd11:1::1]:7001
13 ipv6/udp fd11:1::2 > fd11:1::1
17 arp 10.11.1.2 > 10.11.1.1
19 ipv4/icmp 10.11.1.2 > 10.11.1.1
23 lldp -" losses
}

@test "drops: segments of a GSO packet are counted, and its bytes" {
	quiet
	attach --host drops --by sip
	on host iptables -I INPUT -p udp --dport 7011 -j DROP
	send 7011 10 --size 6500 --gso 1000
	settled true 70
	# 10 skbs of 6500 bytes, an IPv4 and a UDP header
	equal "$(rows_of '.reason + " " + .sip + " \(.bytes)"')" \
		"70 SKB_DROP_REASON_NETFILTER_DROP 10.11.1.2 65280" losses
}

# of_sources FROM TO: how many of these have a row with one packet
of_sources() {
	jq --arg lab "$LAB-host" --argjson from "$1" --argjson to "$2" '[.rows[] | select(.netns == $lab and .packets == 1) | .sip
		| select(startswith("198.")) | split(".") | map(tonumber) | ((.[1] * 256 + .[2]) * 256 + .[3]) - 1179648
		| select(. >= $from and . <= $to)] | length' "$JSON"
}

# bats test_tags=layout
@test "drops: 100 000 causes: a new one always gets a row, the oldest make room, totals stay exact" {
	quiet
	shot
	attach --host drops --by sip
	JSON=$BATS_TEST_TMPDIR/json
	local others i
	# there is room for all of these, beside what the rest of the machine loses
	flood() { on client "$HM_BUILD/tests/frames" "--sip=$1" eth0 "$2" "$E $IP4 $UDP"; }
	flood 0 7000
	settled true 7000
	drops --all >"$JSON"
	equal "$(of_sources 1 7000)" 7000 "rows of 7000 sources"
	equal "$(jq '.lost | .evicted, .table_full_packets' "$JSON" | tr '\n' ' ')" "0 0 " lost
	# nobody is lost in a flood who counts all the time
	send 7010 1
	for i in {1..19}; do
		flood $((i * 5000 + 2000)) 5000
		send 7010 1
	done
	settled true 102020
	drops --all >"$JSON"
	equal "$(jq --arg lab "$LAB-host" '.rows[] | select(.netns == $lab and .sip == "10.11.1.2") | .packets' "$JSON")" 20 "of who counts all the time"
	equal "$(of_sources 95001 102000)" 7000 "rows of the last 7000 sources"
	(("$(of_sources 1 90000)" < 1000)) || equal "$(of_sources 1 90000)" "few" "rows of the first"
	others=$(jq '[.rows[] | select(.sip != null and .sip != "(other)")] | length' "$JSON")
	((others <= 8192 && others > 8100)) || equal "$others" 8192 rows
	(("$(jq .lost.evicted "$JSON")" >= 102001 - 8192))
	equal "$(jq -c --arg lab "$LAB-host" '[.rows[] | select(.sip == "(other)" and .netns == $lab and .reason != "SKB_DROP_REASON_CPU_BACKLOG") | .reason]' "$JSON")" \
		'["SKB_DROP_REASON_TC_INGRESS"]' "reasons of the rest"
	equal "$(jq .lost.table_full_packets "$JSON")" "$(jq '[.rows[] | select(.sip == "(other)") | .packets] | add' "$JSON")" "lost.table_full_packets"
	equal "$(jq .lost.no_row_packets "$JSON")" 0 "lost.no_row_packets"
	like "$(on host "$HM_BUILD/hookmap" drops -n 3)" "rows were replaced by new causes"
	like "$(on host "$HM_BUILD/hookmap" drops -n 3)" "packets without their sip, in rows"
	# what has made room since is not new: 3 are
	flood 102000 8192
	drops --all >"$JSON"
	flood 110192 3
	settled true 110215
	equal "$(on host "$HM_BUILD/hookmap" -j drops --since "$JSON" |
		jq --arg lab "$LAB-host" '[.rows[] | select(.netns == $lab) | .packets] | add')" 3 "--since"
}

# bats test_tags=layout
@test "drops: rows that make room on both CPUs at once lose nothing of what they counted" {
	local cpu pids=() sum
	quiet
	shot
	attach --host drops --by sip
	JSON=$BATS_TEST_TMPDIR/json
	# half of the sources are the same, so that a row goes on one CPU and counts on the other
	for cpu in 0 $(($(nproc) - 1)); do
		on client taskset -c "$cpu" "$HM_BUILD/tests/frames" "--sip=$((cpu ? 20000 : 0))" eth0 40000 "$E $IP4 $UDP" &
		pids+=($!)
	done
	wait "${pids[@]}"
	# of a row that goes, another CPU may count up to one packet in vain
	counted_all() {
		drops --all >"$JSON"
		sum=$(jq --arg lab "$LAB-host" '[.rows[] | select(.netns == $lab) | .packets] | add' "$JSON")
		((sum <= 80000 && sum > 79990))
	}
	busywait 5 counted_all || equal "$sum" 80000 packets
	(("$(jq .lost.evicted "$JSON")" > 40000))
}

# bats test_tags=layout
@test "drops: both tables full: the number is still exact" {
	quiet
	shot
	attach --host drops --by sip
	# 1024 rows of places that do not exist
	awk -v g="$G" 'BEGIN { for (i = 0; i < 1024; i++)
		printf "map update pinned %s/drop_over key hex %02x %02x 00 00 00 00 00 00%s value hex%s\n", g, i % 256, i / 256, rep(72), rep(32) }
		function rep(n, s) { s = ""; while (n--) s = s " 00"; return s }' | bpftool batch file - >/dev/null
	on client "$HM_BUILD/tests/frames" --sip eth0 10000 "$E $IP4 $UDP"
	in_all() {
		drops | jq -e --arg lab "$LAB-host" '([.rows[] | select(.netns == $lab) | .packets] | add) + .lost.no_row_packets >= 10000'
	}
	busywait 5 in_all
	# other namespaces may have lost something, too
	(("$(drops | jq .lost.no_row_packets)" >= 10000 - 8192))
	like "$(on host "$HM_BUILD/hookmap" drops -n 1)" "packets without a row"
}

@test "drops: what a qdisc, the neighbour table and routing lose, as they count it" {
	quiet
	attach --host drops
	on client tc qdisc add dev eth0 root tbf rate 8kbit burst 1600 limit 1600
	send 7022 53 --size 300
	local dropped
	dropped=$(on client tc -s -j qdisc show dev eth0 | jq '.[0].drops')
	((dropped > 30))
	equal "$(packets '.layer == "qdisc" and .reason == "SKB_DROP_REASON_QDISC_DROP"')" "$dropped" "as tc counts"
	on client tc qdisc del dev eth0 root
	on host ip link set dev veth0 mtu 1000
	on client ping -q -c 1 -W 1 -M 'do' -s 1400 10.11.2.2 || true
	on client ping -q -c 1 -W 1 10.99.9.9 || true
	on client tc qdisc add dev eth0 clsact
	on client tc filter add dev eth0 egress bpf da obj "$HM_BUILD/tests/bpf/shot.o"
	send 7010 59
	on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7023 1 || true # 101 times refused
	settled '.reason == "SKB_DROP_REASON_NO_SOCKET" and .protocol == "ipv4/tcp"' 101
	equal "$(rows_of '.layer + " " + .reason + " " + .device + " " + .netns + " " + .protocol' |
		grep -vE 'QDISC_DROP|NOT_SPECIFIED|ipv4/udp$')" \
		"1 ip SKB_DROP_REASON_IP_INNOROUTES eth0 host ipv4/icmp
1 ip SKB_DROP_REASON_PKT_TOO_BIG eth0 host ipv4/icmp
101 socket SKB_DROP_REASON_NO_SOCKET eth0 host ipv4/tcp" losses
	equal "$(packets '.layer == "tc" and .reason == "SKB_DROP_REASON_TC_EGRESS" and (.netns | endswith("-client"))')" 59 egress
}

# bats test_tags=vm
@test "drops: a raw socket's echo replies and unread datagrams are no loss" {
	quiet
	attach --host drops
	on client ping -q -c 7 -i 0.01 -W 5 10.11.2.2
	nsenter --net="/run/netns/$LAB-host" -- "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7020 100 --delay 60000 3>&- &
	local reader=$!
	busywait 5 on host bash -c 'ss -Huln sport = :7020 | grep -q .'
	send 7020 11
	busywait 5 on host bash -c '(("$(ss -Huln sport = :7020 | awk "{ print \$2 }")" > 0))'
	kill "$reader"
	wait "$reader" || true
	equal "$(packets true)" 0 losses
	busywait 5 unread 11
}
unread() {
	# the socket has gone, and its namespace with it: by the number of datagrams
	drops --all | jq -e --argjson n "$1" 'any(.rows[]; .layer == "benign" and .protocol == "ipv4/udp" and .packets >= $n)'
}

# remade NAME: device 900 of the host, anew, in the place of its eth0
remade() {
	on client ip link del dev eth0
	on host ip link add "$1" index 900 type veth peer name eth0 netns "$LAB-client"
	on host ip addr add 10.11.1.1/24 dev "$1"
	on client ip addr add 10.11.1.2/24 dev eth0
	on host ip link set dev "$1" up
	on client ip link set dev eth0 up
	on client ping -q -c 1 -W 5 10.11.1.1
}
# by_device [OPTION...]: losses of these devices, in the order of their numbers in sysfs
by_device() {
	drops "$@" | jq -r --arg lab "$LAB-host" '[.rows[] | select(.netns == $lab and .ifindex == 900)] | sort_by(.device_node)[]
		| "\(.packets) \(.reason | ltrimstr("SKB_DROP_REASON_")) \(.device)"'
}

# bats test_tags=vm
@test "drops: a device that is made again under its number begins at zero, and the old one keeps its name" {
	quiet
	attach --host drops
	local since=$BATS_TEST_TMPDIR/since.json
	remade t0
	send 7012 11
	settled '.device == "t0"' 11
	drops --all >"$since"
	remade t0
	send 7012 5
	settled '.ifindex == 900' 16
	equal "$(by_device)" "11 NO_SOCKET t0
5 NO_SOCKET t0" "made again"
	equal "$(by_device --since "$since")" "5 NO_SOCKET t0" "--since"
	# it is one series, which only grows
	equal "$(on host "$HM_BUILD/hookmap" --prom drops | sed -n 's/.*packets_total.*NO_SOCKET.*device="t0".*} //p')" 16 series
	# under another name: nothing is its own yet
	remade n0
	equal "$(by_device)" "11 NO_SOCKET t0
5 NO_SOCKET t0" "before its first loss"
	send 7012 3
	settled '.device == "n0"' 3
	equal "$(by_device)" "11 NO_SOCKET t0
5 NO_SOCKET t0
3 NO_SOCKET n0" "another name"
	# a name is not what it is
	on host ip link set dev n0 down
	on host ip link set dev n0 name m0
	equal "$(by_device | tail -n 1)" "3 NO_SOCKET m0" "renamed"
}

@test "drops: of a segment that TCP has, the device that it came by is known, also when it is made again" {
	quiet
	attach --host drops
	remade t0
	"$HM_BUILD/tests/healthy" tcp-beyond "$LAB-client" "$LAB-host" 7031 5
	settled '.device == "t0"' 10
	remade t0
	"$HM_BUILD/tests/healthy" tcp-beyond "$LAB-client" "$LAB-host" 7032 3
	settled '.device == "t0"' 16
	equal "$(by_device)" "10 TCP_INVALID_SEQUENCE t0
6 TCP_INVALID_SEQUENCE t0" losses
}

@test "drops: a tracepoint without reasons: counted by place" {
	quiet
	cp -r "$HM_BUILD/." "$BATS_TEST_TMPDIR/obj"
	cp "$HM_BUILD/tests/bpf/drops_noreason.o" "$BATS_TEST_TMPDIR/obj/kern/drops.o"
	HOOKMAP_OBJ=$BATS_TEST_TMPDIR/obj attach --host drops
	send 7012 19
	settled true 19
	equal "$(rows_of '.reason + " " + (.location | sub("[+].*"; "")) + " " + .protocol')" \
		"19 NONE_GIVEN __udp4_lib_rcv ipv4/udp" losses
	like "$(on host "$HM_BUILD/hookmap" drops --explain)" "gives no reason (before 5.17)"
}
