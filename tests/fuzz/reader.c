// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz/reader - libFuzzer on all that the reader reads: values and keys of every map,
 * records of ring buffers, the file of --since, the text of --explain.
 *
 *   make fuzz, or build/fuzz/reader CORPUS-DIR
 *
 * The reader's own files, with their main() by another name, over maps that are not
 * there: what libbpf would give comes from the input, again from its start when it is
 * used up. Its first byte chooses the command.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "out.h"

enum { CPUS = 2, FDS = 1024, RECORDS = 6 };

int hookmap_main(int argc, char **argv);

#define FILE_ARG "FILE"
#define TEXT_ARG "TEXT"

static const char *const command[][6] = {
	{ "latency", "-j", "--buckets" },
	{ "latency", "--hist" },
	{ "latency", "--prom" },
	{ "latency", "--hgrm" },
	{ "drops", "-j", "--all" },
	{ "drops", "--all" },
	{ "drops", "--prom" },
	{ "drops", "-s", "reason" },
	{ "drops", "-n", "3", "-j" },
	{ "drops", "--explain" },
	{ "drops", "--since", FILE_ARG },
	{ "drops", "--since", FILE_ARG, "-j" },
	{ "drops", "--samples" },
	{ "drops", "--samples", "-j" },
	{ "fdb" },
	{ "fdb", "-j" },
	{ "fdb", "--prom" },
	{ "policy" },
	{ "policy", "-j" },
	{ "policy", "--prom" },
	{ "policy", "--explain", TEXT_ARG },
	{ "exec", "--drain" },
	{ "exec", "--drain", "-j" },
	{ "open", "--drain" },
	{ "open", "--drain", "-j" },
	{ "path", "--drain" },
	{ "path", "--drain", "-j" },
	{ "path", "--drain", "--to", TEXT_ARG },
	{ "pktlat" },
	{ "pktlat", "-j" },
	{ "pktlat", "--slow", "1", "--drain" },
	{ "pktlat", "--slow", "1", "--drain", "-j" },
	{ "napi", "-j" },
	{ "napi", "--since", FILE_ARG, "-j", "--buckets" },
	{ "pktlat", "--since", FILE_ARG },
	{ "pktlat", "--prom" },
	{ "ovslat", "-j" },
	{ "ovslat", "--hgrm" },
	{ "status", "-j" },
	{ "status" },
};
#define COMMANDS (sizeof(command) / sizeof(command[0]))

/* --- the input */

static const uint8_t *input;
static size_t input_size, input_at;
static unsigned long given; /* bytes, so that a short input has an end, too */

static uint8_t next(void)
{
	given++;
	return input_size ? input[input_at++ % input_size] : 0;
}

static void fill(void *to, size_t size)
{
	given += size;
	memset(to, 0, size);
	for (size_t n; size && input_size; size -= n, to = (char *)to + n) {
		n = input_size - input_at % input_size;
		n = n < size ? n : size;
		memcpy(to, input + input_at % input_size, n);
		input_at += n;
	}
}

/* Of a large value, only the beginning: each cell of it costs look-ups of names. */
static void fill_value(void *to, size_t size)
{
	memset(to, 0, size);
	fill(to, size < 1024 ? size : 1024);
}

static bool used_up(void)
{
	return given > 1 << 20;
}

/* --- maps */

static struct pin fds[FDS]; /* by descriptor; no name: not ours */
static const char *outer;   /* the array of maps that was asked last */
static int batches;

static int fake_open(const struct pin *pin)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0 || fd >= FDS)
		abort();
	fds[fd] = *pin;
	return fd;
}

int bpf_obj_get(const char *path)
{
	const struct pin *pin = pin_find(strrchr(path, '/') + 1);

	if (!pin || !strstr(path, "/tc/globals/") || !(next() & 31)) {
		errno = ENOENT;
		return -1;
	}
	return fake_open(pin);
}

int bpf_obj_get_opts(const char *path, const struct bpf_obj_get_opts *opts)
{
	(void)opts;
	return bpf_obj_get(path);
}

ssize_t readlink(const char *path, char *buf, size_t size)
{
	static const char is[] = "anon_inode:bpf-map";
	(void)path;

	memcpy(buf, is, size < sizeof(is) - 1 ? size : sizeof(is) - 1);
	return size < sizeof(is) - 1 ? size : sizeof(is) - 1;
}

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *len)
{
	struct bpf_map_info map = { .type = fds[fd].type,
				    .id = 1 + next(),
				    .key_size = fds[fd].key_size,
				    .value_size = fds[fd].value_size,
				    .max_entries = fds[fd].entries ?: 1024 };

	memset(info, 0, *len);
	memcpy(info, &map, *len < sizeof(map) ? *len : sizeof(map));
	return 0;
}

