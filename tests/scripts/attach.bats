#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# attach.sh, detach.sh, status.sh: the contract of composition, undoing and cleaning up

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }

# Everything on the host that an attach could change
state() {
	find /sys/fs/bpf -type f | sort
	on host ip -j -d link show | jq -c '.[] | [.ifname, .xdp.prog.id]'
	on host tc qdisc show
	on host tc filter show dev eth0 ingress
	# rules and chains of users; looking at a table is enough to make it
	on host iptables-save | grep -E '^-A|^:[^ ]+ - ' | sed 's/\[.*//'
	on host ip6tables-save | grep -E '^-A|^:[^ ]+ - ' | sed 's/\[.*//'
	bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq -c '[.[]?.id]'
}

@test "attach: twice is the same state" {
	attach eth0 --sample 7
	state >"$BATS_TEST_TMPDIR/once"
	hookmap -j status | jq -S '[.rows[].id]' >>"$BATS_TEST_TMPDIR/once"
	attach eth0
	state >"$BATS_TEST_TMPDIR/twice"
	hookmap -j status | jq -S '[.rows[].id]' >>"$BATS_TEST_TMPDIR/twice"
	diff "$BATS_TEST_TMPDIR/once" "$BATS_TEST_TMPDIR/twice"
	equal "$(hookmap -j latency | jq .lost.sample)" 7 "sampling stays"
}

@test "attach: with gojq and without it, with jq alone, the same is attached, shown and detached" {
	skip_without gojq type -P gojq
	local jq path=$PATH
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s /usr/bin/* "$BATS_TEST_TMPDIR/bin"
	rm "$BATS_TEST_TMPDIR/bin/gojq"
	for jq in gojq jq; do
		[[ $jq == gojq ]] || path=$BATS_TEST_TMPDIR/bin:/usr/sbin
		on host env PATH="$path" "$HM_TOP/scripts/attach.sh" eth0 latency l2fwd policy
		state | sed -E 's/ id [0-9]+//g; s/\[("eth0",)?[0-9,]+\]/[N]/g' >"$BATS_TEST_TMPDIR/$jq"
		on host env PATH="$path" "$HM_TOP/scripts/status.sh" | sed -E 's/id [0-9]+/id N/g' >>"$BATS_TEST_TMPDIR/$jq"
		on host env PATH="$path" "$HM_TOP/scripts/detach.sh" eth0
		nothing_left
	done
	on host env PATH="$path" bash -c '! type -P gojq'
	diff "$BATS_TEST_TMPDIR/gojq" "$BATS_TEST_TMPDIR/jq"
	(($(wc -l <"$BATS_TEST_TMPDIR/jq") > 20))
}

@test "attach: detach twice is fine and leaves nothing" {
	attach eth0
	detach eth0
	nothing_left
	detach eth0
	nothing_left
}

@test "attach: -n changes nothing and shows each command, -v shows what it runs" {
	state >"$BATS_TEST_TMPDIR/before"
	run attach -n eth0 --sample 3
	equal "$status" 0 status
	like "$output" "+ ip link set dev eth0 xdp obj"
	like "$output" "+ tc filter add dev eth0 ingress pref 1 handle 1 bpf da obj"
	like "$output" "+ iptables -w -t raw -I PREROUTING 1 -i eth0 -j hookmap-latency"
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	run attach -v eth0
	like "$output" "+ tc qdisc add dev eth0 clsact"
	state >"$BATS_TEST_TMPDIR/before"
	run detach -n eth0
	like "$output" "+ ip link set dev eth0 xdpdrv off"
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "attach: bpftool prints the maps by the names of their fields" {
	local feature
	without() { # pinned maps without BTF, but those to which the kernel gives none
		local name
		for name in "$G"/*; do
			[[ $(bpftool -j map show pinned "$name" | jq -r '"\(.type) \(.btf_id // 0)"') =~ ^(array_of_maps|devmap.*)\ |\ [1-9] ]] || printf '%s ' "${name##*/}"
		done
	}
	attach eth0
	attach veth0 l2fwd
	for feature in drops exec napi open path pktlat; do attach --host "$feature"; done
	equal "$(without)" ''
	equal "$(bpftool -j map dump pinned "$G/l2_port" | jq -c '[.[].formatted.value | select(.ifindex > 0) | .pvid]')" "[0]" "pvid of the port"
	equal "$(find /sys/fs/bpf/hookmap -name '_*')" "" "staging"
	detach veth0
	attach veth0 l2fwd --fdb-size 100
	equal "$(without)" 'l2_fdb ' 'of another size'
}

@test "attach: somebody's XDP program is refused by name and stays" {
	on host ip link set dev eth0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	state >"$BATS_TEST_TMPDIR/before"
	run attach eth0
	equal "$status" 1 status
	like "$output" "eth0 has an XDP program that is not ours: somebodys_pass"
	one_line "$output"
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	detach eth0
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "attach: somebody's XDP object runs behind ours with --next" {
	on client ping -q -c 1 10.11.1.1 # the neighbours know each other
	attach eth0 --sample 1 --filter 'proto icmp' --next "$HM_BUILD/tests/bpf/xdp_drop.o"
	run ! on client ping -q -c 3 -i 0.02 -W 0.3 10.11.1.1
	equal "$(lost not_at_tc)" 3 "stamped, then dropped"
	attach eth0 --next "$HM_BUILD/tests/bpf/xdp_pass.o:prog"
	on client ping -q -c 3 -i 0.02 10.11.1.1
	attach eth0 --next none
	on client ping -q -c 3 -i 0.02 10.11.1.1
	equal "$(rows prerouting input)" 6
	detach eth0
	nothing_left
}

@test "attach: a filter needs no quotes, whatever stands behind it" {
	local quoted words
	lab_up
	# shown by -n: the bytes of the settings
	cfg() { attach -n "$@" 2>&1 | sed -n 's/.*map update pinned .*lat_cfg key.*value/value/p'; }
	quoted=$(cfg eth0 --filter 'proto tcp dport 443 src 10.11.1.0/24')
	like "$quoted" 'value hex'
	# and, for people, what they mean
	like "$quoted" ' # flags=1 match=... sample=256 shift='
	for words in "eth0 --filter proto tcp dport 443 src 10.11.1.0/24" "--filter proto tcp dport 443 src 10.11.1.0/24 eth0 latency" \
		"--filter proto tcp dport 443 src 10.11.1.0/24 --pref 1 eth0"; do
		# shellcheck disable=SC2086
		equal "$(cfg $words)" "$quoted" "$words"
	done
	fails 2 '--filter: dport needs a value' attach eth0 --filter proto tcp dport
	# of path, also a word alone
	for words in 'tcp port 443' 'host 10.11.1.2 icmp' 'vxlan 4790 udp and dport 53'; do
		# shellcheck disable=SC2086
		quoted=$(attach -n --host path --match $words 2>&1 | grep -F 'path_cfg key')
		like "$quoted" 'value hex'
		equal "$quoted" "$(attach -n --host path --match "$words" 2>&1 | grep -F 'path_cfg key')" "$words"
	done
}

# behind SECTION: latency is in this section now
behind() { equal "$(on host ip -j -d link show eth0 | jq -r '.[0].xdp.prog.name')" "$1" "in XDP"; }

@test "attach: --next: objects of all sections, one after the other; a refused one changes nothing" {
	local o=$HM_BUILD/tests/bpf n=0 case mtu
	lab_up
	# what drops everything drops ARP
	on client ip neigh replace 10.11.1.1 dev eth0 lladdr "$(on host ip -j link show eth0 | jq -r ".[0].address")"
	for mtu in 1500 9000; do
		on client ip link set eth0 mtu "$mtu"
		on host ip link set eth0 mtu "$mtu"
		attach eth0 --sample 1 --filter 'proto icmp'
		# the object, what latency is then, and whether an echo request is answered
		for case in "$o/xdp_drop.o latency_xdp 0" "$o/next_xdp.o latency_xdp2 0" "$o/xdp_pass.o latency_xdp 1" "$HM_BUILD/xdp/steps.o:xdp/drop latency_xdp 0" \
			"$o/next_xdp.o:xdp.frags latency_frags 0" "$HM_BUILD/xdp/pass.o:xdp.frags latency_frags 1" "none latency_frags 1" "$o/next_xdp.o:xdp latency_xdp2 0" none; do
			read -r object name answered <<<"$case"
			[[ $object != none ]] || {
				attach eth0 --next none
				continue
			}
			if ((mtu == 9000)) && [[ $name != latency_frags ]]; then
				[[ $object != */next_xdp.o ]] || object+=:xdp
				fails 1 "must be in section xdp.frags" attach eth0 --next "$object"
				behind latency_frags
				continue
			fi
			attach eth0 --next "$object"
			behind "$name"
			run on client ping -q -c 1 -W 0.2 10.11.1.1
			equal "$status" "$((!answered))" "ping with $object, MTU $mtu"
			n=$((n + 1))
			equal "$(hookmap -j latency | jq .lost.seen)" "$n" "seen by latency before $object"
		done
		run --separate-stderr on host "$HM_TOP/scripts/attach.sh" eth0 --next "$o/next_xdp.o:unchecked"
		equal "$status" 1 "status"
		like "$stderr" $'\n  verifier: invalid access to packet, off=0 size=1'
		like "${stderr##*$'\n'}" "attach.sh: --next: $o/next_xdp.o:unchecked: the verifier refuses it: R1 offset is outside of the packet"
		fails 1 "has no program in section nosuch that can be loaded: object file doesn't contain sec nosuch" attach eth0 --next "$o/next_xdp.o:nosuch"
		detach eth0
		nothing_left
		n=0
	done
}

# bats test_tags=vm
@test "attach: jumbo frames: in section xdp.frags where the driver wants that, every frame is measured" {
	lab_up
	on client ip link set eth0 mtu 9000
	on host ip link set eth0 mtu 9000
	run --separate-stderr on host "$HM_TOP/scripts/attach.sh" eth0 --sample 1 --filter 'proto udp dport 7000'
	equal "$status" 0 status
	[[ $stderr != *refuses* ]]
	behind latency_frags
	like "$(on host "$HM_TOP/scripts/status.sh" eth0)" 'native mode, section xdp.frags'
	udp host 10.11.1.1 50 --size 8900
	udp host 10.11.1.1 50
	equal "$(rows xdp tc) $(rows tc prerouting) $(lost seen)" '100 100 100' 'measured'
	# the other mode, and back: the program is the one that the mode takes
	attach eth0 --mode generic
	behind latency_xdp
	attach eth0 --mode native
	behind latency_frags
	detach eth0
	nothing_left
}

# bats test_tags=vm
@test "attach: a driver that refuses XDP: generic mode with a note, or an explanation" {
	lab_up
	# more queues to send from than the other side has to receive
	on host ip link add two numtxqueues 2 numrxqueues 1 type veth peer name one numtxqueues 2 numrxqueues 1
	run --separate-stderr on host "$HM_TOP/scripts/attach.sh" two
	equal "$status" 0 status
	like "$stderr" "note: two: its driver refuses XDP (veth: XDP expects number of rx queues not less than peer tx queues): attached in generic mode"
	equal "$(on host ip -j -d link show two | jq -r '.[0].xdp.mode')" 2 'mode'
	detach two
	fails 1 "two: its driver refuses XDP (veth: XDP expects number of rx queues not less than peer tx queues): try --mode generic" attach two l2fwd --mode native
	nothing_left
}

@test "attach: somebody's tc filter in our place is refused, elsewhere it runs on" {
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress pref 1 handle 7 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	state >"$BATS_TEST_TMPDIR/before"
	run attach eth0
	equal "$status" 1 status
	like "$output" "eth0 has another tc filter at ingress pref 1: burn_tc"
	one_line "$output"
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	attach eth0 --pref 3
	detach eth0
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "attach: a tc filter stays at its place, or moves to another one that is asked for" {
	prefs() { on host tc -j filter show dev eth0 ingress | jq -c '[.[] | select(.options) | [.pref, .options.prog.name]]'; }
	attach eth0 latency l2fwd policy --mode generic --filter 'proto udp dport 7000' --pref 11 --l2-pref 12 --policy-pref 13
	equal "$(prefs)" '[[11,"latency_tc"],[12,"l2fwd_tc"],[13,"policy_tc"]]' prefs
	fails 1 "eth0 has another tc filter at ingress pref 13: policy_tc (id" attach eth0 --pref 13 --sample 9
	attach eth0 latency l2fwd policy
	attach eth0 latency l2fwd policy --pref 11 --l2-pref 12 --policy-pref 13
	equal "$(prefs)" '[[11,"latency_tc"],[12,"l2fwd_tc"],[13,"policy_tc"]]' 'prefs after'
	equal "$(hookmap -j latency | jq .lost.sample)" 256 sampling
	attach eth0 --sample 1
	udp host 10.11.1.1 23
	# as they are, they come back where the new place cannot be had
	on host tc -j filter show dev eth0 ingress | jq -c '[.[] | select(.options) | [.pref, .options.flowid]]' >"$BATS_TEST_TMPDIR/before"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\ncase "$*" in *"pref 23"*) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v tc)" >"$BATS_TEST_TMPDIR/bin/tc"
	chmod +x "$BATS_TEST_TMPDIR/bin/tc"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run -1 attach eth0 latency policy --pref 21 --policy-pref 23
	on host tc -j filter show dev eth0 ingress | jq -c '[.[] | select(.options) | [.pref, .options.flowid]]' | diff "$BATS_TEST_TMPDIR/before" -
	attach eth0 latency l2fwd policy --pref 21 --l2-pref 22 --policy-pref 23
	equal "$(prefs)" '[[21,"latency_tc"],[22,"l2fwd_tc"],[23,"policy_tc"]]' 'prefs, moved'
	udp host 10.11.1.1 29
	equal "$(lost seen) $(rows xdp tc) $(rows xdp socket total)" "52 52 52" "measured, before and after"
	attach eth0
	equal "$(prefs)" '[[21,"latency_tc"],[22,"l2fwd_tc"],[23,"policy_tc"]]' 'prefs, again'
	detach eth0
	nothing_left
}

