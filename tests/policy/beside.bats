#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# policy: what redirect, ecmp and table bypass is said, and true; each line of the table in
# tc/README.md

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../policy.bash"

setup() {
	uplinks
	on host ip route add default via 10.11.3.2 table 200
	on host ip -6 route add default via fd11:3::2 table 200
	on host ip rule add fwmark 0x200 lookup 200
	# both uplinks know the way back
	on server ip route replace 10.11.1.0/24 via 10.11.3.1
	on host sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.veth0.rp_filter=0 net.ipv4.conf.veth1.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	on server sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
	F=$BATS_TEST_TMPDIR/rules.json
}

# set_of ACTION [MATCH]: one rule for what goes to port 7000
set_of() { printf '{"nexthops":%s,"rules":[{"id":"web","priority":1,"match":%s,"action":%s}]}' "$HOPS" "${2:-{\"proto\":\"udp\",\"dport\":7000\}}" "$1" >"$F"; }
REDIRECT='{"redirect":"b"}' TABLE='{"table":200}' ECMP='{"ecmp":{"b":1}}' MARK='{"mark":"0x200"}'
send() { on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 3; }
# said ACTION [MATCH]: what load says of it
said() {
	set_of "$@"
	policy load "$F" 2>&1
}
# checked ACTION [MATCH]: the same of check, which loads nothing
checked() {
	set_of "$@"
	policy check "$F" 2>&1
}
# passed TABLE TARGET: packets that the rule of netfilter with this target has seen
passed() { on host "${SAVE:-iptables-save}" -c -t "$1" | sed -n "s/^\[\([0-9]*\):.*-j $2.*/\1/p"; }

# past WORDS TABLE TARGET: each fast action bypasses it and says WORDS; mark does not
past() {
	local action text
	for action in "$REDIRECT" "$TABLE" "$ECMP"; do
		text=$(said "$action")
		one_line "$text"
		like "$text" "$F: rule 1 (web): "
		like "$text" "$1"
		like "$text" "action mark and ip rule do"
		run -0 policy check "$F"
		equal "$output" "$text" "check"
		send
		equal "$(passed "$2" "$3")" 0 "packets that $3 saw, with $action"
	done
	equal "$(said "$MARK")" "" "said of mark"
	send
	(($(passed "$2" "$3") > 0))
}

@test "policy: beside: redirect, table and ecmp bypass NAT of sources, and say so; mark does not" {
	on host iptables -t nat -A POSTROUTING -o veth1 -j MASQUERADE
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	equal "$output" "attach.sh: warning: eth0: policy: rules with redirect, ecmp or table bypass NAT (iptables MASQUERADE); action mark and ip rule do not"
	past "bypasses NAT: packets that leave by veth1 keep their source address (iptables MASQUERADE)" nat MASQUERADE
	# where it is not theirs: other devices, other sources, other ways in
	on host iptables -t nat -F
	on host iptables -t nat -A POSTROUTING -o veth0 -j MASQUERADE
	on host iptables -t nat -A POSTROUTING -s 10.11.2.0/24 ! -o veth0 -j MASQUERADE
	equal "$(said "$REDIRECT")" ""
	on host iptables -t nat -N mine
	on host iptables -t nat -A POSTROUTING -s 10.11.1.0/24 -o veth+ -j mine
	on host iptables -t nat -A mine -j SNAT --to-source 10.11.3.1
	like "$(said "$REDIRECT")" "bypasses NAT"
	equal "$(said "$REDIRECT" '{"src":"10.12.0.0/16"}')" "" "another source"
	equal "$(said '"drop"')" ""
}

@test "policy: beside: redirect bypasses NAT of destinations, the firewall, TCPMSS and marks" {
	attach eth0 policy
	on host iptables -t nat -A PREROUTING -p udp --dport 7000 -j DNAT --to-destination 198.51.100.1:7001
	past "bypasses NAT: destinations are not rewritten, and answers are not translated back (iptables DNAT)" nat DNAT
	on host iptables -t nat -F
	on host iptables -N mine
	on host iptables -A FORWARD -j mine
	on host iptables -A mine -p udp --dport 7000 -j DROP
	past "bypasses the firewall and conntrack: nothing is dropped there (iptables filter FORWARD)" filter DROP
	on host iptables -F
	on host iptables -P FORWARD DROP
	like "$(said "$REDIRECT")" "bypasses the firewall"
	on host iptables -P FORWARD ACCEPT
	on host iptables -A FORWARD -p udp -j ACCEPT
	equal "$(said "$REDIRECT")" "" "a firewall that drops nothing"
	on host iptables -F
	on host iptables -t mangle -A FORWARD -o veth1 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
	like "$(said "$REDIRECT")" "bypasses TCPMSS: the segment size is not clamped (iptables TCPMSS)"
	equal "$(said "$MARK")" ""
	on host iptables -t mangle -F
	on host iptables -t mangle -A PREROUTING -p udp --dport 7000 -j MARK --set-mark 7
	like "$(said "$MARK")" "iptables mangle PREROUTING sets marks after the rules are checked"
	like "$(said '"drop"' '{"mark":7}')" "rule 1 (web): match.mark: iptables mangle PREROUTING sets marks after"
	send
	equal "$(rule web packets)" 0 "packets with that mark"
	equal "$(said "$REDIRECT")" ""
}

