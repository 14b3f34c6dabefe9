/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2acl.h - rules for frames that l2fwd sends to a port. The first matching rule decides;
 * otherwise L2_P_ACL_DENY. Fragments after the first have no ports: a permit rule with ports
 * lets them pass (if the rest of it matches), and a deny rule with ports is skipped, because
 * without its first fragment the datagram is lost anyway. IP packets that cannot be parsed are
 * dropped: no rule can judge them. Frames that may have IP inside, after headers that are not
 * parsed (a third tag, PPPoE, MPLS), are dropped by the first deny rule that needs these
 * headers, and not passed by a permit rule that does.
 *
 * Checked one by one, rules cost 5 ns each. If there are many, the longest prefixes of the
 * frame's addresses first select those that can match (l2_sieve).
 */
#ifndef HOOKMAP_L2ACL_H
#define HOOKMAP_L2ACL_H

#include "l2fwd.h"
#include "match.h"
#include "parse.h"

HM_MAP(l2_acl);
HM_MAP(l2_sieve);

/* What a frame of ethertype PROTO, with C after it, may have inside: FLOW_HIDES_*. */
static __always_inline int l2_hides(const struct cursor *c, int proto)
{
	const __u8 *llc = c->pos;

	if (bpf_ntohs(proto) < ETH_P_802_3_MIN) {
		/* LLC: IP itself, or an ethertype in SNAP (RFC 1042, 802.1H) */
		if (c->pos + 5 > c->end)
			return 0;
		return llc[0] == 0x06 || (llc[0] == 0xaa && llc[1] == 0xaa && !llc[3] && !llc[4])
			       ? FLOW_HIDES_IP | FLOW_HIDES_TYPE
			       : 0;
	}
	switch (bpf_ntohs(proto)) {
	case ETH_P_8021Q: /* a third one */
	case ETH_P_8021AD:
	case ETH_P_QINQ1:
	case ETH_P_QINQ2:
	case ETH_P_QINQ3:
	case ETH_P_8021AH:
	case ETH_P_MACSEC:
	case ETH_P_HSR:
	case ETH_P_BATMAN:
	case ETH_P_NSH:
	case ETH_P_TEB:
	case 0x22f3: /* TRILL */
	case 0x893f: /* 802.1BR */
	case 0x8926: /* VN-Tag */
	case 0x8909: /* Cisco metadata */
		return FLOW_HIDES_IP | FLOW_HIDES_TYPE;
	case ETH_P_PPP_SES:
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
	case 0x880b: /* PPP */
	case 0xa0ed: /* 6LoWPAN */
		return FLOW_HIDES_IP;
	}
	return 0;
}

/* Parses the fields that rules match, from the MAC header on. F is zero except for the VLAN. */
static __always_inline void l2_flow_read(struct cursor *c, struct flow *f)
{
	int proto = parse_eth(c);

	if (proto < 0)
		return;
	f->ethertype = proto;
	if (proto != bpf_htons(ETH_P_IP) && proto != bpf_htons(ETH_P_IPV6)) {
		f->hides = l2_hides(c, proto);
		return;
	}
	if (parse_ip(c, proto, f) < 0 ||
	    (f->family == 6 && !f->fragment && flow_is_extension(f->l4proto)))
		f->hides = FLOW_UNREADABLE;
	else
		parse_l4(c, f);
}

/* A permit rule needs a certain match, a deny rule does not. A later fragment has no ports;
 * without the first it is lost. */
static __always_inline int l2_acl_match(const struct l2_acl *rule, const struct flow *f)
{
	switch (match_flow(&rule->match, f)) {
	case MATCH_YES:
		return 1;
	case MATCH_FIRST:
		return !rule->deny;
	case MATCH_UNREAD:
		return rule->deny;
	}
	return 0;
}

/* The rules that one of the frame's addresses selects. */
static __always_inline struct l2_sieve *l2_sieve_get(__u32 set, __u8 side, __u8 family,
						     const __u32 *addr)
{
	struct l2_sieve_key key = { .set = set, .side = side, .family = family };

	key.prefixlen = 32 + (family == 6 ? 128 : family == 4 ? 32 : 0);
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return bpf_map_lookup_elem(&l2_sieve, &key);
}

/* The rules of 64 that both select. A prefix that is not found (the rules have just changed)
 * selects all. */
static __always_inline __u64 l2_sieve_left(const struct l2_sieve *src, const struct l2_sieve *dst,
					   __u32 word, __u32 n)
{
	__u64 left = ~0ULL;

	/* compare the pointer with 0 before computing the address of rules */
	if (src) {
		asm volatile("" : "+r"(src));
		left &= src->rules[word];
	}
	if (dst) {
		asm volatile("" : "+r"(dst));
		left &= dst->rules[word];
	}
	n -= word * 64;
	return n < 64 ? left & ((1ULL << n) - 1) : left;
}

/*
 * The first matching rule from FIRST on, of those whose bit is set in LEFT: its number + 1, or
 * 0. This and l2_acl_permits are separate functions (kernel 5.12): the verifier checks the loop
 * once, not once per path to it.
 */
__noinline int l2_acl_first(struct flow *f, __u32 first, __u64 left)
{
	if (!f)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 64; i++, left >>= 1) {
		struct l2_acl *rule;
		__u32 key = first + i;

		if (!left)
			break;
		if (!(left & 1))
			continue;
		rule = bpf_map_lookup_elem(&l2_acl, &key);
		if (!rule)
			break;
		if (l2_acl_match(rule, f))
			return key + 1;
	}
	return 0;
}

/* 1 if the port NUMBER may be sent the frame of BYTES. */
__noinline int l2_acl_permits(struct flow *f, __u32 number, __u32 bytes)
{
	struct l2_port *port = l2_port_get(number);
	struct l2_sieve *src = NULL, *dst = NULL;
	__u16 part[2] = {};
	__u32 n, set;

	if (!f || !port || f->hides & FLOW_UNREADABLE)
		return 0;
	/* acl_n and acl_at at once: they belong together */
	*(__u32 *)part = *(volatile __u32 *)&port->acl_n;
	n = part[0] & L2_ACL_MASK;
	set = part[1];
	/* without known addresses, every rule can match */
	if (part[0] & L2_ACL_SRC && !f->hides)
		src = l2_sieve_get(set, 0, f->family, f->src);
	if (part[0] & L2_ACL_DST && !f->hides)
		dst = l2_sieve_get(set, 1, f->family, f->dst);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < L2_ACL_RULES / 64; i++) {
		struct l2_acl *rule;
		__u64 left;
		__u32 key;

		if (i * 64 >= n)
			break;
		left = l2_sieve_left(src, dst, i, n);
		key = left ? l2_acl_first(f, set + i * 64, left) : 0;
		if (!key)
			continue;
		key--;
		rule = bpf_map_lookup_elem(&l2_acl, &key);
		if (!rule)
			break;
		__sync_fetch_and_add(&rule->packets, 1);
		__sync_fetch_and_add(&rule->bytes, bytes);
		return !rule->deny;
	}
	return !(port->flags & L2_P_ACL_DENY);
}

#endif
