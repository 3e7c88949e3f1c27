# The row workers: updates a second with workers that stay and do nothing, beside grammY in its own process and in threads; and what the load server
# hands to a client that does nothing.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

UPDATES=${UPDATES:-50000}
row_workers() {
	case="nothing to do, 1,000 chats"
	cp "$BUILD/bench/worker" "$TMP/worker"
	for _ in $(seq "$ROUNDS"); do
		for way in null tgrun grammY distribute; do
			case $way in
			null) set -- "$BUILD/bench/null" ;;
			tgrun) set -- "$TMP/tgrun" --once --workers 2 --handler "$TMP/worker 250" ;;
			grammY) set -- node build/peers/bot.js in-process 500 "$UPDATES" ;;
			distribute) set -- node build/peers/bot.js distribute 500 "$UPDATES" 2 ;;
			esac
			[ "$1" != node ] || peers || continue
			served -n "$UPDATES" -c 1000 "$@"
			result workers "$case" "$way" /s "$(per_second "$UPDATES" "$TOOK")"
		done
	done
	for way in grammY distribute; do
		peers || { absent workers "$case" "$way"; continue; }
		goal workers "$case" tgrun least "$([ $way = grammY ] && echo 2 || echo 5)" "$way"
		goal workers "$case" null least 5 "$way"
	done
	goal workers "$case" null least 5 tgrun
}
