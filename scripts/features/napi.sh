# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# napi.sh - the feature napi: batches of NAPI polls and devmaps, delay of NET_RX.

host_feature napi napi_poll napi_devmap napi_raise napi_softirq <<'EOF'
napi (of the host): packets per NAPI poll, frames per devmap batch, delay of the
softirq NET_RX, by device and CPU
EOF
