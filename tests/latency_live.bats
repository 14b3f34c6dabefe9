#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# latency on live packets: counts, protocols, places of delays

. "${BATS_TEST_DIRNAME}/sandbox.bash"

setup() { lab_up; }

@test "latency: every TCP request is counted once in each stage" {
	attach eth0 --sample 1 --filter 'dport 7000'
	tcp host 10.11.1.1 997
	# handshake, 997 requests, FIN; acknowledgements of answers travel with requests
	# or alone, and have no payload: only requests reach the application
	equal "$(rows socket app)" 997 "socket -> app"
	equal "$(rows xdp app total)" 997 "xdp -> app total"
	equal "$(rows tc prerouting)" "$(rows xdp tc)" "tc -> prerouting"
	equal "$(rows prerouting input)" "$(rows xdp tc)" "prerouting -> input"
}

@test "latency: every UDP datagram is counted once, IPv4 and IPv6" {
	attach eth0 --sample 1 --filter 'proto udp dport 7000'
	udp host 10.11.1.1 1009
	for pair in 'xdp tc' 'tc prerouting' 'prerouting input' 'input socket'; do
		read -r from to <<<"$pair"
		equal "$(rows "$from" "$to")" 1009 "$pair"
	done
	udp host fd11:1::1 503
	for pair in 'xdp tc' 'tc prerouting' 'prerouting input' 'input socket'; do
		read -r from to <<<"$pair"
		equal "$(rows "$from" "$to")" 1512 "$pair"
	done
	equal "$(rows xdp socket total)" 1512 total
	equal "$(lost seen)" 1512 seen
	equal "$(lost sampled)" 1512 sampled
}
