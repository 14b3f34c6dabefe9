// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptp - stands in for a PTP clock, for the tests: no NIC of a virtual machine has one.
 * Loaded with LD_PRELOAD, it answers the two ioctls that compare clocks, on any device.
 *
 *   HM_PTP_BEHIND  file that says by how many ns the clock is behind CLOCK_REALTIME
 *   HM_PTP_BASIC   set: the driver knows only the older of the two
 *
 * Each reading of the device is in the middle of 2000 ns: an error of at most 1000.
 */
#include <errno.h>
#include <linux/ptp_clock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HALF_NS 1000

static long long behind(void)
{
	FILE *f = fopen(getenv("HM_PTP_BEHIND"), "r");
	long long ns;

	if (!f || fscanf(f, "%lld", &ns) != 1)
		abort();
	fclose(f);
	return ns;
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct ptp_clock_time ptp_time(long long ns)
{
	return (struct ptp_clock_time){ .sec = ns / 1000000000, .nsec = ns % 1000000000 };
}

static int extended(struct ptp_sys_offset_extended *o)
{
	long long ns = behind(), t = now();

	if (getenv("HM_PTP_BASIC")) {
		errno = EOPNOTSUPP;
		return -1;
	}
	for (unsigned i = 0; i < o->n_samples; i++, t += 3 * HALF_NS) {
		o->ts[i][0] = ptp_time(t);
		o->ts[i][1] = ptp_time(t + HALF_NS - ns);
		o->ts[i][2] = ptp_time(t + 2 * HALF_NS);
	}
	return 0;
}

static int basic(struct ptp_sys_offset *o)
{
	long long ns = behind(), t = now();
	unsigned i;

	for (i = 0; i < o->n_samples; i++, t += 2 * HALF_NS) {
		o->ts[2 * i] = ptp_time(t);
		o->ts[2 * i + 1] = ptp_time(t + HALF_NS - ns);
	}
	o->ts[2 * i] = ptp_time(t);
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == PTP_SYS_OFFSET_EXTENDED)
		return extended(arg);
	if (request == PTP_SYS_OFFSET)
		return basic(arg);
	return syscall(SYS_ioctl, fd, request, arg);
}
