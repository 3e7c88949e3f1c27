# bash completion for tgrun(1). What is offered comes from the tables that tgrun itself reads: `make` puts their rows
# (words.c) between the lines below. Needs no package besides bash 4.
# shellcheck shell=bash

_tgrun_words=$(
	cat <<'END'
@WORDS@
END
)

# _tgrun_rows TYPE [FIELD [VALUE]]: the fields behind the type of such rows, those only whose FIELD is VALUE.
_tgrun_rows() {
	awk -F '|' -v type="$1" -v field="${2-0}" -v value="${3-}" '
		$1 == type && (!field || $field == value) { print substr($0, length(type) + 2) }' <<<"$_tgrun_words"
}

# _tgrun_numbers COMMAND: what can be named there, asked of tgrun with the place that the line names.
_tgrun_numbers() {
	local -a place=()
	local i
	for ((i = 1; i < ${#words[@]}; i++)); do
		case ${words[i]} in
		--state-dir | --token-file | --config) place+=("${words[i]}" "${words[i + 1]}") ;;
		--state-dir=* | --token-file=* | --config=*) place+=("${words[i]}") ;;
		esac
	done
	{
		case $1 in
		cancel) tgrun status --json "${place[@]}" | grep -o '"running":\[[^]]*' ;;
		*) tgrun "$1" list --json "${place[@]}" ;;
		esac
	} 2>/dev/null | grep -Eo '\{"number":"?[a-z]?[0-9]+' | grep -Eo '[a-z]?[0-9]+$' | head -n 1000
}

# The word under the cursor and those before it, with what bash has cut at `=` and `:` put together again.
_tgrun_line() {
	local i word last=''
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ ${#words[@]} -gt 0 && ($word == [=:]* || $last == *[=:]) && $last$word == -*[=:]* ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		last=${words[-1]}
	done
	cur=${words[-1]}
}

_tgrun_value() { # TAKES
	local head
	case $1 in
	word:*) mapfile -t COMPREPLY < <(compgen -W "$(tr , ' ' <<<"${1#word:}")" -- "$cur") ;;
	file) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && compopt -o filenames ;;
	directory) mapfile -t COMPREPLY < <(compgen -d -- "$cur") && compopt -o filenames ;;
	command) mapfile -t COMPREPLY < <(compgen -cf -- "$cur") && compopt -o filenames ;;
	kinds)
		head=
		[[ $cur != *,* ]] || head=${cur%,*},
		mapfile -t COMPREPLY < <(compgen -P "$head" -W "$(_tgrun_rows kind)" -- "${cur##*,}")
		compopt -o nospace
		;;
	kind=)
		[[ $cur == *=* ]] || mapfile -t COMPREPLY < <(compgen -S = -W "$(_tgrun_rows kind)" -- "$cur")
		compopt -o nospace
		;;
	esac
}

_tgrun() {
	local IFS=$' \t\n' cur command='' verb='' takes name i
	local -a words
	COMPREPLY=()
	_tgrun_line
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		--) return ;;
		--*=*) ;;
		--*)
			takes=$(_tgrun_rows option 3 "${words[i]#--}" | cut -d '|' -f 3)
			[[ -z $takes || $takes == flag ]] || ((i++))
			;;
		*) if [[ -z $command ]]; then command=${words[i]}; elif [[ -z $verb ]]; then verb=${words[i]}; fi ;;
		esac
	done
	[[ $cur != @ ]] || cur=
	# The value of an option, behind it or attached.
	name=${words[-2]-}
	if [[ $cur == --*=* ]]; then
		name=${cur%%=*} cur=${cur#*=}
	elif [[ $i -lt ${#words[@]} ]]; then
		name=
	fi
	if [[ -n $name ]]; then
		_tgrun_value "$(_tgrun_rows option 3 "${name#--}" | cut -d '|' -f 3)"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tgrun_rows option |
			awk -F '|' -v c="${command:-run}," 'index("," $1, "," c) { print "--" $2 }')" -- "$cur")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tgrun_rows command | cut -d '|' -f 1)" -- "$cur")
	elif [[ $command == call && -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tgrun_rows method)" -- "$cur")
	elif [[ $command == call && ${words[-2]} == @ ]]; then # of NAME@PATH the word begins with the @
		mapfile -t COMPREPLY < <(compgen -P @ -f -- "$cur")
	elif [[ -z $verb && -n $(_tgrun_rows verb 2 "$command" | cut -d '|' -f 2) ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tgrun_rows verb 2 "$command" | cut -d '|' -f 2)" -- "$cur")
	elif [[ $(_tgrun_rows verb 2 "$command") == *"$command|$verb|N"* || $(_tgrun_rows verb 2 "$command") == *"$command||N"* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tgrun_numbers "$command")" -- "$cur")
	fi
}
complete -F _tgrun tgrun
