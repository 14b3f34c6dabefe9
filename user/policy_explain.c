// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_explain.c - hookmap policy --explain 'src=A dst=B proto=P ...': the rule that a packet
 * would match, and why: each mask tuple searched, in order, and its result. It only uses the
 * pinned maps.
 *
 * JSON: {"rule": {as in a policy file} or null, "verdict": "...",
 *        "tuples": [{"compares", "finds"}]}
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include "out.h"
#include "policy.h"

struct packet {
	__u32 word[POL_WORDS];
	bool v6, sport, dport, src, dst, iif;
	__u8 addr[2][16];
};

static bool set_address(struct packet *k, int which, const char *text)
{
	__u32 word[4] = {};
	int family = parse_address(text, word);

	if (!family)
		return false;
	memcpy(k->addr[which], word, 16);
	k->word[which ? POL_W_DST : POL_W_SRC] = ntohl(word[0]);
	for (int i = 0; i < 3; i++)
		k->word[(which ? POL_W_DST6 : POL_W_SRC6) + i] = ntohl(word[1 + i]);
	if (((which ? k->src : k->dst)) && k->v6 != (family == 6))
		return false;
	k->v6 = family == 6;
	if (k->v6)
		k->word[POL_W_MISC] |= POL_M_IP6;
	*(which ? &k->dst : &k->src) = true;
	return true;
}

/* Is VALUE a number up to MAX? Puts it into WORD, SHIFT bits up. */
static bool set_number(__u32 *word, int shift, const char *value, __u32 max)
{
	__s64 n = parse_number(value, max);

	*word |= n < 0 ? 0 : (__u32)n << shift;
	return n >= 0;
}

static bool set_field(struct packet *k, struct policy *p, const char *field, const char *value)
{
	__u32 *misc = &k->word[POL_W_MISC];
	bool ok = true;

	if (!strcmp(field, "src"))
		return set_address(k, 0, value);
	if (!strcmp(field, "dst"))
		return set_address(k, 1, value);
	if (!strcmp(field, "proto")) {
		ok = proto_number(value) >= 0;
		*misc |= ok ? proto_number(value) : 0;
	} else if (!strcmp(field, "sport")) {
		ok = set_number(&k->word[POL_W_PORTS], 16, value, 65535);
		k->sport = true;
	} else if (!strcmp(field, "dport")) {
		ok = set_number(&k->word[POL_W_PORTS], 0, value, 65535);
		k->dport = true;
	} else if (!strcmp(field, "dscp")) {
		ok = dscp_number(value) >= 0;
		*misc |= ok ? dscp_number(value) << 8 : 0;
	} else if (!strcmp(field, "mark")) {
		ok = set_number(&k->word[POL_W_MARK], 0, value, ~0U);
	} else if (!strcmp(field, "iif")) {
		k->word[POL_W_IIF] = policy_iif(p, value);
		k->iif = true;
	} else if (!strcmp(field, "vlan")) {
		/* VLAN 0: a priority */
		if (strcmp(value, "none")) {
			ok = set_number(misc, 14, value, 4094);
			*misc |= *misc & POL_M_VID ? POL_M_TAGGED : 0;
		}
	} else if (!strcmp(field, "fragment")) {
		ok = !strcmp(value, "true") || !strcmp(value, "false");
		if (!strcmp(value, "true"))
			*misc |= POL_M_FRAGMENT;
	} else {
		ok = false;
	}
	return ok;
}

/* Was WORD among the N before it? */
static bool was_there(const char *const *had, int n, const char *word)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(had[i], word))
			return true;
	}
	return false;
}

