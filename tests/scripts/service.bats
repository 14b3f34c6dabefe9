#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The units under systemd itself, and what can be done without being root

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

# --- systemd as PID 1 of namespaces, with what make install made in its root

boot() {
	skip_without "systemd" command -v systemctl
	skip_without "udev" command -v udevadm
	local i
	SYSTEM=$BATS_TEST_TMPDIR/system
	mkdir "$SYSTEM"
	mount -t tmpfs -o mode=755 tmpfs "$SYSTEM"
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install DESTDIR="$SYSTEM/up" PREFIX=/usr
	CONF=$SYSTEM/up/etc/hookmap
	unshare --pid --fork --kill-child --mount --cgroup -- "$HM_TOP/tests/systemd.sh" "$SYSTEM" >&2 3>&- &
	UNSHARE=$!
	busywait 60 booted
	sd systemctl start systemd-udevd
}
booted() {
	PID1=$(pgrep -P "$UNSHARE") && sd systemctl is-active nothing.target
}
sd() { nsenter -t "$PID1" -m -p -C -- env -u HOOKMAP_OBJ "$@"; }

halt() {
	[[ -n ${PID1:-} ]] || return 0
	sd cat /run/errors >&2
	kill -9 "$PID1"
	wait "$UNSHARE" || true
	busywait 5 no_cgroups
}
no_cgroups() { find "$HOOKMAP_CGROUP" -mindepth 1 -depth -type d -exec rmdir {} + && ! ls -d "$HOOKMAP_CGROUP"/*/ 2>/dev/null; }

teardown() { halt; }

pins() { find /sys/fs/bpf -type f ! -name '*.debug'; }
attached() { # DEV FEATURE
	"$HM_BUILD/hookmap" -j status | jq -e --arg dev "$1" --arg feature "$2" \
		'any(.devices[]; .device == $dev and (.features | contains($feature)))'
}
nothing_pinned() { [[ -z $(pins) ]]; }

@test "service: a device that appears is attached, one that goes is cleaned up, stop detaches" {
	boot
	printf '%s\n' '# all of it' "latency --sample 1 --filter 'proto icmp'" '' policy >"$SYSTEM/root.conf"
	sd tee /etc/hookmap/hm-0.conf <"$SYSTEM/root.conf"
	sd systemctl enable "hookmap@$(systemd-escape hm-0)"
	sd systemctl daemon-reload
	equal "$(sd systemd-analyze verify 'hookmap@hm\x2d0.service' hookmap-host.service 2>&1 | grep hookmap)" "" "systemd-analyze verify"
	ip link add name hm-0 type veth peer name hm-1
	busywait 60 attached hm-0 policy
	equal "$(hookmap -j latency | jq .lost.sample)" 1
	# a device may come and go often, but not all the time
	equal "$(sd systemctl show -P StartLimitIntervalUSec -P StartLimitBurst -P TimeoutStartUSec 'hookmap@hm\x2d0' | sort | tr '\n' ' ')" '100 5min 5min ' "limits"
	# of /run, no more than the lock of iptables
	equal "$(sd systemctl show -P ReadWritePaths 'hookmap@hm\x2d0')" '/sys/fs/bpf -/run/xtables.lock' "what it may write"
	ip link del hm-0
	busywait 60 nothing_pinned
	ip link add name hm-0 type veth peer name hm-1
	busywait 60 attached hm-0 latency
	sd systemctl stop "hookmap@$(systemd-escape hm-0)"
	nothing_pinned
	# a name that looks like an option is a name, which is refused
	sd tee /etc/hookmap/-n.conf <<<policy
	ip link add name -n type veth peer name hm-2
	busywait 60 sd systemctl is-active 'sys-subsystem-net-devices-\x2dn.device'
	run sd systemctl start 'hookmap@\x2dn'
	equal "$status" 1 status
	sd grep 'hookmap-service: -n: a device whose name is like an option has no service' /run/errors
	nothing_pinned
	sd systemctl start "hookmap@$(systemd-escape hm-0)"
	[[ -d /sys/fs/bpf/hookmap/latency ]]
	# a package that is upgraded leaves it alone, one that is removed takes it off
	sd rm -f /usr/sbin/policy-rc.d # of the overlay: a container's, which forbids all
	sd sh -s upgrade <"$HM_TOP/scripts/debian/prerm"
	[[ -d /sys/fs/bpf/hookmap/latency ]]
	sd sh -s remove <"$HM_TOP/scripts/debian/prerm"
	nothing_pinned
	equal "$(ip -j -d link show hm-0 | jq -c '.[0].xdp')" null
}

written_since() { [[ $(sd grep ^hookmap_read_timestamp "$file") != "$1" ]]; }

@test "service: the host's features; reload changes options; the timer writes for Prometheus; a line that is wrong leaves nothing" {
	local file first
	boot
	printf '%s\n' drops 'exec --name sh' | sd tee /etc/hookmap/host.conf
	sd systemctl start hookmap-host
	[[ -d /sys/fs/bpf/hookmap/drops && -d /sys/fs/bpf/hookmap/exec ]]
	equal "$(hookmap -j drops | jq -r 'has("rows")')" true
	printf '%s\n' 'drops --by sip' | sd tee /etc/hookmap/host.conf
	sd systemctl reload hookmap-host
	hookmap drops -s sip
	# what the timer writes into a folder of another user: again and again, at once here
	file=/var/lib/prometheus/node-exporter/hookmap.prom
	sd mkdir -p "${file%/*}" /run/systemd/system/hookmap-prometheus.timer.d
	sd chown 65534 "${file%/*}"
	sd rm -f "$file"
	printf '[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnActiveSec=0\nOnUnitActiveSec=0.1\nAccuracySec=0.1\n' |
		sd tee /run/systemd/system/hookmap-prometheus.timer.d/fast.conf
	equal "$(sd systemd-analyze verify hookmap-prometheus.timer hookmap-prometheus.service 2>&1 | grep hookmap)" "" "systemd-analyze verify"
	sd systemctl daemon-reload
	sd systemctl start hookmap-prometheus.timer
	busywait 60 sd test -s "$file"
	first=$(sd grep ^hookmap_read_timestamp "$file")
	busywait 60 written_since "$first"
	sd systemctl stop hookmap-prometheus.timer
	equal "$(sd stat -c %a "$file")" 644 'mode of the file'
	sd cat "$file" >"$BATS_TEST_TMPDIR/prom"
	# with all of its capabilities, it sees the kernel's symbols, and this namespace's devices
	like "$(<"$BATS_TEST_TMPDIR/prom")" 'hookmap_build_info{'
	like "$(<"$BATS_TEST_TMPDIR/prom")" 'hookmap_map_max_entries{map="drop_row"}'
	sd systemctl stop hookmap-host
	nothing_pinned
	printf '%s\n' drops 'exec --uid nobody' | sd tee /etc/hookmap/host.conf
	run ! sd systemctl start hookmap-host
	nothing_pinned
	sd mkdir /run/x
	run sd /usr/bin/hookmap-service start --host
	equal "$status" 1 status
	like "$output" "hookmap-attach: --uid nobody: expected a number"
	like "$output" "hookmap-service: /etc/hookmap/host.conf, line 2: see above: nothing is attached"
	nothing_pinned
}

@test "service: a start that is killed half-way, as systemd does when the device goes, leaves nothing" {
	local pid status=0
	# one whose second line never ends
	cp -a "$HM_TOP/scripts" "$BATS_TEST_TMPDIR"
	printf '#!/bin/sh\nexec sleep 300\n' >"$BATS_TEST_TMPDIR/scripts/policy.sh"
	printf '%s\n' drops 'hookmap-policy load x' >"$BATS_TEST_TMPDIR/host.conf"
	setsid "$BATS_TEST_TMPDIR/scripts/service.sh" --config "$BATS_TEST_TMPDIR" start --host 3>&- &
	pid=$!
	busywait 60 pgrep -s "$pid" -f '^sleep 300$'
	[[ -d /sys/fs/bpf/hookmap/drops ]]
	kill -TERM -- "-$pid"
	wait "$pid" || status=$?
	# 1 if the signal came to the command first
	[[ $status == 143 || $status == 1 ]] || equal "$status" 143 status
	nothing_pinned
}

@test "service: lines and words of the file are what a shell makes of them; -n shows what would be done" {
	local conf=$BATS_TEST_TMPDIR/conf s=$HM_TOP/scripts/service.sh
	mkdir "$conf"
	ip link add name a0 type veth peer name a1
	# a command that reads does not eat the lines behind it
	printf '%s\n' '# comment' "latency --filter 'proto icmp'" 'hookmap-policy load -' policy >"$conf/a0.conf"
	fails 1 "a0.conf, line 3: see above: nothing is attached" quiet "$s" --config "$conf" start a0
	nothing_pinned
	printf '%s\n' policy "latency --filter 'proto icmp'" >"$conf/a0.conf"
	run -0 "$s" --config "$conf" -n start a0
	like "$output" "+ tc filter add dev a0 ingress"
	nothing_pinned
	"$s" --config "$conf" start a0 2>/dev/null
	printf '%s\n' 'latency --sample 7' 'latency --frob' >"$conf/a0.conf"
	fails 1 "line 2: see above: what is attached stays" quiet "$s" --config "$conf" reload a0
	equal "$(hookmap -j latency | jq .lost.sample)" 7
	run -0 "$s" --config "$conf" -n stop a0
	like "$output" "+ tc filter del dev a0 ingress"
	attached a0 policy
	"$s" --config "$conf" stop a0
	nothing_pinned
	"$s" --config "$conf" stop a0
	printf '%s\n' "latency 'x" >"$conf/a0.conf"
	fails 1 "line 1: a quote is not closed" "$s" --config "$conf" start a0
	# what stop would not take off
	printf '%s\n' policy '--netns web1 latency' >"$conf/a0.conf"
	fails 1 "a0.conf, line 2: --netns: a line is about a0 only" "$s" --config "$conf" start a0
	printf '%s\n' policy 'latency --netns=web1' >"$conf/a0.conf"
	fails 1 "a0.conf, line 2: --netns=web1: a line is about a0 only" "$s" --config "$conf" reload a0
	printf '%s\n' '--host drops' >"$conf/host.conf"
	fails 1 "host.conf, line 1: --host: a line is about the host only" "$s" --config "$conf" start --host
	nothing_pinned
	# a last word that is empty
	printf '%s\n' "latency --mode none --filter ''" >"$conf/a0.conf"
	run -0 "$s" --config "$conf" start a0
	"$s" --config "$conf" stop a0
	fails 1 "none.conf is not there" "$s" --config "$conf" start none
	printf '\n # comment\n' >"$conf/a0.conf"
	fails 1 "a0.conf has no line that attaches anything" "$s" --config "$conf" start a0
	# the examples that are shipped
	ip link add name eth0 type veth peer name eth1
	ip link add name eth2 type veth peer name eth3
	for dev in eth0 --host; do
		"$s" --config "$HM_TOP/scripts/examples" start "$dev" 2>/dev/null
		"$s" --config "$HM_TOP/scripts/examples" stop "$dev"
	done
	"$HM_TOP/scripts/policy.sh" check "$HM_TOP/scripts/examples/rules.json" 2>/dev/null
	fails 2 "start needs one device, or --host" "$s" start
	fails 2 "expected start, reload or stop" "$s" restart a0
}
# quiet COMMAND...: the last line of its errors, of those of the scripts that it ran
quiet() {
	local status=0
	"$@" >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	tail -n 1 "$BATS_TEST_TMPDIR/out" >&2
	return "$status"
}

@test "service: exposure is at most what the page says, and the capabilities are those that were measured" {
	skip_without "systemd" command -v systemd-analyze
	local unit name exposure caps command n=0
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/opt/hm
	while read -r name exposure; do
		unit=$BATS_TEST_TMPDIR/root/opt/hm/lib/systemd/system/$name
		run -0 systemd-analyze security --offline=yes --threshold="${exposure/./}" --no-pager "$unit"
		run ! grep -E '@[a-z]+@' "$unit"
		caps='CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_SYS_ADMIN' command='hookmap-service start'
		[[ $name != *prometheus* ]] || caps='CAP_BPF CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_SYSLOG CAP_DAC_OVERRIDE' command='hookmap --prom'
		like "$(<"$unit")" "ExecStart=/opt/hm/bin/$command"
		equal "$(grep ^CapabilityBoundingSet "$unit")" "CapabilityBoundingSet=$caps" "$name"
		n=$((n + 1))
	done < <(sed -n 's/^\.It Pa \(hookmap.*\.service\) Ta exposure \([0-9.]*\) Ta.*/\1 \2/p' "$HM_TOP/scripts/service.8")
	equal "$n" "$(find "$BATS_TEST_TMPDIR/root" -name '*.service' | wc -l)" 'units in the page'
}

