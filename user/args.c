// SPDX-License-Identifier: GPL-2.0-only
/*
 * args.c - the command line: the common options, and the verbs with theirs (verb.h).
 */
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verb.h"

static struct options common; /* common options of the command line */
static const char *color;     /* --color: always, auto or never */

/* clang-format off */
const struct arg common_args[] = {
	{ .name = "json", .letter = 'j', .kind = ARG_OUTPUT, .value = OUT_JSON,
	  .help = "one JSON document" },
	{ .name = "pretty", .letter = 'p', .kind = ARG_FLAG, .to = &common.pretty,
	  .help = "JSON with line breaks" },
	{ .name = "prom", .kind = ARG_OUTPUT, .value = OUT_PROM, .for_ = VERB_PROM,
	  .help = "Prometheus text format, for several verbs or for everything that is attached" },
	{ .name = "output", .takes = "FILE", .kind = ARG_TEXT, .to = &common.save, .for_ = VERB_PROM,
	  .help = "--prom: write to FILE, replacing it atomically" },
	{ .name = "interval", .letter = 'i', .takes = "SEC", .kind = ARG_SECONDS, .to = &common.interval, .for_ = VERB_REPEATS,
	  .help = "repeat, showing the new values of each interval" },
	{ .name = "count", .letter = 'c', .takes = "N", .kind = ARG_NUMBER, .to = &common.count, .for_ = VERB_REPEATS | VERB_STREAMS,
	  .help = "stop after N intervals, or N events" },
	{ .name = "bpffs", .takes = "DIR", .kind = ARG_TEXT, .to = &common.bpffs,
	  .help = "the bpf filesystem with the pins (HOOKMAP_BPFFS, /sys/fs/bpf)" },
	{ .name = "color", .takes = "WHEN", .kind = ARG_COLOR, .to = &color,
	  .help = "colours (-c without a number, as for ip)",
	  .words = "always auto never" },
	{ .name = "version", .letter = 'V', .kind = ARG_VERSION },
	{ .name = "help", .letter = 'h', .kind = ARG_HELP, .to = &common.help,
	  .help = "this text; with a verb, its options" },
	{},
};

const struct field common_fields[] = {
	{ "DEVICE, device; NETNS, netns; IFINDEX, ifindex",
	  "The packet's device, its number, and its network namespace: its name in /run/netns, "
	  "\"host\" for the one that hookmap runs in, or the name of its container, pod, machine or "
	  "unit; otherwise the oldest process and the inode." },
	{ "COUNT, count; PACKETS, packets; BYTES, bytes",
	  "The count since the feature was attached, or with -i in the interval." },
	{ "P50, p50_ns; P90, p90_ns; P99, p99_ns; P99.9, p999_ns; MIN, min_ns; MAX, max_ns; sum_ns",
	  "Half of the packets took up to P50, 90 % up to P90, and so on; a percentile is up to 6 % "
	  "too large. sum_ns is the sum of all." },
	{ "LAST, last_ns; first_ns",
	  "The last and the first time it was counted." },
	{ "rows, lost, totals",
	  "In JSON, the rows, losses by cause, and sums over all rows." },
	{ "seconds, time, time_ns",
	  "Length and time of the interval." },
	{ "table_full, missed, counted_at_xdp, samples_over_rate, samples_ring_full, unstamped, evicted",
	  "table_full: values not counted because a map was full; other keys of lost that begin or "
	  "end with it name the map. missed: runs that the kernel skipped because the program was "
	  "already running on that CPU. counted_at_xdp: drops that XDP has already counted. "
	  "samples_over_rate, samples_ring_full: samples not taken. unstamped: packets without a "
	  "receive stamp, which the kernel gives only while -i or an NTP daemon runs. evicted: rows "
	  "replaced by others; evicted_values, evicted_calls and evicted_packets: their counts." },
	{ "buckets, id, generation, counters, boot, map",
	  "With --buckets: the upper bound of each bucket and its number of values; and the keys by "
	  "which --since identifies rows and counters." },
	{ "SETTINGS, settings",
	  "What hookmap-attach(8) has set, by the names of its options (max_rules for --max-rules). "
	  "Tables leave out what has its default. A verb has the settings for all devices; status "
	  "has those of each device and of the host, by feature. With --commands, they are the "
	  "options of the commands that set them again." },
	{ "error",
	  "With -j, the reason why there is no other document." },
	{ "pid, tid, ppid, parent, uid, file, call",
	  "Of an event: process, thread, parent, user, the file that was run or opened, and the "
	  "system call." },
	{ "lost_before, table_full_before, unread, unread_before, cgroup_gone",
	  "At the end: losses before this reader started, packets whose headers could not be read, "
	  "and whether the cgroup of --cgroup was removed." },
	{ "args_cut, file_cut, path_cut",
	  "The text was too long, and was cut." },
	{}
};
/* clang-format on */

