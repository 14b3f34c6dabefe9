/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_answer.h - handles a packet that cannot be forwarded unchanged, as a router does: an
 * ICMP error to its sender, or fragments. The stack cannot do it: it would use its own routes,
 * which may lead over another link than the rule's.
 *
 * Buffers are per CPU. If a softirq preempts another (PREEMPT_RT), the second finds the buffer
 * in use and drops its packet.
 */
#ifndef HOOKMAP_POLICY_ANSWER_H
#define HOOKMAP_POLICY_ANSWER_H

#include "policy_route.h"

HM_MAP(pol_work);

#ifndef BPF_F_ADJ_ROOM_FIXED_GSO
#define BPF_F_ADJ_ROOM_FIXED_GSO 1
#endif
#define POL_FIB_SRC   16   /* of 6.7: the source address that this host would use */
#define POL_CANNOT    (-1) /* and the packet is unchanged */
#define POL_QUOTE     512  /* bytes of the packet that an ICMP error has at most */
#define POL_STRIPPED  8	   /* bytes after the IP header that pol_strip() keeps */
#define POL_FRAGMENTS 64

/* ICMP errors: as many as the kernel sends, icmp_msgs_per_sec and icmp_msgs_burst */
#define POL_ICMP_NS    1000000
#define POL_ICMP_BURST 50

static __always_inline struct pol_work *pol_work_get(void)
{
	__u32 zero = 0;
	struct pol_work *w = bpf_map_lookup_elem(&pol_work, &zero);

	if (!w || w->busy)
		return NULL;
	w->busy = 1;
	barrier();
	return w;
}

static __always_inline void pol_work_put(struct pol_work *w)
{
	barrier();
	w->busy = 0;
}

static __always_inline __u32 pol_base(const struct pol_pkt *p)
{
	return p->word[POL_W_MISC] & POL_M_IP6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

static __always_inline __u16 pol_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Keeps the part of the L2 header and the first IP header before AT + BASE; LEN bytes to be
 * written follow. This discards a checksum or segmentation left to a device, because its start
 * was cut away. */
static __always_inline long pol_strip(struct __sk_buff *skb, __u32 at, __u32 base, __u32 l4,
				      __u32 len)
{
	__u32 cut = l4 + 64;

	if (bpf_skb_change_tail(skb, at + base + POL_STRIPPED + cut, 0))
		return POL_CANNOT;
	if (bpf_skb_adjust_room(skb, -(__s32)cut, BPF_ADJ_ROOM_NET, 0))
		return 1;
	return bpf_skb_change_tail(skb, at + base + len, 0);
}

/* --- ICMP errors */

struct pol_icmp {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 rest;
};

/* Errors, packets that may be errors, and later IPv4 fragments get no answer. */
static __always_inline int pol_icmp_never(struct __sk_buff *skb, const struct pol_pkt *p)
{
	int v6 = !!(p->word[POL_W_MISC] & POL_M_IP6);
	__u8 type;

	if (p->piece & POL_P_LATER)
		return !v6;
	if (p->hidden || p->l4proto != (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return 0;
	if (bpf_skb_load_bytes(skb, p->l4, &type, 1))
		return 1;
	if (v6)
		return type < 128 || type == 137;
	return type != 0 && type != 8 && (type < 13 || type > 18);
}

static __always_inline int pol_icmp_allowed(struct pol_work *w, __u64 now)
{
	__u64 more = (now - w->last) / POL_ICMP_NS;

	if ((__s64)(now - w->last) > 0 && more) {
		w->tokens = more + w->tokens < POL_ICMP_BURST ? more + w->tokens : POL_ICMP_BURST;
		w->last = now;
	}
	if (!w->tokens)
		return 0;
	w->tokens--;
	return 1;
}

/* Writes the source address of the answer to SRC: the one by which this host sends to the
 * sender. If the kernel does not report it: 0, and SRC is the packet's destination. */
static __always_inline int pol_icmp_source(struct __sk_buff *skb, const struct pol_pkt *p,
					   __u32 *src)
{
	int v6 = !!(p->word[POL_W_MISC] & POL_M_IP6);
	struct pol_fib fib = {};
	long ret;

	fib.family = v6 ? POL_AF_INET6 : POL_AF_INET;
	fib.tot_len = 1;
	fib.ifindex = skb->ifindex;
	fib.dst[0] = bpf_htonl(p->word[POL_W_SRC]);
	for (int i = 0; i < 3; i++)
		fib.dst[1 + i] = bpf_htonl(p->word[POL_W_SRC6 + i]);
	ret = bpf_fib_lookup(skb, (void *)&fib, sizeof(fib), POL_FIB_SRC);
	if ((ret == BPF_FIB_LKUP_RET_SUCCESS || ret == BPF_FIB_LKUP_RET_NO_NEIGH) && fib.src[0]) {
		__builtin_memcpy(src, fib.src, sizeof(fib.src));
		return 1;
	}
	src[0] = bpf_htonl(p->word[POL_W_DST]);
	for (int i = 0; i < 3; i++)
		src[1 + i] = bpf_htonl(p->word[POL_W_DST6 + i]);
	return 0;
}

/* Headers before the quote of N bytes in DATA, which is filled up with zeros. */
static __always_inline void pol_icmp4(__u8 *data, const struct pol_pkt *p, __u32 what, __u32 src,
				      __u32 n)
{
	struct iphdr *ip = (void *)data + sizeof(struct ipv6hdr) - sizeof(*ip);
	struct pol_icmp *icmp = (void *)(ip + 1);

	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0xc0;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*icmp) + n);
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = src;
	ip->daddr = bpf_htonl(p->word[POL_W_SRC]);
	ip->check = ~pol_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	icmp->type = what >> 24;
	icmp->code = what >> 16;
	icmp->check = 0;
	icmp->rest = bpf_htonl(what & 0xffff);
	icmp->check = ~pol_fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)icmp, sizeof(*icmp), 0) +
				bpf_csum_diff(NULL, 0, (__be32 *)(icmp + 1), POL_QUOTE, 0));
}

