// SPDX-License-Identifier: GPL-2.0-only
/*
 * fdb_read.c - the maps of l2fwd: ports, and the keys of their translations and guard.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "fdb.h"
#include "names.h"

static const char *const map_name[FDB_MAPS] = {
	[CFG] = "l2_cfg",   [LOOK] = "l2_look",	  [FDB] = "l2_fdb",
	[PORT] = "l2_port", [WIRE] = "l2_wire",	  [STAT] = "l2_stat",
	[ACL] = "l2_acl",   [XLATE] = "l2_xlate", [GUARD] = "l2_guard",
};

int fdb_each(struct fdb *f, enum fdb_map map,
	     int (*each)(const void *key, const void *value, void *arg), void *arg)
{
	return pin_each(f->fd[map], pin_find(map_name[map]), each, arg);
}

static int netns_match(const void *key, const void *value, void *arg)
{
	const struct hm_netns *ns = value;
	struct fdb *f = arg;

	if (ns->netns == f->cfg.netns) {
		f->nsid = *(const __u32 *)key;
		f->cookie = ns->cookie;
	}
	return 0;
}

static int port_read(const void *key, const void *value, void *arg)
{
	__u32 n = *(const __u32 *)key;
	struct fdb *f = arg;

	if (n < L2_PORTS) {
		f->port[n] = *(const struct l2_port *)value;
		f->proto[n] = f->port[n].proto;
	}
	return 0;
}

/* Replaces settings of a port by those of a mirrored bridge, as the programs do. */
static int wire_read(const void *key, const void *value, void *arg)
{
	__u32 n = *(const __u32 *)key;
	const struct l2_wire *w = value;
	struct fdb *f = arg;
	struct l2_port *p;

	if (n >= L2_PORTS || !(f->port[n].flags & L2_P_MIRROR))
		return 0;
	p = &f->port[n];
	p->flags |= w->state;
	p->pvid = w->pvid;
	p->proto = w->proto;
	memcpy(p->vlans, w->vlans, sizeof(p->vlans));
	memcpy(p->untagged, w->untagged, sizeof(p->untagged));
	f->wire[n] = w->state;
	f->seen[n] = w->look;
	return 0;
}

static int stat_read(const void *key, const void *value, void *arg)
{
	__u32 n = *(const __u32 *)key;
	const struct l2_stat *st = value;
	struct fdb *f = arg;

	for (int cpu = 0; n < L2_PORTS && cpu < f->cpus; cpu++) {
		struct l2_stat *sum = &f->stat[n];

		sum->rx_packets += st[cpu].rx_packets;
		sum->rx_bytes += st[cpu].rx_bytes;
		sum->tx_packets += st[cpu].tx_packets;
		sum->tx_bytes += st[cpu].tx_bytes;
		sum->tx_copies += st[cpu].tx_copies;
		sum->unknown += st[cpu].unknown;
		for (int i = 0; i < L2_REASONS; i++)
			sum->reason[i] += st[cpu].reason[i];
	}
	return 0;
}

static int ports_read(struct fdb *f)
{
	int err = fdb_each(f, PORT, port_read, f);
	int tx = names_open(f->opt, "l2_tx");
	bool wanted = !fdb_asked.device;
	__u32 ifindex;

	if (!err)
		err = fdb_each(f, WIRE, wire_read, f);
	if (!err)
		err = fdb_each(f, STAT, stat_read, f);
	for (int n = 1; !err && n < L2_PORTS; n++) {
		if (!f->port[n].ifindex)
			continue;
		f->left[n] = tx >= 0 && bpf_map_lookup_elem(tx, &n, &ifindex) == -ENOENT;
		/* (another one may have the ifindex now) */
		snprintf(f->device[n], sizeof(f->device[n]), "%s",
			 (f->left[n] ? names_device_was : names_device)(f->names, f->nsid,
									f->port[n].ifindex));
		wanted |= port_wanted(f, n);
	}
	if (tx >= 0)
		close(tx);
	if (!err && !wanted) {
		fail("fdb: %s is not a port of l2fwd", fdb_asked.device);
		return -ENODEV;
	}
	return err;
}

int fdb_open(struct fdb *f)
{
	struct bpf_map_info info = {};
	__u32 zero = 0, len = sizeof(info);
	int fd;

	for (int i = 0; i < FDB_MAPS; i++) {
		f->fd[i] = pin_open(f->opt, map_name[i], true);
		if (f->fd[i] < 0)
			return f->fd[i];
	}
	f->names = names_new(f->opt);
	if (!f->names || bpf_map_lookup_elem(f->fd[CFG], &zero, &f->cfg) ||
	    bpf_map_lookup_elem(f->fd[LOOK], &zero, &f->look) ||
	    bpf_obj_get_info_by_fd(f->fd[FDB], &info, &len)) {
		fail("fdb: %s", strerror(EIO));
		return -EIO;
	}
	f->capacity = info.max_entries;
	f->cpus = libbpf_num_possible_cpus();
	f->now = clock_ns(CLOCK_MONOTONIC);
	fd = pin_open(f->opt, "hm_netns", false);
	if (fd >= 0) {
		pin_each(fd, pin_find("hm_netns"), netns_match, f);
		close(fd);
	}
	return ports_read(f);
}

/* --- translations and guard: the keys of a hash, in order */

static int xlate_compare(const void *a, const void *b)
{
	const struct l2_xlate_key *x = a, *y = b;

	return x->port != y->port ? x->port - y->port : x->vlan - y->vlan;
}

static int guard_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct l2_guard_key));
}

static int keys_add(const void *key, const void *value, void *arg)
{
	struct keys *k = arg;
	char *all = realloc(k->all, (k->n + 1) * k->size);

	if (!all)
		return -ENOMEM;
	k->all = all;
	all += k->n++ * k->size;
	memcpy(all, key, k->pin->key_size);
	memcpy(all + k->pin->key_size, value, sizeof(__u32));
	return 0;
}

int keys_read(struct fdb *f, enum fdb_map map, struct keys *k)
{
	int err;

	*k = (struct keys){ .f = f, .pin = pin_find(map_name[map]) };
	k->size = k->pin->key_size + sizeof(__u32);
	err = fdb_each(f, map, keys_add, k);
	if (!err && k->n)
		qsort(k->all, k->n, k->size, map == XLATE ? xlate_compare : guard_compare);
	return err;
}
