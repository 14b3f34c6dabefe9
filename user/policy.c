// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - hookmap policy: the current rules, by priority, and their counters.
 *
 * JSON: "rows": [{id, priority, match, action, packets, bytes, last_ns (since the last
 *   packet; null: never), rule (as in a policy file)}]
 * "hops": [{name, device, state, packets, bytes, down, unreachable}]
 * "nexthops": as in a policy file
 * "packets": seen, cache_hit, cache_miss, no_rule, ... see stat_key
 * "fib": by return code of bpf_fib_lookup; "generation", "rules", "tuples4", "tuples6"
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "policy.h"
#include "prom.h"
#include "settings.h"

PROM_FAMILY(pol_rules, GAUGE, "policy_rules", "", 1, 0, "Rules in force.")
PROM_FAMILY(pol_generation, GAUGE, "policy_generation", "", 1, 0, "Number of the load in force.")
PROM_FAMILY(pol_packets, COUNTER, "policy_packets_total", "policy*,action,device*", 300, 12,
	    "Packets by the rule that they took.")
PROM_FAMILY(pol_bytes, COUNTER, "policy_bytes_total", "policy*,action,device*", 300, 12,
	    "Bytes by the rule that they took.")
PROM_FAMILY(pol_events, COUNTER, "policy_events_total", "event", 32, 0,
	    "Packets by what happened to them.")
PROM_FAMILY(pol_fib, COUNTER, "policy_fib_lookups_total", "result", 32, 0,
	    "Route look-ups by result.")
PROM_FAMILY(pol_hop_up, STATE, "policy_nexthop_up", "nexthop", 64, 0,
	    "1 if the next hop could be used by the last packet.")
PROM_FAMILY(pol_hop_packets, COUNTER, "policy_nexthop_packets_total", "nexthop*", 64, 1,
	    "Packets sent.")
PROM_FAMILY(pol_hop_failed, COUNTER, "policy_nexthop_failed_total", "nexthop*,reason", 128, 2,
	    "Packets not sent.")

static struct {
	const char *verify;
	bool explain;
	char packet[1024];
} asked;

static const struct out_col rule_cols[] = {
	{ "priority", "PRIORITY", OUT_U64 }, { "id", "ID", OUT_STR },
	{ "match", "MATCH", OUT_STR },	     { "action", "ACTION", OUT_STR },
	{ "packets", "PACKETS", OUT_U64 },   { "bytes", "BYTES", OUT_U64 },
	{ NULL, "LAST", OUT_STR },
};

static const struct out_col hop_cols[] = {
	{ "name", "NEXT HOP", OUT_STR },
	{ "device", "DEVICE", OUT_STR },
	{ "state", "STATE", OUT_STR },
	{ "packets", "PACKETS", OUT_U64 },
	{ "bytes", "BYTES", OUT_U64 },
	{ "down", "DOWN", OUT_U64 },
	{ "unreachable", "UNREACHABLE", OUT_U64 },
};

static const char *const stat_key[POL_N_MAX] = {
	[POL_N_SEEN] = "seen",
	[POL_N_HIT] = "cache_hit",
	[POL_N_MISS] = "cache_miss",
	[POL_N_NO_RULE] = "no_rule",
	[POL_N_LOCAL] = "local",
	[POL_N_NOT_IP] = "not_ip",
	[POL_N_MALFORMED] = "malformed",
	[POL_N_NOT_OURS] = "not_routable",
	[POL_N_FRAGMENT] = "fragment",
	[POL_N_EXPIRED] = "ttl_expired",
	[POL_N_TOO_BIG] = "too_big",
	[POL_N_DOWN] = "device_down",
	[POL_N_UNREACHABLE] = "unreachable",
	[POL_N_FELL_PASS] = "fallback_pass",
	[POL_N_FELL_DROP] = "fallback_drop",
	[POL_N_NO_FORWARD] = "forwarding_off",
	[POL_N_NO_TBID] = "table_by_mark",
	[POL_N_ERROR] = "error",
	[POL_N_HIDDEN] = "header_chain",
	[POL_N_ICMP] = "icmp_sent",
	[POL_N_UNANSWERED] = "unanswered",
	[POL_N_FRAGMENTED] = "fragmented",
	[POL_N_ALONE] = "fragment_alone",
};

/* BPF_FIB_LKUP_RET_* */
static const char *const fib_key[POL_FIB_MAX] = {
	"success",
	"blackhole",
	"unreachable",
	"prohibit",
	"not_forwarded",
	"forwarding_off",
	"unsupp_lwt",
	"no_neighbour",
	"frag_needed",
	"no_source",
	"10",
	"11",
	"12",
	"13",
	"14",
	"error",
};