static int parse(const char *text, struct policy *p, struct packet *k)
{
	char *copy = strdup(text), *save = NULL, *word, *value;
	const char *had[16]; /* there are 10 */
	__u32 proto;
	int n = 0;

	for (word = strtok_r(copy, " ,\t", &save); word; word = strtok_r(NULL, " ,\t", &save)) {
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		if (!value || !set_field(k, p, word, value)) {
			fail("--explain: %s=%s: not understood: fields are src dst proto sport "
			     "dport dscp mark iif vlan fragment, as in 'src=10.0.0.1 dst=10.1.0.1 "
			     "proto=tcp dport=80'",
			     word, value ? value : "");
			free(copy);
			return -EINVAL;
		}
		if (n == 16 || was_there(had, n, word)) {
			fail("--explain: %s= is given twice", word);
			free(copy);
			return -EINVAL;
		}
		had[n++] = word;
	}
	free(copy);
	if (!k->src || !k->dst) {
		fail("--explain: needs src= and dst=");
		return -EINVAL;
	}
	proto = k->word[POL_W_MISC] & POL_M_PROTO;
	if (!proto && (k->sport || k->dport)) {
		fail("--explain: ports need proto=");
		return -EINVAL;
	}
	if (!(k->word[POL_W_MISC] & POL_M_FRAGMENT) &&
	    (proto == 6 || proto == 17 || proto == 132 || proto == 136))
		k->word[POL_W_MISC] |= POL_M_PORTS;
	else
		k->word[POL_W_PORTS] = 0;
	return 0;
}

/* Packets that pass before the rules; NULL: none. As pol_special4 and 6 in tc/. */
static const char *special(const struct packet *k)
{
	const __u8 *s = k->addr[0], *d = k->addr[1];
	static const __u8 zero[16];

	if (k->v6) {
		if (d[0] == 0xff || s[0] == 0xff)
			return "multicast";
		if ((d[0] == 0xfe && d[1] >> 6 == 2) || (s[0] == 0xfe && s[1] >> 6 == 2))
			return "link-local";
		if (!memcmp(s, zero, 15) && s[15] < 2)
			return "loopback or unspecified";
		if (!memcmp(d, zero, 15) && d[15] < 2)
			return "loopback or unspecified";
		return NULL;
	}
	if (d[0] >> 4 == 14 || s[0] >> 4 == 14 || !memcmp(d, "\377\377\377\377", 4))
		return "multicast or broadcast";
	if (d[0] == 127 || s[0] == 127 || !memcmp(d, zero, 4))
		return "loopback or unspecified";
	if ((d[0] == 169 && d[1] == 254) || (s[0] == 169 && s[1] == 254))
		return "link-local";
	return NULL;
}

/* Of the mask of an address, whose other words are at REST. */
static int prefix_len(const __u32 *mask, int first, int rest)
{
	int n = __builtin_popcount(mask[first]);

	for (int i = 0; i < 3; i++)
		n += __builtin_popcount(mask[rest + i]);
	return n;
}

static void tuple_text(const struct pol_tuple *t, char *buf, size_t size)
{
	const __u32 *m = t->mask, misc = m[POL_W_MISC];
	int src = prefix_len(m, POL_W_SRC, POL_W_SRC6), dst = prefix_len(m, POL_W_DST, POL_W_DST6);
	size_t n = 0;

#define ADD(COND, ...)                                                                             \
	do {                                                                                       \
		if ((COND) && n < size)                                                            \
			n += snprintf(buf + n, size - n, __VA_ARGS__);                             \
	} while (0)
	*buf = 0;
	ADD(src, "src/%d ", src);
	ADD(dst, "dst/%d ", dst);
	ADD(misc & POL_M_IP6, "family ");
	ADD(misc & POL_M_PROTO, "proto ");
	ADD(m[POL_W_PORTS] >> 16, t->slayer ? "sport-range " : "sport ");
	ADD(m[POL_W_PORTS] & 0xffff, t->dlayer ? "dport-range " : "dport ");
	ADD(misc & POL_M_DSCP, "dscp ");
	ADD(m[POL_W_MARK], "mark/0x%x ", m[POL_W_MARK]);
	ADD(m[POL_W_IIF], "iif ");
	ADD(misc & POL_M_TAGGED, "vlan ");
	ADD(misc & POL_M_FRAGMENT, "fragment ");
#undef ADD
	if (n && n < size)
		buf[n - 1] = 0;
	else if (!n)
		snprintf(buf, size, "everything");
}

