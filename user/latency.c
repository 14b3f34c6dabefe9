// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency.c - hookmap latency: where packets spend their time.
 *
 * JSON, besides what hists.h says, one row per pair of stages and one per total:
 *   kind      "stage": time between two stages that follow each other
 *             "again": the same, to a stage that the packet reaches a second time, after
 *             decapsulation or decryption
 *             "total": time from the first stage to this one
 *   from, to  xdp tc prerouting input socket app container
 *   device    the device entered last; netns: its namespace; "if<number>" and "-" if it was
 *             attached by hand and the device of that number here has no such filter
 * and "lost": packets seen, sampled, started (given a slot at tc), read, on_the_way, last_seen
 * (by stage, those not seen for a second), not_sampled, and by cause slot_reused,
 * bad_clock, table_full, merged (by GRO, behind another sampled packet); not_at_tc:
 * sampled, and not seen again at tc (merged, dropped or redirected by another XDP
 * program, or moved to another CPU by RPS).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>

#include <bpf/bpf.h>

#include "hists.h"
#include "settings.h"

PROM_FAMILY(stage, HISTOGRAM, "stage_latency_seconds", "from,to,device*,netns*", 24, 10,
	    "Time between two stages of the receive path.")
PROM_FAMILY(total, HISTOGRAM, "total_latency_seconds", "from,to,device*,netns*", 6, 3,
	    "Time from the first stage to this one.")
PROM_FAMILY(stage_seen, COUNTER, "stage_seen_packets_total", "", 1, 0,
	    "Packets at the first stage that match the filter.")
PROM_FAMILY(stage_sampled, COUNTER, "stage_sampled_packets_total", "", 1, 0,
	    "Packets chosen for measurement.")
PROM_FAMILY(stage_lost, COUNTER, "stage_lost_total", "cause", 16, 0, "Measurements lost, by cause.")

static bool explain;
static __u32 hist_id;  /* of the pinned lat_hist */
static bool elsewhere; /* a row's device was attached by hand elsewhere */

#define MAX_MAPS 64

static const char *const stage_name[LAT_STAGES] = {
	[LAT_XDP] = "xdp",
	[LAT_TC] = "tc",
	[LAT_PREROUTING] = "prerouting",
	[LAT_INPUT] = "input",
	[LAT_SOCKET] = "socket",
	[LAT_APP] = "app",
	[LAT_CONTAINER] = "container",
};

/* The position of a stage: the container's hook is between the host's PREROUTING and the socket. */
static const int stage_rank[LAT_STAGES] = {
	[LAT_XDP] = 1,	 [LAT_TC] = 2,	   [LAT_PREROUTING] = 3, [LAT_CONTAINER] = 4,
	[LAT_INPUT] = 5, [LAT_SOCKET] = 6, [LAT_APP] = 7,
};

/* Data besides histograms and counters */
struct latency_more {
	__u64 time;
	__u64 stale[LAT_STAGES]; /* stamps that have a slot, and have not moved for LAT_STALE_NS */
	__u32 sample;
};

#define LAT_KIND (LAT_TOTAL | LAT_AGAIN)

static int by_stage(const struct hist_row *a, const struct hist_row *b)
{
	const struct lat_key *x = (const void *)a->key, *y = (const void *)b->key;
	int kind = (x->to & LAT_KIND) - (y->to & LAT_KIND);
	__u8 xto = x->to & ~LAT_KIND, yto = y->to & ~LAT_KIND;

	if (kind)
		return kind;
	if (xto < LAT_STAGES && yto < LAT_STAGES && stage_rank[xto] != stage_rank[yto])
		return stage_rank[xto] - stage_rank[yto];
	return memcmp(x, y, sizeof(*x));
}

static __u64 row_age(const struct hist_row *row, struct names *names)
{
	const struct lat_key *key = (const void *)row->key;

	/* devices in the order of attaching */
	return (__u64)names_order(names, key->nsid, key->ifindex) << 32 | key->ifindex;
}

