// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/drops - every skb that the kernel drops, summed up where it happens.
 *
 *   bpftool prog loadall build/kern/drops.o DIR map name ... pinned ... autoattach
 *
 * tp_btf/kfree_skb is run for each skb that is freed because it was dropped (not for
 * consume_skb). A row is a reason, a place in the kernel, a device, a network
 * namespace, a protocol, and one dimension more that drop_cfg.by chooses. There is
 * no event a drop; samples with headers are rate-limited, in a ring buffer.
 *
 * With a full drop_row, the packet is counted in drop_over without its dimension:
 * totals by reason, place, device and protocol stay exact.
 *
 * Maps: drop_cfg, drop_row, drop_over, drop_name, drop_stat, drop_ring, xdp_verdict
 * (to know what was counted at XDP already). Packets are segments, bytes are skb->len at that
 * place. Times in ns.
 */
#include "drops.h"

#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>

HM_MAP(drop_cfg);
HM_MAP(drop_row);
HM_MAP(drop_over);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DROP_RING_BYTES);
} drop_ring SEC(".maps");

#define DROP_UNSET 0xffff /* skb->mac_header, transport_header */
#define DROP_VLANS 2
#define DROP_EXTS  6

#define drop_reason_is(REASON, NAME)                                                               \
	(bpf_core_enum_value_exists(enum skb_drop_reason, NAME) &&                                 \
	 (REASON) == (__u32)bpf_core_enum_value(enum skb_drop_reason, NAME))

struct drop_tag {
	__be16 tci;
	__be16 proto;
};

/* Where the headers of an skb are: offsets from skb->head. */
struct drop_headers {
	unsigned char *head;
	__u32 mac;  /* DROP_UNSET if there is no Ethernet header */
	__u32 l3;   /* network header */
	__u32 tail; /* end of the linear part */
};

static __always_inline bool drop_read(const struct drop_headers *h, __u32 at, void *to, __u32 size)
{
	return at + size <= h->tail && !bpf_probe_read_kernel(to, size, h->head + at);
}

static __always_inline bool drop_is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool drop_has_tag(struct sk_buff *skb)
{
	if (bpf_core_field_exists(skb->vlan_all))
		return skb->vlan_all;
	if (bpf_core_field_exists(skb->vlan_present))
		return BPF_CORE_READ_BITFIELD(skb, vlan_present);
	return false;
}

/*
 * Finds the headers, and the ethertype behind VLAN tags. The network header is not
 * set before the stack has seen the packet; then it is behind the Ethernet header.
 */
static __always_inline void drop_find(struct sk_buff *skb, struct drop_key *key,
				      struct drop_headers *h)
{
	__u32 mac = skb->mac_header, l3 = skb->network_header;
	__be16 proto = skb->protocol;
	struct drop_tag tag;

	h->head = skb->head;
	h->tail = skb->tail;
	key->tags = drop_has_tag(skb);
	if (mac != DROP_UNSET && l3 <= mac && l3)
		mac = DROP_UNSET; /* a device without link-layer headers */
	else if (mac != DROP_UNSET && !l3)
		l3 = mac + ETH_HLEN;
	if (drop_is_vlan(proto)) {
		if (mac != DROP_UNSET)
			l3 = mac + ETH_HLEN;
#pragma unroll
		for (int i = 0; i < DROP_VLANS && drop_is_vlan(proto); i++) {
			if (!drop_read(h, l3, &tag, sizeof(tag)))
				break;
			proto = tag.proto;
			l3 += sizeof(tag);
			key->tags++;
		}
	}
	key->l3proto = proto;
	h->mac = mac;
	h->l3 = l3;
}

/* L4 protocol, addresses and ports; returns false if it is cut short. */
static __always_inline bool drop_ipv4(const struct drop_headers *h, struct drop_key *key)
{
	struct iphdr ip;

	if (!drop_read(h, h->l3, &ip, sizeof(ip)) || ip.version != 4)
		return false;
	key->l4proto = ip.protocol;
	if (key->by < DROP_BY_SIP)
		return true;
	if (key->by != DROP_BY_DIP)
		key->src[0] = ip.saddr;
	if (key->by != DROP_BY_SIP)
		key->dst[0] = ip.daddr;
	if (key->by == DROP_BY_FLOW && !(ip.frag_off & bpf_htons(0x1fff)))
		return drop_read(h, h->l3 + ip.ihl * 4, &key->sport, 4);
	return true;
}

