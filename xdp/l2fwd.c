// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp/l2fwd - layer-2 forwarding between ports, without the stack.
 *
 *   ip link set dev D xdp obj build/xdp/l2fwd.o
 *
 * {VLAN, destination MAC} -> port, from l2_fdb, which scripts/fdb.sh or the mirror of a kernel
 * bridge (kern/l2fwd_mirror) fills. The tag is pushed, popped or rewritten for the output port.
 * Frames without an entry are passed, flooded or dropped, as set for the input port. The ACL of
 * the output port, if any, is checked last. Link-local control frames always go to the stack.
 *
 * Maps: l2_if (ifindex -> port), l2_port (settings), l2_wire (a mirrored bridge's settings of
 * them), l2_look (reads of the bridge), l2_fdbs -> l2_fdb, l2_txs -> l2_tx (devices), l2_xlate,
 * l2_guard, l2_acl, l2_storm; counts in l2_stat by port and reason, and in the FDB entry;
 * verdicts but XDP_REDIRECT also in xdp_verdict. Times in ns. Returns XDP_REDIRECT, XDP_PASS or
 * XDP_DROP.
 */
#include "l2acl.h"
#include "l2fwd.h"
#include "l2head.h"
#include "parse.h"
#include "reach.h"
#include "verdict.h"
#include "xdp.h"

HM_MAP(l2_if);
HM_MAP(l2_look);
HM_MAP(l2_xlate);
HM_MAP(l2_guard);
HM_MAP(l2_storm);
HM_OUTER(l2_fdbs, HASH, sizeof(struct l2_key), sizeof(struct l2_fdb), 1);
HM_OUTER(l2_txs, DEVMAP, sizeof(__u32), sizeof(__u32), 2);

/* A frame on its way. */
struct l2_frame {
	struct ethhdr *eth;
	void *end;
	__u32 in;    /* port number */
	__u32 at;    /* the port that a reason is counted at */
	__u32 vlan;  /* inside; 0 between transparent ports */
	__be16 prio; /* PCP and DEI, in place for a tag */
	__u8 tagged; /* as it came */
	__u8 pad;
	__u32 bytes;
};

/* Headers begin at an even address: this makes three loads, memcpy from a packed struct six. */
static __always_inline void l2_mac_copy(void *to, const void *from)
{
	const __u16 *f = from;
	__u16 *t = to;

	t[0] = f[0];
	t[1] = f[1];
	t[2] = f[2];
}

/* The entry of MAC, with its head in HEAD; NULL if there is none. */
static __always_inline struct l2_fdb *l2_fdb_get(const struct l2_frame *fr, const __u8 *mac,
						 union l2_head *head)
{
	struct l2_key key __attribute__((aligned(8))) = { .vlan = fr->vlan };
	struct l2_fdb *entry;
	__u32 zero = 0;
	void *fdb = bpf_map_lookup_elem(&l2_fdbs, &zero);

	if (!fdb)
		return NULL;
	l2_mac_copy(key.mac, mac);
	entry = bpf_map_lookup_elem(fdb, &key);
	if (entry && l2_head_get(entry, &key, head) && head->type != L2_GONE)
		return entry;
	head->word = 0;
	return NULL;
}

/* Selects the output device. XDP_REDIRECT, or XDP_PASS if it is gone. */
static __always_inline int l2_send(__u32 number, __u64 flags)
{
	__u32 zero = 0;
	void *tx = bpf_map_lookup_elem(&l2_txs, &zero);

	return tx ? bpf_redirect_map(tx, number, flags) : XDP_PASS;
}

static __always_inline __u32 l2_translate(__u32 port, __u32 vlan, int out)
{
	struct l2_xlate_key key = { .port = port, .vlan = vlan, .out = out };
	__u32 *to = bpf_map_lookup_elem(&l2_xlate, &key);

	return to ? *to & L2_VID : vlan;
}

