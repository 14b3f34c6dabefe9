// SPDX-License-Identifier: GPL-2.0-only
/* nsthread NETNS [COUNT] - a thread of this process, but not the first, is in a network namespace;
 * COUNT others are not.
 * nsthread --socket NETNS - this process has a socket of the network namespace, and nothing else.
 * nsthread --stuck DIR - this process has a descriptor, whose link says "/", of a file system
 * (FUSE) that answers nobody.
 * nsthread --mute PATH - such a file system is mounted on PATH, a directory or a file.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void *thread(void *path)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (path && (fd < 0 || setns(fd, CLONE_NEWNET))) {
		perror(path);
		_exit(1);
	}
	if (path)
		close(fd);
	for (;;)
		pause();
}

static int stuck(const char *path, bool stays)
{
	int fd = open("/dev/fuse", O_RDWR);
	char options[96];
	struct stat st;

	if (stat(path, &st))
		st.st_mode = 0;
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other", fd,
		 st.st_mode & S_IFMT);
	if (fd < 0 || mount("stuck", path, "fuse", 0, options) ||
	    (!stays && (open(path, O_PATH) < 0 || umount2(path, MNT_DETACH)))) {
		perror(path);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	return pause();
}

static int holding(const char *path)
{
	int own = open("/proc/self/ns/net", O_RDONLY), fd = open(path, O_RDONLY);

	if (fd < 0 || setns(fd, CLONE_NEWNET) || socket(AF_INET, SOCK_DGRAM, 0) < 0 ||
	    setns(own, CLONE_NEWNET)) {
		perror(path);
		return 1;
	}
	close(fd);
	close(own);
	puts("ready");
	fflush(stdout);
	return pause();
}

int main(int argc, char **argv)
{
	int i, others = argc == 3 ? atoi(argv[2]) : 0;
	pthread_attr_t small;
	pthread_t id;

	if (argc < 2)
		return 2;
	if (argc == 3 && !strcmp(argv[1], "--stuck"))
		return stuck(argv[2], false);
	if (argc == 3 && !strcmp(argv[1], "--mute"))
		return stuck(argv[2], true);
	if (argc == 3 && !strcmp(argv[1], "--socket"))
		return holding(argv[2]);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (i = 0; i <= others; i++) {
		if (pthread_create(&id, &small, thread, i ? NULL : argv[1]))
			return 1;
	}
	return pthread_join(id, NULL);
}
