// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops_read.c - from the maps of drops to lines of text: names for reasons, places,
 * devices, namespaces, protocols and addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "drops.h"

#define NAME(WHAT, KEY, HEAD) KEY,
const char *const drop_by_name[DROP_BY_MAX] = { "none", DROP_BYS(NAME) };
#undef NAME

const char *const drop_lost_key[LOSTS] = {
	[LOST_EVICTED] = "evicted",
	[LOST_OVER_PACKETS] = "table_full_packets",
	[LOST_OVER_BYTES] = "table_full_bytes",
	[LOST_NO_ROW] = "no_row_packets",
	[LOST_XDP_OVER] = "xdp_table_full",
	[LOST_VERDICT_OVER] = "verdict_table_full",
	[LOST_VERDICT_EVICTED] = "verdict_evicted",
	[LOST_MISSED] = "missed",
	[LOST_COUNTED] = "counted_at_xdp",
	[LOST_SAMPLES] = "samples",
	[LOST_SAMPLES_RATE] = "samples_over_rate",
	[LOST_SAMPLES_RING] = "samples_ring_full",
};

#define NO_KEY "-"
#define OTHER  "(other)" /* the table was full */

/* A device of map xdp_home. */
struct home {
	__u32 node;
	struct xdp_home value;
};

/* Data for turning keys into lines. */
struct reading {
	struct home *home; /* by node, when they have been read */
	size_t homes;
	struct drop_table *table;
	struct names *names;
	const struct ksyms *ksyms;
	const struct reasons *reasons;
	int cpus;
	bool over;
};

/* The kernel's many symbols and reasons: with -i, they are read again only if modules were
 * loaded or removed. */
static void kernel_read(struct reading *r)
{
	static struct reasons *reasons;
	static struct ksyms *ksyms;
	static char modules[65536];
	char now[sizeof(modules)] = "";
	FILE *f = fopen("/proc/modules", "re");

	if (f) {
		now[fread(now, 1, sizeof(now) - 1, f)] = 0;
		fclose(f);
	}
	if (!ksyms || !reasons || strcmp(now, modules)) {
		ksyms_free(ksyms);
		reasons_free(reasons);
		ksyms = ksyms_new();
		reasons = reasons_new();
		strcpy(modules, now);
	}
	r->ksyms = ksyms;
	r->reasons = reasons;
}

static int reading_open(const struct options *opt, struct reading *r)
{
	memset(r, 0, sizeof(*r));
	r->cpus = libbpf_num_possible_cpus();
	r->names = names_new(opt);
	kernel_read(r);
	if (r->names && r->ksyms && r->reasons)
		return 0;
	fail("drops: %s", strerror(ENOMEM));
	return -ENOMEM;
}

static void reading_close(struct reading *r)
{
	free(r->home);
	names_free(r->names);
}

struct drop_line *drops_line(struct drop_table *t)
{
	struct drop_line *line;

	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 256;

		line = reallocarray(t->line, room, sizeof(*line));
		if (!line)
			return NULL;
		t->line = line;
		t->room = room;
	}
	line = &t->line[t->n++];
	memset(line, 0, sizeof(*line));
	return line;
}

void drops_line_free(struct drop_line *line)
{
	for (int i = 0; i < COLS; i++)
		free(line->col[i]);
}

void drops_free(struct drop_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		drops_line_free(&t->line[i]);
	free(t->line);
	t->line = NULL;
	t->n = t->room = 0;
}

int drops_copy(struct drop_table *to, const struct drop_table *from)
{
	*to = *from;
	to->n = to->room = 0;
	to->line = NULL;
	for (size_t i = 0; i < from->n; i++) {
		struct drop_line *line = drops_line(to);

		if (!line)
			return -ENOMEM;
		*line = from->line[i];
		memset(line->col, 0, sizeof(line->col)); /* which are not ours to free */
		for (int c = 0; c < COLS; c++) {
			line->col[c] = strdup(from->line[i].col[c]);
			if (!line->col[c])
				return -ENOMEM;
		}
	}
	return 0;
}

static int number_compare(__u64 a, __u64 b)
{
	return (a > b) - (a < b);
}

