#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd --mirror of a bridge with vlan_filtering: PVIDs, untagged and tagged VLANs of its
# ports, entries by VLAN

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

T=88b5$PAD
BCAST=ffffffffffff

# p1 and p4: access to 10; p3: access to 20; p2: 10 and 20 tagged, 30 untagged. Tags have
# the ethertype of PROTOCOL.
vlan_bridge_up() { # PROTOCOL
	skip_without 'bridge vlan_filtering' ip link add probe type bridge vlan_filtering 1
	ip link del probe
	bridge_up 4 vlan_filtering 1 vlan_default_pvid 0 vlan_protocol "$1"
	sw bridge vlan add dev p1 vid 10 pvid untagged
	sw bridge vlan add dev p4 vid 10 pvid untagged
	sw bridge vlan add dev p3 vid 20 pvid untagged
	sw bridge vlan add dev p2 vid 10
	sw bridge vlan add dev p2 vid 20
	sw bridge vlan add dev p2 vid 30 pvid untagged
}

# learn HOST FRAME: the bridge hears of its source
learn() {
	say "$@"
	busywait 30 knows "${2:12:12}"
	same_tables || tables_agree
}
knows() { sw bridge fdb show br br0 | tr -d : | grep "^$1 "; }

# fast HOST FRAME HOST FRAME PORT: what one sends, another hears, and XDP has sent it by PORT
fast() {
	local before
	before=$(port_count "$5" tx_packets)
	listen "$3" 3
	say "$1" "$2" 3
	heard "$3"
	equal "$HEARD" "$(printf '%s\n' "$4" "$4" "$4")" "what host $3 heard of $2"
	equal "$(port_count "$5" tx_packets)" "$((before + 3))" "sent by $5 of $2"
}

# port_is PORT 'MODE PVID VLANS': what the XDP program goes by
port_is() { [[ $(hookmap -j --summary fdb | jq -r --arg dev "$1" '.ports[] | select(.device == $dev) | "\(.mode) \(.pvid) \(.vlans)"') == "$2" ]]; }
# looked_at PORT ...: the same, after the bridge has been looked at, by what attach does
looked_at() {
	sw bridge fdb add 00:00:00:00:00:00 dev p1 master static 2>/dev/null || true
	port_is "$@" || equal "$(hookmap --summary fdb)" "$2" "$1"
}

# bats test_tags=vm
@test "mirror: a bridge with VLANs: tags and entries are those of the bridge" {
	local slow
	vlan_bridge_up 802.1Q
	sw bridge fdb add 02:00:00:00:01:01 dev p1 master static vlan 10
	sw_attach br0 l2fwd --mirror --refresh 3600000
	tables_agree
	equal "$(hookmap -j --summary fdb | jq -r '.ports[] | "\(.device) \(.mode) \(.pvid) \(.vlans)"' | sort)" \
		"p1 access 10 10
p2 trunk 30 10,20,30
p3 access 20 20
p4 access 10 10" ports
	# learned by frames through the bridge: in VLAN 10, 20 and 30
	learn 1 "$BCAST$(mac 1)$T"
	learn 2 "$BCAST$(mac 2)8100000a$T"
	learn 2 "$BCAST$(mac 18)81000014$T"
	learn 2 "$BCAST$(mac 34)$T"
	learn 3 "$BCAST$(mac 3)$T"
	learn 4 "$BCAST$(mac 4)$T"
	equal "$(our_table | grep ' dynamic$')" "02:00:00:00:00:01 10 p1 dynamic
02:00:00:00:00:02 10 p2 dynamic
02:00:00:00:00:03 20 p3 dynamic
02:00:00:00:00:04 10 p4 dynamic
02:00:00:00:00:12 20 p2 dynamic
02:00:00:00:00:22 30 p2 dynamic" 'learned entries'
	# push, pop, neither, and priorities
	fast 1 "$(mac 2)$(mac 1)$T" 2 "$(mac 2)$(mac 1)8100000a$T" p2
	fast 2 "$(mac 1)$(mac 2)8100a00a$T" 1 "$(mac 1)$(mac 2)$T" p1
	fast 1 "$(mac 4)$(mac 1)$T" 4 "$(mac 4)$(mac 1)$T" p4
	fast 1 "$(mac 4)$(mac 1)8100000a$T" 4 "$(mac 4)$(mac 1)$T" p4
	fast 3 "$(mac 18)$(mac 3)$T" 2 "$(mac 18)$(mac 3)81000014$T" p2
	fast 2 "$(mac 3)$(mac 18)81000014$T" 3 "$(mac 3)$(mac 18)$T" p3
	# an address that is known in another VLAN only is unknown here: the bridge floods
	# it in VLAN 10, and host 3 does not hear it (its next frame is another one)
	listen 3 1
	listen 4 1
	say 1 "$(mac 3)$(mac 1)$T"
	heard 4
	equal "$HEARD" "$(mac 3)$(mac 1)$T" 'what host 4 heard'
	say 2 "$(mac 3)$(mac 18)81000014$T"
	heard 3
	equal "$HEARD" "$(mac 3)$(mac 18)$T" 'what host 3 heard'
	# a VLAN that the port is not in, which the bridge knows best
	slow=$(reason p1 pass_bridge)
	say 1 "$(mac 18)$(mac 1)81000014$T" 5
	equal "$(reason p1 pass_bridge)" "$((slow + 5))" 'p1 pass_bridge'
	# one address in two VLANs, at two ports
	sw bridge fdb add 02:00:00:00:00:50 dev p4 master static vlan 10
	sw bridge fdb add 02:00:00:00:00:50 dev p3 master static vlan 20
	tables_agree
	fast 1 "$(mac 80)$(mac 1)$T" 4 "$(mac 80)$(mac 1)$T" p4
	fast 2 "$(mac 80)$(mac 18)81000014$T" 3 "$(mac 80)$(mac 18)$T" p3
	sw bridge fdb del 02:00:00:00:00:50 dev p4 master vlan 10
	tables_agree
	fast 2 "$(mac 80)$(mac 18)81000014$T" 3 "$(mac 80)$(mac 18)$T" p3
	# a VLAN that is taken from a port takes its entries along
	sw bridge vlan del dev p3 vid 20
	tables_agree
	equal "$(entry 02:00:00:00:00:03 20 mac)" '' 'an entry of VLAN 20 at p3'
	# one that is given: the first frame goes by the bridge, which is looked at
	sw bridge vlan add dev p3 vid 10 pvid untagged
	learn 3 "$BCAST$(mac 3)$T"
	busywait 30 port_is p3 'access 10 10'
	fast 1 "$(mac 3)$(mac 1)$T" 3 "$(mac 3)$(mac 1)$T" p3
	# a change of PVID and tags
	sw bridge vlan add dev p2 vid 10 pvid untagged
	looked_at p2 'trunk 10 10,20,30'
	fast 1 "$(mac 2)$(mac 1)$T" 2 "$(mac 2)$(mac 1)$T" p2
	fast 2 "$(mac 1)$(mac 2)$T" 1 "$(mac 1)$(mac 2)$T" p1
	sw_detach br0
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}

