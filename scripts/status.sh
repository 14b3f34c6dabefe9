#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# status.sh - shows where hookmap is attached. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/hooks.sh"
. "$HM_SCRIPTS/lib/features.sh"
. "$HM_SCRIPTS/lib/reach.sh"
. "$HM_SCRIPTS/lib/remains.sh"

usage() {
	cat <<'EOF'
usage: status.sh [OPTION...] [DEV]

Shows the features attached to DEV. Without DEV, shows all devices that the scripts
attached to, devices of this network namespace that were attached by hand, the host, and
how many maps are pinned (`hookmap status --pins` lists them). Devices of other network
namespaces that were attached by hand are only named.

  --check         name everything that can stop packets before they reach an attached
                    program; status 1 if packets do not reach one
  -j, --json      an array of {"device", "netns", "ifindex", "alive", "by_hand",
                    "features", "xdp", "tc", "missed"}; netns is null for this namespace,
                    device for the host; missed lists stages that packets do not reach;
                    alive is null for a device that is out of reach
  --netns NAME    DEV is in this network namespace
  -h, --help

Exit status: 0, also if nothing is attached; 1 error, or with --check not reached;
2 usage.
EOF
}

JSON=0 CHECK=0
option() { if [[ $1 == --check ]]; then CHECK=1; else JSON=1; fi; }
options '-h|--help -j|--json --check --netns=' "$@"
((${#ARGS[@]} <= 1)) || misuse "one device, please"
DEV=${ARGS[0]:-}

need_caps bpf net_admin sys_admin
need_tools ip tc jq nsenter "$BPFTOOL"
load_abi
need_bpffs
HOST=0 NETNS_GONE=0 FAILED=0
pins_load
map_check hm_dev || true
map_check hm_netns || true

# one_json DEV BY-HAND: the device of DEV_*, as an object on a line
one_json() {
	local tc='' missed=''
	XDP_ID='' XDP_MODE='' XDP_NAME=''
	if ((DEV_INODE && DEV_ALIVE)); then
		xdp_get "$1"
		tc=$(tc_filters "$1")
		missed=$(reach_now "$1" "$CHECK" "$COUNTS" | sed -n 's/^missed\t//p') || exit 1
	fi
	jq -cn --arg device "$1" --arg netns "$NETNS" --argjson ifindex "$DEV_IFINDEX" --arg host "$DEV_INODE" \
		--arg alive "$DEV_ALIVE$NETNS_HIDDEN" --argjson hand "$2" --arg features "${FEATURES_SET[*]}" \
		--arg xdp "$XDP_ID $XDP_MODE $XDP_NAME" --arg tc "$tc" --arg missed "$missed" '
		def words: split(" ") | map(select(. != ""));
		($host == "0") as $is_host | {
			device: (if $is_host then null else $device end),
			netns: (if $netns == "" then null else $netns end),
			ifindex: (if $is_host then null else $ifindex end),
			alive: (if $alive | test("^0.") then null else $is_host or $alive == "1" end), by_hand: ($hand == 1), features: ($features | words),
			xdp: ($xdp | words | if length < 3 then null else {program: .[2], id: (.[0] | tonumber), mode: .[1]} end),
			tc: ($tc | split("\n") | map(words | select(length > 4 and .[1] != "-")
				| {pref: (.[0] | tonumber), handle: .[1], program: .[4], id: (.[2] | tonumber)})),
			missed: ($missed | split("\n") | map(select(. != "")))
		}'
}

# one DEV: the device of DEV_*. Without features in the registry: those of FEATURES_SET, by hand
one() {
	local feature where='' hand=0
	[[ -z $NETNS ]] || where=" in network namespace $NETNS"
	if ((DEV_FEATURES)); then features_of "$DEV_FEATURES"; else hand=$((${#FEATURES_SET[@]} > 0)); fi
	if ((JSON)); then
		one_json "$1" "$hand"
		return
	fi
	if ((!DEV_INODE)); then
		printf 'host: %s\n' "${FEATURES_SET[*]}"
	elif ((!DEV_ALIVE)); then
		if [[ -n $NETNS_HIDDEN ]]; then
			printf '%s%s: out of reach: %s\n' "$DEV_NAME" "$where" "$(netns_hidden_why "$DEV_INODE")"
		else
			printf '%s%s: has vanished, or is in another network namespace now; detach.sh removes what is left\n' "$DEV_NAME" "$where"
		fi
		return
	else
		if ((hand)); then
			printf '%s%s: attached by hand\n' "$1" "$where"
		else
			printf '%s%s:%s\n' "$1" "$where" "${FEATURES_SET[*]:+ ${FEATURES_SET[*]}}"
		fi
		device_hooks "$1"
	fi
	((hand)) || for feature in "${FEATURES_SET[@]}"; do feature "$feature" status "$1"; done
	((DEV_INODE)) || return 0
	reach_now "$1" "$CHECK" "$COUNTS" | {
		if ((CHECK)); then cat; else grep ^missed || true; fi
	} | sed 's/^[a-z]*\t/  reach    /'
}

# one_of_many DEV: the same in a subshell: if the device was renamed meanwhile, the others are
# still shown
one_of_many() {
	local status
	set +e
	(
		set -e
		one "$1"
	)
	status=$?
	set -e
	((!status)) || FAILED=1
}

# device_hooks DEV: its XDP program and its ingress filters, ours and others'
device_hooks() {
	local pref handle id class name
	xdp_get "$1"
	[[ -z $XDP_ID ]] || printf '  xdp      %s id %s, %s mode%s\n' "$XDP_NAME" "$XDP_ID" "$XDP_MODE" "${XDP_SEC[1]:+, section ${XDP_SEC[1]}}"
	while read -r pref handle id class name; do
		[[ -n $pref && $handle != - ]] || continue
		printf '  tc       ingress pref %s handle %s: %s%s\n' "$pref" "$handle" "$name" "${id:+ id $id}"
	done <<<"$(tc_filters "$1")"
}

all() {
	if [[ -n $DEV ]]; then
		use_netns "$NS" || die "no network namespace $NS"
		netns_words
		DEV_ALIVE=1
		device_index "$DEV" || DEV_ALIVE=0
		dev_find "$DEV" || {
			((DEV_ALIVE)) || die "no device $DEV${NS:+ in network namespace $NS}"
			dev_unknown "$DEV"
			ours=$(progs_ours)
			xdp_get "$DEV"
			by_hand "$DEV" "$XDP_ID" || true
		}
		((DEV_ALIVE)) || ! dev_named || DEV=$IFNAME DEV_ALIVE=1
		one "$DEV"
		return
	fi

	# in_this COOKIE NAME: is this the device's namespace, and not a new one with the same inode?
	in_this() { use_netns "$2" && [[ $NETNS_INODE == "$DEV_INODE" ]] && netns_cookie && netns_same "${1:-0}"; }

	use_netns ''
	own=$NETNS_INODE_OWN hidden=-
	known=" "
	netns_list
	dev_list
	while read -r line; do
		[[ -n $line ]] || continue
		dev_read "$line"
		NETNS='' DEV_ALIVE=1 name=$DEV_NAME NETNS_HIDDEN=''
		if ((DEV_INODE)); then
			read -r _ cookie NS <<<"$(sed -n "s/^$DEV_NSID //p" <<<"$NAMESPACES")"
			if [[ $DEV_INODE == "$own" ]]; then
				in_this "$cookie" '' || DEV_ALIVE=0
			elif ! in_this "$cookie" "$NS" && ! in_this "$cookie" "$(netns_file "$DEV_INODE")"; then
				NETNS=$NS DEV_ALIVE=0 # (it may be unnamed or renamed by now)
				[[ $hidden != - ]] || hidden=$(progs_hidden) || exit 1
				NETNS_HIDDEN=${hidden//$'\n'/ }
			fi
		fi
		netns_words
		if ((DEV_INODE && DEV_ALIVE)); then
			IFINDEX=$DEV_IFINDEX
			IFNAME=$(device_name "$IFINDEX") || FAILED=1
			name=$IFNAME
			[[ -n $name ]] || DEV_ALIVE=0
			[[ $DEV_INODE != "$own" ]] || known+="$name "
		fi
		one_of_many "${name:-$DEV_NAME}"
	done <<<"$DEVS"

	# attached by hand: our programs on devices that are not in the registry
	use_netns ''
	netns_words
	DEV_ALIVE=1
	ours=$(progs_ours)
	hooked=$(json_of tc -j qdisc show && jq -r '.[] | select(.kind == "clsact" or .kind == "ingress") | .dev' <<<"$ANSWER" | as_named)
	while read -r name id; do
		[[ -n $name && $known != *" $name "* ]] && by_hand "$name" "$id" "$hooked" || continue
		device_index "$name" || continue
		dev_unknown "$name"
		one "$name"
	done <<<"$(ip_json -d link show 2>/dev/null | jq -r '.[] | "\(.ifname) \(.xdp // {} | (.attached[0]? // .).prog.id // "-")"' | as_named)"
	return "$FAILED"
}

# progs_ours: the programs of devices that use our maps, lines " ID FEATURE"
progs_ours() {
	local ids="${PIN_ID[*]}"
	bpftool -j prog show | jq -r --argjson ids "[${ids// /,}]" '.[]
		| select(.name | IN("latency_xdp", "latency_xdp2", "latency_frags", "latency_tc", "l2fwd_xdp", "l2fwd_frags", "l2fwd_tc", "policy_tc"))
		| select(any(.map_ids // [] | .[]; IN($ids[]))) | " \(.id) \(.name | split("_")[0])"'
}

# by_hand DEV XDP-ID [HOOKED]: the features of those programs ($ours) that are in XDP or at
# ingress, in FEATURES_SET. HOOKED: the devices that have an ingress hook, if known
by_hand() {
	local id name found=" $2 "
	if (($# < 3)) || grep -qxF -- "$1" <<<"$3"; then
		found+=$(tc_filters "$1" | awk '{ printf "%s ", $3 }')
	fi
	FEATURES_SET=()
	while read -r id name; do
		[[ -z $id || $found != *" $id "* || " ${FEATURES_SET[*]} " == *" $name "* ]] || FEATURES_SET+=("$name")
	done <<<"$ours"
	((${#FEATURES_SET[@]}))
}

# pins: the number of pinned maps, and the maps that this version cannot use
pins() {
	[[ -n $STATUS ]] || {
		hookmap_reader
		STATUS=$("$READER" -j status) || return
	}
	jq -r --arg all "$(typed hookmap status --pins)" '(.programs // [] | length) as $n | .rows | length as $maps
		| if $maps == 0 then empty else "maps: \($maps) pinned, \(map(.memory // 0) | add / 1048576 * 10 | ceil / 10) MiB, \($n) programs use them (\($all))" end,
			(.[] | select(.state != "ok") | "  \(.pin): \(.state)")' <<<"$STATUS"
}

# elsewhere: prints a line about our programs that are not in TEXT, if any
elsewhere() { # TEXT
	local shown ids list where='' line n=0
	if ((JSON)); then
		shown=$(jq '.xdp.id // empty, .tc[].id' <<<"$1")
	else
		shown=$(sed -nE 's/^  (xdp|tc) .* id ([0-9]+)(,.*)?$/\2/p' <<<"$1")
	fi
	ids=$(remains_progs | awk '$2 == "xdp" || $2 == "sched_cls" { print $1 }' | { grep -vxF -- "$shown" || true; } | paste -sd,) || exit 1
	[[ -n $ids ]] || return 0
	list=$(remains_devices "$ids") || exit 1
	while IFS= read -r line; do
		[[ -n $line ]] || continue
		((n++ < 8)) && where+="${where:+, }${line%% *} in network namespace ${line#* }" || :
	done <<<"$list"
	((n <= 8)) || where+=" and $((n - 8)) more"
	if [[ -n $where ]]; then
		printf 'elsewhere: programs of ours are on %s: detach.sh --all removes them\n' "$where"
	elif [[ -z $1 ]]; then
		printf 'programs of ours are loaded (id %s), on no device in reach: detach.sh --all removes them, or says why not\n' "$ids"
	fi
}

# the reader's output; empty if there is no reader, or if it fails
STATUS=''
! (hookmap_reader) 2>/dev/null || {
	hookmap_reader
	STATUS=$(look "$READER" -j status 2>/dev/null) || STATUS=''
}
COUNTS=$(reach_counts <<<"$STATUS") || exit 1
set +e
out=$(
	set -e
	all
)
FAILED=$?
set -e
[[ -n $out ]] || ((!FAILED)) || exit "$FAILED"
more=''
[[ -n $DEV ]] || more=$(elsewhere "$out") || FAILED=1
if ((JSON)); then
	jq -s . <<<"$out" | json_escaped
	[[ -z $more ]] || note "$more"
	MISSED=$(jq '.missed[]' <<<"$out")
else
	[[ -n $out$more ]] || out="nothing of hookmap is attached"
	clean_lines <<<"$out${more:+${out:+$'\n'}$more}"
	[[ -n $DEV ]] || pins | clean_lines || FAILED=1
	MISSED=$(grep '^  reach    attached but not reached:' <<<"$out") || true
fi
answered && ((!FAILED)) || exit 1
[[ -z $MISSED ]] || ((!CHECK))
