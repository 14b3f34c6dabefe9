/* SPDX-License-Identifier: GPL-2.0-only */
/* beside.h - facts beside the rules, see beside.c */
#ifndef HOOKMAP_RULES_BESIDE_H
#define HOOKMAP_RULES_BESIDE_H

#include "rules.h"

enum kind {
	SNAT,
	DNAT,
	FORWARD,
	MSS,
	XFRM,
	RPF,
	SETMARK,
	NOFORWARD,
	NODEFAULT,
	NOIPV6,
	SELF,
	SPOOF,
	VMARK,
	PORT,
	VRF,
	UNSEEN,
	NOROUTE,
	ENCAP,
	MTU,
	ALTER,
	TCBEHIND,
	IPRULE,
	NOASK6,
	ABOVE,
	ENCAPDEV,
	FLOWTABLE,
	CARRIES,
	IIF,
	ATTACHED,
	KINDS
};

struct fact {
	enum kind kind;
	const char *tool, *dev, *indev, *text;
	int family;
	struct prefix src, dst;
};

/* Writes the meaning of the first fact of its kind to TEXT. */
void fact_text(const struct fact *f, char *text, size_t size);

#endif
