#compdef tgrun
# zsh completion for tgrun(1). What is offered comes from the tables that tgrun itself reads: `make` puts their rows
# (words.c) between the lines below.

typeset -g _tgrun_words
_tgrun_words=$(
	cat <<'END'
@WORDS@
END
)

# _tgrun_rows TYPE: the fields behind the type of such rows, in $reply.
_tgrun_rows() {
	reply=("${(@M)${(@f)_tgrun_words}:#$1|*}")
	reply=("${(@)reply#$1|}")
}

# What can be named there, asked of tgrun with the place that the line names.
_tgrun_numbers() {
	local -a place
	local i
	for ((i = 2; i <= $#words; i++)); do
		case $words[i] in
		--(state-dir|token-file|config)) place+=("$words[i]" "${(Q)words[i + 1]}") ;;
		--(state-dir|token-file|config)=*) place+=("${(Q)words[i]}") ;;
		esac
	done
	local -a numbers
	numbers=(${(f)"$({
		case $1 in
		cancel) _call_program numbers tgrun status --json "${(q)place[@]}" | grep -o '"running":\[[^]]*' ;;
		*) _call_program numbers tgrun $1 list --json "${(q)place[@]}" ;;
		esac
	} 2>/dev/null | grep -Eo '\{"number":"?[a-z]?[0-9]+' | grep -Eo '[a-z]?[0-9]+$' | head -n 1000)"})
	_wanted -V numbers expl number compadd -a numbers
}

_tgrun_kinds() { # a list with commas, or one kind and `=`
	local -a reply
	_tgrun_rows kind
	if [[ $argv[-1] == list ]]; then # behind what _arguments puts in
		_values -s , kind $reply
	else
		compset -P '*=' || _wanted kinds expl kind compadd -S = -a reply
	fi
}

_tgrun_behind() { # COMMAND [VERB]: the arguments of the sub-command
	local -a reply verbs
	local row
	_tgrun_rows verb
	for row in "${(@M)reply:#$1|*}"; do
		verbs+=("${${row#*|}%|*}")
		[[ $row != "$1||N" && ($# -lt 2 || $row != "$1|$2|N") ]] || _tgrun_numbers $1
	done
	if [[ $1 == call ]]; then
		if (($# == 1)); then
			_tgrun_rows method
			_wanted methods expl method compadd -a reply
		elif compset -P '*@'; then
			_files
		fi
	elif (($# == 1 && $#verbs)); then
		_wanted verbs expl verb compadd -a verbs
	fi
}

_tgrun() {
	local curcontext=$curcontext state line action row i
	local -a reply fields specs commands plain
	local -A takes
	_tgrun_rows command
	commands=("${(@)reply/|/:}")
	_tgrun_rows option
	for row in $reply; do
		fields=("${(@s:|:)row}")
		takes[--$fields[2]]=$fields[3]
	done
	for ((i = 2; i < CURRENT; i++)); do
		case $words[i] in
		--*) [[ ${takes[$words[i]]-flag} == flag ]] || ((i++)) ;;
		*) plain+=($words[i]) ;;
		esac
	done
	for row in $reply; do
		fields=("${(@s:|:)row}")
		[[ ,$fields[1] == *,${plain[1]:-run},* ]] || continue
		case $fields[3] in
		flag) action= ;;
		word:*) action=":value:(${${fields[3]#word:}//,/ })" ;;
		file) action=':file:_files' ;;
		directory) action=':directory:_directories' ;;
		command) action=':command:_command_names -e' ;;
		kinds) action=':kinds:_tgrun_kinds list' ;;
		kind=) action=':kind:_tgrun_kinds one' ;;
		*) action=':value: ' ;;
		esac
		specs+=("*--$fields[2]${action:+=}[${${${fields[4]//\\/\\\\}//\[/\\[}//\]/\\]}]$action")
	done
	_arguments -S : $specs '*: :->plain'
	[[ $state == plain ]] || return
	if (($#plain)); then
		_tgrun_behind $plain[1,2]
	else
		_describe -t commands command commands
	fi
}

_tgrun "$@"
