// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_read.c - the rule set in force, from the pins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "policy.h"

int policy_range(const struct options *opt, const char *name, __u32 first, __u32 n, void *values)
{
	const struct pin *pin = pin_find(name);
	size_t size = pin_value_size(pin);
	int fd = pin_open(opt, name, true), err = 0;
	__u64 *cpus;

	if (fd < 0)
		return fd;
	cpus = calloc(1, size);
	for (__u32 i = 0; cpus && i < n && !err; i++) {
		__u32 index = first + i;

		if (bpf_map_lookup_elem(fd, &index, cpus)) {
			err = -errno;
		} else if (size == pin->value_size) {
			memcpy((char *)values + (size_t)i * size, cpus, size);
		} else {
			__u64 *sum = (__u64 *)((char *)values + (size_t)i * pin->value_size);

			for (size_t w = 0; w < size / 8; w++)
				sum[w % (pin->value_size / 8)] += cpus[w];
		}
	}
	if (!cpus)
		err = -ENOMEM;
	free(cpus);
	close(fd);
	return err;
}

/* The inner maps of policy, which have no pins: the shape of an array of maps does not show that
 * of its inner maps. */
/* clang-format off */
#define INNER_PIN(NAME, TYPE, KEY, VALUE, FLAGS) \
	{ #NAME, BPF_MAP_TYPE_##TYPE, sizeof(KEY), sizeof(VALUE), 0 }
/* clang-format on */
static const struct pin inner_pins[] = {
	HM_INNER_pol_rules(INNER_PIN), HM_INNER_pol_more(INNER_PIN), HM_INNER_pol_count(INNER_PIN),
	HM_INNER_pol_port(INNER_PIN),  HM_INNER_pol_iif(INNER_PIN),
};

static const struct pin *inner_pin(const char *name)
{
	const struct pin *pin = inner_pins;

	while (strcmp(pin->name, name))
		pin++;
	return pin;
}

int policy_inner(const struct options *opt, const char *name, __u32 slot)
{
	int fd = pin_open(opt, name, true), inner;
	struct bpf_map_info info = {};
	__u32 id, len = sizeof(info);
	const char *differs;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &slot, &id)) {
		close(fd);
		return -ENOENT;
	}
	close(fd);
	inner = bpf_map_get_fd_by_id(id);
	if (inner < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(inner, &info, &len)) {
		close(inner);
		return -EIO;
	}
	differs = pin_differs(inner_pin(name), &info);
	if (differs) {
		fail("map %s, in it map %u: %s: made by another version, detach with that one",
		     name, id, differs);
		close(inner);
		return -EPROTO;
	}
	return inner;
}

struct fill {
	void *to;
	size_t size;
	__u32 n; /* capacity in elements */
};

static int fill_one(const void *key, const void *value, void *arg)
{
	struct fill *f = arg;
	__u32 index = *(const __u32 *)key;

	if (index < f->n)
		memcpy((char *)f->to + (size_t)index * f->size, value, f->size);
	return 0;
}

/* All N values of the map in array of maps NAME. */
static int read_inner(const struct options *opt, const char *name, __u32 slot, void *to,
		      size_t size, __u32 n)
{
	struct pin pin = *inner_pin(name);
	struct fill fill = { to, size, n };
	int fd = policy_inner(opt, name, slot), err;

	if (fd < 0)
		return fd;
	pin.entries = n;
	err = pin_each(fd, &pin, fill_one, &fill);
	close(fd);
	return err;
}

/* Rules are stored by hash: sorts them by rank, with their counters. */
static int read_rules(const struct options *opt, struct policy *p)
{
	size_t stripes = (size_t)p->set.stripes + 1, n = stripes * p->set.places;
	__u32 blocks = (p->set.places + POL_BLOCK - 1) / POL_BLOCK;
	struct pol_count *count = calloc(n + 1, sizeof(*count));
	int err;

	p->blocks = calloc((size_t)blocks + 1, sizeof(*p->blocks));
	p->mores = calloc((size_t)blocks + 1, sizeof(*p->mores));
	err = p->blocks && p->mores && count ? 0 : -ENOMEM;
	if (!err)
		err = read_inner(opt, "pol_rules", p->slot, p->blocks, sizeof(*p->blocks), blocks);
	if (!err)
		err = read_inner(opt, "pol_more", p->slot, p->mores, sizeof(*p->mores), blocks);
	if (!err)
		err = read_inner(opt, "pol_count", p->slot, count, sizeof(*count), n);
	for (size_t i = 0; !err && i < n; i++) {
		__u32 place = i % p->set.places;
		const struct pol_rule *r = &p->blocks[place / POL_BLOCK].rule[place % POL_BLOCK];
		struct pol_count *c;

		if (r->rank >= p->set.rules)
			continue;
		c = &p->count[r->rank];
		p->rules[r->rank] = *r;
		p->more[r->rank] = p->mores[place / POL_BLOCK].rule[place % POL_BLOCK];
		c->packets += count[i].packets;
		c->bytes += count[i].bytes;
		if (count[i].last > c->last)
			c->last = count[i].last;
	}
	free(count);
	return err;
}

