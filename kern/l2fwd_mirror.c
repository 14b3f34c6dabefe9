// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/l2fwd_mirror - copies a kernel bridge's table to xdp/l2fwd. The bridge keeps learning,
 * ageing, static entries and EVPN; this follows it, without a daemon.
 *
 *   bpftool prog loadall build/kern/l2fwd_mirror.o DIR map name l2_fdb pinned P ... autoattach
 *
 * Tracepoints: br_fdb_add (netlink: static), br_fdb_update (learned and moved),
 * br_fdb_external_learn_add (EVPN), fdb_delete (aged, flushed, deleted). A change of a port's
 * state has no tracepoint, but the kernel logs it, and the log has one: console. Any line
 * triggers a read of the bridge's ports. So does a frame of a port on the slow path
 * (netif_receive_skb), at most every 10 ms, because flags and VLANs of ports, and new ports, are
 * not logged. If there was no such frame for a refresh interval, xdp/l2fwd sends one.
 *
 * A read of a port covers state, flags, queueing disciplines and filters, VLAN devices, PVID,
 * number of VLANs. It covers the VLANs themselves if one of the last two has changed, once per
 * refresh interval, and after a port has lost a VLAN (it may have another instead).
 *
 * l2_cfg names the bridge and its namespace: tracepoints see the whole host.
 *
 * Maps: l2_cfg, l2_if, l2_port (read), l2_wire, l2_look, l2_fdb. Times in ns.
 */
#include "l2head.h"
#include "l2past.h"
#include "maps.h"
#include "skb.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <linux/errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>

HM_MAP(l2_cfg);
HM_MAP(l2_if);
HM_MAP(l2_port);
HM_MAP(l2_wire);
HM_MAP(l2_look);
HM_MAP(l2_fdb);

#define MIRROR_KEY __attribute__((aligned(8))) /* of l2_head_mac */

#define BRIDGE_PORTS	  1024 /* of one bridge: BR_MAX_PORTS */
#define BRIDGE_VLANS	  4095
#define BRIDGE_FORWARDING 3	     /* BR_STATE_FORWARDING */
#define BRIDGE_PROMISC	  (1 << 8)   /* IFF_PROMISC */
#define BRIDGE_HAIRPIN	  (1UL << 0) /* BR_HAIRPIN_MODE */
#define BRIDGE_UNTAGGED	  (1 << 2)   /* BRIDGE_VLAN_INFO_UNTAGGED */

/*
 * Port flags of the bridge under which XDP does as the bridge would: hairpin mode (mirrored),
 * BPDU guard, root block, fast leave, administrative cost, learning, the three floods,
 * promiscuous, learning sync, multicast to unicast, TX forward offload (0 to 7, 9, 11, 12, 14,
 * 20). With isolated, locked and MAB (16, 21, 22), frames from the port go to the bridge. With
 * all others, including those of later kernels, frames to the port go there as well.
 */
#define BRIDGE_FAST    (0xffUL | 1UL << 9 | 1UL << 11 | 1UL << 12 | 1UL << 14 | 1UL << 20)
#define BRIDGE_SLOW_IN (1UL << 16 | 1UL << 21 | 1UL << 22)

#define BRIDGE_HOOKS   5  /* NF_BR_PRE_ROUTING to NF_BR_POST_ROUTING */
#define BRIDGE_ENTRIES 16 /* read of each; more are unknown */

/* net_bridge_fdb_entry.flags: BR_FDB_LOCAL, BR_FDB_STATIC, BR_FDB_ADDED_BY_EXT_LEARN */
#define BRIDGE_FDB_LOCAL  (1UL << 0)
#define BRIDGE_FDB_STATIC (1UL << 1)
#define BRIDGE_FDB_EXTERN (1UL << 4)

static __always_inline struct l2_cfg *mirror_cfg(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&l2_cfg, &zero);
}

static __always_inline struct l2_look *mirror_last(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&l2_look, &zero);
}

static __always_inline struct l2_wire *mirror_wire(__u32 number)
{
	return bpf_map_lookup_elem(&l2_wire, &number);
}

static __always_inline __u32 mirror_netns(struct net_device *dev)
{
	return BPF_CORE_READ(dev, nd_net.net, ns.inum);
}

/* BR is the bridge that is mirrored. */
static __always_inline int mirror_is(const struct l2_cfg *cfg, struct net_bridge *br)
{
	struct net_device *dev = BPF_CORE_READ(br, dev);

	return cfg->bridge && (__u32)BPF_CORE_READ(dev, ifindex) == cfg->bridge &&
	       mirror_netns(dev) == cfg->netns;
}

/* The number of a device that is a port of ours, or 0: its frames go to the stack. */
static __always_inline __u32 mirror_number(__u32 ifindex)
{
	__u32 *number = bpf_map_lookup_elem(&l2_if, &ifindex);
	struct l2_port *port;
	__u32 n;

	if (!number || !*number)
		return 0;
	n = *number;
	port = bpf_map_lookup_elem(&l2_port, &n);
	return port && port->flags & L2_P_MIRROR ? n : 0;
}

