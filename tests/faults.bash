# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# faults.bash - for the suites of faults: things that belong to others, the state that the
# scripts change, and commands that kill the script which runs them.

bats_require_minimum_version 1.5.0

# --- things that belong to others: none of them may ever be lost

foreign_up() {
	on host ip link set dev veth0 xdp obj "$HM_BUILD/tests/bpf/xdp_pass.o"
	on host tc qdisc add dev veth0 clsact
	on host tc filter add dev veth0 egress pref 5 handle 1 bpf da obj "$HM_BUILD/tests/bpf/burn_tc.o"
	on host iptables -t raw -A PREROUTING -s 192.0.2.1 -j ACCEPT
	on host iptables -N somebody
	on host iptables -A INPUT -s 192.0.2.1 -j somebody
	on host ip6tables -A INPUT -s 2001:db8::1 -j ACCEPT
	mkdir -p "$G" /sys/fs/bpf/hookmap
	bpftool map create "$G/somebody" type array key 4 value 4 entries 1 name somebody
	bpftool map create /sys/fs/bpf/hookmap/somebody type array key 4 value 4 entries 1 name somebody
	bpftool -n prog load "$HM_BUILD/tests/bpf/somebody.o" /sys/fs/bpf/somebody type cgroup/skb
	bpftool cgroup attach "$HOOKMAP_CGROUP" ingress pinned /sys/fs/bpf/somebody multi
}

# state: everything on the host that a script could change, one item per line
state() {
	find /sys/fs/bpf ! -type d | sort
	find /sys/fs/bpf/hookmap -mindepth 1 -type d 2>/dev/null | sort
	on host ip -j -d link show | jq -c '.[] | ["xdp", .ifname, .xdp.prog.name, .xdp.prog.id]'
	on host tc qdisc show | grep -E 'clsact|ingress'
	for dev in $(on host ip -j link show | jq -r '.[].ifname'); do
		on host tc -j filter show dev "$dev" ingress | jq -c --arg dev "$dev" \
			'.[] | select(.options.prog) | ["tc in", $dev, .pref, .options.flowid, .options.prog.name, .options.prog.id]'
		on host tc -j filter show dev "$dev" egress | jq -c --arg dev "$dev" \
			'.[] | select(.options.prog) | ["tc out", $dev, .pref, .options.flowid, .options.prog.name, .options.prog.id]'
	done
	# the container's own
	on server tc qdisc show | sed -nE 's/^qdisc (clsact|ingress) .* dev ([^ ]+).*/server \1 \2/p'
	on server tc filter show dev eth0 ingress | sed -nE 's/^filter .* pref ([0-9]+) .* handle ([^ ]+) ([^ ]+).*/server tc \1 \2 \3/p'
	# rules and chains of users; listing a table creates it
	on host iptables-save | grep -E '^-A|^:[^ ]+ - ' | sed 's/\[.*//'
	on host ip6tables-save | grep -E '^-A|^:[^ ]+ - ' | sed 's/\[.*//'
	bpftool -j cgroup show "$HOOKMAP_CGROUP" | jq -c '.[]? | ["cgroup", .name, .id]'
	[[ ! -e $G/hm_dev ]] || hookmap -j status | jq -c '.devices[]? | [.device, .features]'
}

# anonymous: the state without program ids
anonymous() { sed -E 's/,[0-9]+\]$/]/' "$1" | sort; }

# same WHAT FILE: the state equals FILE
same() {
	state >"$BATS_TEST_TMPDIR/now"
	diff "$2" "$BATS_TEST_TMPDIR/now" >&2 || {
		printf 'the state differs: %s\n' "$1" >&2
		return 1
	}
}

# alike WHAT FILE: the same except for program ids
alike() {
	state >"$BATS_TEST_TMPDIR/now"
	diff <(anonymous "$2") <(anonymous "$BATS_TEST_TMPDIR/now") >&2 || {
		printf 'the state differs: %s\n' "$1" >&2
		return 1
	}
}

# --- faults

