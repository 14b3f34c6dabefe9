// SPDX-License-Identifier: GPL-2.0-only
/* fail.c - error messages, on stderr and, with -j, in the document; and file systems that hang */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "out.h"

#define ANSWER_SECONDS 120 /* unless HOOKMAP_LIMIT has another number */

void fail(const char *format, ...)
{
	char text[512], clean[512];
	const char *said;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	front_text(text);
	/* one line, whatever was typed, without bytes that move the cursor */
	said = text_plain(text, clean, sizeof(clean));
	fprintf(stderr, "hookmap: %s\n", said);
	json_fail(said);
}

void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) {
		fail("%s", strerror(ENOMEM));
		exit(1);
	}
	return p;
}

void file_answers(const char *path)
{
	const char *limit = getenv("HOOKMAP_LIMIT");
	int seconds = limit ? atoi(limit) : 0;
	struct pollfd ended = { .events = POLLIN };
	pid_t pid = fork();
	struct stat st;

	if (!pid)
		_exit(stat(path, &st) != 0);
	if (pid < 0)
		return;
	seconds = seconds > 0 && seconds <= 86400 ? seconds : ANSWER_SECONDS;
	ended.fd = syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd >= 0 && !poll(&ended, 1, seconds * 1000)) {
		kill(pid, SIGKILL);
		fail("%s: no answer after %d seconds: is its file system stuck?", path, seconds);
		exit(1);
	}
	waitpid(pid, NULL, 0);
	if (ended.fd >= 0)
		close(ended.fd);
}