# bats test_tags=vm
@test "mirror: a bridge with VLANs: static entries do not outlive the VLAN of a port" {
	local sent
	vlan_bridge_up 802.1Q
	sw bridge fdb add 02:00:00:00:00:03 dev p3 master static vlan 20
	sw bridge fdb add 02:00:00:00:00:02 dev p2 master static vlan 20
	sw bridge fdb add 02:00:00:00:00:01 dev p1 master static vlan 10
	sw bridge fdb add 02:00:00:00:00:04 dev p4 master static vlan 10
	sw_attach br0 l2fwd --mirror --refresh 3600000
	fast 1 "$(mac 4)$(mac 1)$T" 4 "$(mac 4)$(mac 1)$T" p4
	# no frame takes the slow path by itself here
	sw bridge vlan del dev p4 vid 10
	seen() { # FROM FRAME PORT IS: the frame has the bridge looked at
		say "$1" "$2"
		port_is "$3" "$4"
	}
	busywait 30 seen 1 "$(mac 4)$(mac 1)$T" p4 'trunk 0 '
	sent=$(port_count p4 tx_packets)
	say 1 "$(mac 4)$(mac 1)$T" 7
	say 4 "$(mac 1)$(mac 4)$T" 5
	equal "$(port_count p4 tx_packets) $(port_count p1 tx_packets)" "$sent 0" 'sent'
	# one VLAN for another, so that there are as many
	fast 2 "$(mac 3)$(mac 2)81000014$T" 3 "$(mac 3)$(mac 2)$T" p3
	sw bridge vlan del dev p2 vid 20
	sw bridge vlan add dev p2 vid 40
	busywait 30 seen 2 "$(mac 3)$(mac 2)81000014$T" p2 'trunk 30 10,30,40'
	sent=$(port_count p3 tx_packets)
	say 2 "$(mac 3)$(mac 2)81000014$T" 5
	say 3 "$(mac 2)$(mac 3)$T" 5
	equal "$(port_count p3 tx_packets) $(port_count p2 tx_packets)" "$sent 0" 'sent in the VLAN that the trunk has lost'
	# the bridge stops to look at VLANs, and begins again
	sw ip link set br0 type bridge vlan_filtering 0
	looked_at p1 'transparent 10 '
	sw ip link set br0 type bridge vlan_filtering 1
	looked_at p1 'access 10 10'
	sw_detach br0
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'pins left'
}

@test "mirror: a bridge with VLANs: equal to the bridge after 2 000 random changes" {
	vlan_bridge_up 802.1Q
	changes() { # SEED COUNT
		awk -v seed="$1" -v count="$2" 'BEGIN {
			srand(seed)
			for (i = 0; i < count; i++) {
				where = sprintf("02:00:00:00:02:%02x dev p%d master", int(rand() * 100), 1 + int(rand() * 4))
				vlan = 10 * (1 + int(rand() * 3)); kind = rand()
				what = kind < 0.4 ? "static" : kind < 0.7 ? "dynamic" : "dynamic extern_learn"
				if (rand() < 0.3) print "fdb del", where, "vlan", vlan
				else print "fdb", (rand() < 0.5 ? "add" : "replace"), where, what, "vlan", vlan
			}
		}'
	}
	changes 1 1000 | sw bridge -force -batch - >/dev/null 2>&1 || true
	sw_attach br0 l2fwd --mirror
	tables_agree
	changes 2 1000 | sw bridge -force -batch - >/dev/null 2>&1 || true
	tables_agree
	(($(our_table | grep -c ' 20 ') > 20)) || equal "$(our_table | grep -c ' 20 ')" 'more than 20' 'entries of VLAN 20'
}

@test "mirror: a bridge whose tags are 802.1ad" {
	vlan_bridge_up 802.1ad
	sw_attach br0 l2fwd --mirror --refresh 3600000
	learn 1 "$BCAST$(mac 1)$T"
	learn 2 "$BCAST$(mac 2)88a8000a$T"
	fast 1 "$(mac 2)$(mac 1)$T" 2 "$(mac 2)$(mac 1)88a8000a$T" p2
	fast 2 "$(mac 1)$(mac 2)88a8000a$T" 1 "$(mac 1)$(mac 2)$T" p1
	# a customer's tag is data
	fast 1 "$(mac 2)$(mac 1)81000014$T" 2 "$(mac 2)$(mac 1)88a8000a81000014$T" p2
}
