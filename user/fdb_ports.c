// SPDX-License-Identifier: GPL-2.0-only
/* fdb_ports.c - ports of l2fwd: their settings, counters, and reasons for the slow path */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fdb.h"

const char *const l2_reason_names[L2_REASONS] = {
#define KEY(NAME, NUMBER, KEY, REASON, MEANING, LOOK) [L2_##NAME] = (KEY),
	L2_REASON(KEY)
#undef KEY
};

/* bits of l2_wire.state */
static const struct {
	int bit;
	const char *key, *text;
} why[] = {
#define WHY(NAME, BIT, KEY, TEXT) { (BIT), (KEY), (TEXT) },
	L2_WHY(WHY)
#undef WHY
};
#define WHYS (sizeof(why) / sizeof(why[0]))

static const char *const miss_name[] = {
	[L2_MISS_PASS] = "pass",
	[L2_MISS_FLOOD] = "flood",
	[L2_MISS_DROP] = "drop",
};

int vlans_text(const struct l2_port *p, char *buf)
{
	size_t at = 0;
	int n = 0;

	*buf = 0;
	for (int v = 1; p->flags & L2_P_VLAN && v < 4095; v++) {
		int from = v;

		if (!(p->vlans[v >> 6] >> (v & 63) & 1))
			continue;
		while (v + 1 < 4095 && p->vlans[(v + 1) >> 6] >> ((v + 1) & 63) & 1)
			v++;
		at += snprintf(buf + at, VLANS_TEXT - at, v > from ? "%s%d-%d" : "%s%d",
			       at ? "," : "", from, v);
		n += v - from + 1;
	}
	return n;
}

/* The same for a table, which has no room for all. */
static void vlans_short(char *buf, int n)
{
	char *at = buf + 40;

	if (strlen(buf) <= 40)
		return;
	while (*at != ',')
		at--;
	sprintf(at, ",... (%d)", n);
}

const char *port_mode(const struct l2_port *p, int vlans)
{
	if (!(p->flags & L2_P_VLAN))
		return "transparent";
	return vlans == 1 && p->pvid ? "access" : "trunk";
}

static const char *port_miss(__u8 miss)
{
	return miss < sizeof(miss_name) / sizeof(miss_name[0]) ? miss_name[miss] : "?";
}

static const char *port_proto(const struct l2_port *p)
{
	return p->proto == htons(0x88a8) ? "802.1ad" : "802.1q";
}

static bool is_blocked(const struct l2_port *p)
{
	return p->flags & L2_P_BLOCKED && !(p->flags & L2_P_MIRROR);
}

size_t port_words(const struct l2_port *p, __u16 proto, const char *separator, char *buf,
		  size_t size)
{
	const struct {
		const char *name;
		__u8 miss;
	} misses[] = { { "miss", p->miss }, { "bcast", p->bcast }, { "mcast", p->mcast } };
	size_t at = 0;

	*buf = 0;
	if (proto == htons(0x88a8))
		at += snprintf(buf + at, size - at, "%sproto 802.1ad", separator);
	for (int i = 0; i < 3; i++) {
		if (misses[i].miss)
			at += snprintf(buf + at, size - at, "%s%s %s", separator, misses[i].name,
				       port_miss(misses[i].miss));
	}
	if (p->storm)
		at += snprintf(buf + at, size - at, "%sstorm %u", separator, p->storm);
	if (p->flags & L2_P_HAIRPIN)
		at += snprintf(buf + at, size - at, "%shairpin on", separator);
	if (is_blocked(p))
		at += snprintf(buf + at, size - at, "%sblock on", separator);
	return at;
}

static char *settings_text(const struct l2_port *p, char *buf, size_t size)
{
	size_t at = port_words(p, p->proto, ", ", buf, size);

	if (p->flags & L2_P_GUARD)
		at += snprintf(buf + at, size - at, ", guard on");
	if (p->flags & L2_P_ACL_DENY)
		snprintf(buf + at, size - at, ", acl default deny");
	return *buf ? buf + 2 : buf;
}

static void settings_json(const struct l2_port *p)
{
	json_str("proto", port_proto(p));
	json_str("miss", port_miss(p->miss));
	json_str("bcast", port_miss(p->bcast));
	json_str("mcast", port_miss(p->mcast));
	json_u64("storm", p->storm);
	json_flag("hairpin", p->flags & L2_P_HAIRPIN);
	json_flag("block", is_blocked(p));
	json_flag("guard", p->flags & L2_P_GUARD);
	json_str("acl_default", p->flags & L2_P_ACL_DENY ? "deny" : "permit");
}

/* The last reads of the mirrored bridge have not found it. (Two may be in progress; and one made
 * during this read has a number that l2_look did not have yet.) */
static int port_left(const struct fdb *f, int n)
{
	return f->cfg.bridge && f->port[n].flags & L2_P_MIRROR &&
	       (__s32)(f->look.looks - f->seen[n]) > 2;
}

/* Another device may have its name by now. */
bool mirror_gone(const struct fdb *f)
{
	return f->cfg.bridge && names_gone(f->names, f->cookie, f->cfg.netns, f->cfg.bridge, 0);
}

