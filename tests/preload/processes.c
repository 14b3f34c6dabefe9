// SPDX-License-Identifier: GPL-2.0-only
/*
 * processes - stands in for a host with many processes, for the tests.
 * Loaded with LD_PRELOAD, it lists HM_PROCESSES processes in /proc instead of the real ones. Their
 * numbers are above the kernel's highest process number, so none of them has a namespace.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PID_MAX 4194304

static int is_proc(DIR *dir)
{
	struct stat a, b;

	return !fstat(dirfd(dir), &a) && !stat("/proc", &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

struct dirent *readdir(DIR *dir)
{
	struct dirent *(*next)(DIR *) = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
	static struct dirent entry;
	static long listed;

	if (!is_proc(dir))
		return next(dir);
	if (listed == atol(getenv("HM_PROCESSES")))
		return NULL;
	snprintf(entry.d_name, sizeof(entry.d_name), "%ld", PID_MAX + ++listed);
	return &entry;
}
