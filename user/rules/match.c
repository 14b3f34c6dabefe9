// SPDX-License-Identifier: GPL-2.0-only
/* match.c - converts what a rule matches from text, and back */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "rules.h"

__u32 mask_word(int bits)
{
	return bits <= 0 ? 0 : bits >= 32 ? ~0U : ~0U << (32 - bits);
}

int prefix_read(const char *text, struct prefix *p)
{
	const char *slash = strchr(text, '/');
	union {
		__u8 bytes[16];
		__u32 word[4];
	} wire = {};
	char host[64];
	__s64 len;
	int family;

	if ((size_t)snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, "/"), text) >=
	    sizeof(host))
		return 0;
	family = parse_address(host, wire.bytes);
	len = family == 4 ? 32 : 128;
	if (slash)
		len = slash[1] == '0' && slash[2] ? -1 : parse_number(slash + 1, len);
	if (!family || len < 0)
		return 0;
	p->len = len;
	for (int i = 0; i < 4; i++)
		p->word[i] = ntohl(wire.word[i]);
	return family;
}

bool match_prefix(struct rule *r, const char *field, const char *text, struct prefix *p)
{
	int family;

	p->len = ANY;
	if (!text)
		return true;
	family = prefix_read(text, p);
	if (!family)
		return rule_wrong(r, field, "%s: expected an IPv4 or IPv6 prefix", text);
	if (r->family && r->family != family)
		return rule_wrong(r, field, "%s: is not of the family of src", text);
	for (int i = 0; i < 4; i++) {
		if (p->word[i] & ~mask_word(p->len - 32 * i))
			return rule_wrong(r, field, "%s: bits are set after the prefix", text);
	}
	r->family = family;
	return true;
}

int ports_read(const char *text, __u16 *range)
{
	const char *dash = strchr(text, '-');
	char first[16];
	__s64 from, to;

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "-"), text);
	from = parse_number(first, 65535);
	to = dash ? parse_number(dash + 1, 65535) : from;
	if (from < 0 || to < 0)
		return 0;
	range[0] = from;
	range[1] = to;
	return to < from ? -1 : 1;
}

bool match_ports(struct rule *r, const char *field, const char *text, struct ports *p)
{
	__u16 range[2];

	if (!text)
		return true;
	if (ports_read(text, range) < 1)
		return rule_wrong(r, field,
				  "%s: expected a port (0 to 65535) or a range such as 8000-8080",
				  text);
	*p = (struct ports){
		.mode = range[0] < range[1] ? 2 : 1,
		.from = range[0],
		.to = range[1],
		.key = range[0],
	};
	if (r->proto >= 0 && !flow_has_ports(r->proto))
		return rule_wrong(r, field, "protocol %s has no ports", proto_name(r->proto));
	return true;
}

bool match_proto(struct rule *r, const char *text)
{
	r->proto = -1;
	if (!text)
		return true;
	r->proto = proto_number(text);
	if (r->proto < 0)
		return rule_wrong(r, "match.proto",
				  "%s: expected a number up to 255 or a name such as tcp, udp, "
				  "icmp6, gre or esp",
				  text);
	return true;
}

bool match_dscp(struct rule *r, const char *text)
{
	r->dscp = text ? dscp_number(text) : -1;
	return !text || r->dscp >= 0 ||
	       rule_wrong(r, "match.dscp",
			  "%s: expected 0 to 63, or a name such as EF, AF41 or CS6", text);
}

bool match_mark(struct rule *r, const char *text)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char first[16];
	__s64 mark, mask;

	if (!text)
		return true;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "/"), text);
	mark = parse_number(first, ~0U);
	mask = slash ? parse_number(slash + 1, ~0U) : ~0U;
	if (mark < 0 || mask < 1)
		return rule_wrong(r, "match.mark",
				  "%s: expected a mark such as 16, 0x10 or 0x10/0xff", text);
	if (mark & ~mask)
		return rule_wrong(r, "match.mark", "%s: bits are set outside the mask", text);
	r->mark = mark;
	r->mark_mask = mask;
	return true;
}

bool match_vlan(struct rule *r, const char *text)
{
	r->vlan = -1;
	if (!text)
		return true;
	r->vlan = strcmp(text, "none") ? parse_number(text, 4094) : 0;
	return (r->vlan > 0 || !strcmp(text, "none")) ||
	       rule_wrong(r, "match.vlan", "%s: expected 1 to 4094, or none", text);
}

bool match_fragment(struct rule *r, const char *text)
{
	r->fragment = -1;
	if (!text)
		return true;
	if (strcmp(text, "true") && strcmp(text, "false"))
		return rule_wrong(r, "match.fragment", "%s: expected true or false", text);
	r->fragment = !strcmp(text, "true");
	if (r->fragment && (r->port[0].mode || r->port[1].mode))
		return rule_wrong(r, "match.fragment", "fragments have no ports to match");
	return true;
}

