// SPDX-License-Identifier: GPL-2.0-only
/*
 * reasons_text.c - names of the reasons of our XDP programs, and what common reasons mean.
 */
#include <stdlib.h>
#include <string.h>

#include "hookmap.h"

/* enum xdp_reason: name and meaning. Append. */
static const struct reason_text xdp_texts[XDP_R_MAX] = {
	[XDP_R_NONE] = { "XDP_UNSPECIFIED", "xdp", "an XDP program of hookmap dropped it",
			 "the program's own documentation" },
	[XDP_R_MALFORMED] = { "XDP_MALFORMED", "xdp", "headers are cut short or make no sense",
			      "tcpdump on the sender" },
	[XDP_R_TEST] = { "XDP_TEST", "xdp", "a test program dropped it", "tests/" },
/* those up to L2_PASS_END are not losses: shown with --all */
#define L2(NAME, NUMBER, KEY, REASON, MEANING, LOOK)                                               \
	[XDP_R_L2FWD + (NUMBER)] = { "L2FWD_" REASON, "xdp", MEANING, LOOK },
	L2_REASON(L2)
#undef L2
};

char *reason_xdp(__u32 reason, char *buf, size_t size)
{
	if (reason < XDP_R_MAX && xdp_texts[reason].name)
		snprintf(buf, size, "%s", xdp_texts[reason].name);
	else
		snprintf(buf, size, "XDP_%u", reason);
	return buf;
}

/*
 * What common reasons mean and where to look next; names without the prefix, or a prefix of them
 * that ends in "*". The first match counts: it also gives the layer.
 */