/* Stores VALUE. 0, or 2 after printing why not. */
static int arg_take(const struct arg *arg, const char *value)
{
	char format[160], *end;
	double seconds;

	switch (arg->kind) {
	case ARG_FLAG:
	case ARG_HELP:
		*(bool *)arg->to = true;
		return 0;
	case ARG_COLOR:
		value = value ?: "always";
		/* fall through */
	case ARG_TEXT:
		*(const char **)arg->to = value;
		if (!arg->words || one_of(arg->words, value))
			return 0;
		snprintf(format, sizeof(format), "%%s %%s: expected one of %s", arg->words);
		return misuse(format, arg_typed(arg), value);
	case ARG_NUMBER:
		*(unsigned long *)arg->to = strtoul(value, &end, 10);
		if (*end || !*(unsigned long *)arg->to || *value == '-' || strlen(value) > 10)
			return misuse("%s %s: expected a number from 1", arg_typed(arg), value);
		return 0;
	case ARG_SECONDS:
		seconds = strtod(value, &end);
		*(double *)arg->to = seconds;
		if (*end || !(seconds >= 0.01 && seconds <= 86400))
			return misuse("%s %s: expected seconds from 0.01 to 86400", arg_typed(arg),
				      value);
		return 0;
	case ARG_OUTPUT:
		if (common.output != OUT_TEXT && common.output != arg->value)
			return misuse("%s", "choose one of -j, --prom and --hgrm", NULL);
		common.output = arg->value;
		return 0;
	default:
		return 0;
	}
}

/* An option as given: the verb tells later whose option it is. */
struct given {
	const struct arg *arg;
	const char *value;
};

static bool streams(const struct verb *verb)
{
	return verb->takes & VERB_STREAMS && (!verb->streams || verb->streams());
}

/* Refuses combinations of options that VERB does not support. 0, or 2 after printing why. */
static int args_conflict(const struct verb *verb)
{
	const char *wrong;

	if (common.count && common.interval <= 0 && !streams(verb))
		return misuse("%s", "-c needs -i", NULL);
	if (common.interval > 0 && streams(verb))
		return misuse("%s: shows events as they come, without -i", verb->name, NULL);
	if (common.save && common.output != OUT_PROM)
		return misuse("%s", "--output goes with --prom", NULL);
	wrong = verb->wrong ? verb->wrong(&common) : NULL;
	return wrong ? misuse("%s: %s", verb->name, wrong) : 0;
}

/* Stores the options of GIVEN, each of which must be one of VERB's. */
static int args_fit(const struct given *given, size_t n, const struct verb *verb)
{
	char text[192];
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		const struct arg *arg = verb_arg(verb, given[i].arg->name);

		if (!arg && given[i].arg->kind == ARG_OUTPUT)
			return misuse("%s: has no such output format (%s)", verb->name,
				      arg_typed(given[i].arg));
		if (!arg) {
			snprintf(text, sizeof(text), "%%s: takes no %%s, which goes with %s",
				 arg_verbs(given[i].arg->name));
			return misuse(text, verb->name, arg_typed(given[i].arg));
		}
		/* (common ones and outputs were taken at once) */
		if (!arg_find(common_args, arg->name) && arg->kind != ARG_OUTPUT)
			err = arg_take(arg, given[i].value);
	}
	return err;
}

static struct verb *verb_find(const char *name)
{
	struct verb *v = verbs;

	while (v && strcmp(name, v->name))
		v = v->next;
	return v;
}

/* Takes the argument after VERB, if the verb accepts one. */
static bool argument_take(const struct verb *verb, const char *word)
{
	if (verb->word && verb->word(word))
		return true;
	if (!verb->device || *verb->device)
		return false;
	*verb->device = word;
	return true;
}

/* Should output have colours? As in iproute2, the option overrides NO_COLOR. */
static bool args_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (common.output != OUT_TEXT)
		return false;
	if (color && strcmp(color, "auto"))
		return !strcmp(color, "always");
	if (!color && no && *no)
		return false;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

/* -c is the count if a number follows, otherwise ip's -c[=WHEN], where TEXT is the next word. A
 * word mistaken for the number is returned. */
static bool args_c_is_color(char **argv, const char **text)
{
	const char *t = *text;

	if (t && *t && strspn(t, "0123456789-") == strlen(t))
		return false;
	*text = t && *t == '=' ? t + 1 : NULL;
	if (t && t == argv[optind - 1] && *t != '=')
		optind--;
	return true;
}

/* All options of all verbs for getopt, in LONGS, each name once; ALL has the option of each. */
#define ARGS_MAX 96
static size_t args_all(const struct arg **all, struct option *longs, char *letters)
{
	size_t n = 0, len = 1;

	letters[0] = ':';
	for (const struct verb *v = NULL; n < ARGS_MAX; v = v ? v->next : verbs) {
		for (const struct arg *arg = v ? v->args : common_args;
		     arg && arg->name && n < ARGS_MAX; arg++) {
			if (v && arg_was(v, arg->name))
				continue;
			longs[n] = (struct option){ arg->name,
						    arg->kind == ARG_COLOR ? optional_argument
									   : !!arg->takes,
						    NULL, 256 + n };
			all[n++] = arg;
			if (arg->letter)
				letters[len++] = arg->letter;
			if (arg->letter && arg->takes)
				letters[len++] = ':';
		}
		if (v && !v->next)
			break;
	}
	return n;
}

