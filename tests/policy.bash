# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# policy.bash - shared by the suites of policy: the lab with a second uplink.
#
#   client eth0 10.11.1.2 --- host eth0
#                             host veth0 10.11.2.1 --- server eth0 10.11.2.2   (uplink a)
#                             host veth1 10.11.3.1 --- server eth1 10.11.3.2   (uplink b)
# and the same in fd11:N::/64. The server answers for 198.51.100.1 and 2001:db8:99::1;
# the host's own routes lead there over a.

uplinks() {
	lab_up
	on host ip link add veth1 type veth peer name eth1 netns "$LAB-server"
	on host ip addr add 10.11.3.1/24 dev veth1
	on host ip addr add fd11:3::1/64 dev veth1 nodad
	on server ip addr add 10.11.3.2/24 dev eth1
	on server ip addr add fd11:3::2/64 dev eth1 nodad
	on host ip link set veth1 up
	on server ip link set eth1 up
	on server ip addr add 198.51.100.1/32 dev lo
	on server ip addr add 2001:db8:99::1/128 dev lo
	on host ip route add default via 10.11.2.2
	on host ip route add default via fd11:2::2
	# a device drops packets until the kernel's work queue has noticed its carrier, and does not resolve
	# IPv6 neighbours until it has a link-local address: this takes seconds while others hold RTNL
	local dev
	for dev in "client eth0" "host eth0" "host veth0" "host veth1" "server eth0" "server eth1"; do
		# shellcheck disable=SC2086
		busywait 30 is_ready $dev
	done
}

is_ready() { # HOST DEV
	on "$1" ip -j -6 addr show dev "$2" up | jq -e '.[] | select(.operstate == "UP") | .addr_info | any(.scope == "link" and (.tentative | not))'
}

policy() { on host "$HM_TOP/scripts/policy.sh" "$@"; }

# rules JSON: loads these rules, with the next hops a and b
HOPS='{"a":{"dev":"veth0","via":"10.11.2.2","via6":"fd11:2::2"},"b":{"dev":"veth1","via":"10.11.3.2","via6":"fd11:3::2"}}'
rules() { printf '{"nexthops":%s,"rules":%s}' "$HOPS" "$1" | policy load -; }

rule() { on host "$HM_BUILD/hookmap" -j policy | jq --arg id "$1" ".rows[] | select(.id == \$id) | .$2"; }
hop() { on host "$HM_BUILD/hookmap" -j policy | jq -r --arg name "$1" ".hops[] | select(.name == \$name) | .$2"; }
counted() { on host "$HM_BUILD/hookmap" -j policy | jq ".packets.$1"; }
fib() { on host "$HM_BUILD/hookmap" -j policy | jq ".fib.$1 // 0"; }

frames() { "$HM_BUILD/tests/policy_frames" "$@"; }
mac() { on "$1" ip -j link show dev "$2" | jq -r '.[0].address' | tr -d :; } # HOST DEV

# catch HOST DEV COUNT [SECONDS]: starts to receive; caught waits for them and prints them
catch() {
	local host=$1
	shift
	rm -f "$BATS_TEST_TMPDIR/caught" # from the previous call
	{
		on "$host" "$HM_BUILD/tests/policy_frames" recv "$@" || printf 'not all of them came\n'
		printf 'end\n'
	} >"$BATS_TEST_TMPDIR/caught" 3>&- &
	busywait 30 grep -q ready "$BATS_TEST_TMPDIR/caught"
}
caught() {
	busywait 30 grep -q end "$BATS_TEST_TMPDIR/caught"
	grep -vE 'ready|end' "$BATS_TEST_TMPDIR/caught" || true
}

# frame4 DMAC SMAC VLAN TTL [TOS]: a UDP datagram from the client to 198.51.100.1 port
# 7000, in hex; VLAN may be "-" or a tag such as 2005 (priority and number in hex).
# Without MACs ("-") there is no Ethernet header. FROM, TO: other addresses, in hex.
frame4() {
	local head sum=0 i eth=$1$2
	printf -v head '45%02x002400014000%02x110000%s%s' "${5:-0}" "$4" "${FROM:-0a0b0102}" "${TO:-c6336401}"
	for ((i = 0; i < 40; i += 4)); do sum=$((sum + 16#${head:i:4})); done
	while ((sum >> 16)); do sum=$(((sum & 0xffff) + (sum >> 16))); done
	printf -v sum '%04x' $((~sum & 0xffff))
	[[ $3 == - ]] || eth+=8100$3
	if [[ $1 == - ]]; then eth=''; else eth=${eth}0800; fi
	printf '%s%s%s%s03e81b580010000068' "$eth" "${head:0:20}" "$sum" "${head:24}"
	printf '6f6f6b6d617021\n'
}

# frame6 DMAC SMAC VLAN HOPS: the same in IPv6
frame6() {
	local eth=$1$2 hops
	printf -v hops '%02x' "$4"
	[[ $3 == - ]] || eth+=8100$3
	if [[ $1 == - ]]; then eth=''; else eth+=86dd; fi
	printf '%s60000000001011%sfd110001000000000000000000000002' "$eth" "$hops"
	printf '20010db800990000000000000000000103e81b580010123468'
	printf '6f6f6b6d617021\n'
}

# ip4 PROTO LENGTH ID FLAGS DST: an IPv4 header from the client, all but PROTO in hex
ip4() {
	local head sum=0 i
	printf -v head '4500%s%s%s40%02x00000a0b0102%s' "$2" "$3" "$4" "$1" "$5"
	for ((i = 0; i < 40; i += 4)); do sum=$((sum + 16#${head:i:4})); done
	while ((sum >> 16)); do sum=$(((sum & 0xffff) + (sum >> 16))); done
	printf '%s%04x%s' "${head:0:20}" $((~sum & 0xffff)) "${head:24}"
}

# uplink_a: packets to the server that came by uplink a; counted from counting_a on
counting_a() {
	on server iptables -w -t raw -A PREROUTING -i eth0 -d 198.51.100.1
	on server ip6tables -w -t raw -A PREROUTING -i eth0 -d 2001:db8:99::1
}
uplink_a() {
	{
		on server iptables -w -t raw -nvxL PREROUTING
		on server ip6tables -w -t raw -nvxL PREROUTING
	} | awk '$3 == "all" || $3 == "0" || /eth0/ { n += $1 } END { print n + 0 }'
}
