// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2hammer - two CPUs at what l2fwd shares. Of itself, each does what is right; what one of
 * them undoes of the other is counted.
 *
 *   l2hammer frames PROG-ID FDB IFINDEX PORT-A PORT-B MILLISECONDS
 *       One CPU runs xdp/l2fwd on frames to 02:00:00:00:00:0a that come in by IFINDEX; another
 *       replaces that entry (PORT-A) and the one of ...:0b (PORT-B) in turn: each takes the
 *       memory that the other had before. Prints "runs changes".
 *   l2hammer ports PORTS STATES CFG PORT DEV ROUNDS
 *       In each round the bridge blocks its port DEV or lets it forward, the bridge is looked at,
 *       and the settings of PORT in map PORTS, and of all in map CFG, are read, changed and
 *       written as scripts do, all at once. Prints how often the settings of PORT, its state
 *       (in map STATES), and the settings of all are not what was set last.
 *       What it does not reach is an older look at a state that is written last: what changes a
 *       state and what looks at it by netlink both hold RTNL, and a frame's look on the other CPU
 *       would have to be stopped between its read and its write for longer than it takes to log
 *       the change, which no kernel does whose tracing programs are not preempted. Without the
 *       second look (mirror_look) it finds nothing either.
 *   l2hammer entries FDB PORT DEV OTHER MILLISECONDS
 *       The bridge moves an address from DEV to OTHER and back, while its entry is removed again
 *       and again, and that of another address (by hand, at PORT) gets the memory. Prints
 *       "runs changes", and how often the other one is not what was written.
 * Maps are pins. Exit status: 0, 1 error, 2 usage.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "abi.h"

#define FORWARDING 3 /* BR_STATE_FORWARDING */

static int die(const char *what)
{
	fprintf(stderr, "l2hammer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int map_open(const char *pin)
{
	int fd = bpf_obj_get(pin);

	return fd < 0 ? die(pin) : fd;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* --- netlink: one message, and what the kernel says to it */

struct ask {
	struct nlmsghdr h;
	union {
		struct ndmsg neigh;
		struct ifinfomsg link;
	};
	char attrs[64];
};

static void ask_attr(struct ask *m, int type, const void *data, size_t len)
{
	struct rtattr *a = (void *)m + NLMSG_ALIGN(m->h.nlmsg_len);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	m->h.nlmsg_len = NLMSG_ALIGN(m->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static int ask(int fd, struct ask *m)
{
	char buf[512];
	struct nlmsgerr *e = NLMSG_DATA((struct nlmsghdr *)buf);

	m->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, m, m->h.nlmsg_len, 0) < 0 || recv(fd, buf, sizeof(buf), 0) < 0)
		die("netlink");
	errno = -e->error;
	return e->error;
}

static int rtnl(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	return fd < 0 ? die("netlink") : fd;
}

/* bridge fdb replace MAC dev DEV master dynamic, or static if all of MAC is 0: refused, but the
 * bridge is looked at */
static int fdb_replace(int fd, int dev, const unsigned char *mac)
{
	static const unsigned char none[6];
	struct ask m = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.neigh)),
				.nlmsg_type = RTM_NEWNEIGH,
				.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE },
			 .neigh = { .ndm_family = AF_BRIDGE,
				    .ndm_ifindex = dev,
				    .ndm_state = memcmp(mac, none, 6) ? NUD_REACHABLE : NUD_NOARP,
				    .ndm_flags = NTF_MASTER } };

	ask_attr(&m, NDA_LLADDR, mac, 6);
	return ask(fd, &m);
}

/* bridge link set dev DEV state STATE */
static int port_state(int fd, int dev, unsigned char state)
{
	struct ask m = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.link)),
				.nlmsg_type = RTM_SETLINK },
			 .link = { .ifi_family = AF_BRIDGE, .ifi_index = dev } };
	struct rtattr *nest = (void *)&m + m.h.nlmsg_len;

	ask_attr(&m, IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
	ask_attr(&m, IFLA_BRPORT_STATE, &state, 1);
	nest->rta_len = (char *)&m + m.h.nlmsg_len - (char *)nest;
	return ask(fd, &m);
}

/* --- rounds: some do one thing each, at once */

#define DOERS 3
static pthread_barrier_t begin, end;
static atomic_int over;

struct doer {
	void (*once)(int round);
	pthread_t thread;
};

static void *doer(void *arg)
{
	struct doer *d = arg;

	for (int round = 0;; round++) {
		pthread_barrier_wait(&begin);
		if (over)
			return NULL;
		/* who is first differs */
		for (volatile int i = rand() & 2047; i; i--)
			;
		d->once(round);
		pthread_barrier_wait(&end);
	}
}

static void rounds(struct doer *d, int n, int count, void (*check)(int round))
{
	pthread_barrier_init(&begin, NULL, n + 1);
	pthread_barrier_init(&end, NULL, n + 1);
	for (int i = 0; i < n; i++) {
		if (pthread_create(&d[i].thread, NULL, doer, &d[i]))
			die("thread");
	}
	for (int round = 0; round < count; round++) {
		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&end);
		check(round);
	}
	over = 1;
	pthread_barrier_wait(&begin);
	for (int i = 0; i < n; i++)
		pthread_join(d[i].thread, NULL);
}

/* --- frames */

static int fdb;
static unsigned long changes;

static void entry_make(struct l2_fdb *e, const struct l2_key *k, int port)
{
	memset(e, 0, sizeof(*e));
	e->port = port;
	e->vlan = k->vlan;
	memcpy(&e->mac, k->mac + 2, sizeof(e->mac));
}

static const struct l2_key key_a = { .mac = { 2, 0, 0, 0, 0, 0xa } };
static const struct l2_key key_b = { .mac = { 2, 0, 0, 0, 0, 0xb } };

