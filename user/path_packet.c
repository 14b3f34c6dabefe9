// SPDX-License-Identifier: GPL-2.0-only
/*
 * path_packet.c - which packet an event of hookmap path belongs to, and how a packet ended.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"

#define NAT_NS	    1000000000ULL
#define GENEVE_PORT 6081
#define NATT_PORT   4500

/* --- which packet an event belongs to */

static bool same_packet(const struct path_head *a, const struct path_head *b)
{
	const struct flow *f = &a->flow, *g = &b->flow;

	return f->family == g->family && f->l4proto == g->l4proto && f->id == g->id &&
	       f->type == g->type && f->sport == g->sport && f->dport == g->dport &&
	       a->l4id == b->l4id && a->tcp == b->tcp && !memcmp(f->src, g->src, sizeof(f->src)) &&
	       !memcmp(f->dst, g->dst, sizeof(f->dst));
}

/* NAT has changed addresses and ports of the same skb. */
static bool same_skb(const struct path_event *last, const struct path_event *e)
{
	const struct path_head *a = &last->head, *b = &e->head;

	return e->skb && last->skb == e->skb && last->hook != PATH_DROP &&
	       last->hook != PATH_READ && e->time - last->time < NAT_NS &&
	       a->flow.family == b->flow.family && a->flow.l4proto == b->flow.l4proto &&
	       a->flow.id == b->flow.id && a->len == b->len &&
	       (a->flow.l4proto == IPPROTO_UDP || (__u16)a->l4id == (__u16)b->l4id);
}

/* Was P at this place already? A lower TTL is a loop, not another packet. */
static bool seen_here(const struct packet *p, const struct path_event *e)
{
	/* several rules, filters and hooks of a device may each see it */
	if (e->hook >= PATH_TC)
		return false;
	for (unsigned i = 0; i < p->hops; i++) {
		const struct path_event *h = &p->hop[i];

		if (h->hook == e->hook && h->ifindex == e->ifindex && h->netns == e->netns &&
		    h->cookie == e->cookie && h->head.vni == e->head.vni &&
		    h->head.ttl == e->head.ttl && h->pid == e->pid &&
		    (h->skb == e->skb || h->hook != PATH_DROP))
			return true;
	}
	return false;
}

/* Is E another copy from one packet to its reader: with MSG_PEEK, or of what was merged into it? */
bool read_again(const struct path_event *e)
{
	for (unsigned i = 0; e->hook == PATH_READ && i < path.n; i++) {
		const struct packet *p = path.packet[i];

		if (seen_here(p, e) && same_packet(&p->hop[p->hops - 1].head, &e->head))
			return true;
	}
	return false;
}

struct packet *packet_of(const struct path_event *e)
{
	struct packet *found = NULL, *nat = NULL;

	for (unsigned i = 0; i < path.n; i++) {
		struct packet *p = path.packet[i];
		const struct path_event *last = &p->hop[p->hops - 1];

		if (seen_here(p, e))
			continue;
		if (!same_packet(&last->head, &e->head)) {
			if (same_skb(last, e))
				nat = p;
			continue;
		}
		if (e->skb && last->skb == e->skb)
			return p;
		/* the oldest that was not here yet; if unknown, the newest */
		if (!found || e->hook >= PATH_TC)
			found = p;
	}
	return found ? found : nat;
}

/* --- how it ended */

const struct end_name end_name[] = {
	[END_UNKNOWN] = { "unknown", "nothing more was seen" },
	[END_READ] = { "read", "read by" },
	[END_DELIVERED] = { "delivered", "delivered to a socket" },
	[END_DROPPED] = { "dropped", "dropped:" },
	[END_ANSWERED] = { "answered", "answered" },
	[END_SENT] = { "sent", "sent: the driver has it" },
	[END_QUEUED] = { "queued", "in the queue of a device" },
};

static bool is_echo(const struct flow *f, bool answer)
{
	return flow_is_echo(f) && answer == (f->type == 0 || f->type == 129);
}

