// SPDX-License-Identifier: GPL-2.0-only
/*
 * fdb.c - hookmap fdb: entries, ports and rules of l2fwd.
 *
 * JSON: {"rows": [...], "ports": [...], "rules": [...], "totals": {...}}
 * Keys of an entry:
 *   vlan      0: between transparent ports
 *   mac device  device is empty if frames go to the stack
 *   type      static (by hand), dynamic, extern, local, fixed (static in the bridge)
 *   packets bytes  forwarded to it; idle_s: since the last frame to or from it,
 *             -1: never
 * of a port: device mode pvid vlans rx_packets rx_bytes tx_packets tx_bytes state, what
 *   fdb.sh sets (proto miss bcast mcast storm hairpin block guard acl_default), above (devices that
 *   it is a slave of, or that are made on it), tx_copies (of tx_packets: of flooded frames),
 *   slow_because (L2_WHY in abi/l2fwd.h), and reasons: the outcome of frames that were not
 *   forwarded
 * of a rule: device priority action match packets bytes
 * "translations": device outside inside; "guard": device mac address, which may be "any";
 * and "totals": entries, capacity, by_type, mirror_full (entries of the bridge for
 * which there was no room), mirror_changed (ports have joined or left the bridge since it
 * was attached), mirror (the bridge, or null). With --summary, no rows; with --dev, only one port.
 * "settings": of attach.sh. state: forwarding, blocked, slow (the bridge forwards all), left (the
 * mirrored bridge), gone (deleted or moved to another namespace, until it is attached again)
 *
 * There may be a million entries: they are printed as they are read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "fdb.h"
#include "names.h"
#include "prom.h"

PROM_FAMILY(fdb_entries, GAUGE, "fdb_entries", "type", 8, 0, "Entries of the forwarding database.")
PROM_FAMILY(fdb_capacity, GAUGE, "fdb_capacity", "", 1, 0, "Entries that there is room for.")
PROM_FAMILY(fdb_full, COUNTER, "fdb_mirror_full_total", "", 1, 0,
	    "Entries of the bridge for which there was no room.")
PROM_FAMILY(
	fdb_lookups, COUNTER, "fdb_lookups_total", "device*,result", 400, 8,
	"Unicast frames by what the forwarding database said: hit (sent in XDP) at the port that "
	"the entry names; local, flooded and miss at the port that they came in by.")
PROM_FAMILY(l2_rx_packets, COUNTER, "l2fwd_receive_packets_total", "device*", 100, 1,
	    "Packets that came in by the port.")
PROM_FAMILY(l2_rx_bytes, COUNTER, "l2fwd_receive_bytes_total", "device*", 100, 1,
	    "Bytes that came in by the port.")
PROM_FAMILY(l2_tx_packets, COUNTER, "l2fwd_transmit_packets_total", "device*", 100, 1,
	    "Packets forwarded to the port, and copies of flooded ones.")
PROM_FAMILY(l2_tx_bytes, COUNTER, "l2fwd_transmit_bytes_total", "device*", 100, 1,
	    "Bytes forwarded to the port, and of copies of flooded packets.")
PROM_FAMILY(l2_not, COUNTER, "l2fwd_not_forwarded_packets_total", "device*,reason", 300, 32,
	    "Packets that were not forwarded to one port, by what became of them; drop_copy are "
	    "copies that were not sent.")

struct fdb_asked fdb_asked;

static const char *const type_name[L2_TYPES] = {
	[L2_STATIC] = "static", [L2_DYNAMIC] = "dynamic", [L2_EXTERN] = "extern",
	[L2_LOCAL] = "local",	[L2_FIXED] = "fixed",
};

bool port_wanted(const struct fdb *f, unsigned n)
{
	return n < L2_PORTS && f->port[n].ifindex &&
	       (!fdb_asked.device || !strcmp(fdb_asked.device, f->device[n]));
}

/* --- entries */

static const char hex[] = "0123456789abcdef";

void mac_text(const __u8 *mac, char *out)
{
	for (int i = 0; i < 6; i++) {
		*out++ = hex[mac[i] >> 4];
		*out++ = hex[mac[i] & 15];
		*out++ = i < 5 ? ':' : 0;
	}
}

static const char *entry_device(const struct fdb *f, const struct l2_fdb *e, char *buf, size_t size)
{
	if (!e->port)
		return "";
	if (e->port < L2_PORTS && *f->device[e->port])
		return f->device[e->port];
	snprintf(buf, size, "port%u", e->port);
	return buf;
}

