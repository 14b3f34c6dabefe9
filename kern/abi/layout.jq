# SPDX-License-Identifier: GPL-2.0-only
#
# layout.jq - the BTF of layout.c (bpftool -j btf dump) as shell assignments:
#   HM_MAPS                      names of all maps
#   HM_MAP_<name>                "type key value entries flags"; sizes in bytes
#   HM_SIZE_<struct>             bytes
#   HM_OFF_<struct>_<field>      bytes
#   <enumerator>

INDEX(.types[]; .id) as $t
| (.types[] | select(.name == "bpf_map_type") | INDEX(.values[]; .val) | map_values(.name | sub("BPF_MAP_TYPE_"; "") | ascii_downcase)) as $type
| [.types[] | select(.kind == "DATASEC" and .name == ".maps").vars[] | $t["\(.type_id)"]] as $maps
| "HM_MAPS='\($maps | map(" \(.name)") | add) '",
  ($maps[] | .name as $name
	| $t["\(.type_id)"].members | map({(.name): $t["\($t["\(.type_id)"].type_id)"].nr_elems}) | add
	| "HM_MAP_\($name)='\($type["\(.type)"]) \(.key) \(.value) \(.entries) \(.flags)'"),
  (.types[] | select(.kind == "STRUCT" and .name != "(anon)") | .name as $name
	| "HM_SIZE_\($name)=\(.size)", (.members[] | select(.name != "(anon)") | "HM_OFF_\($name)_\(.name)=\(.bits_offset / 8)")),
  (.types[] | select((.kind | startswith("ENUM")) and .name != "bpf_map_type").values[] | "\(.name)=\(.val)")
