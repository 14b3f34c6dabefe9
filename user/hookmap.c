// SPDX-License-Identifier: GPL-2.0-only
/*
 * hookmap - reads the pinned maps of the collection. It never loads, attaches or
 * writes. Exit code: 0 fine, 1 run-time error, 2 usage.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "hookmap.h"

static const struct verb verbs[] = {
	{ "latency", "time between the stages of the receive path", latency_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | 1 << OUT_PROM | 1 << OUT_HGRM, true },
	{ "status", "pins, their shapes, and devices that were attached", status_run,
	  1 << OUT_TEXT | 1 << OUT_JSON, false },
	{ "policy", "rules of policy routing, and what they did", policy_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | 1 << OUT_PROM, false },
};
#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

static bool fail_json;

void fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "hookmap: %s\n", text);
	if (fail_json) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "error", json_object_new_string(text));
		printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
		fail_json = false; /* one document */
	}
}

static void usage(FILE *f)
{
	fprintf(f, "usage: hookmap [-j] [-p] [--prom | --hgrm] [-i SEC [-c N]] [--bpffs DIR] "
		   "VERB\n\n");
	for (size_t i = 0; i < NVERBS; i++)
		fprintf(f, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	fprintf(f, "\n"
		   "  -j, --json       one JSON document\n"
		   "  -p, --pretty     JSON with line breaks\n"
		   "      --prom       Prometheus text format\n"
		   "      --hgrm       HdrHistogram percentile distribution (latency)\n"
		   "      --hist       draw the distributions (latency)\n"
		   "      --buckets    add the histogram buckets to JSON (latency)\n"
		   "      --explain 'src=A dst=B ...'  which rule a packet takes (policy)\n"
		   "  -i, --interval SEC  repeat, showing what is new\n"
		   "  -c, --count N    stop after N times\n"
		   "      --bpffs DIR  where the pins are (HOOKMAP_BPFFS, /sys/fs/bpf)\n"
		   "  -V, --version\n"
		   "  -h, --help\n");
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int misuse(const char *format, const char *arg)
{
	char text[256];

	snprintf(text, sizeof(text), format, arg);
	fail("%s (see hookmap --help)", text);
	return 2;
}

enum {
	OPT_PROM = 256,
	OPT_HGRM,
	OPT_HIST,
	OPT_BUCKETS,
	OPT_BPFFS,
	OPT_EXPLAIN,
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "prom", no_argument, NULL, OPT_PROM },
	{ "hgrm", no_argument, NULL, OPT_HGRM },
	{ "hist", no_argument, NULL, OPT_HIST },
	{ "buckets", no_argument, NULL, OPT_BUCKETS },
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'c' },
	{ "bpffs", required_argument, NULL, OPT_BPFFS },
	{ "explain", required_argument, NULL, OPT_EXPLAIN },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

int main(int argc, char **argv)
{
	struct options opt = { .bpffs = getenv("HOOKMAP_BPFFS") };
	const struct verb *verb = NULL;
	bool hgrm = false, prom = false;
	char *end;
	int c;

	if (!opt.bpffs || !*opt.bpffs)
		opt.bpffs = "/sys/fs/bpf";
	libbpf_set_print(quiet);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":jpi:c:Vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'j':
			opt.output = OUT_JSON;
			fail_json = true;
			break;
		case 'p':
			opt.output = OUT_JSON;
			opt.pretty = true;
			break;
		case OPT_PROM:
			prom = true;
			break;
		case OPT_HGRM:
			hgrm = true;
			break;
		case OPT_HIST:
			opt.hist = true;
			break;
		case OPT_BUCKETS:
			opt.buckets = true;
			break;
		case 'i':
			opt.interval = strtod(optarg, &end);
			if (*end || !(opt.interval >= 0.01 && opt.interval <= 86400))
				return misuse("-i %s: expected seconds from 0.01 to 86400", optarg);
			break;
		case 'c':
			opt.count = strtoul(optarg, &end, 10);
			if (*end || !opt.count || *optarg == '-')
				return misuse("-c %s: expected a number from 1", optarg);
			break;
		case OPT_BPFFS:
			opt.bpffs = optarg;
			break;
		case OPT_EXPLAIN:
			opt.explain = optarg;
			break;
		case 'V':
			printf("hookmap %s\n", HM_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		case ':':
			return misuse("%s: needs a value", argv[optind - 1]);
		default:
			return misuse("%s: unknown option", argv[optind - 1]);
		}
	}
	if (prom + hgrm + (opt.output == OUT_JSON) > 1)
		return misuse("%s", "choose one of -j, --prom and --hgrm");
	if (prom)
		opt.output = OUT_PROM;
	if (hgrm)
		opt.output = OUT_HGRM;
	if (optind == argc) {
		usage(stderr);
		return 2;
	}
	for (size_t i = 0; i < NVERBS; i++) {
		if (!strcmp(argv[optind], verbs[i].name))
			verb = &verbs[i];
	}
	if (!verb)
		return misuse("%s: unknown verb", argv[optind]);
	if (optind + 1 < argc)
		return misuse("%s: unexpected argument", argv[optind + 1]);
	if (!(verb->outputs & 1U << opt.output))
		return misuse("%s: has no such output format", verb->name);
	if (opt.explain && strcmp(verb->name, "policy"))
		return misuse("%s: does not --explain", verb->name);
	if (opt.count && opt.interval <= 0)
		return misuse("%s", "-c needs -i");
	if (opt.interval > 0 && !verb->repeats)
		return misuse("%s: does not repeat (-i)", verb->name);
	if (opt.interval > 0 && opt.output == OUT_PROM)
		return misuse("%s", "--prom shows totals: no -i");
	return verb->run(&opt);
}
