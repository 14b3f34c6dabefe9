# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sample.sh - the feature sample: packets that the stack is given.

host_feature sample sample_receive <<'EOF'
sample (of the host): packets that the stack is given
EOF