@test "policy: beside: redirect bypasses IPsec; strict rules refuse; nothing is changed then" {
	attach eth0 policy
	# one of an xfrm interface is for what is sent there
	on host ip xfrm policy add src 10.11.1.0/24 dst 198.51.100.0/24 dir out if_id 7 action block || skip_without xfrm false
	equal "$(said "$REDIRECT")" ""
	on host ip xfrm policy add src 10.11.1.0/24 dst 198.51.100.0/24 dir out action block
	on host ip xfrm policy add src 10.11.1.0/24 dst 198.51.100.0/24 dir fwd action block
	like "$(said "$REDIRECT")" "bypasses IPsec: packets leave unencrypted, or are not blocked (ip xfrm policy, 10.11.1.0/24 to 198.51.100.0/24)"
	equal "$(said "$REDIRECT" '{"dst":"203.0.113.0/24"}')" "" "not to there"
	equal "$(said "$REDIRECT" '{"src":"fd11:1::/64"}')" "" "another family"
	said "$REDIRECT" || true
	catch server eth1 3
	send
	equal "$(caught | wc -l)" 3 "in clear"
	equal "$(said "$MARK")" ""
	send
	equal "$(on host awk '$1 == "XfrmOutPolBlock" || $1 == "XfrmFwdHdrError" || $1 == "XfrmInPolBlock" { n += $2 } END { print (n >= 3) }' /proc/net/xfrm_stat)" 1 "blocked"
	set_of "$REDIRECT"
	jq '.strict = true' "$F" >"$F.strict"
	run -1 policy load "$F.strict"
	one_line "$output"
	like "$output" "bypasses IPsec"
	run -1 policy check "$F.strict"
	equal "$(on host "$HM_BUILD/hookmap" -j policy | jq -c '.rows[0].rule.action')" '{"mark":512}' "in force"
	on host ip xfrm policy flush
	policy load "$F.strict"
	equal "$(rule web action)" '"redirect b"'
	fails 1 "strict: expected true or false" policy check - <<<'{"strict":1}'
}

# bats test_tags=vm
@test "policy: beside: an IPsec policy of a vti device is for what is sent to that" {
	local block=(ip xfrm policy add src 10.11.1.0/24 dst 198.51.100.0/24 dir out action block)
	skip_without "vti devices" on host ip link add v0 type vti local 10.11.3.1 remote 10.11.3.2 key 0.1.0.42
	attach eth0 policy
	on host "${block[@]}" mark 0x1002a
	equal "$(said "$REDIRECT")" ""
	# what redirect bypasses does not block these
	equal "$(said "$MARK")" ""
	catch server eth1 3
	send
	equal "$(caught | wc -l)" 3 "by mark and ip rule"
	on host "${block[@]}" mark 0x42
	like "$(said "$REDIRECT")" "bypasses IPsec"
}

@test "policy: beside: rules and next hops of IPv6, where the kernel has none, are named" {
	local HOPS='{"b":{"dev":"veth1","via":"10.11.3.2"}}'
	attach eth0 policy
	[[ ! -e /proc/sys/net/ipv6 ]] || on host mount -t tmpfs tmpfs /proc/sys/net/ipv6
	equal "$(said '"drop"')" ""
	equal "$(said '"drop"' '{"dst":"2001:db8::/32"}')" \
		"$F: rule 1 (web): match: this kernel has no IPv6 (ipv6.disable=1?): rules are not checked for IPv6 packets"
	HOPS='{"b":{"dev":"veth1","via":"10.11.3.2","via6":"fd11:3::2"}}'
	equal "$(said "$REDIRECT")" "$F: nexthop b: via6: this kernel has no IPv6: it is not used"
}