static int cfg_row(const void *key, const void *value, void *arg)
{
	struct latency_more *more = arg;

	(void)key;
	more->sample = ((const struct lat_cfg *)value)->sample ?: 1;
	return 0;
}

static int stamp_row(const void *key, const void *value, void *arg)
{
	const struct lat_stamp *stamp = value;
	struct latency_more *more = arg;

	/* slot 0 is none */
	if (*(const __u32 *)key && stamp->skb && stamp->stage < LAT_STAGES &&
	    more->time > stamp->last + LAT_STALE_NS)
		more->stale[stamp->stage]++;
	return 0;
}

static int more_read(const struct options *opt, struct hists *h)
{
	struct latency_more *more = h->more;
	int err = pin_read(opt, "lat_cfg", true, NULL, cfg_row, more);
	int fd = err ? -1 : pin_open(opt, "lat_hist", false);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	elsewhere = false;
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		hist_id = info.id;
	if (fd >= 0)
		close(fd);
	more->time = clock_ns(CLOCK_MONOTONIC);
	if (!err && !opt->interval && opt->output != OUT_PROM)
		err = pin_read(opt, "lat_stamp", true, NULL, stamp_row, more);
	return err;
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

static const struct lat_stat *stat_of(const struct hists *h)
{
	return (const void *)h->count;
}

/* Stamps that probably ended at STAGE. */
static __u64 last_seen(const struct hists *h, int stage)
{
	return stat_of(h)->gone[stage] + ((const struct latency_more *)h->more)->stale[stage];
}

static __u64 on_the_way(const struct hists *h)
{
	__u64 over = stat_of(h)->ended;

	for (int i = 0; i < LAT_STAGES; i++)
		over += last_seen(h, i);
	return counter_rest(stat_of(h)->started, over);
}

static void lost_json(const struct hists *h)
{
	const struct lat_stat *n = stat_of(h);

	json_u64("not_sampled", counter_rest(n->seen, n->sampled));
	json_u64("not_at_tc", counter_rest(n->sampled, n->started));
	json_u64("sample", ((const struct latency_more *)h->more)->sample);
	json_u64("on_the_way", on_the_way(h));
	json_open("last_seen", '{');
	for (int i = LAT_TC; i < LAT_STAGES; i++) {
		if (i != LAT_APP)
			json_u64(stage_name[i], last_seen(h, i));
	}
	json_close();
}

static const struct out_col cols[] = {
	{ "kind", "KIND", OUT_STR },	 { "from", "FROM", OUT_STR },	{ "to", "TO", OUT_STR },
	{ "device", "DEVICE", OUT_STR }, { "netns", "NETNS", OUT_STR }, HIST_COLS_NS,
};

/* Is it a filter without an nsid that uses our map? Yes if the user may not read that. */
static bool is_by_hand(__u32 id, __u32 class, const void *arg)
{
	__u32 ids[MAX_MAPS];
	struct bpf_prog_info info = { .nr_map_ids = MAX_MAPS,
				      .map_ids = (__u64)(unsigned long)ids };
	bool is = false;
	int err;

	(void)arg;
	if ((__u8) class)
		return false;
	err = program_info(id, &info);
	if (err)
		return err == -EPERM;
	for (__u32 i = 0; i < info.nr_map_ids && i < MAX_MAPS; i++)
		is |= ids[i] == hist_id;
	return is;
}

/* A row without an nsid is from a filter attached by hand in any namespace. It can be from the
 * reader's own device of that number only if that device has such a filter. */
static void row_name(const struct hist_row *row, struct names *names, struct hist_name *name)
{
	const struct lat_key *key = (const void *)row->key;
	const char *device = names_device(names, key->nsid, key->ifindex), *netns;
	char number[16];

	name->text[0] = kind_str(key);
	name->text[1] = stage_str(key->from);
	name->text[2] = stage_str(key->to);
	if (!key->nsid && !filter_pref(names, 0, key->ifindex, is_by_hand, NULL)) {
		elsewhere = true;
		hist_name_bytes(name, 3, number, sprintf(number, "if%u", key->ifindex));
		name->text[4] = "-";
		return;
	}
	hist_name_bytes(name, 3, device, strlen(device));
	netns = names_netns(names, key->nsid);
	hist_name_bytes(name, 4, netns, strlen(netns));
}

static void row_prom(const struct hist_row *row, const struct hist_name *name)
{
	const struct lat_key *key = (const void *)row->key;
	char to[32];

	snprintf(to, sizeof(to), "%s%s", name->text[2], key->to & LAT_AGAIN ? "_again" : "");
	prom_hist(key->to & LAT_TOTAL ? &prom_total : &prom_stage, &row->hist, name->text[1], to,
		  name->text[3], name->text[4]);
}

static const struct reason_text *row_text(const struct hist_row *row)
{
	const struct lat_key *key = (const void *)row->key;

	return latency_text(stage_str(key->from), stage_str(key->to));
}

static void row_explain(struct out *o, const struct hists *h, const struct hist_row *row)
{
	(void)o, (void)h;
	if (!explain || ((const struct lat_key *)row->key)->to & LAT_TOTAL)
		return;
	json_str("means", row_text(row)->means);
	json_str("look", row_text(row)->look);
}

/* --explain: each pair of stages once */
static void show_explain(const struct hists *h)
{
	const struct lat_key *last = NULL;

	putchar('\n');
	for (size_t i = 0; i < h->n; i++) {
		const struct lat_key *key = (const void *)h->shown[i]->key;

		if (!h->shown[i]->hist.count || key->to & LAT_TOTAL ||
		    (last && last->from == key->from && last->to == key->to))
			continue;
		last = key;
		printf("%s to %s: %s; look at: %s\n", stage_str(key->from), stage_str(key->to),
		       row_text(h->shown[i])->means, row_text(h->shown[i])->look);
	}
	printf("total: from the first stage to this one, of the packets that reached it\n");
}

static int show_rest(const struct options *opt, const struct hists *h)
{
	__u32 sample = ((const struct latency_more *)h->more)->sample;
	const struct lat_stat *n = stat_of(h);

	(void)opt;
	if (json_on())
		return 0;
	printf("%s%llu packets seen, %llu sampled (1 in %u), %llu of them measured, %llu not "
	       "seen "
	       "at tc\n",
	       hists_asked.device || hists_asked.netns ? "all devices: " : "", n->seen, n->sampled,
	       sample, n->started, counter_rest(n->sampled, n->started));
	printf("ends: %llu read by applications, %llu on the way", n->ended, on_the_way(h));
	for (int i = LAT_TC; i < LAT_STAGES; i++) {
		if (last_seen(h, i))
			printf(", %llu last seen at %s", last_seen(h, i), stage_name[i]);
	}
	putchar('\n');
	if (elsewhere && !hists_asked.device && !hists_asked.netns)
		printf("NETNS -: attached by hand in another network namespace (or detached "
		       "since): "
		       "read "
		       "it there (nsenter --net=/run/netns/NAME -- hookmap latency)\n");
	if (n->seen && !n->sampled && sample > 1)
		printf("to measure each packet: attach.sh DEV --sample 1\n");
	if (explain)
		show_explain(h);
	return 0;
}

static void show_prom(const struct hists *h)
{
	prom_add(&prom_stage_seen, stat_of(h)->seen);
	prom_add(&prom_stage_sampled, stat_of(h)->sampled);
}

static const struct hist_table table = {
	"rows",	  NULL,	       cols,	 sizeof(cols) / sizeof(cols[0]), 5, NULL,
	row_name, row_explain, row_prom,
};

#define LOST(CAUSE) offsetof(struct lat_stat, lost[LAT_LOST_##CAUSE])

static const struct hist_count counts[] = {
	{ "seen", NULL, offsetof(struct lat_stat, seen) },
	{ "sampled", NULL, offsetof(struct lat_stat, sampled) },
	{ "started", NULL, offsetof(struct lat_stat, started) },
	{ "read", NULL, offsetof(struct lat_stat, ended) },
	{ "slot_reused", "slot reused (later stages)", LOST(SLOT) },
	{ "bad_clock", "bad clock", LOST(CLOCK) },
	{ "table_full", "table full", LOST(FULL) },
	{ "merged", "merged by GRO", LOST(MERGED) },
};

static const struct hist_verb latency = {
	.feature = "latency",
	.map = "lat_hist",
	.stat = "lat_stat",
	.octave = offsetof(struct lat_key, octave),
	.table = &table,
	.tables = 1,
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.lost = &prom_stage_lost,
	.compare = by_stage,
	.age = row_age,
	.read = more_read,
	.more = sizeof(struct latency_more),
	.rest = show_rest,
	.lost_json = lost_json,
	.prom = show_prom,
};

int latency_worst(const struct options *opt, struct latency_worst *worst)
{
	struct names *names = names_new(opt);
	struct hist_name name = {};
	struct hists h = {};
	int err = names ? hists_read(opt, &latency, &h) : -ENOMEM;

	memset(worst, 0, sizeof(*worst));
	for (size_t i = 0; !err && i < h.n; i++) {
		__u64 p50 = hist_quantile(&h.row[i]->hist, 0.5);

		if (((const struct lat_key *)h.row[i]->key)->to & LAT_TOTAL ||
		    !h.row[i]->hist.count || p50 < worst->p50)
			continue;
		row_name(h.row[i], names, &name);
		worst->from = name.text[1];
		worst->to = name.text[2];
		worst->count = h.row[i]->hist.count;
		worst->p50 = p50;
		snprintf(worst->device, sizeof(worst->device), "%s", name.text[3]);
		snprintf(worst->netns, sizeof(worst->netns), "%s", name.text[4]);
	}
	hists_free(&h);
	names_free(names);
	return err;
}

/* The filter's device: that of latency, wherever it is, with this number */
static int latency_run(const struct options *opt)
{
	return hists_run(opt, &latency);
}

static const struct arg args[] = {
	HISTS_ARGS,
	ARG_DEV(&hists_asked.device),
	ARG_COMMANDS,
	{ .name = "explain",
	  .kind = ARG_FLAG,
	  .to = &explain,
	  .help = "what the rows mean, and where to look next" },
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "KIND, kind",
	  "A stage, or the total up to a stage." },
	{ "FROM, from; TO, to",
	  "The two stages between which the time is measured: xdp, tc, prerouting, input, socket, "
	  "app, and container. A total begins at the first stage." },
	{ "DEVICE if<number>, NETNS -",
	  "Attached by hand in another network namespace, or taken off since: the maps know only the "
	  "number. Read it there, with nsenter --net, to see the names." },
	{ "seen, sampled, started, not_sampled",
	  "Packets at the first stage, the sampled ones, those of them that got a stamp (measured), "
	  "and packets not sampled." },
	{ "sample",
	  "One packet in this number is sampled; see hookmap-attach(8), --sample." },
	{ "not_at_tc (\"not seen at tc\"), merged",
	  "Sampled in XDP and not seen at tc: dropped or redirected there, merged by GRO, or moved "
	  "to another CPU by RPS." },
	{ "slot_reused",
	  "A later packet has taken the slot of a stamp that was seen within the last second. If "
	  "packets arrive faster than they are read, sample fewer." },
	{ "bad_clock",
	  "The time between two stages was negative or impossibly long." },
	{ "read, on_the_way, last_seen",
	  "Where stamps ended: read by an application, not yet seen again, or last seen at a stage." },
	{ "means, look",
	  "With --explain: what the time is spent on, and where to look next." },
	{}
};
/* clang-format on */

VERB(latency, .fields = fields, .help = "time between the stages of the receive path",
     .run = latency_run, .takes = VERB_PROM | VERB_REPEATS, .args = args,
     .device = &hists_asked.device, .pin = "lat_cfg", .wrong = hists_wrong, .feature = "latency",
     .settings = latency_settings)
