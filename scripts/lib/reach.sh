# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# reach.sh - do packets reach the attached programs? We look for anything that can stop them, and
# name it with the next step; afterwards the programs' own counters tell (map hm_reach, `hookmap
# status`).
#
# F_reach of a feature lists the places that its packets must reach, for DEV_* and the given
# options:
#   xdp                    its program is at XDP, or runs after latency's
#   tc PREF OPTION [TO]    a new filter at ingress gets PREF; OPTION moves it TO another
#   index                  skb->tc_index must stay unchanged up to the last stage
#   rules TABLE HOOK CHAIN a rule there jumps to CHAIN, by the device's name

# return values after which the next program runs, by kind
declare -A REACH_GOES=([tcx]=' -1 1 3 4 5 6 8 ' [bpfda]=' -1 1 3 5 6 ' [netkit]=' -1 0 1 3 4 5 6 8 ')
REACH_LOOKS=64 # inspect the instructions of at most this many programs

# reach_read DEV: the programs that packets pass, in REACH_WAY (lines of reach.jq), with their
# names, return values and use of tc_index, by id
reach_read() {
	local net qdisc filter link id name returns index
	declare -gA REACH_NAME=() REACH_RETURNS=() REACH_INDEX=()
	net=$(in_netns "$BPFTOOL" -j net show 2>/dev/null) || net=
	qdisc=$(in_netns tc -j qdisc show dev "$1" 2>/dev/null) || qdisc=
	filter=$(in_netns tc -j filter show dev "$1" ingress 2>/dev/null) || filter=
	link=$(in_netns ip -j -d link show 2>/dev/null) || link=
	REACH_WAY=$(printf '{"net":%s,"qdisc":%s,"filter":%s,"link":%s}' "${net:-[]}" "${qdisc:-[]}" "${filter:-[]}" "${link:-[]}" |
		json_escaped | jq -r --argjson index "$IFINDEX" -f "$HM_SCRIPTS/lib/reach.jq") ||
		die "$1: cannot read which programs its packets pass"
	[[ $REACH_WAY != *$'\xf4\x8f'* ]] || REACH_WAY=$(as_named <<<"$REACH_WAY")
	id=$(awk -v most="$REACH_LOOKS" '$2 && $1 ~ /^(tcx|bpf|netkit|other)/ && !seen[$2]++ && n++ < most { printf "%s%s", (n > 1 ? "," : ""), $2 }' <<<"$REACH_WAY")
	[[ -n $id ]] && (hookmap_reader) 2>/dev/null || return 0
	hookmap_reader
	while read -r id _ name returns index; do
		REACH_NAME[$id]=$name REACH_RETURNS[$id]=$returns REACH_INDEX[$id]=$index
	done < <(look "$READER" progs --look "$id" 2>/dev/null)
}

# reach_ours ID NAME: it has the name of a feature's tc program (others of that name are refused)
reach_ours() {
	local name=${REACH_NAME[$1]:-$2}
	[[ " ${FEATURES_KNOWN[*]/%/_tc} " == *" $name "* ]]
}

