#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# hookmap VERB --commands: what was set can be read, and the text sets it again on a clean host

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../policy.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# the names of scripts in the text are those of the source tree
cd "$HM_TOP" || exit 1
S=scripts
D=$BATS_TEST_TMPDIR

# here COMMAND...: where the test has its devices
WHERE=()
here() { "${WHERE[@]}" "$@"; }
reader() { here "$HM_BUILD/hookmap" "$@"; }

# settings FILE VERB...: in JSON: of devices and host, and of verbs
settings() {
	local verb
	reader -j status | jq '[.devices[] | {device, netns, features: (.features | split(",") | sort), mode, settings}] | sort_by(.device, .netns)' >"$1"
	for verb in "${@:2}"; do
		case $verb in
		exec | open | path) reader -j "$verb" --drain | jq -s '.[-1].settings' ;;
		fdb) reader -j fdb | jq '.settings, (.ports | map(del(.[("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "tx_copies", "reasons", "above")])) | sort_by(.device)),
			(.rules | map({device, priority, action, match}) | sort), (.translations | sort), (.guard | sort), ([.rows[] | select(.type == "static") | [.vlan, .mac, .device]] | sort)' ;;
		policy) reader -j policy | jq '.settings, .nexthops, [.rows[].rule]' ;;
		*) reader -j "$verb" | jq .settings ;;
		esac >>"$1"
	done
}

# again VERB...: all is taken off and made again by the text, and is the same
again() {
	reader status --commands >"$D/text"
	settings "$D/settings" "$@"
	here "$S/detach.sh" --all
	equal "$(reader status --commands)" '# nothing is attached' "commands of a clean host"
	here bash -e "$D/text" >"$D/out" 2>&1 || { cat "$D/text" "$D/out" && return 1; }
	reader status --commands >"$D/text2"
	diff "$D/text" "$D/text2"
	settings "$D/settings2" "$@"
	diff "$D/settings" "$D/settings2"
}

# has LINE...: lines of the text
has() {
	local line
	for line; do grep -qxF -e "$line" "$D/text" || { cat "$D/text" && equal '' "$line" 'what is missing' || return 1; }; done
}

@test "commands: features of the host: all their options, and what they do" {
	mkdir "$HOOKMAP_CGROUP/a b"
	"$S/attach.sh" --host drops --by sip --samples 5
	"$S/attach.sh" --host exec --uid 0 --name 'tr ue' --pid any
	"$S/attach.sh" --host open --pid $$ --cgroup "$HOOKMAP_CGROUP/a b"
	"$S/attach.sh" --host path --match 'src 10.0.0.0/8 proto tcp port 80-90 vxlan 8472'
	"$S/attach.sh" --host napi pktlat --slow 5000
	again drops exec open path pktlat
	has "$S/attach.sh --host --by sip --samples 5 drops" "$S/attach.sh --host --uid 0 --name 'tr ue' exec" \
		"$S/attach.sh --host --pid $$ --cgroup '$HOOKMAP_CGROUP/a b' open" "$S/attach.sh --host napi" \
		"$S/attach.sh --host --match 'src 10.0.0.0/8 proto tcp port 80-90 vxlan 8472' path" "$S/attach.sh --host --slow 5000 pktlat"
	equal "$(jq -sc '.[1:]' "$D/settings")" '[{"by":"sip","samples":5},{"uid":0,"pid":"any","name":"tr ue","cgroup":"any"},{"uid":"any","pid":'$$',"name":"any","cgroup":"'"$HOOKMAP_CGROUP"'/a b"},{"match":"src 10.0.0.0/8 proto tcp port 80-90 vxlan 8472"},{"ptp":"none","slow":5000}]' settings
	# the filter holds again
	cp /bin/true "$D/tr ue"
	"$D/tr ue"
	/bin/true
	events exec >"$D/all"
	equal "$(jq -sc '[.[] | select(.event == "exec") | .name]' "$D/all")" '["tr ue"]' events
	# one verb has its own; a table names what differs
	equal "$(hookmap drops --commands)" "$S/attach.sh --host --by sip --samples 5 drops" "of drops"
	equal "$(hookmap drops | grep settings)" 'settings: by sip, samples 5' "under the table"
	equal "$(hookmap open --drain | head -n 1)" "settings: pid $$, cgroup $HOOKMAP_CGROUP/a b" "over the events"
	equal "$(hookmap latency --commands)" '# latency is not attached' "of latency"
	fails 2 'goes with neither' hookmap -j drops --commands
	# what no command can say is named
	rmdir "$HOOKMAP_CGROUP/a b"
	like "$(hookmap open --commands)" "$S/attach.sh --host --pid $$ open"$'\n''# host, open: --cgroup '
	"$S/detach.sh" --host open
	"$S/attach.sh" --host path --match any
	"$S/attach.sh" --host drops --by none --samples off
	again drops path
	has "$S/attach.sh --host --match any path" "$S/attach.sh --host drops"
}