@test "policy: beside: rp_filter, forwarding, no default route, the host's own packets" {
	local selector
	attach eth0 policy
	# answers that come in by the other uplink
	on host sysctl -qw net.ipv4.conf.veth1.rp_filter=1
	like "$(said "$REDIRECT")" "rp_filter is 1 on veth1, where the default route does not lead"
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 1
	run ! on client ping -q -c 1 -W 0.3 198.51.100.1
	on host sysctl -qw net.ipv4.conf.veth1.rp_filter=2
	equal "$(said "$REDIRECT")" ""
	on client ping -q -c 1 -W 2 198.51.100.1
	on host sysctl -qw net.ipv4.conf.all.rp_filter=1
	equal "$(said "$REDIRECT" | grep -c "where the default route does not lead")" 0 "2 wins"
	on host sysctl -qw net.ipv4.conf.all.rp_filter=0
	like "$(said "$REDIRECT" '{}')" "rules do not apply to packets that this host sends"
	like "$(said "$REDIRECT" '{"src":"10.11.2.1"}')" "rules do not apply to packets that this host sends"
	equal "$(said "$REDIRECT" '{"src":"10.11.2.3"}')" ""
	on host sysctl -qw net.ipv4.conf.eth0.forwarding=0
	like "$(said '"drop"')" "forwarding is off on eth0: rules are not checked there; sysctl -w net.ipv4.conf.eth0.forwarding=1"
	send
	equal "$(rule web packets) $(counted forwarding_off)" "0 3"
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	like "$output" "forwarding is off on eth0"
	on host sysctl -qw net.ipv4.conf.eth0.forwarding=1
	on host ip route del default
	like "$(said '"drop"')" "there is no IPv4 default route"
	send
	equal "$(rule web packets)" 0
	equal "$(said '"drop"' '{"dst":"10.11.2.0/24"}')" ""
	# one that ip rule leads to, as wg-quick has it; not if it does so for some packets only
	for selector in "iif veth1" "fwmark 5" "from 10.0.0.0/8"; do
		# shellcheck disable=SC2086
		on host ip rule add $selector lookup 200 pref 100
		like "$(checked '"drop"')" "there is no IPv4 default route"
		on host ip rule del pref 100
	done
	for selector in "not fwmark 5" "iif eth0"; do
		# shellcheck disable=SC2086
		on host ip rule add $selector lookup 200 pref 100
		equal "$(said '"drop"')" ""
		send
		equal "$(rule web packets)" 3 "$selector"
		on host ip rule del pref 100
	done
	on host ip route add unreachable default
	equal "$(said '"drop"')" ""
	send
	equal "$(rule web packets)" 3
	# nor does a table lead anywhere
	like "$(said '{"table":300}')" "rule 1 (web): table: table 300 has no route: its packets get the fallback; ip route add ... table 300"
	send
	equal "$(counted fallback_drop) $(rule web packets)" "3 3"
	on host ip route add blackhole default table 300
	equal "$(said '{"table":300}' '{"dst":"198.51.100.0/24"}')" ""
	like "$(said '{"table":300}')" "rule 1 (web): table: table 300 has no IPv6 route: its packets get the fallback; ip -6 route add ... table 300"
	on client "$HM_BUILD/tests/traffic" udp-send 2001:db8:99::1 7000 3
	equal "$(counted fallback_drop) $(rule web packets)" "6 3" "IPv6"
	on host ip -6 route add blackhole default table 300
	equal "$(said '{"table":300}')" ""
}

# syn: a TCP SYN with MSS 1460 from the client
syn() {
	local head
	head=$(mac host eth0)$(mac client eth0)
	on client "$HM_BUILD/tests/policy_frames" send eth0 "${head}0800$(ip4 6 002c 0001 4000 c6336401)03e81b58000000010000000060020400f8d80000020405b4"
}

@test "policy: beside: TCPMSS and the host's own packets, by what is in the packets and where they go" {
	local action
	attach eth0 policy
	on host iptables -t mangle -A FORWARD -o veth1 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000
	for action in "$REDIRECT" "$TABLE" "$ECMP" "$MARK"; do
		said "$action" '{"proto":"tcp","dport":7000}'
		catch server eth1 1
		syn
		caught | cut -c 109-116
	done >"$BATS_TEST_TMPDIR/said"
	equal "$(grep -c "bypasses TCPMSS" "$BATS_TEST_TMPDIR/said")" 3
	equal "$(grep ^0204 "$BATS_TEST_TMPDIR/said" | xargs)" "020405b4 020405b4 020405b4 020403e8" "MSS"
	# the host's own: rules do not see them, ip rule does
	like "$(said "$MARK" '{}')" ""
	like "$(said "$REDIRECT" '{"src":"10.11.3.1"}')" "rules do not apply to packets that this host sends"
	catch server eth0 3
	on host "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 3
	equal "$(caught | wc -l) $(rule web packets)" "3 0" "over a"
	on host ip rule add to 198.51.100.1 iif lo lookup 200
	catch server eth1 3
	on host "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 3
	equal "$(caught | wc -l)" 3 "over b, by ip rule"
}

