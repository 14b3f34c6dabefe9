// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - names of network namespaces and devices.
 *
 * The kernel reuses the inode of a deleted namespace at once, its cookie never. A row with a
 * cookie gets the current name only if the namespace has that cookie. A deleted namespace keeps
 * the name in map drop_name, or drop_slot.
 *
 * Each directory is read once and each namespace entered once, for any number of rows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "hookmap.h"

#define NETNS_DIR "/run/netns"
/* Limit of processes whose namespace is read; the rest is counted. */
#define PROCESSES_MAX 65536
/* Limit of processes per namespace whose age is read. */
#define OWNERS_MAX 256
#define BUCKETS	   4096

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static const char own_name[] = "host";

/* Where to find a namespace: by its name in /run/netns, or by a process in it. */
struct place {
	__u64 inode;
	int pid;
	char *name;
};

struct places {
	struct place *place;
	size_t n, room;
	bool read;
};

/* A device; the one that it is a slave of, and the one that it is made on (0: none). */
struct device {
	__u32 index, master, below;
	__u32 node; /* the inode of its sysfs directory; 0: not read, or unknown */
	char name[IF_NAMESIZE];
};

/* A namespace looked up by its inode. */
struct space {
	struct space *next;
	__u64 inode;
	const char *name;	   /* in /run/netns, or NULL */
	const struct place *place; /* NULL: not found */
	bool found;
	bool refused;	       /* it may not be entered */
	bool owned;	       /* the text says whose it is */
	bool entered;	       /* so that the rest is known */
	bool numbered;	       /* the numbers of its devices were read */
	__u64 cookie;	       /* 0 before 5.14 */
	struct device *device; /* sorted by number */
	size_t devices;
	char text[64]; /* its fallback name; empty: not yet known */
};

/* A name that drop_name has, or shall have (fresh). */
struct memory {
	struct memory *next;
	struct drop_name_key key;
	struct drop_name value;
	bool used;
	bool fresh;
};

struct names {
	__u64 own;     /* inode of the reader's namespace */
	dev_t own_dev; /* where all are */
	int own_fd;
	int netns_fd; /* map hm_netns, or negative */
	int dev_fd;   /* map hm_dev, or negative */
	bool lost;    /* we could not return */
	char netns[HM_NETNS][NAME_MAX + 1];
	char device[IF_NAMESIZE + 8];
	char unknown[48];
	struct places names;	 /* /run/netns */
	struct places processes; /* /proc */
	__u64 unasked;
	struct space *space[BUCKETS];
	struct memory *memory[BUCKETS];
	size_t memories;
};

/* A user who may not read these may not read the rest either, which reports it. */
static int names_open(const struct options *opt, const char *name)
{
	char path[4096];

	return access(pin_path(opt, name, path, sizeof(path)), R_OK) ? -1
								     : pin_open(opt, name, false);
}

static struct drop_name_key key_of(__u64 cookie, __u32 ifindex, __u32 node)
{
	return (struct drop_name_key){ .cookie = cookie, .ifindex = ifindex, .node = node };
}

static struct memory **memory_at(struct names *n, const struct drop_name_key *key)
{
	struct memory **m = &n->memory[(key->cookie * 31 + key->ifindex) % BUCKETS];

	while (*m && memcmp(&(*m)->key, key, sizeof(*key)))
		m = &(*m)->next;
	return m;
}

static int memory_add(const void *key, const void *value, void *arg)
{
	struct memory **at = memory_at(arg, key), *m = *at;
	struct names *n = arg;

	if (!m)
		m = *at = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	memcpy(&m->key, key, sizeof(m->key));
	memcpy(&m->value, value, sizeof(m->value));
	m->value.name[sizeof(m->value.name) - 1] = 0;
	n->memories++;
	return 0;
}

/* Names from the kernel side: of a device when it lost its first packet, or when an XDP program
 * last saw it. */
