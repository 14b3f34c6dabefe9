// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_api - every name of iproute2's bpf_api.h, used as programs use it. Each program
 * returns 0 (TC_ACT_OK) if all of its checks hold, else the line of the first that
 * does not. Runs on tests/packets/ipv4-udp.hex.
 */
#include "bpf_api.h"

#define CHECK(X)                                                                                   \
	do {                                                                                       \
		if (!(X))                                                                          \
			return __LINE__;                                                           \
	} while (0)

BPF_LICENSE("GPL");
BPF_HASH(api_hash, 1, sizeof(uint32_t), sizeof(uint64_t), PIN_NONE, 16);
BPF_ARRAY(api_array, 2, 12, PIN_NONE, 4);
BPF_ARRAY2(api_array2, 3, PIN_NONE, 4);
BPF_ARRAY4(api_array4, 4, PIN_GLOBAL_NS, 4);
BPF_ARRAY8(api_array8, 5, PIN_NONE, 4);
BPF_PROG_ARRAY(api_jump, 6, PIN_NONE, 4);
__BPF_MAP(api_lru, BPF_MAP_TYPE_LRU_HASH, 7, sizeof(uint32_t), sizeof(uint32_t), PIN_NONE, 64);

/* what iproute2's header has from <stdint.h> */
_Static_assert(UINT8_MAX == 255 && UINT16_MAX == 65535 && UINT32_MAX == ~(__u32)0 &&
		       UINT64_MAX == ~(__u64)0 && INT64_MIN < INT32_MIN && INT32_MIN < INT16_MIN &&
		       INT16_MIN < INT8_MIN && INT8_MAX == 127 && INT32_MAX == UINT32_MAX / 2 &&
		       INT64_MAX == UINT64_MAX / 2 && INT16_MAX == UINT16_MAX / 2,
	       "limits");
_Static_assert(SIZE_MAX == UINTPTR_MAX && INTMAX_MAX == INT64_MAX && UINTMAX_MAX == UINT64_MAX &&
		       INTPTR_MAX == INT64_MAX && INTPTR_MIN == INTMAX_MIN &&
		       sizeof(intptr_t) == sizeof(uintptr_t) && sizeof(intmax_t) == 8 &&
		       sizeof(uintmax_t) == 8 && sizeof(UINT64_C(1)) == 8 &&
		       sizeof(INT64_C(1)) == 8 && INT8_C(1) + INT16_C(1) + INT32_C(1) == 3 &&
		       UINT8_C(1) + UINT16_C(1) + UINT32_C(1) == 3,
	       "types and constants");

struct pair {
	uint16_t a;
	uint32_t b;
};

static __inline__ int twice(int x)
{
	return 2 * x;
}

__section_cls_entry int api_misc(struct __sk_buff *skb)
{
	uint32_t swapped = 0;
	uint8_t text[8], other[8];
	int unused __maybe_unused;

	memcpy(&swapped, "\x01\x02\x03\x04", sizeof(swapped));
	CHECK(htonl(0x01020304) == swapped && ntohl(swapped) == 0x01020304);
	CHECK(htons(0x0102) == *(uint16_t *)&swapped && ntohs(*(uint16_t *)&swapped) == 0x0102);
	/* not only constants */
	CHECK(ntohl(htonl(skb->len)) == skb->len);
	CHECK(offsetof(struct pair, b) == 4);
	CHECK(likely(skb->len == 62));
	CHECK(!unlikely(skb->len != 62));
	memset(text, 7, sizeof(text));
	memmove(other, text, sizeof(text));
	CHECK(other[7] == 7);
	CHECK(__stringify(abc)[1] == 'b' && sizeof(__stringify(abc)) == 4);
	CHECK(twice(21) == 42);
	CHECK(BPF_H_DEFAULT == -1);
	return TC_ACT_OK;
}

__section("api/maps") int api_maps(struct __sk_buff *skb)
{
	uint32_t key = 3, *four;
	uint64_t value = 40, *eight;
	uint16_t *two;
	uint8_t *twelve;

	CHECK(map_update_elem(&api_hash, &key, &value, BPF_ANY) == 0);
	eight = map_lookup_elem(&api_hash, &key);
	CHECK(eight && *eight == 40);
	lock_xadd(eight, 2);
	CHECK(*eight == 42);
	CHECK(map_delete_elem(&api_hash, &key) == 0);
	CHECK(map_delete_elem(&api_hash, &key) != 0);
	CHECK(!map_lookup_elem(&api_hash, &key));
	CHECK(map_update_elem(&api_lru, &key, &key, BPF_NOEXIST) == 0 ||
	      map_lookup_elem(&api_lru, &key));

	twelve = map_lookup_elem(&api_array, &key);
	CHECK(twelve);
	twelve[11] = 1;
	two = map_lookup_elem(&api_array2, &key);
	CHECK(two);
	*two = 2;
	four = map_lookup_elem(&api_array4, &key);
	CHECK(four);
	*four = 4;
	eight = map_lookup_elem(&api_array8, &key);
	CHECK(eight);
	*eight = 8;
	key = 4;
	CHECK(!map_lookup_elem(&api_array8, &key));
	return TC_ACT_OK;
}

