#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# path: the exact hops of packets across network namespaces

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# Tracepoints see the whole machine and all labs have the same addresses: this one
# gets addresses of its own besides. A /30 between client and host, and host and server.
setup() {
	lab_up
	NET=10.$((RANDOM % 200 + 20)).$((RANDOM % 256))
	NET6=fd$((RANDOM % 90 + 10)):$((RANDOM % 9999))
	CLIENT=$NET.2 SERVER=$NET.6 SERVER6=$NET6:2::2
	on client ip addr add "$NET.2/30" dev eth0
	on host ip addr add "$NET.1/30" dev eth0
	on host ip addr add "$NET.5/30" dev veth0
	on server ip addr add "$NET.6/30" dev eth0
	on client ip route add "$NET.4/30" via "$NET.1" src "$NET.2"
	on server ip route add "$NET.0/30" via "$NET.5" src "$NET.6"
	on client ip addr add "$NET6:1::2/64" dev eth0 nodad
	on host ip addr add "$NET6:1::1/64" dev eth0 nodad
	on host ip addr add "$NET6:2::1/64" dev veth0 nodad
	on server ip addr add "$NET6:2::2/64" dev eth0 nodad
	on client ip route add "$NET6:2::/64" via "$NET6:1::1" src "$NET6:1::2"
	on server ip route add "$NET6:1::/64" via "$NET6:2::1" src "$NET6:2::2"
	ALL=$BATS_TEST_TMPDIR/all OUT=$BATS_TEST_TMPDIR/reader
}

# journey N: "netns device hook" of each hop of packet N of $ALL, without the lab's name
# and without what only some kernels show
journey() {
	jq -r --argjson n "$1" --arg lab "$LAB-" 'select(.packet == $n and .hook != "netfilter")
		| "\(.netns | ltrimstr($lab)) \(.device) \(.hook)\(if .reason then " " + .reason else "" end)"' "$ALL"
}
# crossing FROM DEV ... : the hops over a veth link from NETNS DEV to NETNS DEV
crossing() {
	printf '%s net_dev_queue\n%s net_dev_start_xmit\n%s netif_rx\n%s netif_receive_skb\n' \
		"$1" "$1" "$2" "$2"
}
THERE=$(crossing 'client eth0' 'host eth0' && crossing 'host veth0' 'server eth0')
BACK=$(crossing 'server eth0' 'host veth0' && crossing 'host eth0' 'client eth0')

# bats test_tags=vm
@test "path: a ping across three namespaces is the exact list of hops, both ways" {
	host_attach path --match "echo host $SERVER"
	on client ping -q -c 3 -i 0.05 -I "$CLIENT" "$SERVER"
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 6 packets
	for n in 1 3 5; do
		equal "$(journey "$n" | grep -v kfree_skb)" "$THERE" "there, packet $n"
		# ping reads a clone by its raw socket; the packet itself finds no ping socket
		equal "$(journey $((n + 1)) | grep -v kfree_skb)" \
			"$BACK"$'\nclient eth0 socket\nclient eth0 read' "back, packet $((n + 1))"
	done
	equal "$(jq -sc 'map(.seq) | unique' "$ALL")" '[1,2,3]' sequence
	# the request is the kernel's, which has answered; the drop of the answer is none
	equal "$(jq -sc 'map(select(.end) | .end)' "$ALL")" '["answered","read","answered","read","answered","read"]' ends
	equal "$(jq -sc 'map(select(.reason and .device == "eth0") | [.reason, .no_loss]) | unique' "$ALL")" '[["NO_SOCKET",true]]' "drops"
	# times go up, and add up
	equal "$(jq -s 'group_by(.packet) | map((map(.delta_ns) | add) == .[-1].since_ns and (map(.since_ns) | . == sort)) | all' "$ALL")" true times
	# the host takes one from the TTL
	equal "$(jq -sc 'map(select(.packet == 1 and .hook != "netfilter") | .ttl)[:8]' "$ALL")" '[64,64,64,64,63,63,63,63]' TTL
}

