#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Scripts and reader with names that shells, JSON, awk and label syntax trip over:
# devices (the kernel allows all but blanks, "/" and ":"), files, namespaces, text.

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

S=$HM_TOP/scripts
# shellcheck disable=SC2016
NAMES=('-*?[a]{b,c}~é#' '"`\t$(>x)'\'';|&<!' 'a[$(>x)]')

setup() {
	local i
	cd "$BATS_TEST_TMPDIR" || return 1
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	for i in "${!NAMES[@]}"; do
		ip link add name "${NAMES[i]}" type veth peer name "peer$i"
		ip link set dev "${NAMES[i]}" up
		ip link set dev "peer$i" up
	done
}

teardown() {
	# what a name has run, or a glob has met
	if [[ -e x ]] || compgen -G 'b*' >/dev/null; then return 1; fi
}

# clean FILE: nothing that a terminal would obey
clean() {
	equal "$(grep -naP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1" | cat -v || true)" '' "lines of $1 with control characters"
	equal "$(LC_ALL=C.UTF-8 grep -naxv '.*' "$1" | cat -v || true)" '' "lines of $1 that are not UTF-8"
}

index() { ip -j link show dev "$1" | jq '.[0].ifindex'; }
unattached() {
	equal "$(ip -j -d link show | tr '\001-\011\013-\037' '?' | jq -c '[.[] | select(.xdp) | .ifname]')" '[]' "XDP programs"
	equal "$(tc qdisc show | grep -c clsact || true)" 0 "qdiscs"
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" "" "pins"
	equal "$(iptables-save | grep -c hookmap || true)" 0 "rules"
}

@test "hostile: devices: latency: attach, status, reader, detach" {
	local name
	for name in "${NAMES[@]}"; do "$S/attach.sh" --sample 1 -- "$name" latency 2>/dev/null; done
	hookmap -j status >status.json
	for name in "${NAMES[@]}"; do
		jq -e --arg name "$name" '.devices[] | select(.device == $name)' status.json
		"$S/status.sh" -- "$name" | grep -qF -- "$name: latency"
	done
	"$S/attach.sh" --filter "dev ${NAMES[1]}" -- "${NAMES[1]}" latency 2>/dev/null
	"$S/status.sh" | grep -cF 'xdp      latency_xdp'
	# those that have gone are known by their names
	for name in "${NAMES[@]}"; do
		ip link del "$name"
		"$S/detach.sh" -- "$name" 2>&1
	done
	unattached
}

@test "hostile: devices: l2fwd: entries, ports, rules, guards, dump and load, Prometheus" {
	local name i=0
	for name in "${NAMES[@]}"; do "$S/attach.sh" -- "$name" l2fwd 2>/dev/null; done
	for name in "${NAMES[@]}"; do
		"$S/fdb.sh" -- add "02:00:00:00:00:0$((++i))" dev "$name"
		"$S/fdb.sh" -- port "$name" mode trunk 10
		"$S/fdb.sh" -- acl "$name" add 10 deny proto udp
		"$S/fdb.sh" -- guard "$name" on
	done
	"$S/fdb.sh" dump >dumped
	"$S/fdb.sh" flush
	"$S/fdb.sh" load dumped
	equal "$("$S/fdb.sh" dump)" "$(cat dumped)" "what was dumped and loaded"
	hookmap -j fdb >fdb.json
	for name in "${NAMES[@]}"; do
		jq -e --arg name "$name" '[.rows[], .ports[] | select(.device == $name)] | length == 2' fdb.json
	done
	hookmap --prom fdb >fdb.prom
	# in a label, only \ " and newline are escaped
	sed 's/\\\\//g; s/\\"//g' fdb.prom | grep -vE '^#|^[a-z_0-9]+(\{([a-z_]+="[^"\\]*",?)*\})? [-+0-9.eInf]+$' && return 1
	hookmap fdb | grep -cF -- "${NAMES[0]}"
	for name in "${NAMES[@]}"; do "$S/detach.sh" -- "$name"; done
	unattached
}

