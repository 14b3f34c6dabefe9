// SPDX-License-Identifier: GPL-2.0-only
/*
 * beside.c - what the rules bypass: which facts found by scripts/lib/policy_beside.sh (its head
 * describes their format) concern a rule, and what to do; one line per kind.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "beside.h"

static const char *const kinds[] = {
	"snat",	     "dnat",	  "forward", "mss",   "xfrm",	  "rpf",    "setmark", "noforward",
	"nodefault", "noipv6",	  "self",    "spoof", "vmark",	  "port",   "vrf",     "unseen",
	"noroute",   "encap",	  "mtu",     "alter", "tcbehind", "iprule", "noask6",  "above",
	"encapdev",  "flowtable", "carries", "",      "attached",
};

struct lead {
	__u32 table;
	const char *dev;
};

struct facts {
	struct fact *fact;
	struct lead *lead; /* routes of tables */
	size_t n, n_leads;
};

static void read_facts(struct facts *f, const char *path)
{
	static struct source file;
	char *rest, *line, *field[9];

	if (!read_text(&file, path))
		return;
	for (rest = file.text; (line = strsep(&rest, "\n"));) {
		struct fact *fact;
		int n = 0;

		while (n < 9 && (field[n] = strsep(&line, "\t")))
			n++;
		if (n == 3 && !strcmp(field[0], "7")) {
			GROW(f->lead, f->n_leads);
			f->lead[f->n_leads++] =
				(struct lead){ strtoul(field[1], NULL, 10), field[2] };
		}
		if (n != 9)
			continue;
		GROW(f->fact, f->n);
		fact = &f->fact[f->n];
		*fact = (struct fact){ .tool = field[2],
				       .family = atoi(field[3]),
				       .dev = field[4],
				       .src.len = ANY,
				       .dst.len = ANY,
				       .indev = field[7],
				       .text = field[8] };
		prefix_read(field[5], &fact->src);
		prefix_read(field[6], &fact->dst);
		while (fact->kind < KINDS && strcmp(field[1], kinds[fact->kind]))
			fact->kind++;
		f->n += fact->kind < KINDS;
	}
}

/* Does WANTED match DEV: "" any, "D+" names that begin with D, "!..." all others? */
static bool is_device(const char *wanted, const char *dev)
{
	bool not = *wanted == '!';
	size_t len = strlen(wanted += not );

	if (len && wanted[len - 1] == '+')
		return !strncmp(wanted, dev, len - 1) != not ;
	return !strcmp(wanted, dev) != not ;
}

/* Does the rule send by DEV? */
static bool leaves_by(const struct set *s, const struct facts *f, const struct rule *r,
		      const char *dev)
{
	bool known = false, hit = false;

	if (!*dev)
		return true;
	if (r->action == POL_REDIRECT)
		return is_device(dev, s->hops[r->arg].dev->name);
	for (size_t i = 0; r->action == POL_ECMP && i < s->groups[r->arg].hops; i++) {
		known = true;
		hit |= is_device(dev, s->hops[s->groups[r->arg].hop[i]].dev->name);
	}
	for (size_t i = 0; r->action == POL_TABLE && i < f->n_leads; i++) {
		if (f->lead[i].table != r->arg)
			continue;
		known = true;
		hit |= is_device(dev, f->lead[i].dev);
	}
	return hit || !known;
}

/* Have two prefixes an address in common? */
static bool overlap(const struct prefix *a, const struct prefix *b)
{
	int least = a->len < b->len ? a->len : b->len;

	for (int i = 0; a->len != ANY && b->len != ANY && i < 4; i++) {
		if ((a->word[i] ^ b->word[i]) & mask_word(least - 32 * i))
			return false;
	}
	return true;
}

/* Can packets that R applies to come in by INDEV? */
static bool comes_by(const struct facts *f, const struct rule *r, const char *indev)
{
	bool attached = false;

	if (!*indev)
		return true;
	if (r->iif)
		return !strcmp(r->iif->name, indev);
	for (size_t i = 0; i < f->n; i++) {
		if (f->fact[i].kind != ATTACHED)
			continue;
		if (!strcmp(f->fact[i].dev, indev))
			return true;
		attached = true;
	}
	return !attached;
}

