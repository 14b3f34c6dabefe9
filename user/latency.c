// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency.c - hookmap latency: where packets spend their time.
 *
 * JSON, a row a stage pair and a row a total (all times in ns):
 *   kind      "stage": time between two stages that follow each other
 *             "again": the same, to a stage that the packet has passed before: it comes a
 *             second time as what was inside it (decapsulated, decrypted)
 *             "total": time from the first stage to this one
 *   from, to  xdp tc prerouting input socket app container
 *   device    the device entered last; netns: its namespace
 *   count sum_ns min_ns max_ns p50_ns p90_ns p99_ns p999_ns
 *   buckets   with --buckets: [[le_ns, packets], ...], empty ones left out
 * and "lost": packets seen, sampled, started (given a slot at tc), read, on_the_way, last_seen
 * (by stage, of those of which nothing was heard for a second), not_sampled,
 * and by cause slot_reused, bad_clock, table_full, merged (by GRO, behind another
 * one that was chosen); not_at_tc: sampled, and not seen again at tc (merged, dropped
 * or redirected by another XDP program, or moved to another CPU by RPS).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "prom.h"
#include "verb.h"

static struct {
	bool hist, buckets, explain;
	const char *device, *netns;
} asked;

static const char *const stage_name[LAT_STAGES] = {
	[LAT_XDP] = "xdp",
	[LAT_TC] = "tc",
	[LAT_PREROUTING] = "prerouting",
	[LAT_INPUT] = "input",
	[LAT_SOCKET] = "socket",
	[LAT_APP] = "app",
	[LAT_CONTAINER] = "container",
};

/* Where a stage stands in the journey: the container's hook is between the
 * host's PREROUTING and the socket. */
static const int stage_rank[LAT_STAGES] = {
	[LAT_XDP] = 1,	 [LAT_TC] = 2,	   [LAT_PREROUTING] = 3, [LAT_CONTAINER] = 4,
	[LAT_INPUT] = 5, [LAT_SOCKET] = 6, [LAT_APP] = 7,
};

static const char *const lost_key[LAT_LOST_MAX] = {
	[LAT_LOST_SLOT] = "slot_reused",
	[LAT_LOST_CLOCK] = "bad_clock",
	[LAT_LOST_FULL] = "table_full",
	[LAT_LOST_MERGED] = "merged",
};

struct pair {
	struct lat_key key; /* octave 0 */
	__u32 order;	    /* of its device; for Prometheus only */
	struct hist hist;
};

enum count {
	SEEN,
	SAMPLED,
	STARTED,
	ENDED,
	MISSED,			    /* runs that the kernel left out */
	LOST,			    /* and LAT_LOST_MAX */
	GONE = LOST + LAT_LOST_MAX, /* and LAT_STAGES */
	COUNTS = GONE + LAT_STAGES,
};

#define STALE_NS 1000000000ULL

struct snapshot {
	struct generation generation; /* of all that follows */
	struct pair *pairs;
	size_t npairs;
	__u64 count[COUNTS];
	__u64 stale[LAT_STAGES]; /* stamps that have a slot, and have not moved for STALE_NS */
	__u64 time;
	__u32 sample;
	int cpus;
};

static struct pair *snapshot_find(struct snapshot *s, const struct lat_key *key)
{
	struct lat_key want = *key;

	want.octave = 0;
	for (size_t i = 0; i < s->npairs; i++) {
		if (!memcmp(&s->pairs[i].key, &want, sizeof(want)))
			return &s->pairs[i];
	}
	return NULL;
}

