#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# policy.sh [ns] [live] [load] - what policy routing costs: ns a packet by rules and mask
# tuples, packets a second against the kernel's own ways, and the time of a load.
#   SIZES='10 1000 100000' TUPLES='1 8 32' tests/bench/policy.sh

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
bench_dir
(($#)) || set -- ns live load
read -ra SIZES <<<"${SIZES:-10 1000 100000}"
read -ra TUPLES <<<"${TUPLES:-1 8 32}"
TOOL=$HM_BUILD/tests/policy_bench
policy() { "$HM_TOP/scripts/policy.sh" "$@"; }

# in0: where packets come in; out0: where they go
for dev in in out; do
	ip link add name "${dev}0" type veth peer name "${dev}1"
	ip link set "${dev}0" up
	ip link set "${dev}1" up
done
ip addr add 10.255.255.1/24 dev in0
ip addr add 192.0.2.1/24 dev out0
ip neigh replace 192.0.2.2 dev out0 lladdr 02:00:00:00:00:02
ip route add default via 192.0.2.2
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in0.rp_filter=0

# filter_id DEV NAME: the id of a tc program
filter_id() { tc -j filter show dev "$1" ingress | jq -r --arg name "$2" '.[] | select(.options.prog.name == $name) | .options.prog.id'; }

# rules N TUPLES ACTION: rule i is about 10.0.0.0 + 128 * i, all kinds of matches
rules() {
	jq -cn --argjson n "$1" --argjson t "$2" --argjson action "$3" \
		'{nexthops: {o: {dev: "out0", via: "192.0.2.2"}}, rules: [range($n) | (. * 128) as $a | (. % $t) as $k | {priority: ., action: $action,
		match: ({dst: "10.\($a / 65536 | floor).\($a / 256 % 256 | floor).\($a % 256)/\(32 - $k % 8)"}
			+ (if $k / 8 % 2 >= 1 then {proto: 17} else {} end) + (if $k / 16 % 2 >= 1 then {dport: 7000} else {} end))}]}'
}

# cache on|off: POL_F_NOCACHE in pol_cfg.flags
cache() {
	local value pin=/sys/fs/bpf/tc/globals/pol_cfg
	read -ra value <<<"$(bpftool -j map lookup pinned "$pin" key 0 0 0 0 | jq -r '.value | join(" ")')"
	value[4]=0
	[[ $1 == on ]] || value[4]=1
	bpftool map update pinned "$pin" key 0 0 0 0 value "${value[@]}"
}

ns() {
	local n=0 t small empty warm base cold spread line ids
	"$HM_TOP/scripts/attach.sh" in0 policy
	# programs of the benchmark; they only are loaded here
	ip link add name load0 type veth peer name load1
	tc qdisc add dev load0 clsact
	for line in cold base empty; do
		tc filter add dev load0 ingress pref "$((++n))" handle 1 bpf da obj "$HM_BUILD/tests/bpf/policy_cold.o" sec "classifier/$line"
	done
	ids=("$(filter_id load0 policy_empty)" "$(filter_id in0 policy_tc)" "$(filter_id load0 policy_base)" "$(filter_id load0 policy_cold)")
	for t in "${TUPLES[@]}"; do
		small=''
		for n in "${SIZES[@]}"; do
			((n >= t)) || n=$t
			rules "$n" "$t" '{"mark":1}' >"$BENCH_DIR/rules.json"
			policy load "$BENCH_DIR/rules.json"
			while read -r empty warm base spread; do
				note empty "$empty"
				note "warm.$t.$n" $((warm - empty))
				note "spread.$t.$n" $((spread - base))
			done < <("$TOOL" run in0 "$ROUNDS" 20000 "$n" "${ids[@]}")
			cache off
			while read -r empty cold; do
				note "cold.$t.$n" $((cold - empty))
			done < <("$TOOL" run in0 "$ROUNDS" 20000 "$n" "${ids[@]:0:2}")
			cache on
			small=${small:-$n}
			ALL+=("$t $n $small")
		done
	done
	ip link del load0
	"$HM_TOP/scripts/detach.sh" in0
	head_row "policy: ns a packet above an empty program (BPF_PROG_RUN)"
	figure 'the empty program' empty ns
	figures 'cached flow' warm
	figures 'looked up' cold
	# whose memory no CPU cache holds
	figures 'each another rule' spread
}
ALL=()
figures() { # WHAT NAME
	local set t n small
	for set in "${ALL[@]}"; do
		read -r t n small <<<"$set"
		figure "$1, $n rules of $t tuples" "$2.$t.$n" ns "$2.$t.$small" "$small rules"
	done
}

# --- packets a second, each way set up and measured in turn, several rounds

PACKETS=${PACKETS:-200000}
GEN=''
COUNT=0
ADDRESSES=0
pps() { "$TOOL" live in0 "$COUNT" "$ADDRESSES" "$GEN"; }

