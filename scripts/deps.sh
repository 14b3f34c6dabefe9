#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh - installs or lists missing tools. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: deps.sh [--check] [-n] [GROUP...]

Installs missing packages of the distribution (Debian, Ubuntu); on other systems it
prints their names. If the release's bpftool is too old to autoattach, it installs the
one from backports. It masks services that packages for the tests bring (prometheus,
frr): run "systemctl unmask NAME" to use one.

GROUP: run (attach and read), build, demo, test, vm (tests under other kernels), releases
(tests with other releases), bench (these are the default), package (make deb).

  --check         list each tool, version and kernel feature, whether it is there, and
                  what does not work without it; install nothing. Exit status 1 if
                  something needed to attach and read is missing.
  -j, --json      --check: an array of {"what", "ok", "version", "without"}
  -n, --dry-run   show the commands, run none
  -h, --help
EOF
}

# GROUP|COMMAND|DEBIAN PACKAGE|WITHOUT IT. A command in the form lib:NAME is a library
# for pkg-config.
TOOLS='
run|ip|iproute2|no XDP program can be attached
run|tc|iproute2|no tc filter can be attached
run|bpftool|bpftool|nothing can be loaded or read
run|iptables|iptables|latency: no stages prerouting and input
run|jq|jq|the scripts cannot read what ip, tc and bpftool print
run|awk|mawk|policy: no check of what rules bypass; fdb.sh: no rules
run|nsenter|util-linux|no work in other network namespaces
run|flock|util-linux|two attaches at once would mix
run|sysctl|procps|no lab
build|make|make|no build
build|gcc|gcc|no reader
build|clang|clang|no BPF objects
build|llc|llvm|no BPF objects
build|llvm-strip|llvm|no BPF objects
build|pkg-config|pkg-config|no reader
build|lib:libbpf|libbpf-dev|no reader and no BPF objects
build|lib:smartcols|libsmartcols-dev|no reader
build|lib:json-c|libjson-c-dev|no reader
build|header:linux/bpf.h|linux-libc-dev|no BPF objects
test|bats|bats|no tests
test|prove|perl|no summary of the tests
demo|ping|iputils-ping|no tests, no demo
demo|gojq|gojq|the scripts take jq, which starts more slowly
demo|ethtool|ethtool|l2fwd: no demo, no tests of checksums and GRO
demo|traceroute|traceroute|policy: no demo
test|ss|iproute2|no tests
test|xxd|xxd|no tests of the tutorial
test|shellcheck|shellcheck|no make lint
test|shfmt|shfmt|no make lint
test|clang-format|clang-format|no make lint
test|man|man-db|no make lint
test|systemctl|systemd|no test of the units
test|udevadm|udev|no test of the units
test|fuzzer:|libclang-rt-dev|no libFuzzer on the reader
test|promtool|prometheus|prom: exported metrics, alerts and queries are not tested
test|prometheus-node-exporter|prometheus-node-exporter|prom: no scrape of the file
test|vtysh|frr|l2fwd: no test of EVPN
test|gnuplot|gnuplot-nox|no plots
test|xmllint|libxml2-utils|plot: pictures are not looked at
test|strace|strace|drops: how often the reader looks for a namespace is not counted
releases|debootstrap|debootstrap|no make check-releases
vm|qemu-system-x86_64|qemu-system-x86|no make check-vm
vm|busybox|busybox-static|no make check-vm
vm|xz|xz-utils|no make check-vm
vm|zstd|zstd|no make check-vm
vm|lz4|lz4|no make check-vm
test|jsonschema|python3-jsonschema|policy: the schema is not tried
bench|bpftrace|bpftrace|no comparison of exec and open in make bench
bench|iperf3|iperf3|no throughput in make bench
bench|bpftrace|bpftrace|no collector of events to compare drops with in make bench
test|nft|nftables|policy, reach: no test of its rules
test|tayga|tayga|policy: no translator to IPv6 as a next hop
test|wg|wireguard-tools|policy: WireGuard is not tried as a next hop
package|dh|debhelper|no make deb
package|g++|build-essential|no make deb
package|dpkg-buildpackage|dpkg-dev|no make deb
package|lintian|lintian|no make check-deb
'

# packages with a service of their name, which a test must not start
SERVICES=(prometheus prometheus-node-exporter frr tayga)

have() {
	case $1 in
	lib:*) pkg-config --exists "${1#lib:}" 2>/dev/null ;;
	fuzzer:) compgen -G "$(clang --print-resource-dir 2>/dev/null)/lib/*/libclang_rt.fuzzer*.a" >/dev/null ;;
	header:*) [[ -e /usr/include/${1#header:} ]] ;;
	bpftool) type -P "$BPFTOOL" >/dev/null && bpftool version >/dev/null 2>&1 ;;
	*) type -P "$1" >/dev/null ;;
	esac
}

