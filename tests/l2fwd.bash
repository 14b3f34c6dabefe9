# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2fwd.bash - for the suites of l2fwd: ports, frames as hexadecimal text, one run of
# the XDP program on a frame.

bats_require_minimum_version 1.5.0

fdb() { "$HM_TOP/scripts/fdb.sh" "$@"; }
l2_attach() { "$HM_TOP/scripts/attach.sh" "$@" 2>"$BATS_TEST_TMPDIR/attach.err"; }

# ports N [OPTION...]: p1 .. pN are ports, with peers q1 .. qN in this namespace
ports() {
	local i n=$1
	shift
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for ((i = 1; i <= n; i++)); do
		ip link add "p$i" type veth peer name "q$i"
		ip link set "p$i" up
		ip link set "q$i" up
	done
	for ((i = 1; i <= n; i++)); do l2_attach "p$i" l2fwd "$@"; done
}

# --- frames

mac() { printf '0200000000%02x' "$1"; }
PAD=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f

# ip4 PROTO SRC DST L4HEX [FRAGMENT-FIELD]: an IPv4 packet (no checksum)
ip4() {
	local o src='' dst=''
	for o in ${2//./ }; do src+=$(printf '%02x' "$o"); done
	for o in ${3//./ }; do dst+=$(printf '%02x' "$o"); done
	printf '080045000054abcd%s40%02x0000%s%s%s' "${5:-0000}" "$1" "$src" "$dst" "$4"
}

# ip6 NEXT SRC DST HEX: addresses as 32 digits
ip6() { printf '86dd6000000000%02x%02x40%s%s%s' 40 "$1" "$2" "$3" "$4"; }

l4() { printf '%04x%04x%s' "$1" "$2" "$PAD"; }

# shellcheck disable=SC2001
binary() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; } # HEX

le4() { printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)); }

