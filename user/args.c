// SPDX-License-Identifier: GPL-2.0-only
/*
 * args.c - the command line: one table says what an option is called, what it takes,
 * where its value goes and which verbs understand it. The usage text, the parser and
 * the completion of names all come from it.
 */
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hookmap.h"

enum kind {
	ARG_FLAG,    /* bool */
	ARG_TEXT,    /* const char *; one of .words, if there are any */
	ARG_NUMBER,  /* unsigned long, from 1 */
	ARG_SECONDS, /* double */
	ARG_OUTPUT,  /* enum output: .value */
	ARG_EXPLAIN, /* bool; policy: a packet follows */
	ARG_COLOR,   /* as ARG_TEXT; its value goes behind "=" or is left out */
	ARG_VERSION,
	ARG_HELP,
};

#define ALL	 ((1U << VERBS) - 1)
#define V(NAME)	 (1U << VERB_##NAME)
#define EVENTS	 (V(EXEC) | V(OPEN) | V(PATH) | V(PKTLAT))
#define PROM	 (V(LATENCY) | V(DROPS) | V(POLICY) | V(FDB))
#define REPEATED (V(LATENCY) | V(DROPS) | V(PROGS) | V(PKTLAT))
#define AT(F)	 offsetof(struct options, F)

struct arg {
	const char *name;
	char letter;
	const char *takes; /* what its value is called */
	enum kind kind;
	size_t at; /* in struct options */
	unsigned verbs;
	const char *help;
	const char *words; /* ARG_TEXT: what it may be */
	enum output value; /* ARG_OUTPUT */
};