static __always_inline void pol_icmp6(__u8 *data, const struct pol_pkt *p, __u32 what,
				      const __u32 *src, __u32 n)
{
	struct ipv6hdr *ip = (void *)data;
	struct pol_icmp *icmp = (void *)(ip + 1);
	__u64 sum;

	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(sizeof(*icmp) + n);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = 64;
	__builtin_memcpy(&ip->saddr, src, sizeof(ip->saddr));
	ip->daddr.in6_u.u6_addr32[0] = bpf_htonl(p->word[POL_W_SRC]);
	for (int i = 0; i < 3; i++)
		ip->daddr.in6_u.u6_addr32[1 + i] = bpf_htonl(p->word[POL_W_SRC6 + i]);
	icmp->type = what >> 24;
	icmp->code = what >> 16;
	icmp->check = 0;
	icmp->rest = bpf_htonl(what & 0xffff);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&ip->saddr, 32, 0);
	sum += bpf_htonl(sizeof(*icmp) + n) + (__u64)bpf_htonl(IPPROTO_ICMPV6);
	sum += bpf_csum_diff(NULL, 0, (__be32 *)icmp, sizeof(*icmp), 0);
	sum += bpf_csum_diff(NULL, 0, (__be32 *)(icmp + 1), POL_QUOTE, 0);
	icmp->check = ~pol_fold(sum);
}

/* Turns the packet into the error DATA, with LEN bytes after IP header and quote, and sends it
 * back to the sender. */
