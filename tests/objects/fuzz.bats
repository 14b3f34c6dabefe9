#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Every packet program on hostile frames, with what its maps would hold: it returns only
# what its comment says, leaves frames right, and counts each of them. Driven by what is
# in build/: a new object is in with no edit here.
#   FUZZ_COUNT=1000000 FUZZ_SEED=7 bats tests/objects/fuzz.bats      (make fuzz)

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../objects.bash"
. "${BATS_TEST_DIRNAME}/../packets.bash"

COUNT=${FUZZ_COUNT:-8000} SEED=${FUZZ_SEED:-1}

setup() {
	local i
	LACKING=()
	mkdir -p /sys/fs/bpf/t
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	device d0 02000000d000
	devices
	CORPUS=$BATS_TEST_TMPDIR/corpus
	make_corpus >"$CORPUS"
}

devices() {
	local i
	for i in 1 2 3 4; do device "p$i" "0200000000f$i"; done
}

device() { # NAME MAC
	local mac
	mac=$(sed 's/../&:/g; s/:$//' <<<"$2")
	ip link add name "$1" address "$mac" numrxqueues 4 numtxqueues 4 type veth peer name "q${1#?}"
	ip link set "$1" up
	ip link set "q${1#?}" up
}

# Frames, and the words that the rules below are about.
make_corpus() {
	local file name i
	for file in "$HM_TOP"/tests/packets/*.hex; do
		printf 'frame %s\n' "$(sed 's/#.*//' "$file" | tr -d ' \n')"
	done
	for name in "${!FIXTURES[@]}"; do printf 'frame %s\n' "${FIXTURES[$name]}"; done | sort
	for i in 1 2 3 4 5; do printf 'mac 0200000000f%s\nmac 02000000000%s\n' "$i" "$i"; done
	printf 'vlan %04x\n' 0 1 10 20 29 30 100 4095
	printf 'ip4 %s\n' 0a0b0101 0a0b0102 c6336401 c6336402 cb007105 c0000201 7f000001 e0000001 ffffffff 00000000
	printf 'ip6 %s%s\n' fd110001000000000000000000000001 '' fd110001000000000000000000000002 '' \
		20010db8 009900000000000000000001 20010db8 00aa00000000000000000005 fe80 0000000000000000000000000001 \
		ff02 0000000000000000000000000001 000000000000000000000000 00000001
	printf 'port %04x\n' 7000 4789 53 80 443 8000 8080 0 65535
}

# --- what the comment of a source says that it returns, as the verdicts' numbers

documented() { # FOLDER NAME SECTION
	local text word numbers=()
	local -A number=([XDP_ABORTED]=0 [XDP_DROP]=1 [XDP_PASS]=2 [XDP_TX]=3 [XDP_REDIRECT]=4
		[TC_ACT_UNSPEC]=-1 [TC_ACT_OK]=0 [TC_ACT_RECLASSIFY]=1 [TC_ACT_SHOT]=2 [TC_ACT_PIPE]=3
		[TC_ACT_STOLEN]=4 [TC_ACT_QUEUED]=5 [TC_ACT_REPEAT]=6 [TC_ACT_REDIRECT]=7 [TC_ACT_TRAP]=8)
	text=$(sed '/\*\//q; s/^ \* *//' "$HM_TOP/$1/$2.c" | tr '\n' ' ' | grep -oE '(Returns|Matches every)[^.]*') || return 0
	# an object's other programs do what their names say
	[[ $3 == prog || $1 != xdp ]] || return 0
	while read -r word; do numbers+=("${number[$word]}"); done < <(grep -oE '(XDP|TC_ACT)_[A-Z]+' <<<"$text")
	[[ $text != 'Returns 1 '* && $text != 'Matches every'* ]] || numbers=(1)
	(
		IFS=,
		printf '%s\n' "${numbers[*]}"
	)
}

