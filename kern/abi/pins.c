// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins.c - the maps of one header of abi/, listed by the macro PINS. Scripts make maps with BTF
 * from it (maps_create of scripts/lib/maps.sh): bpftool pins the maps that an object declares,
 * and loads an object only if it has a program.
 */
#include "maps.h"

/* l2_fdb's size is chosen at attach */
#define PIN(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                                \
	HM_DECLARE(NAME, TYPE, KEY, VALUE, (ENTRIES) ? (ENTRIES) : L2_FDB_DEFAULT, FLAGS);
PINS(PIN)

SEC("socket")
int pins(void *ctx)
{
	return 0;
}
