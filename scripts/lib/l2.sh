# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2.sh - the maps of l2fwd: made, ports numbered and set, entries removed. Used by
# features/l2fwd.sh and fdb.sh. All ports are in one network namespace, because the
# maps know devices by ifindex.

L2_MAPS=(l2_cfg l2_look l2_if l2_port l2_wire l2_stat l2_storm l2_tx l2_txs l2_fdb l2_fdbs l2_xlate l2_guard l2_acl l2_sieve)

# l2_maps_make ENTRIES: creates the missing maps and inserts the inner ones
l2_maps_make() {
	local fdb=() MISSING
	# maps_create only makes the default size
	[[ $1 != "$L2_FDB_DEFAULT" ]] || caps_missing sys_admin || fdb=(l2_fdb)
	maps_create l2fwd l2_tx "${fdb[@]}" l2_cfg l2_look l2_if l2_port l2_wire l2_stat l2_storm l2_xlate l2_guard l2_acl l2_sieve
	map_create l2_fdb "$1"
	map_create l2_txs 1 l2_tx
	map_create l2_fdbs 1 l2_fdb
	((DRY_RUN)) || pins_load
	bytes 4 0
	run "$BPFTOOL" map update pinned "$GLOBALS/l2_txs" key hex "${BYTES[@]}" value pinned "$GLOBALS/l2_tx"
	l2_wait
}

# l2_wait: inserts l2_fdb again; the kernel returns when all programs that were running before
# have ended
l2_wait() {
	bytes 4 0
	run "$BPFTOOL" map update pinned "$GLOBALS/l2_fdbs" key hex "${BYTES[@]}" value pinned "$GLOBALS/l2_fdb"
}

# --- settings of all ports

l2_cfg_read() {
	map_read l2_cfg 0 || die "map $GLOBALS/l2_cfg cannot be read"
}

l2_cfg_write() {
	map_write l2_cfg 0
}

l2_cfg_flag() { # FLAG ON
	l2_cfg_read
	flag l2_cfg.flags "$1" "$2"
	l2_cfg_write
}

# l2_cfg_init: settings that depend on the machine
l2_cfg_init() {
	local cpus flags
	((!DRY_RUN)) || return 0
	l2_cfg_read
	cpus=$(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1))
	flags=$(field_num l2_cfg.flags)
	((cpus > L2_LANES)) || flags=$((flags | L2_F_FEW_CPUS))
	field l2_cfg.flags "$flags"
	field l2_cfg.netns "$NETNS_INODE"
	l2_cfg_write
}

# --- ports

# l2_ports: one line "number ifindex flags rules first-rule" per port. Dies if they cannot be
# read; a caller in a subshell must pass that on.
l2_ports() {
	local number index flags rules at rows VALUE MAP_LAST
	[[ -e $GLOBALS/l2_port && -e $GLOBALS/l2_cfg ]] || return 0
	l2_cfg_read
	MAP_LAST=$(field_num l2_cfg.ports)
	rows=$(map_rows l2_port key l2_port.ifindex l2_port.flags l2_port.acl_n l2_port.acl_at) || exit 1
	while read -r number index flags rules at; do
		((!${index:-0})) || printf '%d %d %d %d %d\n' "$number" "$index" "$flags" $((rules & L2_ACL_MASK)) "$at"
	done <<<"$rows"
}

