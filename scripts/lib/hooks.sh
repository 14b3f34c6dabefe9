# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# hooks.sh - XDP, tc and iptables of one device, cgroup and tracepoints of the host: list,
# attach, detach. A program is ours if it uses one of our pinned maps; any other is refused by
# name and never replaced.

# prog_is_ours ID NAME: the program has this name and uses a map that we have pinned
declare -A OURS=() # cached: no other program gets the id meanwhile
prog_is_ours() {
	local id PROG_ID PROG_NAME PROG_MAPS
	[[ -z ${OURS["$1 $2"]:-} ]] || return 0
	pins_known
	((${#PIN_ID[@]})) || return 1
	need_caps sys_admin
	prog_look id "$1" || die "cannot read program $1: bpftool prog show failed"
	[[ $PROG_NAME =~ _(xdp2|frags)$ ]] && PROG_NAME=${PROG_NAME%_*}_xdp
	[[ ${PROG_NAME:0:15} == "${2:0:15}" ]] || return 1
	for id in "${PIN_ID[@]}"; do
		[[ $PROG_MAPS == *,$id,* ]] || continue
		OURS["$1 $2"]=1
		return 0
	done
	return 1
}

# prog_look id ID | pinned PIN: PROG_ID, PROG_NAME ("-" if unnamed; the kernel allows letters, digits,
# _ and .) and the ids of its maps, each between commas, in PROG_MAPS. False if it cannot be queried.
prog_look() {
	local json
	json=$(bpftool -j prog show "$@" 2>/dev/null) && [[ $json =~ \"id\":([0-9]+) ]] || return 1
	PROG_ID=${BASH_REMATCH[1]} PROG_NAME=- PROG_MAPS=,
	[[ ! $json =~ \"name\":\"([^\"]*)\" ]] || PROG_NAME=${BASH_REMATCH[1]}
	[[ ! $json =~ \"map_ids\":\[([0-9,]*)\] ]] || PROG_MAPS=,${BASH_REMATCH[1]},
}

# Our XDP objects have their program in several sections (kern/xdp.h). Here it has one name,
# NAME_xdp, whatever the section. XDP_SEC has the words for `ip` to select it: none for prog, the
# default, or sec xdp, or sec xdp.frags. Programs called from a section are in a separate map.
declare -A NEXT_MAPS=([prog]=xdp_next [xdp]=xdp_next_xdp [xdp.frags]=xdp_next_frags)

# xdp_name NAME: XDP_NAME and XDP_SEC of a program
xdp_name() {
	local section
	XDP_NAME=$1 XDP_SEC=()
	case $1 in
	*_frags) section=xdp.frags ;;
	*_xdp2) section=xdp ;;
	*) return 0 ;;
	esac
	[[ ! -e $HM_OBJ/xdp/${1%_*}.o ]] || XDP_NAME=${1%_*}_xdp XDP_SEC=(sec "$section")
}

# xdp_get DEV: XDP_ID, XDP_NAME, XDP_SEC, XDP_MODE (native, generic, offload); empty if none
xdp_get() {
	local line ANSWER
	XDP_ID='' XDP_MODE=''
	link_json "$1" 2>/dev/null && line=$(jq -r '.[0].xdp // empty
		| (if .attached then .attached[0] else . end)
		| "\(.prog.id) \({"1": "native", "2": "generic", "3": "offload"}[.mode | tostring]) \(.prog.name // "-")"' <<<"$ANSWER") ||
		die "$1: ip link show failed: is the device gone?"
	read -r XDP_ID XDP_MODE line <<<"$line" || true
	xdp_name "$line"
}

# link_kind DEV: LINK_TYPE and LINK_KIND, as in ip -d link ("-": none); LINK_BARE is 1 if
# its packets have no Ethernet header
link_kind() {
	local line ANSWER
	link_json "$1" && line=$(jq -r '.[0] | "\(.link_type) \(.linkinfo.info_kind // "-")"' <<<"$ANSWER") ||
		die "$1: ip link show failed: is the device gone?"
	read -r LINK_TYPE LINK_KIND <<<"$line"
	LINK_BARE=0
	[[ $LINK_TYPE == ether || $LINK_TYPE == loopback ]] || LINK_BARE=1
}

# xdp_word MODE: the word of `ip link` for a mode
xdp_word() {
	case $1 in
	native) printf xdpdrv ;;
	generic) printf xdpgeneric ;;
	offload) printf xdpoffload ;;
	*) printf xdp ;;
	esac
}

# xdp_change DEV WORD...: ip link set dev DEV WORD...
xdp_change() {
	local OUT
	xdp_try "$@" || failed "$OUT" "$(command_text "${NSCMD[@]}" ip link set dev "$@") failed"
}

# xdp_try DEV WORD...: the same; if it fails, false and the reason in OUT. The kernel changes nothing
# while a device above DEV has a program: ours is detached for that moment, a foreign one is
# named.
xdp_try() {
	local words=(ip link set dev "$@") mark=${#UNDO[@]} uppers upper mode id name pin pins=() status=0 XDP_NAME XDP_SEC
	[[ $2 != -force ]] || words=(ip -force link set dev "$1" "${@:3}")
	words=("${NSCMD[@]}" "${words[@]}")
	! change "${words[@]}" || return 0
	[[ $OUT == *'upper device already has'* ]] || return 1
	uppers=$(xdp_uppers) || exit 1
	[[ -n $uppers ]] || die "$1: a device above it, in another network namespace, has an XDP program, so the kernel changes none below it: detach that first"
	[[ $uppers != *' slave '* ]] || die "$1 is a slave of ${uppers%% *}, whose XDP program sees its frames: detach that first, or measure it alone"
	while read -r upper mode id name; do
		xdp_name "$name"
		prog_is_ours "$id" "$XDP_NAME" ||
			die "$1: ${upper} above it has an XDP program that is not ours, $name (id $id), so the kernel changes none below it: run $(typed ip link set dev "$upper" "$(xdp_word "$mode")" off), and attach it again afterwards"
	done <<<"$uppers"
	run mkdir -p "$PINS/_upper"
	defer rm -rf "$PINS/_upper"
	while read -r upper mode id name; do
		pin=$PINS/_upper/$id
		run "$BPFTOOL" prog pin id "$id" "$pin"
		pins+=("$upper" "$(xdp_word "$mode")" "$pin")
		run "${NSCMD[@]}" ip link set dev "$upper" "$(xdp_word "$mode")" off
		defer "${NSCMD[@]}" ip link set dev "$upper" "$(xdp_word "$mode")" pinned "$pin"
	done <<<"$uppers"
	change "${words[@]}" || status=$?
	set -- "${pins[@]}"
	while (($#)); do
		run "${NSCMD[@]}" ip link set dev "$1" "$2" pinned "$3"
		shift 3
	done
	UNDO=("${UNDO[@]:0:mark}")
	try rm -rf "$PINS/_upper" || true
	return "$status"
}

# xdp_uppers: one line "name mode id program" for each device above this one that has a program. The
# kernel names the other end of a veth by the same attribute as a device below.
xdp_uppers() {
	ip_json -d link | jq -r --argjson index "$IFINDEX" '(.[] | select(.ifindex == $index)) as $d | .[]
		| select(.xdp and (.ifname == $d.master or (.linkinfo.info_kind != "veth" and .link_netnsid == null and (.link == $d.ifname or .linkinfo.info_data.link == $d.ifname))))
		| (.xdp | if .attached then .attached[0] else . end) as $x
		| if .ifname == $d.master and ($d.linkinfo.info_slave_kind // "" | test("bond|team")) then "\(.ifname) slave - -"
		  else "\(.ifname) \({"1": "native", "2": "generic", "3": "offload"}[$x.mode | tostring]) \($x.prog.id) \($x.prog.name // "-")" end' | as_named ||
		die "ip link show failed"
}

# --- one XDP slot for several: latency takes the slot, and a program that can run after it
# (SLOT_OBJECT, by program) goes to xdp_next, at the device's ifindex. Alone it is in the slot
# itself. During any change, frames always meet one of the programs.

declare -A SLOT_OBJECT=([l2fwd_xdp]=xdp/l2fwd.o)

# slot_next IFINDEX: the program after latency: NEXT_ID, NEXT_NAME and NEXT_MAP, empty if none
slot_next() {
	local XDP_NAME XDP_SEC PROG_ID PROG_NAME PROG_MAPS VALUE
	NEXT_ID='' NEXT_NAME=''
	bytes 4 "$1"
	for NEXT_MAP in "${NEXT_MAPS[@]}"; do
		[[ -e $GLOBALS/$NEXT_MAP ]] || continue
		value_read "$NEXT_MAP" "${BYTES[@]}" || continue
		number_at 0 4
		NEXT_ID=$NUM
		prog_look id "$NEXT_ID" || PROG_NAME=-
		xdp_name "$PROG_NAME"
		NEXT_NAME=$XDP_NAME
		return
	done
	NEXT_MAP=''
}

# slot_clear IFINDEX: removes the program after latency
slot_clear() {
	local map
	bytes 4 "$1"
	for map in "${NEXT_MAPS[@]}"; do
		[[ ! -e $GLOBALS/$map ]] || try "$BPFTOOL" map delete pinned "$GLOBALS/$map" key hex "${BYTES[@]}" || true
	done
}
slot_empty() { # MAP IFINDEX
	bytes 4 "$2"
	run "$BPFTOOL" map delete pinned "$GLOBALS/$1" key hex "${BYTES[@]}"
}

# graft MAP IFINDEX OBJECT SECTION: inserts the program. If it fails, false and the reason in OUT.
graft() {
	change "${NSCMD[@]}" tc exec bpf graft "m:globals/$1" key "$2" obj "$3" type xdp sec "$4" || return
	bytes 4 "$2"
	defer "$BPFTOOL" map delete pinned "$GLOBALS/$1" key hex "${BYTES[@]}"
}

# slot_graft OBJECT IFINDEX: after latency, or after the program in the slot that will become
# latency
slot_graft() {
	local OUT section=${XDP_SEC[1]:-prog}
	graft "${NEXT_MAPS[$section]}" "$2" "$1" "$section" || failed "$OUT" "$1 cannot stand behind latency"
}

# slot_attach DEV OBJECT PROGRAM MODE: to the slot, or after latency if that is attached
slot_attach() {
	xdp_get "$1"
	if [[ -z $XDP_ID ]] || ! prog_is_ours "$XDP_ID" latency_xdp; then
		xdp_attach "$@"
		return
	fi
	[[ -z $4 || $4 == "$XDP_MODE" ]] ||
		die "$1: latency is attached in $XDP_MODE mode: attach both in one mode"
	slot_next "$IFINDEX"
	if [[ -n $NEXT_ID ]]; then
		prog_is_ours "$NEXT_ID" "$3" && return
		die "$1 has a program after latency that is not ours: $NEXT_NAME (id $NEXT_ID): remove it with $(typed attach.sh "$1" latency --next none)"
	fi
	# (it may be in section xdp because of an earlier program)
	[[ ${XDP_SEC[1]:-} != xdp ]] || xdp_section "$1" latency prog
	slot_graft "$2" "$IFINDEX"
}

# slot_detach DEV PROGRAM IFINDEX: from the slot or after latency; the device may be gone
slot_detach() {
	slot_next "$3"
	if [[ -n $NEXT_ID ]] && prog_is_ours "$NEXT_ID" "$2"; then
		slot_empty "$NEXT_MAP" "$3"
	fi
	((DEV_ALIVE)) || return 0
	xdp_get "$1"
	[[ -n $XDP_ID ]] && prog_is_ours "$XDP_ID" "$2" || return 0
	xdp_change "$1" "$(xdp_word "$XDP_MODE")" off
}

# slot_yield DEV OBJECT: latency takes the slot of a program that can run after it
slot_yield() {
	local dev=$1 latency=$2 word
	word=$(xdp_word "$XDP_MODE")
	object "${SLOT_OBJECT[$XDP_NAME]}"
	maps_create host "${NEXT_MAPS[${XDP_SEC[1]:-prog}]}"
	slot_graft "$OBJECT" "$IFINDEX"
	xdp_change "$dev" -force "$word" obj "$latency" "${XDP_SEC[@]}"
	defer xdp_change "$dev" -force "$word" obj "$OBJECT" "${XDP_SEC[@]}"
	((DRY_RUN)) || xdp_get "$dev"
}

# slot_yields: the program found by xdp_get can run after latency
slot_yields() { [[ -n ${SLOT_OBJECT[${XDP_NAME:--}]:-} ]] && prog_is_ours "$XDP_ID" "$XDP_NAME"; }

# xdp_check DEV PROGRAM: after xdp_get, refuses a device that has somebody else's
xdp_check() {
	[[ -z $XDP_ID ]] || prog_is_ours "$XDP_ID" "$2" || { [[ $2 == latency_xdp ]] && slot_yields; } ||
		xdp_refuse "$1" "$2"
}

xdp_refuse() { # DEV PROGRAM
	[[ $XDP_NAME != "${2:0:15}" ]] ||
		die "$1 has $XDP_NAME (id $XDP_ID), whose maps are not those pinned in $GLOBALS: remove it with $(typed ip link set dev "$1" xdp off)"
	local next='detach it first; its object can then run behind ours (--next)' what='an XDP program that is not ours'
	[[ $XDP_NAME != xdp_dispatcher ]] || next="xdp-loader unload $(typed "$1") --all takes it off" what="libxdp's dispatcher"
	[[ $2 != latency_xdp ]] || next+='; or --mode none measures from tc on, beside it'
	die "$1 has $what: $XDP_NAME (id $XDP_ID, $XDP_MODE): $next"
}

# xdp_attach DEV OBJECT PROGRAM MODE: after xdp_get, to a device that has none, or ours
xdp_attach() {
	xdp_check "$1" "$3"
	if [[ $3 == latency_xdp ]] && slot_yields; then
		[[ -z $4 || $4 == "$XDP_MODE" ]] ||
			die "$1: $XDP_NAME is attached in $XDP_MODE mode: attach both in one mode"
		slot_yield "$1" "$2"
		return
	fi
	if [[ -n $XDP_ID ]]; then
		[[ -n $4 && $4 != "$XDP_MODE" ]] || return 0
		xdp_off "$1" "$2"
	fi
	xdp_put "$1" "$2" "$4"
	((!DRY_RUN)) || return 0
	xdp_get "$1"
	[[ -n $XDP_ID ]] || die "$1 has no XDP program after ip link set: does the driver support it?"
}

# program OBJECT: words for ip and tc to load it, or to use its loaded program, in PROGRAM
declare -A SHARED=()
program() {
	PROGRAM=(obj "$1")
	[[ -z ${SHARED[$1]:-} ]] || PROGRAM=(pinned "${SHARED[$1]}")
}

# program_share ID OBJECT: other devices get this program, which the verifier has already passed
program_share() {
	local pin=$PINS/_shared/$1
	[[ -d $PINS/_shared ]] || {
		run mkdir "$PINS/_shared"
		defer rm -rf "$PINS/_shared"
	}
	! try "$BPFTOOL" prog pin id "$1" "$pin" || SHARED[$2]=$pin
}

# xdp_put DEV OBJECT MODE: the program that the driver accepts: from section prog; from
# xdp.frags, if frames of the device's MTU have several fragments; without MODE also in generic
# mode
xdp_put() {
	local OUT why='' word
	word=$(xdp_word "$3")
	program "$2"
	if ! xdp_try "$1" "$word" "${PROGRAM[@]}"; then
		why=$(xdp_refusal "$OUT") || failed "$OUT" "$(command_text "${NSCMD[@]}" ip link set dev "$1" "$word" obj "$2") failed"
		if xdp_try "$1" "$word" obj "$2" sec xdp.frags; then
			why=''
		else
			[[ -z $3 ]] && xdp_try "$1" xdpgeneric obj "$2" ||
				die "$1: its driver refuses XDP ($why): try --mode generic"
			word=xdpgeneric
		fi
	fi
	# at once: later queries can fail
	defer xdp_change "$1" "$word" off
	[[ -z $why ]] || note "$1: its driver refuses XDP ($why): attached in generic mode, which costs more per packet"
}

# xdp_refusal OUTPUT: the kernel's message in the output of ip. False if the driver was not the
# one that refused.
xdp_refusal() {
	local line
	line=$(sed -nE 's/^(Error|RTNETLINK answers): (.*[^.])\.?$/\2/p' <<<"$1" | head -n 1)
	[[ -n $line && $1 != *libbpf:* ]] || return 1
	printf '%s' "$line"
}

# xdp_section DEV NAME SECTION: replaces the program that xdp_get found with the object's other one
xdp_section() {
	local words=("$1" -force "$(xdp_word "$XDP_MODE")" obj "$HM_OBJ/xdp/$2.o") OUT
	xdp_try "${words[@]}" sec "$3" ||
		die "$1: its driver refuses XDP without xdp.frags ($(xdp_refusal "$OUT" || first_error "$OUT")): the program after ours must be in section xdp.frags"
	defer xdp_change "${words[@]}" "${XDP_SEC[@]}"
	((DRY_RUN)) || xdp_get "$1"
}

# xdp_off DEV OBJECT: detaches the program found by xdp_get; OBJECT is restored in the same mode
# if we fail
xdp_off() {
	local words=("$1" "$(xdp_word "$XDP_MODE")")
	xdp_change "${words[@]}" off
	defer xdp_change "${words[@]}" obj "$2" "${XDP_SEC[@]}"
}

# xdp_detach DEV PROGRAM
xdp_detach() {
	local word ours=$HM_OBJ/xdp/${2%_xdp}.o
	xdp_get "$1"
	[[ -n $XDP_ID ]] || return 0
	if prog_is_ours "$XDP_ID" "$2"; then
		slot_next "$DEV_IFINDEX"
		if [[ $2 == latency_xdp && -n ${SLOT_OBJECT[${NEXT_NAME:--}]:-} ]] && prog_is_ours "$NEXT_ID" "$NEXT_NAME"; then
			# the program after it takes the slot
			object "${SLOT_OBJECT[$NEXT_NAME]}"
			word=$(xdp_word "$XDP_MODE")
			xdp_change "$1" -force "$word" obj "$OBJECT" "${XDP_SEC[@]}"
			defer xdp_change "$1" -force "$word" obj "$ours" "${XDP_SEC[@]}"
		else
			xdp_off "$1" "$ours"
		fi
	elif [[ $2 != latency_xdp || -z ${SLOT_OBJECT[$XDP_NAME]:-} ]]; then
		note "$1: left the XDP program $XDP_NAME (id $XDP_ID), which is not ours"
	fi
}

# tc_filters DEV [HOOK]: one line "pref handle id class name" per filter at ingress; id 0 and the
# kind if it is not a BPF program
tc_filters() {
	local ANSWER
	json_of tc -j filter show dev "$1" "${2:-ingress}" 2>/dev/null && jq -r '.[] | select(.pref and .options)
		| "\(.pref) \(.options.handle // "-") \(.options.prog.id // 0) \(.options.flowid // "-") \(.options.prog.name // .kind)"' <<<"$ANSWER"
}

# tc_find DEV PROGRAM: TC_ID, TC_PREF, TC_HANDLE and TC_CLASS of our filter. False if there is none.
tc_find() {
	local pref handle id class name list
	list=$(tc_filters "$1") || die "$1: tc filter show failed: is the device gone?"
	while read -r pref handle id class name; do
		[[ -n $pref ]] || continue
		((id)) && [[ ${name:0:15} == "${2:0:15}" ]] && prog_is_ours "$id" "$2" || continue
		TC_ID=$id TC_PREF=$pref TC_HANDLE=$handle TC_CLASS=$class
		return 0
	done <<<"$list"
	return 1
}

# tc_qdisc DEV: after tc_check, makes sure that there is an ingress hook, and records in
# DEV_FLAGS if we created it
tc_qdisc() {
	((!TC_HOOKED)) || return 0
	dev_flag "$HM_DEV_QDISC"
	run "${NSCMD[@]}" tc qdisc add dev "$1" clsact
	defer "${NSCMD[@]}" tc qdisc del dev "$1" clsact
}

# tc_hooked DEV: it has an ingress hook
tc_hooked() {
	local ANSWER
	json_of tc -j qdisc show dev "$1" 2>/dev/null || die "$1: tc qdisc show failed: is the device gone?"
	[[ $ANSWER =~ \"kind\":\"(clsact|ingress)\" ]]
}

# tc_check DEV PROGRAM PREF DEFAULT: refuses a preference with another filter. Ours keeps its
# preference unless PREF is requested. tc_qdisc and tc_attach use the result.
tc_check() {
	local pref handle id class name list
	TC_HOOKED=0 TC_PREF='' TC_MOVE=0
	tc_hooked "$1" || return 0
	TC_HOOKED=1
	if tc_find "$1" "$2"; then
		[[ -n $3 && $3 != "$TC_PREF" ]] || return 0
		TC_MOVE=1
	fi
	list=$(tc_filters "$1") || die "$1: tc filter show failed: is the device gone?"
	set -- "$1" "$2" "${3:-$4}"
	while read -r pref handle id class name; do
		[[ $pref == "$3" ]] || continue
		[[ ${name:0:15} != "${2:0:15}" ]] ||
			die "$1 has $name (id $id), whose maps are not those pinned in $GLOBALS: remove it with $(typed tc filter del dev "$1" ingress pref "$pref")"
		die "$1 has another tc filter at ingress pref $3: $name (id $id): choose another place with ${TC_PREF_OPTION:---pref} N"
	done <<<"$list"
}

# tc_attach DEV OBJECT PROGRAM PREF CLASSID: after tc_check
tc_attach() {
	local words=("${NSCMD[@]}" tc filter) place
	if [[ -n $TC_PREF ]]; then
		# ours: it stays where it is, perhaps with another class, or is moved
		((TC_MOVE)) || [[ $TC_CLASS != ":$5" ]] || return 0
		place=(dev "$1" ingress pref "$TC_PREF" handle "$TC_HANDLE" bpf)
		if ((TC_MOVE)); then
			run "${words[@]}" del "${place[@]}"
		else
			run "${words[@]}" replace "${place[@]}" da obj "$2" classid "0:$5"
		fi
		[[ $TC_CLASS == - ]] || place+=(classid "0$TC_CLASS")
		defer "${words[@]}" replace "${place[@]}" da obj "$2"
		((TC_MOVE)) || return 0
	fi
	TC_PREF=$4
	place=(dev "$1" ingress pref "$4" handle 1 bpf)
	program "$2"
	run "${words[@]}" add "${place[@]}" da "${PROGRAM[@]}" classid "0:$5"
	defer "${words[@]}" del "${place[@]}"
}

# tc_gone DEV PROGRAM: dies if it is still there, by the device's number
tc_gone() {
	local list id
	list=$(in_netns "$BPFTOOL" -j net show 2>/dev/null | json_escaped | jq -r --argjson index "$IFINDEX" '.[].tc[]?
		| select(.ifindex == $index and .kind == "clsact/ingress") | .id // .prog_id // empty') || die "$1: bpftool net show failed"
	for id in $list; do
		! prog_is_ours "$id" "$2" || die "$1: $2 (id $id) is still there, on the device of ifindex $IFINDEX: was it renamed meanwhile? Try again"
	done
}

# tc_detach DEV PROGRAM: also removes the qdisc if it is ours and now empty
tc_detach() {
	local filters
	if tc_find "$1" "$2"; then
		run "${NSCMD[@]}" tc filter del dev "$1" ingress pref "$TC_PREF" handle "$TC_HANDLE" bpf
	fi
	# (others name the devices there, and could redirect the query)
	[[ -z $NETNS ]] || ((DRY_RUN)) || tc_gone "$1" "$2"
	((DEV_FLAGS & HM_DEV_QDISC)) || return 0
	feature_bit "${2%_tc}"
	if ! tc_hooked "$1"; then
		# we were killed before it was created, or after it was deleted
		DEV_FLAGS=$((DEV_FLAGS & ~HM_DEV_QDISC))
	elif filters=$(in_netns tc filter show dev "$1" ingress 2>/dev/null && in_netns tc filter show dev "$1" egress 2>/dev/null) &&
		[[ -z $filters ]]; then
		run "${NSCMD[@]}" tc qdisc del dev "$1" clsact
		DEV_FLAGS=$((DEV_FLAGS & ~HM_DEV_QDISC))
	elif ((!DRY_RUN && !(DEV_FEATURES & ~BIT))); then
		# no other feature has filters there, so they are somebody else's
		note "$1: left the clsact qdisc, which has other filters now"
	fi
}

# --- cgroup: a program for all sockets, at ingress

# cgroup_find: the cgroup whose sockets are measured, in CGROUP; empty if no cgroup v2 is mounted
cgroup_find() {
	CGROUP=${HOOKMAP_CGROUP:-$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)}
	[[ -z $CGROUP || -d $CGROUP ]] || die "HOOKMAP_CGROUP $CGROUP is not there"
	# (the root of all has no type)
	[[ -n ${HOOKMAP_CGROUP:-} || -z $CGROUP || ! -e $CGROUP/cgroup.type ]] ||
		warn "$CGROUP shows a part of the cgroups (a cgroup namespace): sockets elsewhere are not seen at socket. Attach outside the container, or mount the whole tree and name it with HOOKMAP_CGROUP"
}

# cgroup_attach CGROUP PIN [NEW]: unless it is attached, there or elsewhere; NEW: it is not attached yet
cgroup_attach() {
	local PROG_ID='' PROG_NAME PROG_MAPS where
	((DRY_RUN)) || prog_look pinned "$2" || die "program $2 cannot be read"
	# (others can create cgroups faster than we read them, so this comes last)
	where=$(cgroup_users "$PROG_ID" show "$1") || exit 1
	[[ -n $where || -n ${3:-} ]] || where=$(cgroup_users "$PROG_ID" tree) || exit 1
	[[ -z $where ]] || return 0
	run "$BPFTOOL" cgroup attach "$1" ingress pinned "$2" multi
	defer "$BPFTOOL" cgroup detach "$1" ingress pinned "$2"
}

# cgroup_users ID tree | show CGROUP: one line per cgroup that the program is attached to
cgroup_users() {
	local list found whole tries=0
	[[ -n $1 ]] || return 0
	while :; do
		list=$(bpftool -j cgroup "${@:2}" 2>/dev/null) && whole=1 || whole=0
		found=$(jq -r --argjson id "$1" '.[]? | select(.id == $id or any(.programs[]?; .id == $id)) | .cgroup // "-"' <<<"$list" 2>/dev/null) || found=
		# it stops if a cgroup disappears while it walks the tree, as with short-lived
		# containers
		[[ -z $found ]] && ((!whole)) || break
		((++tries < 20)) && answered || die "bpftool cgroup ${*:2} failed"
	done
	printf '%s' "${found:+$found$'\n'}"
}

# cgroup_detach PIN: from wherever it is
cgroup_detach() {
	local PROG_ID PROG_NAME PROG_MAPS list cgroup
	[[ -e $1 ]] || return 0
	prog_look pinned "$1" || die "program $1 cannot be read"
	list=$(cgroup_users "$PROG_ID" tree) || exit 1
	while read -r cgroup; do
		[[ -z $cgroup ]] || run "$BPFTOOL" cgroup detach "$cgroup" ingress pinned "$1"
	done <<<"$list"
}

# --- programs that attach themselves: tracepoints and functions

# bpf_load DIR OBJECT WORD...: loads all programs of an object into DIR, which must exist. The
# links of autoattach are also pinned there.
bpf_load() {
	local dir=$1 object=$2
	shift 2
	run mkdir -p "$dir"
	run "$BPFTOOL" -n prog loadall "$object" "$dir" "$@"
}

# is_link PIN: autoattach falls back to pinning the program, with rc 0, when it cannot attach.
# (bpftool prints an existing link, and exits with 255.)
is_link() {
	[[ $(bpftool -j link show pinned "$1" 2>/dev/null) == *'"id"'* ]]
}

# --- iptables: one chain of ours per table, one jump to it per device

# ipt_commands [all]: sets IPT; with "all", also commands that may have rules of an earlier attach,
# in the backend that iptables used then
ipt_commands() {
	local command backend
	IPT=()
	for command in "$IPTABLES" "$IP6TABLES"; do
		type -P "$command" >/dev/null && IPT+=("$command")
	done
	[[ ${1:-} == all ]] || return 0
	for command in iptables ip6tables; do
		for backend in legacy nft; do
			type -P "$command-$backend" >/dev/null && [[ " ${IPT[*]} " != *" $command-$backend "* ]] || continue
			# listing a table of legacy creates it
			[[ $backend == nft || -n $(in_netns cat "/proc/net/${command/tables/_tables}_names" 2>/dev/null) ]] || continue
			IPT+=("$command-$backend")
		done
	done
}

# ipt_usable: removes commands that do not work here from IPT, and says so
ipt_usable() {
	local ipt out
	for ipt in "$IPTABLES" "$IP6TABLES"; do
		if [[ " ${IPT[*]} " != *" $ipt "* ]]; then
			warn "$ipt is not installed: $(ipt_missing "$ipt")"
		elif ! out=$(in_netns "$ipt" -w -t raw -S PREROUTING 2>&1) || ! out=$(in_netns "$ipt" -w -t filter -S INPUT 2>&1); then
			answered || exit 1
			ipt_without "$ipt" "does not work here ($(first_error "$out"))"
		fi
	done
}
ipt_without() { # IPT WHY
	local ipt others=()
	warn "$1 $2: $(ipt_missing "$1")"
	for ipt in "${IPT[@]}"; do [[ $ipt == "$1" ]] || others+=("$ipt"); done
	IPT=("${others[@]}")
}
ipt_missing() {
	printf 'the stages prerouting and input of %s are not measured' "$([[ $1 == "$IP6TABLES" ]] && printf IPv6 || printf IPv4)"
}
# ipt_bpf IPT: it can do -m bpf
ipt_bpf() { look unshare --net -- "$1" -A INPUT -m bpf --bytecode '1,6 0 0 65535' >/dev/null 2>&1; }

# ipt_attach TABLE HOOK CHAIN DEV PIN NEW: in both families. NEW (1): the pin is new, and an
# existing rule still has the program of an older pin
ipt_attach() {
	local ipt chain rules mark OUT
	for ipt in "${IPT[@]}"; do
		mark=${#UNDO[@]}
		chain=$(in_netns "$ipt" -w -t "$1" -S "$3" 2>/dev/null) || chain=
		rules=${chain#-N "$3"} rules=${rules#$'\n'}
		if (($6)) && [[ $rules == "-A $3 -m bpf --object-pinned $5" ]]; then
			run "$ipt" -w -t "$1" -F "$3"
			rules=
		fi
		if [[ -z $rules ]]; then
			[[ -n $chain ]] || {
				run "$ipt" -w -t "$1" -N "$3"
				defer "$ipt" -w -t "$1" -X "$3"
			}
			change "$ipt" -w -t "$1" -A "$3" -m bpf --object-pinned "$5" || {
				! ipt_bpf "$ipt" || die "$ipt -w -t $1 -A $3 -m bpf --object-pinned $5 failed: $(first_error "$OUT")"
				ipt_without "$ipt" "has no match bpf here ($(first_error "$OUT"))"
				UNDO=("${UNDO[@]:0:mark}")
				run "$ipt" -w -t "$1" -X "$3"
				continue
			}
			defer "$ipt" -w -t "$1" -F "$3"
		elif [[ $rules != "-A $3 -m bpf --object-pinned $5" ]]; then
			die "$ipt: chain $3 in table $1 is not ours: ${rules%%$'\n'*}: rename it"
		fi
		if [[ -n $chain ]] && in_netns "$ipt" -w -t "$1" -C "$2" -i "$4" -j "$3" 2>/dev/null; then
			[[ -n $(ipt_before "$ipt" "$1" "$2" "$3" "$4") ]] || continue
			run "$ipt" -w -t "$1" -D "$2" -i "$4" -j "$3"
			defer "$ipt" -w -t "$1" -I "$2" 1 -i "$4" -j "$3"
		fi
		run "$ipt" -w -t "$1" -I "$2" 1 -i "$4" -j "$3"
		defer "$ipt" -w -t "$1" -D "$2" -i "$4" -j "$3"
	done
}

# ipt_before IPT TABLE HOOK CHAIN DEV: the first rule before the jump of DEV at which packets can end,
# prefixed with "all " if all do
ipt_before() {
	in_netns "$1" -w -t "$2" -S "$3" 2>/dev/null | dev="-A $3 -i $5 -j " awk -v any="-A $3 -j " -v chain="$4" '
		BEGIN { dev = ENVIRON["dev"] }
		$0 == dev chain { exit }
		!/^-A / || $NF == chain || !match($0, / -[jg] [^ ]*/) { next }
		{
			target = substr($0, RSTART + 4, RLENGTH - 4)
			if (target ~ /^(LOG|NFLOG|MARK|CONNMARK|CT|NOTRACK|TRACE|SET|CHECKSUM|TCPMSS|DSCP|TOS|TTL|HL|CLASSIFY)$/) next
			print (target ~ /^(ACCEPT|DROP|REJECT|RETURN|NFQUEUE)$/ && ($0 == dev target || $0 == any target) ? "all " : "some ") $0
			exit
		}' || true
}

# ipt_jumps IPT TABLE HOOK CHAIN: the rules that jump to our chain, one per line
ipt_jumps() { in_netns "$1" -w -t "$2" -S "$3" 2>/dev/null | grep -e " -j $4\$" || true; }

# ipt_detach TABLE HOOK CHAIN DEV: removes as many jumps of a device as there are now, so that jumps
# added meanwhile cannot keep it busy
ipt_detach() {
	local ipt n
	for ipt in "${IPT[@]}"; do
		n=$(ipt_jumps "$ipt" "$1" "$2" "$3" | wc -l)
		((!DRY_RUN || !n)) || n=1
		for (( ; n > 0; n--)); do
			in_netns "$ipt" -w -t "$1" -C "$2" -i "$4" -j "$3" 2>/dev/null || break
			run "${NSCMD[@]}" "$ipt" -w -t "$1" -D "$2" -i "$4" -j "$3"
		done
	done
	return 0
}

# ipt_remove TABLE HOOK CHAIN PIN: removes the chain and all jumps to it, if it is ours. Other
# people's rules are deleted by number, the last one first: iptables does not accept everything that
# it prints (recent --name), and a word of theirs must not become an option.
ipt_remove() {
	local ipt number rules
	for ipt in "${IPT[@]}"; do
		rules=$(in_netns "$ipt" -w -t "$1" -S "$3" 2>/dev/null) || continue
		# (an empty chain is a leftover of ours)
		[[ $rules == *"--object-pinned $4"* || $rules == "-N $3" ]] || continue
		run "${NSCMD[@]}" "$ipt" -w -t "$1" -F "$3"
		while read -r number; do
			[[ -z $number ]] || run "${NSCMD[@]}" "$ipt" -w -t "$1" -D "$2" "$number"
		done <<<"$(in_netns "$ipt" -w -t "$1" -S "$2" 2>/dev/null | awk -v jump=" -j $3" '
			/^-A / && ++n && substr($0, length($0) - length(jump) + 1) == jump { list = n "\n" list }
			END { printf "%s", list }')"
		run "${NSCMD[@]}" "$ipt" -w -t "$1" -X "$3"
	done
}
