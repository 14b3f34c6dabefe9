// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins.c - opens pinned maps, refuses those of another shape, reads them in batches.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hookmap.h"

#define PIN(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                                \
	{ #NAME, BPF_MAP_TYPE_##TYPE, sizeof(KEY), sizeof(VALUE), ENTRIES },

const struct pin hookmap_pins[] = { HM_MAPS(PIN) };
const size_t hookmap_pins_len = sizeof(hookmap_pins) / sizeof(hookmap_pins[0]);

const struct pin *pin_find(const char *name)
{
	for (size_t i = 0; i < hookmap_pins_len; i++) {
		if (!strcmp(hookmap_pins[i].name, name))
			return &hookmap_pins[i];
	}
	return NULL;
}

char *pin_path(const struct options *opt, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/tc/globals/%s", opt->bpffs, name);
	return buf;
}

/* Could another user have created the directory AT, or change what is pinned there? As pins_own
 * in scripts/lib.sh. */
static bool foreign(const struct stat *at, const struct stat *root, bool is_root)
{
	if (!S_ISDIR(at->st_mode))
		return true;
	if (at->st_uid && at->st_uid != geteuid() && at->st_uid != root->st_uid)
		return true;
	return at->st_mode & 022 && !(is_root && at->st_mode & S_ISVTX);
}

int pin_get(const struct options *opt, const char *path, __u32 flags)
{
	static const char *const below[] = { "", "/tc", "/tc/globals", "/hookmap" };
	LIBBPF_OPTS(bpf_obj_get_opts, get, .file_flags = flags);
	int fd = bpf_obj_get_opts(path, &get);
	struct stat root, st;
	char dir[4096];

	if (fd < 0 || stat(opt->bpffs, &root))
		return fd;
	/* what was opened was there, so its directories are */
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(dir, sizeof(dir), "%s%s", opt->bpffs, below[i]);
		if ((i ? lstat : stat)(dir, &st) || !foreign(&st, &root, !i))
			continue;
		fail("%s belongs to user %u (mode %o), and others could change what is pinned "
		     "there: remove it, and mount the bpf filesystem for root alone (mount -o "
		     "remount,mode=700 %s)",
		     dir, st.st_uid, st.st_mode & 07777, opt->bpffs);
		exit(1);
	}
	return fd;
}

const char *pin_differs(const struct pin *pin, const struct bpf_map_info *info)
{
	static char text[64];

	if (info->type != pin->type)
		snprintf(text, sizeof(text), "type is %u, expected %u", info->type, pin->type);
	else if (info->key_size != pin->key_size)
		snprintf(text, sizeof(text), "key is %u bytes, expected %u", info->key_size,
			 pin->key_size);
	else if (info->value_size != pin->value_size)
		snprintf(text, sizeof(text), "value is %u bytes, expected %u", info->value_size,
			 pin->value_size);
	else if (pin->entries && info->max_entries != pin->entries)
		snprintf(text, sizeof(text), "it has %u entries, expected %u", info->max_entries,
			 pin->entries);
	else
		return NULL;
	return text;
}

bool pin_there(const struct options *opt, const char *name)
{
	char path[4096];

	return !access(pin_path(opt, name, path, sizeof(path)), F_OK) || errno != ENOENT;
}

/* The arguments of attach.sh that create the map at PATH. */
static const char *pin_maker(const char *path)
{
	static const char *const makers[][2] = {
		{ "drop_", "--host drops" }, { "xdp_", "--host drops" },
		{ "l2_", "DEV l2fwd" },	     { "pol_", "DEV policy" },
		{ "path_", "--host path" },  { "pktlat_", "--host pktlat" },
		{ "napi_", "--host napi" },  { "exec_", "--host exec" },
		{ "open_", "--host open" },  { "ovs", "--host ovslat" },
	};
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (!strncmp(name, makers[i][0], strlen(makers[i][0])))
			return makers[i][1];
	}
	return "DEV";
}

void pin_fail(const char *path, int err)
{
	if (err == -ENOENT)
		fail("map %s: not there: attach first (scripts/attach.sh %s)", path,
		     pin_maker(path));
	else if (err == -EPERM || err == -EACCES)
		fail("map %s: %s: run as root, or with CAP_BPF and access to the pin", path,
		     strerror(-err));
	else
		fail("map %s: %s", path, strerror(-err));
}