/* The VLAN of the frame, and how it came in. 0, or the reason why it is refused. */
static __always_inline int l2_classify(struct l2_frame *fr, const struct l2_side *in)
{
	struct l2_tag *tag = (void *)(fr->eth + 1);

	if (!(in->flags & L2_P_VLAN))
		return 0;
	fr->vlan = in->pvid;
	if (*(__u16 *)((void *)fr->eth + 2 * ETH_ALEN) == in->proto) {
		__u16 tci;

		/* the tag's ethertype is in the header: the TCI follows */
		if ((void *)(tag + 1) > fr->end)
			return L2_MALFORMED;
		tci = bpf_ntohs(tag->proto);
		fr->tagged = 1;
		fr->prio = bpf_htons(tci & L2_PRIO);
		if (tci & L2_VID) {
			fr->vlan = tci & L2_VID;
			if (in->flags & L2_P_XLATE)
				fr->vlan = l2_translate(fr->in, fr->vlan, 0);
		}
	}
	if (!fr->vlan || fr->vlan == L2_VID || !l2_bit(in->vlans, fr->vlan))
		return L2_DROP_VLAN_IN;
	return 0;
}

/* Could a VLAN device take the frame? On a port, this is a frame with any tag. */
static __always_inline int l2_has_tag(const struct l2_frame *fr)
{
	return fr->eth->h_proto == bpf_htons(ETH_P_8021Q) ||
	       fr->eth->h_proto == bpf_htons(ETH_P_8021AD);
}

/* The sender's addresses in an ARP packet for Ethernet and IPv4. */
struct l2_arp {
	__u8 head[8];
	__u8 mac[ETH_ALEN];
	__u8 ip[4];
	__u8 target[10];
};

static __always_inline int l2_mac_differs(const __u8 *a, const __u8 *b)
{
	return (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
	       (a[5] ^ b[5]);
}

/* 01:80:c2:00:00:00 to :0f, which no bridge forwards. */
static __always_inline int l2_control(const void *mac)
{
	const __u16 *m = mac;

	return m[0] == bpf_htons(0x0180) && m[1] == bpf_htons(0xc200) &&
	       !(m[2] & bpf_htons(0xfff0));
}

/* May the MAC of KEY use this address? The unspecified one claims nothing (DHCP, ARP probes, DAD).
 */
static __always_inline int l2_guard_knows(struct l2_guard_key *key, const void *ip)
{
	__builtin_memcpy(key->ip, ip, sizeof(key->ip));
	return !(key->ip[0] | key->ip[1] | key->ip[2] | key->ip[3]) ||
	       bpf_map_lookup_elem(&l2_guard, key);
}

/* Neighbour discovery is IPv6's ARP. */
struct l2_nd {
	__u8 type;
	__u8 head[7];
	__u8 target[16];
};
#define L2_ND_SOLICIT_ROUTER 133
#define L2_ND_ADVERT_ROUTER  134
#define L2_ND_SOLICIT	     135
#define L2_ND_ADVERT	     136

struct l2_nd_option {
	__u8 type;
	__u8 len; /* in 8 bytes */
	__u8 mac[ETH_ALEN];
};
#define L2_ND_OPTION_SOURCE 1 /* the sender's MAC */
#define L2_ND_OPTION_TARGET 2 /* in an advertisement, the same */
#define L2_ND_OPTIONS	    16

#define L2_ND_NOWHERE 1 /* its source is the unspecified address */
#define L2_ND_MORE    2 /* it is a first fragment */

/*
 * 0, or the reason if the ICMPv6 packet at byte AT claims a false address. The target of an
 * advertisement is the sender's, and so is the target of a solicitation from the unspecified
 * address (RFC 4862). Fragments would hide it and are forbidden (RFC 6980). A separate function,
 * verified once, not once for each chain of extension headers.
 */
__noinline int l2_guard_nd(struct xdp_md *ctx, __u32 port, __u32 at, __u32 flags)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct l2_guard_key key = { .port = port, .family = 6 };
	struct ethhdr *eth = data;
	struct l2_nd *nd = data + (at & 0x3fff);
	struct l2_nd_option *option;

	if ((void *)(eth + 1) > end || (void *)(&nd->type + 1) > end)
		return flags & L2_ND_MORE ? L2_DROP_SRC_IP : 0;
	if (nd->type < L2_ND_SOLICIT_ROUTER || nd->type > L2_ND_ADVERT)
		return 0;
	if (flags & L2_ND_MORE)
		return L2_DROP_SRC_IP;
	option = (void *)nd + (nd->type == L2_ND_SOLICIT_ROUTER ? 8 : 16);
	if (nd->type >= L2_ND_SOLICIT) {
		option = (void *)(nd + 1);
		if ((void *)option > end)
			return 0; /* its receiver drops it */
		__builtin_memcpy(key.mac, eth->h_source, ETH_ALEN);
		if ((nd->type == L2_ND_ADVERT || flags & L2_ND_NOWHERE) &&
		    !l2_guard_knows(&key, nd->target))
			return L2_DROP_SRC_IP;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < L2_ND_OPTIONS; i++) {
		if ((void *)(option + 1) > end || !option->len)
			return 0;
		if ((option->type == L2_ND_OPTION_SOURCE || option->type == L2_ND_OPTION_TARGET) &&
		    l2_mac_differs(option->mac, eth->h_source))
			return L2_DROP_SRC_MAC;
		option += option->len;
	}
	return L2_DROP_SRC_IP;
}

