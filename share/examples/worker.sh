#!/bin/sh
# A worker in sh: tgrun --workers 2 --handler ./worker.sh. Each line of input is an update; how it went is told on descriptor 3,
# and what the bot says in "reply". What is printed is only logged, so `echo` is safe.
while IFS= read -r line; do
	id=${line#*'"id":"'}
	id=${id%%'"'*}
	echo "update $id: ${#line} bytes"
	case $line in
	*'"command":"/start"'*) reply='Say something.' ;;
	*) reply="That was an update of ${#line} bytes." ;;
	esac
	printf '{"id":"%s","ok":true,"reply":"%s"}\n' "$id" "$reply" >&3
done