@test "hostile: devices: fdb.sh dump and load: names that are not UTF-8" {
	local name
	for name in $'\x80\x9b\xff"' $'\xf4\x8f\xbf\xbf\xc3' $'\xc2\x9b\\'; do
		ip link set dev peer0 down
		ip link set dev peer0 name "$name"
		ip link set dev "$name" up
		"$S/attach.sh" "$name" l2fwd 2>/dev/null
		"$S/fdb.sh" add 02:00:00:00:00:01 dev "$name"
		"$S/fdb.sh" dump >dumped
		equal "$(<dumped)" "02:00:00:00:00:01 dev $name"
		"$S/fdb.sh" flush
		"$S/fdb.sh" load dumped
		equal "$("$S/fdb.sh" dump)" "$(<dumped)" 'what was dumped and loaded'
		"$S/detach.sh" "$name"
		unattached
		ip link set dev "$name" down
		ip link set dev "$name" name peer0
	done
}

@test "hostile: devices: other names with blanks and slashes make no device another" {
	local i name
	# (a card that a container had comes back with those that it got there)
	for i in 0 1; do "$S/attach.sh" "peer$i" l2fwd 2>/dev/null; done
	"$HM_BUILD/tests/altname" peer1 'x 1/peer0' 'x peer0/2' $'x\n2/peer0' $'x\tpeer0/2' '2/peer0' 'peer0/2' $'\e[7m\xc2\x9b' '1'
	for name in peer0 '2/peer0' 1; do printf '02:00:00:00:00:0%d dev %s\n' "$((++i))" "$name"; done >file
	"$S/fdb.sh" load file
	equal "$(hookmap -j fdb | jq -r '.rows[] | "\(.mac) \(.device)"' | sort)" \
		$'02:00:00:00:00:02 peer0\n02:00:00:00:00:03 peer1\n02:00:00:00:00:04 peer1'
	for i in 0 1; do "$S/detach.sh" "peer$i"; done
	# nor what a bridge says of its ports
	ip link add br0 type bridge
	for i in 0 1; do ip link set "peer$i" master br0; done
	ip link set br0 up
	bridge fdb add 02:00:00:00:00:05 dev peer0 master static
	"$S/attach.sh" br0 l2fwd --mirror >said 2>&1
	equal "$(hookmap -j fdb | jq -r '.rows[] | select(.type == "fixed") | .device')" peer0
	"$S/status.sh" >>said
	clean said
	"$S/detach.sh" --all
	unattached
}

@test "hostile: devices: policy: next hops, rules, show and load again" {
	local name
	for name in "${NAMES[@]}"; do "$S/attach.sh" -- "$name" policy 2>/dev/null; done
	jq -n '$ARGS.positional as $names | {
		nexthops: ([$names | to_entries[] | {key: "h\(.key)", value: {dev: .value, via: "10.0.0.\(.key + 1)"}}] | from_entries),
		rules: [$names | to_entries[] | {id: "r\(.key)", priority: .key, match: {iif: .value}, action: {redirect: "h\(.key)"}}]}' \
		--args -- "${NAMES[@]}" >rules.json
	"$S/policy.sh" load rules.json
	"$S/policy.sh" show >shown
	jq -e '$ARGS.positional as $names | [.rules[].match.iif] == $names and [.nexthops[].dev] == $names' --args -- "${NAMES[@]}" <shown
	"$S/policy.sh" load - <shown
	"$S/policy.sh" diff rules.json
	hookmap -j policy | jq -e '$ARGS.positional as $names | [.rows[].rule.match.iif] == $names' --args -- "${NAMES[@]}"
	hookmap policy | grep -cF -- "${NAMES[1]}"
	for name in "${NAMES[@]}"; do "$S/detach.sh" -- "$name"; done
	unattached
}

