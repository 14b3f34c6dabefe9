#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# kern/bpf_api.h: the names of iproute2's header, each used by tests/bpf/bpf_api.c

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

# What iproute2's include/bpf_api.h offers (6.1 to 6.17)
NAMES=(__stringify __maybe_unused offsetof likely unlikely htons ntohs htonl ntohl __inline__
	__section __section_tail __section_cls_entry __section_act_entry __section_license __section_maps
	BPF_LICENSE __BPF_MAP BPF_HASH BPF_ARRAY BPF_ARRAY2 BPF_ARRAY4 BPF_ARRAY8 BPF_PROG_ARRAY BPF_H_DEFAULT BPF_FUNC
	map_lookup_elem map_update_elem map_delete_elem ktime_get_ns trace_printk printt get_prandom_u32
	tail_call get_smp_processor_id get_cgroup_classid get_route_realm redirect clone_redirect
	skb_load_bytes skb_store_bytes l3_csum_replace l4_csum_replace csum_diff skb_vlan_push skb_vlan_pop
	skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt
	lock_xadd memset memcpy memmove load_byte load_half load_word)
FLAGS=(-O2 -g -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter -target bpf
	-fno-stack-protector -DHM_ABI=1 -I"$HM_TOP/kern" -idirafter "/usr/include/$(gcc -print-multiarch)")

compile() { # SOURCE OBJECT [FLAG...]
	clang "${FLAGS[@]}" "${@:3}" -S -emit-llvm -o "$2.ll" "$1" && llc -march=bpf -mcpu=v2 -filetype=obj -o "$2" "$2.ll"
}

@test "bpf_api: every name is there, and is used by the test object" {
	for name in "${NAMES[@]}"; do
		grep -qE "(define |[ *])$name\b" "$HM_TOP/kern/bpf_api.h" || {
			printf '%s is not in kern/bpf_api.h\n' "$name" >&2
			return 1
		}
		# __section_license and __section_maps stand behind BPF_LICENSE and BPF_HASH
		case $name in
		__section_license | __section_maps) continue ;;
		esac
		grep -qE "\b$name\b" "$HM_TOP/tests/bpf/bpf_api.c" || {
			printf '%s is not used in tests/bpf/bpf_api.c\n' "$name" >&2
			return 1
		}
	done
}

@test "bpf_api: each program of the test object runs, and all of its checks hold" {
	bpftool prog loadall "$HM_BUILD/tests/bpf/bpf_api.o" /sys/fs/bpf/t type classifier
	# PIN_GLOBAL_NS is pinned by name, PIN_NONE is not
	[[ -e /sys/fs/bpf/api_array4 ]]
	equal "$(find /sys/fs/bpf -maxdepth 1 -name 'api_*' | wc -l)" 1 "pinned maps"
	jump=$(bpftool -j prog show pinned /sys/fs/bpf/t/api_jumps | jq '.map_ids[0]')
	# unpinned, a program array is empty again when bpftool goes
	bpftool map pin id "$jump" /sys/fs/bpf/jump
	bpftool map update pinned /sys/fs/bpf/jump key 1 0 0 0 value pinned /sys/fs/bpf/t/api_landed
	for program in misc maps info packet vlan tunnel redirect jumps landed; do
		out=$("$HM_TOP/scripts/run.sh" /sys/fs/bpf/t/api_"$program" "$HM_TOP/tests/packets/ipv4-udp.hex" --expect ok 2>&1) || {
			printf 'api_%s: %s\n' "$program" "$out" >&2
			return 1
		}
	done
	equal "$(bpftool -j map lookup pinned /sys/fs/bpf/api_array4 key 3 0 0 0 | jq -c .value)" '["0x04","0x00","0x00","0x00"]' "written through BPF_ARRAY4"
}

@test "bpf_api: a program in iproute2's style compiles unchanged in both map flavours, and tc loads it" {
	cat >"$BATS_TEST_TMPDIR/style.c" <<'EOF'
#include "bpf_api.h"

/* one array for the ingress and the egress program of one object */
BPF_ARRAY4(hits, 0, PIN_GLOBAL_NS, 1);

static __inline__ void hit(void)
{
	uint32_t key = 0, *value = map_lookup_elem(&hits, &key);

	if (value)
		lock_xadd(value, 1);
}

__section("ingress") int cls_in(struct __sk_buff *skb)
{
	hit();
	return TC_ACT_OK;
}

__section("egress") int cls_out(struct __sk_buff *skb)
{
	hit();
	return BPF_H_DEFAULT;
}

BPF_LICENSE("GPL");
EOF
	compile "$BATS_TEST_TMPDIR/style.c" "$BATS_TEST_TMPDIR/style.o" -DHM_MAPS_PINNED
	compile "$BATS_TEST_TMPDIR/style.c" "$BATS_TEST_TMPDIR/legacy.o" -DHM_MAPS_LEGACY
	like "$(llvm-objdump -h "$BATS_TEST_TMPDIR/style.o")" " .maps "
	like "$(llvm-objdump -h "$BATS_TEST_TMPDIR/legacy.o")" " maps "
	# the struct of 9 words that the old loader reads: type 2, key 4, value 4, 1 entry
	equal "$(llvm-objcopy --dump-section "maps=$BATS_TEST_TMPDIR/maps" "$BATS_TEST_TMPDIR/legacy.o" && od -An -v -td4 "$BATS_TEST_TMPDIR/maps" | xargs)" \
		"2 4 4 1 0 0 2 0 0" "bpf_elf_map"

	lab_up
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress pref 1 handle 1 bpf da obj "$BATS_TEST_TMPDIR/style.o" sec ingress
	on host tc filter add dev eth0 egress pref 1 handle 1 bpf da obj "$BATS_TEST_TMPDIR/style.o" sec egress
	# both count into one map
	before=$(hits)
	on client ping -q -c 1 -W 5 10.11.1.1 >/dev/null
	(($(hits) >= before + 2))
	on host tc filter del dev eth0 egress pref 1
	# a license that forbids a helper is what the program says it is
	sed 's/BPF_LICENSE.*/BPF_LICENSE("Proprietary");/; s/hit();/printt("no");/' "$BATS_TEST_TMPDIR/style.c" >"$BATS_TEST_TMPDIR/closed.c"
	compile "$BATS_TEST_TMPDIR/closed.c" "$BATS_TEST_TMPDIR/closed.o"
	run on host tc filter add dev eth0 egress pref 2 handle 1 bpf da obj "$BATS_TEST_TMPDIR/closed.o" sec egress
	((status))
	like "$output" "cannot call GPL"
}
hits() { printf '%d\n' "$(bpftool -j map lookup pinned "$G/hits" key 0 0 0 0 | jq -r '.value[0]')"; }

@test "bpf_api: included behind maps.h it says so" {
	printf '#include "maps.h"\n#include "bpf_api.h"\n' >"$BATS_TEST_TMPDIR/late.c"
	run compile "$BATS_TEST_TMPDIR/late.c" "$BATS_TEST_TMPDIR/late.o"
	((status))
	like "$output" "include it first"
}