static __always_inline int pol_icmp_send(struct __sk_buff *skb, const struct pol_pkt *p, __u8 *data,
					 __u64 len)
{
	__u32 at = p->nh_off, base = pol_base(p), tci = skb->vlan_tci, proto = skb->vlan_proto;
	__u8 mac[12], back[12];
	int tags = 0;
	long err;

	/* the inner tag is in the frame, which no helper can change */
	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6)) {
		if (!skb->vlan_present || bpf_skb_vlan_pop(skb))
			return POL_CANNOT;
		at -= sizeof(struct parse_vlan);
		tags = 1;
	}
	err = pol_strip(skb, at, base, p->l4, len);
	if (err)
		return err == POL_CANNOT && !tags ? POL_CANNOT : TC_ACT_SHOT;
	if (!p->l3) {
		if (bpf_skb_load_bytes(skb, 0, mac, sizeof(mac)))
			return TC_ACT_SHOT;
		__builtin_memcpy(back, mac + 6, 6);
		__builtin_memcpy(back + 6, mac, 6);
		if (bpf_skb_store_bytes(skb, 0, back, sizeof(back), 0))
			return TC_ACT_SHOT;
	}
	data += sizeof(struct ipv6hdr) - base;
	len += base;
	asm volatile("" : "+r"(len)); /* one register, tested and used: v1, v2 */
	if (len < 28 || len > sizeof(struct ipv6hdr) + sizeof(struct pol_icmp) + POL_QUOTE)
		return TC_ACT_SHOT;
	if (bpf_skb_store_bytes(skb, at, data, len, 0) ||
	    (tags && bpf_skb_vlan_push(skb, proto, tci)))
		return TC_ACT_SHOT;
	bpf_set_hash_invalid(skb);
	return bpf_redirect(skb->ifindex, 0);
}

/* Tells the sender WHAT, a POL_ICMP. Returns TC_ACT_*, or POL_CANNOT. */
HM_FUNCTION int pol_icmp(struct __sk_buff *skb, const struct pol_pkt *p, __u32 what, __u64 now)
{
	__u32 zero = 0, src[4];
	struct pol_stat *st = bpf_map_lookup_elem(&pol_stat, &zero);
	struct pol_work *w;
	__u64 n;
	int ret;

	if (!p || !st)
		return TC_ACT_SHOT;
	/* before 6.7 the stack does it, and does not forward expired packets */
	if (!pol_icmp_source(skb, p, src) && p->ttl <= 1)
		return POL_CANNOT;
	if (pol_icmp_never(skb, p)) {
		st->n[POL_N_UNANSWERED]++;
		return TC_ACT_SHOT;
	}
	w = pol_work_get();
	if (!w) {
		st->n[POL_N_ERROR]++;
		return TC_ACT_SHOT;
	}
	n = p->len;
	if (!pol_icmp_allowed(w, now)) {
		pol_work_put(w);
		st->n[POL_N_UNANSWERED]++;
		return TC_ACT_SHOT;
	}
	__builtin_memset(w->data, 0, sizeof(struct ipv6hdr) + sizeof(struct pol_icmp) + POL_QUOTE);
	if (n > POL_QUOTE)
		n = POL_QUOTE;
	ret = POL_CANNOT;
	/* one register, and two separate tests: the verifier requires both bounds */
	asm volatile("" : "+r"(n));
	if ((__s64)n <= 0)
		goto out;
	asm volatile("" : "+r"(n));
	if (n <= POL_QUOTE &&
	    !bpf_skb_load_bytes(skb, p->nh_off,
				w->data + sizeof(struct ipv6hdr) + sizeof(struct pol_icmp), n)) {
		if (p->word[POL_W_MISC] & POL_M_IP6)
			pol_icmp6(w->data, p, what, src, n);
		else
			pol_icmp4(w->data, p, what, src[0], n);
		ret = pol_icmp_send(skb, p, w->data, n + sizeof(struct pol_icmp));
	}
out:
	pol_work_put(w);
	if (ret == TC_ACT_REDIRECT)
		st->n[POL_N_ICMP]++;
	else if (ret == TC_ACT_SHOT)
		st->n[POL_N_ERROR]++;
	return ret;
}

/* --- fragments */

/* The sum of up to 512 bytes at OFF of the buffer. These are separate functions, so that the
 * verifier checks them once and not in each iteration of a loop. */
HM_FUNCTION __u32 pol_sum(__u32 off, __u32 len)
{
	__u32 zero = 0;
	struct pol_work *w = bpf_map_lookup_elem(&pol_work, &zero);
	__u64 at = off, size = (len + 3) & ~3U;

	asm volatile("" : "+r"(at), "+r"(size));
	if (!w || at > POL_WORK || size > 512)
		return 0;
	return bpf_csum_diff(NULL, 0, (__be32 *)(w->data + at), size, 0);
}

