/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - from a packet to the rank of the rule that it matches. See
 * tc/README.md for the algorithm; abi.h for the maps.
 *
 * All of a rule set is under one slot, chosen by the generation that the program
 * reads once per packet: it never sees a load that is filling the other slot.
 */
#ifndef HOOKMAP_POLICY_H
#define HOOKMAP_POLICY_H

#include "maps.h"
#include "parse.h"
#include "skb.h"

#include <linux/if_packet.h>

HM_MAP(pol_cfg);
HM_MAP(pol_frag);
HM_MAP(pol_set);
HM_MAP(pol_stat);
HM_MAP(pol_tuple);
HM_MAP(pol_filter);
HM_MAP(pol_shift);
HM_MAP(pol_flow);
HM_INNER_pol_rules(HM_MAP_OF);
HM_INNER_pol_more(HM_MAP_OF);
HM_INNER_pol_count(HM_MAP_OF);
HM_INNER_pol_port(HM_MAP_OF);
HM_INNER_pol_iif(HM_MAP_OF);

/* The packet as the rules see it, and fields for routing. */
struct pol_pkt {
	__u32 word[POL_WORDS]; /* enum pol_word */
	__u64 hash;	       /* of all words */
	__u32 nh_off;	       /* of the IP header */
	__u32 head;	       /* length of the IPv4 header */
	__u32 len;	       /* from the IP header on */
	__u32 share;	       /* pol_share() */
	__u32 iif;	       /* pol_iif_number() */
	__u32 id;	       /* of the datagram, if it is a fragment */
	__u16 l4;	       /* offset of the L4 header, if not hidden */
	__be16 check;	       /* IPv4 header checksum */
	__u8 ttl;
	__u8 l4proto;
	__u8 l3;     /* no Ethernet header */
	__u8 all;    /* pulled: no more of it can be read */
	__u8 hidden; /* its L4 header cannot be seen */
	__u8 piece;  /* POL_P_* */
	__u8 pad[6];
};

#define POL_P_LATER 1 /* a fragment, not the first */
#define POL_P_MORE  2 /* a fragment, not the last */
#define POL_P_DF    4
#define POL_P_ALONE 8 /* LATER, and the first is unknown: see pol_frag */

/* The key of the search. */
struct pol_key {
	__u32 word[POL_WORDS];
	__u32 tuple;
	__u32 buckets, places; /* of pol_set */
	__u32 stripe;	       /* first counter of this CPU */
} __attribute__((aligned(8)));

/* The rule that was found; otherwise place is POL_NO_RULE or similar. */
struct pol_found {
	__u32 rank;
	__u32 place;
	__u32 action;
	__u32 arg;
	__u32 flags;
	__u32 mark;
};

/* The counters of a set have several copies, each for fewer CPUs. */
static __always_inline __u32 pol_stripe(const struct pol_set *set)
{
	return set->places * (bpf_get_smp_processor_id() & set->stripes);
}

/* Counts event I. The barrier keeps the compiler from testing another register than it uses,
 * as it may with instruction sets v1 and v2. */
static __always_inline void pol_event(__u64 *n, __u64 i, const __u64 max)
{
	asm volatile("" : "+r"(i));
	if (i < max)
		n[i]++;
}

/* The outermost VLAN tag: the kernel's own copy, else in the frame. One of VLAN 0 has a
 * priority only: to the stack the frame is untagged. */
static __always_inline __u32 pol_vlan(struct __sk_buff *skb, const struct cursor *c)
{
	struct ethhdr *eth = c->pos;
	struct parse_vlan *tag = (void *)(eth + 1);
	__u32 tci;

	if (skb->vlan_present)
		tci = skb->vlan_tci;
	else if ((void *)(tag + 1) <= c->end && (eth->h_proto == bpf_htons(ETH_P_8021Q) ||
						 eth->h_proto == bpf_htons(ETH_P_8021AD)))
		tci = bpf_ntohs(tag->tci);
	else
		return 0;
	return tci & 0xfff ? (tci & 0xfff) << 14 | POL_M_TAGGED : 0;
}