/* clang-format off */
static const struct arg args[] = {
	{ .name = "json", .letter = 'j', .kind = ARG_OUTPUT, .at = AT(output), .value = OUT_JSON,
	  .verbs = ALL,
	  .help = "one JSON document" },
	{ .name = "pretty", .letter = 'p', .kind = ARG_FLAG, .at = AT(pretty),
	  .verbs = ALL,
	  .help = "JSON with line breaks" },
	{ .name = "prom", .kind = ARG_OUTPUT, .at = AT(output), .value = OUT_PROM,
	  .verbs = PROM,
	  .help = "Prometheus text format, of several verbs, or of all that is attached" },
	{ .name = "output", .takes = "FILE", .kind = ARG_TEXT, .at = AT(save),
	  .verbs = PROM,
	  .help = "--prom: into FILE, which is replaced at once" },
	{ .name = "hgrm", .kind = ARG_OUTPUT, .at = AT(output), .value = OUT_HGRM,
	  .verbs = V(LATENCY),
	  .help = "HdrHistogram percentile distribution" },
	{ .name = "hist", .kind = ARG_FLAG, .at = AT(hist),
	  .verbs = V(LATENCY),
	  .help = "draw the distributions" },
	{ .name = "buckets", .kind = ARG_FLAG, .at = AT(buckets),
	  .verbs = V(LATENCY),
	  .help = "add the histogram buckets to JSON" },
	{ .name = "interval", .letter = 'i', .takes = "SEC", .kind = ARG_SECONDS, .at = AT(interval),
	  .verbs = REPEATED,
	  .help = "repeat, showing what is new" },
	{ .name = "count", .letter = 'c', .takes = "N", .kind = ARG_NUMBER, .at = AT(count),
	  .verbs = REPEATED | EVENTS,
	  .help = "stop after N times, or N events" },
	{ .name = "sum", .letter = 's', .takes = "WHAT", .kind = ARG_TEXT, .at = AT(sum),
	  .verbs = V(DROPS),
	  .help = "sums by one column, or by what they are counted by",
	  .words = "layer reason location device netns proto protocol smac dmac sip dip flow" },
	{ .name = "top", .letter = 'n', .takes = "N", .kind = ARG_NUMBER, .at = AT(top),
	  .verbs = V(DROPS),
	  .help = "only the N largest" },
	{ .name = "since", .takes = "FILE", .kind = ARG_TEXT, .at = AT(since),
	  .verbs = V(DROPS),
	  .help = "what is new since FILE was saved with -j" },
	{ .name = "all", .kind = ARG_FLAG, .at = AT(all),
	  .verbs = V(DROPS),
	  .help = "also what is no loss, and all XDP verdicts" },
	{ .name = "explain", .kind = ARG_EXPLAIN, .at = AT(explain),
	  .verbs = V(LATENCY) | V(DROPS) | V(POLICY),
	  .help = "what the rows mean, and where to look next; of policy, with src=A dst=B ..., which rule such a packet takes" },
	{ .name = "verify", .takes = "SET", .kind = ARG_TEXT, .at = AT(verify),
	  .verbs = V(POLICY),
	  .help = "looks each rule up as packets do: of the set in force, or of the one that is being loaded",
	  .words = "now next" },
	{ .name = "reasons", .kind = ARG_FLAG, .at = AT(reasons),
	  .verbs = V(DROPS),
	  .help = "all reasons that this kernel knows" },
	{ .name = "samples", .kind = ARG_FLAG, .at = AT(samples),
	  .verbs = V(DROPS),
	  .help = "packets with their headers, as they are lost" },
	{ .name = "drain", .kind = ARG_FLAG, .at = AT(drain),
	  .verbs = EVENTS,
	  .help = "show the events that are buffered, then stop" },
	{ .name = "new", .kind = ARG_FLAG, .at = AT(fresh),
	  .verbs = EVENTS,
	  .help = "leave out the events that are buffered already" },
	{ .name = "to", .takes = "HOST", .kind = ARG_TEXT, .at = AT(to),
	  .verbs = V(PATH),
	  .help = "only packets to this address" },
	{ .name = "slow", .takes = "USEC", .kind = ARG_NUMBER, .at = AT(slow),
	  .verbs = V(PKTLAT),
	  .help = "packets that took this long, one by one" },
	{ .name = "ptp", .takes = "DEV", .kind = ARG_TEXT, .at = AT(ptp),
	  .verbs = V(PKTLAT) | V(CLOCK),
	  .help = "a clock device such as /dev/ptp0" },
	{ .name = "summary", .kind = ARG_FLAG, .at = AT(summary),
	  .verbs = V(FDB),
	  .help = "without the entries" },
	{ .name = "dev", .takes = "DEV", .kind = ARG_TEXT, .at = AT(device),
	  .verbs = V(LATENCY) | V(DROPS) | V(FDB),
	  .help = "only what is of this device, which may also stand behind the verb" },
	{ .name = "netns", .takes = "NAME", .kind = ARG_TEXT, .at = AT(netns),
	  .verbs = V(LATENCY) | V(DROPS),
	  .help = "only what is of this network namespace, as the table calls it" },
	{ .name = "cookie", .kind = ARG_FLAG, .at = AT(cookie),
	  .verbs = V(STATUS),
	  .help = "only the number of this network namespace that the kernel never uses again" },
	{ .name = "look", .takes = "ID,...", .kind = ARG_TEXT, .at = AT(look),
	  .verbs = V(PROGS),
	  .help = "what these return, and whether they use skb->tc_index, by their instructions" },
	{ .name = "bpffs", .takes = "DIR", .kind = ARG_TEXT, .at = AT(bpffs),
	  .verbs = ALL,
	  .help = "where the pins are (HOOKMAP_BPFFS, /sys/fs/bpf)" },
	{ .name = "color", .takes = "WHEN", .kind = ARG_COLOR, .at = AT(when),
	  .verbs = ALL,
	  .help = "colours (-c without a number, as for ip)",
	  .words = "always auto never" },
	{ .name = "version", .letter = 'V', .kind = ARG_VERSION,
	  .verbs = ALL },
	{ .name = "help", .letter = 'h', .kind = ARG_HELP,
	  .verbs = ALL,
	  .help = "this text; with a verb, what that takes" },
};
/* clang-format on */
#define NARGS (sizeof(args) / sizeof(args[0]))

static int misuse(const char *format, const char *a, const char *b)
{
	char text[256];

	snprintf(text, sizeof(text), format, a, b);
	fail("%s (see hookmap --help)", text);
	return 2;
}

/* "-c" or "--hist", as one types it. */
static const char *arg_typed(const struct arg *arg)
{
	static char text[32];

	if (arg->letter)
		snprintf(text, sizeof(text), "-%c", arg->letter);
	else
		snprintf(text, sizeof(text), "--%s", arg->name);
	return text;
}

/* The names of the verbs in MASK. */
static const char *verb_names(unsigned mask)
{
	static char text[256];
	size_t n = 0;

	text[0] = 0;
	for (int i = 0; i < VERBS; i++) {
		if (mask & 1U << i)
			n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
				      verbs[i].name);
	}
	return text;
}

