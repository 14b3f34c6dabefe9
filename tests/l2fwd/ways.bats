#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# l2fwd: every outcome of a frame. xdp/README.md has a table of them; each reason of the ABI has
# a row there and a frame here, which tries what the row says about guard, rules and storm limit.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../l2fwd.bash"

T=88b5$PAD
BCAST=ffffffffffff

# the frames: reason|way|device|destination and what follows the source|bytes of metadata
WAYS="forwarded|known address|p1|$(mac 2)|$T
flooded|unknown unicast|p3|$(mac 99)|$T
flooded|broadcast|p3|$BCAST|$T
flooded|multicast|p3|01005e000001|$T
pass_control|link-local destination|p1|0180c200000e|88cc$PAD
pass_unknown|unknown unicast|p1|$(mac 99)|$T
pass_broadcast|broadcast|p1|$BCAST|$T
pass_multicast|multicast|p1|01005e000001|$T
pass_local|entry without device|p1|$(mac 7)|$T
pass_bridge|isolated or locked port|m1|$(mac 18)|$T
pass_bridge|blocked port of a bridge|m3|$(mac 18)|$T
pass_bridge|new source|m2|$(mac 17)|$T
pass_bridge|VLAN that the port of a bridge is not in|v1|$(mac 34)|81000014$T
pass_bridge|VLAN that the other port of a bridge is not in|v1|$(mac 34)|$T
pass_bridge|tag, on a port of a bridge with VLAN devices|v2|$(mac 34)|81000014$T
pass_malformed|half a tag|v3|$(mac 2)|810000
pass_no_device|device of the entry is gone|p1|$(mac 4)|$T
pass_no_metadata|to be flooded, driver without metadata|p3|$BCAST|$T|216
drop_unknown|unknown unicast|p5|$(mac 99)|$T
drop_broadcast|broadcast|p5|$BCAST|$T
drop_multicast|multicast|p5|01005e000001|$T
drop_vlan_in|VLAN that the port is not in|v3|$(mac 34)|81000014$T
drop_vlan_out|VLAN that the other port is not in|v3|$(mac 36)|$T
drop_same_port|to its input port|p2|$(mac 2)|$T
drop_state_in|blocked port|p6|$(mac 2)|$T
drop_state_out|to a blocked port|p1|$(mac 6)|$T
drop_no_headroom|no room for a tag|v3|$(mac 37)|$T|216"

# other tests send these frames: reason|way|file: test
OTHERS='pass_no_port|device that is not a port|fdb: l2fwd: by hand, without scripts, all frames pass and are counted
drop_storm|over the limit|truth: l2fwd: a storm limit counts exactly; another port does not pay
drop_acl|denied by a rule|truth: l2fwd: rules on a VLAN, and 1024 rules at most
drop_source_mac|source not added|truth: l2fwd: guard: MAC and IP addresses of a tenant
drop_source_ip|address not added|truth: l2fwd: guard: MAC and IP addresses of a tenant
drop_copy|device did not take a copy|live: l2fwd: flooding: truth table of copies: port modes, and tags of the customer inside'

way_rows() { # KEY|WAY|GUARD|RULES|STORM of the table
	sed -n 's/^| `\([a-z_]*\)` | \(.*\) | \(.*\) | \(.*\) | \(.*\) |$/\1|\2|\3|\4|\5/p' "$HM_TOP/xdp/README.md" |
		grep -E '^(forwarded|flooded|pass_|drop_)'
}

@test "l2fwd: each reason has a row in the table of ways, and each row a frame here" {
	local keys
	keys=$(sed -n '/^#define L2_REASON(X)/,/^$/s/^\tX([A-Z_]*, [0-9]*, "\([a-z_]*\)", .*/\1/p' "$HM_TOP/kern/abi/l2fwd.h" | sort)
	(($(wc -l <<<"$keys") >= 24)) || equal "$keys" 'reasons' 'keys of L2_REASON'
	equal "$(way_rows | cut -d'|' -f1 | grep -v '^forwarded$' | sort -u)" "$keys" 'reasons with a row'
	equal "$(way_rows | cut -d'|' -f1,2 | sort)" "$({ cut -d'|' -f1,2 <<<"$WAYS" && cut -d'|' -f1,2 <<<"$OTHERS"; } | sort)" 'rows, and frames'
}