@test "path: IPv6, the exact list of hops, both ways" {
	on host ping -q -c 1 "$SERVER6" # neighbours
	on client ping -q -c 1 "$SERVER6"
	host_attach path --match "echo host $SERVER6"
	on client ping -q -c 2 -i 0.05 "$SERVER6"
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 4 packets
	equal "$(journey 1 | grep -v kfree_skb)" "$THERE" there
	equal "$(journey 4 | grep -v kfree_skb)" "$BACK"$'\nclient eth0 socket\nclient eth0 read' back
	equal "$(jq -sc '[.[] | select(.packet == 2)][0] | [.proto, .type, .seq, .src]' "$ALL")" "[\"icmp6\",129,1,\"$SERVER6\"]"
}

# bats test_tags=vm
@test "path: what a rule or a missing socket drops ends with the reason" {
	on host iptables -I FORWARD -p udp --dport 7001 -j DROP
	host_attach path --match "proto udp host $SERVER"
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7001 2
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7002 1
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 3 packets
	dropped=$(crossing 'client eth0' 'host eth0')$'\nhost eth0 kfree_skb NETFILTER_DROP'
	equal "$(journey 1)" "$dropped" "dropped 1"
	equal "$(journey 2)" "$dropped" "dropped 2"
	equal "$(journey 3)" "$THERE"$'\nserver eth0 kfree_skb NO_SOCKET' "no socket"
	equal "$(jq -sc '.[-1] | .dport, .proto, .no_loss' "$ALL" | tr '\n' ' ')" '7002 "udp" null ' header
	equal "$(jq -sc 'map(select(.end) | .end)' "$ALL")" '["dropped","dropped","dropped"]' ends
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7001 1
	like "$(hookmap --drain path)" $'        = dropped: NETFILTER_DROP\n'
}

@test "path: TCP by port, to the process that reads it; other packets are not there" {
	host_attach path --match "proto tcp dport 7000 dst $SERVER"
	on server "$HM_BUILD/tests/traffic" tcp-server "$SERVER" 7000 5 3>&- &
	busywait 5 on server bash -c 'ss -Htln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" tcp-client "$SERVER" 7000 5
	wait $!
	on client ping -q -c 1 "$SERVER"
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7000 1
	events path >"$ALL"
	equal "$(jq -sc 'map([.proto, .dport, .dst]) | unique' "$ALL")" "[[\"tcp\",7000,\"$SERVER\"]]" "what is there"
	# the SYN; then five requests that a process reads
	equal "$(journey 1)" "$THERE"$'\nserver eth0 socket' SYN
	equal "$(jq -sc 'map(select(.packet == 1)) | [.[0].flags, .[-1].end, .[0].seq > 0]' "$ALL")" '["S","delivered",true]' "header and end of SYN"
	equal "$(jq -sc '[.[] | select(.end == "read") | [.hook, .flags]] | unique' "$ALL")" '[["read","P."]]' "ends of requests"
	equal "$(jq -sc '[.[] | select(.end) | .end] | unique - ["read", "delivered"]' "$ALL")" '[]' "other ends"
	equal "$(jq -s '[.[] | select(.hook == "read" and .name == "traffic") | .packet] | unique | length' "$ALL")" 5 reads
	n=$(jq -s '[.[] | select(.hook == "read")][0].packet' "$ALL")
	equal "$(journey "$n")" "$THERE"$'\nserver eth0 socket\nserver eth0 read' request
}

# tcp_reads COUNT [OPTION...]: requests that the server reads
tcp_reads() {
	spawn server "$HM_BUILD/tests/traffic" tcp-server "$SERVER" 7000 "$@"
	busywait 5 on server bash -c 'ss -Htln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" tcp-client "$SERVER" 7000 "$@"
	wait "$SPAWNED"
	events path >"$ALL"
}
first_hops() { jq -sc 'map(select(.hook != "netfilter")) | group_by(.packet) | map(.[0].hook) | unique' "$ALL"; }
# sniffer HOST: reads what passes its eth0
sniffer() {
	spawn "$1" "$HM_BUILD/tests/rawrecv" --packet eth0 1000 >"$BATS_TEST_TMPDIR/sniffer"
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/sniffer"
}