/* Prints the words of TEXT from column AT on, in lines of at most 80. */
static void wrap(FILE *f, const char *text, int at)
{
	int column = at;

	while (*text) {
		int len = strcspn(text, " ");

		if (column > at && column + 1 + len > 80) {
			fprintf(f, "\n%*s", at, "");
			column = at;
		}
		column += fprintf(f, "%s%.*s", column > at ? " " : "", len, text);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', f);
}

static void usage(FILE *f, const struct verb *verb)
{
	char text[512], name[32];

	if (verb) {
		fprintf(f, "usage: hookmap [OPTION...] %s\n\n%s\n\n", verb->name, verb->help);
	} else {
		fprintf(f, "usage: hookmap [-j] [-p] [--prom | --hgrm] [-i SEC [-c N]] "
			   "[--bpffs DIR] VERB [DEV]\n"
			   "       hookmap --prom [--output FILE] [VERB...]\n"
			   "       hookmap                what is attached, and the worst of it\n"
			   "       hookmap help [VERB]\n\n");
		for (int i = 0; i < VERBS; i++)
			fprintf(f, "  %-10s %s\n", verbs[i].name, verbs[i].help);
		fprintf(f, "\nCommands that change the system: attach, detach, fdb, policy, lab, "
			   "demo; hookmap\nattach is hookmap-attach, and hookmap help attach "
			   "explains it.\n\n");
	}
	for (const struct arg *arg = args; arg < args + NARGS; arg++) {
		bool some = !verb && arg->verbs != ALL;

		if (verb && !(arg->verbs & 1U << (verb - verbs)))
			continue;
		snprintf(text, sizeof(text), "%s%s%s%s%s%s", arg->help ?: "",
			 arg->words ? ": " : "", arg->words ?: "", some ? " (" : "",
			 some ? verb_names(arg->verbs) : "", some ? ")" : "");
		snprintf(name, sizeof(name),
			 arg->kind == ARG_COLOR ? "%s[=%s]"
			 : arg->takes		? "%s %s"
						: "%s",
			 arg->name, arg->takes);
		fprintf(f, "  %c%c%c --%-*s", arg->letter ? '-' : ' ', arg->letter ?: ' ',
			arg->letter ? ',' : ' ', *text ? 15 : 0, name);
		wrap(f, text, 23);
	}
}

/* Is WORD one of WORDS? */
static bool one_of(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *w = words; len && *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		if (n == len && !strncmp(w, word, n))
			return true;
		w += n;
	}
	return false;
}

/* Puts VALUE into OPT. 0, or 2 having said why not. */
static int arg_take(const struct arg *arg, const char *value, struct options *opt)
{
	void *at = (char *)opt + arg->at;
	char format[160], *end;
	double seconds;

	switch (arg->kind) {
	case ARG_FLAG:
	case ARG_EXPLAIN:
		*(bool *)at = true;
		return 0;
	case ARG_COLOR:
		value = value ?: "always";
		/* fall through */
	case ARG_TEXT:
		*(const char **)at = value;
		if (!arg->words || one_of(arg->words, value))
			return 0;
		snprintf(format, sizeof(format), "%%s %%s: expected one of %s", arg->words);
		return misuse(format, arg_typed(arg), value);
	case ARG_NUMBER:
		*(unsigned long *)at = strtoul(value, &end, 10);
		if (*end || !*(unsigned long *)at || *value == '-' || strlen(value) > 9)
			return misuse("%s %s: expected a number from 1", arg_typed(arg), value);
		return 0;
	case ARG_SECONDS:
		seconds = strtod(value, &end);
		*(double *)at = seconds;
		if (*end || !(seconds >= 0.01 && seconds <= 86400))
			return misuse("%s %s: expected seconds from 0.01 to 86400", arg_typed(arg),
				      value);
		return 0;
	case ARG_OUTPUT:
		if (opt->output != OUT_TEXT && opt->output != arg->value)
			return misuse("%s", "choose one of -j, --prom and --hgrm", NULL);
		*(enum output *)at = arg->value;
		return 0;
	default:
		return 0;
	}
}