@test "policy: beside: rp_filter and own addresses at the input device: redirect does not look, mark does" {
	local from action list=()
	attach eth0 policy
	on host sysctl -qw net.ipv4.conf.eth0.rp_filter=1
	# the client pretends to be one behind veth0, then the host itself
	for from in 0a0b0263 0a0b0201; do list+=("$(FROM=$from frame4 "$(mac host eth0)" "$(mac client eth0)" - 64)"); done
	like "$(said "$REDIRECT")" "rule 1 (web): redirect: bypasses rp_filter of eth0: packets with a source address that is not behind it are not dropped"
	equal "$(said "$REDIRECT" '{"iif":"veth0"}' | grep -c "bypasses rp_filter")" 0 "another device"
	said "$REDIRECT"
	catch server eth1 2
	on client "$HM_BUILD/tests/policy_frames" send eth0 "${list[@]}"
	equal "$(caught | wc -l)" 2 "redirect"
	equal "$(said "$MARK")" ""
	catch server eth1 1 1
	on client "$HM_BUILD/tests/policy_frames" send eth0 "${list[@]}"
	equal "$(caught) $(rule web packets)" "not all of them came 2" "mark"
	# with this setting the way back is looked up with the mark, and table 200 leads elsewhere
	send
	equal "$(rule web packets)" 5
	on host sysctl -qw net.ipv4.conf.eth0.src_valid_mark=1
	like "$(said "$MARK")" "rule 1 (web): mark: rp_filter is 1 on eth0, with src_valid_mark: packets are dropped if the route back for the mark does not lead to eth0"
	catch server eth1 1 1
	send
	equal "$(caught) $(rule web packets)" "not all of them came 3" "mark, and src_valid_mark"
	on host sysctl -qw net.ipv4.conf.eth0.src_valid_mark=0
	catch server eth1 3
	send
	equal "$(caught | wc -l)" 3 "mark, as the message says"
}

@test "policy: beside: a device that rules name and no packet comes in by: said, with the one to name" {
	local text
	on host ip link add br0 type bridge
	on host ip link add p0 type veth peer name p1 netns "$LAB-client"
	on host ip link set p0 address 02:00:00:00:00:99 master br0 up
	on host ip link set br0 address 02:00:00:00:00:01 up
	on host ip addr add 10.11.7.1/24 dev br0
	on host sysctl -qw net.ipv4.conf.br0.rp_filter=0 net.ipv4.conf.p0.rp_filter=0
	on client ip link set p1 up
	to_bridge() { on client "$HM_BUILD/tests/policy_frames" send p1 "$(frame4 020000000001 "$(mac client p1)" - 64)"; }
	attach br0 policy
	text=$(said "$REDIRECT" '{"iif":"p0"}')
	equal "$text" "$F: rule 1 (web): match.iif: policy is not attached to p0: no packet comes in by it, but by br0, which it belongs to; attach.sh p0 policy, or name another device"
	run -0 policy check "$F"
	equal "$output" "$text" "check"
	to_bridge
	equal "$(rule web packets)" 0 "by p0"
	equal "$(said "$REDIRECT" '{"iif":"br0"}')" ""
	catch server eth1 1
	to_bridge
	equal "$(caught | wc -l) $(rule web packets)" "1 1" "by br0"
	detach br0 policy
	run -0 on host "$HM_TOP/scripts/attach.sh" p0 policy
	equal "$output" "attach.sh: warning: p0: policy: it belongs to br0: rules see packets for its own MAC address, not those for br0: attach.sh br0 policy"
	like "$(said "$REDIRECT" '{"iif":"p0"}')" "p0 belongs to br0: rules see packets for its own MAC address, not those for br0; attach.sh br0 policy"
	to_bridge
	equal "$(rule web packets)" 0 "attached to p0"
	# of a device with others on top
	attach veth0 policy
	detach p0 policy
	on host ip link set p0 nomaster
	on host ip link add v5 link p0 type macvlan
	like "$(said "$REDIRECT" '{"iif":"p0"}')" "policy is not attached to p0: no packet comes in by it, of others on top of it by v5; attach.sh p0 policy"
}

