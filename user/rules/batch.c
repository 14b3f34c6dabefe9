// SPDX-License-Identifier: GPL-2.0-only
/*
 * batch.c - writes a set to the maps of abi/policy.h, as commands of bpftool batch. They fill the
 * inactive slot; the last command activates it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define COUNTERS_MAX (64 << 20) /* bytes; with more CPUs, several share a counter */

/* Where packets look for a rule. */
struct entry {
	__u32 rank;
	__u32 word[POL_WORDS];
	__u32 tuple, hash, mix;
};

/* --- commands */

static const char *maps, *pins;

static void bytes(const void *data, size_t n)
{
	static char text[256][16];

	if (!*text[0]) {
		for (int i = 0; i < 256; i++)
			snprintf(text[i], sizeof(text[i]), " %d", i);
	}
	for (size_t i = 0; i < n; i++)
		fputs(text[((const __u8 *)data)[i]], stdout);
}

#define BYTES(VALUE) bytes(&(VALUE), sizeof(VALUE))

static void update(const char *dir, const char *name, __u32 key, const void *value, size_t size)
{
	printf("map update pinned %s/%s key", dir, name);
	BYTES(key);
	printf(" value");
	bytes(value, size);
	printf("\n");
}

#define PUT(MAP, KEY, VALUE) update(maps, #MAP, KEY, &(VALUE), sizeof(VALUE))

static void inner_new(const char *name, const char *type, size_t key, size_t value, __u32 entries,
		      __u32 flags)
{
	printf("map create %s/%s type %s key %zu value %zu entries %u name %s flags %u\n", pins,
	       name, type, key, value, entries, name, flags);
}

static void inner_put(const char *name, __u32 slot)
{
	printf("map update pinned %s/%s key", maps, name);
	BYTES(slot);
	printf(" value pinned %s/%s\n", pins, name);
}

static void inner_delete(const char *name, __u32 slot)
{
	printf("map delete pinned %s/%s key", maps, name);
	BYTES(slot);
	printf("\n");
}

/* --- where a rule is found: see POL_HASH_MUL */

static struct entry entry_of(const struct rule *r, __u32 rank)
{
	static const __u32 mul[] = { POL_HASH_MUL };
	struct entry e = { .rank = rank, .tuple = r->tuple };
	__u32 mask;

	e.word[POL_W_SRC] = r->src.word[0];
	e.word[POL_W_DST] = r->dst.word[0];
	e.word[POL_W_PORTS] = (__u32)r->port[0].key << 16 | r->port[1].key;
	e.word[POL_W_MISC] = match_misc(r, &mask);
	e.word[POL_W_MARK] = r->mark;
	e.word[POL_W_IIF] = r->iif ? r->iif->number : 0;
	memcpy(e.word + POL_W_SRC6, r->src.word + 1, 12);
	memcpy(e.word + POL_W_DST6, r->dst.word + 1, 12);
	e.hash = e.tuple * mul[POL_WORDS];
	for (int i = 0; i < POL_WORDS; i++)
		e.hash += e.word[i] * mul[i];
	e.mix = e.hash * POL_MIX_LOW + (e.hash >> 16) * POL_MIX_HIGH;
	return e;
}

static int same_key(const struct entry *a, const struct entry *b)
{
	return a->tuple == b->tuple && !memcmp(a->word, b->word, sizeof(a->word));
}

static int by_mix(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->mix != y->mix)
		return x->mix < y->mix ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

/* The filter: about 16 bits per rule. Returns the shift. */
static __u32 write_filter(const struct entry *entries, size_t n, __u32 slot)
{
	static __u32 words[POL_FILTER_MAX][POL_FILTER_LEN];
	int bits = 7;

	while (bits < 16 && (2U << bits) < n)
		bits++;
	for (size_t i = 0; i < n; i++) {
		__u32 word = entries[i].hash >> (32 - bits), mix = entries[i].mix;

		words[word / POL_FILTER_LEN][word % POL_FILTER_LEN] |=
			1U << (mix & 31) | 1U << (mix >> 5 & 31) | 1U << (mix >> 10 & 31);
	}
	for (__u32 i = 0; i < (1U << bits) / POL_FILTER_LEN; i++)
		PUT(pol_filter, slot * POL_FILTER_MAX + i, words[i]);
	return 32 - bits;
}