__section("api/info") int api_info(struct __sk_buff *skb)
{
	char text[] = "api: trace_printk %d\n";
	uint64_t before = ktime_get_ns();
	uint32_t a = get_prandom_u32();

	CHECK(before && ktime_get_ns() >= before);
	CHECK(a != get_prandom_u32() || a != get_prandom_u32());
	CHECK(get_smp_processor_id() < 8192);
	/* neither a net_cls cgroup nor a route: both are 0 */
	CHECK(get_cgroup_classid(skb) == 0);
	CHECK(get_route_realm(skb) == 0);
	CHECK(trace_printk(text, sizeof(text), 1) > 0);
	CHECK(printt("api: printt %d %d\n", 2, 3) > 0);
	return TC_ACT_OK;
}

/* from here on, offsets in an IPv4 packet behind an Ethernet header */
enum { IP = 14, IP_CHECK = IP + 10, IP_DADDR = IP + 16, UDP_DPORT = 36, UDP_CHECK = 40 };

__section("api/packet") int api_packet(struct __sk_buff *skb)
{
	uint32_t header[5], was, is = htonl(0xc0a80101);
	uint16_t port = htons(53), old;
	uint32_t sum;

	CHECK(load_byte(skb, 23) == 17);
	CHECK(load_half(skb, 12) == 0x0800);
	CHECK(load_word(skb, IP_DADDR) == 0x0a0b0101);
	CHECK(skb_load_bytes(skb, IP_DADDR, &was, sizeof(was)) == 0 && was == htonl(0x0a0b0101));
	CHECK(skb_load_bytes(skb, 1000, &sum, sizeof(sum)) < 0);

	/* another destination, with both checksums put right */
	CHECK(l4_csum_replace(skb, UDP_CHECK, was, is, BPF_F_PSEUDO_HDR | sizeof(is)) == 0);
	CHECK(l3_csum_replace(skb, IP_CHECK, was, is, sizeof(is)) == 0);
	CHECK(skb_store_bytes(skb, IP_DADDR, &is, sizeof(is), 0) == 0);
	CHECK(skb_load_bytes(skb, UDP_DPORT, &old, sizeof(old)) == 0);
	CHECK(l4_csum_replace(skb, UDP_CHECK, old, port, sizeof(port)) == 0);
	CHECK(skb_store_bytes(skb, UDP_DPORT, &port, sizeof(port), 0) == 0);

	/* a header with a right checksum sums up to 0xffff */
	CHECK(skb_load_bytes(skb, IP, header, sizeof(header)) == 0);
	sum = csum_diff(0, 0, header, sizeof(header), 0);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	CHECK(sum == 0xffff);
	return TC_ACT_OK;
}

__section("api/vlan") int api_vlan(struct __sk_buff *skb)
{
	CHECK(skb_vlan_push(skb, htons(0x8100), 100) == 0);
	CHECK(skb->vlan_present && skb->vlan_tci == 100);
	CHECK(skb_vlan_push(skb, htons(0x8100), 200) == 0);
	CHECK(skb->vlan_tci == 200);
	CHECK(skb_vlan_pop(skb) == 0);
	CHECK(skb->vlan_tci == 100);
	CHECK(skb_vlan_pop(skb) == 0);
	CHECK(!skb->vlan_present && skb->len == 62);
	return TC_ACT_OK;
}

__section("api/tunnel") int api_tunnel(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = { .tunnel_id = 42, .remote_ipv4 = 0x0a0b0101 }, got = {};
	uint32_t option = 0x01020304, got_option = 0;

	CHECK(skb_get_tunnel_key(skb, &got, sizeof(got), 0) < 0);
	CHECK(skb_set_tunnel_key(skb, &key, sizeof(key), 0) == 0);
	CHECK(skb_get_tunnel_key(skb, &got, sizeof(got), 0) == 0);
	CHECK(got.tunnel_id == 42);
	CHECK(skb_set_tunnel_opt(skb, &option, sizeof(option)) == 0);
	CHECK(skb_get_tunnel_opt(skb, &got_option, sizeof(got_option)) == sizeof(got_option));
	CHECK(got_option == option);
	return TC_ACT_OK;
}

/* one not in the header */
static int BPF_FUNC(skb_pull_data, struct __sk_buff *skb, uint32_t len);

__section("api/redirect") int api_redirect(struct __sk_buff *skb)
{
	/* a copy to lo, which is up; nothing listens there */
	CHECK(clone_redirect(skb, 1, 0) == 0);
	CHECK(skb_pull_data(skb, 40) == 0);
	CHECK(redirect(1, 0) == TC_ACT_REDIRECT);
	return TC_ACT_OK;
}

__section_act_entry int api_jumps(struct __sk_buff *skb)
{
	tail_call(skb, &api_jump, 1);
	return __LINE__;
}

__section_tail(6, 1) int api_landed(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}
