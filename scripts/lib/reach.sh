# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# reach.sh - do packets get to what is attached? What can stop them is looked at and named, with
# what to do; afterwards the programs' own counters say it (map hm_reach, `hookmap status`).
#
# A feature says by F_reach where its packets must get to, for DEV_* and the options given:
#   xdp                    its program is at XDP, or behind that of latency
#   tc PREF OPTION         its filter at ingress is at PREF, which OPTION moves
#   index                  skb->tc_index must stay as it is up to the last stage
#   rules TABLE HOOK CHAIN a rule there jumps to CHAIN, by the device's name

# what programs return so that the next one runs, by kind
declare -A REACH_GOES=([tcx]=' -1 1 3 4 5 6 8 ' [bpfda]=' -1 1 3 5 6 ' [netkit]=' -1 0 1 3 4 5 6 8 ')
REACH_LOOKS=64 # programs, at most, whose instructions are looked at

# reach_read DEV: what stands on the way, in REACH_WAY (lines of reach.jq), and what the programs
# there are called, return and do with tc_index, by id
reach_read() {
	local net qdisc filter link id name returns index
	declare -gA REACH_NAME=() REACH_RETURNS=() REACH_INDEX=()
	net=$(in_netns "$BPFTOOL" -j net show 2>/dev/null) || net=
	qdisc=$(in_netns tc -j qdisc show dev "$1" 2>/dev/null) || qdisc=
	filter=$(in_netns tc -j filter show dev "$1" ingress 2>/dev/null) || filter=
	link=$(in_netns ip -j -d link show 2>/dev/null) || link=
	REACH_WAY=$(printf '{"net":%s,"qdisc":%s,"filter":%s,"link":%s}' "${net:-[]}" "${qdisc:-[]}" "${filter:-[]}" "${link:-[]}" |
		json_escaped | jq -r --arg dev "$1" -f "$HM_SCRIPTS/lib/reach.jq") ||
		die "$1: what stands on the way of its packets cannot be read"
	id=$(awk -v most="$REACH_LOOKS" '$2 && $1 ~ /^(tcx|bpf|netkit|other)/ && !seen[$2]++ && n++ < most { printf "%s%s", (n > 1 ? "," : ""), $2 }' <<<"$REACH_WAY")
	[[ -n $id ]] && (hookmap_reader) 2>/dev/null || return 0
	hookmap_reader
	while read -r id _ name returns index; do
		REACH_NAME[$id]=$name REACH_RETURNS[$id]=$returns REACH_INDEX[$id]=$index
	done < <("$READER" progs --look "$id" 2>/dev/null)
}

# reach_ours ID NAME: it is called as a feature's program at tc (strangers of that name are refused)
reach_ours() {
	local name=${REACH_NAME[$1]:-$2}
	[[ " ${FEATURES_KNOWN[*]/%/_tc} " == *" $name "* ]]
}

# reach_ends KIND ID: do packets end at this program? In ENDS: all, some (or it is not known), or
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

# reach_move DEV ID OFF...: commands that put a program behind ours, the last being OFF
reach_move() {
	local pin=$BPFFS/moved-$2
	printf 'or put it behind: %s && ' "$(typed bpftool prog pin id "$2" "$pin")"
	grep -q '^qdisc' <<<"$REACH_WAY" || printf '%s && ' "$(typed tc qdisc add dev "$1" clsact)"
	printf '%s && %s' "$(typed tc filter add dev "$1" ingress pref 1000 handle 1 bpf da pinned "$pin")" "$(typed "${@:3}")"
}

# fact SEVERITY STAGE WHAT NEXT: a line of reach_facts. all: no packet gets to the stage; some:
# it may be that not all do; note: a thing to know
fact() { printf '%s\t%s\t%s\t%s\n' "$@"; }

# reach_tc DEV PREF OPTION: what can end the hook before the filter at PREF
reach_tc() {
	local kind id pref aux proto name who next off ENDS
	while IFS=$'\t' read -r kind id pref aux proto name; do
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
			# where it is in our place, attach says so
			((pref < $2)) || [[ $ENDS == all ]] || continue
			who="the filter $name${id:+ (id $id)} at pref $pref" next="$3 N, with N below $pref"
			((pref > 1)) || next="move it to a higher pref"
			((pref > 1)) || [[ $kind != bpfda ]] ||
				next="let it return TC_ACT_UNSPEC (-1), $(reach_move "$1" "$id" tc filter del dev "$1" ingress pref 1 handle "$aux" bpf)"
			;;
		block)
			fact all tc "its hook is shared block $id, whose filters are those of all its devices" \
				"give it one of its own: $(typed tc qdisc del dev "$1" "$proto") && $(typed tc qdisc add dev "$1" clsact)"
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

# reach_index PREF: who decides by tc_index, and who changes it behind the filter at PREF
reach_index() {
	local kind id pref dev name next
	while IFS=$'\t' read -r kind id pref _ dev name; do
		[[ $kind =~ ^(tcx|bpf|netkit|other) ]] && ! reach_ours "$id" "$name" || continue
		name=${REACH_NAME[$id]:-$name}
		[[ $kind != bpf* ]] || dev=
		next='see that it decides by bits 0 to 4 alone'
		[[ $kind != other || $pref == 0 ]] ||
			next+=", or end the measurement before it: $(typed tc filter add dev "$dev" "$pref" pref 1 handle 1 bpf da obj "$HM_OBJ/tc/latency.o" sec tc)"
		[[ ${REACH_INDEX[$id]:-} != *reads* ]] ||
			fact note tc "$name (id $id)${dev:+ on $dev} reads skb->tc_index, of which bits 5 to 15 are not 0 in packets that are measured" "$next"
		[[ $kind == bpfda ]] && ((pref > $1)) || continue
		[[ ",${REACH_RETURNS[$id]:-}," != *,0,* && ${REACH_INDEX[$id]:-} != *writes* ]] ||
			fact note tc "the filter $name (id $id) at pref $pref sets skb->tc_index, as TC_ACT_OK does: packets for which it does so are not measured behind tc" 'let it return TC_ACT_UNSPEC (-1)'
	done <<<"$REACH_WAY"
}

