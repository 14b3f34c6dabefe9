// SPDX-License-Identifier: GPL-2.0-only
/*
 * hookmap - reads the pinned maps of the collection. It never loads or attaches, and only writes
 * names (drop_name, see names_keep()) and the position in a ring buffer. Exit code: 0 fine, 1
 * run-time error, 2 usage.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "prom.h"
#include "settings.h"

#define BPFFS "/sys/fs/bpf"

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

int main(int argc, char **argv)
{
	struct options opt = { .bpffs = getenv("HOOKMAP_BPFFS") };
	const struct verb *verb;
	int err;

	if (!opt.bpffs || !*opt.bpffs)
		opt.bpffs = BPFFS;
	if (argc == 3 && !strcmp(argv[1], "help") && !strcmp(argv[2], "fields")) {
		verb_fields();
		return 0;
	}
	/* `hookmap help VERB` is `hookmap VERB --help`, a script's as well */
	if (argc > 1 && !strcmp(argv[1], "help")) {
		argv[1] = argc > 2 ? argv[2] : "--help";
		argv[2] = argc > 2 ? "--help" : NULL;
		argc = argc > 2 ? 3 : 2;
	} else if (argc > 1 && !strcmp(argv[1], "version")) {
		argv[1] = "--version";
	}
	if (argc > 1)
		front_exec(argv);
	libbpf_set_print(quiet);
	err = args_parse(argc, argv, &opt, &verb);
	if (err)
		return err == ARGS_DONE ? 0 : err;
	json_start(&opt);
	if (strcmp(opt.bpffs, BPFFS))
		file_answers(opt.bpffs);
	if (opt.save)
		file_answers(opt.save);
	if (commands_asked)
		return commands_run(&opt, verb);
	if (opt.output == OUT_PROM)
		return prom_run(&opt);
	return verb ? verb->run(&opt) : brief_run(&opt);
}
