/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prom.h - Prometheus text, gathered from several verbs and written once.
 *
 * PROM_FAMILIES is the list of all that hookmap exports. There are never more than
 * PROM_SERIES series: of each family, the first KEEP label sets have series of their own;
 * those that follow share one with "other" in the labels marked with *, up to FOLD of these;
 * and what is left is one series with "other" everywhere. Verbs add what is oldest
 * first, so a series that exists neither vanishes nor shrinks when others come. Label sets
 * that are equal are added up: no series is there twice.
 *
 * A MAC, an address or a port is never a label.
 */
#ifndef HOOKMAP_PROM_H
#define HOOKMAP_PROM_H

#include "hookmap.h"

#define PROM_SERIES 10000

enum prom_type {
	PROM_COUNTER,
	PROM_GAUGE,
	PROM_STATE,	/* a gauge, 1 or 0: one series for several says the worst of them */
	PROM_TIME,	/* a gauge: ns here, seconds in the text */
	PROM_HISTOGRAM, /* ns here, seconds in the text; 4 buckets per octave */
	PROM_COARSE,	/* the same, 1 bucket for 2 octaves */
	PROM_SIZES,	/* of numbers: 1, 2, 4, ... */
};

/* Of a histogram of times: from 32 ns to 8.6 s, of numbers: from 1 to 1024; merged exactly from
 * those of abi/hist.h, then +Inf, _sum and _count. A series must always have the same buckets. */
#define PROM_FIRST 5 /* powers of 2 */
#define PROM_LAST  33
#define PROM_SIZE  10
#define PROM_VALUES(TYPE)                                                                          \
	((TYPE) == PROM_HISTOGRAM ? (PROM_LAST - PROM_FIRST) * 4 + 4                               \
	 : (TYPE) == PROM_COARSE  ? (PROM_LAST - PROM_FIRST) / 2 + 4                               \
	 : (TYPE) == PROM_SIZES	  ? PROM_SIZE + 4                                                  \
				  : 1)