@test "attach: --next where XDP is no stage is refused" {
	attach eth0 --mode none
	fails 1 "eth0 is measured from tc on: --next needs --mode native or generic" attach eth0 --next "$HM_BUILD/tests/bpf/xdp_drop.o"
	attach eth0 --next none
	attach eth0 --mode generic --next "$HM_BUILD/tests/bpf/xdp_pass.o"
	detach eth0
	nothing_left
}

@test "attach: a clsact qdisc that was there stays, and one that others use now" {
	on host tc qdisc add dev eth0 clsact
	attach eth0
	detach eth0
	like "$(on host tc qdisc show dev eth0)" clsact
	on host tc qdisc del dev eth0 clsact
	attach eth0
	on host tc filter add dev eth0 egress pref 5 handle 1 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	run detach eth0
	equal "$status" 0 status
	like "$output" "left the clsact qdisc"
	like "$(on host tc filter show dev eth0 egress)" burn_tc
	# its own other features are no others
	attach veth0
	detach veth0 policy 2>"$BATS_TEST_TMPDIR/err"
	equal "$(<"$BATS_TEST_TMPDIR/err")" '' 'what detach says of veth0'
}

@test "attach: a chain of our name that is somebody's is refused" {
	on host iptables -t raw -N hookmap-latency
	on host iptables -t raw -A hookmap-latency -j ACCEPT
	state >"$BATS_TEST_TMPDIR/before"
	run attach eth0
	equal "$status" 1 status
	like "$output" "chain hookmap-latency in table raw is not ours"
	one_line "$output"
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "attach: what fails half-way is undone, wherever it fails" {
	local tool n status_seen=0
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	state >"$BATS_TEST_TMPDIR/before"
	# each changing command fails once, by a wrapper that counts them
	for tool in ip tc bpftool iptables ip6tables; do
		cat >"$BATS_TEST_TMPDIR/bin/$tool" <<-EOF
			#!/bin/bash
			n=\$(cat "$BATS_TEST_TMPDIR/count")
			case "\$* " in
			*' show '* | *' dump '* | '-w -t '*' -S '* | '-w -t '*' -C '* | *' -S '* | *' -C '* | *' help '* | *batch* | '-j '* | *' -j -d '*) ;;
			*)
				echo \$((n + 1)) >"$BATS_TEST_TMPDIR/count"
				if ((n == \$(cat "$BATS_TEST_TMPDIR/fail"))); then
					echo 'Error: made to fail' >&2
					exit 1
				fi
				;;
			esac
			PATH=\${PATH#*:} exec $tool "\$@"
		EOF
		chmod +x "$BATS_TEST_TMPDIR/bin/$tool"
	done
	for ((n = 0; n < 60; n++)); do
		echo 0 >"$BATS_TEST_TMPDIR/count"
		echo "$n" >"$BATS_TEST_TMPDIR/fail"
		PATH=$BATS_TEST_TMPDIR/bin:$PATH run attach eth0
		(($(cat "$BATS_TEST_TMPDIR/count") > n)) || break # nothing failed any more
		if ((!status)); then
			detach eth0 # what may fail: fentry
			continue
		fi
		equal "$status" 1 "status with command $n failing"
		state >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" || {
			printf 'after command %s failed: %s\n' "$n" "$output" >&2
			return 1
		}
		status_seen=$((status_seen + 1))
	done
	equal "$status" 0 "status without a failure"
	((status_seen >= 20))
	detach eth0
	nothing_left
}

# what a failed attach must leave alone, but programs' numbers: state, classes, chained
# programs, settings
kept() {
	on host ip -j -d link show | jq -c '.[] | select(.xdp) | [.ifname, .xdp.mode, .xdp.prog.name]'
	on host tc -j filter show dev "$1" ingress | jq -c '.[] | select(.options.prog) | [.pref, .options.handle, .options.flowid, .options.prog.name]'
	bpftool -j prog show | jq -c --argjson next "$(for map in "$G"/xdp_next*; do bpftool -j map dump pinned "$map"; done | jq -s '[.[][]? | .formatted?.value? | numbers]')" \
		'[.[] | select(.id as $id | $next | index($id)) | [.id, .name]]'
	for map in lat_cfg pol_cfg; do [[ ! -e $G/$map ]] || bpftool -j map dump pinned "$G/$map" | jq -c '.[0].value'; done
	hookmap -j status | jq -c '.devices | map([.device, .features])'
	find /sys/fs/bpf | sort
}
# refused DEV PATTERN WORD...: attach.sh DEV WORD... fails, and all is kept
refused() {
	kept "$1" >"$BATS_TEST_TMPDIR/before"
	fails 1 "$2" on host "$HM_TOP/scripts/attach.sh" "$1" "${@:3}"
	diff "$BATS_TEST_TMPDIR/before" <(kept "$1")
}