static int slot_add(struct names *n, struct drop_name_key key, const char *name)
{
	struct memory **at = memory_at(n, &key), *m;

	if (*at || !*name)
		return 0;
	m = *at = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->key = key;
	m->used = true; /* not a name of drop_name, where room is made */
	memcpy(m->value.name, name, IF_NAMESIZE - 1);
	return 0;
}

static int row_slot(const void *index, const void *value, void *arg)
{
	const struct drop_slot *s = value;

	(void)index;
	return slot_add(arg, key_of(s->key.cookie, s->key.ifindex, s->key.node), s->head.name);
}

static int xdp_slot(const void *index, const void *value, void *arg)
{
	const struct drop_xdp_slot *s = value;

	(void)index;
	return slot_add(arg, key_of(s->key.cookie, s->key.ifindex, s->key.node), s->head.name);
}

static int xdp_home(const void *node, const void *value, void *arg)
{
	const struct xdp_home *h = value;

	return slot_add(arg, key_of(h->cookie, h->ifindex, *(const __u32 *)node), h->name);
}

static void names_read_map(const struct options *opt, const char *map, struct names *n,
			   int (*each)(const void *key, const void *value, void *arg))
{
	int fd = names_open(opt, map);

	if (fd < 0)
		return;
	pin_each(fd, pin_find(map), each, n);
	close(fd);
}

struct names *names_new(const struct options *opt)
{
	struct names *n = calloc(1, sizeof(*n));
	struct stat st;

	if (!n)
		return NULL;
	n->own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (n->own_fd >= 0 && !fstat(n->own_fd, &st)) {
		n->own = st.st_ino;
		n->own_dev = st.st_dev;
	}
	n->netns_fd = names_open(opt, "hm_netns");
	n->dev_fd = names_open(opt, "hm_dev");
	names_read_map(opt, "drop_name", n, memory_add);
	names_read_map(opt, "drop_slot", n, row_slot);
	names_read_map(opt, "drop_xdp_slot", n, xdp_slot);
	names_read_map(opt, "xdp_home", n, xdp_home);
	return n;
}

static void places_free(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->place[i].name);
	free(p->place);
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
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct space *s = n->space[i], *next; s; s = next) {
			next = s->next;
			free(s->device);
			free(s);
		}
		for (struct memory *m = n->memory[i], *next; m; m = next) {
			next = m->next;
			free(m);
		}
	}
	places_free(&n->names);
	places_free(&n->processes);
	free(n);
}

__u64 names_unasked(const struct names *n)
{
	return n->unasked;
}

/* --- finding namespaces */

/* Takes over NAME. */
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

static void processes_read(struct names *n)
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

static void names_read(struct names *n)
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
static const struct place *place_find(struct names *n, struct places *p,
				      void (*read)(struct names *n), __u64 inode)
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

/* The owner of namespace S, which has no name: by its oldest process. (Of many, only those with
 * the lowest numbers are read.) */
static void space_owner(struct names *n, struct space *s)
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

static int device_add(struct space *s, struct nlmsghdr *msg)
{
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
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	/* a device can have 64 kB of other names */
	static char buf[1 << 18] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len = fd < 0 ? -1 : send(fd, &ask, sizeof(ask), 0);
	bool whole = false;

	while (len > 0) {
		struct nlmsghdr *msg = (void *)buf;

		len = recv(fd, buf, sizeof(buf), 0);
		for (ssize_t left = len; left > 0 && NLMSG_OK(msg, left);
		     msg = NLMSG_NEXT(msg, left)) {
			whole |= msg->nlmsg_type == NLMSG_DONE;
			if (msg->nlmsg_type != RTM_NEWLINK || device_add(s, msg))
				len = 0;
		}
	}
	if (!whole) {
		free(s->device);
		s->device = NULL;
		s->devices = 0;
	}
	if (fd >= 0)
		close(fd);
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

static void space_enter(struct names *n, struct space *s, void (*look)(void *arg), void *arg)
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

static struct space *space_get(struct names *n, __u64 inode)
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
		s->name = s->name ?: own_name;
	else if (!s->place)
		s->place = place_find(n, &n->processes, processes_read, inode);
	space_enter(n, s, space_look, s);
	return s;
}