/* X(ID, TYPE, NAME without hookmap_, LABELS, KEEP, FOLD, HELP) */
/* clang-format off */
#define PROM_FAMILIES(X) \
	X(STAGE, HISTOGRAM, "stage_latency_seconds", "from,to,device*,netns*", 24, 10, \
	  "Time between two stages of the receive path.") \
	X(TOTAL, HISTOGRAM, "total_latency_seconds", "from,to,device*,netns*", 6, 3, \
	  "Time from the first stage to this one.") \
	X(STAGE_SEEN, COUNTER, "stage_seen_packets_total", "", 1, 0, \
	  "Packets at the first stage that match the filter.") \
	X(STAGE_SAMPLED, COUNTER, "stage_sampled_packets_total", "", 1, 0, \
	  "Packets chosen for measurement.") \
	X(STAGE_LOST, COUNTER, "stage_lost_total", "cause", 16, 0, \
	  "Measurements lost, by cause.") \
	X(RECEIVE, COARSE, "receive_latency_seconds", "kind,name*,stamp", 10, 2, \
	  "Time from a packet's receive stamp to user space (process) or a VM (tap).") \
	X(RECEIVE_LOST, COUNTER, "receive_lost_total", "cause", 16, 0, \
	  "Packets without such a measurement, by cause.") \
	X(NAPI_POLL, SIZES, "napi_poll_packets", "device*,netns*", 16, 1, \
	  "Packets per NAPI poll that found some.") \
	X(NAPI_DEVMAP, SIZES, "devmap_batch_frames", "device*,netns*", 8, 1, \
	  "Frames per batch that XDP redirected to the device.") \
	X(NAPI_SOFTIRQ, COARSE, "net_rx_delay_seconds", "", 1, 0, \
	  "Time from the raising of NET_RX to its start.") \
	X(NAPI_LOST, COUNTER, "napi_lost_total", "cause", 16, 0, \
	  "Values that are not in these, by cause.") \
	X(OVS, COARSE, "ovs_latency_seconds", "port*,netns*,kind", 6, 2, \
	  "Time in the datapath of Open vSwitch, by input port.") \
	X(OVS_LOST, COUNTER, "ovs_lost_total", "cause", 16, 0, \
	  "Calls that were not measured, by cause.") \
	X(DROP_PACKETS, COUNTER, "drop_packets_total", \
	  "layer,reason*,location*,device*,netns*", 550, 20, \
	  "Packets lost (segments, of GSO packets).") \
	X(DROP_BYTES, COUNTER, "drop_bytes_total", \
	  "layer,reason*,location*,device*,netns*", 550, 20, \
	  "Bytes of these, as far as they are known.") \
	X(DROP_UNDECIDED, COUNTER, "drop_undecided_packets_total", \
	  "reason*,location*,device*,netns*", 100, 4, \
	  "Packets freed as dropped, of which the kernel does not say whether they were lost.") \
	X(DROP_LOST, COUNTER, "drop_lost_total", "cause", 16, 0, \
	  "Drops that are not in a row of their own, by cause.") \
	X(XDP, COUNTER, "xdp_packets_total", "device*,action", 120, 8, \
	  "Packets by what XDP programs of hookmap decided.") \
	X(FDB_ENTRIES, GAUGE, "fdb_entries", "type", 8, 0, \
	  "Entries of the forwarding database.") \
	X(FDB_CAPACITY, GAUGE, "fdb_capacity", "", 1, 0, \
	  "Entries that there is room for.") \
	X(FDB_FULL, COUNTER, "fdb_mirror_full_total", "", 1, 0, \
	  "Entries of the bridge for which there was no room.") \
	X(FDB_LOOKUPS, COUNTER, "fdb_lookups_total", "device*,result", 400, 8, \
	  "Unicast frames by what the forwarding database said: hit (sent in XDP) at the port that " \
	  "the entry names; local, flooded and miss at the port that they came in by.") \
	X(L2_RX_PACKETS, COUNTER, "l2fwd_receive_packets_total", "device*", 100, 1, \
	  "Packets that came in by the port.") \
	X(L2_RX_BYTES, COUNTER, "l2fwd_receive_bytes_total", "device*", 100, 1, \
	  "Bytes that came in by the port.") \
	X(L2_TX_PACKETS, COUNTER, "l2fwd_transmit_packets_total", "device*", 100, 1, \
	  "Packets forwarded to the port, and copies of flooded ones.") \
	X(L2_TX_BYTES, COUNTER, "l2fwd_transmit_bytes_total", "device*", 100, 1, \
	  "Bytes forwarded to the port, and of copies of flooded packets.") \
	X(L2_NOT, COUNTER, "l2fwd_not_forwarded_packets_total", "device*,reason", 300, 32, \
	  "Packets that were not forwarded to one port, by what became of them; drop_copy are " \
	  "copies that were not sent.") \
	X(POL_RULES, GAUGE, "policy_rules", "", 1, 0, "Rules in force.") \
	X(POL_GENERATION, GAUGE, "policy_generation", "", 1, 0, \
	  "Number of the load in force.") \
	X(POL_PACKETS, COUNTER, "policy_packets_total", "policy*,action,device*", 300, 12, \
	  "Packets by the rule that they took.") \
	X(POL_BYTES, COUNTER, "policy_bytes_total", "policy*,action,device*", 300, 12, \
	  "Bytes by the rule that they took.") \
	X(POL_EVENTS, COUNTER, "policy_events_total", "event", 32, 0, \
	  "Packets by what happened to them.") \
	X(POL_FIB, COUNTER, "policy_fib_lookups_total", "result", 32, 0, \
	  "Route look-ups by result.") \
	X(POL_HOP_UP, STATE, "policy_nexthop_up", "nexthop", 64, 0, \
	  "1 if the next hop could be used by the last packet.") \
	X(POL_HOP_PACKETS, COUNTER, "policy_nexthop_packets_total", "nexthop*", 64, 1, \
	  "Packets sent.") \
	X(POL_HOP_FAILED, COUNTER, "policy_nexthop_failed_total", "nexthop*,reason", 128, 2, \
	  "Packets not sent.") \
	X(REACHED, STATE, "stage_reached", "stage,feature,device*,netns*", 200, 4, \
	  "1 if packets get to this stage, 0 if they pass the one before and not this one.") \
	X(MAP_ENTRIES, GAUGE, "map_entries", "map", 64, 0, \
	  "Entries of a map that can run out of room.") \
	X(MAP_MAX, GAUGE, "map_max_entries", "map", 64, 0, \
	  "Entries that a map has room for.") \
	X(READ_TIME, TIME, "read_timestamp_seconds", "", 1, 0, \
	  "When hookmap read the maps.") \
	X(BUILD, GAUGE, "build_info", "version", 1, 0, "1; the version is a label.")
/* clang-format on */

enum prom_family {
#define PROM_ID(ID, TYPE, NAME, LABELS, KEEP, FOLD, HELP) PROM_##ID,
	PROM_FAMILIES(PROM_ID)
#undef PROM_ID
		PROM_NFAMILIES,
};

#define PROM_COST(ID, TYPE, NAME, LABELS, KEEP, FOLD, HELP)                                        \
	+((KEEP) + (FOLD) + 1) * PROM_VALUES(PROM_##TYPE)
_Static_assert(0 PROM_FAMILIES(PROM_COST) <= PROM_SERIES, "a host has at most PROM_SERIES series");
#undef PROM_COST

#define PROM_LABELS 5 /* at most, of a family */
#define PROM_OTHER  "other"

struct prom;

struct prom *prom_new(void);
void prom_free(struct prom *p);

/* Adds to a series; the values of its labels follow, in the order of the list. Out of
 * memory is remembered until prom_write. */
#define prom_add(P, FAMILY, VALUE, ...)                                                            \
	prom_add_labels(P, FAMILY, VALUE, (const char *const[PROM_LABELS]){ __VA_ARGS__ })
void prom_add_labels(struct prom *p, enum prom_family family, __u64 value,
		     const char *const *labels);
#define prom_hist(P, FAMILY, HIST, ...)                                                            \
	prom_hist_labels(P, FAMILY, HIST, (const char *const[PROM_LABELS]){ __VA_ARGS__ })
void prom_hist_labels(struct prom *p, enum prom_family family, const struct hist *h,
		      const char *const *labels);

/* Writes it all. 0 or -errno. */
int prom_write(struct prom *p, FILE *f);

/* prom_save.c: the same into the file PATH, which at any time is the old one or the new
 * one, whole. 0 or -errno, having printed why. */
int prom_save(struct prom *p, const char *path);

/* prom_run.c: --prom; an exit code */
int prom_run(struct options *opt);

#endif
