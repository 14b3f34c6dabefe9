// SPDX-License-Identifier: GPL-2.0-only
/*
 * path.c - hookmap path: the path of each packet, hop by hop.
 *
 * Events are grouped by header fields (addresses, ports, and the numbers that distinguish
 * packets of a flow), and by the skb where NAT changes these. A packet is shown a second after
 * its last event or, without an end, after the time that it may wait for a neighbour.
 *
 * JSON, one object per hop: packet hop time time_ns since_ns delta_ns netns netns_inode device
 * ifindex hook src dst proto sport dport type id seq ttl len, and where they apply vlan, vni
 * (inside vxlan), fragment, pid and name (hook "read"), reason (hook "kfree_skb"), verdict (hook
 * "netfilter"). since_ns counts from the packet's first hop, delta_ns from the last. TCP has
 * flags and seq. The last hop has end: read, delivered (to a socket), dropped, answered (an echo
 * request), sent (the driver has it), queued, or unknown; copy is true if the reader has a copy
 * of a packet that itself goes on; no_loss is true for a kfree_skb that is not a loss: a socket has
 * a clone of the packet. tunnel is true if the end is unknown because the inner packet goes on with
 * its own headers. came_in is true at a first hop on the way out, if this host has not sent the
 * packet: its headers did not match before NAT.
 */
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "path.h"

static const char *to; /* --to: a host */

#define QUIET_NS 1000000000ULL
/* three probes for a neighbour, a second each */
#define WAIT_NS 4000000000ULL

static const char *const hook_name[PATH_HOOKS] = {
	[PATH_QUEUE] = "net_dev_queue",
	[PATH_XMIT] = "net_dev_start_xmit",
	[PATH_RX] = "netif_rx",
	[PATH_GRO] = "napi_gro_receive_entry",
	[PATH_RECEIVE] = "netif_receive_skb",
	[PATH_SOCKET] = "socket",
	[PATH_READ] = "read",
	[PATH_DROP] = "kfree_skb",
	[PATH_TC] = "tc",
	[PATH_IPTABLES] = "iptables",
	[PATH_XDP] = "xdp",
	[PATH_NETFILTER] = "netfilter",
};

static const char *const nf_name[] = {
	"PREROUTING ACCEPT", "INPUT ACCEPT",	   "FORWARD ACCEPT",
	"OUTPUT ACCEPT",     "POSTROUTING ACCEPT",
};

struct path path;

/* --- showing one */

/* The name of the namespace of E when it was first seen: its number may be reused. */
static const char *netns_name(const struct path_event *e)
{
	static struct {
		__u64 cookie;
		__u32 inode;
		char name[64];
	} cache[64];
	static unsigned next;

	if (!e->netns)
		return "-";
	for (unsigned i = 0; i < 64; i++) {
		if (cache[i].inode == e->netns && cache[i].cookie == e->cookie)
			return cache[i].name;
	}
	/* it may be newer than our list */
	names_free(path.names);
	path.names = names_new(path.opt);
	next = (next + 1) % 64;
	cache[next].inode = e->netns;
	cache[next].cookie = e->cookie;
	snprintf(cache[next].name, sizeof(cache[next].name), "%s",
		 path.names ? names_space(path.names, e->cookie, e->netns) : "?");
	return cache[next].name;
}

static bool is_icmp(const struct flow *f)
{
	return f->l4proto == IPPROTO_ICMP || f->l4proto == IPPROTO_ICMPV6;
}

static bool is_tcp(const struct flow *f)
{
	return f->l4proto == IPPROTO_TCP && !f->fragment;
}

/* As tcpdump has them: S is SYN, . is ACK. */
static const char *tcp_flags(__u8 flags, char buf[9])
{
	static const char letter[] = "FSRP.UEW";
	char *at = buf;

	for (int i = 0; i < 8; i++) {
		if (flags & 1 << i)
			*at++ = letter[i];
	}
	*at = 0;
	return buf;
}

static void address(const struct flow *f, const __u32 *from, char *buf, size_t size)
{
	inet_ntop(f->family == 4 ? AF_INET : AF_INET6, from, buf, size);
}

