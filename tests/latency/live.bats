#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# latency on live packets: counts, protocols, places of delays

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }

STAGES='xdp:tc tc:prerouting prerouting:input input:socket'

all_stages() { # COUNT
	local pair
	for pair in $STAGES; do equal "$(rows "${pair%:*}" "${pair#*:}")" "$1" "$pair"; done
	equal "$(rows xdp socket total)" "$1" "total"
}

# slot_reused is left out: the application stage sees the packets of all namespaces, and
# counts there those of other suites that run at the same time
nothing_lost() {
	equal "$(hookmap -j latency | jq -c '[.lost | .bad_clock, .table_full, .merged, .not_at_tc]')" "[0,0,0,0]" lost
}

# bats test_tags=vm
@test "latency: every TCP request is counted once in each stage" {
	attach eth0 --sample 1 --filter 'dport 7000'
	tcp host 10.11.1.1 997
	# handshake, 997 requests, FIN; acknowledgements of answers travel with requests
	# or alone, and have no payload: only requests reach the application
	equal "$(rows socket app)" 997 "socket -> app"
	equal "$(rows xdp app total)" 997 "xdp -> app total"
	equal "$(rows tc prerouting)" "$(rows xdp tc)" "tc -> prerouting"
	equal "$(rows prerouting input)" "$(rows xdp tc)" "prerouting -> input"
	tcp host fd11:1::1 503
	equal "$(rows socket app)" 1500 "socket -> app with IPv6"
	nothing_lost
}

# bats test_tags=vm
@test "latency: every UDP datagram is counted once, IPv4 and IPv6" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	udp host 10.11.1.1 1009
	all_stages 1009
	udp host fd11:1::1 503
	all_stages 1512
	equal "$(lost seen)" 1512 seen
	equal "$(lost sampled)" 1512 sampled
	nothing_lost
}

# bats test_tags=vm
@test "latency: small datagrams are measured as far as the program that reads them" {
	skip_without fentry has fentry
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	udp host 10.11.1.1 211
	udp host fd11:1::1 101
	all_stages 312
	equal "$(rows socket app)" 312 "socket -> app"
	equal "$(rows xdp app total)" 312 "xdp -> app total"
	nothing_lost
}

@test "latency: a million packets over both CPUs, and the sums agree" {
	local jobs=() pair
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	attach veth0
	while read -r from addr cpu; do
		on host "$HM_BUILD/tests/traffic" udp-recv "$addr" 7000 500000 --window 100 >/dev/null 3>&- &
		jobs+=($!)
		busywait 5 on host bash -c "ss -Huln src $addr:7000 | grep -q ."
		on "$from" "$HM_BUILD/tests/traffic" udp-send "$addr" 7000 500000 --window 100 --cpu "$cpu" 3>&- &
		jobs+=($!)
	done <<<"client 10.11.1.1 0
server 10.11.2.1 $(($(nproc) - 1))"
	for pair in "${jobs[@]}"; do wait "$pair"; done
	equal "$(lost seen)" 1000000 seen
	all_stages 1000000
	nothing_lost
	# Each nanosecond of a total to the socket is in exactly one stage. (That to the application has
	# the same once more, and may be there: a packet of another suite, read at the address and with
	# the tag of one of ours.)
	equal "$(hookmap -j latency | jq '[.rows[] | select(.to != "app")] | ([.[] | select(.kind == "stage") | .sum_ns] | add) -
		([.[] | select(.kind == "total") | .sum_ns] | add)')" 0 "sum of the stages less sum of the totals"
}

