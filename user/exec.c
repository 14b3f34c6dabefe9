// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec.c - hookmap exec: every exec, failed ones, and exits.
 *
 * JSON, an object an event: time time_ns event pid ppid uid name parent, and
 *   event "exec"    ret 0, file, args [...], args_cut if there were more
 *   event "failed"  ret -errno, error, file, args
 *   event "exit"    code, or signal and its name (and core), run_ns since the exec
 */
#include <string.h>
#include <sys/wait.h>

#include "events.h"

static void show_args(struct line *l, const struct exec_event *e)
{
	const char *at = e->data + e->file, *end = at + e->args;

	line_array(l, "args");
	while (at < end) {
		size_t len = strnlen(at, end - at);

		line_bytes(l, NULL, line_json(l) ? 0 : 1, at, len);
		at += len + 1;
	}
	line_array_end(l);
	line_bool(l, "file_cut", e->flags & EXEC_F_FILE_CUT);
	line_bool(l, "args_cut", e->flags & EXEC_F_ARGS_CUT);
	if (e->flags & EXEC_F_ARGS_CUT)
		line_str(l, NULL, 1, "...");
}

static void show_exit(struct line *l, const struct exec_event *e)
{
	const char *sig = sigabbrev_np(WTERMSIG(e->ret));
	char text[32], run[16];

	format_ns(e->run, run, sizeof(run));
	if (WIFSIGNALED(e->ret)) {
		snprintf(text, sizeof(text), "SIG%s", sig ? sig : "?");
		line_int(l, "signal", 0, WTERMSIG(e->ret));
		line_str(l, "signal_name", 8, text);
		line_bool(l, "core", WCOREDUMP(e->ret));
	} else {
		line_int(l, "code", 8, WEXITSTATUS(e->ret));
	}
	line_int(l, "run_ns", 0, e->run);
	line_str(l, NULL, 1, "after");
	line_str(l, NULL, 1, run);
}

static int exec_show(struct line *l, const void *event, size_t size)
{
	static const char *const kind[] = {
		[EXEC_DONE] = "exec", [EXEC_FAILED] = "failed", [EXEC_EXIT] = "exit"
	};
	const struct exec_event *e = event;

	if (offsetof(struct exec_event, data) + e->file + e->args > size || e->kind < EXEC_DONE ||
	    e->kind > EXEC_EXIT)
		return 0;
	line_begin(l);
	line_time(l, e->time);
	line_str(l, "event", 6, kind[e->kind]);
	line_int(l, "pid", -7, e->pid);
	line_int(l, "ppid", -7, e->ppid);
	line_int(l, "uid", -5, e->uid);
	line_bytes(l, "name", 15, e->name, strnlen(e->name, sizeof(e->name)));
	line_bytes(l, "parent", 0, e->parent, strnlen(e->parent, sizeof(e->parent)));
	if (e->kind == EXEC_EXIT) {
		show_exit(l, e);
	} else {
		line_int(l, "ret", 0, e->ret);
		if (e->ret)
			line_str(l, "error", 8, error_name(-e->ret));
		else
			line_str(l, NULL, 8, "0");
		line_bytes(l, "file", 1, e->data, e->file ? e->file - 1 : 0);
		show_args(l, e);
	}
	line_end(l);
	return 1;
}

int exec_run(const struct options *opt)
{
	static const struct events ev = {
		.feature = "exec",
		.ring = "exec_ring",
		.stat = "exec_stat",
		.head = "TIME            EVENT      PID    PPID   UID NAME            RESULT   "
			"FILE ARGUMENTS",
		.least = offsetof(struct exec_event, data),
		.show = exec_show,
	};

	return events_run(opt, &ev);
}
