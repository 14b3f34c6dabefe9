# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2rules.sh - fdb.sh acl: rules for frames that leave by a port. A port's rules are contiguous in
# l2_acl. A change goes to free entries, and then the port is switched to them, so no frame meets
# half a set.

# acl_change PORT [OPTION...] [-- WORD...]: replaces the port's rules (VALUE of l2_port_read) by what
# the compiler makes of standard input, WORD and OPTION
acl_change() {
	local port=$1 at room sieved used n status=0 OUT
	l2_port_read "$port"
	at=$(field_num l2_port.acl_at)
	sieved=$(($(field_num l2_port.acl_n) & (L2_ACL_SRC | L2_ACL_DST)))
	used=$(l2_ports | awk '{ print $5, $4 }') || exit 1
	scratch BATCH
	scratch WHY
	compiler
	"$COMPILER" acl --maps "$GLOBALS" --used "${used//$'\n'/ }" "${@:2}" 2>"$WHY" >"$BATCH" || status=$?
	((status != 2)) || misuse "acl: $(<"$WHY")"
	((!status)) || die "$(<"$WHY")"
	read -r _ room n <"$BATCH" || scratch_full
	((!(n & (L2_ACL_SRC | L2_ACL_DST)))) || l2_sieve_flush "$room" # left over from a failed change
	((!n)) || change "$BPFTOOL" batch file "$BATCH" || acl_failed "$room"
	field l2_port.acl_n "$n"
	field l2_port.acl_at "$room"
	acl_put "$port"
	# a frame may still use the old rules: if only some of their prefixes were deleted, a shorter
	# prefix would select other rules
	l2_wait
	((!sieved)) || l2_sieve_flush "$at"
}

# acl_failed ROOM: not all of the new rules could be written; the old ones stay
acl_failed() {
	signals_now
	l2_sieve_flush "$1"
	[[ $OUT != *'No space left'* ]] ||
		die "map $GLOBALS/l2_sieve has no room for these (${PIN_SHAPE[l2_sieve]##* } prefixes of the rules of all ports, and those that are replaced): nothing changed: remove rules, or their prefixes"
	failed "$OUT" "$(command_text "$BPFTOOL" batch file "$BATCH") failed"
}

# acl_rules PORT: its current rules, for the compiler
acl_rules() {
	local i n at list
	l2_port_read "$1"
	n=$(($(field_num l2_port.acl_n) & L2_ACL_MASK))
	at=$(field_num l2_port.acl_at)
	((n)) || return 0
	scratch BATCH
	for ((i = 0; i < n; i++)); do
		bytes 4 $((at + i))
		printf 'map lookup pinned %s key hex %s\n' "$GLOBALS/l2_acl" "${BYTES[*]}"
	done | into "$BATCH" || exit 1
	list=$({ bpftool -j batch file "$BATCH" 2>/dev/null || true; } | map_pairs | sed 's/.*|/hex /')
	(($(wc -l <<<"$list") == n)) || die "map $GLOBALS/l2_acl cannot be read"
	printf '%s\n' "$list"
}

# acl_put PORT: writes VALUE, with L2_P_ACL if there is anything to check
acl_put() {
	local flags
	flags=$(field_num l2_port.flags)
	((!(flags & L2_P_MIRROR))) ||
		warn "the bridge does not know these rules: what it floods, or sends from other devices, needs rules of its own (nft, family bridge)"
	flag l2_port.flags "$L2_P_ACL" $(($(field_num l2_port.acl_n) > 0 || (flags & L2_P_ACL_DENY)))
	l2_port_write "$1"
	l2_ports_changed
	((!(flags & L2_P_ACL_DENY) || DRY_RUN)) || acl_found
}

# acl_found: warns if permitted stations at DEV are unreachable because ARP or neighbour discovery is not
# permitted
acl_found() {
	local lost
	lost=$(reader -j --summary --dev "$DEV" | jq -r '[.rules[] | select(.action == "permit") | .match] as $m
		| def any($re): any($m[]; test($re)); any("^(vlan [0-9]+)?$") as $all
		| [if any("[0-9]\\.|ethertype ip( |$)|^(vlan [0-9]+ )?(proto|[sd]?port|fragment|echo)") and ($all or any("ethertype arp") | not) then "ARP (ethertype arp)" else empty end,
			if any("::|:[0-9a-f]|ethertype ip6") and ($all or any("icmp6|ethertype ip6( vlan [0-9]+)?$") | not) then "neighbour discovery (proto icmp6)" else empty end] | join(", ")')
	[[ -z $lost ]] || warn "$DEV: what is permitted will not be found: no rule permits $lost"
}

fdb_acl() { # DEV COMMAND...
	local rules
	port_of "$1"
	DEV=$IFNAME
	case ${2:-} in
	add | del)
		[[ $2 == del ]] || (($# >= 4)) || misuse "acl add needs a priority, and permit or deny"
		[[ $2 == add ]] || (($# == 3)) || misuse "acl del needs a priority"
		[[ $2 == add ]] || number priority "$3" 0 65535
		rules=$(acl_rules "$PORT") || exit 1
		if [[ $2 == add ]]; then
			acl_change "$PORT" -- "${@:3}" <<<"$rules"
		else
			acl_change "$PORT" --del "$NUMBER" <<<"$rules"
		fi
		;;
	load)
		acl_change "$PORT" --file "$3" <"$INPUT"
		;;
	flush)
		(($# == 2)) || misuse "acl flush takes no argument"
		acl_change "$PORT" </dev/null
		;;
	default)
		(($# == 3)) || misuse "acl default needs permit or deny"
		l2_port_read "$PORT"
		case $3 in
		permit | pass) flag l2_port.flags "$L2_P_ACL_DENY" 0 ;;
		deny | drop) flag l2_port.flags "$L2_P_ACL_DENY" 1 ;;
		*) misuse "acl default $3: expected permit or deny" ;;
		esac
		acl_put "$PORT"
		;;
	*) misuse "acl $2: expected add, del, load, flush or default" ;;
	esac
}
