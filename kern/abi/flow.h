/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi/flow.h - the header fields of a packet, and a condition on them. See abi.h for the rules.
 */
#ifndef HOOKMAP_ABI_FLOW_H
#define HOOKMAP_ABI_FLOW_H

#include <linux/types.h>

/* Limits of both parsers, parse.h and parse_copy.h */
#define FLOW_VLANS	2 /* tags skipped at most: QinQ */
#define FLOW_EXTENSIONS 6 /* IPv6 extension headers skipped at most */

/* The packet of the outermost IP header, unless a feature says otherwise. */
struct flow {
	__u32 src[4]; /* network order; IPv4 in word 0 */
	__u32 dst[4];
	__be16 sport; /* 0 without ports or in a later fragment */
	__be16 dport;
	__u8 family; /* 4, 6, or 0: not IP */
	__u8 l4proto;
	__u8 fragment;	  /* not the first fragment: no L4 header follows */
	__u8 more;	  /* more fragments follow */
	__u8 inside;	  /* IPv6: the header after the fragment header, perhaps an extension */
	__u8 type;	  /* of ICMP and ICMPv6 */
	__u8 ports;	  /* sport and dport are those of the packet */
	__u8 hides;	  /* FLOW_HIDES_* */
	__u16 vlan;	  /* id of the outermost tag, 0 = none */
	__be16 ethertype; /* after VLAN tags; 0 = unknown */
	__u32 id;	  /* of the datagram, as in the packet: IPv4, and fragments of IPv6 */
};

#define FLOW_HIDES_IP	0x1 /* IP may be inside, after headers that are not parsed */
#define FLOW_HIDES_TYPE 0x2 /* ethertype is another tag's, not the payload's */
#define FLOW_UNREADABLE 0x4 /* it claims to be IP, but is not */

/* IPPROTO_TCP, UDP, SCTP, UDPLITE */
static inline __attribute__((always_inline)) int flow_has_ports(__u8 l4proto)
{
	return l4proto == 6 || l4proto == 17 || l4proto == 132 || l4proto == 136;
}

/* Is NEXT an extension header of IPv6 that another header follows? (One branch only: the verifier
 * follows every path through a chain of headers to its end.) */
static inline __attribute__((always_inline)) int flow_is_extension(__u8 next)
{
	const __u64 extensions = 1 << 0 | 1ULL << 43 | 1ULL << 44 | 1ULL << 51 | 1ULL << 60;

	return next < 64 && extensions >> next & 1;
}

/* Bytes of the extension header NEXT whose second byte is LEN: it counts 8 bytes, less the first
 * 8; of AH (51) 4 bytes, less 8. Also without a branch that the compiler could see. */
static inline __attribute__((always_inline)) __u32 flow_extension_bytes(__u8 next, __u8 len)
{
	__u32 ah = next ^ 51;

	__asm__("" : "+r"(ah));
	ah = (ah - 1) >> 31;
	return (len + 1 + ah) * (8 - 4 * ah);
}

/* ICMP echo of both families: request or reply */
static inline __attribute__((always_inline)) int flow_is_echo(const struct flow *f)
{
	if (f->fragment)
		return 0;
	return f->family == 4 ? f->l4proto == 1 && (f->type == 0 || f->type == 8)
			      : f->l4proto == 58 && (f->type == 128 || f->type == 129);
}

/* struct match.flags: which of its fields count */
#define MATCH_SRC      0x001
#define MATCH_DST      0x002
#define MATCH_HOST     0x004
#define MATCH_PROTO    0x008
#define MATCH_SPORT    0x010
#define MATCH_DPORT    0x020
#define MATCH_PORT     0x040
#define MATCH_VLAN     0x080
#define MATCH_FRAGMENT 0x100 /* a later fragment */
#define MATCH_ECHO     0x200 /* ICMP echo, request or reply, of both families */

#define MATCH_PORTS  (MATCH_SPORT | MATCH_DPORT | MATCH_PORT)
#define MATCH_INSIDE (MATCH_PROTO | MATCH_PORTS | MATCH_FRAGMENT | MATCH_ECHO) /* of IP */

/*
 * A condition about packets, which people write in tcpdump's words and `rules match` compiles
 * (user/rules/condition.c). All of it must hold; all zero is every packet. Judged by
 * match_flow() in match.h.
 */
struct match {
	__u32 src[4], src_mask[4]; /* network order; IPv4 in word 0 */
	__u32 dst[4], dst_mask[4];
	__u32 host[4], host_mask[4]; /* source or destination */
	__u16 sport[2];		     /* first and last, host order */
	__u16 dport[2];
	__u16 port[2];	  /* source or destination */
	__u16 flags;	  /* MATCH_* */
	__u16 vlan;	  /* id */
	__be16 ethertype; /* 0 = any; never IPv4's or IPv6's */
	__u8 family;	  /* 4, 6, 0 = any */
	__u8 proto;	  /* IPPROTO_*; ICMP is 1 and ICMPv6 is 58 */
};

_Static_assert(sizeof(struct flow) == 52, "abi");
_Static_assert(sizeof(struct match) == 116, "abi");

#endif
