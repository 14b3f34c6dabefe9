# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# maps.sh - pinned maps, and values by the names of their fields. abi.sh (from kern/abi/layout.jq)
# has the offset, size and kind of each field as HM_FIELD_STRUCT_NAME.

# bytes SIZE NUMBER: NUMBER as SIZE hexadecimal bytes in host order, in BYTES
bytes() {
	local i hex
	BYTES=()
	for ((i = 0; i < $1; i++)); do
		printf -v hex '%02x' $((($2 >> (8 * i)) & 255))
		if [[ $HM_ENDIAN == little ]]; then BYTES+=("$hex"); else BYTES=("$hex" "${BYTES[@]}"); fi
	done
}

# A value under construction: VALUE is an array of hexadecimal bytes.
value_new() { # SIZE
	local zeros
	printf -v zeros '%*s' "$1" ''
	read -ra VALUE <<<"${zeros// /00 }"
}
# struct_new STRUCT: sets VALUE to zeros
struct_new() {
	local size=HM_SIZE_$1
	value_new "${!size}"
}

# field STRUCT.NAME [VALUE...]: writes a number, a text or several hexadecimal bytes into VALUE
field() {
	local spec=HM_FIELD_${1/./_} at size kind i hex text=''
	read -r at size kind <<<"${!spec}"
	shift
	case $kind in
	n | be) (($# == 1)) || kind=bytes ;;
	esac
	case $kind in
	n) bytes "$size" "$1" ;;
	be)
		printf -v hex '%0*x' $((2 * size)) "$1"
		BYTES=()
		for ((i = 0; i < 2 * size; i += 2)); do BYTES+=("${hex:i:2}"); done
		;;
	text)
		text=${1:0:size-1}
		BYTES=()
		for ((i = 0; i < size; i++)); do
			printf -v hex '%02x' "'${text:i:1}"
			((i < ${#text})) || hex=00
			BYTES+=("$hex")
		done
		;;
	*)
		BYTES=("$@")
		for ((i = $#; i < size; i++)); do BYTES+=(00); done
		;;
	esac
	for hex in "${BYTES[@]}"; do VALUE[at++]=$hex; done
}
# field_get STRUCT.NAME: the number or text there, or the hexadecimal bytes, in FIELD
field_get() {
	local spec=HM_FIELD_${1/./_} at size kind NUM TEXT
	read -r at size kind <<<"${!spec}"
	case $kind in
	text)
		text_at "$at" "$size"
		FIELD=$TEXT
		;;
	bytes) FIELD=${VALUE[*]:at:size} ;;
	*)
		number_at "$at" "$size"
		FIELD=$NUM
		;;
	esac
}
# field_num STRUCT.NAME: prints the number
field_num() {
	local FIELD
	field_get "$1"
	printf '%d' "$FIELD"
}
# value_words COMMAND...: the nonzero fields of the value in a bpftool command, as a comment
value_words() {
	local VALUE FIELD name words='' struct=${5:-} text="$*"
	struct=${struct##*/}
	[[ $text == *' map update pinned '*' value hex '* ]] || return 0
	read -ra VALUE <<<"${text##* value hex }"
	for name in $(compgen -v "HM_FIELD_${struct}_"); do
		name=${name#"HM_FIELD_${struct}_"}
		[[ $name != key_* ]] || continue
		field_get "$struct.$name"
		[[ -n ${FIELD//[ 0]/} ]] || continue
		[[ $FIELD != ??' '* ]] || FIELD=...
		# (others choose names, and a newline in a comment ends it)
		[[ $FIELD =~ ^[A-Za-z0-9_.-]+$ ]] || FIELD=$(typed "$FIELD")
		words+=" $name=$FIELD"
	done
	printf '%s' "${words:+ #$words}"
}
# bit_find STRUCT.NAME N: locates bit N of an array of __u64: BIT of VALUE[AT]
bit_find() {
	local spec=HM_FIELD_${1/./_}
	AT=$((${!spec%% *} + $2 / 8)) BIT=$(($2 % 8))
	[[ $HM_ENDIAN == little ]] || AT=$(((AT - $2 / 8) + (($2 / 8) ^ 7)))
}
bit_set() { # STRUCT.NAME N
	local AT BIT
	bit_find "$@"
	printf -v "VALUE[$AT]" '%02x' $((16#${VALUE[AT]} | 1 << BIT))
}
bit_is() { # STRUCT.NAME N
	local AT BIT
	bit_find "$@"
	((16#${VALUE[AT]} >> BIT & 1))
}
# flag STRUCT.NAME BITS ON: sets or clears bits of the number there
flag() {
	local FIELD
	field_get "$1"
	field "$1" $(((FIELD & ~$2) | ($3 ? $2 : 0)))
}

# number_at OFFSET SIZE: the number there, in NUM; text_at: the text, in TEXT
number_at() {
	local i hex=
	for ((i = $1; i < $1 + $2; i++)); do
		if [[ $HM_ENDIAN == little ]]; then hex=${VALUE[i]}$hex; else hex+=${VALUE[i]}; fi
	done
	NUM=$((16#$hex))
}
text_at() {
	local hex=${VALUE[*]:$1:$2}
	hex_text "${hex// /}"
}
# hex_text DIGITS: the text up to its 0, in TEXT
hex_text() {
	local i bytes=''
	for ((i = 0; i < ${#1}; i += 2)); do
		[[ ${1:i:2} != 00 ]] || break
		bytes+="\\x${1:i:2}"
	done
	printf -v TEXT %b "$bytes"
}
# btf_seen JSON: dies if bpftool printed no value because of the map's BTF
btf_seen() { [[ $1 != '{"error":'*btf* ]] || need_caps sys_admin; }
# value_of JSON: the first value that bpftool printed. False if there is none.
value_of() {
	[[ $1 =~ \"value\":\[\"([^]]*)\"\] ]] || {
		btf_seen "$1"
		return 1
	}
	local bytes=${BASH_REMATCH[1]//[\",]/ }
	read -ra VALUE <<<"${bytes//0x/}"
}

# value_read NAME KEYBYTE...: reads a value into VALUE. False if there is none. (Without jq, which
# takes longer to start than everything else here.)
value_read() {
	local name=$1 raw
	shift
	raw=$(bpftool -j map lookup pinned "$GLOBALS/$name" key hex "$@" 2>/dev/null) || return 1
	value_of "$raw"
}

# map_shape NAME: key and value size in KEY_SIZE and VALUE_SIZE
map_shape() {
	local shape=HM_MAP_$1
	read -r MAP_TYPE KEY_SIZE VALUE_SIZE MAP_ENTRIES MAP_FLAGS <<<"${!shape}"
}

# map_put NAME KEYBYTE... -- FULL: writes VALUE to the pinned map; FULL is the message if the map
# is full. PIN_SHAPE has the map's size (pins_load).
map_put() {
	local name=$1 key=() OUT
	shift
	while [[ $1 != -- ]]; do
		key+=("$1")
		shift
	done
	local full=$2
	change "$BPFTOOL" map update pinned "$GLOBALS/$name" key hex "${key[@]}" value hex "${VALUE[@]}" && return
	# (the command may have died of the signal that we got)
	signals_now
	[[ $OUT != *"too long"* ]] || die "$full"
	die "map $GLOBALS/$name: $(first_error "$OUT")"
}

# pins_load: queries all our pinned maps at once: PIN_ID and PIN_SHAPE by name
declare -A PIN_ID=() PIN_SHAPE=()
pins_load() {
	local name id type rest there=() out fd
	PIN_ID=() PIN_SHAPE=()
	for name in $HM_MAPS; do
		[[ ! -e $GLOBALS/$name ]] || there+=("$name")
	done
	((${#there[@]})) || return 0
	# bpftool closes a descriptor twice here, and therefore exits with 255
	out=$(printf 'map show pinned %s\n' "${there[@]/#/"$GLOBALS/"}" |
		{ bpftool -j batch file - 2>/dev/null || true; } |
		jq -r '.[].output | select(. != null) | "\(.id // 0) \(.type) \(.bytes_key) \(.bytes_value) \(.max_entries)"') || out=
	exec {fd}<<<"$out"
	for name in "${there[@]}"; do
		id=0 type='' rest=''
		read -r -u "$fd" id type rest || true
		[[ -n $type && $type != null ]] || {
			out=$(bpftool map show pinned "$GLOBALS/$name" 2>&1) || true
			die "$GLOBALS/$name is not a map that can be read ($(first_error "$out")): if it is not ours, remove it or set HOOKMAP_BPFFS"
		}
		PIN_ID[$name]=$id
		PIN_SHAPE[$name]="$type $rest"
	done
	exec {fd}<&-
}

# pins_known: the same, unless PIN_ID is still valid
pins_known() { ((${#PIN_ID[@]})) || pins_load; }

# map_check NAME: dies if the pinned map has another shape. False if there is no pin.
map_check() {
	local pin=$GLOBALS/$1
	[[ -e $pin ]] || return 1
	[[ -n ${PIN_ID[$1]:-} ]] || pins_load
	map_shape "$1"
	# 0 entries: attach chose the number
	[[ $MAP_ENTRIES != 0 ]] || MAP_ENTRIES=${PIN_SHAPE[$1]##* }
	[[ ${PIN_SHAPE[$1]} == "$MAP_TYPE $KEY_SIZE $VALUE_SIZE $MAP_ENTRIES" ]] ||
		die "map $pin is '${PIN_SHAPE[$1]}' (type, key, value, entries), expected '$MAP_TYPE $KEY_SIZE $VALUE_SIZE $MAP_ENTRIES': made by another version: detach.sh --all takes off what that one has left"
}

# maps_check NAME...: call it before the first change: dies if a map has another shape; if we
# fail, the maps that do not exist yet are removed again
maps_check() {
	local name
	for name; do
		map_check "$name" || defer rm -f "$GLOBALS/$name"
	done
}

# maps_remove NAME...: unpins them, unless a program that was attached by hand still
# uses them (MAPS_USERS). The kernel frees detached programs after a moment.
MAPS_USERS=''
maps_remove() {
	local name i users='' there=() ids=''
	MAPS_USERS=''
	for name; do
		[[ ! -e $GLOBALS/$name ]] || there+=("$name")
	done
	((${#there[@]})) || return 0
	if ((!DRY_RUN)); then
		for name in "${there[@]}"; do
			[[ -n ${PIN_ID[$name]:-} ]] || pins_load
			ids+=${ids:+,}${PIN_ID[$name]:-0}
		done
		for ((i = 0; i < 20; i++)); do
			users=$(bpftool -j prog show | jq -r --argjson ids "[$ids]" \
				'[.[] | select((.map_ids // []) - ((.map_ids // []) - $ids) != []) | "\(.name) id \(.id)"] | join(", ")')
			[[ -n $users ]] || break
			sleep 0.05
		done
	fi
	MAPS_USERS=$users
	if [[ -n $users ]]; then
		# (--all tries again after it has detached these programs)
		((${ALL:-0})) || note "kept the maps ${there[*]}: programs that were attached by hand use them ($users)"
		return
	fi
	run rm -f "${there[@]/#/"$GLOBALS/"}"
	((DRY_RUN)) || PIN_ID=() PIN_SHAPE=()
}

# maps_create HEADER NAME...: creates and pins the missing maps of abi/HEADER.h. They have BTF, which
# `bpftool map create` cannot give, unless BTF would keep us from reading them (see need_caps).
maps_create() {
	local object=pins/$1.o staging=$PINS/_maps name new=() OBJECT MISSING
	shift
	for name; do map_check "$name" || new+=("$name"); done
	((${#new[@]})) || return 0
	if caps_missing sys_admin; then
		for name in "${new[@]}"; do map_create "$name"; done
		return
	fi
	object "$object"
	defer rm -rf "$staging"
	run mkdir -p "$staging"
	run "$BPFTOOL" -n prog load "$OBJECT" "$staging/pins" pinmaps "$staging"
	defer rm -f "${new[@]/#/"$GLOBALS/"}"
	run mv "${new[@]/#/"$staging/"}" "$GLOBALS/"
	run rm -rf "$staging"
}

# map_create NAME [ENTRIES [INNER]]: creates and pins a map without BTF: ENTRIES if abi.h leaves the
# number open; INNER is the pinned map that serves a map of maps as template
map_create() {
	local inner=()
	map_check "$1" && return
	map_shape "$1"
	[[ $MAP_ENTRIES != 0 ]] || MAP_ENTRIES=$2
	[[ -z ${3:-} ]] || inner=(inner_map pinned "$GLOBALS/$3")
	run "$BPFTOOL" -n map create "$GLOBALS/$1" type "$MAP_TYPE" key "$KEY_SIZE" value "$VALUE_SIZE" \
		entries "$MAP_ENTRIES" name "$1" flags "$MAP_FLAGS" "${inner[@]}"
	defer rm -f "$GLOBALS/$1"
}

map_set() { # NAME KEYBYTE... -- VALUEBYTE...
	local name=$1 key=()
	shift
	while [[ $1 != -- ]]; do
		key+=("$1")
		shift
	done
	shift
	local VALUE=("$@")
	map_put "$name" "${key[@]}" -- "map $GLOBALS/$name is full: remove some of its entries"
}

# map_dump NAME: JSON, or [] if the map does not exist. Dies if the map cannot be read. A caller
# in a subshell must pass that on: an unreadable map is an error, not an empty list.
map_dump() {
	[[ -e $GLOBALS/$1 ]] || {
		printf '[]\n'
		return
	}
	local out
	if [[ -n ${MAP_LAST:-} ]]; then
		out=$(map_first "$1" "$MAP_LAST")
	else
		out=$(bpftool -j map dump pinned "$GLOBALS/$1" 2>/dev/null)
	fi || {
		btf_seen "$out"
		die "map $GLOBALS/$1 cannot be read: ${out:0:200}"
	}
	printf '%s\n' "$out"
}

# map_first NAME N: entries 0 to N of an array; faster than a dump if the map has many large
# entries. The exit status of a batch means nothing (pins_load); an error ends it.
map_first() {
	local number out
	out=$(for ((number = 0; number <= $2; number++)); do
		bytes 4 "$number"
		printf 'map lookup pinned %s key hex %s\n' "$GLOBALS/$1" "${BYTES[*]}"
	done | bpftool -j batch file - 2>/dev/null) || true
	[[ ${out: -1} == ']' && ! ${out: -300} =~ '"output":null'|'"error":' ]] || return 1
	printf '%s\n' "$out"
}

# map_value NAME: reads a map of one entry into VALUE; zeros if the map does not exist
map_value() {
	local out
	map_shape "$1"
	out=$(map_dump "$1") || exit 1
	value_of "$out" || value_new "$VALUE_SIZE"
}

# field_spot FIELD: AT, SIZE and KIND of a field in an entry, the key before the value. FIELD is
# STRUCT.NAME (in the key if STRUCT ends in _key), or "key" for the whole key. After map_shape.
field_spot() {
	local spec=HM_FIELD_${1/./_}
	if [[ $1 == key ]]; then
		AT=0 SIZE=$KEY_SIZE KIND=n
	else
		read -r AT SIZE KIND <<<"${!spec}"
		[[ ${1%.*} == *_key ]] || AT=$((AT + KEY_SIZE))
	fi
}

# map_rows NAME FIELD...: one line of these fields per entry, see field_spot. The last field may be a
# text ("-" if empty). A newline in it becomes "?": otherwise others could forge a row, with numbers
# that we compute with. Array entries in which all these fields are 0 are left out.
map_rows() {
	local name=$1 field spots='' kinds=() word words line TEXT AT SIZE KIND
	shift
	map_shape "$name"
	for field; do
		field_spot "$field"
		spots+="$AT $SIZE $KIND "
		kinds+=("$KIND")
	done
	# in hexadecimal, most significant digit first (numbers are too large for awk)
	map_dump "$name" | awk -v RS='}' -v where="$spots" -v key="$KEY_SIZE" -v little="$((HM_BYTE_ORDER == 1234))" -v type="$MAP_TYPE" '
		BEGIN {
			n = split(where, w, " ")
			for (i = 1; i <= n; i += 3) if (w[i] + w[i + 1] > most) most = w[i] + w[i + 1]
		}
		/"key":\["0x/ {
			# each byte has 7 characters: "0x00",
			split(substr($0, index($0, "\"key\":[") + 7, 7 * key - 1) "," substr($0, index($0, "\"value\":[") + 9, 7 * (most - key)), byte, ",")
			line = set = ""
			for (i = 1; i <= n; i += 3) {
				hex = ""
				for (k = w[i] + 1; k <= w[i] + w[i + 1]; k++)
					hex = w[i + 2] == "n" && little ? substr(byte[k], 4, 2) hex : hex substr(byte[k], 4, 2)
				line = line hex " "
				if (w[i] >= key) set = set hex
			}
			if (type != "array" || set ~ /[^0]/) print line
		}' | while read -ra words; do
		line=
		for word in "${!words[@]}"; do
			case ${kinds[word]} in
			text)
				hex_text "${words[word]}"
				TEXT=${TEXT//$'\n'/?}
				line+="${TEXT:--} "
				;;
			bytes) line+="${words[word]} " ;;
			*) line+="$((16#${words[word]})) " ;;
			esac
		done
		printf '%s\n' "${line% }"
	done
}

# map_lines VAR NAME FIELD...: these rows in VAR, read again only after a change
declare -A MAP_LINES=()
map_lines() {
	[[ -n ${MAP_LINES[$2]+x} ]] || MAP_LINES[$2]=$(map_rows "${@:2}") || exit 1
	printf -v "$1" %s "${MAP_LINES[$2]}"
}

# map_pairs: turns entries from bpftool -j into lines "KEY|VALUE" of hexadecimal bytes
map_pairs() {
	tr '}' '\n' | sed -nE '
		s/.*"key":\[("0x[^]]*)\],"value":\[("0x[^]]*)\].*/\1|\2/
		T
		s/"0x//g
		s/",/ /g
		s/"//gp'
}
map_entries() { # NAME
	map_dump "$1" | map_pairs
}
# pair_spot FIELD: its position and length in such a line
pair_spot() {
	local AT SIZE KIND
	field_spot "$1"
	printf '%d %d' $((3 * AT + 1)) $((3 * SIZE - 1))
}

# map_keys NAME [FIELD VALUES]...: the keys, as hexadecimal bytes, of the entries in which each FIELD
# is one of VALUES (numbers, or the bytes of one); without FIELD, all keys
map_keys() {
	local name=$1 field number wanted='' BYTES AT SIZE KIND
	map_shape "$name"
	shift
	while (($#)); do
		field_spot "$1"
		[[ -z ${2// /} ]] || wanted+=$(pair_spot "$1")' |'
		[[ $KIND != bytes ]] || wanted+="$2|"
		[[ $KIND == bytes ]] || for number in $2; do
			bytes "$SIZE" "$number"
			wanted+="${BYTES[*]}|"
		done
		wanted+=';'
		shift 2
	done
	map_entries "$name" | awk -F'|' -v wanted="$wanted" '
		BEGIN {
			n = split(wanted, list, ";")
			for (i = 1; i < n; i++) { split(list[i], w, " "); at[i] = w[1]; len[i] = w[2] }
		}
		{
			for (i = 1; i < n; i++) if (len[i] && !index(list[i], "|" substr($0, at[i], len[i]) "|")) next
			print $1
		}'
}

# map_deletes MAP: reads keys and prints commands that delete them. (A path may contain characters
# that sed and awk -v interpret.)
map_deletes() { pin=$GLOBALS/$1 awk '{ print "map delete pinned " ENVIRON["pin"] " key hex " $0 }'; }

# map_read NAME N: reads entry N of an array into VALUE. False if there is none.
map_read() {
	bytes 4 "$2"
	value_read "$1" "${BYTES[@]}"
}

# map_write NAME N: writes VALUE to entry N
map_write() {
	bytes 4 "$2"
	map_set "$1" "${BYTES[@]}" -- "${VALUE[@]}"
}

# map_keep NAME: if we fail, a map of one entry gets its current value back
map_keep() {
	local VALUE
	map_value "$1"
	bytes 4 0
	defer map_set "$1" "${BYTES[@]}" -- "${VALUE[@]}"
}

# map_options NAME...: the words that pass pinned maps to `bpftool prog load`, in MAP_OPTIONS
map_options() {
	local name
	MAP_OPTIONS=()
	for name; do
		MAP_OPTIONS+=(map name "$name" pinned "$GLOBALS/$name")
	done
}
