# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2rules.sh - fdb.sh acl: rules for what leaves by a port. The port has two banks of
# rules, of which one counts; a change is written into the other, and then they change
# places, so that no frame meets half a set.

# --- one rule

acl_ports() { # sport|dport TEXT
	local from min=HM_OFF_l2_acl_$1_min max=HM_OFF_l2_acl_$1_max
	number "$1" "${2%%-*}" 0 65535
	value_set "${!min}" 2 "$NUMBER"
	from=$NUMBER
	number "$1" "${2#*-}" 0 65535
	((from <= NUMBER)) || misuse "$1 $2: the first is larger"
	value_set "${!max}" 2 "$NUMBER"
}

acl_type() { # ETHERTYPE WORD...: all of a rule must ask for the same
	[[ -z $ACL_TYPE || $ACL_TYPE == "$1" ]] || misuse "acl ${*:2}: another protocol family than the rest of the rule"
	ACL_TYPE=$1
}

acl_prefix() { # src|dst TEXT
	local at=HM_OFF_l2_acl_$1 mask=HM_OFF_l2_acl_$1_mask
	prefix "$2" || misuse "$1 $2: expected an IPv4 or IPv6 prefix"
	value_raw "${!at}" "${ADDRESS[@]}"
	value_raw "${!mask}" "${MASK[@]}"
	if ((FAMILY == 4)); then acl_type 0x0800 "$@"; else acl_type 0x86dd "$@"; fi
}

acl_proto() { # TEXT
	protocol proto "$1" 0
	ACL_PROTO=$NUMBER
	value_set "$HM_OFF_l2_acl_proto" 1 "$NUMBER"
}

acl_match() { # NAME VALUE: in VALUE and ACL_FLAGS
	case $1 in
	src | dst) acl_prefix "$1" "$2" ;;
	proto)
		acl_proto "$2"
		ACL_FLAGS=$((ACL_FLAGS | L2_A_PROTO))
		;;
	sport | dport)
		acl_ports "$1" "$2"
		ACL_FLAGS=$((ACL_FLAGS | L2_A_PORTS))
		;;
	vlan)
		vid vlan "$2"
		value_set "$HM_OFF_l2_acl_vlan" 2 "$NUMBER"
		ACL_FLAGS=$((ACL_FLAGS | L2_A_VLAN))
		;;
	ethertype)
		case $2 in
		ip) acl_type 0x0800 "$@" ;;
		ip6) acl_type 0x86dd "$@" ;;
		arp) acl_type 0x0806 "$@" ;;
		0x[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]) acl_type "${2,,}" "$@" ;;
		*) misuse "ethertype $2: expected ip, ip6, arp or 0xNNNN" ;;
		esac
		;;
	fragment)
		[[ $2 == yes ]] || misuse "fragment $2: expected yes"
		ACL_FLAGS=$((ACL_FLAGS | L2_A_FRAGMENT))
		;;
	*) misuse "acl: unknown word $1" ;;
	esac
}