# reach_rules DEV: whose packets come to netfilter under another name
reach_rules() {
	local kind n what name
	while IFS=$'\t' read -r kind _ n _ what name; do
		case $kind in
		master)
			if [[ $what =~ ^(bridge|bond|team|vrf)$ ]]; then
				fact note prerouting "it is a $what port of $name: what $name takes comes to PREROUTING and INPUT as $name, or not at all" "$(typed attach.sh "$name")"
			else
				fact note prerouting "it is a port of $name ($what): what that takes comes to PREROUTING and INPUT by another device, or not at all" 'attach to that device'
			fi
			;;
		upper) fact note prerouting "the $what device $name$( ((n == 1)) && printf ' is' || printf ' and %d more are' $((n - 1))) on top of it: its packets come to PREROUTING and INPUT as $name" "$(typed attach.sh "$name")" ;;
		esac
	done <<<"$REACH_WAY"
}

# reach_facts DEV FEATURE NOW: what can stop its packets, lines of fact, after reach_read; NOW (1): it
# is attached, and others may have taken it off or put theirs in its place
reach_facts() {
	local line=() pref=0
	while read -r -a line; do
		case ${line[0]:-} in
		xdp) ((!$3)) || grep -qP "^xdp\t.*\t(latency|$2)_[^\t]*$" <<<"$REACH_WAY" || fact all xdp 'its program has gone' "$(typed attach.sh "$1" "$2")" ;;
		tc)
			pref=$(awk -F'\t' -v name="${2}_tc" '$1 == "bpfda" && $6 == name { print $3; exit }' <<<"$REACH_WAY")
			[[ -n $pref ]] || ((!$3)) || fact all tc 'its filter has gone' "$(typed attach.sh "$1" "$2")"
			pref=${pref:-${line[1]}}
			reach_tc "$1" "$pref" "${line[2]}"
			;;
		index) reach_index "$pref" ;;
		rules) reach_rules "$1" ;;
		esac
	done < <("${2}_reach")
}

# reach_check DEV FEATURE...: before the first change: dies where no packet would get to one of
# these, and says what else is to be known
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
		[[ -z $severity ]] || warn "note: $1: $what: $next"
	done < <(sort -t $'\t' -u -k 2,4 <<<"$facts")
}

# reach_jumps DEV TABLE HOOK CHAIN: what keeps packets from our chain, as the rules are now
reach_jumps() {
	local ipt severity rule
	for ipt in "${IPT[@]}"; do
		severity='' rule=''
		if in_netns "$ipt" -w -t "$2" -C "$3" -i "$1" -j "$4" 2>/dev/null; then
			read -r severity rule < <(ipt_before "$ipt" "$2" "$3" "$4" "$1") || true
			[[ -z $severity ]] || fact "$severity" "${3,,}" "$ipt: the rule $rule comes before ours" "$(typed attach.sh "$1")"
		else
			fact all "${3,,}" "$ipt has lost our rule in $2 $3" "$(typed attach.sh "$1")"
		fi
	done
}

# reach_counts: what the programs have counted, a line "inode ifindex feature stage before packets
# reached" each, separated by tabs; nothing without a reader
reach_counts() {
	(hookmap_reader) 2>/dev/null || return 0
	hookmap_reader
	{ "$READER" -j status 2>/dev/null || printf '{"devices":[]}'; } |
		jq -r '.devices[] | . as $d | .reach[]? | [$d.inode, $d.ifindex, .feature, .stage, .before, .packets, .reached // (.reached | tojson)] | @tsv'
}

# reach_now DEV CHECK COUNTS: of what is attached to DEV_*: lines "missed TAB TEXT" and "known TAB TEXT";
# with CHECK (1), what can stop packets is looked at
reach_now() {
	local feature line
	((!$2)) || {
		reach_read "$1"
		ipt_commands
	}
	{
		for feature in "${FEATURES_SET[@]}"; do
			(($2)) && [[ $(type -t "${feature}_reach") == function ]] || continue
			{
				reach_facts "$1" "$feature" 1
				while read -r -a line; do
					[[ ${line[0]} != rules ]] || reach_jumps "$1" "${line[@]:1}"
				done < <("${feature}_reach")
			} | sed "s/^/$feature\t/"
		done
	} | awk -F'\t' -v OFS='\t' -v inode="$DEV_INODE" -v ifindex="$DEV_IFINDEX" -v hint="$( (($2)) || typed status.sh --check "$1")" '
		function miss(place, why, n, next_) { print "missed", "attached but not reached: " place " (" why ")" n (next_ == "" ? "" : ": " next_) }
		# a fact; then what is counted
		NF == 5 {
			facts++
			at = $1 "\t" $3
			if (!(at in worst) || $2 == "all") { worst[at] = $2; what[at] = $4; next_[at] = $5 }
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
