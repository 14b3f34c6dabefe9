#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# make install: what is there works from anywhere, with no compiler; make uninstall

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() {
	ROOT=$BATS_TEST_TMPDIR/root BIN=$BATS_TEST_TMPDIR/root/usr/bin
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install DESTDIR="$ROOT" PREFIX=/usr
	unset HOOKMAP_OBJ
	cd / || return
}

# installed_only: there is no compiler, no make, and nothing that was built
installed_only() {
	without make cc gcc clang llc
	run ! command -v clang
	mkdir "$BATS_TEST_TMPDIR/empty"
	mount --bind "$BATS_TEST_TMPDIR/empty" "$HM_SHIPPED"
}
teardown() { umount "$HM_SHIPPED" 2>/dev/null || true; }

# without: PATH has all that it had but these commands
without() {
	local dir file
	mkdir -p "$BATS_TEST_TMPDIR/path"
	for dir in ${PATH//:/ }; do
		for file in "$dir"/*; do
			[[ " $* " == *" ${file##*/} "* ]] || ln -sf "$file" "$BATS_TEST_TMPDIR/path/"
		done
	done
	export PATH=$BIN:$BATS_TEST_TMPDIR/path
}

@test "install: attach, read and detach, from /, with no compiler and no source" {
	lab_up
	# a root of its own would be the same; what matters is that nothing else is looked at
	installed_only
	on host hookmap-attach eth0 --sample 1 --filter 'proto icmp'
	on client ping -q -c 3 -i 0.01 10.11.1.1
	equal "$("$BIN/hookmap" -j latency | jq '[.rows[] | select(.from == "xdp" and .to == "tc") | .count] | add')" 3
	like "$(on host hookmap-status)" "eth0: latency"
	on host "$BIN/hookmap" detach eth0
	nothing_left
	fails 1 "attach first (hookmap-attach DEV)" "$BIN/hookmap" latency
}

@test "install: hookmap-demo l2fwd, from /: tags, SMTP, a guard, latency, by installed commands; nothing left" {
	skip_without ethtool command -v ethtool
	installed_only
	run -0 hookmap-demo l2fwd
	equal "$(grep -c ' 0% packet loss' <<<"$output")" 4 'pings that were answered'
	equal "$(grep -c '100% packet loss' <<<"$output")" 1 'pings that were not'
	like "$output" 'outside -> 10.51.0.11 port 25: no answer'
	like "$output" 'outside -> 10.51.0.11 port 80: connected'
	like "$output" 'drop_source_ip'
	like "$output" 'nothing of hookmap is attached'
	like "$output" '?host? + hookmap-attach uplink l2fwd'
	like "$output" '?host? + hookmap fdb'
	equal "$(grep -c 'scripts/' <<<"$output")" 0 'commands that are not installed'
}

@test "install: hookmap-sandbox, a lab in it, and nothing of both afterwards" {
	run -0 env -u HM_IN_SANDBOX PATH="$BIN:$PATH" hookmap-sandbox bash -c 'hookmap-lab up quick && hookmap-lab list && mkdir /sys/fs/bpf/x'
	equal "$output" $'quick\nquick'
	equal "$(ip netns list)" '' namespaces
	[[ ! -e /sys/fs/bpf/x ]]
	run -3 env PATH="$BIN:$PATH" hookmap-sandbox bash -c 'exit 3'
	fails 2 "hookmap-sandbox: expected a command" "$BIN/hookmap-sandbox"
	fails 2 "hookmap-sandbox: expected a command" "$BIN/hookmap-sandbox" --foo
}

@test "install: all commands have a page, a completion, --help by their own name" {
	local path name n=0
	for path in "$BIN"/*; do
		name=${path##*/}
		[[ -s $ROOT/usr/share/man/man8/$name.8 && -s $ROOT/usr/share/bash-completion/completions/$name ]]
		run -0 "$path" --help
		like "$output" "usage: $name"
		[[ $output != *.sh* ]]
		n=$((n + 1))
	done
	equal "$n" "$(find "$HM_TOP"/{user,scripts} -maxdepth 1 -name '*.8' ! -name new.8 | wc -l)" commands
	fails 2 "hookmap-attach: no device given (see hookmap-attach --help)" "$BIN/hookmap" attach
	# what needs the sources is not there
	fails 2 "hookmap: new: unknown verb" "$BIN/hookmap" new
}