# l2_port_names: the devices as "number/name ...", with number - for one that is not a port. An
# altname may hold any bytes; one with blanks is left out, since it is not a single word.
l2_port_names() {
	local ports
	ports=$(l2_ports | awk '{ printf "%s%d:%d", (NR > 1 ? "," : ""), $2, $1 }') || exit 1
	ip_json link | jq -r --arg ports "$ports" '($ports | split(",") | map(split(":") | {key: .[0], value: .[1]}) | from_entries) as $p
		| [.[] | ($p[.ifindex | tostring] // "-") + "/" + (.ifname, .altnames[]? | select(test("[ \t\n]") | not))] | join(" ")'
}

# l2_name IFINDEX: the device's name; false if there is none
l2_name() { device_name "$1" | grep .; }

# l2_port_find IFINDEX NAME: its number in PORT. False if it is not a port, even if an earlier device
# with this ifindex was one; PORT is then that port's number, otherwise 0.
l2_port_find() {
	local VALUE NUM
	PORT=0
	[[ -e $GLOBALS/l2_if ]] || return 1
	(($1 < L2_IFINDEX)) || return 1
	map_read l2_if "$1" || return 1
	number_at 0 4
	PORT=$NUM
	((PORT)) && l2_port_same "$PORT" "$@"
}

# l2_port_same NUMBER IFINDEX NAME: it is the device that became the port. The kernel drops a device
# that leaves from l2_tx; one that was only moved to another namespace and back still has our XDP program.
l2_port_same() {
	local XDP_ID XDP_MODE XDP_NAME XDP_SEC NEXT_ID NEXT_NAME NEXT_MAP
	! map_read l2_tx "$1" || return 0
	xdp_get "$3"
	[[ -n $XDP_ID ]] || return 1
	! prog_is_ours "$XDP_ID" l2fwd_xdp || return 0
	prog_is_ours "$XDP_ID" latency_xdp || return 1
	slot_next "$2"
	[[ -n $NEXT_ID ]] && prog_is_ours "$NEXT_ID" l2fwd_xdp
}

# l2_ports_of IFINDEX...: one line "number ifindex" for each that has a number in l2_port, which is
# all that exists of a port while it is created or removed
l2_ports_of() {
	local ports
	ports=$(l2_ports) || exit 1
	awk -v list=" $* " 'NF && index(list, " " $2 " ") { print $1, $2 }' <<<"$ports"
}

l2_port_read() { # NUMBER
	map_read l2_port "$1" || die "map $GLOBALS/l2_port cannot be read"
}

l2_wire_read() { # NUMBER
	map_read l2_wire "$1" || die "map $GLOBALS/l2_wire cannot be read"
}

# l2_port_now NUMBER: the same, for display: on a port of a mirrored bridge, the bridge's settings
l2_port_now() {
	local port flags pvid vlans FIELD
	l2_port_read "$1"
	flags=$(field_num l2_port.flags)
	((flags & L2_P_MIRROR)) || return 0
	port=("${VALUE[@]}")
	l2_wire_read "$1"
	flags=$((flags | $(field_num l2_wire.state) & 0xffffffff))
	pvid=$(field_num l2_wire.pvid)
	field_get l2_wire.vlans
	read -ra vlans <<<"$FIELD"
	VALUE=("${port[@]}")
	field l2_port.vlans "${vlans[@]}"
	field l2_port.flags "$flags"
	field l2_port.pvid "$pvid"
}

l2_port_write() { # NUMBER
	map_write l2_port "$1"
}

# l2_port_new IFINDEX NAME: gives the device a number, in PORT, unless it has one
l2_port_new() {
	local used=' ' n ports index
	(($1 < L2_IFINDEX)) || die "$2 has ifindex $1, and a port must have one below $L2_IFINDEX"
	l2_port_find "$1" "$2" || {
		ports=$(l2_ports_of "$1") || exit 1
		((!PORT)) ||
			warn "$2 has ifindex $1 and is not the device that was port $DEV_NAME, or has lost our XDP program in another network namespace: the entries, settings, rules and counters of that port are removed"
		[[ -z $ports ]] || {
			l2_ports_remove "$ports"
			l2_wait
		}
		ports=$(l2_ports) || exit 1
		while read -r n _; do used+="$n "; done <<<"$ports"
		for ((n = 1; n < L2_PORTS; n++)); do
			[[ $used == *" $n "* ]] || break
		done
		((n < L2_PORTS)) || die "there are $((L2_PORTS - 1)) ports, which is the limit: $2 cannot be another"
		PORT=$n
		defer l2_ports_remove "$n $1"
		l2_ports_last "$n"
		struct_new l2_port
		field l2_port.ifindex "$1"
		# a mirrored port is marked from its first frame on, and takes the slow path until it is complete
		((!L2_MIRROR)) || {
			field l2_port.flags "$((L2_P_MIRROR | L2_P_PARTIAL))"
			l2_wire_new "$n"
		}
		l2_port_write "$n"
	}
	# the kernel looks the device up in the writer's namespace, and drops it when the device moves to
	# another
	bytes 4 "$1"
	index=("${BYTES[@]}")
	bytes 4 "$PORT"
	run "${NSCMD[@]}" "$BPFTOOL" map update pinned "$GLOBALS/l2_tx" key hex "${BYTES[@]}" value hex "${index[@]}"
	map_set l2_if "${index[@]}" -- "${BYTES[@]}"
	l2_ports_changed
}

# l2_ports_last NUMBER: ports up to this number may be in use from now on
l2_ports_last() {
	local VALUE
	((!DRY_RUN)) || return 0
	l2_cfg_read
	(($(field_num l2_cfg.ports) < $1)) || return 0
	field l2_cfg.ports "$1"
	l2_cfg_write
}

# l2_wire_new NUMBER: blocks the port until its state is read. No program writes this yet:
# l2_maps_make has waited for programs that may have, if the port was in a mirror before.
l2_wire_new() {
	local VALUE
	struct_new l2_wire
	field l2_wire.state "$L2_P_BLOCKED"
	map_write l2_wire "$1"
}

# l2_ports_remove PORTS: removes these (one line "number ifindex" each) and all their entries
l2_ports_remove() {
	local port ports rules at numbers=' ' sets=' '
	[[ -n $1 ]] || return 0
	ports=$(l2_ports) || exit 1
	while read -r port _; do numbers+="$port "; done <<<"$1"
	# (the set of a port without rules begins at 0, where another port's may begin)
	while read -r port _ _ rules at; do
		[[ $numbers != *" $port "* || ${rules:-0} == 0 ]] || sets+="$at "
	done <<<"$ports"
	l2_ports_zero l2_if 2 "$1"
	scratch L2_FILE
	while read -r port _; do
		bytes 4 "$port"
		printf 'map delete pinned %s key hex %s\n' "$GLOBALS/l2_tx" "${BYTES[*]}"
	done <<<"$1" | into "$L2_FILE" || exit 1
	l2_batch l2_tx "$L2_FILE" >/dev/null
	l2_delete l2_fdb l2_fdb.port "$numbers"
	l2_delete l2_guard l2_guard_key.port "$numbers"
	l2_delete l2_xlate l2_xlate_key.port "$numbers"
	[[ $sets == ' ' ]] || l2_sieve_flush "$sets"
	l2_ports_zero l2_stat 1 "$1"
	# last, because it frees the numbers
	l2_ports_zero l2_port 1 "$1"
	l2_ports_changed
}

# l2_ports_zero MAP COLUMN PORTS: clears the values of the keys in that column
l2_ports_zero() {
	local VALUE key
	map_shape "$1"
	value_new "$VALUE_SIZE"
	scratch L2_FILE
	while read -ra key; do
		bytes 4 "${key[$2 - 1]}"
		printf 'map update pinned %s key hex %s value hex %s\n' "$GLOBALS/$1" "${BYTES[*]}" "${VALUE[*]}"
	done <<<"$3" | into "$L2_FILE" || exit 1
	l2_batch "$1" "$L2_FILE" >/dev/null
}

# l2_ports_changed: XDP may flood by itself if all ports want the same bytes and no
# port has a condition. With L2_MANY, many are about to change: it does not flood so until
# l2_ports_settled.
L2_MANY=0
l2_ports_changed() {
	local number ifindex flags rest ports uniform=1 last=0
	((!DRY_RUN && !L2_MANY)) || return 0
	ports=$(l2_ports) || exit 1
	while read -r number ifindex flags rest; do
		[[ -n $number ]] || continue
		((flags == 0)) || uniform=0
		last=$number
	done <<<"$ports"
	l2_cfg_read
	field l2_cfg.ports "$last"
	flag l2_cfg.flags "$L2_F_UNIFORM" "$uniform"
	l2_cfg_write
}

l2_ports_settled() {
	L2_MANY=0
	l2_ports_changed
}

# --- many entries at once

# l2_batch MAP FILE: runs bpftool commands about entries of MAP, and shows them as run does. If one is
# obsolete (its entry is gone meanwhile, or exists already), all of that kind are left out. Prints how
# many entries had no room.
l2_batch() {
	local file=$2 next ran full status
	((!VERBOSE && !DRY_RUN)) || tell sed 's/^/+ bpftool /' "$file"
	((!DRY_RUN)) || return 0
	scratch L2_SAID
	while [[ -s $file ]]; do
		status=0
		{ timeout -s KILL "$HM_LIMIT" "$BPFTOOL" -j batch file "$file" >"$L2_SAID"; } 2>/dev/null || status=$?
		((status)) || break
		((status != 137)) || die "map $GLOBALS/$1: not all could be written within $HM_LIMIT seconds (HOOKMAP_LIMIT)"
		# with the one that failed
		ran=$(grep -o '"command":' "$L2_SAID" | wc -l)
		((ran)) || die "map $GLOBALS/$1 cannot be written"
		full=0
		[[ $(tail -c 400 "$L2_SAID") != *'too long'* ]] || full=1
		next=L2_ODD
		[[ $file != "${L2_ODD:-}" ]] || next=L2_EVEN
		scratch "$next"
		l2_batch_rest "$1" "$file" "$((ran - full))" | into "${!next}" || exit 1
		file=${!next}
		((!full)) || {
			wc -l <"$file"
			return
		}
	done
	printf '0\n'
}

# l2_batch_rest MAP FILE DONE: of the commands after the first DONE, those that can still succeed
l2_batch_rest() {
	map_entries "$1" | awk -F'|' -v skip="$3" '
		FILENAME == "-" { there[$1]; next }
		FNR <= skip { next }
		{
			key = $0; sub(/.* key hex /, "", key); sub(/ (value|noexist).*/, "", key)
			if (/^map delete/ ? !(key in there) : / noexist$/ && key in there) next
			print
		}' - "$2"
}

# l2_updates [WORD]: reads lines "VLAN MAC PORT TYPE" and prints commands that write these entries;
# each ends with WORD (noexist)
l2_updates() {
	local key AT SIZE KIND VALUE
	map_shape l2_fdb
	# with words for what differs
	struct_new l2_key
	field l2_key.vlan V0 V1
	field l2_key.mac M0 M1 M2 M3 M4 M5
	key=${VALUE[*]}
	struct_new l2_fdb
	field l2_fdb.port P0 P1
	field l2_fdb.mac M2 M3 M4 M5
	field_spot l2_fdb.type
	VALUE[AT - KEY_SIZE]=TYPE
	field_spot l2_fdb.vlan
	VALUE[AT - KEY_SIZE]=LOW
	pin=$GLOBALS/l2_fdb awk -v little="$((HM_BYTE_ORDER == 1234))" -v key="$key" -v value="${VALUE[*]}" -v word="${1:+ $1}" '
		# parts of TEXT: bytes that stay, and in between words
		function parts(text, part,  n, i, w, m) {
			n = split(text, w, " ")
			m = 0
			for (i = 1; i <= n; i++) {
				if (w[i] ~ /^[A-Z]/) { part[m + 1] = w[i]; m += 2 }
				else part[m] = part[m] " " w[i]
			}
			return m
		}
		function fill(part, m,  i, s) {
			s = part[0]
			for (i = 1; i < m; i += 2) s = s " " is[part[i]] part[i + 1]
			return s
		}
		BEGIN { keys = parts(key, k); values = parts(value, v) }
		{
			low = sprintf("%02x", $1 % 256)
			split($2, mac, ":")
			for (i = 0; i < 6; i++) is["M" i] = mac[i + 1]
			is["V" (little ? 0 : 1)] = is["LOW"] = low
			is["V" (little ? 1 : 0)] = sprintf("%02x", int($1 / 256))
			is["P" (little ? 0 : 1)] = sprintf("%02x", $3 % 256)
			is["P" (little ? 1 : 0)] = sprintf("%02x", int($3 / 256))
			is["TYPE"] = sprintf("%02x", $4)
			print "map update pinned " ENVIRON["pin"] " key hex" fill(k, keys) " value hex" fill(v, values) word
		}'
}

# l2_delete MAP [FIELD VALUES]...: see map_keys
l2_delete() {
	[[ -e $GLOBALS/$1 ]] || return 0
	scratch L2_FILE
	map_keys "$@" | map_deletes "$1" | into "$L2_FILE" || exit 1
	l2_batch "$1" "$L2_FILE" >/dev/null
}

# l2_sieve_flush SETS: deletes the entries of l2_sieve for rules that begin at one of SETS
l2_sieve_flush() { ((DRY_RUN)) || l2_delete l2_sieve l2_sieve_key.set "$1"; }