static __always_inline __u32 mirror_port(struct net_bridge_port *p)
{
	return p ? mirror_number(BPF_CORE_READ(p, dev, ifindex)) : 0;
}

static __always_inline void mirror_key(struct l2_key *key, __u16 vlan, const void *addr)
{
	key->vlan = vlan;
	bpf_probe_read_kernel(key->mac, sizeof(key->mac), addr);
}

static __always_inline int mirror_is_zero(const __u8 *mac)
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

/* Returns the entry of KEY, with its head in HEAD: type L2_GONE if it now has another key. */
static __always_inline struct l2_fdb *mirror_get(const struct l2_key *key, union l2_head *head)
{
	struct l2_fdb *entry = bpf_map_lookup_elem(&l2_fdb, key);

	head->word = 0;
	if (entry && !l2_head_get(entry, key, head))
		head->type = L2_GONE;
	return entry;
}

#define MIRROR_TRIES 4 /* of a write that lost the race */

/* The counts of an entry stay. So do entries set by hand, even meanwhile. (A function with its
 * own stack: the stacks of a call chain share 512 bytes.) */
static __noinline int mirror_put(const struct l2_key *key, __u32 port, __u8 type)
{
	__u64 now = bpf_ktime_get_ns();
	struct l2_look *last;

#pragma clang loop unroll(disable)
	for (int i = 0; i < MIRROR_TRIES; i++) {
		struct l2_fdb new = { .port = port, .type = type, .seen = now };
		union l2_head head;
		struct l2_fdb *entry = mirror_get(key, &head);
		long err;

		if (entry && head.type == L2_STATIC)
			return 0;
		if (entry) {
			if (!l2_head_swap(entry, head, key, port, type))
				continue;
			entry->seen = now;
			return 0;
		}
		new.vlan = key->vlan;
		new.mac = l2_head_mac(key);
		err = bpf_map_update_elem(&l2_fdb, key, &new, BPF_NOEXIST);
		if (err == -EEXIST)
			continue;
		last = err ? mirror_last() : NULL;
		if (last)
			__sync_fetch_and_add(&last->full, 1);
		break;
	}
	return 0;
}

/* Iterates over the ports of a bridge. BR may be where a bridge was: it is only read, and
 * bounded. This is a bpf_loop, whose body the verifier checks once. */
struct mirror_list {
	struct list_head *head, *at;
};

struct mirror_ports {
	struct mirror_list list;
	__u64 outside; /* as l2_cfg.outside */
	__u16 proto;   /* of the bridge's tags */
	__u8 vlans;    /* the bridge has VLANs */
	__u8 all;      /* read each of the ports' VLANs */
	__u8 slow;     /* the bridge has its own rules */
	__u8 promisc;  /* it receives a copy of each frame */
	__u32 look;    /* its number */
};

/* Small: the stack of l2_mirror_add and all that it calls is 512 bytes. */
struct mirror_asked {
	struct mirror_list list;
	__u8 mac[6];
	__u8 found;
};

static __always_inline void mirror_ports_of(struct mirror_list *w, struct net_bridge *br)
{
	struct list_head *head = (void *)br + bpf_core_field_offset(struct net_bridge, port_list);

	w->head = head;
	w->at = BPF_CORE_READ(head, next);
}

static __always_inline struct net_bridge_port *mirror_next_port(struct mirror_list *w)
{
	struct list_head *at = w->at;

	if (!at || at == w->head)
		return NULL;
	w->at = BPF_CORE_READ(at, next);
	return (void *)at - bpf_core_field_offset(struct net_bridge_port, list);
}

static __always_inline int mirror_has_address(struct net_device *dev, const __u8 *mac)
{
	__u8 own[6] = {};

	bpf_probe_read_kernel(own, sizeof(own), BPF_CORE_READ(dev, dev_addr));
	return !((own[0] ^ mac[0]) | (own[1] ^ mac[1]) | (own[2] ^ mac[2]) | (own[3] ^ mac[3]) |
		 (own[4] ^ mac[4]) | (own[5] ^ mac[5]));
}

static long mirror_own_port(__u32 i, void *arg)
{
	struct mirror_asked *w = arg;
	struct net_bridge_port *p = mirror_next_port(&w->list);

	(void)i;
	if (!p)
		return 1;
	w->found = mirror_has_address(BPF_CORE_READ(p, dev), w->mac);
	return w->found;
}

/* The kernel refuses an entry for an address of the bridge itself, after the
 * tracepoint. */