# shims ACTION: creates a directory of commands, in SHIMS, that run the real command and count
# those that change something; number $FAULT_AT does ACTION first
shims() {
	local tool
	SHIMS=$BATS_TEST_TMPDIR/shims
	mkdir -p "$SHIMS"
	cat >"$SHIMS/shim" <<-EOF
		#!/bin/bash
		tool=\${0##*/}
		PATH=\${PATH//"$SHIMS:"/}
		d=$BATS_TEST_TMPDIR
		case "\$tool \$* " in
		mv\ * | rm\ * | mkdir\ * | rmdir\ *) changes=1 ;;
		*' show '* | *' dump '* | *' lookup '* | *' -S '* | *' -C '* | *' help '* | *' version '* | *'-j batch file - '* | *' list-id '* | *'tree ' | *'-j -d link ' | *'-j link ') changes=0 ;;
		*) changes=1 ;;
		esac
		if [[ \$changes == \$FAULT_CHANGES ]]; then
			n=\$((\$(<"\$d/count") + 1))
			echo "\$n" >"\$d/count"
			if ((n == FAULT_AT)); then
				printf '%s' "\$tool" >"\$d/hit"
				printf ' %s' "\$@" >>"\$d/hit"
				$1
			fi
		fi
		exec "\$tool" "\$@"
	EOF
	chmod +x "$SHIMS/shim"
	for tool in ip tc bpftool iptables ip6tables bridge mv rm mkdir rmdir; do ln -sf shim "$SHIMS/$tool"; done
}

# faulty CHANGES N COMMAND...: runs it on the host, with a fault at its Nth command that changes
# something (CHANGES 1) or only reads (0). HIT is that command, empty if there were fewer.
# Returns the exit status of COMMAND.
faulty() {
	local status=0
	printf '0\n' >"$BATS_TEST_TMPDIR/count"
	rm -f "$BATS_TEST_TMPDIR/hit"
	FAULT_CHANGES=$1 FAULT_AT=$2 PATH=$SHIMS:$PATH on host bash -c 'echo $$ >"$1"; shift; exec "$@"' \
		- "$BATS_TEST_TMPDIR/victim" "${@:3}" >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	HIT=$(cat "$BATS_TEST_TMPDIR/hit" 2>/dev/null) || HIT=
	return "$status"
}

# the victim dies before this command, which then never runs
KILL='kill -KILL "$(<"$d/victim")"; exit 1'

# as systemd does: SIGTERM to the victim and to the command that it runs, here after the
# command has done its work
STOP='"$tool" "$@"
	status=$?
	kill -TERM "$(<"$d/victim")" $$
	exit "$status"'

ATTACH=$HM_TOP/scripts/attach.sh
DETACH=$HM_TOP/scripts/detach.sh

# killed_everywhere FIRST STEP ARGUMENT...: attach.sh and detach.sh ARGUMENT..., killed at
# their FIRSTth command that changes something, and at each STEPth after it: the next run of
# either must end in the right state. UNDO=COMMAND... restores the state for the next round;
# the default is detach.sh ARGUMENT...
# the following options are for attach.sh only
OPTIONS=()

killed_everywhere() {
	local n what first=$1 step=$2 killed=0
	shift 2
	((step > 1)) || first=1
	shims "$KILL"
	state >"$BATS_TEST_TMPDIR/before"
	on host "$ATTACH" "$@" "${OPTIONS[@]}" 2>/dev/null
	state >"$BATS_TEST_TMPDIR/attached"
	on host "$DETACH" "$@" 2>/dev/null
	same "attach and detach" "$BATS_TEST_TMPDIR/before"

	for what in attach detach; do
		for ((n = first; ; n += step)); do
			if [[ $what == attach ]]; then
				faulty 1 "$n" "$ATTACH" "$@" "${OPTIONS[@]}" || true
			else
				on host "$ATTACH" "$@" "${OPTIONS[@]}" 2>/dev/null
				faulty 1 "$n" "$DETACH" "$@" || true
			fi
			[[ -n $HIT ]] || break
			killed=$((killed + 1))
			if (((n / step) % 2)); then
				on host "$ATTACH" "$@" "${OPTIONS[@]}" 2>/dev/null
				alike "attach after $what was killed before: $HIT" "$BATS_TEST_TMPDIR/attached"
			fi
			on host "$DETACH" "$@" 2>/dev/null
			same "detach after $what was killed before: $HIT" "$BATS_TEST_TMPDIR/before"
		done
		# the last run completed
		[[ $what == detach ]] || on host "$DETACH" "$@" 2>/dev/null
	done
	KILLED=$killed
}

# stopped_everywhere FIRST STEP ARGUMENT...: attach.sh ARGUMENT..., stopped at such commands:
# it undoes what it has done
stopped_everywhere() {
	local n status first=$1 step=$2
	shift 2
	((step > 1)) || first=1
	shims "$STOP"
	state >"$BATS_TEST_TMPDIR/before"
	KILLED=0
	for ((n = first; ; n += step)); do
		status=0
		faulty 1 "$n" "$ATTACH" "$@" || status=$?
		[[ -n $HIT ]] || break
		KILLED=$((KILLED + 1))
		equal "$status" 143 "exit status of attach, stopped by: $HIT"
		same "attach stopped by: $HIT" "$BATS_TEST_TMPDIR/before"
	done
	on host "$DETACH" "${@:1:1}" 2>/dev/null
}
