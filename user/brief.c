// SPDX-License-Identifier: GPL-2.0-only
/*
 * brief.c - hookmap without a verb: what is attached, and the worst of it: the slowest stage
 * and the most frequent drop. With -j: devices (device, netns, ifindex, features, mode), and
 * latency and drops with the row that is the worst, or null.
 */
#include <string.h>

#include <json-c/json.h>

#include "drops.h"

static int brief_latency(const struct options *opt, struct json_object *top)
{
	struct latency_worst worst;
	struct json_object *row;
	char p99[16];

	if (!pin_there(opt, "lat_cfg") || latency_worst(opt, &worst))
		return 0;
	if (top && worst.count) {
		row = json_object_new_object();
		json_object_object_add(row, "from", json_object_new_string(worst.from));
		json_object_object_add(row, "to", json_object_new_string(worst.to));
		json_object_object_add(row, "device", json_text(worst.device));
		json_object_object_add(row, "netns", json_text(worst.netns));
		json_object_object_add(row, "count", json_object_new_uint64(worst.count));
		json_object_object_add(row, "p50_ns", json_object_new_uint64(worst.p50));
		json_object_object_add(top, "latency", row);
	} else if (!top && worst.count) {
		char device[TEXT_MAX], netns[TEXT_MAX];

		printf("slowest stage: %s to %s on %s in %s, half of %llu packets took over %s "
		       "(hookmap latency --explain)\n",
		       worst.from, worst.to, text_plain(worst.device, device, sizeof(device)),
		       text_plain(worst.netns, netns, sizeof(netns)), worst.count,
		       format_ns(worst.p50, p99, sizeof(p99)));
	} else if (!top) {
		printf("latency: nothing measured yet (hookmap latency)\n");
	}
	return 0;
}

static int brief_drops(const struct options *opt, struct json_object *top)
{
	const struct drop_line *worst = NULL;
	struct drop_table t = {};
	struct json_object *row;
	int err;

	if (!pin_there(opt, "drop_cfg"))
		return 0;
	err = drops_read(opt, &t);
	if (err)
		return err;
	drops_merge(&t);
	for (size_t i = 0; i < t.n; i++) {
		const struct drop_line *line = &t.line[i];

		if (!line->benign && !line->verdict && line->packets &&
		    (!worst || line->packets > worst->packets))
			worst = line;
	}
	if (top && worst) {
		row = json_object_new_object();
		json_object_object_add(row, "reason", json_text(worst->col[COL_REASON]));
		json_object_object_add(row, "device", json_text(worst->col[COL_DEVICE]));
		json_object_object_add(row, "netns", json_text(worst->col[COL_NETNS]));
		json_object_object_add(row, "packets", json_object_new_uint64(worst->packets));
		json_object_object_add(top, "drops", row);
	} else if (!top && worst) {
		char device[TEXT_MAX], netns[TEXT_MAX];

		printf("most lost: %llu packets by %s on %s in %s (hookmap drops --explain)\n",
		       worst->packets, worst->col[COL_REASON],
		       text_plain(worst->col[COL_DEVICE], device, sizeof(device)),
		       text_plain(worst->col[COL_NETNS], netns, sizeof(netns)));
	} else if (!top) {
		printf("drops: no losses\n");
	}
	drops_free(&t);
	return 0;
}

int brief_run(const struct options *opt)
{
	struct json_object *top = opt->output == OUT_JSON ? json_object_new_object() : NULL;
	size_t attached = 0;
	int err = status_devices(opt, top, &attached);

	if (top) {
		json_object_object_add(top, "latency", NULL);
		json_object_object_add(top, "drops", NULL);
	}
	if (!err && !attached && !top)
		printf("nothing is attached: hookmap attach DEV, or hookmap attach --host drops "
		       "(hookmap help)\n");
	if (!err && !top && attached)
		putchar('\n');
	if (!err)
		err = brief_latency(opt, top);
	if (!err)
		err = brief_drops(opt, top);
	if (top && !err)
		json_print(opt, top);
	json_object_put(top);
	return err < 0;
}
