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
	{ "drops", "packets lost in any layer, and why", drops_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | 1 << OUT_PROM, true },
	{ "progs", "what each BPF program of the machine costs", progs_run,
	  1 << OUT_TEXT | 1 << OUT_JSON, true },
	{ "exec", "programs that are started, and their exits", exec_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | VERB_EVENTS, false },
	{ "path", "the journey of packets, hop by hop", path_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | VERB_EVENTS, false },
	{ "open", "files that are opened", open_run, 1 << OUT_TEXT | 1 << OUT_JSON | VERB_EVENTS,
	  false },
	{ "napi", "packets a poll, frames a devmap batch, delay of NET_RX", napi_run,
	  1 << OUT_TEXT | 1 << OUT_JSON, false },
	{ "pktlat", "time from a packet's receive stamp to user space", pktlat_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | VERB_EVENTS, true },
	{ "ovslat", "time in Open vSwitch's kernel datapath, by port", ovslat_run,
	  1 << OUT_TEXT | 1 << OUT_JSON, false },
	{ "clock", "distances between clocks (--ptp)", clock_run, 1 << OUT_TEXT | 1 << OUT_JSON,
	  false },
	{ "policy", "rules of policy routing, and what they did", policy_run,
	  1 << OUT_TEXT | 1 << OUT_JSON | 1 << OUT_PROM, false },
	{ "fdb", "layer-2 forwarding: entries, ports and rules", fdb_run,
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
	fprintf(f,
		"\n"
		"  -j, --json       one JSON document\n"
		"  -p, --pretty     JSON with line breaks\n"
		"      --prom       Prometheus text format\n"
		"      --hgrm       HdrHistogram percentile distribution (latency)\n"
		"      --hist       draw the distributions (latency)\n"
		"      --buckets    add the histogram buckets to JSON (latency)\n"
		"  -i, --interval SEC  repeat, showing what is new\n"
		"  -c, --count N    stop after N times, or N events\n"
		"  -s, --sum WHAT   drops: sums by layer, reason, location, device, netns, proto,\n"
		"                   or what they are counted by: smac, dmac, sip, dip, flow\n"
		"  -n, --top N      drops: only the N largest\n"
		"      --since FILE drops: what is new since FILE was saved with -j\n"
		"      --all        drops: also what is no loss, and all XDP verdicts\n"
		"      --explain    drops: what the reasons mean and where to look next\n"
		"      --reasons    drops: all reasons that this kernel knows\n"
		"      --drain      show the events that are buffered, then stop\n"
		"      --new        leave out the events that are buffered already\n"
		"      --to HOST    only packets to this address (path)\n"
		"      --slow USEC  packets that took this long, one by one (pktlat)\n"
		"      --ptp DEV    a clock device such as /dev/ptp0 (pktlat, clock)\n"
		"      --samples    drops: packets with their headers, as they are lost\n"
		"      --summary    without the entries (fdb)\n"
		"      --explain 'src=A dst=B ...'  policy: which rule such a packet takes\n"
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
	OPT_SINCE,
	OPT_ALL,
	OPT_EXPLAIN,
	OPT_REASONS,
	OPT_SAMPLES,
	OPT_DRAIN,
	OPT_NEW,
	OPT_TO,
	OPT_PTP,
	OPT_SLOW,
	OPT_SUMMARY,
};

/* -s: the columns of drops */
static bool drops_column(const char *name)
{
	static const char *const names[] = { "layer", "reason", "location", "device",
					     "netns", "proto",	"protocol", "smac",
					     "dmac",  "sip",	"dip",	    "flow" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "prom", no_argument, NULL, OPT_PROM },
	{ "hgrm", no_argument, NULL, OPT_HGRM },
	{ "hist", no_argument, NULL, OPT_HIST },
	{ "buckets", no_argument, NULL, OPT_BUCKETS },
	{ "summary", no_argument, NULL, OPT_SUMMARY },
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'c' },
	{ "bpffs", required_argument, NULL, OPT_BPFFS },
	{ "sum", required_argument, NULL, 's' },
	{ "top", required_argument, NULL, 'n' },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	{ "reasons", no_argument, NULL, OPT_REASONS },
	{ "samples", no_argument, NULL, OPT_SAMPLES },
	{ "drain", no_argument, NULL, OPT_DRAIN },
	{ "new", no_argument, NULL, OPT_NEW },
	{ "to", required_argument, NULL, OPT_TO },
	{ "ptp", required_argument, NULL, OPT_PTP },
	{ "slow", required_argument, NULL, OPT_SLOW },
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
	while ((c = getopt_long(argc, argv, ":jpi:c:s:n:Vh", long_options, NULL)) != -1) {
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
		case OPT_SUMMARY:
			opt.summary = true;
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
		case 's':
			opt.sum = optarg;
			if (!drops_column(optarg))
				return misuse(
					"-s %s: expected layer, reason, location, device, netns, "
					"proto, smac, dmac, sip, dip or flow",
					optarg);
			break;
		case 'n':
			opt.top = strtoul(optarg, &end, 10);
			if (*end || !opt.top || *optarg == '-')
				return misuse("-n %s: expected a number from 1", optarg);
			break;
		case OPT_SINCE:
			opt.since = optarg;
			break;
		case OPT_ALL:
			opt.all = true;
			break;
		case OPT_EXPLAIN:
			opt.explain = true;
			/* policy: a packet follows */
			if (optind < argc && strchr(argv[optind], '='))
				opt.packet = argv[optind++];
			break;
		case OPT_REASONS:
			opt.reasons = true;
			break;
		case OPT_SAMPLES:
			opt.samples = true;
			break;
		case OPT_DRAIN:
			opt.drain = true;
			break;
		case OPT_NEW:
			opt.fresh = true;
			break;
		case OPT_PTP:
			opt.ptp = optarg;
			break;
		case OPT_SLOW:
			opt.slow = strtoul(optarg, &end, 10);
			if (*end || !opt.slow || *optarg == '-' || strlen(optarg) > 9)
				return misuse("--slow %s: expected microseconds from 1", optarg);
			break;
		case OPT_TO:
			opt.to = optarg;
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
	if ((opt.drain || opt.fresh) && !(verb->outputs & VERB_EVENTS))
		return misuse("%s: shows no events (--drain, --new)", verb->name);
	if (opt.slow && verb->run != pktlat_run)
		return misuse("%s: measures no packets (--slow)", verb->name);
	if (opt.ptp && verb->run != pktlat_run && verb->run != clock_run)
		return misuse("%s: needs no clock (--ptp)", verb->name);
	if (verb->run == pktlat_run && !opt.slow && (opt.drain || opt.fresh))
		return misuse("%s: --drain and --new go with --slow", verb->name);
	if (verb->run == pktlat_run && opt.slow && opt.interval > 0)
		return misuse("%s: -i does not go with --slow", verb->name);
	if (opt.to && verb->run != path_run)
		return misuse("%s: has no destination (--to)", verb->name);
	if (opt.count && opt.interval <= 0 && !opt.samples && !(verb->outputs & VERB_EVENTS))
		return misuse("%s", "-c needs -i");
	if (opt.interval > 0 && !verb->repeats)
		return misuse("%s: does not repeat (-i)", verb->name);
	if (opt.interval > 0 && opt.output == OUT_PROM)
		return misuse("%s", "--prom shows totals: no -i");
	if (opt.packet && verb->run != policy_run)
		return misuse("%s: does not --explain a packet", verb->name);
	if (opt.explain && !opt.packet && verb->run == policy_run)
		return misuse("%s", "--explain needs a packet: 'src=A dst=B ...'");
	if ((opt.sum || opt.top || opt.since || opt.all || (opt.explain && !opt.packet) ||
	     opt.reasons || opt.samples) &&
	    verb->run != drops_run)
		return misuse("%s: -s, -n, --since, --all, --explain, --reasons and --samples go "
			      "with drops",
			      verb->name);
	if (opt.samples && (opt.interval > 0 || opt.output == OUT_PROM))
		return misuse("%s", "--samples does not go with -i or --prom");
	if (opt.since && opt.interval > 0)
		return misuse("%s", "--since and -i: choose one");
	return verb->run(&opt);
}
