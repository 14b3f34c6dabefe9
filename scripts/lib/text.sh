# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# text.sh - words that others have chosen (names of devices, aliases, namespaces, processes,
# files) on their way out. Who makes a device in a network namespace names it, and needs no
# privilege outside. One function for each reader:
#   clean TEXT, clean_lines  a person at a terminal
#   typed WORD...            a shell, into which a person copies the command
#   gnuplot_text TEXT        gnuplot
#   json_escaped             a parser of JSON, or a person at a terminal
# jq gets them by --arg, awk by -v and the environment; no program is put together of them.

# A terminal obeys the control characters of ASCII and, in UTF-8, U+0080 to U+009F. What is
# not UTF-8 becomes "?", too: another character set has its controls there. Between \x01 and
# \x02 stands a character that is well formed.
CLEAN_SED='s/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/?/g
/[\x80-\xff]/ {
	s/[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/\x01&\x02/g
	:next
	s/^(([\x09\x20-\x7e]|\x01[\x80-\xff]+\x02)*)[\x80-\xff]/\1?/
	t next
	s/[\x01\x02]//g
}'

# clean_lines: standard input for a person: nothing moves the cursor but the line's end and tabs
clean_lines() { LC_ALL=C sed -E "$CLEAN_SED"; }

# clean TEXT: the same, as one line
clean() {
	local text=${1//[[:cntrl:]]/?}
	if [[ $text == *[$'\x80'-$'\xff']* ]]; then
		clean_lines <<<"$text"
	else
		printf '%s\n' "$text"
	fi
}

# typed WORD...: a command as one would type it
typed() {
	local word out=()
	for word; do
		if [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]]; then
			out+=("$word")
		elif [[ $word =~ ^[\ -~]*$ ]]; then
			out+=("'${word//\'/\'\\\'\'}'")
		else
			printf -v word %q "$word"
			out+=("$word")
		fi
	done
	printf '%s\n' "${out[*]}"
}

# gnuplot_text TEXT: a string of gnuplot. Between double quotes it would run what stands
# between backquotes.
gnuplot_text() {
	local text
	text=$(clean "$1")
	printf "'%s'" "${text//\'/\'\'}"
}

# json_escaped: JSON on standard input, with all control characters escaped. iproute2 prints
# those of names and aliases as they are, but for \t, \n, \f and \r, which no parser takes; jq
# and json-c print those from U+007F to U+009F, which a terminal obeys.
json_escaped() { LC_ALL=C sed "$JSON_SED"; }
JSON_SED='/[\x01-\x08\x0b\x0e-\x1f\x7f]\|\xc2[\x80-\x9f]/!b;'
for i in {1..8} 11 {14..31} 127; do printf -v i 's/\\x%02x/\\\\u00%02x/g;' "$i" "$i" && JSON_SED+=$i; done
for i in {128..159}; do printf -v i 's/\\xc2\\x%02x/\\\\u00%02x/g;' "$i" "$i" && JSON_SED+=$i; done
