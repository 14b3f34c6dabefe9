#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# run.sh: programs on packets from files

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

RUN=$HM_TOP/scripts/run.sh
P=$HM_TOP/tests/packets

verdicts() { awk 'NR > 1 { printf "%s%s", sep, $3; sep = " " }'; }

@test "run: a frame as text, from a file, stdin and tcpdump -xx, and several as pcap" {
	out=$("$RUN" xdp/count "$P/ipv4-udp.hex" "$P/three.pcap" "$P/arp.hex")
	equal "$(awk 'NR > 1 { print $1, $2, $4 }' <<<"$out" | tr '\n' ' ')" "1 62 62 2 62 62 3 82 82 4 42 42 5 42 42 " "packets and sizes"
	out=$("$RUN" xdp/count - <"$P/ipv6-udp.hex")
	equal "$(verdicts <<<"$out")" pass
	out=$(printf '\t0x0000:  0011 2233 4455 0011 2233 4455 0800 4500\n\t0x0010:  0014\n' | "$RUN" xdp/count -)
	like "$out" "18  pass"
	# the other byte order, and nanoseconds
	{
		printf '\xa1\xb2\x3c\x4d\0\2\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\1'
		printf '\0\0\0\1\0\0\0\1\0\0\0\x0e\0\0\0\x0e'
		printf '\0\1\2\3\4\5\0\1\2\3\4\5\x08\6'
	} >"$BATS_TEST_TMPDIR/big.pcap"
	like "$("$RUN" xdp/count "$BATS_TEST_TMPDIR/big.pcap")" "14  pass"
}

# pcap SIZE...: in hexadecimal, a capture with a frame of each size, as where GSO is on
pcap() {
	local size
	printf 'a1b2c3d40002000400000000000000000004000000000001'
	for size; do
		printf '%08x%08x%08x%08x%s%0*d' 1 1 "$size" "$size" 0001020304050001020304050806 "$((2 * size - 28))" 0
	done
}

@test "run: frames of 64 KB; one that the kernel does not run is told, and the others run" {
	local f=$BATS_TEST_TMPDIR/gso.pcap cpu
	printf '%b' "$(pcap 60 65226 9000 1514 | sed 's/../\\x&/g')" >"$f"
	cpu=$({ TIMEFORMAT='%U %S' && time "$RUN" xdp/count "$f" >"$BATS_TEST_TMPDIR/out"; } 2>&1)
	equal "$(awk 'NR > 1 { print $1, $2, $3, $4 }' "$BATS_TEST_TMPDIR/out" | tr '\n' ' ')" "1 60 pass 60 2 65226 pass 65226 3 9000 pass 9000 4 1514 pass 1514 " "XDP"
	awk '{ exit $1 + $2 > 3 }' <<<"$cpu" || equal "$cpu" "3 s at most" "CPU time"
	run --separate-stderr "$RUN" tc/count "$f"
	equal "$status" 1 status
	equal "$(awk 'NR > 1 { print $1, $2, $3 }' <<<"$output" | tr '\n' ' ')" "1 60 unspec 2 65226 not 3 9000 not 4 1514 unspec " "tc"
	like "$stderr" "packet 2: the kernel did not run the program: "
	like "$stderr" "it has 65226 bytes, and this kernel runs a sched_cls program on less"
}

