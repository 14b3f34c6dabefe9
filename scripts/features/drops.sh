# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# drops.sh - the feature drops of the host: every packet that the kernel or XDP loses.

host_feature drops drops_skb drops_exception drops_redirect drops_devmap drops_tx drops_cpumap drops_cpumap_run <<'EOF'
drops (of the host): packets lost in any layer, by reason, place, device, network
namespace and protocol
  --by WHAT       and by WHAT: none (default) smac dmac sip dip flow (addresses and
                    ports). Existing rows do not change.
  --samples N     keep the headers of N dropped packets per second and CPU for
                    hookmap drops --samples; "off" (default) keeps none
EOF

DROP_MAPS=(drop_cfg drop_stat drop_row drop_slot drop_over drop_xdp drop_xdp_slot drop_name drop_ring)
DROP_PINS=$PINS/drops
# Functions that free an skb because an XDP program said so, on kernels where the
# reason does not tell. The first is in a module on most kernels.
DROP_XDP_FUNCTIONS=(veth_xdp_rcv_skb do_xdp_generic netif_receive_generic_xdp bpf_prog_run_generic_xdp generic_xdp_tx)

DROP_BY='' DROP_SAMPLES=''

# drops_dimensions: the names of enum drop_by, in its order
drops_dimensions() {
	local name names=()
	for name in "${!DROP_BY_@}"; do
		[[ $name == DROP_BY_MAX ]] || names[${!name}]=${name#DROP_BY_}
	done
	printf '%s' "${names[*],,}"
}

drops_option() {
	local dimension
	case $1 in
	--by)
		dimension=DROP_BY_${2^^}
		[[ $2 =~ ^[a-z]+$ && -n ${!dimension:-} && $2 != max ]] || misuse "--by $2: expected $(drops_dimensions)"
		DROP_BY=${!dimension}
		;;
	--samples)
		DROP_SAMPLES=0
		[[ $2 == off ]] || {
			number "$1" "$2" 1 1000000
			DROP_SAMPLES=$NUMBER
		}
		;;
	*) return 1 ;;
	esac
}

# drops_ranges: where these functions are now, into VALUE (a drop_cfg). None if the kernel
# hides its addresses, or if the first is not there and may be loaded later, anywhere:
# then any place may be one.
drops_ranges() {
	local start end name n=0 ranges='' cfg list=()
	field drop_cfg.xdp
	cfg=("${VALUE[@]}")
	ranges=$(grep -E ' [tT] ' /proc/kallsyms 2>/dev/null | sort -k1,1 | awk -v want=" ${DROP_XDP_FUNCTIONS[*]} " '
		last != "" && $1 != last { print last, $1, of; last = "" }
		{ name = $3; sub(/\.(isra|constprop|part)\..*/, "", name) }
		index(want, " " name " ") { last = $1; of = name }')
	[[ $ranges == *" ${DROP_XDP_FUNCTIONS[0]}"* ]] || return 0
	while read -r start end name; do
		((16#$start && n++ < DROP_RANGES)) || continue
		struct_new drop_range
		field drop_range.start "$((16#$start))"
		field drop_range.end "$((16#$end))"
		list+=("${VALUE[@]}")
	done <<<"$ranges"
	VALUE=("${cfg[@]}")
	field drop_cfg.xdp "${list[@]}"
}

drops_load() {
	local program staging=$PINS/_drops
	defer rm -rf "$staging"
	map_options drop_cfg drop_stat drop_row drop_slot drop_over drop_ring xdp_verdict
	object kern/drops.o
	bpf_load "$staging" "$OBJECT" "${MAP_OPTIONS[@]}" autoattach
	map_options drop_stat drop_xdp drop_xdp_slot xdp_verdict
	object kern/drops_xdp.o
	bpf_load "$staging" "$OBJECT" "${MAP_OPTIONS[@]}" autoattach
	for program in ${HOST_PROGRAMS[drops]}; do
		((DRY_RUN)) || is_link "$staging/$program" ||
			die "program $program could not be attached: does the kernel have its tracepoint?"
	done
	run mv "$staging" "$DROP_PINS"
	defer rm -rf "$DROP_PINS"
}

drops_attach() {
	local fresh=0
	[[ -s /sys/kernel/btf/vmlinux ]] ||
		die "this kernel has no BTF (/sys/kernel/btf/vmlinux): drops needs CONFIG_DEBUG_INFO_BTF"
	object kern/drops.o
	object kern/drops_xdp.o
	maps_check "${DROP_MAPS[@]}" xdp_verdict
	pins_loaded drops drops_skb || fresh=1
	map_value drop_cfg
	drops_ranges
	[[ -z $DROP_BY ]] || field drop_cfg.by "$DROP_BY"
	[[ -z $DROP_SAMPLES ]] || field drop_cfg.sample_rate "$DROP_SAMPLES"
	local cfg=("${VALUE[@]}")
	maps_create drops "${DROP_MAPS[@]}" xdp_verdict
	VALUE=("${cfg[@]}")
	map_write drop_cfg 0
	((!fresh)) || drops_load
}

drops_unshare() {
	pins_remove drops
	maps_remove "${DROP_MAPS[@]}"
	drops_verdict_unshare
}

# xdp_verdict and xdp_home go with their last user: XDP programs of other features also have it
drops_verdict_unshare() {
	local users
	[[ -e $GLOBALS/xdp_verdict ]] || return 0
	pins_load
	users=$(bpftool -j prog show | jq --argjson id "${PIN_ID[xdp_verdict]}" \
		'any(.[]; (.map_ids // []) | index($id))')
	[[ $users == true ]] || run rm -f "$GLOBALS/xdp_verdict" "$GLOBALS/xdp_home"
}

drops_status() {
	local programs=("$DROP_PINS"/*)
	map_value drop_cfg
	printf '  tracing  %s (%s)\n' "kfree_skb and XDP tracepoints" "${#programs[@]} programs"
	printf '  by       %s\n' "$(drops_dimensions | cut -d ' ' -f $(($(field_num drop_cfg.by) + 1)))"
	printf '  samples  %s per second and CPU\n' "$(field_num drop_cfg.sample_rate)"
}