/* What is at each place. */
struct places {
	__u32 n;
	__u32 *rank;  /* by place; POL_NO_RULE: nothing */
	__u32 *next;  /* by rank: place + 1 of another rule with the same hash */
	__u16 *shift; /* by bucket */
	int bits;     /* of the mix: its bucket */
};

static __u32 free_place(struct places *p, __u32 from)
{
	while (p->rank[from] != POL_NO_RULE)
		from++;
	return from;
}

/* A shift that maps the N keys of a bucket, whose hashes are all different, to free places. */
static bool place_bucket(struct places *p, __u32 bucket, const struct entry **key, size_t n)
{
	__u32 at[64];

	for (__u32 shift = 0; n <= 64 && shift < 65536; shift++) {
		size_t k = 0;

		for (; k < n; k++) {
			at[k] = (__u64)(__u32)(key[k]->mix * (2 * shift + 1)) * p->n >> 32;
			if (p->rank[at[k]] != POL_NO_RULE)
				break;
			p->rank[at[k]] = key[k]->rank;
		}
		if (k == n) {
			p->shift[bucket] = shift;
			return true;
		}
		while (k)
			p->rank[at[--k]] = POL_NO_RULE;
	}
	return false;
}

/*
 * The perfect hash: buckets of about 2 keys, the largest first ("hash, displace, and
 * compress", Belazzougui, Botelho, Dietzfelbinger, 2009). Among rules with the same key, packets
 * find the first; among different keys with the same hash, each leads to the next.
 */
static bool place_all(const struct set *s, struct entry *entries, size_t *n, struct places *p)
{
	const struct entry **key = zalloc(*n + 1, sizeof(*key));
	__u32 *first, *same = zalloc(*n + 1, sizeof(*same)), buckets, from = 0, n_same = 0;
	size_t n_keys = 0, most = 0, all = *n, asked = 0;
	bool *found = zalloc(all + 1, sizeof(*found));
	bool ok = true;

	p->n = all / 0.8;
	p->n++;
	/* also the places of the last block after the last rule */
	p->rank = zalloc(p->n + POL_BLOCK, sizeof(*p->rank));
	memset(p->rank, 0xff, (p->n + POL_BLOCK) * sizeof(*p->rank));
	p->next = zalloc(all + 1, sizeof(*p->next));
	qsort(entries, all, sizeof(*entries), by_mix);
	for (size_t i = 0; i < all; i++) {
		size_t j = asked, links = 0;

		/* those before it with the same hash */
		for (; j && entries[j - 1].mix == entries[i].mix; j--, links++) {
			if (same_key(&entries[j - 1], &entries[i]))
				break;
		}
		if (j && entries[j - 1].mix == entries[i].mix)
			continue;
		if (links >= POL_LINKS)
			ok = wrong(s->rules->file, "rules", "match",
				   "over %d rules have the same hash: this set cannot be loaded",
				   POL_LINKS);
		found[entries[i].rank] = true;
		entries[asked] = entries[i];
		if (links)
			same[n_same++] = asked;
		else
			key[n_keys++] = &entries[asked];
		asked++;
	}
	for (p->bits = 10; p->bits < 16 && (2U << p->bits) < asked; p->bits++)
		;
	buckets = 1U << p->bits;
	p->shift = zalloc(POL_SHIFT_LEN * POL_SHIFT_MAX, sizeof(*p->shift));
	/* keys are in the order of their buckets */
	first = zalloc(buckets + 1, sizeof(*first));
	for (size_t i = 0; i < n_keys; i++)
		first[(key[i]->mix >> (32 - p->bits)) + 1]++;
	for (__u32 b = 1; b <= buckets; b++) {
		most = first[b] > most ? first[b] : most;
		first[b] += first[b - 1];
	}
	for (; ok && most; most--) {
		for (__u32 b = 0; ok && b < buckets; b++) {
			if (first[b + 1] - first[b] == most &&
			    !place_bucket(p, b, key + first[b], most))
				ok = wrong(s->rules->file, "rules", "match",
					   "no perfect hash was found: this set cannot be loaded");
		}
	}
	for (__u32 i = 0; ok && i < n_same; i++) {
		const struct entry *e = &entries[same[i]], *before = e - 1;

		from = free_place(p, from);
		p->rank[from] = e->rank;
		p->next[before->rank] = from + 1;
	}
	/* the reader also shows rules that no packet finds */
	for (__u32 rank = 0; ok && rank < all; rank++) {
		if (found[rank])
			continue;
		from = free_place(p, from);
		p->rank[from] = rank;
	}
	*n = asked;
	free(first);
	free(same);
	free(key);
	free(found);
	return ok;
}