static int snapshot_row(const void *key, const void *value, void *arg)
{
	const struct lat_row *row = value;
	const struct lat_key *k = key;
	struct snapshot *s = arg;
	struct pair *p;

	p = snapshot_find(s, k);
	if (!p) {
		p = reallocarray(s->pairs, s->npairs + 1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		s->pairs = p;
		p += s->npairs++;
		memset(p, 0, sizeof(*p));
		p->key = *k;
		p->key.octave = 0;
	}
	for (int cpu = 0; cpu < s->cpus; cpu++)
		hist_add(&p->hist, k->octave, &row[cpu]);
	return 0;
}

#define LAT_KIND (LAT_TOTAL | LAT_AGAIN)

static int pair_compare(const void *a, const void *b)
{
	const struct lat_key *x = &((const struct pair *)a)->key,
			     *y = &((const struct pair *)b)->key;
	int kind = (x->to & LAT_KIND) - (y->to & LAT_KIND);
	__u8 xto = x->to & ~LAT_KIND, yto = y->to & ~LAT_KIND;

	if (kind)
		return kind;
	if (xto < LAT_STAGES && yto < LAT_STAGES && stage_rank[xto] != stage_rank[yto])
		return stage_rank[xto] - stage_rank[yto];
	return memcmp(x, y, sizeof(*x));
}

static int cfg_row(const void *key, const void *value, void *arg)
{
	const struct lat_cfg *cfg = value;
	struct snapshot *s = arg;

	(void)key;
	s->sample = cfg->sample ? cfg->sample : 1;
	return 0;
}

static int stat_row(const void *key, const void *value, void *arg)
{
	const struct lat_stat *st = value;
	struct snapshot *s = arg;

	(void)key;
	for (int cpu = 0; cpu < s->cpus; cpu++) {
		s->count[SEEN] += st[cpu].seen;
		s->count[SAMPLED] += st[cpu].sampled;
		s->count[STARTED] += st[cpu].started;
		for (int i = 0; i < LAT_LOST_MAX; i++)
			s->count[LOST + i] += st[cpu].lost[i];
		for (int i = 0; i < LAT_STAGES; i++)
			s->count[GONE + i] += st[cpu].gone[i];
		s->count[ENDED] += st[cpu].ended;
	}
	return 0;
}

static int stamp_row(const void *key, const void *value, void *arg)
{
	const struct lat_stamp *stamp = value;
	struct snapshot *s = arg;

	/* slot 0 is none */
	if (*(const __u32 *)key && stamp->skb && stamp->stage < LAT_STAGES &&
	    s->time > stamp->last + STALE_NS)
		s->stale[stamp->stage]++;
	return 0;
}

static int read_map(const struct options *opt, const char *name, struct snapshot *s,
		    int (*each)(const void *key, const void *value, void *arg))
{
	int fd = pin_open(opt, name, true), err;

	if (fd < 0)
		return fd;
	err = generation_get(fd, &s->generation);
	if (!err)
		err = pin_each(fd, pin_find(name), each, s);
	close(fd);
	if (err)
		fail("map %s: %s", name, strerror(-err));
	return err;
}

/* Opens the pins each time: with -i, what is attached may be detached, and attached again. */
static int snapshot_read(const struct options *opt, struct snapshot *s)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->cpus = libbpf_num_possible_cpus();
	s->time = clock_ns(CLOCK_MONOTONIC);
	err = read_map(opt, "lat_cfg", s, cfg_row);
	if (!err)
		err = read_map(opt, "lat_stat", s, stat_row);
	if (!err && !opt->interval && opt->output != OUT_PROM)
		err = read_map(opt, "lat_stamp", s, stamp_row);
	if (!err)
		err = read_map(opt, "lat_hist", s, snapshot_row);
	if (!err && s->npairs)
		qsort(s->pairs, s->npairs, sizeof(*s->pairs), pair_compare);
	s->count[MISSED] = programs_missed(opt, "latency");
	return err;
}

static void snapshot_growth(struct snapshot *s, struct snapshot *old)
{
	bool same = generation_same(&s->generation, &old->generation);

	counters_growth(same, s->count, old->count, COUNTS);
	for (size_t i = 0; i < s->npairs; i++) {
		struct pair *p = snapshot_find(old, &s->pairs[i].key);

		if (p)
			hist_growth(same, &s->pairs[i].hist, &p->hist);
	}
}

