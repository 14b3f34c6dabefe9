// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_oracle - is tc/policy right? Compares it, packet by packet, with a plain
 * reading of the rules: from first to last by priority, field by field. It shares no
 * code with the program and its compiler.
 *
 *   policy_oracle rules SEED COUNT DEV...      prints a random policy file
 *   policy_oracle run FILE SEED COUNT PROG-ID DEV...
 *     sends COUNT random packets through the program, each twice (the second time the
 *     flow cache answers), and compares verdict and mark
 *   policy_oracle flood FILE SEED COUNT PROG-ID DEV...
 *     the same, but all of them before any of them comes again
 *
 *   policy_oracle explain FILE SEED COUNT DEV...
 *     prints COUNT lines: the number of the rule (0 = none) and the packet, as
 *     `hookmap policy --explain` takes it
 *
 *   policy_oracle many COUNT
 *     prints COUNT rules for IPv4 and COUNT for IPv6, for one destination each, all over the
 *     address space. In turn they drop, redirect (to next hop r), choose (e1, e2), look into
 *     table 200, and mark (0x1000000)
 *   policy_oracle each COUNT MAC DEV LINK...
 *     sends the datagram of each of those rules to MAC by DEV. They are to come in by the
 *     LINKs of r, e1, e2, the table and the mark, each once; none by further LINKs
 *
 * Rules set a mark that tells which one was taken. The devices must be in this network
 * namespace, forward, and have default routes. Exit status: 0 all the same, 1 not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <json-c/json.h>

#define MAX_RULES 4096
#define MAX_DEVS  8
#define UNSPEC	  (-1)
#define SHOT	  2

static uint64_t state;

/* splitmix64: the same numbers everywhere */
static uint32_t rnd(uint32_t below)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) % below;
}

static bool one_in(uint32_t n)
{
	return !rnd(n);
}