int pin_info(int fd, const char *path, struct bpf_map_info *info)
{
	char link[64], target[64] = "";
	__u32 len = sizeof(*info);
	int err;

	/* the kernel would fill INFO for a program as well */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0 ||
	    strcmp(target, "anon_inode:bpf-map")) {
		fail("%s is not a map: not ours, remove it or use --bpffs", path);
		return -EPROTO;
	}
	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &len)) {
		err = -errno;
		pin_fail(path, err);
		return err;
	}
	return 0;
}

int pin_open(const struct options *opt, const char *name, bool required)
{
	const struct pin *pin = pin_find(name);
	struct bpf_map_info info;
	const char *differs;
	char path[4096];
	int fd, err;

	pin_path(opt, name, path, sizeof(path));
	/* reading a ring buffer moves its position */
	fd = pin_get(opt, path, pin->type == BPF_MAP_TYPE_RINGBUF ? 0 : BPF_F_RDONLY);
	if (fd < 0) {
		err = -errno;
		if (err != -ENOENT || required)
			pin_fail(path, err);
		return err;
	}
	err = pin_info(fd, path, &info);
	if (err) {
		close(fd);
		return err;
	}
	differs = pin_differs(pin, &info);
	if (differs) {
		fail("map %s: %s: made by another version, detach with that one or remove the pin",
		     path, differs);
		close(fd);
		return -EPROTO;
	}
	return fd;
}

static bool pin_percpu(const struct pin *pin)
{
	return pin->type == BPF_MAP_TYPE_PERCPU_HASH || pin->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

size_t pin_value_size(const struct pin *pin)
{
	if (!pin_percpu(pin))
		return pin->value_size;
	return (size_t)(pin->value_size + 7) / 8 * 8 * libbpf_num_possible_cpus();
}

/* Shows that N entries of a large map were read, only on a terminal, and if the entries themselves
 * go elsewhere. DONE removes the line. */
static void progress(const struct pin *pin, __u64 n, bool done)
{
	static int shown = -1;

	if (shown < 0)
		shown = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
	if (!shown || n < 16384)
		return;
	if (done)
		fputs("\r\033[K", stderr);
	else
		fprintf(stderr, "\r\033[Kreading %s: %llu entries", pin->name, n);
}

int pin_each(int fd, const struct pin *pin,
	     int (*each)(const void *key, const void *value, void *arg), void *arg)
{
	/* a batch must hold at least one chain of the hash; ENOSPC asks for more. A map
	 * of any number of entries (0) may be large. */
	__u32 size = !pin->entries ? 8192 : pin->entries < 256 ? pin->entries : 256;
	size_t value_size = pin_value_size(pin);
	char *keys = NULL, *values = NULL;
	char cursor[128];
	bool first = true;
	__u64 total = 0;
	int err = 0;

	if (pin->key_size > sizeof(cursor))
		return -E2BIG;
	for (;;) {
		__u32 n = size;

		if (!keys) {
			keys = malloc((size_t)size * pin->key_size);
			values = malloc(size * value_size);
			if (!keys || !values) {
				err = -ENOMEM;
				break;
			}
		}
		err = bpf_map_lookup_batch(fd, first ? NULL : cursor, cursor, keys, values, &n,
					   NULL);
		if (err && errno == ENOSPC && (!pin->entries || size < pin->entries)) {
			free(keys);
			free(values);
			keys = values = NULL;
			size *= 2;
			continue;
		}
		if (err && errno != ENOENT) {
			err = -errno;
			break;
		}
		first = false;
		total += n;
		progress(pin, total, false);
		for (__u32 i = 0; i < n; i++) {
			int stop = each(keys + (size_t)i * pin->key_size, values + i * value_size,
					arg);

			if (stop) {
				err = stop;
				goto out;
			}
		}
		if (err) { /* ENOENT: that was the last batch */
			err = 0;
			break;
		}
	}
out:
	progress(pin, total, true);
	free(keys);
	free(values);
	return err;
}

__u32 feature_bit(const char *feature)
{
#define BIT(NAME) !strcmp(feature, #NAME) ? HM_FEAT_##NAME:
	return HM_FEATURES(BIT) 0;
#undef BIT
}

/* Takes FD. */
static int info_read(int fd, struct bpf_prog_info *prog)
{
	__u32 len = sizeof(*prog);
	int err = bpf_obj_get_info_by_fd(fd, prog, &len) ? -errno : 0;

	close(fd);
	return err;
}

int program_info(__u32 id, struct bpf_prog_info *prog)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : info_read(fd, prog);
}

