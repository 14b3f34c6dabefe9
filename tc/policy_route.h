/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_route.h - sends a packet to a next hop, as a router does: next hop usable, TTL left,
 * fits the device; then TTL, checksum, VLAN tag, redirect. A packet is changed only after all
 * checks that can refuse it.
 */
#ifndef HOOKMAP_POLICY_ROUTE_H
#define HOOKMAP_POLICY_ROUTE_H

#include "policy.h"
#include "policy_group.h"
#include "skb.h"

#include <linux/pkt_cls.h>

HM_MAP(pol_hop);
HM_MAP(pol_hop_state);
HM_MAP(pol_hop_count);
HM_MAP(pol_way);

/* newer than the headers of Debian 12 */
#define POL_FIB_DIRECT 1
#define POL_FIB_OUTPUT 2
#ifndef POL_FIB_TBID /* of 6.7 */
#define POL_FIB_TBID 8
#endif
#define POL_CHK_SEGS 1

#define POL_AF_INET  2
#define POL_AF_INET6 10

/* struct bpf_fib_lookup of 6.7: its table id shares the field of the returned VLAN tag */
struct pol_fib {
	__u8 family;
	__u8 l4_protocol;
	__be16 sport;
	__be16 dport;
	__u16 tot_len; /* 0: the helper checks the packet's own length, and may refuse it */
	__u32 ifindex;
	__u32 tos; /* and other results in 4 bytes */
	__u32 src[4];
	__u32 dst[4];
	__u32 tbid;
	__u8 smac[6];
	__u8 dmac[6];
};
_Static_assert(sizeof(struct pol_fib) == sizeof(struct bpf_fib_lookup), "fib");

/* The output path of a packet. */
struct pol_out {
	__u32 ifindex;
	__u32 flags; /* POL_H_*; GW4 and GW6 are the family of gw */
	__u32 vlan;
	__u32 mtu; /* if the packet is too big for it, else 0. POL_H_NO: POL_ICMP */
	struct bpf_redir_neigh neigh;
};

#define POL_H_NO 0x80000000 /* pol_out.flags: the route refuses */

/* An ICMP error. Its MTU is 0 if it has none; all of it is 0 if none is sent. */
#define POL_ICMP(TYPE, CODE, MTU) ((TYPE) << 24 | (CODE) << 16 | ((MTU) < 0xffff ? (MTU) : 0xffff))

/* Why this path cannot be used. */
enum pol_usable {
	POL_USABLE = 0,
	POL_DOWN,
	POL_UNREACHABLE,
	POL_NO_TABLE, /* before 6.7 the kernel cannot look up a table by number */
};

/* IPv6 packets of over 65 535 bytes (BIG TCP) have a hop-by-hop header that segments do not
 * have, and that the kernel ignores when it checks the MTU. */
static __always_inline __u32 pol_jumbo(const struct pol_pkt *p)
{
	__u32 base = sizeof(struct ipv6hdr);

	return p->word[POL_W_MISC] & POL_M_IP6 && p->len > 0xffff + base && p->l4 > p->nh_off + base
		       ? 8
		       : 0;
}

/* The longest segment of the packet on the wire, from the IP header on. */
static __always_inline __u32 pol_piece_len(struct __sk_buff *skb, const struct pol_pkt *p)
{
	__u32 head = p->l4 - p->nh_off - pol_jumbo(p);
	__u8 data_off;

	if (!skb->gso_size)
		return skb->len - p->nh_off;
	if (!p->hidden && p->l4proto == IPPROTO_UDP)
		head += 8;
	else if (!p->hidden && p->l4proto == IPPROTO_TCP &&
		 !bpf_skb_load_bytes(skb, p->l4 + 12, &data_off, 1))
		head += (data_off >> 4) * 4;
	return head + skb->gso_size;
}