way_plain() { :; }
way_rule() { # COUNT
	local i
	for ((i = 0; i < $1; i++)); do printf 'rule add pref %s from 172.%s.%s.0/24 lookup 100\n' $((1000 + i)) $((16 + i / 256)) $((i % 256)); done >"$BENCH_DIR/batch"
	ip -batch "$BENCH_DIR/batch"
}
way_nft() { # COUNT
	local i
	{
		printf 'table ip bench {\n map m { type ipv4_addr : mark; elements = {\n'
		for ((i = 0; i < $1; i++)); do printf '10.%s.%s.%s : 1,\n' $((i * 128 / 65536)) $((i * 128 / 256 % 256)) $((i * 128 % 256)); done
		printf ' } }\n chain c { type filter hook prerouting priority -150; meta mark set ip daddr map @m; }\n}\n'
	} >"$BENCH_DIR/nft"
	nft -f "$BENCH_DIR/nft"
	ip route add default via 192.0.2.2 table 100
	ip rule add fwmark 1 lookup 100
}
way_policy() { # COUNT TUPLES
	"$HM_TOP/scripts/attach.sh" in0 policy
	[[ -e $BENCH_DIR/policy.$1.$2 ]] || rules "$1" "$2" '{"redirect":"o"}' >"$BENCH_DIR/policy.$1.$2"
	policy load "$BENCH_DIR/policy.$1.$2"
}
way_clear() {
	nft delete table ip bench 2>/dev/null || true
	ip rule flush
	ip rule add pref 32766 lookup main 2>/dev/null || true
	ip rule add pref 32767 lookup default 2>/dev/null || true
	ip route flush table 100 2>/dev/null || true
	"$HM_TOP/scripts/detach.sh" in0 2>/dev/null || true
}

live() {
	local way words round what before after
	local ways=('plain' 'rule 10' 'rule 1000' 'nft 1000' 'policy 10 1' 'policy 1000 8' 'policy 100000 8' 'policy 100000 32')
	tc qdisc add dev out1 clsact
	tc filter add dev out1 ingress pref 1 handle 1 bpf da obj "$HM_BUILD/tests/bpf/policy_cold.o" sec classifier/drop
	bpftool -n prog load "$HM_BUILD/tests/bpf/policy_gen.o" /sys/fs/bpf/gen
	GEN=$(bpftool -j prog show pinned /sys/fs/bpf/gen | jq .id)
	for ((round = 0; round < ROUNDS; round++)); do
		for way in "${ways[@]}"; do
			read -ra words <<<"$way"
			[[ ${words[0]} != nft ]] || command -v nft >/dev/null || continue
			"way_${words[0]}" "${words[@]:1}"
			# policy: all packets match a rule; what matches none goes the way of plain
			ADDRESSES=1024
			[[ ${words[0]} != policy ]] || ((words[1] > 1024)) || ADDRESSES=${words[1]}
			# the first time is for the caches; 1 000 rules are slow
			COUNT=$PACKETS
			[[ $way != 'rule 1000' ]] || COUNT=$((PACKETS / 10))
			pps >/dev/null
			before=$(awk '$1 == "out0:" { print $11 }' /proc/net/dev)
			note "live.${way// /.}" "$(pps)"
			after=$(awk '$1 == "out0:" { print $11 }' /proc/net/dev)
			((after - before >= COUNT)) || printf '%s: only %s of %s packets were forwarded\n' "$way" $((after - before)) "$COUNT" >&2
			way_clear
		done
	done
	rm /sys/fs/bpf/gen
	head_row "policy: packets a second of CPU time, veth to veth; of policy, all match a rule"
	for way in "${ways[@]}"; do
		[[ -e $BENCH_DIR/live.${way// /.} ]] || continue
		read -ra words <<<"$way"
		case $way in
		plain) what='the kernel, no rule at all' ;;
		rule*) what="ip rule, ${words[1]} rules" ;;
		nft*) what="nftables map of ${words[1]}, mark, ip rule" ;;
		*) what="policy, ${words[1]} rules of ${words[2]} tuples" ;;
		esac
		figure "$what" "live.${way// /.}" packets/s live.plain plain
	done
}

load() {
	local start n
	"$HM_TOP/scripts/attach.sh" in0 policy
	head_row 'policy: policy.sh load'
	for n in 1000 10000 100000; do
		rules "$n" 8 '{"redirect":"o"}' >"$BENCH_DIR/rules.json"
		start=$EPOCHREALTIME
		policy load "$BENCH_DIR/rules.json"
		note "load.$n" "$(calc "$EPOCHREALTIME - $start")"
		figure "load of $n rules" "load.$n" s
	done
	"$HM_TOP/scripts/detach.sh" in0
}

for part; do
	case $part in
	ns | live | load) "$part" ;;
	*)
		printf 'usage: policy.sh [ns] [live] [load]\n' >&2
		exit 2
		;;
	esac
done
