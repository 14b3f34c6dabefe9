/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hookmap.h - shared by the files of the reader. Functions return 0 or -errno unless they say
 * otherwise; the function that knows the object prints the message.
 */
#ifndef HOOKMAP_H
#define HOOKMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "abi.h"

enum output {
	OUT_TEXT,
	OUT_JSON,
	OUT_PROM,
	OUT_HGRM,
};

struct options {
	const char *bpffs; /* --bpffs, else HOOKMAP_BPFFS, else /sys/fs/bpf */
	enum output output;
	bool pretty;	     /* -p */
	bool help;	     /* -h */
	bool color;	     /* output has colours */
	double interval;     /* -i, seconds; 0 = once */
	unsigned long count; /* -c, 0 = no end */

	/* --prom: several verbs, or all that are attached */
	bool every;	  /* no verb was named */
	const char *save; /* --output: a file */
};

struct verb;

/* --- args.c: the command line. Fills OPT and VERB (with --prom, verbs are chosen); 0, an exit
 * code, or ARGS_DONE */
#define ARGS_DONE -1
int args_parse(int argc, char **argv, struct options *opt, const struct verb **verb);

/* front.c: becomes the script that ARGV[1] names; returns if it does not name one */
void front_exec(char **argv);
/* Replaces names of scripts in TEXT by their installed names. */
void front_text(char *text);

/* insns.c: the programs of LOOK, "ID,..." */
int insns_run(const struct options *opt, const char *look);
/* brief.c: without a verb */
int brief_run(const struct options *opt);

/* The stage in which packets take longest, by the median. COUNT is 0 if there is none. */
struct latency_worst {
	const char *from, *to;
	char device[64], netns[64];
	unsigned long long count, p50;
};
int latency_worst(const struct options *opt, struct latency_worst *worst);
/* holders.c: those that hold the network namespace INODE by a socket or a tun device */
void show_holders(const struct options *opt, __u64 inode);
/* status.c: attached devices; adds their number to N */
int status_devices(const struct options *opt, size_t *n);

/* Prints "hookmap: MESSAGE" to stderr; with -j, also an {"error": …} document. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program if the file system of PATH does not answer. */
void file_answers(const char *path);
/* Zeroed memory; ends the program if there is none. */
void *zalloc(size_t n, size_t size);

/* --- text.c: names that may be any bytes */

/* Length of the UTF-8 character at TEXT, of which LEN bytes are left; 0 if it is invalid. */
size_t utf8_len(const char *text, size_t len);
/* Is the character at TEXT, N bytes long, a control character? */
bool utf8_control(const char *text, size_t n);
/* Is it invisible: zero width, a line break, or a change of direction? */
bool utf8_hidden(const char *text, size_t n);
/* TEXT as UTF-8 without control characters, safe for a terminal: TEXT itself, or a copy in BUF
 * with "?" for other bytes. */
const char *text_plain(const char *text, char *buf, size_t size);
#define TEXT_MAX 1024
/* Ends a line with " on DEVICE in NETNS", if requested (NULL: not requested). */
void text_place(const char *device, const char *netns);

/* --- words.c: numbers, addresses, protocols and actions of policy, as people write them */

/* By enum pol_action. */
#define POL_ACTIONS (POL_ECMP + 1)
extern const char *const policy_actions[POL_ACTIONS];

/* Is WORD in WORDS, a list separated by blanks? */
bool one_of(const char *words, const char *word);
/* A decimal or 0x number up to MAX; -1 if TEXT is not a number. 010 is refused: some read it as
 * 8. */
__s64 parse_number(const char *text, __u32 max);
/* 4 or 16 bytes in network order. Returns 4, 6, or 0 if TEXT is not an address. */
int parse_address(const char *text, void *bytes);
/* By name or number; -1 if TEXT is neither. */
int proto_number(const char *text);
/* Likewise: EF, AF11 to AF43, CS0 to CS7, VA, LE, or 0 to 63. */
int dscp_number(const char *text);
/* Its name or number, until the next call. */
const char *proto_name(__u8 proto);
/* A condition in words; empty if every packet meets it. Returns BUF. */
char *condition_text(const struct match *m, char *buf, size_t size);