static __always_inline long pol_fib(struct __sk_buff *skb, struct pol_stat *st, struct pol_fib *fib,
				    const struct pol_pkt *p, __u32 ifindex, __u32 flags)
{
	int v6 = !!(p->word[POL_W_MISC] & POL_M_IP6);
	long ret;

	fib->family = v6 ? POL_AF_INET6 : POL_AF_INET;
	fib->l4_protocol = p->l4proto;
	/* routes by TOS, and of several by ports (fib_multipath_hash_policy) */
	fib->sport = bpf_htons(p->word[POL_W_PORTS] >> 16);
	fib->dport = bpf_htons(p->word[POL_W_PORTS]);
	if (v6)
		fib->tos = bpf_htonl((p->word[POL_W_MISC] & POL_M_DSCP) << 14);
	else
		*(__u8 *)&fib->tos = (p->word[POL_W_MISC] & POL_M_DSCP) >> 6;
	fib->ifindex = ifindex;
	fib->src[0] = bpf_htonl(p->word[POL_W_SRC]);
	fib->dst[0] = bpf_htonl(p->word[POL_W_DST]);
	for (int i = 0; i < 3; i++) {
		fib->src[1 + i] = bpf_htonl(p->word[POL_W_SRC6 + i]);
		fib->dst[1 + i] = bpf_htonl(p->word[POL_W_DST6 + i]);
	}
	ret = bpf_fib_lookup(skb, (void *)fib, sizeof(*fib), flags);
	pol_event(st->fib, ret < 0 ? POL_FIB_MAX - 1 : ret, POL_FIB_MAX);
	return ret;
}

static __always_inline int pol_fib_found(long ret)
{
	return ret == BPF_FIB_LKUP_RET_SUCCESS || ret == BPF_FIB_LKUP_RET_NO_NEIGH;
}