/* The sender's IP address in KEY. 0, or the reason if the frame lies or is neither ARP nor IP; a
 * control frame need not be either. */
static __always_inline int l2_guard_address(struct xdp_md *ctx, const struct l2_frame *fr,
					    struct l2_guard_key *key)
{
	struct cursor c = { fr->eth, fr->end };
	int proto = parse_eth(&c), next, reason;
	struct flow f = {};

	if (proto == bpf_htons(ETH_P_ARP)) {
		struct l2_arp *arp = c.pos;

		if ((void *)(arp + 1) > c.end || arp->head[4] != sizeof(arp->mac) ||
		    arp->head[5] != sizeof(arp->ip))
			return L2_DROP_SRC_IP;
		if (l2_mac_differs(arp->mac, fr->eth->h_source))
			return L2_DROP_SRC_MAC;
		key->family = 4;
		__builtin_memcpy(&key->ip[0], arp->ip, sizeof(arp->ip));
		return 0;
	}
	if (proto < 0)
		return L2_DROP_SRC_IP;
	if (l2_control(fr->eth->h_dest) && proto != bpf_htons(ETH_P_IP) &&
	    proto != bpf_htons(ETH_P_IPV6) && !l2_hides(&c, proto))
		return 0;
	next = parse_ip(&c, proto, &f);
	if (next < 0 || (f.family == 6 && !f.fragment && flow_is_extension(next)))
		return L2_DROP_SRC_IP;
	key->family = f.family;
	if (f.family == 6 && next == IPPROTO_ICMPV6 && !f.fragment) {
		reason = l2_guard_nd(
			ctx, key->port, c.pos - (void *)fr->eth,
			(f.src[0] | f.src[1] | f.src[2] | f.src[3] ? 0 : L2_ND_NOWHERE) |
				(f.more ? L2_ND_MORE : 0));
		if (reason)
			return reason;
	}
	__builtin_memcpy(key->ip, f.src, sizeof(key->ip));
	return 0;
}

/*
 * Checks the sender: a MAC that may use any address, or one that is bound to addresses. This and
 * l2_acl_check are separate functions, verified once.
 */
__noinline int l2_guard_check(struct xdp_md *ctx, __u32 port)
{
	struct l2_frame frame = { .eth = (void *)(long)ctx->data,
				  .end = (void *)(long)ctx->data_end };
	struct l2_guard_key key = { .port = port };
	struct l2_frame *fr = &frame;
	int reason;

	if ((void *)(fr->eth + 1) > fr->end)
		return L2_DROP_SRC_MAC;
	__builtin_memcpy(key.mac, fr->eth->h_source, ETH_ALEN);
	if (bpf_map_lookup_elem(&l2_guard, &key))
		return 0;
	key.family = L2_GUARD_BOUND;
	if (!bpf_map_lookup_elem(&l2_guard, &key))
		return L2_DROP_SRC_MAC;
	reason = l2_guard_address(ctx, fr, &key);
	if (reason)
		return reason;
	return l2_guard_knows(&key, key.ip) ? 0 : L2_DROP_SRC_IP;
}