static __always_inline int mirror_own(struct net_bridge *br, const __u8 *mac)
{
	struct mirror_asked walk = {};

	if (mirror_has_address(BPF_CORE_READ(br, dev), mac))
		return 1;
	mirror_ports_of(&walk.list, br);
	__builtin_memcpy(walk.mac, mac, sizeof(walk.mac));
	bpf_loop(BRIDGE_PORTS, mirror_own_port, &walk, 0);
	return walk.found;
}

/* Iterates over the VLANs of a port, which are sorted, and the words of l2_wire. */
struct mirror_vlans {
	struct l2_wire *wire;
	const void *addr; /* the port's own */
	struct list_head *head, *at;
	__u64 vlans, untagged; /* of this word */
	__u32 word;
};

/* One VLAN, or the end of a word. A new one has an entry for the port's own address, which the
 * bridge makes without a tracepoint. One that has a state (MST) and does not forward in it is not
 * for XDP. */
static long mirror_vlan(__u32 i, void *arg)
{
	struct mirror_vlans *w = arg;
	struct list_head *at = w->at;
	__u32 word = w->word & 63;
	struct net_bridge_vlan *v;
	__u16 vid;
	__u64 bit;

	(void)i;
	if (at && at != w->head) {
		v = (void *)at - bpf_core_field_offset(struct net_bridge_vlan, vlist);
		vid = BPF_CORE_READ(v, vid);
		if (vid >> 6 <= word) {
			bit = vid >> 6 == word ? 1ULL << (vid & 63) : 0;
			if (bit & ~w->wire->vlans[word]) {
				struct l2_key key MIRROR_KEY;

				mirror_key(&key, vid, w->addr);
				mirror_put(&key, 0, L2_LOCAL);
			}
			if (BPF_CORE_READ(v, state) == BRIDGE_FORWARDING)
				w->vlans |= bit;
			if (BPF_CORE_READ(v, flags) & BRIDGE_UNTAGGED)
				w->untagged |= bit;
			w->at = BPF_CORE_READ(at, next);
			return 0;
		}
	}
	w->wire->vlans[word] = w->vlans;
	w->wire->untagged[word] = w->untagged;
	w->vlans = w->untagged = 0;
	w->word = word + 1;
	return word == 63;
}

static __always_inline void mirror_vlans(struct mirror_ports *walk, struct net_bridge_port *p,
					 struct l2_wire *wire)
{
	struct net_bridge_vlan_group *group;
	struct mirror_vlans w;
	struct list_head *head;
	__u16 count, pvid;

	if (!bpf_core_field_exists(p->vlgrp))
		return;
	group = BPF_CORE_READ(p, vlgrp);
	if (!group)
		return;
	count = BPF_CORE_READ(group, num_vlans);
	pvid = BPF_CORE_READ(group, pvid);
	if (!walk->all && count == wire->count && pvid == wire->pvid)
		return;
	head = (void *)group + bpf_core_field_offset(struct net_bridge_vlan_group, vlan_list);
	/* A failed read leaves 0, which the verifier treats as unknown. If it knew the word,
	 * Linux 7.3 would verify the loop once per word and reach the instruction limit. */
	bpf_probe_read_kernel(&w, sizeof(w), NULL);
	w.wire = wire;
	w.addr = BPF_CORE_READ(p, dev, dev_addr);
	w.head = head;
	w.at = BPF_CORE_READ(head, next);
	bpf_loop(BRIDGE_VLANS + 64, mirror_vlan, &w, 0);
	wire->pvid = pvid;
	wire->count = count;
}

/* A backup: another port sends frames that this one cannot. */
static __always_inline int mirror_backup(struct net_bridge_port *p)
{
	if (bpf_core_field_exists(p->backup_nhid) && BPF_CORE_READ(p, backup_nhid))
		return 1;
	return BPF_CORE_READ(p, backup_port) != NULL;
}

/* VLAN devices on a port have its frames with their tags before the bridge. */
static __always_inline int mirror_vlan_devices(struct net_device *dev)
{
	struct vlan_info *info;

	if (!bpf_core_field_exists(dev->vlan_info))
		return 0;
	info = BPF_CORE_READ(dev, vlan_info);
	return info && BPF_CORE_READ(info, grp.nr_vlan_devs);
}

#define MIRROR_WHY(NAME) (1ULL << L2_WHY_##NAME)

/*
 * The bridge's settings of a port, and what XDP must not bypass there: l2_wire.state. A global
 * function, see past_queued: otherwise each bit doubles the states that the verifier tracks.
 */
