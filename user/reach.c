// SPDX-License-Identifier: GPL-2.0-only
/*
 * reach.c - do packets reach the attached programs? For hookmap status, and as
 * hookmap_stage_reached.
 *
 * Each XDP and tc program of a device has its own map hm_reach: the number of packets and the
 * time of the last. A program is ours if it uses the map of reach_features pinned here. Packets
 * that XDP passes reach tc within the same softirq. Reached is
 *   false  XDP has passed packets on, and tc has seen none, or none for REACH_LATE
 *   true   tc has seen packets
 *   null   no packet has come since the program was attached, or a foreign program is between
 * No counter can judge the stages after tc: packets that tc has seen may be forwarded, bridged or
 * redirected, or be no IP packets. scripts/lib/reach.sh reads rules and chains that end packets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "prom.h"

PROM_FAMILY(reached, STATE, "stage_reached", "stage,feature,device*,netns*", 200, 4,
	    "1 if packets get to this stage, 0 if they pass the one before and not this one.")

#define REACH_LATE   100000000	/* ns */
#define REACH_SETTLE 1000000000 /* ns from loaded to attached, at most */
#define MAX_MAPS     64

struct reach_prog {
	__u32 id, type;
	char name[BPF_OBJ_NAME_LEN];
	struct hm_reach sum; /* of all CPUs */
	__u64 loaded;	     /* ns, by the clock of sum.last */
};

static const struct {
	__u32 xdp, tc;		   /* its bit, if it has a program there */
	const char *feature, *map; /* one that all of its programs use */
} reach_features[] = {
	{ HM_FEAT_latency, HM_FEAT_latency, "latency", "lat_cfg" },
	{ HM_FEAT_l2fwd, HM_FEAT_l2fwd, "l2fwd", "l2_stat" },
	{ 0, HM_FEAT_policy, "policy", "pol_cfg" },
};
#define NFEATURES (sizeof(reach_features) / sizeof(reach_features[0]))

struct reach_list {
	struct reach_prog *prog;
	size_t n;
	__u32 map[NFEATURES]; /* ids; 0 = not pinned */
};

static bool reach_ours(const struct reach_list *l, const __u32 *ids, __u32 n)
{
	for (__u32 i = 0; i < n; i++)
		for (size_t j = 0; j < NFEATURES; j++)
			if (ids[i] == l->map[j])
				return true;
	return false;
}

/* The map hm_reach among IDS, or negative. */
static int reach_map(const struct reach_list *l, const __u32 *ids, __u32 n)
{
	if (!reach_ours(l, ids, n))
		return -1;
	for (__u32 i = 0; i < n; i++) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, "hm_reach") &&
		    info.type == BPF_MAP_TYPE_PERCPU_ARRAY &&
		    info.value_size == sizeof(struct hm_reach))
			return fd;
		close(fd);
	}
	return -1;
}

/* How long the machine was suspended, ns: load times also count that. */
static __u64 suspended(void)
{
	return clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
}

