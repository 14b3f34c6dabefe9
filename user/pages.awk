# SPDX-License-Identifier: GPL-2.0-only
#
# pages.awk - puts what `--help` lists into a man page: awk -f pages.awk HELP PAGE
#   .\" verbs     the reader's: "  NAME  TEXT" in the first paragraph behind the usage
#   .\" fields    the reader's: "Fields of NAME:", then "  NAMES" and, deeper, their text
#   .\" options   "  -o, --option ARG  TEXT", each with the lines that go on with it; those of a
#                 feature, "NAME (of the host): TEXT", under a heading
function mdoc(text) {
	# scripts are commands where they are installed
	while (match(text, /(scripts\/)?[a-z]+\.sh/)) {
		script = substr(text, RSTART, RLENGTH - 3)
		sub(/^scripts\//, "", script)
		text = substr(text, 1, RSTART - 1) "hookmap-" script substr(text, RSTART + RLENGTH)
	}
	gsub(/\\/, "\\e", text)
	return (text ~ /^[.']/ ? "\\&" : "") text
}
function sentence(text) {
	text = toupper(substr(text, 1, 1)) substr(text, 2)
	return mdoc(text (text ~ /[.;:]$/ ? "" : "."))
}
# "-i, --interval SEC" as the head of an entry
function head(option, words, n, i, out) {
	n = split(option, words, " ")
	for (i = 1; i <= n; i++)
		out = out (words[i] ~ /^-/ ? " Fl " substr(words[i], 2) : " Ar " words[i])
	gsub(/, /, " , ", out)
	return ".It" out
}
function flush_text() {
	if (text != "") body[where] = body[where] sentence(text) "\n"
	text = ""
}
BEGIN { where = 0 }
FNR == 1 { file++; flush_text() }
file == 1 && /^Fields of / {
	flush_text()
	sub(/:$/, "", $3)
	fields = fields (fields == "" ? "" : ".El\n") ".Ss " $3 ($4 == "" ? "" : " " substr($4, 1, length($4) - 1)) "\n.Bl -tag -width Ds\n"
	next
}
file == 1 && fields != "" { head_of = /^  [^ ]/; sub(/^ +/, ""); if ($0 != "") fields = fields (head_of ? ".It " : "") mdoc($0) "\n"; next }
file == 1 && /^usage:/ { next }
file == 1 && /^$/ { blank++; flush_text(); in_option = 0; next }
file == 1 && !blank { next }
# a feature, up to its options
file == 1 && match($0, /^[a-z0-9]+ \(of (a device|the host)[^:]*:/) {
	flush_text()
	where = ++sections
	text = substr($0, RLENGTH + 2)
	title[where] = mdoc(substr($0, 1, RLENGTH - 1))
	next
}
file == 1 && /^ +-/ {
	flush_text()
	sub(/^ +/, "")
	n = match($0, /  +[^ ]/)
	if (!listed[where]++) body[where] = body[where] ".Bl -tag -width Ds\n"
	body[where] = body[where] head(n ? substr($0, 1, n - 1) : $0) "\n"
	if (n) { text = substr($0, n); sub(/^ +/, "", text) }
	else if ($0 ~ /--help/) text = "show a summary"
	in_option = 1
	next
}
file == 1 && blank == 1 && /^  [a-z0-9]+ / { flush_text(); verbs = verbs ".It Cm " $1 "\n"; sub(/^ +[a-z0-9]+ +/, ""); verbs = verbs sentence($0) "\n"; next }
# what goes on: deeper than the options, or of a feature; the rest of --help is not for the list
file == 1 && /^          +/ && in_option { sub(/^ +/, ""); text = text " " $0; next }
file == 1 && /^  [A-Z]/ && in_option { flush_text(); body[where] = body[where] ".El\n"; listed[where] = 0; sub(/^ +/, ""); text = $0; next }
file == 1 && text != "" && !in_option { text = text " " $0; next }
file == 1 { flush_text(); in_option = 0; next }
/^\.\\" verbs$/ { printf "%s", verbs; next }
/^\.\\" fields$/ { printf "%s.El\n", fields; next }
/^\.\\" options$/ {
	for (i = 0; i <= sections; i++)
		printf "%s%s%s", i ? ".Ss " title[i] "\n" : "", body[i], listed[i] ? ".El\n" : ""
	next
}
{ print }
