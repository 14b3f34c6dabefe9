/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops_what.h - was it a loss? The kernel frees skbs as dropped in many places where nothing is
 * lost. If its reason does not decide, the packet does, whoever freed it: its contents, the data
 * that its socket already had, its receiver (enum drop_what). DROP_W_NONE: the packet does not
 * decide either.
 *
 * A rule says "not a loss" only if the packet proves it.
 */
#ifndef HOOKMAP_DROPS_WHAT_H
#define HOOKMAP_DROPS_WHAT_H

#include "drops_head.h"

#define drop_reason_is(REASON, NAME)                                                               \
	(bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_##NAME) &&               \
	 (REASON) == (__u32)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_##NAME))

/* of the kernel's headers */
#define DROP_AF_INET	   2
#define DROP_AF_INET6	   10
#define DROP_AF_UNIX	   1
#define DROP_AF_VSOCK	   40
#define DROP_AF_NETLINK	   16
#define DROP_SOCK_RAW	   3
#define DROP_SOCK_DEAD	   (1UL << 0) /* sk_flags: closed by its process */
#define DROP_TCP_SYN_SENT  2
#define DROP_TCP_TIME_WAIT 6
#define DROP_TCP_LISTEN	   10
#define DROP_TCP_NEW_SYN   12
#define DROP_TCP_F_FIN	   0x01
#define DROP_TCP_F_SYN	   0x02
#define DROP_TCP_F_ACK	   0x10
#define DROP_LINK_START	   (1UL << 0) /* net_device.state: it is up */
#define DROP_LINK_DOWN	   (1UL << 2) /* it has no carrier */
#define DROP_PKT_BROADCAST 1
#define DROP_PKT_MULTICAST 2
#define DROP_PKT_OUTGOING  4 /* here: it was in an error queue */
#define DROP_PKT_LOOPBACK  5
#define DROP_PORT_NATT	   4500
#define DROP_BRIDGE_PORT   (1U << 9)   /* IFF_BRIDGE_PORT */
#define DROP_PORT_BLOCKING 4	       /* BR_STATE_BLOCKING: not one that is just coming up */
#define DROP_PORT_ISOLATED (1UL << 16) /* BR_ISOLATED */
#define DROP_PORT_LOCKED   (1UL << 21) /* BR_PORT_LOCKED */
#define DROP_GROUPS	   32	       /* of a device that are looked through */

/* SIZE is even and a constant: memcmp() is not always inlined. */
static __always_inline bool drop_equal(const void *a, const void *b, __u32 size)
{
	const __u16 *x = a, *y = b;
	__u16 differ = 0;

#pragma unroll
	for (__u32 i = 0; i < size / 2; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* The kernel does not say why. */
static __always_inline bool drop_vague(__u32 reason)
{
	return reason == DROP_NO_REASON || drop_reason_is(reason, NOT_SPECIFIED);
}

/* --- sockets */

/* Reasons that TCP also has for segments of an orderly connection. (TCP_OLD_ACK: in FIN-WAIT, until
 * kernels took such acknowledgements.) */
static __always_inline bool drop_tcp_reason(__u32 reason)
{
	return drop_vague(reason) || drop_reason_is(reason, TCP_RESET) ||
	       drop_reason_is(reason, TCP_INVALID_SEQUENCE) ||
	       drop_reason_is(reason, TCP_OLD_ACK) || drop_reason_is(reason, TCP_TOO_OLD_ACK) ||
	       drop_reason_is(reason, TCP_FLAGS) || drop_reason_is(reason, TCP_CLOSE) ||
	       drop_reason_is(reason, TCP_RFC7323_PAWS) ||
	       drop_reason_is(reason, TCP_RFC7323_PAWS_ACK);
}

/* Did the socket already have all data of the segment? True for acknowledgements, probes and
 * retransmissions. Sockets that are just being opened have no data yet. */
static __always_inline bool drop_tcp_had(struct sk_buff *skb, struct sock *sk)
{
	struct tcp_skb_cb *cb = (void *)skb->cb;
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u32 end = 0, next = 0;

	if (state == DROP_TCP_LISTEN || state == DROP_TCP_SYN_SENT)
		return false;
	if (state == DROP_TCP_TIME_WAIT)
		next = BPF_CORE_READ(sk, __sk_common.skc_tw_rcv_nxt);
	else if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP ||
		 bpf_core_read(&next, sizeof(next), &((struct tcp_sock *)sk)->rcv_nxt))
		return false;
	return !bpf_core_read(&end, sizeof(end), &cb->end_seq) && (__s32)(end - next) <= 0;
}

static __always_inline __u8 drop_tcp(struct sk_buff *skb, struct sock *sk, __u32 reason,
				     const struct drop_headers *h)
{
	struct {
		__u8 offset;
		__u8 flags;
	} tcp;
	bool empty;

	if (!h->l4 || !drop_read(h, h->l4 + 12, &tcp, sizeof(tcp)))
		return DROP_W_NONE;
	if ((tcp.flags & (DROP_TCP_F_SYN | DROP_TCP_F_ACK)) == DROP_TCP_F_SYN)
		return DROP_W_NONE;
	empty = h->end > h->l3 && h->end <= h->l4 + (tcp.offset >> 4) * 4;
	if (drop_reason_is(reason, NO_SOCKET))
		return empty ? DROP_W_GONE : DROP_W_NONE;
	/* the connection is closed, but the port is in use */
	if (sk && empty && BPF_CORE_READ(sk, __sk_common.skc_state) == DROP_TCP_LISTEN)
		return DROP_W_GONE;
	if (sk)
		return drop_tcp_had(skb, sk) ? DROP_W_OLD : DROP_W_NONE;
	/* Before 6.11 the socket is not known; TCP takes the device away when it has one. */
	if (!BPF_CORE_READ(skb, dev) && !BPF_CORE_READ(skb, sk) && empty &&
	    !(tcp.flags & DROP_TCP_F_FIN))
		return DROP_W_OLD;
	return DROP_W_NONE;
}

/* A test run gives its skb a fake socket. */
static __always_inline bool drop_is_test(struct sock *sk)
{
	struct proto *proto = BPF_CORE_READ(sk, __sk_common.skc_prot);
	__u16 name[5] = {}, dummy[5];

	__builtin_memcpy(dummy, "bpf_dummy", sizeof(dummy));
	return !bpf_core_read(name, sizeof(name), &proto->name) &&
	       drop_equal(name, dummy, sizeof(name));
}

/* SCTP owns the packets that an association received until they are read, and then frees them as
 * dropped. */
static __always_inline bool drop_is_sctp(struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != DROP_TCP_TIME_WAIT && state != DROP_TCP_NEW_SYN && /* they are shorter */
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_SCTP;
}

/* A copy of a sent packet that is to tell the socket the transmit time, before the socket owns
 * it. */
static __always_inline bool drop_is_stamp(struct sk_buff *skb)
{
	struct sock_exterr_skb *err = (void *)skb->cb;
	__u32 number = 0;
	__u8 origin = 0;

	return !bpf_core_read(&number, sizeof(number), &err->ee.ee_errno) &&
	       !bpf_core_read(&origin, sizeof(origin), &err->ee.ee_origin) &&
	       number == SKB_ENOMSG && origin == SKB_ORIGIN_STAMP &&
	       (BPF_CORE_READ_BITFIELD_PROBED(skb, cloned) || !BPF_CORE_READ(skb, len));
}

/* It waited in a queue that was emptied: of a socket, a device or a neighbour. */
static __always_inline __u8 drop_queued(struct sk_buff *skb, __u32 reason, struct net_device *dev)
{
	bool purge = drop_reason_is(reason, QUEUE_PURGE), vague = drop_vague(reason);
	struct sock *sk = BPF_CORE_READ(skb, sk);

	if (vague && !sk && drop_is_stamp(skb))
		return DROP_W_STAMP;
	if (sk) {
		unsigned short family = BPF_CORE_READ(sk, __sk_common.skc_family);
		bool inet = family == DROP_AF_INET || family == DROP_AF_INET6;

		if (vague && drop_is_test(sk))
			return DROP_W_TEST;
		if (family == DROP_AF_UNIX)
			return vague ? DROP_W_NONE : DROP_W_UNREAD;
		/* packets that it sent may still be on their way, and do not count here */
		if (BPF_CORE_READ(sk, __sk_common.skc_flags) & DROP_SOCK_DEAD &&
		    (BPF_CORE_READ(skb, skb_iif) ||
		     BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type) == DROP_PKT_OUTGOING ||
		     (!dev && (purge || !inet))))
			return DROP_W_UNREAD;
		if (vague && inet && drop_is_sctp(sk) && (BPF_CORE_READ(skb, skb_iif) || !dev))
			return DROP_W_READ;
		if (vague && family == DROP_AF_NETLINK)
			return DROP_W_TOLD;
		if (vague && family == DROP_AF_VSOCK && !BPF_CORE_READ(skb, len))
			return DROP_W_CONTROL;
	}
	return purge && dev ? DROP_W_QUEUED : DROP_W_NONE;
}

/* Raw sockets each get a copy; the packet itself goes on to its protocol. */
static __always_inline __u8 drop_filtered(struct sk_buff *skb, const struct drop_key *key,
					  struct sock *sk)
{
	bool raw = sk ? BPF_CORE_READ(sk, sk_type) == DROP_SOCK_RAW
		      : key->l4proto != IPPROTO_TCP && key->l4proto != IPPROTO_UDP;

	return raw && BPF_CORE_READ_BITFIELD_PROBED(skb, cloned) ? DROP_W_COPY : DROP_W_NONE;
}

/* NO_SOCKET, or an address that is not ours. Did a socket wait for it before? */
static __always_inline __u8 drop_nobody(struct sk_buff *skb, const struct drop_key *key,
					const struct drop_headers *h)
{
	bool no_socket = drop_reason_is(key->reason, NO_SOCKET);
	__be16 port[2];

	/* only ping sockets have it for ICMP */
	if (no_socket && (key->l4proto == IPPROTO_ICMP || key->l4proto == IPPROTO_ICMPV6))
		return DROP_W_ECHO;
	if (key->l4proto != IPPROTO_UDP || !h->l4 || !drop_read(h, h->l4, port, sizeof(port)))
		return DROP_W_NONE;
	if (port[0] == bpf_htons(67) && port[1] == bpf_htons(68) &&
	    BPF_CORE_READ_BITFIELD_PROBED(skb, cloned))
		return DROP_W_LEASE;
	if (no_socket && bpf_ntohs(port[0]) < 1024 && bpf_ntohs(port[1]) >= 1024)
		return DROP_W_ANSWER;
	return DROP_W_NONE;
}

/* --- routes */

static __always_inline __u8 drop_route(struct sk_buff *skb)
{
	struct dst_entry *dst =
		(void *)(BPF_CORE_READ(skb, _skb_refdst) & ~1UL); /* SKB_DST_NOREF */
	short error = 0;

	bpf_core_read(&error, sizeof(error), &dst->error);
	if (error < 0)
		error = -error;
	switch (error) {
	case 22: /* EINVAL */
		return DROP_W_BLACKHOLE;
	case 13: /* EACCES */
		return DROP_W_PROHIBIT;
	case 113: /* EHOSTUNREACH */
		return DROP_W_UNREACHABLE;
	default:
		return DROP_W_NONE;
	}
}

/* --- the link */

/* Has the stack received it on DEV? Outgoing packets have no skb_iif. */
static __always_inline bool drop_received(struct sk_buff *skb, struct net_device *dev)
{
	return dev && BPF_CORE_READ(skb, skb_iif) == BPF_CORE_READ(dev, ifindex);
}

static __always_inline bool drop_bridge_port(struct net_device *dev)
{
	return dev && BPF_CORE_READ_BITFIELD_PROBED(dev, priv_flags) & DROP_BRIDGE_PORT;
}

/* A frame of a VLAN that has no device: the kernel takes the tag off and calls it another
 * host's, whatever its address says. */
static __always_inline __u8 drop_vlan(struct net_device *dev, const __u16 *mac)
{
	const unsigned char *own = BPF_CORE_READ(dev, dev_addr);
	__u16 addr[ETH_ALEN / 2] = {};

	if (*(__u8 *)mac & 1)
		return DROP_W_VLAN_GROUP;
	bpf_probe_read_kernel(addr, sizeof(addr), own);
	return drop_equal(mac, addr, sizeof(addr)) ? DROP_W_VLAN : DROP_W_NONE;
}

static __always_inline __u8 drop_link(struct sk_buff *skb, const struct drop_key *key,
				      struct net_device *dev, const struct drop_headers *h)
{
	bool unhandled = drop_reason_is(key->reason, UNHANDLED_PROTO);
	bool no_target = drop_reason_is(key->reason, NO_TX_TARGET);
	bool blocked = drop_reason_is(key->reason, BRIDGE_INGRESS_STP_STATE);
	struct net_bridge_port *port;
	unsigned long flags = 0;
	__u16 mac[ETH_ALEN / 2];
	bool many;

	if (!dev || h->mac == DROP_UNSET || !drop_read(h, h->mac, mac, sizeof(mac)))
		return DROP_W_NONE;
	many = *(__u8 *)mac & 1;
	if (drop_reason_is(key->reason, OTHERHOST))
		return drop_vlan(dev, mac);
	/* STP, CDP: frames that the LLC layer ignores have no reason */
	if (many && key->l3proto == bpf_htons(ETH_P_802_2) && drop_received(skb, dev))
		return DROP_W_CONTROL;
	if (drop_bridge_port(dev)) {
		port = BPF_CORE_READ(dev, rx_handler_data);
		if (many && (drop_vague(key->reason) || blocked) &&
		    BPF_CORE_READ(port, state) == DROP_PORT_BLOCKING)
			return DROP_W_BLOCKED;
		bpf_core_read(&flags, sizeof(flags), &port->flags);
		if (flags & DROP_PORT_ISOLATED)
			return DROP_W_ISOLATED;
		if (flags & DROP_PORT_LOCKED && drop_vague(key->reason))
			return DROP_W_LOCKED;
	}
	return (unhandled || no_target) && many ? DROP_W_GROUP : DROP_W_NONE;
}

/* --- groups */

/* Does a socket that has joined IM accept SRC? As ip_check_mc_rcu() does. */
static __always_inline bool drop_wanted4(struct ip_mc_list *im, __u32 src)
{
	struct ip_sf_list *s = BPF_CORE_READ(im, sources);
	unsigned long excluding = BPF_CORE_READ(im, sfcount[0]);

#pragma clang loop unroll(disable)
	for (int i = 0; i < DROP_GROUPS && s; i++) {
		if (BPF_CORE_READ(s, sf_inaddr) == src)
			return BPF_CORE_READ(s, sf_count[1]) ||
			       BPF_CORE_READ(s, sf_count[0]) != excluding;
		s = BPF_CORE_READ(s, sf_next);
	}
	return s || excluding;
}

static __always_inline bool drop_joined4(struct net_device *dev, const struct drop_headers *h)
{
	struct ip_mc_list *im = BPF_CORE_READ(dev, ip_ptr, mc_list);
	__u32 src;

	if (!drop_read(h, h->l3 + 12, &src, sizeof(src)))
		return true;
#pragma clang loop unroll(disable)
	for (int i = 0; i < DROP_GROUPS && im; i++) {
		if (BPF_CORE_READ(im, multiaddr) == h->dst[0])
			return drop_wanted4(im, src);
		im = BPF_CORE_READ(im, next_rcu);
	}
	return im; /* there are more */
}

static __always_inline bool drop_joined6(struct net_device *dev, const __u32 *group)
{
	struct inet6_dev *in6 = BPF_CORE_READ(dev, ip6_ptr);
	struct ifmcaddr6 *im = BPF_CORE_READ(in6, mc_list);

	if (bpf_core_field_exists(in6->cnf.mc_forwarding) &&
	    BPF_CORE_READ(in6, cnf.mc_forwarding.counter))
		return true; /* it may be forwarded */
#pragma clang loop unroll(disable)
	for (int i = 0; i < DROP_GROUPS && im; i++) {
		__u32 addr[4];

		if (bpf_core_read(addr, sizeof(addr), &im->mca_addr) ||
		    drop_equal(addr, group, sizeof(addr)))
			return true;
		im = BPF_CORE_READ(im, next);
	}
	return im;
}

/* Has the transport protocol received it? ICMPv6 removes its header. */
static __always_inline bool drop_at_transport(struct sk_buff *skb, const struct drop_key *key,
					      const struct drop_headers *h)
{
	__u32 data = BPF_CORE_READ(skb, data) - BPF_CORE_READ(skb, head);

	if (!h->l4 || h->l4 != BPF_CORE_READ(skb, transport_header))
		return false;
	return data == h->l4 || (key->l4proto == IPPROTO_ICMPV6 && data == h->l4 + 8);
}

/* A NAT-T keepalive of IPsec, one byte of ones: the kernel reads and frees it. */
static __always_inline bool drop_is_keepalive(const struct drop_headers *h)
{
	struct {
		__be16 port[2], len, sum;
		__u8 data;
	} udp;

	return h->l4 && h->end == h->l4 + 9 && drop_read(h, h->l4, &udp, 9) &&
	       udp.port[1] == bpf_htons(DROP_PORT_NATT) && udp.data == 0xff;
}

/* An IGMP or MLD message about group members. */
static __always_inline bool drop_is_report(__u8 l4proto, __u8 type)
{
	if (l4proto == IPPROTO_IGMP)
		return type == 0x12 || type == 0x16 || type == 0x17 || type == 0x22;
	return l4proto == IPPROTO_ICMPV6 && (type == 131 || type == 132 || type == 143);
}

/*
 * IGMP, MLD and neighbour discovery messages that have served their purpose: others' reports and
 * neighbour messages were read and freed; a device that is down leaves its groups or queries
 * them, unheard; a bridge also queries itself.
 */
static __always_inline __u8 drop_control(struct sk_buff *skb, const struct drop_key *key,
					 struct net_device *dev, const struct drop_headers *h)
{
	__u16 mac[ETH_ALEN / 2] = {}, own[ETH_ALEN / 2] = {};
	const unsigned char *addr;
	__u8 type, hops = 0;
	unsigned long state;

	if (!dev || !h->l4 || !drop_read(h, h->l4, &type, 1))
		return DROP_W_NONE;
	if (drop_is_report(key->l4proto, type) || type == 0x11 || type == 130) {
		state = BPF_CORE_READ(dev, state);
		if (!(state & DROP_LINK_START) || state & DROP_LINK_DOWN)
			return DROP_W_CONTROL;
	}
	if (key->l4proto != IPPROTO_ICMPV6 || !drop_received(skb, dev))
		return DROP_W_NONE;
	if (type >= 133 && type <= 136 && drop_at_transport(skb, key, h) &&
	    drop_read(h, h->l3 + 7, &hops, 1) && hops == 255)
		return DROP_W_CONTROL;
	if (drop_reason_is(key->reason, IP_INNOROUTES) && type == 130 && h->mac != DROP_UNSET &&
	    drop_read(h, h->mac + ETH_ALEN, mac, sizeof(mac))) {
		addr = BPF_CORE_READ(dev, dev_addr);
		if (!bpf_probe_read_kernel(own, sizeof(own), addr) &&
		    drop_equal(mac, own, sizeof(own)))
			return DROP_W_CONTROL;
	}
	return DROP_W_NONE;
}

/* The transport protocol received it: no socket has the port of a datagram to a group. IGMP and
 * MLD messages of others are read and freed. */
static __always_inline __u8 drop_transport(const struct drop_key *key, const struct drop_headers *h)
{
	__u8 type;

	if (key->l4proto == IPPROTO_UDP)
		return DROP_W_GROUP;
	if (!drop_read(h, h->l4, &type, 1))
		return DROP_W_NONE;
	return drop_is_report(key->l4proto, type) ? DROP_W_CONTROL : DROP_W_NONE;
}

static __always_inline __u8 drop_group(struct sk_buff *skb, const struct drop_key *key,
				       struct net_device *dev, const struct drop_headers *h)
{
	bool v6 = key->l3proto == bpf_htons(ETH_P_IPV6), group;
	__u8 type = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);

	if (key->l4proto == DROP_NO_L4 || !drop_received(skb, dev) || drop_bridge_port(dev))
		return DROP_W_NONE;
	group = v6 ? (h->dst[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000)
		   : (h->dst[0] & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000);
	if (!group && (v6 || (type != DROP_PKT_BROADCAST && type != DROP_PKT_LOOPBACK)))
		return DROP_W_NONE;
	if (drop_at_transport(skb, key, h))
		return drop_transport(key, h);
	if (!group)
		return DROP_W_NONE;
	if (v6)
		return drop_joined6(dev, h->dst) ? DROP_W_NONE : DROP_W_GROUP;
	return BPF_CORE_READ(skb, _skb_refdst) || drop_joined4(dev, h) ? DROP_W_NONE : DROP_W_GROUP;
}

/* ICMP to all hosts, which nobody answers: ping -b, time stamps. */
static __always_inline __u8 drop_icmp_to_all(struct sk_buff *skb)
{
	__u8 type = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);

	return type == DROP_PKT_BROADCAST || type == DROP_PKT_MULTICAST || type == DROP_PKT_LOOPBACK
		       ? DROP_W_GROUP
		       : DROP_W_NONE;
}

