// SPDX-License-Identifier: GPL-2.0-only
/*
 * brief.c - hookmap without a verb: attached devices, the slowest stage and the most frequent
 * drop. With -j: devices (device, netns, ifindex, features, mode), and the worst row of latency
 * and of drops, or null.
 */
#include <string.h>

#include "drops.h"
#include "out.h"

static void brief_latency(const struct options *opt)
{
	struct latency_worst worst = {};
	char device[TEXT_MAX], netns[TEXT_MAX], p50[16];
	bool known = pin_there(opt, "lat_cfg") && !latency_worst(opt, &worst);

	if (json_on() && worst.count) {
		json_open("latency", '{');
		json_str("from", worst.from);
		json_str("to", worst.to);
		json_str("device", worst.device);
		json_str("netns", worst.netns);
		json_u64("count", worst.count);
		json_u64("p50_ns", worst.p50);
		json_close();
	} else if (json_on()) {
		json_null("latency");
	} else if (worst.count) {
		printf("slowest stage: %s to %s on %s in %s, half of %llu packets took over %s "
		       "(hookmap latency --explain)\n",
		       worst.from, worst.to, text_plain(worst.device, device, sizeof(device)),
		       text_plain(worst.netns, netns, sizeof(netns)), worst.count,
		       format_ns(worst.p50, p50, sizeof(p50)));
	} else if (known) {
		printf("latency: nothing measured yet (hookmap latency)\n");
	}
}

static int brief_drops(const struct options *opt)
{
	char device[TEXT_MAX], netns[TEXT_MAX];
	const struct drop_line *worst = NULL;
	struct drop_table t = {};
	bool known = pin_there(opt, "drop_cfg");
	int err = known ? drops_read(opt, &t) : 0;

	if (err)
		return err;
	drops_merge(&t);
	for (size_t i = 0; i < t.n; i++) {
		const struct drop_line *line = &t.line[i];

		if (!line->benign && !line->verdict && line->packets &&
		    (!worst || line->packets > worst->packets))
			worst = line;
	}
	if (json_on() && worst) {
		json_open("drops", '{');
		json_str("reason", worst->col[COL_REASON]);
		json_str("device", worst->col[COL_DEVICE]);
		json_str("netns", worst->col[COL_NETNS]);
		json_u64("packets", worst->packets);
		json_close();
	} else if (json_on()) {
		json_null("drops");
	} else if (worst) {
		printf("most lost: %llu packets by %s on %s in %s (hookmap drops --explain)\n",
		       worst->packets, worst->col[COL_REASON],
		       text_plain(worst->col[COL_DEVICE], device, sizeof(device)),
		       text_plain(worst->col[COL_NETNS], netns, sizeof(netns)));
	} else if (known) {
		printf("drops: no losses\n");
	}
	drops_free(&t);
	return 0;
}

int brief_run(const struct options *opt)
{
	size_t attached = 0;
	int err;

	json_open(NULL, '{');
	err = status_devices(opt, &attached);
	if (!err && !json_on())
		printf("%s", attached
				     ? "\n"
				     : "nothing is attached: hookmap attach DEV, or hookmap attach "
				       "--host drops (hookmap help)\n");
	if (!err) {
		brief_latency(opt);
		err = brief_drops(opt);
	}
	json_close();
	return err < 0;
}
