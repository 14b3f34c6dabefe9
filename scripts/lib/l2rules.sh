# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2rules.sh - fdb.sh acl: rules for what leaves by a port. The rules of a port are in one
# piece of l2_acl. A change is written beside it, and then the port is told where, so that
# no frame meets half a set.

# From so many rules on, l2_sieve is asked first which of them can match (by measurement:
# a rule costs 5 ns, the sieve some 50)
ACL_SIEVE=16

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
	local at=HM_OFF_l2_acl_$1 mask=HM_OFF_l2_acl_$1_mask i
	prefix "$2" || misuse "$1 $2: expected an IPv4 or IPv6 prefix"
	for ((i = 0; i < 16; i++)); do
		((!(16#${ADDRESS[i]} & ~16#${MASK[i]}))) || misuse "$1 $2: bits are set behind the prefix"
	done
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

# acl_blank: a value of zeros in ACL_BLANK, made once
acl_blank() {
	((!${#ACL_BLANK[@]})) || return 0
	map_shape l2_acl
	value_new "$VALUE_SIZE"
	ACL_BLANK=("${VALUE[@]}")
}
ACL_BLANK=()

# acl_rule PRIORITY permit|deny MATCH...: in VALUE; the priority in ACL_PRIORITY
acl_rule() {
	local seen=' '
	ACL_TYPE='' ACL_PROTO='' ACL_FLAGS=0
	acl_blank
	VALUE=("${ACL_BLANK[@]}")
	value_set "$HM_OFF_l2_acl_sport_max" 2 65535
	value_set "$HM_OFF_l2_acl_dport_max" 2 65535
	number priority "$1" 0 65535
	ACL_PRIORITY=$NUMBER
	value_set "$HM_OFF_l2_acl_priority" 2 "$NUMBER"
	case $2 in
	permit | pass) ;;
	deny | drop) ACL_FLAGS=$L2_A_DENY ;;
	*) misuse "acl add $1 $2: expected permit or deny" ;;
	esac
	shift 2
	while (($#)); do
		(($# > 1)) || misuse "acl: $1 needs a value"
		[[ $seen != *" $1 "* ]] || misuse "acl: $1 is there twice"
		seen+="$1 "
		acl_match "$1" "$2"
		shift 2
	done
	# IP has protocols, and each family an ICMP of its own
	[[ "$ACL_TYPE/$ACL_PROTO" != @(0x0800/58|0x86dd/1) && $ACL_TYPE == @(|0x0800|0x86dd) ]] || ((!(ACL_FLAGS & (L2_A_PROTO | L2_A_FRAGMENT)))) ||
		misuse "acl: no frame has both: ethertype $ACL_TYPE, and $( ((ACL_FLAGS & L2_A_PROTO)) && printf "proto %d" "$ACL_PROTO" || printf fragment)"
	((!(ACL_FLAGS & L2_A_PORTS))) || [[ $ACL_PROTO =~ ^(6|17|132|136)$ ]] ||
		misuse "acl: ports need proto tcp, udp or sctp"
	((!(ACL_FLAGS & L2_A_PORTS && ACL_FLAGS & L2_A_FRAGMENT))) ||
		misuse "acl: a fragment after the first has no ports"
	[[ -z $ACL_TYPE ]] || value_be16 "$HM_OFF_l2_acl_ethertype" "$ACL_TYPE"
	value_set "$HM_OFF_l2_acl_flags" 1 "$ACL_FLAGS"
}

# --- the rules of a port

# acl_read PORT: ACL_AT, ACL_SIEVED, and RULES: "priority byte byte ..." by place
acl_read() {
	local i n
	l2_port_read "$1"
	n=$(value_num "$HM_OFF_l2_port_acl_n" 2)
	ACL_AT=$(value_num "$HM_OFF_l2_port_acl_at" 2)
	ACL_SIEVED=$((n & (L2_ACL_SRC | L2_ACL_DST)))
	n=$((n & L2_ACL_MASK))
	RULES=()
	((n)) || return 0
	scratch BATCH
	for ((i = 0; i < n; i++)); do
		bytes 4 $((ACL_AT + i))
		printf 'map lookup pinned %s key hex %s\n' "$GLOBALS/l2_acl" "${BYTES[*]}"
	done | into "$BATCH" || exit 1
	mapfile -t RULES < <({ bpftool batch file "$BATCH" 2>/dev/null || true; } | l2_pairs |
		awk -F'|' -v at="$HM_OFF_l2_acl_priority" -v endian="$HM_ENDIAN" '
			function hex(s) { return (index("0123456789abcdef", substr(s, 1, 1)) - 1) * 16 + index("0123456789abcdef", substr(s, 2, 1)) - 1 }
			{ split($2, b, " "); x = hex(b[at + 1]); y = hex(b[at + 2]); print (endian == "little" ? x + 256 * y : y + 256 * x), $2 }')
	((${#RULES[@]} == n)) || die "map $GLOBALS/l2_acl cannot be read"
}

# acl_room COUNT: in ROOM, where so many rules fit in, beside those of all ports
acl_room() {
	local ports
	ports=$(l2_ports) || exit 1
	ROOM=$(awk '$4 { print $5, $4 }' <<<"$ports" | sort -n | awk -v want="$1" -v size="$L2_ACL_ENTRIES" '
		$1 - at >= want { exit }
		{ at = $1 + $2 }
		END { if (size - at >= want) print at + 0 }')
	[[ -n $ROOM ]] || die "there is no room for $1 rules: all ports together have $L2_ACL_ENTRIES at most, with room to change one"
}

# acl_sieve SET FILE: bpftool commands for the rules that it reads, into FILE; prints the
# flags of the sides that have prefixes. A prefix leaves over the rules that have it or a
# shorter one around it, and those that have none.
acl_sieve() {
	pin=$GLOBALS/l2_sieve awk -v set="$1" -v out="$2" -v endian="$HM_ENDIAN" -v words=$((L2_ACL_RULES / 64)) \
		-v flag0="$L2_ACL_SRC" -v flag1="$L2_ACL_DST" -v addr0="$HM_OFF_l2_acl_src" -v mask0="$HM_OFF_l2_acl_src_mask" \
		-v addr1="$HM_OFF_l2_acl_dst" -v mask1="$HM_OFF_l2_acl_dst_mask" -v type="$HM_OFF_l2_acl_ethertype" '
		function number(n, size,  i, text, byte) {
			for (i = 0; i < size; i++) {
				byte = sprintf("%02x ", n % 256); n = int(n / 256)
				text = endian == "little" ? text byte : byte text
			}
			return text
		}
		# 16 bytes from OFFSET on, as binary digits; field 1 is the priority
		function digits(offset,  i, text) {
			for (i = 0; i < 16; i++) text = text bin[substr($(offset + 2 + i), 1, 1)] bin[substr($(offset + 2 + i), 2, 1)]
			return text
		}
		function set_bit(rule,  byte) {
			byte = int(rule / 8)
			if (endian != "little") byte = byte - byte % 8 + 7 - byte % 8
			bits[byte] += pow2[rule % 8]
		}
		function set_bits(list,  i, n, rules) { n = split(list, rules, " "); for (i = 1; i <= n; i++) set_bit(rules[i]) }
		function emit(side, family, len, prefix,  i, text) {
			while (length(prefix) < 128) prefix = prefix "0"
			for (i = 0; i < 16; i++) text = text nibble[substr(prefix, i * 8 + 1, 4)] nibble[substr(prefix, i * 8 + 5, 4)] " "
			printf "map update pinned %s key hex %s%s%02x %02x %svalue hex", ENVIRON["pin"], number(32 + len, 4), number(set, 2), side, family, text >>out
			for (i = 0; i < words * 8; i++) { printf " %02x", bits[i] >>out; bits[i] = 0 }
			printf "\n" >>out
		}
		BEGIN {
			pow2[0] = 1
			for (i = 1; i < 8; i++) pow2[i] = 2 * pow2[i - 1]
			for (i = 0; i < 16; i++) {
				h = sprintf("%x", i); b = int(i / 8) int(i / 4) % 2 int(i / 2) % 2 i % 2
				bin[h] = b; nibble[b] = h
			}
			addr[0] = addr0; mask[0] = mask0; flag[0] = flag0; addr[1] = addr1; mask[1] = mask1; flag[1] = flag1
		}
		{
			for (side = 0; side < 2; side++) {
				len = index(digits(mask[side]) "0", "0") - 1
				if (!len) { wild[side] = wild[side] " " NR - 1; continue }
				family = $(type + 2) == "08" ? 4 : 6
				prefix = substr(digits(addr[side]), 1, len)
				key = side " " family " " len " " prefix
				if (!(key in list)) keys[++n] = key
				list[key] = list[key] " " NR - 1
				lens[side, family, len] = used[side] = 1
			}
		}
		END {
			for (side = 0; side < 2; side++) {
				if (!used[side]) continue
				flags += flag[side]
				for (family = 0; family <= 6; family += 2) if (family != 2) { set_bits(wild[side]); emit(side, family, 0, "") }
			}
			for (i = 1; i <= n; i++) {
				split(keys[i], k, " ")
				set_bits(wild[k[1]])
				for (len = 1; len <= k[3]; len++) if ((k[1], k[2], len) in lens) set_bits(list[k[1] " " k[2] " " len " " substr(k[4], 1, len)])
				emit(k[1], k[2], k[3], k[4])
			}
			print flags + 0
		}'
}

# acl_write PORT: RULES become the port's rules
acl_write() {
	local i flags=0 n=${#RULES[@]}
	((n <= L2_ACL_RULES)) || die "a port has $L2_ACL_RULES rules at most"
	acl_room "$n"
	scratch BATCH
	for ((i = 0; i < n; i++)); do
		bytes 4 $((ROOM + i))
		printf 'map update pinned %s key hex %s value hex %s\n' "$GLOBALS/l2_acl" "${BYTES[*]}" "${RULES[i]#* }"
	done | into "$BATCH" || exit 1
	if ((n >= ACL_SIEVE)); then
		l2_sieve_flush "$ROOM" # of a change that failed
		flags=$(printf '%s\n' "${RULES[@]}" | acl_sieve "$ROOM" "$BATCH" 2>/dev/null) ||
			die "the rules cannot be prepared: is ${TMPDIR:-/tmp} full?"
	fi
	[[ ! -s $BATCH ]] || run "$BPFTOOL" batch file "$BATCH"
	l2_port_read "$1"
	value_set "$HM_OFF_l2_port_acl_n" 2 $((n | flags))
	value_set "$HM_OFF_l2_port_acl_at" 2 "$ROOM"
	acl_put "$1"
	# a frame may still be asking the rules of before: with only some of their prefixes gone,
	# a shorter one would leave over others
	l2_wait
	((!ACL_SIEVED)) || l2_sieve_flush "$ACL_AT"
}

# acl_put PORT: VALUE, with L2_P_ACL if there is anything to ask
acl_put() {
	local flags
	flags=$(value_num "$HM_OFF_l2_port_flags" 4)
	((!(flags & L2_P_MIRROR))) ||
		warn "the bridge does not know these rules: what it floods, or sends from other devices, needs rules of its own (nft, family bridge)"
	l2_port_flag "$L2_P_ACL" $(($(value_num "$HM_OFF_l2_port_acl_n" 2) > 0 || (flags & L2_P_ACL_DENY)))
	l2_port_write "$1"
	l2_ports_changed
	((!(flags & L2_P_ACL_DENY) || DRY_RUN)) || acl_found
}

# acl_found: says if what is permitted at DEV cannot be found, because ARP or neighbour discovery is not
acl_found() {
	local lost
	lost=$(reader -j --summary --dev "$DEV" | jq -r '[.rules[] | select(.action == "permit") | .match] as $m
		| def any($re): any($m[]; test($re)); any("^(vlan [0-9]+)?$") as $all
		| [if any("[0-9]\\.|ethertype ip( |$)|^(vlan [0-9]+ )?proto") and ($all or any("ethertype arp") | not) then "ARP (ethertype arp)" else empty end,
			if any("::|:[0-9a-f]|ethertype ip6") and ($all or any("icmp6|ethertype ip6( vlan [0-9]+)?$") | not) then "neighbour discovery (proto icmp6)" else empty end] | join(", ")')
	[[ -z $lost ]] || warn "$DEV: what is permitted will not be found: no rule permits $lost"
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

# acl_load PORT FILE: its lines "PRIORITY permit|deny MATCH...", which are in INPUT, become the rules
acl_load() {
	local line lines n=0 words rule seen=' ' file=$2
	mapfile -t lines <"$INPUT"
	# what is wrong is said with the number of the line
	misuse() { die "$file, line $n: $*"; }
	acl_read "$1"
	RULES=()
	for line in "${lines[@]}"; do
		n=$((n + 1))
		line=${line%$'\r'}
		read -ra words <<<"${line%%#*}"
		((${#words[@]})) || continue
		((${#words[@]} > 1)) || die "$2, line $n: expected PRIORITY permit|deny ..."
		acl_rule "${words[@]}"
		rule="$ACL_PRIORITY ${VALUE[*]}"
		[[ $seen != *" ${rule%% *} "* ]] || die "$2, line $n: priority ${rule%% *} is there already"
		seen+="${rule%% *} "
		RULES+=("$rule")
	done
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
	DEV=$IFNAME
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
		acl_load "$PORT" "$3"
		;;
	flush)
		(($# == 2)) || misuse "acl flush takes nothing"
		acl_read "$PORT"
		RULES=()
		acl_write "$PORT"
		;;
	default)
		(($# == 3)) || misuse "acl default needs permit or deny"
		l2_port_read "$PORT"
		case $3 in
		permit | pass) l2_port_flag "$L2_P_ACL_DENY" 0 ;;
		deny | drop) l2_port_flag "$L2_P_ACL_DENY" 1 ;;
		*) misuse "acl default $3: expected permit or deny" ;;
		esac
		acl_put "$PORT"
		;;
	*) misuse "acl $2: expected add, del, load, flush or default" ;;
	esac
}
