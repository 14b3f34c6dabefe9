// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - names of network namespaces and devices.
 *
 * The kernel reuses the inode of a deleted namespace at once, its cookie never. A row with a
 * cookie gets the current name only if the namespace has that cookie. A deleted namespace keeps
 * the name in map drop_name, or drop_slot (recall.c).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "names.h"

struct names {
	struct spaces spaces;
	struct memories memories;
	int netns_fd; /* map hm_netns, or negative */
	int dev_fd;   /* map hm_dev, or negative */
	char netns[HM_NETNS][NAME_MAX + 1];
	char device[IF_NAMESIZE + 8];
	char unknown[48];
};

int names_open(const struct options *opt, const char *name)
{
	char path[4096];

	return access(pin_path(opt, name, path, sizeof(path)), R_OK) ? -1
								     : pin_open(opt, name, false);
}

struct names *names_new(const struct options *opt)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	spaces_init(&n->spaces);
	n->netns_fd = names_open(opt, "hm_netns");
	n->dev_fd = names_open(opt, "hm_dev");
	memories_read(&n->memories, opt);
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	if (n->netns_fd >= 0)
		close(n->netns_fd);
	if (n->dev_fd >= 0)
		close(n->dev_fd);
	spaces_free(&n->spaces);
	memories_free(&n->memories);
	free(n);
}

struct spaces *names_spaces(struct names *n)
{
	return &n->spaces;
}

void names_keep(struct names *n, const struct options *opt)
{
	memories_keep(&n->memories, opt);
}

__u64 names_unasked(const struct names *n)
{
	return n->spaces.unasked;
}

/* --- names by cookie, or by inode alone */

const char *names_space(struct names *n, __u64 cookie, __u64 inode)
{
	const struct drop_name_key key = key_of(cookie, 0, 0);
	struct space *s = space_get(&n->spaces, inode);
	const char *name;

	if (!s)
		return "?";
	if (space_is(s, cookie)) {
		name = space_called(&n->spaces, s);
		if (!name)
			return recall(&n->memories, key) ?: s->text;
		/* (another reader's "host" may be another namespace) */
		if (name != space_own)
			remember(&n->memories, key, name);
		return name;
	}
	name = recall(&n->memories, key);
	if (name)
		return name;
	/* another device may have the number now */
	if (s->refused)
		snprintf(n->unknown, sizeof(n->unknown), "%llu", inode);
	else
		snprintf(n->unknown, sizeof(n->unknown), "%llu#%llu", inode, cookie);
	return n->unknown;
}

/* Is D the device of KEY? If the name is unchanged, it need not be read: that takes 0.5 ms. */
static bool device_is(struct names *n, struct space *s, struct device *d, struct drop_name_key key)
{
	const char *was = recall(&n->memories, key);

	if (!key.node || key.node == DROP_NODE_GONE)
		return !key.node;
	if (!was || !strcmp(was, d->name))
		return true;
	space_number(&n->spaces, s);
	return !d->node || d->node == key.node;
}

bool names_gone(struct names *n, __u64 cookie, __u64 inode, __u32 ifindex, __u32 node)
{
	struct device *d;
	struct space *s = cookie ? space_get(&n->spaces, inode) : NULL;

	if (!s || s->refused || n->spaces.lost)
		return false; /* who knows */
	if (!space_is(s, cookie))
		return true;
	if (!ifindex || !s->device)
		return false;
	d = space_device(s, ifindex);
	return !d || !device_is(n, s, d, key_of(cookie, ifindex, node));
}

const char *names_device_in(struct names *n, __u64 cookie, __u64 inode, __u32 ifindex, __u32 node)
{
	const struct drop_name_key key = key_of(cookie, ifindex, node);
	struct space *s = space_get(&n->spaces, inode);
	struct device *found = NULL;

	if (s && space_is(s, cookie))
		found = space_device(s, ifindex);
	if (!found || !device_is(n, s, found, key))
		return recall(&n->memories, key);
	remember(&n->memories, key, found->name);
	return found->name;
}

const char *names_above(struct names *n, __u64 inode, __u32 ifindex, __u32 except, size_t *i)
{
	struct space *s = space_get(&n->spaces, inode);
	const struct device *it = s ? space_device(s, ifindex) : NULL;

	while (it && *i < s->devices) {
		const struct device *d = &s->device[(*i)++];

		/* (each of two peers has the other below) */
		if (d->index != except &&
		    (d->index == it->master || (d->below == ifindex && d->index != it->below)))
			return d->name;
	}
	return NULL;
}

const char *names_netns_inode(struct names *n, __u64 inode)
{
	return names_space(n, 0, inode);
}

/* --- what the scripts attached */

/* Inode and name at attach. nsid 0 is for devices attached by hand. */
static void netns_get(struct names *n, __u8 nsid, struct hm_netns *ns)
{
	__u32 key = nsid;

	memset(ns, 0, sizeof(*ns));
	if (nsid && n->netns_fd >= 0 && !bpf_map_lookup_elem(n->netns_fd, &key, ns) && ns->netns)
		return;
	memset(ns, 0, sizeof(*ns));
	ns->netns = n->spaces.own;
}

