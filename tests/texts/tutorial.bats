#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The tutorial: every fenced console block of every README.md is run, in a copy of the
# tree and in a sandbox, and prints what the text shows.

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

# has_blocks FILE
has_blocks() { grep -q '^ *````* *console' "$HM_TOP/$1"; }

# chapter FILE
chapter() {
	has_blocks "$1" || skip "$1 has no console block"
	local tree=$BATS_TEST_TMPDIR/hookmap
	tree_copy "$tree"
	# where there is no sudo, one is root already
	mkdir "$BATS_TEST_TMPDIR/bin"
	command -v sudo >/dev/null || {
		printf '#!/bin/sh\nexec "$@"\n' >"$BATS_TEST_TMPDIR/bin/sudo"
		chmod +x "$BATS_TEST_TMPDIR/bin/sudo"
	}
	env -u HOOKMAP_OBJ -u HM_IN_SANDBOX -u MAKEFLAGS -u MAKELEVEL -u BATS_TEST_NAME PATH="$BATS_TEST_TMPDIR/bin:$PATH" \
		"$HM_TOP/tests/console.sh" "$tree/$1" "$tree"
	# it says how to clean up, and that is enough
	equal "$(find /sys/fs/bpf -type f ! -name '*.debug')" "" "pins that the chapter leaves"
	equal "$(ip netns list)" "" "namespaces that the chapter leaves"
}

teardown() {
	local dir
	# trace instances are the whole machine's
	for dir in /sys/kernel/tracing/instances/quick.*; do
		[[ ! -d $dir || -e /proc/${dir##*.} ]] || rmdir "$dir"
	done
}

@test "tutorial: README.md" { chapter README.md; }
@test "tutorial: xdp/README.md" { chapter xdp/README.md; }
@test "tutorial: kern/README.md" { chapter kern/README.md; }
@test "tutorial: tc/README.md" { chapter tc/README.md; }
@test "tutorial: iptables/README.md" { chapter iptables/README.md; }
@test "tutorial: user/README.md" { chapter user/README.md; }
@test "tutorial: scripts/README.md" { chapter scripts/README.md; }
@test "tutorial: scripts/prometheus/README.md" { chapter scripts/prometheus/README.md; }
@test "tutorial: tests/README.md" { chapter tests/README.md; }

@test "tutorial: no README.md is left out" {
	local file
	while read -r file; do
		grep -qF "chapter ${file#./};" "$BATS_TEST_FILENAME" || {
			printf '%s is not in this suite\n' "$file" >&2
			return 1
		}
		# each chapter has something to run; the top may show a chapter's way only
		[[ $file == ./README.md ]] || has_blocks "$file" || {
			printf '%s has no console block\n' "$file" >&2
			return 1
		}
	done < <(cd "$HM_TOP" && find . -name README.md ! -path './build/*' ! -path './.*/*')
}

# wrong SCRIPT PATTERN: the right text, changed by a sed script, fails with this message
wrong() {
	local out
	sed -E "$1" "$BATS_TEST_TMPDIR/right.md" >"$BATS_TEST_TMPDIR/wrong.md"
	if cmp -s "$BATS_TEST_TMPDIR/right.md" "$BATS_TEST_TMPDIR/wrong.md"; then
		printf '%s changes nothing\n' "$1" >&2
		return 1
	fi
	if out=$("$HM_TOP/tests/console.sh" "$BATS_TEST_TMPDIR/wrong.md" "$BATS_TEST_TMPDIR" 2>&1); then
		printf '%s is not noticed\n' "$1" >&2
		return 1
	fi
	like "$out" "wrong.md:$2"
}

@test "tutorial: console.sh notices what is wrong, and names the line" {
	cat >"$BATS_TEST_TMPDIR/right.md" <<'EOF'
text
```console
$ printf '%s\n' 'a  b' 'took 12 ns' '[x] $1 (y)*'
a b
took ... ns
[x] $1 (y)*
$ greet() { echo hello "$@"; }
# greet \
>   you
hello you
$ cat <<END
> 1
> 2
> 3
> 4
> END
1
...
4
$ false || echo '...' no
... no
$ sleep 0 &
$ true
```
  ```console
  $ pwd | grep -c /
  1
  ```
```text
$ not run
```
````console
$ echo '```'
```
````
EOF
	"$HM_TOP/tests/console.sh" "$BATS_TEST_TMPDIR/right.md" "$BATS_TEST_TMPDIR"
	wrong 's/^a b/a c/' '3: prints something else'
	wrong 's/^took/toke/' '3: prints something else'
	wrong 's/^\[x\] ./x/' '3: prints something else'
	wrong 's/^took ... ns/&\nmore/' '3: prints something else'
	wrong '/^took/d' '3: prints something else'
	wrong 's/hello you/hello me/' '8: prints something else'
	wrong 's/^> 4/> 5/' '11: prints something else'
	wrong 's/^1$/2/' '11: prints something else'
	wrong 's/false ..*/false/' '20: exit status 1'
	wrong 's/true/exit 3/' '23: exit status'
	wrong 's/true/nonsense_command/' '23: exit status 127'
	wrong 's/true/echo "/' '23: exit status'
	wrong 's/true/cat <<END/' '23: exit status'
	wrong 's/grep -c ./grep -c nothing/' '26: exit status 1'
	wrong 's/^  1$/  2/' '26: prints something else'
	wrong 's/^```text/```console/' '30: exit status 127'
	wrong "s/^.*echo '.*/\$ echo x/" '33: prints something else'
	wrong '$d' '34: a console block does not end'
	wrong '/^\$ true/,/^```$/{/^\$ true/d}; s/^\$ printf.*//' '3: a console block starts with output'
	printf '```console\n```\n' >"$BATS_TEST_TMPDIR/empty.md"
	fails 1 "empty.md:2: a console block without a command" "$HM_TOP/tests/console.sh" "$BATS_TEST_TMPDIR/empty.md"
	: >"$BATS_TEST_TMPDIR/none.md"
	fails 1 "none.md has no console block" "$HM_TOP/tests/console.sh" "$BATS_TEST_TMPDIR/none.md"
	fails 2 "usage" "$HM_TOP/tests/console.sh" /nothing
	# bounded
	printf '```console\n$ sleep 1000\n```\n' >"$BATS_TEST_TMPDIR/long.md"
	CONSOLE_TIMEOUT=1 run "$HM_TOP/tests/console.sh" "$BATS_TEST_TMPDIR/long.md"
	((status))
	like "$output" "long.md:2: exit status none: it did not end"
}