# reach_ends KIND ID: do packets end at this program? ENDS is "all", "some" (also if unknown) or
# empty
reach_ends() {
	local value ends=0 goes=0 returns=${REACH_RETURNS[$2]:-?}
	ENDS=some
	[[ $returns != '?' && -n ${REACH_GOES[$1]:-} ]] || return 0
	for value in ${returns//,/ }; do
		if [[ ${REACH_GOES[$1]} == *" $value "* ]]; then goes=1; else ends=1; fi
	done
	((goes)) || ENDS=all
	((ends)) || ENDS=
}

# reach_move DEV ID OFF...: commands that move a program after ours; OFF is the last of them
reach_move() {
	local pin=$BPFFS/moved-$2
	printf 'or put it behind: %s && ' "$(typed bpftool prog pin id "$2" "$pin")"
	grep -q '^qdisc' <<<"$REACH_WAY" || printf '%s && ' "$(typed tc qdisc add dev "$1" clsact)"
	printf '%s && %s' "$(typed tc filter add dev "$1" ingress pref 1000 handle 1 bpf da pinned "$pin")" "$(typed "${@:3}")"
}

# fact SEVERITY STAGE WHAT NEXT: a line of reach_facts. all: no packet reaches the stage; some:
# some packets may not; note: good to know
fact() { printf '%s\t%s\t%s\t%s\n' "$@"; }

# reach_tc DEV PREF OPTION: programs that can end the hook before the filter at PREF
reach_tc() {
	local kind id pref aux proto name who next off n=0 ours ENDS
	# (of filters with the same preference, the one added last runs first)
	ours=$(awk -F'\t' -v pref="$2" '$1 == "bpfda" && $3 == pref && $6 ~ /_tc$/ { print NR; exit }' <<<"$REACH_WAY")
	while IFS=$'\t' read -r kind id pref aux proto name; do
		n=$((n + 1))
		case $kind in
		tcx)
			reach_ends tcx "$id"
			who="tcx program $name (id $id)"
			off=(bpftool net detach tcx_ingress dev "$1")
			((!aux)) || off=(bpftool link detach id "$aux")
			next="let it return TCX_NEXT (-1), $(reach_move "$1" "$id" "${off[@]}")"
			;;
		netkit)
			reach_ends netkit "$id"
			who="netkit program $name (id $id) of its peer" next='let it return NETKIT_NEXT or NETKIT_PASS'
			;;
		bpf* | filter)
			((pref <= $2)) && ! reach_ours "$id" "$name" || continue
			ENDS=${aux#-}
			((!id)) || reach_ends "$kind" "$id"
			[[ $proto == all || $ENDS != all ]] || ENDS=some
			# if it is in our place, attach says so
			((pref < $2 || n < ${ours:-0})) || [[ -z $ours && $ENDS == all ]] || continue
			who="the filter $name$( ((!id)) || printf ' (id %s)' "$id") at pref $pref" next="$3 N, with N below $pref"
			((pref > 1)) || next="move it to a higher pref"
			((pref > 1)) || [[ $kind != bpfda ]] ||
				next="let it return TC_ACT_UNSPEC (-1), $(reach_move "$1" "$id" tc filter del dev "$1" ingress pref 1 handle "$aux" bpf)"
			;;
		block)
			fact all tc "its hook is shared block $id, whose filters apply to all its devices" \
				"give it one of its own: $(typed tc qdisc del dev "$1" "$proto") && $(typed tc qdisc add dev "$1" clsact)"
			continue
			;;
		l3s)
			fact all tc 'it is an ipvlan in mode l3s, whose packets bypass tc' \
				"attach to the device below it, or $(typed ip link set dev "$1" type ipvlan mode l3)"
			continue
			;;
		*) continue ;;
		esac
		case $ENDS in
		all) fact all tc "$who ends the hook before" "$next" ;;
		some) fact some tc "$who comes before and may end the hook" "$next" ;;
		esac
	done <<<"$REACH_WAY"
}

# reach_index PREF: programs that use tc_index, or change it after the filter at PREF. At a hook
# where latency_end runs, later programs find no tag
reach_index() {
	local kind id pref dev name next hook ended=' '
	while IFS=$'\t' read -r kind id pref _ dev name; do
		[[ $kind =~ ^(tcx|bpf|netkit|other) ]] && ! reach_ours "$id" "$name" || continue
		name=${REACH_NAME[$id]:-$name}
		[[ $kind != bpf* ]] || dev=
		hook="${dev:+$pref/}$dev"
		[[ $name != latency_end ]] || ended+="$hook "
		[[ $ended != *" $hook "* ]] || continue
		next='see that it decides by bits 0 to 4 alone'
		[[ $kind != other || $pref == 0 ]] ||
			next+=", or end the measurement before it: $(typed tc filter add dev "$dev" "$pref" pref 1 handle 1 bpf da obj "$HM_OBJ/tc/latency.o" sec tc)"
		[[ ${REACH_INDEX[$id]:-} != *reads* ]] ||
			fact note tc "$name (id $id)${dev:+ on $dev} reads skb->tc_index, whose bits 5 to 15 are set in measured packets" "$next"
		[[ $kind == bpfda ]] && ((pref > $1)) || continue
		[[ ",${REACH_RETURNS[$id]:-}," != *,0,* && ${REACH_INDEX[$id]:-} != *writes* ]] ||
			fact note tc "the filter $name (id $id) at pref $pref sets skb->tc_index, as TC_ACT_OK does: such packets are not measured after tc" 'let it return TC_ACT_UNSPEC (-1)'
	done <<<"$REACH_WAY"
}

