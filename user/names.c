// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - what people call a network namespace and a device. Both are looked up
 * now, so that renames show; what has vanished keeps its name of when it was attached.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "hookmap.h"

#define NETNS_DIR "/run/netns"

struct names {
	__u64 own; /* inode of the reader's namespace */
	int own_fd;
	int netns_fd; /* map hm_netns, or negative */
	int dev_fd;   /* map hm_dev, or negative */
	char netns[HM_NETNS][NAME_MAX + 1];
	char device[IF_NAMESIZE + 8];
	struct known *known; /* what was looked up by inode */
	size_t nknown;
};

/* The name of a device, or of a namespace (ifindex 0); empty: it has none. */
struct known {
	__u64 netns;
	__u32 ifindex;
	char name[NAME_MAX + 1];
};

/* Who may not read these may not read what is asked for, which says so. */
static int names_open(const struct options *opt, const char *name)
{
	char path[4096];

	return access(pin_path(opt, name, path, sizeof(path)), R_OK) ? -1
								     : pin_open(opt, name, false);
}

struct names *names_new(const struct options *opt)
{
	struct names *n = calloc(1, sizeof(*n));
	struct stat st;

	if (!n)
		return NULL;
	n->own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (n->own_fd >= 0 && !fstat(n->own_fd, &st))
		n->own = st.st_ino;
	n->netns_fd = names_open(opt, "hm_netns");
	n->dev_fd = names_open(opt, "hm_dev");
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? n->own_fd : i == 1 ? n->netns_fd : n->dev_fd;

		if (fd >= 0)
			close(fd);
	}
	free(n->known);
	free(n);
}

/* Inode and name at attach. nsid 0 is for what was attached by hand. */
static void netns_get(struct names *n, __u8 nsid, struct hm_netns *ns)
{
	__u32 key = nsid;

	memset(ns, 0, sizeof(*ns));
	if (nsid && n->netns_fd >= 0 && !bpf_map_lookup_elem(n->netns_fd, &key, ns) && ns->netns)
		return;
	memset(ns, 0, sizeof(*ns));
	ns->netns = n->own;
}

/* Finds the entry of /run/netns for INODE: its name in NAME, its descriptor in
 * *FD, if these are wanted. */
static bool netns_find(__u64 inode, char *name, size_t size, int *fd)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		struct stat st;

		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0) ||
		    st.st_ino != inode)
			continue;
		found = true;
		if (name)
			snprintf(name, size, "%s", entry->d_name);
		if (fd)
			*fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
	}
	closedir(dir);
	return found;
}

const char *names_netns(struct names *n, __u8 nsid)
{
	char *name = n->netns[nsid];
	struct hm_netns ns;

	if (*name)
		return name;
	netns_get(n, nsid, &ns);
	if (netns_find(ns.netns, name, sizeof(n->netns[0]), NULL))
		return name;
	if (*ns.name)
		snprintf(name, sizeof(n->netns[0]), "%.*s", (int)sizeof(ns.name), ns.name);
	else
		snprintf(name, sizeof(n->netns[0]), "%llu", ns.netns);
	return name;
}

const char *names_device(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_dev_key key = { .ifindex = ifindex };
	struct hm_netns ns;
	struct hm_dev dev;
	int fd = -1;
	bool found;

	netns_get(n, nsid, &ns);
	if (ns.netns == n->own) {
		found = if_indextoname(ifindex, n->device);
	} else {
		/* only if there is a way back */
		found = n->own_fd >= 0 && netns_find(ns.netns, NULL, 0, &fd) && fd >= 0 &&
			!setns(fd, CLONE_NEWNET) && if_indextoname(ifindex, n->device);
		if (fd >= 0) {
			close(fd);
			if (setns(n->own_fd, CLONE_NEWNET))
				found = false;
		}
	}
	if (found)
		return n->device;
	key.netns = ns.netns;
	if (n->dev_fd >= 0 && !bpf_map_lookup_elem(n->dev_fd, &key, &dev))
		snprintf(n->device, sizeof(n->device), "%.*s", (int)sizeof(dev.name), dev.name);
	else
		snprintf(n->device, sizeof(n->device), "if%u", ifindex);
	return n->device;
}

/* A descriptor of the namespace INODE, by its name or by a process in it. */
static int netns_open(__u64 inode)
{
	char path[NAME_MAX + 16], link[32], want[32];
	struct dirent *entry;
	int fd = -1;
	ssize_t len;
	DIR *dir;

	if (netns_find(inode, NULL, 0, &fd))
		return fd;
	snprintf(want, sizeof(want), "net:[%llu]", inode);
	dir = opendir("/proc");
	while (dir && fd < 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = 0;
		if (!strcmp(link, want))
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

static struct known *known_find(struct names *n, __u64 netns, __u32 ifindex)
{
	for (size_t i = 0; i < n->nknown; i++) {
		if (n->known[i].netns == netns && n->known[i].ifindex == ifindex)
			return &n->known[i];
	}
	return NULL;
}

static struct known *known_add(struct names *n, __u64 netns, __u32 ifindex)
{
	struct known *k = reallocarray(n->known, n->nknown + 1, sizeof(*k));

	if (!k)
		return NULL;
	n->known = k;
	k += n->nknown++;
	memset(k, 0, sizeof(*k));
	k->netns = netns;
	k->ifindex = ifindex;
	return k;
}

const char *names_netns_inode(struct names *n, __u64 inode)
{
	struct known *k = known_find(n, inode, 0);

	if (!k) {
		k = known_add(n, inode, 0);
		if (k && !netns_find(inode, k->name, sizeof(k->name), NULL))
			snprintf(k->name, sizeof(k->name), "%llu", inode);
	}
	return k ? k->name : "?";
}

const char *names_device_inode(struct names *n, __u64 inode, __u32 ifindex)
{
	struct known *k = known_find(n, inode, ifindex);
	int fd;

	if (k)
		return *k->name ? k->name : NULL;
	k = known_add(n, inode, ifindex);
	if (!k)
		return NULL;
	if (inode == n->own) {
		if (!if_indextoname(ifindex, k->name))
			*k->name = 0;
	} else {
		fd = n->own_fd >= 0 ? netns_open(inode) : -1;
		if (fd >= 0 && !setns(fd, CLONE_NEWNET)) {
			if (!if_indextoname(ifindex, k->name))
				*k->name = 0;
			if (setns(n->own_fd, CLONE_NEWNET))
				*k->name = 0;
		}
		if (fd >= 0)
			close(fd);
	}
	return *k->name ? k->name : NULL;
}

struct attached {
	__u32 ifindex;
	unsigned found;
	__u64 netns;
};

static int attached_row(const void *key, const void *value, void *arg)
{
	const struct hm_dev_key *k = key;
	struct attached *a = arg;

	(void)value;
	if (k->ifindex == a->ifindex) {
		a->found++;
		a->netns = k->netns;
	}
	return 0;
}

__u64 names_attached(struct names *n, __u32 ifindex)
{
	struct attached a = { .ifindex = ifindex };

	if (n->dev_fd >= 0)
		pin_each(n->dev_fd, pin_find("hm_dev"), attached_row, &a);
	return a.found == 1 ? a.netns : n->own;
}
