// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - devices that a policy names: those of `ip -j link`, and other names for them.
 */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../hookmap.h"
#include "rules.h"

static struct device *device_new(struct set *s, const char *name)
{
	struct device *d;

	GROW(s->devices, s->n_devices);
	d = &s->devices[s->n_devices++];
	*d = (struct device){};
	snprintf(d->name, sizeof(d->name), "%s", name);
	return d;
}

struct device *device_find(const struct set *s, const char *name)
{
	for (size_t i = 0; i < s->n_aliases; i++) {
		if (!strcmp(s->aliases[i].name, name))
			return s->aliases[i].device;
	}
	for (size_t i = 0; i < s->n_devices; i++) {
		if (!strcmp(s->devices[i].name, name))
			return &s->devices[i];
	}
	return NULL;
}

bool read_links(struct set *s, const char *path)
{
	struct json_object *links = json_object_from_file(path);
	size_t n = links ? json_object_array_length(links) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *link = json_object_array_get_idx(links, i);
		const char *name = member_text(link, "ifname"),
			   *type = member_text(link, "link_type");
		const char *master = member_text(link, "master"),
			   *lower = member_text(link, "link");
		struct json_object *info;
		struct device *d;

		if (!name || strlen(name) >= RULES_NAME)
			continue;
		d = device_new(s, name);
		d->ethernet = type && (!strcmp(type, "ether") || !strcmp(type, "loopback"));
		if (json_object_object_get_ex(link, "linkinfo", &info)) {
			const char *kind = member_text(info, "info_kind");

			d->vrf = kind && !strcmp(kind, "vrf");
		}
		snprintf(d->master, sizeof(d->master), "%s", master ? master : "");
		snprintf(d->lower, sizeof(d->lower), "%s", lower ? lower : "");
	}
	json_object_put(links);
	return links;
}

void read_gone(struct set *s, const char *path)
{
	struct source file = {};
	char *rest, *name;

	if (!read_text(&file, path))
		return;
	for (rest = file.text; (name = strsep(&rest, "\n"));) {
		if (*name && strlen(name) < RULES_NAME && !device_find(s, name))
			device_new(s, name)->gone = true;
	}
	free(file.text);
}

bool no_device(const struct set *s, const char *name)
{
	if (s->list_missing)
		printf("%s\n", name);
	return !s->list_missing;
}

void read_alias(struct set *s, const struct source *file, char *name, struct json_object *value)
{
	char where[128];
	const char *dev;
	struct device *d;

	snprintf(where, sizeof(where), "interface %s", name);
	for (size_t i = 0; i < s->n_aliases; i++) {
		if (!strcmp(s->aliases[i].name, name)) {
			wrong(file, where, "name", "is given twice");
			return;
		}
	}
	dev = json_object_is_type(value, json_type_object) ? member_text(value, "device")
							   : value_text(value);
	d = dev ? device_find(&(struct set){ .devices = s->devices, .n_devices = s->n_devices },
			      dev)
		: NULL;
	if (!dev)
		wrong(file, where, "device", "is missing");
	else if (!d && no_device(s, dev))
		wrong(file, where, "device", "no device %s", dev);
	if (!d)
		return;
	GROW(s->aliases, s->n_aliases);
	s->aliases[s->n_aliases++] = (struct alias){ strdup(name), d };
}
