#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd --mirror with BGP EVPN: addresses of one host in the XDP table of the other
#
#   h1 --- p1 [r1: br0] vx0 === VXLAN 100 over u1 10.9.0.1 --- 10.9.0.2 u2 === vx0 [r2: br0] p1 --- h2
#
# r1 and r2 run zebra and bgpd of FRR; each is a host with a bpf filesystem of its own.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

FRR=/usr/lib/frr
X=02:00:00:00:00:aa

r() { # N COMMAND...: on host N, with its pins
	local n=$1
	shift
	HOOKMAP_BPFFS=$BATS_TEST_TMPDIR/bpf$n nsenter --net="/run/netns/r$n" -- "$@"
}

host() { # N [VLAN]: bridge, VXLAN and a station; with a VLAN, the bridge is aware of it
	local n=$1 vlan=${2:-}
	mkdir "$BATS_TEST_TMPDIR/bpf$n"
	mount -t bpf bpf "$BATS_TEST_TMPDIR/bpf$n"
	r "$n" ip link set lo up
	r "$n" ip addr add "10.9.0.$n/24" dev "u$n"
	r "$n" ip link set "u$n" up
	r "$n" ip link add br0 type bridge ${vlan:+vlan_filtering 1 vlan_default_pvid 0}
	ip link add p1 netns "r$n" type veth peer name eth0 address "02:00:00:00:00:0$n" netns "h$n"
	h "$n" ip addr add "192.168.9.$n/24" dev eth0
	h "$n" ip link set eth0 up
	h "$n" ip link set dev eth0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	r "$n" ip link add vx0 type vxlan id 100 dstport 4789 local "10.9.0.$n" nolearning
	r "$n" ip link set vx0 master br0 up
	r "$n" ip link set p1 master br0 up
	if [[ -n $vlan ]]; then
		r "$n" bridge vlan add vid "$vlan" dev p1 pvid untagged
		r "$n" bridge vlan add vid "$vlan" dev vx0 pvid untagged
	fi
	r "$n" ip link set br0 up
	r "$n" "$HM_TOP/scripts/attach.sh" br0 l2fwd --mirror 2>/dev/null
}

# the configuration that kern/README.md documents, with its two addresses
config() { # N
	awk '/^```frr$/ { on = 1; next } /^```$/ { on = 0 } on' "$HM_TOP/kern/README.md" |
		sed -e "s/10\.0\.0\.1/10.9.0.$1/g" -e "s/10\.0\.0\.2/10.9.0.$((3 - $1))/g"
}

daemon() { # N NAME CONFIG
	r "$1" "$FRR/$2" -N "r$1" -f "$3" -A 127.0.0.1 --log "file:/run/frr/r$1/log" >/dev/null 2>&1 3>&- &
}

control_plane() { # N
	local dir=/run/frr/r$1
	mkdir "$dir"
	config "$1" >"$dir/bgpd.conf"
	chown -R frr:frr "$dir"
	daemon "$1" zebra /dev/null
	busywait 120 test -S "$dir/zserv.api"
	daemon "$1" bgpd "$dir/bgpd.conf"
}

session() { vtysh -N r2 -c 'show bgp l2vpn evpn summary json' 2>/dev/null | jq -e '.peers[] | select(.state == "Established")'; }

# type_of N MAC: what host N's XDP table says of an address in VLAN: its type and device
VLAN=0
type_of() {
	local n=$1 mac=$2
	r "$n" "$HM_BUILD/hookmap" -j fdb | jq -r --arg mac "$mac" --argjson vlan "$VLAN" '.rows[] | select(.mac == $mac and .vlan == $vlan) | "\(.type) \(.device)"'
}
# is N MAC 'TYPE DEVICE'
is() { [[ $(type_of "$1" "$2") == "$3" ]]; }
# speak N MAC
speak() { h "$1" "$HM_BUILD/tests/l2frames" send eth0 <<<"ffffffffffff${2//:/}88b5$PAD"; }
# speaks_until N MAC CHECK...: the station sends until it is so
speaks_until() {
	speak "$1" "$2"
	"${@:3}"
}

# took WHAT COMMAND...: how long it took, printed
took() {
	local what=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	"$@" || return 1
	printf '# evpn: %s: %d ms\n' "$what" "$(((${EPOCHREALTIME/[.,]/} - start) / 1000))" >&3
}

