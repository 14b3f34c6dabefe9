/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pktlat.h - the measurement of one packet that is about to leave the kernel, for
 * kern/pktlat and kern/pktlat_fentry.
 */
#ifndef HOOKMAP_PKTLAT_H
#define HOOKMAP_PKTLAT_H

#include "skb.h"

#define FLOW_COPY(CTX, TO, SIZE, AT) skb_copy(CTX, TO, SIZE, AT)

#include "parse_copy.h"
#include "hist_age.h"
#include "stream.h"
#include "trace.h"

#include <linux/errno.h>

HM_MAP(pktlat_cfg);
HM_MAP(pktlat_stat);
HM_MAP(pktlat_hist);
HM_MAP(pktlat_ring);
HM_MAP(pktlat_who);
HM_MAP(pktlat_part);

#define PKTLAT_IPV6 40 /* bytes of its header */

enum pktlat_from {
	FROM_COPY,    /* skb_copy_datagram_iovec */
	FROM_CONSUME, /* skb_consume_udp */
};

/* Messages of Unix, netlink and vsock sockets have no protocol, and TCP data that was copied
 * together has lost it. Reports to a sender about its own packets were never received. */
static __always_inline int pktlat_packet(const struct sk_buff *skb)
{
	unsigned int family = skb_family(skb);

	return (skb->protocol || family == AF_INET || family == AF_INET6) && !skb_is_report(skb);
}

/* Has the kernel merged others into this TCP packet while it waited? Its headers are still the
 * original ones. */
static __always_inline int pktlat_merged(const struct sk_buff *skb)
{
	const unsigned char *ip = skb->head + skb->network_header;
	const unsigned char *tcp = skb->head + skb->transport_header;
	__be16 words[3] = {}; /* the version, and the lengths of IPv4 and IPv6 */
	__u8 offset = 0;
	__u32 len;

	bpf_probe_read_kernel(words, sizeof(words), ip);
	bpf_probe_read_kernel(&offset, sizeof(offset), tcp + 12);
	len = *(__u8 *)words >> 4 == 6 ? PKTLAT_IPV6 + bpf_ntohs(words[2]) : bpf_ntohs(words[1]);
	/* BIG TCP, or data that was copied together */
	if (len <= PKTLAT_IPV6)
		return 0;
	return skb->len > len - (tcp - ip) - (offset >> 4) * 4;
}

/* TCP data is copied in as many pieces as it is read in: the first of LEN bytes counts. */
static __always_inline int pktlat_again(const struct sk_buff *skb, const struct pktlat_cfg *base,
					struct pktlat_stat *st, __u32 len)
{
	const struct sock *sk = skb->sk;
	struct stream s = {};
	__u64 sock;
	int again;

	if (!sk || !stream_of(skb, sk, &s))
		return 0;
	sock = (__u64)sk - (__u64)base;
	again = stream_again(&pktlat_part, sock, &s);
	if (s.message || (!again && s.end - s.next > len))
		stream_begun(&pktlat_part, sock, &s, len);
	if (again)
		return 1;
	if (s.next == s.begin && pktlat_merged(skb))
		__sync_fetch_and_add(&st->merged, 1);
	return 0;
}

/* Is tstamp the receive time? On the way out it is the time that the packet may leave, on
 * another clock: monotonic for TCP, which is less than real time was at boot. */
static __always_inline int pktlat_received(const struct sk_buff *skb, const struct pktlat_cfg *cfg)
{
	if (bpf_core_field_exists(skb->tstamp_type))
		return !BPF_CORE_READ_BITFIELD(skb, tstamp_type);
	if (bpf_core_field_exists(skb->mono_delivery_time))
		return !BPF_CORE_READ_BITFIELD(skb, mono_delivery_time);
	return skb->tstamp >= cfg->real;
}

/* How far realtime has moved since its offset was measured: the machine slept, or somebody set
 * the time. CLOCK_TAI moves with it (programs can read it since 6.1). */
static __always_inline __s64 pktlat_moved(const struct pktlat_cfg *cfg, __u64 now)
{
	__s64 moved;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_tai_ns))
		return 0;
	moved = bpf_ktime_get_tai_ns() - now - cfg->tai;
	return moved + PKTLAT_MOVED_NS < 2 * PKTLAT_MOVED_NS ? 0 : moved;
}

/* From WHEN, a stamp of the kernel, until NOW, if realtime has moved. A move of whole seconds may
 * be CLOCK_TAI's alone, which has learned of leap seconds: then the shorter time is the right one.
 */
static __always_inline __u64 pktlat_since(__u64 when, __u64 now, __s64 moved)
{
	__u64 without = now - when, with = without + moved;
	__u64 part = (moved < 0 ? -moved : moved) % 1000000000ULL;

	if (part > PKTLAT_MOVED_NS && part < 1000000000ULL - PKTLAT_MOVED_NS)
		return with;
	return with < without ? with : without;
}

/* The packet's stamp on CLOCK_MONOTONIC, and which it is; 0 if there is none. */
static __always_inline __u64 pktlat_when(const struct sk_buff *skb, const struct pktlat_cfg *cfg,
					 struct pktlat_stat *st, __u8 *stamp)
{
	const struct skb_shared_info *info = (void *)(skb->head + skb->end);
	__s64 hardware = BPF_CORE_READ(info, hwtstamps.hwtstamp), software = skb->tstamp;

