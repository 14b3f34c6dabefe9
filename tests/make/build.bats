#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The build, and that every object loads

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { cd "$HM_TOP" || return; }

build() { make -s O="$BATS_TEST_TMPDIR/b" "$@"; }

# load_all DIR: every object of the collection, by the tool that it is made for
load_all() {
	local object n=0
	ip link add name load0 type veth peer name load1
	tc qdisc add dev load0 clsact
	for object in "$1"/xdp/*.o; do
		ip link set dev load0 xdp obj "$object"
		ip link set dev load0 xdp off
		n=$((n + 1))
	done
	for object in "$1"/tc/*.o; do
		tc filter add dev load0 ingress pref 1 handle 1 bpf da obj "$object"
		tc filter del dev load0 ingress
		n=$((n + 1))
	done
	for object in "$1"/iptables/*.o; do
		bpftool -n prog loadall "$object" "/sys/fs/bpf/load$n" type socket
		n=$((n + 1))
	done
	LOADED=$n
}

@test "build: a failing clang leaves no object" {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "clang: broken" >&2\nfor a; do case $a in *.ll) echo partial >"$a";; esac; done\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/clang"
	chmod +x "$BATS_TEST_TMPDIR/bin/clang"
	run build objects CLANG="$BATS_TEST_TMPDIR/bin/clang"
	((status))
	equal "$(find "$BATS_TEST_TMPDIR/b" -name '*.o' -o -name '*.ll')" "" "objects"
}

@test "build: a change of settings rebuilds all objects; of each instruction set, they load" {
	local b=$BATS_TEST_TMPDIR/b cpu clangs llcs
	for cpu in v1 v2 v3; do
		build objects BPF_CPU="$cpu"
		rm -rf /sys/fs/bpf/tc /sys/fs/bpf/load*
		load_all "$b"
		ip link del load0
		((LOADED >= 3))
		cp "$b/tc/latency.o" "$BATS_TEST_TMPDIR/$cpu.o"
	done
	run ! cmp -s "$BATS_TEST_TMPDIR/v1.o" "$BATS_TEST_TMPDIR/v3.o"
	run -0 make -n O="$b" BPF_CPU=v3 objects
	like "$output" "Nothing to be done"
	read -r clangs llcs < <(find "$b" -name '*.ll' -printf 'll\n' -o -name '*.o' -printf 'o\n' | sort | uniq -c | awk '{ printf "%s ", $1 } END { print "" }')
	rebuilt() { make -n O="$b" "$@" objects | grep -oE 'printf.* (CLANG|LLC) ' | awk '{ n[$NF]++ } END { print n["CLANG"] + 0, n["LLC"] + 0 }'; }
	equal "$(rebuilt BPF_CPU=v1)" "0 $llcs" "for another instruction set"
	equal "$(rebuilt BPF_CPU=v3 EXTRA_BPF_CFLAGS=-DX)" "$clangs $llcs" "for other flags"
	# a header that changes rebuilds what includes it
	build objects BPF_CPU=v3
	run -0 make -n -W kern/parse.h O="$b" BPF_CPU=v3 objects
	like "$output" "xdp/latency.ll"
	[[ $output != *xdp/pass.ll* ]]
	run build objects MAPS=other
	((status))
	like "$output" "use btf or legacy"
}

@test "build: without clang or llc, make says what installs them" {
	for tool in CLANG LLC; do
		run build "$BATS_TEST_TMPDIR/b/xdp/pass.o" "$tool=no-such-tool"
		equal "$status" 2 status
		like "$output" 'make: no-such-tool is missing: sudo scripts/deps.sh run build'
	done
}

@test "build: an object has BTF, and no debug sections" {
	local object
	for object in xdp tc iptables kern; do
		run -0 llvm-readelf -S "$HM_BUILD/$object/latency.o"
		like "$output" ".BTF"
		[[ $output != *.debug_info* ]]
	done
}

@test "build: objects are the same, whatever the folder they were built in" {
	local there=$BATS_TEST_TMPDIR/another/folder
	mkdir -p "$there"
	cp -r Makefile kern xdp tc iptables user scripts tests "$there"
	make -s -C "$there" objects
	cd "$there/build"
	find . -name '*.o' -exec sha256sum {} + | sort >"$there/sums"
	(($(wc -l <"$there/sums") >= 25))
	cd "$HM_BUILD"
	sha256sum --quiet -c "$there/sums"
}

@test "build: MAPS=legacy makes bpf_elf_map in section maps" {
	build "$BATS_TEST_TMPDIR"/b/{xdp,tc}/latency.o MAPS=legacy
	for object in xdp tc; do
		run -0 llvm-readelf -S "$BATS_TEST_TMPDIR/b/$object/latency.o"
		like "$output" " maps "
		[[ $output != *' .maps '* ]]
	done
	# bpf_elf_map has nine words; xdp/latency has lat_cfg, lat_stat, lat_ring, hm_reach and three xdp_next
	equal "$(llvm-readelf -S "$BATS_TEST_TMPDIR/b/xdp/latency.o" | awk '$2 == "maps" || $3 == "maps" { for (i = 1; i < NF; i++) if ($i == "PROGBITS") print $(i + 3) }')" 0000fc "size of section maps"
}

@test "build: the structures are the same in BPF and in user space" {
	local name size
	mkdir -p /sys/fs/bpf/p
	bpftool -n prog loadall "$HM_BUILD/tc/latency.o" /sys/fs/bpf/p
	bpftool -n prog loadall "$HM_BUILD/xdp/latency.o" /sys/fs/bpf/p/x type xdp
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	for name in lat_cfg lat_stat lat_ring lat_stamp lat_hist xdp_next xdp_next_xdp xdp_next_frags; do
		size=HM_MAP_$name
		equal "$(bpftool -j map show name "$name" | jq -r 'if type == "array" then .[-1] else . end | "\(.type) \(.bytes_key) \(.bytes_value) \(.max_entries)"')" "$(cut -d' ' -f1-4 <<<"${!size}")" "$name"
	done
	# offsets: as BTF has them, and as the scripts use them
	equal "$(bpftool -j btf dump file "$HM_BUILD/xdp/latency.o" | jq -r '.types[] | select(.name == "lat_cfg" and .kind == "STRUCT") | .members[] | select(.name == "match") | .bits_offset / 8')" "$HM_OFF_lat_cfg_match" "offset of match"
}

@test "build: make deb installs nothing, and says what is missing" {
	local dir=$BATS_TEST_TMPDIR/bin tool
	mkdir "$dir"
	for tool in apt-get deps.sh dpkg-buildpackage; do
		printf '#!/bin/sh\necho "$0 $*" >>"%s/called"\n' "$dir" >"$dir/$tool"
	done
	printf '#!/bin/sh\necho "dpkg-checkbuilddeps: error: Unmet build dependencies: nothing" >&2; exit 1\n' >"$dir/dpkg-checkbuilddeps"
	chmod +x "$dir"/*
	PATH=$dir:$PATH run make -s O="$BATS_TEST_TMPDIR/b" deb
	equal "$status" 2 status
	like "$output" "Unmet build dependencies: nothing"
	like "$output" "what a package needs is missing: sudo scripts/deps.sh build package"
	[[ ! -e $dir/called ]]
}

@test "build: the whole of it as an ordinary user, and nothing to do the second time; what needs root says so" {
	cp -r . "$BATS_TEST_TMPDIR/tree"
	rm -rf "$BATS_TEST_TMPDIR/tree/build"
	chown -R 65534:65534 "$BATS_TEST_TMPDIR/tree"
	chmod 755 "$BATS_TEST_TMPDIR"
	user() { (cd "$BATS_TEST_TMPDIR/tree" && HOME=/nonexistent setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --inh-caps -all -- "$@"); }
	user make -s all
	[[ -x $BATS_TEST_TMPDIR/tree/build/hookmap && -s $BATS_TEST_TMPDIR/tree/build/xdp/latency.o && -s $BATS_TEST_TMPDIR/tree/build/abi.sh ]]
	run -0 user make all
	like "$output" "Nothing to be done"
	for goal in demo check bench; do
		run user make "$goal"
		((status))
		like "$output" "this needs root: sudo make $goal"
	done
}
