# SPDX-License-Identifier: GPL-2.0-only
#
# policy_beside.jq - the output of nft -j list ruleset as lines of policy_beside.sh, which reads
# the rules of iptables-nft itself.

def devs: if type == "string" then sub("\\*$"; "+") else "" end;
def verdicts($maps; $in): .vmap?.data? | if type == "string" then $maps[$in + ltrimstr("@")] else .set? end | arrays | .[] | arrays | .[1];
def fact($kind; $family; $dev; $src; $text): ["6", $kind, "nft", $family, $dev, $src, "", "", $text] | @tsv;
[.nftables[] | .chain // empty] as $chains | [.nftables[] | .rule // empty] as $rules
| ([.nftables[] | .map // empty | {key: "\(.family) \(.table) \(.name)", value: (.elem // [])}] | from_entries) as $maps
| ($rules | group_by([.family, .table, .chain]) | map({key: (.[0] | "\(.family) \(.table) \(.chain)"), value: .}) | from_entries) as $of
| (.nftables[] | .flowtable // empty | . as $t | select(any($rules[]; .family == $t.family and .table == $t.table and any(.expr[]; .flow?.flowtable? == "@" + $t.name)))
	| .dev | if type == "array" then .[] else . // "" end | fact("flowtable"; {ip: "4", ip6: "6"}[$t.family] // "0"; devs; ""; "\($t.family) \($t.table) \($t.name)")),
  ($chains[] | select(.hook) | . as $base | select(.family | IN("ip", "ip6", "inet", "netdev"))
| {ip: "4", ip6: "6"}[.family] // "0" | . as $f | "\($base.family) \($base.table) " as $in
| (if $base.hook == "forward" and $base.policy == "drop" then fact("forward"; $f; ""; ""; "\($base.table) \($base.name)") else empty end),
  ({todo: [$base.name], done: []} | until(.todo == []; .todo[0] as $c
	| {done: (.done + [$c]), todo: ((.todo[1:] + [($of[$in + $c] // [])[].expr[] | .jump.target?, .goto.target?, (verdicts($maps; $in) | .jump?.target?, .goto?.target?) | strings]) - .done - [$c] | unique)})
	| .done[] as $c | ($of[$in + $c] // [])[] | .expr as $e
	| ([$e[] | .match? | select(.left.meta.key? == "oifname" or .left.meta.key? == "oif") | (if .op == "!=" then "!" else "" end) + (.right | devs)] | (.[0] // "") | if . == "!" then "" else . end) as $dev
	| ([$e[] | .match? | select(.op == "==" and .left.payload?.field? == "saddr") | .right | if type == "string" then . elif .prefix? then "\(.prefix.addr)/\(.prefix.len)" else empty end] | .[0] // "") as $src
	| "\($base.table) \($c)" as $text
	| if $base.hook == "postrouting" and any($e[]; has("masquerade") or has("snat")) then fact("snat"; $f; $dev; $src; $text)
	  elif $base.hook == "prerouting" and any($e[]; has("dnat") or has("redirect") or has("tproxy")) then fact("dnat"; $f; ""; ""; $text)
	  elif $base.hook == "prerouting" and any($e[]; .mangle?.key?.meta?.key? == "mark") then fact("setmark"; $f; ""; ""; $text)
	  elif any($e[]; .mangle?.key? | (."tcp option"? // empty) | .name == "maxseg") and ($base.hook | IN("forward", "postrouting")) then fact("mss"; $f; $dev; $src; $text)
	  elif ($base.hook | IN("forward", "prerouting", "ingress")) and any($e[]; has("drop") or has("reject") or any(verdicts($maps; $in); objects | has("drop"))) then fact("forward"; $f; ""; $src; $text)
	  elif ($base.hook | IN("forward", "prerouting", "postrouting", "ingress")) and any($e[]; has("queue") or has("dup") or has("fwd") or has("synproxy") or has("reset")
		or (.mangle?.key? | objects | has("payload") or has("exthdr") or has("tcp option") or (.meta.key? | IN("mark", "priority")))) then fact("alter"; $f; $dev; $src; $text)
	  else empty end))
