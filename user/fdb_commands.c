// SPDX-License-Identifier: GPL-2.0-only
/* fdb_commands.c - l2fwd's settings, and the commands that set them again: hookmap fdb --commands
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "fdb.h"

/* What the mirror's ports have */
struct mirror {
	const struct hm_dev_key *bridge;
	__u32 ports, generic, port; /* PORT: one of them */
};

static int mirror_port(const void *key, const void *value, void *arg)
{
	const struct hm_dev_key *k = key;
	const struct hm_dev *dev = value;
	struct mirror *m = arg;

	if (k->netns != m->bridge->netns || !(dev->flags & HM_DEV_BRPORT))
		return 0;
	m->ports++;
	m->generic += !!(dev->flags & HM_DEV_GENERIC);
	m->port = k->ifindex;
	return 0;
}

static void mirror_settings(struct settings *s)
{
	struct mirror m = { .bridge = s->key };
	struct l2_cfg cfg = {};

	if (pin_read(s->opt, "hm_dev", false, NULL, mirror_port, &m) ||
	    settings_value(s, "l2_cfg", &cfg))
		return;
	set_flag(s, "mirror", true);
	set_number(s, "refresh", (cfg.refresh_ns ?: L2_REFRESH_NS) / 1000000,
		   L2_REFRESH_NS / 1000000);
	set_flag(s, "force", cfg.flags & L2_F_FORCE);
	set_text(s, "mode", m.ports && m.generic == m.ports ? "generic" : "native", "native");
	set_pref(s, "l2-pref", m.port, "l2fwd_tc", 2);
}

void l2fwd_settings(struct settings *s)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd;

	if (s->dev && s->dev->flags & HM_DEV_MIRROR)
		return mirror_settings(s);
	if (s->dev) {
		set_text(s, "mode", s->dev->flags & HM_DEV_GENERIC ? "generic" : "native",
			 "native");
		return set_pref(s, "l2-pref", s->key->ifindex, "l2fwd_tc", 2);
	}
	fd = pin_open(s->opt, "l2_fdb", false);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		set_number(s, "fdb-size", info.max_entries, L2_FDB_DEFAULT);
	if (fd >= 0)
		close(fd);
}

/* Begins the command of fdb.sh that WORD names, for DEV. */
static bool port_command(struct settings *s, __u8 nsid, const char *word, const char *dev)
{
	if (!command_begin(s, "fdb", nsid, false, dev))
		return false;
	command_word(s, word);
	command_device(s, dev);
	return true;
}

/* VLANs, translations, and the rest of fdb.sh port, with a blank before each word */
static int port_line(struct fdb *f, int n, const struct keys *xlate, FILE *to)
{
	const struct l2_port *p = &f->port[n];
	char text[VLANS_TEXT];
	int vlans = vlans_text(p, text);

	if (!(p->flags & L2_P_MIRROR)) {
		if (!strcmp(port_mode(p, vlans), "access"))
			fprintf(to, " mode access %u", p->pvid);
		else if (vlans)
			fprintf(to, " mode trunk %s", text);
		if (!strcmp(port_mode(p, vlans), "trunk") && p->pvid)
			fprintf(to, " native %u", p->pvid);
		for (size_t i = 0; i < xlate->n; i++) {
			const struct l2_xlate_key *key =
				(const void *)(xlate->all + i * xlate->size);

			if (key->port == n && !key->out)
				fprintf(to, " translate %u:%u", key->vlan,
					*(const __u32 *)(key + 1));
		}
	}
	port_words(p, f->proto[n], " ", text, sizeof(text));
	fputs(text, to);
	return 0;
}

static void acl_commands(struct fdb *f, int n, struct settings *s, __u8 nsid, const char *dev)
{
	const struct l2_port *p = &f->port[n];
	__u32 rules = p->acl_n & L2_ACL_MASK;
	char text[256];
	struct l2_acl r;

	if (rules && port_command(s, nsid, "acl", dev)) {
		printf(" load - <<'EOF'");
		line_end(&s->line);
		for (__u32 at = p->acl_at; rules--; at++) {
			if (bpf_map_lookup_elem(f->fd[ACL], &at, &r))
				continue;
			printf("%u %s %s\n", r.priority, r.deny ? "deny" : "permit",
			       condition_text(&r.match, text, sizeof(text)));
		}
		printf("EOF\n");
	}
	if (p->flags & L2_P_ACL_DENY && port_command(s, nsid, "acl", dev)) {
		printf(" default deny");
		line_end(&s->line);
	}
}