/* What goes together only with care. 0, or 2 having said what not. */
static int args_conflict(const struct options *opt, const struct verb *verb)
{
	unsigned bit = 1U << (verb - verbs);

	if (opt->count && opt->interval <= 0 && !opt->samples && !(bit & EVENTS))
		return misuse("%s", "-c needs -i", NULL);
	if (opt->interval > 0 && opt->output == OUT_PROM)
		return misuse("%s", "--prom shows totals: no -i", NULL);
	if (bit == V(PKTLAT) && !opt->slow && (opt->drain || opt->fresh))
		return misuse("%s: --drain and --new go with --slow", verb->name, NULL);
	if (bit == V(PKTLAT) && opt->slow && opt->interval > 0)
		return misuse("%s: -i does not go with --slow", verb->name, NULL);
	if (opt->packet && bit != V(POLICY))
		return misuse("%s: does not --explain a packet", verb->name, NULL);
	if (opt->explain && !opt->packet && bit == V(POLICY))
		return misuse("%s", "--explain needs a packet: 'src=A dst=B ...'", NULL);
	if (opt->samples && (opt->interval > 0 || opt->output == OUT_PROM))
		return misuse("%s", "--samples does not go with -i or --prom", NULL);
	if (opt->verify && opt->packet)
		return misuse("%s", "--verify and --explain: choose one", NULL);
	if ((opt->reasons || opt->packet || opt->verify) && opt->output == OUT_PROM)
		return misuse("%s: --prom shows only counts", verb->name, NULL);
	if (opt->save && opt->output != OUT_PROM)
		return misuse("%s", "--output goes with --prom", NULL);
	if ((opt->device || opt->netns) && bit & (V(LATENCY) | V(DROPS)) && opt->output == OUT_PROM)
		return misuse("%s: --prom shows all devices", verb->name, NULL);
	if (opt->look && opt->interval > 0)
		return misuse("%s", "--look and -i: choose one", NULL);
	if (opt->since && opt->interval > 0)
		return misuse("%s", "--since and -i: choose one", NULL);
	return 0;
}

/* Every option of the bit mask GIVEN must be one of VERB's. */
static int args_fit(unsigned long given, const struct verb *verb)
{
	char text[192];

	for (size_t i = 0; i < NARGS; i++) {
		if (!(given & 1UL << i) || args[i].verbs & 1U << (verb - verbs))
			continue;
		if (args[i].kind == ARG_OUTPUT)
			return misuse("%s: has no such output format (%s)", verb->name,
				      arg_typed(&args[i]));
		snprintf(text, sizeof(text), "%%s: takes no %%s, which goes with %s",
			 verb_names(args[i].verbs));
		return misuse(text, verb->name, arg_typed(&args[i]));
	}
	return 0;
}

static const struct verb *verb_find(const char *name)
{
	for (int i = 0; i < VERBS; i++) {
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	}
	return NULL;
}

/* How many letters to change, add or leave out to make B of A; two that changed places are one. */
static int distance(const char *a, const char *b)
{
	int row[3][32] = {}, la = strlen(a), lb = strlen(b);

	if (la > 30 || lb > 30)
		return 30;
	for (int j = 0; j <= lb; j++)
		row[1][j] = j;
	for (int i = 1; i <= la; i++) {
		int *now = row[2], *last = row[1], *before = row[0];

		now[0] = i;
		for (int j = 1; j <= lb; j++) {
			int n = last[j - 1] + (a[i - 1] != b[j - 1]);

			n = last[j] + 1 < n ? last[j] + 1 : n;
			n = now[j - 1] + 1 < n ? now[j - 1] + 1 : n;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < n)
				n = before[j - 2] + 1;
			now[j] = n;
		}
		memcpy(before, last, sizeof(row[0]));
		memcpy(last, now, sizeof(row[0]));
	}
	return row[1][lb];
}

/* The verb, or the command, that NAME was meant to be; NULL if that is anybody's guess. */
static const char *verb_near(const char *name)
{
	static const char *const commands[] = { "attach", "detach", "policy", "lab",	 "demo",
						"plot",	  "run",    "stat",   "service", "deps",
						"report", "help",   "version" };
	const char *best = NULL;
	int least = 3;

	for (size_t i = 0; i < VERBS + sizeof(commands) / sizeof(commands[0]); i++) {
		const char *word = i < VERBS ? verbs[i].name : commands[i - VERBS];
		int n = distance(name, word);

		if (n < least && n < (int)strlen(word) - 1)
			best = word, least = n;
	}
	/* a command whose script is not here */
	return least ? best : NULL;
}

static int verb_unknown(const char *name)
{
	const char *near = verb_near(name);

	if (near)
		return misuse("%s: unknown verb: did you mean %s?", name, near);
	return misuse("%s: unknown verb", name, NULL);
}

/* Takes the word behind VERB that is no option, if the verb has room for one. */
static bool argument_take(const struct verb *verb, char *word, struct options *opt)
{
	static char packet[1024];
	size_t len;

	/* the rest of a packet: src=A dst=B ... */
	if (verb == &verbs[VERB_POLICY] && opt->packet && strchr(word, '=')) {
		if (opt->packet != packet)
			snprintf(packet, sizeof(packet), "%s", opt->packet);
		opt->packet = packet;
		len = strlen(packet);
		snprintf(packet + len, sizeof(packet) - len, " %s", word);
		return true;
	}
	if (!(1U << (verb - verbs) & (V(LATENCY) | V(DROPS) | V(FDB))) || opt->device)
		return false;
	opt->device = word;
	return true;
}