/* Is S the namespace with this COOKIE, and not a later one? */
static bool space_is(const struct space *s, __u64 cookie)
{
	if (!cookie)
		return true;
	return s->entered && (!s->cookie || s->cookie == cookie);
}

/* --- remembering */

static const char *recall(struct names *n, struct drop_name_key key)
{
	struct memory *m = key.cookie ? *memory_at(n, &key) : NULL;

	if (!m)
		return NULL;
	m->used = true;
	return m->value.name;
}

static void remember(struct names *n, struct drop_name_key key, const char *name)
{
	struct memory **at = memory_at(n, &key), *m = *at;
	struct drop_name value = {};

	if (!key.cookie || strlen(name) >= sizeof(value.name))
		return;
	strcpy(value.name, name);
	if (!m) {
		m = *at = calloc(1, sizeof(*m));
		if (!m)
			return;
		m->key = key;
	}
	m->used = true;
	if (memcmp(&m->value, &value, sizeof(value))) {
		m->value = value;
		m->fresh = true;
	}
}

/* The only thing that the reader writes: names of rows, for use after the device or namespace is
 * gone. If there is no room, names that no row uses are replaced. */
void names_keep(struct names *n, const struct options *opt)
{
	char path[4096];
	bool full = n->memories >= DROP_NAMES * 3 / 4;
	int fd = -1;

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct memory *m = n->memory[i]; m; m = m->next) {
			if (!m->fresh && (m->used || !full))
				continue;
			if (fd < 0)
				fd = pin_get(opt, pin_path(opt, "drop_name", path, sizeof(path)),
					     0);
			if (fd < 0) /* it may not be written by us */
				return;
			if (m->fresh)
				bpf_map_update_elem(fd, &m->key, &m->value, BPF_ANY);
			else
				bpf_map_delete_elem(fd, &m->key);
			m->fresh = false;
		}
	}
	if (fd >= 0)
		close(fd);
}

/* --- names by cookie, or by inode alone */

/* Its name, or whose it is; NULL: neither is known, and its text is a makeshift. */
static const char *space_called(struct names *n, struct space *s)
{
	if (!s->name && !*s->text)
		space_owner(n, s);
	return s->name ?: s->owned ? s->text : NULL;
}

const char *names_space(struct names *n, __u64 cookie, __u64 inode)
{
	const struct drop_name_key key = key_of(cookie, 0, 0);
	struct space *s = space_get(n, inode);
	const char *name;

	if (!s)
		return "?";
	if (space_is(s, cookie)) {
		name = space_called(n, s);
		if (!name)
			return recall(n, key) ?: s->text;
		/* (to another reader, this one's own is not the host's) */
		if (name != own_name)
			remember(n, key, name);
		return name;
	}
	name = recall(n, key);
	if (name)
		return name;
	/* another one may have the number now */
	if (s->refused)
		snprintf(n->unknown, sizeof(n->unknown), "%llu", inode);
	else
		snprintf(n->unknown, sizeof(n->unknown), "%llu#%llu", inode, cookie);
	return n->unknown;
}

static struct device *space_device(const struct space *s, __u32 ifindex)
{
	struct device want = { .index = ifindex };

	return s->devices ? bsearch(&want, s->device, s->devices, sizeof(want), device_compare)
			  : NULL;
}

/* In the namespace: the numbers of its devices in sysfs, of which each namespace has its own. */
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