/* IPv4 addresses that are never routed. The stack drops invalid sources. */
static __always_inline int pol_special4(__u32 src, __u32 dst)
{
	return dst >> 28 == 0xe || !~dst || !dst || dst >> 24 == 127 || src >> 24 == 127 ||
	       src >> 28 == 0xe || !~src || !src || dst >> 16 == 0xa9fe || src >> 16 == 0xa9fe;
}

static __always_inline int pol_special6(const __u32 *w)
{
	const __u32 *s = &w[POL_W_SRC6], *d = &w[POL_W_DST6], src = w[POL_W_SRC],
		    dst = w[POL_W_DST];

	return dst >> 24 == 0xff || dst >> 22 == 0x3fa || src >> 22 == 0x3fa || src >> 24 == 0xff ||
	       !(dst | d[0] | d[1] | d[2] >> 1) || !(src | s[0] | s[1] | s[2] >> 1);
}

/* There are ROOM bytes from the IP header on. Packets of over 65 535 bytes, created by offloads
 * (BIG TCP), have length 0. */
static __always_inline int pol_parse4(struct pol_pkt *p, const struct cursor *c, struct iphdr *ip,
				      __u32 room, int gso)
{
	if ((void *)(ip + 1) > c->end)
		return POL_N_MALFORMED;
	p->len = bpf_ntohs(ip->tot_len);
	if (!p->len && gso)
		p->len = room;
	p->head = ip->ihl * 4;
	if (p->len < p->head || p->len > room)
		return POL_N_MALFORMED;
	if (ip->frag_off & bpf_htons(0x4000))
		p->piece |= POL_P_DF;
	p->word[POL_W_MISC] |= (__u32)(ip->tos & 0xfc) << 6;
	p->ttl = ip->ttl;
	p->check = ip->check;
	return POL_N_SEEN;
}

static __always_inline int pol_parse6(struct pol_pkt *p, const struct cursor *c, struct ipv6hdr *ip,
				      __u32 room, int gso)
{
	if ((void *)(ip + 1) > c->end)
		return POL_N_MALFORMED;
	p->len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	if (!ip->payload_len && gso)
		p->len = room;
	if (p->len > room)
		return POL_N_MALFORMED;
	p->word[POL_W_MISC] |= (__u32)(bpf_ntohs(*(__be16 *)ip) & 0x0fc0) << 2 | POL_M_IP6;
	p->ttl = ip->hop_limit;
	return POL_N_SEEN;
}

/* The datagram that P is a fragment of. */
static __always_inline void pol_frag_of(const struct pol_pkt *p, struct pol_frag_key *key)
{
	key->word[0] = p->word[POL_W_SRC];
	key->word[1] = p->word[POL_W_DST];
	for (int i = 0; i < 6; i++)
		key->word[2 + i] = p->word[POL_WORDS4 + i];
	key->id = p->id;
}

/* The protocol of a fragment with IPv6 extension headers after the fragment header: the first
 * fragment has them all, the others only have INSIDE. */
static __always_inline __u32 pol_frag_proto(struct pol_pkt *p, __u8 inside, __u32 proto)
{
	struct pol_frag_key key = { .proto = inside };
	__u32 *known;

	pol_frag_of(p, &key);
	if (p->piece & POL_P_LATER) {
		known = bpf_map_lookup_elem(&pol_frag, &key);
		if (known)
			return *known;
		p->piece |= POL_P_ALONE;
		return proto;
	}
	bpf_map_update_elem(&pol_frag, &key, &proto, BPF_ANY);
	return proto;
}

/* Parses what follows the header chain. A separate function, which the verifier checks once and
 * not once per path through the chain. NEXT: the L4 protocol, or -1. */