/* clock.c: sleeps despite signals, and without the limit of usleep() */
void wait_seconds(double seconds);
/* With -i: waits for the end of an interval; false after -c intervals. N: their number so far. */
bool next_interval(const struct options *opt, unsigned long *n);

/* Locks the events of FEATURE for one reader at a time. Returns a descriptor, to be closed, or -1,
 * having printed why. (events.c) */
int reader_lock(const struct options *opt, const char *feature);
ino_t pin_inode(const struct options *opt, const char *map);
int pin_same(const struct options *opt, const char *feature, const char *map, ino_t pin);

/* --- pins.c: pinned maps */

struct pin {
	const char *name;
	__u32 type; /* enum bpf_map_type */
	__u32 key_size;
	__u32 value_size;
	__u32 entries; /* 0: any number */
};

extern const struct pin hookmap_pins[];
extern const size_t hookmap_pins_len;

/* Path of map NAME below OPT's bpffs, in BUF. Returns BUF. */
char *pin_path(const struct options *opt, const char *name, char *buf, size_t size);

/* Opens the pin PATH with FLAGS (BPF_F_RDONLY). Exits, having printed why, if it lies in a
 * directory of another user: whatever is there would be shown as ours. */
int pin_get(const struct options *opt, const char *path, __u32 flags);

/* Opens the pin of map NAME read-only and checks its shape. Returns the file
 * descriptor or -errno, having printed why (-ENOENT: printed only if REQUIRED). */
int pin_open(const struct options *opt, const char *name, bool required);
/* Was it attached? The pin exists, even if we may not read it. */
bool pin_there(const struct options *opt, const char *name);

/* Calls EACH with every key and value of the hash map FD (for a per-CPU map:
 * the values of all possible CPUs, 8-byte aligned). EACH returns 0 or -errno. */
int pin_each(int fd, const struct pin *pin,
	     int (*each)(const void *key, const void *value, void *arg), void *arg);

/* The same for map NAME, which is empty if it does not exist and is not REQUIRED; G (or NULL) is
 * its generation. Prints errors. */
struct generation;
int pin_read(const struct options *opt, const char *name, bool required, struct generation *g,
	     int (*each)(const void *key, const void *value, void *arg), void *arg);

/* Reads the one value of the array NAME into VALUE, which is all zero; for a per-CPU map, whose
 * value consists of __u64, the sum. Returns 0 or -errno, and prints why; for a missing map, only
 * if it is REQUIRED. */
int pin_value(const struct options *opt, const char *name, bool required, void *value);

/* Prints why the pin PATH could not be opened, ERR being -errno. */
void pin_fail(const char *path, int err);

struct bpf_map_info;

/* INFO of the pin PATH, open as FD; prints why not. */
int pin_info(int fd, const char *path, struct bpf_map_info *info);

/* Describes how the map's shape differs from the expected one, or NULL. */
const char *pin_differs(const struct pin *pin, const struct bpf_map_info *info);

/* status.c: bytes that the kernel accounts to the map FD, from its fdinfo. */
__u64 map_memory(int fd);

const struct pin *pin_find(const char *name);

/* pins.c: what the kernel knows of program ID, in PROG, which may ask for lists and is zero
 * otherwise. 0 or -errno. */
struct bpf_prog_info;
int program_info(__u32 id, struct bpf_prog_info *prog);
/* How often the kernel skipped a pinned program of FEATURE, because it was already running on that
 * CPU. */
__u64 programs_missed(const struct options *opt, const char *feature);
/* Prints since when FEATURE counts, if that is known. */
void programs_since(const struct options *opt, const char *feature);

/* Size of one value as user space sees it: times CPUs for a per-CPU map. */
size_t pin_value_size(const struct pin *pin);

/* owner.c: the container, machine or unit of the process, by its cgroup, in BUF */
bool owner_name(int pid, char *buf, size_t size);

/* netlink.c: requests a list in our network namespace, and calls EACH for its messages of TYPE
 * until it does not return 0. True if the list was complete. */
struct nlmsghdr;
bool netlink_dump(struct nlmsghdr *ask, __u16 type, int (*each)(void *arg, struct nlmsghdr *msg),
		  void *arg);