@test "path: a segment that is read in pieces is one packet, which is read once" {
	host_attach path --match "proto tcp dport 7000 dst $SERVER"
	tcp_reads 5 --size 100 --piece 7
	equal "$(jq -s 'map(select(.hook == "read")) | length' "$ALL")" 5 reads
	equal "$(jq -s 'map(select(.end == "read" and .hop > 9)) | length' "$ALL")" 5 "packets that were read"
	equal "$(first_hops)" '["net_dev_queue"]' "first hops"
}

@test "path: who reads is the process, also if a worker of io_uring reads for it" {
	skip_without io_uring on server "$HM_BUILD/tests/traffic" udp-recv 127.0.0.1 7000 0 --uring
	host_attach path --match "proto tcp dport 7000 dst $SERVER"
	tcp_reads 5 --uring-worker
	equal "$(jq -sc 'map(select(.hook == "read") | .name)' "$ALL")" '["traffic","traffic","traffic","traffic","traffic"]' readers
}

@test "path: who listens to the packets of others has copies, and the end is that of the packet" {
	on host iptables -I FORWARD -p udp --dport 7001 -j DROP
	host_attach path --match "dst $SERVER"
	for host in client host server server; do sniffer "$host"; done
	tcp_reads 5
	equal "$(jq -s 'map(select(.end == "read" and ([.name, .copy] | . == ["traffic", null] or . == ["rawrecv", true]))) | length' "$ALL")" 5 "packets that were read"
	equal "$(jq -s 'map(select(.hook == "read" and .name == "traffic")) | length' "$ALL")" 5 "reads"
	equal "$(first_hops)" '["net_dev_queue"]' "first hops"
	# the copies are read after the packet is gone
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7001 3 --rate 100
	sleep 0.2
	events path >"$ALL"
	equal "$(jq -sc 'map(select(.end) | .end)' "$ALL")" '["dropped","dropped","dropped"]' ends
	equal "$(jq -sc 'map(select(.hook == "read") | [.name, .copy])' "$ALL" | jq -c unique)" '[["rawrecv",true]]' readers
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7001 1
	sleep 0.2
	like "$(hookmap --drain path)" 'read rawrecv (a copy)'
}

@test "path: a sender that is told when its packet has left has not read it" {
	on host iptables -I FORWARD -p udp --dport 7001 -j DROP
	host_attach path --match "proto udp dst $SERVER"
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7001 3 --rate 100 --tx-stamps
	events path >"$ALL"
	equal "$(jq -sc 'map(select(.end) | .end)' "$ALL")" '["dropped","dropped","dropped"]' ends
	equal "$(jq -sc 'map(select(.hook == "read") | [.name, .copy])' "$ALL" | jq -c unique)" '[["traffic",true]]' readers
}