@test "install: uninstall leaves nothing, and what is somebody's own stays" {
	make -s -C "$HM_TOP" O="$HM_SHIPPED" uninstall DESTDIR="$ROOT" PREFIX=/usr
	equal "$(find "$ROOT" ! -type d -o -name '*hookmap*')" "" "left"
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install DESTDIR="$ROOT" PREFIX=/usr
	echo latency >"$ROOT/etc/hookmap/eth0.conf"
	make -s -C "$HM_TOP" O="$HM_SHIPPED" uninstall DESTDIR="$ROOT" PREFIX=/usr
	equal "$(find "$ROOT" ! -type d)" "$ROOT/etc/hookmap/eth0.conf" "left"
}

@test "install: uninstall detaches what is attached, or stops" {
	local usr=$BATS_TEST_TMPDIR/usr
	lab_up
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install PREFIX="$usr" confdir="$BATS_TEST_TMPDIR/etc"
	on host "$usr/bin/hookmap-attach" eth0 latency l2fwd 2>/dev/null
	on host "$usr/bin/hookmap-attach" --host drops
	# detach refuses: nothing is removed
	mv /sys/fs/bpf/hookmap /sys/fs/bpf/away
	mkdir -m 777 /sys/fs/bpf/hookmap
	run -2 on host make -s -C "$HM_TOP" O="$HM_SHIPPED" uninstall PREFIX="$usr" confdir="$BATS_TEST_TMPDIR/etc"
	like "$output" "make: not uninstalled, because what is attached could not be taken off: see above"
	[[ -x $usr/bin/hookmap-detach ]]
	rmdir /sys/fs/bpf/hookmap
	mv /sys/fs/bpf/away /sys/fs/bpf/hookmap
	on host make -s -C "$HM_TOP" O="$HM_SHIPPED" uninstall PREFIX="$usr" confdir="$BATS_TEST_TMPDIR/etc"
	nothing_left
	equal "$(find "$usr" ! -type d)" "" "files"
	# what was attached by hand as well
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install PREFIX="$usr" confdir="$BATS_TEST_TMPDIR/etc"
	on host ip link set dev eth0 xdp obj "$usr/lib/hookmap/build/xdp/latency.o"
	on host make -s -C "$HM_TOP" O="$HM_SHIPPED" uninstall PREFIX="$usr" confdir="$BATS_TEST_TMPDIR/etc"
	nothing_left
}

@test "install: a path with a space is refused: uninstall would remove what is before it" {
	local target
	mkdir "$BATS_TEST_TMPDIR/a"
	for target in install uninstall; do
		run -2 make -s -C "$HM_TOP" O="$HM_SHIPPED" "$target" DESTDIR="$BATS_TEST_TMPDIR/a b" PREFIX=/usr
		like "$output" "DESTDIR and PREFIX must not contain spaces"
	done
	equal "$(find "$BATS_TEST_TMPDIR/a")" "$BATS_TEST_TMPDIR/a" "what is there"
}

# complete WORD...: what the last word can become, a line each
complete_words() {
	PATH=$BIN:$PATH bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _hookmap
		printf "%s\n" "${COMPREPLY[@]}" | sort -u' - "$ROOT/usr/share/bash-completion/completions/hookmap" "$@"
}

@test "install: completion knows verbs, options, devices, features and namespaces" {
	lab_up
	ip link add name comp0 type veth peer name comp1
	equal "$(complete_words hookmap la)" "$(printf 'lab\nlatency')"
	equal "$(complete_words hookmap latency --b)" "$(printf -- '--bpffs\n--buckets')"
	equal "$(complete_words hookmap fdb --sum)" "--summary"
	equal "$(complete_words hookmap -s di)" dip
	equal "$(complete_words hookmap-attach --sam)" "$(printf -- '--sample\n--samples')"
	equal "$(complete_words hookmap-attach comp0 l)" "$(printf 'l2fwd\nlatency')"
	equal "$(complete_words hookmap attach comp0 --mode n)" "$(printf 'native\nnone')"
	like "$(complete_words hookmap-detach --host '')" drops
	equal "$(complete_words hookmap-detach --host lat)" ""
	equal "$(complete_words hookmap-attach --netns "$LAB-s")" "$LAB-server"
	equal "$(complete_words hookmap-lab exec "$LAB" c)" client
	equal "$(complete_words hookmap-policy d)" "$(printf 'del\ndiff')"
	equal "$(complete_words hookmap policy d)" "$(printf 'del\ndiff')"
	equal "$(complete_words hookmap fdb port eth0 hair)" hairpin
	# of this network namespace
	mount -t sysfs sysfs /sys
	equal "$(complete_words hookmap-attach co)" "$(printf 'comp0\ncomp1')"
}
