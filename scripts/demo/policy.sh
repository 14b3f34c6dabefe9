# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# policy.sh - for demo.sh: policy routing over two uplinks.
#
#   client ---- edge ---- a ---- server     uplink a: 10.2.0.0/24
#                   \---- b ----/           uplink b: 10.3.0.0/24
#
# Web goes over a, voice (DSCP 46) over b, the rest over a; one prefix is left to the
# kernel.

WORK=$(mktemp -d)
defer rm -rf -- "$WORK"
undo_on_exit

# pair HOST DEV HOST DEV NET: .1 and .2 of 10.NET.0.0/24
pair() {
	ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"
	ip -n "$1" addr add "10.$5.0.1/24" dev "$2"
	ip -n "$3" addr add "10.$5.0.2/24" dev "$4"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

for host in client edge a b server; do
	ip netns add "$host"
	ip -n "$host" link set lo up
	quiet "$host" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
done
pair edge lan client eth0 1
pair edge wan-a a edge 2
pair edge wan-b b edge 3
pair a out server eth-a 4
pair b out server eth-b 5
ip -n server addr add 198.51.100.1/32 dev lo
ip -n server addr add 203.0.113.1/32 dev lo
ip -n client route add default via 10.1.0.1
ip -n edge route add default via 10.2.0.2
for host in a b; do ip -n "$host" route add 10.1.0.0/24 via "10.$([[ $host == a ]] && echo 2 || echo 3).0.1"; done
ip -n a route add default via 10.4.0.2
ip -n b route add default via 10.5.0.2
ip -n server route add default via 10.4.0.1

cat >"$WORK/policy.json" <<'EOF'
{
  "interfaces": { "lan": "lan" },
  "nexthops": {
    "uplink-a": { "dev": "wan-a", "via": "10.2.0.2" },
    "uplink-b": { "dev": "wan-b", "via": "10.3.0.2" }
  },
  "rules": [
    { "id": "excluded", "priority": 10, "match": { "dst": "203.0.113.0/24" }, "action": "pass" },
    { "id": "web", "priority": 20, "match": { "iif": "lan", "proto": "tcp", "dport": 80 }, "action": { "redirect": "uplink-a" } },
    { "id": "voice", "priority": 30, "match": { "iif": "lan", "dscp": 46 }, "action": { "redirect": "uplink-b" }, "fallback": "pass" },
    { "id": "default", "priority": 40, "match": { "iif": "lan" }, "action": { "redirect": "uplink-a" } }
  ]
}
EOF
cat "$WORK/policy.json"
on edge "$ATTACH" lan policy
on edge "$POLICY" check "$WORK/policy.json"
on edge "$POLICY" load "$WORK/policy.json"

path() { # WHAT ADDRESS OPTION...
	local what=$1 address=$2 hops
	shift 2
	hops=$(quiet client traceroute -n -q 1 -w 1 -m 4 "$@" "$address" | awk 'NR > 1 { printf " %s", $2 }')
	printf '%-28s%s\n' "$what" "$hops"
}

paths() {
	path 'web' 198.51.100.1 -T -p 80
	path 'voice' 198.51.100.1 -t 184
	path 'anything else' 198.51.100.1
	path 'voice, excluded prefix' 203.0.113.1 -t 184
}

printf 'Paths from the client (10.2.0.2 is uplink a, 10.3.0.2 uplink b):\n'
paths
printf '\nUplink b goes down:\n'
ip -n b link set edge down
no_carrier() { [[ $(quiet edge ip link show dev wan-b) == *NO-CARRIER* ]]; }
until_true no_carrier || die "wan-b still has a carrier"
paths
printf '\n'
on edge "$READER" policy
