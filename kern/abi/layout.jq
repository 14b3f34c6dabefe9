# SPDX-License-Identifier: GPL-2.0-only
#
# layout.jq - the BTF of layout.c (bpftool -j btf dump) as shell assignments:
#   HM_MAPS                      names of all maps
#   HM_MAP_<name>                "type key value entries flags"; sizes in bytes
#   HM_SIZE_<struct>             bytes
#   HM_OFF_<struct>_<field>      bytes
#   HM_FIELD_<struct>_<field>    "offset bytes kind"; kind: be (a number in network order),
#                                text, n (a number), bytes
#   <enumerator>

INDEX(.types[]; .id) as $t
# what a type is: [bytes, kind]
| def is: $t["\(.)"] as $x
	| if $x.kind == "TYPEDEF" and ($x.name | startswith("__be")) then [($x.type_id | is[0]), "be"]
	  elif $x.type_id and $x.kind != "ARRAY" and ($x.kind | startswith("PTR") | not) then $x.type_id | is
	  elif $x.kind == "ARRAY" then ($x.type_id | is) as $of | [$x.nr_elems * $of[0], if $of[1] == "char" then "text" else "bytes" end]
	  elif $x.kind == "INT" then [$x.size, if $x.name == "char" then "char" else "n" end]
	  else [$x.size, if $x.kind | startswith("ENUM") then "n" else "bytes" end] end;
  (.types[] | select(.name == "bpf_map_type") | INDEX(.values[]; .val) | map_values(.name | sub("BPF_MAP_TYPE_"; "") | ascii_downcase)) as $type
| [.types[] | select(.kind == "DATASEC" and .name == ".maps").vars[] | $t["\(.type_id)"]] as $maps
| "HM_MAPS='\($maps | map(" \(.name)") | add) '",
  ($maps[] | .name as $name
	| $t["\(.type_id)"].members | map({(.name): $t["\($t["\(.type_id)"].type_id)"].nr_elems}) | add
	| "HM_MAP_\($name)='\($type["\(.type)"]) \(.key) \(.value) \(.entries) \(.flags)'"),
  (.types[] | select(.kind == "STRUCT" and .name != "(anon)") | .name as $name
	| "HM_SIZE_\($name)=\(.size)", (.members[] | select(.name != "(anon)") | "HM_OFF_\($name)_\(.name)=\(.bits_offset / 8)",
		"HM_FIELD_\($name)_\(.name)='\(.bits_offset / 8) \(.type_id | is | join(" "))'")),
  (.types[] | select((.kind | startswith("ENUM")) and .name != "bpf_map_type").values[] | "\(.name)=\(.val)")
