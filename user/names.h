/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - the parts of names.c: network namespaces and their devices (spaces.c), and names of
 * devices and namespaces that are gone (recall.c).
 */
#ifndef HOOKMAP_NAMES_H
#define HOOKMAP_NAMES_H

#include <net/if.h>
#include <sys/types.h>

#include "hookmap.h"

#define BUCKETS 4096

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

/* A device, its master, and the device below it (0: none). */
struct device {
	__u32 index, master, below;
	__u32 node; /* the inode of its sysfs directory; 0: not read, or unknown */
	__u32 xdp;  /* id of its XDP program; 0: none */
	enum { OURS_UNKNOWN, OURS_NONE, OURS_SOME } ours; /* does it have programs of ours? */
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
	bool owned;	       /* the text names its owner */
	bool entered;	       /* so that the rest is known */
	bool numbered;	       /* the numbers of its devices were read */
	__u64 cookie;	       /* 0 before 5.14 */
	struct device *device; /* sorted by number */
	size_t devices;
	char text[64]; /* its fallback name; empty: not yet known */
};

struct spaces {
	__u64 own;     /* inode of the reader's namespace */
	dev_t own_dev; /* where all are */
	int own_fd;
	bool lost;		 /* we could not return */
	struct places names;	 /* /run/netns */
	struct places processes; /* /proc */
	__u64 unasked;		 /* processes, because there are too many */
	struct space *space[BUCKETS];
};

extern const char space_own[]; /* "host" */

void spaces_init(struct spaces *n);
void spaces_free(struct spaces *n);
/* The namespace INODE; NULL: out of memory. */
struct space *space_get(struct spaces *n, __u64 inode);
/* Is S the namespace with this COOKIE, and not a later one? */
bool space_is(const struct space *s, __u64 cookie);
/* Its name or owner; NULL: both are unknown, and its text is a fallback. */
const char *space_called(struct spaces *n, struct space *s);
/* Calls LOOK inside, if it may be entered. */
void space_enter(struct spaces *n, struct space *s, void (*look)(void *arg), void *arg);
struct device *space_device(const struct space *s, __u32 ifindex);
/* Reads the numbers of its devices in sysfs, of which each namespace has its own. */
void space_number(struct spaces *n, struct space *s);
/* Is HAS true for a namespace: our own, one with a name, or one with a process? */
bool spaces_any(struct spaces *n, bool (*has)(const void *arg, __u64 inode), const void *arg);

/* A name in drop_name, or one to add (fresh). */
struct memory {
	struct memory *next;
	struct drop_name_key key;
	struct drop_name value;
	bool used;
	bool fresh;
};

struct memories {
	struct memory *memory[BUCKETS];
	size_t n; /* in drop_name */
};

void memories_read(struct memories *m, const struct options *opt);
void memories_free(struct memories *m);
struct drop_name_key key_of(__u64 cookie, __u32 ifindex, __u32 node);
/* The name, or NULL */
const char *recall(struct memories *m, struct drop_name_key key);
void remember(struct memories *m, struct drop_name_key key, const char *name);
/* Writes what is new to map drop_name. */
void memories_keep(struct memories *m, const struct options *opt);

/* A user who may not read these may not read the rest either, which reports it. */
int names_open(const struct options *opt, const char *name);
struct spaces *names_spaces(struct names *n);

#endif
