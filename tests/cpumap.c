// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpumap MAP OBJECT CPU QUEUE - puts an entry with a program into a pinned cpumap: the
 * value holds a file descriptor, which bpftool cannot write. OBJECT has one program.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct bpf_cpumap_val value = {};
	struct bpf_program *prog;
	struct bpf_object *obj;
	__u32 cpu;
	int map;

	if (argc != 5)
		return fprintf(stderr, "usage: cpumap MAP OBJECT CPU QUEUE\n"), 2;
	cpu = atoi(argv[3]);
	value.qsize = atoi(argv[4]);
	map = bpf_obj_get(argv[1]);
	obj = bpf_object__open_file(argv[2], NULL);
	if (map < 0 || !obj || bpf_object__load(obj))
		return perror("cpumap: open"), 1;
	prog = bpf_object__next_program(obj, NULL);
	value.bpf_prog.fd = prog ? bpf_program__fd(prog) : -1;
	if (bpf_map_update_elem(map, &cpu, &value, 0))
		return perror("cpumap: update"), 1;
	return 0;
}
