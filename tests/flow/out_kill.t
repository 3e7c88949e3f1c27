# Goal: killed at each point of the way out, at random, or by a power cut: each reply is there with the end of its update or not at all, none is lost,
# each chat's come in order, none twice unsaid, no invoice twice. The long form is tests/torture/outbox.
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2153,SC2154
case $BUILD in
*asan*)
	echo "1..0 # SKIP has a build of its own, and was run with it already"
	exit 0
	;;
esac
. tests/flow/lib.sh
. tests/torture/outbox_rounds.sh
command -v python3 >/dev/null || skip_all "no python3 to judge"
[ -x build/crash/tgrun ] || { echo "Bail out! no build/crash/tgrun: make build-crash"; exit 1; }
CHATS=${CHATS:-30} SEED=${SEED:-1}

kills $OUT_POINTS random random random random random random
is "$reached" " $OUT_POINTS " "each named point was reached, and killed"

# The power goes. What had been sent by then is known, and what is sent when tgrun starts on what the disk may hold.
STATES=${STATES:-45}
TGRUN=$PWD/$BUILD/tgrun REAL_TGRUN=$PWD/$BUILD/tgrun
TOOL=$PWD/$BUILD/tools/powerloss
handler shop <<'EOT'
#!/bin/sh
printf '{"method":"sendInvoice","title":"t","description":"d","payload":"%s","currency":"XTR","prices":[{"label":"a","amount":1}]}\n' "$TG_TEXT"
printf '{"method":"sendMessage","text":"%s"}\n' "$TG_TEXT"
EOT
shop() { start_tgrun --reply api --rate chat=0,bulk=0 --concurrency 4 "$@" -- "$TMP/shop"; }
anew --no-penalties
mkdir -m 700 "$TMP/state"
generate 60 6
LD_PRELOAD=$TOOL.so POWERLOSS_DIR=$TMP/state POWERLOSS_LOG=$TMP/changes shop --limit 7 --poll-timeout 1
wait_for all_sent
stop_tgrun
count=$("$TOOL" count "$TMP/changes")
is "$STATUS $("$TOOL" sent "$TMP/changes" "$count" | sort -u | wc -l)" "0 60" "sixty invoices and as many messages are noted with every change of the state directory"
machine MACHINE_SPEED=50
unstarted='' doubled='' again=0 i=0
while [ "$i" -lt "$STATES" ]; do
	n=$((i * count / (STATES - 1)))
	case $((i % 3)) in
	0) how=keep ;;
	1) how=drop ;;
	2) how=$((SEED + i)) ;;
	esac
	rm -rf "$TMP/state"
	"$TOOL" make "$TMP/changes" $n $how "$TMP/state" || unstarted="$unstarted (no state: $n $how)"
	before=$(stats .deliveries)
	shop --once
	wait_tgrun
	[ "$STATUS" = 0 ] || unstarted="$unstarted ($n $how: $STATUS)"
	calls 'select(.status == 200 and (.method | startswith("send"))) | "\(.params.chat_id):\(.params.payload // "text \(.params.text)")"' | tail -n +$((before + 1)) >"$TMP/after"
	again=$((again + $(wc -l <"$TMP/after")))
	doubled=$doubled$("$TOOL" sent "$TMP/changes" $n | sort -u | cat - "$TMP/after" | sort | uniq -d | sed "s/.*/ (& at $n $how)/")
	i=$((i + 1))
done
machine
is "$unstarted" "" "tgrun starts on each of $STATES states that a disk may leave"
is "$doubled" "" "… no invoice is sent that had been sent, and no reply twice: it stands with the end of its update"
ok '[ "$again" -gt "$STATES" ]' "… there was something left to send ($again)"
done_testing
