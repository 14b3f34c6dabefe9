# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# registry.sh - records what is attached where: map hm_dev, by namespace and ifindex, and map
# hm_netns, the namespaces' names by nsid. Used to clean up after a device or a namespace has
# vanished, and by the reader for names.

# dev_find DEV: finds the entry of a device in $NETNS_INODE, by IFINDEX or, if that is
# empty because the device is gone, by its former name. Sets DEV_INODE,
# DEV_IFINDEX, DEV_FEATURES, DEV_FLAGS, DEV_NSID, DEV_PREF, DEV_NAME. False if none.
dev_find() {
	local line inode ifindex name found=''
	dev_list
	while IFS= read -r line; do
		read -r inode ifindex _ _ _ _ name <<<"$line"
		[[ $inode == "$NETNS_INODE" ]] || continue
		if [[ -n $IFINDEX ]]; then [[ $ifindex == "$IFINDEX" ]]; else [[ $name == "$1" ]]; fi && found=$line
	done <<<"$DEVS"
	[[ -n $found ]] || return 1
	dev_read "$found"
}

# dev_others FEATURE: the lines of dev_list with the feature bit, except DEV_*, in OTHERS
dev_others() {
	local inode ifindex features rest
	OTHERS=''
	dev_list
	while read -r inode ifindex features rest; do
		((features & $1)) && [[ "$inode $ifindex" != "$DEV_INODE $DEV_IFINDEX" ]] || continue
		OTHERS+="$inode $ifindex $features $rest"$'\n'
	done <<<"$DEVS"
}

# dev_elsewhere BIT WHY: dies if the feature is on a device of another network namespace
dev_elsewhere() {
	local inode nsid name netns OTHERS
	dev_others "$1"
	while read -r inode _ _ _ nsid _ name; do
		[[ -n $inode && $inode != "$NETNS_INODE" ]] || continue
		netns=$(netns_called 1 "$nsid")
		die "$2, and $name in network namespace $netns has it: $(typed detach.sh --netns "$netns" "$name") detaches it there"
	done <<<"$OTHERS"
}

# dev_read LINE: DEV_* from a line of dev_list
dev_read() {
	read -r DEV_INODE DEV_IFINDEX DEV_FEATURES DEV_FLAGS DEV_NSID DEV_PREF DEV_NAME <<<"$1"
}

# dev_named: the current name of the device of DEV_*, in IFNAME. False if it is gone.
dev_named() {
	IFINDEX=$DEV_IFINDEX
	IFNAME=$(device_name "$IFINDEX") || exit 1
	[[ -n $IFNAME ]] || return 1
	number_free
}

# dev_unknown DEV: DEV_* of a device that has no entry
dev_unknown() {
	DEV_INODE=$NETNS_INODE DEV_IFINDEX=${IFINDEX:-0} DEV_NAME=$1
	DEV_FEATURES=0 DEV_FLAGS=0 DEV_NSID=0 DEV_PREF=0
}

# dev_host: DEV_* for the features of the whole host
dev_host() {
	NETNS_INODE=0 IFINDEX=0
	dev_find host || dev_unknown host
}

