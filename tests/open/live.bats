#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# open: every open counted, with its path, flags, mode and result

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# bats test_tags=vm
@test "open: 1000 opens of 2 processes are 1000 events" {
	host_attach open --cgroup "$HOOKMAP_CGROUP" --name calls
	"$HM_BUILD/tests/calls" openat 491 "$BATS_TEST_TMPDIR/none-a" &
	first=$!
	"$HM_BUILD/tests/calls" openat 509 "$BATS_TEST_TMPDIR/none-b" &
	second=$!
	wait "$first" "$second"
	events open 'select(.path | contains("none-"))' >"$BATS_TEST_TMPDIR/all"
	equal "$(wc -l <"$BATS_TEST_TMPDIR/all")" 1000 opens
	equal "$(jq -sc --argjson p "$first" '[.[] | select(.pid == $p and (.path | endswith("/none-a")) and .error == "ENOENT")] | length' "$BATS_TEST_TMPDIR/all")" 491 "first process"
	equal "$(jq -sc --argjson p "$second" '[.[] | select(.pid == $p and (.path | endswith("/none-b")) and .ret == -2)] | length' "$BATS_TEST_TMPDIR/all")" 509 "second process"
}

@test "open: flags, mode, result and path of each of the calls" {
	host_attach open --cgroup "$HOOKMAP_CGROUP" --name calls
	file=$BATS_TEST_TMPDIR/file
	for call in creat open openat openat2; do calls "$call" 1 "$file"; done
	calls relative 1 etc/hostname
	events open 'select(.path | contains("/file") or . == "etc/hostname" or . == "/") | [.call, .flags, .mode, .error, .dirfd]' >"$BATS_TEST_TMPDIR/all"
	run cat "$BATS_TEST_TMPDIR/all"
	equal "${lines[0]}" '["creat","O_WRONLY|O_CREAT|O_TRUNC","0640",null,null]'
	equal "${lines[1]}" '["open","O_WRONLY|O_APPEND",null,null,null]'
	equal "${lines[2]}" '["openat","O_RDONLY|O_CLOEXEC",null,null,null]'
	equal "${lines[3]}" '["openat2","O_RDWR|O_CREAT","0600",null,null]'
	equal "${lines[4]}" '["open","O_RDONLY|O_DIRECTORY|O_PATH",null,null,null]'
	like "${lines[5]}" '"openat","O_RDONLY",null,null,[0-9]'
	# an absolute path may start at a descriptor, too
	calls inroot 1 /etc/hostname
	calls relative 1 /etc/hostname
	equal "$(events open 'select(.path == "/etc/hostname") | [.dirfd > 2, .resolve]' | tr '\n' ' ')" \
		'[true,"RESOLVE_NO_SYMLINKS|RESOLVE_IN_ROOT"] [false,null] '
	calls inroot 1 /etc/hostname
	calls relative 1 etc/hostname
	run grep -oE '/?etc/hostname O.*' <<<"$(hookmap --drain open)"
	like "${lines[0]}" '/etc/hostname O_RDONLY dirfd=[0-9] RESOLVE_NO_SYMLINKS|RESOLVE_IN_ROOT'
	like "${lines[1]}" 'etc/hostname O_RDONLY dirfd=[0-9]'
	calls openat 1 "$file"
	equal "$(events open 'select(.path | endswith("/file")) | .ret > 2')" true descriptor
}

# bats test_tags=vm
@test "open, exec: a call that seccomp refuses with a signal has neither descriptor nor errno" {
	host_attach open exec --cgroup "$HOOKMAP_CGROUP" --name calls
	calls trapped 7 /bin/true
	(ulimit -c 0 && ! calls killed 1 /bin/false)
	events open 'select(.path | IN("/bin/true", "/bin/false")) | [.path, .ret, .error]' | sort | uniq -c >"$BATS_TEST_TMPDIR/all"
	equal "$(tr -s ' \n' ' ' <"$BATS_TEST_TMPDIR/all")" ' 1 ["/bin/false",-4096,"SIGSYS"] 7 ["/bin/true",-4096,"SIGSYS"] '
	events exec 'select(.file == "/bin/true") | [.event, .ret, .error]' | uniq -c >"$BATS_TEST_TMPDIR/all"
	equal "$(tr -s ' \n' ' ' <"$BATS_TEST_TMPDIR/all")" ' 7 ["failed",-4096,"SIGSYS"] '
}