static void die(const char *what)
{
	fprintf(stderr, "policy_oracle: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- what both rules and packets are made of */

static const int protos[] = { 6, 17, 1, 132, 47, 136 };
static const uint16_t some_ports[] = { 0, 22, 53, 80, 443, 1023, 1024, 5060, 8080, 65535 };
static const uint8_t some_dscp[] = { 0, 8, 46, 63 };
static const uint32_t some_marks[] = { 0, 1, 0x10, 0x11, 0xff00, 0x12345678 };

#define PICK(A) (A)[rnd(sizeof(A) / sizeof((A)[0]))]

static uint16_t random_port(void)
{
	return one_in(3) ? rnd(65536) : PICK(some_ports);
}

static void random_address(bool v6, uint8_t *a)
{
	memset(a, 0, 16);
	if (!v6) {
		a[0] = one_in(4) ? 203 : 10;
		for (int i = 1; i < 4; i++)
			a[i] = one_in(3) ? rnd(256) : rnd(3);
		return;
	}
	a[0] = 0x20, a[1] = 0x01, a[2] = 0x0d, a[3] = 0xb8 + rnd(2);
	for (int i = 4; i < 16; i++)
		a[i] = one_in(4) ? rnd(256) : one_in(2);
}

/* --- rules */

static void print_prefix(const char *name, bool v6)
{
	static const int len4[] = { 0, 8, 12, 16, 23, 24, 28, 32 };
	static const int len6[] = { 0, 16, 31, 32, 48, 63, 64, 65, 96, 100, 128 };
	int len = v6 ? PICK(len6) : PICK(len4);
	char text[INET6_ADDRSTRLEN];
	uint8_t a[16];

	random_address(v6, a);
	for (int i = 0; i < (v6 ? 128 : 32); i++) {
		if (i >= len)
			a[i / 8] &= ~(0x80 >> i % 8);
	}
	inet_ntop(v6 ? AF_INET6 : AF_INET, a, text, sizeof(text));
	if (len == (v6 ? 128 : 32) && one_in(2))
		printf(",\"%s\":\"%s\"", name, text);
	else
		printf(",\"%s\":\"%s/%d\"", name, text, len);
}

static void print_port(const char *name, const uint16_t (*range)[2], int ranges)
{
	if (one_in(2)) {
		printf(",\"%s\":%u", name, PICK(some_ports));
	} else {
		int i = rnd(ranges);

		printf(",\"%s\":\"%u-%u\"", name, range[i][0], range[i][1]);
	}
}

static int rules(int count, char **devs, int ndevs)
{
	uint16_t range[7][2];
	int dense = 2 + rnd(6); /* how many fields the rules of this set have */

	for (int i = 0; i < 7; i++) {
		uint16_t a = random_port(), b = random_port();

		range[i][0] = a < b ? a : b;
		range[i][1] = a < b ? b : a;
		if (a == b)
			range[i][0] = 100, range[i][1] = 200 + i;
	}
	printf("{\"rules\":[");
	for (int i = 0; i < count; i++) {
		bool v6 = one_in(2), any = one_in(4), ports = false;
		int proto = -1;

		printf("%s{\"priority\":%u,\"match\":{\"proto\":", i ? "," : "", rnd(count) * 10);
		if (one_in(dense))
			printf("%d", proto = PICK(protos));
		else
			printf("null");
		if (!any && one_in(2))
			print_prefix("src", v6);
		if (!any && one_in(2))
			print_prefix("dst", v6);
		if (proto != 1 && proto != 47) {
			if (one_in(dense))
				print_port("sport", range, 7), ports = true;
			if (one_in(dense))
				print_port("dport", range, 7), ports = true;
		}
		if (one_in(dense))
			printf(",\"dscp\":%u", PICK(some_dscp));
		if (one_in(dense)) {
			uint32_t mark = PICK(some_marks), mask = one_in(2) ? 0xffffffff : 0xff;

			printf(",\"mark\":\"0x%x/0x%x\"", mark & mask, mask);
		}
		if (one_in(dense))
			printf(",\"iif\":\"%s\"", devs[rnd(ndevs)]);
		if (one_in(dense)) {
			if (one_in(3))
				printf(",\"vlan\":\"none\"");
			else
				printf(",\"vlan\":%u", 5 + rnd(2));
		}
		if (one_in(dense))
			printf(",\"fragment\":%s", !ports && one_in(2) ? "true" : "false");
		if (one_in(10))
			printf("},\"action\":\"drop\"}");
		else if (one_in(10))
			printf("},\"action\":\"pass\"}");
		else
			printf("},\"action\":{\"mark\":%u}}", 0x1000000 + i);
	}
	printf("]}\n");
	return 0;
}

struct field {
	bool set;
	uint32_t lo, hi, mask;
};

struct rule {
	uint32_t priority;
	int index;
	int family[2], len[2]; /* source, destination; 0 = not given */
	uint8_t addr[2][16];
	struct field proto, port[2], dscp, mark, vlan, fragment;
	char iif[IF_NAMESIZE];
	enum { PASS, DROP, MARK } action;
	uint32_t to;
};

static struct rule set[MAX_RULES];
static int nrules;

static struct field read_field(struct json_object *match, const char *name)
{
	struct field f = { .mask = 0xffffffff };
	struct json_object *v;
	const char *text;
	char *end;

	if (!json_object_object_get_ex(match, name, &v) || !v)
		return f;
	f.set = true;
	text = json_object_get_string(v);
	f.lo = f.hi = strtoul(text, &end, 0);
	if (*end == '-')
		f.hi = strtoul(end + 1, NULL, 0);
	if (*end == '/')
		f.mask = strtoul(end + 1, NULL, 0);
	if (!strcmp(text, "true"))
		f.lo = 1;
	return f;
}

static void read_prefix(struct rule *r, int which, struct json_object *match, const char *name)
{
	struct json_object *v;
	char text[64], *slash;

	if (!json_object_object_get_ex(match, name, &v))
		return;
	snprintf(text, sizeof(text), "%s", json_object_get_string(v));
	r->family[which] = strchr(text, ':') ? AF_INET6 : AF_INET;
	r->len[which] = r->family[which] == AF_INET6 ? 128 : 32;
	slash = strchr(text, '/');
	if (slash) {
		*slash = 0;
		r->len[which] = atoi(slash + 1);
	}
	inet_pton(r->family[which], text, r->addr[which]);
}

static int by_priority(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->index - y->index;
}

static void read_rules(const char *file)
{
	struct json_object *top = json_object_from_file(file), *list, *v;

	if (!top || !json_object_object_get_ex(top, "rules", &list))
		die(file);
	nrules = json_object_array_length(list);
	if (nrules > MAX_RULES)
		die("too many rules");
	for (int i = 0; i < nrules; i++) {
		struct json_object *o = json_object_array_get_idx(list, i), *match;
		struct rule *r = &set[i];

		json_object_object_get_ex(o, "priority", &v);
		r->priority = json_object_get_int64(v);
		r->index = i;
		json_object_object_get_ex(o, "match", &match);
		read_prefix(r, 0, match, "src");
		read_prefix(r, 1, match, "dst");
		r->proto = read_field(match, "proto");
		r->port[0] = read_field(match, "sport");
		r->port[1] = read_field(match, "dport");
		r->dscp = read_field(match, "dscp");
		r->mark = read_field(match, "mark");
		r->vlan = read_field(match, "vlan");
		r->fragment = read_field(match, "fragment");
		if (json_object_object_get_ex(match, "iif", &v))
			snprintf(r->iif, sizeof(r->iif), "%s", json_object_get_string(v));
		json_object_object_get_ex(o, "action", &v);
		if (json_object_is_type(v, json_type_object)) {
			json_object_object_get_ex(v, "mark", &v);
			r->action = MARK;
			r->to = json_object_get_int64(v);
		} else {
			r->action = strcmp(json_object_get_string(v), "drop") ? PASS : DROP;
		}
	}
	json_object_put(top);
	qsort(set, nrules, sizeof(set[0]), by_priority);
}

/* --- packets */

struct packet {
	bool v6;
	uint8_t addr[2][16];
	int proto;
	bool has_ports;
	uint16_t port[2];
	uint8_t dscp;
	uint32_t mark;
	int vlan; /* -1 = none */
	bool fragment;
	int dev;
	uint8_t data[256];
	size_t len;
	const struct rule *rule; /* that it should take */
};

static void put16(struct packet *p, uint16_t v)
{
	p->data[p->len++] = v >> 8;
	p->data[p->len++] = v;
}

static void put(struct packet *p, const void *from, size_t n)
{
	memcpy(p->data + p->len, from, n);
	p->len += n;
}

static void put_zero(struct packet *p, size_t n)
{
	memset(p->data + p->len, 0, n);
	p->len += n;
}

/* An L4 header that begins with the ports, and 12 bytes more. */
static void put_l4(struct packet *p)
{
	put16(p, p->port[0]);
	put16(p, p->port[1]);
	put_zero(p, 16);
}

static void build4(struct packet *p, int frag)
{
	size_t options = one_in(6) ? 4 * (1 + rnd(10)) : 0;

	p->data[p->len++] = 0x45 + options / 4;
	p->data[p->len++] = p->dscp << 2 | rnd(4);
	put16(p, 20 + options + 20);
	put16(p, rnd(65536));
	put16(p, frag == 1 ? 0x2000 : frag == 2 ? 0x2000 + 1 + rnd(100) : frag == 3 ? 7 : 0x4000);
	p->data[p->len++] = 64;
	p->data[p->len++] = p->proto;
	put16(p, 0);
	put(p, p->addr[0], 4);
	put(p, p->addr[1], 4);
	memset(p->data + p->len, 1, options); /* NOP */
	p->len += options;
	put_l4(p);
}

/* Of up to 9 extension headers, 6 are looked at; behind them is what makes no difference. */
#define HEADERS 6

static void build6(struct packet *p, int frag)
{
	static const uint8_t some_headers[] = { 60, 60, 43, 51 };
	uint8_t header[10], longer = one_in(16) ? 4 + rnd(4) : one_in(6);
	size_t start = p->len;
	int n = 0;

	if (one_in(6))
		header[n++] = 0;
	while (longer--)
		header[n++] = PICK(some_headers);
	if (frag)
		header[n++] = 44;
	header[n] = p->proto;
	put16(p, 0x6000 | p->dscp << 6 | rnd(4) << 4);
	put16(p, rnd(65536));
	put16(p, 0); /* length */
	p->data[p->len++] = header[0];
	p->data[p->len++] = 64;
	put(p, p->addr[0], 16);
	put(p, p->addr[1], 16);
	for (int i = 0; i < n; i++) {
		int more = header[i] != 44 && one_in(4); /* 8 bytes; AH counts by 4, less 8 */

		put16(p, header[i + 1] << 8 | (header[i] == 51 ? 2 * more : more));
		if (header[i] == 44)
			put16(p, frag == 1 ? 1 : frag == 2 ? 0x101 : 0x100);
		else
			put16(p, 0x0100 | (4 + 8 * more)); /* PadN */
		put_zero(p, 4 + 8 * more);
	}
	put_l4(p);
	p->data[start + 5] = p->len - start - 40;
	if (n > HEADERS) {
		p->fragment = true;
		p->has_ports = false;
		p->proto = header[HEADERS];
	}
}

static void build(struct packet *p, int ndevs, uint8_t (*mac)[6])
{
	const struct rule *like = nrules ? &set[rnd(nrules)] : NULL;
	int frag = one_in(8) ? 1 + rnd(3) : 0;

	memset(p, 0, sizeof(*p));
	p->v6 = one_in(2);
	if (like && like->family[0] | like->family[1] && !one_in(4))
		p->v6 = (like->family[0] | like->family[1]) == AF_INET6;
	for (int i = 0; i < 2; i++) {
		random_address(p->v6, p->addr[i]);
		/* often one that a rule is about */
		if (like && like->family[i] == (p->v6 ? AF_INET6 : AF_INET) && !one_in(4)) {
			for (int bit = 0; bit < like->len[i]; bit++) {
				uint8_t m = 0x80 >> bit % 8;

				p->addr[i][bit / 8] &= ~m;
				p->addr[i][bit / 8] |= like->addr[i][bit / 8] & m;
			}
		}
	}
	p->proto = PICK(protos);
	if (p->proto == 1 && p->v6)
		p->proto = one_in(2) ? 58 : 1;
	if (like && like->proto.set && !one_in(4))
		p->proto = like->proto.lo;
	for (int i = 0; i < 2; i++) {
		p->port[i] = random_port();
		if (like && like->port[i].set && !one_in(4)) { /* edges, too */
			uint32_t lo = like->port[i].lo, hi = like->port[i].hi;

			p->port[i] = one_in(3) ? lo : one_in(2) ? hi : lo + rnd(hi - lo + 1);
			if (one_in(8))
				p->port[i] += one_in(2) ? 1 : -1;
		}
	}
	p->dscp = PICK(some_dscp);
	p->mark = PICK(some_marks);
	p->vlan = one_in(3) ? (int)(4 + rnd(3)) : -1;
	p->dev = rnd(ndevs);
	p->fragment = frag;
	p->has_ports =
		!frag && (p->proto == 6 || p->proto == 17 || p->proto == 132 || p->proto == 136);

	put(p, mac[p->dev], 6);
	put(p, "\2\0\0\0\0\1", 6);
	if (p->vlan >= 0) {
		put16(p, one_in(3) ? ETH_P_8021AD : ETH_P_8021Q);
		put16(p, rnd(8) << 13 | p->vlan);
		if (one_in(4)) { /* the inner one must not matter */
			put16(p, ETH_P_8021Q);
			put16(p, 5 + rnd(2));
		}
	}
	put16(p, p->v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (p->v6)
		build6(p, frag);
	else
		build4(p, frag);
}

/* --- the plain reading */

static bool in_field(const struct field *f, uint32_t v)
{
	if (f->mask != 0xffffffff)
		return !f->set || (v & f->mask) == f->lo;
	return !f->set || (v >= f->lo && v <= f->hi);
}

static bool rule_matches(const struct rule *r, const struct packet *p, char **devs)
{
	for (int i = 0; i < 2; i++) {
		if (r->family[i]) {
			if (r->family[i] != (p->v6 ? AF_INET6 : AF_INET))
				return false;
			for (int bit = 0; bit < r->len[i]; bit++) {
				if ((r->addr[i][bit / 8] ^ p->addr[i][bit / 8]) & 0x80 >> bit % 8)
					return false;
			}
		}
		if (r->port[i].set && (!p->has_ports || !in_field(&r->port[i], p->port[i])))
			return false;
	}
	if (r->vlan.set) {
		if (r->vlan.lo ? p->vlan != (int)r->vlan.lo : p->vlan >= 0)
			return false;
	}
	if (*r->iif && strcmp(r->iif, devs[p->dev]))
		return false;
	return in_field(&r->proto, p->proto) && in_field(&r->dscp, p->dscp) &&
	       in_field(&r->mark, p->mark) && (!r->fragment.set || r->fragment.lo == p->fragment);
}

static void show(const struct packet *p, char **devs)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	int af = p->v6 ? AF_INET6 : AF_INET;

	inet_ntop(af, p->addr[0], src, sizeof(src));
	inet_ntop(af, p->addr[1], dst, sizeof(dst));
	printf("src=%s dst=%s proto=%d", src, dst, p->proto);
	if (p->has_ports)
		printf(" sport=%u dport=%u", p->port[0], p->port[1]);
	printf(" dscp=%u mark=0x%x iif=%s", p->dscp, p->mark, devs[p->dev]);
	if (p->vlan >= 0)
		printf(" vlan=%d", p->vlan);
	printf(" fragment=%s", p->fragment ? "true" : "false");
}

static const struct rule *lookup(const struct packet *p, char **devs)
{
	for (int i = 0; i < nrules; i++) {
		if (rule_matches(&set[i], p, devs))
			return &set[i];
	}
	return NULL;
}

static int explain(int count, char **devs, int ndevs)
{
	uint8_t mac[MAX_DEVS][6] = {};
	struct packet p;

	while (count--) {
		const struct rule *found;

		build(&p, ndevs, mac);
		found = lookup(&p, devs);
		printf("%d ", found ? found->index + 1 : 0);
		show(&p, devs);
		printf("\n");
	}
	return 0;
}

/* Is the program's answer to P the plain one? */
static bool right(int fd, const struct packet *p, uint32_t ifindex, bool again, char **devs)
{
	struct __sk_buff in = { .mark = p->mark, .ifindex = ifindex }, out = {};
	const struct rule *found = p->rule;
	int verdict = found && found->action == DROP ? SHOT : UNSPEC;
	uint32_t mark = found && found->action == MARK ? found->to : p->mark;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len,
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &out,
		    .ctx_size_out = sizeof(out));

	if (bpf_prog_test_run_opts(fd, &opts))
		die("BPF_PROG_RUN");
	if ((int)opts.retval == verdict && out.mark == mark)
		return true;
	show(p, devs);
	printf(": %s verdict %d mark 0x%x, expected %d 0x%x (rule %d)\n",
	       again ? "again" : "looked up", (int)opts.retval, out.mark, verdict, mark,
	       found ? found->index + 1 : 0);
	return false;
}

/* COUNT packets, of which AT_ONCE are sent before they are sent again. */
static int run(int count, int at_once, int prog, char **devs, int ndevs)
{
	int fd = bpf_prog_get_fd_by_id(prog), sock = socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t ifindex[MAX_DEVS];
	struct packet *p = calloc(at_once, sizeof(*p));
	uint8_t mac[MAX_DEVS][6];
	int wrong = 0;

	if (fd < 0 || !p)
		die("program");
	for (int i = 0; i < ndevs; i++) {
		struct ifreq req = {};

		ifindex[i] = if_nametoindex(devs[i]);
		snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", devs[i]);
		if (ioctl(sock, SIOCGIFHWADDR, &req))
			die(devs[i]);
		memcpy(mac[i], req.ifr_hwaddr.sa_data, 6);
	}
	for (int n = 0; n < count && wrong < 5; n += at_once) {
		for (int i = 0; i < at_once; i++) {
			build(&p[i], ndevs, mac);
			p[i].rule = lookup(&p[i], devs);
		}
		for (int i = 0; i < 2 * at_once && wrong < 5; i++) {
			const struct packet *q = &p[i % at_once];

			wrong += !right(fd, q, ifindex[q->dev], i >= at_once, devs);
		}
	}
	free(p);
	return !!wrong;
}

/* --- many rules */

#define MANY_BATCH 128 /* on their way at once */

/* What rules do, in turn, and by which of the links. */
static const struct {
	const char *action;
	int first, last;
} many_kinds[] = {
	{ "\"drop\"", -1, -1 },
	{ "{\"redirect\":\"r\"}", 0, 0 },
	{ "{\"ecmp\":{\"e1\":1,\"e2\":1}}", 1, 2 },
	{ "{\"table\":200}", 3, 3 },
	{ "{\"mark\":16777216}", 4, 4 },
};
#define MANY_KIND(I) many_kinds[(I) / 2 % (sizeof(many_kinds) / sizeof(many_kinds[0]))]

/* Destination of rule I: another one for each; no address that rules do not see. */
static void many_address(uint32_t i, uint8_t *a)
{
	uint32_t word = (i / 2 + 1) * 2654435761U; /* odd: no number comes twice */

	memset(a, 0, 16);
	if (i % 2) {
		state = i;
		a[0] = one_in(2) ? 0x20 : 0xfd;
		for (int n = 1; n < 16; n++)
			a[n] = rnd(256);
		memcpy(a + 8, &word, 4);
		return;
	}
	/* 1.0.0.0 to 126.255.255.255, 128.0.0.0 to 168.255.255.255, 170.0.0.0 to 223.255.255.255 */
	a[0] = 1 + (word >> 24) % 221;
	a[0] += a[0] >= 127;
	a[0] += a[0] >= 169;
	a[1] = word >> 16;
	a[2] = word >> 8;
	a[3] = word;
}

static int many(uint32_t count)
{
	static const char *const also[] = { "", ",\"proto\":17", ",\"dport\":7000" };
	char text[INET6_ADDRSTRLEN];
	uint8_t a[16];

	printf("{\"rules\":[");
	for (uint32_t i = 0; i < 2 * count; i++) {
		many_address(i, a);
		inet_ntop(i % 2 ? AF_INET6 : AF_INET, a, text, sizeof(text));
		printf("%s\n{\"priority\":%u,\"match\":{\"dst\":\"%s\"%s},\"action\":%s}",
		       i ? "," : "", i, text, also[i / 2 % 3], MANY_KIND(i).action);
	}
	printf("]}\n");
	return 0;
}

/* The datagram of rule I, whose number is in it. */
static void many_build(struct packet *p, uint32_t i, const uint8_t *mac)
{
	uint32_t sum = 0, len = i % 2 ? 16 : 4;
	uint8_t src[16], dst[16], *ip;

	many_address(i, dst);
	many_address((i + 2) % 1000 / 2 * 2 + i % 2, src);
	p->len = 0;
	put(p, mac, 6);
	put(p, "\2\0\0\0\0\1", 6);
	put16(p, i % 2 ? ETH_P_IPV6 : ETH_P_IP);
	ip = p->data + p->len;
	if (i % 2)
		put(p, "\x60\0\0\0\0\x0c\x11\x40", 8);
	else
		put(p, "\x45\0\0\x20\0\0\x40\0\x40\x11\0\0", 12);
	put(p, src, len);
	put(p, dst, len);
	for (int n = 0; n < 20 && len == 4; n += 2)
		sum += ip[n] << 8 | ip[n + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	if (len == 4)
		ip[10] = sum >> 8, ip[11] = sum;
	put16(p, 5000);
	put16(p, 7000);
	put16(p, 12);
	put16(p, 0);
	put(p, &i, 4);
}

static int open_link(const char *dev)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = if_nametoindex(dev) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), room = 16 << 20, one = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) || !addr.sll_ifindex ||
	    bind(fd, (void *)&addr, sizeof(addr)))
		die(dev);
	return fd;
}