static const char *stage_str(__u8 stage)
{
	stage &= ~LAT_KIND;
	return stage < LAT_STAGES && stage_name[stage] ? stage_name[stage] : "?";
}

static const char *kind_str(const struct lat_key *key)
{
	if (key->to & LAT_AGAIN)
		return "again";
	return key->to & LAT_TOTAL ? "total" : "stage";
}

static struct json_object *buckets_json(const struct hist *h)
{
	struct json_object *list = json_object_new_array(), *pair;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		pair = json_object_new_array();
		json_object_array_add(pair, json_object_new_uint64(hist_le(i)));
		json_object_array_add(pair, json_object_new_uint64(h->bucket[i]));
		json_object_array_add(list, pair);
	}
	return list;
}

/* Stamps that nothing more will be heard of, perhaps, at STAGE. */
static __u64 last_seen(const struct snapshot *s, int stage)
{
	return s->count[GONE + stage] + s->stale[stage];
}

static __u64 on_the_way(const struct snapshot *s)
{
	__u64 over = s->count[ENDED];

	for (int i = 0; i < LAT_STAGES; i++)
		over += last_seen(s, i);
	return counter_rest(s->count[STARTED], over);
}

/* Of the stamps that were started, how many ended where. */
static struct json_object *gone_json(const struct snapshot *s)
{
	struct json_object *gone = json_object_new_object();

	for (int i = LAT_TC; i < LAT_STAGES; i++)
		if (i != LAT_APP)
			json_object_object_add(gone, stage_name[i],
					       json_object_new_uint64(last_seen(s, i)));
	return gone;
}

static struct json_object *lost_json(const struct snapshot *s)
{
	struct json_object *lost = json_object_new_object();
	const __u64 *n = s->count;

	json_object_object_add(lost, "seen", json_object_new_uint64(n[SEEN]));
	json_object_object_add(lost, "sampled", json_object_new_uint64(n[SAMPLED]));
	json_object_object_add(lost, "started", json_object_new_uint64(n[STARTED]));
	json_object_object_add(lost, "not_sampled",
			       json_object_new_uint64(counter_rest(n[SEEN], n[SAMPLED])));
	json_object_object_add(lost, "not_at_tc",
			       json_object_new_uint64(counter_rest(n[SAMPLED], n[STARTED])));
	for (int i = 0; i < LAT_LOST_MAX; i++)
		json_object_object_add(lost, lost_key[i], json_object_new_uint64(n[LOST + i]));
	json_object_object_add(lost, "sample", json_object_new_uint64(s->sample));
	json_object_object_add(lost, "missed", json_object_new_uint64(n[MISSED]));
	json_object_object_add(lost, "read", json_object_new_uint64(n[ENDED]));
	json_object_object_add(lost, "on_the_way", json_object_new_uint64(on_the_way(s)));
	json_object_object_add(lost, "last_seen", gone_json(s));
	return lost;
}

static const struct out_col latency_cols[] = {
	{ "kind", "KIND", OUT_STR },   { "from", "FROM", OUT_STR },
	{ "to", "TO", OUT_STR },       { "device", "DEVICE", OUT_STR },
	{ "netns", "NETNS", OUT_STR }, { "count", "COUNT", OUT_U64 },
	{ "sum_ns", NULL, OUT_NS },    { "min_ns", NULL, OUT_NS },
	{ "p50_ns", "P50", OUT_NS },   { "p90_ns", "P90", OUT_NS },
	{ "p99_ns", "P99", OUT_NS },   { "p999_ns", "P99.9", OUT_NS },
	{ "max_ns", "MAX", OUT_NS },
};

/* Is the row one that OPT asks for? */
static bool is_shown(struct names *names, const struct pair *p)
{
	const struct lat_key *key = &p->key;

	if (asked.device && strcmp(asked.device, names_device(names, key->nsid, key->ifindex)))
		return false;
	if (asked.netns && strcmp(asked.netns, names_netns(names, key->nsid)))
		return false;
	return p->hist.count;
}

