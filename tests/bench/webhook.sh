# The row webhook: updates a second that are posted to a server which answers 200 at once, over kept connections; a server in C, and grammY's webhookCallback.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

UPDATES=${UPDATES:-50000}
row_webhook() {
	case="nothing to do, 1,000 chats"
	for way in hook grammY; do
		[ $way = hook ] || peers || { absent webhook "$case" $way; continue; }
		rm -f "$TMP/hook.port"
		set -- "$BUILD/bench/hook"
		[ $way = hook ] || set -- node build/peers/hook.js
		"$@" >"$TMP/hook.port" 2>"$TMP/hook.err" &
		PIDS="$PIDS $!"
		until [ -s "$TMP/hook.port" ]; do
			kill -0 "$!" 2>/dev/null || fail "no server: $(tail -n 3 "$TMP/hook.err")"
			sleep 0.05
		done
		for _ in $(seq "$ROUNDS"); do
			served -n "$UPDATES" -c 1000 "$TMP/tgrun" --once --handler "http://127.0.0.1:$(cat "$TMP/hook.port")/"
			result webhook "$case" $way /s "$(per_second "$UPDATES" "$TOOK")"
		done
		goal webhook "$case" $way least 1000 -
	done
}
