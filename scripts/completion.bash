# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# completion.bash - completes hookmap and hookmap-*: what there is comes from --help, from
# /sys/class/net and from /run/netns, so that it is never out of date.

# _hookmap_options COMMAND...: the options in its --help
_hookmap_options() {
	"$@" --help 2>/dev/null | awk '/^usage:/ { head = 1 } /^$/ { head = 0 } head || /^ +-/ && index($0, "-") < 9 {
		if (!head) { sub(/^ +/, ""); sub(/  .*/, "") } print }' | grep -oE '(^|[ [(|,])--?[A-Za-z0-9][A-Za-z0-9-]*' | tr -d ' [(|,'
}

# _hookmap_features device|host: those that hookmap-attach knows
_hookmap_features() {
	hookmap-attach --help 2>/dev/null | sed -nE "s/^([a-z0-9]+) \((of a device|of the host).*/\1 \2/p" |
		awk -v what="$1" '$0 ~ what "$" { print $1 }'
}

# _hookmap_verbs: of the reader; _hookmap_scripts: what else may stand there
_hookmap_verbs() { hookmap --help 2>/dev/null | awk '/^$/ { n++ } n == 1 && NF { print $1 }'; }
_hookmap_scripts() { compgen -c hookmap- | sed 's/^hookmap-//'; }

# _hookmap_commands VERB: what may stand behind it
_hookmap_commands() { hookmap help "$1" 2>/dev/null | sed -nE 's/^ +hookmap [a-z]+ COMMAND\.\.\. \((.*);.*/\1/p' | tr ' ' '\n'; }

# _hookmap_files DIR: names of what is there
_hookmap_files() {
	local file
	for file in "$1"/*; do printf '%s\n' "${file##*/}"; done
}

# _hookmap_value OPTION: what may follow it
_hookmap_value() {
	case $1 in
	--netns) _hookmap_files /run/netns ;;
	--mode) printf '%s\n' native generic none ;;
	--by) hookmap-attach --help 2>/dev/null | sed -nE '/^ +--by /{ s/.*: //; s/\([^)]*\)//; s/\(.*//; s/ +/\n/g; p }' ;;
	-s | --sum) hookmap drops --help 2>/dev/null | awk '/--sum/ { on = 1 } on { if (/^ +-/ && !/--sum/) exit; text = text " " $0 } END { sub(/.*:/, "", text); print text }' | tr -cs '[:lower:]' '\n' ;;
	--ptp) printf '%s\n' none /dev/ptp* ;;
	--type) printf '%s\n' xdp classifier socket ;;
	*) return 1 ;;
	esac
}

# _hookmap_words COMMAND WORD...: what may come behind these words that are no options
_hookmap_words() {
	local command=$1 devices
	shift
	devices=$(_hookmap_files /sys/class/net)
	case $command in
	hookmap)
		case $# in
		0)
			_hookmap_verbs
			_hookmap_scripts
			;;
		1)
			_hookmap_commands "$1"
			printf '%s\n' "$devices"
			;;
		*) ! _hookmap_commands "$1" | grep -qxF -e "$2" || _hookmap_words "hookmap-$1" "${@:2}" ;;
		esac
		;;
	hookmap-attach | hookmap-detach)
		if [[ " ${COMP_WORDS[*]} " == *" --host "* ]]; then
			_hookmap_features host
		elif (($#)); then
			_hookmap_features device
		else
			printf '%s\n' "$devices"
		fi
		;;
	hookmap-status) (($#)) || printf '%s\n' "$devices" ;;
	hookmap-fdb)
		case ${1:-} in
		'') _hookmap_commands fdb ;;
		port) (($# > 1)) && printf '%s\n' mode native proto translate miss bcast mcast storm hairpin block || printf '%s\n' "$devices" ;;
		acl) (($# > 1)) && printf '%s\n' add del flush load default || printf '%s\n' "$devices" ;;
		guard) (($# > 1)) && printf '%s\n' on off add del flush || printf '%s\n' "$devices" ;;
		*) printf '%s\n' dev local vlan "$devices" ;;
		esac
		;;
	hookmap-policy) (($#)) || _hookmap_commands policy ;;
	hookmap-lab)
		case $#${1:-} in
		0) printf '%s\n' up exec down list ;;
		1exec | 1down) hookmap-lab list 2>/dev/null ;;
		2exec) printf '%s\n' client host server ;;
		esac
		;;
	hookmap-service) (($#)) && printf '%s\n' "$devices" || printf '%s\n' start reload stop ;;
	hookmap-deps) printf '%s\n' run build test vm releases bench package ;;
	hookmap-demo) (($#)) || printf '%s\n' latency l2fwd policy ;;
	hookmap-plot) (($#)) || printf '%s\n' percentiles stages drops ;;
	esac
}

_hookmap() {
	local command=${COMP_WORDS[0]##*/} first=1 word quoted words=() cur prev list i
	cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	# hookmap attach ... is hookmap-attach ..., unless the reader has a verb of that name
	if [[ $command == hookmap ]] && ((COMP_CWORD > 1)) && _hookmap_scripts | grep -xF -e "${COMP_WORDS[1]}" >/dev/null &&
		! _hookmap_verbs | grep -xF -e "${COMP_WORDS[1]}" >/dev/null; then
		command=hookmap-${COMP_WORDS[1]} first=2
	fi
	for ((i = first; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == -* || ${COMP_WORDS[i - 1]} == --netns ]] || words+=("$word")
	done
	if [[ $cur == -* ]]; then
		if [[ $command == hookmap ]] && ((${#words[@]})); then
			list=$(_hookmap_options hookmap "${words[0]}")
		else
			list=$(_hookmap_options "$command")
		fi
	elif [[ $prev != -* ]] || ! list=$(_hookmap_value "$prev"); then
		list=$(_hookmap_words "$command" "${words[@]}")
	fi
	# (compgen -W would expand what stands in a name, such as $(...))
	COMPREPLY=()
	while IFS= read -r word; do
		[[ -n $word ]] || continue
		printf -v quoted %q "$word"
		[[ $word != "$cur"* && $quoted != "$cur"* ]] || COMPREPLY+=("$quoted")
	done <<<"$list"
}

complete -o default -F _hookmap hookmap
while read -r name; do
	complete -o default -F _hookmap "$name"
done < <(compgen -c hookmap- | sort -u)
