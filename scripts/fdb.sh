#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fdb.sh - entries, ports and rules of the layer-2 fast path. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/hooks.sh"
. "$HM_SCRIPTS/lib/l2.sh"
. "$HM_SCRIPTS/lib/l2rules.sh"
. "$HM_SCRIPTS/lib/progress.sh"
. "$HM_SCRIPTS/lib/condition.sh"

usage() {
	cat <<'EOF'
usage: fdb.sh [OPTION...] add|replace MAC dev DEV [vlan VID]
       fdb.sh [OPTION...] add|replace MAC local [vlan VID]
       fdb.sh [OPTION...] del MAC [vlan VID]
       fdb.sh [OPTION...] flush [dev DEV]
       fdb.sh [OPTION...] load FILE
       fdb.sh [OPTION...] dump
       fdb.sh [OPTION...] port DEV [SETTING VALUE]...
       fdb.sh [OPTION...] acl DEV [RULE-COMMAND]
       fdb.sh [OPTION...] guard DEV [on|off|add MAC [ADDRESS...]|del MAC|flush]

Sets what l2fwd does (attach.sh DEV l2fwd). Frames for MAC in VLAN leave by DEV, or go
to this host's stack ("local"). Without "vlan", the entry is for transparent ports.
"load" sets the entries of a file, lines of "MAC dev DEV [vlan VID]" (- is stdin); it
checks the whole file before it changes anything. "flush" removes entries set here, not
those of a mirrored bridge. "dump" prints entries set here, for "load". "port DEV", "acl
DEV" and "guard DEV" alone show a port's settings; without arguments, all are shown.

port settings:
  mode transparent       forward all tags untouched, by MAC alone (default)
  mode access VID        untagged outside, VID inside
  mode trunk LIST        tagged, VIDs such as 10,20-29
  native VID             trunk: untagged outside is this VID inside; 0 = none
  proto 802.1q|802.1ad   ethertype of the tags
  translate OUT:IN       trunk: VID OUT on the wire is VID IN inside; none: no translations
  miss|bcast|mcast ACTION  frames without an entry: pass (to the stack, default),
                         flood (to the ports of the VLAN) or drop
  storm N                flood at most N frames per second, 0 = no limit
  hairpin on|off         frames may leave through their input port
  block on|off           drop all frames, except control frames to the stack
On a port of a mirrored bridge, only pass and drop can be set; the bridge decides the rest.

rule commands, for frames that leave by DEV; the first match by PRIORITY decides:
  add PRIORITY permit|deny [CONDITION]   del PRIORITY   flush
  pass and drop mean the same as permit and deny
  load FILE              lines as for add replace all rules at once
  default permit|deny    what happens without a match (default permit)

EOF
	condition_help
	cat <<'EOF'

guard on: frames from DEV need a source MAC that was added; if it was added with
addresses, their IP, ARP and neighbour discovery must use one of these.

  --netns NAME    the ports are in this network namespace
  -n, --dry-run   only show the commands
  -v, --verbose   also show the commands
  -h, --help

Exit status: 0 done, 1 nothing changed, 2 usage.
EOF
}

# --- words of the command line

# mac_bytes TEXT: its six bytes in MAC. False if it is not a MAC address.
mac_bytes() {
	[[ $1 =~ ^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$ ]] || return 1
	IFS=: read -ra MAC <<<"${1,,}"
}

