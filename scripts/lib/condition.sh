# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# condition.sh - conditions about packets, in tcpdump's words, by the compiler (user/rules).

condition_help() {
	cat <<'EOF'
CONDITION, in tcpdump's words; a packet must meet all of them:
  src|dst|host PREFIX     IPv4 or IPv6; host: either address
  proto NAME|NUMBER       or tcp, udp, icmp, icmp6, sctp alone
  sport|dport|port N[-N]  later fragments have no ports and do not match
  vlan VID                the outermost tag
  ethertype TYPE          ip, ip6, arp (these also work alone), 0xNNNN
  fragment yes            fragments after the first
  echo                    ICMP echo, of both families
EOF
}

# condition OPTION WITHOUT WORD...: compiles to a struct match in CONDITION, as hexadecimal bytes.
# WITHOUT: words that the feature does not support.
condition() {
	local out
	compiler
	out=$("$COMPILER" match --without "$2" -- "${@:3}" 2>&1) || misuse "$1: $out"
	read -ra CONDITION <<<"$out"
}
