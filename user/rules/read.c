// SPDX-License-Identifier: GPL-2.0-only
/* read.c - policy files, which are JSON, into a set. scripts/policy.schema.json says the same. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../hookmap.h"
#include "rules.h"

#define LIST "a list or object" /* where one value is expected */

/* A value as text, or NULL for null and what is not there. It lives as long as VALUE. */
static const char *plain(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return NULL;
	case json_type_array:
	case json_type_object:
		return LIST;
	case json_type_double: {
		double n = json_object_get_double(value);

		/* 1.0 is 1 */
		if (n >= 0 && n < 1ULL << 53 && n == (__u64)n)
			json_object_set_int64(value, n);
		return json_object_get_string(value);
	}
	default:
		return json_object_get_string(value);
	}
}

static const char *get(struct json_object *object, const char *key)
{
	return plain(json_object_object_get(object, key));
}

static const char *type_name(struct json_object *value)
{
	static const char *const names[] = {
		[json_type_null] = "null",     [json_type_boolean] = "boolean",
		[json_type_double] = "number", [json_type_int] = "number",
		[json_type_object] = "object", [json_type_array] = "array",
		[json_type_string] = "string",
	};

	return names[json_object_get_type(value)];
}

static bool is(struct json_object *value, enum json_type type, const struct source *file,
	       const char *where, const char *field)
{
	return json_object_is_type(value, type) ||
	       wrong(file, where, field, "expected %s, not %s",
		     type == json_type_object ? "object" : "array", type_name(value));
}

/* Does KNOWN, a list such as "a, b", have all of OBJECT's keys? */
static bool keys_known(struct json_object *object, const char *known, const struct source *file,
		       const char *where)
{
	json_object_object_foreach(object, key, value)
	{
		size_t len = strlen(key);
		const char *at = known;

		(void)value;
		while ((at = strstr(at, key)) &&
		       (!len || (at != known && at[-1] != ' ') || (at[len] && at[len] != ',')))
			at++;
		if (!at)
			return wrong(file, where, key, "unknown field (there is %s)", known);
	}
	return true;
}

/* ids, names of next hops */
static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len < RULES_NAME &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") ==
		       len;
}

/* --- devices */

static struct device *device_new(struct set *s, const char *name)
{
	struct device *d;

	GROW(s->devices, s->n_devices);
	d = &s->devices[s->n_devices++];
	*d = (struct device){};
	snprintf(d->name, sizeof(d->name), "%s", name);
	return d;
}

static struct device *device(const struct set *s, const char *name)
{
	for (size_t i = 0; i < s->n_aliases; i++) {
		if (!strcmp(s->aliases[i].name, name))
			return s->aliases[i].device;
	}
	for (size_t i = 0; i < s->n_devices; i++) {
		if (!strcmp(s->devices[i].name, name))
			return &s->devices[i];
	}
	return NULL;
}

bool read_links(struct set *s, const char *path)
{
	struct json_object *links = json_object_from_file(path);
	size_t n = links ? json_object_array_length(links) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *link = json_object_array_get_idx(links, i);
		const char *name = get(link, "ifname"), *type = get(link, "link_type");
		const char *master = get(link, "master"), *lower = get(link, "link");
		struct json_object *info;
		struct device *d;

		if (!name || strlen(name) >= RULES_NAME)
			continue;
		d = device_new(s, name);
		d->ethernet = type && (!strcmp(type, "ether") || !strcmp(type, "loopback"));
		if (json_object_object_get_ex(link, "linkinfo", &info)) {
			const char *kind = get(info, "info_kind");

			d->vrf = kind && !strcmp(kind, "vrf");
		}
		snprintf(d->master, sizeof(d->master), "%s", master ? master : "");
		snprintf(d->lower, sizeof(d->lower), "%s", lower ? lower : "");
	}
	json_object_put(links);
	return links;
}

