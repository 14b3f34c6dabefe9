# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# policy_beside.sh - what else this network namespace does with packets that it forwards,
# and what redirect, ecmp and table bypass: NAT, FORWARD, TCPMSS, IPsec; and settings without
# which rules do nothing. It changes nothing, and prints lines of fields separated by tabs:
#   6 KIND TOOL FAMILY DEV SRC DST INDEV TEXT
#     snat dnat forward mss setmark  in netfilter; DEV leaves by it ("" any, "!D" not D,
#                                    "D+" beginning with D); INDEV: SRC comes in by it
#     alter     netfilter changes packets in another way; DEV, SRC and INDEV as above
#     tcbehind  a tc filter of DEV, to which policy is attached, comes after policy
#     flowtable a flowtable of nft, which takes over flows that arrive through DEV
#     iprule    ip rule forbids packets from SRC to DST
#     xfrm      an outgoing or forwarding policy of IPsec
#     rpf       strict rp_filter on DEV, to which the default route does not lead
#     spoof     strict rp_filter on DEV, to which policy is attached
#     vmark     and its look-up of the return route uses the mark
#     port      DEV, to which policy is attached, is a port of TEXT
#     vrf       DEV, to which policy is attached, is a VRF
#     unseen    TOOL did not answer in time
#     noforward DEV, to which policy is attached, does not forward
#     noask6    DEV, to which policy is attached, has IPv6 forwarding off, others have it on
#     above     DEV is on top of TEXT, to which policy is attached, with its own MAC address
#     nodefault there is no default route
#     noipv6    this kernel has no IPv6
#     self SRC  an address of this host
#     attached  DEV: policy is attached to it
#     noroute   table TEXT has no route (of FAMILY)
#     encap     table TEXT has a route that puts packets into others (MPLS, SRv6, tunnels)
#     encapdev  a route through DEV does so
#     carries   DEV, a tunnel, drops packets of FAMILY; TEXT: the family that it carries
#     mtu       table TEXT has an IPv4 route with an MTU that is not locked
#   7 TABLE DEV  a route of that table leads there

# (in the network namespace of a device this is another shell, without lib.sh)
[[ $(type -t jq) == function ]] || jq() { HOME=/ command "$HM_JQ" "$@"; }

# beside_iptables FAMILY TOOL: reads the output of iptables-save
beside_iptables() {
	awk -v family="$1" -v tool="$2" '
		BEGIN { OFS = "\t" }
		function fact(kind, dev, src, text) { print 6, kind, tool, family, dev, src, "", "", text }
		# the rules of CHAIN in the order of packets at hook BASE: packets to OUT_, from
		# SRC_
		function walk(chain, base, out_, src_,  i, list, n) {
			if ((chain, base, out_, src_) in been) return
			been[chain, base, out_, src_] = 1
			n = split(rules[chain], list, " ")
			for (i = 1; i <= n; i++) one(list[i], base, out_, src_)
		}
		function one(r, base, out_, src_) {
			if (r in out) out_ = out[r]
			if (r in src) src_ = src[r]
			if (target[r] in rules) walk(target[r], base, out_, src_)
			else if (table == "nat" && base == "POSTROUTING" && target[r] ~ /^(MASQUERADE|SNAT|NETMAP)$/) fact("snat", out_, src_, target[r])
			else if (table == "nat" && base == "PREROUTING" && target[r] ~ /^(DNAT|REDIRECT|NETMAP)$/) fact("dnat", "", "", target[r])
			else if (target[r] == "TPROXY" && base == "PREROUTING") fact("dnat", "", "", target[r])
			else if (target[r] == "TCPMSS" && base != "PREROUTING") fact("mss", out_, src_, target[r])
			else if (target[r] ~ /^(MARK|CONNMARK)$/ && base == "PREROUTING" && line[r] !~ /--save-mark/) fact("setmark", "", "", table " PREROUTING")
			else if (target[r] ~ /^(DROP|REJECT)$/) { if (base != "POSTROUTING") fact("forward", "", src_, table " " base) }
			else if (target[r] ~ /^(MARK|CONNMARK)$/ && base == "PREROUTING") return
			else if (target[r] != "" && target[r] !~ /^(ACCEPT|RETURN|[NU]?F?LOG|AUDIT|TRACE|CT|NOTRACK|(CONN)?SECMARK|RATEEST|LED|IDLETIMER)$/)
				fact("alter", out_, src_, table " " base " " target[r])
		}
		/^\*/ { table = substr($1, 2); split("", rules); split("", been); if (table == "filter") chains = "FORWARD"; else chains = "PREROUTING FORWARD POSTROUTING" }
		/^:/ { rules[substr($1, 2)] = ""; if ($1 == ":FORWARD" && $2 == "DROP") fact("forward", "", "", table " FORWARD") }
		/^-A / {
			n++
			line[n] = $0
			rules[$2] = rules[$2] " " n
			for (i = 3; i < NF; i++) {
				not = $(i - 1) == "!" ? "!" : ""
				if ($i == "-o") out[n] = not $(i + 1)
				else if ($i == "-s" && !not) src[n] = $(i + 1)
				else if ($i == "-j" || $i == "-g") { target[n] = $(i + 1); break }
			}
		}
		/^COMMIT/ { c = split(chains, list, " "); for (k = 1; k <= c; k++) walk(list[k], list[k], "", "") }'
}

