# SPDX-License-Identifier: GPL-2.0-only
#
# policy.jq - flattens a policy file to lines for policy.awk; fields are separated by
# tabs, the first says what it is. Only what a tab-separated line cannot say is checked
# here: types and names of keys. $file is its name, $n the number of rules before its own.
#   jq -n -r --slurpfile links <(ip -j link) --arg file NAME --argjson n N -f policy.jq FILE
#   0 the rules must not go past what policy_beside.sh finds
#   1 DEVICE IFINDEX LINKTYPE
#   2 FILE WHERE FIELD MESSAGE
#   3 FILE INTERFACE DEVICE
#   4 FILE NAME DEV VIA VIA6 VLAN L2
#   5 PRIORITY NUMBER FILE INDEX ID SRC DST PROTO SPORT DPORT DSCP MARK IIF VLAN FRAGMENT
#     ACTION ARG ACTIONMARK FALLBACK KEYS MATCHKEYS
#   6 and 7: of policy_beside.sh
# A rule costs as few steps as can be: there may be 100 000 of them. Names of fields go
# to policy.awk as they are, which looks at each set of names once.

# A list or an object where a plain value is wanted.
def plain: if type == "array" or type == "object" then "\u0001" else . end;

def unknown($file; $where; $known): (keys_unsorted - $known)[] as $key
	| ["2", $file, $where, $key, "unknown field (there is \($known | join(", ")))"] | @tsv;

def is($file; $where; $field; $want): if type == $want then empty
	else ["2", $file, $where, $field, "expected \($want), not \(type)"] | @tsv end;

def action: if . == null then "", "", ""
	elif type != "object" then "\u0001", "", ""
	else (keys_unsorted - ["mark"]) as $what | if $what == [] and has("mark") then "mark", "", .mark
		elif ($what | length) != 1 then "\u0001", "", ""
		else $what[0], (.[$what[0]] | if type == "object" then to_entries | map("\(.key)=\(.value | plain)") | join(",")
			else . end), .mark end end;

# To sort by: sort reads no 0x.
def rank: if type == "string" and test("^0[xX][0-9a-fA-F]{1,8}$") then .[2:] | ascii_downcase | explode
	| reduce .[] as $c (0; . * 16 + $c - (if $c > 57 then 87 else 48 end)) else . end;

def rule($n; $file; $i): .action as $a | (.match // {}) as $m | [
	(.priority | rank), $n, $file, $i, .id,
	($m | .src, .dst, .proto, .sport, .dport, .dscp, .mark, .iif, .vlan, .fragment),
	(if ($a | type) == "string" then $a, null, null
		elif ($a | type) == "object" and ($a | length) == 1 and $a.redirect then "redirect", $a.redirect, null
		else $a | action end),
	.fallback, (keys_unsorted | tojson), ($m | keys_unsorted | tojson)]
	| (try @tsv catch null) as $line | "5\t" + if $line then $line else map(plain) | @tsv end;

def hops($file): to_entries[] | .key as $name | .value |
	is($file; "nexthop \($name)"; "it"; "object"),
	(objects | unknown($file; "nexthop \($name)"; ["dev", "via", "via6", "vlan", "l2", "description"]),
		(["4", $file, $name, ((.dev, .via, .via6, .vlan, .l2) | plain)] | @tsv));

# A section that is there, or nothing.
def section($file; $name; $type): if has($name) then .[$name] | is($file; "file"; $name; $type), select(type == $type) else empty end;

($links[][] | ["1", .ifname, .ifindex, .link_type] | @tsv),
([inputs] | if length != 1 then ["2", $file, "file", "the whole", "expected one object, not \(length) values"] | @tsv else .[] |
	if type != "object" then is($file; "file"; "the whole"; "object") else
	unknown($file; "file"; ["interfaces", "nexthops", "rules", "strict", "description", "$schema"]),
	(if .strict == true then "0" elif .strict == null or .strict == false then empty
		else ["2", $file, "file", "strict", "expected true or false"] | @tsv end),
	(section($file; "interfaces"; "object") | strings,
		(objects | to_entries[] | ["3", $file, .key, (.value | if type == "object" then .device else . end | plain)] | @tsv)),
	(section($file; "nexthops"; "object") | strings, (objects | hops($file))),
	(section($file; "rules"; "array") | strings,
		(arrays | foreach .[] as $rule (0; . + 1; . as $i | $rule |
			if type != "object" then is($file; "rule \($i)"; "it"; "object")
			elif .match != null and (.match | type) != "object" then .match | is($file; "rule \($i)"; "match"; "object")
			else rule($n + $i; $file; $i) end)))
	end end)
