# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# exec.sh - the feature exec: every exec on the host, and the exits of started programs.

HOST_WHY[exec]='does the kernel have raw system call tracepoints?'
host_feature exec filter exec_done exec_failed exec_exit <<'EOF'
exec (of the host): every exec, also failed ones, and exits
EOF
