// SPDX-License-Identifier: GPL-2.0-only
/*
 * holders.c - the processes that hold a network namespace only by a socket or a tun device. No
 * file leads to such a namespace, but the kernel tells it to anybody with a copy of the
 * descriptor.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "out.h"

#define MISC_MAJOR 10
#define TUN_MINOR  200

static const struct out_col holder_cols[] = {
	{ "pid", "PID", OUT_U64 },
	{ "process", "PROCESS", OUT_STR },
};

/* Is descriptor FD of the process of INODE? */
static bool fd_holds(int pidfd, int fd, __u64 inode)
{
	int copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int ns = copy < 0 ? -1 : ioctl(copy, SIOCGSKNS);
	struct stat st;
	bool holds = ns >= 0 && !fstat(ns, &st) && st.st_ino == inode;

	if (ns >= 0)
		close(ns);
	if (copy >= 0)
		close(copy);
	return holds;
}

/* Is it a socket or /dev/net/tun? Others are not asked, because a file system may never answer,
 * not even when a copy is closed. */
static bool may_hold(int dir, const char *fd)
{
	struct statx st;

	return !statx(dir, fd, AT_STATX_DONT_SYNC, STATX_TYPE, &st) &&
	       (S_ISSOCK(st.stx_mode) || (S_ISCHR(st.stx_mode) && st.stx_rdev_major == MISC_MAJOR &&
					  st.stx_rdev_minor == TUN_MINOR));
}

static bool process_holds(const char *pid, __u64 inode)
{
	int pidfd = syscall(SYS_pidfd_open, atoi(pid), 0);
	char path[NAME_MAX + 16];
	bool holds = false;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = pidfd < 0 ? NULL : opendir(path);
	while (!holds && dir && (entry = readdir(dir)))
		holds = may_hold(dirfd(dir), entry->d_name) &&
			fd_holds(pidfd, atoi(entry->d_name), inode);
	if (dir)
		closedir(dir);
	if (pidfd >= 0)
		close(pidfd);
	return holds;
}

/* The name that the process gave itself; "?" if it is gone. */
static void process_name(const char *pid, char name[16])
{
	char path[NAME_MAX + 16];
	FILE *f;

	strcpy(name, "?");
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, 16, f))
		name[strcspn(name, "\n")] = 0;
	fclose(f);
}

void show_holders(const struct options *opt, __u64 inode)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char name[16];
	struct out *o;

	json_open(NULL, '{');
	o = OUT_ROWS(opt, "rows", NULL, holder_cols);
	while (dir && (entry = readdir(dir))) {
		if (!isdigit(*entry->d_name) || !process_holds(entry->d_name, inode))
			continue;
		process_name(entry->d_name, name);
		out_row(o);
		out_u64(o, atoi(entry->d_name));
		out_str(o, name);
	}
	if (dir)
		closedir(dir);
	out_end(o);
	json_close();
}