/* The line above the hops, in text. */
static void show_title(struct line *l, const struct packet *p)
{
	const struct path_head *h = &p->hop[0].head;
	const struct flow *f = &h->flow;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], flags[9], text[256];

	address(f, f->src, src, sizeof(src));
	address(f, f->dst, dst, sizeof(dst));
	if (is_icmp(f))
		snprintf(text, sizeof(text), "%s > %s %s type %u id %u seq %u", src, dst,
			 proto_name(f->l4proto), f->type, h->l4id >> 16, h->l4id & 0xffff);
	else if (is_tcp(f))
		snprintf(text, sizeof(text), "%s.%u > %s.%u tcp [%s] seq %u len %u", src,
			 ntohs(f->sport), dst, ntohs(f->dport), tcp_flags(h->tcp, flags), h->l4id,
			 h->len);
	else if (f->ports)
		snprintf(text, sizeof(text), "%s.%u > %s.%u %s len %u", src, ntohs(f->sport), dst,
			 ntohs(f->dport), proto_name(f->l4proto), h->len);
	else
		snprintf(text, sizeof(text), "%s > %s %s", src, dst, proto_name(f->l4proto));
	line_begin(l);
	line_time(l, p->hop[0].time);
	line_str(l, NULL, 1, text);
	line_end(l);
}

static void show_headers(const struct path_head *h)
{
	const struct flow *f = &h->flow;
	char text[INET6_ADDRSTRLEN], flags[9];

	address(f, f->src, text, sizeof(text));
	json_str("src", text);
	address(f, f->dst, text, sizeof(text));
	json_str("dst", text);
	json_str("proto", proto_name(f->l4proto));
	if (is_icmp(f)) {
		json_s64("type", f->type);
		json_s64("id", h->l4id >> 16);
		json_s64("seq", h->l4id & 0xffff);
	} else if (f->ports) {
		json_s64("sport", ntohs(f->sport));
		json_s64("dport", ntohs(f->dport));
	}
	if (is_tcp(f)) {
		json_str("flags", tcp_flags(h->tcp, flags));
		json_s64("seq", h->l4id);
	}
	json_s64("ttl", h->ttl);
	json_s64("len", h->len);
	if (f->fragment)
		json_flag("fragment", true);
	if (f->vlan)
		json_s64("vlan", f->vlan);
	if (h->flags & PATH_H_VXLAN)
		json_s64("vni", h->vni);
}

static const char *drop_reason(const struct path_event *e)
{
	return e->reason == DROP_NO_REASON ? "?" : reason_name(e->reason);
}

static void show_hop(struct line *l, const struct packet *p, unsigned i)
{
	const struct path_event *e = &p->hop[i];
	const struct path_head *h = &e->head;
	__u64 since = e->time - p->hop[0].time, delta = i ? e->time - p->hop[i - 1].time : 0;
	char text[64];

	line_begin(l);
	if (json_on()) {
		json_s64("packet", path.shown);
		json_s64("hop", i + 1);
		line_time(l, e->time);
	}
	json_s64("since_ns", since);
	json_s64("delta_ns", delta);
	line_str(l, NULL, -9, format_ns(since, text, sizeof(text)));
	snprintf(text, sizeof(text), "+");
	format_ns(delta, text + 1, sizeof(text) - 1);
	line_str(l, NULL, -8, text);
	line_str(l, "netns", 16, netns_name(e));
	json_s64("netns_inode", e->netns);
	line_bytes(l, "device", 15, *e->device ? e->device : "-",
		   *e->device ? strnlen(e->device, sizeof(e->device)) : 1);
	json_s64("ifindex", e->ifindex);
	line_str(l, "hook", 1,
		 e->hook < PATH_HOOKS && hook_name[e->hook] ? hook_name[e->hook] : "?");
	if (e->hook == PATH_DROP)
		line_str(l, "reason", 1,
			 e->reason == DROP_NO_REASON ? "?" : reason_name(e->reason));
	if (no_loss(p, e)) {
		json_flag("no_loss", true);
		line_str(l, NULL, 1, "(no loss)");
	}
	if (!i && h->flags & PATH_H_CAME) {
		json_flag("came_in", true);
		line_str(l, NULL, 1, "(came in as a packet that does not match: NAT?)");
	}
	if (e->hook == PATH_NETFILTER)
		line_str(l, "verdict", 1, e->nf_hook < 5 ? nf_name[e->nf_hook] : "ACCEPT");
	if (e->hook == PATH_READ) {
		json_s64("pid", e->pid);
		line_bytes(l, "name", 1, e->name, strnlen(e->name, sizeof(e->name)));
	}
	if (is_copy(e)) {
		json_flag("copy", true);
		line_str(l, NULL, 1, "(a copy)");
	}
	if (json_on()) {
		show_headers(h);
		if (i + 1 == p->hops)
			json_str("end", end_name[packet_end(p)].word);
		if (i + 1 == p->hops && is_tunnel(p))
			json_flag("tunnel", true);
	} else {
		if (h->flow.vlan) {
			snprintf(text, sizeof(text), "vlan %u", h->flow.vlan);
			line_str(l, NULL, 1, text);
		}
		if (h->flags & PATH_H_VXLAN) {
			snprintf(text, sizeof(text), "in vxlan %u", h->vni);
			line_str(l, NULL, 1, text);
		}
	}
	line_end(l);
}