/* Does OPT ask for colours? As iproute2: what was given counts more than NO_COLOR. */
static bool args_color(const struct options *opt)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (opt->output != OUT_TEXT)
		return false;
	if (opt->when && strcmp(opt->when, "auto"))
		return !strcmp(opt->when, "always");
	if (!opt->when && no && *no)
		return false;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

/* -c is the count if a number follows, and else ip's -c[=WHEN], TEXT being what follows. A
 * word that was taken for the number is given back. */
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

/* Without a verb: only options that all verbs take. */
static int args_brief(unsigned long given)
{
	for (size_t i = 0; i < NARGS; i++) {
		if (given & 1UL << i && args[i].verbs != ALL)
			return misuse("%s: needs a verb, one of %s", arg_typed(&args[i]),
				      verb_names(args[i].verbs));
	}
	return 0;
}

int args_parse(int argc, char **argv, struct options *opt, const struct verb **verb)
{
	struct option longs[NARGS + 1] = {};
	char letters[2 * NARGS + 2] = ":";
	unsigned long given = 0;
	bool no_count = false;
	size_t len = 1;
	int c, err;

	_Static_assert(NARGS < 64, "a bit an option");
	for (size_t i = 0; i < NARGS; i++) {
		int takes = args[i].kind == ARG_COLOR ? optional_argument : args[i].takes != NULL;

		longs[i] = (struct option){ args[i].name, takes, NULL, 256 + i };
		if (args[i].letter)
			letters[len++] = args[i].letter;
		if (args[i].letter && args[i].takes)
			letters[len++] = ':';
	}
	opterr = 0;
	*verb = NULL;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const char *value = optarg;
		size_t i = 0;

		if (c == ':' && optopt == 'c')
			c = 'c', value = NULL, no_count = true;
		if (c == 'c' && args_c_is_color(argv, &value)) {
			while (args[i].kind != ARG_COLOR)
				i++;
			c = 256 + i;
			i = 0;
		}
		if (c == ':')
			return misuse("%s: needs a value", argv[optind - 1], NULL);
		if (c == '?')
			return misuse("%s: unknown option", argv[optind - 1], NULL);
		while (c >= 256 ? i + 256 != (size_t)c : args[i].letter != c)
			i++;
		given |= 1UL << i;
		if (args[i].kind == ARG_VERSION) {
			printf("hookmap %s\n", HM_VERSION);
			return ARGS_DONE;
		}
		err = arg_take(&args[i], value, opt);
		if (err)
			return err;
		fail_as_json(opt->output == OUT_JSON);
		if (args[i].kind == ARG_EXPLAIN && optind < argc && strchr(argv[optind], '='))
			opt->packet = argv[optind++];
		opt->help |= args[i].kind == ARG_HELP;
	}
	if (opt->pretty) {
		if (opt->output != OUT_TEXT && opt->output != OUT_JSON)
			return misuse("%s", "choose one of -j, --prom and --hgrm", NULL);
		opt->output = OUT_JSON;
	}
	opt->color = args_color(opt);
	if (optind == argc && (opt->help || opt->output != OUT_PROM)) {
		if (!opt->help)
			return args_brief(given);
		usage(stdout, NULL);
		return ARGS_DONE;
	}
	for (; optind < argc; optind++) {
		if (*verb && opt->output != OUT_PROM) {
			if (argument_take(*verb, argv[optind], opt))
				continue;
			return misuse("%s: unexpected argument", argv[optind], NULL);
		}
		*verb = verb_find(argv[optind]);
		if (!*verb)
			return verb_unknown(argv[optind]);
		if (opt->help) {
			usage(stdout, *verb);
			return ARGS_DONE;
		}
		opt->verbs |= 1U << (*verb - verbs);
	}
	/* what waits for events would do so for ever, in colour */
	if (no_count && opt->verbs & EVENTS)
		return misuse("%s: -c: needs a number (for colours: --color)", (*verb)->name, NULL);
	if (!opt->verbs) {
		opt->verbs = PROM;
		opt->every = true;
	}
	for (int i = 0; i < VERBS; i++) {
		if (!(opt->verbs & 1U << i))
			continue;
		err = args_fit(given, &verbs[i]);
		if (!err)
			err = args_conflict(opt, &verbs[i]);
		if (err)
			return err;
	}
	return 0;
}
