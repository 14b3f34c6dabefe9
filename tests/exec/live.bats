#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# exec: every exec counted, with its arguments, result and exit

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../trace.bash"

# bats test_tags=vm
@test "exec: 23 execs are 23 events and 23 exits, with arguments and parent" {
	cp /usr/bin/seq "$BATS_TEST_TMPDIR/hm-seq"
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name hm-seq
	for i in {1..23}; do "$BATS_TEST_TMPDIR/hm-seq" "$i" "a b" 2>/dev/null || true; done
	events exec >"$BATS_TEST_TMPDIR/all"
	run jq -s '[.[] | select(.event == "exec")] | length' "$BATS_TEST_TMPDIR/all"
	equal "$output" 23 execs
	run jq -s '[.[] | select(.event == "exit" and .code == 1 and .run_ns > 0)] | length' "$BATS_TEST_TMPDIR/all"
	equal "$output" 23 exits
	run jq -s '[.[] | select(.event == "exec") | .args[1:] == [(.args[1]), "a b"]] | all' "$BATS_TEST_TMPDIR/all"
	equal "$output" true arguments
	run jq -rs '[.[] | select(.event == "exec") | .args[1] | tonumber] | sort == [range(1; 24)]' "$BATS_TEST_TMPDIR/all"
	equal "$output" true "each once"
	run jq -rs '[.[].ppid] | unique | length' "$BATS_TEST_TMPDIR/all"
	equal "$output" 1 "one parent"
	# pids agree between exec and exit
	run jq -rs 'map(.pid) | group_by(.) | map(length) | unique | tostring' "$BATS_TEST_TMPDIR/all"
	equal "$output" "[2]" "events a process"
}

@test "exec: failed calls have their error, also execveat; a thread's exec is the process'" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP"
	calls exec-fail 7 /no/such/file
	equal "$(count exec '.event == "failed" and .error == "ENOENT" and .ret == -2 and .file == "/no/such/file" and .args == ["/no/such/file", "argument"]')" 7 ENOENT
	run calls exec-fail 1 /etc
	calls execveat /no/such/file x || true
	calls execveat /etc x || true
	calls execveat /bin/true x
	calls thread-exec /bin/true y
	events exec >"$BATS_TEST_TMPDIR/all"
	run jq -sc '[.[] | select(.event == "failed") | .error]' "$BATS_TEST_TMPDIR/all"
	equal "$output" '["EACCES","EBADF","EACCES"]' failed
	run jq -sc '[.[] | select(.event == "exec" and (.args[0] == "/bin/true")) | .args[1], (.file | startswith("/dev/fd/"))]' "$BATS_TEST_TMPDIR/all"
	equal "$output" '["x",true,"y",false]' "execs of true"
	run jq -sc '[.[] | select(.event == "exec" and (.args[1] == "y" or .args[1] == "thread-exec")) | .pid] | unique | length' "$BATS_TEST_TMPDIR/all"
	equal "$output" 1 "pid of the thread's process"
	run jq -sc '[.[] | select(.event == "exit" and .name == "true")] | length' "$BATS_TEST_TMPDIR/all"
	equal "$output" 2 exits
}

@test "exec: a failed call by descriptor names it, and a check is no exec" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name calls
	mkdir "$BATS_TEST_TMPDIR/dir"
	calls execveat "$BATS_TEST_TMPDIR/dir" x || true
	calls execveat-in "$BATS_TEST_TMPDIR/dir" none || true
	calls execveat-in "$BATS_TEST_TMPDIR/dir" /none || true
	calls execveat-in /none none || true
	calls check /etc x || true
	calls check /bin/true x || true
	events exec 'select(.event == "failed") | [.file, .error]' >"$BATS_TEST_TMPDIR/all"
	equal "$(sed -E 's,/fd/[0-9]+,/fd/N,' "$BATS_TEST_TMPDIR/all" | tr '\n' ' ')" \
		'["/dev/fd/N","EACCES"] ["/dev/fd/N/none","ENOENT"] ["/none","ENOENT"] ["/dev/fd/-1/none","EBADF"] '
}

