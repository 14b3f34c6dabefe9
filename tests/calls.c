// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls - makes an exact number of system calls, for the tests and benchmarks of the
 * tracing tools.
 *
 *   calls open|openat|openat2|creat|relative|inroot|null|short COUNT PATH   opens and closes
 *     PATH (relative: from the descriptor of /; inroot: with that as the root; null: no path
 *     at all; short: openat2 with half a struct, at the end of what can be read)
 *   calls exec-fail COUNT PATH      execve of PATH, which must fail
 *   calls execveat|check PATH ARG   execs PATH by descriptor (check: asks whether it could)
 *   calls execveat-in DIR FILE      execs FILE of DIR
 *   calls thread-exec PATH ARG      execs PATH from a second thread
 *   calls thread-end HOW PATH       the first thread ends; then a second one ends the process
 *     by 0 exit(3), 1 SIGKILL, 2 SIGSEGV, 3 ending by itself with 5, 4 abort, 5 spawns PATH
 *     and exits, or 6 execs PATH. The second one has another name
 *   calls trapped|killed COUNT PATH opens and execs PATH, which seccomp refuses with SIGSYS
 *   calls forked COUNT PATH         forks and execs PATH, COUNT times, and waits
 *   calls many-args COUNT PATH      execs PATH with COUNT arguments
 *   calls messages COUNT x          sends itself messages by a Unix socket, and reads them
 *   calls behind|merged|urgent|peek COUNT x  sends itself COUNT segments of 10 bytes by TCP (peek:
 *     datagrams) and reads them; prints its pid. behind: always half of the last one is left;
 *     merged: all at the end; urgent: each begins with an urgent byte; peek: each twice
 *   calls null-calls COUNT x        makes calls that are no opens
 * Options: --rate N (calls a second), before the mode.
 * Exit status: 0, 1 a call did not do what it should, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

extern char **environ;

static long rate;

static void pace(struct timespec *next)
{
	/* in steps of a millisecond */
	static long n;

	if (!rate || ++n % (rate / 1000 ? rate / 1000 : 1))
		return;
	next->tv_nsec += rate >= 1000 ? 1000000 : 1000000000 / rate;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

/* The first field of HOW, with nothing behind it. */
static void *half(const struct open_how *how)
{
	static char *end;
	long page = sysconf(_SC_PAGESIZE);

	if (!end) {
		end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
		if (end == MAP_FAILED)
			exit(1);
		end += page;
		munmap(end, page);
	}
	return memcpy(end - sizeof(how->flags), &how->flags, sizeof(how->flags));
}

static int one_open(const char *mode, const char *path)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT,
				.mode = 0600,
				.resolve = RESOLVE_NO_MAGICLINKS };
	int dir, fd;

	if (!strcmp(mode, "short"))
		return syscall(SYS_openat2, AT_FDCWD, path, half(&how), sizeof(how.flags));
	if (!strcmp(mode, "null"))
		return syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY);
	if (!strcmp(mode, "openat"))
		return openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (!strcmp(mode, "openat2"))
		return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
#ifdef SYS_open
	if (!strcmp(mode, "open"))
		return syscall(SYS_open, path, O_WRONLY | O_APPEND);
	if (!strcmp(mode, "creat"))
		return syscall(SYS_creat, path, 0640);
#endif
	dir = syscall(SYS_open, "/", O_PATH | O_DIRECTORY);
	how.flags = O_RDONLY;
	how.mode = 0;
	how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
	if (!strcmp(mode, "inroot"))
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	else
		fd = openat(dir, path, O_RDONLY);
	close(dir);
	return fd;
}

static int opens(const char *mode, long count, const char *path)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < count; i++) {
		int fd = one_open(mode, path);

		if (fd >= 0)
			close(fd);
		pace(&next);
	}
	return 0;
}

static int exec_fail(long count, char *path)
{
	char *argv[] = { path, "argument", NULL };
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < count; i++) {
		execve(path, argv, environ);
		pace(&next);
	}
	return 0;
}

static void trapped_signal(int sig)
{
	(void)sig;
}

static int trapped(unsigned action, long count, char *path)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the call's number */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(filter) / sizeof(*filter), .filter = filter };

	signal(SIGSYS, trapped_signal);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 1;
	opens("openat", count, path);
	return exec_fail(count, path);
}

static int messages(long count)
{
	char text[64] = "";
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 1;
	for (long i = 0; i < count; i++) {
		if (write(fd[0], text, sizeof(text)) != sizeof(text) ||
		    read(fd[1], text, sizeof(text)) != sizeof(text))
			return 1;
	}
	return 0;
}

