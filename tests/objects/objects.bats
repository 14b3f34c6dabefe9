#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Every object of the collection, whatever it does: it loads with the tools of its
# folder, attaches, detaches, and takes packets that end anywhere. Driven by what is
# in build/: a new object is in with no edit here.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../objects.bash"

setup() {
	ip link add name d0 type veth peer name d1
	ip link set d0 up
	ip link set d1 up
	mkdir -p /sys/fs/bpf/t
	LACKING=()
}

@test "objects: each carries the license and the ABI that the scripts check" {
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	for folder in xdp tc iptables kern; do
		objects "$folder"
		for object in "${OBJECTS[@]}"; do
			grep -aq "GPL.hookmap-abi:$HM_ABI" "$object" || {
				printf '%s has no ABI\n' "$object" >&2
				return 1
			}
		done
	done
}

# bats test_tags=vm
@test "objects: each of xdp/ is attached by ip, native and generic, and detached" {
	objects xdp
	for object in "${OBJECTS[@]}"; do
		for mode in xdpdrv xdpgeneric; do
			must "$object" ip link set dev d0 "$mode" obj "$object"
			id=$(ip -j -d link show dev d0 | jq '.[0].xdp.prog.id')
			name=$(programs "$object" | awk '$1 == "prog" { print substr($2, 1, 15) }')
			equal "$(bpftool -j prog show id "$id" | jq -r .name)" "$name" "$object: program"
			must "$object" ip link set dev d0 "$mode" off
			equal "$(ip -j -d link show dev d0 | jq '.[0].xdp // empty')" "" "$object: XDP after off"
			busywait 5 gone "$id"
		done
		# the same for jumbo frames, but for what is made to be loaded as a whole
		[[ $object != */steps.o ]] || {
			fresh
			continue
		}
		ip link set d1 mtu 9000
		must "$object" ip link set dev d0 xdpdrv obj "$object" sec xdp.frags
		equal "$(ip -j -d link show dev d0 | jq -r '.[0].xdp.prog.name')" "${name%_xdp}_frags" "$object: program in xdp.frags"
		must "$object" ip link set dev d0 xdpdrv off
		ip link set d1 mtu 1500
		report loads "$object"
		fresh
	done
}

# bats test_tags=vm
@test "objects: each of tc/ is attached by tc, ingress and egress, and detached" {
	objects tc
	tc qdisc add dev d0 clsact
	for object in "${OBJECTS[@]}"; do
		for hook in ingress egress; do
			must "$object" tc filter add dev d0 "$hook" pref 1 handle 1 bpf da obj "$object"
			equal "$(tc -j filter show dev d0 "$hook" | jq '[.[] | select(.options.prog)] | length')" 1 "$object: filters"
			must "$object" tc filter del dev d0 "$hook" pref 1 handle 1 bpf
			equal "$(tc filter show dev d0 "$hook")" "" "$object: filters after del"
		done
		report loads "$object"
		fresh
	done
}

# bats test_tags=vm
@test "objects: each of iptables/ is loaded by bpftool, matched by a rule, and removed" {
	skip_without "iptables -m bpf" iptables -A INPUT -m bpf --bytecode '1,6 0 0 65535'
	iptables -F INPUT
	objects iptables
	for object in "${OBJECTS[@]}"; do
		shared_maps "$object"
		must "$object" bpftool prog loadall "$object" /sys/fs/bpf/t/p type socket "${MAPS[@]}"
		for pin in /sys/fs/bpf/t/p/*; do
			for ipt in iptables ip6tables; do
				must "$object" "$ipt" -A INPUT -i d0 -m bpf --object-pinned "$pin"
				must "$object" "$ipt" -D INPUT -i d0 -m bpf --object-pinned "$pin"
			done
		done
		report loads "$object"
		fresh
	done
}

# bats test_tags=vm
@test "objects: each of kern/ is loaded by bpftool, attached to its tracepoint or cgroup, and removed" {
	objects kern
	# the types that l2fwd_mirror reads are a module's, which comes with the first bridge
	ip link add br0 type bridge
	ip link del br0
	for object in "${OBJECTS[@]}"; do
		# needed where the first program cannot be attached but only pinned
		mkdir /sys/fs/bpf/t/p
		shared_maps "$object"
		must "$object" bpftool -n prog loadall "$object" /sys/fs/bpf/t/p "${MAPS[@]}" autoattach
		while read -r section name; do
			pin=/sys/fs/bpf/t/p/$name
			case $section in
			cgroup_skb/*gress)
				hook=${section#*/}
				[[ -n ${HOOKMAP_CGROUP:-} ]] || continue
				must "$object" bpftool cgroup attach "$HOOKMAP_CGROUP" "$hook" pinned "$pin" multi
				must "$object" bpftool cgroup detach "$HOOKMAP_CGROUP" "$hook" pinned "$pin"
				;;
			tp_btf/* | raw_tp* | raw_tracepoint/* | tp/* | tracepoint/* | fentry/* | fexit/* | k*probe/*)
				# "autoattach" is content with a pin where it cannot attach
				bpftool -j link show pinned "$pin" 2>/dev/null | jq -e .id >/dev/null || {
					printf '%s: %s is not attached\n' "$object" "$name" >&2
					return 1
				}
				;;
			esac
		done < <(programs "$object")
		report loads "$object"
		fresh
	done
}

# cut_at_all FOLDER TYPE LOWEST HIGHEST: runs each program of a folder on each packet of
# tests/packets, cut at each length; its verdicts must be legal
cut_at_all() {
	local object section name verdict count packets=() file out
	for file in "$HM_TOP"/tests/packets/*.hex; do
		packets+=("$(sed 's/#.*//' "$file" | tr -d ' \n')")
	done
	objects "$1"
	for object in "${OBJECTS[@]}"; do
		MAPS=()
		case $1 in
		kern | iptables) shared_maps "$object" ;;
		esac
		# "type" is for those that bpftool cannot guess
		must "$object" bpftool prog loadall "$object" /sys/fs/bpf/t/p ${2:+type "$2"} "${MAPS[@]}"
		while read -r section name; do
			# these have no test run
			[[ $section != xdp/*map* && $section != *tp* && $section != *trace* &&
				$section != f*/* && $section != k*probe/* ]] || continue
			out=$("$HM_BUILD/tests/testrun" "/sys/fs/bpf/t/p/${name}" "${packets[@]}") || {
				printf '%s: %s\n' "$object" "$name" >&2
				return 1
			}
			like "$out" "[0-9]"
			while read -r verdict count; do
				[[ $verdict == refused ]] || ((verdict >= $3 && verdict <= $4)) || {
					printf '%s: %s returned %s for %s packets\n' "$object" "$name" "$verdict" "$count" >&2
					return 1
				}
			done <<<"$out"
		done < <(programs "$object")
		fresh
	done
}

@test "objects: xdp/ takes packets that end anywhere, and aborts none" {
	cut_at_all xdp xdp 1 4
}

@test "objects: tc/ takes packets that end anywhere" {
	cut_at_all tc '' -1 8
}

@test "objects: iptables/ takes packets that end anywhere" {
	cut_at_all iptables socket 0 65535
}

@test "objects: kern/ takes packets that end anywhere" {
	cut_at_all kern '' 0 3
}

# bats test_tags=vm
@test "objects: none was left out because the kernel lacks what it needs" {
	for folder in xdp tc iptables kern; do objects "$folder"; done
	((!${#LACKING[@]})) || skip_without "fentry, kprobes or functions, for ${LACKING[*]}" false
}