@test "attach: a failed one leaves modes, classes, settings and what is chained as they were" {
	local pass=$HM_BUILD/tests/bpf/xdp_pass.o drop=$HM_BUILD/tests/bpf/xdp_drop.o
	on host ip link add br0 type bridge
	attach br0 --mode generic
	refused br0 'does not support XDP in native mode' --mode native
	attach br0 --mode none --sample 64
	like "$(kept br0)" '":201","latency_tc"'
	refused br0 'does not support XDP in native mode' --mode native --sample 2 --filter 'proto udp'
	# somebody has the place of the second feature
	attach eth0 --next "$pass"
	on host tc filter add dev eth0 ingress pref 50 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	like "$(kept eth0)" somebodys_pass
	refused eth0 'another tc filter at ingress pref 50: burn_tc' latency policy --mode none
	refused eth0 'another tc filter at ingress pref 50: burn_tc' latency policy --next "$drop" --sample 3
	refused eth0 'another tc filter at ingress pref 50: burn_tc' latency policy --next none
	attach eth0 --next "$drop"
	equal "$(find /sys/fs/bpf/hookmap -name '_*')" '' 'pins for undoing'
	attach br0 policy --max-rules 100
	on host tc qdisc add dev veth0 clsact
	on host tc filter add dev veth0 ingress pref 2 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	refused veth0 'pref 2: burn_tc (id '*'): choose another place with --l2-pref N' policy l2fwd --max-rules 5
}

@test "attach: another class for a filter by hand, at its own handle" {
	attach veth0 --mode none
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress pref 7 handle 5 bpf da obj "$HM_BUILD/tc/latency.o"
	on host tc filter add dev eth0 ingress pref 50 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	refused eth0 'another tc filter at ingress pref 50' latency policy --mode none
	attach eth0 --mode none
	equal "$(kept eth0 | grep latency_tc)" '[7,"0x5",":201","latency_tc"]' filters
	detach eth0
	equal "$(kept eth0 | grep latency_tc || true)" '' 'filters, detached'
}

@test "attach: interrupted, it leaves nothing" {
	local signal
	state >"$BATS_TEST_TMPDIR/before"
	for signal in INT TERM; do
		for delay in 0.05 0.15 0.3; do
			set -m
			on host "$HM_TOP/scripts/attach.sh" eth0 >/dev/null 2>&1 3>&- &
			set +m
			sleep "$delay"
			kill -"$signal" -- "-$!" 2>/dev/null || true
			wait $! || true
			detach eth0 # in case it had finished
			state >"$BATS_TEST_TMPDIR/after"
			diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
		done
	done
}

@test "attach: of two at once, one waits" {
	attach eth0 3>&- &
	one=$!
	attach veth0 3>&- &
	two=$!
	wait "$one"
	wait "$two"
	equal "$(hookmap -j status | jq -c '[.devices[].device] | sort')" '["eth0","veth0"]'
	detach eth0 3>&- &
	one=$!
	detach veth0 3>&- &
	wait $!
	wait "$one"
	nothing_left
}

@test "attach: the lock is waited for" {
	attach eth0 2>/dev/null
	detach eth0
	exec 8</sys/fs/bpf/tc/_lock
	flock 8
	on host "$HM_TOP/scripts/attach.sh" -v eth0 2>"$BATS_TEST_TMPDIR/log" 3>&- 8>&- &
	busywait 5 grep -q 'waiting for another' "$BATS_TEST_TMPDIR/log"
	equal "$(hookmap -j status | jq '.rows | length')" 0 "pins meanwhile"
	flock -u 8
	wait $!
	equal "$(hookmap -j status | jq '.devices | length')" 1 "devices"
}

@test "attach: a device that vanishes is cleaned up behind, without an error" {
	attach eth0
	on host ip link del eth0
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0: has vanished"
	run -0 detach eth0
	equal "$output" "" output
	nothing_left
}

# made NAME: a device with ifindex 900; its peer has 192.0.2.2 in the client's namespace
made() {
	on host ip link add "$1" index 900 type veth peer name peer0 netns "$LAB-client"
	on host ip addr add 192.0.2.1/30 dev "$1"
	on host ip link set "$1" up
	on client ip addr add 192.0.2.2/30 dev peer0
	on client ip link set peer0 up
}

# remade OLD NEW FEATURE...: OLD with the features, of which latency's --next drops all, has vanished,
# and NEW has its ifindex
remade() {
	local said
	attach eth0 --sample 1 --filter 'proto icmp'
	made "$1"
	attach "$1" "${@:3}" --pref 7 2>/dev/null
	equal "$(pinged)" "${BEFORE:-0}" 'answers before'
	on host ip link del "$1"
	made "$2"
	said=$(attach "$2" latency 2>&1)
	like "$said" "note: $1, which had ifindex 900, has vanished, or has lost all programs of ours: removing what is left of it before $2 is attached"
	equal "$(pinged)" 7 'answers after'
	equal "$(hookmap -j latency | jq --arg dev "$2" '[.rows[] | select(.device == $dev and .to == "tc") | .count] | add')" 7 'counted at tc'
	equal "$(hookmap -j status | jq -c --arg dev "$2" '.devices[] | select(.device == $dev) | .features')" '"latency"' features
	equal "$(on host tc -j filter show dev "$2" ingress | jq -c '[.[].pref] | unique')" '[1]' 'its own preference'
	equal "$(on host iptables -S INPUT | grep -c "^-A INPUT -i $2 ")" 1 'jumps'
	[[ $1 == "$2" ]] || equal "$(on host iptables -S INPUT | grep -c "^-A INPUT -i $1 " || true)" 0 'jumps of the old one'
	[[ ! -e $G/l2_port ]] || return 1
	# again: now it is the same device
	equal "$(attach "$2" latency 2>&1)" '' 'attached again'
	detach "$2"
	detach eth0
	on host ip link del "$2"
	nothing_left
}
pinged() { on client ping -q -c 7 -i 0.05 -W 1 192.0.2.1 | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }

@test "attach: a device made again under the ifindex of one with --next: another name, the same name" {
	remade old0 new0 latency --next "$HM_BUILD/tests/bpf/xdp_drop.o"
	remade old0 old0 latency --next "$HM_BUILD/tests/bpf/xdp_drop.o"
}

@test "attach: a device made again under the ifindex of one with latency and l2fwd" {
	BEFORE=7
	remade old0 new0 latency l2fwd
	remade old0 old0 latency l2fwd
}

@test "attach: all programs removed by hand, and attached again; an attach that fails keeps the entry" {
	attach eth0 --sample 1 --filter 'proto icmp' --next "$HM_BUILD/tests/bpf/xdp_drop.o"
	on host ip link set eth0 xdp off
	on host tc filter del dev eth0 ingress
	run -1 attach eth0 --next "$HM_BUILD/tests/bpf/xdp_pass.o:nosuch"
	like "$output" 'has no program in section nosuch'
	equal "$(hookmap -j status | jq -c '[.devices[] | [.device, .features]]')" '[["eth0","latency"]]' 'after one that failed'
	attach eth0
	on client ping -q -c 7 -i 0.05 10.11.1.1
	equal "$(rows xdp tc)" 7 counted
	equal "$(on host iptables -S INPUT | grep -c '^-A INPUT -i eth0 ')" 1 jumps
	detach eth0
	nothing_left
	equal "$(on host tc qdisc show dev eth0 clsact)" '' qdisc
}

@test "attach: status.sh says what a killed attach has left out, and goes on" {
	local out
	attach eth0 --mode none
	on host "$HM_TOP/scripts/attach.sh" --host napi
	bpftool cgroup detach "$HOOKMAP_CGROUP" ingress pinned /sys/fs/bpf/hookmap/latency/latency_socket
	rm -r /sys/fs/bpf/hookmap/latency
	out=$(on host "$HM_TOP/scripts/status.sh")
	like "$out" $'\n  latency  is not complete: attach.sh eth0 latency again, or detach it\n'
	like "$out" "measures 1 packet in 256"
	like "$out" "host: napi"
	equal "$(on host "$HM_TOP/scripts/status.sh" -j | jq length)" 2 devices
	detach --host
	detach eth0
	nothing_left
}

@test "attach: a renamed device is found by its number" {
	attach eth0
	on host ip link set eth0 down
	on host ip link set eth0 name lan0
	on host ip link set lan0 up
	like "$(on host "$HM_TOP/scripts/status.sh")" "lan0: latency"
	equal "$(hookmap -j status | jq -r '.devices[].device')" lan0
	run -0 detach lan0
	nothing_left
}