/* Reads N options into GIVEN, and takes the common ones. 0, an exit code, or ARGS_DONE */
static int args_read(int argc, char **argv, struct given *given, size_t *n, bool *no_count)
{
	const struct arg *all[ARGS_MAX];
	struct option longs[ARGS_MAX + 1] = {};
	char letters[2 * ARGS_MAX + 2] = {};
	size_t known = args_all(all, longs, letters);
	int c, err;

	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const char *value = optarg;
		size_t i = 0;

		if (c == ':' && optopt == 'c')
			c = 'c', value = NULL, *no_count = true;
		if (c == 'c' && args_c_is_color(argv, &value)) {
			while (all[i]->kind != ARG_COLOR)
				i++;
			c = 256 + i;
			i = 0;
		}
		if (c == ':')
			return misuse("%s: needs a value", argv[optind - 1], NULL);
		if (c == '?')
			return misuse("%s: unknown option", argv[optind - 1], NULL);
		while (i < known && (c >= 256 ? i + 256 != (size_t)c : all[i]->letter != c))
			i++;
		if (all[i]->kind == ARG_VERSION) {
			printf("hookmap %s\n", HM_VERSION);
			return ARGS_DONE;
		}
		if (*n == ARGS_MAX)
			return misuse("%s", "too many options", NULL);
		given[(*n)++] = (struct given){ all[i], value };
		err = arg_find(common_args, all[i]->name) || all[i]->kind == ARG_OUTPUT
			      ? arg_take(all[i], value)
			      : 0;
		if (err)
			return err;
		json_start(&common);
	}
	return 0;
}

/* The arguments that are not options: verbs, and the argument of a verb. 0 or an exit code. */
static int args_words(int argc, char **argv, const struct given *given, size_t n,
		      struct verb **verb)
{
	int err = 0;

	/* the argument of --explain may precede the verb */
	for (int i = optind; i < argc && !*verb; i++) {
		if (!strchr(argv[i], '='))
			*verb = verb_find(argv[i]);
		if (!*verb && !strchr(argv[i], '='))
			return verb_unknown(argv[i]);
	}
	if (!*verb)
		return argc > optind ? verb_unknown(argv[optind]) : 0;
	if (common.help) {
		verb_usage(*verb);
		return ARGS_DONE;
	}
	(*verb)->chosen = true;
	err = args_fit(given, n, *verb);
	for (int i = optind, first = 1; !err && i < argc; i++) {
		if (first && !strcmp(argv[i], (*verb)->name)) {
			first = 0;
		} else if (common.output != OUT_PROM) {
			if (!argument_take(*verb, argv[i]))
				return misuse("%s: unexpected argument", argv[i], NULL);
		} else {
			struct verb *other = verb_find(argv[i]);

			if (!other)
				return verb_unknown(argv[i]);
			other->chosen = true;
			err = args_fit(given, n, other);
		}
	}
	return err;
}

int args_parse(int argc, char **argv, struct options *opt, const struct verb **chosen)
{
	static struct given given[ARGS_MAX];
	struct verb *verb = NULL;
	bool no_count = false;
	size_t n = 0;
	int err;

	common = *opt;
	err = args_read(argc, argv, given, &n, &no_count);
	if (err)
		return err;
	if (common.pretty) {
		if (common.output != OUT_TEXT && common.output != OUT_JSON)
			return misuse("%s", "choose one of -j, --prom and --hgrm", NULL);
		common.output = OUT_JSON;
	}
	if (common.interval > 0 && common.output == OUT_PROM)
		return misuse("%s", "--prom shows totals: no -i", NULL);
	common.color = args_color();
	if (optind == argc && common.help) {
		verb_usage(NULL);
		return ARGS_DONE;
	}
	err = args_words(argc, argv, given, n, &verb);
	if (err)
		return err;
	*chosen = verb;
	/* without a verb: only options that all verbs take, and --prom */
	for (size_t i = 0; !verb && i < n; i++) {
		const struct arg *arg = arg_find(common_args, given[i].arg->name);

		if ((!arg || arg->for_) &&
		    (common.output != OUT_PROM || !arg || arg->for_ != VERB_PROM))
			return misuse("%s: needs a verb, one of %s", arg_typed(given[i].arg),
				      arg_verbs(given[i].arg->name));
	}
	/* a verb that waits for events would wait forever, in colour */
	if (no_count && verb && streams(verb))
		return misuse("%s: -c: needs a number (for colours: --color)", verb->name, NULL);
	common.every = !verb;
	for (struct verb *v = verbs; v; v = v->next) {
		if (!verb && common.output == OUT_PROM && v->takes & VERB_PROM)
			v->chosen = true;
		err = v->chosen ? args_conflict(v) : 0;
		if (err)
			return err;
	}
	*opt = common;
	return 0;
}