# reach_rules DEV: devices whose packets reach netfilter under another name
reach_rules() {
	local kind n what name
	while IFS=$'\t' read -r kind _ n _ what name; do
		case $kind in
		master)
			if [[ $what =~ ^(bridge|bond|team|vrf)$ ]]; then
				fact note prerouting "it is a $what port of $name: packets that $name takes reach PREROUTING and INPUT as $name, or not at all" "$(typed attach.sh "$name")"
			else
				fact note prerouting "it is a port of $name ($what): packets that it takes reach PREROUTING and INPUT through another device, or not at all" 'attach to that device'
			fi
			;;
		upper) fact note prerouting "the $what device $name$( ((n == 1)) && printf ' is' || printf ' and %d more are' $((n - 1))) on top of it: its packets reach PREROUTING and INPUT as $name" "$(typed attach.sh "$name")" ;;
		esac
	done <<<"$REACH_WAY"
}

# reach_nft DEV NOW: chains of nft that come before our rules, and flowtables. (JSON of nft 1.0.6 does
# not have the devices of a chain.)
reach_nft() {
	local severity stage what next
	type -P nft >/dev/null || {
		((!$2)) || fact note prerouting 'nft is not installed: its rules that drop packets before ours are not known' "$(typed apt install nftables)"
		return 0
	}
	# shellcheck disable=SC2016
	in_netns nft -y -t list ruleset 2>/dev/null | dev=$1 awk '
		BEGIN { dev = ENVIRON["dev"] }
		function is_dev(name) { return name == dev || (sub(/\*$/, "", name) && index(dev, name) == 1) }
		function of_dev(list,  i, n, name) {
			n = split(list, name, /[ ,{}"]+/)
			for (i = 1; i <= n; i++) if (is_dev(name[i])) return 1
			return 0
		}
		# 2: all packets end in CHAIN, 1: some may, 0: none
		function ends(chain,  i, n, to, worst) {
			if (chain in been) return 0
			been[chain] = 1
			worst = worst_of[chain] + 0
			n = split(jumps[chain], to, " ")
			for (i = 1; i <= n; i++) if (!worst && ends(table_of[chain] " " to[i])) worst = 1
			return worst
		}
		/^table / { table = $2 " " $3 }
		/^\tchain / { chain = table " " $2; table_of[chain] = table; rules[chain] = 0 }
		/^\tflowtable / { chain = ""; flows = table " " $2 }
		/^\t}/ { chain = flows = "" }
		flows != "" && $1 == "devices" && of_dev($0) { flowtable[flows] = 1 }
		chain == "" || !/^\t\t/ { next }
		$1 == "type" && $3 == "hook" {
			at = 0
			for (i = 5; i < NF; i++) if ($i == "priority") at = i
			order = $(at + 1) + 0
			# (iptables covers the chains of our rules)
			if ($4 == "ingress") ours = of_dev($0)
			else ours = ($4 == "prerouting" || $4 == "input" && order < 0) && chain !~ /^ip6? (raw PREROUTING|filter INPUT)$/
			if (ours) base[++bases] = chain
			hook[chain] = $4
			prio[chain] = order
			if (/policy drop/) policy[chain] = 1
			next
		}
		{
			if (match($0, /iif(name)? "[^"]*"/)) {
				name = substr($0, RSTART, RLENGTH)
				gsub(/^[^"]*"|"$/, "", name)
				if (!is_dev(name)) next
			} else if (index($0, "iifname != \"" dev "\"")) next
			gsub(/"[^"]*"/, "x")
			rules[chain]++
			if (/(^|[ \t:])(drop|reject|queue|synproxy|fwd)([ ,]|$)|vmap @/)
				if (!worst_of[chain]) worst_of[chain] = rules[chain] == 1 && /^\t\t(counter packets [0-9]+ bytes [0-9]+ )?drop( comment x)?$/ ? 2 : 1
			for (line = $0; match(line, /(jump|goto) [^ ,]+/); line = substr(line, RSTART + RLENGTH))
				jumps[chain] = jumps[chain] " " substr(line, RSTART + 5, RLENGTH - 5)
		}
		END {
			for (i = 1; i <= bases; i++) {
				c = base[i]
				split("", been)
				worst = ends(c)
				if (policy[c] && !worst) worst = rules[c] ? 1 : 2
				if (!worst) continue
				late = hook[c] == "prerouting" && prio[c] > -300
				stage = hook[c] == "input" || late ? "input" : "prerouting"
				print worst == 2 ? "all" : "some", stage, "nft chain " c " (hook " hook[c] ", priority " prio[c] ") " (worst == 2 ? "drops all packets" : "may drop packets before"), \
					hook[c] == "ingress" || late ? "what it drops is last seen at " (late ? "prerouting" : "tc") : "give it a priority above " (stage == "input" ? -1 : -300)
			}
			for (f in flowtable) print "some", "prerouting", "nft flowtable " f " forwards packets of established flows before", "they are last seen at tc"
		}' OFS='\t' | while IFS=$'\t' read -r severity stage what next; do
		# (packets get to tc)
		((!$2)) && severity=some
		fact "$severity" "$stage" "$what" "$next"
	done
}

# reach_facts DEV FEATURE NOW: what can stop its packets, as lines of fact, after reach_read.
# NOW is 1 if it is attached, and others may have removed or replaced it; 2 if it was attached by
# hand, with rules that we do not know
reach_facts() {
	local line=() pref=0
	while read -r -a line; do
		case ${line[0]:-} in
		xdp) (($3 != 1)) || grep -qP "^xdp\t.*\t(latency|$2)_[^\t]*$" <<<"$REACH_WAY" || fact all xdp 'its program is gone' "$(typed attach.sh "$1" "$2")" ;;
		tc)
			pref=${line[3]:-$(awk -F'\t' -v want="${2}_tc" '$1 == "bpfda" && $6 == want { print $3; exit }' <<<"$REACH_WAY")}
			[[ -n $pref ]] || (($3 != 1)) || fact all tc 'its filter is gone' "$(typed attach.sh "$1" "$2")"
			[[ -n $pref ]] || (($3 != 2)) || return 0
			pref=${pref:-${line[1]}}
			reach_tc "$1" "$pref" "${line[2]}"
			;;
		index) reach_index "$pref" ;;
		rules)
			(($3 != 2)) || continue
			reach_rules "$1"
			[[ ${line[1]} != raw ]] || reach_nft "$1" "$3"
			;;
		esac
	done < <("${2}_reach")
}