/* Makes SKB the fragment of LEN bytes at OFF of the buffer, with header IP. */
HM_FUNCTION int pol_piece(struct __sk_buff *skb, struct iphdr *ip, __u32 at, __u32 off, __u32 len)
{
	__u32 zero = 0;
	struct pol_work *w = bpf_map_lookup_elem(&pol_work, &zero);
	__u64 from = off, size = len;

	/* see pol_icmp */
	asm volatile("" : "+r"(from), "+r"(size));
	if (!w || !ip || from > POL_WORK || (__s64)size <= 0)
		return 1;
	asm volatile("" : "+r"(size));
	if (size > POL_WORK)
		return 1;
	ip->tot_len = bpf_htons(sizeof(*ip) + size);
	ip->check = 0;
	ip->check = ~pol_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	return bpf_skb_change_tail(skb, at + sizeof(*ip) + size, 0) ||
	       bpf_skb_store_bytes(skb, at, ip, sizeof(*ip), 0) ||
	       bpf_skb_store_bytes(skb, at + sizeof(*ip), w->data + from, size, 0);
}

/* Completes a checksum of the N bytes in DATA that was left to a device and only covers the
 * addresses. A complete checksum stays. */
static __always_inline void pol_finish_checksum(__u8 *data, const struct pol_pkt *p, __u64 n)
{
	__u32 at = p->l4proto == IPPROTO_TCP ? 16 : 6;
	__be16 *check = (void *)data + at;
	__u32 off = 0;
	__u64 sum;

	if (p->piece & (POL_P_LATER | POL_P_MORE) || n < at + 2 ||
	    (p->l4proto != IPPROTO_TCP && p->l4proto != IPPROTO_UDP))
		return;
	sum = (__u64)bpf_htonl(p->word[POL_W_SRC]) + bpf_htonl(p->word[POL_W_DST]) +
	      bpf_htonl((__u32)p->l4proto << 16 | n);
	if (*check != pol_fold(sum))
		return;
	sum = 0;
	for (int i = 0; i < POL_WORK / 512 && off < n; i++, off += 512)
		sum += pol_sum(off, n - off < 512 ? n - off : 512);
	*check = ~pol_fold(sum);
	if (!*check && p->l4proto == IPPROTO_UDP)
		*check = 0xffff;
}

/* Writes the L2 header towards the gateway to ETH. False: its address is not known yet.
 * POL_CANNOT: no look-up can find it. */
static __always_inline int pol_l2_header(struct __sk_buff *skb, const struct pol_out *way,
					 struct ethhdr *eth)
{
	struct pol_fib fib = {};
	long ret;

	if (way->flags & POL_H_NBMA || !pol_gateway(skb, way, &fib, &ret))
		return POL_CANNOT;
	__builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
	return ret == BPF_FIB_LKUP_RET_SUCCESS;
}

/* Sends the N bytes in the buffer W that follow header IP in pieces of SIZE. The position is
 * kept in memory: the verifier loses track of its value, and checks 64 pieces and not 64 pieces
 * of each size. */
static __always_inline int pol_fragment_send(struct __sk_buff *skb, const struct pol_out *way,
					     struct pol_work *w, __u32 at, struct iphdr *ip,
					     __u32 n, __u32 size, int known)
{
	volatile __u32 *place = &w->off;
	__u32 flags = bpf_ntohs(ip->frag_off), off, last;
	struct bpf_redir_neigh neigh = way->neigh;

	*place = 0;
	for (int i = 0; i < POL_FRAGMENTS; i++) {
		off = *place;
		*place = off + size;
		last = n - off <= size;
		ip->frag_off = bpf_htons((flags + off / 8) | (last ? 0 : 0x2000));
		if (pol_piece(skb, ip, at, off, last ? n - off : size))
			break;
		if (known && last)
			return bpf_redirect(way->ifindex, 0);
		/* the kernel resolves the address; the rest is lost, because no packet holds it */
		if (!known)
			return bpf_redirect_neigh(way->ifindex, &neigh, sizeof(neigh), 0);
		if (bpf_clone_redirect(skb, way->ifindex, 0))
			break;
	}
	return TC_ACT_SHOT;
}

