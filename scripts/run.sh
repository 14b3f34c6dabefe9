#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - runs a BPF program on packets from a file, with no device. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: run.sh [OPTION...] OBJ PACKET...

Runs an XDP, tc, iptables or cgroup_skb program on packets (BPF_PROG_RUN) and prints its
return value for each. It uses no device and sends nothing.

  OBJ     an object file, the name of one of ours (xdp/count), or a pinned program.
          An object gets new, empty maps, which are gone at the end; a pinned program
          runs with its own maps.
  PACKET  Ethernet frames: a pcap file, or one frame as hexadecimal text, where # begins
          a comment and an offset before a colon is skipped (tcpdump -xx). - is stdin.

  --expect VERDICT  exit with 1 unless each packet gets this verdict: a name (pass,
                    XDP_DROP, shot, ...) or a number
  --repeat N        run N times and print the average time (default 1). Not useful if
                    the program changes the packet, because all runs share it
  --program NAME    run this program of the object instead of the first
  --type TYPE       type of the program: xdp, classifier, socket; default: by the
                    folder of OBJ, or as bpftool infers it from the section
  --set MAP=KEY:VALUE  write to a map before the runs, hexadecimal bytes in memory
                    order: hello_cfg=00000000:0100000000000000; may be repeated
  --dump MAP        print this map after the last run
  --out FILE        write the last packet after the run, as hexadecimal text
  -j, --json        {"rows": [{"packet", "bytes", "verdict", "retval", "after", "ns"}...],
                    "map": the map of --dump}
  -v, --verbose     show the commands as they run
  -h, --help

Exit status: 0 ran (and returned what was expected), 1 did not, 2 usage.
EOF
}

