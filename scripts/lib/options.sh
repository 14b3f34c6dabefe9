# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# options.sh - the command line of all scripts.
#
# options SPEC WORD...: parses a command line. SPEC has a word for each option of the script: its
# spellings between "|", followed by "=" if it takes a value. A pattern such as "--*=" matches
# any option. -n, -v, -h and --netns are handled here; for the others, `option NAME VALUE` of the
# script is called with the last spelling. Words that are not options are in ARGS. After the word
# OPTIONS_END of ARGS, no word is an option. --filter and --match take all the words of a
# condition.

ARGS=() NS='' OPTIONS_END=''

# option_find WORD: its last spelling in OPTION, and in OPTION_VALUE whether it takes a
# value. False if the script has none of this name.
option_find() {
	local entry spelling spellings
	for entry in "${SPEC[@]}"; do
		OPTION_VALUE=0
		[[ $entry != *= ]] || OPTION_VALUE=1
		IFS='|' read -ra spellings <<<"${entry%=}"
		for spelling in "${spellings[@]}"; do
			# shellcheck disable=SC2053
			[[ $1 == $spelling ]] || continue
			OPTION=$1
			[[ $spelling == *\** ]] || OPTION=${spellings[-1]}
			return 0
		done
	done
	return 1
}

options() {
	local word
	options_read "$@"
	for word in "${ARGS[@]}"; do file_answers "$word"; done
}

options_read() {
	local SPEC word value keys bare
	read -ra SPEC <<<"$1"
	shift
	ARGS=()
	while (($#)); do
		word=$1
		shift
		case $word in
		--)
			ARGS+=("$@")
			return
			;;
		--*=*)
			option_find "${word%%=*}" && ((OPTION_VALUE)) || misuse "unknown option $word"
			option_do "$OPTION" "${word#*=}"
			;;
		-?*)
			option_find "$word" || misuse "unknown option $word"
			if ((OPTION_VALUE)); then
				(($#)) || misuse "$(option_missing "$word")"
				value=$1
				shift
				# a condition needs no quotes: all following words that can
				# belong to it do
				if [[ $OPTION =~ ^--(filter|match)$ ]]; then
					compiler
					{ read -r keys && read -r bare; } < <("$COMPILER" words)
					[[ ! $value =~ ^($keys)$ || $# == 0 ]] || {
						value+=" $1"
						shift
					}
					while [[ ${1:-} =~ ^($keys|$bare)$ ]]; do
						value+=" $1"
						shift
						[[ ! ${value##* } =~ ^($keys)$ || $# == 0 ]] || {
							value+=" $1"
							shift
						}
					done
				fi
				option_do "$OPTION" "$value"
			else
				option_do "$OPTION" ''
			fi
			;;
		*)
			ARGS+=("$word")
			if [[ $word == "$OPTIONS_END" ]]; then
				ARGS+=("$@")
				return
			fi
			;;
		esac
	done
}

option_missing() { # WORD
	if [[ " ${SPEC[*]} " == *'*'* && " ${SPEC[*]} " != *"$1"* ]]; then
		printf '%s: unknown option, or its value is missing' "$1"
	else
		printf '%s needs a value' "$1"
	fi
}

# no_arguments: there are only options
no_arguments() { ((!${#ARGS[@]})) || misuse "unknown argument ${ARGS[0]}"; }

option_do() { # OPTION VALUE
	# (OBJ:SECTION)
	[[ $1 =~ ^--(filter|match)$ ]] || file_answers "${2%:*}"
	case $1 in
	--dry-run) DRY_RUN=1 ;;
	--verbose) VERBOSE=1 ;;
	--help)
		spoken "$(usage)"
		exit 0
		;;
	--netns)
		[[ -n $2 ]] || misuse "--netns needs a name"
		NS=$2
		file_answers "/run/netns/$NS"
		;;
	*) option "$@" ;;
	esac
}
