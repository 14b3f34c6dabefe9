#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Bad input: one clear line that says what and what to do, exit 1 (2 for usage), no change

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }

# fails STATUS TEXT COMMAND...: with this exit status, one line that has TEXT, no change
fails() {
	local want=$1 text=$2 before after
	shift 2
	before=$(
		find /sys/fs/bpf -type f | sort
		on host ip -j -d link show | jq -c '.[].xdp'
		on host tc qdisc show
	)
	run "$@"
	after=$(
		find /sys/fs/bpf -type f | sort
		on host ip -j -d link show | jq -c '.[].xdp'
		on host tc qdisc show
	)
	equal "$status" "$want" "exit status of: $*: $output; it"
	like "$output" "$text"
	one_line "$output"
	equal "$after" "$before" "state"
}

@test "errors: usage is exit 2" {
	fails 2 "no device given" attach
	fails 2 "unknown feature nonsense; features are: " attach eth0 nonsense
	fails 2 "unknown option --nonsense" attach eth0 --nonsense 1
	fails 2 "--nonsense" attach eth0 --nonsense
	fails 2 "unknown option --nonsense" attach --nonsense eth0
	fails 2 "no device given" attach --sample 1
	fails 2 "its value is missing" attach eth0 --sample
	fails 2 "--sample 0: expected a number" attach eth0 --sample 0
	fails 2 "--sample x: expected a number" attach --sample=x eth0
	fails 2 "--mode fast: expected native, generic or none" attach eth0 --mode fast
	fails 2 "--inpacket 70000: expected a number" attach eth0 --inpacket 70000
	fails 2 "--mode cannot be combined with --netns" attach eth0 --netns "$LAB-server" --mode native
	fails 2 "--next cannot be combined with --netns" attach eth0 --netns "$LAB-server" --next "$HM_BUILD/xdp/pass.o"
	fails 2 "--next cannot be combined with --mode none" attach eth0 --mode none --next "$HM_BUILD/xdp/pass.o"
	fails 2 "--sample is an option of latency, which this command does not attach" attach --host drops --sample 100
	fails 2 "--policy-pref is an option of policy, which" attach eth0 --policy-pref 60
	fails 2 "--mirror is an option of l2fwd, which" attach eth0 latency policy --mirror
	fails 2 "--by is an option of drops, which" attach eth0 latency --by flow
	fails 2 "unknown option -x" detach -x eth0
	fails 2 "no device given" detach
	fails 2 "expected up, exec, down or list" "$HM_TOP/scripts/lab.sh" fly
	fails 2 "unknown argument all" "$HM_TOP/scripts/deps.sh" all
	fails 2 "one device, please" "$HM_TOP/scripts/status.sh" eth0 eth1
}

@test "errors: filters name the word that is wrong" {
	fails 2 "--filter: unknown word 5000" attach eth0 --filter 'udp 5000'
	fails 2 "--filter: proto is given twice" attach eth0 --filter 'udp proto 17'
	fails 2 "--filter: protocol icmp has no ports" attach eth0 --filter 'icmp port 7'
	fails 2 "--filter: no packet has both: echo, and proto tcp" attach eth0 --filter 'echo tcp'
	fails 2 "--filter: vlan is not supported here" attach eth0 --filter 'vlan 5'
	fails 2 "--filter: ethertype 0x0806 is not supported here" attach eth0 --filter arp
	fails 2 "--match: no frame has both: ethertype 0x0800, and proto icmp6" attach --host path --match 'src 10.0.0.0/8 icmp6'
	fails 2 "--match: host fd00::1: another protocol family" attach --host path --match 'src 10.0.0.0/8 host fd00::1'
	fails 2 "--match: vlan 4095: expected a number from 1 to 4094" attach --host path --match 'vlan 4095'
	fails 2 "--filter: port needs a value" attach eth0 --filter 'proto udp port'
	fails 2 "--filter: port 99999: expected a number" attach eth0 --filter 'port 99999'
	fails 2 "--filter: src 10.0.0.0/33: expected an IPv4 or IPv6 prefix" attach eth0 --filter 'src 10.0.0.0/33'
	fails 2 "--filter: dst 10.0.300.0/8: expected" attach eth0 --filter 'dst 10.0.300.0/8'
	fails 2 "--filter: dst fd11::1::2: expected" attach eth0 --filter 'dst fd11::1::2'
	fails 2 "--filter: src fd11:1: expected" attach eth0 --filter 'src fd11:1'
	fails 1 "--filter: no device eth9" attach eth0 --filter 'dev eth9'
}

