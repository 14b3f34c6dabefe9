#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# ovslat: time in Open vSwitch's kernel datapath. Needs the module openvswitch and, for
# its tables, ovs-dpctl; without them, what can be tried is.

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# only a guest's modules are ours to load
ovs_module() { [[ -d /sys/module/openvswitch ]] || { [[ -n ${HM_VM:-} ]] && modprobe openvswitch; }; }

# A datapath of the kernel alone: what comes in at va is sent through vxlan, whose way
# leads through the datapath's own internal port ovs0 and out at vb.
ovs_up() {
	for d in va vb; do
		ip link add "$d" type veth peer name "$d-peer"
		ip link set "$d" up
		ip link set "$d-peer" up
		sysctl -qw "net.ipv6.conf.$d.disable_ipv6=1" "net.ipv6.conf.$d-peer.disable_ipv6=1"
	done
	ovs-dpctl add-dp ovs0
	sysctl -qw net.ipv6.conf.ovs0.disable_ipv6=1
	ip addr add 192.168.9.1/24 dev ovs0
	ip link set ovs0 up
	ip neigh add 192.168.9.2 lladdr 02:00:00:00:00:02 dev ovs0
	ip addr add 192.168.8.1/24 dev va-peer
	ip neigh add 192.168.8.2 lladdr 02:00:00:00:00:03 dev va-peer
	ovs-dpctl add-if ovs0 va,port_no=1
	ovs-dpctl add-if ovs0 vb,port_no=2
	ovs-dpctl add-if ovs0 vx,type=vxlan,port_no=3,remote_ip=flow,key=flow
	flow='recirc_id(0),in_port(%s),eth(),eth_type(0x0800),ipv4(frag=no)'
	# shellcheck disable=SC2059
	ovs-dpctl add-flow ovs0 "$(printf "$flow" 1)" \
		'set(tunnel(tun_id=0x5,src=192.168.9.1,dst=192.168.9.2,ttl=64,flags(key))),3'
	# shellcheck disable=SC2059
	ovs-dpctl add-flow ovs0 "$(printf "$flow" 0)" 2
}

port() { hookmap -j ovslat | jq ".rows[] | select(.port == \"$1\" and .kind == \"$2\") | .$3"; }

# 23 packets through both kinds of hooks
through() {
	"$HM_BUILD/tests/traffic" udp-send 192.168.8.2 9 23
	busywait 20 bash -c "[[ \$($HM_BUILD/hookmap -j ovslat | jq '[.rows[] | select(.kind == \"total\") | .count] | add') == 46 ]]" ||
		hookmap ovslat >&2
	for p in va ovs0; do
		equal "$(port "$p" total count)" 23 "calls of $p"
		equal "$(port "$p" self count)" 23 "calls of $p"
	done
	# ovs0 is inside va
	equal "$(($(port va total sum_ns) - $(port ovs0 total sum_ns)))" "$(port va self sum_ns)" "va itself"
	equal "$(port ovs0 self sum_ns)" "$(port ovs0 total sum_ns)" "nothing is inside ovs0"
	nothing_lost
}
nothing_lost() { equal "$(hookmap -j ovslat | jq -c .lost)" '{"table_full":0,"too_deep":0,"no_return":0,"evicted":0,"evicted_calls":0,"missed":0}' lost; }