@test "attach: a container that renames its device without end: attach, status and detach go by its number" {
	local index renamer said n=0
	index=$(on server ip -j link show eth0 | jq '.[0].ifindex')
	while [[ ! -e $BATS_TEST_TMPDIR/end ]]; do
		printf 'link set dev %s\n' 'eth0 down' 'eth0 name x0'
		read -rt 0.01 <> <(:) || true
		printf 'link set dev x0 name eth0\n'
		read -rt 0.02 <> <(:) || true
	done 3>&- | on server ip -force -batch - 2>/dev/null 3>&- &
	renamer=$!
	busywait 10 on server ip link show x0
	until "$HM_TOP/scripts/attach.sh" --netns "$LAB-server" eth0 latency policy 2>"$BATS_TEST_TMPDIR/said"; do
		# (by that name, it may not be there at this moment)
		like "$(<"$BATS_TEST_TMPDIR/said")" "no device eth0"
		((++n < 20))
	done
	said=$("$HM_TOP/scripts/status.sh")
	like "$said" "0 in network namespace $LAB-server: latency policy"
	equal "$(grep -c 'tc .*latency_tc\|tc .*policy_tc' <<<"$said")" 2 "filters in $said"
	"$HM_TOP/scripts/detach.sh" --netns "$LAB-server" eth0 policy
	equal "$(on server tc filter show dev "if$index" ingress | grep -c policy_tc || true)" 0 "filters"
	: >"$BATS_TEST_TMPDIR/end"
	wait "$renamer" || true
	# another device has the name
	on server ip link set dev "if$index" down
	on server ip link set dev "if$index" name hidden
	on server ip link add name eth0 type veth peer name other
	"$HM_TOP/scripts/detach.sh" --netns "$LAB-server" eth0
	equal "$(on server tc qdisc show | grep -c clsact || true)" 0 "hooks"
	# another has the number for its name: that is said
	"$HM_TOP/scripts/attach.sh" --netns "$LAB-server" hidden latency 2>/dev/null
	on server ip link add name "if$index" type veth peer name peer
	fails 1 "another device of that network namespace is called if$index" "$HM_TOP/scripts/detach.sh" --netns "$LAB-server" hidden
	on server ip link del "if$index"
	# one that comes between two looks, and is asked instead: that is seen
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/bash\n[[ " $* " != *" filter show dev if%s "* ]] || exit 0\nexec %s "$@"\n' "$index" "$(type -P tc)" >"$BATS_TEST_TMPDIR/bin/tc"
	chmod +x "$BATS_TEST_TMPDIR/bin/tc"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH fails 1 'latency_tc (id ' "$HM_TOP/scripts/detach.sh" --netns "$LAB-server" hidden
	# all goes whatever it is called, and what has not gone as it should is said
	on server ip link add name "if$index" type veth peer name peer
	run -1 detach --all
	like "$output" "another device of that network namespace is called if$index"
	equal "$(on server tc filter show dev hidden ingress)" '' filters
	on server ip link del "if$index"
	detach --all
	nothing_left
}

@test "attach: filters of classic BPF, which a container makes itself, keep nothing of ours there" {
	"$HM_TOP/scripts/attach.sh" --netns "$LAB-server" eth0 latency
	on server tc filter add dev eth0 ingress pref 9 protocol ip bpf bytecode '1,6 0 0 0'
	"$HM_TOP/scripts/detach.sh" --netns "$LAB-server" eth0 2>/dev/null
	equal "$(on server tc -j filter show dev eth0 ingress | jq -c '[.[] | select(.options) | .pref]')" '[9]' filters
	nothing_left
}

# jumps: the devices that iptables has jumps of
jumps() { on host iptables-save | sed -n 's/^-A \(PREROUTING\|INPUT\) -i \([^ ]*\) -j hookmap-latency$/\1 \2/p' | sort | paste -sd ' '; }

@test "attach: a device by another of its names (altname)" {
	on host ip link property add dev eth0 altname enp9s0
	attach enp9s0 --sample 1 --filter 'proto icmp'
	equal "$(jumps)" "INPUT eth0 PREROUTING eth0" jumps
	on client ping -q -c 5 -i 0.01 10.11.1.1
	equal "$(rows prerouting input)" 5
	attach eth0
	equal "$(jumps)" "INPUT eth0 PREROUTING eth0" jumps
	detach enp9s0
	nothing_left
}

@test "attach: a renamed device that is attached again has its new name in iptables, and only that" {
	attach eth0 --sample 1 --filter 'proto icmp'
	attach veth0 --mode none
	on host ip link set eth0 down
	on host ip link set eth0 name lan0
	on host ip link set lan0 up
	# any feature will do, and a failure changes nothing
	on host tc filter add dev lan0 ingress pref 50 handle 7 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	run ! attach lan0 policy
	equal "$(jumps)" "INPUT eth0 INPUT veth0 PREROUTING eth0 PREROUTING veth0" jumps
	attach lan0 policy --policy-pref 60
	equal "$(jumps)" "INPUT lan0 INPUT veth0 PREROUTING lan0 PREROUTING veth0" jumps
	on client ping -q -c 5 -i 0.01 10.11.1.1
	equal "$(rows prerouting input)" 5
	# two that change names
	on host ip link set lan0 down
	on host ip link set veth0 down
	on host ip link set lan0 name x
	on host ip link set veth0 name lan0
	on host ip link set x name veth0
	attach veth0
	attach lan0
	equal "$(jumps)" "INPUT lan0 INPUT veth0 PREROUTING lan0 PREROUTING veth0" jumps
	on host ip link set lan0 name y
	detach y
	equal "$(jumps)" "INPUT veth0 PREROUTING veth0" jumps
	on host tc filter del dev veth0 ingress pref 50
	detach veth0
	nothing_left
}

@test "attach: a device and a namespace whose names have bytes above 0x7f: renamed, vanished, removed by name" {
	local old=$'\xc3\xb6\xff~0' new=$'\xe9x' ns=$LAB-$'\xc3\xb6\xff' out
	# (as bytes: what is not plain stands in no pattern)
	jumps_of() { on host iptables -S INPUT | LC_ALL=C sed -n 's/^-A INPUT -i \(.*\) -j hookmap-latency$/\1/p'; }
	on host ip link set eth0 down
	on host ip link set eth0 name "$old"
	on host ip link set "$old" up
	attach "$old" --sample 1 --filter 'proto icmp'
	equal "$(jumps_of)" "$old" jumps
	# as it is, it was not renamed: nothing is done
	out=$(attach "$old" latency -v 2>&1)
	like "$out" '+ '
	equal "$(grep -c 'iptables' <<<"$out")" 0 "commands of iptables"
	on host ip link set "$old" down
	on host ip link set "$old" name "$new"
	on host ip link set "$new" up
	attach "$new" latency
	equal "$(jumps_of)" "$new" jumps
	# gone, and removed by the name that it had, while another keeps the chain
	attach veth0 --mode none
	on host ip link del "$new"
	run -0 detach "$new"
	equal "$output" '' output
	equal "$(jumps_of)" veth0 jumps
	detach veth0
	nothing_left
	# a namespace that is removed by the name that it had
	ip netns add "$ns"
	ip netns exec "$ns" ip link add name "$old" type veth peer name other
	attach "$old" --netns "$ns"
	attach veth0 --mode none
	ip netns del "$ns"
	run -0 detach "$old" --netns "$ns"
	equal "$output" '' output
	detach veth0
	nothing_left
}

@test "attach: a namespace that vanishes is cleaned up behind, without an error" {
	attach eth0
	attach eth0 --netns "$LAB-server"
	ip netns del "$LAB-server"
	like "$(on host "$HM_TOP/scripts/status.sh")" "eth0 in network namespace $LAB-server: has vanished"
	run -0 detach eth0 --netns "$LAB-server"
	equal "$output" "" output
	detach eth0
	nothing_left
}

# netns_was OLD: as if what is written down for the first namespace had been for OLD, which had its inode
netns_was() {
	local value
	value=$(bpftool -j map lookup pinned "$G/hm_netns" key 1 0 0 0 | jq -r --arg old "$(printf %s "$1" | od -An -tx1 | tr -d '\n')" \
		'.value | map(ltrimstr("0x")) | .[0:8] + ["01"] + [range(7) | "00"] + ($old | split(" ")[1:]) | . + [range(72 - length) | "00"] | join(" ")')
	# shellcheck disable=SC2086
	bpftool map update pinned "$G/hm_netns" key 1 0 0 0 value hex $value
}

@test "attach: a namespace that gets the inode of one that has gone is another one" {
	ip netns add new
	ip -n new link set lo up
	attach lo --netns new
	netns_was gone
	like "$("$HM_TOP/scripts/status.sh")" "lo in network namespace gone: has vanished"
	attach lo --netns new
	equal "$(hookmap -j status | jq -c '[.devices[] | .netns] | sort')" "[\"gone\",\"new\"]" namespaces
	like "$("$HM_TOP/scripts/status.sh")" "lo in network namespace new: latency"
	run -0 detach lo --netns "new"
	like "$output" "lo has vanished"
	nothing_left
}

@test "attach: what was measured in a namespace that has gone is not its successor's" {
	attach eth0 --sample 1 --filter 'proto icmp' 2>/dev/null
	on client ping -q -c 3 -i 0.01 10.11.1.1 >/dev/null
	netns_was gone
	attach eth0 2>/dev/null
	on client ping -q -c 5 -i 0.01 10.11.1.1 >/dev/null
	equal "$(hookmap -j latency | jq -c '[.rows[] | select(.from == "tc" and .kind == "stage") | [.netns, .count]] | sort')" "[[\"gone\",3],[\"$LAB-host\",5]]" "packets by namespace"
}

