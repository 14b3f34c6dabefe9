#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab.sh - three hosts on one machine, made of network namespaces. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: lab.sh up [-4] [NAME]
       lab.sh exec NAME HOST COMMAND...
       lab.sh down NAME
       lab.sh list [-j]

Creates three network namespaces connected by veth pairs. It uses none of this machine's
interfaces. "up" prints the lab's name (random unless given).

  NAME-client             NAME-host                     NAME-server
  eth0 10.11.1.2/24 ----- eth0 10.11.1.1/24
       fd11:1::2/64            fd11:1::1/64
                          veth0 10.11.2.1/24 ----- eth0 10.11.2.2/24
                                fd11:2::1/64            fd11:2::2/64

The host forwards between client and server. "exec" runs a command on client, host or
server with the mounts of this shell, so all hosts see the same pinned maps.

  -j, --json      list: an array of names
  -4, --ipv4      disable IPv6, so the wire carries only the packets that you send
  -n, --dry-run   show the commands, run none
  -v, --verbose   show the commands as they run
  -h, --help
EOF
}

lab_up() {
	local name=${1:-hm$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')} host
	[[ $name =~ ^[A-Za-z0-9_-]{1,32}$ && $name != -* ]] || misuse "lab name $name: use at most 32 letters, digits, - and _"
	[[ -n $IPV4 || -e /proc/sys/net/ipv6/conf ]] || {
		note "this kernel has no IPv6, so the lab has none"
		IPV4=1
	}
	undo_on_exit
	for host in client host server; do
		[[ ! -e /run/netns/$name-$host ]] || die "network namespace $name-$host already exists"
	done
	for host in client host server; do
		run ip netns add "$name-$host"
		defer ip netns del "$name-$host"
		# skip duplicate address detection: no other host has these addresses (a kernel
		# without IPv6 has no such file)
		run nsenter --net="/run/netns/$name-$host" -- sysctl -eqw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0
		[[ -z $IPV4 ]] || run nsenter --net="/run/netns/$name-$host" -- sysctl -eqw \
			net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		run ip -n "$name-$host" link set lo up
	done
	lab_pair "$name" client eth0 host eth0 1
	lab_pair "$name" server eth0 host veth0 2
	run nsenter --net="/run/netns/$name-host" -- sysctl -qw net.ipv4.ip_forward=1
	run ip -n "$name-client" route add default via 10.11.1.1
	run ip -n "$name-server" route add default via 10.11.2.1
	if [[ -z $IPV4 ]]; then
		# joins groups, and says so to everybody
		run nsenter --net="/run/netns/$name-host" -- sysctl -qw net.ipv6.conf.all.forwarding=1
		run ip -n "$name-client" route add default via fd11:1::1
		run ip -n "$name-server" route add default via fd11:2::1
	fi
	commit
	printf '%s\n' "$name"
}

# lab_pair NAME HOST DEV HOST2 DEV2 NET: HOST2 has .1 of the net, HOST has .2
lab_pair() {
	run ip -n "$1-$2" link add name "$3" type veth peer name "$5" netns "$1-$4"
	lab_address "$1-$2" "$3" "$6" 2
	lab_address "$1-$4" "$5" "$6" 1
}

lab_address() { # NETNS DEV NET NUMBER
	run ip -n "$1" addr add "10.11.$3.$4/24" dev "$2"
	[[ -n $IPV4 ]] || run ip -n "$1" addr add "fd11:$3::$4/64" dev "$2" nodad
	run ip -n "$1" link set "$2" up
}

lab_exec() {
	local path=/run/netns/$1-$2
	[[ -f $path ]] || die "lab $1 is not up, or has no host named $2; hosts are: client, host, server"
	shift 2
	exec nsenter --net="$path" -- "$@"
}

lab_down() {
	local host found=0 pids
	for host in client host server; do
		[[ -f /run/netns/$1-$host ]] || continue
		found=1
		mapfile -t pids < <(ip netns pids "$1-$host")
		((!${#pids[@]})) || try kill "${pids[@]}" || true
		run ip netns del "$1-$host"
	done
	((found)) || note "lab $1 was not up"
}

IPV4=
JSON=0
option() { # OPTION
	if [[ $1 == --json ]]; then JSON=1; else IPV4=1; fi
}
# the rest belongs to the command
OPTIONS_END='exec'
options '-n|--dry-run -v|--verbose -h|--help -4|--ipv4 -j|--json' "$@"
set -- "${ARGS[@]}"
case ${1:-} in
up)
	(($# <= 2)) || misuse "up takes one name"
	;;
exec)
	(($# >= 4)) || misuse "exec needs a lab, a host and a command"
	;;
down)
	(($# == 2)) || misuse "down needs the name of a lab"
	;;
list) ;;
*) misuse "expected up, exec, down or list" ;;
esac
need_root
need_tools ip nsenter
case $1 in
up) lab_up "${@:2}" ;;
exec) lab_exec "${@:2}" ;;
down) lab_down "$2" ;;
list)
	# (ip netns list opens whatever lies there, and waits for a pipe)
	names=()
	for file in /run/netns/*-host; do
		file=${file##*/}
		[[ ! -f /run/netns/$file ]] || names+=("${file%-host}")
	done
	if ((JSON)); then
		jq -cn '$ARGS.positional' --args -- "${names[@]}" | json_escaped
	else
		for file in "${names[@]}"; do clean "$file"; done
	fi
	;;
esac