static bool answers(const struct path_head *a, const struct path_head *request)
{
	const struct flow *f = &a->flow, *g = &request->flow;

	return is_echo(f, true) && a->l4id == request->l4id && f->family == g->family &&
	       !memcmp(f->src, g->dst, sizeof(f->src)) && !memcmp(f->dst, g->src, sizeof(f->dst));
}

static bool is_answered(const struct packet *p)
{
	const struct path_head *h = &p->hop[p->hops - 1].head;

	for (unsigned i = 0; is_echo(&h->flow, false) && i < path.n; i++) {
		const struct packet *a = path.packet[i];

		/* NAT may have changed it on its way */
		if (answers(&a->hop[0].head, h) || answers(&a->hop[a->hops - 1].head, h))
			return true;
	}
	return false;
}

/* A reader of a copy: the packet itself goes on. */
bool is_copy(const struct path_event *e)
{
	return e->hook == PATH_READ && e->head.flags & PATH_H_COPY;
}

/* Has P reached a socket, or its reader? */
static bool is_delivered(const struct packet *p)
{
	for (unsigned i = 0; i < p->hops; i++) {
		const struct path_event *e = &p->hop[i];

		if (e->hook == PATH_SOCKET || (e->hook == PATH_READ && !is_copy(e)))
			return true;
	}
	return false;
}

/* A raw socket has a clone, and the packet itself finds no other socket; or a socket was closed
 * with the packet in its queue. */
bool no_loss(const struct packet *p, const struct path_event *e)
{
	const char *reason;

	if (e->hook != PATH_DROP || e->reason == DROP_NO_REASON || !is_delivered(p))
		return false;
	reason = reason_name(e->reason);
	return !strcmp(reason, "NO_SOCKET") || !strcmp(reason, "QUEUE_PURGE");
}

/* The hop that says how P ended. */
const struct path_event *packet_last(const struct packet *p)
{
	unsigned i = p->hops - 1;

	while (i && (no_loss(p, &p->hop[i]) || is_copy(&p->hop[i])))
		i--;
	return &p->hop[i];
}

enum end packet_end(const struct packet *p)
{
	const struct path_event *last = packet_last(p);

	switch (last->hook) {
	case PATH_READ:
		return is_copy(last) ? END_UNKNOWN : END_READ;
	case PATH_SOCKET:
		return END_DELIVERED;
	case PATH_DROP:
		return END_DROPPED;
	case PATH_XMIT:
		return END_SENT;
	case PATH_QUEUE:
		return END_QUEUED;
	}
	return is_answered(p) ? END_ANSWERED : END_UNKNOWN;
}

/* Was P the outer packet of a tunnel? The inner packet goes on with its own headers. */
bool is_tunnel(const struct packet *p)
{
	const struct flow *f = &p->hop[p->hops - 1].head.flow;

	if (packet_end(p) != END_UNKNOWN)
		return false;
	switch (f->l4proto) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
	case IPPROTO_GRE:
	case IPPROTO_ESP:
		return true;
	}
	return f->l4proto == IPPROTO_UDP &&
	       (f->dport == path.vxlan_port || f->dport == htons(GENEVE_PORT) ||
		f->dport == htons(NATT_PORT));
}

/* --- before it is shown */

static int hop_compare(const void *a, const void *b)
{
	const struct path_event *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

/* For a hook that knows its device only by number: the neighbouring hops have the rest. */
static bool fill_from(struct path_event *e, const struct path_event *h)
{
	if (h->ifindex != e->ifindex || !*h->device || (e->netns && e->netns != h->netns))
		return false;
	e->netns = h->netns;
	e->cookie = h->cookie;
	memcpy(e->device, h->device, sizeof(e->device));
	return true;
}

void packet_settle(struct packet *p)
{
	qsort(p->hop, p->hops, sizeof(p->hop[0]), hop_compare);
	for (unsigned i = 0; i < p->hops; i++) {
		struct path_event *e = &p->hop[i];
		bool done = e->netns && *e->device;

		/* XDP and tc's egress come before the device's own hooks */
		if (e->hook != PATH_XDP) {
			for (unsigned j = i; !done && j--;)
				done = fill_from(e, &p->hop[j]);
		}
		for (unsigned j = i + 1; !done && j < p->hops; j++)
			done = fill_from(e, &p->hop[j]);
	}
}