EXPECT='' REPEAT=1 PROGRAM='' TYPE='' DUMP='' OUT='' SETS=()
JSON=0
option() { # OPTION VALUE
	if [[ $1 == --json ]]; then
		JSON=1
		return
	fi
	[[ -n $2 ]] || misuse "$1 needs a value"
	case $1 in
	--expect) EXPECT=$2 ;;
	--repeat)
		number --repeat "$2" 1 100000000
		REPEAT=$NUMBER
		;;
	--program) PROGRAM=$2 ;;
	--type) TYPE=$2 ;;
	--set)
		[[ $2 =~ ^[A-Za-z0-9_]{1,15}=([0-9a-fA-F]{2})+:([0-9a-fA-F]{2})+$ ]] ||
			misuse "--set $2: expected MAP=KEY:VALUE, in hexadecimal bytes"
		SETS+=("$2")
		;;
	--dump) DUMP=$2 ;;
	--out) OUT=$2 ;;
	esac
}
WORDS=("$@")
options '-v|--verbose -h|--help -j|--json --expect= --repeat= --program= --type= --set= --dump= --out=' "$@"
((${#ARGS[@]} >= 2)) || misuse "an object and a packet are needed"
OBJ=${ARGS[0]} PACKETS=("${ARGS[@]:1}")

need_root
need_tools "$BPFTOOL" jq od unshare

# A pinned program runs with its maps. An object is loaded into its own bpf filesystem, so
# that maps and pins in use are not touched.
PIN=''
case $(stat -f -c %T -- "$OBJ" 2>/dev/null) in
bpf_fs)
	[[ -f $OBJ ]] || die "$OBJ is not a pinned program"
	[[ -z $PROGRAM$TYPE ]] || misuse "$OBJ is pinned: --program and --type are for objects"
	PIN=$OBJ
	;;
*)
	[[ -e $OBJ || $OBJ == /* ]] || OBJ=$HM_OBJ/${OBJ%.o}.o
	[[ -f $OBJ && -r $OBJ ]] || die "object $OBJ is not there: build first (make)"
	if [[ -z ${HM_RUN_PRIVATE:-} ]]; then
		HM_RUN_PRIVATE=1 exec unshare --mount --propagation private -- "$(realpath -s -- "$0")" "${WORDS[@]}"
	fi
	[[ -d $BPFFS ]] || die "no directory $BPFFS: see HOOKMAP_BPFFS"
	mount -t bpf bpf "$BPFFS" || die "cannot mount a bpf filesystem on $BPFFS"
	;;
esac

# --- packets: FRAMES, each a string of hexadecimal digits

FRAMES=()
TMP=$(mktemp -d)
trap 'status=$?; rm -rf "$TMP"; leave "$status"' EXIT

# hex32 TEXT AT: a 32-bit number of a pcap header, in NUMBER
hex32() {
	local word=${1:$2:8}
	((!SWAPPED)) || word=${word:6:2}${word:4:2}${word:2:2}${word:0:2}
	NUMBER=$((16#$word))
}

read_pcap() { # NAME HEX
	local hex=$2 at=48
	((${#hex} >= 48)) || die "$1: the pcap header is cut off"
	hex32 "$hex" 40
	(((NUMBER & 0xffff) == 1)) || die "$1: link type $((NUMBER & 0xffff)): only Ethernet (1) is understood"
	while ((at < ${#hex})); do
		((at + 32 <= ${#hex})) || die "$1: packet $((${#FRAMES[@]} + 1)) is cut off"
		hex32 "$hex" $((at + 16))
		at=$((at + 32))
		((NUMBER <= 262144 && at + 2 * NUMBER <= ${#hex})) || die "$1: packet $((${#FRAMES[@]} + 1)) is cut off"
		FRAMES+=("${hex:at:2*NUMBER}")
		at=$((at + 2 * NUMBER))
	done
	((${#FRAMES[@]})) || die "$1 has no packet"
}

read_packets() { # FILE
	local file=$1 text
	[[ $file != - ]] || file=/proc/self/fd/0
	[[ -r $file && ! -d $file ]] || die "packet file $1 is not there"
	# a few milliseconds per packet: this is for small files
	read_input "$file" head -c 1048577 -- "$file" >"$TMP/packets" || die "$1: cannot be read"
	[[ -s $TMP/packets ]] || die "$1 is empty"
	(($(stat -c %s "$TMP/packets") <= 1048576)) || die "$1 is larger than 1 MiB: cut it with tcpdump -r $1 -c N -w FILE"
	case $(od -An -N4 -tx1 "$TMP/packets" | tr -d ' ') in
	a1b2c3d4 | a1b23c4d) SWAPPED=0 ;;
	d4c3b2a1 | 4d3cb2a1) SWAPPED=1 ;;
	0a0d0d0a) die "$1 is pcapng: convert it with tcpdump -r $1 -w FILE" ;;
	*)
		text=$(tr '\0' '?' <"$TMP/packets" |
			sed 's/#.*//; s/^[[:space:]]*\(0x\)\{0,1\}[0-9a-fA-F]\{1,8\}:\([[:space:]]\)/\2/' | tr -d ' \t\r\n:')
		[[ $text =~ ^([0-9a-fA-F]{2})+$ ]] || die "$1 is not a packet file: expected pcap, or two hexadecimal digits per byte"
		FRAMES+=("$text")
		return
		;;
	esac
	read_pcap "$1" "$(od -An -v -tx1 "$TMP/packets" | tr -d ' \n')"
}

# hex_bytes TEXT: as separate words, in HEX_BYTES
hex_bytes() {
	local i
	HEX_BYTES=()
	for ((i = 0; i < ${#1}; i += 2)); do HEX_BYTES+=("${1:i:2}"); done
}

for file in "${PACKETS[@]}"; do read_packets "$file"; done
for i in "${!FRAMES[@]}"; do
	((${#FRAMES[i]} >= 28)) || die "packet $((i + 1)) has $((${#FRAMES[i]} / 2)) bytes: the kernel runs nothing shorter than an Ethernet header (14)"
done

# --- the program

load() {
	local dir=$BPFFS/run type=$TYPE verb=load pin=$BPFFS/run/prog words
	if [[ -z $type ]]; then
		case /$OBJ in
		*/xdp/*) type=xdp ;;
		*/tc/*) type=classifier ;;
		*/iptables/*) type=socket ;;
		esac
	fi
	mkdir "$dir"
	if [[ -n $PROGRAM ]]; then
		verb=loadall
		pin=$dir
	fi
	words=("$BPFTOOL" prog "$verb" "$OBJ" "$pin")
	run "${words[@]}" ${type:+type "$type"}
	PIN=$pin
	[[ -z $PROGRAM ]] || PIN=$dir/$PROGRAM
	[[ -e $PIN ]] || die "$OBJ has no program $PROGRAM: it has $(cd "$dir" && echo *)"
}
[[ -n $PIN ]] || load

read -r KIND MAP_IDS < <(bpftool -j prog show pinned "$PIN" 2>/dev/null |
	jq -r '"\(.type // "-") \(.map_ids // [] | join(" "))"') || true
[[ ${KIND:--} != - ]] || die "$OBJ is not a pinned program"

# find_map NAME: the program's map of that name, in MAP_ID
find_map() {
	local id name names=''
	for id in $MAP_IDS; do
		name=$(bpftool -j map show id "$id" | jq -r .name)
		names+=" $name"
		[[ $name == "$1" ]] || continue
		MAP_ID=$id
		return
	done
	die "the program has no map $1: it has${names:- none}"
}

VERDICTS=()
case $KIND in
xdp) VERDICTS=(aborted drop pass tx redirect) ;;
sched_cls | sched_act) VERDICTS=(ok reclassify shot pipe stolen queued repeat redirect trap) ;;
cgroup_skb) VERDICTS=(drop pass) ;;
socket_filter) VERDICTS=(no-match) ;;
*) die "a program of type $KIND cannot be run on a packet" ;;
esac

# verdict NUMBER: its name, in VERDICT
verdict() {
	VERDICT=''
	(($1 < 0)) || VERDICT=${VERDICTS[$1]:-}
	[[ -z $VERDICT ]] || return 0
	case $KIND in
	sched_*) (($1 != -1)) || VERDICT=unspec ;;
	socket_filter) VERDICT=match ;;
	esac
	VERDICT=${VERDICT:-$1}
}

# expected NUMBER NAME: does --expect name this verdict?
expected() {
	local want=${EXPECT,,}
	[[ -z $want || $want == "$1" ]] && return
	want=${want#xdp_}
	want=${want#tc_act_}
	[[ $want == "$2" ]]
}

# a misspelt name would never be returned
if [[ -n $EXPECT && ! $EXPECT =~ ^-?[0-9]{1,9}$ ]]; then
	known=" ${VERDICTS[*]} "
	[[ $KIND != sched_* ]] || known+="unspec "
	[[ $KIND != socket_filter ]] || known+="match "
	want=${EXPECT,,}
	want=${want#xdp_}
	[[ $known == *" ${want#tc_act_} "* ]] || misuse "--expect $EXPECT: a program of type $KIND returns one of${known% }"
fi

for text in "${SETS[@]}"; do
	find_map "${text%%=*}"
	text=${text#*=}
	hex_bytes "${text%%:*}"
	key=("${HEX_BYTES[@]}")
	hex_bytes "${text#*:}"
	run "$BPFTOOL" map update id "$MAP_ID" key hex "${key[@]}" value hex "${HEX_BYTES[@]}"
done

# --- the runs

WRONG=0
ROWS=''
((JSON)) || printf '%-8s %6s  %-10s %6s %9s\n' PACKET BYTES VERDICT AFTER NS/RUN
for i in "${!FRAMES[@]}"; do
	bytes=$((${#FRAMES[i]} / 2))
	printf '%s\n' "${FRAMES[i]}" | sed 's/../\\x&/g' >"$TMP/text"
	printf '%b' "$(<"$TMP/text")" >"$TMP/in"
	rm -f "$TMP/out"
	words=("$BPFTOOL" -j prog run pinned "$PIN" data_in "$TMP/in" data_out "$TMP/out" repeat "$REPEAT")
	# (otherwise bpftool reserves only 32 KiB for the packet after the run)
	((bytes < 32000)) || words+=(data_size_out $((bytes + 256)))
	((!VERBOSE)) || show "${words[@]}"
	result=$(HM_LIMIT=$((HM_LIMIT + REPEAT / 100000)) look "${words[@]}" 2>/dev/null) || true
	read -r retval duration < <(jq -r '"\(.retval // "-") \(.duration // 0)"' <<<"$result" 2>/dev/null) || true
	[[ ${retval:--} != - ]] || {
		why=$(jq -r '.error // "no message"' <<<"$result" 2>/dev/null) || why='no message'
		((bytes < 3400)) || why+=": it has $bytes bytes, and this kernel runs a $KIND program on less (XDP programs on up to 64 KiB, since Linux 5.18)"
		spoken >&2 "$HM_NAME: packet $((i + 1)): the kernel did not run the program: $why"
		WRONG=1
		((JSON)) || printf '%-8s %6d  %-10s %6s %9s\n' "$((i + 1))" "$bytes" 'not run' - -
		continue
	}
	((retval < 2147483648)) || retval=$((retval - 4294967296))
	verdict "$retval"
	row=($((i + 1)) "$bytes" "$VERDICT" "$(stat -c %s "$TMP/out")" "$duration")
	if ((JSON)); then
		ROWS+="${row[*]} $retval"$'\n'
	else
		printf '%-8s %6d  %-10s %6d %9d\n' "${row[@]}"
	fi
	expected "$retval" "$VERDICT" || {
		spoken >&2 "$HM_NAME: packet $((i + 1)): returned $VERDICT ($retval), expected $EXPECT"
		WRONG=1
	}
done
if [[ -n $OUT ]]; then
	[[ -e $TMP/out ]] || die "$OUT is not written: the last packet did not run"
	od -An -v -tx1 "$TMP/out" | sed 's/^ //' | save "$OUT"
fi
if [[ -n $DUMP ]]; then
	find_map "$DUMP"
	((JSON)) || bpftool map dump id "$MAP_ID"
fi
if ((JSON)); then
	map=null
	[[ -z $DUMP ]] || map=$(bpftool -j map dump id "$MAP_ID")
	jq -n --arg rows "$ROWS" --argjson map "$map" '{rows: [$rows | split("\n")[] | select(. != "") | split(" ")
		| {packet: (.[0] | tonumber), bytes: (.[1] | tonumber), verdict: .[2], retval: (.[5] | tonumber),
			after: (.[3] | tonumber), ns: (.[4] | tonumber)}]} + if $map then {map: $map} else {} end'
fi
exit "$WRONG"