__noinline __u64 mirror_says(const struct mirror_ports *walk, __u64 address,
			     const struct l2_port *port)
{
	struct net_bridge_port *p = (void *)address;
	struct net_device *dev = BPF_CORE_READ(p, dev);
	unsigned long says = BPF_CORE_READ(p, flags);
	__u64 in = 0, out = 0, state = 0;

	if (!walk || !port)
		return 0;
	if (walk->vlans)
		state |= L2_P_VLAN;
	if (BPF_CORE_READ(p, state) != BRIDGE_FORWARDING)
		state |= L2_P_BLOCKED;
	if (says & BRIDGE_HAIRPIN)
		state |= L2_P_HAIRPIN;
	if (mirror_vlan_devices(dev))
		state |= MIRROR_WHY(VLAN_DEV) | L2_P_SLOW_TAG;
	if (walk->slow)
		in = out = MIRROR_WHY(BRIDGE);
	if (says & ~BRIDGE_FAST)
		in |= MIRROR_WHY(FLAG);
	if (port->flags & L2_P_PARTIAL)
		in |= MIRROR_WHY(CHECKSUM);
	if (past_filtered((__u64)dev, 0))
		in |= MIRROR_WHY(INGRESS);
	if (walk->promisc)
		in |= MIRROR_WHY(PROMISC);
	if (says & ~(BRIDGE_FAST | BRIDGE_SLOW_IN))
		out |= MIRROR_WHY(FLAG);
	if (mirror_backup(p))
		out |= MIRROR_WHY(BACKUP);
	if (past_queued((__u64)dev))
		out |= MIRROR_WHY(QDISC);
	if (past_filtered((__u64)dev, 1))
		out |= MIRROR_WHY(EGRESS);
	return state | in | out | (in ? L2_P_SLOW : 0) | (out ? L2_P_SLOW_OUT : 0);
}

/* Writes a port of the bridge to l2_wire. The VLANs are written before the flag that enables
 * them. */
static __always_inline void mirror_look(struct mirror_ports *walk, struct net_bridge_port *p)
{
	__u32 n = mirror_port(p);
	struct l2_port *port;
	struct l2_wire *wire;
	__u64 state;

	port = bpf_map_lookup_elem(&l2_port, &n);
	wire = mirror_wire(n);
	if (!n || !port || !wire) {
		walk->outside += (1ULL << 32) + BPF_CORE_READ(p, dev, ifindex);
		return;
	}
	wire->look = walk->look;
	if (walk->vlans) {
		wire->proto = walk->proto;
		mirror_vlans(walk, p, wire);
	}
	/* see l2_wire in abi/l2fwd.h */
#pragma clang loop unroll(disable)
	for (int i = 0; i < MIRROR_TRIES; i++) {
		state = mirror_says(walk, (__u64)p, port);
		if (state == *(volatile __u64 *)&wire->state)
			break;
		__sync_lock_test_and_set(&wire->state, state);
	}
}

static long mirror_look_at(__u32 i, void *arg)
{
	struct net_bridge_port *p = mirror_next_port(arg);

	(void)i;
	if (!p)
		return 1;
	mirror_look(arg, p);
	return 0;
}

/* Options of the bridge under which XDP does as the bridge would. */
#define MIRROR_KNOWS(OPTION)                                                                       \
	(bpf_core_enum_value_exists(enum net_bridge_opts, OPTION)                                  \
		 ? 1UL << bpf_core_enum_value(enum net_bridge_opts, OPTION)                        \
		 : 0)

static __always_inline int mirror_options(unsigned long options)
{
	unsigned long known = MIRROR_KNOWS(BROPT_VLAN_ENABLED);

	known |= MIRROR_KNOWS(BROPT_VLAN_STATS_ENABLED);
	known |= MIRROR_KNOWS(BROPT_GROUP_ADDR_SET);
	known |= MIRROR_KNOWS(BROPT_MULTICAST_ENABLED);
	known |= MIRROR_KNOWS(BROPT_MULTICAST_QUERY_USE_IFADDR);
	known |= MIRROR_KNOWS(BROPT_MULTICAST_STATS_ENABLED);
	known |= MIRROR_KNOWS(BROPT_HAS_IPV6_ADDR);
	known |= MIRROR_KNOWS(BROPT_NEIGH_SUPPRESS_ENABLED);
	known |= MIRROR_KNOWS(BROPT_MTU_SET_BY_USER);
	known |= MIRROR_KNOWS(BROPT_VLAN_STATS_PER_PORT);
	known |= MIRROR_KNOWS(BROPT_NO_LL_LEARN);
	known |= MIRROR_KNOWS(BROPT_VLAN_BRIDGE_BINDING);
	known |= MIRROR_KNOWS(BROPT_MCAST_VLAN_SNOOPING_ENABLED);
	known |= MIRROR_KNOWS(BROPT_MST_ENABLED);
	known |= MIRROR_KNOWS(BROPT_MDB_OFFLOAD_FAIL_NOTIFICATION);
	return !!(options & ~known);
}

/* Iterates over netfilter's hooks for bridges. */
struct mirror_hooks {
	struct net *net;
	__u8 filter;	/* something filters frames: nft, ebtables, BPF or another */
	__u8 netfilter; /* br_netfilter is loaded: it passes them to iptables, if enabled */
};