@test "exec: long argument lists are cut and marked, odd bytes are valid JSON" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name true
	calls many-args 500 /bin/true
	/bin/true $'new\nline' $'quote"back\\' $'\xff\xfe' 'ä€'
	events exec 'select(.event == "exec")' >"$BATS_TEST_TMPDIR/all"
	run jq -sc '.[0] | .args_cut, (.args | length > 50), (.args[1])' "$BATS_TEST_TMPDIR/all"
	equal "${lines[*]}" 'true true "argument-1"' cut
	run jq -sc '.[1] | .args_cut, .args[1:]' "$BATS_TEST_TMPDIR/all"
	equal "${lines[*]}" 'null ["new\nline","quote\"back\\","��","ä€"]' "odd bytes"
	# text cannot move the cursor or look like a second line
	/bin/true $'\e[2Jx' $'a\nb'
	run hookmap --drain exec
	grep -qF "/bin/true \$'\\x1b[2Jx' \$'a\\nb'" <<<"$output"
	# nor by U+009B, which is an escape and a bracket in one
	/bin/true $'\xc2\x9b2J'
	run hookmap --drain exec
	grep -qF "/bin/true \$'\\xc2\\x9b2J'" <<<"$output"
}

@test "exec: exit codes, signals and run times" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name bash
	bash -c 'exit 41' || true
	bash -c 'kill -TERM $$' || true
	bash -c 'read -t 0.2 <> <(:)' || true # 142
	events exec 'select(.event == "exit") | [.code, .signal_name, .run_ns]' >"$BATS_TEST_TMPDIR/all"
	equal "$(jq -c '[.[0], .[1]]' "$BATS_TEST_TMPDIR/all" | grep -v '^\[0,' | tr '\n' ' ')" '[41,null] [null,"SIGTERM"] [142,null] '
	# at least as long as it slept
	equal "$(jq -c 'select(.[0] == 142) | .[2] > 200000000' "$BATS_TEST_TMPDIR/all")" true "run time"
}

@test "exec: a cgroup that was made again is not the one of the filter: the reader says so, and ends" {
	local status=0 into=(bash -c 'echo $$ >"$0"/inner/cgroup.procs; exec /bin/true' "$HOOKMAP_CGROUP")
	mkdir "$HOOKMAP_CGROUP/inner"
	host_attach exec --cgroup "$HOOKMAP_CGROUP/inner" --name true
	"${into[@]}"
	reader exec
	busywait 5 grep -q exit "$OUT"
	rmdir "$HOOKMAP_CGROUP/inner"
	mkdir "$HOOKMAP_CGROUP/inner"
	wait "$READER" || status=$?
	equal "$status" 1
	equal "$(cat "$OUT.err")" "hookmap: exec: the cgroup of --cgroup is gone: attach again"
	"${into[@]}"
	equal "$(hookmap -j --drain exec | jq -c '[.events, .cgroup_gone]')" '[0,true]'
	host_attach exec --cgroup "$HOOKMAP_CGROUP/inner"
	"${into[@]}"
	equal "$(hookmap -j --drain exec | jq -c 'select(.events) | [.events, .cgroup_gone]')" '[2,null]'
	rmdir "$HOOKMAP_CGROUP/inner"
}

# hex WORD...: as "<hex>" each, on a line
hex() {
	local word
	for word; do printf '<%s>' "$(printf %s "$word" | xxd -p -c 999)"; done
	echo
}

