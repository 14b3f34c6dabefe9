/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rules.h - the compiler of rules: it reads policy rules (JSON), l2fwd's rules and conditions about
 * packets (words), and writes a batch for bpftool, or bytes. It opens only files named on its
 * command line, and does not use BPF. It writes to stdout, and errors to stderr, one per line:
 * FILE: WHERE: FIELD: what is wrong.
 */
#ifndef HOOKMAP_RULES_H
#define HOOKMAP_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "abi/policy.h"

#define RULES_NAME 16  /* bytes of an id, a next hop's or a device's name, with the 0 */
#define ANY	   255 /* prefix length: every address */

struct json_object;

/* What is compared: an IPv4 address is the first of the four words. All in host order. */
struct prefix {
	__u8 len; /* bits, or ANY */
	__u32 word[4];
};

struct ports {
	__u8 mode;  /* 0 any, 1 one port, 2 a range */
	__u8 layer; /* of the range, from 1 on */
	__u16 from, to;
	__u16 key; /* what a packet's port is compared with: the port, or the range's number */
};

struct rule {
	const struct source *file;
	__u32 index;  /* in its file, from 1 on */
	__u32 number; /* of all files */
	__u32 priority;
	bool named; /* the file gives the id */
	bool bad;   /* it has an error, which was printed */
	char id[RULES_NAME];

	/* what packets must have; -1: any */
	__u8 family; /* 4, 6, or 0 for both */
	struct prefix src, dst;
	struct ports port[2];		 /* source, destination */
	int proto, dscp, vlan, fragment; /* vlan 0: none */
	__u32 mark, mark_mask;
	const struct device *iif;

	/* what happens to them */
	enum pol_action action;
	__u32 arg;   /* as in struct pol_rule */
	__u32 flags; /* POL_R_FALLBACK_PASS, POL_R_MARK */
	__u32 set_mark;
	bool falls; /* the file gives the fallback */

	__u32 tuple;
};

struct device {
	char name[RULES_NAME];
	__u32 number;  /* in pol_iif: from 1 on, if a rule names it as iif */
	bool ethernet; /* or loopback: frames have that header */
	bool vrf;
	bool gone; /* the current rules name it, but it does not exist */
	char master[RULES_NAME], lower[RULES_NAME];
};

struct source {
	const char *name; /* for messages */
	char *text;
	size_t len;
};

struct hop {
	const struct source *file;
	const struct device *dev;
	struct pol_hop value;
};

/* The port ranges of a direction, in layers; ranges of a layer do not overlap. */
struct range {
	__u16 from, to;
	__u8 layer;
};

struct tuple {
	struct pol_tuple value;
	const struct rule *like; /* the first rule of it: what it compares */
};

struct set {
	struct pol_cfg cfg; /* the active one, with the limits of attach */
	__u32 gen;	    /* of the new set */
	bool strict;	    /* bypassing something is an error */
	size_t files;

	struct device *devices;
	struct alias {
		char *name;
		struct device *device;
	} * aliases;
	struct hop *hops;
	struct pol_group *groups;
	struct rule *rules; /* by priority, once they are sorted */
	struct range *ranges[2];
	struct tuple *tuples;
	size_t n_devices, n_aliases, n_hops, n_groups, n_rules, n_ranges[2], n_tuples, n_iifs;
	bool list_missing; /* missing devices are printed, but are not an error */
};

/* A limit set at attach; 0 there means the default. */
static inline __u32 limit(__u32 at_attach, __u32 otherwise)
{
	return at_attach ? at_attach : otherwise;
}

/* ARRAY with room for element N; ends the program if there is no memory. */
void *grow(void *array, size_t n, size_t size);
#define GROW(ARRAY, N) ((ARRAY) = grow(ARRAY, N, sizeof(*(ARRAY))))

/* Memory, all zero. */
void *zalloc(size_t n, size_t size);

/* --- errors.c */

extern unsigned int errors;
/* Prints what is wrong with FIELD of WHERE, in FILE; up to 20 errors. Returns false. */
bool wrong(const struct source *file, const char *where, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a rule, which it marks as bad. */
bool rule_wrong(struct rule *r, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "rule N (ID)" */
const char *rule_where(const struct rule *r);
/* A line that is not an error. */
void note(const char *file, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- match.c: text to values */

/* Returns 4, 6, or 0 if TEXT is neither a prefix nor an address. Bits behind it may be set. */
int prefix_read(const char *text, struct prefix *p);
/* A port or a range of ports: the first and the last. 0 if TEXT is neither, -1 if the first is
 * larger. */
int ports_read(const char *text, __u16 *range);
/* The mask of a word of a prefix, of which BITS are left. */
__u32 mask_word(int bits);
/* Fills in what a rule matches, and prints errors. NULL: the field is absent. */
bool match_prefix(struct rule *r, const char *field, const char *text, struct prefix *p);
bool match_ports(struct rule *r, const char *field, const char *text, struct ports *p);
bool match_proto(struct rule *r, const char *text);
bool match_dscp(struct rule *r, const char *text);
bool match_mark(struct rule *r, const char *text);
bool match_vlan(struct rule *r, const char *text);
bool match_fragment(struct rule *r, const char *text);
/* POL_M_*: the fields of struct rule in that word, and its mask. */
__u32 match_misc(const struct rule *r, __u32 *mask);
/* The rules and next hops, one per line, in a canonical form. */
void text_print(const struct set *s);

/* --- devices.c */

/* Devices as `ip -j link` prints them. */
bool read_links(struct set *s, const char *path);
/* Devices that may appear again, one name per line. */
void read_gone(struct set *s, const char *path);
/* Another name of a device, and what a file says about it */
void read_alias(struct set *s, const struct source *file, char *name, struct json_object *value);
/* The device of this name, or NULL */
struct device *device_find(const struct set *s, const char *name);
/* Prints that there is no such device; false if that is not an error. */
bool no_device(const struct set *s, const char *name);

/* --- file.c */

/* The text of a file, with a 0 at its end. */
bool read_text(struct source *file, const char *path);
bool read_file(struct set *s, struct source *file, const char *path);

/* --- read.c: JSON into a set */

/* A value, or a member of an object, as text; NULL if it is null or absent. The text lives as long
 * as the value. */
const char *value_text(struct json_object *value);
const char *member_text(struct json_object *object, const char *key);
/* All of a file */
void read_whole(struct set *s, const struct source *file, struct json_object *whole);
/* After the last file: sorts the rules, gives ids to those without. */
void read_done(struct set *s);

/* --- beside.c: what the rules bypass; see scripts/lib/policy_beside.sh */
void beside(struct set *s, const char *path);

/* --- tuples.c */

/* Port ranges get layers and numbers, rules their tuples. */
bool ranges_place(struct set *s);
bool tuples_make(struct set *s);
/* Prints which rules never apply, because earlier ones match all of their packets. */
void shadows(const struct set *s);

/* --- batch.c: the maps of a set, as commands of bpftool batch */
bool batch(struct set *s, unsigned int cpus, const char *maps, const char *pins);

#endif
