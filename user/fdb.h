/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fdb.h - what the parts of `hookmap fdb` share: the maps of l2fwd, and its ports, read at once.
 */
#ifndef HOOKMAP_USER_FDB_H
#define HOOKMAP_USER_FDB_H

#include "settings.h"

enum fdb_map { CFG, LOOK, FDB, PORT, WIRE, STAT, ACL, XLATE, GUARD, FDB_MAPS };

struct fdb {
	const struct options *opt;
	struct names *names;
	struct line line;
	int fd[FDB_MAPS];
	bool left[L2_PORTS]; /* l2_tx has no device: the one that was attached has gone */
	int cpus;
	__u8 nsid;
	__u64 cookie; /* of the namespace; 0: not known */
	__u64 now;
	__u32 capacity;
	struct l2_cfg cfg;
	struct l2_look look;
	struct l2_port port[L2_PORTS];
	__u64 wire[L2_PORTS];	       /* l2_wire.state */
	__u32 seen[L2_PORTS];	       /* l2_wire.look */
	struct l2_stat stat[L2_PORTS]; /* sum over the CPUs */
	char device[L2_PORTS][32];     /* "" for port 0 and those that are not there */
	__u64 by_type[L2_TYPES];
	__u64 entries, shown;
	__u16 proto[L2_PORTS]; /* l2_port.proto, where the mirrored bridge has another */
};

struct keys {
	struct fdb *f;
	const struct pin *pin;
	char *all; /* keys, and the first 4 bytes of their values */
	size_t n, size;
};

extern struct fdb_asked {
	bool summary;
	const char *device;
} fdb_asked;

struct fdb *fdb_new(const struct options *opt);
/* Opens the maps and reads the ports. 0 or -errno, having printed why. */
int fdb_open(struct fdb *f);
void fdb_free(struct fdb *f);
/* Calls EACH for the elements of a map. */
int fdb_each(struct fdb *f, enum fdb_map map,
	     int (*each)(const void *key, const void *value, void *arg), void *arg);
/* Is number N a port, and a requested one? */
bool port_wanted(const struct fdb *f, unsigned n);
/* In BUF, of 18 bytes */
void mac_text(const __u8 *mac, char *buf);
/* The keys of the hash XLATE or GUARD, in order; the caller frees K->all. */
int keys_read(struct fdb *f, enum fdb_map map, struct keys *k);

/* --- fdb_ports.c */

/* VLANs as 10,20-29; empty for a transparent port. Returns how many there are. */
#define VLANS_TEXT 16384 /* at most 1365 pairs of "NNNN-NNNN," */
int vlans_text(const struct l2_port *p, char *buf);
/* transparent, access, trunk */
const char *port_mode(const struct l2_port *p, int vlans);
/* The settings made by fdb.sh port, in its words, except defaults and VLANs, with SEPARATOR before
 * each. Returns their length. */
size_t port_words(const struct l2_port *p, __u16 proto, const char *separator, char *buf,
		  size_t size);
extern const char *const l2_reason_names[L2_REASONS]; /* keys; NULL: no reason of a port */
/* All requested ports, as a table or in JSON. Under the table: ports on the slow path and why, and
 * the devices above them. */
void ports_show(struct fdb *f);
void ports_slow(const struct fdb *f);
void ports_above(const struct fdb *f);
/* The mirrored bridge no longer exists. */
bool mirror_gone(const struct fdb *f);
/* Ports have joined or left the mirrored bridge since attach. */
int mirror_changed(const struct fdb *f);

/* fdb_commands.c: see struct verb */
void l2fwd_settings(struct settings *s);
int fdb_rules(struct settings *s, __u8 nsid, const char *dev);

#endif