bool drops_is_verdict(const struct drop_line *line)
{
	return !strcmp(line->col[COL_LAYER], "xdp") && !strncmp(line->col[COL_LOCATION], "XDP_", 4);
}

/* See struct drop_line. */
static int line_compare(const void *a, const void *b)
{
	const struct drop_line *x = a, *y = b;
	int order = number_compare(x->by, y->by) ?: number_compare(x->node, y->node);
	bool placed = x->node && drops_is_verdict(x);

	if (!order)
		order = placed - (y->node && drops_is_verdict(y));
	if (!order && !placed)
		order = number_compare(x->ifindex, y->ifindex)
				?: number_compare(x->cookie, y->cookie);
	if (!order && !placed && !x->cookie)
		order = strcmp(x->col[COL_NETNS], y->col[COL_NETNS]);
	if (!order && !placed && !x->ifindex)
		order = strcmp(x->col[COL_DEVICE], y->col[COL_DEVICE]);
	for (int i = COL_LAYER; !order && i < COLS; i++) {
		if (i != COL_DEVICE && i != COL_NETNS)
			order = strcmp(x->col[i], y->col[i]);
	}
	return order;
}

static int packets_compare(const void *a, const void *b)
{
	const struct drop_line *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return line_compare(a, b);
}

void drops_add(struct drop_line *into, const struct drop_line *line)
{
	into->packets += line->packets;
	into->bytes += line->bytes;
	if (line->first && (!into->first || line->first < into->first))
		into->first = line->first;
	if (line->last > into->last)
		into->last = line->last;
}

void drops_merge(struct drop_table *t)
{
	size_t n = 0;

	if (!t->n)
		return;
	qsort(t->line, t->n, sizeof(*t->line), line_compare);
	for (size_t i = 1; i < t->n; i++) {
		struct drop_line *into = &t->line[n], *line = &t->line[i];

		if (line_compare(into, line)) {
			t->line[++n] = *line;
			continue;
		}
		drops_add(into, line);
		into->benign &= line->benign;
		into->verdict &= line->verdict;
		into->gone &= line->gone;
		drops_line_free(line);
	}
	t->n = n + 1;
}

void drops_sort(struct drop_table *t)
{
	if (t->n)
		qsort(t->line, t->n, sizeof(*t->line), packets_compare);
}

static struct drop_line *line_find(const struct drop_table *t, const struct drop_line *line)
{
	return t->n ? bsearch(line, t->line, t->n, sizeof(*line), line_compare) : NULL;
}

/* Is LINE the row that it was, and not one that was made again? That has another first time. */
static bool line_same(const struct drop_line *line, const struct drop_line *was)
{
	return line->packets >= was->packets && (!was->first || line->first <= was->first);
}

/* Rows replaced since OLD are now counted without their dimension. */
static int drops_evicted(const struct drop_table *t, struct drop_table *old)
{
	for (size_t i = 0; t->by && i < old->n; i++) {
		struct drop_line *was = &old->line[i];
		const struct drop_line *line = line_find(t, was);

		if (drops_is_verdict(was) || (line && line_same(line, was)))
			continue;
		free(was->col[COL_KEY]);
		was->col[COL_KEY] = strdup(OTHER);
		was->by = t->by;
		was->first = 0;
		if (!was->col[COL_KEY])
			return -ENOMEM;
	}
	drops_merge(old);
	return 0;
}

/* Verdicts of rows replaced since OLD: they have only moved. */
static __u64 verdicts_moved(const struct drop_table *t, const struct drop_table *old)
{
	__u64 moved = 0;

	for (size_t i = 0; i < old->n; i++) {
		const struct drop_line *was = &old->line[i];
		const struct drop_line *line = line_find(t, was);

		if (drops_is_verdict(was))
			moved += counter_rest(was->packets, line ? line->packets : 0);
	}
	return moved;
}

