#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the tracing tools cost: ns a run of each program, CPU an event against the
# bpftrace tool of the same name, and how many events a second come through.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
cd "$HM_TOP"
TMP=$(mktemp -d)
stats=$(sysctl -n kernel.bpf_stats_enabled)
trap 'sysctl -qw kernel.bpf_stats_enabled="$stats"; rm -rf "$TMP"' EXIT
sysctl -qw kernel.bpf_stats_enabled=1
host() { scripts/attach.sh --host "$@"; }
calls() { "$HM_BUILD/tests/calls" "$@"; }
TICK=$((1000000000 / $(getconf CLK_TCK)))

# runs PATTERN: "ns runs" of all programs whose names match
runs() {
	bpftool -j prog show | jq -r --arg p "$1" '[.[] | select((.name // "") | test($p))]
		| "\([.[].run_time_ns // 0] | add // 0) \([.[].run_cnt // 0] | add // 0)"'
}
# cpu PID: ns of user and system time so far
cpu() {
	local fields
	read -r fields <"/proc/$1/stat"
	read -ra fields <<<"${fields##*) }"
	printf '%s' $(((fields[11] + fields[12]) * TICK))
}
median_row() { # WHAT FILE UNIT [COMPARED...]
	row "$1" "$(median <"$TMP/$2")" "$(spread <"$TMP/$2")" "${@:3}"
}

# --- ns a run

# cost NAME PROGRAM COMMAND...: ns a run of PROGRAM while COMMAND runs
cost() {
	local name=$1 before after
	read -ra before <<<"$(runs "^$2\$")"
	"${@:3}" >/dev/null 2>&1 || true
	read -ra after <<<"$(runs "^$2\$")"
	((after[1] > before[1])) || return 0
	calc "($((after[0] - before[0]))) / ($((after[1] - before[1])))" >>"$TMP/cost.$name"
	printf '\n' >>"$TMP/cost.$name"
}

head_row "trace: ns a run by bpf_stats"
host exec open --cgroup "$HOOKMAP_CGROUP" --name calls
LAB=$(scripts/lab.sh up)
on() { nsenter --net="/run/netns/$LAB-$1" -- "${@:2}"; }
drain() { "$HM_BUILD/hookmap" --drain "$1" >/dev/null; }
host path --match 'echo host 10.11.2.2'
host napi pktlat
MATCHING=(path_queue path_xmit path_rx path_receive path_drop path_socket path_read
	napi_poll napi_raise napi_softirq pktlat_copy)
for ((round = 0; round < ROUNDS; round++)); do
	cost other open_exit calls null-calls 200000 x
	cost open open_exit calls openat 20000 /none
	drain open
	cost failed exec_failed calls exec-fail 20000 /none
	drain exec
	cost execs exec_done calls forked 200 "$HM_BUILD/tests/calls"
	cost exit exec_exit calls forked 200 "$HM_BUILD/tests/calls"
	drain exec
	for p in "${MATCHING[@]}"; do
		cost "$p" "$p" on client ping -q -f -c 2000 10.11.2.2
		drain path
	done
	for p in "${MATCHING[@]:0:4}"; do
		cost "$p.other" "$p" on client "$HM_BUILD/tests/traffic" udp-send 10.11.2.2 9 20000
	done
done
median_row "open: a call that is no open" cost.other ns
median_row "open: an event" cost.open ns "with path and name copied"
median_row "exec: an exec" cost.execs ns
median_row "exec: a failed exec" cost.failed ns
median_row "exec: an exit" cost.exit ns
for p in "${MATCHING[@]}"; do
	[[ ! -e $TMP/cost.$p ]] || median_row "$p: a ping" "cost.$p" ns
done
for p in "${MATCHING[@]:0:4}"; do
	median_row "$p: UDP, which does not match" "cost.$p.other" ns
done
scripts/detach.sh --host
scripts/lab.sh down "$LAB"

# --- CPU an event, against bpftrace

mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null || true

