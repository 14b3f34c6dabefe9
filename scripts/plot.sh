#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# plot.sh - plots the reader's output with gnuplot. See --help.

# shellcheck source=scripts/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

usage() {
	cat <<'EOF'
usage: plot.sh [-o FILE] [--size WxH] [--data] [--device DEV] [--netns NS] WHAT [FILE [AFTER]]

Draws on the terminal, or to FILE.svg, FILE.png or FILE.pdf. WHAT is

  percentiles   how long the slowest packets took, stage by stage, up to 99.9...%
  stages        a waterfall: where each stage begins, and how long it takes
  drops         packets lost per second, by reason, over time

FILE is the output of `hookmap -j --buckets latency`, for drops `hookmap -j -i 1 drops`;
without it, plot.sh runs the reader. With AFTER, percentiles and stages compare the two
files, before and after.

  -o, --output FILE   .svg, .png or .pdf
      --size WxH      pixels; on the terminal, characters
      --data          print the numbers instead. percentiles: 1/(1 - percentile),
                      seconds; stages: start, mean, median, 99 % (seconds), name;
                      drops: seconds (start of the interval), packets per second; an
                      empty line ends a curve
      --stage A-B     percentiles: only this pair, such as xdp-tc
      --device DEV    only this device; default: the one with the most packets
      --netns NS      and only this network namespace
  -i, --interval SEC  drops: seconds between two documents of FILE without a time (1)
  -c, --count N       drops, without FILE: number of intervals (60)
  -h, --help
EOF
}