@test "hostile: devices: control characters and what is no UTF-8 reach neither terminal nor JSON" {
	local name=$'\e[7m\xff\xc2\x9b' verb row
	"$S/attach.sh" peer0 latency l2fwd 2>/dev/null
	"$S/fdb.sh" -- add 02:00:00:00:00:01 dev peer0
	# a packet of this device
	# shellcheck disable=SC2046
	bpftool map update pinned "$G/lat_hist" key 1 2 0 1 "$(index peer0)" 0 0 0 value $(printf '%d ' {1..24}) 1 $(yes 0 | head -n 127)
	ip link set dev peer0 down
	ip link set dev peer0 name "$name"
	for verb in '--hist latency' '--hgrm latency' fdb status "$name"; do
		# shellcheck disable=SC2086
		hookmap $verb >text 2>&1 || true
		[[ -s text ]]
		equal "$(grep -cP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' text || true)" 0 "lines of <$verb> with control characters"
	done
	for verb in '-j latency' '-j fdb' '-j status' '-j --summary fdb' "-j $name"; do
		# shellcheck disable=SC2086
		hookmap $verb >json 2>/dev/null || true
		iconv -f UTF-8 -t UTF-8 json >/dev/null
		jq -e . json >/dev/null
	done
	hookmap -j fdb | jq -e '.rows[0] | .device == "\u001b[7m\ufffd\u009b" and .device_hex == "1b5b376dffc29b"'
	ip link set dev "$name" name peer0
	"$S/detach.sh" peer0
	unattached
}

@test "hostile: devices: scripts work on, and beside, a device whose name iproute2 does not escape" {
	local name=$'\001\033[7m\177x' feature
	ip link add name "$name" type veth peer name peer
	ip link set dev "$name" up
	for dev in peer "$name"; do
		for feature in latency l2fwd policy; do "$S/attach.sh" -- "$dev" "$feature" 2>/dev/null; done
		hookmap -j status | jq -e --arg name "$dev" '.devices[] | select(.device == $name) | .features | contains("latency") and contains("l2fwd") and contains("policy")'
		"$S/fdb.sh" -- add 02:00:00:00:00:01 dev "$dev"
		"$S/status.sh" >text
		grep -qF 'xdp      latency_xdp' text
		equal "$(grep -cP '[\x00-\x08\x0b-\x1f\x7f]' text || true)" 0 "lines with control characters"
		equal "$("$S/status.sh" -j | jq -r '.[].device')" "$dev" "status -j"
		"$S/detach.sh" -- "$dev"
		unattached
	done
	# it gets a name that is not UTF-8 after it was attached
	name=$'\xf4\x8f\xbf\xbf\xc3\xff'
	"$S/attach.sh" peer latency policy 2>/dev/null
	ip link set dev peer down
	ip link set dev peer name "$name"
	"$S/status.sh" >text
	clean text
	equal "$(grep -cE '^\?+: latency policy|xdp      latency_xdp' text)" 2 "$(cat text)"
	"$S/status.sh" -j | jq -e 'length == 1 and (.[0].tc | length == 2)'
	"$S/detach.sh" --all
	unattached
}

@test "hostile: devices: -v, -n and hints show names as a shell reads them" {
	local name=$'\e[7m\xc2\x9b$(>x)`>x`' line
	ip link add name "$name" type veth peer name peer
	ip link set dev "$name" up
	ip link set dev "$name" alias $'\e[7m\v\xc2\x9b'
	for line in 'attach.sh -n' 'attach.sh -v' 'detach.sh -n' 'detach.sh -v'; do
		# shellcheck disable=SC2086
		"$S"/$line -- "$name" latency 2>>said
	done
	# a hint that is copied
	"$S/attach.sh" -- "$name" l2fwd 2>>said
	clean said
	(($(grep -cF "$(printf %q "$name")" said) > 20))
	"$S/detach.sh" -- "$name"
	unattached
}

@test "hostile: hints about a veth peer are commands that a shell takes for nothing else" {
	local name=';>x;#$(>x)' line n=0
	skip_without ethtool command -v ethtool
	ip link add name h0 type veth peer name "$name"
	ip link set dev h0 up
	ip link set dev "$name" up
	"$S/attach.sh" h0 l2fwd 2>said
	while IFS= read -r line; do
		bash -c "$line" # as a person would
		n=$((n + 1))
	done < <(sed -n 's/.*: \(ethtool -K .*\)$/\1/p' said)
	equal "$n" 3 "hints"
	# they were the right ones
	"$S/attach.sh" h0 l2fwd 2>said
	equal "$(grep -c 'ethtool' said || true)" 0 "hints that are left"
	"$S/detach.sh" h0
	unattached
}

