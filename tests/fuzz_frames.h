/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_frames.h - hostile Ethernet frames. Frame I of a seed is always the same one,
 * whatever was made before it. Every other frame is one of a fixed list (each frame of
 * the corpus cut at each length; chains of tags, options and extension headers of each
 * length; each bit of the corpus flipped), the rest is made at random.
 */
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include "fuzz_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FRAME_MAX = 3000,
	WORDS = 64,
	CORPUS = 256,
	CHAIN = 16, /* longest chain of tags and headers */
	CHAINS = 12,
};

struct frame {
	size_t len;
	__u8 data[FRAME_MAX];
};

/* What frames are made from: the lines of the corpus file. */
static struct frame corpus[CORPUS];
static size_t ncorpus, cuts, flips;
static struct words {
	const char *name;
	size_t size, n;
	__u8 word[WORDS][16];
} words[] = { { .name = "mac", .size = 6 },
	      { .name = "vlan", .size = 2 },
	      { .name = "ip4", .size = 4 },
	      { .name = "ip6", .size = 16 },
	      { .name = "port", .size = 2 } };
enum { W_MAC, W_VLAN, W_IP4, W_IP6, W_PORT };

static __u64 rng_state;

static __u64 rng(void) /* splitmix64 */
{
	__u64 z = rng_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
	return rng() % n;
}

static int percent(unsigned n)
{
	return below(100) < n;
}

/* --- the corpus */

static ssize_t from_hex(const char *hex, __u8 *to, size_t size)
{
	size_t n = 0;

	for (; *hex && !isspace((unsigned char)*hex); hex += 2) {
		if (n == size || sscanf(hex, "%2hhx", &to[n]) != 1)
			return -1;
		n++;
	}
	return n;
}

static int corpus_line(const char *line)
{
	char name[8];
	int at = 0;

	if (sscanf(line, "%7s %n", name, &at) != 1)
		return 0;
	if (!strcmp(name, "frame")) {
		struct frame *f = &corpus[ncorpus];
		ssize_t n = ncorpus < CORPUS ? from_hex(line + at, f->data, FRAME_MAX) : -1;

		if (n < ETH_HLEN)
			return -1;
		f->len = n;
		ncorpus++;
		cuts += n - ETH_HLEN + 1;
		flips += 8 * n;
		return 0;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct words *w = &words[i];

		if (strcmp(name, w->name))
			continue;
		if (w->n == WORDS || from_hex(line + at, w->word[w->n], 16) != (ssize_t)w->size)
			return -1;
		w->n++;
		return 0;
	}
	return -1;
}

/* Lines of "frame HEX" and of words that programs know: "mac HEX", "vlan HEX" (the
 * number), "ip4 HEX", "ip6 HEX", "port HEX". */
static int corpus_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int number = 0;

	if (!file) {
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (getline(&line, &size, file) > 0) {
		number++;
		if (corpus_line(line)) {
			fprintf(stderr, "fuzz: %s:%d: cannot be read\n", path, number);
			return -1;
		}
	}
	free(line);
	fclose(file);
	if (!ncorpus)
		fprintf(stderr, "fuzz: %s has no frame\n", path);
	return ncorpus ? 0 : -1;
}

/* --- parts of frames */

static __u8 *put(struct frame *f, size_t n)
{
	__u8 *at = f->data + f->len;

	if (f->len + n > FRAME_MAX)
		return NULL;
	memset(at, 0, n);
	f->len += n;
	return at;
}

static void put_bytes(struct frame *f, const void *bytes, size_t n)
{
	__u8 *at = put(f, n);

	if (at)
		memcpy(at, bytes, n);
}

static void put16(struct frame *f, unsigned value)
{
	__u8 b[] = { value >> 8, value };

	put_bytes(f, b, 2);
}

static void put_random(struct frame *f, size_t n)
{
	__u8 *at = put(f, n);

	for (size_t i = 0; at && i < n; i++)
		at[i] = rng();
}

static void put_word(struct frame *f, int kind)
{
	const struct words *w = &words[kind];

	if (w->n && percent(85))
		put_bytes(f, w->word[below(w->n)], w->size);
	else
		put_random(f, w->size);
}

static void put_mac(struct frame *f)
{
	static const __u8 special[][6] = { { 255, 255, 255, 255, 255, 255 },
					   { 0x01, 0x80, 0xc2, 0, 0, 0x0e },
					   { 0x33, 0x33, 0, 0, 0, 1 },
					   { 0 } };

	if (percent(15))
		put_bytes(f, special[below(4)], 6);
	else
		put_word(f, W_MAC);
}

