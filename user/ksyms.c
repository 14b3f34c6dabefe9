// SPDX-License-Identifier: GPL-2.0-only
/*
 * ksyms.c - addresses of the kernel as symbol+offset, from /proc/kallsyms.
 */
#include <stdlib.h>
#include <string.h>

#include "hookmap.h"

struct ksym {
	__u64 address;
	size_t name; /* offset in names */
};

struct ksyms {
	struct ksym *sym;
	char *names;
	size_t n, room, used, size;
};

static int ksym_add(struct ksyms *k, __u64 address, const char *name)
{
	size_t len = strlen(name) + 1;

	if (k->n == k->room) {
		size_t room = k->room ? 2 * k->room : 65536;
		struct ksym *sym = reallocarray(k->sym, room, sizeof(*sym));

		if (!sym)
			return -1;
		k->sym = sym;
		k->room = room;
	}
	if (k->used + len > k->size) {
		size_t size = k->size ? 2 * k->size : 1 << 20;
		char *names = realloc(k->names, size);

		if (!names)
			return -1;
		k->names = names;
		k->size = size;
	}
	memcpy(k->names + k->used, name, len);
	k->sym[k->n++] = (struct ksym){ address, k->used };
	k->used += len;
	return 0;
}

static int ksym_compare(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

struct ksyms *ksyms_new(void)
{
	struct ksyms *k = calloc(1, sizeof(*k));
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], type, *end, *name;
	__u64 address;

	while (k && f && fgets(line, sizeof(line), f)) {
		address = strtoull(line, &end, 16);
		if (!address || end[0] != ' ' || !end[1] || end[2] != ' ')
			continue;
		type = end[1] | 0x20;
		if (type != 't' && type != 'w')
			continue;
		name = end + 3;
		name[strcspn(name, " \t\n")] = 0;
		if (ksym_add(k, address, name))
			break;
	}
	if (f)
		fclose(f);
	if (k && k->n)
		qsort(k->sym, k->n, sizeof(*k->sym), ksym_compare);
	return k;
}

void ksyms_free(struct ksyms *k)
{
	if (!k)
		return;
	free(k->sym);
	free(k->names);
	free(k);
}

bool ksyms_hidden(const struct ksyms *k)
{
	return !k->n;
}

char *ksyms_format(const struct ksyms *k, __u64 address, char *buf, size_t size)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (k->sym[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low)
		snprintf(buf, size, "%s+0x%llx", k->names + k->sym[low - 1].name,
			 address - k->sym[low - 1].address);
	else
		snprintf(buf, size, "0x%llx", address);
	return buf;
}
