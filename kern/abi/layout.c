// SPDX-License-Identifier: GPL-2.0-only
/*
 * layout.c - all of abi.h in one object, which is never loaded: layout.jq turns its BTF
 * into shell assignments. The Makefile finds the names that abi.h defines:
 *   TYPES   each struct and enum, as a variable
 *   MACROS  each macro, by its name in quotes
 */
#ifdef MACROS
#include "abi.h"
#include MACROS
#else
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include TYPES

enum bpf_map_type map_types;

#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                                \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##TYPE);                                                 \
		__uint(key, sizeof(KEY));                                                          \
		__uint(value, sizeof(VALUE));                                                      \
		__uint(entries, ENTRIES);                                                          \
		__uint(flags, FLAGS);                                                              \
	} NAME SEC(".maps");
HM_MAPS(MAP)
#endif