static void guard_commands(struct fdb *f, int n, const struct keys *guard, struct settings *s,
			   __u8 nsid, const char *dev)
{
	const struct l2_guard_key *last = NULL;
	char mac[18], text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < guard->n; i++) {
		const struct l2_guard_key *key = (const void *)(guard->all + i * guard->size);

		if (key->port != n || key->family == L2_GUARD_BOUND)
			continue;
		/* a command for each MAC */
		if (!last || memcmp(last->mac, key->mac, sizeof(key->mac))) {
			if (last)
				line_end(&s->line);
			if (!port_command(s, nsid, "guard", dev))
				return;
			mac_text(key->mac, mac);
			printf(" add %s", mac);
			last = key;
		}
		if (key->family)
			printf(" %s", inet_ntop(key->family == 6 ? AF_INET6 : AF_INET, key->ip,
						text, sizeof(text)));
	}
	if (last)
		line_end(&s->line);
	if (f->port[n].flags & L2_P_GUARD && port_command(s, nsid, "guard", dev)) {
		printf(" on");
		line_end(&s->line);
	}
}

struct entries {
	struct fdb *f;
	struct entry {
		struct l2_key key;
		__u16 port;
	} * entry;
	size_t n, room;
	int err;
};

static int entry_add(const void *key, const void *value, void *arg)
{
	const struct l2_fdb *e = value;
	const struct l2_key *k = key;
	struct entries *all = arg;

	if (e->type != L2_STATIC || e->vlan != (__u8)k->vlan ||
	    memcmp(&e->mac, k->mac + 2, sizeof(e->mac)) ||
	    (fdb_asked.device && !port_wanted(all->f, e->port)))
		return 0;
	if (all->n == all->room) {
		struct entry *more = reallocarray(all->entry, 2 * all->n + 64, sizeof(*more));

		if (!more)
			return -ENOMEM;
		all->entry = more;
		all->room = 2 * all->n + 64;
	}
	all->entry[all->n++] = (struct entry){ *k, e->port };
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->key.vlan != y->key.vlan ? x->key.vlan - y->key.vlan
					  : memcmp(x->key.mac, y->key.mac, sizeof(x->key.mac));
}

/* In the format of fdb.sh dump; names are unchanged, except on a terminal. */
static int entry_commands(struct fdb *f, struct settings *s, __u8 nsid)
{
	struct entries all = { .f = f };
	int err = fdb_each(f, FDB, entry_add, &all);
	bool person = isatty(STDOUT_FILENO);
	char mac[18], clean[32];
	__u64 left = 0;

	if (all.n)
		qsort(all.entry, all.n, sizeof(*all.entry), entry_compare);
	if (all.n && command_begin(s, "fdb", nsid, false, "l2fwd, entries")) {
		printf(" load - <<'EOF'");
		line_end(&s->line);
		for (size_t i = 0; i < all.n; i++) {
			const struct entry *e = &all.entry[i];
			const char *dev = e->port < L2_PORTS ? f->device[e->port] : "";

			left += e->port && !*dev;
			if (e->port && !*dev)
				continue;
			mac_text(e->key.mac, mac);
			if (person)
				dev = text_plain(dev, clean, sizeof(clean));
			printf("%s%s%s", mac, e->port ? " dev " : " local", e->port ? dev : "");
			if (e->key.vlan)
				printf(" vlan %u", e->key.vlan);
			putchar('\n');
		}
		printf("EOF\n");
		if (left)
			command_comment("l2fwd: %llu entries lead to devices that are not ports",
					left);
	}
	free(all.entry);
	return err;
}

/* --commands: of each port and, at the end, the entries */
int fdb_rules(struct settings *s, __u8 nsid, const char *dev)
{
	static struct keys xlate, guard;
	static struct fdb *f;
	int err = 0, n = 1;
	char *words = NULL;
	size_t len;
	FILE *to;

	if (!f) {
		f = fdb_new(s->opt);
		err = fdb_open(f);
		err = err ?: keys_read(f, XLATE, &xlate);
		err = err ?: keys_read(f, GUARD, &guard);
	}
	if (!err && !dev)
		err = entry_commands(f, s, nsid);
	if (err || !dev) {
		free(xlate.all);
		free(guard.all);
		fdb_free(f);
		f = NULL;
		return err;
	}
	while (n < L2_PORTS && f->port[n].ifindex != s->key->ifindex)
		n++;
	if (n == L2_PORTS)
		return 0;
	to = open_memstream(&words, &len);
	port_line(f, n, &xlate, to);
	fclose(to);
	if (len && port_command(s, nsid, "port", dev)) {
		fputs(words, stdout);
		line_end(&s->line);
	}
	free(words);
	acl_commands(f, n, s, nsid, dev);
	guard_commands(f, n, &guard, s, nsid, dev);
	return 0;
}
