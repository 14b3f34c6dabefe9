#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What drops costs: ns a drop, ns a verdict, and a flood of drops beside a collector
# that sends an event a drop to user space.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
cd "$HM_TOP"
TMP=$(mktemp -d)
STATS=$(sysctl -n kernel.bpf_stats_enabled)
trap 'sysctl -qw kernel.bpf_stats_enabled=$STATS; rm -rf "$TMP"' EXIT
PACKET=$TMP/packet
head -c 64 /dev/zero >"$PACKET"
FLOOD=${FLOOD:-300000}

m() { median <"$TMP/$1"; }
s() { calc "$(spread <"$TMP/$1")"; }

# --- a verdict

head_row "drops: ns to count an XDP verdict, by BPF_PROG_RUN"
mkdir -p /sys/fs/bpf/cost
bpftool -n prog loadall "$HM_BUILD/tests/bpf/verdict_cost.o" /sys/fs/bpf/cost type xdp
for ((round = 0; round < 2 * ROUNDS; round++)); do
	for step in cost_plain cost_counted; do run_ns "/sys/fs/bpf/cost/$step" 3000000 >>"$TMP/$step"; done
done
row "an XDP program that drops" "$(m cost_plain)" "$(s cost_plain)" ns
row "the same with verdict.h" "$(m cost_counted)" "$(s cost_counted)" ns "$(against "$(m cost_counted)" "$(m cost_plain)" "one that counts nothing") (5 allowed)"
rm -rf /sys/fs/bpf/cost /sys/fs/bpf/xdp_verdict

# --- a drop, at tc ingress of a veth

LAB=$(scripts/lab.sh up)
on() { nsenter --net="/run/netns/$LAB-$1" -- "${@:2}"; }
on client ping -q -c 1 -W 5 10.11.1.1 >/dev/null
on host tc qdisc add dev eth0 clsact
on host tc filter add dev eth0 ingress bpf da obj "$HM_BUILD/tests/bpf/shot.o"
flood() { on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 7010 "${1:-$FLOOD}"; }

head_row "drops: ns a drop by bpf_stats, $FLOOD drops at tc ingress"
for ((round = 0; round < ROUNDS; round++)); do
	for by in none smac sip flow; do
		scripts/attach.sh --host drops --by "$by"
		flood 1000
		sysctl -qw kernel.bpf_stats_enabled=1
		flood
		sysctl -qw kernel.bpf_stats_enabled="$STATS"
		bpftool -j prog show name drops_skb | jq 'if type == "array" then .[0] else . end | .run_time_ns / .run_cnt' >>"$TMP/skb.$by"
		scripts/detach.sh --host drops
	done
done
for by in none smac sip flow; do
	row "kfree_skb, --by $by" "$(calc "$(m "skb.$by")")" "$(s "skb.$by")" ns "(150 allowed)"
done

# --- the flood: CPU time of the sender, in whose time its packets are received and
# dropped, and of the collector; and what gets lost

TICK=$((1000000000 / $(getconf CLK_TCK)))
# measure NAME [PID]: the flood; PID is the collector
measure() {
	local before=0 after=0 start cpu
	[[ -z ${2:-} ]] || before=$(ticks "$2")
	start=$(date +%s%N)
	TIMEFORMAT='%3U %3S'
	{ time flood; } 2>"$TMP/time"
	printf '%s\n' "$((($(date +%s%N) - start) / FLOOD))" >>"$TMP/$1.wall"
	if [[ -n ${2:-} ]]; then
		sleep 1 # it still has to print what came
		after=$(ticks "$2")
	fi
	cpu=$(awk '{ printf "%d", ($1 + $2) * 1e9 }' "$TMP/time")
	printf '%s\n' "$(((cpu + (after - before) * TICK) / FLOOD))" >>"$TMP/$1.cpu"
}
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
EVENTS=1
command -v bpftrace >/dev/null && mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || EVENTS=0
head_row "drops: a flood of $FLOOD drops, with and without a collector"
for ((round = 0; round < ROUNDS; round++)); do
	measure nothing
	scripts/attach.sh --host drops --by sip
	measure drops
	hookmap_json=$("$HM_BUILD/hookmap" -j drops)
	jq --arg ns "$LAB-host" --argjson n "$FLOOD" \
		'$n - ([.rows[] | select(.netns == $ns and .reason == "SKB_DROP_REASON_TC_INGRESS") | .packets] | add)' \
		<<<"$hookmap_json" >>"$TMP/drops.lost"
	scripts/detach.sh --host drops
	((EVENTS)) || continue
	# an event a drop: reason and place, as the usual one-liner prints them
	bpftrace -e 'tracepoint:skb:kfree_skb { printf("%d %p\n", args->reason, args->location); }' \
		>"$TMP/events" 2>"$TMP/events.err" &
	tracer=$!
	for ((i = 0; i < 100; i++)); do
		grep -q Attaching "$TMP/events" && break
		sleep 0.1
	done
	sleep 0.5
	measure event "$tracer"
	kill -INT "$tracer" 2>/dev/null || true
	wait "$tracer" || true
	# 73 or another number: the flood's reason is the most frequent one
	awk 'NF == 2 { n[$1 " " $2]++ } END { for (k in n) if (n[k] > max) max = n[k]; print max + 0 }' "$TMP/events" |
		awk -v n="$FLOOD" '{ print (n > $1) ? n - $1 : 0 }' >>"$TMP/event.lost"
done
row "no collector" "$(m nothing.cpu)" "$(s nothing.cpu)" ns/drop "of CPU, $(m nothing.wall) ns of time"
base=$(m nothing.cpu)
row "hookmap drops --by sip" "$(m drops.cpu)" "$(s drops.cpu)" ns/drop \
	"$(against "$(m drops.cpu)" "$base" "no collector"), $(m drops.wall) ns of time, lost $(m drops.lost) of $FLOOD"
if ((EVENTS)); then
	row "bpftrace, an event a drop" "$(m event.cpu)" "$(s event.cpu)" ns/drop \
		"$(against "$(m event.cpu)" "$base" "no collector"), $(m event.wall) ns of time, lost $(m event.lost) of $FLOOD"
	row "CPU of the flood: bpftrace / hookmap" "$(calc "$(m event.cpu) / $(m drops.cpu)")" - times
else
	printf 'no bpftrace or no tracefs: the event collector was not measured\n'
fi
[[ -r /sys/kernel/tracing/kprobe_events ]] || printf "bcc's tcpdrop needs kprobes, which this kernel does not have: not measured\n"
scripts/lab.sh down "$LAB"