# --- without being root

# can CAPABILITY,...: a user who owns the bpf filesystem and has only these
can() {
	local caps="-all,$1"
	setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set "$caps" --inh-caps "$caps" --ambient-caps "$caps" -- "${@:2}"
}
user_owns() {
	lab_up
	chown 65534 /sys/fs/bpf
	chmod 755 "$HOOKMAP_CGROUP"
	# where the sources and the test's own files are, a user may not be allowed to look
	mount -t tmpfs -o mode=755 tmpfs /mnt
	make -s -C "$HM_TOP" O="$HM_SHIPPED" install DESTDIR=/mnt PREFIX=/usr
	A=/mnt/usr/bin/hookmap-attach D=/mnt/usr/bin/hookmap-detach R=/mnt/usr/bin/hookmap
	unset HOOKMAP_OBJ
}
# pins_mode MODE: of all pins but those that the reader may write to
pins_mode() { find /sys/fs/bpf -type f ! -name '*_ring' ! -name drop_name -exec chmod "$1" {} +; }
on_can() { on host bash -c "$(declare -f can); can \"\$@\"" - "$@"; }

@test "caps: attach with BPF, NET_ADMIN and PERFMON, read with none, detach with SYS_ADMIN, too" {
	local feature name
	user_owns
	for feature in latency l2fwd policy; do
		on_can +bpf,+net_admin,+perfmon "$A" eth0 "$feature"
		name=${feature/l2fwd/fdb}
		pins_mode 400
		equal "$(on_can -all "$R" -j "$name" | jq 'has("rows")')" true "$name"
		pins_mode 600
		on_can +bpf,+net_admin,+perfmon,+sys_admin "$D" eth0
		nothing_left
	done
	on_can +bpf,+net_admin,+perfmon "$A" --host drops path pktlat exec open napi
	pins_mode 400
	for name in drops napi pktlat; do
		equal "$(on_can +bpf "$R" -j "$name" | jq 'has("rows")')" true "$name"
	done
	on_can +bpf "$R" --drain -c 1 exec
	pins_mode 600
	on_can +bpf,+net_admin,+perfmon,+sys_admin "$D" --host
	nothing_left
}

