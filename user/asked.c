// SPDX-License-Identifier: GPL-2.0-only
/* asked.c - a device or namespace requested by name: does it exist, and is it attached? */
#include <errno.h>
#include <string.h>

#include "names.h"

struct asked {
	struct names *names;
	const char *device, *netns; /* NULL: any */
	__u32 feature;
	bool attached, elsewhere;
};

static bool is_it(const struct asked *a, const char *device, const char *netns)
{
	return (!a->device || !strcmp(a->device, device)) &&
	       (!a->netns || !strcmp(a->netns, netns));
}

static int attached_row(const void *key, const void *value, void *arg)
{
	const struct hm_dev_key *k = key;
	const struct hm_dev *dev = value;
	struct asked *a = arg;

	if (!k->netns || !(dev->features & a->feature))
		return 0;
	if (is_it(a, names_device(a->names, dev->nsid, k->ifindex),
		  names_netns(a->names, dev->nsid)))
		a->attached = true;
	else
		a->elsewhere = true;
	return 0;
}

/* Does the namespace have it? True if the namespace may not be entered. */
static bool space_has(const void *arg, __u64 inode)
{
	const struct asked *a = arg;
	struct space *s = space_get(names_spaces(a->names), inode);

	if (!s || (!s->found && !s->refused) ||
	    (a->netns && strcmp(a->netns, names_netns_inode(a->names, inode))))
		return false;
	for (size_t i = 0; a->device && !s->refused && i < s->devices; i++) {
		if (!strcmp(a->device, s->device[i].name))
			return true;
	}
	return !a->device || s->refused;
}

static bool exists(const struct asked *a)
{
	return spaces_any(names_spaces(a->names), space_has, a);
}

int names_asked(const struct options *opt, const char *feature, const char *device,
		const char *netns)
{
	struct asked a = { .device = device, .netns = netns, .feature = feature_bit(feature) };
	const char *in = netns ? " in network namespace " : "";
	int err;

	if (!device && !netns)
		return 0;
	a.names = names_new(opt);
	err = a.names ? pin_read(opt, "hm_dev", false, NULL, attached_row, &a) : -ENOMEM;
	if (!err && !exists(&a)) {
		err = -ENODEV;
		a.device = NULL;
		if (!device || !exists(&a))
			fail("%s: there is no network namespace %s", feature, netns ?: "");
		else
			fail("%s: there is no device %s%s%s", feature, device, in, netns ?: "");
	} else if (!err && a.elsewhere && !a.attached) {
		fail("%s is not attached to %s%s%s (scripts/attach.sh)", feature,
		     device ?: "any device", in, netns ?: "");
		err = -ENODEV;
	}
	names_free(a.names);
	return err;
}
