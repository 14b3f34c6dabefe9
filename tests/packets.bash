# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# packets.bash - packets as hexadecimal text, from small parts:
#   packet "$(eth 0800)$(ip4 17 12)$(udp 7000 4)deadbeef" FILE

eth() { printf '%s' "0200000000010200000000ee$1"; } # ETHERTYPE
vlan() { printf '%s' "$1$2"; }                      # TCI NEXT-ETHERTYPE

# ip4 PROTOCOL L4-BYTES [FRAGMENT-WORD [OPTION-BYTES]]: 10.11.1.2 to 10.11.1.1; no checksum
ip4() {
	local options=${4:-0}
	printf '4%x00%04x12340000' $((5 + options / 4)) $((20 + options + $2)) | sed "s/0000\$/${3:-0000}/"
	printf '40%02x00000a0b01020a0b0101' "$1"
	printf '01%.0s' $(seq "$options") | head -c $((options * 2))
}

# ip6 NEXT PAYLOAD-BYTES: fd11:1::2 to fd11:1::1
ip6() {
	printf '60000000%04x%02x40' "$2" "$1"
	printf 'fd110001000000000000000000000002fd110001000000000000000000000001'
}

ext() { printf '%02x%02x%s' "$1" "$2" "$(printf '00%.0s' $(seq $((6 + 8 * $2))))"; } # NEXT LENGTH
frag6() { printf '%02x00%s00000001' "$1" "$2"; }                                     # NEXT OFFSET-WORD
udp() { printf '1234%04x%04x0000' "$1" $((8 + $2)); }                                # DPORT PAYLOAD-BYTES
tcp() { printf '1234%04x%s0000000050180100%s' "$1" "${2:-00000001}" 00000000; }      # DPORT [SEQ]
icmp() { printf '0800000012340001'; }

# packet HEX FILE
packet() {
	# shellcheck disable=SC2059,SC2001
	printf "$(sed 's/../\\x&/g' <<<"$1")" >"$2"
}

# One of each kind: FIXTURES[name]=hex
declare -gA FIXTURES=(
	[udp4]=$(eth 0800)$(ip4 17 12)$(udp 7000 4)deadbeef
	[udp4_options]=$(eth 0800)$(ip4 17 12 0000 8)$(udp 7000 4)deadbeef
	[udp4_vlan]=$(eth 8100)$(vlan 0033 0800)$(ip4 17 12)$(udp 7000 4)deadbeef
	[udp4_qinq]=$(eth 88a8)$(vlan 0064 8100)$(vlan 0033 0800)$(ip4 17 12)$(udp 7000 4)deadbeef
	[udp4_first_fragment]=$(eth 0800)$(ip4 17 12 2000)$(udp 7000 4)deadbeef
	[udp4_later_fragment]=$(eth 0800)$(ip4 17 12 2001)$(udp 7000 4)deadbeef
	[tcp4]=$(eth 0800)$(ip4 6 24)$(tcp 7000)deadbeef
	[icmp4]=$(eth 0800)$(ip4 1 12)$(icmp)deadbeef
	[udp6]=$(eth 86dd)$(ip6 17 12)$(udp 7000 4)deadbeef
	[udp6_vlan]=$(eth 8100)$(vlan 0033 86dd)$(ip6 17 12)$(udp 7000 4)deadbeef
	[udp6_hopopts]=$(eth 86dd)$(ip6 0 20)$(ext 17 0)$(udp 7000 4)deadbeef
	[udp6_chain]=$(eth 86dd)$(ip6 0 52)$(ext 60 0)$(ext 43 1)$(ext 44 1)$(frag6 17 0000)$(udp 7000 4)deadbeef
	[udp6_ah]=$(eth 86dd)$(ip6 51 24)110100000000000100000001$(udp 7000 4)deadbeef
	[udp6_later_fragment]=$(eth 86dd)$(ip6 44 20)$(frag6 17 0009)$(udp 7000 4)deadbeef
	[tcp6]=$(eth 86dd)$(ip6 6 24)$(tcp 7000)deadbeef
	[arp]=$(eth 0806)00010800060400010200000000ee0a0b01020000000000000a0b0101
	[lldp]=$(eth 88cc)0207040200000000010403656e30
	[triple_vlan]=$(eth 8100)$(vlan 0001 8100)$(vlan 0002 8100)$(vlan 0003 0800)$(ip4 17 12)$(udp 7000 4)deadbeef
	[bad_ihl]=$(eth 0800)$(ip4 17 12 | sed 's/^45/44/')$(udp 7000 4)deadbeef
	[bad_version]=$(eth 0800)$(ip4 17 12 | sed 's/^45/65/')$(udp 7000 4)deadbeef
)
# of these, the ones that are whole IP packets
FIXTURES_IP='udp4 udp4_options udp4_vlan udp4_qinq udp4_first_fragment udp4_later_fragment tcp4 icmp4
	udp6 udp6_vlan udp6_hopopts udp6_chain udp6_ah udp6_later_fragment tcp6'
