# SPDX-License-Identifier: GPL-2.0-only
#
# pages.awk - what `--help` lists and a page does not describe, in its place in the page:
#   .\" verbs     the reader's: "  NAME  TEXT" in the first paragraph behind the usage
#   .\" features  attach.sh's: "NAME (of the host): TEXT", up to its options
FNR == NR {
	if (/^$/) { blank++; name = "" }
	if (match($0, /^[a-z0-9]+ \(of (a device|the host)/)) { name = $1; names[++n] = name; sub(/^[^:]*: */, "") }
	else if (blank == 1 && /^  [a-z0-9]+ /) { name = $1; names[++n] = name; sub(/^ *[a-z0-9]+ +/, "") }
	else if (/^ /) name = ""
	if (name != "") text[name] = lines[name]++ ? text[name] "\n" $0 : $0
	next
}
/^\.(It Cm|Ss) / { for (i = 2; i <= NF; i++) { name = $i; sub(/,$/, "", name); seen[name] = 1 } }
/^\.\\" verbs$/ { for (i = 1; i <= n; i++) if (!(names[i] in seen)) printf ".It Cm %s\n%s\n", names[i], text[names[i]]; next }
/^\.\\" features$/ { for (i = 1; i <= n; i++) if (!(names[i] in seen)) printf ".Ss %s (of the host)\n%s\n", names[i], text[names[i]]; next }
{ print }
