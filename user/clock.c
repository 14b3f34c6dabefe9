// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - hookmap clock: how far CLOCK_REALTIME is from CLOCK_MONOTONIC and, with
 * --ptp DEV, from a PTP hardware clock. scripts/clock.sh passes it to pktlat.
 *
 * Each is measured by reading one clock between two readings of the other; the
 * narrowest of several tries counts, and half its width is the error.
 *
 * JSON: {"real_ns", "real_error_ns", "tai_ns", "ptp_ns", "ptp_error_ns", "mono_ns"}
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "verb.h"

static const char *device; /* --ptp */

#define TRIES 20

static long long ptp_ns_of(const struct ptp_clock_time *t)
{
	return t->sec * 1000000000LL + t->nsec;
}

/* One try: OTHER was read between SYS1 and SYS2. */
static void offset_better(struct clock_offset *best, long long sys1, long long other,
			  long long sys2)
{
	__u64 error = (sys2 - sys1 + 1) / 2;

	if (best->valid && best->error <= error)
		return;
	best->valid = true;
	best->error = error;
	best->ns = sys1 + (sys2 - sys1) / 2 - other;
}

void clock_offset(clockid_t clock, struct clock_offset *o)
{
	memset(o, 0, sizeof(*o));
	for (int i = 0; i < TRIES; i++) {
		long long a = clock_ns(clock), m = clock_ns(CLOCK_MONOTONIC);

		offset_better(o, a, m, clock_ns(clock));
	}
}

int clock_ptp(const char *path, struct clock_offset *o)
{
	struct ptp_sys_offset_extended ext = { .n_samples = TRIES };
	struct ptp_sys_offset basic = { .n_samples = TRIES };
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	memset(o, 0, sizeof(*o));
	if (fd < 0) {
		err = -errno;
		fail("clock %s: %s", path, strerror(errno));
		return err;
	}
	if (!ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &ext)) {
		for (unsigned i = 0; i < ext.n_samples; i++)
			offset_better(o, ptp_ns_of(&ext.ts[i][0]), ptp_ns_of(&ext.ts[i][1]),
				      ptp_ns_of(&ext.ts[i][2]));
	} else if (!ioctl(fd, PTP_SYS_OFFSET, &basic)) {
		/* system and device times by turns, the system's first and last */
		for (unsigned i = 0; i < basic.n_samples; i++)
			offset_better(o, ptp_ns_of(&basic.ts[2 * i]),
				      ptp_ns_of(&basic.ts[2 * i + 1]),
				      ptp_ns_of(&basic.ts[2 * i + 2]));
	} else {
		err = -errno;
		fail("clock %s: is it a PTP clock? %s", path, strerror(errno));
	}
	close(fd);
	return err;
}

void wait_seconds(double seconds)
{
	struct timespec t = { .tv_sec = seconds, .tv_nsec = (seconds - (long)seconds) * 1e9 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

bool next_interval(const struct options *opt, unsigned long *n)
{
	if (opt->count && *n == opt->count)
		return false;
	++*n;
	wait_seconds(opt->interval);
	return true;
}

static int clock_run(const struct options *opt)
{
	struct clock_offset real, tai, ptp = {};
	__u64 now;

	(void)opt;
	clock_offset(CLOCK_REALTIME, &real);
	clock_offset(CLOCK_TAI, &tai);
	now = clock_ns(CLOCK_MONOTONIC);
	if (device && clock_ptp(device, &ptp))
		return 1;
	if (json_on()) {
		json_open(NULL, '{');
		json_s64("real_ns", real.ns);
		json_s64("real_error_ns", real.error);
		json_s64("tai_ns", tai.ns);
		if (ptp.valid) {
			json_s64("ptp_ns", ptp.ns);
			json_s64("ptp_error_ns", ptp.error);
		}
		json_s64("mono_ns", now);
		json_close();
		return 0;
	}
	printf("realtime - monotonic: %lld ns, error at most %llu ns\n", real.ns, real.error);
	if (ptp.valid)
		printf("realtime - %s: %lld ns, error at most %llu ns\n", device, ptp.ns,
		       ptp.error);
	return 0;
}

static const struct arg clock_args[] = { ARG_PTP(&device), {} };

/* clang-format off */
static const struct field fields[] = {
	{ "real_ns, real_error_ns, tai_ns, mono_ns, ptp_ns",
	  "Offsets between clocks, and their error." },
	{}
};
/* clang-format on */

VERB(clock, .fields = fields, .help = "offsets between clocks (--ptp)", .run = clock_run,
     .commands = "set", .args = clock_args)