@test "latency: both CPUs, softirqs on top of tasks, and a reader all the time: nothing is lost or goes back" {
	local addr cpu jobs=() last=$(($(nproc) - 1)) log=$BATS_TEST_TMPDIR/log
	attach eth0 --sample 1 --filter 'tcp and dport 7000'
	for cpu in 0 "$last"; do
		addr=10.11.1.1
		((!cpu || !last)) || addr=fd11:1::1
		# the reader of a flow and the softirqs of the other share a CPU
		on host taskset -c "$((last - cpu))" "$HM_BUILD/tests/traffic" tcp-server "$addr" 7000 3000 3>&- &
		jobs+=($!)
		busywait 5 on host bash -c "ss -Htln src [$addr]:7000 2>/dev/null | grep -q . || ss -Htln src $addr:7000 | grep -q ."
		on client taskset -c "$cpu" "$HM_BUILD/tests/traffic" tcp-client "$addr" 7000 3000 3>&- &
		jobs+=($!)
		((last)) || break
	done
	while kill -0 "${jobs[-1]}" 2>/dev/null; do hookmap -j latency; done >"$log"
	wait "${jobs[@]}"
	hookmap -j latency >>"$log"
	equal "$(rows socket app)" "$((3000 * ${#jobs[@]} / 2))" "socket -> app"
	equal "$(rows tc prerouting)" "$(rows xdp tc)" "tc -> prerouting"
	equal "$(rows prerouting input)" "$(rows xdp tc)" "prerouting -> input"
	nothing_lost
	# no number is out of bounds, and none is smaller than before
	equal "$(jq -c '.rows[] | select(.min_ns > .p50_ns or .p50_ns > .max_ns or .max_ns > 1e12 or .p999_ns == 0)' "$log" | head -n 1)" '' "row"
	equal "$(jq -s '[range(1; length) as $i | [.[$i - 1], .[$i]] | map(.lost | [.seen, .sampled, .started]) | select(.[1][0] < .[0][0] or .[1][1] < .[0][1] or .[1][2] < .[0][2])] | length' "$log")" 0 "counters that went back"
	(($(jq -s length "$log") > 2))
}

@test "latency: ICMP, IPv4 and IPv6" {
	attach eth0 --sample 1 --filter 'proto icmp'
	on client ping -q -c 23 -i 0.002 10.11.1.1
	equal "$(rows prerouting input)" 23 "echo requests"
	attach eth0 --filter 'proto icmp6'
	on client ping -q -c 19 -i 0.002 fd11:1::1
	# and neighbour discovery
	(($(rows prerouting input) >= 42))
	nothing_lost
}

@test "latency: answers to a ping are seen by the program that reads them" {
	attach eth0 --sample 1 --filter 'proto icmp'
	on host ping -q -c 17 -i 0.002 10.11.1.2
	equal "$(rows socket app)" 17
}

@test "latency: a tagged frame is measured from XDP to tc" {
	. "${BATS_TEST_DIRNAME}/../packets.bash"
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	for name in udp4_vlan udp4_qinq udp6_vlan; do
		packet "${FIXTURES[$name]}" "$BATS_TEST_TMPDIR/frame"
		on client "$HM_BUILD/tests/traffic" frame eth0 "$BATS_TEST_TMPDIR/frame" 13
	done
	equal "$(rows xdp tc)" 39
	nothing_lost
}

@test "latency: generic mode counts the same" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000' --mode generic
	equal "$(on host ip -j link show eth0 | jq '.[0].xdp.mode')" 2 "XDP mode"
	udp host 10.11.1.1 311
	all_stages 311
	attach eth0 --mode native
	equal "$(on host ip -j link show eth0 | jq '.[0].xdp.mode')" 1 "XDP mode"
	udp host 10.11.1.1 100
	all_stages 411
	nothing_lost
	detach eth0
	nothing_left
}

@test "latency: without XDP, tc is the first stage" {
	attach eth0 --sample 1 --mode none --filter 'proto udp dport 7000'
	equal "$(on host ip -j link show eth0 | jq '.[0].xdp')" null XDP
	udp host 10.11.1.1 211
	equal "$(rows tc prerouting)" 211 "tc -> prerouting"
	equal "$(lost seen)" 211 seen
	equal "$(rows tc socket total)" 211 total
	equal "$(rows xdp tc)" 0 "xdp -> tc"
	attach eth0 # stays so
	equal "$(on host ip -j link show eth0 | jq '.[0].xdp')" null XDP
	detach eth0
	nothing_left
}

@test "latency: a container's interface is a stage of its own" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	attach eth0 --netns "$LAB-server"
	udp server 10.11.2.2 307
	equal "$(rows xdp tc)" 307
	equal "$(rows prerouting container)" 307
	equal "$(rows container socket)" 307
	equal "$(hookmap -j latency | jq -r '.rows[] | select(.to == "container") | "\(.device) \(.netns)"')" "eth0 $LAB-server"
	equal "$(hookmap -j latency | jq -r '.rows[] | select(.to == "tc") | "\(.device) \(.netns)"')" "eth0 $LAB-host"
	nothing_lost
}

