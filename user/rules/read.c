// SPDX-License-Identifier: GPL-2.0-only
/* read.c - reads policy files, which are JSON, into a set. scripts/policy.schema.json describes the
 * same format. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../hookmap.h"
#include "rules.h"

#define LIST "a list or object" /* where one value is expected */

const char *value_text(struct json_object *value)
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

const char *member_text(struct json_object *object, const char *key)
{
	return value_text(json_object_object_get(object, key));
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
		return HOP_WRONG("name", "is given twice");
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
	dev = member_text(value, "dev");
	h->dev = dev ? device_find(s, dev) : NULL;
	if (!dev)
		return HOP_WRONG("dev", "is missing");
	if (!h->dev && !no_device(s, dev))
		return;
	if (!h->dev)
		return HOP_WRONG("dev", "no device %s", dev);
	memcpy(h->value.dev, h->dev->name, sizeof(h->value.dev));
	via = member_text(value, "via");
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
	via6 = member_text(value, "via6");
	if (via6 && h->value.flags & POL_H_GW6)
		HOP_WRONG("via6", "via is also an IPv6 address");
	else if (via6 && parse_address(via6, h->value.gw6) != 6)
		HOP_WRONG("via6", "%s: expected an IPv6 address", via6);
	else if (via6)
		h->value.flags |= POL_H_GW6;
	vlan = member_text(value, "vlan");
	if (vlan) {
		__s64 id = parse_number(vlan, 4094);

		if (id < 1)
			HOP_WRONG("vlan", "%s: expected 1 to 4094", vlan);
		h->value.vlan = id < 1 ? 0 : id;
		h->value.flags |= POL_H_VLAN;
	}
	l2 = member_text(value, "l2");
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

/* The number of the group; an existing equal group is reused. */
static bool read_group(struct set *s, struct rule *r, struct json_object *hops)
{
	struct pol_group g = {};

	if (!json_object_is_type(hops, json_type_object) || !json_object_object_length(hops))
		return rule_wrong(r, "action",
				  "ecmp: expected an object of next hops and their weights");
	json_object_object_foreach(hops, name, value)
	{
		const char *text = value_text(value);
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
		mark = member_text(action, "mark");
		arg = value_text(value);
		if (!others && json_object_object_get_ex(action, "mark", NULL))
			kind = "mark";
		else if (others != 1)
			kind = LIST;
	} else {
		kind = value_text(action);
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

	if (!match_prefix(r, "match.src", member_text(match, "src"), &r->src) ||
	    !match_prefix(r, "match.dst", member_text(match, "dst"), &r->dst) ||
	    !match_proto(r, member_text(match, "proto")) ||
	    !match_ports(r, "match.sport", member_text(match, "sport"), &r->port[0]) ||
	    !match_ports(r, "match.dport", member_text(match, "dport"), &r->port[1]) ||
	    !match_dscp(r, member_text(match, "dscp")) ||
	    !match_mark(r, member_text(match, "mark")))
		return false;
	iif = member_text(match, "iif");
	if (iif) {
		struct device *d = device_find(s, iif);

		if (!d && !no_device(s, iif))
			return true;
		if (!d)
			return rule_wrong(r, "match.iif", "no device %s", iif);
		if (!d->number)
			d->number = ++s->n_iifs;
		r->iif = d;
	}
	return match_vlan(r, member_text(match, "vlan")) &&
	       match_fragment(r, member_text(match, "fragment"));
}

static bool read_rule(struct set *s, struct rule *r, struct json_object *rule)
{
	struct json_object *match = json_object_object_get(rule, "match");
	const char *id = member_text(rule, "id"), *priority = member_text(rule, "priority");
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
	return read_match(s, r, match) && read_action(s, r, json_object_object_get(rule, "action"),
						      member_text(rule, "fallback"));
}

/* --- a file */

/* A section of the file; NULL if it is missing or wrong. */
static struct json_object *section(struct json_object *whole, const char *name, enum json_type type,
				   const struct source *file)
{
	struct json_object *value;

	return json_object_object_get_ex(whole, name, &value) && is(value, type, file, "file", name)
		       ? value
		       : NULL;
}

void read_whole(struct set *s, const struct source *file, struct json_object *whole)
{
	struct json_object *value;
	const char *strict;

	if (!is(whole, json_type_object, file, "file", "the whole"))
		return;
	keys_known(whole, "interfaces, nexthops, rules, strict, description, $schema", file,
		   "file");
	strict = member_text(whole, "strict");
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
	/* the others are named by their number, or the next free one */
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
