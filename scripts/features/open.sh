# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# open.sh - the feature open: every open, openat, openat2 and creat on the host.

HOST_WHY[open]='does the kernel have raw system call tracepoints?'
host_feature open filter open_exit <<'EOF'
open (of the host): every open, openat, openat2 and creat
EOF
