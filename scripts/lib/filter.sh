# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# filter.sh - conditions about packets, in words as in tcpdump: protocols, ports and
# prefixes.

# protocol OPTION TEXT MIN: a name or a number from MIN on, in NUMBER
protocol() {
	case $2 in
	icmp) NUMBER=1 ;;
	tcp) NUMBER=6 ;;
	udp) NUMBER=17 ;;
	icmp6) NUMBER=58 ;;
	sctp) NUMBER=132 ;;
	gre) NUMBER=47 ;;
	esp) NUMBER=50 ;;
	ah) NUMBER=51 ;;
	ospf) NUMBER=89 ;;
	udplite) NUMBER=136 ;;
	igmp) NUMBER=2 ;;
	ipip) NUMBER=4 ;;
	ipv6) NUMBER=41 ;;
	dccp) NUMBER=33 ;;
	vrrp) NUMBER=112 ;;
	pim) NUMBER=103 ;;
	none) NUMBER=59 ;;
	*) number "$1" "$2" "$3" 255 ;;
	esac
}

# prefix TEXT: FAMILY (4 or 6), ADDRESS and MASK as 16 bytes in network order
prefix() {
	local text=${1%/*} bits part i n byte decimal='(0|[1-9][0-9]{0,2})'
	ADDRESS=() MASK=()
	if [[ $text =~ ^$decimal\.$decimal\.$decimal\.$decimal$ ]]; then
		FAMILY=4 n=4
		for part in "${BASH_REMATCH[@]:1}"; do
			((part <= 255)) || return 1
			printf -v byte '%02x' "$part"
			ADDRESS+=("$byte")
		done
	elif [[ $text =~ ^[0-9A-Fa-f:]+$ && $text == *:* ]]; then
		FAMILY=6 n=16
		ip6_bytes "$text" || return 1
	else
		return 1
	fi
	bits=$((n * 8))
	if [[ $1 == */* ]]; then
		[[ ${1#*/} =~ ^$decimal$ ]] && ((${1#*/} <= bits)) || return 1
		bits=${1#*/}
	fi
	for ((i = 0; i < 16; i++)); do
		((i < n)) || ADDRESS[i]=00
		part=$((bits - i * 8))
		((part < 0)) && part=0
		((part > 8)) && part=8
		printf -v byte '%02x' $((256 - (1 << (8 - part))))
		MASK+=("$byte")
	done
}

# ip6_bytes TEXT: ADDRESS as 16 bytes
ip6_bytes() {
	local left right word words=() tail=()
	left=$1 right=
	if [[ $1 == *::* ]]; then
		left=${1%%::*} right=${1#*::}
		[[ $right != *::* ]] || return 1
	fi
	IFS=: read -ra words <<<"$left"
	IFS=: read -ra tail <<<"$right"
	if [[ $1 == *::* ]]; then
		((${#words[@]} + ${#tail[@]} <= 7)) || return 1
		while ((${#words[@]} + ${#tail[@]} < 8)); do words+=(0); done
	fi
	words+=("${tail[@]}")
	((${#words[@]} == 8)) || return 1
	for word in "${words[@]}"; do
		[[ $word =~ ^[0-9A-Fa-f]{1,4}$ ]] || return 1
		word=$(printf '%04x' "$((16#$word))")
		ADDRESS+=("${word:0:2}" "${word:2:2}")
	done
}

# filter_words TEXT: WORDS, in which each condition has a value: "tcp" alone is "proto tcp"
filter_words() {
	local words word last=''
	WORDS=()
	read -ra words <<<"$1"
	for word in ${words[@]+"${words[@]}"}; do
		# (a value may be any word)
		if [[ -z $last && $word == @(tcp|udp|icmp|icmp6|sctp) ]]; then
			WORDS+=(proto "$word")
		elif [[ -z $last && $word == echo ]]; then
			WORDS+=(echo 1)
		elif [[ -n $last || $word != and ]]; then
			WORDS+=("$word")
			[[ -z $last ]] && last=$word || last=''
		fi
	done
}

# filter_word STRUCT OPTION KEY TEXT: the condition KEY (proto, port, sport, dport, src,
# dst, host) into VALUE, which is a STRUCT that has fields for it
filter_word() {
	local at=HM_OFF_$1_$3 family=HM_OFF_$1_$3_family mask=HM_OFF_$1_$3_mask
	case $3 in
	proto)
		protocol "$2: proto" "$4" 1
		at=HM_OFF_$1_l4proto
		value_set "${!at}" 1 "$NUMBER"
		;;
	port | sport | dport)
		number "$2: $3" "$4" 1 65535
		value_be16 "${!at}" "$NUMBER"
		;;
	src | dst | host)
		prefix "$4" || misuse "$2: $3 $4: expected an IPv4 or IPv6 prefix"
		value_set "${!family}" 1 "$FAMILY"
		value_raw "${!at}" "${ADDRESS[@]}"
		value_raw "${!mask}" "${MASK[@]}"
		;;
	esac
}
