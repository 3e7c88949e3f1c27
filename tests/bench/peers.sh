# The row peers: handlers started and ended a second, from a Bot API; beside grammY, which starts the same handler by child_process.spawn.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

row_peers() {
	cat >"$TMP/handler" <<-'EOT'
		#!/bin/sh
		while read -r line; do :; done
	EOT
	chmod 755 "$TMP/handler"
	for c in 2 4 16; do
		case="sh, concurrency $c"
		for _ in $(seq "$ROUNDS"); do
			served -n "$STARTS" "$TMP/tgrun" --once --handler "$TMP/handler" --concurrency "$c"
			result peers "$case" tgrun /s "$(per_second "$STARTS" "$TOOK")"
			peers || continue
			served -n "$STARTS" node build/peers/bot.js spawn "$c" "$STARTS" "$TMP/handler"
			result peers "$case" grammY+spawn /s "$(per_second "$STARTS" "$TOOK")"
		done
		if peers; then
			goal peers "$case" tgrun least 3 grammY+spawn
		else
			absent peers "$case" grammY+spawn
		fi
	done
}
