// SPDX-License-Identifier: GPL-2.0-only
/*
 * settings.c - what attach.sh has set, as text, JSON and options; and --commands, which prints the
 * commands that attach everything again: first features of the host, then devices (a mirrored
 * bridge after the ports attached by hand, which would otherwise become the bridge's), each with
 * the settings made by other scripts, and last the settings for all devices.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "settings.h"

bool commands_asked;

__attribute__((format(printf, 2, 3))) static void add(struct settings *s, const char *format, ...)
{
	size_t at = strlen(s->text);
	va_list args;

	va_start(args, format);
	vsnprintf(s->text + at, sizeof(s->text) - at, format, args);
	va_end(args);
}

/* As a key of JSON */
static const char *key_of(const char *option)
{
	static char key[32];

	snprintf(key, sizeof(key), "%s", option);
	for (char *at = key; (at = strchr(at, '-'));)
		*at = '_';
	return key;
}

static void set_option(struct settings *s, const char *option)
{
	char text[34];

	snprintf(text, sizeof(text), "--%s", option);
	command_word(s, text);
}

int settings_value(const struct settings *s, const char *map, void *value)
{
	return pin_value(s->opt, map, s->to == SET_COMMAND, value);
}

void set_text(struct settings *s, const char *option, const char *value, const char *unset)
{
	if (s->to == SET_JSON) {
		json_str(key_of(option), value);
	} else if (unset && !strcmp(value, unset)) {
		return;
	} else if (s->to == SET_TEXT) {
		add(s, "%s%s %s", *s->text ? ", " : "", option, value);
	} else {
		set_option(s, option);
		command_word(s, value);
	}
}

void set_number(struct settings *s, const char *option, __u64 value, __u64 unset)
{
	char text[24];

	if (s->to == SET_JSON)
		json_u64(key_of(option), value);
	else if (value != unset)
		set_text(s, option, line_number(value, text), NULL);
}

void set_flag(struct settings *s, const char *option, bool value)
{
	if (s->to == SET_JSON)
		json_flag(key_of(option), value);
	else if (value && s->to == SET_TEXT)
		add(s, "%s%s", *s->text ? ", " : "", option);
	else if (value)
		set_option(s, option);
}

void set_condition(struct settings *s, const char *option, const char *value, const char *unset)
{
	s->condition |= strcmp(value, unset);
	set_text(s, option, value, unset);
}

void set_unknown(struct settings *s, const char *option, const char *value, const char *why)
{
	if (s->to != SET_COMMAND)
		set_text(s, option, value, NULL);
	else
		add(s, "%s--%s %s: %s", *s->text ? "; " : "", option, value, why);
}

static bool is_program(__u32 id, __u32 class, const void *name)
{
	struct bpf_prog_info info = {};

	(void)class;
	return !program_info(id, &info) && !strncmp(info.name, name, sizeof(info.name) - 1);
}

void set_pref(struct settings *s, const char *option, __u32 ifindex, const char *program,
	      __u32 unset)
{
	__u32 pref = filter_pref(s->names, s->dev->nsid, ifindex, is_program, program);

	set_number(s, option, pref ?: unset, unset);
}

/* --- under a table */

void settings_show(const struct options *opt, const char *feature)
{
	struct settings s = { .opt = opt, .to = json_on() ? SET_JSON : SET_TEXT };
	char text[sizeof(s.text)];

	for (const struct verb *v = verbs; v; v = v->next) {
		if (!v->settings || strcmp(v->feature, feature))
			continue;
		json_open("settings", '{');
		v->settings(&s);
		json_close();
		if (*s.text)
			printf("settings: %s\n", text_plain(s.text, text, sizeof(text)));
	}
}

void settings_cell(const struct options *opt, struct out *out, struct names *names,
		   const struct hm_dev_key *key, const struct hm_dev *dev)
{
	struct settings s = { .opt = opt,
			      .names = names,
			      .key = key->netns ? key : NULL,
			      .dev = key->netns ? dev : NULL,
			      .to = json_on() ? SET_JSON : SET_TEXT };
	char text[1024] = "";

	json_open("settings", '{');
	for (const struct verb *v = verbs; v; v = v->next) {
		if (!v->settings || !(dev->features & feature_bit(v->feature)))
			continue;
		json_open(v->feature, '{');
		*s.text = 0;
		v->settings(&s);
		json_close();
		if (*s.text)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s: %s",
				 *text ? "; " : "", v->feature, s.text);
	}
	json_close();
	out_str(out, text);
}

/* --- --commands */

void command_word(struct settings *s, const char *word)
{
	line_word(&s->line, NULL, 1, word, strlen(word), false);
}

void command_device(struct settings *s, const char *device)
{
	if (*device == '-' || s->condition)
		command_word(s, "--");
	s->condition = false;
	command_word(s, device);
}