# bats test_tags=vm
@test "policy: beside: bonds, VLAN devices and VRFs: what is said of them is what their packets find" {
	local kind
	for kind in bond vrf vlan; do skip_without "$kind devices" devices_of "$kind"; done
	attach_says() { on host "$HM_TOP/scripts/attach.sh" "$@" 2>&1; }
	to() { # DEV-OF-CLIENT DMAC: a packet for the server
		on client "$HM_BUILD/tests/policy_frames" send "$1" "$(frame4 "$2" "$(mac client "$1")" - 64)"
	}
	# taken DEV-OF-CLIENT DMAC: by the rule, and it leaves by veth1
	taken() {
		catch server eth1 1
		to "$@"
		equal "$(caught | wc -l) $(rule web packets)" "1 1" "by $1"
	}
	on host ip link add p0 type veth peer name p1 netns "$LAB-client"
	on host ip link add bond0 type bond mode active-backup miimon 100
	on host ip link set p0 master bond0
	on client ip link set p1 up
	on host ip link set bond0 up
	on host ip addr add 10.11.7.1/24 dev bond0
	bond_up() { on host ip -j link show dev bond0 | jq -e '.[0].operstate == "UP"'; }
	busywait 10 bond_up
	# a bond has what comes in by its members, and members have it before it
	attach bond0 policy
	equal "$(said "$REDIRECT" '{"iif":"p0"}')" "$F: rule 1 (web): match.iif: policy is not attached to p0: no packet comes in by it, but by bond0, which it belongs to; attach.sh p0 policy, or name another device"
	to p1 "$(mac host bond0)"
	equal "$(rule web packets)" 0 "by p0"
	equal "$(said "$REDIRECT" '{"iif":"bond0"}')" ''
	taken p1 "$(mac host bond0)"
	detach bond0 policy
	equal "$(attach_says p0 policy)" ''
	equal "$(said "$REDIRECT" '{"iif":"p0"}')" ''
	taken p1 "$(mac host bond0)"
	detach p0 policy
	# a VLAN device has what its lower device has first
	on host ip link add v10 link bond0 type vlan id 10
	on host ip addr add 10.11.8.1/24 dev v10
	on host ip link set v10 up
	on client ip link add v10 link p1 type vlan id 10
	on client ip link set v10 up
	attach bond0 policy
	equal "$(said "$REDIRECT" '{"iif":"bond0","vlan":"10"}')" ''
	taken v10 "$(mac host v10)"
	detach bond0 policy
	attach v10 policy
	like "$(said "$REDIRECT" '{"iif":"bond0"}')" "policy is not attached to bond0: no packet comes in by it, of others on top of it by v10; attach.sh bond0 policy"
	equal "$(said "$REDIRECT" '{"iif":"v10","vlan":"none"}')" ''
	taken v10 "$(mac host v10)"
	detach v10 policy
	# in a VRF, packets come in by its devices
	on host ip link add red type vrf table 66
	on host ip link set red up
	on host ip link set v10 master red
	like "$(attach_says red policy)" "red: policy: a VRF: packets come in by its devices: attach.sh DEV policy for each of them"
	like "$(said "$REDIRECT" '{"iif":"red"}')" "red is a VRF: packets come in by its devices; attach.sh DEV policy for each of them"
	to v10 "$(mac host v10)"
	equal "$(rule web packets)" 0 "by red"
	detach red policy
	# and leave by them
	like "$(HOPS='{"x":{"dev":"red"}}' checked '{"redirect":"x"}')" "nexthop x: dev: red is a VRF, which sends nothing itself: its packets get the fallback; name one of its devices, or action table"
	attach v10 policy
	equal "$(said "$REDIRECT" '{"iif":"v10"}')" ''
	taken v10 "$(mac host v10)"
	# what is for the host there is its own, whatever the rules say
	set_of "$REDIRECT" '{}'
	policy load "$F"
	on client ip addr add 10.11.8.2/24 dev v10
	on client ping -q -c 3 -i 0.1 -W 10 10.11.8.1
}
devices_of() { # KIND: on a device, as lo takes no VLANs
	case $1 in
	vrf) ip link add hm-kind type vrf table 99 ;;
	vlan) ip link add hm-low type bridge && ip link add hm-kind link hm-low type vlan id 9 ;;
	*) ip link add hm-kind type "$1" ;;
	esac && ip link del hm-kind
}

# bats test_tags=vm
@test "policy: beside: a flowtable keeps the routes of its flows: said of mark; redirect is before it" {
	local text frame
	flowtable() {
		on host nft -f - <<-END
			table inet fast {
				flowtable flows { hook ingress priority 0; devices = { eth0, veth0, veth1 }; }
				chain forward { type filter hook forward priority 0; meta l4proto udp flow add @flows; }
			}
		END
	}
	attach eth0 policy
	skip_without 'flowtables of nft' flowtable
	on host sysctl -qw net.netfilter.nf_flowtable_udp_timeout=3600
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	equal "$output" "attach.sh: warning: eth0: policy: flowtable inet fast flows keeps the first route of its flows and ignores the marks of rules"
	frame=$(frame4 "$(mac host eth0)" "$(mac client eth0)" - 64)
	# leaves DEV-OF-SERVER WHAT: five packets of one flow
	leaves() {
		catch server "$1" 5
		on client "$HM_BUILD/tests/policy_frames" send eth0 "$frame" "$frame" "$frame" "$frame" "$frame"
		equal "$(caught | wc -l)" 5 "$2"
	}
	equal "$(said "$MARK" '{"dst":"203.0.113.1","iif":"veth0"}' | grep -c flowtable)" 1 "of veth0"
	leaves eth0 'by no rule'
	text=$(said "$MARK")
	equal "$text" "$F: rule 1 (web): mark: flowtable inet fast flows keeps the first route of its flows and ignores marks, even if they change within a flow; after load, nft delete flowtable inet fast flows and create it again"
	equal "$(checked "$MARK")" "$text"
	leaves eth0 'marked, in the flowtable'
	equal "$(rule web packets)" 5 'of the rule'
	equal "$(said "$REDIRECT")" ''
	leaves eth1 'redirected'
	said "$MARK"
	on host nft flush ruleset
	flowtable
	leaves eth1 'marked, of a flow that begins after load'
	# one that no rule uses has no flows
	on host nft flush chain inet fast forward
	equal "$(said "$MARK")" ''
}