@test "exec: what is different looks different: a shell reads from a line what was given" {
	local lists list line args
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name true
	# each a list of arguments with | between them
	lists=("a b" "a|b" "a||b" "a|b|" "" "a'b" 'a"b' $'a\nb' 'a\nb' $'a\tb' $'\xff' '\xff' '\\xff' $'a\e[2J'
		"\$HOME" "\`id\`" '...' 'a...' 'a|...' "~" '*' '{a,b}' 'a;b' '#' '!!' '[0]=x' 'ä€' $'a\u200bb' ab $'\u202eab'
		$'\xc2' "'" '?' '-')
	for list in "${lists[@]}"; do
		IFS='|' read -rd '' -a args < <(printf '%s|' "$list") || true
		/bin/true "${args[@]}"
		hex "${args[@]}" >>"$BATS_TEST_TMPDIR/given"
	done
	hookmap --drain exec | grep ' exec ' >"$BATS_TEST_TMPDIR/text"
	while IFS= read -r line; do
		eval "args=($line)"
		hex "${args[@]:9}"
	done <"$BATS_TEST_TMPDIR/text" >"$BATS_TEST_TMPDIR/read"
	diff "$BATS_TEST_TMPDIR/given" "$BATS_TEST_TMPDIR/read"
	# in JSON, too: what is not UTF-8 has its bytes besides
	for list in "${lists[@]}"; do
		IFS='|' read -rd '' -a args < <(printf '%s|' "$list") || true
		/bin/true "${args[@]}"
	done
	events exec 'select(.event == "exec") | [.args, .args_hex]' >"$BATS_TEST_TMPDIR/json"
	equal "$(sort -u "$BATS_TEST_TMPDIR/json" | wc -l)" "${#lists[@]}" "different in JSON"
	equal "$(jq -c '.[1][1] // empty' "$BATS_TEST_TMPDIR/json" | tr '\n' ' ')" '"ff" "c2" ' "in hex"
}

@test "exec: on both sides of each limit: whole is not marked, cut is" {
	local n last
	host_attach exec --cgroup "$HOOKMAP_CGROUP"
	repeat() { printf "%*s" "$2" '' | tr ' ' "$1"; }
	# a failed call: 127 bytes of an argument, 32 of them, 255 of the file's name
	(exec /no/empty '' b '' 2>/dev/null) || true
	for n in 126 127 128; do (exec /no/such "$(repeat a "$n")" end 2>/dev/null) || true; done
	for n in 31 32; do
		mapfile -t args < <(seq 1 "$n")
		(exec /no/many "${args[@]}" 2>/dev/null) || true
	done
	for n in 255 256; do (exec "$(repeat / $((n - 7)))no/file" 2>/dev/null) || true; done
	# one that runs: 1024 bytes of arguments, 255 of the name
	for n in 1023 1024 1025; do /bin/true "$(repeat b $((n - 11)))"; done
	for n in 255 256; do "$(repeat / $((n - 8)))bin/true"; done
	hookmap --drain exec >"$BATS_TEST_TMPDIR/text"
	cut() { grep -E "$1" "$BATS_TEST_TMPDIR/text" | grep -c -F -e '...' || true; }
	equal "$(cut "/no/such /no/such a{126} end$") $(cut "/no/such /no/such a{127} end$")" "0 0"
	equal "$(cut "/no/such /no/such a{127}\.\.\. end$")" 1 "an argument of 128"
	equal "$(grep -c " /no/empty /no/empty '' b ''$" "$BATS_TEST_TMPDIR/text")" 1 "empty arguments"
	equal "$(cut "/no/many .* 30 31$") $(cut "/no/many .* 30 31 \.\.\.$")" "0 1" "32 and 33 arguments"
	equal "$(grep -cE " /{248}no/file /" "$BATS_TEST_TMPDIR/text") $(grep -cE " /{249}no/fil\.\.\. /" "$BATS_TEST_TMPDIR/text")" "1 1" "names of 255 and 256"
	equal "$(grep -cE " /bin/true b{1012}$" "$BATS_TEST_TMPDIR/text") $(grep -cE " /bin/true b{1013}$" "$BATS_TEST_TMPDIR/text")" "1 1" "1023 and 1024 bytes"
	equal "$(grep -cE " /bin/true b{1014}\.\.\.$" "$BATS_TEST_TMPDIR/text")" 1 "1025 bytes"
	equal "$(grep -cE " exec .* /{247}bin/true /" "$BATS_TEST_TMPDIR/text") $(grep -cE " exec .* /{248}bin/tru\.\.\. /" "$BATS_TEST_TMPDIR/text")" "1 1" "programs of 255 and 256"
}