# hammered: all CPUs at once: no call is taken for another CPU's, or for one that it is inside
hammered() {
	local cpu jobs=() n=2000 p
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		"$HM_BUILD/tests/traffic" udp-send 192.168.8.2 9 "$n" --cpu "$cpu" --rate 2000 3>&- &
		jobs+=($!)
	done
	for p in "${jobs[@]}"; do wait "$p"; done
	n=$((23 + n * ${#jobs[@]}))
	busywait 60 bash -c "[[ \$($HM_BUILD/hookmap -j ovslat | jq '[.rows[] | select(.kind == \"total\") | .count] | add') == $((2 * n)) ]]" ||
		hookmap ovslat >&2
	for p in va ovs0; do equal "$(port "$p" total count) $(port "$p" self count)" "$n $n" "calls of $p, on all CPUs"; done
	equal "$(($(port va total sum_ns) - $(port ovs0 total sum_ns)))" "$(port va self sum_ns)" "va itself, on all CPUs"
	nothing_lost
}

# bats test_tags=vm
@test "ovslat: 23 packets and the calls inside them, by port (fentry)" {
	skip_without "module openvswitch" ovs_module
	skip_without "ovs-dpctl" command -v ovs-dpctl
	ovs_up
	host_attach ovslat
	equal "$(bpftool -j link show pinned /sys/fs/bpf/hookmap/ovslat/ovslat_exit | jq -r .type)" tracing kind
	through
	hammered
	host_attach ovslat
	host_detach ovslat
	host_nothing_left
}

# bats test_tags=vm
@test "ovslat: 23 packets and the calls inside them, by port (kprobe)" {
	skip_without "module openvswitch" ovs_module
	skip_without "ovs-dpctl" command -v ovs-dpctl
	ovs_up
	# as on a kernel without fentry
	cp -r "$HM_BUILD" "$BATS_TEST_TMPDIR/build"
	cp "$HM_BUILD/kern/napi.o" "$BATS_TEST_TMPDIR/build/kern/ovslat.o"
	HOOKMAP_OBJ=$BATS_TEST_TMPDIR/build host_attach ovslat
	equal "$(bpftool -j link show pinned /sys/fs/bpf/hookmap/ovslat/ovslat_exit | jq -r .type)" perf_event kind
	through
	hammered
	host_detach ovslat
	host_nothing_left
}

@test "ovslat: the kprobe programs pass the verifier" {
	mkdir /sys/fs/bpf/k
	bpftool -n prog loadall "$HM_BUILD/kern/ovslat_kprobe.o" /sys/fs/bpf/k
	equal "$(find /sys/fs/bpf/k -type f | wc -l)" 2 programs
	rm -r /sys/fs/bpf/k
}

@test "ovslat: without Open vSwitch, one clear line and nothing left" {
	[[ ! -d /sys/module/openvswitch ]] || skip "the module openvswitch is loaded"
	# (a folder is not a feature that is loaded)
	(umask 077 && mkdir -p /sys/fs/bpf/hookmap/ovslat)
	run host_attach ovslat
	equal "$status" 1
	one_line "$output"
	like "$output" openvswitch
	host_nothing_left
	run hookmap ovslat
	equal "$status" 1
	one_line "$output"
}

# u64 N...: as bytes in hexadecimal
u64() {
	local n
	for n; do printf '%016x' "$n" | sed 's/../& /g' | tr ' ' '\n' | tac | tr '\n' ' '; done
}

@test "ovslat: the reader shows what the maps hold" {
	local cpus key row
	mkdir -p "$G"
	bpftool -n map create "$G/ovslat_hist" type percpu_hash key 40 value 152 entries 2048 name ovslat_hist
	bpftool -n map create "$G/ovslat_call" type percpu_array key 4 value 312 entries 1 name ovslat_call
	bpftool -n map create "$G/ovslat_who" type hash key 40 value 24 entries 512 name ovslat_who
	# on each CPU two calls of 5 ns and one of 10, then the same for calls inside others
	read -ra key <<<"70 31 $(u64 0 0 | cut -c 1-42) $(u64 0) 00 00 00 00 03 00 00 00"
	read -ra row <<<"$(u64 20 10 -6 0 0 0 0 2 0 0 0 0 1 0 0 0 0 0 0)"
	bpftool map update pinned "$G/ovslat_hist" key hex "${key[@]}" 01 00 00 00 00 00 00 00 value hex "${row[@]}"
	bpftool map update pinned "$G/ovslat_hist" key hex "${key[@]}" 02 00 00 00 00 00 00 00 value hex "${row[@]}"
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/ovslat_call" key 0 0 0 0 value hex $(u64 $(yes 0 | head -n 33) 7 8 9 5 6 0)
	cpus=$(($(hookmap -j ovslat | jq '.rows[0].count') / 3))
	((cpus >= $(nproc)))
	equal "$(hookmap -j ovslat | jq -c '.rows[] | [.port, .netns, .kind, .count, .sum_ns, .min_ns, .p50_ns, .p90_ns, .p99_ns, .max_ns]' | sort)" \
		"[\"p1\",\"-\",\"self\",$((3 * cpus)),$((20 * cpus)),5,5,10,10,10]
[\"p1\",\"-\",\"total\",$((3 * cpus)),$((20 * cpus)),5,5,10,10,10]"
	equal "$(hookmap -j ovslat | jq -c .lost)" "{\"table_full\":$((7 * cpus)),\"too_deep\":$((8 * cpus)),\"no_return\":$((9 * cpus)),\"evicted\":$((5 * cpus)),\"evicted_calls\":$((6 * cpus)),\"missed\":0}"
	run -0 hookmap ovslat
	equal "$(awk '$1 == "p1" { print $3, $4, $NF }' <<<"$output" | sort)" "self $((3 * cpus)) 10ns
total $((3 * cpus)) 10ns"
	like "$output" "not in the rows: $((7 * cpus)) table full, $((8 * cpus)) too deep, $((9 * cpus)) without return, $((5 * cpus)) replaced rows, $((6 * cpus)) calls of replaced rows"
}
