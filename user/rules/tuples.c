// SPDX-License-Identifier: GPL-2.0-only
/* tuples.c - port ranges in layers, mask tuples, and rules that never apply */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define WARNINGS_SHOWN 20

/* --- port ranges */

static int by_from(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->from != y->from ? x->from - y->from : x->to - y->to;
}

/* The distinct ranges of a direction, sorted by start, so that the number of layers is minimal;
 * ranges of a layer do not overlap. */
static bool ranges_of(struct set *s, int dir)
{
	const char *field = dir ? "dport" : "sport";
	struct range *range = NULL;
	int end[POL_LAYERS];
	size_t n = 0, all = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct ports *p = &s->rules[i].port[dir];

		if (p->mode != 2)
			continue;
		GROW(range, all);
		range[all++] = (struct range){ .from = p->from, .to = p->to };
	}
	if (!all)
		return true;
	qsort(range, all, sizeof(*range), by_from);
	for (size_t i = 0; i < all; i++) {
		if (!n || by_from(&range[n - 1], &range[i]))
			range[n++] = range[i];
	}
	if (n > 65535)
		return wrong(s->rules->file, "rules", field, "over 65535 different port ranges");
	memset(end, -1, sizeof(end));
	for (size_t i = 0; i < n; i++) {
		int l = 0;

		while (l < POL_LAYERS && end[l] >= range[i].from)
			l++;
		if (l == POL_LAYERS)
			return wrong(s->rules->file, "rules", field,
				     "over %d port ranges overlap at port %u", POL_LAYERS,
				     range[i].from);
		end[l] = range[i].to;
		range[i].layer = l + 1;
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		struct ports *p = &s->rules[i].port[dir];
		struct range key = { .from = p->from, .to = p->to }, *found;

		if (p->mode != 2)
			continue;
		found = bsearch(&key, range, n, sizeof(*range), by_from);
		p->layer = found->layer;
		p->key = found - range + 1;
	}
	s->ranges[dir] = range;
	s->n_ranges[dir] = n;
	return true;
}

bool ranges_place(struct set *s)
{
	return ranges_of(s, 0) && ranges_of(s, 1);
}

/* --- tuples */

/* What rules of one tuple have in common. */
static struct pol_tuple tuple_value(const struct rule *r)
{
	struct pol_tuple t = { .slayer = r->port[0].layer, .dlayer = r->port[1].layer };

	for (int i = 0; i < 4; i++) {
		static const int src[] = { POL_W_SRC, POL_W_SRC6, POL_W_SRC6 + 1, POL_W_SRC6 + 2 },
				 dst[] = { POL_W_DST, POL_W_DST6, POL_W_DST6 + 1, POL_W_DST6 + 2 };

		t.mask[src[i]] = r->src.len == ANY ? 0 : mask_word(r->src.len - 32 * i);
		t.mask[dst[i]] = r->dst.len == ANY ? 0 : mask_word(r->dst.len - 32 * i);
	}
	t.mask[POL_W_PORTS] = (r->port[0].mode ? 0xffff0000 : 0) | (r->port[1].mode ? 0xffff : 0);
	match_misc(r, &t.mask[POL_W_MISC]);
	t.mask[POL_W_MARK] = r->mark_mask;
	t.mask[POL_W_IIF] = r->iif ? ~0U : 0;
	return t;
}

/* Do A and B have the same tuple? Its number and best rank are not compared. */
static bool same_tuple(const struct pol_tuple *a, const struct rule *like,
		       const struct pol_tuple *b, const struct rule *r)
{
	return !memcmp(a->mask, b->mask, sizeof(a->mask)) && a->slayer == b->slayer &&
	       a->dlayer == b->dlayer && like->src.len == r->src.len &&
	       like->dst.len == r->dst.len && like->family == r->family &&
	       like->port[0].mode == r->port[0].mode && like->port[1].mode == r->port[1].mode;
}

bool tuples_make(struct set *s)
{
	__u32 max = limit(s->cfg.max_tuples, POL_TUPLES_DEF), n[2] = {}, rank = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		struct rule *r = &s->rules[i];
		struct pol_tuple value = tuple_value(r);

		while (r->tuple < s->n_tuples &&
		       !same_tuple(&s->tuples[r->tuple].value, s->tuples[r->tuple].like, &value, r))
			r->tuple++;
		if (r->tuple == s->n_tuples) {
			for (int v6 = 0; v6 < 2; v6++) {
				if (r->family != (v6 ? 4 : 6) && n[v6]++ >= max)
					return rule_wrong(
						r, "match",
						"needs another mask tuple for IPv%d, and %u is the "
						"limit set at attach (attach.sh --max-masks): use "
						"fewer kinds of matches",
						v6 ? 6 : 4, max);
			}
			value.best = rank;
			value.id = r->tuple;
			GROW(s->tuples, s->n_tuples);
			s->tuples[s->n_tuples++] = (struct tuple){ value, r };
		}
		rank++;
	}
	return true;
}

