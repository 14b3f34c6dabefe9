# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# path.sh - the feature path: where packets go, over devices and network namespaces.

# shellcheck source=scripts/lib/condition.sh
. "$HM_SCRIPTS/lib/condition.sh"
# without fexit, packets that rules drop are seen, but not those that they accept
host_feature path path_queue path_xmit path_rx path_gro path_receive path_read path_drop <<'EOF'
path (of the host): the path of packets across devices and network namespaces
  --match CONDITION  follow only matching IP packets, also inside vxlan (UDP port "vxlan
                    N", 4789); default: echo; "any": every packet
EOF
PATH_MATCH='' PATH_MATCH_SET=0

path_option() {
	[[ $1 == --match ]] || return 1
	PATH_MATCH=$2 PATH_MATCH_SET=1
	# a typing error is found before anything else
	path_match "$2"
}

# path_match TEXT: VALUE becomes a path_cfg
path_match() {
	local words rest=() i
	struct_new path_cfg
	read -ra words <<<"$1"
	((${#words[@]})) || misuse "--match needs a filter, or \"any\" or \"echo\""
	for ((i = 0; i < ${#words[@]}; i++)); do
		if [[ ${words[i]} != vxlan ]]; then
			rest+=("${words[i]}")
			continue
		fi
		number '--match: vxlan' "${words[++i]:-}" 1 65535
		field path_cfg.vxlan_port "$NUMBER"
	done
	condition --match ethertype "${rest[@]}"
	field path_cfg.match "${CONDITION[@]}"
	field path_cfg.flags "$PATH_F_SET"
}

path_before() {
	cgroup_find
	((PATH_MATCH_SET)) || return 0
	path_match "$PATH_MATCH"
	maps_create path "${MAPS[@]}"
	map_write path_cfg 0
}

path_after() {
	local new=''
	[[ -n $CGROUP ]] || {
		warn "no cgroup v2 is mounted: the hop \"socket\" is not seen"
		return 0
	}
	if [[ ! -e $PINS/path/path_socket ]]; then
		object kern/path_socket.o
		map_options path_cfg path_stat path_mark path_ring
		run "$BPFTOOL" -n prog load "$OBJECT" "$PINS/path/path_socket" "${MAP_OPTIONS[@]}"
		defer rm -f "$PINS/path/path_socket"
		new=1
	fi
	cgroup_attach "$CGROUP" "$PINS/path/path_socket" "$new"
}

path_unshare() {
	cgroup_detach "$PINS/path/path_socket"
	host_unshare path
}
