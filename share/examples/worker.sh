#!/bin/sh
# A worker in sh: tgrun --workers 2 --handler ./worker.sh. Each line of input is an update; how it went is told on descriptor 3,
# and what the bot says in "reply". What is printed is only logged, so `echo` is safe.
while IFS= read -r line; do
	id=${line#*'"id":"'}
	id=${id%%'"'*}
	echo "update $id: ${#line} bytes"
	printf '{"id":"%s","ok":true,"reply":"That was an update of %d bytes."}\n' "$id" "${#line}" >&3
done