@test "hostile: an alias with a vertical tab hides nothing, and attach, status and detach work" {
	ip link set dev peer0 alias $'a\vb\e\x7f\xc2\x9b'
	"$S/attach.sh" peer0 latency 2>/dev/null
	"$S/attach.sh" peer1 latency 2>/dev/null
	"$S/status.sh" >text
	equal "$(grep -cE '^peer[01]: latency' text)" 2 "devices"
	equal "$("$S/status.sh" -j | jq -c '[.[].device] | sort')" '["peer0","peer1"]'
	# one that has another name at each look hides no other
	mkdir bin
	printf '#!/bin/bash\n[[ $* != *"show dev peer0"* ]] && exec %s "$@"\n' "$(command -v ip)" >bin/ip
	chmod +x bin/ip
	PATH=$PWD/bin:$PATH run -1 --separate-stderr "$S/status.sh"
	like "$output" 'peer1: latency'
	equal "$stderr" 'status.sh: peer0: ip link show failed: is the device gone?'
	rm -r bin
	"$S/detach.sh" peer0
	"$S/detach.sh" peer1
	unattached
}

# what JSON, files and titles can have
TEXTS=('`>x`' '$(>x)' "a'b\"c\\d" $'\e[31m\x7f' $'\xc2\x9b31m' $'a\vb\nc\td' -n '%s%n {a}^b_c@d' '</title><script>&')

@test "hostile: plots: names run nothing, move no cursor, and are drawn as they are" {
	local text
	for text in "${TEXTS[@]}"; do
		jq -nc --arg t "$text" '{rows: ["xdp tc", "tc prerouting"] | map(split(" ") as $s | {kind: "stage", from: ($s[0] + $t), to: ($s[1] + $t),
			device: $t, netns: $t, count: 10, sum_ns: 1000, min_ns: 10, p50_ns: 100, p90_ns: 100, p99_ns: 100, p999_ns: 100, max_ns: 100})}' >stage.json
		jq -nc --arg t "$text" '{rows: [{layer: $t, reason: $t, device: $t, netns: $t, packets: 7}]}' >drops.json
		cp stage.json "./$text.json" 2>/dev/null || cp stage.json "./${text//\//|}.json"
		for words in 'percentiles stage.json' 'stages stage.json' 'drops drops.json'; do
			# shellcheck disable=SC2086
			"$S/plot.sh" --data $words >data
			clean data
			command -v gnuplot >/dev/null || continue
			# shellcheck disable=SC2086
			"$S/plot.sh" $words >data
			clean data
			# shellcheck disable=SC2086
			"$S/plot.sh" -o x.svg $words
			[[ -s x.svg ]]
			clean x.svg
			! command -v xmllint >/dev/null || xmllint --nonet --noout x.svg
		done
		[[ ! -e x ]]
	done
	command -v gnuplot >/dev/null || skip "no gnuplot"
	jq -c '.rows[0] * {device: "`>x`%^_"} | {rows: [.]}' stage.json >./'`>x`.json'
	"$S/plot.sh" -o x.svg stages './`>x`.json'
	like "$(<x.svg)" '`>x`%^_'
	"$S/plot.sh" -o x.svg stages './`>x`.json' stage.json
	like "$(<x.svg)" '`>x`: '
}

@test "hostile: completion: names are words for the shell, and never run" {
	local name='a$(>x)`>x`' words
	mount -t sysfs sysfs /sys
	mount -t bpf bpf /sys/fs/bpf
	ip link add name "$name" type veth peer name other
	touch "/run/netns/$name" $'/run/netns/a\e[7m'
	mkdir commands
	for words in "$S"/*.sh; do
		words=${words##*/}
		ln -s "$S/$words" "commands/hookmap-${words%.sh}"
	done
	ln -s "$HM_BUILD/hookmap" commands/hookmap
	# complete WORD...: what the last word can become
	complete_words() {
		PATH=$PWD/commands:$PATH bash --norc -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _hookmap
			printf "%s\n" "${COMPREPLY[@]}"' - "$S/completion.bash" "$@"
	}
	for words in 'hookmap-attach' 'hookmap-detach' 'hookmap-status' 'hookmap-fdb port' 'hookmap-fdb acl' 'hookmap-fdb guard' \
		'hookmap-fdb add 02:00:00:00:00:01' 'hookmap-service start' 'hookmap attach' 'hookmap-attach --netns'; do
		# shellcheck disable=SC2086
		complete_words $words '' >list
		clean list
		equal "$(grep -cxF "$(printf %q "$name")" list)" 1 "the name, quoted, of <$words>"
		# shellcheck disable=SC2086
		equal "$(complete_words $words 'a$(')" "$(printf %q "$name")" "of what was begun"
		# shellcheck disable=SC2086
		equal "$(complete_words $words 'a\$')" "$(printf %q "$name")" "of what was begun, quoted"
	done
	umount -l /sys
}

