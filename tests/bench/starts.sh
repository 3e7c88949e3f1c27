# The row starts: handlers started and ended a second, from a file of updates; beside a bare posix_spawn loop, xargs, GNU parallel where it is
# installed, and a shell loop.
# shellcheck shell=sh disable=SC2154 # the names are those of tests/bench/run

with_tgrun() { # HANDLER CONCURRENCY
	rm -rf "$TMP/state"
	"$BUILD/tgrun" run --source "$TMP/updates" --once --state-dir "$TMP/state" --handler "$1" --concurrency "$2" --log-level warn || return 1
	[ ! -s "$TMP/out" ] # a failed handler would be a warning there, and no start to be counted
}
with_xargs() { # HANDLER CONCURRENCY: an argument instead of stdin
	seq "$STARTS" | xargs -P "$2" -n 1 "$1"
}
with_parallel() { # HANDLER CONCURRENCY: an argument, too; a tenth of the starts, since each takes it milliseconds
	seq $((STARTS / 10)) | parallel --will-cite -j "$2" -n 1 "$1"
}
with_loop() { # HANDLER: `while read`, one after the other, as a shell script would
	while read -r line; do
		printf '%s\n' "$line" | "$1"
	done <"$TMP/updates"
}
row_starts() {
	cat >"$TMP/handler" <<-'EOT'
		#!/bin/sh
		while read -r line; do :; done
	EOT
	chmod 755 "$TMP/handler"
	cp "$BUILD/bench/static" "$TMP/static"
	updates "$STARTS" >"$TMP/updates"
	more=parallel
	parallel --version 2>/dev/null | grep -q '^GNU' || more=
	[ "$more" ] || echo "bench: GNU parallel is not there: the row starts goes without it (Debian: parallel)" >&2
	for kind in sh static; do
		program=$TMP/handler
		[ $kind = sh ] || program=$TMP/static
		for c in 2 4 16; do
			case="$kind, concurrency $c"
			for _ in $(seq "$ROUNDS"); do
				ways="spawn tgrun xargs"
				[ $kind = static ] || ways="$ways $more"
				[ "$case" != "sh, concurrency 2" ] || ways="$ways loop"
				for way in $ways; do
					case $way in
					spawn) took=$(seconds "$BUILD/bench/spawn" "$TMP/updates" "$c" "$program") || exit 1 ;;
					*) took=$(seconds "with_$way" "$program" "$c") || exit 1 ;;
					esac
					[ "$way" = parallel ] && took=$(echo "$took" | awk '{ print $1 * 10 }')
					result starts "$case" "$way" /s "$(echo "$STARTS $took" | awk '{ print $1 / $2 }')"
				done
			done
			[ $kind = sh ] && goal starts "$case" tgrun least 0.90 spawn
			[ $kind = sh ] && goal starts "$case" tgrun least 1.00 xargs
			[ $kind = static ] && goal starts "$case" tgrun least 0.80 spawn
		done
	done
}