@test "l2fwd: each way that another test sends names a test that counts its reason" {
	local key way name body
	while IFS='|' read -r key way name; do
		body=$(awk -v head="@test \"${name#*: }\" {" '$0 == head { on = 1 } on; /^}/ { on = 0 }' "$HM_TOP/tests/l2fwd/${name%%: *}.bats")
		like "${body:-no test}" "reason * $key)"
	done <<<"$OTHERS"
}

# outcomes: the reasons and verdicts of each function of l2fwd, in their order
outcomes() {
	local keys
	keys=$(sed -n '/^#define L2_REASON(X)/,/^$/s/^\tX(\([A-Z_]*\), .*/\1/p' "$HM_TOP/kern/abi/l2fwd.h" | paste -sd'|')
	(cd "$HM_TOP" && awk -v keys="(L2_($keys|FWD)|XDP_(ABORTED|DROP|PASS|TX|REDIRECT)|TC_ACT_[A-Z]+|l2_(slow|flood))[^A-Za-z0-9_]" '
		/^[a-zA-Z_].*\(/ { match($0, /[A-Za-z0-9_]+\([^(]*$/); name = substr($0, RSTART); sub(/\(.*/, "", name); next }
		name == "" || /^[#}]|^[\t ]*(\/?\*|\/\/)/ { next }
		{
			while (match($0, keys)) {
				if (!(name in seen)) order[++n] = name
				seen[name] = seen[name] " " substr($0, RSTART, RLENGTH - 1)
				$0 = substr($0, RSTART + RLENGTH - 1)
			}
		}
		END { for (i = 1; i <= n; i++) print order[i] ":" seen[order[i]] }' kern/l2*.h xdp/l2fwd.c tc/l2fwd.c)
}

# A new outcome in the code changes this list. Before you add it here, add the way that leads to it
# to the table in xdp/README.md, and its frame to WAYS or OTHERS.
OUTCOMES="l2_send: XDP_PASS
l2_classify: L2_MALFORMED L2_DROP_VLAN_IN
l2_guard_nd: L2_DROP_SRC_IP L2_DROP_SRC_IP L2_DROP_SRC_IP L2_DROP_SRC_MAC L2_DROP_SRC_IP
l2_guard_address: L2_DROP_SRC_IP L2_DROP_SRC_MAC L2_DROP_SRC_IP L2_DROP_SRC_IP
l2_guard_check: L2_DROP_SRC_MAC L2_DROP_SRC_MAC L2_DROP_SRC_IP
l2_flood: L2_DROP_STORM XDP_REDIRECT L2_FLOOD L2_FWD L2_NO_META L2_NO_META L2_FLOOD
l2_no_entry: L2_MISS L2_MCAST L2_BCAST L2_DROP_MISS L2_MISS l2_flood
l2_egress: L2_DROP_SAME_PORT L2_DROP_STATE_OUT L2_DROP_VLAN_OUT L2_DROP_ACL
l2_forward: L2_NO_DEVICE L2_DROP_SAME_PORT XDP_PASS XDP_REDIRECT L2_NO_DEVICE L2_DROP_NO_ROOM L2_FWD
l2_slow: L2_SLOW L2_DROP_ACL
l2_decide: L2_MALFORMED L2_CONTROL L2_DROP_STATE_IN L2_MALFORMED l2_slow L2_TO_STACK L2_NO_DEVICE l2_slow L2_DROP_VLAN_OUT l2_slow
l2_verdict: XDP_PASS XDP_DROP
HM_XDP: XDP_PASS L2_NO_PORT L2_FWD XDP_REDIRECT
l2_copy_to: L2_DROP_ACL L2_DROP_NO_ROOM L2_DROP_NO_ROOM L2_DROP_COPY
l2fwd_tc: TC_ACT_UNSPEC TC_ACT_SHOT TC_ACT_STOLEN"

@test "l2fwd: each outcome in the code is in the list of outcomes" {
	equal "$(outcomes)" "$OUTCOMES" 'outcomes in the code'
}

# run_frame DEV HEX METADATA: one run of the program, with so many bytes of metadata in front
run_frame() {
	local zeros=''
	((!$3)) || printf -v zeros '00%.0s' $(seq "$3")
	binary "$zeros$2" >"$BATS_TEST_TMPDIR/in"
	binary "$(le4 "$3")$(le4 $((${#2} / 2 + $3)))00000000$(le4 "${INDEX[$1]}")0000000000000000" >"$BATS_TEST_TMPDIR/ctx"
	bpftool prog run id "$PROG" data_in "$BATS_TEST_TMPDIR/in" ctx_in "$BATS_TEST_TMPDIR/ctx" data_out /dev/null >/dev/null
}

# counts: what became of all frames, and what is new since the last call
counts() {
	local before='{}'
	[[ ! -e $BATS_TEST_TMPDIR/counts ]] || read -r before <"$BATS_TEST_TMPDIR/counts"
	hookmap -j --summary fdb | jq -r --argjson a "$before" '[.ports[] | (.reasons | to_entries[]), {key: "forwarded", value: (.tx_packets - .tx_copies)}]
		| group_by(.key) | map({key: .[0].key, value: (map(.value) | add)}) | from_entries | tojson,
			([to_entries[] | select(.value != ($a[.key] // 0)) | "\(.key) \(.value - ($a[.key] // 0))"] | join(", "))' >"$BATS_TEST_TMPDIR/counts.new"
	mv "$BATS_TEST_TMPDIR/counts.new" "$BATS_TEST_TMPDIR/counts"
}
# counted DEV HEX METADATA [TIMES]: what became of a frame: "reason", or several
counted() {
	local i
	for ((i = 0; i < ${4:-1}; i++)); do run_frame "$@"; done
	counts
	sed -n 2p "$BATS_TEST_TMPDIR/counts"
}

# flag "NUMBER..." MASK 1|0: of l2_port, by hand
flag() {
	local n value at byte
	for n in $1; do
		read -ra value <<<"$(bpftool -j map lookup pinned "$G/l2_port" key "$n" 0 0 0 | jq -r '.value | map(ltrimstr("0x")) | join(" ")')"
		for byte in 0 1; do
			at=$((HM_OFF_l2_port_flags + byte))
			printf -v "value[$at]" '%02x' $((16#${value[at]} & ~($2 >> 8 * byte) | ($3 ? $2 >> 8 * byte & 255 : 0)))
		done
		printf 'map update pinned %s key %d 0 0 0 value hex %s\n' "$G/l2_port" "$n" "${value[*]}"
	done >"$BATS_TEST_TMPDIR/flags"
	bpftool batch file "$BATS_TEST_TMPDIR/flags" >/dev/null
}

# wire NUMBER: the bridge says of a port what was set by hand
wire() {
	local p w at=$HM_OFF_l2_wire_vlans
	read -ra p <<<"$(bpftool -j map lookup pinned "$G/l2_port" key "$1" 0 0 0 | jq -r '.value | map(ltrimstr("0x")) | join(" ")')"
	read -ra w <<<"$(bpftool -j map lookup pinned "$G/l2_wire" key "$1" 0 0 0 | jq -r '.value | map(ltrimstr("0x")) | join(" ")')"
	w=("${w[@]:0:at}" "${p[@]:HM_OFF_l2_port_vlans:1024}" "${w[@]:at+1024}")
	w[HM_OFF_l2_wire_state]=${p[HM_OFF_l2_port_flags]}
	w[HM_OFF_l2_wire_state + 1]=${p[HM_OFF_l2_port_flags + 1]}
	w[HM_OFF_l2_wire_pvid]=${p[HM_OFF_l2_port_pvid]}
	bpftool map update pinned "$G/l2_wire" key "$1" 0 0 0 value hex "${w[@]}"
}

@test "l2fwd: the table of ways: guard, rules and storm limit, tried on each" {
	local key way dev to rest meta guard rules storm line n=0 frame all='1 2 3 4 5 6 7 8 9 10 11 12 13'
	declare -A INDEX ROW
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add br0 type bridge
	for dev in p{1..6} v{1..4} m{1..3}; do
		ip link add "$dev" type veth peer name "q$dev"
		ip link set "$dev" up
		ip link set "q$dev" up
	done
	for dev in m{1..3}; do ip link set "$dev" master br0; done
	ip link set br0 up
	for dev in p{1..6} v{1..4}; do l2_attach "$dev" l2fwd; done
	bridge fdb add 02:00:00:00:00:11 dev m1 master static
	bridge fdb add 02:00:00:00:00:12 dev m2 master static
	bridge link set dev m1 isolated on
	bridge link set dev m3 state 0
	l2_attach br0 l2fwd --mirror --refresh 3600000
	fdb port p3 miss flood bcast flood mcast flood
	fdb port p5 miss drop bcast drop mcast drop
	fdb port p6 block on
	fdb port v1 mode access 10
	fdb port v2 mode access 20
	fdb port v3 mode access 10
	fdb port v4 mode trunk 10
	fdb load - <<-END
		02:00:00:00:00:02 dev p2
		02:00:00:00:00:04 dev p4
		02:00:00:00:00:06 dev p6
		02:00:00:00:00:07 local
		02:00:00:00:00:22 dev v2 vlan 10
		02:00:00:00:00:22 dev v2 vlan 20
		02:00:00:00:00:24 dev v2 vlan 10
		02:00:00:00:00:25 dev v4 vlan 10
		02:00:00:00:00:fa dev v1 vlan 10
		02:00:00:00:00:fa dev v2 vlan 20
	END
	PROG=$(ip -j -d link show p1 | jq '.[0].xdp.prog.id')
	while read -r dev n; do INDEX[$dev]=$n; done < <(ip -j link | jq -r '.[] | "\(.ifname) \(.ifindex)"')
	# no bridge here knows VLANs: ports that look like those of one
	wire 7
	flag 8 "$L2_P_SLOW_TAG" 1
	wire 8
	flag '7 8' "$L2_P_MIRROR" 1
	# looked at now, and not again
	run ! bridge fdb add 00:00:00:00:00:00 dev m1 master static
	ip link del p4
	while IFS='|' read -r key way line; do ROW["$key:$way"]=$line; done < <(way_rows)
	each() { # WHAT: of the columns, for each frame
		counts
		while IFS='|' read -r key way dev to rest meta; do
			IFS='|' read -r guard rules storm <<<"${ROW["$key:$way"]}"
			frame=$to$(mac 250)$rest
			"$1"
			n=$((n + 1))
		done <<<"$WAYS"
	}
	plain() { equal "$(counted "$dev" "$frame" "${meta:-0}")" "$key 1" "$key, $way"; }
	guarded() {
		equal "$guard" checked "guard, $key, $way"
		equal "$(counted "$dev" "$frame" "${meta:-0}")" 'drop_source_mac 1' "guarded: $key, $way"
	}
	ruled() {
		local want="$key 1"
		[[ $rules != checked ]] || want='drop_acl 1'
		equal "$(counted "$dev" "$frame" "${meta:-0}")" "$want" "all ports deny: $key, $way"
	}
	limited() {
		[[ $storm == counted ]] || return 0
		# one goes, or two if a second begins
		like "$(counted "$dev" "$frame" "${meta:-0}" 3)" 'drop_storm '
	}
	n=0
	each plain
	flag "$all" "$L2_P_GUARD" 1
	each guarded
	flag "$all" "$L2_P_GUARD" 0
	flag "$all" $((L2_P_ACL | L2_P_ACL_DENY)) 1
	each ruled
	flag "$all" $((L2_P_ACL | L2_P_ACL_DENY)) 0
	fdb port p3 storm 1
	each limited
	equal "$n" $((4 * $(wc -l <<<"$WAYS"))) 'frames tried'
}
