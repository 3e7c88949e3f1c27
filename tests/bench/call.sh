# The row call: what a handler's call of the Bot API costs: processor time of one call above that of an empty `sh`, user and system, of the
# caller's processes. `tgrun call` and curl over the socket `api` of a running tgrun, curl straight to the server (no TLS, which would cost it
# more), and a bare echo, which with --reply is an answer, too.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

# Milliseconds of processor time of one of 200 runs of the shell text $1.
spent() {
	# shellcheck disable=SC2016 # for that shell
	sh -c 'n=0; while [ "$n" -lt 200 ]; do sh -c "$1" >/dev/null || exit 1; n=$((n + 1)); done; times' sh "$1" >"$TMP/times" || fail "this failed: $1"
	tail -n 1 "$TMP/times" | awk '{ gsub(/[ms]/, " "); print ($1 * 60 + $2 + $3 * 60 + $4) * 1000 / 200 }'
}
row_call() {
	rm -rf "$TMP/state"
	"$BUILD/tools/sandbox" --token 1:bench --port-file "$TMP/port" --exit-with-parent >/dev/null 2>&1 &
	PIDS="$PIDS $!"
	while [ ! -s "$TMP/port" ]; do sleep 0.1; done
	url=http://127.0.0.1:$(cat "$TMP/port")
	"$TMP/tgrun" --api-url "$url" --handler true --rate chat=0,bulk=0 2>/dev/null &
	PIDS="$PIDS $!"
	while [ ! -S "$TMP/state/api" ]; do sleep 0.1; done
	for _ in $(seq "$ROUNDS"); do
		sh=$(spent ":") || exit 1
		for way in tgrun curl-socket curl echo; do
			case $way in
			tgrun) what="TG_STATE_DIR=$TMP/state exec $PWD/$BUILD/tgrun call sendMessage chat_id=5 text=hi" ;;
			curl-socket) what="exec curl -sf --unix-socket $TMP/state/api http://x/sendMessage -d chat_id=5 -d text=hi" ;;
			curl) what="exec curl -sf $url/bot1:bench/sendMessage -d chat_id=5 -d text=hi" ;;
			echo) what="echo hi" ;;
			esac
			took=$(spent "$what") || exit 1
			result call "processor time above sh" "$way" ms "$(echo "$took $sh" | awk '{ print $1 - $2 }')"
		done
	done
	goal call "processor time above sh" tgrun most 3 -
}