static int entry_show(const void *key, const void *value, void *arg)
{
	const struct l2_fdb *e = value;
	const struct l2_key *k = key;
	__u64 packets = 0, bytes = 0;
	const char *device;
	struct fdb *f = arg;
	char mac[18], buf[16];
	long long idle = -1;
	__u64 last;

	/* of another key: none, see abi/l2fwd.h */
	if (e->type >= L2_TYPES || e->type == L2_GONE || e->vlan != (__u8)k->vlan ||
	    memcmp(&e->mac, k->mac + 2, sizeof(e->mac)))
		return 0;
	f->by_type[e->type]++;
	f->entries++;
	if (fdb_asked.summary || f->opt->output == OUT_PROM ||
	    (fdb_asked.device && !port_wanted(f, e->port)))
		return 0;
	f->shown++;
	for (int i = 0; i < L2_LANES; i++) {
		packets += e->count[i].packets;
		bytes += e->count[i].bytes;
	}
	last = e->used > e->seen ? e->used : e->seen;
	if (last)
		idle = last < f->now ? (f->now - last) / 1000000000 : 0;
	mac_text(k->mac, mac);
	device = entry_device(f, e, buf, sizeof(buf));
	/* there may be a million: they are not kept for libsmartcols to align */
	line_begin(&f->line);
	line_int(&f->line, "vlan", -4, k->vlan);
	line_str(&f->line, "mac", 18, mac);
	line_str(&f->line, "device", 16, *device || json_on() ? device : "(stack)");
	line_str(&f->line, "type", 7, type_name[e->type]);
	line_int(&f->line, "packets", -12, packets);
	line_int(&f->line, "bytes", -15, bytes);
	if (json_on() || idle >= 0)
		line_int(&f->line, "idle_s", -8, idle);
	else
		line_str(&f->line, NULL, -8, "-");
	line_end(&f->line);
	return 0;
}

/* --- rules */

static const struct out_col rule_cols[] = {
	{ "device", "RULES OF", OUT_STR }, { "priority", "PRIORITY", OUT_U64 },
	{ "action", "ACTION", OUT_STR },   { "match", "MATCH", OUT_STR },
	{ "packets", "PACKETS", OUT_U64 }, { "bytes", "BYTES", OUT_U64 },
};

static void show_rules(struct fdb *f)
{
	struct out *o = OUT_ROWS(f->opt, "rules", "\n", rule_cols);
	char text[256];

	for (__u32 n = 1; n < L2_PORTS; n++) {
		const struct l2_port *p = &f->port[n];
		int rules = port_wanted(f, n) ? p->acl_n & L2_ACL_MASK : 0;
		__u32 key = p->acl_at;
		struct l2_acl r;

		for (int i = 0; i < rules; i++, key++) {
			if (bpf_map_lookup_elem(f->fd[ACL], &key, &r))
				break;
			out_row(o);
			out_str(o, f->device[n]);
			out_u64(o, r.priority);
			out_str(o, r.deny ? "deny" : "permit");
			out_str(o, condition_text(&r.match, text, sizeof(text)));
			out_u64(o, r.packets);
			out_u64(o, r.bytes);
		}
	}
	out_end(o);
}

/* --- translations and guard */

static const struct out_col xlate_cols[] = {
	{ "device", "TRANSLATIONS OF", OUT_STR },
	{ "outside", "OUTSIDE", OUT_U64 },
	{ "inside", "INSIDE", OUT_U64 },
};

static int show_xlate(struct fdb *f)
{
	struct out *o = OUT_ROWS(f->opt, "translations", "\n", xlate_cols);
	struct keys k;
	int err = keys_read(f, XLATE, &k);

	for (size_t i = 0; i < k.n; i++) {
		const struct l2_xlate_key *key = (const void *)(k.all + i * k.size);

		if (key->out || !port_wanted(f, key->port))
			continue;
		out_row(o);
		out_str(o, f->device[key->port]);
		out_u64(o, key->vlan);
		out_u64(o, *(const __u32 *)(key + 1));
	}
	free(k.all);
	out_end(o);
	return err;
}

static const struct out_col guard_cols[] = {
	{ "device", "GUARD OF", OUT_STR },
	{ "mac", "MAC", OUT_STR },
	{ "address", "ADDRESS", OUT_STR },
};

