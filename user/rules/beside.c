// SPDX-License-Identifier: GPL-2.0-only
/*
 * beside.c - what the rules go past: which of the facts that scripts/lib/policy_beside.sh
 * found (its head has their form) are about a rule, and what to do, a line for each kind.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "rules.h"

enum kind {
	SNAT,
	DNAT,
	FORWARD,
	MSS,
	XFRM,
	RPF,
	SETMARK,
	NOFORWARD,
	NODEFAULT,
	NOIPV6,
	SELF,
	SPOOF,
	VMARK,
	PORT,
	VRF,
	UNSEEN,
	NOROUTE,
	ENCAP,
	MTU,
	ALTER,
	TCBEHIND,
	IPRULE,
	NOASK6,
	ABOVE,
	ENCAPDEV,
	FLOWTABLE,
	CARRIES,
	IIF,
	ATTACHED,
	KINDS
};

static const char *const kinds[] = {
	"snat",	     "dnat",	  "forward", "mss",   "xfrm",	  "rpf",    "setmark", "noforward",
	"nodefault", "noipv6",	  "self",    "spoof", "vmark",	  "port",   "vrf",     "unseen",
	"noroute",   "encap",	  "mtu",     "alter", "tcbehind", "iprule", "noask6",  "above",
	"encapdev",  "flowtable", "carries", "",      "attached",
};

struct fact {
	enum kind kind;
	const char *tool, *dev, *indev, *text;
	int family;
	struct prefix src, dst;
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

/* Is DEV the device that WANTED names: "" any, "D+" what begins with D, "!..." all others? */
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

/* Does what is attached to no device of that name not see what comes in by INDEV? */
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

/* What the host sends itself comes to no rule. */
static bool about_self(const struct rule *r, const struct fact *f)
{
	return r->family && r->src.len == (r->family == 4 ? 32 : 128) && f->src.len != ANY &&
	       !memcmp(r->src.word, f->src.word, sizeof(f->src.word));
}

/* Does it match what the host sends as well as what others do? */
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

/* A rule whose device is none that policy is attached to. */
static bool no_packet(const struct facts *f, const struct rule *r)
{
	return r->iif && !comes_by(f, &(struct rule){}, r->iif->name);
}

/* What packets that might be meant come in by. */
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