@test "run: verdicts have the names of their hook, and --expect decides the exit status" {
	"$RUN" xdp/pass "$P/arp.hex" --expect pass
	"$RUN" xdp/tail_b "$P/arp.hex" --expect XDP_DROP
	"$RUN" xdp/tail_b "$P/arp.hex" --expect 1
	"$RUN" tc/count "$P/arp.hex" --expect TC_ACT_UNSPEC
	"$RUN" tc/count "$P/arp.hex" --expect -1
	"$RUN" iptables/count "$P/arp.hex" --expect match
	"$RUN" iptables/latency "$P/arp.hex" --program latency_raw --expect no-match
	"$RUN" kern/count "$P/arp.hex" --expect pass
	fails 1 "packet 1: returned drop (1), expected pass" "$RUN" xdp/tail_b "$P/arp.hex" --expect pass
	fails 2 "xdp returns one of aborted drop pass tx redirect" "$RUN" xdp/tail_b "$P/arp.hex" --expect shot
	# one of several is enough
	bpftool prog loadall "$HM_BUILD/xdp/steps.o" /sys/fs/bpf/s type xdp pinmaps /sys/fs/bpf/m
	bpftool map update pinned /sys/fs/bpf/m/step_next key 3 0 0 0 value pinned /sys/fs/bpf/s/steps_drop
	fails 1 "packet 3: returned drop (1), expected pass" "$RUN" --expect pass /sys/fs/bpf/s/steps_xdp "$P/three.pcap"
	equal "$("$RUN" --expect pass xdp/steps "$P/three.pcap" | verdicts)" "pass pass pass"
}

@test "run: maps are set before and shown after; each run of the tool starts with empty ones" {
	"$RUN" xdp/hello "$P/arp.hex" --set hello_cfg=00000000:0000000001000000 --expect pass
	"$RUN" xdp/hello "$P/arp.hex" --set hello_cfg=00000000:0100000001000000 --expect drop
	for _ in 1 2; do
		out=$("$RUN" xdp/count "$P/three.pcap" --repeat 7 --dump count_stat | sed 1,4d |
			jq -c '[.[] | [.values[].value.packets] | add]')
		equal "$out" "[0,7,7,7,0]" "packets by kind"
	done
}

@test "run: nothing stays pinned or loaded, and pins that are in use are not touched" {
	bpftool prog loadall "$HM_BUILD/xdp/count.o" /sys/fs/bpf/p type xdp
	pins=$(find /sys/fs/bpf)
	ids=$(bpftool -j prog show pinned /sys/fs/bpf/p/count_xdp | jq -c .map_ids)
	"$RUN" xdp/count "$P/three.pcap"
	equal "$(find /sys/fs/bpf)" "$pins" pins
	equal "$(bpftool -j map dump pinned /sys/fs/bpf/count_stat | jq '[.[].formatted.values[].value.packets] | add')" 0 "the map in use"
	# a pinned program runs with the maps that it has
	"$RUN" /sys/fs/bpf/p/count_xdp "$P/three.pcap" --repeat 5
	equal "$(bpftool -j map dump pinned /sys/fs/bpf/count_stat | jq '[.[].formatted.values[].value.packets] | add')" 15 "the map in use"
	equal "$(bpftool -j prog show pinned /sys/fs/bpf/p/count_xdp | jq -c .map_ids)" "$ids" maps
	# mounts are private, too
	equal "$(grep -c ' /sys/fs/bpf bpf ' /proc/mounts)" 1 "bpf filesystems"
}

@test "run: --out writes the packet that comes out" {
	"$RUN" xdp/pass "$P/ipv4-udp.hex" --out "$BATS_TEST_TMPDIR/out"
	equal "$(tr -d ' \n' <"$BATS_TEST_TMPDIR/out")" "$(sed 's/#.*//' "$P/ipv4-udp.hex" | tr -d ' \n')" packet
	"$RUN" xdp/pass "$BATS_TEST_TMPDIR/out" --expect pass
}

@test "run: by another name, its messages have that" {
	ln -s "$RUN" "$BATS_TEST_TMPDIR/hookmap-run"
	cd "$BATS_TEST_TMPDIR"
	fails 1 "hookmap-run: packet 1: returned drop (1), expected pass" ./hookmap-run xdp/tail_b "$P/arp.hex" --expect pass
	PATH=$BATS_TEST_TMPDIR:$PATH fails 1 "hookmap-run: packet file /nothing is not there" hookmap-run xdp/pass /nothing
	fails 1 "hookmap-run: object $HM_BUILD/xdp/nothing.o is not there" ./hookmap-run xdp/nothing "$P/arp.hex"
}