# unicast TEXT: MAC of one station
unicast() {
	mac_bytes "$1" || misuse "$1: expected a MAC address such as 02:00:00:00:00:01"
	((!(16#${MAC[0]} & 1))) || misuse "$1: is a group address, and an entry is for one station"
	[[ ${MAC[*]} != '00 00 00 00 00 00' ]] || misuse "$1: is not the address of a station"
}

vid() { number "$1" "$2" 1 4094; }

# port_of DEV: sets PORT to its number
port_of() {
	local have
	device_index "$1" || die "no device $1${NETNS:+ in network namespace $NETNS}"
	l2_cfg_read
	have=$(field_num l2_cfg.netns)
	((have == 0 || have == NETNS_INODE)) ||
		die "$1: the ports are in another network namespace ($(netns_called 2 "$have")): use --netns"
	l2_port_find "$IFINDEX" "$IFNAME" || die "$1 is not a port of l2fwd: $(typed attach.sh "$1" l2fwd)"
}

# --- entries

# entry_words WANT-DEV WORD...: sets ENTRY, TO (a device, or empty) or STACK (1), VLAN, KEY
entry_words() {
	local want_dev=$1
	TO='' STACK=0 VLAN=0 ENTRY=$2
	unicast "$2"
	shift 2
	while (($#)); do
		case $1 in
		local) TO='' STACK=1 ;;
		dev | vlan)
			(($# > 1)) || misuse "$1 needs a value"
			if [[ $1 == dev ]]; then
				TO=$2 STACK=0
			else
				vid vlan "$2"
				VLAN=$NUMBER
			fi
			shift
			;;
		*) misuse "unknown word $1 (dev, local, vlan)" ;;
		esac
		shift
	done
	((!want_dev || STACK)) || [[ -n $TO ]] || misuse "say where $ENTRY is: dev DEV, or local"
	((want_dev)) || [[ $STACK$TO == 0 ]] || misuse "del takes a MAC and a VLAN only"
	local VALUE
	struct_new l2_key
	field l2_key.vlan "$VLAN"
	field l2_key.mac "${MAC[@]}"
	KEY=("${VALUE[@]}")
}

# entry_dead DEV VLAN: no frame for an entry in VLAN leaves through DEV (number PORT); WHY is the
# reason. False if frames do.
entry_dead() {
	local VALUE pvid
	l2_port_now "$PORT"
	if ((!($(field_num l2_port.flags) & L2_P_VLAN))); then
		WHY="$1 is transparent, and its entries have no vlan"
		(($2))
		return
	fi
	pvid=$(field_num l2_port.pvid)
	WHY="$1 is not in VLAN $2 (hookmap fdb shows its VLANs)"
	(($2)) || WHY="$1 has VLANs, and an entry without vlan is for transparent ports (add vlan ${pvid/#0/N})"
	((!$2)) || ! bit_is l2_port.vlans "$2"
}

# entries_dead NAME [PORT]: reads entries as map_entries prints them (with PORT, only static ones of
# this port), and warns how many of them no frame will use, and which is the first
entries_dead() {
	local dead count mac vlan PORT BYTES
	scratch PORTS
	scratch WIRES
	map_rows l2_port key l2_port.flags l2_port.vlans | into "$PORTS" || exit 1
	map_rows l2_wire key l2_wire.state l2_wire.vlans | into "$WIRES" || exit 1
	map_shape l2_fdb
	bytes 1 "$L2_STATIC"
	dead=$(awk -v only="${2:-}" -v little="$((HM_BYTE_ORDER == 1234))" -v aware="$L2_P_VLAN" -v mirror="$L2_P_MIRROR" -v static="${BYTES[*]}" -v ports="$PORTS" \
		-v at_vlan="$(pair_spot l2_key.vlan)" -v at_mac="$(pair_spot l2_key.mac)" -v at_port="$(pair_spot l2_fdb.port)" -v at_type="$(pair_spot l2_fdb.type)" '
		function hex(s) { return (index("0123456789abcdef", substr(s, 1, 1)) - 1) * 16 + index("0123456789abcdef", substr(s, 2, 1)) - 1 }
		function bit(v, n) { while (n-- > 0) v = int(v / 2); return v % 2 }
		function member(map, n,  i) {
			i = int(n / 8)
			if (!little) i = i - i % 8 + 7 - i % 8
			return bit(hex(substr(map, 2 * i + 1, 2)), n % 8)
		}
		function text(spot,  s) { split(spot, s, " "); return substr($0, s[1], s[2]) }
		function number(spot,  b, n, i, v) {
			n = split(text(spot), b, " ")
			for (i = 1; i <= n; i++) v = 256 * v + hex(b[little ? n + 1 - i : i])
			return v
		}
		FILENAME != "-" {
			if (FILENAME == ports) mirrored[$1] = int($2 / mirror) % 2
			else if (!mirrored[$1]) next
			has[$1] = int($2 / aware) % 2
			vlans[$1] = $3
			next
		}
		{
			n = number(at_port)
			if (!n || (only != "" && (n != only || text(at_type) != static))) next
			vlan = number(at_vlan)
			if (has[n] ? vlan && member(vlans[n], vlan) : !vlan) next
			if (!count++) { first = text(at_mac); gsub(" ", ":", first); first = first " " vlan " " n }
		}
		END { print count + 0, first }' "$PORTS" "$WIRES" -) || exit 1
	read -r count mac vlan PORT <<<"$dead"
	((count)) || return 0
	l2_port_read "$PORT"
	entry_dead "$(l2_name "$(field_num l2_port.ifindex)" || printf 'port %d' "$PORT")" "$vlan" || return 0
	warn "$1: no frame will use $count of its entries; the first is $mac$( ((!vlan)) || printf ' vlan %d' "$vlan"): $WHY"
}

# entry_stays COMMAND...: writes missing entries again. The mirror deletes entries that the bridge has
# deleted, but not static ones; a program that looked just before our entry was written may delete it
# once. So wait until the programs that were running then have ended.
entry_stays() {
	local VALUE
	l2_cfg_read
	(($(field_num l2_cfg.bridge) && !DRY_RUN)) || return 0
	l2_wait
	"$@"
}

entry_put() {
	map_put l2_fdb "${KEY[@]}" -- \
		"map $GLOBALS/l2_fdb is full (${PIN_SHAPE[l2_fdb]##* } entries): remove entries, or attach with a larger --fdb-size"
}

# entry_again BYTE...: writes the entry KEY with this value if it is missing
entry_again() {
	value_read l2_fdb "${KEY[@]}" && (($(field_num l2_fdb.type) == L2_STATIC)) && return
	VALUE=("$@")
	entry_put
	entry_stays entry_again "$@"
}

fdb_set() { # add|replace WORD...
	local verb=$1 own
	entry_words 1 "${@:2}"
	PORT=0
	((STACK)) || {
		port_of "$TO"
		own=$(ip_json link | jq -r --arg mac "${ENTRY,,}" 'first(.[] | select(.address == $mac) | .ifname)')
		[[ -z $own ]] || warn "$ENTRY is the address of $own: this host will not get frames for it (local)"
		! entry_dead "$TO" "$VLAN" || warn "$ENTRY$( ((!VLAN)) || printf ' vlan %d' "$VLAN"): no frame will use it: $WHY"
	}
	if value_read l2_fdb "${KEY[@]}" && (($(field_num l2_fdb.type) != L2_GONE)); then
		[[ $verb == replace ]] || die "$ENTRY vlan $VLAN already exists: replace changes it"
	else
		struct_new l2_fdb
	fi
	field l2_fdb.port "$PORT"
	field l2_fdb.type "$L2_STATIC"
	# the value repeats part of the key, see kern/abi/l2fwd.h
	field l2_fdb.vlan $((VLAN & 255))
	field l2_fdb.mac "${MAC[@]:2}"
	entry_put
	entry_stays entry_again "${VALUE[@]}"
}

fdb_del() {
	entry_words 0 "$@"
	value_read l2_fdb "${KEY[@]}" || die "no entry $ENTRY vlan $VLAN"
	run "$BPFTOOL" map delete pinned "$GLOBALS/l2_fdb" key hex "${KEY[@]}"
}

fdb_flush() {
	PORT=
	if (($#)); then
		[[ $1 == dev && $# == 2 ]] || misuse "flush takes: dev DEV"
		port_of "$2"
	fi
	l2_delete l2_fdb l2_fdb.port "$PORT" l2_fdb.type "$L2_STATIC"
}

# load_check: checks each line of INPUT and prints bpftool commands; errors go to descriptor 3
load_check() {
	local names
	names=$(l2_port_names | as_named) || exit 1
	names=$names awk '
		function bad(text) { printf "line %d: %s\n", NR, text >"/dev/fd/3"; exit 1 }
		BEGIN {
			n = split(ENVIRON["names"], list, " ")
			for (i = 1; i <= n; i++) { at = index(list[i], "/"); port[substr(list[i], at + 1)] = substr(list[i], 1, at - 1) }
			h = "[0-9a-f][0-9a-f]"; mac_form = "^" h ":" h ":" h ":" h ":" h ":" h "$"
		}
		# not within a name, nor as its beginning
		{ sub(/\r$/, ""); for (i = 1; i <= NF; i++) if (substr($i, 1, 1) == "#" && (i == 1 || $(i - 1) != "dev")) NF = i - 1 }
		NF == 0 { next }
		{
			mac = tolower($1); vlan = 0; dev = ""; to = 0
			if (mac !~ mac_form) bad($1 ": expected a MAC address such as 02:00:00:00:00:01")
			if (index("13579bdf", substr(mac, 2, 1))) bad($1 ": is a group address, and an entry is for one station")
			if (mac == "00:00:00:00:00:00") bad($1 ": is not the address of a station")
			for (i = 2; i <= NF; i++) {
				if ($i == "local") { dev = $i; to = 0; continue }
				if ($i != "dev" && $i != "vlan") bad("unknown word " $i " (dev, local, vlan)")
				if (i == NF) bad($i " needs a value")
				if ($i == "dev") {
					dev = $(++i)
					if (!(dev in port)) bad("no device " dev)
					if (port[dev] == "-") bad(dev " is not a port of l2fwd")
					to = port[dev]
				} else {
					vlan = $(++i)
					if (vlan !~ /^[1-9][0-9]*$/ || length(vlan) > 9 || vlan < 1 || vlan > 4094) bad("vlan " vlan ": expected a number from 1 to 4094")
				}
			}
			if (dev == "") bad("say where " $1 " is: dev DEV, or local")
			key = vlan + 0 " " mac
			if (key in seen) bad($1 " vlan " vlan + 0 " is in line " seen[key] " already")
			seen[key] = NR
			print vlan, mac, to, static
		}' static="$L2_STATIC" "$INPUT" | l2_updates
}

# load_plan: sorts the commands of BATCH by the map's current content: those for missing keys go to
# NEW, those for existing keys to OLD, and commands that undo the latter to BACK. MINE gets the keys of
# NEW. Prints how many entries there are, and how many would be new.
load_plan() {
	local BYTES
	map_shape l2_fdb
	bytes 1 "$L2_STATIC"
	: >"$NEW"
	: >"$OLD"
	: >"$BACK"
	map_entries l2_fdb | { pin=$GLOBALS/l2_fdb awk -F'|' -v new="$NEW" -v old="$OLD" -v back="$BACK" -v mine="$MINE" \
		-v type="$(pair_spot l2_fdb.type)" -v static="${BYTES[*]}" '
		BEGIN {
			split(type, at, " ")
			while ((getline key <mine) > 0) ours[key] = 1
			close(mine)
		}
		FILENAME == "-" {
			have++
			there[$1] = $2
			if (substr($0, at[1], at[2]) == static) fixed[$1]
			next
		}
		{
			key = $0; sub(/.* key hex /, "", key); sub(/ value .*/, "", key)
			# it was missing before, and only we create static entries
			if (key in ours && key in fixed) next
			if (key in there) {
				print >>old
				printf "map update pinned %s key hex %s value hex %s\n", ENVIRON["pin"], key, there[key] >>back
				next
			}
			fresh++
			print $0 " noexist" >>new
			print key >>mine
		}
		END { print have + 0, fresh + 0 }' - "$BATCH" 2>/dev/null || scratch_full; }
}

# load_undo OLD: undoes load_run NEW and, with OLD (1), load_run OLD
load_undo() {
	map_keys l2_fdb l2_fdb.type "$L2_STATIC" | awk 'FILENAME == "-" { static[$0]; next } $0 in static' - "$MINE" | map_deletes l2_fdb >"$NEW"
	((!$1)) || cat "$BACK" >>"$NEW"
	l2_batch l2_fdb "$NEW" >/dev/null
}

# load_run FILE: runs its commands, from the user's file NAME; an error message is in OUT
load_run() {
	[[ -s $1 ]] || return 0
	OUT=$(progress "$name" "$1" timeout -s KILL "$HM_LIMIT" "$BPFTOOL" batch file 2>&1 >/dev/null) && return
	OUT=${OUT:-"error: not all could be written within $HM_LIMIT seconds (HOOKMAP_LIMIT)"}
	return 1
}

# load_again: loads entries that are missing again
load_again() {
	load_plan >/dev/null
	[[ -s $NEW ]] || return 0
	load_run "$NEW" || return
	entry_stays load_again
}

# load_end: undoes a load that did not complete
load_end() {
	local status=$?
	trap '' INT TERM HUP
	[[ -z $LOADING ]] || load_undo "$LOADING" || true
	leave "$status"
}

fdb_load() {
	local name=$1 wrong count max have new i file
	for file in BATCH NEW OLD BACK MINE; do scratch "$file"; done
	LOADING=
	trap load_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	wrong=$({ load_check | into "$BATCH"; } 3>&1) || {
		[[ -z $wrong ]] || die "$1, $wrong"
		exit 1 # the error was already printed
	}
	count=$(wc -l <"$BATCH")
	((count)) || return 0
	max=${PIN_SHAPE[l2_fdb]##* }
	have=$(load_plan) || exit 1
	read -r have new <<<"$have"
	((have + new <= max)) ||
		die "$1: $count entries do not fit into map $GLOBALS/l2_fdb ($have of $max are in use): remove entries, or attach with a larger --fdb-size"
	if ((DRY_RUN)); then
		cat "$BATCH"
		return
	fi
	# The bridge may write meanwhile. New entries go first: only these can fail because the map is
	# full, and then nothing has to be restored.
	LOADING=0
	for ((i = 0; i < 10; i++)); do
		OUT=''
		if load_run "$NEW"; then
			LOADING=1
			load_run "$OLD" || break
			LOADING=
			trap '' INT TERM HUP # done: too late to interrupt
			entry_stays load_again || break
			# the entries of the file, in the form of map_entries
			sed 's/.* key hex \(.*\) value hex /\1|/' "$BATCH" | entries_dead "$1"
			return
		fi
		[[ $OUT == *"File exists"* ]] || break
		load_plan >/dev/null # the bridge has added one of these
	done
	[[ $OUT != *"too long"* ]] || die "$1: nothing was loaded: map $GLOBALS/l2_fdb ($max entries) has become full: remove entries, or attach with a larger --fdb-size"
	die "$1: nothing was loaded: $(first_error "$OUT")"
}

# reader WORD...: hookmap fdb, in the ports' namespace. (No time limit: its output may be read slowly.)
reader() {
	hookmap_reader
	"${NSCMD[@]}" "$READER" --bpffs "$BPFFS" "$@" fdb
}

fdb_dump() {
	local out=cat
	# a file gets the names unchanged
	[[ ! -t 1 ]] || out=clean_lines
	reader -j | command jq -r 'def digit: if . > 96 then . - 87 else . - 48 end;
		# in the encoding of as_named
		def bytes: [scan("..") | explode | 16 * (.[0] | digit) + (.[1] | digit) | if . > 127 then . + 1113856 else . end] | implode;
		.rows[] | select(.type == "static")
		| "\(.mac) \(if .device == "" then "local" else "dev \(if .device_hex then .device_hex | bytes else .device end)" end)\(if .vlan != 0 then " vlan \(.vlan)" else "" end)"' | as_named | "$out"
}

# fdb_show DEV: the settings of a port
fdb_show() {
	port_of "$1"
	reader --summary --dev "$IFNAME"
}

# --- ports

# vlan_list TEXT: numbers of 10,20-29 in VLANS
vlan_list() {
	local part from parts
	VLANS=()
	[[ $1 =~ ^[0-9,-]+$ ]] || misuse "$1: expected VLANs such as 10,20-29"
	IFS=, read -ra parts <<<"$1"
	for part in "${parts[@]}"; do
		vid VLAN "${part%%-*}"
		from=$NUMBER
		vid VLAN "${part#*-}"
		((from <= NUMBER)) || misuse "VLANs $part: the first is larger"
		for (( ; from <= NUMBER; from++)); do VLANS+=("$from"); done
	done
}

on_off() { # WHAT TEXT: in ON
	case $2 in
	on) ON=1 ;;
	off) ON=0 ;;
	*) misuse "$1 $2: expected on or off" ;;
	esac
}

port_untagged() { # VID: this one is untagged outside
	field l2_port.untagged
	field l2_port.pvid "$1"
	(($1)) || return 0
	bit_set l2_port.vlans "$1"
	bit_set l2_port.untagged "$1"
}

port_mode() { # mode MODE [VLANS]: TOOK is the number of words used
	local v
	TOOK=2
	field l2_port.vlans
	port_untagged 0
	case $2 in
	transparent)
		flag l2_port.flags "$L2_P_VLAN" 0
		return
		;;
	access)
		vid "mode access" "${3:-}"
		port_untagged "$NUMBER"
		;;
	trunk)
		vlan_list "${3:-none}"
		for v in "${VLANS[@]}"; do bit_set l2_port.vlans "$v"; done
		;;
	*) misuse "mode $2: expected transparent, access VID or trunk LIST" ;;
	esac
	TOOK=3
	flag l2_port.flags "$L2_P_VLAN" 1
}

port_translate() { # OUT:IN
	local outside
	[[ $1 =~ ^([0-9]+):([0-9]+)$ ]] || misuse "translate $1: expected OUT:IN, such as 100:10"
	vid translate "${1%:*}"
	outside=$NUMBER
	vid translate "${1#*:}"
	XLATE+=("$outside 0 $NUMBER" "$NUMBER 1 $outside")
}

# xlate_write PORT: writes the translations of port_translate; a replaced one is deleted in both
# directions
xlate_write() {
	local line key from dir to VALUE NUM
	((!${#XLATE[@]})) || (($(map_entries l2_xlate | wc -l) + ${#XLATE[@]} <= ${PIN_SHAPE[l2_xlate]##* })) ||
		die "map $GLOBALS/l2_xlate has no room for these: it has ${PIN_SHAPE[l2_xlate]##* } entries, two for each translation: remove some (port DEV translate none)"
	for line in "${XLATE[@]}"; do
		read -r from dir to <<<"$line"
		struct_new l2_xlate_key
		field l2_xlate_key.port "$1"
		field l2_xlate_key.vlan "$from"
		field l2_xlate_key.out "$dir"
		key=("${VALUE[@]}")
		if value_read l2_xlate "${key[@]}" && number_at 0 4 && ((NUM != to)); then
			VALUE=("${key[@]}")
			field l2_xlate_key.vlan "$NUM"
			field l2_xlate_key.out $((!dir))
			try "$BPFTOOL" map delete pinned "$GLOBALS/l2_xlate" key hex "${VALUE[@]}" || true
		fi
		bytes 4 "$to"
		map_set l2_xlate "${key[@]}" -- "${BYTES[@]}"
	done
}

# xlate_dead DEV: warns about new translations that no frame will use, or only in one direction
xlate_dead() {
	local line from dir to
	for line in "${XLATE[@]}"; do
		read -r from dir to <<<"$line"
		((!dir)) || continue
		if ((!($(field_num l2_port.flags) & L2_P_VLAN))); then
			warn "$1: translate $from:$to: no frame will use it: $1 is transparent (mode trunk LIST)"
		elif ! bit_is l2_port.vlans "$to"; then
			warn "$1: translate $from:$to: no frame will use it: $1 is not in VLAN $to"
		elif ((from != to)) && bit_is l2_port.vlans "$from" && [[ " ${XLATE[*]} " != *" $from 1 "* ]]; then
			warn "$1: translate $from:$to: $1 is also in VLAN $from, which leaves as $from and comes back as $to"
		fi
	done
}

# port_setting NAME VALUE...: writes a setting to VALUE
port_setting() {
	local at
	case $1 in
	mode) port_mode "$@" ;;
	native)
		number native "$2" 0 4094
		(($(field_num l2_port.flags) & L2_P_VLAN)) || misuse "native: the port is transparent: mode trunk LIST first"
		port_untagged "$NUMBER"
		;;
	proto)
		case $2 in
		802.1q) field l2_port.proto 0x8100 ;;
		802.1ad) field l2_port.proto 0x88a8 ;;
		*) misuse "proto $2: expected 802.1q or 802.1ad" ;;
		esac
		;;
	translate)
		if [[ $2 == none ]]; then
			XLATE_OFF=1
			flag l2_port.flags "$L2_P_XLATE" 0
		else
			port_translate "$2"
			flag l2_port.flags "$L2_P_XLATE" 1
		fi
		;;
	miss | bcast | mcast)
		case $2 in
		pass) field "l2_port.$1" "$L2_MISS_PASS" ;;
		flood) field "l2_port.$1" "$L2_MISS_FLOOD" ;;
		drop) field "l2_port.$1" "$L2_MISS_DROP" ;;
		*) misuse "$1 $2: expected pass, flood or drop" ;;
		esac
		;;
	storm)
		number storm "$2" 0 100000000
		field l2_port.storm "$NUMBER"
		;;
	hairpin | block)
		on_off "$1" "$2"
		at=$L2_P_HAIRPIN
		[[ $1 == hairpin ]] || at=$L2_P_BLOCKED
		flag l2_port.flags "$at" "$ON"
		;;
	*) misuse "unknown port setting $1" ;;
	esac
}