@test "exec: a process ends as its parent sees it, whichever thread ends it" {
	local how status
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name calls
	for how in 0 1 2 3 4; do
		status=0
		(ulimit -c 0 && exec "$HM_BUILD/tests/calls" thread-end "$how" x) || status=$?
		echo "$status" >>"$BATS_TEST_TMPDIR/parent"
	done
	# a thread becomes another program when the first thread has gone
	host_attach exec --name any
	status=0
	calls thread-end 6 /bin/false || status=$?
	echo "$status" >>"$BATS_TEST_TMPDIR/parent"
	events exec 'select(.event == "exit" and (.name | . == "calls" or . == "false")) | .code // .signal + 128' >"$BATS_TEST_TMPDIR/seen"
	diff "$BATS_TEST_TMPDIR/parent" "$BATS_TEST_TMPDIR/seen"
	# (before Linux 5.18, the first thread's code counts where each thread ends by itself)
	like "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/parent")" '3 137 139 [05] 134 1 '
}

@test "exec: the name of a parent is that of the process, not of the thread that started it" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP"
	calls thread-end 5 /bin/true
	equal "$(events exec 'select(.file == "/bin/true" or .name == "true") | [.event, .parent]' | tr '\n' ' ')" \
		'["exec","calls"] ["exit","calls"] '
}

@test "exec: filters by user, process, name and cgroup, each can be lifted" {
	mkdir "$HOOKMAP_CGROUP/inner"
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name true --uid 4711
	/bin/true
	setpriv --reuid 4711 /bin/true
	equal "$(count exec '.uid == 4711 and .event == "exec"')" 1 "uid 4711"
	host_attach exec --uid any --cgroup "$HOOKMAP_CGROUP/inner"
	/bin/true
	bash -c 'echo $$ >"$0"/inner/cgroup.procs; exec /bin/true inner' "$HOOKMAP_CGROUP"
	equal "$(events exec 'select(.event == "exec") | .args[1]')" '"inner"' "in the inner cgroup"
	# children of this shell, not grandchildren
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --pid $$
	/bin/true child
	bash -c '/bin/true grandchild; :'
	equal "$(events exec 'select(.event == "exec") | .args[1]')" '"child"' "children"
	# with a leading zero it could be octal: no number
	fails 2 "expected a number" host_attach exec --pid "0$$"
	host_attach exec --pid any
	bash -c '/bin/true grandchild; :'
	equal "$(events exec 'select(.event == "exec") | .args[1]')" '"grandchild"' "all"
	rmdir "$HOOKMAP_CGROUP/inner"
	# a number that only holds in here
	fails 1 "has another number: use --cgroup or --name" unshare --pid --fork --mount-proc "$HM_TOP/scripts/attach.sh" --host exec --pid 1
}

@test "exec: readers come and go, one at a time; what is buffered is not lost" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name true
	for i in {1..5}; do /bin/true; done
	reader -j exec -c 10
	wait "$READER"
	equal "$(jq -s '[.[] | select(.event)] | length' "$OUT")" 10 "first reader"
	equal "$(jq -c 'select(.events) | del(.settings)' "$OUT")" '{"events":10,"lost":0,"lost_before":0,"table_full":0,"table_full_before":0,"missed":0}' "its end"
	reader -j exec
	/bin/true live
	busywait 5 grep -q live "$OUT"
	run hookmap exec --drain
	equal "$status" 1
	equal "$output" "hookmap: exec: another reader is running: only one at a time"
	busywait 5 grep -q exit "$OUT"
	reader_stop
	equal "$(jq -s '[.[] | select(.event)] | length' "$OUT")" 2 "second reader"
	/bin/true old
	reader exec --new
	busywait 5 grep -q TIME "$OUT"
	/bin/true fresh
	busywait 5 grep -q fresh "$OUT"
	reader_stop
	run ! grep old "$OUT"
}