# reach_check DEV FEATURE...: call it before the first change: dies if no packet would reach one of
# these, and prints notes
reach_check() {
	local feature facts='' severity stage what next
	reach_read "$1"
	for feature in "${@:2}"; do
		facts+=$(reach_facts "$1" "$feature" 0 | sed "s/^/$feature\t/")$'\n' || exit 1
	done
	while IFS=$'\t' read -r feature severity stage what next; do
		[[ $severity != all ]] || die "$1: no packet would get to $feature at $stage: $what: $next"
	done <<<"$facts"
	while IFS=$'\t' read -r _ severity stage what next; do
		[[ -z $severity ]] || note "$1: $what: $next"
	done < <(sort -t $'\t' -u -k 2,4 <<<"$facts")
}

# reach_jumps DEV TABLE HOOK CHAIN: what in the current rules keeps packets from our chain
reach_jumps() {
	local ipt severity rule
	for ipt in "${IPT[@]}"; do
		severity='' rule=''
		if in_netns "$ipt" -w -t "$2" -C "$3" -i "$1" -j "$4" 2>/dev/null; then
			read -r severity rule < <(ipt_before "$ipt" "$2" "$3" "$4" "$1") || true
			[[ -z $severity ]] || fact "$severity" "${3,,}" "$ipt: the rule $rule comes before ours" "$(typed attach.sh "$1")"
		elif in_netns "$ipt" -w -t "$2" -S "$3" >/dev/null 2>&1 && ipt_bpf "$ipt"; then
			fact all "${3,,}" "$ipt has lost our rule in $2 $3" "$(typed attach.sh "$1")"
		else
			fact note "${3,,}" "$ipt does not work here: $(ipt_missing "$ipt")" "$(typed attach.sh "$1") says why"
		fi
	done
}

