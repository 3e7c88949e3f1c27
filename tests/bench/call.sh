# The row call: what a handler's call of the Bot API costs: processor time of one call above that of an empty `sh`, user and system, of the
# caller's processes. `tgrun call` and curl over the socket `api` of a running tgrun, curl straight to the server, with TLS as Telegram has it
# (curl-tls) and without, and a bare echo, which with --reply is an answer, too.
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
	# The certificates that a machine trusts are many: curl reads them all, and the server's own stands behind them.
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bench -addext subjectAltName=IP:127.0.0.1 -keyout "$TMP/key" -out "$TMP/cert" 2>/dev/null
	cat /etc/ssl/certs/ca-certificates.crt "$TMP/cert" >"$TMP/trusted" 2>/dev/null
	tls=curl-tls
	if python3 -c 'import ssl' 2>/dev/null && [ -s "$TMP/cert" ]; then
		python3 tests/flow/tls.py "$TMP" tls "$TMP/tls-port" tls "$TMP/cert" "$TMP/key" "${url##*:}" 2>/dev/null &
		PIDS="$PIDS $!"
		while [ ! -s "$TMP/tls-port" ]; do sleep 0.1; done
		tls_url=https://127.0.0.1:$(cat "$TMP/tls-port")
	else
		absent call "processor time above sh" $tls
		tls=
	fi
	for _ in $(seq "$ROUNDS"); do
		sh=$(spent ":") || exit 1
		for way in tgrun curl-socket curl $tls echo; do
			case $way in
			tgrun) what="TG_STATE_DIR=$TMP/state exec $PWD/$BUILD/tgrun call sendMessage chat_id=5 text=hi" ;;
			curl-socket) what="exec curl -sf --unix-socket $TMP/state/api http://x/sendMessage -d chat_id=5 -d text=hi" ;;
			curl) what="exec curl -sf $url/bot1:bench/sendMessage -d chat_id=5 -d text=hi" ;;
			curl-tls) what="exec curl -sf --cacert $TMP/trusted $tls_url/bot1:bench/sendMessage -d chat_id=5 -d text=hi" ;;
			echo) what="echo hi" ;;
			esac
			took=$(spent "$what") || exit 1
			result call "processor time above sh" "$way" ms "$(echo "$took $sh" | awk '{ print $1 - $2 }')"
		done
	done
	goal call "processor time above sh" tgrun most 3 -
}
