#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Features attached and detached at random, against a model of what should be there, while
# the reader runs. FAULTS_STEPS steps from the seed FAULTS_SEED.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() { lab_up; }

declare -gA HAS=()
DEVICES=(eth0 veth0)
OF_DEVICE=(latency l2fwd policy)

# What there is: of each device its features, its XDP program, its filters; of the host
# its features; the features' pins
real() {
	local dev
	hookmap -j status | jq -r '.devices[]? | select(.device == "host" | not) | "\(.device) \([.features | scan("[a-z0-9]+")] | sort | join(","))"' | sort
	for dev in "${DEVICES[@]}"; do
		on host ip -j -d link show dev "$dev" | jq -r '.[0] | "\(.ifname) xdp \(.xdp.prog.name // "-")"'
		on host tc -j filter show dev "$dev" ingress | jq -r --arg dev "$dev" '.[] | select(.options.prog) | "\($dev) tc \(.pref) \(.options.prog.name)"' | sort
		on host tc qdisc show dev "$dev" | grep -o clsact || true
	done
	ls /sys/fs/bpf/hookmap 2>/dev/null || true
}

# What there should be
model() {
	local dev feature list xdp
	for dev in "${DEVICES[@]}"; do
		list=''
		for feature in l2fwd latency policy; do
			[[ -z ${HAS["$dev $feature"]:-} ]] || list+=${list:+,}$feature
		done
		[[ -z $list ]] || printf '%s %s\n' "$dev" "$list"
	done
	for dev in "${DEVICES[@]}"; do
		xdp=-
		[[ -z ${HAS["$dev l2fwd"]:-} ]] || xdp=l2fwd_xdp
		[[ -z ${HAS["$dev latency"]:-} ]] || xdp=latency_xdp
		printf '%s xdp %s\n' "$dev" "$xdp"
		list=0
		for feature in 'latency 1' 'l2fwd 2' 'policy 50'; do
			[[ -n ${HAS["$dev ${feature% *}"]:-} ]] || continue
			printf '%s tc %s %s_tc\n' "$dev" "${feature#* }" "${feature% *}"
			list=1
		done
		((!list)) || printf 'clsact\n'
	done
	# only these have pins of their own
	[[ -z ${HAS["host drops"]:-} ]] || printf 'drops\n'
	[[ -z ${HAS["eth0 latency"]:-}${HAS["veth0 latency"]:-} ]] || printf 'latency\n'
}

# reader FILE: until FILE is there; what it says that is not "not there", and a crash,
# goes to FILE.bad. After the first step, all maps are there or not while it looks.
reader() {
	local verb status text
	while [[ ! -e $1 ]]; do
		for verb in latency status drops policy fdb; do
			status=0
			text=$("$HM_BUILD/hookmap" -j "$verb" 2>&1 >/dev/null) || status=$?
			((status == 0)) && [[ -z $text ]] && continue
			((status == 1)) && [[ $text == *'not there'* ]] && continue
			printf '%s: status %d: %s\n' "$verb" "$status" "$text" >>"$1.bad"
		done
		sleep 0.3
	done
}

@test "faults: features attached and detached at random are what a model says, and the reader reads" {
	local i dev feature verb steps=${FAULTS_STEPS:-12} seed=${FAULTS_SEED:-9} end=$BATS_TEST_TMPDIR/end pid
	printf 'FAULTS_SEED=%s FAULTS_STEPS=%s\n' "$seed" "$steps"
	RANDOM=$seed
	reader "$end" 3>&- &
	pid=$!
	for ((i = 1; i <= steps; i++)); do
		dev=${DEVICES[RANDOM % 2]}
		feature=${OF_DEVICE[RANDOM % 3]}
		verb=$((RANDOM % 10))
		if ((verb < 5)); then
			attach "$dev" "$feature" 2>/dev/null
			HAS["$dev $feature"]=1
		elif ((verb < 8)); then
			detach "$dev" "$feature"
			unset "HAS[$dev $feature]"
		elif ((verb < 9)); then
			detach "$dev"
			for feature in "${OF_DEVICE[@]}"; do unset "HAS[$dev $feature]"; done
		elif [[ -z ${HAS["host drops"]:-} ]]; then
			dev=host feature=drops
			attach --host drops
			HAS["host drops"]=1
		else
			dev=host feature=drops
			detach --host
			unset "HAS[host drops]"
		fi
		diff <(model) <(real) || {
			printf 'step %d, %s %s %s: not what there should be\n' "$i" "$verb" "$dev" "$feature"
			return 1
		}
	done
	touch "$end"
	wait "$pid"
	equal "$(cat "$end.bad" 2>/dev/null)" "" "what the reader said"
	for dev in "${DEVICES[@]}"; do detach "$dev"; done
	detach --host
	nothing_left
}
