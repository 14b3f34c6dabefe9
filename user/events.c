// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - reads a pinned ring buffer: first the buffered events, then new ones.
 *
 * The programs do not wake the reader, which polls twenty times a second. Only one reader at a
 * time: two would take each other's events, and move the same position. Unread events stay until
 * the buffer is full; later events are lost and counted, and the count is always shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "events.h"

struct events_asked events_asked;

#define LOOK_MS	      50
#define FILEID_KERNFS 0xfe /* the kernel's */

/* Of a ring buffer, over all CPUs */
struct counts {
	struct trace_stat ring;
	__u64 more;
	__u64 missed; /* runs of the programs that the kernel left out */
};

struct reader {
	const struct options *opt;
	const struct events *ev;
	struct line line;
	unsigned long shown;
	bool done;
	__u64 start, round; /* CLOCK_MONOTONIC, ns: when reading began, and this round of it */
	ino_t pin;	    /* of the ring buffer */
	int stat_fd, filter_fd;
	bool cgroup_gone;
	struct counts first, last;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

const char *error_name(int err)
{
	const char *name = strerrorname_np(err);

	if (err == TRACE_TRAPPED)
		name = "SIGSYS";
	/* the kernel's own, which no program should see */
	else if (!name)
		name = err == 512 ? "ERESTARTSYS" : err == 513 ? "ERESTARTNOINTR" : "?";
	return name;
}

/* The directory of the cgroup with this id: a descriptor or -errno; -ESTALE: it is gone. A cgroup
 * that is created again, as by the restart of a service, has another id. */
static int cgroup_open(__u64 id)
{
	struct {
		struct file_handle head;
		__u64 id;
	} handle = { { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS }, id };
	FILE *f = setmntent("/proc/self/mounts", "re");
	int dir = -1, fd = -ENOENT;
	struct mntent *m;

	while (f && dir < 0 && (m = getmntent(f))) {
		if (!strcmp(m->mnt_type, "cgroup2"))
			dir = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (f)
		endmntent(f);
	if (dir >= 0) {
		fd = open_by_handle_at(dir, &handle.head, O_RDONLY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
		close(dir);
	}
	return fd;
}

static bool cgroup_path(__u64 id, char *buf, size_t size)
{
	int fd = cgroup_open(id);
	ssize_t len = -1;
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd >= 0) {
		len = readlink(link, buf, size - 1);
		close(fd);
	}
	buf[len < 0 ? 0 : len] = 0;
	return len > 0 && !access(buf, F_OK);
}

void trace_settings(struct settings *s, const char *map)
{
	struct trace_filter f = {};
	char text[4096] = "any";

	if (settings_value(s, map, &f))
		return;
	if (f.flags & TRACE_F_UID)
		set_number(s, "uid", f.uid, ~0ULL);
	else
		set_text(s, "uid", "any", "any");
	if (f.flags & TRACE_F_PID)
		set_number(s, "pid", f.pid, 0);
	else
		set_text(s, "pid", "any", "any");
	snprintf(text, sizeof(text), "%.16s", f.flags & TRACE_F_NAME ? f.name : "any");
	set_text(s, "name", text, f.flags & TRACE_F_NAME ? NULL : "any");
	if (!(f.flags & TRACE_F_CGROUP))
		set_text(s, "cgroup", "any", "any");
	else if (cgroup_path(f.cgroup, text, sizeof(text)))
		set_text(s, "cgroup", text, NULL);
	else
		set_unknown(s, "cgroup", line_number(f.cgroup, text),
			    "there is no cgroup with this id");
}

/* --- the buffer */

/* A tool's counters: a trace_stat, and perhaps one more */
struct stat_reading {
	struct counts *sum;
	size_t size; /* of the counters of one CPU */
	const struct events *ev;
};

static int stat_sum(const void *key, const void *value, void *arg)
{
	const struct stat_reading *rd = arg;
	int cpus = libbpf_num_possible_cpus();

	(void)key;
	for (int i = 0; i < cpus; i++) {
		const char *of_cpu = (const char *)value + i * rd->size;
		const struct trace_stat *st = (const void *)(of_cpu + rd->ev->stat_at);

		rd->sum->ring.events += st->events;
		rd->sum->ring.lost += st->lost;
		rd->sum->ring.full += st->full;
		if (rd->ev->more)
			rd->sum->more += *(const __u64 *)(of_cpu + rd->ev->more_at);
	}
	return 0;
}

static void stat_read(struct reader *r, struct counts *sum)
{
	const struct pin *pin = pin_find(r->ev->stat);
	struct stat_reading rd = { sum, pin->value_size, r->ev };

	memset(sum, 0, sizeof(*sum));
	pin_each(r->stat_fd, pin, stat_sum, &rd);
}

static void show_lost(struct reader *r)
{
	struct counts now;
	__u64 lost;

	stat_read(r, &now);
	lost = counter_growth(true, now.ring.lost, r->last.ring.lost);
	if (!lost)
		return;
	r->last = now;
	line_begin(&r->line);
	if (json_on())
		json_u64("lost", lost);
	else
		printf("--- %llu events lost: the buffer was full ---", lost);
	line_end(&r->line);
}

static void show_before(__u64 n)
{
	if (n)
		printf(" (and %llu before)", n);
}

/* If the file system cannot tell, it is there. */
static bool cgroup_is_gone(__u64 id)
{
	int fd = cgroup_open(id);

	if (fd >= 0)
		close(fd);
	return fd == -ESTALE;
}

static void filter_check(struct reader *r)
{
	struct trace_filter filter;
	__u32 zero = 0;

	r->cgroup_gone = r->filter_fd >= 0 && !bpf_map_lookup_elem(r->filter_fd, &zero, &filter) &&
			 filter.flags & TRACE_F_CGROUP && cgroup_is_gone(filter.cgroup);
}

/* Counts since this reader started, and before: both are in the same map. */
static void show_end(struct reader *r)
{
	const struct counts *first = &r->first;
	struct counts now;

	stat_read(r, &now);
	now.missed = programs_missed(r->opt, r->ev->feature);
	filter_check(r);
	counters_growth(true, (__u64 *)&now, (const __u64 *)first, sizeof(now) / sizeof(__u64));
	line_begin(&r->line);
	if (json_on()) {
		json_u64("events", r->shown);
		json_u64("lost", now.ring.lost);
		json_u64("lost_before", first->ring.lost);
		json_u64("table_full", now.ring.full);
		json_u64("table_full_before", first->ring.full);
		json_u64("missed", now.missed);
		if (r->ev->more) {
			json_u64("unread", now.more);
			json_u64("unread_before", first->more);
		}
		if (r->cgroup_gone)
			json_flag("cgroup_gone", true);
		settings_show(r->opt, r->ev->feature);
	} else {
		printf("%lu %s, %llu events lost", r->shown, r->ev->what ? r->ev->what : "events",
		       now.ring.lost);
		if (first->ring.lost)
			printf(" (and %llu before, without a reader or too fast for it)",
			       first->ring.lost);
		if (now.ring.full | first->ring.full) {
			printf(", table full %llu times", now.ring.full);
			show_before(first->ring.full);
		}
		if (now.missed)
			printf(", %llu runs of the programs skipped by the kernel", now.missed);
		if (now.more | first->more) {
			printf(", %llu %s", now.more, r->ev->more);
			show_before(first->more);
		}
		if (r->cgroup_gone)
			printf(", the cgroup of --cgroup is gone");
	}
	line_end(&r->line);
}

static void showed(struct reader *r, int n)
{
	r->shown += n;
	if (!r->opt->count)
		return;
	r->done = r->shown >= r->opt->count;
	r->line.left = r->opt->count - r->shown;
}

/* A round ends at the first event newer than its start: events may arrive as fast as they are
 * shown, and signals, losses and a closed pipe must be noticed even then. */
static int on_event(void *ctx, void *data, size_t size)
{
	struct reader *r = ctx;
	__u64 time;

	if (size < r->ev->least)
		return 0;
	memcpy(&time, (const char *)data + r->ev->time, sizeof(time));
	if (!events_asked.fresh || time >= r->start)
		showed(r, r->ev->show(&r->line, data, size));
	return r->done || stop || time > r->round ? -ECANCELED : 0;
}

/* The lock is on the directory of the feature's links. */
int reader_lock(const struct options *opt, const char *feature)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/hookmap/%s", opt->bpffs, feature);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) { /* attached by hand */
		snprintf(path, sizeof(path), "%s/tc/globals", opt->bpffs);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		fail("%s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		fail("%s: another reader is running: only one at a time", feature);
		close(fd);
		return -1;
	}
	return fd;
}

/* The inode of the map's pin; 0 if it is gone. */
ino_t pin_inode(const struct options *opt, const char *map)
{
	char path[4096];
	struct stat st;

	return stat(pin_path(opt, map, path, sizeof(path)), &st) ? 0 : st.st_ino;
}

/* It may have been attached again, and be another one. */
int pin_same(const struct options *opt, const char *feature, const char *map, ino_t pin)
{
	if (pin_inode(opt, map) == pin)
		return 0;
	fail("%s: the pin of map %s is gone: detached", feature, map);
	return -ESTALE;
}

static int read_loop(struct reader *r, struct ring_buffer *rb)
{
	int err = 0;

	for (unsigned long n = 0; !stop && !r->done; n++) {
		if (!events_asked.drain)
			poll(NULL, 0, LOOK_MS); /* a signal ends it */
		r->round = clock_ns(CLOCK_MONOTONIC);
		err = ring_buffer__consume(rb);
		if (err < 0 && err != -ECANCELED)
			return err;
		err = 0;
		if (r->ev->idle && !r->done) {
			showed(r, r->ev->idle(&r->line, clock_ns(CLOCK_MONOTONIC),
					      events_asked.drain));
		}
		show_lost(r);
		if (fflush(stdout))
			return -errno;
		if (events_asked.drain)
			break;
		line_zone(&r->line);
		if (n % 20 == 19)
			err = pin_same(r->opt, r->ev->feature, r->ev->ring, r->pin);
		if (err)
			return err;
		if (n % 20 == 19)
			filter_check(r);
		if (r->cgroup_gone) {
			fail("%s: the cgroup of --cgroup is gone: attach again", r->ev->feature);
			return -ESTALE;
		}
	}
	if (r->ev->idle && !r->done)
		showed(r, r->ev->idle(&r->line, clock_ns(CLOCK_MONOTONIC), true));
	return 0;
}

int events_run(const struct options *opt, const struct events *ev)
{
	struct reader r = { .opt = opt, .ev = ev, .stat_fd = -1, .filter_fd = -1 };
	int ring_fd, lock_fd = -1, err = -1;
	/* the second one ends us even if nobody reads our output */
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	struct ring_buffer *rb = NULL;

	r.start = clock_ns(CLOCK_MONOTONIC);
	r.pin = pin_inode(opt, ev->ring);
	ring_fd = pin_open(opt, ev->ring, true);
	if (ring_fd < 0)
		return 1;
	r.stat_fd = pin_open(opt, ev->stat, true);
	if (r.stat_fd < 0)
		goto out;
	if (ev->filter) {
		r.filter_fd = pin_open(opt, ev->filter, true);
		if (r.filter_fd < 0)
			goto out;
	}
	lock_fd = reader_lock(opt, ev->feature);
	if (lock_fd < 0)
		goto out;
	rb = ring_buffer__new(ring_fd, on_event, &r, NULL);
	if (!rb) {
		err = -errno;
		fail("map %s: cannot be read: %s", ev->ring, strerror(errno));
		goto out;
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	r.line.left = opt->count;
	r.line.color = opt->color;
	line_zone(&r.line);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	stat_read(&r, &r.first);
	r.first.missed = programs_missed(opt, ev->feature);
	r.last = r.first;
	if (!json_on())
		settings_show(opt, ev->feature);
	if (!json_on() && ev->head)
		printf("%s\n", ev->head);
	fflush(stdout);
	err = read_loop(&r, rb);
	if (err == -EPIPE) { /* as with "| head" */
		err = 0;
		goto out;
	}
	if (err && err != -ESTALE)
		fail("%s: %s", ev->feature, strerror(-err));
	show_end(&r);
	fflush(stdout);
out:
	ring_buffer__free(rb);
	if (lock_fd >= 0)
		close(lock_fd);
	if (r.filter_fd >= 0)
		close(r.filter_fd);
	if (r.stat_fd >= 0)
		close(r.stat_fd);
	close(ring_fd);
	return err != 0;
}
