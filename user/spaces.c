// SPDX-License-Identifier: GPL-2.0-only
/*
 * spaces.c - network namespaces: found by their name in /run/netns or by a process, entered, and
 * their devices. Each directory is read once and each namespace entered once, for any number of
 * rows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "names.h"

#define NETNS_DIR "/run/netns"
/* Limit of processes whose namespace is read; the rest is counted. */
#define PROCESSES_MAX 65536
/* Limit of processes per namespace whose age is read. */
#define OWNERS_MAX 256

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

const char space_own[] = "host";

void spaces_init(struct spaces *n)
{
	struct stat st;

	n->own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (n->own_fd >= 0 && !fstat(n->own_fd, &st)) {
		n->own = st.st_ino;
		n->own_dev = st.st_dev;
	}
}

static void places_free(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->place[i].name);
	free(p->place);
}

void spaces_free(struct spaces *n)
{
	if (n->own_fd >= 0)
		close(n->own_fd);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct space *s = n->space[i], *next; s; s = next) {
			next = s->next;
			free(s->device);
			free(s);
		}
	}
	places_free(&n->names);
	places_free(&n->processes);
}

/* Takes ownership of NAME. */
static void place_add(struct places *p, __u64 inode, int pid, char *name)
{
	struct place *place;

	if (p->n == p->room) {
		size_t room = p->room ? 2 * p->room : 64;

		place = reallocarray(p->place, room, sizeof(*place));
		if (!place) {
			free(name);
			return;
		}
		p->place = place;
		p->room = room;
	}
	p->place[p->n++] = (struct place){ inode, pid, name };
}

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->pid - y->pid;
}

static void processes_read(struct spaces *n)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	__u64 asked = 0;

	while (dir && (entry = readdir(dir))) {
		char path[NAME_MAX + 16], link[32];
		__u64 inode;
		ssize_t len;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		if (++asked > PROCESSES_MAX) {
			n->unasked++;
			continue;
		}
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = 0;
		if (sscanf(link, "net:[%llu]", &inode) == 1 && inode != n->own)
			place_add(&n->processes, inode, atoi(entry->d_name), NULL);
	}
	if (dir)
		closedir(dir);
}

static void names_read(struct spaces *n)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	struct statx st;

	while (dir && (entry = readdir(dir))) {
		/* (a file system that does not answer may be mounted there) */
		if (entry->d_name[0] != '.' &&
		    !statx(dirfd(dir), entry->d_name, AT_STATX_DONT_SYNC, STATX_INO, &st) &&
		    makedev(st.stx_dev_major, st.stx_dev_minor) == n->own_dev)
			place_add(&n->names, st.stx_ino, 0, strdup(entry->d_name));
	}
	if (dir)
		closedir(dir);
}

/* The first place of the namespace, or NULL. */
static const struct place *place_find(struct spaces *n, struct places *p,
				      void (*read)(struct spaces *n), __u64 inode)
{
	size_t from = 0, to;

	if (!p->read) {
		p->read = true;
		read(n);
		if (p->n)
			qsort(p->place, p->n, sizeof(*p->place), place_compare);
	}
	for (to = p->n; from < to;) {
		size_t i = (from + to) / 2;

		if (p->place[i].inode < inode)
			from = i + 1;
		else
			to = i;
	}
	return from < p->n && p->place[from].inode == inode ? &p->place[from] : NULL;
}

/* The start time of the process, in ticks since boot; its name in COMM. 0: it is gone. */
static __u64 process_start(int pid, char comm[16])
{
	char path[64], text[1024], *at;
	__u64 start = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	/* PID (COMM) STATE and 18 numbers before it; a name may have brackets and blanks */
	at = strrchr(text, ')');
	if (!at || sscanf(at,
			  ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %*s %llu",
			  &start) != 1)
		return 0;
	*at = 0;
	at = strchr(text, '(');
	snprintf(comm, 16, "%s", at ? at + 1 : "?");
	return start;
}

/* The owner of namespace S, which has no name, by its oldest process. (If there are many, only the
 * processes with the lowest numbers are read.) */
static void space_owner(struct spaces *n, struct space *s)
{
	const struct place *p = place_find(n, &n->processes, processes_read, s->inode);
	const struct place *end = n->processes.place + n->processes.n;
	__u64 oldest = ~0ULL, start;
	char comm[16], its[16];
	int pid = 0;

	for (int asked = 0; p && p < end && p->inode == s->inode && asked < OWNERS_MAX;
	     p++, asked++) {
		start = process_start(p->pid, its);
		if (!start || start >= oldest)
			continue;
		oldest = start;
		pid = p->pid;
		memcpy(comm, its, sizeof(comm));
	}
	s->owned = pid && owner_name(pid, s->text, sizeof(s->text));
	if (pid && !s->owned)
		snprintf(s->text, sizeof(s->text), "%s:%llu", comm, s->inode);
	else if (!pid)
		snprintf(s->text, sizeof(s->text), "%llu", s->inode);
}