	if (hardware && cfg->flags & PKTLAT_F_PTP) {
		*stamp = PKTLAT_HARDWARE;
		return hardware + cfg->ptp - cfg->real;
	}
	if (software && !pktlat_received(skb, cfg)) {
		__sync_fetch_and_add(&st->sent, 1);
		return 0;
	}
	if (software) {
		*stamp = PKTLAT_SOFTWARE;
		return software - cfg->real;
	}
	__sync_fetch_and_add(hardware ? &st->unconverted : &st->unstamped, 1);
	return 0;
}

/* Is the packet on its way out of a tap? In a socket's queue the field dev has other uses, so
 * nothing it points to can be trusted; for a packet socket it is the tap itself, which is not
 * involved in the copy. */
static __always_inline int pktlat_tap(struct pktlat_key *key, const struct sk_buff *skb)
{
	const struct net_device *dev = skb->dev;
	const struct net *net = BPF_CORE_READ(dev, nd_net.net);
	char kind[8] = {};

	if (skb_family(skb) == AF_PACKET)
		return 0;
	if (!net || BPF_CORE_READ(net, loopback_dev, nd_net.net) != net)
		return 0;
	bpf_probe_read_kernel_str(kind, sizeof(kind), BPF_CORE_READ(dev, rtnl_link_ops, kind));
	/* tun, macvtap, ipvtap */
	if (!(kind[0] == 't' && kind[1] == 'u' && kind[2] == 'n') &&
	    !(kind[3] == 't' && kind[4] == 'a' && kind[5] == 'p') &&
	    !(kind[4] == 't' && kind[5] == 'a' && kind[6] == 'p'))
		return 0;
	key->kind = PKTLAT_TAP;
	key->ifindex = BPF_CORE_READ(dev, ifindex);
	key->netns = BPF_CORE_READ(net, ns.inum);
	key->start = net_cookie(net);
	BPF_CORE_READ_STR_INTO(&key->name, dev, name);
	return 1;
}

/* A packet that took long, with its flow. */
static __always_inline void pktlat_slow(const struct sk_buff *skb, struct pktlat_stat *st,
					const struct pktlat_key *key, __u64 now, __u64 delta)
{
	struct copy_at at = { .proto = skb->protocol };
	struct skb_room room = skb_room(skb);
	struct pktlat_event *e;
	__be16 word[4];

	e = bpf_ringbuf_reserve(&pktlat_ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&st->slow.lost, 1);
		return;
	}
	__sync_fetch_and_add(&st->slow.events, 1);
	__builtin_memset(e, 0, sizeof(*e));
	e->time = now;
	e->delta = delta;
	e->key = *key;
	e->key.octave = 0;
	/* TCP data that was copied together has no headers */
	at.pos = (unsigned long)skb->head + skb->network_header;
	if (skb->network_header && !copy_ip(&room, &at, &e->flow)) {
		copy_l4(&room, &at, &e->flow, word);
		e->len = at.len;
	}
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

static __always_inline void pktlat_count(struct pktlat_stat *st, struct pktlat_key *key, __u64 now,
					 __u64 delta)
{
	if (!hist_age_add(pktlat_who, pktlat_hist, key, &st->age, now, delta))
		__sync_fetch_and_add(&st->slow.full, 1);
}

static __always_inline void pktlat_process(struct pktlat_key *key)
{
	const struct task_struct *task = (const struct task_struct *)bpf_get_current_task();

	key->kind = PKTLAT_PROCESS;
	key->pid = bpf_get_current_pid_tgid() >> 32;
	key->start = BPF_CORE_READ(task, group_leader, start_time);
	BPF_CORE_READ_STR_INTO(&key->name, task, group_leader, comm);
}

/* Does pktlat_fentry see it? In UDP's queues, and only there, a packet has no owner. */
static __always_inline int pktlat_by_udp(const struct sk_buff *skb, const struct pktlat_cfg *cfg)
{
	return cfg->flags & PKTLAT_F_UDP && !skb->sk &&
	       (skb->protocol == bpf_htons(ETH_P_IP) || skb->protocol == bpf_htons(ETH_P_IPV6));
}

/* LEN: of the bytes that are copied, 0 if that is not known. */
static __always_inline int pktlat(const struct sk_buff *skb, enum pktlat_from from, __u32 len)
{
	struct pktlat_cfg *cfg = trace_lookup(pktlat_cfg, 0);
	struct pktlat_stat *st = trace_lookup(pktlat_stat, 0);
	struct pktlat_key key = {};
	__u64 now, when, delta;

	if (!cfg || !st || !(cfg->flags & PKTLAT_F_REAL) || !pktlat_packet(skb))
		return 0;
	/* non-linear packets have passed skb_copy_datagram_iovec, or are unknown */
	if (from == FROM_CONSUME && skb->data_len && !(cfg->flags & PKTLAT_F_UDP))
		return 0;
	if (from == FROM_CONSUME || !pktlat_tap(&key, skb)) {
		if (from == FROM_COPY &&
		    (pktlat_by_udp(skb, cfg) || pktlat_again(skb, cfg, st, len)))
			return 0;
		pktlat_process(&key);
	}
	when = pktlat_when(skb, cfg, st, &key.stamp);
	if (!when)
		return 0;
	now = bpf_ktime_get_ns();
	delta = pktlat_since(when, now, key.stamp == PKTLAT_SOFTWARE ? pktlat_moved(cfg, now) : 0);
	if (delta > LAT_MAX_NS) {
		__sync_fetch_and_add(&st->clock, 1);
		return 0;
	}
	pktlat_count(st, &key, now, delta);
	if (delta >= (cfg->slow ?: PKTLAT_SLOW_NS))
		pktlat_slow(skb, st, &key, now, delta);
	return 0;
}

#endif