/* Is it the filter: program ID with this classid? */
typedef bool filter_is(__u32 id, __u32 class, const void *arg);
struct filter_look {
	__u32 ifindex;
	filter_is *is;
	const void *arg;
	__u32 pref; /* of the last such filter at tc ingress; 0: there is none */
};
/* The same for filters; LOOK is a struct filter_look. */
void filter_look(void *look);

/* --- names.c: network namespaces and devices */

struct names;

struct names *names_new(const struct options *opt);
void names_free(struct names *n);

/* The cookie of the reader's own namespace, which the kernel never reuses; 0 before 5.14.
 * Returns 0 or -errno. */
int names_cookie(__u64 *cookie);

/* Its name as that of names_space(), else that at attach, else the inode. */
const char *names_netns(struct names *n, __u8 nsid);

/* The device's name now, else that at attach, else "if<number>". If another device has the ifindex
 * of one that has vanished, it is the name at attach. */
const char *names_device(struct names *n, __u8 nsid, __u32 ifindex);
/* The name at attach, else "if<number>": if another device may have its ifindex. */
const char *names_device_was(struct names *n, __u8 nsid, __u32 ifindex);

/* The name of a namespace that was seen, not attached: INODE, if it has this COOKIE (0: not known,
 * the inode must do). In this order: its name in /run/netns; "host" for the reader's own; its owner
 * (owner.c); the remembered name; PROCESS:INODE, by the oldest process there; INODE, or
 * INODE#COOKIE if it is not found. */
const char *names_space(struct names *n, __u64 cookie, __u64 inode);
const char *names_netns_inode(struct names *n, __u64 inode);

/* The device's name now, if it is the one with the number NODE in sysfs (0: not known, the
 * ifindex must do); else the one that is remembered, else NULL. */
const char *names_device_in(struct names *n, __u64 cookie, __u64 inode, __u32 ifindex, __u32 node);
/* The next device after the first *I that is above IFINDEX (its master, a VLAN or macvlan on
 * it) and is not EXCEPT, or NULL. */
const char *names_above(struct names *n, __u64 inode, __u32 ifindex, __u32 except, size_t *i);

/* The namespace, or the device IFINDEX (if it is not 0) with NODE in it, no longer exists. */
bool names_gone(struct names *n, __u64 cookie, __u64 inode, __u32 ifindex, __u32 node);

/* Saves the names that were found, for use when the namespaces no longer exist. */
void names_keep(struct names *n, const struct options *opt);

/* The number of processes whose namespace was not read, because there are too many. */
__u64 names_unasked(const struct names *n);

/* The name in /run/netns of the namespace, or NULL; OWN: it is the reader's own. */
const char *names_run(struct names *n, __u8 nsid, bool *own);
/* Calls LOOK in the namespace, if it may be entered. */
void names_in(struct names *n, __u8 nsid, void (*look)(void *arg), void *arg);
/* The preference of the last such filter at tc ingress of the device of NSID; 0: there is none. */
__u32 filter_pref(struct names *n, __u8 nsid, __u32 ifindex, filter_is *is, const void *arg);
/* The device, or its namespace, no longer exists. */
bool names_left(struct names *n, __u8 nsid, __u32 ifindex);

/* The position of the device in the order of attaching; UINT32_MAX if it is not attached. */
__u32 names_order(struct names *n, __u8 nsid, __u32 ifindex);

/* HM_FEAT_*, 0 if no feature has that name */
__u32 feature_bit(const char *feature);

/* FEATURE has no data of DEVICE in NETNS (NULL: any). 0 if both exist, and FEATURE is not attached
 * to other devices only; else -errno, having printed which is missing. */
int names_asked(const struct options *opt, const char *feature, const char *device,
		const char *netns);

/* --- reach.c: do packets reach tc? */

struct reach;

/* A feature's program at tc of a device. */
struct reach_row {
	const char *feature;
	__u64 before;  /* packets that XDP has passed on; 0 if unknown */
	__u64 packets; /* of these, and before XDP was there, at tc */
	int reached;   /* 1 yes, 0 no, -1 unknown: no packet has arrived */
};

struct reach *reach_new(const struct options *opt);
void reach_free(struct reach *r);
/* Is a program of ours loaded on any device? */
bool reach_any(const struct reach *r);
/* Calls EACH for every such program; returns the number that packets do not reach. */
int reach_device(const struct reach *r, const struct hm_dev_key *key, const struct hm_dev *dev,
		 void (*each)(const struct reach_row *row, void *arg), void *arg);