# Packets in hex, numbered by their TTL, from 10.77.0.1 to 10.77.0.2 and fd77::1 to fd77::2:
# ip4 TTL PROTO PAYLOAD [OPTIONS [FRAGMENT]]    ip6 TTL NEXT PAYLOAD
ip4() {
	printf '4%x0000400001%s%02x%02x00000a4d00010a4d0002%s%s' $((5 + ${#4} / 8)) "${5:-0000}" "$1" "$2" "${4:-}" "$3"
}
ip6() {
	printf '6000000000%02x%02x%02xfd77%028dfd77%028d%s' $((${#3} / 2)) "$2" "$1" 1 2 "$3"
}

# (no filter here matches much of what other tests send: the buffer would be full of it)
@test "path: each filter matches these and no others, on the way out and in" {
	udp=5a4d5a4e0008abcd tcp=5a4d5a4e0000000100000000501000000000000000
	echo=0800000000010001 inner=020000000001020000000002
	mac=$(on host ip -j link show dev eth0 | jq -r ".[0].address")020000000001
	mac=${mac//:/}
	cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
	frames=(
		"0800$(ip4 101 17 "$udp")"
		"0800$(ip4 102 17 "$udp" 01010101)"
		"0800$(ip4 103 6 "$tcp")"
		"86dd$(ip6 104 17 "$udp")"
		"86dd$(ip6 105 0 "1100010400000000$udp")"
		"810000650800$(ip4 106 17 "$udp")"
		"0800$(ip4 107 17 "$udp" '' 0064)"
		"0800$(ip4 108 1 "$echo")"
		"86dd$(ip6 109 58 "${echo/#08/80}")"
		"0800$(ip4 110 17 "12b512b50000000008000000004d0200${inner}0800$(ip4 110 6 "$tcp")")"
		"0806$(ip4 111 17 "$udp")"
		"0800$(ip4 112 47 00000800)"
	)
	while IFS='|' read -r match expected; do
		host_attach path --match "$match"
		# what comes to a CPU's queue behind them has been answered: so they have arrived
		on client taskset -c "$cpu" "$HM_BUILD/tests/frame" eth0 1 "${frames[@]/#/$mac}"
		on client taskset -c "$cpu" ping -q -c 1 10.11.1.1
		events path 'select(.device == "eth0" and .ttl > 100 and .ttl < 113)' >"$ALL"
		equal "$(jq -rs --arg lab "$LAB-" 'map(select(.netns | startswith($lab))) | group_by(.hook)[]
			| select(.[0].hook | startswith("net")) | "\(.[0].hook) \(map(.ttl - 100) | sort | join(" "))"' "$ALL")" \
			"$([[ -z $expected ]] || printf "%s $expected\n" net_dev_queue net_dev_start_xmit netif_receive_skb netif_rx)" "$match"
	done <<-'EOF'
		host 10.77.0.0/24|1 2 3 6 7 8 10 12
		src fd77::/64|4 5 9
		proto udp host 10.77.0.2|1 2 6 7 10
		dport 23118|1 2 3 4 5 6 10
		proto tcp port 23117|3 10
		echo src 10.77.0.1|8
		echo src fd77::1|9
		dst 10.77.0.2 proto tcp|3 10
		host 10.77.0.0/24 sport 23118|
		proto 47|12
		host fd77::9|
	EOF
}

@test "path: VLAN tags are looked through and shown" {
	host_attach path --match "dst $SERVER proto udp"
	read -r a b c d <<<"${SERVER//./ }"
	ip=$(printf '%02x%02x%02x%02x' "$a" "$b" "$c" "$d")
	mac=$(on host ip -j link show dev eth0 | jq -r ".[0].address")
	udp="4500001c00070000401100000a0b0102${ip}1b581b5900080000"
	on client "$HM_BUILD/tests/frame" eth0 2 "$mac 020000000001 81000065 0800 $udp"
	on client "$HM_BUILD/tests/frame" eth0 1 "$mac 020000000001 88a80007 81000065 0800 $udp"
	# another VLAN, another address
	on client "$HM_BUILD/tests/frame" eth0 1 "$mac 020000000001 81000065 0800 ${udp/$ip/01020304}"
	events path 'select(.hook != "kfree_skb")' >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 3 packets
	for n in 1 2 3; do equal "$(journey "$n")" "$(crossing 'client eth0' 'host eth0')" "packet $n"; done
	equal "$(jq -sc 'map([.vlan, .sport, .dport]) | unique' "$ALL")" '[[7,7000,7001],[101,7000,7001]]' 'headers: the outermost tag'
}

@test "path: headers in a fragment are not read from where other packets have been" {
	local ip mac frames=()
	read -r a b c d <<<"${SERVER//./ }"
	ip=$(printf '%02x%02x%02x%02x' "$a" "$b" "$c" "$d")
	mac=$(on host ip -j link show dev eth0 | jq -r ".[0].address")
	# to port 7099 and to another by turns: from memory that is used again and again
	for port in 1bbb 1bbc; do
		frames+=("$mac 020000000001 0800 4500001c00070000401100000a0b0102${ip}1b58${port}00080000")
	done
	host_attach path --match "proto udp dst $SERVER dport 7099"
	on client "$HM_BUILD/tests/frame" eth0 3 "${frames[0]}"
	for i in {1..20}; do on client "$HM_BUILD/tests/frame" --ring eth0 1 "${frames[@]}"; done
	hookmap -j --drain path >"$ALL"
	# of three frames that have them in the linear part
	equal "$(jq -sc 'map(.dport // empty) | unique' "$ALL")" '[7099]' ports
	equal "$(jq -s 'map(select(.hook == "net_dev_queue")) | length' "$ALL")" 3 "hops of whole ones"
	# 40 that have not, at each hook that they pass
	equal "$(jq -s '.[-1] | .unread + .unread_before >= 160' "$ALL")" true unread
	like "$(hookmap --drain path | tail -n 1)" 'hops not shown: the headers were not in the linear part'
}

# vxlan_up PORT CLIENT HOST: vx0 in both, over these addresses, with neighbours
vxlan_up() {
	on client ip link add vx0 type vxlan id 4242 dstport "$1" remote "$3" local "$2" dev eth0
	on host ip link add vx0 type vxlan id 4242 dstport "$1" remote "$2" local "$3" dev eth0
	for h in client host; do
		# only what the test sends
		on "$h" sysctl -qw net.ipv6.conf.vx0.disable_ipv6=1
		on "$h" ip link set vx0 up
	done
	on client ip addr add "$NET.129/30" dev vx0
	on host ip addr add "$NET.130/30" dev vx0
	on client ping -q -c 1 "$NET.130"
}

@test "path: inside vxlan, on the underlay and on the overlay" {
	vxlan_up 4789 10.11.1.2 10.11.1.1
	host_attach path --match "echo dst $NET.130"
	on client ping -q -c 2 -i 0.05 "$NET.130"
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 2 packets
	for n in 1 2; do
		equal "$(journey "$n" | grep -v -e gro -e kfree_skb)" "client vx0 net_dev_queue
client vx0 net_dev_start_xmit
$(crossing 'client eth0' 'host eth0')
host vx0 netif_receive_skb" "packet $n"
	done
	equal "$(jq -sc 'map(select(.device == "eth0") | .vni) | unique' "$ALL")" '[4242]' "on the underlay"
	equal "$(jq -sc 'map(select(.device == "vx0") | .vni) | unique' "$ALL")" '[null]' "on the overlay"
	equal "$(jq -sc 'map([.src, .dst]) | unique' "$ALL")" "[[\"$NET.129\",\"$NET.130\"]]" "inner addresses"
	# gro_cells of the tunnel
	equal "$(journey 1 | grep -c 'host vx0 napi_gro_receive_entry')" 1 gro
}

@test "path: the outer packet of a tunnel ends where what is inside goes on" {
	vxlan_up 4790 "$NET.2" "$NET.1"
	host_attach path --match "proto udp dst $NET.1 vxlan 4790"
	on client ping -q -c 2 -i 0.05 "$NET.130"
	udp host "$NET.1" 3 >/dev/null
	events path >"$ALL"
	equal "$(jq -sc 'map(select(.end) | [.dport, .end, .tunnel])' "$ALL")" '[[4790,"unknown",true],[4790,"unknown",true],[7000,"delivered",null],[7000,"delivered",null],[7000,"delivered",null]]' ends
}

@test "path: what waits for a neighbour is one packet, which ends when that has failed" {
	# longer than a second, and shorter than by default
	on host sysctl -qw net.ipv4.neigh.veth0.retrans_time_ms=500
	on host ip route add "$NET.64/30" dev veth0
	on client ip route add "$NET.64/30" via "$NET.1"
	host_attach path --match "icmp and host $NET.65"
	reader path -c 1
	busywait 5 grep -q SINCE "$OUT"
	on client ping -q -c 1 -W 1 "$NET.65" || true
	busywait 10 grep -q 'packets,' "$OUT"
	wait "$READER"
	equal "$(head -n 1 "$OUT")" "packets that match: host $NET.65/32 proto icmp (attach.sh --host path --match changes it)"
	equal "$(grep -c ' icmp type 8 ' "$OUT")" 1 packets
	equal "$(grep -o 'kfree_skb .*\|= .*' "$OUT" | tr '\n' ' ')" "kfree_skb NEIGH_FAILED = dropped: NEIGH_FAILED " end
}

@test "path: what is looked for is said, in the words of --match" {
	local match
	while IFS='|' read -r match says; do
		host_attach path --match "$match"
		hookmap --drain path >"$OUT"
		equal "$(head -n 1 "$OUT")" "packets that match: ${says:-$match} (attach.sh --host path --match changes it)" "<$match>"
	done <<-'EOF'
		any|
		echo|
		echo host fd77::/64|host fd77::/64 echo
		tcp port 443|proto tcp port 443
		udp and dst 10.0.0.0/8 and sport 53|dst 10.0.0.0/8 proto udp sport 53
		proto 47 src 10.1.2.3|src 10.1.2.3/32 proto gre
		proto 99 src 10.1.2.3|src 10.1.2.3/32 proto 99
		icmp6|proto icmp6
		vlan 7 dport 80-90|
		fragment yes|
		ip6 and tcp|ethertype ip6 proto tcp
		dport 7 vxlan 8472|
	EOF
	host_detach path
	host_attach path
	like "$(hookmap --drain path)" 'packets that match: echo ('
}

@test "path: a namespace that has gone is not called by the next one's name, though it has its number" {
	local first second
	host_attach path --match "echo host 127.91.0.1"
	# the kernel gives the lowest number that is free, to whoever is first on this machine
	for i in {1..50}; do
		ip netns add hm-first
		first=$(stat -c %i /run/netns/hm-first)
		nsenter --net=/run/netns/hm-first ip link set lo up
		nsenter --net=/run/netns/hm-first ping -q -c 1 127.91.0.1
		ip netns del hm-first
		for j in {1..50}; do
			ip netns add hm-second
			second=$(stat -c %i /run/netns/hm-second)
			[[ $first != "$second" ]] || break 2
			ip netns del hm-second
		done
		hookmap --drain path >/dev/null
	done
	equal "$second" "$first" "number of the second namespace"
	nsenter --net=/run/netns/hm-second ip link set lo up
	nsenter --net=/run/netns/hm-second ping -q -c 1 127.91.0.1
	events path >"$ALL"
	equal "$(jq -rs '[.[] | select(.netns_inode != 0) | .netns] | unique | length' "$ALL")" 2 "namespaces"
	like "$(jq -r '.netns' "$ALL" | head -n 1)" "$first#"
	equal "$(jq -rs '.[-1].netns' "$ALL")" hm-second "the second one"
	ip netns del hm-second
}

@test "path: a namespace that is made while a reader is at work has its name" {
	host_attach path --match "echo host 127.91.0.2"
	nsenter --net="/run/netns/$LAB-host" ping -q -c 1 127.91.0.2
	reader -j path
	busywait 10 grep -q "$LAB-host" "$OUT"
	ip netns add hm-later
	nsenter --net=/run/netns/hm-later ip link set lo up
	nsenter --net=/run/netns/hm-later ping -q -c 1 127.91.0.2
	busywait 10 grep -q '"netns":"hm-later"' "$OUT"
	reader_stop
	ip netns del hm-later
}

@test "path: NAT changes the addresses, and it is still one packet" {
	on host iptables -t nat -A POSTROUTING -o veth0 -p icmp -j SNAT --to-source "$NET.5"
	host_attach path --match "echo dst $SERVER"
	on client ping -q -c 1 -I "$CLIENT" "$SERVER"
	events path >"$ALL"
	equal "$(journey 1 | grep -v kfree_skb)" "$THERE" journey
	equal "$(jq -sc 'map(select(.hook != "netfilter") | .src)[:8]' "$ALL")" "$(jq -nc --arg a "$CLIENT" --arg b "$NET.5" '[$a,$a,$a,$a,$b,$b,$b,$b]')" sources
}

# bats test_tags=vm
@test "path: NAT takes a packet out of the filter, and it is followed; before NAT, it is said to have come in" {
	local n
	# to an address of the host that is not the server's
	on host iptables -t nat -A PREROUTING -d "$NET.1" -p udp --dport 7001 -j DNAT --to-destination "$SERVER:7002"
	on host iptables -t nat -A PREROUTING -d "$NET.1" -p tcp --dport 7003 -j REDIRECT --to-ports 7000
	host_attach path --match "udp dst $NET.1 port 7001"
	on client "$HM_BUILD/tests/traffic" udp-send "$NET.1" 7001 5
	# other packets in the same memory
	on client "$HM_BUILD/tests/traffic" udp-send "$SERVER" 7005 50
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 5 packets
	for n in {1..5}; do
		equal "$(journey "$n")" "$THERE"$'\nserver eth0 kfree_skb NO_SOCKET' "packet $n"
	done
	equal "$(jq -sc 'map(select(.hook | . == "netif_receive_skb" or . == "kfree_skb") | [.dst, .dport]) | unique' "$ALL")" \
		"$(jq -nc --arg a "$NET.1" --arg b "$SERVER" '[[$a, 7001], [$b, 7002]] | sort')" "what it was called"
	# from the other side
	host_attach path --match "udp dst $SERVER port 7002"
	on client "$HM_BUILD/tests/traffic" udp-send "$NET.1" 7001 3
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 3 packets
	equal "$(journey 1)" "$(crossing 'host veth0' 'server eth0')"$'\nserver eth0 kfree_skb NO_SOCKET' "behind NAT"
	equal "$(jq -sc 'map(select(.came_in) | [.hop, .device, .hook]) | unique' "$ALL")" '[[1,"veth0","net_dev_queue"]]' "what came in"
	# to the host itself: up to the socket, and to its reader
	host_attach path --match "tcp dst $NET.1 dport 7003"
	on host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 5 3>&- &
	busywait 5 on host bash -c 'ss -Htln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" tcp-client "$NET.1" 7003 5
	wait $!
	events path >"$ALL"
	equal "$(jq -s '[.[] | select(.end == "read")] | length' "$ALL")" 5 "requests that were read"
	equal "$(jq -sc '[.[] | select(.hook == "socket" or .hook == "read") | .dport] | unique' "$ALL")" '[7000]' "port at the socket"
	equal "$(jq -sc '[.[] | select(.end) | .end] | unique' "$ALL")" '["delivered","read"]' ends
}

@test "path: a device without an Ethernet header, at its tc" {
	skip_without "tun devices" test -c /dev/net/tun
	for ns in host client; do
		on "$ns" ip tuntap add dev tun0 mode tun
		on "$ns" ip link set tun0 up
	done
	on host ip addr add "$NET.65/30" dev tun0
	on client ip addr add "$NET.66/30" dev tun0
	on host "$HM_BUILD/tests/wire" tun0 nsenter --net="/run/netns/$LAB-client" "$HM_BUILD/tests/wire" tun0 3>&- &
	busywait 5 on client ping -q -c 1 -W 1 "$NET.65"
	host_attach path --match "echo dst $NET.65"
	on host tc qdisc add dev tun0 clsact
	on host tc filter add dev tun0 ingress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/path.o" classid 0:1
	on client ping -q -c 3 -i 0.05 "$NET.65"
	kill $!
	events path >"$ALL"
	equal "$(jq -sc '[.[] | select(.hook == "tc") | [.device, .seq]]' "$ALL")" '[["tun0",1],["tun0",2],["tun0",3]]' hops
}

@test "path: -c, --to and text; a full buffer loses events and says how many" {
	host_attach path --match "echo host $SERVER"
	reader path --to "$CLIENT" -c 2
	busywait 5 grep -q SINCE "$OUT"
	on client ping -q -c 3 -i 0.05 -I "$CLIENT" "$SERVER"
	busywait 10 grep -q 'packets' "$OUT"
	wait "$READER"
	equal "$(grep -c "$SERVER > $CLIENT icmp type 0" "$OUT")" 2 answers
	equal "$(grep -c "$CLIENT > $SERVER" "$OUT" || true)" 0 requests
	equal "$(tail -n 1 "$OUT")" "2 packets, 0 events lost" end
	hookmap path --drain >"$OUT"
	on client ping -q -c 1 -I "$CLIENT" "$SERVER"
	each=$(events path | wc -l)
	[[ $each -ge 18 ]] # 8 hops there, 8 back, socket and read
	on client ping -q -f -c 6007 -I "$CLIENT" "$SERVER"
	hookmap path -j --drain >"$ALL"
	shown=$(grep -c '"hop"' "$ALL")
	lost=$(tail -n 1 "$ALL" | jq .lost_before)
	[[ $lost -gt 1000 ]]
	equal "$((shown + lost))" "$((6007 * each))" "shown and lost"
}

@test "path: the filter can be changed, detaching leaves nothing, bad input is one line" {
	host_attach path --match "echo host 192.0.2.1"
	before=$(find /sys/fs/bpf | sort)
	on client ping -q -c 1 "$SERVER"
	equal "$(events path)" "" "another address"
	host_attach path --match "host $NET.4/30 echo"
	equal "$(find /sys/fs/bpf | sort)" "$before" pins
	on client ping -q -c 1 "$SERVER"
	equal "$(events path .packet | sort -u | wc -l)" 2 "by prefix"
	equal "$(bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq length)" 1 "cgroup programs"
	host_attach path
	equal "$(bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq length)" 1 "cgroup programs, second time"
	host_detach path
	equal "$(bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq -r '.[]?.id')" "" "cgroup programs, detached"
	host_nothing_left
	for bad in 'hots 1.2.3.4' 'host 1.2.3.400' 'port' 'port 70000' 'proto xyz' '' 'src fe80::1::2'; do
		run host_attach path --match "$bad"
		equal "$status" 2 "status of <$bad>"
		one_line "$output"
	done
	run hookmap path --to nowhere.invalid.
	equal "$status" 2
	one_line "$output"
	run hookmap exec --to 1.2.3.4
	equal "$status" 2
}

@test "path: the verdict of netfilter, hook by hook" {
	host_attach path --match "echo dst $SERVER"
	skip_without "fexit" test -e /sys/fs/bpf/hookmap/path/path_netfilter
	for chain in PREROUTING FORWARD POSTROUTING; do on host iptables -t mangle -A "$chain" -j ACCEPT; done
	on client ping -q -c 1 -I "$CLIENT" "$SERVER"
	events path 'select(.hook == "netfilter" and (.netns | endswith("-host"))) | [.device, .verdict]' >"$ALL"
	equal "$(tr '\n' ' ' <"$ALL")" \
		'["eth0","PREROUTING ACCEPT"] ["eth0","FORWARD ACCEPT"] ["veth0","POSTROUTING ACCEPT"] '
}

@test "path: the stages of XDP, tc and iptables, where they are attached" {
	host_attach path --match "echo dst $SERVER"
	map=()
	for name in path_cfg path_stat path_mark path_ring; do map+=(map name "$name" pinned "$G/$name"); done
	on host ip link set dev eth0 xdp obj "$HM_BUILD/xdp/path.o"
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/path.o"
	on host tc qdisc add dev veth0 clsact
	on host tc filter add dev veth0 egress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/path.o"
	bpftool -n prog load "$HM_BUILD/iptables/path.o" /sys/fs/bpf/path_ipt type socket "${map[@]}"
	on host iptables -t mangle -A PREROUTING -m bpf --object-pinned /sys/fs/bpf/path_ipt
	on host iptables -t filter -A FORWARD -m bpf --object-pinned /sys/fs/bpf/path_ipt
	on client ping -q -c 2 -i 0.05 -I "$CLIENT" "$SERVER"
	events path >"$ALL"
	equal "$(jq -s 'map(.packet) | max' "$ALL")" 2 packets
	for n in 1 2; do
		# with XDP, veth makes a new skb, which passes GRO
		equal "$(journey "$n" | grep -v -e gro -e netif_rx -e kfree_skb)" "client eth0 net_dev_queue
client eth0 net_dev_start_xmit
host eth0 xdp
host eth0 netif_receive_skb
host eth0 tc
host eth0 iptables
host eth0 iptables
host veth0 tc
host veth0 net_dev_queue
host veth0 net_dev_start_xmit
server eth0 netif_receive_skb" "packet $n"
	done
	on host iptables -F FORWARD
	on host iptables -t mangle -F PREROUTING
	rm /sys/fs/bpf/path_ipt
}