# netns_gone NAME: sets NETNS_INODE to the inode of a namespace of this name that vanished while
# devices in it were attached. False if there is none.
netns_gone() {
	local id inode cookie name called=${1:0:55}
	called=${called//$'\n'/?}
	netns_list
	NETNS_INODE=
	while read -r id inode cookie name; do
		[[ $name != "$called" ]] || NETNS_INODE=$inode
	done <<<"$NAMESPACES"
	[[ -n $NETNS_INODE ]]
}

# netns_settle: the kernel reuses the inode of a deleted namespace. If the current one has such
# an inode, the entries of the old one move to a number that no namespace has, and are then
# cleaned up as vanished.
netns_settle() {
	local id inode cookie name gone
	netns_cookie
	[[ -e $GLOBALS/hm_netns ]] || return 0
	netns_list
	dev_list
	while read -r id inode cookie name; do
		[[ $inode == "$NETNS_INODE" ]] && ! netns_same "$cookie" || continue
		gone=$((inode | id << 32))
		while read -r DEV_INODE DEV_IFINDEX DEV_FEATURES DEV_FLAGS DEV_NSID DEV_PREF DEV_NAME; do
			[[ "$DEV_INODE $DEV_NSID" == "$inode $id" ]] || continue
			DEV_INODE=$gone
			dev_put
			DEV_INODE=$inode
			dev_delete
		done <<<"$DEVS"
		netns_moved pol_cfg "$inode" "$gone"
		netns_moved l2_cfg "$inode" "$gone"
		netns_put "$id" "$gone" "$cookie" "${name#-}"
	done <<<"$NAMESPACES"
}

netns_moved() { # MAP INODE GONE
	[[ -e $GLOBALS/$1 ]] || return 0
	map_value "$1"
	(($(field_num "$1.netns") == $2)) || return 0
	field "$1.netns" "$3"
	map_write "$1" 0
}

# netns_same COOKIE: true unless it is known to differ from the current namespace's (NETNS_COOKIE)
netns_same() { ((!$1 || !NETNS_COOKIE || $1 == NETNS_COOKIE)); }

# netns_reused FILE: the namespace is not the recorded one with the same inode
netns_reused() (
	netns_list
	use_netns "$1" || return 1
	netns_cookie
	while read -r _ inode cookie _; do
		[[ $inode != "$NETNS_INODE" ]] || netns_same "$cookie" || return 0
	done <<<"$NAMESPACES"
	return 1
)

# netns_stat: reads file names, each ended by a NUL, and prints the namespaces among them: inode,
# newline, file, NUL. (Other files can be on a file system that makes up inodes or does not answer:
# the kernel's cached attributes are enough.)
netns_stat() {
	{
		printf '/proc/self/ns/net\0' # the first, with the number of the file system
		cat
	} | timeout -s KILL "$HM_LIMIT" xargs -0 stat --cached=always -L --printf '%d %i\n%n\0' |
		sed -zn '1 { s/ .*//; h; d }; G; s/^\([0-9]*\) \(.*\)\x00\1$/\2/p' || true
} 2>/dev/null

# netns_holders: each name, mount and thread that holds a network namespace, as netns_stat prints them
netns_holders() {
	local root point
	{
		printf '%s\0' /run/netns/*
		while read -r _ _ _ root point _; do
			[[ $root != net:* ]] || printf '%b\0' "${point//\\/\\0}"
		done </proc/self/mountinfo
		printf '%s\0' /proc/[0-9]*/ns/net /proc/[0-9]*/task/[0-9]*/ns/net
	} 2>/dev/null | netns_stat
}

# netns_kept: the same for descriptors of processes. (A descriptor's link shows the inode, the name
# that was opened, or "/" if that name is gone. Then it can be anything.)
netns_kept() {
	netns_descriptors 'net:\[*' 'net:\[*' | netns_stat
	netns_descriptors / '*/netns/*' | HM_LIMIT=$((HM_LIMIT < 5 ? HM_LIMIT : 5)) netns_stat
}
netns_descriptors() { # PATTERN PATTERN
	# (a user can have a great many)
	printf '%s\0' /proc/[0-9]*/fd | timeout -s KILL "$HM_LIMIT" xargs -0 sh -c 'a=$1 b=$2; shift 2; exec find "$@" -maxdepth 1 "(" -lname "$a" -o -lname "$b" ")" -print0' sh "$1" "$2" 2>/dev/null || true
}

# netns_file INODE: a file of this namespace, for use_netns. Empty if none is found.
netns_file() {
	local list inode file
	for list in netns_holders netns_kept; do
		while read -r inode && IFS= read -rd '' file; do
			[[ $inode == "$1" ]] || continue
			printf '%s' "$file"
			return
		done < <("$list")
	done
}

# netns_vanished INODE: is this namespace gone? Not finding it proves nothing: a process that we
# may not read, or another mount namespace, can hold it. But the kernel deletes filters with their
# namespace: if all our filters are visible elsewhere, it is gone. Otherwise NETNS_HIDDEN has the
# programs. NETNS_FOUND is a file of the namespace, if there is one.
NETNS_HIDDEN='' NETNS_FOUND=''
netns_vanished() {
	local hidden
	NETNS_HIDDEN=
	NETNS_FOUND=$(netns_file "$1")
	if [[ -n $NETNS_FOUND ]]; then
		netns_reused "$NETNS_FOUND"
		return
	fi
	hidden=$(progs_hidden) || exit 1
	[[ -z $hidden ]] && return
	NETNS_HIDDEN=${hidden//$'\n'/ }
	return 1
}

# netns_hidden_why INODE: why detach keeps a namespace with NETNS_HIDDEN, and what to do
netns_hidden_why() {
	local who=''
	! (hookmap_reader) 2>/dev/null || {
		hookmap_reader
		who=$(look "$READER" -j status --holders "$1" | jq -r '[.rows[:9][] | "\(.process) (process \(.pid))"] | join(", ")') || who=''
	}
	if [[ -n $who ]]; then
		printf 'a socket holds its network namespace, which cannot be entered any more: end %s, and detach again' "$who"
	else
		printf 'no name, mount, process or socket refers to its network namespace, but programs of ours are still attached out of sight (id %s): end what holds it (a socket on its way from one process to another is not seen), and detach again' "${NETNS_HIDDEN:-?}"
	fi
}

# progs_hidden: ids of our filters that are on no device of a namespace that can be found
progs_hidden() {
	local ids ours seen='' list inode rest file inodes=" $NETNS_INODE_OWN "
	pins_known
	ids=${PIN_ID[*]}
	ours=$(bpftool -j prog show | jq -r --argjson ids "[${ids// /,}]" '.[]
		| select(.type == "sched_cls" and any(.map_ids // [] | .[]; IN($ids[]))) | .id') || die "bpftool prog show failed"
	[[ -n $ours ]] || return 0
	seen=$(bpftool -j net show | net_ids) || die "bpftool net show failed"
	list=$(
		printf '%s\0' /run/netns/* | netns_stat | sed -z 's/\n.*//' | tr '\0' '\n'
		dev_list
		printf '%s\n' "$DEVS"
	) || exit 1
	while read -r inode rest; do
		[[ -n $inode && $inode != 0 && $inodes != *" $inode "* ]] || continue
		inodes+="$inode "
		file=$(netns_file "$inode")
		[[ -z $file ]] || seen+=$'\n'$(nsenter --net="$file" -- "$BPFTOOL" -j net show | net_ids) || die "bpftool net show failed"
	done <<<"$list"
	grep -vxF -- "$seen" <<<"$ours" || true
}
net_ids() { jq -r '.[].tc[]? | .id // .prog_id // empty'; }

# dev_list: one line "inode ifindex features flags nsid pref name" per device, in DEVS
DEVS=''
dev_list() {
	map_lines DEVS hm_dev hm_dev_key.netns hm_dev_key.ifindex hm_dev.features hm_dev.flags hm_dev.nsid hm_dev.pref hm_dev.name
}

# registry_room: on a host where containers come and go, nobody may have detached their devices
registry_room() {
	map_check hm_dev || return 0
	dev_list
	(($(wc -l <<<"$DEVS") >= HM_DEVS && !DRY_RUN)) || return 0
	# it takes the lock itself
	unlock
	"$HM_SCRIPTS/detach.sh" --vanished || true
	lock
	MAP_LINES=() PIN_ID=() PIN_SHAPE=()
}

dev_key() { # INODE IFINDEX
	struct_new hm_dev_key
	field hm_dev_key.netns "$1"
	field hm_dev_key.ifindex "$2"
	DEV_KEY=("${VALUE[@]}")
}

# dev_intend FLAGS FEATURE...: records what is about to be attached, and how, before the first
# change, and undoes it together with the change: if we are killed, detach knows where to look
dev_intend() {
	local feature
	defer dev_restore "$DEV_INODE $DEV_IFINDEX $DEV_FEATURES $DEV_FLAGS $DEV_NSID $DEV_PREF $DEV_NAME"
	DEV_FLAGS=$((DEV_FLAGS | $1))
	((DEV_FLAGS >> HM_DEV_ORDER)) || dev_order
	for feature in "${@:2}"; do
		feature_bit "$feature"
		DEV_FEATURES=$((DEV_FEATURES | BIT))
	done
	dev_put
}

# dev_order: a new device comes after all others, whatever its number
DEV_LAST=''
dev_order() {
	local flags
	[[ -n $DEV_LAST ]] || {
		DEV_LAST=0
		dev_list
		while read -r _ _ _ flags _; do
			((DEV_LAST >= flags >> HM_DEV_ORDER)) || DEV_LAST=$((flags >> HM_DEV_ORDER))
		done <<<"$DEVS"
	}
	DEV_LAST=$((DEV_LAST % 65535 + 1))
	DEV_FLAGS=$((DEV_FLAGS | DEV_LAST << HM_DEV_ORDER))
}

# abi_mark: programs and maps of two versions do not work together. A directory names their
# version.
abi_mark() {
	local mark=$BPFFS/tc/_abi_$HM_ABI
	[[ ! -d $mark ]] || return 0
	[[ ! -e $GLOBALS/hm_dev ]] || die "another version of hookmap is attached: detach it with detach.sh --all"
	abi_unmark
	run mkdir "$mark"
}
abi_unmark() {
	local mark
	for mark in "$BPFFS"/tc/_abi_*; do
		[[ ! -d $mark ]] || run rmdir "$mark"
	done
}

dev_restore() { # LINE
	dev_read "$1"
	dev_put
}

# dev_flag FLAG: sets and records it, before the change that it describes
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
	struct_new hm_dev
	field hm_dev.features "$DEV_FEATURES"
	field hm_dev.flags "$DEV_FLAGS"
	field hm_dev.nsid "$DEV_NSID"
	field hm_dev.pref "$DEV_PREF"
	field hm_dev.name "$DEV_NAME"
	map_put hm_dev "${DEV_KEY[@]}" -- "$DEV_NAME: $HM_DEVS devices are attached, which is the limit: detach some"
}

dev_delete() {
	[[ -e $GLOBALS/hm_dev ]] || return 0
	dev_key "$DEV_INODE" "$DEV_IFINDEX"
	try "$BPFTOOL" map delete pinned "$GLOBALS/hm_dev" key hex "${DEV_KEY[@]}" || true
}

# netns_list: one line "nsid inode cookie name" per namespace ("-" if unnamed), in NAMESPACES
netns_list() {
	map_lines NAMESPACES hm_netns key hm_netns.netns hm_netns.cookie hm_netns.name
}

# netns_called 1 NSID | 2 INODE: the name of a namespace of netns_list
netns_called() {
	netns_list
	awk -v field="$1" -v number="$2" '$field == number { sub(/^[0-9]+ [0-9]+ [0-9]+ /, ""); print }' <<<"$NAMESPACES"
}

# The name of the current namespace for messages: from /run/netns if it has one there.
netns_name() {
	[[ -n $NETNS && $NETNS != */* ]] && {
		printf '%s' "$NETNS"
		return
	}
	local inode file
	while read -r inode && IFS= read -rd '' file; do
		[[ $inode == "$NETNS_INODE" ]] || continue
		printf '%s' "${file##*/}"
		return
	done < <(printf '%s\0' /run/netns/* | netns_stat)
}

# netns_id: the nsid of the current namespace, in DEV_NSID; a new one if needed, or the one of the
# oldest namespace in which nothing is attached
netns_id() {
	local id inode cookie name now used feature
	netns_list
	while read -r id inode cookie name; do
		[[ $inode == "$NETNS_INODE" ]] || continue
		DEV_NSID=$id
		# the kernel reuses the number of a deleted one
		now=$(netns_name)
		[[ -z $now || $name == "${now:0:55}" ]] || netns_put "$id" "$inode" "$cookie" "$now"
		return
	done <<<"$NAMESPACES"
	used=" $(cut -d' ' -f1 <<<"$NAMESPACES" | tr '\n' ' ')"
	for ((DEV_NSID = 1; DEV_NSID < HM_NETNS; DEV_NSID++)); do
		[[ $used == *" $DEV_NSID "* ]] || break
	done
	((DEV_NSID < HM_NETNS)) || {
		dev_list
		used=" $(cut -d' ' -f5 <<<"$DEVS" | tr '\n' ' ')"
		# (cookies only grow)
		DEV_NSID=$(sort -n -k 3,3 <<<"$NAMESPACES" | awk -v used="$used" '!index(used, " " $1 " ") { print $1; exit }')
		[[ -n $DEV_NSID ]] || die "devices of $((HM_NETNS - 1)) network namespaces are attached, which is the limit: detach those of one"
		for feature in "${FEATURES_KNOWN[@]}"; do ! feature_has "$feature" forget || "${feature}_forget" "$DEV_NSID"; done
	}
	netns_put "$DEV_NSID" "$NETNS_INODE" "$NETNS_COOKIE" "$(netns_name)"
}

netns_put() { # NSID INODE COOKIE NAME
	struct_new hm_netns
	field hm_netns.netns "$2"
	field hm_netns.cookie "$3"
	field hm_netns.name "$4"
	map_write hm_netns "$1"
}
