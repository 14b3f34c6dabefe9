# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# apt.bash - source it: gets packages of other Debian releases from this machine's mirror,
# without installing anything or changing its configuration.

# mirror [PATTERN]: the first mirror in /etc/apt, or the first whose name contains PATTERN
mirror() {
	{ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
		awk '$1 == "URIs:" { print $2 } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\//) { print $i; break } }' |
		grep -m 1 -e "${1:-.}" || true
}

# private_apt DIR SUITE...: a private configuration in DIR; APT are the options for
# apt-get and apt-cache. If that fails, prints one line and returns false.
private_apt() {
	local dir=$1 suite uri security
	shift
	command -v apt-get >/dev/null || {
		printf '%s: no apt-get: only on Debian and Ubuntu\n' "${0##*/}" >&2
		return 1
	}
	uri=$(mirror)
	[[ -n $uri ]] || {
		printf '%s: no mirror in /etc/apt\n' "${0##*/}" >&2
		return 1
	}
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
	security=$(mirror security)
	for suite; do
		[[ $suite != *-security || -n $security ]] || continue
		printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
			"$([[ $suite == *-security ]] && printf %s "$security" || printf %s "$uri")" "$suite"
	done >"$dir/sources.list"
	# shellcheck disable=SC2034
	APT=(-qq -o "Dir::State::Lists=$dir/lists" -o "Dir::Etc::SourceList=$dir/sources.list"
		-o "Dir::Etc::SourceParts=$dir/parts" -o "Dir::Cache=$dir" -o "Dir::Cache::Archives=$dir/archives"
		-o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=20
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none)
}