@test "open: a long path is cut and marked, an unreadable one is shown without" {
	host_attach open --cgroup "$HOOKMAP_CGROUP" --name calls
	printf -v long '%600s' x
	calls openat 1 "/${long// /p}"
	events open 'select(.path_cut) | (.path | length), .error' >"$BATS_TEST_TMPDIR/all"
	equal "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/all")" '511 "ENAMETOOLONG" '
	calls null 3 x
	equal "$(count open '.path == null and .error == "EFAULT"')" 3 EFAULT
	# openat2, whose struct cannot be read: the flags are not known
	calls short 5 /none
	run hookmap -j --drain open
	equal "$(grep -c '"path":"/none"' <<<"$output")" 5 "short struct"
	equal "$(jq -c 'select(.path == "/none") | [.call, .error, .flags, .mode]' <<<"$output" | sort -u)" '["openat2","EINVAL",null,null]'
	calls short 1 /none
	grep -q 'EINVAL  /none ?$' <<<"$(hookmap --drain open)"
	calls openat 1 $'/no\n\xff"'
	hookmap -j --drain open >"$BATS_TEST_TMPDIR/odd"
	equal "$(jq -c 'select(.path_hex) | .path, .path_hex' "$BATS_TEST_TMPDIR/odd" | tr '\n' ' ')" '"/no\n�\"" "2f6e6f0aff22" ' "odd bytes"
	# text: as a shell would have it, whole or cut
	calls openat 1 $'/no\n\xff"'
	calls openat 1 '/no ne'
	calls openat 1 '/none...'
	calls openat 1 ''
	for n in 511 512; do calls openat 1 "$(printf "%$((n - 4))s" '' | tr ' ' /)none"; done
	hookmap --drain open | grep -o " [^ ]*ENOENT.*" | grep -e no -e "''" >"$BATS_TEST_TMPDIR/text"
	equal "$(sed -E 's,/{99}/*,//,; s/ O_.*//; s/ *ENOENT  //' "$BATS_TEST_TMPDIR/text" | tr '\n' '|')" \
		"\$'/no\\n\\xff\"'|'/no ne'|'/none...'|''|//none|//non...|"
}

@test "open: --drain ends, and so does a reader that is told to, however fast events come" {
	local flood status=0
	host_attach open --cgroup "$HOOKMAP_CGROUP" --name calls
	"$HM_BUILD/tests/calls" openat 100000000 /none 3>&- &
	flood=$!
	busywait 5 bash -c "'$HM_BUILD/hookmap' --drain open | grep -q /none"
	# whoever takes the lines is slower than the calls
	slowly() { while IFS= read -r -N 65536 -d ''; do read -r -t 0.01 <>"$BATS_TEST_TMPDIR/never" || true; done; }
	mkfifo "$BATS_TEST_TMPDIR/never"
	timeout -k 1 20 "$HM_BUILD/hookmap" -j --drain open 3>&- | slowly
	equal "${PIPESTATUS[0]}" 0 "exit status of --drain"
	reader -j open
	busywait 5 test -s "$OUT"
	reader_stop || status=$?
	equal "$status" 0 "exit status"
	kill "$flood"
}

@test "open: filters by user, process, name and cgroup" {
	host_attach open --cgroup "$HOOKMAP_CGROUP" --name calls --uid 4711
	calls openat 5 /none
	equal "$(count open '.path == "/none"')" 0 "another user"
	setpriv --reuid 4711 "$HM_BUILD/tests/calls" openat 7 /none
	equal "$(count open '.path == "/none" and .uid == 4711')" 7 "this user"
	host_attach open --uid any --pid $$
	calls openat 5 /none
	equal "$(count open '.path == "/none"')" 0 "a child"
	host_attach open --name any
	: 3</dev/null
	: 3</dev/null
	equal "$(count open '.path == "/dev/null" and .pid == '$$)" 2 "this process"
}

@test "open: 250 000 opens: those shown and those lost are all" {
	host_attach open --cgroup "$HOOKMAP_CGROUP" --name calls
	calls openat 250007 /none
	hookmap -j --drain open | tail -n 1 >"$BATS_TEST_TMPDIR/end"
	# and what its start opens: the loader's files
	calls openat 0 /none
	start=$(count open)
	equal "$(jq '.lost_before > 0' "$BATS_TEST_TMPDIR/end")" true "lost some"
	equal "$(jq '.events + .lost_before' "$BATS_TEST_TMPDIR/end")" "$((250007 + start))" "shown and lost"
	# nothing is lost while somebody reads: more than the buffer holds, bit by bit
	reader -j open
	for part in 1 2 3; do
		calls openat 50021 "/none-$part"
		busywait 60 bash -c "[[ \$(grep -c '/none-$part' '$OUT') == 50021 ]]"
	done
	reader_stop
	equal "$(tail -n 1 "$OUT" | jq .lost)" 0 "lost"
}

@test "open: attaching twice is the same, both tools share the host, detach leaves nothing" {
	host_attach open exec --cgroup "$HOOKMAP_CGROUP" --name calls
	host_attach open
	calls openat 3 /none
	equal "$(count open '.path == "/none"')" 3 opens
	equal "$(count exec)" 2 "exec and exit"
	host_detach exec
	calls openat 3 /none
	equal "$(count open '.path == "/none"')" 3 "opens still"
	run hookmap exec
	equal "$status" 1
	host_detach
	host_nothing_left
	# unprivileged: one clear line
	host_attach open --name calls --cgroup "$HOOKMAP_CGROUP"
	run setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$HM_SHIPPED/hookmap" open
	equal "$status" 1
	one_line "$output"
	like "$output" "root"
}