/* --explain: each pair of stages once */
static void show_explain(const struct snapshot *s, struct names *names)
{
	const struct lat_key *last = NULL;

	putchar('\n');
	for (size_t i = 0; i < s->npairs; i++) {
		const struct lat_key *key = &s->pairs[i].key;
		const char *from = stage_str(key->from), *to = stage_str(key->to);
		const struct reason_text *text = latency_text(from, to);

		if (!is_shown(names, &s->pairs[i]) || key->to & LAT_TOTAL ||
		    (last && last->from == key->from && last->to == key->to))
			continue;
		last = key;
		printf("%s to %s: %s; look at: %s\n", from, to, text->means, text->look);
	}
	printf("total: from the first stage to this one; its packets are those that came so far\n");
}

static int show_rows(const struct options *opt, const struct snapshot *s, struct names *names)
{
	size_t shown = 0;
	struct out *o = out_new(opt, latency_cols, sizeof(latency_cols) / sizeof(latency_cols[0]));

	if (!o)
		return -ENOMEM;
	for (size_t i = 0; i < s->npairs; i++) {
		const struct lat_key *key = &s->pairs[i].key;
		const struct hist *h = &s->pairs[i].hist;

		if (!is_shown(names, &s->pairs[i]))
			continue;
		shown++;
		out_row(o);
		out_str(o, kind_str(key));
		out_str(o, stage_str(key->from));
		out_str(o, stage_str(key->to));
		out_str(o, names_device(names, key->nsid, key->ifindex));
		out_str(o, names_netns(names, key->nsid));
		out_u64(o, h->count);
		out_u64(o, h->sum);
		out_u64(o, h->min);
		out_quantile(o, h, 0.5);
		out_quantile(o, h, 0.9);
		out_quantile(o, h, 0.99);
		out_quantile(o, h, 0.999);
		out_u64(o, h->max);
		if (asked.buckets)
			out_json(o, "buckets", buckets_json(h));
		if (asked.explain && !(key->to & LAT_TOTAL)) {
			const struct reason_text *text =
				latency_text(stage_str(key->from), stage_str(key->to));

			out_json(o, "means", json_text(text->means));
			out_json(o, "look", json_text(text->look));
		}
	}
	if (opt->output == OUT_JSON) {
		struct json_object *top = json_object_new_object();

		out_section(o, top, "rows", NULL);
		json_object_object_add(top, "lost", lost_json(s));
		json_print(opt, top);
		json_object_put(top);
	} else {
		char device[TEXT_MAX];

		if (!shown)
			printf("nothing measured %s%s%s\n",
			       opt->interval > 0 ? "in this interval" : "yet",
			       asked.device ? " on " : "",
			       text_plain(asked.device ?: "", device, sizeof(device)));
		out_section(o, NULL, NULL, NULL);
	}
	return 0;
}

static void show_lost(const struct options *opt, const struct snapshot *s)
{
	const __u64 *n = s->count;

	printf("\n%s%llu packets seen, %llu sampled (1 in %u), %llu of them measured\n",
	       asked.device || asked.netns ? "all devices: " : "", n[SEEN], n[SAMPLED], s->sample,
	       n[STARTED]);
	printf("lost: %llu slot reused, %llu bad clock, %llu table full, %llu not seen at tc (%llu "
	       "of them merged by GRO)\n",
	       n[LOST + LAT_LOST_SLOT], n[LOST + LAT_LOST_CLOCK], n[LOST + LAT_LOST_FULL],
	       counter_rest(n[SAMPLED], n[STARTED]), n[LOST + LAT_LOST_MERGED]);
	printf("ends: %llu read by applications, %llu on the way", n[ENDED], on_the_way(s));
	for (int i = LAT_TC; i < LAT_STAGES; i++)
		if (last_seen(s, i))
			printf(", %llu last seen at %s", last_seen(s, i), stage_name[i]);
	putchar('\n');
	if (n[SEEN] && !n[SAMPLED] && s->sample > 1)
		printf("to measure each packet: attach.sh DEV --sample 1\n");
	if (!opt->interval)
		programs_since(opt, "latency");
	if (n[MISSED])
		printf("missed: %llu packets while another was being measured on that CPU\n",
		       n[MISSED]);
}

