# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# registry.sh - what is attached where: map hm_dev, by namespace and ifindex, and
# map hm_netns, the namespaces' names by nsid. Needed to clean up behind a device
# or a namespace that has vanished, and by the reader for names.

# dev_find DEV: the entry of a device in $NETNS_INODE, by IFINDEX or, if that is
# empty because the device is gone, by the name that it had. Sets DEV_INODE,
# DEV_IFINDEX, DEV_FEATURES, DEV_FLAGS, DEV_NSID, DEV_PREF, DEV_NAME. False if none.
dev_find() {
	local line list
	list=$(dev_list) || exit 1
	line=$(awk -v inode="$NETNS_INODE" -v index_="$IFINDEX" -v name="$1" \
		'$1 == inode && (index_ != "" ? $2 == index_ : $7 == name)' <<<"$list" | tail -n 1)
	[[ -n $line ]] || return 1
	dev_read "$line"
}

# dev_others FEATURE: the lines of dev_list that have the feature bit, without DEV_*
dev_others() {
	local list inode ifindex features rest
	list=$(dev_list) || exit 1
	while read -r inode ifindex features rest; do
		((features & $1)) && [[ "$inode $ifindex" != "$DEV_INODE $DEV_IFINDEX" ]] || continue
		printf '%s\n' "$inode $ifindex $features $rest"
	done <<<"$list"
}

# dev_read LINE: DEV_* from a line of dev_list
dev_read() {
	read -r DEV_INODE DEV_IFINDEX DEV_FEATURES DEV_FLAGS DEV_NSID DEV_PREF DEV_NAME <<<"$1"
}

# dev_unknown DEV: DEV_* of a device that has no entry
dev_unknown() {
	DEV_INODE=$NETNS_INODE DEV_IFINDEX=${IFINDEX:-0} DEV_NAME=$1
	DEV_FEATURES=0 DEV_FLAGS=0 DEV_NSID=0 DEV_PREF=0
}

# dev_host: DEV_* of what is attached to the host as a whole
dev_host() {
	NETNS_INODE=0 IFINDEX=0
	dev_find host || dev_unknown host
}

# netns_gone NAME: NETNS_INODE becomes that of a namespace of this name which has
# vanished while devices in it were attached. False if there is none.
netns_gone() {
	local list id inode name
	list=$(netns_list) || exit 1
	NETNS_INODE=
	while read -r id inode name; do
		[[ $name != "${1:0:55}" ]] || NETNS_INODE=$inode
	done <<<"$list"
	[[ -n $NETNS_INODE ]]
}

# netns_holders: a line "inode file" for each name, mount and process that has a network
# namespace; on stderr, what cannot be asked
netns_holders() {
	{
		stat -L -c '%i %n' /run/netns/*
		sed -n 's/^[^ ]* [^ ]* [^ ]* net:\[\([0-9]*\)\] \([^ ]*\) .*/\1 \2/p' /proc/self/mountinfo
		stat -L -c '%i %n' /proc/[0-9]*/ns/net
	} || true
}

# netns_vanished INODE: nothing has this namespace. Not so, too, if there is a process that we
# may not ask; of PID 1 it is known: nobody attaches to it from outside.
netns_vanished() {
	local out
	[[ -d /proc/1 ]] || return 1 # hidepid
	out=$(netns_holders 2>&1 | grep -v "'/proc/1/ns/net'")
	[[ $'\n'$out != *$'\n'"$1 "* && $out != *'Permission denied'* ]]
}

# netns_file INODE: a file of this namespace, for use_netns. Empty if none is found.
netns_file() {
	local inode file list
	list=$(netns_holders 2>/dev/null)
	while read -r inode file; do
		[[ $inode == "$1" ]] || continue
		printf '%s' "$file"
		return
	done <<<"$list"
}

# dev_list: a line "inode ifindex features flags nsid pref name" a device
dev_list() {
	# shellcheck disable=SC2016
	map_dump hm_dev | jq_bytes '.[] | [(.key | u(0; 8), u(8; 4)), (.value | u($features; 4),
		u($flags; 4), u($nsid; 4), u($pref; 4), s($name; 16))] | map(tostring) | join(" ")' \
		--argjson features "$HM_OFF_hm_dev_features" --argjson flags "$HM_OFF_hm_dev_flags" \
		--argjson nsid "$HM_OFF_hm_dev_nsid" --argjson pref "$HM_OFF_hm_dev_pref" \
		--argjson name "$HM_OFF_hm_dev_name"
}

