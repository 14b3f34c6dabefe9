// SPDX-License-Identifier: GPL-2.0-only
/* words.c - numbers, addresses, protocols and actions of policy, as people write them */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hookmap.h"

const char *const policy_actions[POL_ACTIONS] = {
	[POL_PASS] = "pass",	     [POL_DROP] = "drop",   [POL_MARK] = "mark",
	[POL_REDIRECT] = "redirect", [POL_TABLE] = "table", [POL_ECMP] = "ecmp",
};

static const struct {
	const char *name;
	__u8 number;
} protos[] = {
	{ "tcp", IPPROTO_TCP },		{ "udp", IPPROTO_UDP },	  { "icmp", IPPROTO_ICMP },
	{ "icmp6", IPPROTO_ICMPV6 },	{ "sctp", IPPROTO_SCTP }, { "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },		{ "ah", IPPROTO_AH },	  { "ospf", 89 },
	{ "udplite", IPPROTO_UDPLITE }, { "igmp", IPPROTO_IGMP }, { "ipip", IPPROTO_IPIP },
	{ "ipv6", IPPROTO_IPV6 },	{ "dccp", IPPROTO_DCCP }, { "vrrp", 112 },
	{ "pim", IPPROTO_PIM },		{ "none", IPPROTO_NONE },
};
#define PROTOS (sizeof(protos) / sizeof(*protos))

bool one_of(const char *words, const char *word)
{
	size_t len = strlen(word), n;

	for (; len && *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		if (n == len && !strncmp(words, word, len))
			return true;
	}
	return false;
}

__s64 parse_number(const char *text, __u32 max)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
	const char *digits = hex ? text + 2 : text;
	size_t len = strlen(digits);
	unsigned long long n;

	if (!len || len > (hex ? 8 : 10) ||
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != len ||
	    (!hex && len > 1 && *digits == '0'))
		return -1;
	n = strtoull(digits, NULL, hex ? 16 : 10);
	return n <= max ? (__s64)n : -1;
}

int parse_address(const char *text, void *bytes)
{
	int family = strchr(text, ':') ? 6 : 4;

	return inet_pton(family == 6 ? AF_INET6 : AF_INET, text, bytes) == 1 ? family : 0;
}

int proto_number(const char *text)
{
	for (size_t i = 0; i < PROTOS; i++) {
		if (!strcmp(text, protos[i].name))
			return protos[i].number;
	}
	return parse_number(text, 255);
}

int dscp_number(const char *text)
{
	/* RFC 2474, 2597, 3246, 5865, 8622 */
	if (!strcmp(text, "EF"))
		return 46;
	if (!strcmp(text, "VA"))
		return 44;
	if (!strcmp(text, "LE"))
		return 1;
	if (!strncmp(text, "CS", 2) && strlen(text) == 3 && text[2] >= '0' && text[2] <= '7')
		return (text[2] - '0') * 8;
	if (!strncmp(text, "AF", 2) && strlen(text) == 4 && text[2] >= '1' && text[2] <= '4' &&
	    text[3] >= '1' && text[3] <= '3')
		return (text[2] - '0') * 8 + (text[3] - '0') * 2;
	return parse_number(text, 63);
}

const char *proto_name(__u8 proto)
{
	static char text[4];

	for (size_t i = 0; i < PROTOS; i++) {
		if (proto == protos[i].number)
			return protos[i].name;
	}
	snprintf(text, sizeof(text), "%u", proto);
	return text;
}