@test "errors: what stands in the environment, and closed descriptors, are not in the way" {
	local script
	for script in 1h 0 'a[$(>x)]'; do
		fails 2 "HOOKMAP_LIMIT *: expected a number from 1 to 86400" on host env HOOKMAP_LIMIT="$script" "$HM_TOP/scripts/attach.sh" eth0 policy
	done
	[[ ! -e x ]]
	for script in attach detach; do
		on host env POSIXLY_CORRECT=1 GLOBIGNORE='*' CDPATH=/ SHELLOPTS=noglob:noclobber:allexport BASHOPTS=failglob:nocasematch "$HM_TOP/scripts/$script.sh" eth0 policy 2>/dev/null
		[[ $script == detach ]] || like "$(on host tc filter show dev eth0 ingress)" policy_tc
	done
	nothing_left
	for script in attach detach; do
		on host "$HM_TOP/scripts/$script.sh" eth0 policy <&- >&- 2>&-
		[[ $script == detach ]] || like "$(on host tc filter show dev eth0 ingress)" policy_tc
	done
	nothing_left
}

@test "errors: what is not there" {
	fails 1 "its path must not contain blanks, quotes or #" env HOOKMAP_BPFFS="/sys/fs/b pf" "$HM_TOP/scripts/attach.sh" lo
	fails 1 "no device eth7" attach eth7
	fails 1 "no device drops: drops is a feature of the host, attach.sh --host drops" attach drops
	fails 1 "no device eth7" detach eth7
	fails 1 "no device eth7" on host "$HM_TOP/scripts/status.sh" eth7
	fails 1 "no network namespace nowhere" attach eth0 --netns nowhere
	fails 1 "no network namespace nowhere" detach eth0 --netns nowhere
	fails 1 "no device eth7 in network namespace $LAB-server" attach eth7 --netns "$LAB-server"
	fails 1 "no object /nowhere.o" attach eth0 --next /nowhere.o
	fails 1 "lab nolab is not up, or has no host named client" "$HM_TOP/scripts/lab.sh" exec nolab client true
}

@test "errors: a command that fails where that is not expected: status 1, and which it was" {
	local line d=$BATS_TEST_TMPDIR
	attach eth0 l2fwd policy 2>/dev/null
	mkdir "$d/bin"
	printf '#!/bin/sh\nexit 4\n' | tee "$d/bin/stat" "$d/bin/mktemp" >/dev/null
	chmod +x "$d/bin/"*
	printf '{"rules":[]}' >"$d/rules"
	for line in 'attach.sh eth0 latency' 'detach.sh eth0' 'status.sh' 'status.sh -j' 'fdb.sh dump' 'policy.sh show'; do
		# shellcheck disable=SC2086
		fails 1 'failed, with exit status 4' on host env PATH="$d/bin:$PATH" "$HM_TOP/scripts/"$line
	done
	printf '#!/bin/sh\n[ "$1" != qdisc ] || [ "$2" != add ] || kill -SEGV $$\nexec %s "$@"\n' "$(type -P tc)" >"$d/bin/tc"
	rm "$d/bin/stat"
	chmod +x "$d/bin/tc"
	fails 1 'tc qdisc add dev veth0 clsact failed: error: it was ended by signal 11' on host env PATH="$d/bin:$PATH" "$HM_TOP/scripts/attach.sh" veth0 policy
	# diff has 1 for another thing
	fails 2 'failed, with exit status 4: WORK=$(mktemp -d)' on host env PATH="$d/bin:$PATH" "$HM_TOP/scripts/policy.sh" diff "$d/rules"
	detach eth0
}

