# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# text.sh - prints words chosen by others (names of devices, aliases, namespaces, processes,
# files). Whoever creates a device in a network namespace chooses its name, without privileges
# outside. One function for each reader:
#   clean TEXT, clean_lines  a person at a terminal
#   typed WORD...            a shell, into which a person copies the command
#   gnuplot_text TEXT        gnuplot
#   json_escape, json_escaped  a parser of JSON, or a person at a terminal
#   carried TEXT, as_named   what goes into jq, and comes out
# jq gets them by --arg, awk by the environment (-v interprets backslashes); no program is
# assembled from them.

# Well-formed UTF-8, except for the last 128 characters, which CARRY_SED uses.
UTF8='[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8e][\x80-\xbf]{2}|\xf4\x8f[\x80-\xbd][\x80-\xbf]'

# A terminal obeys the control characters of ASCII and, in UTF-8, U+0080 to U+009F. Bytes that
# are not UTF-8 also become "?": other character sets have control characters there.
CLEAN_SED='s/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/?/g
/[\x80-\xff]/ {
	s/'$UTF8'|[\x80-\xff]/\x01&\x02/g
	s/\x01[\x80-\xff]\x02/?/g
	s/[\x01\x02]//g
}'

# clean_lines: standard input for a person: only line ends and tabs move the cursor
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

# gnuplot_text TEXT: a string for gnuplot. In double quotes, gnuplot would run text between
# backquotes.
gnuplot_text() {
	local text
	text=$(clean "$1")
	printf "'%s'" "${text//\'/\'\'}"
}

# json_escape: what is in ANSWER, with all control characters escaped, and bytes that are not
# UTF-8 carried; json_escaped: what is on standard input. iproute2 prints those of names and
# aliases as they are, but for \t, \n, \f and \r, which no parser takes; jq and json-c print
# those from U+007F to U+009F, which a terminal obeys.
json_escape() {
	[[ $ANSWER == *[$'\x01'-$'\x08'$'\x0b'$'\x0e'-$'\x1f'$'\x7f'-$'\xff']* ]] || return 0
	carriers
	ANSWER=$(LC_ALL=C sed -E "$JSON_SED" <<<"$ANSWER")
}
json_escaped() {
	local ANSWER
	ANSWER=$(</proc/self/fd/0)
	json_escape
	printf '%s\n' "$ANSWER"
}
# jq has one character for all bytes that are not UTF-8, and a device whose name has some would
# be another, or none. On the way through jq they are U+10FF80 to U+10FFFF:
#   carried TEXT  what jq is given, to be compared
#   as_named      what jq has printed, on standard input, as it is named
carried() {
	if [[ $1 == *[$'\x80'-$'\xff']* ]]; then
		carriers
		LC_ALL=C sed -E "$CARRY_SED" <<<"$1"
	else
		printf '%s\n' "$1"
	fi
}
as_named() {
	local text
	text=$(</proc/self/fd/0)
	if [[ $text == *$'\xf4\x8f'* ]]; then
		carriers
		LC_ALL=C sed "$NAMED_SED" <<<"$text"
	elif [[ -n $text ]]; then
		printf '%s\n' "$text"
	fi
}
# carriers: the sed scripts for these, which few hosts need
JSON_SED='' CARRY_SED='' NAMED_SED=''
carriers() {
	local i carrier
	[[ -z $JSON_SED ]] || return 0
	for i in {1..8} 11 {14..31} 127; do printf -v i 's/\\x%02x/\\\\u00%02x/g;' "$i" "$i" && JSON_SED+=$i; done
	for i in {128..159}; do printf -v i 's/\\xc2\\x%02x/\\\\u00%02x/g;' "$i" "$i" && JSON_SED+=$i; done
	CARRY_SED='/[\x80-\xff]/!b;s/'$UTF8'|[\x80-\xff]/\x01&\x02/g;'
	# (as_named from the last one on: f4 8f has come out by the time that it could be taken for one)
	for i in {128..255}; do
		printf -v carrier '\\xf4\\x8f\\x%x\\x%x' $((188 + i / 64)) $((128 + i % 64))
		printf -v i '\\x%x' "$i"
		CARRY_SED+="s/\\x01$i\\x02/$carrier/g;" NAMED_SED="s/$carrier/$i/g;$NAMED_SED"
	done
	CARRY_SED+='s/[\x01\x02]//g'
	NAMED_SED='/\xf4\x8f[\xbe\xbf]/!b;'$NAMED_SED
	JSON_SED+=$CARRY_SED
}
