#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Who may do and read what (README, "Security"): an unprivileged user, modes of pins and
# files, names of temporary files, how the reader was built.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
bats_require_minimum_version 1.5.0

@test "security: a user without privileges changes nothing and reads nothing" {
	local verb script
	lab_up
	for_users
	attach eth0 latency l2fwd policy 2>/dev/null
	attach --host drops path exec open napi pktlat
	# even if the bpf filesystem is everybody's to enter: the folders below it are not
	for mode in 700 755; do
		chmod "$mode" /sys/fs/bpf
		for verb in latency drops policy fdb exec open path napi pktlat status; do
			fails 1 root nobody /mnt/build/hookmap "$verb"
		done
	done
	for script in 'attach.sh eth0' 'attach.sh --host drops' 'detach.sh eth0' 'detach.sh --host' 'status.sh' \
		'fdb.sh flush' 'policy.sh flush' 'policy.sh show'; do
		# shellcheck disable=SC2086
		fails 1 "must be root" nobody /mnt/scripts/$script
	done
	# what needs no privilege: help, a check of rules
	nobody /mnt/build/hookmap --help >/dev/null
	(($(nobody /mnt/build/hookmap drops --reasons | wc -l) > 50))
	nobody /mnt/scripts/attach.sh --help >/dev/null
	printf '{"rules":[{"priority":1,"action":"drop"}]}' | nobody /mnt/scripts/policy.sh check -
	equal "$(hookmap -j status | jq -c '[.devices[].device] | sort')" '["eth0","host"]' "what is attached"
	detach --host
	detach eth0
	nothing_left
}

@test "security: pins and their folders are root's alone, whatever the umask" {
	lab_up
	umask 000
	chmod 755 /sys/fs/bpf
	attach eth0 latency l2fwd policy 2>/dev/null
	attach --host drops path exec open napi pktlat
	equal "$(
		find /sys/fs/bpf -mindepth 1 -path '*/tc*' -type d ! -perm 700
		find /sys/fs/bpf/hookmap -type d ! -perm 700
	)" "" "folders"
	equal "$(find /sys/fs/bpf/tc /sys/fs/bpf/hookmap -type f ! -perm 600)" "" "pins"
	equal "$(find /sys/fs/bpf/tc /sys/fs/bpf/hookmap ! -user root -o ! -group root)" "" "owners"
	(($(find /sys/fs/bpf/tc /sys/fs/bpf/hookmap -type f | wc -l) > 60))
	detach --host
	detach eth0
}

