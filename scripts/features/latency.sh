# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# latency.sh - the feature latency: its stages on one device (XDP, tc, iptables), in
# a container (tc), and on the host (socket, application); its settings.

# shellcheck source=scripts/lib/condition.sh
. "$HM_SCRIPTS/lib/condition.sh"

latency_help() {
	cat <<'EOF'
latency (of a device; the default): time stamps at XDP, tc, iptables, socket and
application
  --sample N      measure one packet in N (all devices; default 256)
  --filter CONDITION  measure only matching IP packets (all devices); "dev NAME" works
                    too, vlan does not; "none" removes the filter
  --mode MODE     XDP mode: native, generic, or none (tc is the first stage);
                    default: native if the driver can, otherwise generic; none for bonds,
                    teams and devices without an Ethernet header
  --inpacket PORT  also write the stamps into UDP datagrams to PORT; "off" stops that
  --next OBJ[:SECTION]  run this XDP program after ours; "none" removes it (default
                    section: the first one present of prog, xdp and xdp.frags)
  --pref N        preference of the tc filter (default 1)
EOF
}

LAT_MAPS=(lat_cfg lat_stat lat_ring lat_stamp lat_hist xdp_next xdp_next_xdp xdp_next_frags)
LAT_CHAIN=hookmap-latency
LAT_PINS=$PINS/latency
LAT_NEW=0 # 1: its programs were loaded just now

# The options of attach.sh; empty: unchanged
LAT_SAMPLE='' LAT_FILTER='' LAT_FILTER_SET=0 LAT_INPACKET='' LAT_MODE=''
LAT_NEXT='' LAT_NEXT_SECTION='' LAT_PREF=''

# latency_option OPTION VALUE: stores an option. False if it is not one of ours.
latency_option() {
	case $1 in
	--sample)
		number "$1" "$2" 1 1000000000
		LAT_SAMPLE=$NUMBER
		;;
	--filter)
		LAT_FILTER=$2 LAT_FILTER_SET=1
		# a typing error is found before anything else
		struct_new lat_cfg
		lat_filter_parse "$LAT_FILTER"
		;;
	--mode)
		[[ $2 =~ ^(native|generic|none)$ ]] || misuse "--mode $2: expected native, generic or none"
		LAT_MODE=$2
		;;
	--inpacket)
		LAT_INPACKET=$2
		[[ $2 == off ]] || {
			number "$1" "$2" 1 65535
			LAT_INPACKET=$NUMBER
		}
		;;
	--next)
		LAT_NEXT=$2
		[[ $2 != *:* ]] || LAT_NEXT=${2%:*} LAT_NEXT_SECTION=${2##*:}
		[[ $LAT_NEXT == none || -r $LAT_NEXT ]] || die "--next: no object $LAT_NEXT"
		;;
	--pref)
		number "$1" "$2" 1 65535
		LAT_PREF=$NUMBER
		;;
	*) return 1 ;;
	esac
}

# --- settings