static void show_rule(const struct options *opt, struct policy *p, struct out *o, __u32 rank)
{
	const struct pol_rule *r = &p->rules[rank];
	const struct pol_count *c = &p->count[rank];
	__u64 age = p->now > c->last ? p->now - c->last : 0;
	char text[POLICY_TEXT], id[17];

	out_row(o);
	out_u64(o, r->priority);
	snprintf(id, sizeof(id), "%.16s", p->more[rank].id);
	out_str(o, id);
	policy_match(p, r, text, sizeof(text));
	out_str(o, text);
	policy_action(opt, p, r, text, sizeof(text));
	out_str(o, text);
	out_u64(o, c->packets);
	out_u64(o, c->bytes);
	if (c->last)
		format_ns(age, text, sizeof(text));
	out_str(o, c->last ? text : "never");
	if (!json_on())
		return;
	if (c->last)
		json_u64("last_ns", age);
	else
		json_null("last_ns");
	policy_rule_json(opt, p, r, "rule");
}

static void show_hop(struct policy *p, struct out *o, __u32 i)
{
	const struct pol_hop *h = &p->hop[i];
	char text[32];

	out_row(o);
	snprintf(text, sizeof(text), "%.16s", h->name);
	out_str(o, text);
	snprintf(text, sizeof(text), "%.15s", h->dev);
	out_str(o, text);
	policy_hop_state(p, i, text, sizeof(text));
	out_str(o, text);
	out_u64(o, p->hop_count[i].packets);
	out_u64(o, p->hop_count[i].bytes);
	out_u64(o, p->hop_count[i].down);
	out_u64(o, p->hop_count[i].unreachable);
}

static void json_hops(struct policy *p)
{
	json_open("nexthops", '{');
	for (__u32 i = 0; i < p->set.hops; i++)
		policy_hop_json(p, i);
	json_close();
}

static void json_rest(struct policy *p)
{
	json_hops(p);
	json_open("packets", '{');
	for (int i = 0; i < POL_N_MAX; i++)
		json_u64(stat_key[i], p->stat.n[i]);
	json_close();
	json_open("fib", '{');
	for (int i = 0; i < POL_FIB_MAX; i++) {
		if (p->stat.fib[i])
			json_u64(fib_key[i], p->stat.fib[i]);
	}
	json_close();
	json_u64("generation", p->cfg.gen);
	json_u64("rules", p->set.rules);
	json_u64("tuples4", p->set.tuples[0]);
	json_u64("tuples6", p->set.tuples[1]);
}

static void text_rest(const struct policy *p)
{
	__u64 asked = p->stat.n[POL_N_HIT] + p->stat.n[POL_N_MISS];

	printf("\ngeneration %u: %u rules, %u + %u mask tuples (IPv4 + IPv6); packets:", p->cfg.gen,
	       p->set.rules, p->set.tuples[0], p->set.tuples[1]);
	for (int i = 0; i < POL_N_MAX; i++) {
		if (i == POL_N_SEEN || p->stat.n[i])
			printf(" %llu %s", p->stat.n[i], stat_key[i]);
	}
	if (asked)
		printf("; cache hit rate %.1f %%", 100.0 * p->stat.n[POL_N_HIT] / asked);
	printf("\n");
	for (int i = 0, any = 0; i < POL_FIB_MAX; i++) {
		if (p->stat.fib[i])
			printf("%s %llu %s", any++ ? "" : "fib look-ups:", p->stat.fib[i],
			       fib_key[i]);
		if (i == POL_FIB_MAX - 1 && any)
			printf("\n");
	}
}

static void show(const struct options *opt, struct policy *p)
{
	struct out *o;

	if (!json_on() && !p->cfg.gen)
		printf("no rules are loaded: policy.sh load FILE\n");
	json_open(NULL, '{');
	o = OUT_ROWS(opt, "rows", NULL, rule_cols);
	for (__u32 i = 0; i < p->set.rules; i++)
		show_rule(opt, p, o, i);
	out_end(o);
	o = OUT_ROWS(opt, "hops", "\n", hop_cols);
	for (__u32 i = 0; i < p->set.hops; i++)
		show_hop(p, o, i);
	out_end(o);
	if (json_on())
		json_rest(p);
	else
		text_rest(p);
	settings_show(opt, "policy");
	json_close();
}

static void policy_settings(struct settings *s)
{
	struct pol_cfg cfg = {};

	if (s->dev)
		return set_pref(s, "policy-pref", s->key->ifindex, "policy_tc", 50);
	if (settings_value(s, "pol_cfg", &cfg))
		return;
	set_number(s, "max-rules", cfg.max_rules ?: POL_RULES_MAX, POL_RULES_MAX);
	set_number(s, "max-masks", cfg.max_tuples ?: POL_TUPLES_DEF, POL_TUPLES_DEF);
	set_number(s, "max-hops", cfg.max_hops ?: POL_HOPS_DEF, POL_HOPS_DEF);
}

/* --commands: the rules, as a file to load */
static int policy_rules(struct settings *s, __u8 nsid, const char *dev)
{
	static const struct options file = { .output = OUT_JSON, .pretty = true };
	struct policy *p;
	int err;

	if (dev)
		return 0;
	p = zalloc(1, sizeof(*p));
	err = policy_read(s->opt, false, p);
	if (!err && (p->set.rules || p->set.hops) &&
	    command_begin(s, "policy", nsid, true, "policy, rules")) {
		printf(" load - <<'EOF'");
		line_end(&s->line);
		json_start(&file);
		json_open(NULL, '{');
		json_hops(p);
		json_open("rules", '[');
		for (__u32 i = 0; i < p->set.rules; i++)
			policy_rule_json(s->opt, p, &p->rules[i], NULL);
		json_close();
		json_close();
		json_start(s->opt);
		printf("EOF\n");
	}
	policy_free(p);
	free(p);
	return err;
}

