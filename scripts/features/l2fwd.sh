# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2fwd.sh - the feature l2fwd: a device becomes a port of the layer-2 fast path, or a
# kernel bridge with all its ports is mirrored into it.

# shellcheck source=scripts/lib/l2.sh
. "$HM_SCRIPTS/lib/l2.sh"

l2fwd_help() {
	cat <<'EOT'
l2fwd (of a device): forwards frames to other ports in XDP, by VLAN and destination
address. fdb.sh sets entries, ports, rules; its --help says how
  --mirror        DEV is a bridge: its ports become ports, which follow its forwarding
                    database, port states and VLANs, without a daemon; after ports
                    have joined it, attach again (Linux 5.17)
  --fdb-size N    most entries (default 65536, up to 1048576); only when the first port
                    is attached
  --refresh MS    with --mirror: each source address takes the slow path this often,
                    so that it does not age out in the bridge, and so that changes
                    of the bridge's ports are noticed (default 1000)
  --force         with --mirror: VMs and containers that may leave checksums unfinished
                    also use the fast path; receivers drop such frames (for guests
                    that are known to finish them)
  --l2-pref N     place of the tc filter (default 2)
  --mode MODE     as for latency, without none
EOT
}

FLAG_OPTIONS+=(--mirror --force)
L2_PINS=$PINS/l2fwd
L2_MIRROR=0 L2_FORCE=0 L2_SIZE='' L2_REFRESH='' L2_PREF=''

l2fwd_option() {
	case $1 in
	--mirror) L2_MIRROR=1 ;;
	--force) L2_FORCE=1 ;;
	--fdb-size)
		number "$1" "$2" 1 "$L2_FDB_MAX"
		L2_SIZE=$NUMBER
		;;
	--refresh)
		number "$1" "$2" 10 3600000
		L2_REFRESH=$NUMBER
		;;
	--l2-pref)
		number "$1" "$2" 1 65535
		L2_PREF=$NUMBER
		;;
	--mode) latency_option "$@" ;;
	*) return 1 ;;
	esac
}

# --- preflight: settings that attach without error but forward nothing, and why

# Kinds that XDP can send to; - is a card. Others have no frames of their own, or get them from the
# devices below them: a bond's frames have the ifindex of its slave.
L2_TARGET='-|veth|tun'

# l2_in PATH COMMAND...: in this network namespace. (Entering even our own takes CAP_SYS_ADMIN.)
l2_in() {
	if [[ $1 == "$NETNS_PATH" ]]; then
		in_netns "${@:2}"
	else
		look nsenter --net="$1" -- "${@:2}"
	fi
}

# l2_links PATH: the devices of a network namespace, in LINK by "PATH IFINDEX". Queried once,
# however many ports there are.
declare -A LINK=()
l2_links() {
	local index rest
	[[ -z ${LINK[$1]:-} ]] || return 0
	LINK[$1]=-
	while read -r index rest; do LINK["$1 $index"]=$rest; done < <(l2_in "$1" ip -j -d link 2>/dev/null | json_escaped |
		jq -r 'map(select(.ifname)) | (map({key: .ifname, value: .ifindex}) | from_entries) as $index | .[]
			| (.xdp // {} | .attached[0]? // .) as $xdp
			| [.ifindex, .ifname, .linkinfo.info_kind // "-", .mtu, .num_tx_queues // 0, .link_type,
				.link_index // $index[.link // ""] // "-", .link_netnsid // "-", .master // "-", .linkinfo.info_slave_kind // "-",
				.linkinfo.info_data.vnet_hdr // false, $xdp.prog.id // "-",
				(if $xdp.mode == 2 then "generic" else "native" end)] | map(tostring) | join(" ")' | as_named)
}

# l2_link: sets NAME, KIND, MTU, QUEUES, LINK_TYPE, PEER (ifindex), PEER_NETNS (id; -: our own), MASTER,
# SLAVE (its kind of slave) and XDP of the device IFINDEX; - if absent
l2_link() {
	l2_links "$NETNS_PATH"
	read -r NAME KIND MTU QUEUES LINK_TYPE PEER PEER_NETNS MASTER SLAVE VNET_HDR XDP MODE <<<"${LINK["$NETNS_PATH $IFINDEX"]:-}"
}

# l2_suitable DEV: dies if it cannot be a port
l2_suitable() {
	l2_link
	[[ $LINK_TYPE == ether ]] || die "$1 is not an Ethernet device ($LINK_TYPE): it cannot be a port"
	[[ $KIND =~ ^($L2_TARGET)$ ]] || die "$1 is a $KIND device, which XDP cannot send to: it cannot be a port. As a port of a bridge that is attached with --mirror, it works, on the slow path"
	[[ ! $SLAVE =~ ^(bond|team)$ ]] || die "$1 is a slave of $MASTER, whose frames it would forward past the $SLAVE: make $MASTER a port of a bridge, and attach that with --mirror"
}

# l2_preflight DEV MODE: warnings, one line each. PARTIAL says how frames can arrive with a partial
# checksum or merged (GSO), and how to turn that off; empty if they cannot. XDP sends frames as they
# are; the stack would complete them.
l2_preflight() {
	PARTIAL=''
	l2_link
	case $KIND in
	-) l2_preflight_card "$1" ;;
	veth) l2_preflight_veth "$1" "$2" ;;
	tun)
		[[ $VNET_HDR == true ]] || return 0
		PARTIAL="its VM may leave checksums and segments to the host (vnet_hdr on): in the guest, $(typed ethtool -K DEV tx off), or csum=off for its card; then attach with --force"
		((L2_MIRROR)) || warn "$1: $PARTIAL. XDP forwards them unfinished, and TCP between VMs stops"
		;;
	esac
}

