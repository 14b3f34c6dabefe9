/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - what the parts of `hookmap policy` share: the rule set in force, read
 * from the pins at once.
 */
#ifndef HOOKMAP_USER_POLICY_H
#define HOOKMAP_USER_POLICY_H

#include "hookmap.h"

struct json_object;

struct policy {
	struct names *names;
	__u8 nsid; /* of the namespace of the rules' devices; 0 = the reader's own */
	struct pol_cfg cfg;
	struct pol_set set; /* all zero if nothing was loaded */
	__u32 slot;
	struct pol_stat stat;	 /* sum over the CPUs */
	struct pol_rule *rules;	 /* set.rules */
	struct pol_more *more;	 /* set.rules */
	struct pol_count *count; /* set.rules, sum over the stripes */
	struct pol_hop hop[POL_HOPS];
	struct pol_hop_state hop_state[POL_HOPS];
	struct pol_hop_count hop_count[POL_HOPS]; /* sum over the CPUs */
	__u64 now;				  /* CLOCK_MONOTONIC, ns */
};

/* Reads all of it; prints why it could not. */
int policy_read(const struct options *opt, struct policy *p);
void policy_free(struct policy *p);

/* Opens what is in SLOT of the array of maps NAME. Returns the descriptor or -errno. */
int policy_inner(const struct options *opt, const char *name, __u32 slot);

/* policy_text.c: what a rule says, for people and as it is in a policy file */
#define POLICY_TEXT 512

/* NAME of an IP protocol, or its number, in BUF. */
const char *policy_proto(__u8 proto, char *buf, size_t size);
__u8 policy_proto_number(const char *name, bool *ok);
void policy_match(struct policy *p, const struct pol_rule *r, char *buf, size_t size);
void policy_action(const struct options *opt, struct policy *p, const struct pol_rule *r, char *buf,
		   size_t size);
void policy_hop_state(const struct policy *p, __u32 hop, char *buf, size_t size);
struct json_object *policy_rule_json(const struct options *opt, struct policy *p,
				     const struct pol_rule *r);
struct json_object *policy_hop_json(struct policy *p, __u32 hop);

/* policy_explain.c */
int policy_explain(const struct options *opt, struct policy *p);

#endif
