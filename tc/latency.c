// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc/latency - the second stage: assigns a slot to the packet.
 *
 *   tc qdisc add dev D clsact
 *   tc filter add dev D ingress prio 1 handle 1 bpf da obj build/tc/latency.o
 *
 * Finds the time of xdp/latency in the CPU's ring, writes a stamp to a slot of lat_stamp, and
 * its tag to skb->tc_index, which tells the later stages that there is a stamp. "classid 0:X"
 * (LAT_CLASS_* and the nsid, see abi.h) sets the namespace, whether it is a container's, whether
 * tc is the first stage because there is no XDP program, and whether packets have no Ethernet
 * header (tun, wireguard, gre).
 *
 * Section tc removes the tag, for later filters that use all of tc_index. The packet is not
 * measured further:
 *
 *   tc filter add dev D egress prio 1 handle 1 bpf da obj build/tc/latency.o sec tc
 *
 * In-packet mode: also writes the stamps into the payload of UDP datagrams to one port. It also
 * does this for XDP: only at tc can the kernel keep the checksum correct in every state of
 * skb->ip_summed.
 *
 * Maps: lat_cfg, lat_stat, lat_ring, lat_stamp, lat_hist. Times in ns.
 * Returns TC_ACT_UNSPEC always: other filters still run.
 */
#define LAT_RECORD
#include "latency.h"
#include "latency_ring.h"
#include "reach.h"

#include <linux/pkt_cls.h>
#include <linux/udp.h>

HM_MAP(lat_cfg);

/* Into the ring's scratch; false if it is not IP, or malformed. */
HM_FUNCTION int lat_parse_tc(struct __sk_buff *skb)
{
	__be16 l3 = skb->tc_classid & LAT_CLASS_L3 ? skb->protocol : 0;
	struct lat_ring *ring = lat_ring_get();

	return ring && lat_parse(ring, LAT_SCRATCH_TC, (void *)(long)skb->data,
				 (void *)(long)skb->data_end, skb->len, l3);
}

/*
 * Writes the stamp's times into the payload if this is UDP to the port: both times if the stamp
 * is new, otherwise the last one after them.
 */
static __always_inline void lat_inpacket(struct __sk_buff *skb, const struct lat_cfg *cfg,
					 const struct lat_packet *packet,
					 const struct lat_stamp *stamp, int fresh)
{
	__u64 stamps[2] = { stamp->first, stamp->last }, old[2];
	__u32 at = fresh ? 0 : sizeof(stamps), size = fresh ? sizeof(stamps) : sizeof(stamps[0]);
	struct udphdr head;
	__u32 udp;
	__s64 diff;

	if (!packet || packet->f.l4proto != IPPROTO_UDP || !packet->f.dport ||
	    packet->f.dport != cfg->inpacket_port)
		return;
	if (!fresh)
		stamps[0] = stamps[1];
	udp = packet->l4;
	/* a short datagram may be followed by padding, which is not payload. Reads the port
	 * again, from the packet: see struct lat_ring */
	if (bpf_skb_load_bytes(skb, udp, &head, sizeof(head)) || head.dest != cfg->inpacket_port ||
	    bpf_ntohs(head.len) < sizeof(struct udphdr) + at + size)
		return;
	at += udp + sizeof(struct udphdr);
	if (bpf_skb_load_bytes(skb, at, old, size))
		return;
	diff = bpf_csum_diff((__be32 *)old, size, (__be32 *)stamps, size, 0);
	if (bpf_l4_csum_replace(skb, udp + __builtin_offsetof(struct udphdr, check), 0, diff,
				BPF_F_MARK_MANGLED_0))
		return;
	bpf_skb_store_bytes(skb, at, stamps, size, 0);
}

