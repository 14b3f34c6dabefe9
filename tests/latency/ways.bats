#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# latency: every stamp is accounted for, whatever way its packet takes. LATENCY_COUNT packets
# each (make million: 1 000 000; in an emulated guest 211, unless given: bonds are there alone)

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

COUNT=${LATENCY_COUNT:-${HM_VM:+211}} COUNT=${COUNT:-2003}
T=$HM_BUILD/tests/traffic

setup() { lab_up; }
JOBS=()
teardown() { ((!${#JOBS[@]})) || kill "${JOBS[@]}" 2>/dev/null || true; }

# job COMMAND...: in the background, until the test ends
job() {
	"$@" 3>&- &
	JOBS+=($!)
}

# accounts [MERGED]: each stamp that was started has been read, is counted where it was last
# seen, or has its slot; each packet that was chosen was started, or (MERGED) merged
accounts() {
	local slots stat
	# (what the maps say, not the reader)
	stat=$(bpftool -j map dump pinned "$G/lat_stat" | jq '[.[].formatted.values[].value | .started - .ended - (.gone | add)] | add')
	slots=$(bpftool -j map dump pinned "$G/lat_stamp" | tr '}' '\n' | grep -c '"skb":[1-9]') || true
	equal "$stat" "$slots" "stamps that have a slot"
	hookmap -j latency >"$BATS_TEST_TMPDIR/latency"
	equal "$(jq '.lost | .started - .read - .on_the_way - ([.last_seen[]] | add)' "$BATS_TEST_TMPDIR/latency")" 0 "stamps that nobody knows of"
	equal "$(jq -c '.lost | [.bad_clock, .table_full, .slot_reused, .not_at_tc - .merged]' "$BATS_TEST_TMPDIR/latency")" "[0,0,0,0]" lost
	[[ -n ${1:-} ]] || equal "$(lost merged)" 0 merged
}

# abi COMMAND...: with the words for structs and maps that scripts have, in a shell of its own
abi() (
	# shellcheck source=/dev/null
	. "$HM_TOP/scripts/lib.sh"
	load_abi
	"$@"
)

# slots N: 2^N for each CPU (by abi)
slots() {
	map_value lat_cfg
	field lat_cfg.shift "$1"
	map_write lat_cfg 0
}

# acknowledgements FIRST LAST: stamps in these slots, of TCP without payload, at the socket (by abi)
acknowledgements() {
	local n
	struct_new lat_stamp
	field lat_stamp.skb 8
	field lat_stamp.stage "$LAT_SOCKET"
	field lat_stamp.empty 1
	field lat_stamp.last "$(awk '{ printf "%.0f", $1 * 1e9 }' /proc/uptime)"
	for ((n = $1; n <= $2; n++)); do
		bytes 4 "$n"
		printf 'map update pinned %s key hex %s value hex %s\n' "$G/lat_stamp" "${BYTES[*]}" "${VALUE[*]}"
	done | bpftool batch file - >/dev/null
}

# ask FROM TO ADDR [SERVER-OPTION...]: COUNT requests, each of which one read takes
ask() {
	local from=$1 to=$2 addr=$3
	shift 3
	on "$to" "$T" tcp-server "$addr" 7000 "$COUNT" "$@" 3>&- &
	on "$from" "$T" tcp-client "${ASKED:-$addr}" 7000 "$COUNT" --timeout 20
	wait $!
}

# bats test_tags=vm
@test "latency: the way through NAT: each request is one of app, REDIRECT and DNAT" {
	attach eth0 --sample 1 --filter 'proto tcp dport 7001'
	on host iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 7001 -j REDIRECT --to-ports 7000
	on host "$T" tcp-server 10.11.1.1 7000 "$COUNT" 3>&- &
	on client "$T" tcp-client 10.11.1.1 7001 "$COUNT"
	wait $!
	equal "$(rows socket app)" "$COUNT" "socket -> app"
	on host iptables -t nat -F PREROUTING
	on host iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 7001 -j DNAT --to-destination 10.11.2.1:7000
	on host "$T" tcp-server 10.11.2.1 7000 "$COUNT" 3>&- &
	on client "$T" tcp-client 10.11.1.1 7001 "$COUNT"
	wait $!
	equal "$(rows socket app)" $((2 * COUNT)) "socket -> app"
	equal "$(rows xdp app total)" $((2 * COUNT)) "xdp -> app"
	accounts
}

# tunnel KIND NAME OPTION...: of host and client, over eth0, with 10.99.0.1 and 10.99.0.2
tunnel() {
	local kind=$1 name=$2 net=10.11.1.
	shift 2
	[[ $kind != ip6* ]] || net=fd11:1::
	on host ip link add "$name" type "$kind" local "${net}1" remote "${net}2" "$@"
	on client ip link add "$name" type "$kind" local "${net}2" remote "${net}1" "$@"
	# (its multicast reports come at any time)
	for ns in host client; do
		[[ $kind == sit ]] || ! on "$ns" test -e "/proc/sys/net/ipv6/conf/$name" || on "$ns" sysctl -qw "net.ipv6.conf.$name.disable_ipv6=1"
	done
	addresses "$name"
}

addresses() { # DEV
	for ns in host client; do on "$ns" ip link set "$1" up; done
	on host ip addr add 10.99.0.1/24 dev "$1"
	on client ip addr add 10.99.0.2/24 dev "$1"
}

# bats test_tags=vm
@test "latency: the way through vxlan: each request is one of app, and comes again on the tunnel" {
	skip_without VXLAN on host ip link add x0 type vxlan id 7 dstport 4789 local 10.11.1.1 remote 10.11.1.2
	on host ip link del x0
	tunnel vxlan vx0 id 7 dstport 4789
	attach eth0 --sample 1 --filter 'proto udp dport 4789'
	ask client host 10.99.0.1
	equal "$(rows socket app)" "$COUNT" "socket -> app"
	equal "$(hookmap -j latency | jq '[.rows[] | select(.kind == "again")] | length')" 0 "rows of a second time"
	accounts
	# with stages on the tunnel as well: the same stamps, a second time. (Its ARP ends at tc)
	attach vx0
	n=$(on client ip -j link show vx0 | jq -r '.[0].address')
	on host ip neigh replace 10.99.0.2 lladdr "$n" dev vx0 nud permanent
	n=$(on host ip -j link show vx0 | jq -r '.[0].address')
	on client ip neigh replace 10.99.0.1 lladdr "$n" dev vx0 nud permanent
	ask client host 10.99.0.1
	equal "$(rows socket app)" $((2 * COUNT)) "socket -> app"
	# (the last acknowledgements are on the way)
	again() { [[ $(rows input tc again) == $(rows prerouting input again) ]]; }
	busywait 5 again
	n=$(rows input tc again)
	((n >= COUNT))
	equal "$(rows tc prerouting again) $(rows prerouting input again)" "$n $n" "the second time"
	equal "$(rows tc prerouting)" "$(rows xdp tc)" "the first time"
	like "$(hookmap latency)" "again "
	accounts
}

# tuns: tun0 of host and client, joined
tuns() {
	skip_without "tun devices" test -c /dev/net/tun
	for ns in host client; do on "$ns" ip tuntap add dev tun0 mode tun; done
	addresses tun0
	job on host "$HM_BUILD/tests/wire" tun0 nsenter --net="/run/netns/$LAB-client" "$HM_BUILD/tests/wire" tun0
	busywait 5 on client ping -q -c 1 -W 1 10.99.0.1
}

# bats test_tags=vm
@test "latency: a device without an Ethernet header: tc is the first stage, each request is one of app" {
	tuns
	fails 1 'has no Ethernet header (none)' attach tun0 --mode native
	fails 1 'has no Ethernet header (none)' attach tun0 --next "$HM_BUILD/xdp/pass.o"
	nothing_left tun0
	run -0 attach tun0 --sample 1 --filter 'dev tun0 proto tcp dport 7000'
	like "$output" "note: tun0 has no Ethernet header (none): tc is the first stage"
	equal "$(attach tun0 2>&1)" "" "the second time"
	ask client host 10.99.0.1
	equal "$(rows socket app)" "$COUNT" "socket -> app"
	equal "$(rows tc app total)" "$COUNT" "tc -> app"
	equal "$(rows tc prerouting)" "$(lost seen)" "tc -> prerouting"
	equal "$(hookmap -j latency | jq -r '[.rows[].device] | unique | join(" ")')" tun0 device
	on host "$HM_TOP/scripts/status.sh" --check tun0 >/dev/null
	accounts
	# IPv6, and what is written into the payload
	on host ip addr add fd99::1/64 dev tun0 nodad
	on client ip addr add fd99::2/64 dev tun0 nodad
	attach tun0 --filter 'proto udp dport 7000' --inpacket 7000
	for addr in 10.99.0.1 fd99::1; do
		on host "$T" udp-recv "$addr" 7000 17 --stamps >>"$BATS_TEST_TMPDIR/stamps" 3>&- &
		busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
		on client "$T" udp-send "$addr" 7000 17
		wait $!
	done
	equal "$(awk '$1 > 0 && $2 == $1' "$BATS_TEST_TMPDIR/stamps" | wc -l)" 34 "datagrams with stamps"
	detach tun0
	nothing_left tun0
}

# bats test_tags=vm
@test "latency: the way over a bridge to a tap: each frame is one of app" {
	skip_without "tap devices" test -c /dev/net/tun
	on host ip link add br0 type bridge
	on host ip link set br0 up
	on host ip addr flush dev eth0
	on host ip link set eth0 master br0
	for ns in host server; do on "$ns" ip tuntap add dev tap0 mode tap; done
	on host ip link set tap0 master br0 up
	on server ip link set tap0 up
	on server ip addr add 10.11.1.7/24 dev tap0
	job on host "$HM_BUILD/tests/wire" tap0 nsenter --net="/run/netns/$LAB-server" "$HM_BUILD/tests/wire" tap0
	busywait 5 on client ping -q -c 1 -W 1 10.11.1.7
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	ask client server 10.11.1.7
	# who reads from a tap takes every frame
	equal "$(rows tc app)" "$(lost seen)" "tc -> app"
	equal "$(rows xdp app total)" "$(lost seen)" "xdp -> app"
	(($(lost seen) > COUNT))
	accounts
}

# bats test_tags=vm
@test "latency: UDP that GRO merges: each read is one of app, all others are merged" {
	local reads groups=$((COUNT / 16))
	on host ethtool -K eth0 gro on
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	# 16 at once
	on host "$T" udp-recv 10.11.1.1 7000 $((groups * 16000)) --gro >"$BATS_TEST_TMPDIR/udp" 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client "$T" udp-send 10.11.1.1 7000 "$groups" --size 16000 --gso 1000 --rate 20000
	wait $!
	reads=$(<"$BATS_TEST_TMPDIR/udp")
	equal "$(lost seen)" $((groups * 16)) seen
	equal "$(lost started)" "$reads" "packets after GRO"
	equal "$(lost merged)" $((groups * 16 - reads)) merged
	((reads < groups * 8))
	# (one that was not merged is small)
	has fentry || reads=$(rows socket app)
	equal "$(rows socket app)" "$reads" "socket -> app"
	((reads >= groups / 4))
	accounts merged
}

# bats test_tags=vm
@test "latency: BIG TCP: every segment is in one packet, and each request is one of app" {
	local addr addrs='fd11:1::1 10.11.1.1' ip mode n=$((COUNT / 100)) asked=0
	for ns in host client; do
		skip_without "BIG TCP" on "$ns" ip link set eth0 gro_max_size 200000 gso_max_size 200000
		on "$ns" "$HM_BUILD/tests/nic" big eth0 200000 || {
			printf '# no BIG TCP of IPv4 (Linux 6.3)\n' >&3
			addrs=fd11:1::1
		}
	done
	on host ethtool -K eth0 gro on
	# merged by GRO, and as the client sends them
	for mode in native none; do
		attach eth0 --sample 1 --filter 'proto tcp dport 7000' --mode "$mode"
		for addr in $addrs; do
			ip=iptables
			[[ $addr != fd* ]] || ip=ip6tables
			# longer than 65 535
			on host "$ip" -I INPUT -m bpf --bytecode '4,128 0 0 0,37 0 1 65535,6 0 0 1,6 0 0 0'
			on host "$T" tcp-server "$addr" 7000 "$n" --size 190000 3>&- &
			on client "$T" tcp-client "$addr" 7000 "$n" --size 190000 --timeout 20
			wait $!
			like "$(on host "$ip" -v -S INPUT 1)" " -c [1-9]"
			# (those behind the first in the socket may become part of it)
			(($(rows socket app) >= (asked += n)))
		done
		[[ $mode != native ]] || (($(lost seen) > COUNT && $(lost merged) > COUNT / 2))
	done
	equal "$(rows tc prerouting)" "$(lost started)" "tc -> prerouting"
	accounts merged
}

# bats test_tags=vm
@test "latency: who splices is counted as not seen, or, with fentry, seen" {
	local read=0
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	ask client host 10.11.1.1 --splice
	! has fentry || read=$COUNT
	equal "$(lost read)" "$read" read
	accounts
}

# bats test_tags=vm
@test "latency: busy polling, SO_REUSEPORT, zero copy: each request is one of app, or counted as not seen" {
	local n
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	ask client host 10.11.1.1 --busy-poll --reuseport
	equal "$(rows socket app) $(rows xdp app total)" "$COUNT $COUNT" app
	accounts
	# one that asks for a large piece, of which whole pages are not copied
	n=$((COUNT / 100))
	on host "$T" tcp-server 10.11.1.1 7000 "$n" --size 131072 --zero-copy 3>&- &
	on client "$T" tcp-client 10.11.1.1 7000 "$n" --size 131072 --zero-copy
	wait $!
	(($(lost read) <= $(lost started)))
	accounts merged
}

# bats test_tags=vm
@test "latency: io_uring reads, in the task or in a worker: each request is one of app" {
	local way n=0 read
	skip_without io_uring traffic udp-recv 127.0.0.1 7000 0 --uring
	attach eth0 --sample 1 --filter 'dport 7000'
	for way in uring uring-worker; do
		ask client host 10.11.1.1 "--$way"
		equal "$(rows socket app) $(rows xdp app total)" "$((n += COUNT)) $n" "$way: app"
	done
	# datagrams as those of any reader: seen with fentry
	read=$(lost read)
	! has fentry || read=$((read + 101))
	on host "$T" udp-recv 10.11.1.1 7000 101 --uring >"$BATS_TEST_TMPDIR/udp" 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client "$T" udp-send 10.11.1.1 7000 101
	wait $!
	equal "$(<"$BATS_TEST_TMPDIR/udp") $(lost read)" "101 $read" datagrams
	accounts
}

@test "latency: what XDP behind ours sends to a cpumap is counted, and measured where it is found" {
	mkdir -p "$G"
	on host bpftool map create "$G/test_cpus" type cpumap key 4 value 8 entries 1 name test_cpus
	bpftool map update pinned "$G/test_cpus" key 0 0 0 0 value 0 8 0 0 0 0 0 0
	attach eth0 --sample 1 --filter 'proto udp dport 7000' --next "$HM_BUILD/tests/bpf/xdp_cpumap.o"
	# (a veth leaves checksums to be finished, and an XDP frame does not say so)
	udp host 10.11.1.1 211 --rate 5000 --no-check
	equal "$(<"$BATS_TEST_TMPDIR/udp")" 211 "datagrams that arrived"
	equal "$(lost seen)" 211 seen
	equal "$(lost not_at_tc)" $((211 - $(lost started))) "not at tc"
	equal "$(rows xdp tc) $(rows tc prerouting)" "$(lost started) $(lost started)" measured
}

# listener ARG...: rawrecv, at work
listener() {
	rm -f "$BATS_TEST_TMPDIR/listener" # of the last one
	on host "$HM_BUILD/tests/rawrecv" "$@" >"$BATS_TEST_TMPDIR/listener" 3>&- &
	busywait 5 grep -q ready "$BATS_TEST_TMPDIR/listener"
}

# bats test_tags=vm
@test "latency: who listens to the packets of others is not the application" {
	attach eth0 --sample 1 --filter 'proto icmp'
	listener --packet eth0 17
	on client ping -q -c 17 -i 0.002 10.11.1.1
	wait $!
	equal "$(lost seen) $(lost read)" "17 0" "echo requests that a packet socket reads"
	# fragments to a port that nobody has
	attach eth0 --filter 'proto udp'
	listener 17 13
	on client "$T" udp-send 10.11.1.1 7000 13 --size 4000 --rate 1000
	wait $!
	equal "$(lost seen) $(lost read)" "56 0" "datagrams that a raw socket reads"
	# a packet socket of one protocol and one device has the packet itself, and IP a copy
	listener --packet-ip eth0 11
	udp host 10.11.1.1 11
	wait
	equal "$(lost seen) $(lost read)" "67 0" "datagrams that a packet socket reads"
	equal "$(rows xdp tc)" 67 "xdp -> tc"
	accounts
}

# keepalives: 97 of GRE come to the host, each of which has its answer inside: that is a packet of
# gre7, which is routed back
keepalives() {
	local dev
	for dev in all eth0 gre7; do on host sysctl -qw "net.ipv4.conf.$dev.rp_filter=0" "net.ipv4.conf.$dev.accept_local=1"; done
	attach gre7 --filter 'dev gre7 proto 47'
	on client iptables -t raw -A PREROUTING -s 10.11.1.1 -p gre
	{
		on host ip -j link show eth0
		on client ip -j link show eth0
	} | jq -rs --arg ip 45c0003000000000ff2fa4c60a0b01020a0b0101 --arg answer 45c0001800000000ff2fa4de0a0b01010a0b010200000000 '(map(.[0].address | gsub(":"; "")) | join("")) + "0800" + $ip + "00000800" + $answer' |
		awk '{ for (i = 0; i < 97; i++) print }' | on client "$HM_BUILD/tests/l2frames" send eth0
	answers() { [[ $(on client iptables -t raw -v -S PREROUTING) == *" -c 97 "* ]]; }
	busywait 5 answers
	busywait 5 forwarded 97
	accounts
}
forwarded() { [[ $(hookmap -j latency | jq .lost.last_seen.prerouting) == "$1" ]]; }

# bats test_tags=vm
@test "latency: tunnels without an Ethernet header: gre, ip6gre, ipip, sit" {
	local kind addr=10.99.0.1
	skip_without "ipip tunnels" on host ip link add x0 type ipip local 10.11.1.1 remote 10.11.1.2
	on host ip link del x0
	for kind in gre ip6gre ipip sit; do
		tunnel "$kind" "${kind}7"
		if [[ $kind == sit ]]; then
			on host ip addr add fd99::1/64 dev sit7 nodad
			on client ip addr add fd99::2/64 dev sit7 nodad
			addr=fd99::1
		fi
		run -0 attach "${kind}7" --sample 1 --filter "dev ${kind}7 proto tcp dport 7000"
		like "$output" "${kind}7 has no Ethernet header"
		ask client host "$addr"
		equal "$(rows socket app) $(rows tc app total)" "$COUNT $COUNT" "$kind: app"
		accounts
		[[ $kind != gre ]] || keepalives
		detach "${kind}7"
		nothing_left "${kind}7"
		for ns in host client; do on "$ns" ip link del "${kind}7"; done
	done
}

# bats test_tags=vm
@test "latency: what ESP has hidden is the same packet, which comes again" {
	local ns dir mode n from to spi
	skip_without ESP on host ip xfrm state add src 10.11.1.2 dst 10.11.1.1 proto esp spi 9 mode transport \
		enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha256)' 0x0011
	on host ip xfrm state flush
	for mode in transport tunnel; do
		for ns in host client; do
			on "$ns" ip xfrm state flush
			on "$ns" ip xfrm policy flush
			for dir in '10.11.1.2 10.11.1.1 7' '10.11.1.1 10.11.1.2 8'; do
				read -r from to spi <<<"$dir"
				on "$ns" ip xfrm state add src "$from" dst "$to" proto esp spi "$spi" reqid 1 mode "$mode" \
					enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha256)' 0x0011
				dir=in
				[[ $ns:$spi != host:8 && $ns:$spi != client:7 ]] || dir=out
				on "$ns" ip xfrm policy add src "$from" dst "$to" proto tcp dir "$dir" \
					tmpl src "$from" dst "$to" proto esp reqid 1 mode "$mode"
			done
		done
		attach eth0 --sample 1 --filter 'proto 50'
		ask client host 10.11.1.1
		n=$(lost seen)
		((n > COUNT))
		equal "$(rows socket app)" "$COUNT" "$mode: socket -> app"
		equal "$(rows prerouting input) $(rows prerouting input again)" "$n $n" "$mode: first and second time"
		equal "$(rows input "$([[ $mode == tunnel ]] && echo tc || echo prerouting)" again)" "$n" "$mode: where it comes again"
		accounts
		detach eth0
	done
}

# bats test_tags=vm
@test "latency: a bond by its own name: filter, rows, --next, and members that join later" {
	local mac
	skip_without bonding on host ip link add bond0 type bond mode balance-rr
	# (a member's own address would be the way back)
	for dev in eth0 veth0; do
		on host ip link set "$dev" down
		on host ip addr flush dev "$dev"
	done
	on host ip link set eth0 master bond0
	on host ip link set bond0 up
	on host ip addr add 10.11.1.1/24 dev bond0
	busywait 5 on client ping -q -c 1 -W 1 10.11.1.1
	fails 1 'bond0 is a bond: in native mode' attach bond0 --mode native
	run -0 attach bond0 --sample 1 --filter 'dev bond0 dport 7000'
	like "$output" "bond0 is a bond"
	ask client host 10.11.1.1
	equal "$(rows socket app) $(rows tc app total)" "$COUNT $COUNT" app
	# a member that joins now
	on host ip link set veth0 master bond0
	mac=$(on host ip -j link show bond0 | jq -r '.[0].address')
	on server ip addr add 10.11.1.9/24 dev eth0
	on server ip neigh replace 10.11.1.1 lladdr "$mac" dev eth0
	busywait 5 on host bash -c "ip link show veth0 | grep -q LOWER_UP"
	n=$(lost seen)
	on host "$T" udp-recv 10.11.1.1 7000 "$COUNT" --rcvbuf 80000000 >"$BATS_TEST_TMPDIR/udp" 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
	on server ip route replace 10.11.1.1/32 dev eth0
	on server "$T" udp-send 10.11.1.1 7000 "$COUNT" --rate 5000
	wait $!
	equal "$(lost seen)" $((n + COUNT)) "seen, of the new member too"
	equal "$(hookmap -j latency | jq -r '[.rows[].device] | unique | join(" ")')" bond0 device
	accounts
	# what runs behind ours has the bond's number. (Each second answer goes out by the new member)
	busywait 5 on client ping -q -c 1 -W 1 10.11.1.1
	on host "$HM_TOP/scripts/status.sh" --check bond0 >/dev/null
	attach bond0 --next "$HM_BUILD/tests/bpf/xdp_drop.o"
	on host "$HM_TOP/scripts/status.sh" --check bond0 >/dev/null
	equal "$(on host ip -j link show bond0 | jq '.[0].xdp.mode')" 2 "XDP mode"
	run ! on client ping -q -c 2 -i 0.05 -W 0.2 10.11.1.1
	attach bond0 --next none
	busywait 5 on client ping -q -c 1 -W 1 10.11.1.1
	detach bond0
	nothing_left bond0
}

# bats test_tags=vm
@test "latency: copies by a mirror are not taken for their packets, and a redirected one is itself" {
	on host ip link add ifb7 type ifb
	on host ip link set ifb7 up
	on host tc qdisc add dev ifb7 clsact
	skip_without "tc filters of kind matchall" on host tc filter add dev ifb7 ingress pref 5 matchall
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	on host tc filter add dev eth0 ingress pref 5 handle 1 matchall action mirred ingress mirror dev veth0
	ask client host 10.11.1.1
	equal "$(rows socket app) $(rows xdp app total)" "$COUNT $COUNT" "mirrored: app"
	equal "$(rows tc prerouting) $(rows prerouting input)" "$(lost seen) $(lost seen)" "mirrored: each once"
	on host tc filter del dev eth0 ingress pref 5
	on host tc filter add dev eth0 ingress pref 5 handle 1 matchall action mirred egress redirect dev ifb7
	ask client host 10.11.1.1
	equal "$(rows socket app)" $((2 * COUNT)) "redirected: app"
	accounts
}

@test "latency: multicast: of three receivers, the one that has the packet itself, and no clone by chance" {
	local i
	attach eth0 --sample 1 --filter 'proto udp'
	abi slots 6 # with one tag for each CPU
	on host ip addr add 239.1.2.3/32 dev eth0 autojoin
	for i in 1 2 3; do
		on host "$T" udp-recv 239.1.2.3 7000 220 --timeout 2 >"$BATS_TEST_TMPDIR/udp$i" 3>&- &
	done
	busywait 5 on host bash -c '(($(ss -Huln sport = :7000 | wc -l) == 3))'
	on client ip route add 239.1.2.3/32 dev eth0
	# (what is forwarded leaves stamps where clones come to lie)
	for i in {1..10}; do
		on client "$T" udp-send 10.11.2.2 7004 50
		on client "$T" udp-send 239.1.2.3 7000 22 --rate 2000 || true
	done
	wait
	equal "$(cat "$BATS_TEST_TMPDIR"/udp? | paste -sd ' ')" "220 220 220" "datagrams that arrived"
	equal "$(rows input socket) $(rows prerouting socket)" "220 0" "input -> socket, prerouting -> socket"
	equal "$(hookmap -j latency | jq '.lost | .started - .read - .on_the_way - ([.last_seen[]] | add)')" 0 "stamps that nobody knows of"
}

# bats test_tags=vm
@test "latency: fragments: each is one of prerouting, and each datagram one of input and app" {
	attach eth0 --sample 1 --filter 'proto udp'
	udp host 10.11.1.1 101 --size 4000 --rate 2000
	equal "$(lost seen) $(rows tc prerouting)" "303 303" "fragments"
	equal "$(rows prerouting input) $(rows input socket)" "101 101" "datagrams"
	# without fentry, one whose checksum is verified as it is copied is not seen
	! has fentry || equal "$(rows socket app)" 101 "datagrams that were read"
	accounts
}

@test "latency: threaded NAPI, SYN cookies, MPTCP, TCP Fast Open, the loopback: each request is one of app" {
	on host sysctl -qw net.ipv4.tcp_syncookies=2
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	on host bash -c 'mount -t sysfs sysfs /mnt && echo 1 >/mnt/class/net/eth0/threaded'
	ask client host 10.11.1.1
	equal "$(rows socket app) $(rows xdp app total)" "$COUNT $COUNT" app
	accounts
	if [[ -e /proc/sys/net/mptcp ]]; then
		on host "$T" tcp-server 10.11.1.1 7000 "$COUNT" --mptcp 3>&- &
		on client "$T" tcp-client 10.11.1.1 7000 "$COUNT" --mptcp
		wait $!
		equal "$(rows socket app)" $((2 * COUNT)) "MPTCP: app"
		accounts
	fi
	# (by all listeners, and without cookies of its own)
	for n in client host; do on "$n" sysctl -qw net.ipv4.tcp_fastopen=1543 net.ipv4.tcp_syncookies=1; done
	n=$(rows socket app)
	on host "$T" tcp-server 10.11.1.1 7000 "$COUNT" 3>&- &
	busywait 5 on host bash -c 'ss -Htln sport = :7000 | grep -q .'
	on client "$T" tcp-client 10.11.1.1 7000 "$COUNT" --fastopen
	wait $!
	equal "$(on host nstat -asz TcpExtTCPFastOpenPassive | awk '/FastOpen/ { print $2 }')" 1 "TCP Fast Open"
	equal "$(rows socket app)" $((n + COUNT)) "TCP Fast Open: app"
	accounts
	attach lo
	attach eth0 --filter 'dev lo proto tcp dport 7000'
	n=$(rows socket app)
	ask host host 127.0.0.1
	equal "$(rows socket app)" $((n + COUNT)) "loopback: app"
	accounts
}

@test "latency: what RPS moves to another CPU is counted, and measured from tc" {
	skip_without "two CPUs" test "$(nproc)" -gt 1
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	on host bash -c 'mount -t sysfs sysfs /mnt && echo 2 >/mnt/class/net/eth0/queues/rx-0/rps_cpus'
	# not by the CPU to which they are moved
	taskset -pc 0 "$BASHPID" >/dev/null
	ask client host 10.11.1.1
	taskset -pc "0-$(($(nproc) - 1))" "$BASHPID" >/dev/null
	equal "$(rows tc prerouting)" "$(lost started)" "tc -> prerouting"
	equal "$(rows xdp app total)" "$(lost read)" "xdp -> app"
	# (what the softirqs of one CPU do one after the other is found)
	(($(lost not_at_tc) > 0))
	equal "$(lost not_at_tc)" "$(($(lost seen) - $(lost started)))" "not at tc"
	attach eth0 --mode none
	n=$(lost read)
	ask client host 10.11.1.1
	equal "$(rows tc app total)" "$COUNT" "tc -> app"
	equal "$(lost read)" $((n + COUNT)) read
	# XDP in generic mode runs behind RPS
	detach eth0
	run -0 attach eth0 --sample 1 --filter 'proto tcp dport 7000' --mode generic
	[[ $output$(on host "$HM_TOP/scripts/status.sh" eth0) != *RPS* ]]
	taskset -pc 0 "$BASHPID" >/dev/null
	ask client host 10.11.1.1
	taskset -pc "0-$(($(nproc) - 1))" "$BASHPID" >/dev/null
	equal "$(rows xdp tc) $(rows xdp app total)" "$(lost seen) $COUNT" "generic: xdp -> tc, xdp -> app"
	accounts
}

# bats test_tags=vm
@test "latency: a macvlan in another namespace" {
	on host ip link add mv0 link eth0 type macvlan mode bridge
	upper_device
}

# bats test_tags=vm
@test "latency: an ipvlan in another namespace" {
	skip_without ipvlan on host ip link add mv0 link eth0 type ipvlan mode l2
	upper_device
	detach mv0 --netns "$LAB-server"
	on server ip link set dev mv0 type ipvlan mode l3s
	fails 1 'mv0: no packet would get to latency at tc: it is an ipvlan in mode l3s' attach mv0 --netns "$LAB-server"
	on server ip link set dev mv0 type ipvlan mode l3
	attach mv0 --netns "$LAB-server"
	on client ip neigh replace 10.11.1.8 lladdr "$(on host ip -j link show eth0 | jq -r '.[0].address')" dev eth0
	on server ip route replace 10.11.1.0/24 dev mv0
	n=$(rows tc container)
	ask client server 10.11.1.8
	equal "$(rows socket app)" $((2 * COUNT)) "mode l3: app"
	(($(rows tc container) > n + COUNT))
}

# bats test_tags=vm
@test "latency: a device of a VRF" {
	skip_without VRF on host ip link add vrf7 type vrf table 7
	on host ip link set vrf7 up
	on host ip link set eth0 master vrf7
	on host sysctl -qw net.ipv4.tcp_l3mdev_accept=1
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	# (an address of a VRF can be bound in it alone)
	ASKED=10.11.1.1 ask client host 0.0.0.0
	equal "$(rows socket app) $(rows xdp app total)" "$COUNT $COUNT" app
	accounts
}

# upper_device: mv0 of the host's eth0, in the server
upper_device() {
	on host ip link set mv0 netns "$LAB-server"
	on server ip link set mv0 up
	on server ip addr add 10.11.1.8/24 dev mv0
	busywait 5 on client ping -q -c 1 -W 1 10.11.1.8
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	attach mv0 --netns "$LAB-server"
	ask client server 10.11.1.8
	equal "$(rows socket app) $(rows xdp app total)" "$COUNT $COUNT" app
	equal "$(rows tc container)" "$(lost seen)" container
	accounts
}

# bats test_tags=vm
@test "latency: a stamp that is left behind is counted by the stage where it was last seen" {
	attach eth0 --sample 1 --filter 'proto udp'
	# a rule before ours drops; nobody has the port; nobody reads; a filter behind ours ends the list
	on host iptables -I INPUT -p udp --dport 7001 -j DROP
	on client "$T" udp-send 10.11.1.1 7001 211
	on client "$T" udp-send 10.11.1.1 7002 101
	job on host "$T" udp-recv 10.11.1.1 7003 31 --delay 60000
	busywait 5 on host bash -c 'ss -Huln sport = :7003 | grep -q .'
	on client "$T" udp-send 10.11.1.1 7003 31
	# forwarded: to where a filter at egress takes all
	on host tc qdisc add dev veth0 clsact
	on host tc filter add dev veth0 egress pref 1 handle 1 bpf da obj "$HM_BUILD/tests/bpf/tagger.o"
	on client "$T" udp-send 10.11.2.2 7004 29
	on host tc filter add dev eth0 ingress pref 10 handle 1 bpf da obj "$HM_BUILD/tests/bpf/tagger.o"
	on client "$T" udp-send 10.11.1.1 7005 53
	on host tc filter del dev eth0 ingress pref 10
	# XDP behind ours drops
	attach eth0 --next "$HM_BUILD/tests/bpf/xdp_drop.o"
	on client "$T" udp-send 10.11.1.1 7006 17
	attach eth0 --next none
	busywait 10 last_seen '{"tc":53,"prerouting":240,"input":101,"socket":31,"container":0}'
	equal "$(hookmap -j latency | jq -c '.lost | [.seen, .started, .read, .on_the_way, .not_at_tc, .slot_reused]')" "[442,425,0,0,17,0]" "sums"
	like "$(hookmap latency)" "0 read by applications, 0 on the way, 53 last seen at tc, 240 last seen at prerouting"
}

# bats test_tags=vm
@test "latency: a slot is taken from the stamp that is oldest, and that is a loss only within a second" {
	local lost
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	abi slots 6 # 8 sets of 4
	job on host "$T" udp-recv 10.11.1.1 7000 1 --delay 60000
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client taskset -c 0 "$T" udp-send 10.11.1.1 7000 101
	lost=$(lost slot_reused)
	equal "$(hookmap -j latency | jq '.lost | .started - .slot_reused == .on_the_way')" true "those of 32 slots, within a second"
	((lost >= 101 - 32))
	# (which is said of later stages: those that it had passed have it)
	equal "$(rows xdp tc)" 101 "xdp -> tc"
	like "$(hookmap latency)" "not in the rows: $lost slot reused (later stages)"
	busywait 5 last_seen '{"tc":0,"prerouting":0,"input":0,"socket":101,"container":0}'
	# as many as one set has
	on client taskset -c 0 "$T" udp-send 10.11.1.1 7000 4
	equal "$(lost slot_reused)" "$lost" "taken from those of more than a second ago"
	equal "$(hookmap -j latency | jq -c '.lost | [.on_the_way, .last_seen.socket]')" '[4,101]' "where they are"
	# or from TCP without payload, which ends at the socket
	abi acknowledgements 32 63
	on client taskset -c 0 "$T" udp-send 10.11.1.1 7000 4
	equal "$(lost slot_reused)" "$lost" "taken from acknowledgements"
}

last_seen() { [[ $(hookmap -j latency | jq -c .lost.last_seen) == "$1" ]]; }