struct explain {
	struct policy *p;
	int err;
};

static void one_tuple(struct explain *e, const struct pol_tuple *t, __u32 rank)
{
	char text[128], finds[64] = "nothing";

	tuple_text(t, text, sizeof(text));
	if (rank < e->p->set.rules)
		snprintf(finds, sizeof(finds), "rule %.16s, priority %u", e->p->more[rank].id,
			 e->p->rules[rank].priority);
	json_open(NULL, '{');
	json_str("compares", text);
	json_str("finds", finds);
	json_close();
	if (!json_on())
		printf("  compares %-40s finds %s\n", text, finds);
}

static __u32 find(const struct options *opt, struct explain *e, const struct packet *k)
{
	struct policy_find *f = policy_find_new(opt, e->p);
	__u32 best = POL_NO_RULE, n = e->p->set.tuples[k->v6];

	e->err = f ? 0 : -EIO;
	for (__u32 i = 0; f && i < n; i++) {
		const struct pol_tuple *t = policy_find_tuple(f, k->v6, i);
		__u32 rank;

		if (t->best >= best) {
			if (!json_on())
				printf("  the other %u tuples only have later rules\n", n - i);
			break;
		}
		rank = policy_find(f, e->p, t, k->word, k->v6);
		one_tuple(e, t, rank);
		if (rank < best)
			best = rank;
	}
	policy_find_free(f);
	return best;
}

/* Why rules with iif were not checked, if so. */
static const char *iif_note(const struct policy *p, const struct packet *k)
{
	if (!p->iifs || k->word[POL_W_IIF])
		return "";
	return k->iif ? "; no rule names that device as its iif (is it an alias of the file's "
			"interfaces? give the device)"
		      : "; rules with iif were left out (give iif=DEV)";
}

static void verdict_of(const struct options *opt, struct policy *p, const char *passed, __u32 rank,
		       char *buf, size_t size)
{
	char match[POLICY_TEXT], action[POLICY_TEXT], state[32] = "";
	const struct pol_rule *r;
	int n;

	if (passed) {
		snprintf(buf, size, "passes before the rules: %s", passed);
		return;
	}
	if (!p->cfg.gen || rank >= p->set.rules) {
		snprintf(buf, size, "passes: %s",
			 p->cfg.gen ? "no rule matches" : "no rules are loaded");
		return;
	}
	r = &p->rules[rank];
	policy_match(p, r, match, sizeof(match));
	policy_action(opt, p, r, action, sizeof(action));
	if (r->action == POL_REDIRECT)
		policy_hop_state(p, r->arg % POL_HOPS, state, sizeof(state));
	n = snprintf(buf, size, "rule %.16s, priority %u (%s): %s", p->more[rank].id, r->priority,
		     match, action);
	if (*state && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - n, " (next hop: %s)", state);
}

int policy_explain(const struct options *opt, struct policy *p, const char *packet)
{
	struct explain e = { .p = p };
	char verdict[2 * POLICY_TEXT + 128], clean[sizeof(verdict)];
	__u32 rank = POL_NO_RULE;
	struct packet k = {};
	const char *passed;
	int err = parse(packet, p, &k);

	if (err)
		return err;
	passed = special(&k);
	json_open(NULL, '{');
	json_open("tuples", '[');
	if (!passed && p->cfg.gen)
		rank = find(opt, &e, &k);
	json_close();
	if (e.err)
		return e.err;
	verdict_of(opt, p, passed, rank, verdict, sizeof(verdict));
	if (json_on()) {
		if (rank < p->set.rules)
			policy_rule_json(opt, p, &p->rules[rank], "rule");
		else
			json_null("rule");
		json_str("verdict", verdict);
		json_close();
	} else {
		printf("%s%s\n", text_plain(verdict, clean, sizeof(clean)),
		       passed ? "" : iif_note(p, &k));
		if (rank < p->set.rules && p->rules[rank].action >= POL_REDIRECT)
			printf("(unless the destination is an address of this host)\n");
	}
	return 0;
}
