#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What the reader calls a network namespace: rows of map napi_hist that the test writes

# each test has a shell of its own
# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0
. "${BATS_TEST_DIRNAME}/../sandbox.bash"

ID=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

setup() {
	# shellcheck source=/dev/null
	. "$HM_TOP/scripts/lib.sh"
	load_abi
	local map
	mkdir -p "$G"
	for map in napi_hist:40:152:8192 napi_who:40:24:2048 drop_name:16:56:8192; do
		IFS=: read -r map key value entries <<<"$map"
		bpftool -n map create "$G/$map" type hash key "$key" value "$value" entries "$entries" name "$map"
	done
	bpftool -n map create "$G/napi_stat" type percpu_array key 4 value 40 entries 1 name napi_stat
}

# process CGROUP: one in a namespace without a name and in this cgroup, in PID
process() {
	mkdir -p "$HOOKMAP_CGROUP/$1"
	bash -c 'echo $$ >"$1/cgroup.procs"; exec unshare --net -- sleep 300' bash "$HOOKMAP_CGROUP/$1" 3>&- &
	PID=$!
	busywait 5 bash -c "[[ \$(</proc/$PID/comm) == sleep ]]"
	INODE=$(stat -L -c %i "/proc/$PID/ns/net")
}

# called: what the reader calls the namespace of PID
called() {
	struct_new napi_key
	field napi_key.name eth0
	field napi_key.kind "$NAPI_POLL"
	field napi_key.netns "$INODE"
	field napi_key.cookie "$(nsenter --net="/proc/$PID/ns/net" -- "$HM_BUILD/hookmap" status --cookie)"
	KEY=("${VALUE[@]}")
	struct_new lat_row
	field lat_row.bucket 01
	bpftool map update pinned "$G/napi_hist" key hex "${KEY[@]}" value hex "${VALUE[@]}"
	now
	bpftool map delete pinned "$G/napi_hist" key hex "${KEY[@]}"
}
now() { hookmap -j napi | jq -r '.rows[0].netns'; }

@test "names: the reader's own namespace is the host" {
	PID=$BASHPID INODE=$(stat -L -c %i /proc/self/ns/net)
	equal "$(called)" host
}

@test "names: a namespace without a name: the oldest process; unit, container, machine, pod" {
	local where name
	while read -r where name; do
		process "$where"
		equal "$(called)" "${name/INODE/$INODE}" "in $where"
		kill "$PID"
	done <<E2
plain sleep:INODE
system.slice/web.service web.service
system.slice/docker-$ID.scope ${ID:0:12}
docker/$ID ${ID:0:12}
machine.slice/libpod-$ID.scope/container ${ID:0:12}
kubepods.slice/kubepods-pod1.slice/cri-containerd-$ID.scope ${ID:0:12}
machine.slice/machine-vm1.scope vm1
lxc.payload.c1/system.slice/docker-$ID.scope c1
user.slice/user-1000.slice/user@1000.service/docker-$ID.scope user-1000/${ID:0:12}
user.slice/user-1000.slice/user@1000.service/app.slice/mine.service user-1000/mine.service
system.slice/own.service/docker-$ID.scope own.service
E2
}

@test "names: containers and pods have the names that their runtimes keep, and users have not" {
	local dir
	mount -t tmpfs none /var/lib
	mount -t tmpfs none /run
	process "system.slice/docker-$ID.scope"
	mkdir -p "/var/lib/docker/containers/$ID"
	printf '{"Name":"/web"}' >"/var/lib/docker/containers/$ID/config.v2.json"
	equal "$(called)" web docker
	# a user may call anything by the id
	process "user.slice/user@1000.service/docker-$ID.scope"
	equal "$(called)" "user-1000/${ID:0:12}" "a user's"
	rm -r /var/lib/docker
	process "machine.slice/libpod-$ID.scope"
	mkdir -p /var/lib/containers/storage/overlay-containers
	printf '[{"id":"%064d","names":["other"]},{"id":"%s","names":["db"]}]' 0 "$ID" >/var/lib/containers/storage/overlay-containers/containers.json
	equal "$(called)" db podman
	dir=/run/containerd/io.containerd.runtime.v2.task/k8s.io/$ID
	mkdir -p "$dir"
	printf '{"annotations":{"io.kubernetes.cri.sandbox-name":"web-1","io.kubernetes.cri.sandbox-namespace":"shop"}}' >"$dir/config.json"
	process "kubepods/cri-containerd-$ID.scope"
	equal "$(called)" shop/web-1 containerd
	rm -r /run/containerd
	dir=/run/containers/storage/overlay-containers/$ID/userdata
	mkdir -p "$dir"
	printf '{"annotations":{"io.kubernetes.pod.name":"web-2","io.kubernetes.pod.namespace":"shop"}}' >"$dir/config.json"
	process "kubepods/crio-$ID.scope"
	equal "$(called)" shop/web-2 CRI-O
	# what a runtime keeps may be broken
	printf '{"annotations":7}' >"$dir/config.json"
	printf 'no json' >/var/lib/containers/storage/overlay-containers/containers.json
	equal "$(called)" "${ID:0:12}" 'broken files'
}