int mirror_changed(const struct fdb *f)
{
	if (mirror_gone(f))
		return 1;
	for (int n = 1; n < L2_PORTS; n++) {
		if (f->port[n].ifindex && port_left(f, n))
			return 1;
	}
	return f->cfg.bridge && f->cfg.outside != f->look.outside;
}

static const char *port_state(const struct fdb *f, int n)
{
	const struct l2_port *p = &f->port[n];

	if (p->ifindex &&
	    (f->left[n] || names_gone(f->names, f->cookie, f->cfg.netns, p->ifindex, 0)))
		return "gone";
	if (port_left(f, n))
		return "left";
	return p->flags & L2_P_BLOCKED ? "blocked" : p->flags & L2_P_SLOW ? "slow" : "forwarding";
}

/* The devices above a port, except the mirrored bridge: they only get frames left to the stack. */
static const char *port_above(const struct fdb *f, int n, size_t *i)
{
	return names_above(f->names, f->cfg.netns, f->port[n].ifindex, f->cfg.bridge, i);
}

/* Fields of JSON only: why it takes the slow path, the devices above it, the outcome of frames. */
static void port_json(const struct fdb *f, int n)
{
	const struct l2_stat *st = &f->stat[n];
	const char *name;

	settings_json(&f->port[n]);
	json_open("slow_because", '[');
	for (size_t i = 0; i < WHYS; i++) {
		if (f->wire[n] >> why[i].bit & 1)
			json_str(NULL, why[i].key);
	}
	json_close();
	json_open("above", '[');
	for (size_t i = 0; (name = port_above(f, n, &i));)
		json_str(NULL, name);
	json_close();
	json_u64("tx_copies", st->tx_copies);
	json_open("reasons", '{');
	for (int i = 0; i < L2_REASONS; i++) {
		if (l2_reason_names[i] && st->reason[i])
			json_u64(l2_reason_names[i], st->reason[i]);
	}
	json_close();
}

void ports_slow(const struct fdb *f)
{
	char port[32];

	for (int n = 1; n < L2_PORTS; n++) {
		for (size_t i = 0; i < WHYS && port_wanted(f, n); i++) {
			if (f->wire[n] >> why[i].bit & 1)
				printf("%s takes the slow path: %s\n",
				       text_plain(f->device[n], port, sizeof(port)), why[i].text);
		}
	}
}

void ports_above(const struct fdb *f)
{
	char port[32], above[32];
	const char *name;

	for (int n = 1; n < L2_PORTS; n++) {
		/* on a port of the mirrored bridge these are VLAN devices, which are served first
		 */
		if (f->port[n].flags & L2_P_MIRROR && !port_left(f, n))
			continue;
		for (size_t i = 0; port_wanted(f, n) && (name = port_above(f, n, &i));)
			printf("%s is above %s, and gets only what l2fwd does not forward\n",
			       text_plain(name, above, sizeof(above)),
			       text_plain(f->device[n], port, sizeof(port)));
	}
}

static const struct out_col port_cols[] = {
	{ "device", "PORT", OUT_STR },	     { "mode", "MODE", OUT_STR },
	{ "pvid", "PVID", OUT_U64 },	     { "vlans", "VLANS", OUT_STR },
	{ "state", "STATE", OUT_STR },	     { "rx_packets", "RX", OUT_U64 },
	{ "rx_bytes", "RX-BYTES", OUT_U64 }, { "tx_packets", "TX", OUT_U64 },
	{ "tx_bytes", "TX-BYTES", OUT_U64 }, { NULL, "SETTINGS", OUT_STR },
	{ NULL, "NOT FORWARDED", OUT_STR },
};

void ports_show(struct fdb *f)
{
	struct out *o = OUT_ROWS(f->opt, "ports", f->shown ? "\nports\n" : NULL, port_cols);
	char text[VLANS_TEXT];

	for (int n = 0; n < L2_PORTS; n++) {
		const struct l2_port *p = &f->port[n];
		const struct l2_stat *st = &f->stat[n];
		size_t at = 0;
		int vlans;

		/* number 0: attached devices that are not ports */
		if (!port_wanted(f, n) && (n || !st->rx_packets || fdb_asked.device))
			continue;
		vlans = vlans_text(p, text);
		if (!json_on())
			vlans_short(text, vlans);
		out_row(o);
		out_str(o, n ? f->device[n] : "(none)");
		out_str(o, port_mode(p, vlans));
		out_u64(o, p->pvid);
		out_str(o, text);
		out_str(o, port_state(f, n));
		out_u64(o, st->rx_packets);
		out_u64(o, st->rx_bytes);
		out_u64(o, st->tx_packets);
		out_u64(o, st->tx_bytes);
		out_str(o, settings_text(p, text, sizeof(text)));
		*text = 0;
		for (int i = 0; i < L2_REASONS; i++) {
			if (l2_reason_names[i] && st->reason[i] && at < sizeof(text) - 48)
				at += snprintf(text + at, sizeof(text) - at, "%s%s %llu",
					       at ? ", " : "", l2_reason_names[i], st->reason[i]);
		}
		out_str(o, text);
		port_json(f, n);
	}
	out_end(o);
}