static __always_inline struct nf_hook_entries *mirror_hook(struct net *net, __u32 family,
							   __u32 hook)
{
	struct nf_hook_entries *entries = NULL;

	bpf_probe_read_kernel(&entries, sizeof(entries),
			      (void *)net + family + hook * sizeof(void *));
	return entries;
}

/* One entry. Those of br_netfilter have no type and a priority that no table of ebtables has. */
static long mirror_hook_entry(__u32 i, void *arg)
{
	struct mirror_hooks *w = arg;
	__u32 at = i / BRIDGE_HOOKS, size = bpf_core_type_size(struct nf_hook_entry);
	struct nf_hook_entries *entries;
	struct nf_hook_ops *ops = NULL;
	__u16 count;
	int priority;

	entries = mirror_hook(w->net, bpf_core_field_offset(struct net, nf.hooks_bridge),
			      i % BRIDGE_HOOKS);
	if (!entries)
		return 0;
	count = BPF_CORE_READ(entries, num_hook_entries);
	if (at >= count)
		return 0;
	bpf_probe_read_kernel(&ops, sizeof(ops),
			      (void *)entries +
				      bpf_core_field_offset(struct nf_hook_entries, hooks) +
				      count * size + at * sizeof(void *));
	priority = BPF_CORE_READ(ops, priority);
	if (count > BRIDGE_ENTRIES || !ops || BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type) ||
	    (priority != 0 && priority != -1 && priority != 0x7fffffff))
		w->filter = 1;
	else
		w->netfilter = 1;
	return 0;
}

/* How many look at IP packets there. */
static __always_inline __u32 mirror_ip_hooks(struct net *net, __u32 family, __u32 hook)
{
	struct nf_hook_entries *entries = mirror_hook(net, family, hook);

	return entries ? BPF_CORE_READ(entries, num_hook_entries) : 0;
}

/* Does netfilter decide about the frames of bridges in this namespace? */
static __always_inline int mirror_filtered(const struct l2_cfg *cfg, struct net *net)
{
	struct mirror_hooks w = { .net = net };
	__u32 at4, at6;

	if (!bpf_core_field_exists(net->nf) || !bpf_core_field_exists(net->nf.hooks_bridge))
		return 0;
	bpf_loop(BRIDGE_HOOKS * BRIDGE_ENTRIES, mirror_hook_entry, &w, 0);
	if (w.filter || !w.netfilter || cfg->flags & L2_F_NO_BRNF)
		return w.filter;
	at4 = bpf_core_field_offset(struct net, nf.hooks_ipv4);
	at6 = bpf_core_field_offset(struct net, nf.hooks_ipv6);
	/* NF_INET_PRE_ROUTING, where br_netfilter has its own, FORWARD, POST_ROUTING */
	for (__u32 hook = 0; hook < 5; hook += 2) {
		if (mirror_ip_hooks(net, at4, hook) > !hook ||
		    mirror_ip_hooks(net, at6, hook) > !hook)
			return 1;
	}
	return 0;
}

/* All of them; with ALL, all of their VLANs. */
static __always_inline void mirror_walk(const struct l2_cfg *cfg, struct net_bridge *br, __u64 now,
					int all)
{
	struct mirror_ports walk = {};
	struct l2_look *last = mirror_last();

	if (!last)
		return;
	last->address = (__u64)br;
	last->looked = now;
	walk.look = ++last->looks;
	if (bpf_core_field_exists(br->vlan_proto)) {
		walk.proto = BPF_CORE_READ(br, vlan_proto);
		walk.vlans = BPF_CORE_READ(br, options) >>
				     bpf_core_enum_value(enum net_bridge_opts, BROPT_VLAN_ENABLED) &
			     1;
	}
	walk.all = all || l2_look_due(last, cfg, now);
	if (walk.all)
		last->vlans = now;
	walk.slow = mirror_options(BPF_CORE_READ(br, options)) ||
		    mirror_filtered(cfg, BPF_CORE_READ(br, dev, nd_net.net));
	walk.promisc = !!(BPF_CORE_READ(br, dev, flags) & BRIDGE_PROMISC);
	mirror_ports_of(&walk.list, br);
	bpf_loop(BRIDGE_PORTS, mirror_look_at, &walk, 0);
	last->outside = walk.outside;
}

/* An entry requested by netlink, while iterating over the VLANs of its port. */
struct mirror_add {
	struct net_bridge_port *p;   /* NULL: the bridge itself */
	struct list_head *head, *at; /* VLANs */
	struct l2_key key MIRROR_KEY;
	__u16 nlh_flags;
	__u8 type;
	__u8 found; /* the port is in the VLAN of key */
};