HM_FUNCTION int pol_parse_rest(struct __sk_buff *skb, struct pol_pkt *p, struct flow *f, int next)
{
	struct cursor c = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	void *ip = c.pos;
	int err;

	if (!p || !f)
		return POL_N_MALFORMED;
	ip += p->nh_off & 0xff;
	c.pos += p->l4 & 0x1fff;
	if (!f->family || (next < 0 && !p->all))
		return POL_N_MALFORMED;
	/* more IPv6 headers than are parsed, or too deep, or truncated */
	p->hidden = f->family == 6 && !f->fragment && (next < 0 || flow_is_extension(next));
	next = f->l4proto;
	p->piece = (f->fragment ? POL_P_LATER : 0) | (f->more ? POL_P_MORE : 0);
	if (f->family == 4)
		err = pol_parse4(p, &c, ip, skb->len - p->nh_off, skb->gso_size);
	else
		err = pol_parse6(p, &c, ip, skb->len - p->nh_off, skb->gso_size);
	if (err)
		return err;

	p->id = f->id;
	p->word[POL_W_PORTS] = 0;
	/* a router forwards packets truncated in the L4 header: rules apply to them as well */
	if (!p->hidden && !f->fragment && flow_has_ports(next) &&
	    c.pos + sizeof(struct parse_ports) > c.end) {
		if (!p->all)
			return POL_N_MALFORMED;
		p->hidden = 1;
	}
	if (p->hidden | f->fragment | f->more) {
		p->word[POL_W_MISC] |= POL_M_FRAGMENT;
	} else if (flow_has_ports(next)) {
		parse_l4(&c, f);
		p->word[POL_W_PORTS] = (__u32)bpf_ntohs(f->sport) << 16 | bpf_ntohs(f->dport);
		p->word[POL_W_MISC] |= POL_M_PORTS;
	}
	p->word[POL_W_SRC] = bpf_ntohl(f->src[0]);
	p->word[POL_W_DST] = bpf_ntohl(f->dst[0]);
	for (int i = 0; i < 3; i++) {
		p->word[POL_W_SRC6 + i] = bpf_ntohl(f->src[1 + i]);
		p->word[POL_W_DST6 + i] = bpf_ntohl(f->dst[1 + i]);
	}
	if (f->family == 6 && (f->fragment | f->more) && flow_is_extension(f->inside) && !p->hidden)
		next = pol_frag_proto(p, f->inside, next);
	p->l4proto = next;
	p->word[POL_W_MISC] |= next & 0xff;
	p->word[POL_W_MARK] = skb->mark;
	p->word[POL_W_IIF] = skb->ifindex; /* until the rules are checked */
	if (f->family == 4 ? pol_special4(p->word[POL_W_SRC], p->word[POL_W_DST])
			   : pol_special6(p->word))
		return POL_N_NOT_OURS;
	return POL_N_SEEN;
}

/* Fills P. Returns POL_N_SEEN, or why this is not a packet for the rules. */
HM_FUNCTION int pol_parse(struct __sk_buff *skb, struct pol_pkt *p)
{
	struct cursor c = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	int proto = skb->protocol, next;
	struct flow f = {};

	if (!p)
		return POL_N_MALFORMED;
	p->word[POL_W_MISC] = 0;
	if (!p->l3) {
		p->word[POL_W_MISC] = pol_vlan(skb, &c);
		proto = parse_eth(&c);
		if (proto < 0)
			return POL_N_MALFORMED;
	}
	if (proto != bpf_htons(ETH_P_IP) && proto != bpf_htons(ETH_P_IPV6))
		return POL_N_NOT_IP;
	p->nh_off = c.pos - (void *)(long)skb->data;
	next = parse_ip(&c, proto, &f);
	p->l4 = c.pos - (void *)(long)skb->data;
	return pol_parse_rest(skb, p, &f, next);
}

/* --- the flow cache: per CPU, two places per flow */

static __always_inline __u64 pol_flow_hash(const __u32 *w, int v6)
{
	__u64 h = w[POL_W_SRC] * 0x9e3779b97f4a7c15ULL + w[POL_W_DST] * 0xc2b2ae3d27d4eb4fULL +
		  w[POL_W_PORTS] * 0x165667b19e3779f9ULL + w[POL_W_MISC] * 0x85ebca77c2b2ae63ULL +
		  w[POL_W_MARK] * 0x27d4eb2f165667c5ULL + w[POL_W_IIF] * 0xd6e8feb86659fd93ULL;

	if (v6)
		h += w[6] * 0xff51afd7ed558ccdULL + w[7] * 0xc4ceb9fe1a85ec53ULL +
		     w[8] * 0xa0761d6478bd642fULL + w[9] * 0xe7037ed1a0b428dbULL +
		     w[10] * 0x8ebc6af09c88c6e3ULL + w[11] * 0x589965cc75374cc3ULL;
	h ^= h >> 32;
	return h * 0x9e3779b97f4a7c15ULL;
}