static void each_title(const struct pair *p, struct names *names, const char *lead)
{
	char device[TEXT_MAX], netns[TEXT_MAX];

	printf("%s%s %s -> %s, %s in netns %s, %llu packets\n", lead, kind_str(&p->key),
	       stage_str(p->key.from), stage_str(p->key.to),
	       text_plain(names_device(names, p->key.nsid, p->key.ifindex), device, sizeof(device)),
	       text_plain(names_netns(names, p->key.nsid), netns, sizeof(netns)), p->hist.count);
}

/* By device in the order of attaching: see prom.h. */
static int pair_age(const void *a, const void *b)
{
	const struct lat_key *x = &((const struct pair *)a)->key,
			     *y = &((const struct pair *)b)->key;
	__u32 xo = ((const struct pair *)a)->order, yo = ((const struct pair *)b)->order;

	if (xo != yo)
		return xo < yo ? -1 : 1;
	if (x->nsid != y->nsid)
		return x->nsid - y->nsid;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return pair_compare(a, b);
}

static void show_prom(struct prom *prom, const struct snapshot *s, struct names *names)
{
	for (size_t i = 0; i < s->npairs; i++)
		s->pairs[i].order =
			names_order(names, s->pairs[i].key.nsid, s->pairs[i].key.ifindex);
	if (s->npairs)
		qsort(s->pairs, s->npairs, sizeof(*s->pairs), pair_age);
	for (size_t i = 0; i < s->npairs; i++) {
		const struct lat_key *key = &s->pairs[i].key;
		char to[32];

		snprintf(to, sizeof(to), "%s%s", stage_str(key->to),
			 key->to & LAT_AGAIN ? "_again" : "");
		prom_hist(prom, key->to & LAT_TOTAL ? PROM_TOTAL : PROM_STAGE, &s->pairs[i].hist,
			  stage_str(key->from), to, names_device(names, key->nsid, key->ifindex),
			  names_netns(names, key->nsid));
	}
	prom_add(prom, PROM_STAGE_SEEN, s->count[SEEN]);
	prom_add(prom, PROM_STAGE_SAMPLED, s->count[SAMPLED]);
	for (int i = 0; i < LAT_LOST_MAX; i++)
		prom_add(prom, PROM_STAGE_LOST, s->count[LOST + i], lost_key[i]);
}

static int show(const struct options *opt, const struct snapshot *s, struct names *names)
{
	int err = 0;

	switch (opt->output) {
	case OUT_PROM:
		show_prom(opt->prom, s, names);
		break;
	case OUT_HGRM:
		for (size_t i = 0; i < s->npairs; i++) {
			if (!is_shown(names, &s->pairs[i]))
				continue;
			each_title(&s->pairs[i], names, i ? "\n# " : "# ");
			hist_hgrm(&s->pairs[i].hist, stdout);
		}
		break;
	case OUT_JSON:
		err = show_rows(opt, s, names);
		break;
	case OUT_TEXT:
		err = show_rows(opt, s, names);
		for (size_t i = 0; asked.hist && i < s->npairs; i++) {
			if (!is_shown(names, &s->pairs[i]))
				continue;
			each_title(&s->pairs[i], names, "\n");
			hist_draw(&s->pairs[i].hist, stdout);
		}
		show_lost(opt, s);
		if (asked.explain)
			show_explain(s, names);
		break;
	}
	fflush(stdout);
	return err;
}