int drops_growth(struct drop_table *t, struct drop_table *old)
{
	bool rows = generation_same(&t->rows, &old->rows);
	bool cells = generation_same(&t->cells, &old->cells);
	__u64 verdicts =
		counter_growth(cells, t->lost[LOST_VERDICT_OVER], old->lost[LOST_VERDICT_OVER]);
	__u64 evicted = counter_growth(cells, t->lost[LOST_VERDICT_EVICTED],
				       old->lost[LOST_VERDICT_EVICTED]);
	int err = t->lost[LOST_EVICTED] ? drops_evicted(t, old) : 0;
	size_t n = 0;

	if (err)
		return err;
	if (cells)
		verdicts = counter_rest(verdicts, verdicts_moved(t, old));
	for (size_t i = 0; i < t->n; i++) {
		struct drop_line *line = &t->line[i];
		const struct drop_line *was = line_find(old, line);

		if (was && cells && drops_is_verdict(line)) {
			line->bytes = counter_rest(line->bytes, was->bytes);
			line->packets = counter_rest(line->packets, was->packets);
		} else if (was) {
			bool same = !drops_is_verdict(line) && rows && line_same(line, was);

			line->packets = counter_growth(same, line->packets, was->packets);
			line->bytes = counter_growth(same, line->bytes, was->bytes);
		}
		if (!line->packets)
			drops_line_free(line);
		else
			t->line[n++] = *line;
	}
	t->n = n;
	counters_growth(rows, t->lost, old->lost, LOSTS);
	t->lost[LOST_VERDICT_OVER] = verdicts;
	t->lost[LOST_VERDICT_EVICTED] = evicted;
	return 0;
}

/* --- names */

static const struct {
	__u16 type;
	const char *name;
} ethertypes[] = {
	{ 0x0800, "ipv4" },    { 0x86dd, "ipv6" },  { 0x0806, "arp" },	   { 0x8035, "rarp" },
	{ 0x88cc, "lldp" },    { 0x8847, "mpls" },  { 0x8848, "mpls-mc" }, { 0x8863, "pppoe-disc" },
	{ 0x8864, "pppoe" },   { 0x888e, "eapol" }, { 0x8809, "lacp" },	   { 0x88f7, "ptp" },
	{ 0x88e5, "macsec" },  { 0x8906, "fcoe" },  { 0x8902, "cfm" },	   { 0x88a2, "aoe" },
	{ 0x9000, "loop" },    { 0x8808, "pause" }, { 0x0004, "802.2" },   { 0x8100, "802.1q" },
	{ 0x88a8, "802.1ad" },
};

static char *protocol(const struct drop_key *key)
{
	static const char *const tags[] = { "", "vlan/", "qinq/" };
	const char *lead = key->tags < 3 ? tags[key->tags] : "vlans/";
	__u16 type = ntohs(key->l3proto);
	char l3[16] = "-", l4[16] = "";
	char *text;

	if (type)
		snprintf(l3, sizeof(l3), "0x%04x", type);
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(ethertypes[0]); i++) {
		if (ethertypes[i].type == type)
			snprintf(l3, sizeof(l3), "%s", ethertypes[i].name);
	}
	if ((type == 0x0800 || type == 0x86dd) && key->l4proto != DROP_NO_L4)
		snprintf(l4, sizeof(l4), "/%s", proto_name(key->l4proto));
	return asprintf(&text, "%s%s%s", lead, l3, l4) < 0 ? NULL : text;
}

