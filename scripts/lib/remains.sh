# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# remains.sh - programs of ours on devices that the registry does not know: on a device that was
# moved to another network namespace or attached by hand, or of a version whose pins have another
# shape. A program is ours if it has one of our names and uses one of our maps.

# remains_progs [TYPE]: one line "id type map,map..." per program of ours
remains_progs() {
	local ids names="${FEATURES_KNOWN[*]} l2_mirror"
	pins_known
	ids=${PIN_ID[*]}
	[[ -n $ids ]] || return 0
	bpftool -j prog show | jq -r --argjson ids "[${ids// /,}]" --arg names "^(${names// /|})_" --arg type "${1:-}" '.[]
		| select((.name // "" | test($names)) and any(.map_ids // [] | .[]; IN($ids[])) and (.type == $type or $type == ""))
		| "\(.id) \(.type) \(.map_ids | join(","))"' || die "bpftool prog show failed"
}

# remains_devices IDS: one line "dev file" for each device, in any network namespace, with one of
# these programs (separated by commas)
remains_devices() {
	local inode file seen=' '
	while read -r inode && IFS= read -rd '' file; do
		[[ $seen != *" $inode "* ]] && use_netns "$file" && [[ $NETNS_INODE == "$inode" ]] || continue
		seen+="$inode "
		# shellcheck disable=SC2016
		in_netns "$BPFTOOL" -j net show 2>/dev/null | json_escaped | jq -r --argjson ids "[$1]" --arg file "$(carried "$file")" \
			'[.[] | (.xdp[]?, .tc[]?) | select((.id // .prog_id) | IN($ids[])) | .devname] | unique[] | "\(.) \($file)"' | as_named ||
			warn "cannot list what is attached in network namespace $file"
	done < <(
		printf '%s\n/proc/self/ns/net\0' "$NETNS_INODE_OWN"
		netns_holders
		netns_kept
	)
}

# remains_off DEV IDS: detaches these programs from a device in $NETNS
remains_off() {
	local hook pref handle id rest list ours=0 others=''
	xdp_get "$1"
	[[ -z $XDP_ID || ,$2, != *",$XDP_ID,"* ]] || xdp_change "$1" "$(xdp_word "$XDP_MODE")" off
	for hook in ingress egress; do
		list=$(tc_filters "$1" "$hook") || die "$1: tc filter show failed: is the device gone?"
		while read -r pref handle id rest; do
			[[ -n $pref ]] || continue
			if [[ ,$2, == *",$id,"* ]]; then
				run "${NSCMD[@]}" tc filter del dev "$1" "$hook" pref "$pref" handle "$handle" bpf
				ours=1
			else
				others+=" $id"
			fi
		done <<<"$list"
	done
	# (its creator is not known)
	[[ $ours$others != 1 ]] || warn "$1: left its clsact qdisc, which has no filters now: $(command_text "${NSCMD[@]}" tc qdisc del dev "$1" clsact)"
}

# remains_follow NAME IFINDEX: a recorded device is no longer in its namespace. If it is in another
# one, under its number or its name, its XDP program went with it. (There can be thousands of
# namespaces and of vanished devices: all namespaces are searched once.) REMAINS_LEFT: names of
# devices whose program may be left on a device that has another name and number.
REMAINS_SEEN=0 REMAINS_LIST='' REMAINS_LEFT=''
remains_follow() {
	local ids id line file dev known others=()
	local NETNS='' NETNS_PATH NETNS_FILE NETNS_FD='' NETNS_INODE NSCMD IFINDEX='' IFNAME=''
	ids=$(remains_progs xdp | cut -d' ' -f1 | paste -sd,) || exit 1
	[[ -n $ids ]] || return 0
	((REMAINS_SEEN)) || REMAINS_LIST=$(remains_devices "$ids") || exit 1
	REMAINS_SEEN=1
	dev_list
	known=$(cut -d' ' -f1,2 <<<"$DEVS")
	while IFS= read -r line; do
		dev=${line%% *} file=${line#* }
		[[ -n $file ]] && use_netns "$file" && device_index "$dev" || continue
		! grep -xF "$NETNS_INODE $IFINDEX" <<<"$known" >/dev/null || continue
		# (it may be gone since)
		id=$(xdp_get "$dev" && printf '%s' "$XDP_ID") 2>/dev/null && [[ ,$ids, == *",${id:--},"* ]] || continue
		if [[ $IFINDEX == "$2" || $dev == "$1" ]]; then
			netns_words
			note "$1 is now $dev in network namespace $file: removing our program there"
			remains_off "$dev" "$ids"
			return
		fi
		others+=("$(typed detach.sh --netns "$file" "$dev")")
	done <<<"$REMAINS_LIST"
	((!${#others[@]})) || {
		REMAINS_LEFT+=" $1 "
		warn "$1 is not there any more. If it was moved and renamed, it still has our XDP program: ${others[*]}"
	}
}

# remains_pins IDS: where somebody has pinned these programs, one per line
remains_pins() {
	bpftool -f -j prog show | jq -r --argjson ids "[$1]" --arg ours "^$PINS/(${FEATURES_KNOWN[*]// /|})/" '.[]
		| select(.id | IN($ids[])) | .pinned[]? | select(test($ours) or test("[[:cntrl:]]") | not)' || die "bpftool prog show failed"
}

# remains_remove: removes everything of ours, wherever it is, of any version
remains_remove() {
	local progs ids list line file dev id type maps name names=() cgroup REMAINS_PINS=''
	pins_load
	progs=$(remains_progs) || exit 1
	ids=$(cut -d' ' -f1 <<<"$progs" | paste -sd,)
	list=''
	[[ -z $ids ]] || REMAINS_PINS=$(remains_pins "$ids") || exit 1
	[[ -z $ids ]] || list=$(remains_devices "$ids") || exit 1
	while IFS= read -r line; do
		dev=${line%% *} file=${line#* }
		[[ -n $file ]] && use_netns "$file" || continue
		netns_words
		note "$dev$([[ $NETNS_INODE == "$NETNS_INODE_OWN" ]] || printf ' in network namespace %s' "$file"): removing a program that is not in the registry"
		remains_off "$dev" "$ids"
		remains_iptables
	done <<<"$list"
	use_netns ''
	netns_words
	remains_iptables
	while read -r id type maps; do
		[[ $type == cgroup_skb ]] || continue
		list=$(cgroup_users "$id" tree) || exit 1
		while read -r cgroup; do
			[[ -z $cgroup ]] || run "$BPFTOOL" cgroup detach "$cgroup" ingress id "$id"
		done <<<"$list"
	done <<<"$progs"
	for name in "${FEATURES_KNOWN[@]}"; do
		[[ ! -d $PINS/$name ]] || run rm -rf "$PINS/$name"
	done
	while read -r file; do
		[[ -n $file && -e $file ]] || continue
		run rm -f "$file"
		[[ ${file%/*} != "$PINS"/* ]] || try rmdir "${file%/*}" || true
	done <<<"$REMAINS_PINS"
	# an older version has maps that this one does not know
	list=,$(cut -d' ' -f3 <<<"$progs" | paste -sd,),
	for file in "$GLOBALS"/*; do
		name=${file##*/}
		[[ -f $file ]] || continue
		if [[ " $HM_MAPS " != *" $name "* ]]; then
			id=$(bpftool -j map show pinned "$file" 2>/dev/null | jq -r '.id // empty') || id=
			[[ -n $id && $list == *",$id,"* ]] || continue
		fi
		names+=("$name")
	done
	maps_remove "${names[@]}"
	[[ -z $MAPS_USERS ]] ||
		die "kept the maps ${names[*]}: programs use them that are on no device, link, cgroup or rule in reach ($MAPS_USERS): end what holds their network namespace, and detach again"
}

remains_iptables() {
	ipt_commands all
	ipt_remove raw PREROUTING "$LAT_CHAIN" "$LAT_PINS/latency_raw"
	ipt_remove filter INPUT "$LAT_CHAIN" "$LAT_PINS/latency_input"
	[[ -z $REMAINS_PINS ]] || {
		remains_rules raw
		remains_rules filter
	}
}

# remains_rules TABLE: removes other people's rules that run a program of REMAINS_PINS, the last one
# of a chain first
remains_rules() {
	local ipt chain number rule
	for ipt in "${IPT[@]}"; do
		while read -r chain number rule; do
			[[ -n $chain ]] || continue
			note "removing a rule of $ipt that runs our program: $rule"
			run "${NSCMD[@]}" "$ipt" -w -t "$1" -D "$chain" "$number"
		done < <(in_netns "$ipt" -w -t "$1" -S 2>/dev/null | pins=$REMAINS_PINS awk '
			BEGIN { n = split(ENVIRON["pins"], list, "\n"); for (i = 1; i <= n; i++) ours[list[i]] = 1 }
			/^-A / {
				number[$2]++
				rule = $0
				gsub(/"([^"\\]|\\.)*"/, "x")
				for (i = 3; i < NF; i++) if ($i == "--object-pinned" && $(i + 1) in ours) found[++last] = $2 " " number[$2] " " rule
			}
			END { for (; last; last--) print found[last] }')
	done
}