/* The same, and the MTU of the route if the packet is too big for it. */
static __always_inline long pol_fib_mtu(struct __sk_buff *skb, struct pol_stat *st,
					struct pol_fib *fib, const struct pol_pkt *p, __u32 ifindex,
					__u32 flags, struct pol_out *way)
{
	__u32 len = pol_piece_len(skb, p), tbid = fib->tbid;
	long ret;

	way->mtu = 0;
	fib->tot_len = len < 0xffff ? len : 0xffff;
	ret = pol_fib(skb, st, fib, p, ifindex, flags);
	if (ret != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return ret;
	way->mtu = fib->tot_len;
	fib->tot_len = 1;
	fib->tbid = tbid; /* it was taken out */
	return pol_fib(skb, st, fib, p, ifindex, flags);
}

/* A local destination, or one without a route: POL_LOCAL. */
HM_FUNCTION __u32 pol_local(struct __sk_buff *skb, const struct pol_pkt *p)
{
	__u32 zero = 0;
	struct pol_stat *st = bpf_map_lookup_elem(&pol_stat, &zero);
	struct pol_fib fib = {};
	long ret;

	if (!p || !st)
		return POL_LOCAL;
	ret = pol_fib(skb, st, &fib, p, skb->ifindex, 0);
	if (ret == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return POL_NO_FORWARD;
	return ret < 0 || ret == BPF_FIB_LKUP_RET_NOT_FWDED ? POL_LOCAL : 0;
}

/* --- is the device up? */

#define POL_DEVICES  65536
#define POL_ETHER    1 /* ARPHRD_ETHER */
#define POL_LOOPBACK 772

static __always_inline struct net_device *pol_dev_find(struct __sk_buff *skb, __u32 ifindex)
{
	return net_dev_find(BPF_CORE_READ((struct sk_buff *)skb, dev, nd_net.net), ifindex);
}

/* enum netdev_state_t: START and PRESENT, not NOCARRIER */
static __always_inline int pol_dev_runs(struct net_device *dev)
{
	return (BPF_CORE_READ(dev, state) & 7) == 3;
}

/* The start of its frames. */
static __always_inline __u32 pol_dev_flags(struct net_device *dev)
{
	__u16 type = BPF_CORE_READ(dev, type);

	if (type == POL_ETHER || type == POL_LOOPBACK)
		return 0;
	return BPF_CORE_READ(dev, header_ops, create) ? POL_H_NBMA : POL_H_L3;
}

/* Not found: up, unless it is gone. */
static __always_inline int pol_dev_up(struct __sk_buff *skb, struct net_device *dev, __u32 ifindex)
{
	__u32 mtu = 0;

	return dev ? pol_dev_runs(dev) : bpf_check_mtu(skb, ifindex, &mtu, 0, 0) >= 0;
}

/* Search for a device by name. */
struct pol_named {
	__u64 name[2];
	struct list_head *head, *at;
	struct net_device *dev; /* found, or NULL */
};

static __always_inline int pol_dev_is_named(struct net_device *dev, const __u64 *name)
{
	__u64 has[2] = {};

	bpf_core_read_str(has, sizeof(has), &dev->name);
	return has[0] == name[0] && has[1] == name[1];
}

/* A device that leaves the list meanwhile ends the search, and the next search finds the rest. */
static long pol_dev_next(__u32 i, struct pol_named *w)
{
	struct list_head *at = w->at;
	struct net_device *dev = (void *)at - bpf_core_field_offset(struct net_device, dev_list);

	if (!at || at == w->head)
		return 1;
	if (pol_dev_is_named(dev, w->name)) {
		w->dev = dev;
		return 1;
	}
	w->at = BPF_CORE_READ(at, prev);
	return 0;
}

/* DEV may be gone: then the memory has another name, or is not running. */
static __always_inline __u32 pol_dev_state(struct net_device *dev, struct net *net,
					   const __u64 *name)
{
	if (!dev || BPF_CORE_READ(dev, nd_net.net) != net || !pol_dev_is_named(dev, name))
		return POL_DEV_GONE;
	return pol_dev_runs(dev) ? POL_DEV_UP : POL_DEV_DOWN;
}

/* Checks the device of next hop INDEX, and if it is not up, looks for another one of its name. */
HM_FUNCTION int pol_hop_look(struct __sk_buff *skb, __u32 index, __u64 now)
{
	struct pol_hop_state *state = bpf_map_lookup_elem(&pol_hop_state, &index);
	struct net *net = BPF_CORE_READ((struct sk_buff *)skb, dev, nd_net.net);
	struct pol_hop *hop = bpf_map_lookup_elem(&pol_hop, &index);
	struct pol_named w = {};
	struct list_head *head;
	__u32 is;

	if (!hop || !state)
		return 0;
	__builtin_memcpy(w.name, hop->dev, sizeof(w.name));
	w.dev = (void *)state->dev;
	is = pol_dev_state(w.dev, net, w.name);
	if (is != POL_DEV_UP && now - state->searched >= POL_PROBE_NS) {
		state->searched = now;
		head = (void *)net + bpf_core_field_offset(struct net, dev_base_head);
		w.head = head;
		w.at = BPF_CORE_READ(head, prev);
		w.dev = NULL;
		bpf_loop(POL_DEVICES, pol_dev_next, &w, 0);
		state->dev = (__u64)w.dev;
		is = pol_dev_state(w.dev, net, w.name);
	}
	if (is) {
		struct net_device *dev = w.dev;

		state->ifindex = BPF_CORE_READ(dev, ifindex);
		state->flags = pol_dev_flags(dev);
	}
	state->device = is;
	barrier();
	state->tick = now;
	return 0;
}

static __always_inline void pol_hop_tick(struct __sk_buff *skb, const struct pol_hop_state *state,
					 __u32 index, __u64 now)
{
	if (state->tick != now)
		pol_hop_look(skb, index, now);
}

/* --- next hops */

static __always_inline void pol_way_fib(struct pol_out *way, const struct pol_fib *fib)
{
	way->ifindex = fib->ifindex;
	way->neigh.nh_family = fib->family;
	if (fib->family == POL_AF_INET6)
		__builtin_memcpy(way->neigh.ipv6_nh, fib->dst, sizeof(fib->dst));
	else
		way->neigh.ipv4_nh = fib->dst[0];
}

/* The results for the other packets of this tick. KNOWN is per CPU, so no packet sees half of
 * it. Without the MAC addresses of a neighbour, or with a tag to push, the MTU is 0, and no
 * packet takes the short path. */
static __always_inline void pol_way_keep(struct __sk_buff *skb, struct pol_way *known,
					 const struct pol_out *way, const struct pol_fib *fib,
					 int short_way, __u64 now)
{
	__u32 mtu = 0;

	if (!short_way || way->flags & (POL_H_VLAN | POL_H_NBMA) ||
	    bpf_check_mtu(skb, way->ifindex, &mtu, 0, 0) < 0)
		mtu = 0;
	known->tick = 0;
	barrier();
	known->ifindex = way->ifindex;
	known->mtu = mtu;
	__builtin_memcpy(known->dmac, fib->dmac, sizeof(known->dmac));
	__builtin_memcpy(known->smac, fib->smac, sizeof(known->smac));
	barrier();
	known->tick = now;
}

/* Looks up the neighbour entry of the gateway of WAY. False if the result is about another
 * gateway, through which a route leads to this one. The IPv6 look-up treats the device as a
 * hint. */
static __always_inline int pol_gateway(struct __sk_buff *skb, const struct pol_out *way,
				       struct pol_fib *fib, long *ret)
{
	int v6 = way->neigh.nh_family == POL_AF_INET6, same;

	fib->family = way->neigh.nh_family;
	fib->tot_len = 1;
	fib->ifindex = way->ifindex;
	if (v6)
		__builtin_memcpy(fib->dst, way->neigh.ipv6_nh, sizeof(fib->dst));
	else
		fib->dst[0] = way->neigh.ipv4_nh;
	*ret = bpf_fib_lookup(skb, (void *)fib, sizeof(*fib), POL_FIB_OUTPUT);
	if (v6)
		same = fib->dst[0] == way->neigh.ipv6_nh[0] &&
		       fib->dst[1] == way->neigh.ipv6_nh[1] &&
		       fib->dst[2] == way->neigh.ipv6_nh[2] && fib->dst[3] == way->neigh.ipv6_nh[3];
	else
		same = fib->family == POL_AF_INET && fib->dst[0] == way->neigh.ipv4_nh;
	return same && fib->ifindex == way->ifindex && pol_fib_found(*ret);
}

/* Does the gateway of WAY have a neighbour entry? Checked once per tick and CPU, and for each
 * packet while the kernel waits for the answer. See struct pol_hop_state for when it is dead;
 * then an occasional packet passes, so that the kernel asks again. */
static __always_inline int pol_neighbour(struct __sk_buff *skb, struct pol_stat *st,
					 const struct pol_out *way, struct pol_hop_state *state,
					 struct pol_way *known, struct pol_fib *fib, int ip6,
					 __u64 now)
{
	int v6 = way->neigh.nh_family == POL_AF_INET6;
	__u64 waiting = state->waiting[v6], checked = state->checked[v6];
	int same;
	long ret;

	if (!waiting && (ip6 ? now - checked < POL_PROBE_NS : known->tick == now))
		return POL_USABLE;
	same = pol_gateway(skb, way, fib, &ret);
	pol_event(st->fib, ret < 0 ? POL_FIB_MAX - 1 : ret, POL_FIB_MAX);
	state->checked[v6] = now;
	if (ret == BPF_FIB_LKUP_RET_NO_NEIGH && same) {
		/* other CPUs may be a tick ahead */
		if (!waiting || (__s64)(now - checked) > (__s64)POL_SEEN_NS)
			state->waiting[v6] = waiting = now;
		if ((__s64)(now - waiting) < (__s64)POL_NEIGH_NS)
			return POL_USABLE;
		if (now - state->probed[v6] < POL_PROBE_NS)
			return POL_UNREACHABLE;
		state->probed[v6] = now;
		return POL_USABLE;
	}
	if (waiting)
		state->waiting[v6] = 0;
	if (ip6)
		return POL_USABLE;
	pol_way_keep(skb, known, way, fib, same && ret == BPF_FIB_LKUP_RET_SUCCESS, now);
	return POL_USABLE;
}

/* Fills WAY from next hop INDEX of pol_hop, whose device was checked in this tick. */
HM_FUNCTION int pol_way_hop(struct __sk_buff *skb, const struct pol_pkt *p, __u32 index, __u64 now,
			    struct pol_out *way)
{
	__u32 zero = 0;
	struct pol_stat *st = bpf_map_lookup_elem(&pol_stat, &zero);
	struct pol_hop_state *state = bpf_map_lookup_elem(&pol_hop_state, &index);
	struct pol_hop *hop = bpf_map_lookup_elem(&pol_hop, &index);
	struct pol_way *known = bpf_map_lookup_elem(&pol_way, &index);
	struct pol_fib fib = {};
	long ret;
	int v6;

	if (!p || !way || !st || !hop || !state || !known || !hop->dev[0])
		return POL_UNREACHABLE;
	if (state->device != POL_DEV_UP)
		return POL_DOWN;
	v6 = !!(p->word[POL_W_MISC] & POL_M_IP6);
	way->ifindex = state->ifindex;
	/* a device without Ethernet header needs nothing else */
	way->flags = state->flags ?: hop->flags;
	way->vlan = hop->vlan;
	way->mtu = 0;
	if (way->flags & POL_H_L2)
		return p->l3 ? POL_UNREACHABLE : POL_USABLE;
	if (way->flags & POL_H_L3)
		return POL_USABLE;
	if (!v6 && hop->flags & POL_H_GW4) {
		way->neigh.nh_family = POL_AF_INET;
		__builtin_memcpy(&way->neigh.ipv4_nh, hop->gw4, sizeof(hop->gw4));
		return pol_neighbour(skb, st, way, state, known, &fib, v6, now);
	}
	if (hop->flags & POL_H_GW6) { /* also for IPv4: RFC 5549 */
		way->neigh.nh_family = POL_AF_INET6;
		__builtin_memcpy(way->neigh.ipv6_nh, hop->gw6, sizeof(hop->gw6));
		return pol_neighbour(skb, st, way, state, known, &fib, v6, now);
	}
	/* no gateway: the kernel's routes through this device, else none */
	ret = pol_fib_mtu(skb, st, &fib, p, way->ifindex, POL_FIB_OUTPUT, way);
	if (!pol_fib_found(ret) || fib.ifindex != way->ifindex)
		return POL_UNREACHABLE;
	pol_way_fib(way, &fib);
	return POL_USABLE;
}

/* The error that the kernel sends when a route refuses: RET of the look-up. */
static __always_inline __u32 pol_no(const struct pol_pkt *p, long ret)
{
	int v6 = !!(p->word[POL_W_MISC] & POL_M_IP6);

	switch (ret) {
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return v6 ? POL_ICMP(1, 0, 0) : POL_ICMP(3, 1, 0);
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return v6 ? POL_ICMP(1, 1, 0) : POL_ICMP(3, 13, 0);
	}
	return 0;
}

/* Fills WAY from the route of table ID. */
HM_FUNCTION int pol_way_table(struct __sk_buff *skb, const struct pol_pkt *p, __u32 id,
			      struct pol_out *way)
{
	__u32 zero = 0;
	struct pol_stat *st = bpf_map_lookup_elem(&pol_stat, &zero);
	struct net_device *dev;
	struct pol_fib fib = {};
	long ret;

	if (!p || !way || !st)
		return POL_UNREACHABLE;
	fib.tbid = id;
	ret = pol_fib_mtu(skb, st, &fib, p, skb->ifindex, POL_FIB_DIRECT | POL_FIB_TBID, way);
	if (ret == -22) /* EINVAL */
		return POL_NO_TABLE;
	if (ret >= BPF_FIB_LKUP_RET_BLACKHOLE && ret <= BPF_FIB_LKUP_RET_PROHIBIT) {
		way->flags = POL_H_NO;
		way->mtu = pol_no(p, ret);
		return POL_USABLE;
	}
	if (!pol_fib_found(ret))
		return POL_UNREACHABLE;
	dev = pol_dev_find(skb, fib.ifindex);
	if (!pol_dev_up(skb, dev, fib.ifindex))
		return POL_DOWN;
	way->flags = dev ? pol_dev_flags(dev) : 0;
	pol_way_fib(way, &fib);
	return POL_USABLE;
}

/* --- changes */

HM_FUNCTION int pol_checksum_bad(struct __sk_buff *skb, const struct pol_pkt *p)
{
	__u64 len = p ? p->head : 0;
	__u8 head[60];
	__s64 sum;

	asm volatile("" : "+r"(len)); /* one register, tested and used: v1, v2 */
	if (len < 20 || len > 60)
		return 1;
	if (bpf_skb_load_bytes(skb, p->nh_off, head, len))
		return 1;
	len &= 0x3c;
	sum = bpf_csum_diff(NULL, 0, (__be32 *)head, len, 0);
	if (sum < 0)
		return 1;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum != 0xffff;
}

/* An IPv4 packet whose options have a source route, or are malformed. */
HM_FUNCTION int pol_source_route(struct __sk_buff *skb, const struct pol_pkt *p)
{
	__u32 at = 20;
	__u8 option[2];

	if (!p)
		return 0;
	for (int i = 0; i < 40 && at < p->head; i++) {
		if (bpf_skb_load_bytes(skb, p->nh_off + at, option, sizeof(option)))
			return 1;
		if (!option[0])
			break;
		if (option[0] == 1) {
			at++;
			continue;
		}
		if (option[0] == 0x83 || option[0] == 0x89 || option[1] < 2 ||
		    at + option[1] > p->head)
			return 1;
		at += option[1];
	}
	return 0;
}

/* As ip_forward() does it, by TOS: queues and VLAN devices go by it. */
static __always_inline void pol_priority(struct __sk_buff *skb, const struct pol_pkt *p)
{
	if (!(p->word[POL_W_MISC] & POL_M_IP6))
		skb->priority = 0x4620 >> (p->word[POL_W_MISC] >> 7 & 0xc) & 0xf;
}

static __always_inline long pol_decrement(struct __sk_buff *skb, const struct pol_pkt *p)
{
	__u32 sum;
	struct {
		__u8 ttl;
		__u8 proto;
		__be16 check;
	} v4;

	if (p->word[POL_W_MISC] & POL_M_IP6) {
		__u8 hops = p->ttl - 1;

		return bpf_skb_store_bytes(skb, p->nh_off + 7, &hops, 1, BPF_F_RECOMPUTE_CSUM);
	}
	sum = p->check + bpf_htons(0x0100);
	sum += sum >= 0xffff;
	v4.ttl = p->ttl - 1;
	v4.proto = p->l4proto;
	v4.check = sum;
	return bpf_skb_store_bytes(skb, p->nh_off + 8, &v4, sizeof(v4), BPF_F_RECOMPUTE_CSUM);
}

/* Why the packet cannot be sent as it is: 0, POL_N_UNREACHABLE (the route says no), POL_N_EXPIRED
 * or POL_N_TOO_BIG, with the MTU in WAY. */
HM_FUNCTION int pol_unfit(struct __sk_buff *skb, const struct pol_pkt *p, struct pol_out *way)
{
	__u32 gso, mtu;
	int jumbo;

	if (!p || !way)
		return POL_N_ERROR;
	if (way->flags & POL_H_NO)
		return POL_N_UNREACHABLE;
	if (p->ttl <= 1 && !(way->flags & POL_H_L2))
		return POL_N_EXPIRED;
	gso = skb->gso_size;
	jumbo = gso && pol_jumbo(p);
	mtu = gso ? 0 : skb->len - p->nh_off;
	if (bpf_check_mtu(skb, way->ifindex, &mtu, 0, gso && !jumbo ? POL_CHK_SEGS : 0) <= 0 &&
	    !(jumbo && pol_piece_len(skb, p) > mtu) && !way->mtu)
		return 0;
	if (!way->mtu || way->mtu > mtu)
		way->mtu = mtu;
	return POL_N_TOO_BIG;
}

/* Removes the packet's VLAN tags and pushes the next hop's. */
static __always_inline long pol_retag(struct __sk_buff *skb, const struct pol_out *way, int l3)
{
	long err = 0;

	for (int i = 0; !l3 && i < FLOW_VLANS; i++) {
		if (!skb->vlan_present && skb->protocol != bpf_htons(ETH_P_8021Q) &&
		    skb->protocol != bpf_htons(ETH_P_8021AD))
			break;
		err = bpf_skb_vlan_pop(skb);
		if (err)
			return err;
	}
	if (way->flags & POL_H_VLAN)
		err = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), way->vlan);
	return err;
}