static const struct reason_text texts[] = {
	{ "NONE_GIVEN", "skb", "this kernel's tracepoint gives no reason (before 5.17)",
	  "the location" },
	{ "NOT_SPECIFIED", "undecided",
	  "the kernel gives no reason, and the packet does not tell: it may be a loss",
	  "the location; samples (attach.sh --host drops --samples N)" },
	{ "SKB_NOT_DROPPED_YET", "benign", "not a loss", "" },
	{ "SKB_CONSUMED", "benign", "not a loss: the packet was consumed", "" },
	{ "QUEUE_PURGE", "benign", "still queued when its socket or device was closed", "" },
	{ "TCP_OFOMERGE", "benign", "its data had already come with another segment", "" },
	{ "UNIX_SKIP_OOB", "benign", "out-of-band data of a Unix socket, read past", "" },
	{ "NO_SOCKET", "socket", "nobody listens on this address and port",
	  "ss -lnptu: is the service up, and on this address?" },
	{ "SOCKET_CLOSE", "socket", "the socket was being closed", "the application's log" },
	{ "SOCKET_FILTER", "socket", "the socket's own BPF filter refused it",
	  "ss -lnpb shows filters" },
	{ "SOCKET_RCVBUFF", "socket", "the socket's receive buffer was full",
	  "the application reads too slowly; ss -nm (skmem d), net.core.rmem_max, SO_RCVBUF" },
	{ "SOCKET_BACKLOG", "socket", "the socket was locked and its backlog full",
	  "the application's threads on one socket; net.core.rmem_max" },
	{ "PROTO_MEM", "socket", "the protocol's memory limit was reached",
	  "net.ipv4.udp_mem or tcp_mem; cat /proc/net/sockstat" },
	{ "PACKET_SOCK_ERROR", "socket",
	  "a packet socket (a sniffer) had no room: its copy is lost",
	  "tcpdump -B, not the network" },
	{ "UNIX_DISCONNECT", "socket", "the peer of a Unix socket is gone", "the application" },
	{ "TCP_CSUM", "socket", "wrong TCP checksum", "nstat -az TcpInCsumErrors; NIC offloads" },
	{ "UDP_CSUM", "socket", "wrong UDP checksum", "nstat -az UdpInCsumErrors; NIC offloads" },
	{ "ICMP_CSUM", "ip", "wrong ICMP checksum", "the sender" },
	{ "TCP_LISTEN_OVERFLOW", "socket", "the listen queue was full",
	  "ss -lnt (Recv-Q, Send-Q); net.core.somaxconn" },
	{ "TCP_RESET", "socket", "the peer reset the connection", "the peer's log" },
	{ "TCP_OLD_DATA", "benign", "a retransmission of data that was already here",
	  "lost acknowledgements or a short timeout; nstat -az TcpRetransSegs" },
	{ "TCP_OLD_SEQUENCE", "benign", "a probe or a retransmission of data that was already here",
	  "lost acknowledgements or a short timeout; nstat -az TcpRetransSegs" },
	{ "TCP_OVERWINDOW", "socket", "beyond the receive window", "ss -nmi on both sides" },
	{ "TCP_ZEROWINDOW", "socket", "the receive window was closed",
	  "the application reads too slowly: ss -nm" },
	{ "TCP_INVALID_SEQUENCE", "socket", "a sequence number out of the window",
	  "stale connections, a middlebox, or an attack" },
	{ "TCP_*", "socket", "TCP refused the segment", "nstat -az | grep Tcp; ss -nti" },
	{ "UDP_*", "socket", "UDP refused the datagram", "nstat -az | grep Udp" },
	{ "SOCKET_*", "socket", "the socket refused it", "ss -nmpi" },
	{ "UNIX_*", "socket", "a Unix socket refused it", "the application" },
	{ "SKB_UCOPY_FAULT", "socket", "it could not be copied to the application",
	  "the application's buffers" },
	{ "BPF_CGROUP_EGRESS", "socket", "a cgroup's BPF program refused it",
	  "bpftool cgroup tree" },
	{ "SECURITY_HOOK", "socket", "SELinux, AppArmor or another LSM refused it",
	  "the audit log" },
	{ "NETFILTER_DROP", "netfilter", "a firewall rule dropped it",
	  "iptables -vnL, nft list ruleset: which counter moves?" },
	{ "XFRM_POLICY", "ip", "IPsec policy refused it", "ip xfrm policy; ip -s xfrm state" },
	{ "OTHERHOST", "undecided",
	  "the frame was for another MAC address: flooded by a switch, heard by a promiscuous "
	  "device, or the sender has a wrong neighbour entry",
	  "ip neigh at the sender; ip -d link" },
	{ "IP_INHDR", "ip", "bad IP header, or TTL expired when forwarding",
	  "nstat -az IpInHdrErrors; traceroute: a routing loop?" },
	{ "IP_CSUM", "ip", "wrong IP header checksum", "the sender's NIC" },
	{ "IP_RPFILTER", "ip", "reverse path filter: the answer would leave by another device",
	  "sysctl net.ipv4.conf.*.rp_filter; ip route get" },
	{ "IP_OUTNOROUTES", "ip", "no route when sending", "ip route get ADDRESS" },
	{ "IP_INNOROUTES", "ip", "no route to forward it",
	  "ip route get ADDRESS from SOURCE iif DEV" },
	{ "IP_INADDRERRORS", "ip", "the destination is not ours, and it may not be forwarded",
	  "sysctl net.ipv4.ip_forward, net.ipv6.conf.all.forwarding; multicast groups: ip maddr" },
	{ "IP_NOPROTO", "ip", "no handler for this IP protocol", "lsmod; is the tunnel set up?" },
	{ "UNICAST_IN_L2_MULTICAST", "ip", "unicast IP in a multicast frame", "the sender" },
	{ "PKT_TOO_BIG", "ip", "larger than the MTU and may not be fragmented",
	  "ip link (mtu); is ICMP let through?" },
	{ "PKT_TOO_SMALL", "ip", "shorter than its header says", "the sender" },
	{ "FRAG_REASM_TIMEOUT", "ip", "a fragment's other parts never came",
	  "loss on the path; nstat -az IpReasmTimeout" },
	{ "DUP_FRAG", "ip", "the fragment was already here", "the path" },
	{ "FRAG_*", "ip", "a fragment could not be put together", "nstat -az | grep Reasm" },
	{ "HDR_TRUNC", "ip", "too short for its header", "the sender" },
	{ "IPV6DISABLED", "ip", "IPv6 is disabled on this device",
	  "sysctl net.ipv6.conf.DEV.disable_ipv6" },
	{ "IPV6_NDISC_*", "ip", "a neighbour discovery message makes no sense", "ip -6 neigh" },
	{ "IPV6_*", "ip", "bad IPv6 header", "the sender" },
	{ "IP_TUNNEL_*", "tunnel", "the tunnel refused it", "ip -d -s link" },
	{ "IP_*", "ip", "the IP layer refused it", "nstat -az | grep Ip" },
	{ "INVALID_PROTO", "ip", "this protocol cannot be sent like this", "the application" },
	{ "NEIGH_FAILED", "neigh", "the next hop does not answer ARP or ND",
	  "ip neigh: is it up, is the VLAN right?" },
	{ "NEIGH_QUEUEFULL", "neigh", "too many packets waited for ARP or ND",
	  "ip neigh; net.ipv4.neigh.DEV.unres_qlen_bytes" },
	{ "NEIGH_*", "neigh", "no address of the next hop", "ip neigh; ip -s ntable" },
	{ "ARP_*", "neigh", "an ARP message was refused", "sysctl net.ipv4.conf.DEV.arp_*" },
	{ "TC_INGRESS", "tc", "a tc filter at ingress dropped it",
	  "tc -s filter show dev DEV ingress" },
	{ "TC_EGRESS", "tc", "a tc filter at egress dropped it",
	  "tc -s filter show dev DEV egress" },
	{ "TC_*", "tc", "tc could not classify it", "tc -s filter show dev DEV" },
	{ "QDISC_OVERLIMIT", "qdisc", "the queueing discipline was full",
	  "tc -s qdisc show dev DEV" },
	{ "QDISC_CONGESTED", "qdisc", "the queue shed load (RED, CoDel)",
	  "tc -s qdisc show dev DEV" },
	{ "QDISC_*", "qdisc", "the queueing discipline dropped it", "tc -s qdisc show dev DEV" },
	{ "FQ_*", "qdisc", "a limit of fq", "tc -s qdisc show dev DEV" },
	{ "CAKE_*", "qdisc", "a flood that cake held back", "tc -s qdisc show dev DEV" },
	{ "DUALPI2_*", "qdisc", "dualpi2 dropped it", "tc -s qdisc show dev DEV" },
	{ "CPU_BACKLOG", "driver", "a CPU's input queue was full",
	  "cat /proc/net/softnet_stat; net.core.netdev_max_backlog; RPS" },
	{ "XDP", "xdp",
	  "an XDP program dropped it (not one of hookmap's, which count their own drops)",
	  "ip -d link show dev DEV; bpftool net" },
	{ "XDP_REDIRECT_*", "xdp", "a redirect failed: the errno tells why",
	  "is the target up, does it take XDP frames? ip -d link; veth needs XDP or GRO on the "
	  "peer" },
	{ "XDP_DEVMAP_*", "xdp", "the target device refused redirected frames",
	  "ethtool -S; ENXIO: the veth peer has no XDP or GRO; DROP: its ring was full, or its MTU "
	  "too small" },
	{ "XDP_TX_*", "xdp", "the device refused frames of XDP_TX", "ethtool -S DEV" },
	{ "XDP_CPUMAP_*", "xdp",
	  "lost on the way to another CPU: queue full, no memory, or the map's program",
	  "the queue size of the cpumap; mpstat -P ALL" },
	{ "XDP_EXCEPTION_*", "xdp",
	  "the XDP program failed, or returned an action that the driver cannot do",
	  "bpftool prog; the program's own counters" },
	{ "UNHANDLED_PROTO", "driver", "nobody handles this ethertype", "tcpdump -e" },
	{ "DEV_HDR", "driver", "bad header for this device", "ip -d link" },
	{ "DEV_READY", "driver", "the device was not ready", "ip link: is it up?" },
	{ "FULL_RING", "driver", "the ring of a tun or tap device was full",
	  "the reader (a VM, a VPN) is too slow" },
	{ "NOMEM", "driver", "no memory", "free; dmesg" },
	{ "RECURSION_LIMIT", "driver", "devices stacked in a loop", "ip -d link" },
	{ "TAP_*", "driver", "a filter of the tap device", "ip -d tuntap" },
	{ "SKB_CSUM", "driver", "checksumming failed", "NIC offloads: ethtool -k" },
	{ "SKB_GSO_SEG", "driver", "segmentation failed", "NIC offloads: ethtool -k" },
	{ "BRIDGE_INGRESS_STP_STATE", "bridge", "the bridge port is blocked",
	  "bridge -d link: spanning tree" },
	{ "BRIDGE_*", "bridge", "the bridge dropped it", "bridge -d link; bridge vlan" },
	{ "LOCAL_MAC", "bridge", "its source is our own address: a loop?", "bridge fdb" },
	{ "NO_TX_TARGET", "bridge", "no port to send it to", "bridge fdb; bridge vlan" },
	{ "MAC_*", "bridge", "an Ethernet address that may not be here", "the sender" },
	{ "VXLAN_*", "tunnel", "vxlan refused it", "bridge fdb show dev VXLAN; ip -d link" },
	{ "TUNNEL_*", "tunnel", "the tunnel refused it", "ip -d link" },
	{ "PSP_*", "tunnel", "PSP refused it", "" },
	{ "OVS_DROP_*", "ovs", "Open vSwitch dropped it",
	  "ovs-appctl dpctl/dump-flows; ofproto/trace" },
	{ "OPENVSWITCH:*", "ovs", "Open vSwitch dropped it", "ovs-appctl dpctl/dump-flows" },
	{ "MAC80211_*", "wifi", "the wireless stack dropped it", "iw dev DEV station dump" },
	{ "RX_DROP_*", "wifi", "the wireless stack dropped it", "iw dev DEV station dump" },
	{ "CAN*", "driver", "not a CAN frame", "the sender" },
};

