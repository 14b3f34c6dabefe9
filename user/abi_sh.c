// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi_sh - prints abi.h as shell assignments, for scripts/lib.sh:
 *   HM_ABI=...                   the ABI that objects must carry
 *   HM_MAP_<name>="type key value entries flags"
 *   HM_OFF_<struct>_<field>=...  byte offsets, for maps without BTF
 *   HM_SIZE_<struct>=...         sizes of what is in maps of maps
 */
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>

#include "abi.h"

static const char *const type_name[] = {
	[BPF_MAP_TYPE_ARRAY] = "array",
	[BPF_MAP_TYPE_HASH] = "hash",
	[BPF_MAP_TYPE_LRU_HASH] = "lru_hash",
	[BPF_MAP_TYPE_PERCPU_ARRAY] = "percpu_array",
	[BPF_MAP_TYPE_PERCPU_HASH] = "percpu_hash",
	[BPF_MAP_TYPE_PROG_ARRAY] = "prog_array",
	[BPF_MAP_TYPE_RINGBUF] = "ringbuf",
	[BPF_MAP_TYPE_DEVMAP] = "devmap",
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array_of_maps",
	[BPF_MAP_TYPE_LPM_TRIE] = "lpm_trie",
};

#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                                \
	printf("HM_MAP_%s='%s %zu %zu %d %d'\n", #NAME, type_name[BPF_MAP_TYPE_##TYPE],            \
	       sizeof(KEY), sizeof(VALUE), ENTRIES, FLAGS);