/* Of a program, or of the program of a link, pinned at PATH. */
static int pinned_program(const struct options *opt, const char *path, struct bpf_prog_info *prog)
{
	struct bpf_link_info link = {};
	__u32 len = sizeof(link);
	char name[64], target[64] = "";
	int fd = pin_get(opt, path, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (readlink(name, target, sizeof(target) - 1) < 0)
		target[0] = 0;
	if (!strcmp(target, "anon_inode:bpf_link") || !strcmp(target, "anon_inode:bpf-link")) {
		err = bpf_obj_get_info_by_fd(fd, &link, &len);
		close(fd);
		fd = err ? -1 : bpf_prog_get_fd_by_id(link.prog_id);
	} else if (strcmp(target, "anon_inode:bpf-prog")) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		return -ENOENT;
	memset(prog, 0, sizeof(*prog));
	return info_read(fd, prog);
}

static void programs_each(const struct options *opt, const char *feature,
			  void (*each)(const struct bpf_prog_info *prog, __u64 *value),
			  __u64 *value)
{
	struct bpf_prog_info prog;
	struct dirent *entry;
	char path[4096];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/hookmap/%s", opt->bpffs, feature);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/hookmap/%s/%s", opt->bpffs, feature,
			 entry->d_name);
		if (!pinned_program(opt, path, &prog))
			each(&prog, value);
	}
	if (dir)
		closedir(dir);
}

static void add_missed(const struct bpf_prog_info *prog, __u64 *sum)
{
	*sum += prog->recursion_misses;
}

__u64 programs_missed(const struct options *opt, const char *feature)
{
	__u64 sum = 0;

	programs_each(opt, feature, add_missed, &sum);
	return sum;
}

static void first_loaded(const struct bpf_prog_info *prog, __u64 *first)
{
	if (!*first || prog->load_time < *first)
		*first = prog->load_time;
}

void programs_since(const struct options *opt, const char *feature)
{
	__u64 first = 0;
	char text[64];
	struct tm tm;
	time_t t;

	programs_each(opt, feature, first_loaded, &first);
	if (!first)
		return;
	t = (clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) + first) / 1000000000;
	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		printf("counted since %s (detach and attach to reset)\n", text);
}

int pin_value(const struct options *opt, const char *name, bool required, void *value)
{
	const struct pin *pin = pin_find(name);
	size_t size = pin_value_size(pin);
	int fd = pin_open(opt, name, required);
	__u32 zero = 0;
	char *values;
	int err = 0;

	if (fd < 0)
		return fd;
	values = calloc(1, size);
	if (!values || bpf_map_lookup_elem(fd, &zero, values))
		err = -errno;
	else if (size == pin->value_size)
		memcpy(value, values, size);
	else /* per CPU, all of __u64 */
		for (size_t i = 0; i < size / 8; i++)
			((__u64 *)value)[i % (pin->value_size / 8)] += ((__u64 *)values)[i];
	if (err)
		fail("%s: %s", name, strerror(-err));
	free(values);
	close(fd);
	return err;
}

int pin_read(const struct options *opt, const char *name, bool required, struct generation *g,
	     int (*each)(const void *key, const void *value, void *arg), void *arg)
{
	int fd = pin_open(opt, name, required), err = 0;

	if (fd < 0)
		return fd == -ENOENT && !required ? 0 : fd;
	if (g)
		err = generation_get(fd, g);
	if (!err)
		err = pin_each(fd, pin_find(name), each, arg);
	close(fd);
	if (err)
		fail("map %s: %s", name, strerror(-err));
	return err;
}