@test "run: what is wrong is said in one line" {
	fails 2 "an object and a packet" "$RUN" xdp/pass
	fails 2 "unknown option --foo" "$RUN" --foo xdp/pass "$P/arp.hex"
	fails 2 "--repeat needs a value" "$RUN" xdp/pass "$P/arp.hex" --repeat
	fails 2 "--repeat 0: expected a number from 1" "$RUN" xdp/pass "$P/arp.hex" --repeat 0
	fails 2 "--set x: expected MAP=KEY:VALUE" "$RUN" xdp/pass "$P/arp.hex" --set x
	fails 1 "object $HM_BUILD/xdp/nothing.o is not there" "$RUN" xdp/nothing "$P/arp.hex"
	fails 1 "packet file /nothing is not there" "$RUN" xdp/pass /nothing
	fails 1 "is empty" "$RUN" xdp/pass /dev/null
	fails 1 "is not a packet file: expected pcap" "$RUN" xdp/pass "$HM_TOP/Makefile"
	head -c 2M /dev/urandom >"$BATS_TEST_TMPDIR/large"
	fails 1 "larger than 1 MiB" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/large"
	head -c 500 "$BATS_TEST_TMPDIR/large" >"$BATS_TEST_TMPDIR/noise"
	fails 1 "is not a packet file: expected pcap" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/noise"
	echo 001122 >"$BATS_TEST_TMPDIR/short"
	fails 1 "packet 1 has 3 bytes" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/short"
	echo 00112 >"$BATS_TEST_TMPDIR/odd"
	fails 1 "is not a packet file: expected pcap" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/odd"
	head -c 100 "$P/three.pcap" >"$BATS_TEST_TMPDIR/cut"
	fails 1 "packet 1 is cut off" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/cut"
	head -c 24 "$P/three.pcap" >"$BATS_TEST_TMPDIR/none"
	fails 1 "has no packet" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/none"
	sed 's/\x01\x00\x00\x00\x00/\x71\x00\x00\x00\x00/' "$P/three.pcap" >"$BATS_TEST_TMPDIR/cooked"
	fails 1 "link type 113: only Ethernet" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/cooked"
	printf '\x0a\x0d\x0d\x0a....' >"$BATS_TEST_TMPDIR/ng"
	fails 1 "is pcapng: convert it" "$RUN" xdp/pass "$BATS_TEST_TMPDIR/ng"
	fails 1 "has no program nothing: it has steps_drop steps_pass steps_xdp" "$RUN" xdp/steps "$P/arp.hex" --program nothing
	fails 1 "cannot write /nothing/out" "$RUN" xdp/pass "$P/arp.hex" --out /nothing/out
	fails 1 "has no map nothing: it has count_stat" "$RUN" xdp/count "$P/arp.hex" --dump nothing
	fails 1 "value expected 8 bytes got 1" "$RUN" xdp/hello "$P/arp.hex" --set hello_cfg=00000000:01
	fails 1 "type tracing cannot be run on a packet" "$RUN" kern/latency "$P/arp.hex" --program latency_app
	# the kernel's own limit
	printf '02000000000102000000000208004500' >"$BATS_TEST_TMPDIR/ip"
	fails 1 "the kernel did not run the program" "$RUN" tc/count "$BATS_TEST_TMPDIR/ip"
	run "$RUN" tc/count "$BATS_TEST_TMPDIR/ip" --out "$BATS_TEST_TMPDIR/out"
	like "$output" "out is not written: the last packet did not run"
	mkdir -p "$G"
	bpftool map create "$G/m" type array key 4 value 4 entries 1 name m
	fails 1 "is not a pinned program" "$RUN" "$G/m" "$P/arp.hex"
}
