# SPDX-License-Identifier: GPL-2.0-only
#
# policy_keys.awk - finds what an object of a policy file has twice, of which JSON readers
# keep the last without a word. Standard input is JSON that jq has read; each find is a
# line "2 FILE WHERE FIELD MESSAGE" for policy.awk, as of policy.jq.
#   awk -f policy_keys.awk <FILE    with the name for FILE in HM_FILE
# Records end at a quotation mark: every other one is a string.

BEGIN {
	RS = "\""
	OFS = "\t"
}

# Key NAME at DEPTH: 1 is the file, 2 what is in a section, 3 a rule or a next hop, ...
function key(name,   i, where, field) {
	if (depth == 1) rule = 0
	if (!index(have[depth], "\"" name "\"")) {
		have[depth] = have[depth] "\"" name "\""
		at[depth] = name
		return
	}
	at[depth] = name
	where = "file"
	field = name
	if (depth > 2 && at[1] == "rules") {
		where = "rule " rule
		for (i = depth - 1; i > 2; i--) if (at[i] != "") field = at[i] "." field
	} else if (depth > 1 && (at[1] == "nexthops" || at[1] == "interfaces")) {
		where = substr(at[1], 1, length(at[1]) - 1) " " at[2]
		if (depth == 2) field = "name"
	}
	print 2, ENVIRON["HM_FILE"], where, field, "is there twice"
}

inside {
	text = text $0
	if (match($0, /\\+$/) && RLENGTH % 2) text = text "\"" # which was escaped
	else inside = 0
	next
}

{
	if ($0 ~ /^[ \t\r\n]*:/) key(text)
	n = $0 ~ /[][{}]/ ? length($0) : 0
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		if (c == "{" || c == "[") {
			if (c == "{" && depth == 2 && at[1] == "rules") rule++
			have[++depth] = at[depth] = ""
		} else if (c == "}" || c == "]") depth--
	}
	inside = 1
	text = ""
}