# l2_preflight_mtu DEV: ports with another MTU
l2_preflight_mtu() {
	local ports number index rest mtu name kind others=''
	l2_link
	ports=$(l2_ports) || exit 1
	while read -r number index rest; do
		read -r name kind mtu rest <<<"${LINK["$NETNS_PATH ${index:--}"]:-}"
		[[ -z $mtu || $mtu == "$MTU" ]] || others+=", $name has $mtu"
	done <<<"$ports"
	[[ -z $others ]] || warn "$1 has MTU $MTU and ${others:2}: longer frames between them are lost"
}

# l2_preflight_card DEV: a card that keeps VLAN tags from XDP, or has too few queues
l2_preflight_card() {
	local offloads what='the card takes VLAN tags off, and XDP sees all frames untagged' cpus
	cpus=$(nproc --all)
	# a veth locks a shared queue; cards refuse XDP, or drop
	((QUEUES == 0 || QUEUES >= cpus)) ||
		warn "$1 has $QUEUES transmit queues for $cpus CPUs: drivers that give XDP a queue for each CPU drop what the others send"
	type -P ethtool >/dev/null || return 0
	offloads=$(in_netns ethtool -k "$1" 2>/dev/null) || return 0
	case $offloads in
	*$'\n''rx-vlan-offload: on [fixed]'*) warn "$1: rx-vlan-offload is on, and cannot be turned off: use it without tags, because $what" ;;
	*$'\n''rx-vlan-offload: on'*) warn "$1: rx-vlan-offload is on: $what: $(typed ethtool -K "$1" rxvlan off)" ;;
	esac
}

