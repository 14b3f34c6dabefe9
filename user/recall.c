// SPDX-License-Identifier: GPL-2.0-only
/*
 * recall.c - names of what is gone: the last name that a reader (map drop_name) or a program
 * (drop_slot, drop_xdp_slot, xdp_home) has seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "names.h"

struct drop_name_key key_of(__u64 cookie, __u32 ifindex, __u32 node)
{
	return (struct drop_name_key){ .cookie = cookie, .ifindex = ifindex, .node = node };
}

static struct memory **memory_at(struct memories *n, const struct drop_name_key *key)
{
	struct memory **m = &n->memory[(key->cookie * 31 + key->ifindex) % BUCKETS];

	while (*m && memcmp(&(*m)->key, key, sizeof(*key)))
		m = &(*m)->next;
	return m;
}

static int memory_add(const void *key, const void *value, void *arg)
{
	struct memory **at = memory_at(arg, key), *m = *at;
	struct memories *n = arg;

	if (!m)
		m = *at = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	memcpy(&m->key, key, sizeof(m->key));
	memcpy(&m->value, value, sizeof(m->value));
	m->value.name[sizeof(m->value.name) - 1] = 0;
	n->n++;
	return 0;
}

/* Names from the kernel side: of a device when it lost its first packet, or when an XDP program
 * last saw it. */
static int slot_add(struct memories *n, struct drop_name_key key, const char *name)
{
	struct memory **at = memory_at(n, &key), *m;

	if (*at || !*name)
		return 0;
	m = *at = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->key = key;
	m->used = true; /* not a name of drop_name, where room is made */
	memcpy(m->value.name, name, IF_NAMESIZE - 1);
	return 0;
}

static int row_slot(const void *index, const void *value, void *arg)
{
	const struct drop_slot *s = value;

	(void)index;
	return slot_add(arg, key_of(s->key.cookie, s->key.ifindex, s->key.node), s->head.name);
}

static int xdp_slot(const void *index, const void *value, void *arg)
{
	const struct drop_xdp_slot *s = value;

	(void)index;
	return slot_add(arg, key_of(s->key.cookie, s->key.ifindex, s->key.node), s->head.name);
}

static int xdp_home(const void *node, const void *value, void *arg)
{
	const struct xdp_home *h = value;

	return slot_add(arg, key_of(h->cookie, h->ifindex, *(const __u32 *)node), h->name);
}

static void map_read(const struct options *opt, const char *map, struct memories *n,
		     int (*each)(const void *key, const void *value, void *arg))
{
	int fd = names_open(opt, map);

	if (fd < 0)
		return;
	pin_each(fd, pin_find(map), each, n);
	close(fd);
}

void memories_read(struct memories *n, const struct options *opt)
{
	map_read(opt, "drop_name", n, memory_add);
	map_read(opt, "drop_slot", n, row_slot);
	map_read(opt, "drop_xdp_slot", n, xdp_slot);
	map_read(opt, "xdp_home", n, xdp_home);
}

void memories_free(struct memories *n)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct memory *m = n->memory[i], *next; m; m = next) {
			next = m->next;
			free(m);
		}
	}
}

const char *recall(struct memories *n, struct drop_name_key key)
{
	struct memory *m = key.cookie ? *memory_at(n, &key) : NULL;

	if (!m)
		return NULL;
	m->used = true;
	return m->value.name;
}

void remember(struct memories *n, struct drop_name_key key, const char *name)
{
	struct memory **at = memory_at(n, &key), *m = *at;
	struct drop_name value = {};

	if (!key.cookie || strlen(name) >= sizeof(value.name))
		return;
	strcpy(value.name, name);
	if (!m) {
		m = *at = calloc(1, sizeof(*m));
		if (!m)
			return;
		m->key = key;
	}
	m->used = true;
	if (memcmp(&m->value, &value, sizeof(value))) {
		m->value = value;
		m->fresh = true;
	}
}

/* The only thing that the reader writes: names of rows, for use after the device or namespace is
 * gone. If there is no room, names that no row uses are replaced. */
void memories_keep(struct memories *n, const struct options *opt)
{
	char path[4096];
	bool full = n->n >= DROP_NAMES * 3 / 4;
	int fd = -1;

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct memory *m = n->memory[i]; m; m = m->next) {
			if (!m->fresh && (m->used || !full))
				continue;
			if (fd < 0)
				fd = pin_get(opt, pin_path(opt, "drop_name", path, sizeof(path)),
					     0);
			if (fd < 0) /* it may not be written by us */
				return;
			if (m->fresh)
				bpf_map_update_elem(fd, &m->key, &m->value, BPF_ANY);
			else
				bpf_map_delete_elem(fd, &m->key);
			m->fresh = false;
		}
	}
	if (fd >= 0)
		close(fd);
}