static bool text_match(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, name, len - 1);
	return !strcmp(pattern, name);
}

/* Evidence from the packet itself: enum drop_what. */
static const struct reason_text whats[DROP_W_MAX] = {
	[DROP_W_TEST] = { "", "benign", "not a packet: a BPF test run", "" },
	[DROP_W_OLD] = { "", "benign",
			 "its socket already had its data: an acknowledgement, a probe, a "
			 "retransmission, a reset",
			 "nstat -az TcpRetransSegs" },
	[DROP_W_GONE] = { "", "benign", "no data, for a TCP connection that is already closed",
			  "" },
	[DROP_W_GROUP] = { "", "benign", "multicast or broadcast without a listener here", "" },
	[DROP_W_CONTROL] = { "", "benign",
			     "a control message (IGMP, MLD, neighbour discovery, STP, a keepalive "
			     "of IPsec): read, not for this host, or of a device that is down",
			     "" },
	[DROP_W_UNREAD] = { "", "benign", "still unread when its socket was closed", "" },
	[DROP_W_ECHO] = { "", "benign",
			  "an echo reply that no ping socket waits for; raw sockets (ping as root) "
			  "have already received it",
			  "" },
	[DROP_W_LEASE] = { "", "benign", "a DHCP answer, read by a packet socket", "" },
	[DROP_W_READ] = { "", "benign", "SCTP: its association received it", "" },
	[DROP_W_COPY] = { "", "benign",
			  "a copy for a raw socket, whose own filter refused it: another ping's",
			  "ss -lwnpb shows filters" },
	[DROP_W_BLOCKED] = { "", "benign",
			     "multicast or broadcast at a port that spanning tree blocks: it comes "
			     "by another one",
			     "bridge -d link (state blocking)" },
	[DROP_W_STAMP] = { "", "benign",
			   "not a packet: a transmit time stamp for a socket without room for it",
			   "the application does not read its error queue (SO_TIMESTAMPING)" },
	[DROP_W_TOLD] = { "", "benign",
			  "a netlink message that was answered, or whose sender got an error", "" },
	[DROP_W_ANSWER] = { "", "undecided",
			    "an answer to a socket that was closed before it came, or a service "
			    "that "
			    "is down",
			    "which service is it from? ss -lnu" },
	[DROP_W_VLAN_GROUP] = { "", "undecided",
				"multicast or broadcast in a VLAN that has no device here",
				"should it have one? ip -d link; tcpdump -e" },
	[DROP_W_VLAN] = { "", "driver", "a frame for this host, in a VLAN that has no device here",
			  "ip -d link; tcpdump -e; the switch's VLANs" },
	[DROP_W_QUEUED] = { "", "neigh",
			    "still queued when its neighbour entry or device was removed",
			    "ip neigh; who removes them?" },
	[DROP_W_BLACKHOLE] = { "", "ip", "a blackhole route, or one that is being removed",
			       "ip route show type blackhole; ip route get ADDRESS" },
	[DROP_W_PROHIBIT] = { "", "ip", "a prohibit route",
			      "ip route show type prohibit; ip rule" },
	[DROP_W_UNREACHABLE] = { "", "ip", "an unreachable route, or the link below it failed",
				 "ip route get ADDRESS" },
	[DROP_W_ISOLATED] = { "", "bridge",
			      "its port is isolated, and so is the one that it was for",
			      "bridge -d link (isolated on)" },
	[DROP_W_LOCKED] = { "", "bridge", "its port is locked, and its source is not in the FDB",
			    "bridge -d link (locked on); bridge fdb" },
};

