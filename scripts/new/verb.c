// SPDX-License-Identifier: GPL-2.0-only
/* sample.c - hookmap sample: packets that the stack is given (map sample_stat) */
#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "rows.h"
#include "verb.h"

static const struct out_col cols[] = {
	{ "packets", "PACKETS", OUT_U64 },
	{ "bytes", "BYTES", OUT_U64 },
};

static int sample_run(const struct options *opt)
{
	struct json_object *top = opt->output == OUT_JSON ? json_object_new_object() : NULL;
	struct sample_stat st = {};
	struct out *o = NULL;
	int err;

	err = rows_stat(opt, "sample_stat", (__u64 *)&st, sizeof(st) / 8);
	if (!err)
		o = out_new(opt, cols, sizeof(cols) / sizeof(cols[0]));
	if (!err && !o) {
		fail("sample: %s", strerror(ENOMEM));
		err = -ENOMEM;
	}
	if (!err) {
		out_row(o);
		out_u64(o, st.packets);
		out_u64(o, st.bytes);
		out_section(o, top, "rows", NULL);
	}
	if (!err && top)
		json_print(opt, top);
	json_object_put(top);
	return err < 0;
}

VERB(sample, .help = "packets that the stack is given", .run = sample_run)
