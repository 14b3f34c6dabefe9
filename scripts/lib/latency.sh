# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# latency.sh - the feature latency: its stages on one device (XDP, tc, iptables), in
# a container (tc), and on the host (socket, application); its settings.

LAT_MAPS=(lat_cfg lat_stat lat_stamp lat_hist xdp_next)
LAT_CHAIN=hookmap-latency
LAT_PINS=$PINS/latency

# What attach.sh was asked for; empty: leave it as it is
LAT_SAMPLE=
LAT_FILTER=
LAT_FILTER_SET=0
LAT_INPACKET=

# --- settings

# lat_cfg_read: the present value of lat_cfg in VALUE; zeros if it is not there
lat_cfg_read() {
	local raw
	map_shape lat_cfg
	raw=$(map_dump lat_cfg | jq -r '.[0].value // [] | .[] | ltrimstr("0x")')
	if [[ -n $raw ]]; then
		mapfile -t VALUE <<<"$raw"
	else
		value_new "$VALUE_SIZE"
	fi
}

lat_number() { # OPTION TEXT MIN MAX
	[[ $2 =~ ^[0-9]{1,10}$ ]] && ((10#$2 >= $3 && 10#$2 <= $4)) ||
		misuse "$1 $2: expected a number from $3 to $4"
	NUMBER=$((10#$2))
}

# lat_prefix TEXT: FAMILY (4 or 6), ADDRESS and MASK as 16 bytes in network order
lat_prefix() {
	local text=${1%/*} bits part i n
	ADDRESS=() MASK=()
	if [[ $text =~ ^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$ ]]; then
		FAMILY=4 n=4
		for part in "${BASH_REMATCH[@]:1}"; do
			((10#$part <= 255)) || return 1
			ADDRESS+=("$(printf '%02x' "$((10#$part))")")
		done
	elif [[ $text =~ ^[0-9A-Fa-f:]+$ && $text == *:* ]]; then
		FAMILY=6 n=16
		ip6_bytes "$text" || return 1
	else
		return 1
	fi
	bits=$((n * 8))
	if [[ $1 == */* ]]; then
		[[ ${1#*/} =~ ^[0-9]{1,3}$ ]] && ((10#${1#*/} <= bits)) || return 1
		bits=$((10#${1#*/}))
	fi
	for ((i = 0; i < 16; i++)); do
		((i < n)) || ADDRESS[i]=00
		part=$((bits - i * 8))
		((part < 0)) && part=0
		((part > 8)) && part=8
		MASK+=("$(printf '%02x' $((256 - (1 << (8 - part)))))")
	done
}

# ip6_bytes TEXT: ADDRESS as 16 bytes
ip6_bytes() {
	local left right word words=() tail=()
	left=$1 right=
	if [[ $1 == *::* ]]; then
		left=${1%%::*} right=${1#*::}
		[[ $right != *::* ]] || return 1
	fi
	IFS=: read -ra words <<<"$left"
	IFS=: read -ra tail <<<"$right"
	if [[ $1 == *::* ]]; then
		((${#words[@]} + ${#tail[@]} <= 7)) || return 1
		while ((${#words[@]} + ${#tail[@]} < 8)); do words+=(0); done
	fi
	words+=("${tail[@]}")
	((${#words[@]} == 8)) || return 1
	for word in "${words[@]}"; do
		[[ $word =~ ^[0-9A-Fa-f]{1,4}$ ]] || return 1
		word=$(printf '%04x' "$((16#$word))")
		ADDRESS+=("${word:0:2}" "${word:2:2}")
	done
}

# lat_filter_parse TEXT: checks a filter, in words as in tcpdump:
#   dev NAME  proto tcp|udp|icmp|icmp6|NUMBER  port|sport|dport N  src|dst PREFIX
# and puts it into VALUE (a lat_cfg); empty or "none" takes the filter away.
lat_filter_parse() {
	local words key arg i flags=0
	read -ra words <<<"$1"
	[[ ${words[*]} != none ]] || words=()
	for ((i = HM_OFF_lat_cfg_sport; i < HM_OFF_lat_cfg_l4proto + 3; i++)); do VALUE[i]=00; done
	for ((i = HM_OFF_lat_cfg_src; i < HM_OFF_lat_cfg_dst_mask + 16; i++)); do VALUE[i]=00; done
	value_set "$HM_OFF_lat_cfg_ifindex" 4 0
	for ((i = 0; i < ${#words[@]}; i += 2)); do
		key=${words[i]}
		arg=${words[i + 1]:-}
		[[ -n $arg ]] || misuse "--filter: $key needs a value"
		case $key in
		dev)
			local index
			index=$(ip -j link show dev "$arg" 2>/dev/null | jq -r '.[0].ifindex') || index=
			[[ -n $index ]] || die "--filter: no device $arg"
			value_set "$HM_OFF_lat_cfg_ifindex" 4 "$index"
			;;
		proto)
			case $arg in
			tcp) arg=6 ;;
			udp) arg=17 ;;
			icmp) arg=1 ;;
			icmp6) arg=58 ;;
			esac
			lat_number "--filter: proto" "$arg" 1 255
			value_set "$HM_OFF_lat_cfg_l4proto" 1 "$NUMBER"
			;;
		port | sport | dport)
			lat_number "--filter: $key" "$arg" 1 65535
			local at=HM_OFF_lat_cfg_$key
			value_be16 "${!at}" "$NUMBER"
			;;
		src | dst)
			lat_prefix "$arg" || misuse "--filter: $key $arg: expected an IPv4 or IPv6 prefix"
			local family=HM_OFF_lat_cfg_${key}_family at=HM_OFF_lat_cfg_$key mask=HM_OFF_lat_cfg_${key}_mask
			value_set "${!family}" 1 "$FAMILY"
			value_raw "${!at}" "${ADDRESS[@]}"
			value_raw "${!mask}" "${MASK[@]}"
			;;
		*) misuse "--filter: unknown word $key (dev, proto, port, sport, dport, src, dst)" ;;
		esac
		flags=$LAT_F_FILTER
	done
	lat_flag "$LAT_F_FILTER" "$flags"
}

# lat_flag FLAG ON: sets or clears a flag in VALUE
lat_flag() {
	local old
	old=$(value_u32 "$HM_OFF_lat_cfg_flags")
	value_set "$HM_OFF_lat_cfg_flags" 4 $(((old & ~$1) | ($2 ? $1 : 0)))
}

# lat_cfg_change: VALUE becomes what is in force with what was asked for on top
lat_cfg_change() {
	local cpus shift=16
	lat_cfg_read
	cpus=$(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1))
	while ((1 << (16 - shift) < cpus && shift > 4)); do shift=$((shift - 1)); done
	value_set "$HM_OFF_lat_cfg_shift" 4 $((shift > 15 ? 15 : shift))
	[[ -z $LAT_SAMPLE ]] || value_set "$HM_OFF_lat_cfg_sample" 4 "$LAT_SAMPLE"
	((LAT_FILTER_SET)) && lat_filter_parse "$LAT_FILTER"
	case $LAT_INPACKET in
	'') ;;
	off) lat_flag "$LAT_F_INPACKET" 0 ;;
	*)
		value_be16 "$HM_OFF_lat_cfg_inpacket_port" "$LAT_INPACKET"
		lat_flag "$LAT_F_INPACKET" 1
		;;
	esac
	LAT_VALUE=("${VALUE[@]}")
}

# --- the host's stages, shared by all devices

lat_cgroup() {
	LAT_CGROUP=${HOOKMAP_CGROUP:-$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)}
	[[ -z $LAT_CGROUP || -d $LAT_CGROUP ]] || die "HOOKMAP_CGROUP $LAT_CGROUP is not there"
}

lat_socket_id() {
	"$BPFTOOL" -j prog show pinned "$LAT_PINS/latency_socket" 2>/dev/null | jq -r .id
}

# bpf_load DIR OBJECT WORD...: all programs of an object into DIR, which is there
# already. Links of autoattach land there too.
bpf_load() {
	local dir=$1 object=$2
	shift 2
	run mkdir -p "$dir"
	run "$BPFTOOL" -n prog loadall "$object" "$dir" "$@"
}

# is_link PIN: autoattach falls back to pinning the program, with rc 0, when it cannot
# attach. (bpftool prints a link that there is, and exits with 255.)
is_link() {
	[[ $("$BPFTOOL" -j link show pinned "$1" 2>/dev/null) == *'"id"'* ]]
}

# lat_shared: loads and attaches what is not there yet
lat_shared() {
	local id staging=$PINS/.latency.$$
	staging=${staging//./_}
	[[ -d $LAT_PINS ]] && return
	run mkdir -p "$PINS"
	defer rmdir "$PINS"
	defer rm -rf "$staging"
	map_options lat_stat lat_stamp lat_hist
	object iptables/latency.o
	bpf_load "$staging" "$OBJECT" type socket "${MAP_OPTIONS[@]}"
	object kern/latency.o
	bpf_load "$staging" "$OBJECT" "${MAP_OPTIONS[@]}" autoattach
	((DRY_RUN)) || is_link "$staging/latency_app" ||
		die "program latency_app could not be attached: does the kernel have the tracepoint skb_copy_datagram_iovec?"
	object kern/latency_fentry.o
	# fentry is not in every kernel; without it, linear UDP has no application stage
	try "$BPFTOOL" -n prog loadall "$OBJECT" "$staging" "${MAP_OPTIONS[@]}" autoattach || true
	((DRY_RUN)) || is_link "$staging/latency_udp" || rm -f "$staging/latency_udp"
	run mv "$staging" "$LAT_PINS"
	defer rm -rf "$LAT_PINS"
	if [[ -n $LAT_CGROUP ]]; then
		run "$BPFTOOL" cgroup attach "$LAT_CGROUP" ingress pinned "$LAT_PINS/latency_socket" multi
		defer "$BPFTOOL" cgroup detach "$LAT_CGROUP" ingress pinned "$LAT_PINS/latency_socket"
	else
		warn "no cgroup v2 is mounted: the stage socket is not measured"
	fi
}

# lat_unshare: the other way round
lat_unshare() {
	local id cgroup pin
	if [[ -d $LAT_PINS ]]; then
		id=$(lat_socket_id)
		if [[ -n $id ]]; then
			while read -r cgroup; do
				[[ -n $cgroup ]] || continue
				run "$BPFTOOL" cgroup detach "$cgroup" ingress pinned "$LAT_PINS/latency_socket"
			done <<<"$("$BPFTOOL" -j cgroup tree 2>/dev/null | jq -r --argjson id "$id" \
				'.[] | select(any(.programs[]?; .id == $id)) | .cgroup')"
		fi
		run rm -rf "$LAT_PINS"
	fi
	if lat_in_use; then
		warn "kept the maps in $GLOBALS: programs that were attached by hand use them ($LAT_USERS)"
		return
	fi
	for pin in "${LAT_MAPS[@]}" hm_dev hm_netns; do
		[[ ! -e $GLOBALS/$pin ]] || run rm -f "$GLOBALS/$pin"
	done
	[[ ! -d $PINS ]] || try rmdir "$PINS"
	return 0
}

# lat_in_use: some program still uses our maps; LAT_USERS says which. What was just
# detached needs a moment to go.
lat_in_use() {
	local id i
	((!DRY_RUN)) && [[ -e $GLOBALS/lat_stat ]] || return 1
	id=$("$BPFTOOL" -j map show pinned "$GLOBALS/lat_stat" 2>/dev/null | jq -r .id) || return 1
	for ((i = 0; i < 20; i++)); do
		LAT_USERS=$("$BPFTOOL" -j prog show | jq -r --argjson id "$id" \
			'[.[] | select(.map_ids // [] | index($id)) | "\(.name) id \(.id)"] | join(", ")')
		[[ -n $LAT_USERS ]] || return 1
		sleep 0.05
	done
}

# --- one device

latency_attach() { # DEV
	local name flags=0 class=0 container=0
	[[ -z $NETNS ]] || container=1
	lat_cgroup
	ipt_commands
	object xdp/latency.o
	local xdp=$OBJECT
	object tc/latency.o
	local tc=$OBJECT
	lat_cfg_change

	# everything that can be refused is refused before the first change
	for name in "${LAT_MAPS[@]}" hm_dev hm_netns; do
		map_check "$name" || defer rm -f "$GLOBALS/$name"
	done
	if dev_find "$1"; then
		flags=$DEV_FLAGS
		[[ -n $TC_PREF_WANTED ]] || TC_PREF_WANTED=$DEV_PREF
	else
		DEV_FEATURES=0
	fi
	((!container)) || [[ -z $XDP_MODE_WANTED ]] || misuse "--mode does not go with --netns: a container's stage is at tc"
	((IFINDEX < HM_XDP_NEXT)) || ((container)) ||
		die "$1 has ifindex $IFINDEX, and xdp_next ends at $((HM_XDP_NEXT - 1)): no program can be chained behind ours"

	[[ -d $GLOBALS ]] || run mkdir -p "$GLOBALS"
	map_create hm_dev
	map_create hm_netns
	netns_id
	class=$NSID

	if ((container)); then
		class=$((class | LAT_CLASS_CONTAINER))
		flags=$((flags | HM_DEV_NETNS))
	elif [[ $XDP_MODE_WANTED == none ]]; then
		xdp_detach "$1" latency_xdp
		class=$((class | LAT_CLASS_START))
		flags=$(((flags | HM_DEV_NOXDP) & ~HM_DEV_GENERIC))
	elif [[ -z $XDP_MODE_WANTED ]] && ((flags & HM_DEV_NOXDP)); then
		class=$((class | LAT_CLASS_START))
	else
		xdp_attach "$1" "$xdp" latency_xdp "$XDP_MODE_WANTED"
		flags=$((flags & ~(HM_DEV_NOXDP | HM_DEV_GENERIC)))
		[[ $XDP_MODE != generic ]] || flags=$((flags | HM_DEV_GENERIC))
		lat_next "$1"
	fi
	tc_qdisc "$1"
	((!TC_MADE)) || flags=$((flags | HM_DEV_QDISC))
	tc_attach "$1" "$tc" latency_tc "${TC_PREF_WANTED:-1}" "$(printf '%x' "$class")"
	lat_shared
	if ((!container)); then
		if ((${#IPT[@]})); then
			ipt_attach raw PREROUTING "$LAT_CHAIN" "$1" "$LAT_PINS/latency_raw"
			ipt_attach filter INPUT "$LAT_CHAIN" "$1" "$LAT_PINS/latency_input"
		else
			warn "iptables is not installed: the stages prerouting and input are not measured"
		fi
	fi
	dev_put "$NETNS_INODE" "$IFINDEX" "$1" $((DEV_FEATURES | HM_FEAT_LATENCY)) "$flags" "$NSID" "$TC_PREF"
	bytes 4 0
	map_set lat_cfg "${BYTES[@]}" -- "${LAT_VALUE[@]}"
}

# lat_next DEV: chains the user's program behind ours, or takes it away
lat_next() {
	[[ -n $XDP_NEXT ]] || return 0
	if [[ $XDP_NEXT == none ]]; then
		lat_next_clear "$IFINDEX"
		return
	fi
	run tc exec bpf graft m:globals/xdp_next key "$IFINDEX" obj "$XDP_NEXT" type xdp sec "$XDP_NEXT_SEC"
	bytes 4 "$IFINDEX"
	defer "$BPFTOOL" map delete pinned "$GLOBALS/xdp_next" key hex "${BYTES[@]}"
}

lat_next_clear() { # IFINDEX
	[[ -e $GLOBALS/xdp_next ]] || return 0
	bytes 4 "$1"
	try "$BPFTOOL" map delete pinned "$GLOBALS/xdp_next" key hex "${BYTES[@]}" || true
}

# latency_detach DEV: the device or its namespace may be gone. DEV_* are of dev_find
# or dev_unknown; DEV_ALIVE and NETNS_GONE say what is left of it.
latency_detach() {
	local others
	ipt_commands
	if ((DEV_ALIVE)); then
		((DEV_FLAGS & HM_DEV_NETNS)) || xdp_detach "$1" latency_xdp
		tc_detach "$1" latency_tc $((DEV_FLAGS & HM_DEV_QDISC ? 1 : 0))
	fi
	if ((!(DEV_FLAGS & HM_DEV_NETNS))); then
		((NETNS_GONE)) || ipt_detach raw PREROUTING "$LAT_CHAIN" "$DEV_NAME"
		((NETNS_GONE)) || ipt_detach filter INPUT "$LAT_CHAIN" "$DEV_NAME"
		lat_next_clear "$DEV_IFINDEX"
	fi
	others=$(dev_list | awk -v inode="$DEV_INODE" -v index_="$DEV_IFINDEX" '!($1 == inode && $2 == index_)')
	((!DEV_FEATURES)) || dev_delete "$DEV_INODE" "$DEV_IFINDEX"
	if ((!NETNS_GONE)) && ! grep -q "^$DEV_INODE " <<<"$others"; then
		ipt_remove raw PREROUTING "$LAT_CHAIN" "$LAT_PINS/latency_raw"
		ipt_remove filter INPUT "$LAT_CHAIN" "$LAT_PINS/latency_input"
	fi
	[[ -n $others ]] || lat_unshare
}