/* --- the maps */

static void write_rules(const struct set *s, const struct places *p)
{
	__u32 blocks = (p->n + POL_BLOCK - 1) / POL_BLOCK;

	for (int more = 0; more < 2; more++) {
		for (__u32 block = 0; block < blocks; block++) {
			struct pol_block rules = {};
			struct pol_block_more mores = {};

			for (int i = 0; i < POL_BLOCK; i++) {
				__u32 rank = p->rank[block * POL_BLOCK + i], mask;
				struct pol_rule *to = &rules.rule[i];
				struct pol_more *rest = &mores.rule[i];
				const struct rule *r = &s->rules[rank];
				struct entry e;

				to->rank = rank;
				if (rank == POL_NO_RULE)
					continue;
				e = entry_of(r, rank);
				memcpy(to->word, e.word, sizeof(to->word));
				to->tuple = r->tuple;
				to->next = p->next[rank];
				to->action = r->action;
				to->arg = r->arg;
				to->flags = r->flags | (r->port[0].mode ? POL_R_SPORT : 0) |
					    (r->port[1].mode ? POL_R_DPORT : 0) |
					    (r->mark_mask ? POL_R_MARKED : 0);
				to->mark = r->set_mark;
				to->priority = r->priority;
				to->sport[0] = r->port[0].from;
				to->sport[1] = r->port[0].to;
				to->dport[0] = r->port[1].from;
				to->dport[1] = r->port[1].to;
				memcpy(rest->word, e.word + POL_WORDS4, sizeof(rest->word));
				memcpy(rest->id, r->id, sizeof(rest->id));
				match_misc(r, &mask);
				rest->match_mask = r->mark_mask;
				rest->mmask = mask;
				rest->src_len = r->src.len;
				rest->dst_len = r->dst.len;
			}
			if (more)
				update(pins, "pol_more", block, &mores, sizeof(mores));
			else
				update(pins, "pol_rules", block, &rules, sizeof(rules));
		}
	}
}

/* The ports at which a range begins or ends cut all ports into pieces; each piece is written as
 * prefixes. Returns their number, and writes none without PRINT. */
static __u32 write_ports(const struct set *s, int dir, bool print)
{
	const struct range *range = s->ranges[dir];
	struct pol_port in = {};
	__u32 until[POL_LAYERS] = {}, written = 0, next;
	size_t j = 0;

	for (__u32 from = 0; from < 65536; from = next) {
		static const struct pol_port none;
		__u32 at = from, size;

		next = 65536;
		for (; j < s->n_ranges[dir] && range[j].from == from; j++) {
			in.range[range[j].layer - 1] = j + 1;
			until[range[j].layer - 1] = range[j].to + 1;
		}
		if (j < s->n_ranges[dir])
			next = range[j].from;
		for (int l = 0; l < POL_LAYERS; l++) {
			if (until[l] <= from)
				in.range[l] = 0;
			else if (until[l] < next)
				next = until[l];
		}
		for (; at < next && memcmp(&in, &none, sizeof(in)); at += size) {
			struct pol_port_key key = { .dir = dir, .port = htons(at) };

			/* the largest prefix that begins here and does not exceed the piece */
			size = at ? at & -at : 65536;
			while (at + size > next)
				size /= 2;
			key.bits = 16 + __builtin_clz(size) - 15;
			written++;
			if (!print)
				continue;
			printf("map update pinned %s/pol_port key", pins);
			BYTES(key);
			printf(" value");
			BYTES(in);
			printf("\n");
		}
	}
	return written;
}

static void write_iifs(const struct set *s)
{
	for (size_t i = 0; i < s->n_devices; i++) {
		struct pol_iif_key key = {};

		if (!s->devices[i].number)
			continue;
		memcpy(key.dev, s->devices[i].name, sizeof(key.dev));
		printf("map update pinned %s/pol_iif key", pins);
		BYTES(key);
		printf(" value");
		BYTES(s->devices[i].number);
		printf("\n");
	}
}