# two_hosts [VLAN]: all of it, until they talk to each other
two_hosts() {
	local n ns
	skip_without 'FRR (package frr)' test -x "$FRR/bgpd"
	skip_without 'VXLAN' unshare --net ip link add vx0 type vxlan id 1 dstport 4789 local 127.0.0.1
	for n in 1 2; do
		for ns in "r$n" "h$n"; do
			ip netns add "$ns"
			nsenter --net="/run/netns/$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		done
	done
	ip link add u1 netns r1 type veth peer name u2 netns r2
	for n in 1 2; do host "$n" "$@"; done
	# FRR's place is there for us alone
	mkdir -p /run/frr
	mount -t tmpfs -o mode=755 frr /run/frr
	for n in 1 2; do control_plane "$n"; done
	took 'from the start of the daemons until both have a session' busywait 60 session
}

hosts_down() {
	local n
	for n in 1 2; do
		r "$n" "$HM_TOP/scripts/detach.sh" br0
		equal "$(find "$BATS_TEST_TMPDIR/bpf$n/hookmap" "$BATS_TEST_TMPDIR/bpf$n/tc" -type f 2>/dev/null)" '' "pins of r$n" || return 1
	done
}

@test "evpn: an address of one host is in the other's XDP table, moves, and goes with its peer" {
	two_hosts
	# heard on host 1, known on host 2: what is behind a tunnel goes to the stack
	speak 1 "$X"
	equal "$(type_of 1 "$X")" 'dynamic p1' 'where it was heard'
	took 'learned here, in the XDP table there' busywait 60 is 2 "$X" 'extern '
	# frames get there and back
	h 2 ping -q -c 3 -i 0.1 -W 5 192.168.9.1
	busywait 60 is 1 02:00:00:00:00:02 'extern '
	busywait 60 is 2 02:00:00:00:00:01 'extern '
	# it moves to host 2, and back
	speak 2 "$X"
	took 'moved: its own there, ...' busywait 60 is 2 "$X" 'dynamic p1'
	took '... and extern here' busywait 60 is 1 "$X" 'extern '
	took 'moved back' busywait 60 speaks_until 1 "$X" is 2 "$X" 'extern '
	busywait 60 is 1 "$X" 'dynamic p1'
	# the station's own entry is taken away: host 2 forgets it
	r 1 bridge fdb del "$X" dev p1 master
	took 'deleted here, gone there' busywait 60 is 2 "$X" ''
	speak 1 "$X"
	busywait 60 is 2 "$X" 'extern '
	# a peer that does not answer any more: all it said is withdrawn after the hold time, 3 s
	local peer
	peer=$(</run/frr/r1/bgpd.pid)
	kill -STOP "$peer"
	took 'peer dead, withdrawn' busywait 60 is 2 "$X" ''
	equal "$(type_of 2 02:00:00:00:00:01)" '' 'the other address of the dead peer'
	equal "$(type_of 2 02:00:00:00:00:02)" 'dynamic p1' 'an address of its own'
	kill -CONT "$peer"
	took 'peer back, known again' busywait 60 is 2 "$X" 'extern '
	# killed: the connection breaks
	kill -9 "$peer"
	took 'peer killed, withdrawn' busywait 60 is 2 "$X" ''
	hosts_down
}

@test "evpn: with a VLAN-aware bridge, an entry is in its VLAN" {
	skip_without 'bridge vlan_filtering' unshare --net ip link add br0 type bridge vlan_filtering 1
	two_hosts 10
	VLAN=10
	speak 1 "$X"
	equal "$(type_of 1 "$X")" 'dynamic p1' 'where it was heard'
	took 'learned here, in the XDP table there' busywait 60 is 2 "$X" 'extern '
	took 'moved' busywait 60 speaks_until 2 "$X" is 1 "$X" 'extern '
	busywait 60 is 2 "$X" 'dynamic p1'
	busywait 60 speaks_until 1 "$X" is 2 "$X" 'extern '
	kill -9 "$(</run/frr/r1/bgpd.pid)"
	took 'peer killed, withdrawn' busywait 60 is 2 "$X" ''
	hosts_down
}