@test "commands: pktlat: the PTP clock is known by its device" {
	printf '2000000123\n' >"$D/behind"
	export LD_PRELOAD=$HM_BUILD/tests/ptp.so HM_PTP_BEHIND=$D/behind
	"$S/attach.sh" --host pktlat --ptp /dev/null
	again pktlat
	has "$S/attach.sh --host --ptp /dev/null pktlat"
	# any name of it; and one whose device is not known
	mknod "$D/clock" c 1 3
	"$S/attach.sh" --host pktlat --ptp "$D/clock"
	again pktlat
	has "$S/attach.sh --host --ptp /dev/null pktlat"
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/pktlat_cfg" key 0 0 0 0 value hex $(bpftool -j map lookup pinned "$G/pktlat_cfg" key 0 0 0 0 | jq -r '.value[:-4][], "0", "0", "0", "0" | ltrimstr("0x")')
	equal "$(reader pktlat --commands)" "$S/attach.sh --host pktlat"$'\n''# host, pktlat: --ptp unknown: no device in /dev is that clock' "a clock that is not in /dev"
}

@test "commands: latency: settings of all devices, of each, and in containers" {
	lab_up
	WHERE=(on host)
	attach eth0 --sample 7 --filter 'dev eth0 proto udp dport 7000' --inpacket 5000 --pref 9 --mode generic
	attach veth0 --mode none
	attach eth0 --netns "$LAB-client"
	again latency
	has "$S/attach.sh --sample 7 --filter 'dev eth0 proto udp dport 7000' --inpacket 5000 --pref 9 --mode generic -- eth0 latency" \
		"$S/attach.sh --sample 7 --filter 'dev eth0 proto udp dport 7000' --inpacket 5000 --mode none -- veth0 latency" \
		"$S/attach.sh --netns $LAB-client --sample 7 --filter 'dev eth0 proto udp dport 7000' --inpacket 5000 -- eth0 latency"
	equal "$(reader -j latency | jq -c .settings)" '{"sample":7,"filter":"dev eth0 proto udp dport 7000","inpacket":5000}' settings
	attach eth0 --sample 1 --inpacket off
	again latency
	udp host 10.11.1.1 23
	on client ping -qc 2 -i 0.01 10.11.1.1
	equal "$(lost seen)" 23 "packets that match"
	# from another namespace: as it was attached, from within its own
	WHERE=()
	equal "$(hookmap latency --commands veth0)" "nsenter --net=/run/netns/$LAB-host -- $S/attach.sh --sample 1 --filter 'dev eth0 proto udp dport 7000' --mode none -- veth0 latency" "from outside"
}

@test "commands: latency: the program behind it, a device that is gone, a filter for one" {
	lab_up
	WHERE=(on host)
	attach eth0 --next "$HM_BUILD/xdp/pass.o"
	like "$(reader latency --commands)" "$S/attach.sh eth0 latency"$'\n''# eth0, latency: --next pass_xdp: the kernel does not know its file'
	equal "$(reader -j status | jq -r '.devices[0].settings.latency.next')" pass_xdp next
	on host ip link add v1 type veth peer name v2
	attach v1 --filter 'dev v1'
	on host ip link del v1
	like "$(reader latency --commands)" '# v1, latency: the device no longer exists in '
	like "$(reader latency --commands)" '# eth0, latency: --filter dev ?: its device no longer exists'
}