static __always_inline bool drop_ipv6(const struct drop_headers *h, struct drop_key *key)
{
	__u32 at = h->l3 + sizeof(struct ipv6hdr);
	bool first = true;
	struct ipv6hdr ip;
	__u8 next;

	if (!drop_read(h, h->l3, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	next = ip.nexthdr;
#pragma unroll
	for (int i = 0; i < DROP_EXTS; i++) {
		struct {
			__u8 next;
			__u8 len;
			__be16 frag_off;
		} ext;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		if (!drop_read(h, at, &ext, sizeof(ext)))
			break;
		if (next == IPPROTO_FRAGMENT) {
			at += 8;
			first = !(ext.frag_off & bpf_htons(0xfff8));
		} else {
			at += next == IPPROTO_AH ? (ext.len + 2) * 4 : (ext.len + 1) * 8;
		}
		next = ext.next;
		if (!first)
			break;
	}
	key->l4proto = next;
	if (key->by < DROP_BY_SIP)
		return true;
	if (key->by != DROP_BY_DIP)
		__builtin_memcpy(key->src, &ip.saddr, sizeof(key->src));
	if (key->by != DROP_BY_SIP)
		__builtin_memcpy(key->dst, &ip.daddr, sizeof(key->dst));
	if (key->by == DROP_BY_FLOW && first)
		return drop_read(h, at, &key->sport, 4);
	return true;
}

static __always_inline bool drop_has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_UDPLITE || proto == IPPROTO_DCCP;
}

static __always_inline void drop_packet(struct sk_buff *skb, struct drop_key *key,
					struct drop_headers *h)
{
	key->l4proto = DROP_NO_L4;
	drop_find(skb, key, h);
	if (key->by == DROP_BY_SMAC && h->mac != DROP_UNSET)
		drop_read(h, h->mac + ETH_ALEN, key->src, ETH_ALEN);
	if (key->by == DROP_BY_DMAC && h->mac != DROP_UNSET)
		drop_read(h, h->mac, key->dst, ETH_ALEN);
	if (key->l3proto == bpf_htons(ETH_P_IP)) {
		drop_ipv4(h, key);
	} else if (key->l3proto == bpf_htons(ETH_P_IPV6)) {
		drop_ipv6(h, key);
	} else if (key->l3proto == bpf_htons(ETH_P_ARP) && key->by >= DROP_BY_SIP) {
		if (key->by != DROP_BY_DIP)
			drop_read(h, h->l3 + 14, key->src, 4);
		if (key->by != DROP_BY_SIP)
			drop_read(h, h->l3 + 24, key->dst, 4);
	}
	if (!drop_has_ports(key->l4proto))
		key->sport = key->dport = 0;
}

/* Notes the namespace NET, if it really is one; returns its inode. skb->dev can be
 * something else: UDP keeps numbers in it, trees of skbs keep links. Every namespace has
 * a loopback device, which knows it. */
static __always_inline __u32 drop_netns(struct drop_key *key, struct net *net)
{
	struct net_device *lo;

	if (!net)
		return 0;
	lo = net->loopback_dev;
	if (!lo || lo->nd_net.net != net)
		return 0;
	key->cookie = net_cookie(net);
	key->netns = net->ns.inum;
	return key->netns;
}

/* Returns the device, if it is known. */
static __always_inline struct net_device *drop_place(struct sk_buff *skb, struct sock *sk,
						     struct drop_key *key)
{
	struct net_device *dev = skb->dev;

	if ((__s64)dev < 0) { /* a kernel address */
		if (drop_netns(key, dev->nd_net.net)) {
			key->ifindex = dev->ifindex;
			return dev;
		}
	}
	key->ifindex = skb->skb_iif;
	if (!sk)
		sk = skb->sk;
	if (sk)
		drop_netns(key, sk->__sk_common.skc_net.net);
	return NULL;
}

static __always_inline __u64 drop_segments(struct sk_buff *skb)
{
	struct skb_shared_info *info = (void *)(skb->head + skb->end);
	unsigned short size = 0, segs = 0;

	bpf_core_read(&size, sizeof(size), &info->gso_size);
	if (!size)
		return 1;
	bpf_core_read(&segs, sizeof(segs), &info->gso_segs);
	return segs ?: (skb->len + size - 1) / size;
}

/* XDP has freed an skb, which veth, tun and generic mode have at that time. */
static __always_inline bool drop_by_xdp(const struct drop_cfg *cfg, const struct drop_key *key)
{
	if (drop_reason_is(key->reason, SKB_DROP_REASON_XDP))
		return true;
	if (key->reason != DROP_NO_REASON &&
	    !drop_reason_is(key->reason, SKB_DROP_REASON_NOT_SPECIFIED))
		return false;
	if (!cfg->xdp[0].start) /* the kernel hides its addresses: any place may be one */
		return true;
#pragma unroll
	for (int i = 0; i < DROP_RANGES; i++) {
		if (key->location - cfg->xdp[i].start < cfg->xdp[i].end - cfg->xdp[i].start)
			return true;
	}
	return false;
}

/* It was counted there: as a verdict of ours, or by kern/drops_xdp as an error. */
static __always_inline bool drop_counted(struct sk_buff *skb, struct drop_stat *st)
{
	struct xdp_verdict *v = drop_lookup(xdp_verdict);

	if (v && v->data && v->data - (__u64)skb->head < skb->end) {
		v->data = 0;
		return true;
	}
	if (st->xdp_dev && st->xdp_dev == (__u64)skb->dev) {
		st->xdp_dev = 0;
		return true;
	}
	return false;
}

static __always_inline struct drop_val *drop_row_get(struct drop_key *key, struct net_device *dev)
{
	struct drop_val *row = bpf_map_lookup_elem(&drop_row, key), empty = {};

	if (row)
		return row;
	drop_name_keep(dev, key->cookie, key->ifindex);
	bpf_map_update_elem(&drop_row, key, &empty, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&drop_row, key);
	if (row)
		return row;
	key->by = DROP_BY_NONE;
	key->sport = key->dport = 0;
	__builtin_memset(key->src, 0, sizeof(key->src));
	__builtin_memset(key->dst, 0, sizeof(key->dst));
	row = bpf_map_lookup_elem(&drop_over, key);
	if (row)
		return row;
	bpf_map_update_elem(&drop_over, key, &empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&drop_over, key);
}

/* One of cfg->sample_rate packets a second on this CPU, with its headers. */
static __always_inline void drop_sample(const struct drop_cfg *cfg, struct drop_stat *st,
					struct sk_buff *skb, const struct drop_key *key,
					const struct drop_headers *h)
{
	__u64 now = drop_now(st), second = now / 1000000000;
	__u32 from = h->mac == DROP_UNSET ? h->l3 : h->mac, size = h->tail - from;
	struct drop_sample *s;

	if (st->sample_time != second) {
		st->sample_time = second;
		st->sample_used = 0;
	}
	if (st->sample_used >= cfg->sample_rate) {
		st->samples_missed++;
		return;
	}
	st->sample_used++;
	s = bpf_ringbuf_reserve(&drop_ring, sizeof(*s), 0);
	if (!s) {
		st->samples_lost++;
		return;
	}
	st->samples++;
	s->time = now;
	s->key = *key;
	s->len = skb->len;
	s->l3 = h->l3 - from;
	if (from >= h->tail)
		size = 0;
	if (size > DROP_SAMPLE_BYTES)
		size = DROP_SAMPLE_BYTES;
	s->cap = size;
	if (bpf_probe_read_kernel(s->data, size, h->head + from))
		s->cap = 0;
	bpf_ringbuf_submit(s, 0);
}

SEC("tp_btf/kfree_skb")
int drops_skb(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct drop_cfg *cfg = drop_lookup(drop_cfg);
	struct drop_stat *st = drop_lookup(drop_stat);
	struct drop_headers headers = {};
	struct drop_key key = {};
	struct net_device *dev;
	struct sock *sk = NULL;
	struct drop_val *row;
	__u64 segments;

	if (!cfg || !st)
		return 0;
	key.location = ctx[1];
	key.reason = DROP_NO_REASON;
	if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, reason))
		key.reason = ctx[2];
	if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, rx_sk))
		sk = (struct sock *)ctx[3];
	if (drop_by_xdp(cfg, &key) && drop_counted(skb, st)) {
		st->xdp_counted++;
		return 0;
	}
	key.by = cfg->by;
	dev = drop_place(skb, sk, &key);
	drop_packet(skb, &key, &headers);
	if (cfg->sample_rate)
		drop_sample(cfg, st, skb, &key, &headers);
	segments = drop_segments(skb);
	row = drop_row_get(&key, dev);
	if (!row) {
		st->over_packets += segments;
		st->over_bytes += skb->len;
		return 0;
	}
	drop_count(st, row, segments, skb->len);
	return 0;
}