void read_gone(struct set *s, const char *path)
{
	struct source file = {};
	char *rest, *name;

	if (!read_text(&file, path))
		return;
	for (rest = file.text; (name = strsep(&rest, "\n"));) {
		if (*name && strlen(name) < RULES_NAME && !device(s, name))
			device_new(s, name)->gone = true;
	}
	free(file.text);
}

/* Says that there is no such device; false if that is not an error. */
static bool no_device(const struct set *s, const char *name)
{
	if (s->list_missing)
		printf("%s\n", name);
	return !s->list_missing;
}

static void read_alias(struct set *s, const struct source *file, char *name,
		       struct json_object *value)
{
	char where[128];
	const char *dev;
	struct device *d;

	snprintf(where, sizeof(where), "interface %s", name);
	for (size_t i = 0; i < s->n_aliases; i++) {
		if (!strcmp(s->aliases[i].name, name)) {
			wrong(file, where, "name", "is there twice");
			return;
		}
	}
	dev = json_object_is_type(value, json_type_object) ? get(value, "device") : plain(value);
	d = dev ? device(&(struct set){ .devices = s->devices, .n_devices = s->n_devices }, dev)
		: NULL;
	if (!dev)
		wrong(file, where, "device", "is missing");
	else if (!d && no_device(s, dev))
		wrong(file, where, "device", "no device %s", dev);
	if (!d)
		return;
	GROW(s->aliases, s->n_aliases);
	s->aliases[s->n_aliases++] = (struct alias){ strdup(name), d };
}

/* --- next hops */

static int find_hop(const struct set *s, const char *name)
{
	for (size_t i = 0; i < s->n_hops; i++) {
		if (!strcmp(s->hops[i].value.name, name))
			return i;
	}
	return -1;
}

static size_t max_hops(const struct set *s)
{
	return limit(s->cfg.max_hops, POL_HOPS_DEF);
}

static void read_hop(struct set *s, const struct source *file, char *name,
		     struct json_object *value)
{
	char where[128];
	const char *dev, *via, *via6, *vlan, *l2;
	struct hop *h;

	snprintf(where, sizeof(where), "nexthop %s", name);
#define HOP_WRONG(FIELD, ...) ((void)wrong(file, where, FIELD, __VA_ARGS__))
	if (!is(value, json_type_object, file, where, "it") ||
	    !keys_known(value, "dev, via, via6, vlan, l2, description", file, where))
		return;
	if (find_hop(s, name) >= 0)
		return HOP_WRONG("name", "is there twice");
	if (!name_ok(name))
		return HOP_WRONG("name", "expected up to 15 letters, digits and _.:-");
	if (s->n_hops >= max_hops(s))
		return HOP_WRONG("number",
				 "is over the limit set at attach, %zu (attach.sh --max-hops)",
				 max_hops(s));
	GROW(s->hops, s->n_hops);
	h = &s->hops[s->n_hops++];
	*h = (struct hop){};
	strcpy(h->value.name, name);
	dev = get(value, "dev");
	h->dev = dev ? device(s, dev) : NULL;
	if (!dev)
		return HOP_WRONG("dev", "is missing");
	if (!h->dev && !no_device(s, dev))
		return;
	if (!h->dev)
		return HOP_WRONG("dev", "no device %s", dev);
	memcpy(h->value.dev, h->dev->name, sizeof(h->value.dev));
	via = get(value, "via");
	if (via) {
		__u8 bytes[16];
		int family = parse_address(via, bytes);

		if (family == 4) {
			h->value.flags |= POL_H_GW4;
			memcpy(h->value.gw4, bytes, 4);
		} else if (family == 6) {
			h->value.flags |= POL_H_GW6;
			memcpy(h->value.gw6, bytes, 16);
		} else {
			HOP_WRONG("via", "%s: expected an address", via);
		}
	}
	via6 = get(value, "via6");
	if (via6 && h->value.flags & POL_H_GW6)
		HOP_WRONG("via6", "via is also an IPv6 address");
	else if (via6 && parse_address(via6, h->value.gw6) != 6)
		HOP_WRONG("via6", "%s: expected an IPv6 address", via6);
	else if (via6)
		h->value.flags |= POL_H_GW6;
	vlan = get(value, "vlan");
	if (vlan) {
		__s64 id = parse_number(vlan, 4094);

		if (id < 1)
			HOP_WRONG("vlan", "%s: expected 1 to 4094", vlan);
		h->value.vlan = id < 1 ? 0 : id;
		h->value.flags |= POL_H_VLAN;
	}
	l2 = get(value, "l2");
	if (l2 && !strcmp(l2, "true")) {
		if (h->value.flags)
			HOP_WRONG("l2",
				  "goes with neither via nor vlan: the frame is sent as it is");
		h->value.flags |= POL_H_L2;
	} else if (l2 && strcmp(l2, "false")) {
		HOP_WRONG("l2", "expected true or false");
	}
	if (!h->dev->ethernet && !h->dev->gone && h->value.flags)
		HOP_WRONG("dev", "%s has no Ethernet header: via, vlan and l2 make no sense",
			  h->dev->name);
	h->file = file;
}