# measure NAME PATTERN READER-PID COUNT COMMAND...: BPF ns and reader's CPU an event
measure() {
	local name=$1 before after cpu0 cpu1 start end
	read -ra before <<<"$(runs "$2")"
	cpu0=$(cpu "$3")
	start=$EPOCHREALTIME
	"${@:5}" >/dev/null 2>&1 || true
	end=$EPOCHREALTIME
	sleep 0.5
	cpu1=$(cpu "$3")
	read -ra after <<<"$(runs "$2")"
	calc "$((after[0] - before[0])) / $4" >>"$TMP/$name.bpf" && echo >>"$TMP/$name.bpf"
	calc "$((cpu1 - cpu0)) / $4" >>"$TMP/$name.cpu" && echo >>"$TMP/$name.cpu"
	calc "(${end/./} - ${start/./}) * 1000 / $4" >>"$TMP/$name.wall" && echo >>"$TMP/$name.wall"
}
wait_for() { # FILE: something is in it
	local i
	for ((i = 0; i < 200; i++)); do
		[[ ! -s $1 ]] || return 0
		sleep 0.05
	done
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.1f times ours", a / b; else printf "ours is below what can be measured" }'; }

# theirs_lost FILE: events that bpftrace says it has lost
theirs_lost() { awk '/^Lost [0-9]+ events/ { n += $2 } END { print n + 0 }' "$1"; }
# ours_lost FILE: the same, of the reader's last line
ours_lost() { sed -n '$s/.*, \([0-9]*\) events lost.*/\1/p' "$1"; }

# their_tool FEATURE: bpftrace's tool of the same name, in THEIRS
their_tool() {
	THEIRS=$(command -v "$1snoop.bt") && return
	row "$1: bpftrace's $1snoop.bt" - - - "is not installed (package bpftrace)"
	return 1
}
theirs_start() { # its output in FILE
	: >"$TMP/theirs"
	bpftrace "$THEIRS" >"$TMP/theirs" 2>"$TMP/theirs.err" &
	wait_for "$TMP/theirs"
	sleep 1
}
theirs_stop() { # PID
	kill -INT "$1"
	wait "$1" || true
}

# compare FEATURE PATTERN THEIR-PATTERN COUNT COMMAND...: both see the whole machine
compare() {
	local feature=$1 count=$4 round
	their_tool "$feature" || return 0
	for ((round = 0; round < 3; round++)); do
		host "$feature" --cgroup any --name any
		: >"$TMP/ours"
		"$HM_BUILD/hookmap" --new "$feature" >"$TMP/ours" &
		wait_for "$TMP/ours"
		measure "$feature.ours" "$2" $! "$count" "${@:5}"
		kill $!
		wait $! || true
		scripts/detach.sh --host
		ours_lost "$TMP/ours" >>"$TMP/$feature.ours.lost"
		theirs_start
		measure "$feature.theirs" "$3" $! "$count" "${@:5}"
		theirs_stop $!
		theirs_lost "$TMP/theirs.err" >>"$TMP/$feature.theirs.lost"
	done
	for what in bpf cpu wall; do
		case $what in
		bpf) text="in BPF programs" ;;
		cpu) text="in the reader" ;;
		wall) text="workload, elapsed" ;;
		esac
		median_row "$feature: hookmap, $text" "$feature.ours.$what" ns/event
		median_row "$feature: bpftrace, $text" "$feature.theirs.$what" ns/event \
			"$(ratio "$(median <"$TMP/$feature.theirs.$what")" "$(median <"$TMP/$feature.ours.$what")")"
	done
	median_row "$feature: hookmap, lost" "$feature.ours.lost" events "of $count and what else the machine did"
	median_row "$feature: bpftrace, lost" "$feature.theirs.lost" events
	row "$feature: lines of the last run, hookmap" "$(grep -c '/none\|calls' "$TMP/ours")" 0 lines
	row "$feature: lines of the last run, bpftrace" "$(grep -c '/none\|calls' "$TMP/theirs")" 0 lines
}
head_row "trace: CPU an event, 50 000 opens and 500 execs"
compare open '^open_' '^sys_(enter|exit)_open' 50000 calls openat 50000 /none
compare exec '^exec_' '^sys_(enter|exit)_exec' 500 calls forked 500 "$HM_BUILD/tests/calls"

# --- events a second

# at_rate READER-PID RATE COUNT: makes the calls, in STARTED and ENDED
at_rate() {
	STARTED=$EPOCHREALTIME
	calls --rate "$2" openat "$3" /none
	ENDED=$EPOCHREALTIME
	sleep 0.5
	kill -INT "$1"
	wait "$1" || true
}
rate_row() { # WHO RATE COUNT TEXT
	row "open: $1, asked for ${2/#0/as many as possible}" \
		"$(calc "$3 / (${ENDED/./} - ${STARTED/./}) * 1000000")" - events/s "$4 of $3"
}

head_row "trace: events a second, default buffers (hookmap writes JSON)"
their_tool open || true
for rate in 50000 100000 200000 0; do
	count=$((rate ? rate * 3 : 1000000))
	host open --cgroup "$HOOKMAP_CGROUP" --name calls
	"$HM_BUILD/hookmap" -j open >"$TMP/rate" &
	sleep 0.3
	at_rate $! "$rate" "$count"
	rate_row hookmap "$rate" "$count" "$(tail -n 1 "$TMP/rate" | jq -r '"\(.events) shown, \(.lost) lost"')"
	scripts/detach.sh --host
	[[ -n $THEIRS ]] || continue
	theirs_start
	at_rate $! "$rate" "$count"
	rate_row bpftrace "$rate" "$count" "$(grep -c /none "$TMP/theirs") shown, $(theirs_lost "$TMP/theirs.err") lost"
done
