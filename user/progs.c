// SPDX-License-Identifier: GPL-2.0-only
/*
 * progs.c - hookmap progs: the cost of each BPF program of the machine, ours and others': runs,
 * time per run, share of a CPU, memory of its maps.
 *
 * The kernel counts and times runs (about 50 ns per run) only while statistics are enabled. We
 * enable them by a file descriptor (BPF_ENABLE_STATS, Linux 5.8): however the process ends, the
 * kernel closes it, and sysctl kernel.bpf_stats_enabled does not change.
 *
 * JSON: {"rows": [{id, type, program, ours, runs, run_ns, runs_per_s, ns_per_run,
 *        cpu_percent, map_bytes}], "seconds": S}: runs and run_ns are of the last
 *        S seconds, cpu_percent is of one CPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "verb.h"

static const char *look; /* --look: ids of programs */

#define MAX_MAPS 64 /* of one program: the kernel's own limit */

struct prog {
	__u32 id;
	__u32 type;
	char name[BPF_OBJ_NAME_LEN];
	bool ours;
	__u64 runs, ns;		/* since it was loaded */
	__u64 new_runs, new_ns; /* in the interval */
	__u64 map_bytes;
};

struct progs {
	struct prog *prog;
	size_t n, room;
	double time; /* seconds */
};

static const struct out_col cols[] = {
	{ "id", "ID", OUT_U64 },
	{ "type", "TYPE", OUT_STR },
	{ "program", "PROGRAM", OUT_STR },
	{ NULL, "OURS", OUT_STR },
	{ "runs", "RUNS", OUT_U64 },
	{ "run_ns", NULL, OUT_U64 },
	{ "runs_per_s", "RUNS/S", OUT_U64 },
	{ "ns_per_run", "NS/RUN", OUT_U64 },
	{ NULL, "CPU%", OUT_STR },
	{ "map_bytes", "MAP-BYTES", OUT_U64 },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* IDS[*N] of our pinned maps; a map that cannot be read is not ours. */
static __u32 *our_maps(const struct options *opt, size_t *n)
{
	__u32 *ids = calloc(hookmap_pins_len, sizeof(*ids));

	*n = 0;
	for (size_t i = 0; ids && i < hookmap_pins_len; i++) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		char path[4096];
		int fd;

		pin_path(opt, hookmap_pins[i].name, path, sizeof(path));
		fd = pin_get(opt, path, BPF_F_RDONLY);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			ids[(*n)++] = info.id;
		close(fd);
	}
	return ids;
}

static __u64 maps_memory(const __u32 *ids, __u32 n)
{
	__u64 bytes = 0;

	for (__u32 i = 0; i < n; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			continue;
		bytes += map_memory(fd);
		close(fd);
	}
	return bytes;
}

/* Adds the program FD to P. */
static int progs_add(struct progs *p, int fd, const __u32 *ours, size_t nours)
{
	__u32 ids[MAX_MAPS], n, len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAX_MAPS,
				      .map_ids = (__u64)(unsigned long)ids };
	struct prog *prog;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (p->n == p->room) {
		size_t room = p->room ? 2 * p->room : 64;

		prog = realloc(p->prog, room * sizeof(*prog));
		if (!prog)
			return -ENOMEM;
		p->prog = prog;
		p->room = room;
	}
	prog = &p->prog[p->n++];
	memset(prog, 0, sizeof(*prog));
	prog->id = info.id;
	prog->type = info.type;
	memcpy(prog->name, info.name, sizeof(prog->name) - 1);
	prog->runs = info.run_cnt;
	prog->ns = info.run_time_ns;
	n = info.nr_map_ids < MAX_MAPS ? info.nr_map_ids : MAX_MAPS;
	prog->map_bytes = maps_memory(ids, n);
	for (__u32 i = 0; i < n; i++) {
		for (size_t j = 0; j < nours; j++)
			prog->ours |= ids[i] == ours[j];
	}
	return 0;
}

/* All programs of the machine, by id. */
static int progs_read(const struct options *opt, struct progs *p)
{
	size_t nours;
	__u32 *ours = our_maps(opt, &nours), id = 0;
	int err = ours ? 0 : -ENOMEM;

	p->n = 0;
	p->time = now();
	while (!err && !bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0 && errno == ENOENT)
			continue; /* it has gone meanwhile */
		if (fd < 0) {
			err = -errno;
			break;
		}
		err = progs_add(p, fd, ours, nours);
		close(fd);
	}
	if (!err && errno != ENOENT)
		err = -errno;
	free(ours);
	return err;
}

