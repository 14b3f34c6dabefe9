/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_parse.h - what is right about a frame: a slow and careful reader, written apart
 * from kern/parse.h, so that a mistake there is not made here, too.
 */
#ifndef FUZZ_PARSE_H
#define FUZZ_PARSE_H

#include <linux/if_ether.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* what is right */
enum {
	OK_TAGS = 1,   /* each VLAN tag is whole, and so is the ethertype behind */
	OK_HEAD = 16,  /* IP: version, header and total length; not IPv6's further headers */
	OK_LENGTH = 2, /* IP: all headers lie within the packet */
	OK_IPSUM = 4,  /* IPv4: checksum of the header */
	OK_L4SUM = 8,  /* TCP, UDP, ICMPv6: whole, and its checksum */
};

struct layout {
	unsigned ok;
	unsigned tags;
	size_t type; /* where the last ethertype is */
	size_t l3;   /* behind it */
	size_t l4;   /* 0: none, or a fragment */
	size_t end;  /* of the IP packet */
	int family, proto;
};

static unsigned be16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static __u32 sum(const __u8 *p, size_t n, __u32 s)
{
	for (; n > 1; n -= 2, p += 2)
		s += be16(p);
	return n ? s + (p[0] << 8) : s;
}

static unsigned fold(__u32 s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static __u32 pseudo(const __u8 *f, const struct layout *l)
{
	const __u8 *src = f + l->l3 + (l->family == 4 ? 12 : 8);

	return sum(src, l->family == 4 ? 8 : 32, l->proto + (l->end - l->l4));
}

static size_t sum_at(const struct layout *l)
{
	size_t n = l->l4 ? l->end - l->l4 : 0;

	if (l->proto == IPPROTO_UDP && n >= 8)
		return l->l4 + 6;
	if (l->proto == IPPROTO_TCP && n >= 20)
		return l->l4 + 16;
	if (l->proto == IPPROTO_ICMPV6 && l->family == 6 && n >= 4)
		return l->l4 + 2;
	return 0;
}

static int l4_right(const __u8 *f, const struct layout *l)
{
	size_t at = sum_at(l);

	if (!at || (l->proto == IPPROTO_UDP && be16(f + l->l4 + 4) != l->end - l->l4))
		return 0;
	if (l->proto == IPPROTO_UDP && !be16(f + at))
		return l->family == 4;
	return fold(sum(f + l->l4, l->end - l->l4, pseudo(f, l))) == 0xffff;
}

static void layout4(const __u8 *f, size_t len, struct layout *l)
{
	const __u8 *ip = f + l->l3;
	size_t room = len - l->l3, head;

	if (room < 20 || ip[0] >> 4 != 4)
		return;
	head = (ip[0] & 15) * 4;
	if (head < 20 || be16(ip + 2) < head || be16(ip + 2) > room)
		return;
	l->family = 4;
	l->proto = ip[9];
	l->end = l->l3 + be16(ip + 2);
	l->ok |= OK_HEAD | OK_LENGTH;
	if (fold(sum(ip, head, 0)) == 0xffff)
		l->ok |= OK_IPSUM;
	if (!(be16(ip + 6) & 0x3fff))
		l->l4 = l->l3 + head;
}

static void layout6(const __u8 *f, size_t len, struct layout *l)
{
	const __u8 *ip = f + l->l3;
	size_t room = len - l->l3, at = l->l3 + 40;
	int next, fragment = 0;

	if (room < 40 || ip[0] >> 4 != 6 || be16(ip + 4) + 40u > room)
		return;
	l->family = 6;
	l->ok |= OK_HEAD;
	l->end = at + be16(ip + 4);
	for (next = ip[6];;) {
		const __u8 *ext = f + at;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		if (at + 8 > l->end)
			return;
		if (next == IPPROTO_FRAGMENT) {
			at += 8;
			fragment |= be16(ext + 2) & 0xfff9;
		} else {
			at += next == IPPROTO_AH ? ext[1] * 4 + 8 : ext[1] * 8 + 8;
		}
		if (at > l->end)
			return;
		next = ext[0];
		if (fragment & 0xfff8)
			break;
	}
	l->proto = next;
	l->ok |= OK_LENGTH;
	if (!fragment)
		l->l4 = at;
}

static struct layout layout_of(const __u8 *f, size_t len)
{
	struct layout l = { .type = 12, .l3 = ETH_HLEN };

	if (len < ETH_HLEN)
		return l;
	while (be16(f + l.type) == ETH_P_8021Q || be16(f + l.type) == ETH_P_8021AD) {
		if (l.l3 + 4 > len)
			return l;
		l.type += 4;
		l.l3 += 4;
		l.tags++;
	}
	l.ok = OK_TAGS;
	if (be16(f + l.type) == ETH_P_IP)
		layout4(f, len, &l);
	else if (be16(f + l.type) == ETH_P_IPV6)
		layout6(f, len, &l);
	if (l4_right(f, &l))
		l.ok |= OK_L4SUM;
	return l;
}

/* Makes the checksums right, of what can be read. */
static void set_sums(__u8 *f, size_t len)
{
	struct layout l = layout_of(f, len);
	size_t at = sum_at(&l);
	unsigned s;

	if (l.family == 4) {
		__u8 *ip = f + l.l3;

		ip[10] = ip[11] = 0;
		s = ~fold(sum(ip, (ip[0] & 15) * 4, 0));
		ip[10] = s >> 8;
		ip[11] = s;
	}
	if (!at)
		return;
	f[at] = f[at + 1] = 0;
	s = ~fold(sum(f + l.l4, l.end - l.l4, pseudo(f, &l))) & 0xffff;
	s = s ?: 0xffff;
	f[at] = s >> 8;
	f[at + 1] = s;
}

#endif