/* Two ends of a connection to ourselves. */
static void connection(int type, int fd[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, server = socket(AF_INET, type, 0);
	socklen_t len = sizeof(at);

	fd[0] = socket(AF_INET, type, 0);
	if (bind(server, (void *)&at, len) || getsockname(server, (void *)&at, &len) ||
	    (type == SOCK_STREAM && listen(server, 1)) || connect(fd[0], (void *)&at, len))
		exit(1);
	setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fd[1] = type == SOCK_STREAM ? accept(server, NULL, NULL) : server;
}

/* What is sent is acknowledged at once: the kernel merges only what the sender no longer has. */
static void segment(const int fd[2], const char *text, int len, int flags)
{
	int one = 1, left = 1;

	setsockopt(fd[1], IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
	if (send(fd[0], text, len, flags) != len)
		exit(1);
	while (left)
		ioctl(fd[0], SIOCOUTQ, &left);
}

static int behind(const char *how, long count)
{
	static char text[65536];
	long at = 0;
	int fd[2];

	connection(*how == 'p' ? SOCK_DGRAM : SOCK_STREAM, fd);
	for (long i = 0; i < count; i++) {
		if (*how == 'u')
			segment(fd, text, 1, MSG_OOB);
		segment(fd, text, *how == 'u' ? 9 : 10, 0);
		if (*how == 'b')
			at += recv(fd[1], text, i ? 10 : 5, 0);
		if (*how == 'u' && recv(fd[1], text, 10, 0) != 9)
			return 1;
		if (*how == 'p' &&
		    (recv(fd[1], text, 10, MSG_PEEK) != 10 || recv(fd[1], text, 10, 0) != 10))
			return 1;
	}
	while ((*how == 'b' || *how == 'm') && at < 10 * count)
		at += recv(fd[1], text, sizeof(text), 0);
	printf("%d\n", getpid());
	return 0;
}

static int forked(long count, char *path)
{
	char *argv[] = { path, NULL };

	for (long i = 0; i < count; i++) {
		pid_t pid;

		if (posix_spawn(&pid, path, NULL, NULL, argv, environ) ||
		    waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return 0;
}

static int many_args(long count, char *path)
{
	char **argv = calloc(count + 2, sizeof(*argv));

	argv[0] = path;
	for (long i = 1; i <= count; i++) {
		if (asprintf(&argv[i], "argument-%ld", i) < 0)
			return 1;
	}
	execve(path, argv, environ);
	return 1;
}

static void *thread(void *arg)
{
	execve(((char **)arg)[0], arg, environ);
	return NULL;
}

/* Waits until the first thread has ended. */
static void leader_gone(void)
{
	char path[64], state[3] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (*state != 'Z') {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d (%*[^)]) %1s", state) != 1)
			_exit(99);
		fclose(f);
		sched_yield();
	}
}

static void *last_thread(void *arg)
{
	char **argv = arg;

	prctl(PR_SET_NAME, "thread");
	leader_gone();
	switch (atoi(argv[0])) {
	case 0:
		exit(3);
	case 1:
		kill(getpid(), SIGKILL);
		break;
	case 2:
		raise(SIGSEGV);
		break;
	case 3:
		syscall(SYS_exit, 5);
		break;
	case 4:
		abort();
	case 5:
		exit(forked(1, argv[1]));
	default:
		execve(argv[1], argv + 1, environ);
	}
	pause();
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--rate")) {
		rate = atol(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc != 4) {
		fprintf(stderr, "usage: calls [--rate N] MODE COUNT PATH (see tests/calls.c)\n");
		return 2;
	}
	if (!strcmp(argv[1], "null-calls")) {
		for (long i = atol(argv[2]); i > 0; i--)
			syscall(SYS_getppid);
		return 0;
	}
	if (!strcmp(argv[1], "messages"))
		return messages(atol(argv[2]));
	if (!strcmp(argv[1], "behind") || !strcmp(argv[1], "merged") ||
	    !strcmp(argv[1], "urgent") || !strcmp(argv[1], "peek"))
		return behind(argv[1], atol(argv[2]));
	if (!strcmp(argv[1], "trapped"))
		return trapped(SECCOMP_RET_TRAP, atol(argv[2]), argv[3]);
	if (!strcmp(argv[1], "killed"))
		return trapped(SECCOMP_RET_KILL_PROCESS, atol(argv[2]), argv[3]);
	if (!strcmp(argv[1], "exec-fail"))
		return exec_fail(atol(argv[2]), argv[3]);
	if (!strcmp(argv[1], "forked"))
		return forked(atol(argv[2]), argv[3]);
	if (!strcmp(argv[1], "many-args"))
		return many_args(atol(argv[2]), argv[3]);
	if (!strcmp(argv[1], "execveat")) {
		int fd = open(argv[2], O_PATH | O_CLOEXEC);

		syscall(SYS_execveat, fd, "", argv + 2, environ, AT_EMPTY_PATH);
		return 1;
	}
	if (!strcmp(argv[1], "check")) {
		int fd = open(argv[2], O_PATH | O_CLOEXEC);

		return syscall(SYS_execveat, fd, "", argv + 2, environ,
			       AT_EMPTY_PATH | AT_EXECVE_CHECK) != 0;
	}
	if (!strcmp(argv[1], "execveat-in")) {
		int fd = open(argv[2], O_PATH | O_CLOEXEC);

		syscall(SYS_execveat, fd, argv[3], argv + 2, environ, 0);
		return 1;
	}
	if (!strcmp(argv[1], "thread-exec")) {
		pthread_t t;

		pthread_create(&t, NULL, thread, argv + 2);
		pthread_join(t, NULL);
		return 1;
	}
	if (!strcmp(argv[1], "thread-end")) {
		pthread_t t;

		pthread_create(&t, NULL, last_thread, argv + 2);
		pthread_exit(NULL);
	}
	return opens(argv[1], atol(argv[2]), argv[3]);
}
