// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_key.c - the key of a row of drops in words: protocol, addresses, reasons of XDP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "drops.h"

static const struct {
	__u16 type;
	const char *name;
} ethertypes[] = {
	{ 0x0800, "ipv4" },    { 0x86dd, "ipv6" },  { 0x0806, "arp" },	   { 0x8035, "rarp" },
	{ 0x88cc, "lldp" },    { 0x8847, "mpls" },  { 0x8848, "mpls-mc" }, { 0x8863, "pppoe-disc" },
	{ 0x8864, "pppoe" },   { 0x888e, "eapol" }, { 0x8809, "lacp" },	   { 0x88f7, "ptp" },
	{ 0x88e5, "macsec" },  { 0x8906, "fcoe" },  { 0x8902, "cfm" },	   { 0x88a2, "aoe" },
	{ 0x9000, "loop" },    { 0x8808, "pause" }, { 0x0004, "802.2" },   { 0x8100, "802.1q" },
	{ 0x88a8, "802.1ad" },
};

char *drop_protocol(const struct drop_key *key)
{
	static const char *const tags[] = { "", "vlan/", "qinq/" };
	const char *lead = key->tags < 3 ? tags[key->tags] : "vlans/";
	__u16 type = ntohs(key->l3proto);
	char l3[16] = "-", l4[16] = "";
	char *text;

	if (type)
		snprintf(l3, sizeof(l3), "0x%04x", type);
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(ethertypes[0]); i++) {
		if (ethertypes[i].type == type)
			snprintf(l3, sizeof(l3), "%s", ethertypes[i].name);
	}
	if ((type == 0x0800 || type == 0x86dd) && key->l4proto != DROP_NO_L4)
		snprintf(l4, sizeof(l4), "/%s", proto_name(key->l4proto));
	return asprintf(&text, "%s%s%s", lead, l3, l4) < 0 ? NULL : text;
}

static char *mac(const __u32 *words)
{
	const unsigned char *b = (const void *)words;
	char *text;

	if (!(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		return strdup(NO_KEY);
	return asprintf(&text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
			b[5]) < 0
		       ? NULL
		       : text;
}

static const char *address(const struct drop_key *key, const __u32 *words, char *buf, size_t size)
{
	__u16 type = ntohs(key->l3proto);

	if (key->l4proto == DROP_NO_L4) /* the headers could not be read */
		return NO_KEY;
	if (type == 0x0800 || type == 0x0806)
		return inet_ntop(AF_INET, words, buf, size);
	if (type == 0x86dd)
		return inet_ntop(AF_INET6, words, buf, size);
	return NO_KEY;
}

char *drop_flow(const struct drop_key *key)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const char *src = address(key, key->src, from, sizeof(from));
	const char *dst = address(key, key->dst, to, sizeof(to));
	bool v6 = strchr(src, ':');
	char *text;
	int len;

	if (!strcmp(src, NO_KEY))
		return strdup(NO_KEY);
	if (key->sport | key->dport)
		len = asprintf(&text, v6 ? "[%s]:%u > [%s]:%u" : "%s:%u > %s:%u", src,
			       ntohs(key->sport), dst, ntohs(key->dport));
	else
		len = asprintf(&text, "%s > %s", src, dst);
	return len < 0 ? NULL : text;
}

char *drop_dimension(const struct drop_key *key)
{
	char buf[INET6_ADDRSTRLEN];

	switch (key->by) {
	case DROP_BY_SMAC:
		return mac(key->src);
	case DROP_BY_DMAC:
		return mac(key->dst);
	case DROP_BY_SIP:
		return strdup(address(key, key->src, buf, sizeof(buf)));
	case DROP_BY_DIP:
		return strdup(address(key, key->dst, buf, sizeof(buf)));
	case DROP_BY_FLOW:
		return drop_flow(key);
	default:
		return strdup(NO_KEY);
	}
}

static const char *errno_name(__u32 code, char *buf, size_t size)
{
	const char *name = NULL;

#if __GLIBC_PREREQ(2, 32)
	name = strerrorname_np((int)code);
#endif
	if (name)
		return name;
	snprintf(buf, size, "%u", code);
	return buf;
}

const char *drop_action(__u32 action, char *buf, size_t size)
{
	static const char *const name[] = { "ABORTED", "DROP", "PASS", "TX", "REDIRECT" };

	if (action < sizeof(name) / sizeof(name[0]))
		return name[action];
	snprintf(buf, size, "ACTION_%u", action);
	return buf;
}

void drop_xdp_reason(const struct drop_xdp_key *k, char *buf, size_t size)
{
	char text[32];

	switch (k->kind) {
	case DROP_XDP_EXCEPTION:
		snprintf(buf, size, "XDP_EXCEPTION_%s", drop_action(k->code, text, sizeof(text)));
		break;
	case DROP_XDP_REDIRECT:
		snprintf(buf, size, "XDP_REDIRECT_%s", errno_name(k->code, text, sizeof(text)));
		break;
	case DROP_XDP_DEVMAP:
	case DROP_XDP_TX:
		snprintf(buf, size, "%s_%s", k->kind == DROP_XDP_TX ? "XDP_TX" : "XDP_DEVMAP",
			 k->code ? errno_name(k->code, text, sizeof(text)) : "DROP");
		break;
	case DROP_XDP_CPUMAP:
		snprintf(buf, size, "XDP_CPUMAP_FULL");
		break;
	case DROP_XDP_CPUMAP_SKB:
		snprintf(buf, size, "XDP_CPUMAP_NOMEM");
		break;
	case DROP_XDP_CPUMAP_PROG:
		snprintf(buf, size, "XDP_CPUMAP_DROP");
		break;
	default:
		snprintf(buf, size, "XDP_KIND_%u", k->kind);
	}
}