/* What the first fact of its kind means. */
static void explain(const struct fact *f, char *text, size_t size)
{
	static const char mark[] = "; action mark and ip rule do";
	bool not = *f->dev == '!';

	switch (f->kind) {
	case SNAT:
		snprintf(text, size,
			 "goes past NAT: the source of what leaves %s%s%sis not rewritten (%s "
			 "%s)%s that",
			 !*f->dev ? ""
			 : not	  ? "not by "
				  : "by ",
			 f->dev + not, *f->dev ? " " : "", f->tool, f->text, mark);
		break;
	case DNAT:
		snprintf(text, size,
			 "goes past NAT: destinations are not rewritten, nor answers translated "
			 "back (%s %s)%s that",
			 f->tool, f->text, mark);
		break;
	case FORWARD:
		snprintf(text, size,
			 "goes past the firewall and conntrack: nothing is dropped there (%s %s)%s "
			 "not go past it, and rules with drop can come first",
			 f->tool, f->text, mark);
		break;
	case MSS:
		snprintf(text, size,
			 "goes past TCPMSS: the segment size is not clamped (%s %s)%s that",
			 f->tool, f->text, mark);
		break;
	case XFRM:
		snprintf(text, size,
			 "goes past IPsec: leaves in clear, and what is to be blocked is not (%s, "
			 "%s); pass for these in an earlier rule, or action mark and ip rule, do "
			 "that",
			 f->tool, f->text);
		break;
	case RPF:
		snprintf(text, size,
			 "rp_filter is 1 on %s, where the default route does not lead: answers "
			 "that come in there are dropped; sysctl -w net.ipv4.conf.%s.rp_filter=2 "
			 "(and all.rp_filter)",
			 f->dev, f->dev);
		break;
	case SETMARK:
		snprintf(text, size,
			 "%s %s sets marks after the rules have been asked: they do not see it, "
			 "and a mark that they set may be replaced; match what that matches, or "
			 "mark in netfilter alone",
			 f->tool, f->text);
		break;
	case NOFORWARD:
		snprintf(text, size,
			 "forwarding is off on %s: no rule is asked there; sysctl -w %s=1", f->dev,
			 f->text);
		break;
	case NODEFAULT:
		snprintf(text, size,
			 "there is no IPv%d default route: packets to where no route leads count "
			 "as this host's own, and pass; ip -%d route add unreachable default, or a "
			 "real one",
			 f->family, f->family);
		break;
	case NOIPV6:
		snprintf(text, size,
			 "this kernel has no IPv6 (ipv6.disable=1?): no rule is asked about its "
			 "packets");
		break;
	case SPOOF:
		snprintf(text, size,
			 "goes past rp_filter of %s: source addresses that are not behind it are "
			 "not dropped%s that, and rules with drop can come first",
			 f->dev, mark);
		break;
	case VMARK:
		snprintf(text, size,
			 "rp_filter is 1 on %s, and src_valid_mark: the way back is looked up with "
			 "the mark, and if it does not lead to %s, the packet is dropped; sysctl "
			 "-w net.ipv4.conf.%s.rp_filter=2, or src_valid_mark=0 (and all)",
			 f->dev, f->dev, f->dev);
		break;
	case PORT:
		snprintf(text, size,
			 "%s belongs to %s: rules see packets for its own MAC address, not those "
			 "for %s; attach.sh %s policy",
			 f->dev, f->text, f->text, f->text);
		break;
	case VRF:
		snprintf(text, size,
			 "%s is a VRF: packets come in by its devices; attach.sh DEV policy for "
			 "each of them",
			 f->dev);
		break;
	case UNSEEN:
		snprintf(text, size,
			 "%s took over 3 seconds: what rules go past there is not known", f->tool);
		break;
	case NOROUTE:
		snprintf(
			text, size,
			"table %s has no %sroute: its packets get the fallback; ip%s route add ... "
			"table %s",
			f->text,
			f->family == 4	 ? "IPv4 "
			: f->family == 6 ? "IPv6 "
					 : "",
			f->family == 6 ? " -6" : "", f->text);
		break;
	case ENCAP:
		snprintf(text, size,
			 "table %s has routes with encap, which no look-up of rules follows: "
			 "packets "
			 "for these get the fallback; action mark and ip rule follow them",
			 f->text);
		break;
	case MTU:
		snprintf(text, size,
			 "table %s has routes with an MTU that is not locked, which no look-up of "
			 "rules tells: that of the device counts; mtu lock N, or action mark and "
			 "ip rule",
			 f->text);
		break;
	case ALTER:
		snprintf(text, size,
			 "goes past netfilter: what it does there is not done (%s %s)%s", f->tool,
			 f->text, mark);
		break;
	case TCBEHIND:
		snprintf(text, size,
			 "goes past tc filters of %s that come after policy (%s); attach.sh %s "
			 "policy "
			 "--policy-pref N puts policy behind them",
			 f->dev, f->text, f->dev);
		break;
	case IPRULE:
		snprintf(
			text, size,
			"goes past ip rule: what that forbids is not (ip rule %s); rules with drop "
			"can come first",
			f->text);
		break;
	case NOASK6:
		snprintf(text, size,
			 "IPv6 forwarding is off on %s alone: the stack forwards its packets, and "
			 "no "
			 "rule is asked; sysctl -w %s=1",
			 f->dev, f->text);
		break;
	case ABOVE:
		snprintf(text, size,
			 "%s, on top of %s, has a MAC address of its own: packets to that come in "
			 "by "
			 "%s, and no rule is asked; attach.sh %s policy",
			 f->dev, f->text, f->dev, f->dev);
		break;
	case FLOWTABLE:
		snprintf(text, size,
			 "flowtable %s keeps the route that a flow had when it was taken in: for "
			 "flows that it has, and from packet to packet of one flow, the mark is "
			 "not looked at; nft delete flowtable %s, and make it again, after load",
			 f->text, f->text);
		break;
	case CARRIES:
		snprintf(text, size,
			 "%s carries only IPv%s and drops IPv%d packets; match dst %s here, and "
			 "send the others elsewhere by a rule of their own",
			 f->dev, f->text, f->family, f->family == 6 ? "0.0.0.0/0" : "::/0");
		break;
	default:
		snprintf(text, size,
			 "what this host sends itself comes to no rule; ip rule steers it");
	}
}

/* Routes that a next hop without a gateway would follow, and cannot. */
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

/* Gateways that are odd, and devices that are gone. */
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
			/* a rule without a match also takes them for its own */
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
			explain(fact, text, sizeof(text));
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