#define FOREIGN_XDP "an XDP program dropped it (not one of hookmap's, which count their own drops)"
#define NO_ND	    "the next hop does not answer ND"
#define LOOK_ND	    "ip -6 neigh: is it up, is the VLAN right?"
#define LOOK_XDP    "ip -d link show dev DEV; bpftool net"

#define UDP_POLICY                                                                                 \
	"an IPsec policy refuses it, and nobody listens there; or it ends within its UDP header"
#define LOOK_POLICY "ip xfrm policy; /proc/net/xfrm_stat"
#define NFQ_VERDICT "the program behind an NFQUEUE dropped it, or ended without a verdict"
#define LOOK_NFQ                                                                                   \
	"/proc/net/netfilter/nfnetlink_queue: number, reader, waiting; dropped: column 6 full, 7 " \
	"not given to the reader"

/* The place can tell more than the reason: beginnings of functions. */
static const struct {
	const char *reason; /* NULL: the kernel gives none */
	struct reason_text text;
} places[] = {
	{ NULL, { "veth_xdp", "xdp", FOREIGN_XDP, LOOK_XDP } },
	{ NULL, { "do_xdp_generic", "xdp", FOREIGN_XDP, LOOK_XDP } },
	{ NULL, { "netif_receive_generic_xdp", "xdp", FOREIGN_XDP, LOOK_XDP } },
	{ NULL, { "bpf_prog_run_generic_xdp", "xdp", FOREIGN_XDP, LOOK_XDP } },
	{ NULL,
	  { "generic_xdp_tx", "xdp", "the device refused a frame of XDP_TX or a redirect",
	    "ip link: is it up?" } },
	{ NULL,
	  { "veth_xmit", "driver", "the peer's ring was full, or it is going down",
	    "the peer's CPU; ethtool -S; ip -s link" } },
	{ NULL,
	  { "tun_net_xmit", "driver", "the ring of a tun or tap device was full",
	    "the reader (a VM, a VPN) is too slow" } },
	{ NULL,
	  { "dst_discard", "ip", "an IPsec policy without its state, or a device that is going",
	    "ip xfrm policy, ip xfrm state; /proc/net/xfrm_stat" } },
	{ NULL,
	  { "__rtnl_unlock", "qdisc", "still queued when the queueing discipline was removed",
	    "who changes tc qdisc?" } },
	{ NULL,
	  { "napi_get_frags_check", "benign", "no packet: the driver tries its buffers", "" } },
	{ NULL, { "netif_napi_add", "benign", "no packet: the driver tries its buffers", "" } },
	/* parts of a dropped packet are not counted (drop_is_part) */
	{ NULL, { "skb_release_data", "benign", "a part of a packet that was not dropped", "" } },
	{ NULL,
	  { "udp_destruct_common", "benign", "still queued when its socket was closed", "" } },
	/* before 6.3; later QUEUE_PURGE or SKB_CONSUMED */
	{ NULL, { "inet_sock_destruct", "benign", "still queued when its socket was closed", "" } },
	{ NULL,
	  { "xfrm_input", "ip",
	    "IPsec could not decrypt it: no state for its SPI, a wrong key, a replay",
	    "/proc/net/xfrm_stat; ip -s xfrm state" } },
	{ NULL,
	  { "xfrm_output_resume", "ip",
	    "IPsec could not encrypt it: the state has expired or no number is left",
	    "/proc/net/xfrm_stat; ip -s xfrm state" } },
	/* (where other causes have their own reason) */
	{ "NOT_SPECIFIED", { "__udp4_lib_rcv", "socket", UDP_POLICY, LOOK_POLICY } },
	{ "NOT_SPECIFIED", { "__udp6_lib_rcv", "socket", UDP_POLICY, LOOK_POLICY } },
	/* Linux 7 */
	{ "NOT_SPECIFIED", { "udp_rcv", "socket", UDP_POLICY, LOOK_POLICY } },
	{ "NOT_SPECIFIED", { "udpv6_rcv", "socket", UDP_POLICY, LOOK_POLICY } },
	{ NULL,
	  { "ip_vs_", "netfilter", "IPVS could not send it to the server that it has chosen",
	    "ipvsadm -Ln; ip route get SERVER" } },
	/* conntrack and IPVS also drop there, as iptables-legacy and ebtables do; nft elsewhere */
	{ "NETFILTER_DROP",
	  { "nf_hook_slow", "netfilter",
	    "a firewall rule (of iptables-legacy, ebtables) dropped it, conntrack could not keep "
	    "its connection, or IPVS has no server for it",
	    "iptables -vnL: which counter moves? none: conntrack -S (insert_failed, drop), "
	    "/proc/net/stat/nf_conntrack; ipvsadm -Ln" } },
	/* NFQUEUE; before 6.10 the first is nf_reinject */
	{ NULL, { "nfqnl_reinject", "netfilter", NFQ_VERDICT, LOOK_NFQ } },
	{ NULL, { "nf_reinject", "netfilter", NFQ_VERDICT, LOOK_NFQ } },
	{ NULL,
	  { "nf_queue", "netfilter", "no program reads its NFQUEUE, or the queue was full",
	    LOOK_NFQ } },
	{ NULL,
	  { "nfqnl_enqueue_packet", "undecided",
	    "a GSO packet, whose segments are in an NFQUEUE; or segments for which it was full",
	    LOOK_NFQ } },
	/* nfqnl_mangle */
	{ NULL,
	  { "nfqnl_recv_verdict", "benign", "the program behind an NFQUEUE has made it longer",
	    "" } },
	/* the second, if the compiler has removed the first from the stack */
	{ NULL, { "ndisc_error_report", "neigh", NO_ND, LOOK_ND } },
	{ NULL, { "neigh_invalidate", "neigh", NO_ND, LOOK_ND } },
	{ NULL,
	  { "unix_stream_connect", "benign", "no packet: nobody listens on a Unix socket", "" } },
};

const struct reason_text *reason_text(const char *name, const char *location, __u32 what)
{
	static const struct reason_text unknown = { "", "skb", "no explanation is known",
						    "the location" };
	bool none;

	if (what < DROP_W_MAX && whats[what].layer)
		return &whats[what];
	name = reason_short(name);
	none = !strcmp(name, "NOT_SPECIFIED") || !strcmp(name, "NONE_GIVEN");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct reason_text *text = &places[i].text;

		if ((places[i].reason ? !strcmp(name, places[i].reason) : none) &&
		    !strncmp(text->name, location, strlen(text->name)))
			return text;
	}
	for (size_t i = 0; i < XDP_R_MAX; i++) {
		if (xdp_texts[i].name && !strcmp(xdp_texts[i].name, name))
			return &xdp_texts[i];
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (text_match(texts[i].name, name))
			return &texts[i];
	}
	return &unknown;
}
