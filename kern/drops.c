// SPDX-License-Identifier: GPL-2.0-only
/*
 * kern/drops - counts every skb that the kernel drops, in the kernel.
 *
 *   bpftool prog loadall build/kern/drops.o DIR map name ... pinned ... autoattach
 *
 * tp_btf/kfree_skb is run for each skb that is freed because it was dropped (not for
 * consume_skb). A row has a reason, a place in the kernel, a device, a network namespace, a
 * protocol, and one more dimension selected by drop_cfg.by. Drops are counted, not reported one
 * by one; samples with headers go to a ring buffer at a limited rate.
 *
 * A new cause always gets a row. If drop_row is full, it replaces a row that has counted nothing
 * for long. drop_over keeps the replaced counts without the dimension: totals by reason, place,
 * device and protocol stay exact.
 *
 * Maps: drop_cfg, drop_row, drop_slot, drop_over, drop_stat, drop_ring, xdp_verdict (drops
 * already counted at XDP). Packets are segments, bytes are skb->len at that place. Times in ns.
 */
#include "drops_what.h"

HM_MAP(drop_cfg);
HM_MAP(drop_row);
HM_MAP(drop_slot);
HM_MAP(drop_over);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DROP_RING_BYTES);
} drop_ring SEC(".maps");

/* Records the namespace NET, if it is one; returns its inode. skb->dev can be something else:
 * UDP keeps numbers in it, trees of skbs keep links. The loopback device of a real namespace
 * points back to it. */
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

/* Finds a device by its number; AT is first the socket, then the device. A separate function,
 * like drop_what(). */
__noinline int drop_came_by(struct drop_key *key, __u64 *at)
{
	struct net_device *dev;
	struct sock *sk;

	if (!key || !at)
		return 0;
	sk = (struct sock *)*at;
	dev = net_dev_find(BPF_CORE_READ(sk, __sk_common.skc_net.net), key->ifindex);
	key->node = dev ? drop_node(dev) : DROP_NODE_GONE;
	*at = (__u64)dev;
	return 0;
}

/* Returns the device of the skb, if known; AT is its address, also if only the number is known. */
static __always_inline struct net_device *drop_place(struct sk_buff *skb, struct sock *sk,
						     struct drop_key *key, __u64 *at)
{
	struct net_device *dev = skb->dev;

	if ((__s64)dev < 0) { /* a kernel address */
		if (drop_netns(key, dev->nd_net.net)) {
			key->ifindex = dev->ifindex;
			key->node = drop_node(dev);
			*at = (__u64)dev;
			return dev;
		}
	}
	key->ifindex = skb->skb_iif;
	if (!sk)
		sk = skb->sk;
	if (sk && drop_netns(key, sk->__sk_common.skc_net.net) && key->ifindex) {
		*at = (__u64)sk;
		drop_came_by(key, at);
	}
	return NULL;
}

/* Length of the headers. */
static __always_inline __u32 drop_head_len(struct sk_buff *skb, const struct drop_key *key,
					   const struct drop_headers *h)
{
	__u32 at = h->l4, data = skb->data - skb->head, len = 8;
	__u8 offset = 0;

	if (BPF_CORE_READ_BITFIELD(skb, encapsulation))
		at = skb->inner_transport_header;
	else if (!at)
		return 0;
	if (key->l4proto != IPPROTO_UDP) {
		drop_read(h, at + 12, &offset, 1);
		len = (offset >> 4) * 4;
	}
	return at + len > data ? at + len - data : 0;
}

/* A virtual machine does not say how many segments its packet will be (gso_segs). */
static __always_inline __u64 drop_segments(struct sk_buff *skb, const struct drop_key *key,
					   const struct drop_headers *h)
{
	struct skb_shared_info *info = (void *)(skb->head + skb->end);
	unsigned short size = 0, segs = 0;
	__u32 head;

	bpf_core_read(&size, sizeof(size), &info->gso_size);
	if (!size)
		return 1;
	bpf_core_read(&segs, sizeof(segs), &info->gso_segs);
	if (segs)
		return segs;
	head = drop_head_len(skb, key, h);
	return skb->len > head ? (skb->len - head + size - 1) / size : 1;
}

