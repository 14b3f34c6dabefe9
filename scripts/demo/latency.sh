# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# latency.sh - for demo.sh: where do packets spend their time?

NETNS_PREFIX=demo-

say "1. A lab: client -- host -- server, three network namespaces"
here "$LAB" up demo

say "2. Attach the stages to the host's eth0, measuring every packet. These are the commands:"
on host "$ATTACH" -v eth0 --sample 1 2>&1 | sed 's/\( [0-9a-f][0-9a-f]\)\{24,\}/ .../g'

say "3. Traffic: TCP requests, UDP datagrams, pings"
serve host tcp-server 10.11.1.1 5000 2000
on client "$TRAFFIC" tcp-client 10.11.1.1 5000 2000
wait
# (the lab has said so if there is no IPv6)
addr=fd11:1::1
[[ -e /proc/sys/net/ipv6/conf ]] || addr=10.11.1.1
serve host udp-recv "$addr" 5000 2000 --window 50
on client "$TRAFFIC" udp-send "$addr" 5000 2000 --window 50
wait
on client ping -q -c 50 -i 0.002 10.11.1.1 | tail -n 2
here "$READER" latency
printf '%s\n' '
One row for each pair of consecutive stages, then the totals. Small UDP datagrams end at
the socket here: this kernel shows only larger ones and TCP being read (with fentry, all).'

say "4. The same, with a reader that sleeps 20 ms before each read: which row grows?"
on host "$DETACH" eth0
on host "$ATTACH" eth0 --sample 1 --filter 'proto tcp dport 5000' 2>/dev/null
serve host tcp-server 10.11.1.1 5000 100 --delay 20
on client "$TRAFFIC" tcp-client 10.11.1.1 5000 100
wait
here "$READER" latency
slow=$("$READER" -j latency | jq -r '.rows[] | select(.kind == "stage" and .p50_ns > 10000000) | "\(.from) -> \(.to)"')
printf '\nOver 10 ms in the median: %s\n' "${slow:-none}"

say "5. A container: the server's eth0 becomes a stage of its own"
on host "$ATTACH" eth0 --netns demo-server --filter 'proto udp dport 5000'
serve server udp-recv 10.11.2.2 5000 1000 --window 50
on client "$TRAFFIC" udp-send 10.11.2.2 5000 1000 --window 50
wait
here "$READER" latency
on host "$STATUS"

say "6. Take all of it off again"
on host "$DETACH" eth0 --netns demo-server
on host "$DETACH" eth0
here "$READER" status
here "$LAB" down demo
[[ $slow == "socket -> app" ]] || die "the delay did not land in socket -> app alone"
