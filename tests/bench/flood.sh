# The row flood: one chat has 1,000 messages waiting, 20 ms each; every 50 ms another chat writes. How long until that one's handler starts, beside grammY.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

FLOOD=${FLOOD:-1000}
row_flood() {
	case="delay of other chats, 99th percentile"
	probes=$((FLOOD * 9 / 25)) # until shortly before the flood has gone
	cp "$BUILD/bench/sleeper" "$TMP/sleeper"
	for _ in $(seq "$ROUNDS"); do
		flood_of tgrun "$TMP/tgrun" --handler "$TMP/sleeper"
		peers || continue
		flood_of grammY node build/peers/bot.js sleep 500 "$FLOOD"
	done
	goal flood "$case" tgrun most 25 -
	peers || absent flood "$case" grammY
}
flood_of() { # CONTENDER COMMAND…
	way=$1
	shift
	served -n $((FLOOD + probes)) -c 1 -w 20 -p "$probes" -e 50 -s "$TMP/stamps" "$@"
	result flood "$case" "$way" ms "$(awk 'NR == FNR { offered[$1] = $2; next } $1 in offered { print ($2 - offered[$1]) / 1e6 }' \
		"$TMP/stamps.offered" "$TMP/stamps" | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * 0.99 + 0.999999)] }')"
}