/*
 * The parts of a packet that was put together (reassembled, merged by GRO) are freed as dropped
 * right after it, in the order of their list. It was counted with all of them. This happens at
 * once; later, another skb may have the same address.
 */
static __always_inline bool drop_is_part(struct drop_stat *st, struct sk_buff *skb)
{
	struct skb_shared_info *info = (void *)(skb->head + skb->end);
	bool part = st->part == (__u64)skb && bpf_jiffies64() - st->tick < 2;
	struct sk_buff *list = NULL;
	atomic_t users = {};

	if (part) {
		st->part = (__u64)skb->next;
		return true;
	}
	st->part = 0;
	if (!skb->data_len)
		return false;
	bpf_core_read(&list, sizeof(list), &info->frag_list);
	if (!list)
		return false;
	bpf_core_read(&users, sizeof(users), &info->dataref);
	if ((users.counter & 0xffff) == 1) /* no clone keeps them */
		st->part = (__u64)list;
	return false;
}

/* XDP has freed an skb, which veth, tun and generic mode have at that time. */
static __always_inline bool drop_by_xdp(const struct drop_cfg *cfg, const struct drop_key *key)
{
	if (drop_reason_is(key->reason, XDP))
		return true;
	if (!drop_vague(key->reason))
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

/* Was it counted at XDP: as a verdict of ours, or by kern/drops_xdp as an error? */
static __always_inline bool drop_counted(struct sk_buff *skb, struct drop_stat *st)
{
	struct xdp_verdict *v = drop_lookup(xdp_verdict);

	if (v && v->data && v->data - (__u64)skb->head < skb->end &&
	    v->ifindex == (__u32)skb->dev->ifindex) {
		v->data = 0;
		return true;
	}
	if (st->xdp_dev && st->xdp_dev == (__u64)skb->dev) {
		st->xdp_dev = 0;
		return true;
	}
	return false;
}

/* The row for drops without a row. */
static __always_inline struct drop_val *drop_over_get(struct drop_key *key)
{
	struct drop_val *row, empty = {};

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

/* Makes room for a row KEY, of the device whose address is in DEV. The counts of a replaced row
 * are kept without its dimension. A separate function, like drop_what(). */
__noinline int drop_room(const struct drop_key *key, const __u64 *dev)
{
	struct drop_stat *st = drop_lookup(drop_stat);
	struct drop_slot_head *head;
	struct drop_val *over, gone = {};
	struct drop_slot *slot;

	if (!key || !dev || !st)
		return 0;
	head = drop_slot_take(&drop_row, &drop_slot, DROP_ROWS, &gone);
	slot = (struct drop_slot *)head;
	if (head && gone.packets) {
		st->evicted++;
		over = drop_over_get(&slot->key);
		if (over) {
			drop_val_add(over, &gone);
		} else {
			st->over_packets += gone.packets;
			st->over_bytes += gone.bytes;
		}
	}
	if (head) {
		slot->key = *key;
		drop_slot_fill(head, st, *dev);
	}
	return 0;
}

static __always_inline struct drop_val *drop_row_get(struct drop_key *key, const __u64 *dev)
{
	struct drop_val *row = bpf_map_lookup_elem(&drop_row, key), empty = {};

	if (row)
		return row;
	drop_room(key, dev);
	bpf_map_update_elem(&drop_row, key, &empty, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&drop_row, key);
	return row ? row : drop_over_get(key);
}

/* One of cfg->sample_rate packets per second on this CPU, with its headers. */
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
	__u64 segments, at = 0;

	if (!cfg || !st || drop_is_part(st, skb))
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
	dev = drop_place(skb, sk, &key, &at);
	drop_packet(skb, &key, &headers);
	if (drop_open(key.reason, key.l4proto)) {
		struct drop_freed freed = { .skb = skb, .dev = dev, .sk = sk };

		key.what = drop_what(&freed, &key, &headers);
	}
	if (cfg->sample_rate)
		drop_sample(cfg, st, skb, &key, &headers);
	segments = drop_segments(skb, &key, &headers);
	row = drop_row_get(&key, &at);
	if (!row) {
		st->over_packets += segments;
		st->over_bytes += skb->len;
		return 0;
	}
	drop_count(st, row, segments, skb->len);
	return 0;
}