/* No rule applies to packets that the host sends. */
static bool about_self(const struct rule *r, const struct fact *f)
{
	return r->family && r->src.len == (r->family == 4 ? 32 : 128) && f->src.len != ANY &&
	       !memcmp(r->src.word, f->src.word, sizeof(f->src.word));
}

/* Does it match packets of this host and of others? */
static bool takes_all(const struct rule *r)
{
	__u32 mask;

	match_misc(r, &mask);
	return !mask && r->src.len == ANY && r->dst.len == ANY && !r->mark_mask && !r->iif;
}

static bool concerns(const struct set *s, const struct facts *all, const struct rule *r,
		     const struct fact *f)
{
	if (r->family && f->family && r->family != f->family)
		return false;
	switch (f->kind) {
	case NOFORWARD:
		return (!r->iif || !strcmp(r->iif->name, f->dev)) && (r->family || f->family == 4);
	case NOASK6:
		return r->family != 4 && (!r->iif || !strcmp(r->iif->name, f->dev));
	case ABOVE:
		return !r->iif || !strcmp(r->iif->name, f->text);
	case NODEFAULT:
		return (r->dst.len == ANY || !r->dst.len) && (r->family || f->family == 4);
	case NOIPV6:
		return r->family;
	case SETMARK:
		return r->mark_mask || r->flags & POL_R_MARK;
	case SELF:
		return r->action >= POL_REDIRECT && about_self(r, f);
	case SPOOF:
	case TCBEHIND:
		return r->action >= POL_REDIRECT && (!r->iif || !strcmp(r->iif->name, f->dev));
	case VMARK:
		return r->action < POL_REDIRECT && r->flags & POL_R_MARK &&
		       (!r->iif || !strcmp(r->iif->name, f->dev));
	case FLOWTABLE:
		return r->action < POL_REDIRECT && r->flags & POL_R_MARK &&
		       (!r->iif || !*f->dev || is_device(f->dev, r->iif->name));
	case PORT:
	case VRF:
		return !r->iif || !strcmp(r->iif->name, f->dev);
	case UNSEEN:
		return r->action >= POL_REDIRECT;
	case NOROUTE:
	case ENCAP:
	case MTU:
		return r->action == POL_TABLE && r->arg == strtoul(f->text, NULL, 10);
	case ENCAPDEV:
	case IIF:
	case ATTACHED:
		return false;
	default:
		return r->action >= POL_REDIRECT && leaves_by(s, all, r, f->dev) &&
		       comes_by(all, r, f->indev) && overlap(&r->src, &f->src) &&
		       overlap(&r->dst, &f->dst);
	}
}

/* A rule about a device that policy is not attached to. */
static bool no_packet(const struct facts *f, const struct rule *r)
{
	return r->iif && !comes_by(f, &(struct rule){}, r->iif->name);
}

/* Explains that policy is not attached to D, and by which devices its packets come in. */
static void explain_iif(const struct set *s, const struct device *d, char *text, size_t size)
{
	char others[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < s->n_devices && n < sizeof(others); i++) {
		if (!strcmp(s->devices[i].lower, d->name))
			n += snprintf(others + n, sizeof(others) - n, "%s %s",
				      n ? "" : ", of others on top of it by", s->devices[i].name);
	}
	snprintf(text, size,
		 "policy is not attached to %s: no packet comes in by it%s%s%s%s; attach.sh %s "
		 "policy, or name another device",
		 d->name, *d->master ? ", but by " : "", d->master,
		 *d->master ? ", which it belongs to" : "", others, d->name);
}

/* Routes that a next hop without a gateway should follow, but cannot. */
static void beside_hop_encap(const struct set *s, const struct facts *f, const struct hop *h)
{
	__u32 flags = h->value.flags;

	for (size_t i = 0; i < f->n; i++) {
		__u32 gateway = f->fact[i].family == 6 ? POL_H_GW6 : POL_H_GW4 | POL_H_GW6;

		if (f->fact[i].kind != ENCAPDEV || flags & (gateway | POL_H_L2) ||
		    strcmp(f->fact[i].dev, h->dev->name))
			continue;
		note(h->file->name,
		     "nexthop %s: dev: routes through %s have encap (MPLS, SRv6, tunnels), which "
		     "rules do not follow: packets for these %s; action mark and ip rule follow "
		     "them",
		     h->value.name, h->dev->name,
		     flags & POL_H_L3 ? "leave by it without" : "get the fallback");
		errors += s->strict;
		return;
	}
}