static int show_guard(struct fdb *f)
{
	struct out *o = OUT_ROWS(f->opt, "guard", "\n", guard_cols);
	char mac[18], text[INET6_ADDRSTRLEN];
	struct keys k;
	int err = keys_read(f, GUARD, &k);

	for (size_t i = 0; i < k.n; i++) {
		const struct l2_guard_key *key = (const void *)(k.all + i * k.size);

		if (key->family == L2_GUARD_BOUND || !port_wanted(f, key->port))
			continue;
		mac_text(key->mac, mac);
		strcpy(text, "any");
		if (key->family)
			inet_ntop(key->family == 6 ? AF_INET6 : AF_INET, key->ip, text,
				  sizeof(text));
		out_row(o);
		out_str(o, f->device[key->port]);
		out_str(o, mac);
		out_str(o, text);
	}
	free(k.all);
	out_end(o);
	return err;
}

static int show_settings(struct fdb *f)
{
	int err;

	ports_show(f);
	show_rules(f);
	err = show_xlate(f);
	return err ? err : show_guard(f);
}

/* --- outputs */

static int show_json(struct fdb *f)
{
	int err;

	json_open(NULL, '{');
	json_open("rows", '[');
	err = fdb_each(f, FDB, entry_show, f);
	json_close();
	if (!err)
		err = show_settings(f);
	json_open("totals", '{');
	json_u64("entries", f->entries);
	json_u64("capacity", f->capacity);
	json_open("by_type", '{');
	for (int i = 0; i < L2_TYPES; i++) {
		if (type_name[i])
			json_u64(type_name[i], f->by_type[i]);
	}
	json_close();
	json_u64("mirror_full", f->look.full);
	json_flag("mirror_changed", mirror_changed(f));
	if (f->cfg.bridge)
		json_str("mirror", names_device(f->names, f->nsid, f->cfg.bridge));
	else
		json_null("mirror");
	json_close();
	settings_show(f->opt, "l2fwd");
	json_close();
	return err;
}

static int show_text(struct fdb *f)
{
	const char *bridge;
	char buf[32];
	int err;

	if (!fdb_asked.summary)
		printf("VLAN  MAC                DEVICE           TYPE         PACKETS           "
		       "BYTES   IDLE-S\n");
	err = fdb_each(f, FDB, entry_show, f);
	if (err)
		return err;
	err = show_settings(f);
	if (err)
		return err;
	printf("\n%llu of %u entries (%llu static, %llu dynamic, %llu extern, %llu local, %llu "
	       "fixed)\n",
	       f->entries, f->capacity, f->by_type[L2_STATIC], f->by_type[L2_DYNAMIC],
	       f->by_type[L2_EXTERN], f->by_type[L2_LOCAL], f->by_type[L2_FIXED]);
	if (f->look.full)
		printf("no room for %llu entries of the bridge: attach with a larger --fdb-size\n",
		       f->look.full);
	settings_show(f->opt, "l2fwd");
	ports_slow(f);
	ports_above(f);
	bridge = text_plain(names_device(f->names, f->nsid, f->cfg.bridge), buf, sizeof(buf));
	if (f->cfg.bridge)
		printf("mirrors %s\n", bridge);
	if (mirror_gone(f))
		printf("%s has vanished: detach.sh %s; or attach.sh %s l2fwd --mirror, if it was "
		       "made again\n",
		       bridge, bridge, bridge);
	else if (mirror_changed(f))
		printf("ports have joined or left the bridge since attach: attach.sh %s l2fwd "
		       "--mirror again\n",
		       bridge);
	return 0;
}

static void prom_lookups(const char *device, const struct l2_stat *st)
{
	prom_add(&prom_fdb_lookups, st->tx_packets - st->tx_copies, device, "hit");
	prom_add(&prom_fdb_lookups, st->reason[L2_TO_STACK], device, "local");
	prom_add(&prom_fdb_lookups, st->unknown, device, "flooded");
	prom_add(&prom_fdb_lookups, st->reason[L2_MISS] + st->reason[L2_DROP_MISS], device, "miss");
}

