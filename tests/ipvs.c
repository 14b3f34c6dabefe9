// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipvs - adds a UDP service to IPVS, for the tests: ipvsadm may not be there.
 *
 *   ipvs ADDRESS PORT [SERVER]   by round robin, to SERVER by direct routing
 * Exit status: 0, 1 something failed, 2 usage.
 */
#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct {
		struct ip_vs_service_user service;
		struct ip_vs_dest_user server;
	} add = { .service = { .protocol = IPPROTO_UDP, .sched_name = "rr", .netmask = ~0U },
		  .server = { .conn_flags = IP_VS_CONN_F_DROUTE, .weight = 1 } };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (argc < 3) {
		fprintf(stderr, "usage: ipvs ADDRESS PORT [SERVER] (see tests/ipvs.c)\n");
		return 2;
	}
	add.service.addr = inet_addr(argv[1]);
	add.service.port = htons(atoi(argv[2]));
	if (setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_ADD, &add.service, sizeof(add.service))) {
		perror("ipvs: service");
		return 1;
	}
	add.server.addr = inet_addr(argv[3] ? argv[3] : "");
	add.server.port = add.service.port;
	if (argv[3] && setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_ADDDEST, &add, sizeof(add))) {
		perror("ipvs: server");
		return 1;
	}
	return 0;
}
