# fish completion for tgrun(1). What is offered comes from the tables that tgrun itself reads: `make` puts their rows
# (words.c) between the lines below.

set -g __tgrun_words '
@WORDS@
'

# The fields behind the type of such rows.
function __tgrun_rows --argument-names type
    string match -r "^$type\|.*" (string split \n -- $__tgrun_words) | string replace "$type|" ''
end

# The words before the cursor that are no options and no values of options; without the program's name.
function __tgrun_plain
    set -l takes (__tgrun_rows option | string split -f 2,3 '|' | string join ' ')
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if string match -q -- '--*' $word
            set -l name (string replace -r '^--' '' -- $word)
            if __tgrun_value_follows $name
                set skip 1
            end
        else
            echo $word
        end
    end
end

function __tgrun_value_follows --argument-names name
    for row in (__tgrun_rows option)
        set -l fields (string split '|' -- $row)
        if test "$fields[2]" = "$name"
            test "$fields[3]" != flag
            return
        end
    end
    return 1
end

# Whether the sub-command is one of those named; without one it is run.
function __tgrun_is
    set -l plain (__tgrun_plain)
    set -q plain[1]; or set plain run
    contains -- $plain[1] $argv
end

function __tgrun_first
    test (count (__tgrun_plain)) = 0
end

function __tgrun_second --argument-names command
    set -l plain (__tgrun_plain)
    test (count $plain) = 1; and test $plain[1] = $command
end

# Whether numbers follow the verb; a command without verbs has an empty one.
function __tgrun_behind --argument-names command verb
    set -l plain (__tgrun_plain)
    test (count $plain) -ge 1; and test $plain[1] = $command
    and begin
        test -z "$verb"; or test "$plain[2]" = "$verb"
    end
end

# What can be named there, asked of tgrun with the place that the line names.
function __tgrun_numbers --argument-names command
    set -l place
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] --state-dir --token-file --config
            set -a place $words[$i] $words[(math $i + 1)]
        else if string match -qr -- '^--(state-dir|token-file|config)=' $words[$i]
            set -a place $words[$i]
        end
    end
    if test $command = cancel
        tgrun status --json $place 2>/dev/null | string match -r '"running":\[[^]]*'
    else
        tgrun $command list --json $place 2>/dev/null
    end | string match -arg '\{"number":"?([a-z]?[0-9]+)' | head -n 1000
end

function __tgrun_list_of_kinds
    set -l head (commandline -ct | string replace -r '^--[a-z-]*=' '' | string match -r '^.*,')
    for kind in (__tgrun_rows kind)
        echo "$head$kind"
    end
end

function __tgrun_uploads
    set -l head (commandline -ct | string match -r '^[a-z_]+@')
    and for path in (__fish_complete_path (commandline -ct | string replace $head ''))
        echo $head$path
    end
end

complete -c tgrun -f
for row in (__tgrun_rows command)
    set -l fields (string split -m 1 '|' -- $row)
    complete -c tgrun -n __tgrun_first -a $fields[1] -d $fields[2]
end
for row in (__tgrun_rows verb)
    set -l fields (string split '|' -- $row)
    if test -n "$fields[2]"
        complete -c tgrun -n "__tgrun_second $fields[1]" -a $fields[2]
    end
    if test -n "$fields[3]"
        complete -c tgrun -n "__tgrun_behind $fields[1] '$fields[2]'" -k -a "(__tgrun_numbers $fields[1])"
    end
end
complete -c tgrun -n '__tgrun_second call' -a '(__tgrun_rows method)'
complete -c tgrun -n '__tgrun_is call' -a '(__tgrun_uploads)'
for row in (__tgrun_rows option)
    set -l fields (string split -m 3 '|' -- $row)
    set -l common -c tgrun -n "__tgrun_is "(string replace -a , ' ' $fields[1]) -l $fields[2] -d $fields[4]
    switch $fields[3]
        case flag
            complete $common
        case 'word:*'
            complete $common -x -a (string replace word: '' $fields[3] | string replace -a , ' ')
        case file
            complete $common -r -F
        case directory
            complete $common -x -a '(__fish_complete_directories)'
        case command
            complete $common -x -a '(__fish_complete_command)'
        case kinds
            complete $common -x -a '(__tgrun_list_of_kinds)'
        case 'kind='
            complete $common -x -a '(__tgrun_rows kind)='
        case '*'
            complete $common -x
    end
end
