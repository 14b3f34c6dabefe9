#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# releases.sh - builds with the compilers of Debian 12 and 13, and loads what each has
# built with the tools (ip, tc, bpftool) of both; lints with what each has; makes a Debian
# package in each, and installs and removes it there (deb.sh); then the legacy objects with
# an iproute2 without libbpf 1.x. Last line: the number of tests. For `make check-releases`.
#
# A release is a root made by debootstrap from this machine's mirror, with what
# scripts/deps.sh installs there, in HM_RELEASES_CACHE (build/releases-cache); it is
# made once. Objects are built each time. The kernel is this machine's.

set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname -- "$here")
# shellcheck source=tests/apt.bash
. "$here/apt.bash"
RELEASES=(bookworm trixie)

fail() {
	printf 'releases.sh: %s\n' "$*" >&2
	exit 1
}
((EUID == 0)) || fail "must be root"
cache=${HM_RELEASES_CACHE:-$top/build/releases-cache}
mkdir -p "$cache"
cache=$(cd -- "$cache" && pwd)
exec {lock}<"$cache"
flock -w 1800 "$lock" || fail "somebody else has been working in $cache for half an hour"

# inside RELEASE COMMAND...: with the sources on /src, and all objects below /out
inside() {
	local root=$cache/$1
	shift
	# shellcheck disable=SC2016
	unshare --mount --propagation private -- bash -ec '
		root=$1 top=$2 out=$3
		shift 3
		mkdir -p "$root/src" "$root/out"
		# sandbox.sh wants a root that is a mount
		mount --bind "$root" "$root"
		mount --bind -o ro "$top" "$root/src"
		mount --bind "$out" "$root/out"
		for d in proc sys dev; do mount --rbind "/$d" "$root/$d"; done
		mount -t tmpfs run "$root/run"
		mount -t tmpfs tmp "$root/tmp"
		exec chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' \
		inside "$root" "$top" "$cache/objects" "$@"
}

logged() { # RELEASE COMMAND...
	"${@:2}" >"$cache/$1.log" 2>&1 || {
		tail -n 20 "$cache/$1.log" | sed 's/^/    /' >&2
		fail "$1: ${*:2:3} failed (all of it: $cache/$1.log)"
	}
}

make_root() { # RELEASE
	[[ ! -e $cache/$1/complete ]] || return 0
	command -v debootstrap >/dev/null || fail "debootstrap is not installed: run scripts/deps.sh"
	local uri
	uri=$(mirror)
	[[ -n $uri ]] || fail "no mirror in /etc/apt"
	printf 'releases.sh: making %s\n' "$1" >&2
	rm -rf "${cache:?}/$1"
	logged "$1" debootstrap --variant=minbase "$1" "$cache/$1" "$uri"
	touch "$cache/$1/complete"
}

mkdir -p "$cache/objects"
for release in "${RELEASES[@]}"; do
	make_root "$release"
	# the tools that Debian gives, as our own installer finds them; nothing happens if they are there
	logged "$release" inside "$release" /src/scripts/deps.sh run build package
	inside "$release" sh -c 'command -v bats && command -v ping && command -v shfmt' >/dev/null ||
		logged "$release" inside "$release" apt-get -q -y install --no-install-recommends bats iputils-ping shellcheck shfmt clang-format
	rm -rf "$cache/$release/var/cache/apt/archives"
	logged "$release" inside "$release" make -C /src O="/out/$release" tests-build
	printf '%-9s %s; %s; %s\n' "$release" \
		"$(inside "$release" clang --version | head -n 1)" "$(inside "$release" ip -V)" \
		"$(inside "$release" bpftool version 2>/dev/null | head -n 1)"
done

# causes TAP: all that is said of each test that failed, of a long text its beginning and
# its end; without a test, what was said instead
causes() {
	awk '
		function put(i) {
			for (i = 1; i <= n; i++) if (n <= 40 || i <= 12 || i > n - 26) print "    " line[i]; else if (i == 13) print "    ..."
			n = 0
		}
		/^(not )?ok / { if (!tests++) n = 0; put(); bad = /^not / }
		bad || !tests { line[++n] = $0 }
		END { put() }' <<<"$1"
}

passed=0 failed=0 skipped=0
count() { # WHAT TAP
	local ok not skip plan
	ok=$(grep -c '^ok ' <<<"$2" || true)
	not=$(grep -c '^not ok ' <<<"$2" || true)
	skip=$(grep -c '^ok .* # skip' <<<"$2" || true)
	plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' <<<"$2")
	# what was planned and never came, or no plan, has failed
	not=$((not + ${plan:-1} - ok - not))
	printf '%-52s %d passed, %d failed, %d skipped\n' "$1" $((ok - skip)) "$not" "$skip"
	((!not)) || causes "$2"
	grep '^ok .* # skip' <<<"$2" | sed 's/^ok [0-9]* /    /' || true
	passed=$((passed + ok - skip)) failed=$((failed + not)) skipped=$((skipped + skip))
}
for tools in "${RELEASES[@]}"; do
	for objects in "${RELEASES[@]}"; do
		tap=$(inside "$tools" HOOKMAP_OBJ="/out/$objects" bats --tap -f 'each of (xdp|tc|iptables|kern)/' /src/tests/objects/objects.bats 2>&1) || true
		count "objects of $objects, tools of $tools" "$tap"
	done
done
for release in "${RELEASES[@]}"; do
	tap=$(inside "$release" make -C /src O="/out/$release" lint 2>&1) && tap+=$'\nok 1' || tap+=$'\nnot ok 1'
	count "lint by the tools of $release" "$tap"
	logged "$release" inside "$release" make -C /src O="/out/package-$release" deb
	# shellcheck disable=SC2016
	tap=$(inside "$release" bash -c '/src/tests/deb.sh "$1"/deb/hookmap_*.deb' - "/out/package-$release" 2>&1) &&
		tap+=$'\nok 1' || tap+=$'\nnot ok 1'
	count "package of $release: lintian, install, use, purge" "$tap"
done
tap=$(bats --tap "$here/objects/legacy.bats" 2>&1) || true
count "MAPS=legacy, iproute2 of bullseye" "$tap"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((!failed))