@test "latency: two devices at once have rows of their own" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	attach veth0
	udp host 10.11.1.1 101
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.2.1 7000 53 >/dev/null 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
	on server "$HM_BUILD/tests/traffic" udp-send 10.11.2.1 7000 53
	wait $!
	equal "$(hookmap -j latency | jq -c '[.rows[] | select(.kind == "total") | [.device, .count]] | sort')" '[["eth0",101],["veth0",53]]'
}

@test "latency: GRO goes on merging, and nothing comes out of order" {
	on host ethtool -K eth0 gro on
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	on host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 2000 --size 60000 3>&- &
	on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 2000 --size 60000
	wait $!
	# two thousand times 60 000 bytes are over 80 000 segments
	(($(lost seen) > 80000))
	(($(rows xdp tc) < $(lost seen) / 2))
	(($(lost merged) > 0))
	equal "$(rows tc prerouting)" "$(rows xdp tc)" "tc -> prerouting"
	equal "$(on host nstat -asz TcpExtTCPOFOQueue | awk '/OFO/ { print $2 }')" 0 "segments out of order"
}

@test "latency: in-packet and transparent mode say the same, and checksums stay right" {
	local addr option n=0
	# no offload: the receiver checks the checksums
	on client ethtool -K eth0 tx off
	attach eth0 --sample 1 --filter 'proto udp dport 7000' --inpacket 7000
	for addr in 10.11.1.1 fd11:1::1 '10.11.1.1 --no-check'; do
		read -r addr option <<<"$addr"
		on host "$HM_BUILD/tests/traffic" udp-recv "$addr" 7000 101 --stamps >>"$BATS_TEST_TMPDIR/stamps" 3>&- &
		busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
		# shellcheck disable=SC2086
		on client "$HM_BUILD/tests/traffic" udp-send "$addr" 7000 101 $option
		wait $!
	done
	equal "$(wc -l <"$BATS_TEST_TMPDIR/stamps")" 303 datagrams
	# the histogram of what the datagrams say is the histogram of what was counted
	awk '{ d = $2 - $1; print d }' "$BATS_TEST_TMPDIR/stamps" | jq -s '[.[] | [., 1]]' >"$BATS_TEST_TMPDIR/deltas"
	equal "$(hookmap -j --buckets latency | jq --slurpfile d "$BATS_TEST_TMPDIR/deltas" -c '
		(.rows[] | select(.to == "tc") | .buckets) as $b | [$b[][0]] as $le
		| [$d[0][][0] | . as $v | [$le[] | select(. >= $v)][0]] | group_by(.) | map([.[0], length]) == $b')" true "agreement"
	# and off again
	attach eth0 --inpacket off
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7000 1 --stamps >"$BATS_TEST_TMPDIR/off" 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 1
	wait $!
	equal "$(cat "$BATS_TEST_TMPDIR/off")" "0 0 0"
}

@test "latency: in-packet mode adds the container's stamp" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000' --inpacket 7000
	attach eth0 --netns "$LAB-server"
	on server "$HM_BUILD/tests/traffic" udp-recv 10.11.2.2 7000 29 --stamps >"$BATS_TEST_TMPDIR/stamps" 3>&- &
	busywait 5 on server bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.2.2 7000 29
	wait $!
	equal "$(awk '$1 > 0 && $2 > $1 && $3 > $2' "$BATS_TEST_TMPDIR/stamps" | wc -l)" 29 "datagrams with three stamps in order"
}