@test "errors: not root" {
	for_users
	fails 1 "must be root: try sudo attach.sh" nobody /mnt/scripts/attach.sh lo
	fails 1 "must be root: try sudo detach.sh" nobody /mnt/scripts/detach.sh lo
	fails 1 "must be root: try sudo lab.sh" nobody /mnt/scripts/lab.sh up
	attach eth0
	fails 1 "run as root" nobody /mnt/build/hookmap latency
	fails 1 "must be root: try sudo status.sh" nobody /mnt/build/hookmap status
}

@test "errors: no bpf filesystem" {
	umount /sys/fs/bpf
	run attach eth0
	equal "$status" 1 status
	like "$output" "no bpf filesystem is mounted on /sys/fs/bpf: mount -t bpf -o mode=700 bpf /sys/fs/bpf"
	one_line "$output"
	HOOKMAP_BPFFS=/nowhere fails 1 "no bpf filesystem is mounted on /nowhere: mount" attach eth0
	fails 1 "ip netns exec has another /sys: nsenter --net=/run/netns/$LAB-host -- attach.sh ..." \
		ip netns exec "$LAB-host" "$HM_TOP/scripts/attach.sh" eth0
	fails 1 "not there: attach first" hookmap latency
}

@test "errors: a rule set of another shape, in a map of maps that is right" {
	local slot
	attach eth0 policy
	printf '{"rules":[{"priority":1,"action":"drop"}]}' | on host "$HM_TOP/scripts/policy.sh" load -
	bpftool -n map create /sys/fs/bpf/large type array key 4 value 8192 entries 2 name large
	rm "$G/pol_rules"
	bpftool -n map create "$G/pol_rules" type array_of_maps key 4 value 4 entries 2 name pol_rules inner_map pinned /sys/fs/bpf/large
	for slot in 0 1; do bpftool map update pinned "$G/pol_rules" key "$slot" 0 0 0 value pinned /sys/fs/bpf/large; done
	fails 1 "value is 8192 bytes, expected" hookmap policy
	rm /sys/fs/bpf/large
}

@test "errors: a pin of another shape, for scripts and reader" {
	mkdir -p "$G"
	bpftool -n map create "$G/lat_hist" type percpu_hash key 8 value 48 entries 2048 name lat_hist
	fails 1 "map $G/lat_hist is 'percpu_hash 8 48 2048'" attach eth0
	bpftool -n map create "$G/lat_cfg" type array key 4 value 136 entries 1 name lat_cfg
	bpftool -n map create "$G/lat_stat" type percpu_array key 4 value 136 entries 1 name lat_stat
	bpftool -n map create "$G/lat_stamp" type array key 4 value 40 entries 65536 name lat_stamp
	fails 1 "map $G/lat_hist: value is 48 bytes, expected 152" hookmap latency
	like "$(hookmap status)" "another version"
	rm "$G/lat_hist"
	bpftool -n map create "$G/lat_hist" type hash key 8 value 152 entries 2048 name lat_hist
	fails 1 "map $G/lat_hist: type is" hookmap latency
}

@test "errors: a pin that is no map" {
	mkdir -p "$G"
	bpftool -n prog load "$HM_BUILD/tests/bpf/burn_ipt.o" "$G/lat_stat"
	fails 1 "$G/lat_stat is not a map that can be read (Error: incorrect object type: prog): if it is not ours" attach eth0
	fails 1 "$G/lat_stat" hookmap status
}

@test "errors: a registry that cannot be read, or has another shape" {
	local script
	mkdir -p "$G/hm_dev"
	fails 1 "$G/hm_dev is not a map that can be read (Error: bpf obj get ($G): " on host "$HM_TOP/scripts/status.sh"
	rmdir "$G/hm_dev"
	bpftool -n map create "$G/hm_dev" type hash key 4 value 4 entries 8 name hm_dev
	bpftool map update pinned "$G/hm_dev" key 1 0 0 0 value 1 0 0 0
	for script in status.sh 'status.sh -j' 'status.sh eth0' 'detach.sh eth0' 'detach.sh --host'; do
		# shellcheck disable=SC2086
		fails 1 "map $G/hm_dev is 'hash 4 4 8' (type, key, value, entries), expected" on host "$HM_TOP/scripts/"$script
	done
}