/* The rules' names of input devices. */
static int read_iifs(const struct options *opt, struct policy *p)
{
	int fd = policy_inner(opt, "pol_iif", p->slot);
	struct pol_iif_key key, *last = NULL;
	__u32 n;

	if (fd < 0)
		return fd;
	p->iif = calloc(p->set.rules + 1, sizeof(*p->iif));
	while (p->iif && !bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (bpf_map_lookup_elem(fd, &key, &n) || !n || n > p->set.rules)
			break;
		snprintf(p->iif[n], sizeof(p->iif[n]), "%.15s", key.dev);
		if (n > p->iifs)
			p->iifs = n;
	}
	close(fd);
	return p->iif ? 0 : -ENOMEM;
}

__u32 policy_iif(const struct policy *p, const char *name)
{
	for (__u32 i = 1; i <= p->iifs; i++) {
		if (!strcmp(p->iif[i], name))
			return i;
	}
	return 0;
}

static void free_set(struct policy *p)
{
	free(p->rules);
	free(p->more);
	free(p->count);
	free(p->blocks);
	free(p->mores);
	free(p->iif);
	p->rules = NULL;
	p->more = NULL;
	p->count = NULL;
	p->blocks = NULL;
	p->mores = NULL;
	p->iif = NULL;
	p->iifs = 0;
}

/* Checks numbers written by policy.sh, which determine memory sizes. */
static bool set_is_sane(const struct pol_set *set)
{
	__u64 counters = ((__u64)set->stripes + 1) * set->places;

	return set->rules <= POL_RULES_MAX && set->places <= POL_RULES_MAX / 4 * 5 + 1 &&
	       (!set->stripes || counters * sizeof(struct pol_count) <= 64 << 20) &&
	       set->hops <= POL_HOPS && set->tuples[0] <= POL_TUPLES &&
	       set->tuples[1] <= POL_TUPLES;
}

static int read_set(const struct options *opt, struct policy *p)
{
	__u32 first;
	int err;

	p->slot = p->cfg.gen % POL_SLOTS;
	err = policy_range(opt, "pol_set", p->slot, 1, &p->set);
	if (err)
		return err;
	if (!set_is_sane(&p->set))
		return -EBADMSG;
	free_set(p);
	p->rules = calloc((size_t)p->set.rules + 1, sizeof(*p->rules));
	p->more = calloc((size_t)p->set.rules + 1, sizeof(*p->more));
	p->count = calloc((size_t)p->set.rules + 1, sizeof(*p->count));
	if (!p->rules || !p->more || !p->count)
		return -ENOMEM;
	if (p->set.rules)
		err = read_rules(opt, p);
	if (!err && p->set.flags & POL_S_IIF)
		err = read_iifs(opt, p);
	first = p->slot * POL_HOPS;
	memset(p->hop_count, 0, sizeof(p->hop_count));
	if (!err)
		err = policy_range(opt, "pol_hop", first, p->set.hops, p->hop);
	if (!err)
		err = policy_range(opt, "pol_hop_state", first, p->set.hops, p->hop_state);
	if (!err)
		err = policy_range(opt, "pol_hop_count", first, p->set.hops, p->hop_count);
	return err;
}

int policy_read(const struct options *opt, bool next, struct policy *p)
{
	struct pol_cfg after = {};
	int err;

	memset(p, 0, sizeof(*p));
	err = pin_value(opt, "pol_cfg", true, &p->cfg);
	if (err)
		return err;
	if (next) {
		p->cfg.gen++; /* its slot is what counts */
		err = read_set(opt, p);
		goto out;
	}
	/* once more if a load came between */
	for (int i = 0; p->cfg.gen && i < 5; i++) {
		err = read_set(opt, p);
		if (pin_value(opt, "pol_cfg", true, &after) || after.gen == p->cfg.gen)
			break;
		p->cfg = after;
	}
	if (!err)
		err = pin_value(opt, "pol_stat", true, &p->stat);
out:
	p->now = clock_ns(CLOCK_MONOTONIC);
	if (err && err != -EPROTO) /* which was said */
		fail("policy: the rules cannot be read: %s", strerror(-err));
	return err;
}

void policy_free(struct policy *p)
{
	free_set(p);
}
