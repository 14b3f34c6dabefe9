// SPDX-License-Identifier: GPL-2.0-only
/*
 * hookmap - reads the pinned maps of the collection. It never loads or attaches, and writes
 * nothing but names (drop_name, see names_keep()) and the position in a ring buffer.
 * Exit code: 0 fine, 1 run-time error, 2 usage.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "prom.h"

const struct verb verbs[VERBS] = {
	[VERB_LATENCY] = { "latency", "time between the stages of the receive path", latency_run,
			   "lat_cfg" },
	[VERB_STATUS] = { "status", "pins, their shapes, and devices that were attached",
			  status_run },
	[VERB_DROPS] = { "drops", "packets lost in any layer, and why", drops_run, "drop_cfg" },
	[VERB_PROGS] = { "progs", "what each BPF program of the machine costs", progs_run },
	[VERB_EXEC] = { "exec", "programs that are started, and their exits", exec_run },
	[VERB_PATH] = { "path", "the journey of packets, hop by hop", path_run },
	[VERB_OPEN] = { "open", "files that are opened", open_run },
	[VERB_NAPI] = { "napi", "packets per poll, frames per devmap batch, delay of NET_RX",
			napi_run },
	[VERB_PKTLAT] = { "pktlat", "time from a packet's receive stamp to user space",
			  pktlat_run },
	[VERB_OVSLAT] = { "ovslat", "time in Open vSwitch's kernel datapath, by port", ovslat_run },
	[VERB_CLOCK] = { "clock", "distances between clocks (--ptp)", clock_run },
	[VERB_POLICY] = { "policy", "rules of policy routing, and what they did", policy_run,
			  "pol_cfg" },
	[VERB_FDB] = { "fdb", "layer-2 forwarding: entries, ports and rules", fdb_run, "l2_cfg" },
};

static bool fail_json;

void fail_as_json(bool on)
{
	fail_json = on;
}

void fail(const char *format, ...)
{
	char text[512], clean[512];
	const char *said;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	front_text(text);
	/* one line, whatever was typed, and nothing that moves the cursor */
	said = text_plain(text, clean, sizeof(clean));
	fprintf(stderr, "hookmap: %s\n", said);
	if (fail_json) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "error", json_object_new_string(said));
		printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
		fail_json = false; /* one document */
	}
}

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
		opt.bpffs = "/sys/fs/bpf";
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
	if (opt.output == OUT_PROM)
		return prom_run(&opt);
	return verb ? verb->run(&opt) : brief_run(&opt);
}
