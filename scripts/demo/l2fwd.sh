# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd.sh - for demo.sh: two "VMs" behind a host, VLAN 51 outside and no tag inside,
# without the host's stack.

# station NAME ADDRESS PORT: a namespace with eth0, whose other end is PORT of the host
station() {
	ip netns add "$1"
	ip link add "$3" netns host type veth peer name eth0 netns "$1"
	quiet "$1" ip addr add "$2/24" dev eth0
	quiet "$1" ip link set eth0 up
	quiet "$1" ip link set lo up
	quiet host ip link set "$3" up
	# what a NIC does by itself, or a VM's driver
	quiet "$1" ethtool -K eth0 gro on tx off txvlan off >/dev/null
	MAC[$1]=$(quiet "$1" ip -j link show eth0 | jq -r '.[0].address')
}
tcp() { # FROM ADDRESS PORT: can one connect?
	if quiet "$1" timeout 1 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$2" "$3" 2>/dev/null; then
		printf '%s -> %s port %s: connected\n' "$1" "$2" "$3"
	else
		printf '%s -> %s port %s: no answer\n' "$1" "$2" "$3"
	fi
}
say "1. A host with three ports: uplink to the outside, where VLAN 51 is tagged, and two VMs"
declare -A MAC
ip netns add host
station outside 10.51.0.1 uplink
station vm1 10.51.0.11 port1
station vm2 10.51.0.12 port2
quiet outside tc qdisc add dev eth0 clsact
for hook in ingress egress; do quiet outside tc filter add dev eth0 "$hook" bpf da obj "$HM_OBJ/tests/bpf/tagger.o"; done
ip netns list

say "2. The ports join the fast path: VLAN 51 is tagged on the uplink, untagged to the VMs"
for port in uplink port1 port2; do on host "$ATTACH" "$port" l2fwd; done
on host "$FDB" port uplink mode trunk 51 bcast flood
on host "$FDB" port port1 mode access 51 bcast flood
on host "$FDB" port port2 mode access 51 bcast flood

say "3. Who is where"
on host "$FDB" add "${MAC[outside]}" dev uplink vlan 51
on host "$FDB" add "${MAC[vm1]}" dev port1 vlan 51
on host "$FDB" add "${MAC[vm2]}" dev port2 vlan 51

say "4. From outside to a VM, and from VM to VM"
on outside ping -c 3 -i 0.2 -q 10.51.0.11
on vm1 ping -c 3 -i 0.2 -q 10.51.0.12
on host "$READER" fdb

say "5. No SMTP into vm1; HTTP is fine. vm2 may use its own addresses only"
on host "$FDB" acl port1 add 10 deny proto tcp dport 25
on host "$FDB" guard port2 add "${MAC[vm2]}" 10.51.0.12
on host "$FDB" guard port2 on
for port in 25 80; do serve vm1 tcp-server 10.51.0.11 "$port" 1 --timeout 10; done
tcp outside 10.51.0.11 25
tcp outside 10.51.0.11 80
on vm2 ping -c 1 -q 10.51.0.1
quiet vm2 ip addr add 10.51.0.99/24 dev eth0
on vm2 ping -c 1 -W 1 -q -I 10.51.0.99 10.51.0.1 || true

say "6. latency on the same port: it takes the slot, and l2fwd runs behind it"
on host "$ATTACH" uplink latency --sample 1
on outside ping -c 3 -i 0.2 -q 10.51.0.11
on host "$READER" latency
echo "l2fwd sends these frames on from XDP, so none of them comes to tc, and no stage has a time."

say "7. What was forwarded, and what was not"
on host "$READER" --summary fdb

say "8. Off again"
for port in uplink port1 port2; do on host "$DETACH" "$port"; done
on host "$READER" status