dev_key() { # INODE IFINDEX
	value_new 16
	value_set 0 8 "$1"
	value_set 8 4 "$2"
	DEV_KEY=("${VALUE[@]}")
}

# dev_intend FLAGS FEATURE...: what is about to be attached, and how, is written down
# before the first change, and undone with it: if we are killed, detach knows where to look
dev_intend() {
	local feature
	defer dev_restore "$DEV_INODE $DEV_IFINDEX $DEV_FEATURES $DEV_FLAGS $DEV_NSID $DEV_PREF $DEV_NAME"
	DEV_FLAGS=$((DEV_FLAGS | $1))
	for feature in "${@:2}"; do
		feature_bit "$feature"
		DEV_FEATURES=$((DEV_FEATURES | BIT))
	done
	dev_put
}

dev_restore() { # LINE
	dev_read "$1"
	dev_put
}

# dev_flag FLAG: sets it, and writes that down before what it stands for is done
dev_flag() {
	((!(DEV_FLAGS & $1))) || return 0
	DEV_FLAGS=$((DEV_FLAGS | $1))
	dev_put
}

# dev_put: writes DEV_* back, or deletes the entry if no feature is left
dev_put() {
	if ((!DEV_FEATURES)); then
		dev_delete
		return
	fi
	dev_key "$DEV_INODE" "$DEV_IFINDEX"
	map_shape hm_dev
	value_new "$VALUE_SIZE"
	value_set "$HM_OFF_hm_dev_features" 4 "$DEV_FEATURES"
	value_set "$HM_OFF_hm_dev_flags" 4 "$DEV_FLAGS"
	value_set "$HM_OFF_hm_dev_nsid" 4 "$DEV_NSID"
	value_set "$HM_OFF_hm_dev_pref" 4 "$DEV_PREF"
	value_str "$HM_OFF_hm_dev_name" 16 "$DEV_NAME"
	map_put hm_dev "${DEV_KEY[@]}" -- "$DEV_NAME: $MAP_ENTRIES devices are attached, which is the limit: detach some"
}

dev_delete() {
	[[ -e $GLOBALS/hm_dev ]] || return 0
	dev_key "$DEV_INODE" "$DEV_IFINDEX"
	try "$BPFTOOL" map delete pinned "$GLOBALS/hm_dev" key hex "${DEV_KEY[@]}" || true
}

# netns_list: a line "nsid inode name" a namespace ("-" without a name)
netns_list() {
	# shellcheck disable=SC2016
	map_dump hm_netns | jq_bytes '.[] | [(.key | u(0; 4)), (.value | u(0; 8)), (.value | s($at; 56))] | "\(.[0]) \(.[1]) \(if .[2] == "" then "-" else .[2] end)"' \
		--argjson at "$HM_OFF_hm_netns_name"
}

# The name of the current namespace, for people: in /run/netns, if it is there.
netns_name() {
	[[ -n $NETNS && $NETNS != */* ]] && {
		printf '%s' "$NETNS"
		return
	}
	stat -L -c '%i %n' /run/netns/* 2>/dev/null | sed -n "s|^$NETNS_INODE /run/netns/||p" | head -n 1 || true
}

# netns_id: the nsid of the current namespace, in DEV_NSID; a new one if need be
netns_id() {
	local id inode name now used list
	list=$(netns_list) || exit 1
	while read -r id inode name; do
		[[ $inode == "$NETNS_INODE" ]] || continue
		DEV_NSID=$id
		# the kernel gives the number of one that has gone to a new one
		now=$(netns_name)
		[[ -z $now || $name == "${now:0:55}" ]] || netns_put "$now"
		return
	done <<<"$list"
	used=" $(cut -d' ' -f1 <<<"$list" | tr '\n' ' ')"
	for ((DEV_NSID = 1; DEV_NSID < HM_NETNS; DEV_NSID++)); do
		[[ $used == *" $DEV_NSID "* ]] || break
	done
	((DEV_NSID < HM_NETNS)) || die "$((HM_NETNS - 1)) network namespaces were measured since the first attach, which is the limit: detach all devices once"
	netns_put "$(netns_name)"
}

# netns_put NAME: of the current namespace, whose number is DEV_NSID
netns_put() {
	map_shape hm_netns
	value_new "$VALUE_SIZE"
	value_set "$HM_OFF_hm_netns_netns" 8 "$NETNS_INODE"
	value_str "$HM_OFF_hm_netns_name" 56 "$1"
	bytes 4 "$DEV_NSID"
	map_set hm_netns "${BYTES[@]}" -- "${VALUE[@]}"
}