@test "errors: a pin that was removed while attached" {
	attach eth0
	rm "$G/lat_cfg"
	fails 1 "map $G/lat_cfg: not there: attach first" hookmap latency
	# what a reader beside a detach meets: no error, but commands that are to be run are all there
	run -0 --separate-stderr hookmap -j status
	[ -z "$stderr" ]
	[ "$(jq -c '.devices[0].settings' <<<"$output")" = '{"latency":{"pref":1,"mode":"native"}}' ]
	like "$(hookmap status --commands 2>&1)" "map $G/lat_cfg: not there"
	detach eth0
	nothing_left
}

@test "errors: bpftool is too old, or missing" {
	printf '#!/bin/sh\ncase "$*" in version) echo "bpftool v7.1.0";; *) exec bpftool "$@" 2>&1 | sed s/autoattach//g;; esac\n' >"$BATS_TEST_TMPDIR/old"
	chmod +x "$BATS_TEST_TMPDIR/old"
	BPFTOOL=$BATS_TEST_TMPDIR/old fails 1 "has no autoattach (bpftool v7.1.0): version 7.2 is needed" attach eth0
	BPFTOOL=/nowhere/bpftool fails 1 "/nowhere/bpftool is not installed" attach eth0
}

@test "errors: objects of another ABI, or none" {
	cp -r "$HM_BUILD" "$BATS_TEST_TMPDIR/build"
	sed -i "s/hookmap-abi:$(sed -n 's/^HM_ABI=//p' "$HM_BUILD/abi.sh")/hookmap-abi:1234567890/" "$BATS_TEST_TMPDIR/build/tc/latency.o"
	HOOKMAP_OBJ=$BATS_TEST_TMPDIR/build fails 1 "tc/latency.o was built for another ABI" attach eth0
	rm "$BATS_TEST_TMPDIR/build/tc/latency.o"
	HOOKMAP_OBJ=$BATS_TEST_TMPDIR/build fails 1 "tc/latency.o is not there: build first" attach eth0
	HOOKMAP_OBJ=/nowhere fails 1 "/nowhere/abi.sh is not there: build first" attach eth0
}

@test "errors: the reader's usage" {
	fails 2 "fly: unknown verb" hookmap fly
	fails 2 "--fly: unknown option" hookmap --fly latency
	fails 2 "latency: unexpected argument" hookmap exec latency
	fails 2 "exec: -c: needs a number (for colours: --color)" hookmap exec -c
	fails 2 "choose one of" hookmap --hgrm --prom latency
	fails 2 "-i 0: expected seconds" hookmap -i 0 latency
	fails 2 "-c 0: expected a number" hookmap -i 1 -c 0 latency
	fails 2 "-c needs -i" hookmap -c 1 latency
	fails 2 "status: has no such output" hookmap --prom status
	# what is attached: nothing, and that is fine
	run hookmap
	equal "$status" 0 status
}

@test "errors: with -j, the reader's error is a JSON document, too" {
	run --separate-stderr hookmap -j latency
	equal "$status" 1 status
	like "$(jq -r .error <<<"$output")" "attach first"
}

@test "errors: hostile names do no harm" {
	fails 1 'no device $(touch' attach '$(touch /tmp/hookmap-was-here)'
	fails 1 "no device a b" attach 'a b'
	fails 1 "no network namespace *" attach eth0 --netns '*'
	fails 2 "unknown word *" attach eth0 --filter '* *'
	fails 2 "lab name" "$HM_TOP/scripts/lab.sh" up 'a b'
	[[ ! -e /tmp/hookmap-was-here ]]
	on host ip link add name 'we*rd"x' type veth peer name other
	attach 'we*rd"x' --mode none
	hookmap -j status | jq -e '.devices[] | select(.device == "we*rd\"x")'
	detach 'we*rd"x'
	nothing_left
}