@test "security: a bpf filesystem that is open to all: what others put there is refused by name, and root's is root's" {
	local place
	lab_up
	umount /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
	equal "$(stat -c %a /sys/fs/bpf)" 1777 "mode"
	for place in tc tc/globals hookmap hookmap/drops; do
		nobody mkdir -p "/sys/fs/bpf/$place"
		fails 1 "belongs to user 65534" attach --host drops exec
		fails 1 "belongs to user 65534" attach eth0 latency
		fails 1 "belongs to user 65534" detach --host
		rm -rf /sys/fs/bpf/tc /sys/fs/bpf/hookmap
	done
	# root's folder, but others may write, or another's link
	mkdir -m 777 /sys/fs/bpf/tc
	fails 1 "mode 777" attach --host drops
	rmdir /sys/fs/bpf/tc
	nobody ln -s /root /sys/fs/bpf/hookmap
	fails 1 "/sys/fs/bpf/hookmap is not a readable directory" attach --host drops
	rm -rf /sys/fs/bpf/hookmap /sys/fs/bpf/tc
	# root first: nobody else's any more
	attach --host drops
	attach eth0 latency 2>/dev/null
	run ! nobody rm -rf /sys/fs/bpf/tc/globals/drop_row
	run ! nobody mv /sys/fs/bpf/tc /sys/fs/bpf/x
	run ! nobody mkdir /sys/fs/bpf/hookmap/exec
	equal "$(find /sys/fs/bpf/tc /sys/fs/bpf/hookmap ! -user root -o -type d ! -perm 700)" "" "folders"
	# a folder alone is not a feature that is loaded
	rm -rf /sys/fs/bpf/hookmap/drops/*
	attach --host drops exec
	bpftool -j link show pinned /sys/fs/bpf/hookmap/drops/drops_skb | grep -q '"id"'
	bpftool -j link show pinned /sys/fs/bpf/hookmap/exec/exec_done | grep -q '"id"'
	detach --host
	detach eth0
	nothing_left
}

@test "security: what lies in directories of others is not shown as ours, by any script or verb" {
	local dir how verb b=/sys/fs/bpf owner mode
	lab_up
	attach eth0 latency l2fwd policy 2>/dev/null
	attach --host drops path exec open napi pktlat
	chmod 1777 "$b"
	on host "$HM_TOP/scripts/status.sh" | grep -q latency_xdp
	printf '{"rules":[{"priority":1,"action":"pass"}]}' >"$BATS_TEST_TMPDIR/rules"
	for dir in "$b" "$b/tc" "$b/tc/globals" "$b/hookmap"; do
		owner=$(stat -c %u "$dir") mode=$(stat -c %a "$dir")
		for how in 'chmod 777' 'chmod 720' 'chown 65534'; do
			# who owns the whole was given it
			[[ $dir$how != "$b"chown* ]] || continue
			$how "$dir"
			for verb in latency drops policy fdb exec open path napi pktlat status progs '--prom latency' '--prom drops' '-j status'; do
				# shellcheck disable=SC2086
				run --separate-stderr hookmap $verb
				equal "$status" 1 "status of hookmap $verb, after $how $dir"
				equal "$(grep -cE "^(hookmap|status.sh): $dir belongs to user " <<<"$stderr")" 1 "errors of hookmap $verb, after $how $dir: $stderr"
				[[ $verb == -j* ]] || equal "$output" '' "hookmap $verb, after $how $dir"
			done
			for verb in status.sh 'status.sh -j' 'status.sh --check eth0' 'fdb.sh dump' 'fdb.sh flush' 'policy.sh show' \
				"policy.sh check $BATS_TEST_TMPDIR/rules" 'clock.sh' 'detach.sh eth0' 'attach.sh eth0'; do
				# shellcheck disable=SC2086
				fails 1 "$dir belongs to user " on host "$HM_TOP/scripts/"$verb
			done
			chown "$owner" "$dir"
			chmod "$mode" "$dir"
		done
	done
	# a link to somewhere else
	mv "$b/tc/globals" "$b/tc/x"
	ln -s x "$b/tc/globals"
	run ! hookmap drops
	fails 1 "$b/tc/globals is not a readable directory" on host "$HM_TOP/scripts/status.sh"
	rm "$b/tc/globals"
	mv "$b/tc/x" "$b/tc/globals"
	hookmap drops >/dev/null
	detach --host
	detach eth0
	nothing_left
}

@test "security: who may look at the bpf filesystem, but is not root, cannot hold the lock" {
	local mode pid
	lab_up
	for mode in 755 1777; do
		chmod "$mode" /sys/fs/bpf
		attach eth0 policy
		# whatever can be opened, is
		nobody bash -c 'while read -r f; do exec {fd}<"$f" && flock -n "$fd"; done < <(find /sys/fs/bpf 2>/dev/null); echo held; sleep 30' >"$BATS_TEST_TMPDIR/held" 2>/dev/null 3>&- &
		pid=$!
		busywait 10 grep -q held "$BATS_TEST_TMPDIR/held"
		timeout 50 nsenter --net="/run/netns/$LAB-host" -- "$HM_TOP/scripts/detach.sh" eth0
		kill "$pid"
		wait "$pid" || true
	done
	nothing_left
}

@test "security: who does not read what a script says cannot hold the lock" {
	local pid cat command full said=$BATS_TEST_TMPDIR/said
	local commands=('attach.sh -v n0 l2fwd' 'fdb.sh -v add 02:00:00:00:00:01 dev n0' 'fdb.sh -v port n0 mode trunk 1-5' 'detach.sh -v n0')
	declare -A lines
	ip link add n0 type veth peer name n1
	for command in "${commands[@]}"; do
		# shellcheck disable=SC2086
		"$HM_TOP/scripts/"$command 2>"$said"
		lines[$command]=$(grep -c '^+ ' "$said")
	done
	# (looked at from outside: one who tries to take it can be in the way)
	locked() { grep -q "FLOCK .*:$(stat -c %i /sys/fs/bpf/tc/_lock) " /proc/locks; }
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec {full}<>"$BATS_TEST_TMPDIR/pipe"
	for command in "${commands[@]}"; do
		dd if=/dev/zero bs=4096 count=16 status=none >&"$full"
		# shellcheck disable=SC2086
		"$HM_TOP/scripts/"$command >&"$full" 2>&1 3>&- &
		pid=$!
		# it takes the lock, gives it back, and waits
		busywait 20 locked
		busywait 20 eval '! locked'
		sleep 1
		flock -n /sys/fs/bpf/tc/_lock true
		kill -0 "$pid"
		# all that it had to say, once
		cat <&"$full" >"$said" 3>&- &
		cat=$!
		wait "$pid"
		said_all() { (($(grep -ac '+ ' "$said") >= lines[$command])); }
		busywait 10 said_all
		kill "$cat"
		equal "$(tr -d '\0' <"$said" | grep -c '^+ ')" "${lines[$command]}" "$command"
	done
	exec {full}>&-
	nothing_left
}

@test "security: the reader and the scripts run nothing from outside their own tree" {
	local d=$BATS_TEST_TMPDIR
	mkdir -p "$d/out" "$d/scripts" "$d/bin" "$d/src/hookmap" "$d/tree/build" "$d/tree/scripts"
	printf '#!/bin/sh\necho ran >>"%s/ran"\n' "$d" >"$d/scripts/attach.sh"
	chmod +x "$d/scripts/attach.sh"
	cp "$HM_SHIPPED/hookmap" "$d/out"
	fails 2 "attach: unknown verb" "$d/out/hookmap" attach lo
	# a tree that was not built, with something beside it that has the reader's name
	cp -r "$HM_TOP/scripts" "$d/src/hookmap"
	cp "$d/scripts/attach.sh" "$d/bin/hookmap"
	run env HOOKMAP_OBJ="$d/none" PATH="$PATH" "$d/src/hookmap/scripts/plot.sh" --data stages
	((status))
	[[ ! -e $d/ran ]]
	# in a folder named build, it is ours
	cp "$HM_SHIPPED/hookmap" "$d/tree/build"
	cp "$d/scripts/attach.sh" "$d/tree/scripts"
	"$d/tree/build/hookmap" attach lo
	equal "$(cat "$d/ran")" ran
}

@test "security: --out and -o replace a link, and do not follow it" {
	local d=$BATS_TEST_TMPDIR
	cd "$d"
	echo precious >precious
	ln -s precious out.hex
	"$HM_TOP/scripts/run.sh" xdp/pass "$HM_TOP/tests/packets/arp.hex" --out out.hex >/dev/null
	[[ ! -L out.hex && -s out.hex ]]
	equal "$(stat -c %a out.hex)" 644 mode
	fails 1 "not a regular file" "$HM_TOP/scripts/run.sh" xdp/pass "$HM_TOP/tests/packets/arp.hex" --out /dev/null
	if command -v gnuplot >/dev/null; then
		ln -s precious out.svg
		printf '{"rows":[{"layer":"ip","reason":"X","device":"d","netns":"n","packets":7}]}\n' >drops.json
		"$HM_TOP/scripts/plot.sh" -o out.svg drops drops.json
		[[ ! -L out.svg ]]
		like "$(<out.svg)" '<svg'
	fi
	equal "$(cat precious)" precious
	equal "$(find . -name '.hookmap*')" '' "left"
}

@test "security: --out: whoever owns the folder cannot have another file written" {
	local i pid
	mkdir -m 777 "$BATS_TEST_TMPDIR/theirs"
	cd "$BATS_TEST_TMPDIR/theirs"
	echo precious >../precious
	chmod 600 ../precious
	# a link in the place of whatever comes, while it is written and before it has its name
	save() { bash -c '. "$0/lib.sh"; { until ln -sfT ../precious "$(find . -name ".hookmap.*")" 2>/dev/null; do :; done; echo data; } | save out' "$HM_TOP/scripts"; }
	save
	equal "$(stat -c %a ../precious) $(<../precious)" '600 precious'
	# and at any moment
	rm -f out
	bash -c 'shopt -s nullglob; while :; do for f in .hookmap.*; do [[ -L $f ]] || ln -sfT ../precious "$f"; done; done' 2>/dev/null 3>&- &
	pid=$!
	for i in {1..30}; do
		bash -c '. "$0/lib.sh"; echo data | save out' "$HM_TOP/scripts" 2>/dev/null || true
		equal "$(stat -c %a ../precious) $(<../precious)" '600 precious'
	done
	kill "$pid"
	wait "$pid" || true
}

all_scripts() { find "$HM_TOP/scripts" -type f ! -name '*.[0-9]' ! -path '*/prometheus/*' -exec grep -lE '^#!.*sh|^# shellcheck shell' {} +; }

@test "security: no program is put together of words: awk, jq, gnuplot, sh and completion get them as values" {
	local files
	mapfile -t files < <(all_scripts)
	# a program in double quotes that has an expansion; compgen -W
	found() {
		grep -nE '(^|[^A-Za-z_])(awk|jq|perl|python3?)([[:space:]]+-[a-eg-zA-KM-Z]+)*[[:space:]]+"[^"]*\$|(^|[^A-Za-z_])(bash|sh)[[:space:]]+-[a-z]*c[[:space:]]+"[^"$]+\$|compgen[^|;]*-W|awk .*-v (dev|name|hint|text)=' "$@" |
			grep -vE '^([^:]*:)?[0-9]+:[[:space:]]*#' || true
	}
	equal "$(found "${files[@]}")" '' "programs with words in them"
	printf '%s\n' 'awk "BEGIN { print $x }"' 'ls | jq -r ".[$x]"' 'bash -ec "ip link; $1"' 'compgen -W "$list" -- "$cur"' 'awk -v dev="$1" 1' >"$BATS_TEST_TMPDIR/bad"
	equal "$(found "$BATS_TEST_TMPDIR/bad" | wc -l)" 5 "found"
	# nor is the name of a device an option of what its unit runs
	equal "$(grep -hE '^Exec.*%[iI]' "$HM_TOP"/scripts/systemd/* | grep -c -- ' -- %I$') $(grep -hcE '^Exec.*%[iI]' "$HM_TOP"/scripts/systemd/hookmap@.service)" '3 3' 'units of devices'
}

@test "security: programs of sed and gnuplot have no words of others in them" {
	local files
	mapfile -t files < <(all_scripts)
	# numbers, hexadecimal bytes, programs of our own, root's own paths, and what was looked at (new.sh), names of features
	local ours='DEV_NSID|NETNS_INODE|1|2|MAC\[\*\]|GLOBALS|table|CLEAN_SED|JSON_SED|CARRY_SED|NAMED_SED|HOOK|FROM|NAME|SUFFIX|feature'
	seds() {
		grep -hoE '(^|[^A-Za-z_])sed([[:space:]]+-[a-zA-Z]+)*[[:space:]]+"[^"]*"([[:space:]]+-e[[:space:]]+"[^"]*")*' "$@" | grep -oE '\$\{?[A-Za-z0-9_]+(\[[^]]*\])?|\$\(' | tr -d '${' | grep -vxE "$ours" || true
	}
	equal "$(seds "${files[@]}")" '' "words in programs of sed"
	printf '%s\n' 'sed -n "s/$name//p"' 'x | sed "s|^|${dev}|"' 'sed -e "s/$(cat f)//"' 'sed "s/$DEV_NSID//"' >"$BATS_TEST_TMPDIR/bad"
	equal "$(seds "$BATS_TEST_TMPDIR/bad" | wc -l)" 3 "found"
	# what gnuplot reads between quotes comes from gnuplot_text
	plots() { grep -nE "(title|output|set label|tics|plots|file)[^#]*['\"]+[^\$]*'[^']*\\\$\{?(name|line|title|file|device|netns|reason|text)\b|title \\\\?[\"']\\\$" "$@" || true; }
	equal "$(plots "$HM_TOP/scripts/plot.sh")" '' "names in programs of gnuplot"
	printf '%s\n' 'plots+="x title \"$line\""' "plots+=\"x title '\$line'\"" >"$BATS_TEST_TMPDIR/bad"
	equal "$(plots "$BATS_TEST_TMPDIR/bad" | wc -l)" 2 "found"
}

@test "security: scripts compute with no words of others: bash runs what stands in the subscript of one" {
	local files
	mapfile -t files < <(all_scripts)
	# what holds names and texts, in every script
	local texts='names?|devs?|devices?|netns|lines?|text|title|file|path|comm|raw|json|out|OUT|output|IFNAME|DEV_NAME|NAME|MASTER|SLAVE|KIND|NS|NETNS|what|next|who|rest|cgroup|upper|alias|kind|proto'
	computed() {
		local maps
		# (the keys of associative arrays are not computed)
		maps=$(grep -hoE '(declare|local) -g?A .*' "$@" | grep -oE '[A-Za-z_0-9]+' | sort -u | paste -sd'|')
		{
			grep -hoE '\(\(([^()]|\([^()]*\))*\)\)' "$@" | sed -E 's/\$?\{#[^}]*\}//g; s/\$\([^()]*\)//g; s/"[^"]*"//g'
			grep -hoE '[^ ]+ -(eq|ne|lt|le|gt|ge) [^ ]+' "$@"
			grep -hoE '(-v|unset|read( -[a-z]+)*|printf -v) "?[A-Za-z_]+\[[^] ]*\$[^]]*\]' "$@"
			grep -hoE '[A-Za-z_][A-Za-z_0-9]*\[\$\{?[A-Za-z_]+[]}]' "$@" | grep -vE "^($maps)\["
		} | grep -oE '[A-Za-z_][A-Za-z_0-9]*' | grep -xE "$texts" || true
	}
	equal "$(computed "${files[@]}")" '' 'words in arithmetic'
	printf '%s\n' 'local -A m' '((name > 1))' 'x=$((2 * ($dev + 1)))' '[[ $line -gt 1 ]]' 'list[$title]=1' 'printf -v "list[$file]" x' '[[ -v m[$path] ]]' \
		'm[$kind]=1' '((${#text}))' '(($(count "$out")))' >"$BATS_TEST_TMPDIR/bad"
	equal "$(computed "$BATS_TEST_TMPDIR/bad" | xargs)" 'name dev line file path title file' 'found'
}

@test "security: what is installed is nobody else's to write, and nothing is setuid" {
	umask 000
	make -s -C "$HM_TOP" install DESTDIR="$BATS_TEST_TMPDIR/root" O="$HM_SHIPPED" >/dev/null
	equal "$(find "$BATS_TEST_TMPDIR/root/usr" ! -type l ! -type d -perm /6022)" "" "files"
	(($(find "$BATS_TEST_TMPDIR/root/usr" -type f | wc -l) > 50))
}

@test "security: scripts have no eval, no temporary file of a known name, and give no one a right to write" {
	local files
	mapfile -t files < <(all_scripts)
	found() { grep -nE "$1" "${files[@]}" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*#' || true; }
	equal "$(found '(^|[^A-Za-z_.-])eval([^A-Za-z_]|$)')" "" "eval"
	equal "$(found '(>|touch|mkdir|tee|mkfifo|cp|mv)[^|;]* "?(/tmp|/var/tmp|/dev/shm|\$\{?TMPDIR)')" "" "files of a known name"
	equal "$(found '>>? ?"?\$\{?[A-Za-z_]+\}?"?\.[A-Za-z]')" "" "names made of another file's"
	equal "$(found 'mktemp.*-u|tempfile')" "" "names without a file"
	equal "$(found 'chmod ([ago]*[oa][ugoa]*)?\+[rwx]*w|chmod 0?[0-7]*[2367]( |$)|chmod 0?[0-7][2367][0-7]( |$)|umask 0*[01]?[0-7]?[0145]( |$)')" "" "rights"
	# the patterns find what they should
	printf 'eval "$x"\necho 1 >/tmp/x.$$\nf=$(mktemp -u)\nchmod 666 f\nchmod a+w f\n: >"$f.new"\n' >"$BATS_TEST_TMPDIR/bad"
	files=("$BATS_TEST_TMPDIR/bad" /dev/null)
	equal "$(found '(^|[^A-Za-z_.-])eval([^A-Za-z_]|$)' | wc -l)" 1 "eval found"
	equal "$(found '(>|touch|mkdir|tee|mkfifo|cp|mv)[^|;]* ?"?(/tmp|/var/tmp|/dev/shm|\$\{?TMPDIR)' | wc -l)" 1 "known name found"
	equal "$(found '>>? ?"?\$\{?[A-Za-z_]+\}?"?\.[A-Za-z]' | wc -l)" 1 "name made of another found"
}

@test "security: each promise of README names tests that there are" {
	local row item suite n=0
	[[ -e $HM_TOP/README.md ]]
	while IFS= read -r row; do
		suite=
		while IFS= read -r item; do
			# `suite`, `suite`: what is in the name of a test; the same suite; `make target`
			while [[ $item =~ ^\`([a-z0-9_/]+\.bats)\`(:\ |,\ |)(.*)$ ]]; do
				suite=$HM_TOP/tests/${BASH_REMATCH[1]} item=${BASH_REMATCH[3]}
				[[ -e $suite ]] || equal "$suite" 'a suite' "$row"
				n=$((n + 1))
			done
			if [[ $item =~ ^\`make\ ([a-z-]+)\`$ ]]; then
				grep -q "^${BASH_REMATCH[1]}:" "$HM_TOP/Makefile" || equal "$item" 'a target' "$row"
			elif [[ -n $item ]]; then
				grep '^@test' "$suite" | grep -qiF -- "$item" || equal "$item" "part of a test's name in $suite" "$row"
				n=$((n + 1))
			fi
		done <<<"${row//; /$'\n'}"
		[[ -n $suite ]]
	done < <(sed -n '/^## Security/,/^## How/ s/^| .* | \([^|]*\) |$/\1/p' "$HM_TOP/README.md" | grep -vxE 'test|---')
	((n > 30))
}

@test "security: the reader is built to resist: PIE, RELRO, BIND_NOW, no executable stack, canaries, fortified" {
	local elf
	skip_without readelf command -v readelf
	elf=$(readelf -hldW "$HM_SHIPPED/hookmap")
	like "$elf" "Type: * DYN"
	like "$elf" "GNU_RELRO"
	[[ $elf =~ Flags:.*PIE ]]
	[[ $elf =~ (BIND_NOW|Flags:\ *NOW) ]]
	[[ $elf =~ GNU_STACK\ .*\ RW\  ]]
	[[ ! $elf =~ (TEXTREL|RPATH|RUNPATH) ]]
	elf=$(readelf --dyn-syms -W "$HM_SHIPPED/hookmap")
	like "$elf" "__stack_chk_fail"
	like "$elf" "__snprintf_chk"
}