static int reach_add(struct reach_list *l, const struct bpf_prog_info *info, const __u32 *ids,
		     int cpus)
{
	struct hm_reach *values = calloc(cpus, sizeof(*values));
	struct reach_prog *p = reallocarray(l->prog, l->n + 1, sizeof(*p));
	int fd = reach_map(l, ids, info->nr_map_ids < MAX_MAPS ? info->nr_map_ids : MAX_MAPS);
	__u32 zero = 0;

	if (p)
		l->prog = p;
	if (p && values && fd >= 0 && !bpf_map_lookup_elem(fd, &zero, values)) {
		p = &p[l->n++];
		memset(p, 0, sizeof(*p));
		p->id = info->id;
		p->type = info->type;
		p->loaded = info->load_time - suspended();
		memcpy(p->name, info->name, sizeof(p->name) - 1);
		for (int cpu = 0; cpu < cpus; cpu++) {
			p->sum.packets += values[cpu].packets;
			if (values[cpu].last >= p->sum.last && values[cpu].packets) {
				p->sum.last = values[cpu].last;
				p->sum.ifindex = values[cpu].ifindex;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	free(values);
	return p && values ? 0 : -ENOMEM;
}

/* XDP first: packets seen there can have reached tc when tc is read. */
static int reach_read(struct reach_list *l)
{
	static const __u32 types[] = { BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS };
	int cpus = libbpf_num_possible_cpus(), err = 0;

	for (int t = 0; t < 2; t++) {
		__u32 id = 0;

		while (!err && !bpf_prog_get_next_id(id, &id)) {
			__u32 ids[MAX_MAPS];
			struct bpf_prog_info info = { .nr_map_ids = MAX_MAPS,
						      .map_ids = (__u64)(unsigned long)ids };

			if (!program_info(id, &info) && info.type == types[t])
				err = reach_add(l, &info, ids, cpus);
		}
	}
	return err;
}

struct reach {
	struct reach_list list;
	int next_fd[3], dev_fd; /* maps xdp_next* and hm_dev, or negative */
};

static int reach_open(const struct options *opt, const char *name)
{
	char path[4096];

	return access(pin_path(opt, name, path, sizeof(path)), R_OK) ? -1
								     : pin_open(opt, name, false);
}

struct reach *reach_new(const struct options *opt)
{
	static const char *const next[] = { "xdp_next", "xdp_next_xdp", "xdp_next_frags" };
	struct reach *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	for (int i = 0; i < 3; i++)
		r->next_fd[i] = reach_open(opt, next[i]);
	r->dev_fd = reach_open(opt, "hm_dev");
	for (size_t i = 0; i < NFEATURES; i++) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		int fd = reach_open(opt, reach_features[i].map);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			r->list.map[i] = info.id;
		if (fd >= 0)
			close(fd);
	}
	if (reach_read(&r->list)) {
		reach_free(r);
		return NULL;
	}
	return r;
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	for (int i = 0; i < 3; i++)
		if (r->next_fd[i] >= 0)
			close(r->next_fd[i]);
	if (r->dev_fd >= 0)
		close(r->dev_fd);
	free(r->list.prog);
	free(r);
}

bool reach_any(const struct reach *r)
{
	return r->list.n;
}

static bool reach_at_xdp(const struct hm_dev *dev)
{
	return !(dev->flags & (HM_DEV_NETNS | HM_DEV_MIRROR)) &&
	       (dev->features & HM_FEAT_l2fwd ||
		(dev->features & HM_FEAT_latency && !(dev->flags & HM_DEV_NOXDP)));
}

/* The feature's program on a device, by the packets that it saw there; NULL if it saw none. */
static const struct reach_prog *reach_find(const struct reach *r, __u32 ifindex, __u32 type,
					   const char *feature)
{
	size_t len = strlen(feature);

	for (size_t i = r->list.n; i-- > 0;) {
		const struct reach_prog *p = &r->list.prog[i];

		if (p->type == type && p->sum.packets && p->sum.ifindex == ifindex &&
		    !strncmp(p->name, feature, len) && p->name[len] == '_')
			return p;
	}
	return NULL;
}

/* The load time of the latest of the feature's programs, on any device, that have seen no
 * packet. */
static __u64 reach_fresh(const struct reach *r, __u32 type, const char *feature)
{
	size_t len = strlen(feature);
	__u64 latest = 0;

	for (size_t i = 0; i < r->list.n; i++) {
		const struct reach_prog *p = &r->list.prog[i];

		if (p->type == type && !p->sum.packets && !strncmp(p->name, feature, len) &&
		    p->name[len] == '_' && p->loaded > latest)
			latest = p->loaded;
	}
	return latest;
}

/* The program that passes packets to tc: our last one at XDP. NULL if unknown: a foreign program
 * runs after it, or l2fwd forwards all frames. */
static const struct reach_prog *reach_last_xdp(const struct reach *r, const struct hm_dev *dev,
					       __u32 ifindex)
{
	const struct reach_prog *last = NULL;
	__u32 id = 0;

	for (int i = 0; i < 3 && !id; i++)
		if (r->next_fd[i] >= 0 && ifindex < HM_XDP_NEXT)
			bpf_map_lookup_elem(r->next_fd[i], &ifindex, &id);
	for (size_t i = 0; i < r->list.n; i++)
		id = r->list.prog[i].id == id ? 0 : id;
	/* in the order in which they run */
	for (size_t i = 0; !id && i < NFEATURES; i++) {
		if (dev->features & reach_features[i].xdp)
			last = reach_find(r, ifindex, BPF_PROG_TYPE_XDP, reach_features[i].feature);
	}
	return last;
}

struct same {
	__u32 ifindex;
	unsigned n;
};

static int same_index(const void *key, const void *value, void *arg)
{
	struct same *s = arg;

	s->n += ((const struct hm_dev_key *)key)->ifindex == s->ifindex && reach_at_xdp(value);
	return 0;
}

/* XDP knows its device only by number: is it one of several attached devices? */
static bool reach_ambiguous(const struct reach *r, __u32 ifindex)
{
	struct same s = { .ifindex = ifindex };

	if (r->dev_fd >= 0)
		pin_each(r->dev_fd, pin_find("hm_dev"), same_index, &s);
	return s.n > 1;
}

int reach_device(const struct reach *r, const struct hm_dev_key *key, const struct hm_dev *dev,
		 void (*each)(const struct reach_row *row, void *arg), void *arg)
{
	bool xdp = reach_at_xdp(dev), ambiguous = reach_ambiguous(r, key->ifindex);
	const struct reach_prog *last = xdp ? reach_last_xdp(r, dev, key->ifindex) : NULL;
	int missed = 0;

	for (size_t i = 0; i < NFEATURES; i++) {
		const struct reach_prog *tc = NULL;
		__u64 since;
		struct reach_row row = { .feature = reach_features[i].feature, .reached = -1 };

		if (!(dev->features & reach_features[i].tc) || dev->flags & HM_DEV_MIRROR)
			continue;
		if (last)
			row.before = last->sum.packets;
		tc = reach_find(r, key->ifindex, BPF_PROG_TYPE_SCHED_CLS, row.feature);
		since = tc ? tc->sum.last + REACH_LATE
			   : reach_fresh(r, BPF_PROG_TYPE_SCHED_CLS, row.feature) + REACH_SETTLE;
		if (tc) {
			row.packets = tc->sum.packets;
			row.reached = 1;
		}
		if (ambiguous)
			row.reached = -1;
		else if (last && last->sum.last > since)
			row.reached = 0;
		missed += !row.reached;
		each(&row, arg);
	}
	return missed;
}

struct reach_labels {
	const struct options *opt;
	struct reach *reach;
	struct names *names;
	const char *device, *netns;
};

static void prom_row(const struct reach_row *row, void *arg)
{
	struct reach_labels *l = arg;

	if (row->reached >= 0)
		prom_add(&prom_reached, row->reached, "tc", row->feature, l->device, l->netns);
}

static int prom_device(const void *key, const void *value, void *arg)
{
	const struct hm_dev_key *k = key;
	const struct hm_dev *dev = value;
	struct reach_labels *l = arg;

	if (!k->netns)
		return 0;
	l->device = names_device(l->names, dev->nsid, k->ifindex);
	l->netns = names_netns(l->names, dev->nsid);
	reach_device(l->reach, k, dev, prom_row, l);
	return 0;
}

int reach_prom(const struct options *opt)
{
	struct reach_labels l = { .opt = opt, .reach = reach_new(opt), .names = names_new(opt) };
	int err = l.reach && l.names ? 0 : -ENOMEM;

	if (!err && l.reach->dev_fd >= 0)
		err = pin_each(l.reach->dev_fd, pin_find("hm_dev"), prom_device, &l);
	if (err)
		fail("map hm_dev: %s", strerror(-err));
	names_free(l.names);
	reach_free(l.reach);
	return err;
}
