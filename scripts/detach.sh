#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# detach.sh - takes features of hookmap off a device or the host. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
. "$HM_SCRIPTS/lib/registry.sh"
. "$HM_SCRIPTS/lib/hooks.sh"
. "$HM_SCRIPTS/lib/features.sh"
# a full /tmp must not keep anybody from taking things off
[[ ! -w /run ]] || export TMPDIR=/run

usage() {
	cat <<'EOF'
usage: detach.sh [OPTION...] DEV [FEATURE...]
       detach.sh [OPTION...] --host [FEATURE...]

Takes all features, or those given, off the network device DEV or the host. The last
user of a map takes it along. It is no error if nothing is attached, or if the device
or its network namespace has vanished: what is left of it is removed.

  --netns NAME    DEV is in this network namespace
  -n, --dry-run   only show the commands
  -v, --verbose   show the commands, too
  -h, --help

Exit status: 0 nothing of ours is there any more, 1 error, 2 usage.
EOF
}

DEV='' HOST=0
option() { HOST=1; } # --host
options '-n|--dry-run -v|--verbose -h|--help --host --netns=' "$@"
FEATURES=("${ARGS[@]}")
if ((!HOST)); then
	((${#ARGS[@]})) || misuse "no device given"
	DEV=${ARGS[0]}
	FEATURES=("${ARGS[@]:1}")
fi
feature_check "$HOST" "${FEATURES[@]}"

need_caps bpf net_admin sys_admin
need_tools ip tc jq nsenter flock
need_bpftool
load_abi
need_bpffs
lock
leftovers_remove
map_check hm_dev || true

# detach_one NAME: the features asked for of DEV_*; all that it has, or could have
# been given by hand
detach_one() {
	local feature others names=("${FEATURES[@]}")
	if ((!${#names[@]})); then
		features_of "$DEV_FEATURES"
		names=("${FEATURES_SET[@]}")
	fi
	if ((!${#names[@]} && !HOST)); then
		for feature in "${FEATURES_KNOWN[@]}"; do
			[[ " ${HOST_FEATURES[*]} " == *" $feature "* ]] || names+=("$feature")
		done
	fi
	for feature in "${names[@]}"; do
		"${feature}_detach" "$1"
		feature_bit "$feature"
		DEV_FEATURES=$((DEV_FEATURES & ~BIT))
		others=$(dev_others "$BIT") || exit 1
		[[ -n $others ]] || "${feature}_unshare"
	done
	dev_put
}

NETNS_GONE=0 DEV_ALIVE=0 IFINDEX=''
if ((HOST)); then
	use_netns ''
	netns_words
	dev_host
	detach_one host
else
	if use_netns "$NS"; then
		netns_settle
		device_index "$DEV" && DEV_ALIVE=1
		DEV=$IFNAME
	else
		netns_gone "$NS" || die "no network namespace $NS, and none of that name was attached"
		inode=$NETNS_INODE
		if use_netns "$(netns_file "$inode")" && [[ $NETNS_INODE == "$inode" ]]; then
			# a process has it still
			device_index "$DEV" && DEV_ALIVE=1
			DEV=$IFNAME
		else
			NETNS_INODE=$inode NETNS_GONE=1
			netns_vanished "$inode" ||
				die "network namespace $NS is not found by a name, a mount or a process, but a program of ours is still attached where it is not seen (id $NETNS_HIDDEN)"
		fi
	fi
	netns_words
	if dev_find "$DEV"; then
		detach_one "$DEV"
	elif ((DEV_ALIVE)); then
		dev_unknown "$DEV"
		detach_one "$DEV"
	elif [[ -n $NS ]] && netns_gone "$NS" && netns_vanished "$NETNS_INODE" && dev_find "$DEV"; then
		# the namespace was made anew under the same name
		NETNS_GONE=1
		detach_one "$DEV"
	elif ((!NETNS_GONE)); then
		die "no device $DEV${NS:+ in network namespace $NS}, and none of that name was attached"
	fi
fi

# what has vanished meanwhile would keep the maps for ever
DEV_ALIVE=0 HOST=0 FEATURES=()
use_netns ''
netns_words
list=$(dev_list) || exit 1
mapfile -t entries <<<"$list"
links=$(ip_json link) || die "ip link show failed"
for entry in "${entries[@]}"; do
	[[ -n $entry ]] || continue
	dev_read "$entry"
	((DEV_INODE)) || continue
	NETNS_GONE=0
	if [[ $DEV_INODE == "$NETNS_INODE_OWN" ]]; then
		jq -e --argjson index "$DEV_IFINDEX" 'any(.[]; .ifindex == $index)' <<<"$links" >/dev/null && continue
	else
		netns_vanished "$DEV_INODE" || {
			[[ -z $NETNS_HIDDEN ]] || warn "$DEV_NAME is kept: its network namespace is not found by a name, a mount or a process, but programs of ours are attached where they are not seen (id $NETNS_HIDDEN)"
			continue
		}
		NETNS_GONE=1
	fi
	warn "$DEV_NAME has vanished: removing what is left of it"
	detach_one "$DEV_NAME"
done

list=$(dev_list) || exit 1
if [[ -z $list ]] || ((DRY_RUN)); then
	maps_remove hm_dev hm_netns
	[[ ! -d $PINS ]] || try rmdir "$PINS" || true
fi