/* The number of the group; one that is there already is used again. */
static bool read_group(struct set *s, struct rule *r, struct json_object *hops)
{
	struct pol_group g = {};

	if (!json_object_is_type(hops, json_type_object) || !json_object_object_length(hops))
		return rule_wrong(r, "action",
				  "ecmp: expected an object of next hops and their weights");
	json_object_object_foreach(hops, name, value)
	{
		const char *text = plain(value);
		__s64 weight = text ? parse_number(text, 255) : -1;
		int hop = find_hop(s, name);

		if (hop < 0)
			return rule_wrong(r, "action", "ecmp: no next hop %s", name);
		if (weight < 1)
			return rule_wrong(r, "action", "ecmp: weight of %s: expected 1 to 255",
					  name);
		g.hop[g.hops++] = hop;
		g.weight[hop] = weight;
	}
	for (r->arg = 0; r->arg < s->n_groups; r->arg++) {
		if (!memcmp(&s->groups[r->arg], &g, sizeof(g)))
			return true;
	}
	if (s->n_groups >= max_hops(s))
		return rule_wrong(r, "action",
				  "over %zu different ecmp groups (attach.sh --max-hops)",
				  max_hops(s));
	GROW(s->groups, s->n_groups);
	s->groups[s->n_groups++] = g;
	return true;
}

/* --- rules */

static bool read_action(struct set *s, struct rule *r, struct json_object *action,
			const char *fallback)
{
	const char *kind = NULL, *arg = NULL, *mark = NULL;
	struct json_object *value = NULL;
	__s64 n;

	if (!action)
		return rule_wrong(r, "action", "is missing");
	if (json_object_is_type(action, json_type_object)) {
		int others = 0;

		json_object_object_foreach(action, key, v)
		{
			if (!strcmp(key, "mark"))
				continue;
			others++;
			kind = key;
			value = v;
		}
		mark = get(action, "mark");
		arg = plain(value);
		if (!others && json_object_object_get_ex(action, "mark", NULL))
			kind = "mark";
		else if (others != 1)
			kind = LIST;
	} else {
		kind = plain(action);
	}
	for (r->action = 0; r->action < POL_ACTIONS && strcmp(kind, policy_actions[r->action]);)
		r->action++;
	if (r->action == POL_ACTIONS)
		return rule_wrong(r, "action",
				  "%s: expected pass, drop, or an object with one of redirect, "
				  "table, mark, ecmp",
				  kind);
	if (r->action < POL_MARK && arg && strcmp(arg, "true"))
		return rule_wrong(r, "action", "%s %s: expected true", kind, arg);
	if (r->action == POL_MARK && !mark)
		return rule_wrong(r, "action", "mark: expected a number up to 0xffffffff");
	if (mark) {
		n = parse_number(mark, ~0U);
		if (n < 0)
			return rule_wrong(r, "action",
					  "mark %s: expected a number up to 0xffffffff", mark);
		r->set_mark = n;
		r->flags |= POL_R_MARK;
	}
	if (fallback && strcmp(fallback, "pass") && strcmp(fallback, "drop"))
		return rule_wrong(r, "fallback", "%s: expected pass or drop", fallback);
	if (fallback && r->action < POL_REDIRECT)
		return rule_wrong(r, "fallback", "goes with redirect, table and ecmp only");
	if (fallback && !strcmp(fallback, "pass"))
		r->flags |= POL_R_FALLBACK_PASS;
	if (r->action == POL_REDIRECT) {
		if (!arg)
			return rule_wrong(r, "action", "redirect: expected the name of a next hop");
		if (find_hop(s, arg) < 0)
			return rule_wrong(r, "action", "redirect: no next hop %s", arg);
		r->arg = find_hop(s, arg);
	} else if (r->action == POL_TABLE) {
		n = arg ? parse_number(arg, ~0U) : -1;
		if (n < 1)
			return rule_wrong(r, "action", "table %s: expected a number from 1",
					  arg ? arg : "null");
		r->arg = n;
	} else if (r->action == POL_ECMP) {
		return read_group(s, r, value);
	}
	return true;
}