@test "attach: policy and l2fwd of a namespace that has gone, and whose inode another has, are named, and give way" {
	local inode map feature said
	in_new() { nsenter --net=/run/netns/new -- "$@"; }
	inode_in() { bpftool -j map dump pinned "$G/$1" | jq -r --argjson at "$2" '.[0].value[$at:$at + 8] | map(ltrimstr("0x")) | reverse | join("")'; }
	# shellcheck source=/dev/null
	. "$HM_BUILD/abi.sh"
	ip netns add new
	inode=$(stat -L -c %i /run/netns/new)
	in_new ip link add name n0 type veth peer name n1
	attach n0 policy l2fwd --netns new 2>/dev/null
	in_new "$HM_TOP/scripts/policy.sh" load - <<<'{"rules":[{"priority":1,"match":{"iif":"n0"},"action":"drop"}]}' 2>/dev/null
	# it went with its devices, and another one has its inode now
	in_new ip link del n0
	in_new ip link add name n0 type veth peer name n1
	netns_was gone
	like "$("$HM_TOP/scripts/status.sh")" "n0 in network namespace gone: has vanished"
	attach n0 latency --netns new 2>/dev/null
	for map in "pol_cfg $HM_OFF_pol_cfg_netns" "l2_cfg $HM_OFF_l2_cfg_netns"; do
		# shellcheck disable=SC2086
		equal "$((16#$(inode_in $map)))" $((inode | 1 << 32)) "the namespace in ${map% *}"
	done
	# nobody's rules, and nobody's ports, hold for the new one
	for feature in policy l2fwd; do
		said=$(attach n0 "$feature" --netns new 2>&1) && return 1
		like "$said" "one network namespace, and n0 in network namespace gone has it: detach.sh --netns gone n0 detaches it there"
	done
	"$HM_TOP/scripts/detach.sh" --netns gone n0 2>/dev/null
	attach n0 policy l2fwd --netns new 2>/dev/null
	equal "$(nsenter --net=/run/netns/new "$HM_BUILD/hookmap" -j policy | jq -c .rows)" '[]' "rules"
	equal "$(hookmap -j status | jq -c '[.devices[] | [.device, .netns, .features]]')" '[["n0","new","latency,l2fwd,policy"]]' devices
	detach n0 --netns new
	nothing_left
}

@test "attach: what vanished unnoticed does not keep the maps" {
	attach eth0
	attach eth0 --netns "$LAB-server"
	ip netns del "$LAB-server"
	run -0 detach eth0
	like "$output" "has vanished"
	nothing_left
}

@test "attach: detach of one device leaves those of other namespaces, whatever holds these" {
	local pid
	attach eth0
	attach eth0 --netns "$LAB-server"
	# by a process alone, with no name
	unshare --net sleep 600 3>&- &
	pid=$!
	elsewhere() { [[ ! /proc/$pid/ns/net -ef /proc/self/ns/net ]]; }
	busywait 5 elsewhere
	ip link add d0 netns "$pid" type veth peer name d0p
	attach d0 --netns "/proc/$pid/ns/net"
	like "$(on host "$HM_TOP/scripts/status.sh")" "d0 in network namespace /proc/$pid/ns/net: latency"
	# by a mount alone
	touch "$BATS_TEST_TMPDIR/ns"
	unshare --net="$BATS_TEST_TMPDIR/ns" ip link add d1 type veth peer name d1p
	attach d1 --netns "$BATS_TEST_TMPDIR/ns"
	run -0 detach eth0
	equal "$output" "" output
	equal "$(hookmap -j status | jq -c '[.devices[].device] | sort')" '["d0","d1","eth0"]' "still attached"
	umount "$BATS_TEST_TMPDIR/ns"
	kill "$pid"
	wait "$pid" || true
	run -0 detach eth0 --netns "$LAB-server"
	equal "$(grep -c 'has vanished' <<<"$output")" 2 "namespaces that have gone"
	nothing_left
}

@test "attach: detach in a namespace touches no device of another that has its number" {
	local before
	on host ip link add p9 index 1711 type veth peer name p9p
	on server ip link add q9 index 1711 type veth peer name q9p
	attach p9 latency l2fwd 2>/dev/null
	state() {
		on host "$HM_TOP/scripts/status.sh"
		on host iptables-save | grep hookmap | sed 's/\[.*//'
		bpftool -j map lookup pinned "$G/l2_if" key hex af 06 00 00 | jq -c .value
	}
	before=$(state)
	run -0 detach q9 --netns "$LAB-server"
	equal "$(state)" "$before" "state"
	attach q9 --netns "$LAB-server"
	detach q9 --netns "$LAB-server"
	run -0 detach q9 --netns "$LAB-server"
	equal "$(state)" "$before" "state after attach, detach, detach"
	detach p9
	nothing_left
}

@test "attach: a namespace is called what it is called now; an odd name is one, too" {
	local odd="my ns" status="$HM_TOP/scripts/status.sh"
	attach eth0
	attach eth0 --netns "$LAB-server"
	detach eth0 --netns "$LAB-server"
	# as with the number of one that has gone, which the kernel gives to a new one
	touch "/run/netns/$odd"
	mount --bind "/run/netns/$LAB-server" "/run/netns/$odd"
	umount "/run/netns/$LAB-server"
	rm "/run/netns/$LAB-server"
	attach eth0 --netns "$odd"
	like "$(on host "$status")" "eth0 in network namespace $odd: latency"
	equal "$(on host "$status" -j | jq -c '[sort_by(.netns)[] | [.netns, .alive]]')" '[[null,true],["my ns",true]]' "status -j"
	equal "$(hookmap -j status | jq -c '[.devices[].netns | select(. == "my ns")]')" '["my ns"]' "reader"
	ip link del eth0 2>/dev/null || true
	umount "/run/netns/$odd"
	rm "/run/netns/$odd"
	run -0 detach eth0 --netns "$odd"
	detach eth0
	nothing_left
}

@test "attach: a container by the path of its namespace" {
	attach eth0 --netns "/run/netns/$LAB-server"
	equal "$(hookmap -j status | jq -r '.devices[].netns')" "$LAB-server"
	detach eth0 --netns "/run/netns/$LAB-server"
	nothing_left
}

@test "attach: while a program that was attached by hand uses the maps, they stay" {
	attach eth0
	on host tc qdisc add dev veth0 clsact
	on host tc filter add dev veth0 ingress pref 9 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	run -0 detach eth0
	like "$output" "kept the maps"
	equal "$(find "$G" -name 'lat_stat')" "$G/lat_stat"
	detach veth0
	on host tc qdisc del dev veth0 clsact
	nothing_left
}

@test "attach: in a cgroup namespace, it says that sockets elsewhere are not seen" {
	local at
	lab_up
	at=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[[ $(on host env -u HOOKMAP_CGROUP "$HM_TOP/scripts/attach.sh" -n eth0 2>&1) != *'a part of the cgroups'* ]]
	on host bash -c "echo \$\$ >'$HOOKMAP_CGROUP/cgroup.procs'
		exec unshare --cgroup --mount bash -c 'umount \"$at\"; mount -t cgroup2 none \"$at\"; exec env -u HOOKMAP_CGROUP \"$HM_TOP/scripts/attach.sh\" -n eth0'" >"$BATS_TEST_TMPDIR/said" 2>&1
	like "$(<"$BATS_TEST_TMPDIR/said")" "$at shows a part of the cgroups (a cgroup namespace): sockets elsewhere are not seen at socket"
}