/* The line below the hops, in text. */
static void show_end(struct line *l, const struct packet *p)
{
	const struct path_event *last = packet_last(p);
	enum end end = packet_end(p);

	line_begin(l);
	line_str(l, NULL, -9, "=");
	line_str(l, NULL, 1, end_name[end].text);
	if (is_tunnel(p))
		line_str(l, NULL, 1, "(the packet inside the tunnel has its own headers)");
	if (end == END_READ)
		line_word(l, NULL, 1, last->name, strnlen(last->name, sizeof(last->name)), false);
	else if (end == END_DROPPED)
		line_str(l, NULL, 1, drop_reason(last));
	line_end(l);
}

static int packet_show(struct line *l, struct packet *p)
{
	packet_settle(p);
	path.shown++;
	if (!json_on())
		show_title(l, p);
	for (unsigned i = 0; i < p->hops; i++)
		show_hop(l, p, i);
	if (p->more) {
		line_begin(l);
		json_s64("packet", path.shown);
		line_int(l, "more_hops", -9, p->more);
		line_str(l, NULL, 1, "more hops");
		line_end(l);
	}
	if (!json_on())
		show_end(l, p);
	return 1;
}

/* Shows packet I and forgets it. */
static int packet_done(struct line *l, unsigned i)
{
	struct packet *p = path.packet[i];
	int n = packet_show(l, p);

	free(p);
	path.n--;
	memmove(&path.packet[i], &path.packet[i + 1], (path.n - i) * sizeof(path.packet[0]));
	return n;
}

static int path_show(struct line *l, const void *event, size_t size)
{
	const struct path_event *e = event;
	struct packet *p;
	int n = 0;

	(void)size;
	if (path.to_family && (path.to_family != e->head.flow.family ||
			       memcmp(path.to, e->head.flow.dst, sizeof(path.to))))
		return 0;
	p = packet_of(e);
	if (!p && read_again(e))
		return 0;
	if (!p) {
		if (path.n == PACKETS)
			n = packet_done(l, 0);
		p = calloc(1, sizeof(*p));
		if (!p)
			return n;
		path.packet[path.n++] = p;
	}
	if (p->hops < HOPS)
		p->hop[p->hops++] = *e;
	else
		p->more++;
	return n;
}

static __u64 packet_quiet(const struct packet *p)
{
	return packet_end(p) == END_UNKNOWN ? WAIT_NS : QUIET_NS;
}

static int path_idle(struct line *l, __u64 now, bool last)
{
	unsigned i = 0;
	int n = 0;

	while (i < path.n && (!l->left || (unsigned)n < l->left)) {
		struct packet *p = path.packet[i];

		if (!last && now < p->hop[p->hops - 1].time + packet_quiet(p))
			i++;
		else
			n += packet_done(l, i);
	}
	return n;
}

/* --- the filter */

/* The condition, as --match has it. */
static void path_words(const struct path_cfg *c, char *text, size_t size)
{
	size_t at;

	if (!(c->flags & PATH_F_SET))
		snprintf(text, size, "echo");
	else if (!*condition_text(&c->match, text, size))
		snprintf(text, size, "any");
	at = strlen(text);
	if (c->vxlan_port)
		snprintf(text + at, size - at, " vxlan %u", ntohs(c->vxlan_port));
}