static bool read_match(struct set *s, struct rule *r, struct json_object *match)
{
	const char *iif;

	if (!match_prefix(r, "match.src", get(match, "src"), &r->src) ||
	    !match_prefix(r, "match.dst", get(match, "dst"), &r->dst) ||
	    !match_proto(r, get(match, "proto")) ||
	    !match_ports(r, "match.sport", get(match, "sport"), &r->port[0]) ||
	    !match_ports(r, "match.dport", get(match, "dport"), &r->port[1]) ||
	    !match_dscp(r, get(match, "dscp")) || !match_mark(r, get(match, "mark")))
		return false;
	iif = get(match, "iif");
	if (iif) {
		struct device *d = device(s, iif);

		if (!d && !no_device(s, iif))
			return true;
		if (!d)
			return rule_wrong(r, "match.iif", "no device %s", iif);
		if (!d->number)
			d->number = ++s->n_iifs;
		r->iif = d;
	}
	return match_vlan(r, get(match, "vlan")) && match_fragment(r, get(match, "fragment"));
}

static bool read_rule(struct set *s, struct rule *r, struct json_object *rule)
{
	struct json_object *match = json_object_object_get(rule, "match");
	const char *id = get(rule, "id"), *priority = get(rule, "priority");
	__s64 n = priority ? parse_number(priority, ~0U) : -1;

	/* also of a rule that is wrong: messages name it, and others may not have its id */
	r->named = id;
	if (id && strcmp(id, LIST))
		snprintf(r->id, sizeof(r->id), "%s", id);
	if (!is(rule, json_type_object, r->file, rule_where(r), "it") ||
	    (match && !is(match, json_type_object, r->file, rule_where(r), "match")) ||
	    !keys_known(rule, "id, priority, match, action, fallback, description", r->file,
			rule_where(r)) ||
	    (match &&
	     !keys_known(match, "src, dst, proto, sport, dport, dscp, mark, iif, vlan, fragment",
			 r->file, rule_where(r))))
		return !(r->bad = true);
	if (id && (!name_ok(id) || !strcmp(id, LIST)))
		return rule_wrong(r, "id", "expected up to 15 letters, digits and _.:-");
	if (!priority)
		return rule_wrong(r, "priority", "is missing");
	if (n < 0)
		return rule_wrong(r, "priority", "%s: expected a number up to 4294967295",
				  priority);
	r->priority = n;
	return read_match(s, r, match) &&
	       read_action(s, r, json_object_object_get(rule, "action"), get(rule, "fallback"));
}

/* --- a file */