@test "attach: cgroups that go while bpftool walks all of them fail nothing" {
	local bin=$BATS_TEST_TMPDIR/bin
	mkdir "$bin"
	cat >"$bin/bpftool" <<-EOF
		#!/bin/bash
		if [[ \$* == *'cgroup tree' ]] && ((\$(wc -l <"$bin/tries") < 3)); then
			echo "\$*" >>"$bin/tries"
			printf '[{"cgroup":"/half'
			exit 255
		fi
		PATH=\${PATH#*:} exec bpftool "\$@"
	EOF
	chmod +x "$bin/bpftool"
	: >"$bin/tries"
	gone() { PATH=$bin:$PATH "$HM_TOP/scripts/detach.sh" --netns "/run/netns/$LAB-host" eth0; }
	attach eth0 2>/dev/null
	gone
	equal "$(wc -l <"$bin/tries")" 3 "failed looks"
	# somebody sees to it that no walk comes to its end: what was found before that is enough
	sed -i 's/ && (.*wc -l.*; then/; then/; s/printf .*/PATH=${PATH#*:} bpftool "$@" | sed "s|]$|,{\\"error\\":\\"gone\\"}]|"/' "$bin/bpftool"
	attach eth0 2>/dev/null
	gone
	(($(wc -l <"$bin/tries") > 3))
	nothing_left
}

@test "attach: a device that gets another name meanwhile, and whose name another one gets, is not attached in silence" {
	local bin=$BATS_TEST_TMPDIR/bin
	mkdir "$bin"
	on server ip link add x0 type veth peer name x1
	cat >"$bin/tc" <<-EOF
		#!/bin/bash
		if [[ \$* == 'filter add dev eth0 '* ]]; then
			ip link set dev eth0 down && ip link set dev eth0 name x9 && ip link set dev x0 name eth0
		fi
		exec $(command -v tc) "\$@"
	EOF
	chmod +x "$bin/tc"
	on server tc qdisc add dev x0 clsact
	filters() { on server tc filter show dev "$1" ingress; }
	# here, by its name
	run on server env PATH="$bin:$PATH" "$HM_TOP/scripts/attach.sh" eth0 policy
	equal "$status" 1 status
	like "$output" "eth0 has another name now, or is another device: run detach.sh --all"
	"$HM_TOP/scripts/detach.sh" --all
	equal "$(filters eth0)$(filters x9)" "" "filters"
	# in another namespace by its number, which nobody changes
	on server ip link set dev eth0 name x0
	on server ip link set dev x9 name eth0
	sed -i 's/filter add dev eth0 /filter add dev if/' "$bin/tc"
	env PATH="$bin:$PATH" "$HM_TOP/scripts/attach.sh" --netns "$LAB-server" eth0 policy
	like "$(filters x9)" policy_tc
	equal "$(filters eth0)" "" "filters of the other one"
	"$HM_TOP/scripts/detach.sh" --netns "$LAB-server" x9
	equal "$(filters eth0)$(filters x9)" "" "filters"
	nothing_left
}

@test "attach: another bpf filesystem, by HOOKMAP_BPFFS" {
	mkdir -p "$BATS_TEST_TMPDIR/bpf"
	mount -t bpf bpf "$BATS_TEST_TMPDIR/bpf"
	HOOKMAP_BPFFS=$BATS_TEST_TMPDIR/bpf attach eth0 --sample 1 --filter 'proto icmp'
	equal "$(find /sys/fs/bpf -type f -name 'lat_*')" "" "pins elsewhere"
	on client ping -q -c 5 -i 0.01 10.11.1.1
	equal "$(hookmap --bpffs "$BATS_TEST_TMPDIR/bpf" -j latency | jq '.rows[] | select(.to == "tc").count')" 5
	# however it is spelt
	HOOKMAP_BPFFS=$BATS_TEST_TMPDIR//bpf/ attach eth0
	HOOKMAP_BPFFS=$BATS_TEST_TMPDIR/bpf/../bpf detach eth0
	equal "$(find "$BATS_TEST_TMPDIR/bpf" -name 'lat*')" "" pins
	umount "$BATS_TEST_TMPDIR/bpf"
}

@test "attach: --netns of a process that changes its namespace meanwhile: all in one, and undone there" {
	local pid i
	ip netns add "$LAB-b"
	ip -n "$LAB-b" link add eth0 type veth peer name peer0
	# between two namespaces, as fast as it can
	on server bash -c 'exec 3<"$1" 4<"$2"; exec "$3" "$4"' - "/run/netns/$LAB-server" "/run/netns/$LAB-b" sleep 60 3>&- &
	pid=$!
	mkdir "$BATS_TEST_TMPDIR/bin"
	# each command that enters: the path means another namespace by then
	cat >"$BATS_TEST_TMPDIR/bin/nsenter" <<-EOF
		#!/bin/bash
		n=\$((\$(cat "$BATS_TEST_TMPDIR/n" 2>/dev/null || echo 0) + 1))
		echo "\$n" >"$BATS_TEST_TMPDIR/n"
		ln -sfn "/run/netns/$LAB-\$( ((n % 2)) && echo b || echo server)" "$BATS_TEST_TMPDIR/ns"
		exec $(command -v nsenter) "\$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bin/nsenter"
	ln -sfn "/run/netns/$LAB-server" "$BATS_TEST_TMPDIR/ns"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH "$HM_TOP/scripts/attach.sh" --netns "$BATS_TEST_TMPDIR/ns" eth0 latency 2>/dev/null
	(($(<"$BATS_TEST_TMPDIR/n") > 3))
	equal "$(on server tc -j filter show dev eth0 ingress | grep -c latency_tc)" 1 "filters in the first"
	equal "$(ip netns exec "$LAB-b" tc qdisc show dev eth0 | grep -c clsact || true)" 0 "qdiscs in the other"
	ln -sfn "/run/netns/$LAB-server" "$BATS_TEST_TMPDIR/ns"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH "$HM_TOP/scripts/detach.sh" --netns "$BATS_TEST_TMPDIR/ns" eth0
	equal "$(on server tc qdisc show dev eth0 | grep -c clsact || true)" 0 "qdiscs in the first"
	kill "$pid"
	ip netns del "$LAB-b"
	nothing_left
}

@test "attach: a namespace without a name, whose only holder is a thread or a descriptor, has not vanished" {
	local how pid inode file
	for how in descriptor thread; do
		ip netns add gone
		ip -n gone link add eth0 type veth peer name peer0
		"$HM_TOP/scripts/attach.sh" --netns gone eth0 latency 2>/dev/null
		inode=$(stat -L -c %i /run/netns/gone)
		if [[ $how == descriptor ]]; then
			sleep 60 4</run/netns/gone 3>&- &
		else
			# of more than a command takes as words
			"$HM_BUILD/tests/nsthread" /run/netns/gone 4000 3>&- &
		fi
		pid=$!
		busywait 10 bash -c 'stat -L -c %i /proc/"$1"/fd/* /proc/"$1"/task/*/ns/net | grep -xF "$2"' - "$pid" "$inode"
		ip netns del gone
		# another device's detach finds nothing that has vanished
		run --separate-stderr on host bash -c 'ulimit -s 256; exec "$1" lo' - "$HM_TOP/scripts/detach.sh"
		equal "$status$stderr" 0 "detach of another"
		like "$("$HM_TOP/scripts/status.sh")" latency_tc
		"$HM_TOP/scripts/detach.sh" --netns gone eth0
		if [[ $how == descriptor ]]; then
			file=/proc/$pid/fd/4
		else
			file=$(printf '%s\n' /proc/"$pid"/task/*/ns/net | xargs stat -L -c '%i %n' | sed -n "s/^$inode //p")
		fi
		equal "$(nsenter --net="$file" -- tc qdisc show dev eth0 | grep -c clsact || true)" 0 "qdiscs ($how)"
		kill "$pid"
		wait "$pid" || true
	done
	nothing_left
}

@test "attach: a namespace that only a socket holds is not taken for vanished: whose it is, is said" {
	local pid why
	held() { # COMMAND...: by a socket, until the name has gone
		ip netns add gone
		ip -n gone link add eth0 type veth peer name peer0
		"$@"
		"$HM_BUILD/tests/nsthread" --socket /run/netns/gone >"$BATS_TEST_TMPDIR/ready" 3>&- &
		pid=$!
		busywait 5 grep ready "$BATS_TEST_TMPDIR/ready"
		ip netns del gone
	}
	freed() {
		kill "$pid"
		wait "$pid" || true
		busywait 10 "$HM_TOP/scripts/detach.sh" --all
		equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' 'what is left'
	}
	held "$HM_TOP/scripts/attach.sh" --netns gone eth0 latency
	why="a socket holds its network namespace, which cannot be entered any more: end nsthread (process $pid), and detach again"
	equal "$("$HM_TOP/scripts/status.sh" | grep -v ^maps:)" "eth0 in network namespace gone: out of reach: $why"
	equal "$("$HM_TOP/scripts/status.sh" -j | jq -c '.[].alive')" null
	fails 1 "eth0 in network namespace gone is kept: $why" "$HM_TOP/scripts/detach.sh" --netns gone eth0
	run -1 --separate-stderr "$HM_TOP/scripts/detach.sh" --all
	like "${stderr_lines[0]}" "eth0 is kept: $why"
	like "${stderr_lines[1]}" 'programs use them that are on no device, link, cgroup or rule in reach (latency_tc id'
	freed
	# and those of the registry alone would not do
	byhand() {
		nsenter --net=/run/netns/gone -- tc qdisc add dev eth0 clsact
		nsenter --net=/run/netns/gone -- tc filter add dev eth0 ingress prio 1 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	}
	held byhand
	fails 1 'programs use them that are on no device, link, cgroup or rule in reach (latency_tc id' "$HM_TOP/scripts/detach.sh" --all
	freed
	# a descriptor is a way in
	ip netns add gone
	ip -n gone link add eth0 type veth peer name peer0
	byhand
	sleep 60 4</run/netns/gone 3>&- &
	pid=$!
	busywait 5 test "/proc/$pid/fd/4" -ef /run/netns/gone
	ip netns del gone
	run -0 --separate-stderr "$HM_TOP/scripts/detach.sh" --all
	equal "$(nsenter --net="/proc/$pid/fd/4" -- tc filter show dev eth0 ingress)" '' filters
	freed
}

@test "attach: descriptors on a file system that does not answer keep neither status nor detach" {
	local pid
	skip_without /dev/fuse test -c /dev/fuse
	mkdir "$BATS_TEST_TMPDIR/mnt"
	ip netns add gone
	ip -n gone link add eth0 type veth peer name peer0
	"$HM_TOP/scripts/attach.sh" --netns gone eth0 latency 2>/dev/null
	"$HM_BUILD/tests/nsthread" --stuck "$BATS_TEST_TMPDIR/mnt" >"$BATS_TEST_TMPDIR/ready" 3>&- &
	pid=$!
	busywait 5 grep ready "$BATS_TEST_TMPDIR/ready"
	ip netns del gone
	like "$(HOOKMAP_LIMIT=2 timeout 60 "$HM_TOP/scripts/status.sh")" "eth0 in network namespace gone: has vanished"
	HOOKMAP_LIMIT=2 timeout 60 "$HM_TOP/scripts/detach.sh" --netns gone eth0
	kill "$pid"
	wait "$pid" || true
	nothing_left
}

@test "attach: a namespace that nobody finds, but in which our filter still is, has not vanished" {
	local pid
	ip netns add gone
	ip -n gone link add eth0 type veth peer name peer0
	"$HM_TOP/scripts/attach.sh" --netns gone eth0 latency 2>/dev/null
	# held by a bind mount in another mount namespace, whose processes are in another /proc
	unshare --mount --propagation private --pid --fork --kill-child bash -c 'touch "$1"; mount --bind /run/netns/gone "$1"; : >"$1.ready"; exec sleep 60' - "$BATS_TEST_TMPDIR/held" 3>&- &
	pid=$!
	busywait 5 test -e "$BATS_TEST_TMPDIR/held.ready"
	ip netns del gone
	fails 1 "programs of ours are still attached" "$HM_TOP/scripts/detach.sh" --netns gone eth0
	run --separate-stderr detach lo
	equal "$status" 0 "detach of another"
	like "$stderr" "kept"
	hookmap -j status | jq -e '.devices[] | select(.device == "eth0")'
	# (unshare does not listen to another signal)
	kill -KILL "$pid"
	wait "$pid" || true
	busywait 10 bash -c '"$1" --netns gone eth0 2>/dev/null' - "$HM_TOP/scripts/detach.sh"
	nothing_left
}

@test "attach: detach --netns asks no iptables of a container that it has not touched" {
	local i
	on server iptables -N hookmap-latency
	for i in {1..40}; do on server iptables -A INPUT -i eth0 -m comment --comment "x --modprobe=EVIL -m foo $i" -j hookmap-latency; done
	on server iptables-save | grep ^-A >"$BATS_TEST_TMPDIR/before"
	"$HM_TOP/scripts/detach.sh" -v --netns "$LAB-server" eth0 2>"$BATS_TEST_TMPDIR/said"
	equal "$(grep -c iptables "$BATS_TEST_TMPDIR/said" || true)" 0 "commands"
	"$HM_TOP/scripts/attach.sh" --netns "$LAB-server" eth0 2>/dev/null
	"$HM_TOP/scripts/detach.sh" --netns "$LAB-server" eth0
	"$HM_TOP/scripts/detach.sh" --netns "$LAB-server" eth0
	equal "$(on server iptables-save | grep ^-A)" "$(cat "$BATS_TEST_TMPDIR/before")" "rules"
	# where the rules are ours: those of somebody else that jump to our chain go as they are
	attach eth0 2>/dev/null
	on host iptables -A INPUT -m comment --comment 'x --modprobe=EVIL "q" \ '"'y" -j hookmap-latency
	on host iptables -A INPUT -p sctp
	# (iptables prints this name without quotes)
	on host iptables -A INPUT -m recent --set --name 'x --modprobe=EVIL y' -j hookmap-latency ||
		on host iptables -A INPUT -m hashlimit --hashlimit-name 'x --y z' --hashlimit-upto 1/s -j hookmap-latency
	detach eth0
	equal "$(on host iptables -S INPUT | grep ^-A)" '-A INPUT -p sctp' "rules of others"
	nothing_left
	# whoever puts each jump back keeps nobody, where only the jumps of a device go, and where all do
	attach veth0 2>/dev/null
	attach eth0 2>/dev/null
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/bash\n%s "$@"; status=$?\n[[ $* != *" -D INPUT "* ]] || %s -I INPUT -i eth0 -j hookmap-latency\nexit $status\n' \
		"$(command -v iptables)" "$(command -v iptables)" >"$BATS_TEST_TMPDIR/bin/iptables"
	chmod +x "$BATS_TEST_TMPDIR/bin/iptables"
	run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" timeout 60 nsenter --net="/run/netns/$LAB-host" -- "$HM_TOP/scripts/detach.sh" eth0
	[[ $status =~ ^[01]$ ]]
	detach veth0
	run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" timeout 60 nsenter --net="/run/netns/$LAB-host" -- "$HM_TOP/scripts/detach.sh" eth0
	[[ $status =~ ^[01]$ ]]
	detach eth0
	nothing_left
}

@test "attach: detach --all takes off devices, the host, other namespaces, and what was attached by hand" {
	lab_up
	on host ip link add x0 type veth peer name x1
	attach eth0 latency l2fwd policy 2>/dev/null
	attach --host drops exec
	attach eth0 latency --netns "$LAB-server"
	on client "$HM_TOP/scripts/attach.sh" eth0 latency --mode none
	on host tc qdisc add dev x0 clsact
	on host tc filter add dev x0 ingress pref 7 handle 1 bpf da obj "$HM_BUILD/tc/latency.o"
	on host ip link set dev x1 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	detach --all 2>/dev/null
	equal "$(on host ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname')" x1 "XDP programs"
	equal "$(on host tc qdisc show | grep -o 'clsact.*dev [a-z0-9]*')" "clsact ffff: dev x0" "qdiscs"
	equal "$(on host tc filter show dev x0 ingress)" "" "filters"
	equal "$(
		for host in client server; do on "$host" tc qdisc show | grep clsact; done
		find /sys/fs/bpf/tc /sys/fs/bpf/hookmap -type f
		on client iptables-save | grep hookmap
		on host iptables-save | grep hookmap
		bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq -r '.[]?.id'
	)" "" "what is left"
	# nothing is attached: no error
	equal "$(detach --all 2>&1)" "" "again"
	fails 2 "--all and --vanished take no other target" detach --all --host
	fails 2 "unknown argument eth0" detach --all eth0
}

@test "attach: what another version has left is named, and detach --all takes it off" {
	local map
	lab_up
	attach eth0 latency policy 2>/dev/null
	attach --host drops
	attach eth0 latency --netns "$LAB-server"
	# the same maps, but other programs
	mv /sys/fs/bpf/tc/_abi_* /sys/fs/bpf/tc/_abi_1
	fails 1 "another version of hookmap is attached: detach it with detach.sh --all" attach veth0 policy
	mv "$G/hm_netns" "$G/netns"
	bpftool map create "$G/hm_netns" type hash key 4 value 64 entries 256 name hm_netns
	fails 1 "hm_netns is 'hash 4 64 256' (type, key, value, entries), expected 'hash 4 72 256': made by another version: detach.sh --all takes off" detach eth0
	mv "$G/netns" "$G/hm_netns"
	# maps of another shape, and one that this version does not know
	for map in hm_dev lat_cfg; do
		rm "$G/$map"
		bpftool map create "$G/$map" type hash key 8 value 12 entries 7 name "$map"
	done
	mv "$G/lat_stamp" "$G/lat_old"
	bpftool map create "$G/somebody" type array key 4 value 4 entries 1 name somebody
	fails 1 "made by another version: detach.sh --all takes off" attach veth0 policy
	fails 1 "made by another version: detach.sh --all takes off" detach eth0
	run -0 detach --all
	like "$output" "eth0: removing a program that is not in the registry"
	like "$output" "eth0: left its clsact qdisc, which has no filters now: nsenter --net=/proc/self/ns/net -- tc qdisc del dev eth0 clsact"
	equal "$(find /sys/fs/bpf/tc /sys/fs/bpf/hookmap -type f)" "$G/somebody" pins
	rm "$G/somebody"
	on host tc qdisc del dev eth0 clsact
	nothing_left
	equal "$(on server tc filter show dev eth0 ingress)" "" "filters of the container"
	attach eth0 latency policy 2>/dev/null
	detach eth0
	nothing_left
}

@test "attach: a build of other headers is refused in one line" {
	local tree=$BATS_TEST_TMPDIR/tree
	tree_copy "$tree"
	echo '/* another */' >>"$tree/kern/abi/host.h"
	for script in 'attach.sh eth0' 'detach.sh eth0' status.sh 'policy.sh flush' 'fdb.sh flush'; do
		# shellcheck disable=SC2086
		fails 1 "was built from other headers than those of" env -u HOOKMAP_OBJ "$tree/scripts/"$script
	done
	# installed scripts, and objects of elsewhere
	rm -r "$tree/kern"
	sed -i 's/^HM_ABI=.*/HM_ABI=1/' "$tree/build/abi.sh"
	fails 1 "was built from other headers than those of" env HOOKMAP_OBJ="$HM_BUILD" "$tree/scripts/attach.sh" eth0
}

# upper KIND: device up0 above eth0
upper() {
	case $1 in
	macvlan) on host ip link add up0 link eth0 type macvlan mode bridge ;;
	vxlan) on host ip link add up0 type vxlan id 7 dstport 4789 remote 10.11.1.2 dev eth0 ;;
	bridge) on host ip link add up0 type bridge && on host ip link set eth0 master up0 ;;
	esac
}
xdp_id() { on host ip -j -d link show "$1" | jq -r '.[0].xdp | (.attached[0]? // .).prog.id // empty'; }

