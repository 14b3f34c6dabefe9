// SPDX-License-Identifier: GPL-2.0-only
/* condition.c - compiles a condition about packets, in tcpdump's words, to struct match */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "condition.h"

static const char *condition_where = "";

bool condition_wrong(const char *fmt, ...)
{
	char text[512], clean[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", condition_where, text_plain(text, clean, sizeof(clean)));
	return false;
}

void condition_at(const char *where)
{
	condition_where = where;
}

static bool family_set(struct match *m, const char *key, const char *value, int family, __be16 type)
{
	if ((m->family && m->family != family) || (m->ethertype && m->ethertype != type) ||
	    (type && m->family))
		return condition_wrong("%s %s: another protocol family than the rest", key, value);
	m->family = family;
	m->ethertype = type;
	return true;
}

static bool prefix_set(struct match *m, const char *key, const char *value, __u32 *addr,
		       __u32 *mask)
{
	struct prefix p;
	int family = prefix_read(value, &p);

	if (!family)
		return condition_wrong("%s %s: expected an IPv4 or IPv6 prefix", key, value);
	for (int i = 0; i < 4; i++) {
		if (p.word[i] & ~mask_word(p.len - 32 * i))
			return condition_wrong("%s %s: bits are set after the prefix", key, value);
		addr[i] = htonl(p.word[i]);
		mask[i] = htonl(mask_word(p.len - 32 * i));
	}
	return family_set(m, key, value, family, 0);
}

static bool ports_set(const char *key, const char *value, __u16 *range)
{
	int ok = ports_read(value, range);

	return ok > 0 ||
	       condition_wrong(ok ? "%s %s: the first is larger"
				  : "%s %s: expected a number up to 65535, or a range such as "
				    "8000-8080",
			       key, value);
}

static bool type_set(struct match *m, const char *value)
{
	__s64 type = !strcmp(value, "ip")    ? 0x0800
		     : !strcmp(value, "ip6") ? 0x86dd
		     : !strcmp(value, "arp") ? 0x0806
		     : strlen(value) == 6    ? parse_number(value, 0xffff)
					     : -1;

	if (type < 0)
		return condition_wrong("ethertype %s: expected ip, ip6, arp or 0xNNNN", value);
	if (type == 0x0800 || type == 0x86dd)
		return family_set(m, "ethertype", value, type == 0x0800 ? 4 : 6, 0);
	return family_set(m, "ethertype", value, 0, htons(type));
}

static bool number_set(const char *key, const char *value, long first, long last, __u16 *to)
{
	__s64 n = parse_number(value, last);

	if (n < first)
		return condition_wrong("%s %s: expected a number from %ld to %ld", key, value,
				       first, last);
	*to = n;
	return true;
}

static bool proto_set(struct match *m, const char *value)
{
	int proto = proto_number(value);

	if (proto < 0)
		return condition_wrong("proto %s: expected a number up to 255 or a name such as "
				       "tcp, udp, icmp6, gre or esp",
				       value);
	m->proto = proto;
	return true;
}

enum { SRC, DST, HOST, PROTO, SPORT, DPORT, PORT, VLAN, FRAGMENT, ECHO, TYPE };

/* NAME VALUE, or one word for both */
static const struct {
	const char *word, *name, *value;
	int what;
} words[] = {
	{ "src", NULL, NULL, SRC },	     { "dst", NULL, NULL, DST },
	{ "host", NULL, NULL, HOST },	     { "proto", NULL, NULL, PROTO },
	{ "sport", NULL, NULL, SPORT },	     { "dport", NULL, NULL, DPORT },
	{ "port", NULL, NULL, PORT },	     { "vlan", NULL, NULL, VLAN },
	{ "echo", "echo", "", ECHO },	     { "fragment", NULL, NULL, FRAGMENT },
	{ "tcp", "proto", "tcp", PROTO },    { "ethertype", NULL, NULL, TYPE },
	{ "udp", "proto", "udp", PROTO },    { "icmp", "proto", "icmp", PROTO },
	{ "sctp", "proto", "sctp", PROTO },  { "icmp6", "proto", "icmp6", PROTO },
	{ "ip", "ethertype", "ip", TYPE },   { "ip6", "ethertype", "ip6", TYPE },
	{ "arp", "ethertype", "arp", TYPE },
};
#define WORDS (sizeof(words) / sizeof(*words))

static bool word_set(struct match *m, int what, const char *key, const char *value)
{
	static const int flag[] = {
		[SRC] = MATCH_SRC,
		[DST] = MATCH_DST,
		[HOST] = MATCH_HOST,
		[PROTO] = MATCH_PROTO,
		[SPORT] = MATCH_SPORT,
		[DPORT] = MATCH_DPORT,
		[PORT] = MATCH_PORT,
		[VLAN] = MATCH_VLAN,
		[FRAGMENT] = MATCH_FRAGMENT,
		[ECHO] = MATCH_ECHO,
		[TYPE] = 0,
	};

	m->flags |= flag[what];
	switch (what) {
	case SRC:
		return prefix_set(m, key, value, m->src, m->src_mask);
	case DST:
		return prefix_set(m, key, value, m->dst, m->dst_mask);
	case HOST:
		return prefix_set(m, key, value, m->host, m->host_mask);
	case PROTO:
		return proto_set(m, value);
	case SPORT:
		return ports_set(key, value, m->sport);
	case DPORT:
		return ports_set(key, value, m->dport);
	case PORT:
		return ports_set(key, value, m->port);
	case VLAN:
		return number_set(key, value, 1, 4094, &m->vlan);
	case FRAGMENT:
		return !strcmp(value, "yes") || condition_wrong("fragment %s: expected yes", value);
	case TYPE:
		return type_set(m, value);
	}
	return true;
}

/* Can a packet meet it? */
static bool possible(const struct match *m)
{
	__u16 type = m->family == 4 ? 0x0800 : m->family == 6 ? 0x86dd : ntohs(m->ethertype);
	bool proto = m->flags & MATCH_PROTO;

	if ((type == 0x0800 && proto && m->proto == IPPROTO_ICMPV6) ||
	    (type == 0x86dd && proto && m->proto == IPPROTO_ICMP) ||
	    (m->ethertype && m->flags & (MATCH_PROTO | MATCH_PORTS)))
		return condition_wrong("no frame has both: ethertype 0x%04x, and %s%s", type,
				       proto ? "proto " : "ports",
				       proto ? proto_name(m->proto) : "");
	if (m->ethertype && m->flags & MATCH_INSIDE)
		return condition_wrong("no frame has both: ethertype 0x%04x, and %s", type,
				       m->flags & MATCH_ECHO ? "echo" : "fragment");
	if (m->flags & MATCH_PORTS &&
	    ((proto && !flow_has_ports(m->proto)) || m->flags & MATCH_ECHO))
		return condition_wrong("protocol %s has no ports",
				       proto ? proto_name(m->proto) : "icmp");
	if (m->flags & MATCH_ECHO && proto && m->proto != IPPROTO_ICMP &&
	    m->proto != IPPROTO_ICMPV6)
		return condition_wrong("no packet has both: echo, and proto %s",
				       proto_name(m->proto));
	if (m->flags & MATCH_FRAGMENT && m->flags & (MATCH_PORTS | MATCH_ECHO))
		return condition_wrong("a fragment after the first has no ports");
	return true;
}

bool condition_read(struct match *m, char **word, int n, const char *without)
{
	bool seen[TYPE + 1] = {};

	memset(m, 0, sizeof(*m));
	if (n == 1 && (!strcmp(*word, "any") || !strcmp(*word, "none")))
		return true;
	for (int i = 0; i < n; i++) {
		const char *key = word[i], *value;
		size_t k = 0;

		if (!strcmp(key, "and"))
			continue;
		while (k < WORDS && strcmp(key, words[k].word))
			k++;
		if (k == WORDS)
			return condition_wrong("unknown word %s (src, dst, host, proto, sport, "
					       "dport, port, vlan, ethertype, fragment, echo)",
					       key);
		value = words[k].value;
		if (!value && i + 1 == n)
			return condition_wrong("%s needs a value", key);
		key = value ? words[k].name : key;
		value = value ? value : word[++i];
		/* (the IP version is always known) */
		if (words[k].what != TYPE && one_of(without, key))
			return condition_wrong("%s is not supported here", key);
		if (seen[words[k].what])
			return condition_wrong("%s is given twice", key);
		seen[words[k].what] = true;
		if (!word_set(m, words[k].what, key, value))
			return false;
	}
	if (m->ethertype && one_of(without, "ethertype"))
		return condition_wrong("ethertype 0x%04x is not supported here",
				       ntohs(m->ethertype));
	return possible(m);
}

void bytes_print(const void *value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf(" %02x", ((const __u8 *)value)[i]);
}

int condition_words(void)
{
	for (int bare = 0; bare < 2; bare++) {
		for (size_t k = 0; k < WORDS; k++) {
			if (!words[k].value == !bare)
				printf("%s|", words[k].word);
		}
		printf(bare ? "and\n" : "dev|vxlan\n");
	}
	return 0;
}

int condition_main(int n, char **word, const char *without)
{
	struct match m;

	if (!condition_read(&m, word, n, without))
		return 2;
	bytes_print(&m, sizeof(m));
	printf("\n");
	return 0;
}