@test "hostile: files: names that look like options, globs, or several words" {
	local file i=0
	"$S/attach.sh" -- "${NAMES[0]}" l2fwd policy 2>/dev/null
	printf '02:00:00:00:00:01 dev %s\n' "${NAMES[0]}" >entries
	printf '{"rules":[{"id":"r","priority":1,"action":"drop"}]}' >rules
	for file in ' a  * b ' $'--new\nline' '"$(>x)'; do
		cp -- entries "./$file"
		"$S/fdb.sh" -- load "$file"
		equal "$("$S/fdb.sh" dump | wc -l)" 1 "entries of <$file>"
		"$S/fdb.sh" flush
		cp -- rules "./$file"
		"$S/policy.sh" -- load "$file"
		equal "$(hookmap -j policy | jq '.rows | length')" 1
		"$S/policy.sh" flush
		cp -- "$HM_TOP/tests/packets/arp.hex" "./$file"
		"$S/run.sh" xdp/pass "./$file" --expect pass
		cp -- "$HM_BUILD/xdp/pass.o" "./$file"
		"$S/run.sh" --type xdp "./$file" "$HM_TOP/tests/packets/arp.hex" --expect pass
		rm -- "./$file"
		i=$((i + 1))
	done
	equal "$i" 3 files
	"$S/detach.sh" -- "${NAMES[0]}"
}

@test "hostile: namespaces: blanks, quotes, dashes and newlines" {
	local name
	for name in ' a  * b ' $'-n\nl' '"$(>x)'; do
		touch "/run/netns/$name"
		mount --bind /proc/self/ns/net "/run/netns/$name"
		ip link add name inner type veth peer name other
		"$S/attach.sh" --netns "$name" inner latency 2>/dev/null
		hookmap -j status | jq -e '.devices[] | select(.device == "inner")'
		"$S/status.sh" >/dev/null
		"$S/detach.sh" --netns "$name" inner
		unattached
		ip link del inner
		umount "/run/netns/$name"
		rm -- "/run/netns/$name"
	done
	# found by what is written down, whatever the place is called or has become
	mkfifo /run/netns/a
	mkdir 'm  t'
	for name in '/run/netns/ a  * b ' "$PWD/m  t/a\\b" /run/netns/hidden; do
		touch "$name"
		unshare --net bash -c 'mount --bind /proc/self/ns/net "$1"; exec sleep 60' - "$name" 3>&- &
		busywait 5 mountpoint -q "$name"
		nsenter --net="$name" -- ip link add name inner type veth peer name other
		"$S/attach.sh" --netns "$name" inner latency 2>/dev/null
		if [[ $name == */hidden ]]; then mount --bind /run/netns/a "$name"; else kill $!; fi
		like "$("$S/status.sh")" latency_tc
		like "$("$HM_BUILD/hookmap")" inner
		"$S/detach.sh" --all
		unattached
		[[ $name != */hidden ]] || kill $!
		wait $! || true
	done
}

@test "hostile: namespaces: a name with a newline is no row of what is written down" {
	local inode name
	ip netns add there
	inode=$(stat -L -c %i /run/netns/there)
	name=$'x\n7 '$inode' a[$(>x)] y'
	touch "/run/netns/$name"
	mount --bind /run/netns/there "/run/netns/$name"
	ip netns del there
	nsenter --net="/run/netns/$name" -- ip link add name inner type veth peer name other
	for i in 1 2; do "$S/attach.sh" --netns "$name" inner latency; done
	like "$("$S/status.sh")" latency_tc
	[[ ! -e x ]]
	umount "/run/netns/$name"
	rm "/run/netns/$name"
	"$S/detach.sh" --netns "$name" inner
	[[ ! -e x ]]
	unattached
}