/* What has come by the links: how often that of each rule, and how many by another link. */
static uint32_t many_receive(struct pollfd *fd, int links, uint32_t rules, uint8_t *times,
			     uint32_t *wrong)
{
	uint32_t i, came = 0;
	uint8_t frame[256];
	ssize_t n;

	for (int link = 0; link < links; link++) {
		while ((n = recv(fd[link].fd, frame, sizeof(frame), MSG_DONTWAIT)) > 4) {
			memcpy(&i, frame + n - 4, 4);
			if (i >= rules || link < MANY_KIND(i).first || link > MANY_KIND(i).last) {
				if (++*wrong < 5)
					fprintf(stderr, "rule %u: by link %d\n", i, link);
			}
			if (i < rules)
				times[i]++;
			came++;
		}
	}
	return came;
}

static int each(uint32_t count, const char *to, const char *dev, char **devs, int links)
{
	uint32_t rules = 2 * count, due = 0, came = 0, not_once = 0, wrong = 0;
	static struct packet p[MANY_BATCH];
	struct mmsghdr msg[MANY_BATCH] = {};
	struct iovec iov[MANY_BATCH];
	uint8_t *times = calloc(rules, 1), mac[6];
	struct pollfd fd[MAX_DEVS];
	int in = open_link(dev);

	if (!times || sscanf(to, "%2hhx%2hhx%2hhx%2hhx%2hhx%2hhx", &mac[0], &mac[1], &mac[2],
			     &mac[3], &mac[4], &mac[5]) != 6)
		die("address");
	for (int i = 0; i < links; i++)
		fd[i] = (struct pollfd){ .fd = open_link(devs[i]), .events = POLLIN };
	for (uint32_t i = 0; i < rules;) {
		int n = 0, sent = 0;

		for (; n < MANY_BATCH && i < rules; n++, i++) {
			many_build(&p[n], i, mac);
			iov[n] = (struct iovec){ p[n].data, p[n].len };
			msg[n].msg_hdr = (struct msghdr){ .msg_iov = &iov[n], .msg_iovlen = 1 };
			due += MANY_KIND(i).last >= 0;
		}
		while (sent < n) {
			int some = sendmmsg(in, msg + sent, n - sent, 0);

			if (some < 0)
				die("sendmmsg");
			sent += some;
		}
		while (came < due && poll(fd, links, 5000) > 0)
			came += many_receive(fd, links, rules, times, &wrong);
		due = came; /* what has not come by now is lost */
	}
	for (uint32_t i = 0; i < rules; i++) {
		if (times[i] != (MANY_KIND(i).last >= 0) && ++not_once < 5)
			fprintf(stderr, "rule %u: came %u times\n", i, times[i]);
	}
	printf("%u sent, %u not once, %u by another link\n", rules, not_once, wrong);
	return not_once || wrong;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "many"))
		return many(strtoul(argv[2], NULL, 10));
	if (argc >= 6 && argc <= 5 + MAX_DEVS && !strcmp(argv[1], "each"))
		return each(strtoul(argv[2], NULL, 10), argv[3], argv[4], argv + 5, argc - 5);
	if (argc >= 5 && !strcmp(argv[1], "rules")) {
		state = strtoull(argv[2], NULL, 10);
		return rules(atoi(argv[3]), argv + 4, argc - 4);
	}
	if (argc >= 7 && argc <= 6 + MAX_DEVS &&
	    (!strcmp(argv[1], "run") || !strcmp(argv[1], "flood"))) {
		int count = atoi(argv[4]);

		read_rules(argv[2]);
		state = strtoull(argv[3], NULL, 10) + 1000003;
		return run(count, *argv[1] == 'f' ? count : 1, atoi(argv[5]), argv + 6, argc - 6);
	}
	if (argc >= 6 && argc <= 5 + MAX_DEVS && !strcmp(argv[1], "explain")) {
		read_rules(argv[2]);
		state = strtoull(argv[3], NULL, 10) + 1000003;
		return explain(atoi(argv[4]), argv + 5, argc - 5);
	}
	fprintf(stderr, "usage: policy_oracle rules SEED COUNT DEV...\n"
			"       policy_oracle run|flood FILE SEED COUNT PROG-ID DEV...\n"
			"       policy_oracle explain FILE SEED COUNT DEV...\n"
			"       policy_oracle many COUNT\n"
			"       policy_oracle each COUNT MAC DEV LINK...\n");
	return 2;
}