OUTPUT='' SIZE='' DATA=0 STAGE='' DEVICE='' INTERVAL=1 COUNT=60
option() { # OPTION VALUE
	case $1 in
	--output)
		OUTPUT=$2
		[[ $2 =~ \.(svg|png|pdf)$ ]] || misuse "-o $2: expected a name that ends in .svg, .png or .pdf"
		;;
	--size)
		SIZE=$2
		[[ $2 =~ ^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$ ]] || misuse "--size $2: expected WIDTHxHEIGHT, as in 1000x600"
		;;
	--data) DATA=1 ;;
	--stage)
		STAGE=$2
		[[ $2 =~ ^[a-z]+-[a-z]+$ ]] || misuse "--stage $2: expected two stages, as in xdp-tc"
		;;
	--device) DEVICE=$2 ;;
	--interval)
		INTERVAL=$2
		[[ $2 =~ ^[0-9]+(\.[0-9]+)?$ && $2 =~ [1-9] ]] || misuse "-i $2: expected seconds"
		;;
	--count)
		number -c "$2" 1 100000
		COUNT=$NUMBER
		;;
	esac
}
options '-h|--help -o|--output= --size= --data --stage= --device= --netns= -i|--interval= -c|--count=' "$@"
WHAT=${ARGS[0]:-}
case $WHAT in
percentiles | stages) LIMIT=3 ;;
drops) LIMIT=2 ;;
*) misuse "${WHAT:+$WHAT: unknown; }expected percentiles, stages or drops" ;;
esac
((${#ARGS[@]} <= LIMIT)) || misuse "unknown argument ${ARGS[LIMIT]}"
[[ -z $STAGE || $WHAT == percentiles ]] || misuse "--stage works with percentiles only"
FILES=("${ARGS[@]:1}")
need_tools jq
((DATA)) || command -v gnuplot >/dev/null || die "gnuplot is not installed: apt install gnuplot-nox"

WORK=$(mktemp -d)
defer rm -rf "$WORK"
undo_on_exit

# --- the numbers

ask() { # asks the reader
	hookmap_reader
	if [[ $WHAT == drops ]]; then
		"$READER" -j -i "$INTERVAL" -c "$COUNT" drops >"$WORK/now.json" || exit
	else
		"$READER" -j --buckets latency >"$WORK/now.json" || exit
	fi
	FILES=("$WORK/now.json")
}

numbers() { # FILE NAME: on stdout
	local text
	text=$(jq -rn -L "$HM_SCRIPTS/lib" --arg stage "$STAGE" --arg device "$DEVICE" --arg netns "$NS" --arg name "$2" \
		--argjson compare "$( ((${#FILES[@]} == 2)) && printf true || printf false)" --argjson interval "$INTERVAL" \
		--arg what "$WHAT" 'include "plot"; plot($what; $name; $interval)' <"$1" 2>/dev/null) ||
		die "$1: not the output of hookmap -j $([[ $WHAT == drops ]] && printf 'drops' || printf 'latency')"
	[[ -n $text ]] || {
		text=$(jq -rn '[inputs.rows[]?.device] | unique | .[:8] | join(" ")' <"$1")
		[[ -z $text ]] || die "$1: nothing to draw: no row matches; its devices: $text"
		die "$1: nothing to draw: no packet was counted"
	}
	printf '%s\n' "$text"
	[[ $WHAT == stages ]] || printf '\n' # ends the last curve
}

# a label for each of two files: their names without suffix, and without directory if they still
# differ
label() {
	local name=${1##*/}
	[[ ${FILES[0]##*/} != "${FILES[-1]##*/}" ]] || name=$1
	printf '%s' "${name%.json}"
}

((${#FILES[@]})) || ask
for i in "${!FILES[@]}"; do
	[[ -r ${FILES[i]} ]] || die "${FILES[i]}: cannot be read"
	name=''
	((${#FILES[@]} == 1)) || name="$(label "${FILES[i]}"): "
	numbers "${FILES[i]}" "$name" >"$WORK/data.$i"
done
if ((DATA)); then
	cat "$WORK"/data.* | clean_lines
	exit
fi

# --- the picture

terminal() {
	local width=${SIZE%x*} height=${SIZE#*x}
	case $OUTPUT in
	'') printf 'set terminal dumb noenhanced size %d,%d\n' "${width:-${COLUMNS:-$(tput cols 2>/dev/null || printf 80)}}" "${height:-${LINES:-24}}" ;;
	*.svg) printf 'set terminal svg noenhanced size %d,%d font "sans,14" background "white"\n' "${width:-1000}" "${height:-600}" ;;
	*.png) printf 'set terminal pngcairo noenhanced size %d,%d font "sans,11"\n' "${width:-1000}" "${height:-600}" ;;
	*.pdf) awk -v width="${width:-1000}" -v height="${height:-600}" 'BEGIN { printf "set terminal pdfcairo noenhanced size %.2f,%.2f font \"sans,11\"\n", width / 100, height / 100 }' ;;
	esac
	printf 'set encoding utf8\n'
	# on the terminal, a grid would be drawn like a curve
	[[ -z $OUTPUT ]] || printf 'set output %s\nset grid back lt 1 lw 1 lc rgb "#e0e0e0"\n' "$(gnuplot_text "$WORK/picture")"
	# colours that differ for everybody (Okabe and Ito)
	cat <<'EOF'
set linetype 1 lc rgb "#0072b2" lw 2
set linetype 2 lc rgb "#d55e00" lw 2
set linetype 3 lc rgb "#009e73" lw 2
set linetype 4 lc rgb "#cc79a7" lw 2
set linetype 5 lc rgb "#e69f00" lw 2
set linetype 6 lc rgb "#56b4e9" lw 2
set linetype 7 lc rgb "#000000" lw 2
set linetype 8 lc rgb "#999999" lw 2
set linetype cycle 8
set key bmargin left Left reverse samplen 2 height 1
set rmargin 7
set tics nomirror out
set border 3
EOF
}

# curves FILE...: a plot command for files of titles, points and empty lines; each curve goes
# into a separate file
curves() { # STYLE
	local style=$1 n=0 line plots=''
	while IFS= read -r line; do
		if [[ -z $line ]]; then
			n=$((n + 1))
		elif [[ -e $WORK/curve.$n ]]; then
			printf '%s\n' "$line" >>"$WORK/curve.$n"
		else
			: >"$WORK/curve.$n"
			plots+="${plots:+, }$(gnuplot_text "$WORK/curve.$n") using 1:2 with $style lt $((n % 8 + 1)) title $(gnuplot_text "$line")"
		fi
	done < <(cat "$WORK"/data.*)
	printf 'plot %s\n' "$plots"
}

draw_percentiles() {
	cat <<'EOF'
set title "Latency by percentile"
set logscale xy
set xlabel "percentile of packets"
set ylabel "time"
set format y "%.0s %cs"
set xtics ("0 %%" 1, "50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1e3, "99.99 %%" 1e4, "99.999 %%" 1e5, "99.9999 %%" 1e6, "99.99999 %%" 1e7)
set xrange [1:*]
EOF
	curves lines
}

draw_stages() {
	local i file plots='' lines='' texts='' name start mean slow count device netns tics='' title=''
	local factor unit half=0.35 shift=0 rows=0 titles=()
	local -A row=()
	# numbers of a few digits
	read -r factor unit < <(awk -F'\t' '{ end = $1 + ($4 > $2 ? $4 : $2); if (end > max) max = end }
		END { print max < 1e-6 ? "1e9 ns" : max < 1e-3 ? "1e6 us" : max < 1 ? "1e3 ms" : "1 s" }' "$WORK"/data.*)
	((${#FILES[@]} == 1)) || half=0.18
	for i in "${!FILES[@]}"; do
		file=$WORK/bars.$i
		while IFS=$'\t' read -r start mean _ slow name count device netns; do
			[[ -n ${row[$name]:-} ]] || {
				row[$name]=$((rows += 1))
				# a label is a format
				tics+="${tics:+, }$(gnuplot_text "${name//%/%%}") $rows"
			}
			printf '%s %s %s %s\n' "$start" "$mean" "$slow" "${row[$name]}"
			titles[i]="$device in $netns, $count packets at the last stage"
		done <"$WORK/data.$i" >"$file"
		title='mean'
		if ((${#FILES[@]} == 2)); then
			title="$(label "${FILES[i]}"): ${titles[i]}"
			shift=$( ((i)) && printf 0.2 || printf -- -0.2)
		fi
		file=$(gnuplot_text "$file")
		plots+="$file using ((\$1+\$2/2)*$factor):(\$4+($shift)):(\$1*$factor):((\$1+\$2)*$factor):(\$4+($shift)-$half):(\$4+($shift)+$half) with boxxyerror lt $((i + 1)) title $(gnuplot_text "$title"), "
		lines+="$file using ((\$1+\$2)*$factor):(\$4+($shift)):((\$3>\$2?\$3-\$2:0)*$factor):(0) with vectors nohead lt 7 lw 1 $( ((i)) && printf notitle || printf 'title "up to 99 %%"'), "
		texts+="$file using ((\$1+(\$3>\$2?\$3:\$2))*$factor):(\$4+($shift)):(gprintf(\" %.1s %cs\", \$2).gprintf(\", 99 %%: %.1s %cs\", \$3>\$2?\$3:\$2)) with labels left notitle, "
	done
	title='Where packets spend their time'
	((${#FILES[@]} == 2)) || title+=": ${titles[0]}"
	printf 'set title %s\n' "$(gnuplot_text "$title")"
	printf 'set ytics (%s)\nset yrange [%d.6:0.4]\n' "$tics" "$rows"
	printf 'set xlabel "%s since the first stage (bar: mean; line: up to 99 %%)"\n' "$unit"
	printf 'set xrange [0:*]\nset style fill solid 0.8 noborder\nset offsets graph 0, graph 0.3, 0, 0\n'
	plots+=$lines$texts
	printf 'plot %s\n' "${plots%, }"
}

draw_drops() {
	cat <<'EOF'
set title "Packets lost, by layer and reason"
set xlabel "seconds"
set ylabel "packets per second"
set yrange [0:*]
EOF
	curves steps
}

{
	terminal
	"draw_$WHAT"
} >"$WORK/script"
message=$(gnuplot "$WORK/script" 2>&1 >"$WORK/text") || die "gnuplot: $(first_error "$message")"
if [[ -n $OUTPUT ]]; then
	save "$OUTPUT" <"$WORK/picture"
else
	clean_lines <"$WORK/text"
fi
