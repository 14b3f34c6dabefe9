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
	line->col[COL_PROTO] = drop_protocol(k);
	line->col[COL_KEY] = r->over && r->table->by ? strdup(OTHER) : drop_dimension(k);
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

static int read_xdp(const void *key, const void *value, void *arg)
{
	const struct drop_xdp_key *k = key;
	char reason[64], location[64] = "-";
	struct reading *r = arg;
	struct drop_line *line = drops_line(r->table);

	if (!line)
		return -ENOMEM;
	drop_xdp_reason(k, reason, sizeof(reason));
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

	return x->node < y->node ? -1 : x->node > y->node;
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
	snprintf(action, sizeof(action), "XDP_%s", drop_action(cell->action, text, sizeof(text)));
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
	return drop_flow(&key);
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