/* Unusual gateways, and devices that are gone. */
static void beside_hops(const struct set *s, const struct facts *f)
{
	for (size_t i = 0; i < s->n_hops; i++) {
		const struct hop *h = &s->hops[i];
		char via[INET6_ADDRSTRLEN] = "", self[INET6_ADDRSTRLEN];

		if (h->dev->gone)
			note(h->file->name,
			     "nexthop %s: dev: %s is gone: down until a device has this name",
			     h->value.name, h->dev->name);
		if (h->dev->vrf) {
			note(h->file->name,
			     "nexthop %s: dev: %s is a VRF, which sends nothing itself: its "
			     "packets get the fallback; name one of its devices, or action table",
			     h->value.name, h->dev->name);
			errors += s->strict;
		}
		beside_hop_encap(s, f, h);
		if (h->value.flags & POL_H_GW6 && h->value.gw6[0] == 0xfe &&
		    (h->value.gw6[1] & 0xc0) == 0x80) {
			inet_ntop(AF_INET6, h->value.gw6, via, sizeof(via));
			note(h->file->name,
			     "nexthop %s: via %s is link-local, which no look-up of the kernel "
			     "knows: it is never unreachable to rules; a global address of it is "
			     "watched",
			     h->value.name, via);
			errors += s->strict;
		}
		for (size_t k = 0; k < f->n; k++) {
			int family = f->fact[k].family == 6 ? 6 : 4;
			__u32 word[4];

			if (f->fact[k].kind == NOIPV6 && h->value.flags & POL_H_GW6) {
				note(h->file->name,
				     "nexthop %s: via6: this kernel has no IPv6: it is not used",
				     h->value.name);
				errors += s->strict;
			}
			if (f->fact[k].kind != SELF ||
			    !(h->value.flags & (family == 6 ? POL_H_GW6 : POL_H_GW4)))
				continue;
			memset(word, 0, sizeof(word));
			memcpy(word, family == 6 ? h->value.gw6 : h->value.gw4,
			       family == 6 ? 16 : 4);
			for (int n = 0; n < 4; n++)
				word[n] = ntohl(word[n]);
			if (memcmp(word, f->fact[k].src.word, sizeof(word)))
				continue;
			inet_ntop(family == 6 ? AF_INET6 : AF_INET,
				  family == 6 ? h->value.gw6 : h->value.gw4, self, sizeof(self));
			note(h->file->name,
			     "nexthop %s: via %s is an address of this host: no neighbour has it, "
			     "and what is sent there is lost",
			     h->value.name, self);
			errors += s->strict;
			break;
		}
	}
}

void beside(struct set *s, const char *path)
{
	static const struct fact self = { .kind = SELF, .dev = "" };
	static struct facts facts;

	read_facts(&facts, path);
	beside_hops(s, &facts);
	for (enum kind kind = 0; kind < ATTACHED; kind++) {
		const struct rule *first = NULL;
		const struct fact *fact = NULL;
		size_t hits = 0;
		char text[512], more[48] = ": ";

		for (size_t i = 0; i < s->n_rules; i++) {
			const struct rule *r = &s->rules[i];
			size_t k = 0;

			while (k < facts.n && (facts.fact[k].kind != kind ||
					       !concerns(s, &facts, r, &facts.fact[k])))
				k++;
			/* a rule without a match also matches these */
			if (k == facts.n &&
			    !(kind == SELF && r->action >= POL_REDIRECT && takes_all(r)) &&
			    !(kind == IIF && no_packet(&facts, r)))
				continue;
			if (!hits++) {
				first = r;
				fact = k < facts.n ? &facts.fact[k] : &self;
			}
		}
		if (!hits)
			continue;
		if (kind == IIF)
			explain_iif(s, first->iif, text, sizeof(text));
		else
			fact_text(fact, text, sizeof(text));
		if (hits > 1)
			snprintf(more, sizeof(more), " and %zu more: ", hits - 1);
		note(first->file->name, "%s%s%s: %s", rule_where(first), more,
		     kind == IIF			   ? "match.iif"
		     : kind == SETMARK && first->mark_mask ? "match.mark"
		     : kind == SETMARK			   ? "action"
		     : kind == NOIPV6			   ? "match"
							   : policy_actions[first->action],
		     text);
		errors += s->strict;
	}
}