@test "latency: sampling and filter change while attached" {
	attach eth0 --sample 1 --filter 'proto udp dport 7001'
	udp host 10.11.1.1 50
	equal "$(lost seen)" 0 "seen, another port"
	attach eth0 --filter 'dport 7000 src 10.11.1.0/24'
	udp host 10.11.1.1 50
	equal "$(lost seen)" 50 "seen, this port"
	udp host fd11:1::1 50
	equal "$(lost seen)" 50 "seen, not IPv6"
	attach eth0 --sample 1000000
	udp host 10.11.1.1 200
	equal "$(lost seen)" 250 "seen, sampled"
	(($(lost sampled) <= 55))
	attach eth0 --filter 'dev veth0' --sample 1
	udp host 10.11.1.1 50
	equal "$(lost seen)" 250 "seen, another device"
	# by its number in this namespace, whatever /sys shows
	attach eth0 --filter 'dev eth0 proto udp dport 7000'
	udp host 10.11.1.1 50
	equal "$(lost seen)" 300 "seen, this device"
	attach eth0 --filter none
	udp host 10.11.1.1 50
	(($(lost seen) >= 350))
}

@test "latency: packets keep their stamps through NAT and decapsulation" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	on host iptables -t nat -A PREROUTING -i eth0 -p udp --dport 7000 -j REDIRECT --to-ports 7001
	on host "$HM_BUILD/tests/traffic" udp-recv 10.11.1.1 7001 211 >"$BATS_TEST_TMPDIR/udp" 3>&- &
	busywait 5 on host bash -c 'ss -Huln sport = :7001 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 211 3>&-
	wait
	equal "$(cat "$BATS_TEST_TMPDIR/udp")" 211 "datagrams that arrived"
	all_stages 211
	nothing_lost

	skip_without VXLAN on host ip link add vx0 type vxlan id 7 dstport 4789 local 10.11.1.1 remote 10.11.1.2
	on client ip link add vx0 type vxlan id 7 dstport 4789 local 10.11.1.2 remote 10.11.1.1
	for ns in host client; do on "$ns" ip link set vx0 up; done
	on host ip addr add 10.99.0.1/24 dev vx0
	on client ip addr add 10.99.0.2/24 dev vx0
	attach eth0 --filter 'proto udp dport 4789'
	udp host 10.99.0.1 199
	# the neighbours ask each other, too
	(($(rows input socket) >= 211 + 199))
	nothing_lost
}

# decided NS DEV HOOK SECTION ADDR: of 20 000 datagrams to ADDR, how many a reader of tc_index there lets through
decided() {
	local to=host
	[[ $5 != 10.11.2.2 ]] || to=server
	on "$1" tc qdisc replace dev "$2" clsact
	on "$1" tc filter add dev "$2" "$3" pref 10 handle 1 bpf da obj "$HM_BUILD/tests/bpf/index_reader.o" sec "$4"
	on "$to" "$HM_BUILD/tests/traffic" udp-recv "$5" 7000 20000 --timeout 1 >"$BATS_TEST_TMPDIR/udp" 3>&- &
	busywait 5 on "$to" bash -c 'ss -Huln sport = :7000 | grep -q .'
	on client "$HM_BUILD/tests/traffic" udp-send "$5" 7000 20000
	wait || true
	on "$1" tc filter del dev "$2" "$3" pref 10
	cat "$BATS_TEST_TMPDIR/udp"
}

@test "latency: who decides by tc_index decides as without us: by the low bits anywhere, by all where ours ends" {
	local said
	attach eth0 --mode none --sample 1 --filter 'proto udp dport 7000'
	equal "$(decided host eth0 ingress classifier 10.11.1.1)" 0 "got through behind ours"
	# nor on the way of what is forwarded, at another device's egress, and in another namespace
	equal "$(decided host veth0 egress classifier 10.11.2.2)" 0 "got through at egress"
	equal "$(decided server eth0 ingress classifier 10.11.2.2)" 0 "got through in another namespace"
	equal "$(lost started)" 60000 "measured"
	# by all bits: as attach says
	equal "$(decided host veth0 egress classifier/all 10.11.2.2)" 20000 "got through, by all bits"
	on host tc filter add dev veth0 egress pref 10 handle 1 bpf da obj "$HM_BUILD/tests/bpf/index_reader.o"
	said=$(attach eth0 2>&1 | grep tc_index)
	like "$said" "index_reader (id "
	like "$said" " on veth0 reads skb->tc_index, whose bits 5 to 15 are set in measured packets"
	on host bash -ec "${said##*end the measurement before it: }"
	# which is all that there was to do
	said=$(
		attach eth0 2>&1
		on host "$HM_TOP/scripts/status.sh" --check
	)
	[[ $said != *tc_index* ]]
	on host tc filter del dev veth0 egress pref 10
	equal "$(decided host veth0 egress classifier/all 10.11.2.2)" 0 "got through, by all bits"
	equal "$(decided server eth0 ingress classifier/all 10.11.2.2)" 0 "got through in another namespace, by all bits"
	equal "$(hookmap -j latency | jq -c '.lost | [.started, .on_the_way]')" "[120000,0]" "measured to the end"
	"$HM_TOP/scripts/detach.sh" --all
	equal "$(on host tc filter show dev veth0 egress)" "" "filters"
}