/* Fragments an IPv4 packet for the MTU of WAY. Returns TC_ACT_*, or POL_CANNOT if it has
 * options, consists of segments, or only the kernel can address the pieces. */
HM_FUNCTION int pol_fragment(struct __sk_buff *skb, const struct pol_pkt *p,
			     const struct pol_out *way)
{
	__u32 zero = 0, at, size;
	struct pol_stat *st = bpf_map_lookup_elem(&pol_stat, &zero);
	struct pol_work *w;
	struct ethhdr eth;
	struct iphdr ip;
	int ret, known;
	__u64 n;

	if (!p || !way || !st)
		return TC_ACT_SHOT;
	n = p->len - sizeof(ip);
	size = (way->mtu - sizeof(ip)) & ~7U;
	if (skb->gso_size || p->head != sizeof(ip) || way->flags & POL_H_L2 || way->mtu < 68 ||
	    n > (__u64)size * POL_FRAGMENTS)
		return POL_CANNOT;
	/* see pol_icmp */
	asm volatile("" : "+r"(n));
	if ((__s64)n <= 0)
		return POL_CANNOT;
	asm volatile("" : "+r"(n));
	if (n > POL_WORK)
		return POL_CANNOT;
	known = way->flags & POL_H_L3 ? 1 : pol_l2_header(skb, way, &eth);
	if (known < 0)
		return POL_CANNOT;
	w = pol_work_get();
	if (!w) {
		st->n[POL_N_ERROR]++;
		return TC_ACT_SHOT;
	}
	ret = TC_ACT_SHOT;
	if (bpf_skb_load_bytes(skb, p->nh_off, &ip, sizeof(ip)) ||
	    bpf_skb_load_bytes(skb, p->nh_off + sizeof(ip), w->data, n))
		goto out;
	__builtin_memset(w->data + n, 0, 4);
	pol_finish_checksum(w->data, p, n);
	ip.ttl = p->ttl - 1;
	if ((p->l3 && !(way->flags & POL_H_L3) && bpf_skb_change_head(skb, ETH_HLEN, 0)) ||
	    pol_retag(skb, way, p->l3))
		goto out;
	at = p->l3 && way->flags & POL_H_L3 ? 0 : ETH_HLEN;
	if (pol_strip(skb, at, sizeof(ip), at + sizeof(ip), size) ||
	    (known && at && bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0)))
		goto out;
	ret = pol_fragment_send(skb, way, w, at, &ip, n, size, known);
out:
	pol_work_put(w);
	if (ret == TC_ACT_SHOT)
		st->n[POL_N_ERROR]++;
	else
		st->n[POL_N_FRAGMENTED]++;
	return ret;
}

/* A TCP GSO packet that may be fragmented: makes its segments smaller. Making room reduces the
 * size of segments, and removing it does not restore the size. Returns 0, TC_ACT_SHOT or
 * POL_CANNOT. */
HM_FUNCTION int pol_cut_smaller(struct __sk_buff *skb, const struct pol_pkt *p,
				const struct pol_out *way)
{
	__u32 piece, less, step;

	if (!p || !way)
		return TC_ACT_SHOT;
	if (p->hidden || p->l4proto != IPPROTO_TCP || p->piece & (POL_P_LATER | POL_P_MORE))
		return POL_CANNOT;
	piece = pol_piece_len(skb, p);
	if (piece <= way->mtu || piece - way->mtu + 8 > skb->gso_size)
		return POL_CANNOT;
	less = piece - way->mtu;
	for (int i = 0; i < 16 && less; i++) {
		step = less < 4000 ? less : 4000;
		if (bpf_skb_adjust_room(skb, step, BPF_ADJ_ROOM_NET, 0))
			return i ? TC_ACT_SHOT : POL_CANNOT;
		if (bpf_skb_adjust_room(skb, -(__s32)step, BPF_ADJ_ROOM_NET,
					BPF_F_ADJ_ROOM_FIXED_GSO))
			return TC_ACT_SHOT;
		less -= step;
	}
	return 0;
}

#endif