/* Reasons that do not decide. Most drops have another reason, and cost no call. */
static __always_inline bool drop_open(__u32 reason, __u8 l4proto)
{
	return drop_vague(reason) || drop_reason_is(reason, NO_SOCKET) ||
	       drop_reason_is(reason, QUEUE_PURGE) || drop_reason_is(reason, SOCKET_CLOSE) ||
	       drop_reason_is(reason, OTHERHOST) || drop_reason_is(reason, UNHANDLED_PROTO) ||
	       drop_reason_is(reason, SOCKET_FILTER) || drop_reason_is(reason, NO_TX_TARGET) ||
	       drop_reason_is(reason, IP_INADDRERRORS) || drop_reason_is(reason, IP_INNOROUTES) ||
	       drop_reason_is(reason, IP_OUTNOROUTES) || drop_reason_is(reason, IPV6DISABLED) ||
	       drop_reason_is(reason, BRIDGE_INGRESS_STP_STATE) ||
	       (l4proto == IPPROTO_TCP && drop_tcp_reason(reason)) ||
	       (l4proto == IPPROTO_ICMP && drop_reason_is(reason, INVALID_PROTO)) ||
	       ((l4proto == IPPROTO_IGMP || l4proto == IPPROTO_ICMPV6) &&
		(drop_reason_is(reason, QDISC_DROP) || drop_reason_is(reason, DEV_READY)));
}

