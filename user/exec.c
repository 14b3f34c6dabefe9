// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec.c - hookmap exec: every exec, failed ones, and exits.
 *
 * JSON, one object per event: time time_ns event pid ppid uid name parent, and
 *   event "exec"    ret 0, file, args [...], file_cut, args_cut if there were more
 *   event "failed"  ret -errno, error, file (unless it could not be read), args
 *   event "exit"    code, or signal and its name (and core), run_ns since the exec
 * Strings that are not UTF-8 appear again, byte by byte: file_hex, args_hex [...], name_hex. In
 * text, words are quoted as a shell would have it (line_word).
 */
#include <stddef.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "events.h"

/* Prints the arguments, or (HEX) their bytes. Returns whether JSON strings represent all of them
 * exactly. */
static bool args_list(struct line *l, const char *key, const struct exec_event *e, bool hex)
{
	const char *at = e->data + e->file, *end = at + e->args;
	bool exact = true;

	json_open(key, '[');
	for (unsigned i = 0; at < end; i++) {
		size_t len = strnlen(at, end - at);

		if (hex)
			json_hex(NULL, at, len);
		else
			line_word(l, NULL, json_on() ? 0 : 1, at, len,
				  at + len == end || (i < 32 && e->cut >> i & 1));
		exact = exact && json_exact(at, len);
		at += len + 1;
	}
	json_close();
	return exact;
}

static void show_args(struct line *l, const struct exec_event *e)
{
	const char *end = e->data + e->file + e->args;

	if (!args_list(l, "args", e, false) && json_on())
		args_list(l, "args_hex", e, true);
	if (e->flags & EXEC_F_FILE_CUT)
		json_flag("file_cut", true);
	if (e->flags & EXEC_F_ARGS_CUT || e->cut)
		json_flag("args_cut", true);
	/* a separate word, unless the last word itself was cut */
	if (e->flags & EXEC_F_ARGS_CUT && !(e->args && end[-1]))
		line_str(l, NULL, 1, "...");
}

/* The file of a call; if it starts at a descriptor, by the kernel's name for it. */
static void show_file(struct line *l, const struct exec_event *e)
{
	bool from_dir = e->kind == EXEC_FAILED && e->dirfd != AT_FDCWD && e->data[0] != '/';
	char file[EXEC_FILE + 24];
	int at = 0;

	if (!e->file) {
		line_str(l, NULL, 1, "?");
		return;
	}
	if (from_dir)
		at = sprintf(file, "/dev/fd/%d%s", e->dirfd, e->file > 1 ? "/" : "");
	memcpy(file + at, e->data, e->file - 1);
	line_word(l, "file", 1, file, at + e->file - 1, e->flags & EXEC_F_FILE_CUT);
}

static void show_exit(struct line *l, const struct exec_event *e)
{
	const char *sig = sigabbrev_np(WTERMSIG(e->ret));
	char text[32], run[16];

	format_ns(e->run, run, sizeof(run));
	if (WIFSIGNALED(e->ret)) {
		snprintf(text, sizeof(text), "SIG%s", sig ? sig : "?");
		json_s64("signal", WTERMSIG(e->ret));
		line_str(l, "signal_name", 8, text);
		if (WCOREDUMP(e->ret))
			json_flag("core", true);
	} else {
		line_int(l, "code", 8, WEXITSTATUS(e->ret));
	}
	json_s64("run_ns", e->run);
	line_str(l, NULL, 1, "after");
	line_str(l, NULL, 1, run);
}

static int exec_show(struct line *l, const void *event, size_t size)
{
	static const char *const kind[] = {
		[EXEC_DONE] = "exec", [EXEC_FAILED] = "failed", [EXEC_EXIT] = "exit"
	};
	const struct exec_event *e = event;

	if (offsetof(struct exec_event, data) + e->file + e->args > size || e->file > EXEC_FILE ||
	    e->kind < EXEC_DONE || e->kind > EXEC_EXIT)
		return 0;
	line_begin(l);
	line_time(l, e->time);
	line_str(l, "event", 6, kind[e->kind]);
	line_int(l, "pid", -7, e->pid);
	line_int(l, "ppid", -7, e->ppid);
	line_int(l, "uid", -5, e->uid);
	line_word(l, "name", 15, e->name, strnlen(e->name, sizeof(e->name)), false);
	line_bytes(l, "parent", 0, e->parent, strnlen(e->parent, sizeof(e->parent)));
	if (e->kind == EXEC_EXIT) {
		show_exit(l, e);
	} else {
		json_s64("ret", e->ret);
		if (e->ret)
			line_str(l, "error", 8, error_name(-e->ret));
		else
			line_str(l, NULL, 8, "0");
		show_file(l, e);
		show_args(l, e);
	}
	line_end(l);
	return 1;
}

static int exec_run(const struct options *opt)
{
	static const struct events ev = {
		.feature = "exec",
		.ring = "exec_ring",
		.stat = "exec_stat",
		.filter = "exec_cfg",
		.head = "TIME            EVENT      PID    PPID   UID NAME            RESULT   "
			"FILE ARGUMENTS",
		.least = offsetof(struct exec_event, data),
		.time = offsetof(struct exec_event, time),
		.show = exec_show,
	};

	return events_run(opt, &ev);
}

static const struct arg exec_args[] = { EVENTS_ARGS, ARG_COMMANDS, {} };

static void exec_settings(struct settings *s)
{
	trace_settings(s, "exec_cfg");
}

/* clang-format off */
static const struct field fields[] = {
	{ "event, end, run_ns, code, signal, signal_name, core",
	  "Start or end of a program, how it ended, and its run time; core: it left a core dump." },
	{}
};
/* clang-format on */

VERB(exec, .fields = fields, .help = "started programs, and their exits", .run = exec_run,
     .takes = VERB_STREAMS, .args = exec_args, .feature = "exec", .settings = exec_settings)
