// SPDX-License-Identifier: GPL-2.0-only
/*
 * netkit - attaches a pinned program of tc to what the peer of a netkit device sends; bpftool
 * and iproute2 cannot. Without a pin, takes them all off.
 *
 *   netkit DEV [PIN]
 */
#include <net/if.h>
#include <stdio.h>

#include <bpf/bpf.h>

#define NETKIT_PEER 55 /* BPF_NETKIT_PEER, Linux 6.7 */

int main(int argc, char **argv)
{
	int dev = argc > 1 ? if_nametoindex(argv[1]) : 0, err;

	if (!dev || argc > 3) {
		fprintf(stderr, "usage: netkit DEV [PIN]\n");
		return 2;
	}
	if (argc == 3)
		err = bpf_prog_attach(bpf_obj_get(argv[2]), dev, NETKIT_PEER, 0);
	else
		while (!(err = bpf_prog_detach(dev, NETKIT_PEER)))
			;
	if (err && argc == 3)
		perror("netkit");
	return err && argc == 3;
}
