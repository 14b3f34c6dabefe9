# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ovslat.sh - the feature ovslat: time in Open vSwitch's kernel datapath, by port.

HOST_WHY[ovslat]='does the kernel have fentry or kprobes?'
host_feature ovslat ovslat_entry ovslat_exit <<'EOF'
ovslat (of the host): time in ovs_vport_receive, by input port (Open vSwitch)
EOF

ovslat_before() {
	[[ -d /sys/module/openvswitch ]] || ((DRY_RUN)) ||
		die "the module openvswitch is not loaded: there is no ovs_vport_receive to measure"
}
