// SPDX-License-Identifier: GPL-2.0-only
/* condition.c - struct match in the words that `rules match` takes (user/rules/condition.c) */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hookmap.h"

struct text {
	char *buf;
	size_t size, at;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->buf + t->at, t->size - t->at, fmt, args);
	va_end(args);
	if (n > 0)
		t->at = t->at + n < t->size ? t->at + n : t->size - 1;
}

static const char *space(const struct text *t)
{
	return t->at ? " " : "";
}

static void add_prefix(struct text *t, const char *word, const struct match *m, const __u32 *addr,
		       const __u32 *mask)
{
	char text[INET6_ADDRSTRLEN];
	int bits = 0;

	for (int i = 0; i < 4; i++)
		bits += __builtin_popcount(mask[i]);
	inet_ntop(m->family == 6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
	add(t, "%s%s %s/%d", space(t), word, text, bits);
}

static void add_ports(struct text *t, const char *word, const __u16 *range)
{
	add(t, "%s%s %u", space(t), word, range[0]);
	if (range[0] != range[1])
		add(t, "-%u", range[1]);
}

char *condition_text(const struct match *m, char *buf, size_t size)
{
	struct text t = { buf, size, 0 };
	__u16 type = ntohs(m->ethertype);

	*buf = 0;
	if (m->flags & MATCH_SRC)
		add_prefix(&t, "src", m, m->src, m->src_mask);
	if (m->flags & MATCH_DST)
		add_prefix(&t, "dst", m, m->dst, m->dst_mask);
	if (m->flags & MATCH_HOST)
		add_prefix(&t, "host", m, m->host, m->host_mask);
	if (m->family && !t.at) /* a prefix says it */
		add(&t, "ethertype %s", m->family == 6 ? "ip6" : "ip");
	if (type)
		add(&t, type == 0x0806 ? "%sethertype arp" : "%sethertype 0x%04x", space(&t), type);
	if (m->flags & MATCH_VLAN)
		add(&t, "%svlan %u", space(&t), m->vlan);
	if (m->flags & MATCH_ECHO)
		add(&t, "%secho", space(&t));
	if (m->flags & MATCH_PROTO)
		add(&t, "%sproto %s", space(&t), proto_name(m->proto));
	if (m->flags & MATCH_SPORT)
		add_ports(&t, "sport", m->sport);
	if (m->flags & MATCH_DPORT)
		add_ports(&t, "dport", m->dport);
	if (m->flags & MATCH_PORT)
		add_ports(&t, "port", m->port);
	if (m->flags & MATCH_FRAGMENT)
		add(&t, "%sfragment yes", space(&t));
	return buf;
}