# reach_counts: reads hookmap -j status and prints one line per program, separated by tabs: inode
# ifindex feature stage before packets reached
reach_counts() {
	jq -r '.devices[]? | . as $d | .reach[]? | [$d.inode, $d.ifindex, .feature, .stage, .before, .packets, .reached // (.reached | tojson)] | @tsv'
}

# reach_now DEV CHECK COUNTS: for the features of DEV_*: lines "missed TAB TEXT" and "known TAB
# TEXT"; with CHECK (1), also for anything that can stop packets
reach_now() {
	local feature line how=$((DEV_FEATURES ? 1 : 2))
	((!$2)) || {
		reach_read "$1"
		ipt_commands
	}
	{
		for feature in "${FEATURES_SET[@]}"; do
			(($2)) && feature_has "$feature" reach || continue
			{
				reach_facts "$1" "$feature" "$how"
				while read -r -a line; do
					[[ ${line[0]} != rules || $how == 2 ]] || reach_jumps "$1" "${line[@]:1}"
				done < <("${feature}_reach")
			} | sed "s/^/$feature\t/"
		done
	} | hint=$( (($2)) || typed status.sh --check "$1") awk -F'\t' -v OFS='\t' -v inode="$DEV_INODE" -v ifindex="$DEV_IFINDEX" '
		BEGIN { hint = ENVIRON["hint"] }
		function miss(place, why, n, next_) { print "missed", "attached but not reached: " place " (" why ")" n (next_ == "" ? "" : ": " next_) }
		# a fact; then the counters
		NF == 5 {
			facts++
			at = $1 "\t" $3
			if ($2 == "all" && worst[at] == "all") what[at] = what[at] "; " $4
			else if (!(at in worst) || $2 == "all") { worst[at] = $2; what[at] = $4; next_[at] = $5 }
			if ($2 != "all") note[facts] = $4 ": " $5
			else order[facts] = at
		}
		NF == 7 && $1 == inode && $2 == ifindex {
			at = $3 "\t" $4
			counted[at] = 1
			n = $5 ? ": " $6 " of " $5 " packets" : ""
			if ($7 == "false" || worst[at] == "all") {
				if (hint != "") miss($3 " at " $4, hint " looks what stops them", n, "")
				else if (worst[at] ~ /all|some/) miss($3 " at " $4, what[at], n, next_[at])
				else miss($3 " at " $4, "nothing that could stop them is found", n, "")
			} else print "known", $3 " at " $4 ": " ($7 == "true" ? $6 " packets" : "no packet has come yet")
		}
		END {
			for (i = 1; i <= facts; i++) {
				if (i in note && !said[note[i]]++) print "known", "note: " note[i]
				if (i in order && !(order[i] in counted) && !said[order[i]]++) {
					split(order[i], part, "\t")
					miss(part[1] " at " part[2], what[order[i]], "", next_[order[i]])
				}
			}
		}' - <(printf '%s\n' "$3")
}