static int device_compare(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static __u32 xdp_id(const struct rtattr *xdp)
{
	int len = RTA_PAYLOAD(xdp);
	__u32 id = 0;

	for (const struct rtattr *a = RTA_DATA(xdp); RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type >= IFLA_XDP_PROG_ID && a->rta_type <= IFLA_XDP_HW_PROG_ID)
			id = *(const __u32 *)RTA_DATA(a);
	return id;
}

static int device_add(void *space, struct nlmsghdr *msg)
{
	struct space *s = space;
	struct ifinfomsg *info = NLMSG_DATA(msg);
	struct device *d = reallocarray(s->device, s->devices + 1, sizeof(*d));
	int len = IFLA_PAYLOAD(msg);
	bool elsewhere = false;

	if (!d)
		return -ENOMEM;
	s->device = d;
	d += s->devices++;
	memset(d, 0, sizeof(*d));
	d->index = info->ifi_index;
	for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == IFLA_IFNAME)
			snprintf(d->name, sizeof(d->name), "%s", (const char *)RTA_DATA(a));
		else if (a->rta_type == IFLA_MASTER)
			d->master = *(const __u32 *)RTA_DATA(a);
		else if (a->rta_type == IFLA_LINK)
			d->below = *(const __u32 *)RTA_DATA(a);
		else if (a->rta_type == IFLA_LINK_NETNSID)
			elsewhere = true;
		else if ((a->rta_type & NLA_TYPE_MASK) == IFLA_XDP)
			d->xdp = xdp_id(a);
	}
	if (elsewhere)
		d->below = 0;
	return 0;
}

/* In the namespace: its devices. */
static void devices_read(struct space *s)
{
	struct {
		struct nlmsghdr msg;
		struct ifinfomsg info;
		struct rtattr attr;
		__u32 mask; /* with one, the kernel can return longer answers */
	} ask = { .msg = { .nlmsg_len = sizeof(ask),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		  .attr = { .rta_len = RTA_LENGTH(sizeof(ask.mask)), .rta_type = IFLA_EXT_MASK },
		  .mask = RTEXT_FILTER_SKIP_STATS };

	if (!netlink_dump(&ask.msg, RTM_NEWLINK, device_add, s)) {
		free(s->device);
		s->device = NULL;
		s->devices = 0;
	}
	if (s->devices)
		qsort(s->device, s->devices, sizeof(*s->device), device_compare);
}

int names_cookie(__u64 *cookie)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*cookie);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		*cookie = 0;
	close(fd);
	return 0;
}

/* Reads the devices, inside the namespace. */
static void space_look(void *space)
{
	struct space *s = space;

	s->entered = !names_cookie(&s->cookie);
	devices_read(s);
}

void space_enter(struct spaces *n, struct space *s, void (*look)(void *arg), void *arg)
{
	char path[NAME_MAX + 32];
	struct stat st;
	int fd;

	if (s->inode == n->own) {
		s->found = true;
		look(arg);
		return;
	}
	if (!s->place)
		return;
	if (s->place->pid)
		snprintf(path, sizeof(path), "/proc/%d/ns/net", s->place->pid);
	else
		snprintf(path, sizeof(path), NETNS_DIR "/%s", s->place->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* only if we can return */
	if (fd < 0 || n->own_fd < 0 || n->lost || fstat(fd, &st) || st.st_ino != s->inode)
		goto out;
	s->found = true;
	if (setns(fd, CLONE_NEWNET)) {
		s->refused = true;
		goto out;
	}
	look(arg);
	n->lost = setns(n->own_fd, CLONE_NEWNET);
out:
	if (fd >= 0)
		close(fd);
}

struct space *space_get(struct spaces *n, __u64 inode)
{
	struct space **at = &n->space[inode % BUCKETS], *s;

	while (*at && (*at)->inode != inode)
		at = &(*at)->next;
	if (*at)
		return *at;
	s = *at = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->inode = inode;
	s->place = place_find(n, &n->names, names_read, inode);
	if (s->place)
		s->name = s->place->name;
	if (inode == n->own)
		s->name = s->name ?: space_own;
	else if (!s->place)
		s->place = place_find(n, &n->processes, processes_read, inode);
	space_enter(n, s, space_look, s);
	return s;
}

bool space_is(const struct space *s, __u64 cookie)
{
	if (!cookie)
		return true;
	return s->entered && (!s->cookie || s->cookie == cookie);
}

const char *space_called(struct spaces *n, struct space *s)
{
	if (!s->name && !*s->text)
		space_owner(n, s);
	return s->name ?: s->owned ? s->text : NULL;
}

struct device *space_device(const struct space *s, __u32 ifindex)
{
	struct device want = { .index = ifindex };

	return s->devices ? bsearch(&want, s->device, s->devices, sizeof(want), device_compare)
			  : NULL;
}

/* In the namespace: the inodes of its devices in sysfs; each namespace has its own sysfs. */
static void devices_number(void *space)
{
	struct space *s = space;
	int fs = syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC), mnt = -1;
	char path[IF_NAMESIZE + 16];
	struct stat st;

	if (fs >= 0 && !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	for (size_t i = 0; mnt >= 0 && i < s->devices; i++) {
		snprintf(path, sizeof(path), "class/net/%s", s->device[i].name);
		if (!fstatat(mnt, path, &st, 0))
			s->device[i].node = st.st_ino;
	}
	if (mnt >= 0)
		close(mnt);
	if (fs >= 0)
		close(fs);
}

void space_number(struct spaces *n, struct space *s)
{
	if (!s->numbered)
		space_enter(n, s, devices_number, s);
	s->numbered = true;
}

static bool places_any(struct spaces *n, struct places *p, void (*read)(struct spaces *n),
		       bool (*has)(const void *arg, __u64 inode), const void *arg)
{
	place_find(n, p, read, 0);
	for (size_t i = 0; i < p->n; i++) {
		if ((!i || p->place[i].inode != p->place[i - 1].inode) &&
		    has(arg, p->place[i].inode))
			return true;
	}
	return false;
}

bool spaces_any(struct spaces *n, bool (*has)(const void *arg, __u64 inode), const void *arg)
{
	return has(arg, n->own) || places_any(n, &n->names, names_read, has, arg) ||
	       places_any(n, &n->processes, processes_read, has, arg);
}
