#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Attached means reached: what can stop packets before they get to us is named, or all of them are
# measured. Never a silent zero.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"
. "${BATS_TEST_DIRNAME}/../reach.bash"

N=10

# bats test_tags=vm
@test "reach: what programs return, and whether they use tc_index, by their instructions" {
	local id=()
	mkdir "$PINS"
	bpftool prog loadall "$BESIDE" "$PINS" type classifier
	bpftool prog load "$HM_BUILD/tests/bpf/index_reader.o" "$PINS/index_reader" type classifier
	bpftool prog load "$HM_BUILD/tests/bpf/xdp_drop.o" "$PINS/drop" type xdp
	mapfile -t id < <(for pin in "$PINS"/*; do bpftool -j prog show pinned "$pin" | jq .id; done)
	printf -v id '%s,' "${id[@]}"
	equal "$(hookmap -j progs --look "${id%,}" | jq -r '.rows | sort_by(.program)[] | "\(.program) \(.returns) \(.tc_index)"')" \
		"beside_deep -1,2 reads
beside_near -1 -
beside_next -1 -
beside_ok 0 -
beside_some -1,0,2 -
beside_tail ? -
beside_writes -1 writes
index_reader -1,0,2 reads
somebodys_drop 1 -"
	fails 1 '--look 4294967295: no program has this id' hookmap progs --look 4294967295
	fails 1 '--look x: no program has this id' hookmap progs --look x
}

status_sh() { on host "$HM_TOP/scripts/status.sh" "$@"; }

# gauge: what Prometheus gets of a feature
gauge() { hookmap --prom | sed -n "s/^hookmap_stage_reached{stage=\"tc\",feature=\"$1\",device=\"eth0\",.*} //p"; }

# bats test_tags=vm
@test "reach: what stops packets later is seen by the counters, named, and gone when it goes" {
	lab_up
	WHERE=$LAB-host DEV=eth0
	skip_without tcx can_tcx
	attach eth0 latency l2fwd policy
	on client ping -q -c 3 -i 0.01 10.11.1.1
	equal "$(gauge latency) $(gauge l2fwd) $(gauge policy)" '1 1 1' gauges
	on host "$HM_TOP/scripts/detach.sh" eth0 l2fwd
	like "$(hookmap)" ' yes'
	run -0 status_sh --check
	like "$output" 'latency at tc: '
	tcx beside_some
	# small packets end there; the next one comes later than the last one at tc
	missed() {
		on client ping -q -c 1 10.11.1.1
		[[ $(gauge policy) == 0 ]]
	}
	busywait 10 missed
	equal "$(gauge latency)" 0 gauge
	like "$(hookmap)" 'not latency at tc, policy at tc'
	equal "$(hookmap -j status | jq -c '[.devices[].reach[] | .reached, .packets < .before]')" '[false,true,false,true]' 'JSON'
	run -0 status_sh eth0
	like "$output" 'attached but not reached: policy at tc (status.sh --check eth0 looks what stops them)'
	run -1 status_sh --check eth0
	like "$output" 'attached but not reached: policy at tc (tcx program beside_some (id '
	like "$output" 'comes before and may end the hook): '
	run -1 status_sh --check -j
	equal "$(jq -c '[.[].missed[] | split(" (")[0]]' <<<"$output")" '["attached but not reached: latency at tc","attached but not reached: policy at tc"]' 'JSON of status'
	on host bpftool net detach tcx_ingress dev eth0
	on client ping -q -c 1 10.11.1.1
	equal "$(gauge latency) $(gauge policy)" '1 1' 'gauges again'
	run -0 status_sh --check eth0
	detach eth0
	nothing_left
}

@test "reach: programs of another set of pins, on a device of the same number, count for nothing here" {
	lab_up
	attach eth0
	on client ping -q -c 3 -i 0.01 10.11.1.1
	equal "$(gauge latency)" 1 gauge
	# theirs are stopped
	# shellcheck disable=SC2016
	run -0 "$HM_TOP/scripts/sandbox.sh" bash -ec 'lab=$("$0/scripts/lab.sh" up)
		on() { nsenter --net="/run/netns/$lab-$1" -- "${@:2}"; }
		on host "$0/scripts/attach.sh" eth0 --pref 2
		on host tc filter add dev eth0 ingress pref 1 handle 1 bpf da obj "$HOOKMAP_OBJ/tests/bpf/beside.o" sec classifier
		there() { on client ping -q -c 1 -W 1 10.11.1.1; "$HOOKMAP_OBJ/hookmap" --prom | grep -q "^hookmap_stage_reached.* 0"; }
		until there || ((SECONDS > 20)); do :; done
		there
		nsenter --mount="/proc/$1/ns/mnt" -- "$HOOKMAP_OBJ/hookmap" --prom' "$HM_TOP" "$$"
	like "$output" 'hookmap_stage_reached{stage="tc",feature="latency",device="eth0",'
	equal "$(sed -n 's/^hookmap_stage_reached{.*} //p' <<<"$output")" 1 'gauge'
}

# advised TEXT COMMAND...: it is refused; what the message says behind TEXT is done
advised() {
	local out
	! out=$(on host "${@:2}" 2>&1) || return 1
	like "$out" "$1"
	on host env BPFFS=/sys/fs/bpf bash -ec "${out##*"$1"}"
}
measured() {
	udp host 10.11.1.1 "$N" >/dev/null
	equal "$(rows xdp tc) $(rows tc prerouting) $(rows prerouting input)" "$1" 'measured'
}

# bats test_tags=vm
@test "reach: what messages advise works: a program behind ours, another pref, a hook of its own, without XDP" {
	local attach=("$HM_TOP/scripts/attach.sh" eth0 latency --sample 1 --filter 'proto udp dport 7000')
	lab_up
	WHERE=$LAB-host DEV=eth0
	skip_without tcx can_tcx
	tcx beside_ok
	advised 'put it behind: ' "${attach[@]}"
	on host "${attach[@]}"
	measured "$N 0 0"
	run -0 status_sh --check eth0
	like "$output" 'beside_ok (id '
	like "$output" 'sets skb->tc_index'
	detach eth0
	set_away
	cls 1 classifier
	advised 'put it behind: ' "${attach[@]}" --pref 2
	on host "${attach[@]}" --pref 2
	measured "$N 0 0"
	detach eth0
	set_away
	cls 5 classifier/some
	on host "${attach[@]}" --pref 6 2>"$BATS_TEST_TMPDIR/err"
	like "$(<"$BATS_TEST_TMPDIR/err")" 'beside_some (id '
	like "$(<"$BATS_TEST_TMPDIR/err")" '--pref N, with N below 5'
	on host "${attach[@]}" --pref 4 2>"$BATS_TEST_TMPDIR/err"
	[[ $(<"$BATS_TEST_TMPDIR/err") != *'may end the hook'* ]]
	udp_sent() { on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 "$N"; }
	udp_sent
	equal "$(rows xdp tc)" "$N" 'measured before it'
	# at our own preference, where it comes first
	on host tc filter add dev eth0 ingress pref 4 handle 2 bpf da obj "$BESIDE" sec classifier/some
	udp_sent
	equal "$(rows xdp tc)" "$N" 'measured behind it'
	run status_sh --check eth0
	like "$output" 'the filter beside_some (id '
	like "$output" ' at pref 4 comes before and may end the hook'
	like "$output" ': --pref N, with N below 4'
	attach eth0 latency --pref 3
	run -0 status_sh --check eth0
	udp_sent
	equal "$(rows xdp tc)" $((2 * N)) 'measured before it, moved'
	on host tc filter del dev eth0 ingress pref 4
	attach eth0 latency --pref 4
	# the same of one that comes while we are attached
	attach eth0 policy --policy-pref 40
	cls 3 classifier
	run -1 status_sh --check eth0
	like "$output" 'latency at tc (the filter beside_ok'
	like "$output" ': --pref N, with N below 3'
	like "$output" ': --policy-pref N, with N below 3'
	attach eth0 latency policy --pref 1 --policy-pref 2
	run -0 status_sh --check eth0
	udp_sent
	equal "$(rows xdp tc)" $((3 * N)) 'measured before it, moved'
	detach eth0
	set_away
	set_block
	advised 'one of its own: ' "${attach[@]}"
	on host "${attach[@]}"
	measured "$N $N $N"
	detach eth0
	set_away
	set_dispatcher
	fails 1 "eth0 has libxdp's dispatcher: xdp_dispatcher" on host "${attach[@]}"
	on host "${attach[@]}" --mode none
	measured "0 $N $N"
	detach eth0
	equal "$(on host ip -j -d link show eth0 | jq -r '.[0].xdp.prog.name')" xdp_dispatcher 'XDP'
}

@test "reach: rules that come before ours, or that are lost, are named; attach again puts ours first" {
	local rule
	at_input() {
		local before
		before=$(rows prerouting input)
		udp host 10.11.1.1 "$N" >/dev/null
		echo $(($(rows prerouting input) - before))
	}
	lab_up
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	attach veth0 --mode none
	for rule in '-j ACCEPT' '-i eth0 -j ACCEPT' '-p udp -j ACCEPT'; do
		# shellcheck disable=SC2086
		on host iptables -I INPUT 1 $rule
		# shellcheck disable=SC2086
		on host iptables -I INPUT 1 -i veth0 -p udp -j LOG
		run status_sh --check eth0
		like "$output" "iptables: the rule -A INPUT $rule comes before ours"
		equal "$status" "$([[ $rule == *udp* ]] && echo 0 || echo 1)" "status of $rule" || return 1
		equal "$(at_input)" 0 'measured at INPUT'
		attach eth0
		run -0 status_sh --check eth0
		[[ $output != *'comes before'* ]]
		equal "$(at_input)" "$N" 'measured at INPUT again'
		detach eth0
		attach eth0 --sample 1 --filter 'proto udp dport 7000'
		on host iptables -F INPUT
		on host iptables -t raw -F PREROUTING
		on host ip6tables -t raw -F PREROUTING
		run -1 status_sh --check eth0
		like "$output" 'latency at input (iptables has lost our rule in filter INPUT): attach.sh eth0'
		like "$output" 'latency at prerouting (iptables has lost our rule in raw PREROUTING; ip6tables has lost our rule in raw PREROUTING): attach.sh eth0'
		attach eth0
		run -0 status_sh --check eth0
	done
	detach eth0
	detach veth0
	nothing_left
}

# nft_says TEXT: an nft that lists this, as 1.0.6 prints it
nft_says() {
	mkdir -p "$BATS_TEST_TMPDIR/nft"
	printf '#!/bin/sh\n[ "$*" = "-y -t list ruleset" ] && cat "$0.text"\n' >"$BATS_TEST_TMPDIR/nft/nft"
	chmod +x "$BATS_TEST_TMPDIR/nft/nft"
	printf '%s' "$1" >"$BATS_TEST_TMPDIR/nft/nft.text"
	[[ $PATH == "$BATS_TEST_TMPDIR/nft:"* ]] || PATH=$BATS_TEST_TMPDIR/nft:$PATH
}

@test "reach: what drops all packets between PREROUTING and INPUT is named, by each way of saying it" {
	local rule
	lab_up
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	for rule in 'mangle PREROUTING' 'mangle INPUT'; do
		on host iptables -t "${rule% *}" -I "${rule#* }" -j DROP
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 13
		run -1 status_sh --check eth0
		like "$output" "latency at input (nft chain ip $rule (hook "
		like "$output" 'drops all packets'
		on host iptables -t "${rule% *}" -F "${rule#* }"
		run -0 status_sh --check eth0
	done
	# of nft itself, at any priority
	skip_without nft on host nft add table inet late
	on host nft add chain inet late c '{ type filter hook prerouting priority -150; }'
	on host nft add rule inet late c drop
	run -1 status_sh --check eth0
	like "$output" 'latency at input (nft chain inet late c (hook prerouting, priority -150) drops all packets): what it drops is last seen at prerouting'
}

@test "reach: nft's chains and flowtables that come before our rules are named" {
	local chain said
	lab_up
	# what may drop, and what may not, or is not about this device
	nft_says 'table netdev t {
	chain c {
		type filter hook ingress devices = { "veth9", "eth0" } priority 5; policy accept;
		jump d
	}

	chain d {
		ip saddr 198.51.100.1 counter packets 3 bytes 90 drop comment "all of this"
	}

	chain other {
		type filter hook ingress device "veth0" priority 0; policy drop;
	}
}
table inet r {
	flowtable x {
		hook ingress priority 0
		devices = { eth0, veth0 }
	}

	chain p {
		type filter hook prerouting priority -301; policy accept;
		iifname "veth0" drop
		log prefix "drop " accept
		meta l4proto vmap { tcp : jump q, udp : accept }
	}

	chain q {
		tcp flags syn queue to 0
	}

	chain late {
		type filter hook input priority 1; policy drop;
	}

	chain i {
		type filter hook input priority -1; policy drop;
		tcp dport 22 accept
	}

	chain away {
		type filter hook prerouting priority -400; policy accept;
		iifname "veth*" drop
		iifname != "eth0" drop
	}
}
table ip raw {
	chain PREROUTING {
		type filter hook prerouting priority -300; policy accept;
		meta l4proto 1 counter packets 0 bytes 0 drop
	}
}
'
	said=$(attach eth0 --mode none 2>&1 >/dev/null)
	equal "$(sort <<<"${said//attach.sh: /}")" "note: eth0: nft chain inet r i (hook input, priority -1) may drop packets before: give it a priority above -1
note: eth0: nft chain inet r p (hook prerouting, priority -301) may drop packets before: give it a priority above -300
note: eth0: nft chain netdev t c (hook ingress, priority 5) may drop packets before: what it drops is last seen at tc
note: eth0: nft flowtable inet r x forwards packets of established flows before: they are last seen at tc"
	run -0 status_sh --check eth0
	like "$output" 'reach    note: nft chain inet r p (hook prerouting, priority -301) may drop packets before: '
	# an end to all
	nft_says 'table netdev t {
	chain c {
		type filter hook ingress device "eth0" priority 0; policy accept;
		counter packets 17 bytes 900 drop
	}
}
'
	like "$(attach eth0 2>&1)" 'note: eth0: nft chain netdev t c (hook ingress, priority 0) drops all packets'
	run -1 status_sh --check eth0
	like "$output" 'attached but not reached: latency at prerouting (nft chain netdev t c (hook ingress, priority 0) drops all packets): '
	nft_says ''
	run -0 status_sh --check eth0
	[[ $output != *nft* ]]
}

@test "reach: what nft drops is measured as far as attach says" {
	local rule
	skip_without nft command -v nft
	lab_up
	for rule in 'netdev t { chain c { type filter hook ingress device "eth0" priority 0; udp dport 7000 drop; }; }' \
		'inet t { chain c { type filter hook prerouting priority -301; udp dport 7000 drop; }; }'; do
		on host nft -f - <<<"table $rule"
		like "$(attach eth0 --sample 1 --filter 'proto udp dport 7000' 2>&1)" "nft chain ${rule%% *} t c "
		on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7000 "$N"
		equal "$(rows xdp tc) $(rows tc prerouting)" "$N 0" "measured"
		on host nft flush ruleset
		detach eth0
	done
}

# the bridge itself calls PREROUTING, before tc of the bridge
brnf() { [[ $(on host cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null) == 1 ]]; }

@test "reach: devices whose packets come to netfilter by another name, and readers of tc_index, are named" {
	local said n words
	said() { attach "$@" 2>&1 >/dev/null | grep -v 'GSO packets' || true; }
	lab_up
	equal "$(said veth0)" '' 'of a device alone'
	detach veth0
	on host ip link add br0 type bridge
	on host ip link set br0 up
	on host ip addr flush dev eth0
	on host ip link set eth0 master br0
	on host ip addr add 10.11.1.1/24 dev br0
	said=$(said eth0 --sample 1 --filter 'proto udp dport 7000')
	one_line "$said"
	like "$said" 'note: eth0: it is a bridge port of br0: packets that br0 takes reach PREROUTING and INPUT as br0, or not at all: attach.sh br0'
	udp host 10.11.1.1 "$N" >/dev/null
	equal "$(rows xdp tc) $(rows tc prerouting)" "$N 0" 'by the port alone'
	# as advised
	attach br0 --mode none
	udp host 10.11.1.1 "$N" >/dev/null
	equal "$(rows prerouting input) $(rows tc input)" "$(brnf && echo "0 $N" || echo "$N 0")" 'with the bridge'
	detach br0
	detach eth0
	skip_without macvlan on host ip link add mv0 link veth0 type macvlan
	on host ip link add mv1 link veth0 type macvlan
	said=$(said veth0)
	one_line "$said"
	like "$said" 'note: veth0: the macvlan device mv0 and 1 more are on top of it: its packets reach PREROUTING and INPUT as mv0: attach.sh mv0'
	detach veth0
	on host ip link del mv0
	on host ip link del mv1
	# (what is encrypted, or comes twice)
	for n in 'link veth0 type macsec' 'type wireguard' 'type hsr slave1 veth0 slave2 eth0'; do
		read -ra words <<<"$n"
		on host ip link add mv0 "${words[@]}" || continue
		n=${n#*type }
		like "$(said veth0)" "note: veth0: the ${n%% *} device mv0 is on top of it: its packets reach PREROUTING and INPUT as mv0: attach.sh mv0"
		detach veth0
		on host ip link del mv0
	done
	# readers, here and where packets may go next; and those that are none
	WHERE=$LAB-host DEV=eth0
	cls 20 classifier/near
	equal "$(said veth0)" '' 'of somebody who does not read it'
	detach veth0
	cls 21 classifier/deep
	said=$(said veth0)
	one_line "$said"
	like "$said" 'on eth0 reads skb->tc_index'
	detach veth0
	said=$(said eth0 policy)
	[[ $said != *tc_index* ]]
	# which is at no XDP, in whatever mode
	equal "$(hookmap -j status | jq -c '[.devices[].mode]')" '["-"]' mode
}

@test "reach: what others have taken off, or put theirs in its place, is named, and attached again" {
	lab_up
	WHERE=$LAB-host DEV=eth0
	# as OVS and libvirt have it
	on host tc qdisc add dev eth0 ingress
	attach eth0 latency --sample 1 --filter 'proto udp dport 7000'
	run -0 status_sh --check eth0
	lost() { # STAGE WHAT
		run -1 status_sh --check eth0
		equal "$(grep -c 'not reached' <<<"$output")" 1 'lines'
		like "$output" "attached but not reached: latency at $1 (its $2 is gone)"
		like "$output" ': attach.sh eth0 latency'
	}
	# as a CNI does that calls this place its own
	on host tc filter replace dev eth0 ingress pref 1 handle 1 bpf da obj "$BESIDE" sec classifier/next
	lost tc filter
	fails 1 'choose another place with --pref N' attach eth0
	on host tc filter del dev eth0 ingress pref 1
	attach eth0 latency
	run -0 status_sh --check eth0
	on host tc qdisc del dev eth0 ingress
	on host tc qdisc add dev eth0 clsact
	lost tc filter
	attach eth0 latency
	on host ip link set dev eth0 xdp off
	lost xdp program
	attach eth0 latency
	run -0 status_sh --check eth0
	measured "$N $N $N"
	detach eth0
	on host tc qdisc del dev eth0 clsact
	nothing_left
}
