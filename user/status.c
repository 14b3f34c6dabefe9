// SPDX-License-Identifier: GPL-2.0-only
/*
 * status.c - hookmap status: pinned maps and whether their shape is as expected, the programs that
 * use them, and the devices that the scripts attached to.
 *
 * JSON: {"rows": [{pin, type, key_size, value_size, entries, id, memory, state}],
 *        "devices": [{device, netns, ifindex, features, mode}], "programs": [...]}
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "settings.h"

static bool pins_only;		 /* --pins */
static bool cookie_only;	 /* --cookie */
static unsigned long holders_of; /* --holders */

static const struct out_col pin_cols[] = {
	{ "pin", "PIN", OUT_STR },	    { "id", "ID", OUT_U64 },
	{ "type", "TYPE", OUT_STR },	    { "key_size", "KEY", OUT_U64 },
	{ "value_size", "VALUE", OUT_U64 }, { "max_entries", "ENTRIES", OUT_U64 },
	{ "memory", "MEMORY", OUT_U64 },    { "state", "STATE", OUT_STR },
};

static const struct out_col program_cols[] = {
	{ "id", "ID", OUT_U64 },
	{ "type", "TYPE", OUT_STR },
	{ "program", "PROGRAM", OUT_STR },
	{ "maps", "MAPS", OUT_STR },
};

static const struct out_col device_cols[] = {
	{ "device", "DEVICE", OUT_STR },   { "netns", "NETNS", OUT_STR },
	{ "ifindex", "IFINDEX", OUT_U64 }, { "features", "FEATURES", OUT_STR },
	{ "mode", "MODE", OUT_STR },	   { NULL, "REACHED", OUT_STR },
	{ "inode", NULL, OUT_U64 },	   { NULL, "SETTINGS", OUT_STR },
};

#define MAX_FOUND 64

struct found {
	__u32 id[MAX_FOUND]; /* of our maps that are pinned */
	const char *name[MAX_FOUND];
	size_t n;
};

__u64 map_memory(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	}
	if (f)
		fclose(f);
	return bytes;
}

static int show_pins(const struct options *opt, struct found *found)
{
	struct out *o = OUT_ROWS(opt, "rows", NULL, pin_cols);
	int err = 0;

	for (size_t i = 0; !err && i < hookmap_pins_len; i++) {
		const struct pin *pin = &hookmap_pins[i];
		struct bpf_map_info info;
		char path[4096];
		const char *type;
		int fd;

		pin_path(opt, pin->name, path, sizeof(path));
		fd = pin_get(opt, path, BPF_F_RDONLY);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0) {
			err = -errno;
			pin_fail(path, err);
			break;
		}
		err = pin_info(fd, path, &info);
		if (err) {
			close(fd);
			break;
		}
		type = libbpf_bpf_map_type_str(info.type);
		out_row(o);
		out_str(o, path);
		out_u64(o, info.id);
		out_str(o, type ? type : "?");
		out_u64(o, info.key_size);
		out_u64(o, info.value_size);
		out_u64(o, info.max_entries);
		out_u64(o, map_memory(fd));
		out_str(o, pin_differs(pin, &info) ? "another version" : "ok");
		close(fd);
		if (found->n < MAX_FOUND) {
			found->id[found->n] = info.id;
			found->name[found->n++] = pin->name;
		}
	}
	out_end(o);
	return err;
}

/* The names of our maps that the program of INFO uses; empty if none. */
static void maps_of(const struct found *found, const __u32 *ids, __u32 n, char *buf, size_t size)
{
	size_t at = 0;

	*buf = 0;
	for (__u32 i = 0; i < n; i++) {
		for (size_t j = 0; j < found->n; j++) {
			if (ids[i] == found->id[j] && at < size)
				at += snprintf(buf + at, size - at, "%s%s", at ? "," : "",
					       found->name[j]);
		}
	}
}

static void show_programs(const struct options *opt, const struct found *found)
{
	struct out *o = OUT_ROWS(opt, "programs", "\nprograms that use them\n", program_cols);
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		__u32 ids[MAX_FOUND];
		struct bpf_prog_info info = { .nr_map_ids = MAX_FOUND,
					      .map_ids = (__u64)(unsigned long)ids };
		const char *type;
		char maps[256];

		if (program_info(id, &info))
			continue;
		maps_of(found, ids, info.nr_map_ids < MAX_FOUND ? info.nr_map_ids : MAX_FOUND, maps,
			sizeof(maps));
		if (!*maps)
			continue;
		type = libbpf_bpf_prog_type_str(info.type);
		out_row(o);
		out_u64(o, info.id);
		out_str(o, type ? type : "?");
		out_str(o, info.name);
		out_str(o, maps);
	}
	out_end(o);
}

struct devices {
	const struct options *opt;
	struct out *out;
	size_t n;
	struct names *names;
	struct reach *reach;
	char text[128]; /* programs that packets do not reach */
	bool seen;
	int missed;
};

static const char *features(__u32 bits, char *buf, size_t size)
{
	static const struct {
		__u32 bit;
		const char *name;
	} known[] = {
#define FEATURE(NAME) { HM_FEAT_##NAME, #NAME },
		HM_FEATURES(FEATURE)
#undef FEATURE
	};
	size_t at = 0;

	*buf = 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (bits & known[i].bit && at < size)
			at += snprintf(buf + at, size - at, "%s%s", at ? "," : "", known[i].name);
	}
	return buf;
}

