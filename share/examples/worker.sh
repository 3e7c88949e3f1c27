#!/bin/sh
# A worker in sh: tgrun --workers 2 --handler ./worker.sh. Each line of input is an update; its answer goes to descriptor 3.
# What is printed is only logged, so `echo` is safe.
while IFS= read -r line; do
	id=${line#*'"id":"'}
	id=${id%%'"'*}
	echo "update $id: ${#line} bytes"
	printf '{"id":"%s","ok":true}\n' "$id" >&3
done