@test "hostile: what else lies in /run/netns: a pipe, a folder, a device, a link to itself" {
	local name
	mkfifo /run/netns/pipe-host
	mkdir /run/netns/folder-host
	mknod /run/netns/device-host c 1 5
	ln -s itself-host /run/netns/itself-host
	touch $'/run/netns/a\n\e[7m-host'
	ip netns add there-host
	ip link add name over type veth peer name there netns there-host
	ip link set dev over up
	equal "$("$S/lab.sh" list)" $'a??[7m\nthere' labs
	equal "$("$S/lab.sh" list -j)" '["a\n\u001b[7m","there"]' 'labs, as JSON'
	for name in pipe folder device itself; do
		fails 1 'is not up' "$S/lab.sh" exec "$name" host true
		"$S/lab.sh" down "$name" 2>/dev/null
		fails 1 'no network namespace' "$S/attach.sh" --netns "$name-host" lo latency
		fails 1 'no network namespace' "$S/detach.sh" --netns "$name-host" lo
		fails 1 'no network namespace' "$S/attach.sh" --netns "/run/netns/$name-host" lo latency
		fails 1 'no network namespace' "$S/status.sh" --netns "$name-host" lo
	done
	equal "$(find /run/netns -maxdepth 1 -name '*-host' -printf x)" xxxxxx 'what lies there'
	# a veth whose peer is in one of them; what is attached in a namespace without a name
	"$S/attach.sh" over l2fwd policy latency 2>said
	"$S/attach.sh" --netns there-host there latency
	like "$("$S/status.sh")" 'in network namespace there-host: latency'
	"$HM_BUILD/hookmap" -j status | jq -e '.devices | length == 2' >/dev/null
	ip netns del there-host
	"$S/detach.sh" --all
	clean said
	equal "$(grep -c 'killed after' said || true)" 0 'commands that have waited'
	unattached
}

@test "hostile: a device with 64 kB of other names hides no name of any device from the reader" {
	ip netns add there
	ip link add name seen type veth peer name peer netns there
	ip -n there link set dev peer up
	"$S/attach.sh" --netns there peer latency
	ip -n there link set dev peer down
	ip -n there link set dev peer name called
	# (until the kernel has no room for another)
	awk 'BEGIN { for (i = 0; i < 600; i++) printf "link property add dev called altname %0120d\n", i }' | ip -n there -force -batch - 2>/dev/null || true
	(($(ip -n there -j link show dev called | wc -c) > 32768))
	equal "$("$HM_BUILD/hookmap" -j status | jq -r '.devices[].device')" called device
	"$S/detach.sh" --netns there peer
	unattached
	ip netns del there
}

@test "hostile: text in JSON and on the command line is refused in one line, and never run" {
	local text
	"$S/attach.sh" -- "${NAMES[0]}" l2fwd policy 2>/dev/null
	for text in "\`>x\`';>x;\"\\\$(>x)" $'a\nb\t\x01é' '* a[$(>x)] %s%n' "$(printf 'a%.0s' {1..300})"; do
		jq -n --arg t "$text" '{rules: [{id: $t, priority: 1, action: "drop"}]}' >f
		fails 1 "" "$S/policy.sh" load f
		jq -n --arg t "$text" '{rules: [{priority: 1, match: {src: $t}, action: "drop"}]}' >f
		jq -n --arg t "$text" '{rules: [{priority: $t, action: "drop"}]}' >f
		fails 1 "" "$S/policy.sh" load f
		jq -n --arg t "$text" '{nexthops: {($t): {dev: $t}}, rules: []}' >f
		fails 1 "" "$S/policy.sh" load f
		jq -n --arg t "$text" '{rules: [{priority: 1, match: {($t): 1}, action: {($t): 1}}]}' >f
		fails 1 "" "$S/policy.sh" load f
		printf '%s\n' "$text" >f
		fails 1 "" "$S/fdb.sh" load f
		fails 2 "" "$S/fdb.sh" -- add "$text" dev "${NAMES[0]}"
		fails 2 "" "$S/fdb.sh" -- add 02:00:00:00:00:01 dev "${NAMES[0]}" vlan "$text"
		fails 2 "" "$S/fdb.sh" -- acl "${NAMES[0]}" add 10 deny src "$text"
		fails 2 "" "$S/fdb.sh" -- port "${NAMES[0]}" storm "$text"
		fails 2 "" "$S/attach.sh" --filter "src $text" -- "${NAMES[0]}" latency
		fails 2 "" "$S/attach.sh" --sample "$text" -- "${NAMES[0]}" latency
		fails 1 "" "$S/attach.sh" -- "$text" latency
		fails 1 "" "$S/attach.sh" --netns "$text" -- "${NAMES[0]}" latency
		fails 2 "" "$HM_BUILD/hookmap" policy --explain "src=$text dst=$text"
	done
	equal "$(hookmap -j policy | jq .generation)" 0 "rule sets loaded"
	equal "$("$S/fdb.sh" dump)" "" entries
	"$S/detach.sh" -- "${NAMES[0]}"
	unattached
}