# port_mirrored DEV NAME VALUE...: dies if the mirrored bridge decides on this setting
port_mirrored() {
	case $2 in
	miss | bcast | mcast)
		[[ $3 == flood ]] || return 0
		set -- "$1" flooding
		;;
	esac
	die "$1 is a port of the mirrored bridge, which decides on $2 there: $(typed bridge link set dev "$1"), bridge vlan"
}

fdb_port() {
	local dev=$1 port mode=0
	XLATE=() XLATE_OFF=0
	port_of "$dev"
	port=$PORT
	shift
	l2_port_read "$port"
	while (($#)); do
		TOOK=2
		(($# > 1)) || misuse "$1 needs a value"
		port_setting "$@"
		[[ ! $1 =~ ^(mode|native)$ ]] || mode=1
		((!($(field_num l2_port.flags) & L2_P_MIRROR))) || port_mirrored "$dev" "$@"
		shift "$TOOK"
	done
	((!XLATE_OFF)) || l2_delete l2_xlate l2_xlate_key.port "$port"
	xlate_write "$port"
	l2_port_write "$port"
	xlate_dead "$dev"
	l2_ports_changed
	((!mode || DRY_RUN)) || map_entries l2_fdb | entries_dead "$dev" "$port"
}

# --- guard

guard_key() { # FAMILY ADDRESSBYTE...: in VALUE
	struct_new l2_guard_key
	field l2_guard_key.port "$PORT"
	field l2_guard_key.mac "${MAC[@]}"
	field l2_guard_key.family "$1"
	field l2_guard_key.ip "${@:2}"
}

guard_put() { # FAMILY ADDRESSBYTE...
	guard_key "$@"
	bytes 4 1
	map_set l2_guard "${VALUE[@]}" -- "${BYTES[@]}"
}

guard_add() { # MAC ADDRESS...
	local text words keys=() FIELD
	unicast "$1"
	# everything is checked before the first change
	for text in "${@:2}"; do
		[[ $text != */* ]] && (condition guard '' src "$text") 2>/dev/null || misuse "$text: expected an IPv4 or IPv6 address"
		condition guard '' src "$text"
		VALUE=("${CONDITION[@]}")
		field_get match.src
		keys+=("$(field_num match.family) $FIELD")
	done
	if ((!${#keys[@]})); then
		guard_put 0
		return
	fi
	for text in "${keys[@]}"; do
		read -ra words <<<"$text"
		guard_put "${words[@]}"
	done
	guard_put "$L2_GUARD_BOUND"
	guard_key 0
	try "$BPFTOOL" map delete pinned "$GLOBALS/l2_guard" key hex "${VALUE[@]}" || true
}

guard_del() { # MAC
	local keys
	unicast "$1"
	keys=(l2_guard l2_guard_key.port "$PORT" l2_guard_key.mac "${MAC[*]}")
	[[ -n $(map_keys "${keys[@]}") ]] || die "guard: $1 is not known on this port"
	l2_delete "${keys[@]}"
}

fdb_guard() {
	port_of "$1"
	[[ ! $2 =~ ^(on|off|flush)$ ]] || (($# == 2)) || misuse "guard $2 takes no argument"
	case $2 in
	on | off)
		on_off guard "$2"
		l2_port_read "$PORT"
		flag l2_port.flags "$L2_P_GUARD" "$ON"
		l2_port_write "$PORT"
		l2_ports_changed
		((!ON)) || [[ -n $(map_keys l2_guard l2_guard_key.port "$PORT") ]] || warn "$1: it accepts no frames until a source is added: $(typed fdb.sh guard "$1" add) MAC"
		;;
	add)
		(($# > 2)) || misuse "guard add needs a MAC"
		guard_add "${@:3}"
		;;
	del)
		(($# == 3)) || misuse "guard del needs a MAC"
		guard_del "$3"
		;;
	flush) l2_delete l2_guard l2_guard_key.port "$PORT" ;;
	*) misuse "guard $2: expected on, off, add, del or flush" ;;
	esac
}

# --- command line

# input_read FILE: reads it (-: standard input) into INPUT
input_read() {
	scratch INPUT
	[[ $1 == - || -r $1 && ! -d $1 ]] || die "$1: cannot be read"
	{ read_input "$1" cat -- "$1" 2>/dev/null || die "$1: cannot be read"; } | into "$INPUT" || exit 1
}

options '-n|--dry-run -v|--verbose -h|--help --netns=' "$@"
set -- "${ARGS[@]}"
VERB=${1:-}
(($#)) || show_with fdb
case $VERB in
add | replace | del) (($# > 1)) || misuse "$VERB needs a MAC" ;;
flush) ;;
load) (($# == 2)) || misuse "load needs a file" ;;
dump) (($# == 1)) || misuse "dump takes no argument" ;;
port | acl | guard) (($# > 1)) || misuse "$VERB needs a device" ;;
*) misuse "expected add, replace, del, flush, load, dump, port, acl or guard (no arguments: shows all)" ;;
esac
shift
# read everything before taking the lock, so that others do not wait for a pipe or a person
FILE=
case "$VERB ${2:-}" in
load*) FILE=$1 ;;
'acl load')
	(($# == 3)) || misuse "acl load needs a file"
	FILE=$3
	;;
esac
need_caps bpf
[[ -z $NS ]] || need_caps sys_admin
need_tools ip jq awk nsenter flock "$BPFTOOL"
load_abi
use_netns "$NS" || die "no network namespace $NS"
netns_words
need_bpffs
[[ -e $GLOBALS/l2_fdb ]] || die "l2fwd is not attached: attach.sh DEV l2fwd"
[[ -z $FILE ]] || input_read "$FILE"
# reading takes no lock, because it may wait for a person
case "$VERB $#" in
dump*) VERB=dump ;;
port\ 1 | acl\ 1 | guard\ 1) VERB=show ;;
*) lock ;;
esac
for name in "${L2_MAPS[@]}"; do
	map_check "$name" || die "map $GLOBALS/$name is not there: attach.sh DEV l2fwd"
done
case $VERB in
add | replace) fdb_set "$VERB" "$@" ;;
*) "fdb_$VERB" "$@" ;;
esac
answered
