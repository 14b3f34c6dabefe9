#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# make MAPS=legacy, with an iproute2 that still reads a "maps" section (Debian 11's)

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

LEGACY=$HM_BUILD/legacy
OLD=$HM_BUILD/old-iproute2

# outside the sandbox: the package comes over the network, once
setup_file() {
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$HM_TOP" O="$LEGACY" MAPS=legacy objects >&2
	"$HM_TOP/tests/old_iproute2.sh" "$OLD" 2>"$BATS_FILE_TMPDIR/why" || true
}

setup() {
	local why
	why=$(cat "$BATS_FILE_TMPDIR/why" 2>/dev/null) || true
	skip_without "iproute2 of Debian 11 (${why:-?})" test -e "$OLD/complete"
	ip link add name d0 type veth peer name d1
	ip link set d0 up
	ip link set d1 up
}

old() { # ip|tc ARGUMENT...
	# sbin/ip is a link to /bin/ip: today's
	local tool=$OLD/sbin/$1
	[[ $1 != ip ]] || tool=$OLD/bin/ip
	shift
	LD_LIBRARY_PATH=$(echo "$OLD"/usr/lib/*-linux-gnu*) "$tool" "$@"
}

packets() { # KIND
	bpftool -j map dump pinned "$G/count_stat" | jq --argjson key "$1" \
		'def n: [.[] | ltrimstr("0x") | explode | map(if . > 96 then . - 87 else . - 48 end) | .[0] * 16 + .[1]] | reverse | reduce .[] as $b (0; . * 256 + $b);
		[.[] | select((.key | n) == $key) | .values[].value[0:8] | n] | add'
}

@test "legacy: every object of xdp/ and tc/ is loaded and attached by the old ip and tc" {
	old tc qdisc add dev d0 clsact
	for folder in xdp tc; do
		for source in "$HM_TOP/$folder"/*.c; do
			object=$LEGACY/$folder/$(basename "$source" .c).o
			# libbpf 0.x does not read inner_id: tables of tables load only with an
			# iproute2 that has no libbpf at all
			case $folder/$(basename "$source" .c) in
			xdp/l2fwd | tc/l2fwd | tc/policy) continue ;;
			esac
			# an iproute2 with no libbpf at all knows no global data
			if llvm-objdump -t "$object" | grep -E ' O \.(data|bss|rodata)'; then
				printf '%s has global data\n' "$object" >&2
				return 1
			fi
			case $folder in
			xdp) set -- old ip link set dev d0 xdpdrv obj "$object" ;;
			tc) set -- old tc filter add dev d0 ingress pref 1 handle 1 bpf da obj "$object" ;;
			esac
			out=$("$@" 2>&1) || {
				printf '%s: %s\n' "$object" "$out" >&2
				return 1
			}
			ip link set dev d0 xdpdrv off
			tc filter del dev d0 ingress 2>/dev/null || true
			rm -rf "$G"
		done
	done
}

@test "legacy: one pinned map is shared by xdp/count and tc/count, and counts exactly" {
	ip addr add 10.98.0.1/24 dev d0
	old ip link set dev d0 xdp obj "$LEGACY/xdp/count.o"
	old tc qdisc add dev d0 clsact
	old tc filter add dev d0 ingress pref 1 handle 1 bpf da obj "$LEGACY/tc/count.o"
	equal "$(packets 1)" 0 before
	# from d1, whose addresses are d0's neighbours: no ARP
	ip addr add 10.98.0.2/32 dev d1
	ip route add 10.98.0.9/32 dev d1
	ip neigh add 10.98.0.9 lladdr "$(cat_mac d0)" dev d1
	"$HM_BUILD/tests/traffic" udp-send 10.98.0.9 9 41
	equal "$(packets 1)" 82 "packets at XDP and tc"
}
cat_mac() { ip -j link show dev "$1" | jq -r '.[0].address'; }

@test "legacy: hello drops by its map, and a tail call is grafted" {
	old ip link set dev d0 xdp obj "$LEGACY/xdp/tail_a.o"
	id=$(ip -j -d link show dev d0 | jq '.[0].xdp.prog.id')
	run_on() { "$HM_TOP/scripts/run.sh" "$1" "$HM_TOP/tests/packets/ipv4-udp.hex" --expect "$2"; }
	bpftool prog pin id "$id" /sys/fs/bpf/p
	run_on /sys/fs/bpf/p pass
	old tc exec bpf graft m:globals/tail_next key 1 obj "$LEGACY/xdp/tail_b.o" type xdp sec prog
	run_on /sys/fs/bpf/p drop
	old ip link set dev d1 xdp obj "$LEGACY/xdp/hello.o"
	bpftool prog pin id "$(ip -j -d link show dev d1 | jq '.[0].xdp.prog.id')" /sys/fs/bpf/h
	run_on /sys/fs/bpf/h pass
	bpftool map update pinned "$G/hello_cfg" key 0 0 0 0 value 1 0 0 0 1 0 0 0
	run_on /sys/fs/bpf/h drop
}

@test "legacy: bpf_api.h's map IDs and tail sections work with the old tc" {
	cat >"$BATS_TEST_TMPDIR/jump.c" <<'EOF'
#include "bpf_api.h"

BPF_PROG_ARRAY(jumps, 42, PIN_OBJECT_NS, 2);
struct bpf_elf_map __section_maps hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(uint32_t),
	.size_value = sizeof(uint32_t),
	.pinning = PIN_GLOBAL_NS,
	.max_elem = 1,
};

__section_tail(42, 1) int landed(struct __sk_buff *skb)
{
	uint32_t key = 0, *value = map_lookup_elem(&hits, &key);

	if (value)
		lock_xadd(value, 1);
	return TC_ACT_OK;
}

__section_cls_entry int entry(struct __sk_buff *skb)
{
	tail_call(skb, &jumps, 1);
	return TC_ACT_SHOT;
}

BPF_ANNOTATE_KV_PAIR(hits, uint32_t, uint32_t);
BPF_LICENSE("GPL");
EOF
	clang -O2 -g -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter -target bpf -DHM_ABI=1 -DHM_MAPS_LEGACY \
		-I"$HM_TOP/kern" -idirafter "/usr/include/$(gcc -print-multiarch)" -S -emit-llvm \
		-o "$BATS_TEST_TMPDIR/jump.ll" "$BATS_TEST_TMPDIR/jump.c"
	llc -march=bpf -mcpu=v2 -filetype=obj -o "$BATS_TEST_TMPDIR/jump.o" "$BATS_TEST_TMPDIR/jump.ll"
	old tc qdisc add dev d0 clsact
	# the loader itself puts "landed" into the program array: by the ID
	old tc filter add dev d0 ingress pref 1 handle 1 bpf da obj "$BATS_TEST_TMPDIR/jump.o"
	bpftool prog pin id "$(tc -j filter show dev d0 ingress | jq '.[] | .options.prog.id // empty')" /sys/fs/bpf/p
	"$HM_TOP/scripts/run.sh" /sys/fs/bpf/p "$HM_TOP/tests/packets/ipv4-udp.hex" --expect ok --repeat 5
	[[ $(bpftool -j map lookup pinned "$G/hits" key 0 0 0 0 | jq -r '.value[0]') != 0x00 ]]
}

@test "legacy: today's ip refuses the old form, and says so" {
	skip_without "iproute2 with libbpf 1.x" bash -c "ip -V | grep -q 'libbpf 1'"
	run ip link set dev d0 xdp obj "$LEGACY/xdp/count.o"
	((status))
	like "$output" "legacy map definitions"
}