version() {
	local out
	case $1 in
	lib:*) out=$(pkg-config --modversion "${1#lib:}" 2>/dev/null) ;;
	header:* | fuzzer:) out= ;;
	ip | tc | ss) out=$("$1" -V 2>&1) ;;
	bpftool) out=$(bpftool version 2>&1) ;;
	nsenter | flock) out=$("$1" --version 2>&1) ;;
	*) out=$("$1" --version 2>&1 </dev/null) ;;
	esac || true
	grep -oE '[0-9]+(\.[0-9]+)+' <<<"${out:-}" | head -n 1 || true
}

# --- the preflight

MISSING=()
answer() { # yes|no NEEDED WHAT VERSION WITHOUT
	[[ $1 == yes ]] || ((!$2)) || MISSING+=("$3")
	if ((JSON)); then
		printf '%s\t%s\t%s\t%s\n' "$1" "$3" "$4" "$5"
	elif [[ $1 == yes ]]; then
		printf 'yes  %-34s %s\n' "$3" "$4"
	else
		printf 'no   %-34s %s\n' "$3" "without it: $5"
	fi
}

unknown() { # WHAT WHY
	if ((JSON)); then
		printf '?\t%s\t\t%s\n' "$1" "$2"
	else
		printf '?    %-34s %s\n' "$1" "$2"
	fi
}

ask() { # NEEDED WHAT WITHOUT COMMAND...
	local needed=$1 what=$2 without=$3 reply=no
	shift 3
	"$@" >/dev/null 2>&1 && reply=yes
	answer "$reply" "$needed" "$what" "" "$without"
}

# in a separate network namespace, with a veth pair
probe() { unshare --net -- bash -ec 'ip link add name probe0 type veth peer name probe1; "$@"' probe "$@"; }

check() {
	local group command package without
	while IFS='|' read -r group command package without; do
		[[ -n $group && " ${GROUPS_WANTED[*]} " == *" $group "* ]] || continue
		if have "$command"; then
			answer yes 0 "$command" "$(version "$command")" ""
		else
			answer no "$([[ $group == run ]] && echo 1 || echo 0)" "$command (package $package)" "" "$without"
		fi
	done <<<"$TOOLS"
	ask 1 "bpftool autoattach (7.2)" "latency: no application stage; no host features" can_autoattach
	ask 1 "kernel BTF" "no tracing program loads" test -r /sys/kernel/btf/vmlinux
	if [[ -e /proc/sys/net/core/bpf_jit_enable ]]; then
		ask 1 "BPF JIT" "everything is slow" grep -qx '[12]' /proc/sys/net/core/bpf_jit_enable
	else
		unknown "BPF JIT" "only the host's own network namespace knows it"
	fi
	ask 1 "bpf filesystem on $BPFFS" "no pins: $(typed mount -t bpf -o mode=700 bpf "$BPFFS")" test "$(stat -f -c %T -- "$BPFFS" 2>/dev/null)" = bpf_fs
	ask 0 "bpf_loop (Linux 5.17)" "l2fwd: no --mirror" grep -aqw BPF_FUNC_loop /sys/kernel/btf/vmlinux
	ask 0 "cgroup v2" "latency: no socket stage" grep -q ' cgroup2 ' /proc/mounts
	if ((EUID)); then
		unknown "XDP, clsact, xt_bpf, fentry" "only root can try them: sudo $HM_NAME --check"
		return
	fi
	ask 1 "network namespaces and veth" "no lab, no tests" probe true
	ask 1 "clsact" "no tc program" probe tc qdisc add dev probe0 clsact
	ask 0 "iptables -m bpf" "latency: no stages prerouting and input" \
		probe "$IPTABLES" -A INPUT -m bpf --bytecode '1,6 0 0 65535'
	ask 0 "ip6tables -m bpf" "latency: the same for IPv6" \
		probe "$IP6TABLES" -A INPUT -m bpf --bytecode '1,6 0 0 65535'
	ask 0 "VLAN devices (8021q)" "no VLAN tests with devices" probe ip link add link probe0 name v1 type vlan id 1
	if [[ -r $HM_OBJ/xdp/latency.o ]]; then
		ask 1 "XDP, native on veth" "latency starts at tc, or in generic mode" load xdp
		ask 1 "tp_btf tracepoints" "latency: no application stage" load tp_btf
		ask 0 "fentry" "latency: no application stage of small UDP datagrams" load fentry
	else
		unknown "XDP, tp_btf, fentry" "they are tried with the objects: build first (make)"
	fi
}

# load KIND: tries one of our objects in a sandbox
load() {
	local script
	case $1 in
	xdp) script='ip link add name probe0 type veth peer name probe1; ip link set dev probe0 xdpdrv obj "$1/xdp/latency.o"' ;;
	tp_btf) script='mkdir /sys/fs/bpf/p; "$2" -n prog loadall "$1/kern/latency.o" /sys/fs/bpf/p autoattach' ;;
	fentry) script='mkdir /sys/fs/bpf/p; "$2" -n prog loadall "$1/kern/latency_fentry.o" /sys/fs/bpf/p autoattach' ;;
	esac
	"$HM_SCRIPTS/sandbox.sh" bash -ec "$script" load "$HM_OBJ" "$BPFTOOL"
}

