/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verb.h - a verb of the command line describes itself in its own file: its name, its purpose, and
 * the options that only it has. The parser, the usage text and the completion use this
 * description.
 */
#ifndef HOOKMAP_VERB_H
#define HOOKMAP_VERB_H

#include "out.h"

enum arg_kind {
	ARG_FLAG,    /* bool */
	ARG_TEXT,    /* const char *; one of .words, if there are any */
	ARG_NUMBER,  /* unsigned long, from 1 */
	ARG_SECONDS, /* double */
	ARG_OUTPUT,  /* enum output: .value */
	ARG_COLOR,   /* as ARG_TEXT; its value follows "=" or is left out */
	ARG_VERSION,
	ARG_HELP,
};

struct arg {
	const char *name;
	char letter;
	const char *takes; /* name of its value */
	enum arg_kind kind;
	void *to;      /* where the value goes */
	unsigned for_; /* common options: VERB_*, one of which the verb must have; 0: all verbs */
	const char *help;
	const char *words; /* ARG_TEXT: permitted values */
	enum output value; /* ARG_OUTPUT */
};

/* What it prints: for --help and the man page */
struct field {
	const char *names; /* columns, JSON keys: "FROM, from; TO, to" */
	const char *help;
};

/* verb.takes: common options that go with it */
#define VERB_PROM    0x1 /* --prom */
#define VERB_REPEATS 0x2 /* -i, -c */
#define VERB_STREAMS 0x4 /* shows events as they come: -c */

struct settings;

struct verb {
	const char *name;
	const char *help;
	int (*run)(const struct options *opt); /* returns an exit code */
	unsigned takes;			       /* VERB_* */
	const struct arg *args;		       /* its own options; the last has no name */
	const struct field *fields;	       /* its columns and keys; the last has no names */
	const char **device;		       /* where the word after it goes, if it takes one */
	const char *commands; /* words after it that make the script of its name run, or NULL */
	const char *script; /* options with which, as without options, the script of its name shows
			       it */
	const char *pin;    /* --prom: a map that exists if it is attached */
	/* True if these options make it show events as they come. */
	bool (*streams)(void);
	/* Takes a word after the verb; false if it is not valid. */
	bool (*word)(const char *word);
	/* Describes options that cannot be combined, or NULL. */
	const char *(*wrong)(const struct options *opt);
	/* A feature of attach.sh; ARG_COMMANDS uses the next members, see settings.h. */
	const char *feature;
	/* Reports to S the settings of the feature or, if S has a device, those of the device. */
	void (*settings)(struct settings *s);
	/* --commands: settings made by other scripts, for each device after its attach (DEV), and
	 * at the end (without a device; NSID is where the devices are). 0 or -errno. */
	int (*rules)(struct settings *s, __u8 nsid, const char *dev);
	bool chosen;
	struct verb *next; /* by name */
};

/* All verbs, by name */
extern struct verb *verbs;
void verb_add(struct verb *verb);

/* --- verb.c */

/* Options of all verbs, or of those that take them (args.c); the last has no name */
extern const struct arg common_args[];
/* Columns and keys of several verbs (args.c); the last has no names */
extern const struct field common_fields[];
/* The option of this name in a list, NULL if there is none. */
const struct arg *arg_find(const struct arg *in, const char *name);
/* The option of this name that VERB has; NULL if it has none. */
const struct arg *verb_arg(const struct verb *verb, const char *name);
/* Does a verb before this one have an option of this name of its own? */
bool arg_was(const struct verb *before, const char *name);
/* "-c" or "--hist", as one types it; and the names of the verbs that have it. Until the next
 * call. */
const char *arg_typed(const struct arg *arg);
const char *arg_verbs(const char *name);
/* --help, of one verb or (NULL) of all */
void verb_usage(const struct verb *verb);
/* hookmap help fields: what all print */
void verb_fields(void);
/* Print what is wrong, and return 2. */
int misuse(const char *format, const char *a, const char *b);
int verb_unknown(const char *name);

/* Options that several verbs have separately */
#define ARG_DEV(TO)                                                                                \
	{                                                                                          \
		.name = "dev", .takes = "DEV", .kind = ARG_TEXT, .to = (TO),                       \
		.help = "only this device; you can also give it after the verb"                    \
	}
#define ARG_NETNS(TO)                                                                              \
	{                                                                                          \
		.name = "netns", .takes = "NAME", .kind = ARG_TEXT, .to = (TO),                    \
		.help = "only this network namespace, named as in the table"                       \
	}
extern bool commands_asked;
#define ARG_COMMANDS                                                                               \
	{                                                                                          \
		.name = "commands", .kind = ARG_FLAG, .to = &commands_asked,                       \
		.help = "print the commands that attach and set all of this again"                 \
	}
#define ARG_PTP(TO)                                                                                \
	{                                                                                          \
		.name = "ptp", .takes = "DEV", .kind = ARG_TEXT, .to = (TO),                       \
		.help = "a clock device such as /dev/ptp0"                                         \
	}

/* VERB(NAME, .help = ..., .run = ..., ...) */
#define VERB(NAME, ...)                                                                            \
	static struct verb verb_##NAME = { .name = #NAME, __VA_ARGS__ };                           \
	__attribute__((constructor)) static void verb_##NAME##_add(void)                           \
	{                                                                                          \
		verb_add(&verb_##NAME);                                                            \
	}

#endif