@test "policy: beside: a firewall of 2 000 rules is summed up; a look that hangs is ended" {
	local i
	attach eth0 policy
	{
		printf '*filter\n:FORWARD ACCEPT [0:0]\n'
		for ((i = 0; i < 2000; i++)); do printf -- '-A FORWARD -s 10.12.%d.%d/32 -j DROP\n' $((i / 256)) $((i % 256)); done
		printf 'COMMIT\n'
	} | on host iptables-restore -w
	on host env HM_SCRIPTS="$HM_TOP/scripts" bash -c '. "$HM_SCRIPTS/lib/policy_beside.sh" && beside_look eth0 >"$0" && beside_in "$0"' \
		"$BATS_TEST_TMPDIR/look" >"$BATS_TEST_TMPDIR/in"
	equal "$(grep -c $'\tforward\t' "$BATS_TEST_TMPDIR/in")" 33 "facts"
	like "$(said "$REDIRECT")" "bypasses the firewall and conntrack"
	on host iptables -F
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nsleep 60\n' >"$BATS_TEST_TMPDIR/bin/iptables-nft-save"
	chmod +x "$BATS_TEST_TMPDIR/bin/iptables-nft-save"
	set_of "$REDIRECT"
	run -0 on host env PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$HM_TOP/scripts/policy.sh" load "$F"
	like "$output" "iptables-nft-save took over 3 seconds: what rules bypass there is unknown"
}

# ttl ACTION: TTL of a packet that came in with 64
ttl() {
	said "$1" >"$BATS_TEST_TMPDIR/said"
	catch server eth1 1
	on client "$HM_BUILD/tests/policy_frames" send eth0 "$(frame4 "$(mac host eth0)" "$(mac client eth0)" - 64)"
	caught | cut -c 45-46
}