static char *mac(const __u32 *words)
{
	const unsigned char *b = (const void *)words;
	char *text;

	if (!(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		return strdup(NO_KEY);
	return asprintf(&text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
			b[5]) < 0
		       ? NULL
		       : text;
}

static const char *address(const struct drop_key *key, const __u32 *words, char *buf, size_t size)
{
	__u16 type = ntohs(key->l3proto);

	if (key->l4proto == DROP_NO_L4) /* the headers could not be read */
		return NO_KEY;
	if (type == 0x0800 || type == 0x0806)
		return inet_ntop(AF_INET, words, buf, size);
	if (type == 0x86dd)
		return inet_ntop(AF_INET6, words, buf, size);
	return NO_KEY;
}

static char *flow(const struct drop_key *key)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const char *src = address(key, key->src, from, sizeof(from));
	const char *dst = address(key, key->dst, to, sizeof(to));
	bool v6 = strchr(src, ':');
	char *text;
	int len;

	if (!strcmp(src, NO_KEY))
		return strdup(NO_KEY);
	if (key->sport | key->dport)
		len = asprintf(&text, v6 ? "[%s]:%u > [%s]:%u" : "%s:%u > %s:%u", src,
			       ntohs(key->sport), dst, ntohs(key->dport));
	else
		len = asprintf(&text, "%s > %s", src, dst);
	return len < 0 ? NULL : text;
}

static char *dimension(const struct reading *r, const struct drop_key *key)
{
	char buf[INET6_ADDRSTRLEN];

	if (r->over && r->table->by)
		return strdup(OTHER);
	switch (key->by) {
	case DROP_BY_SMAC:
		return mac(key->src);
	case DROP_BY_DMAC:
		return mac(key->dst);
	case DROP_BY_SIP:
		return strdup(address(key, key->src, buf, sizeof(buf)));
	case DROP_BY_DIP:
		return strdup(address(key, key->dst, buf, sizeof(buf)));
	case DROP_BY_FLOW:
		return flow(key);
	default:
		return strdup(NO_KEY);
	}
}

/* Sets the place of LINE, by the device with NODE. */
static void place(const struct reading *r, struct drop_line *line, __u64 cookie, __u32 inode,
		  __u32 ifindex, __u32 node)
{
	const char *name = NULL;
	char text[16];

	line->cookie = cookie;
	line->ifindex = ifindex;
	line->node = node;
	line->col[COL_NETNS] = strdup(inode ? names_space(r->names, cookie, inode) : "-");
	if (inode && ifindex)
		name = names_device_in(r->names, cookie, inode, ifindex, node);
	line->gone = inode && names_gone(r->names, cookie, inode, ifindex, node);
	snprintf(text, sizeof(text), "if%u", ifindex);
	line->col[COL_DEVICE] = strdup(name ? name : ifindex ? text : "-");
}

/* --- rows */

static int line_ok(const struct drop_line *line)
{
	for (int i = 0; i < COLS; i++) {
		if (!line->col[i])
			return -ENOMEM;
	}
	return 0;
}

static void line_add(struct drop_line *line, const struct drop_val *v, int cpus)
{
	for (int cpu = 0; cpu < cpus; cpu++) {
		line->packets += v[cpu].packets;
		line->bytes += v[cpu].bytes;
		if (v[cpu].first && (!line->first || v[cpu].first < line->first))
			line->first = v[cpu].first;
		if (v[cpu].last > line->last)
			line->last = v[cpu].last;
	}
}

/* The line of a key, without its numbers. */
static struct drop_line *skb_line(struct reading *r, const struct drop_key *k)
{
	char reason[128], location[256];
	struct drop_line *line = drops_line(r->table);
	const struct reason_text *text;

	if (!line)
		return NULL;
	reasons_name(r->reasons, k->reason, reason, sizeof(reason));
	ksyms_format(r->ksyms, k->location, location, sizeof(location));
	line->by = r->over ? r->table->by : k->by < DROP_BY_MAX ? k->by : DROP_BY_NONE;
	text = reason_text(reason, location, k->what);
	line->text = text;
	line->col[COL_LAYER] = strdup(text->layer);
	line->col[COL_REASON] = strdup(reason);
	line->col[COL_LOCATION] = strdup(location);
	place(r, line, k->cookie, k->netns, k->ifindex, k->node);
	line->col[COL_PROTO] = protocol(k);
	line->col[COL_KEY] = dimension(r, k);
	line->benign = !strcmp(text->layer, "benign");
	line->undecided = !strcmp(text->layer, "undecided");
	return line;
}

static int read_skb(const void *key, const void *value, void *arg)
{
	struct reading *r = arg;
	struct drop_line *line = skb_line(r, key);

	if (!line)
		return -ENOMEM;
	line_add(line, value, r->cpus);
	if (r->over) {
		r->table->lost[LOST_OVER_PACKETS] += line->packets;
		r->table->lost[LOST_OVER_BYTES] += line->bytes;
	}
	return line_ok(line);
}

static const char *errno_name(__u32 code, char *buf, size_t size)
{
	const char *name = NULL;

#if __GLIBC_PREREQ(2, 32)
	name = strerrorname_np((int)code);
#endif
	if (name)
		return name;
	snprintf(buf, size, "%u", code);
	return buf;
}

static const char *action_name(__u32 action, char *buf, size_t size)
{
	static const char *const name[] = { "ABORTED", "DROP", "PASS", "TX", "REDIRECT" };

	if (action < sizeof(name) / sizeof(name[0]))
		return name[action];
	snprintf(buf, size, "ACTION_%u", action);
	return buf;
}

static void xdp_reason(const struct drop_xdp_key *k, char *buf, size_t size)
{
	char text[32];

	switch (k->kind) {
	case DROP_XDP_EXCEPTION:
		snprintf(buf, size, "XDP_EXCEPTION_%s", action_name(k->code, text, sizeof(text)));
		break;
	case DROP_XDP_REDIRECT:
		snprintf(buf, size, "XDP_REDIRECT_%s", errno_name(k->code, text, sizeof(text)));
		break;
	case DROP_XDP_DEVMAP:
	case DROP_XDP_TX:
		snprintf(buf, size, "%s_%s", k->kind == DROP_XDP_TX ? "XDP_TX" : "XDP_DEVMAP",
			 k->code ? errno_name(k->code, text, sizeof(text)) : "DROP");
		break;
	case DROP_XDP_CPUMAP:
		snprintf(buf, size, "XDP_CPUMAP_FULL");
		break;
	case DROP_XDP_CPUMAP_SKB:
		snprintf(buf, size, "XDP_CPUMAP_NOMEM");
		break;
	case DROP_XDP_CPUMAP_PROG:
		snprintf(buf, size, "XDP_CPUMAP_DROP");
		break;
	default:
		snprintf(buf, size, "XDP_KIND_%u", k->kind);
	}
}

static int read_xdp(const void *key, const void *value, void *arg)
{
	const struct drop_xdp_key *k = key;
	char reason[64], location[64] = "-";
	struct reading *r = arg;
	struct drop_line *line = drops_line(r->table);

	if (!line)
		return -ENOMEM;
	xdp_reason(k, reason, sizeof(reason));
	if (k->kind >= DROP_XDP_CPUMAP)
		snprintf(location, sizeof(location), "cpumap %u cpu %u", k->id, k->code);
	else if (k->id)
		snprintf(location, sizeof(location), "prog %.16s", *k->name ? k->name : "?");
	line->col[COL_LAYER] = strdup("xdp");
	line->col[COL_REASON] = strdup(reason);
	line->col[COL_LOCATION] = strdup(location);
	place(r, line, k->cookie, k->netns, k->ifindex, k->node);
	line->col[COL_PROTO] = strdup("-");
	line->col[COL_KEY] = strdup(NO_KEY);
	line_add(line, value, r->cpus);
	return line_ok(line);
}

static int home_compare(const void *a, const void *b)
{
	const struct home *x = a, *y = b;

	return number_compare(x->node, y->node);
}

static const struct home *home_find(const struct reading *r, __u32 node)
{
	const struct home want = { .node = node };

	return r->homes ? bsearch(&want, r->home, r->homes, sizeof(want), home_compare) : NULL;
}

static int read_home(const void *key, const void *value, void *arg)
{
	struct reading *r = arg;
	struct home *home = reallocarray(r->home, r->homes + 1, sizeof(*home));

	if (!home)
		return -ENOMEM;
	r->home = home;
	home += r->homes++;
	memset(home, 0, sizeof(*home));
	memcpy(&home->node, key, sizeof(home->node));
	memcpy(&home->value, value, sizeof(home->value));
	return 0;
}

static int read_cell(struct reading *r, const struct xdp_cell *cell, const struct home *home)
{
	char action[64], text[32], reason[64];
	struct drop_line *line = drops_line(r->table);

	if (!line)
		return -ENOMEM;
	snprintf(action, sizeof(action), "XDP_%s", action_name(cell->action, text, sizeof(text)));
	line->verdict = cell->action > 1; /* not XDP_ABORTED, XDP_DROP */
	line->packets = cell->packets;
	line->bytes = cell->bytes;
	line->col[COL_LAYER] = strdup("xdp");
	line->col[COL_REASON] = strdup(reason_xdp(cell->reason, reason, sizeof(reason)));
	line->col[COL_LOCATION] = strdup(action);
	place(r, line, home->value.cookie, home->value.netns, home->value.ifindex, home->node);
	line->col[COL_PROTO] = strdup("-");
	line->col[COL_KEY] = strdup(NO_KEY);
	return line_ok(line);
}

static int read_verdict(const void *key, const void *value, void *arg)
{
	const struct xdp_verdict *v = value;
	struct reading *r = arg;
	int err = 0;

	(void)key;
	for (int cpu = 0; cpu < r->cpus; cpu++) {
		r->table->lost[LOST_VERDICT_OVER] += v[cpu].over_packets;
		r->table->lost[LOST_VERDICT_EVICTED] += v[cpu].evicted;
		for (int i = 0; !err && i < XDP_CELLS; i++) {
			const struct xdp_cell *cell = &v[cpu].cell[i];
			const struct home *home = home_find(r, cell->device);

			if (home && cell->packets)
				err = read_cell(r, cell, home);
			else
				r->table->lost[LOST_VERDICT_OVER] += cell->packets;
		}
	}
	return err;
}

static int read_stat(const void *key, const void *value, void *arg)
{
	const struct drop_stat *st = value;
	struct reading *r = arg;
	__u64 *lost = r->table->lost;

	(void)key;
	for (int cpu = 0; cpu < r->cpus; cpu++) {
		lost[LOST_EVICTED] += st[cpu].evicted + st[cpu].xdp_evicted;
		lost[LOST_OVER_PACKETS] += st[cpu].over_packets;
		lost[LOST_OVER_BYTES] += st[cpu].over_bytes;
		lost[LOST_NO_ROW] += st[cpu].over_packets;
		lost[LOST_XDP_OVER] += st[cpu].xdp_over;
		lost[LOST_COUNTED] += st[cpu].xdp_counted;
		lost[LOST_SAMPLES] += st[cpu].samples;
		lost[LOST_SAMPLES_RATE] += st[cpu].samples_missed;
		lost[LOST_SAMPLES_RING] += st[cpu].samples_lost;
	}
	return 0;
}

static int read_homes(const struct options *opt, struct reading *r)
{
	int err = pin_read(opt, "xdp_home", false, NULL, read_home, r);

	if (!err && r->homes)
		qsort(r->home, r->homes, sizeof(*r->home), home_compare);
	return err;
}

/* Rows that are replaced during the read would appear twice, or not at all. */
#define READ_TRIES 3

static int read_rows(const struct options *opt, struct reading *r)
{
	struct drop_table *t = r->table;
	int err;

	drops_free(t);
	memset(t->lost, 0, sizeof(t->lost));
	err = pin_read(opt, "drop_stat", true, NULL, read_stat, r);
	r->over = true;
	if (!err)
		err = pin_read(opt, "drop_over", true, NULL, read_skb, r);
	r->over = false;
	if (!err)
		err = pin_read(opt, "drop_row", true, &t->rows, read_skb, r);
	if (!err)
		err = pin_read(opt, "drop_xdp", true, NULL, read_xdp, r);
	return err;
}

static bool rows_stayed(const struct options *opt, const struct reading *r)
{
	struct drop_table now = {};
	struct reading again = { .table = &now, .cpus = r->cpus };

	return pin_read(opt, "drop_stat", true, NULL, read_stat, &again) ||
	       now.lost[LOST_EVICTED] == r->table->lost[LOST_EVICTED];
}

int drops_read(const struct options *opt, struct drop_table *t)
{
	struct reading r;
	struct drop_cfg cfg = {};
	__u32 zero = 0;
	int fd, err;

	memset(t, 0, sizeof(*t));
	fd = err = pin_open(opt, "drop_cfg", true);
	if (err < 0)
		return err;
	if (!bpf_map_lookup_elem(fd, &zero, &cfg) && cfg.by < DROP_BY_MAX)
		t->by = cfg.by;
	close(fd);
	err = reading_open(opt, &r);
	r.table = t;
	for (int i = 0; !err && i < READ_TRIES; i++) {
		err = read_rows(opt, &r);
		if (err || rows_stayed(opt, &r))
			break;
	}
	if (!err)
		err = read_homes(opt, &r);
	if (!err)
		err = pin_read(opt, "xdp_verdict", false, &t->cells, read_verdict, &r);
	t->time = clock_ns(CLOCK_MONOTONIC);
	t->lost[LOST_MISSED] = programs_missed(opt, "drops");
	t->hidden = r.ksyms && ksyms_hidden(r.ksyms);
	t->nameless = r.reasons && !reasons_known(r.reasons);
	if (r.names) {
		t->unasked = names_unasked(r.names);
		if (!err)
			names_keep(r.names, opt);
	}
	reading_close(&r);
	if (!err)
		drops_merge(t);
	else
		drops_free(t);
	return err;
}

/* --- samples */

struct sampling {
	struct reading reading;
	int (*each)(const struct drop_sample *s, const struct drop_line *line, const char *flow,
		    void *arg);
	void *arg;
};

/* Addresses and ports of the headers in the sample, whatever drops are counted by. */
static char *sample_flow(const struct drop_sample *s)
{
	struct drop_key key = s->key;
	__u16 type = ntohs(key.l3proto), l4 = 0;
	const __u8 *ip;

	if (s->l3 > s->cap)
		return strdup(NO_KEY);
	ip = s->data + s->l3;
	key.sport = key.dport = 0;
	if (type == 0x0800 && s->l3 + 20 <= s->cap) {
		memcpy(key.src, ip + 12, 4);
		memcpy(key.dst, ip + 16, 4);
		if (!((ip[6] & 0x1f) | ip[7]))
			l4 = s->l3 + (ip[0] & 15) * 4;
	} else if (type == 0x86dd && s->l3 + 40 <= s->cap) {
		memcpy(key.src, ip + 8, 16);
		memcpy(key.dst, ip + 24, 16);
		if (ip[6] == key.l4proto)
			l4 = s->l3 + 40;
	} else if (type == 0x0806 && s->l3 + 28 <= s->cap) {
		memcpy(key.src, ip + 14, 4);
		memcpy(key.dst, ip + 24, 4);
	} else {
		return strdup(NO_KEY);
	}
	if (l4 && l4 + 4 <= s->cap && (key.l4proto == IPPROTO_TCP || key.l4proto == IPPROTO_UDP)) {
		memcpy(&key.sport, s->data + l4, 2);
		memcpy(&key.dport, s->data + l4 + 2, 2);
	}
	return flow(&key);
}

static int sample_row(void *ctx, void *data, size_t size)
{
	const struct drop_sample *s = data;
	struct sampling *sampling = ctx;
	struct drop_table t = {};
	struct drop_line *line;
	int err = -ENOMEM;
	char *text;

	if (size < sizeof(*s) || s->cap > sizeof(s->data))
		return 0;
	sampling->reading.table = &t;
	line = skb_line(&sampling->reading, &s->key);
	text = sample_flow(s);
	if (line && !line_ok(line) && text)
		err = sampling->each(s, line, text, sampling->arg);
	free(text);
	drops_free(&t);
	return err;
}

int drops_samples(const struct options *opt,
		  int (*each)(const struct drop_sample *s, const struct drop_line *line,
			      const char *flow, void *arg),
		  void *arg)
{
	struct sampling sampling = { .each = each, .arg = arg };
	struct ring_buffer *ring = NULL;
	ino_t pin = pin_inode(opt, "drop_ring");
	char path[4096];
	int fd, lock, err;

	fd = err = pin_open(opt, "drop_ring", true);
	if (err < 0)
		return err;
	close(fd);
	lock = reader_lock(opt, "drops");
	if (lock < 0)
		return -EBUSY;
	/* reading moves the ring's tail: that needs a descriptor that may write */
	fd = pin_get(opt, pin_path(opt, "drop_ring", path, sizeof(path)), 0);
	err = reading_open(opt, &sampling.reading);
	if (!err) {
		ring = fd >= 0 ? ring_buffer__new(fd, sample_row, &sampling, NULL) : NULL;
		if (libbpf_get_error(ring) || !ring) {
			ring = NULL;
			err = -errno;
			pin_fail(path, err);
		}
	}
	while (!err) {
		int n = ring_buffer__poll(ring, 1000);

		err = n < 0 && n != -EINTR ? n : pin_same(opt, "drops", "drop_ring", pin);
	}
	if (err == -ECANCELED)
		err = 0;
	ring_buffer__free(ring);
	reading_close(&sampling.reading);
	if (fd >= 0)
		close(fd);
	close(lock);
	return err;
}