static int show_prom(struct fdb *f)
{
	int err = fdb_each(f, FDB, entry_show, f);

	if (err)
		return err;
	for (int i = 0; i < L2_TYPES; i++) {
		if (type_name[i])
			prom_add(&prom_fdb_entries, f->by_type[i], type_name[i]);
	}
	prom_add(&prom_fdb_capacity, f->capacity);
	prom_add(&prom_fdb_full, f->look.full);
	for (int n = 1; n < L2_PORTS; n++) {
		const struct l2_stat *st = &f->stat[n];
		const char *device = f->device[n];

		if (!port_wanted(f, n))
			continue;
		prom_lookups(device, st);
		prom_add(&prom_l2_rx_packets, st->rx_packets, device);
		prom_add(&prom_l2_rx_bytes, st->rx_bytes, device);
		prom_add(&prom_l2_tx_packets, st->tx_packets, device);
		prom_add(&prom_l2_tx_bytes, st->tx_bytes, device);
		for (int i = 0; i < L2_REASONS; i++) {
			if (l2_reason_names[i] && st->reason[i])
				prom_add(&prom_l2_not, st->reason[i], device, l2_reason_names[i]);
		}
	}
	return 0;
}

struct fdb *fdb_new(const struct options *opt)
{
	struct fdb *f = zalloc(1, sizeof(*f));

	f->opt = opt;
	f->line.color = opt->color;
	memset(f->fd, -1, sizeof(f->fd));
	return f;
}

void fdb_free(struct fdb *f)
{
	names_free(f->names);
	for (int i = 0; i < FDB_MAPS; i++) {
		if (f->fd[i] >= 0)
			close(f->fd[i]);
	}
	free(f);
}

static int fdb_run(const struct options *opt)
{
	struct fdb *f = fdb_new(opt);
	int err = fdb_open(f);

	if (!err) {
		setvbuf(stdout, NULL, _IOFBF, 1 << 20);
		err = opt->output == OUT_JSON	? show_json(f)
		      : opt->output == OUT_PROM ? show_prom(f)
						: show_text(f);
		if (err)
			fail("fdb: %s", strerror(-err));
		fflush(stdout);
	}
	fdb_free(f);
	return err < 0;
}

static const struct arg fdb_args[] = {
	{ .name = "summary",
	  .kind = ARG_FLAG,
	  .to = &fdb_asked.summary,
	  .help = "leave out the entries" },
	ARG_DEV(&fdb_asked.device),
	ARG_COMMANDS,
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "VLAN, vlan; MAC, mac; TYPE, type; IDLE, idle_s",
	  "An entry, its origin, and the time since a frame last used it." },
	{ "PORT; MODE, mode; PVID, pvid; VLANS, vlans; STATE, state",
	  "A port: transparent, access or trunk, the VLAN of untagged frames, all VLANs, and "
	  "whether it forwards." },
	{ "SETTINGS; proto, miss, bcast, mcast, storm, hairpin, block, guard, acl_default",
	  "Settings made with hookmap-fdb(8) port." },
	{ "RX, rx_packets; RX-BYTES, rx_bytes; TX, tx_packets; TX-BYTES, tx_bytes; tx_copies",
	  "Frames received and sent by XDP, and copies of flooded frames." },
	{ "NOT FORWARDED, reasons",
	  "Frames that XDP did not forward, by reason." },
	{ "RULES OF; PRIORITY, priority; ACTION, action; MATCH, match",
	  "Rules of a port, in the order in which they apply." },
	{ "TRANSLATIONS OF; OUTSIDE, outside; INSIDE, inside",
	  "VLAN numbers on the wire and inside." },
	{ "GUARD OF; ADDRESS, address",
	  "Addresses that a station behind the port may use." },
	{ "slow_because",
	  "Why the bridge, and not XDP, forwards the port's frames: settings, queueing disciplines "
	  "or filters that XDP does not know." },
	{ "above",
	  "Devices on top of the port, which take its frames before l2fwd or after it." },
	{ "entries, capacity, by_type, mirror, mirror_full, mirror_changed",
	  "How full the table is; bridge events that found no room in it; and changes of the "
	  "bridge's ports since attach; mirror is the bridge, or null." },
	{}
};
/* clang-format on */

VERB(fdb, .fields = fields, .help = "layer-2 forwarding: entries, ports and rules", .run = fdb_run,
     .commands = "add replace del flush load dump port acl guard", .takes = VERB_PROM,
     .args = fdb_args, .device = &fdb_asked.device, .pin = "l2_cfg", .feature = "l2fwd",
     .settings = l2fwd_settings, .rules = fdb_rules)
