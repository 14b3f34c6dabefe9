// SPDX-License-Identifier: GPL-2.0-only
/* verb.c - the verbs, their options, and --help */
#include <stdio.h>
#include <string.h>

#include "verb.h"

struct verb *verbs;

void verb_add(struct verb *verb)
{
	struct verb **at = &verbs;

	while (*at && strcmp((*at)->name, verb->name) < 0)
		at = &(*at)->next;
	verb->next = *at;
	*at = verb;
}

const struct arg *arg_find(const struct arg *in, const char *name)
{
	for (; in && in->name; in++) {
		if (!strcmp(in->name, name))
			return in;
	}
	return NULL;
}

/* The option of this name that VERB has; NULL if it has none. */
const struct arg *verb_arg(const struct verb *verb, const char *name)
{
	const struct arg *arg = arg_find(common_args, name);

	if (!arg)
		return arg_find(verb->args, name);
	return !arg->for_ || arg->for_ & verb->takes ? arg : NULL;
}

int misuse(const char *format, const char *a, const char *b)
{
	char text[256];

	snprintf(text, sizeof(text), format, a, b);
	fail("%s (see hookmap --help)", text);
	return 2;
}

/* "-c" or "--hist", as one types it. */
const char *arg_typed(const struct arg *arg)
{
	static char text[32];

	if (arg->letter)
		snprintf(text, sizeof(text), "-%c", arg->letter);
	else
		snprintf(text, sizeof(text), "--%s", arg->name);
	return text;
}

/* The names of the verbs that have the option. */
const char *arg_verbs(const char *name)
{
	static char text[256];
	size_t n = 0;

	text[0] = 0;
	for (const struct verb *v = verbs; v; v = v->next) {
		if (verb_arg(v, name))
			n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", v->name);
	}
	return text;
}

/* Prints the words of TEXT from column AT on, in lines of at most 80. */
static void wrap(const char *text, int at)
{
	int column = at;

	while (*text) {
		int len = strcspn(text, " ");

		if (column > at && column + 1 + len > 80) {
			printf("\n%*s", at, "");
			column = at;
		}
		column += printf("%s%.*s", column > at ? " " : "", len, text);
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

/* The option as in --help; with SOME, also the verbs that have it. */
static void usage_arg(const struct arg *arg, bool some)
{
	char text[512], name[32];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", arg->help ?: "", arg->words ? ": " : "",
		 arg->words ?: "", some ? " (" : "", some ? arg_verbs(arg->name) : "",
		 some ? ")" : "");
	snprintf(name, sizeof(name),
		 arg->kind == ARG_COLOR ? "%s[=%s]"
		 : arg->takes		? "%s %s"
					: "%s",
		 arg->name, arg->takes);
	printf("  %c%c%c --%-*s", arg->letter ? '-' : ' ', arg->letter ?: ' ',
	       arg->letter ? ',' : ' ', *text ? 15 : 0, name);
	wrap(text, 23);
}

/* Does another verb before this one have an option of this name? */
bool arg_was(const struct verb *before, const char *name)
{
	for (const struct verb *v = verbs; v != before; v = v->next) {
		if (arg_find(v->args, name))
			return true;
	}
	return false;
}

static void usage_fields(const char *of, const struct field *fields)
{
	if (!fields)
		return;
	printf("\nFields of %s:\n", of);
	for (; fields->names; fields++) {
		printf("  %s\n%*s", fields->names, 10, "");
		wrap(fields->help, 10);
	}
}

void verb_fields(void)
{
	usage_fields("several verbs", common_fields);
	for (const struct verb *v = verbs; v; v = v->next)
		usage_fields(v->name, v->fields);
}

void verb_usage(const struct verb *verb)
{
	if (verb) {
		printf("usage: hookmap [OPTION...] %s%s\n", verb->name,
		       verb->device ? " [DEV]" : "");
		if (verb->commands)
			printf("       hookmap %s COMMAND... (%s; hookmap-%s explains them)\n",
			       verb->name, verb->commands, verb->name);
		if (verb->script)
			printf("       hookmap %s [OPTION...] [DEV] (%s; hookmap-%s explains "
			       "them)\n",
			       verb->name, verb->script, verb->name);
		printf("\n%s\n\n", verb->help);
	} else {
		printf("usage: hookmap [-j] [-p] [--prom | --hgrm] [-i SEC [-c N]] "
		       "[--bpffs DIR] VERB [DEV]\n"
		       "       hookmap --prom [--output FILE] [VERB...]\n"
		       "       hookmap                what is attached, the slowest stage, the top "
		       "drop\n"
		       "       hookmap help [VERB | fields]\n\n");
		for (const struct verb *v = verbs; v; v = v->next)
			printf("  %-10s %s\n", v->name, v->help);
		printf("\nCommands that change the system: attach, detach, lab, demo. \"hookmap "
		       "attach\"\n"
		       "runs hookmap-attach, and \"hookmap help attach\" explains it. fdb and "
		       "policy\n"
		       "also have commands (\"hookmap help fdb\").\n\n");
	}
	for (const struct arg *arg = common_args; arg->name; arg++) {
		if (!verb || verb_arg(verb, arg->name))
			usage_arg(arg, !verb && arg->for_);
	}
	for (const struct verb *v = verb ?: verbs; v; v = verb ? NULL : v->next) {
		for (const struct arg *arg = v->args; arg && arg->name; arg++) {
			if (verb || !arg_was(v, arg->name))
				usage_arg(arg, !verb);
		}
	}
	if (verb)
		usage_fields(verb->name, verb->fields);
}

/* The edit distance of A and B: changed, added and removed letters; two swapped letters count as
 * one. */
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

static void nearer(const char *name, const char *word, const char **best, int *least)
{
	int n = distance(name, word);

	if (n < *least && n < (int)strlen(word) - 1)
		*best = word, *least = n;
}

/* The verb or command closest to NAME; NULL if none is close. */
static const char *verb_near(const char *name)
{
	static const char *const commands[] = { "attach", "detach", "policy", "lab",	 "demo",
						"plot",	  "run",    "stat",   "service", "deps",
						"report", "help",   "version" };
	const char *best = NULL;
	int least = 3;

	for (const struct verb *v = verbs; v; v = v->next)
		nearer(name, v->name, &best, &least);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		nearer(name, commands[i], &best, &least);
	/* a command whose script is missing */
	return least ? best : NULL;
}

int verb_unknown(const char *name)
{
	const char *near = verb_near(name);

	if (near)
		return misuse("%s: unknown verb: did you mean %s?", name, near);
	return misuse("%s: unknown verb", name, NULL);
}