# lat_filter_parse TEXT: checks a filter, the words of a condition and "dev NAME", and writes it
# to VALUE (a lat_cfg); empty or "none" removes the filter.
lat_filter_parse() {
	local words rest=() i index=0
	read -ra words <<<"$1"
	[[ ${words[*]} != none ]] || words=()
	for ((i = 0; i < ${#words[@]}; i++)); do
		if [[ ${words[i]} != dev ]]; then
			rest+=("${words[i]}")
			continue
		fi
		((++i < ${#words[@]})) || misuse '--filter: dev needs a value'
		index=$(NETNS='' ip_json link show dev "${words[i]}" 2>/dev/null | jq -r '.[0].ifindex') || index=
		[[ -n $index ]] || die "--filter: no device ${words[i]}"
	done
	# (XDP does not see tags removed by the hardware, and only IP is measured)
	condition --filter 'vlan ethertype' "${rest[@]}"
	field lat_cfg.match "${CONDITION[@]}"
	field lat_cfg.ifindex "$index"
	flag lat_cfg.flags "$LAT_F_FILTER" $((${#words[@]} > 0))
}

# lat_cfg_change: VALUE becomes the current settings with the requested changes
lat_cfg_change() {
	local cpus shift=16
	map_value lat_cfg
	cpus=$(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1))
	while ((1 << (16 - shift) < cpus && shift > 8)); do shift=$((shift - 1)); done
	field lat_cfg.shift $((shift > 15 ? 15 : shift))
	[[ -n $LAT_SAMPLE ]] || (($(field_num lat_cfg.sample))) || LAT_SAMPLE=$LAT_SAMPLE_DEFAULT
	[[ -z $LAT_SAMPLE ]] || field lat_cfg.sample "$LAT_SAMPLE"
	((LAT_FILTER_SET)) && lat_filter_parse "$LAT_FILTER"
	case $LAT_INPACKET in
	'') ;;
	off) flag lat_cfg.flags "$LAT_F_INPACKET" 0 ;;
	*)
		field lat_cfg.inpacket_port "$LAT_INPACKET"
		flag lat_cfg.flags "$LAT_F_INPACKET" 1
		;;
	esac
	LAT_VALUE=("${VALUE[@]}")
}

# --- the host's stages, shared by all devices

# lat_shared: loads and attaches the shared programs that are missing
lat_shared() {
	local staging=$PINS/_latency
	pins_loaded latency latency_app || lat_load "$staging"
	if [[ -n $CGROUP ]]; then
		cgroup_attach "$CGROUP" "$LAT_PINS/latency_socket" "${LAT_NEW#0}"
	else
		warn "no cgroup v2 is mounted: the stage socket is not measured"
	fi
}

lat_load() { # STAGING
	local staging=$1
	defer rm -rf "$staging"
	map_options lat_stat lat_stamp lat_hist
	object iptables/latency.o
	bpf_load "$staging" "$OBJECT" type socket "${MAP_OPTIONS[@]}"
	object kern/latency.o
	bpf_load "$staging" "$OBJECT" "${MAP_OPTIONS[@]}" autoattach
	((DRY_RUN)) || is_link "$staging/latency_app" ||
		die "program latency_app could not be attached: does the kernel have the tracepoint skb_copy_datagram_iovec?"
	object kern/latency_fentry.o
	# fentry is not in every kernel; without it, linear UDP and splice have no application stage
	try "$BPFTOOL" -n prog loadall "$OBJECT" "$staging" "${MAP_OPTIONS[@]}" autoattach || true
	local program
	for program in latency_udp latency_splice; do
		((DRY_RUN)) || is_link "$staging/$program" || run rm -f "$staging/$program"
	done
	run mv "$staging" "$LAT_PINS"
	LAT_NEW=1
	defer rm -rf "$LAT_PINS"
}

# latency_unshare: the last device is detached
latency_unshare() {
	cgroup_detach "$LAT_PINS/latency_socket"
	pins_remove latency
	maps_remove "${LAT_MAPS[@]}"
}

# --- one device

# lat_rows_old DEV: before a device is measured, removes rows with its number: they are of another
# device, or of an earlier attach. If half of all rows are in use, also removes the rows of devices that
# are no longer measured.
lat_rows_old() {
	local rows key nsid ifindex measured=all OTHERS
	rows=$(map_rows lat_hist key lat_key.nsid lat_key.ifindex) || exit 1
	(($(wc -l <<<"$rows") <= LAT_HIST_ROWS / 2)) || {
		dev_others "$HM_FEAT_latency"
		measured=$(awk 'NF { print $5 "/" $2 }' <<<"$OTHERS")
	}
	while read -r key nsid ifindex; do
		[[ -n $key ]] || continue
		[[ $nsid == "$DEV_NSID" && $ifindex == "$IFINDEX" ]] || {
			[[ $measured != all && $nsid != 0 ]] || continue
			[[ $'\n'$measured$'\n' != *$'\n'"$nsid/$ifindex"$'\n'* ]] || continue
		}
		printf '%s\n' "$key"
	done <<<"$rows" | lat_rows_remove "$1" || exit 1
}
latency_renew() { # DEV
	latency_detach "$DEV_NAME"
	[[ ! -e $GLOBALS/lat_hist ]] || lat_rows_old "$1"
}
# latency_forget NSID: the same for all devices of a namespace that is gone
latency_forget() {
	[[ -e $GLOBALS/lat_hist ]] || return 0
	map_rows lat_hist key lat_key.nsid | awk -v nsid="$1" '$2 == nsid { print $1 }' | lat_rows_remove "$DEV_NAME" || exit 1
}
lat_rows_remove() { # DEV; it reads the keys
	local key BYTES OUT
	scratch LAT_FILE
	while read -r key; do
		bytes 8 "$key"
		printf '%s\n' "${BYTES[*]}"
	done | map_deletes lat_hist | into "$LAT_FILE" || exit 1
	[[ -s $LAT_FILE ]] || return 0
	change "$BPFTOOL" batch file "$LAT_FILE" || failed "$OUT" "$1: the rows of devices that were measured before cannot be removed"
	note "$1: $(wc -l <"$LAT_FILE") rows of devices that were measured before are removed"
}

latency_attach() { # DEV
	local class container=0
	[[ -z $NETNS ]] || container=1
	cgroup_find
	ipt_commands
	object xdp/latency.o
	local xdp=$OBJECT
	object tc/latency.o
	local tc=$OBJECT

	# everything that can be refused is refused before the first change
	maps_check "${LAT_MAPS[@]}"
	((!container)) || [[ -z $LAT_MODE ]] || misuse "--mode cannot be combined with --netns: a container's stage is at tc"
	[[ -z $LAT_NEXT ]] || ((!(DEV_FEATURES & HM_FEAT_l2fwd))) ||
		die "--next: l2fwd runs after latency on $1: detach it first"
	link_kind "$1"
	((container)) || {
		xdp_get "$1"
		lat_first_stage "$1"
	}
	[[ ${LAT_NEXT:-none} == none ]] || lat_next_check "$1" "$container"
	((container)) || lat_from_tc || xdp_check "$1" latency_xdp
	((IFINDEX < HM_XDP_NEXT)) || ((container)) ||
		die "$1 has ifindex $IFINDEX, and xdp_next ends at $((HM_XDP_NEXT - 1)): no program can be chained after ours"
	((DEV_PREF)) || DEV_PREF=1
	tc_check "$1" latency_tc "$LAT_PREF" "$DEV_PREF"
	lat_cfg_change

	[[ -n $TC_PREF || ${XDP_NAME:-} == latency_* || ! -e $GLOBALS/lat_hist ]] || lat_rows_old "$1"
	# first the settings, then from the last stage to the first: every measured packet is
	# measured to the end
	maps_create latency lat_cfg lat_stat lat_ring lat_stamp lat_hist
	map_keep lat_cfg
	VALUE=("${LAT_VALUE[@]}")
	map_write lat_cfg 0

	class=$DEV_NSID
	((!LINK_BARE)) || class=$((class | LAT_CLASS_L3))
	if ((container)); then
		class=$((class | LAT_CLASS_CONTAINER))
		DEV_FLAGS=$((DEV_FLAGS | HM_DEV_NETNS))
	elif lat_from_tc; then
		class=$((class | LAT_CLASS_START))
		DEV_FLAGS=$((DEV_FLAGS | HM_DEV_NOXDP))
		xdp_detach "$1" latency_xdp
	else
		DEV_FLAGS=$((DEV_FLAGS & ~HM_DEV_NOXDP))
	fi
	tc_qdisc "$1"
	tc_attach "$1" "$tc" latency_tc "${LAT_PREF:-$DEV_PREF}" "$(printf '%x' "$class")"
	DEV_PREF=$TC_PREF
	lat_shared
	((!container)) || return 0
	ipt_usable
	ipt_attach raw PREROUTING "$LAT_CHAIN" "$1" "$LAT_PINS/latency_raw" "$LAT_NEW"
	ipt_attach filter INPUT "$LAT_CHAIN" "$1" "$LAT_PINS/latency_input" "$LAT_NEW"
	lat_saved
	DEV_FLAGS=$((DEV_FLAGS & ~HM_DEV_GENERIC))
	((!(DEV_FLAGS & HM_DEV_NOXDP))) || return 0
	lat_notes "$1"
	xdp_attach "$1" "$xdp" latency_xdp "$LAT_MODE"
	# (in generic mode XDP runs where RPS has moved the packet to)
	if [[ $XDP_MODE == generic ]]; then
		DEV_FLAGS=$((DEV_FLAGS | HM_DEV_GENERIC))
	elif lat_rps "$1"; then
		note "$1 $LAT_RPS"
	fi
	lat_next "$1"
}

latency_reach() {
	[[ -n $NETNS ]] || ((DEV_FLAGS & HM_DEV_NETNS)) || lat_from_tc || printf 'xdp\n'
	printf 'tc %s --pref %s\nindex\n' "$((DEV_PREF ? DEV_PREF : 1))" "$LAT_PREF"
	[[ -z $NETNS ]] && ((!(DEV_FLAGS & HM_DEV_NETNS))) || return 0
	printf 'rules raw PREROUTING %s\nrules filter INPUT %s\n' "$LAT_CHAIN" "$LAT_CHAIN"
}

# lat_from_tc: without XDP, as requested now or before
lat_from_tc() { [[ $LAT_MODE == none ]] || { [[ -z $LAT_MODE ]] && ((DEV_FLAGS & HM_DEV_NOXDP)); }; }

# lat_saved: warns about saved rule sets that contain our rules
lat_saved() {
	local file
	for file in /etc/iptables/rules.v4 /etc/iptables/rules.v6 /etc/sysconfig/iptables /etc/sysconfig/ip6tables; do
		! grep -qs -e "-A $LAT_CHAIN -m bpf" "$file" ||
			warn "$file has our rules: at boot neither they nor the rest of their tables can be loaded: $(typed saved.sh "$file") removes them"
	done
}

# lat_first_stage DEV: sets LAT_MODE if the kind of device decides it. XDP needs an Ethernet header;
# in native mode, a bond's program runs on its members, with their ifindexes.
lat_first_stage() {
	local what
	if ((LINK_BARE)); then
		[[ -z ${LAT_MODE#none} && ${LAT_NEXT:-none} == none ]] ||
			die "$1 has no Ethernet header ($LINK_TYPE): its first stage is tc, so use neither --mode $LAT_MODE nor --next"
		what="has no Ethernet header ($LINK_TYPE)"
	elif [[ $LINK_KIND == bond || $LINK_KIND == team ]]; then
		[[ $LAT_MODE != native ]] ||
			die "$1 is a $LINK_KIND: in native mode XDP runs on its members, under their names: --mode generic or none"
		[[ ${LAT_NEXT:-none} == none ]] || LAT_MODE=${LAT_MODE:-generic}
		what="is a $LINK_KIND (--mode generic puts XDP in front, which copies merged packets)"
	else
		return 0
	fi
	[[ -z $LAT_MODE && -z $XDP_ID ]] || return 0
	((DEV_FLAGS & HM_DEV_NOXDP)) || note "$1 $what: tc is the first stage"
	LAT_MODE=none
}

# lat_jumps_remove NAME: removes the jumps of a device that has, or had, this name, unless another
# device is recorded under it
lat_jumps_remove() {
	local OTHERS
	dev_others "$HM_FEAT_latency"
	! awk '{ print $1, $7 }' <<<"$OTHERS" | grep -xF -- "$DEV_INODE $1" >/dev/null || return 0
	ipt_detach raw PREROUTING "$LAT_CHAIN" "$1"
	ipt_detach filter INPUT "$LAT_CHAIN" "$1"
}

# lat_notes DEV: notes for the user before XDP is attached
lat_notes() {
	[[ -z $XDP_ID ]] || return 0
	if [[ $LAT_MODE != generic && $LINK_KIND == veth ]]; then
		note "$1 is a veth: with any XDP program on it, its peer stops sending GSO packets, which halves TCP throughput; --mode none measures from tc on without that"
	fi
}

# lat_rps DEV: the device has RPS on; LAT_RPS is the text of the note. /sys may belong to another
# network namespace, and mounting our own takes a mount namespace.
lat_rps() {
	local on
	LAT_RPS='has RPS on: packets that it moves to another CPU are not found again at tc; --mode none measures them from there'
	on=$(in_netns unshare --mount --propagation private -- sh -c \
		'mount -t sysfs sysfs /sys || exit; cd "/sys/class/net/$1/queues" || exit; cat rx-*/rps_cpus' sh "$1" 2>/dev/null) || {
		# (a systemd unit may not create one; it runs in the namespace of its /sys)
		[[ -z $NETNS && $(cat "/sys/class/net/$1/ifindex" 2>/dev/null) == "$DEV_IFINDEX" ]] || return 1
		on=$(cat "/sys/class/net/$1/queues/"rx-*/rps_cpus 2>/dev/null) || return 1
	}
	[[ $on == *[1-9a-f]* ]]
}

# lat_next_check DEV CONTAINER: refuses --next if XDP is not a stage
lat_next_check() {
	((!$2)) || misuse "--next cannot be combined with --netns: a container's stage is at tc"
	[[ $LAT_MODE != none ]] || misuse "--next cannot be combined with --mode none: it runs after ours in XDP"
	[[ -n $LAT_MODE ]] || ((!(DEV_FLAGS & HM_DEV_NOXDP))) ||
		die "$1 is measured from tc on: --next needs --mode native or generic"
}

# lat_next DEV: chains the user's program after ours, or removes it
lat_next() {
	local OUT why='' sections=(prog xdp xdp.frags) section kind now=${XDP_SEC[1]:-prog} old
	[[ -n $LAT_NEXT ]] || return 0
	lat_next_keep
	old=$NEXT_MAP
	if [[ $LAT_NEXT == none ]]; then
		[[ -z $old ]] || slot_empty "$old" "$IFINDEX"
		return
	fi
	[[ $now != xdp.frags ]] || sections=(xdp.frags prog xdp)
	[[ -z $LAT_NEXT_SECTION ]] || sections=("$LAT_NEXT_SECTION")
	for section in "${sections[@]}"; do
		# (to libbpf, xdp/NAME is as unknown as prog)
		kind=$section
		[[ -n ${NEXT_MAPS[$kind]:-} ]] || kind=prog
		graft "${NEXT_MAPS[$kind]}" "$IFINDEX" "$LAT_NEXT" "$section" || {
			[[ $OUT != *' PROG LOAD LOG '* ]] || failed "$OUT" "--next: $LAT_NEXT:$section"
			why=${why:-$OUT}
			continue
		}
		((DRY_RUN)) || [[ $kind == "$now" ]] || xdp_section "$1" latency "$kind"
		[[ -z $old || $old == "${NEXT_MAPS[$kind]}" ]] || slot_empty "$old" "$IFINDEX"
		return
	done
	printf -v section '%s, ' "${sections[@]}"
	failed "$why" "--next: $LAT_NEXT has no program in section ${section%, } that can be loaded"
}

# lat_next_keep: the program after ours is restored if we fail. Until then a pin holds it, in a
# directory that leftovers_remove removes. It is in NEXT_MAP.
lat_next_keep() {
	local pin=$PINS/_next/prog
	slot_next "$IFINDEX"
	[[ -n $NEXT_ID ]] || return 0
	run mkdir -p "${pin%/*}"
	defer rm -rf "${pin%/*}"
	run "$BPFTOOL" prog pin id "$NEXT_ID" "$pin"
	bytes 4 "$IFINDEX"
	defer "$BPFTOOL" map update pinned "$GLOBALS/$NEXT_MAP" key hex "${BYTES[@]}" value pinned "$pin"
}

# latency_detach DEV: the device or its namespace may be gone
latency_detach() {
	local others
	ipt_commands all
	if ((DEV_ALIVE)); then
		((DEV_FLAGS & HM_DEV_NETNS)) || xdp_detach "$1" latency_xdp
		tc_detach "$1" latency_tc
	fi
	((!(DEV_FLAGS & HM_DEV_NETNS))) || return 0
	# in other namespaces, rules that are not in the registry are not ours: we do not look for them
	[[ -z $NETNS ]] || ((DEV_FEATURES & HM_FEAT_latency)) || return 0
	dev_others "$HM_FEAT_latency"
	others=$'\n'$OTHERS
	# the slot belongs to an ifindex, in any namespace: it may be another device's
	[[ $others =~ $'\n'[0-9]+" $DEV_IFINDEX " ]] || slot_clear "$DEV_IFINDEX"
	((!NETNS_GONE)) || return 0
	if [[ $others == *$'\n'"$DEV_INODE "* ]]; then
		lat_jumps_remove "$DEV_NAME"
		[[ $DEV_NAME == "$1" ]] || lat_jumps_remove "$1"
	else
		# (which removes the jumps as well)
		ipt_remove raw PREROUTING "$LAT_CHAIN" "$LAT_PINS/latency_raw"
		ipt_remove filter INPUT "$LAT_CHAIN" "$LAT_PINS/latency_input"
	fi
}

# latency_status DEV: everything except the device's own hooks
latency_status() {
	local ipt where='' id
	map_value lat_cfg
	((DEV_FLAGS & HM_DEV_NETNS)) || {
		ipt_commands
		for ipt in "${IPT[@]}"; do
			in_netns "$ipt" -w -t filter -C INPUT -i "$1" -j "$LAT_CHAIN" 2>/dev/null && where+="${where:+, }$ipt"
		done
		[[ -z $where ]] || printf '  iptables raw PREROUTING and filter INPUT, chain %s (%s)\n' "$LAT_CHAIN" "$where"
	}
	((!DEV_ALIVE || DEV_FLAGS & (HM_DEV_NETNS | HM_DEV_NOXDP | HM_DEV_GENERIC))) || ! lat_rps "$1" || printf '  xdp      %s\n' "$LAT_RPS"
	[[ -d $LAT_PINS ]] || printf '  latency  is not complete: %s again, or detach it\n' "$(typed attach.sh "$1" latency)"
	! prog_look pinned "$LAT_PINS/latency_socket" || printf '  socket   cgroup/skb ingress, latency_socket id %s\n' "$PROG_ID"
	[[ ! -e $LAT_PINS/latency_app ]] || printf '  app      tracepoint skb_copy_datagram_iovec\n'
	[[ ! -e $LAT_PINS/latency_udp ]] || printf '  app      fentry skb_consume_udp, skb_splice_bits\n'
	id=$(field_num lat_cfg.sample)
	printf '  measures 1 packet in %s%s%s\n' "$((id ? id : 1))" \
		"$( (($(field_num lat_cfg.flags) & LAT_F_FILTER)) && printf ' of those that match the filter')" \
		"$( (($(field_num lat_cfg.flags) & LAT_F_INPACKET)) && printf ', with stamps in UDP payloads')"
}