/* One entry, unless the bridge refuses it. Returns 1 then. */
static __always_inline int mirror_add_one(struct mirror_add *a, __u16 vlan)
{
	struct net_bridge_port *p = a->p;
	struct l2_key key = a->key;
	union l2_head head;
	__u8 type = a->type;
	int there;

	key.vlan = vlan;
	there = mirror_get(&key, &head) && head.type != L2_GONE;
	if (there ? a->nlh_flags & NLM_F_EXCL : !(a->nlh_flags & NLM_F_CREATE))
		return 1;
	if (p && !there && mirror_own(BPF_CORE_READ(p, br), key.mac))
		return 1;
	/* the bridge keeps that mark */
	if (there && head.type == L2_EXTERN && type != L2_LOCAL)
		type = L2_EXTERN;
	mirror_put(&key, type == L2_LOCAL ? 0 : mirror_port(p), type);
	return 0;
}

/* With a VLAN: whether the port is in it. Without: the entry in each VLAN of the port. */
static long mirror_add_vlan(__u32 i, void *arg)
{
	struct mirror_add *a = arg;
	struct list_head *at = a->at;
	struct net_bridge_vlan *v;
	__u16 vlan;

	(void)i;
	if (!at || at == a->head)
		return 1;
	v = (void *)at - bpf_core_field_offset(struct net_bridge_vlan, vlist);
	vlan = BPF_CORE_READ(v, vid);
	a->at = BPF_CORE_READ(at, next);
	if (!a->key.vlan)
		return mirror_add_one(a, vlan);
	a->found = vlan == a->key.vlan;
	return a->found;
}

/* The part of l2_mirror_add for one address. A function, so that its variables share the stack
 * with those of mirror_walk: see struct mirror_asked. */
static __always_inline void mirror_add_entry(__u64 *ctx, struct net_bridge_port *p,
					     const struct l2_key *key)
{
	struct mirror_add add = { .p = p, .nlh_flags = ctx[4] };
	struct ndmsg *ndm = (void *)ctx[0];
	__u16 state;
	__u8 flags;

	add.key = *key;
	bpf_probe_read_kernel(&state, sizeof(state), &ndm->ndm_state);
	bpf_probe_read_kernel(&flags, sizeof(flags), &ndm->ndm_flags);
	/* these also fire other tracepoints, when done */
	if (flags & (NTF_USE | NTF_EXT_LEARNED))
		return;
	if (state & NUD_PERMANENT)
		add.type = L2_LOCAL;
	else if (state & NUD_NOARP)
		add.type = L2_FIXED;
	else if (state & NUD_REACHABLE)
		add.type = L2_DYNAMIC;
	else
		return;
	if (!p && add.type != L2_LOCAL)
		return;
	if (p && bpf_core_field_exists(p->vlgrp)) {
		struct net_bridge_vlan_group *group = BPF_CORE_READ(p, vlgrp);
		struct list_head *head;

		head = (void *)group +
		       bpf_core_field_offset(struct net_bridge_vlan_group, vlan_list);
		if (group) {
			add.head = head;
			add.at = BPF_CORE_READ(head, next);
		}
	}
	if (!add.key.vlan && mirror_add_one(&add, 0))
		return;
	bpf_loop(BRIDGE_VLANS, mirror_add_vlan, &add, 0);
	if (add.key.vlan && (add.found || !p))
		mirror_add_one(&add, add.key.vlan);
}

/*
 * An entry from netlink. The tracepoint fires before the kernel's checks, so they are repeated
 * here: otherwise a failed command would change the table. An entry in a VLAN that the port is
 * not in is refused; an entry without a VLAN is for all VLANs of the port.
 */
SEC("tp_btf/br_fdb_add")
int l2_mirror_add(__u64 *ctx)
{
	struct net_device *dev = (void *)ctx[1];
	struct l2_cfg *cfg = mirror_cfg();
	struct net_bridge_port *p = NULL;
	struct net_bridge *br = NULL;
	struct l2_key key MIRROR_KEY = {};

	if (!cfg || !cfg->bridge || mirror_netns(dev) != cfg->netns)
		return 0;
	if ((__u32)BPF_CORE_READ(dev, ifindex) != cfg->bridge) {
		p = BPF_CORE_READ(dev, rx_handler_data);
		br = BPF_CORE_READ(p, br);
		if (!mirror_is(cfg, br))
			return 0;
	}
	mirror_key(&key, ctx[3], (void *)ctx[2]);
	/* always refused; attach adds it to trigger a read of the ports */
	if (!mirror_is_zero(key.mac))
		mirror_add_entry(ctx, p, &key);
	else if (br)
		mirror_walk(cfg, br, bpf_ktime_get_ns(), 1);
	return 0;
}

SEC("tp_btf/br_fdb_update")
int l2_mirror_learn(__u64 *ctx)
{
	struct net_bridge *br = (void *)ctx[0];
	struct l2_cfg *cfg = mirror_cfg();
	union l2_head head;
	struct l2_key key MIRROR_KEY;

	if (!cfg || !mirror_is(cfg, br))
		return 0;
	mirror_key(&key, ctx[3], (void *)ctx[2]);
	/* a static entry that has moved is static still */
	mirror_put(&key, mirror_port((void *)ctx[1]),
		   mirror_get(&key, &head) && head.type == L2_FIXED ? L2_FIXED : L2_DYNAMIC);
	return 0;
}