struct drop_freed {
	struct sk_buff *skb;
	struct net_device *dev; /* NULL: not known */
	struct sock *sk;	/* the receiver, if known */
};

/* A separate function, so that the verifier checks it once, not once per path through the
 * headers. In it, pointers to kernel structures are plain numbers. */
__noinline int drop_what(const struct drop_freed *freed, const struct drop_key *key,
			 const struct drop_headers *h)
{
	__u8 what = DROP_W_NONE;
	struct net_device *dev;
	bool vague, no_socket;
	struct sk_buff *skb;
	struct sock *sk;
	__u32 reason;

	if (!freed || !key || !h)
		return DROP_W_NONE;
	skb = freed->skb;
	dev = freed->dev;
	sk = freed->sk;
	reason = key->reason;
	vague = drop_vague(reason);
	no_socket = drop_reason_is(reason, NO_SOCKET);
	if (vague || drop_reason_is(reason, QUEUE_PURGE) || drop_reason_is(reason, SOCKET_CLOSE))
		what = drop_queued(skb, reason, dev);
	if (drop_reason_is(reason, SOCKET_FILTER))
		return drop_filtered(skb, key, sk);
	if (drop_reason_is(reason, INVALID_PROTO))
		return drop_icmp_to_all(skb);
	if (!what && key->l4proto == IPPROTO_TCP)
		what = drop_tcp(skb, sk, reason, h);
	if (!what && (no_socket || drop_reason_is(reason, IP_INADDRERRORS)))
		what = drop_nobody(skb, key, h);
	if (!what)
		what = drop_route(skb);
	if (!what && (vague || drop_reason_is(reason, UNHANDLED_PROTO) ||
		      drop_reason_is(reason, OTHERHOST) || drop_reason_is(reason, NO_TX_TARGET) ||
		      drop_reason_is(reason, BRIDGE_INGRESS_STP_STATE)))
		what = drop_link(skb, key, dev, h);
	/* only where other causes have a reason */
	if (!what && drop_reason_is(reason, NOT_SPECIFIED) && key->l4proto == IPPROTO_UDP &&
	    drop_is_keepalive(h) && drop_at_transport(skb, key, h))
		what = DROP_W_CONTROL;
	if (!what && (key->l4proto == IPPROTO_IGMP || key->l4proto == IPPROTO_ICMPV6))
		what = drop_control(skb, key, dev, h);
	/* without IPv6 on the device, or while it is being set up, groups are unknown */
	if (!what && !sk &&
	    (vague || drop_reason_is(reason, IP_INNOROUTES) ||
	     drop_reason_is(reason, IP_INADDRERRORS) || drop_reason_is(reason, IPV6DISABLED)))
		what = drop_group(skb, key, dev, h);
	return what;
}

#endif