/* Sets the growth of NOW since OLD; both are sorted by id. */
static void progs_compare(struct progs *p, const struct progs *old)
{
	size_t j = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct prog *prog = &p->prog[i];

		prog->new_runs = prog->runs;
		prog->new_ns = prog->ns;
		while (j < old->n && old->prog[j].id < prog->id)
			j++;
		if (j == old->n || old->prog[j].id != prog->id)
			continue;
		prog->new_runs = counter_growth(true, prog->runs, old->prog[j].runs);
		prog->new_ns = counter_growth(true, prog->ns, old->prog[j].ns);
	}
}

static int by_cost(const void *a, const void *b)
{
	const struct prog *p = *(struct prog *const *)a, *q = *(struct prog *const *)b;

	if (p->new_ns != q->new_ns)
		return p->new_ns < q->new_ns ? 1 : -1;
	return p->id < q->id ? -1 : p->id > q->id;
}

static void show_prog(struct out *o, const struct prog *p, double seconds)
{
	const char *type = libbpf_bpf_prog_type_str(p->type);
	double percent = p->new_ns / seconds / 1e7;
	char text[32];

	snprintf(text, sizeof(text), "%.2f", percent);
	out_row(o);
	out_u64(o, p->id);
	out_str(o, type ? type : "?");
	out_str(o, p->name);
	out_str(o, p->ours ? "yes" : "");
	out_u64(o, p->new_runs);
	out_u64(o, p->new_ns);
	out_u64(o, p->new_runs / seconds + 0.5);
	out_u64(o, p->new_runs ? (p->new_ns + p->new_runs / 2) / p->new_runs : 0);
	out_str(o, text);
	out_u64(o, p->map_bytes);
	json_flag("ours", p->ours);
	json_double("cpu_percent", percent);
}

static int show(const struct options *opt, struct progs *p, double seconds)
{
	struct prog **order = zalloc(p->n, sizeof(*order));
	struct out *o;

	for (size_t i = 0; i < p->n; i++)
		order[i] = &p->prog[i];
	qsort(order, p->n, sizeof(*order), by_cost);
	out_screen(opt);
	if (!json_on() && !p->n)
		puts("no BPF program is loaded");
	json_open(NULL, '{');
	o = OUT_ROWS(opt, "rows", NULL, cols);
	for (size_t i = 0; i < p->n; i++)
		show_prog(o, order[i], seconds);
	out_end(o);
	json_double("seconds", seconds);
	json_close();
	free(order);
	return fflush(stdout) ? -errno : 0;
}

static int progs_run(const struct options *opt)
{
	unsigned long count = opt->interval > 0 ? opt->count : 1;
	struct progs old = {}, new = {};
	int stats, err;

	if (look)
		return insns_run(opt, look);
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0) {
		fail("statistics of BPF programs: %s: %s", strerror(errno),
		     errno == EPERM ? "run as root" : "Linux 5.8 or newer is needed");
		return 1;
	}
	err = progs_read(opt, &old);
	for (unsigned long i = 0; !err && (!count || i < count); i++) {
		struct progs swap;

		wait_seconds(opt->interval > 0 ? opt->interval : 1);
		err = progs_read(opt, &new);
		if (err)
			break;
		progs_compare(&new, &old);
		err = show(opt, &new, new.time - old.time);
		swap = old;
		old = new;
		new = swap;
	}
	if (err)
		fail("programs: %s", strerror(-err));
	free(old.prog);
	free(new.prog);
	close(stats);
	return err < 0;
}

static const char *progs_wrong(const struct options *opt)
{
	return look && opt->interval > 0 ? "--look and -i: choose one" : NULL;
}

static const struct arg progs_args[] = {
	{ .name = "look",
	  .takes = "ID,...",
	  .kind = ARG_TEXT,
	  .to = &look,
	  .help = "the values that these programs can return, and whether they use skb->tc_index" },
	{},
};

/* clang-format off */
static const struct field fields[] = {
	{ "PROGRAM, program; OURS, ours; RUNS, runs; RUNS/S, runs_per_s; NS/RUN, ns_per_run; CPU%, cpu_percent; run_ns; MAP-BYTES, map_bytes",
	  "A program of this machine, its runs, the time per run, and the memory of its maps." },
	{ "MAPS, maps",
	  "Our maps that a program uses." },
	{ "RETURNS, returns; TC_INDEX, tc_index",
	  "With --look: the values that a program can return, and whether it reads or writes "
	  "tc_index; \"?\" if its instructions do not show it." },
	{}
};
/* clang-format on */

VERB(progs, .fields = fields, .help = "what each BPF program of the machine costs",
     .run = progs_run, .takes = VERB_REPEATS, .args = progs_args, .wrong = progs_wrong)