@test "policy: beside: what netfilter, tc and ip rule do else, routes with encap, a MAC address on top" {
	local target
	attach eth0 policy
	on host iptables -t mangle -A PREROUTING -p udp -j TTL --ttl-set 10
	like "$(checked "$REDIRECT")" "bypasses netfilter: its actions do not happen (iptables mangle PREROUTING TTL); action mark and ip rule do"
	equal "$(checked "$MARK")" ''
	equal "$(ttl "$REDIRECT") $(ttl "$MARK")" "3f 09" "TTL"
	on host iptables -t mangle -F
	for target in "FORWARD -o veth1 -j NFQUEUE" "POSTROUTING -j DSCP --set-dscp 10" "POSTROUTING -j CLASSIFY --set-class 1:2" "FORWARD -j MARK --set-mark 7"; do
		# shellcheck disable=SC2086
		on host iptables -t mangle -A $target
		like "$(checked "$REDIRECT")" "iptables mangle ${target%% *} "
		on host iptables -t mangle -F
	done
	for target in "FORWARD -o veth0 -j NFQUEUE" "FORWARD -j LOG" "FORWARD -j ACCEPT" "PREROUTING -j CT --notrack"; do
		# shellcheck disable=SC2086
		on host iptables -t "$([[ $target == *CT* ]] && echo raw || echo mangle)" -A $target
		equal "$(checked "$REDIRECT")" '' "$target"
		on host iptables -t mangle -F
	done
	# a filter that comes after
	on host tc filter add dev eth0 ingress pref 60 bpf da obj "$HM_BUILD/tests/bpf/shot.o"
	like "$(checked "$REDIRECT")" "bypasses tc filters of eth0 after policy (pref 60 bpf); attach.sh eth0 policy --policy-pref N puts policy after them"
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	like "$output" "bypass tc filters (tc filter pref 60 bpf)"
	said "$REDIRECT" '{"proto":"udp"}'
	catch server eth1 3
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7010 3
	equal "$(caught | wc -l)" 3 "past the filter"
	equal "$(said "$MARK" '{"proto":"udp"}')" ''
	catch server eth1 1 1
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7010 3
	equal "$(caught) $(rule web packets)" "not all of them came 3" "mark"
	on host tc filter del dev eth0 ingress pref 60
	on host tc filter add dev eth0 ingress pref 40 bpf da obj "$HM_BUILD/tests/bpf/shot.o"
	equal "$(checked "$REDIRECT")" '' "one that comes before"
	on host tc filter del dev eth0 ingress pref 40
	# what ip rule forbids
	on host ip rule add from 10.11.1.0/24 prohibit pref 100
	like "$(checked "$REDIRECT")" "bypasses ip rule: packets that it forbids pass (ip rule 100 prohibit)"
	equal "$(checked "$REDIRECT" '{"src":"10.12.0.0/16"}')$(checked "$MARK")" ''
	said "$REDIRECT"
	catch server eth1 3
	send
	equal "$(caught | wc -l)" 3 "past ip rule"
	on host ip rule del pref 100
	# a route that no look-up follows
	on host ip route add default encap ip id 5 dst 10.11.3.2 dev veth1 table 300
	on host ip -6 route add blackhole default table 300
	like "$(said '{"table":300}')" "rule 1 (web): table: table 300 has routes with encap, which rules do not follow: packets for these get the fallback"
	send
	equal "$(rule web packets) $(counted fallback_drop)" "3 3" "encap"
	# by a next hop without a gateway
	on host ip route add 198.51.100.0/24 encap ip id 5 dst 10.11.3.2 dev veth1
	like "$(HOPS='{"x":{"dev":"veth1"}}' said '{"redirect":"x"}')" "nexthop x: dev: routes through veth1 have encap (MPLS, SRv6, tunnels), which rules do not follow: packets for these get the fallback; action mark and ip rule follow them"
	send
	equal "$(rule web packets) $(counted fallback_drop) $(hop x packets)" "3 6 0" "encap, by a next hop"
	equal "$(HOPS='{"x":{"dev":"veth1","via":"10.11.3.2"},"y":{"dev":"veth0"}}' checked '{"redirect":"x"}')" '' "by a gateway, and by another device"
	on host ip route del 198.51.100.0/24
	# in a next hop object, which the kernel shows only if asked for it
	on host ip route del default table 300
	on host sysctl -qw net.ipv4.nexthop_compat_mode=0
	on host ip nexthop add id 1 via 10.11.3.2 dev veth1
	on host ip nexthop add id 2 via 10.11.2.2 dev veth0 encap ip id 5 dst 10.11.2.2
	on host ip nexthop add id 3 group 1,3/2
	on host ip route add default nhid 1 table 300
	equal "$(checked '{"table":300}')" ''
	on host ip route replace default nhid 3 table 300
	like "$(checked '{"table":300}')" "table 300 has routes with encap"
	on host iptables -t nat -A POSTROUTING -o veth0 -j MASQUERADE
	like "$(checked '{"table":300}')" "bypasses NAT: packets that leave by veth0 keep their source address"
	on host ip route replace default nhid 1 table 300
	equal "$(checked '{"table":300}')" ''
	on host iptables -t nat -F
	# an MTU of a route that a look-up does not tell
	on host ip route replace default via 10.11.3.2 mtu 1000 table 300
	like "$(checked '{"table":300}')" "table 300 has routes with an MTU that is not locked, which rules do not see: the MTU of the device counts; mtu lock N, or action mark and ip rule"
	on host ip route replace default via 10.11.3.2 mtu lock 1000 table 300
	equal "$(checked '{"table":300}')" ''
	# what VRRP does with use_vmac
	on host ip link add vrrp51 link eth0 address 00:00:5e:00:01:33 type macvlan mode private
	on host ip link set vrrp51 up
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	equal "$output" "attach.sh: warning: eth0: policy: vrrp51 is on top of it, with its own MAC address: packets to it come in by vrrp51: attach.sh vrrp51 policy"
	like "$(said "$REDIRECT")" "vrrp51, on top of eth0, has its own MAC address: packets to it come in by vrrp51, and rules are not checked; attach.sh vrrp51 policy"
	to_vmac() { on client "$HM_BUILD/tests/policy_frames" send eth0 "$(frame4 00005e000133 "$(mac client eth0)" - 64)"; }
	to_vmac
	equal "$(rule web packets)" 0 "to the other address"
	attach vrrp51 policy
	equal "$(checked "$REDIRECT")" ''
	catch server eth1 1
	to_vmac
	equal "$(caught | wc -l) $(rule web packets)" "1 1" "attached there"
}