/* The action of a rule, in a word. */
static const char *prom_action(const struct pol_rule *r)
{
	if (r->action == POL_PASS && r->flags & POL_R_MARK)
		return policy_actions[POL_MARK];
	return r->action < POL_ACTIONS ? policy_actions[r->action] : "?";
}

static void show_prom(struct policy *p)
{
	char name[17], state[16];

	prom_add(&prom_pol_rules, p->set.rules);
	prom_add(&prom_pol_generation, p->cfg.gen);
	for (__u32 i = 0; i < p->set.rules; i++) {
		const struct pol_rule *r = &p->rules[i];
		const char *action = prom_action(r);
		char device[IF_NAMESIZE] = "-";

		if (r->action == POL_REDIRECT)
			snprintf(device, sizeof(device), "%.15s", p->hop[r->arg % POL_HOPS].dev);
		snprintf(name, sizeof(name), "%.16s", p->more[i].id);
		prom_add(&prom_pol_packets, p->count[i].packets, name, action, device);
		prom_add(&prom_pol_bytes, p->count[i].bytes, name, action, device);
	}
	for (int i = 0; i < POL_N_MAX; i++)
		prom_add(&prom_pol_events, p->stat.n[i], stat_key[i]);
	for (int i = 0; i < POL_FIB_MAX; i++)
		prom_add(&prom_pol_fib, p->stat.fib[i], fib_key[i]);
	for (__u32 i = 0; i < p->set.hops; i++) {
		const struct pol_hop_count *n = &p->hop_count[i];

		snprintf(name, sizeof(name), "%.16s", p->hop[i].name);
		policy_hop_state(p, i, state, sizeof(state));
		prom_add(&prom_pol_hop_up, !strcmp(state, "up") || !strcmp(state, "resolving"),
			 name);
		prom_add(&prom_pol_hop_packets, n->packets, name);
		prom_add(&prom_pol_hop_failed, n->down, name, "down");
		prom_add(&prom_pol_hop_failed, n->unreachable, name, "unreachable");
	}
}

static int policy_run(const struct options *opt)
{
	struct policy *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return 1;
	err = policy_read(opt, asked.verify && !strcmp(asked.verify, "next"), p);
	if (err)
		;
	else if (asked.verify)
		err = policy_verify(opt, p);
	else if (asked.explain)
		err = policy_explain(opt, p, asked.packet);
	else if (opt->output == OUT_PROM)
		show_prom(p);
	else
		show(opt, p);
	policy_free(p);
	free(p);
	return err == -EINVAL ? 2 : err < 0;
}

/* The rest of a packet: src=A dst=B ... */
static bool policy_word(const char *word)
{
	size_t len = strlen(asked.packet);

	if (!asked.explain || !strchr(word, '='))
		return false;
	snprintf(asked.packet + len, sizeof(asked.packet) - len, "%s%s", len ? " " : "", word);
	return true;
}

static const char *policy_wrong(const struct options *opt)
{
	if (asked.explain && !*asked.packet)
		return "--explain needs a packet: 'src=A dst=B ...'";
	if (asked.verify && asked.explain)
		return "--verify and --explain: choose one";
	return (asked.explain || asked.verify) && opt->output == OUT_PROM
		       ? "--prom shows only counts"
		       : NULL;
}

static const struct arg policy_args[] = {
	ARG_COMMANDS,
	{ .name = "explain",
	  .kind = ARG_FLAG,
	  .to = &asked.explain,
	  .help = "with src=A dst=B ...: the rule that such a packet matches" },
	{ .name = "verify",
	  .takes = "SET",
	  .kind = ARG_TEXT,
	  .to = &asked.verify,
	  .help = "look up each rule as packets do, in the current set or the one being loaded",
	  .words = "now next" },
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "ID, id; rule, verdict",
	  "The rule; with --explain, the rule that the packet matches, and its verdict." },
	{ "NEXT HOP, name; STATE, state; DOWN, down; UNREACHABLE, unreachable; nexthops",
	  "A next hop; its state when a packet last needed it (up, down, gone, resolving, "
	  "unreachable; unused: not yet needed); and packets that it could not take because its "
	  "device was down, or its neighbour unknown." },
	{ "fib, finds, compares, tuples, tuples4, tuples6",
	  "How rules were found: look-ups in the routing table and in tuples, and comparisons." },
	{}
};
/* clang-format on */

VERB(policy, .fields = fields, .help = "policy routing rules, and their counters",
     .run = policy_run, .commands = "check load add del show diff flush", .takes = VERB_PROM,
     .args = policy_args, .pin = "pol_cfg", .word = policy_word, .wrong = policy_wrong,
     .feature = "policy", .settings = policy_settings, .rules = policy_rules)