static void write_tuples(const struct set *s, __u32 slot, __u32 n[2])
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t i = 0; i < s->n_tuples; i++) {
			if (s->tuples[i].like->family != (v6 ? 4 : 6))
				PUT(pol_tuple, (slot * 2 + v6) * POL_TUPLES + n[v6]++,
				    s->tuples[i].value);
		}
	}
}

bool batch(struct set *s, unsigned int cpus, const char *maps_dir, const char *pins_dir)
{
	static const struct pol_hop_state no_state;
	static const struct pol_hop_count no_count;
	__u32 slot = s->gen % POL_SLOTS, blocks, ports, stripes = 1;
	static struct entry *entries;
	struct pol_set set = { .gen = s->gen, .rules = s->n_rules, .hops = s->n_hops };
	struct pol_cfg cfg = s->cfg;
	static struct places places;
	size_t n = s->n_rules;

	maps = maps_dir;
	entries = zalloc(s->n_rules + 1, sizeof(*entries));
	pins = pins_dir;
	for (__u32 i = 0; i < s->n_rules; i++)
		entries[i] = entry_of(&s->rules[i], i);
	if (!place_all(s, entries, &n, &places))
		return false;
	while (stripes < cpus)
		stripes *= 2;
	while (stripes > 1 && (__u64)places.n * stripes * sizeof(struct pol_count) > COUNTERS_MAX)
		stripes /= 2;
	blocks = (places.n + POL_BLOCK - 1) / POL_BLOCK;
	ports = write_ports(s, 0, false) + write_ports(s, 1, false);
	inner_new("pol_rules", "array", 4, sizeof(struct pol_block), blocks, POL_ALIGNED);
	inner_new("pol_more", "array", 4, sizeof(struct pol_block_more), blocks, POL_ALIGNED);
	inner_new("pol_count", "array", 4, sizeof(struct pol_count), places.n * stripes, POL_INNER);
	if (ports)
		inner_new("pol_port", "lpm_trie", sizeof(struct pol_port_key),
			  sizeof(struct pol_port), ports, 1 /* BPF_F_NO_PREALLOC */);
	if (s->n_iifs)
		inner_new("pol_iif", "hash", sizeof(struct pol_iif_key), sizeof(__u32), s->n_iifs,
			  0);
	for (__u32 i = 0; i < (1U << places.bits) / POL_SHIFT_LEN; i++)
		update(maps, "pol_shift", slot * POL_SHIFT_MAX + i,
		       places.shift + i * POL_SHIFT_LEN, POL_SHIFT_LEN * sizeof(*places.shift));
	write_rules(s, &places);
	write_ports(s, 0, true);
	write_ports(s, 1, true);
	write_iifs(s);
	write_tuples(s, slot, set.tuples);
	set.shift = write_filter(entries, n, slot);
	for (size_t i = 0; i < s->n_hops; i++) {
		PUT(pol_hop, slot * POL_HOPS + i, s->hops[i].value);
		PUT(pol_hop_state, slot * POL_HOPS + i, no_state);
		PUT(pol_hop_count, slot * POL_HOPS + i, no_count);
	}
	for (size_t i = 0; i < s->n_groups; i++)
		PUT(pol_group, slot * POL_HOPS + i, s->groups[i]);
	set.places = places.n;
	set.flags = (s->n_ranges[0] ? POL_S_SPORTS : 0) | (s->n_ranges[1] ? POL_S_DPORTS : 0) |
		    (stripes < cpus ? POL_S_SHARED : 0) | (s->n_iifs ? POL_S_IIF : 0);
	set.stripes = stripes - 1;
	set.buckets = 32 - places.bits;
	PUT(pol_set, slot, set);
	inner_put("pol_rules", slot);
	inner_put("pol_more", slot);
	inner_put("pol_count", slot);
	if (ports)
		inner_put("pol_port", slot);
	if (s->n_iifs)
		inner_put("pol_iif", slot);
	/* from here on the new set is active */
	cfg.gen = s->gen;
	PUT(pol_cfg, 0, cfg);
	/* an update of an array of maps waits until no packet uses the old set, which is then freed
	 */
	inner_put("pol_rules", slot);
	if (s->cfg.gen) {
		inner_delete("pol_rules", 1 - slot);
		inner_delete("pol_more", 1 - slot);
		inner_delete("pol_count", 1 - slot);
	}
	return true;
}