@test "commands: l2fwd: ports, translations, rules, guards, entries; a rule drops again" {
	switch_up 3
	WHERE=(sw)
	sw_attach p1 l2fwd --fdb-size 70000 --l2-pref 33
	sw_attach p2 l2fwd --mode generic
	sw_attach p3 latency l2fwd --sample 3 --pref 5
	swdb port p1 mode trunk 10,20-29 native 10 proto 802.1ad translate 100:20 translate 101:21 miss flood bcast drop mcast flood storm 77 hairpin on
	swdb port p2 mode access 10 block on
	swdb acl p2 add 10 deny proto udp dport 53
	swdb acl p2 add 20 permit src fd00::/8 dst fd01::/16
	swdb acl p1 default deny
	swdb guard p1 add 02:00:00:00:00:09 10.0.0.1 fd00::1
	swdb guard p1 add 02:00:00:00:00:0a
	swdb guard p2 on
	swdb add 02:00:00:00:00:01 dev p1 vlan 20
	swdb add 02:00:00:00:00:02 dev p2 vlan 10
	swdb add 02:00:00:00:00:03 local
	again fdb latency
	has "$S/attach.sh --sample 3 --pref 5 p3 latency" "$S/attach.sh --fdb-size 70000 --l2-pref 33 p1 l2fwd" "$S/attach.sh --fdb-size 70000 --mode generic p2 l2fwd" \
		"$S/fdb.sh port p1 mode trunk 10,20-29 native 10 translate 100:20 translate 101:21 proto 802.1ad miss flood bcast drop mcast flood storm 77 hairpin on" \
		"$S/fdb.sh port p2 mode access 10 block on" "$S/fdb.sh acl p1 default deny" '20 permit src fd00::/8 dst fd01::/16' \
		"$S/fdb.sh guard p1 add 02:00:00:00:00:09 10.0.0.1 fd00::1" "$S/fdb.sh guard p2 on" '02:00:00:00:00:03 local' '02:00:00:00:00:01 dev p1 vlan 20'
	equal "$(port_count p2 block) $(port_count p1 block)" 'true false' block
	equal "$(hookmap --summary fdb | grep settings)" 'settings: fdb-size 70000' "under the table"
	# of one port only
	equal "$(hookmap fdb --commands p3)" "$S/attach.sh --fdb-size 70000 p3 l2fwd" 'of p3'
	# a rule drops, another port of a transparent switch takes it
	swdb port p1 mode transparent proto 802.1q translate none miss pass bcast pass mcast pass
	swdb port p2 mode transparent block off
	swdb guard p2 off
	swdb acl p1 default permit
	swdb add 02:00:00:00:00:02 dev p2
	again fdb latency
	listen 2 5
	say 1 "$(mac 2)$(mac 1)$(ip4 17 10.0.0.1 10.0.0.2 "$(l4 9 53)")" 3
	say 1 "$(mac 2)$(mac 1)$(ip4 17 10.0.0.1 10.0.0.2 "$(l4 9 54)")" 5
	heard 2
	equal "$(reason p2 drop_acl)" 3 "dropped by the rule"
}

@test "commands: l2fwd: a mirrored bridge, a port by hand in it, and what is set of its ports" {
	bridge_up 3
	WHERE=(sw)
	sw_attach p3 l2fwd --mode generic --l2-pref 44
	swdb port p3 storm 5
	sw_attach br0 l2fwd --mirror --refresh 500 --force --mode generic --l2-pref 44
	swdb port p1 miss drop
	swdb acl p1 add 7 deny proto udp
	swdb add 02:00:00:00:01:01 dev p2
	again fdb
	has "$S/attach.sh --mode generic --l2-pref 44 p3 l2fwd" "$S/fdb.sh port p3 storm 5" "$S/attach.sh --mirror --refresh 500 --force --mode generic --l2-pref 44 br0 l2fwd" "$S/fdb.sh port p1 miss drop"
	equal "$(hookmap -j fdb | jq -r .totals.mirror)" br0 "the bridge"
	like "$(hookmap --summary fdb)" $'\nmirrors br0'
	# without --force, it is gone
	sw_attach br0 l2fwd --mirror --refresh 1000
	like "$(hookmap fdb --commands)" "$S/attach.sh --mirror --mode generic --l2-pref 44 br0 l2fwd"$'\n'
}