@test "caps: maps that have BTF are read with SYS_ADMIN, as bpftool does: said, not taken for empty" {
	user_owns
	on host "$A" eth0 l2fwd
	"$A" --host pktlat
	chown -R 65534 /sys/fs/bpf
	fails 1 "must be root: try sudo hookmap-fdb; or have CAP_SYS_ADMIN" on_can +bpf,+net_admin "${A%attach}fdb" add 02:00:00:00:00:01 dev eth0
	fails 1 "must be root: try sudo hookmap-clock; or have CAP_SYS_ADMIN" on_can +bpf "${A%attach}clock"
	on_can +bpf,+net_admin,+sys_admin "${A%attach}fdb" add 02:00:00:00:00:01 dev eth0
	equal "$(hookmap -j fdb | jq -c '[.rows[].mac]')" '["02:00:00:00:00:01"]'
}

@test "caps: what is missing is named, before anything is changed" {
	user_owns
	fails 1 "must be root: try sudo hookmap-attach; or have CAP_BPF CAP_NET_ADMIN CAP_PERFMON" on_can -all "$A" eth0
	fails 1 "have CAP_PERFMON" on_can +bpf,+net_admin "$A" eth0
	fails 1 "have CAP_NET_ADMIN" on_can +bpf,+perfmon "$A" eth0
	fails 1 "have CAP_BPF" on_can +net_admin,+perfmon "$A" eth0
	nothing_left
	on_can +bpf,+net_admin,+perfmon "$A" eth0
	# whose program is that?
	fails 1 "have CAP_SYS_ADMIN" on_can +bpf,+net_admin,+perfmon "$A" eth0
	fails 1 "have CAP_SYS_ADMIN" on_can +bpf,+net_admin,+perfmon "$D" eth0
	like "$(on host "$HM_TOP/scripts/status.sh" eth0)" latency_xdp
	on_can +bpf,+net_admin,+perfmon,+sys_admin "$D" eth0
	nothing_left
}