# keep FOLDER/NAME: what it may change
keep() {
	case ${1#*/} in
	latency) if [[ $1 == tc/* ]]; then echo sums; else echo frame; fi ;;
	l2fwd) echo packet ;;
	policy) echo route ;;
	count | hello | pass | path | path_socket | steps | tail_[ab]) echo frame ;;
	*) echo sums ;;
	esac
}

# --- one program: fuzz LABEL PROGRAM OPTION... Sums are in FRAMES, BYTES and V[verdict]

declare -gA V
fuzz() {
	local label=$1 prog=$2 what a b line=''
	shift 2
	"$HM_BUILD/tests/fuzz" --seed "$SEED" --count "$COUNT" "$@" "$prog" "$CORPUS" >"$BATS_TEST_TMPDIR/fuzz" || {
		printf '%s: tests/fuzz %s\n' "$label" "$*" >&2
		return 1
	}
	while read -r what a b; do
		case $what in
		frames) FRAMES=$((FRAMES + a)) line+=" $a" ;;
		bytes) BYTES=$((BYTES + a)) ;;
		changed) CHANGED=$((CHANGED + a)) ;;
		refused) REFUSED=$((REFUSED + a)) ;;
		verdict) V[$a]=$((${V[$a]:-0} + b)) line+=" $a:$b" ;;
		esac
	done <"$BATS_TEST_TMPDIR/fuzz"
	[[ -z ${FUZZ_COUNT:-} ]] || printf '# %-34s%s\n' "$label" "$line" >&3
}

# each FOLDER: loads every program of the folder, fuzzes it, compares its counters
each() {
	local object name section program
	objects "$1"
	for object in "${OBJECTS[@]}"; do
		name=$(basename "$object" .o)
		[[ $1 != kern ]] || programs "$object" | grep -q '^cgroup_skb/' || continue
		BEFORE='' DEVS=(d0)
		[[ $(type -t "state_$1_$name") != function ]] || "state_$1_$name"
		# of all its programs, which share maps
		FRAMES=0 BYTES=0 CHANGED=0 REFUSED=0 V=()
		while read -r section program; do
			# these have no test run
			[[ $section != xdp/*map* && ($1 != kern || $section == cgroup_skb/*) ]] || continue
			load "$1" "$object" "$section" "$program"
			[[ $(type -t "set_$name") != function ]] || "set_$name"
			fuzz_one "$1/$name" "$section" "$program"
		done < <(programs "$object")
		[[ $(type -t "count_$1_$name") != function ]] || "count_$1_$name"
		ip -force link set dev d0 xdp off
		tc qdisc del dev d0 clsact 2>/dev/null || true
		[[ $(type -t "state_$1_$name") != function ]] || anew
		fresh
	done
}

# what state_* has done goes with the devices, and with detach where it is more
anew() {
	local i
	[[ ! -e $G/lat_cfg ]] || "$HM_TOP/scripts/detach.sh" p1
	for i in 1 2 3 4; do ip link del "p$i"; done
	devices
}

index() { ip -j link show dev "$1" | jq '.[0].ifindex'; }

load() { # FOLDER OBJECT SECTION PROGRAM: PROG is it
	case $1 in
	xdp)
		must "$2" ip -force link set dev d0 xdp obj "$2" sec "$3"
		PROG=id:$(ip -j -d link show dev d0 | jq '.[0].xdp.prog.id')
		;;
	tc)
		must "$2" tc qdisc replace dev d0 clsact
		must "$2" tc filter replace dev d0 ingress pref 1 handle 1 bpf da obj "$2" sec "$3"
		PROG=id:$(tc -j filter show dev d0 ingress | jq '.[] | .options.prog.id // empty')
		;;
	*)
		shared_maps "$2"
		[[ $1 == kern ]] || MAPS+=(type socket)
		rm -rf /sys/fs/bpf/t/p
		must "$2" bpftool -n prog loadall "$2" /sys/fs/bpf/t/p "${MAPS[@]}"
		PROG=/sys/fs/bpf/t/p/$4
		;;
	esac
}

fuzz_one() { # FOLDER/NAME SECTION PROGRAM
	local allow dev
	allow=$(documented "${1%/*}" "${1#*/}" "$2")
	for dev in "${DEVS[@]}"; do
		fuzz "$1 $3 ($dev)" "$PROG" --ifindex "$(index "$dev")" --queues 4 --keep "$(keep "$1")" \
			${allow:+--allow "$allow"} ${BEFORE:+--before "$BEFORE"}
	done
}

# sum MAP JQ: over the CPUs and elements of a pinned map
sum() { bpftool -j map dump pinned "$1" | jq "[.[].formatted | (.values // [.])[].value | $2] | add // 0"; }

pin() { # MAP: where it is pinned
	if [[ -e $G/$1 ]]; then echo "$G/$1"; else echo "/sys/fs/bpf/t/$1"; fi
}

# zeros MAP BYTE...: element 0 begins with these bytes, in hex, the rest is zero
zeros() {
	local map bytes=("${@:2}") size
	map=$(pin "$1")
	size=$(bpftool -j map show pinned "$map" | jq .bytes_value)
	while ((${#bytes[@]} < size)); do bytes+=(00); done
	bpftool map update pinned "$map" key 0 0 0 0 value hex "${bytes[@]}"
}

# --- count: each frame and byte

# XDP's object brings the map, with its types
state_iptables_count() { ip link set dev p1 xdp obj "$HM_BUILD/xdp/count.o"; }
state_kern_count() { state_iptables_count; }

count_all() { # BYTES
	equal "$(sum "$(pin count_stat)" .packets)" "$FRAMES" "packets of count"
	equal "$(sum "$(pin count_stat)" .bytes)" "$1" "bytes of count"
}
count_xdp_count() { count_all "$BYTES"; }
count_tc_count() { count_all "$BYTES"; }
# from the IP header on
count_iptables_count() { count_all $((BYTES - 14 * FRAMES)); }
count_kern_count() { count_all $((BYTES - 14 * FRAMES)); }

# --- hello: it would print a line a frame for the whole machine

set_hello() { zeros hello_cfg 00 00 00 00 01; }

# --- l2fwd: ports of all modes, entries, rules, guards; frames come in by each of them

state_xdp_l2fwd() {
	local i vlan
	for i in 1 2 3 4; do "$HM_TOP/scripts/attach.sh" "p$i" l2fwd 2>/dev/null; done
	fdb() { "$HM_TOP/scripts/fdb.sh" "$@"; }
	fdb port p1 mode trunk 1,10,20-30 native 1 translate 100:20 miss drop bcast pass mcast drop
	fdb port p2 mode access 10 miss flood bcast flood mcast flood storm 100
	fdb port p3 mode trunk 1,10,20 proto 802.1ad hairpin on
	fdb port p4 mode transparent
	for i in 1 2 3; do for vlan in 1 10 20; do
		printf '02:00:00:00:00:0%s dev p%s vlan %s\n' "$i" "$i" "$vlan"
	done; done >"$BATS_TEST_TMPDIR/entries"
	printf '02:00:00:00:00:0%s dev p%s\n' 4 4 >>"$BATS_TEST_TMPDIR/entries"
	fdb load "$BATS_TEST_TMPDIR/entries"
	fdb add 02:00:00:00:00:f1 local vlan 1
	fdb acl p2 load - <<-'EOF'
		10 deny proto udp dport 53
		20 permit src 10.11.1.0/24 proto tcp dport 80-443
		30 deny fragment yes
		40 permit src fd11:1::/64
		50 permit vlan 20
		60 permit ethertype arp
	EOF
	fdb acl p2 default deny
	fdb acl p4 add 10 deny dst 10.11.1.1/32
	fdb guard p3 on
	fdb guard p3 add 02:00:00:00:00:05 10.11.1.2 fd11:1::2
	fdb guard p3 add 02:00:00:00:00:04
	DEVS=(p1 p2 p3 p4 d0)
}

# what came in by a port went out, to the stack, or is dropped, and is counted as such once
count_xdp_l2fwd() {
	local ports
	ports=$(hookmap -j --summary fdb)
	total() { jq "[.ports[] | $1] | add" <<<"$ports"; }
	reasons() { total "[.reasons | to_entries[] | select(.key | startswith(\"$1\")) | .value] | add // 0"; }
	equal "$(total .rx_packets)" "$FRAMES" "frames of l2fwd"
	equal "$(total .rx_bytes)" "$BYTES" "bytes of l2fwd"
	equal "$(total .tx_packets)" "${V[4]}" "redirected by l2fwd"
	equal "$(reasons drop_)" "${V[1]}" "dropped by l2fwd"
	equal "$(($(reasons pass_) + $(reasons flood)))" "${V[2]}" "passed by l2fwd"
	((V[1] > COUNT / 10 && V[4] > COUNT / 50 && CHANGED > COUNT / 100))
	for reason in malformed control unknown broadcast multicast local; do (($(reasons "pass_$reason"))); done
	for reason in unknown vlan_in vlan_out same_port acl source_mac source_ip; do
		(($(reasons "drop_$reason"))) || {
			printf 'no frame was dropped for %s\n' "$reason" >&2
			return 1
		}
	done
}

# --- latency: XDP stamps every packet, tc takes each of them

state_xdp_latency() {
	"$HM_TOP/scripts/attach.sh" p1 latency --sample 1
}
state_tc_latency() {
	"$HM_TOP/scripts/attach.sh" p1 latency --sample 1 --inpacket 7000
	BEFORE=id:$(ip -j -d link show dev p1 | jq '.[0].xdp.prog.id') DEVS=(p1)
}

count_xdp_latency() {
	local seen
	seen=$(sum "$G/lat_stat" .seen)
	equal "$(sum "$G/lat_stat" .sampled)" "$seen" "sampled"
	# more than half of them can be read, but not all
	((seen > FRAMES / 3 && seen < FRAMES))
	"$HM_TOP/scripts/attach.sh" p1 latency --filter 'proto udp dport 7000 src 10.11.1.0/24 dst 10.11.1.0/24'
	fuzz_one xdp/latency prog latency_xdp
	seen=$(($(sum "$G/lat_stat" .seen) - seen))
	((seen > 0 && seen < FRAMES / 4))
}

count_tc_latency() {
	local sampled started
	# half of the frames went to latency_end, which starts nothing
	sampled=$(($(sum "$G/lat_stat" .sampled) / 2)) started=$(sum "$G/lat_stat" .started)
	# those of which no skb was made wait in the ring
	((started > FRAMES / 6 && started <= sampled && sampled - started <= REFUSED / 2))
	# stamps were written into datagrams
	((CHANGED > 0))
}

# --- path: all that match are an event, or counted as lost

# by hand: with attach, its tracepoints would see the whole machine
set_path() { zeros path_cfg 01; }
set_path_socket() { set_path; }
state_iptables_path() { ip link set dev p1 xdp obj "$HM_BUILD/xdp/path.o"; }
state_kern_path_socket() { state_iptables_path; }
matched() { echo $(($(sum "$G/path_stat" .ring.events) + $(sum "$G/path_stat" .ring.lost))); }
count_iptables_path() { equal "$(matched)" "${V[1]}" "packets of path"; }
count_path() {
	local n
	n=$(matched)
	((n > FRAMES / 3 && n < FRAMES))
}
count_xdp_path() { count_path; }
count_tc_path() { count_path; }
count_kern_path_socket() { count_path; }

# --- policy: rules of every action

state_tc_policy() {
	local i
	sysctl -qw net.ipv4.ip_forward=1
	for i in 1 2 3; do
		sysctl -qw "net.ipv6.conf.p$i.disable_ipv6=0"
		ip addr add "10.11.$i.1/24" dev "p$i"
		ip addr add "fd11:$i::1/64" dev "p$i" nodad
		ip neigh add "10.11.$i.2" lladdr "02:00:00:00:00:0$i" nud permanent dev "p$i"
		ip neigh add "fd11:$i::2" lladdr "02:00:00:00:00:0$i" nud permanent dev "p$i"
	done
	sysctl -qw net.ipv6.conf.all.forwarding=1
	ip route add default via 10.11.2.2
	ip route add default via fd11:2::2
	ip route add default via 10.11.3.2 table 100
	ip route add default via fd11:3::2 table 100
	"$HM_TOP/scripts/attach.sh" p1 policy
	jq -n '{
		nexthops: {a: {dev: "p2", via: "10.11.2.2", via6: "fd11:2::2"}, b: {dev: "p3", via: "10.11.3.2", via6: "fd11:3::2"},
			v: {dev: "p2", via: "10.11.2.2", via6: "fd11:2::2", vlan: 30}, l2: {dev: "p4", l2: true}, route: {dev: "p3"}, none: {dev: "p4", via: "10.11.9.9"}},
		rules: [
			{id: "drop", priority: 1, match: {proto: "udp", dport: 53}, action: "drop"},
			{id: "pass", priority: 2, match: {proto: "tcp", dport: "400-500"}, action: "pass"},
			{id: "mark", priority: 3, match: {mark: 7}, action: {mark: 9}},
			{id: "vlan", priority: 4, match: {vlan: 20}, action: {redirect: "v"}},
			{id: "l2", priority: 5, match: {vlan: 10}, action: {redirect: "l2"}},
			{id: "fragment", priority: 6, match: {fragment: true}, action: {redirect: "route"}, fallback: "pass"},
			{id: "dscp", priority: 7, match: {dscp: 0, proto: "udp"}, action: {ecmp: {a: 3, b: 1}}},
			{id: "none", priority: 8, match: {sport: "0-60"}, action: {redirect: "none"}, fallback: "drop"},
			{id: "src", priority: 9, match: {src: "10.11.0.0/16"}, action: {redirect: "a"}},
			{id: "src6", priority: 9, match: {src: "fd11:1::/64"}, action: {redirect: "b"}, fallback: "pass"},
			{id: "dst", priority: 10, match: {dst: "198.51.100.0/24", iif: "p1"}, action: {redirect: "b"}},
			{id: "rest", priority: 99, action: {redirect: "a"}}]}' >"$BATS_TEST_TMPDIR/rules"
	"$HM_TOP/scripts/policy.sh" load "$BATS_TEST_TMPDIR/rules"
	# what is for other hosts, or for nobody, is not for the rules: less of it
	for i in {1..20}; do
		printf 'mac 0200000000f1\nip4 c633640%x\nip4 0a0b01%02x\n' $((i % 16)) "$((i + 1))"
		printf 'ip6 20010db8009900000000000000000%03x\nip6 fd1100010000000000000000000000%02x\n' "$i" $((i + 1))
	done >>"$CORPUS"
	sed -i 's/^frame 0200000000../frame 0200000000f1/' "$CORPUS"
	DEVS=(p1)
}

count_tc_policy() {
	local json
	json=$(hookmap -j policy)
	of() { jq "[$1] | add" <<<"$json"; }
	equal "$(of .packets.seen)" "$FRAMES" seen
	# each rule was taken, by what the rules saw and did not leave to the stack
	jq -e '[.rows[] | select(.packets == 0)] == []' <<<"$json" || {
		jq -c '.rows[] | select(.packets == 0)' <<<"$json" >&2
		return 1
	}
	equal "$(of '.rows[].packets')" "$(of '.packets | .cache_hit + .cache_miss - .no_rule - .local - .forwarding_off')" "packets of rules"
	((0 < $(of '.packets | .seen - .cache_hit - .cache_miss')))
	equal "$(of '.hops[].packets, .packets.icmp_sent')" "${V[7]}" redirected
	equal "$(of '(.rows[] | select(.action == "drop") | .packets), .packets.fallback_drop, .packets.error, .packets.unanswered')" "${V[2]}" dropped
	equal "$(of .packets.error)" 0 "errors of helpers"
	((CHANGED > COUNT / 40))
}

@test "fuzz: each XDP program" { each xdp; }
@test "fuzz: each tc program" { each tc; }
@test "fuzz: each iptables program" { each iptables; }
@test "fuzz: each cgroup_skb program" { each kern; }

@test "fuzz: both parsers read the same flow" {
	bpftool prog load "$HM_BUILD/tests/bpf/flows.o" /sys/fs/bpf/flows type xdp
	fuzz flows /sys/fs/bpf/flows --keep frame --allow 2
	equal "$CHANGED" 0 changed
}

@test "fuzz: frames on a wire, between filters that give them any tc_index and class id" {
	local sent json
	stray() { tc filter add dev p1 ingress pref "$1" handle 1 bpf da obj "$HM_BUILD/tests/bpf/stray.o"; }
	"$HM_TOP/scripts/attach.sh" p1 latency --sample 1 --pref 10 2>/dev/null
	stray 5
	stray 15
	"$HM_BUILD/tests/fuzz" --seed "$SEED" --count "$COUNT" --wire q1 "$CORPUS" >"$BATS_TEST_TMPDIR/sent"
	sent=$(awk '$1 == "frames" { print $2 }' "$BATS_TEST_TMPDIR/sent")
	((sent > COUNT * 8 / 10))
	arrived() { (($(ip -j -s link show dev p1 | jq '.[0].stats64.rx.packets') == sent)); }
	busywait 10 arrived
	json=$(hookmap -j latency)
	of() { jq "$1" <<<"$json"; }
	equal "$(of .lost.sampled)" "$(of .lost.seen)" sampled
	(($(of .lost.seen) > sent / 3 && $(of .lost.seen) < sent))
	# whoever was given another's number was noticed, or went on as that one: none was counted twice
	equal "$(of '[.rows[] | select(.from == "xdp" and .to == "tc").count] | add')" "$(of .lost.started)" "xdp to tc"
	equal "$(of '[.rows[] | select(.from == "?" or .to == "?")] | length')" 0 "unknown stages"
	# every stamp has an end: a stray number ends it where the packet was seen last
	equal "$(of '.lost | .read + .on_the_way + ([.last_seen[]] | add)')" "$(of .lost.started)" "ends"
	(($(of '[.rows[] | select(.kind == "stage" and .to == "prerouting").count] | add // 0') <= $(of .lost.started)))
	"$HM_TOP/scripts/detach.sh" p1
}

@test "fuzz: a frame is the same again by its seed and number, and what is wrong is said" {
	local out number
	ip link set dev d0 xdp obj "$HM_BUILD/xdp/tail_b.o"
	PROG=id:$(ip -j -d link show dev d0 | jq '.[0].xdp.prog.id')
	out=$("$HM_BUILD/tests/fuzz" --seed 5 --count 100 --allow 2 "$PROG" "$CORPUS" 2>&1) && return 1
	like "$out" "frame 0 of seed 5: returned 1"
	for number in 0 1 77 5001; do
		out=$("$HM_BUILD/tests/fuzz" --seed 5 --only "$number" --allow 2 "$PROG" "$CORPUS" 2>&1) && return 1
		like "$out" "frame $number of seed 5: returned 1"
		equal "$out" "$("$HM_BUILD/tests/fuzz" --seed 5 --only "$number" --allow 2 "$PROG" "$CORPUS" 2>&1)" "frame $number"
	done
}