/* With -i, what came in each interval; a table is redrawn in place on a terminal. */
static int show_changes(const struct options *opt)
{
	bool redraw = opt->output == OUT_TEXT && isatty(STDOUT_FILENO);
	struct snapshot last, now, shown;
	struct names *names;
	int err = snapshot_read(opt, &last);

	for (unsigned long n = 0; !err && (!opt->count || n < opt->count); n++) {
		wait_seconds(opt->interval);
		err = snapshot_read(opt, &now);
		if (err) {
			free(now.pairs);
			break;
		}
		shown = now;
		shown.pairs = calloc(now.npairs + 1, sizeof(*shown.pairs));
		if (!shown.pairs) {
			free(now.pairs);
			err = -ENOMEM;
			break;
		}
		if (now.npairs)
			memcpy(shown.pairs, now.pairs, now.npairs * sizeof(*shown.pairs));
		snapshot_growth(&shown, &last);
		/* looked up anew: what is attached may be another, and renamed */
		names = names_new(opt);
		if (redraw)
			printf("\033[H\033[J");
		err = names ? show(opt, &shown, names) : -ENOMEM;
		names_free(names);
		free(shown.pairs);
		free(last.pairs);
		last = now;
	}
	free(last.pairs);
	return err;
}

int latency_worst(const struct options *opt, struct latency_worst *worst)
{
	struct names *names = names_new(opt);
	struct snapshot s = {};
	int err = names ? snapshot_read(opt, &s) : -ENOMEM;

	memset(worst, 0, sizeof(*worst));
	for (size_t i = 0; !err && i < s.npairs; i++) {
		const struct lat_key *key = &s.pairs[i].key;
		__u64 p50 = hist_quantile(&s.pairs[i].hist, 0.5);

		if (key->to & LAT_TOTAL || !s.pairs[i].hist.count || p50 < worst->p50)
			continue;
		worst->from = stage_str(key->from);
		worst->to = stage_str(key->to);
		worst->count = s.pairs[i].hist.count;
		worst->p50 = p50;
		snprintf(worst->device, sizeof(worst->device), "%s",
			 names_device(names, key->nsid, key->ifindex));
		snprintf(worst->netns, sizeof(worst->netns), "%s", names_netns(names, key->nsid));
	}
	free(s.pairs);
	names_free(names);
	return err;
}

static int latency_run(const struct options *opt)
{
	struct names *names;
	struct snapshot s = {};
	int err;

	if (opt->interval > 0)
		return show_changes(opt) < 0;
	names = names_new(opt);
	if (!names) {
		err = -ENOMEM;
		fail("latency: %s", strerror(ENOMEM));
	} else {
		err = snapshot_read(opt, &s);
		if (!err)
			err = show(opt, &s, names);
		free(s.pairs);
	}
	names_free(names);
	return err < 0;
}

static const char *latency_wrong(const struct options *opt)
{
	return (asked.device || asked.netns) && opt->output == OUT_PROM ? "--prom shows all devices"
									: NULL;
}

static const struct arg latency_args[] = {
	{ .name = "hgrm",
	  .kind = ARG_OUTPUT,
	  .value = OUT_HGRM,
	  .help = "HdrHistogram percentile distribution" },
	{ .name = "hist", .kind = ARG_FLAG, .to = &asked.hist, .help = "draw the distributions" },
	{ .name = "buckets",
	  .kind = ARG_FLAG,
	  .to = &asked.buckets,
	  .help = "add the histogram buckets to JSON" },
	{ .name = "explain",
	  .kind = ARG_FLAG,
	  .to = &asked.explain,
	  .help = "what the rows mean, and where to look next" },
	ARG_DEV(&asked.device),
	ARG_NETNS(&asked.netns),
	{},
};

VERB(latency, .help = "time between the stages of the receive path", .run = latency_run,
     .takes = VERB_PROM | VERB_REPEATS, .args = latency_args, .device = &asked.device,
     .pin = "lat_cfg", .wrong = latency_wrong)