int bpf_map_get_fd_by_id(__u32 id)
{
	struct pin pin = { "inner", BPF_MAP_TYPE_ARRAY, sizeof(__u32), 0, 0 };

	(void)id;
	if (outer && !strcmp(outer, "pol_rules")) {
		pin.value_size = sizeof(struct pol_block);
	} else if (outer && !strcmp(outer, "pol_more")) {
		pin.value_size = sizeof(struct pol_block_more);
	} else if (outer && !strcmp(outer, "pol_count")) {
		pin.value_size = sizeof(struct pol_count);
	} else if (outer && !strcmp(outer, "pol_port")) {
		pin.type = BPF_MAP_TYPE_LPM_TRIE;
		pin.key_size = sizeof(struct pol_port_key);
		pin.value_size = sizeof(struct pol_port);
	} else if (outer && !strcmp(outer, "pol_iif")) {
		pin.type = BPF_MAP_TYPE_HASH;
		pin.key_size = sizeof(struct pol_iif_key);
		pin.value_size = sizeof(__u32);
	} else {
		errno = ENOENT;
		return -1;
	}
	return fake_open(&pin);
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	(void)key;
	if (fd < 0 || !fds[fd].name || used_up() || !(next() & 15)) {
		errno = ENOENT;
		return -1;
	}
	if (fds[fd].type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		outer = fds[fd].name;
	fill_value(value, pin_value_size(&fds[fd]));
	return 0;
}

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	__u32 n = next() % 24;

	(void)in, (void)out, (void)opts;
	if (n > *count)
		n = *count;
	for (__u32 i = 0; i < n; i++) {
		size_t size = pin_value_size(&fds[fd]);

		fill((char *)keys + i * fds[fd].key_size, fds[fd].key_size);
		fill_value((char *)values + i * size, size);
	}
	*count = n;
	if (batches++ < 10 && !used_up() && next() & 1)
		return 0;
	errno = ENOENT;
	return -1;
}

int libbpf_num_possible_cpus(void)
{
	return CPUS;
}

/* --- ring buffers */

struct ring_buffer {
	ring_buffer_sample_fn show;
	void *ctx;
	int rounds;
};

struct ring_buffer *ring_buffer__new(int fd, ring_buffer_sample_fn show, void *ctx,
				     const struct ring_buffer_opts *opts)
{
	struct ring_buffer *rb = calloc(1, sizeof(*rb));

	(void)fd, (void)opts;
	rb->show = show;
	rb->ctx = ctx;
	return rb;
}

void ring_buffer__free(struct ring_buffer *rb)
{
	free(rb);
}

int ring_buffer__epoll_fd(const struct ring_buffer *rb)
{
	(void)rb;
	return -1;
}

/* Each record is a piece of memory of its own, so that nobody reads beyond its end. */
int ring_buffer__consume(struct ring_buffer *rb)
{
	int err = 0;

	/* who ends a round with -ECANCELED comes again */
	for (int i = 0; i < RECORDS && (!err || err == -ECANCELED); i++) {
		static const uint16_t sizes[] = { 0, 8, 64, 112, 144, 208, 336, 512 };
		size_t size = next() & 1 ? sizes[next() & 7] : next() * 8;
		char *record = malloc(size ?: 1);

		fill(record, size);
		err = rb->show(rb->ctx, record, size);
		free(record);
	}
	return err < 0 ? err : RECORDS;
}

int ring_buffer__poll(struct ring_buffer *rb, int timeout_ms)
{
	(void)timeout_ms;
	return rb->rounds++ ? -ECANCELED : ring_buffer__consume(rb);
}

/* --- what would only cost time */

struct btf *btf__load_vmlinux_btf(void)
{
	errno = ENOENT;
	return NULL;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	static char text[] = "ffffffff81000000 T _text\nffffffff81000100 T tcp_v4_rcv\n";

	if (!strcmp(path, "/proc/kallsyms"))
		return fmemopen(text, sizeof(text) - 1, "r");
	return __real_fopen(path, mode);
}

/* no names of namespaces, which would be looked for in all processes */
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	if (strncmp(path, "/proc", 5) && strncmp(path, "/run", 4))
		return __real_opendir(path);
	errno = ENOENT;
	return NULL;
}

/* --- */

static char bpffs[] = "/tmp/hookmap-fuzz.XXXXXX", globals[64], middle[64];

static void leave(void)
{
	rmdir(globals);
	rmdir(middle);
	rmdir(bpffs);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	if (!mkdtemp(bpffs))
		abort();
	snprintf(middle, sizeof(middle), "%s/tc", bpffs);
	snprintf(globals, sizeof(globals), "%s/tc/globals", bpffs);
	if (mkdir(middle, 0700) || mkdir(globals, 0700) || !freopen("/dev/null", "w", stdout))
		abort();
	atexit(leave);
	/* what the reader says is wrong; the sanitizers write to descriptor 2 themselves */
	stderr = fopen("/dev/null", "w");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const *words;
	char *argv[12], text[512], file[32] = "";
	int argc = 0, fd = -1;

	if (!size)
		return 0;
	words = command[data[0] % COMMANDS];
	input = data + 1;
	input_size = size - 1;
	input_at = given = 0;
	batches = 0;
	outer = NULL;
	memset(fds, 0, sizeof(fds));

	argv[argc++] = "hookmap";
	argv[argc++] = "--bpffs";
	argv[argc++] = bpffs;
	for (int i = 0; i < 6 && words[i]; i++) {
		const char *word = words[i];

		if (!strcmp(word, FILE_ARG)) {
			fd = memfd_create("since", MFD_CLOEXEC);
			if (fd < 0 || write(fd, input, input_size) < 0)
				abort();
			snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
			word = file;
		} else if (!strcmp(word, TEXT_ARG)) {
			size_t n = input_size < sizeof(text) - 1 ? input_size : sizeof(text) - 1;

			memcpy(text, input, n);
			text[n] = 0;
			word = text;
		}
		argv[argc++] = (char *)word;
	}
	argv[argc] = NULL;
	optind = 0;
	json_start(&(struct options){});
	hookmap_main(argc, argv);
	if (fd >= 0)
		close(fd);
	return 0;
}