__u32 match_misc(const struct rule *r, __u32 *mask)
{
	__u32 misc = 0;

	*mask = 0;
	if (r->family) {
		*mask |= POL_M_IP6;
		misc |= r->family == 6 ? POL_M_IP6 : 0;
	}
	if (r->proto >= 0) {
		*mask |= POL_M_PROTO;
		misc |= r->proto;
	}
	if (r->port[0].mode || r->port[1].mode) {
		*mask |= POL_M_PORTS;
		misc |= POL_M_PORTS;
	}
	if (r->dscp >= 0) {
		*mask |= POL_M_DSCP;
		misc |= r->dscp * (POL_M_DSCP & -POL_M_DSCP);
	}
	if (r->vlan >= 0)
		*mask |= POL_M_TAGGED;
	if (r->vlan > 0) {
		*mask |= POL_M_VID;
		misc |= POL_M_TAGGED | r->vlan * (POL_M_VID & -POL_M_VID);
	}
	if (r->fragment >= 0) {
		*mask |= POL_M_FRAGMENT;
		misc |= r->fragment ? POL_M_FRAGMENT : 0;
	}
	return misc;
}

/* --- and back */

static void print_prefix(const char *field, const struct rule *r, const struct prefix *p)
{
	__u32 wire[4];
	char text[INET6_ADDRSTRLEN];

	if (p->len == ANY)
		return;
	for (int i = 0; i < 4; i++)
		wire[i] = htonl(p->word[i]);
	printf(" %s %s/%u", field,
	       inet_ntop(r->family == 6 ? AF_INET6 : AF_INET, wire, text, sizeof(text)), p->len);
}

static void print_ports(const char *field, const struct ports *p)
{
	if (p->mode)
		printf(" %s %u", field, p->from);
	if (p->mode == 2)
		printf("-%u", p->to);
}

/* Next hops are printed by name: their order in a file means nothing. */
static int by_name(const void *a, const void *b)
{
	const struct hop *const *x = a, *const *y = b;

	return strcmp((*x)->value.name, (*y)->value.name);
}

static void print_group(const struct set *s, const struct pol_group *g)
{
	const struct hop *hops[sizeof(g->hop) / sizeof(g->hop[0])];

	for (__u32 i = 0; i < g->hops; i++)
		hops[i] = &s->hops[g->hop[i]];
	qsort(hops, g->hops, sizeof(*hops), by_name);
	for (__u32 i = 0; i < g->hops; i++)
		printf("%c%s=%u", i ? ',' : ' ', hops[i]->value.name, g->weight[hops[i] - s->hops]);
}

static void print_action(const struct set *s, const struct rule *r)
{
	printf(": %s", policy_actions[r->action]);
	if (r->action == POL_REDIRECT)
		printf(" %s", s->hops[r->arg].value.name);
	else if (r->action == POL_TABLE)
		printf(" %u", r->arg);
	else if (r->action == POL_ECMP)
		print_group(s, &s->groups[r->arg]);
	if (r->flags & POL_R_MARK)
		printf(" mark 0x%x", r->set_mark);
	if (r->action >= POL_REDIRECT)
		printf(r->flags & POL_R_FALLBACK_PASS ? " else pass" : " else drop");
	printf("\n");
}

void text_print(const struct set *s)
{
	const struct hop **hops = zalloc(s->n_hops + 1, sizeof(*hops));
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->n_hops; i++)
		hops[i] = &s->hops[i];
	qsort(hops, s->n_hops, sizeof(*hops), by_name);
	for (size_t i = 0; i < s->n_hops; i++) {
		const struct pol_hop *h = &hops[i]->value;

		printf("nexthop %s dev %s", h->name, hops[i]->dev->name);
		if (h->flags & POL_H_GW4)
			printf(" via %s", inet_ntop(AF_INET, h->gw4, text, sizeof(text)));
		if (h->flags & POL_H_GW6)
			printf(" via6 %s", inet_ntop(AF_INET6, h->gw6, text, sizeof(text)));
		if (h->flags & POL_H_VLAN)
			printf(" vlan %u", h->vlan);
		printf(h->flags & POL_H_L2 ? " l2\n" : "\n");
	}
	free(hops);
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule *r = &s->rules[i];

		printf("%u %s", r->priority, r->id);
		print_prefix("src", r, &r->src);
		print_prefix("dst", r, &r->dst);
		if (r->proto >= 0)
			printf(" proto %d", r->proto);
		print_ports("sport", &r->port[0]);
		print_ports("dport", &r->port[1]);
		if (r->dscp >= 0)
			printf(" dscp %d", r->dscp);
		if (r->mark_mask)
			printf(" mark 0x%x/0x%x", r->mark, r->mark_mask);
		if (r->iif)
			printf(" iif %s", r->iif->name);
		if (r->vlan >= 0)
			printf(r->vlan ? " vlan %d" : " vlan none", r->vlan);
		if (r->fragment >= 0)
			printf(" fragment %s", r->fragment ? "true" : "false");
		print_action(s, r);
	}
}
