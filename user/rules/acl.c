// SPDX-License-Identifier: GPL-2.0-only
/*
 * acl.c - compiles the rules of a port of l2fwd to commands of bpftool batch: existing ones, as
 * bpftool prints them, and new ones in words ("PRIORITY permit|deny WORD...").
 */
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "condition.h"

/* From this number of rules on, l2_sieve first selects those that can match (measured: a rule
 * costs 5 ns, the sieve about 50) */
#define ACL_SIEVE 16

struct acl {
	struct l2_acl rule;
	bool had; /* the port already has it */
};

static struct acl *acls;
static size_t n_acls;

static bool rule_read(struct l2_acl *r, char **word, int n)
{
	__s64 priority = n ? parse_number(word[0], 65535) : -1;

	if (n < 2)
		return condition_wrong("expected PRIORITY permit|deny ...");
	if (priority < 0)
		return condition_wrong("priority %s: expected a number from 0 to 65535", word[0]);
	r->deny = !strcmp(word[1], "deny") || !strcmp(word[1], "drop");
	if (!r->deny && strcmp(word[1], "permit") && strcmp(word[1], "pass"))
		return condition_wrong("acl add %s %s: expected permit or deny", word[0], word[1]);
	r->priority = priority;
	return condition_read(&r->match, word + 2, n - 2, "");
}

/* A rule that the port has: its bytes in hexadecimal */
static bool bytes_read(struct l2_acl *r, char **word, int n)
{
	__u8 *to = (__u8 *)r;

	if (n != sizeof(*r))
		return false;
	for (int i = 0; i < n; i++)
		to[i] = strtoul(word[i], NULL, 16);
	return true;
}

static int add(char **word, int n)
{
	struct acl a = {};

	a.had = n > 0 && !strcmp(word[0], "hex");
	if (a.had ? !bytes_read(&a.rule, word + 1, n - 1) : !rule_read(&a.rule, word, n))
		return 2;
	for (size_t i = 0; i < n_acls; i++) {
		if (acls[i].rule.priority != a.rule.priority)
			continue;
		condition_wrong(acls[i].had ? "there is a rule of priority %u already: del it first"
					    : "priority %u already exists",
				a.rule.priority);
		return 1;
	}
	GROW(acls, n_acls)[n_acls] = a;
	n_acls++;
	return 0;
}

/* The rules of standard input, one per line */
static int read_lines(const char *file)
{
	static char where[512], *word[256];
	size_t size = 0, number = 0;
	char *line = NULL, *save;
	int err = 0, n;

	while (!err && getline(&line, &size, stdin) > 0) {
		number++;
		line[strcspn(line, "#\r\n")] = 0;
		n = 0;
		for (char *w = strtok_r(line, " \t", &save); w && n < 256;
		     w = strtok_r(NULL, " \t", &save))
			word[n++] = w;
		if (!n)
			continue;
		if (file) {
			snprintf(where, sizeof(where), "%s, line %zu: ", file, number);
			condition_at(where);
		}
		err = add(word, n);
	}
	free(line);
	condition_at("");
	/* an error in a file is not a usage error */
	return file && err ? 1 : err;
}

static int by_priority(const void *a, const void *b)
{
	const struct acl *x = a, *y = b;

	return (int)x->rule.priority - y->rule.priority;
}

static bool delete (long priority)
{
	for (size_t i = 0; i < n_acls; i++) {
		if (acls[i].rule.priority != priority)
			continue;
		memmove(acls + i, acls + i + 1, (--n_acls - i) * sizeof(*acls));
		return true;
	}
	return condition_wrong("there is no rule of priority %ld", priority);
}

/* A place for N rules beside those of all ports: USED is "AT N AT N ...". -1: there is none */
static long room(const char *used)
{
	struct {
		unsigned long at, n;
	} part[L2_PORTS];
	unsigned long at = 0;
	size_t n = 0;
	char *end;

	for (; n < L2_PORTS; used = end, n++) {
		part[n].at = strtoul(used, &end, 10);
		if (end == used)
			break;
		part[n].n = strtoul(end, &end, 10);
	}
	/* the first gap: no part overlaps it */
	for (size_t i = 0; i < n; i++) {
		if (part[i].n && at + n_acls > part[i].at && at < part[i].at + part[i].n) {
			at = part[i].at + part[i].n;
			i = -1;
		}
	}
	return at + n_acls <= L2_ACL_ENTRIES ? (long)at : -1;
}