# l2_peer: of a veth, after l2_link: the NAME and XDP of its peer, and the peer's ethtool features in
# OFFLOADS. False if the peer cannot be queried from here.
declare -A NSID_NAME=()
l2_peer() {
	local path=$NETNS_PATH id name
	IN=()
	[[ $PEER_NETNS == - ]] || {
		((${#NSID_NAME[@]})) || {
			NSID_NAME[none]=-
			# (it opens every file there, and would block on a pipe or a file system that does not answer)
			{ timeout -s KILL "$HM_LIMIT" stat --cached=always -L -c '%d %F' /run/netns/ /proc/self/ns/net /run/netns/* || true; } 2>/dev/null |
				awk 'NR <= 2 { ours[$1]; next } !($1 in ours && /regular/) { other = 1 } END { exit other }' || return 1
			while read -r id name; do NSID_NAME[$id]=$name; done < <(ip_json netns list-id 2>/dev/null | jq -r '.[] | "\(.nsid) \(.name // "")"')
		}
		[[ -n ${NSID_NAME[$PEER_NETNS]:-} ]] || return 1
		path=/run/netns/${NSID_NAME[$PEER_NETNS]}
		IN=(nsenter "--net=$path")
	}
	l2_links "$path"
	read -r NAME KIND MTU QUEUES LINK_TYPE PEER PEER_NETNS MASTER SLAVE VNET_HDR XDP MODE <<<"${LINK["$path $PEER"]:-}"
	[[ -n $NAME ]] && type -P ethtool >/dev/null && OFFLOADS=$(l2_in "$path" ethtool -k "$NAME" 2>/dev/null)
}

# l2_preflight_veth DEV MODE: what its peer must do
l2_preflight_veth() {
	l2_peer || {
		PARTIAL="its veth peer, which cannot be seen from here, may leave TCP and UDP checksums to its device: over there, ethtool -K DEV tx off; then attach with --force"
		return 0
	}
	[[ $OFFLOADS != *$'\n'tx-checksumming:\ on* ]] ||
		PARTIAL="its veth peer $NAME leaves TCP and UDP checksums to its device: $(typed "${IN[@]}" ethtool -K "$NAME" tx off); then attach again"
	[[ $2 == native ]] || return 0
	[[ $XDP != - || $OFFLOADS == *$'\n'generic-receive-offload:\ on* ]] ||
		warn "$1: its veth peer $NAME has neither an XDP program nor GRO, and drops what XDP sends: $(typed "${IN[@]}" ethtool -K "$NAME" gro on)"
	((L2_MIRROR)) || [[ -z $PARTIAL ]] ||
		warn "$1: its veth peer $NAME leaves TCP and UDP checksums to its device, and XDP forwards them unfinished: $(typed "${IN[@]}" ethtool -K "$NAME" tx off)"
	[[ $OFFLOADS != *$'\n'tx-vlan-offload:\ on* ]] ||
		warn "$1: its veth peer $NAME sends VLAN tags beside the frame, where XDP does not see them: $(typed "${IN[@]}" ethtool -K "$NAME" txvlan off)"
}

# --- a device

l2fwd_attach() { # DEV
	local above
	[[ $LAT_MODE != none ]] || misuse "--mode none: l2fwd is in XDP"
	dev_elsewhere "$HM_FEAT_l2fwd" "all ports must be in one network namespace"
	maps_check "${L2_MAPS[@]}" xdp_verdict xdp_home
	l2_size_check
	if ((L2_MIRROR)); then
		l2_mirror_attach "$1"
	else
		l2_suitable "$1"
		l2_above "$1" "$IFINDEX" | while read -r above; do warn "$above"; done
		l2_maps_make "${L2_SIZE:-$L2_FDB_DEFAULT}"
		l2_cfg_init
		l2_port_attach "$1"
	fi
}

# l2_above DEV IFINDEX: notes about devices above this one, except the mirrored bridge and VLAN
# devices on its ports, which get their frames first
l2_above() {
	local name kind VALUE=() bridge=0
	[[ ! -e $GLOBALS/l2_cfg ]] || {
		l2_cfg_read
		bridge=$(field_num l2_cfg.bridge)
	}
	ip_json -d link | jq -r --argjson i "$2" --argjson bridge "$bridge" '(.[] | select(.ifindex == $i)) as $port
		| ([.[] | select(.ifindex == $bridge).ifname] | index($port.master)) as $mirrored
		| .[] | select(.ifname == $port.master or .link == $port.ifname and .ifname != $port.link)
		| select(.ifindex != $bridge and ($mirrored and .linkinfo.info_kind == "vlan" | not)) | "\(.ifname) \(.linkinfo.info_kind // "-")"' |
		while read -r name kind; do
			printf '%s is above %s, and gets only what l2fwd does not forward' "$name" "$1"
			[[ $kind != bridge ]] || printf ' (%s follows it)' "$(typed attach.sh "$name" l2fwd --mirror)"
			printf '\n'
		done
}

l2_size_check() {
	local now
	[[ -n ${PIN_SHAPE[l2_fdb]:-} && -n $L2_SIZE ]] || return 0
	now=${PIN_SHAPE[l2_fdb]##* }
	((now == L2_SIZE)) ||
		die "--fdb-size $L2_SIZE: the table was created with $now entries: detach all ports first"
}

l2_port_attach() { # DEV, with IFINDEX and DEV_*
	local TC_PREF_OPTION=--l2-pref
	object tc/l2fwd.o
	local tc=$OBJECT
	tc_check "$1" l2fwd_tc "$L2_PREF" 2
	l2_port_new "$IFINDEX" "$1"
	object xdp/l2fwd.o
	# a program of ours that was attached by hand is enough
	slot_attach "$1" "$OBJECT" l2fwd_xdp "$LAT_MODE"
	[[ $XDP_MODE != generic ]] || dev_flag "$HM_DEV_GENERIC"
	tc_qdisc "$1"
	tc_attach "$1" "$tc" l2fwd_tc "${L2_PREF:-2}" 0
	l2_preflight "$1" "$XDP_MODE"
	((L2_MIRROR)) || l2_preflight_mtu "$1"
}

# (the ports of a mirror are attached one by one)
l2fwd_reach() { ((L2_MIRROR || DEV_FLAGS & HM_DEV_MIRROR)) || printf 'xdp\ntc 2 --l2-pref %s\n' "$L2_PREF"; }

l2fwd_detach() { # DEV
	local dev=$1
	if ((DEV_FLAGS & HM_DEV_MIRROR)); then
		l2_mirror_detach "$dev"
		return
	fi
	l2_port_detach "$dev"
}

# l2_here: DEV_* is in the namespace of all ports. In another namespace, the ifindex means another
# device; if the namespace is gone, it may mean a new one.
l2_here() {
	local have
	[[ -e $GLOBALS/l2_cfg ]] || return 0
	l2_cfg_read
	have=$(field_num l2_cfg.netns)
	((have == 0 || have == DEV_INODE))
}

l2_port_detach() { # DEV
	local ports
	l2_here || return 0
	l2_port_unhook "$1"
	ports=$(l2_ports_of "$DEV_IFINDEX") || exit 1
	l2_ports_remove "$ports"
}

l2_port_unhook() { # DEV
	slot_detach "$1" l2fwd_xdp "$DEV_IFINDEX"
	((!DEV_ALIVE)) || tc_detach "$1" l2fwd_tc
}

# --- the mirror of a bridge

# l2_with_port DEV IFINDEX COMMAND...: runs it with IFINDEX and DEV_* of another device in the
# same namespace, whose registry line is in L2_ENTRY
declare -A L2_ENTRY=()
l2_with_port() {
	local IFINDEX=$2 IFNAME=$1 DEV_INODE DEV_IFINDEX DEV_FEATURES DEV_FLAGS DEV_PREF DEV_NAME DEV_ALIVE=1
	local nsid=$DEV_NSID DEV_NSID
	if [[ -n ${L2_ENTRY[$2]:-} ]]; then
		dev_read "${L2_ENTRY[$2]}"
	else
		dev_unknown "$1"
		DEV_NSID=$nsid
	fi
	"${@:3}" "$1"
}

# l2_with_entry LINE COMMAND...: the same for a registry line, even if the device was renamed or
# is gone
l2_with_entry() {
	local IFINDEX IFNAME DEV_INODE DEV_IFINDEX DEV_FEATURES DEV_FLAGS DEV_PREF DEV_NAME DEV_NSID DEV_ALIVE=0
	dev_read "$1"
	IFINDEX=$DEV_IFINDEX
	l2_link
	[[ -z $NAME ]] || DEV_ALIVE=1
	IFNAME=${NAME:-$DEV_NAME}
	"${@:2}" "$IFNAME"
	dev_put
}

# l2_mirror_members BRIDGE: one line "ifindex name kind" per port of the bridge
l2_mirror_members() {
	ip_json -d link show master "$1" | jq -r '.[] | select(.ifname) | "\(.ifindex) \(.ifname) \(.linkinfo.info_kind // "-")"' | as_named ||
		die "$1: its ports cannot be listed: $(typed ip link show master "$1") failed"
}

l2_mirror_port_add() { # DEV
	local flags=0
	((DEV_FEATURES & HM_FEAT_l2fwd)) || flags=$HM_DEV_BRPORT
	l2_mirror_port_free "$1"
	dev_intend "$flags" l2fwd
	l2_port_attach "$1"
	((!DRY_RUN)) || return 0
	l2_port_share "$1"
	l2_mirror_partial "$1"
	l2_port_read "$PORT"
	flag l2_port.flags "$L2_P_PARTIAL" "$((${#PARTIAL} > 0))"
	(($(field_num l2_port.flags) & L2_P_MIRROR)) || {
		defer l2_port_restore "$PORT" "${VALUE[@]}"
		l2_wire_new "$PORT"
		flag l2_port.flags "$L2_P_MIRROR" 1
	}
	l2_port_write "$PORT"
	l2_ports_changed
}

# l2_port_share DEV: lets the other ports share the first port's programs
l2_port_share() {
	[[ ! -d $PINS/_shared ]] || return 0
	[[ $XDP_NAME != l2fwd_xdp || -n ${XDP_SEC[*]} ]] || program_share "$XDP_ID" "$HM_OBJ/xdp/l2fwd.o"
	! tc_find "$1" l2fwd_tc || program_share "$TC_ID" "$HM_OBJ/tc/l2fwd.o"
}

l2_mirror_partial() { # DEV
	((!L2_FORCE)) || PARTIAL=''
	[[ -z $PARTIAL ]] || warn "$1: frames that it receives take the slow path: $PARTIAL"
}

# l2_mirror_whole: L2_ENTRY gets the registry lines of this namespace, by ifindex; WHOLE gets number
# and flags of the mirror's ports that are completely attached
l2_mirror_whole() {
	local hooked ports number index line inode features flags rest known=' '
	declare -gA WHOLE=()
	dev_list
	while read -r line; do
		read -r inode index features rest <<<"$line"
		[[ $inode == "$NETNS_INODE" ]] || continue
		L2_ENTRY[$index]=$line
		((!(features & HM_FEAT_l2fwd))) || known+="$index "
	done <<<"$DEVS"
	[[ -z $LAT_MODE$L2_PREF ]] && ((!DRY_RUN)) || return 0
	# shellcheck disable=SC2016
	hooked=$({ "$BPFTOOL" -j prog show && in_netns "$BPFTOOL" -j net show; } 2>/dev/null | jq -rs --arg ids "${PIN_ID[*]}" '
		($ids | split(" ") | map(tonumber)) as $ids
		| def ours($name): [.[0][] | select(.name == $name and any(.map_ids // [] | .[]; IN($ids[]))) | .id];
		  ours("l2fwd_xdp") as $xdp | ours("l2fwd_tc") as $tc
		| [.[1][].tc[]? | select(.id // .prog_id | IN($tc[])) | .ifindex] as $at
		| .[1][].xdp[]? | select((.id | IN($xdp[])) and (.ifindex | IN($at[]))) | .ifindex') || return 0
	ports=$(l2_ports) || exit 1
	while read -r number index flags rest; do
		[[ -n $number && $known == *" $index "* && $'\n'$hooked$'\n' == *$'\n'"$index"$'\n'* ]] && ((flags & L2_P_MIRROR)) || continue
		WHOLE[$index]="$number $flags"
	done <<<"$ports"
}

# l2_mirror_port_again DEV IFINDEX NUMBER FLAGS: only the device behind it may have changed
l2_mirror_port_again() {
	local IFINDEX=$2 IFNAME=$1
	l2_link
	l2_preflight "$1" "$MODE"
	l2_mirror_partial "$1"
	(((${#PARTIAL} > 0) != (($4 & L2_P_PARTIAL) > 0))) || return 0
	l2_port_read "$3"
	flag l2_port.flags "$L2_P_PARTIAL" "$((${#PARTIAL} > 0))"
	l2_port_write "$3"
}

# l2_port_restore NUMBER BYTE...: restores a port
l2_port_restore() {
	VALUE=("${@:2}")
	l2_port_write "$1"
	l2_ports_changed
}

# l2_mirror_port_free DEV: dies if it is a port with settings made by hand that the bridge decides
# in a mirror
l2_mirror_port_free() {
	local VALUE flags
	l2_port_find "$IFINDEX" "$1" || return 0
	l2_port_read "$PORT"
	flags=$(field_num l2_port.flags)
	((!(flags & L2_P_MIRROR))) || return 0
	((!(flags & (L2_P_VLAN | L2_P_XLATE | L2_P_HAIRPIN | L2_P_BLOCKED)))) &&
		[[ " $(field_num l2_port.miss) $(field_num l2_port.bcast) $(field_num l2_port.mcast) " != *" $L2_MISS_FLOOD "* ]] ||
		die "$1 has settings made by hand ($(typed fdb.sh port "$1")) that the bridge decides in a mirror: $(typed detach.sh "$1" l2fwd) first"
}

# l2_mirror_port_leave NUMBER: the port is no longer mirrored
l2_mirror_port_leave() {
	l2_port_read "$1"
	flag l2_port.flags "$((L2_P_MIRROR | L2_P_PARTIAL))" 0
	l2_port_write "$1"
}

l2_mirror_attach() { # BRIDGE
	local dev kind line members index flags outside=0
	line=$(ip_json -d link show dev "$1" 2>/dev/null | jq -r '.[0].linkinfo | select(.info_kind == "bridge") | .info_data // {}
		| if any(.vlan_stats_enabled, .vlan_stats_per_port; . == 1 or . == true) then "counts" else "bridge" end')
	[[ -n $line ]] || die "--mirror: $1 is not a bridge"
	[[ $line != counts ]] || warn "$1: its VLAN statistics (bridge -s vlan) count frames of the slow path only; hookmap fdb counts all of a port"
	need_tools bridge
	l2_mirror_kernel
	object kern/l2fwd_mirror.o
	local object=$OBJECT
	if [[ -e $GLOBALS/l2_cfg ]]; then
		l2_cfg_read
		index=$(field_num l2_cfg.bridge)
		((index == 0 || index == IFINDEX)) || {
			! dev=$(l2_name "$index") ||
				die "$1: bridge $dev is mirrored already, and a host can have one mirror: $(typed detach.sh "$dev") first"
			l2_mirror_vanished "$index"
		}
	fi
	members=$(l2_mirror_members "$1") || exit 1
	l2_maps_make "${L2_SIZE:-$L2_FDB_DEFAULT}"
	l2_cfg_init
	dev_flag "$HM_DEV_MIRROR"
	((DRY_RUN)) || l2_cfg_flag "$L2_F_UNIFORM" 0
	defer l2_ports_settled
	L2_MANY=1
	l2_mirror_whole
	while read -r index dev kind; do
		[[ -n $index ]] || continue
		if [[ ! $kind =~ ^($L2_TARGET)$ ]]; then
			((!VERBOSE)) || warn "$dev is a $kind device: frames to and from it take the slow path"
			outside=$((outside + (1 << 32) + index))
			continue
		fi
		if [[ -n ${WHOLE[$index]:-} ]]; then
			# shellcheck disable=SC2086
			l2_mirror_port_again "$dev" "$index" ${WHOLE[$index]}
		else
			l2_with_port "$dev" "$index" l2_mirror_port_add
		fi
	done <<<"$members"
	[[ -z $members ]] || IFINDEX=${members%% *} l2_preflight_mtu "$(cut -d' ' -f2 <<<"${members%%$'\n'*}")"
	l2_mirror_left "$members"
	l2_ports_settled
	l2_mirror_load "$object"
	((!DRY_RUN)) || return 0
	map_keep l2_cfg
	l2_cfg_read
	field l2_cfg.bridge "$IFINDEX"
	[[ -z $L2_REFRESH ]] || field l2_cfg.refresh_ns "$((L2_REFRESH * 1000000))"
	field l2_cfg.outside "$outside"
	flags=$(($(field_num l2_cfg.flags) & ~L2_F_NO_BRNF | L2_F_SNAPSHOT))
	! l2_brnf_off || flags=$((flags | L2_F_NO_BRNF))
	flags=$((L2_FORCE ? flags | L2_F_FORCE : flags & ~L2_F_FORCE))
	field l2_cfg.flags "$flags"
	l2_cfg_write
	l2_mirror_knock "$1" "$(head -n 1 <<<"$members")"
	l2_mirror_snapshot "$1"
	l2_cfg_flag "$L2_F_SNAPSHOT" 0
	l2_mirror_slow "$1"
}

# l2_mirror_vanished IFINDEX: the mirrored bridge is gone; removes what belonged to it
l2_mirror_vanished() {
	local line inode ifindex rest OTHERS
	dev_others "$HM_FEAT_l2fwd"
	while read -r line; do
		read -r inode ifindex rest <<<"$line"
		[[ $inode == "$NETNS_INODE" && $ifindex == "$1" ]] || continue
		l2_with_entry "$line" l2_mirror_end
		return
	done <<<"$OTHERS"
	l2_mirror_detach ''
}

l2_mirror_end() { # BRIDGE
	l2_mirror_detach "$1"
	DEV_FEATURES=$((DEV_FEATURES & ~HM_FEAT_l2fwd))
}

# l2_brnf_off: br_netfilter is loaded, and configured to leave bridged frames alone. (If it is not
# loaded, it may be later.)
l2_brnf_off() {
	local of now
	for of in iptables ip6tables arptables; do
		now=$(in_netns cat "/proc/sys/net/bridge/bridge-nf-call-$of" 2>/dev/null) && [[ $now == 0 ]] || return 1
	done
}

# l2_mirror_slow BRIDGE: reports what takes the slow path, except partial checksums
l2_mirror_slow() {
	local VALUE number ifindex flags rest ports dev why promisc=0
	ports=$(l2_ports) || exit 1
	while read -r number ifindex flags rest; do
		[[ -n $number ]] && ((flags & L2_P_MIRROR)) || continue
		l2_wire_read "$number"
		why=$(field_num l2_wire.state)
		((!(why >> L2_WHY_BRIDGE & 1))) || {
			warn "$1: one of its options or netfilter decides about its frames, so all of them take the slow path: look at ebtables -L, nft list ruleset (family bridge) and, if iptables has no rules for bridged frames, sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0; then attach again"
			return
		}
		((!(why >> L2_WHY_PROMISC & 1) || promisc++)) ||
			warn "$1 is promiscuous, and gets a copy of each frame, so all frames take the slow path: a capture, or a device on top of it (macvlan, VLAN) with a MAC address or bridge of its own: $(typed ip -d link show dev "$1")"
		((why >> L2_WHY_QDISC)) || continue
		dev=$(l2_name "$ifindex") || continue
		((!(why >> L2_WHY_QDISC & 1))) || warn "$dev: frames sent to it take the slow path, because of its queueing discipline: $(typed tc qdisc show dev "$dev")"
		((!(why >> L2_WHY_EGRESS & 1))) || warn "$dev: frames sent to it take the slow path, because of filters: $(typed tc filter show dev "$dev" egress), bpftool net show, nft list ruleset (family netdev)"
		((!(why >> L2_WHY_INGRESS & 1))) || warn "$dev: frames that it receives take the slow path, because of filters: $(typed tc filter show dev "$dev" ingress), bpftool net show, nft list ruleset (family netdev)"
		((!(why >> L2_WHY_VLAN_DEV & 1))) || warn "$dev: VLAN-tagged frames that it receives take the slow path, because VLAN devices on it get them before the bridge: $(typed ip -d link show type vlan)"
	done <<<"$ports"
}

# l2_mirror_kernel: dies if the kernel has no bpf_loop (Linux 5.17)
l2_mirror_kernel() {
	[[ ! -r /sys/kernel/btf/vmlinux ]] || grep -aqw BPF_FUNC_loop /sys/kernel/btf/vmlinux ||
		die "--mirror needs Linux 5.17 (bpf_loop), and this is $(uname -r): l2fwd of a device, with entries by fdb.sh, works without"
}

# l2_mirror_left MEMBERS: removes ports that have left the bridge: from the devices one by one, from
# the maps all at once
l2_mirror_left() {
	local number ifindex flags rest ports left
	left=$(l2_mirror_lines "$1") || exit 1
	l2_each "$left" l2_port_unhook
	# shellcheck disable=SC2046
	ports=$(l2_ports_of $(cut -d' ' -f2 <<<"$left")) || exit 1
	! l2_here || l2_ports_remove "$ports"
	[[ -z $left ]] || ((DRY_RUN)) || left=$(l2_mirror_lines "$1") || exit 1
	l2_each "$left" l2_mirror_port_end
	((!DRY_RUN)) || return 0
	ports=$(l2_ports) || exit 1
	while read -r number ifindex flags rest; do
		[[ -n $number ]] && ((flags & L2_P_MIRROR)) || continue
		[[ $'\n'$1 == *$'\n'"$ifindex "* ]] || l2_mirror_port_leave "$number"
	done <<<"$ports"
}

# l2_mirror_lines MEMBERS: registry lines of ports that attach created for the mirror and that are
# not among MEMBERS
l2_mirror_lines() {
	local line inode ifindex features flags rest OTHERS
	dev_others "$HM_FEAT_l2fwd"
	while read -r line; do
		read -r inode ifindex features flags rest <<<"$line"
		[[ -n $inode && $inode == "$DEV_INODE" ]] && ((flags & HM_DEV_BRPORT)) || continue
		[[ $'\n'$1 == *$'\n'"$ifindex "* ]] || printf '%s\n' "$line"
	done <<<"$OTHERS"
}

# l2_each LINES COMMAND...: see l2_with_entry
l2_each() {
	local line lines
	[[ -n $1 ]] || return 0
	mapfile -t lines <<<"$1"
	for line in "${lines[@]}"; do l2_with_entry "$line" "${@:2}"; done
}

# l2_mirror_knock BRIDGE MEMBER: makes the mirror read the ports and the bridge's address before any
# frame arrives: the bridge refuses an entry for 00:00:00:00:00:00, but its tracepoint fires
l2_mirror_knock() {
	local index dev kind looks
	read -r index dev kind <<<"$2"
	[[ -n $index ]] || return 0
	looks=$(l2_looks) || exit 1
	try "${NSCMD[@]}" bridge fdb add 00:00:00:00:00:00 dev "$dev" master static || true
	(($(l2_looks) != looks)) ||
		die "$1: its port $dev could not be read from tracepoint br_fdb_add: it may have just left the bridge"
}

# l2_looks: how often the mirror has read the bridge
l2_looks() {
	map_read l2_look 0 || die "map $GLOBALS/l2_look cannot be read"
	field_num l2_look.looks
}

l2_mirror_forget() {
	l2_cfg_read
	field l2_cfg.bridge 0
	field l2_cfg.flags $(($(field_num l2_cfg.flags) & ~L2_F_SNAPSHOT))
	l2_cfg_write
}

l2_mirror_load() { # OBJECT
	local name staging=$PINS/_l2fwd
	! pins_loaded l2fwd l2_mirror_add || return 0
	defer rm -rf "$staging"
	map_options l2_cfg l2_look l2_if l2_port l2_wire l2_fdb
	bpf_load "$staging" "$1" "${MAP_OPTIONS[@]}" autoattach
	((DRY_RUN)) || for name in add learn extern del state log; do
		is_link "$staging/l2_mirror_$name" ||
			die "program l2_mirror_$name could not be attached: does the kernel have its tracepoint?"
	done
	run mv "$staging" "$L2_PINS"
	defer rm -rf "$L2_PINS"
}

# l2_mirror_snapshot BRIDGE: copies the bridge's entries. The programs are already running, and
# their entries are newer, so only missing ones are written.
l2_mirror_snapshot() {
	local ports full
	((!DRY_RUN)) || return 0
	# entries behind ports that were not ours until now
	l2_delete l2_fdb l2_fdb.port 0 l2_fdb.type "$L2_DYNAMIC $L2_EXTERN $L2_FIXED"
	scratch L2_KNOWN
	ports=$(l2_port_names) || exit 1
	# shellcheck disable=SC2016
	in_netns bridge -j fdb show br "$1" | json_escaped | jq -r --arg ports "$ports" --argjson local "$L2_LOCAL" --argjson extern "$L2_EXTERN" --argjson fixed "$L2_FIXED" --argjson dynamic "$L2_DYNAMIC" '
		($ports | split(" ") | map(index("/") as $at | {key: .[$at + 1:], value: (if .[:$at] == "-" then 0 else .[:$at] end)}) | from_entries) as $p
		| .[] | select(.master != null)
		| select(.mac | test("^.[02468ace]"))
		| (.flags // []) as $f
		| (if .state == "permanent" then $local elif ($f | index("extern_learn")) then $extern
		   elif .state == "static" then $fixed else $dynamic end) as $t
		| "\(.vlan // 0) \(.mac) \(if $t == $local then 0 else $p[.ifname] // 0 end) \($t)"' |
		l2_updates noexist | into "$L2_KNOWN" ||
		die "$1: its entries cannot be listed: $(typed bridge fdb show br "$1") failed"
	full=$(l2_batch l2_fdb "$L2_KNOWN") || exit 1
	((!full)) || warn "$1: map $GLOBALS/l2_fdb has no room for $full addresses of the bridge, which take the slow path: $(typed detach.sh "$1"), and attach with a larger --fdb-size"
}

l2_mirror_port_end() { # DEV
	DEV_FEATURES=$((DEV_FEATURES & ~HM_FEAT_l2fwd))
	DEV_FLAGS=$((DEV_FLAGS & ~HM_DEV_BRPORT))
}

l2_mirror_detach() { # BRIDGE
	pins_remove l2fwd
	DEV_FLAGS=$((DEV_FLAGS & ~HM_DEV_MIRROR))
	[[ ! -e $GLOBALS/l2_cfg ]] || ((DRY_RUN)) ||
		l2_delete l2_fdb l2_fdb.type "$L2_DYNAMIC $L2_EXTERN $L2_LOCAL $L2_FIXED $L2_GONE"
	# ports that existed before the mirror stay, with their entries
	((DRY_RUN)) || [[ ! -e $GLOBALS/l2_cfg ]] || l2_cfg_flag "$L2_F_UNIFORM" 0
	L2_MANY=1
	l2_mirror_left ''
	[[ -e $GLOBALS/l2_cfg ]] && ((!DRY_RUN)) || return 0
	l2_mirror_forget
	l2_ports_settled
}

# The kernel drops a port that vanishes from l2_tx.
l2fwd_same() {
	local PORT
	l2_port_find "$IFINDEX" "$1"
}
# (a new port removes those of the old one, and says what)
l2fwd_renew() { [[ " ${FEATURES[*]} " == *' l2fwd '* ]] || l2fwd_detach "$DEV_NAME"; }

l2fwd_unshare() {
	pins_remove l2fwd
	maps_remove "${L2_MAPS[@]}"
	drops_verdict_unshare
}

# l2_mirror_status BRIDGE: ports that came and went since it was attached
l2_mirror_status() {
	local number index flags rest name kind members ports mirrored=' '
	members=$(l2_mirror_members "$1") || exit 1
	ports=$(l2_ports) || exit 1
	while read -r number index flags rest; do
		[[ -n $number ]] && ((flags & L2_P_MIRROR)) || continue
		mirrored+="$index "
		[[ $'\n'$members == *$'\n'"$index "* ]] || {
			name=$(l2_name "$index") || name="of ifindex $index, which has vanished"
			printf '  l2fwd    port %s has left it: %s again\n' "$name" "$(typed attach.sh "$1" l2fwd --mirror)"
		}
	done <<<"$ports"
	while read -r index name kind; do
		[[ -n $index && $mirrored != *" $index "* && $kind =~ ^($L2_TARGET)$ ]] || continue
		printf '  l2fwd    port %s has joined it, and takes the slow path: %s again\n' "$name" "$(typed attach.sh "$1" l2fwd --mirror)"
	done <<<"$members"
}

l2fwd_status() { # DEV
	local VALUE flags text=''
	if ((DEV_FLAGS & HM_DEV_MIRROR)); then
		printf '  l2fwd    mirrors this bridge: tracepoints br_fdb_*, fdb_delete, console, netif_receive_skb\n'
		((!DEV_ALIVE)) || l2_mirror_status "$1"
		return
	fi
	((DEV_ALIVE)) && l2_port_find "$DEV_IFINDEX" "$1" || return 0
	l2_port_now "$PORT"
	flags=$(field_num l2_port.flags)
	((!(flags & L2_P_VLAN))) || text+=', VLAN-aware'
	((!(flags & L2_P_MIRROR))) || text+=', mirrors its bridge'
	((!(flags & L2_P_ACL))) || text+=", $(($(field_num l2_port.acl_n) & L2_ACL_MASK)) rules"
	((!(flags & L2_P_GUARD))) || text+=', guarded'
	((!(flags & L2_P_BLOCKED))) || text+=', blocked'
	printf '  l2fwd    port %d%s\n' "$PORT" "$text"
	map_read l2_tx "$PORT" ||
		printf '  l2fwd    nothing leaves by it: it was in another network namespace: %s again\n' "$(typed attach.sh "$1" l2fwd)"
	l2_above "$1" "$DEV_IFINDEX" | sed 's/^/  l2fwd    /'
}