/* 6 words, 8 bytes aligned */
static __always_inline int pol_same(const void *x, const void *y)
{
	const __u64 *a = x, *b = y;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]));
}

/* The first words say the family. */
static __always_inline int pol_flow_is(const struct pol_flow *e, const struct pol_pkt *p, __u32 gen,
				       __u64 now)
{
	return e->gen == gen && e->until > now && pol_same(e->word, p->word) &&
	       (!(p->word[POL_W_MISC] & POL_M_IP6) || pol_same(e->word6, &p->word[POL_WORDS4]));
}

/* The entry of the packet, or in *FREE the one to use for it. */
static __always_inline struct pol_flow *pol_flow_get(const struct pol_pkt *p, __u32 gen, __u64 now,
						     struct pol_flow **free)
{
	__u32 index = p->hash >> 52 & (POL_FLOWS - 1);
	struct pol_flow *a = bpf_map_lookup_elem(&pol_flow, &index), *b;

	if (!a)
		return NULL;
	if (pol_flow_is(a, p, gen, now))
		return a;
	index ^= 1;
	b = bpf_map_lookup_elem(&pol_flow, &index);
	if (!b)
		return NULL;
	if (pol_flow_is(b, p, gen, now))
		return b;
	/* an old one, else either */
	if (a->gen != gen || a->until <= now)
		*free = a;
	else if (b->gen != gen || b->until <= now)
		*free = b;
	else
		*free = p->hash & 0x100 ? a : b;
	return NULL;
}

/* A packet in between (PREEMPT_RT) finds the old entry, none, or all of the new one. */
static __always_inline void pol_flow_put(struct pol_flow *e, const struct pol_pkt *p, __u32 gen,
					 __u64 until, const struct pol_found *d)
{
	e->until = 0;
	barrier();
	__builtin_memcpy(e->word, p->word, sizeof(e->word));
	if (p->word[POL_W_MISC] & POL_M_IP6)
		__builtin_memcpy(e->word6, &p->word[POL_WORDS4], sizeof(e->word6));
	e->place = d->place;
	e->action = d->action;
	e->arg = d->arg;
	e->flags = d->flags;
	e->mark = d->mark;
	e->gen = gen;
	barrier();
	e->until = until;
}

/* Copies E to D. False, with D unchanged, if another packet has taken the entry meanwhile
 * (PREEMPT_RT). */
static __always_inline int pol_flow_read(const struct pol_flow *e, const struct pol_pkt *p,
					 struct pol_found *d)
{
	struct pol_found was = *d;

	d->place = e->place;
	d->action = e->action;
	d->arg = e->arg;
	d->flags = e->flags;
	d->mark = e->mark;
	barrier();
	if (e->until && pol_same(e->word, p->word) &&
	    (!(p->word[POL_W_MISC] & POL_M_IP6) || pol_same(e->word6, &p->word[POL_WORDS4])))
		return 1;
	*d = was;
	return 0;
}

/* --- the rules: tuple space, by best rank, after a bit filter */

/* All values of a port that a tuple may compare: the port itself, and the number of its range
 * in each layer. No rule has range 0. */
struct pol_port_as {
	__u16 is[2 * POL_LAYERS];
};

static __always_inline void pol_ranges(__u32 slot, __u8 dir, __u16 port, int wanted,
				       struct pol_port_as *as)
{
	struct pol_port_key key = { .bits = 32, .dir = dir, .port = bpf_htons(port) };
	struct pol_port *found;
	void *trie;