/* A section of the file, NULL if it is not there or wrong. */
static struct json_object *section(struct json_object *whole, const char *name, enum json_type type,
				   const struct source *file)
{
	struct json_object *value;

	return json_object_object_get_ex(whole, name, &value) && is(value, type, file, "file", name)
		       ? value
		       : NULL;
}

static void read_whole(struct set *s, const struct source *file, struct json_object *whole)
{
	struct json_object *value;
	const char *strict;

	if (!is(whole, json_type_object, file, "file", "the whole"))
		return;
	keys_known(whole, "interfaces, nexthops, rules, strict, description, $schema", file,
		   "file");
	strict = get(whole, "strict");
	if (strict &&
	    (!json_object_is_type(json_object_object_get(whole, "strict"), json_type_boolean)))
		wrong(file, "file", "strict", "expected true or false");
	else if (strict && !strcmp(strict, "true"))
		s->strict = true;
	value = section(whole, "interfaces", json_type_object, file);
	if (value) {
		json_object_object_foreach(value, name, device) read_alias(s, file, name, device);
	}
	value = section(whole, "nexthops", json_type_object, file);
	if (value) {
		json_object_object_foreach(value, name, hop) read_hop(s, file, name, hop);
	}
	value = section(whole, "rules", json_type_array, file);
	for (size_t i = 0; value && i < json_object_array_length(value); i++) {
		struct rule *r;

		GROW(s->rules, s->n_rules);
		r = &s->rules[s->n_rules++];
		*r = (struct rule){ .file = file, .index = i + 1, .number = s->n_rules };
		read_rule(s, r, json_object_array_get_idx(value, i));
	}
}

/*
 * What an object has twice: JSON readers keep the last of them without a word. TEXT is JSON, so
 * a string that a colon follows is a key.
 */
static void keys_twice(const struct source *file, const char *text)
{
	struct {
		char name[64];
		size_t first; /* of the keys of this object */
	} at[64] = {};
	const char **keys = NULL;
	size_t n = 0, depth = 0;
	unsigned int rule = 0;

	for (const char *p = text, *end; *p; p++) {
		if (*p == '{' || *p == '[') {
			if (*p == '{' && depth == 2 && !strcmp(at[1].name, "rules"))
				rule++;
			depth++;
			at[depth].name[0] = 0;
			at[depth].first = n;
		} else if (*p == '}' || *p == ']') {
			n = at[depth--].first;
		}
		if (*p != '"')
			continue;
		for (end = p + 1; *end != '"'; end++)
			end += *end == '\\';
		if (end[1 + strspn(end + 1, " \t\r\n")] == ':') {
			size_t len = end - p + 1, i = at[depth].first;

			snprintf(at[depth].name, sizeof(at[depth].name), "%.*s", (int)len - 2,
				 p + 1);
			if (depth == 1)
				rule = 0;
			while (i < n && strncmp(keys[i], p, len))
				i++;
			if (i < n) {
				char where[96] = "file", field[256];
				bool rules = depth > 2 && !strcmp(at[1].name, "rules");

				if (rules)
					snprintf(where, sizeof(where), "rule %u", rule);
				for (size_t d = rules ? 3 : depth, used = 0;
				     d <= depth && used < sizeof(field); d++)
					used += snprintf(field + used, sizeof(field) - used, "%s%s",
							 used ? "." : "", at[d].name);
				if (depth > 1 && (!strcmp(at[1].name, "nexthops") ||
						  !strcmp(at[1].name, "interfaces")))
					snprintf(where, sizeof(where), "%.*s %s",
						 (int)strlen(at[1].name) - 1, at[1].name,
						 at[2].name);
				wrong(file, where, depth == 2 ? "name" : field, "is there twice");
			} else {
				GROW(keys, n);
				keys[n++] = p;
			}
		}
		p = end;
	}
	free(keys);
}