/* Reads the filter, and prints which packets are shown: a missing one may just not match. 0 or
 * -errno, after printing why; the reader of the events reports that nothing is attached. */
static int path_says(const struct options *opt)
{
	int fd = pin_open(opt, "path_cfg", false);
	struct path_cfg c = {};
	char text[512];
	__u32 zero = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (!bpf_map_lookup_elem(fd, &zero, &c)) {
		path.vxlan_port = c.vxlan_port ?: htons(PATH_VXLAN_PORT);
		path_words(&c, text, sizeof(text));
		if (opt->output != OUT_JSON)
			printf("packets that match: %s "
			       "(attach.sh --host path --match changes it)\n",
			       text);
	}
	close(fd);
	return 0;
}

/* --to HOST */
static int path_to(const char *host)
{
	struct addrinfo *ai, hints = { .ai_socktype = SOCK_DGRAM };
	int err = getaddrinfo(host, NULL, &hints, &ai);

	if (err) {
		fail("--to %s: %s", host, gai_strerror(err));
		return -1;
	}
	path.to_family = ai->ai_family == AF_INET ? 4 : 6;
	if (path.to_family == 4)
		memcpy(path.to, &((struct sockaddr_in *)ai->ai_addr)->sin_addr, 4);
	else
		memcpy(path.to, &((struct sockaddr_in6 *)ai->ai_addr)->sin6_addr, 16);
	freeaddrinfo(ai);
	return 0;
}

static int path_run(const struct options *opt)
{
	static const struct events ev = {
		.feature = "path",
		.ring = "path_ring",
		.stat = "path_stat",
		.stat_at = offsetof(struct path_stat, ring),
		.more_at = offsetof(struct path_stat, unread),
		.head = "    SINCE    DELTA NETNS            DEVICE          HOOK",
		.what = "packets",
		.more = "hops not shown: the headers were not in the linear part",
		.least = sizeof(struct path_event),
		.time = offsetof(struct path_event, time),
		.show = path_show,
		.idle = path_idle,
	};
	int rc;

	if (to && path_to(to))
		return 2;
	path.opt = opt;
	rc = path_says(opt) ? 1 : events_run(opt, &ev);
	while (path.n)
		free(path.packet[--path.n]);
	names_free(path.names);
	path.names = NULL;
	return rc;
}

static void path_settings(struct settings *s)
{
	struct path_cfg cfg = {};
	char match[256] = "echo", text[300];

	if (settings_value(s, "path_cfg", &cfg))
		return;
	if (cfg.flags & PATH_F_SET)
		condition_text(&cfg.match, match, sizeof(match));
	snprintf(text, sizeof(text), "%s", *match || cfg.vxlan_port ? match : "any");
	if (cfg.vxlan_port)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%svxlan %u",
			 *match ? " " : "", ntohs(cfg.vxlan_port));
	set_condition(s, "match", text, "echo");
}

static const struct arg path_args[] = {
	EVENTS_ARGS,
	ARG_COMMANDS,
	{ .name = "to",
	  .takes = "HOST",
	  .kind = ARG_TEXT,
	  .to = &to,
	  .help = "only packets to this address" },
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "packet, seq, hop, hook, since_ns, more_hops, copy",
	  "The number of a packet, its hops, and the time since the first; more_hops: some hops "
	  "were not kept; copy: a reader of a copy, which does not end the packet's way." },
	{ "came_in",
	  "The first hop is on the way out, and this host has not sent the packet; its hops before "
	  "NAT are not known." },
	{ "src, sport, dst, dport, proto, len, ttl, fragment, vni, netns_inode",
	  "Fields of the packet." },
	{ "tunnel",
	  "The end is unknown because the packet was the outer one of a tunnel; the inner packet "
	  "goes on with its own headers." },
	{ "verdict, no_loss",
	  "The verdict of an XDP program or a hook; no_loss: the packet was freed, but nothing was "
	  "lost." },
	{}
};
/* clang-format on */

VERB(path, .fields = fields, .help = "the path of packets, hop by hop", .run = path_run,
     .takes = VERB_STREAMS, .args = path_args, .feature = "path", .settings = path_settings)
