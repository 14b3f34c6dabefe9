// SPDX-License-Identifier: GPL-2.0-only
/* nsthread NETNS - a thread of this process, but not the first, is in a network namespace. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static void *thread(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		perror(path);
		_exit(1);
	}
	close(fd);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	pthread_t id;

	if (argc != 2 || pthread_create(&id, NULL, thread, argv[1]))
		return 2;
	return pthread_join(id, NULL);
}