/* Returns the new stamp, or NULL if there is no slot for it. */
static __always_inline struct lat_stamp *lat_start(struct __sk_buff *skb, const struct lat_cfg *cfg,
						   struct lat_stat *st,
						   const struct lat_packet *packet, __u64 first,
						   __u8 nsid)
{
	const struct flow *f = &packet->f;
	int any = f->more | f->fragment | packet->clone | (f->l4proto == IPPROTO_ICMP) |
		  (f->l4proto == IPPROTO_ICMPV6);
	struct lat_stamp *stamp = lat_stamp_new(st, skb, any, cfg->shift);
	__u64 now = bpf_ktime_get_ns();

	if (!stamp)
		return NULL;
	stamp->first = first ?: now;
	stamp->last = now;
	stamp->ifindex = skb->ifindex;
	stamp->nsid = nsid;
	stamp->l4proto = f->l4proto;
	stamp->stage = LAT_TC;
	stamp->begin = first ? LAT_XDP : LAT_TC;
	stamp->passed = 1 << LAT_TC;
	stamp->empty = packet->empty;
	st->started++;
	if (first)
		lat_add(st, stamp, LAT_XDP, LAT_TC, now - first);
	skb->tc_index = (skb->tc_index & LAT_INDEX_OTHERS) | stamp->tag;
	return stamp;
}

/* Returns the stamp, or NULL if it has been here: another of our filters on the same device. */
static __always_inline struct lat_stamp *lat_enter(struct __sk_buff *skb, struct lat_stat *st,
						   struct lat_stamp *stamp, __u32 class)
{
	__u8 stage = class & LAT_CLASS_CONTAINER ? LAT_CONTAINER : LAT_TC;

	if (stamp->stage == stage && stamp->ifindex == skb->ifindex)
		return NULL;
	stamp->ifindex = skb->ifindex;
	stamp->nsid = class;
	lat_move(st, stamp, stage);
	return stamp;
}

/* Does the measurement of this packet start here, without XDP in front? */
static __always_inline int lat_first(struct __sk_buff *skb, const struct lat_cfg *cfg,
				     struct lat_stat *st, const struct lat_packet *packet)
{
	if (cfg->flags & LAT_F_FILTER && !lat_match(cfg, skb->ifindex, &packet->f))
		return 0;
	return lat_seen(st, lat_turn(cfg, st));
}

SEC("classifier")
int latency_tc(struct __sk_buff *skb)
{
	__u32 class = skb->tc_classid, tag = skb->tc_index & LAT_INDEX_TAG;
	struct lat_packet *packet = NULL;
	struct lat_ring *ring = lat_ring_get();
	struct lat_stamp *stamp = NULL;
	struct lat_cfg *cfg;
	struct lat_stat *st;
	int pending, fresh;
	__u64 first = 0;

	reach(skb->ifindex);
	if (!ring)
		return TC_ACT_UNSPEC;
	pending = ring->head != ring->tail && !(class & (LAT_CLASS_CONTAINER | LAT_CLASS_START));
	if (!pending && !tag && !(class & LAT_CLASS_START))
		return TC_ACT_UNSPEC;
	cfg = lat_lookup(lat_cfg);
	st = lat_lookup(lat_stat);
	if (!cfg || !st || cfg->flags & LAT_F_PAUSE)
		return TC_ACT_UNSPEC;
	if ((pending || class & LAT_CLASS_START || cfg->flags & LAT_F_INPACKET) &&
	    lat_parse_tc(skb))
		packet = &ring->scratch[LAT_SCRATCH_TC];
	if (pending && packet)
		first = lat_ring_take(packet->f.l4proto == IPPROTO_UDP ? skb->gso_segs : 0);
	if (tag && !first)
		stamp = lat_stamp_get(skb, tag, lat_head);

	fresh = packet && !stamp &&
		(first || (class & LAT_CLASS_START && lat_first(skb, cfg, st, packet)));
	if (fresh)
		stamp = lat_start(skb, cfg, st, packet, first, class);
	else if (stamp)
		stamp = lat_enter(skb, st, stamp, class);
	if (stamp && cfg->flags & LAT_F_INPACKET)
		lat_inpacket(skb, cfg, packet, stamp, fresh);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int latency_end(struct __sk_buff *skb)
{
	struct lat_stamp *stamp;
	struct lat_stat *st;

	if (!(skb->tc_index & LAT_INDEX_TAG))
		return TC_ACT_UNSPEC;
	st = lat_lookup(lat_stat);
	stamp = lat_stamp_get(skb, skb->tc_index, lat_head);
	if (st && stamp && stamp->stage < LAT_STAGES) {
		__sync_fetch_and_add(&st->gone[stamp->stage], 1);
		stamp->skb = 0;
	}
	skb->tc_index &= LAT_INDEX_OTHERS;
	return TC_ACT_UNSPEC;
}