/* Is D the device of KEY? If the name is unchanged, it need not be read: that takes 0.5 ms. */
static bool device_is(struct names *n, struct space *s, struct device *d, struct drop_name_key key)
{
	const char *was = recall(n, key);

	if (!key.node || key.node == DROP_NODE_GONE)
		return !key.node;
	if (!was || !strcmp(was, d->name))
		return true;
	if (!s->numbered) {
		s->numbered = true;
		space_enter(n, s, devices_number, s);
	}
	return !d->node || d->node == key.node;
}

bool names_gone(struct names *n, __u64 cookie, __u64 inode, __u32 ifindex, __u32 node)
{
	struct device *d;
	struct space *s = cookie ? space_get(n, inode) : NULL;

	if (!s || s->refused || n->lost)
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
	struct space *s = space_get(n, inode);
	struct device *found = NULL;

	if (s && space_is(s, cookie))
		found = space_device(s, ifindex);
	if (!found || !device_is(n, s, found, key))
		return recall(n, key);
	remember(n, key, found->name);
	return found->name;
}

const char *names_above(struct names *n, __u64 inode, __u32 ifindex, __u32 except, size_t *i)
{
	struct space *s = space_get(n, inode);
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
	ns->netns = n->own;
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
	s = space_get(n, ns.netns);
	if (s && (space_is(s, ns.cookie) || (s->refused && s->name)))
		called = space_called(n, s);
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
	s = space_get(n, ns.netns);
	return s && space_is(s, ns.cookie) ? s : NULL;
}

const char *names_run(struct names *n, __u8 nsid, bool *own)
{
	struct space *s = netns_space(n, nsid);

	*own = s && s->inode == n->own;
	return s && s->name != own_name ? s->name : NULL;
}

void names_in(struct names *n, __u8 nsid, void (*look)(void *arg), void *arg)
{
	struct space *s = netns_space(n, nsid);

	if (s)
		space_enter(n, s, look, arg);
}

bool names_left(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_netns ns;

	netns_get(n, nsid, &ns);
	return names_gone(n, ns.cookie, ns.netns, ifindex, 0);
}

const char *names_device(struct names *n, __u8 nsid, __u32 ifindex)
{
	struct hm_dev_key key = { .ifindex = ifindex };
	const char *name;
	struct hm_netns ns;
	struct hm_dev dev;

	netns_get(n, nsid, &ns);
	name = names_device_in(n, ns.cookie, ns.netns, ifindex, 0);
	if (name)
		return name;
	key.netns = ns.netns;
	if (n->dev_fd >= 0 && !bpf_map_lookup_elem(n->dev_fd, &key, &dev))
		snprintf(n->device, sizeof(n->device), "%.*s", (int)sizeof(dev.name), dev.name);
	else
		snprintf(n->device, sizeof(n->device), "if%u", ifindex);
	return n->device;
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

/* --- what one asks for by name */

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

/* Does the namespace have it? One that may not be entered has everything. */
static bool space_has(const struct asked *a, __u64 inode)
{
	struct space *s = space_get(a->names, inode);

	if (!s || (!s->found && !s->refused) ||
	    (a->netns && strcmp(a->netns, names_netns_inode(a->names, inode))))
		return false;
	for (size_t i = 0; a->device && !s->refused && i < s->devices; i++) {
		if (!strcmp(a->device, s->device[i].name))
			return true;
	}
	return !a->device || s->refused;
}

static bool places_have(const struct asked *a, struct places *p, void (*read)(struct names *n))
{
	place_find(a->names, p, read, 0);
	for (size_t i = 0; i < p->n; i++) {
		if ((!i || p->place[i].inode != p->place[i - 1].inode) &&
		    space_has(a, p->place[i].inode))
			return true;
	}
	return false;
}

static bool exists(const struct asked *a)
{
	return space_has(a, a->names->own) || places_have(a, &a->names->names, names_read) ||
	       places_have(a, &a->names->processes, processes_read);
}

__u32 feature_bit(const char *feature)
{
#define BIT(NAME) !strcmp(feature, #NAME) ? HM_FEAT_##NAME:
	return HM_FEATURES(BIT) 0;
#undef BIT
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
