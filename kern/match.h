/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * match.h - judges a condition (struct match) about a packet (struct flow), for all features
 * that have one.
 */
#ifndef HOOKMAP_MATCH_H
#define HOOKMAP_MATCH_H

#include <bpf/bpf_endian.h>

#include "abi/flow.h"

enum match_verdict {
	MATCH_NO = 0,
	MATCH_YES,
	MATCH_FIRST,  /* all but the ports, which only the first fragment has */
	MATCH_UNREAD, /* it needs fields that cannot be read */
};

static __always_inline int match_prefix(const __u32 *addr, const __u32 *want, const __u32 *mask)
{
	return !(((addr[0] ^ want[0]) & mask[0]) | ((addr[1] ^ want[1]) & mask[1]) |
		 ((addr[2] ^ want[2]) & mask[2]) | ((addr[3] ^ want[3]) & mask[3]));
}

static __always_inline int match_range(const __u16 *range, __be16 port)
{
	__u16 n = bpf_ntohs(port);

	return n >= range[0] && n <= range[1];
}

static __always_inline int match_addresses(const struct match *m, const struct flow *f)
{
	if (m->flags & MATCH_SRC && !match_prefix(f->src, m->src, m->src_mask))
		return 0;
	if (m->flags & MATCH_DST && !match_prefix(f->dst, m->dst, m->dst_mask))
		return 0;
	return !(m->flags & MATCH_HOST) || match_prefix(f->src, m->host, m->host_mask) ||
	       match_prefix(f->dst, m->host, m->host_mask);
}

static __always_inline int match_ports(const struct match *m, const struct flow *f)
{
	if (!flow_has_ports(f->l4proto))
		return MATCH_NO;
	if (f->fragment)
		return MATCH_FIRST;
	if (!f->ports)
		return MATCH_UNREAD;
	if (m->flags & MATCH_SPORT && !match_range(m->sport, f->sport))
		return MATCH_NO;
	if (m->flags & MATCH_DPORT && !match_range(m->dport, f->dport))
		return MATCH_NO;
	return !(m->flags & MATCH_PORT) || match_range(m->port, f->sport) ||
	       match_range(m->port, f->dport);
}

/* enum match_verdict */
static __always_inline int match_flow(const struct match *m, const struct flow *f)
{
	__u16 flags = m->flags;

	if (flags & MATCH_VLAN && m->vlan != f->vlan)
		return MATCH_NO;
	if (m->family && m->family != f->family)
		return f->hides & FLOW_HIDES_IP ? MATCH_UNREAD : MATCH_NO;
	if (m->ethertype && m->ethertype != f->ethertype)
		return f->hides & FLOW_HIDES_TYPE ? MATCH_UNREAD : MATCH_NO;
	if (f->hides && flags & MATCH_INSIDE)
		return MATCH_UNREAD;
	if (flags & MATCH_PROTO && (!f->family || m->proto != f->l4proto))
		return MATCH_NO;
	if (flags & MATCH_FRAGMENT && !f->fragment)
		return MATCH_NO;
	if (flags & MATCH_ECHO && !flow_is_echo(f))
		return MATCH_NO;
	if (!match_addresses(m, f))
		return MATCH_NO;
	return flags & MATCH_PORTS ? match_ports(m, f) : MATCH_YES;
}

#endif