	__builtin_memset(as, 0, sizeof(*as));
	as->is[0] = port;
	if (!wanted)
		return;
	trie = bpf_map_lookup_elem(&pol_port, &slot);
	if (!trie)
		return;
	found = bpf_map_lookup_elem(trie, &key);
	if (!found)
		return;
	for (int i = 0; i < POL_LAYERS; i++)
		as->is[1 + i] = found->range[i];
}

/* The rules' number of the input device. Rules refer to devices by name, so they apply again to
 * a device that is created again. */
HM_FUNCTION __u32 pol_iif_number(struct __sk_buff *skb, __u32 slot)
{
	struct net_device *dev = BPF_CORE_READ((struct sk_buff *)skb, dev);
	void *numbers = bpf_map_lookup_elem(&pol_iif, &slot);
	struct pol_iif_key key = {};
	__u32 *number;

	if (!numbers)
		return 0;
	bpf_core_read_str(key.dev, sizeof(key.dev), &dev->name);
	number = bpf_map_lookup_elem(numbers, &key);
	return number ? *number : 0;
}

static __always_inline __u32 pol_hash(const struct pol_key *key, int v6)
{
	const __u32 mul[] = { POL_HASH_MUL };
	const __u32 *w = key->word;
	__u32 hash = key->tuple * mul[POL_WORDS];

#pragma unroll
	for (int i = 0; i < POL_WORDS; i++) {
		if (v6 || i < POL_WORDS4)
			hash += w[i] * mul[i];
	}
	return hash;
}

static __always_inline __u32 pol_mix(__u32 hash)
{
	return hash * POL_MIX_LOW + (hash >> 16) * POL_MIX_HIGH;
}

/* Can there be such a rule? Three bits per rule, in a word chosen by the hash of its key. */
static __always_inline int pol_maybe(__u32 hash, __u32 slot, __u32 shift)
{
	__u32 mix = pol_mix(hash), bits, index, *words;

	bits = 1U << (mix & 31) | 1U << (mix >> 5 & 31) | 1U << (mix >> 10 & 31);
	hash >>= shift & 31;
	index = slot * POL_FILTER_MAX + (hash / POL_FILTER_LEN & (POL_FILTER_MAX - 1));
	words = bpf_map_lookup_elem(&pol_filter, &index);
	return words && (words[hash & (POL_FILTER_LEN - 1)] & bits) == bits;
}

/* Rules and counters may exceed the CPU cache: prefetches the counter, so that it arrives with
 * the rule. */
static __always_inline void pol_prefetch(__u32 slot, __u32 index)
{
	void *counts = bpf_map_lookup_elem(&pol_count, &slot);
	struct pol_count *count;

	if (!counts)
		return;
	count = bpf_map_lookup_elem(counts, &index);
	if (count)
		(void)*(volatile __u64 *)&count->packets;
}

/* Does this rule have the key? */
static __always_inline int pol_is(const struct pol_key *key, const struct pol_rule *rule,
				  __u32 slot, __u32 place)
{
	__u32 index = place / POL_BLOCK;
	struct pol_block_more *more;
	void *mores;

	if (rule->tuple != key->tuple || !pol_same(rule->word, key->word))
		return 0;
	/* the other words are 0 in an IPv4 packet and in all rules that it is compared with */
	if (!(key->word[POL_W_MISC] & POL_M_IP6))
		return 1;
	mores = bpf_map_lookup_elem(&pol_more, &slot);
	if (!mores)
		return 0;
	more = bpf_map_lookup_elem(mores, &index);
	return more && pol_same(more->rule[place & (POL_BLOCK - 1)].word, &key->word[POL_WORDS4]);
}

/* Stores the rule with this key in D if its rank is lower than D's. A separate function, which
 * the verifier checks once. */