void command_comment(const char *format, ...)
{
	char text[TEXT_MAX], clean[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("# %s\n", text_plain(text, clean, sizeof(clean)));
}

bool command_begin(struct settings *s, const char *script, __u8 nsid, bool enter, const char *what)
{
	bool own, container = s->dev && s->dev->flags & HM_DEV_NETNS;
	const char *name = names_run(s->names, nsid, &own);
	char text[300];

	if ((!own || (container && !enter)) && !name) {
		command_comment("%s: network namespace %s has no name in /run/netns", what,
				names_netns(s->names, nsid));
		return false;
	}
	line_begin(&s->line);
	s->condition = false;
	if (!own && enter) {
		command_word(s, "nsenter");
		snprintf(text, sizeof(text), "--net=/run/netns/%s", name);
		command_word(s, text);
		command_word(s, "--");
	}
	snprintf(text, sizeof(text), "scripts/%s.sh", script);
	front_text(text);
	command_word(s, text);
	if (!enter && (!own || container)) {
		command_word(s, "--netns");
		command_word(s, name);
	}
	return true;
}

/* A device or, without a netns in its key, the host */
struct attached {
	struct hm_dev_key key;
	struct hm_dev dev;
	char name[IF_NAMESIZE + 8], netns[NAME_MAX + 1];
};

struct commands {
	struct settings s;
	struct attached *it;
	size_t n;
};

static int attached_add(const void *key, const void *value, void *arg)
{
	struct commands *c = arg;
	struct attached *it = reallocarray(c->it, c->n + 1, sizeof(*it));

	if (!it)
		return -ENOMEM;
	c->it = it;
	it += c->n++;
	memcpy(&it->key, key, sizeof(it->key));
	memcpy(&it->dev, value, sizeof(it->dev));
	snprintf(it->name, sizeof(it->name), "%s",
		 names_device(c->s.names, it->dev.nsid, it->key.ifindex));
	snprintf(it->netns, sizeof(it->netns), "%s", names_netns(c->s.names, it->dev.nsid));
	return 0;
}

/* By name, so that the text is the same after everything was attached again. */
static int attached_order(const void *a, const void *b)
{
	static const __u32 mirror = HM_DEV_MIRROR | HM_DEV_BRPORT;
	const struct attached *x = a, *y = b;
	int order = (x->dev.flags & mirror) - (y->dev.flags & mirror);

	order = order ?: strcmp(x->netns, y->netns);
	return order ?: strcmp(x->name, y->name);
}

static void tell(struct settings *s, const struct verb *v)
{
	if (v->settings)
		v->settings(s);
}

/* Prints the commands that attach feature V to the device IT and make its other settings. */
static int attached_show(struct commands *c, const struct verb *v, const struct attached *it)
{
	/* in another namespace without --netns: latency measures it like its own devices */
	bool host = !it->key.netns,
	     enter = !strcmp(v->feature, "latency") && !(it->dev.flags & HM_DEV_NETNS);
	struct settings *s = &c->s;
	char what[128];

	snprintf(what, sizeof(what), "%s, %s", host ? "host" : it->name, v->feature);
	*s->text = 0;
	s->key = NULL;
	s->dev = host ? NULL : &it->dev;
	if (!host && names_left(s->names, it->dev.nsid, it->key.ifindex)) {
		command_comment("%s: the device no longer exists in %s", what, it->netns);
		return 0;
	}
	if (!(it->dev.flags & HM_DEV_BRPORT) || strcmp(v->feature, "l2fwd")) {
		if (!command_begin(s, "attach", host ? 0 : it->dev.nsid, enter, what))
			return 0;
		if (host)
			command_word(s, "--host");
		s->dev = NULL;
		tell(s, v);
		s->key = &it->key;
		s->dev = &it->dev;
		if (!host) {
			tell(s, v);
			command_device(s, it->name);
		}
		command_word(s, v->feature);
		line_end(&s->line);
		if (*s->text)
			command_comment("%s: %s", what, s->text);
	}
	s->key = &it->key;
	s->dev = &it->dev;
	return !host && v->rules ? v->rules(s, it->dev.nsid, it->name) : 0;
}

static int commands_of(struct commands *c, const struct verb *v, bool host, size_t *n)
{
	const char *device = v->device ? *v->device : NULL;
	__u32 bit = feature_bit(v->feature), all = 0;
	const struct attached *last = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < c->n; i++) {
		const struct attached *it = &c->it[i];

		all |= it->dev.features;
		if (!it->key.netns != host || !(it->dev.features & bit) ||
		    (!host && device && strcmp(device, it->name)))
			continue;
		err = attached_show(c, v, it);
		last = it;
		++*n;
	}
	c->s.key = NULL;
	c->s.dev = NULL;
	if (!err && last && !host && v->rules)
		err = v->rules(&c->s, last->dev.nsid, NULL);
	if (!err && !host && !(all & bit) && v->pin && pin_there(c->s.opt, v->pin)) {
		command_comment("%s: its maps are pinned, but not by attach.sh", v->feature);
		++*n;
	}
	return err;
}

/* In the order in which they run: latency's XDP program calls the others. */
static int rank(const struct verb *v)
{
	return !strcmp(v->feature, "latency") ? 0 : 1;
}

int commands_run(const struct options *opt, const struct verb *verb)
{
	struct commands c = { .s = { .opt = opt, .to = SET_COMMAND } };
	size_t n = 0;
	int err;

	if (opt->output != OUT_TEXT || opt->interval > 0)
		return misuse("%s: --commands goes with neither -i nor another format", verb->name,
			      NULL);
	c.s.names = names_new(opt);
	err = c.s.names ? pin_read(opt, "hm_dev", false, NULL, attached_add, &c) : -ENOMEM;
	if (c.n)
		qsort(c.it, c.n, sizeof(*c.it), attached_order);
	if (strcmp(opt->bpffs, "/sys/fs/bpf")) {
		printf("export HOOKMAP_BPFFS=");
		line_begin(&c.s.line);
		command_word(&c.s, opt->bpffs);
		line_end(&c.s.line);
	}
	/* the host, latency, and the other features of devices */
	for (int round = 0; round < 3; round++) {
		for (const struct verb *v = verbs; !err && v; v = v->next) {
			if (v->feature && (!verb->feature || v == verb) &&
			    (!round || rank(v) == round - 1))
				err = commands_of(&c, v, !round, &n);
		}
	}
	if (!err && !n)
		command_comment(verb->feature ? "%s is not attached" : "nothing is attached",
				verb->feature);
	names_free(c.s.names);
	free(c.it);
	return err < 0;
}
