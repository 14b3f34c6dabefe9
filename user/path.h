/* SPDX-License-Identifier: GPL-2.0-only */
/* path.h - the packets that hookmap path has seen and not shown yet, see path.c. */
#ifndef HOOKMAP_USER_PATH_H
#define HOOKMAP_USER_PATH_H

#include "events.h"

#define PACKETS 1024
#define HOPS	64

struct packet {
	struct path_event hop[HOPS];
	unsigned hops;
	unsigned more; /* hops without room */
};

extern struct path {
	struct packet *packet[PACKETS]; /* in the order of their first hop */
	unsigned n;
	unsigned long shown;
	const struct options *opt;
	struct names *names;
	__be16 vxlan_port;
	__u8 to_family; /* --to */
	__u32 to[4];
} path;

/* The packet of E; NULL: it is a new one. */
struct packet *packet_of(const struct path_event *e);
/* Is E another copy from one packet to its reader: with MSG_PEEK, or of what was merged into it? */
bool read_again(const struct path_event *e);

/* Sorts the hops of P, and completes each hop's device from its neighbours. */
void packet_settle(struct packet *p);

enum end { END_UNKNOWN, END_READ, END_DELIVERED, END_DROPPED, END_ANSWERED, END_SENT, END_QUEUED };

extern const struct end_name {
	const char *word, *text;
} end_name[];

enum end packet_end(const struct packet *p);
/* The hop that says so */
const struct path_event *packet_last(const struct packet *p);
/* Is E of P a read of a copy, while the packet itself goes on? */
bool is_copy(const struct path_event *e);
/* Is E a kfree_skb of a packet that a socket has? */
bool no_loss(const struct packet *p, const struct path_event *e);
/* Was P the outer packet of a tunnel? The inner packet goes on with its own headers. */
bool is_tunnel(const struct packet *p);

#endif