@test "commands: policy: limits, preference and rules; a rule steers again" {
	uplinks
	WHERE=(on host)
	attach eth0 policy --policy-pref 77 --max-rules 1000 --max-masks 9 --max-hops 5
	attach eth0 policy
	rules '[{"id":"r","priority":1,"match":{"proto":"udp","dport":"7000-7001","src":"10.0.0.0/8"},"action":{"redirect":"b","mark":5},"fallback":"pass"},
		{"id":"e","priority":2,"match":{"dscp":46,"iif":"eth0","mark":"0x1/0xf","fragment":false},"action":{"ecmp":{"a":2,"b":1}}},
		{"id":"t","priority":3,"match":{"vlan":"none","dst":"2001:db8::/32"},"action":{"table":254}},{"priority":4,"match":{"proto":"89"},"action":"drop"}]'
	again policy
	has "$S/attach.sh --max-rules 1000 --max-masks 9 --max-hops 5 --policy-pref 77 eth0 policy" "$S/policy.sh load - <<'EOF'"
	equal "$(reader -j policy | jq -c .settings)" '{"max_rules":1000,"max_masks":9,"max_hops":5}' settings
	catch server eth1 23
	on client "$HM_BUILD/tests/traffic" udp-send 198.51.100.1 7000 23
	equal "$(caught | wc -l)" 23 "over b"
	# from outside, where the devices are
	WHERE=()
	like "$(reader policy --commands)" "$S/attach.sh --netns $LAB-host --max-rules 1000"
	like "$(reader policy --commands)" $'\n'"nsenter --net=/run/netns/$LAB-host -- $S/policy.sh load - <<'EOF'"$'\n'
	again policy
}

@test "commands: hostile names of devices, namespaces and processes" {
	local names=('-*?[a]{b,c}~é#' '"`\t$(>x)'\'';|&<!' '#[$(>x)]' tcp) name i=0
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ip netns add 'n $(>x)'
	ip link add d1 type veth peer name d2 netns 'n $(>x)'
	ip link set d1 up
	"$S/attach.sh" --netns 'n $(>x)' d2 latency
	for name in "${names[@]}" $'\xff\e[2J'; do
		ip link add name "$name" type veth peer name "peer$((++i))"
		ip link set dev "$name" up
		"$S/attach.sh" --filter 'proto tcp' -- "$name" latency l2fwd policy 2>/dev/null
		"$S/fdb.sh" -- port "$name" miss drop
		"$S/fdb.sh" -- acl "$name" add 1 deny proto tcp
		"$S/fdb.sh" -- guard "$name" add 02:00:00:00:00:09
		"$S/fdb.sh" -- add "02:00:00:00:00:0$i" dev "$name"
	done
	printf '{"rules":[{"priority":1,"match":{"iif":"%s"},"action":"drop"}]}' '#[$(>x)]' | "$S/policy.sh" load -
	"$S/attach.sh" --host exec --name $'\e[2J$(>x)'
	again fdb latency policy exec
	[[ ! -e x ]]
	has "$S/attach.sh --host --name \$'\\x1b[2J\$(>x)' exec"
	# on a terminal, nothing moves the cursor
	script -qec "$HM_BUILD/hookmap status --commands" /dev/null | tr -d '\r\n' >"$D/seen"
	equal "$(grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$D/seen" || true)" 0 "control characters"
}

@test "commands: 100 000 entries and 10 000 rules are two commands" {
	ports 2
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "02:00:00:%02x:%02x:%02x dev p%d\n", i / 65536, i / 256 % 256, i % 256, i % 2 + 1 }' >"$D/entries"
	"$S/attach.sh" p1 policy
	"$S/detach.sh" --all
	"$S/attach.sh" p1 l2fwd --fdb-size 200000
	"$S/attach.sh" p2 l2fwd policy
	"$S/fdb.sh" load "$D/entries"
	jq -n '{rules: [range(10000) | {id: "r\(.)", priority: (. + 1), match: {dst: "10.\(. / 256 | floor).\(. % 256).0/24"}, action: "drop"}]}' | "$S/policy.sh" load -
	SECONDS=0
	hookmap status --commands >"$D/text"
	((SECONDS < 20))
	equal "$(grep -c '^scripts/' "$D/text")" 5 commands
	diff <(sed -n '/^02:/p' "$D/text") "$D/entries"
	"$S/detach.sh" --all
	bash -e "$D/text"
	hookmap status --commands | diff "$D/text" -
}