@test "policy: beside: SRv6 routes of a next hop without a gateway" {
	attach eth0 policy
	skip_without 'SRv6 routes' on host ip -6 route add 2001:db8:99::/64 encap seg6 mode encap segs fd11:3::2 dev veth1
	HOPS='{"x":{"dev":"veth1"}}'
	like "$(said '{"redirect":"x"}' '{"proto":"udp"}')" "nexthop x: dev: routes through veth1 have encap (MPLS, SRv6, tunnels), which rules do not follow: packets for these get the fallback; action mark and ip rule follow them"
	on client "$HM_BUILD/tests/traffic" udp-send 2001:db8:99::1 7000 3
	equal "$(rule web packets) $(counted fallback_drop) $(hop x packets)" "3 3 0" seg6
}

@test "policy: beside: IPv6 forwarding that is off on the input device alone" {
	attach eth0 policy
	on host sysctl -qw net.ipv6.conf.eth0.forwarding=0
	like "$(checked "$REDIRECT")" "IPv6 forwarding is off on eth0 alone: the stack forwards its packets, but rules are not checked; sysctl -w net.ipv6.conf.eth0.forwarding=1"
	equal "$(checked "$REDIRECT" '{"dst":"198.51.100.0/24"}')" ''
	said "$REDIRECT"
	catch server eth0 3
	on client "$HM_BUILD/tests/traffic" udp-send 2001:db8:99::1 7000 3
	equal "$(caught | wc -l) $(rule web packets) $(counted forwarding_off)" "3 0 3" "as the message says"
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	equal "$output" "attach.sh: warning: eth0: policy: IPv6 forwarding is off on eth0 alone: the stack forwards its packets, but rules are not checked: sysctl -w net.ipv6.conf.eth0.forwarding=1"
	on host sysctl -qw net.ipv6.conf.eth0.forwarding=1
	equal "$(checked "$REDIRECT")" ''
}

@test "policy: beside: what nft alone has is seen" {
	skip_without nft command -v nft
	attach eth0 policy
	nft_is() {
		on host nft flush ruleset
		on host nft -f - <<<"$1"
	}
	nft_is 'table inet f { chain c { type nat hook postrouting priority 100; oifname "veth1" masquerade; }; }'
	like "$(said "$REDIRECT")" "packets that leave by veth1 keep their source address (nft f c)"
	nft_is 'table inet f { chain c { type nat hook postrouting priority 100; oifname "veth0" masquerade; }; }'
	equal "$(said "$REDIRECT")" ""
	nft_is 'table ip f { chain c { type nat hook prerouting priority -100; udp dport 7000 dnat to 198.51.100.1:7001; }; }'
	like "$(said "$REDIRECT")" "destinations are not rewritten, and answers are not translated back (nft f c)"
	nft_is 'table inet f { chain c { type filter hook forward priority 0; policy drop; }; }'
	like "$(said "$REDIRECT")" "nothing is dropped there (nft f c)"
	run -0 on host "$HM_TOP/scripts/attach.sh" eth0 policy
	equal "$output" "attach.sh: warning: eth0: policy: rules with redirect, ecmp or table bypass the firewall (nft f c); action mark and ip rule do not"
	nft_is 'table inet f { chain d { udp dport 7000 drop; }; chain c { type filter hook forward priority 0; jump d; }; }'
	like "$(said "$REDIRECT")" "nothing is dropped there (nft f d)"
	nft_is 'table inet f { chain d { udp dport 7000 drop; }; chain c { type filter hook input priority 0; jump d; }; }'
	equal "$(said "$REDIRECT")" ""
	nft_is 'table inet f { chain c { type filter hook forward priority 0; tcp flags syn tcp option maxseg size set rt mtu; }; }'
	like "$(said "$REDIRECT")" "bypasses TCPMSS: the segment size is not clamped (nft f c)"
	# verdicts in a map that has a name, as kube-proxy has its services
	nft_is 'table ip f { map m { type ipv4_addr : verdict; elements = { 198.51.100.1 : goto d }; }; chain d { udp dport 7000 dnat to 198.51.100.1:7001; }; chain c { type nat hook prerouting priority -100; ip daddr vmap @m; }; }'
	like "$(said "$REDIRECT")" "destinations are not rewritten, and answers are not translated back (nft f d)"
	nft_is 'table ip f { map m { type ipv4_addr : verdict; elements = { 198.51.100.1 : drop }; }; chain c { type filter hook forward priority 0; ip daddr vmap @m; }; }'
	like "$(said "$REDIRECT")" "nothing is dropped there (nft f c)"
	nft_is 'table ip f { chain c { type filter hook prerouting priority 0; ip ttl set 10; }; }'
	like "$(said "$REDIRECT")" "bypasses netfilter: its actions do not happen (nft f c)"
	nft_is 'table ip f { chain c { type filter hook postrouting priority 0; oifname "veth0" ip dscp set 10; }; }'
	equal "$(said "$REDIRECT")" ''
	nft_is 'table inet f { chain c { type filter hook prerouting priority -150; meta mark set ct mark; }; }'
	like "$(said "$MARK")" "nft f c sets marks after"
}