bool read_text(struct source *file, const char *path)
{
	FILE *in = fopen(path, "re");
	size_t room = 0;

	while (in && !feof(in) && !ferror(in)) {
		room = room ? 2 * room : 1 << 16;
		file->text = realloc(file->text, room + 1);
		if (!file->text)
			break;
		file->len += fread(file->text + file->len, 1, room - file->len, in);
	}
	if (!in || ferror(in) || !file->text)
		return false;
	file->text[file->len] = 0;
	fclose(in);
	return true;
}

/* "line N, column M" of the byte AT. */
static const char *position(const char *text, size_t at)
{
	static char buf[64];
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	snprintf(buf, sizeof(buf), "line %zu, column %zu", line, column);
	return buf;
}

bool read_file(struct set *s, struct source *file, const char *path)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *whole = NULL;
	enum json_tokener_error error = json_tokener_success;
	size_t at = 0, values = 0;

	if (!read_text(file, path)) {
		note(file->name, "no such file, or not readable");
		error = json_tokener_continue;
		goto out;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
					    JSON_TOKENER_VALIDATE_UTF8);
	/* a byte order mark */
	if (!strncmp(file->text, "\xef\xbb\xbf", 3))
		at = 3;
	while (at += strspn(file->text + at, " \t\r\n"), at < file->len) {
		json_object_put(whole);
		json_tokener_reset(tok);
		/* with the 0 at the end: a number may end there */
		whole = json_tokener_parse_ex(tok, file->text + at, file->len - at + 1);
		at += json_tokener_get_parse_end(tok);
		error = json_tokener_get_error(tok);
		if (error != json_tokener_success) {
			note(file->name, "not JSON: %s at %s",
			     error == json_tokener_continue ? "it ends too soon"
							    : json_tokener_error_desc(error),
			     position(file->text, at));
			goto out;
		}
		values++;
	}
	if (values != 1) {
		wrong(file, "file", "the whole",
		      values ? "expected one object, not %zu values"
			     : "it is empty: expected one object",
		      values);
	} else {
		keys_twice(file, file->text);
		read_whole(s, file, whole);
	}
out:
	json_object_put(whole);
	json_tokener_free(tok);
	free(file->text);
	return error == json_tokener_success;
}

/* --- all of them */

static int by_priority(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return x->priority != y->priority
		       ? (x->priority > y->priority) - (x->priority < y->priority)
		       : (x->number > y->number) - (x->number < y->number);
}

static int by_id(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	int order = strcmp((*x)->id, (*y)->id);

	return order ? order : by_priority(*x, *y);
}

void read_done(struct set *s)
{
	struct rule **named = zalloc(s->n_rules + 1, sizeof(*named));
	bool *taken;
	size_t n = 0;

	qsort(s->rules, s->n_rules, sizeof(*s->rules), by_priority);
	for (size_t i = 0; i < s->n_rules; i++) {
		if (s->rules[i].named && name_ok(s->rules[i].id))
			named[n++] = &s->rules[i];
	}
	qsort(named, n, sizeof(*named), by_id);
	for (size_t i = 1; i < n; i++) {
		const struct rule *first = named[i - 1];

		if (!strcmp(first->id, named[i]->id) && s->files > 1)
			rule_wrong(named[i], "id", "%s is also the id of rule %u of %s", first->id,
				   first->index, first->file->name);
		else if (!strcmp(first->id, named[i]->id))
			rule_wrong(named[i], "id", "%s is also the id of rule %u", first->id,
				   first->index);
	}
	/* the others are called by their number, or the next that is free */
	taken = zalloc(2 * s->n_rules + 2, sizeof(*taken));
	for (size_t i = 0; i < n; i++) {
		__s64 id = parse_number(named[i]->id, 2 * s->n_rules);

		if (id >= 0 && named[i]->id[1] != 'x')
			taken[id] = true;
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		__u32 id = s->rules[i].number;

		if (*s->rules[i].id)
			continue;
		while (taken[id])
			id++;
		taken[id] = true;
		snprintf(s->rules[i].id, sizeof(s->rules[i].id), "%u", id);
	}
	free(taken);
	free(named);
}