/* --- shadows: a rule is covered by an earlier one, of its own tuple or another */

/* The fields of a rule that a tuple compares. */
struct shade {
	__u32 tuple, src[4], dst[4], mark, iif;
	__u16 sport, dport;
	__s16 proto, dscp, vlan, fragment;
	const struct rule *first; /* not compared */
};

static int by_shade(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct shade, first));
}

/* Could a rule of tuple T match all packets of R? */
static bool covers(const struct rule *t, const struct rule *r)
{
	bool ports = r->port[0].mode || r->port[1].mode;

	if ((t->family && t->family != r->family) ||
	    (t->src.len != ANY && (r->src.len == ANY || r->src.len < t->src.len)) ||
	    (t->dst.len != ANY && (r->dst.len == ANY || r->dst.len < t->dst.len)))
		return false;
	for (int dir = 0; dir < 2; dir++) {
		if ((t->port[dir].mode == 1 && r->port[dir].mode != 1) ||
		    (t->port[dir].mode == 2 && !r->port[dir].mode))
			return false;
	}
	return !(t->proto >= 0 && r->proto < 0) && !(t->dscp >= 0 && r->dscp < 0) &&
	       !(t->iif && !r->iif) && !(t->mark_mask & ~r->mark_mask) &&
	       !(t->vlan > 0 && r->vlan <= 0) && !(t->vlan == 0 && r->vlan < 0) &&
	       !(t->fragment >= 0 && r->fragment < 0 && !ports);
}

/* The number of the range of LAYER that holds all ports of P; 0 if none does. */
static __u16 range_around(const struct set *s, int dir, __u8 layer, const struct ports *p)
{
	const struct range *range = s->ranges[dir];
	size_t low = 0, high = s->n_ranges[dir];

	/* the last that begins here or before; earlier ones of its layer end before it */
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (range[mid].from <= p->from)
			low = mid + 1;
		else
			high = mid;
	}
	while (low && range[low - 1].layer != layer)
		low--;
	return low && range[low - 1].to >= p->to ? low : 0;
}

static __u16 port_shade(const struct set *s, int dir, const struct ports *t, const struct ports *p)
{
	return !t->mode ? 0 : t->layer ? range_around(s, dir, t->layer, p) : p->key;
}

static struct shade shade_of(const struct set *s, __u32 tuple, const struct rule *r)
{
	const struct rule *t = s->tuples[tuple].like;
	struct shade shade;

	memset(&shade, 0, sizeof(shade));
	shade.tuple = tuple;
	for (int i = 0; i < 4; i++) {
		shade.src[i] =
			t->src.len == ANY ? 0 : r->src.word[i] & mask_word(t->src.len - 32 * i);
		shade.dst[i] =
			t->dst.len == ANY ? 0 : r->dst.word[i] & mask_word(t->dst.len - 32 * i);
	}
	shade.sport = port_shade(s, 0, &t->port[0], &r->port[0]);
	shade.dport = port_shade(s, 1, &t->port[1], &r->port[1]);
	shade.proto = t->proto >= 0 ? r->proto : 0;
	shade.dscp = t->dscp >= 0 ? r->dscp : 0;
	shade.mark = r->mark & t->mark_mask;
	shade.iif = t->iif ? r->iif->number : 0;
	shade.vlan = t->vlan < 0 ? 0 : t->vlan ? r->vlan : r->vlan > 0;
	shade.fragment = t->fragment < 0 ? 0 : r->port[0].mode || r->port[1].mode ? 0 : r->fragment;
	return shade;
}

void shadows(const struct set *s)
{
	static void *seen; /* until the end */
	unsigned int warnings = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule *r = &s->rules[i], *by = NULL;
		struct shade *mine = zalloc(1, sizeof(*mine)), **found;
		__u32 tuple = 0;

		for (; tuple < s->n_tuples && warnings <= WARNINGS_SHOWN; tuple++) {
			struct shade shade;

			if (s->tuples[tuple].like > r || !covers(s->tuples[tuple].like, r))
				continue;
			shade = shade_of(s, tuple, r);
			found = tfind(&shade, &seen, by_shade);
			if (found) {
				by = (*found)->first;
				break;
			}
		}
		if (by && ++warnings > WARNINGS_SHOWN)
			fprintf(stderr, "more rules never apply: these are the first %d\n",
				WARNINGS_SHOWN);
		else if (by)
			note(r->file->name, "%s: match: never applies: %s rule %u (%s)",
			     rule_where(r),
			     tuple == r->tuple ? "the same match as" : "is covered by", by->index,
			     by->id);
		*mine = shade_of(s, r->tuple, r);
		mine->first = r;
		found = tsearch(mine, &seen, by_shade);
		if (*found != mine)
			free(mine);
	}
}