/* The bridge must see frames of new and moved sources, and of all others once per refresh. */
static __always_inline int l2_source_is_old(const struct l2_frame *fr, const struct l2_cfg *cfg,
					    __u64 now)
{
	union l2_head head;
	struct l2_fdb *src = l2_fdb_get(fr, fr->eth->h_source, &head);

	if (!src || head.port != fr->in)
		return 0;
	if (head.type == L2_STATIC || head.type == L2_FIXED)
		return 1;
	/* signed: the mirror writes the exact time, which may be ahead of this clock */
	if ((__s64)(now - src->seen) < (__s64)(cfg->refresh_ns ?: L2_REFRESH_NS))
		return 1;
	src->seen = now;
	return 0;
}

/* The mirror reads the bridge when a frame takes the slow path. If a read is due and no frame
 * has done so, this one does: static sources would never cause a read. The rest of its burst
 * stays on the fast path. */
static __always_inline int l2_bridge_is_old(const struct l2_cfg *cfg, __u64 now)
{
	__u32 zero = 0;
	struct l2_look *look = bpf_map_lookup_elem(&l2_look, &zero);

	if (!look || !l2_look_due(look, cfg, now) || (__s64)(now - look->asked) < (__s64)L2_LOOK_NS)
		return 0;
	look->asked = now;
	return 1;
}

static __always_inline int l2_storm_over(const struct l2_port *port, __u32 number)
{
	struct l2_storm *storm;
	__u64 now;

	if (!port->storm)
		return 0;
	storm = bpf_map_lookup_elem(&l2_storm, &number);
	if (!storm)
		return 0;
	now = bpf_ktime_get_coarse_ns();
	if (now - storm->start >= 1000000000) {
		storm->start = now;
		storm->frames = 0;
	}
	if (storm->frames >= port->storm)
		return 1;
	__sync_fetch_and_add(&storm->frames, 1);
	return 0;
}

/* Tells tc/l2fwd to flood. Ports may need different tags, and XDP can only send identical
 * copies: if that is enough, it floods itself. */
static __always_inline int l2_flood(struct xdp_md *ctx, const struct l2_frame *fr,
				    const struct l2_port *port, const struct l2_cfg *cfg)
{
	struct l2_stat *st = l2_stat_get(fr->in);
	int unknown = !(fr->eth->h_dest[0] & 1);
	struct l2_meta *meta;

	if (l2_storm_over(port, fr->in) || !st)
		return L2_DROP_STORM;
	/* the kernel copies only the first piece of a frame */
	if (cfg->flags & L2_F_UNIFORM && fr->bytes == (__u64)(fr->end - (void *)fr->eth) &&
	    l2_send(0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS) == XDP_REDIRECT) {
		st->unknown += unknown;
		st->reason[L2_FLOOD]++;
		return L2_FWD;
	}
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return L2_NO_META;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return L2_NO_META;
	meta->magic = L2_META_MAGIC;
	meta->tci = fr->vlan | bpf_ntohs(fr->prio);
	meta->port = fr->in;
	meta->tagged = fr->tagged;
	st->unknown += unknown;
	return L2_FLOOD;
}

