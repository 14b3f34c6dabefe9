// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_reasons.c - what drop reasons mean: of the rows (--explain), or all (--reasons).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drops.h"
#include "out.h"

void drops_explain(const struct drop_table *t)
{
	const struct reason_text **seen = calloc(t->n + 1, sizeof(const void *));
	size_t n = 0;

	printf("\n");
	for (size_t i = 0; seen && i < t->n; i++) {
		const char *reason = t->line[i].col[COL_REASON];
		const struct reason_text *text =
			t->line[i].text ?: reason_text(reason, t->line[i].col[COL_LOCATION], 0);
		size_t j = 0;

		if (!drops_shown(&t->line[i]) || !strcmp(reason, "*"))
			continue;
		while (j < n && seen[j] != text)
			j++;
		if (j < n)
			continue;
		seen[n++] = text;
		printf("%s: %s%s%s\n", reason_short(reason), text->means,
		       *text->look ? "; look at: " : "", text->look);
	}
	free(seen);
}

static int reason_row(__u32 reason, const char *name, void *arg)
{
	const struct reason_text *text = reason_text(name, "", 0);
	struct out *o = arg;

	out_row(o);
	out_u64(o, reason);
	out_str(o, name);
	out_str(o, text->layer);
	out_str(o, text->means);
	out_str(o, text->look);
	return 0;
}

/* --reasons: all that the kernel knows. */
int drops_reasons(const struct options *opt)
{
	static const struct out_col cols[] = {
		{ "number", "NUMBER", OUT_U64 }, { "reason", "REASON", OUT_STR },
		{ "layer", "LAYER", OUT_STR },	 { "means", "MEANS", OUT_STR },
		{ "look", "LOOK AT", OUT_STR },
	};
	struct reasons *r = reasons_new();
	struct out *o;

	if (!r || !reasons_known(r)) {
		fail("the kernel has no BTF with its drop reasons (/sys/kernel/btf/vmlinux)");
		reasons_free(r);
		return -ENOENT;
	}
	json_open(NULL, '{');
	o = OUT_ROWS(opt, "rows", NULL, cols);
	reasons_each(r, reason_row, o);
	out_end(o);
	json_close();
	reasons_free(r);
	return 0;
}
