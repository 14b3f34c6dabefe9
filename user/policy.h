/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - what the parts of `hookmap policy` share: the rule set in force, read
 * from the pins at once.
 */
#ifndef HOOKMAP_USER_POLICY_H
#define HOOKMAP_USER_POLICY_H

#include <net/if.h>

#include "hookmap.h"

struct policy {
	struct pol_cfg cfg;
	struct pol_set set; /* all zero if nothing was loaded */
	__u32 slot;
	struct pol_stat stat;	 /* sum over the CPUs */
	struct pol_rule *rules;	 /* set.rules */
	struct pol_more *more;	 /* set.rules */
	struct pol_count *count; /* set.rules, sum over the stripes */
	/* the same by place, as the program finds them */
	struct pol_block *blocks;
	struct pol_block_more *mores;
	char (*iif)[IF_NAMESIZE]; /* by number: the input devices that rules name */
	__u32 iifs;		  /* highest number */
	struct pol_hop hop[POL_HOPS];
	struct pol_hop_state hop_state[POL_HOPS];
	struct pol_hop_count hop_count[POL_HOPS]; /* sum over the CPUs */
	__u64 now;				  /* CLOCK_MONOTONIC, ns */
};

/* policy_read.c: reads all of it, or with NEXT the set that the next load switches to; prints
 * errors. */
int policy_read(const struct options *opt, bool next, struct policy *p);
void policy_free(struct policy *p);

/* Opens what is in SLOT of the array of maps NAME. Returns the descriptor or -errno. */
int policy_inner(const struct options *opt, const char *name, __u32 slot);

/* N values of an array from FIRST on, into VALUES; of a per-CPU array their sums. 0 or -errno. */
int policy_range(const struct options *opt, const char *name, __u32 first, __u32 n, void *values);

/* The number of input device NAME in the rules, or 0. */
__u32 policy_iif(const struct policy *p, const char *name);

/* policy_find.c: looks a rule up as the program does */
struct policy_find;
struct policy_find *policy_find_new(const struct options *opt, const struct policy *p);
void policy_find_free(struct policy_find *f);
/* Tuple I of the family, by best rank. */
const struct pol_tuple *policy_find_tuple(const struct policy_find *f, int v6, __u32 i);
/* The rank of the rule that PACKET finds in tuple T, or POL_NO_RULE. */
__u32 policy_find(const struct policy_find *f, const struct policy *p, const struct pol_tuple *t,
		  const __u32 *packet, int v6);
/* Is every rule found where packets look for it? 0, or -errno, having printed which is not. */
int policy_verify(const struct options *opt, const struct policy *p);

/* policy_text.c: a rule in words, and as in a policy file */
#define POLICY_TEXT 512

void policy_match(struct policy *p, const struct pol_rule *r, char *buf, size_t size);
void policy_action(const struct options *opt, struct policy *p, const struct pol_rule *r, char *buf,
		   size_t size);
void policy_hop_state(const struct policy *p, __u32 hop, char *buf, size_t size);
/* As the member KEY, and one called as the next hop. */
void policy_rule_json(const struct options *opt, struct policy *p, const struct pol_rule *r,
		      const char *key);
void policy_hop_json(struct policy *p, __u32 hop);

/* policy_explain.c */
int policy_explain(const struct options *opt, struct policy *p, const char *packet);

#endif