@test "exec: bursts, files that have gone, scripts of scripts, another PID namespace" {
	local i j dir=$BATS_TEST_TMPDIR
	host_attach exec --cgroup "$HOOKMAP_CGROUP"
	for i in {1..6}; do
		(
			for j in {1..50}; do /bin/true burst & done
			wait
		) 3>&- &
	done
	wait
	events exec >"$dir/all"
	equal "$(jq -s '[.[] | select(.name == "true")] | [([.[] | select(.args[1] == "burst")] | length), ([.[] | select(.event == "exit" and .code == 0)] | length)]' -c "$dir/all")" '[300,300]' "execs and exits"
	cp /bin/true "$dir/gone"
	(
		exec 5<"$dir/gone"
		rm "$dir/gone"
		exec /proc/self/fd/5 gone
	)
	printf '#!%s -x\n' "$dir/second" >"$dir/first"
	printf '#!/bin/sh\nexit 7\n' >"$dir/second"
	chmod +x "$dir/first" "$dir/second"
	run -7 "$dir/first" one
	unshare --pid --fork /bin/true inner
	events exec >"$dir/all"
	equal "$(jq -c 'select(.event == "exec" and .file == "/proc/self/fd/5") | .args' "$dir/all")" '["/proc/self/fd/5","gone"]' "of a file that has gone"
	equal "$(jq -c --arg f "$dir/first" 'select(.event == "exec" and .file == $f) | .args' "$dir/all")" \
		"[\"/bin/sh\",\"$dir/second\",\"-x\",\"$dir/first\",\"one\"]" "of a script of a script"
	equal "$(jq -c 'select(.name == "first" and .event == "exit") | .code' "$dir/all")" 7 "its exit"
	# by its number here, where its parent is
	equal "$(jq -sc '[.[] | select(.args? // [] | contains(["inner"]))] | [.[-1].ppid == .[0].pid, .[-1].pid != 1, .[-1].name]' "$dir/all")" '[true,true,"true"]' "in a PID namespace"
}

@test "exec: in a time namespace, a reader has the time of the programs" {
	local moved=(unshare -T --monotonic 100000 --boottime 200000) here there
	skip_without "time namespaces" "${moved[@]}" true
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name true
	/bin/true old
	there=$("${moved[@]}" "$HM_BUILD/hookmap" -j --drain exec | jq -s '.[0].time | sub("[.].*Z"; "Z") | fromdate')
	((there <= EPOCHSECONDS && there > EPOCHSECONDS - 60))
	/bin/true old
	out=$BATS_TEST_TMPDIR/out
	"${moved[@]}" "$HM_BUILD/hookmap" exec --new >"$out" 3>&- &
	busywait 5 grep -q TIME "$out"
	/bin/true fresh
	busywait 5 grep -q fresh "$out"
	run ! grep old "$out"
	kill $!
	# the clocks that are compared for pktlat: less than a minute apart
	here=$(hookmap -j clock | jq -c '[(.real_ns / 6e10 | round), .mono_ns / 6e10]')
	there=$("${moved[@]}" "$HM_BUILD/hookmap" -j clock | jq -c '[(.real_ns / 6e10 | round), .mono_ns / 6e10]')
	equal "$(jq -nc "$here as \$h | $there as \$t | \$h[0] == \$t[0] and \$t[1] - \$h[1] < 1")" true "clocks of the namespace"
}

@test "exec: a full buffer loses events and says how many" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name calls
	calls exec-fail 99991 /no/such/file
	hookmap -j --drain exec | tail -n 1 >"$BATS_TEST_TMPDIR/end"
	run jq '.lost_before > 10000, .lost, .events + .lost_before' "$BATS_TEST_TMPDIR/end"
	# besides, the exec and the exit of "calls" itself
	equal "${lines[0]} ${lines[1]}" "true 0"
	# the exec of "calls" itself is one more, its exit another
	equal "${lines[2]}" 99993 "shown and lost"
	run hookmap --drain exec
	like "$output" "0 events, 0 events lost (and "
}

@test "exec: a full table of running processes is counted, and execs still show" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP" --name true
	awk -v pin="$G/exec_run" 'BEGIN { for (i = 0; i < 16384; i++)
		printf "map update pinned %s key %d %d 255 0 value 0 0 0 0 0 0 0 0\n", pin, i % 256, i / 256 }' >"$BATS_TEST_TMPDIR/fill"
	bpftool batch file "$BATS_TEST_TMPDIR/fill" >/dev/null || true
	/bin/true
	run hookmap --drain -j exec
	equal "$(jq -sc '[.[0].event, .[1].table_full, .[1].table_full_before, .[1].events]' <<<"$output")" '["exec",0,1,1]'
	# what has happened since a reader came, and what before: it is there when it shows the first
	/bin/true first
	reader -j exec
	busywait 5 grep -q first "$OUT"
	/bin/true second
	busywait 5 grep -q second "$OUT"
	reader_stop || true
	equal "$(jq -sc '.[-1] | [.table_full, .table_full_before, .events]' "$OUT")" '[1,2,2]' "with a reader"
	like "$(hookmap --drain exec)" "table full 0 times (and 3 before)"
}

