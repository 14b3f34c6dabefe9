# SPDX-License-Identifier: GPL-2.0-only
#
# reach.jq - what stands on the way of a packet that comes in by device $index. Input: {net, qdisc,
# filter, link}, what bpftool net show, tc qdisc show, tc filter show and ip link show say.
# Output: lines of six fields, separated by tabs, "-" where there is nothing:
#   tcx     ID    0     LINK-ID DEV      NAME   at ingress of this device
#   netkit  ID    0     LINK-ID DEV      NAME   of its peer, which sends to it
#   other   ID    HOOK  LINK-ID DEV      NAME   anywhere else in this network namespace; HOOK: ingress
#                                               or egress, if it is a filter
#   bpfda   ID    PREF  HANDLE  PROTOCOL NAME   a filter; bpf without direct-action
#   filter  0     PREF  ENDS    PROTOCOL KIND   of another kind; ENDS: some, all or -
#   qdisc   0     0     -       -        -      there is an ingress hook
#   block   BLOCK 0     -       QDISC    -      which is shared
#   master  0     0     -       KIND     NAME   this device is a slave or a port of NAME
#   l3s     0     0     -       -        -      this device is an ipvlan of that mode
#   xdp     ID    0     -       -        NAME   at XDP of this device
#   upper   0     COUNT -       KIND     NAME   the first of the devices on top of it, or of wireguard

def ends: [.options.actions[]?.control_action.type // empty]
	| if length > 0 and all(.[]; . == "continue") then "-" else null end;
def place($index): if .ifindex == $index and .kind == "tcx/ingress" then "tcx"
	elif .ifindex == $index and .kind == "netkit/peer" then "netkit" else "other" end;

first(.link[] | select(.ifindex == $index)) as $link
| (.net[0].tc // [] | .[] | select(.ifindex != $link.ifindex or .kind != "clsact/ingress")
	| [place($link.ifindex), .prog_id // .id, (.kind | if startswith("clsact/") then .[7:] else 0 end), .link_id // 0, .devname, .name]),
  (.qdisc[] | select(.kind | IN("clsact", "ingress"))
	| ["qdisc", 0, 0, "-", "-", "-"], (select(.ingress_block) | ["block", .ingress_block, 0, "-", .kind, "-"])),
  (.filter[] | select(.pref and .options and .chain == 0)
	| if .options.prog then [if .options["direct-action"] then "bpfda" else "bpf" end, .options.prog.id, .pref, .options.handle, .protocol, .options.prog.name]
	  else ["filter", 0, .pref, ends // (if .kind == "matchall" then "all" else "some" end), .protocol, .kind] end),
  ($link.xdp | objects | (.attached[0]? // .).prog | ["xdp", .id, 0, "-", "-", .name // "-"]),
  ($link | select(.linkinfo.info_data.mode? == "l3s") | ["l3s", 0, 0, "-", "-", "-"]),
  ($link | select(.master) | ["master", 0, 0, "-", .linkinfo.info_slave_kind // "-", .master]),
  ([.link[] | select(.link == $link.ifname and (.linkinfo.info_kind // "" | test("^(vlan|macvlan|macvtap|ipvlan|ipvtap|macsec|dsa)$"))
		or (.linkinfo.info_kind == "wireguard" and .ifindex != $link.ifindex)
		or (.linkinfo.info_data | objects | .slave1 == $link.ifname or .slave2 == $link.ifname))]
	| select(length > 0) | ["upper", 0, length, "-", .[0].linkinfo.info_kind, .[0].ifname])
| @tsv
