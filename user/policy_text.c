// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_text.c - a rule in words, and as the JSON that policy.sh would load.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include "out.h"
#include "policy.h"

/* Adds a word and a blank before it. */
static void add(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void add(char *buf, size_t size, const char *format, ...)
{
	size_t len = strlen(buf);
	va_list args;

	if (len + 1 < size && len)
		buf[len++] = ' ';
	va_start(args, format);
	vsnprintf(buf + len, size - len, format, args);
	va_end(args);
}

/* An address, of its first word and of the others. */
static void prefix(const struct pol_rule *r, __u32 first, const __u32 *rest, __u8 len, char *buf,
		   size_t size)
{
	__be32 addr[4] = { htonl(first), htonl(rest[0]), htonl(rest[1]), htonl(rest[2]) };
	char text[INET6_ADDRSTRLEN];

	inet_ntop(r->word[POL_W_MISC] & POL_M_IP6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
	snprintf(buf, size, "%s/%u", text, len);
}

static void ports(const __u16 *port, char *buf, size_t size)
{
	if (port[0] == port[1])
		snprintf(buf, size, "%u", port[0]);
	else
		snprintf(buf, size, "%u-%u", port[0], port[1]);
}

static void mark_text(const struct pol_rule *r, const struct pol_more *m, char *buf, size_t size)
{
	if (m->match_mask == 0xffffffff)
		snprintf(buf, size, "0x%x", r->word[POL_W_MARK]);
	else
		snprintf(buf, size, "0x%x/0x%x", r->word[POL_W_MARK], m->match_mask);
}

/* Calls EACH for all that the rule matches. */
static void each_match(struct policy *p, const struct pol_rule *r,
		       void (*each)(const char *field, const char *value, void *arg), void *arg)
{
	const struct pol_more *m = &p->more[r - p->rules];
	__u32 misc = r->word[POL_W_MISC];
	char buf[64];

	if (m->src_len != 255) {
		prefix(r, r->word[POL_W_SRC], &m->word[0], m->src_len, buf, sizeof(buf));
		each("src", buf, arg);
	}
	if (m->dst_len != 255) {
		prefix(r, r->word[POL_W_DST], &m->word[3], m->dst_len, buf, sizeof(buf));
		each("dst", buf, arg);
	}
	if (m->mmask & POL_M_PROTO)
		each("proto", proto_name(misc & POL_M_PROTO), arg);
	if (r->flags & POL_R_SPORT) {
		ports(r->sport, buf, sizeof(buf));
		each("sport", buf, arg);
	}
	if (r->flags & POL_R_DPORT) {
		ports(r->dport, buf, sizeof(buf));
		each("dport", buf, arg);
	}
	if (m->mmask & POL_M_DSCP) {
		snprintf(buf, sizeof(buf), "%u", (misc & POL_M_DSCP) >> 8);
		each("dscp", buf, arg);
	}
	if (r->flags & POL_R_MARKED) {
		mark_text(r, m, buf, sizeof(buf));
		each("mark", buf, arg);
	}
	if (r->word[POL_W_IIF])
		each("iif", r->word[POL_W_IIF] <= p->iifs ? p->iif[r->word[POL_W_IIF]] : "?", arg);
	if (m->mmask & POL_M_TAGGED) {
		snprintf(buf, sizeof(buf), "%u", (misc & POL_M_VID) >> 14);
		each("vlan", misc & POL_M_TAGGED ? buf : "none", arg);
	}
	if (m->mmask & POL_M_FRAGMENT)
		each("fragment", misc & POL_M_FRAGMENT ? "true" : "false", arg);
}

struct text {
	char *buf;
	size_t size;
};

static void match_word(const char *field, const char *value, void *arg)
{
	struct text *t = arg;

	add(t->buf, t->size, "%s %s", field, value);
}

void policy_match(struct policy *p, const struct pol_rule *r, char *buf, size_t size)
{
	struct text t = { buf, size };

	*buf = 0;
	each_match(p, r, match_word, &t);
	if (!*buf)
		snprintf(buf, size, "any");
}

/* The group of an ecmp rule; false if it cannot be read. */
static bool group_read(const struct options *opt, const struct policy *p, const struct pol_rule *r,
		       struct pol_group *g)
{
	__u32 index = p->slot * POL_HOPS + r->arg;
	int fd = pin_open(opt, "pol_group", true);
	bool ok = fd >= 0 && !bpf_map_lookup_elem(fd, &index, g);

	if (fd >= 0)
		close(fd);
	return ok;
}

void policy_action(const struct options *opt, struct policy *p, const struct pol_rule *r, char *buf,
		   size_t size)
{
	struct pol_group g = {};

	*buf = 0;
	switch (r->action) {
	case POL_PASS:
		add(buf, size, "pass");
		break;
	case POL_DROP:
		add(buf, size, "drop");
		break;
	case POL_REDIRECT:
		add(buf, size, "redirect %.16s", p->hop[r->arg % POL_HOPS].name);
		break;
	case POL_TABLE:
		add(buf, size, "table %u", r->arg);
		break;
	case POL_ECMP:
		add(buf, size, "ecmp");
		group_read(opt, p, r, &g);
		for (__u32 i = 0; i < POL_HOPS; i++) {
			if (g.weight[i])
				add(buf, size, "%.16s=%u", p->hop[i].name, g.weight[i]);
		}
		break;
	}
	if (r->flags & POL_R_MARK)
		add(buf, size, "mark 0x%x", r->mark);
	if (r->flags & POL_R_FALLBACK_PASS)
		add(buf, size, "else pass");
}

void policy_hop_state(const struct policy *p, __u32 hop, char *buf, size_t size)
{
	const struct pol_hop_state *s = &p->hop_state[hop];
	int v6 = !s->waiting[0];
	__u64 waiting = s->waiting[v6];

	if (!s->tick)
		snprintf(buf, size, "unused");
	else if (s->device != POL_DEV_UP)
		snprintf(buf, size, s->device == POL_DEV_DOWN ? "down" : "gone");
	else if (waiting && (__s64)(s->checked[v6] - waiting) >= (__s64)POL_NEIGH_NS)
		snprintf(buf, size, "unreachable");
	else if (waiting)
		snprintf(buf, size, "resolving");
	else
		snprintf(buf, size, "up");
}

/* --- as in a policy file */

static void match_json(const char *field, const char *value, void *arg)
{
	(void)arg;
	if (!strcmp(field, "fragment"))
		json_flag(field, !strcmp(value, "true"));
	else
		json_str(field, value);
}

static void weights_json(const struct options *opt, struct policy *p, const struct pol_rule *r)
{
	struct pol_group g = {};
	char name[17];

	group_read(opt, p, r, &g);
	for (__u32 i = 0; i < POL_HOPS; i++) {
		if (!g.weight[i])
			continue;
		snprintf(name, sizeof(name), "%.16s", p->hop[i].name);
		json_u64(name, g.weight[i]);
	}
}

static void action_json(const struct options *opt, struct policy *p, const struct pol_rule *r)
{
	const char *name = p->hop[r->arg % POL_HOPS].name;

	if (r->action == POL_DROP || (r->action == POL_PASS && !(r->flags & POL_R_MARK))) {
		json_str("action", policy_actions[r->action]);
		return;
	}
	json_open("action", '{');
	switch (r->action) {
	case POL_PASS:
		json_flag("pass", true);
		break;
	case POL_REDIRECT:
		json_bytes("redirect", name, strnlen(name, 16));
		break;
	case POL_TABLE:
		json_u64("table", r->arg);
		break;
	case POL_ECMP:
		json_open("ecmp", '{');
		weights_json(opt, p, r);
		json_close();
		break;
	}
	if (r->flags & POL_R_MARK)
		json_u64("mark", r->mark);
	json_close();
}

void policy_rule_json(const struct options *opt, struct policy *p, const struct pol_rule *r,
		      const char *key)
{
	const char *id = p->more[r - p->rules].id;

	json_open(key, '{');
	json_bytes("id", id, strnlen(id, 16));
	json_u64("priority", r->priority);
	json_open("match", '{');
	each_match(p, r, match_json, NULL);
	json_close();
	action_json(opt, p, r);
	if (r->action >= POL_REDIRECT)
		json_str("fallback", r->flags & POL_R_FALLBACK_PASS ? "pass" : "drop");
	json_close();
}

void policy_hop_json(struct policy *p, __u32 hop)
{
	const struct pol_hop *h = &p->hop[hop];
	char text[INET6_ADDRSTRLEN];

	snprintf(text, sizeof(text), "%.16s", h->name);
	json_open(text, '{');
	json_bytes("dev", h->dev, strnlen(h->dev, 15));
	if (h->flags & POL_H_GW4)
		json_str("via", inet_ntop(AF_INET, h->gw4, text, sizeof(text)));
	if (h->flags & POL_H_GW6)
		json_str("via6", inet_ntop(AF_INET6, h->gw6, text, sizeof(text)));
	if (h->flags & POL_H_VLAN)
		json_u64("vlan", h->vlan);
	if (h->flags & POL_H_L2)
		json_flag("l2", true);
	json_close();
}
