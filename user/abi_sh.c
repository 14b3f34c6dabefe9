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
	[BPF_MAP_TYPE_PERCPU_ARRAY] = "percpu_array",
	[BPF_MAP_TYPE_PERCPU_HASH] = "percpu_hash",
	[BPF_MAP_TYPE_PROG_ARRAY] = "prog_array",
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array_of_maps",
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
	/* policy */
	VALUE(HM_FEAT_policy);
	VALUE(POL_TUPLES);
	VALUE(POL_TUPLES_DEF);
	VALUE(POL_RULES_MAX);
	VALUE(POL_HOPS);
	VALUE(POL_HOPS_DEF);
	VALUE(POL_LAYERS);
	VALUE(POL_WAYS);
	VALUE(POL_FILTER_LEN);
	VALUE(POL_FILTER_MAX);
	VALUE(POL_WORDS);
	VALUE(POL_INNER);
	VALUE(POL_CLASS_L3);
	VALUE(POL_CLASS_SET);
	SIZE(pol_key);
	SIZE(pol_value);
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
	{
		const __u32 mul[] = POL_HASH_MUL;

		printf("POL_HASH_MUL='");
		for (size_t i = 0; i < sizeof(mul) / sizeof(mul[0]); i++)
			printf(" %u", mul[i]);
		printf("'\n");
	}
	return 0;
}
