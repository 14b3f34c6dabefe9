// SPDX-License-Identifier: GPL-2.0-only
/*
 * reasons.c - why a packet was dropped: the kernel's reasons by the names in its BTF.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "hookmap.h"

#define PREFIX	     "SKB_DROP_REASON_"
#define SUBSYS	     PREFIX "SUBSYS_"
#define SUBSYS_SHIFT 16

struct reasons {
	struct btf *vmlinux;
	int reason, subsys;    /* ids of the enums in vmlinux; negative = not there */
	struct btf *module[8]; /* of subsystems that are modules */
	size_t nmodules;
};

/* Subsystems have their own enums, with the high bits set in their values; the names of enums
 * and modules follow no rule. */
static const struct {
	const char *subsys, *module;
	const char *enums[4];
} subsystems[] = {
	{ "OPENVSWITCH", "openvswitch", { "ovs_drop_reason" } },
	{ "MAC80211_UNUSABLE",
	  "mac80211",
	  { "mac80211_drop_reason", "ieee80211_rx_result", "___mac80211_drop_reason" } },
	{ "MAC80211_MONITOR", "mac80211", { "mac80211_drop_reason" } },
};
#define NSUBSYSTEMS (sizeof(subsystems) / sizeof(subsystems[0]))

struct reasons *reasons_new(void)
{
	struct reasons *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->vmlinux = btf__load_vmlinux_btf();
	if (libbpf_get_error(r->vmlinux))
		r->vmlinux = NULL;
	r->reason = r->subsys = -1;
	if (r->vmlinux) {
		r->reason = btf__find_by_name_kind(r->vmlinux, "skb_drop_reason", BTF_KIND_ENUM);
		r->subsys =
			btf__find_by_name_kind(r->vmlinux, "skb_drop_reason_subsys", BTF_KIND_ENUM);
	}
	for (size_t i = 0; r->vmlinux && i < NSUBSYSTEMS; i++) {
		struct btf *btf;

		if (i && !strcmp(subsystems[i].module, subsystems[i - 1].module))
			continue;
		btf = btf__load_module_btf(subsystems[i].module, r->vmlinux);
		if (!libbpf_get_error(btf))
			r->module[r->nmodules++] = btf;
	}
	return r;
}

void reasons_free(struct reasons *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nmodules; i++)
		btf__free(r->module[i]);
	btf__free(r->vmlinux);
	free(r);
}

bool reasons_known(const struct reasons *r)
{
	return r->reason > 0;
}

/* The name of VALUE in the enum ID, or NULL. */
static const char *enum_name(const struct btf *btf, int id, __u32 value)
{
	const struct btf_type *t;
	const struct btf_enum *e;

	if (id <= 0)
		return NULL;
	t = btf__type_by_id(btf, id);
	e = btf_enum(t);
	for (int i = 0; i < btf_vlen(t); i++, e++) {
		if ((__u32)e->val == value)
			return btf__name_by_offset(btf, e->name_off);
	}
	return NULL;
}

static const char *enum_find(const struct btf *btf, const char *name, __u32 value)
{
	return enum_name(btf, btf__find_by_name_kind(btf, name, BTF_KIND_ENUM), value);
}

static const char *subsystem_reason(const struct reasons *r, const char *subsys, __u32 reason)
{
	const char *name = NULL;

	for (size_t i = 0; i < NSUBSYSTEMS; i++) {
		if (strcmp(subsystems[i].subsys, subsys))
			continue;
		for (int j = 0; j < 4 && subsystems[i].enums[j]; j++) {
			name = enum_find(r->vmlinux, subsystems[i].enums[j], reason);
			for (size_t m = 0; !name && m < r->nmodules; m++)
				name = enum_find(r->module[m], subsystems[i].enums[j], reason);
			if (name)
				return name;
		}
	}
	return NULL;
}

char *reasons_name(const struct reasons *r, __u32 reason, char *buf, size_t size)
{
	const char *name = NULL, *subsys = NULL;

	if (reason == DROP_NO_REASON) {
		snprintf(buf, size, "NONE_GIVEN");
		return buf;
	}
	if (r->vmlinux && !(reason >> SUBSYS_SHIFT)) {
		name = enum_name(r->vmlinux, r->reason, reason);
	} else if (r->vmlinux) {
		subsys = enum_name(r->vmlinux, r->subsys, reason >> SUBSYS_SHIFT);
		if (subsys && !strncmp(subsys, SUBSYS, sizeof(SUBSYS) - 1)) {
			subsys += sizeof(SUBSYS) - 1;
			name = subsystem_reason(r, subsys, reason);
		}
	}
	if (name)
		snprintf(buf, size, "%s", name);
	else if (subsys)
		snprintf(buf, size, "%s:%u", subsys, reason & ((1U << SUBSYS_SHIFT) - 1));
	else if (reason >> SUBSYS_SHIFT)
		snprintf(buf, size, "%u:%u", reason >> SUBSYS_SHIFT,
			 reason & ((1U << SUBSYS_SHIFT) - 1));
	else
		snprintf(buf, size, "%u", reason);
	return buf;
}

int reasons_each(const struct reasons *r, int (*each)(__u32 reason, const char *name, void *arg),
		 void *arg)
{
	const struct btf_type *t;
	const struct btf_enum *e;
	int err = 0;

	if (r->reason <= 0)
		return 0;
	t = btf__type_by_id(r->vmlinux, r->reason);
	e = btf_enum(t);
	for (int i = 0; !err && i < btf_vlen(t); i++, e++)
		err = each(e->val, btf__name_by_offset(r->vmlinux, e->name_off), arg);
	return err;
}

const char *reason_short(const char *name)
{
	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) ? name : name + sizeof(PREFIX) - 1;
}

const char *reason_name(__u32 reason)
{
	static struct reasons *known;
	static char text[64];

	if (!known)
		known = reasons_new();
	if (!known) {
		snprintf(text, sizeof(text), "reason %u", reason);
		return text;
	}
	reasons_name(known, reason, text, sizeof(text));
	return strncmp(text, PREFIX, sizeof(PREFIX) - 1) ? text : text + sizeof(PREFIX) - 1;
}