SEC("tp_btf/br_fdb_external_learn_add")
int l2_mirror_extern(__u64 *ctx)
{
	struct net_bridge *br = (void *)ctx[0];
	struct net_bridge_port *p = (void *)ctx[1];
	struct l2_cfg *cfg = mirror_cfg();
	struct l2_key key MIRROR_KEY;

	if (!cfg || !mirror_is(cfg, br))
		return 0;
	mirror_key(&key, ctx[3], (void *)ctx[2]);
	mirror_put(&key, mirror_port(p), p ? L2_EXTERN : L2_LOCAL);
	return 0;
}

SEC("tp_btf/fdb_delete")
int l2_mirror_del(__u64 *ctx)
{
	struct net_bridge *br = (void *)ctx[0];
	struct net_bridge_fdb_entry *f = (void *)ctx[1];
	struct net_bridge_port *p = BPF_CORE_READ(f, dst);
	struct l2_look *last = mirror_last();
	struct l2_cfg *cfg = mirror_cfg();
	struct l2_fdb *entry;
	union l2_head head;
	struct l2_key key MIRROR_KEY;

	if (!cfg || !mirror_is(cfg, br))
		return 0;
	mirror_key(&key, BPF_CORE_READ(f, key.vlan_id), &f->key.addr);
	/* a port's own address: the port is about to be taken out of a VLAN */
	if (last && p && mirror_has_address(BPF_CORE_READ(p, dev), key.mac))
		last->changed = bpf_ktime_get_ns();
	entry = mirror_get(&key, &head);
	if (entry && head.type == L2_STATIC)
		return 0;
	/* a snapshot that has read the entry before must not write it again */
	if (cfg->flags & L2_F_SNAPSHOT)
		mirror_put(&key, 0, L2_GONE);
	else if (entry)
		bpf_map_delete_elem(&l2_fdb, &key);
	return 0;
}

/* jhash2 of two words, as the bridge's table of addresses has it. */
static __always_inline __u32 mirror_hash(const __u32 *key, __u32 seed)
{
#define ROL(X, N) ((X) << (N) | (X) >> (32 - (N)))
	__u32 c = 0xdeadbeef + (2 << 2) + seed, b = c + key[1], a = c + key[0];

	c ^= b;
	c -= ROL(b, 14);
	a ^= c;
	a -= ROL(c, 11);
	b ^= a;
	b -= ROL(a, 25);
	c ^= b;
	c -= ROL(b, 16);
	a ^= c;
	a -= ROL(c, 4);
	b ^= a;
	b -= ROL(a, 14);
	c ^= b;
	c -= ROL(b, 24);
#undef ROL
	return c;
}

#define MIRROR_CHAIN 16 /* of one bucket, which has one entry or two */

/* The bridge's own entry of KEY. NULL: it has none, or, with *UNSURE, that is not known: its
 * table is being resized, or the chain is long. */
static __always_inline struct net_bridge_fdb_entry *
mirror_bridge_has(struct net_bridge *br, const struct l2_key *key, int *unsure)
{
	struct bucket_table *table = BPF_CORE_READ(br, fdb_hash_tbl.tbl);
	__u32 size = BPF_CORE_READ(table, size), want[2], has[2];
	struct net_bridge_fdb_key k = {};
	void *at;

	__builtin_memcpy(k.addr.addr, key->mac, sizeof(key->mac));
	k.vlan_id = key->vlan;
	__builtin_memcpy(want, &k, sizeof(want));
	*unsure = !size || BPF_CORE_READ(table, nest) || BPF_CORE_READ(table, future_tbl);
	at = (void *)table + bpf_core_field_offset(struct bucket_table, buckets) +
	     sizeof(void *) * (mirror_hash(want, BPF_CORE_READ(table, hash_rnd)) & (size - 1));
	/* the lowest bit is a lock here, and in an element the end */
	if (bpf_probe_read_kernel(&at, sizeof(at), at))
		return NULL;
	at = (void *)((unsigned long)at & ~1UL);
#pragma clang loop unroll(disable)
	for (int i = 0; i < MIRROR_CHAIN; i++) {
		struct net_bridge_fdb_entry *f;

		if (!at || (unsigned long)at & 1)
			return NULL;
		f = at - bpf_core_field_offset(struct net_bridge_fdb_entry, rhnode);
		if (bpf_probe_read_kernel(has, sizeof(has), &f->key))
			break;
		if (has[0] == want[0] && has[1] == want[1]) {
			*unsure = 0;
			return f;
		}
		at = BPF_CORE_READ((struct rhash_head *)at, next);
	}
	*unsure = 1;
	return NULL;
}