# bats test_tags=layout
@test "latency: an impossible time is counted, and a stamp of another packet not taken" {
	attach eth0 --sample 1 --filter 'proto tcp dport 7000'
	for damage in skb last; do
		on host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7000 1 --delay 6000 3>&- &
		on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7000 1 --timeout 25 3>&- &
		# the request waits in the socket's queue: change its stamp
		busywait 10 damage_stamp "$damage"
		wait
		equal "$(rows socket app)" 0 "socket -> app"
		equal "$(lost read)" "$([[ $damage == skb ]] && echo 0 || echo 1)" "read"
	done
	equal "$(lost bad_clock)" 1 bad_clock
}

# damage_stamp FIELD: of the request that waits in the server's queue, and of the handshake's
# segments, which are last seen at the socket (stage 5), too
damage_stamp() {
	local slots slot at=15 raw # last: far in the future
	[[ $1 != skb ]] || at=22
	equal "$(on host ss -Htn state established sport = :7000 | awk '{ print $1 }')" 64 || return 1
	# jq takes 65536 rows too slowly
	slots=$(bpftool -j map dump pinned "$G/lat_stamp" | tr '}' '\n' |
		sed -n 's/.*"formatted":{"key":\([0-9]*\),.*"skb":[1-9].*"stage":5,.*/\1/p')
	[[ -n $slots ]] || return 1
	for slot in $slots; do
		mapfile -t raw < <(bpftool -j map lookup pinned "$G/lat_stamp" key $((slot & 255)) $((slot >> 8)) 0 0 | jq -r '.value[] | ltrimstr("0x")')
		raw[at]=7f
		bpftool map update pinned "$G/lat_stamp" key $((slot & 255)) $((slot >> 8)) 0 0 value hex "${raw[@]}"
	done
}

# bats test_tags=layout
@test "latency: a full table is counted and harms nothing" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	# rows of a device that is not there
	jq -rn --arg pin "$G/lat_hist" --argjson cpus "$(nproc --all)" 'range(2048) | "map update pinned \($pin) key \([. % 256, (. / 256 | floor), 0, 9, 255, 255, 0, 0]
		| map(tostring) | join(" ")) value \([range(152) | "0"] | join(" "))"' >"$BATS_TEST_TMPDIR/batch"
	# the kernel's allocator for such maps can be empty for a moment
	busywait 20 bpftool batch file "$BATS_TEST_TMPDIR/batch"
	udp host 10.11.1.1 103
	equal "$(cat "$BATS_TEST_TMPDIR/udp")" 103 "datagrams that arrived"
	equal "$(rows xdp tc)" 0
	# four stages and a total each
	equal "$(lost table_full)" 515 table_full
	# those rows make room when the next device is attached
	on host ip link add v0 type veth peer name v1
	like "$(attach v0 --mode none 2>&1)" 'note: v0: 2048 rows of devices that were measured before are removed'
	udp host 10.11.1.1 103
	equal "$(rows xdp tc)" 103
	equal "$(lost table_full)" 515 table_full
}

@test "latency: a device that has the number of one that was measured does not have its rows" {
	attach eth0 --sample 1
	on host ip link add weba index 900 type veth peer name peer0 netns "$LAB-client"
	on host ip addr add 192.0.2.1/30 dev weba
	on host ip link set weba up
	on client ip addr add 192.0.2.2/30 dev peer0
	on client ip link set peer0 up
	attach weba --mode none
	of() { hookmap -j latency | jq --arg dev "$1" '[.rows[] | select(.device == $dev and .to == "prerouting") | .count] | add // 0'; }
	on client ping -q -c 7 -i 0.05 192.0.2.1
	(($(of weba) >= 7))
	on host ip link del weba
	on host ip link add dbprod index 900 type veth peer name peer0 netns "$LAB-client"
	like "$(attach dbprod --mode none 2>&1)" 'rows of devices that were measured before are removed'
	equal "$(of weba) $(of dbprod)" '0 0' 'rows of the old one, of the new one'
	# a second attach of one that is measured keeps its rows
	before=$(of eth0)
	udp host 10.11.1.1 11
	attach eth0 --sample 1
	(($(of eth0) >= before + 11))
}

