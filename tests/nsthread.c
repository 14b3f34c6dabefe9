// SPDX-License-Identifier: GPL-2.0-only
/* nsthread NETNS [COUNT] - a thread of this process, but not the first, is in a network namespace;
 * COUNT others are not.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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

int main(int argc, char **argv)
{
	int i, others = argc == 3 ? atoi(argv[2]) : 0;
	pthread_attr_t small;
	pthread_t id;

	if (argc < 2)
		return 2;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (i = 0; i <= others; i++) {
		if (pthread_create(&id, &small, thread, i ? NULL : argv[1]))
			return 1;
	}
	return pthread_join(id, NULL);
}