@test "attach: a device and one above it, in any order: macvlan, vxlan, bridge" {
	local kind id
	lab_up
	for kind in macvlan vxlan bridge; do
		upper "$kind"
		attach up0 2>/dev/null
		id=$(xdp_id up0)
		attach eth0 2>/dev/null
		# the same program is back
		equal "$(xdp_id up0)" "$id" "program of the $kind after attach"
		[[ -n $(xdp_id eth0) ]]
		detach eth0
		equal "$(xdp_id up0)" "$id" "program of the $kind after detach"
		# what fails behind it is undone, and the upper one's comes back
		fails 1 "no object /none" attach eth0 latency --next /none
		mkdir "$BATS_TEST_TMPDIR/$kind"
		printf '#!/bin/bash\n[[ " $* " != *" map update "*hm_dev* || -z $(%s -j -d link show eth0 | %s "select(.[0].xdp)") ]] || exit 1\nexec %s "$@"\n' \
			"$(type -P ip)" "$(type -P jq)" "$(type -P bpftool)" >"$BATS_TEST_TMPDIR/$kind/bpftool"
		chmod +x "$BATS_TEST_TMPDIR/$kind/bpftool"
		run -1 on host env BPFTOOL="$BATS_TEST_TMPDIR/$kind/bpftool" "$HM_TOP/scripts/attach.sh" eth0
		[[ $output != *'could not undo'* ]]
		equal "$(xdp_id eth0)/$(xdp_id up0)" "/$id" "after an attach that failed: $output"
		detach up0
		nothing_left
		on host ip link set eth0 nomaster
		on host ip link del up0
	done
}

