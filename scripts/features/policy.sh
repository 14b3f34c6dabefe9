# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# policy.sh - the feature policy: the program at tc ingress, and the limits for
# scripts/policy.sh, which loads the rules.

policy_help() {
	cat <<'EOF'
policy (of a device): policy routing at tc ingress, with rules loaded by policy.sh
  --max-rules N   refuse rule sets with more rules (default and most 262144)
  --max-masks N   ... with more mask tuples per family (default 64, most 128)
  --max-hops N    ... with more next hops, or groups of them (default 64, most 256)
  --policy-pref N  preference of the tc filter (default 50)
EOF
}

POL_MAP_NAMES=(pol_cfg pol_set pol_tuple pol_filter pol_shift pol_rules pol_more pol_count pol_port pol_iif
	pol_hop pol_hop_state pol_hop_count pol_way pol_group pol_frag pol_work pol_flow pol_stat)

# checked after everything is attached
POL_BESIDE=''
# The options of attach.sh; empty: unchanged
POL_MAX_RULES='' POL_MAX_MASKS='' POL_MAX_HOPS='' POL_PREF=''

policy_option() { # OPTION VALUE
	case $1 in
	--max-rules)
		number "$1" "$2" 1 "$POL_RULES_MAX"
		POL_MAX_RULES=$NUMBER
		;;
	--max-masks)
		number "$1" "$2" 1 "$POL_TUPLES"
		POL_MAX_MASKS=$NUMBER
		;;
	--max-hops)
		number "$1" "$2" 1 "$POL_HOPS"
		POL_MAX_HOPS=$NUMBER
		;;
	--policy-pref)
		number "$1" "$2" 1 65535
		POL_PREF=$NUMBER
		;;
	*) return 1 ;;
	esac
}

# policy_beside DEV: reports what rules bypass here, and what keeps packets from them
policy_beside() {
	local line
	# shellcheck disable=SC2016
	in_netns bash -c '. "$1" && beside_look "$2"' _ "$HM_SCRIPTS/lib/policy_beside.sh" "$1" |
		awk -F'\t' '
			function part(name) { if (!(name in there)) { there[name] = 1; list = list (list == "" ? "" : ", ") name " (" $3 ($9 != "" ? " " $9 : "") ")" } }
			$2 == "snat" || $2 == "dnat" { part("NAT") }
			$2 == "forward" { part("the firewall") }
			$2 == "mss" { part("TCPMSS") }
			$2 == "xfrm" { part("IPsec") }
			$2 == "alter" { part("netfilter") }
			$2 == "tcbehind" { part("tc filters") }
			$2 == "iprule" { part("ip rule") }
			$2 == "setmark" && !marks++ { print $3 " " $9 " sets marks after the rules are checked: rules do not see these marks" }
			$2 == "flowtable" && !flows++ { print "flowtable " $9 " keeps the first route of its flows and ignores the marks of rules" }
			$2 == "spoof" { part("rp_filter") }
			$2 == "port" { print "it belongs to " $9 ": rules see packets for its own MAC address, not those for " $9 ": attach.sh " $9 " policy" }
			$2 == "vrf" { print "a VRF: packets come in by its devices: attach.sh DEV policy for each of them" }
			$2 == "unseen" { print $3 " took over 3 seconds: what rules bypass there is unknown" }
			$2 == "noforward" && $4 == 4 { print "forwarding is off on " $5 ": rules are not checked there: sysctl -w " $9 "=1" }
			$2 == "noask6" { print "IPv6 forwarding is off on " $5 " alone: the stack forwards its packets, but rules are not checked: sysctl -w " $9 "=1" }
			$2 == "above" { print $5 " is on top of it, with its own MAC address: packets to it come in by " $5 ": attach.sh " $5 " policy" }
			$2 == "nodefault" || $2 == "noipv6" { none = none $4 }
			END {
				if (none == "46") print "there is no default route: packets without a route count as this host\047s own, and pass"
				if (list != "") print "rules with redirect, ecmp or table bypass " list "; action mark and ip rule do not"
			}' | while IFS= read -r line; do warn "$1: policy: $line"; done
}

policy_attach() { # DEV
	local class TC_PREF_OPTION=--policy-pref
	object tc/policy.o
	local tc=$OBJECT

	# everything that can be refused is refused before the first change
	maps_check "${POL_MAP_NAMES[@]}"
	map_value pol_cfg
	local was=("${VALUE[@]}")
	tc_check "$1" policy_tc "$POL_PREF" 50
	dev_elsewhere "$HM_FEAT_policy" 'rules name devices of one network namespace'
	field pol_cfg.netns "$NETNS_INODE"
	[[ -z $POL_MAX_RULES ]] || field pol_cfg.max_rules "$POL_MAX_RULES"
	[[ -z $POL_MAX_MASKS ]] || field pol_cfg.max_tuples "$POL_MAX_MASKS"
	[[ -z $POL_MAX_HOPS ]] || field pol_cfg.max_hops "$POL_MAX_HOPS"
	local cfg=("${VALUE[@]}")

	link_kind "$1"
	class=$POL_CLASS_SET
	((!LINK_BARE)) || class=$((class | POL_CLASS_L3))
	tc_qdisc "$1"
	tc_attach "$1" "$tc" policy_tc "${POL_PREF:-50}" "$(printf '%x' "$class")"
	POL_BESIDE=$1
	# (the map now has BTF, which not every user who may attach can read)
	bytes 4 0
	defer map_set pol_cfg "${BYTES[@]}" -- "${was[@]}"
	VALUE=("${cfg[@]}")
	map_write pol_cfg 0
}

policy_reach() { printf 'tc 50 --policy-pref %s\n' "$POL_PREF"; }

policy_detach() { # DEV
	((!DEV_ALIVE)) || tc_detach "$1" policy_tc
}

policy_unshare() {
	[[ ! -d $PINS/policy ]] || run rm -rf "$PINS/policy"
	maps_remove "${POL_MAP_NAMES[@]}"
}

policy_status() { # DEV
	printf '  rules    hookmap policy\n'
}