static void put_tags(struct frame *f, unsigned n)
{
	static const __u16 proto[] = { 0x8100, 0x8100, 0x88a8, 0x9100 };

	while (n--) {
		struct frame vid = {};

		put16(f, proto[below(4)]);
		put_word(&vid, W_VLAN);
		put16(f,
		      ((vid.data[0] << 8 | vid.data[1]) & 0xfff) | (percent(30) ? rng() << 12 : 0));
	}
}

static void put_frame(struct frame *f, int depth);

/* The L4 header and what it carries; its checksum comes when the packet is whole. */
static void put_l4(struct frame *f, int proto, int depth)
{
	size_t start = f->len, payload = percent(5) ? 1400 : below(64);
	int vxlan = proto == IPPROTO_UDP && !depth && percent(10);

	switch (proto) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		put_word(f, W_PORT);
		if (vxlan)
			put16(f, 4789);
		else
			put_word(f, W_PORT);
		put(f, 4);
		if (vxlan) {
			put16(f, 0x0800);
			put_random(f, 6);
			put_frame(f, depth + 1);
		}
		break;
	case IPPROTO_TCP:
		put_word(f, W_PORT);
		put_word(f, W_PORT);
		put_random(f, 8);
		put16(f, (percent(80) ? 5 : below(16)) << 12 | below(256));
		put_random(f, 6);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put16(f, (__u16[]){ 0x0800, 0x0000, 0x8000, 0x8100, 0x8700, 0x0300 }[below(6)]);
		put_random(f, 6);
		break;
	default:
		put_random(f, 8);
	}
	put_random(f, payload);
	if (proto == IPPROTO_UDP && f->len >= start + 8) {
		f->data[start + 4] = (f->len - start) >> 8;
		f->data[start + 5] = f->len - start;
	}
}

static int l4_proto(int v6)
{
	static const __u8 proto[] = { IPPROTO_UDP,  IPPROTO_UDP,     IPPROTO_TCP, IPPROTO_TCP,
				      IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_GRE, IPPROTO_ESP };
	unsigned i = below(12);

	if (i < 8)
		return proto[i];
	return i < 11 ? v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP : (int)below(256);
}

static void put_ip4(struct frame *f, unsigned options, int depth)
{
	size_t start = f->len;
	int proto = l4_proto(0);
	__u8 *ip = put(f, 12);

	if (!ip)
		return;
	put_word(f, W_IP4);
	put_word(f, W_IP4);
	put_random(f, options * 4);
	ip[0] = 0x45 + options;
	ip[1] = percent(50) ? 0 : rng();
	ip[5] = rng();
	if (percent(20)) {
		ip[6] = rng() & 0x3f;
		ip[7] = rng();
	}
	ip[8] = (__u8[]){ 64, 64, 64, 255, 2, 1, 0 }[below(7)];
	ip[9] = proto;
	put_l4(f, proto, depth);
	ip[2] = (f->len - start) >> 8;
	ip[3] = f->len - start;
}

/* Extension headers in a row, of all kinds, the last one naming PROTO. */
static void put_extensions(struct frame *f, unsigned n, int proto, __u8 *next)
{
	static const __u8 kind[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS,
				     IPPROTO_FRAGMENT, IPPROTO_AH };

	while (n--) {
		int is = kind[below(5)], len = percent(70) ? 0 : below(8);
		__u8 *ext = put(f, is == IPPROTO_AH ? 8 + 4 * len : 8 + 8 * len);

		if (!ext)
			break;
		*next = is;
		next = ext;
		ext[1] = len;
		if (is == IPPROTO_FRAGMENT && percent(50)) {
			ext[2] = rng();
			ext[3] = rng();
		}
	}
	*next = proto;
}

static void put_ip6(struct frame *f, unsigned extensions, int depth)
{
	size_t start = f->len;
	int proto = l4_proto(1);
	__u8 *ip = put(f, 8);

	if (!ip)
		return;
	put_word(f, W_IP6);
	put_word(f, W_IP6);
	ip[0] = 0x60 | (rng() & 15);
	ip[1] = rng();
	ip[7] = (__u8[]){ 64, 64, 255, 2, 1, 0 }[below(6)];
	put_extensions(f, extensions, proto, &ip[6]);
	put_l4(f, proto, depth);
	ip[4] = (f->len - start - 40) >> 8;
	ip[5] = f->len - start - 40;
}