# say COMMAND...: what it says is kept in all that was said
SAID=0 CRASHED=''
say() {
	{
		printf '== %q ' "$@"
		printf '\n'
		timeout 120 "$@" </dev/null 2>&1 || (($? < 128)) || CRASHED+=" $*"
	} >>said
	SAID=$((SAID + 1))
}

@test "hostile: no output of any command has a control character of a name, and none runs one" {
	# (bash runs the subscript of a word that it computes with)
	local verbs dev=$'a[$(>x)]`>x`\e\xc2\x9b' ns=$'a[$(>x)]`>x`\e[7m\xc2\x9b\xff\n$(>x)' group=$HOOKMAP_CGROUP/$'a[$(>x)]`>x`\e[7m\xc2\x9b\xff' file=$'./a[$(>x)]`>x`\e\v\xc2\x9b\xff\n$(>x)' verb how dumped
	ip link add name "$dev" type veth peer name peer
	ip link set dev "$dev" up
	ip link set dev "$dev" alias $'\e[7m\v\xc2\x9b`>x`'
	touch "/run/netns/$ns"
	unshare --net bash -c 'mount --bind /proc/self/ns/net "$1"' - "/run/netns/$ns" || true
	nsenter --net="/run/netns/$ns" -- ip link add name "$dev" type veth peer name peer
	mkdir "$group"
	say "$S/attach.sh" -n -- "$dev" latency l2fwd policy
	say "$S/attach.sh" -v --sample 1 -- "$dev" latency l2fwd policy
	say "$S/attach.sh" -v --netns "$ns" -- "$dev" latency
	say "$S/attach.sh" -v --host drops path exec open napi pktlat
	# errors
	say "$S/attach.sh" -- "no$dev"
	say "$S/attach.sh" --netns "no$ns" -- "$dev"
	say "$S/attach.sh" --next "$file" -- "$dev" latency
	say "$S/attach.sh" "--$dev" x
	say "$S/attach.sh" --host exec --cgroup "$file"
	# a process, a file, a cgroup, packets
	cp "$(type -P true)" "$file"
	# shellcheck disable=SC2016
	bash -c 'echo $$ >"$2/cgroup.procs"; printf "a[\$(>x)]\e\xc2\x9b\140>x\140" >/proc/self/comm; cd "${1%/*}"; "$1" $'"'"'a\e\v\xc2\x9b\xff`>x`'"'"'; : <"$1"; : <"no$1"' - "$file" "$group" || true
	ip addr add 10.9.0.1/24 dev "$dev"
	ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev "$dev"
	ping -q -c 2 -i 0.01 -W 1 10.9.0.2 || true
	nsenter --net="/run/netns/$ns" -- ping -q -c 1 -W 1 127.0.0.1 || true
	# rules and entries
	say "$S/fdb.sh" -v -- add 02:00:00:00:00:07 dev "$dev"
	for verb in port acl guard; do
		say "$S/fdb.sh" -- "$verb" "$dev"
		say "$S/fdb.sh" -- "$verb" "no$dev"
	done
	say "$S/fdb.sh" -v -- acl "$dev" add 10 deny proto udp
	say "$S/fdb.sh" -v -- guard "$dev" add 02:00:00:00:00:07 10.9.0.2
	say "$S/fdb.sh" load "$file"
	dumped=$(script -qec "$(printf '%q ' "$S/fdb.sh" dump)" /dev/null | tr -d '\r')
	printf '%s\n' "$dumped" >>said
	jq -n --arg dev "$dev" --arg id $'r\u007f\u009b`>x`' '{nexthops: {h: {dev: $dev, via: "10.9.0.2"}}, rules: [{id: $id, priority: 1, match: {iif: $dev}, action: {redirect: "h"}}]}' >rules.json
	say "$S/policy.sh" -v load rules.json
	jq '.rules[0].id = "r`>x`"' rules.json >again.json
	say "$S/policy.sh" load again.json
	say "$S/policy.sh" show
	say "$S/policy.sh" diff rules.json
	say "$S/policy.sh" del "no$dev"
	say "$S/policy.sh" load "$file"
	tc filter add dev "$dev" ingress pref 1 protocol arp u32 match u32 0 0 2>/dev/null || true
	for how in '' --check -j '-j --check'; do
		# shellcheck disable=SC2086
		say "$S/status.sh" $how
		# shellcheck disable=SC2086
		say "$S/status.sh" $how -- "$dev"
	done
	say "$S/status.sh" --netns "$ns" -- "$dev"
	say "$S/run.sh" xdp/pass "$file"
	say "$S/run.sh" "$file" "$file"
	say "$S/run.sh" -v --dump "no$dev" xdp/pass "$HM_TOP/tests/packets/arp.hex"
	say "$S/plot.sh" --data stages
	say "$S/plot.sh" --data --device "$dev" percentiles
	say "$S/plot.sh" stages "$file"
	say "$S/lab.sh" list
	say "$S/lab.sh" list -j
	say "$S/lab.sh" down "no$ns"
	mkdir conf
	printf 'latency\n"%s"\n' "$dev" >"conf/$dev.conf"
	say "$S/service.sh" --config "$PWD/conf" -v start -- "$dev"
	say "$S/service.sh" --config "$PWD/conf" -v stop -- "no$dev"
	say "$S/clock.sh" --ptp "$file"
	say "$S/new.sh" xdp "$dev"
	say "$S/stat.sh" -c 1
	for verb in demo deps sandbox; do say "$S/$verb.sh" "$file"; done
	# (what it prints is the rule set)
	printf '*filter\nCOMMIT\n' >rules.v4
	for verb in "$file/x" rules.v4; do say "$S/saved.sh" "$verb"; done
	# all verbs that there are, and no verb
	mapfile -t verbs < <("$HM_BUILD/hookmap" --help | awk '/^$/ { blank++ } blank == 1 && NF { print $1 }')
	((${#verbs[@]} > 10))
	for verb in "${verbs[@]}" "$dev" "--$dev"; do
		for how in '' -j --pretty --prom --summary --hist '--buckets -j' --explain '--explain -j'; do
			[[ ! $verb =~ ^(exec|path|open|pktlat)$ ]] || how+=' --drain'
			# shellcheck disable=SC2086
			say timeout 3 "$HM_BUILD/hookmap" $how "$verb"
		done
	done
	say "$HM_BUILD/hookmap"
	say "$HM_BUILD/hookmap" -j
	say "$HM_BUILD/hookmap" latency --netns "$ns" --dev "$dev"
	for verb in netns device layer; do say "$HM_BUILD/hookmap" drops --sum "$verb"; done
	say "$HM_BUILD/hookmap" drops --since "$file"
	say "$HM_BUILD/hookmap" --prom --output "$file/x"
	for verb in check text tables; do
		say "$HM_BUILD/rules" "$verb" "$file" rules.json "$file" "$file"
		say "$HM_BUILD/rules" "$verb" --links "$file" "$file" rules.json
	done
	say "$HM_BUILD/hookmap" policy --explain "iif=$dev src=10.0.0.1 dst=10.9.0.2"
	# (the other ways of detach: -v, -n and hints)
	say "$S/detach.sh" -v --netns "$ns" -- "$dev"
	say "$S/detach.sh" -v --all
	clean said
	equal "$CRASHED" '' 'what a signal has ended'
	((SAID > 160))
	# each script was asked
	for how in "$S"/*.sh; do
		[[ $how == */lib.sh ]] || grep -qF "== $how " said
	done
	# the names were there to be seen
	(($(grep -acF '`>x`' said) > 50))
	equal "$(find /sys/fs/bpf/hookmap "$G" -type f 2>/dev/null)" '' pins
	rmdir "$group"
}