const char *names_netns(struct names *n, __u8 nsid)
{
	const char *called = NULL;
	char *name = n->netns[nsid];
	struct hm_netns ns;
	struct space *s;

	if (*name)
		return name;
	netns_get(n, nsid, &ns);
	s = space_get(&n->spaces, ns.netns);
	if (s && (space_is(s, ns.cookie) || (s->refused && s->name)))
		called = space_called(&n->spaces, s);
	if (called)
		snprintf(name, sizeof(n->netns[0]), "%s", called);
	else if (*ns.name)
		snprintf(name, sizeof(n->netns[0]), "%.*s", (int)sizeof(ns.name), ns.name);
	else
		snprintf(name, sizeof(n->netns[0]), "%u", (__u32)ns.netns);
	return name;
}

/* The namespace, if it is there. */
static struct space *netns_space(struct names *n, __u8 nsid)
{
	struct hm_netns ns;
	struct space *s;

	netns_get(n, nsid, &ns);
	s = space_get(&n->spaces, ns.netns);
	return s && space_is(s, ns.cookie) ? s : NULL;
}

const char *names_run(struct names *n, __u8 nsid, bool *own)
{
	struct space *s = netns_space(n, nsid);

	*own = s && s->inode == n->spaces.own;
	return s && s->name != space_own ? s->name : NULL;
}

void names_in(struct names *n, __u8 nsid, void (*look)(void *arg), void *arg)
{
	struct space *s = netns_space(n, nsid);

	if (s)
		space_enter(&n->spaces, s, look, arg);
}

__u32 filter_pref(struct names *n, __u8 nsid, __u32 ifindex, filter_is *is, const void *arg)
{
	struct filter_look look = { .ifindex = ifindex, .is = is, .arg = arg };

	names_in(n, nsid, filter_look, &look);
	return look.pref;
}

bool names_left(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_netns ns;

	netns_get(n, nsid, &ns);
	return names_gone(n, ns.cookie, ns.netns, ifindex, 0);
}

const char *names_device_was(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_dev_key key = { .ifindex = ifindex };
	struct hm_netns ns;
	struct hm_dev dev;

	netns_get(n, nsid, &ns);
	key.netns = ns.netns;
	if (n->dev_fd >= 0 && !bpf_map_lookup_elem(n->dev_fd, &key, &dev))
		snprintf(n->device, sizeof(n->device), "%.*s", (int)sizeof(dev.name), dev.name);
	else
		snprintf(n->device, sizeof(n->device), "if%u", ifindex);
	return n->device;
}

/* By its name, which begins with that of its feature: a program of one of FEATURES. */
static bool prog_ours(__u32 id, __u32 class, const void *features)
{
	struct bpf_prog_info info = {};
	int err = program_info(id, &info);
	char *end = strchr(info.name, '_');

	(void)class;
	if (err || !end)
		return err == -EPERM; /* who knows */
	*end = 0;
	return feature_bit(info.name) & *(const __u32 *)features;
}

/* The device that was attached has vanished, and another, which has none of its programs, has
 * its ifindex. (A renamed one has them. A mirrored bridge has none.) As dev_bare in attach.sh. */
static bool device_vanished(struct names *n, __u8 nsid, const struct hm_netns *ns, __u32 ifindex)
{
	struct hm_dev_key key = { .netns = ns->netns, .ifindex = ifindex };
	struct space *s = space_get(&n->spaces, ns->netns);
	struct device *d = s && space_is(s, ns->cookie) ? space_device(s, ifindex) : NULL;
	struct hm_dev dev;

	if (!d || n->dev_fd < 0 || bpf_map_lookup_elem(n->dev_fd, &key, &dev) ||
	    dev.flags & HM_DEV_MIRROR || !strncmp(dev.name, d->name, sizeof(dev.name)))
		return false;
	if (!d->ours) {
		bool ours = (d->xdp && prog_ours(d->xdp, 0, &dev.features)) ||
			    filter_pref(n, nsid, ifindex, prog_ours, &dev.features);

		d->ours = ours ? OURS_SOME : OURS_NONE;
	}
	return d->ours == OURS_NONE;
}

const char *names_device(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_netns ns;

	netns_get(n, nsid, &ns);
	if (device_vanished(n, nsid, &ns, ifindex))
		return names_device_was(n, nsid, ifindex);
	return names_device_in(n, ns.cookie, ns.netns, ifindex, 0)
		       ?: names_device_was(n, nsid, ifindex);
}

__u32 names_order(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_dev_key key = { .ifindex = ifindex };
	struct hm_netns ns;
	struct hm_dev dev;

	netns_get(n, nsid, &ns);
	key.netns = ns.netns;
	if (n->dev_fd < 0 || bpf_map_lookup_elem(n->dev_fd, &key, &dev))
		return UINT32_MAX;
	return dev.flags >> HM_DEV_ORDER;
}