/* Corrects an entry by the bridge's table. Tracepoints report changes only: two that overtake
 * each other on two CPUs, or one that no program saw, would leave the table wrong. */
static __noinline int mirror_heal(struct net_bridge *br, const struct l2_key *key)
{
	struct net_bridge_fdb_entry *f;
	unsigned long flags;
	struct l2_fdb *entry;
	union l2_head head;
	__u32 port = 0;
	int unsure;

	if (!key)
		return 0;
	entry = mirror_get(key, &head);
	if (entry && head.type == L2_STATIC)
		return 0;
	f = mirror_bridge_has(br, key, &unsure);
	if (!f) {
		if (entry && head.type != L2_GONE && !unsure)
			bpf_map_delete_elem(&l2_fdb, key);
		return 0;
	}
	flags = BPF_CORE_READ(f, flags);
	if (!(flags & BRIDGE_FDB_LOCAL))
		port = mirror_port(BPF_CORE_READ(f, dst));
	if (!entry || head.type == L2_GONE || head.port != port)
		mirror_put(key, port,
			   flags & BRIDGE_FDB_LOCAL    ? L2_LOCAL
			   : flags & BRIDGE_FDB_EXTERN ? L2_EXTERN
			   : flags & BRIDGE_FDB_STATIC ? L2_FIXED
						       : L2_DYNAMIC);
	return 0;
}

/* A frame on the slow path, before the bridge sees it: its addresses are checked and corrected.
 * A busy source takes this path once per refresh interval, one that the table has at another
 * port with each frame. */
static __always_inline void mirror_look_frame(struct net_bridge *br, struct sk_buff *skb,
					      const struct l2_wire *wire, __u32 number)
{
	struct {
		__u8 dst[6], src[6];
		__be16 proto, tci;
	} eth;
	struct l2_key key MIRROR_KEY;
	union l2_head head;
	__u32 vlan = 0;

	if (bpf_probe_read_kernel(&eth, sizeof(eth),
				  BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, mac_header)))
		return;
	if (wire->state & L2_P_VLAN) {
		if (skb_has_tag(skb))
			vlan = BPF_CORE_READ(skb, vlan_tci) & 0xfff;
		else if (eth.proto == wire->proto)
			vlan = bpf_ntohs(eth.tci) & 0xfff;
		vlan = vlan ?: wire->pvid;
	}
	mirror_key(&key, vlan, eth.src);
	if (mirror_get(&key, &head) && head.port != number)
		mirror_heal(br, &key);
	mirror_key(&key, vlan, eth.dst);
	if (!(eth.dst[0] & 1) && (!mirror_get(&key, &head) || head.port))
		mirror_heal(br, &key);
}

SEC("tp_btf/netif_receive_skb")
int l2_mirror_state(__u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct l2_look *last = mirror_last();
	struct l2_cfg *cfg = mirror_cfg();
	struct net_bridge_port *p;
	struct net_bridge *br;
	struct l2_wire *wire;
	__u64 now;
	__u32 n;

	if (!cfg || !cfg->bridge || !last)
		return 0;
	n = mirror_number(BPF_CORE_READ(dev, ifindex));
	wire = mirror_wire(n);
	if (!n || !wire || mirror_netns(dev) != cfg->netns)
		return 0;
	p = BPF_CORE_READ(dev, rx_handler_data);
	if (!p || !mirror_is(cfg, BPF_CORE_READ(p, br))) {
		/* it has left the bridge, which said so when it stopped to forward */
		if (!(wire->state & L2_P_BLOCKED))
			__sync_fetch_and_or(&wire->state, L2_P_BLOCKED);
		return 0;
	}
	br = BPF_CORE_READ(p, br);
	now = bpf_ktime_get_ns();
	if ((__s64)(now - last->looked) >= (__s64)L2_LOOK_NS)
		mirror_walk(cfg, br, now, 0);
	mirror_look_frame(br, skb, wire, n);
	return 0;
}

/* "br0: port 2(p2) entered blocking state": the state is set before that is logged. */
SEC("tp_btf/console")
int l2_mirror_log(__u64 *ctx)
{
	static const char want[] = " state";
	struct l2_look *last = mirror_last();
	struct l2_cfg *cfg = mirror_cfg();
	char end[sizeof(want) - 1];
	struct net_bridge *br;

	if (!cfg || !cfg->bridge || !last || !last->address || ctx[1] < sizeof(end))
		return 0;
	if (bpf_probe_read_kernel(end, sizeof(end), (void *)ctx[0] + ctx[1] - sizeof(end)))
		return 0;
	for (unsigned int i = 0; i < sizeof(end); i++) {
		if (end[i] != want[i])
			return 0;
	}
	br = (void *)last->address;
	if (mirror_is(cfg, br))
		mirror_walk(cfg, br, bpf_ktime_get_ns(), 0);
	return 0;
}