/* Sends the packet, which has passed all checks. Returns TC_ACT_*. */
HM_FUNCTION int pol_send_fit(struct __sk_buff *skb, const struct pol_pkt *p,
			     const struct pol_out *way)
{
	__u32 zero = 0;
	struct pol_stat *st = bpf_map_lookup_elem(&pol_stat, &zero);
	struct bpf_redir_neigh neigh;

	if (!p || !way || !st)
		return TC_ACT_SHOT;
	if (way->flags & POL_H_L2)
		return bpf_redirect(way->ifindex, 0);
	/* bpf_redirect_neigh replaces an Ethernet header: there must be one */
	if (pol_decrement(skb, p) ||
	    (p->l3 && !(way->flags & POL_H_L3) && bpf_skb_change_head(skb, ETH_HLEN, 0)) ||
	    pol_retag(skb, way, p->l3)) {
		st->n[POL_N_ERROR]++;
		return TC_ACT_SHOT;
	}
	if (way->flags & POL_H_L3)
		return bpf_redirect(way->ifindex, 0);
	neigh = way->neigh;
	return bpf_redirect_neigh(way->ifindex, &neigh, sizeof(neigh), 0);
}

/* An IPv4 packet without options or tag, to a next hop known in this tick: headers are written
 * here. Returns a negative number for any other, which is unchanged. One packet per tick takes
 * the long path, which keeps the neighbour in use for the kernel. */
static __always_inline int pol_send_known(struct __sk_buff *skb, const struct pol_pkt *p,
					  const struct pol_way *known, __u64 now)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u16 *half = (void *)ip;
	__u32 sum = 0;

	if (known->tick != now || p->l3 || p->word[POL_W_MISC] & POL_M_IP6 ||
	    p->nh_off != sizeof(*eth) || p->head != sizeof(*ip) || skb->vlan_present ||
	    p->ttl <= 1 || skb->len > known->mtu + sizeof(*eth) || (void *)(ip + 1) > end)
		return -1;
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += half[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (sum != 0xffff)
		return -1;
	__builtin_memcpy(eth->h_dest, known->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, known->smac, ETH_ALEN);
	/* the sum over the header stays; so does the device's sum */
	sum = p->check + bpf_htons(0x0100);
	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
	pol_priority(skb, p);
	return bpf_redirect(known->ifindex, 0);
}

#endif