@test "attach: somebody's program on a device above is named, and stays" {
	local id
	lab_up
	upper macvlan
	on host ip link set dev up0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	id=$(xdp_id up0)
	run -1 attach eth0
	like "$output" "eth0: up0 above it has an XDP program that is not ours, *id $id*ip link set dev up0 xdpgeneric off"
	equal "$(xdp_id up0)" "$id" "the program above"
	nothing_left_but_up0() { equal "$(on host ip -j -d link show | jq -r '.[] | select(.xdp) | .ifname')$(find /sys/fs/bpf/hookmap "$G" -type f)" up0; }
	nothing_left_but_up0
	# the advice works
	on host ip link set dev up0 xdpgeneric off
	attach eth0 2>/dev/null
	on host ip link set dev up0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	run -1 detach eth0
	like "$output" "up0 above it has an XDP program that is not ours"
	on host ip link set dev up0 xdpgeneric off
	detach eth0
	nothing_left
}

# command NAME TEXT: a command of this name, of bash, first in PATH
command_first() {
	mkdir -p "$BATS_TEST_TMPDIR/first"
	printf '#!/bin/bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/first/$1"
	chmod +x "$BATS_TEST_TMPDIR/first/$1"
}
attach_first() { on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" "$HM_TOP/scripts/attach.sh" "$@"; }

@test "attach: iptables that is not there, does not work, or has no match bpf: the rest is measured, and that is said" {
	local ipt
	lab_up
	command_first ip6tables 'echo "ip6tables: cannot initialize: Address family not supported by protocol" >&2; exit 3'
	run -0 attach_first eth0 latency --sample 1 --filter 'proto icmp'
	like "$output" "ip6tables does not work here (ip6tables: cannot initialize: Address family not supported by protocol): the stages prerouting and input of IPv6 are not measured"
	on client ping -q -c 7 -i 0.01 10.11.1.1
	equal "$(rows tc prerouting)/$(rows prerouting input)" 7/7 "packets"
	on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" "$HM_TOP/scripts/detach.sh" eth0
	nothing_left
	rm "$BATS_TEST_TMPDIR/first/ip6tables"
	for ipt in iptables ip6tables; do
		command_first "$ipt" "[[ \" \$* \" != *' bpf '* ]] || { echo '$ipt: No chain/target/match by that name.' >&2; exit 1; }
			exec $(type -P "$ipt") \"\$@\""
	done
	run -0 attach_first eth0 latency --sample 1 --filter 'proto icmp'
	like "$output" "iptables has no match bpf here (iptables: No chain/target/match by that name.): the stages prerouting and input of IPv4"
	like "$output" "ip6tables has no match bpf here"
	run -0 on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" "$HM_TOP/scripts/status.sh" --check
	equal "$(on host iptables-save | grep hookmap)" "" rules
	on client ping -q -c 7 -i 0.01 10.11.1.1
	equal "$(rows xdp tc)/$(rows tc prerouting)" 7/0 "packets"
	detach eth0
	nothing_left
	run -0 env IPTABLES=/nowhere/iptables IP6TABLES=/nowhere/ip6tables nsenter --net="/run/netns/$LAB-host" -- "$HM_TOP/scripts/attach.sh" eth0
	like "$output" "/nowhere/iptables is not installed: the stages prerouting and input of IPv4 are not measured"
	detach eth0
	nothing_left
}

# bats test_tags=vm
@test "attach: without IPv6 (ipv6.disable=1) every feature is attached, and what is missing is said" {
	local said
	# (a guest may have been started so)
	if [[ -e /proc/sys/net/ipv6/conf/all/disable_ipv6 ]]; then
		mount -t tmpfs tmpfs /proc/sys/net/ipv6
		command_first ip6tables "echo \"modprobe: FATAL: Module ip6_tables not found\" >&2
			echo \"ip6tables: can't initialize ip6tables table: Address family not supported by protocol\" >&2; exit 3"
	else
		command_first true ''
	fi
	LAB=$("$HM_TOP/scripts/lab.sh" up -4)
	said=$(attach_first eth0 latency policy --sample 1 --filter 'proto udp dport 7000' 2>&1)
	on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" ip6tables -S >/dev/null 2>&1 || like "$said" "the stages prerouting and input of IPv6 are not measured"
	attach_first veth0 l2fwd 2>/dev/null
	attach_first --host drops exec napi open path pktlat 2>/dev/null
	udp host 10.11.1.1 101
	equal "$(rows prerouting input) $(rows input socket)" '101 101' measured
	run -0 on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" "$HM_TOP/scripts/status.sh" --check
	on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" ip6tables -S >/dev/null 2>&1 || like "$output" 'note: ip6tables does not work here: the stages prerouting and input of IPv6 are not measured: attach.sh eth0 says why'
	on host env PATH="$BATS_TEST_TMPDIR/first:$PATH" "$HM_TOP/scripts/detach.sh" --all
	nothing_left
}

@test "attach: detach takes rules out of the other backend of iptables, too" {
	local backend
	skip_without iptables-legacy iptables-legacy -S
	lab_up
	for backend in legacy nft; do
		IPTABLES=iptables-$backend IP6TABLES=ip6tables-$backend attach eth0 2>/dev/null
		like "$(on host "iptables-$backend-save" 2>/dev/null)" "-j hookmap-latency"
		[[ $backend == legacy ]] && backend=nft || backend=legacy
		IPTABLES=iptables-$backend IP6TABLES=ip6tables-$backend detach eth0
		equal "$(for save in ip{,6}tables-{legacy,nft}-save; do on host "$save" 2>/dev/null; done | grep hookmap)" "" rules
	done
	nothing_left
}

@test "attach: RPS is told each time and by status, of this namespace's device; threaded NAPI changes nothing" {
	# sys COMMAND: with the host's /sys
	sys() { on host unshare --mount --propagation private -- sh -c "mount -t sysfs sysfs /sys && cd /sys/class/net && $1"; }
	lab_up
	sys 'echo 3 >eth0/queues/rx-0/rps_cpus'
	like "$(attach eth0 2>&1)" "eth0 has RPS on"
	like "$(attach eth0 2>&1)" "eth0 has RPS on"
	like "$(on host "$HM_TOP/scripts/status.sh")" "has RPS on"
	# the client's has the same name and number
	[[ $(on client "$HM_TOP/scripts/attach.sh" eth0 2>&1) != *RPS* ]]
	on client "$HM_TOP/scripts/detach.sh" eth0
	sys 'echo 0 >eth0/queues/rx-0/rps_cpus'
	[[ $(attach eth0 2>&1) != *RPS* ]]
	detach eth0
	attach eth0 --sample 1 --filter 'proto icmp'
	sys 'echo 1 >eth0/threaded'
	on client ping -q -c 50 -i 0.002 10.11.1.1
	equal "$(rows xdp tc)/$(rows prerouting input)" 50/50 "with threaded NAPI"
	detach eth0
	nothing_left
}

@test "attach: a saved rule set with our rules cannot be loaded later: that is said, and saved.sh takes them out" {
	lab_up
	on host iptables -A INPUT -s 192.0.2.1 -m comment --comment 'x -j hookmap-latency y' -j ACCEPT
	on host iptables-save | grep -v '^#' | sed 's/\[.*//' >"$BATS_TEST_TMPDIR/before"
	mkdir "$BATS_TEST_TMPDIR/etc"
	mount -t tmpfs tmpfs "$BATS_TEST_TMPDIR/etc"
	mkdir -p "$BATS_TEST_TMPDIR/etc/up/iptables" "$BATS_TEST_TMPDIR/etc/work"
	mount -t overlay overlay -o "lowerdir=/etc,upperdir=$BATS_TEST_TMPDIR/etc/up,workdir=$BATS_TEST_TMPDIR/etc/work" /etc
	attach eth0 2>/dev/null
	on host iptables-save -c >/etc/iptables/rules.v4
	chmod 640 /etc/iptables/rules.v4
	like "$(attach eth0 2>&1)" "/etc/iptables/rules.v4 has our rules: at boot neither they nor the rest of their tables can be loaded: saved.sh /etc/iptables/rules.v4"
	detach eth0
	run on host iptables-restore /etc/iptables/rules.v4
	((status))
	"$HM_TOP/scripts/saved.sh" </etc/iptables/rules.v4 >"$BATS_TEST_TMPDIR/filtered"
	"$HM_TOP/scripts/saved.sh" /etc/iptables/rules.v4
	cmp /etc/iptables/rules.v4 "$BATS_TEST_TMPDIR/filtered"
	equal "$(stat -c %a /etc/iptables/rules.v4)" 640 mode
	on host iptables -F
	on host iptables-restore /etc/iptables/rules.v4
	equal "$(on host iptables-save | grep '^-A')" "$(grep '^-A' "$BATS_TEST_TMPDIR/before")" rules
	[[ $(attach eth0 2>&1) != *rules.v4* ]]
	detach eth0
	fails 1 "no such file" "$HM_TOP/scripts/saved.sh" /nowhere
	umount /etc
}
