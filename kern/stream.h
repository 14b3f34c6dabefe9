/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h - which copies to user space are the first one of a segment. TCP and MPTCP are read in
 * pieces of any size, and a segment may begin with bytes that are not copied: received before
 * (retransmitted with others), or urgent. The rest of an SCTP message stays in its queue.
 */
#ifndef HOOKMAP_STREAM_H
#define HOOKMAP_STREAM_H

#include "skb.h"

#include <linux/in.h>

/* Sequence numbers of a segment, and of the next byte that is copied. */
struct stream {
	__u32 begin, next, end;
	__u32 message; /* SCTP: these are addresses, and begin is not known */
};

static __always_inline int stream_tcp(const struct sk_buff *skb, const struct sock *sk,
				      struct stream *s)
{
	const struct tcp_skb_cb *cb = (const void *)skb->cb;
	const struct tcp_sock *tp = (const void *)sk;

	s->begin = BPF_CORE_READ(cb, seq);
	s->end = BPF_CORE_READ(cb, end_seq);
	s->next = BPF_CORE_READ(tp, copied_seq);
	return 1;
}

static __always_inline int stream_mptcp(const struct sk_buff *skb, struct stream *s)
{
	const struct mptcp_skb_cb *cb = (const void *)skb->cb;

	if (!bpf_core_type_exists(struct mptcp_skb_cb))
		return 0;
	s->end = BPF_CORE_READ(cb, end_seq);
	s->begin = s->end - skb->len;
	s->next = s->begin + BPF_CORE_READ(cb, offset);
	return 1;
}

static __always_inline int stream_sctp(const struct sk_buff *skb, struct stream *s)
{
	s->end = (__u32)(unsigned long)BPF_CORE_READ(skb, head) + skb->tail;
	s->next = s->end - skb->len;
	s->begin = s->next - 1;
	s->message = 1;
	return 1;
}

/* 0 if SKB is not in the receive queue of SK, a stream. */
static __always_inline int stream_of(const struct sk_buff *skb, const struct sock *sk,
				     struct stream *s)
{
	unsigned int family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u16 protocol = BPF_CORE_READ(sk, sk_protocol);

	if ((family != AF_INET && family != AF_INET6) || skb_in_errors(skb))
		return 0;
	if (protocol == IPPROTO_MPTCP)
		return stream_mptcp(skb, s);
	if (protocol == IPPROTO_SCTP)
		return stream_sctp(skb, s);
	return protocol == IPPROTO_TCP && stream_tcp(skb, sk, s);
}

/*
 * Was a piece of this segment copied before? PART, an LRU hash, has the end of the segment that
 * SOCK has begun to read; if that has grown, the kernel has merged another segment into it.
 */
static __always_inline int stream_again(void *part, __u64 sock, const struct stream *s)
{
	__u32 *end;

	if (s->next == s->begin)
		return 0;
	end = bpf_map_lookup_elem(part, &sock);
	return end && *end == s->end;
}

/* LEN bytes are copied. After all of a message, the next one may have its address. */
static __always_inline void stream_begun(void *part, __u64 sock, const struct stream *s, __u32 len)
{
	if (s->message && s->end - s->next <= len)
		bpf_map_delete_elem(part, &sock);
	else
		bpf_map_update_elem(part, &sock, &s->end, BPF_ANY);
}

#endif