/* Adds hookmap_stage_reached. 0 or -errno. */
int reach_prom(const struct options *opt);

/* --- counters.c: growth of counters */

/* The generation of counters. Counters start at 0 with each boot and each map, so counts of
 * another generation are not part of this one. 0: none. */
struct generation {
	char boot[37]; /* boot_id */
	__u32 map;     /* id */
};

int generation_get(int map_fd, struct generation *g);
bool generation_same(const struct generation *a, const struct generation *b);

/* The growth of a counter since OLD. SAME: it is of the same generation. Counters only grow, so a
 * smaller one has restarted. */
__u64 counter_growth(bool same, __u64 now, __u64 old);
/* The same for N of them, in place. */
void counters_growth(bool same, __u64 *now, const __u64 *old, size_t n);

/* MANY minus FEW, at least 0: they are read one after the other, so FEW may be ahead. */
__u64 counter_rest(__u64 many, __u64 few);

/* The kernel's CLOCK, as the programs read it: not moved by a time namespace. */
__u64 clock_ns(clockid_t clock);

/* --- reasons.c */

/* What the running kernel calls a drop reason. Valid until the next call. */
const char *reason_name(__u32 reason);

/* --- hist.c: histograms, see abi.h */

#define HIST_BUCKETS (LAT_OCTAVES * LAT_SUB)

struct hist {
	__u64 count;
	__u64 sum; /* ns */
	__u64 min; /* ns; 0 if empty */
	__u64 max; /* ns */
	__u64 bucket[HIST_BUCKETS];
};

/* Adds the row of OCTAVE of one CPU. */
void hist_add(struct hist *h, unsigned octave, const struct lat_row *row);

/* Adds OTHER. */
void hist_merge(struct hist *h, const struct hist *other);

/* Subtracts OLD of the same generation. min and max become bucket bounds. */
void hist_growth(bool same, struct hist *h, const struct hist *old);

/* Inclusive upper bound of bucket I, ns. */
__u64 hist_le(unsigned i);

/* The value that a share Q (0 .. 1) of the packets does not exceed, ns: the upper
 * bound of its bucket, but not more than the largest value seen. 0 if empty. */
__u64 hist_quantile(const struct hist *h, double q);

void hist_draw(const struct hist *h, FILE *f);
/* HdrHistogram's percentile distribution, values in microseconds. */
void hist_hgrm(const struct hist *h, FILE *f);

/* --- ksyms.c: kernel addresses */

struct ksyms;

struct ksyms *ksyms_new(void);
void ksyms_free(struct ksyms *k);
/* The kernel shows no addresses (kptr_restrict). */
bool ksyms_hidden(const struct ksyms *k);
/* symbol+0xoffset, or the number. Returns BUF. */
char *ksyms_format(const struct ksyms *k, __u64 address, char *buf, size_t size);

/* --- reasons.c: why packets were dropped */

struct reasons;

struct reason_text {
	const char *name;  /* without SKB_DROP_REASON_; may end in "*" */
	const char *layer; /* "benign": not a loss; "undecided": it may be one */
	const char *means;
	const char *look; /* where to look next */
};

struct reasons *reasons_new(void);
void reasons_free(struct reasons *r);
/* False if the kernel has no BTF, or no reasons. */
bool reasons_known(const struct reasons *r);
/* The kernel's name of REASON, else its number. Returns BUF. */
char *reasons_name(const struct reasons *r, __u32 reason, char *buf, size_t size);
/* Calls EACH for every reason that the kernel knows. */
int reasons_each(const struct reasons *r, int (*each)(__u32 reason, const char *name, void *arg),
		 void *arg);
/* Without SKB_DROP_REASON_. */
const char *reason_short(const char *name);
/* The name of an enum xdp_reason. Returns BUF. */
char *reason_xdp(__u32 reason, char *buf, size_t size);
/* What it means; without a reason, the LOCATION may tell. */
const struct reason_text *reason_text(const char *name, const char *location, __u32 what);
/* latency_text.c: the same for the time between two stages */
const struct reason_text *latency_text(const char *from, const char *to);

#endif
