// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_find.c - looks up a rule like the program at tc: through the filter, the shifts and the
 * places of the pinned maps. For --explain, and for --verify, which looks up every rule of a set
 * before policy.sh load activates it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "policy.h"

struct policy_find {
	__u32 filter[POL_FILTER_MAX][POL_FILTER_LEN];
	__u16 shift[POL_SHIFT_MAX][POL_SHIFT_LEN];
	struct pol_tuple tuple[2][POL_TUPLES]; /* IPv4, IPv6 */
	int ports;			       /* of ranges; -1: there are none */
};

void policy_find_free(struct policy_find *f)
{
	if (f && f->ports >= 0)
		close(f->ports);
	free(f);
}

struct policy_find *policy_find_new(const struct options *opt, const struct policy *p)
{
	struct policy_find *f = calloc(1, sizeof(*f));
	__u32 first = p->slot * 2 * POL_TUPLES;
	int err;

	if (!f)
		return NULL;
	f->ports = -1;
	err = policy_range(opt, "pol_filter", p->slot * POL_FILTER_MAX, POL_FILTER_MAX, f->filter);
	if (!err)
		err = policy_range(opt, "pol_shift", p->slot * POL_SHIFT_MAX, POL_SHIFT_MAX,
				   f->shift);
	for (int v6 = 0; v6 < 2 && !err; v6++)
		err = policy_range(opt, "pol_tuple", first + v6 * POL_TUPLES, p->set.tuples[v6],
				   f->tuple[v6]);
	if (!err && p->set.flags & (POL_S_SPORTS | POL_S_DPORTS)) {
		f->ports = policy_inner(opt, "pol_port", p->slot);
		err = f->ports < 0 ? f->ports : 0;
	}
	if (!err)
		return f;
	if (err != -EPROTO) /* which was said */
		fail("policy: the rules cannot be looked up: %s", strerror(-err));
	policy_find_free(f);
	return NULL;
}

const struct pol_tuple *policy_find_tuple(const struct policy_find *f, int v6, __u32 i)
{
	return &f->tuple[v6][i];
}

/* The numbers of the ranges that PORT is in, layer by layer. As pol_ranges in tc/policy.h. */
static void ranges(const struct policy_find *f, const struct policy *p, __u8 dir, __u16 port,
		   struct pol_port *out)
{
	struct pol_port_key key = { .bits = 32, .dir = dir, .port = htons(port) };

	if (!(p->set.flags & (dir ? POL_S_DPORTS : POL_S_SPORTS)) ||
	    bpf_map_lookup_elem(f->ports, &key, out))
		memset(out, 0, sizeof(*out));
}

/* PORT as a tuple compares it that has LAYER, or none. */
static __u16 port_as(const struct policy_find *f, const struct policy *p, __u8 dir, __u16 port,
		     __u8 layer)
{
	struct pol_port as;

	if (!layer)
		return port;
	ranges(f, p, dir, port, &as);
	return as.range[(layer - 1) % POL_LAYERS];
}

/* As pol_hash and pol_mix in tc/policy.h */
static __u32 hash(const __u32 *word, __u32 tuple, int v6)
{
	static const __u32 mul[] = { POL_HASH_MUL };
	__u32 sum = tuple * mul[POL_WORDS];

	for (int i = 0; i < (v6 ? POL_WORDS : POL_WORDS4); i++)
		sum += word[i] * mul[i];
	return sum;
}

static __u32 mix(__u32 h)
{
	return h * POL_MIX_LOW + (h >> 16) * POL_MIX_HIGH;
}

/* As pol_maybe in tc/policy.h */
static bool maybe(const struct policy_find *f, const struct policy *p, __u32 h)
{
	__u32 m = mix(h), bits = 1U << (m & 31) | 1U << (m >> 5 & 31) | 1U << (m >> 10 & 31);

	h >>= p->set.shift & 31;
	return (f->filter[h / POL_FILTER_LEN % POL_FILTER_MAX][h % POL_FILTER_LEN] & bits) == bits;
}

/* Is the key WORD that of the rule at PLACE? As pol_is in tc/policy.h */
static bool is(const struct policy *p, __u32 place, __u32 tuple, const __u32 *word)
{
	const struct pol_rule *r = &p->blocks[place / POL_BLOCK].rule[place % POL_BLOCK];
	const struct pol_more *m = &p->mores[place / POL_BLOCK].rule[place % POL_BLOCK];

	return r->tuple == tuple && !memcmp(r->word, word, sizeof(r->word)) &&
	       (!(word[POL_W_MISC] & POL_M_IP6) ||
		!memcmp(m->word, word + POL_WORDS4, sizeof(m->word)));
}