static __always_inline int l2_no_entry(struct xdp_md *ctx, const struct l2_frame *fr,
				       const struct l2_port *port, const struct l2_cfg *cfg)
{
	const __u8 *mac = fr->eth->h_dest;
	int reason = L2_MISS, action = port->miss;

	if (mac[0] & 1) {
		reason = L2_MCAST;
		action = port->mcast;
		if ((mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff) {
			reason = L2_BCAST;
			action = port->bcast;
		}
	}
	if (action == L2_MISS_DROP)
		return reason + L2_DROP_MISS - L2_MISS;
	if (action == L2_MISS_FLOOD)
		return l2_flood(ctx, fr, port, cfg);
	return reason;
}

/* 1 if the rules of the port NUMBER let the frame, which is in VLAN, leave by it. */
__noinline int l2_acl_check(struct xdp_md *ctx, __u32 number, __u32 vlan, __u32 bytes)
{
	struct cursor c = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct flow flow = { .vlan = vlan };

	l2_flow_read(&c, &flow);
	return l2_acl_permits(&flow, number, bytes);
}

/* May the frame leave by OUT? 0, or the reason why not. */
static __always_inline int l2_egress(struct xdp_md *ctx, const struct l2_frame *fr,
				     const struct l2_side *out, __u32 number)
{
	if (number == fr->in && !(out->flags & L2_P_HAIRPIN))
		return L2_DROP_SAME_PORT;
	if (out->flags & L2_P_BLOCKED)
		return L2_DROP_STATE_OUT;
	if (!l2_member(out, fr->vlan))
		return L2_DROP_VLAN_OUT;
	if (out->flags & L2_P_ACL && !l2_acl_check(ctx, number, fr->vlan, fr->bytes))
		return L2_DROP_ACL;
	return 0;
}

/* Rewrites the tag for OUT. FR's pointers are invalid afterwards. */
static __always_inline int l2_retag(struct xdp_md *ctx, struct l2_frame *fr,
				    const struct l2_side *out, __u32 number)
{
	int want = fr->vlan && !l2_bit(out->untagged, fr->vlan);
	struct l2_tag tag;
	__u32 macs[3];
	void *data;

	if (!want && !fr->tagged)
		return 0;
	tag.proto = out->proto;
	tag.tci = fr->prio;
	if (want)
		tag.tci |= bpf_htons(out->flags & L2_P_XLATE ? l2_translate(number, fr->vlan, 1)
							     : fr->vlan);
	__builtin_memcpy(macs, fr->eth, sizeof(macs));
	if (want != fr->tagged && bpf_xdp_adjust_head(ctx, want ? -4 : 4))
		return -1;
	fr->bytes += (want - fr->tagged) * 4;
	data = (void *)(long)ctx->data;
	if (data + ETH_HLEN + 4 > (void *)(long)ctx->data_end)
		return -1;
	__builtin_memcpy(data, macs, sizeof(macs));
	if (want)
		__builtin_memcpy(data + sizeof(macs), &tag, sizeof(tag));
	return 0;
}

static __always_inline void l2_count(struct l2_fdb *entry, const struct l2_cfg *cfg, __u32 bytes)
{
	struct l2_count *count = &entry->count[bpf_get_smp_processor_id() & (L2_LANES - 1)];

	if (cfg->flags & L2_F_FEW_CPUS) {
		count->packets++;
		count->bytes += bytes;
	} else {
		__sync_fetch_and_add(&count->packets, 1);
		__sync_fetch_and_add(&count->bytes, bytes);
	}
}

static __always_inline int l2_forward(struct xdp_md *ctx, struct l2_frame *fr, struct l2_fdb *entry,
				      const struct l2_side *out, __u32 number,
				      const struct l2_cfg *cfg, __u64 now)
{
	struct l2_stat *st = l2_stat_get(number);
	__u32 bytes = fr->bytes;
	int reason;

	if (!st)
		return L2_NO_DEVICE;
	reason = l2_egress(ctx, fr, out, number);
	if (reason) {
		/* the others say more about the port that it was to leave by */
		if (reason != L2_DROP_SAME_PORT)
			fr->at = number;
		return reason;
	}
	/* before the frame is changed, because it is passed if the device is gone */
	if (l2_send(number, XDP_PASS) != XDP_REDIRECT)
		return L2_NO_DEVICE;
	if (l2_retag(ctx, fr, out, number))
		return L2_DROP_NO_ROOM;
	l2_count(entry, cfg, bytes);
	entry->used = now;
	st->tx_packets++;
	st->tx_bytes += fr->bytes;
	return L2_FWD;
}

/* The only path to the bridge. If NUMBER is not 0, the bridge sends the frame to that port, but
 * does not know its rules. */
static __always_inline int l2_slow(struct xdp_md *ctx, struct l2_frame *fr, __u32 number)
{
	struct l2_port *out = l2_port_get(number);

	fr->at = fr->in;
	if (!out || !(out->flags & L2_P_ACL) || l2_acl_check(ctx, number, fr->vlan, fr->bytes))
		return L2_SLOW;
	fr->at = number;
	return L2_DROP_ACL;
}

/* The outcome of the frame: xdp/README.md has a table of all outcomes, which the tests check. */
static __always_inline int l2_decide(struct xdp_md *ctx, struct l2_frame *fr,
				     const struct l2_side *in)
{
	int mirror = in->flags & L2_P_MIRROR;
	struct l2_cfg *cfg = l2_cfg_get();
	const __u8 *mac = fr->eth->h_dest;
	union l2_head head = {};
	struct l2_fdb *entry;
	struct l2_side out;
	__u32 number;
	__u64 now;
	int reason;

	/* first: no later step checks the sender, not even of control frames */
	if (in->flags & L2_P_GUARD) {
		reason = l2_guard_check(ctx, fr->in);
		if (reason)
			return reason;
	}
	if ((void *)(fr->eth + 1) > fr->end || !cfg)
		return L2_MALFORMED;
	if (l2_control(mac))
		return L2_CONTROL;
	reason = l2_classify(fr, in);
	if (in->flags & (L2_P_BLOCKED | L2_P_SLOW) || (in->flags & L2_P_SLOW_TAG && l2_has_tag(fr)))
		reason = L2_DROP_STATE_IN;
	if (reason && (reason == L2_MALFORMED || !mirror))
		return reason;
	entry = mac[0] & 1 ? NULL : l2_fdb_get(fr, mac, &head);
	number = head.port;
	/* on a port of a mirrored bridge, the bridge decides what is forbidden */
	if (reason)
		return l2_slow(ctx, fr, number);
	if (!entry)
		return l2_no_entry(ctx, fr, in->port, cfg);
	if (!number)
		return L2_TO_STACK;
	if (!l2_side_get(&out, number))
		return L2_NO_DEVICE;
	now = bpf_ktime_get_coarse_ns();
	if (mirror && (l2_bridge_is_old(cfg, now) || out.flags & L2_P_SLOW_OUT ||
		       !l2_source_is_old(fr, cfg, now)))
		return l2_slow(ctx, fr, number);
	reason = l2_forward(ctx, fr, entry, &out, number, cfg, now);
	if (reason == L2_DROP_VLAN_OUT && mirror)
		return l2_slow(ctx, fr, number);
	return reason;
}

/* Counts frames that were not sent, and returns the verdict. */
static __always_inline int l2_verdict(struct xdp_md *ctx, const struct l2_frame *fr, int reason)
{
	struct l2_stat *st = l2_stat_get(fr->at);

	reason &= L2_REASONS - 1;
	if (st)
		st->reason[reason]++;
	if (reason <= L2_PASS_END)
		reach(ctx->ingress_ifindex);
	return xdp_verdict_of(ctx, fr->bytes, reason <= L2_PASS_END ? XDP_PASS : XDP_DROP,
			      XDP_R_L2FWD + reason);
}

HM_XDP(l2fwd)
{
	struct l2_frame fr = { .eth = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	__u32 ifindex = ctx->ingress_ifindex;
	__u32 *number = bpf_map_lookup_elem(&l2_if, &ifindex);
	struct l2_stat *st;
	struct l2_side in;
	int reason;

	fr.in = fr.at = number ? *number : 0;
	st = l2_stat_get(fr.in);
	if (!st || !l2_side_get(&in, fr.in))
		return XDP_PASS;
	st->rx_packets++;
	fr.bytes = xdp_bytes(ctx, frags);
	st->rx_bytes += fr.bytes;
	/* a device that is not a port has no settings */
	reason = fr.in ? l2_decide(ctx, &fr, &in) : L2_NO_PORT;
	if (reason == L2_FWD)
		return XDP_REDIRECT;
	return l2_verdict(ctx, &fr, reason);
}
