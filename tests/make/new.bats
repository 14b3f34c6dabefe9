#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# new.sh: objects from a template, which the tests for all objects find

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() {
	T=$BATS_TEST_TMPDIR/tree
	tree_copy "$T"
	export HOOKMAP_OBJ=$T/build
}

new() { "$T/scripts/new.sh" "$@"; }
tree() { (cd "$T" && find . -type f ! -name .settings -exec cksum {} + | sort -k 3); }
# the generic tests of the copied tree, by name
generic() {
	# bats puts its own inner commands in front of the PATH
	env -i PATH="$(tr : '\n' <<<"$PATH" | grep -v bats-core | paste -sd:)" HOME=/ HOOKMAP_OBJ="$T/build" bats --tap --filter "$1" "$T/tests/objects/objects.bats"
}

@test "new: an object for each hook is written in the house's form, built, and works" {
	for hook in xdp tc iptables kern; do
		equal "$(new "$hook" mine 2>"$BATS_TEST_TMPDIR/hint")" "$hook/mine.c"$'\n'"$T/build/$hook/mine.o" output
		equal "$(<"$BATS_TEST_TMPDIR/hint")" "new.sh: note: try scripts/run.sh $hook/mine tests/packets/three.pcap"
		equal "$(cd "$T" && clang-format --dry-run -Werror "$hook/mine.c" 2>&1)" "" "clang-format of $hook/mine.c"
		equal "$(grep -c count_stat "$T/$hook/mine.c")" 0 "the template's map"
		"$T/scripts/run.sh" "$hook/mine" "$T/tests/packets/ipv6-udp.hex" --repeat 19 --dump mine_stat >"$BATS_TEST_TMPDIR/out"
		equal "$(sed 1,2d "$BATS_TEST_TMPDIR/out" | jq -c '[.[] | [.values[].value.packets] | add]')" "[0,0,19,0,0]" "packets counted by $hook/mine"
	done
	equal "$(find "$T" -name '.new.*')" "" "temporary files"
	new xdp bare --bare
	"$T/scripts/run.sh" xdp/bare.o "$T/tests/packets/arp.hex" --expect pass
	# a long name
	new tc abcdefghi9
	equal "$(cd "$T" && clang-format --dry-run -Werror tc/abcdefghi9.c 2>&1)" "" clang-format
}

@test "new: a feature of the host is five files: attached, read, in the help, the pages and the completion" {
	equal "$(new host mine 2>/dev/null | paste -sd' ')" "kern/abi/mine.h kern/mine.c scripts/features/mine.sh user/mine.c tests/mine/live.bats" files
	equal "$(cd "$T" && clang-format --dry-run -Werror kern/abi/mine.h kern/mine.c user/mine.c 2>&1)" "" clang-format
	equal "$(cd "$T" && shellcheck -x scripts/features/mine.sh && shfmt -d -ln bash scripts/features/mine.sh && shfmt -d -ln bats tests/mine/live.bats)" "" shellcheck
	fails 1 "kern/abi/mine.h already exists" new host mine
	fails 1 "user/status.c already exists" new host status
	HM_BUILD=$T/build lab_up
	"$T/scripts/attach.sh" --host mine exec
	like "$("$T/scripts/status.sh")" "host: exec mine"
	udp host 10.11.1.1 7
	like "$("$T/build/hookmap" mine)" "PACKETS"
	(($("$T/build/hookmap" -j mine | jq '.rows[0].packets') >= 7))
	equal "$("$T/build/hookmap" -j status | jq -r '.devices[].features')" exec,mine status
	like "$("$T/build/hookmap" --help)" "  mine       packets that the stack is given"
	like "$("$T/scripts/attach.sh" --help)" "mine (of the host): packets"
	like "$(<"$T/build/man/hookmap.8")" ".It Cm mine"$'\n'"Packets that the stack is given."
	like "$(<"$T/build/man/attach.8")" ".Ss mine (of the host)"
	# shellcheck source=/dev/null
	like "$(unset -f hookmap && PATH=$T/build:$PATH && . "$T/scripts/completion.bash" && _hookmap_verbs)" mine
	"$T/scripts/detach.sh" --host
	nothing_left
}

@test "new: the tests for all objects find the new one, and what is wrong with it" {
	new xdp mine
	out=$(generic 'xdp/ takes')
	like "$out" "ok 1"
	# aborts what is no IP
	sed -i 's/return XDP_PASS;/return proto < 0 ? XDP_ABORTED : XDP_PASS;/' "$T/xdp/mine.c"
	make -s -C "$T" build/xdp/mine.o
	out=$(generic 'xdp/ takes') && return 1
	like "$out" "xdp/mine.o: mine_xdp returned 0"
	# reads before the comparison with the end: the verifier refuses it
	sed -i 's/return proto.*/return *(char *)c.pos ? XDP_PASS : XDP_DROP;/' "$T/xdp/mine.c"
	make -s -C "$T" build/xdp/mine.o
	out=$(generic 'xdp/ is attached|xdp/ takes') && return 1
	like "$out" "not ok 1"
	like "$out" "not ok 2"
	like "$out" "xdp/mine.o"
	# a source whose object is missing is no success
	rm "$T/build/xdp/mine.o"
	out=$(generic 'xdp/ takes') && return 1
	like "$out" "xdp/mine.o is not built"
}

@test "new: nothing that exists is touched, and what does not build is taken back" {
	new xdp mine
	tree >"$BATS_TEST_TMPDIR/before"
	fails 1 "xdp/mine.c already exists" new xdp mine
	fails 1 "xdp/count.c already exists" new xdp count
	sed -i 's/^HM_XDP(tail_b)/HM_XDP(other)/' "$T/xdp/tail_b.c"
	fails 1 "program other_xdp already exists in xdp/" new xdp other
	sed -i 's/^HM_XDP(other)/HM_XDP(tail_b)/' "$T/xdp/tail_b.c"
	fails 2 "name steps_drop1: use up to 10" new xdp steps_drop1
	fails 2 "name Mine: use" new xdp Mine
	fails 2 "name ../x: use" new xdp ../x
	fails 2 "unknown hook foo; hooks are: xdp, tc, iptables, kern, host" new foo mine
	fails 2 "a hook and a name are needed" new xdp
	fails 2 "unknown option --foo" new --foo xdp x
	fails 2 "--bare works for xdp only" new --bare tc x
	like "$(new -n tc other)" "other_tc"
	CLANG=false fails 1 "make" new tc other
	tree | diff "$BATS_TEST_TMPDIR/before" -
}
