// SPDX-License-Identifier: GPL-2.0-only
/*
 * beside_text.c - explains what a fact beside the rules means for them.
 */
#include <stdio.h>

#include "../hookmap.h"
#include "beside.h"

void fact_text(const struct fact *f, char *text, size_t size)
{
	static const char mark[] = "; action mark and ip rule do not bypass it";
	bool not = *f->dev == '!';

	switch (f->kind) {
	case SNAT:
		snprintf(text, size,
			 "bypasses NAT: packets%s%s keep their source address (%s %s)%s",
			 !*f->dev ? ""
			 : not	  ? " that do not leave by "
				  : " that leave by ",
			 f->dev + not, f->tool, f->text, mark);
		break;
	case DNAT:
		snprintf(text, size,
			 "bypasses NAT: destinations are not rewritten, and answers are not "
			 "translated back (%s %s)%s",
			 f->tool, f->text, mark);
		break;
	case FORWARD:
		snprintf(text, size,
			 "bypasses the firewall and conntrack: nothing is dropped there (%s %s)%s; "
			 "or put rules with drop first",
			 f->tool, f->text, mark);
		break;
	case MSS:
		snprintf(text, size, "bypasses TCPMSS: the segment size is not clamped (%s %s)%s",
			 f->tool, f->text, mark);
		break;
	case XFRM:
		snprintf(text, size,
			 "bypasses IPsec: packets leave unencrypted, or are not blocked (%s, %s); "
			 "action mark and ip rule, or pass in an earlier rule, do not bypass it",
			 f->tool, f->text);
		break;
	case RPF:
		snprintf(text, size,
			 "rp_filter is 1 on %s, where the default route does not lead: answers "
			 "that come in there are dropped; sysctl -w net.ipv4.conf.%s.rp_filter=2 "
			 "(and all.rp_filter)",
			 f->dev, f->dev);
		break;
	case SETMARK:
		snprintf(text, size,
			 "%s %s sets marks after the rules are checked: rules do not see these "
			 "marks, which may replace those of rules; match what it matches, or set "
			 "marks only in netfilter",
			 f->tool, f->text);
		break;
	case NOFORWARD:
		snprintf(text, size,
			 "forwarding is off on %s: rules are not checked there; sysctl -w %s=1",
			 f->dev, f->text);
		break;
	case NODEFAULT:
		snprintf(
			text, size,
			"there is no IPv%d default route: packets without a route count as this "
			"host's own, and pass; ip -%d route add unreachable default, or a real one",
			f->family, f->family);
		break;
	case NOIPV6:
		snprintf(text, size,
			 "this kernel has no IPv6 (ipv6.disable=1?): rules are not checked for "
			 "IPv6 packets");
		break;
	case SPOOF:
		snprintf(text, size,
			 "bypasses rp_filter of %s: packets with a source address that is not "
			 "behind it are not dropped%s; or put rules with drop first",
			 f->dev, mark);
		break;
	case VMARK:
		snprintf(text, size,
			 "rp_filter is 1 on %s, with src_valid_mark: packets are dropped if the "
			 "route back for the mark does not lead to %s; sysctl -w "
			 "net.ipv4.conf.%s.rp_filter=2, or src_valid_mark=0 (and all)",
			 f->dev, f->dev, f->dev);
		break;
	case PORT:
		snprintf(text, size,
			 "%s belongs to %s: rules see packets for its own MAC address, not those "
			 "for %s; attach.sh %s policy",
			 f->dev, f->text, f->text, f->text);
		break;
	case VRF:
		snprintf(text, size,
			 "%s is a VRF: packets come in by its devices; attach.sh DEV policy for "
			 "each of them",
			 f->dev);
		break;
	case UNSEEN:
		snprintf(text, size, "%s took over 3 seconds: what rules bypass there is unknown",
			 f->tool);
		break;
	case NOROUTE:
		snprintf(
			text, size,
			"table %s has no %sroute: its packets get the fallback; ip%s route add ... "
			"table %s",
			f->text,
			f->family == 4	 ? "IPv4 "
			: f->family == 6 ? "IPv6 "
					 : "",
			f->family == 6 ? " -6" : "", f->text);
		break;
	case ENCAP:
		snprintf(text, size,
			 "table %s has routes with encap, which rules do not follow: packets for "
			 "these get the fallback; action mark and ip rule follow them",
			 f->text);
		break;
	case MTU:
		snprintf(
			text, size,
			"table %s has routes with an MTU that is not locked, which rules do not "
			"see: the MTU of the device counts; mtu lock N, or action mark and ip rule",
			f->text);
		break;
	case ALTER:
		snprintf(text, size, "bypasses netfilter: its actions do not happen (%s %s)%s",
			 f->tool, f->text, mark);
		break;
	case TCBEHIND:
		snprintf(text, size,
			 "bypasses tc filters of %s after policy (%s); attach.sh %s policy "
			 "--policy-pref N puts policy after them",
			 f->dev, f->text, f->dev);
		break;
	case IPRULE:
		snprintf(text, size,
			 "bypasses ip rule: packets that it forbids pass (ip rule %s); put rules "
			 "with drop first",
			 f->text);
		break;
	case NOASK6:
		snprintf(text, size,
			 "IPv6 forwarding is off on %s alone: the stack forwards its packets, but "
			 "rules are not checked; sysctl -w %s=1",
			 f->dev, f->text);
		break;
	case ABOVE:
		snprintf(text, size,
			 "%s, on top of %s, has its own MAC address: packets to it come in by %s, "
			 "and rules are not checked; attach.sh %s policy",
			 f->dev, f->text, f->dev, f->dev);
		break;
	case FLOWTABLE:
		snprintf(text, size,
			 "flowtable %s keeps the first route of its flows and ignores marks, even "
			 "if they change within a flow; after load, nft delete flowtable %s and "
			 "create it again",
			 f->text, f->text);
		break;
	case CARRIES:
		snprintf(text, size,
			 "%s carries only IPv%s and drops IPv%d packets; match dst %s here, and "
			 "send the others elsewhere with another rule",
			 f->dev, f->text, f->family, f->family == 6 ? "0.0.0.0/0" : "::/0");
		break;
	default:
		snprintf(text, size,
			 "rules do not apply to packets that this host sends; ip rule routes them");
	}
}
