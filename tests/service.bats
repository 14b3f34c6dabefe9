#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The units under systemd itself, and what can be done without being root

. "${BATS_TEST_DIRNAME}/sandbox.bash"

# --- systemd as PID 1 of namespaces, with what make install made in its root

boot() {
	skip_without "systemd" command -v systemctl
	skip_without "udev" command -v udevadm
	local i
	SYSTEM=$BATS_TEST_TMPDIR/system
	mkdir "$SYSTEM"
	mount -t tmpfs -o mode=755 tmpfs "$SYSTEM"
	make -s -C "$HM_TOP" O="$HM_BUILD" install DESTDIR="$SYSTEM/up" PREFIX=/usr
	CONF=$SYSTEM/up/etc/hookmap
	unshare --pid --fork --kill-child --mount --cgroup -- "$HM_TOP/tests/systemd.sh" "$SYSTEM" >&2 3>&- &
	UNSHARE=$!
	busywait 20 booted
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
	busywait 20 attached hm-0 policy
	equal "$(hookmap -j latency | jq .lost.sample)" 1
	ip link del hm-0
	busywait 20 nothing_pinned
	ip link add name hm-0 type veth peer name hm-1
	busywait 20 attached hm-0 latency
	sd systemctl stop "hookmap@$(systemd-escape hm-0)"
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

@test "service: the host's features; reload changes options; a line that is wrong leaves nothing" {
	boot
	printf '%s\n' drops 'exec --name sh' | sd tee /etc/hookmap/host.conf
	sd systemctl start hookmap-host
	[[ -d /sys/fs/bpf/hookmap/drops && -d /sys/fs/bpf/hookmap/exec ]]
	equal "$(hookmap -j drops | jq -r 'has("rows")')" true
	printf '%s\n' 'drops --by sip' | sd tee /etc/hookmap/host.conf
	sd systemctl reload hookmap-host
	hookmap drops -s sip
	sd systemctl stop hookmap-host
	nothing_pinned
	printf '%s\n' drops 'exec --uid nobody' | sd tee /etc/hookmap/host.conf
	run ! sd systemctl start hookmap-host
	nothing_pinned
	sd mkdir /run/x
	run sd /usr/bin/hookmap-service start --host
	equal "$status" 1 status
	like "$output" "/etc/hookmap/host.conf, line 2: see above"
	nothing_pinned
}

@test "service: exposure is 3.5 at most, and the capabilities are those that were measured" {
	skip_without "systemd" command -v systemd-analyze
	local unit
	make -s -C "$HM_TOP" O="$HM_BUILD" install DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/opt/hm
	for unit in hookmap@.service hookmap-host.service; do
		unit=$BATS_TEST_TMPDIR/root/opt/hm/lib/systemd/system/$unit
		run -0 systemd-analyze security --offline=yes --threshold=35 --no-pager "$unit"
		like "$(<"$unit")" "ExecStart=/opt/hm/lib/hookmap/scripts/service.sh start"
		equal "$(grep ^CapabilityBoundingSet "$unit")" "CapabilityBoundingSet=CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_SYS_ADMIN"
		run ! grep -E '@(libdir|hardening)@' "$unit"
	done
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
	make -s -C "$HM_TOP" O="$HM_BUILD" install DESTDIR=/mnt PREFIX=/usr
	A=/mnt/usr/bin/hookmap-attach D=/mnt/usr/bin/hookmap-detach R=/mnt/usr/bin/hookmap
	unset HOOKMAP_OBJ
}
on_can() { on host bash -c "$(declare -f can); can \"\$@\"" - "$@"; }

@test "caps: attach with BPF, NET_ADMIN and PERFMON, read with none, detach with SYS_ADMIN, too" {
	local feature name
	user_owns
	for feature in latency l2fwd policy; do
		on_can +bpf,+net_admin,+perfmon "$A" eth0 "$feature"
		name=${feature/l2fwd/fdb}
		equal "$(on_can -all "$R" -j "$name" | jq 'has("rows")')" true "$name"
		on_can +bpf,+net_admin,+perfmon,+sys_admin "$D" eth0
		nothing_left
	done
	on_can +bpf,+net_admin,+perfmon "$A" --host drops path pktlat exec open napi
	for name in drops napi pktlat; do
		equal "$(on_can +bpf "$R" -j "$name" | jq 'has("rows")')" true "$name"
	done
	on_can +bpf "$R" --drain -c 1 exec
	on_can +bpf,+net_admin,+perfmon,+sys_admin "$D" --host
	nothing_left
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