# --- installation

apt_backports() {
	# the machine's own source of its release, with another suite
	local codename out=/etc/apt/sources.list.d/hookmap-backports.sources
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	[[ -n $codename ]] || return 1
	apt-cache policy 2>/dev/null | grep "a=$codename-backports\|n=$codename-backports" >/dev/null && return
	if [[ -r /etc/apt/sources.list.d/debian.sources ]]; then
		awk -v suite="$codename" 'BEGIN { RS = ""; ORS = "\n\n" }
			$0 ~ "Suites:[^\n]* ?" suite "( |\n|$)" { sub(/Suites:[^\n]*/, "Suites: " suite "-backports"); print; exit }' \
			/etc/apt/sources.list.d/debian.sources >"$out"
	else
		out=${out%.sources}.list
		awk -v suite="$codename" '$1 == "deb" { for (i = 2; i < NF; i++) if ($i == suite) { $i = suite "-backports"; print; exit } }' \
			/etc/apt/sources.list >"$out"
	fi
	[[ -s $out ]] || {
		rm -f "$out"
		return 1
	}
	apt-get -q update
}

install() {
	local group command package without packages=() bpftool=0
	while IFS='|' read -r group command package without; do
		[[ -n $group && " ${GROUPS_WANTED[*]} " == *" $group "* ]] || continue
		have "$command" && continue
		[[ $package == bpftool ]] && bpftool=1 && continue
		[[ " ${packages[*]} " == *" $package "* ]] || packages+=("$package")
	done <<<"$TOOLS"
	if [[ " ${GROUPS_WANTED[*]} " == *" run "* ]] && { ((bpftool)) || ! can_autoattach; }; then
		bpftool=1
	fi
	((${#packages[@]} || bpftool)) || return 0
	if ! command -v apt-get >/dev/null; then
		die "missing: ${packages[*]}$( ((bpftool)) && printf ' bpftool (7.2 or newer)'): install them with this system's package manager (these are Debian's names)"
	fi
	need_root_or_dry
	export DEBIAN_FRONTEND=noninteractive
	# a missing or old list finds no package
	packages_run apt-get -q update
	for package in "${SERVICES[@]}"; do
		[[ " ${packages[*]} " == *" $package "* ]] && command -v systemctl >/dev/null || continue
		packages_run systemctl mask "$package.service"
	done
	((!${#packages[@]})) || packages_run apt-get -q -y install --no-install-recommends "${packages[@]}"
	((!bpftool)) || install_bpftool
}

install_bpftool() {
	# shellcheck source=/dev/null
	if [[ $(. /etc/os-release && printf '%s' "$ID") == ubuntu ]]; then
		packages_run apt-get -q -y install --no-install-recommends linux-tools-common linux-tools-generic
	else
		packages_run apt-get -q -y install --no-install-recommends bpftool
		((DRY_RUN)) || can_autoattach || {
			local codename
			# shellcheck source=/dev/null
			codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
			apt_backports || die "bpftool is too old, and $codename-backports cannot be added: install bpftool 7.2 or newer by hand"
			packages_run apt-get -q -y install --no-install-recommends -t "$codename-backports" bpftool
		}
	fi
	((DRY_RUN)) || can_autoattach || die "bpftool still has no autoattach: install bpftool 7.2 or newer by hand, or set BPFTOOL"
}

need_root_or_dry() { ((DRY_RUN)) || need_root; }

# apt-get shows its progress itself, on the terminal only
packages_run() {
	show "$@"
	((DRY_RUN)) && return
	if [[ -t 1 ]]; then
		"$@" || die "$1 failed"
	else
		local log
		log=$("$@" 2>&1) || die "$* failed: $(tail -n 1 <<<"$log")"
	fi
}

CHECK=0 GROUPS_WANTED=()
JSON=0
option() { # OPTION
	if [[ $1 == --json ]]; then JSON=1; else CHECK=1; fi
}
options '-n|--dry-run -h|--help --check -j|--json' "$@"
for word in "${ARGS[@]}"; do
	[[ $word =~ ^(run|build|demo|test|vm|releases|bench|package)$ ]] || misuse "unknown argument $word"
	GROUPS_WANTED+=("$word")
done
((${#GROUPS_WANTED[@]})) || GROUPS_WANTED=(run build demo test vm releases bench)
if ((CHECK && JSON)); then
	need_tools jq
	# (a query is another child)
	{
		pid=$!
		check
	} > >(jq -Rn '[inputs | split("\t") | {what: .[1], ok: {yes: true, no: false}[.[0]], version: .[2], without: .[3]}]')
	wait "$pid"
	exit $((${#MISSING[@]} > 0))
elif ((CHECK)); then
	check
	((!${#MISSING[@]})) || {
		printf -v list ', %s' "${MISSING[@]}"
		die "needed, and missing: ${list:2}"
	}
	exit
fi
install