@test "latency: rows of a device that has vanished keep its name, whatever device has its ifindex" {
	local out
	called() { # NAME OTHER
		local count
		count=$(hookmap -j latency | jq --arg dev "$1" '[.rows[] | select(.device == $dev and .to == "prerouting") | .count] | add')
		equal "$count" 7 "rows of $1"
		equal "$(hookmap -j latency | jq --arg dev "$2" '[.rows[] | select(.device == $dev)] | length')" 0 "rows of $2"
		out=$(hookmap latency)
		like "$out" "*$1*"
		run ! grep -w "$2" <<<"$out"
		out=$(hookmap --prom)
		like "$out" "hookmap_stage_latency_seconds_count{from=\"tc\",to=\"prerouting\",device=\"$1\""
		run ! grep "device=\"$2\"" <<<"$out"
		equal "$(hookmap -j status | jq -c --arg dev "$1" '[.devices[] | select(.device == $dev)] | length')" 1 "$1 in status"
	}
	attach eth0 --sample 1 --filter 'proto icmp'
	on host ip link add weba index 900 type veth peer name peer0 netns "$LAB-client"
	on host ip addr add 192.0.2.1/30 dev weba
	on host ip link set weba up
	on client ip addr add 192.0.2.2/30 dev peer0
	on client ip link set peer0 up
	attach weba
	on client ping -q -c 7 -i 0.05 192.0.2.1
	called weba dbprod
	# a renamed one has its programs, at XDP or at tc
	on host ip link set weba name webb
	called webb weba
	on host ip link set webb xdp off
	called webb weba
	on host ip link del webb
	on host ip link add dbprod index 900 type veth peer name peer0 netns "$LAB-client"
	called weba dbprod
	# what somebody has attached to it does not make it ours
	on host ip link set dbprod xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o" sec prog
	called weba dbprod
}

@test "latency: the oldest namespace in which nothing is attached makes room for the 256th" {
	local i rest before
	of() { hookmap -j latency | jq --arg ns "$1" '[.rows[] | select(.netns == $ns) | .count] | add // 0'; }
	attach eth0 --sample 1
	attach eth0 --netns "$LAB-server"
	udp server 10.11.2.2 103
	detach eth0 --netns "$LAB-server"
	(($(of "$LAB-server") >= 103))
	before=$(of "$LAB-host")
	# eth0 is in 1, that was 2; the others have come later, and are not of this machine
	rest=$(printf ' 00%.0s' {1..56})
	for ((i = 3; i < 256; i++)); do
		printf 'map update pinned %s/hm_netns key hex %02x 00 00 00 value hex %02x 01 00 00 00 00 00 00 00 00 00 00 00 00 00 7f%s\n' "$G" "$i" "$i" "$rest"
	done >"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	ip netns add new
	ip -n new link add n0 type veth peer name n1
	like "$(attach n0 --netns new 2>&1)" 'note: n0: [0-9]* rows of devices that were measured before are removed'
	equal "$(of "$LAB-server") $(of new)" "0 0" 'its rows, those of the new one'
	(($(of "$LAB-host") >= before)) # (neighbours ask now and then)
	equal "$(bpftool -j map lookup pinned "$G/hm_netns" key 2 0 0 0 | jq -r .formatted.value.name)" new
	detach n0 --netns new
	ip netns del new
}

@test "latency: the maps take at most 8 MiB" {
	attach eth0 --sample 1
	udp host 10.11.1.1 1000
	tcp host 10.11.1.1 100
	memory=$(hookmap -j status | jq '[.rows[].memory] | add')
	((memory > 0 && memory <= 8 * 1024 * 1024))
}