static void device_reached(const struct reach_row *row, void *arg)
{
	struct devices *d = arg;
	size_t at = strlen(d->text);

	json_open(NULL, '{');
	json_str("feature", row->feature);
	json_str("stage", "tc");
	json_u64("before", row->before);
	json_u64("packets", row->packets);
	if (row->reached < 0)
		json_null("reached");
	else
		json_flag("reached", row->reached);
	json_close();
	if (!row->reached)
		snprintf(d->text + at, sizeof(d->text) - at, "%s%s at tc", at ? ", " : "not ",
			 row->feature);
	else if (row->reached > 0 && !at)
		d->seen = true;
}

static int show_device(const void *key, const void *value, void *arg)
{
	const struct hm_dev_key *k = key;
	const struct hm_dev *dev = value;
	struct devices *d = arg;
	char text[128];

	d->n++;
	out_row(d->out);
	out_str(d->out, k->netns ? names_device(d->names, dev->nsid, k->ifindex) : "host");
	out_str(d->out, k->netns ? names_netns(d->names, dev->nsid) : "-");
	out_u64(d->out, k->ifindex);
	out_str(d->out, features(dev->features, text, sizeof(text)));
	out_str(d->out, !k->netns					       ? "-"
			: dev->flags & HM_DEV_NETNS			       ? "container"
			: !(dev->features & (HM_FEAT_latency | HM_FEAT_l2fwd)) ? "-"
			: dev->flags & HM_DEV_NOXDP			       ? "none"
			: dev->flags & HM_DEV_GENERIC			       ? "generic"
									       : "native");
	d->text[0] = 0;
	d->seen = false;
	json_open("reach", '[');
	if (k->netns)
		d->missed += reach_device(d->reach, k, dev, device_reached, d);
	json_close();
	out_str(d->out, *d->text ? d->text : d->seen ? "yes" : "-");
	out_u64(d->out, k->netns);
	settings_cell(d->opt, d->out, d->names, k, dev);
	return 0;
}

int status_devices(const struct options *opt, size_t *n)
{
	struct devices d = { .opt = opt, .names = names_new(opt), .reach = reach_new(opt) };
	int err;

	if (!d.names || !d.reach)
		return -ENOMEM;
	d.out = OUT_ROWS(opt, "devices", *n ? "\ndevices\n" : NULL, device_cols);
	err = pin_read(opt, "hm_dev", false, NULL, show_device, &d);
	out_end(d.out);
	if (!d.n && reach_any(d.reach)) {
		if (!json_on())
			printf("attached by hand: scripts/status.sh shows where\n");
		d.n = 1;
	}
	*n += d.n;
	if (d.missed && !json_on())
		printf("attached but not reached: to see what stops the packets, run "
		       "scripts/status.sh "
		       "--check\n");
	reach_free(d.reach);
	names_free(d.names);
	return err;
}

/* --cookie: opens no pin. The scripts run it in the namespaces in which they attach. */
static int show_cookie(void)
{
	__u64 cookie;
	int err = names_cookie(&cookie);

	if (err) {
		fail("cookie of the network namespace: %s", strerror(-err));
		return 1;
	}
	json_open(NULL, '{');
	json_u64("netns_cookie", cookie);
	json_close();
	if (!json_on())
		printf("%llu\n", cookie);
	return 0;
}

static int status_run(const struct options *opt)
{
	struct found found = {};
	int err;

	if (cookie_only)
		return show_cookie();
	if (holders_of) {
		show_holders(opt, holders_of);
		return 0;
	}
	json_open(NULL, '{');
	err = show_pins(opt, &found);
	if (!err && !found.n && !json_on())
		printf("none of the maps that hookmap reads is pinned below %s\n", opt->bpffs);
	if (!err && (found.n || json_on())) {
		show_programs(opt, &found);
		err = pins_only ? 0 : status_devices(opt, &found.n);
	}
	json_close();
	return err < 0;
}

static const struct arg status_args[] = {
	ARG_COMMANDS,
	{ .name = "pins",
	  .kind = ARG_FLAG,
	  .to = &pins_only,
	  .help = "the pinned maps, their shapes, and the programs that use them" },
	{ .name = "cookie",
	  .kind = ARG_FLAG,
	  .to = &cookie_only,
	  .help = "only the cookie of this network namespace, a number that the kernel never "
		  "reuses" },
	{ .name = "holders",
	  .takes = "INODE",
	  .kind = ARG_NUMBER,
	  .to = &holders_of,
	  .help = "only the processes that hold this network namespace by a socket or a tun "
		  "device" },
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "PIN, pin; TYPE, type; KEY, key_size; VALUE, value_size; ENTRIES, max_entries; MEMORY, memory",
	  "A pinned map and its shape." },
	{ "FEATURES, features; MODE",
	  "The features on a device, and XDP's mode." },
	{ "REACHED, reached, reach",
	  "Whether packets reach each stage of the device; null: unknown." },
	{ "netns_cookie",
	  "See --cookie." },
	{ "PROCESS, process",
	  "See --holders." },
	{}
};
/* clang-format on */

VERB(status, .fields = fields, .help = "attached devices, their hooks, and pins", .run = status_run,
     .script = "--check --netns", .args = status_args)
