// SPDX-License-Identifier: GPL-2.0-only
/*
 * reasons.c - names of drop reasons, from the running kernel's BTF: their numbers
 * differ between kernels.
 */
#include <linux/btf.h>
#include <string.h>

#include <bpf/btf.h>

#include "hookmap.h"

const char *reason_name(__u32 reason)
{
	static char text[64];
	static struct btf *btf;
	static bool tried;
	const struct btf_type *t;
	const struct btf_enum *e;
	const char *name;
	int id;

	if (!tried)
		btf = btf__load_vmlinux_btf();
	tried = true;
	id = btf ? btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM) : -1;
	t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	e = t ? btf_enum(t) : NULL;
	for (int i = 0; t && i < btf_vlen(t); i++, e++) {
		if ((__u32)e->val != reason)
			continue;
		name = btf__name_by_offset(btf, e->name_off);
		return strncmp(name, "SKB_DROP_REASON_", 16) ? name : name + 16;
	}
	/* the high half is the subsystem that has numbers of its own */
	if (reason >> 16)
		snprintf(text, sizeof(text), "subsystem %u reason %u", reason >> 16,
			 reason & 0xffff);
	else
		snprintf(text, sizeof(text), "reason %u", reason);
	return text;
}
