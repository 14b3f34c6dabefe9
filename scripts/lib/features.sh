# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# features.sh - what attach.sh, detach.sh and status.sh know about features: a feature
# is a file in scripts/features/ that defines, for its name F,
#   F_help             its part of attach.sh --help
#   F_option OPT VALUE takes an option of attach.sh; false if it is not one of F's
#   F_attach DEV       attaches to the device DEV_*, in $NETNS, idempotent; dies if it
#                      cannot, after deferring the undoing of each of its changes
#   F_detach DEV       the reverse; the device (DEV_ALIVE=0) or its namespace
#                      (NETNS_GONE=1) may be gone
#   F_unshare          removes what all devices shared, after the last user is detached
#   F_status           prints one or more lines about the device DEV_*
#   F_same DEV         the device is the one that it was attached to, even without our programs.
#                      (Only if it can tell.)
#   F_renew DEV        removes all of the device DEV_*, which has vanished, before DEV, which has its
#                      ifindex, is attached. (Only if F_detach leaves something.)
#   F_forget NSID      removes what it has counted in the network namespace with this number in
#                      hm_netns, before another gets the number. (Only if it counts by nsid.)
#   F_reach            lists the places that a device's packets must reach: see reach.sh
# A feature of the whole host has no DEV, and host.sh has defaults for all of these. The bit of F in
# hm_dev.features is HM_FEAT_F.

HOST_FEATURES=()
# shellcheck source=scripts/lib/host.sh
. "$HM_SCRIPTS/lib/host.sh"
# options of features that have no value
FLAG_OPTIONS=()
FEATURES_KNOWN=()
for part in "$HM_SCRIPTS"/features/*.sh; do
	# shellcheck source=/dev/null
	. "$part"
	part=${part##*/}
	FEATURES_KNOWN+=("${part%.sh}")
done

# feature_has NAME WHAT: it defines that
feature_has() { declare -F "$1_$2" >/dev/null; }

# feature NAME WHAT WORD...: F_WHAT, or the default in host.sh
feature() {
	if feature_has "$1" "$2"; then
		"$1_$2" "${@:3}"
	else
		"host_$2" "$1" "${@:3}"
	fi
}

# feature_bit NAME: its bit, in BIT
feature_bit() {
	local bit=HM_FEAT_$1
	BIT=${!bit}
}

# feature_check HOST NAME...: these exist, and are of the host (1) or of a device (0)
feature_check() {
	local host=$1 name
	shift
	for name; do
		[[ " ${FEATURES_KNOWN[*]} " == *" $name "* ]] ||
			misuse "unknown feature $name; features are: ${FEATURES_KNOWN[*]}"
		if [[ " ${HOST_FEATURES[*]} " == *" $name "* ]]; then
			((host)) || misuse "$name is a feature of the host: use --host $name"
		else
			((!host)) || misuse "$name is a feature of a device: give the device"
		fi
	done
}

# features_of MASK: their names, in FEATURES_SET
features_of() {
	local name
	FEATURES_SET=()
	for name in "${FEATURES_KNOWN[@]}"; do
		feature_bit "$name"
		((!($1 & BIT))) || FEATURES_SET+=("$name")
	done
}

# dev_unshare NAME: removes what the feature shares, unless DEV_* or another device has it
dev_unshare() {
	local OTHERS
	feature_bit "$1"
	((!(DEV_FEATURES & BIT))) || return 0
	dev_others "$BIT"
	[[ -n $OTHERS ]] || feature "$1" unshare
}
