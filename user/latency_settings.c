// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency_settings.c - what attach.sh has set for latency.
 */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <net/if.h>

#include "names.h"
#include "settings.h"

struct filter_device {
	const struct settings *s;
	__u32 ifindex;
	char name[IF_NAMESIZE + 8];
};

static int filter_device(const void *key, const void *value, void *arg)
{
	const struct hm_dev_key *k = key;
	const struct hm_dev *dev = value;
	struct filter_device *d = arg;

	if (k->netns && k->ifindex == d->ifindex && dev->features & HM_FEAT_latency &&
	    !(dev->flags & HM_DEV_NETNS) &&
	    !(d->s->names && names_left(d->s->names, dev->nsid, k->ifindex)))
		snprintf(d->name, sizeof(d->name), "%s",
			 d->s->names ? names_device(d->s->names, dev->nsid, k->ifindex)
				     : dev->name);
	return 0;
}

static void filter_setting(struct settings *s, const struct lat_cfg *cfg)
{
	struct filter_device d = { .s = s, .ifindex = cfg->ifindex };
	char match[256], text[300] = "none";

	condition_text(&cfg->match, match, sizeof(match));
	if (cfg->ifindex)
		pin_read(s->opt, "hm_dev", false, NULL, filter_device, &d);
	if (!*d.name)
		if_indextoname(cfg->ifindex, d.name);
	if (cfg->flags & LAT_F_FILTER && !cfg->ifindex)
		snprintf(text, sizeof(text), "%s", match);
	else if (cfg->flags & LAT_F_FILTER)
		snprintf(text, sizeof(text), "dev %s%s%s", *d.name ? d.name : "?",
			 *match ? " " : "", match);
	if (cfg->flags & LAT_F_FILTER && cfg->ifindex && !*d.name)
		return set_unknown(s, "filter", text, "its device no longer exists");
	set_condition(s, "filter", text, "none");
}

/* The program after ours, unless that is l2fwd */
static void next_setting(struct settings *s)
{
	static const char *const maps[] = { "xdp_next", "xdp_next_xdp", "xdp_next_frags" };

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		struct bpf_prog_info info = {};
		int fd = pin_open(s->opt, maps[i], false);
		__u32 id;

		if (!(s->dev->features & HM_FEAT_l2fwd) && fd >= 0 &&
		    !bpf_map_lookup_elem(fd, &s->key->ifindex, &id) && !program_info(id, &info))
			set_unknown(s, "next", info.name, "the kernel does not know its file");
		if (fd >= 0)
			close(fd);
	}
}

void latency_settings(struct settings *s)
{
	struct lat_cfg cfg = {};

	if (s->dev) {
		set_number(s, "pref", s->dev->pref ?: 1, 1);
		if (s->dev->flags & HM_DEV_NETNS)
			return;
		set_text(s, "mode",
			 s->dev->flags & HM_DEV_NOXDP	  ? "none"
			 : s->dev->flags & HM_DEV_GENERIC ? "generic"
							  : "native",
			 "native");
		next_setting(s);
		return;
	}
	if (settings_value(s, "lat_cfg", &cfg))
		return;
	set_number(s, "sample", cfg.sample ?: 1, LAT_SAMPLE_DEFAULT);
	filter_setting(s, &cfg);
	if (cfg.flags & LAT_F_INPACKET)
		set_number(s, "inpacket", ntohs(cfg.inpacket_port), 0);
	else
		set_text(s, "inpacket", "off", "off");
}
