// SPDX-License-Identifier: GPL-2.0-only
/*
 * prom_save.c - writes Prometheus text into a file for node_exporter's textfile
 * collector, which may read it at any time: a temporary file in the same directory, whose name
 * does not end in .prom, is written and then replaces the old one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prom.h"

static int save_as(int fd)
{
	FILE *f = fdopen(fd, "w");
	int err;

	if (!f) {
		err = -errno;
		close(fd);
		return err;
	}
	err = prom_write(f);
	/* node_exporter runs as another user */
	if (!err && (fchmod(fd, 0644) || fsync(fd)))
		err = -errno;
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

int prom_save(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path) + 1 : 0;
	struct stat st;
	char *temp;
	int fd, err;

	/* a rename would also replace a device */
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		fail("%s: not a regular file: give --output a file, or leave it out", path);
		return -EINVAL;
	}
	if (asprintf(&temp, "%.*s.%s.XXXXXX", dir, path, path + dir) < 0) {
		fail("%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	fd = mkstemp(temp);
	if (fd < 0) {
		err = -errno;
		fail("%s: %s: the folder must exist and be writable", path, strerror(-err));
		free(temp);
		return err;
	}
	err = save_as(fd);
	if (!err && rename(temp, path))
		err = -errno;
	if (err) {
		unlink(temp);
		fail("%s: %s", path, strerror(-err));
	}
	free(temp);
	return err;
}