HM_FUNCTION int pol_ask(const struct pol_key *key, __u32 slot, __u32 hash, struct pol_found *d)
{
	void *rules = bpf_map_lookup_elem(&pol_rules, &slot);
	__u32 mix = pol_mix(hash), bucket, index, place;
	struct pol_block *block;
	struct pol_rule *rule;
	__u16 *shifts;

	if (!key || !d || !rules)
		return 0;
	bucket = mix >> (key->buckets & 31);
	index = slot * POL_SHIFT_MAX + (bucket / POL_SHIFT_LEN & (POL_SHIFT_MAX - 1));
	shifts = bpf_map_lookup_elem(&pol_shift, &index);
	if (!shifts)
		return 0;
	mix *= 2U * shifts[bucket & (POL_SHIFT_LEN - 1)] + 1;
	place = (__u64)mix * key->places >> 32;
	for (int i = 0; i < POL_LINKS; i++) {
		pol_prefetch(slot, key->stripe + place);
		index = place / POL_BLOCK;
		block = bpf_map_lookup_elem(rules, &index);
		if (!block)
			break;
		rule = &block->rule[place & (POL_BLOCK - 1)];
		if (rule->rank < d->rank && pol_is(key, rule, slot, place)) {
			d->rank = rule->rank;
			d->place = place;
			d->action = rule->action;
			d->arg = rule->arg;
			d->flags = rule->flags;
			d->mark = rule->mark;
			break;
		}
		if (!rule->next)
			break;
		place = rule->next - 1;
	}
	return 0;
}

/* The matching rule with the lowest rank, in D; unchanged if there is none. */
static __always_inline void pol_find(const struct pol_pkt *p, __u32 slot, struct pol_found *d,
				     const int v6)
{
	struct pol_set *set = bpf_map_lookup_elem(&pol_set, &slot);
	struct pol_port_as sport, dport;
	struct pol_key key = {};
	__u32 n, shift;

	if (!set)
		return;
	n = set->tuples[v6];
	shift = set->shift;
	key.buckets = set->buckets;
	key.places = set->places;
	key.stripe = pol_stripe(set);
	pol_ranges(slot, 0, p->word[POL_W_PORTS] >> 16, set->flags & POL_S_SPORTS, &sport);
	pol_ranges(slot, 1, p->word[POL_W_PORTS], set->flags & POL_S_DPORTS, &dport);

	for (__u32 i = 0; i < POL_TUPLES && i < n; i++) {
		__u32 index = slot * 2 * POL_TUPLES + v6 * POL_TUPLES + i, ports, hash;
		struct pol_tuple *t = bpf_map_lookup_elem(&pol_tuple, &index);

		if (!t || t->best >= d->rank)
			break;
#pragma unroll
		for (int w = 0; w < POL_WORDS; w++) {
			if (v6 || w < POL_WORDS4)
				key.word[w] = p->word[w] & t->mask[w];
		}
		ports = (__u32)sport.is[t->slayer & (2 * POL_LAYERS - 1)] << 16 |
			dport.is[t->dlayer & (2 * POL_LAYERS - 1)];
		key.word[POL_W_PORTS] = ports & t->mask[POL_W_PORTS];
		key.word[POL_W_IIF] = p->iif & t->mask[POL_W_IIF];
		key.tuple = t->id;
		/* a key in registers would take more stack than a key on the stack */
		asm volatile("" : : "r"(&key) : "memory");
		hash = pol_hash(&key, v6);
		/* one tuple: the rule itself is as near as the filter */
		if (n == 1 || pol_maybe(hash, slot, shift))
			pol_ask(&key, slot, hash, d);
	}
}

/* Separate functions: inlined, both would not fit on the stack. */
HM_FUNCTION int pol_find4(const struct pol_pkt *p, __u32 slot, struct pol_found *d)
{
	if (p && d && slot < POL_SLOTS)
		pol_find(p, slot, d, 0);
	return 0;
}

HM_FUNCTION int pol_find6(const struct pol_pkt *p, __u32 slot, struct pol_found *d)
{
	if (p && d && slot < POL_SLOTS)
		pol_find(p, slot, d, 1);
	return 0;
}

static __always_inline void pol_find_any(const struct pol_pkt *p, __u32 slot, struct pol_found *d)
{
	if (p->word[POL_W_MISC] & POL_M_IP6)
		pol_find6(p, slot, d);
	else
		pol_find4(p, slot, d);
}

#endif