# xdp DEV HEX [COUNT]: runs the program; VERDICT is what it returned, AFTER the frame after the
# run. (COUNT runs share the frame: only for programs that do not change it.)
xdp() {
	local d=$BATS_TEST_TMPDIR id index name
	name=xdp_id_$1
	[[ -n ${!name:-} ]] || {
		read -r id index <<<"$(ip -j -d link show "$1" | jq -r '.[0] | "\(.xdp.prog.id) \(.ifindex)"')"
		printf -v "$name" '%s' "$id $index"
	}
	read -r id index <<<"${!name}"
	binary "$2" >"$d/in"
	binary "00000000$(le4 $((${#2} / 2)))00000000$(le4 "$index")0000000000000000" >"$d/ctx"
	VERDICT=$(bpftool prog run id "$id" data_in "$d/in" ctx_in "$d/ctx" data_out "$d/out" repeat "${3:-1}")
	VERDICT=${VERDICT#*Return value: }
	VERDICT=${VERDICT%%,*}
	AFTER=$(od -An -tx1 -v "$d/out" | tr -d ' \n')
}

readonly DROP=1 PASS=2 SENT=4

# an entry of 02:00:00:00:00:0b, by hand, at port 3 (struct l2_fdb of a little-endian machine)
OTHER_ENTRY="03 00 00 00 00 00 00 0b$(printf ' 00%.0s' {1..80})"

# expect WHAT DEV FRAME VERDICT [AFTER]: without AFTER, the frame must be unchanged
expect() {
	xdp "$2" "$3"
	equal "$VERDICT" "$4" "verdict on $1"
	equal "$AFTER" "${5:-$3}" "frame after $1"
}

reason() { # DEV REASON: its count
	hookmap -j --summary fdb | jq --arg dev "$1" --arg r "$2" '.ports[] | select(.device == $dev) | .reasons[$r] // 0'
}
port_count() { # DEV KEY
	hookmap -j --summary fdb | jq -r --arg dev "$1" --arg k "$2" '.ports[] | select(.device == $dev) | .[$k]'
}
entry() { # MAC VLAN KEY
	hookmap -j fdb | jq -r --arg mac "$1" --argjson vlan "$2" --arg k "$3" '.rows[] | select(.mac == $mac and .vlan == $vlan) | .[$k]'
}

l2_nothing_left() {
	local left
	left=$(
		find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null
		ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname'
		tc qdisc show | grep clsact
	) || true
	equal "$left" "" "what is left"
}

# --- a switch with hosts: in namespace sw, ports p1 .. pN; behind each, host hN with
# eth0, which has MAC 02:00:00:00:00:0N

switch_up() { # N
	local i
	SW=$1
	ip netns add sw
	nsenter --net=/run/netns/sw sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for ((i = 1; i <= SW; i++)); do
		ip netns add "h$i"
		h "$i" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		ip link add "p$i" netns sw type veth peer name eth0 address "02:00:00:00:00:0$i" netns "h$i"
		ip -n sw link set "p$i" up
		h "$i" ip link set eth0 up
		h "$i" ip link set dev eth0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
		# otherwise a mirror leaves its frames to the bridge
		h "$i" ethtool -K eth0 tx off txvlan off >/dev/null
	done
}
sw() { nsenter --net=/run/netns/sw -- "$@"; }
h() { # N COMMAND...
	local n=$1
	shift
	nsenter --net="/run/netns/h$n" -- "$@"
}
sw_attach() {
	sw "$HM_TOP/scripts/attach.sh" "$@" 2>"$BATS_TEST_TMPDIR/attach.err" || {
		cat "$BATS_TEST_TMPDIR/attach.err" >&2
		return 1
	}
}
sw_detach() { sw "$HM_TOP/scripts/detach.sh" "$@"; }
swdb() { sw "$HM_TOP/scripts/fdb.sh" "$@"; }
# the reader, in the namespace of the devices
hookmap() {
	if [[ -n ${SW:-} ]]; then sw "$HM_BUILD/hookmap" "$@"; else "$HM_BUILD/hookmap" "$@"; fi
}

# listen N COUNT: host N waits for COUNT frames; heard N prints them
listen() {
	h "$1" "$HM_BUILD/tests/l2frames" recv eth0 "$2" "$BATS_TEST_TMPDIR/ready$1" >"$BATS_TEST_TMPDIR/heard$1" 3>&- &
	printf -v "LISTEN_$1" '%d' $!
	busywait 30 test -e "$BATS_TEST_TMPDIR/ready$1"
}
heard() {
	local pid=LISTEN_$1
	wait "${!pid}" || return 1
	rm -f "$BATS_TEST_TMPDIR/ready$1"
	HEARD=$(<"$BATS_TEST_TMPDIR/heard$1")
}
# say N HEX [COUNT]: host N sends a frame COUNT times
say() {
	local i
	for ((i = 0; i < ${3:-1}; i++)); do printf '%s\n' "$2"; done | h "$1" "$HM_BUILD/tests/l2frames" send eth0
}

# --- a bridge that is mirrored

# bridge_up N [OPTION...]: the switch is a kernel bridge, br0
bridge_up() {
	local i
	switch_up "$1"
	sw ip link add br0 type bridge "${@:2}"
	for ((i = 1; i <= SW; i++)); do sw ip link set "p$i" master br0; done
	sw ip link set br0 up
}

# the entries of the bridge and of our table, as lines "mac vlan device kind"; in ours, entries
# that go to the stack have no device
bridge_table() {
	sw bridge -j fdb show br br0 | jq -r '.[] | select(.master and (.mac | test("^.[02468ace]")))
		| (.flags // []) as $f | (if .state == "permanent" then "local" elif ($f | index("extern_learn")) then "extern"
		  elif .state == "static" then "fixed" else "dynamic" end) as $t
		| "\(.mac) \(.vlan // 0) \(if $t == "local" or (.ifname | test("^p") | not) then "" else .ifname end) \($t)"' | sort
}
our_table() { hookmap -j fdb | jq -r '.rows[] | "\(.mac) \(.vlan) \(.device) \(.type)"' | sort; }
same_tables() { [[ $(our_table) == "$(bridge_table)" ]]; }
tables_agree() {
	busywait 30 same_tables || diff <(bridge_table) <(our_table)
}

# because DEV LIST: the port takes the slow path for these reasons; frames make the mirror read it
because() {
	say 1 "$(mac 2)$(mac 153)$T"
	[[ $(hookmap -j --summary fdb | jq -r --arg dev "$1" '.ports[] | select(.device == $dev) | .slow_because | join(" ")') == "$2" ]]
}

# received COMMAND... DEV: packets that a device received, such as received h 2 eth0, received sw br0
received() { "${@:1:$#-1}" awk -v dev="${!#}:" '$1 == dev { print $3 }' /proc/net/dev; }