# acl_rule PRIORITY permit|deny MATCH...: in VALUE; the priority in ACL_PRIORITY
acl_rule() {
	ACL_TYPE='' ACL_PROTO='' ACL_FLAGS=0
	map_shape l2_acl
	value_new "$VALUE_SIZE"
	value_set "$HM_OFF_l2_acl_sport_max" 2 65535
	value_set "$HM_OFF_l2_acl_dport_max" 2 65535
	number priority "$1" 0 65535
	ACL_PRIORITY=$NUMBER
	value_set "$HM_OFF_l2_acl_priority" 2 "$NUMBER"
	case $2 in
	permit) ;;
	deny) ACL_FLAGS=$L2_A_DENY ;;
	*) misuse "acl add $1 $2: expected permit or deny" ;;
	esac
	shift 2
	while (($#)); do
		(($# > 1)) || misuse "acl: $1 needs a value"
		acl_match "$1" "$2"
		shift 2
	done
	((!(ACL_FLAGS & L2_A_PORTS))) || [[ $ACL_PROTO =~ ^(6|17|132|136)$ ]] ||
		misuse "acl: ports need proto tcp, udp or sctp"
	((!(ACL_FLAGS & L2_A_PORTS && ACL_FLAGS & L2_A_FRAGMENT))) ||
		misuse "acl: a fragment after the first has no ports"
	[[ -z $ACL_TYPE ]] || value_be16 "$HM_OFF_l2_acl_ethertype" "$ACL_TYPE"
	value_set "$HM_OFF_l2_acl_flags" 1 "$ACL_FLAGS"
}

# --- the rules of a port

# acl_read PORT: ACL_BANK, and RULES: "priority byte byte ..." by place
acl_read() {
	local i n
	l2_port_read "$1"
	n=$(value_num "$HM_OFF_l2_port_acl_n" 2)
	ACL_BANK=$(($(value_num "$HM_OFF_l2_port_acl_bank" 2) & 1))
	RULES=()
	for ((i = 0; i < n; i++)); do
		bytes 4 $((($1 * 2 + ACL_BANK) * L2_ACL_RULES + i))
		value_read l2_acl "${BYTES[@]}" || die "map $GLOBALS/l2_acl cannot be read"
		RULES+=("$(value_num "$HM_OFF_l2_acl_priority" 2) ${VALUE[*]}")
	done
}

# acl_write PORT: RULES become the port's rules
acl_write() {
	local i bank=$((1 - ACL_BANK)) file
	((${#RULES[@]} <= L2_ACL_RULES)) || die "a port has $L2_ACL_RULES rules at most"
	file=$(mktemp)
	for ((i = 0; i < ${#RULES[@]}; i++)); do
		bytes 4 $((($1 * 2 + bank) * L2_ACL_RULES + i))
		printf 'map update pinned %s key hex %s value hex %s\n' "$GLOBALS/l2_acl" "${BYTES[*]}" "${RULES[i]#* }"
	done >"$file"
	[[ ! -s $file ]] || run "$BPFTOOL" batch file "$file"
	rm -f "$file"
	l2_port_read "$1"
	value_set "$HM_OFF_l2_port_acl_n" 2 "${#RULES[@]}"
	value_set "$HM_OFF_l2_port_acl_bank" 2 "$bank"
	acl_put "$1"
}

# acl_put PORT: VALUE, with L2_P_ACL if there is anything to ask
acl_put() {
	local flags
	flags=$(value_num "$HM_OFF_l2_port_flags" 4)
	l2_port_flag "$L2_P_ACL" $(($(value_num "$HM_OFF_l2_port_acl_n" 2) > 0 || (flags & L2_P_ACL_DENY)))
	l2_port_write "$1"
	l2_ports_changed
}

acl_add() { # PORT PRIORITY permit|deny MATCH...
	local port=$1 new rule kept=()
	acl_rule "${@:2}"
	new="$ACL_PRIORITY ${VALUE[*]}"
	acl_read "$port"
	for rule in "${RULES[@]}"; do
		((${rule%% *} != ACL_PRIORITY)) || die "there is a rule of priority $ACL_PRIORITY already: del it first"
		if [[ -n $new ]] && ((${rule%% *} > ACL_PRIORITY)); then
			kept+=("$new")
			new=
		fi
		kept+=("$rule")
	done
	[[ -z $new ]] || kept+=("$new")
	RULES=("${kept[@]}")
	acl_write "$port"
}

# acl_load PORT FILE: its lines "PRIORITY permit|deny MATCH..." become the rules
acl_load() {
	local line n=0 words rule seen=' '
	[[ $2 == - || -r $2 ]] || die "$2: cannot be read"
	acl_read "$1"
	RULES=()
	while IFS= read -r line || [[ -n $line ]]; do
		n=$((n + 1))
		read -ra words <<<"${line%%#*}"
		((${#words[@]})) || continue
		((${#words[@]} > 1)) || die "$2, line $n: expected PRIORITY permit|deny ..."
		# what is wrong is said with the number of the line
		rule=$( (acl_rule "${words[@]}" && printf '%d %s' "$ACL_PRIORITY" "${VALUE[*]}") 2>&1) ||
			die "$2, line $n: ${rule#"$HM_NAME: "}"
		[[ $seen != *" ${rule%% *} "* ]] || die "$2, line $n: priority ${rule%% *} is there already"
		seen+="${rule%% *} "
		RULES+=("$rule")
	done < <(cat -- "$2")
	mapfile -t RULES < <(printf '%s\n' "${RULES[@]}" | sort -n | grep .)
	acl_write "$1"
}

acl_del() { # PORT PRIORITY
	local rule kept=() priority
	number priority "$2" 0 65535
	priority=$NUMBER
	acl_read "$1"
	for rule in "${RULES[@]}"; do
		((${rule%% *} == priority)) || kept+=("$rule")
	done
	((${#kept[@]} < ${#RULES[@]})) || die "there is no rule of priority $priority"
	RULES=("${kept[@]}")
	acl_write "$1"
}

fdb_acl() { # DEV COMMAND...
	port_of "$1"
	case ${2:-} in
	add)
		(($# >= 4)) || misuse "acl add needs a priority, and permit or deny"
		acl_add "$PORT" "${@:3}"
		;;
	del)
		(($# == 3)) || misuse "acl del needs a priority"
		acl_del "$PORT" "$3"
		;;
	load)
		(($# == 3)) || misuse "acl load needs a file"
		acl_load "$PORT" "$3"
		;;
	flush)
		acl_read "$PORT"
		RULES=()
		acl_write "$PORT"
		;;
	default)
		l2_port_read "$PORT"
		case ${3:-} in
		permit) l2_port_flag "$L2_P_ACL_DENY" 0 ;;
		deny) l2_port_flag "$L2_P_ACL_DENY" 1 ;;
		*) misuse "acl default ${3:-}: expected permit or deny" ;;
		esac
		acl_put "$PORT"
		;;
	'') reader | jq --arg dev "$1" '.rules[] | select(.device == $dev)' ;;
	*) misuse "acl $2: expected add, del, load, flush or default" ;;
	esac
}