static void *change(void *arg)
{
	const int *port = arg;
	struct l2_fdb a, b;

	entry_make(&a, &key_a, port[0]);
	entry_make(&b, &key_b, port[1]);
	for (; !over; changes += 2) {
		bpf_map_update_elem(fdb, &key_a, &a, BPF_ANY);
		bpf_map_update_elem(fdb, &key_b, &b, BPF_ANY);
	}
	return NULL;
}

static void frames(char **arg)
{
	unsigned char frame[64] = { 2, 0, 0, 0, 0, 0xa, 2, 0, 0, 0, 0, 9, 0x88, 0xb5 };
	struct xdp_md ctx = { .data_end = sizeof(frame), .ingress_ifindex = atoi(arg[2]) };
	int prog = bpf_prog_get_fd_by_id(atoi(arg[0])), port[2] = { atoi(arg[3]), atoi(arg[4]) };
	unsigned long runs = 0;
	pthread_t thread;
	double until;

	if (prog < 0)
		die(arg[0]);
	fdb = map_open(arg[1]);
	if (pthread_create(&thread, NULL, change, port))
		die("thread");
	for (until = now_ms() + atoi(arg[5]); now_ms() < until; runs += 10000) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
			    .data_size_in = sizeof(frame), .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx), .repeat = 10000);

		if (bpf_prog_test_run_opts(prog, &opts))
			die("run");
	}
	over = 1;
	pthread_join(thread, NULL);
	printf("%lu %lu\n", runs, changes);
}

/* --- ports */

static int ports_fd, states_fd, cfg_fd, number, dev, sock[DOERS];
static int guard_undone, state_undone, cfg_undone;
static struct l2_cfg cfg_set;

static void script_once(int round)
{
	struct l2_port p;
	int zero = 0;

	bpf_map_lookup_elem(cfg_fd, &zero, &cfg_set);
	cfg_set.refresh_ns = 3600000000000ULL + round;
	cfg_set.flags ^= L2_F_SNAPSHOT;
	bpf_map_update_elem(cfg_fd, &zero, &cfg_set, BPF_ANY);
	bpf_map_lookup_elem(ports_fd, &number, &p);
	p.flags = (p.flags & ~L2_P_GUARD) | (round & 1 ? L2_P_GUARD : 0);
	bpf_map_update_elem(ports_fd, &number, &p, BPF_ANY);
}

static void bridge_once(int round)
{
	if (port_state(sock[0], dev, round & 1 ? 0 : FORWARDING))
		die("state");
}

static void look_once(int round)
{
	static const unsigned char none[6];

	(void)round;
	fdb_replace(sock[1], dev, none);
}

static void ports_check(int round)
{
	struct l2_cfg cfg = {};
	struct l2_port p;
	struct l2_wire w;
	int zero = 0;

	bpf_map_lookup_elem(cfg_fd, &zero, &cfg);
	cfg_undone +=
		!!memcmp(&cfg, &cfg_set, sizeof(cfg)) || cfg.refresh_ns != 3600000000000ULL + round;
	bpf_map_lookup_elem(ports_fd, &number, &p);
	bpf_map_lookup_elem(states_fd, &number, &w);
	guard_undone += !!(p.flags & L2_P_GUARD) != (round & 1);
	state_undone += !!(w.state & L2_P_BLOCKED) != (round & 1);
}

static void ports(char **arg)
{
	struct doer d[] = { { .once = script_once },
			    { .once = bridge_once },
			    { .once = look_once } };

	ports_fd = map_open(arg[0]);
	states_fd = map_open(arg[1]);
	cfg_fd = map_open(arg[2]);
	number = atoi(arg[3]);
	dev = if_nametoindex(arg[4]);
	sock[0] = rtnl();
	sock[1] = rtnl();
	rounds(d, 3, atoi(arg[5]), ports_check);
	printf("%d %d %d\n", guard_undone, state_undone, cfg_undone);
}

/* --- entries */

static int other;

static void *move(void *arg)
{
	(void)arg;
	for (; !over; changes++) {
		if (fdb_replace(sock[0], changes & 1 ? other : dev, key_a.mac))
			die("fdb replace");
	}
	return NULL;
}

static void entries(char **arg)
{
	unsigned long undone = 0, runs = 0;
	struct l2_fdb want, b;
	pthread_t thread;
	double until;

	fdb = map_open(arg[0]);
	entry_make(&want, &key_b, atoi(arg[1]));
	dev = if_nametoindex(arg[2]);
	other = if_nametoindex(arg[3]);
	sock[0] = rtnl();
	if (pthread_create(&thread, NULL, move, NULL))
		die("thread");
	for (until = now_ms() + atoi(arg[4]); now_ms() < until; runs++) {
		bpf_map_delete_elem(fdb, &key_a);
		bpf_map_update_elem(fdb, &key_b, &want, BPF_ANY);
		bpf_map_lookup_elem(fdb, &key_b, &b);
		undone += !!memcmp(&b, &want, offsetof(struct l2_fdb, used));
		bpf_map_delete_elem(fdb, &key_b);
	}
	over = 1;
	pthread_join(thread, NULL);
	printf("%lu %lu %lu\n", runs, changes, undone);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		void (*run)(char **arg);
	} verbs[] = { { "frames", 6, frames }, { "ports", 6, ports }, { "entries", 5, entries } };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (argc - 2 == verbs[i].args && !strcmp(argv[1], verbs[i].name)) {
			verbs[i].run(argv + 2);
			return 0;
		}
	}
	fprintf(stderr, "usage: l2hammer frames|ports|entries ..., see its source\n");
	return 2;
}
