// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins.c - the maps of one header of abi/, which the macro PINS lists, so that scripts can
 * make them with BTF (maps_create of scripts/lib/maps.sh): bpftool pins what an object
 * declares, and loads none without a program.
 */
#include "maps.h"

#define PIN(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                                \
	HM_DECLARE(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS);
PINS(PIN)

SEC("socket")
int pins(void *ctx)
{
	return 0;
}