# beside_conf NAME DEV: the larger of a setting of all devices and of DEV, in IS
beside_conf() {
	local all
	IS=0
	{ read -r IS <"/proc/sys/net/ipv4/conf/$2/$1" && read -r all <"/proc/sys/net/ipv4/conf/all/$1"; } 2>/dev/null || return 1
	((all <= IS)) || IS=$all
}

# beside_rp_filter: devices with strict rp_filter, except the default route's
beside_rp_filter() {
	local file dev default
	default=" $(ip -4 -o route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | tr '\n' ' ')"
	for file in /proc/sys/net/ipv4/conf/*/rp_filter; do
		dev=${file%/rp_filter} dev=${dev##*/}
		[[ $dev != all && $dev != default && $dev != lo && $default != *" $dev "* ]] || continue
		beside_conf rp_filter "$dev" || continue
		((IS != 1)) || printf '6\trpf\trp_filter\t4\t%s\t\t\t\t\n' "$dev"
	done
}

# beside_attached DEV: what keeps packets from the rules there, or is bypassed
beside_attached() {
	local on
	printf '6\tattached\t\t\t%s\t\t\t\t\n' "$1"
	if { read -r on <"/proc/sys/net/ipv4/conf/$1/forwarding"; } 2>/dev/null && ((!on)); then
		printf '6\tnoforward\tip\t4\t%s\t\t\t\tnet.ipv4.conf.%s.forwarding\n' "$1" "$1"
	fi
	if { read -r on </proc/sys/net/ipv6/conf/all/forwarding; } 2>/dev/null && ((!on)); then
		printf '6\tnoforward\tip\t6\t%s\t\t\t\tnet.ipv6.conf.all.forwarding\n' "$1"
	elif { read -r on <"/proc/sys/net/ipv6/conf/$1/forwarding"; } 2>/dev/null && ((!on)); then
		printf '6\tnoask6\tip\t6\t%s\t\t\t\tnet.ipv6.conf.%s.forwarding\n' "$1" "$1"
	fi
	if beside_conf rp_filter "$1" && ((IS == 1)); then
		printf '6\tspoof\trp_filter\t4\t%s\t\t\t\t\n' "$1"
		beside_conf src_valid_mark "$1" && ((!IS)) || printf '6\tvmark\trp_filter\t4\t%s\t\t\t\t\n' "$1"
	fi
	ip -d -j link show dev "$1" 2>/dev/null | jq -r '.[] | .ifname as $dev | .master as $master | .linkinfo |
		(select(.info_slave_kind | IN("bridge", "openvswitch")) | ["6", "port", "", "", $dev, "", "", "", $master]),
		(select(.info_kind == "vrf") | ["6", "vrf", "", "", $dev, "", "", "", ""]) | @tsv' 2>/dev/null || true
	tc -j filter show dev "$1" ingress 2>/dev/null | jq -r --arg dev "$1" '[.[] | select(.options.handle // .options.fh)] |
		(first(.[] | select(.options.bpf_name // "" | startswith("policy.o:")) | .pref) // empty) as $ours |
		.[] | select(.pref > $ours) | ["6", "tcbehind", "tc filter", "", $dev, "", "", "", "pref \(.pref) \(.kind)"] | @tsv' 2>/dev/null || true
	beside_above "$1"
}

# beside_above DEV: devices of this namespace on top of it that take packets for another MAC
# address, and have no policy
beside_above() {
	local dev
	ip -d -j link show type macvlan 2>/dev/null | jq -r --arg low "$1" '.[] | select(.link == $low and .linkinfo.info_data.mode != "passthru") | .ifname' 2>/dev/null |
		while IFS= read -r dev; do
			tc filter show dev "$dev" ingress 2>/dev/null | grep -q ' policy\.o:' ||
				printf '6\tabove\t\t\t%s\t\t\t\t%s\n' "$dev" "$1"
		done
}

# beside_rules: packets forbidden by ip rule
beside_rules() {
	local family
	for family in 4 6; do
		ip "-$family" -j rule show 2>/dev/null | jq -r --arg family "$family" 'def net($a; $l): if $a == null or $a == "all" then "" elif $l then "\($a)/\($l)" else $a end;
			.[] | select(.action | IN("prohibit", "blackhole", "unreachable")) |
			["6", "iprule", "ip rule", $family, "", net(.src; .srclen), net(.dst; .dstlen), .iif // "", "\(.priority) \(.action)"] | @tsv' 2>/dev/null || true
	done
}

# beside_default FAMILY [DEV...]: unmarked packets received by DEV have a default route
beside_default() {
	local table
	[[ -z $(ip "-$1" route show default 2>/dev/null) ]] || return 0
	while IFS= read -r table; do
		[[ -z $(ip "-$1" route show default table "$table" 2>/dev/null) ]] || return 0
	done < <(ip "-$1" -j rule show 2>/dev/null | jq -r '.[] | select(.table and .src == "all" and (has("fwmark") == has("not"))
		and (.iif == null or (.iif | IN($ARGS.positional[]))) and (keys - ["priority", "src", "table", "iif", "not", "fwmark", "fwmask", "protocol"]) == []) | .table' --args "${@:2}" 2>/dev/null)
	return 1
}

# beside_ask COMMAND...: its output; one that takes too long is ended, which is reported as a
# fact
beside_ask() {
	local status=0
	{ timeout -s KILL 3 "$@"; } 2>/dev/null || status=$?
	((status != 137)) || printf '6\tunseen\t%s\t\t\t\t\t\t\n' "$1" >&3
}

# beside_look [DEV...]: all facts of the current namespace; DEV: policy is attached to it
beside_look() {
	local family tool save dev
	for family in 4 6; do
		tool=iptables
		((family == 4)) || tool=ip6tables
		for save in "$tool-nft-save" "$tool-legacy-save" "$tool-save"; do
			type -P "$save" >/dev/null || continue
			beside_ask "$save" | beside_iptables "$family" "$tool"
			[[ $save != *-nft-save ]] || type -P "$tool-legacy-save" >/dev/null || break
			[[ $save != *-legacy-save ]] || break
		done
		if ((family == 6)) && [[ ! -e /proc/sys/net/ipv6/conf ]]; then
			printf '6\tnoipv6\t\t6\t\t\t\t\t\n'
		elif ! beside_default "$family" "$@"; then
			printf '6\tnodefault\tip\t%s\t\t\t\t\t\n' "$family"
		fi
	done
	if type -P nft >/dev/null; then
		beside_ask nft -j list ruleset | HOME=/ beside_ask "$HM_JQ" -rf "${BASH_SOURCE%.sh}.jq" || true
	fi
	# those with if_id, or the mark of a vti device, are for packets that a route or a rule
	# sends to that device
	# shellcheck disable=SC2016
	beside_ask ip xfrm policy | awk -v vti=" $(beside_vti)" 'BEGIN { OFS = "\t" }
		function fact() { if (there) print 6, "xfrm", "ip xfrm policy", (index(src, ":") ? 6 : 4), "", src, dst, "", src " to " dst; there = 0 }
		/^src / { fact(); src = $2; dst = $4 }
		/^[ \t]+dir (out|fwd) / { there = 1 }
		/^[ \t]+if_id / { there = 0 }
		/^[ \t]+mark / && index(vti, " " $2 " ") { there = 0 }
		END { fact() }'
	ip -o addr show 2>/dev/null | awk 'BEGIN { OFS = "\t" } $3 ~ /^inet/ { sub(/\/.*/, "", $4); print 6, "self", "", ($3 == "inet" ? 4 : 6), "", $4, "", "", "" }'
	beside_rp_filter
	beside_rules
	beside_encap
	beside_carries
	for dev; do beside_attached "$dev"; done
} 3>&1

# beside_in FILE: fills in INDEV of facts about a source. Each rule is compared with each fact, so of
# more than 32 of a kind, the rest are merged into one fact about everything.
beside_in() {
	local kind tool family dev src dst indev text n=0
	while IFS=$'\037' read -r _ kind tool family dev src dst indev text; do
		if [[ -n $src && $kind =~ ^(snat|mss|forward|alter)$ ]] && ((n++ < 32)); then
			indev=$(ip -o "-$family" route show "$src" 2>/dev/null | sed -n '1s/.* dev \([^ ]*\).*/\1/p')
		fi
		printf '6\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$tool" "$family" "$dev" "$src" "$dst" "$indev" "$text"
	done < <(sort -u -- "$1" | awk 'BEGIN { FS = OFS = "\t" } $2 !~ /^(self|rpf|attached)$/ && ++n[$2] > 32 { if (n[$2] > 33) next; $4 = $5 = $6 = $7 = "" } { print }' | tr '\t' '\037')
}

# beside_nexthops: routes on standard input, with the next hop objects that they name: with
# nexthop_compat_mode=0, the kernel leaves the look-up to the user
beside_nexthops() {
	{
		ip -o nexthop show 2>/dev/null
		cat
	} | awk '
		$1 == "id" { object[$2] = $0; next }
		{ print }
		match($0, / nhid [0-9]+/) && !/ dev / {
			id = substr($0, RSTART + 6, RLENGTH - 6)
			print object[id]
			n = match(object[id], / group [0-9,\/]+/) ? split(substr(object[id], RSTART + 7, RLENGTH - 7), member, "/") : 0
			for (i = 1; i <= n; i++) print object[member[i] + 0]
		}'
}

# beside_encap: devices that routes with encap lead through, whatever their table
beside_encap() {
	local family objects
	objects=$(ip -o nexthop show 2>/dev/null) || objects=''
	for family in 4 6; do
		printf 'family %d\n%s\n' "$family" "$objects"
		timeout 0.3 ip -o "-$family" route show table all 2>/dev/null || true
	done | awk 'BEGIN { OFS = "\t" } $1 == "family" { family = $2 }
		/ encap / { for (i = 2; i <= NF; i++) if ($(i - 1) == "dev" && !there[family, $i]++) print 6, "encapdev", "ip", family, $i, "", "", "", "" }'
}

# beside_vti: the marks of vti devices as `ip xfrm policy` shows them, each followed by a blank
beside_vti() {
	local kind
	for kind in vti vti6; do
		ip -d -o link show type "$kind" 2>/dev/null | sed -n 's/.* okey \([0-9.]*\) .*/\1/p'
	done | while IFS=. read -r -a key; do
		printf '0x%x/0xffffffff ' $((key[0] << 24 | key[1] << 16 | key[2] << 8 | key[3]))
	done
}

# beside_carries: tunnels that carry only IPv4 or only IPv6
beside_carries() {
	local kind
	for kind in ipip ip6tnl; do
		ip -d -j link show type "$kind" 2>/dev/null
	done | jq -r '.[] | .ifname as $dev | .linkinfo |
		(if .info_kind == "ipip" then "4" else {ipip6: "4", ip6ip6: "6"}[.info_data.proto // ""] // empty end) |
		["6", "carries", "ip", {"4": "6", "6": "4"}[.], $dev, "", "", "", .] | @tsv' 2>/dev/null || true
}

# beside_tables TABLE...: where their routes lead
beside_tables() {
	local table family routes all none forward6=0
	{ read -r forward6 </proc/sys/net/ipv6/conf/all/forwarding; } 2>/dev/null || true
	for table; do
		all='' none=''
		for family in 4 6; do
			routes=$(timeout 0.3 ip -o "-$family" route show table "$table" 2>/dev/null | head -n 256) || (($? != 124)) || all+=late
			[[ -n $routes ]] || none+=$family
			[[ $routes != *nhid* ]] || routes=$(beside_nexthops <<<"$routes")
			all+=$routes
			grep -o '\bdev [^ ]*' <<<"$routes" | sort -u | sed "s/^dev /7\t$table\t/" || true
			# (IPv6 only respects locked ones)
			((family == 6)) || [[ ! $routes =~ \ mtu\ [0-9] ]] || printf '6\tmtu\tip\t4\t\t\t\t\t%s\n' "$table"
		done
		[[ $all != *late* ]] || none=''
		case $none in
		46) printf '6\tnoroute\tip\t\t\t\t\t\t%s\n' "$table" ;;
		4) printf '6\tnoroute\tip\t4\t\t\t\t\t%s\n' "$table" ;;
		6) ((!forward6)) || printf '6\tnoroute\tip\t6\t\t\t\t\t%s\n' "$table" ;;
		esac
		[[ $all != *" encap "* ]] || printf '6\tencap\tip\t\t\t\t\t\t%s\n' "$table"
	done
}
