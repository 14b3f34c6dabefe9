// SPDX-License-Identifier: GPL-2.0-only
/*
 * open.c - hookmap open: every open, openat, openat2 and creat.
 *
 * JSON, one object per call: time time_ns call pid tid uid name ret error flags mode dirfd
 * resolve path path_cut. ret is the descriptor or -errno, error its name (if any). mode is present
 * if the call may create a file, dirfd if the path starts at a descriptor, resolve if openat2 has
 * such flags, path_cut if the path is longer than OPEN_PATH; path_hex has the bytes of a path that
 * is not UTF-8. In text, paths are quoted for a shell.
 */
#include <stddef.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#include "events.h"

#ifndef O_PATH
#define O_PATH 010000000
#endif
/* the kernel's: glibc's is 0 where all files are large */
#if defined(__arm__) || defined(__aarch64__)
#define LARGEFILE 0400000
#elif defined(__powerpc__)
#define LARGEFILE 0200000
#else
#define LARGEFILE 0100000
#endif

static const char *const call_name[] = {
	[OPEN_OPEN] = "open",
	[OPEN_OPENAT] = "openat",
	[OPEN_OPENAT2] = "openat2",
	[OPEN_CREAT] = "creat",
};

struct flag_name {
	unsigned bits;
	const char *name;
};

/* composite flags come first */
static const struct flag_name flag_name[] = {
	{ O_TMPFILE, "O_TMPFILE" },	{ O_SYNC, "O_SYNC" },	      { O_CREAT, "O_CREAT" },
	{ O_EXCL, "O_EXCL" },		{ O_NOCTTY, "O_NOCTTY" },     { O_TRUNC, "O_TRUNC" },
	{ O_APPEND, "O_APPEND" },	{ O_NONBLOCK, "O_NONBLOCK" }, { O_DSYNC, "O_DSYNC" },
	{ O_ASYNC, "O_ASYNC" },		{ O_DIRECT, "O_DIRECT" },     { LARGEFILE, "O_LARGEFILE" },
	{ O_DIRECTORY, "O_DIRECTORY" }, { O_NOFOLLOW, "O_NOFOLLOW" }, { O_NOATIME, "O_NOATIME" },
	{ O_CLOEXEC, "O_CLOEXEC" },	{ O_PATH, "O_PATH" },	      {},
};

static const struct flag_name resolve_name[] = {
	{ RESOLVE_NO_XDEV, "RESOLVE_NO_XDEV" },
	{ RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS" },
	{ RESOLVE_NO_SYMLINKS, "RESOLVE_NO_SYMLINKS" },
	{ RESOLVE_BENEATH, "RESOLVE_BENEATH" },
	{ RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT" },
	{ RESOLVE_CACHED, "RESOLVE_CACHED" },
	{},
};

/* FLAGS by their names in a table, each behind a bar */
static void names_text(__u64 flags, const struct flag_name *name, char *buf, size_t size)
{
	size_t at = 0;

	*buf = 0;
	for (; name->name && at < size; name++) {
		if ((flags & name->bits) != name->bits)
			continue;
		flags &= ~(__u64)name->bits;
		at += snprintf(buf + at, size - at, "|%s", name->name);
	}
	if (flags && at < size)
		snprintf(buf + at, size - at, "|0x%llx", flags);
}

static void flags_text(__u64 flags, char *buf, size_t size)
{
	static const char *const access[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };
	size_t at = snprintf(buf, size, "%s", access[flags & O_ACCMODE]);

	names_text(flags & ~(__u64)O_ACCMODE, flag_name, buf + at, size - at);
}

static int open_show(struct line *l, const void *event, size_t size)
{
	const struct open_event *e = event;
	const char *call = e->call <= OPEN_CREAT && call_name[e->call] ? call_name[e->call] : "?";
	size_t path = e->path_len ? e->path_len - 1 : 0;
	bool makes = e->flags != OPEN_NO_FLAGS &&
		     (e->flags & O_CREAT || (e->flags & O_TMPFILE) == O_TMPFILE);
	/* with RESOLVE_IN_ROOT, dirfd is also the root */
	bool from_dir = e->dirfd != AT_FDCWD &&
			(!path || e->path[0] != '/' || e->resolve & RESOLVE_IN_ROOT);
	char flags[256], mode[16], dir[24], resolve[160];

	if (offsetof(struct open_event, path) + e->path_len > size)
		return 0;
	if (e->flags == OPEN_NO_FLAGS)
		strcpy(flags, "?");
	else
		flags_text(e->flags, flags, sizeof(flags));
	snprintf(mode, sizeof(mode), "%04o", e->mode & 07777);
	snprintf(dir, sizeof(dir), "dirfd=%d", e->dirfd);
	names_text(e->resolve, resolve_name, resolve, sizeof(resolve));
	line_begin(l);
	line_time(l, e->time);
	line_str(l, "call", 7, call);
	line_int(l, "pid", -7, e->pid);
	json_s64("tid", e->tid);
	line_int(l, "uid", -5, e->uid);
	line_word(l, "name", 15, e->name, strnlen(e->name, sizeof(e->name)), false);
	json_s64("ret", e->ret);
	if (json_on()) {
		if (e->ret < 0)
			json_str("error", error_name(-e->ret));
	} else if (e->ret < 0) {
		line_str(l, NULL, 7, error_name(-e->ret));
	} else {
		line_int(l, NULL, 7, e->ret);
	}
	if (*flags != '?')
		json_str("flags", flags);
	if (makes)
		json_str("mode", mode);
	if (from_dir)
		json_s64("dirfd", e->dirfd);
	if (*resolve)
		json_str("resolve", resolve + 1);
	if (e->path_len)
		line_word(l, "path", 1, e->path, path, e->cut);
	else
		line_str(l, NULL, 1, "?");
	if (e->cut)
		json_flag("path_cut", true);
	line_str(l, NULL, 1, flags);
	if (makes)
		line_str(l, NULL, 1, mode);
	if (from_dir)
		line_str(l, NULL, 1, dir);
	if (*resolve)
		line_str(l, NULL, 1, resolve + 1);
	line_end(l);
	return 1;
}

static int open_run(const struct options *opt)
{
	static const struct events ev = {
		.feature = "open",
		.ring = "open_ring",
		.stat = "open_stat",
		.filter = "open_cfg",
		.head = "TIME            CALL        PID   UID NAME            RESULT  PATH FLAGS "
			"MODE",
		.least = offsetof(struct open_event, path),
		.time = offsetof(struct open_event, time),
		.show = open_show,
	};

	return events_run(opt, &ev);
}

static const struct arg open_args[] = { EVENTS_ARGS, ARG_COMMANDS, {} };

static void open_settings(struct settings *s)
{
	trace_settings(s, "open_cfg");
}

/* clang-format off */
static const struct field fields[] = {
	{ "path, dirfd, flags, mode, resolve, ret, error",
	  "The path, the directory it is relative to, flags, mode and openat2's resolve, and the "
	  "descriptor or the error." },
	{}
};
/* clang-format on */

VERB(open, .fields = fields, .help = "opened files", .run = open_run, .takes = VERB_STREAMS,
     .args = open_args, .feature = "open", .settings = open_settings)
