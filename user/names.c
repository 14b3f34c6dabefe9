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
};

struct names *names_new(const struct options *opt)
{
	struct names *n = calloc(1, sizeof(*n));
	struct stat st;

	if (!n)
		return NULL;
	n->own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (n->own_fd >= 0 && !fstat(n->own_fd, &st))
		n->own = st.st_ino;
	n->netns_fd = pin_open(opt, "hm_netns", false);
	n->dev_fd = pin_open(opt, "hm_dev", false);
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

void names_netns_inode(struct names *n, __u64 inode, char *buf, size_t size)
{
	if (netns_find(inode, buf, size, NULL))
		return;
	if (inode == n->own)
		snprintf(buf, size, "(own)");
	else
		snprintf(buf, size, "%llu", inode);
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
		found = netns_find(ns.netns, NULL, 0, &fd) && fd >= 0 && !setns(fd, CLONE_NEWNET) &&
			if_indextoname(ifindex, n->device);
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
