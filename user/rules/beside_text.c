// SPDX-License-Identifier: GPL-2.0-only
/*
 * beside_text.c - explains what a fact beside the rules means for them.
 */
#include <stdio.h>

#include "../hookmap.h"
#include "beside.h"

void fact_text(const struct fact *f, char *text, size_t size)
{
	static const char mark[] = "; action mark and ip rule do";
	bool not = *f->dev == '!';

	switch (f->kind) {
	case SNAT:
		snprintf(text, size,
			 "goes past NAT: the source of what leaves %s%s%sis not rewritten (%s "
			 "%s)%s that",
			 !*f->dev ? ""
			 : not	  ? "not by "
				  : "by ",
			 f->dev + not, *f->dev ? " " : "", f->tool, f->text, mark);
		break;
	case DNAT:
		snprintf(text, size,
			 "goes past NAT: destinations are not rewritten, nor answers translated "
			 "back (%s %s)%s that",
			 f->tool, f->text, mark);
		break;
	case FORWARD:
		snprintf(text, size,
			 "goes past the firewall and conntrack: nothing is dropped there (%s %s)%s "
			 "not go past it, and rules with drop can come first",
			 f->tool, f->text, mark);
		break;
	case MSS:
		snprintf(text, size,
			 "goes past TCPMSS: the segment size is not clamped (%s %s)%s that",
			 f->tool, f->text, mark);
		break;
	case XFRM:
		snprintf(text, size,
			 "goes past IPsec: leaves in clear, and what is to be blocked is not (%s, "
			 "%s); pass for these in an earlier rule, or action mark and ip rule, do "
			 "that",
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
			 "%s %s sets marks after the rules have been asked: they do not see it, "
			 "and a mark that they set may be replaced; match what that matches, or "
			 "mark in netfilter alone",
			 f->tool, f->text);
		break;
	case NOFORWARD:
		snprintf(text, size,
			 "forwarding is off on %s: no rule is asked there; sysctl -w %s=1", f->dev,
			 f->text);
		break;
	case NODEFAULT:
		snprintf(text, size,
			 "there is no IPv%d default route: packets to where no route leads count "
			 "as this host's own, and pass; ip -%d route add unreachable default, or a "
			 "real one",
			 f->family, f->family);
		break;
	case NOIPV6:
		snprintf(text, size,
			 "this kernel has no IPv6 (ipv6.disable=1?): no rule is asked about its "
			 "packets");
		break;
	case SPOOF:
		snprintf(text, size,
			 "goes past rp_filter of %s: source addresses that are not behind it are "
			 "not dropped%s that, and rules with drop can come first",
			 f->dev, mark);
		break;
	case VMARK:
		snprintf(text, size,
			 "rp_filter is 1 on %s, and src_valid_mark: the way back is looked up with "
			 "the mark, and if it does not lead to %s, the packet is dropped; sysctl "
			 "-w net.ipv4.conf.%s.rp_filter=2, or src_valid_mark=0 (and all)",
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
		snprintf(text, size,
			 "%s took over 3 seconds: what rules go past there is not known", f->tool);
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
			 "table %s has routes with encap, which no look-up of rules follows: "
			 "packets "
			 "for these get the fallback; action mark and ip rule follow them",
			 f->text);
		break;
	case MTU:
		snprintf(text, size,
			 "table %s has routes with an MTU that is not locked, which no look-up of "
			 "rules tells: that of the device counts; mtu lock N, or action mark and "
			 "ip rule",
			 f->text);
		break;
	case ALTER:
		snprintf(text, size,
			 "goes past netfilter: what it does there is not done (%s %s)%s", f->tool,
			 f->text, mark);
		break;
	case TCBEHIND:
		snprintf(text, size,
			 "goes past tc filters of %s that come after policy (%s); attach.sh %s "
			 "policy "
			 "--policy-pref N puts policy behind them",
			 f->dev, f->text, f->dev);
		break;
	case IPRULE:
		snprintf(
			text, size,
			"goes past ip rule: what that forbids is not (ip rule %s); rules with drop "
			"can come first",
			f->text);
		break;
	case NOASK6:
		snprintf(text, size,
			 "IPv6 forwarding is off on %s alone: the stack forwards its packets, and "
			 "no "
			 "rule is asked; sysctl -w %s=1",
			 f->dev, f->text);
		break;
	case ABOVE:
		snprintf(text, size,
			 "%s, on top of %s, has a MAC address of its own: packets to that come in "
			 "by "
			 "%s, and no rule is asked; attach.sh %s policy",
			 f->dev, f->text, f->dev, f->dev);
		break;
	case FLOWTABLE:
		snprintf(text, size,
			 "flowtable %s keeps the route that a flow had when it was taken in: for "
			 "flows that it has, and from packet to packet of one flow, the mark is "
			 "not looked at; nft delete flowtable %s, and make it again, after load",
			 f->text, f->text);
		break;
	case CARRIES:
		snprintf(text, size,
			 "%s carries only IPv%s and drops IPv%d packets; match dst %s here, and "
			 "send the others elsewhere by a rule of their own",
			 f->dev, f->text, f->family, f->family == 6 ? "0.0.0.0/0" : "::/0");
		break;
	default:
		snprintf(text, size,
			 "what this host sends itself comes to no rule; ip rule steers it");
	}
}