@test "exec: a process number that is used again is not the process that had it" {
	host_attach exec --cgroup "$HOOKMAP_CGROUP"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	(read -r _ <"$BATS_TEST_TMPDIR/fifo") 3>&- &
	pid=$!
	# as if the exit of an earlier one had not been seen
	key=($((pid & 255)) $((pid >> 8 & 255)) $((pid >> 16)) 0)
	bpftool map update pinned "$G/exec_run" key "${key[@]}" value 1 0 0 0 0 0 0 0
	echo >"$BATS_TEST_TMPDIR/fifo"
	wait "$pid"
	/bin/true
	events exec >"$BATS_TEST_TMPDIR/all"
	equal "$(jq -s "map(select(.pid == $pid)) | length" "$BATS_TEST_TMPDIR/all")" 0 "events of $pid"
	equal "$(jq -s 'map(select(.name == "true" and .event == "exit")) | length' "$BATS_TEST_TMPDIR/all")" 1 "exit of true"
	run ! bpftool map lookup pinned "$G/exec_run" key "${key[@]}"
}

@test "exec: attaching twice is the same, detaching leaves nothing, a reader sees it go" {
	host_attach exec --name true --cgroup "$HOOKMAP_CGROUP"
	cksum1=$(find /sys/fs/bpf | sort)
	id=$(bpftool -j link show pinned /sys/fs/bpf/hookmap/exec/exec_done | jq .id)
	host_attach exec
	equal "$(find /sys/fs/bpf | sort)" "$cksum1" pins
	equal "$(bpftool -j link show pinned /sys/fs/bpf/hookmap/exec/exec_done | jq .id)" "$id" link
	/bin/true
	equal "$(count exec)" 2 "events, still filtered"
	reader exec
	busywait 5 grep -q TIME "$OUT"
	host_detach exec
	status=0
	wait "$READER" || status=$?
	equal "$status" 1
	equal "$(cat "$OUT.err")" "hookmap: exec: the pin of map exec_ring is gone: detached"
	# also if another is there by then
	host_attach exec --name true --cgroup "$HOOKMAP_CGROUP"
	reader exec
	busywait 5 grep -q TIME "$OUT"
	kill -STOP "$READER"
	host_detach exec
	host_attach exec
	kill -CONT "$READER"
	status=0
	wait "$READER" || status=$?
	equal "$status" 1 "status of the old reader"
	like "$(cat "$OUT.err")" "is gone: detached"
	host_detach exec
	host_nothing_left
	run hookmap exec
	equal "$status" 1
	equal "$output" "hookmap: map /sys/fs/bpf/tc/globals/exec_ring: not there: attach first (scripts/attach.sh --host exec)"
	run hookmap -j exec
	equal "$(jq -r .error <<<"${lines[1]}")" "map /sys/fs/bpf/tc/globals/exec_ring: not there: attach first (scripts/attach.sh --host exec)"
}

@test "exec: bad input gives one clear line and changes nothing" {
	for bad in '--uid x' '--uid -1' '--pid 0' '--name 1234567890123456' '--cgroup /tmp' '--cgroup /nowhere' '--pid'; do
		read -ra words <<<"$bad"
		run host_attach exec "${words[@]}"
		[[ $status != 0 ]]
		one_line "$output"
	done
	run "$HM_TOP/scripts/attach.sh" lo exec
	equal "$status" 2
	one_line "$output"
	host_nothing_left
	# a map of another shape under our name
	mkdir -p "$G"
	bpftool -n map create "$G/exec_ring" type ringbuf key 0 value 0 entries 4096 name exec_ring
	run host_attach exec
	equal "$status" 1
	one_line "$output"
	like "$output" "exec_ring"
	equal "$(find "$G" -type f)" "$G/exec_ring" "what is there"
	run hookmap exec
	equal "$status" 1
	one_line "$output"
}