#define NAME_(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS) printf(" " #NAME);
#define OFFSET(STRUCT, FIELD)                                                                      \
	printf("HM_OFF_" #STRUCT "_" #FIELD "=%zu\n", offsetof(struct STRUCT, FIELD))
#define SIZE(STRUCT) printf("HM_SIZE_" #STRUCT "=%zu\n", sizeof(struct STRUCT))
#define VALUE(NAME)  printf(#NAME "=%lld\n", (long long)(NAME))

int main(void)
{
	printf("# generated from kern/abi.h\n");
	VALUE(HM_ABI);
	printf("HM_MAPS='");
	HM_MAPS(NAME_)
	printf(" '\n");
	HM_MAPS(MAP)
	OFFSET(lat_cfg, sample);
	OFFSET(lat_cfg, flags);
	OFFSET(lat_cfg, shift);
	OFFSET(lat_cfg, ifindex);
	OFFSET(lat_cfg, inpacket_port);
	OFFSET(lat_cfg, sport);
	OFFSET(lat_cfg, dport);
	OFFSET(lat_cfg, port);
	OFFSET(lat_cfg, l4proto);
	OFFSET(lat_cfg, src_family);
	OFFSET(lat_cfg, dst_family);
	OFFSET(lat_cfg, src);
	OFFSET(lat_cfg, src_mask);
	OFFSET(lat_cfg, dst);
	OFFSET(lat_cfg, dst_mask);
	OFFSET(hm_dev, features);
	OFFSET(hm_dev, flags);
	OFFSET(hm_dev, nsid);
	OFFSET(hm_dev, pref);
	OFFSET(hm_dev, name);
	OFFSET(hm_netns, netns);
	OFFSET(hm_netns, cookie);
	OFFSET(hm_netns, name);
	VALUE(LAT_SAMPLE_DEFAULT);
	VALUE(LAT_F_FILTER);
	VALUE(LAT_F_INPACKET);
	VALUE(LAT_F_PAUSE);
	VALUE(LAT_CLASS_CONTAINER);
	VALUE(LAT_CLASS_START);
	VALUE(HM_XDP_NEXT);
	VALUE(HM_NETNS);
	VALUE(HM_FEAT_latency);
	VALUE(HM_DEV_QDISC);
	VALUE(HM_DEV_GENERIC);
	VALUE(HM_DEV_NETNS);
	VALUE(HM_DEV_NOXDP);
	VALUE(HM_DEV_ORDER);
	OFFSET(drop_cfg, by);
	OFFSET(drop_cfg, sample_rate);
	OFFSET(drop_cfg, xdp);
	VALUE(DROP_RANGES);
	VALUE(HM_FEAT_drops);
	OFFSET(trace_filter, cgroup);
	OFFSET(trace_filter, level);
	OFFSET(trace_filter, flags);
	OFFSET(trace_filter, uid);
	OFFSET(trace_filter, pid);
	OFFSET(trace_filter, name);
	VALUE(TRACE_F_UID);
	VALUE(TRACE_F_PID);
	VALUE(TRACE_F_NAME);
	VALUE(TRACE_F_CGROUP);
	OFFSET(path_cfg, flags);
	OFFSET(path_cfg, port);
	OFFSET(path_cfg, sport);
	OFFSET(path_cfg, dport);
	OFFSET(path_cfg, vxlan_port);
	OFFSET(path_cfg, l4proto);
	OFFSET(path_cfg, echo);
	OFFSET(path_cfg, src_family);
	OFFSET(path_cfg, dst_family);
	OFFSET(path_cfg, host_family);
	OFFSET(path_cfg, src);
	OFFSET(path_cfg, src_mask);
	OFFSET(path_cfg, dst);
	OFFSET(path_cfg, dst_mask);
	OFFSET(path_cfg, host);
	OFFSET(path_cfg, host_mask);
	VALUE(PATH_F_SET);
	VALUE(HM_FEAT_path);
	VALUE(HM_FEAT_exec);
	VALUE(HM_FEAT_open);
	VALUE(HM_FEAT_napi);
	OFFSET(pktlat_cfg, real);
	OFFSET(pktlat_cfg, ptp);
	OFFSET(pktlat_cfg, error);
	OFFSET(pktlat_cfg, measured);
	OFFSET(pktlat_cfg, slow);
	OFFSET(pktlat_cfg, flags);
	VALUE(PKTLAT_F_REAL);
	VALUE(PKTLAT_F_PTP);
	VALUE(PKTLAT_F_UDP);
	VALUE(HM_FEAT_pktlat);
	VALUE(HM_FEAT_ovslat);
	OFFSET(l2_fdb, port);
	OFFSET(l2_fdb, type);
	OFFSET(l2_fdb, vlan);
	OFFSET(l2_fdb, mac);
	OFFSET(l2_port, ifindex);
	OFFSET(l2_port, flags);
	OFFSET(l2_port, pvid);
	OFFSET(l2_port, proto);
	OFFSET(l2_port, miss);
	OFFSET(l2_port, bcast);
	OFFSET(l2_port, mcast);
	OFFSET(l2_port, storm);
	OFFSET(l2_port, acl_n);
	OFFSET(l2_port, acl_at);
	OFFSET(l2_port, vlans);
	OFFSET(l2_port, untagged);
	OFFSET(l2_acl, src);
	OFFSET(l2_acl, src_mask);
	OFFSET(l2_acl, dst);
	OFFSET(l2_acl, dst_mask);
	OFFSET(l2_acl, sport_min);
	OFFSET(l2_acl, sport_max);
	OFFSET(l2_acl, dport_min);
	OFFSET(l2_acl, dport_max);
	OFFSET(l2_acl, vlan);
	OFFSET(l2_acl, ethertype);
	OFFSET(l2_acl, priority);
	OFFSET(l2_acl, proto);
	OFFSET(l2_acl, flags);
	OFFSET(l2_acl, packets);
	OFFSET(l2_acl, bytes);
	OFFSET(l2_cfg, flags);
	OFFSET(l2_cfg, address);
	OFFSET(l2_cfg, ports);
	OFFSET(l2_cfg, netns);
	OFFSET(l2_cfg, bridge);
	OFFSET(l2_cfg, refresh_ns);
	OFFSET(l2_cfg, looks);
	OFFSET(l2_cfg, looked);
	OFFSET(l2_cfg, vlans);
	OFFSET(l2_cfg, outside);
	VALUE(HM_FEAT_l2fwd);
	VALUE(HM_DEV_MIRROR);
	VALUE(HM_DEV_BRPORT);
	VALUE(L2_PORTS);
	VALUE(L2_IFINDEX);
	VALUE(L2_FDB_DEFAULT);
	VALUE(L2_FDB_MAX);
	VALUE(L2_ACL_RULES);
	VALUE(L2_ACL_ENTRIES);
	VALUE(L2_ACL_SRC);
	VALUE(L2_ACL_DST);
	VALUE(L2_ACL_MASK);
	VALUE(L2_LANES);
	VALUE(L2_STATIC);
	VALUE(L2_DYNAMIC);
	VALUE(L2_EXTERN);
	VALUE(L2_LOCAL);
	VALUE(L2_FIXED);
	VALUE(L2_GONE);
	VALUE(L2_P_VLAN);
	VALUE(L2_P_XLATE);
	VALUE(L2_P_GUARD);
	VALUE(L2_P_MIRROR);
	VALUE(L2_P_ACL);
	VALUE(L2_P_ACL_DENY);
	VALUE(L2_P_HAIRPIN);
	VALUE(L2_P_BLOCKED);
	VALUE(L2_P_SLOW);
	VALUE(L2_P_SLOW_OUT);
	VALUE(L2_P_PARTIAL);
	VALUE(L2_F_NO_BRNF);
	VALUE(L2_A_DENY);
	VALUE(L2_A_PORTS);
	VALUE(L2_A_FRAGMENT);
	VALUE(L2_A_VLAN);
	VALUE(L2_A_PROTO);
	VALUE(L2_F_UNIFORM);
	VALUE(L2_F_SNAPSHOT);
	VALUE(L2_F_FEW_CPUS);
	VALUE(L2_GUARD_BOUND);
	/* policy */
	VALUE(HM_FEAT_policy);
	VALUE(POL_SLOTS);
	VALUE(POL_TUPLES);
	VALUE(POL_TUPLES_DEF);
	VALUE(POL_RULES_MAX);
	VALUE(POL_HOPS);
	VALUE(POL_HOPS_DEF);
	VALUE(POL_LAYERS);
	VALUE(POL_FLOWS);
	VALUE(POL_FILTER_LEN);
	VALUE(POL_FILTER_MAX);
	VALUE(POL_WORDS);
	VALUE(POL_SHIFT_LEN);
	VALUE(POL_SHIFT_MAX);
	VALUE(POL_LINKS);
	VALUE(POL_BLOCK);
	VALUE(POL_MIX_LOW);
	VALUE(POL_MIX_HIGH);
	VALUE(POL_INNER);
	VALUE(POL_ALIGNED);
	VALUE(POL_CLASS_L3);
	VALUE(POL_CLASS_SET);
	VALUE(POL_S_SHARED);
	SIZE(pol_block);
	SIZE(pol_block_more);
	SIZE(pol_rule);
	SIZE(pol_count);
	SIZE(pol_port_key);
	SIZE(pol_port);
	OFFSET(pol_cfg, gen);
	OFFSET(pol_cfg, flags);
	OFFSET(pol_cfg, max_rules);
	OFFSET(pol_cfg, max_tuples);
	OFFSET(pol_cfg, max_hops);
	OFFSET(pol_cfg, netns);
	OFFSET(pol_set, flags);
	OFFSET(pol_set, stripes);
	{
		const __u32 mul[] = { POL_HASH_MUL };

		printf("POL_HASH_MUL='");
		for (size_t i = 0; i < sizeof(mul) / sizeof(mul[0]); i++)
			printf(" %u", mul[i]);
		printf("'\n");
	}
	return 0;
}