/* The rule of TUPLE with the key WORD, or POL_NO_RULE. As pol_find and pol_ask in
 * tc/policy.h. */
static __u32 ask(const struct policy_find *f, const struct policy *p, __u32 tuple,
		 const __u32 *word, int v6)
{
	__u32 h = hash(word, tuple, v6), m = mix(h), bucket = m >> (p->set.buckets & 31), place;

	if (p->set.tuples[v6] > 1 && !maybe(f, p, h))
		return POL_NO_RULE;
	m *= 2U * f->shift[bucket / POL_SHIFT_LEN % POL_SHIFT_MAX][bucket % POL_SHIFT_LEN] + 1;
	place = (__u64)m * p->set.places >> 32;
	for (int i = 0; i < POL_LINKS && p->blocks && place < p->set.places; i++) {
		const struct pol_rule *r = &p->blocks[place / POL_BLOCK].rule[place % POL_BLOCK];

		if (r->rank != POL_NO_RULE && is(p, place, tuple, word))
			return r->rank;
		if (!r->next)
			break;
		place = r->next - 1;
	}
	return POL_NO_RULE;
}

__u32 policy_find(const struct policy_find *f, const struct policy *p, const struct pol_tuple *t,
		  const __u32 *packet, int v6)
{
	__u32 word[POL_WORDS], ports = packet[POL_W_PORTS];

	for (int w = 0; w < POL_WORDS; w++)
		word[w] = packet[w] & t->mask[w];
	word[POL_W_PORTS] = ((__u32)port_as(f, p, 0, ports >> 16, t->slayer) << 16 |
			     port_as(f, p, 1, ports, t->dlayer)) &
			    t->mask[POL_W_PORTS];
	return ask(f, p, t->id, word, v6);
}

/* --- --verify */

/* A packet that R matches, with the first (LAST: the last) of its ports. */
static void packet_of(const struct policy *p, const struct pol_rule *r, bool last, __u32 *packet)
{
	memcpy(packet, r->word, sizeof(r->word));
	memcpy(packet + POL_WORDS4, p->more[r - p->rules].word, sizeof(p->more->word));
	packet[POL_W_PORTS] = (__u32)r->sport[last] << 16 | r->dport[last];
}

/* Do packets of this family reach R, or an earlier rule with the same match? */
static bool reached(const struct policy_find *f, const struct policy *p, const struct pol_rule *r,
		    int v6)
{
	const struct pol_tuple *t = NULL;
	__u32 packet[POL_WORDS], found, best = 0;

	/* by best rank: the program stops when no later tuple can be better */
	for (__u32 i = 0; i < p->set.tuples[v6] && !t; i++) {
		if (f->tuple[v6][i].best < best)
			return false;
		best = f->tuple[v6][i].best;
		if (f->tuple[v6][i].id == r->tuple)
			t = &f->tuple[v6][i];
	}
	if (!t || t->best > r->rank)
		return false;
	for (int last = 0; last < 2; last++) {
		packet_of(p, r, last, packet);
		found = policy_find(f, p, t, packet, v6);
		if (found > r->rank || memcmp(p->rules[found].word, r->word, sizeof(r->word)) ||
		    memcmp(p->more[found].word, p->more[r->rank].word, sizeof(p->more->word)))
			return false;
	}
	return true;
}

/* Everything that the program reads up to the action of R. */
static bool whole(const struct policy_find *f, const struct policy *p, __u32 rank)
{
	const struct pol_rule *r = &p->rules[rank];
	const __u32 *mask = NULL;

	if (r->rank != rank || (r->action == POL_REDIRECT && r->arg >= p->set.hops))
		return false;
	for (int v6 = 0; v6 < 2; v6++) {
		for (__u32 i = 0; i < p->set.tuples[v6]; i++) {
			if (f->tuple[v6][i].id == r->tuple)
				mask = f->tuple[v6][i].mask;
		}
	}
	if (!mask)
		return false;
	if (mask[POL_W_MISC] & POL_M_IP6)
		return reached(f, p, r, !!(r->word[POL_W_MISC] & POL_M_IP6));
	return reached(f, p, r, 0) && reached(f, p, r, 1);
}

int policy_verify(const struct options *opt, const struct policy *p)
{
	struct policy_find *f = policy_find_new(opt, p);
	int err = f ? 0 : -EIO;

	for (__u32 rank = 0; rank < p->set.rules && !err; rank++) {
		if (whole(f, p, rank))
			continue;
		fail("generation %u: rule %u (%.16s) is not where packets look for it", p->set.gen,
		     rank + 1, p->more[rank].id);
		err = -EBADMSG;
	}
	policy_find_free(f);
	return err;
}