static void put_arp(struct frame *f)
{
	static const __u8 head[] = { 0, 1, 8, 0, 6, 4, 0 };

	put_bytes(f, head, sizeof(head));
	put_bytes(f, &(__u8){ 1 + below(2) }, 1);
	put_mac(f);
	put_word(f, W_IP4);
	put_mac(f);
	put_word(f, W_IP4);
}

static unsigned few(unsigned most)
{
	return percent(60) ? 0 : percent(70) ? 1 + below(2) : below(most + 1);
}

static void put_frame(struct frame *f, int depth)
{
	unsigned kind = below(100);

	put_mac(f);
	put_mac(f);
	put_tags(f, few(CHAIN));
	if (kind < 45) {
		put16(f, ETH_P_IP);
		put_ip4(f, percent(75) ? 0 : below(11), depth);
	} else if (kind < 85) {
		put16(f, ETH_P_IPV6);
		put_ip6(f, few(CHAIN), depth);
	} else if (kind < 93) {
		put16(f, ETH_P_ARP);
		put_arp(f);
	} else {
		put16(f, rng());
		put_random(f, below(100));
	}
}

/* --- what is done to them */

static void mutate(struct frame *f)
{
	static const __u8 edge[] = { 0, 1, 0x7f, 0x80, 0xff, 0x45, 0x60, 4, 6, 17 };
	size_t at = below(f->len), n = 1 + below(16);

	switch (below(7)) {
	case 0:
		f->data[at] ^= 1 << below(8);
		break;
	case 1:
		f->data[at] = edge[below(sizeof(edge))];
		break;
	case 2:
		f->len = ETH_HLEN + below(f->len - ETH_HLEN + 1);
		break;
	case 3:
		put_random(f, n);
		break;
	case 4: /* take a piece out */
		if (at < ETH_HLEN || at + n >= f->len)
			break;
		memmove(f->data + at, f->data + at + n, f->len - at - n);
		f->len -= n;
		break;
	case 5: /* a piece twice */
		if (f->len + n > FRAME_MAX || at + n > f->len)
			break;
		memmove(f->data + at + n, f->data + at, f->len - at);
		f->len += n;
		break;
	case 6:
		f->data[at] = rng();
		break;
	}
}

static void cut(struct frame *f, size_t i)
{
	for (size_t c = 0;; c++) {
		size_t n = corpus[c].len - ETH_HLEN + 1;

		if (i < n) {
			*f = corpus[c];
			f->len = ETH_HLEN + i;
			return;
		}
		i -= n;
	}
}

static void flip(struct frame *f, size_t i)
{
	for (size_t c = 0;; c++) {
		if (i < 8 * corpus[c].len) {
			*f = corpus[c];
			f->data[i / 8] ^= 1 << (i & 7);
			return;
		}
		i -= 8 * corpus[c].len;
	}
}

/* A chain of each kind and each length, many times, because the rest is random. */
static void chain(struct frame *f, size_t i)
{
	unsigned n = i % (CHAIN + 1), kind = i / (CHAIN + 1) % 3;

	put_mac(f);
	put_mac(f);
	put_tags(f, kind == 0 ? n : below(3));
	put16(f, kind == 1 ? ETH_P_IP : ETH_P_IPV6);
	if (kind == 1)
		put_ip4(f, n % 11, 0);
	else
		put_ip6(f, kind == 2 ? n : 0, 0);
}

static void make_frame(struct frame *f, __u64 seed, __u64 number)
{
	size_t fixed = number / 2, chains = CHAINS * 3 * (CHAIN + 1);

	rng_state = seed * 0xd1342543de82ef95ULL + number;
	f->len = 0;
	if (!(number & 1) && fixed < cuts + chains + flips) {
		if (fixed < cuts)
			cut(f, fixed);
		else if (fixed < cuts + chains)
			chain(f, fixed - cuts);
		else
			flip(f, fixed - cuts - chains);
	} else if (percent(5)) {
		put_random(f, ETH_HLEN + below(200));
	} else {
		if (percent(30))
			*f = corpus[below(ncorpus)];
		else
			put_frame(f, 0);
		if (percent(85))
			set_sums(f->data, f->len);
		for (int n = percent(50) ? 0 : 1 + below(4); n; n--)
			mutate(f);
		if (percent(10))
			set_sums(f->data, f->len);
	}
}

#endif
