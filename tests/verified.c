// SPDX-License-Identifier: GPL-2.0-only
/*
 * verified - how many instructions the verifier went through for a pinned program
 * (Linux 5.16), which bpftool does not say.
 *
 *   verified PIN
 * Exit status: 0, 1 error, 2 usage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

int main(int argc, char **argv)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: verified PIN\n");
		return 2;
	}
	fd = bpf_obj_get(argv[1]);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
		fprintf(stderr, "verified: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("%u\n", info.verified_insns);
	return 0;
}