/* --- l2_sieve: an entry selects the rules that have its prefix or a shorter one that contains it,
 * and rules without a prefix */

static const __u32 *side_addr(const struct match *m, int side)
{
	return side ? m->dst : m->src;
}

static const __u32 *side_mask(const struct match *m, int side)
{
	return side ? m->dst_mask : m->src_mask;
}

static int side_len(const struct match *m, int side)
{
	int len = 0;

	for (int i = 0; i < 4; i++)
		len += __builtin_popcount(side_mask(m, side)[i]);
	return len;
}

static bool covers(const struct match *rule, const struct match *m, int side)
{
	const __u32 *mask = side_mask(rule, side);

	if (!side_len(rule, side))
		return true;
	if (rule->family != m->family || side_len(rule, side) > side_len(m, side))
		return false;
	for (int i = 0; i < 4; i++) {
		if ((side_addr(rule, side)[i] ^ side_addr(m, side)[i]) & mask[i])
			return false;
	}
	return true;
}

static void sieve_entry(const char *maps, const struct match *m, int side, __u32 set)
{
	struct l2_sieve_key key = { .set = set, .side = side, .family = m->family };
	struct l2_sieve value = {};

	key.prefixlen = 32 + side_len(m, side);
	memcpy(key.addr, side_addr(m, side), sizeof(key.addr));
	for (size_t i = 0; i < n_acls; i++) {
		if (covers(&acls[i].rule.match, m, side))
			value.rules[i / 64] |= 1ULL << i % 64;
	}
	printf("map update pinned %s/l2_sieve key hex", maps);
	bytes_print(&key, sizeof(key));
	printf(" value hex");
	bytes_print(&value, sizeof(value));
	printf("\n");
}

/* The flags of the sides that have prefixes */
static int sieve(const char *maps, __u32 set, bool write)
{
	static const __u8 families[] = { 0, 4, 6 };
	int flags = 0;

	for (int side = 0; side < 2; side++) {
		bool used = false;

		for (size_t i = 0; i < n_acls; i++)
			used |= side_len(&acls[i].rule.match, side) > 0;
		if (!used)
			continue;
		flags |= side ? L2_ACL_DST : L2_ACL_SRC;
		for (size_t i = 0; write && i < sizeof(families); i++)
			sieve_entry(maps, &(struct match){ .family = families[i] }, side, set);
		for (size_t i = 0; write && i < n_acls; i++) {
			if (side_len(&acls[i].rule.match, side))
				sieve_entry(maps, &acls[i].rule.match, side, set);
		}
	}
	return flags;
}

int acl_main(int n, char **word, const struct acl_options *opt)
{
	int err = read_lines(opt->file), flags = 0;
	long at;

	if (!err && n)
		err = add(word, n);
	if (!err && opt->del >= 0 && !delete (opt->del))
		err = 1;
	if (err)
		return err;
	if (n_acls > L2_ACL_RULES)
		return !condition_wrong("a port has %d rules at most", L2_ACL_RULES);
	at = room(opt->used);
	if (at < 0)
		return !condition_wrong("there is no room for %zu rules: all ports together have "
					"%d at most, with room to change one",
					n_acls, L2_ACL_ENTRIES);
	if (n_acls)
		qsort(acls, n_acls, sizeof(*acls), by_priority);
	if (n_acls >= ACL_SIEVE)
		flags = sieve(opt->maps, at, false);
	printf("# %ld %zu\n", at, n_acls | flags);
	for (size_t i = 0; i < n_acls; i++) {
		printf("map update pinned %s/l2_acl key hex", opt->maps);
		bytes_print(&(__u32){ at + i }, sizeof(__u32));
		printf(" value hex");
		bytes_print(&acls[i].rule, sizeof(acls[i].rule));
		printf("\n");
	}
	if (flags)
		sieve(opt->maps, at, true);
	return fflush(stdout) ? !condition_wrong("the commands cannot be written") : 0;
}
