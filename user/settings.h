/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * settings.h - what attach.sh has set. A verb reports each setting of its feature once, by the
 * name of the option; it becomes text under a table, a member of "settings" in JSON or, with
 * --commands, the option of the command that sets it again.
 */
#ifndef HOOKMAP_SETTINGS_H
#define HOOKMAP_SETTINGS_H

#include "verb.h"

struct settings {
	const struct options *opt;
	struct names *names; /* NULL under a table */
	/* The settings of this device; NULL: those of the feature, for all devices. */
	const struct hm_dev_key *key;
	const struct hm_dev *dev;
	enum { SET_TEXT, SET_JSON, SET_COMMAND } to;
	struct line line;
	bool condition; /* the command has an option whose words end at "--" */
	char text[512]; /* SET_TEXT; for a command: what it leaves out */
};

/* The one value of the array MAP, as pin_value(). If it was just detached, a reader that also shows
 * other things does not report an error; --commands does. */
int settings_value(const struct settings *s, const char *map, void *value);
/* Option --OPTION; UNSET is the value without it (NULL: none is). */
void set_text(struct settings *s, const char *option, const char *value, const char *unset);
void set_number(struct settings *s, const char *option, __u64 value, __u64 unset);
void set_flag(struct settings *s, const char *option, bool value);
/* A condition: a command has it as one word. */
void set_condition(struct settings *s, const char *option, const char *value, const char *unset);
/* It is set to something (VALUE in JSON) that no command can name; WHY is the reason. */
void set_unknown(struct settings *s, const char *option, const char *value, const char *why);
/* The preference of the filter PROGRAM at tc ingress of the device. */
void set_pref(struct settings *s, const char *option, __u32 ifindex, const char *program,
	      __u32 unset);

/* Under the table of the feature, or as a member of the document: its settings, if any. */
void settings_show(const struct options *opt, const char *feature);
/* Settings of all features of the device, or of the host, as a cell or a member. */
void settings_cell(const struct options *opt, struct out *out, struct names *names,
		   const struct hm_dev_key *key, const struct hm_dev *dev);

/* latency_settings.c: see struct verb */
void latency_settings(struct settings *s);

/* --- --commands */

/* Begins the command SCRIPT (such as "fdb") where the device of NSID is, by --netns or, for a
 * script without it, by ENTER. False, after a comment, if the namespace has no name. WHAT is
 * what the comment is about. */
bool command_begin(struct settings *s, const char *script, __u8 nsid, bool enter, const char *what);
void command_word(struct settings *s, const char *word);
/* A device, which may look like an option. */
void command_device(struct settings *s, const char *device);
/* A line "# ...": a setting that no command can make */
__attribute__((format(printf, 1, 2))) void command_comment(const char *format, ...);

/* Commands of VERB, or of all (a verb without a feature). An exit code. */
int commands_run(const struct options *opt, const struct verb *verb);

#endif
